/* SPDX-License-Identifier: MIT */
/* blocking.c - engines that go while calls of theirs block, and what becomes of the threads.
 *
 *     blocking MODULE FOLDER     the provider blocking.so, and where files may be made
 *
 * `make check-tsan` runs the same under the thread sanitizer.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support.h"

static const char *module;
static struct heap heap;
static int base;      /* descriptors before there was an engine */
static int gate = -1; /* each byte lets one call go on */

static void *resize(void *data, void *block, size_t size)
{
    return heap_resize(data, block, size);
}

static wms_engine *engine_new(void)
{
    const struct wms_alloc alloc = {resize, &heap};
    wms_engine *engine;

    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_load(engine, "blocking", module) == 0);
    return engine;
}

/* The sessions from `first` on, `count` of them. */
static wms_request *start(wms_engine *engine, const char *server, uint32_t first, size_t count)
{
    const char *servers[] = {server};
    wms_id ids[32];
    wms_command command;
    wms_request *request;

    for (size_t i = 0; i < count; i++) {
        ids[i] = (wms_id){.number = first + (uint32_t) i};
    }
    wms_command_init(&command, WMS_UNLOCK);
    command.servers = servers;
    command.server_count = 1;
    command.ids = ids;
    command.id_count = count;
    command.timeout = 20;
    CHECK(wms_start(engine, &command, &request) == 0);
    return request;
}

/* As a program's own loop would. */
static void finish(wms_request *request)
{
    struct pollfd poll_fd = {.fd = wms_request_fd(request), .events = POLLIN};

    while (wms_request_done(request) == 0) {
        CHECK(poll(&poll_fd, 1, 20000) == 1);
        CHECK(wms_request_step(request) == 0);
    }
}

/* What the provider has counted in this process. */
static unsigned count(wms_engine *engine, const char *name)
{
    static const char *const servers[] = {"blocking://counts"};
    wms_command command;
    wms_request *request;
    unsigned number = 0;

    wms_command_init(&command, WMS_CALL);
    command.servers = servers;
    command.server_count = 1;
    command.interface_name = "I";
    command.operation = "counts";
    CHECK(wms_start(engine, &command, &request) == 0);
    CHECK(wms_request_wait(request, 20) == 1);
    const wms_value *table = wms_request_value(request);
    CHECK(table && table->kind == WMS_TABLE);
    for (size_t i = 0; i < table->size; i++) {
        if (strcmp(table->items[i].name, name) == 0) {
            number = (unsigned) table->items[i].natural + 1;
        }
    }
    wms_request_unref(request);
    CHECK(number > 0);
    return number - 1;
}

static unsigned count_anew(const char *name)
{
    wms_engine *engine = engine_new();
    unsigned number = count(engine, name);

    wms_engine_unref(engine);
    return number;
}

/* Nothing but a counter says when a thread has got so far. */
static void await(wms_engine *engine, const char *name, unsigned number)
{
    for (int tries = 0; count(engine, name) != number; tries++) {
        if (tries > 20000) {
            fail("%s is %u, not %u", name, count(engine, name), number);
        }
        usleep(1000);
    }
}

static int threads(void)
{
    struct stat status;

    CHECK(stat("/proc/self/task", &status) == 0);
    return (int) status.st_nlink - 2;
}

static void await_threads(int number)
{
    for (int tries = 0; threads() != number; tries++) {
        if (tries > 20000) {
            fail("%d threads, not %d", threads(), number);
        }
        usleep(1000);
    }
}

static void release(size_t calls)
{
    static const char bytes[32];

    CHECK(write(gate, bytes, calls) == (ssize_t) calls);
}

/* The engine and what it had are gone, whatever its threads do.  A thread's first malloc() opens a
 * file for a moment, to count the processors. */
static void check_gone(void)
{
    CHECK(heap.blocks == 0);
    for (int tries = 0; descriptors() != base; tries++) {
        if (tries > 2000) {
            fail("%d descriptors, not %d", descriptors(), base);
        }
        usleep(1000);
    }
}

/* ---- what is shown --------------------------------------------------------------------------- */

/* Threads when none is ours; the thread sanitizer begins one of its own with the program's first.
 */
#ifdef __SANITIZE_THREAD__
enum { ALONE = 2 };
#else
enum { ALONE = 1 };
#endif
/* An engine's thread for the descriptors of single requests. */
enum { WAKER = 1 };

static void unused(void)
{
    wms_engine *engine = engine_new();

    CHECK(wms_engine_fd(engine) >= 0);
    int before = descriptors();
    count(engine, "made");
    CHECK(descriptors() == before && threads() == 1);
    wms_engine_unref(engine);
    check_gone();
}

static void results(void)
{
    wms_engine *engine = engine_new();
    wms_request *request = start(engine, "blocking://host", 1, 20);
    wms_outcome outcome;

    finish(request);
    CHECK(threads() <= ALONE + WAKER + 8);
    for (size_t i = 0; i < 20; i++) {
        CHECK(wms_request_outcome(request, i, &outcome) == 0);
        CHECK(outcome.state == WMS_REQUESTED && outcome.note && strstr(outcome.note, "was asked"));
    }
    wms_request_unref(request);
    wms_engine_unref(engine);
    check_gone();
    await_threads(ALONE);
}

/* A call for which there is no room was not begun.  `left`: the descriptors that there are; such a
 * call needs two. */
