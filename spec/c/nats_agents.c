/* SPDX-License-Identifier: MIT */
/* nats_agents.c - hosts over NATS without servers: those who ask and those who answer are in one
 * engine, and what they say to each other goes through a bus that is a list in this program.  So
 * each allocation can fail, once, and a day can pass at once.
 *
 *     nats_agents              both
 *     nats_agents time QUESTIONS AGENTS    microseconds of an agent for a question about 30
 * sessions
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <time.h>

#include "nats/agent.h"
#include "nats/courier.h"
#include "nats/message.h"
#include "support.h"
#include <wms/provider.h>

/* ---- time ------------------------------------------------------------------------------------ */

static time_t later; /* seconds that have passed at once */

int __real_clock_gettime(clockid_t clock, struct timespec *ret_now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int error = __real_clock_gettime(clock, ret_now);

    ret_now->tv_sec += clock == CLOCK_BOOTTIME ? later : 0;
    return error;
}

static bool child; /* this is one */

/* ---- the bus --------------------------------------------------------------------------------- */

enum { SUBSCRIPTIONS = 16, KEYS = 16, TEXT = 400 };

struct courier {
    struct courier *next;
    const struct wms_services *services;
    wms_engine *engine;
    const struct courier_events *events;
    void *data;
    char subjects[SUBSCRIPTIONS][TEXT]; /* "": none */
    unsigned count;
    bool up, greeted;
    bool child; /* a child of the program has made it */
};

struct sent {
    struct sent *next;
    struct courier *to;
    struct courier_message message;
};

static struct courier *couriers;
static struct sent *first, **last = &first;

static struct {
    char subject[TEXT];
    char *data;
    size_t size;
    uint64_t sequence;
    double time;
    bool deleted;
} stored[KEYS];
static uint64_t sequence;
static double store_clock = 1000000; /* what the servers think that it is, less our own clock */
static bool storeless;
static size_t answers; /* that were published */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_BOOTTIME, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static bool matches(const char *pattern, const char *subject)
{
    while (*pattern && *subject) {
        if (*pattern == '>') {
            return true;
        }
        if (*pattern == '*') {
            pattern++;
            subject += strcspn(subject, ".");
        } else if (*pattern++ != *subject++) {
            return false;
        }
    }
    return *pattern == *subject;
}

/* Gives it to one subscription of a courier. */
static void hand_over(struct courier *to, const struct courier_message *message)
{
    for (unsigned i = 0; i < to->count; i++) {
        if (matches(to->subjects[i], message->subject)) {
            struct sent *sent = malloc(sizeof *sent);
            char *data = malloc(message->size + 1);
            CHECK(sent && data);
            memcpy(data, message->data, message->size);
            data[message->size] = '\0';
            *sent = (struct sent){.to = to, .message = *message};
            sent->message.subject = strdup(message->subject);
            sent->message.reply = message->reply ? strdup(message->reply) : NULL;
            sent->message.data = data;
            sent->message.subscription = i + 1;
            *last = sent;
            last = &sent->next;
        }
    }
}

static void sent_free(struct sent *sent)
{
    free((char *) (uintptr_t) sent->message.subject);
    free((char *) (uintptr_t) sent->message.reply);
    free((char *) (uintptr_t) sent->message.data);
    free(sent);
}

/* What was said so far is heard.  True: there was something. */
static bool hear(void)
{
    struct sent *all;
    bool any = false;

    for (struct courier *courier = couriers; courier; courier = courier->next) {
        if (courier->up && !courier->greeted) {
            courier->greeted = any = true;
            courier->events->up(courier->data);
        }
    }
    all = first;
    first = NULL;
    last = &first;
    while (all) {
        struct sent *sent = all;
        all = sent->next;
        if (sent->to) {
            any = true;
            sent->to->events->message(sent->to->data, &sent->message);
        }
        sent_free(sent);
    }
    return any;
}

