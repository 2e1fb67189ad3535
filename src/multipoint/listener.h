/* SPDX-License-Identifier: MIT */
/* listener.h - where an engine is told of events: one listener for each name and port. */
#ifndef WMS_MULTIPOINT_LISTENER_H
#define WMS_MULTIPOINT_LISTENER_H

#include "multipoint.h"
#include "telling.h"

struct multipoint_listener;

/* A host that tells, and what is to be done then. */
struct multipoint_user {
    struct node node;                     /* of the listener's users */
    struct multipoint_listener *listener; /* NULL: it does not listen */
    struct multipoint_host *host;         /* its binding has the passwords */
    struct multipoint_caller caller;
    /* The host has told something; it is answered already.  Called between net_enter() and
     * net_leave(); must not close the listener. */
    void (*told)(struct multipoint_user *user, const struct multipoint_verdict *verdict);
};

/* Listens where the host's binding says, or joins those who do; `host` and `told` are set.  Whoever
 * has joined calls it again from time to time: it may be that another certificate has to be shown
 * by now.  Not to be called from `told`.  Errors: UNSUPPORTED (the module is not there), BUSY
 * (somebody else has the port), ACCESS_DENIED, INTERNAL, NO_MEMORY; `why` is a sentence. */
int multipoint_listener_join(struct multipoint_user *user, char *why, size_t size);
/* Ends it; the last one closes the listener.  Sends nothing in a forked child. */
void multipoint_listener_leave(struct multipoint_user *user);

#endif
