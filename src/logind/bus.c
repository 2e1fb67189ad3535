/* SPDX-License-Identifier: MIT */
/* bus.c - the connection: sd-bus in the engine's loop. */
#define _GNU_SOURCE /* secure_getenv */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "logind.h"

enum {
    MESSAGES_AT_ONCE = 256
}; /* handled in one go, before the engine's other descriptors have their turn */

/* ---- memory ---------------------------------------------------------------------------------- */

void *logind_alloc(struct logind *conn, size_t size)
{
    void *block = conn->services->resize(conn->engine, NULL, size);
    return block ? memset(block, 0, size) : NULL;
}

void *logind_free(struct logind *conn, void *block)
{
    return block ? conn->services->resize(conn->engine, block, 0) : NULL;
}

char *logind_copy(struct logind *conn, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = conn->services->resize(conn->engine, NULL, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

uint64_t logind_hash(const struct logind *conn, const char *text)
{
    return wms_hash(&conn->key, text, strlen(text));
}

/* ---- the loop -------------------------------------------------------------------------------- */

void logind_fail(struct logind *conn, int code, const char *text)
{
    if (!conn->failure) {
        conn->failure = code;
        snprintf(conn->failure_text, sizeof conn->failure_text, "%s", text);
    }
}

static void fail_at(struct logind *conn, int code, const char *text)
{
    char whole[sizeof conn->failure_text];
    snprintf(whole, sizeof whole, "%s: %.250s", text, conn->address);
    logind_fail(conn, code, whole);
}

void logind_fail_errno(struct logind *conn, int error)
{
    if (!conn->failure) {
        conn->cause = error;
    }
    switch (-error) {
    case ENOMEM:
        logind_fail(conn, WMS_E_NO_MEMORY, "out of memory");
        break;
    case EMFILE:
    case ENFILE:
        logind_fail(conn, WMS_E_INTERNAL, "no descriptor left for the bus");
        break;
    case ENOENT:
    case ECONNREFUSED:
        fail_at(conn, WMS_E_UNREACHABLE, "no system bus listens there");
        break;
    case EPERM: /* sd-bus returns this also if the bus has another guid */
        if (strstr(conn->address, "guid=")) {
            fail_at(
                conn, WMS_E_UNTRUSTED,
                "another bus than the one with this guid, or one that is not open to this user");
            break;
        }
        /* fall through */
    case EACCES:
        fail_at(conn, WMS_E_ACCESS_DENIED, "the system bus is not open to this user");
        break;
    case EINVAL:
        fail_at(conn, WMS_E_UNREACHABLE, "the address of the bus cannot be understood");
        break;
    case EBADMSG:
    case EPROTO:
    case EIO:
    case ENOBUFS: /* a message, or a line of the authentication, is too long */
        logind_fail(conn, WMS_E_PROTOCOL, "the bus sent what is no D-Bus message");
        break;
    case ETIMEDOUT:
        logind_fail(conn, WMS_E_TIMEOUT, "the bus did not answer in time");
        break;
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE:
        logind_fail(conn, WMS_E_UNREACHABLE,
                    conn->up ? "the connection to the bus broke" : "the bus closed the connection");
        break;
    default: {
        char text[80];
        snprintf(text, sizeof text, "the bus cannot be reached (error %d of the system)", -error);
        fail_at(conn, WMS_E_UNREACHABLE, text);
    }
    }
}

static void on_ready(void *data, int events);

/* While connecting, sd-bus may close a socket and try the next address: the new socket has to be
 * watched then. */
static int watch(struct logind *conn)
{
    struct stat status;
    int fd = sd_bus_get_fd(conn->bus);
    if (fd < 0 || fstat(fd, &status) < 0) {
        return fd < 0 ? fd : -errno;
    }
    if (conn->poll && fd == conn->fd && status.st_ino == conn->inode) {
        return 0;
    }
    conn->services->poll_free(conn->poll);
    conn->poll = NULL;
    conn->events = 0;
    int error = conn->services->poll_new(conn->engine, fd, on_ready, conn, &conn->poll);
    if (error) {
        conn->poll = NULL;
        return error == WMS_E_NO_MEMORY ? -ENOMEM : -EMFILE;
    }
    conn->fd = fd;
    conn->inode = status.st_ino;
    return 0;
}

static void set_deadline(struct logind *conn, uint64_t deadline)
{
    struct timespec now;
    if (deadline == conn->deadline) {
        return;
    }
    conn->deadline = deadline;
    if (deadline == UINT64_MAX) {
        conn->services->timer_set(conn->timer, -1);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double left = (double) deadline / 1e6 - ((double) now.tv_sec + (double) now.tv_nsec / 1e9);
    conn->services->timer_set(conn->timer, left > 0 ? left : 0);
}

/* Tells the loop what sd-bus waits for. */
static int rearm(struct logind *conn)
{
    uint64_t deadline = UINT64_MAX;
    int r = conn->up ? 0 : watch(conn);
    int wanted = r < 0 ? r : sd_bus_get_events(conn->bus);
    if (wanted < 0 || (r = sd_bus_get_timeout(conn->bus, &deadline)) < 0) {
        return wanted < 0 ? wanted : r;
    }
    int events = (wanted & POLLIN ? WMS_READABLE : 0) | (wanted & POLLOUT ? WMS_WRITABLE : 0);
    if (events != conn->events) {
        if (conn->services->poll_set(conn->poll, events) < 0) {
            return -EIO;
        }
        conn->events = events;
    }
    set_deadline(conn, deadline);
    return 0;
}

static bool idle(const struct logind *conn)
{
    return conn->up && node_alone(&conn->tasks);
}

/* To be called before sd-bus answers all calls under way with errors: the engine decides what
 * becomes of those. */
static void fail_if_closed(struct logind *conn)
{
    if (!conn->failure && conn->bus && sd_bus_is_open(conn->bus) <= 0) {
        logind_fail_errno(conn, -ECONNRESET);
    }
}

/* Handles incoming messages as long as something is expected: so a single reply costs no further
 * system call.
 */
static void process(struct logind *conn)
{
    int r = 1;
    for (int i = 0; i < MESSAGES_AT_ONCE && r > 0 && !conn->failure && conn->bus &&
                    sd_bus_is_open(conn->bus) > 0;
         i++) {
        if (i > 0 && idle(conn)) {
            break;
        }
        r = sd_bus_process(conn->bus, NULL);
        if (r < 0) {
            logind_fail_errno(conn, r);
        }
    }
    fail_if_closed(conn);
}

static void pump(struct logind *conn)
{
    if (conn->abandoned == LOGIND_IN_FLIGHT && !node_alone(&conn->waiting)) {
        logind_fail(conn, WMS_E_UNREACHABLE, "a hundred questions were never answered");
    }
    while (conn->in_flight < LOGIND_IN_FLIGHT && !node_alone(&conn->waiting) && !conn->failure) {
        struct logind_call *call = NODE_OWNER(conn->waiting.next, struct logind_call, waiting);
        node_remove(&call->waiting);
        int r = call->send(call);
        if (r < 0) {
            logind_fail_errno(conn, r);
        }
    }
}

/* If nothing is under way, the loop may not have run for long: reads the socket first, to notice
 * before sending whether the bus has closed the connection. */
void logind_enter(struct logind *conn)
{
    if (conn->depth++ == 0 && !conn->failure && idle(conn)) {
        process(conn);
    }
}

void logind_leave(struct logind *conn)
{
    if (conn->depth > 1) {
        conn->depth--;
        return;
    }
    pump(conn);
    fail_if_closed(conn);
    int r = conn->failure || !conn->bus ? 0 : rearm(conn);
    if (r < 0) {
        logind_fail_errno(conn, r);
    }
    if (conn->failure && !conn->told && (!conn->way || conn->way->settle(conn))) {
        conn->told = true;
        logind_shut(conn, false);
        conn->depth = 0;
        conn->services->broken(conn->link, conn->failure, conn->failure_text);
        return;
    }
    conn->depth = 0;
}

void logind_leave_quietly(struct logind *conn)
{
    if (--conn->depth > 0 || conn->told) {
        return;
    }
    if (conn->failure || !node_alone(&conn->waiting) || sd_bus_get_events(conn->bus) != POLLIN) {
        set_deadline(conn, 0);
    }
}

static void turn(struct logind *conn)
{
    if (conn->depth > 0 || conn->told) {
        return;
    }
    conn->depth = 1;
    process(conn);
    logind_leave(conn);
}

static void on_ready(void *data, int events)
{
    (void) events;
    turn(data);
}

static void on_timer(void *data)
{
    struct logind *conn = data;
    conn->deadline = UINT64_MAX;
    turn(conn);
}

/* ---- calls ----------------------------------------------------------------------------------- */

void logind_call_init(struct logind *conn, struct logind_call *call)
{
    call->conn = conn;
    call->slot = NULL;
    node_init(&call->waiting);
}

void logind_call_start(struct logind_call *call, int (*send)(struct logind_call *call),
                       void (*done)(struct logind_call *call, sd_bus_message *reply))
{
    call->send = send;
    call->done = done;
    node_append(&call->conn->waiting, &call->waiting);
    pump(call->conn);
}

/* A call under way counts until its reply comes, as it does for the bus; conn->nobody takes the
 * reply. */
void logind_call_drop(struct logind_call *call)
{
    struct logind *conn = call->conn;
    node_remove(&call->waiting);
    if (call->slot && conn->bus) {
        sd_bus_slot_set_userdata(call->slot, &conn->nobody);
        conn->abandoned++;
        sd_bus_slot_set_floating(call->slot, 1);
        sd_bus_slot_unref(call->slot);
    }
    call->slot = NULL;
}

static void nobody_done(struct logind_call *call, sd_bus_message *reply)
{
    (void) reply;
    call->conn->abandoned--;
}

static int on_reply(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct logind_call *call = data;
    struct logind *conn = call->conn;
    (void) error;
    conn->in_flight--;
    call->slot = sd_bus_slot_unref(call->slot);
    call->done(call, reply);
    pump(conn);
    return 1;
}

/* Sends the message and gives back the reference on it.  `r`: the result of making it; negative: it
 * is not sent. */
static int send_message(struct logind_call *call, sd_bus_message *message, int r)
{
    if (r >= 0) {
        /* no timeout in sd-bus: the engine has its own */
        r = sd_bus_call_async(call->conn->bus, &call->slot, message, on_reply, call, UINT64_MAX);
    }
    sd_bus_message_unref(message);
    if (r < 0) {
        call->slot = NULL;
        return r;
    }
    call->conn->in_flight++;
    return 0;
}

int logind_send(struct logind_call *call, const char *path, const char *interface,
                const char *member, const char *types, ...)
{
    sd_bus_message *message = NULL;
    va_list arguments;
    int r = sd_bus_message_new_method_call(call->conn->bus, &message, LOGIND_NAME, path, interface,
                                           member);
    if (r >= 0) {
        va_start(arguments, types);
        r = sd_bus_message_appendv(message, types, arguments);
        va_end(arguments);
    }
    return send_message(call, message, r);
}

int logind_send_to(struct logind_call *call, const char *owner, const char *member, const char *id)
{
    sd_bus_message *message = NULL;
    int r = sd_bus_message_new_method_call(call->conn->bus, &message, owner, LOGIND_PATH,
                                           LOGIND_MANAGER, member);
    r = r < 0 ? r : sd_bus_message_append(message, "s", id);
    return send_message(call, message, r);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

void logind_task_begin(struct logind *conn, struct logind_task *task, void **owner,
                       void (*free)(struct logind *conn, struct logind_task *task))
{
    task->owner = owner;
    task->free = free;
    node_append(&conn->tasks, &task->node);
    *owner = task;
}

void logind_task_end(struct logind *conn, struct logind_task *task)
{
    *task->owner = NULL;
    node_remove(&task->node);
    task->free(conn, task);
}

/* ---- matches --------------------------------------------------------------------------------- */

static void add_match(struct logind *conn, size_t i)
{
    if (conn->failure || conn->matches[i]) {
        return;
    }
    const struct logind_match *match = &conn->signals->matches[i];
    int r = sd_bus_add_match_async(conn->bus, &conn->matches[i], match->rule, match->handler,
                                   conn->signals->matched, conn);
    if (r < 0) {
        conn->matches[i] = NULL;
        logind_fail_errno(conn, r);
    }
}

static void drop_match(struct logind *conn, size_t i)
{
    conn->matches[i] = conn->bus ? sd_bus_slot_unref(conn->matches[i]) : NULL;
}

void logind_matches_begin(struct logind *conn)
{
    for (size_t i = LOGIND_ALWAYS; i < LOGIND_MATCHES; i++) {
        add_match(conn, i);
    }
}

void logind_matches_end(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_MATCHES; i++) {
        drop_match(conn, i);
    }
}

/* If the bus has refused a match, all are tried again for the next observer. */
static void add_changed(struct logind *conn)
{
    if (conn->unmatched) {
        logind_matches_end(conn);
        conn->unmatched = 0;
    }
    add_match(conn, LOGIND_CHANGED);
    logind_matches_begin(conn);
}

void logind_matches_observe(struct logind *conn, bool wanted)
{
    if (wanted) {
        add_changed(conn);
    } else if (node_alone(&conn->watches)) {
        drop_match(conn, LOGIND_CHANGED);
    }
}

void logind_matches_watch(struct logind *conn, bool wanted)
{
    if (wanted) {
        add_changed(conn);
        add_match(conn, LOGIND_NEW);
        return;
    }
    drop_match(conn, LOGIND_NEW);
    if (conn->watcher_count == 0) {
        drop_match(conn, LOGIND_CHANGED);
    }
}

/* ---- opening and shutting -------------------------------------------------------------------- */

/* The same address as sd_bus_open_system() uses. */
static const char *system_address(void)
{
    const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    return address ? address : "unix:path=/run/dbus/system_bus_socket";
}

int logind_open_begin(struct logind *conn, const char *address)
{
    conn->nobody.done = nobody_done;
    conn->address = logind_copy(conn, address);
    conn->timer = conn->address ? conn->services->timer_new(conn->engine, on_timer, conn) : NULL;
    return conn->timer ? 0 : -ENOMEM;
}

int logind_open(struct logind *conn, const char *addresses)
{
    int r = logind_open_begin(conn, addresses ? addresses : system_address());
    if (r < 0) {
        return r;
    }
    if (!addresses) {
        r = sd_bus_open_system(&conn->bus);
    } else {
        r = sd_bus_new(&conn->bus);
        r = r < 0 ? r : sd_bus_set_address(conn->bus, addresses);
        r = r < 0 ? r : sd_bus_set_bus_client(conn->bus, 1);
        r = r < 0 ? r : sd_bus_start(conn->bus);
    }
    return r;
}

int logind_open_fd(struct logind *conn, int fd)
{
    int r = sd_bus_new(&conn->bus);
    r = r < 0 ? r : sd_bus_set_fd(conn->bus, fd, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    r = sd_bus_set_bus_client(conn->bus, 1);
    return r < 0 ? r : sd_bus_start(conn->bus);
}

void logind_pause(struct logind *conn)
{
    if (conn->poll && conn->events) {
        conn->services->poll_set(conn->poll, 0);
        conn->events = 0;
    }
    set_deadline(conn, UINT64_MAX);
}

void logind_close(struct logind *conn)
{
    logind_matches_end(conn);
    logind_call_drop(&conn->own.call);
    conn->services->poll_free(conn->poll);
    conn->poll = NULL;
    conn->events = 0;
    set_deadline(conn, UINT64_MAX);
    conn->bus = sd_bus_close_unref(conn->bus);
    conn->fd = -1;
    conn->in_flight = conn->abandoned = 0;
    conn->failure = conn->cause = 0;
}

/* A forked child shares the socket with its parent.  There, sd-bus refuses every call and frees
 * nothing, so the child closes the descriptor and leaks sd-bus's memory. */
void logind_shut(struct logind *conn, bool forked)
{
    if (forked) {
        if (conn->bus && conn->fd >= 0) {
            close(conn->fd);
        }
        conn->bus = NULL;
    }
    while (!node_alone(&conn->tasks)) {
        logind_task_end(conn, NODE_OWNER(conn->tasks.next, struct logind_task, node));
    }
    logind_matches_end(conn);
    logind_call_drop(&conn->own.call);
    conn->services->poll_free(conn->poll);
    conn->poll = NULL;
    conn->services->timer_free(conn->timer);
    conn->timer = NULL;
    conn->bus = sd_bus_close_unref(conn->bus);
    conn->fd = -1;
    if (conn->way) {
        conn->way->shut(conn, forked);
    }
}
