/* SPDX-License-Identifier: MIT */
/* net.h - libcurl in the engine's loop, for providers whose hosts speak HTTP.
 *
 *     turns.c        the multi handle, its timers, and the turn
 *     socket.c       libcurl's sockets in the engine's loop
 *     fingerprint.c  SHA-256 of a certificate as a text
 *
 * It is linked into each of these providers' modules, and shows no symbol.  Everything runs between
 * net_enter() and net_leave(), and only the outermost net_leave() calls settle(), which handles the
 * answers: so no callback runs while another function of the provider is on the stack.  Memory of
 * ours comes from the engine's allocator; libcurl has its own.
 */
#ifndef WMS_NET_H
#define WMS_NET_H

#include <curl/curl.h>
#include <string.h>

#include <wms/provider.h>

#include "core/node.h"

struct net;
struct net_socket;

/* Bytes in one turn of the loop: libcurl and OpenSSL would read on as long as something comes, and
 * block the loop. */
enum { NET_TURN_MAX = 262144 };

/* The connections of one host, used and kept. */
struct net_peer {
    struct node sockets;
};

/* A question that libcurl has, and its answer: the first member of a provider's own struct, which
 * its easy handle has as CURLOPT_PRIVATE and CURLOPT_OPENSOCKETDATA. */
struct net_transfer {
    struct node node; /* in `running` or `finished`, or in a list of the provider's */
    struct net *net;
    struct net_peer *peer;
    CURL *easy;
    struct net_socket *socket; /* on which the answer is expected; NULL: none */
    bool left;                 /* the question was sent */
    bool paused;               /* it receives no more of its answer in this turn */
    int trouble;               /* an error of our own: a code, or 0 */
    unsigned looked;           /* how often net_socket_received() was asked for the answer */
    int no_socket; /* why no socket could be opened, when libcurl reports that it cannot connect: a
                      code, or 0 */
    CURLcode result; /* of a transfer in `finished` */
};

/* What a provider does. */
struct net_calls {
    void (*settle)(struct net *net); /* all work that is due, until there is nothing but to wait */
    void (*tick)(struct net *net);   /* a turn that net_turn_soon() wanted has begun */
    /* Something comes on a kept connection, or the host closes it.  NULL: it does not matter. */
    void (*doubt)(struct net_peer *peer);
    /* libcurl closes the socket of a transfer that has received so many bytes since its question
     * was sent.  NULL: it does not matter. */
    void (*closed)(struct net_transfer *transfer, uint64_t received);
};

/* What there is once for each engine and provider: the first member of the provider's own struct.
 */
struct net {
    const struct wms_services *services;
    wms_engine *engine;
    const struct net_calls *calls;
    CURLM *multi;
    struct wms_timer *timer; /* libcurl's */
    long wait; /* milliseconds after which libcurl wants to be called, counted from its last
                  request; -1: not at all */
    bool timer_changed; /* `wait` has changed, and `timer` is not set to it yet */
    bool timer_runs;
    struct wms_timer *tick; /* our own: there is work to do in the next turn of the loop */
    bool tick_runs;
    void (*ready)(struct net *net, curl_socket_t fd,
                  int mask);     /* called for a socket that is readable or writable */
    struct node running;         /* transfers that libcurl has */
    struct node finished;        /* transfers that libcurl is done with, to be judged */
    struct net_socket **sockets; /* by descriptor; `socket_room` places */
    size_t socket_room;
    size_t received,
        taken; /* in this turn of the loop: bytes of answers, and bytes of TLS read from sockets */
    bool pauses; /* some transfers are paused until the next turn */
    unsigned depth;
    bool forked; /* in a forked child: the sockets were the parent's, and are replaced */
};

/* ---- memory ---------------------------------------------------------------------------------- */

/* Zeroed; NULL: out of memory. */
static inline void *net_alloc(const struct net *net, size_t size)
{
    void *block = net->services->resize(net->engine, NULL, size);

    return block ? memset(block, 0, size) : NULL;
}

