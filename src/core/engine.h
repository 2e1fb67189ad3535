/* engine.h - what the parts of the engine know of each other.
 *
 * A command is a request; a request has one job for each server; a job has one item for each session.  Jobs reach their
 * server through a link, which is kept between commands.  Provider callbacks and timers only record what happened and kick
 * the jobs concerned; whatever calls a provider runs from wms_engine_settle(), so nothing is ever re-entered.
 */
#ifndef WMS_CORE_ENGINE_H
#define WMS_CORE_ENGINE_H

#include <sys/types.h>

#include "core/idset.h"
#include "core/loop.h"
#include "core/provider.h"
#include "core/slab.h"
#include "core/target.h"
#include "core/value.h"

/* ---- engine.c: memory, loop, providers -------------------------------------------------------------------------- */

struct wms_registered {
    struct wms_registered *next;
    const struct wms_provider *provider;
    void *slot; /* the provider's own */
};

/* Where bindings are: in files or, of a program that has a store of its own, here. */
struct wms_bindings {
    bool in_memory;
    char *folder; /* NULL: the user's */
    struct wms_kept *kept;
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

enum { WMS_SERVER_BUCKETS = 256 };

struct wms_engine {
    struct wms_alloc alloc;
    size_t refs; /* the program's, and one for each request and each handle of an embedded host */
    pid_t pid;
    unsigned char *here;   /* not 0 in the process of `pid`, and 0 in its children; NULL: no such page */
    struct wms_loop *loop; /* NULL until something has to be waited for */
    int loop_error;        /* NO_MEMORY, or INTERNAL: no descriptor left; 0: none */
    int fd;                /* of wms_engine_fd(), or -1 */

    struct wms_registered *providers;
    char *module_folder;
    char unloaded[WMS_SCHEME_MAX + 1]; /* the last provider whose module did not load, and why */
    char unloaded_why[512];
    struct wms_bindings bindings;
    wms_transport transport;
    char *proxy; /* of `transport` */
    struct wms_server *servers[WMS_SERVER_BUCKETS]; /* by place */
    struct wms_server *recent;                      /* the last that was asked for, or NULL */
    struct wms_link *links; /* newest first */
    size_t link_count;
    struct wms_blocking blocking;
    wms_request *requests;

    struct wms_job *kicked, **kicked_tail;
    bool link_broken; /* some link waits to be buried */
    bool settling;
    bool asking;  /* a guard or a log runs */
    bool orphans; /* requests were given back meanwhile */
    bool woken;   /* wms_engine_wake() */

