/* SPDX-License-Identifier: MIT */
/* registry.c - the providers that an engine knows, and the modules that it finds them in. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/abi.h"
#include "core/module.h"
#include "core/parts.h"

static const struct wms_registered *find(const wms_engine *engine, const char *name)
{
    const struct wms_registered *entry = engine->providers;

    while (entry && strcmp(entry->provider.name, name) != 0) {
        entry = entry->next;
    }
    return entry;
}

const struct wms_provider *wms_engine_registered(const wms_engine *engine, const char *name)
{
    const struct wms_registered *entry = find(engine, name);

    return entry ? entry->self : NULL;
}

const struct wms_provider *wms_engine_known(const wms_engine *engine, const char *name)
{
    const struct wms_registered *entry = find(engine, name);

    return entry ? &entry->provider : NULL;
}

const struct wms_provider *wms_provider_self(const struct wms_provider *provider)
{
    const char *entry = (const char *) provider - offsetof(struct wms_registered, provider);

    return ((const struct wms_registered *) (const void *) entry)->self;
}

/* Checks the members that are the same in every version; only then may the others be read. */
static int check_head(wms_engine *engine, const struct wms_provider *provider)
{
    if (!provider) {
        return wms_complain(engine, "provider: NULL; give one");
    }
    if (provider->abi != WMS_PROVIDER_ABI) {
        return wms_complain(engine,
                            "provider: made for another version of wms: its interface has the "
                            "number %u, that of wms " WMS_VERSION
                            " has %u; build it with the headers of this version, or use it with "
                            "the one that it was made for",
                            provider->abi, WMS_PROVIDER_ABI);
    }
    if (provider->size < WMS_PROVIDER_REQUIRED) {
        return wms_complain(engine,
                            "provider: its size is %u, and the required functions alone take %u; "
                            "begin the struct with "
                            "WMS_PROVIDER_HEAD",
                            provider->size, (unsigned) WMS_PROVIDER_REQUIRED);
    }
    return 0;
}

/* Copies the members that the provider's struct has. */
static void read_provider(struct wms_registered *entry, const struct wms_provider *provider)
{
    struct wms_provider *copy = &entry->provider;

    entry->self = provider;
    wms_take(copy, sizeof *copy, provider, provider->size);
    copy->session_size = copy->session_size ? copy->session_size : WMS_SESSION_0_1;
    copy->sight_size = copy->sight_size ? copy->sight_size : WMS_SIGHT_0_1;
    copy->outcome_size = copy->outcome_size ? copy->outcome_size : WMS_OUTCOME_0_1;
    copy->commands = copy->command ? copy->commands & copy->can : 0;
}

int wms_engine_register(wms_engine *engine, const struct wms_provider *provider)
{
    int error = check_head(engine, provider);

    if (error) {
        return error;
    }
    size_t length = provider->name ? strnlen(provider->name, WMS_SCHEME_MAX + 1) : 0;
    if (length == 0 || length > WMS_SCHEME_MAX ||
        strspn(provider->name, "abcdefghijklmnopqrstuvwxyz") != length) {
        return wms_complain(engine,
                            "provider: its name is a scheme: give 1 to %d lower-case letters",
                            WMS_SCHEME_MAX);
    }
    if (!provider->connect || !provider->disconnect || !provider->list || !provider->act ||
        !provider->forget || !provider->observe || !provider->unobserve) {
        return wms_complain(
            engine,
            "provider: a function is missing; give connect, disconnect, list, act, forget, observe "
            "and unobserve");
    }
    if (find(engine, provider->name)) {
        return wms_complain(engine, "provider: one named '%s' is registered already",
                            provider->name);
    }
    struct wms_registered *entry = wms_zalloc(engine, sizeof *entry);
    if (!entry) {
        return WMS_E_NO_MEMORY;
    }
    read_provider(entry, provider);
    entry->next = engine->providers;
    engine->providers = entry;
    if (WMS_HAS(provider->size, struct wms_provider, sight_size) &&
        !(provider->session_size && provider->sight_size)) {
        wms_say(engine, WMS_WARNING,
                "provider %s: without WMS_PROVIDER_HEAD, only what sessions had in 0.1.0 is heard "
                "of it",
                provider->name);
    }
    return 0;
}

void **wms_engine_slot(wms_engine *engine, const struct wms_provider *provider)
{
    struct wms_registered *entry = engine->providers;

    while (entry && entry->self != provider) {
        entry = entry->next;
    }
    return entry ? &entry->slot : NULL;
}

