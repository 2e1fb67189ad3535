/* SPDX-License-Identifier: MIT */
/* wts.h - what the parts of the wts provider share.
 *
 *     api.h        the Windows session API: libwinpr's headers, or the Windows SDK's
 *     layout.h     its structures and numbers, checked against the x64 Windows SDK's
 *     provider.c   the interface to the engine
 *     host.c       one server: the works under way, and the tasks that wait for their turn
 *     server.c     a server's handle, how many calls to it hang, the end of a wait for its events
 *     list.c       all sessions
 *     actions.c    disconnect, close, message
 *     machine.c    reboots and powers off
 *     observe.c    observes a session by polling
 *     watch.c      waits for the API's events, for those who watch the host
 *     query.c      what the API tells of one session
 *     faults.c     Windows' errors as wms codes
 *     text.c       UTF-16
 *
 * Every call of the API may block, perhaps for ever, so each is made on a thread of the engine's:
 * as a part of a `work`, which the thread and the engine share and which may outlive the engine.
 * The engine's side of it is a `task`.  Functions that run on a thread say so; they use nothing but
 * their work and the server's handle.
 */
#ifndef WMS_WTS_H
#define WMS_WTS_H

#include <stdatomic.h>

#include "core/hash.h"
#include "core/node.h"
#include "wts/api.h"
#include <wms/provider.h>

enum {
    WTS_IN_FLIGHT = 100, /* maximum of ops that a host gets at a time */
    WTS_CALLS = 4,       /* calls to one server at a time, of the 8 that an engine makes */
    WTS_WAITS = 4, /* waits for one server's events at a time, also of connections that are gone */
    WTS_SESSIONS_MAX = 65536,
    WTS_TEXT_MAX = 1024,    /* UTF-16 units of a name that the API tells */
    WTS_ANSWER_MAX = 65536, /* bytes of one answer */
    WTS_FAULT_MAX = 160
};

/* ---- faults ---------------------------------------------------------------------------------- */

/* What went wrong with a call; code 0: nothing. */
struct wts_fault {
    int code;
    bool doubtful; /* the host may have carried it out all the same */
    bool silent;   /* the API has given no reason: the function may not be implemented */
    char text[WTS_FAULT_MAX];
};

/* Reads why a call of the API has failed.  To be called on the thread that made the call, before
 * any other call; that thread must have called SetLastError(0) before the failed call. */
void wts_fault_read(struct wts_fault *ret_fault);
void wts_fault_set(struct wts_fault *ret_fault, int code, const char *text);

/* ---- servers --------------------------------------------------------------------------------- */

/* Counts the calls to one server that hang (nobody waits for them any more, and they have not
 * returned), the handles that are being closed, and the waits for events.  All connections to a
 * server share it; it outlives them as long as such calls do. */
struct wts_tally {
    struct wts_tally *next;     /* wts_tallies.first */
    struct wts_tally *below[2]; /* children in a binary tree, by the bits of the name's hash, from
                                   the highest on */
    atomic_uint refs;           /* the engine's, and one for each wts_server */
    atomic_uint hanging, closing;
    atomic_uint waiting; /* waits for events that have not returned */
    char name[];         /* "": this machine */
};

/* The tallies of an engine. */
struct wts_tallies {
    struct wms_key
        key; /* for the names' hashes: names come from outside, and must not be able to collide */
    struct wts_tally *first; /* first of the list, and root of the tree */
};

/* A server of the API.  Each call that may still run holds a reference. */
struct wts_server {
    atomic_uint refs;
    DWORD process; /* the process that has opened it: a forked child must not close it */
    bool is_here;  /* this machine: no handle has to be opened */
    HANDLE handle; /* set on the thread that opens it, before any other thread may use the server */
    WCHAR *name;
    struct wts_tally *tally;
    atomic_uint waited;   /* the number of the last wait for events that is over */
    atomic_uint unwanted; /* that of the one that is to end */
};

/* A host's wait for events: watch.c. */
struct wts_ear {
    struct node watchers;
    void *wait;             /* the work that waits; NULL: none */
    void *flush;            /* the work that is to end it; NULL: not made, or begun already */
    unsigned number;        /* of the last wait that was begun, from 1 on */
    struct wms_timer *pace; /* until the next wait may begin */
    bool paced;             /* it may */
    bool due;               /* one has returned */
    double pause;           /* seconds from one wait to the next, at least */
};

