/* SPDX-License-Identifier: MIT */
/* far.c - a program reaches Linux hosts over ssh, and nobody but it decides about its own signals,
 * children and descriptors.
 *
 *     far FOLDER CODE SERVER WORD...    the modules are in FOLDER; WORD... takes the place of ssh;
 *                                       each command to SERVER ends with CODE ("fine": as asked)
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { ROUNDS = 4, THREADS = 4, SIGNALS = 32 };

static const char *folder, *code, *server;
static const char *const *words;
static volatile sig_atomic_t children_ended;
static struct sigaction handlers[SIGNALS];
static sigset_t blocked;

static void on_child(int number)
{
    (void) number;
    children_ended++;
}

static void on_other(int number)
{
    (void) number;
}

/* A program with opinions: handlers, an ignored signal, a blocked one. */
static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_child};

    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    action.sa_handler = on_other;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    action.sa_handler = SIG_IGN;
    CHECK(sigaction(SIGPIPE, &action, NULL) == 0);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &blocked, NULL) == 0);
    for (int i = 1; i < SIGNALS; i++) {
        sigaction(i, NULL, &handlers[i]);
    }
}

static void check_signals(void)
{
    sigset_t now;

    CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction action;
        CHECK(sigismember(&now, i) == sigismember(&blocked, i));
        CHECK(sigaction(i, NULL, &action) == 0 && action.sa_handler == handlers[i].sa_handler);
    }
    CHECK(children_ended == 0);
    CHECK(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD);
}

static wms_engine *engine_new(const struct wms_alloc *alloc)
{
    wms_engine *engine;
    const wms_transport transport = {
        .connections = 4, .answer_size = 8000000, .ssh_command = words};

    CHECK(wms_engine_new(alloc, &engine) == 0);
    CHECK(wms_engine_module_folder(engine, folder) == 0);
    CHECK(wms_engine_transport(engine, &transport) == 0);
    return engine;
}

static void ask(wms_engine *engine)
{
    wms_command command;
    wms_request *request;
    wms_fault fault;

    wms_command_init(&command, WMS_SESSIONS);
    command.servers = &server;
    command.server_count = 1;
    CHECK(wms_start(engine, &command, &request) == 0);
    CHECK(wms_request_wait(request, 60) == 1);
    int error = wms_request_error(request, &fault);
    if (strcmp(error ? wms_error_name(fault.code) : "fine", code) != 0) {
        fail("%s: %s", wms_error_name(fault.code), fault.text);
    }
    wms_request_unref(request);
}

static void *in_thread(void *data)
{
    (void) data;
    wms_engine *engine = engine_new(NULL);
    ask(engine);
    ask(engine);
    wms_engine_unref(engine);
    return NULL;
}

/* The program's own child is its own: one SIGCHLD, and wait() finds it, and it alone. */
static void have_a_child(wms_engine *engine)
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        ask(engine); /* by a connection of its own */
        wms_engine_unref(engine);
        _exit(7);
    }
    CHECK(waitpid(-1, &status, 0) == child || errno == EINTR);
    while (children_ended == 0) {
        usleep(1000);
    }
    waitpid(child, &status, 0);
    CHECK(children_ended == 1);
    children_ended = 0;
}

int main(int argc, char **argv)
{
    struct heap heap = {0};
    const struct wms_alloc alloc = {heap_resize, &heap};
    pthread_t threads[THREADS];

    CHECK(argc > 4);
    folder = argv[1];
    code = argv[2];
    server = argv[3];
    words = (const char *const *) argv + 4;
    warm_up();
    take_signals();
    int before = descriptors();
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(where, sizeof where, "round %d", i);
        wms_engine *engine = engine_new(&alloc);
        ask(engine);
        check_signals();
        have_a_child(engine);
        ask(engine);
        check_signals();
        wms_engine_unref(engine);
        CHECK(heap.blocks == 0);
        CHECK(descriptors() == before);
    }
    strcpy(where, "threads");
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, in_thread, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    check_signals();
    CHECK(descriptors() == before);

    /* What adopts orphans gets ours as well, and they are gone with the engine. */
    strcpy(where, "a subreaper");
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    wms_engine *engine = engine_new(&alloc);
    ask(engine);
    wms_engine_unref(engine);
    CHECK(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD);
    CHECK(heap.blocks == 0 && descriptors() == before);
    puts("fine");
    return 0;
}
