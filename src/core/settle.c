/* SPDX-License-Identifier: MIT */
/* settle.c - the engine's turn: what events have made due happens here, and only here, so that
 * nothing is ever re-entered. */
#include "core/parts.h"
#include "core/watching.h"

enum {
    ROUNDS = 64 /* turns of a loop that always has something to do, before the program gets control
                   again */
};

/* ---- links that are broken, retired or idle -------------------------------------------------- */

/* Of a broken link: what was under way on it ends, or is repeated on another. */
static void end_link(struct wms_link *link)
{
    while (!node_alone(&link->ops)) {
        struct wms_item *item = NODE_OWNER(link->ops.next, struct wms_item, flight);
        wms_item_forget(item);
        wms_item_lost(item, link->code, link->text);
    }
    while (!node_alone(&link->checks)) {
        struct wms_check *check = NODE_OWNER(link->checks.next, struct wms_check, node);
        wms_check_blind(check, link->code, link->text);
    }
    while (!node_alone(&link->watchers)) {
        struct wms_watched *watched = NODE_OWNER(link->watchers.next, struct wms_watched, on_link);
        wms_watched_broken(watched, link->code, link->text);
    }
    while (!node_alone(&link->jobs)) {
        struct wms_job *job = NODE_OWNER(link->jobs.next, struct wms_job, node);
        wms_link_leave(job);
        /* A job whose connections break one after the other gives up. */
        if (!link->was_up || ++job->breaks > 3) {
            wms_job_fail(job, link->code, link->text);
        }
        wms_job_kick(job);
    }
    wms_link_free(link, false);
}

/* Frees links that are broken or retired, and idle ones when there are too many. */
static void tend_links(wms_engine *engine)
{
    struct wms_link *link;

    engine->link_broken = false;
    while ((link = NODE_FIRST(&engine->ending, struct wms_link, node))) {
        node_remove(&link->node); /* if it is in use, it comes again when it is idle */
        if (link->state == WMS_BROKEN) {
            end_link(link);
        } else if (wms_link_is_idle(link)) {
            wms_link_free(link, false);
        }
    }
    while (engine->link_count > engine->links_kept &&
           (link = NODE_FIRST(&engine->idle, struct wms_link, node))) {
        wms_link_free(link, false);
    }
}

/* ---- requests and watches of providers ----------------------------------------------------------
 */

static void tell_inner(struct wms_inner *inner)
{
    wms_request *request = inner->request;

    if (request && inner->cancels && !request->done) {
        inner->cancels = false;
        wms_request_abandon(request, WMS_E_CANCELLED, "cancelled");
    } else if (inner->tell) { /* a request is done: it has no other news */
        inner->tell(inner->data);
    }
}

/* Tells providers what has been stirred until now. */
static void tell_all_inner(wms_engine *engine)
{
    struct node batch;

    node_init(&batch);
    node_move_all(&engine->inner_due, &batch);
    while (!node_alone(&batch)) {
        tell_inner(NODE_OWNER(node_take(&batch), struct wms_inner, due));
    }
}

/* ---- the turn -------------------------------------------------------------------------------- */

void wms_engine_settle(wms_engine *engine)
{
    if (engine->settling) {
        return;
    }
    engine->settling = true;
    int rounds = engine->collecting ? 0 : ROUNDS;
    while (!node_alone(&engine->kicked) || !node_alone(&engine->stirred) || engine->link_broken ||
           engine->blocking.due || (!node_alone(&engine->inner_due) && rounds > 0)) {
        while (!node_alone(&engine->kicked)) {
            wms_job_pump(NODE_OWNER(node_take(&engine->kicked), struct wms_job, kicked));
        }
        while (!node_alone(&engine->stirred)) {
            wms_watched_pump(NODE_OWNER(node_take(&engine->stirred), struct wms_watched, stirred));
        }
        tend_links(engine);
        if (engine->blocking.due) {
            wms_blocking_tend(engine);
        }
        if (!node_alone(&engine->inner_due) && rounds > 0) {
            rounds--; /* a provider may start something each time that it is told */
            tell_all_inner(engine);
        }
    }
    engine->settling = false;
    if (engine->collecting || engine->base.asking) {
        return;
    }
    engine->collecting = true;
    if (engine->orphans) {
        wms_requests_collect(engine);
    }
    if (engine->orphan_watches) {
        wms_watches_collect(engine);
    }
    engine->collecting = false;
}

static void turn(wms_engine *engine, void (*loop_turn)(struct wms_loop *loop))
{
    wms_waker_turn(engine->waker);
    loop_turn(engine->loop);
    wms_engine_settle(engine);
}

void wms_engine_turn(wms_engine *engine)
{
    turn(engine, wms_loop_turn);
}

int wms_engine_round(wms_engine *engine, double seconds)
{
    wms_waker_turn(engine->waker);
    int error = wms_loop_wait(engine->loop, node_alone(&engine->inner_due) ? seconds : 0);
    wms_engine_settle(engine);
    return error;
}

void wms_engine_rest(wms_engine *engine)
{
    if (!engine->loop) {
        return;
    }
    for (int round = 0; wms_loop_is_restless(engine->loop) && round < ROUNDS; round++) {
        turn(engine, wms_loop_catch_up);
    }
    wms_loop_rest(engine->loop, wms_engine_is_untold(engine) || !node_alone(&engine->inner_due));
    wms_waker_rest(engine->waker);
}

void wms_engine_go_on(wms_engine *engine)
{
    wms_engine_ref(engine); /* a guard or a log may release the last request */
    wms_engine_settle(engine);
    wms_engine_rest(engine);
    wms_engine_unref(engine);
}