void wms_engine_retire_providers(wms_engine *engine)
{
    while (engine->providers) {
        struct wms_registered *entry = engine->providers;
        if (entry->provider.retire) {
            entry->provider.retire(entry->self, engine->services, engine);
        }
        engine->providers = entry->next; /* not before: retire() may use its slot */
        wms_free(engine, entry);
    }
    while (engine->unloaded) {
        struct wms_unloaded *entry = engine->unloaded;
        engine->unloaded = entry->next;
        wms_free(engine, entry);
    }
}

/* ---- modules --------------------------------------------------------------------------------- */

static struct wms_unloaded *find_unloaded(const wms_engine *engine, const char *name)
{
    struct wms_unloaded *entry = engine->unloaded;

    while (entry && strcmp(entry->name, name) != 0) {
        entry = entry->next;
    }
    return entry;
}

bool wms_engine_is_unloaded(const wms_engine *engine, const char *name)
{
    return find_unloaded(engine, name) != NULL;
}

/* Remembers that the module did not load, and the complaint, for the outcomes of the servers that
 * need it. */
static int load_failed(wms_engine *engine, const char *name)
{
    struct wms_unloaded *entry = find_unloaded(engine, name);

    if (!entry) {
        entry = wms_zalloc(engine, sizeof *entry);
        if (!entry) {
            return WMS_E_NO_MEMORY;
        }
        snprintf(entry->name, sizeof entry->name, "%s", name);
        entry->next = engine->unloaded;
        engine->unloaded = entry;
    }
    snprintf(entry->why, sizeof entry->why, "%.*s", (int) sizeof entry->why - 1,
             engine->base.complaint);
    return WMS_E_NO_PROVIDER;
}

char *wms_engine_no_provider(wms_engine *engine, const char *name)
{
    const char *package = wms_scheme_package(name);
    const struct wms_unloaded *tried = find_unloaded(engine, name);

    return wms_print(engine, "the provider '%s' %s%s%s%s%s", name,
                     tried ? "cannot be loaded: " : "is not installed", tried ? tried->why : "",
                     package ? " (it needs " : "", package ? package : "", package ? ")" : "");
}

int wms_engine_load(wms_engine *engine, const char *name, const char *path)
{
    const struct wms_provider *provider;

    if (find(engine, name)) {
        return 0;
    }
    if (!path) {
        const char *package = wms_scheme_package(name);
        if (!wms_scheme_known(name)) {
            return wms_complain(
                engine, "no provider is called '%.31s'; give logind, multipoint, veyon or wts",
                name);
        }
        wms_complain(engine, "the provider '%s' is not installed%s%s%s", name,
                     package ? " (it needs " : "", package ? package : "", package ? ")" : "");
        return WMS_E_NO_PROVIDER;
    }
    int error =
        wms_module_open(path, &provider, engine->base.complaint, sizeof engine->base.complaint);
    if (error) {
        return load_failed(engine, name);
    }
    /* With another ABI, not even the name may be read: then wms_engine_register() complains. */
    if (check_head(engine, provider) == 0 && provider->name && strcmp(provider->name, name) != 0) {
        wms_complain(engine, "%.200s holds the provider '%.31s', not '%.31s'", path, provider->name,
                     name);
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

int wms_engine_provider(wms_engine *engine, const char *name,
                        const struct wms_provider **ret_provider)
{
    const struct wms_provider *provider = wms_engine_known(engine, name);

    if (!provider && engine->module_folder) {
        char path[1024];
        int length = snprintf(path, sizeof path, "%s/%s.so", engine->module_folder, name);
        if (length > 0 && (size_t) length < sizeof path && access(path, F_OK) == 0) {
            int error = wms_engine_load(engine, name, path);
            if (error) {
                return error;
            }
            provider = wms_engine_known(engine, name);
        }
    }
    if (!provider) {
        return WMS_E_NO_PROVIDER;
    }
    *ret_provider = provider;
    return 0;
}

bool wms_engine_shares(wms_engine *engine, const char *scheme)
{
    const struct wms_provider *provider;

    return wms_engine_provider(engine, scheme, &provider) == 0 && provider->shared;
}

int wms_engine_provider_for(wms_engine *engine, const char *server, char *name, size_t size)
{
    const struct wms_place *place;
    int error = wms_engine_place(engine, server, &place);

    if (error) {
        return error;
    }
    snprintf(name, size, "%s", place->scheme);
    return find(engine, place->scheme) != NULL;
}
