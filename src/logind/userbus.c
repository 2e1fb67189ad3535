/* SPDX-License-Identifier: MIT */
/* userbus.c - the connection to a user's bus: sd-bus in the engine's loop, for whoever uses it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "doorway.h"
#include "userbus.h"

#define NO_BUS     "the session's user has no bus on this host"
#define NOT_OURS   "the bus of another user is open to root only"
#define NOT_THERE  "it is not known where the users' buses of this host are"
#define SILENT_BUS "the bus of the session's user does not answer"
#define FLOOD      "the bus of the session's user sends too much"
#define BROKEN     "the connection to the bus of the session's user broke"
#define NOT_OVER_SSH \
    "the session's user has no bus over there, or it is not open to us: that needs root, and " \
    "setpriv and systemd-stdio-bridge"

enum {
    MESSAGES_AT_ONCE = 64,
    BYTES_MAX = 4 << 20 /* that are read in all: real answers are some kilobytes */
};

struct logind_userbus {
    struct node node; /* of conn->userbuses */
    struct node uses;
    struct logind *conn;
    int64_t uid;
    pid_t process; /* that has connected: not this one in a forked child */
    struct logind_doorway *doorway;
    sd_bus *bus; /* NULL: it is not connected */
    int fd;
    struct wms_poll *poll;
    struct wms_timer *timer;
    int events;
    size_t bytes;
    bool answers; /* it has */
    bool busy;    /* sd-bus is on the stack: it must not be freed */
    bool ended;   /* it gets no more users */
};

/* ---- its end --------------------------------------------------------------------------------- */

static bool is_forked(const struct logind_userbus *userbus)
{
    return userbus->process != getpid();
}

/* In a forked child sd-bus refuses every call, and frees nothing: so only the descriptor is closed.
 */
static void userbus_free(struct logind_userbus *userbus)
{
    struct logind *conn = userbus->conn;
    node_remove(&userbus->node);
    conn->services->poll_free(userbus->poll);
    conn->services->timer_free(userbus->timer);
    logind_doorway_free(userbus->doorway, is_forked(userbus));
    if (is_forked(userbus)) {
        if (userbus->bus) {
            close(userbus->fd);
        }
    } else {
        sd_bus_close_unref(userbus->bus);
    }
    logind_free(conn, userbus);
}

static void free_if_unused(struct logind_userbus *userbus)
{
    if (!userbus->busy && node_alone(&userbus->uses)) {
        userbus_free(userbus);
    }
}

static void fault_of(int error, struct logind_fault *ret_fault)
{
    static const struct {
        int error, code;
        const char *text;
    } faults[] = {
        {ENOMEM, WMS_E_NO_MEMORY, NULL},         {ENOENT, WMS_E_UNSUPPORTED, NO_BUS},
        {EPERM, WMS_E_ACCESS_DENIED, NOT_OURS},  {EACCES, WMS_E_ACCESS_DENIED, NOT_OURS},
        {ENOTSUP, WMS_E_UNSUPPORTED, NOT_THERE}, {ETIMEDOUT, WMS_E_TIMEOUT, SILENT_BUS},
        {ENOBUFS, WMS_E_PROTOCOL, FLOOD},
    };
    *ret_fault = (struct logind_fault){.code = WMS_E_UNREACHABLE, .text = BROKEN};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (faults[i].error == -error) {
            ret_fault->code = faults[i].code;
            ret_fault->text = faults[i].text;
        }
    }
}