static void forget(struct courier *courier, struct sent *list)
{
    for (struct sent *sent = list; sent; sent = sent->next) {
        sent->to = sent->to == courier ? NULL : sent->to;
    }
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The store's part of what was published.  False: it has none. */
static bool store(struct courier *from, const char *subject, const char *reply, const void *data,
                  size_t size, bool deleted)
{
    static const char get[] = "$JS.API.DIRECT.GET.";
    struct courier_message message = {.subject = reply, .data = "", .time = -1};
    char ack[80];
    size_t i = 0;

    if (storeless || (!begins(subject, "$KV.") && !begins(subject, get))) {
        return false;
    }
    const char *key = strstr(subject, "$KV.");
    CHECK(key);
    while (i < KEYS && stored[i].sequence && strcmp(stored[i].subject, key) != 0) {
        i++;
    }
    CHECK(i < KEYS);
    if (subject == key) {
        free(stored[i].data);
        stored[i].data = malloc(size + 1);
        CHECK(stored[i].data);
        memcpy(stored[i].data, data, size);
        snprintf(stored[i].subject, TEXT, "%s", key);
        stored[i].size = size;
        stored[i].sequence = ++sequence;
        stored[i].time = now() + store_clock;
        stored[i].deleted = deleted;
        message.size = (size_t) snprintf(ack, sizeof ack, "{\"stream\":\"KV\",\"seq\":%llu}",
                                         (unsigned long long) sequence);
        message.data = ack;
    } else if (stored[i].sequence == 0) {
        message.status = 404;
    } else {
        message.data = stored[i].data;
        message.size = stored[i].size;
        message.sequence = stored[i].sequence;
        message.time = stored[i].time;
        message.deleted = stored[i].deleted;
    }
    if (reply) {
        hand_over(from, &message);
    }
    return true;
}

static int publish(struct courier *from, const char *subject, const char *reply, const void *data,
                   size_t size, bool deleted)
{
    const struct courier_message message = {.subject = subject,
                                            .reply = reply,
                                            .data = data,
                                            .size = size,
                                            .time = -1,
                                            .deleted = deleted};
    CHECK(from->child == child);
    bool heard = store(from, subject, reply, data, size, deleted);

    if (!from->up) {
        return WMS_E_UNREACHABLE;
    }
    answers += strstr(subject, ".answer.") != NULL;
    for (struct courier *to = couriers; to; to = to->next) {
        for (unsigned i = 0; to != from && to->up && i < to->count; i++) {
            heard = heard || matches(to->subjects[i], subject);
        }
        if (to != from && to->up) {
            hand_over(to, &message);
        }
    }
    if (!heard && reply) {
        hand_over(from, &(struct courier_message){
                            .subject = reply, .data = "", .status = 503, .time = -1});
    }
    return 0;
}

/* ---- what courier.h offers ------------------------------------------------------------------- */

int courier_new(const struct wms_services *services, wms_engine *engine, const wms_nats *nats,
                const struct courier_events *events, void *data, struct courier **ret_courier)
{
    struct courier *courier = services->resize(engine, NULL, sizeof *courier);

    CHECK(nats && nats->servers);
    if (!courier) {
        return WMS_E_NO_MEMORY;
    }
    *courier = (struct courier){.next = couriers,
                                .services = services,
                                .engine = engine,
                                .events = events,
                                .data = data,
                                .up = true,
                                .child = child};
    *ret_courier = couriers = courier;
    return 0;
}

void courier_free(struct courier *courier, bool forked)
{
    struct courier **place = &couriers;

    if (!courier) {
        return;
    }
    CHECK(forked == (courier->child != child));
    while (*place != courier) {
        place = &(*place)->next;
    }
    *place = courier->next;
    forget(courier, first);
    courier->services->resize(courier->engine, courier, 0);
}

int courier_subscribe(struct courier *courier, const char *subject, unsigned *ret_subscription)
{
    CHECK(courier->count < SUBSCRIPTIONS && strlen(subject) < TEXT);
    strcpy(courier->subjects[courier->count], subject);
    *ret_subscription = ++courier->count;
    return 0;
}

void courier_unsubscribe(struct courier *courier, unsigned subscription)
{
    courier->subjects[subscription - 1][0] = '\0';
}

int courier_publish(struct courier *courier, const char *subject, const char *reply,
                    const void *data, size_t size)
{
    return publish(courier, subject, reply, data, size, false);
}

int courier_delete(struct courier *courier, const char *subject, const char *reply)
{
    return publish(courier, subject, reply, "", 0, true);
}

size_t courier_payload(const struct courier *courier)
{
    (void) courier;
    return COURIER_PAYLOAD;
}

bool courier_is_up(const struct courier *courier)
{
    return courier->up;
}

size_t courier_waiting(const struct courier *courier)
{
    (void) courier;
    return 0;
}

const char *courier_name(const struct courier *courier)
{
    (void) courier;
    return "alice";
}

/* ---- an engine with hosts -------------------------------------------------------------------- */

const struct wms_provider *wms_provider_v1(void);

static size_t blocks, failing; /* the allocation that fails, from 1; 0: none does (any more) */
static bool failed;

static void *resize(void *data, void *block, size_t size)
{
    (void) data;
    if (size == 0) {
        blocks -= block != NULL;
        free(block);
        return NULL;
    }
    if (failing > 0 && --failing == 0) {
        failed = true;
        return NULL;
    }
    void *copy = realloc(block, size);
    CHECK(copy);
    blocks += block == NULL;
    return copy;
}

static wms_engine *begin(void)
{
    static const char *const servers[] = {"nats://127.0.0.1:1", NULL};
    const struct wms_alloc alloc = {resize, NULL};
    wms_nats nats = WMS_NATS_INIT;
    wms_transport transport = {.connections = 4, .answer_size = 8000000, .nats = &nats};
    wms_engine *engine;
    size_t then = failing;

    failing = 0;
    nats.servers = servers;
    nats.name = "alice";
    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_register(engine, wms_provider_v1()) == 0);
    CHECK(wms_engine_transport(engine, &transport) == 0);
    failing = then;
    return engine;
}

