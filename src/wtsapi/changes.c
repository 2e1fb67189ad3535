/* SPDX-License-Identifier: MIT */
/* changes.c - the differences between two lists of sessions, as events. */
#include <strings.h>

#include "wtsapi/wtsapi.h"

/* Any other session runs without a screen. */
static bool is_connected(const struct view *view)
{
    return view->state == WTSActive || view->state == WTSConnected || view->state == WTSShadow;
}

/* The user of a session that is ending counts as logged off. */
static bool is_logged_on(const struct view *view)
{
    return *view->user && view->state != WTSDown;
}

static DWORD events_of_connection(bool before, bool now)
{
    return before == now ? 0 : now ? WTS_EVENT_CONNECT : WTS_EVENT_DISCONNECT;
}

/* Of connections of this library's own to the host, watches tell nothing. */
static bool is_ours(const struct listed *listed)
{
    return listed->session.spared;
}

static DWORD events_of_new(const struct listed *listed)
{
    struct view view;

    if (is_ours(listed)) {
        return 0;
    }
    wtsapi_view(&view, listed);
    return WTS_EVENT_CREATE | WTS_EVENT_STATECHANGE |
           events_of_connection(false, is_connected(&view)) |
           (is_logged_on(&view) ? WTS_EVENT_LOGON : 0);
}

static DWORD events_of_gone(const struct listed *listed)
{
    struct view view;

    if (is_ours(listed)) {
        return 0;
    }
    wtsapi_view(&view, listed);
    return WTS_EVENT_DELETE | WTS_EVENT_STATECHANGE |
           events_of_connection(is_connected(&view), false) |
           (is_logged_on(&view) ? WTS_EVENT_LOGOFF : 0);
}

static DWORD events_of_user(const struct view *before, const struct view *now)
{
    bool left = is_logged_on(before), came = is_logged_on(now);

    if (left && came && strcasecmp(before->user, now->user) == 0) {
        return 0;
    }
    return (left ? WTS_EVENT_LOGOFF : 0) | (came ? WTS_EVENT_LOGON : 0);
}

static DWORD events_between(const struct listed *listed_before, const struct listed *listed_now)
{
    struct view before, now;

    wtsapi_view(&before, listed_before);
    wtsapi_view(&now, listed_now);
    bool renamed = *before.station && *now.station && strcasecmp(before.station, now.station) != 0;
    return events_of_user(&before, &now) |
           events_of_connection(is_connected(&before), is_connected(&now)) |
           (before.state != now.state ? WTS_EVENT_STATECHANGE : 0) |
           (renamed ? WTS_EVENT_RENAME : 0);
}

DWORD wtsapi_events_of(enum wms_event_kind kind, const wms_session *session)
{
    const struct listed listed = {.session = *session};

    switch (kind) {
    case WMS_EVENT_OPENED:
        return events_of_new(&listed);
    case WMS_EVENT_CLOSED:
        return events_of_gone(&listed);
    case WMS_EVENT_DISCONNECTED:
        return WTS_EVENT_DISCONNECT | WTS_EVENT_STATECHANGE;
    case WMS_EVENT_CONNECTED:
        return WTS_EVENT_CONNECT | WTS_EVENT_STATECHANGE;
    default:
        return 0;
    }
}

/* Merges both lists by number, since hosts list in any order. */
DWORD wtsapi_events_between(const struct list *before, const struct list *now)
{
    DWORD events = 0;
    size_t i = 0, k = 0;

    while (i < before->count || k < now->count) {
        const struct listed *old = i < before->count ? before->by_number[i] : NULL;
        const struct listed *new = k < now->count ? now->by_number[k] : NULL;
        bool gone = old && (!new || old->number < new->number),
             came = new && (!old || new->number < old->number);
        events |= gone ? events_of_gone(old) : came ? events_of_new(new) : events_between(old, new);
        i += !came;
        k += !gone;
    }
    return events;
}
