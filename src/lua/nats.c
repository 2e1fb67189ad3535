/* SPDX-License-Identifier: MIT */
/* nats.c - wms.configure{ nats = }: the NATS servers, and who connects to them. */
#include <string.h>

#include "lua/lwms.h"

static const char fix[] =
    "a table such as { servers = \"nats://nats1.school.example:4222\", name = "
    "\"alice\", nkey = \"/etc/wms/alice.nk\" }, or false for none";

/* X(member of wms_nats, "the field's name"): of the table itself, and of its table `tls`. */
#define TEXTS(X) \
    X(name, "name") \
    X(credentials, "credentials") \
    X(nkey, "nkey") \
    X(user_name, "user_name") \
    X(password_file, "password_file")
#define TLS_TEXTS(X) \
    X(ca, "ca") \
    X(certificate, "certificate") \
    X(key, "key")

struct field {
    const char *name;
    size_t offset; /* in wms_nats */
};
#define X(member, name) {name, offsetof(wms_nats, member)},
static const struct field texts[] = {TEXTS(X)}, tls_texts[] = {TLS_TEXTS(X)};
#undef X
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The field that the key at `index` names; NULL: none. */
static const struct field *field_of(lua_State *L, int index, const struct field *fields,
                                    size_t count)
{
    const char *key = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";

    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, key) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool is_key(lua_State *L, int index, const char *name)
{
    return lua_type(L, index) == LUA_TSTRING && strcmp(lua_tostring(L, index), name) == 0;
}

__attribute__((noreturn)) static void unknown(lua_State *L, const struct lwms_call *call, int key,
                                              const char *where, const char *known)
{
    char name[CLIPPED];

    lwms_misuse(L, call, "nats: %s%s: no such field; use %s", where,
                lua_type(L, key) == LUA_TSTRING ? lwms_clip(L, key, name) : "a number", known);
}

static void check_tls(lua_State *L, const struct lwms_call *call, int table)
{
    if (!lua_istable(L, table)) {
        lwms_misuse(L, call, "nats: tls: %s; give a table such as { ca = \"/etc/wms/ca.pem\" }",
                    lwms_kind(L, table));
    }
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        int value = lua_gettop(L);
        const struct field *field = field_of(L, value - 1, tls_texts, COUNT(tls_texts));
        if (!field) {
            unknown(L, call, value - 1, "tls: ", "ca, certificate, key");
        }
        lwms_need_text(L, call, lua_pushfstring(L, "nats: tls: %s", field->name), value,
                       "the path of a PEM file");
        lua_pop(L, 1);
    }
}

static void check_servers(lua_State *L, const struct lwms_call *call, int index)
{
    static const char servers[] = "nats: servers",
                      urls[] = "a URL such as \"nats://nats1.school.example:4222\", or a list";

    if (!lua_istable(L, index)) {
        lwms_need_text(L, call, servers, index, urls);
        return;
    }
    size_t count = lwms_need_list(L, call, servers, index);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (int) i);
        lwms_need_text(L, call, servers, lua_gettop(L), urls);
        lua_pop(L, 1);
    }
}

void lwms_nats_check(lua_State *L, const struct lwms_call *call, int index)
{
    if (lua_isboolean(L, index) && !lua_toboolean(L, index)) {
        return;
    }
    if (!lua_istable(L, index)) {
        lwms_misuse(L, call, "nats: %s; give %s", lwms_kind(L, index), fix);
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        int value = lua_gettop(L);
        const struct field *field = field_of(L, value - 1, texts, COUNT(texts));
        if (field) {
            lwms_need_text(L, call, lua_pushfstring(L, "nats: %s", field->name), value, "a string");
            lua_pop(L, 1);
        } else if (is_key(L, value - 1, "tls")) {
            check_tls(L, call, value);
        } else if (is_key(L, value - 1, "servers")) {
            check_servers(L, call, value);
        } else {
            unknown(L, call, value - 1, "",
                    "servers, name, credentials, nkey, user_name, password_file, tls");
        }
    }
}

static void read_texts(lua_State *L, int table, const struct field *fields, size_t count,
                       wms_nats *nats)
{
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const struct field *field = field_of(L, -2, fields, count);
        if (field && lwms_is_text(L, -1)) {
            *(const char **) (void *) ((char *) nats + field->offset) = lua_tostring(L, -1);
        }
    }
}

/* How many items the list at `index` has; 1: it is none. */
static size_t count_items(lua_State *L, int index)
{
    size_t count = 0;

    if (!lua_istable(L, index)) {
        return 1;
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        count++;
    }
    return count;
}

static void read_servers(lua_State *L, int index, const char **servers, size_t count)
{
    bool list = lua_istable(L, index);

    for (size_t i = 1; i <= count; i++) {
        if (list) {
            lua_rawgeti(L, index, (int) i);
        } else {
            lua_pushvalue(L, index);
        }
        if (lwms_is_text(L, -1)) {
            *servers++ = lua_tostring(L, -1);
        }
        lua_pop(L, 1);
    }
    *servers = NULL;
}

const wms_nats *lwms_nats_read(lua_State *L, int index)
{
    int servers = lua_gettop(L) + 1, tls = servers + 1;

    if (!lua_istable(L, index)) {
        lua_pushnil(L);
        return NULL;
    }
    lua_getfield(L, index, "servers");
    lua_getfield(L, index, "tls");
    size_t count = count_items(L, servers);
    wms_nats *nats = lua_newuserdata(L, sizeof *nats + (count + 1) * sizeof(const char *));
    /* From here on nothing is allocated in Lua: the tables hold the strings. */
    const char **list = (const char **) (nats + 1);
    *nats = (wms_nats) WMS_NATS_INIT;
    nats->servers = list;
    read_servers(L, servers, list, count);
    read_texts(L, index, texts, COUNT(texts), nats);
    if (lua_istable(L, tls)) {
        read_texts(L, tls, tls_texts, COUNT(tls_texts), nats);
    }
    lua_replace(L, servers);
    lua_settop(L, servers);
    return nats;
}
