/* SPDX-License-Identifier: MIT */
/* listener.c - where an engine is told of events: one listener for each name and port, which all
 * hosts share that were told of it.
 *
 * The server itself is in a module of its own, which lies beside this one and is loaded when it is
 * needed first.
 */
#define _GNU_SOURCE
#include "listener.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "endpoint.h"
#include "server.h"

struct multipoint_listener {
    struct node node; /* of all->listeners */
    struct multipoint *all;
    struct multipoint_endpoint endpoint;
    const struct multipoint_server_functions *functions;
    struct multipoint_server *server;
    struct node users;
    struct multipoint_verdict verdict; /* on the last request: its answer is about to be sent */
    pid_t pid;                         /* whose sockets they are */
};

/* ---- the module ------------------------------------------------------------------------------ */

/* Where this module lies.  The path that it was loaded by may be relative, to a folder that is no
 * longer the current one: the loader knows the whole. */
static bool find_folder(char folder[PATH_MAX])
{
    Dl_info info;
    void *self = dladdr(&multipoint_operations, &info)
                     ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD)
                     : NULL;
    bool found = self && dlinfo(self, RTLD_DI_ORIGIN, folder) == 0;

    if (self) {
        dlclose(self);
    }
    return found;
}

static int load(const struct multipoint_server_functions **ret_functions, char *why, size_t size)
{
    static const char name[] = "/multipoint-events.so";
    char path[PATH_MAX + sizeof name];

    if (!find_folder(path)) {
        snprintf(why, size, "the folder of the provider cannot be found");
        return WMS_E_UNSUPPORTED;
    }
    strcat(path, name);
    if (access(path, F_OK)) {
        snprintf(why, size,
                 "the module multipoint-events is not installed (it needs libmicrohttpd)");
        return WMS_E_UNSUPPORTED;
    }
    /* Never closed: its libraries keep things for each thread. */
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    multipoint_server_entry entry =
        module ? (multipoint_server_entry) (uintptr_t) dlsym(module, MULTIPOINT_SERVER_ENTRY)
               : NULL;
    *ret_functions = entry ? entry() : NULL;
    if (!*ret_functions || strcmp((*ret_functions)->version, WMS_VERSION) != 0) {
        const char *reason = module ? "it is of another version of wms" : dlerror();
        snprintf(why, size, "the module multipoint-events cannot be loaded: %.200s", reason);
        return WMS_E_UNSUPPORTED;
    }
    return 0;
}

/* ---- what the server asks -------------------------------------------------------------------- */

static void on_turn(void *data, bool begins)
{
    struct multipoint_listener *listener = data;
    struct multipoint *all = listener->all;

    if (begins) {
        net_enter(&all->net);
        return;
    }
    multipoint_verdict_end(&listener->verdict);
    net_leave(&all->net); /* the listener may be gone now */
}

static struct multipoint_caller *list_callers(struct multipoint_listener *listener)
{
    struct multipoint_caller *callers = NULL;

    for (struct node *node = listener->users.next; node != &listener->users; node = node->next) {
        struct multipoint_user *user = NODE_OWNER(node, struct multipoint_user, node);
        const struct multipoint_binding *binding = &user->host->binding;
        user->caller =
            (struct multipoint_caller){callers, binding->control, binding->management, false};
        callers = &user->caller;
    }
    return callers;
}

static bool on_early(void *data, const char *text, size_t size)
{
    struct multipoint_listener *listener = data;

    return multipoint_sink_knows(listener->endpoint.host_name, list_callers(listener), text, size);
}

static int on_answer(void *data, const char *path, const char *text, size_t size,
                     struct multipoint_server_answer *ret_answer)
{
    struct multipoint_listener *listener = data;
    struct multipoint_verdict *verdict = &listener->verdict;

    multipoint_verdict_end(verdict);
    int error = multipoint_sink_judge(&listener->all->memory, listener->endpoint.host_name,
                                      list_callers(listener), path, text, size, verdict);
    if (error) {
        return error;
    }
    *ret_answer = (struct multipoint_server_answer){
        .status = verdict->status,
        .type = multipoint_sink_type(verdict->old),
        .text = verdict->answer.data,
        .size = verdict->answer.length,
    };
    for (struct node *node = listener->users.next, *next; node != &listener->users; node = next) {
        struct multipoint_user *user = NODE_OWNER(node, struct multipoint_user, node);
        next = node->next;
        ret_answer->known = ret_answer->known || user->caller.calls;
        if (user->caller.calls && verdict->event) {
            user->told(user, verdict);
        }
    }
    return 0;
}

/* ---- one listener ---------------------------------------------------------------------------- */

static void free_listener(struct multipoint_listener *listener)
{
    const struct multipoint_memory *memory = &listener->all->memory;

    if (listener->server) {
        listener->functions->close(listener->server, listener->pid != getpid());
    }
    node_remove(&listener->node);
    multipoint_verdict_end(&listener->verdict);
    multipoint_endpoint_free(memory, &listener->endpoint);
    multipoint_free(memory, listener);
}

