/* SPDX-License-Identifier: MIT */
/* memory.c - wms.memory: the embedded host, and what its own manager does in a script's test. */
#include <wms/memory.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/pack.h"
#include "lua/lwms.h"

/* ---- the host's sessions --------------------------------------------------------------------- */

enum property {
#define WMS_X(field, name) P_##field,
    WMS_SESSION_STRINGS(WMS_X) WMS_SESSION_FLAGS(WMS_X) WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
        P_session_id,
    P_station_id,
    P_relock_after,
    P_server,
    PROPERTY_COUNT
};

static const char *const names[] = {
#define WMS_X(field, name) name,
    WMS_SESSION_STRINGS(WMS_X) WMS_SESSION_FLAGS(WMS_X) WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
        "session_id",
    "station_id",
    "relock_after",
    "server",
};

void lwms_memory_names(lua_State *L)
{
    lua_createtable(L, 0, PROPERTY_COUNT);
    for (int i = 0; i < PROPERTY_COUNT; i++) {
        lua_pushstring(L, names[i]);
        lua_pushinteger(L, i + 1);
        lua_rawset(L, -3);
    }
}

struct entry {
    wms_session session; /* strings are borrowed from the script */
    double relock_after;
};

/* "sessions[2].user_name" */
static const char *entry_place(char buffer[PLACED], const char *list, size_t element,
                               const char *name)
{
    char prefix[PLACED];

    if (!list) {
        return name;
    }
    snprintf(buffer, PLACED, "%.30s.%.30s", lwms_place(prefix, list, element), name);
    return buffer;
}

static int64_t read_station(lua_State *L, const struct lwms_call *call, const char *where,
                            int value)
{
    lua_Number number = lua_tonumber(L, value);

    if (lua_type(L, value) != LUA_TNUMBER || !(number >= 0 && number <= 4294967295.0) ||
        floor((double) number) != (double) number) {
        lwms_misuse(L, call, "%s: %s; give a whole number from 0 to 4294967295", where,
                    lwms_show(L, value));
    }
    return (int64_t) number;
}

static double read_time(lua_State *L, const struct lwms_call *call, const char *where, int value)
{
    double number = (double) lua_tonumber(L, value);

    if (lua_type(L, value) != LUA_TNUMBER || !(number > 0 && number < 1e12)) {
        lwms_misuse(L, call, "%s: %s; give seconds since 1970, as os.time() does", where,
                    lwms_show(L, value));
    }
    return number;
}

/* Reads the table at `index`, which is an element of `list` (NULL: the argument itself).  Allocates
 * nothing. */
static void read_entry(lua_State *L, const struct lwms_call *call, const char *list, size_t element,
                       int index, struct entry *entry)
{
    char where[PLACED], clipped[CLIPPED];
    bool named = false;

    wms_session_init(&entry->session);
    entry->relock_after = -1;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int value = lua_gettop(L);
        lwms_anchor(L, A_PROPERTIES);
        lua_pushvalue(L, value - 1);
        lua_rawget(L, -2);
        int property = (int) lua_tointeger(L, -1) - 1;
        lua_settop(L, value);
        const char *name = property < 0 ? "" : names[property];
        switch (property) {
#define WMS_X(field, name_) \
    case P_##field: \
        if (!lwms_is_text(L, value)) { \
            lwms_need_text(L, call, entry_place(where, list, element, name), value, "a string"); \
        } \
        entry->session.field = lua_tostring(L, value); \
        break;
            WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name_) \
    case P_##field: \
        if (!lua_isboolean(L, value)) { \
            lwms_need_boolean(L, call, entry_place(where, list, element, name), value); \
        } \
        entry->session.field = (signed char) lua_toboolean(L, value); \
        break;
            WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name_) \
    case P_##field: \
        entry->session.field = read_time(L, call, entry_place(where, list, element, name), value); \
        break;
            WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
        case P_session_id:
            lwms_id_read(L, call, entry_place(where, list, element, name), value,
                         &entry->session.id);
            named = true;
            break;
        case P_station_id:
            entry->session.station_id =
                read_station(L, call, entry_place(where, list, element, name), value);
            break;
        case P_relock_after:
            entry->relock_after =
                lwms_need_seconds(L, call, entry_place(where, list, element, name), value, false);
            break;
        case P_server:
            break; /* session objects have one; ignored, since it is this host */
        default:
            if (lua_type(L, value - 1) == LUA_TSTRING) {
                lwms_misuse(
                    L, call,
                    "%s: no property of a session; give session_id, user_name, locked and the like",
                    entry_place(where, list, element, lwms_clip(L, value - 1, clipped)));
            }
            lwms_misuse(
                L, call,
                "%s: a value without a name; give session_id, user_name, locked and the like",
                list ? lwms_place(where, list, element) : "session");
        }
    }
    if (!named) {
        lwms_misuse(L, call, "%s: missing; give every session an id",
                    entry_place(where, list, element, "session_id"));
    }
}

