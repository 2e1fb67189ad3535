/* SPDX-License-Identifier: MIT */
/* driver.c - wms.driver(): one descriptor that drives every request of the state, for the loop
 * helpers in lua/wms/loop.
 *
 * The engine reports which requests have news; the box of a watched request is found by the
 * request's address, in a table of the anchors (A_WATCHED) that keeps the box from being collected.
 */
#include "lua/lwms.h"

static wms_engine *engine_here(lua_State *L, const char *method)
{
    lwms_self_here(L, A_DRIVER, "driver", method);
    return lwms_state_here(L)->engine;
}

/* The request at 2. */
static struct lwms_request *request_at_2(lua_State *L, const char *method)
{
    struct lwms_call call = {method, 1, NULL};

    if (!lwms_is_a(L, 2, A_REQUEST)) {
        lwms_misuse(L, &call, "%s; give a request, as wms.start returns it", lwms_kind(L, 2));
    }
    return lua_touserdata(L, 2);
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

/* Adds or removes the entry of the request at 2. */
static void enter(lua_State *L, struct lwms_request *box, bool watched)
{
    lwms_anchor(L, A_WATCHED);
    lua_pushlightuserdata(L, box->request);
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
    struct lwms_request *box = request_at_2(L, "watch");
    if (box->closed) {
        lwms_misuse(L, &call, "the request is closed; watch one that is not");
    }
    enter(L, box, true);
    return 0;
}

static int method_forget(lua_State *L)
{
    engine_here(L, "forget");
    struct lwms_request *box = request_at_2(L, "forget");
    if (box->request) {
        enter(L, box, false);
    }
    return 0;
}

static int method_news(lua_State *L)
{
    wms_engine *engine = engine_here(L, "news");
    wms_request *request;

    lwms_anchor(L, A_WATCHED);
    while (wms_engine_news(engine, &request) == 1) {
        lua_pushlightuserdata(L, request);
        lua_rawget(L, -2);
        const struct lwms_request *box = lua_touserdata(L, -1);
        if (box &&
            box->request ==
                request) { /* else it is a closed one, whose address another request has now */
            return 1;
        }
        lua_pop(L, 1);
    }
    return 0;
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
    {"pollfd", method_pollfd}, {"events", method_events}, {"timeout", method_timeout},
    {"step", method_step},     {"wait", method_wait},     {"watch", method_watch},
    {"forget", method_forget}, {"news", method_news},     {NULL, NULL},
};
