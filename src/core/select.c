/* SPDX-License-Identifier: MIT */
/* select.c - which of a server's sessions are meant, once it has told which it has. */
#include "core/parts.h"

bool wms_listed_is_exempt(enum wms_verb verb, const struct wms_listed *session)
{
    return session->is_orchestratable == 0 ||
           (session->is_own == 1 && wms_verb_is(verb, WMS_ENDS_SESSION));
}

/* The caller has not named it, and its provider gives a reason to leave it alone. */
static bool is_spared(const wms_request *request, const struct wms_listed *session)
{
    return session->spared && !request->own && (request->traits & WMS_ENDS_SESSION);
}

/* For `_all` and for the caller's own session: makes an item for each session that is meant.  The
 * own one is not checked here: the host refuses it if it is exempt. */
static int take_all(struct wms_job *job)
{
    const wms_request *request = job->request;
    struct wms_listing *listing = &job->listing;

    if (listing->count == 0) {
        return 0;
    }
    job->items = wms_slab_room(&job->slab, request->engine, listing->count * sizeof *job->items);
    if (!job->items) {
        return WMS_E_NO_MEMORY;
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct wms_listed *session = &listing->sessions[i];
        if (!session->left_out && (request->own || !wms_listed_is_exempt(request->verb, session))) {
            bool spared = is_spared(request, session);
            struct wms_item *item = &job->items[job->count++];
            *item = (struct wms_item){
                .job = job,
                .id = session->id,
                .user_name = session->user_name,
                .identity = session->identity,
                .note = spared ? session->spared : job->whole.note, /* the note about what the host
                                                                       was told for all sessions */
                .changed = -1,
                .spared = spared,
            };
        }
    }
    job->request->expected += job->count;
    for (size_t i = 0; i < job->count; i++) { /* now that their number is known */
        if (job->items[i].spared) {
            wms_item_finish(&job->items[i], WMS_SKIPPED, 0, NULL);
        }
    }
    if (!request->what_if && !request->warn_message) { /* else the list is looked at once more */
        wms_listing_clear(job);
    }
    return 0;
}

/* Takes user names and identities of the named sessions from the list, also for those that will not
 * be acted on. */
static void know_items(struct wms_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        struct wms_item *item = &job->items[i];
        const struct wms_listed *session = wms_listing_meant(item);
        if (session) {
            item->user_name = session->user_name ? session->user_name : item->user_name;
            item->identity = session->identity ? session->identity : item->identity;
        }
    }
}

/* sessions{session_ids=}: replaces the listing by the sessions that were asked for, in that order.
 */
static int take_named(struct wms_job *job)
{
    wms_engine *engine = job->request->engine;
    struct wms_listing *listing = &job->listing;
    struct wms_listed *named = wms_zalloc(engine, job->count * sizeof *named);
    size_t count = 0;

    if (!named) {
        return WMS_E_NO_MEMORY;
    }
    know_items(job);
    wms_item_enter(&job->whole, WMS_DONE);
    for (size_t i = 0; i < job->count; i++) {
        struct wms_item *item = &job->items[i];
        const struct wms_listed *session = wms_listing_meant(item);
        if (session) {
            named[count++] = *session;
            wms_item_finish(item, WMS_VERIFIED, 0, NULL);
        } else {
            wms_item_finish(item, WMS_FAILED, WMS_E_NOT_FOUND, NULL);
        }
    }
    wms_idset_close(&listing->index, engine);
    wms_free(engine, listing->sessions);
    listing->sessions = named;
    listing->count = listing->capacity = count;
    return 0;
}

/* sessions without ids: what is left out is not returned.  The index is not used any more. */
static void drop_left_out(struct wms_listing *listing)
{
    size_t count = 0;

    for (size_t i = 0; i < listing->count; i++) {
        if (!listing->sessions[i].left_out) {
            listing->sessions[count++] = listing->sessions[i];
        }
    }
    listing->count = count;
}

/* Leaves out all sessions but the caller's own.  Returns NULL, or a sentence if there is none. */
static const char *find_own(struct wms_listing *listing)
{
    bool unknown = false, found = false;

    for (size_t i = 0; i < listing->count; i++) {
        struct wms_listed *session = &listing->sessions[i];
        session->left_out = session->is_own != 1;
        found = found || session->is_own == 1;
        unknown = unknown || session->is_own < 0;
    }
    return found     ? NULL
           : unknown ? "the host does not tell which session is the caller's own"
                     : "none of the host's sessions is the caller's own";
}

/* The selection is complete, or has failed with `error` and `text`: ends the query, or lets the
 * items be acted on. */
static void conclude(struct wms_job *job, int error, const char *text)
{
    const wms_request *request = job->request;
    bool query = request->traits & WMS_IS_QUERY;

    if (!error && query && job->by_id) {
        error = take_named(job);
    } else if (!error && query) {
        drop_left_out(&job->listing);
    } else if (!error && !job->by_id) {
        error = take_all(job);
    } else if (!error) {
        know_items(job);
    }
    job->listed = !error;
    job->tries = error ? job->tries : 0; /* the sessions have retries of their own */
    if (error) { /* UNKNOWN if the host has been told something for all sessions already */
        wms_item_enter(&job->whole, WMS_READY);
        wms_item_abandon(&job->whole, error, text);
    } else if (query && !job->by_id) {
        wms_item_enter(&job->whole, WMS_READY);
        wms_item_finish(&job->whole, WMS_VERIFIED, 0, NULL);
    } else {
        wms_item_enter(&job->whole, WMS_DONE);
        job->stage = query ? WMS_JOB_LISTING : WMS_JOB_ACTING;
        wms_request_counted(job);
    }
}

/* ---- the caller's choice --------------------------------------------------------------------- */

/* Moves job->candidate on to the next session that the caller is asked about; false: none is left.
 */
static bool has_candidate(struct wms_job *job)
{
    const struct wms_listing *listing = &job->listing;
    const wms_request *request = job->request;

    while (!(request->traits & WMS_IS_QUERY) && job->candidate < listing->count &&
           wms_listed_is_exempt(request->verb, &listing->sessions[job->candidate])) {
        job->candidate++;
    }
    return job->candidate < listing->count;
}

void wms_job_listed(struct wms_job *job)
{
    wms_request *request = job->request;
    int error = wms_listing_index(job);
    const char *text = NULL;

    job->candidate = 0;
    if (!error && request->own) {
        text = find_own(&job->listing);
        error = text ? WMS_E_NOT_FOUND : 0;
    }
    if (!error && request->choose && !job->by_id && has_candidate(job)) {
        wms_item_enter(&job->whole, WMS_CHOOSING);
        node_append(&request->choosing, &job->choosing);
        wms_request_news(request);
        return;
    }
    conclude(job, error, text);
}

struct wms_job *wms_request_chooses(wms_request *request)
{
    while (!node_alone(&request->choosing)) {
        struct wms_job *job = NODE_OWNER(request->choosing.next, struct wms_job, choosing);
        if (job->whole.phase == WMS_CHOOSING) {
            return job;
        }
        node_remove(&job->choosing);
    }
    return NULL;
}

void wms_job_choose(struct wms_job *job, bool take)
{
    job->listing.sessions[job->candidate].left_out = !take;
    job->candidate++;
    if (!has_candidate(job)) {
        conclude(job, 0, NULL);
        wms_job_resume(job);
        wms_job_kick(job);
    }
}
