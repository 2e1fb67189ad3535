/* SPDX-License-Identifier: MIT */
/* savers.c - whether a screen saver says, on its user's bus, that it locks the screen.
 *
 * Most lockers never set LockedHint.  Those that are asked here answer to GetActive, and tell by
 * ActiveChanged.  An error is no "no": programs own org.freedesktop.ScreenSaver that only inhibit
 * the saver.  No question starts a service. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userbus.h"

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"
#define BUS_RULE \
    "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_NAME "',"
#define PATIENCE     2.0 /* seconds, for the first answer of them all */
#define PATIENCE_FAR 6.0 /* the same where ssh has to connect before */

static const struct {
    const char *name, *path, *interface;
} kinds[LOGIND_SAVERS] = {
    /* GNOME's own name is owned by nobody: its shell would start the old one. */
    {"org.gnome.Shell.ScreenShield", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"},
    {"org.mate.ScreenSaver", "/org/mate/ScreenSaver", "org.mate.ScreenSaver"},
    {"org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver"},
    {"org.xfce.ScreenSaver", "/org/xfce/ScreenSaver", "org.xfce.ScreenSaver"},
    {"org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver", "org.freedesktop.ScreenSaver"},
    {"org.freedesktop.ScreenSaver", "/ScreenSaver", "org.freedesktop.ScreenSaver"},
};

/* ---- what they say --------------------------------------------------------------------------- */

static size_t index_of(const struct logind_saver *saver)
{
    return (size_t) (saver - saver->savers->saver);
}

/* Who is silent may show a locked screen and hang: then the others' "no" proves nothing. */
static signed char verdict(const struct logind_savers *all)
{
    signed char active = -1;
    bool silent = !all->listed;
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        const struct logind_saver *saver = &all->saver[i];
        silent = silent || saver->silent;
        active = saver->active > active ? saver->active : active;
    }
    return active == 0 && silent ? -1 : active;
}

static bool is_complete(const struct logind_savers *all)
{
    bool complete = all->listed;
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        complete = complete && !all->saver[i].silent;
    }
    return complete;
}

bool logind_savers_are_slow(const struct logind_savers *savers)
{
    return savers->bus && !is_complete(savers);
}

static void be_patient(struct logind_savers *all)
{
    all->patient = true;
    all->conn->services->timer_set(all->patience,
                                   logind_far_place(all->conn) ? PATIENCE_FAR : PATIENCE);
}

/* The question may be dropped when this returns. */
static void say(struct logind_savers *all)
{
    signed char now = verdict(all);
    all->patient = false;
    all->conn->services->timer_set(all->patience, -1);
    if (!all->over || (all->watches && now != all->said)) {
        all->over = true;
        all->said = now;
        all->told(all, now);
    }
}

/* The same unless an answer is awaited that may change it. */
static void consider(struct logind_savers *all)
{
    if (!all->patient || verdict(all) == 1 || is_complete(all)) {
        say(all);
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

static int on_active(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct logind_saver *saver = data;
    int active;
    (void) error;
    saver->call = sd_bus_slot_unref(saver->call);
    saver->silent = false;
    saver->active = -1;
    if (!sd_bus_message_get_error(reply) && sd_bus_message_read(reply, "b", &active) > 0) {
        saver->active = active != 0;
    }
    consider(saver->savers);
    return 1;
}

static void ask(struct logind_saver *saver)
{
    struct logind_savers *all = saver->savers;
    size_t i = index_of(saver);
    sd_bus_message *message = NULL;
    saver->call = sd_bus_slot_unref(saver->call);
    int r = sd_bus_message_new_method_call(all->bus, &message, kinds[i].name, kinds[i].path,
                                           kinds[i].interface, "GetActive");
    r = r < 0 ? r : sd_bus_message_set_auto_start(message, 0);
    r = r < 0 ? r
              : sd_bus_call_async(all->bus, &saver->call, message, on_active, saver, UINT64_MAX);
    sd_bus_message_unref(message);
    saver->silent = true; /* also where it cannot be asked: the patience ends that */
    if (r < 0) {
        saver->call = NULL;
    }
}

static int on_names(sd_bus_message *reply, void *data, sd_bus_error *error)
{
    struct logind_savers *all = data;
    const char *name;
    bool there[LOGIND_SAVERS] = {false};
    (void) error;
    all->names = sd_bus_slot_unref(all->names);
    if (sd_bus_message_get_error(reply) || sd_bus_message_enter_container(reply, 'a', "s") < 0) {
        return 1; /* nobody is known to be there, and the patience ends it */
    }
    while (sd_bus_message_read(reply, "s", &name) > 0) {
        for (size_t i = 0; i < LOGIND_SAVERS; i++) {
            there[i] = there[i] || strcmp(name, kinds[i].name) == 0;
        }
    }
    all->listed = true;
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        if (there[i] && !all->saver[i].silent) {
            ask(&all->saver[i]);
        }
    }
    consider(all);
    return 1;
}

/* ---- changes --------------------------------------------------------------------------------- */

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind_saver *saver = data;
    int active;
    (void) error;
    /* One that comes before the answer to a question is older than that. */
    if (!saver->silent && sd_bus_message_read(signal, "b", &active) > 0) {
        saver->active = active != 0;
        consider(saver->savers);
    }
    return 0;
}

