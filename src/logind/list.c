/* All sessions. */
#include <errno.h>
#include <string.h>

#include "logind.h"

enum { SESSIONS_MAX = 65536 };

struct listing;

struct entry {
    struct logind_lookup lookup;
    struct listing *listing;
    struct logind_facts facts;
    sd_bus_message *message; /* that `facts` are borrowed from */
    bool answered;
};

struct listing {
    struct logind_task task;
    struct logind_call call;
    struct wms_op *op;
    sd_bus_message *message; /* that ids and paths are borrowed from */
    struct entry *entries;
    size_t count, reported; /* in the order of ListSessions, whatever the order of the answers */
};

static void listing_free(struct logind *conn, struct logind_task *task)
{
    struct listing *listing = NODE_OWNER(task, struct listing, task);
    for (size_t i = 0; i < listing->count; i++) {
        logind_lookup_drop(&listing->entries[i].lookup);
        sd_bus_message_unref(listing->entries[i].message);
    }
    logind_call_drop(&listing->call);
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

static int report(struct listing *listing, const struct entry *entry)
{
    const struct logind *conn = listing->call.conn;
    const struct logind_facts *facts = &entry->facts;
    wms_session session = {
        .id = logind_id(facts->id),
        .state = facts->state,
        .user_name = facts->user_name,
        .seat = facts->seat,
        .type = facts->type,
        .class_name = facts->class_name,
        .remote_host = facts->remote == 1 ? facts->remote_host : NULL,
        .station_id = -1,
        .is_orchestratable = logind_facts_of_user(facts),
        .is_admin = -1,
        .is_mog_user = -1,
        .is_rail = -1,
        .is_own = conn->own_path && strcmp(entry->lookup.path, conn->own_path) == 0,
        .locked = facts->locked,
        .logon_time = facts->logon_time ? (double) facts->logon_time / 1e6 : -1,
        .idle_since = facts->idle == 1 && facts->idle_since ? (double) facts->idle_since / 1e6 : -1,
    };
    return conn->services->session(listing->op, &session);
}

/* Reports those whose turn it is, and ends the listing after the last. */
static void proceed(struct listing *listing)
{
    struct logind_fault fault = {.code = 0};
    while (listing->reported < listing->count && listing->entries[listing->reported].answered) {
        struct entry *entry = &listing->entries[listing->reported++];
        if (entry->message) {
            fault.code = logind_facts_of_manager(&entry->facts) ? 0 : report(listing, entry);
            entry->message = sd_bus_message_unref(entry->message);
            if (fault.code) {
                finish(listing, &fault);
                return;
            }
        }
    }
    if (listing->reported == listing->count) {
        finish(listing, &fault);
    }
}

static void entry_done(struct logind_lookup *lookup, const struct logind_fault *fault, const struct logind_facts *facts,
                       sd_bus_message *reply)
{
    struct entry *entry = NODE_OWNER(lookup, struct entry, lookup);
    if (fault && fault->code != WMS_E_NOT_FOUND) {
        finish(entry->listing, fault);
        return;
    }
    if (!fault) { /* otherwise it has ended meanwhile */
        entry->facts = *facts;
        entry->message = sd_bus_message_ref(reply);
    }
    entry->answered = true;
    proceed(entry->listing);
}

/* Makes an entry for each of ListSessions' a(susso): id, uid, user's name, seat, path. */
static int make_entries(struct listing *listing, sd_bus_message *reply)
{
    struct logind *conn = listing->call.conn;
    const char *id, *user_name, *seat, *path;
    uint32_t uid;
    size_t size = 0;
    int r = sd_bus_message_enter_container(reply, 'a', "(susso)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user_name, &seat, &path)) > 0) {
        if (listing->count == SESSIONS_MAX || strlen(id) > LOGIND_ID_MAX) {
            return -EBADMSG;
        }
        if (listing->count == size) {
            size = size ? 2 * size : 16;
            struct entry *entries = conn->services->resize(conn->engine, listing->entries, size * sizeof *entries);
            if (!entries) {
                return -ENOMEM;
            }
            listing->entries = entries;
        }
        struct entry *entry = &listing->entries[listing->count++];
        memset(entry, 0, sizeof *entry);
        entry->lookup.id = id;
        entry->lookup.path = path;
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
    int r = make_entries(listing, reply);
    listing->message = sd_bus_message_ref(reply);
    for (size_t i = 0; i < listing->count; i++) { /* now that the array stays where it is */
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
    for (size_t i = 0; i < listing->count; i++) {
        logind_lookup_read(&listing->entries[i].lookup);
    }
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
    logind_task_begin(conn, &listing->task, &op->data, listing_free);
    logind_call_start(&listing->call, send_list, sessions_done);
}
