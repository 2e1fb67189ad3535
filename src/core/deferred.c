/* SPDX-License-Identifier: MIT */
/* deferred.c - changes that a provider tells while the sessions are listed: they are kept until the
 * listing is there, and told in their order then. */
#include <string.h>

#include "core/pack.h"
#include "core/parts.h"
#include "core/watching.h"

static wms_engine *engine_of(const struct wms_watched *watched)
{
    return watched->watch->engine;
}

static bool is_of(const struct wms_entry *entry, const void *id)
{
    return wms_id_equal(&((const struct wms_deferred *) entry)->id, id);
}

static struct wms_deferred *find(const struct wms_watched *watched, const wms_id *id)
{
    uint64_t hash = wms_id_hash(&engine_of(watched)->key, id);

    return (struct wms_deferred *) wms_table_find(&watched->deferred_first, hash, is_of, id);
}

const struct wms_change *wms_deferred_of(const struct wms_watched *watched, const wms_id *id)
{
    const struct wms_deferred *first = watched->deferred_count ? find(watched, id) : NULL;

    return first ? &first->change : NULL;
}

static struct wms_deferred *take(struct wms_watched *watched)
{
    watched->deferred_count--;
    return NODE_OWNER(queue_take(&watched->deferred), struct wms_deferred, next);
}

void wms_deferred_drop(struct wms_watched *watched)
{
    wms_table_close(&watched->deferred_first, engine_of(watched));
    while (!queue_is_empty(&watched->deferred)) {
        wms_free(engine_of(watched), take(watched));
    }
}

static struct wms_deferred *copy(struct wms_watched *watched, const struct wms_change *change)
{
    const wms_session *session = change->session;
    size_t size = wms_pack_size_of(change->id->text) + wms_pack_size_of(change->identity) +
                  (session ? wms_pack_size(session) : 0);
    struct wms_deferred *deferred = wms_resize(engine_of(watched), NULL, sizeof *deferred + size);

    if (!deferred) {
        return NULL;
    }
    char *room = (char *) (deferred + 1);
    deferred->change = *change;
    deferred->id = *change->id;
    deferred->id.text = wms_pack_put(&room, change->id->text);
    deferred->change.id = &deferred->id;
    deferred->change.identity = wms_pack_put(&room, change->identity);
    if (session) {
        wms_pack(&deferred->session, session, room);
        deferred->change.session = &deferred->session;
    }
    return deferred;
}

int wms_deferred_add(struct wms_watched *watched, const struct wms_change *change)
{
    wms_engine *engine = engine_of(watched);
    struct wms_deferred *deferred =
        watched->deferred_count < watched->watch->queue ? copy(watched, change) : NULL;
    bool first = deferred && !find(watched, &deferred->id);

    if (!deferred || (first && wms_table_add(&watched->deferred_first, engine, &deferred->entry,
                                             wms_id_hash(&engine->key, &deferred->id)))) {
        wms_free(engine, deferred);
        wms_deferred_drop(watched);
        return WMS_E_NO_MEMORY;
    }
    queue_append(&watched->deferred, &deferred->next);
    watched->deferred_count++;
    return 0;
}

int wms_deferred_tell(struct wms_watched *watched)
{
    int error = 0;

    wms_table_close(&watched->deferred_first, engine_of(watched));
    while (!queue_is_empty(&watched->deferred)) {
        struct wms_deferred *deferred = take(watched);
        bool failed = wms_picture_change(watched, &deferred->change) == WMS_E_NO_MEMORY;
        error = failed ? WMS_E_NO_MEMORY : error;
        wms_free(engine_of(watched), deferred);
    }
    return error;
}
