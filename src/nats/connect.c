/* SPDX-License-Identifier: MIT */
/* connect.c - lines: connections of libnats, each made by a thread that may wait for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nats/carrier.h"

enum {
    ASKED_AGAIN = 3, /* times that a server refuses credentials: it may not have all accounts yet */
    CONNECTORS_MAX = 16,  /* threads of a carrier that make lines */
    GIVEN_UP_MAX = 8,     /* of these, such as nobody waits for any more */
    SEND_BUFFER = 262144, /* so that what the carrier hands over at a time fits, with TLS */
    RECEIVE_BUFFER =
        1048576,     /* what is left of a packet until its TLS record is whole occupies all of
                        the packet's memory: with less the kernel would take nothing more */
    READS_MAX = 4096 /* until a connection that is cut is noticed by libnats */
};

/* ---- libnats --------------------------------------------------------------------------------- */

/* nats_Open() ignores SIGPIPE for the whole process, and its threads of its own are gone in a
 * forked child. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static pid_t opened;

void line_forked(void)
{
    pthread_mutex_init(&opening, NULL);
}

/* Whether its threads are this process'. */
static bool open_library(void)
{
    struct sigaction before, after;

    pthread_mutex_lock(&opening);
    sigaction(SIGPIPE, NULL, &before);
    nats_Open(-1);
    sigaction(SIGPIPE, NULL, &after);
    if (before.sa_handler != after.sa_handler) {
        sigaction(SIGPIPE, &before, NULL);
    }
    opened = opened ? opened : getpid();
    bool ours = opened == getpid();
    pthread_mutex_unlock(&opening);
    return ours;
}

/* ---- what libnats calls ---------------------------------------------------------------------- */

/* Its connector, with the connection's lock: the carrier begins to poll it later. */
static natsStatus attach(void **user, void *loop, natsConnection *nc, natsSock fd)
{
    struct line *line = loop;
    int size = SEND_BUFFER;
    /* libnats lets close() throw away what was written. */
    struct linger wait = {.l_onoff = 0};

    (void) nc;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
    if (line->tls) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        size = RECEIVE_BUFFER;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    line->fd = fd;
    *user = line;
    return NATS_OK;
}

/* libnats closes the descriptor next. */
static natsStatus set_reading(void *user, bool add)
{
    struct line *line = user;

    if (!add) { /* not by itself: a forked child may have the socket, too */
        epoll_ctl(line->route->carrier->epoll, EPOLL_CTL_DEL, line->fd, NULL);
        int fd = line->fd; /* the route may have another line by now */
        atomic_compare_exchange_strong(&line->route->fd, &fd, -1);
        line->fd = -1;
    }
    return NATS_OK;
}

/* The carrier's thread, which looks itself, or libnats' timer. */
static natsStatus set_writing(void *user, bool add)
{
    struct line *line = user;

    atomic_store(&line->writing, add);
    if (add && !pthread_equal(pthread_self(), line->route->carrier->self)) {
        line_wish(line);
    }
    return NATS_OK;
}

static natsStatus detach(void *user)
{
    (void) user;
    return NATS_OK;
}

static void closed(natsConnection *nc, void *closure)
{
    (void) nc;
    line_drop(closure);
}

static void complaint(natsConnection *nc, natsSubscription *heard, natsStatus status, void *closure)
{
    struct line *line = closure;
    const char *text = status == NATS_NOT_PERMITTED ? nats_GetLastError(NULL) : NULL;
    size_t size = text ? strlen(text) + 1 : 0;
    struct notice *notice = text ? carrier_notice(line->route, NOTICE_FORBIDDEN, size) : NULL;

    (void) nc;
    (void) heard;
    if (notice) {
        notice->text = memcpy(notice + 1, text, size);
        carrier_tell(line->route->carrier, notice);
    }
}

/* ---- one line -------------------------------------------------------------------------------- */

void line_keep(struct line *line)
{
    atomic_fetch_add(&line->refs, 1);
}

void line_drop(struct line *line)
{
    if (atomic_fetch_sub(&line->refs, 1) == 1) {
        route_drop(line->route);
        free(line);
    }
}

void line_wish(struct line *line)
{
    struct carrier *carrier = line->route->carrier;

    pthread_mutex_lock(&carrier->lock);
    if (node_alone(&line->of_writers) && !carrier->over) {
        line_keep(line);
        node_append(&carrier->writers, &line->of_writers);
        carrier_wake(carrier);
    }
    pthread_mutex_unlock(&carrier->lock);
}

