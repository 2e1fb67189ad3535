/* SPDX-License-Identifier: MIT */
/* bind.c - how a client gets its binding: [MS-RSMC] 3.1, 3.4.  Its certificate, the passwords and,
 * with events, the host gets this machine's certificate.
 *
 * The host's certificate comes over plain HTTP, where anybody may have replaced it.  So the
 * administrator's password is asked for only if the caller has given the fingerprint of this
 * certificate, and is sent only to a host that proves in TLS that it has the certificate's key.
 */
#include <stdio.h>
#include <strings.h>

#include "endpoint.h"

struct bind {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange *exchange;
    struct multipoint_binding binding; /* the new binding, not complete yet */
    char *user_name;
    char *certificate_name;                 /* NULL: the address's host name */
    char thumbprint[MULTIPOINT_THUMBPRINT]; /* "": any */
    unsigned char expected[MULTIPOINT_SHA256];
    bool confirmed; /* the caller has given a fingerprint: `expected` */
    bool management;
    char *secret; /* the administrator's password, until the host has got our certificate */
    void *making; /* our key is being made, or NULL */
};

static void bind_free(struct multipoint_task *task)
{
    struct bind *bind = (struct bind *) task;
    const struct multipoint_memory *memory = &task->host->all->memory;

    multipoint_drop(bind->exchange);
    memory->services->work_free(bind->making);
    multipoint_free_text(memory, bind->secret);
    multipoint_binding_free(memory, &bind->binding);
    multipoint_free(memory, bind->user_name);
    multipoint_free(memory, bind->certificate_name);
    multipoint_free(memory, bind);
}

static void answer(struct bind *bind, int code, const char *text)
{
    const struct wms_services *services = bind->task.host->all->memory.services;
    struct wms_op *op = bind->op;
    char copy[2 * MULTIPOINT_SENTENCE] = "";

    snprintf(copy, sizeof copy, "%s", text ? text : "");
    multipoint_task_end(&bind->task);
    services->answer(op, code, text ? copy : NULL);
}

static void answer_reply(struct bind *bind, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = bind->task.host;
    struct wms_op *op = bind->op;

    multipoint_task_end(&bind->task);
    multipoint_reply_answer(host, op, reply);
}

/* ---- the passwords --------------------------------------------------------------------------- */

/* Gives the result to the caller; `whole`: with port and management.  Errors: NO_MEMORY. */
static int show(struct bind *bind, bool whole)
{
    const struct multipoint_certificate *certificate = &bind->binding.certificate;
    const wms_value items[] = {
        multipoint_string("fingerprint", certificate->fingerprint,
                          strlen(certificate->fingerprint)),
        multipoint_string("thumbprint", certificate->thumbprint, strlen(certificate->thumbprint)),
        multipoint_natural("port", bind->binding.port),
        {.kind = WMS_BOOLEAN, .name = "management", .integer = bind->binding.management != NULL},
    };
    const wms_value table = multipoint_table(items, whole ? 4 : 2);

    return bind->task.host->all->memory.services->result(bind->op, &table);
}

static int take_passwords(struct bind *bind, const wms_value *table)
{
    const struct multipoint_memory *memory = &bind->task.host->all->memory;
    const wms_value *control = multipoint_value(table, "pwsWmsControlPassword", WMS_STRING);
    const wms_value *management = multipoint_value(table, "pwsWmsManagementPassword", WMS_STRING);

    if (!control || control->size == 0) {
        return WMS_E_PROTOCOL;
    }
    bind->binding.control = multipoint_copy(memory, control->text);
    if (!bind->binding.control) {
        return WMS_E_NO_MEMORY;
    }
    if (bind->management && management && management->size > 0) {
        bind->binding.management = multipoint_copy(memory, management->text);
        return bind->binding.management ? 0 : WMS_E_NO_MEMORY;
    }
    return 0;
}

/* Moves the new binding to the host, in place of the old one. */
static void adopt(struct bind *bind)
{
    struct multipoint_host *host = bind->task.host;

    if (host->binding.endpoint.port || bind->binding.endpoint.port) {
        host->all->memory.services->retire(host->link); /* whoever watches begins anew, with this */
    }
    multipoint_binding_free(&host->all->memory, &host->binding);
    host->binding = bind->binding;
    host->bound = true;
    bind->binding = (struct multipoint_binding){0};
    /* With the new passwords; and not when the last one leaves, whose connection may end at once.
     */
    multipoint_watch_end(host);
}

