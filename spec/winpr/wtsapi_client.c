/* SPDX-License-Identifier: MIT */
/* wtsapi_client.c - a program that knows the Windows session API only as libwinpr declares it: no
 * header of ours.
 *
 *     wtsapi_client COMMAND [ARGUMENT...] ...     carries the commands out, one after the other
 *
 * It prints a line for each result, `command key=value ...`, and for a call that failed `command
 * error=NUMBER`, which is GetLastError().  In values, % and what is no letter, digit or simple sign
 * is written as %XX; what is NULL, as ~.
 */
#define _GNU_SOURCE /* pthread_tryjoin_np */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <winpr/error.h>
#include <winpr/winpr.h>
#include <winpr/wtsapi.h>

#include "wide.h"

static HANDLE server = WTS_CURRENT_SERVER_HANDLE;

/* ---- printing -------------------------------------------------------------------------------- */

static void print_bytes(const char *name, const void *bytes, size_t size)
{
    printf(" %s=", name);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = ((const unsigned char *) bytes)[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._:/#@", c);
        printf(plain && c ? "%c" : "%%%02X", c);
    }
}

static void print_a(const char *name, const char *text)
{
    if (text) {
        print_bytes(name, text, strlen(text));
    } else {
        printf(" %s=~", name);
    }
}

static void print_w(const char *name, const WCHAR *text)
{
    char narrow[2048];

    print_a(name, text ? narrow_of(text, narrow, sizeof narrow) : NULL);
}

static void end_line(void)
{
    putchar('\n');
    fflush(stdout);
}

