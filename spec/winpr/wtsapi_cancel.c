/* SPDX-License-Identifier: MIT */
/* wtsapi_cancel.c - threads that are ended while a message of theirs waits, as libwinpr's
 * TerminateThread() does: what it says is given back.
 *
 *     wtsapi_cancel SOCKET        the name of a socket, where nobody will answer */
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <winpr/wtsapi.h>

#include "check.h"

enum { THREADS = 200, LENGTH = 60000 };

static HANDLE server;
static char text[LENGTH + 1], title[] = "T";

static void *to_session(DWORD session)
{
    DWORD response;

    WTSSendMessageA(server, session, title, 1, text, LENGTH, 0, 0, &response, FALSE);
    return NULL;
}

/* The list tells which session that is. */
static void *to_own(void *data)
{
    (void) data;
    return to_session(WTS_CURRENT_SESSION);
}

/* The list tells what stands behind that number. */
static void *to_learnt(void *data)
{
    (void) data;
    return to_session(0xC0000001);
}

/* 0: this C library does not tell. */
static size_t in_use(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    struct mallinfo2 all = mallinfo2();

    return all.uordblks + all.hblkhd;
#else
    return 0;
#endif
}

static void end_many(void *(*call)(void *data))
{
    const struct timespec time = {.tv_nsec = 1000000};
    size_t before = in_use();

    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, call, NULL) == 0);
        nanosleep(&time, NULL); /* wherever it is by then: it cannot come back by itself */
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(in_use() < before + (size_t) THREADS * LENGTH / 4);
}

int main(int count, char **words)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[sizeof address.sun_path + 16];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK(count == 2 && strlen(words[1]) < sizeof address.sun_path);
    strcpy(address.sun_path, words[1]);
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *) &address, sizeof address) == 0 &&
          listen(fd, 100) == 0);
    snprintf(name, sizeof name, "logind://%s", words[1]);
    memset(text, 'x', LENGTH);
    server = WTSOpenServerA(name);
    CHECK(server);
    end_many(to_own);
    end_many(to_learnt);
    WTSCloseServer(server);
    puts("fine");
    return 0;
}
