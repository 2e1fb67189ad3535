/* SPDX-License-Identifier: MIT */
/* preload_sanitizer.c - comes with the sanitizers' libraries, and takes LD_PRELOAD back once they
 * are loaded: programs that the sanitized one starts do not get them.  See spec/support/sanitized.
 */
#include <stdlib.h>

__attribute__((constructor)) static void take_back(void)
{
    const char *before = getenv("WMS_PRELOADED");

    if (before && *before) {
        setenv("LD_PRELOAD", before, 1);
    } else {
        unsetenv("LD_PRELOAD");
    }
    unsetenv("WMS_PRELOADED");
}
