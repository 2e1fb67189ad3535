/* SPDX-License-Identifier: MIT */
/* sessions.c - the session of a host: as a list, and observed by polling.
 *
 * A gateway tells of a host what it has heard last, which may be old.  So an observation asks by a
 * visit that was opened after the last command, and believes that a screen is locked, or is not,
 * only where its picture and the features say so both. */
#define _GNU_SOURCE
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "veyon/veyon.h"

/* ---- a list ---------------------------------------------------------------------------------- */

struct list {
    struct veyon_task task;
    struct veyon_look look;
};

static bool is_this_machine(const char *computer)
{
    char name[VEYON_NAME];

    if (gethostname(name, sizeof name)) {
        return false;
    }
    name[sizeof name - 1] = '\0';
    return strcasecmp(name, computer) == 0;
}

static int report(const struct list *list)
{
    const struct veyon_look *look = &list->look;
    const char *computer = list->task.host->computer;
    wms_session session;

    if (!*look->person.login) {
        return 0; /* a log-on screen is no session */
    }
    wms_session_init(&session);
    session.id.number = veyon_look_session(look);
    session.state = "active";
    session.user_name = look->person.login;
    session.computer_name = *computer ? computer : NULL;
    session.client_name = *look->machine.client ? look->machine.client : NULL;
    session.is_orchestratable = 1;
    session.is_own = *computer ? is_this_machine(computer) : -1;
    session.locked = veyon_look_locked(look);
    session.identity = look->person.login;
    session.logon_time = look->uptime < 0 ? -1 : (double) (time(NULL) - look->uptime);
    return list->task.host->all->net.services->session(list->task.op, &session);
}

static void listed(struct veyon_task *task, const struct veyon_reply *reply)
{
    struct list *list = (struct list *) task;
    struct veyon_host *host = task->host;
    struct wms_op *op = list->task.op;
    int error = reply->code ? 0 : report(list);

    veyon_task_end(task);
    if (reply->code) {
        veyon_reply_answer(host, op, reply);
    } else {
        host->all->net.services->answer(op, error, NULL);
    }
}

void veyon_list(struct veyon_host *host, struct wms_op *op)
{
    const char *text = NULL;
    int error = veyon_host_bound(host, &text);
    struct list *list = error ? NULL : veyon_task_new(host, sizeof *list, &op->data, NULL);

    error = error ? error : list ? 0 : WMS_E_NO_MEMORY;
    if (list) {
        list->task.op = op;
        error = veyon_look(&list->look, &list->task, VEYON_ALL_PARTS, listed);
    }
    if (error) {
        if (list) {
            veyon_task_end(&list->task);
        }
        host->all->net.services->answer(op, error, text);
    }
}

/* ---- observing ------------------------------------------------------------------------------- */

/* Seconds in which the features may follow the picture, after a connection was opened, and until it
 * is asked again meanwhile. */
static const double follows_after = 3, ask_again = 0.2;

struct watch {
    struct veyon_task task;
    struct wms_observer *observer;
    struct veyon_look look;
    struct wms_timer *timer; /* asks again */
    uint32_t id;
    int64_t uptime; /* of the session when that was told last; -1: not yet */
};

static void watch_free(struct veyon_task *task)
{
    task->host->all->net.services->timer_free(((struct watch *) task)->timer);
}

static void end_blind(struct watch *watch, int code, const char *text)
{
    const struct wms_services *services = watch->task.host->all->net.services;
    struct wms_observer *observer = watch->observer;

    veyon_task_end(&watch->task);
    services->blind(observer, code, text);
}

/* Whether the session that is meant is there: its number, its user, and that it is not another one
 * of that user's. */
static bool is_present(const struct watch *watch)
{
    const struct veyon_look *look = &watch->look;
    const struct veyon_host *host = watch->task.host;
    const char *login = look->person.login, *identity = watch->observer->identity;

    if (!*login || veyon_look_session(look) != watch->id ||
        (identity && strcmp(identity, login) != 0) ||
        veyon_is_younger(look->uptime, watch->uptime)) {
        return false;
    }
    return watch->observer->verb != WMS_CLOSE || !*host->closed_login ||
           (strcmp(login, host->closed_login) == 0 &&
            !veyon_is_younger(look->uptime, host->closed_uptime));
}

/* Whether it may be known soon: the connection is a new one, as it is for who looks what has become
 * of a command.  In a large room that had to wait for its place for longer than the caller wants to
 * wait for the session: so nothing is told until there is something to tell. */
static bool follows_soon(const struct watch *watch, const struct wms_sight *sight)
{
    const struct veyon_visit *visit = watch->task.host->visit;

    return sight->present && sight->locked < 0 && watch->observer->verb != WMS_CLOSE && visit &&
           visit->opened > 0 && veyon_now() - visit->opened < follows_after;
}

static void looked(struct veyon_task *task, const struct veyon_reply *reply)
{
    struct watch *watch = (struct watch *) task;

    if (reply->code) {
        end_blind(watch, reply->code, reply->text);
        return;
    }
    const struct wms_sight sight = {
        .present = is_present(watch),
        .locked = veyon_look_locked(&watch->look),
    };
    if (watch->look.uptime >= 0) {
        watch->uptime = watch->look.uptime;
    }
    if (follows_soon(watch, &sight)) {
        task->host->all->net.services->timer_set(watch->timer, ask_again);
    } else {
        task->host->all->net.services->seen(watch->observer, &sight);
    }
}

/* Asks once.  Called by the engine, also from within veyon_observe(). */
static void look(void *data)
{
    struct watch *watch = data;
    struct veyon *all = watch->task.host->all;

    net_enter(&all->net);
    int error = veyon_look(&watch->look, &watch->task, VEYON_ALL_PARTS, looked);
    if (error) {
        end_blind(watch, error, NULL);
    }
    net_leave(&all->net);
}

void veyon_observe(struct veyon_host *host, struct wms_observer *observer, const wms_id *id)
{
    const struct wms_services *services = host->all->net.services;
    const char *text = NULL;

    if (id->text) { /* the ids of these hosts are numbers only */
        services->seen(observer, &(struct wms_sight){.present = false, .locked = -1});
        return;
    }
    int error = veyon_host_bound(host, &text);
    struct watch *watch =
        error ? NULL : veyon_task_new(host, sizeof *watch, &observer->data, watch_free);
    if (!watch) {
        services->blind(observer, error ? error : WMS_E_NO_MEMORY, text);
        return;
    }
    watch->observer = observer;
    watch->id = id->number;
    watch->uptime = -1;
    veyon_host_refresh(host);
    watch->timer = services->timer_new(host->all->net.engine, look, watch);
    error = watch->timer ? 0 : WMS_E_NO_MEMORY;
    error = error ? error : wms_observe_by_polling(services, observer, look, watch);
    if (error) {
        end_blind(watch, error, NULL);
    }
}
