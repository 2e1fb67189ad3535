/* SPDX-License-Identifier: MIT */
/* serve.c - questions: who may ask, what is carried out, the answer.
 *
 * A question is a command on the server that the agent serves, which is given to the engine as it
 * is.  It is answered when it is done; who asks again meanwhile hears that it is under way, and
 * afterwards what was answered. */
#include <stdio.h>

#include "nats/names.h"
#include "nats/serving.h"

static const struct wms_requests *requests_of(const struct agent *agent)
{
    return agent->all->services->requests;
}

/* It changes nothing: its answer is not kept, and it waits for no other. */
static bool is_query(enum wms_verb verb)
{
    return nats_verb_traits(verb) & (WMS_IS_QUERY | WMS_HAS_THUMBNAIL);
}

/* It must not be carried out twice.  (A message is WMS_REPEATABLE: the engine repeats one that was
 * not sent.) */
static bool is_once(enum wms_verb verb)
{
    return !is_query(verb) && (verb == WMS_MESSAGE || !(nats_verb_traits(verb) & WMS_REPEATABLE));
}

/* ---- answers that are not kept --------------------------------------------------------------- */

static void say_failure(struct agent *agent, const char *reply, int code, const char *text)
{
    struct nats_text *answer = &agent->all->text;

    nats_text_clear(answer);
    nats_write_failure(answer, code, text);
    agent_publish(agent, reply, answer);
}

static const char forgotten[] = "the host's agent does not know any more whether it was carried "
                                "out: it has begun anew, or has answered too much since";

static void say_unknown(struct agent *agent, const char *reply)
{
    struct nats_text *answer = &agent->all->text;

    nats_text_clear(answer);
    nats_write_unknown(answer, forgotten);
    agent_publish(agent, reply, answer);
}

