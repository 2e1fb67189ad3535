/* SPDX-License-Identifier: MIT */
/* watch.c - wms.watch: an object that tells what happens to the sessions of servers.
 *
 * Events that `where` and `except` leave out are read and dropped here.  A session that they took
 * once is told of until it closes, whatever it has become: TOLD_AT has those.  While an event's
 * strings are pushed, a finalizer may call this watch: it then reads nothing, and its close() waits
 * (`reading`).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/pack.h"
#include "lua/lwms.h"

/* What the user value holds.  TOLD_AT: the keys of the sessions that are told of; nil without
 * `where` and `except`. */
enum { WHERE_AT = 1, EXCEPT_AT, ALLOW_AT, ON_EVENT_AT, TOLD_AT };

/* What of it lies on the stack of a method, from `values` on. */
enum { WHERE_ON, EXCEPT_ON, ALLOW_ON, ON_EVENT_ON, TOLD_ON };

enum { SERVER_SIZE = 1024, TEXT_SIZE = 1024 };

static struct lwms_watch *self_here(lua_State *L, const char *method)
{
    return lwms_self_here(L, A_WATCH, "watch", method);
}

static struct lwms_watch *watch_here(lua_State *L, const char *method)
{
    struct lwms_watch *box = self_here(L, method);

    if (box->closed) {
        luaL_error(L, "the watch is closed");
    }
    return box;
}

static void let_go(struct lwms_watch *box)
{
    box->watch = wms_watch_unref(box->watch);
}

/* ---- what is told ---------------------------------------------------------------------------- */

/* Whether `where` and `except` take the session on top of the stack. */
static bool is_taken(lua_State *L, int values)
{
    return lwms_where_takes(L, values + WHERE_ON, values + EXCEPT_ON, lua_gettop(L));
}

/* Pushes the values of the watch at 1; returns the index of the first. */
static int push_values(lua_State *L)
{
    int values = lua_gettop(L) + 1;

    lua_getuservalue(L, 1);
    for (int i = WHERE_AT; i <= TOLD_AT; i++) {
        lua_rawgeti(L, values, i);
    }
    lua_remove(L, values);
    return values;
}

/* All sessions, copied out of the engine: nothing that Lua does can change them. */
struct copies {
    size_t count;
    wms_session *sessions; /* a userdata on the stack */
};

static size_t size_of_all(const struct lwms_watch *box)
{
    wms_session session;
    size_t size = 0;

    for (size_t i = 0; wms_watch_session(box->watch, i, &session) == 0; i++) {
        size += sizeof session + wms_pack_size(&session) + strlen(session.server) + 1;
    }
    return size;
}

static void copy_all(const struct lwms_watch *box, struct copies *copies)
{
    size_t count = wms_watch_session_count(box->watch);
    char *room = (char *) (copies->sessions + count);
    wms_session session;

    for (copies->count = 0; copies->count < count; copies->count++) {
        wms_session *copy = &copies->sessions[copies->count];
        if (wms_watch_session(box->watch, copies->count, &session)) {
            return;
        }
        wms_pack(copy, &session, room);
        room += wms_pack_size(&session);
        copy->server = wms_pack_put(&room, session.server);
    }
}

/* Pushes the list of all sessions that `where` and `except` take. */
static void push_sessions(lua_State *L, const struct lwms_watch *box, int values)
{
    struct copies copies;
    size_t size;
    int top = lua_gettop(L), count = 0;

    do { /* the allocation may run a finalizer, and that the engine */
        lua_settop(L, top);
        size = size_of_all(box);
        copies.sessions = lua_newuserdata(L, size + 1);
    } while (!box->closed && size_of_all(box) > size);
    copies.count = 0;
    if (!box->closed) {
        copy_all(box, &copies);
    }
    lua_newtable(L);
    for (size_t i = 0; i < copies.count; i++) {
        lwms_push_session(L, &copies.sessions[i], NULL);
        if (is_taken(L, values)) {
            lua_rawseti(L, top + 2, ++count);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_remove(L, top + 1);
}

struct reading {
    wms_event event;
    wms_session session;
};

static void push_error(lua_State *L, int code, const char *text)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, wms_error_name(code));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, text);
    lua_setfield(L, -2, "message");
}

