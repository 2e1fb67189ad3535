/* SPDX-License-Identifier: MIT */
/* loop.c - the event loop, on libuv; no other file may use libuv.
 *
 * A program that polls libuv's descriptor in a loop of its own would miss two things: libuv's
 * timers do not make the descriptor readable, nor do events of watches that were started since
 * libuv last polled, because libuv registers those with the system only then.  So once the
 * descriptor was asked for, the loop also watches a timerfd, the alarm, which is set to libuv's
 * next timer whenever control goes back to the program; and before that, libuv gets another turn if
 * a watch was started (wms_loop_is_restless()).
 */
#include "core/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "core/news.h"
#include "core/state.h"

enum {
    UV_DESCRIPTORS = 6, /* that libuv opens when it makes the first loop of a process */
    SPARE_MAX = 8       /* timers that are kept for later use */
};

#define NEVER UINT64_MAX

struct wms_loop {
    wms_engine *engine;
    uv_loop_t uv;
    uv_timer_t limit;  /* ends wms_loop_wait() */
    struct node spare; /* stopped timers for later use, the last that was freed first */
    unsigned spare_count;
    struct node soon;       /* timers that are set to 0 */
    struct node late;       /* deadlines that are over: they fire after descriptors were read */
    struct wms_poll *alarm; /* on a timerfd; NULL: no descriptor was asked for yet */
    uint64_t
        alarm_due; /* what it is set to, in milliseconds of libuv's clock; NEVER: it is not set */
    bool changed;  /* a timer or a watch was set or freed since libuv last polled */
};

static int poll_own(struct wms_loop *loop, int fd, void (*ready)(void *data, int events),
                    void *data, struct wms_poll **ret_poll);

struct wms_timer {
    uv_timer_t uv;
    struct wms_loop *loop;
    struct node node; /* of loop->spare, loop->soon, loop->late or a round's own list, or alone */
    bool deadline;    /* see wms_deadline_new() */
    void (*fire)(void *data);
    void *data;
};

struct wms_poll {
    uv_poll_t uv;
    struct wms_loop *loop;
    int fd; /* a duplicate of the one that was given, or the alarm; closed by wms_poll_free() */
    int events;
    void (*ready)(void *data, int events);
    void *data;
};

