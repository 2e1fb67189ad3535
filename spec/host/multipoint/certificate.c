/* SPDX-License-Identifier: MIT */
/* Certificates as a MultiPoint Server makes them for itself: self-signed, the host's name, Server
 * Authentication alone. */
#include "host.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static void hex(char *out, const unsigned char *data, size_t length, const char *between)
{
    for (size_t i = 0; i < length; i++) {
        out += sprintf(out, "%s%02X", i ? between : "", data[i]);
    }
}

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                const struct certificate_wish *wish)
{
    static const struct {
        const char *name, *oid;
    } usages[] = {{"server", GNUTLS_KP_TLS_WWW_SERVER}, {"client", GNUTLS_KP_TLS_WWW_CLIENT}};
    unsigned char serial[16];
    time_t now = time(NULL);
    const time_t day = 24 * 60 * 60;
    time_t begin = wish->early ? now + day : now - (wish->expired ? 30 : 1) * day;
    time_t end = wish->lasts ? now + (time_t) wish->lasts : now + (wish->expired ? -1 : 365) * day;
    int rc;

    gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of one length */
    if ((rc = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
        (rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial)) < 0 ||
        (rc = gnutls_x509_crt_set_key(crt, key)) < 0 ||
        (rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, wish->subject,
                                            (unsigned) strlen(wish->subject))) < 0 ||
        (rc = gnutls_x509_crt_set_activation_time(crt, begin)) < 0 ||
        (rc = gnutls_x509_crt_set_expiration_time(crt, end)) < 0) {
        return rc;
    }
    if (wish->san) {
        struct in_addr ip;
        bool is_ip = inet_pton(AF_INET, wish->san, &ip) == 1;

        rc = is_ip ? gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ip, sizeof ip,
                                                          GNUTLS_FSAN_SET)
                   : gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, wish->san,
                                                          (unsigned) strlen(wish->san),
                                                          GNUTLS_FSAN_SET);
        if (rc < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < LENGTH(usages); i++) {
        if (strstr(wish->usage, usages[i].name) &&
            (rc = gnutls_x509_crt_set_key_purpose_oid(crt, usages[i].oid, 0)) < 0) {
            return rc;
        }
    }
    return gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int describe(struct certificate *certificate, gnutls_x509_crt_t crt)
{
    gnutls_datum_t der = {NULL, 0}, pem = {NULL, 0};
    unsigned char digest[32];
    size_t length;
    int rc;

    if ((rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der)) < 0) {
        return rc;
    }
    certificate->der = must(malloc(der.size));
    certificate->der_length = der.size;
    memcpy(certificate->der, der.data, der.size);
    gnutls_free(der.data);
    if ((rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem)) < 0) {
        return rc;
    }
    certificate->pem = copy((const char *) pem.data);
    gnutls_free(pem.data);
    length = sizeof digest;
    if ((rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &length)) < 0) {
        return rc;
    }
    hex(certificate->sha256, digest, length, ":");
    length = sizeof digest;
    if ((rc = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA1, digest, &length)) < 0) {
        return rc;
    }
    hex(certificate->sha1, digest, length, "");
    for (size_t i = 0; i < certificate->der_length; i++) {
        text_printf(&certificate->answer, "<prgData>%u</prgData>", certificate->der[i]);
    }
    return 0;
}

struct certificate *certificate_new(const struct certificate_wish *wish, char *problem, size_t size)
{
    struct certificate *certificate = must(calloc(1, sizeof *certificate));
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;
    int rc;

    /* An elliptic key by default: an RSA key takes a tenth of a second to make, and specs make
     * hundreds. */
    if ((rc = gnutls_x509_privkey_init(&key)) >= 0 &&
        (rc = wish->rsa ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0)
                        : gnutls_x509_privkey_generate(
                              key, GNUTLS_PK_ECDSA,
                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) >= 0 &&
        (rc = gnutls_x509_crt_init(&crt)) >= 0 && (rc = fill(crt, key, wish)) >= 0 &&
        (rc = describe(certificate, crt)) >= 0 &&
        (rc = gnutls_certificate_allocate_credentials(&certificate->credentials)) >= 0) {
        rc = gnutls_certificate_set_x509_key(certificate->credentials, &crt, 1, key);
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    if (rc < 0) {
        snprintf(problem, size, "no certificate: %s", gnutls_strerror(rc));
        certificate_free(certificate);
        return NULL;
    }
    return certificate;
}

/* ---- a client's ------------------------------------------------------------------------------ */

static bool is_subject(gnutls_x509_crt_t crt, const char *name)
{
    char subject[256];
    size_t length = sizeof subject;

    return gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, subject,
                                         &length) >= 0 &&
           strcasecmp(subject, name) == 0;
}

static bool is_for_servers_alone(gnutls_x509_crt_t crt)
{
    char oid[64];
    size_t length = sizeof oid;
    bool is = gnutls_x509_crt_get_key_purpose_oid(crt, 0, oid, &length, NULL) >= 0 &&
              strcmp(oid, GNUTLS_KP_TLS_WWW_SERVER) == 0;

    length = sizeof oid;
    return is && gnutls_x509_crt_get_key_purpose_oid(crt, 1, oid, &length, NULL) ==
                     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

static bool is_thumbprint(gnutls_x509_crt_t crt, const char *thumbprint)
{
    unsigned char digest[20];
    char sha1[2 * sizeof digest + 1];
    size_t length = sizeof digest;

    if (gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA1, digest, &length) < 0) {
        return false;
    }
    hex(sha1, digest, length, "");
    return strcasecmp(sha1, thumbprint) == 0;
}

uint32_t certificate_check(const struct text *der, const char *name, const char *thumbprint,
                           struct text *pem)
{
    const gnutls_datum_t datum = {(unsigned char *) der->data, (unsigned) der->length};
    gnutls_datum_t text = {NULL, 0};
    gnutls_x509_crt_t crt;
    uint32_t hr;

    if (gnutls_x509_crt_init(&crt) < 0) {
        return HR_BAD_ASN1;
    }
    hr = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) < 0   ? HR_BAD_ASN1
         : !is_subject(crt, name)                                       ? HR_OTHER_NAME
         : !is_for_servers_alone(crt)                                   ? HR_OTHER_USAGE
         : thumbprint && !is_thumbprint(crt, thumbprint)                ? HR_INVALID_ARGUMENT
         : gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text) < 0 ? HR_BAD_ASN1
                                                                        : 0;
    if (!hr) {
        text_add(pem, (const char *) text.data, text.size);
        gnutls_free(text.data);
    }
    gnutls_x509_crt_deinit(crt);
    return hr;
}

void certificate_free(struct certificate *certificate)
{
    while (certificate) {
        struct certificate *next = certificate->next;

        if (certificate->credentials) {
            gnutls_certificate_free_credentials(certificate->credentials);
        }
        free(certificate->der);
        free(certificate->pem);
        text_free(&certificate->answer);
        free(certificate);
        certificate = next;
    }
}
