/* SPDX-License-Identifier: MIT */
/* listing.c - the list of a server's sessions, as its provider reports them. */
#include <string.h>

#include "core/pack.h"
#include "core/parts.h"

/* Copies all properties of the session, for a query or for the caller's choice. */
static int copy_whole(struct wms_job *job, const wms_session *session, struct wms_listed *listed)
{
    wms_session *copy =
        wms_slab_room(&job->slab, job->request->engine, sizeof *copy + wms_pack_size(session));

    if (!copy) {
        return WMS_E_NO_MEMORY;
    }
    wms_pack(copy, session, (char *) (copy + 1));
    copy->server = job->text;
    listed->id = copy->id;
    listed->user_name = copy->user_name;
    listed->identity = copy->identity;
    listed->spared = copy->spared;
    listed->whole = copy;
    return 0;
}

static int copy_string(struct wms_job *job, const char **text)
{
    if (!*text) {
        return 0;
    }
    *text = wms_job_keep(job, *text);
    return *text ? 0 : WMS_E_NO_MEMORY;
}

static int copy_strings(struct wms_job *job, struct wms_listed *listed)
{
    int error = copy_string(job, &listed->id.text);

    error = error ? error : copy_string(job, &listed->user_name);
    error = error ? error : copy_string(job, &listed->identity);
    if (!error && listed->spared) {
        listed->spared = wms_job_keep_line(job, listed->spared);
        error = listed->spared ? 0 : WMS_E_NO_MEMORY;
    }
    return error;
}

static int add_session(struct wms_job *job, const wms_session *session)
{
    struct wms_listing *listing = &job->listing;

    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
        struct wms_listed *more =
            wms_resize(job->request->engine, listing->sessions, capacity * sizeof *more);
        if (!more) {
            return WMS_E_NO_MEMORY;
        }
        listing->sessions = more;
        listing->capacity = capacity;
    }
    struct wms_listed *listed = &listing->sessions[listing->count];
    *listed = (struct wms_listed){
        .id = session->id,
        .user_name = session->user_name,
        .identity = session->identity,
        .spared = session->spared,
        .is_orchestratable = session->is_orchestratable,
        .is_own = session->is_own,
    };
    bool whole = (job->request->traits & WMS_IS_QUERY) || job->request->choose;
    int error = whole ? copy_whole(job, session, listed) : copy_strings(job, listed);
    listing->count += !error;
    return error;
}

int wms_listing_add(struct wms_job *job, const wms_session *session)
{
    char why[128];
    wms_session checked = *session;

    if (wms_id_check(&checked.id, why, sizeof why)) {
        return WMS_E_PROTOCOL;
    }
    int error = add_session(job, &checked);
    if (error) {
        job->listing.error =
            error; /* recorded in case the provider ignores it: the list is incomplete */
    }
    return error;
}

void wms_listing_clear(struct wms_job *job)
{
    wms_engine *engine = job->request->engine;

    wms_free(engine, job->listing.sessions);
    wms_idset_close(&job->listing.index, engine);
    memset(&job->listing, 0, sizeof job->listing);
}

static bool same_session(const void *sessions, size_t number, const void *id)
{
    return wms_id_equal(&((const struct wms_listed *) sessions)[number].id, id);
}

static uint32_t *find_slot(const struct wms_job *job, const wms_id *id)
{
    const struct wms_listing *listing = &job->listing;
    uint64_t hash = wms_id_hash(&job->request->engine->key, id);

    return wms_idset_find(&listing->index, hash, same_session, listing->sessions, id);
}

const struct wms_listed *wms_listing_find(const struct wms_job *job, const wms_id *id)
{
    uint32_t number = *find_slot(job, id);

    return number ? &job->listing.sessions[number - 1] : NULL;
}

const struct wms_listed *wms_listing_meant(const struct wms_item *item)
{
    const struct wms_listed *session = wms_listing_find(item->job, &item->id);
    bool other = session && session->identity && item->identity &&
                 strcmp(session->identity, item->identity) != 0;

    return other ? NULL : session;
}

int wms_listing_index(struct wms_job *job)
{
    struct wms_listing *listing = &job->listing;
    size_t count = 0;
    char first[64]; /* the first id that is listed twice: its row is overwritten */
    int error = listing->error
                    ? listing->error
                    : wms_idset_open(&listing->index, job->request->engine, listing->count);

    if (error) {
        return error;
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct wms_listed *row = &listing->sessions[i];
        uint32_t *slot = find_slot(job, &row->id);
        if (*slot) {
            if (count == i) {
                wms_id_print(&row->id, first, sizeof first);
            }
            wms_listed_merge(&listing->sessions[*slot - 1], row);
        } else {
            listing->sessions[count] = *row;
            *slot = (uint32_t) ++count;
        }
    }
    if (count < listing->count) {
        wms_say(job->request->engine, WMS_WARNING,
                "%s: %zu rows of the list are of sessions that it has already, the first of %s",
                job->text, listing->count - count, first);
    }
    listing->count = count;
    return 0;
}
