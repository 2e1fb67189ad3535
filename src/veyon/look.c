/* SPDX-License-Identifier: MIT */
/* look.c - what a host tells of its session, asked for one after the other by one visit. */
#include <stdio.h>

#include "veyon/veyon.h"

#define DIED "the gateway's connection to the host has died: it is off, or its session has ended"

/* What a gateway tells may be old by some seconds, so that only a time that has become less says
 * something. */
bool veyon_is_younger(int64_t uptime, int64_t before)
{
    return uptime >= 0 && before >= 0 && uptime + 1 < before;
}

signed char veyon_look_locked(const struct veyon_look *look)
{
    if (look->picture > 0 && look->screen) {
        return 1;
    }
    return look->picture == 0 && !look->screen && !look->input ? 0 : -1;
}

/* The number is not told for most of the time, and stays as long as its user.  In the mode with
 * several sessions, number n has the port 11100+n. */
uint32_t veyon_look_session(const struct veyon_look *look)
{
    const struct veyon_host *host = look->task->host;
    unsigned port = host->address->port;

    if (look->machine.session >= 0) {
        return (uint32_t) look->machine.session;
    }
    if (*look->person.login && strcmp(look->person.login, host->session_login) == 0) {
        return host->session;
    }
    return port > VEYON_PORT ? port - VEYON_PORT : 0;
}

static int ask_next(struct veyon_look *look);

static void end_with(struct veyon_look *look, int code, const char *text)
{
    look->done(look->task, &(struct veyon_reply){.code = code, .text = text});
}

static bool read_part(struct veyon_look *look, const struct veyon_reply *reply)
{
    struct veyon_host *host = look->task->host;
    bool locked;

    switch (look->asked) {
    case VEYON_MACHINE:
        if (!veyon_read_machine(reply->data, reply->size, &look->machine)) {
            return false;
        }
        if (look->machine.session >= 0 && look->machine.uptime >= 0) {
            look->uptime = look->machine.uptime;
            strcpy(host->computer, look->machine.computer);
            host->session = (uint32_t) look->machine.session;
            strcpy(host->session_login, look->person.login);
        }
        return true;
    case VEYON_PERSON:
        if (!veyon_read_person(reply->data, reply->size, &look->person)) {
            return false;
        }
        if (!*look->person.login) { /* nobody is logged on, or nothing is known: a picture tells */
            look->parts |= VEYON_PICTURE;
        }
        return true;
    case VEYON_SCREEN:
        return veyon_read_active(reply->data, reply->size, &look->screen);
    case VEYON_INPUT:
        return veyon_read_active(reply->data, reply->size, &look->input);
    default:
        if (!veyon_read_lock(reply->data, reply->size, &locked)) {
            return false;
        }
        look->picture = locked;
        return true;
    }
}

/* A visit that told something once, and now knows of nobody and has no picture: the connection has
 * died, and does not come to life again after a reboot.  Another one tells what is so. */
static bool is_dead(const struct veyon_look *look)
{
    return look->asked == VEYON_PICTURE && look->picture < 0 && !*look->person.login;
}

static bool begin_again(struct veyon_look *look)
{
    bool again = !look->again;

    look->again = true;
    look->asked = 0;
    if (again) {
        veyon_host_forget_visit(look->task->host);
    }
    return again;
}

static void got(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_look *look = ((struct veyon_task *) exchange->data)->data;
    bool none = reply->no_picture && look->asked == VEYON_PICTURE;

    if (reply->code && !none) {
        look->done(look->task, reply);
        return;
    }
    if (!none && !read_part(look, reply)) {
        end_with(look, WMS_E_PROTOCOL, VEYON_NO_FORM);
        return;
    }
    if (is_dead(look) && !begin_again(look)) {
        end_with(look, WMS_E_UNREACHABLE, DIED);
        return;
    }
    if (look->asked && look->asked * 2 > look->parts) {
        look->done(look->task, &(struct veyon_reply){.code = 0});
        return;
    }
    int error = ask_next(look);
    if (error) {
        end_with(look, error, NULL);
    }
}

static int ask_next(struct veyon_look *look)
{
    char feature[64];

    do {
        look->asked = look->asked ? look->asked * 2 : VEYON_PERSON;
    } while (!(look->asked & look->parts));
    snprintf(feature, sizeof feature, "feature/%s",
             veyon_feature_uuid[look->asked == VEYON_INPUT ? VEYON_INPUT_LOCK : VEYON_SCREEN_LOCK]);
    const struct veyon_question question = {
        .path = look->asked == VEYON_PERSON    ? "user"
                : look->asked == VEYON_MACHINE ? "session"
                : look->asked == VEYON_PICTURE ? VEYON_SMALL_PICTURE
                                               : feature,
    };
    return veyon_ask(look->task, &question, got);
}

int veyon_look(struct veyon_look *look, struct veyon_task *task, unsigned parts,
               void (*done)(struct veyon_task *task, const struct veyon_reply *reply))
{
    *look = (struct veyon_look){.task = task, .parts = parts, .done = done, .picture = -1};
    look->machine.session = look->uptime = -1;
    task->data = look;
    return ask_next(look);
}
