/* SPDX-License-Identifier: MIT */
/* stations.c - which station shows which session: [MS-RSMC] 3.8.4.
 *
 * The host tells which station comes after another (3.8.4.4), and of each which session it shows
 * (3.8.4.9): a session's id, and the machine whose session it is, which may be another host.
 */
#include <stdio.h>
#include <strings.h>

#include "multipoint.h"

enum {
    STATIONS_MAX = 1024, /* maximum of stations asked for: a real host has some dozens */
    FAILURES_MAX = 4,    /* if ids are tried in order: give up after so many failures in a row */
    NETBIOS = 15         /* length at which NetBIOS names are cut off */
};

static void warn(struct multipoint_stations *stations, const char *what)
{
    const struct multipoint_host *host = stations->host;
    char text[384];

    stations->partial = true;
    snprintf(text, sizeof text, "%s: %s after station %lu", host->address->text, what,
             (unsigned long) stations->at);
    host->all->memory.services->log(host->all->memory.engine, WMS_WARNING, text);
}

static void end(struct multipoint_stations *stations, const struct multipoint_reply *reply)
{
    multipoint_stations_drop(stations);
    multipoint_stations_judge(stations);
    stations->ended = true;
    stations->done(stations->data, reply);
}

static void end_with(struct multipoint_stations *stations, int code, const char *text)
{
    end(stations, &(struct multipoint_reply){.code = code, .text = text, .general = true});
}

/* ---- what is asked --------------------------------------------------------------------------- */

static int ask(struct multipoint_stations *stations, const char *operation,
               void (*done)(struct multipoint_exchange *exchange,
                            const struct multipoint_reply *reply),
               struct multipoint_exchange **place, const char **ret_text)
{
    const wms_value id = multipoint_natural("idStation", stations->at),
                    arguments = multipoint_table(&id, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointStation", operation),
        .arguments = &arguments,
    };

    return multipoint_ask(stations->host, &question, done, stations, place, ret_text);
}

static void got_next(struct multipoint_exchange *exchange, const struct multipoint_reply *reply);
static void got_information(struct multipoint_exchange *exchange,
                            const struct multipoint_reply *reply);

/* Asks about the next station, or ends, once all answers about the last one have come. */
static void go_on(struct multipoint_stations *stations)
{
    const char *text = NULL;

    if (stations->next || stations->information) {
        return;
    }
    if (stations->following && stations->visited == STATIONS_MAX) {
        warn(stations, "there are more stations than are asked for, or they never end,");
        stations->following = 0;
    }
    if (!stations->following) {
        end_with(stations, 0, NULL);
        return;
    }
    stations->visited++;
    stations->at = stations->following;
    stations->following =
        stations->counting && stations->at < UINT32_MAX - 1 ? stations->at + 1 : 0;
    int error =
        ask(stations, "GetStationInformation", got_information, &stations->information, &text);
    if (!error && !stations->counting) {
        error = ask(stations, "GetNextStationIdentifier", got_next, &stations->next, &text);
    }
    if (error) {
        end_with(stations, error, text);
    }
}

/* Converts the answer's element to *ret_table.  False: it has a wrong form (*ret_error is 0), or
 * memory ran out (*ret_error is NO_MEMORY). */
static bool read_results(const struct multipoint_exchange *exchange,
                         const struct multipoint_reply *reply, struct multipoint_arena *arena,
                         wms_value *ret_table, int *ret_error)
{
    int error = multipoint_results(exchange->operation, reply->body, arena, ret_table);

    *ret_error = error == WMS_E_PROTOCOL ? 0 : error;
    return !error;
}

static uint32_t natural(const wms_value *table, const char *name)
{
    const wms_value *value = multipoint_value(table, name, WMS_NATURAL);

    return value ? (uint32_t) value->natural : UINT32_MAX;
}

/* No document says how a host reports the end: no number, 0, 4294967295 and a NOT_FOUND fault are
 * all taken for it.  Nor does one say whether asking for the station after 0 gives the first one:
 * if that gives nothing, ids are tried in order from 1. */
static void got_next(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_stations *stations = exchange->data;
    struct multipoint_arena arena = {.memory = stations->arena->memory};
    uint32_t following = 0;
    wms_value table;
    int error = 0;

    stations->next = NULL;
    if (reply->general) {
        end(stations, reply);
        return;
    }
    stations->host->all->memory.services->alive(stations->op);
    bool good = !reply->code && read_results(exchange, reply, &arena, &table, &error);
    if (good) {
        following = natural(&table, "pidNextStation");
    }
    multipoint_arena_free(&arena);
    if (error) {
        end_with(stations, error, NULL);
        return;
    }
    bool none =
        good ? following == 0 || following == UINT32_MAX : multipoint_reply_not_found(reply);
    if (stations->at == 0 && (none || !good)) {
        stations->counting = true;
        stations->following = 1;
    } else if (good && !none && following <= stations->at) {
        warn(stations, "the host's stations go backwards");
    } else if (good && !none) {
        stations->following = following;
    } else if (!none) {
        stations->counting = true;
        stations->following = stations->at + 1;
    }
    go_on(stations);
}

