/* SPDX-License-Identifier: MIT */
/* growth_wtsapi.c - counts the steps of what the session API does for each session of a host; see
 * growth.c.
 *
 *     growth_wtsapi WORK [FEW MANY] */
#include <winpr/wtsapi.h>

#include "steps.h"
#include "wtsapi/wtsapi.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static struct list *list_of(wms_engine *engine, const char *server)
{
    struct list *list;
    wms_request *request;
    wms_command command;

    wms_command_init(&command, WMS_SESSIONS);
    command.servers = &server;
    command.server_count = 1;
    CHECK(wms_start(engine, &command, &request) == 0 && wms_request_wait(request, 60) == 1);
    begin();
    CHECK(wtsapi_list_new(request, server, &list) == 0);
    wms_request_unref(request);
    return list;
}

static void drop_list(struct list *list)
{
    pthread_mutex_lock(&wtsapi_lock);
    wtsapi_list_unref(list);
    pthread_mutex_unlock(&wtsapi_lock);
}

/* The third host has one session that the others have not, and lacks one that they have. */
static uint32_t number_of(size_t host, size_t i, size_t size)
{
    size_t number = host == 0 ? i : host == 1 ? size - 1 - i : i * 7919 % size;

    return host == 2 && number == size / 2 ? (uint32_t) size : (uint32_t) number * 1024;
}

static void lists(size_t size)
{
    static const char *const servers[] = {"memory://a", "memory://b", "memory://c"};
    struct list *list[3];
    wms_memory *hosts[3];
    wms_engine *engine;

    CHECK(wms_engine_new(NULL, &engine) == 0 && wms_memory_register(engine) == 0);
    for (size_t host = 0; host < 3; host++) {
        CHECK(wms_memory_new(engine, strstr(servers[host], "//") + 2, NULL, &hosts[host]) == 0);
        for (size_t i = 0; i < size; i++) {
            wms_session session = session_of(number_of(host, i, size), "alice");
            CHECK(wms_memory_open(hosts[host], &session, -1) == 0);
        }
        list[host] = list_of(engine, servers[host]);
        if (host == 0) {
            count("a session is listed", size);
        }
        CHECK(list[host]->count == size);
    }
    begin();
    CHECK(wtsapi_events_between(list[0], list[0]) == 0);
    count("it is the same, in the same order", size);
    CHECK(wtsapi_events_between(list[0], list[1]) == 0 &&
          wtsapi_events_between(list[1], list[0]) == 0);
    count("it is the same, in another order", size);
    DWORD events = wtsapi_events_between(list[1], list[2]);
    CHECK((events & (WTS_EVENT_CREATE | WTS_EVENT_DELETE)) ==
          (WTS_EVENT_CREATE | WTS_EVENT_DELETE));
    count("it is the same, but for one of many", size);
    for (size_t i = 0; i < size; i++) {
        const struct listed *found = wtsapi_list_find(list[2], number_of(2, i, size));
        CHECK(found == &list[2]->sessions[i] &&
              !wtsapi_list_find(list[2], (uint32_t) i * 1024 + 1));
    }
    count("it is looked for", size);
    for (size_t host = 0; host < 3; host++) {
        drop_list(list[host]);
        wms_memory_close(hosts[host]);
        wms_memory_unref(hosts[host]);
    }
    wms_engine_unref(engine);
}

/* ---- ids ------------------------------------------------------------------------------------- */

static DWORD number_for(wms_id id)
{
    DWORD number;

    pthread_mutex_lock(&wtsapi_lock);
    CHECK(wtsapi_id_number(&id, &number) == 0);
    pthread_mutex_unlock(&wtsapi_lock);
    return number;
}

static bool means(DWORD number, wms_id id)
{
    char room[WTSAPI_ID_ROOM];

    pthread_mutex_lock(&wtsapi_lock);
    wms_id other = wtsapi_id_of(number, room);
    pthread_mutex_unlock(&wtsapi_lock);
    return id.text ? other.text && strcmp(other.text, id.text) == 0
                   : !other.text && other.number == id.number;
}

