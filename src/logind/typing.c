/* SPDX-License-Identifier: MIT */
/* typing.c - a message on a text terminal of another machine, by a program over there.
 *
 * The text goes through the program's standard input, and the terminal's name is the only word of
 * the command that the host has chosen: it has been looked at.  That program makes no file, follows
 * no link, and says on its error stream what it has written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userbus.h"

#define NAMELESS "the session's terminal has no name of a terminal"
#define REFUSED  "the session's terminal over there could not be written to"
/* Its words are asked for in English. */
#define COMMAND \
    "env LC_ALL=C dd of=/dev/%s oflag=nofollow,noctty conv=nocreat,notrunc status=noxfer"
#define DONE "records out"
#define FAIL "dd:"

struct logind_typing {
    struct logind_message *message;
    struct logind_ssh *ssh;
    struct wms_poll *poll;
    pid_t process; /* that has started it: not this one in a forked child */
    int fd;        /* -1: all is written */
    char *text;    /* from malloc() */
    size_t length, done;
};

static void finish(struct logind_typing *typing, const struct logind_fault *fault)
{
    struct logind_message *message = typing->message;
    message->done(message, fault);
}

static void close_stream(struct logind_typing *typing)
{
    const struct wms_services *services = typing->message->conn->services;
    services->poll_free(typing->poll);
    typing->poll = NULL;
    if (typing->fd >= 0) {
        close(typing->fd);
        typing->fd = -1;
    }
}

/* ssh has ended: what the program said before tells whether it has written the text. */
static void on_ended(void *data)
{
    struct logind_typing *typing = data;
    struct logind *conn = typing->message->conn;
    struct logind_fault fault = {.code = 0};
    bool written = typing->done == typing->length && logind_ssh_said(typing->ssh, DONE);
    logind_enter(conn);
    if (logind_ssh_said(typing->ssh, FAIL)) {
        fault = (struct logind_fault){.code = WMS_E_UNSUPPORTED, .text = REFUSED};
    } else if (!written) {
        logind_ssh_why(typing->ssh, &fault);
        fault.lost = typing->done > 0;
    }
    finish(typing, &fault);
    logind_leave(conn);
}

/* The end of the text is told by closing our direction.  What fails here is told by ssh's end. */
static void on_writable(void *data, int events)
{
    struct logind_typing *typing = data;
    ssize_t count = 1;
    (void) events;
    while (typing->done < typing->length && count > 0) {
        count = send(typing->fd, typing->text + typing->done, typing->length - typing->done,
                     MSG_NOSIGNAL);
        typing->done += count > 0 ? (size_t) count : 0;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    typing->message->conn->services->poll_free(typing->poll);
    typing->poll = NULL;
    if (typing->done == typing->length) {
        shutdown(typing->fd, SHUT_WR);
    }
}

static int start(struct logind_typing *typing, const char *tty, struct logind_fault *ret_fault)
{
    struct logind *conn = typing->message->conn;
    char command[sizeof COMMAND + 64];
    snprintf(command, sizeof command, COMMAND, tty);
    typing->text = logind_terminal_text(typing->message, &typing->length);
    if (!typing->text) {
        return WMS_E_NO_MEMORY;
    }
    int code = logind_ssh_start(logind_far_place(conn), NULL, command, on_ended, typing,
                                &typing->ssh, &typing->fd, ret_fault);
    if (code) {
        typing->ssh = NULL;
        typing->fd = -1;
        return code;
    }
    code = conn->services->poll_new(conn->engine, typing->fd, on_writable, typing, &typing->poll);
    if (code) {
        typing->poll = NULL;
        return code;
    }
    conn->services->sent(typing->message->op);
    return conn->services->poll_set(typing->poll, WMS_WRITABLE);
}

void logind_typing_send(struct logind_message *message, const char *tty)
{
    struct logind *conn = message->conn;
    struct logind_fault fault = {.code = WMS_E_UNSUPPORTED, .text = NAMELESS};
    if (!logind_terminal_is_name(tty)) {
        message->done(message, &fault);
        return;
    }
    fault.text = NULL;
    message->typing = logind_alloc(conn, sizeof *message->typing);
    fault.code = WMS_E_NO_MEMORY;
    if (message->typing) {
        message->typing->message = message;
        message->typing->fd = -1;
        message->typing->process = getpid();
        fault.code = start(message->typing, tty, &fault);
    }
    if (fault.code) {
        message->done(message, &fault);
    }
}

void logind_typing_drop(struct logind_message *message)
{
    struct logind_typing *typing = message->typing;
    if (typing) {
        close_stream(typing);
        logind_ssh_end(typing->ssh, typing->process != getpid());
        free(typing->text);
        message->typing = logind_free(message->conn, typing);
    }
}
