/* SPDX-License-Identifier: MIT */
/* preload_oom.c - for LD_PRELOAD: memory that fails for one library alone, and is counted.
 *
 * The library is the session API's, or has the name that PRELOAD_OOM_OF tells.  A program that
 * knows of it finds the three functions below by dlsym(); for any other, allocation number
 * PRELOAD_OOM_AT fails, and then the file PRELOAD_OOM_TOLD is written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* The C library's own, under names that nobody puts anything in front of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

EXPORT void preload_plan(long at, int for_good);
EXPORT long preload_count(void);
EXPORT long preload_blocks(void);

static const char *library = "libwms-wtsapi.so", *told;
enum { PLACES = 1 << 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const void *blocks[PLACES]; /* the library's, by a hash; open addressing without gaps */
static long block_count, count, fail_at;
static int fail_for_good;

/* ---- its blocks ------------------------------------------------------------------------------ */

static size_t place_of(const void *block)
{
    size_t place = ((uintptr_t) block >> 4) * 2654435761U % PLACES;

    while (blocks[place] && blocks[place] != block) {
        place = (place + 1) % PLACES;
    }
    return place;
}

static void add(const void *block)
{
    if (block && block_count < PLACES / 2) {
        blocks[place_of(block)] = block;
        block_count++;
    }
}

/* What stands behind the gap is put in anew. */
static void take(const void *block)
{
    size_t place = place_of(block);

    if (!block || !blocks[place]) {
        return;
    }
    blocks[place] = NULL;
    block_count--;
    for (size_t next = (place + 1) % PLACES; blocks[next]; next = (next + 1) % PLACES) {
        const void *other = blocks[next];
        blocks[next] = NULL;
        blocks[place_of(other)] = other;
    }
}

/* ---- failures -------------------------------------------------------------------------------- */

static bool is_library(const void *caller)
{
    Dl_info info;
    size_t size = strlen(library), length;

    if (!dladdr(caller, &info) || !info.dli_fname) {
        return false;
    }
    length = strlen(info.dli_fname);
    return length >= size && strcmp(info.dli_fname + length - size, library) == 0;
}

static void tell(void)
{
    int fd = open(told, O_WRONLY | O_CREAT, 0600);

    if (fd < 0 || write(fd, "failed\n", 7) != 7) {
        abort();
    }
    close(fd);
}

/* Under the lock. */
static bool fails(void)
{
    count++;
    bool failed = fail_at && (count == fail_at || (fail_for_good && count > fail_at));
    if (failed && told) {
        tell();
    }
    return failed;
}

static void *refuse(void)
{
    pthread_mutex_unlock(&lock);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *malloc(size_t size)
{
    if (!is_library(__builtin_return_address(0))) {
        return __libc_malloc(size);
    }
    pthread_mutex_lock(&lock);
    if (fails()) {
        return refuse();
    }
    void *block = __libc_malloc(size);
    add(block);
    pthread_mutex_unlock(&lock);
    return block;
}

EXPORT void *calloc(size_t number, size_t size)
{
    if (!is_library(__builtin_return_address(0))) {
        return __libc_calloc(number, size);
    }
    pthread_mutex_lock(&lock);
    if (fails()) {
        return refuse();
    }
    void *block = __libc_calloc(number, size);
    add(block);
    pthread_mutex_unlock(&lock);
    return block;
}

EXPORT void *realloc(void *block, size_t size)
{
    if (!is_library(__builtin_return_address(0))) {
        return __libc_realloc(block, size);
    }
    pthread_mutex_lock(&lock);
    if (size && fails()) {
        return refuse();
    }
    take(block);
    void *other = __libc_realloc(block, size);
    add(other ? other : size ? block : NULL);
    pthread_mutex_unlock(&lock);
    return other;
}

EXPORT void free(void *block)
{
    if (block) {
        pthread_mutex_lock(&lock);
        take(block);
        pthread_mutex_unlock(&lock);
        __libc_free(block);
    }
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *of = getenv("PRELOAD_OOM_OF"), *at = getenv("PRELOAD_OOM_AT");

    library = of ? of : library;
    fail_at = at ? strtol(at, NULL, 10) : 0;
    told = getenv("PRELOAD_OOM_TOLD");
}

/* ---- for the program ------------------------------------------------------------------------- */

/* From now on, allocation number `at` fails (0: none), or all from there on; begins to count anew.
 */
void preload_plan(long at, int for_good)
{
    pthread_mutex_lock(&lock);
    fail_at = at;
    fail_for_good = for_good;
    count = 0;
    pthread_mutex_unlock(&lock);
}

/* How many there were since then. */
long preload_count(void)
{
    pthread_mutex_lock(&lock);
    long now = count;
    pthread_mutex_unlock(&lock);
    return now;
}

/* How many blocks the library has. */
long preload_blocks(void)
{
    pthread_mutex_lock(&lock);
    long now = block_count;
    pthread_mutex_unlock(&lock);
    return now;
}
