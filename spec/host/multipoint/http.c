/* SPDX-License-Identifier: MIT */
/* HTTP and HTTPS by libmicrohttpd, run by our loop: two daemons a host, no threads. */
#include "host.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_LIMIT = 16 << 20, BLOCK = 256 << 10 };

enum phase { READING, WAITING, ANSWERING };

struct request { /* one a connection, used again for each request on it */
    struct request *next;
    struct daemon *daemon;
    struct MHD_Connection *connection;
    struct text body, answer, inner, path;
    struct exchange exchange;
    struct timer timer;
    enum phase phase;
    bool method_wrong, begun, handshaking;
};

/* ---- answers --------------------------------------------------------------------------------- */

/* Half of an answer, then the connection breaks. */
static ssize_t half_read(void *cls, uint64_t position, char *buffer, size_t max)
{
    const struct text *text = cls;
    size_t half = text->length / 2, rest;

    if (position >= half) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    rest = half - (size_t) position;
    rest = rest < max ? rest : max;
    memcpy(buffer, text->data + position, rest);
    return (ssize_t) rest;
}

struct endless {
    uint64_t bytes;
    size_t head; /* how much of the answer comes first */
    struct text text;
};

/* An answer that goes on and on, in chunks: no length announces it. */
static ssize_t endless_read(void *cls, uint64_t position, char *buffer, size_t max)
{
    static const char item[] = "<prgData>0</prgData>";
    const struct endless *endless = cls;
    size_t length = 0;

    if (position >= endless->bytes) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (position < endless->head) {
        length = endless->head - (size_t) position < max ? endless->head - (size_t) position : max;
        memcpy(buffer, endless->text.data + position, length);
    }
    if (length < max && endless->bytes - position < max) {
        max = (size_t) (endless->bytes - position);
    }
    for (size_t at = (position + length - endless->head) % (sizeof item - 1); length < max;
         at = 0) {
        size_t part = sizeof item - 1 - at < max - length ? sizeof item - 1 - at : max - length;

        memcpy(buffer + length, item + at, part);
        length += part;
    }
    return (ssize_t) length;
}

static void endless_free(void *cls)
{
    struct endless *endless = cls;

    text_free(&endless->text);
    free(endless);
}

static struct MHD_Response *endless_response(const struct text *answer, uint64_t bytes)
{
    struct endless *endless = must(calloc(1, sizeof *endless));
    const char *body = strstr(answer->data, "<s:Body>");

    text_add(&endless->text, answer->data, answer->length);
    endless->head = body ? (size_t) (body + strlen("<s:Body>") - answer->data) : 0;
    endless->bytes = bytes;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, endless_read, endless,
                                             endless_free);
}

/* Replaces a part of an answer wherever it stands; returns what is behind the two lines. */
static char *swap(struct text *text, char *lines)
{
    char *with = strchr(lines, '\n'), *rest, *found, *at = text->data;
    struct text swapped = {NULL, 0, 0};

    if (!with || !text->length || with == lines) {
        return NULL;
    }
    *with++ = '\0';
    rest = strchr(with, '\n');
    if (rest) {
        *rest++ = '\0';
    }
    while ((found = strstr(at, lines))) {
        text_add(&swapped, at, (size_t) (found - at));
        text_puts(&swapped, with);
        at = found + strlen(lines);
    }
    text_puts(&swapped, at);
    text_free(text);
    *text = swapped;
    return rest;
}

static enum MHD_Result answer(struct request *request)
{
    static const char garbage[] = "\xff\xfe\x00<not>XML & never was";
    struct exchange *exchange = &request->exchange;
    struct rule *rule = exchange->rule;
    struct text *text = &request->answer;
    struct MHD_Response *response;
    enum MHD_Result result;

