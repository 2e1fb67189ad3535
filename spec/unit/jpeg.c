/* SPDX-License-Identifier: MIT */
/* jpeg.c - tests of core/jpeg.h: what the head of a JPEG tells, and what is none. */
#include "core/jpeg.h"

#include "unit.h"

/* Two 0xFF before a marker, a comment that looks like a frame, a frame of 0x0102 lines of 0x0304
 * samples, a scan. */
static const unsigned char whole[] = {
    0xFF, 0xD8, 0xFF, 0xFF, 0xFE, 0,    6, 0xFF, 0xC0, 0, 11, 0xFF, 0xC2, 0, 11, 8,  1,
    2,    3,    4,    1,    1,    0x11, 0, 0xFF, 0xDA, 0, 8,  1,    1,    0, 0,  63, 0,
};

enum { FRAME = 11, LINES = 16, SAMPLES = 18, SCAN = 24 };

/* A copy in a block of its own, so that the sanitizer sees whoever reads behind it. */
static bool reads(const unsigned char *bytes, size_t size, unsigned *width, unsigned *height)
{
    unsigned char *copy = malloc(size ? size : 1);

    CHECK(copy);
    memcpy(copy, bytes, size);
    bool fine = wms_jpeg_read(copy, size, width, height);
    free(copy);
    return fine;
}

static bool reads_with(size_t at, unsigned char byte)
{
    unsigned char bytes[sizeof whole];
    unsigned width, height;

    memcpy(bytes, whole, sizeof bytes);
    bytes[at] = byte;
    return reads(bytes, sizeof bytes, &width, &height);
}

static void test_whole(void)
{
    unsigned width = 0, height = 0;

    CHECK(reads(whole, sizeof whole, &width, &height));
    CHECK(width == 0x0304 && height == 0x0102);
}

static void test_ends(void)
{
    unsigned width = 7, height = 7;

    for (size_t size = 0; size < sizeof whole; size++) {
        CHECK(!reads(whole, size, &width, &height));
    }
    CHECK(width == 7 && height == 7);
}

static void test_frames(void)
{
    for (unsigned marker = 0xC0; marker <= 0xCF; marker++) {
        bool frame = marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        CHECK(reads_with(FRAME + 1, (unsigned char) marker) == frame);
    }
}

static void test_broken(void)
{
    CHECK(!reads_with(0, 0xFE));
    CHECK(!reads_with(1, 0xD9));
    CHECK(!reads_with(2, 0)); /* no marker */
    CHECK(!reads_with(4, 0)); /* a marker that is none */
    CHECK(!reads_with(4, 0xD9));
    CHECK(!reads_with(6, 1)); /* shorter than its own length */
    CHECK(!reads_with(5, 0xFF));
    CHECK(!reads_with(FRAME + 3, 7)); /* a frame without room for its size */
    CHECK(!reads_with(SCAN + 3, 9));
    CHECK(reads_with(LINES, 0) && reads_with(SAMPLES, 0));
}

static void test_nothing(void)
{
    unsigned char bytes[sizeof whole];
    unsigned width = 7, height = 7;

    memcpy(bytes, whole, sizeof bytes);
    bytes[LINES] = bytes[LINES + 1] = 0;
    CHECK(!reads(bytes, sizeof bytes, &width, &height));
    CHECK(width == 7 && height == 7);
    memcpy(bytes, whole, sizeof bytes);
    bytes[SAMPLES] = bytes[SAMPLES + 1] = 0;
    CHECK(!reads(bytes, sizeof bytes, &width, &height));
    memcpy(bytes, whole, sizeof bytes);
    bytes[FRAME + 1] = 0xFE; /* no frame at all */
    CHECK(!reads(bytes, sizeof bytes, &width, &height));
}

static void test_two_frames(void)
{
    unsigned char bytes[sizeof whole + SCAN - FRAME];
    unsigned width, height;

    memcpy(bytes, whole, SCAN);
    memcpy(bytes + SCAN, whole + FRAME, sizeof whole - FRAME);
    CHECK(!reads(bytes, sizeof bytes, &width, &height));
}

int main(void)
{
    test_whole();
    test_ends();
    test_frames();
    test_broken();
    test_nothing();
    test_two_frames();
    return 0;
}
