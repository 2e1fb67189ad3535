/* SPDX-License-Identifier: MIT */
/* What the control channel can be told, except to wait: see control.c. */
#include "model.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- commands: NULL, or what is wrong -------------------------------------------------------- */

static struct text *out;

static void say(const char *key, const char *value)
{
    text_printf(out, " %s ", key);
    text_percent(out, value);
    text_puts(out, "\n");
}

const char *certificate_of(struct host *host, const struct words *words, struct text *answer,
                           struct certificate **ret)
{
    static char problem[128];
    const char *key = words_option(words, "key"), *subject = words_option(words, "subject"),
               *usage = words_option(words, "usage");
    struct certificate_wish wish = {
        .subject = subject ? subject : host->name,
        .san = words_option(words, "san"),
        .usage = usage ? usage : "server",
        .expired = words_number(words, "expired", 0),
        .early = words_number(words, "early", 0),
        .lasts = words_number(words, "lasts", 0),
        .rsa = key && strcmp(key, "rsa") == 0,
    };
    struct certificate *certificate = certificate_new(&wish, problem, sizeof problem);

    if (!certificate) {
        return problem;
    }
    certificate->next = host->certificates;
    host->certificates = *ret = certificate;
    out = answer;
    say("sha256", certificate->sha256);
    say("sha1", certificate->sha1);
    return NULL;
}

void certificate_show(struct host *host, struct certificate *certificate)
{
    host->shown = certificate;
    gnutls_free(
        host->ticket_key.data); /* nobody comes back to a session that another certificate began */
    gnutls_session_ticket_key_generate(&host->ticket_key);
}

static const char *certify(struct host *host, const struct words *words, bool plain, bool tls)
{
    struct certificate *certificate = NULL;
    const char *problem = certificate_of(host, words, out, &certificate);

    if (problem) {
        return problem;
    }
    if (plain) {
        host->announced = certificate;
    }
    if (tls) {
        certificate_show(host, certificate);
    }
    return NULL;
}

static const char *do_host(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"address", "http",       "https", "admin",   "password",
                                       "control", "management", "key",   "subject", "usage",
                                       "san",     "expired",    "early", "lasts",   NULL};
    const char *problem = words_known(words, 2, keys), *address = words_option(words, "address");

    if (host) {
        return "the host is there already";
    }
    if (problem) {
        return problem;
    }
    host = host_new(words->word[1]);
    words_string(words, "admin", &host->admin);
    words_string(words, "password", &host->admin_password);
    words_string(words, "control", &host->control_password);
    words_string(words, "management", &host->management_password);
    if (address && inet_pton(AF_INET, address, &host->address) != 1) {
        problem = "no IPv4 address";
    } else if (gnutls_priority_init(&host->priority, "NORMAL", NULL) < 0) {
        problem = "GnuTLS has no priorities";
    }
    problem = problem ? problem : certify(host, words, true, true);
    problem = problem ? problem
                      : http_start(host, (unsigned) words_number(words, "http", 0),
                                   (unsigned) words_number(words, "https", 0));
    if (problem) {
        host_free(host);
        return problem;
    }
    say("address", inet_ntoa(host->address));
    text_printf(out, " http %u\n https %u\n", host->daemons[PLAIN].port, host->daemons[TLS].port);
    return NULL;
}

/* Nobody listens at the port from now on, and nobody can: it stays taken until this process ends.
 */
static const char *take_port(struct in_addr where, unsigned port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr = where};
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
                   bind(fd, (const struct sockaddr *) &address, sizeof address) != 0
               ? "the port cannot be kept"
               : NULL;
}

static const char *do_unhost(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"keep", NULL};
    const char *problem = words_known(words, 2, keys);
    struct in_addr where = host->address;
    unsigned plain = host->daemons[PLAIN].port, tls = host->daemons[TLS].port;

    if (problem) {
        return problem;
    }
    host_free(host);
    if (words_option(words, "keep")) {
        problem = take_port(where, plain);
        problem = problem ? problem : take_port(where, tls);
    }
    return problem;
}

static const char *do_certificate(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"where",   "key",   "subject", "usage", "san",
                                       "expired", "early", "lasts",   NULL};
    const char *problem = words_known(words, 2, keys), *where = words_option(words, "where");

    return problem ? problem
                   : certify(host, words, !where || strcmp(where, "tls") != 0,
                             !where || strcmp(where, "plain") != 0);
}

static const char *do_pem(struct host *host, const struct words *words)
{
    (void) words;
    say("pem", host->shown->pem);
    return NULL;
}

