/* SPDX-License-Identifier: MIT */
/* far.c - the bus of another machine, over ssh.
 *
 * First way: systemd-stdio-bridge over there, whose standard input and output are the bus.  Where
 * that program is missing: a socket in a folder of our own, which ssh forwards to the bus's socket;
 * `cat` over there tells that ssh listens, by the echo of a line, and ends with our end of its
 * stream.
 *
 * Why a connection has failed is known by ssh: its last words are waited for, for a moment. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "logind.h"

#define BRIDGE     "systemd-stdio-bridge"
#define BUS_SOCKET "/run/dbus/system_bus_socket"
#define PATIENCE   1.0 /* seconds, for ssh's end once its stream has ended */

enum { FOLDER = 64, FORWARD = 512 };

struct logind_far {
    struct logind_place place;
    struct logind_ssh *ssh;
    struct wms_timer *patience;
    bool waits, waited; /* for ssh's last words: it does; for long enough */
    bool forwards;
    /* when a socket is forwarded */
    int stream; /* our end of ssh's; -1 */
    struct wms_poll *echo;
    char folder[FOLDER]; /* "": none */
    struct sockaddr_un socket;
};

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.-";

static bool is_plain(const char *path)
{
    return strspn(path, plain) == strlen(path);
}

static void fail(struct logind *conn, const struct logind_fault *fault)
{
    logind_fail(conn, fault->code, fault->text ? fault->text : "out of memory");
}

static void open_bus(struct logind *conn, int fd)
{
    int r = logind_open_fd(conn, fd);
    if (r < 0) {
        logind_fail_errno(conn, r);
    } else {
        conn->opened(conn);
    }
}

/* ---- the forwarded socket -------------------------------------------------------------------- */

/* A fresh folder that is open to this user alone: its name must not mean anything to ssh. */
static bool make_folder(struct logind_far *far)
{
    const char *const places[] = {secure_getenv("XDG_RUNTIME_DIR"), "/tmp"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *place = places[i];
        if (place && *place == '/' && is_plain(place) && strlen(place) < FOLDER - 12) {
            snprintf(far->folder, sizeof far->folder, "%s/wms-XXXXXX", place);
            if (mkdtemp(far->folder)) {
                far->socket.sun_family = AF_UNIX;
                snprintf(far->socket.sun_path, sizeof far->socket.sun_path, "%s/bus", far->folder);
                return true;
            }
        }
    }
    *far->folder = 0;
    return false;
}

static void remove_folder(struct logind_far *far)
{
    if (*far->folder) {
        unlink(far->socket.sun_path);
        rmdir(far->folder);
        *far->folder = 0;
    }
}

/* Something has come back through ssh: it listens. */
static void take_socket(struct logind *conn)
{
    struct logind_far *far = conn->far;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    conn->services->poll_free(far->echo);
    far->echo = NULL;
    if (fd < 0) {
        logind_fail_errno(conn, -errno);
    } else if (connect(fd, (struct sockaddr *) &far->socket, sizeof far->socket) < 0) {
        close(fd);
        logind_fail(conn, WMS_E_UNREACHABLE,
                    "the host has no " BRIDGE ", and ssh does not forward its bus's socket either");
    } else {
        open_bus(conn, fd);
    }
    remove_folder(far);
}

static void on_echo(void *data, int events)
{
    struct logind *conn = data;
    char piece[256];
    (void) events;
    ssize_t length = read(conn->far->stream, piece, sizeof piece);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    logind_enter(conn);
    if (length > 0) {
        take_socket(conn);
    } else {
        conn->services->poll_free(conn->far->echo);
        conn->far->echo = NULL;
        logind_fail_errno(conn, -ECONNRESET);
    }
    logind_leave(conn);
}

static void on_ended(void *data)
{
    struct logind *conn = data;
    if (conn->failure) { /* else the end of the stream comes as well, behind what is left in it */
        logind_enter(conn);
        logind_leave(conn);
    }
}

/* The second way.  Not over a ControlMaster: it would keep the socket for longer than we need it.
 */
static void forward(struct logind *conn)
{
    struct logind_far *far = conn->far;
    struct logind_fault fault;
    const char *path = far->place.address->path;
    char argument[FORWARD];
    const char *const options[] = {"-oClearAllForwardings=no",
                                   "-oControlPath=none",
                                   "-oStreamLocalBindMask=0177",
                                   "-L",
                                   argument,
                                   NULL};
    far->forwards = true;
    logind_ssh_end(far->ssh, false);
    far->ssh = NULL;
    if (!make_folder(far)) {
        logind_fail(conn, WMS_E_INTERNAL,
                    "the host has no " BRIDGE ", and no folder for a socket can be made in /tmp");
        return;
    }
    snprintf(argument, sizeof argument, "%s:%s", far->socket.sun_path, path ? path : BUS_SOCKET);
    if (logind_ssh_start(&far->place, options, "cat", on_ended, conn, &far->ssh, &far->stream,
                         &fault)) {
        fail(conn, &fault);
        return;
    }
    int error = conn->services->poll_new(conn->engine, far->stream, on_echo, conn, &far->echo);
    if (error) {
        far->echo = NULL;
    }
    error = error ? error : conn->services->poll_set(far->echo, WMS_READABLE);
    if (error) {
        logind_fail_errno(conn, error == WMS_E_NO_MEMORY ? -ENOMEM : -EMFILE);
    } else if (send(far->stream, "\n", 1, MSG_NOSIGNAL) != 1) {
        logind_fail_errno(conn, -ECONNRESET);
    }
}

