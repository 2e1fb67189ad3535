/* SPDX-License-Identifier: MIT */
/* certificate.c - OpenSSL: what a certificate says, and whether it is the host's. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <strings.h>

#include "wire.h"

enum { SHA1_SIZE = 20, NAME = MULTIPOINT_NAME, TIME = 64, CIPHERS_MAX = 8192 };
/* Maximum bytes of the certificate chain in a handshake.  Only the host's own certificate is looked
 * at, so no host needs a long chain. */
enum { CHAIN_MAX = 16384 };

static char groups[] =
    "X25519:P-256:P-384:P-521"; /* not const, as OpenSSL's macro requires; it is not changed */

/* ---- what it is ------------------------------------------------------------------------------ */

static void print_hex(const unsigned char *bytes, size_t count, const char *between, char *out)
{
    for (size_t i = 0; i < count; i++) {
        out += sprintf(out, "%s%02X", i ? between : "", bytes[i]);
    }
}

/* For CURLOPT_PINNEDPUBLICKEY.  The certificate is compared in on_certificate(); the pin makes
 * libcurl use a kept connection or a TLS session only for the same certificate. */
static int print_pin(const unsigned char *key, size_t size, char pin[MULTIPOINT_PIN])
{
    unsigned char digest[MULTIPOINT_SHA256];

    if (!EVP_Digest(key, size, digest, NULL, EVP_sha256(), NULL)) {
        return WMS_E_NO_MEMORY;
    }
    int length = sprintf(pin, "sha256//");
    EVP_EncodeBlock((unsigned char *) pin + length, digest, sizeof digest);
    return 0;
}

/* What follows the certificate, if anything does, is not looked at: multipoint_certificate_read()
 * refuses it. */
static X509 *parse(const unsigned char *der, size_t size)
{
    const unsigned char *at = der;

    return size <= INT32_MAX ? d2i_X509(NULL, &at, (long) size) : NULL;
}

/* `otherwise` is returned for a time that cannot be read, and has to make the certificate invalid.
 */
static int64_t seconds(const ASN1_TIME *time, int64_t otherwise)
{
    struct tm parts;

    return ASN1_TIME_to_tm(time, &parts) ? (int64_t) timegm(&parts) : otherwise;
}

static void print_string(const ASN1_STRING *value, char name[NAME])
{
    int length = value ? ASN1_STRING_length(value) : 0;
    const unsigned char *data = value ? ASN1_STRING_get0_data(value) : NULL;
    size_t used = 0;

    for (int i = 0; i < length && used < NAME - 1; i++) {
        name[used++] = data[i] > ' ' && data[i] < 127 ? (char) data[i] : '?';
    }
    name[used] = '\0';
}

/* The subject's common name; '?' for what is not printable ASCII. */
static void print_name(const X509_NAME *subject, char name[NAME])
{
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    print_string(index < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)),
                 name);
}

/* An element of a certificate's DER: all of it is begin..end, what it holds content..end. */
struct element {
    const unsigned char *begin, *content, *end;
};

/* Takes the element that `within` begins with.  False: there is none of that class and tag. */
static bool take(struct element *within, int class, int tag, struct element *ret_element)
{
    enum { BROKEN = 0x80, ENDLESS = 1 };
    const unsigned char *content = within->content;
    long length;
    int found_tag, found_class;
    int form = ASN1_get_object(&content, &length, &found_tag, &found_class,
                               (long) (within->end - within->content));

    if (form & (BROKEN | ENDLESS) || found_class != class || found_tag != tag) {
        return false;
    }
    *ret_element = (struct element){within->content, content, content + length};
    within->content = ret_element->end;
    return true;
}

static int64_t seconds_of(const struct element *time, int64_t otherwise)
{
    const unsigned char *at = time->begin;
    ASN1_TIME *parsed = d2i_ASN1_TIME(NULL, &at, (long) (time->end - time->begin));
    int64_t result = parsed ? seconds(parsed, otherwise) : otherwise;

    ASN1_TIME_free(parsed);
    return result;
}

