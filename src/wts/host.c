/* SPDX-License-Identifier: MIT */
/* host.c - one server: the works under way, and the tasks that wait for their turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wts.h"

void *wts_alloc(const struct wts_host *host, size_t size)
{
    void *block = host->services->resize(host->engine, NULL, size);

    return block ? memset(block, 0, size) : NULL;
}

void wts_free(const struct wts_host *host, void *block)
{
    if (block) {
        host->services->resize(host->engine, block, 0);
    }
}

/* ---- the end of a host ----------------------------------------------------------------------- */

/* Reports the host's failure to the engine, once no work is under way any more: those are answered
 * first. */
static void give_up(struct wts_host *host)
{
    if (host->failure && host->begun == 0) {
        host->services->broken(host->link, host->failure, host->failure_text);
    }
}

/* Whether the code shows that the host has answered: the others may also arise on this machine. */
static bool is_answer(int code)
{
    return code != WMS_E_TIMEOUT && code != WMS_E_UNSUPPORTED && code != WMS_E_NO_MEMORY &&
           code != WMS_E_INTERNAL;
}

void wts_host_judge(struct wts_host *host, const struct wts_fault *fault)
{
    if (fault->code == WMS_E_UNREACHABLE) {
        if (!host->failure) {
            host->failure = fault->code;
            snprintf(host->failure_text, sizeof host->failure_text, "%s", fault->text);
        }
    } else if (is_answer(fault->code) && !host->reached && !host->failure) {
        host->reached = true;
        host->services->up(host->link);
    }
}

/* ---- tasks and works ------------------------------------------------------------------------- */

void *wts_task_new(struct wts_host *host, size_t size, void **owner,
                   void (*done)(struct wts_task *task, struct wts_work *work),
                   void (*free)(struct wts_task *task))
{
    struct wts_task *task = wts_alloc(host, size);

    if (task) {
        task->host = host;
        task->owner = owner;
        task->done = done;
        task->free = free;
        node_init(&task->turn);
        node_append(&host->tasks, &task->node);
        if (owner) {
            *owner = task;
        }
    }
    return task;
}

/* Nobody waits for the call any more: it counts as hanging until it returns.  work->server is the
 * thread's, which may have given it back: the host has a reference of its own. */
static void give_up_call(const struct wts_host *host, struct wts_work *work)
{
    struct wts_tally *tally = host->server->tally;

    atomic_fetch_add(&tally->hanging, 1);
    if (atomic_exchange(&work->stage, WTS_GIVEN_UP) == WTS_RETURNED) {
        atomic_fetch_sub(&tally->hanging, 1);
    }
}

/* Notes that the call has returned (on its thread), or will never be made (on any thread). */
static void return_call(struct wts_work *work)
{
    if (atomic_exchange(&work->stage, WTS_RETURNED) == WTS_GIVEN_UP) {
        atomic_fetch_sub(&work->server->tally->hanging, 1);
    }
}

void wts_task_end(struct wts_task *task)
{
    struct wts_host *host = task->host;

    if (task->owner) {
        *task->owner = NULL;
    }
    node_remove(&task->node);
    node_remove(&task->turn);
    if (task->free) {
        task->free(task);
    }
    if (task->begun) {
        give_up_call(host, task->work);
    }
    host->services->work_free(task->work);
    if (task->begun) {
        host->begun--;
        host->services->timer_set(
            host->tend,
            0); /* not done here: the engine may be the caller, and must not be called back */
    }
    wts_free(host, task);
}

void *wts_work_new(struct wts_task *task, const struct wms_work *kind,
                   void (*call)(struct wts_work *work))
{
    const struct wts_host *host = task->host;
    struct wts_work *work = host->services->work_new(host->engine, kind);

    if (work) {
        work->task = task;
        work->call = call;
        atomic_init(&work->stage, WTS_AWAITED);
        work->server = wts_server_ref(host->server);
        task->work = work;
    }
    return work;
}

static bool somebody_waits(const struct wts_host *host)
{
    return !node_alone(&host->waiting[0]) || !node_alone(&host->waiting[1]);
}

/* Takes the next task.  Looks are repeated without end, so they alternate with the commands. */
static struct wts_task *take_next(struct wts_host *host)
{
    struct node *asked = &host->waiting[0], *looks = &host->waiting[1];
    struct node *queue =
        node_alone(asked) || (host->looks_next && !node_alone(looks)) ? looks : asked;
    struct wts_task *task = NODE_OWNER(queue->next, struct wts_task, turn);

