/* SPDX-License-Identifier: MIT */
/* route.c - what the carrier's thread does for one courier: it connects, writes, reads, and begins
 * anew when the connection is lost. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "nats/carrier.h"

enum {
    FEED_PLAIN = 262144, /* bytes that libnats gets at a time */
    FEED_TLS = 65536,    /* less than the kernel surely takes: libnats would wait for the rest */
    RECORD_HEAD = 5,     /* of TLS */
    RECORD_MAX = 16384 + 2048 + RECORD_HEAD
};

static const double first_pause = 0.2, last_pause = 5, growth = 1.7, /* seconds */
    making_max = 8,                     /* that a connection may take */
    ping_after = 20, silence_max = 60,  /* of a server */
    parting_max = 1, least_idle = 0.02; /* routes are not looked at more often */

/* ---- times ----------------------------------------------------------------------------------- */

void route_schedule(struct route *route, double at)
{
    struct carrier *carrier = route->carrier;

    route->due = at;
    at = at < carrier->seen + least_idle ? carrier->seen + least_idle : at;
    carrier->due = at < carrier->due ? at : carrier->due;
}

/* From 0 to 1. */
static double chance(struct carrier *carrier)
{
    carrier->chance ^= carrier->chance << 13;
    carrier->chance ^= carrier->chance >> 7;
    carrier->chance ^= carrier->chance << 17;
    return (double) (carrier->chance >> 11) / (double) (UINT64_C(1) << 53);
}

/* ---- the connection goes -----------------------------------------------------------------------
 */

static bool tell(struct route *route, enum notice_kind kind, int code, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    struct notice *notice = carrier_notice(route, kind, size);

    if (notice) {
        notice->number = route->number;
        notice->code = code;
        notice->text = text ? memcpy(notice + 1, text, size) : NULL;
        carrier_tell(route->carrier, notice);
    }
    return notice;
}

static void drop_backlog(struct route *route)
{
    while (!queue_is_empty(&route->backlog)) {
        order_free(NODE_OWNER(queue_take(&route->backlog), struct order, entry));
    }
}

static void finish(struct route *route)
{
    drop_backlog(route);
    hear_free(route);
    node_remove(&route->of_carrier);
    node_remove(&route->of_busy);
    route_drop(route);
}

/* The line goes, if there is one. */
static void part(struct route *route)
{
    struct line *line = route->line;

    atomic_store(&route->fd, -1);
    route->line = NULL;
    if (line && route->state == ROUTE_CONNECTING) {
        line_give_up(line);
    } else if (line) {
        line_close(line);
        line_drop(line);
    }
    hear_end(route);
    drop_backlog(route);
    route->state = ROUTE_WAITING;
}

/* When it is tried again. */
static void plan(struct route *route, bool was_up)
{
    size_t count = route->options->count;
    double pause = 0;

    route->server = (route->server + 1) % count;
    route->tries = was_up ? 0 : route->tries + 1;
    if (was_up) {
        route->final = 0;
        route->pause = 0;
    }
    if (route->tries % count == 0) {
        route->pause = route->pause * growth;
        route->pause = route->pause < first_pause  ? first_pause
                       : route->pause > last_pause ? last_pause
                                                   : route->pause;
        pause = route->pause * (0.5 + chance(route->carrier));
    }
    route_schedule(route, carrier_now() + pause);
}

/* The connection is lost, or could not be made. */
static void lose(struct route *route, int code, unsigned patience, const char *text)
{
    bool was_up = route->state == ROUTE_UP;
    char copy[COURIER_SENTENCE];

    snprintf(copy, sizeof copy, "%s", text); /* it may be the line's */
    part(route);
    if (route->ending) {
        finish(route);
        return;
    }
    route->final = patience > 0 ? route->final + 1 : 0;
    if (!route->ever_up && patience > 0 && route->final >= patience * route->options->count) {
        route_refuse(route, code, copy);
        return;
    }
    if (was_up || code != route->told) {
        route->told = tell(route, NOTICE_DOWN, code, copy) ? code : 0;
    }
    plan(route, was_up);
}

void route_refuse(struct route *route, int code, const char *text)
{
    part(route);
    route->state = ROUTE_REFUSED;
    tell(route, NOTICE_REFUSED, code, text);
}

static void lose_broken(struct route *route, const char *why)
{
    char text[COURIER_SENTENCE];

    snprintf(text, sizeof text, "the connection to the NATS server %.200s broke: %.150s",
             route->options->servers[route->line->server].place, why);
    lose(route, WMS_E_UNREACHABLE, 0, text);
}

