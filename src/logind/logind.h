/* SPDX-License-Identifier: MIT */
/* logind.h - what the parts of the logind provider share.
 *
 *     provider.c   the interface to the engine
 *     bus.c        the connection: sd-bus in the engine's loop, method calls, matches, its end
 *     far.c        the bus of another machine, over ssh
 *     ssh.c        ssh, with a command for another machine
 *     words.c      why ssh has ended, by what it says
 *     spawn.c      the start of a program that is no child of this process
 *     faults.c     D-Bus errors and errno as wms codes
 *     sessions.c   what is known of one session: its properties, the cache, the look-up
 *     own.c        which session is the caller's own
 *     list.c       all sessions
 *     actions.c    lock, unlock, close, message
 *     machine.c    reboots and powers off
 *     observe.c    observes a session: its state now, and each change
 *     tell.c       tells watchers of a change
 *     lockers.c    watches the screen savers of watched sessions
 *     watch.c      watches all sessions: tells each change
 *     signals.c    logind's signals: their effects on the cache, and on observed and watched
 * sessions
 *
 * What is asked on the buses of the sessions' users: userbus.h.
 *
 * Everything here runs between logind_enter() and logind_leave().  A failure of the connection is
 * only noted by logind_fail(); the outermost logind_leave() tells the engine, when nothing on the
 * stack needs the connection any more.
 */
#ifndef WMS_LOGIND_H
#define WMS_LOGIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "core/hash.h"
#include "core/node.h"
#include "fault.h"
#include "ssh.h"
#include <wms/provider.h>

#define LOGIND_NAME     "org.freedesktop.login1"
#define LOGIND_PATH     "/org/freedesktop/login1"
#define LOGIND_MANAGER  LOGIND_NAME ".Manager"
#define LOGIND_SESSION  LOGIND_NAME ".Session"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

#define LOGIND_CONNECTION "it is the session of the ssh connection to this host"

enum {
    LOGIND_IN_FLIGHT =
        100, /* dbus-daemon refuses a connection's 129th call that waits for its reply */
    LOGIND_ID_MAX = 255,
    LOGIND_IDENTITY = 160,
    LOGIND_BUCKETS = 256,
    LOGIND_MATCHES = 4
};

/* ---- the connection -------------------------------------------------------------------------- */

struct logind;
struct logind_fault;

/* One method call.  It waits until fewer than LOGIND_IN_FLIGHT are under way; then send() sends it
 * by logind_send(), and done() gets the reply, which may be an error, and may free the call. */
struct logind_call {
    struct logind *conn;
    struct node waiting;
    sd_bus_slot *slot; /* not NULL: under way */
    int (*send)(struct logind_call *call);
    void (*done)(struct logind_call *call, sd_bus_message *reply);
};

/* What the connection does for one op or observer of the engine; the first member of larger
 * structs. */
struct logind_task {
    struct node node;
    void **owner; /* the `data` of the op or observer, which points here */
    void (*free)(struct logind *conn, struct logind_task *task);
};

/* The cache entry of a user's session: its path, so that the next look-up is a single call, and
 * whether it was ever locked.  It is a hint only, since the id may belong to another session later:
 * no action is decided by it. */
struct logind_known {
    struct logind_known *next;
    const char *id, *path, *identity;
    bool was_locked; /* its LockedHint was true once: its screen locker sets it */
};

/* Asks which session is the caller's own; each time anew, since a process may outlive its session.
 * done() gets a fault (logind does not say), or the session's path, or neither (the caller has no
 * session).  It may free the question. */
struct logind_own {
    struct logind_call call;
    void (*done)(struct logind_own *own, const struct logind_fault *fault, const char *path);
};

/* A match rule and the handler of its signals. */
struct logind_match {
    const char *rule;
    sd_bus_message_handler_t handler;
};

/* Indexes of matches: CHANGED is installed only while somebody observes or watches, NEW while
 * somebody watches; from ALWAYS on, the others. */
enum { LOGIND_CHANGED, LOGIND_NEW, LOGIND_ALWAYS };

/* What signals.c implements for the connection: it depends on nothing else of that file. */
struct logind_signals {
    struct logind_match matches[LOGIND_MATCHES];
    sd_bus_message_handler_t matched; /* the bus has answered to AddMatch */
};
extern const struct logind_signals logind_signals;

