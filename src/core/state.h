/* SPDX-License-Identifier: MIT */
/* state.h - the structs that the parts of the core share.
 *
 * A command is a request; a request has one job for each server; a job has one item for each
 * session.  Jobs reach their server through a link, which is kept between commands.  Provider
 * callbacks and timers only record what happened and kick the jobs concerned (due.c); whatever
 * calls a provider runs from wms_engine_settle(), so nothing is ever re-entered.
 */
#ifndef WMS_CORE_STATE_H
#define WMS_CORE_STATE_H

#include <sys/types.h>

#include <wms/provider.h>

#include "core/base.h"
#include "core/hash.h"
#include "core/idset.h"
#include "core/node.h"
#include "core/queue.h"
#include "core/slab.h"
#include "core/table.h"
#include "core/target.h"
#include "core/value.h"
#include "core/wake.h"

struct wms_registered {
    struct wms_registered *next;
    const struct wms_provider *self; /* as it was given, and as the provider wants it back; perhaps
                                        shorter or longer than ours */
    struct wms_provider
        provider; /* the same for us: what an older one does not have is NULL or 0 */
    void *slot;   /* the provider's own */
};

/* A provider whose module was there and did not load, and why. */
struct wms_unloaded {
    struct wms_unloaded *next;
    char name[WMS_SCHEME_MAX + 1];
    char why[512];
};

/* Where bindings are: in files or, of a program that has a store of its own, here. */
struct wms_bindings {
    bool in_memory;
    char *folder;          /* NULL: the user's */
    struct wms_table kept; /* by name */
    struct node all,
        fresh; /* of them; those that were made by commands, and not told to the program yet */
};

/* Calls that block: see blocking.c. */
struct wms_blocking {
    struct node blocks;    /* all of the engine's, newest first */
    struct node line;      /* those that are started, and not handed over yet */
    size_t running;        /* those that are handed over, and not taken back yet */
    struct wms_crew *crew; /* the threads, or NULL */
    struct wms_poll *poll; /* on what they give back, while calls run; or NULL */
    bool due;              /* to be tended */
};

/* The address that was taken apart last: a command looks at the same one several times. */
struct wms_parsed {
    char text[WMS_ADDRESS_MAX + 1]; /* "": none */
    struct wms_place place;
};

struct wms_engine {
    struct wms_base base; /* first: base.c knows no more of an engine */
    size_t refs; /* the program's, and one for each request and each handle of an embedded host */
    const struct wms_services *services; /* what it offers to providers */
    pid_t pid;
    unsigned char
        *here; /* not 0 in the process of `pid`, and 0 in its children; NULL: no such page */
    struct wms_loop *loop;   /* NULL until something has to be waited for */
    int loop_error;          /* NO_MEMORY, or INTERNAL: no descriptor left; 0: none */
    struct wms_waker *waker; /* NULL until a request's descriptor is asked for */

    struct wms_registered *providers;
    char *module_folder;
    struct wms_unloaded *unloaded;
    struct wms_bindings bindings;
    wms_transport transport;
    char *proxy;               /* of `transport` */
    struct wms_key key;        /* of every table of what others name */
    struct wms_table servers;  /* by place */
    struct wms_server *recent; /* the last that was asked for, or NULL */
    struct wms_parsed parsed;
    struct node links; /* all of them, newest first */
    size_t link_count;
    struct wms_table
        bound;          /* links that get new work, by what their bindings' names have in common */
    struct node idle;   /* links that nobody uses, and that may be used again: who has been so for
                           longest comes first */
    struct node ending; /* links that are broken or get no new work: to be tended */
    struct wms_blocking blocking;
    struct node requests; /* newest first */
    struct node news;     /* requests that wms_engine_news() has not told yet */

    struct node kicked; /* jobs that are to be looked at */
    bool link_broken;   /* links are to be tended */
    bool settling;
    wms_request *orphans; /* that were given back meanwhile */
    bool woken;           /* wms_engine_wake() */

    wms_guard guard;
    void *guard_data;
};

struct wms_server {
    struct wms_entry entry; /* first: of engine->servers */
    size_t refs;            /* jobs and links */
    struct wms_link *link;  /* that new work uses, or NULL */
    char *text;             /* the address, as somebody gave it */
    uint32_t mark;          /* of wms_command_build() */
    struct wms_place place;
};

/* The place of a link in engine->bound. */
struct wms_bound {
    struct wms_entry entry;
    struct wms_link *link; /* NULL: it is not there */
};

