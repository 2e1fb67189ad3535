/* SPDX-License-Identifier: MIT */
/* sessions.c - what is known of one session: its properties, the cache, the look-up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "logind.h"

enum { KNOWN_MAX = 4096 };

/* ---- properties ------------------------------------------------------------------------------ */

static const struct {
    const char *name, *type; /* of D-Bus; of a struct only the first member is read */
    size_t offset;
} properties[] = {
    {"Id", "s", offsetof(struct logind_facts, id)},
    {"Name", "s", offsetof(struct logind_facts, user_name)},
    {"Class", "s", offsetof(struct logind_facts, class_name)},
    {"State", "s", offsetof(struct logind_facts, state)},
    {"Type", "s", offsetof(struct logind_facts, type)},
    {"RemoteHost", "s", offsetof(struct logind_facts, remote_host)},
    {"TTY", "s", offsetof(struct logind_facts, tty)},
    {"Seat", "(so)", offsetof(struct logind_facts, seat)},
    {"User", "(uo)", offsetof(struct logind_facts, uid)},
    {"Leader", "u", offsetof(struct logind_facts, leader)},
    {"Timestamp", "t", offsetof(struct logind_facts, start)},
    {"Remote", "b", offsetof(struct logind_facts, remote)},
    {"LockedHint", "b", offsetof(struct logind_facts, locked)},
    {"CanLock", "b", offsetof(struct logind_facts, can_lock)},
    {"IdleHint", "b", offsetof(struct logind_facts, idle)},
    {"IdleSinceHint", "t", offsetof(struct logind_facts, idle_since)},
    {"Active", "b", offsetof(struct logind_facts, active)},
};

/* Maximum bytes of a text (a name, a seat): real ones are shorter. */
enum { TEXT_MAX = 4096 };

/* Reads the value of a variant, whose type has been checked. */
static int read_value(sd_bus_message *message, const char *type, void *field)
{
    const char *text, *path;
    uint64_t large;
    uint32_t number;
    int r, flag;
    switch (type[0] == '(' ? type[1] : type[0]) {
    case 's':
        r = type[0] == '(' ? sd_bus_message_read(message, "v", type, &text, &path)
                           : sd_bus_message_read(message, "v", type, &text);
        if (r >= 0 && *text && strlen(text) <= TEXT_MAX) {
            *(const char **) field = text;
        }
        return r;
    case 'u':
        r = sd_bus_message_read(message, "v", type, &number);
        if (r >= 0) {
            *(int64_t *) field = number;
        }
        return r;
    case 't':
        r = sd_bus_message_read(message, "v", type, &large);
        if (r >= 0 && large <= INT64_MAX) {
            *(int64_t *) field = (int64_t) large;
        }
        return r;
    default:
        r = sd_bus_message_read(message, "v", type, &flag);
        if (r >= 0) {
            *(signed char *) field = flag != 0;
        }
        return r;
    }
}

/* The user's number, and the path of his object. */
static int read_user(sd_bus_message *message, struct logind_facts *facts)
{
    const char *path;
    uint32_t uid;
    int r = sd_bus_message_read(message, "v", "(uo)", &uid, &path);
    if (r >= 0) {
        facts->uid = uid;
        facts->user_path = path;
    }
    return r;
}

static int read_property(sd_bus_message *message, struct logind_facts *facts)
{
    const char *name, *type;
    int r = sd_bus_message_read(message, "s", &name);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        if (strcmp(name, properties[i].name) != 0) {
            continue;
        }
        r = sd_bus_message_peek_type(message, NULL, &type);
        if (r < 0) {
            return r;
        }
        if (strcmp(type, properties[i].type) != 0) {
            break; /* of another type: not told */
        }
        if (properties[i].offset == offsetof(struct logind_facts, uid)) {
            return read_user(message, facts);
        }
        return read_value(message, properties[i].type, (char *) facts + properties[i].offset);
    }
    return sd_bus_message_skip(message, "v");
}

