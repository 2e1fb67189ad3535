/* SPDX-License-Identifier: MIT */
/* wms/memory.h - the embedded host: sessions in this process's memory, served as `memory://NAME`.
 *
 * For scripts and programs to be written and tested against.  It behaves as a MultiPoint host does:
 * states, locks and messages, unknown ids, administrators that are exempt from orchestration, a
 * manager that locks again.  Beyond that it shows a message in a session without locking it.
 */
#ifndef WMS_MEMORY_H
#define WMS_MEMORY_H

#include <wms.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wms_memory wms_memory;

struct wms_memory_options {
    double latency;      /* seconds that an answer takes; 0: none */
    double relock_after; /* seconds after which its manager, in Block All, locks an unlocked session
                            again; negative: never */
    bool admin_orchestration; /* administrators and operators are not exempt */
};

/* Registers the provider if nobody has, so that `memory://` is known before there is a host.
 * Errors: NO_MEMORY. */
WMS_API int wms_memory_register(wms_engine *engine);

/* Makes the host `memory://name` in this engine, and registers the provider if nobody has.
 * `options` NULL: none.  The host serves until wms_memory_close(), or until the engine goes; the
 * caller owns one reference, which keeps the engine. Errors: INVALID (the name is no host's name,
 * or taken; wms_engine_complaint() tells), NO_MEMORY. */
WMS_INLINE int wms_memory_new(wms_engine *engine, const char *name,
                              const struct wms_memory_options *options, wms_memory **ret_host);
WMS_API int wms_memory_new_sized(wms_engine *engine, const char *name,
                                 const struct wms_memory_options *options, size_t size,
                                 wms_memory **ret_host);
WMS_API wms_memory *wms_memory_unref(wms_memory *host);
/* Shuts the host down: nobody reaches it, its name is free again.  A second call does nothing. */
WMS_API void wms_memory_close(wms_memory *host);

/* Adds a session of the given properties.  Strings are copied; `server` is ignored; flags of -1 are
 * computed (is_orchestratable from is_admin, is_mog_user and the host's options; the others are 0).
 * Without an `identity` it gets one that no other session has.  `relock_after` negative: the
 * host's. Errors: INVALID (the id is there already, or is none), NO_MEMORY. */
WMS_INLINE int wms_memory_open(wms_memory *host, const wms_session *session, double relock_after);
WMS_API int wms_memory_open_sized(wms_memory *host, const wms_session *session, size_t size,
                                  double relock_after);
/* The host's own manager locks or unlocks a session; the session ends (drop).  Errors: NOT_FOUND,
 * NO_MEMORY. */
WMS_API int wms_memory_lock(wms_memory *host, const wms_id *id, const char *message);
WMS_API int wms_memory_unlock(wms_memory *host, const wms_id *id);
WMS_API int wms_memory_drop(wms_memory *host, const wms_id *id);
/* Since 0.3.  What a WMS_THUMBNAIL gets of the session from now on: these bytes (copied), a JPEG or
 * not; with `size` 0 that it has no picture; with `data` NULL one that the host makes up, as at
 * first.  Made-up ones are small: 96 x 60 to 768 x 480 pixels.  A disconnected session has none.
 * Errors: NOT_FOUND, NO_MEMORY. */
WMS_API int wms_memory_picture(wms_memory *host, const wms_id *id, const void *data, size_t size);
/* From now on, every `verb` is answered with `code`; 0: normally again.  UNREACHABLE breaks the
 * connection after the request was taken, TIMEOUT never answers.  Errors: INVALID (no verb, or a
 * code that no host sends). */
WMS_API int wms_memory_fail(wms_memory *host, enum wms_verb verb, int code);
/* From now on, nobody reaches the host (code, for example UNREACHABLE), or everybody does again
 * (0).  Errors: as for wms_memory_fail(). */
WMS_API int wms_memory_refuse(wms_memory *host, int code);

/* What the host was asked to do, oldest first: the last 65,536 requests.  Strings live until the
 * next request. */
struct wms_memory_entry {
    enum wms_verb verb;
    wms_id id;           /* nothing in it for what is about the host as a whole */
    const char *message; /* WMS_LOCK and WMS_MESSAGE */
    int code;            /* what it answered */
    const char *title;   /* WMS_MESSAGE; NULL: none */
};
WMS_API size_t wms_memory_log_count(const wms_memory *host);
WMS_INLINE int wms_memory_log(const wms_memory *host, size_t index,
                              struct wms_memory_entry *ret_entry);
WMS_API int wms_memory_log_sized(const wms_memory *host, size_t index,
                                 struct wms_memory_entry *ret_entry, size_t size);

/* One session as the host sees it, with its lock's message: what a WMS_MESSAGE shows stands in the
 * log alone.  Errors: NOT_FOUND.  Strings live until the next request. */
WMS_INLINE int wms_memory_session(const wms_memory *host, const wms_id *id,
                                  wms_session *ret_session, const char **ret_message);
WMS_API int wms_memory_session_sized(const wms_memory *host, const wms_id *id,
                                     wms_session *ret_session, size_t size,
                                     const char **ret_message);

#ifndef WMS_NO_INLINE
static inline int wms_memory_new(wms_engine *engine, const char *name,
                                 const struct wms_memory_options *options, wms_memory **ret_host)
{
    return wms_memory_new_sized(engine, name, options, sizeof *options, ret_host);
}

static inline int wms_memory_open(wms_memory *host, const wms_session *session, double relock_after)
{
    return wms_memory_open_sized(host, session, sizeof *session, relock_after);
}

static inline int wms_memory_log(const wms_memory *host, size_t index,
                                 struct wms_memory_entry *ret_entry)
{
    return wms_memory_log_sized(host, index, ret_entry, sizeof *ret_entry);
}

static inline int wms_memory_session(const wms_memory *host, const wms_id *id,
                                     wms_session *ret_session, const char **ret_message)
{
    return wms_memory_session_sized(host, id, ret_session, sizeof *ret_session, ret_message);
}
#endif

#ifdef __cplusplus
}
#endif
#endif
