/* SPDX-License-Identifier: MIT */
/* errortext.h - the system's text for an errno, from any thread. */
#ifndef WMS_ERRORTEXT_H
#define WMS_ERRORTEXT_H

#include <string.h>

/* strerror_r() returns a text with the GNU C library.  With others, such as musl, it returns a
 * number, and the text is in the buffer. */
static inline const char *wms_text_of_text(const char *result, const char *buffer)
{
    return result ? result : buffer;
}

static inline const char *wms_text_of_number(int result, const char *buffer)
{
    return result ? "unknown error" : buffer;
}

/* `buffer` is an array. */
#define ERROR_TEXT(number, buffer) \
    _Generic(strerror_r(number, buffer, sizeof(buffer)), int \
             : wms_text_of_number, default \
             : wms_text_of_text)(strerror_r(number, buffer, sizeof(buffer)), buffer)

#endif
