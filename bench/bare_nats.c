/* SPDX-License-Identifier: MIT */
/* bare_nats.c - what C programs without wms would do over NATS: one that asks, many that answer, by
 * libnats alone.
 *
 *     local nats = require "bench.bare_nats"
 *     local far = nats.serve(url, "host", 1, 1000, answer)   answers every question to
 * host1...host1000 local bare = nats.open(url, "alice") bare:ask("host", 1, 1000, "unlock",
 * question)           returns when all have answered bare:hear(subject); ...; bare:heard() the
 * first message there, or nil
 */
#include <lauxlib.h>
#include <lua.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASKER "bench.bare_nats"
#define NONCE "barebarebarebarebare"

enum { PATIENCE = 60 }; /* seconds */

struct asker {
    natsConnection *connection;
    natsSubscription *answers, *heard;
    pthread_mutex_t lock;
    pthread_cond_t all;
    size_t open; /* answers that are awaited */
    char *who, *first;
    size_t first_size;
};

struct served {
    natsConnection **connections;
    natsSubscription **subscriptions;
    size_t count;
    char *answer;
    int size;
};

static void check(lua_State *L, natsStatus status)
{
    if (status != NATS_OK) {
        luaL_error(L, "libnats: %s", natsStatus_GetText(status));
    }
}

static natsStatus connect_to(const char *url, natsConnection **ret)
{
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);

    status = status ? status : natsOptions_SetURL(options, url);
    /* One thread for all callbacks of the process, and small buffers: else 1000 connections take
     * a thread each for that. */
    status = status ? status : natsOptions_UseGlobalMessageDelivery(options, true);
    status = status ? status : natsOptions_SetIOBufSize(options, 4096);
    status = status ? status : natsConnection_Connect(ret, options);
    natsOptions_Destroy(options);
    return status;
}

/* ---- those who answer
 * ---------------------------------------------------------------------------- */

static void on_question(natsConnection *connection, natsSubscription *subscription,
                        natsMsg *message, void *data)
{
    struct served *served = data;
    (void) subscription;

    if (natsMsg_GetReply(message)) {
        natsConnection_Publish(connection, natsMsg_GetReply(message), served->answer, served->size);
    }
    natsMsg_Destroy(message);
}

static int serve(lua_State *L)
{
    const char *url = luaL_checkstring(L, 1), *prefix = luaL_checkstring(L, 2);
    int first = (int) luaL_checkinteger(L, 3), last = (int) luaL_checkinteger(L, 4);
    size_t size = 0;
    const char *answer = luaL_checklstring(L, 5, &size);
    struct served *served = calloc(1, sizeof *served); /* until the process ends */
    size_t count = (size_t) (last - first + 1);

    served->connections = calloc(count, sizeof *served->connections);
    served->subscriptions = calloc(count, sizeof *served->subscriptions);
    served->answer = malloc(size);
    memcpy(served->answer, answer, size);
    served->size = (int) size;
    for (int i = first; i <= last; i++) {
        char subject[256];
        natsConnection **connection = &served->connections[served->count];

        snprintf(subject, sizeof subject, "wms.v1.%s%d.*.*", prefix, i);
        check(L, connect_to(url, connection));
        check(L, natsConnection_Subscribe(&served->subscriptions[served->count], *connection,
                                          subject, on_question, served));
        check(L, natsConnection_Flush(*connection));
        served->count++;
    }
    return 0;
}

/* ---- the one who asks
 * ---------------------------------------------------------------------------- */

static struct asker *asker_here(lua_State *L)
{
    return luaL_checkudata(L, 1, ASKER);
}

static void on_answer(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                      void *data)
{
    struct asker *asker = data;
    (void) connection;
    (void) subscription;

    pthread_mutex_lock(&asker->lock);
    if (asker->open > 0 && --asker->open == 0) {
        pthread_cond_signal(&asker->all);
    }
    pthread_mutex_unlock(&asker->lock);
    natsMsg_Destroy(message);
}

