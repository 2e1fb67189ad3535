/* SPDX-License-Identifier: MIT */
/* watching.h - what watches are made of, and what their parts offer each other.
 *
 * A watch has a struct wms_watched for each of its servers.  That asks the server for its sessions
 * by a request of the engine's own, which also reaches it; just before the question is sent, the
 * provider's watch() is called on the same connection, and the watched server keeps that from then
 * on.  What the provider tells, and how a listing differs from what was known, becomes events in
 * the queue of the watch.
 */
#ifndef WMS_CORE_WATCHING_H
#define WMS_CORE_WATCHING_H

#include "core/state.h"

/* One event that was not read yet; one block with its strings. */
struct wms_told {
    struct queued next;
    const struct wms_watched *watched;
    double time;
    enum wms_event_kind kind;
    bool has_session, initial;
    int code;
    const char *text;
    wms_session session;
};

/* A session as it was told last; one block with its strings. */
struct wms_seen {
    struct wms_entry entry; /* first: of picture->sessions */
    struct node node;       /* of picture->order */
    signed char locked;     /* what was known last: facts.locked may be -1 since then */
    bool there;             /* scratch of wms_picture_compare() */
    wms_session facts;
};

/* What is known of a server's sessions. */
struct wms_picture {
    struct wms_table sessions; /* by id */
    struct node order;         /* in the order in which they came */
};

/* A change that came while the sessions were being listed; one block with its strings. */
struct wms_deferred {
    struct wms_entry entry; /* of watched->deferred_first, if it is the first of its session */
    struct queued next;
    struct wms_change change;
    wms_id id;
    wms_session session;
};

enum wms_watched_state { WMS_WATCH_NEW, WMS_WATCH_READY, WMS_WATCH_LOST };

/* What watched.c implements of the services. */
struct wms_listener {
    void (*changed)(struct wms_watched *watched, const struct wms_change *change);
    void (*unwatched)(struct wms_watched *watched, int code, const char *text);
};

/* One server of a watch. */
struct wms_watched {
    struct wms_watcher watcher; /* first: a provider's watcher is this */
    const struct wms_listener *listener;
    wms_watch *watch;
    const char *text;      /* the server as the caller gave it */
    struct wms_link *link; /* that is watched; NULL: none */
    struct node on_link;   /* of link->watchers, or alone */
    bool watching;         /* the provider reports changes */
    bool deaf;             /* it has said that it cannot, on this link */
    wms_request *request;  /* for its sessions, while that is under way; else NULL */
    bool turn;             /* the request counts for watch->connecting */
    struct node line;      /* of watch->line, or alone */
    struct node stirred;   /* of engine->stirred, or alone */
    struct node owing;     /* of watch->owing, or alone */
    struct node held;      /* of watch->held, or alone */
    struct wms_timer *timer;
    double at;       /* when the timer fires; negative: it does not */
    bool moves;      /* its link is not for new work any more */
    bool due;        /* to be asked for its sessions */
    bool stale;      /* to be asked once more after the answer that is awaited */
    double listed;   /* when it was asked last; negative: never */
    double interval; /* seconds between questions, where it has to be asked again and again */
    double pause;    /* seconds until it is reached anew, after it was lost */
    double since;    /* when it was READY last */
    enum wms_watched_state state;
    int code; /* LOST: why */
    char *fault;
    struct wms_picture picture;
    struct queue deferred; /* changes, oldest first */
    size_t deferred_count;
    struct wms_table deferred_first; /* the first of each session, by its id */
};

struct wms_watch {
    wms_engine *engine;
    struct node node; /* of engine->watches */
    wms_watch *orphan_next;
    size_t refs;
    double timeout;
    size_t concurrency, queue;
    bool initial, ask, forked;
    struct wms_inner inner; /* it is a provider's; it holds no reference on the engine then */
    struct wms_slab *slab;  /* the servers' texts */
    struct wms_watched *servers;
    size_t count;
    size_t connecting; /* servers that are being reached */
    struct node line;  /* servers that wait to be */
    struct queue events;
    size_t event_count, told; /* that wait; all that there have been */
    size_t changes;           /* see wms_watch_changes() */
    size_t dropped;           /* events, since the last WMS_EVENT_OVERFLOW */
    bool overflow;            /* that is to be told, and nothing else is kept until then */
    struct node held;         /* servers whose question waits for permission, or has ended */
    struct node owing;        /* servers whose loss is to be told once more after it */
    struct wms_told *last;    /* what was read last; NULL: nothing */
    struct wms_wakeup wakeup;
    struct node news; /* of engine->watch_news, or alone */
    /* Where wms_watch_session() was last: `session` NULL means nowhere. */
    struct {
        size_t index, server;
        struct wms_seen *session;
    } cursor;
};

