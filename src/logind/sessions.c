/* What is known of one session: its properties, the cache, the look-up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "logind.h"

enum { KNOWN_MAX = 4096 };

/* ---- properties ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    char type; /* D-Bus's; '(' is a seat: its id and its path; 't' a time */
    size_t offset;
} properties[] = {
    {"Id", 's', offsetof(struct logind_facts, id)},
    {"Name", 's', offsetof(struct logind_facts, user_name)},
    {"Class", 's', offsetof(struct logind_facts, class_name)},
    {"State", 's', offsetof(struct logind_facts, state)},
    {"Type", 's', offsetof(struct logind_facts, type)},
    {"RemoteHost", 's', offsetof(struct logind_facts, remote_host)},
    {"Seat", '(', offsetof(struct logind_facts, seat)},
    {"Remote", 'b', offsetof(struct logind_facts, remote)},
    {"LockedHint", 'b', offsetof(struct logind_facts, locked)},
    {"CanLock", 'b', offsetof(struct logind_facts, can_lock)},
    {"IdleHint", 'b', offsetof(struct logind_facts, idle)},
    {"Timestamp", 't', offsetof(struct logind_facts, logon_time)},
    {"IdleSinceHint", 't', offsetof(struct logind_facts, idle_since)},
};

/* Of a name, a seat: nothing honest is longer. */
enum { TEXT_MAX = 4096 };

static int read_property(sd_bus_message *message, struct logind_facts *facts)
{
    const char *name, *text, *path;
    int r = sd_bus_message_read(message, "s", &name), flag;
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        void *field = (char *) facts + properties[i].offset;
        if (strcmp(name, properties[i].name) != 0) {
            continue;
        }
        if (properties[i].type == 'b') {
            r = sd_bus_message_read(message, "v", "b", &flag);
            if (r >= 0) {
                *(signed char *) field = flag != 0;
            }
            return r;
        }
        if (properties[i].type == 't') {
            return sd_bus_message_read(message, "v", "t", (uint64_t *) field);
        }
        r = properties[i].type == 's' ? sd_bus_message_read(message, "v", "s", &text)
                                      : sd_bus_message_read(message, "v", "(so)", &text, &path);
        if (r >= 0 && strlen(text) > TEXT_MAX) {
            return -EBADMSG;
        }
        if (r >= 0) {
            *(const char **) field = *text ? text : NULL;
        }
        return r;
    }
    return sd_bus_message_skip(message, "v");
}

int logind_facts_read(sd_bus_message *message, struct logind_facts *ret_facts)
{
    struct logind_facts facts = {.remote = -1, .locked = -1, .can_lock = -1, .idle = -1};
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

/* Greeters, lock screens, background jobs and user managers are sessions too.  "user" has variants (-early, -light); of one
 * that is not complete yet, CanLock tells (since systemd 258). */
bool logind_facts_of_user(const struct logind_facts *facts)
{
    return facts->class_name && facts->can_lock != 0 &&
           (strcmp(facts->class_name, "user") == 0 || strncmp(facts->class_name, "user-", 5) == 0);
}

/* Since version 256 systemd counts each user's service manager as a session; nobody sits at it. */
bool logind_facts_of_manager(const struct logind_facts *facts)
{
    return facts->class_name && strncmp(facts->class_name, "manager", 7) == 0;
}

/* Numbers where a Windows host would have numbers. */
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

/* Letters and digits; logind takes two such names for other sessions'. */
bool logind_id_possible(const wms_id *id)
{
    if (!id->text) {
        return true;
    }
    size_t size = strspn(id->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    return size > 0 && size <= LOGIND_ID_MAX && !id->text[size] && strcmp(id->text, "self") != 0 &&
           strcmp(id->text, "auto") != 0;
}

/* ---- the cache -------------------------------------------------------------------------------------------------- */

static struct logind_known **known_place(struct logind *conn, const char *id)
{
    struct logind_known **place = &conn->known[logind_hash(id) % LOGIND_BUCKETS];
    while (*place && strcmp((*place)->id, id) != 0) {
        place = &(*place)->next;
    }
    return place;
}

const struct logind_known *logind_known_find(struct logind *conn, const char *id)
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

/* Only users' sessions are kept: what has been refused may become a user's (user-incomplete does), never the reverse. It is
 * a cache: no memory, no entry. */
static void remember(struct logind *conn, const char *path, const struct logind_facts *facts)
{
    const char *user_name = facts->user_name ? facts->user_name : "";
    size_t id_size = strlen(facts->id) + 1, path_size = strlen(path) + 1, user_size = strlen(user_name) + 1;
    if (*known_place(conn, facts->id)) {
        return;
    }
    if (conn->known_count >= KNOWN_MAX) {
        logind_known_clear(conn);
    }
    struct logind_known *known = logind_alloc(conn, sizeof *known + id_size + path_size + user_size);
    if (known) {
        char *text = (char *) (known + 1);
        known->id = memcpy(text, facts->id, id_size);
        known->path = memcpy(text + id_size, path, path_size);
        known->user_name = *user_name ? memcpy(text + id_size + path_size, user_name, user_size) : NULL;
        *known_place(conn, facts->id) = known;
        conn->known_count++;
    }
}

/* ---- the look-up ------------------------------------------------------------------------------------------------ */

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

static void facts_done(struct logind_call *call, sd_bus_message *reply)
{
    struct logind_lookup *lookup = NODE_OWNER(call, struct logind_lookup, call);
    struct logind *conn = call->conn;
    struct logind_fault fault;
    struct logind_facts facts;
    const char *sender = sd_bus_message_get_sender(reply);

    if (logind_fault_of(reply, &fault)) {
        if (fault.code == WMS_E_NOT_FOUND) {
            logind_known_drop(conn, lookup->id);
        }
        lookup->done(lookup, &fault, NULL, reply);
        return;
    }
    int r = logind_facts_read(reply, &facts);
    if (r < 0 || !facts.id || !facts.class_name) {
        fail_unreadable(lookup, r < 0 ? r : -EBADMSG);
        return;
    }
    if (strcmp(facts.id, lookup->id) != 0) { /* by a name that stands for another session */
        fault = (struct logind_fault){.code = WMS_E_NOT_FOUND};
        lookup->done(lookup, &fault, NULL, reply);
        return;
    }
    if (sender && strcmp(sender, conn->owner) != 0) {
        snprintf(conn->owner, sizeof conn->owner, "%s", sender);
    }
    if (logind_facts_of_user(&facts)) {
        remember(conn, lookup->path, &facts);
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
    logind_call_start(&lookup->call, send_get_session, path_done);
}