/* Ends all uses.  They may begin new ones, which get another connection. */
static void fail(struct logind_userbus *userbus, int error)
{
    struct logind_fault fault;
    fault_of(error, &fault);
    if (fault.code == WMS_E_UNREACHABLE && !userbus->answers && logind_far_place(userbus->conn)) {
        fault.text = NOT_OVER_SSH;
    }
    userbus->ended = true;
    while (!node_alone(&userbus->uses)) {
        struct logind_use *use = NODE_OWNER(node_take(&userbus->uses), struct logind_use, node);
        use->userbus = NULL;
        use->gone(use, &fault);
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int rearm(struct logind_userbus *userbus)
{
    const struct wms_services *services = userbus->conn->services;
    uint64_t deadline;
    int wanted = sd_bus_get_events(userbus->bus);
    int r = wanted < 0 ? wanted : sd_bus_get_timeout(userbus->bus, &deadline);
    if (r < 0) {
        return r;
    }
    int events = (wanted & POLLIN ? WMS_READABLE : 0) | (wanted & POLLOUT ? WMS_WRITABLE : 0);
    if (events != userbus->events) {
        if (services->poll_set(userbus->poll, events) < 0) {
            return -EIO;
        }
        userbus->events = events;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double left = (double) deadline / 1e6 - ((double) now.tv_sec + (double) now.tv_nsec / 1e9);
    services->timer_set(userbus->timer, deadline == UINT64_MAX ? -1 : left > 0 ? left : 0);
    return 0;
}

/* What can be read now is counted each time, even if it is what was counted before: so the sum is
 * never less than what was read. */
static int charge(struct logind_userbus *userbus)
{
    int size = 0;
    if (ioctl(userbus->fd, FIONREAD, &size) == 0 && size > 0) {
        userbus->bytes += (size_t) size;
    }
    return userbus->bytes > BYTES_MAX ? -ENOBUFS : 0;
}

static int process(struct logind_userbus *userbus)
{
    int r = 1;
    for (int i = 0; i < MESSAGES_AT_ONCE && r > 0 && !node_alone(&userbus->uses); i++) {
        r = charge(userbus);
        r = r < 0 ? r : sd_bus_is_open(userbus->bus) > 0 ? 0 : -ECONNRESET;
        r = r < 0 ? r : sd_bus_process(userbus->bus, NULL);
    }
    return r;
}

static void turn(struct logind_userbus *userbus)
{
    struct logind *conn = userbus->conn;
    logind_enter(conn);
    userbus->busy = true;
    int r = process(userbus);
    userbus->busy = false;
    if (!userbus->answers && sd_bus_is_ready(userbus->bus) > 0) {
        userbus->answers = true;
        logind_doorway_answers(userbus->doorway);
    }
    if (r >= 0 && !node_alone(&userbus->uses)) {
        r = rearm(userbus);
    }
    if (r < 0) {
        fail(userbus, r);
    }
    free_if_unused(userbus);
    logind_leave(conn);
}

static void on_ready(void *data, int events)
{
    (void) events;
    turn(data);
}

static void on_timer(void *data)
{
    turn(data);
}

/* ---- its beginning --------------------------------------------------------------------------- */

/* Takes the socket, also if it fails. */
static int start(struct logind_userbus *userbus, int fd)
{
    struct logind *conn = userbus->conn;
    int r = sd_bus_new(&userbus->bus);
    if (r < 0) {
        close(fd);
        return r;
    }
    r = sd_bus_set_fd(userbus->bus, fd, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    userbus->fd = fd;
    r = sd_bus_set_bus_client(userbus->bus, 1);
    r = r < 0 ? r : sd_bus_negotiate_fds(userbus->bus, 0);
    r = r < 0 ? r : sd_bus_start(userbus->bus);
    if (r < 0) {
        return r;
    }
    userbus->timer = conn->services->timer_new(conn->engine, on_timer, userbus);
    if (!userbus->timer) {
        return -ENOMEM;
    }
    int error = conn->services->poll_new(conn->engine, fd, on_ready, userbus, &userbus->poll);
    if (error) {
        userbus->poll = NULL;
    }
    return error == WMS_E_NO_MEMORY ? -ENOMEM : error ? -EMFILE : 0;
}

/* Tells those who wait.  They may end any use. */
static void tell_ready(struct logind_userbus *userbus)
{
    struct node these;
    node_init(&these);
    while (!node_alone(&userbus->uses)) {
        node_append(&these, node_take(&userbus->uses));
    }
    while (!node_alone(&these)) {
        struct logind_use *use = NODE_OWNER(node_take(&these), struct logind_use, node);
        node_append(&userbus->uses, &use->node);
        use->ready(use, userbus->bus);
    }
}

static void connected(void *data, int fd)
{
    struct logind_userbus *userbus = data;
    struct logind *conn = userbus->conn;
    logind_enter(conn);
    int r = fd < 0 ? fd : start(userbus, fd);
    if (r >= 0) {
        userbus->busy = true;
        tell_ready(userbus);
        userbus->busy = false;
        r = node_alone(&userbus->uses) ? 0 : rearm(userbus);
    }
    if (r < 0) {
        fail(userbus, r);
    }
    free_if_unused(userbus);
    logind_leave(conn);
}

static struct logind_userbus *find(struct logind *conn, int64_t uid)
{
    for (struct node *node = conn->userbuses.next; node != &conn->userbuses; node = node->next) {
        struct logind_userbus *userbus = NODE_OWNER(node, struct logind_userbus, node);
        if (userbus->uid == uid && !userbus->ended) {
            return userbus;
        }
    }
    return NULL;
}

static struct logind_userbus *userbus_new(struct logind *conn, int64_t uid)
{
    struct logind_userbus *userbus = logind_alloc(conn, sizeof *userbus);
    if (!userbus) {
        return NULL;
    }
    node_append(&conn->userbuses, &userbus->node);
    node_init(&userbus->uses);
    userbus->conn = conn;
    userbus->uid = uid;
    userbus->process = getpid();
    if (logind_doorway_open(conn, uid, connected, userbus, &userbus->doorway) < 0) {
        userbus_free(userbus);
        return NULL;
    }
    return userbus;
}

/* ---- uses ------------------------------------------------------------------------------------ */

int logind_use_begin(struct logind *conn, struct logind_use *use, int64_t uid)
{
    use->userbus = NULL;
    if (!logind_doorway_is_there(conn) || uid < 0 || uid >= UINT32_MAX) {
        return -ENOTSUP;
    }
    struct logind_userbus *userbus = find(conn, uid);
    userbus = userbus ? userbus : userbus_new(conn, uid);
    if (!userbus) {
        return -ENOMEM;
    }
    node_append(&userbus->uses, &use->node);
    use->userbus = userbus;
    if (userbus->poll) {
        use->ready(use, userbus->bus);
        if (!userbus->busy && rearm(userbus) < 0) {
            userbus->conn->services->timer_set(userbus->timer, 0); /* which finds out */
        }
    }
    return 0;
}

void logind_use_end(struct logind_use *use)
{
    struct logind_userbus *userbus = use->userbus;
    if (userbus) {
        use->userbus = NULL;
        node_remove(&use->node);
        free_if_unused(userbus);
    }
}

sd_bus_slot *logind_use_unslot(const struct logind_use *use, sd_bus_slot *slot)
{
    if (!use->userbus || !is_forked(use->userbus)) {
        sd_bus_slot_unref(slot);
    }
    return NULL;
}
