/* SPDX-License-Identifier: MIT */
/* server.c - handles: which server is meant.
 *
 * A handle is a number that is given out only once, and looked up in a table; it is never used as a
 * pointer. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/target.h"
#include "wtsapi/wtsapi.h"

enum { SCHEME_ROOM = 32 };

struct node wtsapi_servers = {&wtsapi_servers, &wtsapi_servers};
struct node wtsapi_waited = {&wtsapi_waited, &wtsapi_waited};
/* Servers with a handle by their handles; those for WTS_CURRENT_SERVER_HANDLE by their addresses.
 */
static struct wms_table table;
/* As on Windows, the lowest two bits are left to the program; it begins far from values that have
 * other meanings. */
static uintptr_t last_handle = 0x57540000;

/* ---- addresses ------------------------------------------------------------------------------- */

static int find_provider(const char *address, char provider[SCHEME_ROOM])
{
    int before = wtsapi_end_later(), found = WMS_E_NO_MEMORY;
    wms_engine *engine = wtsapi_engine_new();

    if (engine) {
        found = wms_engine_provider_for(engine, address, provider, SCHEME_ROOM);
        wms_engine_unref(engine);
    }
    wtsapi_end_again(before);
    return found;
}

/* A "wts" address is refused: that provider would call this library again. */
static DWORD check_address(const char *address)
{
    char provider[SCHEME_ROOM];
    int found = find_provider(address, provider);

    if (found < 0 || strlen(address) > WTSAPI_ADDRESS_MAX) {
        return found == WMS_E_NO_MEMORY ? ERROR_OUTOFMEMORY : ERROR_INVALID_COMPUTERNAME;
    }
    return strcmp(provider, "wts") == 0 ? ERROR_NOT_SUPPORTED : 0;
}

/* Many programs open their own computer by name instead of using WTS_CURRENT_SERVER_HANDLE. */
static bool is_own_name(const char *name)
{
    char own[WTSAPI_NAME_ROOM], whole[WTSAPI_NAME_ROOM];

    if (wtsapi_machine_name(own) && strcasecmp(name, own) == 0) {
        return true;
    }
    whole[sizeof whole - 1] = '\0';
    return gethostname(whole, sizeof whole - 1) == 0 && strcasecmp(name, whole) == 0;
}

/* The address for a name.  NULL, "" and this machine's name mean WMS_WTSAPI_SERVER of the
 * environment, or this machine. */
static const char *meant(const char *name)
{
    bool other = name && *name && !is_own_name(name);
    const char *environment = other ? NULL : getenv("WMS_WTSAPI_SERVER");

    return other ? name : environment && *environment ? environment : "logind://";
}

/* ---- servers --------------------------------------------------------------------------------- */

static uint64_t hash(uintptr_t handle, const char *address)
{
    const struct wms_key *key = wms_engine_key(wtsapi_keeper());

    return handle ? wms_hash(key, &handle, sizeof handle) : wms_hash(key, address, strlen(address));
}

static struct server *server_new(const char *address, uintptr_t handle)
{
    wms_engine *keeper = wtsapi_keeper();
    struct server *server = keeper ? calloc(1, sizeof *server) : NULL;

    if (!server) {
        return NULL;
    }
    server->refs = 1;
    server->handle = handle;
    strcpy(server->address, address);
    node_init(&server->waits);
    node_init(&server->waited);
    if (wms_table_add(&table, keeper, &server->entry, hash(handle, address))) {
        free(server);
        return NULL;
    }
    node_append(&wtsapi_servers, &server->node);
    return server;
}

void wtsapi_server_unref(struct server *server)
{
    if (--server->refs > 0) {
        return;
    }
    node_remove(&server->node);
    wtsapi_list_unref(server->recent);
    wtsapi_list_unref(server->known);
    free(server);
}

void wtsapi_server_put(struct server *server)
{
    pthread_mutex_lock(&wtsapi_lock);
    wtsapi_server_unref(server);
    pthread_mutex_unlock(&wtsapi_lock);
}

void wtsapi_servers_forked(void)
{
    for (struct node *node = wtsapi_servers.next; node != &wtsapi_servers; node = node->next) {
        struct server *server = NODE_OWNER(node, struct server, node);
        server->queued = NULL;
        server->listing = false;
        server->watch = NULL;
        node_init(&server->waits);
        node_init(&server->waited);
    }
    node_init(&wtsapi_waited);
}

