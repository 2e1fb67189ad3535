/* SPDX-License-Identifier: MIT */
/* ssh.c - a command on another machine, by the user's own OpenSSH program. */
#define _GNU_SOURCE
#include "ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/node.h"
#include "spawn.h"
#include "words.h"

enum {
    WORDS = 2048,      /* of its error stream, the last ones are kept */
    FLOOD = 1 << 20,   /* more than that is no error text */
    READ_AT_ONCE = 16, /* pieces, before the engine's other descriptors have their turn */
    ARGUMENTS = 64,    /* besides those of ssh_command */
    LAST_LOOKS = 20,   /* of 10 ms each, at those that still run when an engine ends */
};

#define PATIENCE 2.0 /* seconds between SIGTERM and SIGKILL */

/* What an engine has of ours: those that were told to end, and still run. */
struct home {
    const struct wms_services *services;
    wms_engine *engine;
    struct node ending;
};

struct logind_ssh {
    struct home *home;
    struct node node;
    struct logind_process process;
    struct wms_poll *poll; /* of its error stream; when it is ending, of its handle */
    struct wms_timer *timer;
    void (*ended)(void *data);
    void *data;
    int errors; /* its error stream; -1: it is over */
    size_t flood, length;
    char words[WORDS];
};

static void *take(const struct logind_place *place, size_t size)
{
    void *block = place->services->resize(place->engine, NULL, size);
    return block ? memset(block, 0, size) : NULL;
}

static void *drop(const struct logind_place *place, void *block)
{
    return block ? place->services->resize(place->engine, block, 0) : NULL;
}

/* ---- what it is started with ----------------------------------------------------------------- */

static const char *const default_command[] = {"ssh", NULL};

static const char *const *command_of(const struct logind_place *place)
{
    const wms_transport *transport = place->services->transport(place->engine);
    bool given =
        WMS_GIVEN(place->services, transport, ssh_command) && transport && transport->ssh_command;
    return given ? transport->ssh_command : default_command;
}

/* The options that this use needs, whatever the user's configuration says of them for shells:
 *  -x -a -T: no windows, no agent and no terminal over there.
 *  BatchMode: never asks for anything.
 *  ServerAlive: a host that has gone without a word is noticed, also by an idle connection, and a
 *  request that waits in a dead one is not delivered hours later.
 *  ControlMaster: one that runs is used; to become one would mean that others' connections end with
 *  ours, or that a process stays behind.
 *  RemoteCommand, PermitLocalCommand, ClearAllForwardings: nothing else runs, or speaks on the
 *  stream.
 *  LogLevel: the reason of a failure is told. */
static const char *const always[] = {"-xaT",
                                     "-oBatchMode=yes",
                                     "-oConnectTimeout=10",
                                     "-oServerAliveInterval=15",
                                     "-oServerAliveCountMax=3",
                                     "-oControlMaster=no",
                                     "-oRemoteCommand=none",
                                     "-oPermitLocalCommand=no",
                                     "-oClearAllForwardings=yes",
                                     "-oLogLevel=INFO",
                                     NULL};

struct vector {
    const char **words;
    size_t count;
};

static void add_all(struct vector *vector, const char *const *words)
{
    while (words && *words) {
        vector->words[vector->count++] = *words++;
    }
}

static size_t count_of(const char *const *words)
{
    size_t count = 0;
    while (words && words[count]) {
        count++;
    }
    return count;
}

/* NULL: out of memory.  `port`: room for the number. */
static const char **make_arguments(const struct logind_place *place, const char *const *options,
                                   const char *command, char port[12])
{
    const char *const *program = command_of(place);
    const struct wms_address *address = place->address;
    size_t room = count_of(program) + count_of(options) + ARGUMENTS;
    struct vector vector = {.words = take(place, room * sizeof *vector.words)};
    if (!vector.words) {
        return NULL;
    }
    add_all(&vector, program);
    add_all(&vector, options); /* of two values ssh takes the first */
    add_all(&vector, always);
    if (address->port) {
        snprintf(port, 12, "%u", address->port);
        add_all(&vector, (const char *const[]){"-p", port, NULL});
    }
    if (address->user) {
        add_all(&vector, (const char *const[]){"-l", address->user, NULL});
    }
    add_all(&vector, (const char *const[]){"--", address->host, command, NULL});
    return vector.words;
}

