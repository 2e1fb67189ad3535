/* SPDX-License-Identifier: MIT */
/* options.h - what a connection to the NATS servers needs.  It knows nothing of an engine. */
#ifndef WMS_NATS_OPTIONS_H
#define WMS_NATS_OPTIONS_H

#include <nats/nats.h>

#include <wms.h>

struct nats_server {
    char *url;   /* "nats://HOST:PORT" */
    char *host;  /* without brackets */
    char *place; /* "HOST:PORT", for messages */
    bool tls;    /* its URL says so */
};

struct nats_options {
    struct nats_server *servers;
    size_t count;
    bool secure; /* TLS */
    char *name, *credentials, *nkey, *user_name, *password_file, *ca, *certificate, *key;
};

/* Copies it, by malloc().  Errors: INVALID (and what is wrong), NO_MEMORY. */
int nats_options_new(const wms_nats *given, struct nats_options **ret_options, char *complaint,
                     size_t size);
void nats_options_free(struct nats_options *options); /* NULL is allowed */
/* For a connection to one of the servers.  Reads the files; may block.  Errors: ACCESS_DENIED,
 * UNTRUSTED, NO_MEMORY, INTERNAL, and a sentence. */
int nats_options_make(const struct nats_options *options, size_t server, natsOptions **ret_made,
                      char *sentence, size_t size);

#endif
