/* SPDX-License-Identifier: MIT */
/* odd.c - a WTSAPI library that answers as no library should: what is odd about a server, its name
 * says.
 *
 * Every server has these sessions: 0 of a service, 1 of alice, 2 of bob (locked), 3 at the log-on
 * screen, 4 of carol (disconnected), 65536 a listener.  On this machine, 1 is the caller's own.  A
 * session that was logged off is gone.
 *
 * "crowd-20" has alice's sessions 101 to 200 besides, and takes 20 milliseconds to tell of one, and
 * to act on one.
 *
 * What WTSWaitSystemEvent() does: of "watch-tells", as it should; of "watch-at-once" and
 * "watch-events", it returns at once, without an event and with one; of "watch-31" and such, it
 * fails with that error; of "watch-hangs", it never returns, and of "watch-hang-flush", nobody can
 * end it; all others do not have it.  "watch-hangs" breaks the connection when carol was logged
 * off, and has her again then.
 *
 * ODD_LOG names a file that is told what was done, a line each.  What the library did not give, or
 * has taken back already, nobody may give back: abort().  A call that hangs does so until the FIFO
 * that ODD_RELEASE names can be read.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wts/api.h"

#define SECOND      INT64_C(10000000)
#define FIRST_LOGON INT64_C(133444736000000000) /* 1,700,000,000 seconds after 1970 */

enum { GIVEN = 4096, SESSIONS = 6, SERVERS = 256, CROWD = 100 };

struct server {
    char name[64];
    atomic_uint open; /* handles */
    atomic_bool gone[SESSIONS], gone_crowd[CROWD];
    atomic_uint calls, asked;
    unsigned happened, flushes; /* under the lock: events that nobody was told, WTS_EVENT_FLUSH */
};

static const struct {
    DWORD id;
    WTS_CONNECTSTATE_CLASS state;
    const char *user, *station;
    LONG flags;
} sessions[SESSIONS] = {
    {0, WTSDisconnected, "", "Services", -1},
    {1, WTSActive, "alice", "Console", WTS_SESSIONSTATE_UNLOCK},
    {2, WTSActive, "bob", "RDP-Tcp#1", WTS_SESSIONSTATE_LOCK},
    {3, WTSConnected, "", "RDP-Tcp#2", -1},
    {4, WTSDisconnected, "carol", "", -1},
    {65536, WTSListen, "", "RDP-Tcp", -1},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t happens = PTHREAD_COND_INITIALIZER;
static struct server servers[SERVERS] = {{.name = "here", .open = 1}};
static unsigned server_count = 1;
static void *given[GIVEN];

/* ---- what it has given ----------------------------------------------------------------------- */

static void *give(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    unsigned i = 0;

    pthread_mutex_lock(&lock);
    while (i < GIVEN && given[i]) {
        i++;
    }
    if (!block || i == GIVEN) {
        abort();
    }
    given[i] = block;
    pthread_mutex_unlock(&lock);
    return block;
}

static void take_back(void *block)
{
    unsigned i = 0;

    if (!block) {
        return;
    }
    pthread_mutex_lock(&lock);
    while (i < GIVEN && given[i] != block) {
        i++;
    }
    if (i == GIVEN) {
        abort();
    }
    given[i] = NULL;
    pthread_mutex_unlock(&lock);
    free(block);
}

/* ---- helpers --------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    const char *path = getenv("ODD_LOG");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    va_list list;

    if (fd >= 0) {
        va_start(list, format);
        vdprintf(fd, format, list);
        va_end(list);
        close(fd);
    }
}

static void hang(void)
{
    const char *path = getenv("ODD_RELEASE");
    char released;

    tell("hangs\n");
    int fd = path ? open(path, O_RDONLY) : -1;
    while (fd < 0 || read(fd, &released, 1) != 1) {
        pause();
    }
    close(fd);
}

static void narrow(const WCHAR *text, char *room, size_t size)
{
    size_t i = 0;

    for (; i + 1 < size && text[i]; i++) {
        room[i] = (char) text[i];
    }
    room[i] = '\0';
}

static void widen(WCHAR *room, const char *text)
{
    do {
        *room++ = (WCHAR) (unsigned char) *text;
    } while (*text++);
}

static BOOL fail(DWORD error)
{
    SetLastError(error);
    return FALSE;
}

static struct server *server_of(HANDLE handle)
{
    struct server *server = handle ? (struct server *) handle : &servers[0];

    if (server < servers || server >= servers + SERVERS || !server->open) {
        abort(); /* no handle of ours, or closed before */
    }
    return server;
}

