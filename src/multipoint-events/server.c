/* SPDX-License-Identifier: MIT */
/* server.c - an HTTPS server in the engine's loop: libmicrohttpd, which has no thread here, but an
 * epoll descriptor that the loop watches.
 *
 * Anybody may connect.  So a connection has 64 kB for its head, a limit for a request's content, a
 * time in which somebody has to show who he is, and there are not many connections, and few of one
 * address.  All else is decided by settings.door() and settings.answer().
 */
#define _GNU_SOURCE
#include "multipoint/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errortext.h"
#include "core/node.h"

enum {
    CONNECTIONS = 256, /* at a time */
    PER_ADDRESS = 64,
    HEAD_MAX = 65536, /* bytes of memory for a connection's head */
    IDLE = 60,        /* seconds without a byte, for those that have shown who they are */
    BACKLOG = 128
};
static const double patience = 10; /* seconds until a request, for all others; and for each one */

/* As long as somebody has not ended his handshake, libmicrohttpd wants to be run again at once, and
 * would take a whole processor to find that nothing came.  After so many runs in which nothing
 * happened it is run later; what comes meanwhile, its descriptor shows. */
enum { EAGER = 8 };
static const double later = 0.01; /* seconds */

struct multipoint_server {
    const struct multipoint_memory *memory;
    struct multipoint_server_settings settings; /* without key and certificate */
    struct MHD_Daemon *daemon;
    int listener, epoll; /* the daemon's descriptors */
    struct wms_poll *poll;
    struct wms_timer *timer; /* libmicrohttpd's */
    struct wms_timer
        *watchdog; /* ends those that take too long; runs while there is a connection */
    struct node connections;
    double now;     /* counted by the watchdog: its ticks */
    bool happened;  /* in this run: a connection began or ended, or a piece of a request came */
    unsigned vain;  /* runs since something happened */
    bool untracked; /* there was a connection that we do not know of */
};

/* A connection, or what of it is ours. */
struct connection {
    struct node node;
    struct multipoint_server *server;
    int fd;
    double until; /* when it is ended if it has not shown who it is by then; negative: it has, and
                     no request is under way */
};

/* A request. */
struct request {
    struct connection *connection;
    struct multipoint_text text;
};

/* ---- connections ----------------------------------------------------------------------------- */

static void on_connection(void *data, struct MHD_Connection *opened, void **ours,
                          enum MHD_ConnectionNotificationCode what)
{
    struct multipoint_server *server = data;
    struct connection *connection = *ours;

    server->happened = true;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(opened, MHD_CONNECTION_INFO_CONNECTION_FD);
        connection = multipoint_alloc(server->memory, sizeof *connection);
        *ours = connection;
        if (!connection || !info) { /* its requests are refused then */
            server->untracked = true;
            return;
        }
        connection->server = server;
        connection->fd = info->connect_fd;
        connection->until = server->now + patience;
        if (node_alone(&server->connections)) {
            server->memory->services->timer_set(server->watchdog, 1);
        }
        node_append(&server->connections, &connection->node);
    } else if (connection) {
        if (connection->server) {
            node_remove(&connection->node);
        }
        *ours = multipoint_free(server->memory, connection);
    }
}

static void tick(void *data)
{
    struct multipoint_server *server = data;

    server->now += 1;
    for (struct node *node = server->connections.next; node != &server->connections;
         node = node->next) {
        struct connection *connection = NODE_OWNER(node, struct connection, node);
        if (connection->until >= 0 && connection->until < server->now) {
            shutdown(connection->fd, SHUT_RDWR); /* libmicrohttpd finds that it has ended */
        }
    }
    if (!node_alone(&server->connections)) {
        server->memory->services->timer_set(server->watchdog, 1);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum MHD_Result reply(struct MHD_Connection *connection,
                             const struct multipoint_server_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->type ? answer->size : 0, (void *) (uintptr_t) (answer->type ? answer->text : ""),
        MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = response ? MHD_YES : MHD_NO;

    if (result && answer->type) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    }
    if (result && answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
    }
    if (result && !answer->known) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    result = result ? MHD_queue_response(connection, answer->status, response) : MHD_NO;
    if (response) {
        MHD_destroy_response(response);
    }
    return result;
}

/* What is longer is not read. */
static bool is_too_long(struct MHD_Connection *connection, size_t most)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length && strtoull(length, NULL, 10) > most; /* libmicrohttpd has looked at the digits */
}

