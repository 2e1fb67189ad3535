/* SPDX-License-Identifier: MIT */
/* doorway.c - the socket of a connection to a user's bus: made by a process that has the user's
 * ids.
 *
 * A user's bus refuses everybody else, root among them: it asks the kernel whose ids the process
 * had that called connect().  So that call is made by a child process with these ids, on a socket
 * that it shares with this one.  The child makes nothing but system calls, since other threads of
 * this process may hold locks that it would never get; it does not share memory, since a change of
 * ids makes memory unreadable to debuggers; it sends no SIGCHLD and no wait() of the program sees
 * it.  The user may stop or kill the child, which is his: so it is waited for with a limit, on a
 * thread. */
#define _GNU_SOURCE /* O_PATH, __WALL */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doorway.h"

#define BRIDGE "systemd-stdio-bridge -p unix:path="

enum {
    FAR_AT_ONCE = 4,  /* ssh that have not shown yet who they are: sshd refuses some of ten */
    NO_GROUP = 65534, /* the group of a process that needs none */
    PATIENCE = 2,     /* seconds, for the child and for a bus that does not accept */
    ROOT_SIZE = 1024  /* of a path, with room for the name of the socket */
};

#ifdef SYS_setresuid32
enum { SET_GROUPS = SYS_setgroups32, SET_GID = SYS_setresgid32, SET_UID = SYS_setresuid32 };
#else
enum { SET_GROUPS = SYS_setgroups, SET_GID = SYS_setresgid, SET_UID = SYS_setresuid };
#endif

/* What the engine's thread and the other one share. */
struct opening {
    struct logind_doorway *doorway; /* of the engine's thread */
    char path[ROOT_SIZE + 32];      /* of the user's folder */
    uid_t uid;
    int fd, error; /* of the result */
};

struct logind_doorway {
    struct logind *conn;
    struct opening *opening; /* NULL: it is over, or was none */
    void (*done)(void *data, int fd);
    void *data;

    /* to another machine */
    struct node waiting; /* of conn->doorways */
    int64_t uid;
    struct logind_ssh *ssh;
    struct wms_timer *timer; /* its turn has come */
    bool opens;              /* counts in conn->opening */
};

/* ---- where ----------------------------------------------------------------------------------- */

static int hex(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit | 0x20) : NULL;
    return at ? (int) (at - digits) : -1;
}

/* Replaces each %XX by its byte; false: one is broken. */
static bool unescape(char *text)
{
    char *end = text;
    for (const char *from = text; *from; from++) {
        if (*from == '%') {
            int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
            if (low < 0 || (high | low) == 0) {
                return false;
            }
            *end++ = (char) (high << 4 | low);
            from += 2;
        } else {
            *end++ = *from;
        }
    }
    *end = 0;
    return true;
}

int logind_root_of(struct logind *conn, const char *address, char **ret_root)
{
    static const char start[] = "unix:path=";
    static const char end[] = "/run/dbus/system_bus_socket";
    *ret_root = NULL;
    if (strncmp(address, start, sizeof start - 1) != 0 || strpbrk(address, ",;")) {
        return 0;
    }
    char *path = logind_copy(conn, address + sizeof start - 1);
    if (!path) {
        return -ENOMEM;
    }
    size_t length = unescape(path) ? strlen(path) : 0, tail = sizeof end - 1;
    if (length < tail || length >= ROOT_SIZE || strcmp(path + length - tail, end) != 0) {
        logind_free(conn, path);
        return 0;
    }
    path[length - tail] = 0;
    if (strcmp(path, "/var") == 0) { /* /var/run is another name of /run */
        *path = 0;
    }
    *ret_root = path;
    return 0;
}

/* ---- on a thread ----------------------------------------------------------------------------- */