static const char *do_tls(struct host *host, const struct words *words)
{
    gnutls_priority_t priority;

    if (words->count != 3 || gnutls_priority_init(&priority, words->word[2], NULL) < 0) {
        return "GnuTLS knows no such priorities";
    }
    gnutls_priority_deinit(host->priority); /* sessions hold references of their own */
    host->priority = priority;
    return NULL;
}

static const char *do_set(struct host *host, const struct words *words)
{
    static const char *const settings[] = {
        "relock",           /* ms after which an unlocked session is locked again; -1 */
        "block_all_relock", /* likewise, but only while a Block All message stands */
        "block_all",        /* the message; empty: none */
        "flags_name",       /* pgrfSession, pfgrSession */
        "request_action",   /* the credentials' answer has the request's Action */
        "no_management",    /* it leaves the second password out */
        "admin_orchestration",
        "stations",
        "protocol_version",
        "server_version",
        "password",
        "control",
        "management",
        "unknown_hr",  /* the fault of an id that is not there */
        "timestamps",  /* answers have a Security header with a Timestamp */
        "refuse",      /* new connections are closed at once */
        "keep_bodies", /* requests are remembered as they came: see `bodies` */
        "soap11",
        "soap12",         /* whether the plain endpoint speaks it */
        "events",         /* what happens is told to the sinks by itself */
        "cookie",         /* RegisterCoreEventSink answers with one */
        "sink_passwords", /* "texts": as the operations' own texts say; "definitions": as 3.4.1 */
        "sink_user",      /* of an event, instead of the client's host name */
        "credulous",      /* certificates, URIs and cookies are taken as they are, and forgotten */
        "sinks_at",       /* the address of all clients, whatever they call themselves */
        "manager",        /* ms after which a Manager blocks all sessions again, and so on; -1 */
        NULL,
    };
    const char *problem = words_known(words, 2, settings), *value;

    if (problem) {
        return problem;
    }
    host->relock =
        (value = words_option(words, "relock")) ? strtoll(value, NULL, 10) : host->relock;
    host->block_all_relock = (value = words_option(words, "block_all_relock"))
                                 ? strtoll(value, NULL, 10)
                                 : host->block_all_relock;
    host->request_action = words_number(words, "request_action", host->request_action);
    host->no_management = words_number(words, "no_management", host->no_management);
    host->admin_orchestration =
        words_number(words, "admin_orchestration", host->admin_orchestration);
    host->stations = (uint32_t) words_number(words, "stations", host->stations);
    host->protocol_version =
        (uint32_t) words_number(words, "protocol_version", host->protocol_version);
    host->unknown_hr = (uint32_t) words_number(words, "unknown_hr", host->unknown_hr);
    host->timestamps = words_number(words, "timestamps", host->timestamps);
    host->refuse = words_number(words, "refuse", host->refuse);
    host->keep_bodies = words_number(words, "keep_bodies", host->keep_bodies);
    host->soap11 = words_number(words, "soap11", host->soap11);
    host->soap12 = words_number(words, "soap12", host->soap12);
    host->events = words_number(words, "events", host->events);
    host->cookie = words_number(words, "cookie", host->cookie);
    host->credulous = words_number(words, "credulous", host->credulous);
    if ((value = words_option(words, "sink_passwords"))) {
        host->definitions = strcmp(value, "definitions") == 0;
    }
    words_string(words, "sink_user", &host->sink_user);
    words_string(words, "sinks_at", &host->sinks_at);
    if ((value = words_option(words, "manager"))) {
        manager_set(host, strtoll(value, NULL, 10));
    }
    if ((value = words_option(words, "block_all"))) {
        replace(&host->block_all, *value ? value : NULL);
    }
    words_string(words, "flags_name", &host->flags_name);
    words_string(words, "server_version", &host->server_version);
    words_string(words, "password", &host->admin_password);
    words_string(words, "control", &host->control_password);
    words_string(words, "management", &host->management_password);
    return NULL;
}

static const char *const session_keys[] = {
    "user",    "domain",  "winstation", "state", "flags",    "station", "broadcast", "rail",
    "private", "message", "relock",     "deaf",  "inactive", "picture", NULL};

