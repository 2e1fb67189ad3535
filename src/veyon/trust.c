/* SPDX-License-Identifier: MIT */
/* trust.c - whether a gateway is the one that is meant.  By plain HTTP it is one of this machine's,
 * and root's or our own.  By HTTPS it shows the certificate whose fingerprint was given, or one
 * that an authority which this machine trusts has issued for its name.
 *
 * The last is libcurl's work.  A pinned certificate is compared before each request leaves, also
 * on a kept connection: libcurl has verified nothing then. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "veyon/veyon.h"

enum {
    CHAIN_MAX = 65536, /* bytes of the certificates in a handshake */
    PATIENCE = 10      /* seconds for a connection, with its handshake */
};

int veyon_trust_check(const struct veyon_gateway *gateway, char text[VEYON_SENTENCE])
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);

    if (!gateway->place.secure) {
        return 0;
    }
    if (!version->ssl_version || strncmp(version->ssl_version, "OpenSSL/", 8) != 0) {
        snprintf(text, VEYON_SENTENCE,
                 "this libcurl does not use OpenSSL, which a gateway at https:// needs; install "
                 "libcurl4 (Debian) or libcurl (Fedora)");
        return WMS_E_INTERNAL;
    }
    return 0;
}

/* False: it cannot be read. */
static bool digest_of(const X509 *certificate, unsigned char ret_sha256[NET_SHA256])
{
    return certificate && X509_digest(certificate, EVP_sha256(), ret_sha256, NULL);
}

/* OpenSSL's own verification; what was shown is kept, to be told. */
static int on_certificate(X509_STORE_CTX *store, void *data)
{
    struct veyon_gateway *gateway = data;

    gateway->shown = digest_of(X509_STORE_CTX_get0_cert(store), gateway->shown_sha256);
    return X509_verify_cert(store);
}

/* The gateway outlives all handshakes with it. */
static CURLcode on_tls(CURL *easy, void *ssl_context, void *data)
{
    SSL_CTX *context = ssl_context;
    struct veyon_gateway *gateway = data;
    (void) easy;

    gateway->shown = false;
    if (!gateway->pinned) {
        SSL_CTX_set_cert_verify_callback(context, on_certificate, gateway);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_keylog_callback(context, NULL); /* libcurl would write the session's keys, and so
                                                   the private key, to $SSLKEYLOGFILE */
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX);
    return CURLE_OK;
}

CURLcode veyon_trust_set(CURL *easy, struct veyon_gateway *gateway)
{
    CURLcode failed = CURLE_OK;

    if (!gateway->place.secure) {
        return CURLE_OK;
    }
#define SET(option, value) failed = failed ? failed : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_CONNECTTIMEOUT, (long) PATIENCE);
    SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, gateway->pinned ? 0L : 1L); /* see veyon_trust_leaves() */
    SET(CURLOPT_SSL_VERIFYHOST, gateway->pinned ? 0L : 2L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(CURLOPT_SSL_CTX_DATA, gateway);
#undef SET
    return failed;
}

/* The certificate of the connection by which the transfer is about to be sent; NULL: none. */
static X509 *certificate_of(CURL *easy)
{
    const struct curl_tlssessioninfo *session = NULL;

    return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session &&
                   session->backend == CURLSSLBACKEND_OPENSSL && session->internals
               ? SSL_get1_peer_certificate(session->internals)
               : NULL;
}

static bool is_valid_now(const X509 *certificate)
{
    return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

static int compare(CURL *easy, struct veyon_gateway *gateway, char text[VEYON_SENTENCE])
{
    X509 *certificate = certificate_of(easy);
    bool valid = certificate && is_valid_now(certificate);
    char fingerprint[NET_FINGERPRINT] = "";

    gateway->shown = digest_of(certificate, gateway->shown_sha256);
    X509_free(certificate);
    if (gateway->shown) {
        net_fingerprint_print(gateway->shown_sha256, fingerprint);
    }
    if (gateway->shown && CRYPTO_memcmp(gateway->shown_sha256, gateway->sha256, NET_SHA256) == 0) {
        if (valid) {
            return 0;
        }
        snprintf(text, VEYON_SENTENCE,
                 "the gateway's certificate has expired, or is not valid yet: nothing is sent to "
                 "it; renew it, and bind anew with its fingerprint");
    } else {
        snprintf(
            text, VEYON_SENTENCE,
            "the gateway shows another certificate than the one that was given%s%s: nothing is "
            "sent to it; if it was renewed, bind anew with its fingerprint",
            *fingerprint ? ", with the fingerprint " : "", fingerprint);
    }
    return WMS_E_UNTRUSTED;
}

/* Whose the other end of a connection is remains so: it is looked at once. */
static int look(struct veyon_exchange *exchange, const char *our_host, unsigned our_port)
{
    const struct veyon_place *place = &exchange->gateway->place;
    int error = exchange->fresh ? veyon_listener_check(place->host, place->port, our_host, our_port,
                                                       exchange->why)
                                : 0;

    exchange->fresh = exchange->fresh && error;
    return error;
}

int veyon_trust_leaves(struct veyon_exchange *exchange, const char *our_host, unsigned our_port)
{
    struct veyon_gateway *gateway = exchange->gateway;

    if (!gateway->place.secure) {
        return look(exchange, our_host, our_port);
    }
    return gateway->pinned ? compare(exchange->transfer.easy, gateway, exchange->why) : 0;
}

void veyon_trust_complain(const struct veyon_gateway *gateway, char text[VEYON_SENTENCE])
{
    char fingerprint[NET_FINGERPRINT] = "";

    if (gateway->shown) {
        net_fingerprint_print(gateway->shown_sha256, fingerprint);
    }
    snprintf(
        text, VEYON_SENTENCE,
        "no authority that this machine trusts vouches that the gateway is %s: nothing is sent "
        "to it; if its certificate is its own, compare the SHA-256 there and bind with "
        "`fingerprint`%s%s",
        gateway->place.host, *fingerprint ? "; it shows " : "", fingerprint);
}
