/* SPDX-License-Identifier: MIT */
/* options.c - the table of options that every function takes. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lua/lwms.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const names[] = {
#define X(option, name, takers) name,
    OPTIONS(X)
#undef X
};

void lwms_options_names(lua_State *L)
{
    lua_createtable(L, 0, OPTION_COUNT);
    for (int i = 0; i < OPTION_COUNT; i++) {
        lua_pushstring(L, names[i]);
        lua_pushinteger(L, i + 1);
        lua_rawset(L, -3);
    }
}

const struct options *lwms_client_options(lua_State *L, int index)
{
    return lua_touserdata(L, index);
}

options_set lwms_options_for(uint64_t takers)
{
    static const uint64_t rows[] = {
#define X(option, name, all) all,
        OPTIONS(X)
#undef X
    };
    options_set set = 0;

    for (int i = 0; i < OPTION_COUNT; i++) {
        set |= rows[i] & takers ? UINT64_C(1) << i : 0;
    }
    return set;
}

options_set lwms_options_of(const struct lwms_command *command)
{
    unsigned traits = command->traits;
    uint64_t takers =
        FOR_ALONE(command->verb) | (lwms_is_call(command)     ? FOR_SERVER
                                    : traits & WMS_ON_SERVERS ? FOR_SERVER | FOR_SERVERS
                                                              : FOR_SESSIONS);

    if (traits & WMS_TAKES_MESSAGE) {
        takers |= FOR_MESSAGE;
    }
    if (!(traits & WMS_ON_SERVER)) {
        takers |= (command->all ? 0 : FOR_NAMED) |
                  (command->all || (traits & WMS_IS_QUERY) ? FOR_CHOOSING : 0);
    }
    return lwms_options_for(takers);
}

void lwms_options_begin(lua_State *L, struct options *options, const struct lwms_state *state,
                        int client)
{
    static const struct options none = {
        .verify = -1, .stable = -1, .deadline = -1, .thumbnail_size = WMS_THUMBNAIL_MEDIUM};
    int base = lua_gettop(L) + 1;

    luaL_checkstack(L, SLOTS + LUA_MINSTACK, "or out of memory");

    if (client) {
        *options = *lwms_client_options(L, client);
        options->preset = options->given;
        options->given = 0;
        lua_getuservalue(L, client);
        for (int slot = 0; slot < SLOTS; slot++) {
            lua_rawgeti(L, base, slot + 1);
        }
        lua_remove(L, base);
    } else {
        *options = none;
        lua_settop(L, base - 1 + SLOTS);
    }
    options->base = base;
    if (!(options->preset & BIT(ALLOW))) {
        lwms_anchor(L, A_ALLOW);
        lua_replace(L, base + SLOT_ALLOW);
    }
    if (!(options->preset & BIT(TIMEOUT))) {
        options->timeout = state->timeout;
    }
    if (!(options->preset & BIT(DEADLINE))) {
        options->deadline = state->deadline;
    }
    if (!(options->preset & BIT(CONCURRENCY))) {
        options->concurrency = state->concurrency;
    }
}

/* Raises for an unknown option, and says what to write instead. */
static void unknown(lua_State *L, const struct lwms_call *call, int key, options_set allowed)
{
    const struct lwms_command *command = call->command;
    char name[CLIPPED], list[384];
    int used = 0;

    if (lua_type(L, key) != LUA_TSTRING) {
        lwms_misuse(L, call,
                    "a value at the key %s; give every option its name, as in server = \"lab01\"%s",
                    lua_isboolean(L, key) ? (lua_toboolean(L, key) ? "true" : "false")
                                          : lwms_show(L, key),
                    allowed & ANY_IDS ? " or session_ids = {3, 4}" : "");
    }
    lwms_clip(L, key, name);
    if (command && !(command->traits & WMS_ON_SERVER) && strcmp(name, "all") == 0) {
        if (command->all || (command->traits & WMS_IS_QUERY)) {
            lwms_misuse(L, call,
                        "all: no such option; leave it out, since '%s'%s means every session",
                        command->name, command->all ? "" : " without session_ids");
        }
        lwms_misuse(L, call, "all: no such option; call '%s_all'", command->name);
    }
    if (command && !(command->traits & WMS_ON_SERVER) &&
        (strcmp(name, "where") == 0 || strcmp(name, "except") == 0)) {
        lwms_misuse(L, call,
                    "%s: '%s' is for sessions that are named; call '%s_all', or leave it out", name,
                    command->name, command->name);
    }
    if (command && command->all &&
        (strcmp(name, "session_ids") == 0 || strcmp(name, "session_id") == 0)) {
        lwms_misuse(L, call, "%s: '%s' is for every session; call '%s'", name, command->name,
                    wms_verb_name(command->verb));
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        bool alias = i == OPT_SESSION_ID || i == OPT_COMPUTER_NAME || i == OPT_SERVERS;
        if ((allowed & UINT64_C(1) << i) && !alias) {
            used += snprintf(list + used, sizeof list - (size_t) used, "%s%s", used ? ", " : "",
                             names[i]);
        }
    }
    lwms_misuse(L, call, "%s: no such option; use %s", name, list);
}

