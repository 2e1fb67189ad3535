/* SPDX-License-Identifier: MIT */
/* ask.c - one question.
 *
 * It is published, and published again with the same identity until it is answered, its host is
 * known not to be there, or nobody waits for it any more. */
#include <string.h>

#include "nats/asking.h"
#include "nats/json.h"

/* Seconds: without an answer, until it is asked whether the agent is there; until it is repeated
 * first; in which something has to be heard for the rest to be on its way. */
static const double doubtful = 0.5, first_pause = 1, flowing = 0.25, patience = 4;
/* How long it is waited for the store to tell whether an agent is there; and for an agent that
 * nobody hears: where the store knows that it was there a moment ago, and where it cannot tell. */
static const double store_patience = 2, returning = 8, leaderless = 1.8;

/* ---- publishing ------------------------------------------------------------------------------ */

/* The question as it is asked again: with its age. */
static void write_age(struct nats_text *text, const struct nats_ask *ask, double now)
{
    nats_text_clear(text);
    nats_text_append(text, ask->question, ask->size - 1); /* without its '}' */
    json_put(text, ",\"age\":");
    json_put_seconds(text, now - ask->first);
    json_put(text, "}");
}

static int publish_to_store(struct nats_ask *ask, const char *reply)
{
    struct courier *courier = ask->host->client->courier;

    return ask->takes ? courier_delete(courier, ask->subject, reply)
                      : courier_publish(courier, ask->subject, reply, ask->question, ask->size);
}

static int publish_question(struct nats_ask *ask, const char *reply, double now)
{
    struct nats_host *host = ask->host;
    struct courier *courier = host->client->courier;
    struct nats_text *text = &host->all->text;
    char subject[NATS_SUBJECT];

    nats_subject_question(subject, host->token, ask->verb, courier_name(courier));
    if (ask->unheard >= ask->published) { /* for the first time, as far as agents know */
        return courier_publish(courier, subject, reply, ask->question, ask->size);
    }
    write_age(text, ask, now);
    return text->failed ? WMS_E_NO_MEMORY
                        : courier_publish(courier, subject, reply, text->data, text->size);
}

/* Errors: those of courier_publish() but for UNREACHABLE: it is published when it can be. */
static int publish(struct nats_ask *ask)
{
    struct nats_host *host = ask->host;
    struct courier *courier = host->client->courier;
    double now = nats_now();
    char reply[NATS_SUBJECT];

    if (!courier_is_up(courier)) {
        return 0;
    }
    nats_subject_answer(reply, host->token, courier_name(courier), host->client->nonce,
                        ask->entry.number);
    if (ask->published == 0) {
        ask->first = now;
        if (ask->way->sends) {
            host->all->services->sent(ask->op);
        }
    }
    int error = ask->subject ? publish_to_store(ask, reply) : publish_question(ask, reply, now);
    ask->last = now;
    if (error) {
        return error == WMS_E_UNREACHABLE ? 0 : error;
    }
    ask->published++;
    ask->quiet = true;
    ask->doubted = false;
    return 0;
}

