/* SPDX-License-Identifier: MIT */
/* visit.c - a connection of the gateway's to a host: opened with the key, used, given back.
 *
 * Right after the host has let it in, the gateway knows nothing of it: nobody logged on, session
 * -1, no picture.  A session's number says that it has heard of the host; that nobody is logged on
 * is believed a while after the first picture only, which may come before the user's name.  A host
 * whose access rules refuse the key's user lets it in, and then tells nothing, ever. */
#include <stdio.h>

#include "veyon/veyon.h"

/* Seconds. */
static const double ask_again = 0.05, nobody_after = 1.5, nothing_after = 5, full_for = 10;
/* A gateway answers a command before it has sent it, and throws away what it has not sent when the
 * connection is given back: of eight commands, three were lost after 0.3 s, and none after 1.5. */
static const double sent_after = 2;

#define DENIED \
    "the host has accepted the key and tells nothing: its access rules may refuse this key's " \
    "group or user, or the connection to it has just died"

/* ---- its end --------------------------------------------------------------------------------- */

void veyon_visit_free(struct veyon_visit *visit)
{
    struct veyon_gateway *gateway = visit->gateway;

    if (visit->stage != VEYON_WAITING) {
        gateway->used--;
    }
    visit->own = veyon_drop(visit->own);
    if (visit->current) {
        visit->current->visit = NULL;
    }
    node_remove(&visit->node);
    gateway->all->net.services->timer_free(visit->timer);
    net_free(&gateway->all->net, visit);
}

void veyon_visit_over(struct veyon_visit *visit)
{
    struct veyon_gateway *gateway = visit->gateway;

    veyon_visit_free(visit);
    veyon_gateway_settle(gateway);
}

/* It did not come about. */
static void refuse(struct veyon_visit *visit, const struct veyon_reply *reply)
{
    struct veyon_gateway *gateway = visit->gateway;
    struct veyon_reply general = *reply;

    general.general = general.lost = true;
    general.stale = general.full = false;
    if (visit->owner) {
        visit->refused(visit, &general);
    }
    veyon_visit_free(visit);
    veyon_gateway_settle(gateway);
}

static void refuse_with(struct veyon_visit *visit, int code, const char *text)
{
    refuse(visit, &(struct veyon_reply){.code = code, .text = text});
}

/* ---- what it asks itself --------------------------------------------------------------------- */

/* The calls that name the host. */
static const char authentication[] = "authentication/", state[] = "hoststate/";

/* Errors: NO_MEMORY.  `body` becomes the exchange's, and is secret. */
static int ask(struct veyon_visit *visit, enum veyon_method method, const char *path, char *body,
               void (*done)(struct veyon_exchange *exchange, const struct veyon_reply *reply))
{
    struct veyon *all = visit->gateway->all;
    char whole[VEYON_HOST_MAX + 64];
    bool named = path == authentication || path == state;

    snprintf(whole, sizeof whole, "%s%s", path, named ? visit->place : "");
    const struct veyon_question question = {.method = method, .path = whole};
    visit->own = veyon_exchange_new(all, &question, done, visit);
    if (!visit->own) {
        veyon_free_secret(all, body);
        return WMS_E_NO_MEMORY;
    }
    visit->own->visit = visit;
    visit->own->body = body;
    visit->own->secret = body != NULL;
    veyon_exchange_start(visit->own, visit->gateway);
    return 0;
}

/* ---- giving back ----------------------------------------------------------------------------- */

static void left(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;
    (void) reply; /* whatever it says, nothing else can be done */

    visit->own = NULL;
    veyon_visit_over(visit);
}

static void close_visit(struct veyon_visit *visit)
{
    const struct veyon *all = visit->gateway->all;

    visit->own = veyon_drop(visit->own);
    visit->stage = VEYON_LEAVING;
    all->net.services->timer_set(visit->timer, -1);
    if (all->net.forked || ask(visit, VEYON_DELETE, authentication, NULL, left)) {
        veyon_visit_over(visit);
    }
}

struct veyon_visit *veyon_visit_leave(struct veyon_visit *visit)
{
    if (!visit) {
        return NULL;
    }
    visit->owner = NULL;
    visit->host = NULL;
    visit->binding = NULL;
    if (visit->stage == VEYON_WAITING) {
        veyon_visit_over(visit);
    } else {
        veyon_visit_rest(visit);
    }
    return NULL;
}

double veyon_visit_unsent(const struct veyon_visit *visit)
{
    double left = visit->changed ? visit->commanded + sent_after - veyon_now() : 0;

    return left > 0 ? left : 0;
}

/* One that is being opened is given back when the host has let it in: until then, or until the
 * gateway gives up, it has its place, whether somebody waits for it or not.  One whose command may
 * not have been sent yet stays for a while. */
