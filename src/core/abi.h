/* SPDX-License-Identifier: MIT */
/* abi.h - the structs of programs and providers that were built with another version's headers.
 *
 * Structs only grow at their end.  Whoever passes a struct also tells its size in the headers that
 * it was built with; nothing beyond that is read or written.  Programs built with 0.1.0 tell no
 * sizes: those of its structs are listed here.
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

/* The size of the part of the struct that every provider of this ABI has, however old. */
enum { WMS_PROVIDER_REQUIRED = WMS_UP_TO(struct wms_provider, unobserve) };

/* Copies a caller's struct of `size` bytes into ours; members that it does not have keep their
 * values. */
static inline void wms_take(void *ours, size_t our_size, const void *theirs, size_t size)
{
    if (size > 0) { /* with 0, `theirs` may be NULL */
        memcpy(ours, theirs, size < our_size ? size : our_size);
    }
}

/* Copies our struct into a caller's of `size` bytes; members that we do not have are set to 0. */
static inline void wms_give(void *theirs, size_t size, const void *ours, size_t our_size)
{
    memcpy(theirs, ours, size < our_size ? size : our_size);
    if (size > our_size) {
        memset((char *) theirs + our_size, 0, size - our_size);
    }
}

#endif
