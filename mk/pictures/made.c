/* SPDX-License-Identifier: MIT */
/* made.c - draws the pictures that an embedded host makes up for its sessions, and prints them as
 * C:
 *
 *     cc -o made mk/pictures/made.c -ljpeg && ./made > src/memory/pictures.c && clang-format -i ...
 *
 * They are progressive, since a plain surface takes a few bytes then.  The wallpaper is the one
 * thing in colour, and Cb and Cr have a quantization table each: so the two bytes by which their
 * constant parts are multiplied choose its colour, without the picture being drawn anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { LUMA = 0, CB = 1, CR = 2, CHROMA_DC = 16, TINT = 16 };

static const struct {
    const char *name;
    int width, height;
} sizes[] = {{"SMALL", 96, 60}, {"MEDIUM", 192, 120}, {"LARGE", 384, 240}, {"FULL", 768, 480}};

static unsigned char image[480][768][3];
static int width, height;

/* A rectangle, in cells: a picture has 48 x 30 of them, of 2 x 2 to 16 x 16 pixels, so that most
 * edges are those of the blocks that a JPEG is made of. */
static void fill(int left, int top, int right, int bottom, int luma, int tint)
{
    int cell = width / 48;

    for (int y = top * cell; y < bottom * cell; y++) {
        for (int x = left * cell; x < right * cell; x++) {
            image[y][x][0] = (unsigned char) luma;
            image[y][x][1] = (unsigned char) (128 + tint);
            image[y][x][2] = (unsigned char) (128 - tint);
        }
    }
}

static void draw(int locked)
{
    fill(0, 0, 48, 30, locked ? 62 : 132, TINT);
    if (locked) {
        fill(21, 9, 27, 11, 205, 0); /* a padlock */
        fill(21, 11, 23, 15, 205, 0);
        fill(25, 11, 27, 15, 205, 0);
        fill(19, 15, 29, 22, 205, 0);
        fill(23, 17, 25, 20, 70, 0);
        return;
    }
    fill(0, 28, 48, 30, 40, 0); /* a task bar */
    fill(1, 29, 3, 30, 150, 0);
    fill(4, 29, 6, 30, 110, 0);
    fill(6, 4, 34, 24, 238, 0); /* a window */
    fill(6, 4, 34, 6, 90, 0);
    for (int line = 0; line < 6; line++) {
        fill(8, 8 + 2 * line, 17 + line * 5 % 13, 9 + 2 * line, 165, 0);
    }
    fill(28, 16, 44, 26, 214, 0); /* and another one */
    fill(28, 16, 44, 18, 115, 0);
}

static size_t compress(unsigned char **data)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned table[64];
    unsigned long size = 0;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    *data = NULL;
    jpeg_mem_dest(&jpeg, data, &size);
    jpeg.image_width = (JDIMENSION) width;
    jpeg.image_height = (JDIMENSION) height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&jpeg);
    for (int i = 0; i < 64; i++) {
        table[i] = i == 0 ? 8 : 40;
    }
    jpeg_add_quant_table(&jpeg, LUMA, table, 100, TRUE);
    for (int i = 0; i < 64; i++) {
        table[i] = i == 0 ? CHROMA_DC : 24;
    }
    jpeg_add_quant_table(&jpeg, CB, table, 100, TRUE);
    jpeg_add_quant_table(&jpeg, CR, table, 100, TRUE);
    jpeg.comp_info[2].quant_tbl_no = CR;
    jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = image[y][0];
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return size;
}

/* Where the multiplier of the constant part of this table stands. */
static size_t find_table(const unsigned char *data, size_t size, int table)
{
    for (size_t at = 2; at + 5 < size;) {
        size_t length = (size_t) data[at + 2] << 8 | data[at + 3];
        if (data[at + 1] == 0xDB && length == 67 && data[at + 4] == table) {
            return at + 5;
        }
        at += 2 + length;
    }
    abort();
}

int main(void)
{
    puts("/* SPDX-License-Identifier: MIT */\n/* pictures.c - the pictures that are made up: "
         "printed "
         "by mk/pictures/made.c. */\n#include \"memory/pictures.h\"\n\n/* "
         "clang-format off */\n");
    for (int locked = 0; locked < 2; locked++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *data;
            width = sizes[i].width;
            height = sizes[i].height;
            draw(locked);
            size_t size = compress(&data);
            fprintf(stderr, "%s %s: %zu bytes\n", locked ? "locked" : "open", sizes[i].name, size);
            printf("static const unsigned char picture_%d_%zu[] = {", locked, i);
            for (size_t at = 0; at < size; at++) {
                printf("%s%d", at == 0 ? "" : at % 28 ? "," : ",\n", data[at]);
            }
            puts("};\n");
            free(data);
        }
    }
    puts("const struct wms_made_picture wms_made_pictures[2][4] = {");
    for (int locked = 0; locked < 2; locked++) {
        puts("{");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *data;
            width = sizes[i].width;
            height = sizes[i].height;
            draw(locked);
            size_t size = compress(&data);
            printf("[WMS_THUMBNAIL_%s] = {picture_%d_%zu, %zu, %zu, %zu},\n", sizes[i].name, locked,
                   i, size, find_table(data, size, CB), find_table(data, size, CR));
            free(data);
        }
        puts("},");
    }
    puts("};\n/* clang-format on */");
    return 0;
}