    if (exchange->drop) {
        return MHD_NO; /* closes the connection */
    }
    if (rule && (rule->raw || rule->garbage)) {
        text_clear(text);
        if (rule->garbage) {
            text_add(text, garbage, sizeof garbage - 1);
        } else {
            text_puts(text, rule->raw);
        }
    }
    for (char *lines = rule ? rule->swap : NULL; lines;) {
        lines = swap(text, lines);
    }
    if (rule && rule->utf16) { /* of ASCII */
        struct text wide = {NULL, 0, 0};

        text_add(&wide, "\xff\xfe", 2);
        for (size_t i = 0; i < text->length; i++) {
            text_add(&wide, text->data + i, 1);
            text_add(&wide, "", 1);
        }
        text_free(text);
        *text = wide;
    }
    if (rule && rule->half) {
        response = MHD_create_response_from_callback(text->length, BLOCK, half_read, text, NULL);
    } else if (rule && rule->endless) {
        response = endless_response(text, rule->endless);
    } else {
        response = MHD_create_response_from_buffer(text->length, text->length ? text->data : NULL,
                                                   MHD_RESPMEM_MUST_COPY);
    }
    if (!response) {
        return MHD_NO;
    }
    if (text->length) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                exchange->old ? "text/xml; charset=utf-8"
                                              : "application/soap+xml; charset=utf-8");
    }
    if (rule && rule->header) {
        char *value = strstr(rule->header, ": ");

        if (value) {
            *value = '\0'; /* the rule is used up */
            MHD_add_response_header(response, rule->header, value + 2);
        }
    }
    if (exchange->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    }
    if (rule && rule->renegotiate && exchange->transport == TLS) {
        gnutls_rehandshake(
            MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
                ->tls_session);
    }
    result = MHD_queue_response(request->connection, exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests -------------------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void resume(struct request *request)
{
    timer_clear(&request->timer);
    if (request->phase == WAITING) {
        request->phase = ANSWERING;
        MHD_resume_connection(request->connection);
        host_wake(request->daemon->host);
    }
}

static void waited(struct timer *timer)
{
    resume((struct request *) (void *) ((char *) timer - offsetof(struct request, timer)));
}

void http_resume_all(struct host *host)
{
    for (struct request *request = host->requests; request; request = request->next) {
        resume(request);
    }
}

void http_hang_up(struct host *host, bool rudely)
{
    const struct linger at_once = {1, 0};

    http_resume_all(host);
    for (struct request *request = host->requests; request; request = request->next) {
        int fd = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
                     ->connect_fd;

        if (rudely) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        shutdown(fd, SHUT_RDWR);
    }
    host_wake(host);
}

static enum MHD_Result handle(struct request *request)
{
    struct exchange *exchange = &request->exchange;
    const struct rule *rule;

    exchange->host = request->daemon->host;
    exchange->transport = request->daemon->transport;
    exchange->path = request->path.data;
    exchange->content_type = header(request->connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    exchange->authority = header(request->connection, MHD_HTTP_HEADER_HOST);
    exchange->soap_action = header(request->connection, "SOAPAction");
    exchange->old = false;
    exchange->body = request->body.data ? request->body.data : "";
    exchange->length = request->body.length;
    exchange->answer = &request->answer;
    exchange->inner = &request->inner;
    request->phase = ANSWERING;
    if (request->method_wrong || request->body.length > BODY_LIMIT) {
        text_clear(&request->answer);
        exchange->status =
            request->method_wrong ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_CONTENT_TOO_LARGE;
        exchange->host->requests_seen++;
        return answer(request);
    }
    soap_handle(exchange);
    rule = exchange->rule;
    if (rule && (rule->delay || rule->never)) {
        request->phase = WAITING;
        MHD_suspend_connection(request->connection);
        if (!rule->never) {
            timer_set(&request->timer, rule->delay, waited);
        }
        return MHD_YES;
    }
    return answer(request);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **req)
{
    struct request *request =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void) cls;
    (void) version;
    (void) req;
    request->daemon->steps++;
    if (!request->begun) {
        request->begun = true;
        request->phase = READING;
        request->method_wrong = strcmp(method, MHD_HTTP_METHOD_POST) != 0;
        text_clear(&request->body);
        text_clear(&request->path);
        text_puts(&request->path, url);
        return MHD_YES;
    }
    if (*size) {
        if (request->body.length <= BODY_LIMIT) {
            text_add(&request->body, data, *size);
        }
        *size = 0;
        return MHD_YES;
    }
    return request->phase == READING ? handle(request) : answer(request);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **req,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void) cls;
    (void) req;
    (void) code;
    request->begun = false;
    timer_clear(&request->timer);
    if (request->exchange.rule) {
        rule_free(request->exchange.rule);
        request->exchange.rule = NULL;
    }
}

/* ---- connections ----------------------------------------------------------------------------- */

static void handshake_over(struct request *request)
{
    request->daemon->steps++;
    request->daemon->handshaking -= request->handshaking;
    request->handshaking = false;
}