static wms_memory *host_of(wms_engine *engine, const char *name, uint32_t sessions)
{
    wms_memory *host;

    CHECK(wms_memory_new(engine, name, NULL, &host) == 0);
    for (uint32_t id = 1; id <= sessions; id++) {
        char user[20];
        snprintf(user, sizeof user, "user%u", id);
        const wms_session session = session_of(id, user);
        CHECK(wms_memory_open(host, &session, -1) == 0);
    }
    return host;
}

static void turn(wms_engine *engine)
{
    hear();
    wms_engine_step(engine);
}

/* Runs it until it is done; false: it takes too long. */
static bool finish(wms_engine *engine, wms_request *request)
{
    double limit = now() + 5;

    while (!wms_request_done(request)) {
        if (now() > limit) {
            return false;
        }
        if (!hear()) {
            wms_engine_wait(engine, 0.001);
        } else {
            wms_engine_step(engine);
        }
    }
    return true;
}

static const wms_value anything = {.kind = WMS_STRING, .text = "*", .size = 1};
static const wms_value everyone = {.kind = WMS_LIST, .name = "*", .items = &anything, .size = 1};

/* A call of an agent.  NULL: it could not be started. */
static wms_request *call(wms_engine *engine, const char *name, const char *interface_name,
                         const char *operation)
{
    char server[TEXT], address[TEXT];
    const char *servers = address;
    wms_command command;
    wms_request *request;

    snprintf(server, sizeof server, "memory://%s", name);
    snprintf(address, sizeof address, "nats://%s", name);
    const wms_value fields[] = {
        {.kind = WMS_STRING, .name = "server", .text = server, .size = strlen(server)},
        {.kind = WMS_TABLE, .name = "policy", .items = &everyone, .size = 1},
    };
    const wms_value arguments = {.kind = WMS_TABLE, .items = fields, .size = 2};
    wms_command_init(&command, WMS_CALL);
    command.servers = &servers;
    command.server_count = 1;
    command.interface_name = interface_name;
    command.operation = operation;
    command.arguments = &arguments;
    command.timeout = 0.5;
    return wms_start(engine, &command, &request) == 0 ? request : NULL;
}

/* Whether it was carried out. */
static bool has_called(wms_engine *engine, const char *name, const char *interface_name,
                       const char *operation)
{
    wms_request *request = call(engine, name, interface_name, operation);
    wms_fault fault;
    bool fine = request && finish(engine, request) && wms_request_error(request, &fault) == 0;

    wms_request_unref(request);
    return fine;
}

