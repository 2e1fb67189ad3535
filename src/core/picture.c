/* SPDX-License-Identifier: MIT */
/* picture.c - what is known of a watched server's sessions, and how what is told of them differs.
 */
#include <string.h>
#include <strings.h>

#include "core/pack.h"
#include "core/parts.h"
#include "core/watching.h"

static wms_engine *engine_of(const struct wms_watched *watched)
{
    return watched->watch->engine;
}

size_t wms_watch_changes(const wms_watch *watch)
{
    return watch->changes;
}

static void note_change(const struct wms_watched *watched)
{
    watched->watch->changes++;
}

/* There is a session more, or less. */
static void note_other_sessions(const struct wms_watched *watched)
{
    watched->watch->cursor.session = NULL;
    note_change(watched);
}

/* ---- sessions by id -------------------------------------------------------------------------- */

static bool is_session(const struct wms_entry *entry, const void *id)
{
    return wms_id_equal(&((const struct wms_seen *) entry)->facts.id, id);
}

static struct wms_seen *find(const struct wms_watched *watched, const wms_id *id)
{
    uint64_t hash = wms_id_hash(&engine_of(watched)->key, id);

    return (struct wms_seen *) wms_table_find(&watched->picture.sessions, hash, is_session, id);
}

bool wms_picture_has(const struct wms_watched *watched, const wms_id *id)
{
    return find(watched, id);
}

/* Whether they may be one session: identities that are known are equal. */
static bool is_same(const char *identity, const char *other)
{
    return !identity || !other || strcmp(identity, other) == 0;
}

/* Adds a session; NULL: out of memory. */
static struct wms_seen *add(struct wms_watched *watched, const wms_session *session)
{
    wms_engine *engine = engine_of(watched);
    struct wms_seen *seen = wms_resize(engine, NULL, sizeof *seen + wms_pack_size(session));
    uint64_t hash = wms_id_hash(&engine->key, &session->id);

    if (!seen) {
        return NULL;
    }
    if (wms_table_add(&watched->picture.sessions, engine, &seen->entry, hash)) {
        wms_free(engine, seen);
        return NULL;
    }
    wms_pack(&seen->facts, session, (char *) (seen + 1));
    seen->facts.server = watched->text;
    seen->locked = session->locked;
    seen->there = true;
    node_append(&watched->picture.order, &seen->node);
    note_other_sessions(watched);
    return seen;
}

static void drop(struct wms_watched *watched, struct wms_seen *seen)
{
    wms_table_remove(&watched->picture.sessions, engine_of(watched), &seen->entry);
    node_remove(&seen->node);
    wms_free(engine_of(watched), seen);
    note_other_sessions(watched);
}

void wms_picture_clear(struct wms_watched *watched)
{
    struct wms_seen *seen;

    while ((seen = NODE_FIRST(&watched->picture.order, struct wms_seen, node))) {
        drop(watched, seen);
    }
    wms_table_close(&watched->picture.sessions, engine_of(watched));
}

/* ---- differences ----------------------------------------------------------------------------- */

static bool is_disconnected(const wms_session *session)
{
    return session->state && strcasecmp(session->state, "disconnected") == 0;
}

static void tell(struct wms_watched *watched, enum wms_event_kind kind, const struct wms_seen *seen)
{
    wms_watch_tell(watched, kind, &seen->facts, false);
}

static void close_session(struct wms_watched *watched, struct wms_seen *seen)
{
    tell(watched, WMS_EVENT_CLOSED, seen);
    drop(watched, seen);
}

/* Also when a host begins to say of a session that it is not locked: who has locked it without an
 * answer, or waits for one, has to know. */
static void tell_locked(struct wms_watched *watched, struct wms_seen *seen)
{
    signed char before = seen->locked, locked = seen->facts.locked;

    if (locked < 0 || locked == before) {
        return;
    }
    seen->locked = locked;
    tell(watched, locked == 1 ? WMS_EVENT_LOCKED : WMS_EVENT_UNLOCKED, seen);
}

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

static bool has_same_strings(const wms_session *one, const wms_session *other)
{
#define WMS_X(field, name) \
    if (!same_text(one->field, other->field)) { \
        return false; \
    }
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
    return true;
}

/* Takes over all but the strings; whether something is another now. */
static bool take_values(wms_session *kept, const wms_session *session)
{
    bool other = kept->station_id != session->station_id;

    kept->station_id = session->station_id;
#define WMS_X(field, name) \
    other = other || kept->field != session->field; \
    kept->field = session->field;
    WMS_SESSION_FLAGS(WMS_X)
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    return other;
}

/* Puts `session` in place of what was known of it; NULL: out of memory, and nothing has changed. */
static struct wms_seen *replace(struct wms_watched *watched, struct wms_seen *seen,
                                const wms_session *session)
{
    if (has_same_strings(&seen->facts, session)) {
        if (take_values(&seen->facts, session)) {
            note_change(watched);
        }
        return seen;
    }
    struct wms_seen *anew = add(watched, session);
    if (!anew) {
        return NULL;
    }
    node_remove(&anew->node);
    node_prepend(&seen->node, &anew->node); /* behind the old one, whose place it takes */
    anew->locked = seen->locked;
    drop(watched, seen);
    return anew;
}

