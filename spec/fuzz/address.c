/* SPDX-License-Identifier: MIT */
/* address.c - fuzzing: server addresses, session ids, and whether a text is UTF-8.
 *
 * The input is two texts with a line feed between them, which no address and no id has.
 */
#include <stdio.h>
#include <string.h>

#include "core/target.h"
#include "multipoint/multipoint.h"
#include "support.h"

enum { TEXT = 400, COMPLAINT = 300 };

static const struct wms_key key = {{1, 2}};

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void must_be_equal(const struct wms_place *a, const struct wms_place *b)
{
    MUST(wms_place_equal(a, b) && wms_place_equal(b, a));
    MUST(wms_place_hash(&key, a) == wms_place_hash(&key, b));
    MUST(is_same(a->address.user, b->address.user) && is_same(a->address.path, b->address.path));
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* What the provider gets is what it may rely on. */
static void must_be_fit(const struct wms_place *place)
{
    const struct wms_address *address = &place->address;

    MUST(*place->scheme &&
         strspn(place->scheme, "abcdefghijklmnopqrstuvwxyz") == strlen(place->scheme));
    MUST(!address->host ||
         (*address->host && *address->host != '-' && !strpbrk(address->host, "/@[]\"' ")));
    MUST(!address->user ||
         (*address->user && *address->user != '-' && !strpbrk(address->user, "/@:[]\"' ")));
    MUST(!address->path || *address->path == '/');
    MUST(address->port <= 65535);
    MUST(address->host || (!address->user && address->port == 0));
    MUST(!wms_scheme_package(place->scheme) || wms_scheme_known(place->scheme));
}

/* Put together anew, the parts are the same place. */
static void must_come_back(const struct wms_place *place)
{
    const struct wms_address *address = &place->address;
    const char *host = address->host ? address->host : "";
    bool brackets = strchr(host, ':');
    struct wms_place again;
    char text[2 * TEXT], port[16] = "", complaint[COMPLAINT];

    if (address->port) {
        snprintf(port, sizeof port, ":%u", address->port);
    }
    snprintf(text, sizeof text, "%s://%s%s%s%s%s%s%s", place->scheme,
             address->user ? address->user : "", address->user ? "@" : "", brackets ? "[" : "",
             host, brackets ? "]" : "", port, address->path ? address->path : "");
    if (strlen(text) <= WMS_ADDRESS_MAX) { /* a scheme may be more than what was there */
        MUST(wms_place_parse(&again, text, complaint, sizeof complaint) == 0);
        must_be_equal(place, &again);
    }
}

static bool try_address(const char *text, struct wms_place *ret_place)
{
    char complaint[COMPLAINT] = "", cut[24] = "";
    struct wms_place again;
    int error = wms_place_parse(ret_place, text, complaint, sizeof complaint);

    MUST(wms_place_parse(&again, text, cut, sizeof cut) == error);
    if (error) {
        MUST(error == WMS_E_INVALID);
        MUST(fuzz_is_sentence(complaint) && fuzz_begins(complaint, "server: ") &&
             fuzz_begins(complaint, cut));
        return false;
    }
    must_be_equal(ret_place, &again);
    must_be_fit(ret_place);
    must_come_back(ret_place);
    return true;
}

static void try_addresses(const char *one, const char *other)
{
    struct wms_place a, b;

    if (try_address(one, &a) && try_address(other, &b)) {
        bool equal = wms_place_equal(&a, &b);
        MUST(equal == wms_place_equal(&b, &a));
        MUST(!equal || wms_place_hash(&key, &a) == wms_place_hash(&key, &b));
    }
}

/* ---- ids ------------------------------------------------------------------------------------- */

static bool try_id(wms_id *id)
{
    char complaint[COMPLAINT] = "", printed[WMS_ID_PRINTED];

    if (wms_id_check(id, complaint, sizeof complaint)) {
        MUST(fuzz_is_sentence(complaint) && fuzz_begins(complaint, "session_ids: "));
        return false;
    }
    wms_id again = *id;
    MUST(wms_id_check(&again, complaint, sizeof complaint) == 0 && again.text == id->text);
    MUST(wms_id_equal(id, &again) && wms_id_hash(&key, id) == wms_id_hash(&key, &again));
    MUST(fuzz_is_sentence(wms_id_print(id, printed, sizeof printed)));
    if (!id->text) { /* as a text, it is the same number */
        again = (wms_id){.text = printed};
        MUST(wms_id_check(&again, complaint, sizeof complaint) == 0 && wms_id_equal(id, &again));
    }
    return true;
}

static void try_ids(const char *one, const char *other)
{
    uint32_t number = 0;
    wms_id a = {.text = one}, b = {.text = other}, c = {.text = NULL};

    memcpy(&number, one, strnlen(one, sizeof number));
    c.number = number;
    bool fine = try_id(&a) && try_id(&b);
    try_id(&c);
    if (fine) {
        bool equal = wms_id_equal(&a, &b);
        MUST(equal == wms_id_equal(&b, &a) &&
             (!equal || wms_id_hash(&key, &a) == wms_id_hash(&key, &b)));
    }
}

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* There are two functions that know UTF-8, written by themselves; XML has besides some characters
 * that it cannot hold. */
static void try_utf8(const char *text)
{
    size_t length = strlen(text), span = multipoint_xml_span(text, length);

    MUST(span <= length);
    MUST(span < length || wms_is_utf8(text));
    if (span < length && wms_is_utf8(text)) {
        const char *at = text + span;
        MUST((unsigned char) *at < ' ' || fuzz_begins(at, "\xEF\xBF\xBE") ||
             fuzz_begins(at, "\xEF\xBF\xBF"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char one[TEXT], other[TEXT] = "";
    const uint8_t *line = memchr(data, '\n', size);
    size_t length = line ? (size_t) (line - data) : size, rest = line ? size - length - 1 : 0;

    snprintf(one, sizeof one, "%.*s", (int) length, (const char *) data);
    if (line) {
        snprintf(other, sizeof other, "%.*s", (int) rest, (const char *) line + 1);
    }
    try_addresses(line ? one : NULL,
                  other); /* without a line feed: this machine, and another one */
    try_addresses(one, other);
    try_ids(one, other);
    try_utf8(one);
    try_utf8(other);
    return 0;
}