static int on_handshake(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                        const gnutls_datum_t *message)
{
    struct request *request = gnutls_session_get_ptr(session);

    (void) type;
    (void) when;
    (void) message;
    if (incoming) {
        struct host *host = request->daemon->host;

        host->handshakes++;
        host->resumed += gnutls_session_is_resumed(session) != 0;
        handshake_over(request);
        control_changed();
    }
    return 0;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct daemon *daemon = cls;
    struct host *host = daemon->host;
    struct request *request = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        daemon->connections++;
        daemon->steps++;
        request = *context = must(calloc(1, sizeof *request));
        request->daemon = daemon;
        request->connection = connection;
        request->next = host->requests;
        host->requests = request;
        if (daemon->transport == TLS) {
            gnutls_session_t session =
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
                    ->tls_session;

            /* Before the handshake: the certificate and the versions are those of this moment. */
            request->handshaking = true;
            daemon->handshaking++;
            gnutls_session_set_ptr(session, request);
            gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, host->shown->credentials);
            gnutls_priority_set(session, host->priority);
            gnutls_session_ticket_enable_server(session, &host->ticket_key);
            gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                               on_handshake);
        }
    } else if (request) {
        struct request **link = &host->requests;

        while (*link != request) {
            link = &(*link)->next;
        }
        *link = request->next;
        handshake_over(request);
        timer_clear(&request->timer);
        text_free(&request->body);
        text_free(&request->answer);
        text_free(&request->inner);
        text_free(&request->path);
        free(request);
        *context = NULL;
    }
    control_changed();
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t length)
{
    const struct daemon *daemon = cls;

    (void) address;
    (void) length;
    return daemon->host->refuse ? MHD_NO : MHD_YES;
}

/* MHD wants one; on_connection() gives each session its own. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                          gnutls_pcert_st **certificates, unsigned *count, gnutls_privkey_t *key)
{
    (void) session;
    (void) names;
    (void) name_count;
    (void) algorithms;
    (void) algorithm_count;
    (void) certificates;
    (void) count;
    (void) key;
    return -1;
}

static const char *start(struct host *host, enum transport transport, unsigned port)
{
    struct daemon *daemon = &host->daemons[transport];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr = host->address};
    socklen_t length = sizeof address;
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (transport == TLS ? MHD_USE_TLS : 0);

    daemon->host = host;
    daemon->transport = transport;
    errno = 0;
    daemon->mhd = MHD_start_daemon(
        flags, (uint16_t) port, on_accept, daemon, on_access, daemon, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *) &address, MHD_OPTION_NOTIFY_CONNECTION, on_connection, daemon,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, daemon, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
        MHD_OPTION_HTTPS_CERT_CALLBACK, no_certificate, MHD_OPTION_END);
    if (!daemon->mhd) {
        return errno ? strerror(errno) : "libmicrohttpd does not start";
    }
    getsockname(MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd,
                (struct sockaddr *) &address, &length);
    daemon->port = ntohs(address.sin_port);
    daemon->epoll = MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    daemon_watch(daemon);
    return NULL;
}

const char *http_start(struct host *host, unsigned plain_port, unsigned tls_port)
{
    const char *problem = start(host, PLAIN, plain_port);

    return problem ? problem : start(host, TLS, tls_port);
}

void http_stop(struct host *host)
{
    http_resume_all(host); /* MHD cannot end with connections that it was told to leave alone */
    for (size_t i = 0; i < LENGTH(host->daemons); i++) {
        struct daemon *daemon = &host->daemons[i];

        if (daemon->mhd) {
            timer_clear(&daemon->later);
            daemon_unwatch(daemon);
            MHD_stop_daemon(daemon->mhd);
            daemon->mhd = NULL;
        }
    }
}

static void run_later(struct timer *timer)
{
    daemon_run((struct daemon *) (void *) ((char *) timer - offsetof(struct daemon, later)));
}

/* While a client has not ended its handshake, libmicrohttpd wants to be run again at once, and
 * would take a whole processor to find that nothing came.  When something comes, its fd shows it;
 * for the rest there is `later`. */
bool http_run(struct daemon *daemon)
{
    enum { LATER = 10 }; /* ms */
    MHD_UNSIGNED_LONG_LONG ms;
    uint64_t steps = daemon->steps;

    timer_clear(&daemon->later);
    MHD_run(daemon->mhd);
    if (MHD_get_timeout(daemon->mhd, &ms) != MHD_YES || ms > 0) {
        return false;
    }
    if (daemon->handshaking && daemon->steps == steps) {
        timer_set(&daemon->later, LATER, run_later);
        return false;
    }
    return true;
}
