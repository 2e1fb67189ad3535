/* SPDX-License-Identifier: MIT */
/* target.c - server addresses and session ids. */
#include "core/target.h"

#include <stdio.h>
#include <string.h>

/* The schemes of this project, which packages the provider's module needs on the two kinds of
 * distribution, and whether an address without a host means this machine. */
static const struct {
    const char *name;
    const char *package;
    bool local;
} schemes[] = {
    {"memory", NULL, false},
    {"logind", "libsystemd0 (Debian) or systemd-libs (Fedora)", true},
    {"multipoint",
     "libcurl4, libxml2 and libssl3 (Debian) or libcurl, libxml2 and openssl-libs (Fedora)", false},
    {"veyon",
     "libcurl4, libjansson4 and libssl3 (Debian) or libcurl, jansson and openssl-libs (Fedora)",
     false},
    {"nats",
     "libnats3.4, libjansson4 and libssl3 (Debian) or cnats, jansson and openssl-libs (Fedora)",
     false},
    {"wts", "libwinpr2-2 or libwinpr3-3 (Debian) or libwinpr (Fedora)", true},
};

static const char this_machine[] = "logind";
static const char bare_host[] = "multipoint"; /* as the cmdlets' -Server */

bool wms_scheme_known(const char *scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strcmp(schemes[i].name, scheme) == 0) {
            return true;
        }
    }
    return false;
}

const char *wms_scheme_package(const char *scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strcmp(schemes[i].name, scheme) == 0) {
            return schemes[i].package;
        }
    }
    return NULL;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static int complain(char *complaint, size_t size, const char *why)
{
    snprintf(complaint, size, "server: %s", why);
    return WMS_E_INVALID;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool all_of(const char *text, const char *others)
{
    for (; *text; text++) {
        if (!is_alnum(*text) && !strchr(others, *text)) {
            return false;
        }
    }
    return true;
}

/* A host name becomes an argument of ssh or a part of a URL: nothing in it may be mistaken for an
 * option or a delimiter. */
static int check_host(const char *host, char *complaint, size_t size)
{
    if (!*host) {
        return complain(complaint, size,
                        "no host name in it; give one, for example \"lab01.school.example\"");
    }
    if (*host == '-') {
        return complain(
            complaint, size,
            "a host name does not begin with '-'; give a name such as \"lab01.school.example\"");
    }
    if (host[strlen(host) - 1] == '.') {
        return complain(
            complaint, size,
            "a dot with no label before it; give a name such as \"lab01.school.example\"");
    }
    if (!all_of(host, strchr(host, ':') ? ":.%" : "._-")) {
        return complain(
            complaint, size,
            "a character that no host name has; give letters, digits, '.', '_' and '-', "
            "or an IPv6 address in brackets");
    }
    return 0;
}

static int check_user(const char *user, char *complaint, size_t size)
{
    if (!*user || *user == '-' || !all_of(user, "._-+$")) {
        return complain(complaint, size,
                        "a user name before '@' has letters, digits, '.', '_', '+', '$' and '-', "
                        "and does not begin with '-'");
    }
    return 0;
}

static int parse_port(const char *digits, unsigned *ret_port, char *complaint, size_t size)
{
    unsigned port = 0;
    const char *p = digits;

    while (*p >= '0' && *p <= '9' && port <= 65535) {
        port = port * 10 + (unsigned) (*p++ - '0');
    }
    if (p == digits || *p || port == 0 || port > 65535) {
        return complain(complaint, size,
                        "no port after ':'; give a number from 1 to 65535, or leave ':' out");
    }
    *ret_port = port;
    return 0;
}

/* Takes [user@]host[:port] apart, in place. */
static int parse_authority(struct wms_address *address, char *text, char *complaint, size_t size)
{
    char *at = strrchr(text, '@');
    char *host = text;
    char *port = NULL;

    if (at) {
        *at = '\0';
        if (check_user(text, complaint, size)) {
            return WMS_E_INVALID;
        }
        address->user = text;
        host = at + 1;
    }
    if (*host == '[') {
        char *end = strchr(host, ']');
        if (!end || (end[1] && end[1] != ':')) {
            return complain(
                complaint, size,
                "a bracket is not closed; give an IPv6 address as \"[::1]\" or \"[::1]:8443\"");
        }
        if (end[1] == ':') {
            port = end + 2;
        }
        *end = '\0';
        host++;
    } else {
        port = strchr(host, ':');
        if (port) {
            if (strchr(port + 1, ':')) {
                return complain(
                    complaint, size,
                    "more than one ':'; give an IPv6 address in brackets, as in \"[::1]:8443\"");
            }
            *port++ = '\0';
        }
    }
    if (check_host(host, complaint, size)) {
        return WMS_E_INVALID;
    }
    address->host = host;
    return port ? parse_port(port, &address->port, complaint, size) : 0;
}

static void to_lower(char *text, const char *end)
{
    for (; text < end; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char) (*text - 'A' + 'a');
        }
    }
}

