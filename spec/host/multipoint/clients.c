/* SPDX-License-Identifier: MIT */
/* The clients that want to be told of events: who they are (SetSslCertificate), and where they
 * listen (RegisterCoreEventSink). */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- clients --------------------------------------------------------------------------------- */

static bool has_name(const struct client *client, const char *name, size_t length)
{
    return strlen(client->name) == length && strncasecmp(client->name, name, length) == 0;
}

struct client *client_of(const struct host *host, const char *uri)
{
    const char *name = uri + strlen("https://");
    size_t length = strcspn(name, ":/");

    for (struct client *client = host->clients; client; client = client->next) {
        if (has_name(client, name, length)) {
            return client;
        }
    }
    return NULL;
}

static void client_free(struct client *client)
{
    outlet_end(&client->online);
    text_free(&client->roots);
    free(client->name);
    free(client);
}

static void remove_client(struct host *host, const char *name, uint32_t port)
{
    for (struct client **link = &host->clients; *link;) {
        struct client *client = *link;

        if (has_name(client, name, strlen(name)) && client->port == port) {
            *link = client->next;
            client_free(client);
        } else {
            link = &client->next;
        }
    }
}

/* wsHostName, SslPort, wsSslCertificateThumbprint, pSslCertificate */
uint32_t set_ssl_certificate(struct call *call)
{
    struct host *host = call->host;
    const char *name = call->arguments[0];
    uint64_t port = call->numbers[1];
    struct text pem = {NULL, 0, 0}, uri = {NULL, 0, 0};
    struct client *client;
    uint32_t hr;

    if (port < 1 || port > UINT16_MAX) {
        return HR_INVALID_ARGUMENT;
    }
    hr = certificate_check(&call->binary, name, call->arguments[2], &pem);
    if (hr) {
        return hr;
    }
    remove_client(host, name, (uint32_t) port); /* the one that it had before */
    client = must(calloc(1, sizeof *client));
    client->name = copy(name);
    client->port = (uint32_t) port;
    client->roots = pem;
    text_printf(&uri, "https://%s:%u/MultiPoint/IMultiPointSystemOnlineEventSink", name,
                client->port);
    outlet_start(&client->online, host, uri.data);
    text_free(&uri);
    client->next = host->clients;
    host->clients = client;
    return 0;
}

/* wsFqdnManagingServer, pSslCertificate: the present one stays good until it ends. */
uint32_t set_replacement_ssl_certificate(struct call *call)
{
    const char *name = call->arguments[0];
    bool found = false;

    for (struct client *client = call->host->clients; client; client = client->next) {
        if (has_name(client, name, strlen(name))) {
            uint32_t hr = certificate_check(&call->binary, name, NULL, &client->roots);

            if (hr) {
                return hr;
            }
            found = true;
        }
    }
    return found ? 0 : HR_NOT_FOUND;
}

uint32_t get_replacement_ssl_certificate(struct call *call)
{
    const struct host *host = call->host;
    const struct certificate *next = host->next_certificate ? host->next_certificate : host->shown;

    text_puts(call->out, "<ppSslCertificate>");
    text_add(call->out, next->answer.data, next->answer.length);
    text_puts(call->out, "</ppSslCertificate>");
    return 0;
}

bool clients_check(const struct operation *operation)
{
    return operation->act == set_ssl_certificate || operation->act == register_core_event_sink ||
           operation->act == unregister_core_event_sink ||
           operation->act == set_replacement_ssl_certificate;
}

/* ---- sinks ----------------------------------------------------------------------------------- */

static void sink_free(struct sink *sink)
{
    outlet_end(&sink->outlet);
    free(sink);
}

/* bstrUriSinkEndpoint; the same one may be registered twice, and is told twice then. */
uint32_t register_core_event_sink(struct call *call)
{
    const char *uri = call->arguments[0];
    struct host *host = call->host;
    struct sink *sink, **end = &host->sinks;

    if (strncmp(uri, "https://", strlen("https://")) != 0) {
        return HR_INVALID_ARGUMENT;
    }
    sink = must(calloc(1, sizeof *sink));
    sink->cookie = ++host->last_cookie;
    outlet_start(&sink->outlet, host, uri);
    while (*end) {
        end = &(*end)->next;
    }
    *end = sink;
    if (host->cookie) {
        text_printf(call->out, "<pullCookie>%llu</pullCookie>", (unsigned long long) sink->cookie);
    }
    return 0;
}

uint32_t unregister_core_event_sink(struct call *call)
{
    for (struct sink **link = &call->host->sinks; *link; link = &(*link)->next) {
        struct sink *sink = *link;

        if (sink->cookie == call->numbers[0]) {
            *link = sink->next;
            sink_free(sink);
            return 0;
        }
    }
    return HR_NOT_FOUND;
}

void clients_drop_sink(struct host *host, const struct outlet *outlet)
{
    for (struct sink **link = &host->sinks; *link; link = &(*link)->next) {
        struct sink *sink = *link;

        if (&sink->outlet == outlet) {
            *link = sink->next;
            sink_free(sink);
            return;
        }
    }
}

size_t clients_count_sinks(const struct host *host)
{
    size_t count = 0;

    for (const struct sink *sink = host->sinks; sink; sink = sink->next) {
        count++;
    }
    return count;
}

bool clients_are_told(const struct host *host)
{
    size_t waiting = 0;

    for (const struct sink *sink = host->sinks; sink; sink = sink->next) {
        waiting += sink->outlet.waiting;
    }
    for (const struct client *client = host->clients; client; client = client->next) {
        waiting += client->online.waiting;
    }
    return waiting == 0;
}

void clients_forget_sinks(struct host *host)
{
    while (host->sinks) {
        struct sink *sink = host->sinks;

        host->sinks = sink->next;
        sink_free(sink);
    }
}

void clients_free(struct host *host)
{
    clients_forget_sinks(host);
    while (host->clients) {
        struct client *client = host->clients;

        host->clients = client->next;
        client_free(client);
    }
    poster_end(host);
}
