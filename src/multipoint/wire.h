/* SPDX-License-Identifier: MIT */
/* wire.h - what comes in by a TLS connection, before it is decrypted: how much at a time, and of
 * how many messages. */
#ifndef WMS_MULTIPOINT_WIRE_H
#define WMS_MULTIPOINT_WIRE_H

#include "multipoint.h"

/* At a time: libcurl and OpenSSL would go on as long as something comes, and keep others waiting.
 */
enum { MULTIPOINT_TURN_MAX = 262144 };

/* For a new TLS connection, which the exchange is the first to use; `context`: its SSL_CTX. */
CURLcode multipoint_wire_set(void *context, struct multipoint_exchange *exchange);
/* The handshake has begun, or perhaps is one of many; `ssl`: the connection's. */
void multipoint_wire_begin(const void *ssl, struct multipoint_exchange *exchange);
/* The exchange's question is about to leave: from here on, what comes is its answer. */
void multipoint_wire_join(struct multipoint_exchange *exchange);
/* The exchange has no connection any more. */
void multipoint_wire_part(struct multipoint_exchange *exchange);

#endif
