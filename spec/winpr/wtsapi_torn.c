/* SPDX-License-Identifier: MIT */
/* wtsapi_torn.c - forks while the library's thread is inside a provider's timer, which does not
 * return: what the thread was changing may be half changed, and the child leaves it as it is.
 *
 *     wtsapi_torn SERVER FIFO FREED
 *
 * Session 151 of SERVER keeps the thread until FIFO is written to; the file FREED gets the numbers
 * of the processes that free connections. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <winpr/wtsapi.h>

#include "check.h"

enum { SLOW = 151 };

static HANDLE server;

static void *disconnect(void *data)
{
    (void) data;
    CHECK(WTSDisconnectSession(server, SLOW, FALSE));
    return NULL;
}

static bool has_freed(const char *path, long process)
{
    FILE *file = fopen(path, "r");
    bool found = false;
    long number;

    while (file && fscanf(file, "%ld", &number) == 1) {
        found = found || number == process;
    }
    if (file) {
        fclose(file);
    }
    return found;
}

static void list(void)
{
    WTS_SESSION_INFOW *sessions;
    DWORD count;

    CHECK(WTSEnumerateSessionsW(server, 0, 1, &sessions, &count) && count > 0);
    WTSFreeMemory(sessions);
}

/* Whether the child frees the parent's connection when it needs an engine of its own. */
static bool child_frees(const char *freed)
{
    int status;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        list();
        _exit(has_freed(freed, getpid()));
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status);
}

int main(int count, char **words)
{
    pthread_t thread;

    CHECK(count == 4);
    server = WTSOpenServerA(words[1]);
    CHECK(server);
    list();
    CHECK(child_frees(words[3])); /* the thread rests */
    CHECK(pthread_create(&thread, NULL, disconnect, NULL) == 0);
    int fifo = open(words[2], O_WRONLY); /* it is inside the provider when this returns */
    CHECK(fifo >= 0);
    CHECK(!child_frees(words[3]));
    CHECK(write(fifo, "x", 1) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    list();
    puts("fine");
    return 0;
}