/* The head is there. */
static enum MHD_Result begin(struct multipoint_server *server, struct MHD_Connection *opened,
                             const char *path, const char *method, void **ours)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(opened, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info ? info->socket_context : NULL;
    struct request *request =
        connection && connection->server ? multipoint_alloc(server->memory, sizeof *request) : NULL;

    if (!request) {
        return MHD_NO;
    }
    request->connection = connection;
    request->text.memory = server->memory;
    *ours = request;
    if (connection->until < 0) {
        connection->until = server->now + patience;
    }
    const char *type =
        MHD_lookup_connection_value(opened, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    unsigned status = server->settings.door(method, path, type);
    if (!status && is_too_long(opened, server->settings.request_max)) {
        status = MHD_HTTP_CONTENT_TOO_LARGE;
    }
    return status ? reply(opened, &(struct multipoint_server_answer){.status = status}) : MHD_YES;
}

/* All of it is there. */
static enum MHD_Result finish(struct multipoint_server *server, struct MHD_Connection *opened,
                              const char *path, struct request *request)
{
    struct multipoint_server_answer answer = {.status = 0};

    if (server->settings.answer(server->settings.data, path,
                                request->text.data ? request->text.data : "", request->text.length,
                                &answer)) {
        answer = (struct multipoint_server_answer){.status = MHD_HTTP_SERVICE_UNAVAILABLE};
    }
    if (answer.known) {
        request->connection->until = -1;
    }
    return reply(opened, &answer);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *opened, const char *path,
                                  const char *method, const char *version, const char *part,
                                  size_t *size, void **ours)
{
    struct multipoint_server *server = data;
    struct request *request = *ours;
    (void) version;

    server->happened = true;
    if (!request) {
        return begin(server, opened, path, method, ours);
    }
    if (*size == 0) {
        return finish(server, opened, path, request);
    }
    if (request->text.length + *size > server->settings.request_max) {
        return MHD_NO; /* it comes in chunks, and does not end */
    }
    multipoint_text_add(&request->text, part, *size);
    *size = 0;
    return request->text.failed ? MHD_NO : MHD_YES;
}

static void on_completed(void *data, struct MHD_Connection *opened, void **ours,
                         enum MHD_RequestTerminationCode why)
{
    struct multipoint_server *server = data;
    struct request *request = *ours;
    (void) opened;
    (void) why;

    if (request) {
        multipoint_text_free(&request->text);
        *ours = multipoint_free(server->memory, request);
    }
}

/* ---- in the loop ----------------------------------------------------------------------------- */

/* Seconds after which libmicrohttpd has to be run even if its descriptor shows nothing; negative:
 * never. */
static double pause_of(struct multipoint_server *server)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;

    server->vain = server->happened ? 0 : server->vain + 1;
    if (MHD_get_timeout(server->daemon, &milliseconds) != MHD_YES) {
        return -1;
    }
    return milliseconds > 0 ? (double) milliseconds / 1000 : server->vain > EAGER ? later : 0;
}

static void run(void *data)
{
    struct multipoint_server *server = data;
    const struct multipoint_server_settings settings = server->settings;

    settings.turn(settings.data, true);
    server->happened = false;
    MHD_run(server->daemon);
    server->memory->services->timer_set(server->timer, pause_of(server));
    settings.turn(settings.data, false); /* the server may be gone now */
}

static void on_ready(void *data, int events)
{
    (void) events;
    run(data);
}

/* ---- open ------------------------------------------------------------------------------------ */

static socklen_t print_address(const char *text, unsigned port, struct sockaddr_storage *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *) address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) address;

    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t) port);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t) port);
    if (*text && inet_pton(AF_INET6, text, &six->sin6_addr) != 1) {
        return 0;
    }
    return sizeof *six;
}

