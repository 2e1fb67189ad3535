/* state.h - the embedded host from inside: its sessions, and what the provider needs of it. */
#ifndef WMS_MEMORY_STATE_H
#define WMS_MEMORY_STATE_H

#include "core/abi.h"
#include "core/names.h"
#include <wms/provider.h>
#include "core/table.h"
#include <wms/memory.h>

/* A session of the host. */
struct wms_memory_record {
    struct wms_entry entry;                /* first: of host->records */
    struct wms_memory_record *prev, *next; /* in the order of arrival */
    wms_memory *host;
    wms_session facts; /* its strings lie behind the struct */
    double relock_after;
    struct wms_timer *relock; /* made when it is first needed */
    char *message;
    struct wms_memory_watch *watches;
};

/* Somebody who observes a session. */
struct wms_memory_watch {
    struct wms_memory_watch *prev, *next;
    struct wms_memory_record *record; /* NULL: it is gone */
    struct wms_memory_call *first;    /* look, which is still to come, or NULL */
    struct wms_observer *observer;
    wms_memory *host;
};

/* A connection of the engine's. */
struct wms_memory_connection {
    struct wms_memory_connection *prev, *next;
    wms_memory *host;
    struct wms_link *link;
    wms_engine *engine;
    const struct wms_services *services;
};

/* A question whose answer takes its time. */
struct wms_memory_call {
    struct wms_memory_connection *connection;
    struct wms_timer *timer;
    struct wms_op *op;              /* list or act */
    struct wms_memory_watch *watch; /* or a first look */
    enum wms_verb verb;
    const wms_id *id;
    const char *message;
};

struct wms_memory {
    struct wms_entry entry; /* first: of registry->names, unless it is closed */
    wms_memory *next, *prev; /* registry->hosts */
    struct wms_memory_registry *registry;
    wms_engine *engine;
    const struct wms_services *services;
    size_t refs; /* the caller's; each holds one on the engine */
    bool closed;
    char *name;
    struct wms_memory_options options;

    struct wms_table records; /* by id */
    struct wms_memory_record *first, *last;

    int failures[WMS_VERB_COUNT];
    int refusal;
    struct wms_memory_connection *connections;

    struct wms_memory_entry *log; /* a ring */
    size_t log_capacity, log_first, log_count;
};

/* The provider of one engine, and its hosts. */
struct wms_memory_registry {
    struct wms_provider provider; /* first: the engine's provider is the registry */
    wms_memory *hosts;
    struct wms_table names; /* of those that are open */
    uint64_t opened; /* sessions so far: their identities */
};

extern const struct wms_provider wms_memory_provider;

/* The open host of that name; NULL: there is none. */
wms_memory *wms_memory_named(const struct wms_memory_registry *registry, const wms_engine *engine, const char *name);
struct wms_memory_record *wms_memory_find(const wms_memory *host, const wms_id *id);
/* The same, if it is the session of that identity; NULL: whichever has the id. */
struct wms_memory_record *wms_memory_find_meant(const wms_memory *host, const wms_id *id, const char *identity);
/* Carries an action on `record` (NULL: there is no such session) out, writes it down, and returns the code to answer with;
 * the code of `action` means nothing. */
int wms_memory_act(wms_memory *host, struct wms_memory_record *record, const struct wms_memory_entry *action,
                   const char **ret_text);
/* Writes it down; its strings are copied.  Errors: NO_MEMORY, and it stays unsaid. */
int wms_memory_note(wms_memory *host, const struct wms_memory_entry *asked);
void wms_memory_log_clear(wms_memory *host);
struct wms_sight wms_memory_look(const struct wms_memory_record *record);
/* The engine goes. */
void wms_memory_retire(const struct wms_provider *self, const struct wms_services *services, wms_engine *engine);

#endif
