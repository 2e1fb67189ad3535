/* SPDX-License-Identifier: MIT */
/* parts.h - what the parts of the core offer each other, file by file; the structs are in state.h.
 */
#ifndef WMS_CORE_PARTS_H
#define WMS_CORE_PARTS_H

#include "core/loop.h"
#include "core/names.h"
#include "core/state.h"

/* ---- engine.c: its life, forks --------------------------------------------------------------- */

/* To be called first by every function of the interface: BUSY inside a guard or a log; renews the
 * engine in a forked child. */
int wms_engine_enter(wms_engine *engine);
/* As for wms_engine_transport(). */
void wms_engine_transport_clear(wms_engine *engine);

/* ---- settle.c: the engine's turn ------------------------------------------------------------- */

/* Lets everything happen that events have made due. */
void wms_engine_settle(wms_engine *engine);
/* The loop does what can be done without waiting, and everything happens that follows.  There is a
 * loop. */
void wms_engine_turn(wms_engine *engine);
/* Waits for one round of events, at most `seconds` (negative: no limit), and likewise.  0, or
 * INTERNAL: nothing could ever happen. */
int wms_engine_round(wms_engine *engine, double seconds);
/* Before control goes back to the program: registers new watches with the system, sets the alarm
 * for the next timer, and lets the waker watch. */
void wms_engine_rest(wms_engine *engine);
/* Settles and rests.  The last that a call does: request and engine may be gone then. */
void wms_engine_go_on(wms_engine *engine);

/* ---- phase.c: where an item stands ----------------------------------------------------------- */

/* The one place in which an item's phase changes; the log is told (WMS_DEBUG). */
void wms_item_enter(struct wms_item *item, enum wms_phase phase);

/* ---- due.c: what is to happen next ----------------------------------------------------------- */

/* The job is looked at in the engine's next turn. */
void wms_job_kick(struct wms_job *job);
/* The item may be sent. */
void wms_job_ready(struct wms_item *item);
/* The host has told something: its timeout counts from here. */
void wms_job_progress(struct wms_job *job);
/* The same after the caller has thought, perhaps for long. */
void wms_job_resume(struct wms_job *job);
/* To be called before a host, or the way to it, begins to owe the job something: restarts the job's
 * timeout, however long the job has waited for a state or a permission before. */
void wms_job_waits(struct wms_job *job);
/* The program is to be told of the request. */
void wms_request_news(wms_request *request);
/* Whoever asks wms_engine_news() needs not be told of it any more. */
void wms_request_told(wms_request *request);
/* The host waits for the password. */
void wms_request_want(wms_request *request);

/* ---- registry.c: providers ------------------------------------------------------------------- */

/* The provider of that name; its module is loaded if need be.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_engine_provider(wms_engine *engine, const char *name,
                        const struct wms_provider **ret_provider);
/* The same if it is registered, else NULL.  In the engine this is the one to ask:
 * wms_engine_registered() gives the struct that was registered, of which some may be missing. */
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

/* ---- server.c: the servers that anybody talks to --------------------------------------------- */

/* Takes an address (NULL: this machine) apart; *ret_place is the engine's, and goes with the next
 * call.  Errors: INVALID. */
int wms_engine_place(wms_engine *engine, const char *text, const struct wms_place **ret_place);
/* The server of an address; the caller holds a reference.  Errors: INVALID, NO_MEMORY. */
int wms_server_get(wms_engine *engine, const char *text, struct wms_server **ret_server);
void wms_server_release(wms_engine *engine, struct wms_server *server);

/* ---- binding.c: what a client needs to talk to a host ---------------------------------------- */

/* As the services of these names; what goes wrong stands in engine->base.complaint. */
int wms_binding_load(struct wms_link *link, wms_value **ret_binding);
int wms_binding_save(struct wms_link *link, const wms_value *binding);
/* Whether one could be kept for the link's server: it is found out by doing it. */
int wms_binding_try(struct wms_link *link);
/* The file that the link's binding came from is another one by now: another process has bound anew,
 * or forgotten it. */
bool wms_binding_is_old(const struct wms_link *link);
void wms_bindings_clear(wms_engine *engine);
/* The link gets new work: when its binding changes, it is retired.  Errors: NO_MEMORY. */
int wms_binding_join(struct wms_link *link);
/* It gets none any more. */
void wms_binding_leave(struct wms_link *link);

/* ---- link.c: connections to servers ---------------------------------------------------------- */

/* Puts the job on its server's link, which is made if there is none.  Errors: NO_PROVIDER,
 * NO_MEMORY. */
int wms_link_join(struct wms_job *job);
void wms_link_leave(struct wms_job *job);
/* There is a place on its link for an op of the job's; else it stands in line, and will be kicked
 * when one is promised to it. */
bool wms_link_has_place(struct wms_job *job);
void wms_link_take_place(struct wms_job *job);
/* The one who has waited longest gets it. */
void wms_link_give_place(struct wms_link *link);
/* The job has been kicked, and had no use for the place that was promised to it. */
void wms_link_decline_place(struct wms_job *job);
void wms_link_retire(struct wms_link *link);
void wms_link_kick(struct wms_link *link);
/* Nobody uses it. */
bool wms_link_is_idle(const struct wms_link *link);
/* The connection goes, and the link; in a forked child without a word to the host. */
void wms_link_free(struct wms_link *link, bool forked);
void wms_links_close(wms_engine *engine, bool forked);
void wms_link_ready(struct wms_link *link);
void wms_link_up(struct wms_link *link);
void wms_link_broken(struct wms_link *link, int code, const char *text);

