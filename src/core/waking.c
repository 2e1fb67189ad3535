/* SPDX-License-Identifier: MIT */
/* waking.c - a host that is woken: a packet and, with `verify`, the question for its sessions again
 * and again, with another packet from time to time, until it answers. */
#include <stdio.h>

#include "core/magic.h"
#include "core/parts.h"

/* Seconds from one packet to the next, and how long one question may take: connections that were
 * begun before the host was up would be tried again by the system after ever longer pauses. */
static const double first_pause = 0.5, last_pause = 10, growth = 1.5, patience = 8;

enum { TEXT_SIZE = 256 };

struct wms_waking {
    struct wms_network network; /* a copy: the program may set others meanwhile */
    struct wms_timer *again, *end;
    double pause;
    double began; /* when the question was asked that is under way */
    bool due;     /* the next packet */
    bool asking;  /* it counts for request->asking */
    bool asleep;  /* the question has failed, or too many are asked: waits for the next packet */
    bool missed;  /* the host was asked, and did not answer, at least once */
    bool late;    /* the time to verify is over */
    char why[TEXT_SIZE]; /* the last question failed */
};

static const char no_card[] =
    "no network card of this host is known; give its mac and network with wms.configure{ wake = "
    "{ ... } }, or wms_engine_magics()";

static void packet_due(void *data)
{
    struct wms_job *job = data;

    job->waking->due = true;
    wms_job_kick(job);
}

static void time_over(void *data)
{
    struct wms_job *job = data;

    job->waking->late = true;
    wms_job_kick(job);
}

/* No question is under way. */
static void rest(struct wms_job *job)
{
    if (job->waking->asking) {
        job->waking->asking = false;
        job->request->asking--;
    }
}

void wms_waking_end(struct wms_job *job)
{
    struct wms_waking *waking = job->waking;

    if (waking) {
        rest(job);
        job->waking = NULL;
        wms_timer_free(waking->again);
        wms_timer_free(waking->end);
        wms_free(job->request->engine, waking);
    }
}

/* Errors: NO_MEMORY, INTERNAL. */
static int waking_new(struct wms_job *job, const struct wms_network *network)
{
    wms_engine *engine = job->request->engine;
    struct wms_loop *loop = wms_engine_loop(engine);
    struct wms_waking *waking = loop ? wms_zalloc(engine, sizeof *waking) : NULL;

    if (!waking) {
        return loop ? WMS_E_NO_MEMORY : engine->loop_error;
    }
    job->waking = waking;
    waking->network = *network;
    waking->pause = first_pause;
    waking->again = wms_timer_new(loop, packet_due, job);
    waking->end = waking->again ? wms_deadline_new(loop, time_over, job) : NULL;
    if (!waking->end) {
        wms_waking_end(job);
        return WMS_E_NO_MEMORY;
    }
    waking->began = wms_loop_clock(loop);
    wms_timer_set(waking->again, waking->pause);
    wms_timer_set(waking->end, job->request->verify);
    return 0;
}

/* ---- the packet ------------------------------------------------------------------------------ */

static int send_packet(const struct wms_job *job, const struct wms_network *network, char *text,
                       size_t size)
{
    int error = wms_magic_send(network, text, size);

    wms_say(job->request->engine, WMS_INFO, "%s: %s%s", job->text,
            error ? "" : "a packet to wake it was sent to ", error ? text : network->text);
    return error;
}

static void finish(struct wms_item *whole, enum wms_state state, int code, const char *text)
{
    if (whole->phase == WMS_ACTING) {
        wms_item_withdraw(whole);
    }
    wms_item_finish(whole, state, code, text);
}

/* The first packet: the end of it all, without `verify`. */
static void begin(struct wms_job *job)
{
    const wms_request *request = job->request;
    const struct wms_network *network = wms_card_find(request->engine, &job->server->place);
    char text[TEXT_SIZE];

    if (!network) {
        wms_item_finish(&job->whole, WMS_FAILED, WMS_E_NOT_FOUND, no_card);
        return;
    }
    if (request->what_if) {
        wms_item_finish(&job->whole, WMS_PLANNED, 0, NULL);
        return;
    }
    int error = request->verify >= 0 ? waking_new(job, network) : 0;
    if (error) {
        wms_item_finish(&job->whole, WMS_FAILED, error, NULL);
        return;
    }
    error = send_packet(job, network, text, sizeof text);
    if (error) {
        wms_item_finish(&job->whole, WMS_FAILED, error, text);
        return;
    }
    job->whole.sent = true;
    if (!job->waking) {
        wms_item_finish(&job->whole, WMS_REQUESTED, 0, NULL);
    }
}

/* ---- the question ---------------------------------------------------------------------------- */

void wms_waking_ask(struct wms_job *job)
{
    struct wms_item *whole = &job->whole;
    struct wms_link *link = job->link;

    wms_item_take_slot(whole);
    wms_item_enter(whole, WMS_ACTING);
    whole->op = (struct wms_op){.verb = WMS_SESSIONS};
    node_prepend(&link->ops, &whole->flight);
    link->provider->list(link->connection, &whole->op);
}

