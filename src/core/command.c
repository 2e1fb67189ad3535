/* SPDX-License-Identifier: MIT */
/* command.c - takes a command apart into jobs and items. */
#include <stdio.h>
#include <string.h>

#include "core/abi.h"
#include "core/parts.h"
#include "core/serverlist.h"

enum { VERIFY_DEFAULT = 3 };

void wms_command_defaults(wms_command *command, enum wms_verb verb)
{
    wms_command_init(command, verb);
}

int wms_command_take(wms_engine *engine, const wms_command *command, wms_command *ret_whole)
{
    enum { SIZE_MAX_EVER = 4096 };

    if (command->size < WMS_COMMAND_0_1 || command->size > SIZE_MAX_EVER) {
        return wms_complain(engine, "command: not made by wms_command_init()");
    }
    wms_command_init(ret_whole, command->verb);
    wms_take(ret_whole, sizeof *ret_whole, command, command->size);
    ret_whole->size = sizeof *ret_whole;
    return 0;
}

/* ---- servers and sessions -------------------------------------------------------------------- */

/* One session that was asked for. */
struct pick {
    struct wms_server *server;
    const char *text, *user_name, *identity;
    wms_id id;
    uint32_t job;
    bool whole; /* not a session, but all of the server's */
};

/* Two targets of one id but of different identities are different sessions: one of them has ended,
 * and the host has given its id to the other. */
static bool same_session(const struct pick *a, const struct pick *b)
{
    return wms_id_equal(&a->id, &b->id) &&
           (!a->identity || !b->identity || strcmp(a->identity, b->identity) == 0);
}

static bool same_pick(const void *picks, size_t number, const void *key)
{
    const struct pick *a = (const struct pick *) picks + number;
    const struct pick *b = key;

    return a->server == b->server && same_session(a, b);
}

static int get_server(wms_engine *engine, const char *text, struct wms_server **ret_server)
{
    int error = wms_server_get(engine, text, ret_server);
    if (error) {
        return error;
    }
    const char *scheme = (*ret_server)->place.scheme;
    const struct wms_provider *provider;
    error = wms_scheme_known(scheme) ? 0 : wms_engine_provider(engine, scheme, &provider);
    if (error == WMS_E_NO_PROVIDER && wms_engine_is_unloaded(engine, scheme)) {
        error = 0; /* the outcome tells why */
    } else if (error == WMS_E_NO_PROVIDER) {
        error = wms_complain(engine,
                             "server: unknown scheme '%s'; give memory://, logind://, "
                             "multipoint://, veyon:// or wts://",
                             scheme);
    }
    if (error) {
        wms_server_release(engine, *ret_server);
    }
    return error;
}

static bool keep_text(struct wms_job *job, const char **text)
{
    *text = *text ? wms_job_keep(job, *text) : NULL;
    return *text;
}

static int add_item(struct wms_job *job, const struct pick *pick)
{
    struct wms_item *item = &job->items[job->count];

    item->job = job;
    item->id = pick->id;
    item->user_name = pick->user_name;
    item->identity = pick->identity;
    item->changed = -1;
    if ((pick->id.text && !keep_text(job, &item->id.text)) ||
        (pick->user_name && !keep_text(job, &item->user_name)) ||
        (pick->identity && !keep_text(job, &item->identity))) {
        return WMS_E_NO_MEMORY;
    }
    job->count++;
    job->request->expected++;
    return 0;
}

static int new_job(wms_request *request, struct wms_server *server, const char *text, size_t items)
{
    return wms_job_init(&request->jobs[request->job_count++], request, server, text, items);
}

/* Checks the ids and removes duplicates: those that are kept are moved to the front of `picks`. */
static int pick_once(wms_engine *engine, struct pick *picks, size_t count, size_t *ret_count)
{
    struct wms_idset set = {0};
    size_t kept = 0;
    int error = count > 1 ? wms_idset_open(&set, engine, count) : 0;

    for (size_t i = 0; !error && i < count; i++) {
        error = picks[i].whole ? 0
                               : wms_id_check(&picks[i].id, engine->base.complaint,
                                              sizeof engine->base.complaint);
        if (error) {
            break;
        }
        if (count > 1 && !picks[i].whole) {
            uint64_t hash = wms_id_hash(&engine->key, &picks[i].id) ^
                            picks[i].server->mark * UINT64_C(2654435761);
            uint32_t *slot = wms_idset_find(&set, hash, same_pick, picks, &picks[i]);
            if (*slot) {
                continue;
            }
            *slot = (uint32_t) kept + 1;
        }
        picks[kept++] = picks[i];
    }
    wms_idset_close(&set, engine);
    *ret_count = kept;
    return error;
}