/* All is there: keeps the binding. */
static void finish(struct bind *bind)
{
    struct multipoint_host *host = bind->task.host;
    wms_value record[MULTIPOINT_RECORD];
    const char *text = NULL;
    size_t count = multipoint_binding_write(&bind->binding, record);
    const wms_value whole = multipoint_table(record, count);
    int error = host->all->memory.services->save(host->link, &whole, &text);

    error = error ? error : show(bind, true);
    if (!error) {
        adopt(bind);
    }
    answer(bind, error, text);
}

/* ---- the certificate of this machine --------------------------------------------------------- */

static void told(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct bind *bind = exchange->data;
    char text[2 * MULTIPOINT_SENTENCE];

    bind->exchange = NULL;
    if (!reply->code) {
        finish(bind);
    } else if (reply->lost) {
        answer_reply(bind, reply);
    } else {
        snprintf(text, sizeof text,
                 "the host does not take this machine's certificate for events%s%s",
                 reply->text ? ": " : "", reply->text ? reply->text : "");
        answer(bind, reply->code, text);
    }
}

/* [MS-RSMC] 3.4.4.1 SetSslCertificate. */
static void tell(struct bind *bind)
{
    const struct multipoint_endpoint *endpoint = &bind->binding.endpoint;
    const wms_value fields[] = {
        multipoint_string("wsHostName", endpoint->host_name, strlen(endpoint->host_name)),
        multipoint_natural("SslPort", endpoint->port),
        multipoint_string("wsSslCertificateThumbprint", endpoint->thumbprint,
                          strlen(endpoint->thumbprint)),
        multipoint_string("pSslCertificate", endpoint->der, endpoint->der_size),
    };
    const wms_value arguments = multipoint_table(fields, sizeof fields / sizeof *fields);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointCredentialRequest", "SetSslCertificate"),
        .arguments = &arguments,
        .op = bind->op,
        .user_name = bind->user_name,
        .password = bind->secret,
        .binding = &bind->binding,
    };
    const char *text;
    int error = multipoint_ask(bind->task.host, &question, told, bind, &bind->exchange, &text);

    bind->secret = multipoint_free_text(&bind->task.host->all->memory, bind->secret);
    if (error) {
        answer(bind, error, text);
    }
}

static void got_key(void *data, int code, struct multipoint_made *made)
{
    struct bind *bind = data;
    struct multipoint *all = bind->task.host->all;
    struct multipoint_endpoint *endpoint = &bind->binding.endpoint;

    net_enter(&all->net);
    /* Another bind may have been faster. */
    code = code ? code : multipoint_endpoint_search(all, endpoint);
    if (!code && !endpoint->key) {
        code = multipoint_endpoint_keep(&all->memory, endpoint, made->key, made->key_size,
                                        made->der, made->der_size);
        code = code ? code : multipoint_endpoint_remember(all, endpoint);
    }
    all->memory.services->work_free(bind->making);
    bind->making = NULL;
    if (code) {
        answer(bind, code, NULL);
    } else {
        tell(bind);
    }
    net_leave(&all->net);
}

/* Takes the key that there is for this name and port, or makes one. */
static void find_key(struct bind *bind)
{
    struct multipoint *all = bind->task.host->all;
    struct multipoint_endpoint *endpoint = &bind->binding.endpoint;
    int error = multipoint_endpoint_search(all, endpoint);

    if (!error && endpoint->key) {
        tell(bind);
        return;
    }
    bind->making =
        error ? NULL : multipoint_endpoint_make(&all->memory, endpoint->host_name, got_key, bind);
    if (!bind->making) {
        answer(bind, WMS_E_NO_MEMORY, NULL);
    }
}

/* ---- the answer with the passwords ----------------------------------------------------------- */

