/* SPDX-License-Identifier: MIT */
/* renewal.h - certificates that follow others: the host's, and this machine's. */
#ifndef WMS_MULTIPOINT_RENEWAL_H
#define WMS_MULTIPOINT_RENEWAL_H

#include "multipoint.h"

/* Of a host that is watched.  To be zeroed, but for `host`. */
struct multipoint_renewal {
    struct multipoint_host *host;
    struct multipoint_exchange *asking, *telling; /* for the host's; of ours; or NULL */
    struct multipoint_endpoint successor;         /* what the host is told, until it has agreed */
    void *making;                                 /* its key is being made, or NULL */
    int64_t ask_at, tell_at;                      /* not before; seconds since 1970 */
};

/* Looks whether one of the two certificates ends soon, and does what is to be done then. */
void multipoint_renewal_look(struct multipoint_renewal *renewal);
void multipoint_renewal_end(struct multipoint_renewal *renewal);
/* If this machine's certificate has come to its end, its successor takes its place. */
void multipoint_renewal_promote(struct multipoint_host *host);

#endif
