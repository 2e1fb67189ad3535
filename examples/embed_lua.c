/* SPDX-License-Identifier: MIT */
/* embed_lua.c - a C program that links the Lua module into a Lua state of its own, and guards it.
 *
 * In this tree `make examples` builds it.  With an installed wms:
 *
 *     cc -o embed_lua embed_lua.c $(pkg-config --cflags wms lua5.4) -lwms-lua5.4 $(pkg-config
 * --libs wms lua5.4)
 *
 * Its scripts come from people who may unlock sessions on memory://lab, and may do nothing else.
 */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <wms/lua.h>
#include <wms/memory.h>

/* Nothing in Lua removes it: neither `allow` nor another client nor a request that is started by
 * hand. */
static int guard(void *data, const wms_action *action)
{
    (void) data;
    return action->verb != WMS_UNLOCK || strcmp(action->server, "memory://lab") != 0;
}

static const char script[] =
    "local wms = require 'wms'\n"
    "local lab = { session_ids = 1, server = 'memory://lab' }\n"
    "local office = { session_ids = 1, server = 'memory://office' }\n"
    "local function yes() return true end\n"
    "local function try(what, list, message)\n"
    "   print(('  %-34s %s'):format(what, list and list[1].state or message))\n"
    "end\n"
    "try('unlock on the lab', wms.unlock(lab))\n"
    "try('unlock in the office', wms.unlock(office))\n"
    "try('lock on the lab', wms.lock{ session_ids = 1, server = 'memory://lab', message = 'x' })\n"
    "try('close all on the lab', wms.close_all('memory://lab'))\n"
    "try('list the office', wms.sessions('memory://office'))\n"
    "wms.configure{ allow = yes }\n"
    "try('with an allow of its own', wms.unlock(office))\n"
    "try('with a client', wms.new{ server = 'memory://office', allow = yes }:unlock_all())\n"
    "local request = wms.start('unlock', office)\n"
    "request:wait()\n"
    "try('with a request', request:result())\n"
    "try('planned', wms.unlock{ session_ids = 1, server = 'memory://office', what_if = true })\n";

/* A host with one session. */
static int make_host(wms_engine *engine, const char *name)
{
    wms_session session = {
        .id = {.number = 1}, .station_id = -1, .is_orchestratable = 1, .locked = 1};
    wms_memory *host;
    int error = wms_memory_new(engine, name, NULL, &host);

    if (!error) {
        error = wms_memory_open(host, &session, -1);
        wms_memory_unref(host); /* it serves as long as the engine lives */
    }
    return error;
}

static int only_wms(lua_State *L)
{
    if (strcmp(luaL_checkstring(L, 1), "wms") != 0) {
        return luaL_error(L, "only 'wms' can be required here");
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

/* Under lua_pcall: what can raise is in here. */
static int run(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {"_G", luaopen_base},
        {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table},
        {LUA_MATHLIBNAME, luaopen_math},
    };
    static const char *const removed[] = {"dofile", "load", "loadfile"};

    /* A guard is worth as much as the libraries beside it: os and io start programs, package loads
     * another wms. */
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        lua_pushnil(L);
        lua_setglobal(L, removed[i]);
    }
    luaL_requiref(L, "wms", luaopen_wms, 0);
    lua_pushcclosure(L, only_wms, 1);
    lua_setglobal(L, "require");

    wms_engine *engine = wms_lua_engine(L);
    wms_engine_guard(engine, guard, NULL);
    if (make_host(engine, "lab") || make_host(engine, "office")) {
        return luaL_error(L, "no hosts: %s", wms_engine_complaint(engine));
    }
    if (luaL_loadbufferx(L, script, sizeof script - 1, "=script", "t")) {
        return lua_error(L);
    }
    lua_call(L, 0, 0);
    return 0;
}

int main(void)
{
    lua_State *L = luaL_newstate();

    if (!L) {
        fprintf(stderr, "embed_lua: out of memory\n");
        return 1;
    }
    lua_pushcfunction(L, run);
    int status = lua_pcall(L, 0, 0, 0);
    if (status) {
        const char *message = lua_tostring(L, -1);
        fprintf(stderr, "embed_lua: %s\n", message ? message : "an error that is no text");
    }
    lua_close(L);
    return status ? 1 : 0;
}