static void check_room(int left)
{
    wms_engine *engine = engine_new();
    unsigned begun = count(engine, "begun");
    struct rlimit before;
    wms_outcome outcome;

    CHECK(wms_engine_fd(engine) >= 0);
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(next >= 0 && close(next) == 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    const struct rlimit low = {.rlim_cur = (rlim_t) (next + left), .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
    wms_request *request = start(engine, "blocking://host", 1, 3);
    CHECK(wms_request_wait(request, 20) == 1);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    for (size_t i = 0; i < 3; i++) {
        CHECK(wms_request_outcome(request, i, &outcome) == 0);
        CHECK(left < 2 ? outcome.state == WMS_FAILED && outcome.code == WMS_E_INTERNAL
                       : outcome.state == WMS_REQUESTED);
    }
    wms_request_unref(request);
    CHECK(count(engine, "begun") == begun + (left < 2 ? 0 : 3));
    request = start(engine, "blocking://host", 1, 3);
    finish(request);
    wms_request_unref(request);
    CHECK(count(engine, "begun") == begun + (left < 2 ? 3 : 6));
    wms_engine_unref(engine);
    check_gone();
    await_threads(ALONE);
}

static void no_descriptors(void)
{
    for (int left = 0; left <= 2; left++) {
        check_room(left);
    }
}

/* The numbers of the engine's descriptors belong to others when its threads come back. */
static void late(void)
{
    wms_engine *engine = engine_new();
    unsigned disposed = count(engine, "disposed");
    wms_request *request = start(engine, "blocking://host", 100, 12);
    int others[64];

    await(engine, "inside", 8);
    wms_request_unref(request);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    for (int i = 0; i < 64; i++) {
        others[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        CHECK(others[i] >= 0);
    }
    release(8);
    await_threads(ALONE);
    for (int i = 0; i < 64; i++) {
        uint64_t written;
        CHECK(read(others[i], &written, sizeof written) < 0);
        close(others[i]);
    }
    check_gone();
    CHECK(count_anew("disposed") == disposed + 12);
}

/* Engines that go while calls return. */
static void races(void)
{
    enum { ROUNDS = 300 };
    unsigned made = count_anew("made");

    for (unsigned round = 0; round < ROUNDS; round++) {
        wms_engine *engine = engine_new();
        wms_request *request = start(engine, "blocking://host", 1, 20);
        wms_request *other = start(engine, "blocking://other", 1, 2);
        if (round % 3 == 1) {
            CHECK(wms_request_wait(other, 0.0001 * (round % 7)) >= 0);
        } else if (round % 3 == 2) {
            finish(request);
        }
        if (round % 2) {
            wms_request_cancel(request);
        }
        wms_request_unref(request);
        wms_request_unref(other);
        wms_engine_unref(engine);
        check_gone();
    }
    await_threads(ALONE);
    CHECK(count_anew("made") == made + ROUNDS * 22);
    CHECK(count_anew("disposed") == count_anew("made"));
}

static void given_back(size_t blocked)
{
    wms_engine *engine = engine_new();
    unsigned back = count(engine, "back");
    wms_request *hosts[12];

    for (int i = 0; i < 12; i++) {
        char server[32];
        snprintf(server, sizeof server, "blocking://back%d", i);
        hosts[i] = start(engine, server, 1, 1);
        finish(hosts[i]);
        wms_request_unref(hosts[i]);
    }
    wms_request *request = blocked ? start(engine, "blocking://host", 100, blocked) : NULL;
    await(engine, "inside", (unsigned) blocked);
    CHECK(count(engine, "back") == back);
    wms_request_unref(request);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    release(blocked);
    await_threads(ALONE);
    check_gone(); /* by now the library has closed its own descriptors, too */
    CHECK(count_anew("back") == back + 12);
}

/* With no thread, with one left, and with none left. */
static void always(void)
{
    given_back(0);
    given_back(7);
    given_back(8);
}

static void hung(void)
{
    wms_engine *engine = engine_new();
    wms_request *request = start(engine, "blocking://host", 200, 10);

    await(engine, "inside", 8);
    wms_request_unref(request);
    wms_engine_unref(engine);
    check_gone();
    CHECK(threads() == ALONE + 8);
    engine = engine_new(); /* its threads are its own */
    request = start(engine, "blocking://host", 1, 3);
    finish(request);
    wms_request_unref(request);
    wms_engine_unref(engine);
    check_gone();
    await_threads(ALONE + 8);
}

static void set_up(const char *folder)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/back", folder);
    setenv("BLOCKING_BACK", path, 1);
    snprintf(path, sizeof path, "%s/gate", folder);
    setenv("BLOCKING_GATE", path, 1);
    unlink(path); /* of a run that failed */
    CHECK(mkfifo(path, 0600) == 0);
    gate = open(path, O_RDWR | O_CLOEXEC);
    CHECK(gate >= 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"an engine that makes no such call", unused},
        {"results", results},
        {"no descriptors", no_descriptors},
        {"threads that come late", late},
        {"engines that go while calls return", races},
        {"what is given back", always},
        {"threads that never come", hung},
    };

    CHECK(argc == 3);
    module = argv[1];
    set_up(argv[2]);
    warm_up();
    count_anew("made"); /* the module is loaded for good */
    base = descriptors();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(where, sizeof where, "%s", all[i].name);
        all[i].run();
    }
    puts("fine");
    return 0; /* with eight threads that hang */
}
