/* SPDX-License-Identifier: MIT */
/* ask.c - what callers do with jobs: submit them, and wait. */
#include <stdlib.h>

#include "wtsapi/wtsapi.h"

/* Maximum age of a recent list, in seconds. */
static const double recent_seconds = 0.1;

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

/* Cleanup handler of a waiting thread that is cancelled (by TerminateThread() of libwinpr's): gives
 * back its references and the lock. */
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
    return list && list->generation == wtsapi_generation &&
           wtsapi_now() - list->asked <= recent_seconds;
}

/* Joins the server's list that is queued but not begun, or makes one; *ret_job has one more
 * reference. */
static DWORD join(struct server *server, struct job **ret_job)
{
    struct job *job = server->queued;
    DWORD error = 0;

    if (job) {
        job->refs++;
        *ret_job = job;
        return 0;
    }
    job = wtsapi_job_new(server, WMS_SESSIONS);
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

DWORD wtsapi_act(struct server *server, enum wms_verb verb, DWORD number, bool verify,
                 char *message, char *title)
{
    pthread_mutex_lock(&wtsapi_lock);
    struct job *job = wtsapi_job_new(server, verb);
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
