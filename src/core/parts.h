/* SPDX-License-Identifier: MIT */
/* parts.h - what the parts of the core offer each other, file by file; the structs are in state.h.
 */
#ifndef WMS_CORE_PARTS_H
#define WMS_CORE_PARTS_H

#include "core/loop.h"
#include "core/names.h"
#include "core/serverset.h"
#include "core/state.h"

/* ---- engine.c: references and end, forks; begin.c makes an engine -----------------------------
 */

/* To be called first by every function of the interface: BUSY inside a guard or a log; renews the
 * engine in a forked child. */
int wms_engine_enter(wms_engine *engine);
/* Whether the program polls the engine's descriptor, there is news, and it does not read it now:
 * then the descriptor has to be readable whenever control is with the program. */
bool wms_engine_is_untold(const wms_engine *engine);
/* The program has asked for news.  If it has read all, the descriptor tells of the next. */
void wms_engine_looked(wms_engine *engine);
/* As wms_engine_step(), for whoever does not look for news of others then: the program is told of
 * those by the engine's descriptor. */
int wms_engine_step_aside(wms_engine *engine);
/* It belongs to this process from here on. */
void wms_engine_take_process(wms_engine *engine);
/* Wipes and frees the URL of the proxy. */
void wms_engine_transport_clear(wms_engine *engine);

/* ---- nats.c: the NATS servers ---------------------------------------------------------------- */

/* Errors: INVALID. */
int wms_nats_check(wms_engine *engine, const wms_nats *given);
/* One block; NULL: out of memory.  It was checked. */
wms_nats *wms_nats_copy(wms_engine *engine, const wms_nats *given);

/* ---- settle.c: the engine's turn ------------------------------------------------------------- */

/* Handles everything that is due: kicked jobs, links to be freed, blocking calls.  Does nothing if
 * it is called from inside itself. */
void wms_engine_settle(wms_engine *engine);
/* Runs the loop without waiting, then settles.  There must be a loop. */
void wms_engine_turn(wms_engine *engine);
/* Waits once for events, at most `seconds` (negative: no limit), then settles.  Returns 0, or
 * INTERNAL: there is nothing to wait for. */
int wms_engine_round(wms_engine *engine, double seconds);
/* Before control goes back to the program: registers new watches with the system, sets the alarm
 * for the next timer, or at once if the program has not been told of all news, and lets the waker
 * watch. */
void wms_engine_rest(wms_engine *engine);
/* Settles and rests.  Must be the last thing that a public function does: request and engine may be
 * freed then. */
void wms_engine_go_on(wms_engine *engine);

/* ---- phase.c: the phases of an item ---------------------------------------------------------- */

/* The one place in which an item's phase changes; logs it (WMS_DEBUG). */
void wms_item_enter(struct wms_item *item, enum wms_phase phase);

/* ---- due.c: what is to be done next ---------------------------------------------------------- */

/* wms_job_pump() is called for the job in the engine's next turn. */
void wms_job_kick(struct wms_job *job);
/* The item may be sent. */
void wms_job_ready(struct wms_item *item);
/* The host has answered something: restarts the job's timeout. */
void wms_job_progress(struct wms_job *job);
/* The same after a time, perhaps a long one, in which the host was not waited for: reads the clock
 * anew. */
void wms_job_resume(struct wms_job *job);
/* To be called before the job begins to wait for a host or a link: restarts the job's timeout, so
 * that a wait for a state or a permission before does not count.  Does nothing if it waits already.
 */
void wms_job_waits(struct wms_job *job);
/* The request has news for the program: wms_engine_news() returns it, its descriptor becomes
 * readable; or for whoever else has started it. */
void wms_request_news(wms_request *request);
/* The provider that has started it is to be told in the engine's turn. */
void wms_inner_stir(wms_engine *engine, struct wms_inner *inner);
/* It is not to be told any more. */
void wms_inner_mute(struct wms_inner *inner);
/* wms_engine_news() does not return it any more. */
void wms_request_told(wms_request *request);
/* The host of a bind needs the password. */
void wms_job_wish(struct wms_job *job);
/* Its host waits for the password, or does not any more. */
void wms_job_want(struct wms_job *job, bool wants);

/* ---- registry.c: providers ------------------------------------------------------------------- */

/* The provider of that name; its module is loaded if need be.  Errors: NO_PROVIDER, NO_MEMORY. */
int wms_engine_provider(wms_engine *engine, const char *name,
                        const struct wms_provider **ret_provider);