    host->looks_next = queue == asked;
    node_remove(&task->turn);
    return task;
}

static bool has_room(const struct wts_host *host)
{
    return host->begun + atomic_load(&host->server->tally->hanging) < WTS_CALLS;
}

static const double hanging_interval =
    0.1; /* seconds after which it is checked again whether a hanging call has returned */

static void begin_next(struct wts_host *host)
{
    if (host->failure) {
        return;
    }
    while (somebody_waits(host) && has_room(host)) {
        struct wts_task *task = take_next(host);
        task->begun = true;
        host->begun++;
        host->services->work_start(task->work);
    }
    if (somebody_waits(host) && host->begun == 0) {
        host->services->timer_set(host->tend, hanging_interval);
    }
}

void wts_work_begin(struct wts_task *task)
{
    node_append(&task->host->waiting[task->look], &task->turn);
    begin_next(task->host);
}

void wts_work_run(void *shared)
{
    struct wts_work *work = shared;

    work->call(work);
    return_call(work);
    wts_server_unref(work->server, false); /* on this thread, since closing the handle may block */
    work->server = NULL;
}

void wts_work_done(void *shared, int code)
{
    struct wts_work *work = shared;
    struct wts_task *task = work->task;
    struct wts_host *host = task->host;

    if (code) {
        wts_fault_set(&work->fault, code,
                      code == WMS_E_NO_MEMORY ? "out of memory for a thread"
                                              : "no thread can be made for the call");
    }
    task->work = NULL;
    task->begun = false;
    host->begun--;
    task->done(task, work);
    host->services->work_free(work);
    begin_next(host);
    give_up(host);
}

/* A work that was not run is freed before its host, so its reference on the server is not the last
 * one. */
