/* SPDX-License-Identifier: MIT */
/* pictures.h - the pictures that an embedded host makes up: a desktop, and the same one locked. */
#ifndef WMS_MEMORY_PICTURES_H
#define WMS_MEMORY_PICTURES_H

#include <wms.h>

/* A JPEG.  The bytes at `cb` and `cr` are what the constant parts of its colour are multiplied by:
 * 1 to 255, and the wallpaper gets another colour. */
struct wms_made_picture {
    const unsigned char *data;
    size_t size, cb, cr;
};

/* By whether the session is locked, and by enum wms_thumbnail_size. */
extern const struct wms_made_picture wms_made_pictures[2][4];

#endif
