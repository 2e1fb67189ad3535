/* SPDX-License-Identifier: MIT */
/* listener.c - who listens at an address of this machine: the kernel tells the owner of each
 * socket.
 *
 * It needs nothing of the engine, and is linked into others' objects. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/listener.h"

enum { LISTENS = 0x0A /* TCP_LISTEN */ };

struct search {
    struct in6_addr address; /* IPv4: mapped */
    unsigned port;
    bool found, foreign;
    uid_t owner; /* if `foreign` */
};

static bool is_mapped(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

/* Whether a listener at that address would get our connection. */
static bool takes(const struct search *search, const struct in6_addr *address)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    struct in6_addr any_mapped = any;

    any_mapped.s6_addr[10] = any_mapped.s6_addr[11] = 0xFF;
    return memcmp(address, &search->address, sizeof *address) == 0 ||
           memcmp(address, &any, sizeof any) == 0 ||
           (is_mapped(&search->address) && memcmp(address, &any_mapped, sizeof any_mapped) == 0);
}

/* Reads hex digits; NULL: there are none. */
static const char *read_hex(const char *text, size_t digits, uint32_t *ret_number)
{
    static const char hex[] = "0123456789ABCDEF";

    *ret_number = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *digit = text[i] ? strchr(hex, text[i]) : NULL;
        if (!digit) {
            return NULL;
        }
        *ret_number = *ret_number << 4 | (uint32_t) (digit - hex);
    }
    return text + digits;
}

/* An address and a port as the kernel prints them: "0100007F:2B48", 32 bits at a time, each as a
 * number of this machine. */
static bool read_place(const char *text, struct in6_addr *ret_address, uint32_t *ret_port)
{
    uint32_t word[4] = {0, 0, htonl(0xFFFF), 0};
    size_t words = strcspn(text, ":") / 8;

    if (words != 1 && words != 4) {
        return false;
    }
    for (size_t i = 0; text && i < words; i++) {
        text = read_hex(text, 8, &word[words == 1 ? 3 : i]);
    }
    memcpy(ret_address, word, sizeof *ret_address);
    return text && *text == ':' && read_hex(text + 1, 4, ret_port);
}

/* A line of /proc/net/tcp: number, local place, remote place, state, queues, timer, retransmits,
 * owner, and more. */
static void look_at(struct search *search, char *line)
{
    enum { LOCAL = 1, STATE = 3, OWNER = 7, FIELDS };
    const char *fields[FIELDS];
    char *rest, *field = strtok_r(line, " ", &rest);
    struct in6_addr address;
    uint32_t port, state;

    for (int i = 0; i < FIELDS; i++, field = strtok_r(NULL, " ", &rest)) {
        if (!field) {
            return;
        }
        fields[i] = field;
    }
    if (!read_place(fields[LOCAL], &address, &port) || !read_hex(fields[STATE], 2, &state) ||
        state != LISTENS || port != search->port || !takes(search, &address)) {
        return;
    }
    unsigned long owner = strtoul(fields[OWNER], NULL, 10);
    search->found = true;
    if (owner != 0 && owner != getuid() && owner != geteuid()) {
        search->foreign = true;
        search->owner = (uid_t) owner;
    }
}

/* False: it cannot be read. */
static bool look_through(struct search *search, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[512];

    if (!file) {
        return errno == ENOENT && strstr(path, "tcp6"); /* a kernel without IPv6 */
    }
    while (fgets(line, sizeof line, file)) {
        look_at(search, line);
    }
    bool read = !ferror(file);
    fclose(file);
    return read;
}

enum wms_listener wms_listener_find(const char *address, unsigned port, uid_t *ret_owner)
{
    struct search search = {.port = port};
    struct in_addr old;

    if (inet_pton(AF_INET, address, &old) == 1) {
        search.address.s6_addr[10] = search.address.s6_addr[11] = 0xFF;
        memcpy(search.address.s6_addr + 12, &old, sizeof old);
    } else if (inet_pton(AF_INET6, address, &search.address) != 1) {
        return WMS_LISTENER_NO_ADDRESS;
    }
    if (!look_through(&search, "/proc/thread-self/net/tcp") ||
        !look_through(&search, "/proc/thread-self/net/tcp6")) {
        return WMS_LISTENER_UNSEEN;
    }
    if (search.foreign) {
        *ret_owner = search.owner;
        return WMS_LISTENER_FOREIGN;
    }
    return search.found ? WMS_LISTENER_OURS : WMS_LISTENER_NONE;
}
