/* SPDX-License-Identifier: MIT */
/* state.h - the embedded host from inside: its sessions, and what the provider needs of it. */
#ifndef WMS_MEMORY_STATE_H
#define WMS_MEMORY_STATE_H

#include "core/abi.h"
#include "core/names.h"
#include "core/node.h"
#include "core/table.h"
#include <wms/memory.h>
#include <wms/provider.h>

/* The verbs that such a host knows: all that are about sessions, and those that end the host. */
#define WMS_MEMORY_CAN_ROW(F, name, word, traits) | ((traits) &WMS_ON_SERVER ? 0 : 1u << WMS_##name)
#define WMS_MEMORY_CAN                            (1u << WMS_REBOOT | 1u << WMS_POWER_OFF WMS_VERB_ROWS(WMS_MEMORY_CAN_ROW, ))

/* A session of the host. */
struct wms_memory_record {
    struct wms_entry entry; /* first: of host->records */
    struct node node;       /* of host->sessions */
    wms_memory *host;
    wms_session facts;   /* its strings lie behind the struct, in the same block */
    double relock_after; /* as for wms_memory_open(), but the host's in place of a negative one */
    struct wms_timer *relock; /* made when it is first needed */
    char *message;            /* that it was locked with, or NULL */
    void *picture;            /* that the program has given it, or NULL: one is made up, */
    size_t picture_size;
    bool is_blank;       /* or there is none at all */
    struct node watches; /* newest first */
};

/* What an observer of the engine's has here; it is freed when the engine calls unobserve. */
struct wms_memory_watch {
    struct node node;                 /* of record->watches, or alone */
    struct wms_memory_record *record; /* NULL: the session is gone, or never was */
    struct wms_memory_call *first;    /* the first look, which is still to come; NULL: it was */
    struct wms_observer *observer;
    wms_memory *host;
};

/* What a watcher of the engine's has here; it is freed when the engine calls unwatch. */
struct wms_memory_watcher {
    struct node node; /* of host->watchers */
    const struct wms_services *services;
    wms_engine *engine;
    struct wms_watcher *watcher;
};

/* A connection of the engine's, which frees it by disconnect, before the host. */
struct wms_memory_connection {
    struct node node; /* of host->connections */
    wms_memory *host;
    struct wms_link *link;
    wms_engine *engine;
    const struct wms_services *services;
};

/* A question that is answered after the host's latency.  The op (as op->data) or the watch (as
 * watch->first) owns it. */
struct wms_memory_call {
    struct wms_memory_connection *connection;
    struct wms_timer *timer;
    struct wms_op *op;              /* list or act */
    struct wms_memory_watch *watch; /* or a first look */
    enum wms_verb verb;
    const wms_id *id; /* NULL: the host as a whole */
    const char *message;
};

struct wms_memory {
    struct wms_entry entry; /* first: of registry->names, unless it is closed */
    struct node node;       /* of registry->hosts */
    struct wms_memory_registry *registry;
    wms_engine *engine;
    const struct wms_services *services;
    size_t refs; /* the program's, which all together hold one on the engine */
    bool closed;
    char *name;
    struct wms_memory_options options;

    struct wms_table records; /* by id */
    struct node sessions;     /* the same in the order of arrival */

    int failures[WMS_VERB_COUNT]; /* see wms_memory_fail(); 0: none */
    int refusal;                  /* see wms_memory_refuse(); 0: none */
    struct node connections;      /* newest first */
    struct node watchers;         /* newest first */

    struct wms_memory_entry *log; /* a ring */
    size_t log_capacity, log_first, log_count;
};

/* The provider of one engine, and its hosts. */
struct wms_memory_registry {
    struct wms_provider provider; /* first: the engine's provider is the registry */
    struct node hosts;      /* newest first; closed ones, too, as long as somebody uses them */
    struct wms_table names; /* of those that are open */
    uint64_t opened;        /* sessions that were given an identity so far: the next one's number */
};

/* But for `retire`, which the registry adds in its copy. */
extern const struct wms_provider wms_memory_provider;

/* ---- name.c ---------------------------------------------------------------------------------- */

/* Of a name for registry->names: case does not matter. */
uint64_t wms_memory_name_hash(const wms_engine *engine, const char *name);
/* Whether a new host may have this name.  Errors: INVALID (it is no host's name, or taken). */
int wms_memory_name_check(wms_engine *engine, const struct wms_memory_registry *registry,
                          const char *name);
/* The open host of that name; NULL: there is none. */
wms_memory *wms_memory_named(const struct wms_memory_registry *registry, const wms_engine *engine,
                             const char *name);

/* ---- host.c ---------------------------------------------------------------------------------- */

/* The session with that id, or NULL. */
struct wms_memory_record *wms_memory_find(const wms_memory *host, const wms_id *id);
/* The same, if it is the session of that identity; NULL: whichever has the id. */
struct wms_memory_record *wms_memory_find_meant(const wms_memory *host, const wms_id *id,
                                                const char *identity);
/* Carries out an action on `record` (NULL: there is no such session), logs it, and returns the code
 * to answer with; the code in `action` is not used.  `record` may be freed by it. */
int wms_memory_act(wms_memory *host, struct wms_memory_record *record,
                   const struct wms_memory_entry *action, const char **ret_text);
/* Reboots the host, or powers it off: its sessions go.  Logs it, and returns the code to answer
 * with. */
int wms_memory_end(wms_memory *host, enum wms_verb verb);
/* What an observer sees of a session; NULL: that it is not there. */
struct wms_sight wms_memory_look(const struct wms_memory_record *record);
/* All its sessions go. */
void wms_memory_empty(wms_memory *host);
/* All connections to it break, with that code. */
void wms_memory_break(const wms_memory *host, int code);

/* ---- screen.c -------------------------------------------------------------------------------- */

/* Gives the op the picture of the session, if it has one.  Errors: PROTOCOL (what the program has
 * given is no JPEG), NO_MEMORY. */
int wms_memory_show(const struct wms_memory_record *record, struct wms_op *op);

/* ---- log.c ----------------------------------------------------------------------------------- */

/* Adds an entry to the log; its strings are copied.  Errors: NO_MEMORY, and nothing is added. */
int wms_memory_note(wms_memory *host, const struct wms_memory_entry *asked);
void wms_memory_log_clear(wms_memory *host);

#endif
