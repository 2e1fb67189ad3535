/* SPDX-License-Identifier: MIT */
/* The pictures of the host's sessions: grey surfaces, dark where the session is locked.  No two
 * sessions have the same one: its comment names the session, and width and shade depend on its id.
 */
#include "host.h"

#include <stdio.h>
#include <string.h>

enum { SHADES = 64, BLOCK = 8 };

static void add_bytes(struct text *out, const unsigned char *bytes, size_t size)
{
    text_add(out, (const char *) bytes, size);
}

#define ADD(out, ...) \
    add_bytes((out), (const unsigned char[]){__VA_ARGS__}, \
              sizeof(const unsigned char[]){__VA_ARGS__})

/* A comment, the one quantization table, the frame, two Huffman tables: 0 is "as the block before",
 * or "and nothing more"; 10 is "another shade", of seven bits. */
static void add_head(struct text *out, const char *comment, unsigned width, unsigned height)
{
    size_t length = strlen(comment) + 2;

    ADD(out, 0xFF, 0xD8, 0xFF, 0xFE, (unsigned char) (length >> 8), (unsigned char) length);
    text_add(out, comment, length - 2);
    ADD(out, 0xFF, 0xDB, 0, 67, 0);
    for (int i = 0; i < 64; i++) {
        ADD(out, BLOCK);
    }
    ADD(out, 0xFF, 0xC0, 0, 11, 8, (unsigned char) (height >> 8), (unsigned char) height,
        (unsigned char) (width >> 8), (unsigned char) width, 1, 1, 0x11, 0);
    ADD(out, 0xFF, 0xC4, 0, 21, 0x00, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7);
    ADD(out, 0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    ADD(out, 0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 63, 0);
}

/* The first block has the shade, the others are as the one before: two bits of 0 each. */
static void add_surface(struct text *out, unsigned blocks, int shade)
{
    unsigned bits = 2u << 8 | (unsigned) (shade > 0 ? shade : shade + 127) << 1; /* ten of them */
    size_t left = 2 * (size_t) (blocks - 1) - 6; /* without those that fill the second byte */

    ADD(out, (unsigned char) (bits >> 2), (unsigned char) (bits << 6));
    for (; left >= 8; left -= 8) {
        ADD(out, 0);
    }
    if (left > 0) {
        ADD(out, (unsigned char) (0xFF >> left));
    }
    ADD(out, 0xFF, 0xD9);
}

static void draw(const struct session *session, unsigned size, struct text *out)
{
    unsigned width = (12 + (unsigned) (session->id % 5)) * BLOCK << size, height = 64u << size;
    int shade = SHADES + (int) (session->id * 5 % SHADES);
    char comment[96];

    snprintf(comment, sizeof comment, "session %llu of %.48s, size %u",
             (unsigned long long) session->id, session->host->name, size);
    add_head(out, comment, width, height);
    add_surface(out, width / BLOCK * (height / BLOCK), session->flags & LOCKED ? -shade : shade);
    while (session->picture > 0 && out->length < (size_t) session->picture) {
        ADD(out, 0); /* behind its end, where nobody looks */
    }
}

static void add_base64(struct text *out, const char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        unsigned char byte[3] = {0};
        char four[4];
        size_t count = size - i < 3 ? size - i : 3;
        memcpy(byte, data + i, count);
        uint32_t bits = (uint32_t) byte[0] << 16 | (uint32_t) byte[1] << 8 | byte[2];
        for (size_t k = 0; k < 4; k++) {
            four[k] = k > count ? '=' : digits[bits >> (18 - 6 * k) & 63];
        }
        text_add(out, four, sizeof four);
    }
}

void picture_add(const struct session *session, unsigned size, struct text *out)
{
    struct text picture = {.data = NULL};

    draw(session, size, &picture);
    add_base64(out, picture.data, picture.length);
    text_free(&picture);
}
