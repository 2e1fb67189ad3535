/* SPDX-License-Identifier: MIT */
/* wtsapi.h - what the parts of the Windows session API for Linux share.
 *
 *     base.c     what all parts and threads share
 *     table.c    the table of functions that libwinpr asks for, and those that cannot be offered
 *     server.c   handles: which server is meant
 *     worker.c   the one thread that the engine lives in; fork, exit
 *     job.c      a command for the engine
 *     ask.c      what callers do with jobs: hand over, wait
 *     list.c     the sessions of a server, as they were at one time
 *     view.c     a session of ours as Windows would show it
 *     sessions.c the lists, and memory
 *     query.c    questions about one session
 *     actions.c  disconnect, log off, message
 *     events.c   waiting for changes
 *     waits.c    those who wait, and what ends it
 *     changes.c  what has changed from one list to another
 *     ids.c      ids: ours are numbers or texts, Windows' are numbers
 *     text.c     UTF-8, UTF-16
 *     errors.c   our codes as Windows' errors
 *
 * Threads: callers come from any; each hands a job to the worker's thread, which alone touches the
 * engine, and waits.  All that they share is under wtsapi_lock, which nobody holds while the engine
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
/* Counts the actions that were begun or ended: a list from before one is not recent. */
extern uint64_t wtsapi_generation;

double wtsapi_now(void); /* seconds, of a clock that only goes forward */

/* Keeps a caller's thread from being ended (TerminateThread() of libwinpr's cancels it) until
 * end_again(before): it would take with it what it holds, the lock or one of a library's. */
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
/* An engine that is nobody's yet, which finds the providers.  NULL: out of memory.  Where no thread
 * is ended. */
wms_engine *wtsapi_engine_new(void);
/* Notes where the library is: providers lie in the folder `wms` beside it, whatever folder the
 * program is in later. */
void wtsapi_find_folder(void);

enum { WTSAPI_NAME_ROOM = 256 };

/* This machine's name, as programs get it from libwinpr: without a domain.  False: it has none. */
bool wtsapi_machine_name(char room[WTSAPI_NAME_ROOM]);
/* Whether the address is that of this machine's own sessions. */
bool wtsapi_address_is_here(const char *address);

/* ---- errors ---------------------------------------------------------------------------------- */

/* The error that stands for a WMS_E_* code, or for an outcome; 0 for one that is as asked. */
DWORD wtsapi_error(int code);
DWORD wtsapi_outcome_error(const wms_outcome *outcome);
/* Sets the last error; FALSE, or TRUE when `error` is 0. */
BOOL wtsapi_result(DWORD error);

/* ---- text ------------------------------------------------------------------------------------ */

/* `unit` is the size of a character: 2 is UTF-16 (the functions with W), 1 is UTF-8 (those with A).
 */

/* Bytes of `text`, which is UTF-8, and of the zero behind it.  What is no UTF-8 becomes U+FFFD. */
size_t wtsapi_text_size(const char *text, size_t unit);
/* Writes it into `size` bytes (at least one unit): cut at a whole character, always with a zero;
 * the rest is zeroed. */
void wtsapi_text_put(void *room, size_t size, size_t unit, const char *text);
/* A caller's text, of at most `size` bytes and up to a zero, as UTF-8, which the caller frees.
 * Errors: OUTOFMEMORY, NO_UNICODE_TRANSLATION (it is no UTF-16, or no UTF-8). */
DWORD wtsapi_text_read(const void *text, size_t size, size_t unit, char **ret_text);

/* ---- tables ---------------------------------------------------------------------------------- */

/* An engine that runs nothing: tables have their memory and their key from it.  Under the lock, for
 * the whole process. NULL: out of memory. */
wms_engine *wtsapi_keeper(void);

/* ---- ids ------------------------------------------------------------------------------------- */

enum { WTSAPI_ID_ROOM = 16 };

/* Windows' number for an id that a host has shown: stable in this process.  Under the lock. Errors:
 * OUTOFMEMORY. */
