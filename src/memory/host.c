/* SPDX-License-Identifier: MIT */
/* host.c - the embedded host: its sessions, the manager that locks them again, and what it was
 * asked. */
#include "memory/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/abi.h"
#include "core/base.h"
#include "core/pack.h"
#include "core/parts.h"
#include "core/target.h"

/* ---- sessions by id -------------------------------------------------------------------------- */

static bool is_session(const struct wms_entry *entry, const void *id)
{
    return wms_id_equal(&((const struct wms_memory_record *) entry)->facts.id, id);
}

static uint64_t hash(const wms_memory *host, const wms_id *id)
{
    return wms_id_hash(wms_engine_key(host->engine), id);
}

struct wms_memory_record *wms_memory_find(const wms_memory *host, const wms_id *id)
{
    return (struct wms_memory_record *) wms_table_find(&host->records, hash(host, id), is_session,
                                                       id);
}

struct wms_memory_record *wms_memory_find_meant(const wms_memory *host, const wms_id *id,
                                                const char *identity)
{
    struct wms_memory_record *record = wms_memory_find(host, id);

    return record && identity && strcmp(record->facts.identity, identity) != 0 ? NULL : record;
}

/* ---- the life of a session ------------------------------------------------------------------- */

struct wms_sight wms_memory_look(const struct wms_memory_record *record)
{
    if (!record) {
        return (struct wms_sight){.present = false};
    }
    return (struct wms_sight){
        .present = true,
        .disconnected = record->facts.state && strcasecmp(record->facts.state, "disconnected") == 0,
        .locked = record->facts.locked,
    };
}

/* Tells the host's watchers how the session is now (and whether it is new), or that it is gone. */
static void tell_watchers(const struct wms_memory_record *record, bool present, bool opened)
{
    const struct node *head = &record->host->watchers;
    struct wms_change change;

    wms_change_init(&change, &record->facts.id);
    change.identity = record->facts.identity;
    change.present = present;
    change.session = present ? &record->facts : NULL;
    change.opened = opened;
    for (struct node *node = head->next; node != head; node = node->next) {
        struct wms_memory_watcher *watcher = NODE_OWNER(node, struct wms_memory_watcher, node);
        watcher->services->changed(watcher->watcher, &change);
    }
}

/* The session has changed: observers that have had their first look are told. */
static void tell_watches(const struct wms_memory_record *record)
{
    struct wms_sight sight = wms_memory_look(record);

    tell_watchers(record, true, false);

    for (struct node *node = record->watches.next; node != &record->watches; node = node->next) {
        const struct wms_memory_watch *watch = NODE_OWNER(node, struct wms_memory_watch, node);
        if (!watch->first) {
            record->host->services->seen(watch->observer, &sight);
        }
    }
}

/* Frees a session that is in no list and no table.  Its observers stay, and see from now on that it
 * is gone. */
static void record_free(struct wms_memory_record *record)
{
    const wms_memory *host = record->host;
    const struct wms_sight gone = wms_memory_look(NULL);

    while (!node_alone(&record->watches)) {
        struct node *node = node_take(&record->watches);
        struct wms_memory_watch *watch = NODE_OWNER(node, struct wms_memory_watch, node);
        watch->record = NULL;
        if (!watch->first) {
            host->services->seen(watch->observer, &gone);
        }
    }
    host->services->timer_free(record->relock);
    wms_free(host->engine, record->message);
    wms_free(host->engine, record->picture);
    wms_free(host->engine, record);
}

static void drop(struct wms_memory_record *record)
{
    wms_memory *host = record->host;

    tell_watchers(record, false, false);
    wms_table_remove(&host->records, host->engine, &record->entry);
    node_remove(&record->node);
    record_free(record);
}

void wms_memory_empty(wms_memory *host)
{
    while (!node_alone(&host->sessions)) {
        drop(NODE_OWNER(host->sessions.next, struct wms_memory_record, node));
    }
}

/* Errors: NO_MEMORY, and nothing has changed. */
static int lock(struct wms_memory_record *record, const char *message)
{
    const wms_memory *host = record->host;
    char *text = message ? wms_copy(host->engine, message) : NULL;

    if (message && !text) {
        return WMS_E_NO_MEMORY;
    }
    wms_free(host->engine, record->message);
    record->message = text;
    if (record->relock) {
        host->services->timer_set(record->relock, -1);
    }
    if (record->facts.locked != 1) {
        record->facts.locked = 1;
        tell_watches(record);
    }
    return 0;
}

