/* SPDX-License-Identifier: MIT */
/* group.c - the groups of servers that an engine knows, and the lists that name them. */
#include <stdio.h>
#include <string.h>

#include "core/parts.h"
#include "core/serverlist.h"

enum { DEEPEST = 32 };

enum resolution { GIVEN, UNDER_WAY, RESOLVED };

struct group {
    struct wms_entry entry; /* first: of groups->table */
    const char *name;
    const wms_value *given; /* while the groups are being defined */
    enum resolution resolution;
    struct wms_members members;
    unsigned depth; /* 1: it names no group */
};

struct wms_groups {
    wms_engine *engine;
    struct wms_table table; /* by name */
    struct wms_slab *slab;  /* owns them, and what belongs to them */
    struct group *current;  /* which is being resolved */
    unsigned depth;         /* of the calls that resolve */
};

struct wms_groups *wms_groups_free(struct wms_groups *groups)
{
    if (groups) {
        wms_engine *engine = groups->engine;
        wms_table_close(&groups->table, engine);
        wms_slab_clear(&groups->slab, engine, false);
        wms_free(engine, groups);
    }
    return NULL;
}

void wms_groups_use(wms_engine *engine, struct wms_groups *groups)
{
    wms_groups_free(engine->groups);
    engine->groups = groups;
}

void wms_groups_clear(wms_engine *engine)
{
    wms_groups_use(engine, NULL);
}

/* ---- finding --------------------------------------------------------------------------------- */

struct name {
    const char *text;
    size_t size;
};

static bool is_called(const struct wms_entry *entry, const void *key)
{
    const char *own = ((const struct group *) entry)->name;
    const struct name *name = key;

    return strlen(own) == name->size && memcmp(own, name->text, name->size) == 0;
}

static struct group *find(const struct wms_groups *groups, const char *text, size_t size)
{
    const struct name name = {.text = text, .size = size};

    return groups ? (struct group *) wms_table_find(&groups->table,
                                                    wms_hash(&groups->engine->key, text, size),
                                                    is_called, &name)
                  : NULL;
}

static int unknown(wms_engine *engine, const char *text, size_t size)
{
    return wms_complain(engine,
                        "server: there is no group '%.*s'; give one that is defined, as by "
                        "wms.configure{ groups = { %.*s = \"lab[01-30]\" } }",
                        (int) size, text, (int) size, text);
}

/* Of an engine whose groups are defined. */
static int find_defined(void *data, const char *text, size_t size, struct wms_members *ret_members)
{
    wms_engine *engine = data;
    const struct group *group = find(engine->groups, text, size);

    if (!group) {
        return unknown(engine, text, size);
    }
    *ret_members = group->members;
    return 0;
}

/* ---- definition ------------------------------------------------------------------------------ */

static int find_given(void *data, const char *text, size_t size, struct wms_members *ret_members);

/* The element of a list of servers, or NULL. */
static const char *element_text(const wms_value *value)
{
    return value->kind == WMS_STRING && strlen(value->text) == value->size ? value->text : NULL;
}

/* The texts that the group was given as; *ret_elements are the slab's. */
static int take_elements(struct wms_groups *groups, const struct group *group,
                         const char ***ret_elements, size_t *ret_count)
{
    const wms_value *given = group->given;
    bool list = given->kind == WMS_LIST || (given->kind == WMS_TABLE && given->size == 0);
    size_t count = list ? given->size : 1;
    const char **elements =
        wms_slab_room(&groups->slab, groups->engine, (count + 1) * sizeof *elements);

    if (!elements) {
        return WMS_E_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        elements[i] = element_text(list ? &given->items[i] : given);
        if (!elements[i]) {
            return wms_complain(
                groups->engine,
                "groups: %s: no string; give an address, a node set or a list of them",
                group->name);
        }
    }
    *ret_elements = elements;
    *ret_count = count;
    return 0;
}

/* Copies the set's servers into the groups' slab. */
static int keep_members(struct wms_groups *groups, struct group *group,
                        const struct wms_serverset *set)
{
    size_t count = 0;
    const char **servers =
        wms_slab_room(&groups->slab, groups->engine, (set->count + 1) * sizeof *servers);

    if (!servers) {
        return WMS_E_NO_MEMORY;
    }
    for (const struct wms_setserver *server = wms_serverset_next(set->first); server;
         server = wms_serverset_next(server->next)) {
        servers[count] = wms_slab_copy(&groups->slab, groups->engine, server->text);
        if (!servers[count++]) {
            return WMS_E_NO_MEMORY;
        }
    }
    group->members = (struct wms_members){.servers = servers, .count = count};
    return 0;
}

