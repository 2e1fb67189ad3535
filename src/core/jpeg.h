/* SPDX-License-Identifier: MIT */
/* jpeg.h - what the head of a JPEG tells. */
#ifndef WMS_CORE_JPEG_H
#define WMS_CORE_JPEG_H

#include <stdbool.h>
#include <stddef.h>

/* Reads width and height, both at least 1, from the head of a JPEG; what comes after the head is
 * not looked at.  False, and nothing is written: these bytes do not begin as a JPEG does, or end
 * within its head. */
bool wms_jpeg_read(const void *data, size_t size, unsigned *ret_width, unsigned *ret_height);

#endif
