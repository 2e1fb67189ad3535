/* SPDX-License-Identifier: MIT */
/* where.c - where and except: properties of sessions, or functions of a script, that choose among a
 * server's sessions. */
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"

static const char fix[] =
    "a table of a session's properties such as { user_name = \"alice\" }, or a function";

/* ---- the options ----------------------------------------------------------------------------- */

/* What type a property has; LUA_TNIL: there is none of that name. */
static int type_of(const char *name)
{
#define WMS_X(field, word) \
    if (strcmp(name, word) == 0) { \
        return LUA_TSTRING; \
    }
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, word) \
    if (strcmp(name, word) == 0) { \
        return LUA_TBOOLEAN; \
    }
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
    return strcmp(name, "server") == 0                                          ? LUA_TSTRING
           : strcmp(name, "station_id") == 0 || strcmp(name, "session_id") == 0 ? LUA_TNUMBER
                                                                                : LUA_TNIL;
}

/* The value at `index` is one that the property can have. */
static void check_value(lua_State *L, const struct lwms_call *call, const char *where,
                        const char *name, int index)
{
    wms_id id;

    if (strcmp(name, "session_id") == 0) {
        lwms_id_read(L, call, where, index, &id);
    } else if (lua_type(L, index) != type_of(name)) {
        lwms_misuse(L, call, "%s: %s; give %s", where, lwms_show(L, index),
                    type_of(name) == LUA_TSTRING    ? "a string, or a list of strings"
                    : type_of(name) == LUA_TBOOLEAN ? "true or false"
                                                    : "a number, or a list of numbers");
    }
}

/* Pushes a copy of the list at `index`. */
static void copy_list(lua_State *L, const struct lwms_call *call, const char *where,
                      const char *name, int index)
{
    size_t count = lwms_need_list(L, call, where, index);
    char place[PLACED];

    if (count == 0) {
        lwms_misuse(L, call, "%s: an empty list; give at least one value", where);
    }
    lua_createtable(L, (int) count, 0);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int) i);
        check_value(L, call, lwms_place(place, where, i), name, lua_gettop(L));
        lua_rawseti(L, -2, (int) i);
    }
}

void lwms_where_read(lua_State *L, const struct lwms_call *call, const char *name, int index)
{
    bool any = false;

    if (lua_isfunction(L, index)) {
        lua_pushvalue(L, index);
        return;
    }
    if (!lua_istable(L, index)) {
        lwms_misuse(L, call, "%s: %s; give %s", name, lwms_show(L, index), fix);
    }
    luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
    lua_newtable(L);
    int copy = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, index); lua_settop(L, copy + 1)) {
        char clipped[CLIPPED], where[PLACED];
        if (lua_type(L, copy + 1) != LUA_TSTRING ||
            type_of(lua_tostring(L, copy + 1)) == LUA_TNIL) {
            lwms_misuse(L, call, "%s: %s is no property of a session; give %s", name,
                        lua_type(L, copy + 1) == LUA_TSTRING ? lwms_clip(L, copy + 1, clipped)
                                                             : lwms_kind(L, copy + 1),
                        fix);
        }
        const char *property = lua_tostring(L, copy + 1);
        snprintf(where, sizeof where, "%s.%s", name, property);
        if (lua_istable(L, copy + 2)) {
            copy_list(L, call, where, property, copy + 2);
        } else {
            check_value(L, call, where, property, copy + 2);
            lua_pushvalue(L, copy + 2);
        }
        lua_setfield(L, copy, property);
        any = true;
    }
    if (!any) { /* perhaps its fields came from nil variables: that must not mean all sessions */
        lwms_misuse(L, call, "%s: an empty table; give %s", name, fix);
    }
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* Whether two values are equal; ids may be given as numbers or as digits. */
static bool is_equal(lua_State *L, int a, int b)
{
    if (lua_rawequal(L, a, b)) {
        return true;
    }
    if (lua_type(L, a) == lua_type(L, b) || lua_isboolean(L, a) || lua_isboolean(L, b) ||
        lua_isnil(L, a)) {
        return false;
    }
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    bool equal = strcmp(lua_tostring(L, -2), lua_tostring(L, -1)) == 0;
    lua_pop(L, 2);
    return equal;
}

/* Compares the session's property with the value, or the list of values, on top of the stack. */
static bool has_value(lua_State *L, int property)
{
    int wanted = lua_gettop(L);

    if (!lua_istable(L, wanted)) {
        return is_equal(L, property, wanted);
    }
    for (int i = 1;; i++) {
        lua_rawgeti(L, wanted, i);
        bool end = lua_isnil(L, -1), equal = !end && is_equal(L, property, wanted + 1);
        lua_settop(L, wanted);
        if (end || equal) {
            return equal;
        }
    }
}

static bool has_properties(lua_State *L, int where, int session)
{
    int top = lua_gettop(L);
    bool all = true;

    for (lua_pushnil(L); all && lua_next(L, where); lua_settop(L, top + 1)) {
        lua_pushvalue(L, top + 1);
        lua_rawget(L, session);
        lua_insert(L, top + 2);
        all = has_value(L, top + 2);
    }
    lua_settop(L, top);
    return all;
}

/* Whether the value at `where`, a function or a table, matches the session. */
static bool matches(lua_State *L, const char *name, int where, int session)
{
    if (!lua_isfunction(L, where)) {
        return has_properties(L, where, session);
    }
    lua_pushvalue(L, where);
    lua_pushvalue(L, session);
    lua_call(L, 1, 1);
    if (!lua_isboolean(L, -1) && !lua_isnil(L, -1)) { /* 0 and "no" are neither */
        luaL_error(L, "%s returned %s; return true or false", name, lwms_kind(L, lua_gettop(L)));
    }
    bool yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

bool lwms_where_takes(lua_State *L, int where, int except, int session)
{
    return (lua_isnil(L, where) || matches(L, "where", where, session)) &&
           (lua_isnil(L, except) || !matches(L, "except", except, session));
}

bool lwms_where_choose(lua_State *L, struct lwms_request *box, int callbacks)
{
    int top = lua_gettop(L), where = callbacks + WHERE, except = callbacks + EXCEPT;
    wms_session session, now;

    if (box->closed || box->asking || wms_request_candidate(box->request, &session) != 1) {
        return false;
    }
    lwms_push_session(L, &session, NULL);
    box->asking = true;
    bool take = lwms_where_takes(L, where, except, top + 1);
    box->asking = false;
    /* The candidate may have changed: a function may have cancelled the request, or may have run
     * the engine by another call. */
    if (!box->closed && wms_request_candidate(box->request, &now) == 1 &&
        now.id.number == session.id.number && now.id.text == session.id.text &&
        now.server == session.server) {
        wms_request_choose(box->request, take);
        box->answered = true;
    }
    lua_settop(L, top);
    return true;
}