/* The engine's side of a server. */
struct wts_host {
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_link *link;
    struct wts_server *server;
    void *farewell; /* the work that closes the handle; allocated in advance, since memory may have
                       run out by then */
    struct node tasks;
    struct node waiting[2]; /* tasks that wait for their turn: [0] commands, [1] looks; each in
                               order of arrival */
    bool looks_next;        /* if both wait, it is the looks' turn */
    struct wms_timer *tend; /* fires after a hanging call was given up: starts the next tasks, and
                               checks whether the host is to be given up */
    struct wts_ear ear;
    size_t begun;        /* works that were handed to threads and have not come back */
    bool opens, reached; /* `opens`: there is a handle, or will be, which has to be closed;
                            `reached`: the host has answered */
    int failure; /* the host cannot be reached: no new work is begun; works under way are awaited */
    char failure_text[WTS_FAULT_MAX];
};

/* ---- tasks and works ------------------------------------------------------------------------- */

/* Stage of a work: changed atomically, since the engine gives up and the thread returns at any
 * time. */
enum wts_stage { WTS_AWAITED, WTS_GIVEN_UP, WTS_RETURNED };

/* What the engine and a thread share, in a block of wms_work_new(): the first member of larger
 * structs. */
struct wts_work {
    struct wts_task *task;               /* the engine's side only */
    struct wts_server *server;           /* owns one reference, until the call has returned */
    void (*call)(struct wts_work *work); /* on a thread */
    atomic_int stage;                    /* enum wts_stage */
    struct wts_fault fault;
};

/* What a host does for one op or observer: the first member of larger structs. */
struct wts_task {
    struct node node; /* host->tasks */
    struct node turn; /* host->waiting; alone: it does not wait */
    struct wts_host *host;
    void **owner; /* the `data` of the op or observer, which points here; NULL: it is a task of the
                     host's own */
    struct wts_work *work; /* NULL: there is none */
    bool look, begun; /* `look`: it only queries for an observer; `begun`: its work was handed to a
                         thread */
    void (*done)(struct wts_task *task,
                 struct wts_work *work); /* the work has come back; it is freed when this returns */
    void (*free)(struct wts_task
                     *task); /* frees what the task owns, but not the task; NULL: it owns nothing */
};

/* A zeroed task of `size` bytes in the host's list.  NULL: out of memory. */
void *wts_task_new(struct wts_host *host, size_t size, void **owner,
                   void (*done)(struct wts_task *task, struct wts_work *work),
                   void (*free)(struct wts_task *task));
/* Ends and frees the task: done() is not called any more. */
void wts_task_end(struct wts_task *task);
/* Makes a work of that kind for the task, to be filled in and then begun: call() runs on a thread.
 * NULL: out of memory. */
void *wts_work_new(struct wts_task *task, const struct wms_work *kind,
                   void (*call)(struct wts_work *work));
/* Queues the work: it is handed to a thread when its turn comes; or never, if the host is given up,
 * since the engine is about to cancel the task. */
void wts_work_begin(struct wts_task *task);
/* For the structs wms_work: the functions that all kinds of work have in common. */
void wts_work_run(void *shared);
void wts_work_done(void *shared, int code);
void wts_work_dispose(void *shared);

/* Begins to connect to a server.  As connect() of wms_provider; `tallies` are the engine's. */
int wts_host_new(const struct wms_services *services, wms_engine *engine,
                 struct wts_tallies *tallies, struct wms_link *link,
                 const struct wms_address *address, struct wts_host **ret_host);
void wts_host_free(struct wts_host *host, bool forked);
/* The host has answered, or (UNREACHABLE) cannot be reached: to be called with the fault of every
 * work that came back. */
void wts_host_judge(struct wts_host *host, const struct wts_fault *fault);

/* `name` NULL: this machine.  The caller owns a reference.  NULL: out of memory. */
struct wts_server *wts_server_new(const char *name, struct wts_tallies *tallies);
struct wts_server *wts_server_ref(struct wts_server *server);
/* On any thread.  The last reference closes the handle, which may block; with `keeps` the handle
 * stays open.
 */
