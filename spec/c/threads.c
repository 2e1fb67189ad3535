/* SPDX-License-Identifier: MIT */
/* threads.c - eight threads, each with a Lua state or an engine of its own: they share nothing.
 *
 *     threads [FOLDER...]     where they find modules of providers, which all of them load at once;
 * the first one has wms/poor.so and wms/blocking.so
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "support.h"

#ifdef __SANITIZE_THREAD__
/* libuv closes its descriptors by syscall(SYS_close), which the sanitizer does not see: it would
 * take the thread that gets the number next for one that races with the first.  libuv finds this
 * function instead of the C library's. */
long syscall(long number, ...)
{
    va_list arguments;
    long values[6];

    va_start(arguments, number);
    for (int i = 0; i < 6; i++) {
        values[i] = va_arg(arguments, long);
    }
    va_end(arguments);
    if (number == SYS_close) {
        return close((int) values[0]);
    }
    void *symbol = dlsym(RTLD_NEXT, "syscall");
    long (*next)(long, ...);
    memcpy(&next, &symbol, sizeof next);
    return next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}
#endif

enum { THREADS = 8, ROUNDS = 3 };

static const char *folder; /* NULL: none */
static char cpath[1024];
static pthread_barrier_t barrier;

static const char script[] =
    "local number, round, cpath = ...\n"
    "package.cpath = cpath\n"
    "local told, asked, lines = 0, 0, 0\n"
    "wms.configure{ timeout = 200, concurrency = 3,\n"
    "   log = function() lines = lines + 1 end, allow = function() asked = asked + 1 return true "
    "end }\n"
    "local function sessions()\n"
    "   local list = {}\n"
    "   for i = 1, 6 do list[i] = { session_id = i, user_name = 'user' .. number, locked = true, "
    "is_admin = i == 6 } end\n"
    "   return list\n"
    "end\n"
    "local lab = wms.memory('lab', { sessions = sessions() })\n"
    "local slow = wms.memory('slow', { sessions = sessions(), latency = 0.001 * number, "
    "relock_after = 0.002 })\n"
    "local both = { 'memory://lab', 'memory://slow' }\n"
    "assert(#assert(wms.unlock{ session_ids = { 1, 2 }, servers = both }) == 4)\n"
    "assert(#assert(wms.lock{ session_ids = 1, server = 'memory://lab', message = 'm', verify = 1 "
    "}) == 1)\n"
    "assert(#assert(wms.unlock_all{ servers = both, on_outcome = function() told = told + 1 end }) "
    "== 10 and told == 10)\n"
    "assert(#assert(wms.lock_all{ servers = both, message = 'm' .. number }) == 10)\n"
    "assert(lab:session(1).message == 'm' .. number and lab:session(1).user_name == 'user' .. "
    "number)\n"
    "assert(#assert(wms.sessions{ servers = both }) == 12)\n"
    "local _, _, err = wms.unlock{ session_ids = { 3 }, server = 'memory://slow', verify = 1, "
    "stable = 0.1 }\n"
    "assert(err.code == 'REVERTED' or err.code == 'UNVERIFIED', err.code)\n"
    "_, _, err = wms.unlock{ session_ids = 77, servers = both, on_error = 'stop' }\n"
    "assert(err.code == 'NOT_FOUND')\n"
    "assert(not pcall(wms.unlock, { session_ids = -1 }))\n"
    "assert(#assert(wms.unlock_all{ server = 'memory://lab', what_if = true }) == 5)\n"
    "local client = wms.new{ servers = both, verify = 2 }\n"
    "local requests = {\n"
    "   client:start('disconnect', { session_ids = { 1, 2 } }), wms.start('sessions', "
    "'memory://slow'),\n"
    "   wms.start('unlock', { session_ids = 5, server = 'memory://slow' }),\n"
    "}\n"
    "for _, request in ipairs(requests) do\n"
    "   local fd = request:pollfd()\n"
    "   while not request:done() do assert(poll(fd)) request:step() end\n"
    "   assert(request:result())\n"
    "end\n"
    "assert(client:close{ session_ids = { 1, 2 } } and client:close_all())\n"
    "assert(asked > 10 and lines > 0)\n"
    "if cpath ~= '' then\n"
    "   assert(wms.unlock{ session_ids = 1, server = 'poor://thread' })\n"
    "   assert(#assert(wms.sessions{ server = 'poor://late' }) == 2)\n"
    "   assert(wms.unlock{ session_ids = 1, server = 'poor://see-late', verify = 2 })\n"
    "   wms.load('poor')\n"
    "   local ids = {}\n"
    "   for i = 1, 30 do ids[i] = i end\n"
    "   assert(#assert(wms.unlock{ session_ids = ids, server = { 'blocking://a', 'blocking://b' } "
    "}) == 60)\n"
    "   assert(#assert(wms.unlock_all('blocking://a')) == 3)\n"
    "   _, _, err = wms.unlock{ session_ids = { 1, 300 }, server = 'blocking://c' }\n"
    "   assert(err.outcomes[1].state == 'requested' and err.outcomes[2].error.code == "
    "'ACCESS_DENIED')\n"
    "   _, _, err = wms.unlock{ session_ids = 200, server = 'blocking://c', timeout = 0.1 }\n"
    "   assert(err.outcomes[1].state == 'unknown', err.outcomes[1].state)\n"
    "   B = wms.start('unlock', { session_ids = ids, server = 'blocking://a' })\n"
    "   if round % 2 == 0 then B:wait(0.0001) end\n"
    "   _, _, err = wms.unlock{ session_ids = 1, server = 'logind:///run/no-such-bus' }\n"
    "   assert(err.code == 'UNREACHABLE' or err.code == 'NO_PROVIDER', err.code)\n"
    "end\n"
    "if round % 2 == 0 then lab:close() slow:close() end\n"
    "R = wms.start('unlock_all', { server = 'memory://slow' })\n";

