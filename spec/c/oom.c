/* SPDX-License-Identifier: MIT */
/* oom.c - runs Lua scripts again and again, and lets another allocation fail each time.
 *
 *     oom [-e] [-s SERVER] [-m MODULE]... SCRIPT...
 *
 * A script gets the module and the address of a server.  It returns a verb and what a command of it
 * returned, or nothing. It is run once to count what it allocates; then the first allocation fails,
 * then the second and so on: those of Lua, those of the engine, and both counted as one; once (Lua
 * collects its garbage then, and tries again), twice in a row (which Lua cannot mend), and from
 * there on for good.  However a run ends, these must hold:
 *
 * - It comes back, with an error that speaks of memory, or with a result.
 * - What the result claims is so on the host; what it says has failed for want of memory, has not
 * been done.
 * - When the Lua state is closed, neither allocator has a block in use, and no descriptor is open.
 *
 * Without -s, the server is an embedded host of three sessions: 1 and 2 are users', 3 an
 * administrator's.  With it, the server is what it is; only the engine's allocations fail, and how
 * the sessions are is the caller's to check.  With -e, too, only the engine's allocations fail.
 * MODULE is a provider NAME.so, for scripts that need its hosts; where bindings are kept, the
 * environment says.
 *
 * What the engine shares with its threads is not from its allocator: the Makefile has the linker
 * put __wrap_calloc() in the place of calloc().
 */
#include <time.h>

#include "support.h"

/* ---- memory that fails ----------------------------------------------------------------------- */

enum which { OF_LUA = 1, OF_ENGINE = 2, OF_BOTH = 3 };
enum how { NEVER, ONCE, TWICE, FOR_GOOD };

static const char *const which_names[] = {"", "lua", "engine", "both"};
static const char *const how_names[] = {"never", "once", "twice", "for good"};

static struct {
    enum which which;
    enum how how;
    size_t number, count; /* the allocation that fails, and how many there were */
    size_t failed;
    bool armed;
} plan;

static struct heap lua_heap, engine_heap;

static bool fails(enum which which)
{
    if (!plan.armed || !(plan.which & which)) {
        return false;
    }
    size_t number = ++plan.count;
    bool failed = (plan.how == ONCE && number == plan.number) ||
                  (plan.how == TWICE && (number == plan.number || number == plan.number + 1)) ||
                  (plan.how == FOR_GOOD && number >= plan.number);
    plan.failed += failed;
    return failed;
}

static void *lua_resize(void *data, void *block, size_t old_size, size_t size)
{
    /* Lua relies on it that blocks can be made smaller. */
    if (size > 0 && (!block || size > old_size) && fails(OF_LUA)) {
        return NULL;
    }
    return heap_lua(data, block, old_size, size);
}

static void *engine_resize(void *data, void *block, size_t size)
{
    return size > 0 && fails(OF_ENGINE) ? NULL : heap_resize(data, block, size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(OF_ENGINE) ? NULL : __real_calloc(count, size);
}

/* ---- one run --------------------------------------------------------------------------------- */

static const char *server = "memory://lab";
static bool embedded = true, engine_alone;
static const char *modules[2];
static size_t module_count;
static wms_memory *lab;
static int script; /* in the registry */

/* A provider's name is that of its file, without ".so". */
static void load_modules(wms_engine *engine)
{
    for (size_t i = 0; i < module_count; i++) {
        const char *file = strrchr(modules[i], '/') + 1;
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int) strcspn(file, "."), file);
        CHECK(wms_engine_load(engine, name, modules[i]) == 0);
    }
}

/* Everything that comes before the failures. */
static int prepare(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {"_G", luaopen_base},
        {"string", luaopen_string},
        {"table", luaopen_table},
        {NULL, NULL},
    };
    const struct wms_alloc alloc = {engine_resize, &engine_heap};
    const char *file = lua_touserdata(L, 1);

    for (const luaL_Reg *library = libraries; library->name; library++) {
        luaL_requiref(L, library->name, library->func, 1);
    }
    /* Providers are looked for along package.cpath; wms.keep is made of modules. */
    if (!embedded || strstr(file, "/keep.lua")) {
        luaL_requiref(L, "package", luaopen_package, 1);
        luaL_requiref(L, "math", luaopen_math, 1);
        luaL_requiref(L, "os", luaopen_os, 1);
        luaL_requiref(L, "io", luaopen_io, 1);
    }
    if (luaL_loadfile(L, file)) {
        return lua_error(L);
    }
    script = luaL_ref(L, LUA_REGISTRYINDEX);
    if (strstr(file, "/open.lua")) { /* it opens the module itself */
        return 0;
    }
    wms_lua_open(L, &alloc);
    load_modules(wms_lua_engine(L));
    if (embedded) {
        CHECK(wms_memory_new(wms_lua_engine(L), "lab", NULL, &lab) == 0);
        for (uint32_t id = 1; id <= 3; id++) {
            wms_session session = session_of(id, id == 1 ? "alice" : NULL);
            session.is_admin = id == 3;
            session.locked = 1;
            CHECK(wms_memory_open(lab, &session, -1) == 0);
        }
    }
    return 1;
}

