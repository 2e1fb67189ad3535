/* SPDX-License-Identifier: MIT */
/* bind.c - how a client gets its binding: it is told the key's name and where the key is, and tries
 * them, unless the host is off.  The key stays where it is. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "veyon/veyon.h"

struct bind {
    struct veyon_task task;
    struct wms_op *op;
    struct veyon_binding binding; /* the new one */
    struct veyon_visit *visit;    /* by which it is tried; NULL: it was not begun, or has ended */
};

static void bind_free(struct veyon_task *task)
{
    struct bind *bind = (struct bind *) task;

    bind->visit = veyon_visit_leave(bind->visit);
    veyon_binding_free(task->host->all, &bind->binding);
}

static void answer(struct bind *bind, int code, const char *text)
{
    const struct wms_services *services = bind->task.host->all->net.services;
    struct wms_op *op = bind->op;
    char copy[VEYON_SENTENCE];

    snprintf(copy, sizeof copy, "%s", text ? text : "");
    veyon_task_end(&bind->task);
    services->answer(op, code, text ? copy : NULL);
}

static wms_value text_of(const char *name, const char *text)
{
    return (wms_value){.kind = WMS_STRING, .name = name, .text = text, .size = strlen(text)};
}

/* Keeps the binding, and takes it for the host's. */
static void keep(struct bind *bind)
{
    struct veyon_host *host = bind->task.host;
    const struct wms_services *services = host->all->net.services;
    const char *fingerprint = bind->binding.fingerprint;
    const wms_value fields[] = {
        text_of("gateway", bind->binding.gateway),
        text_of("key_name", bind->binding.key_name),
        text_of("key_file", bind->binding.key_file),
        text_of("fingerprint", fingerprint ? fingerprint : ""),
    };
    const wms_value record = {.kind = WMS_TABLE,
                              .items = fields,
                              .size = sizeof fields / sizeof *fields - (fingerprint ? 0 : 1)};
    const char *text = NULL;
    int error = services->save(host->link, &record, &text);

    error = error ? error : services->result(bind->op, &record);
    if (!error) {
        veyon_host_forget_visit(host);
        veyon_binding_free(host->all, &host->binding);
        host->binding = bind->binding;
        host->bound = true;
        bind->binding = (struct veyon_binding){0};
        veyon_host_pump(host);
    }
    answer(bind, error, text);
}

static void arrived(struct veyon_visit *visit)
{
    struct bind *bind = visit->owner;

    veyon_host_up(bind->task.host);
    keep(bind);
}

/* A host that is off is bound all the same: a room is bound at once, and not all of it is on. */
static void refused(struct veyon_visit *visit, const struct veyon_reply *reply)
{
    struct bind *bind = visit->owner;
    struct veyon_host *host = bind->task.host;

    bind->visit = NULL;
    if (reply->silent) {
        host->all->net.services->note(
            bind->op, "the host does not answer now: that it takes the key was not tried");
        veyon_host_up(host); /* the gateway was reached, which is all that there is */
        keep(bind);
    } else {
        answer(bind, reply->code, reply->text);
    }
}

static bool fill(struct bind *bind, const struct wms_call *call, const char *key_file)
{
    const struct veyon *all = bind->task.host->all;

    bind->binding = (struct veyon_binding){
        .gateway = veyon_copy(all, call->gateway ? call->gateway : VEYON_GATEWAY),
        .key_name = veyon_copy(all, call->key_name),
        .key_file = veyon_copy(all, key_file),
        .fingerprint = call->fingerprint ? veyon_copy(all, call->fingerprint) : NULL,
    };
    return bind->binding.gateway && bind->binding.key_name && bind->binding.key_file &&
           (!call->fingerprint || bind->binding.fingerprint);
}

static void try_it(struct bind *bind)
{
    struct veyon_host *host = bind->task.host;
    struct veyon_gateway *gateway = veyon_gateway_get(host->all, &bind->binding);

    bind->visit =
        gateway ? veyon_visit_new(gateway, host->address, &bind->binding, bind, arrived, refused)
                : NULL;
    if (bind->visit) {
        bind->visit->if_on = true;
        veyon_gateway_settle(gateway);
    } else {
        answer(bind, WMS_E_NO_MEMORY, NULL);
    }
}

void veyon_bind(struct veyon_host *host, struct wms_op *op, const struct wms_call *call)
{
    char text[VEYON_SENTENCE];
    struct veyon_place place;
    int error = veyon_gateway_parse(call->gateway ? call->gateway : VEYON_GATEWAY, &place, text);

    if (error) {
        host->all->net.services->answer(op, error, text);
        return;
    }
    struct bind *bind = veyon_task_new(host, sizeof *bind, &op->data, bind_free);
    if (!bind) {
        host->all->net.services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    bind->op = op;
    char *whole = realpath(call->key_file, NULL); /* a command may be given in any folder */
    bool filled = fill(bind, call, whole ? whole : call->key_file);
    free(whole);
    if (filled) {
        try_it(bind);
    } else {
        answer(bind, WMS_E_NO_MEMORY, NULL);
    }
}

/* ---- whether it could be asked --------------------------------------------------------------- */

static bool is_key_name(const char *name)
{
    for (const unsigned char *p = (const unsigned char *) name; *p; p++) {
        if (*p < ' ' || *p == 127) {
            return false;
        }
    }
    return *name && strlen(name) <= VEYON_KEY_NAME_MAX;
}

int veyon_bind_check(const struct wms_call *call, char *complaint, size_t size)
{
    char text[VEYON_SENTENCE];
    struct veyon_place place;
    unsigned char sha256[NET_SHA256];
    const char *other = call->user_name          ? "user_name"
                        : call->certificate_name ? "certificate_name"
                        : call->thumbprint       ? "thumbprint"
                        : call->management       ? "management"
                        : call->events_host_name ? "events"
                                                 : NULL;

    if (other) {
        snprintf(complaint, size,
                 "%s: a Veyon host is bound with key_name and key_file; leave it out", other);
    } else if (!call->key_name || !is_key_name(call->key_name)) {
        snprintf(complaint, size, "key_name: %s; give the name of the key, such as \"lab\"",
                 !call->key_name ? "missing" : "no name of a key");
    } else if (!call->key_file || !*call->key_file || strlen(call->key_file) > 4096) {
        snprintf(complaint, size,
                 "key_file: %s; give the path of the private key, such as "
                 "\"/etc/veyon/keys/private/lab/key\"",
                 !call->key_file ? "missing" : "no path");
    } else if (call->gateway && veyon_gateway_parse(call->gateway, &place, text) == WMS_E_INVALID) {
        snprintf(complaint, size, "gateway: %s", text);
    } else if (call->fingerprint &&
               (!call->gateway || strncmp(call->gateway, "https://", 8) != 0)) {
        snprintf(complaint, size,
                 "fingerprint: that of a gateway's certificate, and this one is asked by plain "
                 "HTTP; leave it out");
    } else if (call->fingerprint && !net_fingerprint_parse(call->fingerprint, sha256)) {
        snprintf(complaint, size,
                 "fingerprint: no SHA-256; give its 32 bytes in hex, with or without colons");
    } else {
        return 0;
    }
    return WMS_E_INVALID;
}
