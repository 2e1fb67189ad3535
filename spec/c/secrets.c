/* SPDX-License-Identifier: MIT */
/* secrets.c - runs a Lua script, and looks for passwords in every block of the engine's that goes
 * or is resized.
 *
 *     secrets FILE|-
 *
 * The script has `wms`, and these functions:
 *
 *     secret(text)     from now on no eight characters in a row of this may be in a block that goes
 *     phase(text)      what is going on, for found()
 *     found()          a list of the phases in which a block went with a secret in it
 *     gone()           how many blocks went
 *     leak(text)       lets a block go with the text in it: to show that it is found
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "support.h"

enum { WINDOW = 8, SECRETS = 8, SECRET_SIZE = 256, FOUND = 64, LINE = 320 };

static char secrets[SECRETS][SECRET_SIZE];
static size_t secret_count;

static char found[FOUND][LINE];
static size_t found_count, gone_count;

/* ---- blocks ---------------------------------------------------------------------------------- */

/* In front of each. */
struct head {
    _Alignas(16) size_t size;
};

static bool holds_secret(const char *data, size_t size)
{
    for (size_t i = 0; i < secret_count; i++) {
        for (const char *part = secrets[i]; strlen(part) >= WINDOW; part++) {
            if (memmem(data, size, part, WINDOW)) {
                return true;
            }
        }
    }
    return false;
}

static void look_at(const void *block)
{
    const struct head *head = (const struct head *) block - 1;

    gone_count++;
    if (holds_secret(block, head->size) && found_count < FOUND) {
        snprintf(found[found_count], LINE, "%s (%zu bytes)", where, head->size);
        found_count++;
    }
}

static void *resize(void *data, void *block, size_t size)
{
    (void) data;
    if (block) {
        look_at(block);
    }
    if (size == 0) {
        free(block ? (struct head *) block - 1 : NULL);
        return NULL;
    }
    size_t old = block ? ((struct head *) block - 1)->size : 0;
    struct head *head = realloc(block ? (struct head *) block - 1 : NULL, sizeof *head + size);
    CHECK(head);
    if (size > old) { /* libraries have been there before, and do not wipe */
        memset((char *) (head + 1) + old, 0, size - old);
    }
    head->size = size;
    return head + 1;
}

/* ---- for Lua --------------------------------------------------------------------------------- */

static int lua_secret(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);

    CHECK(secret_count < SECRETS && strlen(text) >= WINDOW && strlen(text) < SECRET_SIZE);
    strcpy(secrets[secret_count++], text);
    return 0;
}

static int lua_phase(lua_State *L)
{
    snprintf(where, sizeof where, "%s", luaL_checkstring(L, 1));
    return 0;
}

static int lua_found(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < found_count; i++) {
        lua_pushstring(L, found[i]);
        lua_rawseti(L, -2, (int) i + 1);
    }
    found_count = 0;
    return 1;
}

static int lua_gone(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer) gone_count);
    return 1;
}

static int lua_leak(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    char *block = resize(NULL, NULL, size + 2);

    memcpy(block + 1, text, size + 1);
    resize(NULL, block, 0);
    return 0;
}

int main(int argc, char **argv)
{
    static const luaL_Reg functions[] = {
        {"secret", lua_secret}, {"phase", lua_phase}, {"found", lua_found},
        {"gone", lua_gone},     {"leak", lua_leak},   {NULL, NULL},
    };
    const struct wms_alloc alloc = {resize, NULL};

    CHECK(argc == 2);
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, "_LOADED");
    wms_lua_open(L, &alloc);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "wms");
    lua_setfield(L, -2, "wms");
    lua_pop(L, 1);
    for (const luaL_Reg *function = functions; function->name; function++) {
        lua_register(L, function->name, function->func);
    }
    if (luaL_loadfile(L, strcmp(argv[1], "-") == 0 ? NULL : argv[1]) || lua_pcall(L, 0, 0, 0)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 1;
    }
    snprintf(where, sizeof where, "the end of the state");
    lua_close(L);
    for (size_t i = 0; i < found_count; i++) {
        fprintf(stderr, "%s\n", found[i]);
    }
    return found_count > 0;
}
