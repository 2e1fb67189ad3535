/* SPDX-License-Identifier: MIT */
/* name.c - the names of embedded hosts: which are allowed, and whose they are. */
#include <string.h>
#include <strings.h>

#include "core/hash.h"
#include "memory/state.h"

enum { NAME_MAX_LENGTH = 200 };

static bool has_name(const struct wms_entry *entry, const void *name)
{
    return strcasecmp(((const wms_memory *) entry)->name, name) == 0;
}

uint64_t wms_memory_name_hash(const wms_engine *engine, const char *name)
{
    char folded[NAME_MAX_LENGTH];
    size_t length = strnlen(name, sizeof folded);

    for (size_t i = 0; i < length; i++) { /* host names do not depend on case */
        folded[i] = (char) (name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    return wms_hash(wms_engine_key(engine), folded, length);
}

wms_memory *wms_memory_named(const struct wms_memory_registry *registry, const wms_engine *engine,
                             const char *name)
{
    return (wms_memory *) wms_table_find(&registry->names, wms_memory_name_hash(engine, name),
                                         has_name, name);
}

int wms_memory_name_check(wms_engine *engine, const struct wms_memory_registry *registry,
                          const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_LENGTH || *name == '-' || name[length - 1] == '.' ||
        strspn(name, letters) != length) {
        wms_engine_complain(
            engine,
            "name: no host name; give letters, digits, '.', '_' and '-', not beginning with '-' "
            "and not ending with '.'");
        return WMS_E_INVALID;
    }
    if (wms_memory_named(registry, engine, name)) {
        wms_engine_complain(
            engine,
            "name: there is an embedded host of that name; give another, or close that one");
        return WMS_E_INVALID;
    }
    return 0;
}
