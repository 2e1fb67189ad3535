/* SPDX-License-Identifier: MIT */
/* observe.c - observes a session by polling: hosts send events only to clients that run a server
 * themselves. */
#include "multipoint.h"

struct watch {
    struct multipoint_task task;
    struct wms_observer *observer;
    struct multipoint_exchange *exchange; /* NULL: no question is under way */
    uint32_t id;
};

static void watch_free(struct multipoint_task *task)
{
    struct watch *watch = (struct watch *) task;
    const struct multipoint_memory *memory = &task->host->all->memory;

    multipoint_drop(watch->exchange);
    multipoint_free(memory, watch);
}

static void end_blind(struct watch *watch, int code, const char *text)
{
    const struct wms_services *services = watch->task.host->all->memory.services;
    struct wms_observer *observer = watch->observer;

    multipoint_task_end(&watch->task);
    services->blind(observer, code, text);
}

/* ---- one look -------------------------------------------------------------------------------- */

/* [MS-RSMC] 3.7.4.7 GetScreenState alone tells that a session is disconnected; 3.7.4.12
 * GetSessionFlags needs no agent in the session. */
static bool asks_screen(const struct watch *watch)
{
    return watch->observer->verb == WMS_DISCONNECT;
}

enum { SESSION_LOCKED = 8 };

static int read_sight(const struct watch *watch, const struct multipoint_exchange *exchange,
                      const struct multipoint_reply *reply, struct wms_sight *ret_sight)
{
    struct multipoint_arena arena = {.memory = &watch->task.host->all->memory};
    wms_value table;
    int error = multipoint_results(exchange->operation, reply->body, &arena, &table);
    const wms_value *flags = error ? NULL : multipoint_value(&table, "pgrfSession", WMS_NATURAL);
    const wms_value *locked = error ? NULL : multipoint_value(&table, "pfIsLocked", WMS_BOOLEAN);
    const wms_value *disconnected =
        error ? NULL : multipoint_value(&table, "pfIsDisconnected", WMS_BOOLEAN);

    ret_sight->present = true;
    ret_sight->disconnected = disconnected && disconnected->integer;
    ret_sight->locked = locked  ? (signed char) locked->integer
                        : flags ? (flags->natural & SESSION_LOCKED) != 0
                                : -1;
    multipoint_arena_free(&arena);
    return error;
}

static void looked(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct watch *watch = exchange->data;
    const struct wms_services *services = exchange->host->all->memory.services;
    struct wms_sight sight = {.present = false, .locked = -1};

    watch->exchange = NULL;
    int error = reply->code ? 0 : read_sight(watch, exchange, reply, &sight);
    if (reply->code && !multipoint_reply_not_found(reply)) {
        end_blind(watch, reply->code, reply->text);
        return;
    }
    if (error) {
        end_blind(watch, error,
                  error == WMS_E_PROTOCOL ? "the host's answer has not the form that it should have"
                                          : NULL);
        return;
    }
    services->seen(watch->observer, &sight);
}

/* Asks once.  Called by the engine, also from within multipoint_observe(). */
static void look(void *data)
{
    struct watch *watch = data;
    struct multipoint *all = watch->task.host->all;
    const wms_value id = multipoint_natural("idSession", watch->id),
                    arguments = multipoint_table(&id, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find(
            "IMultiPointSession", asks_screen(watch) ? "GetScreenState" : "GetSessionFlags"),
        .arguments = &arguments,
    };
    const char *text;

    net_enter(&all->net);
    int error = multipoint_ask(watch->task.host, &question, looked, watch, &watch->exchange, &text);
    if (error) {
        end_blind(watch, error, text);
    }
    net_leave(&all->net);
}

/* ---- for the engine -------------------------------------------------------------------------- */

void multipoint_observe(struct multipoint_host *host, struct wms_observer *observer,
                        const wms_id *id)
{
    const struct wms_services *services = host->all->memory.services;
    const char *text = NULL;

    if (id->text) {
        services->seen(observer, &(struct wms_sight){.present = false, .locked = -1});
        return;
    }
    int error = multipoint_host_bound(host, &text);
    struct watch *watch =
        error ? NULL : multipoint_task_new(host, sizeof *watch, &observer->data, watch_free);
    if (!watch) {
        services->blind(observer, error ? error : WMS_E_NO_MEMORY, text);
        return;
    }
    watch->observer = observer;
    watch->id = id->number;
    error = wms_observe_by_polling(services, observer, look, watch);
    if (error) {
        end_blind(watch, error, NULL);
    }
}
