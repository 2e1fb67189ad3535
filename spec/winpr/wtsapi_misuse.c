/* SPDX-License-Identifier: MIT */
/* wtsapi_misuse.c - what no caller should do, and what no host of ours can do: each is refused with
 * its error. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <winpr/wtsapi.h>

#include "check.h"
#include "wide.h"

static HANDLE server;
static WCHAR text[] = {'x', 0};
static char narrow[] = "x";

/* libwinpr takes an entry that is missing for a call that fails, with no error. */
static void table_is_full(void)
{
    const char *path = getenv("WTSAPI_LIBRARY");
    void *library = path ? dlopen(path, RTLD_NOW) : NULL,
         *symbol = library ? dlsym(library, "InitWtsApi") : NULL;
    INIT_WTSAPI_FN init;

    CHECK(symbol);
    memcpy(&init, &symbol, sizeof init);
    const WtsApiFunctionTable *table = init();
    CHECK(table && table == init());
    for (size_t at = 2 * sizeof(DWORD); at < sizeof *table; at += sizeof(void *)) {
        void *entry;
        memcpy(&entry, (const char *) table + at, sizeof entry);
        CHECK(entry);
    }
}

/* Of Windows; ERROR_INVALID_USER_BUFFER is what it says of a question without a place for the
 * answer. */