/* Errors: as multipoint_listener_join(). */
static int serve(struct multipoint_listener *listener, char *why, size_t size)
{
    struct multipoint_endpoint *endpoint = &listener->endpoint;
    struct multipoint_text key = {.memory = &listener->all->memory}, certificate = key;
    char reason[200] = "";

    multipoint_endpoint_pem(&key, "PRIVATE KEY", endpoint->key, endpoint->key_size);
    multipoint_endpoint_pem(&certificate, "CERTIFICATE", endpoint->der, endpoint->der_size);
    const struct multipoint_server_settings settings = {
        .address = endpoint->address,
        .port = endpoint->port,
        .key = key.data,
        .certificate = certificate.data,
        .early = MULTIPOINT_SINK_EARLY,
        .request_max = MULTIPOINT_SINK_MAX,
        .turn = on_turn,
        .door = multipoint_sink_door,
        .knows = on_early,
        .answer = on_answer,
        .data = listener,
    };
    int error = key.failed || certificate.failed
                    ? WMS_E_NO_MEMORY
                    : listener->functions->open(&listener->all->memory, &settings,
                                                &listener->server, reason, sizeof reason);
    multipoint_text_free(&key);
    multipoint_text_free(&certificate);
    if (error) {
        snprintf(why, size, "nothing can listen at port %u of this machine%s%s: %s", endpoint->port,
                 *endpoint->address ? ", address " : "", endpoint->address,
                 *reason ? reason : "out of memory");
    }
    return error;
}

static int open_listener(struct multipoint *all, const struct multipoint_endpoint *endpoint,
                         struct multipoint_listener **ret_listener, char *why, size_t size)
{
    const struct multipoint_server_functions *functions;
    int error = load(&functions, why, size);
    struct multipoint_listener *listener =
        error ? NULL : multipoint_alloc(&all->memory, sizeof *listener);

    if (!listener) {
        return error ? error : WMS_E_NO_MEMORY;
    }
    listener->all = all;
    listener->functions = functions;
    listener->pid = getpid();
    listener->verdict.answer.memory = listener->verdict.request.arena.memory = &all->memory;
    node_init(&listener->users);
    node_append(&all->listeners, &listener->node);
    multipoint_endpoint_set(&listener->endpoint, endpoint->host_name, endpoint->port,
                            endpoint->address);
    error = multipoint_endpoint_keep(&all->memory, &listener->endpoint, endpoint->key,
                                     endpoint->key_size, endpoint->der, endpoint->der_size);
    error = error ? error : serve(listener, why, size);
    if (error) {
        free_listener(listener);
        return error;
    }
    *ret_listener = listener;
    return 0;
}

/* ---- who listens ----------------------------------------------------------------------------- */

static struct multipoint_listener *find(const struct multipoint *all,
                                        const struct multipoint_endpoint *endpoint)
{
    for (struct node *node = all->listeners.next; node != &all->listeners; node = node->next) {
        struct multipoint_listener *listener = NODE_OWNER(node, struct multipoint_listener, node);
        if (multipoint_endpoint_same(&listener->endpoint, endpoint)) {
            return listener;
        }
    }
    return NULL;
}

/* Whether the host was told the certificate. */
static bool knows(const struct multipoint_host *host, const struct multipoint_endpoint *shown)
{
    const struct multipoint_binding *binding = &host->binding;

    return strcmp(shown->thumbprint, binding->endpoint.thumbprint) == 0 ||
           (binding->successor.port &&
            strcmp(shown->thumbprint, binding->successor.thumbprint) == 0);
}

/* Whether all hosts of the listener know it, or cannot be served otherwise: what is shown ends. */
static bool may_show(const struct multipoint_listener *listener,
                     const struct multipoint_endpoint *endpoint)
{
    enum { LAST = 3600 };
    bool all = true;

    for (struct node *node = listener->users.next; node != &listener->users; node = node->next) {
        all = all && knows(NODE_OWNER(node, struct multipoint_user, node)->host, endpoint);
    }
    return all || listener->endpoint.expires - time(NULL) < LAST;
}

/* Errors: as multipoint_listener_join(). */
static int show(struct multipoint_listener *listener, const struct multipoint_endpoint *endpoint,
                char *why, size_t size)
{
    int error = multipoint_endpoint_keep(&listener->all->memory, &listener->endpoint, endpoint->key,
                                         endpoint->key_size, endpoint->der, endpoint->der_size);

    if (!error && listener->server) {
        listener->functions->close(listener->server, false);
        listener->server = NULL;
    }
    return error ? error : serve(listener, why, size);
}

int multipoint_listener_join(struct multipoint_user *user, char *why, size_t size)
{
    struct multipoint *all = user->host->all;
    const struct multipoint_endpoint *endpoint = &user->host->binding.endpoint;
    struct multipoint_listener *listener = user->listener ? user->listener : find(all, endpoint);
    int error = 0;

    snprintf(why, size, "out of memory");
    if (!listener) {
        error = open_listener(all, endpoint, &listener, why, size);
    } else if (!knows(user->host, &listener->endpoint) && !may_show(listener, endpoint)) {
        snprintf(why, size,
                 "another host was told another certificate for '%s', port %u; bind this one anew",
                 endpoint->host_name, endpoint->port);
        error = WMS_E_BUSY;
    } else if (!knows(user->host, &listener->endpoint) || !listener->server) {
        error = show(listener, endpoint, why, size);
    }
    if (!error && !user->listener) {
        user->listener = listener;
        node_append(&listener->users, &user->node);
    }
    return error;
}

void multipoint_listener_leave(struct multipoint_user *user)
{
    struct multipoint_listener *listener = user->listener;

    user->listener = NULL;
    if (listener) {
        node_remove(&user->node);
        if (node_alone(&listener->users)) {
            free_listener(listener);
        }
    }
}
