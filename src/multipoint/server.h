/* SPDX-License-Identifier: MIT */
/* server.h - what the module multipoint-events.so offers to multipoint.so: an HTTPS server in the
 * engine's loop.
 *
 * It is a module of its own for its library's sake: libmicrohttpd and GnuTLS are loaded when the
 * first host with events is watched, and not before.  Both modules are of one version of wms.
 */
#ifndef WMS_MULTIPOINT_SERVER_H
#define WMS_MULTIPOINT_SERVER_H

#include "document.h"

#define MULTIPOINT_SERVER_ENTRY "wms_multipoint_server"

struct multipoint_server;

struct multipoint_server_answer {
    unsigned status;
    const char *type, *text; /* `type` NULL: no content.  Copied */
    size_t size;
    bool known; /* who has called is known: the connection may stay longer */
};

/* All is copied, but for `memory`, which lives as long as the server. */
struct multipoint_server_settings {
    const char *address; /* numeric; "": all of this machine's */
    unsigned port;
    const char *key, *certificate; /* PEM */
    size_t early, request_max;     /* bytes of a request's content; see knows() for the first */
    /* What follows is called by the server, in the engine's thread, and must not close it. */
    /* Before and after all others of a turn; after the second one the server may be closed, also
     * from inside of it. */
    void (*turn)(void *data, bool begins);
    /* The head of a request is there: 0, or a status to be answered.  NULL: no such header. */
    unsigned (*door)(const char *method, const char *path, const char *type);
    /* The beginning of a request's content is there, and there is more than `early` bytes of it:
     * whether it shows who calls.  Not asked where that is known of the connection; without it the
     * connection is closed. */
    bool (*knows)(void *data, const char *text, size_t size);
    /* The whole request is there.  Errors: NO_MEMORY. */
    int (*answer)(void *data, const char *path, const char *text, size_t size,
                  struct multipoint_server_answer *ret_answer);
    void *data;
};

struct multipoint_server_functions {
    const char *version; /* WMS_VERSION */
    /* Errors: NO_MEMORY, INTERNAL, ACCESS_DENIED (a port that only root may have), BUSY (the port
     * is in use); `why` is a sentence without the address. */
    int (*open)(const struct multipoint_memory *memory,
                const struct multipoint_server_settings *settings,
                struct multipoint_server **ret_server, char *why, size_t size);
    /* `forked`: this is a forked child, and the parent's connections stay as they are. */
    void (*close)(struct multipoint_server *server, bool forked);
};

typedef const struct multipoint_server_functions *(*multipoint_server_entry)(void);

#endif
