/* SPDX-License-Identifier: MIT */
/* call.c - calls: wishes and the store here; what is about agents of this engine in control.c. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nats/asking.h"
#include "nats/json.h"

/* ---- what there is --------------------------------------------------------------------------- */

enum what { PUT, GET, DELETE, PREPARE, PRESENCE, CALLS };

static const struct {
    const char *interface_name, *operation;
} calls[CALLS] = {
    [PUT] = {"wish", "put"},          [GET] = {"wish", "get"},
    [DELETE] = {"wish", "delete"},    [PREPARE] = {"store", "prepare"},
    [PRESENCE] = {"presence", "get"},
};

static enum what what_of(const struct wms_call *call)
{
    unsigned what = 0;

    while (what < CALLS && (strcmp(calls[what].interface_name, call->interface_name) != 0 ||
                            strcmp(calls[what].operation, call->operation) != 0)) {
        what++;
    }
    return (enum what) what;
}

/* wms_value_field() is the engine's. */
static const wms_value *field(const wms_value *table, const char *name)
{
    for (size_t i = 0; table && i < table->size; i++) {
        if (table->items[i].name && strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

static const char *text_of(const wms_value *table, const char *name)
{
    const wms_value *value = field(table, name);

    return value && value->kind == WMS_STRING ? value->text : NULL;
}

/* ---- what is wrong with it ------------------------------------------------------------------- */

static int complain(char *complaint, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(char *complaint, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(complaint, size, format, arguments);
    va_end(arguments);
    return WMS_E_INVALID;
}

/* Each argument is one of these, and of its kind. */
struct argument {
    const char *name;
    enum wms_kind kind;
};

static int check_arguments(const wms_value *table, const struct argument *known, size_t count,
                           char *complaint, size_t size)
{
    for (size_t i = 0; table && i < table->size; i++) {
        const wms_value *value = &table->items[i];
        size_t at = 0;
        while (at < count && (!value->name || strcmp(known[at].name, value->name) != 0)) {
            at++;
        }
        if (at == count) {
            return complain(complaint, size, "arguments: there is no %.100s; leave it out",
                            value->name ? value->name : "list");
        }
        if (value->kind != known[at].kind) {
            return complain(complaint, size, "arguments: %s is no %s; give one", known[at].name,
                            known[at].kind == WMS_STRING    ? "string"
                            : known[at].kind == WMS_BOOLEAN ? "boolean"
                                                            : "whole number");
        }
        if (value->kind == WMS_STRING && memchr(value->text, '\0', value->size)) {
            return complain(complaint, size, "arguments: %s has a NUL; give a text",
                            known[at].name);
        }
    }
    return 0;
}

static int check_wish(const wms_value *table, char *complaint, size_t size)
{
    enum { MESSAGE_MAX = 32 * 1024, SECONDS_MAX = 1000000000 };
    static const struct argument known[] = {{"state", WMS_STRING},
                                            {"message", WMS_STRING},
                                            {"seconds", WMS_NATURAL},
                                            {"restore", WMS_BOOLEAN}};
    const char *state = text_of(table, "state");
    const wms_value *seconds = field(table, "seconds"), *message = field(table, "message"),
                    *restore = field(table, "restore");
    int error = check_arguments(table, known, sizeof known / sizeof *known, complaint, size);

    if (error) {
        return error;
    }
    if (!state || (strcmp(state, "locked") != 0 && strcmp(state, "unlocked") != 0)) {
        return complain(complaint, size, "arguments: state is %s; give \"locked\" or \"unlocked\"",
                        state ? "another word" : "missing");
    }
    if (seconds && (seconds->natural < 1 || seconds->natural > SECONDS_MAX)) {
        return complain(complaint, size,
                        "arguments: seconds is %llu; give 1 to %d, or leave it out for a wish "
                        "without end",
                        (unsigned long long) seconds->natural, SECONDS_MAX);
    }
    if (message && message->size > MESSAGE_MAX) {
        return complain(complaint, size, "arguments: message has %zu bytes; give at most %d",
                        message->size, MESSAGE_MAX);
    }
    if (!message && (strcmp(state, "locked") == 0 || (restore && restore->integer))) {
        return complain(complaint, size,
                        "arguments: message is missing; give what users see while they are "
                        "locked");
    }
    return 0;
}

static int check_prepare(const wms_value *table, char *complaint, size_t size)
{
    enum { REPLICAS_MAX = 5 };
    static const struct argument known[] = {{"replicas", WMS_NATURAL}};
    const wms_value *replicas = field(table, "replicas");
    int error = check_arguments(table, known, 1, complaint, size);

    if (!error && replicas && (replicas->natural < 1 || replicas->natural > REPLICAS_MAX)) {
        error = complain(complaint, size, "arguments: replicas is %llu; give 1 to %d",
                         (unsigned long long) replicas->natural, REPLICAS_MAX);
    }
    return error;
}

int nats_check(const struct wms_call *call, char *complaint, size_t size)
{
    if (call->verb != WMS_CALL) {
        return 0;
    }
    if (agent_is_call(call)) {
        return agent_check(call, complaint, size);
    }
    switch (what_of(call)) {
    case PUT:
        return check_wish(call->arguments, complaint, size);
    case PREPARE:
        return check_prepare(call->arguments, complaint, size);
    case GET:
    case DELETE:
    case PRESENCE:
        return check_arguments(call->arguments, NULL, 0, complaint, size);
    default:
        return complain(complaint, size,
                        "operation: %.60s has no %.60s; there are serve, stop and state of agent; "
                        "put, get, delete, wait and clock of wish; get of presence; prepare of "
                        "store",
                        call->interface_name, call->operation);
    }
}

/* ---- results --------------------------------------------------------------------------------- */

/* A table that is made on the stack. */
struct made {
    wms_value items[8];
    wms_value table;
};

static wms_value *add(struct made *made, const char *name, enum wms_kind kind)
{
    wms_value *value = &made->items[made->table.size++];

    memset(value, 0, sizeof *value);
    value->name = name;
    value->kind = kind;
    return value;
}

static void begin_result(struct made *made)
{
    memset(&made->table, 0, sizeof made->table);
    made->table.kind = WMS_TABLE;
    made->table.items = made->items;
}

static void add_text(struct made *made, const char *name, const char *text)
{
    if (text) {
        wms_value *value = add(made, name, WMS_STRING);
        value->text = text;
        value->size = strlen(text);
    }
}

static void add_number(struct made *made, const char *name, uint64_t number)
{
    add(made, name, WMS_NATURAL)->natural = number;
}

/* Ends the ask and its op, with that result. */
static void end_with(struct nats_ask *ask, const struct made *made)
{
    const struct wms_services *services = ask->host->all->services;
    struct wms_op *op = ask->op;

    nats_ask_end(ask);
    services->answer(op, services->result(op, &made->table), NULL);
}

static void end_with_nothing(struct nats_ask *ask)
{
    struct made made;

    begin_result(&made);
    end_with(ask, &made);
}

static void call_failed(struct nats_host *host, struct wms_op *op, void *data, int code,
                        const char *text, bool lost)
{
    (void) data;
    (lost ? host->all->services->lost : host->all->services->answer)(op, code, text);
}

/* ---- what JetStream answers ------------------------------------------------------------------ */

enum { NO_MESSAGE = 404, NOBODY = 503 };

/* Seconds in which a store that is not there may come: it has no leader for a moment after a server
 * has gone. */
static const double leaderless = 3;

/* What is no answer.  Whatever it is, it is asked again, but not for ever. */
static void wait_for_store(struct nats_ask *ask)
{
    if (nats_now() - ask->first >= leaderless) {
        nats_ask_fail(ask, WMS_E_NOT_FOUND, nats_no_store, false);
    }
}

/* Reads what is an acknowledgment.  False: it is not, or an error other than `allowed`, and that
 * has been seen to. */
static bool read_ack(struct nats_ask *ask, const struct courier_message *message, int allowed,
                     struct nats_ack *ret_ack)
{
    char text[NATS_SENTENCE];

    if (message->status == NOBODY) {
        wait_for_store(ask);
        return false;
    }
    if (message->status) {
        return false;
    }
    int error = nats_read_ack(&ask->host->all->reader, message->data, message->size, ret_ack);
    if (error) {
        nats_ask_fail(ask, error, NULL, true);
    } else if (ret_ack->error && !(allowed && ret_ack->error == allowed)) {
        nats_ask_fail(ask,
                      ret_ack->error == NOBODY       ? WMS_E_BUSY
                      : ret_ack->error == NO_MESSAGE ? WMS_E_NOT_FOUND
                                                     : WMS_E_INTERNAL,
                      nats_blame_store(text, ret_ack), false);
        error = WMS_E_INTERNAL;
    }
    return !error;
}

static void put_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_ack ack;
    struct made made;

    if (read_ack(ask, message, 0, &ack)) {
        begin_result(&made);
        add_number(&made, "revision", ack.sequence);
        end_with(ask, &made);
    }
}

static void delete_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_ack ack;

    if (read_ack(ask, message, 0, &ack)) {
        end_with_nothing(ask);
    }
}

/* A message of the store.  False: there is none (the ask has ended then), or it is not told yet. */
static bool is_stored(struct nats_ask *ask, const struct courier_message *message)
{
    bool there = message->status == 0 && message->sequence > 0;

    if (message->status == NOBODY) {
        wait_for_store(ask);
    } else if (message->status == NO_MESSAGE || (there && message->deleted)) {
        end_with_nothing(ask);
    }
    return there && !message->deleted;
}

static void add_time(struct made *made, double time)
{
    if (time >= 0) {
        add_number(made, "time", (uint64_t) time);
    }
}

static void get_heard(struct nats_ask *ask, const struct courier_message *message)
{
    char text[NATS_SENTENCE];
    struct nats_wish wish;
    struct made made;

    if (!is_stored(ask, message)) {
        return;
    }
    struct nats_reader *reader = &ask->host->all->reader;
    int error = nats_read_wish(reader, message->data, message->size, &wish);
    if (error) {
        snprintf(text, sizeof text, "the wish is not one of wms (%s); put another one",
                 reader->complaint ? reader->complaint : "no memory");
        nats_ask_fail(ask, error, error == WMS_E_PROTOCOL ? text : NULL, false);
        return;
    }
    begin_result(&made);
    add_number(&made, "revision", message->sequence);
    add_time(&made, message->time);
    add_text(&made, "state", wish.state);
    add_text(&made, "message", wish.message);
    add_text(&made, "who", wish.who);
    if (wish.seconds >= 0) {
        add_number(&made, "seconds", (uint64_t) wish.seconds);
    }
    if (wish.restore) {
        add(&made, "restore", WMS_BOOLEAN)->integer = 1;
    }
    end_with(ask, &made);
}

static void presence_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_presence presence;
    struct made made;

    if (!is_stored(ask, message)) {
        return;
    }
    int error =
        nats_read_presence(&ask->host->all->reader, message->data, message->size, &presence);
    if (error) {
        nats_ask_fail(ask, error, NULL, false);
        return;
    }
    begin_result(&made);
    add_text(&made, "instance", presence.instance);
    add_text(&made, "version", presence.version);
    add_number(&made, "beat", (uint64_t) (presence.beat + 0.5));
    add_time(&made, message->time);
    end_with(ask, &made);
}

/* ---- the buckets ----------------------------------------------------------------------------- */

/* Each is looked for, and then made, or made what it should be. */
enum step { LOOK, CREATE, UPDATE };

static const char *const steps[] = {[LOOK] = "INFO", [CREATE] = "CREATE", [UPDATE] = "UPDATE"};

/* What `data` of the ask holds meanwhile. */
struct progress {
    unsigned bucket : 4, made : 4, replicas : 4, step : 4;
};

static const struct {
    const char *name;
    unsigned age; /* seconds; 0: for ever */
} buckets[] = {{"wms_presence", 30}, {"wms_wish", 0}};

static void write_bucket(struct nats_text *text, const struct progress *progress)
{
    static const uint64_t second = 1000000000;
    const char *name = buckets[progress->bucket].name;
    unsigned age = buckets[progress->bucket].age;

    json_put(text, "{\"name\":\"KV_");
    json_put(text, name);
    json_put(text, "\",\"subjects\":[\"$KV.");
    json_put(text, name);
    json_put(text, ".>\"],\"retention\":\"limits\",\"max_consumers\":-1,\"max_msgs\":-1,"
                   "\"max_bytes\":-1,\"max_msg_size\":65536,\"max_msgs_per_subject\":1,"
                   "\"discard\":\"new\",\"deny_delete\":true,\"allow_rollup_hdrs\":true,"
                   "\"allow_direct\":true,\"storage\":\"file\",\"num_replicas\":");
    json_put_natural(text, progress->replicas);
    json_put(text, ",\"max_age\":");
    json_put_natural(text, age * second);
    json_put(text, ",\"duplicate_window\":");
    json_put_natural(text, (age ? age : 120) * second);
    json_put(text, "}");
}

static void make_bucket(struct nats_host *host, struct wms_op *op, const struct progress *progress);

static void bucket_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_host *host = ask->host;
    struct wms_op *op = ask->op;
    struct progress progress;
    struct nats_ack ack;
    struct made made;

    memcpy(&progress, &ask->data, sizeof progress);
    if (!read_ack(ask, message, progress.step == LOOK ? NO_MESSAGE : 0, &ack)) {
        return;
    }
    if (progress.step == LOOK) {
        progress.step = ack.error ? CREATE : UPDATE;
    } else {
        progress.made += progress.step == CREATE;
        progress.step = LOOK;
        progress.bucket++;
    }
    if (progress.bucket < sizeof buckets / sizeof *buckets) {
        nats_ask_end(ask);
        make_bucket(host, op, &progress);
        return;
    }
    begin_result(&made);
    add_number(&made, "made", progress.made);
    end_with(ask, &made);
}

