/* SPDX-License-Identifier: MIT */
/* ids.c - session ids, and session objects, which know their server. */
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"

#define NO_SESSION 4294967295.0

static const char fix[] =
    "one id or a list of ids: numbers from 0 to 4294967294, strings such as \"c2\", or sessions as "
    "wms.sessions returns them";

/* Read as a double: lua_tointeger(3.5) is 3 on 5.1 and LuaJIT, and its result for a NaN is
 * undefined. */
static bool parse_id(lua_State *L, int index, wms_id *ret_id)
{
    if (lua_type(L, index) == LUA_TNUMBER) {
        lua_Number number = lua_tonumber(L, index);
        if (!(number >= 0 && number < NO_SESSION)) {
            return false;
        }
        ret_id->text = NULL;
        ret_id->number = (uint32_t) number;
        return (lua_Number) ret_id->number == number;
    }
    if (lwms_is_text(L, index)) {
        ret_id->text = lua_tostring(
            L, index); /* the engine checks the characters, and makes digits a number */
        ret_id->number = 0;
        return true;
    }
    return false;
}

static void refuse_id(lua_State *L, const struct lwms_call *call, const char *where, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        if (lua_tonumber(L, index) == (lua_Number) NO_SESSION) {
            lwms_misuse(L, call, "%s: 4294967295 means \"no session\"; give 0..4294967294", where);
        }
        lwms_misuse(L, call, "%s: %s is no session id; give a whole number 0..4294967294", where,
                    lwms_show(L, index));
    case LUA_TSTRING:
        lwms_misuse(L, call, "%s: a string with a NUL in it; give an id as wms.sessions shows it",
                    where);
    default:
        lwms_misuse(
            L, call,
            "%s: %s is no session id; give a number 0..4294967294 or a string such as \"c2\"",
            where, lwms_show(L, index));
    }
}

void lwms_id_read(lua_State *L, const struct lwms_call *call, const char *where, int index,
                  wms_id *ret_id)
{
    if (!parse_id(L, index, ret_id)) {
        refuse_id(L, call, where, index);
    }
}

/* ---- sessions that know their server --------------------------------------------------------- */

/* Pushes a field of the table at `index`; allocates nothing. */
static void push_field(lua_State *L, int index, enum anchor name)
{
    lwms_anchor(L, name);
    lua_rawget(L, index);
}

/* The session's server is on top of the stack. */
static void find_provider(lua_State *L)
{
    if (lwms_is_text(L, -1)) {
        lwms_provider_for(L, lwms_state_here(L), lua_tostring(L, -1));
    } else if (lua_isnil(L, -1)) {
        lwms_provider_for(L, lwms_state_here(L), NULL);
    }
}

