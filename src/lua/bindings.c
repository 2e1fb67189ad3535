/* bindings.c - the bindings that there are, and a script's own store for them. */
#include <stdio.h>
#include <string.h>

#include <wms/provider.h>
#include "lua/binding.h"

enum { NAME_SIZE = 300 };

/* The store's functions, in the table behind A_STORE. */
enum store { LOAD = 1, SAVE, REMOVE, LIST };
static const char *const functions[] = {[LOAD] = "load", [SAVE] = "save", [REMOVE] = "remove", [LIST] = "list"};

/* Pushes one of them. */
static void push_function(lua_State *L, enum store function)
{
    lwms_anchor(L, A_STORE);
    lua_rawgeti(L, -1, function);
    lua_remove(L, -2);
}

/* ---- the store -------------------------------------------------------------------------------------------------- */

void lwms_store_check(lua_State *L, const struct call *call, int index)
{
    char where[PLACED];

    if (lua_isboolean(L, index) && !lua_toboolean(L, index)) {
        return;
    }
    if (!lua_istable(L, index)) {
        lwms_misuse(L, call, "store: %s; give a table of functions: load, save, remove and list; or false for files",
                    lwms_kind(L, index));
    }
    for (int i = LOAD; i <= LIST; i++) {
        snprintf(where, sizeof where, "store.%s", functions[i]);
        lua_pushstring(L, functions[i]);
        lua_rawget(L, index);
        lwms_need_function(L, call, where, lua_gettop(L), false);
        lua_pop(L, 1);
    }
}

int lwms_store_set(lua_State *L, struct state *state, int index)
{
    bool stores = lua_istable(L, index);

    if (stores) {
        lua_createtable(L, LIST, 0);
        for (int i = LOAD; i <= LIST; i++) {
            lua_pushstring(L, functions[i]);
            lua_rawget(L, index);
            lua_rawseti(L, -2, i);
        }
    } else {
        lua_pushnil(L);
    }
    int error = wms_engine_binding_folder(state->engine, stores ? NULL : "");
    if (!error) {
        lua_rawseti(L, lua_upvalueindex(UP_ANCHORS), A_STORE);
        state->stores = stores;
        lwms_store_clear(state);
    }
    return error;
}

/* The store's answer for the binding of `name` is on top of the stack: text, or nil. */
static void put(lua_State *L, struct state *state, const char *name)
{
    char complaint[COMPLAINT];
    size_t size = 0;

    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING) {
        luaL_error(L, "store.load returned %s for '%s'; return what store.save was given, or nil", lwms_kind(L, -1), name);
    }
    const char *text = lua_tolstring(L, -1, &size);
    int error = wms_engine_binding_put(state->engine, name, text, size);
    if (error == WMS_E_INVALID) {
        luaL_error(L, "store.load for '%s': %s", name, lwms_complaint(state, complaint));
    }
    if (error) {
        lwms_raise(L, error);
    }
}

/* Asks the store for the binding of `name`, which is not one of Lua's strings. */
static void load(lua_State *L, struct state *state, const char *name)
{
    push_function(L, LOAD);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (state->stores) { /* else the function has done away with it */
        put(L, state, name);
    }
    lua_pop(L, 1);
}

static bool is_bound(const struct state *state, const char *server)
{
    char name[32];

    if (wms_engine_provider_for(state->engine, server, name, sizeof name) != 1) {
        return false;
    }
    const struct wms_provider *provider = wms_engine_registered(state->engine, name);
    return provider && provider->can & 1u << WMS_BIND;
}

void lwms_store_load(lua_State *L, struct state *state, const char *server)
{
    char name[NAME_SIZE];

    if (state->stores && is_bound(state, server) &&
        wms_engine_binding_name(state->engine, server, name, sizeof name) == 0) {
        luaL_checkstack(L, LUA_MINSTACK, "wms");
        load(L, state, name);
    }
}

/* ---- what it is told -------------------------------------------------------------------------------------------- */

/* A binding that has been made: a copy, since the engine's may go with the next allocation in Lua. */
struct saving {
    size_t size, text; /* of the whole; where the text begins */
    char data[];       /* server and text */
};

void lwms_store_clear(struct state *state)
{
    if (state->saving) {
        explicit_bzero(state->saving, state->saving->size);
        state->alloc.resize(state->alloc.data, state->saving, 0);
        state->saving = NULL;
    }
}

/* The next binding to be told of.  Without memory for it, it is lost, as when the script's function fails. */
static struct saving *next_saving(lua_State *L, struct state *state)
{
    const char *server, *text;
    size_t size;

    if (!state->saving && wms_engine_binding_next(state->engine, &server, &text, &size) == 1) {
        size_t length = strlen(server) + 1, whole = sizeof(struct saving) + length + size;
        struct saving *saving = state->alloc.resize(state->alloc.data, NULL, whole);
        if (!saving) {
            lwms_raise(L, WMS_E_NO_MEMORY);
        }
        *saving = (struct saving){.size = whole, .text = length};
        memcpy(saving->data, server, length);
        memcpy(saving->data + length, text, size);
        state->saving = saving;
    }
    return state->saving;
}

