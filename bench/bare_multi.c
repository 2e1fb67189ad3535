/* SPDX-License-Identifier: MIT */
/* bare_multi.c - what a C program without wms would do with many MultiPoint hosts: a POST to each,
 * by libcurl's multi interface alone.
 *
 *     local multi = require("bench.bare_multi")(content_type, { { url, body, id }, ... })
 *     multi:post(at_once)      one to each, on connections that are made for it; `id`, which is
 *                              somewhere in the body, becomes another each time
 */
#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MULTI "bench.bare_multi"

enum { DIGITS = 12 }; /* of the id that change: the last */

struct post {
    char *url, *body, *changing;
};

struct multi {
    struct curl_slist *headers;
    size_t count;
    struct post *posts;
    unsigned long long serial;
};

static struct multi *multi_here(lua_State *L)
{
    return luaL_checkudata(L, 1, MULTI);
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    (void) data;
    (void) user;
    return size * count;
}

static int add(CURLM *handle, struct multi *multi, size_t index)
{
    CURL *easy = curl_easy_init();
    char digits[DIGITS + 1];

    snprintf(digits, sizeof digits, "%012llx", ++multi->serial & 0xFFFFFFFFFFFFull);
    memcpy(multi->posts[index].changing, digits, DIGITS);
    if (!easy) {
        return -1;
    }
    curl_easy_setopt(easy, CURLOPT_URL, multi->posts[index].url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, multi->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, multi->posts[index].body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    /* A bench's own hosts, on loopback. */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return curl_multi_add_handle(handle, easy) ? -1 : 0;
}

/* Removes what is done; returns how many, or -1 when one has failed. */
static int take_done(CURLM *handle)
{
    CURLMsg *message;
    int left, done = 0;

    while ((message = curl_multi_info_read(handle, &left))) {
        CURL *easy = message->easy_handle;
        long status = 0;
        CURLcode result = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(handle, easy);
        curl_easy_cleanup(easy);
        if (result || status != 200) {
            return -1;
        }
        done++;
    }
    return done;
}

static int post(lua_State *L)
{
    struct multi *multi = multi_here(L);
    size_t at_once = (size_t) luaL_checkinteger(L, 2), next = 0, done = 0;
    CURLM *handle = curl_multi_init();
    int finished = handle ? 0 : -1, running;

    while (finished >= 0 && done < multi->count) {
        while (next < multi->count && next - done < at_once) {
            if (add(handle, multi, next++)) {
                return luaL_error(L, "no memory");
            }
        }
        curl_multi_perform(handle, &running);
        finished = take_done(handle);
        done += finished > 0 ? (size_t) finished : 0;
        if (finished == 0) {
            curl_multi_poll(handle, NULL, 0, 1000, NULL);
        }
    }
    curl_multi_cleanup(handle);
    return finished < 0 ? luaL_error(L, "a host has failed") : 0;
}

static int close_multi(lua_State *L)
{
    struct multi *multi = multi_here(L);

    for (size_t i = 0; i < multi->count; i++) {
        free(multi->posts[i].url);
        free(multi->posts[i].body);
    }
    free(multi->posts);
    curl_slist_free_all(multi->headers);
    memset(multi, 0, sizeof *multi);
    return 0;
}

static int open_multi(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t count = lua_rawlen(L, 2);
    struct multi *multi = lua_newuserdata(L, sizeof *multi);

    memset(multi, 0, sizeof *multi);
    luaL_getmetatable(L, MULTI);
    lua_setmetatable(L, -2);
    lua_pushfstring(L, "Content-Type: %s", luaL_checkstring(L, 1));
    multi->headers = curl_slist_append(curl_slist_append(NULL, lua_tostring(L, -1)), "Expect:");
    lua_pop(L, 1);
    multi->posts = calloc(count, sizeof *multi->posts);
    luaL_argcheck(L, multi->posts && multi->headers, 2, "no memory");
    for (; multi->count < count; multi->count++) {
        struct post *one = &multi->posts[multi->count];
        lua_rawgeti(L, 2, (int) multi->count + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        lua_rawgeti(L, -3, 3);
        const char *id = luaL_checkstring(L, -1);
        one->url = strdup(luaL_checkstring(L, -3));
        one->body = strdup(luaL_checkstring(L, -2));
        luaL_argcheck(L, one->url && one->body, 2, "no memory");
        one->changing = strstr(one->body, id);
        luaL_argcheck(L, one->changing && strlen(id) > DIGITS, 2, "an id that is not in the body");
        one->changing += strlen(id) - DIGITS;
        lua_pop(L, 4);
    }
    return 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_multi(lua_State *L);

int luaopen_bench_bare_multi(lua_State *L)
{
    luaL_newmetatable(L, MULTI);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_multi);
    set(L, "post", post);
    lua_pushcfunction(L, open_multi);
    return 1;
}