int wms_picture_note(struct wms_watched *watched, const wms_session *session, bool initial)
{
    struct wms_seen *seen = find(watched, &session->id);

    if (seen && !is_same(seen->facts.identity, session->identity)) {
        close_session(watched, seen);
        seen = NULL;
    }
    if (!seen) {
        seen = add(watched, session);
        if (seen && (!initial || watched->watch->initial)) {
            wms_watch_tell(watched, WMS_EVENT_OPENED, &seen->facts, initial);
        }
        return seen ? 0 : WMS_E_NO_MEMORY;
    }
    bool before = is_disconnected(&seen->facts);
    seen = replace(watched, seen, session);
    if (!seen) {
        return WMS_E_NO_MEMORY;
    }
    seen->there = true;
    if (before != is_disconnected(&seen->facts)) {
        tell(watched, before ? WMS_EVENT_CONNECTED : WMS_EVENT_DISCONNECTED, seen);
    }
    tell_locked(watched, seen);
    return 0;
}

int wms_picture_change(struct wms_watched *watched, const struct wms_change *change)
{
    struct wms_seen *seen = find(watched, change->id);
    bool meant = seen && is_same(seen->facts.identity, change->identity);

    if (change->present && change->session) {
        wms_session session = *change->session;
        if (meant && session.locked < 0) { /* it is not about that */
            session.locked = seen->facts.locked;
        }
        if (meant && session.is_own < 0) {
            session.is_own = seen->facts.is_own;
        }
        return wms_picture_note(watched, &session, false);
    }
    if (!meant) {
        return change->present ? WMS_E_NOT_FOUND : 0;
    }
    if (!change->present) {
        close_session(watched, seen);
        return 0;
    }
    if (change->locked >= 0) {
        seen->facts.locked = change->locked;
        note_change(watched);
        tell_locked(watched, seen);
    }
    return 0;
}

/* ---- listings -------------------------------------------------------------------------------- */

/* A listing, and changes that came while it was made, overlap: it may be older than some of them.
 *
 * If nothing was missed before, the changes of a session are all that has happened to it, and the
 * listing does not come before them.  Else it is told first, as of before or after any of the
 * changes: LockedHint changes to and fro, so that with them in their order behind it all is told
 * that was.  But if the session was opened meanwhile, it begins as it was then.
 *
 * Yet a provider may tell nothing but that a session is locked.  Then all else is as the listing
 * says; and a session that was known before it, and is not in it, has ended, whatever was told of
 * it: that is told at last, by wms_picture_settle(). */
static bool is_overtaken(const struct wms_watched *watched, const wms_id *id, bool unbroken)
{
    const struct wms_change *first = wms_deferred_of(watched, id);

    return first && unbroken && (first->session || find(watched, id));
}

static int note_listed(struct wms_watched *watched, const struct wms_listed *listed, bool initial)
{
    const struct wms_change *first = wms_deferred_of(watched, &listed->id);
    wms_session session = *listed->whole;

    if (first && first->session && first->opened) {
        session.locked = first->session->locked;
    }
    return wms_picture_note(watched, &session, initial);
}

/* Of a session whose changes are told later: what is not in them. */
static int note_overtaken(struct wms_watched *watched, const struct wms_listed *listed)
{
    const struct wms_change *first = wms_deferred_of(watched, &listed->id);
    const struct wms_seen *seen = find(watched, &listed->id);
    wms_session session = *listed->whole;

    if (first->session || !first->present || !seen ||
        !is_same(seen->facts.identity, listed->identity)) {
        return 0;
    }
    session.locked = seen->facts.locked;
    return wms_picture_note(watched, &session, false);
}

/* Its own connection to a host, which comes and goes with it, is nothing that a watch tells. */
static bool is_left_out(const struct wms_listed *listed)
{
    return listed->spared;
}

static void close_missing(struct wms_watched *watched, const struct wms_job *job, bool unbroken)
{
    struct node *head = &watched->picture.order, *node, *next;

    for (node = head->next; node != head; node = node->next) {
        NODE_OWNER(node, struct wms_seen, node)->there = false;
    }
    for (size_t i = 0; i < job->listing.count; i++) {
        const struct wms_listed *listed = &job->listing.sessions[i];
        struct wms_seen *seen = find(watched, &listed->id);
        if (seen && is_same(seen->facts.identity, listed->identity)) {
            seen->there = true;
        }
    }
    for (node = head->next; node != head; node = next) {
        struct wms_seen *seen = NODE_OWNER(node, struct wms_seen, node);
        next = node->next;
        if (!seen->there && !is_overtaken(watched, &seen->facts.id, unbroken)) {
            close_session(watched, seen);
        }
    }
}

int wms_picture_compare(struct wms_watched *watched, const struct wms_job *job, bool initial,
                        bool unbroken)
{
    int error = 0;

    close_missing(watched, job, unbroken);
    for (size_t i = 0; i < job->listing.count; i++) {
        const struct wms_listed *listed = &job->listing.sessions[i];
        if (is_left_out(listed)) {
            continue;
        }
        int failed = is_overtaken(watched, &listed->id, unbroken)
                         ? note_overtaken(watched, listed)
                         : note_listed(watched, listed, initial);
        error = failed ? failed : error;
    }
    return error;
}

int wms_picture_settle(struct wms_watched *watched, const struct wms_job *job)
{
    struct node *head = &watched->picture.order, *node, *next;
    int error = 0;

    for (size_t i = 0; i < job->listing.count; i++) {
        const struct wms_listed *listed = &job->listing.sessions[i];
        const struct wms_seen *seen = find(watched, &listed->id);
        if (seen && !seen->there && !is_left_out(listed) &&
            wms_picture_note(watched, listed->whole, false)) { /* another one has its id */
            error = WMS_E_NO_MEMORY;
        }
    }
    for (node = head->next; node != head; node = next) {
        struct wms_seen *seen = NODE_OWNER(node, struct wms_seen, node);
        next = node->next;
        if (!seen->there) {
            close_session(watched, seen);
        }
    }
    return error;
}