/* The parts of a certificate that are read here. */
struct outline {
    struct element begin, end, subject, key;
};

/* Either kind of time. */
static bool take_time(struct element *within, struct element *ret_time)
{
    return take(within, V_ASN1_UNIVERSAL, V_ASN1_UTCTIME, ret_time) ||
           take(within, V_ASN1_UNIVERSAL, V_ASN1_GENERALIZEDTIME, ret_time);
}

/* RFC 5280, 4.1.  False: it is no certificate. */
static bool find_parts(const unsigned char *der, size_t size, struct outline *ret_outline)
{
    enum { U = V_ASN1_UNIVERSAL, SEQ = V_ASN1_SEQUENCE };
    struct element whole = {der, der, der + size}, certificate, body, validity, skipped;

    if (size > INT32_MAX || !take(&whole, U, SEQ, &certificate) || whole.content != whole.end ||
        !take(&certificate, U, SEQ, &body) || !take(&certificate, U, SEQ, &skipped) ||
        !take(&certificate, U, V_ASN1_BIT_STRING, &skipped)) {
        return false;
    }
    take(&body, V_ASN1_CONTEXT_SPECIFIC, 0, &skipped); /* the version, which may be left out */
    return take(&body, U, V_ASN1_INTEGER, &skipped) && take(&body, U, SEQ, &skipped) &&
           take(&body, U, SEQ, &skipped) && take(&body, U, SEQ, &validity) &&
           take_time(&validity, &ret_outline->begin) && take_time(&validity, &ret_outline->end) &&
           take(&body, U, SEQ, &ret_outline->subject) && take(&body, U, SEQ, &ret_outline->key);
}

static int describe(const unsigned char *der, size_t size, const struct outline *outline,
                    struct multipoint_certificate *ret_certificate)
{
    unsigned char sha1[SHA1_SIZE];

    if (!EVP_Digest(der, size, ret_certificate->sha256, NULL, EVP_sha256(), NULL) ||
        !EVP_Digest(der, size, sha1, NULL, EVP_sha1(), NULL)) {
        return WMS_E_NO_MEMORY;
    }
    print_hex(ret_certificate->sha256, MULTIPOINT_SHA256, ":", ret_certificate->fingerprint);
    print_hex(sha1, sizeof sha1, "", ret_certificate->thumbprint);
    ret_certificate->begin = seconds_of(&outline->begin, INT64_MAX);
    ret_certificate->end = seconds_of(&outline->end, INT64_MIN);
    return print_pin(outline->key.begin, (size_t) (outline->key.end - outline->key.begin),
                     ret_certificate->pin);
}

/* OpenSSL's d2i_X509() decodes the public key, too, which takes most of the time that a host costs
 * besides its handshake.  Whether the whole certificate is a good one is looked at by
 * multipoint_certificate_unfit(), before a client binds to the host that has it. */
int multipoint_certificate_read(const unsigned char *der, size_t size,
                                struct multipoint_certificate *ret_certificate,
                                char ret_name[MULTIPOINT_NAME])
{
    struct outline outline;

    ERR_set_mark(); /* OpenSSL's error queue belongs to the program: leave it as it was */
    int error = find_parts(der, size, &outline) ? describe(der, size, &outline, ret_certificate)
                                                : WMS_E_PROTOCOL;
    if (!error) {
        const unsigned char *at = outline.subject.begin;
        X509_NAME *subject = d2i_X509_NAME(NULL, &at, (long) (outline.subject.end - at));
        ret_name[0] = '\0';
        if (subject) {
            print_name(subject, ret_name);
        }
        X509_NAME_free(subject);
    }
    ERR_pop_to_mark();
    return error;
}

