/* SPDX-License-Identifier: MIT */
/* bindfile.c - the files of bindings, in a folder that nobody else may look into. */
#define _GNU_SOURCE /* secure_getenv */
#include "core/bindfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errortext.h"
#include "core/record.h"
#include "core/state.h"

static const char suffix[] = ".binding";
enum { FILE_NAME_MAX = NAME_MAX + 1, SHOWN = 700 /* of a path, in a message */ };

/* ---- what to say ----------------------------------------------------------------------------- */

/* The code for an errno: ACCESS_DENIED if the file system refuses the operation, which is no fault
 * of this library. */
static int code_of(int number)
{
    static const int refusals[] = {EACCES,  EPERM,  EROFS, ENOSPC, EDQUOT,       EFBIG,
                                   ENOTDIR, EISDIR, ELOOP, ENOENT, ENAMETOOLONG, ENOTEMPTY};

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (number == refusals[i]) {
            return WMS_E_ACCESS_DENIED;
        }
    }
    return number == ENOMEM ? WMS_E_NO_MEMORY : WMS_E_INTERNAL;
}

/* `path`, quoted for a shell; if it is too long, words for a person in its place. */
static const char *shown(const char *path, char buffer[SHOWN])
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,";
    size_t used = 0;

    if (strspn(path, plain) == strlen(path) && strlen(path) < SHOWN) {
        strcpy(buffer, path);
        return buffer;
    }
    buffer[used++] = '\'';
    for (; *path && used < SHOWN - 6; path++) {
        if (*path == '\'') {
            strcpy(buffer + used, "'\\''");
            used += 4;
        } else {
            buffer[used++] = *path >= ' ' || *path < 0 ? *path : '?';
        }
    }
    strcpy(buffer + used, "'");
    return *path ? "on it (its path is too long to be shown)" : buffer;
}

static int failed(wms_engine *engine, const char *what, const char *path, int number)
{
    char buffer[SHOWN], why[64];

    wms_complain(engine, "%s %s: %s", what, shown(path, buffer), ERROR_TEXT(number, why));
    return code_of(number);
}

static int untrusted(wms_engine *engine, const char *what, const char *fix, const char *path)
{
    char buffer[SHOWN];

    wms_complain(engine, "%s; mend it with: %s %s", what, fix, shown(path, buffer));
    return WMS_E_UNTRUSTED;
}

/* ---- where it is ----------------------------------------------------------------------------- */

/* The path of the folder. */
static int find_folder(wms_engine *engine, char path[PATH_MAX])
{
    const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
    int length;

    if (engine->bindings.folder) {
        length = snprintf(path, PATH_MAX, "%s", engine->bindings.folder);
    } else if (config && *config == '/') { /* relative ones are invalid (XDG specification) */
        length = snprintf(path, PATH_MAX, "%s/wms/bindings", config);
    } else if (home && *home == '/') {
        length = snprintf(path, PATH_MAX, "%s/.config/wms/bindings", home);
    } else {
        wms_complain(
            engine,
            "there is no folder for bindings: %s; set one of them to a path that begins with '/'",
            (home && *home) || (config && *config)
                ? "HOME and XDG_CONFIG_HOME are no paths from the root"
                : "neither HOME nor XDG_CONFIG_HOME is set");
        return WMS_E_ACCESS_DENIED;
    }
    if (length < 0 || length >= PATH_MAX - FILE_NAME_MAX) {
        wms_complain(engine, "the path of the folder for bindings is too long");
        return WMS_E_ACCESS_DENIED;
    }
    return 0;
}

/* Writes the file's name to `file`: the server's name, in which each '/' becomes '_', and the
 * suffix. */
