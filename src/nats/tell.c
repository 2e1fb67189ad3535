/* SPDX-License-Identifier: MIT */
/* tell.c - events: what happens on the server is told to whoever listens.
 *
 * Events are numbered, so that who listens notices one that is missing; what cannot be told, since
 * the connection was lost or the server could not be watched, is told as `resync`. */
#include "nats/serving.h"

enum { EVENTS_KEPT = 1000 }; /* that the engine keeps until they are read here, which is at once */

static const struct wms_requests *requests_of(const struct agent *agent)
{
    return agent->all->services->requests;
}

static void publish(struct agent *agent, struct nats_event *event)
{
    struct nats_text *text = &agent->all->text;
    char subject[NATS_SUBJECT];

    event->instance = agent->instance;
    event->seq = ++agent->event_seq;
    nats_text_clear(text);
    nats_write_event(text, event);
    nats_subject_event(subject, agent->host);
    agent->resync =
        text->failed || courier_publish(agent->courier, subject, NULL, text->data, text->size) != 0;
}

void tell_resync(struct agent *agent)
{
    struct nats_event event = {.resync = true};

    wms_session_init(&event.session);
    if (agent->event_seq == 0 && !agent->resync) {
        return; /* nobody has heard anything of this agent yet */
    }
    agent->resync = true;
    if (agent->stage == AGENT_SERVING && courier_is_up(agent->courier)) {
        publish(agent, &event);
    }
}

/* There are events to be read. */
static void told(void *data)
{
    struct agent *agent = data;
    struct nats_event event = {0};
    wms_event what;

    while (agent->watch &&
           requests_of(agent)->watch_next(agent->watch, &what, sizeof what, &event.session,
                                          sizeof event.session) == 1) {
        if (what.has_session) {
            if (agent->resync || !courier_is_up(agent->courier)) {
                agent->resync = true;
            } else {
                event.kind = what.kind;
                publish(agent, &event);
            }
        } else if (what.kind == WMS_EVENT_BACK || what.kind == WMS_EVENT_OVERFLOW) {
            agent->resync = true;
        }
    }
    if (agent->resync) {
        tell_resync(agent);
    }
}

void tell_begin(struct agent *agent)
{
    const char *server = agent->server;
    wms_watching watching;

    wms_watching_init(&watching);
    watching.servers = &server;
    watching.server_count = 1;
    watching.queue = EVENTS_KEPT;
    agent->watch_due = 0;
    int error =
        requests_of(agent)->watch_new(agent->all->engine, &watching, told, agent, &agent->watch);
    if (error) {
        agent->watch = NULL;
        agent->watch_due = agent_now() + 5;
        agent_log(agent->all, WMS_WARNING, "agent of %s: %s cannot be watched now", agent->host,
                  server);
    }
}

void tell_end(struct agent *agent)
{
    if (agent->watch) {
        requests_of(agent)->watch_unref(agent->watch);
        agent->watch = NULL;
    }
    agent->watch_due = 0;
}
