/* SPDX-License-Identifier: MIT */
/* stored.h - what JetStream keeps on the NATS servers: calls about it. */
#ifndef WMS_NATS_STORED_H
#define WMS_NATS_STORED_H

#include "nats/asking.h"

/* A table that is made on the stack. */
struct nats_made {
    wms_value items[8];
    wms_value table;
};

void nats_made_init(struct nats_made *made);
void nats_made_number(struct nats_made *made, const char *name, uint64_t number);

/* Ends the ask and its op, with that result. */
void nats_end_with(struct nats_ask *ask, const struct nats_made *made);
/* Reads what is an acknowledgment.  False: it is not, or an error other than `allowed`, and that
 * has been seen to. */
bool nats_ack_of(struct nats_ask *ask, const struct courier_message *message, int allowed,
                 struct nats_ack *ret_ack);

/* Asks JetStream for what the text that was written just now says.  Errors: those of
 * nats_ask_store(). */
int nats_put(struct nats_host *host, const struct nats_way *way, const char *subject,
             struct wms_op *op, void *data, const char **ret_text);

/* Calls: each answers the op, now or later, or returns an error. */
int nats_wish_put(struct nats_host *host, struct wms_op *op, struct nats_wish *wish,
                  const char **ret_text);
int nats_wish_delete(struct nats_host *host, struct wms_op *op, const char **ret_text);
int nats_get_stored(struct nats_host *host, struct wms_op *op, bool presence,
                    const char **ret_text);
void nats_prepare(struct nats_host *host, struct wms_op *op, unsigned replicas);

#endif
