/* SPDX-License-Identifier: MIT */
/* wtsapi_oom.c - each allocation of the library fails in turn: once, and from there on for good. To
 * be run with preload_oom.so.
 *
 *     wtsapi_oom SERVER ID USER        the server has this session
 *
 * However a round ends, each call gives what is right, or the error OUTOFMEMORY; when memory is
 * back, all is as before, and the library has no more blocks than before. */
#define _GNU_SOURCE /* pthread_tryjoin_np, RTLD_DEFAULT */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <winpr/wtsapi.h>

#include "check.h"
#include "wide.h"

static void (*plan)(long at, int for_good);
static long (*count_calls)(void), (*count_blocks)(void);

static WCHAR name[512];
static DWORD id;
static const char *user;
static bool failing; /* in this round, a call may fail for want of memory */

/* Whether the call went well; it must have, or want memory. */
static bool good(BOOL result)
{
    CHECK(result || (failing && GetLastError() == ERROR_OUTOFMEMORY));
    return result;
}

/* Of a call that finds nothing, or wants memory. */
static void not_found(BOOL result)
{
    CHECK(!result);
    CHECK(GetLastError() == ERROR_FILE_NOT_FOUND ||
          (failing && GetLastError() == ERROR_OUTOFMEMORY));
}

static void lists(HANDLE server)
{
    WTS_SESSION_INFOW *list;
    WTS_SESSION_INFO_1A *ex;
    DWORD count, level = 1;
    bool found = false;

    if (good(WTSEnumerateSessionsW(server, 0, 1, &list, &count))) {
        CHECK(list && count > 0);
        WTSFreeMemory(list);
    } else {
        CHECK(!list && count == 0);
    }
    if (good(WTSEnumerateSessionsExA(server, &level, 0, &ex, &count))) {
        for (DWORD i = 0; i < count; i++) {
            found = found || (ex[i].SessionId == id && strcmp(ex[i].pUserName, user) == 0);
        }
        CHECK(found);
        CHECK(WTSFreeMemoryExA(WTSTypeSessionInfoLevel1, ex, count));
    }
}

static void questions(HANDLE server)
{
    const WTS_INFO_CLASS classes[] = {WTSUserName, WTSConnectState, WTSSessionInfoEx,
                                      WTSClientInfo};
    char narrow[512];
    LPWSTR buffer;
    DWORD size;

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (good(WTSQuerySessionInformationW(server, id, classes[i], &buffer, &size))) {
            CHECK(classes[i] != WTSUserName ||
                  strcmp(narrow_of(buffer, narrow, sizeof narrow), user) == 0);
            WTSFreeMemory(buffer);
        } else {
            CHECK(!buffer && size == 0);
        }
    }
}

static void *wait_for_events(void *data)
{
    DWORD events;

    if (!WTSWaitSystemEvent(data, WTS_EVENT_LICENSE, &events)) {
        CHECK(failing && GetLastError() == ERROR_OUTOFMEMORY);
    }
    CHECK(events == WTS_EVENT_NONE);
    return NULL;
}

/* One that is told to end until it has ended. */
static void events(HANDLE server)
{
    pthread_t waiter;
    DWORD flags;

    CHECK(pthread_create(&waiter, NULL, wait_for_events, server) == 0);
    while (pthread_tryjoin_np(waiter, NULL) != 0) {
        CHECK(WTSWaitSystemEvent(server, WTS_EVENT_FLUSH, &flags));
        usleep(200);
    }
}

static void messages(HANDLE server)
{
    static WCHAR title[] = {'t', 0}, text[] = {'x', 0};
    DWORD response;

    (void) good(WTSSendMessageW(server, id, title, 2, text, 2, 0, 0, &response, FALSE));
}

static void use_all(void)
{
    HANDLE server = WTSOpenServerW(name);

    if (!good(server != NULL)) {
        return;
    }
    lists(server);
    questions(server);
    not_found(WTSLogoffSession(server, 0xC0000001, TRUE));
    messages(server);
    events(server);
    WTSCloseServer(server);
}

/* With failures, and then without. */
static long round_of(long at, int for_good)
{
    failing = true;
    plan(at, for_good);
    use_all();
    long calls = count_calls();
    failing = false;
    plan(0, 0);
    use_all();
    return calls;
}

enum { PATIENCE = 2000 }; /* milliseconds */

/* How many blocks there are behind a round; a list for those who waited may be on its way still, so
 * some patience is had with more than `limit`. */
static long blocks_behind(long limit)
{
    for (int i = 0; i < PATIENCE && count_blocks() > limit; i++) {
        usleep(1000);
    }
    return count_blocks();
}

/* Round after round, until nothing has failed in one.  Returns how many there were; *most is raised
 * to the most blocks that were behind one. */
static long sweep(int for_good, long limit, long *most)
{
    for (long at = 1;; at++) {
        long calls = round_of(at, for_good), blocks = limit ? blocks_behind(limit) : count_blocks();
        *most = blocks > *most ? blocks : *most;
        if (calls < at) {
            return at;
        }
    }
}

static void find(const char *symbol, void *function, size_t size)
{
    void *found = dlsym(RTLD_DEFAULT, symbol);

    CHECK(found);
    memcpy(function, &found, size);
}

int main(int count, char **words)
{
    CHECK(count == 4);
    find("preload_plan", &plan, sizeof plan);
    find("preload_count", &count_calls, sizeof count_calls);
    find("preload_blocks", &count_blocks, sizeof count_blocks);
    wide_of(words[1], name, sizeof name / sizeof *name);
    id = (DWORD) strtoul(words[2], NULL, 10);
    user = words[3];

    /* A connection may have been lost in a round or not: hence the most of many rounds.  What
     * leaks, does so again. */
    long before = 0, behind = 0, rounds = sweep(0, 0, &before) + sweep(1, 0, &before);
    rounds += sweep(0, before, &behind) + sweep(1, before, &behind);
    if (behind > before) {
        fprintf(stderr, "%ld blocks more than before\n", behind - before);
        return 1;
    }
    printf("%ld rounds\n", rounds);
    return 0;
}
