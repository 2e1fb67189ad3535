/* SPDX-License-Identifier: MIT */
/* wms/lua.h - for programs that link the Lua module in. */
#ifndef WMS_LUA_H
#define WMS_LUA_H

#include <lua.h>

#include <wms.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The module, for luaL_requiref(L, "wms", luaopen_wms, 0): returns the table of functions.  A Lua
 * state has one engine, which its garbage collector owns. */
WMS_API int luaopen_wms(lua_State *L);

/* The engine of the Lua state, for wms_engine_guard(), wms_engine_register() and the like;
 * borrowed, it lives as long as the state.  NULL: the module is not loaded in this state.
 *
 * The guard is the program's: nothing in this module removes it.  But a script that has `package`
 * can load another copy of the module, with an engine and without a guard: whoever guards scripts
 * gives them no `package`, `os` or `io`.  A state without `package` finds no modules of providers
 * either: give it their folder with wms_engine_module_folder(), or load them with
 * wms_engine_load().  The log is the module's. */
WMS_API wms_engine *wms_lua_engine(lua_State *L);

/* As luaopen_wms(), with memory from `alloc` (copied; NULL: malloc): to be called before anything
 * else loads the module. */
WMS_API int wms_lua_open(lua_State *L, const struct wms_alloc *alloc);

#ifdef __cplusplus
}
#endif
#endif
