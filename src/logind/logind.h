/* logind.h - what the parts of the logind provider share.
 *
 *     provider.c   the interface to the engine
 *     bus.c        the connection: sd-bus in the engine's loop, method calls, and how it ends
 *     faults.c     D-Bus errors and errno as wms codes
 *     sessions.c   what is known of one session: its properties, the cache, the look-up
 *     list.c       all sessions
 *     actions.c    lock, unlock, close
 *     observe.c    how a session is, and each change
 *
 * Everything here runs between logind_enter() and logind_leave().  A failure of the connection is only noted by
 * logind_fail(); the outermost logind_leave() tells the engine, when nothing on the stack needs the connection any more.
 */
#ifndef WMS_LOGIND_H
#define WMS_LOGIND_H

#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "core/node.h"
#include "core/provider.h"

#define LOGIND_NAME     "org.freedesktop.login1"
#define LOGIND_PATH     "/org/freedesktop/login1"
#define LOGIND_MANAGER  LOGIND_NAME ".Manager"
#define LOGIND_SESSION  LOGIND_NAME ".Session"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

enum {
    LOGIND_IN_FLIGHT = 100, /* dbus-daemon refuses a connection's 129th call that waits for its reply */
    LOGIND_ID_MAX = 255,
    LOGIND_BUCKETS = 256,
    LOGIND_MATCHES = 3
};

/* ---- the connection --------------------------------------------------------------------------------------------- */

struct logind;

/* One method call.  It waits until fewer than LOGIND_IN_FLIGHT are under way; then send() sends it by logind_send(), and
 * done() gets the reply, which may be an error, and may free the call. */
struct logind_call {
    struct logind *conn;
    struct node waiting;
    sd_bus_slot *slot; /* not NULL: under way */
    int (*send)(struct logind_call *call);
    void (*done)(struct logind_call *call, sd_bus_message *reply);
};

/* What the connection does for one op or observer of the engine; the first member of the structs that tell more. */
struct logind_task {
    struct node node;
    void **owner; /* the engine's `data` that points here */
    void (*free)(struct logind *conn, struct logind_task *task);
};

/* What is kept of a user's session, so that the next action on it is a single call. */
struct logind_known {
    struct logind_known *next;
    const char *id, *path, *user_name;
};

struct logind {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;

    sd_bus *bus;
    struct wms_poll *poll;
    struct wms_timer *timer;
    int fd; /* what is watched: the number and the inode, since sd-bus may take another socket under the same number */
    ino_t inode;
    int events;        /* as set last */
    uint64_t deadline; /* as set last, in sd-bus's time; UINT64_MAX: none */
    unsigned depth;    /* how many of our functions are on the stack */
    bool up;
    bool told; /* the engine knows that the connection is no more */
    int failure;
    char failure_text[200];

    unsigned in_flight;
    struct node waiting; /* calls */
    struct node tasks;

    struct logind_call nobody; /* gets the replies that nobody waits for any more */
    struct logind_call own_call;
    char *own_path; /* of the caller's session; NULL: it has none */

    struct logind_known *known[LOGIND_BUCKETS]; /* by id */
    unsigned known_count;

    struct node watchers[LOGIND_BUCKETS]; /* by path */
    unsigned watcher_count;
    sd_bus_slot *matches[LOGIND_MATCHES];
    int unmatched;  /* why the bus refused them; 0: it did not */
    char owner[64]; /* logind's unique name: signals of others are not believed */
};

void *logind_alloc(struct logind *conn, size_t size); /* zeroed */
void *logind_free(struct logind *conn, void *block);  /* returns NULL */
char *logind_copy(struct logind *conn, const char *text);
uint32_t logind_hash(const char *text);

void logind_enter(struct logind *conn);
void logind_leave(struct logind *conn);
/* For places in which the engine must not be told of a failure: the timer will. */
void logind_leave_quietly(struct logind *conn);
/* The connection is of no use any more.  The first failure counts. */
void logind_fail(struct logind *conn, int code, const char *text);

