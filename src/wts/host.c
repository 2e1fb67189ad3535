/* host.c - one server: its handle, and what is under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- the handle ------------------------------------------------------------------------------------------------- */

static struct wts_server *server_new(const char *name)
{
    struct wts_server *server = calloc(1, sizeof *server);
    size_t length;

    if (!server) {
        return NULL;
    }
    atomic_init(&server->refs, 1);
    server->process = GetCurrentProcessId();
    server->is_here = !name;
    server->handle = WTS_CURRENT_SERVER_HANDLE;
    server->name = name ? wts_utf16(name, &length) : NULL;
    if (name && !server->name) {
        free(server);
        return NULL;
    }
    return server;
}

static struct wts_server *server_ref(struct wts_server *server)
{
    atomic_fetch_add(&server->refs, 1);
    return server;
}

static void server_drop(struct wts_server *server, bool closes)
{
    if (atomic_fetch_sub(&server->refs, 1) > 1) {
        return;
    }
    if (closes && server->handle != WTS_CURRENT_SERVER_HANDLE && server->process == GetCurrentProcessId()) {
        WTSCloseServer(server->handle);
    }
    free(server->name);
    free(server);
}

void wts_server_release(struct wts_server *server)
{
    server_drop(server, true);
}

/* ---- the end of a host ------------------------------------------------------------------------------------------ */

/* What is begun is still answered: only then is the host given up. */
static void give_up(struct wts_host *host)
{
    if (host->failure && host->begun == 0) {
        host->services->broken(host->link, host->failure, host->failure_text);
    }
}

void wts_host_judge(struct wts_host *host, const struct wts_fault *fault)
{
    if (fault->code == WMS_E_UNREACHABLE) {
        if (!host->failure) {
            host->failure = fault->code;
            snprintf(host->failure_text, sizeof host->failure_text, "%s", fault->text);
        }
    } else if (!host->reached && !host->failure) {
        host->reached = true;
        host->services->up(host->link);
    }
}

/* ---- tasks and works -------------------------------------------------------------------------------------------- */

void *wts_task_new(struct wts_host *host, size_t size, void **owner,
                   void (*done)(struct wts_task *task, struct wts_work *work), void (*free)(struct wts_task *task))
{
    struct wts_task *task = wts_alloc(host, size);

    if (task) {
        task->host = host;
        task->owner = owner;
        task->done = done;
        task->free = free;
        node_append(&host->tasks, &task->node);
        if (owner) {
            *owner = task;
        }
    }
    return task;
}

void wts_task_end(struct wts_task *task)
{
    struct wts_host *host = task->host;

    if (task->owner) {
        *task->owner = NULL;
    }
    node_remove(&task->node);
    if (task->free) {
        task->free(task);
    }
    host->services->work_free(task->work);
    if (task->begun) {
        host->begun--;
        host->services->timer_set(host->tend, 0); /* not from inside this: it may be the engine that ends the task */
    }
    wts_free(host, task);
}

void *wts_work_new(struct wts_task *task, const struct wms_work *kind, void (*call)(struct wts_work *work))
{
    const struct wts_host *host = task->host;
    struct wts_work *work = host->services->work_new(host->engine, kind);

    if (work) {
        work->task = task;
        work->call = call;
        work->server = server_ref(host->server);
        task->work = work;
    }
    return work;
}

/* Those who have waited longest come first. */
static void begin_next(struct wts_host *host)
{
    for (struct node *node = host->tasks.next; node != &host->tasks; node = node->next) {
        struct wts_task *task = NODE_OWNER(node, struct wts_task, node);
        if (host->failure || host->begun == WTS_CALLS) {
            return;
        }
        if (task->waits) {
            task->waits = false;
            task->begun = true;
            host->begun++;
            host->services->work_start(task->work);
        }
    }
}

void wts_work_begin(struct wts_task *task)
{
    task->waits = true;
    begin_next(task->host);
}

void wts_work_run(void *shared)
{
    struct wts_work *work = shared;

    work->call(work);
    wts_server_release(work->server); /* here, where closing it may block */
    work->server = NULL;
}

