/* registry.c - the providers that an engine knows, and the modules that it finds them in. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/engine.h"
#include "core/module.h"

const struct wms_provider *wms_engine_registered(const wms_engine *engine, const char *name)
{
    for (const struct wms_registered *entry = engine->providers; entry; entry = entry->next) {
        if (strcmp(entry->provider->name, name) == 0) {
            return entry->provider;
        }
    }
    return NULL;
}

static bool is_of_this_abi(const struct wms_provider *provider)
{
    return provider->abi == WMS_PROVIDER_ABI && provider->size >= sizeof *provider;
}

int wms_engine_register(wms_engine *engine, const struct wms_provider *provider)
{
    if (!provider || !is_of_this_abi(provider)) {
        return wms_complain(engine, "provider: made for another version of wms (ABI %u, this is %u); build it against this one",
                            provider ? provider->abi : 0, WMS_PROVIDER_ABI);
    }
    size_t length = provider->name ? strnlen(provider->name, WMS_SCHEME_MAX + 1) : 0;
    if (length == 0 || length > WMS_SCHEME_MAX || strspn(provider->name, "abcdefghijklmnopqrstuvwxyz") != length) {
        return wms_complain(engine, "provider: its name is a scheme: give 1 to %d lower-case letters", WMS_SCHEME_MAX);
    }
    if (!provider->connect || !provider->disconnect || !provider->list || !provider->act || !provider->forget ||
        !provider->observe || !provider->unobserve) {
        return wms_complain(engine, "provider: a function is missing; give connect, disconnect, list, act, forget, observe "
                                    "and unobserve");
    }
    if (wms_engine_registered(engine, provider->name)) {
        return wms_complain(engine, "provider: one named '%s' is registered already", provider->name);
    }
    struct wms_registered *entry = wms_zalloc(engine, sizeof *entry);
    if (!entry) {
        return WMS_E_NO_MEMORY;
    }
    entry->provider = provider;
    entry->next = engine->providers;
    engine->providers = entry;
    return 0;
}

void **wms_engine_slot(wms_engine *engine, const struct wms_provider *provider)
{
    struct wms_registered *entry = engine->providers;

    while (entry && entry->provider != provider) {
        entry = entry->next;
    }
    return entry ? &entry->slot : NULL;
}

/* The module did not load: remembered for the outcomes of the servers that need it. */
static int load_failed(wms_engine *engine, const char *name)
{
    snprintf(engine->unloaded, sizeof engine->unloaded, "%s", name);
    snprintf(engine->unloaded_why, sizeof engine->unloaded_why, "%.*s", (int) sizeof engine->unloaded_why - 1,
             engine->complaint);
    return WMS_E_NO_PROVIDER;
}

char *wms_engine_no_provider(wms_engine *engine, const char *name)
{
    const char *package = wms_scheme_package(name);
    bool tried = strcmp(engine->unloaded, name) == 0;

    return wms_print(engine, "the provider '%s' %s%s%s%s%s", name, tried ? "cannot be loaded: " : "is not installed",
                     tried ? engine->unloaded_why : "", package ? " (it needs " : "", package ? package : "", package ? ")" : "");
}

int wms_engine_load(wms_engine *engine, const char *name, const char *path)
{
    const struct wms_provider *provider;

    if (wms_engine_registered(engine, name)) {
        return 0;
    }
    if (!path) {
        const char *package = wms_scheme_package(name);
        if (!wms_scheme_known(name)) {
            return wms_complain(engine, "no provider is called '%.31s'; give logind, multipoint or wts", name);
        }
        wms_complain(engine, "the provider '%s' is not installed%s%s%s", name, package ? " (it needs " : "",
                     package ? package : "", package ? ")" : "");
        return WMS_E_NO_PROVIDER;
    }
    int error = wms_module_open(path, &provider, engine->complaint, sizeof engine->complaint);
    if (error) {
        return load_failed(engine, name);
    }
    /* Of another ABI not even the name is where it should be: then registering tells. */
    if (is_of_this_abi(provider) && provider->name && strcmp(provider->name, name) != 0) {
        wms_complain(engine, "%.200s holds the provider '%.31s', not '%.31s'", path, provider->name, name);
        return load_failed(engine, name);
    }
    error = wms_engine_register(engine, provider);
    if (!error) {
        wms_say(engine, WMS_INFO, "provider %s loaded from %s", name, path);
    }
    return error == WMS_E_INVALID ? load_failed(engine, name) : error;
}

int wms_engine_module_folder(wms_engine *engine, const char *folder)
{
    char *copy = NULL;

    if (folder) {
        copy = wms_copy(engine, folder);
        if (!copy) {
            return WMS_E_NO_MEMORY;
        }
    }
    wms_free(engine, engine->module_folder);
    engine->module_folder = copy;
    return 0;
}

int wms_engine_provider(wms_engine *engine, const char *name, const struct wms_provider **ret_provider)
{
    const struct wms_provider *provider = wms_engine_registered(engine, name);

    if (!provider && engine->module_folder) {
        char path[1024];
        int length = snprintf(path, sizeof path, "%s/%s.so", engine->module_folder, name);
        if (length > 0 && (size_t) length < sizeof path && access(path, F_OK) == 0) {
            int error = wms_engine_load(engine, name, path);
            if (error) {
                return error;
            }
            provider = wms_engine_registered(engine, name);
        }
    }
    if (!provider) {
        return WMS_E_NO_PROVIDER;
    }
    *ret_provider = provider;
    return 0;
}

int wms_engine_provider_for(wms_engine *engine, const char *server, char *name, size_t size)
{
    struct wms_place place;
    int error = wms_place_parse(&place, server, engine->complaint, sizeof engine->complaint);

    if (error) {
        return error;
    }
    snprintf(name, size, "%s", place.scheme);
    return wms_engine_registered(engine, place.scheme) != NULL;
}
