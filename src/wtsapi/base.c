/* SPDX-License-Identifier: MIT */
/* base.c - what all parts of the library, and all threads, share. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/target.h"
#include "wtsapi/wtsapi.h"

enum { FOLDER_ROOM = PATH_MAX + 8 };

pthread_mutex_t wtsapi_lock = PTHREAD_MUTEX_INITIALIZER;
uint64_t wtsapi_generation;
int wtsapi_bell = -1;

static char folder[FOLDER_ROOM]; /* where providers are; "": in the default folder of libwms */

double wtsapi_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void wtsapi_ring(void)
{
    uint64_t one = 1;
    int before = wtsapi_end_later(); /* cancellation must not happen while the lock is held */

    while (wtsapi_bell >= 0 && write(wtsapi_bell, &one, sizeof one) < 0 &&
           errno == EINTR) { /* EAGAIN: the eventfd is raised already */
    }
    wtsapi_end_again(before);
}

void wtsapi_find_folder(void)
{
    static const char here;
    Dl_info info;
    char *path = dladdr(&here, &info) && info.dli_fname ? realpath(info.dli_fname, NULL) : NULL;
    char *slash = path ? strrchr(path, '/') : NULL;

    if (slash) {
        snprintf(folder, sizeof folder, "%.*s/wms", (int) (slash - path), path);
    }
    free(path);
}

wms_engine *wtsapi_engine_new(void)
{
    wms_engine *engine;

    if (wms_engine_new(NULL, &engine)) {
        return NULL;
    }
    if (*folder && wms_engine_module_folder(engine, folder)) {
        return wms_engine_unref(engine);
    }
    return engine;
}

bool wtsapi_machine_name(char room[WTSAPI_NAME_ROOM])
{
    DWORD size = WTSAPI_NAME_ROOM;

    return GetComputerNameA(room, &size) && *room;
}

bool wtsapi_address_is_here(const char *address)
{
    static const char *const buses[] = {"/run/dbus/system_bus_socket",
                                        "/var/run/dbus/system_bus_socket"};
    struct wms_place place;
    char complaint[128];

    if (wms_place_parse(&place, address, complaint, sizeof complaint) ||
        strcmp(place.scheme, "logind") != 0) {
        return false;
    }
    const char *path = place.address.path;
    return !place.address.host &&
           (!path || strcmp(path, buses[0]) == 0 || strcmp(path, buses[1]) == 0);
}
