/* SPDX-License-Identifier: MIT */
/* errand.c - commands that a host carries out by itself: one op for all of a server's sessions.
 *
 * The op is that of job->whole.  By ids, what the host tells of a session ends the item that there
 * is; with `all`, it makes one, which has ended.  What the host has not told of when the op ends
 * gets the result of the op: each item, or the server as a whole. */
#include <string.h>

#include "core/parts.h"

static wms_engine *engine_of(const struct wms_job *job)
{
    return job->request->engine;
}

/* ---- which commands -------------------------------------------------------------------------- */

static bool is_offered(const struct wms_job *job)
{
    const struct wms_provider *provider;

    if (job->server->link) {
        provider = job->server->link->provider;
    } else if (wms_engine_provider(engine_of(job), job->server->place.scheme, &provider)) {
        return false; /* the link's attempt will tell why */
    }
    return provider->commands & 1u << job->request->verb;
}

bool wms_errand_suits(struct wms_job *job)
{
    wms_engine *engine = engine_of(job);

    if (!job->request->delegable || !is_offered(job)) {
        return false;
    }
    struct wms_delegation *delegation = wms_slab_room(&job->slab, engine, sizeof *delegation);
    if (!delegation) {
        wms_item_end(&job->whole, WMS_E_NO_MEMORY, NULL);
        return true;
    }
    memset(delegation, 0, sizeof *delegation);
    job->delegation = delegation;
    job->whole.kind = WMS_ITEM_ERRAND;
    return true;
}

void wms_errand_leave(struct wms_job *job)
{
    wms_errand_clear(job);
    job->delegation = NULL;
    job->whole.kind = WMS_ITEM_LIST;
    job->whole.permitted = false; /* the guard has not been asked */
    for (size_t i = 0; i < job->count; i++) {
        job->items[i].doubtful = job->whole.doubtful;
    }
    job->stage = job->by_id ? WMS_JOB_ACTING : WMS_JOB_LISTING;
}

/* ---- what the host is asked ------------------------------------------------------------------ */

static bool is_awaited(const struct wms_item *item)
{
    return item->phase < WMS_OVER;
}

static bool never(const void *items, size_t number, const void *key)
{
    (void) items;
    (void) number;
    (void) key;
    return false;
}

/* Ids and identities of the items that have no outcome yet, and the index of these items. */
static int name_items(struct wms_job *job)
{
    wms_engine *engine = engine_of(job);
    struct wms_delegation *delegation = job->delegation;
    size_t size = sizeof(wms_id) + sizeof(const char *), count = 0;
    wms_id *ids = wms_resize(engine, NULL, job->count * size);

    if (!ids) {
        return WMS_E_NO_MEMORY;
    }
    delegation->room = ids;
    int error = wms_idset_open(&delegation->index, engine, job->count);
    if (error) {
        return error;
    }
    const char **identities = (const char **) (void *) (ids + job->count);
    for (size_t i = 0; i < job->count; i++) {
        const struct wms_item *item = &job->items[i];
        if (is_awaited(item)) {
            uint64_t hash = wms_id_hash(&engine->key, &item->id);
            *wms_idset_find(&delegation->index, hash, never, job->items, NULL) = (uint32_t) i + 1;
            ids[count] = item->id;
            identities[count++] = item->identity;
        }
    }
    delegation->errand.ids = ids;
    delegation->errand.identities = identities;
    delegation->errand.count = count;
    return 0;
}

static double left(const wms_request *request)
{
    double seconds = request->ends - wms_loop_now(request->engine->loop);

    return seconds > 0 ? seconds : 0;
}

int wms_errand_prepare(struct wms_job *job)
{
    const wms_request *request = job->request;
    struct wms_delegation *delegation = job->delegation;

    wms_errand_clear(job); /* left from a first try */
    delegation->error = 0;
    delegation->errand = (struct wms_errand){
        .verb = request->verb,
        .all = !job->by_id,
        .message = request->message,
        .title = request->title,
        .timeout = request->timeout,
        .verify = request->verify,
        .stable = request->stable,
        .deadline = request->deadline < 0 ? -1 : left(request),
        .retries = request->retries,
    };
    if (job->count > 1) {
        return name_items(job);
    }
    if (job->count == 1) {
        delegation->errand.ids = &job->items->id;
        delegation->errand.identities = &job->items->identity;
        delegation->errand.count = 1;
    }
    return 0;
}

/* ---- sessions that were asked for ------------------------------------------------------------ */

/* Of two sessions of one id: the same, as far as their identities are known. */
static bool is_same(const struct wms_item *item, const wms_outcome *outcome)
{
    return wms_id_equal(&item->id, outcome->id) && (!item->identity || !outcome->identity ||
                                                    strcmp(item->identity, outcome->identity) == 0);
}

static bool is_meant(const void *items, size_t number, const void *outcome)
{
    const struct wms_item *item = (const struct wms_item *) items + number;

    return is_awaited(item) && is_same(item, outcome);
}

/* The item that waits for this outcome, or NULL. */
static struct wms_item *find_asked(const struct wms_job *job, const wms_outcome *outcome)
{
    const struct wms_idset *index = &job->delegation->index;

    if (job->count == 1) {
        return is_meant(job->items, 0, outcome) ? job->items : NULL;
    }
    uint64_t hash = wms_id_hash(&engine_of(job)->key, outcome->id);
    uint32_t number = *wms_idset_find(index, hash, is_meant, job->items, outcome);
    return number ? &job->items[number - 1] : NULL;
}

/* ---- sessions that the host has told of, in a command on all ----------------------------------
 */

static bool is_told(const void *told, size_t number, const void *id)
{
    return wms_id_equal(&((struct wms_item *const *) told)[number]->id, id);
}

