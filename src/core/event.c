/* SPDX-License-Identifier: MIT */
/* event.c - the events of a watch, from what has happened until the program has read them.
 *
 * At most `queue` of them wait.  One more, or one without memory for it, drops all: what is known
 * of the sessions is then told in their place (WMS_EVENT_OVERFLOW), and what happens until the
 * program has read that is a part of it. */
#include <string.h>

#include "core/pack.h"
#include "core/parts.h"
#include "core/watching.h"

const char *wms_event_name(enum wms_event_kind kind)
{
    static const char *const kinds[] = {
#define WMS_X(name, word) word,
        WMS_EVENTS(WMS_X)
#undef WMS_X
    };

    return (size_t) kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "?";
}

/* ---- adding ---------------------------------------------------------------------------------- */

bool wms_watch_has_events(const wms_watch *watch)
{
    return watch->overflow || !node_alone(&watch->owing) || !queue_is_empty(&watch->events);
}

void wms_watch_announce(wms_watch *watch)
{
    wms_engine *engine = watch->engine;

    if (watch->inner.is) {
        wms_inner_stir(engine, &watch->inner);
        return;
    }
    wms_wakeup_raise(engine->waker, &watch->wakeup);
    if (node_alone(&watch->news)) {
        node_append(&engine->watch_news, &watch->news);
        engine->untold = true;
    }
}

void wms_watch_drop_events(wms_watch *watch)
{
    while (!queue_is_empty(&watch->events)) {
        wms_free(watch->engine, NODE_OWNER(queue_take(&watch->events), struct wms_told, next));
    }
    watch->event_count = 0;
    while (!node_alone(&watch->owing)) {
        node_take(&watch->owing);
    }
}

void wms_watch_overflow(wms_watch *watch)
{
    watch->dropped += watch->event_count + 1;
    wms_watch_drop_events(watch);
    watch->overflow = true;
    wms_watch_announce(watch);
}

static void tell(struct wms_watched *watched, enum wms_event_kind kind, const wms_session *session,
                 bool initial)
{
    wms_watch *watch = watched->watch;
    const char *text = kind == WMS_EVENT_LOST ? watched->fault : NULL;
    size_t strings = session ? wms_pack_size(session) : wms_pack_size_of(text);

    watch->told++;
    if (watch->overflow) {
        watch->dropped++;
        return;
    }
    struct wms_told *told = watch->event_count < watch->queue
                                ? wms_resize(watch->engine, NULL, sizeof *told + strings)
                                : NULL;
    if (!told) {
        wms_watch_overflow(watch);
        return;
    }
    char *room = (char *) (told + 1);
    *told = (struct wms_told){
        .watched = watched,
        .time = wms_wall_clock(),
        .kind = kind,
        .initial = initial,
        .has_session = session,
        .code = kind == WMS_EVENT_LOST ? watched->code : 0,
    };
    if (session) {
        wms_pack(&told->session, session, room);
    } else {
        told->text = wms_pack_put(&room, text);
    }
    queue_append(&watch->events, &told->next);
    watch->event_count++;
    wms_watch_announce(watch);
}

void wms_watch_tell(struct wms_watched *watched, enum wms_event_kind kind,
                    const wms_session *session, bool initial)
{
    if (kind == WMS_EVENT_BACK) {
        node_remove(&watched->owing);
    }
    tell(watched, kind, session, initial);
}

void wms_watch_tell_lost(struct wms_watched *watched)
{
    node_remove(&watched->owing);
    tell(watched, WMS_EVENT_LOST, NULL, false);
}
