/* SPDX-License-Identifier: MIT */
/* check.h - checks for the specs' programs. */
#ifndef SPEC_CHECK_H
#define SPEC_CHECK_H

#include <stdio.h>
#include <unistd.h>

#include <winpr/error.h>

#define CHECK(condition)                                                                                                   \
    do {                                                                                                                   \
        if (!(condition)) {                                                                                                \
            fprintf(stderr, "line %d: %s (last error %lu)\n", __LINE__, #condition, (unsigned long) GetLastError());       \
            _exit(1);                                                                                                      \
        }                                                                                                                  \
    } while (0)

/* The call must fail with that error. */
#define REFUSED(call, expected)                                                                                            \
    do {                                                                                                                   \
        SetLastError(0);                                                                                                   \
        CHECK(!(call));                                                                                                    \
        CHECK(GetLastError() == (expected));                                                                               \
    } while (0)

#endif
