/* SPDX-License-Identifier: MIT */
/* driver.c - wms.driver(): one descriptor that drives every request and every watch of the state,
 * for the loop helpers in lua/wms/loop.
 *
 * The engine reports which of them have news; the box of one that the driver watches is found by
 * its address in the engine, in a table of the anchors (A_WATCHED) that keeps the box from being
 * collected.
 */
#include <time.h>

#include <wms/provider.h>

#include "lua/lwms.h"

static wms_engine *engine_here(lua_State *L, const char *method)
{
    lwms_self_here(L, A_DRIVER, "driver", method);
    return lwms_state_here(L)->engine;
}

/* The address in the engine of the request or watch whose box is at `index`; NULL: it is closed, or
 * no such box. */
static void *address_of(lua_State *L, int index)
{
    if (lwms_is_a(L, index, A_WATCH)) {
        const struct lwms_watch *watch = lua_touserdata(L, index);
        return watch->closed ? NULL : watch->watch;
    }
    const struct lwms_request *request =
        lwms_is_a(L, index, A_REQUEST) ? lua_touserdata(L, index) : NULL;
    return request ? request->request : NULL;
}

/* There must be a request or a watch at 2. */
static void check_at_2(lua_State *L, const char *method)
{
    struct lwms_call call = {method, 1, NULL};

    if (!lwms_is_a(L, 2, A_REQUEST) && !lwms_is_a(L, 2, A_WATCH)) {
        lwms_misuse(L, &call,
                    "%s; give a request, as wms.start returns it, or a watch of wms.watch",
                    lwms_kind(L, 2));
    }
}

int lwms_driver_new(lua_State *L)
{
    lwms_anchor(L, A_DRIVER_OBJECT);
    return 1;
}

static int method_pollfd(lua_State *L)
{
    int fd = wms_engine_fd(engine_here(L, "pollfd"));

    if (fd < 0) {
        return lwms_push_failure(L, fd, wms_error_text(fd));
    }
    lua_pushinteger(L, fd);
    return 1;
}

static int method_events(lua_State *L)
{
    engine_here(L, "events");
    lua_pushliteral(L, "r");
    return 1;
}

static int method_timeout(lua_State *L)
{
    engine_here(L, "timeout");
    lua_pushnil(L); /* no timeout for the loop: the descriptor includes the timers */
    return 1;
}

static int method_step(lua_State *L)
{
    int code = wms_engine_step(engine_here(L, "step"));

    if (code < 0) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, true);
    return 1;
}

static int method_wait(lua_State *L)
{
    static const struct lwms_call call = {"wait", 1, NULL};
    wms_engine *engine = engine_here(L, "wait");
    double seconds = lua_isnoneornil(L, 2) ? -1 : lwms_need_seconds(L, &call, "seconds", 2, false);
    int code = wms_engine_wait(engine, seconds);

    if (code < 0) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, code);
    return 1;
}

/* Adds or removes the entry of what is at 2. */
static void enter(lua_State *L, void *address, bool watched)
{
    lwms_anchor(L, A_WATCHED);
    lua_pushlightuserdata(L, address);
    if (watched) {
        lua_pushvalue(L, 2);
    } else {
        lua_pushnil(L);
    }
    lua_rawset(L, -3);
}

static int method_watch(lua_State *L)
{
    static const struct lwms_call call = {"watch", 1, NULL};

    engine_here(L, "watch");
    check_at_2(L, "watch");
    bool closed =
        lwms_is_a(L, 2, A_REQUEST) && ((const struct lwms_request *) lua_touserdata(L, 2))->closed;
    void *address = address_of(L, 2);
    if (closed || !address) {
        lwms_misuse(L, &call, "the %s is closed; watch one that is not",
                    lwms_is_a(L, 2, A_WATCH) ? "watch" : "request");
    }
    enter(L, address, true);
    return 0;
}

