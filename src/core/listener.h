/* SPDX-License-Identifier: MIT */
/* listener.h - who has a port of this machine. */
#ifndef WMS_CORE_LISTENER_H
#define WMS_CORE_LISTENER_H

#include <sys/types.h>

enum wms_listener {
    WMS_LISTENER_NONE,      /* nobody does */
    WMS_LISTENER_OURS,      /* root, or the user who we are: all of them, if there are several */
    WMS_LISTENER_FOREIGN,   /* another user, among others perhaps */
    WMS_LISTENER_UNSEEN,    /* /proc is not there to tell */
    WMS_LISTENER_NO_ADDRESS /* the address is not numeric */
};

/* Who would get a connection to that TCP port at a numeric address, IPv4 or IPv6.  `ret_owner` is
 * only set if it is FOREIGN. */
enum wms_listener wms_listener_find(const char *address, unsigned port, uid_t *ret_owner);

/* The same of a connection of ours to that port: who has the other end, which may be another one
 * than who listens by now.  An end that no process has accepted yet is whose listener has it. */
enum wms_listener wms_listener_of(const char *address, unsigned port, const char *our_address,
                                  unsigned our_port, uid_t *ret_owner);

#endif
