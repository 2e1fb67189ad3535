/* SPDX-License-Identifier: MIT */
/* listener.c - tests of core/listener.h: whose the other end of a connection is, as the kernel
 * says and as its list of all sockets does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* sock_diag may be missing. */
static bool no_diag;
#define socket(family, type, protocol) \
    (no_diag && (family) == AF_NETLINK ? -1 : socket(family, type, protocol))
#include "core/listener.c"
#undef socket

#include "../c/check.h"

enum { NOBODY = 65534 };

static const char *address;

/* ---- sockets --------------------------------------------------------------------------------- */

union place {
    struct sockaddr any;
    struct sockaddr_in old;
    struct sockaddr_in6 new;
};

static socklen_t place_of(union place *place, const char *host, unsigned port)
{
    memset(place, 0, sizeof *place);
    if (inet_pton(AF_INET, host, &place->old.sin_addr) == 1) {
        place->old.sin_family = AF_INET;
        place->old.sin_port = htons((uint16_t) port);
        return sizeof place->old;
    }
    CHECK(inet_pton(AF_INET6, host, &place->new.sin6_addr) == 1);
    place->new.sin6_family = AF_INET6;
    place->new.sin6_port = htons((uint16_t) port);
    return sizeof place->new;
}

static unsigned port_of(int fd)
{
    union place place;
    socklen_t size = sizeof place;

    CHECK(getsockname(fd, &place.any, &size) == 0);
    return ntohs(place.any.sa_family == AF_INET ? place.old.sin_port : place.new.sin6_port);
}

/* -1: there is no such address here. */
static int listen_at(const char *host, unsigned port)
{
    union place place;
    socklen_t size = place_of(&place, host, port);
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(fd, &place.any, size) || listen(fd, 8)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_to(unsigned port)
{
    union place place;
    socklen_t size = place_of(&place, address, port);
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && connect(fd, &place.any, size) == 0);
    return fd;
}

/* What is said of a connection of ours. */
static enum wms_listener look_at_end(unsigned port, int fd)
{
    uid_t owner = 0;
    enum wms_listener who = wms_listener_of(address, port, address, port_of(fd), &owner);

    CHECK(owner == (who == WMS_LISTENER_FOREIGN ? NOBODY : 0));
    return who;
}

static enum wms_listener look_for_listener(unsigned port)
{
    uid_t owner = 0;
    enum wms_listener who = wms_listener_find(address, port, &owner);

    CHECK(owner == (who == WMS_LISTENER_FOREIGN ? NOBODY : 0));
    return who;
}

/* ---- ours ------------------------------------------------------------------------------------ */

static void our_own(const char *listens_at)
{
    int listener = listen_at(listens_at, 0);

    if (listener < 0) {
        return;
    }
    unsigned port = port_of(listener);
    CHECK(look_for_listener(port) == WMS_LISTENER_OURS);
    int ours = connect_to(port);
    CHECK(look_at_end(port, ours) == WMS_LISTENER_OURS); /* not accepted yet */
    int theirs = accept(listener, NULL, NULL);
    CHECK(theirs >= 0 && look_at_end(port, ours) == WMS_LISTENER_OURS);
    close(listener);
    CHECK(look_at_end(port, ours) == WMS_LISTENER_OURS); /* it is still ours */
    CHECK(look_for_listener(port) == WMS_LISTENER_NONE);
    close(ours);
    close(theirs);
    CHECK(look_for_listener(port) == WMS_LISTENER_NONE);
}

/* ---- another user's -------------------------------------------------------------------------- */

/* A process of another user's: it listens, and does one step for each byte that it is sent. */
struct other {
    pid_t pid;
    int steps, done;
    unsigned port;
};

static void step(const struct other *other)
{
    char c = 0;

    CHECK(write(other->steps, &c, 1) == 1 && read(other->done, &c, 1) == 1);
}

static void be_other(int steps, int done)
{
    char c = 0;
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setuid(NOBODY) == 0);
    int listener = listen_at(address, 0);
    unsigned port = port_of(listener);

    CHECK(write(done, &port, sizeof port) == sizeof port);
    CHECK(read(steps, &c, 1) == 1 && accept(listener, NULL, NULL) >= 0 && write(done, &c, 1) == 1);
    CHECK(read(steps, &c, 1) == 1 && close(listener) == 0 && write(done, &c, 1) == 1);
    CHECK(read(steps, &c, 1) <= 0);
    _exit(0);
}

static struct other begin_other(void)
{
    int to[2], from[2];

    CHECK(pipe(to) == 0 && pipe(from) == 0);
    struct other other = {.pid = fork(), .steps = to[1], .done = from[0]};
    CHECK(other.pid >= 0);
    if (other.pid == 0) {
        close(to[1]);
        be_other(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    CHECK(read(other.done, &other.port, sizeof other.port) == sizeof other.port);
    return other;
}

static void another_users(void)
{
    struct other other = begin_other();
    int status, ours = connect_to(other.port);

    CHECK(look_for_listener(other.port) == WMS_LISTENER_FOREIGN);
    CHECK(look_at_end(other.port, ours) == WMS_LISTENER_FOREIGN); /* not accepted yet */
    step(&other);
    CHECK(look_at_end(other.port, ours) == WMS_LISTENER_FOREIGN);
    step(&other); /* it listens no more, and we do: it has the connection none the less */
    int listener = listen_at(address, other.port), second;
    CHECK(listener >= 0);
    CHECK(look_at_end(other.port, ours) == WMS_LISTENER_FOREIGN);
    second = connect_to(other.port);
    CHECK(look_at_end(other.port, second) == WMS_LISTENER_OURS);
    close(second);
    close(listener);
    close(ours);
    close(other.steps);
    close(other.done);
    CHECK(waitpid(other.pid, &status, 0) == other.pid && status == 0);
}

int main(void)
{
    static const struct {
        const char *address, *any;
    } kinds[] = {{"127.0.0.1", "0.0.0.0"}, {"::1", "::"}};

    for (int i = 0; i < 4; i++) {
        uid_t owner = 0;
        address = kinds[i % 2].address;
        no_diag = i >= 2;
        snprintf(where, sizeof where, "%s, %s", address, no_diag ? "the list" : "the kernel");
        CHECK(wms_listener_find("localhost", 1, &owner) == WMS_LISTENER_NO_ADDRESS);
        CHECK(wms_listener_of(address, 1, "here", 1, &owner) == WMS_LISTENER_NO_ADDRESS);
        int here = listen_at(address, 0);
        if (here < 0) {
            continue; /* without IPv6 */
        }
        close(here);
        our_own(address);
        our_own(kinds[i % 2].any);
        our_own("::"); /* it takes what comes by IPv4, too */
        if (getuid() == 0) {
            another_users();
        }
    }
    return 0;
}
