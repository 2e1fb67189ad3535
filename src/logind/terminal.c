/* SPDX-License-Identifier: MIT */
/* terminal.c - a message on a text terminal, as wall(1) shows it.
 *
 * Written on a thread, by a terminal's own rules: it may be stopped (Ctrl-S), and closing it may
 * take long.  What logind calls the terminal is a name below /dev, which may have been given to
 * somebody else since: so it is looked at before anything is written to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userbus.h"

#define HEADING  "Message"
#define NAMELESS "the session's terminal has no name of a terminal"
#define ABSENT   "the session's terminal is not there any more"
#define NO_TTY   "the session's terminal is none"
#define OF_OTHER "the session's terminal is somebody else's by now"
#define CLOSED   "only root and the session's user may write to its terminal"
#define REFUSES  "the user takes no messages on the terminal (mesg n)"
#define STOPPED  "the session's terminal is stopped, and takes no text"
#define PARTLY   "the session's terminal has taken a part of the message"
#define BROKEN   "the session's terminal cannot be written to"

enum {
    PATIENCE = 2000, /* milliseconds, of a terminal that takes nothing */
    PATH_SIZE = 1200,
    NAME_MAX_LENGTH = 40
};

/* What the engine's thread and the other one share. */
struct writing {
    struct logind_writing *owner; /* of the engine's thread */
    char path[PATH_SIZE];
    uid_t uid;
    char *text; /* from malloc() */
    size_t length;
    struct logind_fault fault;
};

/* Of the engine's thread; is freed with the message. */
struct logind_writing {
    struct logind_message *message;
    struct writing *writing;
};

/* ---- the name ------------------------------------------------------------------------------ */

bool logind_terminal_is_name(const char *tty)
{
    /* The kernel's names of terminals: with a number, or with a kind and a number (ttyS0, ttyAMA0)
     */
    static const char *const numbered[] = {"pts/", "tty", "hvc", "hvsi", "xvc", "sclp_line"};
    static const char digits[] = "0123456789";
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (strcmp(tty, "console") == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        size_t length = strlen(numbered[i]);
        if (strncmp(tty, numbered[i], length) == 0) {
            const char *rest = tty + length;
            rest += strcmp(numbered[i], "tty") == 0 ? strspn(rest, letters) : 0;
            size_t count = strspn(rest, digits);
            return count > 0 && strlen(tty) <= NAME_MAX_LENGTH && !rest[count];
        }
    }
    return false;
}

/* ---- the text -------------------------------------------------------------------------------- */

/* Appends the text so that no terminal takes a part of it for a command: control characters as ^X,
 * those of Latin-1, which have two bytes in UTF-8, as a question mark. */
static char *put(char *end, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char) *text, next = (unsigned char) text[1];
        if (c == '\n' || (c == '\r' && next == '\n')) {
            end = stpcpy(end, "\r\n");
            text += c == '\r';
        } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
            *end++ = '?';
            text++;
        } else if ((c < ' ' && c != '\t') || c == 0x7f) {
            *end++ = '^';
            *end++ = (char) (c ^ 0x40);
        } else {
            *end++ = (char) c;
        }
    }
    *end = 0;
    return end;
}

char *logind_terminal_text(const struct logind_message *message, size_t *ret_length)
{
    const char *heading = message->title ? message->title : HEADING;
    char *text = malloc(2 * (strlen(heading) + strlen(message->text)) + 32);
    if (text) {
        char *end = put(stpcpy(text, "\r\n\a"), heading);
        end = put(stpcpy(end, ":\r\n\r\n"), message->text);
        *ret_length = (size_t) (stpcpy(end, "\r\n\r\n") - text);
    }
    return text;
}

/* ---- on a thread ----------------------------------------------------------------------------- */

static void fault_set(struct writing *writing, int code, const char *text)
{
    writing->fault.code = code;
    writing->fault.text = text;
}

static int open_terminal(struct writing *writing)
{
    int fd = open(writing->path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool closed = errno == EACCES || errno == EPERM;
        bool absent = errno == ENOENT || errno == ENXIO || errno == EIO || errno == ENODEV;
        fault_set(writing, closed ? WMS_E_ACCESS_DENIED : WMS_E_UNSUPPORTED,
                  closed   ? CLOSED
                  : absent ? ABSENT
                           : NO_TTY);
    }
    return fd;
}

