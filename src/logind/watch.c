/* SPDX-License-Identifier: MIT */
/* watch.c - tells the engine's watchers of all changes of sessions.
 *
 * A signal that tells a value (LockedHint) is passed on at once.  Of a session that is new, or has
 * become active or not, the properties are read first.  What signals say of a new session meanwhile
 * comes after that: LockedHint changes to and fro, so that its first value and their number are all
 * of it. */
#include <stdlib.h>
#include <string.h>

#include "userbus.h"

#define RESTARTED "logind was restarted, and no longer knows which sessions are locked"
#define UNMATCHED "the bus does not let this connection watch sessions"

/* More sessions are not read at a time, and no longer path: the engine lists all instead. */
enum { READERS_MAX = 4096, PATH_SIZE_MAX = 1024 };

/* Seconds: not every screen saver is watched, and not every change of State is told. */
static const double again = 60;

/* A session whose properties are being read. */
struct reader {
    struct logind_task task;
    void *owner;      /* of the task: this itself */
    struct node node; /* of one of conn->readers */
    struct logind_lookup lookup;
    char *id;          /* what lookup.id points to */
    bool fresh;        /* nobody knows the session yet */
    bool once_more;    /* it has changed since it was asked */
    bool removed;      /* it has ended meanwhile */
    signed char first; /* of a fresh one: the LockedHint that the first signal has told */
    unsigned changes;  /* how many such signals there were */
};

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_removed(const struct logind *conn, const char *id)
{
    const wms_id name = logind_id(id);
    struct wms_change change;

    wms_change_init(&change, &name);
    change.present = false;
    logind_tell(conn, &change);
}