static bool is(const struct server *server, const char *name)
{
    return strcmp(server->name, name) == 0;
}

static bool is_watched(const struct server *server)
{
    return strncmp(server->name, "watch-", 6) == 0;
}

/* "error-5" and such: every call fails with that error. */
static bool fails(const struct server *server, DWORD *ret_error)
{
    unsigned long error;

    if (sscanf(server->name, "error-%lu", &error) != 1) {
        return false;
    }
    *ret_error = (DWORD) error;
    return true;
}

/* The gone flag of a session in a crowd; NULL: it is none. */
static atomic_bool *crowd_of(struct server *server, DWORD id)
{
    return strncmp(server->name, "crowd", 5) == 0 && id > CROWD && id <= 2 * CROWD
               ? &server->gone_crowd[id - CROWD - 1]
               : NULL;
}

/* "crowd-20" and such take their time. */
static void take_time(const struct server *server)
{
    unsigned milliseconds;

    if (sscanf(server->name, "crowd-%u", &milliseconds) == 1) {
        nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
    }
}

static int place_of(struct server *server, DWORD id)
{
    const atomic_bool *crowd = crowd_of(server, id);

    if (crowd) {
        return *crowd ? -1 : 1;
    }
    for (int i = 0; i < SESSIONS; i++) {
        if (sessions[i].id == id && !server->gone[i]) {
            return i;
        }
    }
    return -1;
}

/* ---- the API --------------------------------------------------------------------------------- */

static HANDLE WINAPI open_server(LPWSTR name)
{
    char text[64];
    struct server *server = NULL;

    narrow(name, text, sizeof text);
    tell("open %s\n", text);
    if (strcmp(text, "hang-open") == 0) {
        hang();
    }
    if (strcmp(text, "null-open") == 0) {
        SetLastError(1210);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < server_count; i++) {
        server = strcmp(servers[i].name, text) == 0 ? &servers[i] : server;
    }
    if (!server && server_count < SERVERS) {
        server = &servers[server_count++];
        snprintf(server->name, sizeof server->name, "%s", text);
    }
    if (server) {
        server->open++;
    }
    pthread_mutex_unlock(&lock);
    return server;
}

static VOID WINAPI close_server(HANDLE handle)
{
    struct server *server = server_of(handle);

    tell("close %s\n", server->name);
    if (is(server, "hang-close")) {
        hang();
    }
    server->open--;
}

static void fill_entry(WTS_SESSION_INFO_1W *entry, WCHAR *text, int i)
{
    entry->State = sessions[i].state;
    entry->SessionId = sessions[i].id;
    entry->pSessionName = text;
    widen(text, sessions[i].station);
    if (*sessions[i].user) {
        entry->pUserName = text + 32;
        entry->pDomainName = text + 64;
        widen(text + 32, sessions[i].user);
        widen(text + 64, "SCHOOL");
    }
}

