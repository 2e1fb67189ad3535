/* SPDX-License-Identifier: MIT */
/* oom_cli.c - runs the program `wms` without memory.
 *
 *     oom_cli [-l] EVERY [ARGUMENT...]
 *
 * The command line runs once to count its allocations, those of Lua and of the engine; then, in a
 * process of its own each time, every allocation from number N on fails, for each EVERYth N and the
 * last ones of all; and again, where only two in a row fail.  Such a run must end by itself, and:
 *
 * - with 0, having written what it writes with memory, and nothing else;
 * - or with 1, having written what is wrong: to the error stream, in whole lines and without a
 *   traceback, or in a record of JSON or CSV.
 *
 * With -l it is a command that lasts: it tells the time of everything, and tries again what has
 * failed.  Then it may end with 0 having written anything, and with 70, too, or with 3, when its
 * time was over before it had tried again.  The file that the environment calls OOM_FILE is taken
 * away before each run.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

enum { LAST = 20, LARGEST = 65536 };

static struct {
    size_t from, until; /* allocations with these numbers fail; 0: none */
    size_t *count;      /* of this process and of the one that runs the program */
} plan;

static struct heap lua_heap, engine_heap;
static bool lasts;

static bool fails(void)
{
    size_t number = ++*plan.count;
    return plan.from && number >= plan.from && number <= plan.until;
}

static void *lua_resize(void *data, void *block, size_t old_size, size_t size)
{
    /* Lua relies on it that blocks can be made smaller. */
    if (size > 0 && (!block || size > old_size) && fails()) {
        return NULL;
    }
    return heap_lua(data, block, old_size, size);
}

static void *engine_resize(void *data, void *block, size_t size)
{
    return size > 0 && fails() ? NULL : heap_resize(data, block, size);
}

static int open_module(lua_State *L)
{
    const struct wms_alloc alloc = {engine_resize, &engine_heap};
    return wms_lua_open(L, &alloc);
}

/* What comes before the program: the interpreter's own. */
static int prepare(lua_State *L)
{
    char **words = lua_touserdata(L, 1);

    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, open_module);
    lua_setfield(L, -2, "wms");
    lua_newtable(L);
    for (int i = 0; words[i]; i++) {
        lua_pushstring(L, words[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    return 0;
}

/* The program, as the interpreter runs it; does not return. */
static void run_program(char **words)
{
    lua_State *L = lua_newstate(heap_lua, &lua_heap);

    CHECK(L);
    lua_pushcfunction(L, prepare);
    lua_pushlightuserdata(L, words);
    CHECK(lua_pcall(L, 1, 0, 0) == 0);
    CHECK(luaL_loadfile(L, "bin/wms") == 0);
    lua_setallocf(L, lua_resize, &lua_heap);
    int status = lua_pcall(L, 0, 0, 0); /* it ends in os.exit() */
    const char *text = lua_tostring(L, -1);
    fprintf(stderr, "lua: %s\n", text ? text : luaL_typename(L, -1));
    _exit(status ? 1 : 99);
}

struct written {
    char out[LARGEST], err[LARGEST];
    int code;
};

static void read_back(int fd, char *text)
{
    ssize_t length = pread(fd, text, LARGEST - 1, 0);
    CHECK(length >= 0);
    text[length] = '\0';
    close(fd);
}

static void run(char **words, struct written *written)
{
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC), status;

    CHECK(out >= 0 && err >= 0);
    *plan.count = 0;
    if (getenv("OOM_FILE")) {
        unlink(getenv("OOM_FILE"));
    }
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(dup2(out, 1) == 1 && dup2(err, 2) == 2);
        alarm(60);
        run_program(words);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    read_back(out, written->out);
    read_back(err, written->err);
    if (!WIFEXITED(status)) {
        fail("ended by signal %d; it wrote: %s", WTERMSIG(status), written->err);
    }
    written->code = WEXITSTATUS(status);
}

static void attempt(char **words, size_t from, size_t until, const struct written *good)
{
    static struct written poor;

    plan.from = from;
    plan.until = until;
    snprintf(where, sizeof where, "allocations %zu to %zu", from, until);
    run(words, &poor);
    if (poor.code == 0) {
        if (lasts) {
            return;
        }
        if (strcmp(poor.out, good->out) != 0 || strcmp(poor.err, good->err) != 0) {
            fail("exit code 0, and it wrote: %s%s", poor.out, poor.err);
        }
        return;
    }
    size_t length = strlen(poor.err);
    if (poor.code == 1 && length == 0 && strstr(poor.out, "NO_MEMORY")) {
        return;
    }
    if ((poor.code != 1 && !(lasts && (poor.code == 70 || poor.code == 3))) || length == 0 ||
        poor.err[length - 1] != '\n' || strstr(poor.err, "traceback") ||
        !strstr(poor.err, "memory")) {
        fail("exit code %d, and it wrote: %s", poor.code, poor.err);
    }
}

int main(int argc, char **argv)
{
    static struct written good;
    size_t every, count, runs = 0;

    lasts = argc > 1 && strcmp(argv[1], "-l") == 0;
    argv += lasts;
    argc -= lasts;
    CHECK(argc >= 2);
    every = strtoul(argv[1], NULL, 10);
    plan.count =
        mmap(NULL, sizeof *plan.count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(every > 0 && plan.count != MAP_FAILED);
    run(argv + 2, &good);
    count = *plan.count;
    if (good.code != 0) {
        fail("exit code %d with memory: %s", good.code, good.err);
    }
    for (size_t number = 1, next; number <= count; number = next) {
        attempt(argv + 2, number, SIZE_MAX, &good);
        attempt(argv + 2, number, number + 1, &good);
        runs += 2;
        size_t last = count > LAST ? count - LAST : 1;
        next = number >= last ? number + 1 : number + every < last ? number + every : last;
    }
    printf("%zu allocations, %zu runs\n", count, runs);
    return 0;
}