/* ---- the handle ------------------------------------------------------------------------------ */

struct host {
    wms_memory *memory; /* NULL: closed */
};

static wms_memory *host_here(lua_State *L, const char *method)
{
    struct host *box = lwms_self_here(L, A_MEMORY, "host", method);

    lwms_state_here(L);
    if (!box->memory) {
        luaL_error(L, "the host is closed");
    }
    return box->memory;
}

/* The values of a method: true, or what went wrong. */
static int answer(lua_State *L, const struct lwms_call *call, int error)
{
    char complaint[COMPLAINT];

    if (error == WMS_E_INVALID) {
        lwms_misuse(L, call, "%s", lwms_complaint(lwms_state_here(L), complaint));
    }
    if (error) {
        return lwms_push_failure(L, error, wms_error_text(error));
    }
    lua_pushboolean(L, 1);
    return 1;
}

static int method_open(lua_State *L)
{
    static const struct lwms_call call = {"open", 1, NULL};
    wms_memory *memory = host_here(L, "open");
    struct entry entry;

    if (!lua_istable(L, 2)) {
        lwms_misuse(L, &call,
                    "session: %s; give a table such as { session_id = 1, user_name = \"alice\" }",
                    lwms_kind(L, 2));
    }
    read_entry(L, &call, NULL, 0, 2, &entry);
    return answer(L, &call, wms_memory_open(memory, &entry.session, entry.relock_after));
}

static int method_lock(lua_State *L)
{
    static const struct lwms_call call = {"lock", 1, NULL}, second = {"lock", 2, NULL};
    wms_memory *memory = host_here(L, "lock");
    const char *message =
        lua_isnoneornil(L, 3) ? NULL : lwms_need_text(L, &second, "message", 3, "a string");
    wms_id id;

    lwms_id_read(L, &call, "session_id", 2, &id);
    return answer(L, &call, wms_memory_lock(memory, &id, message));
}

static int method_unlock(lua_State *L)
{
    static const struct lwms_call call = {"unlock", 1, NULL};
    wms_memory *memory = host_here(L, "unlock");
    wms_id id;

    lwms_id_read(L, &call, "session_id", 2, &id);
    return answer(L, &call, wms_memory_unlock(memory, &id));
}

/* picture(id, jpeg), picture(id, false): none, picture(id): the host's own again. */
static int method_picture(lua_State *L)
{
    static const struct lwms_call call = {"picture", 1, NULL}, second = {"picture", 2, NULL};
    wms_memory *memory = host_here(L, "picture");
    bool none = lua_isboolean(L, 3) && !lua_toboolean(L, 3);
    const char *data = none ? "" : NULL;
    size_t size = 0;
    wms_id id;

    if (lua_type(L, 3) == LUA_TSTRING) {
        data = lua_tolstring(L, 3, &size);
    } else if (!none && !lua_isnoneornil(L, 3)) {
        lwms_misuse(L, &second,
                    "picture: %s; give the bytes of a JPEG, false for none, or nothing for the "
                    "host's own",
                    lwms_kind(L, 3));
    }
    lwms_id_read(L, &call, "session_id", 2, &id);
    return answer(L, &call, wms_memory_picture(memory, &id, data, size));
}

static int method_drop(lua_State *L)
{
    static const struct lwms_call call = {"drop", 1, NULL};
    wms_memory *memory = host_here(L, "drop");
    wms_id id;

    lwms_id_read(L, &call, "session_id", 2, &id);
    return answer(L, &call, wms_memory_drop(memory, &id));
}

/* The code whose name is at `index`; 0 for none. */
static int need_code(lua_State *L, const struct lwms_call *call, int index)
{
    char clipped[CLIPPED];

    if (lua_isnoneornil(L, index)) {
        return 0;
    }
    int code = wms_error_from_name(
        lwms_need_text(L, call, "code", index, "a code such as \"TIMEOUT\", or nothing"));
    if (code == 0) {
        lwms_misuse(L, call, "code: '%s' is none; give a code such as \"TIMEOUT\", or nothing",
                    lwms_clip(L, index, clipped));
    }
    return code;
}

static int method_fail(lua_State *L)
{
    static const struct lwms_call call = {"fail", 1, NULL}, second = {"fail", 2, NULL};
    static const char fix[] =
        "unlock, lock, disconnect, close, message, thumbnail, sessions, reboot or power_off";
    wms_memory *memory = host_here(L, "fail");
    int verb = wms_verb_from_name(lwms_need_text(L, &call, "verb", 2, fix));
    char clipped[CLIPPED];

    if (verb < 0) {
        lwms_misuse(L, &call, "verb: '%s' is none; give %s", lwms_clip(L, 2, clipped), fix);
    }
    return answer(L, &second,
                  wms_memory_fail(memory, (enum wms_verb) verb, need_code(L, &second, 3)));
}