/* A watcher of the engine's; the rest of it is watch.c's. */
struct logind_watch {
    struct logind_task task;
    struct node node; /* of conn->watches */
    struct wms_watcher *watcher;
};

struct logind_far;

/* What far.c implements for a connection to another machine. */
struct logind_way {
    /* The connection has failed, and the engine is to be told: true; the failure may be another one
     * now.  False: not yet, or another way is tried. */
    bool (*settle)(struct logind *conn);
    void (*shut)(struct logind *conn, bool forked);
};

struct logind {
    const struct wms_services *services;
    const struct logind_signals *signals;
    wms_engine *engine;
    struct wms_link *link;
    const struct logind_way *way; /* NULL: the bus is one of this machine */
    struct logind_far *far;
    void (*opened)(struct logind *conn); /* the bus was opened: asks the first question */

    sd_bus *bus; /* NULL: not yet */
    struct wms_poll *poll;
    struct wms_timer *timer;
    int fd; /* the watched socket: its number and inode, since sd-bus may open another socket with
               the same number */
    ino_t inode;
    int events;        /* as set last */
    uint64_t deadline; /* as set last, in sd-bus's time; UINT64_MAX: none */
    unsigned depth;    /* nesting of logind_enter() */
    bool up;
    bool told; /* the engine was told (broken()) that the connection has failed */
    int failure;
    int cause; /* the negative errno that was the reason of the failure; 0: it was none */
    char failure_text[400];
    char *address;         /* of the bus, for messages */
    char *root;            /* see doorway.h: where the host's files are; NULL: not known */
    struct node doorways;  /* to buses of its users, which wait until fewer are opened at once */
    unsigned opening;      /* so many are */
    struct node userbuses; /* connections to buses of its users, while somebody uses them */

    unsigned in_flight,
        abandoned; /* calls under way; those of them whose replies nobody waits for any more */
    struct node waiting; /* calls */
    struct node tasks;

    struct logind_call nobody; /* a call without owner: takes the replies of abandoned calls */
    struct logind_own own;     /* the first call on a new connection */
    bool own_by_pid;           /* this logind does not know the name "auto" */

    struct wms_key key; /* of both tables: ids and paths are chosen by others, and must not be able
                           to collide */
    struct logind_known *known[LOGIND_BUCKETS]; /* by id */
    unsigned known_count;

    struct node *watchers; /* by path: `watcher_buckets` of them, a power of two */
    size_t watcher_buckets, watcher_count;
    struct node
        few_watchers[LOGIND_BUCKETS];    /* what `watchers` points to until there are too many */
    struct node watches;                 /* of the engine's watchers */
    struct node readers[LOGIND_BUCKETS]; /* sessions whose properties are read for these, by id */
    size_t reader_count;
    struct node lockers; /* screen savers that are watched for these */
    size_t locker_count;
    sd_bus_slot *matches[LOGIND_MATCHES];
    int unmatched;  /* the code with which the bus refused the matches; 0: it did not */
    char owner[64]; /* logind's unique name: signals of other senders are ignored; "": not known */
};

void *logind_alloc(struct logind *conn, size_t size); /* zeroed */
void *logind_free(struct logind *conn, void *block);  /* returns NULL */
char *logind_copy(struct logind *conn, const char *text);
/* Keyed hash of a text that others choose: without the connection's key they cannot choose texts
 * that collide. */
uint64_t logind_hash(const struct logind *conn, const char *text);

void logind_enter(struct logind *conn);
void logind_leave(struct logind *conn);
/* The same where no service of the engine may be called: a failure is reported by the timer. */
void logind_leave_quietly(struct logind *conn);
/* Notes that the connection has failed.  Only the first call counts. */
void logind_fail(struct logind *conn, int code, const char *text);
/* The same with a negative errno of sd-bus. */
void logind_fail_errno(struct logind *conn, int error);

/* `addresses`: NULL is the system bus.  Returns 0 or a negative errno. */
int logind_open(struct logind *conn, const char *addresses);
/* The same in parts, for another machine's bus: before it is opened (`address`: for messages), and
 * when there is a stream to it, which is closed with the bus, or at once if that fails. */
