/* SPDX-License-Identifier: MIT */
/* growth_logind.c - counts the steps of what the provider `logind` does for each session that is
 * observed; see growth.c.
 *
 *     growth_logind WORK [FEW MANY]
 *
 * There is no bus: calls stay in line, and are answered here.  The paths of WORK `paths` and the
 * ids of `ids` are such as a host can choose that knows the code, alike in the lowest bits of a
 * hash that has no key; the few that they are compared with are not. */
#include <sys/socket.h>

#include "logind/logind.h"
#include "steps.h"

static struct heap heap;
static size_t seen_count;

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    return heap_resize(&heap, block, size);
}

static void seen(struct wms_observer *observer, const struct wms_sight *sight)
{
    (void) observer;
    (void) sight;
    seen_count++;
}

static const struct wms_services services = {
    .abi = WMS_PROVIDER_ABI, .size = sizeof services, .resize = resize, .seen = seen};

/* ---- names ----------------------------------------------------------------------------------- */

enum { NAME = 64 };

static uint32_t plain_hash(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *text; text++) {
        hash = (hash ^ (unsigned char) *text) * 16777619u;
    }
    return hash;
}

static void plain_name(char name[NAME], size_t i)
{
    snprintf(name, NAME, LOGIND_PATH "/session/s%zu", i);
}

static void name_of_path(char name[NAME], size_t i)
{
    unsigned more = 0;

    do {
        snprintf(name, NAME, LOGIND_PATH "/session/s%zu_%u", i, more++);
    } while (plain_hash(name) & 1023);
}

static void name_of_id(char name[NAME], size_t i)
{
    unsigned more = 0;

    do {
        snprintf(name, NAME, LOGIND_PATH "/session/s%zu_%u", i, more++);
    } while (plain_hash(strrchr(name, '/') + 1) & 1023);
}

/* ---- the host -------------------------------------------------------------------------------- */

static void answer_path(struct logind *conn, struct logind_call *call, const char *path)
{
    sd_bus_message *reply;

    CHECK(sd_bus_message_new(conn->bus, &reply, SD_BUS_MESSAGE_METHOD_RETURN) >= 0);
    CHECK(sd_bus_message_append(reply, "o", path) >= 0 && sd_bus_message_seal(reply, 1, 0) >= 0);
    call->done(call, reply);
    sd_bus_message_unref(reply);
}

static void answer_facts(struct logind *conn, struct logind_call *call)
{
    sd_bus_message *reply;

    CHECK(sd_bus_message_new(conn->bus, &reply, SD_BUS_MESSAGE_METHOD_RETURN) >= 0);
    CHECK(sd_bus_message_append(reply, "a{sv}", 2, "Class", "s", "user", "LockedHint", "b", 0) >=
          0);
    CHECK(sd_bus_message_seal(reply, 1, 0) >= 0);
    call->done(call, reply);
    sd_bus_message_unref(reply);
}

static struct logind_call *next_call(struct logind *conn)
{
    CHECK(!node_alone(&conn->waiting));
    struct logind_call *call = NODE_OWNER(conn->waiting.next, struct logind_call, waiting);
    node_remove(&call->waiting);
    return call;
}

/* ---- the works ------------------------------------------------------------------------------- */

static void work(size_t size, void (*name_of)(char name[NAME], size_t i))
{
    bool tells;
    struct wms_observer *observers = calloc(size, sizeof *observers);
    char(*names)[NAME] = calloc(size, sizeof *names);
    struct logind *conn = calloc(1, sizeof *conn);
    int ends[2];

    CHECK(observers && names && conn);
    for (size_t i = 0; i < size; i++) {
        name_of(names[i], i);
    }
    *conn = (struct logind){.services = &services,
                            .signals = &logind_signals,
                            .depth = 1,
                            .in_flight = LOGIND_IN_FLIGHT};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); /* nobody is at the other end */
    CHECK(sd_bus_new(&conn->bus) >= 0 && sd_bus_set_fd(conn->bus, ends[0], ends[0]) >= 0 &&
          sd_bus_start(conn->bus) >= 0);
    node_init(&conn->waiting);
    node_init(&conn->tasks);
    wms_key_new(&conn->key);
    logind_observe_init(conn);
    begin();
    for (size_t i = 0; i < size; i++) {
        wms_id id = {.text = strrchr(names[i], '/') + 1};
        observers[i].verb = WMS_CLOSE;
        logind_observe(conn, &observers[i], &id);
    }
    count("an observation begins", size);
    for (size_t i = 0; i < size; i++) {
        answer_path(conn, next_call(conn), names[i]);
    }
    count("a session's path is told", size);
    for (size_t i = 0; i < size; i++) {
        answer_facts(conn, next_call(conn));
    }
    count("a session is seen", size);
    CHECK(seen_count == size && conn->watcher_count == size);
    for (size_t i = 0; i < size; i++) {
        CHECK(logind_observed_for(conn, names[i * 7919 % size], WMS_CLOSE, &tells));
        CHECK(!logind_observed_for(conn, names[i * 7919 % size], WMS_LOCK, &tells));
    }
    count("an observation is looked for", size);
    for (size_t i = 0; i < size; i++) {
        logind_observed_changed(conn, names[i * 7919 % size], 1);
    }
    count("a session changes", size);
    CHECK(seen_count == 2 * size);
    for (size_t i = 0; i < size; i += 2) {
        logind_observed_removed(conn, names[i]);
        logind_observed_removed(conn, names[i]); /* says nothing new */
    }
    count("a session goes", size);
    CHECK(seen_count == 2 * size + (size + 1) / 2);
    for (size_t i = 0; i < size; i++) {
        logind_task_end(conn, observers[i * 7919 % size].data);
    }
    count("an observation ends", size);
    CHECK(conn->watcher_count == 0);
    logind_known_clear(conn);
    CHECK(heap.blocks == 0);
    seen_count = 0;
    sd_bus_close_unref(conn->bus);
    close(ends[1]);
    free(conn);
    free(names);
    free(observers);
}

static void plain(size_t size)
{
    work(size, plain_name);
}

static void paths(size_t size)
{
    work(size, size > FEW ? name_of_path : plain_name);
}

static void ids(size_t size)
{
    work(size, size > FEW ? name_of_id : plain_name);
}

static const struct work works[] = {
    {"plain", plain, 20000}, {"paths", paths, 20000}, {"ids", ids, 20000}};

int main(int argc, char **argv)
{
    return main_of(works, sizeof works / sizeof *works, argc, argv);
}