static int error_from_uv(int error)
{
    return error == UV_ENOMEM ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

static uint64_t milliseconds(double seconds)
{
    /* NaN is not less, either. */
    return seconds < 1e12 ? (uint64_t) ceil(seconds * 1000) : UINT64_C(1000000000000000);
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The descriptors 0 to 2, as far as the program has closed them: opened so that nobody else gets
 * their numbers. */
struct held {
    int fds[STDERR_FILENO + 1], count;
};

/* Closes them again. */
static void release(const struct held *held)
{
    for (int i = 0; i < held->count; i++) {
        close(held->fds[i]);
    }
}

/* Opens those of the descriptors 0 to 2 that are closed, because libuv would abort the process when
 * it closes one with such a number.  Also finds out whether `room` more can be opened: libuv aborts
 * the process if it runs out of descriptors while it makes its first loop.  If it succeeds, the
 * caller has to call release().  Errors: INTERNAL, NO_MEMORY. */
static int hold_low(struct held *held, int room)
{
    int others[UV_DESCRIPTORS], count = 0, error = 0;

    held->count = 0;
    while (!error && count < room) { /* the system gives the lowest first */
        int fd = eventfd(0, EFD_CLOEXEC);
        if (fd < 0) {
            error = wms_system_error(errno);
        } else if (fd <= STDERR_FILENO) {
            held->fds[held->count++] = fd;
        } else {
            others[count++] = fd;
        }
    }
    while (count > 0) {
        close(others[--count]);
    }
    if (error) {
        release(held);
    }
    return error;
}

int wms_loop_new(wms_engine *engine, struct wms_loop **ret_loop)
{
    struct wms_loop *loop = wms_zalloc(engine, sizeof *loop);

    if (!loop) {
        return WMS_E_NO_MEMORY;
    }
    loop->engine = engine;
    loop->alarm_due = NEVER;
    node_init(&loop->spare);
    node_init(&loop->soon);
    node_init(&loop->late);
    struct held held;
    int error = hold_low(&held, UV_DESCRIPTORS);
    if (!error) {
        error = uv_loop_init(&loop->uv);
        error = error ? error_from_uv(error) : 0;
        release(&held);
    }
    if (error) {
        wms_free(engine, loop);
        return error;
    }
    uv_timer_init(&loop->uv, &loop->limit);
    *ret_loop = loop;
    return 0;
}

/* Closes a handle that somebody forgot to free: an active one would keep wms_loop_free() running
 * for ever.  Spare timers end here as well. */
static void free_left(uv_handle_t *uv, void *data)
{
    struct wms_loop *loop = data;

    if (uv_is_closing(uv) || uv == (uv_handle_t *) &loop->limit) {
        return;
    }
    if (uv->type == UV_TIMER) {
        wms_timer_free((struct wms_timer *) uv);
    } else {
        wms_poll_free((struct wms_poll *) uv);
    }
}

struct wms_loop *wms_loop_free(struct wms_loop *loop)
{
    if (!loop) {
        return NULL;
    }
    loop->spare_count = SPARE_MAX; /* from here on wms_timer_free() closes timers */
    wms_poll_free(loop->alarm);
    loop->alarm = NULL;
    uv_walk(&loop->uv, free_left, loop);
    uv_close((uv_handle_t *) &loop->limit, NULL);
    while (uv_run(&loop->uv, UV_RUN_NOWAIT)) {
        /* runs the close callbacks, which free the handles */
    }
    uv_loop_close(&loop->uv);
    wms_free(loop->engine, loop);
    return NULL;
}

int wms_loop_after_fork(struct wms_loop *loop)
{
    struct held held;
    int error = hold_low(&held, 1);
    if (!error) {
        error = uv_loop_fork(&loop->uv);
        error = error ? error_from_uv(error) : 0;
        release(&held);
    }
    if (!error) { /* the timerfd is shared with the parent: to set it here would set the parent's */
        wms_poll_free(loop->alarm);
        loop->alarm = NULL;
        loop->alarm_due = NEVER;
    }
    return error;
}

/* To be called when a timer has fired: makes uv_run() return.  Before libuv 1.45, a round that
 * began with a timer would go on to wait for descriptors, although what the timer has brought about
 * is to be done now. */
static void end_round(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* A timer may free itself and others, and may set itself again: that is for the next round. */
static void fire_all(struct node *list)
{
    while (!node_alone(list)) {
        struct wms_timer *timer = NODE_OWNER(node_take(list), struct wms_timer, node);
        timer->fire(timer->data);
    }
}

/* One round of libuv, then the deadlines that are over.  libuv itself lets timers fire before it
 * reads descriptors; if the program has not let the loop turn for long, a deadline would then fire
 * although the answer has come in time, but has not been read yet. */
static void run_uv(struct wms_loop *loop, uv_run_mode mode)
{
    loop->changed = false;
    if (mode == UV_RUN_NOWAIT && loop->alarm) {
        /* libuv does not even begin a round when it has nothing to wait for */
        uv_ref((uv_handle_t *) &loop->alarm->uv);
    }
    uv_run(&loop->uv, mode);
    if (loop->alarm) {
        uv_unref((uv_handle_t *) &loop->alarm->uv);
    }
    fire_all(&loop->late);
}

/* A whole round: with the timers that were set to 0 before it.  They are not libuv's: before 1.45,
 * one that sets itself to 0 whenever it fires would fire for ever within one round. */
static void run(struct wms_loop *loop, uv_run_mode mode)
{
    struct node due;

    node_init(&due);
    node_move_all(&loop->soon, &due);
    run_uv(loop, node_alone(&due) ? mode : UV_RUN_NOWAIT);
    fire_all(&due);
}

static bool is_alive(const struct wms_loop *loop)
{
    return !node_alone(&loop->soon) || uv_loop_alive(&loop->uv);
}

/* Whether libuv has something to do at once. */
static bool uv_is_due(const struct wms_loop *loop)
{
    return uv_loop_alive(&loop->uv) && uv_backend_timeout(&loop->uv) == 0;
}

int wms_loop_wait(struct wms_loop *loop, double seconds)
{
    if (seconds == 0) {
        run(loop, UV_RUN_NOWAIT);
        return 0;
    }
    if (seconds < 0) {
        if (!is_alive(loop)) {
            return WMS_E_INTERNAL;
        }
        run(loop, UV_RUN_ONCE);
        return 0;
    }
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->limit, end_round, milliseconds(seconds), 0);
    run(loop, UV_RUN_ONCE);
    uv_timer_stop(&loop->limit);
    return 0;
}

bool wms_loop_is_due(struct wms_loop *loop)
{
    uv_update_time(&loop->uv);
    return !node_alone(&loop->soon) || uv_is_due(loop);
}

void wms_loop_turn(struct wms_loop *loop)
{
    run(loop, UV_RUN_NOWAIT);
}

void wms_loop_catch_up(struct wms_loop *loop)
{
    run_uv(loop, UV_RUN_NOWAIT);
}

double wms_loop_now(struct wms_loop *loop)
{
    return (double) uv_now(&loop->uv) / 1000;
}

double wms_loop_clock(struct wms_loop *loop)
{
    uv_update_time(&loop->uv);
    return wms_loop_now(loop);
}

/* `due` is an absolute time: libuv's clock, which is read at each event or timer, may be long
 * behind, so that a remaining time that is counted from it would be too long. */
static void set_alarm(struct wms_loop *loop, uint64_t due)
{
    struct itimerspec when = {{0, 0}, {0, 0}};

    if (loop->alarm_due == due) {
        return;
    }
    if (due != NEVER) {
        when.it_value.tv_sec = (time_t) (due / 1000);
        when.it_value.tv_nsec = (long) (due % 1000) * 1000000 + 1; /* zero would switch it off */
    }
    loop->alarm_due =
        timerfd_settime(loop->alarm->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? due : NEVER;
}

static void alarm_fired(void *data, int events)
{
    struct wms_loop *loop = data;

    (void) events;
    wms_news_take(loop->alarm->fd); /* a timerfd is read as an eventfd is: eight bytes */
    loop->alarm_due = NEVER;
}

/* When the next timer is due, by libuv's clock; NEVER: there is none. */
static uint64_t next_due(const struct wms_loop *loop)
{
    if (!node_alone(&loop->soon)) {
        return uv_now(&loop->uv);
    }
    int wait = uv_loop_alive(&loop->uv) ? uv_backend_timeout(&loop->uv) : -1;

    return wait < 0 ? NEVER : uv_now(&loop->uv) + (uint64_t) wait;
}

bool wms_loop_is_restless(struct wms_loop *loop)
{
    return loop->alarm && (loop->changed || uv_is_due(loop));
}

void wms_loop_rest(struct wms_loop *loop, bool due)
{
    if (loop->alarm) {
        set_alarm(loop, due || loop->changed ? uv_now(&loop->uv) : next_due(loop));
    }
}

int wms_loop_fd(struct wms_loop *loop, int *ret_fd)
{
    if (!loop->alarm) {
        int alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (alarm < 0) {
            return wms_system_error(errno);
        }
        struct wms_poll *poll;
        int error = poll_own(loop, alarm, alarm_fired, loop, &poll);
        if (error) {
            return error;
        }
        error = wms_poll_set(poll, WMS_READABLE);
        if (error) {
            wms_poll_free(poll);
            return error;
        }
        uv_unref((uv_handle_t *) &poll->uv); /* alone it must not keep wms_loop_wait() waiting */
        loop->alarm = poll;
    }
    *ret_fd = uv_backend_fd(&loop->uv);
    return 0;
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct wms_timer *wms_timer_new(struct wms_loop *loop, void (*fire)(void *data), void *data)
{
    struct wms_timer *timer = NODE_FIRST(&loop->spare, struct wms_timer, node);

    if (timer) {
        node_remove(&timer->node);
        loop->spare_count--;
    } else {
        timer = wms_zalloc(loop->engine, sizeof *timer);
        if (!timer) {
            return NULL;
        }
        timer->loop = loop;
        node_init(&timer->node);
        uv_timer_init(&loop->uv, &timer->uv);
    }
    timer->deadline = false;
    timer->fire = fire;
    timer->data = data;
    return timer;
}

struct wms_timer *wms_deadline_new(struct wms_loop *loop, void (*fire)(void *data), void *data)
{
    struct wms_timer *timer = wms_timer_new(loop, fire, data);

    if (timer) {
        timer->deadline = true;
    }
    return timer;
}

static void timer_fired(uv_timer_t *uv)
{
    struct wms_timer *timer = (struct wms_timer *) uv;
    struct wms_loop *loop = timer->loop;

    end_round(uv);
    if (timer->deadline) {
        node_append(&loop->late, &timer->node);
    } else {
        timer->fire(timer->data);
    }
}

void wms_timer_set(struct wms_timer *timer, double seconds)
{
    node_remove(&timer->node); /* from loop->soon or loop->late */
    if (seconds <= 0) {
        uv_timer_stop(&timer->uv);
        if (seconds == 0) {
            node_append(&timer->loop->soon, &timer->node);
        }
        return;
    }
    uv_update_time(&timer->loop->uv);
    uv_timer_start(&timer->uv, timer_fired, milliseconds(seconds), 0);
    timer->loop->changed = true;
}

static void timer_closed(uv_handle_t *uv)
{
    struct wms_timer *timer = (struct wms_timer *) uv;

    wms_free(timer->loop->engine, timer);
}

/* Up to SPARE_MAX timers are kept for later use: each command needs one for its deadline, and libuv
 * frees a timer no sooner than in the next round of the loop. */
void wms_timer_free(struct wms_timer *timer)
{
    if (!timer) {
        return;
    }
    struct wms_loop *loop = timer->loop;
    node_remove(&timer->node); /* from any list; at the loop's end, also from loop->spare */
    if (loop->spare_count < SPARE_MAX) {
        uv_timer_stop(&timer->uv);
        node_prepend(&loop->spare, &timer->node);
        loop->spare_count++;
    } else {
        loop->changed = true;
        uv_close((uv_handle_t *) &timer->uv, timer_closed);
    }
}

/* ---- watched descriptors --------------------------------------------------------------------- */

/* Takes over `fd`, also when it fails: then it is closed. */
static int poll_own(struct wms_loop *loop, int fd, void (*ready)(void *data, int events),
                    void *data, struct wms_poll **ret_poll)
{
    struct wms_poll *poll = wms_zalloc(loop->engine, sizeof *poll);
    int error = poll ? uv_poll_init(&loop->uv, &poll->uv, fd) : UV_ENOMEM;

    if (error) {
        close(fd);
        wms_free(loop->engine, poll);
        return error_from_uv(error);
    }
    poll->loop = loop;
    poll->fd = fd;
    poll->ready = ready;
    poll->data = data;
    *ret_poll = poll;
    return 0;
}

int wms_poll_new(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data,
                 struct wms_poll **ret_poll)
{
    /* A duplicate: a library may close its descriptor before it frees the watch, and if the system
     * then gives the number to another descriptor, libuv refuses to watch that one (EEXIST). */
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return own < 0 ? WMS_E_INTERNAL : poll_own(loop, own, ready, data, ret_poll);
}

static void poll_ready(uv_poll_t *uv, int status, int events)
{
    struct wms_poll *poll = (struct wms_poll *) uv;
    int seen = 0;

    /* An error is reported as readable: the library that owns the descriptor finds it out by
     * reading. */
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) {
        seen |= WMS_READABLE;
    }
    if (status >= 0 && (events & UV_WRITABLE)) {
        seen |= WMS_WRITABLE;
    }
    if (status < 0) {
        poll->events = 0; /* libuv has stopped the watch */
    }
    poll->ready(poll->data, seen);
}

int wms_poll_set(struct wms_poll *poll, int events)
{
    int wanted =
        ((events & WMS_READABLE) ? UV_READABLE : 0) | ((events & WMS_WRITABLE) ? UV_WRITABLE : 0);

    if (events == poll->events) {
        return 0;
    }
    poll->loop->changed = true;
    int error = wanted ? uv_poll_start(&poll->uv, wanted, poll_ready) : uv_poll_stop(&poll->uv);
    if (error) {
        return error_from_uv(error);
    }
    poll->events = events;
    return 0;
}

static void poll_closed(uv_handle_t *uv)
{
    struct wms_poll *poll = (struct wms_poll *) uv;

    wms_free(poll->loop->engine, poll);
}

void wms_poll_free(struct wms_poll *poll)
{
    if (poll) {
        poll->loop->changed = true;
        uv_close((uv_handle_t *) &poll->uv, poll_closed);
        close(poll->fd); /* not in poll_closed(): in a forked child the loop may never turn again */
    }
}

/* ---- the engine's ---------------------------------------------------------------------------- */

struct wms_loop *wms_engine_loop(wms_engine *engine)
{
    if (!engine->loop) {
        engine->loop_error = wms_loop_new(engine, &engine->loop);
    }
    return engine->loop;
}

void wms_engine_refine_error(const wms_engine *engine, int *code, const char **text)
{
    if (*code == WMS_E_NO_MEMORY && engine->loop_error) {
        *code = engine->loop_error;
        *text = NULL;
    }
}

int wms_engine_loop_fd(wms_engine *engine, int *ret_fd)
{
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_loop_fd(loop, ret_fd) : engine->loop_error;
}
