/* SPDX-License-Identifier: MIT */
/* callback.c - calls the functions of a script: on_outcome, allow, password, log; where and except
 * are in where.c.
 *
 * The engine calls none of them.  It queues what they are to get, and after the engine's function
 * has returned they are called here: from one function that runs under one pcall, so that their
 * errors, and those of this module on the way, are handled in one place.
 */
#include <stdlib.h>
#include <string.h>

#include "lua/lwms.h"

/* ---- the log --------------------------------------------------------------------------------- */

enum { LINES_KEPT = 1000 };

struct line {
    struct queued queued; /* of state->lines */
    enum wms_level level;
    char text[];
};

static struct line *first_line(const struct lwms_state *state)
{
    return NODE_OWNER(state->lines.first, struct line, queued);
}

/* The engine's log callback: called from inside the engine, so it only queues the line. */
static void keep_line(void *data, enum wms_level level, const char *text)
{
    struct lwms_state *state = data;
    size_t size = strlen(text) + 1;

    if (level == WMS_DEBUG && state->line_count >= LINES_KEPT / 2) {
        return; /* the room that is left is for more important lines */
    }
    bool fits = state->line_count < LINES_KEPT;
    struct line *line = fits ? lwms_resize(state, NULL, sizeof *line + size) : NULL;

    if (!line) {
        state->dropped++;
        return;
    }
    line->level = level;
    memcpy(line->text, text, size);
    queue_append(&state->lines, &line->queued);
    state->line_count++;
    if (level > WMS_DEBUG) { /* others wait until the script has control anyway */
        wms_engine_wake(state->engine);
    }
}

static void drop_line(struct lwms_state *state)
{
    struct line *line = NODE_OWNER(queue_take(&state->lines), struct line, queued);

    state->line_count--;
    lwms_resize(state, line, 0);
}

void lwms_log_clear(struct lwms_state *state)
{
    while (!queue_is_empty(&state->lines)) {
        drop_line(state);
    }
    state->dropped = 0;
}

void lwms_log_set(struct lwms_state *state, bool on)
{
    wms_engine_log(state->engine, on ? keep_line : NULL, state);
    if (!on && !state->draining) { /* else the delivery notices, and clears it */
        lwms_log_clear(state);
    }
}

/* Delivers the lines that are queued now: those that the log function causes are delivered by the
 * next call. */
static void tell_lines(lua_State *L, struct lwms_state *state)
{
    static const char *const levels[] = {
        [WMS_DEBUG] = "debug", [WMS_INFO] = "info", [WMS_WARNING] = "warning"};

    for (size_t n = state->line_count; n > 0 && !queue_is_empty(&state->lines); n--) {
        lwms_anchor(L, A_LOG);
        if (lua_isnil(L, -1)) {
            lwms_log_clear(state);
            return;
        }
        lua_pushstring(L, levels[first_line(state)->level]);
        lua_pushstring(L, first_line(state)->text);
        drop_line(state);
        lua_call(L, 2, 0);
    }
    lwms_anchor(L, A_LOG);
    if (state->dropped && !lua_isnil(L, -1)) {
        lua_pushliteral(L, "warning");
        lua_pushfstring(L, "%d more lines of the log were dropped", (int) state->dropped);
        state->dropped = 0;
        lua_call(L, 2, 0);
    }
}

/* ---- allow ----------------------------------------------------------------------------------- */

/* A message handler: any error value as text. */
static int describe(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING && !luaL_callmeta(L, 1, "__tostring")) {
        lua_pushfstring(L, "allow raised an error that is %s", lwms_show(L, 1));
    }
    return 1;
}

