/* SPDX-License-Identifier: MIT */
/* text.c - UTF-8, UTF-16. */
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

enum { REPLACEMENT = 0xFFFD, LAST = 0x10FFFF };

static bool is_surrogate(uint32_t character)
{
    return character >= 0xD800 && character < 0xE000;
}

/* How many bytes follow a first byte of UTF-8; *ret_bits: its bits of the character. -1: it is no
 * first byte. */
static int begin(unsigned char first, uint32_t *ret_bits)
{
    if (first < 0x80) {
        *ret_bits = first;
        return 0;
    }
    if ((first & 0xE0) == 0xC0) {
        *ret_bits = first & 0x1F;
        return 1;
    }
    if ((first & 0xF0) == 0xE0) {
        *ret_bits = first & 0x0F;
        return 2;
    }
    if ((first & 0xF8) == 0xF0) {
        *ret_bits = first & 0x07;
        return 3;
    }
    return -1;
}

/* Decodes the character at *place, and advances that; a byte that belongs to none yields U+FFFD,
 * and sets *ret_bad. */
static uint32_t decode(const char **place, const char *end, bool *ret_bad)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *) *place;
    uint32_t character;
    int more = begin(bytes[0], &character);
    bool good = more >= 0 && more < end - *place;

    for (int i = 1; good && i <= more; i++) {
        good = (bytes[i] & 0xC0) == 0x80;
        character = character << 6 | (bytes[i] & 0x3F);
    }
    good = good && character >= least[more] && character <= LAST && !is_surrogate(character);
    *place += good ? more + 1 : 1;
    *ret_bad = *ret_bad || !good;
    return good ? character : REPLACEMENT;
}

/* Writes a character in UTF-8; returns how many bytes. */
static size_t encode8(uint32_t character, unsigned char bytes[4])
{
    if (character < 0x80) {
        bytes[0] = (unsigned char) character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        bytes[i] = (unsigned char) (0x80 | (character & 0x3F));
        character >>= 6;
    }
    bytes[0] = (unsigned char) (((0xF00U >> size) & 0xFF) | character);
    return size;
}

/* The same in UTF-16. */
static size_t encode16(uint32_t character, unsigned char bytes[4])
{
    uint16_t units[2] = {(uint16_t) character, 0};
    size_t size = sizeof *units;

    if (character >= 0x10000) {
        units[0] = (uint16_t) (0xD800 + ((character - 0x10000) >> 10));
        units[1] = (uint16_t) (0xDC00 + ((character - 0x10000) & 0x3FF));
        size = sizeof units;
    }
    memcpy(bytes, units, size);
    return size;
}

static size_t encode(uint32_t character, size_t unit, unsigned char bytes[4])
{
    return unit == 2 ? encode16(character, bytes) : encode8(character, bytes);
}

size_t wtsapi_text_size(const char *text, size_t unit)
{
    const char *end = text + strlen(text);
    unsigned char bytes[4];
    size_t size = unit;
    bool bad = false; /* not asked for: it is U+FFFD */

    while (text < end) {
        size += encode(decode(&text, end, &bad), unit, bytes);
    }
    return size;
}

void wtsapi_text_put(void *room, size_t size, size_t unit, const char *text)
{
    const char *end = text + strlen(text);
    unsigned char bytes[4], *place = room, *last = place + size - unit;
    bool bad = false; /* not asked for: it is U+FFFD */

    while (text < end) {
        size_t length = encode(decode(&text, end, &bad), unit, bytes);
        if (length > (size_t) (last - place)) {
            break;
        }
        memcpy(place, bytes, length);
        place += length;
    }
    memset(place, 0, (size_t) (last - place) + unit);
}

/* ---- a caller's ------------------------------------------------------------------------------ */

static DWORD read8(const char *text, size_t size, char *copy)
{
    const char *place = copy, *end = copy + size;
    bool bad = false;

    memcpy(copy, text, size);
    copy[size] = 0;
    while (place < end) {
        decode(&place, end, &bad);
    }
    return bad ? ERROR_NO_UNICODE_TRANSLATION : 0;
}

/* Decodes the character at *place, and advances that; half of a surrogate pair is returned as it
 * is. */
static uint32_t decode16(const uint16_t **place, const uint16_t *end)
{
    uint32_t first = *(*place)++;

    if (first >= 0xD800 && first < 0xDC00 && *place < end && **place >= 0xDC00 &&
        **place < 0xE000) {
        return 0x10000 + ((first - 0xD800) << 10) + (uint32_t) (*(*place)++ - 0xDC00);
    }
    return first;
}

static DWORD read16(const uint16_t *text, size_t count, char *copy)
{
    const uint16_t *end = text + count;

    while (text < end) {
        uint32_t character = decode16(&text, end);
        if (is_surrogate(character)) {
            return ERROR_NO_UNICODE_TRANSLATION;
        }
        copy += encode8(character, (unsigned char *) copy);
    }
    *copy = 0;
    return 0;
}

static size_t length16(const uint16_t *text, size_t most)
{
    size_t count = 0;

    while (count < most && text[count]) {
        count++;
    }
    return count;
}

DWORD wtsapi_text_read(const void *text, size_t size, size_t unit, char **ret_text)
{
    size_t count = unit == 2 ? length16(text, size / 2) : strnlen(text, size);
    /* A unit of UTF-16 takes at most three bytes of UTF-8, each half of a pair two; there is room
     * for 4 bytes more, since encode8() needs room for four.
     */
    char *copy = count < SIZE_MAX / 4 ? malloc(count * (unit == 2 ? 3 : 1) + 4) : NULL;

    if (!copy) {
        return ERROR_OUTOFMEMORY;
    }
    DWORD error = unit == 2 ? read16(text, count, copy) : read8(text, count, copy);
    if (error) {
        free(copy);
        return error;
    }
    *ret_text = copy;
    return 0;
}
