/* SPDX-License-Identifier: MIT */
/* wtsapi.h - what the parts of the Windows session API for Linux share.
 *
 *     base.c     what all parts and threads share
 *     table.c    the table of functions that libwinpr asks for, and those that cannot be offered
 *     server.c   handles: which server is meant
 *     worker.c   the one thread that uses the engine; fork, exit
 *     job.c      a command for the engine
 *     ask.c      what callers do with jobs: hand over, wait
 *     list.c     the sessions of a server, as they were at one time
 *     view.c     converts a session to what Windows would show
 *     sessions.c the lists, and memory
 *     query.c    questions about one session
 *     actions.c  disconnect, log off, message
 *     events.c   waiting for changes
 *     waits.c    the callers that wait, and what ends their waiting
 *     watches.c  the worker's watches, which tell what has happened
 *     changes.c  the differences between two lists, as events
 *     ids.c      ids: ours are numbers or texts, Windows' are numbers
 *     text.c     UTF-8, UTF-16
 *     errors.c   our codes as Windows' errors
 *
 * Threads: callers come from any; each hands a job to the worker's thread, which alone uses the
 * engine, and waits. wtsapi_lock protects all that they share; it is not held while the engine runs
 * or a host works.
 *
 * Errors are Windows' (DWORD, 0: none); only the functions of the API call SetLastError().
 */
#ifndef WMS_WTSAPI_H
#define WMS_WTSAPI_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/node.h"
#include "core/table.h"
#include "wts/api.h"
#include <wms.h>

/* What libwinpr's headers lack. */
#define WTSAPI_CERT_E_UNTRUSTEDROOT 0x800B0109
#define WTSAPI_NO_SESSION           0xFFFFFFFF
#define WTSAPI_ADDRESS_MAX          255 /* bytes of a server's address */

/* ---- what all share (base.c) ----------------------------------------------------------------- */

extern pthread_mutex_t wtsapi_lock;
/* Counts the actions that were begun or ended: a list that was asked for before one of them is not
 * recent. */
extern uint64_t wtsapi_generation;

double wtsapi_now(void); /* seconds, of a monotonic clock */

/* The worker's eventfd; -1: there is no worker.  Under the lock. */
extern int wtsapi_bell;
/* Wakes the worker, if there is one, since there is something to do.  Under the lock. */
void wtsapi_ring(void);

/* Disables cancellation of a caller's thread (TerminateThread() of libwinpr's cancels threads)
 * until end_again(before): a cancelled thread would never release the lock, or a library's lock,
 * that it holds. */
static inline int wtsapi_end_later(void)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}
static inline void wtsapi_end_again(int before)
{
    pthread_setcancelstate(before, NULL);
}
/* A new engine, which finds the providers; the caller owns it.  NULL: out of memory.  To be called
 * with cancellation disabled. */
wms_engine *wtsapi_engine_new(void);
/* Notes the absolute folder of this library: providers are in the folder `wms` beside it, even if
 * the program changes its working directory later. */
void wtsapi_find_folder(void);

enum { WTSAPI_NAME_ROOM = 256 };

/* This machine's name, as programs get it from libwinpr: without a domain.  False: it has none. */
bool wtsapi_machine_name(char room[WTSAPI_NAME_ROOM]);
/* Whether the address means this machine's own sessions. */
bool wtsapi_address_is_here(const char *address);

/* ---- errors ---------------------------------------------------------------------------------- */

/* The Windows error for a WMS_E_* code, or for an outcome; 0: success. */
DWORD wtsapi_error(int code);
DWORD wtsapi_outcome_error(const wms_outcome *outcome);
/* Sets the last error; FALSE, or TRUE when `error` is 0. */
BOOL wtsapi_result(DWORD error);

/* ---- text ------------------------------------------------------------------------------------ */

/* `unit` is the size of a character: 2 is UTF-16 (the functions with W), 1 is UTF-8 (those with A).
 */

/* How many bytes `text`, which is UTF-8, takes in that form with its NUL.  What is no UTF-8 becomes
 * U+FFFD. */
size_t wtsapi_text_size(const char *text, size_t unit);
/* Writes it into `size` bytes (at least one unit): cut between two characters, always
 * NUL-terminated; the rest is zeroed. */