/* Carries out a command on the host over NATS; returns how many sessions have done it. */
static size_t carry_out(wms_engine *engine, enum wms_verb verb, uint32_t id)
{
    const char *server = "nats://lab";
    const wms_id only = {.number = id};
    wms_command command;
    wms_request *request;
    size_t good = 0;

    wms_command_init(&command, verb);
    command.servers = &server;
    command.server_count = 1;
    command.all = id == 0 && wms_verb_traits(verb) & WMS_HAS_ALL;
    command.ids = id ? &only : NULL;
    command.id_count = id ? 1 : 0;
    command.message = wms_verb_traits(verb) & WMS_TAKES_MESSAGE ? "message" : NULL;
    command.timeout = 0.3;
    if (wms_start(engine, &command, &request)) {
        return 0;
    }
    CHECK(finish(engine, request));
    for (size_t i = 0; i < wms_request_outcome_count(request); i++) {
        wms_outcome outcome;
        CHECK(wms_request_outcome(request, i, &outcome) == 0);
        good += outcome.id && outcome.code == 0;
        CHECK(failed || outcome.code == 0);
    }
    if (verb == WMS_SESSIONS) {
        good = wms_request_session_count(request);
    }
    wms_request_unref(request);
    return good;
}

/* How often the host was asked to do that with a session. */
static size_t done(wms_memory *host, enum wms_verb verb)
{
    struct wms_memory_entry entry;
    size_t count = 0;

    for (size_t i = 0; wms_memory_log(host, i, &entry) == 0; i++) {
        count += entry.verb == verb;
    }
    return count;
}

/* Whether a session of the host is locked; -1: it is not there. */
static int is_locked(wms_memory *host, uint32_t id)
{
    wms_session session;
    const char *message;
    int error = wms_memory_session(host, &(wms_id){.number = id}, &session, &message);

    return error ? -1 : session.locked;
}

static void clear(void)
{
    while (first) {
        struct sent *next = first->next;
        sent_free(first);
        first = next;
    }
    last = &first;
    for (size_t i = 0; i < KEYS; i++) {
        free(stored[i].data);
    }
    memset(stored, 0, sizeof stored);
}

/* ---- memory that runs out -------------------------------------------------------------------- */

/* All that an agent does, while allocation number `failing` fails. */
static void story(size_t which)
{
    failing = 0;
    failed = false;
    wms_engine *engine = begin();
    wms_memory *host = host_of(engine, "lab", 3);

    failing = which;
    if (has_called(engine, "lab", "agent", "serve")) {
        size_t unlocked = carry_out(engine, WMS_UNLOCK, 0), locked;
        CHECK(done(host, WMS_UNLOCK) <= 3 && (failed || unlocked == 3));
        locked = carry_out(engine, WMS_LOCK, 2);
        CHECK(locked <= (is_locked(host, 2) == 1) && done(host, WMS_LOCK) <= 1 &&
              (failed || locked == 1));
        CHECK(carry_out(engine, WMS_SESSIONS, 0) == 3 || failed);
        CHECK(carry_out(engine, WMS_THUMBNAIL, 3) == 1 || failed);
        size_t closed = carry_out(engine, WMS_CLOSE, 1);
        CHECK(closed <= (is_locked(host, 1) < 0) && done(host, WMS_CLOSE) <= 1);
        wms_memory_lock(host, &(wms_id){.number = 3}, "x");
        turn(engine);
        CHECK(has_called(engine, "lab", "wish", "wait") || failed);
        CHECK(has_called(engine, "lab", "agent", "state") || failed);
        CHECK(has_called(engine, "lab", "agent", "stop") || failed);
    } else {
        CHECK(failed);
    }
    failing = 0;
    wms_memory_unref(host);
    wms_engine_unref(engine);
    CHECK(!couriers);
    clear();
    if (blocks) {
        fail("allocation %zu fails: %zu blocks are left", which, blocks);
    }
}

