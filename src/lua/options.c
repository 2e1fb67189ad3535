/* options.c - the one table that every function takes, and what is said of a wrong one. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/binding.h"

/* ---- misuse ----------------------------------------------------------------------------------------------------- */

void lwms_misuse(lua_State *L, const struct call *call, const char *format, ...)
{
    va_list arguments;

    /* Not luaL_argerror(): it takes the function's name from debug information, which a pcall() has not, and counts a
     * method's arguments differently. */
    va_start(arguments, format);
    const char *what = lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    luaL_error(L, "bad argument #%d to '%s' (%s)", call->argument, call->function, what);
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
    lua_pushvalue(L, index); /* lua_tolstring() changes what it converts */
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

const char *lwms_complaint(const struct state *state, char buffer[COMPLAINT])
{
    snprintf(buffer, COMPLAINT, "%s", wms_engine_complaint(state->engine));
    return buffer;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

bool lwms_is_text(lua_State *L, int index)
{
    size_t length;

    return lua_type(L, index) == LUA_TSTRING && strlen(lua_tolstring(L, index, &length)) == length;
}

const char *lwms_need_text(lua_State *L, const struct call *call, const char *where, int index, const char *fix)
{
    if (!lwms_is_text(L, index)) {
        lwms_misuse(L, call, "%s: %s; give %s", where,
                    lua_type(L, index) == LUA_TSTRING ? "a string with a NUL in it" : lwms_kind(L, index), fix);
    }
    return lua_tostring(L, index);
}

double lwms_need_seconds(lua_State *L, const struct call *call, const char *where, int index, bool above_zero)
{
    const char *fix = above_zero ? "a number of seconds above 0, at most 1e9" : "a number of seconds from 0 to 1e9";
    lua_Number seconds = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || !(seconds >= 0 && seconds <= 1e9) || (above_zero && seconds <= 0)) {
        lwms_misuse(L, call, "%s: %s; give %s", where, lwms_show(L, index), fix);
    }
    return (double) seconds;
}

static unsigned need_whole(lua_State *L, const struct call *call, const char *where, int index, unsigned most)
{
    lua_Number number = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || !(number >= 1 && number <= most) ||
        floor((double) number) != (double) number) {
        lwms_misuse(L, call, "%s: %s; give a whole number 1..%d", where, lwms_show(L, index), (int) most);
    }
    return (unsigned) number;
}

void lwms_need_function(lua_State *L, const struct call *call, const char *where, int index, bool or_false)
{
    bool is_false = lua_isboolean(L, index) && !lua_toboolean(L, index);

    if (!lua_isfunction(L, index) && !(or_false && is_false)) {
        lwms_misuse(L, call, "%s: %s; give a function%s", where, lwms_kind(L, index),
                    or_false ? ", or false for none" : "");
    }
}

bool lwms_need_boolean(lua_State *L, const struct call *call, const char *where, int index)
{
    if (!lua_isboolean(L, index)) {
        lwms_misuse(L, call, "%s: %s; give a boolean, true or false", where, lwms_kind(L, index));
    }
    return lua_toboolean(L, index);
}