/* The servers that a command means, while it is taken apart. */
struct servers {
    const char *const *texts;
    size_t count;
    const char **room; /* NULL: `texts` are the command's own */
    struct wms_serverset set;
};

static bool are_plain(const wms_command *command)
{
    for (size_t i = 0; i < command->server_count; i++) {
        if (!wms_serverlist_is_plain(command->servers[i])) {
            return false;
        }
    }
    return true;
}

static int read_servers(wms_engine *engine, const wms_command *command, struct servers *servers)
{
    static const char *const here[] = {NULL};
    bool some = command->server_count > 0;

    *servers = (struct servers){.texts = some ? command->servers : here,
                                .count = some ? command->server_count : 1};
    if (are_plain(command)) {
        return 0;
    }
    int error = wms_engine_read_list(engine, servers->texts, servers->count, &servers->set);
    if (error) {
        return error;
    }
    servers->room = wms_zalloc(engine, servers->set.count * sizeof *servers->room);
    servers->texts = servers->room;
    servers->count = 0;
    for (const struct wms_setserver *server = wms_serverset_next(servers->set.first);
         servers->room && server; server = wms_serverset_next(server->next)) {
        servers->room[servers->count++] = server->text;
    }
    if (!servers->room) {
        wms_serverset_close(&servers->set);
        return WMS_E_NO_MEMORY;
    }
    return 0;
}

static void close_servers(wms_engine *engine, struct servers *servers)
{
    if (servers->room) {
        wms_serverset_close(&servers->set);
        wms_free(engine, servers->room);
    }
}

/* Gives jobs calls of their own, with the fingerprint that is expected of their host.  The servers
 * of the jobs are marked with the jobs' numbers, from 1 on. */
static int pin_jobs(wms_engine *engine, const wms_command *command, wms_request *request)
{
    for (size_t i = 0; i < command->pin_count; i++) {
        const wms_pin *pin = &command->pins[i];
        struct wms_server *server;
        if (wms_server_known(engine, pin->server, &server)) {
            char why[256];
            snprintf(why, sizeof why, "%s", engine->base.complaint + strlen("server: "));
            return wms_complain(engine, "fingerprints: %.80s: %s", pin->server, why);
        }
        if (!server || !server->mark) {
            continue; /* of another host: the list may be about more than this command */
        }
        struct wms_job *job = &request->jobs[server->mark - 1];
        struct wms_call *call = wms_slab_room(&job->slab, engine, sizeof *call);
        if (!call) {
            return WMS_E_NO_MEMORY;
        }
        *call = request->call;
        call->fingerprint = wms_job_keep(job, pin->fingerprint);
        if (!call->fingerprint) {
            return WMS_E_NO_MEMORY;
        }
        job->call = call;
    }
    return 0;
}

/* What is true of one host only, where there are several. */
static int check_one(wms_engine *engine, const wms_command *command, const wms_request *request)
{
    const char *name = command->certificate_name ? "certificate_name"
                       : command->thumbprint     ? "thumbprint"
                       : command->fingerprint && !command->gateway
                           ? "fingerprint" /* a gateway's is that of all its hosts */
                           : NULL;

    if (request->job_count < 2 || !name) {
        return 0;
    }
    return command->fingerprint
               ? wms_complain(engine, "fingerprint: of one host, but there are several; give "
                                      "`fingerprints`, by server")
               : wms_complain(engine,
                              "%s: of one host, but there are several; bind that host alone", name);
}

