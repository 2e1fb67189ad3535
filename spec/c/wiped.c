/* SPDX-License-Identifier: MIT */
/* wiped.c - looks at every block of the engine's memory when it goes: nothing secret may be left in
 * it.
 *
 *     wiped MODULE     MODULE is the provider caller.so
 */
#define _GNU_SOURCE /* memmem */
#include <sys/wait.h>

#include "support.h"

/* ---- memory that is looked at ---------------------------------------------------------------- */

static const char *const secrets[] = {"right", "TOP-SECRET", "wrong-password", "argument-secret",
                                      "proxy-secret"};

struct block {
    struct block *next, *prev;
    size_t size;
    _Alignas(max_align_t) char data[];
};

static struct {
    struct block *first;             /* in use */
    size_t blocks, number, fails_at; /* in use; allocated so far; the one that fails, or 0 */
} heap;

static bool holds(const struct block *block, const char *secret)
{
    return memmem(block->data, block->size, secret, strlen(secret));
}

static void look(const struct block *block)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (holds(block, secrets[i])) {
            fail("a block of %zu bytes goes with '%s' in it", block->size, secrets[i]);
        }
    }
}

static void *resize(void *data, void *old, size_t size)
{
    struct block *block =
        old ? (struct block *) (void *) ((char *) old - offsetof(struct block, data)) : NULL;
    struct block *copy = NULL;

    (void) data;
    if (size > 0) {
        if (++heap.number == heap.fails_at) {
            return NULL;
        }
        copy = malloc(sizeof *copy + size);
        CHECK(copy);
        copy->size = size;
        copy->prev = NULL;
        copy->next = heap.first;
        if (copy->next) {
            copy->next->prev = copy;
        }
        heap.first = copy;
        heap.blocks++;
        if (block) {
            memcpy(copy->data, block->data, block->size < size ? block->size : size);
        }
    }
    if (block) {
        look(block);
        if (block->next) {
            block->next->prev = block->prev;
        }
        if (block->prev) {
            block->prev->next = block->next;
        } else {
            heap.first = block->next;
        }
        memset(block->data, 0xAA, block->size);
        free(block);
        heap.blocks--;
    }
    return copy ? copy->data : NULL;
}