static void keep(lua_State *L, const struct options *options, enum slot slot)
{
    lua_pushvalue(L, -1);
    lua_replace(L, options->base + slot);
}

static void once(lua_State *L, const struct lwms_call *call, options_set others,
                 const struct options *options, const char *name, const char *other)
{
    if (options->given & others) {
        if (strcmp(name, other) > 0) { /* the message must not depend on the order of lua_next() */
            const char *first = other;
            other = name;
            name = first;
        }
        lwms_misuse(L, call, "%s: given beside %s; give one of them", name, other);
    }
}

static void check_servers(lua_State *L, const struct lwms_call *call, const char *name)
{
    static const char fix[] = "an address such as \"lab01.school.example\" or a list of them";
    int index = lua_gettop(L);
    char where[PLACED];

    if (!lua_istable(L, index)) {
        lwms_need_text(L, call, name, index, fix);
        return;
    }
    size_t count = lwms_need_list(L, call, name, index);
    if (count == 0) {
        lwms_misuse(L, call, "%s: an empty list; give %s", name, fix);
    }
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int) i);
        if (!lwms_is_text(L, -1)) {
            lwms_need_text(L, call, lwms_place(where, name, i), lua_gettop(L), fix);
        }
        lua_pop(L, 1);
    }
}

/* Options that are a text: the fix for messages, the slot, and the member of the command. */
static const struct {
    const char *fix;
    enum slot slot;
    size_t member;
} texts[OPTION_COUNT] = {
#define TEXT(option, member, fix) \
    [OPT_##option] = {fix, SLOT_##option, offsetof(wms_command, member)}
    TEXT(MESSAGE, message, "a string for the users to read"),
    TEXT(TITLE, title, "a string that stands above the message"),
    TEXT(INTERFACE, interface_name, "a string, the name of an interface of the host's"),
    TEXT(OPERATION, operation, "a string, the name of one of the interface's operations"),
    TEXT(USER_NAME, user_name, "a string, the name of an administrator of the host"),
    TEXT(FINGERPRINT, fingerprint, "a string, the SHA-256 of the host's certificate in hex"),
    TEXT(CERTIFICATE_NAME, certificate_name,
         "a string, the name that the host's certificate is made out to"),
    TEXT(THUMBPRINT, thumbprint,
         "a string, the SHA-1 of the host's certificate in hex, beside the fingerprint"),
    TEXT(KEY_NAME, key_name, "a string, the name of the authentication key"),
    TEXT(KEY_FILE, key_file, "a string, the path of the private key"),
    TEXT(GATEWAY, gateway, "a string, the URL of Veyon's WebAPI"),
#undef TEXT
};

void lwms_options_texts(lua_State *L, const struct options *options, wms_command *command)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (texts[i].fix) {
            const char *text = lua_tostring(L, options->base + texts[i].slot);
            memcpy((char *) command + texts[i].member, &text, sizeof text);
        }
    }
}

