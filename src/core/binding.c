/* SPDX-License-Identifier: MIT */
/* binding.c - bindings, which hold what a client needs to talk to a host: the name of a server's
 * binding, and the links that use it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/bindfile.h"
#include "core/binding.h"
#include "core/parts.h"
#include "core/record.h"

/* ---- names ----------------------------------------------------------------------------------- */

static unsigned default_port(wms_engine *engine, const char *scheme)
{
    const struct wms_provider *provider;

    return wms_engine_provider(engine, scheme, &provider) == 0 ? provider->default_port : 0;
}

/* All addresses of one server give the same name. */
void wms_binding_name(wms_engine *engine, const struct wms_place *place, char *name, size_t size)
{
    const char *host = place->address.host ? place->address.host : "";
    unsigned port = place->address.port;
    bool shown = port && port != default_port(engine, place->scheme), brackets = strchr(host, ':');
    /* "localhost" alone is this machine, and not a MultiPoint host: see wms_place_parse(). */
    bool bare =
        strcmp(place->scheme, "multipoint") == 0 && (shown || strcasecmp(host, "localhost") != 0);
    int used = snprintf(name, size, "%s%s%s%s%s", bare ? "" : place->scheme, bare ? "" : "://",
                        brackets ? "[" : "", host, brackets ? "]" : "");

    for (char *p = name; *p; p++) {
        *p = (char) tolower((unsigned char) *p);
    }
    if (shown && used > 0 && (size_t) used < size) {
        snprintf(name + used, size - (size_t) used, ":%u", port);
    }
}

/* ---- links and their bindings ---------------------------------------------------------------- */

/* A hash of the host and the port, which all addresses of one binding have in common. */
static uint64_t hash_host(wms_engine *engine, const struct wms_place *place)
{
    const char *host = place->address.host ? place->address.host : "";
    unsigned port = place->address.port ? place->address.port : default_port(engine, place->scheme);
    char text[sizeof port + WMS_ADDRESS_MAX + 1];
    size_t length = strlen(host);

    memcpy(text, &port, sizeof port);
    for (size_t i = 0; i < length; i++) {
        text[sizeof port + i] = (char) tolower((unsigned char) host[i]);
    }
    return wms_hash(&engine->key, text, sizeof port + length);
}

/* A key for wms_table_find(): any link that uses the binding `name`, except `self`. */
struct other {
    const char *name;
    const struct wms_link *self;
};

static bool is_other(const struct wms_entry *entry, const void *key)
{
    const struct wms_link *link = ((const struct wms_bound *) entry)->link;
    const struct other *other = key;
    char name[WMS_BINDING_NAME];

    wms_binding_name(link->engine, &link->server->place, name, sizeof name);
    return link != other->self && strcmp(name, other->name) == 0;
}

/* The binding of that name has been replaced or removed: retires all links that use it, except
 * `self`. */
void wms_binding_changed(wms_engine *engine, const char *name, const struct wms_link *self)
{
    const struct other other = {name, self};
    struct wms_entry *entry;
    struct wms_place place;
    char why[128];

    if (wms_place_parse(&place, name, why, sizeof why)) {
        return; /* no server's binding has this name */
    }
    while ((entry = wms_table_find(&engine->bound, hash_host(engine, &place), is_other, &other))) {
        struct wms_link *link = ((struct wms_bound *) entry)->link;
        wms_link_retire(link); /* which also removes it from engine->bound */
    }
}

int wms_binding_join(struct wms_link *link)
{
    wms_engine *engine = link->engine;
    int error = wms_table_add(&engine->bound, engine, &link->bound.entry,
                              hash_host(engine, &link->server->place));

    link->bound.link = error ? NULL : link;
    return error;
}

void wms_binding_leave(struct wms_link *link)
{
    if (link->bound.link) {
        link->bound.link = NULL;
        wms_table_remove(&link->engine->bound, link->engine, &link->bound.entry);
    }
}

/* ---- load and save, for providers ------------------------------------------------------------ */