DWORD wtsapi_id_number(const wms_id *id, DWORD *ret_number);
/* Whether only a list can tell what the number stands for: another process may have learnt it from
 * one, and what would be "c7" may be a number of the host's.  Under the lock. */
bool wtsapi_id_needs_list(DWORD number);
/* The id behind a number; its text is in `room`, or lives as long as the process.  Under the lock.
 */
wms_id wtsapi_id_of(DWORD number, char room[WTSAPI_ID_ROOM]);

/* ---- lists ----------------------------------------------------------------------------------- */

struct listed {
    DWORD number;
    const char *domain;  /* where the host has none: of a user whom this machine knows alone, its
                            name; else NULL */
    wms_session session; /* its strings are the list's */
};

/* Once made, it is not changed. */
struct list {
    unsigned refs;       /* under the lock */
    uint64_t generation; /* wtsapi_generation when it was asked for */
    double asked;        /* when */
    size_t count;
    struct listed *sessions;
    const struct listed *
        *by_number; /* all of them, by their numbers; of one number, in the order of the list */
    char machine[WTSAPI_NAME_ROOM]; /* this machine's name, if they are its sessions */
};

/* What a WMS_SESSIONS request that is done has found of the server at `address`; the caller owns
 * one reference.  Errors: OUTOFMEMORY. */
DWORD wtsapi_list_new(const wms_request *request, const char *address, struct list **ret_list);
/* Under the lock. */
struct list *wtsapi_list_ref(struct list *list);
void wtsapi_list_unref(struct list *list); /* NULL is allowed */
/* NULL: there is none. */
const struct listed *wtsapi_list_find(const struct list *list, DWORD number);
const struct listed *wtsapi_list_own(const struct list *list);

/* ---- servers --------------------------------------------------------------------------------- */

/* A server that was opened.  All of it is under the lock. */
struct server {
    struct wms_entry entry; /* in the table of those that can be found */
    struct node node;       /* in `wtsapi_servers` */
    unsigned refs;          /* of its handle, of calls, of jobs */
    uintptr_t handle;       /* 0: what a program means that opens none */
    char address[WTSAPI_ADDRESS_MAX + 1];
    struct job *queued; /* a list that was asked for and is not begun: who comes now may share it */
    bool listing;       /* one is under way: the next begins behind it, however many want it */
    struct list *recent; /* the last list that came; NULL: none */

    struct node waits;  /* who waits for events */
    struct node waited; /* in `wtsapi_waited`, while somebody does */
    bool polling;       /* a list for them is under way */
    double poll_due;    /* when to ask for the next */
    struct list *known; /* what they know; NULL: nothing yet */
};

extern struct node wtsapi_servers;
/* Those that somebody waits for. */
extern struct node wtsapi_waited;

/* The server that a handle stands for; the caller owns one reference, and gives it back by
 * wtsapi_server_put().  Errors: INVALID_HANDLE; for no handle, those of opening, too. */
DWORD wtsapi_server_get(HANDLE handle, struct server **ret_server);
void wtsapi_server_put(struct server *server);
/* The same for who holds the lock. */
void wtsapi_server_unref(struct server *server);
/* Its handle was closed while a call had it.  Under the lock. */
bool wtsapi_server_closed(const struct server *server);
/* In the child of a fork, under the lock: what belongs to the parent's threads is forgotten. */
void wtsapi_servers_forked(void);

/* ---- jobs ------------------------------------------------------------------------------------ */

/* A command for the engine.  Callers that want the same list share one. */
struct job {
    struct node node; /* in the worker's queue, then among those under way */
    unsigned refs;    /* of those who wait, and of the worker */
    struct server *server;
    enum wms_verb verb;
    bool poll; /* a list that only serves those who wait for events */
    wms_id id; /* unless the verb is WMS_SESSIONS */
    char id_room[WTSAPI_ID_ROOM];
    bool verify;           /* wait until the host says that it is so */
    char *message, *title; /* WMS_MESSAGE */