void wts_work_dispose(void *shared)
{
    struct wts_work *work = shared;

    if (work->server) {
        return_call(work);
        wts_server_unref(work->server, false);
    }
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void open_call(struct wts_work *work)
{
    struct wts_server *server = work->server;

    SetLastError(0);
    HANDLE handle = WTSOpenServerExW(server->name);
    if (handle && handle != INVALID_HANDLE_VALUE) {
        server->handle = handle;
    } else {
        wts_fault_read(&work->fault);
    }
}

static void opened(struct wts_task *task, struct wts_work *work)
{
    struct wts_host *host = task->host;

    wts_task_end(task);
    if (work->fault.code) {
        host->services->broken(host->link, work->fault.code, work->fault.text);
    } else {
        host->services->ready(
            host->link); /* ready at once: Windows contacts the host only with the first call */
    }
}

static int open_server(struct wts_host *host)
{
    static const struct wms_work kind = {
        .size = sizeof(struct wts_work),
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = wts_work_dispose,
    };
    struct wts_task *task = wts_task_new(host, sizeof *task, NULL, opened, NULL);

    if (!task || !wts_work_new(task, &kind, open_call)) {
        return WMS_E_NO_MEMORY;
    }
    host->opens = true;
    wts_work_begin(task);
    return 0;
}

/* The work that gives back the connection's reference on the server, whose handle is closed then.
 */
struct farewell {
    struct wts_server *server;
    unsigned wait; /* the number of the wait for events that is to be ended before; 0: none */
    struct wts_tally
        *tally; /* whose `closing` counts it; NULL: it was not begun, or has returned */
};

static void farewell_over(struct farewell *farewell, bool keeps)
{
    if (farewell->server) {
        wts_server_unref(farewell->server, keeps);
        farewell->server = NULL;
    }
    if (farewell->tally) {
        atomic_fetch_sub(&farewell->tally->closing, 1);
        wts_tally_unref(farewell->tally);
        farewell->tally = NULL;
    }
}

static void farewell_run(void *shared)
{
    struct farewell *farewell = shared;

    wts_server_flush(farewell->server, farewell->wait);
    farewell_over(farewell, false);
}

/* There was no thread to close the handle on, and closing may block: it stays open. */
static void farewell_dispose(void *shared)
{
    farewell_over(shared, true);
}

static void farewell_done(void *shared, int code)
{
    (void) shared; /* nobody waits for it */
    (void) code;
}

static const struct wms_work farewell_kind = {
    .size = sizeof(struct farewell),
    .always = true,
    .run = farewell_run,
    .done = farewell_done,
    .dispose = farewell_dispose,
};

/* "localhost", or this computer's name: both mean this machine's own sessions, the caller's among
 * them. */
static bool names_this_machine(const char *host)
{
    char own[256];
    DWORD size = sizeof own;

    return strcmp(host, "localhost") == 0 ||
           (GetComputerNameA(own, &size) && strcasecmp(host, own) == 0);
}

/* The server's name is what follows "wts://"; a name of any characters follows "wts:///".
 * *ret_name NULL: this machine. */
static int name_of(const struct wms_address *address, char *room, size_t size,
                   const char **ret_name)
{
    if (address->host && address->path) {
        return WMS_E_UNREACHABLE;
    }
    if (address->host && !address->user && !address->port && names_this_machine(address->host)) {
        *ret_name = NULL;
    } else if (address->host) {
        bool bracketed = strchr(address->host, ':') != NULL;
        int length = snprintf(room, size, "%s%s%s%s%s", address->user ? address->user : "",
                              address->user ? "@" : "", bracketed ? "[" : "", address->host,
                              bracketed ? "]" : "");
        if (address->port) {
            snprintf(room + length, size - (size_t) length, ":%u", address->port);
        }
        *ret_name = room;
    } else {
        *ret_name = address->path && address->path[1] ? address->path + 1 : NULL;
    }
    return 0;
}

/* Called by the timer: a call was given up, or one that was given up may have returned. */
static void tend(void *data)
{
    begin_next(data);
    give_up(data);
}

static bool hangs(const struct wts_tally *tally)
{
    return atomic_load(&tally->hanging) >= WTS_CALLS || atomic_load(&tally->closing) >= WTS_CALLS;
}

static int start(struct wts_host *host, struct wts_tallies *tallies, const char *name)
{
    struct farewell *farewell = host->services->work_new(host->engine, &farewell_kind);

    host->farewell = farewell;
    host->tend = farewell ? host->services->timer_new(host->engine, tend, host) : NULL;
    host->server = host->tend ? wts_server_new(name, tallies) : NULL;
    if (!host->server) {
        return WMS_E_NO_MEMORY;
    }
    farewell->server = host->server;
    if (hangs(host->server->tally)) {
        host->services->broken(host->link, WMS_E_BUSY,
                               "the host hangs: the calls before have not come back");
        return WMS_E_BUSY;
    }
    if (name) {
        return open_server(host);
    }
    host->services->ready(host->link);
    return 0;
}

int wts_host_new(const struct wms_services *services, wms_engine *engine,
                 struct wts_tallies *tallies, struct wms_link *link,
                 const struct wms_address *address, struct wts_host **ret_host)
{
    char room[512]; /* an address has at most 300 characters */
    const char *name;

    if (name_of(address, room, sizeof room, &name)) {
        services->broken(link, WMS_E_UNREACHABLE,
                         "a server has a name or a path; give wts://NAME or wts:///NAME");
        return WMS_E_UNREACHABLE;
    }
    struct wts_host *host = services->resize(engine, NULL, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    *host = (struct wts_host){.services = services, .engine = engine, .link = link};
    node_init(&host->tasks);
    node_init(&host->waiting[0]);
    node_init(&host->waiting[1]);
    node_init(&host->ear.watchers);
    int error = start(host, tallies, name);
    if (error) {
        wts_host_free(host, false);
        return error;
    }
    *ret_host = host;
    return 0;
}

/* Nobody watches any more. */
static void close_ear(struct wts_host *host)
{
    struct wts_ear *ear = &host->ear;

    host->services->work_free(ear->wait);
    host->services->work_free(ear->flush);
    host->services->timer_free(ear->pace);
    ear->wait = ear->flush = ear->pace = NULL;
}

void wts_host_free(struct wts_host *host, bool forked)
{
    const struct wms_services *services = host->services;

    while (!node_alone(&host->tasks)) {
        wts_task_end(NODE_OWNER(host->tasks.next, struct wts_task, node));
    }
    bool waits = host->ear.wait;
    close_ear(host);
    if (host->server && (host->opens || waits) && !forked) {
        struct farewell *farewell = host->farewell;
        farewell->wait = waits ? host->ear.number : 0;
        farewell->tally = wts_tally_ref(host->server->tally);
        atomic_fetch_add(&farewell->tally->closing, 1);
        services->work_start(farewell);
    }
    services->work_free(host->farewell);
    services->timer_free(host->tend);
    wts_free(host, host);
}