void wms_address_fold(char *text)
{
    char *mark = strstr(text, "://");
    char *host = mark ? mark + 3 : text;
    char *slash = mark ? strchr(host, '/') : NULL;
    char *end = slash ? slash : host + strlen(host);

    if (mark) {
        to_lower(text, mark);
    }
    for (char *p = host; p < end; p++) { /* skips the user's name: its case matters to the host */
        host = *p == '@' ? p + 1 : host;
    }
    if (*host == '[') {
        to_lower(host, host + strcspn(host, "%/")); /* behind '%' stands the name of an interface */
        return;
    }
    for (char *p = host; p < end; p++) {
        end = *p == ':' ? p : end;
    }
    to_lower(host, end);
    if (end - host > 1 && end[-1] == '.') {
        memmove(end - 1, end, strlen(end) + 1);
    }
}

int wms_place_parse(struct wms_place *ret_place, const char *text, char *complaint, size_t size)
{
    struct wms_place *place = ret_place;
    char folded[WMS_ADDRESS_MAX + 1];

    memset(place, 0, sizeof *place);
    place->address.text = text ? text : "localhost";
    if (!text) {
        strcpy(place->scheme, this_machine);
        return 0;
    }
    size_t length = strlen(text);
    if (length == 0) {
        return complain(complaint, size,
                        "an empty string; give a host name, or nothing for this machine");
    }
    if (length > WMS_ADDRESS_MAX) {
        snprintf(complaint, size, "server: it has %zu characters; give at most %d", length,
                 WMS_ADDRESS_MAX);
        return WMS_E_INVALID;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] >= 127) {
            return complain(complaint, size,
                            "a space, a control character or a letter outside ASCII; give a host "
                            "name or an address such "
                            "as \"memory://lab\"");
        }
    }
    strcpy(folded, text);
    wms_address_fold(folded);
    text = folded;
    if (strcmp(text, "localhost") == 0) {
        strcpy(place->scheme, this_machine);
        return 0;
    }
    const char *mark = strstr(text, "://");
    const char *rest = text;
    if (mark) {
        size_t n = (size_t) (mark - text);
        for (size_t i = 0; i < n; i++) {
            if (text[i] < 'a' || text[i] > 'z') {
                n = 0;
            }
        }
        if (n == 0 || n > WMS_SCHEME_MAX) {
            return complain(complaint, size,
                            "no scheme, of letters alone, before \"://\"; give memory://, "
                            "logind://, multipoint://, veyon:// or wts://");
        }
        memcpy(place->scheme, text, n);
        rest = mark + 3;
    } else {
        strcpy(place->scheme, bare_host);
    }
    strcpy(place->parts, rest);
    char *slash = mark ? strchr(place->parts, '/') : NULL;
    if (slash) {
        /* Moved up by one byte, so that the host before it can be NUL-terminated. */
        memmove(slash + 1, slash, strlen(slash) + 1);
        *slash = '\0';
        place->address.path = slash + 1;
    }
    if (*place->parts) {
        return parse_authority(&place->address, place->parts, complaint, size);
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strcmp(schemes[i].name, place->scheme) == 0 && !schemes[i].local) {
            snprintf(complaint, size,
                     "server: no host name in it; give one, for example \"%s://lab01\"",
                     place->scheme);
            return WMS_E_INVALID;
        }
    }
    return 0;
}

static const char *moved(const char *part, const struct wms_place *from, const struct wms_place *to)
{
    return part ? to->parts + (part - from->parts) : NULL;
}

size_t wms_place_size(const struct wms_place *place)
{
    const char *last = place->address.path   ? place->address.path
                       : place->address.host ? place->address.host
                                             : NULL;

    return last ? (size_t) (last + strlen(last) + 1 - (const char *) place)
                : offsetof(struct wms_place, parts);
}

