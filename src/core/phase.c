/* SPDX-License-Identifier: MIT */
/* phase.c - the phases of an item: the one place that changes them, and logs each change. */
#include "core/parts.h"

static void tell(const struct wms_item *item, enum wms_phase phase)
{
    static const char *const names[] = {
#define WMS_X(name, word) word,
        WMS_PHASES(WMS_X)
#undef WMS_X
    };
    const struct wms_job *job = item->job;
    char id[WMS_ID_PRINTED];

    if (wms_item_is_whole(item)) {
        wms_say(job->request->engine, WMS_DEBUG, "%s: %s: %s, then %s", job->text,
                item->kind == WMS_ITEM_LIST ? "list" : wms_verb_name(job->request->verb),
                names[item->phase], names[phase]);
    } else {
        wms_say(job->request->engine, WMS_DEBUG, "%s: session %s: %s, then %s", job->text,
                wms_id_print(&item->id, id, sizeof id), names[item->phase], names[phase]);
    }
}

void wms_item_enter(struct wms_item *item, enum wms_phase phase)
{
    if (item->phase == phase) {
        return;
    }
    if (item->job->request->engine->base.log) {
        tell(item, phase);
    }
    item->phase = (unsigned char) phase;
}
