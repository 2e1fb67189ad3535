/* SPDX-License-Identifier: MIT */
/* observe.c - observes a session: its state now, and each change.
 *
 * Whether it is locked is what its LockedHint says.  Where that is "no", and its locker may be one
 * that never sets it, the screen savers on the bus of its user are asked, and watched. */
#include <errno.h>
#include <string.h>

#include "userbus.h"

#define UNMATCHED "the bus does not let this connection watch sessions"
#define FORGOTTEN "logind was restarted, and no longer knows whether the session is locked"

enum { SILENT_MAX = 3 };

struct watcher {
    struct logind_task task;
    struct node same; /* in its bucket, by path */
    struct logind_lookup lookup;
    struct wms_observer *observer;
    unsigned silent; /* reads in a row that got no answer */
    bool reading; /* a read is under way; signals that come before its answer are older than that */
    bool seen, gone;
    signed char locked; /* as told last */
    signed char hint;   /* LockedHint, as it is now */
    bool asked;         /* the screen savers are */
    bool awaiting;      /* they have not answered yet */
    signed char active; /* what they have said */
    struct logind_screen screen;
    char identity[LOGIND_IDENTITY]; /* valid once `seen` */
};

/* ---- watchers -------------------------------------------------------------------------------- */

static struct node *bucket(const struct logind *conn, const char *path)
{
    return &conn->watchers[logind_hash(conn, path) & (conn->watcher_buckets - 1)];
}

/* Shrinks the table to `few_watchers`; it must be empty. */
static void be_few(struct logind *conn)
{
    if (conn->watchers != conn->few_watchers) {
        logind_free(conn, conn->watchers);
    }
    conn->watchers = conn->few_watchers;
    conn->watcher_buckets = LOGIND_BUCKETS;
}

void logind_observe_init(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_BUCKETS; i++) {
        node_init(&conn->few_watchers[i]);
    }
    conn->watchers = conn->few_watchers;
    be_few(conn);
}

/* Doubles the number of buckets.  Without memory for that, the old ones are kept. */
static void be_many(struct logind *conn)
{
    struct node *before = conn->watchers;
    size_t before_count = conn->watcher_buckets, count = 2 * before_count;
    struct node *buckets = conn->services->resize(conn->engine, NULL, count * sizeof *buckets);
    if (!buckets) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        node_init(&buckets[i]);
    }
    conn->watchers = buckets;
    conn->watcher_buckets = count;
    for (size_t i = 0; i < before_count; i++) {
        while (!node_alone(&before[i])) {
            struct watcher *watcher = NODE_OWNER(before[i].next, struct watcher, same);
            node_remove(&watcher->same);
            node_append(bucket(conn, watcher->lookup.path), &watcher->same);
        }
    }
    if (before != conn->few_watchers) {
        logind_free(conn, before);
    }
}

static void watcher_free(struct logind *conn, struct logind_task *task)
{
    struct watcher *watcher = NODE_OWNER(task, struct watcher, task);
    node_remove(&watcher->same);
    logind_lookup_drop(&watcher->lookup);
    logind_screen_drop(&watcher->screen);
    logind_free(conn, watcher);
    if (--conn->watcher_count == 0) {
        be_few(conn);
        logind_matches_observe(conn, false);
    }
}

static void end_blind(struct watcher *watcher, const struct logind_fault *fault)
{
    struct logind *conn = watcher->lookup.call.conn;
    struct wms_observer *observer = watcher->observer;
    logind_task_end(conn, &watcher->task);
    conn->services->blind(observer, fault->code, fault->text);
}

/* Nothing may use the watcher after this: the engine may end it. */
static void tell(struct watcher *watcher, bool present, signed char locked)
{
    const struct wms_services *services = watcher->lookup.call.conn->services;
    struct wms_sight sight = {.present = present, .locked = locked};
    if (watcher->gone || (present && watcher->seen && watcher->locked == locked)) {
        return;
    }
    if (!present) {
        node_remove(&watcher->same); /* a later session may get the same path */
    }
    watcher->seen = true;
    watcher->gone = !present;
    watcher->locked = locked;
    if (watcher->hint == 1) {
        struct logind_known *known =
            logind_known_find(watcher->lookup.call.conn, watcher->lookup.id);
        if (known) {
            known->was_locked = true;
        }
    }
    services->seen(watcher->observer, &sight);
}

/* ---- whether it is locked -------------------------------------------------------------------- */

