/* SPDX-License-Identifier: MIT */
/* misuse.c - errors about arguments, and values that must be of some type. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/lwms.h"

/* ---- misuse ---------------------------------------------------------------------------------- */

void lwms_misuse(lua_State *L, const struct lwms_call *call, const char *format, ...)
{
    va_list arguments;

    /* Not luaL_argerror(): it takes the function's name from debug information, which is missing
     * under pcall(), and counts a method's arguments differently. */
    va_start(arguments, format);
    const char *what = lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    luaL_error(L, "bad argument #%d to '%s' (%s)", call->argument, call->function, what);
    abort(); /* not reached */
}

void lwms_misuse_renamed(lua_State *L, const struct lwms_call *call, const char *complaint,
                         const char *argument, const char *name)
{
    size_t length = strlen(argument);

    if (name && strncmp(complaint, argument, length) == 0 && complaint[length] == ':') {
        lwms_misuse(L, call, "%s%s", name, complaint + length);
    }
}

void lwms_raise(lua_State *L, int error)
{
    luaL_error(L, "wms: %s", wms_error_text(error));
    abort(); /* not reached */
}

const char *lwms_kind(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return "nothing";
    case LUA_TLIGHTUSERDATA:
        return "a userdata";
    default:
        return lua_pushfstring(L, "a %s", luaL_typename(L, index));
    }
}

const char *lwms_show(lua_State *L, int index)
{
    lua_Number number = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER) {
        return lwms_kind(L, index);
    }
    if (isnan(number)) {
        return "NaN";
    }
    if (isinf(number)) {
        return number < 0 ? "minus infinity" : "infinity";
    }
    lua_pushvalue(L, index); /* a copy, since lua_tolstring() converts in place */
    return lua_tostring(L, -1);
}

const char *lwms_clip(lua_State *L, int index, char buffer[CLIPPED])
{
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    size_t n = length < CLIPPED - 4 ? length : CLIPPED - 4;

    for (size_t i = 0; i < n; i++) {
        buffer[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    }
    strcpy(buffer + n, n < length ? "..." : "");
    return buffer;
}

const char *lwms_place(char buffer[PLACED], const char *name, size_t element)
{
    if (element == 0) {
        return name;
    }
    snprintf(buffer, PLACED, "%s[%zu]", name, element);
    return buffer;
}

const char *lwms_complaint(const struct lwms_state *state, char buffer[COMPLAINT])
{
    snprintf(buffer, COMPLAINT, "%s", wms_engine_complaint(state->engine));
    return buffer;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool lwms_is_text(lua_State *L, int index)
{
    size_t length;

    return lua_type(L, index) == LUA_TSTRING && strlen(lua_tolstring(L, index, &length)) == length;
}

const char *lwms_need_text(lua_State *L, const struct lwms_call *call, const char *where, int index,
                           const char *fix)
{
    if (!lwms_is_text(L, index)) {
        lwms_misuse(L, call, "%s: %s; give %s", where,
                    lua_type(L, index) == LUA_TSTRING ? "a string with a NUL in it"
                                                      : lwms_kind(L, index),
                    fix);
    }
    return lua_tostring(L, index);
}

double lwms_need_seconds(lua_State *L, const struct lwms_call *call, const char *where, int index,
                         bool above_zero)
{
    const char *fix = above_zero ? "a number of seconds above 0, at most 1e9"
                                 : "a number of seconds from 0 to 1e9";
    lua_Number seconds = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || !(seconds >= 0 && seconds <= 1e9) ||
        (above_zero && seconds <= 0)) {
        lwms_misuse(L, call, "%s: %s; give %s", where, lwms_show(L, index), fix);
    }
    return (double) seconds;
}

unsigned lwms_need_whole(lua_State *L, const struct lwms_call *call, const char *where, int index,
                         unsigned least, unsigned most)
{
    lua_Number number = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || !(number >= least && number <= most) ||
        floor((double) number) != (double) number) {
        lwms_misuse(L, call, "%s: %s; give a whole number %d..%d", where, lwms_show(L, index),
                    (int) least, (int) most);
    }
    return (unsigned) number;
}

void lwms_need_function(lua_State *L, const struct lwms_call *call, const char *where, int index,
                        bool or_false)
{
    bool is_false = lua_isboolean(L, index) && !lua_toboolean(L, index);

    if (!lua_isfunction(L, index) && !(or_false && is_false)) {
        lwms_misuse(L, call, "%s: %s; give a function%s", where, lwms_kind(L, index),
                    or_false ? ", or false for none" : "");
    }
}

bool lwms_need_boolean(lua_State *L, const struct lwms_call *call, const char *where, int index)
{
    if (!lua_isboolean(L, index)) {
        lwms_misuse(L, call, "%s: %s; give a boolean, true or false", where, lwms_kind(L, index));
    }
    return lua_toboolean(L, index);
}

size_t lwms_need_list(lua_State *L, const struct lwms_call *call, const char *where, int index)
{
    lua_Number last = 0;
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (!(key >= 1) || floor((double) key) != (double) key) {
            char text[CLIPPED];
            lwms_misuse(
                L, call,
                "%s: a value at the key %s, in a list; give its items the keys 1, 2, 3 and so on",
                where, lua_type(L, -2) == LUA_TSTRING ? lwms_clip(L, -2, text) : lwms_show(L, -2));
        }
        last = key > last ? key : last;
        count++;
    }
    if (last != (lua_Number) count) {
        lwms_misuse(L, call, "%s: a list with holes; give its items the keys 1, 2, 3 and so on",
                    where);
    }
    if (count > INT32_MAX) {
        lwms_misuse(L, call, "%s: too long a list; give fewer", where);
    }
    return count;
}

void lwms_no_more(lua_State *L, const struct lwms_call *call, int index)
{
    struct lwms_call behind = *call;

    if (lua_gettop(L) > index && !lua_isnil(L, index + 1)) {
        behind.argument++;
        lwms_misuse(L, &behind, "%s; give everything in one table, such as { server = \"lab01\" }",
                    lwms_kind(L, index + 1));
    }
}
