/* SPDX-License-Identifier: MIT */
/* wtsapi_exit.c - a program that ends while its threads are in calls that never return.
 *
 *     wtsapi_exit SERVER [MILLISECONDS]       exits with 3, so long after they have begun (100) */
#include <pthread.h>
#include <stdlib.h>

#include <winpr/wtsapi.h>

#include "check.h"

static HANDLE server;
static pthread_barrier_t barrier;

static void *list(void *data)
{
    WTS_SESSION_INFOW *sessions;
    DWORD count;

    (void) data;
    pthread_barrier_wait(&barrier);
    WTSEnumerateSessionsW(server, 0, 1, &sessions, &count);
    return NULL;
}

static void *log_off(void *data)
{
    (void) data;
    pthread_barrier_wait(&barrier);
    WTSLogoffSession(server, 1, TRUE);
    return NULL;
}

static void *wait_for_events(void *data)
{
    DWORD events;

    (void) data;
    pthread_barrier_wait(&barrier);
    WTSWaitSystemEvent(server, WTS_EVENT_ALL, &events);
    return NULL;
}

/* Behind the end of the library's work: refused, not waited for. */
static void late(void)
{
    WTS_SESSION_INFOW *sessions;
    DWORD count;

    REFUSED(WTSEnumerateSessionsW(server, 0, 1, &sessions, &count), ERROR_SHUTDOWN_IN_PROGRESS);
}

int main(int count, char **words)
{
    void *(*const calls[])(void *) = {list, log_off, wait_for_events};
    pthread_t threads[3];

    CHECK(count > 1 && atexit(late) == 0);
    server = WTSOpenServerA(words[1]);
    CHECK(server && pthread_barrier_init(&barrier, NULL, 4) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, calls[i], NULL) == 0);
    }
    pthread_barrier_wait(&barrier);
    usleep((useconds_t) (count > 2 ? atoi(words[2]) : 100) * 1000);
    return 3;
}
