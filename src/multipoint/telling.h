/* SPDX-License-Identifier: MIT */
/* telling.h - what hosts tell of events: [MS-RSMC] 3.3 (IMultiPointCoreEventSink) and 3.9
 * (IMultiPointSystemOnlineEventSink), where the host is the client.  Nothing here knows of hosts or
 * sockets.
 *
 *     events.c     the table of the events
 *     token.c      finds user name and password in what anybody may have sent
 *     sink.c       judges a request: who calls, and what for; and writes the answer
 */
#ifndef WMS_MULTIPOINT_TELLING_H
#define WMS_MULTIPOINT_TELLING_H

#include "document.h"

/* ---- events.c -------------------------------------------------------------------------------- */

/* What is to be looked at. */
enum multipoint_hint {
    MULTIPOINT_HINT_NOTHING,
    MULTIPOINT_HINT_SESSION,     /* whether the session `idSession` is locked */
    MULTIPOINT_HINT_ALL,         /* all sessions */
    MULTIPOINT_HINT_GONE,        /* the host goes, and may forget whom to tell of events */
    MULTIPOINT_HINT_BACK,        /* it is there again, and may have forgotten */
    MULTIPOINT_HINT_CERTIFICATE, /* the host's next certificate, which is in the event */
};

struct multipoint_event {
    const char *interface_name, *name;
    const char *fields; /* as those of struct multipoint_operation */
    enum multipoint_hint hint;
    bool online; /* of IMultiPointSystemOnlineEventSink: its answers have the request's action */
};

extern const struct multipoint_event multipoint_events[];
extern const size_t multipoint_event_count;

#define MULTIPOINT_CORE_SINK   "IMultiPointCoreEventSink"
#define MULTIPOINT_ONLINE_SINK "IMultiPointSystemOnlineEventSink"

/* NULL: there is none. */
const struct multipoint_event *multipoint_event_find(const char *interface_name, const char *name);

/* ---- token.c --------------------------------------------------------------------------------- */

enum { MULTIPOINT_USER_MAX = 255, MULTIPOINT_PASSWORD_MAX = 1023 };

struct multipoint_token {
    char user_name[MULTIPOINT_USER_MAX + 1];
    char password[MULTIPOINT_PASSWORD_MAX + 1];
    size_t password_size;
    bool there; /* both were found */
};

/* Finds the UsernameToken in a request's header; names are compared without their namespaces, since
 * the password alone proves anything.  The request's body is not looked at.  Returns NULL, or why
 * the text is refused, as a sentence without a subject.  The caller wipes *ret_token. */
const char *multipoint_token_find(const char *text, size_t size,
                                  struct multipoint_token *ret_token);

/* ---- sink.c ---------------------------------------------------------------------------------- */

/* A host that may call. */
struct multipoint_caller {
    struct multipoint_caller *next;
    const char *control, *management; /* its passwords; the second may be NULL */
    bool calls;                       /* the request is its own */
};

enum {
    MULTIPOINT_SINK_MAX = 262144 /* bytes of a request */
};

/* The status of a request whose head has come: 0 if it is worth reading on, or 404, 405, 415. NULL:
 * there is no such header. */
unsigned multipoint_sink_door(const char *method, const char *path, const char *type);

struct multipoint_verdict {
    unsigned status;                      /* of HTTP */
    const struct multipoint_event *event; /* NULL: it is none, or nobody may tell it */
    wms_value table;                      /* the event's arguments; those that were left out or nil
                                             are missing */
    bool old;                             /* in SOAP 1.1 */
    struct multipoint_text answer;
    struct multipoint_answer request; /* owns the table */
};

/* Judges a request whose head has passed the door.  Credentials are looked at before all else; all
 * callers are compared in constant time, and those who call are marked.  `host_name` is ours, which
 * is the callers' user name.  multipoint_verdict_end() has to be called in any case.  Errors:
 * NO_MEMORY (there is no answer). */
int multipoint_sink_judge(const struct multipoint_memory *memory, const char *host_name,
                          struct multipoint_caller *callers, const char *path, const char *text,
                          size_t size, struct multipoint_verdict *ret_verdict);
void multipoint_verdict_end(struct multipoint_verdict *verdict);

/* The type of an answer. */
const char *multipoint_sink_type(bool old);

#endif