/* ---- handles --------------------------------------------------------------------------------- */

/* The `handle` of a closed server: none can be looked up by it. */
static const uintptr_t closed = (uintptr_t) INVALID_HANDLE_VALUE;

static bool has_handle(const struct wms_entry *entry, const void *handle)
{
    return ((const struct server *) entry)->handle == *(const uintptr_t *) handle;
}

static bool is_current(const struct wms_entry *entry, const void *address)
{
    const struct server *server = (const struct server *) entry;

    return server->handle == 0 && strcmp(server->address, address) == 0;
}

static struct server *find(HANDLE handle)
{
    uintptr_t number = (uintptr_t) handle;

    if (table.count == 0 || number == 0 || number == closed) {
        return NULL;
    }
    return (struct server *) wms_table_find(&table, hash(number, NULL), has_handle, &number);
}

static struct server *find_current(const char *address)
{
    return table.count
               ? (struct server *) wms_table_find(&table, hash(0, address), is_current, address)
               : NULL;
}

bool wtsapi_server_closed(const struct server *server)
{
    return server->handle == closed;
}

/* Refers to the server for WTS_CURRENT_SERVER_HANDLE; makes it if there is none.  NULL: out of
 * memory.  It is kept, since its last list must survive between two calls. */
static struct server *ref_current(const char *address, bool make)
{
    pthread_mutex_lock(&wtsapi_lock);
    struct server *server = find_current(address);
    if (!server && make) {
        server = server_new(address, 0);
    }
    if (server) {
        server->refs++;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return server;
}

static DWORD get_current(struct server **ret_server)
{
    const char *address = meant(NULL);
    struct server *server = ref_current(address, false);
    DWORD error = server ? 0 : check_address(address);

    if (!server && !error) {
        server = ref_current(address, true);
        error = server ? 0 : ERROR_OUTOFMEMORY;
    }
    *ret_server = server;
    return error;
}

DWORD wtsapi_server_get(HANDLE handle, struct server **ret_server)
{
    if (handle == WTS_CURRENT_SERVER_HANDLE) {
        return get_current(ret_server);
    }
    pthread_mutex_lock(&wtsapi_lock);
    struct server *server = find(handle);
    if (server) {
        server->refs++;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    *ret_server = server;
    return server ? 0 : ERROR_INVALID_HANDLE;
}

static DWORD open_server(const char *name, HANDLE *ret_handle)
{
    const char *address = meant(name);
    DWORD error = check_address(address);

    if (error) {
        return error;
    }
    pthread_mutex_lock(&wtsapi_lock);
    struct server *server = server_new(address, last_handle + 4);
    if (server) {
        last_handle = server->handle;
        *ret_handle = (HANDLE) server->handle;
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return server ? 0 : ERROR_OUTOFMEMORY;
}

static HANDLE open_any(const void *name, size_t unit)
{
    HANDLE handle = NULL;
    char *text = NULL;
    DWORD error = name ? wtsapi_text_read(name, PTRDIFF_MAX, unit, &text) : 0; /* up to its NUL */

    error = error ? error : open_server(text, &handle);
    free(text);
    wtsapi_result(error == ERROR_NO_UNICODE_TRANSLATION ? ERROR_INVALID_COMPUTERNAME : error);
    return handle;
}

HANDLE wtsapi_open_server_w(LPWSTR name)
{
    return open_any(name, sizeof *name);
}

HANDLE wtsapi_open_server_a(LPSTR name)
{
    return open_any(name, sizeof *name);
}

VOID wtsapi_close_server(HANDLE handle)
{
    pthread_mutex_lock(&wtsapi_lock);
    struct server *server = find(handle);
    if (server) {
        wms_table_remove(&table, wtsapi_keeper(), &server->entry);
        server->handle = closed; /* calls that are under way go on */
        wtsapi_events_end(server, ERROR_INVALID_HANDLE);
        wtsapi_ring(); /* its watch is not needed any more */
        wtsapi_server_unref(server);
    }
    pthread_mutex_unlock(&wtsapi_lock);
}
