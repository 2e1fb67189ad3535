/* SPDX-License-Identifier: MIT */
/* provider.c - finds the modules of providers along package.cpath, as require would find wms.NAME.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lua/lwms.h"

/* Needs no descriptor: if none is left, the error comes from loading the module. */
static bool is_there(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* Pushes package.cpath, or an empty string. */
static const char *push_cpath(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    for (int i = 0; i < 2; i++) {
        if (!lua_istable(L, -1)) {
            break;
        }
        lua_pushstring(L, i == 0 ? "package" : "cpath");
        lua_rawget(L, -2);
        lua_remove(L, -2);
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushliteral(L, "");
    }
    return lua_tostring(L, -1);
}

static bool find_as(lua_State *L, const char *name, int how)
{
    lua_pushfstring(L, "wms/%s", name);
    int module = lua_gettop(L);
    const char *rest = push_cpath(L);
    lua_pushliteral(L, ""); /* where it was not */

    while (*rest) {
        size_t length = strcspn(rest, ";");
        lua_pushlstring(L, rest, length);
        if (memchr(rest, '?', length)) {
            const char *path = luaL_gsub(L, lua_tostring(L, -1), "?", lua_tostring(L, module));
            if (is_there(path, how)) {
                lua_replace(L, module);
                lua_settop(L, module);
                return true;
            }
            lua_pushfstring(L, "%s%s%s", lua_tostring(L, module + 2),
                            *lua_tostring(L, module + 2) ? ", " : "", path);
            lua_replace(L, module + 2);
        }
        lua_settop(L, module + 2);
        rest += length + (rest[length] == ';');
    }
    lua_replace(L, module);
    lua_settop(L, module);
    return false;
}

/* Pushes the path of the module and returns true, or pushes where it was looked for.  Readable
 * files are preferred; an unreadable one is taken if there is no other, so that loading it reports
 * the reason. */
static bool find(lua_State *L, const char *name)
{
    if (find_as(L, name, R_OK)) {
        return true;
    }
    lua_pop(L, 1);
    return find_as(L, name, F_OK);
}

static void find_provider(lua_State *L, struct lwms_state *state, const char *server)
{
    char name[sizeof state->missing];

    if (wms_engine_provider_for(state->engine, server, name, sizeof name) != 0 ||
        strcmp(name, state->missing) == 0) {
        return;
    }
    luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
    int error = find(L, name) ? wms_engine_load(state->engine, name, lua_tostring(L, -1))
                              : WMS_E_NO_PROVIDER;
    if (error == WMS_E_NO_MEMORY) {
        lwms_raise(L, error); /* a reason other than 'not installed' */
    }
    if (error) {
        strcpy(state->missing, name);
    }
    lua_pop(L, 1);
}

void lwms_provider_for(lua_State *L, struct lwms_state *state, const char *server)
{
    static const char memory[] = "memory://";

    if (server && strncmp(server, memory, sizeof memory - 1) == 0) {
        return; /* that provider is linked into this module */
    }
    find_provider(L, state, server);
    lwms_store_load(L, state, server);
}

/* ---- wms.load -------------------------------------------------------------------------------- */

/* Loads the provider whose name is at `index`; returns 0, or the number of pushed values that tell
 * what went wrong. */
static int load(lua_State *L, const struct lwms_call *call, struct lwms_state *state, int index)
{
    const char *name = lua_tostring(L, index);
    char address[48], known[32], copy[COMPLAINT];

    snprintf(address, sizeof address, "%s://host", name);
    if (wms_engine_provider_for(state->engine, address, known, sizeof known) == 1) {
        return 0;
    }
    bool found = find(L, name);
    const char *where = lua_tostring(L, -1);
    int error = wms_engine_load(state->engine, name, found ? where : NULL);
    const char *complaint = lwms_complaint(state, copy);
    if (error == WMS_E_INVALID) {
        lwms_misuse(L, call, "names: %s", complaint);
    }
    if (!error) {
        return 0;
    }
    if (error != WMS_E_NO_PROVIDER) {
        complaint = wms_error_text(error);
    }
    if (found) {
        lua_pushfstring(L, "the provider '%s' cannot be loaded from %s: %s", name, where,
                        complaint);
    } else {
        lua_pushfstring(L, "%s; looked for %s", complaint,
                        *where ? where : "nothing, since package.cpath is empty");
    }
    return lwms_push_failure(L, error, lua_tostring(L, -1));
}

static void need_name(lua_State *L, const struct lwms_call *call, const char *where, int index)
{
    static const char fix[] = "a string, the name of a provider such as \"logind\"";
    char clipped[CLIPPED];
    const char *name = lwms_need_text(L, call, where, index, fix);
    size_t length = strlen(name);

    if (length == 0 || length > 31 || strspn(name, "abcdefghijklmnopqrstuvwxyz") != length) {
        lwms_misuse(L, call, "%s: '%s' is no provider's name; give %s", where,
                    lwms_clip(L, index, clipped), fix);
    }
}

int lwms_provider_load(lua_State *L)
{
    static const struct lwms_call call = {"load", 1, NULL};
    struct lwms_state *state = lwms_state_here(L);
    char where[PLACED];

    lua_settop(L, 1);
    if (!lua_istable(L, 1)) {
        if (lua_type(L, 1) != LUA_TSTRING) {
            lwms_misuse(L, &call,
                        "%s; give a provider's name or a table of names, such as \"logind\"",
                        lwms_kind(L, 1));
        }
        lua_createtable(L, 1, 0);
        lua_insert(L, 1);
        lua_rawseti(L, 1, 1);
    }
    size_t count = lwms_need_list(L, &call, "names", 1);
    if (count == 0) {
        lwms_misuse(L, &call, "names: an empty list; give at least one, such as \"logind\"");
    }
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, (int) i);
        need_name(L, &call, lwms_place(where, "names", i), 2);
        lua_settop(L, 1);
    }
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, 1, (int) i);
        int failed = lua_type(L, 2) == LUA_TSTRING ? load(L, &call, state, 2) : 0;
        if (failed) {
            return failed;
        }
        lua_settop(L, 1);
    }
    lua_pushboolean(L, 1);
    return 1;
}