static void got_passwords(struct multipoint_exchange *exchange,
                          const struct multipoint_reply *reply)
{
    struct bind *bind = exchange->data;
    struct multipoint_host *host = exchange->host;
    struct multipoint_arena arena = {.memory = &host->all->memory};
    wms_value table;
    const char *text = NULL;

    bind->exchange = NULL;
    if (reply->code) {
        answer_reply(bind, reply);
        return;
    }
    int error = multipoint_results(exchange->operation, reply->body, &arena, &table);
    error = error ? error : take_passwords(bind, &table);
    multipoint_arena_free(&arena);
    if (error == WMS_E_PROTOCOL) {
        text = "the host's answer holds no password";
    }
    if (!error && bind->management && !bind->binding.management) {
        error = WMS_E_UNSUPPORTED;
        text = "the host gives no management password; bind without management";
    }
    if (error) {
        answer(bind, error, text);
    } else if (bind->binding.endpoint.port) {
        find_key(bind);
    } else {
        finish(bind);
    }
}

void multipoint_bind_secret(struct multipoint_host *host, struct wms_op *op, const char *secret)
{
    struct bind *bind = op->data;
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointCredentialRequest",
                                               "RequestWmsControlCredentials"),
        .op = op,
        .user_name = bind->user_name,
        .password = secret,
        .binding = &bind->binding,
    };
    const char *text;

    if (multipoint_xml_span(secret, strlen(secret)) < strlen(secret)) {
        answer(bind, WMS_E_UNSUPPORTED,
               "the password is not UTF-8, or has a character that the protocol cannot carry");
        return;
    }
    int error = 0;
    if (bind->binding.endpoint.port) {
        bind->secret = multipoint_copy(&host->all->memory, secret);
        text = NULL;
        error = bind->secret ? 0 : WMS_E_NO_MEMORY;
    }
    error = error ? error
                  : multipoint_ask(host, &question, got_passwords, bind, &bind->exchange, &text);
    if (error) {
        answer(bind, error, text);
    }
}

/* ---- the certificate ------------------------------------------------------------------------- */

/* Takes port and certificate from the host's answer into the binding.  Errors: PROTOCOL, UNTRUSTED,
 * NO_MEMORY; *ret_text says more, or stays as it is. */
static int take_certificate(struct bind *bind, const wms_value *table, const char **ret_text)
{
    const struct multipoint_memory *memory = &bind->task.host->all->memory;
    const wms_value *port = multipoint_value(table, "pSslPort", WMS_NATURAL);
    const wms_value *thumbprint =
        multipoint_value(table, "pwsSslCertificateThumbprint", WMS_STRING);
    const wms_value *der = multipoint_value(table, "ppSslCertificate", WMS_STRING);
    struct multipoint_binding *binding = &bind->binding;

    if (!port || port->natural == 0 || port->natural > 65535 || !thumbprint || !der) {
        *ret_text = "the host announces no port and certificate";
        return WMS_E_PROTOCOL;
    }
    binding->port = (unsigned) port->natural;
    int error = multipoint_certificate_read((const unsigned char *) der->text, der->size,
                                            &binding->certificate, binding->name);
    if (error) {
        *ret_text = error == WMS_E_PROTOCOL ? "what the host announces is no certificate" : NULL;
        return error;
    }
    if (strcasecmp(thumbprint->text, binding->certificate.thumbprint) != 0) {
        *ret_text = "the host announces a certificate and another one's thumbprint";
        return WMS_E_UNTRUSTED;
    }
    binding->der = multipoint_alloc(memory, der->size + 1);
    if (!binding->der) {
        return WMS_E_NO_MEMORY;
    }
    memcpy(binding->der, der->text, der->size);
    binding->der_size = der->size;
    return 0;
}

/* 0 if the caller may be asked for the password.  The address may be an IP address, a short name or
 * that of a tunnel, which the certificate does not contain: so a name that does not match is no
 * error if the fingerprint does, which is the stronger proof.  A name that the caller gives must
 * match.  Errors: UNTRUSTED; the reason is in `buffer`. */
