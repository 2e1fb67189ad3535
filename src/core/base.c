/* SPDX-License-Identifier: MIT */
/* base.c - memory, texts for a person, and the complaint: the lowest layer of the core, which uses
 * no other part of it. */
#include "core/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* struct wms_base is the first member of struct wms_engine: see state.h. */
static struct wms_base *base_of(wms_engine *engine)
{
    return (struct wms_base *) engine;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *malloc_resize(void *data, void *block, size_t size)
{
    (void) data;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

const struct wms_alloc wms_standard_alloc = {malloc_resize, NULL};

void *wms_resize(wms_engine *engine, void *block, size_t size)
{
    const struct wms_alloc *alloc = &base_of(engine)->alloc;

    return block || size ? alloc->resize(alloc->data, block, size) : NULL;
}

void *wms_zalloc(wms_engine *engine, size_t size)
{
    void *block = wms_resize(engine, NULL, size);

    return block ? memset(block, 0, size) : NULL;
}

void wms_free(wms_engine *engine, void *block)
{
    if (block) {
        wms_resize(engine, block, 0);
    }
}

void wms_free_wiped(wms_engine *engine, void *block, size_t size)
{
    if (block) {
        explicit_bzero(block, size);
        wms_free(engine, block);
    }
}

char *wms_copy(wms_engine *engine, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wms_resize(engine, NULL, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

double wms_wall_clock(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

int wms_system_error(int error)
{
    return error == ENOMEM ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* The length in bytes of the control character that `text` (UTF-8) begins with; 0: it is none.
 * Unicode's line and paragraph separators (U+2028, U+2029) count as control characters.
 */
static size_t control_size(const unsigned char *text)
{
    if (text[0] < 0x20 || text[0] == 0x7f) {
        return 1;
    }
    if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0) {
        return 2;
    }
    return text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9) ? 3 : 0;
}

void wms_one_line(char *text)
{
    while (*text) {
        size_t size = control_size((const unsigned char *) text);
        memset(text, '?', size);
        text += size ? size : 1;
    }
}

char *wms_print(wms_engine *engine, const char *format, ...)
{
    va_list arguments, again;
    char *text = NULL;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0) {
        text = wms_resize(engine, NULL, (size_t) length + 1);
        if (text) {
            vsnprintf(text, (size_t) length + 1, format, again);
            wms_one_line(text);
        }
    }
    va_end(again);
    va_end(arguments);
    return text;
}

void wms_say(wms_engine *engine, enum wms_level level, const char *format, ...)
{
    struct wms_base *base = base_of(engine);
    char line[1024];
    va_list arguments;

    if (!base->log || base->asking) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    wms_one_line(line);
    base->asking = true;
    base->log(base->log_data, level, line);
    base->asking = false;
}

int wms_complain(wms_engine *engine, const char *format, ...)
{
    struct wms_base *base = base_of(engine);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(base->complaint, sizeof base->complaint, format, arguments);
    va_end(arguments);
    wms_one_line(base->complaint);
    return WMS_E_INVALID;
}

void wms_engine_complain(wms_engine *engine, const char *text)
{
    wms_complain(engine, "%s", text);
}

const char *wms_engine_complaint(const wms_engine *engine)
{
    return ((const struct wms_base *) engine)->complaint;
}