/* ---- event.c: the queue of a watch ----------------------------------------------------------- */

/* Adds an event; `session` (copied) may be NULL.  Without memory for it, or when too many wait, all
 * that wait are dropped, and the overflow is told. */
void wms_watch_tell(struct wms_watched *watched, enum wms_event_kind kind,
                    const wms_session *session, bool initial);
/* The same for WMS_EVENT_LOST, whose code and text are the server's. */
void wms_watch_tell_lost(struct wms_watched *watched);
/* The program has something to do. */
void wms_watch_announce(wms_watch *watch);
/* An event is missing, for which there was no memory. */
void wms_watch_overflow(wms_watch *watch);
bool wms_watch_has_events(const wms_watch *watch);
/* Frees all events. */
void wms_watch_drop_events(wms_watch *watch);

/* ---- picture.c: what is known of a server's sessions ----------------------------------------- */

/* All that is known of a session now: tells how that differs from what was known.  Errors:
 * NO_MEMORY. */
int wms_picture_note(struct wms_watched *watched, const wms_session *session, bool initial);
/* A change that is no hint: tells it.  Errors: NO_MEMORY, NOT_FOUND (of a session that is not
 * known). */
int wms_picture_change(struct wms_watched *watched, const struct wms_change *change);
bool wms_picture_has(const struct wms_watched *watched, const wms_id *id);
/* The sessions of an answered request: tells all differences, but for those that the deferred
 * changes tell.  `unbroken`: no change was missed since they were told last.  Errors: NO_MEMORY,
 * and some of them are not told and not known. */
int wms_picture_compare(struct wms_watched *watched, const struct wms_job *job, bool initial,
                        bool unbroken);
/* After that, when the deferred changes are told: tells of sessions that the listing has no more,
 * and that no change has told.  Errors: as wms_picture_compare(). */
int wms_picture_settle(struct wms_watched *watched, const struct wms_job *job);
void wms_picture_clear(struct wms_watched *watched);
/* Counts the changes of what wms_watch_session() tells: also those that are no event, such as
 * another state of a session. */
size_t wms_watch_changes(const wms_watch *watch);

/* ---- deferred.c: changes that come while the sessions are listed ------------------------------
 */

/* Copies a change.  Errors: NO_MEMORY, also for more than the watch's queue holds; all are dropped
 * then. */
int wms_deferred_add(struct wms_watched *watched, const struct wms_change *change);
/* The first change of that session, or NULL: there is none.  Borrowed until the next call. */
const struct wms_change *wms_deferred_of(const struct wms_watched *watched, const wms_id *id);
/* Tells all of them in their order, and has none then.  Errors: NO_MEMORY, and some of them are not
 * told and not known. */
int wms_deferred_tell(struct wms_watched *watched);
void wms_deferred_drop(struct wms_watched *watched);

/* ---- due.c ----------------------------------------------------------------------------------- */

/* wms_watched_pump() is called in the engine's next turn. */
void wms_watched_stir(struct wms_watched *watched);

/* ---- watched.c: one server ------------------------------------------------------------------- */

/* Errors: NO_MEMORY. */
int wms_watched_init(struct wms_watched *watched, wms_watch *watch, const char *text);
void wms_watched_pump(struct wms_watched *watched);
/* Its link has broken. */
void wms_watched_broken(struct wms_watched *watched, int code, const char *text);
/* In a forked child: leaves the link. */
void wms_watched_forked(struct wms_watched *watched);
void wms_watched_close(struct wms_watched *watched);

/* ---- watch.c --------------------------------------------------------------------------------- */

/* As wms_watch_new(), but the engine does nothing of it yet. */
int wms_watch_make(wms_engine *engine, const wms_watching *watching, wms_watch **ret_watch);
/* Nothing of it is under way any more. */
void wms_watch_end(wms_watch *watch);
/* Ends it, and frees it.  Its reference on the engine, if it holds one, is the caller's then. */
void wms_watch_free(wms_watch *watch);
void wms_watch_forked(wms_watch *watch);
/* As wms_requests_collect(). */
void wms_watches_collect(wms_engine *engine);

#endif