void wms_place_copy(struct wms_place *ret_place, const struct wms_place *place, const char *text)
{
    const struct wms_address *address = &place->address;

    memcpy(ret_place, place, wms_place_size(place));
    ret_place->address.text = text;
    ret_place->address.user = moved(address->user, place, ret_place);
    ret_place->address.host = moved(address->host, place, ret_place);
    ret_place->address.path = moved(address->path, place, ret_place);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool wms_place_equal(const struct wms_place *a, const struct wms_place *b)
{
    return same(a->scheme, b->scheme) && same(a->address.user, b->address.user) &&
           same(a->address.host, b->address.host) && same(a->address.path, b->address.path) &&
           a->address.port == b->address.port;
}

uint64_t wms_place_hash(const struct wms_key *key, const struct wms_place *place)
{
    const struct wms_address *address = &place->address;
    const char *const words[] = {place->scheme, address->user, address->host, address->path};
    char text[sizeof place->scheme + sizeof place->parts + sizeof address->port +
              sizeof words]; /* large enough for all of it */
    size_t size = sizeof address->port;

    memcpy(text, &address->port, size);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = words[i] ? strlen(words[i]) : 0;
        if (length > 0) {
            memcpy(text + size, words[i], length);
        }
        text[size + length] = '\0';
        size += length + 1;
    }
    return wms_hash(key, text, size);
}

/* ---- session ids ----------------------------------------------------------------------------- */

static const char no_session[] = "session_ids: 4294967295 means \"no session\"; give 0..4294967294";

int wms_id_check(wms_id *id, char *complaint, size_t size)
{
    if (!id->text) {
        if (id->number == UINT32_MAX) {
            snprintf(complaint, size, "%s", no_session);
            return WMS_E_INVALID;
        }
        return 0;
    }
    size_t length = strnlen(id->text, WMS_ID_MAX + 1);
    if (length == 0 || length > WMS_ID_MAX) {
        snprintf(complaint, size, "session_ids: an id of %s characters; give 1 to %d",
                 length ? "too many" : "no", WMS_ID_MAX);
        return WMS_E_INVALID;
    }
    uint64_t number = 0;
    bool digits = true;
    for (size_t i = 0; i < length; i++) {
        char c = id->text[i];
        if (c <= ' ' || c >= 127) {
            snprintf(
                complaint, size,
                "session_ids: an id with a space, a control character or a letter outside ASCII; "
                "give an id as wms.sessions shows it");
            return WMS_E_INVALID;
        }
        digits = digits && c >= '0' && c <= '9';
        if (digits && number <= UINT32_MAX) {
            number = number * 10 + (uint64_t) (c - '0');
        }
    }
    if (!digits || (id->text[0] == '0' && length > 1)) {
        return 0;
    }
    if (number == UINT32_MAX && length == 10) {
        snprintf(complaint, size, "%s", no_session);
        return WMS_E_INVALID;
    }
    if (number >= UINT32_MAX) {
        snprintf(complaint, size, "session_ids: %.40s is out of range; give 0..4294967294",
                 id->text);
        return WMS_E_INVALID;
    }
    id->text = NULL;
    id->number = (uint32_t) number;
    return 0;
}

bool wms_id_equal(const wms_id *a, const wms_id *b)
{
    if (!a->text || !b->text) {
        return !a->text && !b->text && a->number == b->number;
    }
    return strcmp(a->text, b->text) == 0;
}

uint64_t wms_id_hash(const struct wms_key *key, const wms_id *id)
{
    return id->text ? wms_hash(key, id->text, strlen(id->text))
                    : wms_hash(key, &id->number, sizeof id->number);
}

const char *wms_id_print(const wms_id *id, char *buffer, size_t size)
{
    if (id->text) {
        snprintf(buffer, size, "\"%s\"", id->text);
    } else {
        snprintf(buffer, size, "%lu", (unsigned long) id->number);
    }
    return buffer;
}

/* ---- text ------------------------------------------------------------------------------------ */

bool wms_is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;

    while (*p) {
        unsigned more;
        uint32_t value;
        if (*p < 0x80) {
            p++;
            continue;
        }
        if (*p >= 0xC2 && *p <= 0xDF) {
            more = 1;
            value = *p & 0x1Fu;
        } else if ((*p & 0xF0) == 0xE0) {
            more = 2;
            value = *p & 0x0Fu;
        } else if (*p >= 0xF0 && *p <= 0xF4) {
            more = 3;
            value = *p & 0x07u;
        } else {
            return false;
        }
        for (unsigned i = 1; i <= more; i++) {
            if ((p[i] & 0xC0) != 0x80) {
                return false;
            }
            value = value << 6 | (p[i] & 0x3Fu);
        }
        if ((more == 2 && value < 0x800) || (more == 3 && (value < 0x10000 || value > 0x10FFFF)) ||
            (value >= 0xD800 && value <= 0xDFFF)) {
            return false;
        }
        p += more + 1;
    }
    return true;
}
