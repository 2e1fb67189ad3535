/* wake.c - descriptors of single requests, and the thread that makes them readable.
 *
 * Which of its requests a program polls, nobody tells.  So the waker chooses one, and waits until the engine's loop turns: its
 * program has been woken.  If that does not happen soon, it chooses more, four times as many each time, until all are readable.
 * Those that have answered before are chosen first; so with any number of requests one event costs one step.  On a machine that
 * is busy with something else, the program may have been woken and not have come to run: the system tells, and is asked.
 *
 * The thread waits for the loop's own epoll to become readable, in one of its own and once for each time that control
 * goes back to the program (EPOLLONESHOT).  It knows the waker and the wakeups that are in its list, all of which the lock
 * protects, and calls nothing else of the engine.
 */
#define _GNU_SOURCE /* gettid */
#include "core/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "core/base.h"
#include "core/news.h"

enum {
    FIRST_PATIENCE = 1,  /* milliseconds until more are chosen, when nobody is known to answer */
    KNOWN_PATIENCE = 20, /* the same, when one has answered before: its program is busy */
    LATER_PATIENCE = 2,  /* and for each next choice */
    BUSY_PATIENCE = 100  /* and at most so many more while the program's thread does not wait, but wants to run */
};

struct wms_waker {
    pthread_mutex_t lock; /* for all that follows, and for the wakeups */
    pthread_cond_t turned;
    pthread_t thread;
    struct wms_wakeup *first, *last;
    unsigned long turns; /* of the loop */
    pthread_t program;   /* the thread that control went back to */
    pid_t program_tid;   /* 0: none yet */
    int program_state;   /* its file of proc(5), or -1; opened in that thread, since a fork would copy what ours opens */
    int epoll;           /* on the loop's epoll, and on `stop` */
    int loop;            /* the loop's epoll, which is the engine's */
    int stop;
    bool fired;   /* the loop's epoll was found readable, and is not watched until the next rest */
    bool resting; /* control is with the program */
    bool running; /* the thread is */
    bool quit;
};

/* ---- the list --------------------------------------------------------------------------------------------------- */

static void take(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (!wakeup->listed) {
        return;
    }
    if (wakeup->prev) {
        wakeup->prev->next = wakeup->next;
    } else {
        waker->first = wakeup->next;
    }
    if (wakeup->next) {
        wakeup->next->prev = wakeup->prev;
    } else {
        waker->last = wakeup->prev;
    }
    wakeup->listed = false;
}

static void put_first(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    wakeup->prev = NULL;
    wakeup->next = waker->first;
    *(waker->first ? &waker->first->prev : &waker->last) = wakeup;
    waker->first = wakeup;
    wakeup->listed = true;
}

static void put_last(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    wakeup->prev = waker->last;
    wakeup->next = NULL;
    *(waker->last ? &waker->last->next : &waker->first) = wakeup;
    waker->last = wakeup;
    wakeup->listed = true;
}

static int watch(const struct wms_waker *waker, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(waker->epoll, operation, fd, &event) == 0 ? 0 : wms_system_error(errno);
}

static void watch_loop(struct wms_waker *waker)
{
    waker->fired = false;
    watch(waker, EPOLL_CTL_MOD, waker->loop, EPOLLIN | EPOLLONESHOT);
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

/* Makes `count` more readable; returns whether there was one left. */
static bool choose(struct wms_waker *waker, unsigned long count)
{
    bool chosen = false;

    for (struct wms_wakeup *wakeup = waker->first; wakeup && count > 0; wakeup = wakeup->next) {
        if (!wakeup->chosen) {
            wakeup->chosen = chosen = true;
            wms_news_raise(wakeup->fd);
            count--;
        }
    }
    return chosen;
}

static void wait_for_turn(struct wms_waker *waker, int milliseconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += milliseconds * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&waker->turned, &waker->lock, &until);
}

/* Whether the system calls the program's thread runnable: it runs, or would if others let it. */
static bool is_runnable(int state)
{
    char text[256];
    ssize_t size = state < 0 ? -1 : pread(state, text, sizeof text - 1, 0);

    text[size < 0 ? 0 : size] = '\0';
    const char *name_end = strrchr(text, ')'); /* the name before it may hold anything; the state follows: proc(5) */
    return name_end && name_end[1] == ' ' && name_end[2] == 'R';
}

