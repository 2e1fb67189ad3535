/* SPDX-License-Identifier: MIT */
/* statefile.c - a file that keeps a state for the next process: one owner at a time, mode 0600,
 * replaced as a whole or not at all.
 *
 * The owner holds a lock (flock) on the file itself.  A new version is locked before it gets the
 * file's name, so that the name never belongs to a file that nobody has locked; and who gets a lock
 * looks whether the file that he has locked still has the name.
 */
#define _GNU_SOURCE /* O_TMPFILE's neighbours: O_NOFOLLOW, O_CLOEXEC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errortext.h"
#include "lua/lwms.h"

enum { LARGEST = 16777216, SHOWN = 512, TRIES = 100, SUFFIX = 32 };

struct statefile {
    int fd; /* of the file of that name, locked; -1: it is closed */
    char path[];
};

/* ---- what to say ----------------------------------------------------------------------------- */

static int failed(lua_State *L, const char *what, const char *path, int number)
{
    char text[SHOWN + PATH_MAX], why[64];
    int code = number == ENOMEM                       ? WMS_E_NO_MEMORY
               : number == EMFILE || number == ENFILE ? WMS_E_INTERNAL
               : number == EWOULDBLOCK                ? WMS_E_BUSY
                                                      : WMS_E_ACCESS_DENIED;

    snprintf(text, sizeof text, "cannot %s %s: %s", what, path,
             number == EWOULDBLOCK ? "another process has it; end that one, or give another file"
                                   : ERROR_TEXT(number, why));
    return lwms_push_failure(L, code, text);
}

static int untrusted(lua_State *L, const char *path, const char *why)
{
    char text[SHOWN + PATH_MAX];

    snprintf(text, sizeof text, "%s %s", path, why);
    return lwms_push_failure(L, WMS_E_UNTRUSTED, text);
}

/* ---- opening --------------------------------------------------------------------------------- */

int lwms_make_folders(const char *path)
{
    char folder[PATH_MAX];
    int made = 0;

    snprintf(folder, sizeof folder, "%s", path);
    for (char *p = strchr(folder + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        made = mkdir(folder, 0700) && errno != EEXIST ? errno : 0;
        *p = '/';
    }
    return made;
}

/* Whether the locked file has the name still. */
static bool has_name(int fd, const char *path)
{
    struct stat mine, named;

    return fstat(fd, &mine) == 0 && lstat(path, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

/* Opens and locks the file, which is made if it is not there.  0 or an errno. */
static int open_locked(const char *path, int *ret_fd)
{
    for (int i = 0; i < TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0) {
            return errno;
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            int number = errno;
            close(fd);
            return number;
        }
        if (has_name(fd, path)) {
            *ret_fd = fd;
            return 0;
        }
        close(fd);
    }
    return EWOULDBLOCK;
}

/* NULL, or what is wrong with the file. */
static const char *complaint(int fd)
{
    struct stat status;

    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        return "is no file; give the name of one";
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return "belongs to another user; remove it, or give another file";
    }
    if (status.st_mode & 077) {
        return "is open to others; look into it, and mend it with chmod 600, or remove it";
    }
    return status.st_size > LARGEST ? "is too large for a state; give another file" : NULL;
}

int lwms_statefile_open(lua_State *L)
{
    static const struct lwms_call call = {"open_state", 1, NULL};
    const char *path = lwms_need_text(L, &call, "path", 1, "give a file's name");
    size_t size = strlen(path) + 1;

    if (!*path || size + SUFFIX > PATH_MAX) {
        lwms_misuse(L, &call, "path: %s",
                    *path ? "too long; give a shorter one" : "empty; give a file's name");
    }
    struct statefile *file = lua_newuserdata(L, sizeof *file + size);
    file->fd = -1;
    memcpy(file->path, path, size);
    lwms_anchor(L, A_STATEFILE);
    lua_setmetatable(L, -2);
    int number = lwms_make_folders(path);
    number = number ? number : open_locked(path, &file->fd);
    if (number) {
        return number == ELOOP ? untrusted(L, path, "is a symbolic link; give the file itself")
                               : failed(L, "open", path, number);
    }
    const char *wrong = complaint(file->fd);
    if (wrong) {
        close(file->fd);
        file->fd = -1;
        return untrusted(L, path, wrong);
    }
    return 1;
}

/* ---- methods --------------------------------------------------------------------------------- */

static struct statefile *self_here(lua_State *L, const char *method)
{
    return lwms_self_here(L, A_STATEFILE, "file", method);
}

static struct statefile *open_here(lua_State *L, const char *method)
{
    struct statefile *file = self_here(L, method);

    if (file->fd < 0) {
        luaL_error(L, "%s: the file is closed", method);
    }
    return file;
}

/* The text; empty: the file is new. */
static int method_read(lua_State *L)
{
    struct statefile *file = open_here(L, "read");
    luaL_Buffer text;
    ssize_t got = 1;

    luaL_buffinit(L, &text);
    for (off_t at = 0; got > 0; at += got) {
        char *room = luaL_prepbuffer(&text);
        do {
            got = pread(file->fd, room, LUAL_BUFFERSIZE, at);
        } while (got < 0 && errno == EINTR);
        if (got > 0) {
            luaL_addsize(&text, (size_t) got);
        }
    }
    int number = errno;
    luaL_pushresult(&text);
    return got < 0 ? failed(L, "read", file->path, number) : 1;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, text, size);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        text += put > 0 ? put : 0;
        size -= put > 0 ? (size_t) put : 0;
    }
    return 0;
}