/* Of one engine: a link that nobody has used for longest goes first. */
enum { WMS_IDLE_LINKS_MAX = 256 };

enum wms_link_state { WMS_CONNECTING, WMS_UP, WMS_BROKEN };

struct wms_link {
    wms_engine *engine;
    struct node all; /* of engine->links */
    struct wms_server *server;
    const struct wms_provider *provider;
    void *connection;
    enum wms_link_state state;
    bool was_up;      /* the host has been reached: some links can be used before */
    bool retired;     /* no new work on it */
    struct node node; /* of engine->idle or engine->ending, or alone */
    struct wms_bound bound;
    size_t active;      /* places, of those that the provider limits, that are taken or promised */
    struct node line;   /* jobs that wait for a place: who has waited longest comes first.  While
                           there are any, it is full */
    struct node ops;    /* items that are in flight, newest first */
    struct node checks; /* newest first */
    struct node jobs;   /* that use it or wait for it */
    double progress;
    int code; /* why it broke */
    char *text;
    uint64_t stamp; /* of the binding's file that it was made with; 0: of none */
};

/* The phases of an item, X(NAME, word), in the order in which it goes through them; some are left
 * out, and READY, PRIMED and QUEUED may come again when a connection breaks. */
#define WMS_PHASES(X) \
    X(QUEUED, "queued") \
    X(HELD, "held") /* waits for the caller's permission */ \
    X(CHOOSING, \
      "choosing")     /* of the question for all sessions: the caller chooses from the answer */ \
    X(READY, "ready") /* may be sent */ \
    X(BASELINE, "baseline") /* verify: how is it before? */ \
    X(PRIMED, "primed")     /* the baseline is known, may be sent */ \
    X(ACTING, "acting")     /* the host has been asked */ \
    X(ANSWERED, "answered") /* verify: the host has answered; it is to be looked at anew */ \
    X(SETTLING, "settling") /* verify: the state is not there yet */ \
    X(STEADY, "steady")     /* stable: it is there, does it stay? */ \
    X(OVER, "over")         /* the result is known, the observation has to end */ \
    X(DONE, "done")

enum wms_phase {
#define WMS_X(name, word) WMS_##name,
    WMS_PHASES(WMS_X)
#undef WMS_X
};

/* What an item stands for. */
enum wms_item_kind {
    WMS_ITEM_SESSION, /* an action on one session */
    WMS_ITEM_LIST,    /* job->whole: the question which sessions the server has */
    WMS_ITEM_CALL     /* job->whole: a call, or a bind */
};

struct wms_item {
    struct wms_op op; /* first: a provider's op is its item */
    struct wms_job *job;
    struct queued waiting; /* in the list of its phase: job->ready, job->answered, request->held */
    struct queued ended;   /* of job->over, then of request->finished */
    struct node flight;    /* of link->ops; valid while the item is ACTING */
    struct wms_check *check;
    wms_id id;
    const char *text, *user_name, *note, *identity;
    signed char code, changed;
    unsigned char phase, state,
        kind; /* enum wms_phase (see wms_item_enter()), wms_state, wms_item_kind */
    bool sent, retried, permitted, slot;
    bool spared; /* of `_all`, but for this one */
};

/* Of an observer whose provider asks the host again and again: see polling.c. */
struct wms_polling {
    struct wms_timer *timer; /* NULL: the provider does not poll */
    double interval;         /* seconds from the next answer to the question after it */
    void (*ask)(void *data);
    void *data; /* the provider's */
};

/* The verification of one item. */
struct wms_check {
    struct wms_observer observer; /* first: a provider's observer is its check */
    struct wms_item *item;
    struct wms_link *link;
    struct node node;        /* of link->checks */
    struct wms_timer *timer; /* its data is the item */
    struct wms_polling polling;
    struct wms_sight sight;
    const char *blind; /* why it could not be seen while the host was asked; NULL: it could */
    int blind_code;
    bool observing, differed;
    bool before; /* how it was before the action has been seen */
    bool looked; /* it has been seen since the host's answer */
    bool
        late; /* the time to verify is over, and the first look since the answer is still awaited */
};

/* A session of a listing: what an action needs to know of it and, for WMS_SESSIONS, all of it. */
struct wms_listed {
    wms_id id;
    const char *user_name, *identity, *spared;
    wms_session *whole; /* all that was told; NULL: nobody is going to look at it */
    signed char is_orchestratable, is_own;
    bool left_out; /* the caller has not chosen it */
};