static int put_to_store(struct nats_host *host, const struct nats_way *way, const char *subject,
                        struct wms_op *op, void *data, const char **ret_text)
{
    struct nats_text *text = &host->all->text;
    char *copy = text->failed ? NULL : nats_alloc(host->all, text->size + 1);

    if (!copy) {
        return WMS_E_NO_MEMORY;
    }
    size_t size = text->size;
    memcpy(copy, text->data, size); /* `text` is used anew when a connection is begun */
    int error =
        nats_ask_store(host, way, subject, copy, size, false, op, data, &op->data, ret_text);
    nats_release(host->all, copy);
    return error;
}

static void make_bucket(struct nats_host *host, struct wms_op *op, const struct progress *progress)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = bucket_heard, .failed = call_failed};
    const char *text = NULL;
    char subject[NATS_SUBJECT];
    void *data = NULL;

    memcpy(&data, progress, sizeof *progress);
    snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.KV_%s", steps[progress->step],
             buckets[progress->bucket].name);
    nats_text_clear(&host->all->text);
    if (progress->step != LOOK) {
        write_bucket(&host->all->text, progress);
    }
    int error = put_to_store(host, &way, subject, op, data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

/* ---- to be called ---------------------------------------------------------------------------- */

static int put_wish(struct nats_host *host, struct wms_op *op, const wms_value *arguments,
                    const char **ret_text)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = put_heard, .failed = call_failed};
    const wms_value *seconds = field(arguments, "seconds"), *restore = field(arguments, "restore");
    int error = nats_host_join(host, ret_text);
    char subject[NATS_SUBJECT];
    struct nats_wish wish = {
        .state = text_of(arguments, "state"),
        .message = text_of(arguments, "message"),
        .seconds = seconds ? (double) seconds->natural : -1,
        .restore = restore && restore->integer,
    };

    if (error) {
        return error;
    }
    wish.who = courier_name(host->client->courier);
    nats_text_clear(&host->all->text);
    nats_write_wish(&host->all->text, &wish);
    nats_subject_wish(subject, host->token);
    return put_to_store(host, &way, subject, op, NULL, ret_text);
}

