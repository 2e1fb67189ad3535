/* SPDX-License-Identifier: MIT */
/* answered.c - what was asked already, and what was answered: a question that is repeated is not
 * carried out again.
 *
 * The questions of all agents of an engine are in one table, by the subject of their answer, which
 * only those who ask choose: hence a keyed hash.  What is forgotten before its time moves the
 * agent's horizon: whether a question from before it was carried out cannot be known. */
#include "nats/serving.h"

static uint64_t hash_of(const struct agents *agents, const char *reply)
{
    return wms_hash(&agents->key, reply, strlen(reply));
}

struct asked *asked_find(const struct agent *agent, const char *reply)
{
    const struct agents *agents = agent->all;
    uint64_t hash = hash_of(agents, reply);
    struct asked *asked =
        agents->asked_slots ? agents->slots[hash & (agents->asked_slots - 1)] : NULL;

    while (asked && (asked->hash != hash || strcmp(asked->reply, reply) != 0)) {
        asked = asked->next;
    }
    return asked;
}

/* Makes room for one more; without memory for it the table becomes slower. */
static bool grow(struct agents *agents)
{
    if (agents->asked_count < agents->asked_slots) {
        return true;
    }
    size_t slots = agents->asked_slots ? 2 * agents->asked_slots : 64;
    struct asked **table =
        agents->services->resize(agents->engine, NULL, slots * sizeof(struct asked *));
    if (!table) {
        return agents->asked_slots > 0;
    }
    memset(table, 0, slots * sizeof(struct asked *));
    for (size_t i = 0; i < agents->asked_slots; i++) {
        struct asked *asked = agents->slots[i];
        while (asked) {
            struct asked *next = asked->next;
            asked->next = table[asked->hash & (slots - 1)];
            table[asked->hash & (slots - 1)] = asked;
            asked = next;
        }
    }
    agents_release(agents, agents->slots);
    agents->slots = table;
    agents->asked_slots = slots;
    return true;
}

struct asked *asked_new(struct agent *agent, const char *reply, enum wms_verb verb)
{
    struct agents *agents = agent->all;
    size_t size = strlen(reply) + 1;
    struct asked *asked =
        grow(agents) ? agents->services->resize(agents->engine, NULL, sizeof *asked + size) : NULL;

    if (!asked) {
        return NULL;
    }
    memset(asked, 0, sizeof *asked);
    memcpy(asked->reply, reply, size);
    asked->agent = agent;
    asked->verb = verb;
    asked->since = agent_now();
    asked->hash = hash_of(agents, reply);
    struct asked **slot = &agents->slots[asked->hash & (agents->asked_slots - 1)];
    asked->next = *slot;
    *slot = asked;
    agents->asked_count++;
    node_init(&asked->order);
    node_init(&asked->mine);
    node_append(&agent->under_way, &asked->under_way);
    agent->under_way_count++;
    return asked;
}

static void leave_under_way(struct asked *asked)
{
    waiting_leave(asked);
    if (!node_alone(&asked->under_way)) {
        node_remove(&asked->under_way);
        asked->agent->under_way_count--;
    }
}

static size_t weight_of(const struct asked *asked)
{
    return sizeof *asked + strlen(asked->reply) + asked->parts_size;
}

void asked_free(struct asked *asked)
{
    struct agents *agents = asked->agent->all;
    struct asked **slot = &agents->slots[asked->hash & (agents->asked_slots - 1)];

    leave_under_way(asked);
    if (!node_alone(&asked->order)) {
        agents->bytes -= weight_of(asked);
        asked->agent->remembered_count--;
        node_remove(&asked->order);
        node_remove(&asked->mine);
    }
    while (*slot != asked) {
        slot = &(*slot)->next;
    }
    *slot = asked->next;
    agents->asked_count--;
    agents_release(agents, asked->parts);
    agents_release(agents, asked);
}

/* Whether it was carried out will not be known any more. */
static void forget(struct asked *asked)
{
    if (asked->since > asked->agent->horizon) {
        asked->agent->horizon = asked->since;
    }
    asked_free(asked);
}

void asked_tidy(struct agents *agents)
{
    double old = agent_now() - AGENT_REMEMBERS;
    struct asked *first;

    while ((first = NODE_FIRST(&agents->order, struct asked, order)) &&
           (first->answered < old || agents->bytes > AGENT_BYTES_MAX)) {
        forget(first);
    }
}

void asked_remember(struct asked *asked, char *parts, size_t size)
{
    struct agent *agent = asked->agent;
    struct agents *agents = agent->all;

    leave_under_way(asked);
    asked->answered = agent_now();
    if (size > AGENT_ANSWER_KEPT) {
        agents_release(agents, parts);
        parts = NULL;
        size = 0;
    }
    asked->forgotten = !parts;
    asked->parts = parts;
    asked->parts_size = size;
    node_append(&agents->order, &asked->order);
    node_append(&agent->remembered, &asked->mine);
    agents->bytes += weight_of(asked);
    if (++agent->remembered_count > AGENT_ANSWERS_MAX) {
        forget(NODE_OWNER(agent->remembered.next, struct asked, mine));
    }
    asked_tidy(agents);
}

bool asked_may_be_done(struct agent *agent, double age)
{
    double now = agent_now(), horizon = agent->horizon;

    if (horizon < now - AGENT_REMEMBERS) {
        horizon = now - AGENT_REMEMBERS;
    }
    return now - age - AGENT_DOUBT < horizon;
}