/* Whether the message may be written there. */
static bool is_open_to_us(struct writing *writing, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode) || !isatty(fd)) {
        fault_set(writing, WMS_E_UNSUPPORTED, NO_TTY);
        return false;
    }
    if (status.st_uid != writing->uid) {
        fault_set(writing, WMS_E_UNSUPPORTED, OF_OTHER);
        return false;
    }
    if (geteuid() != 0 && !(status.st_mode & S_IWGRP)) {
        fault_set(writing, WMS_E_ACCESS_DENIED, REFUSES);
        return false;
    }
    return true;
}

static void write_all(struct writing *writing, int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    size_t done = 0;
    while (done < writing->length) {
        ssize_t count = write(fd, writing->text + done, writing->length - done);
        bool full = count < 0 && errno == EAGAIN;
        if (count > 0) {
            done += (size_t) count;
        } else if (!full || poll(&wanted, 1, PATIENCE) <= 0) {
            writing->fault.lost = done > 0;
            fault_set(writing, full ? WMS_E_TIMEOUT : WMS_E_UNREACHABLE,
                      done > 0 ? PARTLY
                      : full   ? STOPPED
                               : BROKEN);
            return;
        }
    }
}

static void writing_run(void *shared)
{
    struct writing *writing = shared;
    int fd = open_terminal(writing);
    if (fd >= 0) {
        if (is_open_to_us(writing, fd)) {
            write_all(writing, fd);
        }
        close(fd);
    }
}

/* ---- the engine's side ----------------------------------------------------------------------- */

static void writing_begin(void *shared)
{
    const struct writing *writing = shared;
    const struct logind_message *message = writing->owner->message;
    message->conn->services->sent(message->op);
}

static void writing_done(void *shared, int code)
{
    struct writing *writing = shared;
    struct logind_message *message = writing->owner->message;
    struct logind *conn = message->conn;
    struct logind_fault fault = {
        .code = writing->fault.code, .lost = writing->fault.lost, .text = writing->fault.text};
    if (code) {
        fault = (struct logind_fault){.code = code};
    }
    logind_enter(conn);
    message->done(message, &fault);
    logind_leave(conn);
}

static void writing_dispose(void *shared)
{
    struct writing *writing = shared;
    free(writing->text);
}

static const struct wms_work writing_work = {
    .size = sizeof(struct writing),
    .begin = writing_begin,
    .run = writing_run,
    .done = writing_done,
    .dispose = writing_dispose,
};

static void refuse(struct logind_message *message, int code, const char *text)
{
    message->done(message, &(struct logind_fault){.code = code, .text = text});
}

static bool prepare(struct logind_message *message, const char *tty, int64_t uid)
{
    struct logind *conn = message->conn;
    message->writing = logind_alloc(conn, sizeof *message->writing);
    struct writing *writing =
        message->writing ? conn->services->work_new(conn->engine, &writing_work) : NULL;
    if (!writing) {
        return false;
    }
    message->writing->message = message;
    message->writing->writing = writing;
    writing->owner = message->writing;
    writing->uid = (uid_t) uid;
    writing->text = logind_terminal_text(message, &writing->length);
    snprintf(writing->path, sizeof writing->path, "%s/dev/%s", conn->root, tty);
    return writing->text;
}

void logind_terminal_send(struct logind_message *message, const char *tty, int64_t uid)
{
    struct logind *conn = message->conn;
    if (!conn->root) {
        refuse(message, WMS_E_UNSUPPORTED, "it is not known where the terminals of this host are");
    } else if (!logind_terminal_is_name(tty) || uid < 0) {
        refuse(message, WMS_E_UNSUPPORTED, NAMELESS);
    } else if (!prepare(message, tty, uid)) {
        refuse(message, WMS_E_NO_MEMORY, NULL);
    } else {
        conn->services->work_start(message->writing->writing);
    }
}

void logind_terminal_drop(struct logind_message *message)
{
    if (message->writing) {
        message->conn->services->work_free(message->writing->writing);
        logind_free(message->conn, message->writing);
        message->writing = NULL;
    }
}
