/* SPDX-License-Identifier: MIT */
/* socket.c - libcurl's sockets in the engine's loop. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"

/* A socket of libcurl's.  A connection's socket stays in the list until it is closed, and is still
 * watched for input when libcurl has removed it: usually libcurl adds it again for the next
 * transfer before anything comes, which saves two system calls. */
struct net_socket {
    struct net *net;
    int fd;
    struct wms_poll *poll; /* NULL: not watched yet */
    int events;            /* what it is watched for */
    bool connection, wanted;
    bool used;                     /* a question was sent on it */
    struct node of_peer;           /* of peer->sockets, or alone */
    struct net_peer *peer;         /* whose connection it is, as long as it is there */
    struct net_transfer *transfer; /* whose answer is expected on it, or NULL */
    uint64_t received;             /* bytes received before that transfer's question was sent */
};

static struct net_socket *find(const struct net *net, int fd)
{
    return (size_t) fd < net->socket_room ? net->sockets[fd] : NULL;
}

/* False: out of memory. */
static bool make_room(struct net *net, size_t least)
{
    size_t room = net->socket_room ? net->socket_room : 64;

    while (room < least) {
        room *= 2;
    }
    struct net_socket **sockets = net_alloc(net, room * sizeof *sockets);
    if (sockets) {
        if (net->socket_room > 0) {
            memcpy(sockets, net->sockets, net->socket_room * sizeof *sockets);
        }
        net_free(net, net->sockets);
        net->sockets = sockets;
        net->socket_room = room;
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

void net_socket_part(struct net_transfer *transfer)
{
    if (transfer->socket) {
        transfer->socket->transfer = NULL;
        transfer->socket = NULL;
    }
}

/* libcurl gives a connection to whoever asks next at the address, as after a bind. */
static void own(struct net_socket *socket, struct net_peer *peer)
{
    if (socket->peer != peer) {
        node_remove(&socket->of_peer);
        socket->peer = peer;
        node_append(&peer->sockets, &socket->of_peer);
    }
}

static void join(struct net_socket *socket, struct net_transfer *transfer)
{
    if (socket->transfer != transfer) {
        if (socket->transfer) {
            net_socket_part(socket->transfer);
        }
        net_socket_part(transfer);
        socket->transfer = transfer;
        transfer->socket = socket;
        own(socket, transfer->peer);
        if (transfer->left) { /* sent on a kept connection before the socket was known: it was not
                                 counted then */
            socket->received = received(socket->fd);
        }
    }
}

static void watched_free(struct net_socket *socket)
{
    struct net *net = socket->net;

    if (socket->transfer) {
        net_socket_part(socket->transfer);
    }
    node_remove(&socket->of_peer);
    net->services->poll_free(socket->poll);
    net->sockets[socket->fd] = NULL;
    net_free(net, socket);
}

static struct net_socket *watched_new(struct net *net, int fd)
{
    if ((size_t) fd >= net->socket_room && !make_room(net, (size_t) fd + 1)) {
        return NULL;
    }
    if (net->sockets[fd]) { /* libcurl closes a connection that never came about without telling:
                               the number is another socket's by now */
        watched_free(net->sockets[fd]);
    }
    struct net_socket *socket = net_alloc(net, sizeof *socket);
    if (socket) {
        socket->net = net;
        socket->fd = fd;
        node_init(&socket->of_peer);
        net->sockets[fd] = socket;
    }
    return socket;
}

curl_socket_t net_socket_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct net_transfer *transfer = data;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    (void) purpose;

    if (fd < 0) {
        transfer->no_socket = errno == EMFILE || errno == ENFILE ? WMS_E_INTERNAL : 0;
    } else {
        struct net_socket *socket = watched_new(transfer->net, fd);
        if (!socket) {
            transfer->no_socket = WMS_E_NO_MEMORY;
            close(fd);
            return CURL_SOCKET_BAD;
        }
        socket->connection = true;
    }
    return fd;
}

int net_socket_close(void *data, curl_socket_t fd)
{
    struct net_socket *socket = find(data, fd);
    struct net_transfer *transfer = socket ? socket->transfer : NULL;

    if (transfer && transfer->net->calls->closed) {
        transfer->net->calls->closed(transfer, received(fd) - socket->received);
    }
    if (socket) {
        watched_free(socket);
    }
    return close(fd);
}

static void on_ready(void *data, int events)
{
    struct net_socket *socket = data;
    struct net *net = socket->net;
    if (!socket->wanted) { /* input on a kept connection means that the host closes it: libcurl
                              notices when it uses it again */
        socket->events = 0;
        net->services->poll_set(socket->poll, 0);
        if (socket->peer && net->calls->doubt) {
            net->calls->doubt(socket->peer);
        }
        return;
    }
    if (net_turn_used_up(net) && events == WMS_READABLE) { /* libcurl would read nothing */
        net_turn_soon(net);
        return;
    }
    int mask = (events & WMS_READABLE ? CURL_CSELECT_IN : 0) |
               (events & WMS_WRITABLE ? CURL_CSELECT_OUT : 0);

    net->ready(net, socket->fd, mask);
}

/* The socket cannot be watched, so its transfer ends with `code`.  This is not returned to libcurl,
 * which would fail all exchanges. */
static void give_up(CURL *easy, int code)
{
    struct net_transfer *transfer = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK && transfer &&
        !transfer->trouble) {
        transfer->trouble = code;
        transfer->result = CURLE_OUT_OF_MEMORY;
        node_remove(&transfer->node);
        node_append(&transfer->net->finished, &transfer->node);
    }
}

