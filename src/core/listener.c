/* SPDX-License-Identifier: MIT */
/* listener.c - who has a port of this machine: the kernel tells the owner of each socket, by
 * sock_diag, which finds a connection's other end as a packet of ours does, or, where that is not
 * to be had, by a list of all, which takes it some milliseconds.
 *
 * It needs nothing of the engine, and is linked into others' objects. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/listener.h"

enum { LISTENS = 0x0A /* TCP_LISTEN */ };

/* An end of a connection. */
struct end {
    struct in6_addr address; /* IPv4: mapped */
    unsigned port;
};

struct search {
    struct end theirs, ours;
    bool connected; /* `ours` is one */
    bool found, foreign;
    uid_t owner; /* if `foreign` */
};

static void judge(struct search *search, uid_t owner)
{
    search->found = true;
    if (owner != 0 && owner != getuid() && owner != geteuid()) {
        search->foreign = true;
        search->owner = owner;
    }
}

static bool is_mapped(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

/* ---- sock_diag ------------------------------------------------------------------------------- */

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 what;
};

/* As the kernel has it in a question: an IPv4 address comes first. */
static void print_address(const struct in6_addr *address, __be32 to[4])
{
    if (is_mapped(address)) {
        memcpy(to, address->s6_addr + 12, 4);
    } else {
        memcpy(to, address, sizeof *address);
    }
}

/* Asks for the socket that gets what comes from `ours`; NULL: from anywhere else.  False: there is
 * none, or the kernel does not say. */
static bool ask_kernel(const struct end *theirs, const struct end *ours,
                       struct inet_diag_msg *ret_socket)
{
    struct question question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .what = {.sdiag_family = is_mapped(&theirs->address) ? AF_INET : AF_INET6,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id = {.idiag_sport = htons((uint16_t) theirs->port),
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    struct {
        struct nlmsghdr head;
        struct inet_diag_msg socket;
        char more[512];
    } answer;
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof from;
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    ssize_t length = -1;

    print_address(&theirs->address, question.what.id.idiag_src);
    if (ours) {
        question.what.id.idiag_dport = htons((uint16_t) ours->port);
        print_address(&ours->address, question.what.id.idiag_dst);
    }
    if (fd >= 0 && sendto(fd, &question, sizeof question, 0, (struct sockaddr *) &from, size) ==
                       (ssize_t) sizeof question) { /* which waits for the answer */
        length =
            recvfrom(fd, &answer, sizeof answer, MSG_DONTWAIT, (struct sockaddr *) &from, &size);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (length < (ssize_t) (sizeof answer.head + sizeof answer.socket) || from.nl_pid != 0 ||
        answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        return false;
    }
    *ret_socket = answer.socket;
    return true;
}

/* One that was accepted has an inode.  While it has not, its owner may be unknown, and its listener
 * is still there. */
static bool find(struct search *search)
{
    struct inet_diag_msg socket;
    bool accepted = search->connected && ask_kernel(&search->theirs, &search->ours, &socket) &&
                    socket.idiag_state != LISTENS && socket.idiag_inode != 0;

    if (accepted || (ask_kernel(&search->theirs, NULL, &socket) && socket.idiag_state == LISTENS)) {
        judge(search, socket.idiag_uid);
    }
    return search->found;
}

/* ---- the list of all ------------------------------------------------------------------------- */

/* Whether a listener at that address would get our connection. */
static bool takes(const struct search *search, const struct in6_addr *address)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    struct in6_addr any_mapped = any;

    any_mapped.s6_addr[10] = any_mapped.s6_addr[11] = 0xFF;
    return memcmp(address, &search->theirs.address, sizeof *address) == 0 ||
           memcmp(address, &any, sizeof any) == 0 ||
           (is_mapped(&search->theirs.address) &&
            memcmp(address, &any_mapped, sizeof any_mapped) == 0);
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
 * owner, when, inode, and more.  Owner and inode of one that was not accepted are 0. */
static void look_at(struct search *search, char *line)
{
    enum { LOCAL = 1, REMOTE = 2, STATE = 3, OWNER = 7, FIELDS };
    const char *fields[FIELDS];
    char *rest, *field = strtok_r(line, " ", &rest);
    struct in6_addr address, other;
    uint32_t port, other_port, state;

    for (int i = 0; i < FIELDS; i++, field = strtok_r(NULL, " ", &rest)) {
        if (!field) {
            return;
        }
        fields[i] = field;
    }
    if (!read_place(fields[LOCAL], &address, &port) ||
        !read_place(fields[REMOTE], &other, &other_port) || !read_hex(fields[STATE], 2, &state) ||
        port != search->theirs.port) {
        return;
    }
    if (state == LISTENS ? takes(search, &address)
                         : search->connected && other_port == search->ours.port &&
                               memcmp(&other, &search->ours.address, sizeof other) == 0) {
        judge(search, (uid_t) strtoul(fields[OWNER], NULL, 10));
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

/* ---- both ------------------------------------------------------------------------------------ */

static bool read_end(const char *host, unsigned port, struct end *ret_end)
{
    struct in_addr old;

    *ret_end = (struct end){.port = port};
    if (inet_pton(AF_INET, host, &old) == 1) {
        ret_end->address.s6_addr[10] = ret_end->address.s6_addr[11] = 0xFF;
        memcpy(ret_end->address.s6_addr + 12, &old, sizeof old);
        return true;
    }
    return inet_pton(AF_INET6, host, &ret_end->address) == 1;
}

static enum wms_listener look(struct search *search, uid_t *ret_owner)
{
    if (!find(search) && (!look_through(search, "/proc/thread-self/net/tcp") ||
                          !look_through(search, "/proc/thread-self/net/tcp6"))) {
        return WMS_LISTENER_UNSEEN;
    }
    if (search->foreign) {
        *ret_owner = search->owner;
        return WMS_LISTENER_FOREIGN;
    }
    return search->found ? WMS_LISTENER_OURS : WMS_LISTENER_NONE;
}

enum wms_listener wms_listener_find(const char *address, unsigned port, uid_t *ret_owner)
{
    struct search search = {.found = false};

    return read_end(address, port, &search.theirs) ? look(&search, ret_owner)
                                                   : WMS_LISTENER_NO_ADDRESS;
}

enum wms_listener wms_listener_of(const char *address, unsigned port, const char *our_address,
                                  unsigned our_port, uid_t *ret_owner)
{
    struct search search = {.connected = true};

    return read_end(address, port, &search.theirs) && read_end(our_address, our_port, &search.ours)
               ? look(&search, ret_owner)
               : WMS_LISTENER_NO_ADDRESS;
}
