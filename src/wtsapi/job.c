/* job.c - what a caller wants of the engine: hand over, wait, carry out. */
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

/* Seconds in which a session has to be gone when the caller waits for it, and the age of a list that is recent. */
static const double verify_seconds = 30, recent_seconds = 0.1;

pthread_mutex_t wtsapi_lock = PTHREAD_MUTEX_INITIALIZER;
uint64_t wtsapi_generation;

/* ---- callers ---------------------------------------------------------------------------------------------------- */

static struct job *job_new(struct server *server, enum wms_verb verb)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job || pthread_cond_init(&job->changed, NULL)) {
        free(job);
        return NULL;
    }
    node_init(&job->node);
    job->refs = 1;
    job->server = server;
    server->refs++;
    job->verb = verb;
    return job;
}

void wtsapi_job_unref(struct job *job)
{
    if (--job->refs > 0) {
        return;
    }
    wtsapi_list_unref(job->list);
    wtsapi_server_unref(job->server);
    pthread_cond_destroy(&job->changed);
    free(job->message);
    free(job->title);
    free(job);
}

/* Hands the job to the worker. */
static DWORD submit(struct job *job)
{
    DWORD error = wtsapi_worker_need();

    if (!error) {
        job->refs++;
        wtsapi_worker_tell(job);
    }
    return error;
}

/* A thread that is ended while it waits (TerminateThread() of libwinpr's does that) gives back what it has. */
static void leave(void *data)
{
    struct job *job = data;
    struct server *server = job->server;

    wtsapi_job_unref(job);
    wtsapi_server_unref(server); /* the caller's */
    pthread_mutex_unlock(&wtsapi_lock);
}

static DWORD await(struct job *job)
{
    pthread_cleanup_push(leave, job);
    while (!job->done) {
        pthread_cond_wait(&job->changed, &wtsapi_lock);
    }
    pthread_cleanup_pop(0);
    return job->error;
}

static bool is_recent(const struct list *list)
{
    return list && list->generation == wtsapi_generation && wtsapi_now() - list->asked <= recent_seconds;
}

/* A list that nobody has begun to ask for yet, one reference more. */
static DWORD join(struct server *server, struct job **ret_job)
{
    struct job *job = server->queued;
    DWORD error = 0;

    if (job) {
        job->refs++;
        *ret_job = job;
        return 0;
    }
    job = job_new(server, WMS_SESSIONS);
    error = job ? submit(job) : ERROR_OUTOFMEMORY;
    if (error) {
        if (job) {
            wtsapi_job_unref(job);
        }
        return error;
    }
    server->queued = job;
    *ret_job = job;
    return 0;
}

DWORD wtsapi_list_get(struct server *server, bool recent, struct list **ret_list)
{
    struct job *job;
    DWORD error = 0;

    pthread_mutex_lock(&wtsapi_lock);
    if (recent && is_recent(server->recent)) {
        *ret_list = wtsapi_list_ref(server->recent);
    } else if ((error = join(server, &job)) == 0) {
        error = await(job);
        if (!error) {
            *ret_list = wtsapi_list_ref(job->list);
        }
        wtsapi_job_unref(job);
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return error;
}

void wtsapi_list_put(struct list *list)
{
    pthread_mutex_lock(&wtsapi_lock);
    wtsapi_list_unref(list);
    pthread_mutex_unlock(&wtsapi_lock);
}

DWORD wtsapi_act(struct server *server, enum wms_verb verb, DWORD number, bool verify, char *message, char *title)
{
    pthread_mutex_lock(&wtsapi_lock);
    struct job *job = job_new(server, verb);
    DWORD error = ERROR_OUTOFMEMORY;
    if (job) {
        job->id = wtsapi_id_of(number, job->id_room);
        job->verify = verify;
        job->message = message;
        job->title = title;
        error = submit(job);
        error = error ? error : await(job);
        wtsapi_job_unref(job);
    } else {
        free(message);
        free(title);
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return error;
}

/* ---- the worker ------------------------------------------------------------------------------------------------- */

struct job *wtsapi_job_poll(struct server *server)
{
    struct job *job = job_new(server, WMS_SESSIONS);

    if (job) {
        job->poll = true;
    }
    return job;
}

/* The state of a job that is not under way belongs to the worker, but for what callers share: hence no lock. */
bool wtsapi_job_start(struct job *job, wms_engine *engine)
{
    const char *server = job->server->address;
    wms_command command;

    wms_command_init(&command, job->verb);
    command.servers = &server;
    command.server_count = 1;
    if (job->verb != WMS_SESSIONS) {
        command.ids = &job->id;
        command.id_count = 1;
        command.message = job->message;
        command.title = job->title;
        command.verify = job->verify ? verify_seconds : -1;
    }
    int error = wms_start(engine, &command, &job->request);
    /* Of a message the text may be wrong; of all else only the address, whose scheme nobody knows. */
    job->error = error == WMS_E_INVALID && job->verb != WMS_MESSAGE ? ERROR_INVALID_COMPUTERNAME : wtsapi_error(error);
    return !error;
}

static DWORD fault_of(wms_request *request)
{
    wms_outcome outcome;
    wms_fault fault;
    int failed = wms_request_error(request, &fault);

    if (failed != 1) {
        return wtsapi_error(failed);
    }
    for (size_t i = 0; wms_request_outcome(request, i, &outcome) == 0; i++) {
        if (outcome.code) {
            return wtsapi_outcome_error(&outcome);
        }
    }
    return wtsapi_error(fault.code);
}

void wtsapi_job_harvest(struct job *job)
{
    job->error = fault_of(job->request);
    if (!job->error && job->verb == WMS_SESSIONS) {
        job->error = wtsapi_list_new(job->request, job->server->address, &job->list);
    }
    job->request = wms_request_unref(job->request);
}

static void keep_list(struct server *server, struct list *list)
{
    wtsapi_list_unref(server->recent);
    server->recent = wtsapi_list_ref(list);
}

void wtsapi_job_finish(struct job *job)
{
    if (job->verb != WMS_SESSIONS) {
        wtsapi_generation++;
    }
    if (job->list) {
        job->list->generation = job->generation;
        job->list->asked = job->asked;
        keep_list(job->server, job->list);
    }
    if (job->poll) {
        wtsapi_events_listed(job->server, job->list, job->error);
    } else if (job->verb == WMS_SESSIONS) {
        job->server->listing = false;
    }
    job->done = true;
    pthread_cond_broadcast(&job->changed);
    wtsapi_job_unref(job);
}