static void on_heard(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                     void *data)
{
    struct asker *asker = data;
    (void) connection;
    (void) subscription;

    pthread_mutex_lock(&asker->lock);
    if (!asker->first) {
        asker->first_size = (size_t) natsMsg_GetDataLength(message);
        asker->first = malloc(asker->first_size + 1);
        memcpy(asker->first, natsMsg_GetData(message), asker->first_size);
    }
    pthread_mutex_unlock(&asker->lock);
    natsMsg_Destroy(message);
}

static int open_asker(lua_State *L)
{
    const char *url = luaL_checkstring(L, 1), *who = luaL_checkstring(L, 2);
    struct asker *asker = lua_newuserdata(L, sizeof *asker);
    char subject[256];

    memset(asker, 0, sizeof *asker);
    luaL_getmetatable(L, ASKER);
    lua_setmetatable(L, -2);
    pthread_mutex_init(&asker->lock, NULL);
    pthread_cond_init(&asker->all, NULL);
    asker->who = strdup(who);
    check(L, connect_to(url, &asker->connection));
    snprintf(subject, sizeof subject, "wms.v1.*.answer.%s.%s.*", who, NONCE);
    check(L,
          natsConnection_Subscribe(&asker->answers, asker->connection, subject, on_answer, asker));
    check(L, natsSubscription_SetPendingLimits(asker->answers, -1, -1));
    check(L, natsConnection_Flush(asker->connection));
    return 1;
}

static int ask(lua_State *L)
{
    struct asker *asker = asker_here(L);
    const char *prefix = luaL_checkstring(L, 2), *verb = luaL_checkstring(L, 5);
    int first = (int) luaL_checkinteger(L, 3), last = (int) luaL_checkinteger(L, 4);
    size_t size = 0;
    const char *question = luaL_checklstring(L, 6, &size);
    struct timespec limit;

    asker->open = (size_t) (last - first + 1);
    for (int i = first; i <= last; i++) {
        char subject[256], reply[256];

        snprintf(subject, sizeof subject, "wms.v1.%s%d.%s.%s", prefix, i, verb, asker->who);
        snprintf(reply, sizeof reply, "wms.v1.%s%d.answer.%s.%s.%d", prefix, i, asker->who, NONCE,
                 i);
        check(L, natsConnection_PublishRequest(asker->connection, subject, reply, question,
                                               (int) size));
    }
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE;
    pthread_mutex_lock(&asker->lock);
    while (asker->open > 0 && pthread_cond_timedwait(&asker->all, &asker->lock, &limit) == 0) {
    }
    size_t open = asker->open;
    asker->open = 0;
    pthread_mutex_unlock(&asker->lock);
    return open ? luaL_error(L, "%d answers are missing", (int) open) : 0;
}

static int hear(lua_State *L)
{
    struct asker *asker = asker_here(L);

    natsSubscription_Destroy(asker->heard);
    asker->heard = NULL;
    free(asker->first);
    asker->first = NULL;
    check(L, natsConnection_Subscribe(&asker->heard, asker->connection, luaL_checkstring(L, 2),
                                      on_heard, asker));
    check(L, natsConnection_Flush(asker->connection));
    return 0;
}

static int heard(lua_State *L)
{
    struct asker *asker = asker_here(L);

    check(L, natsConnection_Flush(asker->connection));
    for (int i = 0; i < 1000; i++) { /* a message that has come may not be delivered yet */
        pthread_mutex_lock(&asker->lock);
        bool there = asker->first;
        if (there) {
            lua_pushlstring(L, asker->first, asker->first_size);
        }
        pthread_mutex_unlock(&asker->lock);
        if (there) {
            return 1;
        }
        nats_Sleep(5);
    }
    return 0;
}

static int close_asker(lua_State *L)
{
    struct asker *asker = asker_here(L);

    natsSubscription_Destroy(asker->answers);
    natsSubscription_Destroy(asker->heard);
    natsConnection_Destroy(asker->connection);
    free(asker->who);
    free(asker->first);
    memset(asker, 0, sizeof *asker);
    return 0;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_nats(lua_State *L);

int luaopen_bench_bare_nats(lua_State *L)
{
    luaL_newmetatable(L, ASKER);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "close", close_asker);
    set(L, "ask", ask);
    set(L, "hear", hear);
    set(L, "heard", heard);
    lua_newtable(L);
    set(L, "serve", serve);
    set(L, "open", open_asker);
    return 1;
}
