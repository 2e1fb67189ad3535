/* SPDX-License-Identifier: MIT */
/* guard.c - a program that runs for as long as others need it, for the command line `wms`.
 *
 * Who needs it holds a shared lock (flock) on a file, by a guard: a process of its own that waits
 * for the end of the one that has made it, whatever that has become by exec().  The guard of the
 * one that has started the program then waits until nobody else holds the lock, and ends the
 * program.  So the program ends with the last who needs it, also when one of them is killed; and
 * with its guard.
 *
 * A guard is nobody's child (the one in between ends at once), has no terminal, and keeps no
 * descriptor of the program that made it.  For programs of one thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/errortext.h"
#include "lua/lwms.h"

#ifndef SYS_close_range /* the same numbers everywhere */
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum {
    SAID = 65536,    /* bytes of what a program says that are kept */
    LOOK = 200,      /* milliseconds between two looks whether others hold the lock */
    PATIENCE = 5000, /* milliseconds that the program may take to end */
    SHOWN = PATH_MAX + 128
};

struct guard {
    int lock;     /* the file, with the lock */
    int user;     /* a pidfd of the process that needs the program */
    int gone;     /* closed by the guard's end */
    int said;     /* where the program's words go */
    char **words; /* the program and its arguments; NULL: another guard has started it */
};

/* nil, "cannot DO WHAT: why" */
static int failed(lua_State *L, const char *what, int number)
{
    char text[SHOWN], why[64];

    snprintf(text, sizeof text, "cannot %s: %s", what, ERROR_TEXT(number, why));
    lua_pushnil(L);
    lua_pushstring(L, text);
    return 2;
}

/* ---- the guard ------------------------------------------------------------------------------- */

static void close_others(const struct guard *guard)
{
    const int kept[] = {guard->lock, guard->user, guard->gone};
    unsigned from = STDERR_FILENO + 1, next;

    do {
        next = UINT_MAX;
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
            next =
                (unsigned) kept[i] >= from && (unsigned) kept[i] < next ? (unsigned) kept[i] : next;
        }
        if (next > from) {
            syscall(SYS_close_range, from, next == UINT_MAX ? next : next - 1, 0);
        }
        from = next + 1;
    } while (next != UINT_MAX);
}

/* Leaves the terminal, the signals and the descriptors of the program that made it. */
static void move_out(const struct guard *guard)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    int said = guard->words ? guard->said : nowhere;
    sigset_t none;

    setsid();
    dup2(nowhere, STDIN_FILENO);
    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    close_others(guard);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signal(signals[i], SIG_DFL);
    }
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (chdir("/")) {
        return; /* then it stays where it is */
    }
}

/* The program, which ends with its guard.  -1: there is none. */
static pid_t start(char **words)
{
    pid_t guard = getpid(), program = fork();

    if (program == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == guard) {
            execvp(words[0], words);
        }
        _exit(127);
    }
    return program;
}

static bool is_over(int pidfd, int milliseconds)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};

    return poll(&watched, 1, milliseconds) > 0;
}

/* Waits for the end of the process that needs the program, or for that of the program; -1: without
 * one.  Returns whether the program has ended. */
static bool await_user(const struct guard *guard, int program)
{
    struct pollfd watched[] = {{.fd = guard->user, .events = POLLIN},
                               {.fd = program, .events = POLLIN}};

    while (poll(watched, 2, -1) < 0 && errno == EINTR) {
    }
    return watched[1].revents;
}

/* Nobody new can need it while it ends: the lock is ours alone then. */
static void end(const struct guard *guard, pid_t program, int pidfd)
{
    while (flock(guard->lock, LOCK_EX | LOCK_NB)) {
        if (is_over(pidfd, LOOK)) {
            return;
        }
    }
    kill(program, SIGTERM);
    if (!is_over(pidfd, PATIENCE)) {
        kill(program, SIGKILL);
    }
}

/* The program is our child, and its number nobody else's before the wait.  When it ends too early,
 * as it does where another one was sooner, the lock is held all the same. */
static void watch_over(const struct guard *guard)
{
    pid_t program = start(guard->words);
    int pidfd = program > 0 ? (int) syscall(SYS_pidfd_open, program, 0) : -1;
    bool early = pidfd < 0 || await_user(guard, pidfd);

    if (early) {
        close(guard->gone);
        await_user(guard, -1);
    } else {
        end(guard, program, pidfd);
    }
    if (program > 0) {
        if (pidfd < 0) {
            kill(program, SIGTERM);
        }
        waitpid(program, NULL, 0);
    }
}

static void run(const struct guard *guard)
{
    move_out(guard);
    if (guard->words) {
        watch_over(guard);
    } else {
        await_user(guard, -1);
    }
    _exit(0);
}

