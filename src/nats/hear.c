/* SPDX-License-Identifier: MIT */
/* hear.c - subscriptions, and what is heard: libnats' delivery thread brings it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nats/carrier.h"

/* It is made anew for each connection, and libnats' as long as that can bring a message. */
struct hook {
    struct line *line; /* a reference */
    unsigned number;
};

struct subscription {
    unsigned number;
    natsSubscription *heard; /* NULL: there is no connection */
    char subject[];
};

/* ---- messages (libnats' thread) -------------------------------------------------------------- */

/* Two digits at a time, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;

    for (; count > 0; count--, text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        value = value * 10 + *text - '0';
    }
    return value;
}

/* "2026-11-30T08:15:30.123456789Z"; -1: it is none. */
static double time_of(const char *text)
{
    double fraction = 0, unit = 0.1;

    if (!text || strlen(text) < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':') {
        return -1;
    }
    struct tm parts = {.tm_year = digits(text, 4) - 1900,
                       .tm_mon = digits(text + 5, 2) - 1,
                       .tm_mday = digits(text + 8, 2),
                       .tm_hour = digits(text + 11, 2),
                       .tm_min = digits(text + 14, 2),
                       .tm_sec = digits(text + 17, 2)};
    if (parts.tm_year < 70 || parts.tm_mon < 0 || parts.tm_mday < 1 || parts.tm_hour < 0 ||
        parts.tm_min < 0 || parts.tm_sec < 0) {
        return -1;
    }
    const char *rest = text + 19;
    rest += *rest == '.';
    while (*rest >= '0' && *rest <= '9') {
        fraction += (*rest++ - '0') * unit;
        unit /= 10;
    }
    return strcmp(rest, "Z") == 0 ? (double) timegm(&parts) + fraction : -1;
}

static const char *header(natsMsg *from, const char *name)
{
    const char *value = NULL;

    return natsMsgHeader_Get(from, name, &value) == NATS_OK ? value : NULL;
}

static void read_header(natsMsg *from, struct courier_message *message)
{
    const char *status = header(from, "Status"), *sequence = header(from, "Nats-Sequence"),
               *operation = header(from, "KV-Operation");

    message->status = status && digits(status, 3) >= 0 ? digits(status, 3) : 0;
    message->time = time_of(header(from, "Nats-Time-Stamp"));
    if (sequence && *sequence >= '0' && *sequence <= '9') {
        message->sequence = strtoull(sequence, NULL, 10);
    }
    message->deleted =
        operation && (strcmp(operation, "DEL") == 0 || strcmp(operation, "PURGE") == 0);
}

static struct notice *notice_of(struct route *route, unsigned number, natsMsg *from)
{
    const char *subject = natsMsg_GetSubject(from), *reply = natsMsg_GetReply(from);
    size_t subject_size = strlen(subject) + 1, reply_size = reply && *reply ? strlen(reply) + 1 : 0,
           size = (size_t) natsMsg_GetDataLength(from);
    struct notice *notice =
        carrier_notice(route, NOTICE_MESSAGE, subject_size + reply_size + size + 1);

    if (!notice) {
        return NULL;
    }
    char *to = (char *) (notice + 1);
    struct courier_message *message = &notice->message;
    message->subscription = number;
    message->time = -1;
    message->subject = memcpy(to, subject, subject_size);
    to += subject_size;
    message->reply = reply_size > 0 ? memcpy(to, reply, reply_size) : NULL;
    to += reply_size;
    if (size > 0) {
        memcpy(to, natsMsg_GetData(from), size);
    }
    to[size] = '\0';
    message->data = to;
    message->size = size;
    read_header(from, message);
    return notice;
}

static void message(natsConnection *nc, natsSubscription *heard, natsMsg *from, void *closure)
{
    struct hook *hook = closure;
    struct route *route = hook->line->route;
    struct notice *notice = notice_of(route, hook->number, from);

    (void) nc;
    (void) heard;
    natsMsg_Destroy(from);
    if (notice) {
        carrier_tell(route->carrier, notice);
    } else {
        /* It is lost, and whoever waits for it must learn that: the connection goes. */
        hook->line->starved = true;
        line_wish(hook->line);
    }
}

static void unhook(void *closure)
{
    struct hook *hook = closure;

    line_drop(hook->line);
    free(hook);
}

/* ---- subscriptions (the carrier's thread) ---------------------------------------------------- */

/* Where it is, or would be. */
static size_t place_of(const struct route *route, unsigned number)
{
    size_t low = 0, high = route->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (route->subscriptions[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool begin(struct line *line, struct subscription *subscription)
{
    struct hook *hook = malloc(sizeof *hook);

    if (!hook) {
        return false;
    }
    *hook = (struct hook){.line = line, .number = subscription->number};
    line_keep(line);
    if (natsConnection_Subscribe(&subscription->heard, line->nc, subscription->subject, message,
                                 hook) != NATS_OK) {
        subscription->heard = NULL;
        unhook(hook);
        return false;
    }
    /* Without limits: what waits is counted by the carrier, which stops reading. */
    natsSubscription_SetPendingLimits(subscription->heard, -1, -1);
    natsSubscription_SetOnCompleteCB(subscription->heard, unhook, hook);
    return true;
}

static void end(struct subscription *subscription)
{
    natsSubscription_Destroy(subscription->heard); /* NULL is allowed */
    subscription->heard = NULL;
}

int hear_subscribe(struct route *route, unsigned number, const char *subject)
{
    size_t size = strlen(subject) + 1;
    struct subscription *subscription = malloc(sizeof *subscription + size);

    if (route->count == route->room && subscription) {
        size_t room = route->room ? 2 * route->room : 4;
        struct subscription **more = realloc(route->subscriptions, room * sizeof(void *));
        if (more) {
            route->subscriptions = more;
            route->room = room;
        }
    }
    if (!subscription || route->count == route->room) {
        free(subscription);
        return WMS_E_NO_MEMORY;
    }
    subscription->number = number;
    subscription->heard = NULL;
    memcpy(subscription->subject, subject, size);
    route->subscriptions[route->count++] = subscription; /* numbers grow */
    return route->state == ROUTE_UP && !begin(route->line, subscription) ? WMS_E_NO_MEMORY : 0;
}

void hear_unsubscribe(struct route *route, unsigned number)
{
    size_t place = place_of(route, number);

    if (place < route->count && route->subscriptions[place]->number == number) {
        end(route->subscriptions[place]);
        free(route->subscriptions[place]);
        route->count--;
        memmove(route->subscriptions + place, route->subscriptions + place + 1,
                (route->count - place) * sizeof(void *));
    }
}

bool hear_begin(struct route *route)
{
    for (size_t i = 0; i < route->count; i++) {
        if (!begin(route->line, route->subscriptions[i])) {
            return false;
        }
    }
    return true;
}

void hear_end(struct route *route)
{
    for (size_t i = 0; i < route->count; i++) {
        end(route->subscriptions[i]);
    }
}

void hear_free(struct route *route)
{
    for (size_t i = 0; i < route->count; i++) {
        free(route->subscriptions[i]);
    }
    free(route->subscriptions);
    route->subscriptions = NULL;
    route->count = route->room = 0;
}
