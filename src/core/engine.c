/* SPDX-License-Identifier: MIT */
/* engine.c - memory, loop, renewal after a fork, shutdown. */
#include "core/abi.h"
#include "core/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/magic.h"
#include "core/module.h"
#include "core/watching.h"

/* ---- whether this is a forked child ---------------------------------------------------------- */

/* Every public function checks whether it runs in a forked child.  The kernel clears this page in a
 * child (MADV_WIPEONFORK), so that the check needs no system call.  Where that is not supported,
 * the process id is compared. */
void wms_engine_take_process(wms_engine *engine)
{
    engine->pid = getpid();
    if (!engine->here) {
        void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            return;
        }
        if (madvise(page, 1, MADV_WIPEONFORK)) {
            munmap(page, 1);
            return;
        }
        engine->here = page;
    }
    *engine->here = 1;
}

static bool is_forked(const wms_engine *engine)
{
    return engine->here ? !*engine->here : engine->pid != getpid();
}

/* ---- references and end ------------------------------------------------------------------------
 */

const struct wms_key *wms_engine_key(const wms_engine *engine)
{
    return &engine->key;
}

wms_engine *wms_engine_ref(wms_engine *engine)
{
    engine->refs++;
    return engine;
}

/* In a forked child: tells the providers that what they keep for the engine belongs to the parent.
 */
static void tell_forked(wms_engine *engine)
{
    for (const struct wms_registered *entry = engine->providers; entry; entry = entry->next) {
        if (entry->provider.forked) {
            entry->provider.forked(entry->self, engine->services, engine);
        }
    }
}

/* In a forked child, memory is a copy, but what lies in the kernel (epoll, sockets) is shared with
 * the parent.  Drops all connections without sending anything to the hosts, ends the requests that
 * are under way (FORKED), and continues with a loop of its own.  Errors: those of
 * wms_loop_after_fork(). */
static int renew(wms_engine *engine)
{
    int error = engine->loop ? wms_loop_after_fork(engine->loop) : 0;
    if (error) {
        return error; /* the next call tries again */
    }
    wms_engine_take_process(engine);
    engine->waker = wms_waker_free(engine->waker, true);
    wms_blocking_after_fork(engine);
    for (struct node *node = engine->requests.next; node != &engine->requests; node = node->next) {
        wms_request_forked(NODE_OWNER(node, wms_request, node));
    }
    for (struct node *node = engine->watches.next; node != &engine->watches; node = node->next) {
        wms_watch_forked(NODE_OWNER(node, wms_watch, node));
    }
    wms_links_close(engine, true);
    tell_forked(engine);
    return 0;
}

/* The program's last reference is gone: ends what providers have started.  There is nothing else
 * any more. */
static void close_inner(wms_engine *engine)
{
    if (node_alone(&engine->requests) && node_alone(&engine->watches)) {
        return;
    }
    engine->settling = true; /* providers, which are called here, may give back what is in the
                                lists: that is freed later */
    for (struct node *node = engine->watches.next; node != &engine->watches; node = node->next) {
        wms_watch *watch = NODE_OWNER(node, wms_watch, node);
        wms_inner_mute(&watch->inner);
        wms_watch_end(watch);
    }
    for (struct node *node = engine->requests.next; node != &engine->requests; node = node->next) {
        wms_request *request = NODE_OWNER(node, wms_request, node);
        wms_inner_mute(&request->inner);
        if (!request->done) {
            wms_request_abandon(request, WMS_E_CANCELLED, "cancelled");
        }
    }
    engine->settling = false;
    wms_engine_settle(engine);
}

/* Frees what nobody has given back. */
static void free_inner(wms_engine *engine)
{
    while (!node_alone(&engine->requests)) {
        wms_request_free(NODE_OWNER(engine->requests.next, wms_request, node));
    }
    while (!node_alone(&engine->watches)) {
        wms_watch_free(NODE_OWNER(engine->watches.next, wms_watch, node));
    }
}

wms_engine *wms_engine_unref(wms_engine *engine)
{
    if (!engine || --engine->refs > 0) {
        return NULL;
    }
    engine->refs = 1; /* while requests of providers end */
    engine->closing = true;
    engine->base.log = NULL;
    bool forked = is_forked(engine);
    if (forked && renew(engine)) {
        return NULL; /* no descriptor is left for a loop of its own, and the old one is shared with
                        the parent: nothing is freed */
    }
    close_inner(engine);
    engine->refs = 0;
    wms_links_close(engine, forked);
    wms_engine_retire_providers(engine);
    free_inner(engine);
    wms_blocking_close(engine, forked);
    engine->waker = wms_waker_free(engine->waker, forked);
    wms_loop_free(engine->loop);
    wms_free(engine, engine->module_folder);
    wms_table_close(&engine->servers, engine);
    wms_table_close(&engine->bound, engine);
    wms_bindings_clear(engine);
    wms_groups_clear(engine);
    wms_cards_clear(engine, &engine->cards);
    wms_engine_transport_clear(engine);
    if (engine->here) {
        munmap(engine->here, 1);
    }
    engine->base.alloc.resize(engine->base.alloc.data, engine, 0);
    return NULL;
}

