/* SPDX-License-Identifier: MIT */
/* check.h - checks: the program ends at the first one that fails, and says which. */
#ifndef SPEC_CHECK_H
#define SPEC_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where the program is, for messages, also for those of a crash. */
static char where[256] = "start";

__attribute__((noreturn, format(printf, 1, 2), unused)) static void fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, "failed at %s: ", where);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fail("line %d: %s", __LINE__, #condition); \
        } \
    } while (0)

#endif
