/* SPDX-License-Identifier: MIT */
/* fork.c - processes that fork with an engine in them.
 *
 *     fork core MODULE     the C interface; MODULE is the provider poor.so
 *     fork lua FILE|-      a Lua script with `wms`, and fork(), wait(), poll() and so on;
 * `sanitized`: it must not fork while a thread may be in malloc(), see below
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "support.h"

/* A host that answers through a descriptor, after a while.  The address sanitizer of gcc 12 does
 * not take its locks for a fork: with a thread in the parent, the child may wait for ever in
 * malloc(). */
#ifdef __SANITIZE_ADDRESS__
#define SLOW "poor://pipe-slow"
#else
#define SLOW "poor://thread-slow"
#endif

/* ---- the C interface ------------------------------------------------------------------------- */

static struct heap heap;
static int base; /* descriptors before there was an engine */

struct parent {
    wms_engine *engine;
    wms_memory *lab;
    wms_request *late, *done, *threaded;
    int engine_fd, late_fd, threaded_fd;
};

static void *resize(void *data, void *block, size_t size)
{
    return heap_resize(data, block, size);
}

static wms_request *start(wms_engine *engine, const char *server)
{
    const char *servers[] = {server};
    const wms_id id = {.number = 1};
    wms_command command;
    wms_request *request;

    wms_command_init(&command, WMS_UNLOCK);
    command.servers = servers;
    command.server_count = 1;
    command.ids = &id;
    command.id_count = 1;
    command.timeout = 5;
    CHECK(wms_start(engine, &command, &request) == 0);
    return request;
}

static void open_host(wms_engine *engine, const char *name, double latency, wms_memory **ret_host)
{
    const struct wms_memory_options options = {.latency = latency, .relock_after = -1};
    wms_session session = session_of(1, "alice");

    session.locked = 1;
    CHECK(wms_memory_new(engine, name, &options, ret_host) == 0);
    CHECK(wms_memory_open(*ret_host, &session, -1) == 0);
}

static void set_up(struct parent *parent, const char *module)
{
    const struct wms_alloc alloc = {resize, &heap};

    CHECK(wms_engine_new(&alloc, &parent->engine) == 0);
    CHECK(wms_engine_load(parent->engine, "poor", module) == 0);
    open_host(parent->engine, "lab", 0.06, &parent->lab);
    parent->done = start(parent->engine, "poor://good");
    CHECK(wms_request_wait(parent->done, 5) == 1);
    parent->late = start(parent->engine, "memory://lab");
    parent->threaded = start(parent->engine, SLOW);
    parent->engine_fd = wms_engine_fd(parent->engine);
    parent->late_fd = wms_request_fd(parent->late);
    parent->threaded_fd = wms_request_fd(parent->threaded);
    CHECK(parent->engine_fd >= 0 && parent->late_fd >= 0 && parent->threaded_fd >= 0);
}

/* As a program's own loop would: nothing but the descriptor says when there is something to do. */
static void finish(wms_request *request, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    wms_outcome outcome;

    while (wms_request_done(request) == 0) {
        CHECK(poll(&poll_fd, 1, 3000) == 1);
        CHECK(wms_request_step(request) == 0);
    }
    CHECK(wms_request_done(request) == 1);
    CHECK(wms_request_outcome(request, 0, &outcome) == 0);
    CHECK(outcome.state == WMS_REQUESTED && outcome.code == 0);
}

static void put_down(struct parent *parent)
{
    wms_request_unref(parent->late);
    wms_request_unref(parent->done);
    wms_request_unref(parent->threaded);
    wms_memory_unref(parent->lab);
    wms_engine_unref(parent->engine);
    CHECK(heap.blocks == 0);
    CHECK(descriptors() == base);
}

static void check_forked(wms_request *request)
{
    wms_outcome outcome;
    wms_fault fault;
    wms_action action;
    size_t done;

    CHECK(wms_request_done(request) == WMS_E_FORKED);
    CHECK(wms_request_wait(request, 0) == WMS_E_FORKED);
    CHECK(wms_request_wait(request, -1) == WMS_E_FORKED);
    CHECK(wms_request_step(request) == WMS_E_FORKED);
    CHECK(wms_request_fd(request) == WMS_E_FORKED);
    CHECK(wms_request_error(request, &fault) == WMS_E_FORKED);
    CHECK(wms_request_outcome(request, 0, &outcome) == WMS_E_FORKED);
    CHECK(wms_request_next_outcome(request, &outcome, &done) == 0);
    CHECK(wms_request_held(request, &action) == 0);
    wms_request_permit(request, NULL);
    wms_request_cancel(request);
    CHECK(wms_request_done(request) == WMS_E_FORKED);
}

/* By the descriptor of the engine alone. */
static void work_by_engine(wms_engine *engine, const char *server)
{
    wms_request *request = start(engine, server);
    struct pollfd poll_fd = {.fd = wms_engine_fd(engine), .events = POLLIN};

    while (wms_request_done(request) == 0) {
        CHECK(poll(&poll_fd, 1, 3000) == 1);
        CHECK(wms_engine_step(engine) == 0);
    }
    wms_request_unref(request);
}

