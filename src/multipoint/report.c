/* SPDX-License-Identifier: MIT */
/* report.c - reports a host's sessions to the engine; what the host did not tell is unknown.
 */
#include "list.h"

/* [MS-RSMC] 3.7.4.12 */
enum { ADMIN = 1, OPERATOR = 2, STANDARD = 4, LOCKED = 8, WEB_LIMITED = 16, ORCHESTRATABLE = 32 };

/* The state's name: that of the MultiPoint cmdlets where they have one, otherwise that of the
 * Windows session API: [MS-RSMC] 2.2.4.1. */
static const char *state_of(const struct multipoint_sessions *list,
                            const struct multipoint_found *session,
                            const struct multipoint_seat *seat, bool unsure)
{
    static const char *const names[] = {"Active",       "Connected", "ConnectQuery", "Shadow",
                                        "Disconnected", "Idle",      "Listen",       "Reset",
                                        "Down",         "Init"};

    if (session->state == MULTIPOINT_ACTIVE && list->stations.count > 0 && (seat || !unsure)) {
        return seat ? "ConnectedToStation" : "RemoteConnection";
    }
    return session->state < sizeof names / sizeof *names ? names[session->state] : "Unknown";
}

static const char *unless_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static signed char flag(const struct multipoint_found *session, uint32_t bit)
{
    return (signed char) (session->flags_known ? (session->flags & bit) != 0 : -1);
}

static int report_one(struct multipoint_sessions *list, const struct multipoint_found *session)
{
    bool unsure;
    const struct multipoint_seat *seat =
        multipoint_stations_find(&list->stations, session->id, &unsure);
    wms_session whole;

    wms_session_init(&whole);
    whole.id.number = session->id;
    whole.state = state_of(list, session, seat, unsure);
    whole.user_name = unless_empty(session->user_name);
    whole.domain_name = unless_empty(session->domain_name);
    whole.win_station = unless_empty(session->win_station);
    whole.computer_name = seat ? unless_empty(seat->session_host) : NULL;
    whole.station_id = seat ? (int64_t) seat->station : -1;
    whole.identity = multipoint_identity(&list->arena, session->domain_name, session->user_name);
    whole.is_rail = session->rail;
    whole.is_admin = flag(session, ADMIN);
    whole.is_mog_user = flag(session, OPERATOR);
    whole.is_standard = flag(session, STANDARD);
    whole.is_web_limited = flag(session, WEB_LIMITED);
    whole.is_orchestratable = flag(session, ORCHESTRATABLE);
    whole.locked = session->flags_known ? flag(session, LOCKED) : session->locked;
    whole.is_private = session->is_private;
    whole.is_broadcasting = session->is_broadcasting;
    whole.idle_since = session->idle_since;
    return whole.identity ? list->task.host->all->memory.services->session(list->op, &whole)
                          : WMS_E_NO_MEMORY;
}

void multipoint_report(struct multipoint_sessions *list)
{
    const struct wms_services *services = list->task.host->all->memory.services;
    size_t free = 0; /* sessions that may be acted on */
    int error = 0;

    for (size_t i = 0; !error && i < list->count; i++) {
        const struct multipoint_found *session = &list->sessions[i];
        bool there = !session->gone || session->back;
        error = there ? report_one(list, session) : 0;
        free += there && flag(session, ORCHESTRATABLE) != 0;
    }
    if (!error && list->refusal &&
        free == 0) { /* there is no outcome of a session that could carry the note */
        bool lost = list->all_told;
        list->all_told = false;
        multipoint_list_end(list, &(struct multipoint_reply){
                                      .code = list->refusal, .lost = lost, .text = list->note});
        return;
    }
    if (!error && list->refusal) {
        services->note(list->op, list->note);
    }
    multipoint_list_end(
        list, &(struct multipoint_reply){.code = error}); /* code 0: the list is complete */
}
