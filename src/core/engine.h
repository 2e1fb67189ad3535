/* engine.h - what the parts of the engine know of each other.
 *
 * A command is a request; a request has one job for each server; a job has one item for each session.  Jobs reach their
 * server through a link, which is kept between commands.  Provider callbacks and timers only record what happened and kick
 * the jobs concerned; whatever calls a provider runs from wms_engine_settle(), so nothing is ever re-entered.
 */
#ifndef WMS_CORE_ENGINE_H
#define WMS_CORE_ENGINE_H

#include <sys/types.h>

#include "core/abi.h"
#include "core/base.h"
#include "core/idset.h"
#include "core/loop.h"
#include "core/names.h"
#include "core/node.h"
#include <wms/provider.h>
#include "core/slab.h"
#include "core/table.h"
#include "core/target.h"
#include "core/value.h"
#include "core/wake.h"

/* ---- engine.c: memory, loop, providers -------------------------------------------------------------------------- */

struct wms_registered {
    struct wms_registered *next;
    const struct wms_provider *self; /* as it was given, and as the provider wants it back; perhaps shorter or longer than ours */
    struct wms_provider provider;    /* the same for us: what an older one does not have is NULL or 0 */
    void *slot;                      /* the provider's own */
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
    char *folder; /* NULL: the user's */
    struct wms_table kept;   /* by name */
    struct node all, fresh;  /* of them; those that were made by commands, and not told to the program yet */
};

/* Calls that block: see blocking.c. */
struct wms_queue {
    struct wms_block *first, *last;
};

struct wms_blocking {
    struct wms_block *blocks; /* all of the engine's */
    struct wms_queue line;    /* those that are started, and not handed over yet */
    size_t running;           /* those that are handed over, and not taken back yet */
    struct wms_crew *crew;    /* the threads, or NULL */
    struct wms_poll *poll;    /* on what they give back, while calls run; or NULL */
    bool due;                 /* to be tended */
};

struct wms_engine {
    struct wms_base base; /* first: base.c knows no more of an engine */
    size_t refs; /* the program's, and one for each request and each handle of an embedded host */
    pid_t pid;
    unsigned char *here;   /* not 0 in the process of `pid`, and 0 in its children; NULL: no such page */
    struct wms_loop *loop; /* NULL until something has to be waited for */
    int loop_error;        /* NO_MEMORY, or INTERNAL: no descriptor left; 0: none */
    struct wms_waker *waker; /* NULL until a request's descriptor is asked for */

    struct wms_registered *providers;
    char *module_folder;
    struct wms_unloaded *unloaded;
    struct wms_bindings bindings;
    wms_transport transport;
    char *proxy; /* of `transport` */
    struct wms_key key;        /* of every table of what others name */
    struct wms_table servers;  /* by place */
    struct wms_server *recent; /* the last that was asked for, or NULL */
    struct wms_link *links;    /* newest first */
    size_t link_count;
    struct wms_table bound; /* links that get new work, by what their bindings' names have in common */
    struct node idle;   /* links that nobody uses, and that may be used again: who has been so for longest comes first */
    struct node ending; /* links that are broken or get no new work: to be tended */
    struct wms_blocking blocking;
    wms_request *requests;
    wms_request *news, *last_news; /* that wms_engine_news() has not told yet */

    struct wms_job *kicked, **kicked_tail;
    bool link_broken; /* links are to be tended */
    bool settling;
    wms_request *orphans; /* that were given back meanwhile */
    bool woken;   /* wms_engine_wake() */

    wms_guard guard;
    void *guard_data;
};

/* For what a provider says that cannot know why it got no timer and no watch. */
void wms_engine_know_better(const wms_engine *engine, int *code, const char **text);
/* To be called first by every function of the interface: BUSY inside a guard or a log; renews the engine in a forked child. */
int wms_engine_enter(wms_engine *engine);
/* As for wms_engine_transport(). */
void wms_engine_transport_clear(wms_engine *engine);
/* Lets everything happen that events have made due. */
void wms_engine_settle(wms_engine *engine);
/* The same, before control goes back to the program.  The last that a call does: request and engine may be gone then. */
void wms_engine_go_on(wms_engine *engine);
/* The loop, made when it is first needed; NULL: `loop_error` tells why. */
struct wms_loop *wms_engine_loop(wms_engine *engine);
/* Its descriptor.  Errors: NO_MEMORY, INTERNAL. */
int wms_engine_loop_fd(wms_engine *engine, int *ret_fd);