/* The program's environment, but for what could make ssh ask somebody, or speak another language.
 * (Before OpenSSH 8.4 the last one is unknown, and the other makes each question fail.) */
static const char **make_environment(const struct logind_place *place)
{
    static const char *const ours[] = {"LC_ALL=C", "SSH_ASKPASS=/bin/false",
                                       "SSH_ASKPASS_REQUIRE=never", NULL};
    const char *const *theirs = (const char *const *) environ;
    struct vector vector = {
        .words = take(place, (count_of(theirs) + count_of(ours) + 1) * sizeof *vector.words)};
    if (!vector.words) {
        return NULL;
    }
    for (; theirs && *theirs; theirs++) {
        if (strncmp(*theirs, "LC_ALL=", 7) != 0 && strncmp(*theirs, "SSH_ASKPASS", 11) != 0) {
            vector.words[vector.count++] = *theirs;
        }
    }
    add_all(&vector, ours);
    return vector.words;
}

/* Nothing that any shell takes for more than a letter. */
static bool is_plain(const char *command)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                " -_./:=,@+";
    return *command && strspn(command, plain) == strlen(command);
}

/* ---- its error stream ------------------------------------------------------------------------ */

static void keep_words(struct logind_ssh *ssh, const char *piece, size_t length)
{
    ssh->flood += length;
    if (length >= WORDS) {
        memcpy(ssh->words, piece + length - WORDS, WORDS);
        ssh->length = WORDS;
        return;
    }
    if (ssh->length + length > WORDS) {
        size_t excess = ssh->length + length - WORDS;
        memmove(ssh->words, ssh->words + excess, ssh->length - excess);
        ssh->length -= excess;
    }
    memcpy(ssh->words + ssh->length, piece, length);
    ssh->length += length;
}

/* Reads what is there; true: the stream has ended, or nothing more of it is wanted. */
static bool read_words(struct logind_ssh *ssh)
{
    char piece[4096];
    for (int i = 0; i < READ_AT_ONCE; i++) {
        ssize_t length = read(ssh->errors, piece, sizeof piece);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        if (length <= 0) {
            return true;
        }
        keep_words(ssh, piece, (size_t) length);
        if (ssh->flood > FLOOD) {
            return true;
        }
    }
    return false;
}

static void close_errors(struct logind_ssh *ssh)
{
    ssh->home->services->poll_free(ssh->poll);
    ssh->poll = NULL;
    if (ssh->errors >= 0) {
        close(ssh->errors);
        ssh->errors = -1;
    }
}

static void on_words(void *data, int events)
{
    struct logind_ssh *ssh = data;
    (void) events;
    if (!read_words(ssh)) {
        return;
    }
    close_errors(ssh);
    if (ssh->ended) {
        ssh->ended(ssh->data);
    }
}

bool logind_ssh_is_over(const struct logind_ssh *ssh)
{
    return ssh->errors < 0;
}

bool logind_ssh_why(struct logind_ssh *ssh, struct logind_fault *ret_fault)
{
    if (ssh->errors >= 0) {
        read_words(ssh);
    }
    if (ssh->flood > FLOOD) {
        *ret_fault =
            (struct logind_fault){.code = WMS_E_PROTOCOL,
                                  .text = "the host sends more than a megabyte of error messages"};
        return true;
    }
    return logind_words_explain(ssh->words, ssh->length, ret_fault);
}

bool logind_ssh_said(struct logind_ssh *ssh, const char *word)
{
    if (ssh->errors >= 0) {
        read_words(ssh);
    }
    return ssh->length > 0 && memmem(ssh->words, ssh->length, word, strlen(word));
}