static int method_refuse(lua_State *L)
{
    static const struct lwms_call call = {"refuse", 1, NULL};
    wms_memory *memory = host_here(L, "refuse");

    return answer(L, &call, wms_memory_refuse(memory, need_code(L, &call, 2)));
}

/* What the host returns is borrowed, and a finalizer may free it while tables are made of it.  So
 * it is copied into a userdata first.  To allocate that may run a finalizer as well: so the size is
 * measured before and again after. */

static size_t log_size(const wms_memory *memory)
{
    struct wms_memory_entry entry;
    size_t size = 0;

    for (size_t i = 0; wms_memory_log(memory, i, &entry) == 0; i++) {
        size += sizeof entry + wms_pack_size_of(entry.id.text) + wms_pack_size_of(entry.message) +
                wms_pack_size_of(entry.title);
    }
    return size;
}

/* Pushes a copy of the log. */
static const struct wms_memory_entry *copy_log(lua_State *L, size_t *ret_count)
{
    struct wms_memory_entry *entries = NULL;
    const wms_memory *memory = host_here(L, "log");

    for (size_t room = 0; !entries || log_size(memory) > room; memory = host_here(L, "log")) {
        lua_settop(L, 1);
        room = log_size(memory);
        entries = lua_newuserdata(L, room + 1);
    }
    *ret_count = wms_memory_log_count(memory);
    char *strings = (char *) (entries + *ret_count);
    for (size_t i = 0; i < *ret_count && wms_memory_log(memory, i, &entries[i]) == 0; i++) {
        entries[i].id.text = wms_pack_put(&strings, entries[i].id.text);
        entries[i].message = wms_pack_put(&strings, entries[i].message);
        entries[i].title = wms_pack_put(&strings, entries[i].title);
    }
    return entries;
}

/* A field of the table on top of the stack. */
static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text) {
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
    }
}

static int method_log(lua_State *L)
{
    size_t count;
    const struct wms_memory_entry *entries = copy_log(L, &count);

    lua_createtable(L, (int) count, 0);
    for (size_t i = 0; i < count; i++) {
        struct wms_memory_entry entry = entries[i];
        lua_createtable(L, 0, 4);
        set_text(L, "message", entry.message);
        set_text(L, "title", entry.title);
        if (entry.verb != WMS_SESSIONS && !(wms_verb_traits(entry.verb) & WMS_ON_SERVER)) {
            lwms_id_push(L, &entry.id);
            lua_setfield(L, -2, "session_id");
        }
        lua_pushstring(L, wms_verb_name(entry.verb));
        lua_setfield(L, -2, "verb");
        if (entry.code) {
            lua_pushstring(L, wms_error_name(entry.code));
            lua_setfield(L, -2, "code");
        }
        lua_rawseti(L, -2, (int) i + 1);
    }
    return 1;
}

static int method_session(lua_State *L)
{
    static const struct lwms_call call = {"session", 1, NULL};
    const char *message = NULL;
    char *strings = NULL;
    wms_session session, copy;
    wms_id id;

    host_here(L, "session");
    lua_settop(L, 2);
    lwms_id_read(L, &call, "session_id", 2, &id);
    for (size_t room = 0;;) {
        int error = wms_memory_session(host_here(L, "session"), &id, &session, &message);
        if (error) {
            return answer(L, &call, error);
        }
        size_t size = wms_pack_size(&session) + wms_pack_size_of(message);
        if (strings && size <= room) {
            break;
        }
        lua_settop(L, 2);
        room = size;
        strings = lua_newuserdata(L, room);
    }
    wms_pack(&copy, &session, strings);
    strings += wms_pack_size(&session);
    message = wms_pack_put(&strings, message);
    lua_pushstring(L, message); /* nil for NULL */
    lwms_push_session(L, &copy, NULL);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    return 1;
}

/* Also __close.  Shuts the host down; a second call does nothing. */
static int method_close(lua_State *L)
{
    struct host *box = lwms_self_here(L, A_MEMORY, "host", "close");

    if (box->memory) {
        wms_memory_close(box->memory);
        box->memory = wms_memory_unref(box->memory);
    }
    return 0;
}

/* Releases the handle; the host continues to serve without it. */
static int host_gc(lua_State *L)
{
    struct host *box = lwms_self_here(L, A_MEMORY, "host", "__gc");

    box->memory = wms_memory_unref(box->memory);
    return 0;
}

static int host_tostring(lua_State *L)
{
    struct host *box = lwms_self_here(L, A_MEMORY, "host", "__tostring");

    lua_settop(L, 1);
    lua_getuservalue(L, 1);
    lua_rawgeti(L, 2, 1);
    lua_pushfstring(L, "wms.memory (memory://%s%s)", lua_tostring(L, 3),
                    box->memory ? "" : ", closed");
    return 1;
}

