/* SPDX-License-Identifier: MIT */
/* merge.c - merges two rows of one session in a host's list: what they agree on is kept, what they
 * differ in becomes unknown. */
#include <string.h>

#include "core/parts.h"

static const char *common_text(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0 ? one : NULL;
}

static signed char common_flag(signed char one, signed char other)
{
    return one == other ? one : -1;
}

/* For flags that exclude a session from an action: `value` in one row is enough. */
static signed char either(signed char one, signed char other, signed char value)
{
    return one == value || other == value ? value : common_flag(one, other);
}

static void merge_whole(wms_session *kept, const wms_session *other)
{
    kept->station_id = kept->station_id == other->station_id ? kept->station_id : -1;
#define WMS_X(field, name) kept->field = common_text(kept->field, other->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) kept->field = common_flag(kept->field, other->field);
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) kept->field = kept->field == other->field ? kept->field : -1;
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
}

void wms_listed_merge(struct wms_listed *kept, const struct wms_listed *other)
{
    kept->user_name = common_text(kept->user_name, other->user_name);
    kept->identity = common_text(kept->identity, other->identity);
    kept->spared = kept->spared ? kept->spared : other->spared;
    kept->is_orchestratable = either(kept->is_orchestratable, other->is_orchestratable, 0);
    kept->is_own = either(kept->is_own, other->is_own, 1);
    if (kept->whole && other->whole) {
        merge_whole(kept->whole, other->whole);
        kept->whole->spared = kept->spared;
        kept->whole->is_orchestratable = kept->is_orchestratable;
        kept->whole->is_own = kept->is_own;
    }
}