/* A table from addresses to fingerprints. */
static void check_fingerprints(lua_State *L, const struct lwms_call *call, int index)
{
    static const char fix[] =
        "a table from a host's address to the SHA-256 of its certificate in hex";
    char clipped[CLIPPED];

    if (!lua_istable(L, index)) {
        lwms_misuse(L, call, "fingerprints: %s; give %s", lwms_kind(L, index), fix);
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int key = lua_gettop(L) - 1;
        if (!lwms_is_text(L, key)) {
            lwms_misuse(L, call, "fingerprints: %s as a key; give %s", lwms_kind(L, key), fix);
        }
        if (!lwms_is_text(L, key + 1)) {
            lwms_misuse(L, call, "fingerprints: %s for %s; give %s", lwms_kind(L, key + 1),
                        lwms_clip(L, key, clipped), fix);
        }
    }
}

static void read_on_error(lua_State *L, const struct lwms_call *call, int value,
                          struct options *options)
{
    const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tostring(L, value) : "";
    char clipped[CLIPPED];

    options->stop_on_error = strcmp(text, "stop") == 0;
    if (!options->stop_on_error && strcmp(text, "continue") != 0) {
        lwms_misuse(L, call, "on_error: %s; give \"continue\" or \"stop\"",
                    lua_type(L, value) == LUA_TSTRING ? lwms_clip(L, value, clipped)
                                                      : lwms_show(L, value));
    }
}

static enum wms_thumbnail_size need_size(lua_State *L, const struct lwms_call *call, int value)
{
    static const char fix[] = "\"small\", \"medium\", \"large\" or \"full\"";
    int size = wms_thumbnail_size_from_name(lwms_need_text(L, call, "size", value, fix));
    char clipped[CLIPPED];

    if (size < 0) {
        lwms_misuse(L, call, "size: '%s'; give %s", lwms_clip(L, value, clipped), fix);
    }
    return (enum wms_thumbnail_size) size;
}

/* A program, and its first arguments. */
static void check_words(lua_State *L, const struct lwms_call *call, const char *name, int index)
{
    static const char fix[] =
        "a program, a list of a program and its arguments, or false for \"ssh\"";

    if (lua_isboolean(L, index) && !lua_toboolean(L, index)) {
        return;
    }
    if (!lua_istable(L, index)) {
        lwms_need_text(L, call, name, index, fix);
        return;
    }
    size_t count = lwms_need_list(L, call, name, index);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int) i);
        lwms_need_text(L, call, name, lua_gettop(L), fix);
        lua_pop(L, 1);
    }
}

/* The table `warn` is on top of the stack. */
static void read_warn(lua_State *L, const struct lwms_call *call, struct options *options)
{
    static const char fix[] = "a table { message = \"...\", seconds = 120 }, perhaps with a title";
    int table = lua_gettop(L);
    char name[CLIPPED];

    if (!lua_istable(L, table)) {
        lwms_misuse(L, call, "warn: %s; give %s", lwms_kind(L, table), fix);
    }
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(key, "message") == 0) {
            lwms_need_text(L, call, "warn: message", table + 2, "a string for the users to read");
            keep(L, options, SLOT_WARN_MESSAGE);
        } else if (strcmp(key, "title") == 0) {
            lwms_need_text(L, call, "warn: title", table + 2, "a string");
            keep(L, options, SLOT_WARN_TITLE);
        } else if (strcmp(key, "seconds") == 0) {
            options->warn_seconds = lwms_need_seconds(L, call, "warn: seconds", table + 2, true);
        } else {
            lwms_misuse(L, call, "warn: %s: no such field; use message, seconds, title",
                        lua_type(L, -2) == LUA_TSTRING ? lwms_clip(L, -2, name) : "a number");
        }
    }
    if (lua_isnil(L, options->base + SLOT_WARN_MESSAGE) || options->warn_seconds <= 0) {
        lwms_misuse(L, call, "warn: %s missing; give %s",
                    options->warn_seconds <= 0 ? "seconds" : "message", fix);
    }
}

