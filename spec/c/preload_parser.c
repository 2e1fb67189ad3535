/* SPDX-License-Identifier: MIT */
/* preload_parser.c - for LD_PRELOAD: how much libxml2 is given, and how much is received, between
 * two looks at the descriptors, and how often these are looked at.  Says it at the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SEEN __attribute__((visibility("default")))

SEEN int xmlParseChunk(void *parser, const char *chunk, int size, int last);

static size_t in_turn, most, whole, received, received_most, looks;

static void *next(const char *name)
{
    static const char *const libraries[] = {"libxml2.so.2", "libxml2.so.16"};
    void *function = dlsym(RTLD_NEXT, name);

    for (size_t i = 0; !function && i < sizeof libraries / sizeof *libraries; i++) {
        void *library = dlopen(
            libraries[i], RTLD_LAZY | RTLD_NOLOAD); /* that of a module is not seen by RTLD_NEXT */
        function = library ? dlsym(library, name) : NULL;
    }
    return function;
}

SEEN int xmlParseChunk(void *parser, const char *chunk, int size, int last)
{
    static int (*parse)(void *parser, const char *chunk, int size, int last);

    if (!parse) {
        *(void **) &parse = next("xmlParseChunk");
    }
    in_turn += (size_t) size;
    whole += (size_t) size;
    most = in_turn > most ? in_turn : most;
    return parse(parser, chunk, size, last);
}

SEEN ssize_t recv(int fd, void *data, size_t size, int flags)
{
    static ssize_t (*real)(int fd, void *data, size_t size, int flags);

    if (!real) {
        *(void **) &real = next("recv");
    }
    ssize_t count = real(fd, data, size, flags);
    received += count > 0 && !(flags & MSG_PEEK) ? (size_t) count : 0;
    received_most = received > received_most ? received : received_most;
    return count;
}

SEEN int epoll_pwait(int fd, struct epoll_event *events, int count, int wait,
                     const sigset_t *signals)
{
    static int (*real)(int fd, struct epoll_event *events, int count, int wait,
                       const sigset_t *signals);

    if (!real) {
        *(void **) &real = next("epoll_pwait");
    }
    in_turn = received = 0;
    looks++;
    return real(fd, events, count, wait, signals);
}

SEEN int epoll_wait(int fd, struct epoll_event *events, int count, int wait)
{
    return epoll_pwait(fd, events, count, wait, NULL);
}

__attribute__((destructor)) static void say(void)
{
    if (whole > 0) {
        fprintf(
            stderr,
            "parsed %zu bytes, at most %zu in a turn; received at most %zu in a turn; %zu turns\n",
            whole, most, received_most, looks);
    }
}
