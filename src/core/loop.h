/* loop.h - the engine's event loop: timers, watched descriptors, and descriptors for other programs' loops.
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

/* In a forked child: from here on, nothing that is done to the loop touches what it shares with the parent. */
int wms_loop_after_fork(struct wms_loop *loop);

/* Waits for one round of events, at most `seconds` (negative: no limit).  0, or INTERNAL when nothing could ever happen. */
int wms_loop_wait(struct wms_loop *loop, double seconds);
/* Whether a timer is due; costs no system call. */
bool wms_loop_is_due(struct wms_loop *loop);
/* Does what can be done without waiting. */
void wms_loop_turn(struct wms_loop *loop);
/* To be called before control goes back to a program that polls one of our descriptors: registers new watches with the
 * system and sets the alarm for the next timer.  Costs nothing when there is no such descriptor. */
void wms_loop_rest(struct wms_loop *loop);
/* Seconds of a clock that only goes forward, as of the last event or timer. */
double wms_loop_now(struct wms_loop *loop);
/* The same as of now. */
double wms_loop_clock(struct wms_loop *loop);

/* The loop's own descriptor, readable when it has something to do, from wms_loop_rest() on.  It stays the loop's, and the
 * same until a fork.  Errors: INTERNAL, NO_MEMORY. */
int wms_loop_fd(struct wms_loop *loop, int *ret_fd);

struct wms_timer *wms_timer_new(struct wms_loop *loop, void (*fire)(void *data), void *data);
/* A timer for something that did not come in time: it fires after what the descriptors have to tell and after other timers,
 * however late the program lets the loop turn. */
struct wms_timer *wms_deadline_new(struct wms_loop *loop, void (*fire)(void *data), void *data);
void wms_timer_set(struct wms_timer *timer, double seconds);
void wms_timer_free(struct wms_timer *timer);

int wms_poll_new(struct wms_loop *loop, int fd, void (*ready)(void *data, int events), void *data, struct wms_poll **ret_poll);
int wms_poll_set(struct wms_poll *poll, int events);
void wms_poll_free(struct wms_poll *poll);

/* Descriptors that count news: wms_news_new() makes one, wms_news_raise() makes it readable, wms_news_take() silences it. */
int wms_news_new(int *ret_fd);
void wms_news_raise(int fd);
void wms_news_take(int fd);

#endif
