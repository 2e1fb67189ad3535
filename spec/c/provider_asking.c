/* SPDX-License-Identifier: MIT */
/* provider_asking.c - a provider whose hosts do not tell of changes: asking://NAME.  It uses the
 * service observe_by_polling().  Each host has the session 1, which is locked; from the third look
 * after an action on, it is unlocked, or gone if the action was to close or to disconnect it.
 *
 *     good             answers a look after 5 ms, as the others do where nothing else stands here
 *     at-once          answers it from inside ask()
 *     blind            cannot tell at the second look after the action
 *     blind-at-once    can never tell, and says so from inside ask()
 *     broken           breaks instead of the second look after the action
 *     silent           does not answer a look after the action
 *     faints           cannot tell any more while the action is under way, which takes 0.2 s
 *     old              is of an engine that does not have the service
 *
 * The log gets a line for each observer that ends, "asking: 3 looks", and for each mistake of the
 * engine's, "asking: wrong: ...". */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <wms/provider.h>

enum { LOOKS = 3 };

struct host {
    const struct wms_services *services;
    struct wms_services without; /* of an older engine */
    wms_engine *engine;
    struct wms_link *link;
    char name[32];
    bool acted; /* its session was acted on */
    unsigned watches;
    struct watch *watch; /* the newest */
    struct watch *over;  /* that have ended: kept, so that ask() for one of them is noticed */
    struct wms_op *op;
    struct wms_timer *done; /* with `op` */
};

