/* SPDX-License-Identifier: MIT */
/* deadline.c - the time limit of a whole command. */
#include "core/parts.h"

static void expire(void *data)
{
    wms_request *request = data;
    char *text =
        wms_print(request->engine, "the command's deadline of %g s is over", request->deadline);

    wms_say(request->engine, WMS_WARNING, "%s", text ? text : "a command's deadline is over");
    request->expired = true;
    wms_request_abandon(request, WMS_E_TIMEOUT, text ? text : "the command's deadline is over");
    wms_free(request->engine, text);
}

int wms_request_count_down(wms_request *request)
{
    wms_engine *engine = request->engine;
    struct wms_loop *loop = wms_engine_loop(engine);

    request->expiry = loop ? wms_deadline_new(loop, expire, request) : NULL;
    if (!request->expiry) {
        return loop ? WMS_E_NO_MEMORY : engine->loop_error;
    }
    wms_timer_set(request->expiry, request->deadline);
    request->ends = wms_loop_now(loop) + request->deadline;
    return 0;
}
