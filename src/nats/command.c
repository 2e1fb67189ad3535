/* SPDX-License-Identifier: MIT */
/* command.c - lists, actions on one session, whole commands, and the end of a host. */
#include <string.h>

#include "nats/asking.h"

static const struct wms_services *services_of(const struct nats_ask *ask)
{
    return ask->host->all->services;
}

void nats_op_failed(struct nats_host *host, struct wms_op *op, void *data, int code,
                    const char *text, bool lost)
{
    const struct wms_services *services = host->all->services;

    (void) data;
    (lost ? services->lost : services->answer)(op, code, text);
}

/* Ends the ask, and its op. */
static void end(struct nats_ask *ask, int code, const char *text)
{
    const struct wms_services *services = services_of(ask);
    struct wms_op *op = ask->op;

    nats_ask_end(ask);
    services->answer(op, code, text);
}

/* Likewise; it may have been carried out. */
static void end_lost(struct nats_ask *ask, int code, const char *text)
{
    const struct wms_services *services = services_of(ask);
    struct wms_op *op = ask->op;

    nats_ask_end(ask);
    services->lost(op, code, text);
}

static void end_odd(struct nats_ask *ask)
{
    char text[NATS_SENTENCE];

    end_lost(ask, WMS_E_PROTOCOL, nats_blame_answer(text, NULL));
}

/* What is told for the answer as a whole. */
static void tell_notes(struct nats_ask *ask, const char *user_name, const char *note)
{
    if (user_name) {
        services_of(ask)->user(ask->op, user_name);
    }
    if (note) {
        services_of(ask)->note(ask->op, note);
    }
}

