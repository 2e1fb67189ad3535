/* SPDX-License-Identifier: MIT */
/* preload_names.c - for LD_PRELOAD: a name server that does not answer, for the names that end in
 * ".slow". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds: longer than any test */

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret_list)
{
    static const char suffix[] = ".slow";
    size_t length = node ? strlen(node) : 0;

    if (length >= sizeof suffix && strcmp(node + length - (sizeof suffix - 1), suffix) == 0) {
        for (unsigned left = PATIENCE; left;) {
            left = sleep(left);
        }
        return EAI_AGAIN;
    }
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **) &next = dlsym(RTLD_NEXT, "getaddrinfo");
    return next ? next(node, service, hints, ret_list) : EAI_SYSTEM;
}