/* A C function: pushes the table of the event whose address it is given. */
static int push_event(lua_State *L)
{
    const struct reading *reading = lua_touserdata(L, 1);
    const wms_event *event = &reading->event;

    lua_createtable(L, 0, 5);
    lua_pushstring(L, wms_event_name(event->kind));
    lua_setfield(L, -2, "kind");
    lua_pushnumber(L, event->time);
    lua_setfield(L, -2, "time");
    if (event->server) {
        lua_pushstring(L, event->server);
        lua_setfield(L, -2, "server");
    }
    if (event->initial) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "initial");
    }
    if (event->has_session) {
        lwms_push_session(L, &reading->session, NULL);
        lua_setfield(L, -2, "session");
    }
    if (event->code) {
        push_error(L, event->code, event->text);
        lua_setfield(L, -2, "error");
    }
    if (event->kind == WMS_EVENT_OVERFLOW) {
        push_whole(L, event->dropped);
        lua_setfield(L, -2, "dropped");
    }
    return 1;
}

/* Reads the next event and pushes it: 1; 0: there is none; an error. */
static int read_event(lua_State *L, struct lwms_watch *box, struct reading *reading)
{
    lua_pushcfunction(L, push_event);
    lua_pushlightuserdata(L, reading);
    int code = box->closed || box->reading
                   ? 0
                   : wms_watch_next(box->watch, &reading->event, &reading->session);
    if (code != 1) {
        lua_pop(L, 2);
        return code;
    }
    box->reading = true;
    int status = lua_pcall(L, 1, 1, 0);
    box->reading = false;
    if (box->closed) {
        let_go(box);
    }
    if (status) {
        lua_error(L);
    }
    return 1;
}

/* Pushes the key of the session on top of the stack. */
static void push_key(lua_State *L)
{
    lua_getfield(L, -1, "server");
    lua_pushliteral(L, "\n");
    lua_getfield(L, -3, "session_id");
    lua_concat(L, 3);
}

/* From now on the sessions of the list on top of the stack are told of, and no others. */
static void tell_of_these(lua_State *L, int told)
{
    int list = lua_gettop(L);

    if (lua_isnil(L, told)) {
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, told)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, told);
    }
    for (int i = 1; lua_rawgeti(L, list, i), !lua_isnil(L, -1); i++) {
        push_key(L);
        lua_pushboolean(L, true);
        lua_rawset(L, told);
        lua_settop(L, list);
    }
    lua_settop(L, list);
}

/* Whether the event at `at`, which is about a session, is told.  A session that `where` and
 * `except` begin to take is told as opened. */
static bool is_told(lua_State *L, const struct lwms_watch *box, int values, int at,
                    const wms_event *event)
{
    int told = values + TOLD_ON;
    bool closed = event->kind == WMS_EVENT_CLOSED;

    if (lua_isnil(L, told)) {
        return true;
    }
    lua_getfield(L, at, "session");
    push_key(L);
    int key = lua_gettop(L);
    lua_pushvalue(L, key);
    lua_rawget(L, told);
    bool before = lua_toboolean(L, -1);
    lua_settop(L, key);
    if (!before && !closed) {
        lua_getfield(L, at, "session");
        if (!is_taken(L, values)) {
            return false;
        }
        lua_pushliteral(L, "opened");
        lua_setfield(L, at, "kind");
    }
    lua_pushvalue(L, key);
    lua_pushboolean(L, true);
    if (closed) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_rawset(L, told);
    return before || (!closed && (!event->initial || box->initial));
}

