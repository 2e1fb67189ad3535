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
    const struct wms_provider *self; /* as it was registered, and as its functions get it; may be
                                        shorter or longer than ours */
    struct wms_provider
        provider; /* our copy: members that an older provider does not have are NULL or 0 */
    void *slot;   /* the provider's own pointer: see wms_engine_slot() */
};

/* A provider whose module was there and did not load, and why. */
struct wms_unloaded {
    struct wms_unloaded *next;
    char name[WMS_SCHEME_MAX + 1];
    char why[512];
};

/* Where bindings are kept: in files or, for a program that has its own store, in memory. */
struct wms_bindings {
    bool in_memory;
    char *folder;           /* of the files; NULL: the default, below the user's home */
    struct wms_table kept;  /* by name */
    struct node all, fresh; /* all of `kept`; those that commands have made and
                               wms_engine_binding_next() has not returned */
};

/* The network cards of hosts that can be woken: see magic.c. */
struct wms_cards {
    struct wms_table table; /* by place */
    struct node all;
};

/* Calls that block: see blocking.c. */
struct wms_blocking {
    struct node blocks;    /* all of the engine's, newest first */
    struct node line;      /* those that are started, and not handed over yet */
    struct node apart;     /* the same for those that wms_work_start_apart() has started */
    size_t running;        /* those that are handed over, and not taken back yet */
    size_t running_apart;  /* the same for those apart */
    struct wms_crew *crew; /* the threads, or NULL */
    struct wms_poll *poll; /* watches for finished calls; NULL: not made yet */
    bool due;              /* wms_blocking_tend() has something to do */
};

/* A cache of the address that was parsed last: a command parses the same one several times. */
struct wms_parsed {
    char text[WMS_ADDRESS_MAX + 1]; /* "": none */
    struct wms_place place;
};

struct wms_engine {
    struct wms_base base; /* first: base.c casts an engine to it */
    size_t refs; /* the program's, and one for each request and each handle of an embedded host */
    const struct wms_services *services; /* the functions that providers get */
    pid_t pid;
    unsigned char
        *here; /* a MADV_WIPEONFORK page, which reads 0 in a forked child; NULL: not supported */
    struct wms_loop *loop; /* NULL until something has to be waited for */
    int loop_error; /* why there is no loop: NO_MEMORY, or INTERNAL (no descriptor left); 0: no
                       error */
    struct wms_waker *waker; /* NULL until a request's descriptor is asked for */

    struct wms_registered *providers;
    char *module_folder;
    struct wms_unloaded *unloaded;
    struct wms_bindings bindings;
    wms_transport transport;
    char *proxy;               /* the string that transport.proxy points to */
    char **ssh_command;        /* the list that transport.ssh_command points to: one block */
    wms_nats *nats;            /* what transport.nats points to: one block */
    struct wms_key key;        /* for the hashes of all tables */
    struct wms_table servers;  /* by place */
    struct wms_server *recent; /* the server that was looked up last, or NULL */
    struct wms_parsed parsed;
    struct wms_groups *groups;     /* of servers: see group.c; NULL: none */
    struct node links;             /* all of them, newest first */
    size_t link_count, links_kept; /* how many there are; with more, idle ones are freed */
    struct wms_table bound; /* links that get new work, by host and port: all addresses of one
                               binding have these in common */
    struct node idle;       /* unused links that may be used again, longest unused first */
    struct node ending;     /* links that are broken or retired: to be freed by tend_links() */
    struct wms_blocking blocking;
    struct wms_cards cards;
    struct node requests; /* newest first */
    struct node news;     /* requests with news, not yet returned by wms_engine_news() */

    struct node watches;    /* newest first */
    struct node watch_news; /* watches with events, not yet returned by wms_engine_watch_news() */
    bool polled;            /* the program has asked for the engine's descriptor */
    bool looking;           /* the program has stepped, and has not read all news yet */
    bool untold;            /* news has come since the program has read all */
    struct node stirred;    /* watched servers that wms_watched_pump() is to be called for */
    wms_watch *orphan_watches; /* without references, that could not be freed yet */
    struct node inner_due;     /* requests and watches of providers, which are to be told of */

