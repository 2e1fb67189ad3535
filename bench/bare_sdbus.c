/* SPDX-License-Identifier: MIT */
/* bare_sdbus.c - what a C program without wms would do: UnlockSession on a kept connection, by
 * sd-bus alone.
 *
 *     local bus = require("bench.bare_sdbus")("unix:path=...")
 *     bus:unlock(id, times)      that many calls, one after the other
 *     bus:unlock_many(ids)       a call for each id, all in flight together
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define CONNECTION "bench.bare_sdbus"
#define CALL \
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", \
        "UnlockSession"

static sd_bus **connection_here(lua_State *L)
{
    return luaL_checkudata(L, 1, CONNECTION);
}

static void check(lua_State *L, int error, const char *what)
{
    if (error < 0) {
        luaL_error(L, "%s: %s", what, strerror(-error));
    }
}

static int unlock(lua_State *L)
{
    sd_bus *bus = *connection_here(L);
    const char *id = luaL_checkstring(L, 2);

    for (lua_Integer times = luaL_checkinteger(L, 3); times > 0; times--) {
        check(L, sd_bus_call_method(bus, CALL, NULL, NULL, "s", id), "UnlockSession");
    }
    return 0;
}

struct progress {
    int pending, failed;
};

static int on_reply(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct progress *progress = data;

    (void) error;
    progress->pending--;
    progress->failed += sd_bus_message_is_method_error(reply, NULL);
    return 1;
}

static int unlock_many(lua_State *L)
{
    sd_bus *bus = *connection_here(L);
    struct progress progress = {0, 0};
    int error = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    for (;;) {
        lua_rawgeti(L, 2, progress.pending + 1);
        const char *id = lua_tostring(L, -1);
        if (!id) {
            break;
        }
        check(L, sd_bus_call_method_async(bus, NULL, CALL, on_reply, &progress, "s", id),
              "UnlockSession");
        progress.pending++;
        lua_pop(L, 1);
    }
    while (progress.pending > 0 && error >= 0) {
        error = sd_bus_process(bus, NULL);
        if (error == 0) {
            error = sd_bus_wait(bus, UINT64_MAX);
        }
    }
    check(L, error, "sd_bus_process");
    if (progress.failed) {
        luaL_error(L, "%d calls failed", progress.failed);
    }
    return 0;
}

static int close_connection(lua_State *L)
{
    sd_bus **bus = connection_here(L);

    *bus = sd_bus_flush_close_unref(*bus);
    return 0;
}

static int open_connection(lua_State *L)
{
    const char *address = luaL_checkstring(L, 1);
    sd_bus **bus = lua_newuserdata(L, sizeof *bus);

    *bus = NULL;
    luaL_getmetatable(L, CONNECTION);
    lua_setmetatable(L, -2);
    check(L, sd_bus_new(bus), "sd_bus_new");
    check(L, sd_bus_set_address(*bus, address), "sd_bus_set_address");
    check(L, sd_bus_set_bus_client(*bus, 1), "sd_bus_set_bus_client");
    check(L, sd_bus_start(*bus), "sd_bus_start");
    return 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_sdbus(lua_State *L);

int luaopen_bench_bare_sdbus(lua_State *L)
{
    luaL_newmetatable(L, CONNECTION);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_connection);
    set(L, "unlock", unlock);
    set(L, "unlock_many", unlock_many);
    lua_pushcfunction(L, open_connection);
    return 1;
}
