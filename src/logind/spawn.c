/* SPDX-License-Identifier: MIT */
/* spawn.c - starts a program that is no child of this process.
 *
 * Two steps, each a clone() like vfork()'s: the first process ends at once, and has no exit signal
 * (exec() would set that to SIGCHLD again, hence the second); the program is its child, and so
 * becomes init's.  Both share our memory while the calling thread waits for them, and run on a
 * stack of their own.  What they do is done by system calls alone: functions of libc's would change
 * state of ours, or that of a sanitizer.
 *
 * Signals are blocked meanwhile: a handler of the program's must not run there. */
#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range /* the same numbers everywhere */
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open        434
#define SYS_pidfd_send_signal 424
#endif

#if defined(__clang__)
#define BARE __attribute__((disable_sanitizer_instrumentation))
#else
#define BARE __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

/* Thread sanitizers put a clone() of their own in front of glibc's, which takes the new process for
 * one with a memory of its own. */
#ifdef __GLIBC__
int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...); // NOLINT
#define clone_plainly __clone
#else
#define clone_plainly clone
#endif

enum {
    KEPT = 3,           /* the first descriptor behind the standard ones: reports exec()'s error */
    ASIDE = 10,         /* from here on, descriptors are out of the way of these */
    FEW_ENOUGH = 65536, /* to be closed one by one, on a system without close_range() */
    SET_SIZE = _NSIG / 8
};

struct start {
    char *const *argv; /* exec() does not change them, though it does not say so */
    char *const *environment;
    int stream, errors;
    int report; /* the first process's end of a socket */
    char *inner_stack;
    int pipe[2];
};

/* What the first process reports. */
struct report {
    int error;
    pid_t pid;
};

/* ---- the program's process ------------------------------------------------------------------- */

BARE static void close_from(int first)
{
    if (syscall(SYS_close_range, first, UINT_MAX, 0) == 0) {
        return;
    }
    for (int fd = first; fd < FEW_ENOUGH; fd++) {
        syscall(SYS_close, fd);
    }
}

/* exec() itself puts handlers back, but not what is ignored. */
BARE static void default_signals(void)
{
    char none[64] = {0}; /* the kernel's struct sigaction, larger than any; and an empty set */
    for (int number = 1; number < _NSIG; number++) {
        syscall(SYS_rt_sigaction, number, none, NULL, SET_SIZE);
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, SET_SIZE);
}

BARE static int become(void *data)
{
    const struct start *start = data;
    long stream = syscall(SYS_fcntl, start->stream, F_DUPFD_CLOEXEC, ASIDE);
    long errors = syscall(SYS_fcntl, start->errors, F_DUPFD_CLOEXEC, ASIDE);
    long result = syscall(SYS_fcntl, start->pipe[1], F_DUPFD_CLOEXEC, ASIDE);
    syscall(SYS_dup3, stream, 0, 0);
    syscall(SYS_dup3, stream, 1, 0);
    syscall(SYS_dup3, errors, 2, 0);
    syscall(SYS_dup3, result, KEPT, O_CLOEXEC);
    close_from(KEPT + 1);
    syscall(SYS_setsid);
    default_signals();
    execvpe(start->argv[0], start->argv, start->environment);
    int error = errno;
    syscall(SYS_write, KEPT, &error, sizeof error);
    syscall(SYS_exit_group, 127);
    return 127;
}

/* ---- the process before it ------------------------------------------------------------------- */

/* `handle`: a descriptor that goes with it, or -1. */
BARE static void send_report(int fd, struct report *report, int handle)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof handle)];
    } control;
    struct iovec part = {.iov_base = report, .iov_len = sizeof *report};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (handle >= 0) {
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof handle);
        *(int *) (void *) CMSG_DATA(&control.head) = handle;
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
    }
    syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

BARE static int beget(void *data)
{
    struct start *start = data;
    struct report report = {.error = 0};
    int error = 0, handle = -1;
    if (syscall(SYS_pipe2, start->pipe, O_CLOEXEC) < 0) {
        report.error = errno;
    } else {
        report.pid =
            clone_plainly(become, start->inner_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, start);
        report.error = report.pid < 0 ? errno : 0;
        syscall(SYS_close, start->pipe[1]);
    }
    if (!report.error) {
        /* exec() closes the other end: nothing is to be read then */
        if (syscall(SYS_read, start->pipe[0], &error, sizeof error) == sizeof error) {
            report.error = error;
            syscall(SYS_wait4, report.pid, NULL, 0, NULL);
        } else {
            handle = (int) syscall(SYS_pidfd_open, report.pid, 0);
        }
    }
    send_report(start->report, &report, handle);
    syscall(SYS_exit_group, 0);
    return 0;
}

/* ---- this process ---------------------------------------------------------------------------- */

static int receive_report(int fd, struct logind_process *ret_process)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct report report = {.error = EAGAIN};
    struct iovec part = {.iov_base = &report, .iov_len = sizeof report};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.room};
    ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length != (ssize_t) sizeof report) {
        return -EAGAIN; /* it was killed before it could report */
    }
    if (report.error) {
        return -report.error;
    }
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    ret_process->pid = report.pid;
    ret_process->handle = -1;
    if (head && head->cmsg_type == SCM_RIGHTS) {
        memcpy(&ret_process->handle, CMSG_DATA(head), sizeof ret_process->handle);
    }
    return 0;
}

int logind_spawn(const char *const *argv, const char *const *environment, int stream, int errors,
                 void *room, struct logind_process *ret_process)
{
    char *top = (char *) ((uintptr_t) ((char *) room + LOGIND_SPAWN_ROOM) & ~(uintptr_t) 63);
    struct start start = {.argv = (char *const *) (uintptr_t) argv,
                          .environment = (char *const *) (uintptr_t) environment,
                          .stream = stream,
                          .errors = errors,
                          .inner_stack = top - LOGIND_SPAWN_ROOM / 4};
    int report[2];
    sigset_t all, before;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0) {
        return -errno;
    }
    start.report = report[1];
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t first = clone_plainly(beget, top, CLONE_VM | CLONE_VFORK, &start);
    int error = first < 0 ? -errno : 0;
    while (first > 0 && waitpid(first, NULL, __WALL) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    error = error ? error : receive_report(report[0], ret_process);
    close(report[0]);
    close(report[1]);
    return error;
}

bool logind_process_runs(const struct logind_process *process)
{
    struct pollfd handle = {.fd = process->handle, .events = POLLIN};
    return process->handle >= 0 && poll(&handle, 1, 0) == 0;
}

/* While it runs its number is not another process's. */
void logind_process_kill(const struct logind_process *process)
{
    if (logind_process_runs(process)) {
        kill(-process->pid, SIGKILL);
    }
}

void logind_process_end(const struct logind_process *process, bool over)
{
    if (logind_process_runs(process) || (process->handle < 0 && !over)) {
        kill(-process->pid, SIGTERM);
    }
}

void logind_process_reap(const struct logind_process *process)
{
    int error = errno;
    siginfo_t info;
    if (process->handle >= 0) { /* by now the number may be another process's */
        waitid(P_PIDFD, (id_t) process->handle, &info, WEXITED | WNOHANG);
    } else {
        waitpid(process->pid, NULL, WNOHANG);
    }
    errno = error;
}

void logind_process_close(struct logind_process *process)
{
    if (process->handle >= 0) {
        close(process->handle);
    }
    process->handle = -1;
}
