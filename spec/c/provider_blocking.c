/* SPDX-License-Identifier: MIT */
/* provider_blocking.c - a provider whose library blocks: blocking://NAME.  It makes its calls by
 * work_new().
 *
 * What becomes of an action, the session's id says:
 *     1 to 99      done at once, with a note that the thread has written
 *     100 to 199   blocks until somebody writes a byte into the FIFO that the environment names
 * BLOCKING_GATE 200 to 299   blocks for ever 300 to 399   the library refuses it
 *
 * And the host's name: "slow..." blocks in connect(), as session 100 does; "stuck..." does for
 * ever; of "back...", something has to be given back at the end, by a call that writes a line into
 * the file BLOCKING_BACK, if that is set. Every host has the sessions 1 to 3, which a call of the
 * library lists.  The operation "counts" tells what has happened in this process so far.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wms/provider.h>

/* ---- what has happened ----------------------------------------------------------------------- */

#define COUNTERS(X) X(made) X(begun) X(ran) X(inside) X(most) X(done) X(refused) X(disposed) X(back)

static struct {
#define WMS_X(name) atomic_uint name;
    COUNTERS(WMS_X)
#undef WMS_X
} counted;

static void enter(void)
{
    unsigned now = ++counted.inside, most = counted.most;

    counted.ran++;
    while (now > most && !atomic_compare_exchange_weak(&counted.most, &most, now)) {
    }
}

static void leave(void)
{
    counted.inside--;
}

/* ---- the library ----------------------------------------------------------------------------- */