/* In the child, whose `folder` and `fd` are its own copies of the numbers: only system calls. */
static void connect_as(uid_t uid, gid_t gid, int folder, int fd, int report)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "bus"};
    unsigned char error = 0;
    if (syscall(SET_GROUPS, 0, NULL) < 0 || syscall(SET_GID, gid, gid, gid) < 0 ||
        syscall(SET_UID, uid, uid, uid) < 0 || syscall(SYS_fchdir, folder) < 0 ||
        syscall(SYS_connect, fd, &address, sizeof address) < 0) {
        error = (unsigned char) errno;
    }
    syscall(SYS_write, report, &error, 1);
    for (;;) {
        syscall(SYS_exit_group, 0);
    }
}

/* Waits for the child's report.  Returns 0 or a positive errno. */
static int await_report(int report)
{
    struct pollfd wanted = {.fd = report, .events = POLLIN};
    unsigned char error = 0;
    int r = poll(&wanted, 1, PATIENCE * 1000);
    if (r <= 0) {
        return r < 0 ? errno : ETIMEDOUT;
    }
    return read(report, &error, 1) == 1 ? error : EIO; /* EIO: it was killed */
}

static int connect_by_child(uid_t uid, gid_t gid, int folder, int fd)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) {
        return errno;
    }
    /* As fork(), but for the signal at its end: none. */
    pid_t child = (pid_t) syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (child == 0) {
        connect_as(uid, gid, folder, fd, report[1]);
    }
    int error = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0) {
        error = await_report(report[0]);
        kill(child, SIGKILL); /* it may have been stopped */
        while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR) {
        }
    }
    close(report[0]);
    return error;
}

/* By the folder's descriptor, since its path may be too long for a socket's address. */
static int connect_here(int folder, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/bus", folder);
    return connect(fd, (struct sockaddr *) &address, sizeof address) < 0 ? errno : 0;
}

static int connect_in(int folder, uid_t uid, int fd)
{
    struct timeval limit = {.tv_sec = PATIENCE};
    struct stat status;
    if (fstat(folder, &status) < 0) {
        return errno;
    }
    if (status.st_uid != uid) {
        return EPERM; /* of another user, or of one who has another number outside of its container
                       */
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0) {
        return errno;
    }
    if (uid == geteuid()) {
        return connect_here(folder, fd);
    }
    return geteuid() == 0 ? connect_by_child(uid, status.st_gid, folder, fd) : EPERM;
}

