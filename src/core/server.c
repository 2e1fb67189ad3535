/* SPDX-License-Identifier: MIT */
/* server.c - the servers that are in use, each once. */
#include <string.h>

#include "core/parts.h"

static bool is_at(const struct wms_entry *entry, const void *place)
{
    return wms_place_equal(&((const struct wms_server *) entry)->place, place);
}

/* The server that was looked up last, if that is its address; else NULL. */
static struct wms_server *recent_at(const wms_engine *engine, const char *text)
{
    struct wms_server *server = engine->recent;

    return server && strcmp(server->text, text) == 0 ? server : NULL;
}

int wms_engine_place(wms_engine *engine, const char *text, const struct wms_place **ret_place)
{
    struct wms_parsed *last = &engine->parsed;

    text = text ? text : "localhost";
    const struct wms_server *recent = recent_at(engine, text);
    if (recent) {
        *ret_place = &recent->place;
        return 0;
    }
    if (!*text || strcmp(last->text, text) != 0) {
        char *complaint = engine->base.complaint;
        int error = wms_place_parse(&last->place, text, complaint, sizeof engine->base.complaint);
        if (error) {
            *last->text = '\0';
            return error;
        }
        strcpy(last->text, text);
        last->place.address.text = last->text;
    }
    *ret_place = &last->place;
    return 0;
}

static struct wms_server *server_new(wms_engine *engine, const struct wms_place *place,
                                     uint64_t hash)
{
    struct wms_server *server =
        wms_zalloc(engine, offsetof(struct wms_server, place) + wms_place_size(place));

    if (!server) {
        return NULL;
    }
    server->text = wms_copy(engine, place->address.text);
    if (!server->text || wms_table_add(&engine->servers, engine, &server->entry, hash)) {
        wms_free(engine, server->text);
        wms_free(engine, server);
        return NULL;
    }
    wms_place_copy(&server->place, place, server->text);
    return server;
}

int wms_server_known(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    const struct wms_place *place;
    int error = wms_engine_place(engine, text, &place);

    if (!error) {
        uint64_t hash = wms_place_hash(&engine->key, place);
        *ret_server = (struct wms_server *) wms_table_find(&engine->servers, hash, is_at, place);
    }
    return error;
}

/* Finds the server of an address, or makes it: several addresses may name one server. */
static int find_server(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    const struct wms_place *place;
    int error = wms_engine_place(engine, text, &place);

    if (error) {
        return error;
    }
    uint64_t hash = wms_place_hash(&engine->key, place);
    struct wms_entry *entry = wms_table_find(&engine->servers, hash, is_at, place);
    struct wms_server *server =
        entry ? (struct wms_server *) entry : server_new(engine, place, hash);
    if (!server) {
        return WMS_E_NO_MEMORY;
    }
    *ret_server = server;
    return 0;
}

int wms_server_get(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    text = text ? text : "localhost";
    struct wms_server *server = recent_at(engine, text);
    if (!server) {
        int error = find_server(engine, text, &server);
        if (error) {
            return error;
        }
        engine->recent = server;
    }
    server->refs++;
    *ret_server = server;
    return 0;
}

void wms_server_release(wms_engine *engine, struct wms_server *server)
{
    if (!server || --server->refs > 0) {
        return;
    }
    wms_table_remove(&engine->servers, engine, &server->entry);
    if (engine->recent == server) {
        engine->recent = NULL;
    }
    wms_free(engine, server->text);
    wms_free(engine, server);
}