/* ---- registry.c: providers --------------------------------------------------------------------------------------- */

/* The provider of that name; its module is loaded if need be.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_engine_provider(wms_engine *engine, const char *name, const struct wms_provider **ret_provider);
/* The same if it is registered, else NULL.  In the engine this is the one to ask: wms_engine_registered() gives the struct that
 * was registered, of which some may be missing. */
const struct wms_provider *wms_engine_known(const wms_engine *engine, const char *name);
/* The struct that was registered: for the functions that are given it. */
const struct wms_provider *wms_provider_self(const struct wms_provider *provider);
/* What to say when there is none; the caller frees it.  NULL: out of memory. */
char *wms_engine_no_provider(wms_engine *engine, const char *name);
/* Its module was found, and did not load. */
bool wms_engine_is_unloaded(const wms_engine *engine, const char *name);
/* Tells the providers that the engine goes, and forgets them. */
void wms_engine_retire_providers(wms_engine *engine);

/* Where the engine keeps a pointer for this provider. */
void **wms_engine_slot(wms_engine *engine, const struct wms_provider *provider);

extern const struct wms_services wms_services;

/* ---- server.c: the servers that anybody talks to ----------------------------------------------------------------- */

struct wms_server {
    struct wms_entry entry;  /* first: of engine->servers */
    size_t refs;             /* jobs and links */
    struct wms_link *link;   /* that new work uses, or NULL */
    char *text;              /* the address, as somebody gave it */
    uint32_t mark;           /* of wms_command_build() */
    struct wms_place place;
};

/* The server of an address; the caller holds a reference.  Errors: INVALID, NO_MEMORY. */
int wms_server_get(wms_engine *engine, const char *text, struct wms_server **ret_server);
void wms_server_release(wms_engine *engine, struct wms_server *server);

/* ---- binding.c: what a client needs to talk to a host ------------------------------------------------------------ */

/* As the services of these names; what goes wrong stands in engine->base.complaint. */
int wms_binding_load(struct wms_link *link, wms_value **ret_binding);
int wms_binding_save(struct wms_link *link, const wms_value *binding);
/* Whether one could be kept for the link's server: it is found out by doing it. */
int wms_binding_try(struct wms_link *link);
/* The file that the link's binding came from is another one by now: another process has bound anew, or forgotten it. */
bool wms_binding_is_old(const struct wms_link *link);
void wms_bindings_clear(wms_engine *engine);
/* The link gets new work: when its binding changes, it is retired.  Errors: NO_MEMORY. */
int wms_binding_join(struct wms_link *link);
/* It gets none any more. */
void wms_binding_leave(struct wms_link *link);

/* ---- link.c: connections to servers ------------------------------------------------------------------------------ */

/* The place of a link in engine->bound. */
struct wms_bound {
    struct wms_entry entry;
    struct wms_link *link; /* NULL: it is not there */
};

enum wms_link_state { WMS_CONNECTING, WMS_UP, WMS_BROKEN };

struct wms_link {
    wms_engine *engine;
    struct wms_link *next, *prev;
    struct wms_server *server;
    const struct wms_provider *provider;
    void *connection;
    enum wms_link_state state;
    bool was_up; /* the host has been reached: some links can be used before */
    bool retired; /* no new work on it */
    struct node node; /* of engine->idle or engine->ending, or alone */
    struct wms_bound bound;
    size_t active; /* places, of those that the provider limits, that are taken or promised */
    struct node line; /* jobs that wait for a place: who has waited longest comes first.  While there are any, it is full */
    struct wms_item *ops; /* in flight */
    struct wms_check *checks;
    struct wms_job *jobs, *last_job; /* that use it or wait for it */
    double progress;
    int code; /* why it broke */
    char *text;
    uint64_t stamp; /* of the binding's file that it was made with; 0: of none */
};

/* Puts the job on its server's link, which is made if there is none.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_link_join(struct wms_job *job);
void wms_link_leave(struct wms_job *job);
/* There is a place on its link for an op of the job's; else it stands in line, and will be kicked when one is promised to it. */
bool wms_link_has_place(struct wms_job *job);
void wms_link_take_place(struct wms_job *job);
/* The one who has waited longest gets it. */
void wms_link_give_place(struct wms_link *link);
/* The job has been kicked, and had no use for the place that was promised to it. */
void wms_link_decline_place(struct wms_job *job);
void wms_link_retire(struct wms_link *link);
void wms_link_kick(struct wms_link *link);
/* Frees links that are broken or retired, and idle ones when there are too many. */
void wms_links_tend(wms_engine *engine);
void wms_links_close(wms_engine *engine, bool forked);
void wms_link_ready(struct wms_link *link);
void wms_link_up(struct wms_link *link);
void wms_link_broken(struct wms_link *link, int code, const char *text);