static void unlock(struct wms_memory_record *record)
{
    wms_free(record->host->engine, record->message);
    record->message = NULL;
    if (record->facts.locked != 0) {
        record->facts.locked = 0;
        tell_watches(record);
    }
}

/* The timer of arm_relock(). */
static void relock_due(void *data)
{
    struct wms_memory_record *record = data;

    if (record->facts.locked != 1) {
        record->facts.locked = 1;
        tell_watches(record);
    }
}

/* The session is about to be unlocked: after `relock_after` seconds the host's manager (in Block
 * All) locks it again.  Errors: NO_MEMORY. */
static int arm_relock(struct wms_memory_record *record)
{
    const wms_memory *host = record->host;

    if (!record->relock) {
        record->relock = host->services->timer_new(host->engine, relock_due, record);
        if (!record->relock) {
            return WMS_E_NO_MEMORY;
        }
    }
    host->services->timer_set(record->relock, record->relock_after);
    return 0;
}

static void disconnect(struct wms_memory_record *record)
{
    record->facts.state = "disconnected";
    tell_watches(record);
}

/* ---- what the host is asked ------------------------------------------------------------------ */

/* As wms_memory_act(), but for the log. */
static int carry_out(wms_memory *host, struct wms_memory_record *record,
                     const struct wms_memory_entry *action, const char **ret_text)
{
    enum wms_verb verb = action->verb;
    bool is_own = record && record->facts.is_own == 1;
    int error = 0;

    if (host->failures[verb] && host->failures[verb] != WMS_E_UNREACHABLE) {
        return host->failures[verb];
    }
    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    if (!record->facts.is_orchestratable) {
        *ret_text = "the session is exempt";
        return WMS_E_ACCESS_DENIED;
    }
    if (is_own && wms_verb_is(verb, WMS_ENDS_SESSION)) {
        *ret_text = "it is the caller's own session";
        return WMS_E_ACCESS_DENIED;
    }
    switch (verb) {
    case WMS_LOCK:
        error = lock(record, action->message);
        break;
    case WMS_UNLOCK:
        if (record->relock_after > 0) {
            error = arm_relock(record);
        }
        if (!error && record->relock_after != 0) { /* 0: locked again before anybody can see it */
            unlock(record);
        }
        break;
    case WMS_DISCONNECT:
        disconnect(record);
        break;
    case WMS_CLOSE:
        drop(record);
        break;
    default: /* a message, a picture, and what only later versions know: it goes to the log */
        break;
    }
    return error;
}

int wms_memory_act(wms_memory *host, struct wms_memory_record *record,
                   const struct wms_memory_entry *action, const char **ret_text)
{
    struct wms_memory_entry asked = *action;
    int code = carry_out(host, record, action, ret_text);

    asked.code = code ? code : host->failures[action->verb];
    int unsaid = wms_memory_note(host, &asked);
    /* A message is shown by being logged: without memory for the log it was not shown. */
    return !code && action->verb == WMS_MESSAGE ? unsaid : code;
}

int wms_memory_end(wms_memory *host, enum wms_verb verb)
{
    int code = host->failures[verb];

    wms_memory_note(host, &(struct wms_memory_entry){.verb = verb, .code = code});
    if (!code) {
        wms_memory_empty(host);
    }
    return code;
}

/* ---- the host's own side --------------------------------------------------------------------- */

/* Works out what the program has left open about the session. */
static void complete(struct wms_memory_record *record)
{
    wms_session *facts = &record->facts;

#define WMS_X(field, name) \
    if (facts->field < 0 && &facts->field != &facts->is_orchestratable) { \
        facts->field = 0; \
    }
    WMS_SESSION_FLAGS_1(
        WMS_X) /* not those of later lists: as a rule these hosts do not tell them */
#undef WMS_X
    if (facts->is_orchestratable < 0) {
        facts->is_orchestratable =
            record->host->options.admin_orchestration || (!facts->is_admin && !facts->is_mog_user);
    }
    if (!facts->state) {
        facts->state = "active";
    }
}

/* As wms_memory_find(), for an id that comes from the program: it is brought to its one form first
 * (digits become a number). */
static struct wms_memory_record *find_any(const wms_memory *host, const wms_id *id)
{
    wms_id plain = *id;
    char complaint[128];

    return wms_id_check(&plain, complaint, sizeof complaint) ? NULL : wms_memory_find(host, &plain);
}