static void work(wms_engine *engine, const char *server)
{
    wms_request *request = start(engine, server);

    finish(request, wms_request_fd(request));
    wms_request_unref(request);
    request = start(engine, server);
    CHECK(wms_request_wait(request, 5) == 1);
    wms_request_unref(request);
}

static pid_t fork_child(void)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    return pid;
}

static void expect(pid_t pid, int status)
{
    int got;

    CHECK(waitpid(pid, &got, 0) == pid);
    if (got != status) {
        fail("a child ended with status %d", got);
    }
}

static void child_destroys(struct parent *parent)
{
    put_down(parent);
}

static void child_destroys_engine_first(struct parent *parent)
{
    wms_engine_unref(parent->engine);
    wms_memory_unref(parent->lab);
    wms_request_unref(parent->late);
    wms_request_unref(parent->threaded);
    wms_request_unref(parent->done);
    CHECK(heap.blocks == 0);
    CHECK(descriptors() == base);
}

static void child_asks(struct parent *parent)
{
    check_forked(parent->late);
    check_forked(parent->done);
    check_forked(parent->threaded);
    /* Its own descriptor of the loop, with libuv's inside, and none that belongs to a request. */
    CHECK(fcntl(parent->late_fd, F_GETFD) < 0 || descriptors() < base + 8);
    put_down(parent);
}

static void child_works(struct parent *parent)
{
    work(parent->engine, "memory://lab");
    work(parent->engine, "poor://thread");
    work(parent->engine, "poor://good");
    work_by_engine(parent->engine, "memory://lab");
    check_forked(parent->late);
    put_down(parent);
}

static void child_works_anew(struct parent *parent)
{
    const struct wms_alloc alloc = {resize, &heap};
    wms_engine *engine;
    wms_memory *lab;

    CHECK(wms_engine_new(&alloc, &engine) == 0);
    open_host(engine, "lab", 0.01, &lab);
    work(engine, "memory://lab");
    wms_memory_unref(lab);
    wms_engine_unref(engine);
    put_down(parent);
}

static void child_steps(struct parent *parent)
{
    wms_id id = {.number = 1};

    CHECK(wms_memory_lock(parent->lab, &id, "in the child") == 0);
    wms_memory_close(parent->lab);
    CHECK(wms_engine_step(parent->engine) == 0);
    wms_request_cancel(parent->late);
    wms_request_cancel(parent->threaded);
    wms_request_unref(parent->late); /* and nothing else */
}

static void child_dies(struct parent *parent)
{
    wms_request_unref(parent->threaded);
    raise(SIGKILL);
}

static void child_exits(struct parent *parent)
{
    wms_request_done(parent->late);
    exit(0);
}

static void child_forks(struct parent *parent)
{
    wms_request *request = start(parent->engine, "memory://lab"),
                *threaded = start(parent->engine, SLOW);
    int fd = wms_request_fd(request), threaded_fd = wms_request_fd(threaded);

    for (int i = 0; i < 3; i++) {
        pid_t pid = fork_child();
        if (pid == 0) {
            check_forked(request);
            check_forked(parent->late);
            if (i == 1) {
                work(parent->engine, "memory://lab");
            }
            wms_request_unref(threaded);
            wms_request_unref(request);
            put_down(parent);
            _exit(0);
        }
        expect(pid, 0);
    }
    finish(request, fd);
    finish(threaded, threaded_fd);
    wms_request_unref(request);
    wms_request_unref(threaded);
    put_down(parent);
}

static void many_children(const char *module)
{
    struct parent parent;
    pid_t pids[100];

    snprintf(where, sizeof where, "many children");
    set_up(&parent, module);
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0) {
            (i % 3 == 0 ? child_destroys : i % 3 == 1 ? child_asks : child_works)(&parent);
            _exit(0);
        }
    }
    finish(parent.late, parent.late_fd);
    finish(parent.threaded, parent.threaded_fd);
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        expect(pids[i], 0);
    }
    put_down(&parent);
}

/* Children while threads of the engine look whether the program is busy: what they open for that
 * would be the children's. */
static void children_while_busy(const char *module)
{
    struct parent parent;
    pid_t pids[100];

    snprintf(where, sizeof where, "children of a busy program");
    for (int round = 0; round < 5; round++) {
        set_up(&parent, module);
        struct pollfd poll_fd = {.fd = parent.late_fd, .events = POLLIN};
        CHECK(poll(&poll_fd, 1, 3000) == 1);
        for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
            pids[i] = fork_child();
            if (pids[i] == 0) {
                child_destroys(&parent);
                _exit(0);
            }
        }
        for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
            expect(pids[i], 0);
        }
        finish(parent.late, parent.late_fd);
        finish(parent.threaded, parent.threaded_fd);
        put_down(&parent);
    }
}

