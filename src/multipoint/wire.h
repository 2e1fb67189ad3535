/* SPDX-License-Identifier: MIT */
/* wire.h - limits for a TLS connection, below decryption: how many bytes are read in a turn of the
 * loop, and how many handshake messages are accepted. */
#ifndef WMS_MULTIPOINT_WIRE_H
#define WMS_MULTIPOINT_WIRE_H

#include "multipoint.h"

/* Sets the limits for a new TLS connection, which the exchange opens; `context`: its SSL_CTX.
 * Errors: CURLE_OUT_OF_MEMORY. */
CURLcode multipoint_wire_set(void *context, struct multipoint_exchange *exchange);
/* A handshake begins on the connection `ssl`; this may be called several times for one connection.
 */
void multipoint_wire_begin(const void *ssl, struct multipoint_exchange *exchange);
/* The exchange's question is about to be sent: counts the messages of its answer from here on. */
void multipoint_wire_join(struct multipoint_exchange *exchange);
/* Separates the exchange from its connection, if it has one. */
void multipoint_wire_part(struct multipoint_exchange *exchange);

#endif