/* ---- blocking.c: calls that block ------------------------------------------------------------------------------- */

/* The services of these names. */
void *wms_work_new(wms_engine *engine, const struct wms_work *work);
void wms_work_start(void *shared);
void wms_work_free(void *shared);
/* Hands over what there is a thread for: begin(), and done() for what there never will be one. */
void wms_blocking_tend(wms_engine *engine);
/* In a forked child: what was started is the parent's. After wms_loop_after_fork(). */
void wms_blocking_after_fork(wms_engine *engine);
/* The engine goes, and every provider has: nobody waits for a call any more.  In a forked child none is run. */
void wms_blocking_close(wms_engine *engine, bool forked);

/* ---- item.c: one session of a job ------------------------------------------------------------------------------- */

enum wms_phase {
    WMS_QUEUED,
    WMS_HELD,     /* waits for the caller's permission */
    WMS_CHOOSING, /* of the question for all sessions: the caller chooses from the answer */
    WMS_READY,    /* may be sent */
    WMS_BASELINE, /* verify: how is it before? */
    WMS_PRIMED,   /* the baseline is known, may be sent */
    WMS_ACTING,   /* the host has been asked */
    WMS_ANSWERED, /* verify: the host has answered; it is to be looked at anew */
    WMS_SETTLING, /* verify: the state is not there yet */
    WMS_STEADY,   /* stable: it is there, does it stay? */
    WMS_OVER,     /* the result is known, the observation has to end */
    WMS_DONE
};

struct wms_item {
    struct wms_op op; /* first: a provider's op is its item */
    struct wms_job *job;
    struct wms_item *next;               /* in the list of its phase: job->ready, job->answered, request->held */
    struct wms_item *op_prev, *op_next;  /* link->ops */
    struct wms_item *finished_next;      /* job->over, then request->finished */
    struct wms_check *check;
    wms_id id;
    const char *text, *user_name, *note, *identity;
    signed char code, changed;
    unsigned char phase, state;
    bool sent, retried, permitted, slot;
    bool spared; /* of `_all`, but for this one */
};

/* The verification of one item. */
struct wms_check {
    struct wms_observer observer; /* first: a provider's observer is its check */
    struct wms_item *item;
    struct wms_link *link;
    struct wms_check *prev, *next; /* link->checks */
    struct wms_timer *timer; /* its data is the item */
    struct wms_sight sight;
    const char *blind; /* why it could not be seen while the host was asked; NULL: it could */
    int blind_code;
    bool observing, differed;
    bool before; /* how it was before the action has been seen */
    bool looked; /* it has been seen since the host's answer */
    bool late;   /* the time to verify is over, and the first look since the answer is still awaited */
};

struct wms_item *wms_item_of(struct wms_op *op);
/* What a guard is asked, and a caller. */
wms_action wms_item_action(const struct wms_item *item);
/* May it be done?  Asks the guard and, with `ask`, the caller: false when it was refused (and is finished) or is held. */
bool wms_item_admit(struct wms_item *item);
/* Sends it, or first looks how the session is. Its job is on a link that is up. */
void wms_item_start(struct wms_item *item);
/* Such hosts cannot do what is asked. */
void wms_item_refuse(struct wms_item *item, const struct wms_provider *provider);
void wms_item_finish(struct wms_item *item, enum wms_state state, int code, const char *text);
/* As finish, with the state that follows from whether it was sent. */
void wms_item_abandon(struct wms_item *item, int code, const char *text);
/* Ends it now, wherever it is: nobody waits any more (a timeout, a cancel, a fork). */
void wms_item_end(struct wms_item *item, int code, const char *text);
/* The link broke under it. */
void wms_item_lost(struct wms_item *item, int code, const char *text);
/* The host says that there is no such session (any more). */
void wms_item_vanished(struct wms_item *item, const char *text);
/* Ends the observation of an item that is over. */
void wms_item_close(struct wms_item *item);
/* Takes it from the provider: it will not be answered any more. */
void wms_item_forget(struct wms_item *item);
void wms_item_sent(struct wms_item *item);
void wms_item_answer(struct wms_item *item, int code, const char *text);
void wms_item_take_slot(struct wms_item *item);
void wms_item_give_slot(struct wms_item *item);
extern const char wms_not_after_failure[];

