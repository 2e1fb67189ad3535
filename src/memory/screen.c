/* SPDX-License-Identifier: MIT */
/* screen.c - what an embedded host shows of a session's screen: the picture that the program has
 * given it, or one that is made up. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base.h"
#include "core/target.h"
#include "memory/pictures.h"
#include "memory/state.h"

int wms_memory_picture(wms_memory *host, const wms_id *id, const void *data, size_t size)
{
    wms_id plain = *id;
    char complaint[128];
    struct wms_memory_record *record =
        wms_id_check(&plain, complaint, sizeof complaint) ? NULL : wms_memory_find(host, &plain);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    void *copy = data && size > 0 ? wms_resize(host->engine, NULL, size) : NULL;
    if (data && size > 0 && !copy) {
        return WMS_E_NO_MEMORY;
    }
    wms_free(host->engine, record->picture);
    record->picture = copy ? memcpy(copy, data, size) : NULL;
    record->picture_size = copy ? size : 0;
    record->is_blank = data && size == 0;
    return 0;
}

/* ---- pictures that are made up --------------------------------------------------------------- */

enum { COMMENT_MAX = 256, COMMENT_HEAD = 4, SOI = 2 };

/* Writes the comment of a JPEG (its marker COM), which tells whose picture it is: no two sessions
 * have the same one.  Returns how many bytes it has. */
static size_t write_comment(const struct wms_memory_record *record,
                            unsigned char comment[COMMENT_HEAD + COMMENT_MAX])
{
    const wms_session *facts = &record->facts;
    char id[WMS_ID_PRINTED], *text = (char *) comment + COMMENT_HEAD;

    int length = snprintf(text, COMMENT_MAX, "memory://%.60s session %s of %.60s, %.16s",
                          record->host->name, wms_id_print(&facts->id, id, sizeof id),
                          facts->user_name ? facts->user_name : "nobody", facts->identity);
    length = length < COMMENT_MAX ? length : COMMENT_MAX - 1;
    comment[0] = 0xFF;
    comment[1] = 0xFE;
    comment[2] = (unsigned char) ((length + 2) >> 8);
    comment[3] = (unsigned char) ((length + 2) & 0xFF);
    return (size_t) length + COMMENT_HEAD;
}

/* Chooses the colour of the wallpaper by the session's user, or its id. */
static void paint(unsigned char *jpeg, const struct wms_made_picture *made,
                  const wms_session *facts)
{
    static const unsigned char colours[][2] = {{40, 8},  {32, 16}, {24, 24}, {16, 32},
                                               {44, 20}, {28, 8},  {20, 12}, {36, 28}};
    unsigned sum = facts->user_name ? 0 : facts->id.number;

    for (const char *at = facts->user_name; at && *at; at++) {
        sum = sum * 31 + (unsigned char) *at;
    }
    const unsigned char *colour = colours[sum % (sizeof colours / sizeof *colours)];
    jpeg[made->cb] = colour[0];
    jpeg[made->cr] = colour[1];
}

static int make_up(const struct wms_memory_record *record, struct wms_op *op)
{
    const wms_memory *host = record->host;
    const struct wms_made_picture *made =
        &wms_made_pictures[record->facts.locked == 1][op->thumbnail_size];
    unsigned char comment[COMMENT_HEAD + COMMENT_MAX];
    size_t length = write_comment(record, comment);
    unsigned char *jpeg = wms_resize(host->engine, NULL, made->size + length);

    if (!jpeg) {
        return WMS_E_NO_MEMORY;
    }
    memcpy(jpeg, made->data, SOI);
    memcpy(jpeg + SOI, comment, length);
    memcpy(jpeg + SOI + length, made->data + SOI, made->size - SOI);
    paint(jpeg + length, made, &record->facts);
    int error = host->services->thumbnail(op, jpeg, made->size + length);
    wms_free(host->engine, jpeg);
    return error;
}

int wms_memory_show(const struct wms_memory_record *record, struct wms_op *op)
{
    const char *state = record->facts.state;

    if (record->is_blank || (state && strcasecmp(state, "disconnected") == 0)) {
        return 0;
    }
    return record->picture
               ? record->host->services->thumbnail(op, record->picture, record->picture_size)
               : make_up(record, op);
}