/* ---- why it failed --------------------------------------------------------------------------- */

static void on_patience(void *data)
{
    struct logind *conn = data;
    conn->far->waited = true;
    logind_enter(conn);
    logind_leave(conn);
}

/* Whether the failure is one that ssh may know more of. */
static bool is_loss(const struct logind *conn)
{
    return conn->cause == -ECONNRESET || conn->cause == -ENOTCONN || conn->cause == -EPIPE;
}

/* sd-bus's words for an answer to its authentication that is none. */
static bool is_noise(const struct logind *conn)
{
    return !conn->up && !conn->far->forwards &&
           (conn->cause == -EPERM || conn->cause == -EIO || conn->cause == -EPROTO ||
            conn->cause == -EBADMSG || conn->cause == -ENOBUFS);
}

static void tell(struct logind *conn)
{
    struct logind_far *far = conn->far;
    struct logind_fault fault;
    bool meant = logind_ssh_why(far->ssh, &fault);
    if (meant || (!conn->up && logind_ssh_said(far->ssh, ""))) {
        conn->failure = conn->cause = 0;
        fail(conn, &fault);
    } else if (!conn->up) {
        conn->failure = conn->cause = 0;
        logind_fail(
            conn, WMS_E_UNREACHABLE,
            "ssh ended without a word: no system bus answers there, or this user may not run "
            "programs there");
    }
}

static bool settle(struct logind *conn)
{
    struct logind_far *far = conn->far;
    if (is_noise(conn)) {
        conn->failure = conn->cause = 0;
        logind_fail(conn, WMS_E_PROTOCOL,
                    "what answers there is no D-Bus: start files of the user's shell over there "
                    "must print nothing when it has no terminal");
        return true;
    }
    if (!is_loss(conn) || !far->ssh) {
        return true;
    }
    /* ssh goes on when it could not forward, and has said so before it closed the socket */
    bool told = far->forwards && !conn->up && logind_ssh_said(far->ssh, "open failed");
    if (!told && !logind_ssh_is_over(far->ssh) && !far->waited) {
        if (!far->waits) {
            logind_pause(conn);
            conn->services->timer_set(far->patience, PATIENCE);
        }
        far->waits = true;
        return false;
    }
    if (!conn->up && !far->forwards && logind_ssh_said(far->ssh, BRIDGE)) {
        conn->services->log(conn->engine, WMS_INFO,
                            "no " BRIDGE " over there: the socket of its bus is forwarded");
        logind_close(conn);
        far->waits = far->waited = false;
        conn->services->timer_set(far->patience, -1);
        forward(conn);
        return conn->failure && settle(conn);
    }
    tell(conn);
    return true;
}

const struct logind_place *logind_far_place(const struct logind *conn)
{
    return conn->far ? &conn->far->place : NULL;
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static void shut(struct logind *conn, bool forked)
{
    struct logind_far *far = conn->far;
    if (!far) {
        return;
    }
    conn->far = NULL;
    conn->services->timer_free(far->patience);
    conn->services->poll_free(far->echo);
    if (far->stream >= 0) {
        close(far->stream);
    }
    if (!forked) {
        remove_folder(far);
    }
    logind_ssh_end(far->ssh, forked);
    logind_free(conn, far);
}

static const struct logind_way way = {.settle = settle, .shut = shut};

void logind_far_open(struct logind *conn, const struct logind_place *place)
{
    struct logind_fault fault;
    char command[sizeof BRIDGE + 300]; /* an address has at most 255 characters */
    const char *path = place->address->path;
    int fd;
    if (path && !is_plain(path)) {
        logind_fail(conn, WMS_E_UNSUPPORTED,
                    "the path of another machine's bus has letters, digits, '_', '.', '-' and '/' "
                    "alone");
        return;
    }
    struct logind_far *far = logind_alloc(conn, sizeof *far);
    if (!far) {
        logind_fail_errno(conn, -ENOMEM);
        return;
    }
    far->place = *place;
    far->stream = -1;
    conn->far = far;
    conn->way = &way;
    far->patience = conn->services->timer_new(conn->engine, on_patience, conn);
    int r = far->patience ? logind_open_begin(conn, place->address->host) : -ENOMEM;
    if (r < 0) {
        logind_fail_errno(conn, r);
        return;
    }
    snprintf(command, sizeof command, "%s%s%s", BRIDGE, path ? " -p unix:path=" : "",
             path ? path : "");
    if (logind_ssh_start(place, NULL, command, on_ended, conn, &far->ssh, &fd, &fault)) {
        fail(conn, &fault);
    } else {
        open_bus(conn, fd);
    }
}
