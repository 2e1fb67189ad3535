/* SPDX-License-Identifier: MIT */
/* bare_curl.c - what a C program without wms would do: a POST on a kept connection, by libcurl
 * alone.
 *
 *     local curl = require("bench.bare_curl")(url, content_type, body, id)
 *     curl:post(times)      that many, one after the other; `id`, which is somewhere in the body,
 * becomes another each time
 */
#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

#define CONNECTION "bench.bare_curl"

enum { DIGITS = 12 }; /* of the id that change: the last */

struct connection {
    CURL *easy;
    struct curl_slist *headers;
    char *changing;
    unsigned long long serial;
    char body[8192];
};

static struct connection *connection_here(lua_State *L)
{
    return luaL_checkudata(L, 1, CONNECTION);
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    (void) data;
    (void) user;
    return size * count;
}

static int post(lua_State *L)
{
    struct connection *connection = connection_here(L);

    for (lua_Integer times = luaL_checkinteger(L, 2); times > 0; times--) {
        char digits[DIGITS + 1];
        long status = 0;
        snprintf(digits, sizeof digits, "%012llx", ++connection->serial & 0xFFFFFFFFFFFFull);
        memcpy(connection->changing, digits, DIGITS);
        CURLcode result = curl_easy_perform(connection->easy);
        curl_easy_getinfo(connection->easy, CURLINFO_RESPONSE_CODE, &status);
        if (result || status != 200) {
            luaL_error(L, "%s, HTTP %d", curl_easy_strerror(result), (int) status);
        }
    }
    return 0;
}

static int close_connection(lua_State *L)
{
    struct connection *connection = connection_here(L);

    curl_easy_cleanup(connection->easy);
    curl_slist_free_all(connection->headers);
    connection->easy = NULL;
    connection->headers = NULL;
    return 0;
}

static int open_connection(lua_State *L)
{
    size_t size, id_size;
    const char *url = luaL_checkstring(L, 1), *type = luaL_checkstring(L, 2);
    const char *body = luaL_checklstring(L, 3, &size), *id = luaL_checklstring(L, 4, &id_size);
    struct connection *connection = lua_newuserdata(L, sizeof *connection);

    memset(connection, 0, sizeof *connection);
    luaL_getmetatable(L, CONNECTION);
    lua_setmetatable(L, -2);
    luaL_argcheck(L, size < sizeof connection->body, 3, "too long");
    memcpy(connection->body, body, size);
    char *at = strstr(connection->body, id);
    luaL_argcheck(L, at && id_size > DIGITS, 4, "not in the body");
    connection->changing = at + id_size - DIGITS;
    lua_pushfstring(L, "Content-Type: %s", type);
    connection->headers =
        curl_slist_append(curl_slist_append(NULL, lua_tostring(L, -1)), "Expect:");
    lua_pop(L, 1);
    connection->easy = curl_easy_init();
    luaL_argcheck(L, connection->easy && connection->headers, 1, "no memory");
    curl_easy_setopt(connection->easy, CURLOPT_URL, url);
    curl_easy_setopt(connection->easy, CURLOPT_HTTPHEADER, connection->headers);
    curl_easy_setopt(connection->easy, CURLOPT_POSTFIELDSIZE, (long) size);
    curl_easy_setopt(connection->easy, CURLOPT_POSTFIELDS, connection->body);
    curl_easy_setopt(connection->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(connection->easy, CURLOPT_SSL_VERIFYPEER,
                     0L); /* a bench's own host, on loopback */
    curl_easy_setopt(connection->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(connection->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(connection->easy, CURLOPT_PROXY, "");
    return 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_bare_curl(lua_State *L);

int luaopen_bench_bare_curl(lua_State *L)
{
    luaL_newmetatable(L, CONNECTION);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", close_connection);
    set(L, "post", post);
    lua_pushcfunction(L, open_connection);
    return 1;
}
