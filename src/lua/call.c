/* SPDX-License-Identifier: MIT */
/* call.c - converts the arguments and results of calls: Lua tables to trees of values, and back. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"

/* 2^53: beyond it, a double cannot represent every whole number. */
#define EXACT 9007199254740992.0

/* ---- from Lua -------------------------------------------------------------------------------- */

enum { DEEPEST = 8, WHERE_MAX = 160 };

static const char fix[] = "a boolean, a whole number, a string, or a table of these";

/* The state of the walk through the table. */
struct walk {
    const struct lwms_call *call;
    char where[WHERE_MAX]; /* "arguments.list[2].name" */
    unsigned depth;
    wms_value *next, *end; /* room for items; NULL: they are only counted */
    size_t count;
};

static void walk_value(lua_State *L, struct walk *walk, int index, wms_value *value);

static void refuse(lua_State *L, const struct walk *walk, int index)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        lwms_misuse(L, walk->call,
                    "%s: %s; give a whole number that Lua has exactly, or its digits as a string",
                    walk->where, lwms_show(L, index));
    }
    lwms_misuse(L, walk->call, "%s: %s; give %s", walk->where, lwms_kind(L, index), fix);
}

static void walk_number(lua_State *L, const struct walk *walk, int index, wms_value *value)
{
    lua_Number number = lua_tonumber(L, index);

#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(L, index)) {
        lua_Integer integer = lua_tointeger(L, index);
        *value = integer < 0 ? (wms_value){.kind = WMS_INTEGER, .integer = integer}
                             : (wms_value){.kind = WMS_NATURAL, .natural = (uint64_t) integer};
        return;
    }
#endif
    if (!(number >= -EXACT && number <= EXACT) || floor((double) number) != (double) number) {
        refuse(L, walk, index);
    }
    *value = number < 0 ? (wms_value){.kind = WMS_INTEGER, .integer = (int64_t) number}
                        : (wms_value){.kind = WMS_NATURAL, .natural = (uint64_t) number};
}

/* Appends the item whose key is on the stack to walk->where; returns the old length, to be restored
 * later. */
static size_t step_in(lua_State *L, struct walk *walk, int key)
{
    size_t length = strlen(walk->where);
    char clipped[CLIPPED];

    if (lua_type(L, key) == LUA_TSTRING) {
        snprintf(walk->where + length, WHERE_MAX - length, ".%s", lwms_clip(L, key, clipped));
    } else {
        snprintf(walk->where + length, WHERE_MAX - length, "[%.0f]", (double) lua_tonumber(L, key));
    }
    return length;
}

static void check_key(lua_State *L, const struct walk *walk, int key, bool named)
{
    if (named && !lwms_is_text(L, key)) {
        lwms_misuse(
            L, walk->call, "%s: %s as a key beside names; give a list or names", walk->where,
            lua_type(L, key) == LUA_TSTRING ? "a string with a NUL in it" : lwms_kind(L, key));
    }
}

/* Whether the table has names for keys, and is no list: if one key is a name, all must be.  An
 * empty table counts as one with names; a host that wants a list accepts it. */
static bool has_names(lua_State *L, int index)
{
    bool named = true;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        named = lua_type(L, -2) == LUA_TSTRING;
        if (named) {
            lua_pop(L, 2);
            break;
        }
    }
    return named;
}

static void changed(lua_State *L, const struct walk *walk)
{
    lwms_misuse(L, walk->call, "%s: a table that changes while it is read; give one that does not",
                walk->where);
}

/* The items of the table at `index`. */
static void walk_items(lua_State *L, struct walk *walk, int index, wms_value *value)
{
    size_t size = 0;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        check_key(L, walk, lua_gettop(L) - 1, value->kind == WMS_TABLE);
        size++;
    }
    walk->count += size;
    wms_value *items = walk->next, none;
    if (items) {
        if (size > (size_t) (walk->end - items)) {
            changed(L, walk);
        }
        walk->next += size;
        value->items = items;
        value->size = size;
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int top = lua_gettop(L);
        size_t length = step_in(L, walk, top - 1);
        wms_value *item = &none;
        if (items) {
            item =
                value->kind == WMS_TABLE ? items++ : items + (size_t) lua_tonumber(L, top - 1) - 1;
        }
        walk_value(L, walk, top, item);
        item->name = value->kind == WMS_TABLE ? lua_tostring(L, top - 1) : NULL;
        walk->where[length] = '\0';
    }
}

