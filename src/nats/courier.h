/* SPDX-License-Identifier: MIT */
/* courier.h - a connection to the NATS servers, for the engine's thread.
 *
 *     courier.c   the engine's side: what is published and heard waits here
 *     carrier.c   the thread that carries all connections of an engine
 *     route.c     what that thread does for one courier
 *     hear.c      subscriptions, and what is heard
 *     shared.c    what both sides share: references, orders, notices
 *     connect.c   makes connections, anew too, in threads of its own
 *     options.c   what a connection needs: servers, credentials, TLS
 *     nkey.c      the public key that belongs to a seed
 *
 * All of it is called in the engine's thread.  Nothing blocks, and nothing is re-entered: an
 * event comes from the engine's loop only.  In an event everything may be called, also
 * courier_free().  What is handed over is copied.
 */
#ifndef WMS_COURIER_H
#define WMS_COURIER_H

#include <wms/provider.h>

enum {
    COURIER_PAYLOAD = 1048576, /* bytes of a message that a server takes, before it has said it */
    COURIER_WAITING_MAX = 67108864, /* bytes that may wait to be sent */
    COURIER_SENTENCE = 500          /* size of a buffer for an error's text */
};

struct courier;

/* Strings live as long as the event. */
struct courier_message {
    unsigned subscription;       /* that courier_subscribe() has returned */
    const char *subject, *reply; /* reply NULL: none is wanted */
    const char *data;            /* with a NUL behind it */
    size_t size;
    int status;  /* what its header says: 503: nobody hears what was published with a reply (the
                    subject is that reply); 404: no such message is stored; 408...; 0: nothing */
    double time; /* of a stored message: when the servers got it, seconds since 1970; -1: none */
    uint64_t sequence; /* of a stored message; 0: none */
    bool deleted;      /* a key's value was taken away (KV-Operation: DEL or PURGE) */
};

enum { COURIER_NO_MESSAGE = 404, COURIER_NOBODY = 503 }; /* of `status` */

/* Whether the servers themselves have sent it: JetStream sends what is stored wherever it is told
 * to, so such a message is nobody's question, event or answer. */
static inline bool courier_is_of_servers(const struct courier_message *message)
{
    return message->status || message->time >= 0 || message->sequence || message->deleted;
}

struct courier_events {
    /* Connected, or connected again: all subscriptions hold, and hear what comes from here on. */
    void (*up)(void *data);
    /* The connection is lost, or cannot be made yet: a code and a sentence without a server's or a
     * host's name before it.  It will be tried again, for ever.  Told once for each connection that
     * is lost, and again when the reason is another one. */
    void (*down)(void *data, int code, const char *text);
    /* It will not be tried again: ACCESS_DENIED (the credentials are refused, or cannot be read),
     * UNTRUSTED (TLS), INVALID (options).  The courier is to be freed, then or later. */
    void (*refused)(void *data, int code, const char *text);
    void (*message)(void *data, const struct courier_message *message);
    /* The servers do not allow what was subscribed to or published (the sentence names the
     * subject); the connection goes on.  NULL: it is logged only. */
    void (*forbidden)(void *data, const char *text);
};

/* Begins to connect at once.  `nats` is what services->transport() has (copied); `events` lives as
 * long as the courier.  Errors: INVALID (what misuse of the options leaves), NO_MEMORY, INTERNAL
 * (no thread, no descriptor). */
int courier_new(const struct wms_services *services, wms_engine *engine, const wms_nats *nats,
                const struct courier_events *events, void *data, struct courier **ret_courier);

/* Frees it; NULL is allowed.  No event comes any more.  What was published is still sent, if it is
 * up and the server takes it within a second, by the thread.  `forked`: this is a child, and only
 * memory is freed and descriptors are closed. */
void courier_free(struct courier *courier, bool forked);

/* Subscribes, now and whenever it is connected.  One number is never given twice.  Errors:
 * NO_MEMORY. */
int courier_subscribe(struct courier *courier, const char *subject, unsigned *ret_subscription);
/* No message of it comes any more. */
void courier_unsubscribe(struct courier *courier, unsigned subscription);

/* Queued, and sent with all else that was queued in this turn.  `reply` NULL: no answer is wanted.
 * Nothing of it is sent anew: what was published and is not answered when the connection is lost
 * may have been lost as well.  Errors: UNREACHABLE (it is not up: nothing is sent), NO_MEMORY, BUSY
 * (more than COURIER_WAITING_MAX bytes wait), PROTOCOL (it is larger than the server takes). */
int courier_publish(struct courier *courier, const char *subject, const char *reply,
                    const void *data, size_t size);
/* Takes a key's value away (KV-Operation: DEL).  Errors as above. */
int courier_delete(struct courier *courier, const char *subject, const char *reply);

size_t courier_payload(const struct courier *courier); /* how many bytes the server takes */
bool courier_is_up(const struct courier *courier);
/* How many bytes wait to be sent. */
size_t courier_waiting(const struct courier *courier);

/* The name of who asks, as the subjects have it; valid as long as the courier. */
const char *courier_name(const struct courier *courier);

#endif