    struct node kicked;        /* jobs that wms_job_pump() is to be called for */
    bool link_broken;          /* tend_links() has something to do */
    bool closing;              /* the program's last reference is gone */
    bool settling, collecting; /* in wms_engine_settle(); it frees what is an orphan */
    wms_request *orphans;      /* requests without references that could not be freed yet */
    bool woken;                /* wms_engine_wake() was called */

    wms_guard guard;
    void *guard_data;
};

struct wms_server {
    struct wms_entry entry; /* first: of engine->servers */
    size_t refs;            /* jobs and links */
    struct wms_link *link;  /* the link that new work uses, or NULL */
    char *text;             /* the address as it was given first */
    uint32_t mark;          /* scratch of wms_command_build(); else 0 */
    struct wms_place place; /* the last: only the bytes that it uses are there */
};

/* The place of a link in engine->bound. */
struct wms_bound {
    struct wms_entry entry;
    struct wms_link *link; /* NULL: it is not in the table */
};

/* If an engine has more links than this, and than its last command works with at a time, idle ones
 * are freed, longest unused first. */
enum { WMS_KEPT_LINKS = 64 };

enum wms_link_state { WMS_CONNECTING, WMS_UP, WMS_BROKEN };

struct wms_link {
    wms_engine *engine;
    struct node all; /* of engine->links */
    struct wms_server *server;
    const struct wms_provider *provider;
    void *connection;
    enum wms_link_state state;
    bool was_up;      /* the host has been reached; with ready(), a link is WMS_UP before */
    bool retired;     /* gets no new work */
    bool hung;        /* retired since it was silent: what is under way on it may come, or not */
    struct node node; /* of engine->idle or engine->ending, or alone */
    struct wms_bound bound;
    size_t active; /* places that are taken or promised; provider->in_flight limits them, unless it
                      is 0 */
    struct node line;     /* jobs that wait for a place, longest first; with any, none is free */
    struct node ops;      /* items that are in flight, newest first */
    struct node checks;   /* newest first */
    struct node jobs;     /* that use it or wait for it */
    struct node watchers; /* watched servers that keep it */
    double progress;
    int code; /* why it broke */
    char *text;
    uint64_t stamp; /* wms_bindfile_stamp() of the binding that it was made with; 0: of no file */
};

/* The phases of an item, X(NAME, word), in the order in which it goes through them; some are left
 * out, and READY, PRIMED and QUEUED may come again when a connection breaks. */
#define WMS_PHASES(X) \
    X(QUEUED, "queued") \
    X(HELD, "held")         /* waits for the caller's permission */ \
    X(CHOOSING, "choosing") /* of the listing: the caller chooses from the sessions */ \
    X(PAUSED, "paused")     /* it has failed, and is to be tried again */ \
    X(READY, "ready")       /* may be sent */ \
    X(WARNED, "warned")     /* the user has been warned, and has some time left */ \
    X(BASELINE, "baseline") /* verify: the state before the action is being observed */ \
    X(PRIMED, "primed")     /* the state before is known, may be sent */ \
    X(ACTING, "acting")     /* the host has been asked */ \
    X(ANSWERED, "answered") /* verify: the host has answered; a new observation is to begin */ \
    X(SETTLING, "settling") /* verify: the state is not reached yet */ \
    X(STEADY, "steady")     /* stable: the state is reached, and watched */ \
    X(OVER, "over")         /* the result is known, the observation is to end */ \
    X(DONE, "done")

enum wms_phase {
#define WMS_X(name, word) WMS_##name,
    WMS_PHASES(WMS_X)
#undef WMS_X
};

/* What an item stands for. */
enum wms_item_kind {
    WMS_ITEM_SESSION, /* an action on one session */
    WMS_ITEM_LIST,    /* job->whole: the listing of the server's sessions */
    WMS_ITEM_CALL,    /* job->whole: a call, a bind, or what else is done to the host as a whole */
    WMS_ITEM_ERRAND   /* job->whole: the command, which the host carries out by itself */
};