struct wms_listing {
    struct wms_listed *sessions;
    size_t count, capacity;
    int error; /* a session is missing: there was no memory for it */
    struct wms_idset index;
};

enum wms_stage { WMS_JOB_QUEUED, WMS_JOB_LISTING, WMS_JOB_ACTING, WMS_JOB_DONE };

struct wms_job {
    wms_request *request;
    struct wms_server *server;
    const char *text;      /* the server as the caller gave it */
    const char *folded;    /* the same for guards: what is one host has one spelling */
    struct wms_slab *slab; /* where all its strings and sessions lie */
    struct wms_link *link;
    struct node node;      /* of link->jobs; valid while there is a link */
    struct node line;      /* of link->line, or alone */
    struct node kicked;    /* of engine->kicked, or alone */
    struct wms_item whole; /* the question for all sessions, or the call; its outcome is the
                              server's when there is no other */
    struct wms_item *items;
    size_t count, cursor, finished;
    size_t first, first_session; /* numbers of its first outcome and session in the request */
    struct queue ready, over, answered; /* of items */
    size_t pending;                     /* items that a host owes something */
    size_t checks;                      /* observations of its items */
    struct wms_listing listing;
    struct wms_timer *timer;
    double progress;
    unsigned breaks; /* of connections, since the last answer */
    enum wms_stage stage;
    bool by_id;
    bool all;             /* every session that the host lets us control, or that is chosen */
    bool counted;         /* request->total has its outcomes */
    struct node choosing; /* of request->choosing, or alone */
    size_t candidate;     /* the place in the listing of the next to be chosen */
    bool starved;         /* the link has no place for it */
    bool promised;        /* the link keeps one for it */
    bool whole_outcome;   /* its one outcome is `whole` */
    bool listed;          /* the listing is complete */
    bool wants, told;     /* the host waits for the password; it has been told it */
    bool wishes;          /* it will, when its binding can be kept */
};

/* What was asked for, one after the other. */
struct wms_asked {
    struct wms_item *item; /* a session; NULL: all of `job` */
    struct wms_job *job;
    size_t first; /* number of its first outcome */
};

struct wms_request {
    wms_engine *engine;
    struct node node; /* of engine->requests */
    wms_request *orphan_next;
    size_t refs;
    enum wms_verb verb;
    unsigned traits; /* of the verb: wms_verb_traits() */
    char *message, *title;
    double timeout, verify, stable, deadline;
    struct wms_timer *expiry; /* of the deadline, while it runs */
    bool stop_on_error, what_if, ask, follow;
    bool own, choose;
    bool some; /* not all of a server's sessions are meant: the host is told nothing that holds for
                  all of them */
    struct wms_call call; /* of a call or a bind: its strings and arguments lie in `given` */
    wms_value *given, *value;
    char *password;
    int value_error; /* there was no memory for `value` */

    struct wms_job *jobs;
    size_t job_count, job_cursor, jobs_open, jobs_running, concurrency;
    struct wms_asked *order; /* of the outcomes, when it is not the jobs' */
    size_t order_count;
    size_t total,
        uncounted;        /* outcomes that there will be, and jobs of which that is not known yet */
    struct node choosing; /* jobs that wait for the caller's choice, or ended since */
    size_t outcome_count, failed_count, skipped_count,
        session_count;     /* so far; the skipped ones failed */
    size_t expected;       /* outcomes, as far as that is known */
    struct queue held;     /* items that wait for the caller's permission, or ended since */
    struct queue finished; /* items that wms_request_next_outcome() has not told yet */
    size_t read_count;
    struct wms_wakeup wakeup; /* the descriptor for the caller's loop */
    struct node news;         /* of engine->news, or alone */
    bool done, cancelled, stopped, forked;
    bool waking;  /* something to tell since the last step */
    bool expired; /* the command's deadline is over */
    char *summary;
};

/* Whether it is job->whole: about the server, not about one of its sessions. */
static inline bool wms_item_is_whole(const struct wms_item *item)
{
    return item->kind != WMS_ITEM_SESSION;
}

/* A copy of the text that lives as long as the job; NULL: out of memory. */
static inline const char *wms_job_keep(struct wms_job *job, const char *text)
{
    return wms_slab_copy(&job->slab, job->request->engine, text);
}

/* The same of a text for a person: see wms_one_line(). */
static inline const char *wms_job_keep_line(struct wms_job *job, const char *text)
{
    return wms_slab_copy_line(&job->slab, job->request->engine, text);
}

#endif