static int get_stored(struct nats_host *host, struct wms_op *op, bool presence,
                      const char **ret_text)
{
    static const struct nats_way wish_way = {
        .stored = true, .heard = get_heard, .failed = call_failed};
    static const struct nats_way presence_way = {
        .stored = true, .heard = presence_heard, .failed = call_failed};
    char subject[NATS_SUBJECT];

    (presence ? nats_subject_get_presence : nats_subject_get_wish)(subject, host->token);
    return nats_ask_store(host, presence ? &presence_way : &wish_way, subject, "", 0, false, op,
                          NULL, &op->data, ret_text);
}

static int delete_wish(struct nats_host *host, struct wms_op *op, const char **ret_text)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = delete_heard, .failed = call_failed};
    char subject[NATS_SUBJECT];

    nats_subject_wish(subject, host->token);
    return nats_ask_store(host, &way, subject, "", 0, true, op, NULL, &op->data, ret_text);
}

static void call_agent(struct nats_host *host, struct wms_op *op, const struct wms_call *call)
{
    struct nats *all = host->all;
    int error = all->agents ? 0 : agents_new(all->services, all->engine, &all->agents);

    if (error) {
        all->services->answer(op, error, NULL);
    } else {
        agent_call(all->agents, host->token, op, call);
    }
}

