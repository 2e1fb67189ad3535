/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "doorway.h"

enum { PATH_SIZE = sizeof((struct sockaddr_un *) NULL)->sun_path };

/* The socket's path as a D-Bus address, in which most bytes are escaped. */
static void address_of(const char *path, char *ret_address)
{
    static const char plain[] =
        "-_/.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *end = ret_address + sprintf(ret_address, "unix:path=");
    for (; *path; path++) {
        if (strchr(plain, *path)) {
            *end++ = *path;
        } else {
            end += sprintf(end, "%%%02x", (unsigned char) *path);
        }
    }
    *end = 0;
}

static int refuse(const struct wms_services *services, struct wms_link *link, int code,
                  const char *text)
{
    services->broken(link, code, text);
    return code;
}

static void conn_free(struct logind *conn)
{
    logind_known_clear(conn);
    logind_free(conn, conn->address);
    logind_free(conn, conn->root);
    logind_free(conn, conn);
}

/* The answer to the first call: logind is there.  Which session is the caller's is asked again when
 * it matters. */
static void first_done(struct logind_own *own, const struct logind_fault *fault, const char *path)
{
    struct logind *conn = own->call.conn;
    (void) path;
    if (fault && (fault->code == WMS_E_UNREACHABLE || fault->code == WMS_E_TIMEOUT ||
                  fault->code == WMS_E_BUSY || fault->code == WMS_E_NO_MEMORY)) {
        logind_fail(conn, fault->code, fault->text ? fault->text : "out of memory");
        return;
    }
    conn->up = true;
    conn->services->up(conn->link);
}

static void opened(struct logind *conn)
{
    logind_matches_begin(conn); /* first: so no change after an answer is missed */
    logind_own_ask(conn, &conn->own, first_done);
}

static void open_here(struct logind *conn, const char *path)
{
    char dbus_address[sizeof "unix:path=" + 3 * PATH_SIZE];
    if (path) {
        address_of(path, dbus_address);
    }
    int r = logind_open(conn, path ? dbus_address : NULL);
    r = r < 0 ? r : logind_root_of(conn, conn->address, &conn->root);
    if (r < 0) {
        logind_fail_errno(conn, r);
    } else {
        opened(conn);
    }
}

static int logind_connect(const struct wms_provider *self, const struct wms_services *services,
                          wms_engine *engine, struct wms_link *link,
                          const struct wms_address *address, void **ret_connection)
{
    if (!address->host && address->path && strlen(address->path) >= PATH_SIZE) {
        return refuse(services, link, WMS_E_UNREACHABLE, "the path is too long for a socket");
    }
    struct logind *conn = services->resize(engine, NULL, sizeof *conn);
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct logind){.services = services,
                            .signals = &logind_signals,
                            .engine = engine,
                            .link = link,
                            .opened = opened,
                            .fd = -1,
                            .deadline = UINT64_MAX,
                            .depth = 1};
    node_init(&conn->waiting);
    node_init(&conn->tasks);
    node_init(&conn->watches);
    for (size_t i = 0; i < LOGIND_BUCKETS; i++) {
        node_init(&conn->readers[i]);
    }
    node_init(&conn->lockers);
    node_init(&conn->doorways);
    node_init(&conn->userbuses);
    wms_key_new(&conn->key);
    logind_observe_init(conn);
    logind_call_init(conn, &conn->nobody);
    logind_call_init(conn, &conn->own.call);
    if (address->host) {
        logind_far_open(conn, &(struct logind_place){services, engine, self, address});
    } else {
        open_here(conn, address->path);
    }
    *ret_connection = conn;
    logind_leave(conn);
    return 0;
}

static void logind_disconnect(void *connection, bool forked)
{
    struct logind *conn = connection;
    logind_shut(conn, forked);
    conn_free(conn);
}

/* A connection whose failure was reported to the engine refuses ops.  One whose failure was not
 * reported yet still accepts them: the engine repeats them. */
static bool gone(const struct logind *conn)
{
    return conn->told;
}

/* Begins an op; false: it has been refused. */
static bool enter(struct logind *conn, struct wms_op *op)
{
    if (gone(conn)) {
        conn->services->lost(op, conn->failure, conn->failure_text);
        return false;
    }
    logind_enter(conn);
    return true;
}

static void list(void *connection, struct wms_op *op)
{
    struct logind *conn = connection;
    if (!enter(conn, op)) {
        return;
    }
    if (!conn->failure) {
        logind_list(conn, op);
    }
    logind_leave(conn);
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct logind *conn = connection;
    if (!enter(conn, op)) {
        return;
    }
    if (!conn->failure) {
        logind_act(conn, op, verb, id, message);
    }
    logind_leave(conn);
}

static void call(void *connection, struct wms_op *op, const struct wms_call *what)
{
    struct logind *conn = connection;
    if (!enter(conn, op)) {
        return;
    }
    if (!conn->failure) {
        logind_end(conn, op, what->verb);
    }
    logind_leave(conn);
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    struct logind *conn = connection;
    if (gone(conn)) {
        conn->services->blind(observer, conn->failure, conn->failure_text);
        return;
    }
    logind_enter(conn);
    if (!conn->failure) {
        logind_observe(conn, observer, id);
    }
    logind_leave(conn);
}

static void watch(void *connection, struct wms_watcher *watcher)
{
    struct logind *conn = connection;
    if (gone(conn)) {
        conn->services->unwatched(watcher, conn->failure, conn->failure_text);
        return;
    }
    logind_enter(conn);
    if (!conn->failure) {
        logind_watch(conn, watcher);
    }
    logind_leave(conn);
}

static void end(struct logind *conn, struct logind_task *task)
{
    if (task) {
        conn->depth++;
        logind_task_end(conn, task);
        logind_leave_quietly(conn);
    }
}

static void forget(void *connection, struct wms_op *op)
{
    end(connection, op->data);
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    end(connection, observer->data);
}

static void unwatch(void *connection, struct wms_watcher *watcher)
{
    end(connection, watcher->data);
}

static void retire(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    logind_ssh_retire(self, services, engine, false);
}

static void forked(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine)
{
    logind_ssh_retire(self, services, engine, true);
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,
    .name = "logind",
    .needs = "libsystemd",
    .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE |
           1u << WMS_MESSAGE | 1u << WMS_REBOOT | 1u << WMS_POWER_OFF,
    .in_flight = LOGIND_IN_FLIGHT,
    .connect = logind_connect,
    .disconnect = logind_disconnect,
    .list = list,
    .act = act,
    .forget = forget,
    .observe = observe,
    .unobserve = unobserve,
    .retire = retire,
    .forked = forked,
    .call = call,
    .watch = watch,
    .unwatch = unwatch,
};

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
