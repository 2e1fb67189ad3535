/* SPDX-License-Identifier: MIT */
/* growth_wts.c - counts the steps of what the provider `wts` does for each server; see growth.c.
 *
 *     growth_wts WORK [FEW MANY] */
#include "steps.h"
#include "wts/wts.h"

static void names(size_t size)
{
    struct wts_server **servers = calloc(size, sizeof *servers);
    struct wts_tallies *tallies = wts_tallies_new();
    char name[32];

    CHECK(servers && tallies);
    begin();
    for (size_t i = 0; i < size; i++) {
        snprintf(name, sizeof name, "room%zu.example", i);
        servers[i] = wts_server_new(name, tallies);
        CHECK(servers[i]);
    }
    count("a server is met", size);
    for (size_t i = 0; i < size; i++) {
        size_t which = i * 7919 % size;
        snprintf(name, sizeof name, "room%zu.example", which);
        struct wts_server *again = wts_server_new(name, tallies);
        CHECK(again && again->tally == servers[which]->tally &&
              strcmp(again->tally->name, name) == 0);
        wts_server_unref(again, true);
    }
    count("a server is met again", size);
    size_t listed = 0;
    for (const struct wts_tally *tally = tallies->first; tally; tally = tally->next) {
        listed++;
    }
    CHECK(listed == size);
    begin();
    wts_tallies_free(tallies);
    for (size_t i = 0; i < size; i++) {
        CHECK(atomic_load(&servers[i]->tally->refs) == 1);
        wts_server_unref(servers[i], true);
    }
    count("a server goes", size);
    free(servers);
}

static const struct work works[] = {{"names", names, 20000}};

int main(int argc, char **argv)
{
    return main_of(works, sizeof works / sizeof *works, argc, argv);
}