/* Whether the connection is there; if not, the route may be freed. */
static bool holds(struct route *route)
{
    const char *text = NULL;

    if (atomic_load(&route->line->starved)) {
        lose_broken(route, "memory ran out for a message");
        return false;
    }
    if (!natsConnection_IsClosed(route->line->nc)) {
        return true;
    }
    if (natsConnection_GetLastError(route->line->nc, &text) == NATS_OK || !text || !*text) {
        text = "the server closed it";
    }
    lose_broken(route, text);
    return false;
}

/* ---- reading and writing -----------------------------------------------------------------------
 */

void route_watch(struct route *route)
{
    struct carrier *carrier = route->carrier;
    struct line *line = route->line;
    struct epoll_event event = {.data.ptr = route};

    event.events = (carrier->full ? 0u : (unsigned) (EPOLLIN | EPOLLRDHUP)) |
                   (atomic_load(&line->writing) ? (unsigned) EPOLLOUT : 0u);
    if (event.events != line->events && line->fd >= 0) {
        epoll_ctl(carrier->epoll, EPOLL_CTL_MOD, line->fd, &event);
        line->events = event.events;
    }
}

static natsStatus publish(struct route *route, const struct order *order)
{
    natsConnection *nc = route->line->nc;
    natsMsg *message = NULL;

    if (order->kind == ORDER_PUBLISH) {
        return order->reply
                   ? natsConnection_PublishRequest(nc, order->subject, order->reply, order->data,
                                                   (int) order->size)
                   : natsConnection_Publish(nc, order->subject, order->data, (int) order->size);
    }
    natsStatus status = natsMsg_Create(&message, order->subject, order->reply, NULL, 0);
    if (status == NATS_OK) {
        status = natsMsgHeader_Set(message, "KV-Operation", "DEL");
    }
    if (status == NATS_OK) {
        status = natsConnection_PublishMsg(nc, message);
    }
    natsMsg_Destroy(message);
    return status;
}

/* Gives libnats what it can take.  False: the connection has gone. */
static bool feed(struct route *route)
{
    struct line *line = route->line;
    int limit = line->tls ? FEED_TLS : FEED_PLAIN, waiting = natsConnection_Buffered(line->nc);

    while (!queue_is_empty(&route->backlog) && waiting >= 0 && waiting < limit) {
        struct order *order = NODE_OWNER(queue_take(&route->backlog), struct order, entry);
        natsStatus status =
            order->number == route->number ? publish(route, order) : NATS_OK; /* of the last one */
        waiting += (int) order->size + 64; /* about; what exactly is asked again */
        if (status == NATS_MAX_PAYLOAD) {
            tell(route, NOTICE_FORBIDDEN, 0, nats_GetLastError(NULL));
            status = NATS_OK;
        }
        order_free(order);
        if (status == NATS_NO_MEMORY) {
            lose_broken(route, "memory ran out");
            return false;
        }
        if (status != NATS_OK) {
            return holds(route);
        }
        if (waiting >= limit) {
            waiting = natsConnection_Buffered(line->nc);
        }
    }
    return true;
}

/* Everything is written: the server is to read it, and to close. */
static void bid_farewell(struct route *route)
{
    if (route->ending && !route->parting && queue_is_empty(&route->backlog) &&
        natsConnection_Buffered(route->line->nc) == 0) {
        route->parting = true;
        shutdown(route->line->fd, SHUT_WR);
    }
}

/* Writes what there is.  `writable`: the kernel takes something, says epoll. */
static void pump(struct route *route, bool writable)
{
    struct line *line = route->line;

    for (;;) {
        if (!feed(route)) {
            return;
        }
        /* With TLS libnats waits until the kernel has taken all, so it is only called when epoll
         * has said that there is room. */
        if (!atomic_load(&line->writing) || (line->tls && !writable)) {
            break;
        }
        natsConnection_ProcessWriteEvent(line->nc);
        if (!holds(route)) {
            return;
        }
        if (atomic_load(&line->writing)) {
            break; /* the kernel takes no more */
        }
        writable = false;
    }
    bid_farewell(route);
    route_watch(route);
}

void route_write(struct route *route)
{
    if (route->state == ROUTE_UP && holds(route)) {
        pump(route, false);
    }
}