void lwms_store_save(lua_State *L, struct state *state)
{
    const struct saving *saving;

    while (state->stores && (saving = next_saving(L, state))) {
        push_function(L, SAVE);
        lua_pushstring(L, saving->data);
        lua_pushlstring(L, saving->data + saving->text, saving->size - sizeof *saving - saving->text);
        lwms_store_clear(state);
        lua_call(L, 2, 0);
    }
}

/* ---- wms.bindings, wms.unbind ----------------------------------------------------------------------------------- */

static int fail(lua_State *L, struct state *state, int error, const char *server)
{
    char complaint[COMPLAINT];
    const char *text = error == WMS_E_NOT_BOUND || error == WMS_E_NO_MEMORY || error == WMS_E_BUSY
                           ? wms_error_text(error)
                           : lwms_complaint(state, complaint);

    if (!server) {
        return lwms_push_failure(L, error, text);
    }
    lua_pushfstring(L, "%s: %s", server, text);
    lwms_push_failure(L, error, lua_tostring(L, -1));
    lua_pushstring(L, server);
    lua_setfield(L, -2, "server");
    return 3;
}

/* Loads what the store lists; leaves a table on the stack whose keys are the servers' names. */
static void load_all(lua_State *L, struct state *state)
{
    static const struct call call = {"bindings", 1, NULL};
    char name[NAME_SIZE];

    lua_createtable(L, 0, 8);
    int names = lua_gettop(L);
    push_function(L, LIST);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1)) {
        luaL_error(L, "store.list returned %s; return a list of what store.save was given as server", lwms_kind(L, -1));
    }
    size_t count = lwms_need_list(L, &call, "store.list", names + 1);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, names + 1, (int) i);
        if (!lwms_is_text(L, -1) || wms_engine_binding_name(state->engine, lua_tostring(L, -1), name, sizeof name)) {
            luaL_error(L, "store.list returned an item that is no server; return what store.save was given");
        }
        lua_pop(L, 1);
        load(L, state, name);
        lua_pushstring(L, name);
        lua_pushboolean(L, 1);
        lua_rawset(L, names);
    }
    lua_settop(L, names);
}

/* The engine's list, so that it goes whatever happens. */
struct list {
    wms_engine *engine;
    wms_value *value;
};

static int list_gc(lua_State *L)
{
    struct list *list = lua_touserdata(L, 1);

    if (list->engine) {
        wms_value_free(list->engine, list->value);
        list->engine = wms_engine_unref(list->engine);
    }
    return 0;
}

const luaL_Reg lwms_list_own[] = {{"__gc", list_gc}, {NULL, NULL}};

static struct list *new_list(lua_State *L, struct state *state)
{
    struct list *list = lua_newuserdata(L, sizeof *list);

    *list = (struct list){0};
    lwms_anchor(L, A_LIST);
    lua_setmetatable(L, -2);
    list->engine = wms_engine_ref(state->engine);
    return list;
}

/* Pushes those bindings whose servers are keys of the table at `names` (0: all). */
static void push_list(lua_State *L, const wms_value *list, int names)
{
    int count = 0;

    lua_createtable(L, 0, 0);
    for (size_t i = 0; i < list->size; i++) {
        lwms_push_value(L, wms_value_field(&list->items[i], "server"));
        if (names) {
            lua_rawget(L, names);
        }
        bool listed = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (listed) {
            lwms_push_value(L, &list->items[i]);
            lua_rawseti(L, -2, ++count);
        }
    }
}

int lwms_bindings(lua_State *L)
{
    struct state *state = lwms_state_here(L);
    int names = 0;

    lua_settop(L, 0);
    if (state->stores) {
        load_all(L, state);
        names = 1;
    }
    struct list *list = new_list(L, state);
    int error = wms_bindings(list->engine, &list->value);
    if (error) {
        return fail(L, state, error, NULL);
    }
    push_list(L, list->value, names);
    return 1;
}

int lwms_unbind(lua_State *L)
{
    static const struct call call = {"unbind", 1, NULL};
    struct state *state = lwms_state_here(L);
    char name[NAME_SIZE], complaint[COMPLAINT];
    struct options options;

    lua_settop(L, 1);
    lwms_options_begin(L, &options, state, 0);
    lwms_options_read(L, &call, 1, BIT(SERVER) | BIT(COMPUTER_NAME), &options);
    int index = options.base + SLOT_SERVER;
    if (lua_type(L, index) != LUA_TSTRING) {
        lwms_misuse(L, &call, "server: %s; give the address of one server", lua_istable(L, index) ? "a list" : "missing");
    }
    state->missing[0] = '\0';
    lwms_provider_for(L, state, lua_tostring(L, index)); /* its port belongs to the name */
    int error = wms_engine_binding_name(state->engine, lua_tostring(L, index), name, sizeof name);
    if (error == WMS_E_INVALID) {
        lwms_misuse(L, &call, "%s", lwms_complaint(state, complaint));
    }
    error = error ? error : wms_unbind(state->engine, name);
    if (error) {
        return fail(L, state, error, lua_tostring(L, index));
    }
    if (state->stores) {
        push_function(L, REMOVE);
        lua_pushstring(L, name);
        lua_call(L, 1, 0);
    }
    lua_pushboolean(L, 1);
    return 1;
}
