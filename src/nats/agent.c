/* SPDX-License-Identifier: MIT */
/* agent.c - the agents of an engine: begun, told of their connections, ended. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "nats/serving.h"

/* How long the servers have to answer before a connection is taken for one that is heard. */
#define HEARD 2.0

/* ---- small things ---------------------------------------------------------------------------- */

double agent_now(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static uint64_t agent_draw(struct agents *agents)
{
    agents->drawn++;
    return wms_hash(&agents->key, &agents->drawn, sizeof agents->drawn);
}

double agent_random(struct agents *agents)
{
    return (double) (agent_draw(agents) >> 11) * 0x1p-53;
}

void agent_log(struct agents *agents, enum wms_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    agents->services->log(agents->engine, level, line);
}

void agent_publish(struct agent *agent, const char *subject, const struct nats_text *text)
{
    if (!text->failed && agent->courier) {
        courier_publish(agent->courier, subject, NULL, text->data, text->size);
    }
}

bool agent_ask_store(struct agent *agent, enum store_question what, const char *subject,
                     const void *data, size_t size)
{
    char reply[NATS_SUBJECT];
    /* Whoever could guess it could have the store send another's value there. */
    uint64_t seq = agent_draw(agent->all) >> 2 | 1;

    nats_subject_store(reply, agent->host, agent->instance, seq);
    if (!agent->courier ||
        courier_publish(agent->courier, subject, reply, data ? data : "", size)) {
        agent->store_asked[what] = 0;
        return false;
    }
    agent->store_asked[what] = seq;
    agent->store_since[what] = agent_now();
    return true;
}

/* ---- all agents, by host --------------------------------------------------------------------- */

struct agent *agent_find(const struct agents *agents, const char *host)
{
    uint64_t hash = wms_hash(&agents->key, host, strlen(host));
    struct agent *agent =
        agents->host_slots ? agents->hosts[hash & (agents->host_slots - 1)] : NULL;

    while (agent && strcmp(agent->host, host) != 0) {
        agent = agent->next;
    }
    return agent;
}

static bool grow(struct agents *agents)
{
    if (agents->count < agents->host_slots) {
        return true;
    }
    size_t slots = agents->host_slots ? 2 * agents->host_slots : 8;
    struct agent **table =
        agents->services->resize(agents->engine, NULL, slots * sizeof(struct agent *));
    if (!table) {
        return agents->host_slots > 0;
    }
    memset(table, 0, slots * sizeof(struct agent *));
    for (struct node *node = agents->all.next; node != &agents->all; node = node->next) {
        struct agent *agent = NODE_OWNER(node, struct agent, node);
        agent->next = table[agent->hash & (slots - 1)];
        table[agent->hash & (slots - 1)] = agent;
    }
    agents_release(agents, agents->hosts);
    agents->hosts = table;
    agents->host_slots = slots;
    return true;
}

int agents_new(const struct wms_services *services, wms_engine *engine, struct agents **ret_agents)
{
    struct agents *agents = services->resize(engine, NULL, sizeof *agents);

    if (!agents) {
        return WMS_E_NO_MEMORY;
    }
    memset(agents, 0, sizeof *agents);
    agents->services = services;
    agents->engine = engine;
    agents->memory.resize = services->resize;
    agents->memory.engine = engine;
    wms_key_new(&agents->key);
    node_init(&agents->all);
    node_init(&agents->order);
    nats_text_init(&agents->text, &agents->memory);
    nats_reader_init(&agents->reader, &agents->memory);
    *ret_agents = agents;
    return 0;
}

void agents_free(struct agents *agents, bool forked)
{
    if (!agents) {
        return;
    }
    while (!node_alone(&agents->all)) {
        agent_end(NODE_OWNER(agents->all.next, struct agent, node), forked);
    }
    nats_text_free(&agents->text);
    nats_reader_free(&agents->reader);
    agents_release(agents, agents->hosts);
    agents_release(agents, agents->slots);
    agents->services->resize(agents->engine, agents, 0);
}

/* ---- the connection -------------------------------------------------------------------------- */

void agent_hears(struct agent *agent)
{
    if (!agent->subscribed) {
        agent->subscribed = true;
        control_look(agent);
    }
}

static void up(void *data)
{
    struct agent *agent = data;

    agent->code = 0;
    agent->up_since = agent_now();
    memset(agent->store_asked, 0, sizeof agent->store_asked);
    if (agent->stage == AGENT_SERVING) {
        agent_log(agent->all, WMS_INFO, "agent of %s: connected again", agent->host);
    }
    if (agent->stage == AGENT_CONNECTING) {
        agent->stage = AGENT_SERVING;
        tell_begin(agent);
    }
    if (agent->stage == AGENT_SERVING) {
        presence_up(agent);
        wish_up(agent);
        tell_resync(agent);
    }
    agent_schedule(agent);
}

static void down(void *data, int code, const char *text)
{
    struct agent *agent = data;

    agent->code = code;
    snprintf(agent->text, sizeof agent->text, "%s", text ? text : "");
    agent->subscribed = false;
    agent->present = false;
    memset(agent->store_asked, 0, sizeof agent->store_asked);
    agent_log(agent->all, WMS_WARNING, "agent of %s: %s", agent->host, agent->text);
    control_unreached(agent, code, agent->text);
    agent_schedule(agent);
}

static void refused(void *data, int code, const char *text)
{
    struct agent *agent = data;

    down(agent, code, text);
    agent->stage = AGENT_OVER;
    control_ended(agent, code, agent->text);
    agent_schedule(agent);
}

static void forbidden(void *data, const char *text)
{
    struct agent *agent = data;
    char subject[NATS_SUBJECT];

    agent_log(agent->all, WMS_WARNING, "agent of %s: %s", agent->host, text);
    nats_subject_questions(subject, agent->host);
    if (strstr(text, subject)) { /* it would never hear a question */
        refused(agent, WMS_E_ACCESS_DENIED,
                "the servers' rights do not let this key be the agent of a host of this name; give "
                "the agent the name that the key has there, or the key there the name it has here");
    }
}

static void message(void *data, const struct courier_message *message)
{
    struct agent *agent = data;
    uint64_t seq;

    if (agent->stage == AGENT_OVER) {
        return;
    }
    if (message->subscription == agent->questions) {
        serve_message(agent, message);
    } else if (message->subscription == agent->wishes) {
        wish_changed(agent);
        agent_schedule(agent);
    } else if (message->subscription == agent->stores &&
               nats_read_store_subject(message->subject, agent->host, agent->instance, &seq)) {
        agent_hears(agent);
        for (int what = 0; what < STORE_QUESTIONS; what++) {
            if (seq && agent->store_asked[what] == seq) {
                agent->store_asked[what] = 0;
                if (what == STORE_WISH) {
                    wish_answer(agent, message);
                } else {
                    presence_answer(agent, (enum store_question) what, message);
                }
                break;
            }
        }
        agent_schedule(agent);
    }
}

static const struct courier_events events = {
    .up = up, .down = down, .refused = refused, .message = message, .forbidden = forbidden};

/* ---- time ------------------------------------------------------------------------------------ */

static double sooner(double a, double b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* An agent that was told to stop has nothing left to do. */
static bool is_through(const struct agent *agent)
{
    return agent->stage == AGENT_STOPPING && agent->under_way_count == 0;
}

void agent_schedule(struct agent *agent)
{
    double now = agent_now(), due = 0;

    if (is_through(agent)) {
        due = now;
    }
    due = sooner(due, agent->stops);
    due = sooner(due, control_due(agent, now));
    due = sooner(due, waiting_due(agent, now));
    if (agent->stage == AGENT_SERVING) {
        due = sooner(due, agent->watch_due);
        if (agent->code == 0) {
            due = sooner(due, agent->beat_due);
            due = sooner(due, agent->ask_clock_due);
            due = sooner(due, agent->wish.due);
            due = sooner(due, agent->subscribed ? 0 : agent->up_since + HEARD);
        }
    }
    agent->all->services->timer_set(agent->timer, due == 0 ? -1 : due > now ? due - now : 0);
}

static void tick(void *data)
{
    struct agent *agent = data;
    double now = agent_now();

    if (agent->stops != 0 && now >= agent->stops) {
        agent->stops = 0;
        serve_cancel(agent);
    }
    if (is_through(agent)) {
        agent_end(agent, false);
        return;
    }
    if (agent->stage == AGENT_SERVING) {
        if (agent->code == 0) {
            if (!agent->subscribed && now >= agent->up_since + HEARD) {
                agent_hears(agent);
            }
            presence_due(agent, now);
            wish_due(agent, now);
        }
        if (agent->watch_due != 0 && now >= agent->watch_due) {
            tell_begin(agent);
        }
    }
    agent_schedule(agent);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

int agent_renew(struct agent *agent, const wms_value *policy)
{
    struct policy renewed;
    int error = policy_read(&agent->all->memory, policy, &renewed);

    if (!error) {
        policy_free(&agent->all->memory, &agent->policy);
        agent->policy = renewed;
    }
    return error;
}

/* Names this run of the agent.  If the system has no random bytes yet, the key of the engine's
 * agents, which is never the same, stands in for them. */
static void name_instance(struct agent *agent)
{
    unsigned char bytes[NATS_NONCE - 1];

    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != (ssize_t) sizeof bytes) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (unsigned char) (agent_random(agent->all) * 256);
        }
    }
    nats_nonce(bytes, agent->instance);
}