static int open_module(lua_State *L)
{
    const struct wms_alloc alloc = {engine_resize, &engine_heap};

    return wms_lua_open(L, &alloc);
}

static int run(lua_State *L)
{
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, script);
    lua_insert(L, 1);
    lua_pushstring(L, server);
    lua_pushcfunction(L, open_module);
    lua_call(L, 3, LUA_MULTRET);
    return lua_gettop(L);
}

/* ---- what is claimed, and what is so --------------------------------------------------------- */

static const char *text_of(lua_State *L, int index, const char *field)
{
    lua_pushstring(L, field);
    lua_rawget(L, index);
    const char *text = lua_tostring(L, -1);
    lua_pop(L, 1); /* its table keeps it */
    return text;
}

static bool is(const char *text, const char *other)
{
    return text && strcmp(text, other) == 0;
}

/* luaL_checkstack() calls it a stack overflow when there is no memory for more stack. */
static bool speaks_of_memory(const char *text)
{
    return strstr(text, "not enough memory") || strstr(text, "out of memory") ||
           strstr(text, "stack overflow (or out of memory)");
}

/* Whether the session has been shown what the scripts show. */
static bool is_shown(uint32_t number)
{
    struct wms_memory_entry entry;
    size_t shown = 0;

    for (size_t i = 0; wms_memory_log(lab, i, &entry) == 0; i++) {
        if (entry.verb == WMS_MESSAGE && entry.id.number == number && entry.code == 0) {
            CHECK(is(entry.message, "m") && is(entry.title, "t"));
            shown++;
        }
    }
    CHECK(shown <= 1);
    return shown > 0;
}

/* Whether the host's session is as the verb makes it.  They begin locked and active. */
static bool is_done(const char *verb, uint32_t number)
{
    wms_id id = {.number = number};
    const char *message;
    wms_session session;
    bool present = wms_memory_session(lab, &id, &session, &message) == 0;

    if (is(verb, "close")) {
        return !present;
    }
    if (is(verb, "message")) {
        return is_shown(number);
    }
    CHECK(present);
    return is(verb, "unlock")       ? session.locked == 0
           : is(verb, "lock")       ? session.locked == 1 && is(message, "m")
           : is(verb, "disconnect") ? is(session.state, "disconnected")
                                    : true;
}

static void check_outcome(lua_State *L, const char *verb, int outcome)
{
    const char *state = text_of(L, outcome, "state"), *code = "";

    CHECK(state);
    lua_getfield(L, outcome, "error");
    if (lua_istable(L, -1)) {
        code = text_of(L, lua_gettop(L), "code");
    }
    lua_pop(L, 1);
    if (is(state, "failed") || is(state, "skipped") || is(state, "unknown")) {
        CHECK(*code);
        bool stopped = is(state, "skipped") && is(code, "CANCELLED");
        bool refused =
            is(state, "failed") && is(code, "ACCESS_DENIED"); /* by an allow that had no memory */
        if (!is(code, "NO_MEMORY") && !stopped && !refused) {
            fail("%s %s, for want of memory", state, code);
        }
    } else {
        CHECK(is(state, "requested") || is(state, "verified") || is(state, "planned"));
        CHECK(!*code ||
              (is(state, "requested") && is(code, "NO_MEMORY"))); /* taken, and then not verified */
    }
    lua_getfield(L, outcome, "session_id");
    if (embedded && lua_isinteger(L, -1) && verb) {
        uint32_t number = (uint32_t) lua_tointeger(L, -1);
        bool claimed = is(state, "requested") || is(state, "verified");
        if (claimed && !is_done(verb, number)) {
            fail("session %u: claimed %s, and not done", number, state);
        }
        if ((is(state, "failed") || is(state, "planned") || is(state, "skipped")) &&
            is_done(verb, number) && !is(verb, "sessions") && !is(verb, "thumbnail")) {
            fail("session %u: claimed %s, and done", number, state);
        }
    }
    lua_pop(L, 1);
}

static size_t check_outcomes(lua_State *L, const char *verb, int list)
{
    size_t count = lua_rawlen(L, list);

    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, list, (lua_Integer) i);
        check_outcome(L, verb, lua_gettop(L));
        lua_pop(L, 1);
    }
    return count;
}

/* A verb, and what a command returned, from index 1 on. */
static void check_result(lua_State *L)
{
    const char *verb = lua_tostring(L, 1);

    if (lua_gettop(L) < 2) {
        return;
    }
    if (lua_istable(L, 2) && is(verb, "sessions")) {
        if (embedded) {
            CHECK(lua_rawlen(L, 2) == 3); /* never fewer without an error */
        }
    } else if (lua_istable(L, 2)) {
        size_t count = check_outcomes(L, verb, 2);
        if (embedded) {
            CHECK(count == 2); /* both of those that can be controlled */
        }
    } else if (lua_isnil(L, 2)) {
        CHECK(lua_type(L, 3) == LUA_TSTRING);
        CHECK(lua_istable(L, 4));
        const char *code = text_of(L, 4, "code");
        if (!is(code, "NO_MEMORY") &&
            !(is(code, "ACCESS_DENIED") && strstr(lua_tostring(L, 3), "memory"))) {
            fail("%s: %s", code ? code : "no code", lua_tostring(L, 3));
        }
        lua_getfield(L, 4, "outcomes");
        if (lua_istable(L, -1)) {
            check_outcomes(L, verb, lua_gettop(L));
        }
    } else {
        CHECK(lua_toboolean(L, 2));
    }
}

