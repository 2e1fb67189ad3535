/* SPDX-License-Identifier: MIT */
/* wtsapi_terminate.c - ends threads that are in the middle of a call, as libwinpr's
 * TerminateThread() does: the others go on.
 *
 *     wtsapi_terminate SERVER        a real one */
#include <pthread.h>
#include <time.h>

#include <winpr/wtsapi.h>

#include "check.h"

static HANDLE server;

static void *wait_for_events(void *data)
{
    DWORD events;

    (void) data;
    WTSWaitSystemEvent(server, WTS_EVENT_CREATE, &events);
    return NULL;
}

static void *list(void *data)
{
    PWTS_SESSION_INFOW sessions;
    DWORD count;

    (void) data;
    for (;;) {
        if (WTSEnumerateSessionsW(server, 0, 1, &sessions, &count)) {
            WTSFreeMemory(sessions);
        }
    }
    return NULL;
}

/* Nothing tells that a thread waits; whenever its end comes, the others must go on. */
static void end_in_the_middle(void *(*call)(void *data), long milliseconds)
{
    const struct timespec time = {.tv_nsec = milliseconds * 1000000};
    char another[] = "logind:///run/another";
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, call, NULL) == 0);
    nanosleep(&time, NULL);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    HANDLE other = WTSOpenServerA(another);
    CHECK(other);
    WTSCloseServer(other);
}

int main(int count, char **words)
{
    DWORD events;

    CHECK(count == 2);
    server = WTSOpenServerA(words[1]);
    CHECK(server);
    for (long i = 0; i < 20; i++) {
        end_in_the_middle(wait_for_events, i);
        end_in_the_middle(list, i);
    }
    CHECK(WTSWaitSystemEvent(server, WTS_EVENT_FLUSH, &events));
    WTSCloseServer(server);
    puts("fine");
    return 0;
}
