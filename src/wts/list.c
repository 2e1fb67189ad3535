/* SPDX-License-Identifier: MIT */
/* list.c - all sessions: one enumeration, then further queries about each session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wts.h"

/* A session; its strings are offsets into the catalogue's `text`, 0: not told. */
struct found {
    DWORD id;
    WTS_CONNECTSTATE_CLASS state;
    signed char locked;
    signed char own; /* -1: not known: it is on another machine */
    bool nameless;   /* its user's name cannot be read, so it is not known whether it has a user */
    size_t win_station, user_name, domain_name, computer_name, client_name, identity;
    double logon_time, idle_since; /* -1: not told */
};

struct catalogue {
    struct found *sessions;
    size_t count;
    char *text; /* begins with a NUL, so that offset 0 is the empty string */
    size_t used, size;
    size_t without_id; /* sessions that are left out, since they have no usable id */
};

struct listing_work {
    struct wts_work work;
    struct catalogue found;
};

struct listing {
    struct wts_task task;
    struct wms_op *op;
};

/* ---- on a thread ----------------------------------------------------------------------------- */

static bool reserve(struct catalogue *found, size_t more)
{
    size_t size = found->size ? found->size : 1024;

    while (size - found->used < more) {
        size *= 2;
    }
    if (size > found->size) {
        char *text = realloc(found->text, size);
        if (!text) {
            return false;
        }
        found->text = text;
        found->size = size;
    }
    return true;
}

static bool keep(struct catalogue *found, const char *text, size_t *ret_place)
{
    size_t length = text ? strlen(text) : 0;

    *ret_place = 0;
    if (length == 0) {
        return true;
    }
    if (!reserve(found, length + 1)) {
        return false;
    }
    *ret_place = found->used;
    memcpy(found->text + found->used, text, length + 1);
    found->used += length + 1;
    return true;
}

/* Copies a string of the API's; one that is not terminated counts as not told. */
static bool keep_wide(struct catalogue *found, const WCHAR *text, size_t *ret_place)
{
    size_t length = text ? wts_length(text) : 0;

    *ret_place = 0;
    if (length > 0 && length != SIZE_MAX) {
        if (!reserve(found, 3 * length + 1)) {
            return false;
        }
        *ret_place = found->used;
        found->used += wts_utf8(found->text + found->used, text, length) + 1;
    }
    return true;
}

/* Takes what the enumeration has told of a session.  False: out of memory. */
static bool take_entry(struct catalogue *found, const WTS_SESSION_INFO_1W *entry,
                       struct found *session)
{
    session->id = entry->SessionId;
    session->state = entry->State;
    session->locked = -1;
    session->logon_time = session->idle_since = -1;
    session->nameless = entry->pUserName && wts_length(entry->pUserName) == SIZE_MAX;
    return keep_wide(found, entry->pSessionName, &session->win_station) &&
           keep_wide(found, entry->pUserName, &session->user_name) &&
           keep_wide(found, entry->pDomainName, &session->domain_name) &&
           keep_wide(found, entry->pHostName, &session->computer_name);
}

/* Whether it is a user's session: 1, 0, or -1: not known. */
static signed char is_users(const struct catalogue *found, const struct found *session)
{
    if (session->nameless) {
        return wts_is_users(session->state, "?") ? -1 : 0;
    }
    return wts_is_users(session->state, found->text + session->user_name);
}

/* Takes what WTSSessionInfoEx has told of the session.  False: out of memory. */
static bool take_info(struct catalogue *found, const struct wts_info *info, struct found *session)
{
    char identity[WTS_IDENTITY_ROOM];

    session->locked = info->locked;
    session->logon_time = wts_seconds(info->logged_on);
    session->idle_since = wts_seconds(info->last_input);
    wts_info_identity(info, identity);
    return keep(found, identity, &session->identity);
}

/* Queries what the enumeration has not told: whether the session is locked, since when its user is
 * logged on, and the client's name.  False: *ret_fault says why; NOT_FOUND: it has ended meanwhile.
 */
static bool ask_more(const struct wts_server *server, struct catalogue *found,
                     struct found *session, struct wts_fault *ret_fault)
{
    struct wts_info info;
    bool fits = true;
    char *client;

    if (wts_query_info(server, session->id, &info, ret_fault)) {
        fits = take_info(found, &info, session);
    } else if (ret_fault->code != WMS_E_ACCESS_DENIED && ret_fault->code != WMS_E_UNSUPPORTED &&
               ret_fault->code != WMS_E_PROTOCOL) { /* after these faults the session is listed all
                                                       the same, with less known */
        return false;
    }
    fits = wts_query_text(server, session->id, WTSClientName, &client) && fits &&
           keep(found, client, &session->client_name);
    free(client);
    if (!fits) {
        wts_fault_set(ret_fault, WMS_E_NO_MEMORY, "out of memory");
    }
    return fits;
}

static bool take_all(const struct wts_server *server, const WTS_SESSION_INFO_1W *entries,
                     DWORD count, struct catalogue *found, struct wts_fault *ret_fault)
{
    DWORD own;
    bool has_own = wts_query_own(server, &own);

    for (DWORD i = 0; i < count; i++) {
        struct found session = {0};
        if (entries[i].SessionId ==
            WTS_CURRENT_SESSION) { /* the number that means "the current session" in calls */
            found->without_id++;
            continue;
        }
        if (!take_entry(found, &entries[i], &session)) {
            wts_fault_set(ret_fault, WMS_E_NO_MEMORY, "out of memory");
            return false;
        }
        session.own = server->is_here ? has_own && own == session.id : -1;
        if (is_users(found, &session) == 0 || ask_more(server, found, &session, ret_fault)) {
            found->sessions[found->count++] = session;
        } else if (ret_fault->code != WMS_E_NOT_FOUND) {
            return false;
        }
    }
    return true;
}