/* The same for the next event that `where` and `except` take; of an overflow, with the sessions. */
static int read_taken(lua_State *L, struct lwms_watch *box, int values)
{
    int top = lua_gettop(L), code;
    struct reading reading;

    while ((code = read_event(L, box, &reading)) == 1) {
        bool taken = true;
        if (reading.event.has_session) {
            taken = is_told(L, box, values, top + 1, &reading.event);
        } else if (reading.event.kind == WMS_EVENT_OVERFLOW) {
            push_sessions(L, box, values);
            tell_of_these(L, values + TOLD_ON);
            lua_setfield(L, top + 1, "sessions");
        }
        if (taken) {
            lua_settop(L, top + 1);
            return 1;
        }
        lua_settop(L, top);
    }
    return code;
}

/* ---- running --------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* What is left of `seconds` until `end`. */
static double left_of(double seconds, double end)
{
    double left = seconds < 0 ? seconds : end - now();

    return seconds >= 0 && left < 0 ? 0 : left;
}

static double need_seconds(lua_State *L, const char *method)
{
    const struct lwms_call call = {method, 1, NULL};

    return lua_isnoneornil(L, 2) ? -1 : lwms_need_seconds(L, &call, "seconds", 2, false);
}

/* Whether it would be waited for in vain: `allow` is to answer first, or the reader of an event to
 * go on. */
static bool is_busy(const struct lwms_watch *box)
{
    return box->asking || box->reading;
}

/* Asks `allow` about the questions that wait for it. */
static void answer_held(lua_State *L, struct lwms_watch *box, int values)
{
    int top = lua_gettop(L);
    wms_action action, now;

    while (!box->closed && !box->asking && wms_watch_held(box->watch, &action) == 1) {
        const char *refusal = lwms_allow(L, values + ALLOW_ON, &action, &box->asking);
        if (!box->closed && wms_watch_held(box->watch, &now) == 1 && now.server == action.server) {
            wms_watch_permit(box->watch, refusal);
        }
        lua_settop(L, top);
    }
}

static int method_next(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "next");
    double seconds = need_seconds(L, "next"), end = seconds < 0 ? 0 : now() + seconds;
    bool waited = false;

    lua_settop(L, 2);
    int values = push_values(L);
    for (;;) {
        int code = read_taken(L, box, values);
        if (code == 1) {
            return 1;
        }
        double left = left_of(seconds, end);
        if (code == 0 && !box->closed && !is_busy(box) && (!waited || left != 0)) {
            code = wms_watch_wait(box->watch, left);
            lwms_lines_run(L);
            answer_held(L, box, values);
            waited = true;
        } else if (code == 0) {
            lua_pushnil(L);
            return 1;
        }
        if (code < 0) {
            return lwms_push_failure(L, code, wms_error_text(code));
        }
    }
}

/* Passes on_event, at `filters` + 2, all events that there are; returns 0 or an error. */
static int tell_events(lua_State *L, struct lwms_watch *box, int values)
{
    int code, top = lua_gettop(L);

    if (lua_isnil(L, values + ON_EVENT_ON)) {
        return 0;
    }
    while ((code = read_taken(L, box, values)) == 1) {
        lua_pushvalue(L, values + ON_EVENT_ON);
        lua_insert(L, -2);
        lua_call(L, 1, 0);
        lua_settop(L, top);
    }
    return code;
}

static int method_step(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "step");

    lua_settop(L, 1);
    int values = push_values(L), code = wms_watch_step(box->watch);
    lwms_lines_run(L);
    answer_held(L, box, values);
    code = code == 0 && !box->closed ? tell_events(L, box, values) : code;
    if (code < 0 && code != WMS_E_FORKED) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, box->closed || code == WMS_E_FORKED);
    return 1;
}