static bool was_locked(const struct watcher *watcher)
{
    const struct logind_known *known =
        logind_known_find(watcher->lookup.call.conn, watcher->lookup.id);
    return known && known->was_locked;
}

/* "Locked" is believed from each of the two.  A "not locked" of the hint counts only if the locker
 * is one that sets it, where the screen savers do not tell. */
static signed char is_locked(const struct watcher *watcher)
{
    if (watcher->hint == 1 || !watcher->asked) {
        return watcher->hint;
    }
    return watcher->active >= 0 ? watcher->active : was_locked(watcher) ? watcher->hint : -1;
}

/* Nothing may use the watcher after this.  That nobody tells ends it where it will stay so: what
 * has to be unlocked, unless a locker is slow to answer, and what was told of before, when a locker
 * that went away must not look like an unlocked screen. */
static void tell_locked(struct watcher *watcher)
{
    signed char locked = is_locked(watcher);
    if (watcher->awaiting && watcher->hint != 1) {
        return;
    }
    bool hopeless =
        watcher->observer->verb == WMS_UNLOCK && !logind_savers_are_slow(&watcher->screen.savers);
    if (watcher->asked && locked < 0 && (hopeless || (watcher->seen && watcher->locked >= 0))) {
        end_blind(watcher,
                  &(struct logind_fault){.code = WMS_E_UNVERIFIED, .text = LOGIND_NOBODY_TELLS});
        return;
    }
    tell(watcher, true, locked);
}