/* The same if it is registered already, else NULL.  The core uses this instead of
 * wms_engine_registered(), whose struct may be shorter than this version's. */
const struct wms_provider *wms_engine_known(const wms_engine *engine, const char *name);
/* Whether the hosts of that scheme share a connection, as their provider says, which is loaded if
 * it can be. */
bool wms_engine_shares(wms_engine *engine, const char *scheme);
/* The struct as it was registered, which the provider's functions get. */
const struct wms_provider *wms_provider_self(const struct wms_provider *provider);
/* The error text when there is no such provider; the caller frees it.  NULL: out of memory. */
char *wms_engine_no_provider(wms_engine *engine, const char *name);
/* Its module was found, and did not load. */
bool wms_engine_is_unloaded(const wms_engine *engine, const char *name);
/* Tells the providers that the engine goes, and forgets them. */
void wms_engine_retire_providers(wms_engine *engine);

/* Where the engine keeps a pointer for this provider. */
void **wms_engine_slot(wms_engine *engine, const struct wms_provider *provider);

/* ---- server.c: the servers that are in use --------------------------------------------------- */

/* Parses an address (NULL: this machine); *ret_place is borrowed from the engine until the next
 * call. Errors: INVALID. */
int wms_engine_place(wms_engine *engine, const char *text, const struct wms_place **ret_place);
/* The server of an address; the caller holds a reference.  Errors: INVALID, NO_MEMORY. */
int wms_server_get(wms_engine *engine, const char *text, struct wms_server **ret_server);
/* The server of an address that is in use, or NULL; no reference.  Errors: INVALID. */
int wms_server_known(wms_engine *engine, const char *text, struct wms_server **ret_server);
void wms_server_release(wms_engine *engine, struct wms_server *server);

/* ---- group.c: groups of servers -------------------------------------------------------------- */

/* Makes groups of a table as that of wms_engine_groups(); the engine does not use them yet.  The
 * caller gives them to one of the next two functions.  Errors: INVALID, NO_MEMORY. */
int wms_groups_make(wms_engine *engine, const wms_value *table, struct wms_groups **ret_groups);
/* They take the place of the engine's, which are freed. */
void wms_groups_use(wms_engine *engine, struct wms_groups *groups);
/* NULL is allowed; returns NULL. */
struct wms_groups *wms_groups_free(struct wms_groups *groups);
/* Forgets the engine's groups. */
void wms_groups_clear(wms_engine *engine);
/* The servers that a list means, at least one; the caller closes the set.  Errors: INVALID,
 * NO_MEMORY. */
int wms_engine_read_list(wms_engine *engine, const char *const *elements, size_t count,
                         struct wms_serverset *ret_set);

/* ---- binding.c: what a client needs to talk to a host ---------------------------------------- */

/* The services of these names; on an error engine->base.complaint says what is wrong. */
int wms_binding_load(struct wms_link *link, wms_value **ret_binding);
int wms_binding_save(struct wms_link *link, const wms_value *binding);
/* Whether a binding for the link's server could be saved: writes one and removes it. */
int wms_binding_try(struct wms_link *link);
/* The file of the link's binding has changed since it was read: another process has bound anew, or
 * has removed it.  Only for a link that has read one (link->stamp). */
bool wms_binding_is_old(const struct wms_link *link);
void wms_bindings_clear(wms_engine *engine);
/* The link gets new work: it will be retired when its binding changes.  Errors: NO_MEMORY. */
int wms_binding_join(struct wms_link *link);
/* It gets no new work any more. */
void wms_binding_leave(struct wms_link *link);

/* ---- link.c: connections to servers ---------------------------------------------------------- */

/* Puts the job on its server's link, which is made if there is none.  Errors: NO_PROVIDER,
 * NO_MEMORY. */
int wms_link_join(struct wms_job *job);
void wms_link_leave(struct wms_job *job);
/* A job or a watched server has left it: it may be idle now. */
void wms_link_left(struct wms_link *link);
/* Whether its link has a place for an op of the job; if not, the job is queued for one, and kicked
 * when one is promised to it. */