static void wait_at_gate(void)
{
    const char *path = getenv("BLOCKING_GATE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    char byte;

    if (fd < 0) {
        abort();
    }
    while (read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
    close(fd);
}

__attribute__((noreturn)) static void hang(void)
{
    for (;;) {
        pause();
    }
}

static int act_on(unsigned id, char **ret_note)
{
    if (id >= 100 && id < 200) {
        wait_at_gate();
    } else if (id >= 200 && id < 300) {
        hang();
    } else if (id >= 300) {
        return WMS_E_ACCESS_DENIED;
    }
    return asprintf(ret_note, "session %u was asked", id) < 0 ? WMS_E_NO_MEMORY : 0;
}

/* ---- calls of it ----------------------------------------------------------------------------- */

struct conn {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    struct task *joining;
    void *back;
};

struct task {
    struct conn *conn;
    struct wms_op *op; /* NULL: of connect() */
    unsigned id;       /* 0: none */
    int code;
    char *note;
};

static void task_begin(void *shared)
{
    struct task *task = shared;

    counted.begun++;
    if (task->id) {
        task->conn->services->sent(task->op);
    }
}

static void task_run(void *shared)
{
    struct task *task = shared;

    enter();
    if (task->id) {
        task->code = act_on(task->id, &task->note);
    }
    leave();
}

static void task_done(void *shared, int code)
{
    struct task *task = shared;
    const struct wms_services *services = task->conn->services;

    counted.done++;
    counted.refused += code != 0;
    if (code) {
        services->answer(task->op, code, "no thread for a call that blocks");
    } else if (task->id) {
        services->note(task->op, task->note);
        services->answer(task->op, task->code, task->code ? "the library refuses it" : NULL);
    } else {
        int error = 0;
        for (uint32_t id = 1; id <= 3 && !error; id++) {
            wms_session session = {.id.number = id,
                                   .station_id = -1,
#define WMS_X(field, name) .field = -1,
                                   WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
            };
            error = services->session(task->op, &session);
        }
        services->answer(task->op, error, NULL);
    }
    services->work_free(task);
}

static void task_dispose(void *shared)
{
    free(((struct task *) shared)->note);
    counted.disposed++;
}

static const struct wms_work task_work = {
    .size = sizeof(struct task),
    .begin = task_begin,
    .run = task_run,
    .done = task_done,
    .dispose = task_dispose,
};

static void ask(struct conn *conn, struct wms_op *op, unsigned id)
{
    struct task *task = conn->services->work_new(conn->engine, &task_work);

    if (!task) {
        conn->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    counted.made++;
    *task = (struct task){.conn = conn, .op = op, .id = id};
    op->data = task;
    conn->services->work_start(task);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void join_run(void *shared)
{
    struct task *task = shared;

    enter();
    task->code = act_on(task->id, &task->note);
    leave();
}

static void join_done(void *shared, int code)
{
    struct task *task = shared;
    struct conn *conn = task->conn;

    counted.done++;
    counted.refused += code != 0;
    code = code ? code : task->code;
    conn->joining = NULL;
    conn->services->work_free(task);
    if (code) {
        conn->services->broken(conn->link, code, "it cannot be joined");
    } else {
        conn->services->up(conn->link);
    }
}

/* Without begin(). */
static const struct wms_work join_work = {
    .size = sizeof(struct task),
    .run = join_run,
    .done = join_done,
    .dispose = task_dispose,
};

static void back_run(void *shared)
{
    static const char line[] = "back\n";
    const char *path = getenv("BLOCKING_BACK");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    (void) shared;
    if (path && (fd < 0 || write(fd, line, sizeof line - 1) != sizeof line - 1)) {
        abort();
    }
    if (path) {
        close(fd);
    }
    counted.back++;
}

/* Nobody waits for it. */
static void back_begin(void *shared)
{
    (void) shared;
    abort();
}

static void back_done(void *shared, int code)
{
    (void) shared;
    (void) code;
    abort();
}

/* Without dispose(). */
static const struct wms_work back_work = {
    .size = 1,
    .always = true,
    .begin = back_begin,
    .run = back_run,
    .done = back_done,
};

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    const char *name = address->host ? address->host : "";
    bool slow = strncmp(name, "slow", 4) == 0, stuck = strncmp(name, "stuck", 5) == 0;
    bool back = strncmp(name, "back", 4) == 0;
    struct conn *conn = services->resize(engine, NULL, sizeof *conn);

    (void) self;
    if (!conn) {
        return WMS_E_NO_MEMORY;
    }
    *conn = (struct conn){.services = services, .engine = engine, .link = link};
    conn->back = back ? services->work_new(engine, &back_work) : NULL;
    conn->joining = slow || stuck ? services->work_new(engine, &join_work) : NULL;
    if ((back && !conn->back) || ((slow || stuck) && !conn->joining)) {
        services->work_free(conn->back);
        services->resize(engine, conn, 0);
        return WMS_E_NO_MEMORY;
    }
    *ret_connection = conn;
    if (conn->joining) {
        counted.made++;
        *conn->joining = (struct task){.conn = conn, .id = slow ? 100 : 200};
        services->work_start(conn->joining);
    } else {
        services->up(link);
    }
    return 0;
}

static void end(void *data, bool forked)
{
    struct conn *conn = data;

    conn->services->work_free(conn->joining);
    if (conn->back && !forked) {
        conn->services->work_start(conn->back);
    }
    conn->services->work_free(conn->back);
    conn->services->resize(conn->engine, conn, 0);
}

/* ---- ops ------------------------------------------------------------------------------------- */

static void list(void *data, struct wms_op *op)
{
    ask(data, op, 0);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    (void) verb;
    (void) message;
    ask(data, op, id->number);
}

static void forget(void *data, struct wms_op *op)
{
    struct conn *conn = data;

    conn->services->work_free(op->data);
    op->data = NULL;
}

static void call(void *data, struct wms_op *op, const struct wms_call *call)
{
    struct conn *conn = data;
    const wms_value items[] = {
#define WMS_X(counter) {.kind = WMS_NATURAL, .name = #counter, .natural = counted.counter},
        COUNTERS(WMS_X)
#undef WMS_X
    };
    const wms_value table = {
        .kind = WMS_TABLE, .items = items, .size = sizeof items / sizeof *items};

    (void) call;
    conn->services->answer(op, conn->services->result(op, &table), NULL);
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct conn *conn = data;

    (void) id;
    conn->services->blind(observer, WMS_E_UNSUPPORTED, "the library cannot");
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data;
    (void) observer;
    abort(); /* nothing is observed */
}

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "blocking",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK | 1u << WMS_CLOSE |
               1u << WMS_CALL,
        .connect = begin,
        .disconnect = end,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
        .call = call,
    };

    return &provider;
}
