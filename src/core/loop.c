/* loop.c - libuv, and nothing else in the tree knows it.
 *
 * A program's own loop cannot simply poll libuv's descriptor: it stays silent for overdue timers and for watches that were
 * started since libuv's last poll.  So for such programs the loop watches an alarm (a timerfd) as well, which is set to
 * libuv's next timer whenever control goes back to the program, and libuv gets another turn first if there are such watches.
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
    UV_DESCRIPTORS = 6, /* that libuv takes for a loop, the first time */
    SPARE_MAX = 8
};

#define NEVER UINT64_MAX

struct wms_loop {
    wms_engine *engine;
    uv_loop_t uv;
    uv_timer_t limit; /* of wms_loop_wait() */
    struct wms_timer *spare; /* stopped, for the next who wants one */
    unsigned spare_count;
    struct wms_timer *late, **late_tail; /* deadlines that have come; they fire when the descriptors have had their say */
    struct wms_poll *alarm; /* on a timerfd; NULL: no descriptor was asked for yet */
    uint64_t alarm_due;     /* what it is set to, in milliseconds of libuv's clock; NEVER: it is not set */
    bool changed;           /* a timer or watch since libuv's last poll */
};

static int poll_own(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data,
                    struct wms_poll **ret_poll);

struct wms_timer {
    uv_timer_t uv;
    struct wms_loop *loop;
    struct wms_timer *next;  /* spare, or late */
    struct wms_timer **late; /* what points to it in that list; NULL: it is not late */
    bool deadline;
    void (*fire)(void *data);
    void *data;
};