/* ---- verify.c: is a session as asked? ---------------------------------------------------------------------------- */

/* Looks how the session is, before the action.  Errors: NO_MEMORY, INTERNAL. */
int wms_check_begin(struct wms_item *item);
/* The host has answered that it took the action: what is seen from here on counts. */
void wms_check_answered(struct wms_item *item);
/* Looks anew at those whose host has answered; not to be called from inside a provider. */
void wms_checks_renew(struct wms_job *job);
/* Nobody waits for the state any more. */
void wms_check_give_up(struct wms_item *item, int code, const char *text);
void wms_check_seen(struct wms_check *check, const struct wms_sight *sight);
void wms_check_blind(struct wms_check *check, int code, const char *text);
void wms_check_end(struct wms_check *check);

/* ---- listing.c: which sessions a server has --------------------------------------------------------------------- */

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

/* Two rows of one session: what they agree on stays in the first. */
void wms_listed_merge(struct wms_listed *kept, const struct wms_listed *other);
/* A session that the provider reports.  Errors: NO_MEMORY, PROTOCOL (an id that no host may have). */
int wms_listing_add(struct wms_job *job, const wms_session *session);
/* The list is complete; rows of one session become one.  Errors: NO_MEMORY, and what went wrong while it came. */
int wms_listing_index(struct wms_job *job);
/* Of an indexed listing; NULL: no such session. */
const struct wms_listed *wms_listing_find(const struct wms_job *job, const wms_id *id);
/* The same, when it is the session that is meant: the host may have given its id to another one. */
const struct wms_listed *wms_listing_meant(const struct wms_item *item);
void wms_listing_clear(struct wms_job *job);

/* ---- select.c: which of a server's sessions are meant ------------------------------------------------------------ */

/* The host would refuse the action, or has to be spared. */
bool wms_listed_is_exempt(enum wms_verb verb, const struct wms_listed *session);
/* The server has told its sessions. */
void wms_job_listed(struct wms_job *job);
/* A server's list waits for the caller's choice. */
bool wms_request_chooses(wms_request *request);

/* ---- job.c: one server of a request ----------------------------------------------------------------------------- */

enum wms_stage { WMS_JOB_QUEUED, WMS_JOB_LISTING, WMS_JOB_ACTING, WMS_JOB_DONE };

struct wms_job {
    wms_request *request;
    struct wms_server *server;
    const char *text;      /* the server as the caller gave it */
    const char *folded;    /* the same for guards: what is one host has one spelling */
    struct wms_slab *slab; /* where all its strings and sessions lie */
    struct wms_link *link;
    struct wms_job *link_prev, *link_next;
    struct node line; /* link->line, or alone */
    struct wms_job *kicked_next;
    struct wms_item whole; /* the question for all sessions, a call, and the outcome of a server that could not be asked */
    struct wms_item *items;
    size_t count, cursor, finished;
    size_t first, first_session; /* numbers of its first outcome and session in the request */
    struct wms_item *ready, **ready_tail, *over, *answered;
    size_t pending; /* items that a host owes something */
    size_t checks;  /* observations of its items */
    struct wms_listing listing;
    struct wms_timer *timer;
    double progress;
    unsigned breaks; /* of connections, since the last answer */
    enum wms_stage stage;
    bool kicked, by_id;
    bool all; /* every session that the host lets us control, or that is chosen */
    bool counted; /* request->total has its outcomes */
    struct wms_job *choosing_next; /* of request->choosing */
    size_t candidate;              /* the place in the listing of the next to be chosen */
    bool starved;       /* the link has no place for it */
    bool promised;      /* the link keeps one for it */
    bool whole_outcome; /* its one outcome is `whole` */
    bool listed;        /* the listing is complete */
    bool wants, told;   /* the host waits for the password; it has been told it */
    bool wishes;        /* it will, when its binding can be kept */
};

/* Takes over the reference on `server`, also when it fails.  Errors: NO_MEMORY. */
int wms_job_init(struct wms_job *job, wms_request *request, struct wms_server *server, const char *text, size_t items);
void wms_job_kick(struct wms_job *job);
void wms_job_begin(struct wms_job *job);
void wms_job_pump(struct wms_job *job);
/* Gives what has not been sent yet this result. */
void wms_job_fail(struct wms_job *job, int code, const char *text);
/* Ends what is under way, after a cancel or a fork. */
void wms_job_abandon(struct wms_job *job, int code, const char *text);
void wms_job_ready(struct wms_item *item);
void wms_job_progress(struct wms_job *job);
/* The same after the caller has thought, perhaps for long. */
void wms_job_resume(struct wms_job *job);
/* To be called before a host, or the way to it, begins to owe the job something: its timeout counts from here, however long
 * the job has waited for a state or a permission before. */
