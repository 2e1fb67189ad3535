/* SPDX-License-Identifier: MIT */
/* text.c - UTF-16, which the session API uses. */
#include <stdlib.h>

#include "wts.h"

enum { REPLACEMENT = 0xFFFD };

static bool is_first_half(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_second_half(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* ---- to UTF-8 -------------------------------------------------------------------------------- */

static size_t put_utf8(char *room, uint32_t point)
{
    if (point < 0x80) {
        room[0] = (char) point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    room[0] = (char) (leads[more] | point >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        room[i] = (char) (0x80 | (point >> (6 * (more - i)) & 0x3F));
    }
    return more + 1;
}

size_t wts_utf8(char *room, const WCHAR *text, size_t most)
{
    size_t length = 0;

    for (size_t i = 0; i < most && text[i]; i++) {
        uint32_t point = (uint16_t) text[i];
        if (is_first_half(point) && i + 1 < most && is_second_half((uint16_t) text[i + 1])) {
            point = 0x10000 + ((point - 0xD800) << 10) + ((uint16_t) text[++i] - 0xDC00u);
        } else if (is_first_half(point) || is_second_half(point)) {
            point = REPLACEMENT;
        }
        length += put_utf8(room + length, point);
    }
    room[length] = '\0';
    return length;
}

size_t wts_length(const WCHAR *text)
{
    for (size_t i = 0; i <= WTS_TEXT_MAX; i++) {
        if (!text[i]) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* ---- from UTF-8 ------------------------------------------------------------------------------ */

/* Decodes the next character of valid UTF-8, and advances *text. */
static uint32_t take_utf8(const unsigned char **text)
{
    const unsigned char *p = *text;
    uint32_t point = *p++;

    if (point >= 0x80) {
        size_t more = point >= 0xF0 ? 3 : point >= 0xE0 ? 2 : 1;
        point &= 0x3Fu >> more;
        while (more-- > 0 && *p) {
            point = point << 6 | (*p++ & 0x3Fu);
        }
    }
    *text = p;
    return point;
}

WCHAR *wts_utf16(const char *text, size_t *ret_length)
{
    const unsigned char *p = (const unsigned char *) text;
    size_t size = 1, length = 0;

    for (const char *q = text; *q;
         q++) { /* a byte of UTF-8 never yields more than one unit of UTF-16 */
        size++;
    }
    WCHAR *units = malloc(size * sizeof *units);
    if (!units) {
        return NULL;
    }
    while (*p) {
        uint32_t point = take_utf8(&p);
        if (point >= 0x10000) {
            units[length++] = (WCHAR) (0xD800 + ((point - 0x10000) >> 10));
            point = 0xDC00 + ((point - 0x10000) & 0x3FF);
        }
        units[length++] = (WCHAR) point;
    }
    units[length] = 0;
    *ret_length = length;
    return units;
}
