/* SPDX-License-Identifier: MIT */
/* begin.c - makes an engine. */
#include <string.h>

#include "core/abi.h"
#include "core/parts.h"

int wms_engine_new(const struct wms_alloc *alloc, wms_engine **ret_engine)
{
    alloc = alloc ? alloc : &wms_standard_alloc;
    wms_engine *engine = alloc->resize(alloc->data, NULL, sizeof *engine);
    if (!engine) {
        return WMS_E_NO_MEMORY;
    }
    memset(engine, 0, sizeof *engine);
    engine->base.alloc = *alloc;
    engine->refs = 1;
    engine->services = wms_engine_services();
    engine->links_kept = WMS_KEPT_LINKS;
    wms_engine_take_process(engine);
    node_init(&engine->links);
    node_init(&engine->requests);
    node_init(&engine->news);
    node_init(&engine->watches);
    node_init(&engine->watch_news);
    node_init(&engine->stirred);
    node_init(&engine->inner_due);
    node_init(&engine->kicked);
    node_init(&engine->idle);
    node_init(&engine->ending);
    node_init(&engine->bindings.all);
    node_init(&engine->bindings.fresh);
    node_init(&engine->blocking.blocks);
    node_init(&engine->blocking.line);
    node_init(&engine->blocking.apart);
    node_init(&engine->cards.all);
    wms_key_new(&engine->key);
    engine->transport = (wms_transport){.connections = 4, .answer_size = 8000000};
    int error = wms_engine_module_folder(engine, WMS_MODULE_FOLDER);
    if (error) {
        wms_engine_unref(engine);
        return error;
    }
    *ret_engine = engine;
    return 0;
}
