/* SPDX-License-Identifier: MIT */
/* blocking.c - calls that block, perhaps for ever, on threads of their own.
 *
 * A call that a provider starts waits in blocking->line, which only the engine's thread uses.  The
 * engine's thread hands it over to the crew (the threads and their queues) when fewer than
 * CALLS_MAX calls run and a thread has been claimed for it: so a call whose begin() was called is
 * always run, and a call that is not handed over is never run.  The engine's loop takes finished
 * calls back.  A call that is to block for long (wms_work_start_apart()) waits in blocking->apart
 * instead, only until the engine settles, and is not counted.  libuv's thread pool cannot be used:
 * while one of its threads hangs, the loop cannot be closed, and exit() does not return.
 *
 * A thread that hangs may outlive the engine and the Lua state.  So the crew and the blocks come
 * from calloc() and not from the engine's allocator, the crew has a reference count, and a thread
 * uses nothing but the crew and its block.
 *
 * Who may change what: a thread changes `inside` of a block, which the engine's thread reads in a
 * forked child only, where there are no threads.  `queued` of a block that is HANDED belongs to the
 * crew, under its lock.  Everything else of a block belongs to the engine's thread as long as there
 * is an engine.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/news.h"
#include "core/parts.h"

enum {
    CALLS_MAX = 8,
    IDLE_SECONDS = 3 /* so long a thread waits for a call, then it ends */
};

enum stage {
    FRESH,  /* not started */
    LINED,  /* started: in blocking->line, or blocking->apart */
    HANDED, /* to the crew, and not taken back yet */
    OVER    /* no thread has it, or will: all that may come is work_free() */
};

struct wms_block {
    const struct wms_work *work;
    wms_engine *engine;
    struct node node;   /* of blocking->blocks */
    struct node queued; /* of blocking->line, blocking->apart, crew->calls or crew->results; valid
                           in one of them */
    enum stage stage;
    bool apart;     /* wms_work_start_apart() has started it */
    bool abandoned; /* the provider has called work_free(): done() must not be called */
    bool inside;    /* a thread is in its run() */
    max_align_t shared[];
};

struct wms_crew {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t more;  /* signalled when there is a call more, or the engine is gone */
    size_t refs;          /* one for the engine, and one for each thread */
    size_t idle;          /* threads that have no call and are not claimed for one */
    struct node calls;    /* blocks whose run() is to be called */
    struct node results;  /* blocks whose run() has returned */
    int news;             /* eventfd: raised when there are results; -1: not opened */
    bool gone;            /* the engine is gone: nobody takes results */
};

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Of `line`, `apart`, `calls` or `results`; NULL: it is empty. */
static struct wms_block *take_first(struct node *queue)
{
    return node_alone(queue) ? NULL : NODE_OWNER(node_take(queue), struct wms_block, queued);
}

static struct wms_block *block_of(void *shared)
{
    void *block = (char *) shared - offsetof(struct wms_block, shared);

    return block;
}

/* In a forked child: a thread of the parent was in run() when the process forked, so that what the
 * provider keeps in the block may be half changed and must not be used. */
static bool is_torn(const struct wms_block *block)
{
    return block->inside;
}

/* Frees a block that is in no list.  Called by threads, too, once the engine is gone. */
static void discard(struct wms_block *block)
{
    if (block->work->dispose && !is_torn(block)) {
        block->work->dispose(block->shared);
    }
    free(block);
}

/* The same for a block that is in the engine's list and that no thread has.  Its `queued` may only
 * be used while it is LINED: in a forked child it may still point to what the crew had. */
static void drop(struct wms_block *block)
{
    if (block->stage == LINED) {
        node_remove(&block->queued);
    }
    node_remove(&block->node);
    discard(block);
}

/* ---- the threads ----------------------------------------------------------------------------- */

static struct wms_crew *crew_new(void)
{
    struct wms_crew *crew = calloc(1, sizeof *crew);
    pthread_condattr_t clock;