static int method_wait(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "wait");
    double seconds = need_seconds(L, "wait"), end = seconds < 0 ? 0 : now() + seconds;
    int code = 0;

    lua_settop(L, 2);
    int values = push_values(L);
    if (lua_isnil(L, values + ON_EVENT_ON)) {
        luaL_error(L, "wait: the watch has no on_event; call next");
    }
    for (bool first = true; code == 0 && !box->closed && !is_busy(box); first = false) {
        double left = left_of(seconds, end);
        if (!first && left == 0) {
            break;
        }
        code = wms_watch_wait(box->watch, left);
        lwms_lines_run(L);
        answer_held(L, box, values);
        code = code >= 0 ? tell_events(L, box, values) : code;
    }
    if (code < 0) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, box->closed);
    return 1;
}

/* ---- other methods --------------------------------------------------------------------------- */

static int each_next(lua_State *L)
{
    lua_settop(L, 1);
    return self_here(L, "each")->closed ? 0 : method_next(L);
}

static int method_each(lua_State *L)
{
    watch_here(L, "each");
    lua_pushvalue(L, lua_upvalueindex(UP_STATE));
    lua_pushvalue(L, lua_upvalueindex(UP_ANCHORS));
    lua_pushcclosure(L, each_next, 2);
    lua_pushvalue(L, 1);
    return 2;
}

static int method_sessions(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "sessions");

    lua_settop(L, 1);
    int values = push_values(L);
    push_sessions(L, box, values);
    return 1;
}

static int method_servers(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "servers");
    char server[SERVER_SIZE], text[TEXT_SIZE]; /* copies: Lua's allocations may run the engine */
    wms_watch_status status;

    lua_settop(L, 1);
    lua_newtable(L);
    for (size_t i = 0; !box->closed && wms_watch_server(box->watch, i, &status) == 0; i++) {
        snprintf(server, sizeof server, "%s", status.server);
        snprintf(text, sizeof text, "%s", status.text ? status.text : "");
        lua_createtable(L, 0, 3);
        lua_pushstring(L, server);
        lua_setfield(L, -2, "server");
        lua_pushstring(L, status.code ? "lost" : status.watched ? "watched" : "connecting");
        lua_setfield(L, -2, "state");
        if (status.code) {
            push_error(L, status.code, text);
            lua_setfield(L, -2, "error");
        }
        lua_rawseti(L, 2, (int) i + 1);
    }
    return 1;
}

static int method_pollfd(lua_State *L)
{
    struct lwms_watch *box = watch_here(L, "pollfd");
    int fd = wms_watch_fd(box->watch);

    if (fd < 0) {
        return lwms_push_failure(L, fd, wms_error_text(fd));
    }
    lua_pushinteger(L, fd);
    return 1;
}

static int method_events(lua_State *L)
{
    watch_here(L, "events");
    lua_pushliteral(L, "r");
    return 1;
}

static int method_timeout(lua_State *L)
{
    watch_here(L, "timeout");
    lua_pushnil(L); /* no timeout for the loop: the descriptor includes the timers */
    return 1;
}

static int method_done(lua_State *L)
{
    lua_pushboolean(L, self_here(L, "done")->closed);
    return 1;
}

/* Also __close and, through watch_gc(), __gc. */
static int method_close(lua_State *L)
{
    struct lwms_watch *box = self_here(L, "close");

    box->closed = true;
    if (!box->reading) {
        let_go(box);
    }
    return 0;
}

static int watch_gc(lua_State *L)
{
    self_here(L, "__gc")->reading = false;
    return method_close(L);
}

static int watch_tostring(lua_State *L)
{
    const struct lwms_watch *box = self_here(L, "__tostring");

    if (box->closed) {
        lua_pushliteral(L, "wms.watch (closed)");
    } else {
        int count = (int) wms_watch_server_count(box->watch);
        lua_pushfstring(L, "wms.watch (%d server%s)", count, count == 1 ? "" : "s");
    }
    return 1;
}

/* ---- wms.watch ------------------------------------------------------------------------------- */

