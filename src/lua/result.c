/* SPDX-License-Identifier: MIT */
/* result.c - what a command returns to Lua. */
#include <string.h>

#include "lua/lwms.h"

/* ---- one outcome, one session ---------------------------------------------------------------- */

static void set_string(lua_State *L, const char *name, const char *value)
{
    if (value) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

static void set_server(lua_State *L, const char *server, struct memo *memo)
{
    if (memo && memo->text && (memo->text == server || strcmp(memo->text, server) == 0)) {
        lua_pushvalue(L, memo->index);
    } else {
        lua_pushstring(L, server);
        if (memo) {
            lua_pushvalue(L, -1);
            lua_replace(L, memo->index);
            memo->text = server;
        }
    }
    lua_setfield(L, -2, "server");
}

void lwms_id_push(lua_State *L, const wms_id *id)
{
    if (id->text) {
        lua_pushstring(L, id->text);
    } else {
        push_whole(L, id->number);
    }
}

static void set_id(lua_State *L, const wms_id *id)
{
    if (id) {
        lwms_id_push(L, id);
        lua_setfield(L, -2, "session_id");
    }
}

static void set_number(lua_State *L, const char *name, double number)
{
    lua_pushnumber(L, number);
    lua_setfield(L, -2, name);
}

static void set_whole(lua_State *L, const char *name, unsigned number)
{
    push_whole(L, number);
    lua_setfield(L, -2, name);
}

static void set_picture(lua_State *L, const wms_thumbnail *thumbnail)
{
    lua_pushlstring(L, thumbnail->data, thumbnail->size);
    lua_setfield(L, -2, "picture");
    set_whole(L, "width", thumbnail->width);
    set_whole(L, "height", thumbnail->height);
    set_number(L, "time", thumbnail->time);
}

void lwms_push_outcome(lua_State *L, const wms_outcome *outcome, struct memo *server)
{
    lua_createtable(L, 0,
                    2 + (outcome->id != NULL) + (outcome->user_name != NULL) +
                        (outcome->changed >= 0) + (outcome->code != 0) + (outcome->note != NULL) +
                        (outcome->identity != NULL) + (outcome->value != NULL) +
                        4 * (outcome->thumbnail != NULL));
    set_server(L, outcome->server, server);
    set_id(L, outcome->id);
    set_string(L, "state", wms_state_name(outcome->state));
    set_string(L, "user_name", outcome->user_name);
    if (outcome->changed >= 0) {
        lua_pushboolean(L, outcome->changed);
        lua_setfield(L, -2, "changed");
    }
    if (outcome->code) {
        lua_createtable(L, 0, 2);
        set_string(L, "code", wms_error_name(outcome->code));
        set_string(L, "message", outcome->text);
        lua_setfield(L, -2, "error");
    }
    set_string(L, "note", outcome->note);
    set_string(L, "identity", outcome->identity);
    if (outcome->partial && outcome->code) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "partial");
    }
    if (outcome->value) {
        lwms_push_value(L, outcome->value);
        lua_setfield(L, -2, "value");
    }
    if (outcome->thumbnail) {
        set_picture(L, outcome->thumbnail);
    }
}

void lwms_push_session(lua_State *L, const wms_session *session, struct memo *server)
{
    lua_createtable(L, 0, 16);
    set_id(L, &session->id);
    if (session->server) {
        set_server(L, session->server, server);
    }
#define WMS_X(field, name) set_string(L, name, session->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
    if (session->station_id >= 0) {
        push_whole(L, session->station_id);
        lua_setfield(L, -2, "station_id");
    }
#define WMS_X(field, name) \
    if (session->field >= 0) { \
        lua_pushboolean(L, session->field); \
        lua_setfield(L, -2, name); \
    }
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) \
    if (session->field > 0) { \
        lua_pushnumber(L, session->field); \
        lua_setfield(L, -2, name); \
    }
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void push_outcomes(lua_State *L, const wms_request *request)
{
    size_t count = wms_request_outcome_count(request);
    wms_outcome outcome;

    lua_pushnil(L);
    struct memo server = {NULL, lua_gettop(L)};
    lua_createtable(L, (int) count, 0);
    for (size_t i = 0; i < count && wms_request_outcome(request, i, &outcome) == 0; i++) {
        lwms_push_outcome(L, &outcome, &server);
        lua_rawseti(L, -2, (int) i + 1);
    }
    lua_remove(L, server.index);
}

