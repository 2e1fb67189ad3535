/* SPDX-License-Identifier: MIT */
/* bare_ssh.c - what a C program without wms would do with many Linux hosts: as many ssh at once, an
 * sd-bus connection through each, and the same calls on all of them.
 *
 *     local far = require("bench.bare_ssh"){ { "ssh", "-xT", "--", "host", "systemd-stdio-bridge"
 * }, ... } far:unlock(ids)      on each host its session: looks at it, then UnlockSession; all in
 * flight together far:close()
 */
#define _GNU_SOURCE
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define FAR "bench.bare_ssh"
#define CALL \
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", \
        "UnlockSession"
#define LOOK(path) "org.freedesktop.login1", path, "org.freedesktop.DBus.Properties", "GetAll"
#define SESSION    "s", "org.freedesktop.login1.Session"

enum { HOSTS_MAX = 200, WORDS_MAX = 40 };

struct host {
    struct far *far;
    sd_bus *bus;
    pid_t ssh;
    const char *id; /* Lua's */
};

struct far {
    size_t count, pending, failed;
    struct host hosts[HOSTS_MAX];
};

extern char **environ;

static struct far *far_here(lua_State *L)
{
    return luaL_checkudata(L, 1, FAR);
}

static int close_far(lua_State *L)
{
    struct far *far = far_here(L);

    for (size_t i = 0; i < far->count; i++) {
        far->hosts[i].bus = sd_bus_close_unref(far->hosts[i].bus); /* ssh ends with its input */
    }
    for (size_t i = 0; i < far->count; i++) {
        waitpid(far->hosts[i].ssh, NULL, 0);
    }
    far->count = 0;
    return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

/* Starts the words on top of the stack, with our end of a socket pair as `*ret_fd`. */
static pid_t start(lua_State *L, int *ret_fd)
{
    char *words[WORDS_MAX + 1] = {NULL};
    int pair[2];
    pid_t pid = -1;
    posix_spawn_file_actions_t actions;

    for (int i = 0; i < WORDS_MAX && i < (int) lua_rawlen(L, -1); i++) {
        lua_rawgeti(L, -1, i + 1);
        words[i] = (char *) (uintptr_t) lua_tostring(L, -1); /* the table keeps it */
        lua_pop(L, 1);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        luaL_error(L, "socketpair: %s", strerror(errno));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 0);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
    int error = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (error) {
        close(pair[0]);
        luaL_error(L, "%s: %s", words[0], strerror(error));
    }
    *ret_fd = pair[0];
    return pid;
}

static int open_far(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count <= HOSTS_MAX, 1, "too many");
    struct far *far = lua_newuserdata(L, sizeof *far);

    memset(far, 0, sizeof *far);
    luaL_getmetatable(L, FAR);
    lua_setmetatable(L, -2);
    for (size_t i = 0; i < count; i++) {
        struct host *host = &far->hosts[far->count];
        int fd = -1;
        lua_rawgeti(L, 1, (int) i + 1);
        host->far = far;
        host->ssh = start(L, &fd);
        far->count++;
        lua_pop(L, 1);
        if (sd_bus_new(&host->bus) < 0 || sd_bus_set_fd(host->bus, fd, fd) < 0 ||
            sd_bus_set_bus_client(host->bus, 1) < 0 || sd_bus_start(host->bus) < 0) {
            return luaL_error(L, "sd-bus does not start");
        }
    }
    return 1;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int on_unlocked(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct host *host = data;

    (void) error;
    host->far->pending--;
    host->far->failed += sd_bus_message_is_method_error(reply, NULL) != 0;
    return 1;
}

static int on_look(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct host *host = data;

    (void) error;
    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_call_method_async(host->bus, NULL, CALL, on_unlocked, host, "s", host->id) < 0) {
        host->far->pending--;
        host->far->failed++;
    }
    return 1;
}

static void look(lua_State *L, struct host *host)
{
    char *path = NULL;
    int r = sd_bus_path_encode("/org/freedesktop/login1/session", host->id, &path);

    r = r < 0 ? r : sd_bus_call_method_async(host->bus, NULL, LOOK(path), on_look, host, SESSION);
    free(path);
    if (r < 0) {
        luaL_error(L, "GetAll: %s", strerror(-r));
    }
    host->far->pending++;
}

/* Waits until a connection has something to do; does it. */
static void turn(lua_State *L, struct far *far)
{
    struct pollfd fds[HOSTS_MAX];
    bool busy = false;

    for (size_t i = 0; i < far->count; i++) {
        sd_bus *bus = far->hosts[i].bus;
        int r;
        while ((r = sd_bus_process(bus, NULL)) > 0) {
            busy = true;
        }
        if (r < 0) {
            luaL_error(L, "sd_bus_process: %s", strerror(-r));
        }
        fds[i] =
            (struct pollfd){.fd = sd_bus_get_fd(bus), .events = (short) sd_bus_get_events(bus)};
    }
    if (!busy && far->pending > 0) {
        poll(fds, far->count, -1);
    }
}

static int unlock(lua_State *L)
{
    struct far *far = far_here(L);

    luaL_checktype(L, 2, LUA_TTABLE);
    far->failed = 0;
    for (size_t i = 0; i < far->count; i++) {
        lua_rawgeti(L, 2, (int) i + 1);
        far->hosts[i].id = lua_tostring(L, -1); /* the table keeps it */
        lua_pop(L, 1);
        look(L, &far->hosts[i]);
    }
    while (far->pending > 0) {
        turn(L, far);
    }
    return far->failed ? luaL_error(L, "%d calls failed", (int) far->failed) : 0;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_ssh(lua_State *L);

int luaopen_bench_bare_ssh(lua_State *L)
{
    luaL_newmetatable(L, FAR);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_far);
    set(L, "unlock", unlock);
    set(L, "close", close_far);
    lua_pushcfunction(L, open_far);
    return 1;
}
