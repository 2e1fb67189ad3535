/* blocking.c - calls that block, perhaps for ever, on threads of their own.
 *
 * Calls stand in line in the engine's thread.  It hands one over to the crew when fewer than CALLS_MAX run and a thread is
 * there for it: so a call that was begun is run for certain, and no other one is.  What threads give back is taken by the
 * engine's loop.  libuv's own threads would not do: while one of them hangs, its loop cannot be closed, and exit()
 * does not return.
 *
 * A thread that hangs may outlive the engine, and Lua.  So the crew and the blocks come from calloc(), the crew is counted,
 * and a thread knows nothing else.  What it changes of a block, `inside`, is looked at in a forked child only, where there
 * are no threads; all else of a block, but for its place in the crew's queues, is the engine's until that is gone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/parts.h"
#include "core/news.h"

enum {
    CALLS_MAX = 8,
    IDLE_SECONDS = 3 /* that a thread waits for work before it ends */
};

enum stage {
    FRESH,
    LINED,  /* in blocking->line */
    HANDED, /* to the crew */
    OVER    /* only work_free() can come */
};

struct wms_block {
    const struct wms_work *work;
    wms_engine *engine;
    struct wms_block *prev, *next;    /* blocking->blocks */
    struct wms_block *ahead, *behind; /* in a queue; it is in one at a time */
    enum stage stage;
    bool abandoned; /* nobody waits for it any more */
    bool inside;    /* a thread is in its run() */
    max_align_t shared[];
};

struct wms_crew {
    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t more;
    size_t refs; /* the engine's, and one for each thread */
    size_t idle; /* threads that wait for a call, and that no call is meant for */
    struct wms_queue calls, results;
    int news;    /* raised when there are results, or -1 */
    bool gone;   /* the engine is */
};

/* ---- queues and blocks ------------------------------------------------------------------------------------------ */

static void append(struct wms_queue *queue, struct wms_block *block)
{
    block->ahead = queue->last;
    block->behind = NULL;
    if (queue->last) {
        queue->last->behind = block;
    } else {
        queue->first = block;
    }
    queue->last = block;
}

static void take(struct wms_queue *queue, struct wms_block *block)
{
    if (block->ahead) {
        block->ahead->behind = block->behind;
    } else {
        queue->first = block->behind;
    }
    if (block->behind) {
        block->behind->ahead = block->ahead;
    } else {
        queue->last = block->ahead;
    }
}

static struct wms_block *take_first(struct wms_queue *queue)
{
    struct wms_block *block = queue->first;

    if (block) {
        queue->first = block->behind;
        if (queue->first) {
            queue->first->ahead = NULL;
        } else {
            queue->last = NULL;
        }
    }
    return block;
}

static struct wms_block *block_of(void *shared)
{
    void *block = (char *) shared - offsetof(struct wms_block, shared);

    return block;
}

/* In a forked child: run() was at work in there when the process forked, and may have left anything half done. */
static bool is_torn(const struct wms_block *block)
{
    return block->inside;
}

static void discard(struct wms_block *block)
{
    if (block->work->dispose && !is_torn(block)) {
        block->work->dispose(block->shared);
    }
    free(block);
}

/* The same for one that is in the engine's list. */
static void drop(struct wms_block *block)
{
    struct wms_blocking *blocking = &block->engine->blocking;

    if (block->stage == LINED) {
        take(&blocking->line, block);
    }
    if (block->prev) {
        block->prev->next = block->next;
    } else {
        blocking->blocks = block->next;
    }
    if (block->next) {
        block->next->prev = block->prev;
    }
    discard(block);
}

/* ---- the threads ------------------------------------------------------------------------------------------------ */

static struct wms_crew *crew_new(void)
{
    struct wms_crew *crew = calloc(1, sizeof *crew);
    pthread_condattr_t clock;

    if (!crew) {
        return NULL;
    }
    crew->refs = 1;
    crew->news = -1;
    if (pthread_condattr_init(&clock)) {
        free(crew);
        return NULL;
    }
    bool failed = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) || pthread_cond_init(&crew->more, &clock);
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

/* Gives a reference back, and the lock. */
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

/* The next call for a thread, which waits for it; NULL: it is to end.  A thread that is claimed will get a call soon. */
static struct wms_block *next_call(struct wms_crew *crew)
{
    while (!crew->calls.first && !crew->gone) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_SECONDS;
        int error = pthread_cond_timedwait(&crew->more, &crew->lock, &until);
        if (error == ETIMEDOUT && !crew->calls.first && crew->idle > 0) {
            crew->idle--;
            return NULL;
        }
    }
    return take_first(&crew->calls);
}

static void give_back(struct wms_crew *crew, struct wms_block *block)
{
    if (crew->gone) {
        pthread_mutex_unlock(&crew->lock);
        discard(block);
        pthread_mutex_lock(&crew->lock);
        return;
    }
    if (!crew->results.first) {
        wms_news_raise(crew->news);
    }
    append(&crew->results, block);
}

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

/* Signals are the program's, and none of its handlers may run in a thread of ours. */
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