static int judge_certificate(const struct bind *bind, char *buffer, size_t room)
{
    const struct multipoint_binding *binding = &bind->binding;
    const unsigned char *der = (const unsigned char *) binding->der;
    const char *fingerprint = binding->certificate.fingerprint,
               *thumbprint = binding->certificate.thumbprint;
    const char *name =
        bind->certificate_name ? bind->certificate_name : bind->task.host->address->host;
    char unfit[MULTIPOINT_SENTENCE], misnamed[MULTIPOINT_SENTENCE];
    const char *why =
        multipoint_certificate_unfit(der, binding->der_size, NULL, unfit, sizeof unfit);
    const char *other =
        why ? NULL
            : multipoint_certificate_unfit(der, binding->der_size, name, misnamed, sizeof misnamed);

    if (why || (other && bind->certificate_name)) {
        snprintf(buffer, room, "%s", why ? why : other);
    } else if (*bind->thumbprint && strcmp(bind->thumbprint, thumbprint) != 0) {
        snprintf(
            buffer, room,
            "the host's certificate has the thumbprint %s, which is not the one that was given",
            thumbprint);
    } else if (!bind->confirmed) {
        snprintf(buffer, room,
                 "%s%snobody has confirmed the host's certificate%s; if its fingerprint there is "
                 "%s, bind with it",
                 other ? other : "", other ? ", and " : "",
                 *bind->thumbprint ? " (a thumbprint alone can be forged)" : "", fingerprint);
    } else if (memcmp(bind->expected, binding->certificate.sha256, MULTIPOINT_SHA256) != 0) {
        snprintf(
            buffer, room,
            "the host's certificate has the fingerprint %s, which is not the one that was given",
            fingerprint);
    } else {
        return 0;
    }
    return WMS_E_UNTRUSTED;
}

static void got_certificate(struct multipoint_exchange *exchange,
                            const struct multipoint_reply *reply)
{
    struct bind *bind = exchange->data;
    const struct wms_services *services = exchange->host->all->memory.services;
    struct multipoint_arena arena = {.memory = &exchange->host->all->memory};
    char buffer[2 * MULTIPOINT_SENTENCE];
    const char *text = NULL;
    wms_value table;

    bind->exchange = NULL;
    if (reply->code) {
        answer_reply(bind, reply);
        return;
    }
    int error = multipoint_results(exchange->operation, reply->body, &arena, &table);
    if (error == WMS_E_PROTOCOL) {
        text = "the host announces no port and certificate";
    }
    error = error ? error : take_certificate(bind, &table, &text);
    multipoint_arena_free(&arena);
    if (!error) {
        error = judge_certificate(bind, buffer, sizeof buffer);
        text = buffer;
        if (error && show(bind, false)) {
            error = WMS_E_NO_MEMORY;
            text = NULL;
        }
    }
    if (error) {
        answer(bind, error, text);
    } else {
        services->want(bind->op);
    }
}

void multipoint_bind(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call)
{
    const struct multipoint_memory *memory = &host->all->memory;
    const struct multipoint_question question = {
        .operation =
            multipoint_operation_find("IMultiPointCertificateRequest", "RequestSslCertificate"),
    };
    const char *text = NULL;
    struct bind *bind = multipoint_task_new(host, sizeof *bind, &op->data, bind_free);

    if (!bind) {
        memory->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    bind->op = op;
    bind->management = call->management || call->events_host_name;
    if (call->events_host_name) {
        multipoint_endpoint_set(&bind->binding.endpoint, call->events_host_name, call->events_port,
                                call->events_address);
    }
    bind->confirmed = call->fingerprint && net_fingerprint_parse(call->fingerprint, bind->expected);
    bind->user_name = multipoint_copy(memory, call->user_name);
    bind->certificate_name =
        call->certificate_name ? multipoint_copy(memory, call->certificate_name) : NULL;
    if (call->thumbprint && !multipoint_thumbprint_parse(call->thumbprint, bind->thumbprint)) {
        bind->thumbprint[0] = '\0'; /* does not happen: multipoint_check() has refused such */
    }
    int error =
        bind->user_name && !call->certificate_name == !bind->certificate_name ? 0 : WMS_E_NO_MEMORY;
    error = error ? error
                  : multipoint_ask(host, &question, got_certificate, bind, &bind->exchange, &text);
    if (error) {
        answer(bind, error, text);
    }
}
