/* SPDX-License-Identifier: MIT */
/* nodeset.h - one node set as the cluster tools write it, such as "lab[01-10,15].school.example":
 * which names it stands for.  Brackets that have a colon in them are those of an IPv6 address, and
 * stand for themselves. */
#ifndef WMS_CORE_NODESET_H
#define WMS_CORE_NODESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WMS_NODESET_BRACKETS = 8, WMS_NODESET_DIGITS = 9 };

/* One pair of brackets: a list of ranges. */
struct wms_ranges {
    const char *open, *close; /* of the text: '[' and ']' */
    const char *next;         /* the text of the range after the present one */
    uint32_t value, last, step;
    unsigned width; /* digits that a number has at least */
};

/* It points into its text, and owns nothing. */
struct wms_nodeset {
    const char *text, *end;
    struct wms_ranges brackets[WMS_NODESET_BRACKETS];
    size_t bracket_count;
    uint64_t count; /* of names, some of which may be equal; never 0 */
    bool over;      /* wms_nodeset_next() has returned all */
};

/* The brackets of the text from `open` on are those of an IPv6 address. */
bool wms_nodeset_is_ipv6(const char *open, const char *end);
/* Where the path of the address begins; `end`: it has none. */
const char *wms_nodeset_path(const char *text, const char *end);
/* Parses the `size` bytes of `text`, which must stay.  Errors: INVALID (`complaint`: what is wrong
 * and how to mend it). */
int wms_nodeset_parse(struct wms_nodeset *ret_nodeset, const char *text, size_t size,
                      char *complaint, size_t complaint_size);
/* Writes the next name and a NUL, cut at `size` bytes, and returns its whole length; 0: no other.
 * Only a name that is no longer than what it was parsed from has been written whole for sure. */
size_t wms_nodeset_next(struct wms_nodeset *nodeset, char *name, size_t size);

#endif