static void memory(void)
{
    size_t which = 0;

    do {
        snprintf(where, sizeof where, "allocation %zu", ++which);
        story(which);
    } while (failed);
    printf("%zu allocations\n", which - 1);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* What there is in the agent's host's wish: a field, as a number; -1: none. */
static double wish_of(wms_engine *engine, const char *field)
{
    wms_request *request = call(engine, "lab", "wish", "wait");
    double number = -1;

    CHECK(request && finish(engine, request));
    const wms_value *value = wms_value_field(wms_request_value(request), field);
    if (value) {
        number = value->kind == WMS_NATURAL ? (double) value->natural : (double) value->integer;
    }
    wms_request_unref(request);
    return number;
}

/* The agent's clock is twelve days behind the servers', and two hours pass. */
static void days(void)
{
    static const char wish[] = "{\"state\":\"locked\",\"seconds\":3600}";
    struct courier other = {.up = true};

    snprintf(where, sizeof where, "days");
    failed = false;
    wms_engine *engine = begin();
    wms_memory *host = host_of(engine, "lab", 1);
    CHECK(has_called(engine, "lab", "agent", "serve"));
    CHECK(courier_publish(&other, "$KV.wms_wish.lab", NULL, wish, sizeof wish - 1) == 0);
    turn(engine);
    double limit = now() + 5;
    while (wish_of(engine, "left") < 0 && now() < limit) {
        hear();
        wms_engine_wait(engine, 0.01);
    }
    double left = wish_of(engine, "left");
    CHECK(left > 3590 && left <= 3600 && wish_of(engine, "ended") < 0);
    later += 7200;
    CHECK(wish_of(engine, "left") == 0 && wish_of(engine, "ended") == 1);
    wms_memory_unref(host);
    wms_engine_unref(engine);
    clear();
    CHECK(blocks == 0);
}

static char overheard[TEXT], reply_to[TEXT];

static void overhear(void *data, const struct courier_message *message)
{
    (void) data;
    snprintf(overheard, sizeof overheard, "%s", message->data);
    snprintf(reply_to, sizeof reply_to, "%s", message->reply);
}

/* Begins to close a session of a host that is not there, but `other` hears it. */
static wms_request *close_unheard(wms_engine *engine, struct courier *other, double timeout)
{
    static const struct courier_events events = {.message = overhear};
    const char *server = "nats://lab";
    const wms_id only = {.number = 1};
    wms_command command;
    wms_request *request;

    *overheard = '\0';
    *other = (struct courier){.up = true, .greeted = true, .count = 1, .events = &events};
    strcpy(other->subjects[0], "wms.v1.lab.close.*");
    couriers = other;
    wms_command_init(&command, WMS_CLOSE);
    command.servers = &server;
    command.server_count = 1;
    command.ids = &only;
    command.id_count = 1;
    command.timeout = timeout;
    CHECK(wms_start(engine, &command, &request) == 0);
    double limit = now() + 10;
    while (!*overheard && now() < limit) {
        hear();
        wms_engine_wait(engine, 0.01);
    }
    CHECK(*overheard);
    return request;
}

static void end_with(wms_engine *engine, wms_request *request, struct courier *other)
{
    wms_request_unref(request);
    wms_engine_unref(engine);
    CHECK(couriers == other);
    couriers = NULL;
    clear();
    CHECK(blocks == 0);
}

/* Who asks sleeps for an hour before it repeats its question: that belongs to the question's age,
 * by which an agent knows whether it may have carried it out and begun anew since. */
static void sleep_of_the_asker(void)
{
    struct courier other;
    double age = -1;

    snprintf(where, sizeof where, "sleep");
    wms_engine *engine = begin();
    wms_request *request = close_unheard(engine, &other, 20);
    later += 3600;
    double limit = now() + 5;
    while (age < 3600 && now() < limit) {
        const char *field = strstr(overheard, "\"age\":");
        age = field ? strtod(field + strlen("\"age\":"), NULL) : -1;
        hear();
        wms_engine_wait(engine, 0.01);
    }
    CHECK(age >= 3600);
    end_with(engine, request, &other);
}

/* A host says that it is at work, for ever. */
static void work_without_end(void)
{
    static const char working[] = "{\"working\":true}";
    struct courier other;
    wms_outcome outcome;

    snprintf(where, sizeof where, "work");
    wms_engine *engine = begin();
    wms_request *request = close_unheard(engine, &other, 0.3);
    double begun = now();
    while (!wms_request_done(request) && now() < begun + 3605) {
        if (now() > begun + 0.6 && now() < begun + 5) { /* twice the timeout, and it was believed */
            later += 3600;
        }
        CHECK(courier_publish(&other, reply_to, NULL, working, sizeof working - 1) == 0);
        hear();
        wms_engine_wait(engine, 0.01);
    }
    CHECK(now() > begun + 3600 && wms_request_done(request));
    CHECK(wms_request_outcome(request, 0, &outcome) == 0);
    CHECK(outcome.state == WMS_UNKNOWN && outcome.code == WMS_E_TIMEOUT);
    end_with(engine, request, &other);
}

/* ---- children -------------------------------------------------------------------------------- */

/* A child of a program with agents: they are the parent's, with all that is under way, and the
 * child may have others. */
static void children(void)
{
    static const char question[] = "{\"ids\":[1]}", subject[] = "wms.v1.lab.close.alice",
                      reply[] = "wms.v1.lab.answer.alice.abcdefghijklmnopqrst.1";
    const struct wms_memory_options slow = {.latency = 0.2, .relock_after = -1};
    struct courier other = {.up = true};
    const wms_session session = session_of(1, "user");
    wms_engine *engine = begin();
    wms_memory *host;
    int status;

    snprintf(where, sizeof where, "children");
    failed = false;
    answers = 0;
    CHECK(wms_memory_new(engine, "lab", &slow, &host) == 0);
    CHECK(wms_memory_open(host, &session, -1) == 0);
    CHECK(has_called(engine, "lab", "agent", "serve"));
    wms_request *waiting = call(engine, "lab", "wish", "wait");
    CHECK(waiting);
    CHECK(courier_publish(&other, subject, reply, question, sizeof question - 1) == 0);
    turn(engine);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        child = other.child = true;
        wms_engine_step(engine);
        CHECK(!couriers);
        CHECK(!has_called(engine, "lab", "agent", "state"));
        CHECK(has_called(engine, "lab", "agent", "serve"));
        CHECK(has_called(engine, "lab", "agent", "stop"));
        wms_request_unref(waiting);
        wms_memory_unref(host);
        wms_engine_unref(engine);
        clear();
        CHECK(blocks == 0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    wms_request_unref(waiting);
    double limit = now() + 5;
    while (answers < 1 && now() < limit) {
        hear();
        wms_engine_wait(engine, 0.01);
    }
    CHECK(answers == 1 && done(host, WMS_CLOSE) == 1);
    wms_memory_unref(host);
    wms_engine_unref(engine);
    clear();
    CHECK(blocks == 0);
}

/* ---- speed ----------------------------------------------------------------------------------- */

static double used(void)
{
    struct timespec time;

    __real_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void speed(unsigned questions, unsigned count)
{
    static const char question[] = "{\"all\":true}";
    wms_engine *engine = begin();
    wms_memory **hosts = calloc(count, sizeof(wms_memory *));
    char(*names)[20] = calloc(count, sizeof *names), subject[TEXT], reply[TEXT];
    unsigned agents = 0;

    CHECK(hosts && names);
    storeless = true;
    for (unsigned i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "host%u", i);
        hosts[i] = host_of(engine, names[i], 30);
        CHECK(has_called(engine, names[i], "agent", "serve"));
        agents++;
    }
    answers = 0;
    double began = used();
    for (unsigned round = 0; round < questions; round++) {
        for (unsigned i = 0; i < count; i++) {
            snprintf(subject, TEXT, "wms.v1.%s.unlock.alice", names[i]);
            snprintf(reply, TEXT, "wms.v1.%s.answer.alice.abcdefghijklmnopqrst.%u", names[i],
                     round);
            struct courier other = {.up = true};
            CHECK(courier_publish(&other, subject, reply, question, sizeof question - 1) == 0);
        }
        while (answers < (size_t) (round + 1) * agents) {
            if (!hear()) {
                wms_engine_wait(engine, 0.001);
            }
            wms_engine_step(engine);
        }
    }
    printf("an agent: %.1f us a question of 30 sessions\n",
           (used() - began) / questions / count * 1e6);
    began = used();
    for (unsigned round = 0; round < questions; round++) {
        for (unsigned i = 0; i < count; i++) {
            char server[TEXT];
            const char *servers = server;
            wms_command command;
            wms_request *request;
            snprintf(server, TEXT, "memory://%s", names[i]);
            wms_command_init(&command, WMS_UNLOCK);
            command.all = true;
            command.servers = &servers;
            command.server_count = 1;
            CHECK(wms_start(engine, &command, &request) == 0);
            CHECK(wms_request_wait(request, 10) == 1);
            wms_request_unref(request);
        }
    }
    printf("the engine alone: %.1f us\n", (used() - began) / questions / count * 1e6);
    for (unsigned i = 0; i < count; i++) {
        wms_memory_unref(hosts[i]);
    }
    wms_engine_unref(engine);
    free(hosts);
    free(names);
    clear();
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        speed((unsigned) atoi(argv[2]), (unsigned) atoi(argv[3]));
        return 0;
    }
    days();
    sleep_of_the_asker();
    work_without_end();
    children();
    memory();
    return 0;
}