/* `ids` on each of the servers. */
static int build_from_list(wms_engine *engine, const wms_command *command,
                           const struct servers *servers, wms_request *request)
{
    size_t server_count = servers->count;
    struct pick one, *picks = &one;
    size_t count = 0;
    int error = 0;

    request->jobs = wms_zalloc(engine, server_count * sizeof *request->jobs);
    if (!request->jobs) {
        return WMS_E_NO_MEMORY;
    }
    if (command->id_count > 1) {
        picks = wms_zalloc(engine, command->id_count * sizeof *picks);
        if (!picks) {
            return WMS_E_NO_MEMORY;
        }
    }
    struct wms_server nowhere = {0};
    for (size_t i = 0; !error && i < command->id_count; i++) {
        picks[i] = (struct pick){.server = &nowhere, .id = command->ids[i]};
    }
    error = error ? error : pick_once(engine, picks, command->id_count, &count);
    for (size_t i = 0; !error && i < server_count; i++) {
        struct wms_server *server;
        error = get_server(engine, servers->texts[i], &server);
        if (error) {
            break;
        }
        if (server->mark) { /* named twice */
            wms_server_release(engine, server);
            continue;
        }
        server->mark = (uint32_t) request->job_count + 1;
        error = new_job(request, server, servers->texts[i], count);
        for (size_t k = 0; !error && k < count; k++) {
            error = add_item(&request->jobs[request->job_count - 1], &picks[k]);
        }
    }
    error = error ? error : pin_jobs(engine, command, request);
    for (size_t i = 0; i < request->job_count; i++) {
        request->jobs[i].server->mark = 0;
    }
    if (picks != &one) {
        wms_free(engine, picks);
    }
    return error;
}

static int build_from_servers(wms_engine *engine, const wms_command *command, wms_request *request)
{
    struct servers servers;
    int error = read_servers(engine, command, &servers);

    if (error) {
        return error;
    }
    error = build_from_list(engine, command, &servers, request);
    close_servers(engine, &servers);
    return error;
}

/* Gives each pick a job: one for each server or, where the sessions are taken one after the other,
 * for each run of sessions on one server. */
static size_t number_jobs(struct pick *picks, size_t count, bool runs)
{
    uint32_t jobs = 0;

    for (size_t i = 0; i < count; i++) {
        picks[i].server->mark = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (runs ? i == 0 || picks[i].server != picks[i - 1].server : picks[i].server->mark == 0) {
            picks[i].server->mark = ++jobs;
        }
        picks[i].job = picks[i].server->mark - 1;
    }
    for (size_t i = 0; i < count; i++) {
        picks[i].server->mark = 0;
    }
    return jobs;
}

static int jobs_from_picks(wms_engine *engine, wms_request *request, struct pick *picks,
                           size_t count)
{
    size_t jobs = number_jobs(picks, count, request->stop_on_error);
    size_t *sizes = wms_zalloc(engine, jobs * sizeof *sizes);
    int error = 0;

    request->jobs = wms_zalloc(engine, jobs * sizeof *request->jobs);
    request->order = wms_zalloc(engine, count * sizeof *request->order);
    if (!sizes || !request->jobs || !request->order) {
        wms_free(engine, sizes);
        return WMS_E_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[picks[i].job] += !picks[i].whole;
    }
    for (size_t i = 0; !error && i < count; i++) {
        if (picks[i].job == request->job_count) { /* the job's first pick: jobs are numbered in the
                                                     order of their first picks */
            picks[i].server->refs++;
            error = new_job(request, picks[i].server, picks[i].text, sizes[picks[i].job]);
        }
        if (!error) {
            struct wms_job *job = &request->jobs[picks[i].job];
            request->order[request->order_count++] = (struct wms_asked){
                .item = picks[i].whole ? NULL : &job->items[job->count], .job = job};
            error = picks[i].whole ? 0 : add_item(job, &picks[i]);
        }
    }
    wms_free(engine, sizes);
    return error;
}

/* If one of the picks is a server as a whole, all picks on that server become one, in the place of
 * the first. */
static size_t merge_whole(struct pick *picks, size_t count)
{
    enum { NUMBER = 0x3fffffff, WHOLE = 0x40000000 };
    static const uint32_t kept = 0x80000000u;
    size_t left = 0;

    for (size_t i = 0; i < count; i++) {
        picks[i].server->mark |= picks[i].whole ? WHOLE : 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct pick pick = picks[i];
        if (!(pick.server->mark & WHOLE)) {
            picks[left++] = pick;
        } else if (!(pick.server->mark & kept)) {
            pick.server->mark |= kept;
            pick.whole = true;
            picks[left++] = pick;
        }
    }
    for (size_t i = 0; i < left; i++) {
        picks[i].server->mark &= NUMBER;
    }
    return left;
}

