/* SPDX-License-Identifier: MIT */
/* clock.c - seconds of the machine's clock, for the measurements. */
#include <lauxlib.h>
#include <lua.h>
#include <time.h>

static int now(lua_State *L)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    lua_pushnumber(L, (lua_Number) time.tv_sec + (lua_Number) time.tv_nsec / 1e9);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_bench_clock(lua_State *L);

int luaopen_bench_clock(lua_State *L)
{
    lua_pushcfunction(L, now);
    return 1;
}