/* The thread that calls is the one which control goes back to. */
static void note_program(struct wms_waker *waker)
{
    char path[64];

    if (waker->program_state >= 0) {
        close(waker->program_state);
    }
    waker->program = pthread_self();
    waker->program_tid = gettid();
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", (long) waker->program_tid);
    waker->program_state = open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_awaited(const struct wms_waker *waker, unsigned long turns)
{
    return waker->resting && waker->turns == turns && !waker->quit;
}

/* Waits while the program does not: it has been woken, and will turn the loop, or does something else before. */
static void wait_while_busy(struct wms_waker *waker, unsigned long turns)
{
    for (int waited = 0; waited < BUSY_PATIENCE && is_awaited(waker, turns); waited += LATER_PATIENCE) {
        if (!is_runnable(waker->program_state)) {
            return;
        }
        wait_for_turn(waker, LATER_PATIENCE);
    }
}

static bool is_readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};

    return poll(&look, 1, 0) > 0;
}

/* The loop's epoll has become readable, and is not watched any more; the lock is held. */
static void wake(struct wms_waker *waker)
{
    unsigned long turns = waker->turns, count = 1;
    int patience = waker->first && waker->first->answers ? KNOWN_PATIENCE : FIRST_PATIENCE;
    bool due = true;

    waker->fired = true;
    while (is_awaited(waker, turns)) {
        due = is_readable(waker->loop);
        if (!due || !choose(waker, count)) {
            break;
        }
        wait_for_turn(waker, patience);
        wait_while_busy(waker, turns);
        patience = LATER_PATIENCE;
        count *= 4;
    }
    if (!due) { /* the engine was faster than this thread */
        watch_loop(waker);
    }
}

static void *work(void *data)
{
    struct wms_waker *waker = data;
    struct epoll_event event;

    pthread_mutex_lock(&waker->lock);
    waker->running = true;
    pthread_cond_signal(&waker->turned);
    while (!waker->quit) {
        pthread_mutex_unlock(&waker->lock);
        int count = epoll_wait(waker->epoll, &event, 1, -1);
        pthread_mutex_lock(&waker->lock);
        if (count == 1 && event.data.fd == waker->loop) {
            wake(waker);
        }
    }
    pthread_mutex_unlock(&waker->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static int open_descriptors(struct wms_waker *waker, int loop)
{
    waker->loop = loop;
    waker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (waker->epoll < 0) {
        return wms_system_error(errno);
    }
    int error = wms_news_new(&waker->stop);
    error = error ? error : watch(waker, EPOLL_CTL_ADD, waker->stop, EPOLLIN);
    return error ? error : watch(waker, EPOLL_CTL_ADD, loop, EPOLLIN | EPOLLONESHOT);
}

static void close_descriptors(struct wms_waker *waker)
{
    if (waker->epoll >= 0) {
        close(waker->epoll);
    }
    if (waker->stop >= 0) {
        close(waker->stop);
    }
    if (waker->program_state >= 0) {
        close(waker->program_state);
    }
}

static int init_lock(struct wms_waker *waker)
{
    pthread_condattr_t clock;

    if (pthread_condattr_init(&clock)) {
        return WMS_E_NO_MEMORY;
    }
    int failed = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) ? EINVAL : pthread_cond_init(&waker->turned, &clock);
    pthread_condattr_destroy(&clock);
    if (!failed) {
        failed = pthread_mutex_init(&waker->lock, NULL);
        if (failed) {
            pthread_cond_destroy(&waker->turned);
        }
    }
    return failed == 0 ? 0 : wms_system_error(failed);
}

/* Signals are the program's, and none of its handlers may run in a thread of ours. */
static int start_thread(struct wms_waker *waker)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&waker->thread, NULL, work, waker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error) { /* what it does from here on may be interrupted by a fork: it holds no lock of a library then */
        pthread_mutex_lock(&waker->lock);
        while (!waker->running) {
            pthread_cond_wait(&waker->turned, &waker->lock);
        }
        pthread_mutex_unlock(&waker->lock);
    }
    return error == 0 ? 0 : wms_system_error(error);
}

