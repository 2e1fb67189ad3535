/* SPDX-License-Identifier: MIT */
/* bindings.c - wms.bindings and wms.unbind: lists and removes bindings. */
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"
#include <wms/provider.h>

/* ---- wms.bindings, wms.unbind ---------------------------------------------------------------- */

static int fail(lua_State *L, struct lwms_state *state, int error, const char *server)
{
    char complaint[COMPLAINT];
    const char *text = error == WMS_E_NOT_BOUND || error == WMS_E_NO_MEMORY || error == WMS_E_BUSY
                           ? wms_error_text(error)
                           : lwms_complaint(state, complaint);

    if (!server) {
        return lwms_push_failure(L, error, text);
    }
    lua_pushfstring(L, "%s: %s", server, text);
    lwms_push_failure(L, error, lua_tostring(L, -1));
    lua_pushstring(L, server);
    lua_setfield(L, -2, "server");
    return 3;
}

/* Loads what the store lists; leaves a table on the stack whose keys are the servers' names. */
static void load_all(lua_State *L, const struct lwms_call *call, struct lwms_state *state)
{
    char name[STORE_NAME];

    lua_createtable(L, 0, 8);
    int names = lua_gettop(L);
    lwms_store_push(L, STORE_LIST);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        luaL_error(L,
                   "store.list returned %s; return a list of what store.save was given as server",
                   lwms_kind(L, -1));
    }
    size_t count = lwms_need_list(L, call, "store.list", names + 1);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, names + 1, (int) i);
        if (!lwms_is_text(L, -1) ||
            wms_engine_binding_name(state->engine, lua_tostring(L, -1), name, sizeof name)) {
            luaL_error(
                L,
                "store.list returned an item that is no server; return what store.save was given");
        }
        lua_pop(L, 1);
        lwms_store_get(L, state, name);
        lua_pushstring(L, name);
        lua_pushboolean(L, 1);
        lua_rawset(L, names);
    }
    lua_settop(L, names);
}

void lwms_bindings_load(lua_State *L, const struct lwms_call *call, struct lwms_state *state)
{
    if (state->stores) {
        luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
        load_all(L, call, state);
        lua_pop(L, 1);
    }
}

void lwms_list_free(struct lwms_list *list)
{
    if (list && list->engine) {
        wms_value_free(list->engine, list->value);
        list->value = NULL;
        list->engine = wms_engine_unref(list->engine);
    }
}

static int list_gc(lua_State *L)
{
    lwms_list_free(lua_touserdata(L, 1));
    return 0;
}

const luaL_Reg lwms_list_own[] = {{"__gc", list_gc}, {NULL, NULL}};

struct lwms_list *lwms_list_new(lua_State *L, struct lwms_state *state)
{
    struct lwms_list *list = lua_newuserdata(L, sizeof *list);

    *list = (struct lwms_list){0};
    lwms_anchor(L, A_LIST);
    lua_setmetatable(L, -2);
    list->engine = wms_engine_ref(state->engine);
    return list;
}

/* Pushes those bindings whose servers are keys of the table at `names` (0: all). */
static void push_list(lua_State *L, const wms_value *list, int names)
{
    int count = 0;

    lua_createtable(L, 0, 0);
    for (size_t i = 0; i < list->size; i++) {
        lwms_push_value(L, wms_value_field(&list->items[i], "server"));
        if (names) {
            lua_rawget(L, names);
        }
        bool listed = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (listed) {
            lwms_push_value(L, &list->items[i]);
            lua_rawseti(L, -2, ++count);
        }
    }
}

int lwms_bindings(lua_State *L)
{
    static const struct lwms_call call = {"bindings", 1, NULL};
    struct lwms_state *state = lwms_state_here(L);
    int names = 0;

    lua_settop(L, 0);
    if (state->stores) {
        load_all(L, &call, state);
        names = 1;
    }
    struct lwms_list *list = lwms_list_new(L, state);
    int error = wms_bindings(list->engine, &list->value);
    if (error) {
        return fail(L, state, error, NULL);
    }
    push_list(L, list->value, names);
    return 1;
}

int lwms_unbind(lua_State *L)
{
    static const struct lwms_call call = {"unbind", 1, NULL};
    struct lwms_state *state = lwms_state_here(L);
    char name[STORE_NAME], complaint[COMPLAINT];
    struct options options;

    lua_settop(L, 1);
    lwms_options_begin(L, &options, state, 0);
    lwms_options_read(L, &call, 1, BIT(SERVER) | BIT(COMPUTER_NAME), &options);
    int index = options.base + SLOT_SERVER;
    if (lua_type(L, index) != LUA_TSTRING) {
        lwms_misuse(L, &call, "server: %s; give the address of one server",
                    lua_istable(L, index) ? "a list" : "missing");
    }
    state->missing[0] = '\0';
    lwms_provider_for(L, state, lua_tostring(L, index)); /* its port belongs to the name */
    int error = wms_engine_binding_name(state->engine, lua_tostring(L, index), name, sizeof name);
    if (error == WMS_E_INVALID) {
        lwms_misuse(L, &call, "%s", lwms_complaint(state, complaint));
    }
    error = error ? error : wms_unbind(state->engine, name);
    if (error) {
        return fail(L, state, error, lua_tostring(L, index));
    }
    if (state->stores) {
        lwms_store_push(L, STORE_REMOVE);
        lua_pushstring(L, name);
        lua_call(L, 1, 0);
    }
    lua_pushboolean(L, 1);
    return 1;
}