/* `addresses`: NULL is the system bus. Returns 0 or a negative errno. */
int logind_open(struct logind *conn, const char *addresses);
/* Gives up everything that needs the bus. */
void logind_shut(struct logind *conn, bool forked);

void logind_call_init(struct logind *conn, struct logind_call *call);
void logind_call_start(struct logind_call *call, int (*send)(struct logind_call *call),
                       void (*done)(struct logind_call *call, sd_bus_message *reply));
void logind_call_drop(struct logind_call *call);
/* A call of logind's: `arguments` are of the D-Bus types `types`. Returns a negative errno when nothing has left. */
int logind_send(struct logind_call *call, const char *path, const char *interface, const char *member, const char *types,
                ...);

void logind_task_begin(struct logind *conn, struct logind_task *task, void **owner,
                       void (*free)(struct logind *conn, struct logind_task *task));
void logind_task_end(struct logind *conn, struct logind_task *task);

/* ---- faults ----------------------------------------------------------------------------------------------------- */

struct logind_fault {
    int code;  /* 0: none */
    bool lost; /* no answer will come; otherwise this is the answer */
    const char *text;
    char buffer[320];
};

/* What the reply complains of: true if it is an error. */
bool logind_fault_of(sd_bus_message *reply, struct logind_fault *ret_fault);
/* A reply that cannot be read. */
void logind_fault_unreadable(int error, struct logind_fault *ret_fault);
/* Ends the op with it. */
void logind_fault_answer(struct logind *conn, struct wms_op *op, const struct logind_fault *fault);
/* The connection fails with a negative errno of sd-bus. */
void logind_fail_errno(struct logind *conn, int error);

/* ---- sessions --------------------------------------------------------------------------------------------------- */

/* A session's properties, borrowed from the message. NULL and -1: not told. */
struct logind_facts {
    const char *id, *user_name, *class_name, *state, *type, *remote_host, *seat;
    signed char remote, locked, can_lock, idle;
    uint64_t logon_time, idle_since; /* microseconds since 1970; 0: not told */
};

/* Reads an a{sv} of properties.  Returns 0 or a negative errno. */
int logind_facts_read(sd_bus_message *message, struct logind_facts *ret_facts);
bool logind_facts_of_user(const struct logind_facts *facts);
bool logind_facts_of_manager(const struct logind_facts *facts);
wms_id logind_id(const char *text);
/* Whether logind may have a session of that id. */
bool logind_id_possible(const wms_id *id);

const struct logind_known *logind_known_find(struct logind *conn, const char *id);
void logind_known_drop(struct logind *conn, const char *id);
void logind_known_clear(struct logind *conn);

/* Learns about one session.  done() gets a fault or the facts (and their message), and may free the look-up. */
struct logind_lookup {
    struct logind_call call;
    const char *id;
    const char *path;
    char *own_path; /* what `path` points to, if it is a copy */
    char number[12];
    void (*done)(struct logind_lookup *lookup, const struct logind_fault *fault, const struct logind_facts *facts,
                 sd_bus_message *reply);
};

void logind_lookup_init(struct logind *conn, struct logind_lookup *lookup, const wms_id *id);
void logind_lookup_start(struct logind_lookup *lookup); /* by its id */
void logind_lookup_read(struct logind_lookup *lookup);  /* by its path */
/* Gives it the path (copied); false: out of memory. */
bool logind_lookup_path(struct logind_lookup *lookup, const char *path);
void logind_lookup_drop(struct logind_lookup *lookup);

/* ---- what the engine asks for ----------------------------------------------------------------------------------- */

void logind_list(struct logind *conn, struct wms_op *op);
void logind_act(struct logind *conn, struct wms_op *op, enum wms_verb verb, const wms_id *id);
void logind_observe(struct logind *conn, struct wms_observer *observer, const wms_id *id);

#endif
