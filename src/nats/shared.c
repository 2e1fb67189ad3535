/* SPDX-License-Identifier: MIT */
/* shared.c - what the engine's side and the threads of a carrier share: references, orders,
 * notices. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nats/carrier.h"

atomic_bool carriers_park;

double carrier_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void carrier_keep(struct carrier *carrier)
{
    atomic_fetch_add(&carrier->refs, 1);
}

void carrier_drop(struct carrier *carrier)
{
    if (atomic_fetch_sub(&carrier->refs, 1) != 1) {
        return;
    }
    if (carrier->news >= 0) {
        close(carrier->news);
    }
    if (carrier->wake >= 0) {
        close(carrier->wake);
    }
    if (carrier->epoll >= 0) {
        close(carrier->epoll);
    }
    pthread_mutex_destroy(&carrier->lock);
    free(carrier);
}

void route_drop(struct route *route)
{
    if (atomic_fetch_sub(&route->refs, 1) == 1) {
        nats_options_free(route->options);
        carrier_drop(route->carrier);
        free(route);
    }
}

/* ---- orders and notices -----------------------------------------------------------------------
 */

void order_free(struct order *order)
{
    if (order->kind == ORDER_PUBLISH || order->kind == ORDER_DELETE) {
        atomic_fetch_sub(&order->route->waiting, order_weight(order->size));
    }
    free(order);
}

static void ring(int fd)
{
    uint64_t one = 1;

    if (write(fd, &one, sizeof one) < 0) {
        return; /* it is rung already */
    }
}

void carrier_wake(struct carrier *carrier)
{
    if (!carrier->wakened) {
        carrier->wakened = true;
        ring(carrier->wake);
    }
}

struct notice *carrier_notice(struct route *route, enum notice_kind kind, size_t room)
{
    struct notice *notice = malloc(sizeof *notice + room);

    if (notice) {
        memset(notice, 0, sizeof *notice);
        notice->route = route;
        notice->kind = kind;
        notice->size = sizeof *notice + room;
        atomic_fetch_add(&route->refs, 1);
    }
    return notice;
}

void notice_free(struct notice *notice)
{
    route_drop(notice->route);
    free(notice);
}

void carrier_tell(struct carrier *carrier, struct notice *notice)
{
    pthread_mutex_lock(&carrier->lock);
    bool taken = !carrier->leaving;
    if (taken) {
        if (atomic_fetch_add(&carrier->untold, notice->size) > CARRIER_HIGH) {
            carrier_wake(carrier);
        }
        queue_append(&carrier->notices, &notice->entry);
        if (!carrier->newsy) {
            carrier->newsy = true;
            ring(carrier->news);
        }
    }
    pthread_mutex_unlock(&carrier->lock);
    if (!taken) {
        notice_free(notice);
    }
}