struct wms_item {
    struct wms_op op; /* first: a provider's op is its item */
    struct wms_job *job;
    struct queued waiting; /* in the list of its phase: job->placed, job->ready, job->answered,
                              request->held */
    struct queued ended;   /* of job->over, then of request->finished */
    struct node flight;    /* of link->ops; valid while the item is ACTING */
    struct wms_check *check;
    double due; /* WARNED: when it is to be acted on */
    wms_id id;
    const char *text, *user_name, *note, *identity;
    wms_thumbnail *thumbnail; /* see thumbnail.c; NULL: there is none */
    signed char code, changed;
    unsigned char phase, state,
        kind; /* enum wms_phase (see wms_item_enter()), wms_state, wms_item_kind */
    bool sent, retried, permitted, slot;
    bool doubtful;        /* a former try was sent, and not answered: it may still be carried out */
    bool again;           /* it has failed, and is tried again: see retry.c */
    bool warning, warned; /* what is in flight is the warning; the warning is over */
    bool spared;          /* excluded from `_all`: see `spared` of wms_session */
};

/* Of a job whose host carries out the command by itself: see errand.c. */
struct wms_delegation {
    struct wms_errand errand;
    void *room;             /* of the errand's ids and identities, where they are several */
    struct wms_idset index; /* of `told`, or by ids: of the job's items that were asked for */
    struct wms_item **told; /* with `all`: the sessions that the host has told of */
    size_t count, capacity;
    int error; /* an outcome was refused: what became of the other sessions is not known */
};

/* The polling of one observer: see polling.c. */
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
    const char *blind; /* why the observation failed in WMS_ACTING; NULL: it did not */
    int blind_code;
    bool observing, differed;
    bool before; /* the state before the action has been observed */
    bool looked; /* there has been a sight since the host's answer */
    bool late; /* the time to verify is over, but the first sight since the answer is still awaited
                */
};

/* A session of a listing: what an action needs to know of it and, for WMS_SESSIONS, all of it. */
struct wms_listed {
    wms_id id;
    const char *user_name, *identity, *spared;
    wms_session *whole; /* all that the host has told; NULL: not needed */
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
    const char *folded;    /* the same as guards see it: one spelling for one host */
    struct wms_slab *slab; /* owns all its strings and sessions */
    struct wms_link *link;
    struct node node;      /* of link->jobs; valid while there is a link */
    struct node line;      /* of link->line, or alone */
    struct node kicked;    /* of engine->kicked, or alone */
    struct wms_item whole; /* the listing, or the call; it is also the server's outcome if there is
                              no other (whole_outcome) */
    struct wms_item *items;
    size_t count, cursor, finished;
    size_t first, first_session; /* numbers of its first outcome and session in the request */
    struct queue placed, ready;  /* items that may be sent: those that have a place, or had one on a
                                    link that broke; and others */
    struct queue over, answered, warned;
    struct wms_timer *warner; /* for the first of `warned`; made when it is first needed */
    size_t paused;            /* items that are WMS_PAUSED */
    struct wms_timer *pause;  /* NULL until the job pauses first */
    struct node turn;         /* of request->turns, or alone */
    unsigned tries;           /* how often what had failed was tried again */
    bool pausing;             /* its timer runs, or it waits for its turn */
    bool rested;              /* the timer has run out */
    bool running;             /* it has a turn: request->jobs_running counts it, unless it is: */
    bool shared;              /* it needs none, as its provider says: see turn.c */
    size_t pending; /* items that wait for the host, and hold a place on the link (item->slot) */
    size_t checks;  /* observations of its items */
    size_t unread;  /* pictures that the caller follows, and has not been handed yet */
    struct wms_listing listing;
    struct wms_timer *timer;
    double progress;
    unsigned breaks; /* of connections, since the last answer */
    enum wms_stage stage;
    bool by_id;
    bool all;             /* every session that the host lets us control, or that is chosen */
    bool counted;         /* request->total has its outcomes */
    struct node choosing; /* of request->choosing, or alone */
    size_t candidate;     /* index in the listing of the session that the caller is asked about */
    bool starved;         /* the link has no place for it */
    bool promised;        /* the link reserves a place for it */
    bool whole_outcome;   /* its only outcome is that of `whole` */
    bool listed;          /* the listing is complete */
    bool wants, told;     /* the host waits for the password; the provider has got it */
    bool wishes;          /* the host needs the password next: see begin_to_want() */
    const struct wms_call *call;       /* of a call or a bind: request->call, or the job's own */
    wms_value *value;                  /* what it has returned */
    int value_error;                   /* there was no memory for `value` */
    struct wms_waking *waking;         /* of WMS_WAKE, while the host is waited for; else NULL */
    struct wms_delegation *delegation; /* NULL: the engine asks about each session */
};

