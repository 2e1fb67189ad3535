/* SPDX-License-Identifier: MIT */
/* jpeg.c - the head of a JPEG: ITU-T T.81, annex B. */
#include "core/jpeg.h"

/* Markers, the bytes after a 0xFF. */
enum {
    MARKER_SOF = 0xC0,      /* a frame begins: SOF0 to SOF15, */
    MARKER_SOF_LAST = 0xCF, /* with exceptions: */
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_DAC = 0xCC,
    MARKER_RST = 0xD0, /* RST0 to RST7, SOI and EOI have no content */
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_SOS = 0xDA, /* a scan begins, which ends the head */
    MARKER_TEM = 0x01
};

static unsigned two_bytes(const unsigned char *at)
{
    return (unsigned) at[0] << 8 | at[1];
}

static bool begins_frame(unsigned marker)
{
    return marker >= MARKER_SOF && marker <= MARKER_SOF_LAST && marker != MARKER_DHT &&
           marker != MARKER_JPG && marker != MARKER_DAC;
}

static bool has_content(unsigned marker)
{
    return marker != MARKER_TEM && (marker < MARKER_RST || marker > MARKER_EOI);
}

/* Moves *at behind the next marker, which may have any number of 0xFF before it.  0: there is none.
 */
static unsigned next_marker(const unsigned char **at, const unsigned char *end)
{
    if (*at == end || *(*at)++ != 0xFF) {
        return 0;
    }
    while (*at < end && **at == 0xFF) {
        (*at)++;
    }
    return *at < end ? *(*at)++ : 0;
}

bool wms_jpeg_read(const void *data, size_t size, unsigned *ret_width, unsigned *ret_height)
{
    const unsigned char *at = data, *end = at + size;
    unsigned width = 0, height = 0;

    if (size < 2 || at[0] != 0xFF || at[1] != MARKER_SOI) {
        return false;
    }
    at += 2;
    for (unsigned marker; (marker = next_marker(&at, end)) && has_content(marker);) {
        size_t left = (size_t) (end - at), length = left < 2 ? 0 : two_bytes(at);
        if (length < 2 || length > left) {
            return false;
        }
        if (marker == MARKER_SOS && (width == 0 || height == 0)) {
            return false;
        }
        if (marker == MARKER_SOS) {
            *ret_width = width;
            *ret_height = height;
            return true;
        }
        /* Length, precision, lines, samples a line, components.  A number of lines of 0 would be
         * told by a later marker: nobody writes that. */
        if (begins_frame(marker) && (length < 8 || width > 0)) {
            return false;
        }
        if (begins_frame(marker)) {
            height = two_bytes(at + 3);
            width = two_bytes(at + 5);
        }
        at += length;
    }
    return false;
}
