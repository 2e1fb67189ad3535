/* SPDX-License-Identifier: MIT */
/* registry.c - the embedded hosts of an engine: its provider, which owns them all, and how each is
 * made and freed. */
#include <string.h>

#include "core/abi.h"
#include "core/base.h"
#include "core/parts.h"
#include "memory/state.h"

/* ---- the provider ---------------------------------------------------------------------------- */

/* The engine goes, after all connections: frees the hosts that are left, and the registry. */
static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine);

/* The engine's registry, made and registered if there is none.  The engine owns it, until it calls
 * retire().  Errors: NO_MEMORY. */
static int get_registry(wms_engine *engine, struct wms_memory_registry **ret_registry)
{
    const struct wms_provider *provider = wms_engine_registered(engine, wms_memory_provider.name);

    if (provider) {
        const void *found = provider;
        memcpy(ret_registry, &found, sizeof found);
        return 0;
    }
    struct wms_memory_registry *registry = wms_zalloc(engine, sizeof *registry);
    if (!registry) {
        return WMS_E_NO_MEMORY;
    }
    registry->provider = wms_memory_provider;
    registry->provider.retire = retire;
    node_init(&registry->hosts);
    int error = wms_engine_register(engine, &registry->provider);
    if (error) {
        wms_free(engine, registry);
        return error;
    }
    *ret_registry = registry;
    return 0;
}

int wms_memory_register(wms_engine *engine)
{
    struct wms_memory_registry *registry;

    return get_registry(engine, &registry);
}

/* ---- a host ---------------------------------------------------------------------------------- */

int wms_memory_new_sized(wms_engine *engine, const char *name,
                         const struct wms_memory_options *options, size_t size,
                         wms_memory **ret_host)
{
    struct wms_memory_registry *registry = NULL;
    int error = get_registry(engine, &registry);

    error = error ? error : wms_memory_name_check(engine, registry, name);
    if (error) {
        return error;
    }
    wms_memory *host = wms_zalloc(engine, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    host->registry = registry;
    host->engine = engine;
    host->services = wms_engine_services();
    host->refs = 1;
    node_init(&host->sessions);
    node_init(&host->connections);
    node_init(&host->watchers);
    host->options.relock_after = -1;
    wms_take(&host->options, sizeof host->options, options, options ? size : 0);
    host->name = wms_copy(engine, name);
    if (!host->name ||
        wms_table_add(&registry->names, engine, &host->entry, wms_memory_name_hash(engine, name))) {
        wms_free(engine, host->name);
        wms_free(engine, host);
        return WMS_E_NO_MEMORY;
    }
    node_prepend(&registry->hosts, &host->node);
    wms_engine_ref(engine);
    *ret_host = host;
    return 0;
}

/* There are no sessions and no connections left, and its name is out of the table. */
static void host_free(wms_memory *host)
{
    wms_engine *engine = host->engine;

    node_remove(&host->node);
    wms_memory_log_clear(host);
    wms_table_close(&host->records, engine);
    wms_free(engine, host->name);
    wms_free(engine, host);
}

void wms_memory_close(wms_memory *host)
{
    if (!host->closed) {
        host->closed = true;
        wms_table_remove(&host->registry->names, host->engine, &host->entry);
        wms_memory_break(host, WMS_E_UNREACHABLE);
        wms_memory_empty(host);
        wms_engine_step_aside(host->engine);
    }
}

wms_memory *wms_memory_unref(wms_memory *host)
{
    if (!host || --host->refs > 0) {
        return NULL;
    }
    wms_engine *engine = host->engine;
    if (host->closed &&
        node_alone(&host->connections)) { /* else the registry frees it, in retire() */
        host_free(host);
    }
    wms_engine_unref(engine);
    return NULL;
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    struct wms_memory_registry *registry;

    (void) services;
    memcpy(&registry, &self, sizeof registry); /* `self` is its first member, as a const */
    while (!node_alone(&registry->hosts)) {
        wms_memory *host = NODE_OWNER(registry->hosts.next, wms_memory, node);
        wms_memory_empty(host);
        host_free(host);
    }
    wms_table_close(&registry->names, engine);
    wms_free(engine, registry);
}
