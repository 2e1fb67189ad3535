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

void multipoint_host_say(struct multipoint_host *host, enum wms_level level, const char *what,
                         const char *more)
{
    char text[900];

    snprintf(text, sizeof text, "%.255s: %s%s%s", host->address->text, what, more ? ": " : "",
             more ? more : "");
    host->all->memory.services->log(host->all->memory.engine, level, text);
}

/* Keeps the binding as it is now; if that fails, it is so for this process alone. */
void multipoint_host_keep(struct multipoint_host *host)
{
    wms_value record[MULTIPOINT_RECORD];
    const wms_value whole =
        multipoint_table(record, multipoint_binding_write(&host->binding, record));
    const char *text = NULL;

    if (host->all->memory.services->save(host->link, &whole, &text)) {
        multipoint_host_say(host, WMS_WARNING, "what is new in its binding cannot be kept",
                            text ? text : "out of memory");
    }
}

bool multipoint_host_expect(struct multipoint_host *host, const void *der, size_t size)
{
    struct multipoint_binding *binding = &host->binding;
    char buffer[MULTIPOINT_SENTENCE];

    bool known = (size == binding->der_size && memcmp(der, binding->der, size) == 0) ||
                 (size == binding->next_der_size && memcmp(der, binding->next_der, size) == 0);
    if (known) {
        return true;
    }
    const char *why = multipoint_certificate_unfit(der, size, binding->name, buffer, sizeof buffer);
    if (why) {
        multipoint_host_say(host, WMS_WARNING, "the host announces a certificate that is not taken",
                            why);
        return false;
    }
    if (multipoint_binding_expect(&host->all->memory, binding, der, size)) {
        return false;
    }
    multipoint_host_say(host, WMS_INFO, "the host has announced its next certificate",
                        binding->next.fingerprint);
    multipoint_host_keep(host);
    return true;
}

void multipoint_host_renewed(struct multipoint_host *host,
                             const struct multipoint_certificate *shown)
{
    if (host->binding.next_der &&
        memcmp(host->binding.next.sha256, shown->sha256, MULTIPOINT_SHA256) == 0) {
        multipoint_binding_renew(&host->all->memory, &host->binding);
        multipoint_host_say(host, WMS_INFO, "the host shows its next certificate",
                            host->binding.certificate.fingerprint);
        multipoint_host_keep(host);
    }
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