bool wms_link_has_place(struct wms_job *job);
void wms_link_take_place(struct wms_job *job);
/* Promises the place to the job that has waited longest. */
void wms_link_give_place(struct wms_link *link);
/* Gives the place back that was promised to the job, if the job has not used it. */
void wms_link_decline_place(struct wms_job *job);
void wms_link_retire(struct wms_link *link);
void wms_link_kick(struct wms_link *link);
/* Nobody uses it. */
bool wms_link_is_idle(const struct wms_link *link);
/* Frees the connection and the link; in a forked child, nothing is sent to the host. */
void wms_link_free(struct wms_link *link, bool forked);
void wms_links_close(wms_engine *engine, bool forked);
void wms_link_ready(struct wms_link *link);
void wms_link_up(struct wms_link *link);
void wms_link_broken(struct wms_link *link, int code, const char *text);

/* ---- blocking.c: calls that block ------------------------------------------------------------ */

/* The services of these names. */
void *wms_work_new(wms_engine *engine, const struct wms_work *work);
void wms_work_start(void *shared);
void wms_work_start_apart(void *shared);
void wms_work_free(void *shared);
/* Hands calls over to threads, with begin(); calls done() with an error for those that cannot get
 * one. */
void wms_blocking_tend(wms_engine *engine);
/* In a forked child: calls that were started belong to the parent.  To be called after
 * wms_loop_after_fork(). */
void wms_blocking_after_fork(wms_engine *engine);
/* The engine is being freed, and the providers have been told: nobody waits for a call any more.
 * In a forked child none is run. */
void wms_blocking_close(wms_engine *engine, bool forked);

/* ---- item.c: one session of a job ------------------------------------------------------------ */

/* The action as a guard or, with `ask`, the caller is asked about it. */
wms_action wms_item_action(const struct wms_item *item);
/* Whether the program's guard refuses that verb. */
bool wms_item_is_refused(struct wms_item *item, enum wms_verb verb);
/* May it be done?  Asks the guard and, with `ask`, the caller: false when it was refused (and is
 * finished) or is held. */
bool wms_item_admit(struct wms_item *item);
/* Sends it, or first observes the session.  Its job is on a link that is up. */
void wms_item_start(struct wms_item *item);
/* Finishes it as UNSUPPORTED: the provider's hosts cannot carry out the verb. */
void wms_item_refuse(struct wms_item *item, const struct wms_provider *provider);
void wms_item_finish(struct wms_item *item, enum wms_state state, int code, const char *text);
/* As finish, with the state that follows from whether it was sent. */
void wms_item_abandon(struct wms_item *item, int code, const char *text);
/* Ends it now, whatever its phase: nobody waits any more (a timeout, a cancel, a fork). */
void wms_item_end(struct wms_item *item, int code, const char *text);
/* Its link broke, or the provider has lost it: repeats it if that is possible, else ends it. */
void wms_item_lost(struct wms_item *item, int code, const char *text);
/* The host says that there is no such session (any more). */
void wms_item_vanished(struct wms_item *item, const char *text);
/* Ends the observation of an item that is over. */
void wms_item_close(struct wms_item *item);
/* Calls the provider's forget(): it will not be answered any more. */
void wms_item_forget(struct wms_item *item);
void wms_item_answer(struct wms_item *item, int code, const char *text);
void wms_item_take_slot(struct wms_item *item);
void wms_item_give_slot(struct wms_item *item);
/* A paused item ends with the failure that it had. */
void wms_item_end_paused(struct wms_item *item);
extern const char wms_not_after_failure[];

/* ---- retry.c: what has failed is tried again ------------------------------------------------- */

/* The item, which is about to end with this code, is to be paused instead. */
bool wms_item_may_retry(const struct wms_item *item, int code);
/* The item, whose result is set, waits to be tried again. */
void wms_item_pause(struct wms_item *item);
/* To be called when the job has nothing else to do: begins its pause if only paused items are left.
 * Errors: NO_MEMORY, INTERNAL: they cannot be tried again. */
int wms_job_pause(struct wms_job *job);
/* The paused items of the job, whose pause is over and which has a turn, may be sent again. */
void wms_job_resume_paused(struct wms_job *job);
/* It is under way, and not waited for any more: the provider forgets it.  Its phase stays. */
void wms_item_withdraw(struct wms_item *item);

/* ---- warning.c: users who are warned before their sessions are closed ------------------------ */

/* Whether the session's user is to be warned next. */
bool wms_warning_is_due(const struct wms_item *item);
/* Warns him.  The item's job is on a link that is up. */
void wms_warning_begin(struct wms_item *item);
/* The warning was answered with this code: 0, or why it was not shown. */
void wms_warning_answered(struct wms_item *item, int code, const char *text);