/* The table `events` is on top of the stack. */
static void read_events(lua_State *L, const struct lwms_call *call, struct options *options)
{
    static const char fix[] =
        "a table { host_name = \"console.school.example\", port = 8443 }: this "
        "machine's name as the hosts reach it, and a free port of it";
    int table = lua_gettop(L);
    char name[CLIPPED];

    if (!lua_istable(L, table)) {
        lwms_misuse(L, call, "events: %s; give %s", lwms_kind(L, table), fix);
    }
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(key, "host_name") == 0) {
            lwms_need_text(L, call, "events: host_name", table + 2,
                           "a string, this machine's name as the hosts reach it");
            keep(L, options, SLOT_EVENTS_HOST_NAME);
        } else if (strcmp(key, "address") == 0) {
            lwms_need_text(L, call, "events: address", table + 2,
                           "a string, an address of this machine");
            keep(L, options, SLOT_EVENTS_ADDRESS);
        } else if (strcmp(key, "port") == 0) {
            options->events_port = lwms_need_whole(L, call, "events: port", table + 2, 1, 65535);
        } else {
            lwms_misuse(L, call, "events: %s: no such field; use host_name, port, address",
                        lua_type(L, -2) == LUA_TSTRING ? lwms_clip(L, -2, name) : "a number");
        }
    }
    if (lua_isnil(L, options->base + SLOT_EVENTS_HOST_NAME) || !options->events_port) {
        lwms_misuse(L, call, "events: %s missing; give %s",
                    options->events_port ? "host_name" : "port", fix);
    }
}

static bool is_false(lua_State *L, int index)
{
    return lua_isboolean(L, index) && !lua_toboolean(L, index);
}

/* The value of an option is on top of the stack. */
static void read_option(lua_State *L, const struct lwms_call *call, enum option option,
                        struct options *options)
{
    const char *name = names[option];
    int value = lua_gettop(L);