static void push_sessions(lua_State *L, const wms_request *request)
{
    size_t count = wms_request_session_count(request);
    wms_session session;

    lua_pushnil(L);
    struct memo server = {NULL, lua_gettop(L)};
    lua_createtable(L, (int) count, 0);
    for (size_t i = 0; i < count && wms_request_session(request, i, &session) == 0; i++) {
        lwms_push_session(L, &session, &server);
        lua_rawseti(L, -2, (int) i + 1);
    }
    lua_remove(L, server.index);
}

/* ---- errors ---------------------------------------------------------------------------------- */

int lwms_error_tostring(lua_State *L)
{
    if (!lua_istable(L, 1)) {
        return luaL_error(L, "%s is no error of wms", lwms_show(L, 1));
    }
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pushliteral(L, "an error of wms");
    }
    return 1;
}

int lwms_push_failure(lua_State *L, int code, const char *message)
{
    lua_pushnil(L);
    lua_pushstring(L, message);
    lua_createtable(L, 0, 6);
    set_string(L, "code", wms_error_name(code));
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "message");
    lwms_anchor(L, A_ERROR);
    lua_setmetatable(L, -2);
    return 3;
}

int lwms_push_no_result(lua_State *L, int code, const char *message,
                        const struct lwms_command *command)
{
    lwms_push_failure(L, code, message);
    lua_createtable(L, 0, 0);
    lua_setfield(L, -2, "outcomes");
    if (command->traits & WMS_IS_QUERY) {
        lua_createtable(L, 0, 0);
        lua_setfield(L, -2, "sessions");
    }
    return 3;
}

/* What a call or a bind has returned. */
static void push_returned(lua_State *L, wms_request *request, const struct lwms_command *command)
{
    const wms_value *value = wms_request_value(request);
    wms_outcome outcome;

    if (value) {
        lwms_push_value(L, value);
    } else {
        lua_createtable(L, 0, 1);
    }
    if (command->verb == WMS_BIND && wms_request_outcome(request, 0, &outcome) == 0) {
        set_string(L, "server", outcome.server);
    }
}

/* A field of what a bind has returned, for its error. */
static void copy_field(lua_State *L, wms_request *request, const char *name)
{
    const wms_value *field = wms_value_field(wms_request_value(request), name);

    if (field) {
        lwms_push_value(L, field);
        lua_setfield(L, -2, name);
    }
}

int lwms_push_result(lua_State *L, wms_request *request, const struct lwms_command *command,
                     bool several)
{
    bool sessions = (command->traits & WMS_IS_QUERY);
    wms_fault fault;
    int error = wms_request_error(request, &fault);

    if (error < 0) {
        return lwms_push_no_result(L, error, wms_error_text(error), command);
    }
    if (error == 0) {
        if (sessions) {
            push_sessions(L, request);
        } else if (lwms_is_call(command) && !several) {
            push_returned(L, request, command);
        } else {
            push_outcomes(L, request);
        }
        return 1;
    }
    lwms_push_failure(L, fault.code, fault.text);
    set_string(L, "server", fault.server);
    set_id(L, fault.id);
    push_outcomes(L, request);
    lua_setfield(L, -2, "outcomes");
    if (command->verb == WMS_BIND && !several) {
        copy_field(L, request, "fingerprint");
        copy_field(L, request, "thumbprint");
    }
    if (sessions) {
        push_sessions(L, request);
        lua_setfield(L, -2, "sessions");
    }
    return 3;
}
