/* SPDX-License-Identifier: MIT */
/* wtsapi_threads.c - many threads that use the API at once.
 *
 *     wtsapi_threads THREADS ROUNDS SERVER [ID:USER...]
 *
 * The server has exactly the sessions that are named.  Without any, it cannot be reached, and every
 * call must say so: that shows how threads get on with one another without a host (the thread
 * sanitizer). */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <winpr/wtsapi.h>

#include "check.h"

static char *server_name;
static char **sessions; /* "3:alice", NULL behind the last */
static DWORD session_count;
static int rounds;
static HANDLE shared;
static pthread_barrier_t barrier;

/* Of the program's sessions, or NULL. */
static const char *user_of(DWORD id)
{
    for (char **session = sessions; *session; session++) {
        char *end;
        if (strtoul(*session, &end, 10) == id) {
            return end + 1;
        }
    }
    return NULL;
}

static void list(HANDLE server)
{
    WTS_SESSION_INFO_1A *found;
    DWORD count, level = 1;

    if (!session_count) {
        REFUSED(WTSEnumerateSessionsExA(server, &level, 0, &found, &count),
                RPC_S_SERVER_UNAVAILABLE);
        return;
    }
    CHECK(WTSEnumerateSessionsExA(server, &level, 0, &found, &count));
    CHECK(count == session_count);
    for (DWORD i = 0; i < count; i++) {
        const char *user = user_of(found[i].SessionId);
        CHECK(user && found[i].pUserName && strcmp(user, found[i].pUserName) == 0);
    }
    WTSFreeMemory(found);
}

static void query(HANDLE server, int number)
{
    char *text;
    DWORD size;

    if (!session_count) {
        REFUSED(WTSQuerySessionInformationA(server, 1, WTSUserName, &text, &size),
                RPC_S_SERVER_UNAVAILABLE);
        REFUSED(WTSLogoffSession(server, 1, FALSE), RPC_S_SERVER_UNAVAILABLE);
        return;
    }
    DWORD id = (DWORD) strtoul(sessions[(DWORD) number % session_count], NULL, 10);
    CHECK(WTSQuerySessionInformationA(server, id, WTSUserName, &text, &size));
    CHECK(strcmp(text, user_of(id)) == 0 && size == strlen(text) + 1);
    WTSFreeMemory(text);
    REFUSED(WTSLogoffSession(server, 999999999, FALSE),
            ERROR_FILE_NOT_FOUND); /* which changes nothing */
}

static void *use(void *data)
{
    int number = (int) (intptr_t) data;

    pthread_barrier_wait(&barrier);
    for (int round = 0; round < rounds; round++) {
        HANDLE own = WTSOpenServerA(server_name), server = round % 2 ? own : shared;
        CHECK(own);
        list(server);
        query(server, number + round);
        HANDLE volatile closed = own; /* the compiler knows that it must not be used any more */
        WTSCloseServer(own);
        REFUSED(WTSLogoffSession(closed, 1, FALSE), ERROR_INVALID_HANDLE);
    }
    return NULL;
}

/* Waits again and again, until the handle is closed under it. */
static void *wait_for_events(void *data)
{
    HANDLE server = data;
    DWORD events;

    while (WTSWaitSystemEvent(server, WTS_EVENT_ALL, &events)) {
        CHECK(events == WTS_EVENT_NONE);
    }
    CHECK(GetLastError() == ERROR_INVALID_HANDLE ||
          (!session_count && GetLastError() == RPC_S_SERVER_UNAVAILABLE));
    return NULL;
}

static void run(int threads)
{
    pthread_t users[64], waiters[3];
    HANDLE watched = WTSOpenServerA(server_name);
    DWORD events;

    CHECK(watched && threads <= 64 &&
          pthread_barrier_init(&barrier, NULL, (unsigned) threads) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&waiters[i], NULL, wait_for_events, watched) == 0);
    }
    for (int i = 0; i < threads; i++) {
        CHECK(pthread_create(&users[i], NULL, use, (void *) (intptr_t) i) == 0);
    }
    for (int i = 0; i < threads; i++) {
        CHECK(WTSWaitSystemEvent(watched, WTS_EVENT_FLUSH, &events));
        CHECK(pthread_join(users[i], NULL) == 0);
    }
    WTSCloseServer(watched);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(waiters[i], NULL) == 0);
    }
    pthread_barrier_destroy(&barrier);
}

int main(int count, char **words)
{
    CHECK(count > 3);
    rounds = atoi(words[2]);
    server_name = words[3];
    sessions = words + 4;
    session_count = (DWORD) count - 4;
    shared = WTSOpenServerA(server_name);
    CHECK(shared);
    run(atoi(words[1]));
    WTSCloseServer(shared);
    puts("fine");
    return 0;
}
