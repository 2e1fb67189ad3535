/* SPDX-License-Identifier: MIT */
/* list.h - a list of sessions in the making. */
#ifndef WMS_MULTIPOINT_LIST_H
#define WMS_MULTIPOINT_LIST_H

#include "multipoint.h"

/* States of a session, [MS-RSMC] 2.2.4.1: up to this one it may have a screen. */
enum { MULTIPOINT_ACTIVE = 0, MULTIPOINT_SHADOW = 3 };
/* One session, as far as it is known. */
struct multipoint_found {
    uint32_t id, flags;
    unsigned state;
    const char *user_name, *domain_name, *win_station;
    bool flags_known, rail;
    bool gone; /* when its flags were asked for, the host had no such session */
    bool back; /* but lists it still */
    signed char locked, is_private, is_broadcasting; /* its screen's; -1: not known */
};

struct multipoint_sessions;

/* One question after a session. */
struct multipoint_slot {
    struct multipoint_sessions *list;
    struct multipoint_exchange *exchange; /* NULL: free */
    size_t index;
};

struct multipoint_sessions {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange *first; /* what holds for all, or the list */
    struct multipoint_arena arena;
    struct multipoint_slot
        *slots; /* as many questions as can be under way, and as many more that wait */
    size_t slot_count;
    struct multipoint_stations stations;
    struct multipoint_found *sessions;
    size_t count, asked, pending; /* of sessions; of questions */
    bool listed;
    bool all_told; /* the host has taken what holds for all, or may have */
    int refusal;   /* or has refused it: the code, and `note` says so */
    char note[2 * MULTIPOINT_SENTENCE];
};

/* Ends the list: with a reply that was not as asked, or with code 0. */
void multipoint_list_end(struct multipoint_sessions *list, const struct multipoint_reply *reply);
/* All has come: tells the engine of the sessions, and ends the list. */
void multipoint_report(struct multipoint_sessions *list);

#endif
