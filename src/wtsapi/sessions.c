/* SPDX-License-Identifier: MIT */
/* sessions.c - the lists, and memory.
 *
 * What callers get is one block each, with the texts after the structures: so one free() frees it,
 * whichever function the program calls. */
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

/* Writes texts one after the other. */
struct writer {
    char *place, *end;
    size_t unit;
};

static void *put(struct writer *writer, const char *text)
{
    void *at = writer->place;
    size_t size = wtsapi_text_size(text, writer->unit);

    wtsapi_text_put(at, (size_t) (writer->end - writer->place), writer->unit, text);
    writer->place += size;
    return at;
}

static void *put_unless_empty(struct writer *writer, const char *text)
{
    return *text ? put(writer, text) : NULL;
}

/* A block for `count` structures of `size` bytes, and their texts.  NULL: out of memory. */
static void *make_block(const struct list *list, size_t size, bool whole, struct writer *writer)
{
    size_t texts = writer->unit; /* never 0: malloc(0) may return NULL */
    struct view view;

    for (size_t i = 0; i < list->count; i++) {
        wtsapi_view(&view, &list->sessions[i]);
        texts += wtsapi_text_size(view.station, writer->unit);
        texts += whole ? wtsapi_text_size(view.user, writer->unit) +
                             wtsapi_text_size(view.domain, writer->unit)
                       : 0;
    }
    char *block = calloc(1, list->count * size + texts);
    if (block) {
        writer->place = block + list->count * size;
        writer->end = writer->place + texts;
    }
    return block;
}

static DWORD get_list(HANDLE handle, bool recent, struct list **ret_list)
{
    struct server *server;
    DWORD error = wtsapi_server_get(handle, &server);

    if (!error) {
        error = wtsapi_list_get(server, recent, ret_list);
        wtsapi_server_put(server);
    }
    return error;
}

/* ---- level 0 --------------------------------------------------------------------------------- */

/* The W and A structures have the same layout, and are filled in as the W ones. */
_Static_assert(sizeof(WTS_SESSION_INFOW) == sizeof(WTS_SESSION_INFOA), "both have pointers");
_Static_assert(sizeof(WTS_SESSION_INFO_1W) == sizeof(WTS_SESSION_INFO_1A), "both have pointers");

static DWORD fill(const struct list *list, size_t unit, WTS_SESSION_INFOW **ret_sessions)
{
    struct writer writer = {.unit = unit};
    WTS_SESSION_INFOW *sessions = make_block(list, sizeof *sessions, false, &writer);
    struct view view;

    for (size_t i = 0; sessions && i < list->count; i++) {
        wtsapi_view(&view, &list->sessions[i]);
        sessions[i].SessionId = view.number;
        sessions[i].State = view.state;
        sessions[i].pWinStationName = put(&writer, view.station);
    }
    *ret_sessions = sessions;
    return sessions ? 0 : ERROR_OUTOFMEMORY;
}

static BOOL enumerate(HANDLE handle, DWORD reserved, DWORD version, size_t unit,
                      WTS_SESSION_INFOW **ret_sessions, DWORD *ret_count)
{
    struct list *list;

    if (!ret_sessions || !ret_count) {
        return wtsapi_result(ERROR_INVALID_PARAMETER);
    }
    *ret_sessions = NULL;
    *ret_count = 0;
    DWORD error =
        reserved || version != 1 ? ERROR_INVALID_PARAMETER : get_list(handle, false, &list);
    if (!error) {
        error = fill(list, unit, ret_sessions);
        *ret_count = error ? 0 : (DWORD) list->count;
        wtsapi_list_put(list);
    }
    return wtsapi_result(error);
}

BOOL wtsapi_enumerate_sessions_w(HANDLE handle, DWORD reserved, DWORD version,
                                 PWTS_SESSION_INFOW *ret_sessions, DWORD *ret_count)
{
    return enumerate(handle, reserved, version, sizeof(WCHAR), ret_sessions, ret_count);
}

