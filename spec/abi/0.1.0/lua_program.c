/* SPDX-License-Identifier: MIT */
/* lua_program.c - a program that is built with the headers of 0.1.0 alone, and has the Lua module of today linked in. */
#include <stdio.h>

#include <lauxlib.h>
#include <lualib.h>

#include <wms/lua.h>

static int open_it(lua_State *L)
{
    return lua_tocfunction(L, 1) ? luaopen_wms(L) : wms_lua_open(L, NULL);
}

int main(void)
{
    lua_State *L = luaL_newstate();

    luaL_openlibs(L);
    if (wms_lua_engine(L)) {
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        lua_pushcfunction(L, open_it);
        if (i == 0) {
            lua_pushnil(L);
        } else {
            lua_pushcfunction(L, open_it);
        }
        lua_call(L, 1, 1);
        lua_setglobal(L, "wms");
    }
    if (!wms_lua_engine(L) || luaL_loadstring(L, "local lab = wms.memory('lab', { sessions = { { session_id = 1 } } })\n"
                                                 "assert(wms.unlock_all('memory://lab')[1].state == 'requested')\n"
                                                 "print('fine')") ||
        lua_pcall(L, 0, 0, 0)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    lua_close(L);
    return 0;
}
