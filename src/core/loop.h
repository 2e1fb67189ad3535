/* SPDX-License-Identifier: MIT */
/* loop.h - the engine's event loop: timers, watched descriptors, and descriptors for other
 * programs' loops.
 *
 * Nothing else in the tree knows libuv.
 */
#ifndef WMS_CORE_LOOP_H
#define WMS_CORE_LOOP_H

#include <wms/provider.h>

struct wms_loop;

/* Errors: NO_MEMORY, INTERNAL (no descriptor left). */
int wms_loop_new(wms_engine *engine, struct wms_loop **ret_loop);
/* Timers and polls must have been freed before. */
struct wms_loop *wms_loop_free(struct wms_loop *loop);

/* In a forked child: from here on, nothing that is done to the loop touches what it shares with the
 * parent. */
int wms_loop_after_fork(struct wms_loop *loop);

/* Waits for one round of events, at most `seconds` (negative: no limit).  0, or INTERNAL when
 * nothing could ever happen. */
int wms_loop_wait(struct wms_loop *loop, double seconds);
/* Whether a timer is due; costs no system call. */
bool wms_loop_is_due(struct wms_loop *loop);
/* Does what can be done without waiting. */
void wms_loop_turn(struct wms_loop *loop);
/* A program polls the loop's descriptor, and something is due, or a watch is not registered with
 * the system yet: the loop has to turn once more before control goes back to the program. */
bool wms_loop_is_restless(struct wms_loop *loop);
/* A turn for that.  Timers that are set to 0 are left for when the program lets the loop turn. */
void wms_loop_catch_up(struct wms_loop *loop);
/* The last before that: sets the alarm for the next timer, or (`due`) lets the descriptor be
 * readable at once.  Costs nothing when nobody polls the descriptor. */
void wms_loop_rest(struct wms_loop *loop, bool due);
/* Seconds of a clock that only goes forward, as of the last event or timer. */
double wms_loop_now(struct wms_loop *loop);
/* The same as of now. */
double wms_loop_clock(struct wms_loop *loop);

/* The loop's own descriptor, readable when it has something to do, from wms_loop_rest() on.  It
 * stays the loop's, and the same until a fork.  Errors: INTERNAL, NO_MEMORY. */
int wms_loop_fd(struct wms_loop *loop, int *ret_fd);

struct wms_timer *wms_timer_new(struct wms_loop *loop, void (*fire)(void *data), void *data);
/* A timer for something that did not come in time: it fires after what the descriptors have to tell
 * and after other timers, however late the program lets the loop turn. */
struct wms_timer *wms_deadline_new(struct wms_loop *loop, void (*fire)(void *data), void *data);
/* With 0 it fires in the loop's next round, after what the descriptors have to tell; set so while
 * it fires, it gives way to them each time.  Negative seconds stop it. */
void wms_timer_set(struct wms_timer *timer, double seconds);
void wms_timer_free(struct wms_timer *timer);

int wms_poll_new(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data,
                 struct wms_poll **ret_poll);
int wms_poll_set(struct wms_poll *poll, int events);
void wms_poll_free(struct wms_poll *poll);

/* The engine's loop, made when it is first needed; NULL: engine->loop_error tells why. */
struct wms_loop *wms_engine_loop(wms_engine *engine);
/* Its descriptor.  Errors: NO_MEMORY, INTERNAL. */
int wms_engine_loop_fd(wms_engine *engine, int *ret_fd);
/* A provider that got no timer and no watch can only say NO_MEMORY; where the loop itself could not
 * be made, its own error is put in place of that, and the text goes. */
void wms_engine_refine_error(const wms_engine *engine, int *code, const char **text);

#endif
