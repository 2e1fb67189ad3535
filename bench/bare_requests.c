/* SPDX-License-Identifier: MIT */
/* bare_requests.c - what a C program without wms would do with a gateway of Veyon: requests on a
 * kept connection, one after the other, by libcurl alone.
 *
 *     local curl = require("bench.bare_requests"){ { "GET", url, { "Accept:" } }, ... }
 *     curl:send(times)      all of them, that many times; a fourth field is the body
 */
#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS "bench.bare_requests"

enum { MOST = 16 };

struct request {
    char *method, *url, *body; /* body: NULL: none */
    struct curl_slist *headers;
};

struct requests {
    CURL *easy;
    size_t count;
    struct request list[MOST];
};

static struct requests *requests_here(lua_State *L)
{
    return luaL_checkudata(L, 1, REQUESTS);
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    (void) data;
    (void) user;
    return size * count;
}

static CURLcode send_one(CURL *easy, const struct request *request)
{
    long status = 0;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return result ? result : status == 200 ? CURLE_OK : CURLE_HTTP_RETURNED_ERROR;
}

static int send_all(lua_State *L)
{
    const struct requests *requests = requests_here(L);

    for (lua_Integer times = luaL_checkinteger(L, 2); times > 0; times--) {
        for (size_t i = 0; i < requests->count; i++) {
            CURLcode result = send_one(requests->easy, &requests->list[i]);
            if (result) {
                return luaL_error(L, "%s", curl_easy_strerror(result));
            }
        }
    }
    return 0;
}

static int close_requests(lua_State *L)
{
    struct requests *requests = requests_here(L);

    curl_easy_cleanup(requests->easy);
    for (size_t i = 0; i < requests->count; i++) {
        free(requests->list[i].method);
        free(requests->list[i].url);
        free(requests->list[i].body);
        curl_slist_free_all(requests->list[i].headers);
    }
    memset(requests, 0, sizeof *requests);
    return 0;
}

/* The request at the top of the stack; false: out of memory. */
static bool read_request(lua_State *L, struct request *request)
{
    bool made = true;

    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_rawgeti(L, -3, 3);
    lua_rawgeti(L, -4, 4);
    request->method = strdup(luaL_checkstring(L, -4));
    request->url = strdup(luaL_checkstring(L, -3));
    request->body = lua_isnil(L, -1) ? NULL : strdup(luaL_checkstring(L, -1));
    for (size_t i = 1; made && i <= lua_rawlen(L, -2); i++) {
        lua_rawgeti(L, -2, (int) i);
        struct curl_slist *longer = curl_slist_append(request->headers, luaL_checkstring(L, -1));
        made = longer;
        request->headers = longer ? longer : request->headers;
        lua_pop(L, 1);
    }
    made = made && request->method && request->url && (request->body || lua_isnil(L, -1));
    lua_pop(L, 4);
    return made;
}

static int open_requests(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = lua_rawlen(L, 1);
    struct requests *requests = lua_newuserdata(L, sizeof *requests);

    memset(requests, 0, sizeof *requests);
    luaL_getmetatable(L, REQUESTS);
    lua_setmetatable(L, -2);
    luaL_argcheck(L, count <= MOST, 1, "too many");
    requests->easy = curl_easy_init();
    luaL_argcheck(L, requests->easy, 1, "no memory");
    while (requests->count < count) {
        lua_rawgeti(L, 1, (int) requests->count + 1);
        luaL_argcheck(L, read_request(L, &requests->list[requests->count++]), 1, "no memory");
        lua_pop(L, 1);
    }
    curl_easy_setopt(requests->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(requests->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(requests->easy, CURLOPT_PROXY, "");
    return 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_requests(lua_State *L);

int luaopen_bench_bare_requests(lua_State *L)
{
    luaL_newmetatable(L, REQUESTS);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_requests);
    set(L, "send", send_all);
    lua_pushcfunction(L, open_requests);
    return 1;
}
