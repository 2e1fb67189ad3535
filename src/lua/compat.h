/* SPDX-License-Identifier: MIT */
/* compat.h - one source for Lua 5.1, LuaJIT, 5.2, 5.3 and 5.4.
 *
 * Most of what differs is not used at all: functions are set, metatables compared and integers
 * recognized by hand, in a way that every Lua understands.
 */
#ifndef WMS_LUA_COMPAT_H
#define WMS_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

/* The one table that a userdata keeps alive. */
#if LUA_VERSION_NUM < 502
#define lua_setuservalue lua_setfenv
#define lua_getuservalue lua_getfenv
#endif

/* Pushes a whole number up to 2^53, also where a lua_Integer has 32 bits or is no type of its own.
 */
#if LUA_VERSION_NUM < 503
#define push_whole(L, n) lua_pushnumber(L, (lua_Number) (n))
#else
#define push_whole(L, n) lua_pushinteger(L, (lua_Integer) (n))
#endif

#endif