static void fill(struct host *host, const struct words *words, uint64_t id)
{
    struct session *session = session_find(host, id);
    const struct session before = session ? *session : (struct session){.state = 0};
    bool is_new = !session;
    const char *value;

    session = session ? session : session_add(host, id);

    words_string(words, "user", &session->user);
    words_string(words, "domain", &session->domain);
    words_string(words, "winstation", &session->winstation);
    words_string(words, "message", &session->message);
    session->state = (uint32_t) words_number(words, "state", session->state);
    session->flags = (uint32_t) words_number(words, "flags", session->flags);
    session->station = (uint32_t) words_number(words, "station", session->station);
    session->broadcast = (uint32_t) words_number(words, "broadcast", session->broadcast);
    session->rail = words_number(words, "rail", session->rail);
    session->private_screen = words_number(words, "private", session->private_screen);
    session->deaf = words_number(words, "deaf", session->deaf);
    session->inactive = (uint32_t) words_number(words, "inactive", session->inactive);
    session->relock_after =
        (value = words_option(words, "relock")) ? strtoll(value, NULL, 10) : session->relock_after;
    session->picture =
        (value = words_option(words, "picture")) ? strtoll(value, NULL, 10) : session->picture;
    if (session->station > host->stations) {
        host->stations = session->station;
    }
    session_changed(session, &before, is_new);
}

static const char *do_session(struct host *host, const struct words *words)
{
    const char *problem = words_known(words, 3, session_keys);
    uint64_t id;

    if (problem || words->count < 3 || !parse_number(words->word[2], UINT64_MAX, &id)) {
        return problem ? problem : "give an id";
    }
    fill(host, words, id);
    return NULL;
}

static const char *do_fill(struct host *host, const struct words *words)
{
    const char *problem = words_known(words, 4, session_keys);
    uint64_t from, to;

    if (problem || words->count < 4 || !parse_number(words->word[2], 10000000, &from) ||
        !parse_number(words->word[3], 10000000, &to)) {
        return problem ? problem : "give the first and the last id";
    }
    for (uint64_t id = from; id <= to; id++) {
        fill(host, words, id);
    }
    return NULL;
}

static const char *do_remove(struct host *host, const struct words *words)
{
    struct session *session;
    uint64_t id;

    if (words->count == 3 && strcmp(words->word[2], "all") == 0) {
        while (host->session_count) {
            session_end(host->sessions[host->session_count - 1]);
        }
        return NULL;
    }
    if (words->count != 3 || !parse_number(words->word[2], UINT64_MAX, &id) ||
        !(session = session_find(host, id))) {
        return "no such session";
    }
    session_end(session);
    return NULL;
}

static const char *do_sessions(struct host *host, const struct words *words)
{
    (void) words;
    for (size_t i = 0; i < host->session_count; i++) {
        const struct session *session = host->sessions[i];

        text_printf(out, " %llu %u %u ", (unsigned long long) session->id, session->state,
                    session->flags);
        text_percent(out, session->user);
        text_puts(out, "|");
        text_percent(out, session->message);
        text_puts(out, "\n");
    }
    return NULL;
}

static const char *do_on(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"times",   "delay",       "never",  "drop",    "fault",
                                       "status",  "body",        "raw",    "relates", "half",
                                       "garbage", "endless",     "header", "swap",    "utf16",
                                       "id",      "renegotiate", NULL};
    const char *problem = words_known(words, 3, keys), *drop = words_option(words, "drop");
    struct rule *rule, **link;

    if (problem || words->count < 4) {
        return problem ? problem : "give an operation and what is to happen";
    }
    if (strcmp(words->word[2], "*") != 0 && !operation_find(NULL, words->word[2])) {
        return "no such operation";
    }
    rule = must(calloc(1, sizeof *rule));
    rule->operation = copy(words->word[2]);
    rule->times = words_number(words, "times", 1);
    rule->id = words_number(words, "id", ANY_ID);
    rule->delay = words_number(words, "delay", 0);
    rule->never = words_number(words, "never", 0);
    rule->fault = words_number(words, "fault", NO_FAULT);
    rule->status = (uint32_t) words_number(words, "status", 0);
    rule->half = words_number(words, "half", 0);
    rule->garbage = words_number(words, "garbage", 0);
    rule->utf16 = words_number(words, "utf16", 0);
    rule->renegotiate = words_number(words, "renegotiate", 0);
    rule->endless = words_number(words, "endless", 0);
    rule->drop_before = drop && strcmp(drop, "before") == 0;
    rule->drop_after = drop && strcmp(drop, "after") == 0;
    words_string(words, "body", &rule->body);
    words_string(words, "raw", &rule->raw);
    words_string(words, "relates", &rule->relates);
    words_string(words, "header", &rule->header);
    words_string(words, "swap", &rule->swap);
    for (link = &host->rules; *link; link = &(*link)->next) {
    }
    *link = rule;
    return NULL;
}