void veyon_visit_rest(struct veyon_visit *visit)
{
    const struct veyon *all = visit->gateway->all;
    double left = veyon_visit_unsent(visit);

    if (visit->owner || visit->current ||
        (visit->stage != VEYON_ARRIVING && visit->stage != VEYON_READY)) {
        return;
    }
    if (left > 0 && !all->net.forked) {
        visit->own = veyon_drop(visit->own);
        all->net.services->timer_set(visit->timer, left);
    } else {
        close_visit(visit);
    }
}

/* ---- keeping it ------------------------------------------------------------------------------ */

static void touched(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;

    visit->own = NULL;
    if (!reply->stale) {
        veyon_gateway_settle(visit->gateway);
        return;
    }
    if (visit->host) {
        visit->host->visit = NULL;
        veyon_host_pump(visit->host); /* a question of its may wait for the visit */
    }
    veyon_visit_over(visit);
}

void veyon_visit_touch(struct veyon_visit *visit)
{
    visit->used = veyon_now();
    if (!visit->own) {
        ask(visit, VEYON_GET, "user", NULL, touched);
    }
}

/* ---- arriving -------------------------------------------------------------------------------- */

static void look_around(struct veyon_visit *visit);

static void look_again(void *data)
{
    struct veyon_visit *visit = data;
    struct veyon *all = visit->gateway->all;

    net_enter(&all->net);
    if (visit->owner) {
        look_around(visit);
    } else {
        veyon_visit_rest(visit);
    }
    net_leave(&all->net);
}

static void judge_arrival(struct veyon_visit *visit, bool picture)
{
    double now = veyon_now(), age = now - visit->opened;
    bool somebody = *visit->person.login;

    visit->pictured = picture && visit->pictured == 0 ? now : visit->pictured;
    if (somebody ? picture || age >= nothing_after
                 : picture && now - visit->pictured >= nobody_after) {
        visit->stage = VEYON_READY;
        visit->used = veyon_now();
        veyon_gateway_settle(visit->gateway);
        visit->arrived(visit);
    } else if (!picture && age >= nothing_after) {
        visit->refused(
            visit, &(struct veyon_reply){
                       .code = WMS_E_ACCESS_DENIED, .text = DENIED, .general = true, .lost = true});
        visit->owner = NULL;
        visit->host = NULL;
        close_visit(visit);
    } else {
        visit->gateway->all->net.services->timer_set(visit->timer, ask_again);
    }
}

/* False: it is over. */
static bool read_arrival(struct veyon_visit *visit, const struct veyon_reply *reply, bool read)
{
    visit->own = NULL;
    if (reply->full && veyon_now() - visit->opened < full_for) {
        visit->gateway->all->net.services->timer_set(visit->timer, full_for / 20);
        return false;
    }
    if (reply->code) {
        refuse(visit, reply);
        return false;
    }
    if (!read) {
        refuse_with(visit, WMS_E_PROTOCOL, VEYON_NO_FORM);
    }
    return read;
}

static void got_picture(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;
    struct veyon_reply none = {.code = 0};
    bool locked, read = reply->no_picture ||
                        (!reply->code && veyon_read_lock(reply->data, reply->size, &locked));

    if (read_arrival(visit, reply->no_picture ? &none : reply, read)) {
        judge_arrival(visit, !reply->no_picture);
    }
}

static void got_person(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;
    bool read = !reply->code && veyon_read_person(reply->data, reply->size, &visit->person);

    if (read_arrival(visit, reply, read) &&
        ask(visit, VEYON_GET, VEYON_SMALL_PICTURE, NULL, got_picture)) {
        refuse_with(visit, WMS_E_NO_MEMORY, NULL);
    }
}

