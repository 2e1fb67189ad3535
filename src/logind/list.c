/* SPDX-License-Identifier: MIT */
/* list.c - all sessions.
 *
 * Where somebody reads whether they are locked, and LockedHint does not tell it, the screen savers
 * of their users are asked, all at once, when the sessions are known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userbus.h"

#define SPARED_CLOSING "the session is closing: its user has logged out, and a process of it stays"
#define SPARED_SSH \
    "it is an ssh connection without a terminal, of the user and the machine that ask, as ours " \
    "are"
#define SPARED_OWN \
    "it is of the caller's own user and active at a seat: to close it, name it by its id"

enum {
    SESSIONS_MAX = 65536,
    PATIENCE = 2 /* seconds after the last answer, when the missing ones are given up; logind
                    answers in order */
};

static const double tick = 0.1; /* seconds, while screen savers are asked */

struct listing;

struct entry {
    struct logind_lookup lookup;
    struct listing *listing;
    struct logind_facts facts; /* at first from ListSessions */
    sd_bus_message *message;   /* `facts` are borrowed from it */
    int64_t uid;
    bool answered, ended;
    struct logind_savers *savers; /* NULL: they are not asked */
};

struct listing {
    struct logind_task task;
    struct logind_call call;
    struct logind_own own;
    bool own_asked,
        own_known; /* the question which session is the caller's: has been answered; successfully */
    struct wms_op *op;
    sd_bus_message *message; /* ids and paths are borrowed from it */
    bool listed;
    struct entry *entries;
    struct entry *own_entry; /* one of them; NULL: none, or it is not known */
    size_t count, reported;  /* `reported`: so many first ones, in the order of ListSessions */
    struct wms_timer *silence;
    bool screens_asked; /* the screen savers are, or need not be */
    size_t unsure;      /* entries whose screen savers have not answered */
    struct wms_timer *ticks;
};

static void drop_savers(struct logind *conn, struct entry *entry)
{
    if (entry->savers) {
        logind_savers_drop(entry->savers);
        entry->savers = logind_free(conn, entry->savers);
    }
}

static void listing_free(struct logind *conn, struct logind_task *task)
{
    struct listing *listing = NODE_OWNER(task, struct listing, task);
    for (size_t i = 0; i < listing->count; i++) {
        logind_lookup_drop(&listing->entries[i].lookup);
        drop_savers(conn, &listing->entries[i]);
        sd_bus_message_unref(listing->entries[i].message);
    }
    logind_call_drop(&listing->call);
    logind_call_drop(&listing->own.call);
    conn->services->timer_free(listing->silence);
    conn->services->timer_free(listing->ticks);
    sd_bus_message_unref(listing->message);
    logind_free(conn, listing->entries);
    logind_free(conn, listing);
}

static void finish(struct listing *listing, const struct logind_fault *fault)
{
    struct logind *conn = listing->call.conn;
    struct wms_op *op = listing->op;
    logind_task_end(conn, &listing->task);
    logind_fault_answer(conn, op, fault);
}

/* Whether it may be another ssh of ours: one that asks a user's bus, or whose end logind does not
 * know yet.  Nobody sits at such a session. */
static bool is_ssh_like_ours(const struct listing *listing, const struct entry *entry)
{
    const struct entry *own = listing->own_entry;
    const struct logind_facts *facts = &entry->facts;
    return listing->call.conn->way && own && entry->uid == own->uid && facts->remote == 1 &&
           !facts->tty && !logind_screen_is(facts) && facts->remote_host &&
           own->facts.remote_host && strcmp(facts->remote_host, own->facts.remote_host) == 0;
}

