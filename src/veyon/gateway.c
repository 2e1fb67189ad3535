/* SPDX-License-Identifier: MIT */
/* gateway.c - one gateway, and how many connections to hosts it may have for us.
 *
 * It lets visits begin and end.  What visits and hosts tell it, they leave as marks (veyon.h),
 * which are looked at in veyon_gateways_settle(). */
#include <poll.h>

#include "veyon/veyon.h"

/* Seconds.  The gateway ends what was not used for a minute. */
static const double touch_after = 40;

static struct veyon_visit *visit_at(struct node *node)
{
    return NODE_OWNER(node, struct veyon_visit, node);
}

bool veyon_gateway_rests(const struct veyon_gateway *gateway)
{
    return gateway->full_until > veyon_now();
}

/* ---- places ---------------------------------------------------------------------------------- */

/* What is under way, and would not end for a while if the hosts were off, and what may follow. */
struct under_way {
    unsigned unsure, asking, unasked;
};

static struct under_way count(struct veyon_gateway *gateway)
{
    struct under_way sum = {0, 0, 0};

    for (struct node *node = gateway->visits.next; node != &gateway->visits; node = node->next) {
        const struct veyon_visit *visit = visit_at(node);
        sum.unsure += visit->stage == VEYON_OPENING && visit->hint != VEYON_ON;
        sum.asking += visit->stage == VEYON_ASKING;
    }
    for (struct node *node = gateway->waiting.next; node != &gateway->waiting; node = node->next) {
        sum.unasked += visit_at(node)->hint == VEYON_UNASKED;
    }
    return sum;
}

/* Nobody waits for anything by it. */
static bool is_idle(const struct veyon_visit *visit)
{
    return visit->stage == VEYON_READY && !visit->current && visit->host &&
           node_alone(&visit->host->tasks);
}

static void give_back(struct veyon_visit *visit)
{
    visit->host->visit = veyon_visit_leave(visit);
}

/* Gives back the visit that was not used for the longest time, for one that waits. */
static void make_place(struct veyon_gateway *gateway)
{
    struct veyon_visit *oldest = NULL;

    for (struct node *node = gateway->visits.next; node != &gateway->visits; node = node->next) {
        struct veyon_visit *visit = visit_at(node);
        if (visit->stage == VEYON_LEAVING || (visit->stage == VEYON_READY && !visit->owner)) {
            return; /* there will be one */
        }
        if (is_idle(visit) && (!oldest || visit->used < oldest->used)) {
            oldest = visit;
        }
    }
    if (oldest) {
        give_back(oldest);
    }
}

/* A gateway says of names and IPv4 addresses whether Veyon answers there, at its usual port. */
static bool may_be_asked(const struct veyon_visit *visit)
{
    return !strchr(visit->place, ':');
}

/* Whether there are so few hosts that they are opened without asking: whoever commands a single one
 * does not wait for another answer. */
static bool are_few(const struct under_way *now)
{
    return now->unsure + now->unasked <= VEYON_UNASKED_MAX;
}

/* Whether it is its turn, as far as the hosts go that may be off.  Those whose hosts are known to
 * be on never wait for others. */
static bool has_turn(const struct veyon_visit *visit, const struct under_way *now)
{
    switch (visit->hint) {
    case VEYON_ON:
        return true;
    case VEYON_UNASKED:
        return may_be_asked(visit) ? are_few(now) || now->asking < VEYON_ASKING_MAX
                                   : now->unsure < VEYON_UNSURE_MAX;
    default:
        return now->unsure < VEYON_UNSURE_MAX;
    }
}

/* Who is next: hosts that are on come before those that are not; NULL: nobody. */
static struct veyon_visit *find_next(struct veyon_gateway *gateway)
{
    const struct under_way now = count(gateway);
    struct veyon_visit *next = NULL;

    for (struct node *node = gateway->waiting.next; node != &gateway->waiting; node = node->next) {
        struct veyon_visit *visit = visit_at(node);
        if (has_turn(visit, &now)) {
            if (visit->hint != VEYON_OFF) {
                return visit;
            }
            next = next ? next : visit;
        }
    }
    return next;
}

