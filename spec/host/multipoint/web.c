/* SPDX-License-Identifier: MIT */
/* Web limiting: what is configured, whether it is on for all, and for which sessions. */
#include "model.h"

enum { STANDARD = 4, WEB_LIMITED = 16 };

uint32_t get_web_limiting(struct call *call)
{
    const struct model *model = model_of(call->host);

    put_boolean(call, "pfIsInLimiting", model->web_on);
    put_boolean(call, "pfIsAllowList", model->web_allow);
    put_string(call, "pwsAllowList", model->web_allowed);
    put_string(call, "pwsBlockList", model->web_blocked);
    return 0;
}

uint32_t configure_web_limiting_all(struct call *call)
{
    struct model *model = model_of(call->host);

    replace(&model->web_allowed, call->arguments[0]);
    replace(&model->web_blocked, call->arguments[1]);
    model->web_allow = call->numbers[2];
    return 0;
}

static void limit(struct session *session, bool on)
{
    session->flags = on ? session->flags | WEB_LIMITED : session->flags & ~(uint32_t) WEB_LIMITED;
}

uint32_t configure_web_limiting(struct call *call)
{
    struct session *session = session_find(call->host, call->numbers[0]);

    if (!session) {
        return call->host->unknown_hr;
    } else if (!(session->flags & STANDARD)) {
        return win32_hr(NOT_ALLOWED);
    }
    limit(session, call->numbers[1]);
    return 0;
}

uint32_t enable_web_limiting_all(struct call *call)
{
    model_of(call->host)->web_on = call->numbers[0];
    for (size_t i = 0; i < call->host->session_count; i++) {
        if (call->host->sessions[i]->flags & STANDARD) {
            limit(call->host->sessions[i], call->numbers[0]);
        }
    }
    return 0;
}