const luaL_Reg lwms_memory_own[] = {
    {"__gc", host_gc},
    {"__close", method_close},
    {"__tostring", host_tostring},
    {NULL, NULL},
};

const luaL_Reg lwms_memory_methods[] = {
    {"open", method_open},
    {"lock", method_lock},
    {"unlock", method_unlock},
    {"drop", method_drop},
    {"fail", method_fail},
    {"refuse", method_refuse},
    {"log", method_log},
    {"session", method_session},
    {"picture", method_picture},
    {"close", method_close},
    {NULL, NULL},
};

/* ---- wms.memory ------------------------------------------------------------------------------ */

static const struct lwms_call in_options = {"memory", 2, NULL};

/* Reads the table at 2; its list of sessions goes to 3. */
static void read_options(lua_State *L, struct wms_memory_options *options)
{
    char clipped[CLIPPED];

    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        int value = lua_gettop(L);
        if (strcmp(name, "sessions") == 0) {
            if (!lua_istable(L, value)) {
                lwms_misuse(L, &in_options, "sessions: %s; give a list of tables",
                            lwms_kind(L, value));
            }
            lua_pushvalue(L, value);
            lua_replace(L, 3);
        } else if (strcmp(name, "latency") == 0) {
            options->latency = lwms_need_seconds(L, &in_options, name, value, false);
        } else if (strcmp(name, "relock_after") == 0) {
            options->relock_after = lwms_need_seconds(L, &in_options, name, value, false);
        } else if (strcmp(name, "admin_orchestration") == 0) {
            options->admin_orchestration = lwms_need_boolean(L, &in_options, name, value);
        } else {
            lwms_misuse(
                L, &in_options,
                "%s: no such option; use sessions, latency, relock_after or admin_orchestration",
                *name ? lwms_clip(L, -2, clipped) : "a value without a name");
        }
    }
}

/* The session number `i` of the list at 3. */
static void read_listed(lua_State *L, size_t i, struct entry *entry)
{
    char where[PLACED];

    lua_rawgeti(L, 3, (int) i);
    if (!lua_istable(L, -1)) {
        lwms_misuse(L, &in_options,
                    "%s: %s; give a table such as { session_id = 1, user_name = \"alice\" }",
                    lwms_place(where, "sessions", i), lwms_kind(L, -1));
    }
    read_entry(L, &in_options, "sessions", i, lua_gettop(L), entry);
    lua_pop(L, 1);
}

/* Closes a host that could not be filled, so that its name is free again at once, and raises. */
static void give_up(lua_State *L, struct host *box, size_t i, int error)
{
    char where[PLACED], complaint[COMPLAINT];

    lua_pushstring(L, error == WMS_E_INVALID ? lwms_complaint(lwms_state_here(L), complaint)
                                             : wms_error_text(error));
    wms_memory_close(box->memory);
    box->memory = wms_memory_unref(box->memory);
    lwms_misuse(L, &in_options, "%s: %s", lwms_place(where, "sessions", i), lua_tostring(L, -1));
}

int lwms_memory_new(lua_State *L)
{
    static const struct lwms_call call = {"memory", 1, NULL};
    struct wms_memory_options options = {.relock_after = -1};
    struct lwms_state *state = lwms_state_here(L);
    size_t count = 0;
    struct entry entry;

    lua_settop(L, 3);
    lua_pushnil(L);
    lua_replace(L, 3);
    const char *name = lwms_need_text(L, &call, "name", 1, "the host's name, such as \"lab\"");
    if (lua_istable(L, 2)) {
        read_options(L, &options);
    } else if (!lua_isnil(L, 2)) {
        lwms_misuse(L, &in_options, "%s; give a table of options, or nothing", lwms_kind(L, 2));
    }
    if (lua_istable(L, 3)) {
        count = lwms_need_list(L, &in_options, "sessions", 3);
    }
    for (size_t i = 1; i <= count; i++) {
        read_listed(L, i, &entry);
    }

    struct host *box = lua_newuserdata(L, sizeof *box);
    int handle = lua_gettop(L);
    box->memory = NULL;
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_setuservalue(L, handle);
    lwms_anchor(L, A_MEMORY);
    lua_setmetatable(L, handle);
    int error = wms_memory_new(state->engine, name, &options, &box->memory);
    if (error) {
        return answer(L, &call, error);
    }
    for (size_t i = 1; i <= count; i++) {
        read_listed(L, i,
                    &entry); /* again: the first time was to raise errors before the host is made */
        error = wms_memory_open(box->memory, &entry.session, entry.relock_after);
        if (error) {
            give_up(L, box, i, error);
        }
    }
    lua_settop(L, handle);
    return 1;
}
