/* preload_memory.c - with LD_PRELOAD: lets one allocation of a library fail.
 *
 * MEMORY_OF is a part of the library's file name, MEMORY_FAILS the number of the allocation (from 1 on), and the file
 * MEMORY_TOLD is written when it has failed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What glibc's functions of these names are without the prefix. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

#define EXPORTED __attribute__((visibility("default")))

static atomic_uint count;
static _Thread_local bool inside; /* what is called here may allocate */

static void tell(void)
{
    const char *path = getenv("MEMORY_TOLD");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

    if (fd < 0 || write(fd, "failed\n", 7) != 7) {
        abort();
    }
    close(fd);
}

static bool is_of_library(const void *caller)
{
    const char *part = getenv("MEMORY_OF");
    Dl_info info;

    return part && dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, part);
}

static bool fails(const void *caller)
{
    if (inside) {
        return false;
    }
    inside = true;
    bool failed = false;
    if (is_of_library(caller)) {
        const char *number = getenv("MEMORY_FAILS");
        failed = number && atomic_fetch_add(&count, 1) + 1 == strtoul(number, NULL, 10);
    }
    if (failed) {
        tell();
        errno = ENOMEM;
    }
    inside = false;
    return failed;
}

EXPORTED void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t number, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

EXPORTED void *realloc(void *block, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, size);
}