/* Why an action on all sessions leaves this one out, or NULL. */
static const char *spared(const struct listing *listing, const struct entry *entry)
{
    const struct logind *conn = listing->call.conn;
    enum wms_verb verb = listing->op->verb;
    const struct logind_facts *facts = &entry->facts;
    bool is_own = entry == listing->own_entry;
    if (is_own && conn->way && verb != WMS_CLOSE) { /* which may not be closed by its id either */
        return LOGIND_CONNECTION;
    }
    if (!is_own && is_ssh_like_ours(listing, entry)) {
        return SPARED_SSH;
    }
    if (verb == WMS_SESSIONS) {
        return NULL;
    }
    if (logind_facts_closing(facts)) {
        return SPARED_CLOSING;
    }
    bool at_seat = facts->active == 1 && facts->seat;
    return verb == WMS_CLOSE && !is_own && at_seat &&
                   logind_own_user(conn, entry->uid,
                                   listing->own_entry ? listing->own_entry->uid : -1)
               ? SPARED_OWN
               : NULL;
}

static int report(struct listing *listing, const struct entry *entry)
{
    const struct logind *conn = listing->call.conn;
    const struct logind_facts *facts = &entry->facts;
    char identity[LOGIND_IDENTITY];
    bool is_own = entry == listing->own_entry;
    wms_session session;
    logind_facts_session(facts, entry->lookup.id, identity, &session);
    if ((is_own && conn->way) || is_ssh_like_ours(listing, entry)) {
        session.is_orchestratable = 0;
    }
    /* nobody's own session is on another machine: there is one of the connection there */
    session.is_own = conn->way ? 0 : listing->own_known ? is_own : -1;
    session.identity = entry->message ? identity : NULL;
    session.spared = spared(listing, entry);
    return conn->services->session(listing->op, &session);
}

/* Logs what is wrong with one session: the others are listed all the same. */
static void complain(const struct listing *listing, const struct entry *entry, const char *text)
{
    const struct logind *conn = listing->call.conn;
    char line[512];
    snprintf(line, sizeof line, "session %.64s: %.400s", entry->lookup.id, text);
    conn->services->log(conn->engine, WMS_WARNING, line);
}

/* ---- screen savers --------------------------------------------------------------------------- */

static void proceed(struct listing *listing);

static bool all_answered(const struct listing *listing)
{
    size_t count = 0;
    while (count < listing->count && listing->entries[count].answered) {
        count++;
    }
    return count == listing->count;
}

static bool has_screen(const struct entry *entry)
{
    return !entry->ended && entry->message && logind_screen_is(&entry->facts);
}

static int compare_users(const void *a, const void *b)
{
    int64_t first = (*(struct entry *const *) a)->uid, second = (*(struct entry *const *) b)->uid;
    return (first > second) - (first < second);
}

static void savers_told(struct logind_savers *savers, signed char active)
{
    struct entry *entry = savers->data;
    struct listing *listing = entry->listing;
    if (savers->no_memory) {
        finish(listing, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
        return;
    }
    entry->facts.locked = active;
    drop_savers(savers->conn, entry);
    listing->unsure--;
    proceed(listing);
}

/* Nobody tells, unless his screen savers do.  Returns 0 or -ENOMEM. */
static int ask_savers(struct listing *listing, struct entry *entry)
{
    struct logind *conn = listing->call.conn;
    entry->facts.locked = -1;
    entry->savers = logind_alloc(conn, sizeof *entry->savers);
    if (!entry->savers) {
        return -ENOMEM;
    }
    entry->savers->data = entry;
    int r = logind_savers_ask(conn, entry->savers, entry->uid, false, savers_told);
    if (r < 0) {
        drop_savers(conn, entry);
        return r == -ENOMEM ? r : 0;
    }
    listing->unsure++;
    return 0;
}

/* Of those who have one graphical session: otherwise it is not known whose saver answers. */
static int ask_screens(struct listing *listing)
{
    struct logind *conn = listing->call.conn;
    size_t count = 0;
    int r = 0;
    struct entry **screens =
        conn->services->resize(conn->engine, NULL, (listing->count + 1) * sizeof *screens);
    if (!screens) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < listing->count; i++) {
        if (has_screen(&listing->entries[i])) {
            screens[count++] = &listing->entries[i];
        }
    }
    qsort(screens, count, sizeof *screens, compare_users);
    logind_lockers_renew(conn);
    for (size_t i = 0; i < count && r >= 0; i++) {
        struct entry *entry = screens[i];
        bool shares = (i > 0 && screens[i - 1]->uid == entry->uid) ||
                      (i + 1 < count && screens[i + 1]->uid == entry->uid);
        if (!logind_screen_is_mute(conn, entry->lookup.id, &entry->facts)) {
            continue;
        }
        logind_lockers_add(conn, entry->lookup.id, entry->lookup.path, &entry->facts);
        if (shares) {
            entry->facts.locked = -1;
        } else {
            r = ask_savers(listing, entry);
        }
    }
    logind_free(conn, screens);
    return r;
}