void wts_server_unref(struct wts_server *server, bool keeps);
/* On a thread: ends the server's wait for events of that number (0: none), or gives up after half a
 * second. */
void wts_server_flush(struct wts_server *server, unsigned number);
struct wts_tally *wts_tally_ref(struct wts_tally *tally);
void wts_tally_unref(struct wts_tally *tally);
/* NULL: out of memory. */
struct wts_tallies *wts_tallies_new(void);
/* The engine is freed (in a forked child: the parent's engine).  NULL is allowed. */
void wts_tallies_free(struct wts_tallies *tallies);

void *wts_alloc(const struct wts_host *host, size_t size); /* zeroed */
void wts_free(const struct wts_host *host, void *block);

/* ---- what the API tells of a session --------------------------------------------------------- */

/* The state of a session, as WTSSessionInfoEx tells it. */
struct wts_info {
    WTS_CONNECTSTATE_CLASS state;
    signed char locked;         /* 0, 1, or -1: the host does not tell */
    char user_name[3 * 21 + 1]; /* UTF-8 */
    char win_station[3 * 33 + 1];
    char domain_name[3 * 18 + 1];
    int64_t logged_on,
        last_input; /* Windows' times: 100-nanosecond units since 1601; 0: the host does not tell */
};

/* The identity, which distinguishes a session from another one that gets the same id later: the
 * user, and the time of his logon, if the host tells that. */
enum { WTS_IDENTITY_ROOM = 3 * 21 + 3 * 18 + 32 };
void wts_info_identity(const struct wts_info *info, char room[WTS_IDENTITY_ROOM]);
/* Seconds since 1970; -1: not told. */
double wts_seconds(int64_t time);

/* On a thread.  False: *ret_fault tells why; NOT_FOUND: there is no such session. */
bool wts_query_info(const struct wts_server *server, DWORD id, struct wts_info *ret_info,
                    struct wts_fault *ret_fault);
/* On a thread: a string in UTF-8 for free(), or NULL: the host does not tell it.  False: out of
 * memory. */
bool wts_query_text(const struct wts_server *server, DWORD id, WTS_INFO_CLASS what,
                    char **ret_text);
/* On a thread: the caller's own session on this machine.  False: it has none, or it is not known.
 */
bool wts_query_own(const struct wts_server *server, DWORD *ret_id);

/* "Active", "Disconnected", ..., as MultiPoint's; "?" for a number that no session's state has. */
const char *wts_state_name(WTS_CONNECTSTATE_CLASS state);
/* A session that ends, or has ended. */
bool wts_state_is_over(WTS_CONNECTSTATE_CLASS state);
/* Whether it is a user's session: not a service's, a listener, a log-on screen. */
bool wts_is_users(WTS_CONNECTSTATE_CLASS state, const char *user_name);

/* ---- text ------------------------------------------------------------------------------------ */

/* UTF-16 of at most `most` units, up to a NUL, as NUL-terminated UTF-8: into `room`, which has 3 *
 * most + 1 bytes.  Half of a pair becomes U+FFFD.  Returns the length in bytes. */
size_t wts_utf8(char *room, const WCHAR *text, size_t most);
/* UTF-16 in memory for free(); NULL: out of memory.  `text` is valid UTF-8.  *ret_length: units
 * without the NUL. */
WCHAR *wts_utf16(const char *text, size_t *ret_length);
/* How many units there are before the NUL; SIZE_MAX: more than WTS_TEXT_MAX. */
size_t wts_length(const WCHAR *text);

/* ---- what the engine asks for ---------------------------------------------------------------- */

void wts_list(struct wts_host *host, struct wms_op *op);
void wts_act(struct wts_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
             const char *message);
void wts_end(struct wts_host *host, struct wms_op *op, enum wms_verb verb);
void wts_observe(struct wts_host *host, struct wms_observer *observer, const wms_id *id);
void wts_watch(struct wts_host *host, struct wms_watcher *watcher);
void wts_unwatch(struct wts_host *host, struct wms_watcher *watcher);
/* The sessions are being listed. */
void wts_ear_listed(struct wts_host *host);

#endif