static BOOL WINAPI enumerate(HANDLE handle, DWORD *level, DWORD filter, PWTS_SESSION_INFO_1W *list,
                             DWORD *count)
{
    enum { UNITS = 96, ENDLESS = 4096 };
    struct server *server = server_of(handle);
    DWORD error;

    (void) filter;
    server->calls++;
    if (fails(server, &error)) {
        return fail(error);
    }
    if (is(server, "no-reason")) {
        return FALSE;
    }
    if (is(server, "hang-list")) {
        hang();
    }
    if (is_watched(server)) {
        tell("list %s\n", server->name);
    }
    if (is(server, "watch-hangs") && server->gone[4]) {
        server->gone[4] = false;
        return fail(1722);
    }
    if ((is(server, "then-gone") || is(server, "hang-close")) && server->calls % 3 == 0) {
        return fail(1722);
    }
    if (is(server, "null-list") || is(server, "null-empty")) {
        *list = NULL;
        *count = is(server, "null-list") ? 3 : 0;
        return TRUE;
    }
    WTS_SESSION_INFO_1W *entries =
        give(SESSIONS * (sizeof *entries + UNITS * sizeof(WCHAR)) + ENDLESS * sizeof(WCHAR));
    WCHAR *text = (WCHAR *) (entries + SESSIONS);
    DWORD used = 0;
    for (int i = 0; i < SESSIONS; i++) {
        if (!server->gone[i]) {
            fill_entry(&entries[used++], text + i * UNITS, i);
        }
    }
    if (is(server, "endless-name")) {
        memset(text + SESSIONS * UNITS, 'x', ENDLESS * sizeof(WCHAR));
        entries[1].pUserName = text + SESSIONS * UNITS;
    }
    if (is(server, "half-pair")) {
        entries[1].pUserName[0] = 0xD83D;
    }
    if (is(server, "twice")) {
        entries[2].SessionId = entries[1].SessionId;
    }
    if (is(server, "no-id")) {
        entries[1].SessionId = 0xFFFFFFFF;
    }
    if (is(server, "odd-state")) {
        entries[1].State = (WTS_CONNECTSTATE_CLASS) 99;
    }
    if (is(server, "other-level")) {
        *level = 2;
    }
    *list = entries;
    *count = is(server, "huge-count") ? 0xFFFFFFF0u : used;
    return TRUE;
}

/* "relogon-3" and such: whoever asks for the third time of alice's session is told of a later one
 * of hers; "reuser-3": of dora's. */
static void replace(struct server *server, WTSINFOEX_LEVEL1_W *level)
{
    unsigned first;

    if (level->SessionId == 1 && sscanf(server->name, "relogon-%u", &first) == 1 &&
        ++server->asked >= first) {
        level->LogonTime.QuadPart += SECOND;
    }
    if (level->SessionId == 1 && sscanf(server->name, "reuser-%u", &first) == 1 &&
        ++server->asked >= first) {
        widen(level->UserName, "dora");
    }
    if (is(server, "timeless")) {
        level->LogonTime.QuadPart = 0;
    }
}

static WTSINFOEXW *info_of(struct server *server, int i, DWORD id, DWORD *ret_size)
{
    WTSINFOEXW *info = give(sizeof *info);
    WTSINFOEX_LEVEL1_W *level = &info->Data.WTSInfoExLevel1;

    info->Level = is(server, "info-level") ? 7 : 1;
    level->SessionId = is(server, "info-other") ? 77 : id;
    level->SessionState = is(server, "info-down")    ? WTSDown
                          : is(server, "info-reset") ? WTSReset
                                                     : sessions[i].state;
    level->SessionFlags = sessions[i].flags;
    widen(level->WinStationName, sessions[i].station);
    widen(level->UserName, sessions[i].user);
    widen(level->DomainName, "SCHOOL");
    level->LogonTime.QuadPart = FIRST_LOGON + (int64_t) id * SECOND;
    level->LastInputTime.QuadPart = id == 2 ? FIRST_LOGON + 3600 * SECOND : 0;
    replace(server, level);
    if (is(server, "info-unended")) {
        memset(level->UserName, 'u', sizeof level->UserName);
    }
    if (is(server, "info-cut")) { /* the other half of the character is the next field's */
        for (size_t unit = 0; unit + 1 < sizeof level->UserName / sizeof(WCHAR); unit++) {
            level->UserName[unit] = 'u';
        }
        level->UserName[sizeof level->UserName / sizeof(WCHAR) - 1] = 0xD83D;
        level->DomainName[0] = 0xDE00;
        level->DomainName[1] = 0;
    }
    *ret_size = is(server, "info-short") ? 8 : sizeof *info;
    return info;
}

