/* SPDX-License-Identifier: MIT */
/* endpoint.c - where this machine is told of events: its name and port, and the key and certificate
 * that it shows there.
 *
 * Hosts take the certificate for one of their trusted roots ([MS-RSMC] 3.6.4.43): so the key is
 * made for this alone, its certificate may sign nothing, and it is kept as secret as the passwords.
 * All hosts that are bound with one name and port are told the same certificate, since one port
 * shows one.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <strings.h>

enum {
    KEY_BITS = 2048, /* what Windows takes at least and all of them can do */
    DAY = 86400,
    VALID = 730 * DAY,
    LEFT = 60 * DAY /* a certificate that ends earlier is not told to one more host */
};

/* ---- what there is --------------------------------------------------------------------------- */

void multipoint_endpoint_free(const struct multipoint_memory *memory,
                              struct multipoint_endpoint *endpoint)
{
    multipoint_free_secret(memory, endpoint->key, endpoint->key_size);
    multipoint_free(memory, endpoint->der);
    *endpoint = (struct multipoint_endpoint){0};
}

bool multipoint_endpoint_same(const struct multipoint_endpoint *a,
                              const struct multipoint_endpoint *b)
{
    return a->port == b->port && strcasecmp(a->host_name, b->host_name) == 0;
}

static char *copy(const struct multipoint_memory *memory, const void *data, size_t size)
{
    char *block = memory->services->resize(memory->engine, NULL, size);

    return block ? memcpy(block, data, size) : NULL;
}

int multipoint_endpoint_keep(const struct multipoint_memory *memory,
                             struct multipoint_endpoint *endpoint, const void *key, size_t key_size,
                             const void *der, size_t der_size)
{
    struct multipoint_certificate certificate;
    char name[MULTIPOINT_NAME];
    int error = multipoint_certificate_read(der, der_size, &certificate, name);

    if (error || key_size == 0) {
        return error == WMS_E_NO_MEMORY ? error : WMS_E_INTERNAL;
    }
    char *new_key = copy(memory, key, key_size), *new_der = copy(memory, der, der_size);
    if (!new_key || !new_der) {
        multipoint_free_secret(memory, new_key, key_size);
        multipoint_free(memory, new_der);
        return WMS_E_NO_MEMORY;
    }
    multipoint_free_secret(memory, endpoint->key, endpoint->key_size);
    multipoint_free(memory, endpoint->der);
    endpoint->key = new_key;
    endpoint->key_size = key_size;
    endpoint->der = new_der;
    endpoint->der_size = der_size;
    endpoint->expires = certificate.end;
    memcpy(endpoint->thumbprint, certificate.thumbprint, sizeof endpoint->thumbprint);
    return 0;
}

/* ---- what is given --------------------------------------------------------------------------- */

static bool is_ipv4(const char *text)
{
    struct in_addr address;

    return inet_pton(AF_INET, text, &address) == 1;
}

/* A name as DNS has it, or an IPv4 address: both are written in a URL as they are. */
static bool is_host_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= MULTIPOINT_HOST_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
               length &&
           *name != '.' && *name != '-' && !strstr(name, "..") && name[length - 1] != '.';
}

bool multipoint_endpoint_check(const struct wms_call *call, char *complaint, size_t size)
{
    struct in6_addr address;
    const char *what = NULL;

    if (!call->events_host_name && !call->events_port && !call->events_address) {
        return true;
    }
    if (!call->events_host_name) {
        what = "host_name missing; give this machine's name as the hosts reach it";
    } else if (!is_host_name(call->events_host_name)) {
        what =
            "host_name: no name of a host, of at most 64 letters, digits, '.' and '-'; give this "
            "machine's name as the hosts reach it";
    } else if (call->events_port == 0 || call->events_port > 65535) {
        what = "port missing; give a free port of this machine, 1 to 65535";
    } else if (call->events_address && !is_ipv4(call->events_address) &&
               inet_pton(AF_INET6, call->events_address, &address) != 1) {
        what = "address: no numeric address; give one of this machine's, such as \"10.1.0.7\", or "
               "leave it out";
    }
    if (what) {
        snprintf(complaint, size, "events: %s", what);
    }
    return !what;
}

void multipoint_endpoint_set(struct multipoint_endpoint *endpoint, const char *host_name,
                             unsigned port, const char *address)
{
    snprintf(endpoint->host_name, sizeof endpoint->host_name, "%s", host_name);
    snprintf(endpoint->address, sizeof endpoint->address, "%s", address ? address : "");
    endpoint->port = port;
}

/* ---- those of other bindings ----------------------------------------------------------------- */

struct search {
    struct multipoint_endpoint *endpoint;
    const struct multipoint_memory *memory;
    int error;
};

/* Whether a host may be told of it now. */
static bool is_good(const struct multipoint_endpoint *found,
                    const struct multipoint_endpoint *wanted)
{
    return found->port && multipoint_endpoint_same(found, wanted) &&
           found->expires - time(NULL) > LEFT;
}