/* ---- its end --------------------------------------------------------------------------------- */

static void ssh_free(struct logind_ssh *ssh)
{
    const struct wms_services *services = ssh->home->services;
    node_remove(&ssh->node);
    services->timer_free(ssh->timer);
    close_errors(ssh);
    logind_process_close(&ssh->process);
    services->resize(ssh->home->engine, ssh, 0);
}

static void on_gone(void *data, int events)
{
    struct logind_ssh *ssh = data;
    (void) events;
    logind_process_reap(&ssh->process);
    ssh_free(ssh);
}

static void on_patience(void *data)
{
    const struct logind_ssh *ssh = data;
    logind_process_kill(&ssh->process);
}

/* It goes on running for a moment: waits for its end in the loop.  False: it cannot be waited for.
 */
static bool await_end(struct logind_ssh *ssh)
{
    const struct wms_services *services = ssh->home->services;
    ssh->timer = services->timer_new(ssh->home->engine, on_patience, ssh);
    if (!ssh->timer ||
        services->poll_new(ssh->home->engine, ssh->process.handle, on_gone, ssh, &ssh->poll) < 0) {
        ssh->poll = NULL;
        return false;
    }
    if (services->poll_set(ssh->poll, WMS_READABLE) < 0) {
        return false;
    }
    services->timer_set(ssh->timer, PATIENCE);
    return true;
}

void logind_ssh_end(struct logind_ssh *ssh, bool forked)
{
    if (!ssh) {
        return;
    }
    bool over = logind_ssh_is_over(ssh);
    close_errors(ssh);
    ssh->ended = NULL;
    if (forked) {
        ssh_free(ssh);
        return;
    }
    logind_process_end(&ssh->process, over);
    if (logind_process_runs(&ssh->process)) {
        if (await_end(ssh)) {
            node_append(&ssh->home->ending, &ssh->node);
            return;
        }
        logind_process_kill(&ssh->process);
    }
    logind_process_reap(&ssh->process);
    ssh_free(ssh);
}

/* Those that were told to end a moment ago get a moment more. */
static void end_all(struct home *home)
{
    int looks = LAST_LOOKS;
    while (!node_alone(&home->ending)) {
        struct logind_ssh *ssh = NODE_OWNER(home->ending.next, struct logind_ssh, node);
        struct pollfd handle = {.fd = ssh->process.handle, .events = POLLIN};
        while (looks > 0 && poll(&handle, 1, 10) == 0) {
            looks--;
        }
        logind_process_kill(&ssh->process);
        poll(&handle, 1, 100); /* what is killed is gone at once */
        logind_process_reap(&ssh->process);
        ssh_free(ssh);
    }
}

void logind_ssh_retire(const struct wms_provider *self, const struct wms_services *services,
                       wms_engine *engine, bool forked)
{
    void **slot = services->slot(engine, self);
    struct home *home = slot ? *slot : NULL;
    if (!home) {
        return;
    }
    while (forked && !node_alone(&home->ending)) {
        ssh_free(NODE_OWNER(home->ending.next, struct logind_ssh, node));
    }
    end_all(home);
    *slot = NULL;
    services->resize(engine, home, 0);
}

/* ---- its start ------------------------------------------------------------------------------- */

static struct home *home_of(const struct logind_place *place)
{
    void **slot = place->services->slot(place->engine, place->self);
    struct home *home = slot ? *slot : NULL;
    if (slot && !home) {
        home = take(place, sizeof *home);
        if (home) {
            home->services = place->services;
            home->engine = place->engine;
            node_init(&home->ending);
            *slot = home;
        }
    }
    return home;
}

static int no_memory(struct logind_fault *ret_fault)
{
    *ret_fault = (struct logind_fault){.code = WMS_E_NO_MEMORY};
    return WMS_E_NO_MEMORY;
}