struct watch {
    struct watch *next; /* host->over */
    struct host *host;
    struct wms_observer *observer; /* NULL: it has ended */
    struct wms_timer *answer;      /* of the look that is under way */
    bool asked, anew;              /* under way; it began after the action */
    unsigned looks;
    double answered; /* when the last look was */
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static bool is(const struct host *host, const char *name)
{
    return strcmp(host->name, name) == 0;
}

static void say(const struct host *host, const char *text)
{
    host->services->log(host->engine, WMS_DEBUG, text);
}

/* ---- looks ----------------------------------------------------------------------------------- */

static void watch_end(struct watch *watch)
{
    struct host *host = watch->host;
    char line[64];

    snprintf(line, sizeof line, "asking: %u looks", watch->looks);
    say(host, line);
    watch->observer->data = NULL;
    watch->observer = NULL;
    watch->next = host->over;
    host->over = watch;
    host->services->timer_free(watch->answer);
    host->watches--;
}

static void end_blind(struct watch *watch, int code, const char *text)
{
    const struct wms_services *services = watch->host->services;
    struct wms_observer *observer = watch->observer;

    watch_end(watch);
    services->blind(observer, code, text);
}

static void answered(void *data)
{
    struct watch *watch = data;
    bool changed = watch->anew && watch->looks >= LOOKS;
    bool ends = watch->observer->verb == WMS_CLOSE || watch->observer->verb == WMS_DISCONNECT;

    if (!watch->asked) { /* of "faints" */
        end_blind(watch, WMS_E_UNSUPPORTED, "it has fainted");
        return;
    }
    watch->asked = false;
    watch->answered = now();
    watch->host->services->seen(watch->observer, &(struct wms_sight){
                                                     .present = !changed || !ends,
                                                     .locked = !changed,
                                                 });
}

static void ask(void *data)
{
    struct watch *watch = data;
    struct host *host = watch->host;
    bool second = watch->anew && watch->looks == 1;

    if (!watch->observer) {
        say(host, "asking: wrong: asked after the end");
        return;
    }
    if (watch->asked) {
        say(host, "asking: wrong: asked before the answer");
    }
    /* The loop's clock has milliseconds. */
    if (watch->looks > 0 && now() - watch->answered < (watch->looks == 1 ? 0.038 : 0.058)) {
        say(host, "asking: wrong: asked too soon");
    }
    watch->asked = true;
    watch->looks++;
    if (is(host, "blind-at-once") || (second && is(host, "blind"))) {
        end_blind(watch, WMS_E_UNSUPPORTED, "it has no eyes");
    } else if (second && is(host, "broken")) {
        host->services->broken(host->link, WMS_E_UNREACHABLE, "it fell");
    } else if (is(host, "at-once")) {
        answered(watch);
    } else if (!watch->anew || !is(host, "silent")) {
        host->services->timer_set(watch->answer, 0.005);
    }
}

static void observe(void *data, struct wms_observer *observer, const wms_id *id)
{
    struct host *host = data;
    const struct wms_services *services = host->services;
    struct watch *watch = services->resize(host->engine, NULL, sizeof *watch);

    (void) id;
    if (!watch) {
        services->blind(observer, WMS_E_NO_MEMORY, NULL);
        return;
    }
    *watch = (struct watch){.host = host, .observer = observer, .anew = host->acted};
    observer->data = host->watch = watch;
    host->watches++;
    watch->answer = services->timer_new(host->engine, answered, watch);
    int error = WMS_E_NO_MEMORY;
    if (watch->answer) {
        const struct wms_services *offered = is(host, "old") ? &host->without : services;
        error = wms_observe_by_polling(offered, observer, ask, watch);
    }
    if (error) {
        end_blind(watch, error, NULL);
    }
}

static void unobserve(void *data, struct wms_observer *observer)
{
    (void) data;
    if (observer->data) {
        watch_end(observer->data);
    }
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void done(void *data)
{
    struct host *host = data;

    host->services->answer(host->op, 0, NULL);
}

static int connect_host(const struct wms_provider *self, const struct wms_services *services,
                        wms_engine *engine, struct wms_link *link,
                        const struct wms_address *address, void **ret_connection)
{
    struct host *host = services->resize(engine, NULL, sizeof *host);

    (void) self;
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    *host = (struct host){.services = services, .engine = engine, .link = link};
    host->without = *services;
    host->without.size = offsetof(struct wms_services, observe_by_polling);
    host->without.observe_by_polling = NULL;
    snprintf(host->name, sizeof host->name, "%s", address->host ? address->host : "");
    host->done = services->timer_new(engine, done, host);
    if (!host->done) {
        services->resize(engine, host, 0);
        return WMS_E_NO_MEMORY;
    }
    *ret_connection = host;
    services->up(link);
    return 0;
}

static void disconnect_host(void *data, bool forked)
{
    struct host *host = data;

    (void) forked;
    if (host->watches > 0) {
        say(host, "asking: wrong: an observer is left");
    }
    while (host->over) {
        struct watch *watch = host->over;
        host->over = watch->next;
        host->services->resize(host->engine, watch, 0);
    }
    host->services->timer_free(host->done);
    host->services->resize(host->engine, host, 0);
}

static void list(void *data, struct wms_op *op)
{
    struct host *host = data;
    wms_session session;

    wms_session_init(&session);
    session.id = (wms_id){.number = 1};
    session.is_orchestratable = 1;
    int error = host->services->session(op, &session);
    host->services->answer(op, error, NULL);
}

/* An observer goes blind while the action is under way, and between two questions. */
static void faint(struct host *host, struct wms_op *op)
{
    host->op = op;
    host->services->timer_set(host->done, 0.2);
    host->services->timer_set(host->watch->answer, 0.005);
}

static void act(void *data, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message)
{
    struct host *host = data;

    (void) verb, (void) id, (void) message;
    host->acted = true;
    host->services->sent(op);
    if (is(host, "faints")) {
        faint(host, op);
    } else {
        host->services->answer(op, 0, NULL);
    }
}

static void forget(void *data, struct wms_op *op)
{
    struct host *host = data;

    (void) op;
    host->services->timer_set(host->done, -1);
}

WMS_API const struct wms_provider *wms_provider_v1(void);

const struct wms_provider *wms_provider_v1(void)
{
    static const struct wms_provider provider = {
        WMS_PROVIDER_HEAD,
        .name = "asking",
        .can = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_CLOSE | 1u << WMS_DISCONNECT,
        .connect = connect_host,
        .disconnect = disconnect_host,
        .list = list,
        .act = act,
        .forget = forget,
        .observe = observe,
        .unobserve = unobserve,
    };
    return &provider;
}
