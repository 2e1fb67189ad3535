/* SPDX-License-Identifier: MIT */
/* link.c - connections to servers, which are kept between commands. */
#include "core/parts.h"
#include "core/watching.h"

/* A job leaves its link only when nothing of it is under way there, so a link can only become idle
 * in wms_link_left(). */
bool wms_link_is_idle(const struct wms_link *link)
{
    return node_alone(&link->jobs) && node_alone(&link->ops) && node_alone(&link->checks) &&
           node_alone(&link->watchers);
}

static void put_last(struct node *head, struct wms_link *link)
{
    node_remove(&link->node);
    node_append(head, &link->node);
}

static struct wms_link *link_new(wms_engine *engine, struct wms_server *server,
                                 const struct wms_provider *provider)
{
    struct wms_link *link = wms_zalloc(engine, sizeof *link);

    if (!link) {
        return NULL;
    }
    link->engine = engine;
    link->server = server;
    link->provider = provider;
    if (wms_binding_join(link)) {
        wms_free(engine, link);
        return NULL;
    }
    server->refs++;
    server->link = link;
    node_init(&link->node);
    node_init(&link->line);
    node_init(&link->ops);
    node_init(&link->checks);
    node_init(&link->jobs);
    node_init(&link->watchers);
    node_prepend(&engine->links, &link->all);
    engine->link_count++;
    return link;
}

void wms_link_free(struct wms_link *link, bool forked)
{
    wms_engine *engine = link->engine;

    if (link->connection) {
        link->provider->disconnect(link->connection, forked);
    }
    if (link->server->link == link) {
        link->server->link = NULL;
    }
    node_remove(&link->all);
    engine->link_count--;
    node_remove(&link->node);
    wms_binding_leave(link);
    wms_server_release(engine, link->server);
    wms_free(engine, link->text);
    wms_free(engine, link);
}

int wms_link_join(struct wms_job *job)
{
    wms_engine *engine = job->request->engine;

    struct wms_link *link = job->server->link;

    if (link && link->stamp && wms_binding_is_old(link)) {
        wms_link_retire(link);
        link = job->server->link;
    }
    if (!link) {
        const struct wms_provider *provider;
        int error = wms_engine_provider(engine, job->server->place.scheme, &provider);
        if (error) {
            return error;
        }
        link = link_new(engine, job->server, provider);
        if (!link) {
            return WMS_E_NO_MEMORY;
        }
        error = provider->connect(wms_provider_self(provider), engine->services, engine, link,
                                  &link->server->place.address, &link->connection);
        if (error) {
            link->connection = NULL;
            wms_link_broken(link, error, NULL);
        }
    } else {
        node_remove(&link->node); /* it is not idle any more */
    }
    job->link = link;
    node_append(&link->jobs, &job->node);
    return 0;
}

void wms_link_leave(struct wms_job *job)
{
    struct wms_link *link = job->link;

    if (!link) {
        return;
    }
    node_remove(&job->line);
    wms_link_decline_place(job);
    node_remove(&job->node);
    job->link = NULL;
    job->starved = false;
    wms_link_left(link);
}

void wms_link_left(struct wms_link *link)
{
    if (!wms_link_is_idle(link) || link->state == WMS_BROKEN) {
        return;
    }
    if (link->state == WMS_CONNECTING) {
        wms_link_broken(link, WMS_E_CANCELLED, NULL); /* nobody waits for it any more */
        return;
    }
    wms_engine *engine = link->engine;
    put_last(link->retired ? &engine->ending : &engine->idle, link);
    if (link->retired || engine->link_count > engine->links_kept) {
        engine->link_broken = true;
    }
}

/* ---- places ---------------------------------------------------------------------------------- */

bool wms_link_has_place(struct wms_job *job)
{
    struct wms_link *link = job->link;
    unsigned limit = link->provider->in_flight;

    if (!limit || link->active < limit || job->promised) {
        return true;
    }
    if (node_alone(&job->line)) {
        node_append(&link->line, &job->line);
    }
    return false;
}

void wms_link_take_place(struct wms_job *job)
{
    if (job->promised) {
        job->promised = false;
    } else {
        job->link->active++;
    }
}

void wms_link_give_place(struct wms_link *link)
{
    if (node_alone(&link->line)) {
        link->active--;
        return;
    }
    struct wms_job *job = NODE_OWNER(link->line.next, struct wms_job, line);
    node_remove(&job->line);
    job->promised = true;
    wms_job_kick(job);
}

void wms_link_decline_place(struct wms_job *job)
{
    if (job->promised) {
        job->promised = false;
        job->starved = false;
        wms_link_give_place(job->link);
    }
}

/* ---- the connection -------------------------------------------------------------------------- */

void wms_link_retire(struct wms_link *link)
{
    link->retired = true;
    if (link->server->link == link) {
        link->server->link = NULL;
    }
    wms_binding_leave(link);
    put_last(&link->engine->ending, link);
    link->engine->link_broken = true;
    /* Those of a broken link are told when it is freed. */
    for (struct node *node = link->watchers.next;
         link->state != WMS_BROKEN && node != &link->watchers; node = node->next) {
        struct wms_watched *watched = NODE_OWNER(node, struct wms_watched, on_link);
        watched->moves = true;
        wms_watched_stir(watched);
    }
}

void wms_link_kick(struct wms_link *link)
{
    for (struct node *node = link->jobs.next; node != &link->jobs; node = node->next) {
        wms_job_kick(NODE_OWNER(node, struct wms_job, node));
    }
}

void wms_link_ready(struct wms_link *link)
{
    if (link->state == WMS_CONNECTING) {
        link->state = WMS_UP;
        wms_link_kick(link);
    }
}

void wms_link_up(struct wms_link *link)
{
    if (link->state == WMS_BROKEN || link->was_up) {
        return;
    }
    link->was_up = true;
    wms_say(link->engine, WMS_INFO, "%s: connected", link->server->text);
    for (struct node *node = link->jobs.next; node != &link->jobs; node = node->next) {
        wms_job_progress(NODE_OWNER(node, struct wms_job, node));
    }
    wms_link_ready(link);
}

void wms_link_broken(struct wms_link *link, int code, const char *text)
{
    if (link->state == WMS_BROKEN) {
        return;
    }
    wms_engine_refine_error(link->engine, &code, &text);
    link->state = WMS_BROKEN;
    link->code = wms_error_code(code);
    link->text = text ? wms_copy(link->engine, text) : NULL;
    if (code != WMS_E_CANCELLED) {
        wms_say(link->engine, WMS_INFO, "%s: %s: %s", link->server->text,
                link->was_up ? "connection broken" : "no connection",
                text ? text : wms_error_text(link->code));
    }
    wms_link_retire(link);
    wms_link_kick(link);
}

void wms_links_close(wms_engine *engine, bool forked)
{
    while (!node_alone(&engine->links)) {
        wms_link_free(NODE_OWNER(engine->links.next, struct wms_link, all), forked);
    }
    engine->link_broken = false;
}
