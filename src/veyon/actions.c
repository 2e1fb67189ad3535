/* SPDX-License-Identifier: MIT */
/* actions.c - lock, unlock, message, close, pictures, and features that a caller names.
 *
 * A gateway takes any command with "200", also for hosts at which nobody is logged on, and which it
 * cannot reach any more.  So it is asked who is there before, and whether it still knows the host
 * after. */
#include <stdio.h>

#include "veyon/veyon.h"

struct action {
    struct veyon_task task;
    struct veyon_look look;
    enum wms_verb verb;
    uint32_t id;
    enum veyon_feature feature; /* that is asked for next */
    bool put;                   /* a command was taken */
    const char *message;        /* the op's */
    char *body;
};

static void action_free(struct veyon_task *task)
{
    net_free(&task->host->all->net, ((struct action *) task)->body);
}

/* NULL: out of memory; the op is answered then. */
static struct action *action_new(struct veyon_host *host, struct wms_op *op, enum wms_verb verb)
{
    struct action *action = veyon_task_new(host, sizeof *action, &op->data, action_free);

    if (!action) {
        host->all->net.services->answer(op, WMS_E_NO_MEMORY, NULL);
        return NULL;
    }
    action->task.op = op;
    action->verb = verb;
    return action;
}

static void end_with(struct action *action, int code, const char *text)
{
    struct veyon_host *host = action->task.host;
    struct wms_op *op = action->task.op;
    bool put = action->put;

    veyon_task_end(&action->task);
    (put && code ? host->all->net.services->lost : host->all->net.services->answer)(op, code, text);
}

static void end_by(struct action *action, const struct veyon_reply *reply)
{
    struct veyon_host *host = action->task.host;
    struct wms_op *op = action->task.op;
    struct veyon_reply copy = *reply;

    copy.lost = copy.lost || (action->put && reply->code);
    veyon_task_end(&action->task);
    veyon_reply_answer(host, op, &copy);
}

/* ---- commands -------------------------------------------------------------------------------- */

#define MAYBE \
    "the gateway took the command and has lost the host: it may be carried out when the host is " \
    "back"

static void send_command(struct action *action);

static void answer(struct action *action)
{
    struct veyon_host *host = action->task.host;
    const struct wms_value none = {.kind = WMS_TABLE};
    int error =
        action->verb == WMS_CALL ? host->all->net.services->result(action->task.op, &none) : 0;

    end_with(action, error, NULL);
}

#define ENDED "the user has logged off meanwhile"

/* Nobody is logged on any more: whoever has a picture still knows the host, at which the session
 * has ended. */
static void got_sign(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct action *action = exchange->data;
    bool ended = !reply->code;

    if (ended && (action->verb == WMS_LOCK || action->verb == WMS_UNLOCK)) {
        action->put = false; /* nothing is left of it */
    }
    if (reply->code && !reply->no_picture) {
        end_by(action, reply);
    } else {
        end_with(action, ended ? WMS_E_NOT_FOUND : WMS_E_UNREACHABLE, ended ? ENDED : MAYBE);
    }
}

static void ask_after(struct action *action, const char *path,
                      void (*done)(struct veyon_exchange *exchange,
                                   const struct veyon_reply *reply))
{
    const struct veyon_question question = {.path = path};
    int error = veyon_ask(&action->task, &question, done);

    if (error) {
        end_with(action, error, NULL);
    }
}

/* Whether the gateway still knows the host, to which the command goes. */
static void asked_after(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct action *action = exchange->data;
    struct veyon_person person;

    if (reply->code) {
        end_by(action, reply);
    } else if (!veyon_read_person(reply->data, reply->size, &person)) {
        end_with(action, WMS_E_PROTOCOL, VEYON_NO_FORM);
    } else if (!*person.login && action->verb != WMS_CLOSE) {
        ask_after(action, VEYON_SMALL_PICTURE, got_sign);
    } else {
        answer(action);
    }
}

static void taken(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct action *action = exchange->data;

    if (reply->code) {
        end_by(action, reply);
        return;
    }
    action->put = true;
    if (!veyon_read_done(reply->data, reply->size)) {
        end_with(action, WMS_E_PROTOCOL, VEYON_NO_FORM);
    } else if (action->verb == WMS_UNLOCK && action->feature == VEYON_SCREEN_LOCK) {
        action->feature = VEYON_INPUT_LOCK;
        send_command(action);
    } else if (veyon_feature_ends(action->feature)) {
        answer(action);
    } else {
        ask_after(action, "user", asked_after);
    }
}

static void send_command(struct action *action)
{
    char path[64];
    const struct veyon_question question = {
        .method = VEYON_PUT, .path = path, .body = action->body, .op = action->task.op};

    snprintf(path, sizeof path, "feature/%s", veyon_feature_uuid[action->feature]);
    int error = action->body ? veyon_ask(&action->task, &question, taken) : WMS_E_NO_MEMORY;
    if (error) {
        end_with(action, error, NULL);
    }
}

/* ---- on the session -------------------------------------------------------------------------- */

static void show_message(struct action *action)
{
    const struct wms_services *services = action->task.host->all->net.services;

    if (action->look.screen) {
        services->note(action->task.op,
                       "the screen is locked: the message is seen when it is unlocked");
    }
    action->body =
        veyon_message_body(action->task.host->all, action->task.op->title, action->message);
    action->feature = VEYON_MESSAGE;
}