bool multipoint_thumbprint_parse(const char *text, char ret_thumbprint[MULTIPOINT_THUMBPRINT])
{
    size_t used = 0;

    for (; *text; text++) {
        bool digit = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'F') ||
                     (*text >= 'a' && *text <= 'f');
        if (digit && used < 2 * SHA1_SIZE) {
            ret_thumbprint[used++] = *text >= 'a' ? (char) (*text - 'a' + 'A') : *text;
        } else if (digit || (*text != ':' && *text != ' ')) {
            return false;
        }
    }
    ret_thumbprint[used] = '\0';
    return used == 2 * SHA1_SIZE;
}

/* ---- whether it will do ---------------------------------------------------------------------- */

bool multipoint_certificate_expired(const struct multipoint_certificate *certificate, char *buffer,
                                    size_t room)
{
    int64_t now = time(NULL);
    bool early = now < certificate->begin, late = now >= certificate->end;
    char when[TIME] = "an unknown time";

    if (early || late) {
        time_t limit = (time_t) (late ? certificate->end : certificate->begin);
        struct tm parts;
        if (gmtime_r(&limit, &parts)) { /* fails for INT64_MAX and INT64_MIN, from seconds() */
            strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &parts);
        }
        snprintf(buffer, room, "the host's certificate %s %s",
                 late ? "has expired on" : "is not valid before", when);
    }
    return early || late;
}

/* If the certificate has alternative names, the common name is ignored: so the first alternative
 * name replaces it in `name`; or "other names", if that is neither a DNS name nor an IPv4 address.
 */
static void print_other_name(X509 *certificate, char name[NAME])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const GENERAL_NAME *first =
        names && sk_GENERAL_NAME_num(names) > 0 ? sk_GENERAL_NAME_value(names, 0) : NULL;

    if (first && first->type == GEN_DNS) {
        print_string(first->d.dNSName, name);
    } else if (first && first->type == GEN_IPADD && ASN1_STRING_length(first->d.iPAddress) == 4) {
        const unsigned char *ip = ASN1_STRING_get0_data(first->d.iPAddress);
        snprintf(name, NAME, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    } else if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0) {
        strcpy(name, "other names");
    }
    GENERAL_NAMES_free(names);
}

/* Self-signed certificates often have the name in their subject only, without alternative names:
 * [MS-RSMC] 3.1.4.2. */
static bool has_name(X509 *certificate, const char *host, const char *common_name)
{
    return X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1 ||
           X509_check_ip_asc(certificate, host, 0) == 1 ||
           (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0 &&
            strcasecmp(host, common_name) == 0);
}

static bool is_for_servers_alone(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool alone = usage && sk_ASN1_OBJECT_num(usage) == 1 &&
                 OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_server_auth;

    EXTENDED_KEY_USAGE_free(usage);
    return alone;
}

const char *multipoint_certificate_unfit(const unsigned char *der, size_t size, const char *host,
                                         char *buffer, size_t room)
{
    char name[NAME] = "";
    const char *why = buffer;
    struct multipoint_certificate found;

    ERR_set_mark();
    X509 *certificate = parse(der, size);
    if (multipoint_certificate_read(der, size, &found, name) || !certificate) {
        why = "what the host sends is no certificate";
    } else if (host && !has_name(certificate, host, name)) {
        print_other_name(certificate, name);
        snprintf(buffer, room, "the host's certificate is that of '%.100s', not of '%.100s'", name,
                 host);
    } else if (!is_for_servers_alone(certificate)) {
        why = "the host's certificate has another extended key usage than Server Authentication "
              "alone";
    } else if (!multipoint_certificate_expired(&found, buffer, room)) {
        why = NULL;
    }
    X509_free(certificate);
    ERR_pop_to_mark();
    return why;
}

/* ---- in a handshake -------------------------------------------------------------------------- */

/* Only what on_certificate() compares and says. */
static bool describe_shown(X509 *shown, struct multipoint_certificate *ret_found)
{
    if (!X509_digest(shown, EVP_sha256(), ret_found->sha256, NULL)) {
        return false;
    }
    print_hex(ret_found->sha256, MULTIPOINT_SHA256, ":", ret_found->fingerprint);
    ret_found->begin = seconds(X509_get0_notBefore(shown), INT64_MAX);
    ret_found->end = seconds(X509_get0_notAfter(shown), INT64_MIN);
    return true;
}