/* Nothing that is in use has it. */
static void look_everywhere(const char *secret)
{
    for (const struct block *block = heap.first; block; block = block->next) {
        if (holds(block, secret)) {
            fail("a block of %zu bytes has '%s'", block->size, secret);
        }
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

enum how { PLAIN, ASKED, REFUSED, CANCELLED, GIVEN_BACK, FORKED };

static int start(wms_engine *engine, const char *server, const char *password,
                 wms_request **ret_request)
{
    const char *servers[] = {server};
    wms_command command;

    wms_command_init(&command, WMS_BIND);
    command.servers = servers;
    command.server_count = 1;
    command.user_name = "admin";
    command.fingerprint = "AB";
    command.password = password;
    command.management = true;
    command.timeout = 0.05;
    return wms_start(engine, &command, ret_request);
}

static void in_child(wms_engine *engine, wms_request *request)
{
    pid_t pid = fork();

    if (pid == 0) {
        CHECK(wms_request_done(request) == WMS_E_FORKED);
        wms_request_unref(request);
        wms_engine_unref(engine);
        _exit(0);
    }
    int status;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void bind(wms_engine *engine, const char *server, const char *password, enum how how)
{
    wms_request *request;

    if (start(engine, server, how == ASKED || how == REFUSED ? NULL : password, &request)) {
        return; /* no memory */
    }
    if (how == ASKED || how == REFUSED) {
        while (wms_request_wait(request, -1) == 0) {
            if (wms_request_wants_password(request)) {
                wms_request_password(request, how == ASKED ? password : NULL, "none");
                look_everywhere(password); /* the host has been told */
            }
        }
    } else if (how == CANCELLED) {
        wms_request_cancel(request);
    } else if (how == FORKED) {
        in_child(engine, request);
    } else if (how == PLAIN) {
        wms_request_wait(request, -1);
    }
    if (wms_request_done(request) == 1) {
        look_everywhere(password);
    }
    wms_request_unref(request);
}

/* Arguments and results may be secret as well. */
static void call(wms_engine *engine, const char *operation)
{
    const wms_value items[] = {
        {.kind = WMS_STRING, .name = "password", .text = "argument-secret", .size = 15}};
    const wms_value table = {.kind = WMS_TABLE, .items = items, .size = 1};
    const char *servers[] = {"caller://host"};
    wms_command command;
    wms_request *request;
    wms_outcome outcome;

    wms_command_init(&command, WMS_CALL);
    command.servers = servers;
    command.server_count = 1;
    command.interface_name = "IThing";
    command.operation = operation;
    command.arguments = &table;
    if (wms_start(engine, &command, &request) == 0) {
        if (wms_request_wait(request, -1) == 1 && strcmp(operation, "echo") == 0) {
            const wms_value *echo = wms_value_field(wms_request_value(request), "password");
            CHECK(heap.fails_at || (echo && strcmp(echo->text, "argument-secret") == 0));
        }
        if (strcmp(operation, "quote") == 0 && wms_request_outcome(request, 0, &outcome) == 0) {
            CHECK(heap.fails_at || strcmp(outcome.text, "argument-secret") == 0);
        }
        wms_request_unref(request);
    }
}

static void run(wms_engine *engine)
{
    static const char *const hosts[] = {
        "caller://host",       "caller://bind-broken", "caller://bind-broken-sent",
        "caller://bind-twice", "caller://bind-late",   "caller://bind-silent"};
    const size_t count =
        heap.fails_at ? 3 : sizeof hosts / sizeof *hosts; /* the others take their time */
    const wms_transport transport = {
        .connections = 4, .answer_size = 5000, .proxy = "http://me:proxy-secret@host"};
    wms_value *list;

    wms_engine_transport(engine, &transport);
    for (size_t i = 0; i < count; i++) {
        for (enum how how = PLAIN; how <= (heap.fails_at ? GIVEN_BACK : FORKED); how++) {
            unsetenv("CALLER_bind-broken");
            bind(engine, hosts[i], "right", how);
            bind(engine, hosts[i], "wrong-password", how);
        }
    }
    call(engine, "echo");
    call(engine, "quote");
    call(engine, "load");
    call(engine, "never-heard-of");
    if (wms_bindings(engine, &list) == 0) {
        wms_value_free(engine, list);
    }
    wms_engine_transport(engine, &(const wms_transport){.connections = 4, .answer_size = 5000});
}

/* With bindings in memory, or in files. */
static void world(const char *module, const char *folder)
{
    const struct wms_alloc alloc = {resize, NULL};
    wms_engine *engine;

    if (wms_engine_new(&alloc, &engine)) {
        return;
    }
    if (wms_engine_load(engine, "caller", module) == 0 &&
        wms_engine_binding_folder(engine, folder) == 0) {
        const char *server, *text;
        size_t size;
        run(engine);
        CHECK(folder || heap.fails_at ||
              wms_engine_binding_next(engine, &server, &text, &size) == 1);
        CHECK(heap.fails_at || wms_unbind(engine, "caller://host") == 0);
        wms_engine_binding_folder(engine, "");
    }
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
}

/* ---- what the Lua module has of it ----------------------------------------------------------- */

static const char script[] =
    "local wms = ...\n"
    "wms.configure{ store = { load = function() end, save = function() end, remove = print, list = "
    "print } }\n"
    "for _, password in ipairs{ 'right', function() return 'right' end } do\n"
    "   assert(wms.bind{ server = 'caller://host', user_name = 'a', fingerprint = 'AB', password = "
    "password })\n"
    "   local call = { server = 'caller://host', interface = 'I', operation = 'echo',\n"
    "      arguments = { password = 'argument-secret' } }\n"
    "   assert(wms.call(call).password)\n"
    "end\n"
    "assert(not pcall(wms.configure, { store = 1 }))\n"
    "wms.start('bind', { server = 'caller://host', user_name = 'a', fingerprint = 'AB', password = "
    "'right' })\n";

static void lua_world(const char *module)
{
    const struct wms_alloc alloc = {resize, NULL};
    lua_State *L = luaL_newstate();

    snprintf(where, sizeof where, "Lua");
    luaL_openlibs(L);
    CHECK(luaL_loadstring(L, script) == 0);
    wms_lua_open(L, &alloc);
    CHECK(wms_engine_load(wms_lua_engine(L), "caller", module) == 0);
    if (lua_pcall(L, 1, 0, 0)) {
        fail("%s", lua_tostring(L, -1));
    }
    lua_close(L);
    CHECK(heap.blocks == 0);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/wms-wiped-XXXXXX", path[64], command[128];

    CHECK(argc == 2 && mkdtemp(folder));
    snprintf(path, sizeof path, "%s/bindings", folder);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    for (int files = 0; files < 2; files++) {
        heap.number = heap.fails_at = 0;
        world(argv[1], files ? path : NULL);
        for (size_t last = heap.number, i = 1; i <= last; i++) {
            snprintf(where, sizeof where, "%s, allocation %zu", files ? "files" : "memory", i);
            heap.number = 0;
            heap.fails_at = i;
            world(argv[1], files ? path : NULL);
        }
    }
    CHECK(system(command) == 0);
    heap.fails_at = 0;
    lua_world(argv[1]);
    return 0;
}