/* On a thread. */
static void opening_run(void *shared)
{
    struct opening *opening = shared;
    int folder = open(opening->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int fd = folder < 0 ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : connect_in(folder, opening->uid, fd);
    if (folder >= 0) {
        close(folder);
    }
    if (error && fd >= 0) {
        close(fd);
    }
    opening->fd = error ? -1 : fd;
    opening->error = error;
}

/* ---- the engine's side ----------------------------------------------------------------------- */

/* What an errno of the thread's says of the bus. */
static int meaning(int error)
{
    switch (error) {
    case EACCES: /* the folder of another user */
    case EPERM:
        return -EPERM;
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return -ENOENT;
    case EAGAIN: /* connect() has waited for PATIENCE */
    case ETIMEDOUT:
        return -ETIMEDOUT;
    default:
        return -error;
    }
}

static void opening_done(void *shared, int code)
{
    struct opening *opening = shared;
    struct logind_doorway *doorway = opening->doorway;
    struct logind *conn = doorway->conn;
    int fd = code == WMS_E_NO_MEMORY ? -ENOMEM
             : code                  ? -EAGAIN
             : opening->error        ? meaning(opening->error)
                                     : opening->fd;
    opening->fd = -1;
    doorway->opening = NULL;
    conn->services->work_free(opening);
    doorway->done(doorway->data, fd);
}

static void opening_dispose(void *shared)
{
    struct opening *opening = shared;
    if (opening->fd >= 0) {
        close(opening->fd);
    }
}

static const struct wms_work opening_work = {
    .size = sizeof(struct opening),
    .run = opening_run,
    .done = opening_done,
    .dispose = opening_dispose,
};

static struct logind_doorway *doorway_new(struct logind *conn, int64_t uid,
                                          void (*done)(void *data, int fd), void *data)
{
    struct logind_doorway *doorway = logind_alloc(conn, sizeof *doorway);
    if (doorway) {
        node_init(&doorway->waiting);
        doorway->conn = conn;
        doorway->uid = uid;
        doorway->done = done;
        doorway->data = data;
    }
    return doorway;
}

static bool open_here(struct logind_doorway *doorway)
{
    struct logind *conn = doorway->conn;
    struct opening *opening = conn->services->work_new(conn->engine, &opening_work);
    if (!opening) {
        return false;
    }
    doorway->opening = opening;
    opening->doorway = doorway;
    opening->uid = (uid_t) doorway->uid;
    opening->fd = -1;
    snprintf(opening->path, sizeof opening->path, "%s/run/user/%u", conn->root,
             (unsigned) doorway->uid);
    conn->services->work_start(opening);
    return true;
}

/* ---- over ssh -------------------------------------------------------------------------------- */

/* Whether we are root over there: who names no user has one in his configuration of ssh, or is it
 * here. */
static bool is_root_there(const struct logind_place *place)
{
    return !place->address->user || strcmp(place->address->user, "root") == 0;
}

static void next_turn(struct logind *conn)
{
    while (conn->opening < FAR_AT_ONCE && !node_alone(&conn->doorways)) {
        struct logind_doorway *doorway =
            NODE_OWNER(node_take(&conn->doorways), struct logind_doorway, waiting);
        doorway->opens = true;
        conn->opening++;
        conn->services->timer_set(doorway->timer, 0);
    }
}

static void close_turn(struct logind_doorway *doorway)
{
    if (doorway->opens) {
        doorway->opens = false;
        doorway->conn->opening--;
        next_turn(doorway->conn);
    }
}

static void on_turn(void *data)
{
    struct logind_doorway *doorway = data;
    const struct logind_place *place = logind_far_place(doorway->conn);
    unsigned uid = (unsigned) doorway->uid;
    struct logind_fault fault;
    char command[200];
    int fd;
    if (is_root_there(place)) {
        snprintf(command, sizeof command,
                 "setpriv --reuid=%u --regid=%d --clear-groups " BRIDGE "/run/user/%u/bus", uid,
                 NO_GROUP, uid);
    } else {
        snprintf(command, sizeof command, BRIDGE "/run/user/%u/bus", uid);
    }
    int code = logind_ssh_start(place, NULL, command, NULL, NULL, &doorway->ssh, &fd, &fault);
    if (code) {
        doorway->ssh = NULL;
        fd = code == WMS_E_NO_MEMORY ? -ENOMEM : -EAGAIN;
    }
    doorway->done(doorway->data, fd);
}

static bool open_there(struct logind_doorway *doorway)
{
    struct logind *conn = doorway->conn;
    doorway->timer = conn->services->timer_new(conn->engine, on_turn, doorway);
    if (!doorway->timer) {
        return false;
    }
    node_append(&conn->doorways, &doorway->waiting);
    next_turn(conn);
    return true;
}

/* ---- for the connection ---------------------------------------------------------------------- */

bool logind_doorway_is_there(const struct logind *conn)
{
    return conn->root || logind_far_place(conn);
}

int logind_doorway_open(struct logind *conn, int64_t uid, void (*done)(void *data, int fd),
                        void *data, struct logind_doorway **ret_doorway)
{
    struct logind_doorway *doorway = doorway_new(conn, uid, done, data);
    *ret_doorway = doorway;
    if (!doorway || !(logind_far_place(conn) ? open_there : open_here)(doorway)) {
        *ret_doorway = logind_free(conn, doorway);
        return -ENOMEM;
    }
    return 0;
}

void logind_doorway_answers(struct logind_doorway *doorway)
{
    close_turn(doorway);
}

struct logind_doorway *logind_doorway_free(struct logind_doorway *doorway, bool forked)
{
    if (doorway) {
        struct logind *conn = doorway->conn;
        conn->services->work_free(doorway->opening);
        node_remove(&doorway->waiting);
        close_turn(doorway);
        conn->services->timer_free(doorway->timer);
        logind_ssh_end(doorway->ssh, forked);
        logind_free(conn, doorway);
    }
    return NULL;
}