void wtsapi_text_put(void *room, size_t size, size_t unit, const char *text);
/* Converts a caller's text, of at most `size` bytes and up to a NUL, to UTF-8, which the caller
 * frees.  Errors: OUTOFMEMORY, NO_UNICODE_TRANSLATION (it is no UTF-16, or no UTF-8). */
DWORD wtsapi_text_read(const void *text, size_t size, size_t unit, char **ret_text);

/* ---- tables ---------------------------------------------------------------------------------- */

/* An engine that runs no commands: hash tables get their memory and their key from it.  It is made
 * once and never freed.  Under the lock.  NULL: out of memory. */
wms_engine *wtsapi_keeper(void);

/* ---- ids ------------------------------------------------------------------------------------- */

enum { WTSAPI_ID_ROOM = 16 };

/* The Windows number for an id that a host has listed: it stays the same in this process.  Under
 * the lock.  Errors: OUTOFMEMORY. */
DWORD wtsapi_id_number(const wms_id *id, DWORD *ret_number);
/* Whether the sessions have to be listed before the number can be used: this process has not seen
 * it yet (the program may have got it from another process), and 0x80000007 may be "c7" or a number
 * of the host's.  Under the lock. */
bool wtsapi_id_needs_list(DWORD number);
/* The id that a number stands for; its text is in `room`, or valid as long as the process.  Under
 * the lock.
 */
wms_id wtsapi_id_of(DWORD number, char room[WTSAPI_ID_ROOM]);

/* ---- lists ----------------------------------------------------------------------------------- */

struct listed {
    DWORD number;
    const char *domain; /* used if the host tells no domain: this machine's name for a local user of
                           it; else NULL */
    wms_session session; /* the list owns its strings */
};

/* Immutable once made, except for `refs`. */
struct list {
    unsigned refs;       /* under the lock */
    uint64_t generation; /* wtsapi_generation when it was asked for */
    double asked;        /* when */
    size_t count;
    struct listed *sessions;
    const struct listed **by_number; /* all of them, sorted by number; those with the same number in
                                        the order of the list */
    char machine[WTSAPI_NAME_ROOM];  /* this machine's name, if the sessions are this machine's */
};

/* Makes a list of what a finished WMS_SESSIONS request has found on the server at `address`; the
 * caller owns one reference.  Errors: OUTOFMEMORY. */
DWORD wtsapi_list_new(const wms_request *request, const char *address, struct list **ret_list);
/* The same of what a watch of that one server knows now. */
DWORD wtsapi_list_of_watch(wms_watch *watch, const char *address, struct list **ret_list);
/* Under the lock. */
struct list *wtsapi_list_ref(struct list *list);
void wtsapi_list_unref(struct list *list); /* NULL is allowed */
/* NULL: there is none. */
const struct listed *wtsapi_list_find(const struct list *list, DWORD number);
const struct listed *wtsapi_list_own(const struct list *list);

/* ---- servers --------------------------------------------------------------------------------- */

/* A server that was opened.  All of it is under the lock. */
struct server {
    struct wms_entry entry; /* in the table of servers, by handle or address */
    struct node node;       /* in `wtsapi_servers` */
    unsigned refs;          /* owned by its handle, by calls, by jobs */
    uintptr_t handle;       /* 0: the server for WTS_CURRENT_SERVER_HANDLE */
    char address[WTSAPI_ADDRESS_MAX + 1];
    struct job *queued; /* the job of a list that is not begun yet: further callers share it */
    bool listing; /* a list is under way: the next one begins after it, for all callers that wait by
                     then */
    struct list *recent; /* the last list that came; NULL: none */

    struct node waits;   /* callers that wait for events */
    struct node waited;  /* in `wtsapi_waited`, while somebody waits */
    double left;         /* since when nobody waits any more */
    struct watch *watch; /* the worker's; NULL: none */
    double replaced;     /* when another watch took its place last; 0: never */
    struct list *known;  /* the list that events are computed against; NULL: none yet */
    DWORD events;        /* what has happened while nobody waited: for the next wait */
};

extern struct node wtsapi_servers;
/* Servers for whose events somebody waits. */
extern struct node wtsapi_waited;

/* The server that a handle stands for; the caller owns one reference, and gives it back by
 * wtsapi_server_put().  Errors: INVALID_HANDLE; without a handle also those of opening a server. */