    if (texts[option].fix) {
        lwms_need_text(L, call, name, value, texts[option].fix);
        keep(L, options, texts[option].slot);
    }
    switch (option) {
    case OPT_SESSION_IDS:
    case OPT_SESSION_ID:
        once(L, call, ANY_IDS, options, name, options->ids_name);
        options->ids_name = name;
        keep(L, options, SLOT_IDS);
        break;
    case OPT_SERVER:
    case OPT_COMPUTER_NAME:
    case OPT_SERVERS:
        once(L, call, ANY_SERVER, options, name, options->server_name);
        check_servers(L, call, name);
        options->server_name = name;
        keep(L, options, SLOT_SERVER);
        break;
    case OPT_TIMEOUT:
        options->timeout = lwms_need_seconds(L, call, name, value, true);
        break;
    case OPT_DEADLINE: /* false: none, even if the defaults have one */
        options->deadline = is_false(L, value) ? -1 : lwms_need_seconds(L, call, name, value, true);
        break;
    case OPT_WHERE:
    case OPT_EXCEPT:
        lwms_where_read(L, call, name, value);
        keep(L, options, option == OPT_WHERE ? SLOT_WHERE : SLOT_EXCEPT);
        lua_pop(L, 1);
        break;
    case OPT_ACTIVITY:
        options->activity = lwms_need_boolean(L, call, name, value);
        break;
    case OPT_SIZE:
        options->thumbnail_size = need_size(L, call, value);
        break;
    case OPT_VERIFY:
        options->verify = is_false(L, value) ? -1 : lwms_need_seconds(L, call, name, value, false);
        break;
    case OPT_STABLE:
        options->stable = is_false(L, value) ? -1 : lwms_need_seconds(L, call, name, value, false);
        break;
    case OPT_RETRIES:
        options->retries = lwms_need_whole(L, call, name, value, 0, 1000);
        break;
    case OPT_CONCURRENCY:
        options->concurrency = lwms_need_whole(L, call, name, value, 1, 65535);
        break;
    case OPT_ON_ERROR:
        read_on_error(L, call, value, options);
        break;
    case OPT_WHAT_IF:
        options->what_if = lwms_need_boolean(L, call, name, value);
        break;
    case OPT_ON_OUTCOME:
        lwms_need_function(L, call, name, value, false);
        keep(L, options, SLOT_ON_OUTCOME);
        break;
    case OPT_ALLOW:
        lwms_need_function(L, call, name, value, true);
        keep(L, options, SLOT_ALLOW);
        break;
    case OPT_ON_EVENT:
        lwms_need_function(L, call, name, value, false);
        keep(L, options, SLOT_ON_EVENT);
        break;
    case OPT_QUEUE:
        options->queue = lwms_need_whole(L, call, name, value, 1, 10000000);
        break;
    case OPT_INITIAL:
        options->initial = lwms_need_boolean(L, call, name, value);
        break;
    case OPT_LOG:
        lwms_need_function(L, call, name, value, true);
        keep(L, options, SLOT_LOG);
        break;
    case OPT_ARGUMENTS:
        lwms_tree_check(L, call, name, value);
        keep(L, options, SLOT_ARGUMENTS);
        break;
    case OPT_GROUPS:
        lwms_tree_check(L, call, name, value);
        keep(L, options, SLOT_GROUPS);
        break;
    case OPT_FINGERPRINTS:
        check_fingerprints(L, call, value);
        keep(L, options, SLOT_FINGERPRINTS);
        break;
    case OPT_PASSWORD:
        if (!lua_isfunction(L, value)) {
            lwms_need_text(L, call, name, value, "a string, or a function that asks for it");
        }
        keep(L, options, SLOT_PASSWORD);
        break;
    case OPT_MANAGEMENT:
        options->management = lwms_need_boolean(L, call, name, value);
        break;
    case OPT_EVENTS:
        read_events(L, call, options);
        break;
    case OPT_STORE:
        lwms_store_check(L, call, value);
        keep(L, options, SLOT_STORE);
        break;
    case OPT_CONNECTIONS:
        options->transport.connections = lwms_need_whole(L, call, name, value, 1, 64);
        break;
    case OPT_ANSWER_SIZE:
        options->transport.answer_size = lwms_need_whole(L, call, name, value, 1024, 1000000000);
        break;
    case OPT_WARN:
        read_warn(L, call, options);
        break;
    case OPT_WAKE:
        if ((!lua_isboolean(L, value) || lua_toboolean(L, value)) && !lua_istable(L, value)) {
            lwms_misuse(L, call, "wake: %s; give a table of hosts, or false for none",
                        lwms_kind(L, value));
        }
        keep(L, options, SLOT_WAKE);
        break;
    case OPT_PROXY:
        if (!lua_isboolean(L, value) || lua_toboolean(L, value)) {
            lwms_need_text(L, call, name, value, "a URL, \"environment\", or false for none");
        }
        keep(L, options, SLOT_PROXY);
        break;
    case OPT_SSH_COMMAND:
        check_words(L, call, name, value);
        keep(L, options, SLOT_SSH_COMMAND);
        break;
    case OPT_NATS:
        lwms_nats_check(L, call, value);
        keep(L, options, SLOT_NATS);
        break;
    default: /* a text */
        break;
    }
    options->given |= UINT64_C(1) << option;
}

/* wms.sessions(list): the list is one of session objects or outcomes. */
static bool is_list_of_sessions(lua_State *L, const struct lwms_call *call, int index)
{
    if (!call->command || !(call->command->traits & WMS_IS_QUERY)) {
        return false;
    }
    lua_rawgeti(L, index, 1);
    bool is_list = lua_istable(L, -1);
    lua_pop(L, 1);
    return is_list;
}

void lwms_options_read(lua_State *L, const struct lwms_call *call, int index, options_set allowed,
                       struct options *options)
{
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return;
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        read_option(L, call, OPT_SERVER, options);
        lua_pop(L, 1);
        return;
    case LUA_TTABLE:
        break;
    default:
        lwms_misuse(L, call, "%s; give a table of options%s", lwms_kind(L, index),
                    allowed & ANY_SERVER ? ", or a server's address" : "");
    }
    if (is_list_of_sessions(L, call, index)) {
        lua_pushvalue(L, index);
        read_option(L, call, OPT_SESSION_IDS, options);
        lua_pop(L, 1);
        return;
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lwms_anchor(L, A_OPTIONS);
        lua_insert(L, -2);
        lua_rawget(L, -2);
        int option = (int) lua_tointeger(L, -1) - 1;
        lua_pop(L, 2);
        if (option < 0 || !(allowed & UINT64_C(1) << option)) {
            unknown(L, call, lua_gettop(L) - 1, allowed);
        }
        read_option(L, call, (enum option) option, options);
    }
}
