/* log.c - what the embedded host was asked. */
#include <string.h>

#include "memory/host.h"

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

void wms_memory_note(wms_memory *host, const struct wms_memory_entry *asked)
{
    struct wms_memory_entry entry = *asked;

    if (host->log_count == host->log_capacity && host->log_capacity < LOG_MAX) {
        size_t capacity = host->log_capacity ? host->log_capacity * 2 : 16;
        struct wms_memory_entry *more = allocate(host, host->log, capacity * sizeof *more);
        if (!more) {
            return; /* without memory for it, it stays unsaid */
        }
        host->log = more;
        host->log_capacity = capacity;
    }
    entry.id.text = copy(host, asked->id.text);
    entry.message = copy(host, asked->message);
    entry.title = copy(host, asked->title);
    if (host->log_count == LOG_MAX) {
        entry_clear(host, &host->log[host->log_first]);
        host->log[host->log_first] = entry;
        host->log_first = (host->log_first + 1) % LOG_MAX;
    } else {
        host->log[host->log_count++] = entry;
    }
}

size_t wms_memory_log_count(const wms_memory *host)
{
    return host->log_count;
}

int wms_memory_log(const wms_memory *host, size_t index, struct wms_memory_entry *ret_entry)
{
    if (index >= host->log_count) {
        return WMS_E_NOT_FOUND;
    }
    *ret_entry = host->log[(host->log_first + index) % host->log_capacity];
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