    if (!crew) {
        return NULL;
    }
    crew->refs = 1;
    crew->news = -1;
    node_init(&crew->calls);
    node_init(&crew->results);
    if (pthread_condattr_init(&clock)) {
        free(crew);
        return NULL;
    }
    bool failed = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) ||
                  pthread_cond_init(&crew->more, &clock);
    pthread_condattr_destroy(&clock);
    if (failed) {
        free(crew);
        return NULL;
    }
    if (pthread_mutex_init(&crew->lock, NULL)) {
        pthread_cond_destroy(&crew->more);
        free(crew);
        return NULL;
    }
    return crew;
}

/* The lock is held: gives a reference back and unlocks; the last one frees the crew. */
static void leave(struct wms_crew *crew)
{
    bool last = --crew->refs == 0;

    pthread_mutex_unlock(&crew->lock);
    if (last) {
        pthread_cond_destroy(&crew->more);
        pthread_mutex_destroy(&crew->lock);
        free(crew);
    }
}

/* Waits for the thread's next call; NULL: the thread has to end.  The lock is held.  A thread may
 * only end for want of work while `idle` counts at least one: otherwise all threads that wait are
 * claimed, and a call for each of them is about to come. */
static struct wms_block *next_call(struct wms_crew *crew)
{
    while (node_alone(&crew->calls) && !crew->gone) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_SECONDS;
        int error = pthread_cond_timedwait(&crew->more, &crew->lock, &until);
        if (error == ETIMEDOUT && node_alone(&crew->calls) && crew->idle > 0) {
            crew->idle--;
            return NULL;
        }
    }
    return take_first(&crew->calls);
}

/* After run(), with the lock held.  Without an engine the thread frees the block itself: dispose()
 * is the provider's code, and must not run under the lock. */
static void give_back(struct wms_crew *crew, struct wms_block *block)
{
    if (crew->gone) {
        pthread_mutex_unlock(&crew->lock);
        discard(block);
        pthread_mutex_lock(&crew->lock);
        return;
    }
    if (node_alone(&crew->results)) {
        wms_news_raise(crew->news);
    }
    node_append(&crew->results, &block->queued);
}

/* A thread: owns one reference on the crew. */
static void *work(void *data)
{
    struct wms_crew *crew = data;
    struct wms_block *block;

    pthread_mutex_lock(&crew->lock);
    while ((block = next_call(crew))) {
        block->inside = true;
        pthread_mutex_unlock(&crew->lock);
        block->work->run(block->shared);
        pthread_mutex_lock(&crew->lock);
        block->inside = false;
        crew->idle++;
        give_back(crew, block);
    }
    leave(crew);
    return NULL;
}

/* The thread starts with all signals blocked: the program's handlers must not run in a thread of
 * this library. */
static int start_thread(struct wms_crew *crew)
{
    pthread_attr_t detached;
    pthread_t thread;
    sigset_t all, before;
    int error = pthread_attr_init(&detached);

    if (!error) {
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        error = pthread_create(&thread, &detached, work, crew);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&detached);
    }
    return error == 0 ? 0 : error == ENOMEM ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

/* Reserves a thread for the call that is handed over next: one that is idle, or a new one.  Errors:
 * NO_MEMORY, INTERNAL (the system has no thread left). */
static int claim_thread(struct wms_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    bool idle = crew->idle > 0;
    if (idle) {
        crew->idle--;
    } else {
        crew->refs++; /* for the new thread */
    }
    pthread_mutex_unlock(&crew->lock);
    int error = idle ? 0 : start_thread(crew);
    if (error) {
        pthread_mutex_lock(&crew->lock);
        crew->refs--;
        pthread_mutex_unlock(&crew->lock);
    }
    return error;
}

/* ---- the engine's side ----------------------------------------------------------------------- */

static struct wms_block *take_result(struct wms_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    struct wms_block *block = take_first(&crew->results);
    pthread_mutex_unlock(&crew->lock);
    return block;
}

/* How many calls run, of those that the block belongs to. */
static size_t *running_with(struct wms_blocking *blocking, const struct wms_block *block)
{
    return block->apart ? &blocking->running_apart : &blocking->running;
}

