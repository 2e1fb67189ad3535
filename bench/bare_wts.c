/* SPDX-License-Identifier: MIT */
/* bare_wts.c - what a C program without wms would do: the same calls of the Windows session API,
 * one after the other.
 *
 *     local server = require("bench.bare_wts")("multipoint://lab01")      as WTSOpenServerEx()
 * takes it server:list()      how many sessions there are, when each has been asked about
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#include "wts/api.h"

#define SERVER "bench.bare_wts"

static HANDLE *server_here(lua_State *L)
{
    return luaL_checkudata(L, 1, SERVER);
}

static int query(HANDLE server, DWORD id, WTS_INFO_CLASS what)
{
    LPWSTR answer;
    DWORD size;

    if (!WTSQuerySessionInformationW(server, id, what, &answer, &size)) {
        return 0;
    }
    WTSFreeMemory(answer);
    return 1;
}

static int list(lua_State *L)
{
    HANDLE server = *server_here(L);
    PWTS_SESSION_INFO_1W sessions;
    DWORD level = 1, count = 0;
    int asked = 0;

    if (!WTSEnumerateSessionsExW(server, &level, 0, &sessions, &count)) {
        return luaL_error(L, "WTSEnumerateSessionsEx: error %d", (int) GetLastError());
    }
    for (DWORD i = 0; i < count; i++) {
        asked += query(server, sessions[i].SessionId, WTSSessionInfoEx);
        query(server, sessions[i].SessionId, WTSClientName); /* not every session has one */
    }
    WTSFreeMemoryExW(WTSTypeSessionInfoLevel1, sessions, count);
    lua_pushinteger(L, asked);
    return 1;
}

static int close_server(lua_State *L)
{
    HANDLE *server = server_here(L);

    if (*server) {
        WTSCloseServer(*server);
        *server = NULL;
    }
    return 0;
}

static int open_server(lua_State *L)
{
    size_t length;
    const char *name = luaL_checklstring(L, 1, &length);
    WCHAR *units = lua_newuserdata(L, (length + 1) * sizeof *units);

    for (size_t i = 0; i <= length; i++) { /* an address is ASCII */
        units[i] = (WCHAR) (unsigned char) name[i];
    }
    HANDLE *server = lua_newuserdata(L, sizeof *server);
    *server = NULL;
    luaL_getmetatable(L, SERVER);
    lua_setmetatable(L, -2);
    *server = WTSOpenServerExW(units);
    return *server ? 1 : luaL_error(L, "WTSOpenServerEx: error %d", (int) GetLastError());
}

__attribute__((visibility("default"))) int luaopen_bench_bare_wts(lua_State *L);

int luaopen_bench_bare_wts(lua_State *L)
{
    luaL_newmetatable(L, SERVER);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, list);
    lua_setfield(L, -2, "list");
    lua_pushcfunction(L, close_server);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, open_server);
    return 1;
}