static void find_providers(lua_State *L, const struct ids *ids)
{
    const void *last = ids; /* differs from every string's address */

    for (size_t i = 1; i <= ids->count; i++) {
        lua_rawgeti(L, ids->index, (int) i);
        if (lua_istable(L, -1)) {
            push_field(L, lua_gettop(L), A_SERVER);
            const void *server = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
            if (server != last) {
                find_provider(L);
                last = server;
            }
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

/* The field as a string of the script's, or NULL; allocates nothing. */
static const char *text_field(lua_State *L, int index, enum anchor name)
{
    push_field(L, index, name);
    const char *text = lwms_is_text(L, -1) ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return text;
}

/* Whether the table at `index` is the outcome of a server as a whole, which could not be asked or
 * did not answer.  Every sign of that must be there: a session object that has lost its id must not
 * stand for all sessions. */
static bool is_of_server(lua_State *L, int index)
{
    const char *state = text_field(L, index, A_OUTCOME_STATE);

    push_field(L, index, A_OUTCOME_ERROR);
    bool failed = lua_istable(L, -1);
    push_field(L, index, A_SESSION_ID);
    bool whole = lua_isnil(L, -1);
    lua_pop(L, 2);
    return whole && failed && state && text_field(L, index, A_SERVER) &&
           (strcmp(state, "failed") == 0 || strcmp(state, "unknown") == 0 ||
            strcmp(state, "skipped") == 0);
}

/* The session or outcome on top of the stack. */
static void read_object(lua_State *L, const struct lwms_call *call, const char *name,
                        size_t element, struct object *ret_object)
{
    int session = lua_gettop(L);
    char where[PLACED];

    push_field(L, session, A_OUTCOME_PARTIAL);
    if (lua_toboolean(L, -1)) {
        lwms_misuse(L, call,
                    "%s: the outcome of a server of which not all sessions were meant; call the "
                    "command of before again, for that server",
                    lwms_place(where, name, element));
    }
    lua_pop(L, 1);
    ret_object->server = is_of_server(L, session);
    ret_object->user_name = text_field(L, session, A_USER_NAME);
    ret_object->identity = text_field(L, session, A_IDENTITY);
    ret_object->target.id = (wms_id){.text = NULL, .number = 0};
    push_field(L, session, A_SESSION_ID);
    if (lua_isnil(L, -1) && !ret_object->server) {
        lwms_misuse(
            L, call,
            "%s: a table without session_id; give sessions as wms.sessions returns them, or ids",
            lwms_place(where, name, element));
    }
    if (!ret_object->server && !parse_id(L, -1, &ret_object->target.id)) {
        refuse_id(L, call, lwms_place(where, name, element), lua_gettop(L));
    }
    push_field(L, session, A_SERVER);
    ret_object->target.server = NULL;
    if (!lua_isnil(L, -1)) {
        if (!lwms_is_text(L, -1)) {
            char field[PLACED];
            snprintf(field, sizeof field, "%.40s.server", lwms_place(where, name, element));
            lwms_need_text(L, call, field, lua_gettop(L), "an address, as wms.sessions does");
        }
        ret_object->target.server = lua_tostring(L, -1);
    }
    lua_pop(L, 2);
}

/* Room for many: arrays, one after the other. */
struct room {
    wms_target *targets;
    const char **user_names, **identities;
    bool *servers;
};

static struct room room_of(void *block, size_t count)
{
    struct room room = {.targets = block};

    room.user_names = (const char **) (room.targets + count);
    room.identities = room.user_names + count;
    room.servers = (bool *) (room.identities + count);
    return room;
}

static size_t room_size(size_t count)
{
    return count * (sizeof(wms_target) + 2 * sizeof(const char *) + sizeof(bool));
}

static void put_object(const struct room *room, size_t i, const struct object *object)
{
    room->targets[i] = object->target;
    room->user_names[i] = object->user_name;
    room->identities[i] = object->identity;
    room->servers[i] = object->server;
}

/* ---- the option ------------------------------------------------------------------------------ */

void lwms_ids_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                    struct ids *ids)
{
    ids->index = index;
    ids->name = name;
    ids->list = false;
    ids->objects = false;
    ids->own = false;
    ids->count = 1;
    ids->room = NULL;
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        ids->own = strcmp(lua_tostring(L, index), "self") == 0;
        ids->count = ids->own ? 0 : 1;
        lua_pushnil(L);
        return;
    case LUA_TNUMBER:
        lua_pushnil(L);
        return;
    case LUA_TTABLE:
        break;
    default:
        lwms_misuse(L, call, "%s: %s; give %s", name, lwms_show(L, index), fix);
    }
    push_field(L, index, A_SESSION_ID);
    if (!lua_isnil(L, -1) || is_of_server(L, index)) {
        push_field(L, index, A_SERVER);
        find_provider(L);
        lua_pop(L, 1);
        ids->objects = true;
        return;
    }
    lua_pop(L, 1);
    ids->list = true;
    ids->count = lwms_need_list(L, call, name, index);
    if (ids->count == 0) {
        lwms_misuse(L, call, "%s: an empty list; give at least one id, or %s%s for every session",
                    name, (call->command->traits & WMS_IS_QUERY) ? "leave it out" : "call ",
                    (call->command->traits & WMS_IS_QUERY)
                        ? ""
                        : lua_pushfstring(L, "'%s_all'", call->command->name));
    }
    lua_rawgeti(L, index, 1);
    ids->objects = lua_istable(L, -1);
    lua_pop(L, 1);
    if (ids->objects) {
        find_providers(L, ids);
    }
    ids->room =
        lua_newuserdata(L, ids->objects ? room_size(ids->count) : ids->count * sizeof(wms_id));
}

/* The caller's own session. */
static bool is_self(lua_State *L, int index)
{
    return lwms_is_text(L, index) && strcmp(lua_tostring(L, index), "self") == 0;
}

static void read_list(lua_State *L, const struct lwms_call *call, struct ids *ids)
{
    const struct room room = room_of(ids->room, ids->count);
    wms_id *plain = ids->room;
    char where[PLACED];

    for (size_t i = 0; i < ids->count; i++) {
        lua_rawgeti(L, ids->index, (int) i + 1);
        if (lua_istable(L, -1) != ids->objects) {
            if (!lua_istable(L, -1) && !parse_id(L, -1, &ids->one)) {
                refuse_id(L, call, lwms_place(where, ids->name, i + 1), lua_gettop(L));
            }
            lwms_misuse(L, call, "%s: ids and sessions mixed in one list; give either",
                        lwms_place(where, ids->name, i + 1));
        }
        if (ids->objects) {
            read_object(L, call, ids->name, i + 1, &ids->object);
            put_object(&room, i, &ids->object);
        } else if (is_self(L, -1)) {
            lwms_misuse(L, call, "%s: \"self\" stands alone; give %s = \"self\"",
                        lwms_place(where, ids->name, i + 1), ids->name);
        } else if (!parse_id(L, -1, &plain[i])) {
            refuse_id(L, call, lwms_place(where, ids->name, i + 1), lua_gettop(L));
        }
        lua_pop(L, 1);
    }
}

void lwms_ids_read(lua_State *L, const struct lwms_call *call, struct ids *ids,
                   wms_command *command)
{
    if (ids->own) {
        command->own = true;
        return;
    }
    if (ids->list) {
        read_list(L, call, ids);
    } else if (ids->objects) {
        lua_pushvalue(L, ids->index);
        read_object(L, call, ids->name, 0, &ids->object);
        lua_pop(L, 1);
    } else {
        lwms_id_read(L, call, ids->name, ids->index, &ids->one);
    }
    if (ids->objects) {
        const struct room room = room_of(ids->room, ids->count);
        command->targets = ids->list ? room.targets : &ids->object.target;
        command->target_user_names = ids->list ? room.user_names : &ids->object.user_name;
        command->target_identities = ids->list ? room.identities : &ids->object.identity;
        command->target_servers = ids->list ? room.servers : &ids->object.server;
        command->target_count = ids->count;
    } else {
        command->ids = ids->list ? ids->room : &ids->one;
        command->id_count = ids->count;
    }
}