/* 0 or an errno. */
static int make(const struct guard *guard)
{
    pid_t between = fork();
    int number = between < 0 ? errno : 0;

    if (between == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            run(guard);
        }
        _exit(pid < 0);
    }
    int status = 0;
    while (!number && waitpid(between, &status, 0) < 0 && errno == EINTR) {
    }
    return number ? number : status ? EAGAIN : 0;
}

/* ---- for Lua --------------------------------------------------------------------------------- */

/* The list of texts at `index` for exec().  It stays on the stack, and borrows from the list. */
static char **words_at(lua_State *L, const struct lwms_call *call, int index)
{
    size_t count = lwms_need_list(L, call, "words", index);
    char **words = lua_newuserdata(L, (count + 1) * sizeof *words);

    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, index, (int) i + 1);
        words[i] = (char *) (uintptr_t) lwms_need_text(L, call, "words", -1, "give texts");
        lua_pop(L, 1);
    }
    words[count] = NULL;
    if (!count) {
        lwms_misuse(L, call, "words: empty; give a program");
    }
    return words;
}

/* share(path): takes the shared lock of the file, which is made if it is not there.  Waits while
 * its program is being ended.  Returns the descriptor, which keeps the lock until the process ends;
 * or nil and why not. */
int lwms_guard_share(lua_State *L)
{
    static const struct lwms_call call = {"share", 1, NULL};
    const char *path = lwms_need_text(L, &call, "path", 1, "give a file's name");
    struct stat status;

    int number = lwms_make_folders(path);
    int fd = number ? -1 : open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    number = !number && fd < 0 ? errno : number;
    if (!number && (fstat(fd, &status) || status.st_uid != geteuid())) {
        number = EPERM;
    }
    while (!number && flock(fd, LOCK_SH)) {
        number = errno == EINTR ? 0 : errno;
    }
    if (number) {
        if (fd >= 0) {
            close(fd);
        }
        lua_pushfstring(L, "open %s", path);
        return failed(L, lua_tostring(L, -1), number);
    }
    lua_pushinteger(L, fd);
    return 1;
}

/* guard(lock, words): makes a guard that holds the lock until this process has ended, and starts
 * the program if there are words.  Returns a descriptor that is readable when the program has
 * ended, and one for said(); or nil and why not.
 */
int lwms_guard_make(lua_State *L)
{
    static const struct lwms_call call = {"guard", 1, NULL};
    struct guard guard = {.user = -1, .said = -1};
    int ends[2] = {-1, -1}, number = 0;

    guard.lock = (int) lwms_need_whole(L, &call, "lock", 1, 0, INT_MAX);
    guard.words = lua_isnoneornil(L, 2) ? NULL : words_at(L, &call, 2);
    guard.user = (int) syscall(SYS_pidfd_open, getpid(), 0);
    guard.said = (int) memfd_create("said", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (guard.user < 0 || guard.said < 0 || ftruncate(guard.said, SAID) ||
        fcntl(guard.said, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) || pipe2(ends, O_CLOEXEC)) {
        number = errno;
    } else {
        guard.gone = ends[1];
        number = make(&guard);
    }
    const int ours[] = {guard.user, ends[1], number ? ends[0] : -1, number ? guard.said : -1};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (ours[i] >= 0) {
            close(ours[i]);
        }
    }
    if (number) {
        return failed(L, "start a process", number);
    }
    lua_pushinteger(L, ends[0]);
    lua_pushinteger(L, guard.said);
    return 2;
}

/* Whether something can be read from the descriptor, or its other end is closed. */
int lwms_guard_readable(lua_State *L)
{
    static const struct lwms_call call = {"readable", 1, NULL};

    lua_pushboolean(L, is_over((int) lwms_need_whole(L, &call, "fd", 1, 0, INT_MAX), 0));
    return 1;
}

/* What the program of a guard has said, its first 64 KiB. */
int lwms_guard_said(lua_State *L)
{
    static const struct lwms_call call = {"said", 1, NULL};
    int fd = (int) lwms_need_whole(L, &call, "fd", 1, 0, INT_MAX);
    char *text = lua_newuserdata(L, SAID);
    ssize_t length = pread(fd, text, SAID, 0);

    lua_pushlstring(L, text, length > 0 ? strnlen(text, (size_t) length) : 0);
    return 1;
}

/* replace(words): this process becomes that program.  Returns nil and why not. */
int lwms_guard_replace(lua_State *L)
{
    static const struct lwms_call call = {"replace", 1, NULL};
    char **words = words_at(L, &call, 1);

    execvp(words[0], words);
    int number = errno;
    lua_pushfstring(L, "run %s", words[0]);
    return failed(L, lua_tostring(L, -1), number);
}
