/* SPDX-License-Identifier: MIT */
/* target.h - server addresses and session ids: parse, check, print. */
#ifndef WMS_CORE_TARGET_H
#define WMS_CORE_TARGET_H

#include "core/hash.h"
#include <wms/provider.h>

enum { WMS_ADDRESS_MAX = 255, WMS_SCHEME_MAX = 31, WMS_ID_MAX = 255 };

/* A parsed address; its strings, which are folded, lie in `parts`. */
struct wms_place {
    char scheme[WMS_SCHEME_MAX + 1];
    struct wms_address address;
    char parts[WMS_ADDRESS_MAX + 4];
};

/* Parses `text` (NULL: this machine).  Errors: INVALID (`complaint` says what is wrong and how to
 * mend it).  The result points into `ret_place` and to `text`. */
int wms_place_parse(struct wms_place *ret_place, const char *text, char *complaint, size_t size);

/* How many bytes of the parsed address are used: the first ones. */
size_t wms_place_size(const struct wms_place *place);
/* Copies a parsed address, that is its first wms_place_size() bytes; the copy points into itself
 * and to `text`, which must be the same address. */
void wms_place_copy(struct wms_place *ret_place, const struct wms_place *place, const char *text);

/* Normalizes an address in place: host names and schemes in lower case (RFC 4343, RFC 3986),
 * without the dot behind the last label. */
void wms_address_fold(char *text);

/* Whether both name the same server. */
bool wms_place_equal(const struct wms_place *a, const struct wms_place *b);
uint64_t wms_place_hash(const struct wms_key *key, const struct wms_place *place);

/* The scheme is one of ours, installed or not; and the package that a missing module of it needs
 * (NULL: none known). */
bool wms_scheme_known(const char *scheme);
const char *wms_scheme_package(const char *scheme);

/* Checks an id and normalizes it: a text of digits becomes a number.  Errors: INVALID
 * (`complaint`). */
int wms_id_check(wms_id *id, char *complaint, size_t size);
bool wms_id_equal(const wms_id *a, const wms_id *b);
uint64_t wms_id_hash(const struct wms_key *key, const wms_id *id);
/* Writes the id for a person: 3, or "c2" in quotes. */
const char *wms_id_print(const wms_id *id, char *buffer, size_t size);
enum { WMS_ID_PRINTED = WMS_ID_MAX + 3 };

/* Whether `text` is UTF-8. */
bool wms_is_utf8(const char *text);

#endif