/* Targets: sessions with a server each. */
static int build_from_targets(wms_engine *engine, const wms_command *command, wms_request *request)
{
    struct pick *picks = wms_zalloc(engine, command->target_count * sizeof *picks);
    size_t count = 0, kept = 0;
    uint32_t mark = 0;
    int error = picks ? 0 : WMS_E_NO_MEMORY;

    while (!error && count < command->target_count) {
        const wms_target *target = &command->targets[count];
        picks[count] = (struct pick){
            .text = target->server,
            .id = target->id,
            .user_name = command->target_user_names ? command->target_user_names[count] : NULL,
            .identity = command->target_identities ? command->target_identities[count] : NULL,
            .whole = command->target_servers && command->target_servers[count],
        };
        error = get_server(engine, target->server, &picks[count].server);
        count += !error;
    }
    struct wms_server **servers =
        error ? NULL : wms_zalloc(engine, count * sizeof(struct wms_server *));
    if (!servers) {
        error = error ? error : WMS_E_NO_MEMORY;
        for (size_t i = 0; i < count; i++) {
            wms_server_release(engine, picks[i].server);
        }
        wms_free(engine, picks);
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        servers[i] = picks[i].server;
        if (servers[i]->mark == 0) {
            servers[i]->mark = ++mark; /* distinguishes the servers in the hash of pick_once() */
        }
    }
    error = pick_once(engine, picks, merge_whole(picks, count), &kept);
    error = error ? error : jobs_from_picks(engine, request, picks, kept);
    for (size_t i = 0; i < count; i++) {
        servers[i]->mark = 0;
        wms_server_release(engine, servers[i]);
    }
    wms_free(engine, servers);
    wms_free(engine, picks);
    return error;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Copies what a call is given, into one block. */
static int keep_call(wms_engine *engine, const wms_command *command, wms_request *request)
{
    static const wms_value none = {.kind = WMS_NIL};
    const char *const words[] = {
        command->interface_name,   command->operation,        command->user_name,
        command->fingerprint,      command->certificate_name, command->thumbprint,
        command->events_host_name, command->events_address,   command->key_name,
        command->key_file,         command->gateway};
    enum { WORDS = sizeof words / sizeof *words };
    wms_value items[WORDS + 1];

    for (size_t i = 0; i < WORDS; i++) {
        items[i] = words[i]
                       ? (wms_value){.kind = WMS_STRING, .text = words[i], .size = strlen(words[i])}
                       : none;
    }
    items[WORDS] = command->arguments ? *command->arguments : none;
    const wms_value list = {.kind = WMS_LIST, .items = items, .size = WORDS + 1};
    int error = wms_value_copy(engine, &list, &request->given);
    if (error) {
        return error;
    }
    const wms_value *kept = request->given->items;
    request->call = (struct wms_call){
        .verb = command->verb,
        .interface_name = kept[0].text,
        .operation = kept[1].text,
        .user_name = kept[2].text,
        .fingerprint = kept[3].text,
        .certificate_name = kept[4].text,
        .thumbprint = kept[5].text,
        .events_host_name = kept[6].text,
        .events_address = kept[7].text,
        .key_name = kept[8].text,
        .key_file = kept[9].text,
        .gateway = kept[10].text,
        .events_port = command->events_port,
        .arguments = command->arguments ? &kept[WORDS] : NULL,
        .management = command->management,
    };
    if (command->password) {
        request->password = wms_copy(engine, command->password);
        return request->password ? 0 : WMS_E_NO_MEMORY;
    }
    return 0;
}

/* A complaint about the fingerprint of one of several hosts names the host. */
static int complain_of_pin(wms_engine *engine, const struct wms_job *job)
{
    static const char name[] = "fingerprint: ";
    char why[256];

    if (job->call != &job->request->call &&
        strncmp(engine->base.complaint, name, sizeof name - 1) == 0) {
        snprintf(why, sizeof why, "%s", engine->base.complaint + sizeof name - 1);
        wms_complain(engine, "fingerprints: %.80s: %s", job->text, why);
    }
    return WMS_E_INVALID;
}

/* Lets the job's provider check whether its hosts can carry out the call or the lock.  Errors:
 * INVALID, NO_MEMORY; a provider that is not installed is none: the outcomes will tell. */
static int check_host(wms_engine *engine, const struct wms_job *job, const struct wms_call *call)
{
    const struct wms_provider *provider;
    int error = wms_engine_provider(engine, job->server->place.scheme, &provider);

    if (error || !provider->check) {
        return error == WMS_E_NO_PROVIDER ? 0 : error;
    }
    wms_complain(engine, "the command: %s hosts cannot be asked that; give another one",
                 provider->name);
    error = provider->check(call, engine->base.complaint, sizeof engine->base.complaint);
    return error && error != WMS_E_NO_MEMORY ? complain_of_pin(engine, job) : error;
}

static int check_hosts(wms_engine *engine, const wms_request *request)
{
    const struct wms_call lock = {.verb = WMS_LOCK, .message = request->message}, *last = NULL;
    const char *scheme = "";
    int error = 0;

    if (!wms_traits_of_call(request->traits) && request->verb != WMS_LOCK) {
        return 0;
    }
    for (size_t i = 0; !error && i < request->job_count; i++) {
        const struct wms_job *job = &request->jobs[i];
        const struct wms_call *call = request->verb == WMS_LOCK ? &lock : job->call;
        if (call != last || strcmp(job->server->place.scheme, scheme) != 0) {
            error = check_host(engine, job, call);
            last = call;
            scheme = job->server->place.scheme;
        }
    }
    return error;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Copies what the users are to see. */
static int keep_texts(wms_engine *engine, const wms_command *command, wms_request *request)
{
    const struct {
        const char *text;
        char **kept;
    } texts[] = {
        {command->message, &request->message},
        {command->title, &request->title},
        {command->warn_message, &request->warn_message},
        {command->warn_title, &request->warn_title},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i].kept = texts[i].text ? wms_copy(engine, texts[i].text) : NULL;
        if (texts[i].text && !*texts[i].kept) {
            return WMS_E_NO_MEMORY;
        }
    }
    return 0;
}

int wms_command_build(wms_engine *engine, const wms_command *command, wms_request *request)
{
    request->verb = command->verb;
    request->traits = wms_verb_traits(command->verb);
    bool query = request->traits & WMS_IS_QUERY;
    int error = wms_command_check(engine, command, request->traits);
    if (error) {
        return error;
    }
    request->timeout = command->timeout;
    request->deadline = command->deadline;
    request->warn_seconds = command->warn_seconds;
    request->own = command->own;
    request->choose = command->choose;
    request->activity = command->activity;
    request->thumbnail_size = command->thumbnail_size;
    request->some = command->own || command->some;
    request->stable = query ? -1 : command->stable;
    request->verify = query                                         ? -1
                      : command->verify < 0 && command->stable >= 0 ? VERIFY_DEFAULT
                                                                    : command->verify;
    request->stop_on_error = command->stop_on_error;
    request->what_if = command->what_if && !query;
    request->retries = command->retries;
    request->ask = command->ask;
    request->follow = command->follow;
    request->delegable = (request->traits & WMS_HAS_ALL) &&
                         !(request->traits & WMS_HAS_THUMBNAIL) && !request->some &&
                         !request->choose && !request->what_if && !request->stop_on_error &&
                         !request->ask && !command->warn_message;
    request->at_once = command->stop_on_error ? 1 : command->concurrency;
    request->concurrency =
        command->verb == WMS_WAKE && !command->stop_on_error ? SIZE_MAX : request->at_once;
    error = keep_texts(engine, command, request);
    error = error                                 ? error
            : wms_traits_of_call(request->traits) ? keep_call(engine, command, request)
                                                  : 0;
    request->call.verb = command->verb;
    if (error) {
        return error;
    }
    error = command->target_count ? build_from_targets(engine, command, request)
                                  : build_from_servers(engine, command, request);
    error = error ? error : check_one(engine, command, request);
    return error ? error : check_hosts(engine, request);
}