/* The connection, and what is under way on it, have taken too long. */
static void give_up_question(struct wms_job *job)
{
    if (job->whole.phase == WMS_ACTING) {
        wms_item_withdraw(&job->whole);
        wms_item_enter(&job->whole, WMS_READY);
    }
    if (job->link) {
        if (job->link->state == WMS_UP) {
            job->link->hung = true;
            wms_link_retire(job->link); /* the answer may still arrive on it */
        }
        wms_link_leave(job);
    }
    rest(job);
    job->waking->missed = true;
    snprintf(job->waking->why, sizeof job->waking->why, "no answer within %g s", patience);
}

static void next_packet(struct wms_job *job)
{
    struct wms_waking *waking = job->waking;
    double now = wms_loop_now(job->request->engine->loop);

    waking->due = false;
    if (send_packet(job, &waking->network, waking->why, sizeof waking->why)) {
        waking->missed = true;
    }
    waking->pause *= growth;
    waking->pause = waking->pause < last_pause ? waking->pause : last_pause;
    wms_timer_set(waking->again, waking->pause);
    if (!waking->asleep && now - waking->began < patience) {
        return; /* the question goes on */
    }
    if (!waking->asleep) {
        give_up_question(job);
    }
    waking->asleep = false;
    waking->began = now;
}

static void too_late(struct wms_job *job)
{
    wms_engine *engine = job->request->engine;
    const struct wms_waking *waking = job->waking;
    char *text =
        wms_print(engine, "the packet was sent, but after %g s the host does not answer%s%s",
                  job->request->verify, *waking->why ? ": " : "", waking->why);

    finish(&job->whole, WMS_FAILED, WMS_E_UNVERIFIED, text);
    wms_free(engine, text);
}

/* If too many hosts are being asked, this one waits for its next packet. */
static bool may_ask(struct wms_job *job)
{
    struct wms_waking *waking = job->waking;

    if (!waking->asking) {
        waking->asking = job->request->asking < job->request->at_once;
        waking->asleep = !waking->asking;
        job->request->asking += waking->asking;
    }
    return waking->asking;
}

bool wms_waking_run(struct wms_job *job)
{
    struct wms_item *whole = &job->whole;

    if (!job->waking) {
        bool idle = whole->phase == WMS_QUEUED || whole->phase == WMS_READY;
        if (idle && wms_item_admit(whole)) {
            begin(job);
        }
    }
    if (!job->waking || whole->phase >= WMS_OVER) {
        return false;
    }
    if (job->waking->late) {
        too_late(job);
        return false;
    }
    if (job->waking->due) {
        next_packet(job);
    }
    return !job->waking->asleep && whole->phase != WMS_ACTING && may_ask(job);
}

/* ---- what comes of it ------------------------------------------------------------------------ */

/* Another question would be answered alike, or could not be asked. */
static bool is_final(int code)
{
    switch (code) {
    case WMS_E_UNSUPPORTED:
    case WMS_E_NOT_BOUND:
    case WMS_E_UNTRUSTED:
    case WMS_E_NO_PROVIDER:
    case WMS_E_NO_MEMORY:
    case WMS_E_INTERNAL:
        return true;
    default:
        return false;
    }
}

static void end_blind(struct wms_item *whole, int code, const char *why)
{
    wms_engine *engine = whole->job->request->engine;

    if (code == WMS_E_NO_MEMORY || code == WMS_E_INTERNAL) { /* our fault, not the host's */
        wms_item_finish(whole, WMS_REQUESTED, code,
                        "the packet was sent; whether the host answers could not be verified");
        return;
    }
    char *text = wms_print(
        engine, "the packet was sent, but whether the host answers cannot be seen: %s", why);
    wms_item_finish(whole, WMS_FAILED, WMS_E_UNVERIFIED, text);
    wms_free(engine, text);
}

bool wms_waking_goes_on(struct wms_item *whole, int code, const char *text)
{
    const wms_request *request = whole->job->request;
    struct wms_waking *waking = whole->job->waking;
    const char *why = text ? text : wms_error_text(code);

    if (code == WMS_E_CANCELLED || code == WMS_E_FORKED || request->expired ||
        whole->phase >= WMS_OVER) {
        return false;
    }
    if (is_final(code)) {
        end_blind(whole, code, why);
        return true;
    }
    if (!waking->asleep) {
        snprintf(waking->why, sizeof waking->why, "%s", why);
    }
    rest(whole->job);
    waking->asleep = waking->missed = true;
    if (whole->phase != WMS_READY) {
        wms_item_enter(whole, WMS_READY);
    }
    return true;
}

void wms_waking_answered(struct wms_item *whole, int code, const char *text)
{
    if (code) {
        wms_waking_goes_on(whole, code, text);
        return;
    }
    whole->changed = whole->job->waking->missed;
    wms_item_finish(whole, WMS_VERIFIED, 0, NULL);
}
