/* SPDX-License-Identifier: MIT */
/* command.c - the commands (unlock, lock, disconnect, close, message, their _all, sessions, call,
 * bind, reboot, power_off, wake) and start: makes a request from options. */
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"

/* ---- from options to a request --------------------------------------------------------------- */

static void check_presence(lua_State *L, const struct lwms_call *call,
                           const struct options *options)
{
    const struct lwms_command *command = call->command;
    options_set any = options->given | options->preset;

    if (command->verb == WMS_BIND && (any & (BIT(FINGERPRINT) | BIT(FINGERPRINTS))) &&
        !(any & (BIT(PASSWORD) | BIT(KEY_NAME)))) {
        lwms_misuse(L, call, "password: missing; give a string, or a function that asks for it");
    }
    if (command->traits & WMS_ON_SERVER) {
        return; /* the engine checks the rest */
    }
    if (!command->all && !(command->traits & WMS_IS_QUERY) && !(any & ANY_IDS)) {
        lwms_misuse(L, call,
                    "session_ids: missing; give one id or a list of ids, or call '%s_all' for "
                    "every session",
                    command->name);
    }
    if (command->all && (command->traits & WMS_ENDS_SESSION) && !(any & ANY_SERVER)) {
        lwms_misuse(
            L, call,
            "server: missing, and '%s' does not guess it; give one, \"localhost\" for this machine",
            command->name);
    }
}

static void fill(wms_command *command, const struct lwms_command *what,
                 const struct options *options)
{
    unsigned traits = what->traits;

    wms_command_init(command, what->verb);
    command->all = what->all;
    command->timeout = options->timeout;
    command->deadline = options->deadline;
    command->concurrency = options->concurrency;
    command->management = options->management;
    command->events_port = options->events_port;
    command->stop_on_error = options->stop_on_error;
    if (lwms_is_call(what)) {
        return;
    }
    command->choose = options->given & (BIT(WHERE) | BIT(EXCEPT));
    command->some = options->given & BIT(WHERE);
    command->activity = options->activity;
    command->thumbnail_size = options->thumbnail_size;
    if ((traits & WMS_REPEATABLE) || (options->given & BIT(RETRIES))) {
        command->retries = options->retries;
    }
    if (!(traits & WMS_IS_QUERY)) {
        command->what_if = options->what_if;
        if ((traits & WMS_VERIFIES) || (options->given & BIT(VERIFY))) {
            command->verify = options->verify;
        }
        if ((traits & WMS_CHANGES_LOCK) || (options->given & BIT(STABLE))) {
            command->stable = options->stable;
        }
    }
}

/* The options of the call at `index`, its last argument; the defaults are those of the client at
 * `client` (0: none). */
static void read_options(lua_State *L, const struct lwms_call *call, int client, int index,
                         struct options *options)
{
    lwms_no_more(L, call, index);
    lua_settop(L, index);
    lwms_options_begin(L, options, lwms_state_here(L), client);
    lwms_options_read(L, call, index, lwms_options_of(call->command), options);
}

static void prepare(lua_State *L, struct lwms_request *box, const struct lwms_call *call,
                    const struct options *options)
{
    box->command = call->command;
    box->told = 0;
    box->follow = lua_isfunction(L, options->base + SLOT_ON_OUTCOME);
    box->ask = lua_isfunction(L, options->base + SLOT_ALLOW);
    box->choose =
        !lua_isnil(L, options->base + SLOT_WHERE) || !lua_isnil(L, options->base + SLOT_EXCEPT);
}

/* The box that blocking calls share, or a new one if that is in use.  It is in use if a callback or
 * a finalizer makes this call while another one is on the C stack (which keeps its box on its Lua
 * stack), or if an error has ended an earlier call (the garbage collector frees its box).  A new
 * one is also needed if the box has been finalized: when a state is closed, that may come before a
 * script's last finalizer. */