/* NULL is allowed. */
static inline void net_free(const struct net *net, void *block)
{
    if (block) {
        net->services->resize(net->engine, block, 0);
    }
}

/* ---- turns.c --------------------------------------------------------------------------------- */

/* Errors: NO_MEMORY; net_end() has to be called in any case.  `net` is zeroed memory. */
int net_begin(struct net *net, const struct wms_services *services, wms_engine *engine,
              const struct net_calls *calls);
/* Closes the kept connections, with TLS close_notify.  No transfer is left. */
void net_end(struct net *net);
/* In a forked child: the sockets are shared with the parent; nothing may be sent on them from here
 * on. */
void net_cut(struct net *net);

void net_enter(struct net *net);
void net_leave(struct net *net); /* the outermost one does all work that is due */
/* The same where nothing may be sent and no service of the engine be called: the work is left to
 * the loop's next turn. */
void net_leave_quietly(struct net *net);

/* For settle(): lets libcurl begin what it was given; and moves what it is done with to `finished`.
 */
void net_work(struct net *net);
void net_collect(struct net *net);
/* At the engine's end, when nobody turns its loop any more: lets libcurl go on with what it has,
 * and blocks until something can be done, or for so long.  No answer is handled. */
void net_go_on(struct net *net, int milliseconds);

/* There is more to do: tick() runs after the loop has served its other events.  If the tick is set
 * already it stays as it is: it would be put off for as long as there is more. */
static inline void net_turn_soon(struct net *net)
{
    if (!net->tick_runs) {
        net->services->timer_set(net->tick, 0);
        net->tick_runs = true;
    }
}

/* Nothing more is read by TLS in this turn. */
static inline bool net_turn_used_up(const struct net *net)
{
    return net->taken >= NET_TURN_MAX;
}

/* For a write callback: whether this turn takes no more.  The callback then returns
 * CURL_WRITEFUNC_PAUSE, and is called again in the next turn. */
bool net_pauses(struct net_transfer *transfer);

/* ---- fingerprint.c --------------------------------------------------------------------------- */

enum { NET_SHA256 = 32, NET_FINGERPRINT = NET_SHA256 * 3 };

/* Reads a SHA-256 in hex, with or without colons, in upper or lower case, after "SHA256:" or not.
 * False: it is something else. */
bool net_fingerprint_parse(const char *text, unsigned char ret_sha256[NET_SHA256]);
/* Upper case, with colons. */
void net_fingerprint_print(const unsigned char sha256[NET_SHA256], char text[NET_FINGERPRINT]);

/* ---- socket.c: callbacks for libcurl, and more ----------------------------------------------- */

/* `data`: the transfer of the first, the struct net of the other two. */

curl_socket_t net_socket_open(void *data, curlsocktype purpose, struct curl_sockaddr *address);
int net_socket_close(void *data, curl_socket_t fd);
int net_socket_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known);
/* What the transfer's socket receives from here on is the transfer's answer: counts from 0. */
void net_socket_count(struct net_transfer *transfer);
/* How many bytes of the answer have come since then; 0: unknown.  It is for a progress callback:
 * the first few calls, all that a short answer has, do not ask the kernel. */
uint64_t net_socket_received(struct net_transfer *transfer);
/* It has an answer; its connection is its peer's.  An answer that was there at once has come
 * without a call of net_socket_watch(). */
void net_socket_answered(const struct net_transfer *transfer);
/* Separates the transfer from its socket, if it has one. */
void net_socket_part(struct net_transfer *transfer);
/* The host is disconnected; its connections are kept, for another one of that address. */
void net_sockets_forget(struct net_peer *peer);
void net_sockets_free(struct net *net);
/* Replaces the sockets by /dev/null under the same numbers: what is sent or closed from here on
 * does not reach the hosts. */
void net_sockets_cut(struct net *net);

#endif
