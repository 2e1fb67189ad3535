/* SPDX-License-Identifier: MIT */
/* steps.h - counts the steps of works, few of a kind and many: see growth.c. */
#ifndef SPEC_STEPS_H
#define SPEC_STEPS_H

#include "support.h"

static uint64_t steps;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

/* ---- parts of a work ------------------------------------------------------------------------- */

enum { PARTS_MAX = 16 };

struct part {
    const char *name;
    double each; /* steps */
};

static struct part parts[PARTS_MAX];
static size_t part_count;
static uint64_t begun;

/* What comes now is counted, until count(). */
static void begin(void)
{
    begun = steps;
}

static void count(const char *name, size_t things)
{
    CHECK(part_count < PARTS_MAX);
    parts[part_count++] = (struct part){name, (double) (steps - begun) / (double) things};
    begin();
}

/* ---- works ----------------------------------------------------------------------------------- */

struct work {
    const char *name;
    void (*work)(size_t size);
    size_t many;
};

enum { FEW = 1000 };

/* What is called so, for few and for many; false: one of many costs more than twice as much as one
 * of few. */
static bool compare(void (*work)(size_t size), size_t few, size_t many)
{
    struct part of_few[PARTS_MAX];
    bool fine = true;

    work(few);
    memcpy(of_few, parts, sizeof parts);
    part_count = 0;
    work(many);
    for (size_t i = 0; i < part_count; i++) {
        double ratio = parts[i].each / of_few[i].each;
        printf("%-40s %8.0f steps each of %zu, %8.0f of %zu: %.2f%s\n", parts[i].name,
               of_few[i].each, few, parts[i].each, many, ratio, ratio <= 2 ? "" : " IS TOO MUCH");
        fine = fine && ratio <= 2;
    }
    return fine;
}

static int main_of(const struct work *works, size_t work_count, int argc, char **argv)
{
    CHECK(argc == 2 || argc == 4);
    for (size_t i = 0; i < work_count; i++) {
        if (strcmp(works[i].name, argv[1]) == 0) {
            size_t few = argc == 4 ? strtoul(argv[2], NULL, 10) : FEW;
            size_t many = argc == 4 ? strtoul(argv[3], NULL, 10) : works[i].many;
            snprintf(where, sizeof where, "%s", argv[1]);
            return compare(works[i].work, few, many) ? 0 : 1;
        }
    }
    fail("no such work: %s", argv[1]);
}

#endif
