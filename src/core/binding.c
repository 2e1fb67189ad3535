/* binding.c - what a client needs to talk to a host: under which name it is kept, and where. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/bindfile.h"
#include "core/engine.h"
#include "core/record.h"

enum { NAME_SIZE = 300 };

/* In memory. */
struct wms_kept {
    struct wms_entry entry;  /* first: of bindings->kept */
    struct node node, fresh; /* of bindings->all; of bindings->fresh, or alone */
    char *text;
    size_t size;
    char name[];
};

/* ---- names ------------------------------------------------------------------------------------------------------ */

static unsigned default_port(wms_engine *engine, const char *scheme)
{
    const struct wms_provider *provider;

    return wms_engine_provider(engine, scheme, &provider) == 0 ? provider->default_port : 0;
}

/* A server may be named in several ways; its binding has one name. */
static void name_place(wms_engine *engine, const struct wms_place *place, char *name, size_t size)
{
    const char *host = place->address.host ? place->address.host : "";
    unsigned port = place->address.port;
    bool shown = port && port != default_port(engine, place->scheme), brackets = strchr(host, ':');
    /* "localhost" alone is this machine, and not a MultiPoint host: see wms_place_parse(). */
    bool bare = strcmp(place->scheme, "multipoint") == 0 && (shown || strcasecmp(host, "localhost") != 0);
    int used = snprintf(name, size, "%s%s%s%s%s", bare ? "" : place->scheme, bare ? "" : "://", brackets ? "[" : "", host,
                        brackets ? "]" : "");

    for (char *p = name; *p; p++) {
        *p = (char) tolower((unsigned char) *p);
    }
    if (shown && used > 0 && (size_t) used < size) {
        snprintf(name + used, size - (size_t) used, ":%u", port);
    }
}

int wms_engine_binding_name(wms_engine *engine, const char *server, char *name, size_t size)
{
    struct wms_place place;
    int error = wms_place_parse(&place, server, engine->base.complaint, sizeof engine->base.complaint);

    if (!error) {
        name_place(engine, &place, name, size);
    }
    return error;
}

static uint64_t hash(const wms_engine *engine, const char *name)
{
    return wms_hash(&engine->key, name, strlen(name));
}

/* ---- links and their bindings ------------------------------------------------------------------------------------- */

/* Of what all places of one binding have in common: the host and the port. */
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

/* A link of that binding that is not `self`. */
struct other {
    const char *name;
    const struct wms_link *self;
};

static bool is_other(const struct wms_entry *entry, const void *key)
{
    const struct wms_link *link = ((const struct wms_bound *) entry)->link;
    const struct other *other = key;
    char name[NAME_SIZE];

    name_place(link->engine, &link->server->place, name, sizeof name);
    return link != other->self && strcmp(name, other->name) == 0;
}

/* The binding of that name is another one: no connection that was made with it is used again, but for `self`. */
static void retire_links(wms_engine *engine, const char *name, const struct wms_link *self)
{
    const struct other other = {name, self};
    struct wms_entry *entry;
    struct wms_place place;
    char why[128];

    if (wms_place_parse(&place, name, why, sizeof why)) {
        return; /* no server has it */
    }
    while ((entry = wms_table_find(&engine->bound, hash_host(engine, &place), is_other, &other))) {
        struct wms_link *link = ((struct wms_bound *) entry)->link;
        wms_link_retire(link); /* which leaves */
    }
}