void logind_facts_init(struct logind_facts *facts)
{
    *facts = (struct logind_facts){.uid = -1,
                                   .leader = -1,
                                   .start = -1,
                                   .idle_since = -1,
                                   .remote = -1,
                                   .locked = -1,
                                   .can_lock = -1,
                                   .active = -1,
                                   .idle = -1};
}

int logind_facts_read(sd_bus_message *message, struct logind_facts *ret_facts)
{
    struct logind_facts facts;
    logind_facts_init(&facts);
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = read_property(message, &facts);
        r = r < 0 ? r : sd_bus_message_exit_container(message);
    }
    r = r < 0 ? r : sd_bus_message_exit_container(message);
    if (r >= 0) {
        *ret_facts = facts;
    }
    return r < 0 ? r : 0;
}

static bool is_user_class(const char *name)
{
    return strcmp(name, "user") == 0 || strncmp(name, "user-", 5) == 0;
}

/* Greeters, lock screens, background jobs and user managers are sessions too. "user" has variants
 * (-early, -light); one that is not complete yet has CanLock false (since systemd 258). */
int logind_facts_of_user(const struct logind_facts *facts)
{
    if (facts->can_lock == 0) {
        return 0;
    }
    return facts->class_name ? is_user_class(facts->class_name) : -1;
}

/* Since version 256 systemd counts each user's service manager as a session; no user sits at it. */
bool logind_facts_of_manager(const struct logind_facts *facts)
{
    return facts->class_name && strncmp(facts->class_name, "manager", 7) == 0;
}

bool logind_facts_closing(const struct logind_facts *facts)
{
    return facts->state && strcmp(facts->state, "closing") == 0;
}

/* The leader process may end before the session does, so it is used only if the start time is not
 * told.  The class of a user's session may change among its variants, so these count as one. */
void logind_facts_identity(const struct logind_facts *facts, char ret_identity[LOGIND_IDENTITY])
{
    const char *class_name = facts->class_name ? facts->class_name : "-";
    snprintf(ret_identity, LOGIND_IDENTITY, "%.64s %lld %.32s %s%lld",
             facts->user_name ? facts->user_name : "-", (long long) facts->uid,
             is_user_class(class_name) ? "user" : class_name, facts->start > 0 ? "" : "leader ",
             (long long) (facts->start > 0 ? facts->start : facts->leader));
}

void logind_facts_session(const struct logind_facts *facts, const char *id,
                          char identity[LOGIND_IDENTITY], wms_session *ret_session)
{
    wms_session session;
    wms_session_init(&session);
    logind_facts_identity(facts, identity);
    session.id = logind_id(id);
    session.state = facts->state;
    session.user_name = facts->user_name;
    session.seat = facts->seat;
    session.type = facts->type;
    session.class_name = facts->class_name;
    session.remote_host = facts->remote == 1 ? facts->remote_host : NULL;
    session.is_orchestratable =
        logind_facts_closing(facts) ? 0 : (signed char) logind_facts_of_user(facts);
    session.locked = facts->locked;
    session.logon_time = facts->start > 0 ? (double) facts->start / 1e6 : -1;
    session.idle_since =
        facts->idle == 1 && facts->idle_since > 0 ? (double) facts->idle_since / 1e6 : -1;
    session.identity = identity;
    *ret_session = session;
}

/* The id as a number if its text is one, else as a text. */
wms_id logind_id(const char *text)
{
    uint64_t number = 0;
    const char *digit = text;
    while (*digit >= '0' && *digit <= '9' && number < UINT32_MAX) {
        number = number * 10 + (uint64_t) (*digit++ - '0');
    }
    bool numeric = digit > text && !*digit && number < UINT32_MAX && (*text != '0' || !text[1]);
    if (numeric) {
        return (wms_id){.number = (uint32_t) number};
    }
    return (wms_id){.text = text};
}

