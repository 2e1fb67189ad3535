/* SPDX-License-Identifier: MIT */
/* jpeg.c - fuzzing: the head of a JPEG. */
#include <stdlib.h>
#include <string.h>

#include "core/jpeg.h"
#include "support.h"

/* What reads behind the bytes is seen: they are a block of their own. */
static bool reads(const uint8_t *data, size_t size, unsigned *width, unsigned *height)
{
    uint8_t *copy = malloc(size ? size : 1);

    MUST(copy);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    bool fine = wms_jpeg_read(copy, size, width, height);
    free(copy);
    return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned width = 0, height = 0, again = 0, other = 0;

    if (!reads(data, size, &width, &height)) {
        MUST(width == 0 && height == 0);
        return 0;
    }
    MUST(width >= 1 && width <= 65535 && height >= 1 && height <= 65535);
    /* What comes after the head does not matter, and without all of it there is none. */
    size_t head = size;
    while (reads(data, head - 1, &again, &other)) {
        head--;
        MUST(again == width && other == height);
    }
    MUST(head > 14);
    return 0;
}
