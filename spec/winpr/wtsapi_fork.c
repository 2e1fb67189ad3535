/* SPDX-License-Identifier: MIT */
/* wtsapi_fork.c - forks while calls are under way: each process has an engine of its own, and
 * handles stay.
 *
 *     wtsapi_fork SERVER ID ID        a child logs the first session off, the parent the second */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <winpr/wtsapi.h>

#include "check.h"

enum {
    FORKS = 20,
    CONNECTIONS = 4, /* at most, to a host: how many there are, time decides */
    EACH = 2         /* descriptors of one */
};

/* Seconds; a fork that took longer did not wait for the library's thread any more, and what that
 * used stays in the child. */
static const double PATIENCE = 0.9;

static HANDLE server;
static atomic_bool enough;

static DWORD count_sessions(void)
{
    WTS_SESSION_INFOW *list;
    DWORD count;

    CHECK(WTSEnumerateSessionsW(server, 0, 1, &list, &count));
    WTSFreeMemory(list);
    return count;
}

/* How many descriptors there are of sockets, or of all else. */
static int descriptors(bool sockets)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    int count = 0;

    CHECK(folder);
    while ((entry = readdir(folder))) {
        char target[32] = "";
        CHECK(readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) < 32);
        count += (strncmp(target, "socket:", 7) == 0) == sockets;
    }
    closedir(folder);
    return count;
}

/* What was the parent's is closed.  A thread's first malloc() opens a file for a moment. */
static void await_descriptors(bool sockets, int most)
{
    for (int tries = 0; descriptors(sockets) > most; tries++) {
        CHECK(tries < 30000);
        usleep(1000);
    }
}

/* Seconds. */
static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void *use(void *data)
{
    (void) data;
    while (!atomic_load(&enough)) {
        count_sessions();
    }
    return NULL;
}

static void *wait_for_events(void *data)
{
    DWORD events;

    (void) data;
    CHECK(WTSWaitSystemEvent(server, WTS_EVENT_CREATE, &events) && events == WTS_EVENT_NONE);
    return NULL;
}

static void await(pid_t child)
{
    int status;

    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Children that use it, whose own children use it too, and such that do not. */
static void child(int number, DWORD sessions)
{
    if (number % 3 == 0) {
        _exit(0);
    }
    CHECK(count_sessions() == sessions);
    if (number % 3 == 1) {
        _exit(0);
    }
    int sockets = descriptors(true), others = descriptors(false);
    double before = now();
    pid_t grandchild = fork();
    if (grandchild == 0) {
        bool torn = now() - before > PATIENCE;
        CHECK(count_sessions() == sessions);
        if (!torn) {
            await_descriptors(true, sockets + EACH * (CONNECTIONS - 1));
            await_descriptors(false, others);
        }
        _exit(0);
    }
    await(grandchild);
    CHECK(count_sessions() == sessions);
    exit(0);
}

int main(int count, char **words)
{
    pthread_t user, waiter;
    DWORD events, sessions;
    int late = 0; /* forks that have waited for the library's thread in vain */

    CHECK(count == 4);
    server = WTSOpenServerA(words[1]);
    CHECK(server);
    sessions = count_sessions();
    CHECK(pthread_create(&user, NULL, use, NULL) == 0 &&
          pthread_create(&waiter, NULL, wait_for_events, NULL) == 0);
    for (int i = 0; i < FORKS; i++) {
        double before = now();
        pid_t pid = fork();
        if (pid == 0) {
            child(i, sessions);
        }
        late += now() - before > PATIENCE;
        await(pid);
    }
    CHECK(late <= FORKS / 4); /* it rests every few milliseconds, and says so */
    atomic_store(&enough, true);
    CHECK(pthread_join(user, NULL) == 0);

    pid_t pid = fork();
    if (pid == 0) {
        CHECK(WTSLogoffSession(server, (DWORD) strtoul(words[2], NULL, 10), TRUE));
        WTSCloseServer(server);
        exit(0);
    }
    await(pid);
    CHECK(count_sessions() == sessions - 1);
    CHECK(WTSLogoffSession(server, (DWORD) strtoul(words[3], NULL, 10), TRUE));
    CHECK(count_sessions() == sessions - 2);
    CHECK(WTSWaitSystemEvent(server, WTS_EVENT_FLUSH, &events));
    CHECK(pthread_join(waiter, NULL) == 0);
    puts("fine");
    return 0;
}