static void screen_told(struct logind_screen *screen, signed char active)
{
    struct watcher *watcher = NODE_OWNER(screen, struct watcher, screen);
    watcher->awaiting = false;
    watcher->active = active;
    if (screen->no_memory) {
        end_blind(watcher, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
        return;
    }
    tell_locked(watcher);
}

/* Asks the screen savers if that is needed to know whether it is locked.  False: out of memory. */
static bool ask_screen(struct watcher *watcher, const struct logind_facts *facts)
{
    struct logind *conn = watcher->lookup.call.conn;
    enum wms_verb verb = watcher->observer->verb;
    if (watcher->asked || (verb != WMS_LOCK && verb != WMS_UNLOCK) ||
        !logind_screen_is_mute(conn, watcher->lookup.id, facts)) {
        return true;
    }
    watcher->asked = true;
    watcher->active = -1;
    int r = logind_screen_ask(conn, &watcher->screen, watcher->lookup.path, facts, screen_told);
    watcher->awaiting = r == 0;
    return r != -ENOMEM;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_anew(struct watcher *watcher)
{
    if (!watcher->reading) {
        watcher->reading = true;
        logind_lookup_read(&watcher->lookup);
    }
}

static void read_done(struct logind_lookup *lookup, const struct logind_fault *fault,
                      const struct logind_facts *facts, sd_bus_message *reply)
{
    struct watcher *watcher = NODE_OWNER(lookup, struct watcher, lookup);
    struct logind *conn = lookup->call.conn;
    char identity[LOGIND_IDENTITY];
    (void) reply;
    watcher->reading = false;
    if (!fault) {
        logind_facts_identity(facts, identity);
        if (watcher->seen && !watcher->gone && strcmp(watcher->identity, identity) != 0) {
            tell(watcher, false, -1); /* another session has got the id */
            return;
        }
        memcpy(watcher->identity, identity, sizeof identity);
        if (node_alone(&watcher->same) && !watcher->gone) {
            node_append(bucket(conn, lookup->path), &watcher->same);
        }
        watcher->silent = 0;
        watcher->hint = facts->locked;
        if (ask_screen(watcher, facts)) {
            tell_locked(watcher);
        } else {
            end_blind(watcher, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
        }
    } else if (fault->code == WMS_E_NOT_FOUND) {
        tell(watcher, false, -1);
    } else if (fault->lost && lookup->path && ++watcher->silent < SILENT_MAX) {
        read_anew(watcher); /* logind is being restarted: the bus keeps the new call until logind is
                               back */
    } else {
        end_blind(watcher, fault);
    }
}

/* ---- what the signals mean ------------------------------------------------------------------- */

/* Calls `each` for the watchers of the session at `path`; `each` may let the engine end and add any
 * watchers, so the list is moved out of the bucket first. */
static void for_each(struct logind *conn, const char *path,
                     void (*each)(struct watcher *watcher, signed char locked), signed char locked)
{
    struct node *all = bucket(conn, path), these, *node, *next;
    node_init(&these);
    for (node = all->next; node != all; node = next) {
        struct watcher *watcher = NODE_OWNER(node, struct watcher, same);
        next = node->next;
        if (strcmp(watcher->lookup.path, path) == 0) {
            node_remove(node);
            node_append(&these, node);
        }
    }
    while (!node_alone(&these)) {
        node = these.next;
        node_remove(node);
        node_append(bucket(conn, path), node); /* the bucket may be another one by now */
        each(NODE_OWNER(node, struct watcher, same), locked);
    }
}

static void each_changed(struct watcher *watcher, signed char locked)
{
    if (watcher->reading) {
        return;
    }
    if (locked < 0) {
        read_anew(watcher);
    } else {
        watcher->hint = locked;
        tell_locked(watcher);
    }
}

static void each_removed(struct watcher *watcher, signed char locked)
{
    tell(watcher, false, locked);
}

void logind_observed_changed(struct logind *conn, const char *path, signed char locked)
{
    for_each(conn, path, each_changed, locked);
}

void logind_observed_removed(struct logind *conn, const char *path)
{
    for_each(conn, path, each_removed, -1);
}

/* Ends those for which `ends` holds.  The engine may observe again at once: the new watchers are
 * not ended. */
static void end_those(struct logind *conn, bool (*ends)(const struct watcher *watcher),
                      const struct logind_fault *fault)
{
    struct node these, *node, *next;
    node_init(&these);
    for (node = conn->tasks.next; node != &conn->tasks; node = next) {
        next = node->next;
        struct logind_task *task = NODE_OWNER(node, struct logind_task, node);
        if (task->free == watcher_free && ends(NODE_OWNER(task, struct watcher, task))) {
            node_remove(node);
            node_append(&these, node);
        }
    }
    while (!node_alone(&these)) {
        end_blind(NODE_OWNER(these.next, struct watcher, task.node), fault);
    }
}

static bool any(const struct watcher *watcher)
{
    (void) watcher;
    return true;
}

void logind_observed_unmatched(struct logind *conn, const struct logind_fault *fault)
{
    end_those(conn, any, &(struct logind_fault){.code = fault->code, .text = UNMATCHED});
}

/* Its LockedHint was read from the old logind.  The new one has lost it, so that "not locked" may
 * mean "unlocked" or "hint lost" from now on. */
static bool has_lost_hint(const struct watcher *watcher)
{
    return watcher->seen && !watcher->gone && watcher->observer->verb != WMS_CLOSE;
}

void logind_observed_restarted(struct logind *conn, const char *owner)
{
    end_those(conn, has_lost_hint,
              &(struct logind_fault){.code = WMS_E_UNREACHABLE, .text = FORGOTTEN});
    for (size_t i = 0; *owner && i < conn->watcher_buckets; i++) {
        for (struct node *node = conn->watchers[i].next; node != &conn->watchers[i];
             node = node->next) {
            read_anew(NODE_OWNER(node, struct watcher, same));
        }
    }
}

bool logind_observed_for(struct logind *conn, const char *path, enum wms_verb verb, bool *ret_tells)
{
    struct node *all = bucket(conn, path);
    for (struct node *node = all->next; node != all; node = node->next) {
        const struct watcher *watcher = NODE_OWNER(node, struct watcher, same);
        if (watcher->observer->verb == verb && strcmp(watcher->lookup.path, path) == 0) {
            *ret_tells = !watcher->asked || watcher->active >= 0;
            return true;
        }
    }
    return false;
}

/* ---- for the engine -------------------------------------------------------------------------- */

void logind_observe(struct logind *conn, struct wms_observer *observer, const wms_id *id)
{
    if (conn->unmatched && conn->watcher_count > 0) { /* as the other observers were told */
        conn->services->blind(observer, conn->unmatched, UNMATCHED);
        return;
    }
    if (!logind_id_possible(id)) {
        conn->services->seen(observer, &(struct wms_sight){.present = false});
        return;
    }
    struct watcher *watcher = logind_alloc(conn, sizeof *watcher);
    if (!watcher) {
        conn->services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    watcher->observer = observer;
    node_init(&watcher->same);
    watcher->lookup.done = read_done;
    logind_lookup_init(conn, &watcher->lookup, id);
    logind_task_begin(conn, &watcher->task, &observer->data, watcher_free);
    if (conn->watcher_count++ == 0) {
        logind_matches_observe(conn, true);
    }
    if (conn->watcher_count > conn->watcher_buckets) {
        be_many(conn);
    }
    watcher->reading = true;
    logind_lookup_start(&watcher->lookup);
}
