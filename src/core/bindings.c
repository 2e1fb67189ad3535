/* SPDX-License-Identifier: MIT */
/* bindings.c - the functions for programs: where bindings are kept, and which there are. */
#include <stdlib.h>
#include <string.h>

#include "core/bindfile.h"
#include "core/binding.h"
#include "core/parts.h"
#include "core/record.h"

int wms_engine_binding_name(wms_engine *engine, const char *server, char *name, size_t size)
{
    const struct wms_place *place;
    int error = wms_engine_place(engine, server, &place);

    if (!error) {
        wms_binding_name(engine, place, name, size);
    }
    return error;
}

int wms_engine_binding_folder(wms_engine *engine, const char *folder)
{
    char *copy = folder && *folder ? wms_copy(engine, folder) : NULL;
    const char *old = engine->bindings.folder;

    if (folder && *folder && !copy) {
        return WMS_E_NO_MEMORY;
    }
    bool same = engine->bindings.in_memory == !folder &&
                (copy && old ? strcmp(copy, old) == 0 : !copy == !old);
    if (same) {
        wms_free(engine, copy);
        return 0;
    }
    wms_bindings_clear(engine);
    engine->bindings.in_memory = !folder;
    engine->bindings.folder = copy;
    for (struct node *node = engine->links.next; node != &engine->links; node = node->next) {
        wms_link_retire(NODE_OWNER(node, struct wms_link, all)); /* its binding is unavailable */
    }
    return 0;
}

int wms_engine_binding_put(wms_engine *engine, const char *server, const char *text, size_t size)
{
    char name[WMS_BINDING_NAME], why[128];
    int error = wms_engine_enter(engine);

    error = error ? error : wms_engine_binding_name(engine, server, name, sizeof name);
    if (error) {
        return error;
    }
    if (!engine->bindings.in_memory) {
        return wms_complain(engine, "binding: they are kept in files here; call "
                                    "wms_engine_binding_folder() with NULL first");
    }
    struct wms_kept *kept = wms_kept_find(engine, name);
    if (text ? kept && kept->size == size && memcmp(kept->text, text, size) == 0 : !kept) {
        return 0; /* nothing new */
    }
    if (text) {
        wms_value *value;
        error = wms_record_parse(engine, text, size, &value, why, sizeof why);
        if (error) {
            return error == WMS_E_INVALID
                       ? wms_complain(
                             engine, "binding: no text of a binding (%s); give one as it was saved",
                             why)
                       : error;
        }
        wms_value_free(engine, value);
        error = wms_kept_put(engine, name, text, size, false);
    } else {
        wms_kept_drop(engine, kept);
    }
    if (!error) {
        wms_binding_changed(engine, name, NULL);
        wms_engine_go_on(engine);
    }
    return error;
}

int wms_engine_binding_next(wms_engine *engine, const char **ret_server, const char **ret_text,
                            size_t *ret_size)
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

/* ---- all of them ----------------------------------------------------------------------------- */

/* One row of the list.  `binding` and `text` are freed once the list has been copied. */
struct listed {
    const char *server;
    wms_value *binding; /* NULL: it cannot be read */
    int code;           /* why it cannot be read; `text` says the same in words */
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

/* Fields whose names begin so are shown as one table of that name. */
static const char grouped[] = "events_";
enum { GROUPED = sizeof grouped - 1 };

static bool is_grouped(const wms_value *field)
{
    return strncmp(field->name, grouped, GROUPED) == 0;
}

static wms_value text_of(const char *name, const char *text)
{
    return (wms_value){.kind = WMS_STRING, .name = name, .text = text, .size = strlen(text)};
}

/* How many elements of `fields` show() uses at most. */
static size_t size_of(const struct listed *listed)
{
    return listed->binding ? listed->binding->size + 3 : 4;
}

/* Writes the grouped fields behind the others, as a table that is one more of these. */
static size_t show_group(const wms_value *binding, wms_value *fields, size_t count)
{
    wms_value *items = &fields[count + 1];
    size_t size = 0;

    for (size_t i = 0; i < binding->size; i++) {
        if (is_grouped(&binding->items[i])) {
            items[size] = binding->items[i];
            items[size++].name += GROUPED;
        }
    }
    if (size > 0) {
        fields[count] =
            (wms_value){.kind = WMS_TABLE, .name = "events", .items = items, .size = size};
    }
    return size > 0 ? count + 1 : count;
}

/* Writes what is not secret of the binding to `fields`; returns the number of fields. */
static size_t show(const struct listed *listed, wms_value *fields)
{
    const wms_value *secret = listed->binding ? wms_value_field(listed->binding, "secret") : NULL;
    size_t count = 0;

    fields[count++] = text_of("server", listed->server);
    if (!listed->binding) {
        fields[2] = text_of("code", wms_error_name(listed->code));
        fields[3] = text_of("message", listed->text);
        fields[count++] =
            (wms_value){.kind = WMS_TABLE, .name = "error", .items = &fields[2], .size = 2};
        return count;
    }
    for (size_t i = 0; i < listed->binding->size; i++) {
        if (is_shown(&listed->binding->items[i]) && !is_grouped(&listed->binding->items[i])) {
            fields[count++] = listed->binding->items[i];
        }
    }
    fields[count++] = (wms_value){.kind = WMS_BOOLEAN,
                                  .name = "management",
                                  .integer = wms_value_field(secret, "management") != NULL};
    return show_group(listed->binding, fields, count);
}

static int make_list(wms_engine *engine, const struct listed *listed, size_t count,
                     wms_value **ret_list)
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

/* A binding that cannot be read is listed with the reason, so that the others are still listed. */
static int load_one(wms_engine *engine, const char *name, struct listed *listed)
{
    int error = wms_binding_read(engine, name, &listed->binding);

    if (error != WMS_E_INTERNAL && error != WMS_E_UNTRUSTED && error != WMS_E_ACCESS_DENIED) {
        return error;
    }
    listed->binding = NULL;
    listed->code = error;
    listed->text = wms_copy(engine, engine->base.complaint);
    return listed->text ? 0 : WMS_E_NO_MEMORY;
}

/* Loads the bindings of `names`.  Skips those that have been removed meanwhile, and files whose
 * name is not that of a server's binding. */
static int load_all(wms_engine *engine, const struct wms_bindfile_name *names,
                    struct listed *listed, size_t *ret_count)
{
    size_t count = 0;
    int error = 0;

    for (; names && !error; names = names->next) {
        char name[WMS_BINDING_NAME], complaint[128];
        struct wms_place place;
        if (wms_place_parse(&place, names->text, complaint, sizeof complaint) == 0) {
            wms_binding_name(engine, &place, name, sizeof name);
            listed[count].server = names->text;
            error = strcmp(name, names->text) == 0 ? load_one(engine, name, &listed[count])
                                                   : WMS_E_NOT_BOUND;
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

    error = error ? error : wms_binding_names(engine, &names);
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
    char name[WMS_BINDING_NAME];
    int error = wms_engine_enter(engine);

    error = error ? error : wms_engine_binding_name(engine, server, name, sizeof name);
    if (error) {
        return error;
    }
    if (engine->bindings.in_memory) {
        struct wms_kept *kept = wms_kept_find(engine, name);
        error = kept ? 0 : WMS_E_NOT_BOUND;
        if (!error) {
            wms_kept_drop(engine, kept);
        }
    } else {
        error = wms_bindfile_remove(engine, name);
    }
    if (!error) {
        wms_binding_changed(engine, name, NULL);
        wms_engine_go_on(engine);
    }
    return error;
}