static int fail_start(const struct logind_place *place, int error, struct logind_fault *ret_fault)
{
    const char *program = command_of(place)[0];
    bool missing = error == -ENOENT || error == -EACCES || error == -ENOTDIR;
    if (error == -ENOMEM) {
        return no_memory(ret_fault);
    }
    *ret_fault = (struct logind_fault){.code = missing ? WMS_E_NO_PROVIDER : WMS_E_INTERNAL,
                                       .text = ret_fault->buffer};
    if (!missing) {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer,
                 "%.200s cannot be started: no descriptor or no process is left (error %d of the "
                 "system)",
                 program, -error);
    } else if (command_of(place) == default_command) {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer,
                 "there is no program ssh in PATH, by which other machines are reached; install "
                 "openssh-client (Fedora: openssh-clients)");
    } else {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer,
                 "the program \"%.200s\", which ssh_command names, is not there, or is none",
                 program);
    }
    return ret_fault->code;
}

/* The stream's two ends, and the error stream's: ours in [0], ssh's in [1].  0 or -errno. */
static int make_streams(int stream[2], int errors[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0) {
        return -errno;
    }
    bool piped = pipe2(errors, O_CLOEXEC) == 0;
    if (piped && fcntl(errors[0], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(stream[0], F_SETFL, O_NONBLOCK) == 0) {
        return 0;
    }
    int error = -errno;
    close(stream[0]);
    close(stream[1]);
    if (piped) {
        close(errors[0]);
        close(errors[1]);
    }
    return error;
}

/* 0, or a negative errno. */
static int run(const struct logind_place *place, const char *const *options, const char *command,
               int stream, int errors, struct logind_process *ret_process)
{
    char port[12];
    const char **arguments = make_arguments(place, options, command, port);
    const char **environment = make_environment(place);
    void *room = take(place, LOGIND_SPAWN_ROOM);
    int error = -ENOMEM;
    if (arguments && environment && room) {
        error = logind_spawn(arguments, environment, stream, errors, room, ret_process);
    }
    drop(place, room);
    drop(place, environment);
    drop(place, arguments);
    return error;
}

/* Gives it the streams, and starts it: 0, or a negative errno. */
static int start(const struct logind_place *place, const char *const *options, const char *command,
                 struct logind_ssh *ssh, int *ret_fd)
{
    const struct wms_services *services = place->services;
    int stream[2] = {-1, -1}, errors[2] = {-1, -1};
    int error = make_streams(stream, errors);
    if (error) {
        return error;
    }
    ssh->errors = errors[0];
    int code = services->poll_new(place->engine, ssh->errors, on_words, ssh, &ssh->poll);
    code = code ? code : services->poll_set(ssh->poll, WMS_READABLE);
    error = code == WMS_E_NO_MEMORY ? -ENOMEM : code ? -EMFILE : 0;
    error = error ? error : run(place, options, command, stream[1], errors[1], &ssh->process);
    close(stream[1]);
    close(errors[1]);
    if (error) {
        close(stream[0]);
        return error;
    }
    *ret_fd = stream[0];
    return 0;
}

int logind_ssh_start(const struct logind_place *place, const char *const *options,
                     const char *command, void (*ended)(void *data), void *data,
                     struct logind_ssh **ret_ssh, int *ret_fd, struct logind_fault *ret_fault)
{
    struct home *home = home_of(place);
    if (!is_plain(command)) {
        *ret_fault = (struct logind_fault){
            .code = WMS_E_UNSUPPORTED,
            .text = "for another machine: a character that its shell may take for more than a "
                    "letter"};
        return WMS_E_UNSUPPORTED;
    }
    struct logind_ssh *ssh = home ? take(place, sizeof *ssh) : NULL;
    if (!ssh) {
        return no_memory(ret_fault);
    }
    node_init(&ssh->node);
    ssh->home = home;
    ssh->errors = ssh->process.handle = -1;
    ssh->ended = ended;
    ssh->data = data;
    int error = start(place, options, command, ssh, ret_fd);
    if (error) {
        ssh_free(ssh);
        return fail_start(place, error, ret_fault);
    }
    *ret_ssh = ssh;
    return 0;
}