/* Any id that logind may list. "self" and "auto" are refused: logind takes them for the caller's
 * session. */
bool logind_id_possible(const wms_id *id)
{
    if (!id->text) {
        return true;
    }
    size_t size = 0;
    while (id->text[size] > ' ' && id->text[size] <= '~') {
        size++;
    }
    return size > 0 && size <= LOGIND_ID_MAX && !id->text[size] && strcmp(id->text, "self") != 0 &&
           strcmp(id->text, "auto") != 0;
}

/* ---- the cache ------------------------------------------------------------------------------- */

static struct logind_known **known_place(struct logind *conn, const char *id)
{
    struct logind_known **place = &conn->known[logind_hash(conn, id) % LOGIND_BUCKETS];
    while (*place && strcmp((*place)->id, id) != 0) {
        place = &(*place)->next;
    }
    return place;
}

struct logind_known *logind_known_find(struct logind *conn, const char *id)
{
    return *known_place(conn, id);
}

void logind_known_drop(struct logind *conn, const char *id)
{
    struct logind_known **place = known_place(conn, id), *known = *place;
    if (known) {
        *place = known->next;
        conn->known_count--;
        logind_free(conn, known);
    }
}

void logind_known_clear(struct logind *conn)
{
    for (size_t i = 0; i < LOGIND_BUCKETS; i++) {
        while (conn->known[i]) {
            struct logind_known *known = conn->known[i];
            conn->known[i] = known->next;
            logind_free(conn, known);
        }
    }
    conn->known_count = 0;
}

/* Replaces the session's cache entry by what was just read.  Out of memory is no error: there is no
 * entry then. */
static void remember(struct logind *conn, const char *id, const char *path,
                     const struct logind_facts *facts)
{
    char identity[LOGIND_IDENTITY];
    struct logind_known *known = logind_known_find(conn, id);
    logind_facts_identity(facts, identity);
    if (!known || strcmp(known->identity, identity) != 0 || strcmp(known->path, path) != 0) {
        size_t id_size = strlen(id) + 1, path_size = strlen(path) + 1,
               identity_size = strlen(identity) + 1;
        logind_known_drop(conn, id);
        if (conn->known_count >= KNOWN_MAX) {
            logind_known_clear(conn);
        }
        known = logind_alloc(conn, sizeof *known + id_size + path_size + identity_size);
        if (!known) {
            return;
        }
        char *text = (char *) (known + 1);
        known->id = memcpy(text, id, id_size);
        known->path = memcpy(text + id_size, path, path_size);
        known->identity = memcpy(text + id_size + path_size, identity, identity_size);
        *known_place(conn, id) = known;
        conn->known_count++;
    }
    known->was_locked = known->was_locked || facts->locked == 1;
}

/* ---- the look-up ----------------------------------------------------------------------------- */

void logind_lookup_init(struct logind *conn, struct logind_lookup *lookup, const wms_id *id)
{
    logind_call_init(conn, &lookup->call);
    lookup->path = lookup->own_path = NULL;
    lookup->id = id->text;
    if (!id->text) {
        snprintf(lookup->number, sizeof lookup->number, "%lu", (unsigned long) id->number);
        lookup->id = lookup->number;
    }
}

bool logind_lookup_path(struct logind_lookup *lookup, const char *path)
{
    logind_free(lookup->call.conn, lookup->own_path);
    lookup->path = lookup->own_path = logind_copy(lookup->call.conn, path);
    return lookup->path;
}

void logind_lookup_drop(struct logind_lookup *lookup)
{
    logind_call_drop(&lookup->call);
    lookup->path = lookup->own_path = logind_free(lookup->call.conn, lookup->own_path);
}

static void fail_unreadable(struct logind_lookup *lookup, int error)
{
    struct logind_fault fault;
    logind_fault_unreadable(error, &fault);
    lookup->done(lookup, &fault, NULL, NULL);
}