static struct lwms_request *common_box(lua_State *L, const struct lwms_call *call,
                                       const struct options *options)
{
    lwms_anchor(L, A_BOX);
    struct lwms_request *box = lua_touserdata(L, -1);
    if (!box || box->request || box->closed) {
        lua_pop(L, 1);
        box = lwms_request_new(L);
        box->blocking = true;
        lua_pushvalue(L, -1);
        lua_rawseti(L, lua_upvalueindex(UP_ANCHORS), A_BOX);
    }
    prepare(L, box, call, options);
    return box;
}

static struct lwms_request *own_box(lua_State *L, const struct lwms_call *call,
                                    const struct options *options)
{
    struct lwms_request *box = lwms_request_new(L);

    prepare(L, box, call, options);
    if (lwms_has_callbacks(box)) {
        lua_createtable(L, CALLBACKS, 0);
        for (int i = 0; i < CALLBACKS; i++) {
            lua_pushvalue(L, options->base + SLOT_CALLBACKS + i);
            lua_rawseti(L, -2, i + 1);
        }
        lua_setuservalue(L, -2);
    }
    return box;
}

/* The fingerprints of a tree of strings by server. */
static size_t read_pins(const wms_value *tree, wms_pin *pins)
{
    size_t count = tree && pins ? tree->size : 0;

    for (size_t i = 0; i < count; i++) {
        pins[i] = (wms_pin){.server = tree->items[i].name, .fingerprint = tree->items[i].text};
    }
    return count;
}

/* Raises the engine's complaint, with the name that the script has used for the option. */
static void complain(lua_State *L, const struct lwms_call *call, const struct options *options,
                     const char *complaint)
{
    static const char warn[] = "warn_";

    lwms_misuse_renamed(L, call, complaint, "server",
                        options->given & ANY_SERVER ? options->server_name : NULL);
    lwms_misuse_renamed(L, call, complaint, "session_ids",
                        options->given & ANY_IDS ? options->ids_name : NULL);
    if (strncmp(complaint, warn, sizeof warn - 1) == 0) {
        lwms_misuse(L, call, "warn: %s", complaint + sizeof warn - 1);
    }
    lwms_misuse(L, call, "%s", complaint);
}

/* Starts the command.  Its box is on top of the stack then; returns 0 or an error. */
static int begin(lua_State *L, const struct lwms_call *call, const struct options *options,
                 bool blocking, struct lwms_request **ret_box)
{
    struct lwms_state *state = lwms_state_here(L);
    struct servers servers = {.count = 0, .list = NULL};
    struct ids ids = {.count = 0, .own = false};
    struct tree arguments, fingerprints;
    wms_pin *pins = NULL;
    wms_command command;

    state->missing[0] = '\0';
    check_presence(L, call, options);
    if (!lua_isnil(L, options->base + SLOT_EVENTS_HOST_NAME)) {
        lwms_bindings_load(L, call, state); /* one of them may have the key that is to be shared */
    }
    if ((options->given & (BIT(WHERE) | BIT(EXCEPT))) && (options->given & ANY_IDS)) {
        lwms_misuse(L, call, "%s: given beside %s; give one of them",
                    options->given & BIT(WHERE) ? "where" : "except", options->ids_name);
    }
    fill(&command, call->command, options);
    if (options->given & ANY_IDS) {
        lwms_ids_begin(L, call, options->ids_name, options->base + SLOT_IDS, &ids);
    }
    if (!ids.objects) {
        lwms_servers_begin(L, call, options->server_name, options->base + SLOT_SERVER, &servers);
    }
    if (lwms_is_call(call->command)) {
        lwms_tree_begin(L, call, "arguments", options->base + SLOT_ARGUMENTS, &arguments);
        lwms_tree_begin(L, call, "fingerprints", options->base + SLOT_FINGERPRINTS, &fingerprints);
        pins = lua_newuserdata(L, (fingerprints.count + 1) * sizeof *pins);
    }
    struct lwms_request *box = blocking ? common_box(L, call, options) : own_box(L, call, options);

    /* From here on nothing is allocated in Lua, so that no finalizer can free what the pointers
     * point to. */
    if (ids.count || ids.own) {
        lwms_ids_read(L, call, &ids, &command);
        if (ids.objects && (options->given & ANY_SERVER)) {
            lwms_misuse(L, call, "%s: given beside sessions, which bring their own; leave it out",
                        options->server_name);
        }
    }
    if (!ids.objects) {
        lwms_servers_read(L, call, &servers, &command);
    }
    if (lwms_is_call(call->command)) {
        command.arguments = lwms_tree_read(L, call, &arguments);
        command.pin_count = read_pins(lwms_tree_read(L, call, &fingerprints), pins);
        command.pins = pins;
    }
    lwms_options_texts(L, options, &command);
    command.warn_message = lua_tostring(L, options->base + SLOT_WARN_MESSAGE);
    command.warn_title = lua_tostring(L, options->base + SLOT_WARN_TITLE);
    command.events_host_name = lua_tostring(L, options->base + SLOT_EVENTS_HOST_NAME);
    command.events_address = lua_tostring(L, options->base + SLOT_EVENTS_ADDRESS);
    command.warn_seconds = options->warn_seconds;
    command.password = lua_tostring(L, options->base + SLOT_PASSWORD); /* NULL for a function */
    command.follow = box->follow;
    command.ask = box->ask;
    box->several = servers.room != NULL;
    int error = wms_start(state->engine, &command, &box->request);
    lwms_servers_end(&servers);
    if (error == WMS_E_INVALID) {
        char complaint[COMPLAINT];
        complain(L, call, options, lwms_complaint(state, complaint));
    }
    *ret_box = box;
    return error;
}

