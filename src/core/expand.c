/* SPDX-License-Identifier: MIT */
/* expand.c - what a program asks about lists of servers: defines groups, and expands lists. */
#include <string.h>

#include "core/parts.h"
#include "core/serverlist.h"

int wms_is_expression(const char *server)
{
    return !wms_serverlist_is_plain(server);
}

int wms_engine_groups_check(wms_engine *engine, const wms_value *table)
{
    struct wms_groups *groups;
    int error = wms_engine_enter(engine);

    error = error ? error : wms_groups_make(engine, table, &groups);
    if (!error) {
        wms_groups_free(groups);
    }
    return error;
}

int wms_engine_groups(wms_engine *engine, const wms_value *table)
{
    struct wms_groups *groups;
    int error = wms_engine_enter(engine);

    error = error ? error : wms_groups_make(engine, table, &groups);
    if (!error) {
        wms_groups_use(engine, groups);
    }
    return error;
}

int wms_engine_servers(wms_engine *engine, const char *const *servers, size_t count,
                       wms_value **ret_list)
{
    struct wms_serverset set;
    struct wms_value_room room;
    size_t bytes = 0;
    int error = wms_engine_enter(engine);

    error = error ? error : wms_engine_read_list(engine, servers, count, &set);
    if (error) {
        return error;
    }
    for (const struct wms_setserver *server = wms_serverset_next(set.first); server;
         server = wms_serverset_next(server->next)) {
        bytes += strlen(server->text) + 1;
    }
    wms_value *list = wms_value_new(engine, set.count, bytes, &room);
    if (list) {
        *list = (wms_value){.kind = WMS_LIST, .items = room.values, .size = set.count};
        wms_value *item = room.values;
        for (const struct wms_setserver *server = wms_serverset_next(set.first); server;
             server = wms_serverset_next(server->next)) {
            size_t size = strlen(server->text);
            *item++ = (wms_value){
                .kind = WMS_STRING, .text = wms_value_put(&room, server->text, size), .size = size};
        }
        *ret_list = list;
    }
    wms_serverset_close(&set);
    return list ? 0 : WMS_E_NO_MEMORY;
}