static void fail(struct line *line, int code, unsigned patience, const char *text)
{
    const char *place = line->route->options->servers[line->server].place;

    line->code = code;
    line->patience = patience;
    snprintf(line->text, sizeof line->text, "the NATS server %.250s %s", place, text);
}

/* libnats says why the certificate is not taken as "SSL handshake error: 62:text:...". */
static bool is_distrust(const char *text)
{
    const char *reason = text ? strstr(text, "SSL handshake error: ") : NULL;

    reason = reason ? reason + strlen("SSL handshake error: ") : "";
    return (*reason >= '0' && *reason <= '9') || strstr(reason, "certificate verify failed");
}

/* "62:Hostname mismatch:expected=...": the middle. */
static void say_distrust(struct line *line, const char *text)
{
    char why[200];
    const char *reason = strstr(text, "error: ") + strlen("error: ");

    reason += strspn(reason, "0123456789:");
    snprintf(why, sizeof why, "is not trusted: %.*s", (int) strcspn(reason, ":"), reason);
    fail(line, WMS_E_UNTRUSTED, 1, why);
}

static void judge(struct line *line, natsStatus status)
{
    const char *text = nats_GetLastError(NULL);
    char why[200];

    text = text && *text ? text : natsStatus_GetText(status);
    if (text[0] == '(' && strstr(text, "): ")) { /* where in libnats */
        text = strstr(text, "): ") + strlen("): ");
    }
    switch (status) {
    case NATS_NO_SERVER:
        fail(line, WMS_E_UNREACHABLE, 0,
             "cannot be reached: nothing takes connections there, or the name is not known");
        break;
    case NATS_TIMEOUT:
        fail(line, WMS_E_TIMEOUT, 0, "does not answer in time");
        break;
    case NATS_CONNECTION_AUTH_FAILED:
        snprintf(why, sizeof why, "refuses the credentials of this client (%.100s)", text);
        fail(line, WMS_E_ACCESS_DENIED, ASKED_AGAIN, why);
        break;
    case NATS_SECURE_CONNECTION_WANTED:
        fail(line, WMS_E_UNTRUSTED, 1,
             "does not offer TLS, without which only servers on this machine are used");
        break;
    case NATS_SSL_ERROR:
        if (is_distrust(text)) {
            if (line->tls) {
                say_distrust(line, text);
            } else {
                fail(line, WMS_E_UNTRUSTED, 1,
                     "wants TLS, and its certificate is not trusted; give `ca`");
            }
        } else {
            snprintf(why, sizeof why, "breaks off the TLS handshake (%.120s)", text);
            fail(line, WMS_E_UNTRUSTED, 0, why);
        }
        break;
    case NATS_NO_MEMORY:
        fail(line, WMS_E_NO_MEMORY, 0, "is not connected to, since memory runs out");
        break;
    case NATS_PROTOCOL_ERROR:
        fail(line, WMS_E_PROTOCOL, 0, "is none: what it says is not NATS' protocol");
        break;
    default:
        snprintf(why, sizeof why, "cannot be reached (%.150s)", text);
        fail(line, WMS_E_UNREACHABLE, 0, why);
        break;
    }
}

static natsStatus set_events(struct line *line, natsOptions *made, bool ours)
{
    natsStatus status =
        natsOptions_SetEventLoop(made, line, attach, set_reading, set_writing, detach);

    if (status == NATS_OK) {
        status = natsOptions_UseGlobalMessageDelivery(made, ours);
    }
    if (status == NATS_OK) {
        status = natsOptions_SetClosedCB(made, closed, line);
    }
    return status == NATS_OK ? natsOptions_SetErrorHandler(made, complaint, line) : status;
}

static void make(struct line *line)
{
    const struct nats_options *options = line->route->options;
    bool ours = open_library();
    natsOptions *made = NULL;
    char sentence[COURIER_SENTENCE];

    nats_ReleaseThreadMemory(); /* the last line's error */
    int code = nats_options_make(options, line->server, &made, sentence, sizeof sentence);
    if (code) {
        line->code = code;
        line->patience = code != WMS_E_NO_MEMORY;
        snprintf(line->text, sizeof line->text, "%s", sentence);
        return;
    }
    line->tls = options->secure;
    line_keep(line); /* for closed() */
    natsStatus status = set_events(line, made, ours);
    if (status == NATS_OK) {
        status = natsConnection_Connect(&line->nc, made);
    }
    if (status != NATS_OK) {
        judge(line, status);
        line->nc = NULL;
        atomic_fetch_sub(&line->refs, 1); /* not the last one: the connector has one */
    }
    natsOptions_Destroy(made);
}