static int method_forget(lua_State *L)
{
    engine_here(L, "forget");
    check_at_2(L, "forget");
    void *address = lwms_is_a(L, 2, A_WATCH)
                        ? ((const struct lwms_watch *) lua_touserdata(L, 2))->address
                        : address_of(L, 2);
    lwms_anchor(L, A_WATCHED);
    lua_pushlightuserdata(L, address);
    lua_rawget(L, -2);
    if (address && lua_rawequal(L, -1, 2)) { /* else another has the address of a closed one */
        enter(L, address, false);
    }
    return 0;
}

/* The next request or watch that has news, by its address; NULL: none. */
static void *next_news(wms_engine *engine)
{
    wms_request *request;
    wms_watch *watch;

    if (wms_engine_news(engine, &request) == 1) {
        return request;
    }
    return wms_engine_watch_news(engine, &watch) == 1 ? (void *) watch : NULL;
}

static int method_news(lua_State *L)
{
    wms_engine *engine = engine_here(L, "news");
    void *address;

    lwms_anchor(L, A_WATCHED);
    int watched = lua_gettop(L);
    while ((address = next_news(engine))) {
        lua_pushlightuserdata(L, address);
        lua_rawget(L, watched);
        /* else the entry is that of a closed one, whose address another has now */
        if (address_of(L, lua_gettop(L)) == address) {
            return 1;
        }
        lua_settop(L, watched);
    }
    return 0;
}

/* ---- time ------------------------------------------------------------------------------------ */

enum { AGAIN = 20 /* milliseconds */ };

/* The alarm is for the driver's loop.  If another call of the script's has turned the engine, the
 * descriptor is not readable any more: so the alarm repeats until the loop sets it anew. */
static void alarm_fired(void *data)
{
    const struct lwms_state *state = data;

    wms_engine_services()->timer_set(state->alarm, AGAIN / 1000.0);
}

void lwms_alarm_clear(struct lwms_state *state)
{
    if (state->alarm) {
        wms_engine_services()->timer_free(state->alarm);
        state->alarm = NULL;
    }
}

static int method_alarm(lua_State *L)
{
    static const struct lwms_call call = {"alarm", 1, NULL};
    wms_engine *engine = engine_here(L, "alarm");
    struct lwms_state *state = lwms_state_here(L);
    double seconds = lua_isnoneornil(L, 2) ? -1 : lwms_need_seconds(L, &call, "seconds", 2, false);
    /* Asked for its descriptor, the engine notices a fork, and sets its own alarm afterwards. */
    int code = wms_engine_fd(engine);

    if (code >= 0 && !state->alarm && seconds >= 0) {
        state->alarm = wms_engine_services()->timer_new(engine, alarm_fired, state);
        code = state->alarm ? code : WMS_E_NO_MEMORY;
    }
    if (code >= 0 && state->alarm) {
        wms_engine_services()->timer_set(state->alarm, seconds);
        code = wms_engine_fd(engine);
    }
    if (code < 0) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, true);
    return 1;
}

static double time_of(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static int method_clock(lua_State *L)
{
    engine_here(L, "clock");
    lua_pushnumber(L, time_of(CLOCK_BOOTTIME)); /* which goes on while the machine sleeps */
    lua_pushnumber(L, time_of(CLOCK_REALTIME));
    return 2;
}

static int driver_tostring(lua_State *L)
{
    lua_pushliteral(L, "wms.driver");
    return 1;
}

const luaL_Reg lwms_driver_own[] = {
    {"__tostring", driver_tostring},
    {NULL, NULL},
};

const luaL_Reg lwms_driver_methods[] = {
    {"pollfd", method_pollfd},
    {"events", method_events},
    {"timeout", method_timeout},
    {"step", method_step},
    {"wait", method_wait},
    {"watch", method_watch},
    {"forget", method_forget},
    {"news", method_news},
    {"alarm", method_alarm},
    {"clock", method_clock},
    {NULL, NULL},
};