/* ---- thumbnail.c: pictures of sessions ------------------------------------------------------- */

/* Keeps a copy of the picture, in place of the one that there was.  Errors: PROTOCOL (it is no
 * JPEG), NO_MEMORY. */
int wms_item_keep_thumbnail(struct wms_item *item, const void *data, size_t size);
void wms_item_drop_thumbnail(struct wms_item *item);
/* The item of a request that is followed has ended: if it has a picture, the job asks for no other
 * until the caller has been handed it. */
void wms_thumbnail_waits(struct wms_item *item);
/* Whether the job may not ask for a picture now: it has asked for one, or has one that nobody has
 * read. */
bool wms_thumbnails_rest(const struct wms_job *job);
/* The caller does not need the picture that was lent to him any more.  True: a job may go on. */
bool wms_thumbnail_back(wms_request *request);

/* ---- waking.c: hosts that are woken ---------------------------------------------------------- */

/* In place of what other verbs do with job->whole: sends the packet, and waits for the host.  True:
 * the host is to be asked next, by wms_waking_ask(), once the job's link is up. */
bool wms_waking_run(struct wms_job *job);
void wms_waking_ask(struct wms_job *job);
/* The host has answered the question whether it is awake; ends the item, or waits for the next try.
 */
void wms_waking_answered(struct wms_item *whole, int code, const char *text);
/* The question has failed with this.  True: the host is asked again later; false: the item is to
 * end. */
bool wms_waking_goes_on(struct wms_item *whole, int code, const char *text);
/* The job is over. */
void wms_waking_end(struct wms_job *job);

/* ---- errand.c: commands that a host carries out by itself ------------------------------------ */

/* The job's host can carry out the command by itself: job->delegation then, and job->whole is the
 * command.  To be called once, before the job begins.  Without memory for it job->whole has ended.
 */
bool wms_errand_suits(struct wms_job *job);
/* Its single sessions are to be looked at after all, before job->whole is sent (again). */
void wms_errand_leave(struct wms_job *job);
/* To be called before job->whole is sent.  Errors: NO_MEMORY. */
int wms_errand_prepare(struct wms_job *job);
/* What became of one session (copied).  Errors: NO_MEMORY, PROTOCOL. */
int wms_errand_outcome(struct wms_item *whole, const wms_outcome *outcome);
void wms_errand_answered(struct wms_item *whole, int code, const char *text);
void wms_errand_clear(struct wms_job *job);

/* ---- verify.c: whether a session is as asked ------------------------------------------------- */

/* Begins to observe the session, before the action.  Errors: NO_MEMORY, INTERNAL. */
int wms_check_begin(struct wms_item *item);
/* The host has answered that it took the action: what is seen from here on counts. */
void wms_check_answered(struct wms_item *item);
/* Begins a new observation of the items whose host has answered; not to be called from inside a
 * provider. */
void wms_checks_renew(struct wms_job *job);
/* Ends it unverified: nobody waits for the state any more. */
void wms_check_give_up(struct wms_item *item, int code, const char *text);
void wms_check_seen(struct wms_check *check, const struct wms_sight *sight);
/* Whether another sight of it is of use. */
bool wms_check_is_open(const struct wms_check *check);
void wms_check_blind(struct wms_check *check, int code, const char *text);
void wms_check_end(struct wms_check *check);

/* ---- listing.c: which sessions a server has -------------------------------------------------- */

/* Merges two rows of one session into `kept`: what they agree on stays, the rest becomes unknown.
 */
void wms_listed_merge(struct wms_listed *kept, const struct wms_listed *other);
/* A session that the provider reports.  Errors: NO_MEMORY, PROTOCOL (an id that no host may have).
 */
int wms_listing_add(struct wms_job *job, const wms_session *session);
/* To be called when the list is complete: merges rows of one session and builds the index.  Errors:
 * NO_MEMORY, and the error that wms_listing_add() has returned, if any. */
int wms_listing_index(struct wms_job *job);
/* Of an indexed listing; NULL: no such session. */
const struct wms_listed *wms_listing_find(const struct wms_job *job, const wms_id *id);
/* The same for the item's session; NULL also if the host has given its id to another session. */
const struct wms_listed *wms_listing_meant(const struct wms_item *item);
void wms_listing_clear(struct wms_job *job);

/* ---- select.c: which of a server's sessions are meant ---------------------------------------- */