BOOL wtsapi_enumerate_sessions_a(HANDLE handle, DWORD reserved, DWORD version,
                                 PWTS_SESSION_INFOA *ret_sessions, DWORD *ret_count)
{
    WTS_SESSION_INFOW *sessions = NULL;
    BOOL good = enumerate(handle, reserved, version, sizeof(CHAR), ret_sessions ? &sessions : NULL,
                          ret_count);

    if (ret_sessions) {
        *ret_sessions = (void *) sessions;
    }
    return good;
}

/* ---- level 1 --------------------------------------------------------------------------------- */

static DWORD fill_ex(const struct list *list, size_t unit, WTS_SESSION_INFO_1W **ret_sessions)
{
    struct writer writer = {.unit = unit};
    WTS_SESSION_INFO_1W *sessions = make_block(list, sizeof *sessions, true, &writer);
    struct view view;

    for (size_t i = 0; sessions && i < list->count; i++) {
        wtsapi_view(&view, &list->sessions[i]);
        sessions[i].ExecEnvId = sessions[i].SessionId = view.number;
        sessions[i].State = view.state;
        sessions[i].pSessionName = put(&writer, view.station);
        sessions[i].pUserName = put_unless_empty(&writer, view.user);
        sessions[i].pDomainName = put_unless_empty(&writer, view.domain);
    }
    *ret_sessions = sessions;
    return sessions ? 0 : ERROR_OUTOFMEMORY;
}

static BOOL enumerate_ex(HANDLE handle, const DWORD *level, DWORD filter, size_t unit,
                         WTS_SESSION_INFO_1W **ret_sessions, DWORD *ret_count)
{
    struct list *list;

    if (!level || !ret_sessions || !ret_count) {
        return wtsapi_result(ERROR_INVALID_PARAMETER);
    }
    *ret_sessions = NULL;
    *ret_count = 0;
    DWORD error = *level != 1 || filter ? ERROR_INVALID_PARAMETER : get_list(handle, false, &list);
    if (!error) {
        error = fill_ex(list, unit, ret_sessions);
        *ret_count = error ? 0 : (DWORD) list->count;
        wtsapi_list_put(list);
    }
    return wtsapi_result(error);
}

BOOL wtsapi_enumerate_sessions_ex_w(HANDLE handle, DWORD *level, DWORD filter,
                                    PWTS_SESSION_INFO_1W *ret_sessions, DWORD *ret_count)
{
    return enumerate_ex(handle, level, filter, sizeof(WCHAR), ret_sessions, ret_count);
}

BOOL wtsapi_enumerate_sessions_ex_a(HANDLE handle, DWORD *level, DWORD filter,
                                    PWTS_SESSION_INFO_1A *ret_sessions, DWORD *ret_count)
{
    WTS_SESSION_INFO_1W *sessions = NULL;
    BOOL good = enumerate_ex(handle, level, filter, sizeof(CHAR), ret_sessions ? &sessions : NULL,
                             ret_count);

    if (ret_sessions) {
        *ret_sessions = (void *) sessions;
    }
    return good;
}

/* ---- others ---------------------------------------------------------------------------------- */

DWORD wtsapi_console_session(void)
{
    DWORD number = WTSAPI_NO_SESSION;
    struct list *list;
    DWORD error = get_list(WTS_CURRENT_SERVER_HANDLE, true, &list);

    if (error) {
        SetLastError(error);
        return number;
    }
    for (size_t i = 0; i < list->count && number == WTSAPI_NO_SESSION; i++) {
        number =
            wtsapi_view_console(&list->sessions[i].session) ? list->sessions[i].number : number;
    }
    wtsapi_list_put(list);
    return number;
}

VOID wtsapi_free_memory(PVOID memory)
{
    free(memory);
}

BOOL wtsapi_free_memory_ex(WTS_TYPE_CLASS type, PVOID memory, ULONG count)
{
    (void) count;
    if ((unsigned) type > WTSTypeSessionInfoLevel1) {
        return wtsapi_result(ERROR_INVALID_PARAMETER);
    }
    free(memory);
    return TRUE;
}
