/* SPDX-License-Identifier: MIT */
/* socket.c - libcurl's sockets in the engine's loop. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

/* A socket of libcurl's.  A connection's socket stays in the list until it is closed, and is still
 * watched for input when libcurl has removed it: usually libcurl adds it again for the next
 * exchange before anything comes, which saves two system calls. */
struct multipoint_socket {
    struct multipoint *all;
    int fd;
    struct wms_poll *poll; /* NULL: not watched yet */
    int events;            /* what it is watched for */
    bool connection, wanted;
    bool used;                            /* a question was sent on it */
    struct node of_host;                  /* of host->sockets, or alone */
    struct multipoint_host *host;         /* whose connection it is, as long as it is there */
    struct multipoint_exchange *exchange; /* whose answer is expected on it, or NULL */
    uint64_t received; /* bytes received before that exchange's question was sent */
};

static struct multipoint_socket *find(const struct multipoint *all, int fd)
{
    return (size_t) fd < all->socket_room ? all->sockets[fd] : NULL;
}

/* False: out of memory. */
static bool make_room(struct multipoint *all, size_t least)
{
    size_t room = all->socket_room ? all->socket_room : 64;

    while (room < least) {
        room *= 2;
    }
    struct multipoint_socket **sockets = multipoint_alloc(&all->memory, room * sizeof *sockets);
    if (sockets) {
        if (all->socket_room > 0) {
            memcpy(sockets, all->sockets, all->socket_room * sizeof *sockets);
        }
        multipoint_free(&all->memory, all->sockets);
        all->sockets = sockets;
        all->socket_room = room;
    }
    return sockets;
}

/* Bytes that the connection has ever received; 0: unknown. */
static uint64_t received(int fd)
{
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t size = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

void multipoint_socket_part(struct multipoint_exchange *exchange)
{
    if (exchange->socket) {
        exchange->socket->exchange = NULL;
        exchange->socket = NULL;
    }
}

/* libcurl gives a connection to whoever asks next at the address, as after a bind. */
static void own(struct multipoint_socket *socket, struct multipoint_host *host)
{
    if (socket->host != host) {
        node_remove(&socket->of_host);
        socket->host = host;
        node_append(&host->sockets, &socket->of_host);
    }
}

static void join(struct multipoint_socket *socket, struct multipoint_exchange *exchange)
{
    if (socket->exchange != exchange) {
        if (socket->exchange) {
            multipoint_socket_part(socket->exchange);
        }
        multipoint_socket_part(exchange);
        socket->exchange = exchange;
        exchange->socket = socket;
        own(socket, exchange->host);
        if (exchange->left) { /* sent on a kept connection before the socket was known: it was not
                                 counted then */
            socket->received = received(socket->fd);
        }
    }
}

static void watched_free(struct multipoint_socket *socket)
{
    struct multipoint *all = socket->all;

    if (socket->exchange) {
        multipoint_socket_part(socket->exchange);
    }
    node_remove(&socket->of_host);
    all->memory.services->poll_free(socket->poll);
    all->sockets[socket->fd] = NULL;
    multipoint_free(&all->memory, socket);
}

static struct multipoint_socket *watched_new(struct multipoint *all, int fd)
{
    if ((size_t) fd >= all->socket_room && !make_room(all, (size_t) fd + 1)) {
        return NULL;
    }
    if (all->sockets[fd]) { /* libcurl closes a connection that never came about without telling:
                               the number is another socket's by now */
        watched_free(all->sockets[fd]);
    }
    struct multipoint_socket *socket = multipoint_alloc(&all->memory, sizeof *socket);
    if (socket) {
        socket->all = all;
        socket->fd = fd;
        node_init(&socket->of_host);
        all->sockets[fd] = socket;
    }
    return socket;
}

curl_socket_t multipoint_socket_open(void *data, curlsocktype purpose,
                                     struct curl_sockaddr *address)
{
    struct multipoint_exchange *exchange = data;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    (void) purpose;

    if (fd < 0) {
        exchange->no_socket = errno == EMFILE || errno == ENFILE ? WMS_E_INTERNAL : 0;
    } else {
        struct multipoint_socket *socket = watched_new(exchange->host->all, fd);
        if (!socket) {
            exchange->no_socket = WMS_E_NO_MEMORY;
            close(fd);
            return CURL_SOCKET_BAD;
        }
        socket->connection = true;
    }
    return fd;
}

int multipoint_socket_close(void *data, curl_socket_t fd)
{
    struct multipoint_socket *socket = find(data, fd);
    struct multipoint_exchange *exchange = socket ? socket->exchange : NULL;

    /* libcurl has a limit for a single header, and reports it as out of memory.  It is recognized
     * here: more than MULTIPOINT_HEAD_MAX bytes were received, and no text of the answer yet. */
    if (exchange && exchange->left && exchange->answer.length == 0 && !exchange->too_large &&
        received(fd) - socket->received > MULTIPOINT_HEAD_MAX) {
        exchange->refused = exchange->refused ? exchange->refused : multipoint_long_head;
    }
    if (socket) {
        watched_free(socket);
    }
    return close(fd);
}

static void on_ready(void *data, int events)
{
    struct multipoint_socket *socket = data;
    struct multipoint *all = socket->all;
    if (!socket->wanted) { /* input on a kept connection means that the host closes it: libcurl
                              notices when it uses it again */
        socket->events = 0;
        all->memory.services->poll_set(socket->poll, 0);
        if (socket->host && socket->host->closed) {
            socket->host->closed(socket->host);
        }
        return;
    }
    if (multipoint_turn_used_up(all) && events == WMS_READABLE) { /* libcurl would read nothing */
        multipoint_turn_soon(all);
        return;
    }
    int mask = (events & WMS_READABLE ? CURL_CSELECT_IN : 0) |
               (events & WMS_WRITABLE ? CURL_CSELECT_OUT : 0);

    all->ready(all, socket->fd, mask);
}

/* The socket cannot be watched, so its exchange ends with `code`.  This is not returned to libcurl,
 * which would fail all exchanges. */
static void give_up(CURL *easy, int code)
{
    struct multipoint_exchange *exchange = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange) == CURLE_OK && exchange &&
        !exchange->trouble) {
        exchange->trouble = code;
        exchange->result = CURLE_OUT_OF_MEMORY;
        node_remove(&exchange->node);
        node_append(&exchange->host->all->finished, &exchange->node);
    }
}

