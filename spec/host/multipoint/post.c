/* SPDX-License-Identifier: MIT */
/* Events on their way: HTTPS by libcurl, run by our loop.  The client's certificate has to be one
 * that it gave by SetSslCertificate, of the name that the URI has. */
#include "host.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PATIENCE = 10000, ANSWER_LIMIT = 65536, WAITING_LIMIT = 100000 };

#define SOAP "http://www.w3.org/2003/05/soap-envelope"
#define WSA  "http://www.w3.org/2005/08/addressing"

static void next(struct outlet *outlet);

/* ---- answers --------------------------------------------------------------------------------- */

static bool is(const xmlNode *node, const char *space, const char *name)
{
    return node && node->ns && strcmp((const char *) node->name, name) == 0 &&
           strcmp((const char *) node->ns->href, space) == 0;
}

static xmlNode *find(xmlNode *parent, const char *space, const char *name)
{
    xmlNode *child = parent ? xmlFirstElementChild(parent) : NULL;

    while (child && !is(child, space, name)) {
        child = xmlNextElementSibling(child);
    }
    return child;
}

static bool holds(xmlNode *element, const char *text)
{
    xmlChar *content = element ? xmlNodeGetContent(element) : NULL;
    bool same = content && strcmp((const char *) content, text) == 0;

    xmlFree(content);
    return same;
}

/* The text's two thirds of the operations are answered with an Action of their own and `Response`;
 * those of IMultiPointSystemOnlineEventSink with the request's. */
static bool is_action(const struct operation *operation, xmlNode *element)
{
    char action[160];

    snprintf(action, sizeof action, "http://MultiPoint/RemoteManagement/%s/%s%s",
             operation->interface, operation->name,
             strcmp(operation->interface, "IMultiPointCoreEventSink") == 0 ? "Response" : "");
    return holds(element, action);
}

/* "ok", or how the answer is wrong; of a fault, the code that says most. */
static void judge_envelope(const struct post *post, xmlNode *root, char *said, size_t size)
{
    xmlNode *header = find(root, SOAP, "Header"), *body = find(root, SOAP, "Body");
    xmlNode *content = body ? xmlFirstElementChild(body) : NULL;
    xmlNode *code = is(content, SOAP, "Fault") ? find(content, SOAP, "Code") : NULL;
    xmlNode *subcode = find(code, SOAP, "Subcode");
    char name[96];

    snprintf(name, sizeof name, "%sResponse", post->operation->name);
    if (code) {
        xmlChar *text = xmlNodeGetContent(find(subcode ? subcode : code, SOAP, "Value"));

        snprintf(said, size, "fault %s", text ? (const char *) text : "?");
        xmlFree(text);
    } else {
        snprintf(said, size, "%s",
                 !is(root, SOAP, "Envelope")                                    ? "no envelope"
                 : !holds(find(header, WSA, "RelatesTo"), post->id)             ? "other RelatesTo"
                 : !is_action(post->operation, find(header, WSA, "Action"))     ? "other Action"
                 : !is(content, "http://MultiPoint", name) || content->children ? "other body"
                                                                                : "ok");
    }
}

static void judge(const struct outlet *outlet, const char *problem, char *said, size_t size)
{
    const struct text *answer = &outlet->answer;
    long status = 0;
    xmlDoc *doc;

    if (problem) {
        snprintf(said, size, "curl %s", problem);
        return;
    }
    curl_easy_getinfo(outlet->transfer, CURLINFO_RESPONSE_CODE, &status);
    doc = answer->length ? xmlReadMemory(answer->data, (int) answer->length, NULL, NULL,
                                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
                         : NULL;
    if (doc) {
        judge_envelope(outlet->first, xmlDocGetRootElement(doc), said, size);
        xmlFreeDoc(doc);
    }
    if (!doc || (status != 200 && strncmp(said, "fault ", 6) != 0)) {
        snprintf(said, size, "http %ld", status);
    }
}

/* ---- one transfer ---------------------------------------------------------------------------- */

static void post_free(struct post *post)
{
    text_free(&post->envelope);
    free(post);
}

static void drop_first(struct outlet *outlet)
{
    struct post *post = outlet->first;

    outlet->first = post->next;
    if (!outlet->first) {
        outlet->last = &outlet->first;
    }
    outlet->waiting--;
    post_free(post);
}

static void transfer_end(struct outlet *outlet)
{
    if (outlet->transfer) {
        curl_multi_remove_handle(outlet->host->poster.multi, outlet->transfer);
        curl_easy_cleanup(outlet->transfer);
        curl_slist_free_all(outlet->headers);
        outlet->transfer = NULL;
        outlet->headers = NULL;
    }
}

/* The client's endpoint is there no more, it says: the one thing that ends a registration. */
static bool is_over(const char *said)
{
    return strcmp(said, "http 404") == 0 || strcmp(said, "http 410") == 0 ||
           strstr(said, ":DestinationUnreachable") || strstr(said, ":EndpointUnavailable");
}

static void transfer_done(struct outlet *outlet, const char *problem)
{
    struct host *host = outlet->host;
    char said[160];

    judge(outlet, problem, said, sizeof said);
    text_printf(&host->posts, " %s ", outlet->first->operation->name);
    text_percent(&host->posts, outlet->uri);
    text_puts(&host->posts, " ");
    text_percent(&host->posts, said);
    text_puts(&host->posts, "\n");
    host->posts_done++;
    transfer_end(outlet);
    drop_first(outlet);
    if (is_over(said)) {
        clients_drop_sink(host, outlet); /* a client's other outlet is none of the sinks */
    } else {
        next(outlet);
    }
    control_changed();
}

static size_t on_data(char *data, size_t size, size_t count, void *cls)
{
    struct outlet *outlet = cls;

    if (outlet->answer.length + size * count > ANSWER_LIMIT) {
        return 0;
    }
    text_add(&outlet->answer, data, size * count);
    return size * count;
}

/* ---- curl in the loop ------------------------------------------------------------------------ */

static void take_results(struct host *host)
{
    CURLMsg *message;
    int left;

    while (host->poster.multi && (message = curl_multi_info_read(host->poster.multi, &left))) {
        CURLcode result = message->data.result;
        char *outlet = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &outlet);
        transfer_done((struct outlet *) (void *) outlet,
                      result == CURLE_OK ? NULL : curl_easy_strerror(result));
    }
}

