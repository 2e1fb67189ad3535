/* SPDX-License-Identifier: MIT */
/* What the host does with its sessions. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

enum { DENIED = 5 };

enum { DISCONNECTED = 4 }; /* a session's state */

static uint32_t win32(uint32_t code)
{
    return 0x80070000u | code;
}

/* ---- the table ------------------------------------------------------------------------------- */

static size_t position(const struct host *host, uint64_t id)
{
    size_t low = 0, high = host->session_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (host->sessions[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct session *session_find(struct host *host, uint64_t id)
{
    size_t at = position(host, id);

    return at < host->session_count && host->sessions[at]->id == id ? host->sessions[at] : NULL;
}

struct session *session_add(struct host *host, uint64_t id)
{
    struct session *session = session_find(host, id);
    size_t at = position(host, id);

    if (session) {
        return session;
    }
    if (host->session_count == host->session_size) {
        host->session_size = host->session_size * 2 + 16;
        host->sessions = must(realloc(host->sessions, host->session_size * sizeof *host->sessions));
    }
    memmove(host->sessions + at + 1, host->sessions + at,
            (host->session_count - at) * sizeof *host->sessions);
    host->session_count++;
    session = host->sessions[at] = must(calloc(1, sizeof *session));
    session->id = id;
    session->host = host;
    session->flags = 4 | ORCHESTRATABLE;
    session->relock_after = -1;
    session->picture = -1;
    session->user = copy("");
    session->domain = copy("");
    session->winstation = copy("");
    session->message = copy("");
    return session;
}

void session_remove(struct session *session)
{
    struct host *host = session->host;
    size_t at = position(host, session->id);

    host->session_count--;
    memmove(host->sessions + at, host->sessions + at + 1,
            (host->session_count - at) * sizeof *host->sessions);
    timer_clear(&session->relock);
    free(session->user);
    free(session->domain);
    free(session->winstation);
    free(session->message);
    free(session);
}

/* ---- what is told of it ---------------------------------------------------------------------- */

enum { REMOTE_CONNECT = 3, REMOTE_DISCONNECT = 4, LOG_ON = 5, LOG_OFF = 6 }; /* WTS_… */

static void station_changed(const struct session *session, uint32_t before)
{
    struct host *host = session->host;

    if (before) {
        event_happened(host, "OnSessionDisconnected", "idStation", before);
    }
    if (session->station) {
        event_happened(host, "OnSessionConnecting", "idStation", session->station);
        event_station(host, session->station, session->id);
    }
}

void session_changed(const struct session *session, const struct session *before, bool is_new)
{
    struct host *host = session->host;

    if (is_new) {
        event_session_change(host, LOG_ON, session->id);
        event_happened(host, "OnSessionAgentReady", "idSession", session->id);
    }
    if ((session->state == DISCONNECTED) != (before->state == DISCONNECTED)) {
        event_session_change(
            host, session->state == DISCONNECTED ? REMOTE_DISCONNECT : REMOTE_CONNECT, session->id);
    }
    if (session->station != before->station) {
        station_changed(session, before->station);
    }
    if ((session->flags ^ before->flags) & LOCKED) {
        event_happened(host, session->flags & LOCKED ? "OnSessionBlocked" : "OnSessionUnblocked",
                       "idSession", session->id);
    }
    if (session->broadcast != before->broadcast) {
        event_projection(host, session->id, session->broadcast);
    }
}

void session_end(struct session *session)
{
    event_session_change(session->host, LOG_OFF, session->id);
    if (session->station) {
        event_happened(session->host, "OnSessionDisconnected", "idStation", session->station);
    }
    session_remove(session);
}

/* ---- IMultiPointCertificateRequest, IMultiPointCredentialRequest ----------------------------- */

uint32_t get_protocol_version(struct call *call)
{
    text_printf(call->out, "<pProtocolVersion>%u</pProtocolVersion>", call->host->protocol_version);
    return 0;
}

uint32_t request_ssl_certificate(struct call *call)
{
    const struct certificate *certificate = call->host->announced;

    text_printf(
        call->out,
        "<pSslPort>%u</pSslPort><pwsSslCertificateThumbprint>%s</pwsSslCertificateThumbprint>",
        call->host->daemons[TLS].port, certificate->sha1);
    text_puts(call->out, "<ppSslCertificate>");
    text_add(call->out, certificate->answer.data, certificate->answer.length);
    text_puts(call->out, "</ppSslCertificate>");
    return 0;
}

static void add_string(struct text *out, const char *element, const char *value)
{
    text_printf(out, "<%s>", element);
    text_escape(out, value);
    text_printf(out, "</%s>", element);
}

uint32_t request_credentials(struct call *call)
{
    add_string(call->out, "pwsWmsControlPassword", call->host->control_password);
    if (!call->host->no_management) {
        add_string(call->out, "pwsWmsManagementPassword", call->host->management_password);
    }
    return 0;
}

/* ---- IMultiPointServer ----------------------------------------------------------------------- */

uint32_t get_all_sessions(struct call *call)
{
    const struct host *host = call->host;

    text_printf(call->out, "<pcSessionInfo>%zu</pcSessionInfo><pprgWmsSessionInfoWs>",
                host->session_count);
    for (size_t i = 0; i < host->session_count; i++) {
        const struct session *session = host->sessions[i];

        text_printf(call->out, "<prgWmsSessionInfoWs><id>%llu</id><state>%u</state>",
                    (unsigned long long) session->id, session->state);
        add_string(call->out, "wsUserName", session->user);
        add_string(call->out, "wsDomain", session->domain);
        add_string(call->out, "wsWinStation", session->winstation);
        text_printf(call->out, "<fIsRail>%s</fIsRail></prgWmsSessionInfoWs>",
                    session->rail ? "true" : "false");
    }
    text_puts(call->out, "</pprgWmsSessionInfoWs>");
    return 0;
}

uint32_t get_server_version(struct call *call)
{
    add_string(call->out, "pwsVersion", call->host->server_version);
    return 0;
}

uint32_t set_block_all_message(struct call *call)
{
    const char *message = call->arguments[0];

    replace(&call->host->block_all, message && *message ? message : NULL);
    return 0;
}

uint32_t is_admin_orchestration_mode(struct call *call)
{
    text_printf(call->out, "<pfAdminOrchestrationMode>%s</pfAdminOrchestrationMode>",
                call->host->admin_orchestration ? "true" : "false");
    return 0;
}

uint32_t set_admin_orchestration_mode(struct call *call)
{
    call->host->admin_orchestration = call->numbers[0];
    return 0;
}

/* ---- IMultiPointSession ---------------------------------------------------------------------- */

static uint32_t flags_of(const struct session *session)
{
    return session->flags | (session->host->admin_orchestration ? ORCHESTRATABLE : 0);
}

/* The session that a call names, if it may be acted on. */
static uint32_t find(struct call *call, bool act, struct session **ret)
{
    *ret = session_find(call->host, call->numbers[0]);
    if (!*ret) {
        return call->host->unknown_hr;
    }
    return act && !(flags_of(*ret) & ORCHESTRATABLE) ? win32(DENIED) : 0;
}

uint32_t get_session_flags(struct call *call)
{
    const char *name = call->host->flags_name;
    struct session *session;
    uint32_t hr = find(call, false, &session);

    if (!hr) {
        text_printf(call->out, "<%s>%u</%s>", name, flags_of(session), name);
    }
    return hr;
}

void session_lock(struct session *session, const char *message)
{
    timer_clear(&session->relock);
    session->flags |= LOCKED;
    replace(&session->message, message);
    event_happened(session->host, "OnSessionBlocked", "idSession", session->id);
}

static void relock(struct timer *timer)
{
    struct session *session =
        (struct session *) (void *) ((char *) timer - offsetof(struct session, relock));
    const char *message = session->host->block_all;

    session_lock(session, message ? message : "Station blocked");
    control_changed();
}

uint32_t lock_session(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr && !session->deaf) {
        session_lock(session, call->arguments[1]);
    }
    return hr;
}

static void unlock(struct session *session)
{
    struct host *host = session->host;

    if (session->blocked_at) {
        uint64_t ms = now_ms() - session->blocked_at;

        host->longest_block = ms > host->longest_block ? ms : host->longest_block;
        session->blocked_at = 0;
    }
    session->flags &= ~(uint32_t) LOCKED;
    replace(&session->message, "");
    event_happened(host, "OnSessionUnblocked", "idSession", session->id);
}

uint32_t stop_locking_session(struct call *call)
{
    const struct host *host = call->host;
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr && !session->deaf) {
        int64_t ms = session->relock_after >= 0 ? session->relock_after
                     : host->relock >= 0        ? host->relock
                     : host->block_all          ? host->block_all_relock
                                                : -1;

        unlock(session);
        if (ms >= 0) {
            timer_set(&session->relock, (uint64_t) ms, relock);
        }
    }
    return hr;
}

uint32_t disconnect_session(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr) {
        const struct session before = *session;

        session->state = DISCONNECTED;
        session->station = 0;
        session_changed(session, &before, false);
    }
    return hr;
}

