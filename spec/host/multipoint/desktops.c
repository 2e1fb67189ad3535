/* SPDX-License-Identifier: MIT */
/* IMultiPointSession: programs, activity, names on screens, desktops that others look at. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUIET, PROJECTING, CONTROLLED, VIEWING };
enum { MODE_CONTROL, MODE_PROJECT };

/* The session that a call names, if it may be acted on. */
static uint32_t find(struct call *call, bool act, struct session **ret)
{
    *ret = session_find(call->host, call->numbers[0]);
    if (!*ret) {
        return call->host->unknown_hr;
    }
    return act && !call->host->admin_orchestration && !((*ret)->flags & ORCHESTRATABLE)
               ? win32_hr(NOT_ALLOWED)
               : 0;
}

/* ---- programs -------------------------------------------------------------------------------- */

struct program *program_add(struct model *model, uint64_t session, const char *name)
{
    struct program *program = must(calloc(1, sizeof *program)), **link = &model->programs;

    *program = (struct program){
        .session = session,
        .process = ++model->next_process,
        .window = 0x10000ull + model->next_process,
        .created = 129937600254314944ull + model->next_process,
        .name = copy(name),
    };
    while (*link) {
        link = &(*link)->next;
    }
    *link = program;
    return program;
}

static void remove_first(struct program **link)
{
    struct program *program = *link;

    *link = program->next;
    free(program->name);
    free(program);
}

void programs_free(struct model *model)
{
    while (model->programs) {
        remove_first(&model->programs);
    }
}

uint32_t get_session_apps(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, false, &session);

    if (hr) {
        return hr;
    }
    text_puts(call->out, "<pprgwsWmsRunningAppWs>");
    for (const struct program *program = model_of(call->host)->programs; program;
         program = program->next) {
        if (program->session == session->id) {
            text_puts(call->out, "<prgWmsRunningAppWs>");
            put_string(call, "wsName", program->name);
            put_number(call, "ProcessId", program->process);
            put_number(call, "WindowId", program->window);
            put_number(call, "CreateTime", program->created);
            text_puts(call->out, "</prgWmsRunningAppWs>");
        }
    }
    text_puts(call->out, "</pprgwsWmsRunningAppWs>");
    return 0;
}

uint32_t close_session_app(struct call *call)
{
    struct program **link = &model_of(call->host)->programs;
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (hr) {
        return hr;
    }
    while (*link &&
           !((*link)->session == session->id && (*link)->process == call->numbers[1] &&
             (*link)->created == call->numbers[2] && (*link)->window == call->numbers[3])) {
        link = &(*link)->next;
    }
    if (!*link) {
        return win32_hr(NO_SUCH_THING);
    }
    remove_first(link);
    return 0;
}

uint32_t run_file(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr) {
        program_add(model_of(call->host), session->id, call->arguments[1]);
        put_number(call, "pdwResult", 0);
    }
    return hr;
}

uint32_t current_activity(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, false, &session);

    if (!hr) {
        const struct program *program = model_of(call->host)->programs;
        while (program && program->session != session->id) {
            program = program->next;
        }
        put_number(call, "pdwInactiveTicks", session->inactive);
        if (program) {
            put_string(call, "pwsCurrentActivity", program->name);
        }
    }
    return hr;
}

/* ---- names on screens ------------------------------------------------------------------------ */

static uint32_t identify(struct call *call, bool shown)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr) {
        session->identified = shown;
    }
    return hr;
}

uint32_t identify_session(struct call *call)
{
    return identify(call, true);
}

uint32_t stop_identifying_session(struct call *call)
{
    return identify(call, false);
}

uint32_t get_agent_status(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, false, &session);

    if (!hr) {
        put_number(call, "peIdentifyStationState", session->identified);
    }
    return hr;
}

/* ---- desktops -------------------------------------------------------------------------------- */

/* The session whose invitation it is; NULL: nobody's, or it has ended. */
static struct session *inviting(const struct host *host, const char *invitation)
{
    char own[64];

    for (size_t i = 0; invitation && i < host->session_count; i++) {
        struct session *session = host->sessions[i];
        snprintf(own, sizeof own, "<E><A KH=\"%llu\"/></E>", (unsigned long long) session->id);
        if ((session->broadcast == PROJECTING || session->broadcast == CONTROLLED) &&
            strcmp(own, invitation) == 0) {
            return session;
        }
    }
    return NULL;
}

uint32_t share_desktop(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);
    char invitation[64];

    hr = !hr && call->numbers[1] > MODE_PROJECT ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr) {
        session->broadcast =
            call->arguments[1] && call->numbers[1] == MODE_CONTROL ? CONTROLLED : PROJECTING;
        snprintf(invitation, sizeof invitation, "<E><A KH=\"%llu\"/></E>",
                 (unsigned long long) session->id);
        put_string(call, "pwsInvitation", invitation);
    }
    return hr;
}

static void view(struct session *session, const struct session *shown)
{
    session->broadcast = VIEWING;
    session->shows = shown->id;
}

uint32_t view_desktop(struct call *call)
{
    const struct session *shown = inviting(call->host, call->arguments[2]);
    struct session *session;
    uint32_t hr = find(call, true, &session);

    hr = !hr && !shown ? win32_hr(NO_SUCH_THING) : hr;
    if (!hr) {
        view(session, shown);
    }
    return hr;
}

uint32_t project_to_all(struct call *call)
{
    const struct session *shown = inviting(call->host, call->arguments[0]);

    if (call->arguments[0] && !shown) {
        return win32_hr(NO_SUCH_THING);
    }
    for (size_t i = 0; i < call->host->session_count; i++) {
        struct session *session = call->host->sessions[i];
        if (shown && session != shown && session->flags & ORCHESTRATABLE) {
            view(session, shown);
        } else if (!shown && session->broadcast == VIEWING) {
            session->broadcast = QUIET;
        }
    }
    return 0;
}

uint32_t stop_share_desktop(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    for (size_t i = 0; !hr && i < call->host->session_count; i++) {
        struct session *other = call->host->sessions[i];
        if (other->broadcast == VIEWING && other->shows == session->id) {
            other->broadcast = QUIET;
        }
    }
    if (!hr) {
        session->broadcast = QUIET;
    }
    return hr;
}