int logind_open_begin(struct logind *conn, const char *address);
int logind_open_fd(struct logind *conn, int fd);
/* The bus has failed: it is not read any more. */
void logind_pause(struct logind *conn);
/* Closes a bus that has failed before up(), as if it had never been opened. */
void logind_close(struct logind *conn);
/* Frees everything that needs the bus. */
void logind_shut(struct logind *conn, bool forked);

void logind_call_init(struct logind *conn, struct logind_call *call);
void logind_call_start(struct logind_call *call, int (*send)(struct logind_call *call),
                       void (*done)(struct logind_call *call, sd_bus_message *reply));
void logind_call_drop(struct logind_call *call);
/* Calls a method of logind's; the arguments have the D-Bus types `types`.  Returns 0 or more, or a
 * negative errno: nothing was sent. */
int logind_send(struct logind_call *call, const char *path, const char *interface,
                const char *member, const char *types, ...);
/* Calls a method of the manager's with a session's id, addressed to the unique name `owner`: only
 * that instance of logind can receive it.
 */
int logind_send_to(struct logind_call *call, const char *owner, const char *member, const char *id);

/* Signals of logind's restart and of a session's end are always matched; changes of sessions only
 * while somebody observes one, or watches.  If the bus has refused a match, all are tried again for
 * the next observer. */
void logind_matches_begin(struct logind *conn);
void logind_matches_observe(struct logind *conn, bool wanted);
/* The same for somebody who watches. */
void logind_matches_watch(struct logind *conn, bool wanted);
void logind_matches_end(struct logind *conn);

void logind_task_begin(struct logind *conn, struct logind_task *task, void **owner,
                       void (*free)(struct logind *conn, struct logind_task *task));
void logind_task_end(struct logind *conn, struct logind_task *task);

/* Where the other machine is, for more commands there; NULL: the bus is one of this machine. */
const struct logind_place *logind_far_place(const struct logind *conn);
/* Begins to reach the bus of another machine; calls opened() now or later, or fails the connection.
 */
void logind_far_open(struct logind *conn, const struct logind_place *place);

/* ---- faults ---------------------------------------------------------------------------------- */

/* Reads the error from the reply; false: the reply is no error. */
bool logind_fault_of(sd_bus_message *reply, struct logind_fault *ret_fault);
/* The fault for a reply that cannot be read; `error`: a negative errno. */
void logind_fault_unreadable(int error, struct logind_fault *ret_fault);
/* Ends the op with it. */
void logind_fault_answer(struct logind *conn, struct wms_op *op, const struct logind_fault *fault);

/* ---- sessions -------------------------------------------------------------------------------- */

/* A session's properties, borrowed from the message.  NULL and -1: not told, or of a wrong type. */
struct logind_facts {
    const char *id, *user_name, *class_name, *state, *type, *remote_host, *seat, *tty;
    const char *user_path;     /* the object of its user */
    int64_t uid, leader;       /* of its first process */
    int64_t start, idle_since; /* microseconds since 1970 */
    signed char remote, locked, can_lock, active, idle;
};

void logind_facts_init(struct logind_facts *facts);
/* Reads an a{sv} of properties.  Returns 0 or a negative errno. */
int logind_facts_read(sd_bus_message *message, struct logind_facts *ret_facts);
/* Whether it is a user's session: 1, 0, or -1: logind does not tell. */
int logind_facts_of_user(const struct logind_facts *facts);
bool logind_facts_of_manager(const struct logind_facts *facts);
/* Its user has logged out, and some process of it still runs. */
bool logind_facts_closing(const struct logind_facts *facts);
/* A text that distinguishes the session from another one that gets the same id later. */
void logind_facts_identity(const struct logind_facts *facts, char ret_identity[LOGIND_IDENTITY]);
wms_id logind_id(const char *text);
/* What the facts tell of the session of that id; its strings are theirs, and `identity`. */
void logind_facts_session(const struct logind_facts *facts, const char *id,
                          char identity[LOGIND_IDENTITY], wms_session *ret_session);
/* Whether logind may have a session of that id. */
bool logind_id_possible(const wms_id *id);

struct logind_known *logind_known_find(struct logind *conn, const char *id);
void logind_known_drop(struct logind *conn, const char *id);
void logind_known_clear(struct logind *conn);
/* Logind has told this: signals of the same sender are its own from now on. */
void logind_told_by(struct logind *conn, sd_bus_message *reply);

