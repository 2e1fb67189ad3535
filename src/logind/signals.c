/* SPDX-License-Identifier: MIT */
/* signals.c - logind's signals: what they say of the cache, and of observed sessions.
 *
 * One set of matches serves all watchers of a connection, since dbus-daemon allows it only 512. The
 * bus handles a connection's messages in order: a read that follows AddMatch misses no change, and
 * a signal that comes before the answer to a read is older than the answer. */
#include <stdio.h>
#include <string.h>

#include "logind.h"

#define SIGNAL "type='signal',sender='" LOGIND_NAME "',"

/* If the bus refuses a match, watchers would miss changes: they end with a fault. */
static int on_matched(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    struct logind_fault fault;
    (void) error;
    if (logind_fault_of(reply, &fault)) {
        conn->unmatched = fault.code;
        logind_known_clear(conn);
        logind_observed_unmatched(conn, &fault);
        logind_watched_unmatched(conn);
    }
    return 1;
}

/* ---- signals --------------------------------------------------------------------------------- */

/* Anybody on the bus may send a signal directly to this connection, so the sender is checked: the
 * bus sets its unique name.
 */
static bool is_from(sd_bus_message *signal, const char *name)
{
    const char *sender = sd_bus_message_get_sender(signal);
    return sender && strcmp(sender, name) == 0;
}

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    struct logind_facts facts;
    const char *interface, *name;
    logind_facts_init(&facts);
    bool stale = false;
    (void) error;
    if (!is_from(signal, conn->owner)) {
        return 0;
    }
    int r = sd_bus_message_read(signal, "s", &interface);
    r = r < 0 ? r : logind_facts_read(signal, &facts);
    r = r < 0 ? r : sd_bus_message_enter_container(signal, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(signal, "s", &name)) > 0) {
        stale = stale || strcmp(name, "LockedHint") == 0;
    }
    if (r < 0 || stale) {
        facts.locked = -1;
    }
    if (r < 0 || stale || facts.locked >= 0) {
        logind_observed_changed(conn, sd_bus_message_get_path(signal), facts.locked);
    }
    logind_watched_changed(conn, sd_bus_message_get_path(signal), &facts, r < 0 || stale);
    return 0;
}

static int on_new(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    const char *id, *path;
    (void) error;
    if (is_from(signal, conn->owner) && sd_bus_message_read(signal, "so", &id, &path) > 0) {
        logind_watched_new(conn, id, path);
    }
    return 0;
}

static int on_removed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    const char *id, *path;
    (void) error;
    if (is_from(signal, conn->owner) && sd_bus_message_read(signal, "so", &id, &path) > 0) {
        logind_known_drop(conn, id);
        logind_observed_removed(conn, path);
        logind_watched_removed(conn, id);
    }
    return 0;
}

/* A restarted logind has lost the LockedHints, and may give old ids to other sessions. */
static int on_owner(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind *conn = data;
    const char *name, *before, *after;
    (void) error;
    if (!is_from(signal, "org.freedesktop.DBus") ||
        sd_bus_message_read(signal, "sss", &name, &before, &after) <= 0 ||
        strcmp(after, conn->owner) == 0) {
        return 0;
    }
    logind_known_clear(conn);
    conn->own_by_pid = false;
    snprintf(conn->owner, sizeof conn->owner, "%s", after);
    logind_observed_restarted(conn, after);
    if (*before) {
        logind_watched_restarted(conn);
    }
    return 0;
}

const struct logind_signals logind_signals = {
    .matches =
        {
            {SIGNAL "path_namespace='" LOGIND_PATH "/session',interface='" DBUS_PROPERTIES
                    "',member='PropertiesChanged',"
                    "arg0='" LOGIND_SESSION "'",
             on_changed},
            {SIGNAL "path='" LOGIND_PATH "',interface='" LOGIND_MANAGER "',member='SessionNew'",
             on_new},
            {SIGNAL "path='" LOGIND_PATH "',interface='" LOGIND_MANAGER "',member='SessionRemoved'",
             on_removed},
            {"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/"
             "DBus',interface='org.freedesktop.DBus',"
             "member='NameOwnerChanged',arg0='" LOGIND_NAME "'",
             on_owner},
        },
    .matched = on_matched,
};