/* While screen savers are asked, the op goes on: theirs is another limit than logind's. */
static void on_tick(void *data)
{
    struct listing *listing = data;
    const struct wms_services *services = listing->call.conn->services;
    services->alive(listing->op);
    services->timer_set(listing->ticks, tick);
}

/* Whether it is known of all sessions whether they are locked, or nobody reads it (`all`).  If not,
 * proceed() is called again; false is returned also when the listing has ended. */
static bool is_sure(struct listing *listing)
{
    struct logind *conn = listing->call.conn;
    if (listing->op->all) {
        return true;
    }
    if (!listing->screens_asked) {
        if (!all_answered(listing)) {
            return false;
        }
        listing->screens_asked = true;
        if (ask_screens(listing) < 0) {
            finish(listing, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
            return false;
        }
        if (listing->unsure > 0) {
            listing->ticks = conn->services->timer_new(conn->engine, on_tick, listing);
            if (!listing->ticks) {
                finish(listing, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
                return false;
            }
            on_tick(listing);
        }
    }
    return listing->unsure == 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Reports the sessions that are complete, in order, and ends the listing after the last. */
static void proceed(struct listing *listing)
{
    struct logind_fault fault = {.code = 0};
    if (!listing->own_asked || !listing->listed) {
        return;
    }
    listing->call.conn->services->timer_set(listing->silence, PATIENCE);
    if (listing->own_entry && !listing->own_entry->answered) { /* others are compared with it */
        return;
    }
    if (!is_sure(listing)) {
        return;
    }
    while (listing->reported < listing->count && listing->entries[listing->reported].answered) {
        struct entry *entry = &listing->entries[listing->reported++];
        if (entry->ended || logind_facts_of_manager(&entry->facts)) {
            continue;
        }
        int error = report(listing, entry);
        if (entry != listing->own_entry) {
            entry->message = sd_bus_message_unref(entry->message);
        }
        if (error == WMS_E_PROTOCOL) {
            complain(listing, entry, "left out: no host may have such an id");
        } else if (error) {
            fault.code = error;
            finish(listing, &fault);
            return;
        }
    }
    if (listing->reported == listing->count) {
        finish(listing, &fault);
    }
}

/* No answer came for PATIENCE seconds, and later questions have been answered: the missing answers
 * will not come.  Their sessions are left out, and the others are listed. */
static void on_silence(void *data)
{
    struct listing *listing = data;
    struct logind *conn = listing->call.conn;
    logind_enter(conn);
    for (size_t i = listing->reported; !conn->failure && i < listing->count; i++) {
        struct entry *entry = &listing->entries[i];
        if (!entry->answered) {
            logind_call_drop(&entry->lookup.call);
            complain(listing, entry, "logind does not tell how it is");
            entry->answered = true;
        }
    }
    if (!conn->failure) {
        proceed(listing);
    }
    logind_leave(conn);
}

/* Whether the fault is of the host or of this machine, and not of one session. */
static bool is_of_host(const struct logind_fault *fault)
{
    return fault->lost || fault->code == WMS_E_UNREACHABLE || fault->code == WMS_E_BUSY ||
           fault->code == WMS_E_NO_MEMORY;
}

static void entry_done(struct logind_lookup *lookup, const struct logind_fault *fault,
                       const struct logind_facts *facts, sd_bus_message *reply)
{
    struct entry *entry = NODE_OWNER(lookup, struct entry, lookup);
    if (fault && is_of_host(fault)) {
        finish(entry->listing, fault);
        return;
    }
    if (!fault) {
        entry->facts = *facts;
        entry->message = sd_bus_message_ref(reply);
    } else if (fault->code == WMS_E_NOT_FOUND) {
        entry->ended = true; /* meanwhile */
    } else {
        complain(entry->listing, entry, fault->text);
    }
    entry->answered = true;
    proceed(entry->listing);
}

static void own_done(struct logind_own *own, const struct logind_fault *fault, const char *path)
{
    struct listing *listing = NODE_OWNER(own, struct listing, own);
    struct logind_fault refusal;
    if (fault && (is_of_host(fault) ||
                  listing->op->verb == WMS_CLOSE)) { /* the caller's own session might be closed */
        logind_own_unknown(fault, &refusal);
        finish(listing, is_of_host(fault) ? fault : &refusal);
        return;
    }
    listing->own_asked = true;
    listing->own_known = !fault;
    for (size_t i = 0; path && i < listing->count; i++) {
        if (strcmp(listing->entries[i].lookup.path, path) == 0) {
            listing->own_entry = &listing->entries[i];
        }
    }
    proceed(listing);
}

/* Makes an entry for each of ListSessions' a(susso): id, uid, user's name, seat, path. */
static int make_entries(struct listing *listing, sd_bus_message *reply)
{
    struct logind *conn = listing->call.conn;
    const char *id, *user_name, *seat, *path;
    uint32_t uid;
    size_t size = 0;
    int r = sd_bus_message_enter_container(reply, 'a', "(susso)");
    while (r >= 0 &&
           (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user_name, &seat, &path)) > 0) {
        if (listing->count == SESSIONS_MAX) {
            return -EBADMSG;
        }
        if (listing->count == size) {
            size = size ? 2 * size : 16;
            struct entry *entries =
                conn->services->resize(conn->engine, listing->entries, size * sizeof *entries);
            if (!entries) {
                return -ENOMEM;
            }
            listing->entries = entries;
        }
        struct entry *entry = &listing->entries[listing->count++];
        memset(entry, 0, sizeof *entry);
        entry->lookup.id = id;
        entry->lookup.path = path;
        logind_facts_init(&entry->facts);
        entry->uid = uid;
        entry->facts.user_name = *user_name ? user_name : NULL;
        entry->facts.seat = *seat ? seat : NULL;
    }
    return r;
}

static void sessions_done(struct logind_call *call, sd_bus_message *reply)
{
    struct listing *listing = NODE_OWNER(call, struct listing, call);
    struct logind_fault fault;
    if (logind_fault_of(reply, &fault)) {
        finish(listing, &fault);
        return;
    }
    logind_told_by(call->conn, reply); /* also where there is no session yet */
    int r = make_entries(listing, reply);
    listing->message = sd_bus_message_ref(reply);
    for (size_t i = 0; i < listing->count;
         i++) { /* only now, since the array does not move any more */
        struct entry *entry = &listing->entries[i];
        entry->listing = listing;
        entry->lookup.done = entry_done;
        logind_call_init(call->conn, &entry->lookup.call);
    }
    if (r < 0) {
        logind_fault_unreadable(r, &fault);
        finish(listing, &fault);
        return;
    }
    listing->silence = call->conn->services->timer_new(call->conn->engine, on_silence, listing);
    if (!listing->silence) {
        finish(listing, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
        return;
    }
    listing->listed = true;
    for (size_t i = 0; i < listing->count; i++) {
        logind_lookup_read(&listing->entries[i].lookup);
    }
    logind_own_ask(call->conn, &listing->own,
                   own_done); /* after ids and users are known, which own_done() uses */
    proceed(listing);
}

static int send_list(struct logind_call *call)
{
    return logind_send(call, LOGIND_PATH, LOGIND_MANAGER, "ListSessions", "");
}

void logind_list(struct logind *conn, struct wms_op *op)
{
    struct listing *listing = logind_alloc(conn, sizeof *listing);
    if (!listing) {
        conn->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    listing->op = op;
    logind_call_init(conn, &listing->call);
    logind_call_init(conn, &listing->own.call);
    logind_task_begin(conn, &listing->task, &op->data, listing_free);
    logind_call_start(&listing->call, send_list, sessions_done);
}
