/* SPDX-License-Identifier: MIT */
/* fingerprint.c - SHA-256 of a certificate, as people write it. */
#include <stdio.h>

#include "net/net.h"

bool net_fingerprint_parse(const char *text, unsigned char ret_sha256[NET_SHA256])
{
    static const char name[] = "SHA256:"; /* as lists of fingerprints have it */

    text += strncmp(text, name, sizeof name - 1) == 0 ? sizeof name - 1 : 0;
    for (size_t i = 0; i < NET_SHA256; i++) {
        unsigned byte = 0;
        for (int digit = 0; digit < 2; digit++, text++) {
            const char *digits = "0123456789abcdef",
                       *at = *text ? strchr(digits,
                                            *text >= 'A' && *text <= 'F' ? *text | 0x20 : *text)
                                   : NULL;
            if (!at) {
                return false;
            }
            byte = byte << 4 | (unsigned) (at - digits);
        }
        ret_sha256[i] = (unsigned char) byte;
        text += *text == ':' && i + 1 < NET_SHA256;
    }
    return !*text;
}

void net_fingerprint_print(const unsigned char sha256[NET_SHA256], char text[NET_FINGERPRINT])
{
    for (size_t i = 0; i < NET_SHA256; i++) {
        text += sprintf(text, "%s%02X", i ? ":" : "", sha256[i]);
    }
}