/* There are results: called by the engine's loop. */
static void returned(void *data, int events)
{
    wms_engine *engine = data;
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_block *block;

    (void) events;
    wms_news_take(blocking->crew->news);
    while ((block = take_result(blocking->crew))) {
        --*running_with(blocking, block);
        block->stage = OVER;
        if (block->abandoned) {
            drop(block);
        } else {
            block->work->done(block->shared, 0);
        }
    }
    blocking->due = true;
}

/* Makes the crew if there is none.  The engine owns one reference on it.  Errors: NO_MEMORY. */
static int need_crew(struct wms_blocking *blocking)
{
    if (!blocking->crew) {
        blocking->crew = crew_new();
    }
    return blocking->crew ? 0 : WMS_E_NO_MEMORY;
}

/* Makes what the engine needs to learn of results: crew, eventfd, and the loop's watch on it, which
 * it switches on.  Errors: NO_MEMORY, INTERNAL (no descriptor left). */
static int need_watch(wms_engine *engine)
{
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_loop *loop = wms_engine_loop(engine);
    int error = loop ? need_crew(blocking) : engine->loop_error;

    if (!error && blocking->crew->news < 0) {
        error = wms_news_new(&blocking->crew->news);
    }
    if (!error && !blocking->poll) {
        error = wms_poll_new(loop, blocking->crew->news, returned, engine, &blocking->poll);
    }
    return error ? error : wms_poll_set(blocking->poll, WMS_READABLE);
}

static int claim(wms_engine *engine)
{
    int error = need_watch(engine);

    return error ? error : claim_thread(engine->blocking.crew);
}

/* Hands a block that has left the line over to the thread that claim() reserved. */
static void hand_over(struct wms_blocking *blocking, struct wms_block *block)
{
    struct wms_crew *crew = blocking->crew;

    block->stage = HANDED;
    ++*running_with(blocking, block);
    if (!block->abandoned && block->work->begin) {
        block->work->begin(block->shared);
    }
    pthread_mutex_lock(&crew->lock);
    node_append(&crew->calls, &block->queued);
    pthread_cond_signal(&crew->more);
    pthread_mutex_unlock(&crew->lock);
}

/* No thread can be had, and none is running that could become free: the first in line that is not
 * abandoned gets `code`. False: there is none.  Abandoned ones stay in line: they have to be run
 * (work->always). */
static bool refuse_first(struct wms_blocking *blocking, int code)
{
    for (struct node *node = blocking->line.next; node != &blocking->line; node = node->next) {
        struct wms_block *block = NODE_OWNER(node, struct wms_block, queued);
        if (!block->abandoned) {
            node_remove(node);
            block->stage = OVER;
            block->work->done(block->shared, code); /* may free the block */
            return true;
        }
    }
    return false;
}

/* Calls that need not wait for their turn. */
static void begin_apart(wms_engine *engine)
{
    struct wms_block *block;

    while ((block = take_first(&engine->blocking.apart))) {
        int error = claim(engine);
        if (error) {
            block->stage = OVER;
            block->work->done(block->shared, error); /* may free the block */
        } else {
            hand_over(&engine->blocking, block);
        }
    }
}

void wms_blocking_tend(wms_engine *engine)
{
    struct wms_blocking *blocking = &engine->blocking;

    blocking->due = false;
    begin_apart(engine);
    while (!node_alone(&blocking->line) && blocking->running < CALLS_MAX) {
        int error = claim(engine);
        if (!error) {
            hand_over(blocking, take_first(&blocking->line));
        } else if (blocking->running > 0 || !refuse_first(blocking, error)) {
            break;
        }
    }
    if (blocking->running == 0 && blocking->running_apart == 0 && blocking->poll) {
        wms_poll_set(blocking->poll, 0);
    }
}

/* ---- the services ---------------------------------------------------------------------------- */

void *wms_work_new(wms_engine *engine, const struct wms_work *work)
{
    struct wms_block *block =
        work->size < PTRDIFF_MAX - sizeof *block ? calloc(1, sizeof *block + work->size) : NULL;

    if (!block) {
        return NULL;
    }
    block->work = work;
    block->engine = engine;
    node_prepend(&engine->blocking.blocks, &block->node);
    return block->shared;
}