/* What could not be repeated is tried again later. */
static void publish_or_fail(struct nats_ask *ask)
{
    int error = publish(ask);

    if (error && ask->published == 0) {
        nats_ask_fail(ask, error, NULL, false);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static int add(struct nats_ask *ask)
{
    struct nats_host *host = ask->host;
    struct nats_client *client = host->client;
    uint64_t number = nats_client_number(client);

    if (number == 0 || nats_table_find(&client->by_number, number)) {
        return WMS_E_INTERNAL;
    }
    int error = nats_table_add(host->all, &client->by_number, &ask->entry, number);
    if (error) {
        return error;
    }
    node_append(&host->asks, &ask->of_host);
    node_append(&client->asks, &ask->of_client);
    nats_client_wind(client);
    return 0;
}

static struct nats_ask *ask_new(struct nats_host *host, const struct nats_way *way,
                                const char *subject, const void *content, size_t size)
{
    const struct nats_memory memory = {host->all->services->resize, host->all->engine};
    size_t more = subject ? strlen(subject) + 1 : 0;
    struct nats_ask *ask = nats_alloc(host->all, sizeof *ask + size + more);

    if (ask) {
        ask->host = host;
        ask->way = way;
        ask->size = size;
        ask->made = nats_now();
        ask->pause = ask->most = first_pause;
        nats_text_init(&ask->gathered, &memory);
        nats_text_init(&ask->picture, &memory);
        memcpy(ask->question, content, size);
        if (subject) {
            ask->subject = memcpy(ask->question + size, subject, more);
        }
    }
    return ask;
}

/* From here on it is under way. */
static int begin(struct nats_ask *ask, struct wms_op *op, void *data, void **owner)
{
    int error = add(ask);

    if (error) {
        nats_release(ask->host->all, ask);
        return error;
    }
    ask->op = op;
    ask->data = data;
    ask->owner = owner;
    *owner = ask;
    error = publish(ask);
    if (error) {
        nats_ask_end(ask);
    }
    return error;
}

/* How long a host may be at work with a question, by its own word.  It tries one session after the
 * other, and again, and others' questions may come first; but it is not believed without end. */
static double longest_work(const struct nats_question *question, double limit)
{
    static const double usual_limit = 30, queue = 10, longest_pause = 30;
    double work = queue * (limit > 0 ? limit : usual_limit);

    work += question->verify > 0 ? question->verify : 0;
    work += question->stable > 0 ? question->stable : 0;
    return (work + longest_pause) * (question->retries + 1);
}

int nats_ask(struct nats_host *host, const struct nats_way *way, enum wms_verb verb,
             const struct nats_question *question, struct wms_op *op, void *data, double limit,
             void **owner, const char **ret_text)
{
    struct nats_text *text = &host->all->text;
    int error = nats_host_join(host, ret_text);

    if (error) {
        return error;
    }
    nats_text_clear(text);
    nats_write_question(text, question);
    if (text->size > NATS_QUESTION_MAX) {
        *ret_text = "so many sessions do not fit into one question; name fewer of them, or all";
        return WMS_E_UNSUPPORTED;
    }
    struct nats_ask *ask = text->failed ? NULL : ask_new(host, way, NULL, text->data, text->size);
    if (!ask) {
        return WMS_E_NO_MEMORY;
    }
    ask->verb = verb;
    ask->limit = limit;
    ask->believed = ask->made + longest_work(question, limit);
    ask->most = limit / 4 > first_pause ? limit / 4 : first_pause;
    return begin(ask, op, data, owner);
}

int nats_ask_store(struct nats_host *host, const struct nats_way *way, const char *subject,
                   const void *content, size_t size, bool takes, struct wms_op *op, void *data,
                   void **owner, const char **ret_text)
{
    int error = nats_host_join(host, ret_text);
    struct nats_ask *ask = error ? NULL : ask_new(host, way, subject, content, size);

    if (!ask) {
        return error ? error : WMS_E_NO_MEMORY;
    }
    ask->takes = takes;
    return begin(ask, op, data, owner);
}

void nats_ask_end(struct nats_ask *ask)
{
    struct nats *all = ask->host->all;

    *ask->owner = NULL;
    nats_table_remove(&ask->host->client->by_number, &ask->entry);
    node_remove(&ask->of_host);
    node_remove(&ask->of_client);
    nats_text_free(&ask->gathered);
    nats_text_free(&ask->picture);
    nats_release(all, ask);
}

void nats_ask_fail(struct nats_ask *ask, int code, const char *text, bool lost)
{
    struct nats_host *host = ask->host;
    const struct nats_way *way = ask->way;
    struct wms_op *op = ask->op;
    void *data = ask->data;

    nats_ask_end(ask);
    way->failed(host, op, data, code, text, lost);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void show_life(struct nats_ask *ask)
{
    if (ask->op) {
        ask->host->all->services->alive(ask->op);
    }
}

static void fail_reading(struct nats_ask *ask, int error)
{
    char text[NATS_SENTENCE];

    nats_ask_fail(
        ask, error,
        error == WMS_E_PROTOCOL ? nats_blame_answer(text, ask->host->all->reader.complaint) : NULL,
        true);
}

static size_t longest_answer(const struct nats_ask *ask)
{
    const struct nats *all = ask->host->all;

    return all->services->transport(all->engine)->answer_size;
}

static void fail_too_long(struct nats_ask *ask)
{
    nats_ask_fail(ask, WMS_E_PROTOCOL, "the agent's answer is longer than answer_size", true);
}

/* All parts are there. */
static void take_gathered(struct nats_ask *ask)
{
    struct nats_text gathered = ask->gathered; /* it outlives the ask */
    struct nats_reader *reader = &ask->host->all->reader;
    const struct nats_table *asks = &ask->host->client->by_number;
    uint64_t number = ask->entry.number; /* by which it is known whether it is there */
    size_t at = 0;

    nats_text_init(&ask->gathered, &gathered.memory);
    while (at < gathered.size && nats_table_find(asks, number)) {
        struct nats_answer answer;
        size_t size;
        memcpy(&size, gathered.data + at, sizeof size);
        at += sizeof size;
        int error = nats_read_answer(reader, gathered.data + at, size, &answer);
        at += size;
        if (error) {
            fail_reading(ask, error);
        } else {
            answer.more = at < gathered.size;
            ask->way->answered(ask, &answer);
        }
    }
    nats_text_free(&gathered);
}

/* Answers to queries are not kept by an agent: when it is asked again, it looks anew, so that parts
 * of two answers do not make one. */
static void gather(struct nats_ask *ask, const struct nats_answer *answer,
                   const struct courier_message *message)
{
    if (answer->part == 0) {
        nats_text_clear(&ask->gathered);
        ask->part = 0;
    }
    if (answer->part != ask->part) {
        return;
    }
    if (answer->part == 0 && !answer->more) {
        ask->way->answered(ask, answer);
        return;
    }
    nats_text_append(&ask->gathered, &message->size, sizeof message->size);
    nats_text_append(&ask->gathered, message->data, message->size);
    if (ask->gathered.failed) {
        nats_ask_fail(ask, WMS_E_NO_MEMORY, NULL, true);
    } else if (ask->gathered.size > longest_answer(ask)) {
        fail_too_long(ask);
    } else if (answer->more) {
        ask->part++;
        show_life(ask);
    } else {
        take_gathered(ask);
    }
}

static void take_answer(struct nats_ask *ask, const struct nats_answer *answer,
                        const struct courier_message *message)
{
    bool of_parts = answer->kind == NATS_OUTCOMES || answer->kind == NATS_SESSIONS;

    if (answer->kind == NATS_WORKING) {
        if (ask->last < ask->believed) { /* else the engine's timeout ends it */
            show_life(ask);
        }
        return;
    }
    ask->pause = first_pause;
    if (!of_parts) {
        ask->way->answered(ask, answer);
    } else if (ask->way->gathers) {
        gather(ask, answer, message);
    } else if (answer->part == ask->part) { /* else it was there already, or one was lost */
        ask->part++;
        ask->heard += message->size;
        if (ask->heard > longest_answer(ask)) {
            fail_too_long(ask);
            return;
        }
        if (answer->more) {
            show_life(ask);
        }
        ask->way->answered(ask, answer);
    }
}

void nats_ask_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_host *host = ask->host;
    struct nats_answer answer;

    if (ask->way->stored) {
        ask->way->heard(ask, message);
        return;
    }
    if (message->status == COURIER_NOBODY) {
        ask->unheard++;
        if (ask->unheard >= ask->published) {
            ask->doubted = true;
            nats_host_doubt(host);
        }
        return;
    }
    if (courier_is_of_servers(message)) { /* somebody has had it sent here */
        return;
    }
    int error = nats_read_answer(&host->all->reader, message->data, message->size, &answer);
    ask->quiet = false;
    ask->last = nats_now();
    nats_host_up(host);
    if (error) {
        fail_reading(ask, error);
    } else {
        take_answer(ask, &answer, message);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

void nats_ask_refused(struct nats_ask *ask)
{
    /* Of what was published, the servers have refused one at least. */
    bool lost = ask->published > ask->unheard + 1;

    nats_ask_fail(ask, WMS_E_ACCESS_DENIED, nats_no_right, lost);
}

static bool is_unheard(const struct nats_ask *ask)
{
    return !ask->way->stored && ask->quiet && ask->published > 0 && ask->unheard >= ask->published;
}

static void fail_absent(struct nats_ask *ask, bool lost)
{
    nats_ask_fail(ask, WMS_E_UNREACHABLE, nats_absence, lost);
}

/* The question is repeated, or it is asked whether anybody is there, unless answers are on their
 * way. */
static void insist(struct nats_ask *ask, double now)
{
    double silence = now - ask->last;

    if (now - ask->host->client->heard < flowing && silence < patience) {
        return;
    }
    if (silence >= ask->pause) {
        ask->pause = ask->pause * 2 < ask->most ? ask->pause * 2 : ask->most;
        publish_or_fail(ask);
    } else if (ask->quiet && !ask->doubted && !ask->way->stored && silence >= doubtful) {
        ask->doubted = true;
        nats_host_doubt(ask->host);
    }
}

void nats_ask_tick(struct nats_ask *ask, double now)
{
    if (ask->published == 0) {
        publish_or_fail(ask);
    } else if (ask == ask->host->presence && now - ask->first > store_patience) {
        nats_ask_fail(ask, WMS_E_TIMEOUT, NULL, false);
    } else if (is_unheard(ask) && ask->give_up > 0 && now >= ask->give_up) {
        fail_absent(ask, false);
    } else {
        insist(ask, now);
    }
}

void nats_ask_up(struct nats_ask *ask)
{
    ask->pause = first_pause;
    publish_or_fail(ask);
}

void nats_ask_judge(struct nats_ask *ask, bool known, bool there)
{
    bool absent = known && !there;

    if (ask->way->stored || !ask->doubted || !ask->quiet) {
        return;
    }
    if (absent &&
        (is_unheard(ask) || ask->published > 1)) { /* a repetition is not answered, either */
        fail_absent(ask, !is_unheard(ask));
    } else if (is_unheard(ask)) { /* it may be about to connect again */
        double most = known ? returning : leaderless, share = ask->limit * 0.6;
        ask->give_up = ask->first + (share > 0 && share < most ? share : most);
    }
}