DWORD wtsapi_server_get(HANDLE handle, struct server **ret_server);
void wtsapi_server_put(struct server *server);
/* The same, under the lock. */
void wtsapi_server_unref(struct server *server);
/* Whether its handle was closed while a call used it.  Under the lock. */
bool wtsapi_server_closed(const struct server *server);
/* In the child of a fork, under the lock: drops what belongs to the parent's threads. */
void wtsapi_servers_forked(void);

/* ---- jobs ------------------------------------------------------------------------------------ */

/* A command for the engine.  Callers that want the same list share one. */
struct job {
    struct node node; /* in the worker's `queue`, then in its `running` */
    unsigned refs;    /* owned by the callers that wait, and by the worker */
    struct server *server;
    enum wms_verb verb;
    wms_id id; /* unless the verb is WMS_SESSIONS */
    char id_room[WTSAPI_ID_ROOM];
    bool verify;           /* wait until the host shows that it was carried out */
    char *message, *title; /* WMS_MESSAGE */

    uint64_t generation;
    double asked;
    wms_request *request; /* the worker's */

    bool done;
    DWORD error;
    struct list *list;
    pthread_cond_t changed;
};

/* Asks a server for its sessions; the caller gives the list to wtsapi_list_put().  `recent`: a list
 * may be used again that is at most 0.1 s old, if this process has begun or ended no action since.
 */
DWORD wtsapi_list_get(struct server *server, bool recent, struct list **ret_list);
void wtsapi_list_put(struct list *list);

/* Carries out an action on the session `number` and waits for the answer.  `message` and `title`
 * are owned by the job from here on, also if this fails. */
DWORD wtsapi_act(struct server *server, enum wms_verb verb, DWORD number, bool verify,
                 char *message, char *title);

/* The caller owns one reference.  NULL: out of memory.  Under the lock. */
struct job *wtsapi_job_new(struct server *server, enum wms_verb verb);
/* Starts the job's request.  Called without the lock.  True: it is under way; false: job->error is
 * set. */
bool wtsapi_job_start(struct job *job, wms_engine *engine);
/* For a job whose request is done or cancelled: stores the result in the job, and frees the
 * request. */
void wtsapi_job_harvest(struct job *job);
/* Under the lock: wakes the callers that wait, and gives back the worker's reference. */
void wtsapi_job_finish(struct job *job);
void wtsapi_job_unref(struct job *job);

/* ---- the worker ------------------------------------------------------------------------------ */

/* For InitWtsApi(): notes where the library is, and installs the handlers for fork and exit. */
void wtsapi_worker_init(void);
/* Starts the worker if there is none, under the lock.  Errors: OUTOFMEMORY, SHUTDOWN_IN_PROGRESS
 * (the process exits). */
DWORD wtsapi_worker_need(void);
/* Gives a job to the worker, with one reference.  There must be a worker.  Under the lock. */
void wtsapi_worker_tell(struct job *job);

/* ---- events ---------------------------------------------------------------------------------- */

/* A caller that waits; it is on that caller's stack. */
struct wait {
    struct node node; /* in the server's `waits`; alone: it has ended */
    struct server *server;
    DWORD mask, events, error;
    pthread_cond_t changed;
};

/* Takes the wait out of its server's list.  Under the lock. */
void wtsapi_wait_end(struct wait *wait);
/* Takes the sessions as they are now, and `more` events that the difference to those before does
 * not show; ends the waits for what has happened.  Under the lock. */
void wtsapi_events_take(struct server *server, struct list *list, DWORD more);
/* What has changed from one list to another: WTS_EVENT_*. */
DWORD wtsapi_events_between(const struct list *before, const struct list *now);
/* What an event of a watch is: WTS_EVENT_*; 0: nothing that has a name there. */
DWORD wtsapi_events_of(enum wms_event_kind kind, const wms_session *session);
/* Ends all waits: with `error`, or (0) without an event.  Under the lock. */
void wtsapi_events_end(struct server *server, DWORD error);

/* ---- watches --------------------------------------------------------------------------------- */

/* Of the worker's thread alone, without the lock; `watches` is the list of them. */