static void begin(struct veyon_gateway *gateway, struct veyon_visit *visit)
{
    const struct under_way now = count(gateway);
    bool asks = visit->hint == VEYON_UNASKED && may_be_asked(visit) && !are_few(&now);

    node_remove(&visit->node);
    node_append(&gateway->visits, &visit->node);
    gateway->used++;
    (asks ? veyon_visit_ask : veyon_visit_open)(visit);
}

static void let_in(struct veyon_gateway *gateway)
{
    struct veyon_visit *next;

    while (!veyon_gateway_rests(gateway) && (next = find_next(gateway))) {
        if (gateway->used >= VEYON_VISITS_MAX) {
            make_place(gateway);
            return;
        }
        begin(gateway, next);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void set_timer(struct veyon_gateway *gateway)
{
    double now = veyon_now(), next = gateway->full_until > now ? gateway->full_until : 0;
    bool rests = next > 0;

    for (struct node *node = gateway->visits.next; !rests && node != &gateway->visits;
         node = node->next) {
        const struct veyon_visit *visit = visit_at(node);
        if (visit->stage == VEYON_READY && visit->host &&
            (next == 0 || visit->used + touch_after < next)) {
            next = visit->used + touch_after;
        }
    }
    gateway->all->net.services->timer_set(gateway->timer, next == 0    ? -1
                                                          : next > now ? next - now
                                                                       : 0);
}

/* Whose turn it is to be kept alive, or given back; NULL: none's. */
static struct veyon_visit *find_old(struct veyon_gateway *gateway, double now)
{
    for (struct node *node = gateway->visits.next; node != &gateway->visits; node = node->next) {
        struct veyon_visit *visit = visit_at(node);
        if (visit->stage == VEYON_READY && visit->host && now - visit->used >= touch_after) {
            return visit;
        }
    }
    return NULL;
}

static void tend(struct veyon_gateway *gateway)
{
    double now = veyon_now();
    struct veyon_visit *visit;

    if (veyon_gateway_rests(gateway)) {
        return;
    }
    while ((visit = find_old(gateway, now))) {
        if (is_idle(visit)) {
            give_back(visit);
        } else {
            veyon_visit_touch(visit);
        }
    }
    for (struct node *node = gateway->visits.next; node != &gateway->visits; node = node->next) {
        if (visit_at(node)->host) {
            veyon_host_pump(visit_at(node)->host);
        }
    }
}

static void timer_fired(void *data)
{
    struct veyon_gateway *gateway = data;
    struct veyon *all = gateway->all;

    net_enter(&all->net);
    tend(gateway);
    veyon_gateway_settle(gateway);
    net_leave(&all->net);
}

void veyon_gateways_settle(struct veyon *all)
{
    for (struct node *node = all->gateways.next; node != &all->gateways; node = node->next) {
        struct veyon_gateway *gateway = NODE_OWNER(node, struct veyon_gateway, node);
        while (
            gateway->due) { /* what ends at once, such as for want of memory, makes it due anew */
            gateway->due = false;
            let_in(gateway);
            set_timer(gateway);
        }
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_of(const struct veyon_gateway *gateway, const char *url, const unsigned char *sha256)
{
    return strcmp(gateway->url, url) == 0 && gateway->pinned == (sha256 != NULL) &&
           (!sha256 || memcmp(gateway->sha256, sha256, NET_SHA256) == 0);
}

static struct veyon_gateway *gateway_new(struct veyon *all, const char *url,
                                         const unsigned char *sha256)
{
    char text[VEYON_SENTENCE];
    struct veyon_gateway *gateway = net_alloc(&all->net, sizeof *gateway + strlen(url) + 1);

    if (!gateway) {
        return NULL;
    }
    gateway->timer = all->net.services->timer_new(all->net.engine, timer_fired, gateway);
    if (!gateway->timer || veyon_gateway_parse(url, &gateway->place, text)) {
        all->net.services->timer_free(gateway->timer);
        net_free(&all->net, gateway);
        return NULL;
    }
    strcpy(gateway->url, url);
    gateway->pinned = sha256 != NULL;
    if (sha256) {
        memcpy(gateway->sha256, sha256, NET_SHA256);
    }
    gateway->all = all;
    node_init(&gateway->visits);
    node_init(&gateway->waiting);
    node_init(&gateway->peer.sockets);
    node_append(&all->gateways, &gateway->node);
    return gateway;
}

struct veyon_gateway *veyon_gateway_get(struct veyon *all, const struct veyon_binding *binding)
{
    unsigned char expected[NET_SHA256], *sha256 = binding->fingerprint ? expected : NULL;

    if (sha256 && !net_fingerprint_parse(binding->fingerprint, expected)) {
        return NULL;
    }
    for (struct node *node = all->gateways.next; node != &all->gateways; node = node->next) {
        struct veyon_gateway *gateway = NODE_OWNER(node, struct veyon_gateway, node);
        if (is_of(gateway, binding->gateway, sha256)) {
            return gateway;
        }
    }
    return gateway_new(all, binding->gateway, sha256);
}

/* Until the gateway has sent the commands of the visits that are left, if they are so many that
 * whoever comes next would find it full: the whole program waits, for two seconds at most.  A
 * signal ends it. */
static void await_sending(const struct veyon_gateway *gateway)
{
    unsigned count = 0;
    double left = 0;

    for (struct node *node = gateway->visits.next; node != &gateway->visits; node = node->next) {
        double more = veyon_visit_unsent(visit_at(node));
        count += more > 0;
        left = more > left ? more : left;
    }
    if (count > VEYON_LEFT_MAX) {
        poll(NULL, 0, (int) (left * 1000) + 1);
    }
}

/* Gives back what can be given back now. */
static void give_back_all(struct veyon_gateway *gateway)
{
    for (struct node *node = gateway->visits.next, *next; node != &gateway->visits; node = next) {
        struct veyon_visit *visit = visit_at(node);
        next = node->next; /* it may end here */
        if (veyon_visit_unsent(visit) <= 0) {
            veyon_visit_rest(visit);
        }
    }
}

/* Whether a question has not left yet. */
static bool is_any_here(struct veyon *all)
{
    struct node *running = &all->net.running;

    for (struct node *node = running->next; node != running; node = node->next) {
        if (!NODE_OWNER(node, struct net_transfer, node)->left) {
            return true;
        }
    }
    return false;
}

/* What the engine's end leaves: visits without hosts.  Those that can be given back are, without
 * waiting for an answer; the gateway forgets the others after a minute. */
static void say_goodbye(struct veyon *all)
{
    enum { STEP = 50 };           /* milliseconds */
    static const double most = 1; /* seconds */

    if (all->net.forked) {
        return;
    }
    for (struct node *node = all->gateways.next; node != &all->gateways; node = node->next) {
        struct veyon_gateway *gateway = NODE_OWNER(node, struct veyon_gateway, node);
        await_sending(gateway);
        give_back_all(gateway);
    }
    veyon_exchanges_start(all);
    for (double until = veyon_now() + most; is_any_here(all) && veyon_now() < until;) {
        net_go_on(&all->net, STEP);
    }
}

void veyon_gateways_free(struct veyon *all)
{
    say_goodbye(all);
    while (!node_alone(&all->gateways)) {
        struct veyon_gateway *gateway = NODE_OWNER(all->gateways.next, struct veyon_gateway, node);
        while (!node_alone(&gateway->visits)) {
            veyon_visit_free(visit_at(gateway->visits.next));
        }
        while (!node_alone(&gateway->waiting)) {
            veyon_visit_free(visit_at(gateway->waiting.next));
        }
        veyon_exchanges_free(&all->dropped); /* which give their handles back to their gateways */
        curl_easy_cleanup(gateway->spare);
        net_sockets_forget(&gateway->peer);
        all->net.services->timer_free(gateway->timer);
        node_remove(&gateway->node);
        net_free(&all->net, gateway);
    }
}
