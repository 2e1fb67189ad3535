/* SPDX-License-Identifier: MIT */
/* module.c - the table that `require "wms"` returns, and what belongs to a Lua state. */
#include <wms/lua.h>

#include <string.h>

#include "lua/lwms.h"
#include <wms/memory.h>
#include <wms/provider.h>

/* ---- the state ------------------------------------------------------------------------------- */

static int state_gc(lua_State *L)
{
    struct lwms_state *state = lua_touserdata(L, 1);

    if (state->engine) {
        lwms_log_set(state, false);
        lwms_log_clear(state);
        lwms_store_clear(state);
        lwms_alarm_clear(state);
        state->engine = wms_engine_unref(state->engine);
    }
    return 0;
}

/* ---- functions and metatables ---------------------------------------------------------------- */

/* The commands, as functions of the table on top of the stack. */
static void set_commands(lua_State *L, lua_CFunction function, int state, int anchors)
{
    for (int i = 0; i < COMMANDS; i++) {
        if (!lwms_commands[i].name) {
            continue;
        }
        lua_pushstring(L, lwms_commands[i].name);
        lua_pushvalue(L, state);
        lua_pushvalue(L, anchors);
        lua_pushinteger(L, i);
        lua_pushcclosure(L, function, 3);
        lua_rawset(L, -3);
    }
}

/* ---- wms.configure --------------------------------------------------------------------------- */

static void keep_function(lua_State *L, int index, enum anchor what)
{
    if (lua_toboolean(L, index)) {
        lua_pushvalue(L, index);
    } else {
        lua_pushnil(L);
    }
    lua_rawseti(L, lua_upvalueindex(UP_ANCHORS), what);
}

