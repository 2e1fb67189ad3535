/* SPDX-License-Identifier: MIT */
/* wake.c - descriptors of single requests, and the thread that makes them readable.
 *
 * The engine is not told which of its requests' descriptors a program polls.  So when the loop has
 * an event, the waker makes one descriptor readable ("chooses" it) and waits until the loop turns,
 * which shows that the program polls that one.  If the loop does not turn soon, the waker chooses
 * more, four times as many each time, until all are readable.  Descriptors that woke the program
 * before are chosen first; so one event costs one step, however many requests there are.  On a busy
 * machine the program may have been woken and not run yet: before it chooses more, the waker asks
 * the system whether the program's thread is runnable.
 *
 * The thread waits for the loop's epoll descriptor with an epoll of its own, once for each time
 * that control goes back to the program (EPOLLONESHOT).  It may use the waker and the wakeups in
 * its list, under the lock, and nothing else of the engine.
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
    /* Milliseconds: */
    FIRST_PATIENCE = 1,  /* after the first choice, when no descriptor has ever woken the program */
    KNOWN_PATIENCE = 20, /* the same when the first one has: the program is probably busy */
    LATER_PATIENCE = 2,  /* after each further choice */
    BUSY_PATIENCE = 100  /* at most, added to each while the program's thread is runnable */
};

struct wms_waker {
    pthread_mutex_t lock;  /* protects everything below, and the wakeups in the list */
    pthread_cond_t turned; /* `turns`, `quit` or `running` has changed */
    pthread_t thread;
    struct node list;    /* of wakeups that may be chosen; those that have answered come first */
    unsigned long turns; /* how often the loop has turned */
    pthread_t program;   /* the thread that control went back to */
    pid_t program_tid;   /* 0: none yet */
    int program_state;   /* its stat file, see proc(5), or -1.  Only that thread may open it: if the
                          * waker's did, a fork at that moment would leave the child a descriptor
                          * that it does not know of */
    int epoll;           /* watches `loop` and `stop` */
    int loop;            /* the loop's epoll; the engine owns it */
    int stop;            /* eventfd: raised when the thread has to look at `quit` */
    bool fired;          /* `loop` was readable, and is not watched until wms_waker_rest() */
    bool resting;        /* control is with the program */
    bool running;        /* the thread has begun */
    bool quit;           /* the thread has to end */
};

static int watch(const struct wms_waker *waker, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(waker->epoll, operation, fd, &event) == 0 ? 0 : wms_system_error(errno);
}

/* Watches the loop for one event more. */
static void watch_loop(struct wms_waker *waker)
{
    waker->fired = false;
    watch(waker, EPOLL_CTL_MOD, waker->loop, EPOLLIN | EPOLLONESHOT);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Makes `count` more descriptors readable.  False: all were already.  The lock is held. */
static bool choose(struct wms_waker *waker, unsigned long count)
{
    bool chosen = false;

    const struct node *list = &waker->list;
    for (struct node *node = list->next; node != list && count > 0; node = node->next) {
        struct wms_wakeup *wakeup = NODE_OWNER(node, struct wms_wakeup, node);
        if (!wakeup->chosen) {
            wakeup->chosen = chosen = true;
            wms_news_raise(wakeup->fd);
            count--;
        }
    }
    return chosen;
}

/* Gives the lock up for so long, or until the loop turns. */
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

/* Whether the program's thread runs, or waits for nothing but a processor.  `state`: its stat file,
 * or -1. */
static bool is_runnable(int state)
{
    char text[256];
    ssize_t size = state < 0 ? -1 : pread(state, text, sizeof text - 1, 0);

    text[size < 0 ? 0 : size] = '\0';
    /* From the end: the name of the thread, before it, may contain any character. */
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && name_end[2] == 'R';
}

/* Remembers the calling thread as the one that control goes back to. */
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

/* The loop has not turned since `turns`, and the program could still make it turn. */
static bool is_awaited(const struct wms_waker *waker, unsigned long turns)
{
    return waker->resting && waker->turns == turns && !waker->quit;
}

/* Waits as long as the program's thread is runnable: it has been woken and has not come to turn the
 * loop yet, or is busy with something else first.  At most BUSY_PATIENCE. */
static void wait_while_busy(struct wms_waker *waker, unsigned long turns)
{
    for (int waited = 0; waited < BUSY_PATIENCE && is_awaited(waker, turns);
         waited += LATER_PATIENCE) {
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

/* The loop's epoll has become readable, and is not watched any more: wakes the program.  The lock
 * is held. */
static void wake(struct wms_waker *waker)
{
    unsigned long turns = waker->turns, count = 1;
    const struct wms_wakeup *first = NODE_FIRST(&waker->list, struct wms_wakeup, node);
    int patience = first && first->answers ? KNOWN_PATIENCE : FIRST_PATIENCE;
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
    if (!due) { /* the engine's thread has dealt with the event meanwhile: watch for the next one */
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

/* ---- life ------------------------------------------------------------------------------------ */

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
    int failed = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC)
                     ? EINVAL
                     : pthread_cond_init(&waker->turned, &clock);
    pthread_condattr_destroy(&clock);
    if (!failed) {
        failed = pthread_mutex_init(&waker->lock, NULL);
        if (failed) {
            pthread_cond_destroy(&waker->turned);
        }
    }
    return failed == 0 ? 0 : wms_system_error(failed);
}

/* The thread starts with all signals blocked: the program's handlers must not run in a thread of
 * this library.  Returns when it has begun. */
static int start_thread(struct wms_waker *waker)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&waker->thread, NULL, work, waker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error) { /* a thread that starts may hold locks of libc: the program must not fork then */
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

/* From calloc(): the engine's allocator is the program's, and must not be used for what another
 * thread uses. */
static int waker_new(int loop, struct wms_waker **ret_waker)
{
    struct wms_waker *waker = calloc(1, sizeof *waker);

    if (!waker) {
        return WMS_E_NO_MEMORY;
    }
    waker->epoll = waker->stop = waker->program_state = -1;
    node_init(&waker->list);
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

/* ---- wakeups --------------------------------------------------------------------------------- */

void wms_wakeup_init(struct wms_wakeup *wakeup)
{
    *wakeup = (struct wms_wakeup){.fd = -1};
    node_init(&wakeup->node);
}

int wms_wakeup_open(struct wms_waker **waker, int loop, struct wms_wakeup *wakeup)
{
    int error = *waker ? 0 : waker_new(loop, waker);

    error = error ? error : wms_news_new(&wakeup->fd);
    if (error) {
        return error;
    }
    pthread_mutex_lock(&(*waker)->lock);
    node_append(&(*waker)->list, &wakeup->node);
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
    if (wakeup->chosen && !node_alone(&wakeup->node)) {
        wakeup->answers = true;
        node_remove(&wakeup->node);
        node_prepend(&waker->list, &wakeup->node);
    }
    wakeup->news = wakeup->chosen = false;
    pthread_mutex_unlock(&waker->lock);
}

void wms_wakeup_retire(struct wms_waker *waker, struct wms_wakeup *wakeup)
{
    if (wakeup->fd >= 0) {
        pthread_mutex_lock(&waker->lock);
        node_remove(&wakeup->node);
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

/* ---- the engine's side ----------------------------------------------------------------------- */

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