void wms_job_waits(struct wms_job *job);
/* A copy that lives as long as the job; NULL: out of memory. */
const char *wms_job_keep(struct wms_job *job, const char *text);
/* The same of a text for a person: see wms_one_line(). */
const char *wms_job_keep_line(struct wms_job *job, const char *text);
void wms_job_clear(struct wms_job *job);

/* ---- request.c: one command ------------------------------------------------------------------------------------- */

/* What was asked for, one after the other. */
struct wms_asked {
    struct wms_item *item; /* a session; NULL: all of `job` */
    struct wms_job *job;
    size_t first; /* number of its first outcome */
};

struct wms_request {
    wms_engine *engine;
    wms_request *next, *prev;
    wms_request *orphan_next;
    size_t refs;
    enum wms_verb verb;
    char *message, *title;
    double timeout, verify, stable, deadline;
    struct wms_timer *expiry; /* of the deadline, while it runs */
    bool stop_on_error, what_if, ask, follow;
    bool own, choose;
    bool some; /* not all of a server's sessions are meant: the host is told nothing that holds for all of them */
    struct wms_call call; /* of a call or a bind: its strings and arguments lie in `given` */
    wms_value *given, *value;
    char *password;
    int value_error; /* there was no memory for `value` */

    struct wms_job *jobs;
    size_t job_count, job_cursor, jobs_open, jobs_running, concurrency;
    struct wms_asked *order; /* of the outcomes, when it is not the jobs' */
    size_t order_count;
    size_t total, uncounted; /* outcomes that there will be, and jobs of which that is not known yet */
    struct wms_job *choosing, **choosing_tail;
    size_t outcome_count, failed_count, skipped_count, session_count; /* so far; the skipped ones failed */
    size_t expected;                                                  /* outcomes, as far as that is known */
    struct wms_item *held, **held_tail;
    struct wms_item *finished, **finished_tail, *unread;
    size_t read_count;
    struct wms_wakeup wakeup; /* the descriptor for the caller's loop */
    wms_request *news_prev, *news_next; /* engine->news */
    bool done, cancelled, stopped, forked;
    bool waking;  /* something to tell since the last step */
    bool untold;  /* it is in engine->news */
    bool expired; /* the command's deadline is over */
    char *summary;
};

/* As wms_command_init(). */
void wms_command_defaults(wms_command *command, enum wms_verb verb);
/* The program's command as this library knows it: what its header does not have is as wms_command_init() leaves it.  Errors:
 * INVALID. */
int wms_command_take(wms_engine *engine, const wms_command *command, wms_command *ret_whole);
/* Errors: INVALID. */
int wms_command_check(wms_engine *engine, const wms_command *command);
/* BUSY, FORKED and so on, or 0. */
int wms_request_enter(const wms_request *request);
/* Ends what is under way and what has not begun. */
void wms_request_abandon(wms_request *request, int code, const char *text);
/* Checks a command and takes it apart into jobs.  Errors: INVALID, NO_MEMORY. */
int wms_command_build(wms_engine *engine, const wms_command *command, wms_request *request);
void wms_request_news(wms_request *request);
/* Whoever asks wms_engine_news() needs not be told of it any more. */
void wms_request_told(wms_request *request);
/* The host waits for the password. */
void wms_request_want(wms_request *request);
/* deadline.c: begins to count.  Errors: NO_MEMORY, INTERNAL. */
int wms_request_count_down(wms_request *request);
void wms_request_drop_password(wms_request *request);
void wms_request_job_done(wms_request *request);
void wms_request_forked(wms_request *request);
/* Frees requests whose last reference was given back inside a guard or a log. */
void wms_requests_collect(wms_engine *engine);

/* ---- outcome.c: what its caller is told -------------------------------------------------------------------------- */

void wms_request_finished(struct wms_item *item);
/* How many outcomes the job has is known now. */
void wms_request_counted(struct wms_job *job);
/* The same for what is known before any server has answered. */
void wms_request_count_first(wms_request *request);
/* All are there: they get their numbers. */
void wms_request_number(wms_request *request);
void wms_request_drop_value(wms_request *request);

#endif
