/* SPDX-License-Identifier: MIT */
/* engine.c - tests of what an engine refuses: providers, and settings of the network. */
#include <wms.h>
#include <wms/provider.h>

#include "unit.h"

static const struct wms_alloc counted = {unit_resize, NULL};

static int begin(const struct wms_provider *self, const struct wms_services *services,
                 wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                 void **ret_connection)
{
    (void) self, (void) services, (void) engine, (void) link, (void) address, (void) ret_connection;
    return WMS_E_UNREACHABLE;
}

static void end(void *connection, bool forked)
{
    (void) connection, (void) forked;
}

static void list(void *connection, struct wms_op *op)
{
    (void) connection, (void) op;
}

static void act(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    (void) connection, (void) op, (void) verb, (void) id, (void) message;
}

static void observe(void *connection, struct wms_observer *observer, const wms_id *id)
{
    (void) connection, (void) observer, (void) id;
}

static void unobserve(void *connection, struct wms_observer *observer)
{
    (void) connection, (void) observer;
}

static struct wms_provider provider(const char *name)
{
    return (struct wms_provider){
        WMS_PROVIDER_HEAD, .name = name,   .connect = begin,   .disconnect = end,      .list = list,
        .act = act,        .forget = list, .observe = observe, .unobserve = unobserve,
    };
}

/* A name is a scheme of at most 31 letters; each is there once. */
static void names(wms_engine *engine)
{
    static const char *const bad[] = {
        "", "a1", "A", "a-b", "a b", "\303\244", "abcdefghijklmnopqrstuvwxyzabcdef", "a:", "a/",
    };
    static const char *const good[] = {"a", "abcdefghijklmnopqrstuvwxyzabcde"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(where, sizeof where, "name '%s'", bad[i]);
        struct wms_provider one = provider(bad[i]);
        CHECK(wms_engine_register(engine, &one) == WMS_E_INVALID);
        CHECK(strstr(wms_engine_complaint(engine), "lower-case letters"));
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(where, sizeof where, "name '%s'", good[i]);
        struct wms_provider one = provider(good[i]);
        CHECK(wms_engine_register(engine, &one) == 0);
        CHECK(wms_engine_register(engine, &one) != 0);
    }
}

static void network(wms_engine *engine)
{
    static const struct {
        unsigned connections;
        size_t answer_size;
        const char *proxy, *word; /* NULL: it is taken */
    } cases[] = {
        {1, 1024, NULL, NULL},
        {64, 1000000000, "http://proxy:1", NULL},
        {0, 1024, NULL, "connections"},
        {65, 1024, NULL, "connections"},
        {1, 1023, NULL, "answer_size"},
        {1, 1000000001, NULL, "answer_size"},
        {1, SIZE_MAX, NULL, "answer_size"},
        {1, 1024, "", "proxy"},
        {1, 1024, "http://a b", "proxy"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        wms_transport transport = {.connections = cases[i].connections,
                                   .answer_size = cases[i].answer_size,
                                   .proxy = cases[i].proxy};
        snprintf(where, sizeof where, "network %zu", i);
        int error = wms_engine_transport(engine, &transport);
        CHECK(error == (cases[i].word ? WMS_E_INVALID : 0));
        CHECK(!error ||
              strncmp(wms_engine_complaint(engine), cases[i].word, strlen(cases[i].word)) == 0);
    }
}

int main(void)
{
    wms_engine *engine;

    CHECK(wms_engine_new(&counted, &engine) == 0);
    names(engine);
    network(engine);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    return 0;
}
