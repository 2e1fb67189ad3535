/* SPDX-License-Identifier: MIT */
/* observe.c - observes one session by asking for it. */
#include <string.h>
#include <strings.h>

#include "nats/asking.h"

struct look {
    struct nats_host *host;
    struct wms_observer *observer;
    struct nats_ask *ask;
    wms_id id; /* with a copy of its text */
    char text[];
};

static void end_blind(struct look *look, int code, const char *text)
{
    struct wms_observer *observer = look->observer;
    struct nats_host *host = look->host;

    observer->data = NULL;
    if (look->ask) {
        nats_ask_end(look->ask);
    }
    nats_release(host->all, look);
    host->all->services->blind(observer, code, text);
}

static void look_failed(struct nats_host *host, struct wms_op *op, void *data, int code,
                        const char *text, bool lost)
{
    (void) host;
    (void) op;
    (void) lost;
    end_blind(data, code, text);
}

static bool is_meant(const struct look *look, const wms_session *session)
{
    const char *identity = look->observer->identity;
    bool same = look->id.text ? session->id.text && strcmp(session->id.text, look->id.text) == 0
                              : !session->id.text && session->id.number == look->id.number;

    return same && !(identity && session->identity && strcmp(identity, session->identity) != 0);
}

static void look_answered(struct nats_ask *ask, const struct nats_answer *answer)
{
    struct look *look = ask->data;
    struct wms_sight sight = {.present = false, .locked = -1};
    char text[NATS_SENTENCE];

    if (answer->kind == NATS_FAILURE && answer->code != WMS_E_NOT_FOUND) {
        end_blind(look, answer->code, answer->text);
        return;
    }
    if (answer->kind != NATS_SESSIONS && answer->kind != NATS_FAILURE) {
        end_blind(look, WMS_E_PROTOCOL, nats_blame_answer(text, NULL));
        return;
    }
    for (size_t i = 0; i < answer->count; i++) {
        const wms_session *session = &answer->sessions[i];
        if (is_meant(look, session)) {
            sight.present = true;
            sight.locked = session->locked;
            sight.disconnected = session->state && strcasecmp(session->state, "disconnected") == 0;
        }
    }
    if (answer->more && !sight.present) {
        return; /* it may be in another part */
    }
    nats_ask_end(ask);
    look->host->all->services->seen(look->observer, &sight);
}

/* Asks once.  Called by the engine, also from within nats_observe(). */
static void ask_once(void *data)
{
    static const struct nats_way way = {
        .gathers = true, .answered = look_answered, .failed = look_failed};
    struct look *look = data;
    const char *identity = look->observer->identity;
    struct nats_question question;
    const char *text;

    nats_question_init(&question);
    question.ids = &look->id;
    question.identities = &identity;
    question.count = 1;
    int error = nats_ask(look->host, &way, WMS_SESSIONS, &question, NULL, look, 0,
                         (void **) (void *) &look->ask, &text);
    if (error) {
        end_blind(look, error, text);
    }
}

void nats_observe(struct nats_host *host, struct wms_observer *observer, const wms_id *id)
{
    const struct wms_services *services = host->all->services;
    size_t size = id->text ? strlen(id->text) + 1 : 0;
    struct look *look = nats_alloc(host->all, sizeof *look + size);

    if (!look) {
        services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    look->host = host;
    look->observer = observer;
    look->id = *id;
    if (size > 0) {
        look->id.text = memcpy(look->text, id->text, size);
    }
    observer->data = look;
    int error = wms_observe_by_polling(services, observer, ask_once, look);
    if (error) {
        end_blind(look, error, NULL);
    }
}

void nats_unobserve(struct nats_host *host, struct wms_observer *observer)
{
    struct look *look = observer->data;

    if (look) {
        observer->data = NULL;
        if (look->ask) {
            nats_ask_end(look->ask);
        }
        nats_release(host->all, look);
    }
}
