/* SPDX-License-Identifier: MIT */
/* state.c - what every function of the module needs: the Lua state's own, its anchors, metatables.
 */
#include "lua/lwms.h"

#include <wms/provider.h>

/* Its address is the key of the state in the registry: no other copy of this module has the same.
 */
static const char key = 'w';

void lwms_push_key(lua_State *L)
{
    lua_pushlightuserdata(L, (void *) (uintptr_t) &key);
}

struct lwms_state *lwms_state_here(lua_State *L)
{
    struct lwms_state *state = lua_touserdata(L, lua_upvalueindex(UP_STATE));

    if (!state->engine) {
        luaL_error(L, "wms is closed: the Lua state is being closed");
    }
    return state;
}

void *lwms_resize(const struct lwms_state *state, void *block, size_t size)
{
    return wms_engine_services()->resize(state->engine, block, size);
}

void lwms_anchor(lua_State *L, enum anchor what)
{
    lua_rawgeti(L, lua_upvalueindex(UP_ANCHORS), what);
}

bool lwms_is_a(lua_State *L, int index, enum anchor metatable)
{
    bool same = false;

    if (lua_type(L, index) == LUA_TUSERDATA && lua_getmetatable(L, index)) {
        lwms_anchor(L, metatable);
        same = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return same;
}

void *lwms_self_here(lua_State *L, enum anchor metatable, const char *kind, const char *method)
{
    if (!lwms_is_a(L, 1, metatable)) {
        luaL_error(L, "calling '%s' on bad self (%s; call it with a colon: %s:%s)", method,
                   lwms_kind(L, 1), kind, method);
    }
    return lua_touserdata(L, 1);
}

void lwms_set_functions(lua_State *L, const luaL_Reg *functions, int state, int anchors)
{
    for (; functions->name; functions++) {
        lua_pushstring(L, functions->name);
        lua_pushvalue(L, state);
        lua_pushvalue(L, anchors);
        lua_pushcclosure(L, functions->func, 2);
        lua_rawset(L, -3);
    }
}

void lwms_make_metatable(lua_State *L, const char *name, const luaL_Reg *own,
                         const luaL_Reg *methods, int state, int anchors)
{
    lua_createtable(L, 0, 8);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lwms_set_functions(L, own, state, anchors);
    if (methods) {
        lua_createtable(L, 0, 16);
        lwms_set_functions(L, methods, state, anchors);
        lua_setfield(L, -2, "__index");
    }
}
