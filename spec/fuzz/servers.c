/* SPDX-License-Identifier: MIT */
/* servers.c - fuzzing: lists of servers, node sets, groups.
 *
 * The input's first byte tells when memory runs out.  The rest is lines: one with '=' adds a
 * server to the group of that name, any other is an element of a list of servers.
 */
#include <stdlib.h>
#include <string.h>

#include "core/parts.h"
#include "support.h"

enum { LINES = 24, SERVERS = 2000 };

/* ---- the engine's part ----------------------------------------------------------------------- */

static size_t blocks;

static void *resize(void *data, void *block, size_t size)
{
    (void) data;
    if (size == 0) {
        blocks -= block != NULL;
        free(block);
        return NULL;
    }
    void *fresh = block ? fuzz_realloc(block, size) : fuzz_malloc(size);
    blocks += fresh && !block;
    return fresh;
}

static wms_engine engine;

int wms_engine_enter(wms_engine *entered)
{
    (void) entered;
    return 0;
}

/* ---- the input ------------------------------------------------------------------------------- */

struct lines {
    char text[700];
    wms_value groups[LINES], members[LINES][LINES];
    size_t group_count, member_counts[LINES];
    const char *servers[LINES];
    size_t server_count;
};

static wms_value *group_of(struct lines *lines, const char *name)
{
    for (size_t i = 0; i < lines->group_count; i++) {
        if (strcmp(lines->groups[i].name, name) == 0) {
            return &lines->groups[i];
        }
    }
    wms_value *group = &lines->groups[lines->group_count];
    *group =
        (wms_value){.kind = WMS_LIST, .name = name, .items = lines->members[lines->group_count]};
    lines->group_count++;
    return group;
}

static void add_line(struct lines *lines, char *line)
{
    char *equals = strchr(line, '=');

    if (!equals) {
        lines->servers[lines->server_count++] = line;
        return;
    }
    *equals++ = '\0';
    wms_value *group = group_of(lines, line);
    lines->members[group - lines->groups][group->size++] =
        (wms_value){.kind = WMS_STRING, .text = equals, .size = strlen(equals)};
}

static void read_lines(struct lines *lines, const uint8_t *data, size_t size)
{
    size = size < sizeof lines->text ? size : sizeof lines->text - 1;
    memset(lines, 0, sizeof *lines);
    memcpy(lines->text, data, size);
    char *rest = lines->text, *line;
    for (size_t i = 0; i < LINES && (line = strsep(&rest, "\n")); i++) {
        add_line(lines, line);
    }
}

/* ---- what has to hold ------------------------------------------------------------------------ */

static void must_be_reason(int error, const char *beginning)
{
    MUST(error == WMS_E_INVALID || error == WMS_E_NO_MEMORY);
    MUST(error != WMS_E_NO_MEMORY || fuzz_memory_ran_out());
    MUST(error != WMS_E_INVALID || fuzz_begins(engine.base.complaint, beginning));
}

/* Each is an address; as a list of their own they are the same, in the same order. */
static void must_stay(const wms_value *list)
{
    const char *texts[SERVERS];
    wms_value *again;

    MUST(list->kind == WMS_LIST && list->size > 0 && list->size <= WMS_SERVERS_MAX);
    fuzz_must_be_whole(list);
    if (list->size > SERVERS) {
        return;
    }
    for (size_t i = 0; i < list->size; i++) {
        struct wms_place place;
        char complaint[200];
        texts[i] = list->items[i].text;
        MUST(wms_place_parse(&place, texts[i], complaint, sizeof complaint) == 0);
        /* What stands behind the slash of a path is not looked at; else it is plain now. */
        if (!place.address.path && strcspn(texts[i], "[@") == strlen(texts[i])) {
            MUST(strcspn(texts[i], ",!&^ ") == strlen(texts[i]));
        }
    }
    int error = wms_engine_servers(&engine, texts, list->size, &again);
    if (error) {
        must_be_reason(error, "server: ");
        MUST(error == WMS_E_NO_MEMORY);
        return;
    }
    MUST(fuzz_equal(list, again));
    wms_value_free(&engine, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lines lines;
    wms_value *list;

    if (size == 0) {
        return 0;
    }
    engine.base.alloc = (struct wms_alloc){resize, NULL};
    engine.key = (struct wms_key){{1, 2}};
    fuzz_memory_begin(data[0]);
    read_lines(&lines, data + 1, size - 1);
    const wms_value groups = {.kind = WMS_TABLE, .items = lines.groups, .size = lines.group_count};
    int error = wms_engine_groups(&engine, &groups);
    if (error) {
        must_be_reason(error, "groups: ");
        MUST(!engine.groups);
    }
    error = wms_engine_servers(&engine, lines.servers, lines.server_count, &list);
    if (error) {
        must_be_reason(error, "server: ");
    } else {
        must_stay(list);
        wms_value_free(&engine, list);
    }
    wms_groups_clear(&engine);
    MUST(blocks == 0);
    return 0;
}