static bool take_over(struct search *search, const struct multipoint_endpoint *found)
{
    bool good = is_good(found, search->endpoint);

    if (good) {
        search->error = multipoint_endpoint_keep(search->memory, search->endpoint, found->key,
                                                 found->key_size, found->der, found->der_size);
    }
    return good;
}

static bool look(void *data, const wms_value *record)
{
    struct search *search = data;
    struct multipoint_endpoint found = {.port = 0}, successor = {.port = 0};

    search->error = multipoint_endpoint_read(search->memory, record, &found);
    if (!search->error) {
        search->error = multipoint_successor_read(search->memory, record, &found, &successor);
    }
    bool same = !search->error && (take_over(search, &found) || take_over(search, &successor));
    multipoint_endpoint_free(search->memory, &found);
    multipoint_endpoint_free(search->memory, &successor);
    if (search->error == WMS_E_INTERNAL) {
        search->error = 0; /* another binding is broken: not this one's concern */
    }
    return same || search->error;
}

static int search_bindings(const struct multipoint_memory *memory,
                           struct multipoint_endpoint *endpoint)
{
    struct search search = {endpoint, memory, 0};

    if (!WMS_SERVICE(memory->services, search)) {
        return 0;
    }
    int error = memory->services->search(memory->engine, look, &search);
    /* A folder that cannot be looked into is told when the binding is saved. */
    return error == WMS_E_NO_MEMORY ? error : search.error;
}

/* ---- those that were made here --------------------------------------------------------------- */

/* Hosts may be bound at once: the second takes the key that was made for the first, whose binding
 * may not be saved yet. */
struct remembered {
    struct node node;
    struct multipoint_endpoint endpoint;
};

int multipoint_endpoint_search(struct multipoint *all, struct multipoint_endpoint *endpoint)
{
    for (struct node *node = all->endpoints.next; node != &all->endpoints; node = node->next) {
        const struct multipoint_endpoint *found =
            &NODE_OWNER(node, struct remembered, node)->endpoint;
        if (is_good(found, endpoint)) {
            return multipoint_endpoint_keep(&all->memory, endpoint, found->key, found->key_size,
                                            found->der, found->der_size);
        }
    }
    return search_bindings(&all->memory, endpoint);
}

int multipoint_endpoint_remember(struct multipoint *all, const struct multipoint_endpoint *endpoint)
{
    struct remembered *remembered = multipoint_alloc(&all->memory, sizeof *remembered);

    if (!remembered) {
        return WMS_E_NO_MEMORY;
    }
    node_append(&all->endpoints, &remembered->node);
    multipoint_endpoint_set(&remembered->endpoint, endpoint->host_name, endpoint->port, NULL);
    return multipoint_endpoint_keep(&all->memory, &remembered->endpoint, endpoint->key,
                                    endpoint->key_size, endpoint->der, endpoint->der_size);
}

void multipoint_endpoints_free(struct multipoint *all)
{
    while (!node_alone(&all->endpoints)) {
        struct remembered *remembered = NODE_OWNER(all->endpoints.next, struct remembered, node);
        node_remove(&remembered->node);
        multipoint_endpoint_free(&all->memory, &remembered->endpoint);
        multipoint_free(&all->memory, remembered);
    }
}

/* ---- the record ------------------------------------------------------------------------------ */

size_t multipoint_endpoint_write(const struct multipoint_endpoint *endpoint, wms_value *fields)
{
    size_t count = 0;

    fields[count++] =
        multipoint_string("events_host_name", endpoint->host_name, strlen(endpoint->host_name));
    fields[count++] = multipoint_natural("events_port", endpoint->port);
    fields[count++] = multipoint_natural("events_expires", (uint64_t) endpoint->expires);
    if (*endpoint->address) {
        fields[count++] =
            multipoint_string("events_address", endpoint->address, strlen(endpoint->address));
    }
    return count;
}

size_t multipoint_endpoint_write_secret(const struct multipoint_endpoint *endpoint, bool successor,
                                        wms_value *fields)
{
    fields[0] = multipoint_string(successor ? "events_next_certificate" : "events_certificate",
                                  endpoint->der, endpoint->der_size);
    fields[1] = multipoint_string(successor ? "events_next_key" : "events_key", endpoint->key,
                                  endpoint->key_size);
    return 2;
}

int multipoint_successor_read(const struct multipoint_memory *memory, const wms_value *record,
                              const struct multipoint_endpoint *endpoint,
                              struct multipoint_endpoint *ret_successor)
{
    const wms_value *secret = multipoint_value(record, "secret", WMS_TABLE);
    const wms_value *key = secret ? multipoint_value(secret, "events_next_key", WMS_STRING) : NULL,
                    *der = secret ? multipoint_value(secret, "events_next_certificate", WMS_STRING)
                                  : NULL;

    if (!endpoint->port || (!key && !der)) {
        return 0;
    }
    if (!key || !der) {
        return WMS_E_INTERNAL;
    }
    multipoint_endpoint_set(ret_successor, endpoint->host_name, endpoint->port, endpoint->address);
    return multipoint_endpoint_keep(memory, ret_successor, key->text, key->size, der->text,
                                    der->size);
}