int net_socket_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
    struct net *net = data;
    struct net_socket *socket = known ? known : find(net, fd);
    const struct wms_services *services = net->services;
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
    socket = socket ? socket : watched_new(net, fd);
    int error = socket ? 0 : WMS_E_NO_MEMORY;
    if (!error && !socket->poll) {
        error = services->poll_new(net->engine, fd, on_ready, socket, &socket->poll);
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
        curl_multi_assign(net->multi, fd, socket);
    }
    struct net_transfer *transfer = NULL;
    if (socket->connection && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer) == CURLE_OK &&
        transfer) {
        join(socket, transfer);
    }
    return 0;
}

void net_socket_count(struct net_transfer *transfer)
{
    transfer->looked = 0;
    if (transfer->socket) {
        transfer->socket->used = true;
        transfer->socket->received = received(transfer->socket->fd);
    }
}

void net_socket_answered(const struct net_transfer *transfer)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (!transfer->socket && /* it is its peer's already: see join() */
        curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        struct net_socket *socket = find(transfer->net, fd);
        if (socket && socket->connection) {
            own(socket, transfer->peer);
        }
    }
}

uint64_t net_socket_received(struct net_transfer *transfer)
{
    enum { UNASKED = 8 };
    const struct net_socket *socket = ++transfer->looked > UNASKED ? transfer->socket : NULL;
    uint64_t all = socket ? received(socket->fd) : 0;

    return all > 0 ? all - socket->received : 0;
}

void net_sockets_forget(struct net_peer *peer)
{
    while (!node_alone(&peer->sockets)) {
        struct net_socket *socket = NODE_OWNER(peer->sockets.next, struct net_socket, of_peer);
        node_remove(&socket->of_peer);
        socket->peer = NULL;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

void net_sockets_free(struct net *net)
{
    for (size_t fd = 0; fd < net->socket_room; fd++) {
        if (net->sockets[fd]) {
            watched_free(net->sockets[fd]);
        }
    }
    net_free(net, net->sockets);
    net->sockets = NULL;
    net->socket_room = 0;
}

void net_sockets_cut(struct net *net)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t fd = 0; fd < net->socket_room; fd++) {
        struct net_socket *socket = net->sockets[fd];
        if (!socket || !socket->poll) { /* it may be closed: see watched_new() */
            continue;
        }
        net->services->poll_free(socket->poll);
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
