/* SPDX-License-Identifier: MIT */
/* presence.c - that the agent is there, and what time it is on the servers.
 *
 * The presence is a key that the store forgets unless it is put again and again.  From the time
 * that the store gives to one of these the agent learns what the servers' clock says; its own clock
 * may be wrong, and is not asked. */
#include "nats/serving.h"

#define CLOCK_HOLDS 600.0 /* seconds after which the clock is compared anew */
#define RIVAL_AGAIN 60.0  /* seconds after which it is looked for another agent of this host */
#define CLOCK_AGAIN 0.3   /* seconds after which the store is asked again that had an older one */
#define STORE_LATE  8.0   /* seconds after which no answer of the store is awaited any more */

static void forget_late(struct agent *agent, enum store_question what, double now)
{
    if (agent->store_asked[what] && now >= agent->store_since[what] + STORE_LATE) {
        agent->store_asked[what] = 0;
    }
}

static void beat(struct agent *agent, double now)
{
    struct nats_text *text = &agent->all->text;
    char subject[NATS_SUBJECT];
    const struct nats_presence presence = {.instance = agent->instance,
                                           .version = WMS_VERSION,
                                           .beat = agent->beat,
                                           .seq = agent->event_seq};

    nats_text_clear(text);
    nats_write_presence(text, &presence);
    nats_subject_presence(subject, agent->host);
    if (text->failed) {
        return;
    }
    if ((!agent->present || now >= agent->clock_due) && !agent->store_asked[STORE_PRESENCE] &&
        !agent->store_asked[STORE_CLOCK]) {
        if (agent_ask_store(agent, STORE_PRESENCE, subject, text->data, text->size)) {
            agent->put_sent = now;
        }
    } else {
        agent_publish(agent, subject, text);
    }
}

static void ask_clock(struct agent *agent)
{
    char subject[NATS_SUBJECT];

    agent->ask_clock_due = 0;
    nats_subject_get_presence(subject, agent->host);
    agent_ask_store(agent, STORE_CLOCK, subject, NULL, 0);
}

/* Before a beat: whose the last one was. */
static void look_for_rival(struct agent *agent, double now)
{
    char subject[NATS_SUBJECT];

    agent->rival_due = now + RIVAL_AGAIN * (0.75 + 0.5 * agent_random(agent->all));
    nats_subject_get_presence(subject, agent->host);
    agent_ask_store(agent, STORE_RIVAL, subject, NULL, 0);
}

void presence_up(struct agent *agent)
{
    double now = agent_now();

    agent->present = false;
    agent->clock_due = now;
    agent->ask_clock_due = 0;
    beat(agent, now);
    /* All agents of a district come back at once; they need not go on beating in step. */
    agent->beat_due = now + agent->beat * (0.2 + 0.8 * agent_random(agent->all));
    agent->rival_due = now + 2 * agent->beat;
}

void presence_due(struct agent *agent, double now)
{
    forget_late(agent, STORE_PRESENCE, now);
    forget_late(agent, STORE_CLOCK, now);
    if (now >= agent->beat_due) {
        if (now >= agent->rival_due) {
            look_for_rival(agent, now);
        }
        beat(agent, now);
        agent->beat_due = now + agent->beat;
    }
    if (agent->ask_clock_due != 0 && now >= agent->ask_clock_due) {
        ask_clock(agent);
    }
}

/* The store has our presence. */
static void put(struct agent *agent, const struct courier_message *message)
{
    struct nats_ack ack;

    if (message->status || nats_read_ack(&agent->all->reader, message->data, message->size, &ack) ||
        ack.error || ack.sequence == 0) {
        if (!agent->storeless) {
            agent_log(agent->all, WMS_WARNING,
                      "agent of %s: the NATS servers have no store for its presence (now)",
                      agent->host);
        }
        agent->storeless = true;
        return;
    }
    agent->storeless = false;
    agent->present = true;
    agent->put_acked = agent_now();
    agent->put_sequence = ack.sequence;
    agent->clock_tries = 0;
    ask_clock(agent);
}

/* The store has told when it got it. */
static void compare(struct agent *agent, const struct courier_message *message)
{
    enum { TRIES = 10 };

    if (message->status || message->time < 0 || message->sequence < agent->put_sequence) {
        /* one of several servers, which does not have it yet */
        if (++agent->clock_tries < TRIES) {
            agent->ask_clock_due = agent_now() + CLOCK_AGAIN;
        }
    } else if (message->sequence == agent->put_sequence) {
        agent->offset = message->time - (agent->put_sent + agent->put_acked) / 2;
        agent->doubt = (agent->put_acked - agent->put_sent) / 2;
        agent->clock_known = true;
        agent->clock_due = agent_now() + CLOCK_HOLDS * (0.75 + 0.5 * agent_random(agent->all));
        control_look(agent);
    } /* else a later one was put meanwhile: the next beat is compared */
}

/* The store's last presence of this host. */
static void look(struct agent *agent, const struct courier_message *message)
{
    struct nats_presence presence;

    if (message->status || message->time < 0 || message->deleted ||
        nats_read_presence(&agent->all->reader, message->data, message->size, &presence)) {
        return;
    }
    if (strcmp(presence.instance, agent->instance) == 0) {
        agent->rival[0] = '\0';
    } else if (strcmp(presence.instance, agent->rival) != 0 &&
               strlen(presence.instance) < sizeof agent->rival) {
        strcpy(agent->rival, presence.instance);
        agent_log(agent->all, WMS_WARNING,
                  "agent of %s: there is another agent of this host, %s: each question is carried "
                  "out by both; end one of them",
                  agent->host, agent->rival);
    }
}

void presence_answer(struct agent *agent, enum store_question what,
                     const struct courier_message *message)
{
    if (what == STORE_PRESENCE) {
        put(agent, message);
    } else if (what == STORE_RIVAL) {
        look(agent, message);
    } else {
        compare(agent, message);
    }
}

void presence_end(struct agent *agent)
{
    char subject[NATS_SUBJECT];

    nats_subject_presence(subject, agent->host);
    if (agent->courier && courier_is_up(agent->courier)) {
        courier_delete(agent->courier, subject, NULL);
    }
}
