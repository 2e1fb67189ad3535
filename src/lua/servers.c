/* SPDX-License-Identifier: MIT */
/* servers.c - which servers a call means: addresses, node sets, groups; wms.servers. */
#include <string.h>

#include "lua/lwms.h"

void lwms_servers_complain(lua_State *L, const struct lwms_call *call, const char *name)
{
    char copy[COMPLAINT];
    const char *complaint = lwms_complaint(lwms_state_here(L), copy);

    lwms_misuse_renamed(L, call, complaint, "server", name);
    lwms_misuse(L, call, "%s", complaint);
}

static bool is_plain(lua_State *L, int index)
{
    return !lwms_is_text(L, index) || !wms_is_expression(lua_tostring(L, index));
}

/* Of a list at `index`. */
static bool are_plain(lua_State *L, int index, size_t count)
{
    bool plain = true;

    for (size_t i = 1; plain && i <= count; i++) {
        lua_rawgeti(L, index, (int) i);
        plain = is_plain(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    return plain;
}

/* Reads the texts at `index`, a string or a list of `count`, into `room`; allocates nothing. */
static void read_texts(lua_State *L, const struct lwms_call *call, int index, size_t count,
                       const char **room)
{
    for (size_t i = 0; i < count; i++) {
        if (lua_istable(L, index)) {
            lua_rawgeti(L, index, (int) i + 1);
        } else {
            lua_pushvalue(L, index);
        }
        if (!lwms_is_text(L, -1)) {
            lwms_misuse(L, call,
                        "servers: a list that changes while it is read; give one that does not");
        }
        room[i] = lua_tostring(L, -1);
        lua_pop(L, 1); /* the table, or the slot, keeps it alive */
    }
}

/* The servers that the `count` texts at `index` mean, as the engine's list, in an owner that is
 * pushed. */
static struct lwms_list *push_meant(lua_State *L, const struct lwms_call *call, const char *name,
                                    int index, size_t count)
{
    struct lwms_state *state = lwms_state_here(L);
    const char **room = lua_newuserdata(L, count * sizeof *room);
    struct lwms_list *list = lwms_list_new(L, state);

    read_texts(L, call, index, count, room);
    int error = wms_engine_servers(state->engine, room, count, &list->value);
    if (error) {
        lwms_list_free(list);
    }
    if (error == WMS_E_INVALID) {
        lwms_servers_complain(L, call, name);
    }
    if (error) {
        lwms_raise(L, error);
    }
    lua_remove(L, -2); /* the room */
    return list;
}

void lwms_servers_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                        struct servers *servers)
{
    struct lwms_state *state = lwms_state_here(L);
    bool list = lua_istable(L, index);

    *servers = (struct servers){.index = index};
    servers->count = list ? lwms_need_list(L, call, name, index) : !lua_isnil(L, index);
    if (list ? !are_plain(L, index, servers->count) : !is_plain(L, index)) {
        servers->list = push_meant(L, call, name, index, servers->count);
        servers->meant = servers->list->value;
        servers->count = servers->meant->size;
        for (size_t i = 0; i < servers->count; i++) {
            lwms_provider_for(L, state, servers->meant->items[i].text);
        }
    } else if (list) {
        for (size_t i = 1; i <= servers->count; i++) {
            lua_rawgeti(L, index, (int) i);
            if (lwms_is_text(L, -1)) {
                lwms_provider_for(L, state, lua_tostring(L, -1));
            }
            lua_pop(L, 1);
        }
        lua_pushnil(L);
    } else {
        servers->one = lua_tostring(L, index); /* NULL for nil */
        lwms_provider_for(L, state, servers->one);
        lua_pushnil(L);
    }
    if (list || servers->meant) {
        servers->room = lua_newuserdata(L, servers->count * sizeof *servers->room);
    } else {
        lua_pushnil(L);
    }
}

void lwms_servers_read(lua_State *L, const struct lwms_call *call, struct servers *servers,
                       wms_command *command)
{
    if (servers->meant) {
        for (size_t i = 0; i < servers->count; i++) {
            servers->room[i] = servers->meant->items[i].text;
        }
    } else if (servers->room) {
        read_texts(L, call, servers->index, servers->count, servers->room);
    }
    command->servers = servers->room ? servers->room : &servers->one;
    command->server_count = servers->count;
}

void lwms_servers_end(struct servers *servers)
{
    lwms_list_free(servers->list);
    servers->meant = NULL;
    servers->list = NULL;
}

void lwms_servers_check(lua_State *L, const struct lwms_call *call, const char *name, int index)
{
    size_t count = lua_istable(L, index) ? lwms_need_list(L, call, name, index) : 1;

    lwms_list_free(push_meant(L, call, name, index, count));
    lua_pop(L, 1);
}

/* ---- wms.servers ----------------------------------------------------------------------------- */

int lwms_servers(lua_State *L)
{
    static const struct lwms_call call = {"servers", 1, NULL};
    static const char fix[] = "an address, a node set such as \"lab[01-30]\", a group such as "
                              "\"@room1\", or a list of these";
    char where[PLACED];
    size_t count = 1;

    lwms_no_more(L, &call, 1);
    lua_settop(L, 1);
    if (lua_istable(L, 1)) {
        count = lwms_need_list(L, &call, "servers", 1);
        for (size_t i = 1; i <= count; i++) {
            lua_rawgeti(L, 1, (int) i);
            lwms_need_text(L, &call, lwms_place(where, "servers", i), 2, fix);
            lua_settop(L, 1);
        }
    } else {
        lwms_need_text(L, &call, "servers", 1, fix);
    }
    if (count == 0) {
        lwms_misuse(L, &call, "servers: an empty list; give %s", fix);
    }
    struct lwms_list *list = push_meant(L, &call, "servers", 1, count);
    lwms_push_value(L, list->value);
    lwms_list_free(list);
    return 1;
}
