/* How a session is, and each change.
 *
 * One set of matches serves all watchers of a connection, since dbus-daemon allows it only 512.  The bus handles a
 * connection's messages in order: a read that follows AddMatch misses no change, and a signal that comes before the answer
 * to a read is older than the answer. */
#include <string.h>

#include "logind.h"

#define UNMATCHED "the bus does not let this connection watch sessions"

enum { SILENT_MAX = 3 };

struct watcher {
    struct logind_task task;
    struct node same; /* with those of the same bucket of paths */
    struct logind_lookup lookup;
    struct wms_observer *observer;
    unsigned silent; /* reads that got no answer, one after the other */
    bool reading;    /* signals tell nothing newer than what is on its way */
    bool seen, gone;
    signed char locked;
};

/* ---- matches ---------------------------------------------------------------------------------------------------- */

#define SIGNAL "type='signal',sender='" LOGIND_NAME "',"

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error);
static int on_removed(sd_bus_message *signal, void *data, sd_bus_error *error);
static int on_owner(sd_bus_message *signal, void *data, sd_bus_error *error);
static int on_matched(sd_bus_message *reply, void *data, sd_bus_error *error);

static const struct {
    const char *rule;
    sd_bus_message_handler_t handler;
} matches[LOGIND_MATCHES] = {
    {SIGNAL "path_namespace='" LOGIND_PATH "/session',interface='" DBUS_PROPERTIES "',member='PropertiesChanged',"
            "arg0='" LOGIND_SESSION "'",
     on_changed},
    {SIGNAL "path='" LOGIND_PATH "',interface='" LOGIND_MANAGER "',member='SessionRemoved'", on_removed},
    {"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
     "member='NameOwnerChanged',arg0='" LOGIND_NAME "'",
     on_owner},
};

static void add_matches(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_MATCHES && !conn->failure; i++) {
        int r = sd_bus_add_match_async(conn->bus, &conn->matches[i], matches[i].rule, matches[i].handler, on_matched, conn);
        if (r < 0) {
            conn->matches[i] = NULL;
            logind_fail_errno(conn, r);
        }
    }
}

static void remove_matches(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_MATCHES; i++) {
        conn->matches[i] = conn->bus ? sd_bus_slot_unref(conn->matches[i]) : NULL;
    }
}

/* ---- watchers --------------------------------------------------------------------------------------------------- */

static void watcher_free(struct logind *conn, struct logind_task *task)
{
    struct watcher *watcher = NODE_OWNER(task, struct watcher, task);
    node_remove(&watcher->same);
    logind_lookup_drop(&watcher->lookup);
    logind_free(conn, watcher);
    if (--conn->watcher_count == 0) {
        remove_matches(conn);
        conn->unmatched = 0;
    }
}

static void end_blind(struct watcher *watcher, const struct logind_fault *fault)
{
    struct logind *conn = watcher->lookup.call.conn;
    struct wms_observer *observer = watcher->observer;
    logind_task_end(conn, &watcher->task);
    conn->services->blind(observer, fault->code, fault->text);
}

static struct node *bucket(struct logind *conn, const char *path)
{
    return &conn->watchers[logind_hash(path) % LOGIND_BUCKETS];
}

/* The last thing to do with a watcher: the engine may end it. */
static void tell(struct watcher *watcher, bool present, signed char locked)
{
    const struct logind *conn = watcher->lookup.call.conn;
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
    conn->services->seen(watcher->observer, &sight);
}

static void read_anew(struct watcher *watcher)
{
    if (!watcher->reading) {
        watcher->reading = true;
        logind_lookup_read(&watcher->lookup);
    }
}