/* Runs `file` under the plan; returns whether the plan's allocation was reached. */
static bool attempt(const char *file)
{
    int before = descriptors();

    memset(&lua_heap, 0, sizeof lua_heap);
    memset(&engine_heap, 0, sizeof engine_heap);
    lab = NULL;
    plan.armed = false;
    plan.count = plan.failed = 0;
    lua_State *L = lua_newstate(lua_resize, &lua_heap);
    CHECK(L);
    lua_pushcfunction(L, prepare);
    lua_pushlightuserdata(L, (void *) (uintptr_t) file);
    if (lua_pcall(L, 1, 1, 0)) {
        fail("%s", lua_tostring(L, -1));
    }
    lua_pushcfunction(L, run);
    lua_insert(L, -2);
    plan.armed = true;
    int status = lua_pcall(L, 1, LUA_MULTRET, 0);
    if (plan.how != FOR_GOOD) {
        plan.armed = false;
    }
    bool armed = plan.armed;
    size_t failed = plan.failed;
    plan.armed = false;
    if (status) {
        const char *text = lua_tostring(L, -1);
        if (plan.how == NEVER || !text || !speaks_of_memory(text)) {
            fail("error: %s", text ? text : luaL_typename(L, -1));
        }
    } else {
        check_result(L);
    }
    plan.armed = armed; /* finalizers, too, have to do without */
    lab = wms_memory_unref(lab);
    lua_close(L);
    plan.armed = false;
    CHECK(lua_heap.blocks == 0);
    CHECK(engine_heap.blocks == 0);
    CHECK(descriptors() == before);
    return failed > 0;
}

static unsigned sweep(const char *file, enum which which, enum how how)
{
    const char *name = strrchr(file, '/');
    bool reached;
    unsigned runs = 0;

    plan.which = which;
    plan.how = how;
    plan.number = 0;
    do {
        plan.number++;
        snprintf(where, sizeof where, "%s: %s, allocation %zu, %s", name ? name + 1 : file,
                 which_names[which], plan.number, how_names[how]);
        reached = attempt(file);
        runs++;
    } while (reached);
    return runs;
}

static void sweeps(const char *file)
{
    static const struct {
        enum which which;
        enum how how;
    } all[] = {
        {OF_ENGINE, ONCE},  {OF_ENGINE, FOR_GOOD}, {OF_LUA, ONCE},      {OF_LUA, TWICE},
        {OF_LUA, FOR_GOOD}, {OF_BOTH, TWICE},      {OF_BOTH, FOR_GOOD},
    };
    const char *name = strrchr(file, '/');
    size_t counts[OF_BOTH + 1];
    unsigned runs = 0;
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    plan.how = NEVER;
    for (enum which which = OF_LUA; which <= OF_BOTH; which++) {
        plan.which = which;
        snprintf(where, sizeof where, "%s: nothing fails", file);
        attempt(file);
        counts[which] = plan.count;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if ((embedded && !engine_alone) || all[i].which == OF_ENGINE) {
            runs += sweep(file, all[i].which, all[i].how);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%-20s %4zu of Lua, %4zu of the engine: %5u runs, %.1f s\n", name ? name + 1 : file,
           counts[OF_LUA], counts[OF_ENGINE], runs,
           (double) (end.tv_sec - begin.tv_sec) + (double) (end.tv_nsec - begin.tv_nsec) / 1e9);
    fflush(stdout);
}

#ifndef __SANITIZE_ADDRESS__
static void report_crash(int signal)
{
    static const char text[] = "crashed at ";
    ssize_t ignored = write(2, text, sizeof text - 1);
    ignored = write(2, where, strlen(where));
    ignored = write(2, "\n", 1);
    (void) ignored;
    (void) !raise(signal);
}
#endif

int main(int argc, char **argv)
{
#ifndef __SANITIZE_ADDRESS__ /* which tells more */
    for (int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}, i = 0; i < 4; i++) {
        struct sigaction action = {.sa_handler = report_crash, .sa_flags = SA_RESETHAND};
        sigaction(signals[i], &action, NULL);
    }
#endif
    warm_up();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-e") == 0) {
            engine_alone = true;
        } else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
            server = argv[++i];
            embedded = false;
        } else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc) {
            CHECK(module_count < sizeof modules / sizeof *modules);
            modules[module_count++] = argv[++i];
        } else {
            sweeps(argv[i]);
        }
    }
    return 0;
}