void wts_work_done(void *shared, int code)
{
    struct wts_work *work = shared;
    struct wts_task *task = work->task;
    struct wts_host *host = task->host;

    if (code) {
        wts_fault_set(&work->fault, code,
                      code == WMS_E_NO_MEMORY ? "out of memory for a thread" : "no thread can be made for the call");
    }
    task->work = NULL;
    task->begun = false;
    host->begun--;
    task->done(task, work);
    host->services->work_free(work);
    begin_next(host);
    give_up(host);
}

/* A work that was not run is gone before its host is, so its reference is not the last. */
void wts_work_dispose(void *shared)
{
    const struct wts_work *work = shared;

    if (work->server) {
        wts_server_release(work->server);
    }
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

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
        host->services->ready(host->link); /* Windows does not talk to the host before there is something to ask */
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
    wts_work_begin(task);
    return 0;
}

/* Gives the connection's reference back. */
struct farewell {
    struct wts_server *server;
};

static void farewell_run(void *shared)
{
    struct farewell *farewell = shared;

    server_drop(farewell->server, true);
    farewell->server = NULL;
}

static void farewell_dispose(void *shared)
{
    const struct farewell *farewell = shared;

    if (farewell->server) {
        server_drop(farewell->server, false); /* without a thread the handle stays open: closing it may block */
    }
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

/* What follows "wts://" is the server's name, and what follows "wts:///" may be any: NULL is this machine. */
static int name_of(const struct wms_address *address, char *room, size_t size, const char **ret_name)
{
    if (address->host && address->path) {
        return WMS_E_UNREACHABLE;
    }
    if (address->host) {
        bool bracketed = strchr(address->host, ':') != NULL;
        int length = snprintf(room, size, "%s%s%s%s%s", address->user ? address->user : "", address->user ? "@" : "",
                              bracketed ? "[" : "", address->host, bracketed ? "]" : "");
        if (address->port) {
            snprintf(room + length, size - (size_t) length, ":%u", address->port);
        }
        *ret_name = room;
    } else {
        *ret_name = address->path && address->path[1] ? address->path + 1 : NULL;
    }
    return 0;
}

/* A call has been given up: there is room for another. */
static void tend(void *data)
{
    begin_next(data);
    give_up(data);
}

static int start(struct wts_host *host, const char *name)
{
    host->tend = host->services->timer_new(host->engine, tend, host);
    host->farewell = host->services->work_new(host->engine, &farewell_kind);
    host->server = host->tend && host->farewell ? server_new(name) : NULL;
    if (!host->server) {
        return WMS_E_NO_MEMORY;
    }
    ((struct farewell *) host->farewell)->server = host->server;
    if (name) {
        return open_server(host);
    }
    host->services->ready(host->link);
    return 0;
}

int wts_host_new(const struct wms_services *services, wms_engine *engine, struct wms_link *link,
                 const struct wms_address *address, struct wts_host **ret_host)
{
    char room[512]; /* an address has at most 300 characters */
    const char *name;

    if (name_of(address, room, sizeof room, &name)) {
        services->broken(link, WMS_E_UNREACHABLE, "a server has a name or a path; give wts://NAME or wts:///NAME");
        return WMS_E_UNREACHABLE;
    }
    struct wts_host *host = services->resize(engine, NULL, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    *host = (struct wts_host){.services = services, .engine = engine, .link = link};
    node_init(&host->tasks);
    int error = start(host, name);
    if (error) {
        wts_host_free(host, false);
        return error;
    }
    *ret_host = host;
    return 0;
}

void wts_host_free(struct wts_host *host, bool forked)
{
    const struct wms_services *services = host->services;

    while (!node_alone(&host->tasks)) {
        wts_task_end(NODE_OWNER(host->tasks.next, struct wts_task, node));
    }
    if (host->server && !host->server->is_here && !forked) {
        services->work_start(host->farewell);
    }
    services->work_free(host->farewell);
    services->timer_free(host->tend);
    wts_free(host, host);
}