    wms_guard guard;
    void *guard_data;
    wms_log log;
    void *log_data;
    char complaint[1024]; /* some tell a path */
};

/* Memory of the engine's; wms_zalloc() clears it. NULL: out of memory.  wms_free(NULL) is nothing. */
void *wms_resize(wms_engine *engine, void *block, size_t size);
void *wms_zalloc(wms_engine *engine, size_t size);
void wms_free(wms_engine *engine, void *block);
/* For what has held a secret. */
void wms_free_wiped(wms_engine *engine, void *block, size_t size);
char *wms_copy(wms_engine *engine, const char *text);
char *wms_print(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A command on a server as a whole, not on sessions. */
bool wms_is_call(enum wms_verb verb);
/* A code that a provider gave: INTERNAL when it is none that a host can have. */
int wms_error_code(int code);
/* For what a provider says that cannot know why it got no timer and no watch. */
void wms_engine_know_better(const wms_engine *engine, int *code, const char **text);
void wms_say(wms_engine *engine, enum wms_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
int wms_complain(wms_engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

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

/* ---- registry.c: providers --------------------------------------------------------------------------------------- */

/* The provider of that name; its module is loaded if need be.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_engine_provider(wms_engine *engine, const char *name, const struct wms_provider **ret_provider);
/* What to say when there is none; the caller frees it.  NULL: out of memory. */
char *wms_engine_no_provider(wms_engine *engine, const char *name);

/* Where the engine keeps a pointer for this provider. */
void **wms_engine_slot(wms_engine *engine, const struct wms_provider *provider);

extern const struct wms_services wms_services;

/* ---- server.c: the servers that anybody talks to ----------------------------------------------------------------- */

struct wms_server {
    struct wms_server *next; /* in its bucket */
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

/* As the services of these names; what goes wrong stands in engine->complaint. */
int wms_binding_load(struct wms_link *link, wms_value **ret_binding);
int wms_binding_save(struct wms_link *link, const wms_value *binding);
/* Whether one could be kept for the link's server: it is found out by doing it. */
int wms_binding_try(struct wms_link *link);
/* The file that the link's binding came from is another one by now: another process has bound anew, or forgotten it. */
bool wms_binding_is_old(const struct wms_link *link);
void wms_bindings_clear(wms_engine *engine);

/* ---- link.c: connections to servers ------------------------------------------------------------------------------ */

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
    size_t active;
    struct wms_item *ops; /* in flight */
    struct wms_check *checks;
    struct wms_job *jobs, *last_job; /* that use it or wait for it: who has waited longest comes first */
    double progress;
    int code; /* why it broke */
    char *text;
    uint64_t stamp; /* of the binding's file that it was made with; 0: of none */
};

/* Puts the job on its server's link, which is made if there is none.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_link_join(struct wms_job *job);
void wms_link_leave(struct wms_job *job);
/* The job has got a place on its link: the others come first now. */
void wms_link_served(struct wms_job *job);
void wms_link_retire(struct wms_link *link);
bool wms_link_full(const struct wms_link *link);
void wms_link_kick(struct wms_link *link);
/* Frees broken links, and idle ones when there are too many. */
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
    WMS_READY,    /* may be sent */
    WMS_BASELINE, /* verify: how is it before? */
    WMS_PRIMED,   /* the baseline is known, may be sent */
    WMS_ACTING,   /* the host has been asked */
    WMS_SETTLING, /* verify: the host has answered, the state is not there yet */
    WMS_STEADY,   /* stable: it is there, does it stay? */
    WMS_OVER,     /* the result is known, the observation has to end */
    WMS_DONE
};

struct wms_item {
    struct wms_op op; /* first: a provider's op is its item */
    struct wms_job *job;
    struct wms_item *next;               /* in the list of its phase */
    struct wms_item *op_prev, *op_next;  /* link->ops */
    struct wms_item *finished_next;      /* job->over, then request->finished */
    struct wms_check *check;
    wms_id id;
    const char *text, *user_name, *note, *identity;
    signed char code, changed;
    unsigned char phase, state;
    bool sent, retried, permitted, slot;
};

/* The verification of one item. */
struct wms_check {
    struct wms_observer observer; /* first: a provider's observer is its check */
    struct wms_item *item;
    struct wms_link *link;
    struct wms_check *prev, *next; /* link->checks */
    struct wms_timer *timer;
    struct wms_sight sight;
    bool observing, differed;
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
/* Ends the observation of an item that is over. */
void wms_item_close(struct wms_item *item);
/* Takes it from the provider: it will not be answered any more. */
void wms_item_forget(struct wms_item *item);
void wms_item_sent(struct wms_item *item);
void wms_item_answer(struct wms_item *item, int code, const char *text);
void wms_check_seen(struct wms_check *check, const struct wms_sight *sight);
void wms_check_blind(struct wms_check *check, int code, const char *text);
void wms_check_end(struct wms_check *check);

/* ---- listing.c: which sessions a server has --------------------------------------------------------------------- */

/* A session of a listing: what an action needs to know of it and, for WMS_SESSIONS, all of it. */
struct wms_listed {
    wms_id id;
    const char *user_name, *identity;
    const wms_session *whole;
    signed char is_orchestratable, is_own;
};

struct wms_listing {
    struct wms_listed *sessions;
    size_t count, capacity;
    int error; /* a session is missing: there was no memory for it */
    struct wms_idset index;
};

/* A session that the provider reports.  Errors: NO_MEMORY, PROTOCOL (an id that no host may have). */
int wms_listing_add(struct wms_job *job, const wms_session *session);
/* The list is complete.  Errors: NO_MEMORY, PROTOCOL (two sessions with one id), and what went wrong while it came. */
int wms_listing_index(struct wms_job *job);
/* Of an indexed listing; NULL: no such session. */
const struct wms_listed *wms_listing_find(const struct wms_listing *listing, const wms_id *id);
void wms_listing_clear(struct wms_job *job);

/* ---- job.c: one server of a request ----------------------------------------------------------------------------- */

enum wms_stage { WMS_JOB_QUEUED, WMS_JOB_LISTING, WMS_JOB_ACTING, WMS_JOB_DONE };

struct wms_job {
    wms_request *request;
    struct wms_server *server;
    const char *text;      /* the server as the caller gave it */
    struct wms_slab *slab; /* where all its strings and sessions lie */
    struct wms_link *link;
    struct wms_job *link_prev, *link_next;
    struct wms_job *kicked_next;
    struct wms_item whole; /* the question for all sessions, a call, and the outcome of a server that could not be asked */
    struct wms_item *items;
    size_t count, cursor, finished;
    size_t first, first_session; /* numbers of its first outcome and session in the request */
    struct wms_item *ready, **ready_tail, *over;
    size_t pending; /* items that a host owes something */
    struct wms_listing listing;
    struct wms_timer *timer;
    double progress;
    unsigned breaks; /* of connections, since the last answer */
    enum wms_stage stage;
    bool kicked, by_id;
    bool starved;       /* the link has no place for it */
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
void wms_job_listed(struct wms_job *job);
void wms_job_clear(struct wms_job *job);

/* ---- request.c: one command ------------------------------------------------------------------------------------- */

struct wms_request {
    wms_engine *engine;
    wms_request *next, *prev;
    size_t refs;
    enum wms_verb verb;
    char *message, *title;
    double timeout, verify, stable;
    bool all, stop_on_error, what_if, ask, follow;
    struct wms_call call; /* of a call or a bind: its strings and arguments lie in `given` */
    wms_value *given, *value;
    char *password;
    int value_error; /* there was no memory for `value` */

    struct wms_job *jobs;
    size_t job_count, job_cursor, jobs_open, jobs_running, concurrency;
    struct wms_item **order; /* of the outcomes, when it is not the jobs' */
    size_t order_count;
    size_t outcome_count, failed_count, session_count; /* so far */
    struct wms_item *held, **held_tail;
    struct wms_item *finished, **finished_tail, *unread;
    size_t read_count;
    int news, fd; /* descriptors for the caller's loop, or -1 */
    bool done, cancelled, stopped, forked, waking;
    char *summary;
};

/* Errors: INVALID. */
int wms_command_check(wms_engine *engine, const wms_command *command);
/* Checks a command and takes it apart into jobs.  Errors: INVALID, NO_MEMORY. */
int wms_command_build(wms_engine *engine, const wms_command *command, wms_request *request);
void wms_request_news(wms_request *request);
/* The host waits for the password. */
void wms_request_want(wms_request *request);
void wms_request_drop_password(wms_request *request);
void wms_request_drop_value(wms_request *request);
void wms_request_finished(struct wms_item *item);
void wms_request_job_done(wms_request *request);
void wms_request_forked(wms_request *request);
/* Frees requests whose last reference was given back inside a guard or a log. */
void wms_requests_collect(wms_engine *engine);

#endif