/* A server that is to be watched, with one reference more; NULL: no other. */
struct server *wtsapi_watches_next(void);
/* Begins to watch it, and takes that reference; or ends the waits with the error, also with `error`
 * if that is not 0. */
void wtsapi_watch_begin(struct node *watches, wms_engine *engine, struct server *server,
                        DWORD error);
/* Takes what the watches have to tell. */
void wtsapi_watches_read(struct node *watches);
/* Whether they have something to tell. */
bool wtsapi_watches_have_news(struct node *watches);
/* Ends those that nobody needs any more: nobody has waited for some seconds, or the handle is
 * closed. */
void wtsapi_watches_end(struct node *watches);
/* Milliseconds until there is one to be ended; -1: none. */
int wtsapi_watches_patience(struct node *watches);
/* In the child of a fork, under the lock: frees those of the parent. */
void wtsapi_watches_free(struct node *watches);

/* ---- views ----------------------------------------------------------------------------------- */

enum { WTSAPI_STATION_ROOM = 300 };

/* A session as Windows would show it.  Texts are never NULL. */
struct view {
    DWORD number;
    WTS_CONNECTSTATE_CLASS state;
    const char *user, *domain, *client, *host; /* `host`: the client's address, as text */
    char station[WTSAPI_STATION_ROOM];         /* the name of its WinStation */
    LONG lock;                                 /* WTS_SESSIONSTATE_* */
    bool remote;
    double logon_time, connect_time, idle_since; /* seconds since 1970; 0 or less: not known */
    DWORD family;                                /* Windows' AF_* number of `address`; 0: unknown */
    BYTE address[16];
};

/* `view` points to the session's strings. */
void wtsapi_view(struct view *ret_view, const struct listed *listed);
/* Whether it is the console's session, at the machine's own screen. */
bool wtsapi_view_console(const wms_session *session);

/* ---- the API --------------------------------------------------------------------------------- */

/* As documented for Windows; docs/hosts-windows-api.md tells what is particular here. */
HANDLE wtsapi_open_server_w(LPWSTR name);
HANDLE wtsapi_open_server_a(LPSTR name);
VOID wtsapi_close_server(HANDLE handle);

BOOL wtsapi_enumerate_sessions_w(HANDLE handle, DWORD reserved, DWORD version,
                                 PWTS_SESSION_INFOW *ret_sessions, DWORD *ret_count);
BOOL wtsapi_enumerate_sessions_a(HANDLE handle, DWORD reserved, DWORD version,
                                 PWTS_SESSION_INFOA *ret_sessions, DWORD *ret_count);
BOOL wtsapi_enumerate_sessions_ex_w(HANDLE handle, DWORD *level, DWORD filter,
                                    PWTS_SESSION_INFO_1W *ret_sessions, DWORD *ret_count);
BOOL wtsapi_enumerate_sessions_ex_a(HANDLE handle, DWORD *level, DWORD filter,
                                    PWTS_SESSION_INFO_1A *ret_sessions, DWORD *ret_count);
DWORD wtsapi_console_session(void);
VOID wtsapi_free_memory(PVOID memory);
BOOL wtsapi_free_memory_ex(WTS_TYPE_CLASS type, PVOID memory, ULONG count);

BOOL wtsapi_query_w(HANDLE handle, DWORD session, WTS_INFO_CLASS class, LPWSTR *ret_buffer,
                    DWORD *ret_size);
BOOL wtsapi_query_a(HANDLE handle, DWORD session, WTS_INFO_CLASS class, LPSTR *ret_buffer,
                    DWORD *ret_size);

BOOL wtsapi_disconnect_session(HANDLE handle, DWORD session, BOOL wait);
BOOL wtsapi_logoff_session(HANDLE handle, DWORD session, BOOL wait);
BOOL wtsapi_send_message_w(HANDLE handle, DWORD session, LPWSTR title, DWORD title_size,
                           LPWSTR message, DWORD message_size, DWORD style, DWORD timeout,
                           DWORD *ret_response, BOOL wait);
BOOL wtsapi_send_message_a(HANDLE handle, DWORD session, LPSTR title, DWORD title_size,
                           LPSTR message, DWORD message_size, DWORD style, DWORD timeout,
                           DWORD *ret_response, BOOL wait);

BOOL wtsapi_wait_system_event(HANDLE handle, DWORD mask, DWORD *ret_events);

#endif
