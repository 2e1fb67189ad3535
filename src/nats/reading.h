/* SPDX-License-Identifier: MIT */
/* reading.h - what the readers of messages share. */
#ifndef WMS_NATS_READING_H
#define WMS_NATS_READING_H

#include "nats/json.h"

/* Reads a message of `most` bytes that is an object, with nothing behind it. */
int nats_reading_object(struct nats_reader *reader, const char *data, size_t size, size_t most,
                        const struct json_field *fields, size_t count, void *object,
                        uint64_t *ret_seen);
/* Sets the complaint; returns PROTOCOL. */
int nats_reading_refuse(struct nats_reader *reader, const char *complaint);
/* A wms_session, which is initialized by this. */
int nats_reading_session(struct json *json, void *session);

#endif