static void read_done(struct logind_lookup *lookup, const struct logind_fault *fault, const struct logind_facts *facts,
                      sd_bus_message *reply)
{
    struct watcher *watcher = NODE_OWNER(lookup, struct watcher, lookup);
    struct logind *conn = lookup->call.conn;
    (void) reply;
    watcher->reading = false;
    if (!fault) {
        if (node_alone(&watcher->same) && !watcher->gone) {
            node_append(bucket(conn, lookup->path), &watcher->same);
        }
        watcher->silent = 0;
        tell(watcher, true, facts->locked);
    } else if (fault->code == WMS_E_NOT_FOUND) {
        tell(watcher, false, -1);
    } else if (fault->lost && lookup->path && ++watcher->silent < SILENT_MAX) {
        read_anew(watcher); /* logind is being restarted: the bus keeps this one for the next */
    } else {
        end_blind(watcher, fault);
    }
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

/* Anybody on the bus may send a signal straight to this connection; the sender's name is the bus's. */
static bool is_from(sd_bus_message *signal, const char *name)
{
    const char *sender = sd_bus_message_get_sender(signal);
    return sender && strcmp(sender, name) == 0;
}

/* Calls `each` for the watchers of the session at `path`; whatever the engine does meanwhile to these or others. */
static void for_each(struct logind *conn, const char *path, void (*each)(struct watcher *watcher, signed char locked),
                     signed char locked)
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
        node_append(all, node);
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
        tell(watcher, true, locked);
    }
}

static void each_removed(struct watcher *watcher, signed char locked)
{
    tell(watcher, false, locked);
}

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    struct logind_facts facts;
    const char *interface, *name;
    bool stale = false;
    (void) error;
    if (!is_from(signal, conn->owner)) {
        return 0;
    }
    int r = sd_bus_message_read(signal, "s", &interface);
    r = r < 0 ? r : logind_facts_read(signal, &facts);
    r = r < 0 ? r : sd_bus_message_enter_container(signal, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(signal, "s", &name)) > 0) {
        stale = stale || strcmp(name, "LockedHint") == 0;
    }
    if (r < 0 || stale) {
        facts.locked = -1;
    }
    if (r < 0 || stale || facts.locked >= 0) {
        for_each(conn, sd_bus_message_get_path(signal), each_changed, facts.locked);
    }
    return 0;
}

static int on_removed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    const char *id, *path;
    (void) error;
    if (is_from(signal, conn->owner) && sd_bus_message_read(signal, "so", &id, &path) > 0) {
        logind_known_drop(conn, id);
        for_each(conn, path, each_removed, -1);
    }
    return 0;
}

/* A new logind has forgotten the LockedHints. */
static int on_owner(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    const char *name, *before, *after;
    (void) error;
    if (!is_from(signal, "org.freedesktop.DBus") || sd_bus_message_read(signal, "sss", &name, &before, &after) <= 0 ||
        !*after) {
        return 0;
    }
    for (size_t i = 0; i < LOGIND_BUCKETS; i++) {
        for (struct node *node = conn->watchers[i].next; node != &conn->watchers[i]; node = node->next) {
            read_anew(NODE_OWNER(node, struct watcher, same));
        }
    }
    return 0;
}

/* Without its matches a watcher would miss changes.  The engine may observe anew at once: such a watcher is refused as long
 * as others of the old ones are left. */
static int on_matched(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    struct logind_fault fault;
    struct node these, *node, *next;
    (void) error;
    if (!logind_fault_of(reply, &fault)) {
        return 1;
    }
    fault.text = UNMATCHED;
    conn->unmatched = fault.code;
    node_init(&these);
    for (node = conn->tasks.next; node != &conn->tasks; node = next) {
        next = node->next;
        if (NODE_OWNER(node, struct logind_task, node)->free == watcher_free) {
            node_remove(node);
            node_append(&these, node);
        }
    }
    while (!node_alone(&these)) {
        end_blind(NODE_OWNER(these.next, struct watcher, task.node), &fault);
    }
    return 1;
}

/* ---- for the engine --------------------------------------------------------------------------------------------- */

void logind_observe(struct logind *conn, struct wms_observer *observer, const wms_id *id)
{
    if (conn->unmatched) {
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
        add_matches(conn);
    }
    const struct logind_known *known = logind_known_find(conn, watcher->lookup.id);
    watcher->reading = true;
    if (!known) {
        logind_lookup_start(&watcher->lookup);
    } else if (logind_lookup_path(&watcher->lookup, known->path)) {
        logind_lookup_read(&watcher->lookup);
    } else {
        end_blind(watcher, &(struct logind_fault){.code = WMS_E_NO_MEMORY});
    }
}
