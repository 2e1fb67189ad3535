/* SPDX-License-Identifier: MIT */
/* abi_0_1.c - the functions of wms/memory.h as programs that were built with the headers of 0.1.0
 * call them: see core/abi_0_1.c. */
#define WMS_NO_INLINE
#include "core/abi.h"
#include <wms/memory.h>

enum {
    OPTIONS = WMS_UP_TO(struct wms_memory_options, admin_orchestration),
    ENTRY = WMS_UP_TO(struct wms_memory_entry, title)
};

int wms_memory_new(wms_engine *engine, const char *name, const struct wms_memory_options *options,
                   wms_memory **ret_host)
{
    return wms_memory_new_sized(engine, name, options, OPTIONS, ret_host);
}

int wms_memory_open(wms_memory *host, const wms_session *session, double relock_after)
{
    return wms_memory_open_sized(host, session, WMS_SESSION_0_1, relock_after);
}

int wms_memory_log(const wms_memory *host, size_t index, struct wms_memory_entry *ret_entry)
{
    return wms_memory_log_sized(host, index, ret_entry, ENTRY);
}

int wms_memory_session(const wms_memory *host, const wms_id *id, wms_session *ret_session,
                       const char **ret_message)
{
    return wms_memory_session_sized(host, id, ret_session, WMS_SESSION_0_1, ret_message);
}
