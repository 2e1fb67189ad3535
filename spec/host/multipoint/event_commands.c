/* SPDX-License-Identifier: MIT */
/* What the control channel can be told about events, and about what comes with them: see control.c.
 */
#include "host.h"

#include <string.h>

const char *command_event(struct host *host, const struct words *words, struct text *out)
{
    (void) out;
    return words->count < 3 ? "give an event" : event_send(host, words->word[2], words, 3);
}

const char *command_posts(struct host *host, const struct words *words, struct text *out)
{
    (void) words;
    text_add(out, host->posts.data ? host->posts.data : "", host->posts.length);
    return NULL;
}

const char *command_sinks(struct host *host, const struct words *words, struct text *out)
{
    (void) words;
    for (const struct sink *sink = host->sinks; sink; sink = sink->next) {
        text_printf(out, " %llu ", (unsigned long long) sink->cookie);
        text_percent(out, sink->outlet.uri);
        text_puts(out, "\n");
    }
    return NULL;
}

const char *command_clients(struct host *host, const struct words *words, struct text *out)
{
    (void) words;
    for (const struct client *client = host->clients; client; client = client->next) {
        text_puts(out, " ");
        text_percent(out, client->name);
        text_printf(out, " %u ", client->port);
        text_percent(out, client->roots.data);
        text_puts(out, "\n");
    }
    return NULL;
}

/* The host's connections end, its sessions stay; what it kept in memory alone is gone. */
const char *command_restart(struct host *host, const struct words *words, struct text *out)
{
    static const char *const keys[] = {"forget", "silent", NULL};
    const char *problem = words_known(words, 2, keys);

    (void) out;
    if (problem) {
        return problem;
    }
    http_hang_up(host, false);
    if (words_option(words, "forget")) {
        clients_forget_sinks(host);
    }
    return words_option(words, "silent") ? NULL
                                         : event_send(host, "OnManagedServerOnlineNotify", NULL, 0);
}

const char *command_renew(struct host *host, const struct words *words, struct text *out)
{
    static const char *const keys[] = {"key",   "subject", "usage",  "san", "expired",
                                       "early", "lasts",   "silent", NULL};
    const char *problem = words_known(words, 2, keys);
    struct text name = {NULL, 0, 0};
    struct words said = {.count = 1};

    problem = problem ? problem : certificate_of(host, words, out, &host->next_certificate);
    if (problem || words_option(words, "silent")) {
        return problem;
    }
    text_printf(&name, "wsHostName=%s",
                words_option(words, "subject") ? words_option(words, "subject") : host->name);
    said.word[0] = name.data;
    problem = event_send(host, "OnNewServerCertificateReady", &said, 0);
    text_free(&name);
    return problem;
}

const char *command_adopt(struct host *host, const struct words *words, struct text *out)
{
    (void) words;
    (void) out;
    if (!host->next_certificate) {
        return "there is no next certificate";
    }
    host->announced = host->next_certificate;
    certificate_show(host, host->next_certificate);
    host->next_certificate = NULL;
    return NULL;
}
