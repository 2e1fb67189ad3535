/* SPDX-License-Identifier: MIT */
/* query.c - questions about one session. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wtsapi/wtsapi.h"

/* ---- structures ------------------------------------------------------------------------------ */

/* Puts a text into an array of characters of either kind. */
#define PUT(array, text) wtsapi_text_put((array), sizeof(array), sizeof *(array), (text))

/* 100-nanosecond units since 1601; `seconds` are since 1970; if not known, the result is 0. */
static LARGE_INTEGER time_of(double seconds)
{
    const int64_t units = 10000000, seconds_to_1970 = 11644473600;
    LARGE_INTEGER time = {.QuadPart = 0};

    if (seconds > 0 && seconds < 1e11) {
        int64_t whole = (int64_t) seconds;
        time.QuadPart = (whole + seconds_to_1970) * units +
                        (int64_t) ((seconds - (double) whole) * (double) units);
    }
    return time;
}

static LARGE_INTEGER current_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return time_of((double) now.tv_sec + (double) now.tv_nsec / 1e9);
}

/* Defined for W and A.  Fields that no host tells stay 0. */
#define FILL_INFO(kind) \
    static void fill_info_##kind(void *room, const struct view *view) \
    { \
        WTSINFO##kind *info = room; \
\
        info->State = view->state; \
        info->SessionId = view->number; \
        PUT(info->WinStationName, view->station); \
        PUT(info->Domain, view->domain); \
        PUT(info->UserName, view->user); \
        info->LogonTime = time_of(view->logon_time); \
        info->ConnectTime = time_of(view->connect_time); \
        info->LastInputTime = time_of(view->idle_since); \
        info->_CurrentTime = current_time(); \
    }
FILL_INFO(W)
FILL_INFO(A)

#define FILL_INFO_EX(kind) \
    static void fill_info_ex_##kind(void *room, const struct view *view) \
    { \
        WTSINFOEX##kind *info = room; \
        WTSINFOEX_LEVEL1_##kind *level = &info->Data.WTSInfoExLevel1; \
\
        info->Level = 1; \
        level->SessionId = view->number; \
        level->SessionState = view->state; \
        level->SessionFlags = view->lock; \
        PUT(level->WinStationName, view->station); \
        PUT(level->UserName, view->user); \
        PUT(level->DomainName, view->domain); \
        level->LogonTime = time_of(view->logon_time); \
        level->ConnectTime = time_of(view->connect_time); \
        level->LastInputTime = time_of(view->idle_since); \
        level->_CurrentTime = current_time(); \
    }
FILL_INFO_EX(W)
FILL_INFO_EX(A)

/* The address is a text here, in 16-bit characters both in W and in A. */
#define FILL_CLIENT(kind) \
    static void fill_client_##kind(void *room, const struct view *view) \
    { \
        WTSCLIENT##kind *client = room; \
\
        PUT(client->ClientName, view->client); \
        PUT(client->Domain, view->domain); \
        PUT(client->UserName, view->user); \
        client->ClientAddressFamily = view->family; \
        PUT(client->ClientAddress, view->family ? view->host : ""); \
    }
FILL_CLIENT(W)
FILL_CLIENT(A)