/* The host would refuse the action, or it would end the caller's own session. */
bool wms_listed_is_exempt(enum wms_verb verb, const struct wms_listed *session);
/* To be called when the listing is complete: selects the sessions that are meant. */
void wms_job_listed(struct wms_job *job);
/* The first job whose list waits for the caller's choice, or NULL; removes those that have ended
 * meanwhile. */
struct wms_job *wms_request_chooses(wms_request *request);
/* The caller chooses the job's candidate (`take`), or leaves it out. */
void wms_job_choose(struct wms_job *job, bool take);

/* ---- job.c: one server of a request ---------------------------------------------------------- */

/* Takes over the reference on `server`, also when it fails.  Errors: NO_MEMORY. */
int wms_job_init(struct wms_job *job, wms_request *request, struct wms_server *server,
                 const char *text, size_t items);
/* Whether the item can be sent now.  Puts the job on a link if it has none; if that fails, so does
 * the job. */
bool wms_job_has_way(struct wms_job *job, const struct wms_item *item);
void wms_job_pump(struct wms_job *job);
/* Gives what has not been sent yet this result. */
void wms_job_fail(struct wms_job *job, int code, const char *text);
/* Ends what is under way, after a cancel or a fork. */
void wms_job_abandon(struct wms_job *job, int code, const char *text);
/* Ends what is under way and what has not begun. */
void wms_request_abandon(wms_request *request, int code, const char *text);
void wms_request_drop_password(wms_request *request);
void wms_job_clear(struct wms_job *job);

/* ---- turn.c: which jobs run ------------------------------------------------------------------ */

/* Kicks jobs of the request that are to begin, or to go on after a pause: as many as may run at
 * once. */
void wms_request_begin_jobs(wms_request *request);
/* The job pauses: others may run in its place. */
void wms_job_leave_turn(struct wms_job *job);
/* Its pause is over: it goes on when it has a turn. */
void wms_job_wait_for_turn(struct wms_job *job);
/* It needs none any more: it is done. */
void wms_job_give_turn(struct wms_job *job);

/* ---- request.c: one command ------------------------------------------------------------------ */

/* Checks the command, and makes a request that does nothing yet.  It gets wms_request_begin(), or
 * wms_request_free() alone.  Errors: INVALID, NO_MEMORY, INTERNAL. */
int wms_request_make(wms_engine *engine, const wms_command *command, wms_request **ret_request);
/* Its jobs begin with the engine's next turn. */
void wms_request_begin(wms_request *request);
/* Nothing of it is under way. */
void wms_request_free(wms_request *request);
/* As wms_command_init(). */
void wms_command_defaults(wms_command *command, enum wms_verb verb);
/* Copies the program's command into this version's struct: members that its header does not have
 * are as wms_command_init() leaves them.  Errors: INVALID. */
int wms_command_take(wms_engine *engine, const wms_command *command, wms_command *ret_whole);
/* `traits` are the verb's.  Errors: INVALID. */
int wms_command_check(wms_engine *engine, const wms_command *command, unsigned traits);
/* To be called first by every public function of a request.  Errors: FORKED, and those of
 * wms_engine_enter(). */
int wms_request_enter(const wms_request *request);
/* Checks a command and makes its jobs and items.  Errors: INVALID, NO_MEMORY. */
int wms_command_build(wms_engine *engine, const wms_command *command, wms_request *request);
/* deadline.c: starts the timer of the command's deadline, which must not be negative ("none").
 * Errors: NO_MEMORY, INTERNAL. */
int wms_request_count_down(wms_request *request);
void wms_request_forked(wms_request *request);
/* Frees requests whose last reference was released where they could not be freed: inside a guard or
 * a log, or in a forked child. */
void wms_requests_collect(wms_engine *engine);

/* It holds no reference on its engine from here on, and has to be freed before that. */
void wms_request_disown(wms_request *request);

/* ---- inner.c: requests and watches that providers have started --------------------------------
 */

/* The services of that name. */
extern const struct wms_requests wms_inner_requests;

/* ---- outcome.c: counts and numbers its outcomes ---------------------------------------------- */

void wms_request_finished(struct wms_item *item);
/* To be called when the number of the job's outcomes is known. */
void wms_request_counted(struct wms_job *job);
/* The same for what is known before any server has answered. */
void wms_request_count_first(wms_request *request);
/* Numbers the outcomes; all must be there. */
void wms_request_number(wms_request *request);
void wms_job_drop_value(struct wms_job *job);

#endif
