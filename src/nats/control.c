/* SPDX-License-Identifier: MIT */
/* control.c - what the program that serves asks its agents: calls of "agent" and of "wish".
 *
 *     agent serve   {server, policy, beat, host} -> {instance}, when questions are heard
 *     agent stop    -> {}, when it has ended
 *     agent state   -> {connected, text, instance, stored, rival, questions, refused, ignored,
 *                      under_way, waiting, remembered, events}
 *     wish wait     {revision} -> {revision, state, ..., left, ended, time, unreadable},
 *                   when it is another one than that, or after a minute
 *     wish clock    -> {known, time, doubt_ms}: what time it is on the servers
 *
 * "serve" finds the agent of that host if there is one, and gives it its policy.  After TIMEOUT and
 * UNREACHABLE there is an agent, which goes on trying; after other errors there is none. */
#include <math.h>
#include <stdio.h>

#include "nats/serving.h"

enum { BEAT = 10, BEAT_MAX = 20 };
#define ALIVE 5.0 /* seconds after which a call that waits is still under way */

enum control { SERVE, STOP, STATE, WAIT, CLOCK, CONTROLS };

static const struct {
    const char *interface_name, *operation;
} controls[CONTROLS] = {
    [SERVE] = {"agent", "serve"}, [STOP] = {"agent", "stop"},  [STATE] = {"agent", "state"},
    [WAIT] = {"wish", "wait"},    [CLOCK] = {"wish", "clock"},
};

/* A call that waits. */
struct agent_wait {
    struct node node; /* of agent->calls */
    struct agent *agent;
    struct wms_op *op;
    enum control what;
    bool any; /* WAIT: whatever revision there is */
    uint64_t revision;
    double due;   /* when it is answered whatever there is; 0: it is not */
    double alive; /* when the engine is told that it is still under way */
};

