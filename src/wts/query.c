/* SPDX-License-Identifier: MIT */
/* query.c - what the API tells of one session.  Everything here runs on threads, except for the
 * functions about states. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wts.h"

/* Asks for `what`: *ret_answer has *ret_size bytes, and has to be freed by WTSFreeMemory(). */
static bool query(const struct wts_server *server, DWORD id, WTS_INFO_CLASS what, void **ret_answer,
                  DWORD *ret_size, struct wts_fault *ret_fault)
{
    LPWSTR answer = NULL;
    DWORD size = 0;

    SetLastError(0);
    if (!WTSQuerySessionInformationW(server->handle, id, what, &answer, &size)) {
        wts_fault_read(ret_fault);
        return false;
    }
    if (!answer) {
        wts_fault_set(ret_fault, WMS_E_PROTOCOL,
                      "the session API says that it has answered, and gives no answer");
        return false;
    }
    *ret_answer = answer;
    *ret_size = size;
    return true;
}

static bool read_info(const WTSINFOEXW *answer, DWORD size, DWORD id, struct wts_info *ret_info)
{
    const WTSINFOEX_LEVEL1_W *level = &answer->Data.WTSInfoExLevel1;

    if (size < sizeof *answer || size > WTS_ANSWER_MAX || answer->Level != 1 ||
        level->SessionId != id) {
        return false;
    }
    *ret_info = (struct wts_info){.state = level->SessionState, .locked = -1};
    if ((DWORD) level->SessionFlags == WTS_SESSIONSTATE_LOCK) {
        ret_info->locked = 1;
    } else if ((DWORD) level->SessionFlags == WTS_SESSIONSTATE_UNLOCK) {
        ret_info->locked = 0;
    }
    ret_info->logged_on = level->LogonTime.QuadPart;
    ret_info->last_input = level->LastInputTime.QuadPart;
    wts_utf8(ret_info->win_station, level->WinStationName,
             sizeof level->WinStationName / sizeof(WCHAR));
    wts_utf8(ret_info->user_name, level->UserName, sizeof level->UserName / sizeof(WCHAR));
    wts_utf8(ret_info->domain_name, level->DomainName, sizeof level->DomainName / sizeof(WCHAR));
    return true;
}

bool wts_query_info(const struct wts_server *server, DWORD id, struct wts_info *ret_info,
                    struct wts_fault *ret_fault)
{
    void *answer;
    DWORD size;

    if (!query(server, id, WTSSessionInfoEx, &answer, &size, ret_fault)) {
        return false;
    }
    bool sound = read_info(answer, size, id, ret_info);
    WTSFreeMemory(answer);
    if (!sound) {
        wts_fault_set(
            ret_fault, WMS_E_PROTOCOL,
            "what the session API tells of a session has not the form that it should have");
    }
    return sound;
}

void wts_info_identity(const struct wts_info *info, char room[WTS_IDENTITY_ROOM])
{
    int length = snprintf(room, WTS_IDENTITY_ROOM, "%s\\%s", info->domain_name, info->user_name);

    if (info->logged_on > 0 && length > 0) {
        snprintf(room + length, WTS_IDENTITY_ROOM - (size_t) length, "@%lld",
                 (long long) info->logged_on);
    }
}

double wts_seconds(int64_t time)
{
    const int64_t units = 10000000, of_1970 = 11644473600 * units;

    return time > of_1970 ? (double) (time - of_1970) / (double) units : -1;
}

bool wts_query_text(const struct wts_server *server, DWORD id, WTS_INFO_CLASS what, char **ret_text)
{
    struct wts_fault fault;
    void *answer;
    DWORD size;

    *ret_text = NULL;
    if (!query(server, id, what, &answer, &size, &fault)) {
        return true; /* no error: not every host tells everything */
    }
    size_t units = size / sizeof(WCHAR);
    const WCHAR *text = answer;
    if (units > 0 && units <= WTS_TEXT_MAX && text[0]) {
        *ret_text = malloc(3 * units + 1);
        if (*ret_text) {
            wts_utf8(*ret_text, text, units);
        }
    }
    bool fits = *ret_text || units == 0 || units > WTS_TEXT_MAX || !text[0];
    WTSFreeMemory(answer);
    return fits;
}

bool wts_query_own(const struct wts_server *server, DWORD *ret_id)
{
    struct wts_fault fault;
    void *answer;
    DWORD size;

    if (!server->is_here ||
        !query(server, WTS_CURRENT_SESSION, WTSSessionId, &answer, &size, &fault)) {
        return false;
    }
    bool sound = size >= sizeof *ret_id && size <= WTS_ANSWER_MAX;
    if (sound) {
        memcpy(ret_id, answer, sizeof *ret_id);
    }
    WTSFreeMemory(answer);
    return sound;
}

/* ---- states ---------------------------------------------------------------------------------- */

const char *wts_state_name(WTS_CONNECTSTATE_CLASS state)
{
    static const char *const names[] = {"Active",       "Connected", "ConnectQuery", "Shadow",
                                        "Disconnected", "Idle",      "Listen",       "Reset",
                                        "Down",         "Init"};

    return (size_t) state < sizeof names / sizeof *names ? names[state] : "?";
}

bool wts_state_is_over(WTS_CONNECTSTATE_CLASS state)
{
    return state == WTSDown || state == WTSReset;
}

bool wts_is_users(WTS_CONNECTSTATE_CLASS state, const char *user_name)
{
    return user_name && *user_name && state != WTSListen && state != WTSInit &&
           !wts_state_is_over(state);
}