/* As Windows has it, the address begins at the third byte. */
static void fill_address(void *room, const struct view *view)
{
    WTS_CLIENT_ADDRESS *address = room;

    address->AddressFamily = view->family;
    memcpy(address->Address + 2, view->address, sizeof view->address);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void fill_number(void *room, const struct view *view)
{
    memcpy(room, &view->number, sizeof view->number);
}

static void fill_state(void *room, const struct view *view)
{
    memcpy(room, &view->state, sizeof view->state);
}

/* Any remote session counts as RDP: this API has no other number for them. */
static void fill_protocol(void *room, const struct view *view)
{
    USHORT protocol = view->remote ? WTS_PROTOCOL_TYPE_RDP : WTS_PROTOCOL_TYPE_CONSOLE;

    memcpy(room, &protocol, sizeof protocol);
}

static void fill_remote(void *room, const struct view *view)
{
    *(BYTE *) room = view->remote;
}

static void fill_nothing(void *room, const struct view *view)
{
    (void) room;
    (void) view;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static const char *text_empty(const struct view *view)
{
    (void) view;
    return "";
}

static const char *text_user(const struct view *view)
{
    return view->user;
}

static const char *text_station(const struct view *view)
{
    return view->station;
}

static const char *text_domain(const struct view *view)
{
    return view->domain;
}

static const char *text_client(const struct view *view)
{
    return view->client;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* How a class of information is answered: by a text, or by a structure that `fill` fills in;
 * neither: no host can tell. */
struct class
{
    const char *(*text)(const struct view *view);
    void (*fill_w)(void *room, const struct view *view);
    void (*fill_a)(void *room, const struct view *view);
    size_t size_w, size_a;
};

#define TEXT(name) \
    { \
        .text = text_##name \
    }
#define BYTES(name, type) \
    { \
        .fill_w = fill_##name, .fill_a = fill_##name, .size_w = sizeof(type), \
        .size_a = sizeof(type) \
    }
#define BOTH(name, type) \
    { \
        .fill_w = fill_##name##_W, .fill_a = fill_##name##_A, .size_w = sizeof(type##W), \
        .size_a = sizeof(type##A) \
    }

static const struct class classes[] = {
    [WTSInitialProgram] = TEXT(empty),
    [WTSApplicationName] = TEXT(empty),
    [WTSWorkingDirectory] = TEXT(empty),
    [WTSOEMId] = TEXT(empty),
    [WTSSessionId] = BYTES(number, ULONG),
    [WTSUserName] = TEXT(user),
    [WTSWinStationName] = TEXT(station),
    [WTSDomainName] = TEXT(domain),
    [WTSConnectState] = BYTES(state, WTS_CONNECTSTATE_CLASS),
    [WTSClientBuildNumber] = BYTES(nothing, ULONG),
    [WTSClientName] = TEXT(client),
    [WTSClientDirectory] = TEXT(empty),
    [WTSClientProductId] = BYTES(nothing, USHORT),
    [WTSClientHardwareId] = BYTES(nothing, ULONG),
    [WTSClientAddress] = BYTES(address, WTS_CLIENT_ADDRESS),
    [WTSClientDisplay] = BYTES(nothing, WTS_CLIENT_DISPLAY),
    [WTSClientProtocolType] = BYTES(protocol, USHORT),
    [WTSClientInfo] = BOTH(client, WTSCLIENT),
    [WTSSessionInfo] = BOTH(info, WTSINFO),
    [WTSSessionInfoEx] = BOTH(info_ex, WTSINFOEX),
    [WTSIsRemoteSession] = BYTES(remote, BYTE),
};

static DWORD check_class(WTS_INFO_CLASS number)
{
    if ((size_t) number >= sizeof classes / sizeof *classes) {
        return ERROR_INVALID_PARAMETER;
    }
    return classes[number].text || classes[number].fill_w ? 0 : ERROR_NOT_SUPPORTED;
}

/* Makes the answer, in a block that the program frees; NULL: out of memory. */
static void *answer(const struct class *class, size_t unit, const struct view *view,
                    size_t *ret_size)
{
    const char *text = class->text ? class->text(view) : NULL;
    size_t size = text                    ? wtsapi_text_size(text, unit)
                  : unit == sizeof(WCHAR) ? class->size_w
                                          : class->size_a;
    void *room = calloc(1, size);

    if (room && text) {
        wtsapi_text_put(room, size, unit, text);
    } else if (room) {
        (unit == sizeof(WCHAR) ? class->fill_w : class->fill_a)(room, view);
    }
    *ret_size = size;
    return room;
}

/* ---- the question ---------------------------------------------------------------------------- */

static const struct listed *find(const struct list *list, DWORD session)
{
    return session == WTS_CURRENT_SESSION ? wtsapi_list_own(list) : wtsapi_list_find(list, session);
}

/* A session that is not in the recent list may be new: a fresh list is asked for then. */
static DWORD find_session(struct server *server, DWORD session, struct list **ret_list,
                          const struct listed **ret_listed)
{
    double now = wtsapi_now();
    struct list *list;
    DWORD error = wtsapi_list_get(server, true, &list);

    if (!error && list->asked < now && !find(list, session)) {
        wtsapi_list_put(list);
        error = wtsapi_list_get(server, false, &list);
    }
    if (error) {
        return error;
    }
    *ret_listed = find(list, session);
    if (!*ret_listed) {
        wtsapi_list_put(list);
        return ERROR_FILE_NOT_FOUND;
    }
    *ret_list = list;
    return 0;
}

static DWORD ask(HANDLE handle, DWORD session, const struct class *class, size_t unit,
                 void **ret_buffer, DWORD *ret_size)
{
    const struct listed *listed;
    struct server *server;
    struct view view;
    struct list *list;
    size_t size;
    DWORD error = wtsapi_server_get(handle, &server);

    if (error) {
        return error;
    }
    error = find_session(server, session, &list, &listed);
    wtsapi_server_put(server);
    if (error) {
        return error;
    }
    wtsapi_view(&view, listed);
    *ret_buffer = answer(class, unit, &view, &size);
    *ret_size = *ret_buffer ? (DWORD) size : 0;
    wtsapi_list_put(list);
    return *ret_buffer ? 0 : ERROR_OUTOFMEMORY;
}

static BOOL query(HANDLE handle, DWORD session, WTS_INFO_CLASS class, size_t unit,
                  void **ret_buffer, DWORD *ret_size)
{
    if (!ret_buffer || !ret_size) {
        return wtsapi_result(ERROR_INVALID_USER_BUFFER);
    }
    *ret_buffer = NULL;
    *ret_size = 0;
    DWORD error = check_class(class);
    return wtsapi_result(error ? error
                               : ask(handle, session, &classes[class], unit, ret_buffer, ret_size));
}

BOOL wtsapi_query_w(HANDLE handle, DWORD session, WTS_INFO_CLASS class, LPWSTR *ret_buffer,
                    DWORD *ret_size)
{
    void *buffer = NULL;
    BOOL good = query(handle, session, class, sizeof(WCHAR), ret_buffer ? &buffer : NULL, ret_size);

    if (ret_buffer) {
        *ret_buffer = buffer;
    }
    return good;
}

BOOL wtsapi_query_a(HANDLE handle, DWORD session, WTS_INFO_CLASS class, LPSTR *ret_buffer,
                    DWORD *ret_size)
{
    void *buffer = NULL;
    BOOL good = query(handle, session, class, sizeof(CHAR), ret_buffer ? &buffer : NULL, ret_size);

    if (ret_buffer) {
        *ret_buffer = buffer;
    }
    return good;
}