/* Listens.  -1: it cannot; errno says why. */
static int listen_at(const char *text, unsigned port)
{
    struct sockaddr_storage address;
    socklen_t size = print_address(text, port, &address);
    const int yes = 1, no = 0;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 && !*text) { /* no IPv6 here */
        size = print_address("0.0.0.0", port, &address);
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    if (fd < 0) {
        return -1;
    }
    /* Connections that have ended do not hold the port for minutes. */
    bool good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                (address.ss_family != AF_INET6 || *text ||
                 setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0) &&
                bind(fd, (const struct sockaddr *) &address, size) == 0 && listen(fd, BACKLOG) == 0;
    if (!good) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static int explain(int number, char *why, size_t size)
{
    char buffer[200];

    snprintf(why, size, "%s", ERROR_TEXT(number, buffer));
    return number == EADDRINUSE                    ? WMS_E_BUSY
           : number == EACCES || number == EPERM   ? WMS_E_ACCESS_DENIED
           : number == ENOMEM || number == ENOBUFS ? WMS_E_NO_MEMORY
                                                   : WMS_E_INTERNAL;
}

static struct MHD_Daemon *start(struct multipoint_server *server,
                                const struct multipoint_server_settings *settings, int fd)
{
    return MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_HTTPS_MEM_KEY, settings->key, MHD_OPTION_HTTPS_MEM_CERT,
        settings->certificate, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-DHE-RSA", MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t) HEAD_MAX, MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned) PER_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned) IDLE, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
}

/* Libmicrohttpd closes the socket or does not, depending on what goes wrong: it is closed if it is
 * still ours. */
static void close_if_there(int fd, const struct stat *before)
{
    struct stat now;

    if (fstat(fd, &now) == 0 && now.st_ino == before->st_ino && now.st_dev == before->st_dev) {
        close(fd);
    }
}

/* Errors: NO_MEMORY, INTERNAL, ACCESS_DENIED, BUSY. */
static int serve(struct multipoint_server *server,
                 const struct multipoint_server_settings *settings, char *why, size_t size)
{
    struct stat before;
    int fd = listen_at(settings->address, settings->port);

    if (fd < 0 || fstat(fd, &before)) {
        return explain(errno, why, size);
    }
    server->listener = fd;
    server->daemon = start(server, settings, fd);
    if (!server->daemon) {
        close_if_there(fd, &before);
        snprintf(why, size, "libmicrohttpd cannot serve HTTPS there");
        return WMS_E_INTERNAL;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const struct wms_services *services = server->memory->services;
    server->epoll = info->epoll_fd;
    int error =
        services->poll_new(server->memory->engine, server->epoll, on_ready, server, &server->poll);
    error = error ? error : services->poll_set(server->poll, WMS_READABLE);
    if (error) {
        snprintf(why, size, "there is no descriptor or memory left");
    }
    return error;
}

/* ---- close ----------------------------------------------------------------------------------- */

/* In a forked child: the descriptors are replaced by others under the same numbers, which belong to
 * nobody, so that libmicrohttpd can take its leave of them.  False: that is not possible. */
static bool cut(const struct multipoint_server *server)
{
    struct epoll_event nothing = {.events = 0};
    int epoll = epoll_create1(EPOLL_CLOEXEC),
        lonely = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = epoll >= 0 && lonely >= 0 && dup3(lonely, server->listener, O_CLOEXEC) >= 0 &&
                !server->untracked;

    for (struct node *node = server->connections.next; node != &server->connections;
         node = node->next) {
        int fd = NODE_OWNER(node, struct connection, node)->fd;
        /* Libmicrohttpd insists on taking it from its epoll set. */
        good = good && dup3(lonely, fd, O_CLOEXEC) >= 0 &&
               epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &nothing) == 0;
        if (!good) {
            close(fd);
        }
    }
    good = good && dup3(epoll, server->epoll, O_CLOEXEC) >= 0;
    if (!good) { /* its memory is lost, in this child */
        close(server->listener);
        close(server->epoll);
    }
    close(epoll);
    close(lonely);
    return good;
}

static void close_server(struct multipoint_server *server, bool forked)
{
    const struct wms_services *services = server->memory->services;

    services->poll_free(server->poll);
    services->timer_free(server->timer);
    services->timer_free(server->watchdog);
    if (server->daemon && (!forked || cut(server))) {
        MHD_stop_daemon(server->daemon); /* with all connections */
    } else {
        while (!node_alone(&server->connections)) {
            multipoint_free(server->memory,
                            NODE_OWNER(node_take(&server->connections), struct connection, node));
        }
    }
    multipoint_free(server->memory, server);
}

/* ---- for multipoint.so ----------------------------------------------------------------------- */

static int open_server(const struct multipoint_memory *memory,
                       const struct multipoint_server_settings *settings,
                       struct multipoint_server **ret_server, char *why, size_t size)
{
    struct multipoint_server *server = multipoint_alloc(memory, sizeof *server);

    if (!server) {
        snprintf(why, size, "out of memory");
        return WMS_E_NO_MEMORY;
    }
    server->memory = memory;
    server->settings = *settings;
    server->settings.key = server->settings.certificate = server->settings.address = NULL;
    node_init(&server->connections);
    server->timer = memory->services->timer_new(memory->engine, run, server);
    server->watchdog = memory->services->timer_new(memory->engine, tick, server);
    int error = server->timer && server->watchdog ? 0 : WMS_E_NO_MEMORY;
    if (error) {
        snprintf(why, size, "out of memory");
    }
    error = error ? error : serve(server, settings, why, size);
    if (error) {
        close_server(server, false);
        return error;
    }
    *ret_server = server;
    return 0;
}

static const struct multipoint_server_functions functions = {
    .version = WMS_VERSION,
    .open = open_server,
    .close = close_server,
};

WMS_API const struct multipoint_server_functions *wms_multipoint_server(void);

const struct multipoint_server_functions *wms_multipoint_server(void)
{
    return &functions;
}