static BOOL WINAPI query(HANDLE handle, DWORD id, WTS_INFO_CLASS what, LPWSTR *answer, DWORD *size)
{
    struct server *server = server_of(handle);
    DWORD error;

    if (fails(server, &error)) {
        return fail(error);
    }
    if (id == WTS_CURRENT_SESSION && what == WTSSessionId && is(server, "here")) {
        *answer = give(sizeof(DWORD));
        memcpy(*answer, &(DWORD){1}, sizeof(DWORD));
        *size = sizeof(DWORD);
        return TRUE;
    }
    take_time(server);
    int i = place_of(server, id);
    if (i < 0) {
        return fail(ERROR_FILE_NOT_FOUND);
    }
    if (what == WTSSessionInfoEx) {
        if (is(server, "hang-query")) {
            hang();
        }
        if (is(server, "info-null")) {
            *answer = NULL;
            *size = sizeof(WTSINFOEXW);
            return TRUE;
        }
        if (is(server, "info-denied") || is(server, "info-unsupported")) {
            return fail(is(server, "info-denied") ? ERROR_ACCESS_DENIED : ERROR_NOT_SUPPORTED);
        }
        if (is(server, "info-gone") && id == 2) {
            return fail(ERROR_FILE_NOT_FOUND);
        }
        *answer = (LPWSTR) info_of(server, i, id, size);
        return TRUE;
    }
    if (what == WTSClientName && is(server, "client-wide")) { /* three bytes each, in UTF-8 */
        static const WCHAR euros[] = {0x20AC, 0x20AC, 0x20AC, 0x20AC,
                                      0x20AC, 0x20AC, 0x20AC, 0x20AC};
        *answer = give(sizeof euros);
        memcpy(*answer, euros, sizeof euros);
        *size = sizeof euros;
        return TRUE;
    }
    if (what == WTSClientName && id == 2) {
        *answer = give(16 * sizeof(WCHAR));
        widen(*answer, "PC-2");
        *size = is(server, "client-unended") ? 2 * sizeof(WCHAR)
                : is(server, "client-huge")  ? 0x40000000 /* more than any name has */
                                             : 5 * sizeof(WCHAR);
        return TRUE;
    }
    return fail(ERROR_NOT_SUPPORTED);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void happen(struct server *server, DWORD events)
{
    pthread_mutex_lock(&lock);
    server->happened |= events;
    pthread_cond_broadcast(&happens);
    pthread_mutex_unlock(&lock);
}

static void flush(struct server *server)
{
    pthread_mutex_lock(&lock);
    server->flushes++;
    pthread_cond_broadcast(&happens);
    pthread_mutex_unlock(&lock);
}

static DWORD await_events(struct server *server, DWORD mask)
{
    pthread_mutex_lock(&lock);
    unsigned before = server->flushes;
    while (!(server->happened & mask) && server->flushes == before) {
        pthread_cond_wait(&happens, &lock);
    }
    DWORD events = server->happened & mask;
    server->happened = 0;
    pthread_mutex_unlock(&lock);
    return events;
}

static BOOL WINAPI wait_for_events(HANDLE handle, DWORD mask, DWORD *events)
{
    struct server *server = server_of(handle);
    unsigned long error;

    *events = WTS_EVENT_NONE;
    if (!is_watched(server)) {
        return FALSE;
    }
    tell("%s %s\n", mask & WTS_EVENT_FLUSH ? "flush" : "wait", server->name);
    if (sscanf(server->name, "watch-%lu", &error) == 1) {
        return fail((DWORD) error);
    }
    if (is(server, mask & WTS_EVENT_FLUSH ? "watch-hang-flush" : "watch-hangs")) {
        hang();
    }
    if (mask & WTS_EVENT_FLUSH) {
        flush(server);
        return TRUE;
    }
    if (is(server, "watch-at-once") || is(server, "watch-events")) {
        *events = is(server, "watch-events") ? WTS_EVENT_STATECHANGE : WTS_EVENT_NONE;
        return TRUE;
    }
    *events = await_events(server, mask);
    tell("waited %s %lu\n", server->name, (unsigned long) *events);
    server_of(handle); /* it must be open still */
    return TRUE;
}

/* ---- actions --------------------------------------------------------------------------------- */

static BOOL act(HANDLE handle, DWORD id, const char *what)
{
    struct server *server = server_of(handle);
    unsigned long error;
    int i = place_of(server, id);

    tell("%s %s %lu\n", what, server->name, (unsigned long) id);
    take_time(server);
    if (is(server, "hang-act")) {
        hang();
    }
    if (sscanf(server->name, "act-%lu", &error) == 1) {
        return fail((DWORD) error);
    }
    if (is(server, "act-no-reason")) {
        return FALSE;
    }
    if (is(server, "act-breaks")) { /* while it acts on the others */
        if (id == 1) {
            return fail(1722);
        }
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    }
    if (i < 0) {
        return fail(ERROR_FILE_NOT_FOUND);
    }
    if (strcmp(what, "logoff") == 0) {
        *(crowd_of(server, id) ? crowd_of(server, id) : &server->gone[i]) = true;
        happen(server, WTS_EVENT_DELETE | WTS_EVENT_LOGOFF);
    }
    return TRUE;
}

static BOOL WINAPI disconnect(HANDLE handle, DWORD id, BOOL waits)
{
    (void) waits;
    return act(handle, id, "disconnect");
}

static BOOL WINAPI logoff(HANDLE handle, DWORD id, BOOL waits)
{
    (void) waits;
    return act(handle, id, "logoff");
}

static BOOL WINAPI shut_down(HANDLE handle, DWORD flag)
{
    const struct server *server = server_of(handle);
    unsigned long error;

    tell("shutdown %s %lu\n", server->name, (unsigned long) flag);
    if (is(server, "hang-act")) {
        hang();
    }
    if (sscanf(server->name, "act-%lu", &error) == 1) {
        return fail((DWORD) error);
    }
    return !is(server, "act-no-reason");
}

static BOOL WINAPI message(HANDLE handle, DWORD id, LPWSTR title, DWORD title_size, LPWSTR text,
                           DWORD text_size, DWORD style, DWORD timeout, DWORD *response, BOOL waits)
{
    (void) style;
    (void) timeout;
    for (DWORD i = 0; i < title_size / 2; i++) {
        tell("%04X", title[i]);
    }
    tell(" says ");
    for (DWORD i = 0; i < text_size / 2; i++) {
        tell("%04X", text[i]);
    }
    tell("\n");
    *response = IDASYNC;
    return waits ? fail(ERROR_NOT_SUPPORTED) : act(handle, id, "message");
}

static VOID WINAPI free_memory(PVOID block)
{
    take_back(block);
}

static BOOL WINAPI free_memory_ex(WTS_TYPE_CLASS type, PVOID block, ULONG count)
{
    if (type != WTSTypeSessionInfoLevel1 || count > SESSIONS) {
        abort();
    }
    take_back(block);
    return TRUE;
}

static WtsApiFunctionTable table = {
    .dwVersion = 1,
    .pOpenServerExW = open_server,
    .pCloseServer = close_server,
    .pEnumerateSessionsExW = enumerate,
    .pQuerySessionInformationW = query,
    .pDisconnectSession = disconnect,
    .pLogoffSession = logoff,
    .pSendMessageW = message,
    .pShutdownSystem = shut_down,
    .pWaitSystemEvent = wait_for_events,
    .pFreeMemory = free_memory,
    .pFreeMemoryExW = free_memory_ex,
};

__attribute__((visibility("default"))) PWtsApiFunctionTable InitWtsApi(void);

PWtsApiFunctionTable InitWtsApi(void)
{
    return &table;
}