static int lua_poll(lua_State *L)
{
    struct pollfd poll_fd = {.fd = (int) luaL_checkinteger(L, 1), .events = POLLIN};

    lua_pushboolean(L, poll(&poll_fd, 1, 10000) == 1);
    return 1;
}

static void run_lua(int number, int round)
{
    lua_State *L = luaL_newstate();

    CHECK(L);
    luaL_openlibs(L);
    luaL_requiref(L, "wms", luaopen_wms, 1);
    lua_pop(L, 1);
    lua_register(L, "poll", lua_poll);
    if (luaL_loadstring(L, script)) {
        fail("%s", lua_tostring(L, -1));
    }
    lua_pushinteger(L, number);
    lua_pushinteger(L, round);
    lua_pushstring(L, cpath);
    if (lua_pcall(L, 3, 0, 0)) {
        fail("%s", lua_tostring(L, -1));
    }
    lua_close(L);
}

/* The C interface, by the engine's descriptor. */
static void run_core(void)
{
    static const char *const servers[] = {"memory://lab"};
    const struct wms_memory_options options = {.latency = 0.002, .relock_after = -1};
    wms_session session = session_of(1, "alice");
    wms_engine *engine;
    wms_memory *lab;
    wms_request *request;
    wms_command command;
    char path[512];

    CHECK(wms_engine_new(NULL, &engine) == 0);
    if (folder) {
        snprintf(path, sizeof path, "%s/wms/poor.so", folder);
        CHECK(wms_engine_load(engine, "poor", path) == 0);
    }
    CHECK(wms_memory_new(engine, "lab", &options, &lab) == 0);
    CHECK(wms_memory_open(lab, &session, -1) == 0);
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = servers;
    command.server_count = 1;
    command.all = true;
    command.verify = 1;
    CHECK(wms_start(engine, &command, &request) == 0);
    struct pollfd poll_fd = {.fd = wms_engine_fd(engine), .events = POLLIN};
    while (wms_request_done(request) == 0) {
        CHECK(poll(&poll_fd, 1, 10000) == 1);
        CHECK(wms_engine_step(engine) == 0);
    }
    wms_request_unref(request);
    CHECK(wms_start(engine, &command, &request) == 0); /* and is not done */
    wms_memory_unref(lab);
    wms_engine_unref(engine);
    wms_request_unref(request);
}

static void *thread(void *data)
{
    int number = *(int *) data;

    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier); /* so that they meet in the same places */
        run_lua(number, round);
        pthread_barrier_wait(&barrier);
        run_core();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];

    folder = argc > 1 ? argv[1] : NULL;
    for (int i = 1; i < argc; i++) {
        size_t used = strlen(cpath);
        snprintf(cpath + used, sizeof cpath - used, "%s%s/?.so", used ? ";" : "", argv[i]);
    }
    strcpy(where, "a thread");
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i + 1;
        CHECK(pthread_create(&threads[i], NULL, thread, &numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pthread_barrier_destroy(&barrier);
    puts("fine");
    return 0;
}