/* The option's words, which stay its value's; NULL for false.  Pushes one value. */
static const char *const *push_words(lua_State *L, const struct lwms_call *call, int index)
{
    bool list = lua_istable(L, index);
    size_t count = list ? lwms_need_list(L, call, "ssh_command", index) : 1;
    const char **words = lua_newuserdata(L, (count + 1) * sizeof *words);

    words[0] = list ? NULL : lua_tostring(L, index);
    for (size_t i = 0; list && i < count; i++) {
        lua_rawgeti(L, index, (int) i + 1);
        words[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    words[count] = NULL;
    return lua_toboolean(L, index) ? words : NULL;
}

/* Raises what the engine has answered to a setting. */
static void refuse(lua_State *L, const struct lwms_call *call, const struct lwms_state *state,
                   int error)
{
    char complaint[COMPLAINT];

    if (error == WMS_E_INVALID) {
        lwms_misuse(L, call, "%s", lwms_complaint(state, complaint));
    }
    lwms_raise(L, error);
}

/* The settings that the engine may refuse: all of them, or none. */
static void set_engine(lua_State *L, const struct lwms_call *call, struct lwms_state *state,
                       struct options *options)
{
    static const options_set transport =
        BIT(CONNECTIONS) | BIT(ANSWER_SIZE) | BIT(PROXY) | BIT(SSH_COMMAND) | BIT(NATS);
    const wms_value *groups;
    struct tree tree;
    struct cards cards;
    int error;

    lwms_tree_begin(L, call, "groups", options->base + SLOT_GROUPS, &tree);
    lwms_cards_begin(L, call, options->base + SLOT_WAKE, &cards);
    const char *const *words = push_words(L, call, options->base + SLOT_SSH_COMMAND);
    const wms_nats *nats = lwms_nats_read(L, options->base + SLOT_NATS);
    /* From here on nothing is allocated in Lua, so that what the pointers point to stays. */
    if (options->given & BIT(SSH_COMMAND)) {
        options->transport.ssh_command = words;
    }
    if (options->given & BIT(NATS)) { /* NULL for false */
        options->transport.nats = nats;
    }
    if (options->given & BIT(PROXY)) { /* NULL for false */
        options->transport.proxy = lua_tostring(L, options->base + SLOT_PROXY);
    }
    groups = lwms_tree_read(L, call, &tree);
    error = wms_engine_transport_check(state->engine, &options->transport);
    if (!error && (options->given & BIT(GROUPS))) {
        error = wms_engine_groups_check(state->engine, groups);
    }
    if (!error && (options->given & BIT(WAKE))) { /* all is right now, if the cards are */
        error = lwms_cards_set(L, state, &cards);
    }
    if (!error && (options->given & BIT(GROUPS))) {
        error = wms_engine_groups(state->engine, groups);
    }
    if (!error && (options->given & transport)) {
        error = wms_engine_transport(state->engine, &options->transport);
    }
    if (error) {
        refuse(L, call, state, error);
    }
    lua_pop(L, 4);
}

static int configure(lua_State *L)
{
    static const struct lwms_call call = {"configure", 1, NULL};
    struct lwms_state *state = lwms_state_here(L);
    struct options options;

    if (!lua_istable(L, 1)) {
        lwms_misuse(L, &call, "%s; give a table of options", lwms_kind(L, 1));
    }
    lwms_no_more(L, &call, 1);
    lua_settop(L, 1);
    lwms_options_begin(L, &options, state, 0);
    options.transport = *wms_engine_services()->transport(state->engine);
    lwms_options_read(L, &call, 1, lwms_options_for(FOR_CONFIGURE), &options);
    set_engine(L, &call, state, &options);
    if (options.given & BIT(STORE)) {
        int error = lwms_store_set(L, state, options.base + SLOT_STORE);
        if (error) {
            lwms_raise(L, error);
        }
    }
    state->timeout = options.timeout;
    state->deadline = options.deadline;
    state->concurrency = options.concurrency;
    if (options.given & BIT(ALLOW)) {
        keep_function(L, options.base + SLOT_ALLOW, A_ALLOW);
    }
    if (options.given & BIT(LOG)) {
        keep_function(L, options.base + SLOT_LOG, A_LOG);
        lwms_log_set(state, lua_toboolean(L, options.base + SLOT_LOG));
    }
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

static const luaL_Reg functions[] = {
    {"start", lwms_command_start},
    {"new", lwms_client_new},
    {"configure", configure},
    {"load", lwms_provider_load},
    {"memory", lwms_memory_new},
    {"bindings", lwms_bindings},
    {"unbind", lwms_unbind},
    {"driver", lwms_driver_new},
    {"servers", lwms_servers},
    {"watch", lwms_watch_new},
    {NULL, NULL},
};
static const luaL_Reg state_own[] = {{"__gc", state_gc}, {NULL, NULL}};
static const luaL_Reg error_own[] = {{"__tostring", lwms_error_tostring}, {NULL, NULL}};

static void set_anchor_string(lua_State *L, int anchors, enum anchor what, const char *text)
{
    lua_pushstring(L, text);
    lua_rawseti(L, anchors, what);
}

/* Fills the anchors at `anchors`, for the state at `state`. */
static void fill_anchors(lua_State *L, int state, int anchors)
{
    lwms_make_metatable(L, "wms.request", lwms_request_own, lwms_request_methods, state, anchors);
    lua_rawseti(L, anchors, A_REQUEST);

    lwms_make_metatable(L, "wms.watch", lwms_watch_own, lwms_watch_methods, state, anchors);
    lua_rawseti(L, anchors, A_WATCH);

    lwms_make_metatable(L, "wms.client", lwms_client_own, lwms_client_methods, state, anchors);
    lua_getfield(L, -1, "__index");
    set_commands(L, lwms_command_method, state, anchors);
    lua_pop(L, 1);
    lua_rawseti(L, anchors, A_CLIENT);

    lwms_make_metatable(L, "wms.driver", lwms_driver_own, lwms_driver_methods, state, anchors);
    lua_rawseti(L, anchors, A_DRIVER);
    lua_newuserdata(L, 1);
    lua_rawgeti(L, anchors, A_DRIVER);
    lua_setmetatable(L, -2);
    lua_rawseti(L, anchors, A_DRIVER_OBJECT);
    lua_newtable(L);
    lua_rawseti(L, anchors, A_WATCHED);

    lwms_make_metatable(L, "wms.statefile", lwms_statefile_own, lwms_statefile_methods, state,
                        anchors);
    lua_rawseti(L, anchors, A_STATEFILE);
    lwms_make_metatable(L, "wms.memory", lwms_memory_own, lwms_memory_methods, state, anchors);
    lua_rawseti(L, anchors, A_MEMORY);
    lwms_make_metatable(L, "wms.list", lwms_list_own, NULL, state, anchors);
    lua_rawseti(L, anchors, A_LIST);
    lwms_make_metatable(L, "wms.error", error_own, NULL, state, anchors);
    lua_rawseti(L, anchors, A_ERROR);

    lwms_options_names(L);
    lua_rawseti(L, anchors, A_OPTIONS);
    lwms_memory_names(L);
    lua_rawseti(L, anchors, A_PROPERTIES);
    set_anchor_string(L, anchors, A_SESSION_ID, "session_id");
    set_anchor_string(L, anchors, A_SERVER, "server");
    set_anchor_string(L, anchors, A_USER_NAME, "user_name");
    set_anchor_string(L, anchors, A_IDENTITY, "identity");
    set_anchor_string(L, anchors, A_OUTCOME_STATE, "state");
    set_anchor_string(L, anchors, A_OUTCOME_ERROR, "error");
    set_anchor_string(L, anchors, A_OUTCOME_PARTIAL, "partial");

    lua_pushvalue(L, state);
    lua_pushvalue(L, anchors);
    lua_pushcclosure(L, lwms_callbacks_deliver, 2);
    lua_rawseti(L, anchors, A_DELIVER);
    lua_pushvalue(L, state);
    lua_rawseti(L, anchors, A_STATE);
}

static struct lwms_state *new_state(lua_State *L, const struct wms_alloc *alloc)
{
    struct lwms_state *state = lua_newuserdata(L, sizeof *state);
    wms_command defaults;

    memset(state, 0, sizeof *state);
    queue_init(&state->lines);
    wms_command_init(&defaults, WMS_UNLOCK);
    state->timeout = defaults.timeout;
    state->deadline = defaults.deadline;
    state->concurrency = defaults.concurrency;
    lwms_make_metatable(L, "wms", state_own, NULL, lua_gettop(L), lua_gettop(L));
    lua_setmetatable(L, -2);

    int error = wms_engine_new(alloc, &state->engine);
    if (!error) {
        /* A Lua module finds its providers along package.cpath instead: see provider.c. */
        error = wms_engine_module_folder(state->engine, NULL);
    }
    if (!error) {
        error = wms_memory_register(state->engine);
    }
    if (error) {
        lwms_raise(L, error);
    }
    return state;
}

int wms_lua_open(lua_State *L, const struct wms_alloc *alloc)
{
    luaL_checkstack(L, LUA_MINSTACK, "or out of memory");
    lwms_push_key(L);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, A_MODULE);
        lua_remove(L, -2);
        return 1;
    }
    lua_pop(L, 1);

    new_state(L, alloc);
    int state = lua_gettop(L);
    lua_createtable(L, ANCHORS, 0);
    int anchors = lua_gettop(L);
    fill_anchors(L, state, anchors);

    lua_createtable(L, 0, COMMANDS + (int) (sizeof functions / sizeof *functions));
    lwms_set_functions(L, functions, state, anchors);
    set_commands(L, lwms_command_run, state, anchors);
    lua_pushliteral(L, WMS_VERSION);
    lua_setfield(L, -2, "_VERSION");
    lua_pushvalue(L, -1);
    lua_rawseti(L, anchors, A_MODULE);

    lwms_system_preload(L, state, anchors);
    lwms_push_key(L);
    lua_pushvalue(L, anchors);
    lua_rawset(L, LUA_REGISTRYINDEX);
    lua_replace(L, state);
    lua_settop(L, state);
    return 1;
}

int luaopen_wms(lua_State *L)
{
    return wms_lua_open(L, NULL);
}

wms_engine *wms_lua_engine(lua_State *L)
{
    struct lwms_state *state = NULL;

    luaL_checkstack(L, 2, "or out of memory");
    lwms_push_key(L);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, A_STATE);
        state = lua_touserdata(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return state ? state->engine : NULL;
}