int wms_engine_enter(wms_engine *engine)
{
    if (engine->base.asking) {
        return WMS_E_BUSY;
    }
    return is_forked(engine) ? renew(engine) : 0;
}

/* ---- the program's loop ---------------------------------------------------------------------- */

int wms_engine_fd(wms_engine *engine)
{
    int fd = -1, error = wms_engine_enter(engine);

    error = error ? error : wms_engine_loop_fd(engine, &fd);
    if (error) {
        return error;
    }
    engine->polled = true;
    wms_engine_go_on(engine);
    return fd;
}

/* `look`: the caller reads the news next, so that the descriptor need not tell of them. */
static int step(wms_engine *engine, bool look)
{
    int error = wms_engine_enter(engine);

    if (error) {
        return error;
    }
    wms_engine_ref(engine); /* a guard or a log may release the last request during the turn */
    if (engine->loop) {
        wms_engine_turn(engine);
    }
    engine->looking = engine->looking || look;
    wms_engine_go_on(engine);
    wms_engine_unref(engine);
    return 0;
}

int wms_engine_step(wms_engine *engine)
{
    return step(engine, true);
}

int wms_engine_step_aside(wms_engine *engine)
{
    return step(engine, false);
}

static bool has_news(const wms_engine *engine)
{
    return !node_alone(&engine->news) || !node_alone(&engine->watch_news);
}

bool wms_engine_is_untold(const wms_engine *engine)
{
    return engine->polled && !engine->looking && engine->untold && has_news(engine);
}

void wms_engine_looked(wms_engine *engine)
{
    if (!has_news(engine)) {
        engine->looking = engine->untold = false;
    }
}

int wms_engine_wait(wms_engine *engine, double seconds)
{
    int error = wms_engine_enter(engine);
    struct wms_loop *loop = error ? NULL : wms_engine_loop(engine);

    if (!loop) {
        return error ? error : engine->loop_error;
    }
    wms_engine_ref(engine);
    engine->woken = false;
    double end = wms_loop_clock(loop) + seconds;
    for (bool first = true; !error && !has_news(engine) && !engine->woken; first = false) {
        double left = end - wms_loop_now(loop);
        if (!first && seconds >= 0 && left <= 0) {
            break;
        }
        error = wms_engine_round(engine, seconds < 0 ? -1 : left < 0 ? 0 : left);
    }
    engine->looking = true;
    wms_engine_rest(engine);
    int news = has_news(engine);
    wms_engine_unref(engine);
    return error ? error : news;
}

int wms_engine_news(wms_engine *engine, wms_request **ret_request)
{
    int error = wms_engine_enter(engine);

    if (error || node_alone(&engine->news)) {
        wms_engine_looked(engine);
        return error;
    }
    *ret_request = NODE_OWNER(engine->news.next, wms_request, news);
    wms_request_told(*ret_request);
    return 1;
}

/* ---- the network ----------------------------------------------------------------------------- */

enum {
    CONNECTIONS_MAX = 64,
    ANSWER_MIN = 1024,
    ANSWER_MAX = 1000000000,
    PROXY_MAX = 1023,
    SSH_WORDS_MAX = 64,
    SSH_WORD_MAX = 4095
};

static int check_proxy(wms_engine *engine, const char *proxy)
{
    size_t length = strnlen(proxy, PROXY_MAX + 1);
    const char *host = strstr(proxy, "://");

    for (size_t i = 0; i < length; i++) {
        if (proxy[i] <= ' ' || proxy[i] >= 127) {
            return wms_complain(
                engine,
                "proxy: a space, a control character or a letter outside ASCII; give a URL");
        }
    }
    if (length > PROXY_MAX) {
        return wms_complain(engine, "proxy: longer than %d characters; give a shorter URL",
                            PROXY_MAX);
    }
    if (strcmp(proxy, "environment") != 0 && (!host || host == proxy || !host[3])) {
        return wms_complain(
            engine,
            "proxy: no URL; give one such as \"http://proxy.example:3128\", or \"environment\" for "
            "what the environment says");
    }
    return 0;
}