/* ---- blocking.c: calls that block ------------------------------------------------------------ */

/* The services of these names. */
void *wms_work_new(wms_engine *engine, const struct wms_work *work);
void wms_work_start(void *shared);
void wms_work_free(void *shared);
/* Hands over what there is a thread for: begin(), and done() for what there never will be one. */
void wms_blocking_tend(wms_engine *engine);
/* In a forked child: what was started is the parent's. After wms_loop_after_fork(). */
void wms_blocking_after_fork(wms_engine *engine);
/* The engine goes, and every provider has: nobody waits for a call any more.  In a forked child
 * none is run. */
void wms_blocking_close(wms_engine *engine, bool forked);

/* ---- item.c: one session of a job ------------------------------------------------------------ */

struct wms_item *wms_item_of(struct wms_op *op);
/* What a guard is asked, and a caller. */
wms_action wms_item_action(const struct wms_item *item);
/* May it be done?  Asks the guard and, with `ask`, the caller: false when it was refused (and is
 * finished) or is held. */
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

/* ---- verify.c: is a session as asked? -------------------------------------------------------- */

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

/* ---- listing.c: which sessions a server has -------------------------------------------------- */

/* Two rows of one session: what they agree on stays in the first. */
void wms_listed_merge(struct wms_listed *kept, const struct wms_listed *other);
/* A session that the provider reports.  Errors: NO_MEMORY, PROTOCOL (an id that no host may have).
 */
int wms_listing_add(struct wms_job *job, const wms_session *session);
/* The list is complete; rows of one session become one.  Errors: NO_MEMORY, and what went wrong
 * while it came. */
int wms_listing_index(struct wms_job *job);
/* Of an indexed listing; NULL: no such session. */
const struct wms_listed *wms_listing_find(const struct wms_job *job, const wms_id *id);
/* The same, when it is the session that is meant: the host may have given its id to another one. */
const struct wms_listed *wms_listing_meant(const struct wms_item *item);
void wms_listing_clear(struct wms_job *job);

/* ---- select.c: which of a server's sessions are meant ---------------------------------------- */

/* The host would refuse the action, or has to be spared. */
bool wms_listed_is_exempt(enum wms_verb verb, const struct wms_listed *session);
/* The server has told its sessions. */
void wms_job_listed(struct wms_job *job);
/* The first job whose list waits for the caller's choice, or NULL; those that came to their end
 * meanwhile are forgotten. */
struct wms_job *wms_request_chooses(wms_request *request);
/* What the caller says of the job's candidate. */
void wms_job_choose(struct wms_job *job, bool take);

/* ---- job.c: one server of a request ---------------------------------------------------------- */

/* Takes over the reference on `server`, also when it fails.  Errors: NO_MEMORY. */
int wms_job_init(struct wms_job *job, wms_request *request, struct wms_server *server,
                 const char *text, size_t items);
void wms_job_begin(struct wms_job *job);
void wms_job_pump(struct wms_job *job);
/* Gives what has not been sent yet this result. */
void wms_job_fail(struct wms_job *job, int code, const char *text);
/* Ends what is under way, after a cancel or a fork. */
void wms_job_abandon(struct wms_job *job, int code, const char *text);
/* Jobs of the request begin, as many as may run at once. */
void wms_request_begin_jobs(wms_request *request);
/* Ends what is under way and what has not begun. */
void wms_request_abandon(wms_request *request, int code, const char *text);
void wms_request_drop_password(wms_request *request);
void wms_job_clear(struct wms_job *job);

/* ---- request.c: one command ------------------------------------------------------------------ */

/* As wms_command_init(). */
void wms_command_defaults(wms_command *command, enum wms_verb verb);
/* The program's command as this library knows it: what its header does not have is as
 * wms_command_init() leaves it.  Errors: INVALID. */
int wms_command_take(wms_engine *engine, const wms_command *command, wms_command *ret_whole);
/* Errors: INVALID. */
int wms_command_check(wms_engine *engine, const wms_command *command);
/* BUSY, FORKED and so on, or 0. */
int wms_request_enter(const wms_request *request);
/* Checks a command and takes it apart into jobs.  Errors: INVALID, NO_MEMORY. */
int wms_command_build(wms_engine *engine, const wms_command *command, wms_request *request);
/* deadline.c: begins to count.  Errors: NO_MEMORY, INTERNAL. */
int wms_request_count_down(wms_request *request);
void wms_request_forked(wms_request *request);
/* Frees requests whose last reference was given back inside a guard or a log. */
void wms_requests_collect(wms_engine *engine);

/* ---- outcome.c: how its outcomes add up ------------------------------------------------------ */

void wms_request_finished(struct wms_item *item);
/* How many outcomes the job has is known now. */
void wms_request_counted(struct wms_job *job);
/* The same for what is known before any server has answered. */
void wms_request_count_first(wms_request *request);
/* All are there: they get their numbers. */
void wms_request_number(wms_request *request);
void wms_request_drop_value(wms_request *request);

#endif
