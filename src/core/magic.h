/* SPDX-License-Identifier: MIT */
/* magic.h - the network cards of hosts that can be woken, and the packets that wake them. */
#ifndef WMS_CORE_MAGIC_H
#define WMS_CORE_MAGIC_H

#include <netinet/in.h>

#include "core/state.h"

enum { WMS_MAC_SIZE = 6, WMS_MAGIC_SIZE = 6 + 16 * WMS_MAC_SIZE, WMS_NETWORK_MAX = 63 };

/* Where a packet goes. */
struct wms_network {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    char interface[WMS_NETWORK_MAX + 1]; /* of a multicast address; "": none is named */
    char text[WMS_NETWORK_MAX + 1];      /* as the program gave it, for messages */
    unsigned char mac[WMS_MAC_SIZE];
};

/* As wms_engine_magics_sized(). */
int wms_cards_set(wms_engine *engine, const wms_magic *magics, size_t count, size_t size);
/* The card of the host at that place, or NULL: none is known. */
const struct wms_network *wms_card_find(const wms_engine *engine, const struct wms_place *place);
void wms_cards_clear(wms_engine *engine, struct wms_cards *cards);
/* Sends the packet.  Errors: UNREACHABLE, INTERNAL, and then `text` says why. */
int wms_magic_send(const struct wms_network *network, char *text, size_t size);

#endif
