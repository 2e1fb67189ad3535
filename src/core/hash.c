/* SPDX-License-Identifier: MIT */
/* hash.c - SipHash-2-4, by Aumasson and Bernstein: "SipHash: a fast short-input PRF", 2012. */
#include "core/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* If getrandom() fails, for whatever reason, the key is made of times, the process id and
 * addresses, which an outsider does not see. */
void wms_key_new(struct wms_key *ret_key)
{
    struct timespec now = {0};

    if (getrandom(ret_key, sizeof *ret_key, GRND_NONBLOCK) == (ssize_t) sizeof *ret_key) {
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    ret_key->words[0] =
        (uint64_t) now.tv_nsec << 32 ^ (uint64_t) now.tv_sec ^ (uint64_t) getpid() << 16;
    ret_key->words[1] = (uint64_t) (uintptr_t) ret_key ^ (uint64_t) (uintptr_t) &now << 20;
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Little-endian, on every machine. */
static uint64_t word_of(const unsigned char *bytes, size_t count)
{
    uint64_t word = 0;

    for (size_t i = 0; i < count; i++) {
        word |= (uint64_t) bytes[i] << 8 * i;
    }
    return word;
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t wms_hash(const struct wms_key *key, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t v[4] = {
        key->words[0] ^ UINT64_C(0x736f6d6570736575),
        key->words[1] ^ UINT64_C(0x646f72616e646f6d),
        key->words[0] ^ UINT64_C(0x6c7967656e657261),
        key->words[1] ^ UINT64_C(0x7465646279746573),
    };

    for (size_t i = 0; i < size / 8; i++) {
        absorb(v, word_of(bytes + 8 * i, 8));
    }
    absorb(v, word_of(bytes + size / 8 * 8, size % 8) | (uint64_t) size << 56);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