static const wms_value *field_of(const struct wms_call *call, const char *name)
{
    const wms_value *table = call->arguments;

    for (size_t i = 0; table && table->kind == WMS_TABLE && i < table->size; i++) {
        if (strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

/* Which call it is; CONTROLS: none of an agent's. */
static enum control control_of(const struct wms_call *call)
{
    for (int i = 0; i < CONTROLS; i++) {
        if (strcmp(call->interface_name, controls[i].interface_name) == 0 &&
            strcmp(call->operation, controls[i].operation) == 0) {
            return (enum control) i;
        }
    }
    return CONTROLS;
}

/* ---- what a call may be ---------------------------------------------------------------------- */

bool agent_is_call(const struct wms_call *call)
{
    return call->verb == WMS_CALL &&
           (strcmp(call->interface_name, "agent") == 0 || control_of(call) != CONTROLS);
}

static int complain(char *complaint, size_t size, const char *text)
{
    snprintf(complaint, size, "%s", text);
    return WMS_E_INVALID;
}

/* Whether it could mean several servers. */
static bool is_expression(const char *address)
{
    const char *place = strstr(address, "://");
    size_t size;

    place = place ? place + 3 : address;
    size = strcspn(place, "/"); /* in a path they mean nothing */
    return *address == '@' || strcspn(place, "[]{},!&^") < size;
}

static int check_serve(const struct wms_call *call, char *complaint, size_t size)
{
    const wms_value *server = field_of(call, "server"), *beat = field_of(call, "beat"),
                    *host = field_of(call, "host");
    char token[NATS_HOST];

    if (server && (server->kind != WMS_STRING || strlen(server->text) != server->size ||
                   server->size == 0 || server->size >= AGENT_ADDRESS_MAX)) {
        return complain(complaint, size,
                        "server: give the address of what the agent serves, such as \"logind://\"");
    }
    if (server && is_expression(server->text)) {
        return complain(
            complaint, size,
            "server: an agent serves one server, and no list or group; give its address, "
            "such as \"logind://\"");
    }
    if (server && strncmp(server->text, "nats:", 5) == 0) {
        return complain(complaint, size,
                        "server: an agent cannot serve a nats:// address, which is an agent's; "
                        "give the address of the host itself, such as \"logind://\"");
    }
    if (beat && (beat->kind != WMS_NATURAL || beat->natural < 1 || beat->natural > BEAT_MAX)) {
        return complain(complaint, size, "beat: give whole seconds, 1 to 20");
    }
    if (host && (host->kind != WMS_STRING || !nats_host_token(host->text, token))) {
        return complain(complaint, size, "host: give a host's name");
    }
    return policy_check(field_of(call, "policy"), complaint, size);
}

int agent_check(const struct wms_call *call, char *complaint, size_t size)
{
    const wms_value *revision = field_of(call, "revision");

    if (call->arguments && call->arguments->kind != WMS_TABLE && call->arguments->size > 0) {
        return complain(complaint, size, "arguments: give a table with names");
    }
    switch (control_of(call)) {
    case SERVE:
        return check_serve(call, complaint, size);
    case WAIT:
        return revision && revision->kind != WMS_NATURAL
                   ? complain(complaint, size, "revision: give a whole number from 0")
                   : 0;
    case CONTROLS:
        return complain(complaint, size,
                        "operation: an agent has serve, stop and state, and its wish has wait and "
                        "clock");
    default:
        return 0;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A table that is being made. */
struct table {
    wms_value fields[16];
    size_t count;
};

static wms_value *add(struct table *table, const char *name, enum wms_kind kind)
{
    wms_value *value = &table->fields[table->count++];

    memset(value, 0, sizeof *value);
    value->name = name;
    value->kind = kind;
    return value;
}

static void add_text(struct table *table, const char *name, const char *text)
{
    wms_value *value = add(table, name, WMS_STRING);

    value->text = text;
    value->size = strlen(text);
}

static void add_number(struct table *table, const char *name, double number)
{
    wms_value *value = add(table, name, number < 0 ? WMS_INTEGER : WMS_NATURAL);

    value->integer = number < 0 ? (int64_t) number : 0;
    value->natural = number < 0 ? 0 : (uint64_t) number;
}

static void add_flag(struct table *table, const char *name, bool flag)
{
    add(table, name, WMS_BOOLEAN)->integer = flag;
}

static void answer_table(const struct agents *agents, struct wms_op *op, const struct table *table)
{
    const wms_value value = {
        .kind = WMS_TABLE, .items = table->count ? table->fields : NULL, .size = table->count};

    agents->services->answer(op, agents->services->result(op, &value), NULL);
}

static void tell_instance(const struct agent *agent, struct wms_op *op)
{
    struct table table = {.count = 0};

    add_text(&table, "instance", agent->instance);
    answer_table(agent->all, op, &table);
}

static void tell_state(const struct agent *agent, struct wms_op *op)
{
    struct table table = {.count = 0};

    add_flag(&table, "connected", agent->code == 0);
    if (agent->code) {
        add_text(&table, "text", agent->text);
    }
    add_text(&table, "instance", agent->instance);
    add_flag(&table, "stored", agent->present);
    if (agent->rival[0]) {
        add_text(&table, "rival", agent->rival);
    }
    add_number(&table, "questions", (double) agent->questions_count);
    add_number(&table, "refused", (double) agent->refused);
    add_number(&table, "ignored", (double) agent->ignored);
    add_number(&table, "under_way", (double) agent->under_way_count);
    add_number(&table, "waiting", (double) agent->waiting_count);
    add_number(&table, "remembered", (double) agent->remembered_count);
    add_number(&table, "events", (double) agent->event_seq);
    answer_table(agent->all, op, &table);
}

static void tell_clock(const struct agent *agent, struct wms_op *op)
{
    struct table table = {.count = 0};

    add_flag(&table, "known", agent->clock_known);
    if (agent->clock_known) {
        add_number(&table, "time", floor(agent_now() + agent->offset));
        add_number(&table, "doubt_ms", ceil(agent->doubt * 1000));
    }
    answer_table(agent->all, op, &table);
}

/* ---- calls that wait ------------------------------------------------------------------------- */

static void wait_free(struct agent_wait *wait)
{
    const struct agents *agents = wait->agent->all;

    wait->op->data = NULL;
    node_remove(&wait->node);
    agents->services->resize(agents->engine, wait, 0);
}

/* Ends a call that waits; its answer is the caller's. */
static struct wms_op *taken(struct agent_wait *wait)
{
    struct wms_op *op = wait->op;

    wait_free(wait);
    return op;
}

static struct agent_wait *wait_new(struct agent *agent, struct wms_op *op, enum control what)
{
    const struct agents *agents = agent->all;
    struct agent_wait *wait = agents->services->resize(agents->engine, NULL, sizeof *wait);

    if (!wait) {
        agents->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return NULL;
    }
    memset(wait, 0, sizeof *wait);
    wait->agent = agent;
    wait->op = op;
    wait->what = what;
    wait->alive = agent_now() + ALIVE;
    node_append(&agent->calls, &wait->node);
    op->data = wait;
    return wait;
}

void agent_forget(struct agents *agents, struct wms_op *op)
{
    (void) agents;
    if (op->data) {
        wait_free(op->data);
    }
}

/* Each call that waits; the call may go. */
#define EACH_WAIT(agent, wait) \
    for (struct node *node_ = (agent)->calls.next, *next_ = node_->next; \
         node_ != &(agent)->calls && ((wait) = NODE_OWNER(node_, struct agent_wait, node)); \
         node_ = next_, next_ = node_->next)

void control_look(struct agent *agent)
{
    struct agent_wait *wait;

    EACH_WAIT(agent, wait)
    {
        if (wait->what == SERVE && agent->stage == AGENT_SERVING && agent->subscribed) {
            tell_instance(agent, taken(wait));
        } else if (wait->what == WAIT && wish_has_news(agent, wait->any, wait->revision)) {
            wish_tell(agent, taken(wait));
        }
    }
}

void control_unreached(struct agent *agent, int code, const char *text)
{
    struct agent_wait *wait;

    EACH_WAIT(agent, wait)
    {
        if (wait->what == SERVE) {
            agent->all->services->answer(taken(wait), code, text);
        }
    }
}

void control_ended(struct agent *agent, int code, const char *text)
{
    const struct agents *agents = agent->all;
    struct agent_wait *wait;

    EACH_WAIT(agent, wait)
    {
        if (wait->what == STOP) {
            answer_table(agents, taken(wait), &(struct table){.count = 0});
        } else {
            agents->services->answer(taken(wait), code, text);
        }
    }
}

double control_due(struct agent *agent, double now)
{
    const struct wms_services *services = agent->all->services;
    struct agent_wait *wait;
    double due = 0;

    EACH_WAIT(agent, wait)
    {
        if (wait->due != 0 && now >= wait->due) {
            if (wish_has_news(agent, true, 0)) {
                wish_tell(agent, taken(wait));
            } else {
                services->answer(taken(wait), WMS_E_UNREACHABLE,
                                 "the NATS servers have not told yet whether there is a wish");
            }
            continue;
        }
        if (wait->what != SERVE && now >= wait->alive) {
            services->alive(wait->op);
            wait->alive = now + ALIVE;
        }
        double next = wait->what == SERVE                         ? 0
                      : wait->due != 0 && wait->due < wait->alive ? wait->due
                                                                  : wait->alive;
        due = next != 0 && (due == 0 || next < due) ? next : due;
    }
    return due;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Begins an agent, or finds the one that there is. */
static void serve(struct agents *agents, const char *host, struct wms_op *op,
                  const struct wms_call *call)
{
    const struct wms_services *services = agents->services;
    const wms_value *server = field_of(call, "server"), *beat = field_of(call, "beat"),
                    *policy = field_of(call, "policy"), *other = field_of(call, "host");
    const char *address = server ? server->text : "logind://";
    char token[NATS_HOST];
    int error = 0;

    if (other && nats_host_token(other->text, token)) {
        host = token;
    }
    struct agent *agent = agent_find(agents, host);
    if (agent && agent->stage == AGENT_OVER) {
        agent_end(agent, false);
        agent = NULL;
    }
    if (agent && agent->stage == AGENT_STOPPING) {
        services->answer(op, WMS_E_BUSY, "the agent of this name is just ending");
        return;
    }
    if (agent && strcmp(agent->server, address) != 0) {
        services->answer(op, WMS_E_BUSY, "the agent of this name serves another server");
        return;
    }
    services->sent(op);
    if (agent) {
        error = agent_renew(agent, policy);
    } else if (!services->transport(agents->engine)->nats) {
        services->answer(op, WMS_E_NOT_BOUND,
                         "this program does not know the NATS servers; give wms.configure{ nats = "
                         "{ servers = \"nats://…\" } }");
        return;
    } else {
        error = agent_begin(agents, host, address, policy, beat ? (double) beat->natural : BEAT,
                            &agent);
    }
    if (error) {
        services->answer(op, error == WMS_E_INVALID ? WMS_E_NOT_BOUND : error, NULL);
    } else if (wait_new(agent, op, SERVE)) {
        control_look(agent);
    }
}

static void wait_for_wish(struct agent *agent, struct wms_op *op, const struct wms_call *call)
{
    const wms_value *revision = field_of(call, "revision");
    struct agent_wait *wait = wait_new(agent, op, WAIT);

    if (wait) {
        wait->any = !revision;
        wait->revision = revision ? revision->natural : 0;
        wait->due = agent_now() + AGENT_WAIT;
        control_look(agent);
        agent_schedule(agent);
    }
}

static void stop(struct agent *agent, struct wms_op *op)
{
    agent->all->services->sent(op);
    if (wait_new(agent, op, STOP)) {
        agent_stop(agent);
        agent_schedule(agent);
    }
}

void agent_call(struct agents *agents, const char *host, struct wms_op *op,
                const struct wms_call *call)
{
    const enum control what = control_of(call);
    struct agent *agent = agent_find(agents, host);

    if (what == SERVE) {
        serve(agents, host, op, call);
    } else if (!agent) {
        agents->services->answer(op, WMS_E_NOT_FOUND,
                                 "this program has no agent of that name; begin it by \"serve\"");
    } else if (what == STOP) {
        stop(agent, op);
    } else if (what == STATE) {
        tell_state(agent, op);
    } else if (what == WAIT) {
        wait_for_wish(agent, op, call);
    } else {
        tell_clock(agent, op);
    }
}
