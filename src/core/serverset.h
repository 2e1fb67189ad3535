/* SPDX-License-Identifier: MIT */
/* serverset.h - a set of servers, in the order in which they came: addresses that name the same
 * server are one. */
#ifndef WMS_CORE_SERVERSET_H
#define WMS_CORE_SERVERSET_H

#include "core/slab.h"
#include "core/table.h"

/* How many servers one set may have. */
enum { WMS_SERVERS_MAX = 100000 };

struct wms_setserver {
    struct wms_entry entry; /* first: of set->table */
    struct wms_setserver *next;
    const char *text;
    uint32_t step; /* the step in which it was named last */
    bool out;      /* it has been taken out */
};

/* What a step does with the servers that it names. */
enum wms_setstep { WMS_SET_ADD, WMS_SET_REMOVE, WMS_SET_KEEP, WMS_SET_TOGGLE };

struct wms_serverset {
    wms_engine *engine;
    const struct wms_key *key; /* of the table's hash */
    struct wms_table table;    /* all that have been named, by place */
    struct wms_slab *slab;     /* owns them */
    struct wms_setserver *first, *last;
    size_t count, named; /* in the set; named at all */
    uint32_t step;
    enum wms_setstep how;
};

/* `key` is the engine's. */
void wms_serverset_open(struct wms_serverset *set, wms_engine *engine, const struct wms_key *key);
void wms_serverset_close(struct wms_serverset *set);

/* Begins a step: what is named from here on is added, taken out, or toggled; with WMS_SET_KEEP, all
 * others are taken out when the step ends. */
void wms_serverset_begin(struct wms_serverset *set, enum wms_setstep how);
/* Names a server by its address (copied).  Errors: INVALID (no address, or too many servers: the
 * engine's complaint says so), NO_MEMORY. */
int wms_serverset_name(struct wms_serverset *set, const char *text);
void wms_serverset_end(struct wms_serverset *set);

/* The server of the set at or behind `server`, or NULL: wms_serverset_next(set->first) is the
 * first. */
const struct wms_setserver *wms_serverset_next(const struct wms_setserver *server);

#endif
