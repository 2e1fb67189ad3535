/* SPDX-License-Identifier: MIT */
/* provider.c - the interface to the engine. */
#include "nats/courier.h"

static int connect(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                   void **ret_connection)
{
    (void) self;
    (void) services;
    (void) engine;
    (void) link;
    (void) address;
    (void) ret_connection;
    return WMS_E_UNSUPPORTED;
}

static void disconnect(void *connection, bool forked)
{
    (void) connection;
    (void) forked;
}

static const struct wms_provider provider = {
    WMS_PROVIDER_HEAD,  .name = "nats",           .needs = "libnats, jansson and OpenSSL",
    .connect = connect, .disconnect = disconnect,
};

WMS_API const struct wms_provider *wms_provider_v1(void);
const struct wms_provider *wms_provider_v1(void)
{
    return &provider;
}
