/* server.c - the servers that anybody talks to or is about to, each once. */
#include <string.h>

#include "core/engine.h"

static struct wms_server **bucket_of(wms_engine *engine, const struct wms_place *place)
{
    uint32_t hash = wms_place_hash(place);

    return &engine->servers[(hash ^ hash >> 16) % WMS_SERVER_BUCKETS];
}

static struct wms_server *server_new(wms_engine *engine, const char *text)
{
    struct wms_server *server = wms_zalloc(engine, sizeof *server);

    if (!server) {
        return NULL;
    }
    server->text = wms_copy(engine, text);
    if (!server->text) {
        wms_free(engine, server);
        return NULL;
    }
    wms_place_parse(&server->place, server->text, engine->complaint, sizeof engine->complaint);
    struct wms_server **bucket = bucket_of(engine, &server->place);
    server->next = *bucket;
    *bucket = server;
    return server;
}

/* A server may be named in several ways. */
static int find_server(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    struct wms_place place;
    int error = wms_place_parse(&place, text, engine->complaint, sizeof engine->complaint);

    if (error) {
        return error;
    }
    struct wms_server *server = *bucket_of(engine, &place);
    while (server && !wms_place_equal(&server->place, &place)) {
        server = server->next;
    }
    server = server ? server : server_new(engine, text);
    if (!server) {
        return WMS_E_NO_MEMORY;
    }
    *ret_server = server;
    return 0;
}

int wms_server_get(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    struct wms_server *server = engine->recent;

    text = text ? text : "localhost";
    if (!server || strcmp(server->text, text) != 0) {
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
    struct wms_server **place = bucket_of(engine, &server->place);
    while (*place != server) {
        place = &(*place)->next;
    }
    *place = server->next;
    if (engine->recent == server) {
        engine->recent = NULL;
    }
    wms_free(engine, server->text);
    wms_free(engine, server);
}