static void prepare(struct action *action)
{
    struct veyon_host *host = action->task.host;
    const struct veyon *all = host->all;

    switch (action->verb) {
    case WMS_MESSAGE:
        show_message(action);
        break;
    case WMS_CLOSE:
        strcpy(host->closed_login, action->look.person.login);
        host->closed_uptime = action->look.uptime;
        action->body = veyon_switch_body(all, true);
        action->feature = VEYON_LOGOFF;
        break;
    case WMS_LOCK:
        all->net.services->note(action->task.op, "Veyon shows no text on a locked screen");
        action->body = veyon_switch_body(all, true);
        action->feature = VEYON_SCREEN_LOCK;
        break;
    default:
        action->body = veyon_switch_body(all, false);
        action->feature = VEYON_SCREEN_LOCK;
        break;
    }
}

#define NOBODY \
    "nobody is logged on there, and Veyon can do nothing to a log-on screen, nor remember it"

static void looked(struct veyon_task *task, const struct veyon_reply *reply)
{
    struct action *action = (struct action *) task;
    const struct wms_services *services = task->host->all->net.services;
    const char *identity = wms_op_identity(services, action->task.op);
    const char *login = action->look.person.login;

    if (reply->code) {
        end_by(action, reply);
        return;
    }
    if (!*login) {
        end_with(action, WMS_E_NOT_FOUND, NOBODY);
        return;
    }
    if (veyon_look_session(&action->look) != action->id) {
        end_with(action, WMS_E_NOT_FOUND, NULL);
        return;
    }
    services->user(action->task.op, login);
    if (identity && strcmp(identity, login) != 0) {
        end_with(action, WMS_E_NOT_FOUND, "the session is another user's by now");
        return;
    }
    prepare(action);
    send_command(action);
}

/* ---- pictures -------------------------------------------------------------------------------- */

static void got_picture(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct action *action = exchange->data;
    int error = 0;

    if (reply->code && !reply->no_picture) {
        end_by(action, reply);
        return;
    }
    if (!reply->code) {
        error = action->task.host->all->net.services->thumbnail(action->task.op, reply->data,
                                                                reply->size);
    }
    end_with(action, error, error == WMS_E_PROTOCOL ? "what the gateway sends is no JPEG" : NULL);
}

static void looked_for_picture(struct veyon_task *task, const struct veyon_reply *reply)
{
    static const char *const paths[] = {
        [WMS_THUMBNAIL_SMALL] = "framebuffer?format=jpeg&width=160",
        [WMS_THUMBNAIL_MEDIUM] = "framebuffer?format=jpeg&width=320",
        [WMS_THUMBNAIL_LARGE] = "framebuffer?format=jpeg&width=640",
        [WMS_THUMBNAIL_FULL] = "framebuffer?format=jpeg",
    };
    struct action *action = (struct action *) task;
    const struct wms_services *services = task->host->all->net.services;
    const struct veyon_question question = {
        .path = paths[WMS_GIVEN(services, op, thumbnail_size) ? action->task.op->thumbnail_size
                                                              : WMS_THUMBNAIL_MEDIUM],
        .picture = true};

    if (reply->code) {
        end_by(action, reply);
    } else if (!*action->look.person.login || veyon_look_session(&action->look) != action->id) {
        end_with(action, WMS_E_NOT_FOUND, NULL);
    } else {
        services->user(action->task.op, action->look.person.login);
        int error = veyon_ask(task, &question, got_picture);
        if (error) {
            end_with(action, error, NULL);
        }
    }
}

/* ---- for the engine -------------------------------------------------------------------------- */

void veyon_act(struct veyon_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
               const char *message)
{
    const struct wms_services *services = host->all->net.services;
    const char *text = NULL;
    int error = id->text ? WMS_E_NOT_FOUND : veyon_host_bound(host, &text);

    if (error) {
        services->answer(op, error, text);
        return;
    }
    struct action *action = action_new(host, op, verb);
    if (!action) {
        return;
    }
    action->id = id->number;
    action->message = message;
    error = veyon_look(&action->look, &action->task,
                       VEYON_MACHINE | VEYON_PERSON | (verb == WMS_MESSAGE ? VEYON_SCREEN : 0),
                       verb == WMS_THUMBNAIL ? looked_for_picture : looked);
    if (error) {
        end_with(action, error, NULL);
    }
}

/* The host is there; whether somebody is logged on matters to what acts on a session. */
static void looked_for_host(struct veyon_task *task, const struct veyon_reply *reply)
{
    struct action *action = (struct action *) task;

    if (reply->code) {
        end_by(action, reply);
    } else if (!*action->look.person.login && !veyon_feature_ends(action->feature)) {
        end_with(action, WMS_E_NOT_FOUND, NOBODY);
    } else {
        send_command(action);
    }
}

/* WMS_CALL, WMS_REBOOT, WMS_POWER_OFF. */
void veyon_call(struct veyon_host *host, struct wms_op *op, const struct wms_call *call)
{
    const char *text = NULL;
    int error = veyon_host_bound(host, &text);

    if (error) {
        host->all->net.services->answer(op, error, text);
        return;
    }
    struct action *action = action_new(host, op, call->verb);
    if (!action) {
        return;
    }
    if (call->verb == WMS_CALL) {
        action->body = veyon_feature_body(host->all, call, &action->feature);
    } else {
        action->body = veyon_switch_body(host->all, true);
        action->feature = call->verb == WMS_REBOOT ? VEYON_REBOOT : VEYON_POWER_DOWN_NOW;
    }
    error = action->body ? veyon_look(&action->look, &action->task, VEYON_PERSON, looked_for_host)
                         : WMS_E_NO_MEMORY;
    if (error) {
        end_with(action, error, NULL);
    }
}
