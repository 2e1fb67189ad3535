/* SPDX-License-Identifier: MIT */
/* store.c - a script's own store for bindings: see wms.configure. */
#include <stdio.h>
#include <string.h>

#include <wms/provider.h>

#include "lua/lwms.h"

static const char *const functions[] = {
    [STORE_LOAD] = "load", [STORE_SAVE] = "save", [STORE_REMOVE] = "remove", [STORE_LIST] = "list"};

void lwms_store_push(lua_State *L, enum store function)
{
    lwms_anchor(L, A_STORE);
    lua_rawgeti(L, -1, function);
    lua_remove(L, -2);
}

void lwms_store_check(lua_State *L, const struct lwms_call *call, int index)
{
    char where[PLACED];

    if (lua_isboolean(L, index) && !lua_toboolean(L, index)) {
        return;
    }
    if (!lua_istable(L, index)) {
        lwms_misuse(
            L, call,
            "store: %s; give a table of functions: load, save, remove and list; or false for files",
            lwms_kind(L, index));
    }
    for (int i = STORE_LOAD; i <= STORE_LIST; i++) {
        snprintf(where, sizeof where, "store.%s", functions[i]);
        lua_pushstring(L, functions[i]);
        lua_rawget(L, index);
        lwms_need_function(L, call, where, lua_gettop(L), false);
        lua_pop(L, 1);
    }
}

int lwms_store_set(lua_State *L, struct lwms_state *state, int index)
{
    bool stores = lua_istable(L, index);

    if (stores) {
        lua_createtable(L, STORE_LIST, 0);
        for (int i = STORE_LOAD; i <= STORE_LIST; i++) {
            lua_pushstring(L, functions[i]);
            lua_rawget(L, index);
            lua_rawseti(L, -2, i);
        }
    } else {
        lua_pushnil(L);
    }
    int error = wms_engine_binding_folder(state->engine, stores ? NULL : "");
    if (!error) {
        lua_rawseti(L, lua_upvalueindex(UP_ANCHORS), A_STORE);
        state->stores = stores;
        lwms_store_clear(state);
    }
    return error;
}

/* The store's answer for the binding of `name` is on top of the stack: text, or nil. */
static void put(lua_State *L, struct lwms_state *state, const char *name)
{
    char complaint[COMPLAINT];
    size_t size = 0;

    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING) {
        luaL_error(L, "store.load returned %s for '%s'; return what store.save was given, or nil",
                   lwms_kind(L, -1), name);
    }
    const char *text = lua_tolstring(L, -1, &size);
    int error = wms_engine_binding_put(state->engine, name, text, size);
    if (error == WMS_E_INVALID) {
        luaL_error(L, "store.load for '%s': %s", name, lwms_complaint(state, complaint));
    }
    if (error) {
        lwms_raise(L, error);
    }
}

/* Asks the store for the binding of `name`, which must not be a Lua string (it could be collected).
 */
void lwms_store_get(lua_State *L, struct lwms_state *state, const char *name)
{
    lwms_store_push(L, STORE_LOAD);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (state->stores) { /* else the function has removed the store */
        put(L, state, name);
    }
    lua_pop(L, 1);
}

static bool is_bound(const struct lwms_state *state, const char *server)
{
    char name[32];

    if (wms_engine_provider_for(state->engine, server, name, sizeof name) != 1) {
        return false;
    }
    const struct wms_provider *provider = wms_engine_registered(state->engine, name);
    return provider && provider->can & 1u << WMS_BIND;
}

void lwms_store_load(lua_State *L, struct lwms_state *state, const char *server)
{
    char name[STORE_NAME];

    if (state->stores && is_bound(state, server) &&
        wms_engine_binding_name(state->engine, server, name, sizeof name) == 0) {
        luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
        lwms_store_get(L, state, name);
    }
}

/* A copy of a binding that has been made: the engine's may be freed during the next allocation in
 * Lua.
 */
struct saving {
    size_t size, text; /* of the whole; where the text begins */
    char data[];       /* server and text */
};

void lwms_store_clear(struct lwms_state *state)
{
    if (state->saving) {
        explicit_bzero(state->saving, state->saving->size);
        lwms_resize(state, state->saving, 0);
        state->saving = NULL;
    }
}

/* The next binding to be saved.  If there is no memory for the copy, it is lost, as when the
 * script's function fails. */
static struct saving *next_saving(lua_State *L, struct lwms_state *state)
{
    const char *server, *text;
    size_t size;

    if (!state->saving && wms_engine_binding_next(state->engine, &server, &text, &size) == 1) {
        size_t length = strlen(server) + 1, whole = sizeof(struct saving) + length + size;
        struct saving *saving = lwms_resize(state, NULL, whole);
        if (!saving) {
            lwms_raise(L, WMS_E_NO_MEMORY);
        }
        *saving = (struct saving){.size = whole, .text = length};
        memcpy(saving->data, server, length);
        memcpy(saving->data + length, text, size);
        state->saving = saving;
    }
    return state->saving;
}

void lwms_store_save(lua_State *L, struct lwms_state *state)
{
    const struct saving *saving;

    while (state->stores && (saving = next_saving(L, state))) {
        lwms_store_push(L, STORE_SAVE);
        lua_pushstring(L, saving->data);
        lua_pushlstring(L, saving->data + saving->text,
                        saving->size - sizeof *saving - saving->text);
        lwms_store_clear(state);
        lua_call(L, 2, 0);
    }
}