/* ---- the threads that make them -------------------------------------------------------------- */

static void *run(void *data)
{
    struct carrier *carrier = data;

    pthread_mutex_lock(&carrier->lock);
    while (!node_alone(&carrier->unmade)) {
        struct line *line = NODE_OWNER(node_take(&carrier->unmade), struct line, of_carrier);
        line->begun = carrier_now();
        pthread_mutex_unlock(&carrier->lock);
        make(line);
        pthread_mutex_lock(&carrier->lock);
        if (line->given_up) {
            carrier->given_up--;
            pthread_mutex_unlock(&carrier->lock);
            if (line->nc) {
                natsConnection_Destroy(line->nc);
            }
            line_drop(line);
            pthread_mutex_lock(&carrier->lock);
        } else { /* our reference becomes that of the list */
            node_append(&carrier->made, &line->of_carrier);
        }
        carrier_wake(carrier);
    }
    carrier->connectors--;
    pthread_mutex_unlock(&carrier->lock);
    nats_ReleaseThreadMemory();
    carrier_drop(carrier);
    return NULL;
}

/* With the lock.  False: there is no thread at all. */
static bool have_connector(struct carrier *carrier)
{
    pthread_t thread;
    pthread_attr_t attributes;

    if (carrier->connectors - carrier->given_up >= CONNECTORS_MAX) {
        return true;
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    carrier_keep(carrier);
    bool begun = pthread_create(&thread, &attributes, run, carrier) == 0;
    pthread_attr_destroy(&attributes);
    if (begun) {
        carrier->connectors++;
    } else {
        carrier_drop(carrier);
    }
    return begun || carrier->connectors > carrier->given_up;
}

struct line *line_begin(struct route *route)
{
    struct carrier *carrier = route->carrier;
    struct line *line = calloc(1, sizeof *line);

    if (!line) {
        return NULL;
    }
    atomic_init(&line->refs, 2); /* the route's, and the connector's */
    line->route = route;
    atomic_fetch_add(&route->refs, 1);
    line->fd = -1;
    line->least = 1;
    line->server = route->server;
    node_init(&line->of_carrier);
    node_init(&line->of_writers);
    pthread_mutex_lock(&carrier->lock);
    bool begun = carrier->given_up < GIVEN_UP_MAX + carrier->connectors / 2;
    if (begun) {
        node_append(&carrier->unmade, &line->of_carrier);
        begun = have_connector(carrier);
        if (!begun) {
            node_remove(&line->of_carrier);
        }
    }
    pthread_mutex_unlock(&carrier->lock);
    if (!begun) {
        atomic_store(&line->refs, 1);
        line_drop(line);
        return NULL;
    }
    return line;
}

bool line_waits(struct line *line, double before)
{
    struct carrier *carrier = line->route->carrier;

    pthread_mutex_lock(&carrier->lock);
    bool waits = line->begun == 0 || line->begun > before;
    pthread_mutex_unlock(&carrier->lock);
    return waits;
}

void line_give_up(struct line *line)
{
    struct carrier *carrier = line->route->carrier;

    pthread_mutex_lock(&carrier->lock);
    bool listed = !node_alone(&line->of_carrier); /* not begun, or made */
    if (listed) {
        node_remove(&line->of_carrier);
    } else {
        line->given_up = true;
        carrier->given_up++;
    }
    pthread_mutex_unlock(&carrier->lock);
    if (listed) {
        line_close(line);
        atomic_fetch_sub(&line->refs, 1); /* the list's */
    }
    line_drop(line);
}

void line_close(struct line *line)
{
    natsConnection *nc = line->nc;

    if (!nc) {
        return;
    }
    /* natsConnection_Destroy() would wait until the server has answered what is written: with the
     * connection cut, libnats closes it by itself. */
    if (line->fd >= 0) {
        shutdown(line->fd, SHUT_RDWR);
    }
    for (int i = 0; i < READS_MAX && !natsConnection_IsClosed(nc); i++) {
        errno = 0;
        natsConnection_ProcessReadEvent(nc);
    }
    line->nc = NULL;
    line->fd = -1;
    natsConnection_Destroy(nc);
}