static int on_owned(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct logind_saver *saver = data;
    const char *name, *before, *after;
    (void) error;
    if (sd_bus_message_read(signal, "sss", &name, &before, &after) <= 0) {
        return 0;
    }
    saver->active = -1;
    saver->silent = false;
    saver->call = sd_bus_slot_unref(saver->call);
    if (*after) {
        ask(saver);
        be_patient(saver->savers);
    }
    consider(saver->savers);
    return 0;
}

/* If the bus refuses a match, sd-bus ends the connection: no change is missed. */
static void watch(struct logind_saver *saver)
{
    size_t i = index_of(saver);
    sd_bus *bus = saver->savers->bus;
    char rule[256];
    snprintf(rule, sizeof rule, "type='signal',sender='%s',path='%s',interface='%s',member='%s'",
             kinds[i].name, kinds[i].path, kinds[i].interface, "ActiveChanged");
    if (sd_bus_add_match_async(bus, &saver->changed, rule, on_changed, NULL, saver) < 0) {
        saver->changed = NULL;
    }
    snprintf(rule, sizeof rule, BUS_RULE "member='NameOwnerChanged',arg0='%s'", kinds[i].name);
    if (sd_bus_add_match_async(bus, &saver->owned, rule, on_owned, NULL, saver) < 0) {
        saver->owned = NULL;
    }
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void unslot(struct logind_savers *all)
{
    all->names = logind_use_unslot(&all->use, all->names);
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        struct logind_saver *saver = &all->saver[i];
        saver->call = logind_use_unslot(&all->use, saver->call);
        saver->changed = logind_use_unslot(&all->use, saver->changed);
        saver->owned = logind_use_unslot(&all->use, saver->owned);
    }
}

static void on_ready(struct logind_use *use, sd_bus *bus)
{
    struct logind_savers *all = NODE_OWNER(use, struct logind_savers, use);
    all->bus = bus;
    for (size_t i = 0; all->watches && i < LOGIND_SAVERS; i++) {
        watch(&all->saver[i]); /* before the questions: no change after an answer is missed */
    }
    if (sd_bus_call_method_async(bus, &all->names, DBUS_NAME, DBUS_PATH, DBUS_NAME, "ListNames",
                                 on_names, all, NULL) < 0) {
        all->names = NULL; /* the patience ends it */
    }
}

static void on_gone(struct logind_use *use, const struct logind_fault *fault)
{
    struct logind_savers *all = NODE_OWNER(use, struct logind_savers, use);
    all->no_memory = fault->code == WMS_E_NO_MEMORY;
    unslot(all);
    all->bus = NULL;
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        all->saver[i].active = -1;
    }
    say(all);
}

static void out_of_patience(void *data)
{
    struct logind_savers *all = data;
    struct logind *conn = all->conn;
    logind_enter(conn);
    say(all);
    logind_leave(conn);
}

int logind_savers_ask(struct logind *conn, struct logind_savers *savers, int64_t uid, bool watches,
                      void (*told)(struct logind_savers *savers, signed char active))
{
    savers->conn = conn;
    savers->watches = watches;
    savers->told = told;
    savers->use.ready = on_ready;
    savers->use.gone = on_gone;
    for (size_t i = 0; i < LOGIND_SAVERS; i++) {
        savers->saver[i].savers = savers;
        savers->saver[i].active = -1;
    }
    savers->patience = conn->services->timer_new(conn->engine, out_of_patience, savers);
    if (!savers->patience) {
        return -ENOMEM;
    }
    be_patient(savers);
    int r = logind_use_begin(conn, &savers->use, uid);
    if (r < 0) {
        conn->services->timer_free(savers->patience);
        savers->patience = NULL;
    }
    return r;
}

void logind_savers_drop(struct logind_savers *savers)
{
    if (savers->patience) {
        unslot(savers);
        logind_use_end(&savers->use);
        savers->conn->services->timer_free(savers->patience);
        savers->patience = NULL;
    }
}