static int subscribe(struct agent *agent)
{
    char subject[NATS_SUBJECT];
    int error;

    nats_subject_questions(subject, agent->host);
    error = courier_subscribe(agent->courier, subject, &agent->questions);
    if (!error) {
        nats_subject_wish(subject, agent->host);
        error = courier_subscribe(agent->courier, subject, &agent->wishes);
    }
    if (!error) {
        nats_subject_stores(subject, agent->host);
        error = courier_subscribe(agent->courier, subject, &agent->stores);
    }
    return error;
}

int agent_begin(struct agents *agents, const char *host, const char *server,
                const wms_value *policy, double beat, struct agent **ret_agent)
{
    const struct wms_services *services = agents->services;
    size_t size = strlen(host) + 1;
    struct agent *agent =
        grow(agents) ? services->resize(agents->engine, NULL, sizeof *agent + size) : NULL;
    int error = WMS_E_NO_MEMORY;

    if (!agent) {
        return error;
    }
    memset(agent, 0, sizeof *agent);
    memcpy(agent->host, host, size);
    agent->all = agents;
    agent->hash = wms_hash(&agents->key, host, size - 1);
    agent->beat = beat;
    agent->began = agent->horizon = agent_now();
    node_init(&agent->under_way);
    node_init(&agent->waiting);
    node_init(&agent->remembered);
    node_init(&agent->calls);
    name_instance(agent);
    agent->next = agents->hosts[agent->hash & (agents->host_slots - 1)];
    agents->hosts[agent->hash & (agents->host_slots - 1)] = agent;
    agents->count++;
    node_append(&agents->all, &agent->node);

    agent->code = WMS_E_UNREACHABLE;
    snprintf(agent->text, sizeof agent->text, "it is being connected");
    agent->server = agents_copy(agents, server, strlen(server) + 1);
    agent->timer = services->timer_new(agents->engine, tick, agent);
    if (agent->server && agent->timer) {
        error = agent_renew(agent, policy);
    }
    if (!error) {
        error = courier_new(services, agents->engine, services->transport(agents->engine)->nats,
                            &events, agent, &agent->courier);
    }
    if (!error) {
        error = subscribe(agent);
    }
    if (error) {
        agent_end(agent, false);
        return error;
    }
    *ret_agent = agent;
    return 0;
}

