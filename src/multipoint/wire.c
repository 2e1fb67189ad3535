/* SPDX-License-Identifier: MIT */
/* wire.c - limits for a TLS connection, below decryption.
 *
 * OpenSSL processes handshake messages (session tickets, key updates, hello requests) as long as
 * they come, without a limit; the program sees nothing of it, and its loop does not turn.  So the
 * messages are counted for each answer, and the bytes that are read in a turn are limited.
 */
#include "wire.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

/* A handshake has less than ten messages; after it, hosts send some session tickets. */
enum { MESSAGES_MAX = 64 };

/* State of a TLS connection.  The exchange owns it until the handshake begins, then the
 * connection's BIO. */
struct multipoint_wire {
    struct multipoint *all;
    struct multipoint_exchange
        *exchange; /* which uses the connection, or NULL: it is kept unused */
    bool owned;    /* the BIO frees it */
    unsigned messages;
};

static const char many_messages[] = "the host sends TLS messages without end";

static void wire_free(struct multipoint_wire *wire)
{
    if (wire->exchange) {
        wire->exchange->wire = NULL;
    }
    multipoint_free(&wire->all->memory, wire);
}

static void on_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl,
                       void *user)
{
    struct multipoint_wire *wire = user;
    (void) version;
    (void) data;
    (void) size;
    (void) ssl;

    if (sent || (type != SSL3_RT_HANDSHAKE && type != SSL3_RT_ALERT)) {
        return;
    }
    wire->messages += wire->messages <= MESSAGES_MAX;
    if (wire->messages > MESSAGES_MAX && wire->exchange) {
        wire->exchange->refused = many_messages;
    }
}

static long before_read(BIO *bio, struct multipoint_wire *wire)
{
    struct multipoint *all = wire->all;

    BIO_clear_retry_flags(bio);
    if (wire->messages > MESSAGES_MAX) {
        return -1;
    }
    if (net_turn_used_up(&all->net)) { /* the data stays in the socket until the next turn */
        BIO_set_retry_read(bio);
        net_turn_soon(&all->net);
        return -1;
    }
    return 1;
}

/* NOLINTBEGIN: the parameters are of OpenSSL's type */
static long on_bio(BIO *bio, int what, const char *data, size_t size, int number, long more,
                   int result, size_t *count)
{
    /* NOLINTEND */
    struct multipoint_wire *wire = (struct multipoint_wire *) (void *) BIO_get_callback_arg(bio);
    (void) data;
    (void) size;
    (void) number;
    (void) more;

    if (what == BIO_CB_FREE) {
        wire_free(wire);
    } else if (what == BIO_CB_READ) {
        return before_read(bio, wire);
    } else if (what == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && count) {
        wire->all->net.taken += *count;
    }
    return result;
}

CURLcode multipoint_wire_set(void *context, struct multipoint_exchange *exchange)
{
    struct multipoint *all = exchange->host->all;

    multipoint_wire_part(exchange);
    struct multipoint_wire *wire = multipoint_alloc(&all->memory, sizeof *wire);
    if (!wire) {
        return CURLE_OUT_OF_MEMORY;
    }
    wire->all = all;
    wire->exchange = exchange;
    exchange->wire = wire;
    SSL_CTX_set_msg_callback(context, on_message);
    SSL_CTX_set_msg_callback_arg(context, wire);
    return CURLE_OK;
}

void multipoint_wire_begin(const void *ssl, struct multipoint_exchange *exchange)
{
    struct multipoint_wire *wire = exchange->wire;
    BIO *bio = SSL_get_rbio(ssl);

    if (wire && bio && !wire->owned) {
        wire->owned = true;
        BIO_set_callback_arg(bio, (char *) wire);
        BIO_set_callback_ex(bio, on_bio);
    }
}

/* The connection's own, whoever it served before; NULL: it is a plain one. */
static struct multipoint_wire *wire_of(const struct multipoint_exchange *exchange)
{
    const struct curl_tlssessioninfo *session = NULL;

    if (curl_easy_getinfo(exchange->transfer.easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK ||
        !session || !session->internals) {
        return NULL;
    }
    BIO *bio = SSL_get_rbio(session->internals);
    return bio && BIO_get_callback_ex(bio) == on_bio
               ? (struct multipoint_wire *) (void *) BIO_get_callback_arg(bio)
               : NULL;
}

void multipoint_wire_join(struct multipoint_exchange *exchange)
{
    struct multipoint_wire *wire = wire_of(exchange);

    if (exchange->wire != wire) {
        multipoint_wire_part(exchange);
    }
    if (wire) {
        if (wire->exchange) { /* which has its answer, and is not judged yet */
            wire->exchange->wire = NULL;
        }
        wire->exchange = exchange;
        wire->messages = 0;
        exchange->wire = wire;
    }
}

void multipoint_wire_part(struct multipoint_exchange *exchange)
{
    struct multipoint_wire *wire = exchange->wire;

    exchange->wire = NULL;
    if (wire && wire->owned) {
        wire->exchange = NULL;
    } else if (wire) { /* no handshake has begun */
        multipoint_free(&wire->all->memory, wire);
    }
}