/* Reads the binding of that name, from its file or from memory. */
int wms_binding_read(wms_engine *engine, const char *name, wms_value **ret_binding)
{
    char why[128], *text;
    size_t size;

    if (engine->bindings.in_memory) {
        const struct wms_kept *kept = wms_kept_find(engine, name);
        if (!kept) {
            wms_complain(engine, "%s", wms_error_text(WMS_E_NOT_BOUND));
            return WMS_E_NOT_BOUND;
        }
        return wms_record_parse(engine, kept->text, kept->size, ret_binding, why, sizeof why);
    }
    int error = wms_bindfile_read(engine, name, &text, &size);
    if (error) {
        return error;
    }
    error = wms_record_parse(engine, text, size, ret_binding, why, sizeof why);
    wms_free_wiped(engine, text, size + 1);
    return error == WMS_E_INVALID ? wms_bindfile_refuse(engine, name, why) : error;
}

/* Identifies the version of the binding's file; 0: there is no file. */
static uint64_t stamp_of(wms_engine *engine, const char *name)
{
    return engine->bindings.in_memory ? 0 : wms_bindfile_stamp(engine, name);
}

int wms_binding_load(struct wms_link *link, wms_value **ret_binding)
{
    char name[WMS_BINDING_NAME];

    wms_binding_name(link->engine, &link->server->place, name, sizeof name);
    uint64_t stamp =
        stamp_of(link->engine, name); /* before it is read: a change in between is noticed later */
    int error = wms_binding_read(link->engine, name, ret_binding);
    link->stamp = error ? 0 : stamp;
    return error;
}

bool wms_binding_is_old(const struct wms_link *link)
{
    char name[WMS_BINDING_NAME];

    if (link->engine->bindings.in_memory) {
        return false;
    }
    wms_binding_name(link->engine, &link->server->place, name, sizeof name);
    return stamp_of(link->engine, name) != link->stamp;
}

int wms_binding_try(struct wms_link *link)
{
    char name[WMS_BINDING_NAME];

    if (link->engine->bindings.in_memory) {
        return 0;
    }
    wms_binding_name(link->engine, &link->server->place, name, sizeof name);
    return wms_bindfile_try(link->engine, name);
}

int wms_binding_save(struct wms_link *link, const wms_value *binding)
{
    wms_engine *engine = link->engine;
    char name[WMS_BINDING_NAME], why[128], *text;
    size_t size;

    int error = wms_record_print(engine, binding, &text, &size, why, sizeof why);
    if (error == WMS_E_INVALID) {
        wms_complain(engine, "the binding cannot be kept: %s", why);
        return WMS_E_INTERNAL;
    }
    if (error) {
        return error;
    }
    wms_binding_name(engine, &link->server->place, name, sizeof name);
    error = engine->bindings.in_memory ? wms_kept_put(engine, name, text, size, true)
                                       : wms_bindfile_write(engine, name, text, size);
    wms_free_wiped(engine, text, size + 1);
    if (!error) {
        link->stamp = stamp_of(engine, name);
        wms_binding_changed(engine, name, link);
    }
    return error;
}

/* ---- all of them ----------------------------------------------------------------------------- */

int wms_binding_names(wms_engine *engine, struct wms_bindfile_name **ret_names)
{
    struct wms_bindfile_name *names = NULL;

    if (!engine->bindings.in_memory) {
        return wms_bindfile_names(engine, ret_names);
    }
    struct node *all = &engine->bindings.all;
    for (struct node *node = all->next; node != all; node = node->next) {
        const struct wms_kept *kept = NODE_OWNER(node, struct wms_kept, node);
        size_t size = strlen(kept->name) + 1;
        struct wms_bindfile_name *name = wms_resize(engine, NULL, sizeof *name + size);
        if (!name) {
            wms_bindfile_names_free(engine, names);
            return WMS_E_NO_MEMORY;
        }
        memcpy(name->text, kept->name, size);
        name->next = names;
        names = name;
    }
    *ret_names = names;
    return 0;
}

int wms_binding_search(wms_engine *engine, bool (*look)(void *data, const wms_value *binding),
                       void *data)
{
    struct wms_bindfile_name *names = NULL;
    bool found = false;
    int error = wms_binding_names(engine, &names);

    for (const struct wms_bindfile_name *name = names; name && !error && !found;
         name = name->next) {
        wms_value *binding;
        int unread = wms_binding_read(engine, name->text, &binding);
        if (!unread) {
            found = look(data, binding);
            wms_value_free(engine, binding);
        }
        error =
            unread == WMS_E_NO_MEMORY ? unread : 0; /* what else cannot be read is not looked at */
    }
    wms_bindfile_names_free(engine, names);
    return error;
}