static void look_around(struct veyon_visit *visit)
{
    if (ask(visit, VEYON_GET, "user", NULL, got_person)) {
        refuse_with(visit, WMS_E_NO_MEMORY, NULL);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

/* It gives its place back, and waits for its turn: as the first or the last. */
static void wait_again(struct veyon_visit *visit, bool first)
{
    struct veyon_gateway *gateway = visit->gateway;

    visit->stage = VEYON_WAITING;
    gateway->used--;
    node_remove(&visit->node);
    (first ? node_prepend : node_append)(&gateway->waiting, &visit->node);
    veyon_gateway_settle(gateway);
}

/* The gateway has no place, whoever has them: the visit waits again, or has waited for too long. */
static void open_again(struct veyon_visit *visit)
{
    struct veyon_gateway *gateway = visit->gateway;
    double now = veyon_now();

    visit->since = visit->since > 0 ? visit->since : now;
    if (now - visit->since >= full_for) {
        refuse_with(visit, WMS_E_BUSY,
                    "the gateway has had no place for one more connection for 10 s; end other "
                    "programs that use it, or wait for a minute: so long it keeps the places of "
                    "those that have ended");
        return;
    }
    wait_again(visit, true);
    veyon_gateway_full(gateway);
}

static void opened(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;

    visit->own = NULL;
    if (reply->full && visit->owner) {
        open_again(visit);
    } else if (reply->unready && visit->owner && !visit->unready) {
        visit->unready = true;
        visit->hint = VEYON_OFF; /* it may take as long again */
        wait_again(visit, true);
    } else if (reply->code) {
        refuse(visit, reply);
    } else if (!veyon_read_uid(reply->data, reply->size, visit->uid)) {
        refuse_with(visit, WMS_E_PROTOCOL, "the gateway's answer names no connection");
    } else {
        visit->opened = visit->used = veyon_now();
        visit->pictured = 0;
        visit->stage = VEYON_ARRIVING;
        veyon_gateway_settle(visit->gateway); /* one less is being opened */
        if (visit->owner) {
            look_around(visit);
        } else {
            close_visit(visit);
        }
    }
}

void veyon_visit_open(struct veyon_visit *visit)
{
    const struct veyon *all = visit->gateway->all;
    char text[VEYON_SENTENCE] = "", *body = NULL;

    visit->stage = VEYON_OPENING;
    int error = veyon_trust_check(visit->gateway, text);
    error = error ? error : veyon_binding_body(all, visit->binding, &body, text);
    error = error ? error : ask(visit, VEYON_POST, authentication, body, opened);
    if (error) {
        refuse_with(visit, error, *text ? text : NULL);
    }
}

/* What a gateway says of a host may be wrong (a name that is looked up slowly): it decides whose
 * turn it is, and ends nothing but what is not worth the wait. */
static void asked(struct veyon_exchange *exchange, const struct veyon_reply *reply)
{
    struct veyon_visit *visit = exchange->data;

    visit->own = NULL;
    if (!visit->owner) {
        veyon_visit_over(visit);
    } else if (reply->full) {
        open_again(visit);
    } else if (reply->general) {
        refuse(visit, reply);
    } else if (!reply->code && veyon_read_online(reply->data, reply->size)) {
        visit->hint = VEYON_ON;
        veyon_gateway_settle(visit->gateway); /* one less is being asked */
        veyon_visit_open(visit);
    } else {
        visit->hint = VEYON_OFF;
        if (visit->if_on) {
            refuse(visit, &(struct veyon_reply){.code = WMS_E_UNREACHABLE, .silent = true});
        } else {
            wait_again(visit, false);
        }
    }
}

void veyon_visit_ask(struct veyon_visit *visit)
{
    char text[VEYON_SENTENCE] = "";

    visit->stage = VEYON_ASKING;
    int error = veyon_trust_check(visit->gateway, text);
    error = error ? error : ask(visit, VEYON_GET, state, NULL, asked);
    if (error) {
        refuse_with(visit, error, *text ? text : NULL);
    }
}

/* ---- its beginning --------------------------------------------------------------------------- */

/* The host as a part of a path.  An IPv6 address may have a '%' in it. */
static void print_place(const struct wms_address *address, char place[VEYON_HOST_MAX])
{
    bool six = strchr(address->host, ':');
    const char *zone = strchr(address->host, '%');
    size_t length = zone ? (size_t) (zone - address->host) : strlen(address->host);
    int used = snprintf(place, VEYON_HOST_MAX, "%s%.*s%s%s%s", six ? "[" : "", (int) length,
                        address->host, zone ? "%25" : "", zone ? zone + 1 : "", six ? "]" : "");

    if (address->port && address->port != VEYON_PORT && used > 0 && used < VEYON_HOST_MAX) {
        snprintf(place + used, (size_t) (VEYON_HOST_MAX - used), ":%u", address->port);
    }
}

struct veyon_visit *
veyon_visit_new(struct veyon_gateway *gateway, const struct wms_address *address,
                const struct veyon_binding *binding, void *owner,
                void (*arrived)(struct veyon_visit *visit),
                void (*refused)(struct veyon_visit *visit, const struct veyon_reply *reply))
{
    struct veyon *all = gateway->all;
    struct veyon_visit *visit = net_alloc(&all->net, sizeof *visit);

    if (!visit) {
        return NULL;
    }
    visit->timer = all->net.services->timer_new(all->net.engine, look_again, visit);
    if (!visit->timer) {
        net_free(&all->net, visit);
        return NULL;
    }
    visit->gateway = gateway;
    visit->binding = binding;
    visit->owner = owner;
    visit->arrived = arrived;
    visit->refused = refused;
    print_place(address, visit->place);
    node_append(&gateway->waiting, &visit->node);
    return visit;
}
