/* SPDX-License-Identifier: MIT */
/* replier.c - the far end of measurements over HTTP: a process of its own that gives to each
 * request an answer that was made before, so that it costs as little as may be.
 *
 *     local far = require("bench.replier"){ { "GET /user", "application/json", "{}" }, ... }
 *     far:port()            where it listens, at 127.0.0.1
 *     far:take()            the requests since the last call as they came, and how many there were
 *     far:stop()
 *
 * A request gets the answer whose first field it begins with.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <lauxlib.h>
#include <lua.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLIER "bench.replier"

enum { ANSWERS = 16, ANSWER = 2048, REQUEST = 16384, HEARD = 1 << 16, DESCRIPTORS = 1024 };

/* What both processes see. */
struct heard {
    size_t count, length; /* of all requests; what no room was left for is counted, and not there */
    char text[HEARD];
};

struct replier {
    pid_t pid;
    unsigned port;
    int listener;
    struct heard *heard;
    size_t count;
    struct {
        char request[128], text[ANSWER];
        size_t size;
    } answers[ANSWERS];
};

struct connection {
    size_t length;
    char text[REQUEST + 1];
};

/* ---- the process ----------------------------------------------------------------------------- */

/* The bytes of the first request; 0: it is not all there. */
static size_t whole_request(const char *text, size_t length)
{
    const char *end = strstr(text, "\r\n\r\n"), *field = strcasestr(text, "\r\nContent-Length:");
    size_t size = end ? (size_t) (end + 4 - text) : 0;

    if (size > 0 && field && field < end) {
        size += strtoul(field + sizeof "\r\nContent-Length:" - 1, NULL, 10);
    }
    return size <= length ? size : 0;
}

static void note(struct heard *heard, const char *text, size_t size)
{
    if (heard->length + size <= HEARD) {
        memcpy(heard->text + heard->length, text, size);
    }
    heard->length += size;
    heard->count++;
}

static void reply(const struct replier *far, int fd, const char *request)
{
    static const char none[] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    const char *text = none;
    size_t size = sizeof none - 1;

    for (size_t i = 0; i < far->count && text == none; i++) {
        if (strncmp(request, far->answers[i].request, strlen(far->answers[i].request)) == 0) {
            text = far->answers[i].text;
            size = far->answers[i].size;
        }
    }
    if (send(fd, text, size, MSG_NOSIGNAL) < 0) {
        return; /* its end is read next */
    }
}

/* False: the connection is over. */
static bool serve(const struct replier *far, int fd, struct connection *connection)
{
    ssize_t more = recv(fd, connection->text + connection->length, REQUEST - connection->length, 0);

    if (more <= 0) {
        return false;
    }
    connection->length += (size_t) more;
    connection->text[connection->length] = '\0';
    for (size_t size; (size = whole_request(connection->text, connection->length)) > 0;) {
        note(far->heard, connection->text, size);
        reply(far, fd, connection->text);
        connection->length -= size;
        memmove(connection->text, connection->text + size, connection->length + 1);
    }
    return connection->length < REQUEST;
}

static void admit(int epoll, int listener, struct connection **connections)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), yes = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0 || fd >= DESCRIPTORS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connections[fd] = connections[fd] ? connections[fd] : malloc(sizeof **connections);
    if (!connections[fd] || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
        close(fd);
        return;
    }
    connections[fd]->length = 0;
}

static void work(const struct replier *far)
{
    static struct connection *connections[DESCRIPTORS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = far->listener};

    epoll_ctl(epoll, EPOLL_CTL_ADD, far->listener, &event);
    while (epoll_wait(epoll, &event, 1, -1) > 0) {
        int fd = event.data.fd;
        if (fd == far->listener) {
            admit(epoll, fd, connections);
        } else if (!serve(far, fd, connections[fd])) {
            close(fd);
        }
    }
}

/* ---- for Lua --------------------------------------------------------------------------------- */

static struct replier *replier_here(lua_State *L)
{
    return luaL_checkudata(L, 1, REPLIER);
}

static int port(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer) replier_here(L)->port);
    return 1;
}

static int take(lua_State *L)
{
    struct heard *heard = replier_here(L)->heard;

    lua_pushlstring(L, heard->text, heard->length < HEARD ? heard->length : HEARD);
    lua_pushinteger(L, (lua_Integer) heard->count);
    heard->length = heard->count = 0;
    return 2;
}

static int stop(lua_State *L)
{
    struct replier *far = replier_here(L);

    if (far->pid > 0) {
        kill(far->pid, SIGKILL);
        waitpid(far->pid, NULL, 0);
        far->pid = 0;
    }
    if (far->heard) {
        munmap(far->heard, sizeof *far->heard);
        far->heard = NULL;
    }
    return 0;
}

static void read_answers(lua_State *L, struct replier *far)
{
    far->count = lua_rawlen(L, 1);
    luaL_argcheck(L, far->count <= ANSWERS, 1, "too many");
    for (size_t i = 0; i < far->count; i++) {
        size_t size;
        lua_rawgeti(L, 1, (int) i + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        lua_rawgeti(L, -3, 3);
        const char *body = luaL_checklstring(L, -1, &size);
        int head = snprintf(far->answers[i].text, ANSWER,
                            "HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n",
                            luaL_checkstring(L, -2), (int) size);
        luaL_argcheck(L, head > 0 && (size_t) head + size <= ANSWER, 1, "too long");
        memcpy(far->answers[i].text + head, body, size);
        far->answers[i].size = (size_t) head + size;
        snprintf(far->answers[i].request, sizeof far->answers[i].request, "%s",
                 luaL_checkstring(L, -3));
        lua_pop(L, 4);
    }
}

static int start(lua_State *L)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    luaL_checktype(L, 1, LUA_TTABLE);
    struct replier *far = lua_newuserdata(L, sizeof *far);
    memset(far, 0, sizeof *far);
    luaL_getmetatable(L, REPLIER);
    lua_setmetatable(L, -2);
    read_answers(L, far);
    far->heard =
        mmap(NULL, sizeof *far->heard, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    far->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far->heard == MAP_FAILED || bind(far->listener, (struct sockaddr *) &address, size) ||
        listen(far->listener, 64) ||
        getsockname(far->listener, (struct sockaddr *) &address, &size)) {
        return luaL_error(L, "no far end can be made");
    }
    far->port = ntohs(address.sin_port);
    far->pid = fork();
    if (far->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(far);
        _exit(1);
    }
    close(far->listener);
    return far->pid < 0 ? luaL_error(L, "no process can be made") : 1;
}

static void set(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

__attribute__((visibility("default"))) int luaopen_bench_replier(lua_State *L);

int luaopen_bench_replier(lua_State *L)
{
    luaL_newmetatable(L, REPLIER);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    set(L, "__gc", stop);
    set(L, "port", port);
    set(L, "take", take);
    set(L, "stop", stop);
    lua_pushcfunction(L, start);
    return 1;
}
