/* SPDX-License-Identifier: MIT */
/* wide.h - UTF-16 for the specs' programs, by the C library: another way than the library's own. */
#ifndef SPEC_WIDE_H
#define SPEC_WIDE_H

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winpr/wtypes.h>

/* Returns how many bytes of `target` were written. */
__attribute__((unused)) static size_t convert(const char *to, const char *from, const void *text, size_t size, void *target,
                                              size_t room)
{
    iconv_t cd = iconv_open(to, from);
    char *source = malloc(size + 1), *in = source, *out = target;
    size_t left = room;

    if (cd == (iconv_t) -1 || !source) {
        abort();
    }
    memcpy(source, text, size);
    if (iconv(cd, &in, &size, &out, &left) == (size_t) -1) {
        fprintf(stderr, "no %s\n", from);
        abort();
    }
    iconv_close(cd);
    free(source);
    return room - left;
}

/* UTF-8 to UTF-16 with a zero; returns how many bytes without it.  `room` is in characters. */
__attribute__((unused)) static size_t wide_of(const char *text, WCHAR *target, size_t room)
{
    size_t size = convert("UTF-16LE", "UTF-8", text, strlen(text), target, (room - 1) * sizeof *target);

    target[size / sizeof *target] = 0;
    return size;
}

__attribute__((unused)) static const char *narrow_of(const WCHAR *text, char *target, size_t room)
{
    size_t length = 0;

    while (text[length]) {
        length++;
    }
    target[convert("UTF-8", "UTF-16LE", text, length * sizeof *text, target, room - 1)] = 0;
    return target;
}

#endif