int wms_memory_open_sized(wms_memory *host, const wms_session *session, size_t size,
                          double relock_after)
{
    char complaint[128] = "session: the host is closed; make another", identity[24];
    wms_session facts;

    wms_session_init(&facts);
    wms_take(&facts, sizeof facts, session, size);
    if (host->closed || wms_id_check(&facts.id, complaint, sizeof complaint)) {
        wms_engine_complain(host->engine, complaint);
        return WMS_E_INVALID;
    }
    if (wms_memory_find(host, &facts.id)) {
        wms_engine_complain(host->engine,
                            "session_id: there is such a session already; give another id");
        return WMS_E_INVALID;
    }
    if (!facts.identity) { /* a counter of the engine's: never used twice, even if the id is */
        snprintf(identity, sizeof identity, "%" PRIu64, ++host->registry->opened);
        facts.identity = identity;
    }
    size_t strings = wms_pack_size(&facts);
    struct wms_memory_record *record = wms_zalloc(host->engine, sizeof *record + strings);
    if (!record) {
        return WMS_E_NO_MEMORY;
    }
    record->host = host;
    node_init(&record->watches);
    if (wms_table_add(&host->records, host->engine, &record->entry, hash(host, &facts.id))) {
        wms_free(host->engine, record);
        return WMS_E_NO_MEMORY;
    }
    record->relock_after = relock_after < 0 ? host->options.relock_after : relock_after;
    wms_pack(&record->facts, &facts, (char *) (record + 1));
    complete(record);
    node_append(&host->sessions, &record->node);
    if (!node_alone(&host->watchers)) {
        tell_watchers(record, true, true);
        wms_engine_step_aside(host->engine);
    }
    return 0;
}

int wms_memory_lock(wms_memory *host, const wms_id *id, const char *message)
{
    struct wms_memory_record *record = find_any(host, id);
    int error = record ? lock(record, message) : WMS_E_NOT_FOUND;

    wms_engine_step_aside(host->engine);
    return error;
}

int wms_memory_unlock(wms_memory *host, const wms_id *id)
{
    struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    if (record->relock) { /* the manager unlocks, and so does not lock again */
        host->services->timer_set(record->relock, -1);
    }
    unlock(record);
    wms_engine_step_aside(host->engine);
    return 0;
}

int wms_memory_drop(wms_memory *host, const wms_id *id)
{
    struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    drop(record);
    wms_engine_step_aside(host->engine);
    return 0;
}

int wms_memory_session_sized(const wms_memory *host, const wms_id *id, wms_session *ret_session,
                             size_t size, const char **ret_message)
{
    wms_engine_step_aside(host->engine); /* a timer that locks sessions again may be due */
    const struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    wms_give(ret_session, size, &record->facts, sizeof record->facts);
    *ret_message = record->message;
    return 0;
}

/* Errors: INVALID (no code, or one that only the engine itself makes, and no host answers with). */
static int check_code(const wms_memory *host, int code)
{
    switch (code) {
    case WMS_E_CANCELLED:
    case WMS_E_FORKED:
    case WMS_E_NO_PROVIDER:
    case WMS_E_UNVERIFIED:
    case WMS_E_REVERTED:
        break;
    default:
        if (code == 0 || code == wms_error_from_name(wms_error_name(code))) {
            return 0;
        }
    }
    wms_engine_complain(host->engine,
                        "code: no host answers with it; give one that a host can answer with");
    return WMS_E_INVALID;
}

int wms_memory_fail(wms_memory *host, enum wms_verb verb, int code)
{
    if ((unsigned) verb >= WMS_VERB_COUNT || !(WMS_MEMORY_CAN & 1u << verb)) {
        wms_engine_complain(host->engine,
                            "verb: no such host is asked for it; give one that is about sessions, "
                            "reboot or power_off");
        return WMS_E_INVALID;
    }
    int error = check_code(host, code);
    if (!error) {
        host->failures[verb] = code;
    }
    return error;
}

void wms_memory_break(const wms_memory *host, int code)
{
    const struct node *head = &host->connections;

    for (struct node *node = head->next; node != head; node = node->next) {
        const struct wms_memory_connection *connection;
        connection = NODE_OWNER(node, struct wms_memory_connection, node);
        host->services->broken(connection->link, code, NULL);
    }
}

int wms_memory_refuse(wms_memory *host, int code)
{
    int error = check_code(host, code);

    if (error) {
        return error;
    }
    host->refusal = code;
    if (code) {
        wms_memory_break(host, code);
        wms_engine_step_aside(host->engine);
    }
    return 0;
}
