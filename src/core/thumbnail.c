/* SPDX-License-Identifier: MIT */
/* thumbnail.c - pictures of sessions: kept from the provider's answer until the caller has been
 * handed them.
 *
 * A picture may be megabytes, and a room has many sessions: so each server is asked for one at a
 * time, and where the caller follows the outcomes, for the next one after it was handed over. */
#include <string.h>

#include "core/jpeg.h"
#include "core/parts.h"

static wms_engine *engine_of(const struct wms_item *item)
{
    return item->job->request->engine;
}

int wms_item_keep_thumbnail(struct wms_item *item, const void *data, size_t size)
{
    wms_thumbnail head = {.size = size, .time = wms_wall_clock()};

    wms_item_drop_thumbnail(item);
    if (!wms_jpeg_read(data, size, &head.width, &head.height)) {
        return WMS_E_PROTOCOL;
    }
    wms_thumbnail *thumbnail = wms_resize(engine_of(item), NULL, sizeof *thumbnail + size);
    if (!thumbnail) {
        return WMS_E_NO_MEMORY;
    }
    head.data = memcpy(thumbnail + 1, data, size);
    *thumbnail = head;
    item->thumbnail = thumbnail;
    return 0;
}

/* What was on a screen is wiped: it may have been a secret. */
void wms_item_drop_thumbnail(struct wms_item *item)
{
    if (item->thumbnail) {
        wms_free_wiped(engine_of(item), item->thumbnail,
                       sizeof *item->thumbnail + item->thumbnail->size);
        item->thumbnail = NULL;
    }
}

void wms_thumbnail_waits(struct wms_item *item)
{
    item->job->unread += item->thumbnail != NULL;
}

bool wms_thumbnails_rest(const struct wms_job *job)
{
    return (job->request->traits & WMS_HAS_THUMBNAIL) && (job->pending > 0 || job->unread > 0);
}

bool wms_thumbnail_back(wms_request *request)
{
    struct wms_item *item = request->shown;

    request->shown = NULL;
    if (!item) {
        return false;
    }
    wms_item_drop_thumbnail(item);
    if (!request->follow) {
        return false;
    }
    item->job->unread--;
    wms_job_kick(item->job);
    return true;
}
