/* SPDX-License-Identifier: MIT */
/* The hosts of this process, and what they remember of their requests. */
#include "model.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

struct host *hosts;

enum { LOG_LIMIT = 100000 }; /* a benchmark's requests are only counted */

struct host *host_new(const char *name)
{
    struct host *host = must(calloc(1, sizeof *host));

    host->name = copy(name);
    host->address.s_addr = htonl(INADDR_LOOPBACK);
    host->admin = copy("Administrator");
    host->admin_password = copy("Adm1n <&> \"pass\" word");
    host->control_password = copy(">]A /+&{H|<=g#& 5");
    host->management_password = copy("]]> elevated & \"more\"");
    host->server_version = copy("10.0.14393.0");
    host->flags_name = copy("pgrfSession");
    host->unknown_hr = 0x80071B6E; /* there is no such WinStation */
    host->relock = host->block_all_relock = -1;
    host->soap11 = host->soap12 = host->events = host->cookie = true;
    host->sinks_at = copy("127.0.0.1");
    host->manager_ms = -1;
    host->counts = must(calloc(operation_count, sizeof *host->counts));
    gnutls_session_ticket_key_generate(&host->ticket_key);
    host->next = hosts;
    hosts = host;
    return host;
}

struct host *host_find(const char *name)
{
    struct host *host = hosts;

    while (host && strcmp(host->name, name) != 0) {
        host = host->next;
    }
    return host;
}

void host_free(struct host *host)
{
    struct host **link = &hosts;

    while (*link && *link != host) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = host->next;
    }
    http_stop(host);
    manager_set(host, -1);
    clients_free(host);
    while (host->session_count) {
        session_remove(host->sessions[host->session_count - 1]);
    }
    while (host->rules) {
        struct rule *rule = host->rules;

        host->rules = rule->next;
        rule_free(rule);
    }
    log_clear(host);
    model_free(host);
    text_free(&host->bodies);
    text_free(&host->posts);
    certificate_free(host->certificates);
    if (host->priority) {
        gnutls_priority_deinit(host->priority);
    }
    gnutls_free(host->ticket_key.data);
    free(host->log);
    free(host->counts);
    free(host->sessions);
    free(host->name);
    free(host->admin);
    free(host->admin_password);
    free(host->control_password);
    free(host->management_password);
    free(host->server_version);
    free(host->block_all);
    free(host->flags_name);
    free(host->sinks_at);
    free(host->sink_user);
    free(host);
}

void log_add(struct host *host, const char *verb, bool has_id, uint64_t id, const char *user,
             const char *result)
{
    struct entry *entry;

    if (host->log_length == LOG_LIMIT) {
        return;
    }
    if (host->log_length == host->log_size) {
        host->log_size = host->log_size * 2 + 64;
        host->log = must(realloc(host->log, host->log_size * sizeof *host->log));
    }
    entry = &host->log[host->log_length++];
    *entry = (struct entry){copy(verb), copy(user), copy(result), id, has_id};
}

void log_clear(struct host *host)
{
    for (size_t i = 0; i < host->log_length; i++) {
        free(host->log[i].verb);
        free(host->log[i].user);
        free(host->log[i].result);
    }
    host->log_length = 0;
}

/* ---- rules ----------------------------------------------------------------------------------- */

void rule_free(struct rule *rule)
{
    free(rule->operation);
    free(rule->body);
    free(rule->raw);
    free(rule->relates);
    free(rule->header);
    free(rule->swap);
    free(rule);
}

/* A rule that is used up leaves the host's list and belongs to the exchange. */
struct rule *rule_take(struct host *host, const char *operation, uint64_t id)
{
    for (struct rule **link = &host->rules; *link; link = &(*link)->next) {
        struct rule *rule = *link;

        if ((strcmp(rule->operation, "*") == 0 || strcmp(rule->operation, operation) == 0) &&
            (rule->id == ANY_ID || rule->id == id)) {
            struct rule *taken;

            if (rule->times == 1) {
                *link = rule->next;
                return rule;
            }
            rule->times -= rule->times > 0;
            taken = must(malloc(sizeof *taken)); /* the answer may outlive the host's list */
            *taken = *rule;
            taken->operation = NULL;
            taken->body = rule->body ? copy(rule->body) : NULL;
            taken->raw = rule->raw ? copy(rule->raw) : NULL;
            taken->relates = rule->relates ? copy(rule->relates) : NULL;
            taken->header = rule->header ? copy(rule->header) : NULL;
            taken->swap = rule->swap ? copy(rule->swap) : NULL;
            return taken;
        }
    }
    return NULL;
}
