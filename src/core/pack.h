/* SPDX-License-Identifier: MIT */
/* pack.h - copies of sessions whose strings lie in one block with them. */
#ifndef WMS_CORE_PACK_H
#define WMS_CORE_PACK_H

#include <string.h>

#include <wms.h>

static inline size_t wms_pack_size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static inline const char *wms_pack_put(char **room, const char *text)
{
    size_t size = wms_pack_size_of(text);
    const char *at = size ? memcpy(*room, text, size) : NULL;

    *room += size;
    return at;
}

/* How many bytes the session's strings take. */
static inline size_t wms_pack_size(const wms_session *session)
{
    size_t size = wms_pack_size_of(session->id.text);

#define WMS_X(field, name) size += wms_pack_size_of(session->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
    return size;
}

/* Copies `session`, its strings into `room`; the server is left out. */
static inline void wms_pack(wms_session *ret_copy, const wms_session *session, char *room)
{
    *ret_copy = *session;
    ret_copy->server = NULL;
    ret_copy->id.text = wms_pack_put(&room, session->id.text);
#define WMS_X(field, name) ret_copy->field = wms_pack_put(&room, session->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
}

#endif
