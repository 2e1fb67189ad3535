/* SPDX-License-Identifier: MIT */
/* bindfile.c - tests of core/bindfile.h: files that cannot be read to their end, on a disk that
 * fails or shrinks; no part of a secret stays in memory. */
#define _GNU_SOURCE /* dlsym, RTLD_NEXT */
#include "core/bindfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include "core/state.h"
#include "unit.h"

#define SECRET  "the password is here"
#define NAME    "lab01"
#define CONTENT "wms binding 1\npassword string \"" SECRET "\"\n"

static wms_engine engine = {.base = {.alloc = {unit_resize, NULL}}};

/* What read() does after its first piece: an errno, or 0: the file has ended. */
static struct {
    size_t piece; /* 0: the system's own read() */
    int error;
    bool begun;
} disk;

/* Takes the place of the system's for this program. */
ssize_t read(int fd, void *buffer, size_t size)
{
    static ssize_t (*own)(int, void *, size_t);

    if (!own) {
        *(void **) &own = dlsym(RTLD_NEXT, "read");
    }
    if (disk.piece == 0) {
        return own(fd, buffer, size);
    }
    if (disk.begun) {
        errno = disk.error;
        return disk.error ? -1 : 0;
    }
    disk.begun = true;
    return own(fd, buffer, disk.piece < size ? disk.piece : size);
}

static void make_file(char folder[32])
{
    strcpy(folder, "/tmp/wms-unit-XXXXXX");
    CHECK(mkdtemp(folder));
    engine.bindings.folder = folder;
    CHECK(wms_bindfile_write(&engine, NAME, CONTENT, sizeof CONTENT - 1) == 0);
}

static int read_file(char **ret_text, size_t *ret_size)
{
    disk.begun = false;
    heap.wanted = SECRET;
    heap.seen = 0;
    *ret_text = NULL;
    return wms_bindfile_read(&engine, NAME, ret_text, ret_size);
}

static void whole(void)
{
    char *text;
    size_t size;

    snprintf(where, sizeof where, "a whole file");
    CHECK(read_file(&text, &size) == 0 && size == sizeof CONTENT - 1);
    CHECK(memcmp(text, CONTENT, sizeof CONTENT) == 0);
    wms_free_wiped(&engine, text, size + 1);
    CHECK(heap.seen == 0);
}

static void disk_fails(void)
{
    char *text;
    size_t size;

    snprintf(where, sizeof where, "a disk that fails");
    disk.piece = sizeof CONTENT - 2;
    disk.error = EIO;
    CHECK(read_file(&text, &size) == WMS_E_INTERNAL && !text);
    CHECK(heap.seen == 0);
    CHECK(strstr(engine.base.complaint, "cannot read"));
}

static void file_shrinks(void)
{
    char *text;
    size_t size;

    snprintf(where, sizeof where, "a file that shrinks");
    disk.piece = 14;
    disk.error = 0;
    CHECK(read_file(&text, &size) == 0 && size == disk.piece);
    CHECK(memcmp(text, CONTENT, size) == 0);
    for (size_t i = size; i < sizeof CONTENT; i++) {
        CHECK(text[i] == '\0'); /* nothing of what the memory held before */
    }
    wms_free_wiped(&engine, text, size + 1);
}

int main(void)
{
    char folder[32];

    make_file(folder);
    size_t blocks = heap.blocks;
    whole();
    disk_fails();
    file_shrinks();
    disk.piece = 0;
    CHECK(wms_bindfile_remove(&engine, NAME) == 0);
    CHECK(rmdir(folder) == 0);
    CHECK(heap.blocks == blocks);
    return 0;
}