static void destroy_lock(struct wms_waker *waker)
{
    pthread_cond_destroy(&waker->turned);
    pthread_mutex_destroy(&waker->lock);
}

/* From calloc(), as all that a thread of ours uses: the engine's allocator is the program's, for one thread. */
static int waker_new(int loop, struct wms_waker **ret_waker)
{
    struct wms_waker *waker = calloc(1, sizeof *waker);

    if (!waker) {
        return WMS_E_NO_MEMORY;
    }
    waker->epoll = waker->stop = waker->program_state = -1;
    int error = init_lock(waker);
    if (error) {
        free(waker);
        return error;
    }
    error = open_descriptors(waker, loop);
    error = error ? error : start_thread(waker);
    if (error) {
        close_descriptors(waker);
        destroy_lock(waker);
        free(waker);
        return error;
    }
    *ret_waker = waker;
    return 0;
}

struct wms_waker *wms_waker_free(struct wms_waker *waker, bool forked)
{
    if (!waker) {
        return NULL;
    }
    if (!forked) {
        pthread_mutex_lock(&waker->lock);
        waker->quit = true;
        wms_news_raise(waker->stop);
        pthread_cond_signal(&waker->turned);
        pthread_mutex_unlock(&waker->lock);
        pthread_join(waker->thread, NULL);
        destroy_lock(waker);
    }
    close_descriptors(waker);
    free(waker);
    return NULL;
}

/* ---- wakeups ---------------------------------------------------------------------------------------------------- */

void wms_wakeup_init(struct wms_wakeup *wakeup)
{
    *wakeup = (struct wms_wakeup){.fd = -1};
}

int wms_wakeup_open(struct wms_waker **waker, int loop, struct wms_wakeup *wakeup)
{
    int error = *waker ? 0 : waker_new(loop, waker);

    error = error ? error : wms_news_new(&wakeup->fd);
    if (error) {
        return error;
    }
    pthread_mutex_lock(&(*waker)->lock);
    put_last(*waker, wakeup);
    pthread_mutex_unlock(&(*waker)->lock);
    return 0;
}

void wms_wakeup_raise(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (wakeup->fd < 0) {
        return;
    }
    pthread_mutex_lock(&waker->lock);
    wakeup->news = true;
    wms_news_raise(wakeup->fd);
    pthread_mutex_unlock(&waker->lock);
}

void wms_wakeup_stepped(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (wakeup->fd < 0) {
        return;
    }
    pthread_mutex_lock(&waker->lock);
    if (wakeup->news || wakeup->chosen) {
        wms_news_take(wakeup->fd);
    }
    if (wakeup->chosen && wakeup->listed) {
        wakeup->answers = true;
        take(waker, wakeup);
        put_first(waker, wakeup);
    }
    wakeup->news = wakeup->chosen = false;
    pthread_mutex_unlock(&waker->lock);
}

void wms_wakeup_retire(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (wakeup->fd >= 0) {
        pthread_mutex_lock(&waker->lock);
        take(waker, wakeup);
        pthread_mutex_unlock(&waker->lock);
    }
}

void wms_wakeup_close(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (wakeup->fd < 0) {
        return;
    }
    wms_wakeup_retire(waker, wakeup);
    close(wakeup->fd);
    wakeup->fd = -1;
}

void wms_wakeup_forked(struct wms_wakeup *wakeup)
{
    if (wakeup->fd >= 0) {
        close(wakeup->fd);
    }
    wms_wakeup_init(wakeup);
}

/* ---- the engine's side ------------------------------------------------------------------------------------------ */

void wms_waker_turn(struct wms_waker *waker)
{
    if (!waker) {
        return;
    }
    pthread_mutex_lock(&waker->lock);
    waker->turns++;
    waker->resting = false;
    pthread_cond_signal(&waker->turned);
    pthread_mutex_unlock(&waker->lock);
}

void wms_waker_rest(struct wms_waker *waker)
{
    if (!waker) {
        return;
    }
    pthread_mutex_lock(&waker->lock);
    waker->resting = true;
    if (!waker->program_tid || !pthread_equal(waker->program, pthread_self())) {
        note_program(waker);
    }
    if (waker->fired) {
        watch_loop(waker);
    }
    pthread_mutex_unlock(&waker->lock);
}
