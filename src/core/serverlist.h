/* SPDX-License-Identifier: MIT */
/* serverlist.h - which servers a list means: addresses, node sets, groups, exclusions.
 *
 * An element of a list is an expression, as ClusterShell has them: operands, from left to right,
 * with ',' (and), '!' (without), '&' (only what is also in) or '^' (what is in one of both) between
 * them.  An operand is an address, a node set ("lab[01-30]"), or a group ("@room1").  An element
 * that begins with '!' takes what the rest of it means out of the whole list, wherever it stands.
 * In an address, none of this has a meaning behind the slash of its path.
 */
#ifndef WMS_CORE_SERVERLIST_H
#define WMS_CORE_SERVERLIST_H

#include "core/serverset.h"

enum { WMS_GROUP_NAME_MAX = 64 };

/* The members of a group. */
struct wms_members {
    const char *const *servers; /* addresses, each once */
    size_t count;
};

/* Who knows the groups. */
struct wms_grouper {
    /* Finds the group of that name, of `size` bytes.  Errors: INVALID (the engine's complaint says
     * why), NO_MEMORY. */
    int (*find)(void *data, const char *name, size_t size, struct wms_members *ret_members);
    void *data;
};

/* Whether a group may have this name. */
bool wms_group_name_fits(const char *name, size_t size);
/* The element is one address, or NULL: this machine. */
bool wms_serverlist_is_plain(const char *element);
/* Puts the servers that the list means into the set, which must be empty.  Errors: INVALID (the
 * engine's complaint begins with `server: `), NO_MEMORY. */
int wms_serverlist_read(struct wms_serverset *set, const struct wms_grouper *groups,
                        const char *const *elements, size_t count);

#endif
