/* SPDX-License-Identifier: MIT */
/* bare_match.c - what a C program without wms would do to hear of sessions that lock: a match on
 * logind's signals by sd-bus alone, here or through ssh.
 *
 *     local bus = require("bench.bare_match")("unix:path=..." or "unixexec:path=...")
 *     bus:hint(id, locked)       sets a session's LockedHint, and waits for no answer
 *     bus:watch()                from here on all changes of sessions come
 *     bus:await(locked)          returns when a LockedHint of this value comes
 */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define CONNECTION "bench.bare_match"
#define NAME       "org.freedesktop.login1"
#define SESSION    NAME ".Session"
#define MATCH \
    "type='signal',sender='" NAME "',path_namespace='/org/freedesktop/login1/session'," \
    "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" SESSION "'"

struct connection {
    sd_bus *bus;
    int locked; /* the last LockedHint that came, or -1 */
};

static struct connection *connection_here(lua_State *L)
{
    return luaL_checkudata(L, 1, CONNECTION);
}

static void check(lua_State *L, int error, const char *what)
{
    if (error < 0) {
        luaL_error(L, "%s: %s", what, strerror(-error));
    }
}

static int hint(lua_State *L)
{
    struct connection *connection = connection_here(L);
    sd_bus_message *call = NULL;
    char *path = NULL;

    check(L, sd_bus_path_encode("/org/freedesktop/login1/session", luaL_checkstring(L, 2), &path),
          "sd_bus_path_encode");
    int r = sd_bus_message_new_method_call(connection->bus, &call, NAME, path, SESSION,
                                           "SetLockedHint");
    free(path);
    r = r < 0 ? r : sd_bus_message_append(call, "b", lua_toboolean(L, 3));
    r = r < 0 ? r : sd_bus_message_set_expect_reply(call, 0);
    r = r < 0 ? r : sd_bus_send(connection->bus, call, NULL);
    r = r < 0 ? r : sd_bus_flush(connection->bus);
    sd_bus_message_unref(call);
    check(L, r, "SetLockedHint");
    return 0;
}

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct connection *connection = data;
    const char *interface, *name;
    (void) error;

    int r = sd_bus_message_read(signal, "s", &interface);
    r = r < 0 ? r : sd_bus_message_enter_container(signal, 'a', "{sv}");
    while (r > 0 && (r = sd_bus_message_enter_container(signal, 'e', "sv")) > 0) {
        r = sd_bus_message_read(signal, "s", &name);
        if (r > 0) {
            r = strcmp(name, "LockedHint") == 0
                    ? sd_bus_message_read(signal, "v", "b", &connection->locked)
                    : sd_bus_message_skip(signal, "v");
        }
        r = r < 0 ? r : sd_bus_message_exit_container(signal);
    }
    return 0;
}

static int watch(lua_State *L)
{
    struct connection *connection = connection_here(L);

    check(L, sd_bus_add_match(connection->bus, NULL, MATCH, on_changed, connection),
          "sd_bus_add_match");
    return 0;
}

static int await(lua_State *L)
{
    struct connection *connection = connection_here(L);
    int wanted = lua_toboolean(L, 2), r = 0;

    connection->locked = -1;
    while (r >= 0 && connection->locked != wanted) {
        r = sd_bus_process(connection->bus, NULL);
        r = r == 0 ? sd_bus_wait(connection->bus, UINT64_MAX) : r;
    }
    check(L, r, "sd_bus_process");
    return 0;
}

static int close_connection(lua_State *L)
{
    struct connection *connection = connection_here(L);

    connection->bus = sd_bus_flush_close_unref(connection->bus);
    return 0;
}

static int open_connection(lua_State *L)
{
    const char *address = luaL_checkstring(L, 1);
    struct connection *connection = lua_newuserdata(L, sizeof *connection);

    *connection = (struct connection){.locked = -1};
    luaL_getmetatable(L, CONNECTION);
    lua_setmetatable(L, -2);
    check(L, sd_bus_new(&connection->bus), "sd_bus_new");
    check(L, sd_bus_set_address(connection->bus, address), "sd_bus_set_address");
    check(L, sd_bus_set_bus_client(connection->bus, 1), "sd_bus_set_bus_client");
    check(L, sd_bus_start(connection->bus), "sd_bus_start");
    return 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_match(lua_State *L);

int luaopen_bench_bare_match(lua_State *L)
{
    luaL_newmetatable(L, CONNECTION);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_connection);
    set(L, "close", close_connection);
    set(L, "hint", hint);
    set(L, "watch", watch);
    set(L, "await", await);
    lua_pushcfunction(L, open_connection);
    return 1;
}