static int send_get_all(struct logind_call *call)
{
    struct logind_lookup *lookup = NODE_OWNER(call, struct logind_lookup, call);
    return logind_send(call, lookup->path, DBUS_PROPERTIES, "GetAll", "s", LOGIND_SESSION);
}

/* Recognizes that the session has ended: the error for an object that does not exist differs
 * between versions of logind. */
static void look_for_end(sd_bus_message *reply, struct logind_fault *fault)
{
    static const char *const names[] = {"UnknownMethod", "UnknownInterface", "UnknownProperty"};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "org.freedesktop.DBus.Error.%s", names[i]);
        if (sd_bus_message_is_method_error(reply, name)) {
            fault->code = WMS_E_NOT_FOUND;
            fault->text = NULL;
        }
    }
}

void logind_told_by(struct logind *conn, sd_bus_message *reply)
{
    const char *sender = sd_bus_message_get_sender(reply);

    if (sender && strcmp(sender, conn->owner) != 0) {
        logind_known_clear(conn);
        snprintf(conn->owner, sizeof conn->owner, "%s", sender);
    }
}

static void facts_done(struct logind_call *call, sd_bus_message *reply)
{
    struct logind_lookup *lookup = NODE_OWNER(call, struct logind_lookup, call);
    struct logind *conn = call->conn;
    struct logind_fault fault;
    struct logind_facts facts;

    if (logind_fault_of(reply, &fault)) {
        look_for_end(reply, &fault);
        if (fault.code == WMS_E_NOT_FOUND) {
            logind_known_drop(conn, lookup->id);
        }
        lookup->done(lookup, &fault, NULL, reply);
        return;
    }
    int r = logind_facts_read(reply, &facts);
    if (r < 0) {
        fail_unreadable(lookup, r);
        return;
    }
    if (!facts.id) {
        facts.id = lookup->id;
    }
    if (strcmp(facts.id, lookup->id) != 0) { /* the id was an alias of another session */
        fault = (struct logind_fault){.code = WMS_E_NOT_FOUND};
        logind_known_drop(conn, lookup->id);
        lookup->done(lookup, &fault, NULL, reply);
        return;
    }
    logind_told_by(conn, reply);
    if (logind_facts_of_user(&facts) == 1) {
        remember(conn, lookup->id, lookup->path, &facts);
    } else {
        logind_known_drop(conn, lookup->id);
    }
    lookup->done(lookup, NULL, &facts, reply);
}

void logind_lookup_read(struct logind_lookup *lookup)
{
    logind_call_start(&lookup->call, send_get_all, facts_done);
}

static int send_get_session(struct logind_call *call)
{
    struct logind_lookup *lookup = NODE_OWNER(call, struct logind_lookup, call);
    return logind_send(call, LOGIND_PATH, LOGIND_MANAGER, "GetSession", "s", lookup->id);
}

static void path_done(struct logind_call *call, sd_bus_message *reply)
{
    struct logind_lookup *lookup = NODE_OWNER(call, struct logind_lookup, call);
    struct logind_fault fault;
    const char *path;

    if (logind_fault_of(reply, &fault)) {
        lookup->done(lookup, &fault, NULL, reply);
        return;
    }
    int r = sd_bus_message_read(reply, "o", &path);
    if (r < 0 || !logind_lookup_path(lookup, path)) {
        fail_unreadable(lookup, r < 0 ? r : -ENOMEM);
        return;
    }
    logind_lookup_read(lookup);
}

void logind_lookup_start(struct logind_lookup *lookup)
{
    const struct logind_known *known = logind_known_find(lookup->call.conn, lookup->id);
    if (known && logind_lookup_path(lookup, known->path)) { /* else the path is asked for first */
        logind_lookup_read(lookup);
    } else {
        logind_call_start(&lookup->call, send_get_session, path_done);
    }
}
