/* SPDX-License-Identifier: MIT */
/* provider_hollow.c - a module that is no provider: it lacks the one function. */
#include <wms/provider.h>

WMS_API int wms_provider_v0(void);

int wms_provider_v0(void)
{
    return 0;
}
