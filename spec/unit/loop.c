/* SPDX-License-Identifier: MIT */
/* loop.c - tests of core/loop.h: timers that are set to 0. */
#include "core/loop.h"

#include <poll.h>
#include <unistd.h>

#include "core/state.h"
#include "unit.h"

enum { TIMES = 50 };

static wms_engine engine = {.base = {.alloc = {unit_resize, NULL}}};
static struct wms_loop *loop;
static struct wms_timer *timer, *other;
static int ends[2];          /* of a pipe */
static unsigned fired, seen; /* how often */

static void fire_again(void *data)
{
    (void) data;
    if (++fired < TIMES) {
        wms_timer_set(timer, 0);
    }
    CHECK(write(ends[1], "x", 1) == 1);
}

static void fire_once(void *data)
{
    (void) data;
    fired++;
}

static void ready(void *data, int events)
{
    char byte;

    (void) data;
    (void) events;
    seen++;
    CHECK(fired == seen); /* it has come between one time and the next */
    CHECK(read(ends[0], &byte, 1) == 1);
}

static void begin(void (*fire)(void *data))
{
    CHECK(wms_loop_new(&engine, &loop) == 0);
    timer = wms_timer_new(loop, fire, NULL);
    CHECK(timer);
    fired = 0;
}

static void end(void)
{
    wms_timer_free(timer);
    wms_loop_free(loop);
}

/* Every round of the loop serves the descriptors first, and none waits: a wait without a limit
 * would not end here. */
static void gives_way(void)
{
    struct wms_poll *poll;

    begin(fire_again);
    CHECK(pipe(ends) == 0 && wms_poll_new(loop, ends[0], ready, NULL, &poll) == 0);
    CHECK(wms_poll_set(poll, WMS_READABLE) == 0);
    wms_timer_set(timer, 0);
    for (unsigned round = 1; round <= TIMES; round++) {
        CHECK(wms_loop_is_due(loop) && wms_loop_wait(loop, -1) == 0 && fired == round);
    }
    CHECK(!wms_loop_is_due(loop));
    wms_loop_turn(loop);
    CHECK(fired == TIMES && seen == TIMES);
    wms_poll_free(poll);
    end();
    close(ends[0]);
    close(ends[1]);
}

static void alone(void)
{
    begin(fire_once);
    CHECK(wms_loop_wait(loop, -1) != 0); /* nothing could ever happen */
    wms_timer_set(timer, 0);
    CHECK(wms_loop_wait(loop, -1) == 0 && fired == 1);
    CHECK(wms_loop_wait(loop, -1) != 0);
    wms_timer_set(timer, 0);
    wms_timer_set(timer, -1);
    CHECK(!wms_loop_is_due(loop));
    wms_loop_turn(loop);
    CHECK(fired == 1);
    wms_timer_set(timer, 0);
    wms_timer_set(timer, 1000); /* instead */
    wms_loop_turn(loop);
    CHECK(fired == 1);
    end();
}

static void free_other(void *data)
{
    (void) data;
    fired++;
    wms_timer_free(other);
}

static void frees_another(void)
{
    begin(free_other);
    other = wms_timer_new(loop, fire_once, NULL);
    wms_timer_set(timer, 0);
    wms_timer_set(other, 0);
    wms_loop_turn(loop);
    CHECK(fired == 1);
    end();
}

static void one_that_was_forgotten(void)
{
    begin(fire_once);
    wms_timer_set(timer, 0);
    wms_loop_free(loop);
    CHECK(fired == 0);
}

/* A program that polls the descriptor: it gets control between one time and the next, and the
 * descriptor is readable at once. */
static void by_descriptor(void)
{
    int fd;

    begin(fire_again);
    CHECK(pipe(ends) == 0 && wms_loop_fd(loop, &fd) == 0);
    wms_timer_set(timer, 0);
    for (unsigned round = 1; round <= TIMES; round++) {
        struct pollfd asked = {.fd = fd, .events = POLLIN};
        while (wms_loop_is_restless(loop)) {
            wms_loop_catch_up(loop);
        }
        wms_loop_rest(loop, false);
        CHECK(fired == round - 1 && poll(&asked, 1, -1) == 1);
        wms_loop_turn(loop);
        CHECK(fired == round);
    }
    end();
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    gives_way();
    alone();
    frees_another();
    one_that_was_forgotten();
    by_descriptor();
    return 0;
}