/* What another process has learnt before does not count: each work begins with ids of its own. */
static void numbers(size_t size)
{
    uint32_t first = 0x80000000 + (size > FEW ? 0x10000000 : 0);

    begin();
    for (size_t i = 0; i < size; i++) {
        wms_id id = {.number = first + (uint32_t) i * 4096};
        CHECK(number_for(id) == id.number && number_for(id) == id.number);
    }
    count("a number is listed", size);
    for (size_t i = 0; i < size; i++) {
        wms_id id = {.number = first + (uint32_t) (i * 7919 % size) * 4096};
        CHECK(means(id.number, id));
    }
    count("a number is meant", size);
}

enum { LEVELS = 15, BLOCK = 8, BLOCKS = 400000 };

static uint32_t plain_hash(uint32_t sum, const char *text)
{
    for (; *text; text++) {
        sum = (sum ^ (unsigned char) *text) * 16777619u; /* FNV-1a */
    }
    return sum;
}

static void block_of(size_t i, char block[BLOCK + 1])
{
    uint64_t bits = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);

    for (size_t k = 0; k < BLOCK; k++, bits >>= 8) {
        block[k] = (char) ('a' + (bits & 15));
    }
    block[BLOCK] = '\0';
}

static int order(const void *first, const void *second)
{
    uint64_t one = *(const uint64_t *) first, other = *(const uint64_t *) second;

    return one < other ? -1 : one > other;
}

/* Two blocks after which the sum is the same; returns it. */
static uint32_t find_pair(uint32_t sum, uint64_t *sums, char pair[2][BLOCK + 1])
{
    for (size_t i = 0; i < BLOCKS; i++) {
        block_of(i, pair[0]);
        sums[i] = (uint64_t) plain_hash(sum, pair[0]) << 32 | i;
    }
    qsort(sums, BLOCKS, sizeof *sums, order);
    for (size_t i = 1; i < BLOCKS; i++) {
        if (sums[i] >> 32 == sums[i - 1] >> 32) {
            block_of((uint32_t) sums[i - 1], pair[0]);
            block_of((uint32_t) sums[i], pair[1]);
            return (uint32_t) (sums[i] >> 32);
        }
    }
    fail("no two blocks are alike");
}

/* 2^LEVELS texts of one sum, and numbers that are taken from there on. */
static void texts(size_t size)
{
    static char pairs[LEVELS][2][BLOCK + 1];
    uint64_t *sums = calloc(BLOCKS, sizeof *sums);
    char(*names)[2 + LEVELS * BLOCK] = calloc(size, sizeof *names);
    DWORD *found = calloc(size, sizeof *found);
    char first[2] = {(char) (size > FEW ? 'm' : 'f'), '\0'}; /* of many, of few */
    uint32_t sum = plain_hash(2166136261u, first);

    CHECK(sums && names && found && size <= 1u << LEVELS);
    for (size_t level = 0; level < LEVELS; level++) {
        sum = find_pair(sum, sums, pairs[level]);
    }
    for (size_t i = 0; i < size; i++) {
        strcpy(names[i], first);
        for (size_t level = 0; level < LEVELS; level++) {
            strcat(names[i], pairs[level][i >> level & 1]);
        }
    }
    DWORD start = 0xC0000000 + sum % 0x3FFFFFF0;
    CHECK(start < 0xFFFFFFF0 - 3 * size);
    begin();
    for (size_t i = size; i-- > 0;) {
        CHECK(number_for((wms_id){.number = start + (uint32_t) i}) == start + i);
    }
    count("a number is taken", size);
    for (size_t i = 0; i < size; i++) {
        found[i] = number_for((wms_id){.text = names[i]});
        CHECK(found[i] == start + size + i);
    }
    count("a text is listed", size);
    for (size_t i = 0; i < size; i++) {
        CHECK(number_for((wms_id){.text = names[i]}) == found[i] &&
              means(found[i], (wms_id){.text = names[i]}));
    }
    count("a text is listed again", size);
    free(found);
    free(names);
    free(sums);
}

static const struct work works[] = {
    {"lists", lists, 20000}, {"numbers", numbers, 20000}, {"texts", texts, 20000}};

int main(int argc, char **argv)
{
    return main_of(works, sizeof works / sizeof *works, argc, argv);
}