static void tell_session(const struct logind *conn, const wms_session *session, bool opened)
{
    struct wms_change change;

    wms_change_init(&change, &session->id);
    change.identity = session->identity;
    change.session = session;
    change.opened = opened;
    logind_tell(conn, &change);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void reader_free(struct logind *conn, struct logind_task *task)
{
    struct reader *reader = NODE_OWNER(task, struct reader, task);

    node_remove(&reader->node);
    conn->reader_count--;
    logind_lookup_drop(&reader->lookup);
    logind_free(conn, reader->id);
    logind_free(conn, reader);
}

static struct node *bucket_of(struct logind *conn, const char *id)
{
    return &conn->readers[logind_hash(conn, id) % LOGIND_BUCKETS];
}

static struct reader *find(struct logind *conn, const char *id)
{
    struct node *head = bucket_of(conn, id), *node = head->next;

    while (node != head && strcmp(NODE_OWNER(node, struct reader, node)->id, id) != 0) {
        node = node->next;
    }
    return node == head ? NULL : NODE_OWNER(node, struct reader, node);
}

/* What a host may tell of: lists leave other ids out, too. */
static bool is_possible(const char *id)
{
    const wms_id name = logind_id(id);

    return logind_id_possible(&name);
}

/* Another ssh connection of ours, perhaps: a listing tells. */
static bool may_be_ours(const struct logind *conn, const struct logind_facts *facts)
{
    return conn->way && facts->remote == 1 && !facts->tty && !logind_screen_is(facts);
}

/* The session as it was before what the signals have told of it meanwhile, then that. */
static void tell_with_changes(const struct reader *reader, wms_session *session)
{
    const struct logind *conn = reader->lookup.call.conn;

    if (reader->changes > 0) {
        session->locked = !reader->first;
    }
    tell_session(conn, session, reader->fresh);
    for (unsigned i = 0; i < reader->changes; i++) {
        logind_tell_locked(conn, reader->id, i % 2 ? !reader->first : reader->first);
    }
}

static void tell_facts(const struct reader *reader, const struct logind_facts *facts)
{
    struct logind *conn = reader->lookup.call.conn;
    char identity[LOGIND_IDENTITY];
    wms_session session;

    if (logind_facts_of_manager(facts)) {
        return;
    }
    if (may_be_ours(conn, facts)) {
        logind_tell_any(conn);
        return;
    }
    logind_facts_session(facts, reader->id, identity, &session);
    session.is_own = conn->way ? 0 : -1;
    bool mute = logind_screen_is_mute(conn, reader->id, facts);
    if (mute) {
        session.locked = -1; /* the screen saver knows */
    }
    tell_with_changes(reader, &session);
    if (mute) {
        logind_lockers_add(conn, reader->id, reader->lookup.path, facts);
    }
}

/* It has ended before it could be read: nothing is known of it but that it was there.  On another
 * machine it may have been a connection of ours. */
static void tell_short(const struct reader *reader)
{
    wms_session session;

    if (reader->lookup.call.conn->way) {
        return;
    }
    wms_session_init(&session);
    session.id = logind_id(reader->id);
    tell_with_changes(reader, &session);
}

static void read_done(struct logind_lookup *lookup, const struct logind_fault *fault,
                      const struct logind_facts *facts, sd_bus_message *reply)
{
    struct reader *reader = NODE_OWNER(lookup, struct reader, lookup);
    struct logind *conn = lookup->call.conn;

    (void) reply;
    if (!fault) {
        tell_facts(reader, facts);
        reader->fresh = false;
        reader->changes = 0;
    } else if (fault->code != WMS_E_NOT_FOUND) {
        logind_tell_any(conn);
    } else if (reader->fresh) {
        tell_short(reader);
        reader->removed = true;
    }
    if (reader->once_more && !reader->removed && !fault) {
        reader->once_more = false;
        logind_lookup_read(lookup);
        return;
    }
    if (reader->removed) {
        tell_removed(conn, reader->id);
    }
    logind_task_end(conn, &reader->task);
}

/* Reads the session's properties; if that is not possible, the engine lists all. */
static void read_session(struct logind *conn, const char *id, const char *path, bool fresh)
{
    bool fits = conn->reader_count < READERS_MAX && strlen(path) <= PATH_SIZE_MAX;
    struct reader *reader = fits ? logind_alloc(conn, sizeof *reader) : NULL;
    const wms_id name = logind_id(id);

    if (!reader) {
        logind_tell_any(conn);
        return;
    }
    node_append(bucket_of(conn, id), &reader->node);
    conn->reader_count++;
    logind_task_begin(conn, &reader->task, &reader->owner, reader_free);
    reader->fresh = fresh;
    reader->id = logind_copy(conn, id);
    reader->lookup.done = read_done;
    logind_lookup_init(conn, &reader->lookup, &name);
    if (!reader->id || !logind_lookup_path(&reader->lookup, path)) {
        logind_task_end(conn, &reader->task);
        logind_tell_any(conn);
        return;
    }
    reader->lookup.id = reader->id;
    logind_lookup_read(&reader->lookup);
}

/* ---- what the signals mean ------------------------------------------------------------------- */

void logind_watched_new(struct logind *conn, const char *id, const char *path)
{
    if (node_alone(&conn->watches) || !is_possible(id)) {
        return;
    }
    struct reader *reader = find(conn, id);
    if (!reader) {
        read_session(conn, id, path, true);
    } else if (reader->removed) { /* another session, before the former one's answer is there */
        logind_tell_any(conn);
    } else {
        reader->once_more = true;
    }
}

void logind_watched_removed(struct logind *conn, const char *id)
{
    struct reader *reader = find(conn, id);

    if (node_alone(&conn->watches) || !is_possible(id)) {
        return;
    }
    logind_lockers_drop(conn, id);
    if (reader) {
        reader->removed = true;
    } else {
        tell_removed(conn, id);
    }
}

static void changed(struct logind *conn, const char *id, const char *path,
                    const struct logind_facts *facts, bool unsure)
{
    struct reader *reader = find(conn, id);

    if (facts->locked >= 0 && reader && reader->fresh) {
        reader->first = reader->changes++ > 0 ? reader->first : facts->locked;
    } else if (facts->locked >= 0) {
        logind_tell_locked(conn, id, facts->locked);
    }
    if (!unsure && facts->active < 0) {
        return;
    }
    if (reader) {
        reader->once_more = true;
    } else {
        read_session(conn, id, path, false);
    }
}

void logind_watched_changed(struct logind *conn, const char *path, const struct logind_facts *facts,
                            bool unsure)
{
    char *id;

    if (node_alone(&conn->watches)) {
        return;
    }
    if (sd_bus_path_decode(path, LOGIND_PATH "/session", &id) > 0) {
        if (is_possible(id)) {
            changed(conn, id, path, facts, unsure);
        }
        free(id);
    } else {
        logind_tell_any(conn);
    }
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void drop_readers(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_BUCKETS; i++) {
        while (!node_alone(&conn->readers[i])) {
            logind_task_end(conn, &NODE_OWNER(conn->readers[i].next, struct reader, node)->task);
        }
    }
}

static void watch_free(struct logind *conn, struct logind_task *task)
{
    struct logind_watch *watch = NODE_OWNER(task, struct logind_watch, task);

    node_remove(&watch->node);
    logind_free(conn, watch);
    if (node_alone(&conn->watches)) {
        drop_readers(conn);
        logind_lockers_clear(conn);
        logind_matches_watch(conn, false);
    }
}

/* Ends all of them. */
static void end_all(struct logind *conn, int code, const char *text)
{
    while (!node_alone(&conn->watches)) {
        struct logind_watch *watch = NODE_OWNER(conn->watches.next, struct logind_watch, node);
        struct wms_watcher *watcher = watch->watcher;
        logind_task_end(conn, &watch->task);
        conn->services->unwatched(watcher, code, text);
    }
}

void logind_watched_restarted(struct logind *conn)
{
    end_all(conn, WMS_E_UNREACHABLE, RESTARTED);
}

void logind_watched_unmatched(struct logind *conn)
{
    end_all(conn, WMS_E_UNSUPPORTED, UNMATCHED);
}

void logind_watch(struct logind *conn, struct wms_watcher *watcher)
{
    struct logind_watch *watch = logind_alloc(conn, sizeof *watch);

    if (!watch) {
        conn->services->unwatched(watcher, WMS_E_NO_MEMORY, NULL);
        return;
    }
    watch->watcher = watcher;
    watcher->again = again;
    node_append(&conn->watches, &watch->node);
    logind_task_begin(conn, &watch->task, &watcher->data, watch_free);
    logind_matches_watch(conn, true);
}
