/* SPDX-License-Identifier: MIT */
/* request.c - a command under way, as an object: the protocol of cqueues' pollables. */
#include <string.h>
#include <time.h>

#include "lua/lwms.h"

static struct lwms_request *request_here(lua_State *L, const char *method)
{
    struct lwms_request *box = lwms_self_here(L, A_REQUEST, "request", method);

    if (box->closed) {
        luaL_error(L, "the request is closed");
    }
    return box;
}

/* Pushes what its callbacks need, or nils, from 2 on. */
static void push_callbacks(lua_State *L, const struct lwms_request *box)
{
    static const int values = 2 + CALLBACKS;

    lua_settop(L, values - 1);
    if (lwms_has_callbacks(box)) {
        lua_getuservalue(L, 1);
        for (int i = 0; i < CALLBACKS; i++) {
            lua_rawgeti(L, values, i + 1);
            lua_replace(L, 2 + i);
        }
        lua_settop(L, values - 1);
    }
}

/* ---- running --------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

int lwms_request_run(lua_State *L, struct lwms_request *box, int self, int callbacks,
                     double seconds)
{
    double end = seconds < 0 ? 0 : now() + seconds;

    for (;;) {
        double left = seconds <= 0 ? seconds : end - now();
        if (seconds > 0 && left < 0) {
            left = 0;
        }
        int code = wms_request_wait(box->request, left);
        lwms_callbacks_run(L, box, self, callbacks);
        if (box->closed) {
            return 1; /* closed by one of its callbacks: nothing to wait for */
        }
        if (code) {
            return code;
        }
        if (box->asking || (seconds >= 0 && now() >= end)) {
            return 0;
        }
    }
}

/* Whether it is done and on_outcome has got all outcomes: so a loop that asks done() first does not
 * end before the last callback. */
static bool is_done(struct lwms_request *box)
{
    int done = wms_request_done(box->request);

    return done < 0 ||
           (done && (!box->follow || box->told >= wms_request_outcome_count(box->request)));
}

/* ---- methods --------------------------------------------------------------------------------- */

static int method_pollfd(lua_State *L)
{
    struct lwms_request *box = request_here(L, "pollfd");
    int fd = wms_request_fd(box->request);

    if (fd < 0) {
        return lwms_push_failure(
            L, fd,
            fd != WMS_E_INTERNAL
                ? wms_error_text(fd)
                : "no descriptor or thread is left for this request (ulimit -n); the loop "
                  "helpers (wms.loop.luv and so on) need one for all requests");
    }
    lua_pushinteger(L, fd);
    return 1;
}

static int method_events(lua_State *L)
{
    request_here(L, "events");
    lua_pushliteral(L, "r");
    return 1;
}

static int method_timeout(lua_State *L)
{
    request_here(L, "timeout");
    lua_pushnil(L); /* no timeout for the loop: the descriptor includes the timers */
    return 1;
}

static int method_step(lua_State *L)
{
    struct lwms_request *box = request_here(L, "step");
    int code;

    push_callbacks(L, box);
    do { /* what allow has permitted can begin now */
        box->answered = false;
        code = wms_request_step(box->request);
        lwms_callbacks_run(L, box, 1, 2);
    } while (!box->closed && code == 0 && box->answered);
    lua_pushboolean(L, box->closed || is_done(box));
    return 1;
}

static int method_wait(lua_State *L)
{
    static const struct lwms_call call = {"wait", 1, NULL};
    struct lwms_request *box = request_here(L, "wait");
    double seconds = lua_isnoneornil(L, 2) ? -1 : lwms_need_seconds(L, &call, "seconds", 2, false);

    push_callbacks(L, box);
    int code = lwms_request_run(L, box, 1, 2, seconds);
    if (code < 0 && code != WMS_E_FORKED) {
        return lwms_push_failure(L, code, wms_error_text(code));
    }
    lua_pushboolean(L, code != 0);
    return 1;
}

static int method_done(lua_State *L)
{
    lua_pushboolean(L, is_done(request_here(L, "done")));
    return 1;
}

static int method_result(lua_State *L)
{
    struct lwms_request *box = request_here(L, "result");
    int done = wms_request_done(box->request);

    if (done <= 0) {
        return lwms_push_no_result(
            L, done ? done : WMS_E_BUSY,
            done ? wms_error_text(done)
                 : "the request is not done yet; call wait or step until it is",
            box->command);
    }
    box->inside++;
    int count = lwms_push_result(L, box->request, box->command, box->several);
    if (--box->inside == 0 && box->closed) {
        lwms_request_let_go(box);
    }
    return count;
}

static int method_cancel(lua_State *L)
{
    wms_request_cancel(request_here(L, "cancel")->request);
    return 0;
}

/* Also __close and, through request_gc(), __gc. */
static int method_close(lua_State *L)
{
    struct lwms_request *box = lwms_self_here(L, A_REQUEST, "request", "close");

    box->closed = true;
    if (box->inside == 0) {
        lwms_request_let_go(box);
    } else {
        wms_request_cancel(box->request);
    }
    return 0;
}

/* Nobody can reach it any more, so nobody reads it: `inside` may still count a reader that an error
 * has ended. */
static int request_gc(lua_State *L)
{
    struct lwms_request *box = lwms_self_here(L, A_REQUEST, "request", "__gc");

    box->inside = 0;
    return method_close(L);
}

static int request_tostring(lua_State *L)
{
    struct lwms_request *box = lwms_self_here(L, A_REQUEST, "request", "__tostring");
    const char *how = "closed";

    if (!box->closed) {
        int done = wms_request_done(box->request);
        how = done > 0 ? "done" : done == 0 ? "running" : "the parent process's";
    }
    lua_pushfstring(L, "wms.request (%s, %s)", box->command ? box->command->name : "none", how);
    return 1;
}

const luaL_Reg lwms_request_own[] = {
    {"__gc", request_gc},
    {"__close", method_close},
    {"__tostring", request_tostring},
    {NULL, NULL},
};

const luaL_Reg lwms_request_methods[] = {
    {"pollfd", method_pollfd},   {"events", method_events},
    {"timeout", method_timeout}, {"step", method_step},
    {"wait", method_wait},       {"done", method_done},
    {"result", method_result},   {"cancel", method_cancel},
    {"close", method_close},     {NULL, NULL},
};