static void poster_act(struct host *host, curl_socket_t socket, int events)
{
    int running;

    curl_multi_socket_action(host->poster.multi, socket, events, &running);
    take_results(host);
}

#define HOST_OF(member, pointer) \
    ((struct host *) (void *) ((char *) (pointer) -offsetof(struct host, poster.member)))

static void poster_ready(struct watch *watch)
{
    struct host *host = HOST_OF(watch, watch);
    struct epoll_event event;

    if (epoll_wait(host->poster.epoll, &event, 1, 0) > 0) {
        poster_act(host, event.data.fd,
                   (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                       (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (event.events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    }
}

static void poster_due(struct timer *timer)
{
    poster_act(HOST_OF(timer, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long ms, void *cls)
{
    struct poster *poster = cls;

    (void) multi;
    if (ms < 0) {
        timer_clear(&poster->timer);
    } else {
        timer_set(&poster->timer, (uint64_t) ms, poster_due);
    }
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *cls, void *known)
{
    const struct poster *poster = cls;
    struct epoll_event event = {.data.fd = fd};

    (void) easy;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(poster->epoll, EPOLL_CTL_DEL, fd, NULL);
    } else {
        epoll_ctl(poster->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
        curl_multi_assign(poster->multi, fd, cls); /* from now on it is known */
    }
    return 0;
}

static void poster_start(struct host *host)
{
    struct poster *poster = &host->poster;
    char route[64];

    if (poster->multi) {
        return;
    }
    poster->epoll = epoll_create1(EPOLL_CLOEXEC);
    poster->multi = must(curl_multi_init());
    snprintf(route, sizeof route, "::%s:", host->sinks_at);
    poster->route = must(curl_slist_append(NULL, route));
    curl_multi_setopt(poster->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(poster->multi, CURLMOPT_SOCKETDATA, poster);
    curl_multi_setopt(poster->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(poster->multi, CURLMOPT_TIMERDATA, poster);
    poster->watch.ready = poster_ready;
    watch_add(&poster->watch, poster->epoll);
}

void poster_end(struct host *host)
{
    struct poster *poster = &host->poster;

    if (poster->multi) {
        watch_remove(poster->epoll);
        curl_multi_cleanup(poster->multi);
        curl_slist_free_all(poster->route);
        timer_clear(&poster->timer);
        close(poster->epoll);
        memset(poster, 0, sizeof *poster);
    }
}

/* ---- outlets --------------------------------------------------------------------------------- */

static struct curl_slist *headers_of(const struct post *post)
{
    struct curl_slist *list;
    struct text type = {NULL, 0, 0};

    text_printf(&type,
                "Content-Type: application/soap+xml; charset=utf-8; "
                "action=\"http://MultiPoint/RemoteManagement/%s/%s\"",
                post->operation->interface, post->operation->name);
    list = must(curl_slist_append(must(curl_slist_append(NULL, type.data)), "Expect:"));
    text_free(&type);
    return list;
}

/* Sends the first post, if nothing is under way. */
static void next(struct outlet *outlet)
{
    static char nothing[] = ""; /* to trust in */
    const struct post *post = outlet->first;
    struct host *host = outlet->host;
    const struct client *client;
    struct curl_blob roots = {NULL, 0, CURL_BLOB_COPY};
    CURL *easy;

    if (outlet->transfer || !post) {
        return;
    }
    poster_start(host);
    client = client_of(host, outlet->uri);
    roots.data = client ? client->roots.data : nothing;
    roots.len = client ? client->roots.length : 0;
    text_clear(&outlet->answer);
    easy = outlet->transfer = must(curl_easy_init());
    outlet->headers = headers_of(post);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, outlet);
    curl_easy_setopt(easy, CURLOPT_URL, outlet->uri);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, host->poster.route);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &roots);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) PATIENCE);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, outlet->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) post->envelope.length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->envelope.data);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, outlet);
    curl_multi_add_handle(host->poster.multi, easy);
}

void outlet_start(struct outlet *outlet, struct host *host, const char *uri)
{
    outlet->host = host;
    outlet->uri = copy(uri);
    outlet->last = &outlet->first;
}

void outlet_send(struct outlet *outlet, struct post *post)
{
    if (outlet->waiting == WAITING_LIMIT) {
        post_free(post);
        return;
    }
    post->next = NULL;
    *outlet->last = post;
    outlet->last = &post->next;
    outlet->waiting++;
    next(outlet);
}

void outlet_end(struct outlet *outlet)
{
    transfer_end(outlet);
    while (outlet->first) {
        drop_first(outlet);
    }
    text_free(&outlet->answer);
    free(outlet->uri);
}
