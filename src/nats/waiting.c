/* SPDX-License-Identifier: MIT */
/* waiting.c - questions that wait for their turn.
 *
 * An agent carries out so many at a time; the others wait, as long as they are not too many, and
 * nobody has more than a share of the places, so that one who asks without end is no obstacle to
 * others.  What changes something is carried out in the order in which it was asked: which sessions
 * "all" means is asked of the host first, so that a command for one of them could overtake it. */
#include "nats/serving.h"

/* How long a question waits for a former one about all sessions that has begun. */
#define IN_ORDER 1.0

enum {
    WAITING_MAX = 4096,  /* questions */
    WAITING_EACH = 1024, /* of one name */
    WAITING_BYTES = 8 << 20
};

static size_t running(const struct agent *agent)
{
    return agent->under_way_count - agent->waiting_count;
}

static unsigned short *share_of(const struct asked *asked)
{
    struct agent *agent = asked->agent;
    uint64_t hash = wms_hash(&agent->all->key, asked->who, strlen(asked->who));

    return &agent->shares[hash % AGENT_SHARES];
}

/* A former question, which has begun, may not have come to its sessions yet. */
static bool has_to_wait(const struct agent *agent, enum wms_verb verb, double now,
                        double *ret_until)
{
    for (struct node *node = agent->under_way.next; node != &agent->under_way; node = node->next) {
        const struct asked *former = NODE_OWNER(node, struct asked, under_way);
        if (former->all && former->changes && former->verb != verb &&
            now < former->started + IN_ORDER) {
            *ret_until = former->started + IN_ORDER;
            return true;
        }
    }
    return false;
}

void waiting_leave(struct asked *asked)
{
    struct agent *agent = asked->agent;

    if (!asked->waits) {
        return;
    }
    asked->waits = false;
    agent->waiting_count--;
    agent->waiting_changes -= asked->changes;
    agent->waiting_bytes -= asked->kept_size;
    --*share_of(asked);
    agents_release(agent->all, asked->kept);
    asked->kept = NULL;
}

/* Reads the question that was kept, and starts it. */
static void start(struct asked *asked)
{
    struct agent *agent = asked->agent;
    struct agents *agents = agent->all;
    struct nats_question question;
    int error = nats_read_question(&agents->reader, asked->kept, asked->kept_size, &question);

    waiting_leave(asked);
    node_remove(&asked->under_way);
    node_append(&agent->under_way, &asked->under_way);
    if (error) {
        serve_fail(asked, error, NULL);
    } else {
        serve_start(asked, &question);
    }
}

double waiting_due(struct agent *agent, double now)
{
    size_t queries = agent->waiting_count - agent->waiting_changes;
    bool blocked = false;
    double until = 0;

    if (agent->starting) { /* from start() */
        return 0;
    }
    agent->starting = true;
    struct node *node = agent->waiting.next;
    while (node != &agent->waiting && running(agent) < AGENT_UNDER_WAY_MAX &&
           !(blocked && queries == 0)) {
        struct asked *asked = NODE_OWNER(node, struct asked, under_way);
        node = node->next;
        if (!asked->changes) {
            queries--;
            start(asked);
        } else if (!blocked) {
            blocked = has_to_wait(agent, asked->verb, now, &until);
            if (!blocked) {
                start(asked);
            }
        }
    }
    agent->starting = false;
    return until;
}

void waiting_take(struct asked *asked, const struct nats_question *question,
                  const struct courier_message *message)
{
    struct agent *agent = asked->agent;
    unsigned short *share = share_of(asked);
    double until;

    /* It is under way by now itself. */
    if (running(agent) <= AGENT_UNDER_WAY_MAX &&
        (!asked->changes ||
         (agent->waiting_changes == 0 && !has_to_wait(agent, asked->verb, asked->since, &until)))) {
        serve_start(asked, question);
        return;
    }
    if (agent->waiting_count >= WAITING_MAX || *share >= WAITING_EACH ||
        agent->waiting_bytes + message->size > WAITING_BYTES) {
        serve_fail(asked, WMS_E_BUSY, "the host's agent has too many questions to answer");
        return;
    }
    asked->kept = agents_copy(agent->all, message->data, message->size);
    if (!asked->kept) {
        serve_fail(asked, WMS_E_NO_MEMORY, NULL);
        return;
    }
    asked->kept_size = message->size;
    asked->waits = true;
    node_remove(&asked->under_way);
    node_append(&agent->waiting, &asked->under_way);
    agent->waiting_count++;
    agent->waiting_changes += asked->changes;
    agent->waiting_bytes += message->size;
    ++*share;
    agent_schedule(agent);
}

void waiting_cancel(struct agent *agent)
{
    while (!node_alone(&agent->waiting)) {
        serve_fail(NODE_OWNER(agent->waiting.next, struct asked, under_way), WMS_E_CANCELLED,
                   "the host's agent ends");
    }
}