size_t lwms_need_list(lua_State *L, const struct call *call, const char *where, int index)
{
    lua_Number last = 0;
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (!(key >= 1) || floor((double) key) != (double) key) {
            char text[CLIPPED];
            lwms_misuse(L, call, "%s: a value at the key %s, in a list; give its items the keys 1, 2, 3 and so on", where,
                        lua_type(L, -2) == LUA_TSTRING ? lwms_clip(L, -2, text) : lwms_show(L, -2));
        }
        last = key > last ? key : last;
        count++;
    }
    if (last != (lua_Number) count) {
        lwms_misuse(L, call, "%s: a list with holes; give its items the keys 1, 2, 3 and so on", where);
    }
    if (count > INT32_MAX) {
        lwms_misuse(L, call, "%s: too long a list; give fewer", where);
    }
    return count;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static const char *const names[] = {
#define X(option, name) name,
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

unsigned lwms_options_of_client(void)
{
    return ANY_SERVER | BIT(TIMEOUT) | BIT(VERIFY) | BIT(STABLE) | BIT(CONCURRENCY) | BIT(ON_ERROR) | BIT(WHAT_IF) |
           BIT(ON_OUTCOME) | BIT(ALLOW);
}

unsigned lwms_options_of(const struct command *command)
{
    unsigned set = lwms_options_of_client() & ~BIT(ALLOW);

    if (!command->all) {
        set |= ANY_IDS;
    }
    if (command->verb == WMS_LOCK) {
        set |= BIT(MESSAGE);
    }
    return set;
}

void lwms_options_begin(lua_State *L, struct options *options, const struct state *state, int client)
{
    static const struct options none = {.verify = -1, .stable = -1};
    int base = lua_gettop(L) + 1;

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
    if (!(options->preset & BIT(CONCURRENCY))) {
        options->concurrency = state->concurrency;
    }
}

/* Says of an option that is none what to write instead. */
static void unknown(lua_State *L, const struct call *call, int key, unsigned allowed)
{
    const struct command *command = call->command;
    char name[CLIPPED], list[256];
    int used = 0;

    if (lua_type(L, key) != LUA_TSTRING) {
        lwms_misuse(L, call, "a value at the key %s; give every option its name, as in server = \"lab01\"%s",
                    lua_isboolean(L, key) ? (lua_toboolean(L, key) ? "true" : "false") : lwms_show(L, key),
                    allowed & ANY_IDS ? " or session_ids = {3, 4}" : "");
    }
    lwms_clip(L, key, name);
    if (command && strcmp(name, "all") == 0) {
        if (command->all || command->verb == WMS_SESSIONS) {
            lwms_misuse(L, call, "all: no such option; leave it out, since '%s'%s means every session", command->name,
                        command->all ? "" : " without session_ids");
        }
        lwms_misuse(L, call, "all: no such option; call '%s_all'", command->name);
    }
    if (command && command->all && (strcmp(name, "session_ids") == 0 || strcmp(name, "session_id") == 0)) {
        lwms_misuse(L, call, "%s: '%s' is for every session; call '%s'", name, command->name, wms_verb_name(command->verb));
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        bool alias = i == OPT_SESSION_ID || i == OPT_COMPUTER_NAME || i == OPT_SERVERS;
        if ((allowed & 1u << i) && !alias) {
            used += snprintf(list + used, sizeof list - (size_t) used, "%s%s", used ? ", " : "", names[i]);
        }
    }
    lwms_misuse(L, call, "%s: no such option; use %s", name, list);
}

static void keep(lua_State *L, const struct options *options, enum slot slot)
{
    lua_pushvalue(L, -1);
    lua_replace(L, options->base + slot);
}

static void once(lua_State *L, const struct call *call, unsigned others, const struct options *options, const char *name,
                 const char *other)
{
    if (options->given & others) {
        if (strcmp(name, other) > 0) { /* the order of lua_next is not to be seen */
            const char *first = other;
            other = name;
            name = first;
        }
        lwms_misuse(L, call, "%s: given beside %s; give one of them", name, other);
    }
}

static void check_servers(lua_State *L, const struct call *call, const char *name)
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

/* The value of an option is on top of the stack. */
static void read_option(lua_State *L, const struct call *call, enum option option, struct options *options)
{
    const char *name = names[option];
    int value = lua_gettop(L);

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
    case OPT_MESSAGE:
        lwms_need_text(L, call, name, value, "a string for the users to read");
        keep(L, options, SLOT_MESSAGE);
        break;
    case OPT_TIMEOUT:
        options->timeout = lwms_need_seconds(L, call, name, value, true);
        break;
    case OPT_VERIFY:
        options->verify = lwms_need_seconds(L, call, name, value, false);
        break;
    case OPT_STABLE:
        options->stable = lwms_need_seconds(L, call, name, value, false);
        break;
    case OPT_CONCURRENCY:
        options->concurrency = need_whole(L, call, name, value, 65535);
        break;
    case OPT_ON_ERROR: {
        const char *text = lua_type(L, value) == LUA_TSTRING ? lua_tostring(L, value) : "";
        options->stop_on_error = strcmp(text, "stop") == 0;
        if (!options->stop_on_error && strcmp(text, "continue") != 0) {
            char clipped[CLIPPED];
            lwms_misuse(L, call, "on_error: %s; give \"continue\" or \"stop\"",
                        lua_type(L, value) == LUA_TSTRING ? lwms_clip(L, value, clipped) : lwms_show(L, value));
        }
        break;
    }
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
    case OPT_LOG:
        lwms_need_function(L, call, name, value, true);
        keep(L, options, SLOT_LOG);
        break;
    case OPTION_COUNT:
        break;
    }
    options->given |= 1u << option;
}

void lwms_options_read(lua_State *L, const struct call *call, int index, unsigned allowed, struct options *options)
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
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lwms_anchor(L, A_OPTIONS);
        lua_insert(L, -2);
        lua_rawget(L, -2);
        int option = (int) lua_tointeger(L, -1) - 1;
        lua_pop(L, 2);
        if (option < 0 || !(allowed & 1u << option)) {
            unknown(L, call, lua_gettop(L) - 1, allowed);
        }
        read_option(L, call, (enum option) option, options);
    }
}