static uint32_t *slot_of(const struct wms_job *job, const struct wms_idset *index, const wms_id *id)
{
    return wms_idset_find(index, wms_id_hash(&engine_of(job)->key, id), is_told,
                          job->delegation->told, id);
}

/* Makes place for one more, in the table and in the index.  Errors: NO_MEMORY. */
static int make_room(struct wms_job *job)
{
    wms_engine *engine = engine_of(job);
    struct wms_delegation *delegation = job->delegation;
    struct wms_idset index = {0};

    if (delegation->count < delegation->capacity) {
        return 0;
    }
    size_t capacity = delegation->capacity ? delegation->capacity * 2 : 16;
    struct wms_item **told = wms_resize(engine, delegation->told, capacity * sizeof(void *));
    if (!told) {
        return WMS_E_NO_MEMORY;
    }
    delegation->told = told;
    int error = wms_idset_open(&index, engine, capacity);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < delegation->count; i++) {
        *slot_of(job, &index, &told[i]->id) = (uint32_t) i + 1;
    }
    wms_idset_close(&delegation->index, engine);
    delegation->index = index;
    delegation->capacity = capacity;
    return 0;
}

/* An item for one more session.  Errors: NO_MEMORY, PROTOCOL (the session has one). */
static int add_told(struct wms_job *job, const wms_id *id, struct wms_item **ret_item)
{
    struct wms_delegation *delegation = job->delegation;
    int error = make_room(job);

    if (error) {
        return error;
    }
    uint32_t *slot = slot_of(job, &delegation->index, id);
    if (*slot) {
        return WMS_E_PROTOCOL;
    }
    struct wms_item *item = wms_slab_room(&job->slab, engine_of(job), sizeof *item);
    const char *text = item && id->text ? wms_job_keep(job, id->text) : NULL;
    if (!item || (id->text && !text)) {
        return WMS_E_NO_MEMORY;
    }
    *item = (struct wms_item){.job = job, .id = {.number = id->number, .text = text}};
    delegation->told[delegation->count++] = item;
    *slot = (uint32_t) delegation->count;
    job->request->expected++;
    *ret_item = item;
    return 0;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

/* There is such a state, and it goes with the code.  What was requested may have been cancelled
 * before it was verified, and what was skipped may have failed or not. */
static bool is_sound(const wms_outcome *outcome)
{
    enum wms_state state = outcome->state;

    if (state == WMS_VERIFIED || state == WMS_PLANNED || state == WMS_GONE) {
        return outcome->code == 0;
    }
    if (state == WMS_FAILED || state == WMS_UNKNOWN) {
        return outcome->code != 0;
    }
    return (unsigned) state < WMS_STATE_COUNT;
}

/* Without memory for a text of the host's it is left out. */
static void describe(struct wms_item *item, const wms_outcome *outcome)
{
    struct wms_job *job = item->job;
    const char *user_name = outcome->user_name ? wms_job_keep(job, outcome->user_name) : NULL;

    item->user_name = user_name ? user_name : item->user_name;
    item->note = outcome->note ? wms_job_keep_line(job, outcome->note) : NULL;
    if (outcome->identity && !item->identity) {
        item->identity = wms_job_keep(job, outcome->identity);
    }
    bool seen = outcome->state == WMS_VERIFIED && (outcome->changed == 0 || outcome->changed == 1);
    item->changed = seen ? (signed char) outcome->changed : -1;
}

static int take(struct wms_job *job, const wms_outcome *outcome)
{
    struct wms_item *item;
    wms_outcome checked = *outcome;
    wms_id id = outcome->id ? *outcome->id : (wms_id){.number = 0};
    char why[128];

    checked.id = &id;
    if (!outcome->id || wms_id_check(&id, why, sizeof why) || !is_sound(outcome)) {
        return WMS_E_PROTOCOL;
    }
    if (job->by_id) {
        item = find_asked(job, &checked);
        if (!item) {
            return WMS_E_PROTOCOL;
        }
    } else {
        int error = add_told(job, &id, &item);
        if (error) {
            return error;
        }
    }
    describe(item, outcome);
    wms_item_finish(item, outcome->state, outcome->code ? wms_error_code(outcome->code) : 0,
                    outcome->text);
    return 0;
}

int wms_errand_outcome(struct wms_item *whole, const wms_outcome *outcome)
{
    struct wms_job *job = whole->job;
    int error = take(job, outcome);

    whole->sent = true; /* also if the provider has not said so */
    wms_job_progress(job);
    if (error) { /* recorded in case the provider ignores it */
        job->delegation->error = error;
    }
    return error;
}

void wms_errand_answered(struct wms_item *whole, int code, const char *text)
{
    struct wms_job *job = whole->job;
    int refused = job->delegation->error;

    if (refused) {
        wms_item_abandon(whole, refused, code == refused ? text : NULL);
    } else if (code) {
        wms_item_finish(whole, WMS_FAILED, code, text);
    } else if (job->finished < job->count) {
        wms_item_abandon(whole, WMS_E_PROTOCOL, "the host has not told what became of the session");
    } else {
        wms_item_enter(whole, WMS_DONE);
        wms_request_counted(job);
    }
}

void wms_errand_clear(struct wms_job *job)
{
    struct wms_delegation *delegation = job->delegation;
    wms_engine *engine = engine_of(job);

    if (!delegation) {
        return;
    }
    wms_free(engine, delegation->room);
    delegation->room = NULL;
    wms_idset_close(&delegation->index, engine);
    wms_free(engine, delegation->told);
    delegation->told = NULL;
    delegation->count = delegation->capacity = 0;
}