    uint64_t generation;
    double asked;
    wms_request *request; /* the worker's */

    bool done;
    DWORD error;
    struct list *list;
    pthread_cond_t changed;
};

/* Asks a server for its sessions; the caller gives the list to wtsapi_list_put().  `recent`: one
 * that is at most 0.1 s old, and that no action of this process has made stale, will do. */
DWORD wtsapi_list_get(struct server *server, bool recent, struct list **ret_list);
void wtsapi_list_put(struct list *list);

/* Carries out an action on the session `number` and waits for the answer.  `message` and `title`
 * become the job's, whatever comes back. */
DWORD wtsapi_act(struct server *server, enum wms_verb verb, DWORD number, bool verify,
                 char *message, char *title);

/* The caller owns one reference.  NULL: out of memory.  Under the lock. */
struct job *wtsapi_job_new(struct server *server, enum wms_verb verb);
/* For the worker.  A list for those who wait for events; NULL: out of memory.  Under the lock. */
struct job *wtsapi_job_poll(struct server *server);
/* Its part outside of the lock: begins the job, true: it is under way; false: its error is set. */
bool wtsapi_job_start(struct job *job, wms_engine *engine);
/* Of one that is done (or cancelled): what came of it is kept in it, and its request goes. */
void wtsapi_job_harvest(struct job *job);
/* Under the lock: tells those who wait, and gives back the worker's reference. */
void wtsapi_job_finish(struct job *job);
void wtsapi_job_unref(struct job *job);

/* ---- the worker ------------------------------------------------------------------------------ */

/* For InitWtsApi(): notes where the library is; forks and exits are seen to from then on. */
void wtsapi_worker_init(void);
/* Starts the worker if there is none, under the lock.  Errors: OUTOFMEMORY, SHUTDOWN_IN_PROGRESS
 * (the process exits). */
DWORD wtsapi_worker_need(void);
/* Hands a job over, which brings the worker's reference with it, or (NULL) says that there is
 * something to poll for.  There is a worker.  Under the lock. */
void wtsapi_worker_tell(struct job *job);

/* ---- events ---------------------------------------------------------------------------------- */

/* How often a server is asked while somebody waits for its events, in seconds. */
#define WTSAPI_POLL_INTERVAL 0.25

/* A caller that waits; it lies on that caller's stack. */
struct wait {
    struct node node; /* in the server's `waits`; alone: it has ended */
    struct server *server;
    DWORD mask, events, error;
    pthread_cond_t changed;
};

/* Nobody waits by it any more.  Under the lock. */
void wtsapi_wait_end(struct wait *wait);
/* The list that was asked for, or why there is none (`error`).  Under the lock. */
void wtsapi_events_listed(struct server *server, struct list *list, DWORD error);
/* What has changed from one list to another: WTS_EVENT_*. */
DWORD wtsapi_events_between(const struct list *before, const struct list *now);
/* Ends all waits: with `error`, or (0) without an event.  Under the lock. */
void wtsapi_events_end(struct server *server, DWORD error);

/* ---- views ----------------------------------------------------------------------------------- */

enum { WTSAPI_STATION_ROOM = 300 };

/* A session as Windows shows it.  Texts are never NULL. */
struct view {
    DWORD number;
    WTS_CONNECTSTATE_CLASS state;
    const char *user, *domain, *client, *host; /* `host`: where the client is */
    char station[WTSAPI_STATION_ROOM];         /* the name of its WinStation */
    LONG lock;                                 /* WTS_SESSIONSTATE_* */
    bool remote;
    double logon_time, connect_time,
        idle_since; /* seconds since 1970; not above 0: the host does not tell */
    DWORD family;   /* Windows' number of the kind of `address`; 0: unknown */
    BYTE address[16];
};

/* `view` points to the session's strings. */
void wtsapi_view(struct view *ret_view, const struct listed *listed);
/* Whether it is what the machine's own screen shows. */
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
