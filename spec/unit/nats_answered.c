/* SPDX-License-Identifier: MIT */
/* nats_answered.c - tests of what an agent on NATS remembers: how long, how much, and what it says
 * of a question that it may have forgotten. */
#include <stdio.h>

#include "nats/answered.c"

#include "unit.h"

static double now = 1000;

double agent_now(void)
{
    return now;
}

void waiting_leave(struct asked *asked)
{
    (void) asked;
}

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    return unit_resize(NULL, block, size);
}

static const struct wms_services services = {.resize = resize};
static struct agents agents;

static void begin(struct agent *agent)
{
    memset(agent, 0, sizeof *agent);
    agent->all = &agents;
    agent->horizon = now;
    node_init(&agent->under_way);
    node_init(&agent->remembered);
}

static char *parts(size_t size)
{
    char *block = services.resize(agents.engine, NULL, size);

    CHECK(block);
    memset(block, 'x', size);
    return block;
}

static const char *name(unsigned number)
{
    static char text[40];

    snprintf(text, sizeof text, "answer.%u", number);
    return text;
}

static struct asked *answered(struct agent *agent, unsigned number, size_t size)
{
    struct asked *asked = asked_new(agent, name(number), WMS_CLOSE);

    CHECK(asked && agent->under_way_count == 1);
    asked_remember(asked, size ? parts(size) : NULL, size);
    CHECK(agent->under_way_count == 0);
    return asked_find(agent, name(number));
}

static void forget_all(struct agent *agent)
{
    while (!node_alone(&agent->remembered)) {
        asked_free(NODE_OWNER(agent->remembered.next, struct asked, mine));
    }
    CHECK(agent->remembered_count == 0);
}

/* What is answered is found for ten minutes. */
static void test_time(void)
{
    struct agent agent;

    begin(&agent);
    now += 1000;
    CHECK(answered(&agent, 1, 100) && agents.bytes > 100);
    now += 599;
    asked_tidy(&agents);
    CHECK(asked_find(&agent, name(1)) && !asked_find(&agent, name(2)));
    now += 2;
    asked_tidy(&agents);
    CHECK(!asked_find(&agent, name(1)) && agents.bytes == 0);
    /* Who asks again after that time hears that it is not known. */
    CHECK(asked_may_be_done(&agent, 602) && !asked_may_be_done(&agent, 500));
}

/* A question takes longer than that. */
static void test_long(void)
{
    struct agent agent;

    begin(&agent);
    now += 1000;
    struct asked *asked = asked_new(&agent, name(1), WMS_LOCK);
    CHECK(asked);
    now += 900;
    asked_tidy(&agents);
    CHECK(asked_find(&agent, name(1)) == asked);
    asked_remember(asked, parts(10), 10);
    CHECK(asked_find(&agent, name(1)) == asked && !asked->forgotten);
    forget_all(&agent);
}

/* An agent that has just begun does not know what was asked before. */
static void test_beginning(void)
{
    struct agent agent;

    begin(&agent);
    CHECK(asked_may_be_done(&agent, 0) && asked_may_be_done(&agent, 100));
    now += 20;
    CHECK(!asked_may_be_done(&agent, 10) && asked_may_be_done(&agent, 16));
}

/* One agent remembers a number of answers, all of them a number of bytes; what is forgotten for
 * that is not known any more, and others still are. */
static void test_bounds(void)
{
    struct agent agent, other;

    begin(&agent);
    begin(&other);
    now += 100;
    CHECK(answered(&other, 1000000, 10));
    double before = now;
    for (unsigned i = 0; i < AGENT_ANSWERS_MAX; i++) {
        CHECK(answered(&agent, i, 10));
    }
    now += 100;
    CHECK(!asked_may_be_done(&agent, 90));
    CHECK(answered(&agent, AGENT_ANSWERS_MAX, 10) && !asked_find(&agent, name(0)));
    CHECK(agent.remembered_count == AGENT_ANSWERS_MAX && asked_find(&agent, name(1)));
    CHECK(agent.horizon == before && asked_may_be_done(&agent, 98));
    CHECK(!asked_may_be_done(&other, 90) && asked_find(&other, name(1000000)));

    for (unsigned i = 0; i < 9; i++) {
        CHECK(answered(&other, 2000000 + i, AGENT_ANSWER_KEPT));
        CHECK(agents.bytes <= AGENT_BYTES_MAX);
    }
    CHECK(!asked_find(&agent, name(1)) && !asked_find(&other, name(1000000)));
    CHECK(asked_find(&other, name(2000008)) && !asked_find(&other, name(2000000)));
    forget_all(&agent);
    forget_all(&other);
    CHECK(agents.bytes == 0 && agents.asked_count == 0);
}

/* An answer that is too long, or that there was no memory for, is known to have been given. */
static void test_too_long(void)
{
    struct agent agent;

    begin(&agent);
    struct asked *asked = answered(&agent, 1, AGENT_ANSWER_KEPT + 1);
    CHECK(asked && asked->forgotten && asked->parts_size == 0);
    asked = answered(&agent, 2, 0);
    CHECK(asked && asked->forgotten);
    asked = answered(&agent, 3, 1);
    CHECK(asked && !asked->forgotten && asked->parts_size == 1);
    forget_all(&agent);
}

/* Without memory nothing is remembered wrongly. */
static void test_memory(void)
{
    struct agent agent;

    begin(&agent);
    for (unsigned i = 0; i < 3; i++) {
        heap.allowed = i;
        struct asked *asked = asked_new(&agent, name(i), WMS_CLOSE);
        heap.allowed = SIZE_MAX;
        CHECK(asked_find(&agent, name(i)) == asked);
        if (asked) {
            asked_free(asked);
        }
        CHECK(agent.under_way_count == 0 && agents.asked_count == 0);
    }
}

int main(void)
{
    agents.services = &services;
    wms_key_new(&agents.key);
    node_init(&agents.order);
    test_time();
    test_long();
    test_beginning();
    test_bounds();
    test_too_long();
    test_memory();
    agents_release(&agents, agents.slots);
    CHECK(heap.blocks == 0);
    return 0;
}
