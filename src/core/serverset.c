/* SPDX-License-Identifier: MIT */
/* serverset.c - a set of servers: union, difference, intersection, symmetric difference. */
#include "core/serverset.h"

#include "core/base.h"
#include "core/target.h"

void wms_serverset_open(struct wms_serverset *set, wms_engine *engine, const struct wms_key *key)
{
    *set = (struct wms_serverset){.engine = engine, .key = key};
}

void wms_serverset_close(struct wms_serverset *set)
{
    wms_table_close(&set->table, set->engine);
    wms_slab_clear(&set->slab, set->engine, false);
    *set = (struct wms_serverset){.engine = set->engine, .key = set->key};
}

void wms_serverset_begin(struct wms_serverset *set, enum wms_setstep how)
{
    set->step++;
    set->how = how;
}

/* Only an entry of the same hash is compared, so its address is parsed about once. */
static bool is_at(const struct wms_entry *entry, const void *place)
{
    struct wms_place other;
    char complaint[1];

    return wms_place_parse(&other, ((const struct wms_setserver *) entry)->text, complaint,
                           sizeof complaint) == 0 &&
           wms_place_equal(&other, place);
}

/* The server is new to the set, and out of it. */
static struct wms_setserver *add(struct wms_serverset *set, const char *text, uint64_t hash)
{
    struct wms_setserver *server = wms_slab_room(&set->slab, set->engine, sizeof *server);

    if (!server) {
        return NULL;
    }
    *server =
        (struct wms_setserver){.text = wms_slab_copy(&set->slab, set->engine, text), .out = true};
    if (!server->text || wms_table_add(&set->table, set->engine, &server->entry, hash)) {
        return NULL;
    }
    *(set->last ? &set->last->next : &set->first) = server;
    set->last = server;
    set->named++;
    return server;
}

static void put(struct wms_serverset *set, struct wms_setserver *server, bool out)
{
    set->count += server->out && !out;
    set->count -= !server->out && out;
    server->out = out;
}

int wms_serverset_name(struct wms_serverset *set, const char *text)
{
    char complaint[512];
    struct wms_place place;
    int error = wms_place_parse(&place, text, complaint, sizeof complaint);

    if (error) {
        return wms_complain(set->engine, "%s", complaint);
    }
    uint64_t hash = wms_place_hash(set->key, &place);
    struct wms_setserver *server =
        (struct wms_setserver *) wms_table_find(&set->table, hash, is_at, &place);
    if (!server && (set->how == WMS_SET_ADD || set->how == WMS_SET_TOGGLE)) {
        if (set->named >= WMS_SERVERS_MAX) {
            return wms_complain(set->engine, "server: more than %d servers; give fewer at once",
                                WMS_SERVERS_MAX);
        }
        server = add(set, text, hash);
        if (!server) {
            return WMS_E_NO_MEMORY;
        }
    }
    if (server && set->how == WMS_SET_TOGGLE) {
        put(set, server, server->step == set->step ? server->out : !server->out);
    } else if (server && set->how != WMS_SET_KEEP) {
        put(set, server, set->how == WMS_SET_REMOVE);
    }
    if (server) {
        server->step = set->step;
    }
    return 0;
}

void wms_serverset_end(struct wms_serverset *set)
{
    for (struct wms_setserver *server = set->how == WMS_SET_KEEP ? set->first : NULL; server;
         server = server->next) {
        put(set, server, server->out || server->step != set->step);
    }
}

const struct wms_setserver *wms_serverset_next(const struct wms_setserver *server)
{
    while (server && server->out) {
        server = server->next;
    }
    return server;
}
