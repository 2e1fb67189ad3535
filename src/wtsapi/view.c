/* SPDX-License-Identifier: MIT */
/* view.c - converts a session to what Windows would show. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wtsapi/wtsapi.h"

/* Of Windows, where AF_INET6 has another number. */
enum { FAMILY_INET = 2, FAMILY_INET6 = 23 };

/* The state names of all providers. */
static const struct {
    const char *name;
    WTS_CONNECTSTATE_CLASS state;
} states[] = {
    {"active", WTSActive},
    {"ConnectedToStation", WTSActive},
    {"RemoteConnection", WTSActive},
    {"connected", WTSConnected},
    {"opening", WTSConnected},
    {"ConnectQuery", WTSConnectQuery},
    {"shadow", WTSShadow},
    {"disconnected", WTSDisconnected},
    {"online", WTSDisconnected}, /* logind: another session has the seat */
    {"idle", WTSIdle},
    {"listen", WTSListen},
    {"reset", WTSReset},
    {"down", WTSDown},
    {"closing", WTSDown},
    {"init", WTSInit},
};

/* Greeters, background jobs and the like: shown without a user, as Windows shows a logon screen.
 * logind's closing sessions do have users. */
static bool is_nobodys(const wms_session *session)
{
    return session->is_orchestratable == 0 && session->is_admin != 1 && session->is_mog_user != 1 &&
           !(session->state && strcasecmp(session->state, "closing") == 0);
}

static WTS_CONNECTSTATE_CLASS state_of(const wms_session *session)
{
    if (is_nobodys(session)) {
        return WTSConnected;
    }
    for (size_t i = 0; session->state && i < sizeof states / sizeof *states; i++) {
        if (strcasecmp(states[i].name, session->state) == 0) {
            return states[i].state;
        }
    }
    return session->user_name ? WTSActive : WTSIdle;
}

static bool is_state(const wms_session *session, const char *state)
{
    return session->state && strcasecmp(session->state, state) == 0;
}

/* A session at a MultiPoint station counts as local: the station belongs to the host, although it
 * connects like a remote client. */
static bool is_remote(const wms_session *session)
{
    if (session->remote_host || is_state(session, "RemoteConnection")) {
        return true;
    }
    return session->station_id < 0 && session->win_station &&
           strncasecmp(session->win_station, "RDP-", 4) == 0;
}

/* Sets the WinStation's name.  As on Windows, a disconnected session has none; otherwise it is the
 * name of the seat, or the session's type and id. */
static void name_station(struct view *view, const wms_session *session)
{
    const char *type = session->type ? session->type : "session";

    *view->station = 0;
    if (session->win_station) {
        snprintf(view->station, sizeof view->station, "%s", session->win_station);
    } else if (wtsapi_view_console(session)) {
        strcpy(view->station, "Console");
    } else if (session->seat && is_state(session, "active")) {
        snprintf(view->station, sizeof view->station, "%s", session->seat);
    } else if (!session->seat && view->state != WTSDisconnected && session->id.text) {
        snprintf(view->station, sizeof view->station, "%.31s#%s", type, session->id.text);
    } else if (!session->seat && view->state != WTSDisconnected) {
        snprintf(view->station, sizeof view->station, "%.31s#%" PRIu32, type, session->id.number);
    }
}

static void read_address(struct view *view, const char *host)
{
    view->family = 0;
    memset(view->address, 0, sizeof view->address);
    if (host && inet_pton(AF_INET, host, view->address) == 1) {
        view->family = FAMILY_INET;
    } else if (host && inet_pton(AF_INET6, host, view->address) == 1) {
        view->family = FAMILY_INET6;
    }
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

void wtsapi_view(struct view *ret_view, const struct listed *listed)
{
    const wms_session *session = &listed->session;
    bool nobodys = is_nobodys(session);

    ret_view->number = listed->number;
    ret_view->state = state_of(session);
    ret_view->user = nobodys ? "" : or_empty(session->user_name);
    ret_view->domain =
        nobodys ? "" : or_empty(session->domain_name ? session->domain_name : listed->domain);
    ret_view->client = or_empty(session->client_name ? session->client_name : session->remote_host);
    ret_view->host = or_empty(session->remote_host);
    ret_view->remote = is_remote(session);
    ret_view->lock = session->locked == 1   ? WTS_SESSIONSTATE_LOCK
                     : session->locked == 0 ? WTS_SESSIONSTATE_UNLOCK
                                            : (LONG) WTS_SESSIONSTATE_UNKNOWN;
    ret_view->logon_time = nobodys ? -1 : session->logon_time;
    /* Without WinStations nobody can connect to an existing session: so it was connected at logon.
     */
    ret_view->connect_time = session->win_station ? -1 : ret_view->logon_time;
    ret_view->idle_since = nobodys ? -1 : session->idle_since;
    name_station(ret_view, session);
    read_address(ret_view, session->remote_host);
}

bool wtsapi_view_console(const wms_session *session)
{
    if (session->win_station) {
        return strcasecmp(session->win_station, "Console") == 0 &&
               state_of(session) != WTSDisconnected;
    }
    return session->seat && strcmp(session->seat, "seat0") == 0 && is_state(session, "active");
}
