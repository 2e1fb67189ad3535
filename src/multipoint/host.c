/* SPDX-License-Identifier: MIT */
/* host.c - one server that the engine talks to: what all parts that talk to it need. */
#include <stdio.h>

#include "multipoint.h"

void multipoint_host_fail(struct multipoint_host *host, int code, const char *text)
{
    if (!host->failure) {
        host->failure = code;
        snprintf(host->failure_text, sizeof host->failure_text, "%s", text);
        node_append(&host->all->failed, &host->failed);
    }
}

/* ---- tasks ----------------------------------------------------------------------------------- */

void *multipoint_task_new(struct multipoint_host *host, size_t size, void **owner,
                          void (*free)(struct multipoint_task *task))
{
    struct multipoint_task *task = multipoint_alloc(&host->all->memory, size);

    if (task) {
        task->host = host;
        task->owner = owner;
        task->free = free;
        node_append(&host->tasks, &task->node);
        *owner = task;
    }
    return task;
}

void multipoint_task_end(struct multipoint_task *task)
{
    struct multipoint_host *host = task->host;

    *task->owner = NULL;
    node_remove(&task->node);
    if (node_alone(&host->tasks)) {
        host->all->most_running -= host->most_running;
        host->most_running = 0;
    }
    task->free(task);
}

/* ---- its binding ----------------------------------------------------------------------------- */

static int load_binding(struct multipoint_host *host, const char **ret_text)
{
    const struct multipoint_memory *memory = &host->all->memory;
    wms_value *record;
    int error = memory->services->load(host->link, &record, ret_text);

    if (error) {
        return error;
    }
    error = multipoint_binding_read(memory, record, &host->binding);
    memory->services->drop(memory->engine, record);
    if (error) {
        multipoint_binding_free(memory, &host->binding);
        *ret_text =
            error == WMS_E_INTERNAL ? "what is kept for this host is no binding; bind anew" : NULL;
        return error;
    }
    host->bound = true;
    return 0;
}

int multipoint_host_bound(struct multipoint_host *host, const char **ret_text)
{
    *ret_text = NULL;
    int error =
        host->bound
            ? 0
            : load_binding(host, ret_text); /* another program may have bound it meanwhile */

    if (error == WMS_E_NOT_BOUND) {
        *ret_text = "this client is not bound to the host yet; call wms.bind once";
    }
    return error;
}