int wms_binding_join(struct wms_link *link)
{
    wms_engine *engine = link->engine;
    int error = wms_table_add(&engine->bound, engine, &link->bound.entry, hash_host(engine, &link->server->place));

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

/* ---- in memory -------------------------------------------------------------------------------------------------- */

static bool is_named(const struct wms_entry *entry, const void *name)
{
    return strcmp(((const struct wms_kept *) entry)->name, name) == 0;
}

static struct wms_kept *find_kept(wms_engine *engine, const char *name)
{
    return (struct wms_kept *) wms_table_find(&engine->bindings.kept, hash(engine, name), is_named, name);
}

static void drop_kept(wms_engine *engine, struct wms_kept *kept)
{
    wms_table_remove(&engine->bindings.kept, engine, &kept->entry);
    node_remove(&kept->node);
    node_remove(&kept->fresh);
    wms_free_wiped(engine, kept->text, kept->size + 1);
    wms_free(engine, kept);
}

/* Keeps a copy in place of what was there. */
static int keep(wms_engine *engine, const char *name, const char *text, size_t size, bool fresh)
{
    size_t length = strlen(name) + 1;
    struct wms_bindings *bindings = &engine->bindings;
    struct wms_kept *old = find_kept(engine, name);
    struct wms_kept *kept = wms_resize(engine, NULL, sizeof *kept + length);
    char *copy = kept ? wms_resize(engine, NULL, size + 1) : NULL;

    if (!copy) {
        wms_free(engine, kept);
        return WMS_E_NO_MEMORY;
    }
    int error = wms_table_add(&bindings->kept, engine, &kept->entry, hash(engine, name));
    if (error) {
        wms_free(engine, copy);
        wms_free(engine, kept);
        return error;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    kept->text = copy;
    kept->size = size;
    memcpy(kept->name, name, length);
    node_append(&bindings->all, &kept->node);
    node_init(&kept->fresh);
    if (fresh) {
        node_append(&bindings->fresh, &kept->fresh);
    }
    if (old) {
        drop_kept(engine, old);
    }
    return 0;
}

void wms_bindings_clear(wms_engine *engine)
{
    while (!node_alone(&engine->bindings.all)) {
        drop_kept(engine, NODE_OWNER(engine->bindings.all.next, struct wms_kept, node));
    }
    wms_table_close(&engine->bindings.kept, engine);
    wms_free(engine, engine->bindings.folder);
    engine->bindings.folder = NULL;
}

int wms_engine_binding_folder(wms_engine *engine, const char *folder)
{
    char *copy = folder && *folder ? wms_copy(engine, folder) : NULL;
    const char *old = engine->bindings.folder;

    if (folder && *folder && !copy) {
        return WMS_E_NO_MEMORY;
    }
    bool same = engine->bindings.in_memory == !folder && (copy && old ? strcmp(copy, old) == 0 : !copy == !old);
    if (same) {
        wms_free(engine, copy);
        return 0;
    }
    wms_bindings_clear(engine);
    engine->bindings.in_memory = !folder;
    engine->bindings.folder = copy;
    for (struct wms_link *link = engine->links; link; link = link->next) {
        wms_link_retire(link); /* its binding is there no more */
    }
    return 0;
}

int wms_engine_binding_put(wms_engine *engine, const char *server, const char *text, size_t size)
{
    char name[NAME_SIZE], why[128];
    int error = wms_engine_enter(engine);

    error = error ? error : wms_engine_binding_name(engine, server, name, sizeof name);
    if (error) {
        return error;
    }
    if (!engine->bindings.in_memory) {
        return wms_complain(engine,
                            "binding: they are kept in files here; call wms_engine_binding_folder() with NULL first");
    }
    struct wms_kept *kept = find_kept(engine, name);
    if (text ? kept && kept->size == size && memcmp(kept->text, text, size) == 0 : !kept) {
        return 0; /* nothing new */
    }
    if (text) {
        wms_value *value;
        error = wms_record_parse(engine, text, size, &value, why, sizeof why);
        if (error) {
            return error == WMS_E_INVALID
                       ? wms_complain(engine, "binding: no text of a binding (%s); give one as it was saved", why)
                       : error;
        }
        wms_value_free(engine, value);
        error = keep(engine, name, text, size, false);
    } else {
        drop_kept(engine, kept);
    }
    if (!error) {
        retire_links(engine, name, NULL);
        wms_engine_go_on(engine);
    }
    return error;
}

int wms_engine_binding_next(wms_engine *engine, const char **ret_server, const char **ret_text, size_t *ret_size)
{
    if (node_alone(&engine->bindings.fresh)) {
        return 0;
    }
    struct wms_kept *kept = NODE_OWNER(engine->bindings.fresh.next, struct wms_kept, fresh);
    node_remove(&kept->fresh);
    *ret_server = kept->name;
    *ret_text = kept->text;
    *ret_size = kept->size;
    return 1;
}

/* ---- what providers do with them -------------------------------------------------------------------------------- */

/* The binding of that name, wherever it is. */
static int load(wms_engine *engine, const char *name, wms_value **ret_binding)
{
    char why[128], *text;
    size_t size;

    if (engine->bindings.in_memory) {
        const struct wms_kept *kept = find_kept(engine, name);
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

/* 0: it is in no file. */
static uint64_t stamp_of(wms_engine *engine, const char *name)
{
    return engine->bindings.in_memory ? 0 : wms_bindfile_stamp(engine, name);
}

int wms_binding_load(struct wms_link *link, wms_value **ret_binding)
{
    char name[NAME_SIZE];

    name_place(link->engine, &link->server->place, name, sizeof name);
    uint64_t stamp = stamp_of(link->engine, name); /* before: a file that changes now is found to have changed */
    int error = load(link->engine, name, ret_binding);
    link->stamp = error ? 0 : stamp;
    return error;
}

bool wms_binding_is_old(const struct wms_link *link)
{
    char name[NAME_SIZE];

    if (!link->stamp || link->engine->bindings.in_memory) {
        return false;
    }
    name_place(link->engine, &link->server->place, name, sizeof name);
    return stamp_of(link->engine, name) != link->stamp;
}

int wms_binding_try(struct wms_link *link)
{
    char name[NAME_SIZE];

    if (link->engine->bindings.in_memory) {
        return 0;
    }
    name_place(link->engine, &link->server->place, name, sizeof name);
    return wms_bindfile_try(link->engine, name);
}

int wms_binding_save(struct wms_link *link, const wms_value *binding)
{
    wms_engine *engine = link->engine;
    char name[NAME_SIZE], why[128], *text;
    size_t size;

    int error = wms_record_print(engine, binding, &text, &size, why, sizeof why);
    if (error == WMS_E_INVALID) {
        wms_complain(engine, "the binding cannot be kept: %s", why);
        return WMS_E_INTERNAL;
    }
    if (error) {
        return error;
    }
    name_place(engine, &link->server->place, name, sizeof name);
    error =
        engine->bindings.in_memory ? keep(engine, name, text, size, true) : wms_bindfile_write(engine, name, text, size);
    wms_free_wiped(engine, text, size + 1);
    if (!error) {
        link->stamp = stamp_of(engine, name);
        retire_links(engine, name, link);
    }
    return error;
}

/* ---- for programs ----------------------------------------------------------------------------------------------- */

static int collect_names(wms_engine *engine, struct wms_bindfile_name **ret_names)
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

/* One of a list: its binding is there until the list has been copied. */
struct listed {
    const char *server;
    wms_value *binding; /* NULL: it cannot be read */
    int code;           /* then this is why, and `text` */
    char *text;
};

static int by_server(const void *a, const void *b)
{
    return strcmp(((const struct listed *) a)->server, ((const struct listed *) b)->server);
}

static bool is_shown(const wms_value *field)
{
    return strcmp(field->name, "secret") != 0 && strcmp(field->name, "server") != 0 &&
           strcmp(field->name, "management") != 0;
}

static wms_value text_of(const char *name, const char *text)
{
    return (wms_value){.kind = WMS_STRING, .name = name, .text = text, .size = strlen(text)};
}

/* At most so many fields are shown of it. */
static size_t size_of(const struct listed *listed)
{
    return listed->binding ? listed->binding->size + 2 : 4;
}

/* What everybody may see of it, in `fields`; returns how many. */
static size_t show(const struct listed *listed, wms_value *fields)
{
    const wms_value *secret = listed->binding ? wms_value_field(listed->binding, "secret") : NULL;
    size_t count = 0;

    fields[count++] = text_of("server", listed->server);
    if (!listed->binding) {
        fields[2] = text_of("code", wms_error_name(listed->code));
        fields[3] = text_of("message", listed->text);
        fields[count++] = (wms_value){.kind = WMS_TABLE, .name = "error", .items = &fields[2], .size = 2};
        return count;
    }
    for (size_t i = 0; i < listed->binding->size; i++) {
        if (is_shown(&listed->binding->items[i])) {
            fields[count++] = listed->binding->items[i];
        }
    }
    fields[count++] =
        (wms_value){.kind = WMS_BOOLEAN, .name = "management", .integer = wms_value_field(secret, "management") != NULL};
    return count;
}

static int make_list(wms_engine *engine, const struct listed *listed, size_t count, wms_value **ret_list)
{
    size_t total = 0, used = 0;

    for (size_t i = 0; i < count; i++) {
        total += size_of(&listed[i]);
    }
    wms_value *tables = wms_zalloc(engine, (count + total + 1) * sizeof *tables);
    if (!tables) {
        return WMS_E_NO_MEMORY;
    }
    wms_value *fields = tables + count;
    for (size_t i = 0; i < count; i++) {
        size_t size = show(&listed[i], fields + used);
        tables[i] = (wms_value){.kind = WMS_TABLE, .items = fields + used, .size = size};
        used += size_of(&listed[i]);
    }
    const wms_value list = {.kind = WMS_LIST, .items = count ? tables : NULL, .size = count};
    int error = wms_value_copy(engine, &list, ret_list);
    wms_free(engine, tables);
    return error;
}

/* One that cannot be read is listed with the reason: the others come all the same. */
static int load_one(wms_engine *engine, const char *name, struct listed *listed)
{
    int error = load(engine, name, &listed->binding);

    if (error != WMS_E_INTERNAL && error != WMS_E_UNTRUSTED && error != WMS_E_ACCESS_DENIED) {
        return error;
    }
    listed->binding = NULL;
    listed->code = error;
    listed->text = wms_copy(engine, engine->base.complaint);
    return listed->text ? 0 : WMS_E_NO_MEMORY;
}

/* Loads those of `names` that are there; a file's name that no server has is not ours. */
static int load_all(wms_engine *engine, const struct wms_bindfile_name *names, struct listed *listed, size_t *ret_count)
{
    size_t count = 0;
    int error = 0;

    for (; names && !error; names = names->next) {
        char name[NAME_SIZE], complaint[128];
        struct wms_place place;
        if (wms_place_parse(&place, names->text, complaint, sizeof complaint) == 0) {
            name_place(engine, &place, name, sizeof name);
            listed[count].server = names->text;
            error = strcmp(name, names->text) == 0 ? load_one(engine, name, &listed[count]) : WMS_E_NOT_BOUND;
            count += !error;
            error = error == WMS_E_NOT_BOUND ? 0 : error;
        }
    }
    *ret_count = count;
    return error;
}

int wms_bindings(wms_engine *engine, wms_value **ret_list)
{
    struct wms_bindfile_name *names = NULL;
    size_t count = 0;
    int error = wms_engine_enter(engine);

    error = error ? error : collect_names(engine, &names);
    if (error) {
        return error;
    }
    for (const struct wms_bindfile_name *name = names; name; name = name->next) {
        count++;
    }
    struct listed *listed = wms_zalloc(engine, (count + 1) * sizeof *listed);
    error = listed ? load_all(engine, names, listed, &count) : WMS_E_NO_MEMORY;
    if (!error) {
        qsort(listed, count, sizeof *listed, by_server);
        error = make_list(engine, listed, count, ret_list);
    }
    for (size_t i = 0; listed && i < count; i++) {
        wms_value_free(engine, listed[i].binding);
        wms_free(engine, listed[i].text);
    }
    wms_free(engine, listed);
    wms_bindfile_names_free(engine, names);
    return error;
}

int wms_unbind(wms_engine *engine, const char *server)
{
    char name[NAME_SIZE];
    int error = wms_engine_enter(engine);

    error = error ? error : wms_engine_binding_name(engine, server, name, sizeof name);
    if (error) {
        return error;
    }
    if (engine->bindings.in_memory) {
        struct wms_kept *kept = find_kept(engine, name);
        error = kept ? 0 : WMS_E_NOT_BOUND;
        if (!error) {
            drop_kept(engine, kept);
        }
    } else {
        error = wms_bindfile_remove(engine, name);
    }
    if (!error) {
        retire_links(engine, name, NULL);
        wms_engine_go_on(engine);
    }
    return error;
}
