/* SPDX-License-Identifier: MIT */
/* system.c - `require "wms.system"`: what wms.keep, wms.multipoint and the command line need of the
 * system and of this module, and Lua's own libraries do not have.  It is no part of the interface.
 */
#define _GNU_SOURCE /* sigtimedwait, secure_getenv */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/listener.h"
#include "lua/lwms.h"

/* ---- signals that end a program -------------------------------------------------------------- */

static const struct {
    int number;
    const char *name;
} endings[] = {{SIGTERM, "TERM"}, {SIGINT, "INT"}, {SIGHUP, "HUP"}};
enum { ENDINGS = sizeof endings / sizeof *endings };

/* Those that are not ignored, as `nohup` wants it: one that is blocked would come nevertheless. */
static sigset_t set_of_endings(void)
{
    struct sigaction action;
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < ENDINGS; i++) {
        bool known = sigaction(endings[i].number, NULL, &action) == 0;
        if (!known || (action.sa_flags & SA_SIGINFO) || action.sa_handler != SIG_IGN) {
            sigaddset(&set, endings[i].number);
        }
    }
    return set;
}

/* From now on they wait to be taken by ending() or await().  A pipe that nobody reads ends the
 * program no longer: writing to it fails.  For a program's only thread.
 */
static int hold_endings(lua_State *L)
{
    sigset_t set = set_of_endings();

    (void) L;
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return 0;
}

/* The name of one that has come: "TERM", "INT", "HUP"; or nil. */
static int ending(lua_State *L)
{
    static const struct timespec now = {0, 0};
    sigset_t set = set_of_endings();
    int number = sigtimedwait(&set, NULL, &now);

    for (int i = 0; i < ENDINGS; i++) {
        if (endings[i].number == number) {
            lua_pushstring(L, endings[i].name);
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

/* await(fd, seconds, output): waits until the descriptor is readable, a signal has come that
 * hold_endings() holds, or the seconds have passed; with `output` also until nobody reads the
 * standard output.  Returns the name of the signal, "UNREAD", or nil.
 */
static int await(lua_State *L)
{
    enum { WITHOUT = 500 }; /* milliseconds, where there is no descriptor to tell of signals */
    static const struct lwms_call call = {"await", 1, NULL};
    unsigned fd = lwms_need_whole(L, &call, "fd", 1, 0, INT_MAX);
    double seconds = lwms_need_seconds(L, &call, "seconds", 2, 0);
    bool output = lua_toboolean(L, 3);
    sigset_t set = set_of_endings();
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    int pause = seconds < 1e6 ? (int) (seconds * 1000 + 0.999) : INT_MAX;
    struct pollfd watched[] = {{.fd = (int) fd, .events = POLLIN},
                               {.fd = signals, .events = POLLIN},
                               {.fd = output ? STDOUT_FILENO : -1}};

    poll(watched, 3, signals < 0 && pause > WITHOUT ? WITHOUT : pause);
    if (signals >= 0) {
        close(signals);
    }
    ending(L);
    if (lua_isnil(L, -1) && watched[2].revents) {
        lua_pushliteral(L, "UNREAD");
    }
    return 1;
}

/* ---- the service manager --------------------------------------------------------------------- */

/* Tells it something, as sd_notify(3) does.  Returns whether there is one that was told. */
static int notify(lua_State *L)
{
    static const struct lwms_call call = {"notify", 1, NULL};
    const char *text = lwms_need_text(L, &call, "text", 1, "give one such as \"READY=1\"");
    const char *path = secure_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool told = false;

    if (path && (*path == '/' || *path == '@') && strlen(path) < sizeof address.sun_path) {
        size_t length = strlen(path);
        memcpy(address.sun_path, path, length);
        if (*path == '@') {
            address.sun_path[0] = '\0'; /* an abstract address */
        }
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0) {
            socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length);
            told = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *) &address,
                          size) >= 0;
            close(fd);
        }
    }
    lua_pushboolean(L, told);
    return 1;
}

/* What wms.configure has set for commands: timeout, deadline (nil: none), concurrency. */
static int defaults(lua_State *L)
{
    const struct lwms_state *state = lwms_state_here(L);

    lua_pushnumber(L, state->timeout);
    if (state->deadline >= 0) {
        lua_pushnumber(L, state->deadline);
    } else {
        lua_pushnil(L);
    }
    lua_pushinteger(L, (lua_Integer) state->concurrency);
    return 3;
}

/* The number of this process: a child has another one. */
static int process(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

/* listener(address, port): who listens there: "none", "ours" (root's or this user's), "foreign" and
 * the user's number, "unseen".
 */
static int listener(lua_State *L)
{
    static const char *const names[] = {[WMS_LISTENER_NONE] = "none",
                                        [WMS_LISTENER_OURS] = "ours",
                                        [WMS_LISTENER_FOREIGN] = "foreign",
                                        [WMS_LISTENER_UNSEEN] = "unseen",
                                        [WMS_LISTENER_NO_ADDRESS] = "unseen"};
    static const struct lwms_call call = {"listener", 1, NULL};
    const char *address = lwms_need_text(L, &call, "address", 1, "give a numeric one");
    unsigned port = lwms_need_whole(L, &call, "port", 2, 1, UINT16_MAX);
    uid_t owner = 0;
    enum wms_listener who = wms_listener_find(address, port, &owner);

    lua_pushstring(L, names[who]);
    if (who != WMS_LISTENER_FOREIGN) {
        return 1;
    }
    lua_pushinteger(L, (lua_Integer) owner);
    return 2;
}

/* ---- the module ------------------------------------------------------------------------------ */

/* Delivers the lines of the log that wait: also those of what no request of the script's has done,
 * such as an agent's work.  Raises what the log's function raises. */
static int tell_log(lua_State *L)
{
    lwms_lines_run(L);
    return 0;
}

static const luaL_Reg functions[] = {
    {"open_state", lwms_statefile_open},
    {"hold_endings", hold_endings},
    {"ending", ending},
    {"await", await},
    {"notify", notify},
    {"defaults", defaults},
    {"process", process},
    {"tell_log", tell_log},
    {"listener", listener},
    {"share", lwms_guard_share},
    {"guard", lwms_guard_make},
    {"readable", lwms_guard_readable},
    {"said", lwms_guard_said},
    {"replace", lwms_guard_replace},
    {NULL, NULL},
};

static int open_system(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, lua_upvalueindex(UP_STATE));
    lua_pushvalue(L, lua_upvalueindex(UP_ANCHORS));
    int top = lua_gettop(L);
    lua_pushvalue(L, top - 2);
    lwms_set_functions(L, functions, top - 1, top);
    return 1;
}

/* Pushes t[key] of the table on top, in its place; whatever it is. */
static void go_down(lua_State *L, const char *key)
{
    if (lua_istable(L, -1)) {
        lua_pushstring(L, key);
        lua_rawget(L, -2);
        lua_remove(L, -2);
    }
}

void lwms_system_preload(lua_State *L, int state, int anchors)
{
    static const luaL_Reg loader[] = {{"wms.system", open_system}, {NULL, NULL}};
    int top = lua_gettop(L);

    lua_pushvalue(L, LUA_REGISTRYINDEX);
    go_down(L, "_LOADED");
    go_down(L, "package");
    go_down(L, "preload");
    if (lua_istable(L, -1)) { /* else the program has no `require` */
        lwms_set_functions(L, loader, state, anchors);
    }
    lua_settop(L, top);
}