static void line_up(struct wms_block *block, struct node *queue)
{
    if (block->stage == FRESH) {
        block->stage = LINED;
        node_append(queue, &block->queued);
        block->engine->blocking.due = true;
    }
}

void wms_work_start(void *shared)
{
    struct wms_block *block = block_of(shared);

    line_up(block, &block->engine->blocking.line);
}

void wms_work_start_apart(void *shared)
{
    struct wms_block *block = block_of(shared);

    block->apart = block->apart || block->stage == FRESH;
    line_up(block, &block->engine->blocking.apart);
}

/* Has to be run even when nobody waits for it any more. */
static bool is_always(const struct wms_block *block)
{
    return block->work->always && !block->apart;
}

void wms_work_free(void *shared)
{
    struct wms_block *block = shared ? block_of(shared) : NULL;

    if (!block) {
        return;
    }
    if (block->stage == HANDED || (block->stage == LINED && is_always(block))) {
        block->abandoned = true;
    } else {
        drop(block);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

void wms_blocking_after_fork(wms_engine *engine)
{
    struct wms_blocking *blocking = &engine->blocking;

    node_init(&blocking->line); /* what stood in them is the parent's to run */
    node_init(&blocking->apart);
    blocking->running = blocking->running_apart = 0;
    blocking->due = false;
    for (struct node *node = blocking->blocks.next, *next; node != &blocking->blocks; node = next) {
        struct wms_block *block = NODE_OWNER(node, struct wms_block, node);
        next = node->next;
        if (block->stage != FRESH) {
            block->stage = OVER;
        }
        if (block->abandoned) {
            drop(block);
        }
    }
    wms_poll_free(blocking->poll);
    blocking->poll = NULL;
    if (blocking->crew && blocking->crew->news >= 0) {
        close(blocking->crew->news);
    }
    /* Freed without destroying lock and condition, and without looking at its queues: a thread of
     * the parent may have held the lock when the process forked. */
    free(blocking->crew);
    blocking->crew = NULL;
}

/* The engine goes, but this block has to be run (work->always): a new or idle thread gets it, else
 * one that is still at work, when that returns.  Without any thread it is freed unrun. */
static void give_away(struct wms_blocking *blocking, struct wms_block *block)
{
    bool has_thread = blocking->running > 0;

    if (need_crew(blocking) == 0 && blocking->running < CALLS_MAX &&
        claim_thread(blocking->crew) == 0) {
        has_thread = true;
    }
    block->abandoned = true;
    if (has_thread) {
        hand_over(blocking, block);
    } else {
        block->stage = OVER;
        drop(block);
    }
}

/* The engine gives its reference on the crew back.  Idle threads end now, those that hang whenever
 * their call returns; the last one frees the crew.  Results that were not taken are freed here:
 * once `gone` is set, no thread adds any. */
static void retire(struct wms_crew *crew)
{
    struct wms_block *block;

    pthread_mutex_lock(&crew->lock);
    crew->gone = true;
    if (crew->news >= 0) {
        close(crew->news);
        crew->news = -1;
    }
    pthread_cond_broadcast(&crew->more);
    pthread_mutex_unlock(&crew->lock);
    while ((block = take_result(crew))) {
        discard(block);
    }
    pthread_mutex_lock(&crew->lock);
    leave(crew);
}

void wms_blocking_close(wms_engine *engine, bool forked)
{
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_block *block;

    for (struct node *node = blocking->blocks.next, *next; node != &blocking->blocks; node = next) {
        next = node->next;
        block = NODE_OWNER(node, struct wms_block, node);
        bool stays =
            block->stage == HANDED || (block->stage == LINED && is_always(block) && !forked);
        if (!stays) {
            drop(block);
        }
    }
    while ((block = take_first(&blocking->line))) {
        give_away(blocking, block);
    }
    wms_poll_free(blocking->poll);
    blocking->poll = NULL;
    if (blocking->crew) {
        retire(blocking->crew);
        blocking->crew = NULL;
    }
}