/* Prints what a call that gives nothing else has returned. */
static void print_result(const char *command, bool good)
{
    printf("%s %s=%lu", command, good ? "ok" : "error", good ? 1 : (unsigned long) GetLastError());
    end_line();
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void print_count(const char *command, DWORD count)
{
    printf("%s count=%lu", command, (unsigned long) count);
    end_line();
}

static void list_w(void)
{
    WTS_SESSION_INFOW *list;
    DWORD count;

    if (!WTSEnumerateSessionsW(server, 0, 1, &list, &count)) {
        print_result("list", false);
        return;
    }
    print_count("list", count);
    for (DWORD i = 0; i < count; i++) {
        printf("session id=%lu state=%d", (unsigned long) list[i].SessionId, (int) list[i].State);
        print_w("station", list[i].pWinStationName);
        end_line();
    }
    WTSFreeMemory(list);
}

static void list_a(void)
{
    WTS_SESSION_INFOA *list;
    DWORD count;

    if (!WTSEnumerateSessionsA(server, 0, 1, &list, &count)) {
        print_result("list", false);
        return;
    }
    print_count("list", count);
    for (DWORD i = 0; i < count; i++) {
        printf("session id=%lu state=%d", (unsigned long) list[i].SessionId, (int) list[i].State);
        print_a("station", list[i].pWinStationName);
        end_line();
    }
    WTSFreeMemory(list);
}

static void list_ex_w(void)
{
    WTS_SESSION_INFO_1W *list;
    DWORD count, level = 1;

    if (!WTSEnumerateSessionsExW(server, &level, 0, &list, &count)) {
        print_result("list", false);
        return;
    }
    print_count("list", count);
    for (DWORD i = 0; i < count; i++) {
        printf("session id=%lu state=%d environment=%lu", (unsigned long) list[i].SessionId,
               (int) list[i].State, (unsigned long) list[i].ExecEnvId);
        print_w("station", list[i].pSessionName);
        print_w("host", list[i].pHostName);
        print_w("user", list[i].pUserName);
        print_w("domain", list[i].pDomainName);
        print_w("farm", list[i].pFarmName);
        end_line();
    }
    print_result("free", WTSFreeMemoryExW(WTSTypeSessionInfoLevel1, list, count));
}

static void list_ex_a(void)
{
    WTS_SESSION_INFO_1A *list;
    DWORD count, level = 1;

    if (!WTSEnumerateSessionsExA(server, &level, 0, &list, &count)) {
        print_result("list", false);
        return;
    }
    print_count("list", count);
    for (DWORD i = 0; i < count; i++) {
        printf("session id=%lu state=%d environment=%lu", (unsigned long) list[i].SessionId,
               (int) list[i].State, (unsigned long) list[i].ExecEnvId);
        print_a("station", list[i].pSessionName);
        print_a("host", list[i].pHostName);
        print_a("user", list[i].pUserName);
        print_a("domain", list[i].pDomainName);
        print_a("farm", list[i].pFarmName);
        end_line();
    }
    print_result("free", WTSFreeMemoryExA(WTSTypeSessionInfoLevel1, list, count));
}

/* ---- questions ------------------------------------------------------------------------------- */

static bool is_text(int class)
{
    return class <= WTSOEMId || class == WTSUserName || class == WTSWinStationName ||
           class == WTSDomainName || class == WTSClientName || class == WTSClientDirectory;
}

static void print_times(LARGE_INTEGER logon, LARGE_INTEGER connect, LARGE_INTEGER input)
{
    printf(" logon=%" PRId64 " connect=%" PRId64 " input=%" PRId64, (int64_t) logon.QuadPart,
           (int64_t) connect.QuadPart, (int64_t) input.QuadPart);
}

static void print_info_w(const void *buffer)
{
    const WTSINFOW *info = buffer;

    printf(" state=%d id=%lu now=%" PRId64, (int) info->State, (unsigned long) info->SessionId,
           (int64_t) info->_CurrentTime.QuadPart);
    print_times(info->LogonTime, info->ConnectTime, info->LastInputTime);
    print_w("station", info->WinStationName);
    print_w("domain", info->Domain);
    print_w("user", info->UserName);
}

static void print_info_a(const void *buffer)
{
    const WTSINFOA *info = buffer;

    printf(" state=%d id=%lu now=%" PRId64, (int) info->State, (unsigned long) info->SessionId,
           (int64_t) info->_CurrentTime.QuadPart);
    print_times(info->LogonTime, info->ConnectTime, info->LastInputTime);
    print_a("station", info->WinStationName);
    print_a("domain", info->Domain);
    print_a("user", info->UserName);
}

static void print_info_ex_w(const void *buffer)
{
    const WTSINFOEXW *info = buffer;
    const WTSINFOEX_LEVEL1_W *level = &info->Data.WTSInfoExLevel1;

    printf(" level=%lu state=%d id=%lu flags=%ld", (unsigned long) info->Level,
           (int) level->SessionState, (unsigned long) level->SessionId, (long) level->SessionFlags);
    print_times(level->LogonTime, level->ConnectTime, level->LastInputTime);
    print_w("station", level->WinStationName);
    print_w("domain", level->DomainName);
    print_w("user", level->UserName);
}

static void print_info_ex_a(const void *buffer)
{
    const WTSINFOEXA *info = buffer;
    const WTSINFOEX_LEVEL1_A *level = &info->Data.WTSInfoExLevel1;

    printf(" level=%lu state=%d id=%lu flags=%ld", (unsigned long) info->Level,
           (int) level->SessionState, (unsigned long) level->SessionId, (long) level->SessionFlags);
    print_times(level->LogonTime, level->ConnectTime, level->LastInputTime);
    print_a("station", level->WinStationName);
    print_a("domain", level->DomainName);
    print_a("user", level->UserName);
}

static void print_client_w(const void *buffer)
{
    const WTSCLIENTW *client = buffer;

    printf(" family=%lu", (unsigned long) client->ClientAddressFamily);
    print_w("client", client->ClientName);
    print_w("domain", client->Domain);
    print_w("user", client->UserName);
    print_w("address", client->ClientAddress);
}

static void print_client_a(const void *buffer)
{
    const WTSCLIENTA *client = buffer;

    printf(" family=%lu", (unsigned long) client->ClientAddressFamily);
    print_a("client", client->ClientName);
    print_a("domain", client->Domain);
    print_a("user", client->UserName);
    print_w("address", client->ClientAddress);
}

/* Prints structures by their fields, and other values as they lie in memory. */
static void print_value(int class, bool wide, const void *buffer, DWORD size)
{
    if (is_text(class) && wide) {
        print_w("value", buffer);
    } else if (is_text(class)) {
        print_a("value", buffer);
    } else if (class == WTSSessionInfo) {
        (wide ? print_info_w : print_info_a)(buffer);
    } else if (class == WTSSessionInfoEx) {
        (wide ? print_info_ex_w : print_info_ex_a)(buffer);
    } else if (class == WTSClientInfo) {
        (wide ? print_client_w : print_client_a)(buffer);
    } else {
        printf(" hex=x"); /* a text, whatever the digits */
        for (DWORD i = 0; i < size; i++) {
            printf("%02X", ((const unsigned char *) buffer)[i]);
        }
    }
}

static void query_one(DWORD session, int class, bool wide)
{
    LPWSTR text_w = NULL;
    LPSTR text_a = NULL;
    DWORD size = 77;
    bool good =
        wide ? WTSQuerySessionInformationW(server, session, (WTS_INFO_CLASS) class, &text_w, &size)
             : WTSQuerySessionInformationA(server, session, (WTS_INFO_CLASS) class, &text_a, &size);
    void *buffer = wide ? (void *) text_w : (void *) text_a;

    printf("query class=%d kind=%s size=%lu", class, wide ? "W" : "A", (unsigned long) size);
    if (good) {
        print_value(class, wide, buffer, size);
    } else {
        printf(" error=%lu%s", (unsigned long) GetLastError(), buffer ? " buffer=left" : "");
    }
    end_line();
    WTSFreeMemory(buffer);
}

static void query(DWORD session)
{
    for (int class = -1; class <= WTSIsRemoteSession + 1; class ++) {
        query_one(session, class, true);
        query_one(session, class, false);
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void wait_for(DWORD mask)
{
    DWORD events = 77;

    printf("waiting mask=%lu", (unsigned long) mask);
    end_line();
    if (WTSWaitSystemEvent(server, mask, &events)) {
        printf("event flags=%lu", (unsigned long) events);
    } else {
        printf("event error=%lu flags=%lu", (unsigned long) GetLastError(), (unsigned long) events);
    }
    end_line();
}

static void *wait_all(void *data)
{
    (void) data;
    wait_for(WTS_EVENT_ALL);
    return NULL;
}

/* A wait in a thread of its own: the commands go on. */
static pthread_t waiter;

static void background(void)
{
    if (pthread_create(&waiter, NULL, wait_all, NULL)) {
        abort();
    }
}

static void join(void)
{
    pthread_join(waiter, NULL);
}

static void process(void)
{
    printf("process id=%d", (int) getpid());
    end_line();
}

/* Whether the thread waits already cannot be seen: flushes until it has returned. */
static void flush(void)
{
    DWORD events = 77;
    bool good;

    do {
        good = WTSWaitSystemEvent(server, WTS_EVENT_FLUSH, &events);
    } while (good && events == WTS_EVENT_NONE && pthread_tryjoin_np(waiter, NULL) == EBUSY &&
             usleep(10000) == 0);
    print_result("flush", good && events == WTS_EVENT_NONE);
}

/* ---- many at once ---------------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *list_once(void *data)
{
    WTS_SESSION_INFOW *list;
    DWORD *count = data;

    pthread_barrier_wait(&barrier);
    if (WTSEnumerateSessionsW(server, 0, 1, &list, count)) {
        WTSFreeMemory(list);
    } else {
        *count = 0;
    }
    return NULL;
}

/* So many threads want the list. */
static void crowd(unsigned threads)
{
    pthread_t thread[64];
    DWORD counts[64] = {0}, sum = 0;

    if (threads > 64 || pthread_barrier_init(&barrier, NULL, threads)) {
        abort();
    }
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, list_once, &counts[i])) {
            abort();
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        sum += counts[i];
    }
    pthread_barrier_destroy(&barrier);
    print_count("crowd", sum);
}

/* ---- commands -------------------------------------------------------------------------------- */

static HANDLE open_any(const char *name, bool wide, bool ex)
{
    WCHAR wide_name[2048];
    char *narrow = strdup(name);
    HANDLE handle;

    wide_of(name, wide_name, sizeof wide_name / sizeof *wide_name);
    if (wide) {
        handle = ex ? WTSOpenServerExW(wide_name) : WTSOpenServerW(wide_name);
    } else {
        handle = ex ? WTSOpenServerExA(narrow) : WTSOpenServerA(narrow);
    }
    free(narrow);
    return handle;
}

static void open_server(const char *name, bool wide, bool ex)
{
    HANDLE handle = open_any(name, wide, ex);

    print_result("open", handle != NULL);
    server = handle ? handle : server;
}

static void send_message(DWORD session, const char *title, const char *text, bool wide, bool wait)
{
    WCHAR title_w[2048], text_w[2048];
    char title_a[2048], text_a[2048];
    DWORD response = 77;
    bool good;

    size_t title_size = wide_of(title, title_w, 2048), text_size = wide_of(text, text_w, 2048);
    snprintf(title_a, sizeof title_a, "%s", title);
    snprintf(text_a, sizeof text_a, "%s", text);
    if (wide) {
        good = WTSSendMessageW(server, session, title_w, (DWORD) title_size, text_w,
                               (DWORD) text_size, 0, 0, &response, wait);
    } else {
        good = WTSSendMessageA(server, session, title_a, (DWORD) strlen(title), text_a,
                               (DWORD) strlen(text), 0, 0, &response, wait);
    }
    printf("message response=%lu %s=%lu", (unsigned long) response, good ? "ok" : "error",
           good ? 1 : (unsigned long) GetLastError());
    end_line();
}

static DWORD number(const char *text)
{
    return (DWORD) strtoul(text, NULL, 0);
}

/* Carries out what begins at `words`; returns how many words that were. */
static int carry_out(char **words)
{
    const char *command = words[0];

    if (strncmp(command, "open", 4) == 0) { /* open, openA, openEx, openExA */
        open_server(words[1], !strchr(command, 'A'), strstr(command, "Ex") != NULL);
        return 2;
    }
    if (strcmp(command, "query") == 0) {
        query(number(words[1]));
        return 2;
    }
    if (strcmp(command, "crowd") == 0) {
        crowd(number(words[1]));
        return 2;
    }
    if (strcmp(command, "class") == 0) {
        query_one(number(words[1]), (int) number(words[2]), true);
        return 3;
    }
    if (strcmp(command, "disconnect") == 0) {
        print_result(command,
                     WTSDisconnectSession(server, number(words[1]), number(words[2]) != 0));
        return 3;
    }
    if (strcmp(command, "logoff") == 0) {
        print_result(command, WTSLogoffSession(server, number(words[1]), number(words[2]) != 0));
        return 3;
    }
    if (strncmp(command, "message", 7) == 0) { /* message, messageA, messageWait */
        send_message(number(words[1]), words[2], words[3], !strchr(command, 'A'),
                     strstr(command, "Wait") != NULL);
        return 4;
    }
    if (strcmp(command, "wait") == 0) {
        wait_for(number(words[1]));
        return 2;
    }
    return 0;
}

static void carry_out_word(const char *command)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } commands[] = {
        {"list", list_w},       {"listA", list_a},          {"listEx", list_ex_w},
        {"listExA", list_ex_a}, {"background", background}, {"join", join},
        {"flush", flush},       {"process", process},
    };

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(command, commands[i].name) == 0) {
            commands[i].run();
            return;
        }
    }
    if (strcmp(command, "console") == 0) {
        printf("console id=%lu", (unsigned long) WTSGetActiveConsoleSessionId());
        end_line();
    } else if (strcmp(command, "close") == 0) {
        WTSCloseServer(server);
        print_result(command, true);
    } else if (strcmp(command, "go") ==
               0) { /* a line on stdin says that the host is ready for the next command */
        char line[8];
        print_result(command, true);
        (void) !fgets(line, sizeof line, stdin);
    } else {
        fprintf(stderr, "wtsapi_client: what is %s?\n", command);
        exit(2);
    }
}

int main(int count, char **words)
{
    (void) count;
    for (words++; *words;) {
        int used = carry_out(words);
        if (!used) {
            carry_out_word(*words);
        }
        words += used ? used : 1;
    }
    return 0;
}
