/* SPDX-License-Identifier: MIT */
/* log.c - the embedded host's log of what it was asked. */
#include <string.h>

#include "core/base.h"
#include "memory/state.h"

enum { LOG_MAX = 65536 };

/* Frees the strings of an entry of the log, which owns them. */
static void entry_clear(const wms_memory *host, const struct wms_memory_entry *entry)
{
    char *id, *message, *title;

    memcpy(&id, &entry->id.text, sizeof id);
    memcpy(&message, &entry->message, sizeof message);
    memcpy(&title, &entry->title, sizeof title);
    wms_free(host->engine, id);
    wms_free(host->engine, message);
    wms_free(host->engine, title);
}

/* Copies a string that may be NULL.  False: out of memory. */
static bool copy(const wms_memory *host, const char *text, const char **ret_copy)
{
    *ret_copy = text ? wms_copy(host->engine, text) : NULL;
    return *ret_copy || !text;
}

static int entry_copy(const wms_memory *host, const struct wms_memory_entry *from,
                      struct wms_memory_entry *ret_entry)
{
    *ret_entry = *from;
    bool id = copy(host, from->id.text, &ret_entry->id.text);
    bool message = copy(host, from->message, &ret_entry->message);
    bool title = copy(host, from->title, &ret_entry->title);

    if (id && message && title) {
        return 0;
    }
    entry_clear(host, ret_entry);
    return WMS_E_NO_MEMORY;
}

/* For one entry more; at LOG_MAX the oldest one gives way instead.  Errors: NO_MEMORY. */
static int make_room(wms_memory *host)
{
    if (host->log_count < host->log_capacity || host->log_capacity == LOG_MAX) {
        return 0;
    }
    size_t capacity = host->log_capacity ? host->log_capacity * 2 : 16;
    struct wms_memory_entry *more = wms_resize(host->engine, host->log, capacity * sizeof *more);
    if (!more) {
        return WMS_E_NO_MEMORY;
    }
    host->log = more;
    host->log_capacity = capacity;
    return 0;
}

int wms_memory_note(wms_memory *host, const struct wms_memory_entry *asked)
{
    struct wms_memory_entry entry;
    int error = make_room(host);

    error = error ? error : entry_copy(host, asked, &entry);
    if (error) {
        return error;
    }
    if (host->log_count == LOG_MAX) {
        entry_clear(host, &host->log[host->log_first]);
        host->log[host->log_first] = entry;
        host->log_first = (host->log_first + 1) % LOG_MAX;
    } else {
        host->log[host->log_count++] = entry;
    }
    return 0;
}

size_t wms_memory_log_count(const wms_memory *host)
{
    return host->log_count;
}

int wms_memory_log_sized(const wms_memory *host, size_t index, struct wms_memory_entry *ret_entry,
                         size_t size)
{
    if (index >= host->log_count) {
        return WMS_E_NOT_FOUND;
    }
    wms_give(ret_entry, size, &host->log[(host->log_first + index) % host->log_capacity],
             sizeof *ret_entry);
    return 0;
}

void wms_memory_log_clear(wms_memory *host)
{
    for (size_t i = 0; i < host->log_count; i++) {
        entry_clear(host, &host->log[i]);
    }
    wms_free(host->engine, host->log);
    host->log = NULL;
    host->log_count = host->log_capacity = host->log_first = 0;
}
