/* SPDX-License-Identifier: MIT */
/* module.h - providers that live in a module of their own. */
#ifndef WMS_CORE_MODULE_H
#define WMS_CORE_MODULE_H

#include <wms/provider.h>

/* Where wms_engine_new() looks for modules; the build says. */
#ifndef WMS_MODULE_FOLDER
#define WMS_MODULE_FOLDER "/usr/local/lib/wms"
#endif

/* Loads the module in `path` for good and asks it for its provider.  Errors: NO_PROVIDER
 * (`complaint` says why). */
int wms_module_open(const char *path, const struct wms_provider **ret_provider, char *complaint,
                    size_t size);

#endif
