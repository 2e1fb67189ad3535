/* SPDX-License-Identifier: MIT */
/* preload_threads.c - for LD_PRELOAD: a system that has no thread left while there is a file that
 * NO_THREADS names, and where every wait for a condition is over after a millisecond for no reason,
 * if WAKES_EARLY is set: POSIX allows that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*run)(void *), void *data)
{
    const char *path = getenv("NO_THREADS");
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*) (void *), void *);

    if (path && access(path, F_OK) == 0) {
        return EAGAIN;
    }
    *(void **) &next = dlsym(RTLD_NEXT, "pthread_create");
    return next ? next(thread, attributes, run, data) : EAGAIN;
}

__attribute__((visibility("default"))) int pthread_cond_wait(pthread_cond_t *condition,
                                                             pthread_mutex_t *lock)
{
    int (*next)(pthread_cond_t *, pthread_mutex_t *);

    if (getenv("WAKES_EARLY")) {
        pthread_mutex_unlock(lock);
        usleep(1000);
        return pthread_mutex_lock(lock);
    }
    *(void **) &next = dlsym(RTLD_NEXT, "pthread_cond_wait");
    return next ? next(condition, lock) : EINVAL;
}