static int check_ssh_command(wms_engine *engine, const char *const *words)
{
    size_t count = 0;

    for (; count <= SSH_WORDS_MAX && words[count]; count++) {
        if (strnlen(words[count], SSH_WORD_MAX + 1) > SSH_WORD_MAX) {
            return wms_complain(engine,
                                "ssh_command: a word of more than %d bytes; give a shorter one",
                                SSH_WORD_MAX);
        }
    }
    if (count == 0 || !*words[0]) {
        return wms_complain(engine, "ssh_command: it names no program; give one such as "
                                    "\"/usr/bin/ssh\", and its arguments after it");
    }
    if (count > SSH_WORDS_MAX) {
        return wms_complain(engine, "ssh_command: more than %d words; give fewer, or a script",
                            SSH_WORDS_MAX);
    }
    return 0;
}

/* The list and its words in one block; NULL: out of memory. */
static char **copy_words(wms_engine *engine, const char *const *words)
{
    size_t count = 0, size = 0;

    for (; words[count]; count++) {
        size += strlen(words[count]) + 1;
    }
    char **list = wms_resize(engine, NULL, (count + 1) * sizeof *list + size);
    if (!list) {
        return NULL;
    }
    char *text = (char *) (list + count + 1);
    for (size_t i = 0; i < count; i++) {
        size = strlen(words[i]) + 1;
        list[i] = memcpy(text, words[i], size);
        text += size;
    }
    list[count] = NULL;
    return list;
}

static int check_transport(wms_engine *engine, const wms_transport *transport)
{
    if (transport->connections < 1 || transport->connections > CONNECTIONS_MAX) {
        return wms_complain(engine, "connections: %u; give a number from 1 to %d",
                            transport->connections, CONNECTIONS_MAX);
    }
    if (transport->answer_size < ANSWER_MIN || transport->answer_size > ANSWER_MAX) {
        return wms_complain(engine, "answer_size: %zu; give a number of bytes from %d to %d",
                            transport->answer_size, ANSWER_MIN, ANSWER_MAX);
    }
    int error = transport->proxy ? check_proxy(engine, transport->proxy) : 0;
    if (!error && transport->ssh_command) {
        error = check_ssh_command(engine, transport->ssh_command);
    }
    return !error && transport->nats ? wms_nats_check(engine, transport->nats) : error;
}

int wms_engine_transport_check_sized(wms_engine *engine, const wms_transport *given, size_t size)
{
    wms_transport transport = {0};

    wms_take(&transport, sizeof transport, given, size);
    return check_transport(engine, &transport);
}

int wms_engine_transport_sized(wms_engine *engine, const wms_transport *given, size_t size)
{
    wms_transport whole = {0}, *transport = &whole;

    wms_take(transport, sizeof *transport, given, size);
    int error = check_transport(engine, transport);
    if (error) {
        return error;
    }
    char *proxy = transport->proxy ? wms_copy(engine, transport->proxy) : NULL;
    char **ssh_command = transport->ssh_command ? copy_words(engine, transport->ssh_command) : NULL;
    wms_nats *nats = transport->nats ? wms_nats_copy(engine, transport->nats) : NULL;
    if ((transport->proxy && !proxy) || (transport->ssh_command && !ssh_command) ||
        (transport->nats && !nats)) {
        wms_free(engine, proxy);
        wms_free(engine, ssh_command);
        wms_free(engine, nats);
        return WMS_E_NO_MEMORY;
    }
    wms_engine_transport_clear(engine); /* not before: what is given may be what is set */
    transport->proxy = engine->proxy = proxy;
    engine->ssh_command = ssh_command;
    transport->ssh_command = (const char *const *) ssh_command;
    transport->nats = engine->nats = nats;
    engine->transport = *transport;
    return 0;
}

void wms_engine_transport_clear(wms_engine *engine)
{
    if (engine->proxy) { /* it may hold a password */
        wms_free_wiped(engine, engine->proxy, strlen(engine->proxy));
        engine->proxy = NULL;
        engine->transport.proxy = NULL;
    }
    wms_free(engine, engine->ssh_command);
    engine->ssh_command = NULL;
    engine->transport.ssh_command = NULL;
    wms_free(engine, engine->nats);
    engine->nats = NULL;
    engine->transport.nats = NULL;
}

int wms_engine_magics_sized(wms_engine *engine, const wms_magic *magics, size_t count, size_t size)
{
    int error = wms_engine_enter(engine);

    return error ? error : wms_cards_set(engine, magics, count, size);
}

void wms_engine_guard(wms_engine *engine, wms_guard guard, void *data)
{
    engine->guard = guard;
    engine->guard_data = data;
}

void wms_engine_wake(wms_engine *engine)
{
    engine->woken = true;
}

void wms_engine_log(wms_engine *engine, wms_log log, void *data)
{
    engine->base.log = log;
    engine->base.log_data = data;
}
