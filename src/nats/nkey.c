/* SPDX-License-Identifier: MIT */
/* nkey.c - NATS' keys as texts: base32 of a prefix, the key, and a CRC-16. */
#include "nats/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    KEY_SIZE = 32,
    SEED_SIZE = 2 + KEY_SIZE + 2, /* two bytes of prefixes, the seed, the checksum */
    SEED_LETTERS = 58,
    PUBLIC_SIZE = 1 + KEY_SIZE + 2,
    PREFIX_SEED = 18 << 3, /* "S" */
    PREFIX_USER = 20 << 3  /* "U" */
};

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* XMODEM: x^16 + x^12 + x^5 + 1. */
static unsigned checksum(const unsigned char *bytes, size_t size)
{
    unsigned sum = 0;

    for (size_t i = 0; i < size; i++) {
        sum ^= (unsigned) bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            sum = sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1;
        }
        sum &= 0xffff;
    }
    return sum;
}

static bool decode(const char *text, size_t length, unsigned char *bytes)
{
    unsigned value = 0, bits = 0;

    for (size_t i = 0; i < length; i++) {
        const char *letter = text[i] ? strchr(letters, text[i]) : NULL;
        if (!letter) {
            return false;
        }
        value = value << 5 | (unsigned) (letter - letters);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            *bytes++ = (unsigned char) (value >> bits);
            value &= (1u << bits) - 1;
        }
    }
    return true;
}

static void encode(const unsigned char *bytes, size_t size, char *text)
{
    unsigned value = 0, bits = 0;

    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            *text++ = letters[value >> bits];
            value &= (1u << bits) - 1;
        }
    }
    if (bits > 0) {
        *text++ = letters[value << (5 - bits)];
    }
    *text = '\0';
}

static bool derive(const unsigned char *seed, unsigned char *key)
{
    size_t size = KEY_SIZE;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_SIZE);
    bool done = pair && EVP_PKEY_get_raw_public_key(pair, key, &size) == 1 && size == KEY_SIZE;

    EVP_PKEY_free(pair);
    return done;
}

static bool read_seed(const char *line, unsigned char *raw)
{
    size_t length = strcspn(line, "\n"); /* as libnats reads it */

    if (length != SEED_LETTERS || !decode(line, length, raw)) {
        return false;
    }
    unsigned prefix = raw[0] & 0xf8, kind = (raw[0] & 7u) << 5 | (raw[1] & 0xf8) >> 3;

    return prefix == PREFIX_SEED && kind == PREFIX_USER &&
           checksum(raw, SEED_SIZE - 2) ==
               (raw[SEED_SIZE - 2] | (unsigned) raw[SEED_SIZE - 1] << 8);
}

bool nkey_public(const char *text, char public[static NKEY_PUBLIC_SIZE])
{
    unsigned char raw[SEED_SIZE + 1], key[PUBLIC_SIZE] = {PREFIX_USER};
    bool found = false;

    for (const char *line = text; line && !found; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        found = strncmp(line, "SU", 2) == 0 && read_seed(line, raw);
    }
    found = found && derive(raw + 2, key + 1);
    if (found) {
        unsigned sum = checksum(key, PUBLIC_SIZE - 2);
        key[PUBLIC_SIZE - 2] = (unsigned char) sum;
        key[PUBLIC_SIZE - 1] = (unsigned char) (sum >> 8);
        encode(key, sizeof key, public);
    }
    OPENSSL_cleanse(raw, sizeof raw);
    return found;
}