/* It was asked again. */
static void say_again(struct agent *agent, const struct asked *asked)
{
    struct nats_text *answer = &agent->all->text;
    size_t at = 0;

    if (!node_alone(&asked->under_way)) {
        nats_text_clear(answer);
        nats_write_working(answer);
        agent_publish(agent, asked->reply, answer);
    } else if (asked->forgotten) {
        say_unknown(agent, asked->reply);
    } else {
        while (at < asked->parts_size) {
            size_t size;
            memcpy(&size, asked->parts + at, sizeof size);
            at += sizeof size;
            courier_publish(agent->courier, asked->reply, NULL, asked->parts + at, size);
            at += size;
        }
    }
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* An answer that is being written, part by part. */
struct answer {
    struct agent *agent;
    struct asked *asked;
    struct nats_text *text; /* the part */
    struct nats_text kept;  /* the parts so far, as asked->parts */
    unsigned part;
    size_t most; /* bytes after which a part ends */
};

static void begin_answer(struct answer *answer, struct asked *asked)
{
    struct agent *agent = asked->agent;
    size_t half = courier_payload(agent->courier) / 2;

    memset(answer, 0, sizeof *answer);
    answer->agent = agent;
    answer->asked = asked;
    answer->text = &agent->all->text;
    answer->most = half < NATS_ANSWER_MAX ? half : NATS_ANSWER_MAX;
    nats_text_init(&answer->kept, &agent->all->memory);
    nats_text_clear(answer->text);
}

/* A part is complete. */
static void send_part(struct answer *answer)
{
    struct nats_text *text = answer->text;
    struct agent *agent = answer->agent;

    if (text->failed) {
        answer->kept.failed = true;
    } else {
        if (courier_publish(agent->courier, answer->asked->reply, NULL, text->data, text->size) ==
            WMS_E_PROTOCOL) {
            say_failure(agent, answer->asked->reply, WMS_E_PROTOCOL,
                        "the answer is larger than the NATS servers take");
        }
        if (!is_query(answer->asked->verb) && answer->kept.size <= AGENT_ANSWER_KEPT) {
            nats_text_append(&answer->kept, &text->size, sizeof text->size);
            nats_text_append(&answer->kept, text->data, text->size);
        }
    }
    answer->part++;
    nats_text_clear(text);
}

/* The question is over. */
static void end_answer(struct answer *answer)
{
    struct asked *asked = answer->asked;
    struct agent *agent = answer->agent;
    struct nats_text *kept = &answer->kept;

    if (is_query(asked->verb)) {
        asked_free(asked);
    } else if (kept->failed) {
        asked_remember(asked, NULL, 0);
    } else {
        char *parts = agent->all->services->resize(agent->all->engine, kept->data, kept->size);
        size_t size = kept->size;
        asked_remember(asked, parts ? parts : kept->data, size);
        kept->data = NULL;
        kept->size = kept->room = 0;
    }
    nats_text_free(kept);
    agent_answered(agent);
}

/* This is remembered, so that a repetition that is still on its way is not carried out. */
void serve_fail(struct asked *asked, int code, const char *text)
{
    struct answer answer;

    begin_answer(&answer, asked);
    if (asked->doubtful) {
        nats_write_unknown(answer.text, forgotten);
    } else {
        nats_write_failure(answer.text, code, text);
    }
    send_part(&answer);
    end_answer(&answer);
}

struct tally {
    size_t good, bad, planned;
    int code; /* of the first that is not as asked */
};

static void log_done(const struct asked *asked, const struct tally *tally)
{
    const struct agent *agent = asked->agent;
    char failures[80] = "";

    if (is_query(asked->verb)) {
        return;
    }
    if (tally->bad > 0) {
        snprintf(failures, sizeof failures, ", %zu not (%s)", tally->bad,
                 nats_error_name(tally->code));
    }
    agent_log(agent->all, WMS_INFO, "agent of %s: %s of %s: %zu %s%s", agent->host,
              nats_verb_name(asked->verb), asked->who, tally->good,
              tally->planned > 0 ? "would be, and nothing is done" : "as asked", failures);
}

/* Its only outcome says that the server as a whole was not reached, or is not there. */
static bool has_failed_as_whole(const struct asked *asked, wms_outcome *ret_outcome)
{
    const struct wms_requests *requests = requests_of(asked->agent);

    return !(nats_verb_traits(asked->verb) & WMS_ON_SERVER) &&
           requests->outcome_count(asked->request) == 1 &&
           requests->outcome(asked->request, 0, ret_outcome, sizeof *ret_outcome) == 0 &&
           !ret_outcome->id && ret_outcome->code &&
           (ret_outcome->state == WMS_FAILED || ret_outcome->state == WMS_SKIPPED);
}

/* The picture of a thumbnail, after its outcome, in pieces. */
static void write_picture(struct answer *answer, const wms_thumbnail *picture)
{
    const char *data = picture->data;
    size_t left = picture->size;

    while (left > 0) {
        size_t size = left < answer->most ? left : answer->most;
        nats_end_part(answer->text, NULL, NULL, size < left);
        nats_write_picture(answer->text, data, size);
        send_part(answer);
        data += size;
        left -= size;
        if (left > 0) {
            nats_begin_outcomes(answer->text, answer->part);
        }
    }
}

static void write_outcomes(struct answer *answer, struct tally *tally)
{
    const struct wms_requests *requests = requests_of(answer->agent);
    wms_request *request = answer->asked->request;
    size_t count = requests->outcome_count(request);
    bool pictured = false;

    nats_begin_outcomes(answer->text, 0);
    for (size_t i = 0; i < count && !pictured; i++) {
        wms_outcome outcome;
        if (requests->outcome(request, i, &outcome, sizeof outcome)) {
            break;
        }
        if (answer->text->size > answer->most) {
            nats_end_part(answer->text, NULL, NULL, true);
            send_part(answer);
            nats_begin_outcomes(answer->text, answer->part);
        }
        nats_write_outcome(answer->text, &outcome);
        tally->good += outcome.code == 0;
        tally->bad += outcome.code != 0;
        tally->planned += outcome.state == WMS_PLANNED;
        tally->code = tally->code ? tally->code : outcome.code;
        if (outcome.thumbnail && outcome.thumbnail->size > 0) { /* the only one: see misses() */
            write_picture(answer, outcome.thumbnail);
            pictured = true;
        }
    }
    if (!pictured) {
        nats_end_part(answer->text, NULL, NULL, false);
        send_part(answer);
    }
}

static void write_sessions(struct answer *answer)
{
    const struct wms_requests *requests = requests_of(answer->agent);
    wms_request *request = answer->asked->request;
    size_t count = requests->session_count(request);

    nats_begin_sessions(answer->text, 0);
    for (size_t i = 0; i < count; i++) {
        wms_session session;
        if (requests->session(request, i, &session, sizeof session)) {
            break;
        }
        if (answer->text->size > answer->most) {
            nats_end_part(answer->text, NULL, NULL, true);
            send_part(answer);
            nats_begin_sessions(answer->text, answer->part);
        }
        nats_write_session(answer->text, &session);
    }
    nats_end_part(answer->text, NULL, NULL, false);
    send_part(answer);
}

/* Why the sessions are not known: of those that are asked for by id one may not be there. */
static bool has_no_sessions(const struct asked *asked, wms_outcome *ret_outcome)
{
    const struct wms_requests *requests = requests_of(asked->agent);
    size_t count = requests->outcome_count(asked->request);

    for (size_t i = 0; i < count; i++) {
        if (requests->outcome(asked->request, i, ret_outcome, sizeof *ret_outcome) == 0 &&
            ret_outcome->code && ret_outcome->code != WMS_E_NOT_FOUND) {
            return true;
        }
    }
    return false;
}

/* The request is done. */
static void done(void *data)
{
    struct asked *asked = data;
    struct agent *agent = asked->agent;
    wms_request *request = asked->request;
    struct tally tally = {0};
    struct answer answer;
    wms_outcome outcome;

    begin_answer(&answer, asked);
    if (asked->verb == WMS_SESSIONS ? has_no_sessions(asked, &outcome)
                                    : has_failed_as_whole(asked, &outcome)) {
        nats_write_failure(answer.text, outcome.code, outcome.text);
        send_part(&answer);
        tally.bad = 1;
        tally.code = outcome.code;
    } else if (asked->verb == WMS_SESSIONS) {
        write_sessions(&answer);
    } else {
        write_outcomes(&answer, &tally);
    }
    log_done(asked, &tally);
    asked->request = NULL;
    end_answer(&answer);
    requests_of(agent)->unref(request);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* What a question lacks, or has too much; NULL: nothing. */
static const char *misses(const struct nats_question *question, enum wms_verb verb)
{
    unsigned bits = nats_verb_traits(verb);

    /* Whatever else may be sent to a question's subject is none. */
    if (!question->all && question->count == 0) {
        return "it has neither \"all\" nor \"ids\"";
    }
    if (bits & WMS_ON_SERVER && question->count > 0) {
        return "it is about the host as a whole, and has ids";
    }
    if (bits & WMS_HAS_THUMBNAIL && question->count != 1) {
        return "it has to name one session";
    }
    if (bits & WMS_TAKES_MESSAGE && !question->message) {
        return "it has no message";
    }
    return NULL;
}

/* Fills in what the question asks for; what the verb has no use for is left out. */
static void fill(wms_command *command, const struct nats_question *question, enum wms_verb verb)
{
    unsigned bits = nats_verb_traits(verb);

    wms_command_init(command, verb);
    command->all = bits & WMS_HAS_ALL && question->all;
    command->message = bits & WMS_TAKES_MESSAGE ? question->message : NULL;
    command->title = verb == WMS_MESSAGE ? question->title : NULL;
    command->verify = bits & WMS_VERIFIES && !(bits & WMS_IS_QUERY) ? question->verify : -1;
    command->stable = bits & WMS_CHANGES_LOCK ? question->stable : -1;
    command->timeout = question->timeout > 0 ? question->timeout : command->timeout;
    if (question->deadline >= 0) { /* it counts from when it was asked first */
        double left = question->deadline - (question->age > 0 ? question->age : 0);
        command->deadline = left > 0.001 ? left : 0.001;
    }
    command->retries = bits & WMS_REPEATABLE ? question->retries : 0;
    command->what_if = !(bits & (WMS_IS_QUERY | WMS_HAS_THUMBNAIL)) && question->what_if;
    command->stop_on_error = bits & WMS_HAS_ALL && question->stop_on_error;
    command->activity = bits & WMS_IS_QUERY && question->activity;
    command->thumbnail_size = question->thumbnail_size;
}

/* Sessions whose identity is known are targets.  NULL: out of memory. */
static wms_target *targets_of(const struct agent *agent, const struct nats_question *question)
{
    wms_target *targets =
        agent->all->services->resize(agent->all->engine, NULL, question->count * sizeof *targets);

    for (size_t i = 0; targets && i < question->count; i++) {
        targets[i].server = agent->server;
        targets[i].id = question->ids[i];
    }
    return targets;
}

/* Gives the question to the engine, or answers it. */
void serve_start(struct asked *asked, const struct nats_question *question)
{
    struct agent *agent = asked->agent;
    const char *server = agent->server;
    wms_target *targets = NULL;
    wms_command command;
    int error = 0;

    fill(&command, question, asked->verb);
    asked->all = command.all;
    asked->started = agent_now();
    if (question->identities && question->count > 0) {
        targets = targets_of(agent, question);
        error = targets ? 0 : WMS_E_NO_MEMORY;
        command.targets = targets;
        command.target_identities = question->identities;
        command.target_count = question->count;
    } else {
        command.servers = &server;
        command.server_count = 1;
        command.ids = question->ids;
        command.id_count = question->count;
    }
    if (!error) {
        error =
            requests_of(agent)->start(agent->all->engine, &command, done, asked, &asked->request);
    }
    agents_release(agent->all, targets);
    if (error == WMS_E_INVALID) {
        char text[400];
        snprintf(text, sizeof text, "the question cannot be meant so: %s",
                 requests_of(agent)->complaint(agent->all->engine));
        serve_fail(asked, WMS_E_PROTOCOL, text);
    } else if (error) {
        serve_fail(asked, error, NULL);
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

/* Tells the log of what was not allowed, once a second at most. */
static void log_denied(struct agent *agent, const char *who, enum wms_verb verb)
{
    double now = agent_now();

    agent->refused++;
    if (now >= agent->denied + 1) {
        agent->denied = now;
        agent_log(agent->all, WMS_WARNING, "agent of %s: %s of %s: not allowed by the policy",
                  agent->host, nats_verb_name(verb), who);
    }
}

/* A question of that age, which is not known, may have been carried out before. */
static bool is_doubtful(struct agent *agent, enum wms_verb verb, double age)
{
    return age >= 0 && !is_query(verb) && asked_may_be_done(agent, age);
}

/* It is not taken.  Whoever repeats what may have been carried out before is not told that nothing
 * was done. */
static void refuse(struct agent *agent, const struct courier_message *message, enum wms_verb verb,
                   int code, const char *text)
{
    struct nats_question question;
    int error = nats_read_question(&agent->all->reader, message->data, message->size, &question);

    if (error != WMS_E_PROTOCOL && !is_query(verb) &&
        (error || is_doubtful(agent, verb, question.age))) {
        say_unknown(agent, message->reply);
    } else {
        say_failure(agent, message->reply, code, text);
    }
}

void serve_message(struct agent *agent, const struct courier_message *message)
{
    struct nats_question question;
    enum wms_verb verb;
    char who[NATS_WHO], nonce[NATS_NONCE];
    uint64_t seq;

    if (courier_is_of_servers(message) || !message->reply ||
        !nats_read_question_subject(message->subject, agent->host, &verb, who) ||
        !nats_read_reply_subject(message->reply, agent->host, who, nonce, &seq)) {
        agent->ignored++;
        return;
    }
    agent->questions_count++;
    struct asked *asked = asked_find(agent, message->reply);
    if (asked) { /* whatever is allowed by now */
        say_again(agent, asked);
        return;
    }
    if (!policy_allows(&agent->policy, who, verb)) {
        log_denied(agent, who, verb);
        refuse(agent, message, verb, WMS_E_ACCESS_DENIED,
               "the policy of the host's agent does not allow it");
        return;
    }
    if (agent->stage == AGENT_STOPPING) {
        refuse(agent, message, verb, WMS_E_UNREACHABLE, "the host's agent is just ending");
        return;
    }
    int error = nats_read_question(&agent->all->reader, message->data, message->size, &question);
    const char *complaint = error == WMS_E_PROTOCOL ? agent->all->reader.complaint
                            : error                 ? NULL
                                                    : misses(&question, verb);
    if (error == WMS_E_NO_MEMORY) {
        refuse(agent, message, verb, error, NULL);
        return;
    }
    if (error || complaint) {
        say_failure(agent, message->reply, WMS_E_PROTOCOL, complaint);
        return;
    }
    asked_tidy(agent->all);
    bool doubtful = is_doubtful(agent, verb, question.age);
    asked = doubtful && is_once(verb) ? NULL : asked_new(agent, message->reply, verb);
    if (!asked && doubtful) {
        say_unknown(agent, message->reply);
        return;
    }
    if (!asked) {
        say_failure(agent, message->reply, WMS_E_NO_MEMORY, NULL);
        return;
    }
    asked->doubtful = doubtful;
    memcpy(asked->who, who, sizeof who);
    asked->changes = !is_query(verb);
    waiting_take(asked, &question, message);
}

void serve_cancel(struct agent *agent)
{
    waiting_cancel(agent);
    for (struct node *node = agent->under_way.next; node != &agent->under_way; node = node->next) {
        requests_of(agent)->cancel(NODE_OWNER(node, struct asked, under_way)->request);
    }
}

static void drop_all(struct agent *agent, struct node *list)
{
    while (!node_alone(list)) {
        struct asked *asked = NODE_OWNER(list->next, struct asked, under_way);
        requests_of(agent)->unref(asked->request);
        asked_free(asked);
    }
}

void serve_drop(struct agent *agent)
{
    drop_all(agent, &agent->under_way);
    drop_all(agent, &agent->waiting);
}
