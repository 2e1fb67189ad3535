/* log.c - what the embedded host was asked. */
#include <string.h>

#include "memory/state.h"

enum { LOG_MAX = 65536 };

static void *allocate(const wms_memory *host, void *block, size_t size)
{
    return host->services->resize(host->engine, block, size);
}

static char *copy(const wms_memory *host, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    char *block = size ? allocate(host, NULL, size) : NULL;

    return block ? memcpy(block, text, size) : NULL;
}

static void entry_clear(const wms_memory *host, const struct wms_memory_entry *entry)
{
    char *id, *message, *title;

    memcpy(&id, &entry->id.text, sizeof id);
    memcpy(&message, &entry->message, sizeof message);
    memcpy(&title, &entry->title, sizeof title);
    allocate(host, id, 0);
    allocate(host, message, 0);
    allocate(host, title, 0);
}

/* Of a string that may be none. */
static bool is_copy(const char *copied, const char *from)
{
    return !copied == !from;
}

static int entry_copy(const wms_memory *host, const struct wms_memory_entry *from, struct wms_memory_entry *ret_entry)
{
    *ret_entry = *from;
    ret_entry->id.text = copy(host, from->id.text);
    ret_entry->message = copy(host, from->message);
    ret_entry->title = copy(host, from->title);
    if (is_copy(ret_entry->id.text, from->id.text) && is_copy(ret_entry->message, from->message) &&
        is_copy(ret_entry->title, from->title)) {
        return 0;
    }
    entry_clear(host, ret_entry);
    return WMS_E_NO_MEMORY;
}

static int make_room(wms_memory *host)
{
    if (host->log_count < host->log_capacity || host->log_capacity == LOG_MAX) {
        return 0;
    }
    size_t capacity = host->log_capacity ? host->log_capacity * 2 : 16;
    struct wms_memory_entry *more = allocate(host, host->log, capacity * sizeof *more);
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

int wms_memory_log_sized(const wms_memory *host, size_t index, struct wms_memory_entry *ret_entry, size_t size)
{
    if (index >= host->log_count) {
        return WMS_E_NOT_FOUND;
    }
    wms_give(ret_entry, size, &host->log[(host->log_first + index) % host->log_capacity], sizeof *ret_entry);
    return 0;
}

void wms_memory_log_clear(wms_memory *host)
{
    for (size_t i = 0; i < host->log_count; i++) {
        entry_clear(host, &host->log[i]);
    }
    allocate(host, host->log, 0);
    host->log = NULL;
    host->log_count = host->log_capacity = host->log_first = 0;
}
