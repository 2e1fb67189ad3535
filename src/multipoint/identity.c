/* identity.c - whose a session is.
 *
 * An id is used again when its session has ended, and GetAllSessions ([MS-RSMC] 3.6.4.1) says nothing of a session that no
 * other ever has, such as a time: its user is all that tells two of one id apart.
 */
#include <stdio.h>
#include <strings.h>

#include "multipoint.h"

const char *multipoint_identity(struct multipoint_arena *arena, const char *domain, const char *user)
{
    size_t size = strlen(domain) + strlen(user) + 2;
    char *text = multipoint_room(arena, size);

    if (text) {
        snprintf(text, size, "%s\\%s", domain, user); /* the logon screen's is nobody's, and that is known */
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

static const char *text_of(const wms_value *row, const char *name)
{
    const wms_value *value = multipoint_value(row, name, WMS_STRING);

    return value ? value->text : "";
}

bool multipoint_is_identity(const wms_value *row, const char *identity)
{
    const char *domain = text_of(row, "wsDomain"), *user = text_of(row, "wsUserName");
    size_t length = strlen(domain);

    return strncmp(identity, domain, length) == 0 && identity[length] == '\\' && strcmp(identity + length + 1, user) == 0;
}

bool multipoint_is_console(const wms_value *row)
{
    return strcasecmp(text_of(row, "wsWinStation"), "Console") == 0;
}