/* Whether a whole record of TLS is there: libnats would wait for the rest of it. */
static bool record_is_whole(struct line *line)
{
    unsigned char head[RECORD_HEAD];
    int there = 0, least = RECORD_HEAD;
    ssize_t got = recv(line->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

    if (got <= 0) {
        return got == 0 || (errno != EAGAIN && errno != EINTR);
    }
    if (got == RECORD_HEAD) {
        least = RECORD_HEAD + (head[3] << 8 | head[4]);
    }
    bool whole = (ioctl(line->fd, FIONREAD, &there) == 0 && there >= least) || least > RECORD_MAX;
    least = whole ? 1 : least;
    if (least != line->least) {
        setsockopt(line->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
        line->least = least;
    }
    return whole;
}

void route_serve(struct route *route, unsigned events)
{
    struct line *line = route->line;
    bool over = events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP);

    if (over || events & EPOLLIN) {
        line->heard = carrier_now();
        line->pinged = 0;
        if (over || !line->tls || record_is_whole(line)) {
            errno = 0;
            natsConnection_ProcessReadEvent(line->nc);
            if (!holds(route)) {
                return;
            }
        }
    }
    pump(route, events & EPOLLOUT);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void begin(struct route *route)
{
    route->line = line_begin(route);
    if (route->line) {
        route->state = ROUTE_CONNECTING;
        route_schedule(route, carrier_now() + making_max);
    } else {
        route_schedule(route, carrier_now() + 1);
    }
}

void route_begin(struct route *route)
{
    route->server = (size_t) (chance(route->carrier) * (double) route->options->count);
    begin(route);
}

static void begin_up(struct route *route)
{
    struct carrier *carrier = route->carrier;
    struct line *line = route->line;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = route};

    route->state = ROUTE_UP;
    route->number++;
    line->events = event.events;
    line->heard = carrier_now();
    atomic_store(&route->fd, line->fd);
    int64_t payload = natsConnection_GetMaxPayload(line->nc);
    atomic_store(&route->payload, payload > 0 ? (size_t) payload : COURIER_PAYLOAD);
    if (epoll_ctl(carrier->epoll, EPOLL_CTL_ADD, line->fd, &event) != 0 || !hear_begin(route) ||
        !tell(route, NOTICE_UP, 0, NULL)) {
        lose_broken(route, "memory ran out");
        return;
    }
    route->ever_up = true;
    route->told = 0;
    pump(route, false);
}

void route_take_made(struct line *line)
{
    struct route *route = line->route;

    if (line->nc) {
        begin_up(route);
    } else {
        route->state = ROUTE_WAITING; /* nothing is to be given up */
        lose(route, line->code, line->patience, line->text);
    }
    line_drop(line); /* the list's */
}

/* libnats can only send a PING and wait for its answer.  Without TLS it is written past it, between
 * two of its commands; with TLS it waits for a millisecond.  False: it is not sent. */
static bool ping(struct line *line)
{
    static const char command[] = "PING\r\n";

    if (line->tls) {
        natsConnection_FlushTimeout(line->nc, 1);
        return true;
    }
    if (natsConnection_Buffered(line->nc) != 0) {
        return true; /* the server has not taken that either */
    }
    ssize_t sent = send(line->fd, command, sizeof command - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

    return sent < 0 ? errno == EAGAIN : sent == (ssize_t) sizeof command - 1;
}

static void look_at_silence(struct route *route, double now)
{
    struct line *line = route->line;
    double silence = now - line->heard;

    if (route->carrier->full || silence < ping_after * (line->pinged + 1)) {
        return;
    }
    if (silence >= silence_max) {
        lose_broken(route, "the server does not answer");
        return;
    }
    line->pinged++;
    if (ping(line)) {
        pump(route, false);
    } else {
        lose_broken(route, "nothing can be sent to the server");
    }
}

/* ---- what is due -------------------------------------------------------------------------------
 */

void route_look(struct route *route, double now)
{
    char text[COURIER_SENTENCE];

    if (route->ending) {
        part(route);
        finish(route);
    } else if (route->state == ROUTE_WAITING) {
        begin(route);
    } else if (route->state == ROUTE_CONNECTING && line_waits(route->line, now - making_max)) {
        route_schedule(route, now + making_max / 2);
    } else if (route->state == ROUTE_CONNECTING) {
        snprintf(text, sizeof text,
                 "the NATS server %.250s does not complete the connection in time",
                 route->options->servers[route->line->server].place);
        lose(route, WMS_E_TIMEOUT, 0, text);
    } else if (route->state == ROUTE_UP) {
        look_at_silence(route, now);
    }
}

void route_end(struct route *route)
{
    route->ending = true;
    if (route->state == ROUTE_UP) {
        route_schedule(route, carrier_now() + parting_max);
        pump(route, false);
    } else {
        part(route);
        finish(route);
    }
}