int multipoint_socket_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
    struct multipoint *all = data;
    struct multipoint_socket *socket = known ? known : find(all, fd);
    const struct wms_services *services = all->memory.services;
    int events =
        (what & CURL_POLL_IN ? WMS_READABLE : 0) | (what & CURL_POLL_OUT ? WMS_WRITABLE : 0);

    if (what == CURL_POLL_REMOVE) {
        if (socket && !socket->connection) { /* of the resolver */
            watched_free(socket);
        } else if (socket && socket->poll && !socket->used) { /* perhaps it is given up: see
                                                                 watched_new() */
            services->poll_free(socket->poll);
            socket->poll = NULL;
            socket->events = 0;
            socket->wanted = false;
        } else if (socket && socket->poll) {
            socket->wanted = false;
            if (socket->events & ~WMS_READABLE) { /* that the host closes it is still noticed */
                socket->events = services->poll_set(socket->poll, WMS_READABLE) ? 0 : WMS_READABLE;
            }
        }
        return 0;
    }
    socket = socket ? socket : watched_new(all, fd);
    int error = socket ? 0 : WMS_E_NO_MEMORY;
    if (!error && !socket->poll) {
        error = services->poll_new(all->memory.engine, fd, on_ready, socket, &socket->poll);
    }
    if (!error && socket->events != events) {
        error = services->poll_set(socket->poll, events);
    }
    if (error) {
        give_up(easy, error);
        return 0;
    }
    socket->events = events;
    socket->wanted = true;
    if (!known) {
        curl_multi_assign(all->multi, fd, socket);
    }
    struct multipoint_exchange *exchange = NULL;
    if (socket->connection && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &exchange) == CURLE_OK &&
        exchange) {
        join(socket, exchange);
    }
    return 0;
}

void multipoint_socket_count(struct multipoint_exchange *exchange)
{
    if (exchange->socket) {
        exchange->socket->used = true;
        exchange->socket->received = received(exchange->socket->fd);
    }
}

void multipoint_socket_answered(CURL *easy, const struct multipoint_exchange *exchange)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        struct multipoint_socket *socket = find(exchange->host->all, fd);
        if (socket && socket->connection) {
            own(socket, exchange->host);
        }
    }
}

uint64_t multipoint_socket_received(const struct multipoint_exchange *exchange)
{
    const struct multipoint_socket *socket = exchange->socket;
    uint64_t all = socket ? received(socket->fd) : 0;

    return all > 0 ? all - socket->received : 0;
}

void multipoint_sockets_forget_host(struct multipoint_host *host)
{
    while (!node_alone(&host->sockets)) {
        struct multipoint_socket *socket =
            NODE_OWNER(host->sockets.next, struct multipoint_socket, of_host);
        node_remove(&socket->of_host);
        socket->host = NULL;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

void multipoint_sockets_free(struct multipoint *all)
{
    for (size_t fd = 0; fd < all->socket_room; fd++) {
        if (all->sockets[fd]) {
            watched_free(all->sockets[fd]);
        }
    }
    all->sockets = multipoint_free(&all->memory, all->sockets);
    all->socket_room = 0;
}

void multipoint_sockets_cut(struct multipoint *all)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t fd = 0; fd < all->socket_room; fd++) {
        struct multipoint_socket *socket = all->sockets[fd];
        if (!socket || !socket->poll) { /* it may be closed: see watched_new() */
            continue;
        }
        all->memory.services->poll_free(socket->poll);
        socket->poll = NULL;
        /* Under the same number: libcurl will send close_notify on it, and close it. */
        if (nothing < 0 || dup3(nothing, socket->fd, O_CLOEXEC) < 0) {
            close(socket->fd);
        }
    }
    if (nothing >= 0) {
        close(nothing);
    }
}
