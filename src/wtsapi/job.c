/* SPDX-License-Identifier: MIT */
/* job.c - a command for the engine: its parameters and its result. */
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

/* Seconds within which the session has to be gone, if the caller waits for that. */
static const double verify_seconds = 30;

struct job *wtsapi_job_new(struct server *server, enum wms_verb verb)
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

/* ---- the worker ------------------------------------------------------------------------------ */

/* Without the lock: the fields that are used here belong to the worker from when it has taken the
 * job. */
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
    /* A message may be INVALID because of its text; any other command only because of an address
     * with an unknown scheme.
     */
    job->error = error == WMS_E_INVALID && job->verb != WMS_MESSAGE ? ERROR_INVALID_COMPUTERNAME
                                                                    : wtsapi_error(error);
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
    if (job->verb == WMS_SESSIONS) {
        job->server->listing = false;
    }
    job->done = true;
    pthread_cond_broadcast(&job->changed);
    wtsapi_job_unref(job);
}