static void set_string(lua_State *L, const char *name, const char *value)
{
    if (value) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

static void push_action(lua_State *L, const wms_action *action)
{
    lua_createtable(L, 0, 4);
    set_string(L, "verb", wms_verb_name(action->verb));
    set_string(L, "server", action->server);
    set_string(L, "interface", action->interface_name);
    set_string(L, "operation", action->operation);
    if (action->id) {
        lwms_id_push(L, action->id);
        lua_setfield(L, -2, "session_id");
    }
}

const char *lwms_allow(lua_State *L, int allow, const wms_action *action, bool *asking)
{
    int top = lua_gettop(L);

    lua_pushcfunction(L, describe);
    lua_pushvalue(L, allow);
    push_action(L, action);
    *asking = true;
    bool failed = lua_pcall(L, 1, 2, top + 1) != 0;
    *asking = false;
    if (!failed && lua_isboolean(L, top + 2) &&
        lua_toboolean(L, top + 2)) { /* 0 and "no" are no permission */
        return NULL;
    }
    /* The error's text, or the second value. */
    const char *refusal = lua_tostring(L, failed ? top + 2 : top + 3);
    return refusal && *refusal ? refusal : "this program does not allow it";
}

/* Asks about one action; false when none waits. */
static bool ask(lua_State *L, struct lwms_request *box, int allow)
{
    wms_action action, now;
    int top = lua_gettop(L);

    if (box->closed || box->asking || wms_request_held(box->request, &action) != 1) {
        return false;
    }
    const char *refusal = lwms_allow(L, allow, &action, &box->asking);
    /* The action may have ended: allow may have cancelled the request, or may have run the engine
     * by another call. */
    if (!box->closed && wms_request_held(box->request, &now) == 1 && now.id == action.id &&
        now.server == action.server) {
        wms_request_permit(box->request, refusal);
        box->answered = true;
    }
    lua_settop(L, top);
    return true;
}

/* ---- on_outcome ------------------------------------------------------------------------------ */

/* Passes one outcome to on_outcome; false when there is none. */
static bool tell_outcome(lua_State *L, struct lwms_request *box, int on_outcome)
{
    wms_outcome outcome;
    size_t done, total;

    if (box->closed || wms_request_next_outcome(box->request, &outcome, &done) != 1) {
        return false;
    }
    box->told = done;
    lua_pushvalue(L, on_outcome);
    lwms_push_outcome(L, &outcome, NULL);
    push_whole(L, done);
    if (wms_request_total(box->request, &total)) {
        push_whole(L, total);
    } else {
        lua_pushnil(L);
    }
    lua_call(L, 3, 0);
    return true;
}

/* ---- password -------------------------------------------------------------------------------- */

/* The reason that the function has returned as its second value, or NULL. */
static const char *reason_of(lua_State *L, int index)
{
    const char *reason = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;

    return reason && *reason ? reason : "no password was given";
}

/* Asks for the password of a bind; false when it is not wanted. */
static bool ask_password(lua_State *L, struct lwms_request *box, int callbacks)
{
    int top = lua_gettop(L);

    if (box->closed || box->asking || wms_request_wants_password(box->request) != 1) {
        return false;
    }
    lua_settop(L, top + 2);
    if (lua_isfunction(L, callbacks + PASSWORD)) {
        lua_settop(L, top);
        lua_pushvalue(L, callbacks + PASSWORD);
        lua_pushstring(L, wms_request_password_server(box->request));
        lua_pushvalue(L, callbacks + USER_NAME);
        box->asking = true;
        lua_call(L, 2, 2);
        box->asking = false;
    }
    if (!lua_isnil(L, top + 1) && !lwms_is_text(L, top + 1)) {
        luaL_error(L, "password returned %s; return a string without a NUL, or nil and the reason",
                   lua_type(L, top + 1) == LUA_TSTRING ? "a string with a NUL in it"
                                                       : lwms_kind(L, top + 1));
    }
    if (!box->closed) { /* else the function has closed the request */
        wms_request_password(box->request, lua_tostring(L, top + 1), reason_of(L, top + 2));
        box->answered = true;
    }
    lua_settop(L, top);
    return true;
}

/* ---- delivery -------------------------------------------------------------------------------- */

/* Arguments in Lua: the request's box, then the values that callbacks need; or none. */
int lwms_callbacks_deliver(lua_State *L)
{
    struct lwms_state *state = lwms_state_here(L);
    struct lwms_request *box = lua_touserdata(L, 1);
    bool more;

    if (!state->draining) {
        state->draining = true;
        tell_lines(L, state);
        lwms_store_save(L, state);
        state->draining = false;
    }
    if (!box) {
        return 0;
    }
    lua_settop(L, 1 + CALLBACKS);
    do {
        more = box->ask && ask(L, box, 2 + ALLOW);
        more = ask_password(L, box, 2) || more;
        more = (box->choose && lwms_where_choose(L, box, 2)) || more;
        more = (box->follow && tell_outcome(L, box, 2 + ON_OUTCOME)) || more;
    } while (more);
    return 0;
}

static bool has_lines(const struct lwms_state *state)
{
    return (state->line_count || state->stores) && !state->draining;
}

void lwms_lines_run(lua_State *L)
{
    struct lwms_state *state = lwms_state_here(L);

    if (has_lines(state)) {
        lwms_anchor(L, A_DELIVER);
        int status = lua_pcall(L, 0, 0, 0);
        state->draining = false;
        if (status) {
            lua_error(L);
        }
    }
}

void lwms_callbacks_run(lua_State *L, struct lwms_request *box, int self, int callbacks)
{
    struct lwms_state *state = lwms_state_here(L);

    if (!lwms_has_callbacks(box) && !has_lines(state)) {
        return;
    }
    unsigned inside = box->inside;
    bool draining = state->draining, asking = box->asking;
    lwms_anchor(L, A_DELIVER);
    lua_pushvalue(L, self);
    for (int i = 0; i < CALLBACKS; i++) {
        lua_pushvalue(L, callbacks + i);
    }
    box->inside++;
    int status = lua_pcall(L, 1 + CALLBACKS, 0, 0);
    box->inside = inside;
    box->asking = asking;
    state->draining = draining;
    if (status) {
        box->follow = false; /* on_outcome is not called any more */
        wms_request_cancel(box->request);
    }
    if (box->inside == 0 && (box->closed || (status && box->blocking))) {
        lwms_request_let_go(box);
    }
    if (status) {
        lua_error(L);
    }
}
