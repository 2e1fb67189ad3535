/* SPDX-License-Identifier: MIT */
/* abi.h - the structs of programs and providers that were built with another version's headers.
 *
 * Structs only grow at their end.  Who hands one over says how large it is there; nothing is read
 * or written beyond.  Of what was built with 0.1.0, which said nothing, the sizes stand here.
 */
#ifndef WMS_CORE_ABI_H
#define WMS_CORE_ABI_H

#include <wms/provider.h>

#define WMS_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *) 0)->member))

/* The last members that 0.1.0 had. */
enum {
    WMS_COMMAND_0_1 = WMS_UP_TO(wms_command, title),
    WMS_ACTION_0_1 = WMS_UP_TO(wms_action, operation),
    WMS_TRANSPORT_0_1 = WMS_UP_TO(wms_transport, proxy),
    WMS_OUTCOME_0_1 = WMS_UP_TO(wms_outcome, note),
    WMS_SESSION_0_1 = WMS_UP_TO(wms_session, locked),
    WMS_FAULT_0_1 = WMS_UP_TO(wms_fault, id),
    WMS_SIGHT_0_1 = WMS_UP_TO(struct wms_sight, locked)
};

/* What every provider of this ABI has, however old. */
enum { WMS_PROVIDER_REQUIRED = WMS_UP_TO(struct wms_provider, unobserve) };

/* From another's struct of `size` bytes: what it does not have stays as it is in ours. */
static inline void wms_take(void *ours, size_t our_size, const void *theirs, size_t size)
{
    if (size > 0) { /* else there may be none */
        memcpy(ours, theirs, size < our_size ? size : our_size);
    }
}

/* Into another's struct of `size` bytes: what we do not have is 0 there. */
static inline void wms_give(void *theirs, size_t size, const void *ours, size_t our_size)
{
    memcpy(theirs, ours, size < our_size ? size : our_size);
    if (size > our_size) {
        memset((char *) theirs + our_size, 0, size - our_size);
    }
}

#endif