int multipoint_endpoint_read(const struct multipoint_memory *memory, const wms_value *record,
                             struct multipoint_endpoint *ret_endpoint)
{
    const wms_value *name = multipoint_value(record, "events_host_name", WMS_STRING),
                    *port = multipoint_value(record, "events_port", WMS_NATURAL),
                    *address = multipoint_value(record, "events_address", WMS_STRING),
                    *secret = multipoint_value(record, "secret", WMS_TABLE);
    const wms_value *key = secret ? multipoint_value(secret, "events_key", WMS_STRING) : NULL,
                    *der =
                        secret ? multipoint_value(secret, "events_certificate", WMS_STRING) : NULL;

    if (!name && !port) {
        return 0;
    }
    if (!name || strlen(name->text) != name->size || !is_host_name(name->text) || !port ||
        port->natural == 0 || port->natural > 65535 || !key || !der ||
        (address && (strlen(address->text) != address->size ||
                     address->size >= sizeof ret_endpoint->address))) {
        return WMS_E_INTERNAL;
    }
    multipoint_endpoint_set(ret_endpoint, name->text, (unsigned) port->natural,
                            address ? address->text : NULL);
    return multipoint_endpoint_keep(memory, ret_endpoint, key->text, key->size, der->text,
                                    der->size);
}

void multipoint_endpoint_pem(struct multipoint_text *out, const char *label, const char *der,
                             size_t size)
{
    enum { LINE = 48 };
    unsigned char line[LINE / 3 * 4 + 2];

    multipoint_text_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < size; at += LINE) {
        int taken = size - at < LINE ? (int) (size - at) : LINE;
        int length = EVP_EncodeBlock(line, (const unsigned char *) der + at, taken);
        line[length] = '\n';
        multipoint_text_add(out, (const char *) line, (size_t) length + 1);
    }
    explicit_bzero(line, sizeof line);
    multipoint_text_printf(out, "-----END %s-----\n", label);
    multipoint_text_add(out, "", 1);
}

/* ---- a new key ------------------------------------------------------------------------------- */

/* Made in a thread of its own: it takes a part of a second, perhaps more. */
struct making {
    char host_name[MULTIPOINT_HOST_NAME + 1];
    unsigned char *key, *der; /* OpenSSL's memory */
    int key_size, der_size;
    void (*done)(void *data, int code, struct multipoint_made *made);
    void *data;
};

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    bool added = extension && X509_add_ext(certificate, extension, -1);

    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    unsigned char random[16];
    bool good = RAND_bytes(random, sizeof random) == 1;

    random[0] = (unsigned char) ((random[0] & 0x7F) | 0x40); /* positive, and of full length */
    BIGNUM *number = good ? BN_bin2bn(random, sizeof random, NULL) : NULL;
    good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return good;
}

/* [MS-RSMC] 3.4.4.1: its subject is the client's name, its extended key usage Server Authentication
 * alone. */
static bool describe(X509 *certificate, EVP_PKEY *key, const char *host_name)
{
    char other_name[MULTIPOINT_HOST_NAME + 8];
    X509_NAME *name = X509_get_subject_name(certificate);

    snprintf(other_name, sizeof other_name, "%s:%s", is_ipv4(host_name) ? "IP" : "DNS", host_name);
    return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY) && /* hosts' clocks differ */
           X509_gmtime_adj(X509_getm_notAfter(certificate), VALID) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *) host_name,
                                      -1, -1, 0) &&
           X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
           add_extension(certificate, NID_subject_alt_name, other_name) &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static void make(void *shared)
{
    struct making *making = shared;

    ERR_set_mark();
    EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
    X509 *certificate = key ? X509_new() : NULL;
    if (certificate && describe(certificate, key, making->host_name)) {
        PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
        making->key_size = plain ? i2d_PKCS8_PRIV_KEY_INFO(plain, &making->key) : -1;
        making->der_size = i2d_X509(certificate, &making->der);
        PKCS8_PRIV_KEY_INFO_free(plain);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
}

static void made(void *shared, int code)
{
    struct making *making = shared;
    bool whole = making->key_size > 0 && making->der_size > 0;
    struct multipoint_made result = {making->key, making->der, (size_t) making->key_size,
                                     (size_t) making->der_size};

    making->done(making->data, code ? code : whole ? 0 : WMS_E_NO_MEMORY, &result);
}

static void dispose(void *shared)
{
    struct making *making = shared;

    OPENSSL_clear_free(making->key, making->key_size > 0 ? (size_t) making->key_size : 0);
    OPENSSL_free(making->der);
}

static const struct wms_work work = {
    .size = sizeof(struct making), .run = make, .done = made, .dispose = dispose};

void *multipoint_endpoint_make(const struct multipoint_memory *memory, const char *host_name,
                               void (*done)(void *data, int code, struct multipoint_made *made),
                               void *data)
{
    struct making *making = memory->services->work_new(memory->engine, &work);

    if (making) {
        snprintf(making->host_name, sizeof making->host_name, "%s", host_name);
        making->done = done;
        making->data = data;
        memory->services->work_start(making);
    }
    return making;
}
