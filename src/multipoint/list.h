/* SPDX-License-Identifier: MIT */
/* list.h - the state of a request for all sessions. */
#ifndef WMS_MULTIPOINT_LIST_H
#define WMS_MULTIPOINT_LIST_H

#include "multipoint.h"

/* States of a session, [MS-RSMC] 2.2.4.1: up to SHADOW a session may have a screen. */
enum { MULTIPOINT_ACTIVE = 0, MULTIPOINT_SHADOW = 3 };
/* One session, as far as it is known. */
struct multipoint_found {
    uint32_t id, flags;
    unsigned state;
    const char *user_name, *domain_name, *win_station;
    bool flags_known, rail;
    bool gone; /* when its flags were asked for, the host had no such session */
    bool back; /* but the host's second list still has it */
    signed char locked, is_private, is_broadcasting; /* of its screen; -1: not known */
    double idle_since;                               /* in seconds since 1970; -1: not known */
};

struct multipoint_sessions;

/* A place for one question about a session. */
struct multipoint_slot {
    struct multipoint_sessions *list;
    struct multipoint_exchange *exchange; /* NULL: the place is free */
    size_t index;
};

struct multipoint_sessions {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange
        *first; /* the question for SetBlockAllMessage or GetAllSessions, or NULL */
    struct multipoint_arena arena;
    struct multipoint_slot *slots; /* twice as many as the host has connections, so that the next
                                      questions wait already */
    size_t slot_count;
    struct multipoint_stations stations;
    struct multipoint_found *sessions;
    size_t count, asked, pending; /* count of sessions; questions begun; questions without answer */
    bool listed;
    bool all_told; /* the host has accepted SetBlockAllMessage, or may have */
    int refusal;   /* the code if SetBlockAllMessage failed, and `note` says why; 0: it did not */
    char note[2 * MULTIPOINT_SENTENCE];
};

/* Ends the op and frees the list: with the error of `reply`, or with success if its code is 0. */
void multipoint_list_end(struct multipoint_sessions *list, const struct multipoint_reply *reply);
/* All answers have come: reports the sessions to the engine, and ends the list. */
void multipoint_report(struct multipoint_sessions *list);

#endif
