/* SPDX-License-Identifier: MIT */
/* base.h - the ground of the core: memory, texts for a person, what is wrong with an argument. */
#ifndef WMS_CORE_BASE_H
#define WMS_CORE_BASE_H

#include <wms.h>
#include <wms/provider.h>

/* What every part of an engine needs; the first member of struct wms_engine. */
struct wms_base {
    struct wms_alloc alloc;
    wms_log log;
    void *log_data;
    bool asking; /* a guard or a log of the program's runs: it may call nothing of the engine */
    char complaint[1024]; /* what was wrong last with an argument, or with a file: some tell a path
                           */
};

/* Memory of the engine's; wms_zalloc() clears it. NULL: out of memory.  wms_free(NULL) is nothing.
 */
void *wms_resize(wms_engine *engine, void *block, size_t size);
void *wms_zalloc(wms_engine *engine, size_t size);
void wms_free(wms_engine *engine, void *block);
/* For what has held a secret. */
void wms_free_wiped(wms_engine *engine, void *block, size_t size);
char *wms_copy(wms_engine *engine, const char *text);
/* For texts that are one line for a person: puts question marks in place of control characters,
 * which came from a host. */
void wms_one_line(char *text);
/* One line. */
char *wms_print(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NO_MEMORY or INTERNAL, for an errno of the system's. */
int wms_system_error(int error);

/* One line for the program's log, if it has one. */
void wms_say(wms_engine *engine, enum wms_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts one line into the engine's complaint; returns INVALID. */
int wms_complain(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
