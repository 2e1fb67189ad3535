/* SPDX-License-Identifier: MIT */
/* wish.c - how the host is to be, as the store has it.
 *
 * A wish counts for as many seconds as it says from the time that the store gave it: what time it
 * is there, presence.c knows.  The store may have several servers, of which one may answer with an
 * older wish for a while: so it is asked again, soon after a change and then each minute, and an
 * older answer is believed only when it is repeated, since then the store has been made anew. */
#include <math.h>

#include "nats/serving.h"

#define UNANSWERED  5.0  /* seconds after which the store is asked again that did not answer */
#define AGAIN       60.0 /* seconds after which it is asked whether there is something new */
#define OLDER_HOLDS 4.0  /* seconds for which the store has to answer with an older wish */
enum { OLDER_TIMES = 3 };

static const double after_change[] = {0.5, 1.5, 3};
enum { STEPS = sizeof after_change / sizeof *after_change };

static double vary(const struct agent *agent, double seconds)
{
    return seconds * (0.75 + 0.5 * agent_random(agent->all));
}

void wish_changed(struct agent *agent)
{
    agent->wish.step = 0;
    agent->wish.due = agent_now();
}

void wish_up(struct agent *agent)
{
    agent->wish.step = STEPS;
    agent->wish.due = agent_now();
}

void wish_due(struct agent *agent, double now)
{
    struct wish *wish = &agent->wish;
    char subject[NATS_SUBJECT];

    if (wish->due == 0 || now < wish->due) {
        return;
    }
    nats_subject_get_wish(subject, agent->host);
    agent_ask_store(agent, STORE_WISH, subject, NULL, 0);
    wish->due = now + (wish->step < STEPS ? after_change[wish->step++] : vary(agent, UNANSWERED));
}

static void forget(struct agent *agent)
{
    struct wish *wish = &agent->wish;

    agents_release(agent->all, wish->data);
    wish->data = NULL;
    wish->size = 0;
    wish->there = false;
    wish->unreadable = NULL;
    wish->seconds = -1;
}

void wish_free(struct agent *agent)
{
    forget(agent);
}

/* How long it holds.  False: it does not say so as it should. */
static bool read_seconds(const struct tree *tree, double *ret_seconds)
{
    const wms_value *seconds = tree_field(tree, "seconds");

    *ret_seconds = -1;
    if (seconds) {
        *ret_seconds = (double) seconds->natural;
        return seconds->kind == WMS_NATURAL && seconds->natural <= NATS_WISH_SECONDS;
    }
    return true;
}

/* Keeps what the store has answered. */
static void take(struct agent *agent, const struct courier_message *message, uint64_t sequence)
{
    struct wish *wish = &agent->wish;
    struct agents *agents = agent->all;
    struct tree tree;
    char *data = NULL;

    if (sequence > 0 && !message->deleted) {
        data = agents_copy(agents, message->data, message->size);
        if (!data) {
            return; /* it is asked for again */
        }
    }
    forget(agent);
    wish->known = true;
    wish->revision = sequence;
    wish->older = 0;
    wish->time = message->time;
    wish->there = data != NULL;
    wish->data = data;
    wish->size = message->size;
    if (data) {
        int error = tree_read(&tree, &agents->memory, data, wish->size, 0);
        if (!error) {
            if (!read_seconds(&tree, &wish->seconds)) {
                wish->unreadable = "its time is none";
            }
            tree_free(&tree);
        } else if (error == WMS_E_PROTOCOL) {
            wish->unreadable = "it has not the form that it should have";
        } else {
            wish->known = false;
            wish->due = agent_now() + 1;
            return;
        }
    }
    control_look(agent);
}

/* An answer that is older than what is known: whether it is believed. */
static bool is_believed(struct wish *wish, double now)
{
    if (wish->older == 0) {
        wish->older_since = now;
        wish->step = 0;
        wish->due = now + after_change[0];
    }
    return ++wish->older >= OLDER_TIMES && now >= wish->older_since + OLDER_HOLDS;
}

void wish_answer(struct agent *agent, const struct courier_message *message)
{
    struct wish *wish = &agent->wish;
    double now = agent_now();
    bool none = message->status == COURIER_NO_MESSAGE;

    if (!none && (message->status || message->sequence == 0 || message->time < 0)) {
        return; /* there is no store (now): it is asked again */
    }
    uint64_t sequence = none ? 0 : message->sequence;
    if (wish->step >= STEPS) {
        wish->due = now + vary(agent, AGAIN);
    }
    if (wish->known && sequence == wish->revision) {
        wish->older = 0;
    } else if (!wish->known || sequence > wish->revision || is_believed(wish, now)) {
        take(agent, message, sequence);
    }
}

bool wish_has_news(const struct agent *agent, bool any, uint64_t revision)
{
    const struct wish *wish = &agent->wish;

    return wish->known &&
           (wish->unreadable || !wish->there || wish->seconds < 0 || agent->clock_known) &&
           (any || revision != wish->revision);
}

static wms_value natural(const char *name, uint64_t number)
{
    return (wms_value){.kind = WMS_NATURAL, .name = name, .natural = number};
}

/* What remains of a wish's time. */
static void tell_left(const struct agent *agent, struct tree *tree)
{
    const struct wish *wish = &agent->wish;
    double left = wish->time + wish->seconds - (agent_now() + agent->offset);
    const wms_value ended = {.kind = WMS_BOOLEAN, .name = "ended", .integer = 1};

    if (left <= 0) {
        tree_set(tree, &ended);
        left = 0;
    } else if (left > wish->seconds) {
        left = wish->seconds; /* it has just been stored: how far the servers' clock is off is not
                                 known so exactly */
    }
    const wms_value rest = natural("left", (uint64_t) ceil(left));
    tree_set(tree, &rest);
}

void wish_tell(struct agent *agent, struct wms_op *op)
{
    enum { OURS = 5 };
    static const char *const ours[OURS] = {"revision", "left", "ended", "time", "unreadable"};
    const struct wms_services *services = agent->all->services;
    const struct wish *wish = &agent->wish;
    const bool read = wish->there && !wish->unreadable;
    struct tree tree;

    int error = tree_read(&tree, &agent->all->memory, read ? wish->data : "{}",
                          read ? wish->size : 2, OURS);
    if (error) {
        services->answer(op, error, NULL);
        return;
    }
    for (int i = 0; i < OURS; i++) {
        tree_unset(&tree, ours[i]);
    }
    const wms_value revision = natural("revision", wish->revision);
    const wms_value time = natural("time", (uint64_t) (wish->time < 0 ? 0 : wish->time));
    tree_set(&tree, &revision);
    if (wish->there) {
        tree_set(&tree, &time);
    }
    if (wish->unreadable) {
        const wms_value why = {.kind = WMS_STRING,
                               .name = "unreadable",
                               .text = wish->unreadable,
                               .size = strlen(wish->unreadable)};
        tree_set(&tree, &why);
    } else if (read && wish->seconds >= 0) {
        tell_left(agent, &tree);
    }
    const wms_value table = tree_table(&tree);
    services->answer(op, services->result(op, &table), NULL);
    tree_free(&tree);
}
