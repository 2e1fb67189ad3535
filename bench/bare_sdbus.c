/* SPDX-License-Identifier: MIT */
/* bare_sdbus.c - what a C program without wms would do: UnlockSession on a kept connection, by
 * sd-bus alone, for a session that it has looked at just before, as wms does.
 *
 *     local bus = require("bench.bare_sdbus")("unix:path=...")
 *     bus:unlock(id, times)      that often, one after the other
 *     bus:unlock_many(ids)       each id, all in flight together
 */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define CONNECTION "bench.bare_sdbus"
#define CALL \
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", \
        "UnlockSession"
#define LOOK(path) "org.freedesktop.login1", path, "org.freedesktop.DBus.Properties", "GetAll"
#define SESSION    "s", "org.freedesktop.login1.Session"

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

/* Whether the session that the reply to LOOK is about has a user's class. */
static int is_users(sd_bus_message *reply)
{
    const char *name, *class = "";
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r > 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r > 0) {
            r = strcmp(name, "Class") == 0 ? sd_bus_message_read(reply, "v", "s", &class)
                                           : sd_bus_message_skip(reply, "v");
        }
        if (r >= 0) {
            r = sd_bus_message_exit_container(reply);
        }
    }
    return r >= 0 && strcmp(class, "user") == 0;
}

static char *path_of(lua_State *L, const char *id)
{
    char *path = NULL;

    check(L, sd_bus_path_encode("/org/freedesktop/login1/session", id, &path),
          "sd_bus_path_encode");
    return path;
}

static int unlock(lua_State *L)
{
    sd_bus *bus = *connection_here(L);
    const char *id = luaL_checkstring(L, 2);
    char *path = path_of(L, id);
    int r = 0;

    for (lua_Integer times = luaL_checkinteger(L, 3); times > 0 && r >= 0; times--) {
        sd_bus_message *reply = NULL;
        r = sd_bus_call_method(bus, LOOK(path), NULL, &reply, SESSION);
        if (r >= 0) {
            r = is_users(reply) ? sd_bus_call_method(bus, CALL, NULL, NULL, "s", id) : -EPERM;
        }
        sd_bus_message_unref(reply);
    }
    free(path);
    check(L, r, "UnlockSession");
    return 0;
}

struct progress {
    sd_bus *bus;
    int pending, failed;
};

struct one {
    struct progress *progress;
    const char *id; /* Lua's */
};

static int on_unlocked(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct progress *progress = data;

    (void) error;
    progress->pending--;
    progress->failed += sd_bus_message_is_method_error(reply, NULL);
    return 1;
}

static int on_look(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    const struct one *one = data;
    struct progress *progress = one->progress;

    (void) error;
    if (sd_bus_message_is_method_error(reply, NULL) || !is_users(reply) ||
        sd_bus_call_method_async(progress->bus, NULL, CALL, on_unlocked, progress, "s", one->id) <
            0) {
        progress->pending--;
        progress->failed++;
    }
    return 1;
}

static int unlock_many(lua_State *L)
{
    struct progress progress = {*connection_here(L), 0, 0};
    int error = 0, count;

    luaL_checktype(L, 2, LUA_TTABLE);
    count = (int) lua_rawlen(L, 2);
    struct one *each = lua_newuserdata(L, (size_t) (count + 1) * sizeof *each);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, 2, i + 1); /* the table keeps it */
        each[i] = (struct one){&progress, lua_tostring(L, -1)};
        lua_pop(L, 1);
        char *path = path_of(L, each[i].id);
        error =
            sd_bus_call_method_async(progress.bus, NULL, LOOK(path), on_look, &each[i], SESSION);
        free(path);
        check(L, error, "GetAll");
        progress.pending++;
    }
    while (progress.pending > 0 && error >= 0) {
        error = sd_bus_process(progress.bus, NULL);
        if (error == 0) {
            error = sd_bus_wait(progress.bus, UINT64_MAX);
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