/* ---- blocking calls -------------------------------------------------------------------------- */

/* `client` is the index of the client (0: none); the argument is behind it. */
static int run(lua_State *L, int client)
{
    const struct lwms_command *command =
        &lwms_commands[lua_tointeger(L, lua_upvalueindex(UP_COMMAND))];
    const struct lwms_call call = {command->name, 1, command};
    struct lwms_request *box;
    struct options options;

    read_options(L, &call, client, client + 1, &options);
    int code = begin(L, &call, &options, true, &box);
    if (!code) {
        code = lwms_request_run(L, box, lua_gettop(L), options.base + SLOT_CALLBACKS, -1);
    }
    int count = code < 0 ? lwms_push_no_result(L, code, wms_error_text(code), command)
                         : lwms_push_result(L, box->request, command, box->several);
    lwms_request_let_go(box);
    return count;
}

int lwms_command_run(lua_State *L)
{
    return run(L, 0);
}

int lwms_command_method(lua_State *L)
{
    lwms_self_here(L, A_CLIENT, "client",
                   lwms_commands[lua_tointeger(L, lua_upvalueindex(UP_COMMAND))].name);
    return run(L, 1);
}

/* ---- start ----------------------------------------------------------------------------------- */

/* What `start` takes, for messages. */
static const char *push_names(lua_State *L)
{
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    lwms_commands_add(&text);
    luaL_pushresult(&text);
    return lua_tostring(L, -1);
}

static const struct lwms_command *need_command(lua_State *L, int index)
{
    static const struct lwms_call call = {"start", 1, NULL};
    char name[CLIPPED];

    if (lua_type(L, index) != LUA_TSTRING) {
        lwms_misuse(L, &call, "verb: %s; give a string: %s", lwms_kind(L, index), push_names(L));
    }
    const struct lwms_command *command = lwms_command_find(lua_tostring(L, index));
    if (!command) {
        lwms_misuse(L, &call, "verb: '%s' is no command; give one of %s", lwms_clip(L, index, name),
                    push_names(L));
    }
    return command;
}

static int start(lua_State *L, int client)
{
    const struct lwms_command *command = need_command(L, client + 1);
    const struct lwms_call call = {"start", 2, command};
    struct lwms_request *box;
    struct options options;

    read_options(L, &call, client, client + 2, &options);
    int error = begin(L, &call, &options, false, &box);
    return error ? lwms_push_no_result(L, error, wms_error_text(error), command) : 1;
}

int lwms_command_start(lua_State *L)
{
    return start(L, 0);
}

int lwms_command_start_method(lua_State *L)
{
    lwms_self_here(L, A_CLIENT, "client", "start");
    return start(L, 1);
}
