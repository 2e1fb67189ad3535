/* SPDX-License-Identifier: MIT */
/* inner.c - requests and watches that providers have started: for those that serve others by the
 * engine that they live in.
 *
 * They are as a program's, but that the engine tells the provider when there is something to be
 * told, from its turn, in place of the program; and that they hold no reference on the engine,
 * which holds the provider.  What a provider asks for from inside its own functions is only
 * recorded. */
#include "core/abi.h"
#include "core/parts.h"
#include "core/watching.h"

/* ---- starting -------------------------------------------------------------------------------- */

static int enter(wms_engine *engine)
{
    if (engine->base.asking || engine->closing) {
        return WMS_E_BUSY;
    }
    return wms_engine_loop(engine) ? 0 : engine->loop_error;
}

static int refuse_question(wms_engine *engine, const char *name)
{
    return wms_complain(engine, "%s: nobody answers a provider; leave it out", name);
}

/* What waits for an answer of the caller's would wait for ever. */
static int check(wms_engine *engine, const wms_command *command)
{
    const char *question = command->ask      ? "ask"
                           : command->choose ? "choose"
                           : command->follow ? "follow"
                                             : NULL;

    if (question) {
        return refuse_question(engine, question);
    }
    return command->verb == WMS_BIND && !command->password
               ? wms_complain(engine, "password: missing; give it, since nobody is asked for it")
               : 0;
}

static int start(wms_engine *engine, const wms_command *command, void (*done)(void *data),
                 void *data, wms_request **ret_request)
{
    wms_request *request;
    wms_command whole;
    int error = enter(engine);

    error = error ? error : wms_command_take(engine, command, &whole);
    error = error ? error : check(engine, &whole);
    error = error ? error : wms_request_make(engine, &whole, &request);
    if (error) {
        return error;
    }
    wms_request_disown(request);
    request->inner.is = true;
    request->inner.tell = done;
    request->inner.data = data;
    request->inner.request = request;
    wms_request_begin(request);
    *ret_request = request;
    return 0;
}

static int watch_new(wms_engine *engine, const wms_watching *watching, void (*told)(void *data),
                     void *data, wms_watch **ret_watch)
{
    wms_watch *watch;
    int error = enter(engine);

    if (!error && WMS_HAS(watching->size, wms_watching, ask) && watching->ask) {
        error = refuse_question(engine, "ask");
    }
    error = error ? error : wms_watch_make(engine, watching, &watch);
    if (error) {
        return error;
    }
    engine->refs--;
    watch->inner.is = true;
    watch->inner.tell = told;
    watch->inner.data = data;
    *ret_watch = watch;
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void cancel(wms_request *request)
{
    if (!request->done) {
        request->inner.cancels = true;
        wms_inner_stir(request->engine, &request->inner);
    }
}

static void unref(wms_request *request)
{
    if (!request) {
        return;
    }
    wms_engine *engine = request->engine;
    wms_inner_mute(&request->inner);
    if (engine->refs == 0) { /* it has ended */
        wms_request_free(request);
    } else {
        request->refs = 0;
        request->orphan_next = engine->orphans;
        engine->orphans = request;
    }
}

static void watch_unref(wms_watch *watch)
{
    if (!watch) {
        return;
    }
    wms_engine *engine = watch->engine;
    wms_inner_mute(&watch->inner);
    if (engine->refs == 0) {
        wms_watch_free(watch);
    } else {
        watch->refs = 0;
        watch->orphan_next = engine->orphan_watches;
        engine->orphan_watches = watch;
    }
}

const struct wms_requests wms_inner_requests = {
    .size = sizeof wms_inner_requests,
    .start = start,
    .cancel = cancel,
    .unref = unref,
    .outcome_count = wms_request_outcome_count,
    .outcome = wms_request_outcome_sized,
    .session_count = wms_request_session_count,
    .session = wms_request_session_sized,
    .value = wms_request_value,
    .error = wms_request_error_sized,
    .watch_new = watch_new,
    .watch_next = wms_watch_next_sized,
    .watch_session_count = wms_watch_session_count,
    .watch_session = wms_watch_session_sized,
    .watch_unref = watch_unref,
    .complaint = wms_engine_complaint,
};