/* What is no list of outcomes or sessions.  True: it was that, and the op has ended. */
static bool ends_otherwise(struct nats_ask *ask, const struct nats_answer *answer)
{
    if (answer->kind == NATS_FAILURE) {
        end(ask, answer->code, answer->text);
    } else if (answer->kind == NATS_UNKNOWN) {
        end_lost(ask, WMS_E_UNREACHABLE,
                 answer->text ? answer->text
                              : "the agent has begun anew and cannot know whether it was done");
    }
    return answer->kind == NATS_FAILURE || answer->kind == NATS_UNKNOWN;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void list_answered(struct nats_ask *ask, const struct nats_answer *answer)
{
    int error = 0;

    if (ends_otherwise(ask, answer)) {
        return;
    }
    if (answer->kind != NATS_SESSIONS) {
        end_odd(ask);
        return;
    }
    for (size_t i = 0; i < answer->count && !error; i++) {
        error = services_of(ask)->session(ask->op, &answer->sessions[i]);
    }
    if (error || !answer->more) {
        tell_notes(ask, answer->user_name, answer->note);
        end(ask, error, NULL);
    }
}

void nats_list(struct nats_host *host, struct wms_op *op)
{
    static const struct nats_way way = {
        .gathers = true, .answered = list_answered, .failed = nats_op_failed};
    struct nats_question question;
    const char *text;

    nats_question_init(&question);
    question.all = true;
    question.activity = op->activity;
    int error = nats_ask(host, &way, WMS_SESSIONS, &question, op, NULL, 0, &op->data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

/* ---- one session, or the host as a whole ----------------------------------------------------- */

/* Ends the op as the outcome says. */
static void end_as(struct nats_ask *ask, const wms_outcome *outcome)
{
    tell_notes(ask, outcome->user_name, outcome->note);
    if (outcome->state == WMS_UNKNOWN) {
        end_lost(ask, outcome->code, outcome->text);
    } else if (outcome->state == WMS_GONE) {
        end(ask, WMS_E_NOT_FOUND, NULL);
    } else {
        end(ask, outcome->code, outcome->text);
    }
}

static int take_picture(struct nats_ask *ask, const struct nats_answer *answer)
{
    struct nats_text *picture = &ask->picture;

    if (answer->picture) {
        nats_text_append(picture, answer->picture, answer->picture_size);
    }
    if (answer->more || picture->failed || picture->size == 0) {
        return picture->failed ? WMS_E_NO_MEMORY : 0;
    }
    return services_of(ask)->thumbnail(ask->op, picture->data, picture->size);
}

static void act_answered(struct nats_ask *ask, const struct nats_answer *answer)
{
    if (ends_otherwise(ask, answer)) {
        return;
    }
    if (answer->kind != NATS_OUTCOMES || answer->count != 1 ||
        answer->outcomes[0].facts.state == WMS_PLANNED) {
        end_odd(ask);
        return;
    }
    wms_outcome outcome = answer->outcomes[0].facts;
    int error = ask->verb == WMS_THUMBNAIL ? take_picture(ask, answer) : 0;
    if (error) {
        end(ask, error, NULL);
    } else if (!answer->more) {
        end_as(ask, &outcome);
    }
}

static const struct nats_way act_way = {
    .sends = true, .gathers = true, .answered = act_answered, .failed = nats_op_failed};

void nats_act(struct nats_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
              const char *message)
{
    static const struct nats_way look = {
        .gathers = true, .answered = act_answered, .failed = nats_op_failed};
    const struct nats_way *way = verb == WMS_THUMBNAIL ? &look : &act_way;
    const char *identity = wms_op_identity(host->all->services, op);
    struct nats_question question;
    const char *text;

    nats_question_init(&question);
    question.ids = id;
    question.identities = &identity;
    question.count = 1;
    question.message = message;
    question.title = op->title;
    if (verb == WMS_THUMBNAIL) {
        question.thumbnail_size = op->thumbnail_size;
    }
    int error = nats_ask(host, way, verb, &question, op, NULL, 0, &op->data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

void nats_end(struct nats_host *host, struct wms_op *op)
{
    struct nats_question question;
    const char *text;

    nats_question_init(&question);
    question.all = true;
    int error = nats_ask(host, &act_way, op->verb, &question, op, NULL, 0, &op->data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

/* ---- whole commands -------------------------------------------------------------------------- */

/* Reports the outcomes of sessions; *ret_whole is that of the host as a whole, if there is one. */
static int tell_outcomes(struct nats_ask *ask, const struct nats_answer *answer,
                         const wms_outcome **ret_whole)
{
    const struct wms_services *services = services_of(ask);
    int error = 0;

    *ret_whole = NULL;
    for (size_t i = 0; i < answer->count && !error; i++) {
        const wms_outcome *outcome = &answer->outcomes[i].facts;
        if (outcome->state == WMS_PLANNED) { /* which was not asked for */
            error = WMS_E_PROTOCOL;
        } else if (outcome->id) {
            error = services->outcome(ask->op, outcome);
        } else {
            *ret_whole = outcome;
        }
    }
    return error;
}

static void command_answered(struct nats_ask *ask, const struct nats_answer *answer)
{
    const wms_outcome *whole;
    char text[NATS_SENTENCE];

    if (ends_otherwise(ask, answer)) {
        return;
    }
    if (answer->kind != NATS_OUTCOMES) {
        end_odd(ask);
        return;
    }
    int error = tell_outcomes(ask, answer, &whole);
    if (error) {
        end_lost(ask, error,
                 error == WMS_E_PROTOCOL ? nats_blame_answer(text, "an outcome does not fit")
                                         : NULL);
    } else if (!answer->more) {
        tell_notes(ask, answer->user_name, answer->note);
        if (whole) {
            end_as(ask, whole);
        } else {
            end(ask, 0, NULL);
        }
    }
}

/* What is left for the host of a command's deadline: its answer has to be here before the engine
 * gives up, since all of it would be `unknown` then. */
static double deadline_of(const struct wms_errand *errand)
{
    static const double share = 0.1, most = 1;
    double way_back = errand->deadline * share;

    return errand->deadline - (way_back < most ? way_back : most);
}

void nats_command(struct nats_host *host, struct wms_op *op, const struct wms_errand *errand)
{
    static const struct nats_way way = {
        .sends = true, .answered = command_answered, .failed = nats_op_failed};
    struct nats_question question;
    const char *text;

    nats_question_init(&question);
    question.all = errand->all;
    question.ids = errand->ids;
    question.identities = errand->identities;
    question.count = errand->count;
    question.message = errand->message;
    question.title = errand->title;
    question.verify = errand->verify;
    question.stable = errand->stable;
    question.timeout = errand->timeout;
    question.deadline = errand->deadline < 0 ? -1 : deadline_of(errand);
    question.retries = errand->retries;
    int error =
        nats_ask(host, &way, errand->verb, &question, op, NULL, errand->timeout, &op->data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}