static int keep_seat(struct multipoint_stations *stations, const wms_value *table)
{
    const wms_value *name = multipoint_value(table, "pwsSessionHost", WMS_STRING);
    uint32_t session = natural(table, "pidSession");

    stations->count++;
    stations->failures = 0;
    if (session == UINT32_MAX) { /* none */
        return 0;
    }
    struct multipoint_seat *seat = multipoint_room(stations->arena, sizeof *seat);
    char *copy = seat ? multipoint_room(stations->arena, (name ? name->size : 0) + 1) : NULL;
    if (!copy) {
        return WMS_E_NO_MEMORY;
    }
    if (name && name->size) {
        memcpy(copy, name->text, name->size);
    }
    *seat = (struct multipoint_seat){stations->seats, session, stations->at, copy, -1};
    stations->seats = seat;
    return 0;
}

/* A station that told nothing: decides whether to go on with the next one. */
static void pass_over(struct multipoint_stations *stations, const struct multipoint_reply *reply)
{
    bool none = multipoint_reply_not_found(reply);

    stations->partial = stations->partial || !none;
    stations->failures++;
    if (stations->counting &&
        (none || reply->code == WMS_E_UNSUPPORTED || stations->failures == FAILURES_MAX)) {
        stations->following = 0;
    }
}

static void got_information(struct multipoint_exchange *exchange,
                            const struct multipoint_reply *reply)
{
    struct multipoint_stations *stations = exchange->data;
    struct multipoint_arena arena = {.memory = stations->arena->memory};
    wms_value table;
    int error = 0;

    stations->information = NULL;
    if (reply->general) {
        end(stations, reply);
        return;
    }
    stations->host->all->memory.services->alive(stations->op);
    if (!reply->code && read_results(exchange, reply, &arena, &table, &error)) {
        error = keep_seat(stations, &table);
    } else if (!error) {
        pass_over(stations, reply);
    }
    multipoint_arena_free(&arena);
    if (error) {
        end_with(stations, error, NULL);
    } else {
        go_on(stations);
    }
}

int multipoint_stations_ask(struct multipoint_stations *stations, const char **ret_text)
{
    return ask(stations, "GetNextStationIdentifier", got_next, &stations->next, ret_text);
}

void multipoint_stations_drop(struct multipoint_stations *stations)
{
    stations->next = multipoint_drop(stations->next);
    stations->information = multipoint_drop(stations->information);
}

/* ---- whose sessions they show ---------------------------------------------------------------- */

static bool is_address(const char *name)
{
    return strchr(name, ':') || name[strspn(name, "0123456789.")] == '\0';
}

/* Compares host names.  Unless both have a domain, only their first labels are compared, cut off as
 * NetBIOS names if one seems to be. */
static bool is_same_name(const char *a, const char *b)
{
    size_t length_a = strcspn(a, "."), length_b = strcspn(b, ".");

    if (a[length_a] && b[length_b]) {
        return strcasecmp(a, b) == 0;
    }
    if (length_a != length_b && (length_a == NETBIOS || length_b == NETBIOS)) {
        length_a = length_a < NETBIOS ? length_a : NETBIOS;
        length_b = length_b < NETBIOS ? length_b : NETBIOS;
    }
    return length_a == length_b && strncasecmp(a, b, length_a) == 0;
}

static bool all_name_the_same(const struct multipoint_stations *stations)
{
    const struct multipoint_seat *first = stations->seats;

    for (const struct multipoint_seat *seat = first; seat; seat = seat->next) {
        if (!is_same_name(seat->session_host, first->session_host)) {
            return false;
        }
    }
    return true;
}

/* Whether the seat's session is one of the host's own: 1, 0, or -1: that cannot be told.  `same`:
 * all seats name the same machine. */
static signed char is_own(const struct multipoint_stations *stations,
                          const struct multipoint_seat *seat, bool same)
{
    const char *name = seat->session_host, *address = stations->host->address->host;
    const char *const names[] = {stations->host->binding.name, address};
    bool known = false;

    if (!*name || strcmp(name, ".") == 0 || strcasecmp(name, "localhost") == 0 ||
        strcasecmp(name, address) == 0 || strncmp(name, "127.", 4) == 0 ||
        strcmp(name, "::1") == 0) {
        return 1;
    }
    if (is_address(name)) {
        return -1;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (*names[i] && !is_address(names[i]) && strcasecmp(names[i], "localhost") != 0) {
            if (is_same_name(name, names[i])) {
                return 1;
            }
            known = true;
        }
    }
    return known ? 0 : same ? 1 : -1;
}

/* Done once and not for each session, which would take time quadratic in the number of seats. */
void multipoint_stations_judge(struct multipoint_stations *stations)
{
    bool same = all_name_the_same(stations);

    for (struct multipoint_seat *seat = stations->seats; seat; seat = seat->next) {
        seat->own = is_own(stations, seat, same);
    }
}

const struct multipoint_seat *multipoint_stations_find(const struct multipoint_stations *stations,
                                                       uint32_t session, bool *ret_unsure)
{
    const struct multipoint_seat *found = NULL;

    *ret_unsure = stations->partial;
    for (const struct multipoint_seat *seat = stations->seats; seat; seat = seat->next) {
        int own = seat->session == session ? seat->own : 0;
        found = own == 1 ? seat : found;
        *ret_unsure = *ret_unsure || own < 0;
    }
    return found;
}
