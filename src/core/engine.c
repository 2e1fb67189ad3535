/* engine.c - create, memory, loop, registered providers, renewal after a fork, shutdown. */
#include "core/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/module.h"

/* ---- memory and words ------------------------------------------------------------------------------------------- */

static void *malloc_resize(void *data, void *block, size_t size)
{
    (void) data;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

void *wms_resize(wms_engine *engine, void *block, size_t size)
{
    return block || size ? engine->alloc.resize(engine->alloc.data, block, size) : NULL;
}

void *wms_zalloc(wms_engine *engine, size_t size)
{
    void *block = wms_resize(engine, NULL, size);

    return block ? memset(block, 0, size) : NULL;
}

void wms_free(wms_engine *engine, void *block)
{
    if (block) {
        wms_resize(engine, block, 0);
    }
}

char *wms_copy(wms_engine *engine, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wms_resize(engine, NULL, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *wms_print(wms_engine *engine, const char *format, ...)
{
    va_list arguments, again;
    char *text = NULL;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0) {
        text = wms_resize(engine, NULL, (size_t) length + 1);
        if (text) {
            vsnprintf(text, (size_t) length + 1, format, again);
        }
    }
    va_end(again);
    va_end(arguments);
    return text;
}

void wms_say(wms_engine *engine, enum wms_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    if (!engine->log || engine->asking) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    engine->asking = true;
    engine->log(engine->log_data, level, line);
    engine->asking = false;
}

int wms_complain(wms_engine *engine, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(engine->complaint, sizeof engine->complaint, format, arguments);
    va_end(arguments);
    return WMS_E_INVALID;
}

void wms_engine_complain(wms_engine *engine, const char *text)
{
    wms_complain(engine, "%s", text);
}

const char *wms_engine_complaint(const wms_engine *engine)
{
    return engine->complaint;
}

/* ---- whose process it is ---------------------------------------------------------------------------------------- */

/* Every call of the interface asks whether it runs in a forked child.  The kernel clears this page in a child, so that a look
 * at it tells, without a system call.  Where there is no such page, the process id has to. */
static void take_process(wms_engine *engine)
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

/* ---- life ------------------------------------------------------------------------------------------------------- */

int wms_engine_new(const struct wms_alloc *alloc, wms_engine **ret_engine)
{
    static const struct wms_alloc standard = {malloc_resize, NULL};

    if (!alloc) {
        alloc = &standard;
    }
    wms_engine *engine = alloc->resize(alloc->data, NULL, sizeof *engine);
    if (!engine) {
        return WMS_E_NO_MEMORY;
    }
    memset(engine, 0, sizeof *engine);
    engine->alloc = *alloc;
    engine->refs = 1;
    take_process(engine);
    engine->fd = -1;
    engine->kicked_tail = &engine->kicked;
    int error = wms_engine_module_folder(engine, WMS_MODULE_FOLDER);
    if (error) {
        wms_engine_unref(engine);
        return error;
    }
    *ret_engine = engine;
    return 0;
}

wms_engine *wms_engine_ref(wms_engine *engine)
{
    engine->refs++;
    return engine;
}

wms_engine *wms_engine_unref(wms_engine *engine)
{
    if (!engine || --engine->refs > 0) {
        return NULL;
    }
    bool forked = is_forked(engine);
    if (forked && engine->loop) {
        wms_loop_after_fork(engine->loop);
    }
    engine->log = NULL;
    wms_links_close(engine, forked);
    while (engine->providers) {
        struct wms_registered *entry = engine->providers;
        engine->providers = entry->next;
        if (entry->provider->retire) {
            entry->provider->retire(entry->provider, &wms_services, engine);
        }
        wms_free(engine, entry);
    }
    if (engine->fd >= 0) {
        close(engine->fd);
    }
    wms_loop_free(engine->loop);
    wms_free(engine, engine->module_folder);
    if (engine->here) {
        munmap(engine->here, 1);
    }
    engine->alloc.resize(engine->alloc.data, engine, 0);
    return NULL;
}

/* The child has a copy of everything, and shares with the parent what lies in the kernel.  It takes leave of the connections
 * and of the requests that run on them, without a word to the other side, and goes on with a loop of its own. */
static int renew(wms_engine *engine)
{
    if (engine->fd >= 0) {
        close(engine->fd);
        engine->fd = -1;
    }
    int error = engine->loop ? wms_loop_after_fork(engine->loop) : 0;
    if (error) {
        return error; /* the next call tries again */
    }
    engine->pid = getpid();
    for (wms_request *request = engine->requests; request; request = request->next) {
        wms_request_forked(request);
    }
    wms_links_close(engine, true);
    return 0;
}

int wms_engine_enter(wms_engine *engine)
{
    if (engine->asking) {
        return WMS_E_BUSY;
    }
    return is_forked(engine) ? renew(engine) : 0;
}

void wms_engine_settle(wms_engine *engine)
{
    if (engine->settling) {
        return;
    }
    engine->settling = true;
    while (engine->kicked || engine->link_broken) {
        while (engine->kicked) {
            struct wms_job *job = engine->kicked;
            engine->kicked = job->kicked_next;
            if (!engine->kicked) {
                engine->kicked_tail = &engine->kicked;
            }
            job->kicked = false;
            wms_job_pump(job);
        }
        wms_links_tend(engine);
    }
    engine->settling = false;
    if (engine->orphans && !engine->asking) {
        engine->orphans = false;
        wms_requests_collect(engine);
    }
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

struct wms_loop *wms_engine_loop(wms_engine *engine)
{
    if (!engine->loop && wms_loop_new(engine, &engine->loop)) {
        return NULL;
    }
    return engine->loop;
}

int wms_engine_fd(wms_engine *engine)
{
    int error = wms_engine_enter(engine);

    if (!error && engine->fd < 0) {
        struct wms_loop *loop = wms_engine_loop(engine);
        error = loop ? wms_loop_descriptor(loop, -1, &engine->fd) : WMS_E_NO_MEMORY;
        if (!error) {
            wms_loop_rest(loop);
        }
    }
    return error ? error : engine->fd;
}

int wms_engine_step(wms_engine *engine)
{
    int error = wms_engine_enter(engine);

    if (error) {
        return error;
    }
    if (engine->loop) {
        wms_loop_turn(engine->loop);
    }
    wms_engine_settle(engine);
    if (engine->loop) {
        wms_loop_rest(engine->loop);
    }
    return 0;
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
    engine->log = log;
    engine->log_data = data;
}

/* ---- providers -------------------------------------------------------------------------------------------------- */

const struct wms_provider *wms_engine_registered(const wms_engine *engine, const char *name)
{
    for (const struct wms_registered *entry = engine->providers; entry; entry = entry->next) {
        if (strcmp(entry->provider->name, name) == 0) {
            return entry->provider;
        }
    }
    return NULL;
}

static bool is_of_this_abi(const struct wms_provider *provider)
{
    return provider->abi == WMS_PROVIDER_ABI && provider->size >= sizeof *provider;
}

int wms_engine_register(wms_engine *engine, const struct wms_provider *provider)
{
    if (!provider || !is_of_this_abi(provider)) {
        return wms_complain(engine, "provider: made for another version of wms (ABI %u, this is %u); build it against this one",
                            provider ? provider->abi : 0, WMS_PROVIDER_ABI);
    }
    size_t length = provider->name ? strnlen(provider->name, WMS_SCHEME_MAX + 1) : 0;
    if (length == 0 || length > WMS_SCHEME_MAX || strspn(provider->name, "abcdefghijklmnopqrstuvwxyz") != length) {
        return wms_complain(engine, "provider: its name is a scheme: give 1 to %d lower-case letters", WMS_SCHEME_MAX);
    }
    if (!provider->connect || !provider->disconnect || !provider->list || !provider->act || !provider->forget ||
        !provider->observe || !provider->unobserve) {
        return wms_complain(engine, "provider: a function is missing; give connect, disconnect, list, act, forget, observe "
                                    "and unobserve");
    }
    if (wms_engine_registered(engine, provider->name)) {
        return wms_complain(engine, "provider: one named '%s' is registered already", provider->name);
    }
    struct wms_registered *entry = wms_zalloc(engine, sizeof *entry);
    if (!entry) {
        return WMS_E_NO_MEMORY;
    }
    entry->provider = provider;
    entry->next = engine->providers;
    engine->providers = entry;
    return 0;
}

int wms_engine_load(wms_engine *engine, const char *name, const char *path)
{
    const struct wms_provider *provider;

    if (wms_engine_registered(engine, name)) {
        return 0;
    }
    if (!path) {
        const char *package = wms_scheme_package(name);
        if (!wms_scheme_known(name)) {
            return wms_complain(engine, "no provider is called '%.31s'; give logind, multipoint or wts", name);
        }
        wms_complain(engine, "the provider '%s' is not installed%s%s%s", name, package ? " (it needs " : "",
                     package ? package : "", package ? ")" : "");
        return WMS_E_NO_PROVIDER;
    }
    int error = wms_module_open(path, &provider, engine->complaint, sizeof engine->complaint);
    if (error) {
        return error;
    }
    /* Of another ABI not even the name is where it should be: then registering tells. */
    if (is_of_this_abi(provider) && provider->name && strcmp(provider->name, name) != 0) {
        wms_complain(engine, "%.200s holds the provider '%.31s', not '%.31s'", path, provider->name, name);
        return WMS_E_NO_PROVIDER;
    }
    error = wms_engine_register(engine, provider);
    if (!error) {
        wms_say(engine, WMS_INFO, "provider %s loaded from %s", name, path);
    }
    return error == WMS_E_INVALID ? WMS_E_NO_PROVIDER : error;
}

int wms_engine_module_folder(wms_engine *engine, const char *folder)
{
    char *copy = NULL;

    if (folder) {
        copy = wms_copy(engine, folder);
        if (!copy) {
            return WMS_E_NO_MEMORY;
        }
    }
    wms_free(engine, engine->module_folder);
    engine->module_folder = copy;
    return 0;
}

const struct wms_provider *wms_engine_provider(wms_engine *engine, const char *name)
{
    const struct wms_provider *provider = wms_engine_registered(engine, name);

    engine->complaint[0] = '\0';
    if (!provider && engine->module_folder) {
        char path[1024];
        int length = snprintf(path, sizeof path, "%s/%s.so", engine->module_folder, name);
        if (length > 0 && (size_t) length < sizeof path && !wms_engine_load(engine, name, path)) {
            provider = wms_engine_registered(engine, name);
        }
    }
    return provider;
}

int wms_engine_provider_for(wms_engine *engine, const char *server, char *name, size_t size)
{
    struct wms_place place;
    int error = wms_place_parse(&place, server, engine->complaint, sizeof engine->complaint);

    if (error) {
        return error;
    }
    snprintf(name, size, "%s", place.scheme);
    return wms_engine_registered(engine, place.scheme) != NULL;
}

/* ---- what the engine offers to providers ------------------------------------------------------------------------ */

static void services_log(wms_engine *engine, enum wms_level level, const char *text)
{
    wms_say(engine, level, "%s", text);
}

static struct wms_timer *services_timer_new(wms_engine *engine, void (*fire)(void *data), void *data)
{
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_timer_new(loop, fire, data) : NULL;
}

static int services_poll_new(wms_engine *engine, int fd, void (*ready)(void *data, int events), void *data,
                             struct wms_poll **ret_poll)
{
    struct wms_loop *loop = wms_engine_loop(engine);

    return loop ? wms_poll_new(loop, fd, ready, data, ret_poll) : WMS_E_NO_MEMORY;
}

static void keep(struct wms_item *item, char **place, const char *text)
{
    char *copy = text ? wms_copy(item->job->request->engine, text) : NULL;

    if (copy) { /* without memory for it, it stays unsaid */
        wms_free(item->job->request->engine, *place);
        *place = copy;
    }
}

/* What a provider says of an op that has ended is not heard. */
static bool is_open(struct wms_op *op)
{
    return wms_item_of(op)->phase == WMS_ACTING;
}

static void services_user(struct wms_op *op, const char *user_name)
{
    struct wms_item *item = wms_item_of(op);

    if (is_open(op) && !item->borrowed) {
        keep(item, &item->user_name, user_name);
    }
}

static void services_note(struct wms_op *op, const char *note)
{
    if (is_open(op)) {
        keep(wms_item_of(op), &wms_item_of(op)->note, note);
    }
}

static void services_sent(struct wms_op *op)
{
    if (is_open(op)) {
        wms_item_sent(wms_item_of(op));
    }
}

static int services_session(struct wms_op *op, const wms_session *session)
{
    return is_open(op) ? wms_job_session(wms_item_of(op)->job, session) : WMS_E_PROTOCOL;
}

static void services_answer(struct wms_op *op, int code, const char *text)
{
    if (is_open(op)) {
        wms_item_answer(wms_item_of(op), code ? wms_error_code(code) : 0, text);
    }
}

static void services_lost(struct wms_op *op, int code, const char *text)
{
    if (is_open(op)) {
        wms_item_lost(wms_item_of(op), wms_error_code(code), text);
    }
}

static void services_seen(struct wms_observer *observer, const struct wms_sight *sight)
{
    wms_check_seen((struct wms_check *) observer, sight);
}

static void services_blind(struct wms_observer *observer, int code, const char *text)
{
    struct wms_check *check = (struct wms_check *) observer;

    check->observing = false;
    if (check->link->state != WMS_BROKEN) { /* else it ends with the link */
        wms_check_blind(check, wms_error_code(code), text);
    }
}

const struct wms_services wms_services = {
    .abi = WMS_PROVIDER_ABI,
    .size = sizeof wms_services,
    .resize = wms_resize,
    .log = services_log,
    .timer_new = services_timer_new,
    .timer_set = wms_timer_set,
    .timer_free = wms_timer_free,
    .poll_new = services_poll_new,
    .poll_set = wms_poll_set,
    .poll_free = wms_poll_free,
    .up = wms_link_up,
    .broken = wms_link_broken,
    .sent = services_sent,
    .user = services_user,
    .note = services_note,
    .session = services_session,
    .answer = services_answer,
    .lost = services_lost,
    .seen = services_seen,
    .blind = services_blind,
};

const struct wms_services *wms_engine_services(void)
{
    return &wms_services;
}
