/* SPDX-License-Identifier: MIT */
/* floor.c - the least that a command can cost in Lua: it reads the options of an unlock and returns
 * the list of outcomes that wms.unlock would, without doing anything in between. */
#include <lauxlib.h>
#include <lua.h>

static int unlock(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "session_ids");
    lua_getfield(L, 1, "server");
    luaL_checknumber(L, 2);
    luaL_checkstring(L, 3);
    lua_createtable(L, 1, 0);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, 3);
    lua_setfield(L, -2, "server");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "session_id");
    lua_pushliteral(L, "requested");
    lua_setfield(L, -2, "state");
    lua_pushliteral(L, "alice");
    lua_setfield(L, -2, "user_name");
    lua_rawseti(L, -2, 1);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_bench_floor(lua_State *L);

int luaopen_bench_floor(lua_State *L)
{
    lua_pushcfunction(L, unlock);
    return 1;
}
