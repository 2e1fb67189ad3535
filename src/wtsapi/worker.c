/* SPDX-License-Identifier: MIT */
/* worker.c - the one thread that uses the engine; fork, exit. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "wtsapi/wtsapi.h"

enum { PROVIDERS = 8, NAME_ROOM = 32 };
static const time_t patience_seconds =
    1; /* how long exit and fork wait for the worker, which is usually busy for milliseconds only */

struct worker {
    wms_engine *engine;
    int wake; /* an eventfd, also wtsapi_bell: raised when the worker has something to do */
    int engine_fd;
    struct node queue;   /* jobs; protected by the lock, as are the next two */
    bool quit, gone;     /* `quit`: the process exits; `gone`: the thread has noticed that */
    struct node running; /* jobs under way; only the thread uses these two */
    struct node watches;
    char providers[PROVIDERS][NAME_ROOM]; /* names of the providers that have been used */
};

static struct worker *worker; /* NULL: none */
/* In a forked child: the parent's worker, whose thread does not exist here. */
static struct worker *orphan;
static bool exiting,
    impatient; /* the process exits; `impatient`: it no longer waits for the worker */
static pthread_cond_t worker_gone;
/* The worker is at work.  A fork waits until it rests: otherwise the child could inherit locks of
 * the providers' libraries that are never released. */
static bool working;
static unsigned forks; /* forks that wait or are under way */
static bool torn; /* a fork did not wait until it rested: its data may be half changed, and must not
                     be used */
static pthread_cond_t worker_rests, fork_done = PTHREAD_COND_INITIALIZER;
static pthread_t working_thread;

static struct timespec limit_of_patience(void)
{
    struct timespec limit;

    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += patience_seconds;
    return limit;
}

/* ---- exit ------------------------------------------------------------------------------------ */

/* Exit handler: stops the worker, since libraries of the providers clean up at exit, and must not
 * be in use then. */
static void stop(void)
{
    struct timespec limit = limit_of_patience();

    pthread_mutex_lock(&wtsapi_lock);
    exiting = true;
    if (worker) {
        worker->quit = true;
        wtsapi_ring();
        while (!worker->gone && !impatient) {
            impatient = pthread_cond_timedwait(&worker_gone, &wtsapi_lock, &limit) != 0;
        }
    }
    pthread_mutex_unlock(&wtsapi_lock);
}

/* Exit handlers run in reverse order: so stop() is registered again when a provider is used first,
 * to run before the handlers of its libraries.  If that fails, the earlier registration remains. */
static void guard_exit(void)
{
    (void) !atexit(stop);
}