uint32_t log_off_session(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr) {
        session_end(session);
    }
    return hr;
}

uint32_t log_off_console_session(struct call *call)
{
    struct host *host = call->host;

    for (size_t i = 0; i < host->session_count; i++) {
        if (strcmp(host->sessions[i]->winstation, "Console") == 0) {
            session_end(host->sessions[i]);
            return 0;
        }
    }
    return 0; /* nobody was there */
}

/* Reboot, Shutdown: the sessions go; the host itself stays, for what is asked next. */
uint32_t end_host(struct call *call)
{
    event_happened(call->host, "ShutdownNotification", NULL, 0);
    while (call->host->session_count > 0) {
        session_remove(call->host->sessions[0]);
    }
    return 0;
}

uint32_t get_screen_state(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, false, &session);

    if (!hr) {
        text_printf(
            call->out,
            "<peCurrentBroadCastState>%u</peCurrentBroadCastState><pfIsLocked>%s</pfIsLocked>"
            "<pfIsDisconnected>%s</pfIsDisconnected><pfIsPrivate>%s</pfIsPrivate>",
            session->broadcast, session->flags & LOCKED ? "true" : "false",
            session->state == DISCONNECTED ? "true" : "false",
            session->private_screen ? "true" : "false");
    }
    return hr;
}

enum { FULL_SCREEN = 3 }; /* the largest size */

/* A disconnected session has no screen, and so no picture. */
uint32_t get_thumbnail_bits(struct call *call)
{
    struct session *session;
    uint32_t hr = find(call, true, &session);

    if (!hr && session->picture != 0 && session->state != 4) {
        text_puts(call->out, "<ppbDataBits>");
        picture_add(session,
                    call->numbers[1] < FULL_SCREEN ? (unsigned) call->numbers[1] : FULL_SCREEN,
                    call->out);
        text_puts(call->out, "</ppbDataBits>");
    }
    return hr;
}
