/* SPDX-License-Identifier: MIT */
/* preload_clock.c - for LD_PRELOAD: a machine whose clock is off by WMS_CLOCK seconds.  The clock
 * that only goes forward is right. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#define SEEN __attribute__((visibility("default")))

static time_t off(void)
{
    const char *text = getenv("WMS_CLOCK");
    return text ? (time_t) strtoll(text, NULL, 10) : 0;
}

SEEN int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static int (*real)(clockid_t clock, struct timespec * ret);

    if (!real) {
        *(void **) &real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(clock, ret);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        ret->tv_sec += off();
    }
    return result;
}

SEEN int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void) zone;

    clock_gettime(CLOCK_REALTIME, &now);
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = now.tv_nsec / 1000;
    return 0;
}

SEEN time_t time(time_t *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret) {
        *ret = now.tv_sec;
    }
    return now.tv_sec;
}