struct wms_poll {
    uv_poll_t uv;
    struct wms_loop *loop;
    int fd; /* ours: a duplicate */
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
    return seconds < 1e12 ? (uint64_t) ceil(seconds * 1000) : UINT64_C(1000000000000000); /* also for what is no number */
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

/* The numbers 0 to 2, as far as the program has closed its standard streams. */
struct held {
    int fds[STDERR_FILENO + 1], count;
};

static void release(const struct held *held)
{
    for (int i = 0; i < held->count; i++) {
        close(held->fds[i]);
    }
}

/* Keeps libuv from those numbers: it aborts the process when it closes one of them.  Its first loop aborts it as well when
 * there is no descriptor left, hence `room`: so many others have to be free.  release() ends it.  Errors: INTERNAL, NO_MEMORY. */
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
    loop->late_tail = &loop->late;
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

/* Nobody should have left anything.  But what is left and active would keep wms_loop_free() busy for ever. */
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
    loop->spare_count = SPARE_MAX; /* none is spared any more */
    wms_poll_free(loop->alarm);
    loop->alarm = NULL;
    uv_walk(&loop->uv, free_left, loop);
    uv_close((uv_handle_t *) &loop->limit, NULL);
    while (uv_run(&loop->uv, UV_RUN_NOWAIT)) {
        /* the last handles' close callbacks */
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
    if (!error) { /* a timerfd is one object for both processes: setting it here would set the parent's */
        wms_poll_free(loop->alarm);
        loop->alarm = NULL;
        loop->alarm_due = NEVER;
    }
    return error;
}

/* Of timers: a round that begins with one that is due would wait afterwards (before libuv 1.45), although there is something
 * to do now. */
static void end_round(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void take_from_late(struct wms_timer *timer)
{
    if (timer->late) {
        *timer->late = timer->next;
        if (timer->next) {
            timer->next->late = timer->late;
        } else {
            timer->loop->late_tail = timer->late;
        }
        timer->late = NULL;
    }
}

/* libuv lets timers fire before it looks at the descriptors.  But the program may have been away for long: then an answer has
 * come in time, and lies there unread when its deadline is over. */
static void run(struct wms_loop *loop, uv_run_mode mode)
{
    loop->changed = false;
    uv_run(&loop->uv, mode);
    while (loop->late) {
        struct wms_timer *timer = loop->late;
        take_from_late(timer);
        timer->fire(timer->data);
    }
}

int wms_loop_wait(struct wms_loop *loop, double seconds)
{
    if (seconds == 0) {
        run(loop, UV_RUN_NOWAIT);
        return 0;
    }
    if (seconds < 0) {
        if (!uv_loop_alive(&loop->uv)) {
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
    return uv_loop_alive(&loop->uv) && uv_backend_timeout(&loop->uv) == 0;
}

void wms_loop_turn(struct wms_loop *loop)
{
    run(loop, UV_RUN_NOWAIT);
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

/* By the clock, not by what is left of the time: libuv's own is that of its last event or timer, perhaps long ago. */
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
    loop->alarm_due = timerfd_settime(loop->alarm->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0 ? due : NEVER;
}

static void alarm_fired(void *data, int events)
{
    struct wms_loop *loop = data;

    (void) events;
    wms_news_take(loop->alarm->fd); /* read as an eventfd is */
    loop->alarm_due = NEVER;
}

static uint64_t next_due(const struct wms_loop *loop)
{
    int wait = uv_loop_alive(&loop->uv) ? uv_backend_timeout(&loop->uv) : -1;

    return wait < 0 ? NEVER : uv_now(&loop->uv) + (uint64_t) wait;
}

bool wms_loop_is_restless(struct wms_loop *loop)
{
    return loop->alarm && (loop->changed || next_due(loop) <= uv_now(&loop->uv));
}

void wms_loop_rest(struct wms_loop *loop)
{
    if (loop->alarm) {
        set_alarm(loop, loop->changed ? uv_now(&loop->uv) : next_due(loop));
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
        uv_unref((uv_handle_t *) &poll->uv); /* alone it is nothing to wait for */
        loop->alarm = poll;
    }
    *ret_fd = uv_backend_fd(&loop->uv);
    return 0;
}

/* ---- timers ----------------------------------------------------------------------------------------------------- */

struct wms_timer *wms_timer_new(struct wms_loop *loop, void (*fire)(void *data), void *data)
{
    struct wms_timer *timer = loop->spare;

    if (timer) {
        loop->spare = timer->next;
        loop->spare_count--;
    } else {
        timer = wms_zalloc(loop->engine, sizeof *timer);
        if (!timer) {
            return NULL;
        }
        timer->loop = loop;
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
        timer->next = NULL;
        timer->late = loop->late_tail;
        *loop->late_tail = timer;
        loop->late_tail = &timer->next;
    } else {
        timer->fire(timer->data);
    }
}

void wms_timer_set(struct wms_timer *timer, double seconds)
{
    take_from_late(timer);
    if (seconds < 0) {
        uv_timer_stop(&timer->uv);
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

/* A command needs a timer for its deadline, and libuv a round of the loop to close one: so some are kept. */
void wms_timer_free(struct wms_timer *timer)
{
    if (!timer) {
        return;
    }
    struct wms_loop *loop = timer->loop;
    take_from_late(timer);
    if (loop->spare_count < SPARE_MAX) {
        uv_timer_stop(&timer->uv);
        timer->next = loop->spare;
        loop->spare = timer;
        loop->spare_count++;
    } else {
        loop->changed = true;
        uv_close((uv_handle_t *) &timer->uv, timer_closed);
    }
}

/* ---- watched descriptors ---------------------------------------------------------------------------------------- */

/* Takes the descriptor over, also when it fails. */
static int poll_own(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data, struct wms_poll **ret_poll)
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

int wms_poll_new(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data, struct wms_poll **ret_poll)
{
    /* A library may close its descriptor, and the system give the number to another, before libuv hears of it: libuv
     * answers EEXIST then. */
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return own < 0 ? WMS_E_INTERNAL : poll_own(loop, own, ready, data, ret_poll);
}

static void poll_ready(uv_poll_t *uv, int status, int events)
{
    struct wms_poll *poll = (struct wms_poll *) uv;
    int seen = 0;

    /* An error of the descriptor is the library's to find out, by reading. */
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT))) {
        seen |= WMS_READABLE;
    }
    if (status >= 0 && (events & UV_WRITABLE)) {
        seen |= WMS_WRITABLE;
    }
    if (status < 0) {
        poll->events = 0; /* libuv has stopped it */
    }
    poll->ready(poll->data, seen);
}

int wms_poll_set(struct wms_poll *poll, int events)
{
    int wanted = ((events & WMS_READABLE) ? UV_READABLE : 0) | ((events & WMS_WRITABLE) ? UV_WRITABLE : 0);

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
        close(poll->fd); /* at once: in a forked child, the loop may never turn again */
    }
}

/* ---- the engine's ------------------------------------------------------------------------------------------------ */

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