static const char *do_clear(struct host *host, const struct words *words)
{
    (void) words;
    while (host->rules) {
        struct rule *rule = host->rules;

        host->rules = rule->next;
        rule_free(rule);
    }
    http_resume_all(host);
    return NULL;
}

static const char *do_hang_up(struct host *host, const struct words *words)
{
    http_hang_up(host, words->count > 2 && strcmp(words->word[2], "rudely") == 0);
    return NULL;
}

static const char *do_log(struct host *host, const struct words *words)
{
    (void) words;
    for (size_t i = 0; i < host->log_length; i++) {
        const struct entry *entry = &host->log[i];

        text_printf(out, " %s ", entry->verb);
        text_printf(out, entry->has_id ? "%llu " : "- ", (unsigned long long) entry->id);
        text_percent(out, *entry->user ? entry->user : "-");
        text_printf(out, " %s\n", entry->result);
    }
    return NULL;
}

static const char *do_bodies(struct host *host, const struct words *words)
{
    (void) words;
    text_add(out, host->bodies.data ? host->bodies.data : "", host->bodies.length);
    return NULL;
}

static const char *do_reset(struct host *host, const struct words *words)
{
    (void) words;
    log_clear(host);
    text_clear(&host->bodies);
    text_clear(&host->posts);
    host->posts_done = host->longest_block = 0;
    memset(host->counts, 0, operation_count * sizeof *host->counts);
    host->daemons[PLAIN].connections = host->daemons[TLS].connections = 0;
    host->requests_seen = host->faults = host->handshakes = host->resumed = host->admin_plain =
        host->admin_tls = 0;
    return NULL;
}

static const char *do_counts(struct host *host, const struct words *words)
{
    size_t open = 0;
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"requests", host->requests_seen},
        {"faults", host->faults},
        {"connections_http", host->daemons[PLAIN].connections},
        {"connections_https", host->daemons[TLS].connections},
        {"handshakes", host->handshakes},
        {"resumed", host->resumed},
        {"admin_plain", host->admin_plain},
        {"admin_tls", host->admin_tls},
        {"posts", host->posts_done},
        {"longest_block", host->longest_block},
    };

    (void) words;
    for (size_t i = 0; i < LENGTH(counts); i++) {
        text_printf(out, " %s %llu\n", counts[i].name, (unsigned long long) counts[i].value);
    }
    for (size_t i = 0; i < operation_count; i++) {
        if (host->counts[i]) {
            text_printf(out, " %s %llu\n", operations[i].name,
                        (unsigned long long) host->counts[i]);
        }
    }
    for (size_t i = 0; i < LENGTH(host->daemons); i++) {
        open += MHD_get_daemon_info(host->daemons[i].mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
                    ->num_connections;
    }
    text_printf(out, " open %zu\n", open);
    say("block_all", host->block_all ? host->block_all : "");
    return NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *(*run)(struct host *host, const struct words *words);
} commands[] = {
    {"host", do_host},         {"unhost", do_unhost}, {"certificate", do_certificate},
    {"pem", do_pem},           {"tls", do_tls},       {"set", do_set},
    {"session", do_session},   {"fill", do_fill},     {"remove", do_remove},
    {"sessions", do_sessions}, {"on", do_on},         {"clear", do_clear},
    {"hangup", do_hang_up},    {"log", do_log},       {"bodies", do_bodies},
    {"reset", do_reset},       {"counts", do_counts},
};

static const struct {
    const char *name;
    const char *(*run)(struct host *host, const struct words *words, struct text *answer);
} event_commands[] = {
    {"event", command_event},     {"posts", command_posts},     {"sinks", command_sinks},
    {"clients", command_clients}, {"restart", command_restart}, {"renew", command_renew},
    {"adopt", command_adopt},
};

bool command_run(struct host *host, const struct words *words, struct text *answer,
                 const char **ret_problem)
{
    static const char no_host[] = "no such host";

    out = answer;
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(commands[i].name, words->word[0]) == 0) {
            *ret_problem =
                words->count < 2 || (!host && i > 0) ? no_host : commands[i].run(host, words);
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(event_commands); i++) {
        if (strcmp(event_commands[i].name, words->word[0]) == 0) {
            *ret_problem = host ? event_commands[i].run(host, words, answer) : no_host;
            return true;
        }
    }
    return model_command(host, words, ret_problem);
}
