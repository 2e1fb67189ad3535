/* SPDX-License-Identifier: MIT */
/* nodeset.c - the names that a node set stands for, one after the other: nothing is allocated. */
#define _GNU_SOURCE /* memmem */
#include "core/nodeset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <wms.h>

static int complain(char *complaint, size_t size, const char *why, const char *fix)
{
    snprintf(complaint, size, "server: %s; give %s", why, fix);
    return WMS_E_INVALID;
}

static const char example[] = "ranges such as \"lab[01-30]\" or \"lab[1-9/2,15]\"";

bool wms_nodeset_is_ipv6(const char *open, const char *end)
{
    const char *close = memchr(open, ']', (size_t) (end - open));

    return memchr(open, ':', (size_t) ((close ? close : end) - open)) != NULL;
}

const char *wms_nodeset_path(const char *text, const char *end)
{
    const char *host = memmem(text, (size_t) (end - text), "://", 3);

    for (const char *at = host ? host + 3 : end; at < end; at++) {
        if (*at == '/') {
            return at;
        }
        if (*at == '[') {
            const char *close = memchr(at, ']', (size_t) (end - at));
            at = close ? close : end - 1;
        }
    }
    return end;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

struct number {
    uint32_t value;
    unsigned digits;
};

/* Reads digits; returns what stands behind them.  NULL: there are none, or too many. */
static const char *read_number(const char *at, const char *end, struct number *ret_number)
{
    const char *begin = at;
    uint32_t value = 0;

    while (at < end && *at >= '0' && *at <= '9' && at - begin <= WMS_NODESET_DIGITS) {
        value = value * 10 + (uint32_t) (*at++ - '0');
    }
    *ret_number = (struct number){.value = value, .digits = (unsigned) (at - begin)};
    return at > begin && at - begin <= WMS_NODESET_DIGITS ? at : NULL;
}

static bool is_padded(const char *digits, const struct number *number)
{
    return number->digits > 1 && *digits == '0';
}

/* Reads one range, "7", "1-10" or "1-10/3", into the bracket.  NULL, or what is wrong. */
static const char *read_range(struct wms_ranges *bracket)
{
    const char *begin = bracket->next, *end = bracket->close;
    struct number first, last, step = {.value = 1, .digits = 0};
    const char *at = read_number(begin, end, &first);
    bool padded = at && is_padded(begin, &first);

    last = first;
    if (at && at < end && *at == '-') {
        const char *digits = at + 1;
        at = read_number(digits, end, &last);
        if (at && (padded || is_padded(digits, &last)) && first.digits != last.digits) {
            return "a range whose ends have different numbers of digits, although one begins with "
                   "0";
        }
        if (at && at < end && *at == '/') {
            at = read_number(at + 1, end, &step);
        }
    }
    if (!at || (at < end && *at != ',')) {
        return "brackets in which something else stands than numbers of at most 9 digits";
    }
    if (at < end && at + 1 == end) {
        return "brackets that end with a comma";
    }
    if (last.value < first.value || step.value == 0) {
        return last.value < first.value ? "a range that ends before it begins" : "a step of 0";
    }
    bracket->value = first.value;
    bracket->last = last.value;
    bracket->step = step.value;
    bracket->width = padded || last.digits == first.digits ? first.digits : 0;
    bracket->next = at < end ? at + 1 : end;
    return NULL;
}

static void rewind_to_first(struct wms_ranges *bracket)
{
    bracket->next = bracket->open + 1;
    read_range(bracket); /* wms_nodeset_parse() has found that it is fine */
}

/* The bracket's next number; false: it was the last, and the first is next. */
static bool advance(struct wms_ranges *bracket)
{
    if (bracket->last - bracket->value >= bracket->step) {
        bracket->value += bracket->step;
        return true;
    }
    if (bracket->next < bracket->close) {
        read_range(bracket);
        return true;
    }
    rewind_to_first(bracket);
    return false;
}

/* ---- node sets ------------------------------------------------------------------------------- */

/* Checks all ranges of the bracket, and multiplies `count` by how many numbers they are. */
static const char *check_bracket(struct wms_ranges *bracket, uint64_t *count)
{
    uint64_t numbers = 0;

    bracket->next = bracket->open + 1;
    do {
        const char *wrong = read_range(bracket);
        if (wrong) {
            return wrong;
        }
        numbers += (bracket->last - bracket->value) / bracket->step + 1;
    } while (bracket->next < bracket->close);
    *count = *count > UINT64_MAX / numbers ? UINT64_MAX : *count * numbers;
    rewind_to_first(bracket);
    return NULL;
}

static const char *add_bracket(struct wms_nodeset *nodeset, const char *open, const char *close)
{
    if (nodeset->bracket_count > 0 &&
        nodeset->brackets[nodeset->bracket_count - 1].close + 1 == open) {
        return "two pairs of brackets side by side";
    }
    if (nodeset->bracket_count == WMS_NODESET_BRACKETS) {
        return "more than 8 pairs of brackets";
    }
    struct wms_ranges *bracket = &nodeset->brackets[nodeset->bracket_count++];
    bracket->open = open;
    bracket->close = close;
    return check_bracket(bracket, &nodeset->count);
}

int wms_nodeset_parse(struct wms_nodeset *ret_nodeset, const char *text, size_t size,
                      char *complaint, size_t complaint_size)
{
    const char *end = text + size, *path = wms_nodeset_path(text, end), *at = text, *wrong = NULL;

    *ret_nodeset = (struct wms_nodeset){.text = text, .end = end, .count = 1, .over = size == 0};
    for (const char *open; !wrong && at < path && (open = memchr(at, '[', (size_t) (path - at)));) {
        const char *close = memchr(open, ']', (size_t) (end - open));
        if (!close) {
            wrong = "a bracket is not closed";
        } else if (!wms_nodeset_is_ipv6(open, end)) {
            wrong = add_bracket(ret_nodeset, open, close);
        }
        at = close ? close + 1 : end;
    }
    return wrong ? complain(complaint, complaint_size, wrong, example) : 0;
}

struct room {
    char *at, *end; /* the last byte is the NUL's */
    size_t length;
};

static void put(struct room *room, const char *bytes, size_t size)
{
    size_t left = (size_t) (room->end - room->at), fits = size < left ? size : left;

    memcpy(room->at, bytes, fits);
    room->at += fits;
    room->length += size;
}

size_t wms_nodeset_next(struct wms_nodeset *nodeset, char *name, size_t size)
{
    struct room room = {.at = name, .end = name + size - 1};
    const char *at = nodeset->text;

    *name = '\0';
    if (nodeset->over) {
        return 0;
    }
    for (size_t i = 0; i < nodeset->bracket_count; i++) {
        const struct wms_ranges *bracket = &nodeset->brackets[i];
        char digits[16];
        int length =
            snprintf(digits, sizeof digits, "%0*" PRIu32, (int) bracket->width, bracket->value);
        put(&room, at, (size_t) (bracket->open - at));
        put(&room, digits, (size_t) length);
        at = bracket->close + 1;
    }
    put(&room, at, (size_t) (nodeset->end - at));
    *room.at = '\0';
    size_t i = nodeset->bracket_count; /* the last bracket's numbers change first */
    while (i > 0 && !advance(&nodeset->brackets[i - 1])) {
        i--;
    }
    nodeset->over = i == 0;
    return room.length;
}