/* One session or server of a command, in the caller's order. */
struct wms_asked {
    struct wms_item *item; /* a session; NULL: all of `job` */
    struct wms_job *job;
    size_t first; /* number of its first outcome */
};

/* Of a request or a watch that a provider has started: see inner.c. */
struct wms_inner {
    struct node due;          /* of engine->inner_due, or alone */
    void (*tell)(void *data); /* NULL: nobody is to be told (any more) */
    void *data;
    wms_request *request; /* NULL: it is a watch's */
    bool is;              /* it is one: neither the program's nor for a watch */
    bool cancels;         /* the request is to be cancelled */
};

struct wms_request {
    wms_engine *engine;
    struct node node; /* of engine->requests */
    wms_request *orphan_next;
    size_t refs;
    enum wms_verb verb;
    unsigned traits; /* of the verb: wms_verb_traits() */
    char *message, *title;
    char *warn_message, *warn_title; /* NULL: no warning */
    double warn_seconds;
    double timeout, verify, stable, deadline;
    struct wms_timer *expiry; /* of the deadline, while it runs */
    bool stop_on_error, what_if, ask, follow;
    double ends; /* when the deadline is over, as of wms_loop_now() */
    bool own, choose, activity, begun;
    bool delegable; /* nobody has to look at its single sessions */
    bool some; /* a server's other sessions are not meant: the host is told nothing that holds for
                  all of them */
    enum wms_thumbnail_size thumbnail_size;
    struct wms_call call; /* of a call or a bind: its strings and arguments lie in `given` */
    wms_value *given;
    char *password, *refusal; /* at most one is there: what the caller has answered; or else none */
    bool refused;             /* there is no password */
    size_t wanting;           /* jobs whose hosts wait for it */

    struct wms_job *jobs;
    size_t job_count, job_cursor, jobs_open, jobs_running, concurrency;
    struct node turns; /* jobs that have paused, and wait for a turn */
    unsigned retries;
    size_t asking;  /* of WMS_WAKE: hosts that are being asked whether they are awake */
    size_t at_once; /* how many hosts are worked with at a time: `concurrency`, but that all packets
                       of WMS_WAKE are sent at once */
    struct wms_asked *order; /* of the outcomes; NULL: that of the jobs */
    size_t found;            /* the job whose outcome was read last: see result.c */
    size_t order_count;
    size_t total, uncounted; /* outcomes that there will be, and jobs whose number of outcomes is
                                not known yet */
    struct node choosing;    /* jobs that wait for the caller's choice, or have ended meanwhile */
    size_t outcome_count, failed_count, skipped_count,
        session_count; /* so far; failed_count includes the skipped ones */
    size_t expected;   /* outcomes, as far as that is known */
    struct queue held; /* items that wait for the caller's permission, or have ended meanwhile */
    struct queue finished; /* items that wms_request_next_outcome() has not returned yet */
    size_t read_count;
    struct wms_item *shown;      /* its picture is lent to the caller; NULL: none is */
    struct wms_wakeup wakeup;    /* the descriptor for the caller's loop */
    struct node news;            /* of engine->news, or alone */
    struct wms_watched *watched; /* it is the engine's own, for this one; NULL: somebody's */
    struct wms_inner inner;      /* it is a provider's */
    bool disowned;               /* it holds no reference on the engine */
    /* Called just before the question for its sessions is sent. */
    void (*joins)(struct wms_watched *watched, struct wms_link *link);
    bool done, cancelled, stopped, forked;
    bool waking;  /* there is news since the last wms_request_step() */
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