/* Makes a new file beside the one of that name.  0 or an errno. */
static int make_beside(const char *path, char name[PATH_MAX], int *ret_fd)
{
    for (unsigned i = 0; i < TRIES; i++) {
        snprintf(name, PATH_MAX, "%s.new-%ld-%u", path, (long) getpid(), i);
        *ret_fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (*ret_fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    return *ret_fd < 0 ? errno : 0;
}

/* What was renamed has to outlive a power cut, too. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[1] = '\0';
    }
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void) fsync(fd); /* the new state is there; only a power cut could lose it */
        close(fd);
    }
}

/* 0 or an errno; the file is as it was then. */
static int replace(struct statefile *file, const char *text, size_t size)
{
    char name[PATH_MAX];
    int fd, number = make_beside(file->path, name, &fd);

    if (number) {
        return number;
    }
    number = fchmod(fd, 0600) || flock(fd, LOCK_EX | LOCK_NB) ? errno : write_all(fd, text, size);
    if (!number && (fsync(fd) || rename(name, file->path))) {
        number = errno;
    }
    if (number) {
        unlink(name);
        close(fd);
        return number;
    }
    sync_folder(file->path);
    close(file->fd);
    file->fd = fd;
    return 0;
}

static int method_write(lua_State *L)
{
    static const struct lwms_call call = {"write", 1, NULL};
    struct statefile *file = open_here(L, "write");
    size_t size;

    if (lua_type(L, 2) != LUA_TSTRING) {
        lwms_misuse(L, &call, "%s; give a string", lwms_kind(L, 2));
    }
    const char *text = lua_tolstring(L, 2, &size);
    int number = size > LARGEST ? EFBIG : replace(file, text, size);
    if (number) {
        return failed(L, "write", file->path, number);
    }
    lua_pushboolean(L, true);
    return 1;
}

/* Also __close and __gc.  A forked child closes its copy alone: the parent has the lock still. */
static int method_close(lua_State *L)
{
    struct statefile *file = self_here(L, "close");

    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    return 0;
}

/* Removes and closes it. */
static int method_remove(lua_State *L)
{
    const struct statefile *file = open_here(L, "remove");
    int number = unlink(file->path) ? errno : 0;

    method_close(L);
    if (number) {
        return failed(L, "remove", file->path, number);
    }
    lua_pushboolean(L, true);
    return 1;
}

const luaL_Reg lwms_statefile_own[] = {
    {"__gc", method_close},
    {"__close", method_close},
    {NULL, NULL},
};

const luaL_Reg lwms_statefile_methods[] = {
    {"read", method_read},
    {"write", method_write},
    {"remove", method_remove},
    {"close", method_close},
    {NULL, NULL},
};