static bool chooses(lua_State *L, const struct options *options)
{
    return !lua_isnil(L, options->base + SLOT_WHERE) || !lua_isnil(L, options->base + SLOT_EXCEPT);
}

static struct lwms_watch *push_box(lua_State *L, const struct options *options)
{
    struct lwms_watch *box = lua_newuserdata(L, sizeof *box);

    memset(box, 0, sizeof *box);
    box->closed = true; /* until there is a watch */
    box->initial = options->initial;
    lwms_anchor(L, A_WATCH);
    lua_setmetatable(L, -2);
    lua_createtable(L, TOLD_AT, 0);
    lua_pushvalue(L, options->base + SLOT_WHERE);
    lua_rawseti(L, -2, WHERE_AT);
    lua_pushvalue(L, options->base + SLOT_EXCEPT);
    lua_rawseti(L, -2, EXCEPT_AT);
    lua_pushvalue(L, options->base + SLOT_ALLOW);
    lua_rawseti(L, -2, ALLOW_AT);
    lua_pushvalue(L, options->base + SLOT_ON_EVENT);
    lua_rawseti(L, -2, ON_EVENT_AT);
    if (chooses(L, options)) {
        lua_newtable(L);
        lua_rawseti(L, -2, TOLD_AT);
    }
    lua_setuservalue(L, -2);
    return box;
}

/* `client` is the index of the client (0: none); the argument is behind it. */
static int begin(lua_State *L, int client)
{
    static const struct lwms_call call = {"watch", 1, NULL};
    struct lwms_state *state = lwms_state_here(L);
    struct servers servers;
    struct options options;
    wms_watching watching;
    wms_command command;

    lwms_no_more(L, &call, client + 1);
    lua_settop(L, client + 1);
    wms_watching_init(&watching);
    lwms_options_begin(L, &options, state, client);
    options.queue = watching.queue;
    lwms_options_read(L, &call, client + 1, lwms_options_for(FOR_WATCH), &options);
    const char *name = options.server_name ? options.server_name : "server";
    lwms_servers_begin(L, &call, name, options.base + SLOT_SERVER, &servers);
    struct lwms_watch *box = push_box(L, &options);

    /* From here on nothing is allocated in Lua, so that what the pointers point to stays. */
    wms_command_init(&command, WMS_SESSIONS);
    lwms_servers_read(L, &call, &servers, &command);
    watching.servers = command.servers;
    watching.server_count = command.server_count;
    watching.timeout = options.timeout;
    watching.concurrency = options.concurrency;
    watching.queue = options.queue;
    watching.initial = options.initial || chooses(L, &options); /* these are told of, too */
    watching.ask = lua_isfunction(L, options.base + SLOT_ALLOW);
    int error = wms_watch_new(state->engine, &watching, &box->watch);
    box->closed = error;
    box->address = box->watch;
    lwms_servers_end(&servers);
    if (error == WMS_E_INVALID) {
        lwms_servers_complain(L, &call, options.server_name);
    }
    return error ? lwms_push_failure(L, error, wms_error_text(error)) : 1;
}

int lwms_watch_new(lua_State *L)
{
    return begin(L, 0);
}

int lwms_watch_method(lua_State *L)
{
    lwms_self_here(L, A_CLIENT, "client", "watch");
    return begin(L, 1);
}

const luaL_Reg lwms_watch_own[] = {
    {"__gc", watch_gc},
    {"__close", method_close},
    {"__tostring", watch_tostring},
    {NULL, NULL},
};

const luaL_Reg lwms_watch_methods[] = {
    {"next", method_next},     {"each", method_each},         {"wait", method_wait},
    {"step", method_step},     {"sessions", method_sessions}, {"servers", method_servers},
    {"pollfd", method_pollfd}, {"events", method_events},     {"timeout", method_timeout},
    {"done", method_done},     {"close", method_close},       {NULL, NULL},
};
