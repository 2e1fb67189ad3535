/* SPDX-License-Identifier: MIT */
/* utf8.h - UTF-8, as small as it gets. */
#ifndef WMS_NATS_UTF8_H
#define WMS_NATS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes (1 to 4) the character at `at` has; 0: there is none, since it is not UTF-8.
 * Overlong forms, surrogates and what is beyond U+10FFFF are not. */
static inline size_t utf8_size(const unsigned char *at, const unsigned char *end)
{
    unsigned char c = *at;
    size_t size = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;

    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4 || (size_t) (end - at) < size) {
        return 0;
    }
    unsigned char low = 0x80, high = 0xbf; /* of the second byte */
    if (c == 0xe0) {
        low = 0xa0;
    } else if (c == 0xed) {
        high = 0x9f;
    } else if (c == 0xf0) {
        low = 0x90;
    } else if (c == 0xf4) {
        high = 0x8f;
    }
    for (size_t i = 1; i < size; i++) {
        if (at[i] < low || at[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return size;
}

/* Writes the character of that number, which is one; returns what is behind it. */
static inline char *utf8_put(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char) code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char) (0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char) (0xe0 | code >> 12);
        } else {
            *to++ = (char) (0xf0 | code >> 18);
            *to++ = (char) (0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char) (0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char) (0x80 | (code & 0x3f));
    return to;
}

#endif