/* A thread that will run the next call: one that is idle, or a new one. */
static int claim_thread(struct wms_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    bool idle = crew->idle > 0;
    if (idle) {
        crew->idle--;
    } else {
        crew->refs++; /* the new one's */
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

/* ---- the engine's side ------------------------------------------------------------------------------------------ */

static struct wms_block *take_result(struct wms_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    struct wms_block *block = take_first(&crew->results);
    pthread_mutex_unlock(&crew->lock);
    return block;
}

static void returned(void *data, int events)
{
    wms_engine *engine = data;
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_block *block;

    (void) events;
    wms_news_take(blocking->crew->news);
    while ((block = take_result(blocking->crew))) {
        blocking->running--;
        block->stage = OVER;
        if (block->abandoned) {
            drop(block);
        } else {
            block->work->done(block->shared, 0);
        }
    }
    blocking->due = true;
}

/* What has to be there for a call to be run: all of it is made when it is first needed. */
static int need_crew(struct wms_blocking *blocking)
{
    if (!blocking->crew) {
        blocking->crew = crew_new();
    }
    return blocking->crew ? 0 : WMS_E_NO_MEMORY;
}

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

/* To a thread that is claimed for it; it has left the line. */
static void hand_over(struct wms_blocking *blocking, struct wms_block *block)
{
    struct wms_crew *crew = blocking->crew;

    block->stage = HANDED;
    blocking->running++;
    if (!block->abandoned && block->work->begin) {
        block->work->begin(block->shared);
    }
    pthread_mutex_lock(&crew->lock);
    append(&crew->calls, block);
    pthread_cond_signal(&crew->more);
    pthread_mutex_unlock(&crew->lock);
}

/* There is no thread, and none will become free: tells the first in line for which somebody waits.  False: nobody waits. */
static bool refuse_first(struct wms_blocking *blocking, int code)
{
    struct wms_block *block = blocking->line.first;

    while (block && block->abandoned) {
        block = block->behind;
    }
    if (!block) {
        return false;
    }
    take(&blocking->line, block);
    block->stage = OVER;
    block->work->done(block->shared, code);
    return true;
}

void wms_blocking_tend(wms_engine *engine)
{
    struct wms_blocking *blocking = &engine->blocking;

    blocking->due = false;
    while (blocking->line.first && blocking->running < CALLS_MAX) {
        int error = claim(engine);
        if (!error) {
            hand_over(blocking, take_first(&blocking->line));
        } else if (blocking->running > 0 || !refuse_first(blocking, error)) {
            break;
        }
    }
    if (blocking->running == 0 && blocking->poll) {
        wms_poll_set(blocking->poll, 0);
    }
}

/* ---- the services ----------------------------------------------------------------------------------------------- */

void *wms_work_new(wms_engine *engine, const struct wms_work *work)
{
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_block *block = work->size < PTRDIFF_MAX - sizeof *block ? calloc(1, sizeof *block + work->size) : NULL;

    if (!block) {
        return NULL;
    }
    block->work = work;
    block->engine = engine;
    block->next = blocking->blocks;
    if (block->next) {
        block->next->prev = block;
    }
    blocking->blocks = block;
    return block->shared;
}

void wms_work_start(void *shared)
{
    struct wms_block *block = block_of(shared);
    struct wms_blocking *blocking = &block->engine->blocking;

    if (block->stage == FRESH) {
        block->stage = LINED;
        append(&blocking->line, block);
        blocking->due = true;
    }
}

void wms_work_free(void *shared)
{
    struct wms_block *block = shared ? block_of(shared) : NULL;

    if (!block) {
        return;
    }
    if (block->stage == HANDED || (block->stage == LINED && block->work->always)) {
        block->abandoned = true;
    } else {
        drop(block);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

void wms_blocking_after_fork(wms_engine *engine)
{
    struct wms_blocking *blocking = &engine->blocking;

    blocking->line = (struct wms_queue){0};
    blocking->running = 0;
    blocking->due = false;
    for (struct wms_block *block = blocking->blocks, *next; block; block = next) {
        next = block->next;
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
    free(blocking->crew); /* as it is: in the parent, its lock may have been held, and threads wait for it */
    blocking->crew = NULL;
}

/* The engine goes, and this one is to be run all the same. */
static void give_away(struct wms_blocking *blocking, struct wms_block *block)
{
    bool has_thread = blocking->running > 0; /* it may return some day */

    if (need_crew(blocking) == 0 && blocking->running < CALLS_MAX && claim_thread(blocking->crew) == 0) {
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

/* Threads that are idle end, and those that hang are left behind. */
static void retire(struct wms_crew *crew)
{
    struct wms_block *block;

    pthread_mutex_lock(&crew->lock);
    crew->gone = true;
    struct wms_queue results = crew->results;
    crew->results = (struct wms_queue){0};
    if (crew->news >= 0) {
        close(crew->news);
        crew->news = -1;
    }
    pthread_cond_broadcast(&crew->more);
    leave(crew);
    while ((block = take_first(&results))) {
        discard(block);
    }
}

void wms_blocking_close(wms_engine *engine, bool forked)
{
    struct wms_blocking *blocking = &engine->blocking;
    struct wms_block *block, *next;

    for (block = blocking->blocks; block; block = next) {
        next = block->next;
        bool stays = block->stage == HANDED || (block->stage == LINED && block->work->always && !forked);
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
