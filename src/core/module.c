/* SPDX-License-Identifier: MIT */
/* module.c - loads a provider's module. */
#include "core/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int wms_module_open(const char *path, const struct wms_provider **ret_provider, char *complaint,
                    size_t size)
{
    /* Never closed: threads and exit handlers of the library behind it may outlive any engine. */
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!module) {
        const char *why = dlerror();
        snprintf(complaint, size, "%s", why ? why : "it cannot be loaded");
        return WMS_E_NO_PROVIDER;
    }
    void *symbol = dlsym(module, WMS_PROVIDER_ENTRY);
    wms_provider_entry entry = NULL;
    memcpy(&entry, &symbol,
           sizeof entry); /* ISO C has no cast from a data pointer to a function's */
    const struct wms_provider *provider = entry ? entry() : NULL;
    if (!provider) {
        snprintf(complaint, size, "%.400s is no provider for this version of wms: it has no %s",
                 path, WMS_PROVIDER_ENTRY);
        return WMS_E_NO_PROVIDER;
    }
    *ret_provider = provider;
    return 0;
}