void agent_stop(struct agent *agent)
{
    if (agent->stage == AGENT_STOPPING) {
        return;
    }
    agent->stage = AGENT_STOPPING;
    agent->stops = agent_now() + AGENT_STOPS;
    if (agent->courier) {
        courier_unsubscribe(agent->courier, agent->wishes);
    }
    tell_end(agent);
    agent_schedule(agent);
}

void agent_answered(struct agent *agent)
{
    if (is_through(agent) || agent->waiting_count > 0) {
        agent_schedule(agent);
    }
}

void agent_end(struct agent *agent, bool forked)
{
    struct agents *agents = agent->all;
    struct agent **slot = &agents->hosts[agent->hash & (agents->host_slots - 1)];

    if (!forked) {
        presence_end(agent);
    }
    tell_end(agent);
    serve_drop(agent);
    while (!node_alone(&agent->remembered)) {
        asked_free(NODE_OWNER(agent->remembered.next, struct asked, mine));
    }
    control_ended(agent, WMS_E_CANCELLED, "the agent has ended");
    wish_free(agent);
    courier_free(agent->courier, forked);
    agents->services->timer_free(agent->timer);
    policy_free(&agents->memory, &agent->policy);
    agents_release(agents, agent->server);
    while (*slot != agent) {
        slot = &(*slot)->next;
    }
    *slot = agent->next;
    agents->count--;
    node_remove(&agent->node);
    agents_release(agents, agent);
}
