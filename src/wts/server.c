/* SPDX-License-Identifier: MIT */
/* server.c - the handle of a server, how many calls to it hang, and the end of a wait for its
 * events.
 */
#include <stdlib.h>
#include <string.h>

#include "wts.h"

/* ---- tallies --------------------------------------------------------------------------------- */

struct wts_tally *wts_tally_ref(struct wts_tally *tally)
{
    atomic_fetch_add(&tally->refs, 1);
    return tally;
}

void wts_tally_unref(struct wts_tally *tally)
{
    if (atomic_fetch_sub(&tally->refs, 1) == 1) {
        free(tally);
    }
}

/* The tally of that name, made if there is none, with one reference more. */
static struct wts_tally *tally_get(struct wts_tallies *tallies, const char *name)
{
    struct wts_tally *first = tallies->first, **place = &tallies->first;
    uint64_t bits = wms_hash(&tallies->key, name, strlen(name));

    for (; *place && strcmp((*place)->name, name) != 0; bits <<= 1) {
        place = &(*place)->below[bits >> 63];
    }
    struct wts_tally *tally = *place;
    if (!tally) {
        tally = calloc(1, sizeof *tally + strlen(name) + 1);
        if (!tally) {
            return NULL;
        }
        strcpy(tally->name, name);
        atomic_init(&tally->refs, 1);
        if (first) {
            tally->next = first->next;
            first->next = tally;
        }
        *place = tally;
    }
    return wts_tally_ref(tally);
}

struct wts_tallies *wts_tallies_new(void)
{
    struct wts_tallies *tallies = calloc(1, sizeof *tallies);

    if (tallies) {
        wms_key_new(&tallies->key);
    }
    return tallies;
}

void wts_tallies_free(struct wts_tallies *tallies)
{
    for (struct wts_tally *tally = tallies ? tallies->first : NULL, *next; tally; tally = next) {
        next = tally->next;
        wts_tally_unref(tally);
    }
    free(tallies);
}

/* ---- servers --------------------------------------------------------------------------------- */

static void server_free(struct wts_server *server)
{
    if (server->tally) {
        wts_tally_unref(server->tally);
    }
    free(server->name);
    free(server);
}

struct wts_server *wts_server_new(const char *name, struct wts_tallies *tallies)
{
    struct wts_server *server = calloc(1, sizeof *server);
    size_t length;

    if (!server) {
        return NULL;
    }
    atomic_init(&server->refs, 1);
    server->process = GetCurrentProcessId();
    server->is_here = !name;
    server->handle = WTS_CURRENT_SERVER_HANDLE;
    server->name = name ? wts_utf16(name, &length) : NULL;
    server->tally = tally_get(tallies, name ? name : "");
    if ((name && !server->name) || !server->tally) {
        server_free(server);
        return NULL;
    }
    return server;
}

struct wts_server *wts_server_ref(struct wts_server *server)
{
    atomic_fetch_add(&server->refs, 1);
    return server;
}

void wts_server_unref(struct wts_server *server, bool keeps)
{
    if (atomic_fetch_sub(&server->refs, 1) > 1) {
        return;
    }
    if (!keeps && server->handle != WTS_CURRENT_SERVER_HANDLE &&
        server->process == GetCurrentProcessId()) {
        WTSCloseServer(server->handle);
    }
    server_free(server);
}

/* ---- waits for events ------------------------------------------------------------------------ */

enum {
    FLUSHES = 12, /* at most, to end a wait: they take half a second */
    FLUSH_MS = 64
};

/* The wait may be about to begin: then the first flush comes too early. */
void wts_server_flush(struct wts_server *server, unsigned number)
{
    DWORD pause = 1, events = 0;

    if (!number) {
        return;
    }
    atomic_store(&server->unwanted, number);
    for (int i = 0; i < FLUSHES && atomic_load(&server->waited) != number; i++) {
        if (!WTSWaitSystemEvent(server->handle, WTS_EVENT_FLUSH, &events)) {
            return;
        }
        if (atomic_load(&server->waited) != number) {
            Sleep(pause);
            pause = pause < FLUSH_MS ? 2 * pause : FLUSH_MS;
        }
    }
}