void nats_call(struct nats_host *host, struct wms_op *op, const struct wms_call *call)
{
    const wms_value *replicas = field(call->arguments, "replicas");
    const struct progress progress = {.replicas = replicas ? (unsigned) replicas->natural & 7 : 1};
    const char *text = NULL;
    int error = 0;

    if (call->verb != WMS_CALL) {
        nats_end(host, op);
        return;
    }
    if (agent_is_call(call)) {
        call_agent(host, op, call);
        return;
    }
    switch (what_of(call)) {
    case PUT:
        error = put_wish(host, op, call->arguments, &text);
        break;
    case GET:
        error = get_stored(host, op, false, &text);
        break;
    case PRESENCE:
        error = get_stored(host, op, true, &text);
        break;
    case DELETE:
        error = delete_wish(host, op, &text);
        break;
    case PREPARE:
        make_bucket(host, op, &progress);
        break;
    default:
        error = WMS_E_UNSUPPORTED;
        break;
    }
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

bool nats_call_forget(struct nats_host *host, struct wms_op *op)
{
    for (struct node *node = host->asks.next; node != &host->asks; node = node->next) {
        if (NODE_OWNER(node, struct nats_ask, of_host) == op->data) {
            return false;
        }
    }
    if (op->verb == WMS_CALL && op->data && host->all->agents) {
        agent_forget(host->all->agents, op);
        return true;
    }
    return false;
}
