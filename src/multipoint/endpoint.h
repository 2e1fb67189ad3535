/* SPDX-License-Identifier: MIT */
/* endpoint.h - where this machine is told of events, as a binding has it.
 *
 * A binding with one has been told to its host: [MS-RSMC] 3.4.4.1, SetSslCertificate.
 */
#ifndef WMS_MULTIPOINT_ENDPOINT_H
#define WMS_MULTIPOINT_ENDPOINT_H

#include "multipoint.h"

/* Whether the call's `events` can be such; if not, `complaint` names the field and the fix. */
bool multipoint_endpoint_check(const struct wms_call *call, char *complaint, size_t size);
/* `address` NULL: all of this machine's. */
void multipoint_endpoint_set(struct multipoint_endpoint *endpoint, const char *host_name,
                             unsigned port, const char *address);
/* Whether they are one: the same port, and the same name but for upper and lower case. */
bool multipoint_endpoint_same(const struct multipoint_endpoint *a,
                              const struct multipoint_endpoint *b);
/* Copies key (PKCS #8) and certificate into it, in place of what it had.  Errors: INTERNAL (it is
 * no certificate), NO_MEMORY. */
int multipoint_endpoint_keep(const struct multipoint_memory *memory,
                             struct multipoint_endpoint *endpoint, const void *key, size_t key_size,
                             const void *der, size_t der_size);
/* Takes key and certificate from an endpoint with the same name and port, if one was made in this
 * engine or is in a binding; else `key` stays NULL.  Errors: NO_MEMORY. */
int multipoint_endpoint_search(struct multipoint *all, struct multipoint_endpoint *endpoint);
/* Keeps a copy for the engine's other bindings.  Errors: NO_MEMORY. */
int multipoint_endpoint_remember(struct multipoint *all,
                                 const struct multipoint_endpoint *endpoint);
void multipoint_endpoints_free(struct multipoint *all);

/* A new key and certificate: OpenSSL's memory, which goes when done() returns. */
struct multipoint_made {
    const unsigned char *key, *der;
    size_t key_size, der_size;
};
/* Makes a key and a certificate in a thread; done() is called later in the engine's, with NO_MEMORY
 * or INTERNAL if that has failed.  Returns what work_free() takes, also from inside done(); NULL:
 * out of memory. */
void *multipoint_endpoint_make(const struct multipoint_memory *memory, const char *host_name,
                               void (*done)(void *data, int code, struct multipoint_made *made),
                               void *data);

/* Adds it to a text as PEM, NUL-terminated. */
void multipoint_endpoint_pem(struct multipoint_text *out, const char *label, const char *der,
                             size_t size);

/* The binding's fields for it, and those that are secret.  The values point into it. */
enum { MULTIPOINT_ENDPOINT_FIELDS = 4, MULTIPOINT_ENDPOINT_SECRETS = 2 };
size_t multipoint_endpoint_write(const struct multipoint_endpoint *endpoint, wms_value *fields);
size_t multipoint_endpoint_write_secret(const struct multipoint_endpoint *endpoint, bool successor,
                                        wms_value *fields);

#endif