static int name_file(wms_engine *engine, const char *name, char file[FILE_NAME_MAX])
{
    int length = snprintf(file, FILE_NAME_MAX, "%s%s", name, suffix);

    if (length < 0 || length >= FILE_NAME_MAX) {
        wms_complain(engine, "the server's name is too long for a file's");
        return WMS_E_INTERNAL;
    }
    for (char *p = file; *p; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    return 0;
}

/* Turns a file's name into the server's: "lab01.binding" -> "lab01", "poor:__x.binding" ->
 * "poor://x".  False: it is not the file of a binding.  ":__" is unambiguous, since no host's name
 * contains "://". */
static bool name_server(char *file)
{
    size_t length = strlen(file), scheme = strspn(file, "abcdefghijklmnopqrstuvwxyz");

    if (length < sizeof suffix || strcmp(file + length - (sizeof suffix - 1), suffix) != 0) {
        return false;
    }
    file[length - (sizeof suffix - 1)] = '\0';
    if (scheme > 0 && strncmp(file + scheme, ":__", 3) == 0) {
        memcpy(file + scheme, "://", 3);
    }
    return true;
}

/* Turns the folder's path into the file's; find_folder() has made sure that there is room. */
static void join(char path[PATH_MAX], const char *file)
{
    size_t length = strlen(path);

    snprintf(path + length, PATH_MAX - length, "/%s", file);
}

/* ---- the folder ------------------------------------------------------------------------------ */

static int check_owner(wms_engine *engine, const struct stat *status, const char *what,
                       const char *path)
{
    char text[64], fix[32];

    if (status->st_uid == geteuid() || status->st_uid == 0) {
        return 0;
    }
    snprintf(text, sizeof text, "%s belongs to another user", what);
    snprintf(fix, sizeof fix, "chown %lu", (unsigned long) geteuid());
    return untrusted(engine, text, fix, path);
}

static int check_folder(wms_engine *engine, int fd, const char *path)
{
    struct stat status;

    if (fstat(fd, &status)) {
        return failed(engine, "cannot look at the folder", path, errno);
    }
    int error = check_owner(engine, &status, "the folder for bindings", path);
    if (!error && status.st_mode & 077) {
        error = untrusted(engine, "the folder for bindings is open to others", "chmod 700", path);
    }
    return error;
}

/* Makes the folder at `path`, and those above it. */
static int make_folders(wms_engine *engine, char path[PATH_MAX])
{
    for (char *p = path + 1;; p++) {
        char c = *p;
        if (c == '/' || c == '\0') {
            *p = '\0';
            int made = mkdir(path, 0700);
            int number = made ? errno : 0;
            if (number && number != EEXIST) {
                int error = failed(engine, "cannot make the folder", path, number);
                *p = c;
                return error;
            }
            *p = c;
        }
        if (!c) {
            return 0;
        }
    }
}

/* Opens the folder; *ret_fd is -1 if it does not exist. */
static int open_folder(wms_engine *engine, const char *path, bool checked, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret_fd = -1;
    if (fd < 0) {
        return errno == ENOENT ? 0 : failed(engine, "cannot open the folder", path, errno);
    }
    int error = checked ? check_folder(engine, fd, path) : 0;
    if (error) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

/* Writes the folder's path and the name of the binding's file, and opens the folder. */
static int begin(wms_engine *engine, const char *name, bool checked, char path[PATH_MAX],
                 char file[FILE_NAME_MAX], int *ret_fd)
{
    int error = find_folder(engine, path);

    error = error ? error : name_file(engine, name, file);
    return error ? error : open_folder(engine, path, checked, ret_fd);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int not_bound(wms_engine *engine)
{
    wms_complain(engine, "%s", wms_error_text(WMS_E_NOT_BOUND));
    return WMS_E_NOT_BOUND;
}

static int no_binding(wms_engine *engine, const char *path, const char *why)
{
    char buffer[SHOWN];

    wms_complain(engine, "%s is no binding of wms (%s): remove it and bind again",
                 shown(path, buffer), why);
    return WMS_E_INTERNAL;
}

static int check_file(wms_engine *engine, int fd, const char *path, size_t *ret_size)
{
    struct stat status;

    if (fstat(fd, &status)) {
        return failed(engine, "cannot look at", path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return untrusted(engine, "the binding is no file; bind again", "rm", path);
    }
    int error = check_owner(engine, &status, "the file with the binding", path);
    if (!error && status.st_mode & 077) {
        error = untrusted(engine, "the file with the binding is open to others", "chmod 600", path);
    }
    if (!error && status.st_size > WMS_RECORD_SIZE) {
        error = no_binding(engine, path, "too large");
    }
    *ret_size = (size_t) status.st_size;
    return error;
}

static int read_all(wms_engine *engine, int fd, const char *path, size_t room, char **ret_text,
                    size_t *ret_size)
{
    char *text = wms_resize(engine, NULL, room + 1);
    size_t size = 0;
    ssize_t got = 1;

    if (!text) {
        return WMS_E_NO_MEMORY;
    }
    while (size < room && got) {
        got = read(fd, text + size, room - size);
        if (got < 0 && errno != EINTR) {
            int error = failed(engine, "cannot read", path, errno);
            wms_free_wiped(engine, text, size);
            return error;
        }
        size += got > 0 ? (size_t) got : 0;
    }
    explicit_bzero(text + size, room + 1 - size);
    *ret_text = text;
    *ret_size = size;
    return 0;
}

int wms_bindfile_read(wms_engine *engine, const char *name, char **ret_text, size_t *ret_size)
{
    char path[PATH_MAX], file[FILE_NAME_MAX];
    size_t room = 0;
    int folder;
    int error = begin(engine, name, true, path, file, &folder);

    if (error || folder < 0) {
        return error ? error : not_bound(engine);
    }
    int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int number = errno;
    close(folder);
    join(path, file);
    if (fd < 0) {
        return number == ENOENT ? not_bound(engine)
               : number == ELOOP
                   ? untrusted(engine, "the binding is a symbolic link; bind again", "rm", path)
                   : failed(engine, "cannot open", path, number);
    }
    error = check_file(engine, fd, path, &room);
    error = error ? error : read_all(engine, fd, path, room, ret_text, ret_size);
    close(fd);
    return error;
}

int wms_bindfile_refuse(wms_engine *engine, const char *name, const char *why)
{
    char path[PATH_MAX], file[FILE_NAME_MAX], copy[128];
    int error = find_folder(engine, path);

    snprintf(copy, sizeof copy, "%s", why); /* it may be the complaint, which changes below */
    error = error ? error : name_file(engine, name, file);
    if (error) {
        return error;
    }
    join(path, file);
    return no_binding(engine, path, copy);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Makes a temporary file of a name that is not taken.  Returns its descriptor, or -1 and errno. */
static int make_file(int folder, char name[FILE_NAME_MAX])
{
    int fd = -1;

    for (unsigned i = 0; fd < 0 && i < 100; i++) {
        snprintf(name, FILE_NAME_MAX, ".new-%ld-%u", (long) getpid(), i);
        fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST) {
            break;
        }
    }
    return fd;
}

/* 0 or -1 and errno. */
static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, text, size);
        if (put < 0 && errno != EINTR) {
            return -1;
        }
        text += put > 0 ? put : 0;
        size -= put > 0 ? (size_t) put : 0;
    }
    return 0;
}

/* Writes a temporary file and renames it to `file`; `file` NULL: a trial, which removes it instead.
 * 0 or -1 and errno. */
static int write_file(int folder, const char *file, const char *text, size_t size)
{
    char name[FILE_NAME_MAX];
    int fd = make_file(folder, name);

    if (fd < 0) {
        return -1;
    }
    /* A trial needs no fsync(): write() already fails if the file system is full, and the file is
     * removed at once. */
    int failure = fchmod(fd, 0600) || write_all(fd, text, size) || (file && fsync(fd)) ? errno : 0;
    if (close(fd) && !failure) {
        failure = errno;
    }
    if (!failure && file && renameat(folder, name, folder, file)) {
        failure = errno;
    }
    if (failure || !file) {
        unlinkat(folder, name, 0);
        errno = failure;
        return failure ? -1 : 0;
    }
    (void) fsync(
        folder); /* an error is ignored: the binding is there, and only a power cut could lose it */
    return 0;
}

/* As begin(), but makes the folder if it does not exist. */
static int begin_writing(wms_engine *engine, const char *name, char path[PATH_MAX],
                         char file[FILE_NAME_MAX], int *ret_fd)
{
    int error = begin(engine, name, true, path, file, ret_fd);

    if (error || *ret_fd >= 0) {
        return error;
    }
    error = make_folders(engine, path);
    error = error ? error : open_folder(engine, path, true, ret_fd);
    return !error && *ret_fd < 0 ? failed(engine, "cannot open the folder", path, ENOENT) : error;
}

/* Checks that `file` can be replaced, which a folder cannot: 0 or -1 and errno. */
static int check_place(int folder, const char *file)
{
    struct stat status;

    if (fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    return 0;
}

int wms_bindfile_try(wms_engine *engine, const char *name)
{
    char path[PATH_MAX], file[FILE_NAME_MAX];
    int folder;
    int error = begin_writing(engine, name, path, file, &folder);

    if (error) {
        return error;
    }
    char *room = wms_zalloc(engine, WMS_RECORD_SIZE);
    if (!room) {
        error = WMS_E_NO_MEMORY;
    } else if (check_place(folder, file) || write_file(folder, NULL, room, WMS_RECORD_SIZE)) {
        int number = errno;
        join(path, file);
        error = failed(engine, "cannot write", path, number);
    }
    wms_free(engine, room);
    close(folder);
    return error;
}

uint64_t wms_bindfile_stamp(wms_engine *engine, const char *name)
{
    char path[PATH_MAX], file[FILE_NAME_MAX];
    struct stat status;
    int error = find_folder(engine, path);

    error = error ? error : name_file(engine, name, file);
    if (error) {
        return 0;
    }
    join(path, file);
    if (lstat(path, &status)) {
        return 0;
    }
    uint64_t stamp = 1;
    const uint64_t parts[] = {(uint64_t) status.st_ino, (uint64_t) status.st_size,
                              (uint64_t) status.st_ctim.tv_sec, (uint64_t) status.st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        stamp = (stamp ^ parts[i]) * 0x9E3779B97F4A7C15u;
    }
    return stamp ? stamp : 1;
}

int wms_bindfile_write(wms_engine *engine, const char *name, const char *text, size_t size)
{
    char path[PATH_MAX], file[FILE_NAME_MAX];
    int folder;
    int error = begin_writing(engine, name, path, file, &folder);

    if (error) {
        return error;
    }
    if (write_file(folder, file, text, size)) {
        int number = errno;
        join(path, file);
        error = failed(engine, "cannot write", path, number);
    }
    close(folder);
    return error;
}

int wms_bindfile_remove(wms_engine *engine, const char *name)
{
    char path[PATH_MAX], file[FILE_NAME_MAX];
    int folder;
    int error = begin(engine, name, false, path, file, &folder);

    if (error || folder < 0) {
        return error ? error : not_bound(engine);
    }
    if (unlinkat(folder, file, 0)) {
        int number = errno;
        join(path, file);
        error =
            number == ENOENT ? not_bound(engine) : failed(engine, "cannot remove", path, number);
    }
    close(folder);
    return error;
}

/* ---- all of them ----------------------------------------------------------------------------- */

void wms_bindfile_names_free(wms_engine *engine, struct wms_bindfile_name *names)
{
    while (names) {
        struct wms_bindfile_name *next = names->next;
        wms_free(engine, names);
        names = next;
    }
}

static int add_name(wms_engine *engine, const char *file, struct wms_bindfile_name **names)
{
    size_t size = strlen(file) + 1;
    struct wms_bindfile_name *name = wms_resize(engine, NULL, sizeof *name + size);

    if (!name) {
        return WMS_E_NO_MEMORY;
    }
    memcpy(name->text, file, size);
    if (name_server(name->text)) {
        name->next = *names;
        *names = name;
    } else {
        wms_free(engine, name);
    }
    return 0;
}

int wms_bindfile_names(wms_engine *engine, struct wms_bindfile_name **ret_names)
{
    struct wms_bindfile_name *names = NULL;
    char path[PATH_MAX];
    int fd;
    int error = find_folder(engine, path);

    error = error ? error : open_folder(engine, path, true, &fd);
    if (error || fd < 0) {
        *ret_names = NULL;
        return error;
    }
    DIR *folder = fdopendir(fd);
    if (!folder) {
        error = failed(engine, "cannot read the folder", path, errno);
        close(fd);
        return error;
    }
    const struct dirent *entry;
    while (!error && (entry = readdir(folder))) {
        error = add_name(engine, entry->d_name, &names);
    }
    closedir(folder);
    if (error) {
        wms_bindfile_names_free(engine, names);
        return error;
    }
    *ret_names = names;
    return 0;
}
