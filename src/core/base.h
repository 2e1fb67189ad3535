/* SPDX-License-Identifier: MIT */
/* base.h - the lowest layer of the core: memory, texts for a person, the complaint about an
 * argument. */
#ifndef WMS_CORE_BASE_H
#define WMS_CORE_BASE_H

#include <wms.h>
#include <wms/provider.h>

/* What every part of an engine needs; the first member of struct wms_engine. */
struct wms_base {
    struct wms_alloc alloc;
    wms_log log;
    void *log_data;
    bool asking; /* a guard or a log callback is running: it may only call wms_engine_wake() */
    char complaint[1024]; /* what was wrong last with an argument, or with a file: it may contain a
                             path */
};

/* malloc(), realloc() and free(): the allocator of an engine whose program gives none. */
extern const struct wms_alloc wms_standard_alloc;

/* Memory from the engine's allocator; wms_zalloc() clears it.  NULL: out of memory.  wms_free()
 * accepts NULL.
 */
void *wms_resize(wms_engine *engine, void *block, size_t size);
void *wms_zalloc(wms_engine *engine, size_t size);
void wms_free(wms_engine *engine, void *block);
/* Wipes `size` bytes before it frees: for memory that has held a secret. */
void wms_free_wiped(wms_engine *engine, void *block, size_t size);
char *wms_copy(wms_engine *engine, const char *text);
/* Makes a text for a person one line: replaces control characters, which may come from a host, by
 * question marks. */
void wms_one_line(char *text);
/* A formatted text of one line; the caller frees it with wms_free().  NULL: out of memory. */
char *wms_print(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds since 1970. */
double wms_wall_clock(void);

/* The code for an errno: NO_MEMORY or INTERNAL. */
int wms_system_error(int error);

/* Passes one line to the program's log callback, if there is one. */
void wms_say(wms_engine *engine, enum wms_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts one line into the engine's complaint; returns INVALID. */
int wms_complain(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