static bool is_next(const struct multipoint_trust *trust,
                    const struct multipoint_certificate *found)
{
    return trust->next && CRYPTO_memcmp(found->sha256, trust->next->sha256, MULTIPOINT_SHA256) == 0;
}

/* Replaces OpenSSL's verification, which needs a certificate authority: accepts exactly the
 * expected certificate, or the one that the host has announced to follow it, if that is valid now.
 */
static int on_certificate(X509_STORE_CTX *store, void *data)
{
    struct multipoint_trust *trust = data;
    X509 *shown = X509_STORE_CTX_get0_cert(store);
    struct multipoint_certificate found;

    if (!shown || !describe_shown(shown, &found)) {
        snprintf(trust->why, sizeof trust->why, "the host's certificate cannot be read");
    } else if (!is_next(trust, &found) &&
               CRYPTO_memcmp(found.sha256, trust->expected->sha256, MULTIPOINT_SHA256) != 0) {
        snprintf(trust->why, sizeof trust->why,
                 "the host shows another certificate than expected, with the fingerprint %s",
                 found.fingerprint);
    } else if (!multipoint_certificate_expired(&found, trust->why, sizeof trust->why)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        trust->renewed = is_next(trust, &found);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* Allows only cheap key exchanges.  A finite-field Diffie-Hellman handshake takes 100 ms and more,
 * with parameters of the host's choice, and blocks the loop.  Every Windows has the elliptic curves
 * that are left; the order of preference is ours. */
static bool cheapen(SSL_CTX *context)
{
    STACK_OF(SSL_CIPHER) *ciphers =
        SSL_CTX_get_ciphers(context); /* the system's configured ciphers, which are only reduced */
    char names[CIPHERS_MAX] = "";
    size_t used = 0;

    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        const char *name = SSL_CIPHER_get_name(cipher);
        int exchange = SSL_CIPHER_get_kx_nid(cipher);
        bool good =
            exchange == NID_kx_ecdhe ||
            exchange ==
                NID_kx_rsa; /* the rest is TLS 1.3, which set_cipher_list() does not touch */
        if (good && used + strlen(name) + 2 <= sizeof names) {
            used += (size_t) sprintf(names + used, "%s%s", used ? ":" : "", name);
        }
    }
    ERR_set_mark();
    bool done = (used == 0 || SSL_CTX_set_cipher_list(context, names)) &&
                SSL_CTX_set1_groups_list(context, groups);
    ERR_pop_to_mark();
    return done;
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct multipoint_exchange *exchange = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (where & SSL_CB_HANDSHAKE_DONE) {
        SSL_CTX_set_app_data(SSL_get_SSL_CTX(ssl),
                             NULL); /* the connection may outlive the exchange */
    } else if ((where & SSL_CB_HANDSHAKE_START) && exchange) {
        multipoint_wire_begin(ssl, exchange);
    } else if ((where & SSL_CB_ALERT) && exchange && (value & 0xFF) == SSL_AD_PROTOCOL_VERSION) {
        exchange->trust.old_tls = true;
    }
}

CURLcode multipoint_trust_set(void *ssl_context, struct multipoint_exchange *exchange)
{
    SSL_CTX *context = ssl_context;

    SSL_CTX_set_cert_verify_callback(context, on_certificate, &exchange->trust);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION); /* certificates are checked once: `trust`
                                                              is freed with the exchange */
    SSL_CTX_set_keylog_callback(context,
                                NULL); /* libcurl would write the session keys to $SSLKEYLOGFILE */
    SSL_CTX_set_max_cert_list(context, CHAIN_MAX);
    if (!SSL_CTX_set_app_data(context, exchange) || !cheapen(context)) {
        return CURLE_OUT_OF_MEMORY;
    }
    SSL_CTX_set_info_callback(context, on_info);
    return multipoint_wire_set(context, exchange);
}