static void outputs(void)
{
    WTS_SESSION_INFOW *list;
    WTS_SESSION_INFOA *list_a;
    WTS_SESSION_INFO_1W *ex;
    WTS_SESSION_INFO_1A *ex_a;
    LPWSTR buffer;
    LPSTR buffer_a;
    DWORD count = 77, level = 1;

    REFUSED(WTSEnumerateSessionsW(server, 0, 1, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsW(server, 0, 1, &list, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsA(server, 0, 1, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsA(server, 0, 1, &list_a, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExW(server, NULL, 0, &ex, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExW(server, &level, 0, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExW(server, &level, 0, &ex, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExA(server, &level, 0, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExA(server, &level, 0, &ex_a, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(WTSQuerySessionInformationW(server, 1, WTSUserName, NULL, &count),
            ERROR_INVALID_USER_BUFFER);
    REFUSED(WTSQuerySessionInformationW(server, 1, WTSUserName, &buffer, NULL),
            ERROR_INVALID_USER_BUFFER);
    REFUSED(WTSQuerySessionInformationA(server, 1, WTSUserName, NULL, &count),
            ERROR_INVALID_USER_BUFFER);
    REFUSED(WTSQuerySessionInformationA(server, 1, WTSUserName, &buffer_a, NULL),
            ERROR_INVALID_USER_BUFFER);
    CHECK(count == 77);
    REFUSED(WTSWaitSystemEvent(server, WTS_EVENT_ALL, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(WTSSendMessageW(server, 1, text, 2, text, 2, 0, 0, NULL, FALSE),
            ERROR_INVALID_PARAMETER);
}

/* Whatever a failed call was given as outputs is nothing behind it. */
static void parameters(void)
{
    WTS_SESSION_INFOW *list = (void *) text;
    WTS_SESSION_INFO_1W *ex = (void *) text;
    WTS_SERVER_INFOW *servers = (void *) text;
    DWORD count = 77, level = 0, events = 77, response = 77;

    REFUSED(WTSEnumerateSessionsW(server, 1, 1, &list, &count), ERROR_INVALID_PARAMETER);
    CHECK(!list && count == 0);
    REFUSED(WTSEnumerateSessionsW(server, 0, 2, &list, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateSessionsExW(server, &level, 0, &ex, &count), ERROR_INVALID_PARAMETER);
    CHECK(!ex && count == 0 && level == 0);
    level = 1;
    REFUSED(WTSEnumerateSessionsExW(server, &level, 1, &ex, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSWaitSystemEvent(server, 0, &events), ERROR_INVALID_PARAMETER);
    REFUSED(WTSFreeMemoryExW((WTS_TYPE_CLASS) 3, NULL, 0), ERROR_INVALID_PARAMETER);
    REFUSED(WTSFreeMemoryExA((WTS_TYPE_CLASS) -1, NULL, 0), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateServersW(NULL, 1, 1, &servers, &count), ERROR_INVALID_PARAMETER);
    CHECK(!servers);
    REFUSED(WTSEnumerateServersW(NULL, 0, 0, &servers, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSEnumerateServersW(NULL, 0, 1, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(WTSSendMessageW(server, 1, NULL, 2, text, 2, 0, 0, &response, FALSE),
            ERROR_INVALID_PARAMETER);
    CHECK(response == 0);
    REFUSED(WTSSendMessageW(server, 1, NULL, 0, NULL, 2, 0, 0, &response, FALSE),
            ERROR_INVALID_PARAMETER);
    REFUSED(WTSSendMessageW(server, 1, NULL, 0, text, 0, 0, 0, &response, FALSE),
            ERROR_INVALID_PARAMETER);
    REFUSED(WTSSendMessageW(server, 1, NULL, 0, text, 2, 0, 0, &response, TRUE),
            ERROR_NOT_SUPPORTED);
}

static void texts(void)
{
    static WCHAR halves[] = {0xD800, 'x', 0}, tail[] = {'x', 0xDC00, 0},
                 cut[] = {0xD83D, 0xDE00, 0};
    static char broken[] = "x\xC3", half[] = "x\xC3\xA4", over[] = "\xC0\x80",
                surrogate[] = "\xED\xA0\x80", beyond[] = "\xF4\x90\x80\x80";
    DWORD response;

    REFUSED(WTSSendMessageW(server, 1, NULL, 0, halves, 4, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageW(server, 1, tail, 4, text, 2, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageW(server, 1, NULL, 0, cut, 2, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageA(server, 1, NULL, 0, broken, 2, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageA(server, 1, NULL, 0, half, 2, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageA(server, 1, over, 2, narrow, 1, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageA(server, 1, surrogate, 3, narrow, 1, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    REFUSED(WTSSendMessageA(server, 1, beyond, 4, narrow, 1, 0, 0, &response, FALSE),
            ERROR_NO_UNICODE_TRANSLATION);
    /* A character that is whole is sent; there is no such host. */
    REFUSED(WTSSendMessageW(server, 1, NULL, 0, cut, 4, 0, 0, &response, FALSE),
            RPC_S_SERVER_UNAVAILABLE);
    REFUSED(WTSOpenServerW(halves), ERROR_INVALID_COMPUTERNAME);
    REFUSED(WTSOpenServerA(broken), ERROR_INVALID_COMPUTERNAME);
}

/* Numbers that never were handles, and one that is no more. */
static void handles(void)
{
    HANDLE closed = WTSOpenServerA(narrow), other = WTSOpenServerA(narrow),
           wrong[] = {
               closed,
               INVALID_HANDLE_VALUE,
               (HANDLE) 1,
               &closed,
           };
    WTS_SESSION_INFOW *list;
    DWORD count;

    CHECK(closed && other && closed != other);
    WTSCloseServer(closed);
    WTSCloseServer(closed);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        LPWSTR buffer;
        DWORD response;
        REFUSED(WTSEnumerateSessionsW(wrong[i], 0, 1, &list, &count), ERROR_INVALID_HANDLE);
        REFUSED(WTSQuerySessionInformationW(wrong[i], 1, WTSUserName, &buffer, &count),
                ERROR_INVALID_HANDLE);
        REFUSED(WTSLogoffSession(wrong[i], 1, FALSE), ERROR_INVALID_HANDLE);
        REFUSED(WTSDisconnectSession(wrong[i], 1, TRUE), ERROR_INVALID_HANDLE);
        REFUSED(WTSSendMessageW(wrong[i], 1, NULL, 0, text, 2, 0, 0, &response, FALSE),
                ERROR_INVALID_HANDLE);
        REFUSED(WTSWaitSystemEvent(wrong[i], WTS_EVENT_ALL, &count), ERROR_INVALID_HANDLE);
        WTSCloseServer(wrong[i]);
    }
    WTSCloseServer(WTS_CURRENT_SERVER_HANDLE);
    HANDLE third = WTSOpenServerA(narrow);
    CHECK(third && third != closed && third != other);
    WTSCloseServer(other);
    WTSCloseServer(third);
}

static void memory(void)
{
    WTS_SERVER_INFOW *servers;
    WTS_SERVER_INFOA *servers_a;
    DWORD count = 77;

    CHECK(WTSEnumerateServersW(NULL, 0, 1, &servers, &count) && servers && count == 0);
    WTSFreeMemory(servers);
    CHECK(WTSEnumerateServersA(NULL, 0, 1, &servers_a, &count) && servers_a && count == 0);
    WTSFreeMemory(servers_a);
    WTSFreeMemory(NULL);
    for (int class = 0; class < 3; class ++) {
        CHECK(WTSFreeMemoryExW((WTS_TYPE_CLASS) class, NULL, 0));
        CHECK(WTSFreeMemoryExA((WTS_TYPE_CLASS) class, NULL, 5));
    }
}

/* What the API has, and no host of ours. */
static void others(void)
{
    WTS_PROCESS_INFOW *processes = (void *) text;
    WTS_PROCESS_INFOA *processes_a = (void *) text;
    LPWSTR buffer = text;
    LPSTR buffer_a = narrow;
    DWORD count = 77, level = 1;
    ULONG number = 77;
    HANDLE token = &count;
    BOOL enabled = TRUE;
    void *data = &count;
    char bytes[8];
    const DWORD no = ERROR_NOT_SUPPORTED;

    REFUSED(WTSEnumerateProcessesW(server, 0, 1, &processes, &count), no);
    CHECK(!processes && count == 0);
    REFUSED(WTSEnumerateProcessesA(server, 0, 1, &processes_a, &count), no);
    REFUSED(WTSEnumerateProcessesExW(server, &level, 1, &buffer, &count), no);
    CHECK(!buffer);
    REFUSED(WTSEnumerateProcessesExA(server, &level, 1, &buffer_a, &count), no);
    REFUSED(WTSTerminateProcess(server, 1, 0), no);
    buffer = text;
    count = 77;
    REFUSED(WTSQueryUserConfigW(text, text, WTSUserConfigInitialProgram, &buffer, &count), no);
    CHECK(!buffer && count == 0);
    REFUSED(WTSQueryUserConfigA(narrow, narrow, WTSUserConfigInitialProgram, &buffer_a, &count),
            no);
    REFUSED(WTSSetUserConfigW(text, text, WTSUserConfigInitialProgram, text, 1), no);
    REFUSED(WTSSetUserConfigA(narrow, narrow, WTSUserConfigInitialProgram, narrow, 1), no);
    REFUSED(WTSShutdownSystem(server, WTS_WSD_LOGOFF), no);
    REFUSED(WTSVirtualChannelOpen(server, 1, narrow), no);
    REFUSED(WTSVirtualChannelOpenEx(1, narrow, 0), no);
    REFUSED(WTSVirtualChannelClose(server), no);
    number = 77;
    REFUSED(WTSVirtualChannelRead(server, 0, bytes, sizeof bytes, &number), no);
    CHECK(number == 0);
    REFUSED(WTSVirtualChannelWrite(server, bytes, sizeof bytes, &number), no);
    REFUSED(WTSVirtualChannelPurgeInput(server), no);
    REFUSED(WTSVirtualChannelPurgeOutput(server), no);
    REFUSED(WTSVirtualChannelQuery(server, WTSVirtualClientData, &data, &count), no);
    CHECK(!data);
    REFUSED(WTSRegisterSessionNotification(NULL, NOTIFY_FOR_ALL_SESSIONS), no);
    REFUSED(WTSUnRegisterSessionNotification(NULL), no);
    REFUSED(WTSRegisterSessionNotificationEx(server, NULL, NOTIFY_FOR_ALL_SESSIONS), no);
    REFUSED(WTSUnRegisterSessionNotificationEx(server, NULL), no);
    REFUSED(WTSQueryUserToken(1, &token), no);
    CHECK(!token);
    REFUSED(WTSStopRemoteControlSession(1), no);
    REFUSED(WTSStartRemoteControlSessionW(text, 1, 0, 0), no);
    REFUSED(WTSStartRemoteControlSessionA(narrow, 1, 0, 0), no);
    REFUSED(WTSConnectSessionW(1, 2, text, FALSE), no);
    REFUSED(WTSConnectSessionA(1, 2, narrow, FALSE), no);
    REFUSED(WTSEnableChildSessions(TRUE), no);
    REFUSED(WTSIsChildSessionsEnabled(&enabled), no);
    CHECK(!enabled);
    REFUSED(WTSGetChildSessionId(&number), no);
    count = 77;
    REFUSED(WTSEnumerateListenersW(server, NULL, 0, NULL, &count), no);
    CHECK(count == 0);
    REFUSED(WTSEnumerateListenersA(server, NULL, 0, NULL, &count), no);
    REFUSED(WTSQueryListenerConfigW(server, NULL, 0, text, NULL), no);
    REFUSED(WTSQueryListenerConfigA(server, NULL, 0, narrow, NULL), no);
    REFUSED(WTSCreateListenerW(server, NULL, 0, text, NULL, 0), no);
    REFUSED(WTSCreateListenerA(server, NULL, 0, narrow, NULL, 0), no);
    REFUSED(WTSSetListenerSecurityW(server, NULL, 0, text, 0, NULL), no);
    REFUSED(WTSSetListenerSecurityA(server, NULL, 0, narrow, 0, NULL), no);
    count = 77;
    REFUSED(WTSGetListenerSecurityW(server, NULL, 0, text, 0, NULL, 0, &count), no);
    CHECK(count == 0);
    REFUSED(WTSGetListenerSecurityA(server, NULL, 0, narrow, 0, NULL, 0, NULL), no);
}

int main(void)
{
    static char address[] = "logind:///run/no-such-bus/socket";

    table_is_full();
    server = WTSOpenServerExA(address);
    CHECK(server);
    outputs();
    parameters();
    texts();
    handles();
    memory();
    others();
    WTSCloseServer(server);
    puts("fine");
    return 0;
}