static void walk_table(lua_State *L, struct walk *walk, int index, wms_value *value)
{
    if (++walk->depth > DEEPEST) {
        lwms_misuse(L, walk->call, "%s: more than %d tables deep; give a flatter one", walk->where,
                    DEEPEST);
    }
    luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
    *value = (wms_value){.kind = has_names(L, index) ? WMS_TABLE : WMS_LIST};
    if (value->kind == WMS_LIST) {
        lwms_need_list(L, walk->call, walk->where, index);
    }
    walk_items(L, walk, index, value);
    walk->depth--;
}

static void walk_value(lua_State *L, struct walk *walk, int index, wms_value *value)
{
    size_t size;

    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        *value = (wms_value){.kind = WMS_BOOLEAN, .integer = lua_toboolean(L, index)};
        break;
    case LUA_TNUMBER:
        walk_number(L, walk, index, value);
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, index, &size);
        *value = (wms_value){.kind = WMS_STRING, .text = text, .size = size};
        break;
    }
    case LUA_TTABLE:
        walk_table(L, walk, index, value);
        break;
    default:
        refuse(L, walk, index);
    }
}

static size_t count_values(lua_State *L, const struct lwms_call *call, const char *name, int index)
{
    struct walk walk = {.call = call};
    wms_value value;

    snprintf(walk.where, sizeof walk.where, "%s", name);
    if (!lua_istable(L, index)) {
        lwms_misuse(L, call, "%s: %s; give a table by names", name, lwms_kind(L, index));
    }
    walk_table(L, &walk, index, &value);
    if (value.kind != WMS_TABLE) {
        lwms_misuse(L, call, "%s: a list; give a table by names", name);
    }
    return walk.count;
}

void lwms_tree_check(lua_State *L, const struct lwms_call *call, const char *name, int index)
{
    count_values(L, call, name, index);
}

void lwms_tree_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                     struct tree *tree)
{
    *tree = (struct tree){.name = name, .index = index};
    if (lua_isnil(L, index)) {
        lua_pushnil(L);
        return;
    }
    tree->count = 1 + count_values(L, call, name, index);
    tree->room = lua_newuserdata(L, tree->count * sizeof *tree->room);
}

const wms_value *lwms_tree_read(lua_State *L, const struct lwms_call *call, const struct tree *tree)
{
    struct walk walk = {.call = call};

    if (!tree->room) {
        return NULL;
    }
    snprintf(walk.where, sizeof walk.where, "%s", tree->name);
    walk.next = tree->room + 1;
    walk.end = tree->room + tree->count;
    walk_table(L, &walk, tree->index, tree->room);
    if (tree->room->kind != WMS_TABLE) {
        changed(L, &walk);
    }
    return tree->room;
}

/* ---- to Lua ---------------------------------------------------------------------------------- */

/* Pushes the number or, where no Lua number can represent it, its digits. */
static void push_natural(lua_State *L, uint64_t natural)
{
    char digits[24];
#if LUA_VERSION_NUM < 503
    bool exact = natural <= (uint64_t) EXACT;
#else
    bool exact = natural <= (uint64_t) LUA_MAXINTEGER;
#endif

    if (exact) {
        push_whole(L, natural);
    } else {
        snprintf(digits, sizeof digits, "%llu", (unsigned long long) natural);
        lua_pushstring(L, digits);
    }
}

static void push_negative(lua_State *L, int64_t integer)
{
    char digits[24];
#if LUA_VERSION_NUM < 503
    bool exact = integer >= -(int64_t) EXACT;
#else
    bool exact = integer >= LUA_MININTEGER;
#endif

    if (exact) {
        push_whole(L, integer);
    } else {
        snprintf(digits, sizeof digits, "%lld", (long long) integer);
        lua_pushstring(L, digits);
    }
}

static void push_items(lua_State *L, const wms_value *value)
{
    int size = value->size < INT32_MAX ? (int) value->size : INT32_MAX;
    bool list = value->kind == WMS_LIST;

    luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
    lua_createtable(L, list ? size : 0, list ? 0 : size);
    for (int i = 0; i < size; i++) {
        const wms_value *item = &value->items[i];
        lwms_push_value(L, item);
        if (list) {
            lua_rawseti(L, -2, i + 1);
        } else {
            lua_setfield(L, -2, item->name ? item->name : "");
        }
    }
}

void lwms_push_value(lua_State *L, const wms_value *value)
{
    switch (value->kind) {
    case WMS_BOOLEAN:
        lua_pushboolean(L, value->integer != 0);
        break;
    case WMS_INTEGER:
        push_negative(L, value->integer);
        break;
    case WMS_NATURAL:
        push_natural(L, value->natural);
        break;
    case WMS_STRING:
        lua_pushlstring(L, value->text, value->size);
        break;
    case WMS_LIST:
    case WMS_TABLE:
        push_items(L, value);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}