static void core(const char *module)
{
    static const struct {
        const char *name;
        void (*run)(struct parent *parent);
        int status;
    } children[] = {
        {"destroys", child_destroys, 0},
        {"destroys the engine first", child_destroys_engine_first, 0},
        {"asks", child_asks, 0},
        {"works", child_works, 0},
        {"works anew", child_works_anew, 0},
        {"steps", child_steps, 0},
        {"dies", child_dies, SIGKILL},
        {"exits", child_exits, 0},
        {"forks", child_forks, 0},
    };

    warm_up();
    base = descriptors();
    for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
        struct parent parent;
        snprintf(where, sizeof where, "a child that %s", children[i].name);
        set_up(&parent, module);
        pid_t pid = fork_child();
        if (pid == 0) {
            snprintf(where, sizeof where, "the child that %s", children[i].name);
            children[i].run(&parent);
            _exit(0);
        }
        if (i % 2) { /* after the child has done its worst, or meanwhile */
            expect(pid, children[i].status);
        }
        finish(parent.late, parent.late_fd);
        finish(parent.threaded, parent.threaded_fd);
        if (i % 2 == 0) {
            expect(pid, children[i].status);
        }
        CHECK(parent.engine_fd == wms_engine_fd(parent.engine));
        work(parent.engine, "memory://lab");
        work(parent.engine, "poor://thread");
        put_down(&parent);
    }
    snprintf(where, sizeof where, "a child whose engine has only connections");
    struct parent parent;
    set_up(&parent, module);
    finish(parent.late, parent.late_fd);
    finish(parent.threaded, parent.threaded_fd);
    parent.late = wms_request_unref(parent.late);
    parent.done = wms_request_unref(parent.done);
    parent.threaded = wms_request_unref(parent.threaded);
    pid_t idle = fork_child();
    if (idle == 0) {
        put_down(&parent);
        _exit(0);
    }
    expect(idle, 0);
    work(parent.engine, SLOW);
    work_by_engine(parent.engine, "memory://lab");
    put_down(&parent);

    many_children(module);
    children_while_busy(module);
    puts("fine");
}

/* ---- for Lua --------------------------------------------------------------------------------- */

static int lua_fork(lua_State *L)
{
    lua_pushinteger(L, fork_child());
    return 1;
}

/* The exit code, or nil and the signal. */
static int lua_wait(lua_State *L)
{
    int status;

    CHECK(waitpid((pid_t) luaL_checkinteger(L, 1), &status, 0) > 0);
    if (WIFEXITED(status)) {
        lua_pushinteger(L, WEXITSTATUS(status));
        return 1;
    }
    lua_pushnil(L);
    lua_pushinteger(L, WTERMSIG(status));
    return 2;
}

/* (fd, seconds): whether it became readable. */
static int lua_poll(lua_State *L)
{
    struct pollfd poll_fd = {.fd = (int) luaL_checkinteger(L, 1), .events = POLLIN};

    lua_pushboolean(L, poll(&poll_fd, 1, (int) (luaL_checknumber(L, 2) * 1000)) == 1 &&
                           (poll_fd.revents & POLLIN));
    return 1;
}

static int lua_descriptors(lua_State *L)
{
    lua_pushinteger(L, descriptors());
    return 1;
}

static int lua_die(lua_State *L)
{
    (void) L;
    _exit(0);
}

/* What the descriptor is, or nil. */
/* limit(n): no descriptor above n from here on; returns the limit before. */
static int lua_limit(lua_State *L)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    lua_pushinteger(L, (lua_Integer) limit.rlim_cur);
    limit.rlim_cur = (rlim_t) luaL_checkinteger(L, 1);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return 1;
}

static int lua_link(lua_State *L)
{
    char path[64], target[256];

    snprintf(path, sizeof path, "/proc/self/fd/%d", (int) luaL_checkinteger(L, 1));
    ssize_t size = readlink(path, target, sizeof target);
    if (size < 0) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, target, (size_t) size);
    }
    return 1;
}

static int run_lua(const char *file)
{
    static const luaL_Reg functions[] = {
        {"fork", lua_fork},   {"wait", lua_wait},
        {"poll", lua_poll},   {"descriptors", lua_descriptors},
        {"die", lua_die},     {"link", lua_link},
        {"limit", lua_limit}, {NULL, NULL},
    };

    warm_up();
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    luaL_requiref(L, "wms", luaopen_wms, 1);
    lua_pop(L, 1);
    for (const luaL_Reg *function = functions; function->name; function++) {
        lua_register(L, function->name, function->func);
    }
#ifdef __SANITIZE_ADDRESS__
    lua_pushboolean(L, 1);
#else
    lua_pushboolean(L, 0);
#endif
    lua_setglobal(L, "sanitized");
    if (luaL_loadfile(L, strcmp(file, "-") == 0 ? NULL : file) || lua_pcall(L, 0, 0, 0)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    lua_close(L);
    return 0;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    if (strcmp(argv[1], "core") == 0) {
        core(argv[2]);
        return 0;
    }
    return run_lua(argv[2]);
}