static bool prepare(struct catalogue *found, DWORD count)
{
    found->sessions = calloc(count ? count : 1, sizeof *found->sessions);
    if (!found->sessions || !reserve(found, 1)) {
        return false;
    }
    found->text[found->used++] = '\0';
    return true;
}

static void catalogue_free(struct catalogue *found)
{
    free(found->sessions);
    free(found->text);
}

/* Whether the API's answer is plausible.  One that is not is not freed either: freeing it relies on
 * its count.
 */
static bool is_sound(const WTS_SESSION_INFO_1W *entries, DWORD level, DWORD count,
                     struct wts_fault *ret_fault)
{
    if (level != 1 || count > WTS_SESSIONS_MAX || (count > 0 && !entries)) {
        wts_fault_set(
            ret_fault, WMS_E_PROTOCOL,
            count > WTS_SESSIONS_MAX ? "the session API tells of more sessions than a host can have"
            : level != 1             ? "the session API answers at a level that was not asked for"
                         : "the session API tells of sessions, and gives no list of them");
        return false;
    }
    return true;
}

static void list_call(struct wts_work *shared)
{
    struct listing_work *work = (struct listing_work *) shared;
    struct wts_fault *fault = &work->work.fault;
    struct catalogue found = {0};
    WTS_SESSION_INFO_1W *entries = NULL;
    DWORD level = 1, count = 0;

    SetLastError(0);
    if (!WTSEnumerateSessionsExW(work->work.server->handle, &level, 0, &entries, &count)) {
        wts_fault_read(fault);
        return;
    }
    if (!is_sound(entries, level, count, fault)) {
        return;
    }
    if (!prepare(&found, count)) {
        wts_fault_set(fault, WMS_E_NO_MEMORY, "out of memory");
    } else if (take_all(work->work.server, entries, count, &found, fault)) {
        fault->code = 0;
    }
    if (entries) {
        WTSFreeMemoryExW(WTSTypeSessionInfoLevel1, entries, count);
    }
    if (fault->code) {
        catalogue_free(&found);
    } else {
        work->found = found;
    }
}

static void list_dispose(void *shared)
{
    struct listing_work *work = shared;

    catalogue_free(&work->found);
    wts_work_dispose(shared);
}

/* ---- the engine's side ----------------------------------------------------------------------- */

static const char *text_at(const struct catalogue *found, size_t place)
{
    return place ? found->text + place : NULL;
}

/* Logs how many sessions were left out: the others are listed all the same. */
static void complain(const struct wts_host *host, const struct catalogue *found)
{
    char line[160];

    if (found->without_id > 0) {
        snprintf(line, sizeof line,
                 "the session API tells of sessions without an id: %zu, which are left out",
                 found->without_id);
        host->services->log(host->engine, WMS_WARNING, line);
    }
    for (size_t i = 0; i < found->count; i++) {
        if (found->sessions[i].nameless) {
            snprintf(line, sizeof line, "session %lu: its user's name has no end, and is not known",
                     (unsigned long) found->sessions[i].id);
            host->services->log(host->engine, WMS_WARNING, line);
        }
    }
}

static int report(const struct wms_services *services, struct wms_op *op,
                  const struct catalogue *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct found *one = &found->sessions[i];
        wms_session session;
        wms_session_init(&session);
        session.id.number = one->id;
        session.state = wts_state_name(one->state);
        session.win_station = text_at(found, one->win_station);
        session.user_name = text_at(found, one->user_name);
        session.domain_name = text_at(found, one->domain_name);
        session.computer_name = text_at(found, one->computer_name);
        session.client_name = text_at(found, one->client_name);
        session.is_orchestratable = is_users(found, one);
        session.is_own = one->own;
        session.identity = text_at(found, one->identity);
        session.logon_time = one->logon_time;
        session.idle_since = one->idle_since;
        session.locked = one->locked;
        int error = wts_state_is_over(one->state) ? 0 : services->session(op, &session);
        if (error) {
            return error;
        }
    }
    return 0;
}

static void listed(struct wts_task *task, struct wts_work *work)
{
    struct wts_host *host = task->host;
    struct wms_op *op = ((struct listing *) task)->op;
    const struct wts_fault *fault = &work->fault;

    wts_host_judge(host, fault);
    wts_task_end(task);
    if (fault->code == WMS_E_UNREACHABLE) {
        host->services->lost(op, fault->code, fault->text);
    } else if (fault->code) {
        host->services->answer(op, fault->code, fault->text);
    } else {
        const struct catalogue *found = &((struct listing_work *) work)->found;
        complain(host, found);
        int error = report(host->services, op, found);
        host->services->answer(op, error, NULL);
    }
}

void wts_list(struct wts_host *host, struct wms_op *op)
{
    static const struct wms_work kind = {
        .size = sizeof(struct listing_work),
        .run = wts_work_run,
        .done = wts_work_done,
        .dispose = list_dispose,
    };
    struct listing *listing = wts_task_new(host, sizeof *listing, &op->data, listed, NULL);

    if (!listing || !wts_work_new(&listing->task, &kind, list_call)) {
        if (listing) {
            wts_task_end(&listing->task);
        }
        host->services->answer(op, WMS_E_NO_MEMORY, NULL);
        return;
    }
    listing->op = op;
    wts_work_begin(&listing->task);
}