/* A complaint about a list becomes one about the group. */
static int complain_of(wms_engine *engine, const struct group *group, int error)
{
    static const char server[] = "server: ";
    char why[sizeof engine->base.complaint];

    if (error == WMS_E_INVALID && strncmp(engine->base.complaint, server, sizeof server - 1) == 0) {
        snprintf(why, sizeof why, "%s", engine->base.complaint + sizeof server - 1);
        wms_complain(engine, "groups: %s: %s", group->name, why);
    }
    return error;
}

static int too_deep(wms_engine *engine, const struct group *group)
{
    return wms_complain(engine,
                        "groups: %s: a group in a group, more than %d deep; give flatter ones",
                        group->name, DEEPEST);
}

static int resolve(struct wms_groups *groups, struct group *group)
{
    const struct wms_grouper grouper = {.find = find_given, .data = groups};
    wms_engine *engine = groups->engine;
    const char **elements = NULL;
    struct wms_serverset set;
    size_t count = 0;

    if (group->resolution == UNDER_WAY) {
        return wms_complain(engine, "groups: %s: it has itself for a part; leave that out",
                            group->name);
    }
    if (groups->depth == DEEPEST) {
        return too_deep(engine, group);
    }
    struct group *outer = groups->current;
    groups->current = group;
    groups->depth++;
    group->resolution = UNDER_WAY;
    group->depth = 1;
    wms_serverset_open(&set, engine, &engine->key);
    int error = take_elements(groups, group, &elements, &count);
    error = error ? error : wms_serverlist_read(&set, &grouper, elements, count);
    error = error ? error : keep_members(groups, group, &set);
    wms_serverset_close(&set);
    error = error || group->depth <= DEEPEST ? error : too_deep(engine, group);
    group->resolution = RESOLVED;
    groups->depth--;
    groups->current = outer;
    return complain_of(engine, group, error);
}

static int find_given(void *data, const char *text, size_t size, struct wms_members *ret_members)
{
    struct wms_groups *groups = data;
    struct group *group = find(groups, text, size);

    if (!group) {
        return unknown(groups->engine, text, size);
    }
    int error = group->resolution == RESOLVED ? 0 : resolve(groups, group);
    if (error) {
        return error;
    }
    if (groups->current && groups->current->depth <= group->depth) {
        groups->current->depth = group->depth + 1;
    }
    *ret_members = group->members;
    return 0;
}

static int add_group(struct wms_groups *groups, const wms_value *given)
{
    wms_engine *engine = groups->engine;
    size_t size = strlen(given->name);

    if (!wms_group_name_fits(given->name, size)) {
        return wms_complain(engine,
                            "groups: a name that no group can have; give letters, digits, '.', '_' "
                            "and '-', at most %d",
                            WMS_GROUP_NAME_MAX);
    }
    if (find(groups, given->name, size)) {
        return wms_complain(engine, "groups: %s: given twice; give it once", given->name);
    }
    struct group *group = wms_slab_room(&groups->slab, engine, sizeof *group);
    if (!group) {
        return WMS_E_NO_MEMORY;
    }
    *group =
        (struct group){.name = wms_slab_copy(&groups->slab, engine, given->name), .given = given};
    return group->name ? wms_table_add(&groups->table, engine, &group->entry,
                                       wms_hash(&engine->key, given->name, size))
                       : WMS_E_NO_MEMORY;
}

int wms_groups_make(wms_engine *engine, const wms_value *table, struct wms_groups **ret_groups)
{
    int error = 0;

    if (table && table->kind != WMS_TABLE) {
        return wms_complain(engine, "groups: no table; give one by the groups' names");
    }
    struct wms_groups *groups = wms_zalloc(engine, sizeof *groups);
    if (!groups) {
        return WMS_E_NO_MEMORY;
    }
    groups->engine = engine;
    size_t count = table ? table->size : 0;
    for (size_t i = 0; !error && i < count; i++) {
        error = add_group(groups, &table->items[i]);
    }
    for (size_t i = 0; !error && i < count; i++) {
        struct wms_members members;
        const char *name = table->items[i].name;
        error = find_given(groups, name, strlen(name), &members);
    }
    if (error) {
        wms_groups_free(groups);
        return error;
    }
    *ret_groups = groups;
    return 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

int wms_engine_read_list(wms_engine *engine, const char *const *elements, size_t count,
                         struct wms_serverset *ret_set)
{
    const struct wms_grouper grouper = {.find = find_defined, .data = engine};

    wms_serverset_open(ret_set, engine, &engine->key);
    int error = wms_serverlist_read(ret_set, &grouper, elements, count);
    if (!error && ret_set->count == 0) {
        error = wms_complain(engine, "server: the list leaves no server; give at least one that is "
                                     "not taken out again");
    }
    if (error) {
        wms_serverset_close(ret_set);
    }
    return error;
}
