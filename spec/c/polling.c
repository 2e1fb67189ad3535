/* SPDX-License-Identifier: MIT */
/* polling.c - src/core/polling.c by itself, with timers that only write down what they are set to.
 *
 *     polling         prints what is not so, and returns 1 then
 */
#include "core/polling.c"

#include <math.h>
#include <stdio.h>

#define CHECK(condition) check(condition, #condition, __LINE__)

static unsigned wrong;

static void check(bool good, const char *what, int line)
{
    if (!good) {
        printf("%d: not so: %s\n", line, what);
        wrong++;
    }
}

/* ---- timers ---------------------------------------------------------------------------------- */

/* The only one that is ever in use. */
struct wms_timer {
    void (*fire)(void *data);
    void *data;
    double seconds; /* negative: it is not set */
};

static struct wms_timer timer;
static bool has_memory = true;
static unsigned made, freed;

struct wms_timer *wms_timer_new(struct wms_loop *loop, void (*fire)(void *data), void *data)
{
    (void) loop;
    if (!has_memory) {
        return NULL;
    }
    made++;
    timer = (struct wms_timer){.fire = fire, .data = data, .seconds = -1};
    return &timer;
}

void wms_timer_set(struct wms_timer *which, double seconds)
{
    which->seconds = seconds;
}

void wms_timer_free(struct wms_timer *which)
{
    freed += which != NULL;
}

static void fire(void)
{
    timer.seconds = -1; /* as the loop's, it fires once */
    timer.fire(timer.data);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static unsigned asked;

static void ask(void *data)
{
    CHECK(data == &asked);
    asked++;
}

static void ask_and_end(void *data)
{
    asked++;
    wms_polling_end(data);
    memset(data, 0x55, sizeof(struct wms_polling)); /* it has gone */
}

static void reset(void)
{
    asked = made = freed = 0;
    has_memory = true;
}

/* ---- what is to be so ------------------------------------------------------------------------ */

static void intervals(void)
{
    static const double expected[] = {0.04,    0.06,     0.09,      0.135, 0.2025,
                                      0.30375, 0.455625, 0.6834375, 1,     1};
    struct wms_polling polling = {0};

    reset();
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == 0);
    CHECK(asked == 1);
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        CHECK(timer.seconds < 0); /* nothing before the answer */
        wms_polling_seen(&polling, true);
        CHECK(asked == i + 1);
        CHECK(fabs(timer.seconds - expected[i]) < 1e-9);
        fire();
        CHECK(asked == i + 2);
    }
    wms_polling_end(&polling);
    CHECK(made == 1 && freed == 1);
    wms_polling_end(&polling);
    CHECK(freed == 1);
}

/* The next observer of a session begins with the first interval. */
static void anew(void)
{
    struct wms_polling polling = {0};

    reset();
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == 0);
    wms_polling_seen(&polling, true);
    fire();
    wms_polling_seen(&polling, true);
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == 0);
    CHECK(asked == 3 && made == 2 && freed == 1);
    wms_polling_seen(&polling, true);
    CHECK(timer.seconds == 0.04);
    wms_polling_end(&polling);
    CHECK(freed == 2);
}

static void gone(void)
{
    struct wms_polling polling = {0};

    reset();
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == 0);
    wms_polling_seen(&polling, true);
    wms_polling_seen(&polling, false); /* without a question: the provider knew it already */
    CHECK(timer.seconds < 0);
    wms_polling_end(&polling);
}

static void nobody(void)
{
    struct wms_polling polling = {0};

    reset();
    wms_polling_seen(&polling, true);
    wms_polling_seen(&polling, false);
    wms_polling_end(&polling);
    CHECK(made == 0 && freed == 0);
}

static void poor(void)
{
    struct wms_polling polling = {0};

    reset();
    has_memory = false;
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == WMS_E_NO_MEMORY);
    CHECK(asked == 0);
    wms_polling_seen(&polling, true);
    wms_polling_end(&polling);
    CHECK(freed == 0);
}

static void ended(void)
{
    struct wms_polling polling = {0};

    reset();
    CHECK(wms_polling_begin(&polling, NULL, ask_and_end, &polling) == 0);
    CHECK(asked == 1 && freed == 1);
    polling = (struct wms_polling){0};
    CHECK(wms_polling_begin(&polling, NULL, ask, &asked) == 0);
    polling.ask = ask_and_end;
    polling.data = &polling;
    wms_polling_seen(&polling, true);
    fire();
    CHECK(asked == 3 && freed == 2);
}

int main(void)
{
    intervals();
    anew();
    gone();
    nobody();
    poor();
    ended();
    return wrong > 0;
}