/* Whether this is the first use of the provider for that address. */
static bool is_first(struct worker *self, const char *address)
{
    char name[NAME_ROOM];

    if (wms_engine_provider_for(self->engine, address, name, sizeof name) < 0) {
        return false;
    }
    for (size_t i = 0; i < PROVIDERS; i++) {
        if (!*self->providers[i]) {
            strcpy(self->providers[i], name);
            return true;
        }
        if (strcmp(self->providers[i], name) == 0) {
            return false;
        }
    }
    return false;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static struct job *job_of(struct node *node)
{
    return NODE_OWNER(node, struct job, node);
}

/* A queued list of the same server may have waited for this job. */
static void finish(struct worker *self, struct job *job)
{
    pthread_mutex_lock(&wtsapi_lock);
    node_remove(&job->node);
    wtsapi_job_finish(job);
    if (!node_alone(&self->queue)) {
        wtsapi_ring();
    }
    pthread_mutex_unlock(&wtsapi_lock);
}

/* The first queued job that need not wait for a list of its server that is under way. */
static struct job *first_ready(struct worker *self)
{
    for (struct node *node = self->queue.next; node != &self->queue; node = node->next) {
        struct job *job = job_of(node);
        if (job->verb != WMS_SESSIONS || !job->server->listing) {
            return job;
        }
    }
    return NULL;
}

/* Under the lock.  No caller can join the job from now on. */
static void leave_queue(struct job *job)
{
    node_remove(&job->node);
    if (job->server->queued == job) {
        job->server->queued = NULL;
        job->server->listing = true;
    }
}

/* Takes the next job to be begun, or returns NULL. */
static struct job *take(struct worker *self)
{
    pthread_mutex_lock(&wtsapi_lock);
    struct job *job = first_ready(self);
    if (job) {
        leave_queue(job);
        job->asked = wtsapi_now();
        wtsapi_generation += job->verb != WMS_SESSIONS;
        job->generation = wtsapi_generation;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return job;
}

/* Makes the engine's descriptor, which the worker waits for; otherwise the error. */
static DWORD need_descriptor(struct worker *self)
{
    if (self->engine_fd < 0) {
        self->engine_fd = wms_engine_fd(self->engine);
    }
    return self->engine_fd < 0 ? wtsapi_error(self->engine_fd) : 0;
}

static bool start(struct worker *self, struct job *job)
{
    bool first = is_first(self, job->server->address);

    job->error = need_descriptor(self);
    if (job->error) {
        return false;
    }
    if (first) {
        guard_exit();
    }
    bool started = wtsapi_job_start(job, self->engine);
    if (first) {
        guard_exit();
    }
    return started;
}

static void begin_jobs(struct worker *self)
{
    struct job *job;

    while ((job = take(self))) {
        if (start(self, job)) {
            node_append(&self->running, &job->node);
        } else {
            finish(self, job);
        }
    }
}

/* Finishes jobs that are done, and, if `error` is not 0, all others with that error. */
static void end_jobs(struct worker *self, DWORD error)
{
    for (struct node *node = self->running.next, *next; next = node->next, node != &self->running;
         node = next) {
        struct job *job = job_of(node);
        bool done = wms_request_done(job->request) != 0;
        if (!done && !error) {
            continue;
        }
        if (!done) {
            wms_request_cancel(job->request);
        }
        wtsapi_job_harvest(job);
        if (!done) {
            job->error = error;
        }
        finish(self, job);
    }
}

static void begin_watches(struct worker *self)
{
    struct server *server;

    while ((server = wtsapi_watches_next())) {
        bool first = is_first(self, server->address);
        DWORD error = need_descriptor(self);
        if (first) {
            guard_exit();
        }
        wtsapi_watch_begin(&self->watches, self->engine, server, error);
        if (first) {
            guard_exit();
        }
    }
}

/* Ends what nobody needs any more, begins to watch the servers for whose events somebody waits, and
 * takes what the watches tell. */
static void tend_watches(struct worker *self)
{
    wtsapi_watches_end(&self->watches);
    begin_watches(self);
    wtsapi_watches_read(&self->watches);
}

/* Whether something has come that was not taken yet: what begins or ends a job or a watch lets the
 * engine run, and its descriptor does not say that again. */
static bool has_news(struct worker *self)
{
    bool news = wtsapi_watches_have_news(&self->watches);

    for (struct node *node = self->running.next; node != &self->running && !news;
         node = node->next) {
        news = wms_request_done(job_of(node)->request) != 0;
    }
    return news;
}

static void begin_work(void)
{
    pthread_mutex_lock(&wtsapi_lock);
    while (forks) {
        pthread_cond_wait(&fork_done, &wtsapi_lock);
    }
    working = true;
    working_thread = pthread_self();
    pthread_mutex_unlock(&wtsapi_lock);
}

static void end_work(void)
{
    pthread_mutex_lock(&wtsapi_lock);
    working = false;
    pthread_cond_broadcast(&worker_rests);
    pthread_mutex_unlock(&wtsapi_lock);
}

static void rest(struct worker *self)
{
    struct pollfd watched[] = {{.fd = self->wake, .events = POLLIN},
                               {.fd = self->engine_fd, .events = POLLIN}};
    uint64_t count;
    int timeout = has_news(self) ? 0 : wtsapi_watches_patience(&self->watches);

    end_work();
    poll(watched, 2, timeout); /* poll() ignores a negative descriptor */
    while (read(self->wake, &count, sizeof count) < 0 && errno == EINTR) {
    }
    begin_work();
}

static void step(struct worker *self)
{
    int error = self->engine_fd < 0 ? 0 : wms_engine_step(self->engine);

    end_jobs(self, error < 0 ? wtsapi_error(error) : 0);
}

static bool must_go(struct worker *self)
{
    pthread_mutex_lock(&wtsapi_lock);
    bool quit = self->quit;
    pthread_mutex_unlock(&wtsapi_lock);
    return quit;
}

/* The process exits: ends all jobs with an error; the engine is not freed. */
static void go(struct worker *self)
{
    end_jobs(self, ERROR_SHUTDOWN_IN_PROGRESS);
    pthread_mutex_lock(&wtsapi_lock);
    while (!node_alone(&self->queue)) {
        struct job *job = job_of(self->queue.next);
        leave_queue(job);
        job->error = ERROR_SHUTDOWN_IN_PROGRESS;
        wtsapi_job_finish(job);
    }
    while (!node_alone(&wtsapi_waited)) {
        wtsapi_events_end(NODE_OWNER(wtsapi_waited.next, struct server, waited),
                          ERROR_SHUTDOWN_IN_PROGRESS);
    }
    self->gone = true;
    pthread_cond_broadcast(&worker_gone);
    pthread_mutex_unlock(&wtsapi_lock);
}

/* Waits for the end of the process: the thread must not end while other code inspects all threads.
 */
static void stay(void)
{
    for (;;) {
        pause();
    }
}

static void *work(void *data)
{
    struct worker *self = data;

    begin_work();
    while (!must_go(self)) {
        begin_jobs(self);
        end_jobs(self, 0); /* some jobs are done as soon as they are begun */
        tend_watches(self);
        rest(self);
        step(self);
    }
    go(self);
    end_work();
    stay();
    return NULL;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Starts the thread detached, with all signals blocked: the program's handlers must not run in it.
 */
static int start_thread(struct worker *self)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);

    if (error) {
        return error;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, work, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void worker_free(struct worker *self)
{
    if (self->wake >= 0) {
        close(self->wake);
    }
    wms_engine_unref(self->engine);
    free(self);
}

/* In a forked child: frees the parent's worker, without sending anything.  Its jobs belong to
 * callers that do not exist here. */
static void bury_orphan(void)
{
    if (orphan && !torn) {
        for (struct node *node = orphan->running.next; node != &orphan->running;
             node = node->next) {
            wms_request_unref(job_of(node)->request);
        }
        wtsapi_watches_free(&orphan->watches);
        wms_engine_unref(orphan->engine);
        free(orphan);
    }
    orphan = NULL;
}

static DWORD worker_new(void)
{
    bury_orphan();
    struct worker *self = calloc(1, sizeof *self);
    if (!self) {
        return ERROR_OUTOFMEMORY;
    }
    node_init(&self->queue);
    node_init(&self->running);
    node_init(&self->watches);
    self->engine_fd = -1;
    self->engine = wtsapi_engine_new();
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!self->engine || self->wake < 0 || start_thread(self)) {
        worker_free(self);
        return ERROR_OUTOFMEMORY;
    }
    worker = self;
    wtsapi_bell = self->wake;
    return 0;
}

DWORD wtsapi_worker_need(void)
{
    if (worker || exiting) {
        return exiting ? ERROR_SHUTDOWN_IN_PROGRESS : 0;
    }
    int before = wtsapi_end_later();
    DWORD error = worker_new();
    wtsapi_end_again(before);
    return error;
}

void wtsapi_worker_tell(struct job *job)
{
    node_append(&worker->queue, &job->node);
    wtsapi_ring();
}

/* ---- fork ------------------------------------------------------------------------------------ */

static void init_conditions(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker_gone, &attributes);
    pthread_cond_init(&worker_rests, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The worker itself may be the one that forks: a provider may start a program. */
static void before_fork(void)
{
    struct timespec limit = limit_of_patience();
    int late = 0;

    pthread_mutex_lock(&wtsapi_lock);
    forks++;
    while (working && !late && !pthread_equal(working_thread, pthread_self())) {
        late = pthread_cond_timedwait(&worker_rests, &wtsapi_lock, &limit);
    }
    torn = working;
}

static void after_fork(void)
{
    forks--;
    pthread_cond_broadcast(&fork_done);
    pthread_mutex_unlock(&wtsapi_lock);
}

/* The child has no worker; handles, ids and finished lists are kept. */
static void in_child(void)
{
    if (worker) {
        close(worker->wake);
        wtsapi_bell = -1;
        orphan = worker;
        worker = NULL;
    }
    working = false;
    forks = 0;
    exiting = impatient = false;
    pthread_cond_init(&fork_done, NULL);
    init_conditions();
    wtsapi_servers_forked();
    pthread_mutex_unlock(&wtsapi_lock);
}

/* ---- init ------------------------------------------------------------------------------------ */

static void init(void)
{
    init_conditions();
    wtsapi_find_folder();
    pthread_atfork(before_fork, after_fork, in_child);
    guard_exit();
}

void wtsapi_worker_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init);
}