/* Learns about one session.  done() gets a fault or the facts (and their message), and may free the
 * look-up. */
struct logind_lookup {
    struct logind_call call;
    const char *id;
    const char *path;
    char *own_path; /* what `path` points to, if it is a copy */
    char number[12];
    void (*done)(struct logind_lookup *lookup, const struct logind_fault *fault,
                 const struct logind_facts *facts, sd_bus_message *reply);
};

void logind_lookup_init(struct logind *conn, struct logind_lookup *lookup, const wms_id *id);
void logind_lookup_start(
    struct logind_lookup *lookup); /* by its path if that is cached, else by its id */
void logind_lookup_read(struct logind_lookup *lookup); /* by its path */
/* Gives it the path (copied); false: out of memory. */
bool logind_lookup_path(struct logind_lookup *lookup, const char *path);
void logind_lookup_drop(struct logind_lookup *lookup);

void logind_own_ask(struct logind *conn, struct logind_own *own,
                    void (*done)(struct logind_own *own, const struct logind_fault *fault,
                                 const char *path));
/* Whether the user with this number (-1: not known) is the caller's: the process's user, or the one
 * who logged in and then became another by su or sudo; `own_uid` is that of the caller's session,
 * or -1.  On another machine it alone counts: this machine's users are not those of that one. */
bool logind_own_user(const struct logind *conn, int64_t uid, int64_t own_uid);
/* Whether a session of this user's may be the caller's, if logind does not say which session that
 * is. */
bool logind_own_possible(const struct logind *conn, int64_t uid);
/* Makes of it the fault of an action that depends on the answer. */
void logind_own_unknown(const struct logind_fault *fault, struct logind_fault *ret_fault);

/* ---- signals --------------------------------------------------------------------------------- */

/* Effects on observed sessions.  `locked`: 0, 1, or -1: it has to be read. */
void logind_observed_changed(struct logind *conn, const char *path, signed char locked);
void logind_observed_removed(struct logind *conn, const char *path);
/* Logind has another unique name now, or none (`owner` is empty). */
void logind_observed_restarted(struct logind *conn, const char *owner);
/* The bus has refused the matches. */
void logind_observed_unmatched(struct logind *conn, const struct logind_fault *fault);
/* The same for those who watch all sessions; `unsure`: more may have changed than `facts` tell. */
void logind_watched_new(struct logind *conn, const char *id, const char *path);
void logind_watched_changed(struct logind *conn, const char *path, const struct logind_facts *facts,
                            bool unsure);
void logind_watched_removed(struct logind *conn, const char *id);
void logind_watched_restarted(struct logind *conn);
void logind_watched_unmatched(struct logind *conn);
/* Tells them all of a change; that the sessions have to be listed; whether a session is locked. */
void logind_tell(const struct logind *conn, const struct wms_change *change);
void logind_tell_any(const struct logind *conn);
void logind_tell_locked(const struct logind *conn, const char *id, signed char locked);
/* If somebody watches: the screen savers of a session that is mute are asked and watched. */
void logind_lockers_add(struct logind *conn, const char *id, const char *path,
                        const struct logind_facts *facts);
/* The session has ended; sessions are being listed; nobody watches any more. */
void logind_lockers_drop(struct logind *conn, const char *id);
void logind_lockers_renew(struct logind *conn);
void logind_lockers_clear(struct logind *conn);
/* Whether somebody waits for that action to be seen on the session at `path`; *ret_tells: somebody
 * tells whether it is locked, as far as is known. */
bool logind_observed_for(struct logind *conn, const char *path, enum wms_verb verb,
                         bool *ret_tells);

/* ---- what the engine asks for ---------------------------------------------------------------- */

void logind_list(struct logind *conn, struct wms_op *op);
/* `message`: of a WMS_MESSAGE; as long as the op. */
void logind_act(struct logind *conn, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message);
void logind_end(struct logind *conn, struct wms_op *op, enum wms_verb verb);
void logind_observe(struct logind *conn, struct wms_observer *observer, const wms_id *id);
void logind_watch(struct logind *conn, struct wms_watcher *watcher);
/* Of a new connection: nobody observes anything. */
void logind_observe_init(struct logind *conn);

#endif
