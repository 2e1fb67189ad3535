/* SPDX-License-Identifier: MIT */
/* identity.c - whose a session is.
 *
 * An id is used again after its session has ended, and GetAllSessions ([MS-RSMC] 3.6.4.1) tells
 * nothing that is unique to a session, such as its start time: only its user distinguishes two
 * sessions of the same id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "multipoint.h"

const char *multipoint_identity(struct multipoint_arena *arena, const char *domain,
                                const char *user)
{
    size_t size = strlen(domain) + strlen(user) + 2;
    char *text = multipoint_room(arena, size);

    if (text) {
        snprintf(text, size, "%s\\%s", domain,
                 user); /* the logon screen's has no user: its identity is "\\" */
    }
    return text;
}

const wms_value *multipoint_session_row(const wms_value *table, uint32_t id)
{
    const wms_value *rows = multipoint_value(table, "pprgWmsSessionInfoWs", WMS_LIST);

    for (size_t i = 0; rows && i < rows->size; i++) {
        const wms_value *number = multipoint_value(&rows->items[i], "id", WMS_NATURAL);
        if (number && number->natural == id) {
            return &rows->items[i];
        }
    }
    return NULL;
}

static uint64_t id_of(const wms_value *row)
{
    const wms_value *number = multipoint_value(row, "id", WMS_NATURAL);

    return number ? number->natural : UINT64_MAX;
}

/* By id; rows with the same id in the order of the host's list. */
static int order(const void *first, const void *second)
{
    const wms_value *one = *(const wms_value *const *) first,
                    *other = *(const wms_value *const *) second;
    uint64_t id = id_of(one), other_id = id_of(other);

    return id != other_id ? (id < other_id ? -1 : 1) : one < other ? -1 : one > other;
}

const wms_value **multipoint_session_rows(const wms_value *table, struct multipoint_arena *arena,
                                          size_t *ret_count)
{
    const wms_value *list = multipoint_value(table, "pprgWmsSessionInfoWs", WMS_LIST);
    size_t count = list ? list->size : 0;
    const wms_value **rows = multipoint_room(arena, (count + 1) * sizeof *rows);

    for (size_t i = 0; rows && i < count; i++) {
        rows[i] = &list->items[i];
    }
    if (rows) {
        qsort(rows, count, sizeof *rows, order);
    }
    *ret_count = count;
    return rows;
}

const wms_value *multipoint_session_row_of(const wms_value *const *rows, size_t count, uint32_t id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (id_of(rows[middle]) < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && id_of(rows[low]) == id ? rows[low] : NULL;
}

static const char *text_of(const wms_value *row, const char *name)
{
    const wms_value *value = multipoint_value(row, name, WMS_STRING);

    return value ? value->text : "";
}

bool multipoint_is_identity(const wms_value *row, const char *identity)
{
    const char *domain = text_of(row, "wsDomain"), *user = text_of(row, "wsUserName");
    size_t length = strlen(domain);

    return strncmp(identity, domain, length) == 0 && identity[length] == '\\' &&
           strcmp(identity + length + 1, user) == 0;
}

bool multipoint_is_console(const wms_value *row)
{
    return strcasecmp(text_of(row, "wsWinStation"), "Console") == 0;
}
