/* SPDX-License-Identifier: MIT */
/* hash.c - tests of core/hash.h: SipHash-2-4 as it was published, and what a keyed hash is for. */
#include "core/hash.h"

#include "unit.h"

/* The bytes 0, 1, 2 ..., as many as the number of the line, with the key 0, 1, ... 15: of the
 * authors' reference. */
static const uint64_t published[] = {
    UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
    UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
    UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
    UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
    UINT64_C(0xa129ca6149be45e5),
};
static const uint64_t published_63 = UINT64_C(0x958a324ceb064572);

static const struct wms_key published_key = {
    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

static void as_published(void)
{
    unsigned char bytes[72];

    snprintf(where, sizeof where, "the published hashes");
    for (size_t start = 0; start < 8; start++) { /* data need not be aligned */
        for (size_t i = 0; i < 64; i++) {
            bytes[start + i] = (unsigned char) i;
        }
        for (size_t i = 0; i < COUNT(published); i++) {
            CHECK(wms_hash(&published_key, bytes + start, i) == published[i]);
        }
        CHECK(wms_hash(&published_key, bytes + start, 63) == published_63);
    }
}

static int bits_in(uint64_t word)
{
    int bits = 0;

    for (; word; word &= word - 1) {
        bits++;
    }
    return bits;
}

/* Each bit of the data and of the key changes about half of the hash; so does the length alone. */
static void each_bit(void)
{
    unsigned char bytes[24] = {0};
    uint64_t hashes[sizeof bytes + 1];

    snprintf(where, sizeof where, "each bit");
    for (size_t size = 1; size <= sizeof bytes; size++) {
        uint64_t hash = wms_hash(&published_key, bytes, size);
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (unsigned char) (1u << bit % 8);
            int changed = bits_in(hash ^ wms_hash(&published_key, bytes, size));
            CHECK(changed > 8 && changed < 56);
            bytes[bit / 8] ^= (unsigned char) (1u << bit % 8);
        }
        for (size_t bit = 0; bit < 128; bit++) {
            struct wms_key key = published_key;
            key.words[bit / 64] ^= UINT64_C(1) << bit % 64;
            int changed = bits_in(hash ^ wms_hash(&key, bytes, size));
            CHECK(changed > 8 && changed < 56);
        }
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        hashes[size] = wms_hash(&published_key, bytes, size);
        for (size_t i = 0; i < size; i++) {
            CHECK(hashes[i] != hashes[size]);
        }
    }
}

static void keys(void)
{
    struct wms_key many[50];

    snprintf(where, sizeof where, "keys");
    for (size_t i = 0; i < COUNT(many); i++) {
        wms_key_new(&many[i]);
        for (size_t k = 0; k < i; k++) {
            CHECK(many[i].words[0] != many[k].words[0] && many[i].words[1] != many[k].words[1]);
            CHECK(wms_hash(&many[i], "a", 1) != wms_hash(&many[k], "a", 1));
        }
    }
}

int main(void)
{
    as_published();
    each_bit();
    keys();
    return 0;
}
