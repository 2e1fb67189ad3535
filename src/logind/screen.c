/* SPDX-License-Identifier: MIT */
/* screen.c - whether the screen of one session is locked, by what its user's screen savers say.
 *
 * A user has one bus for all of his sessions, and a screen saver there does not say whose screen it
 * locks.  So it is believed only where the user has no other graphical session. */
#include <errno.h>
#include <string.h>

#include "doorway.h"
#include "userbus.h"

enum { CROWD_MAX = 64 }; /* sessions of one user that are looked at */

static bool is_graphical(const struct logind_facts *facts)
{
    return facts->type && (strcmp(facts->type, "x11") == 0 || strcmp(facts->type, "wayland") == 0 ||
                           strcmp(facts->type, "mir") == 0);
}

bool logind_screen_is(const struct logind_facts *facts)
{
    return is_graphical(facts) && logind_facts_of_user(facts) == 1 && !logind_facts_closing(facts);
}

bool logind_screen_is_mute(struct logind *conn, const char *id, const struct logind_facts *facts)
{
    const struct logind_known *known = logind_known_find(conn, id);
    return facts->locked != 1 && logind_screen_is(facts) && !(known && known->was_locked);
}

/* ---- the question ---------------------------------------------------------------------------- */

/* Nobody tells.  The screen may be dropped when this returns. */
static void give_up(struct logind_screen *screen)
{
    screen->told(screen, -1);
}

static void savers_told(struct logind_savers *savers, signed char active)
{
    struct logind_screen *screen = NODE_OWNER(savers, struct logind_screen, savers);
    screen->no_memory = savers->no_memory;
    screen->told(screen, active);
}

static void ask(struct logind_screen *screen)
{
    int r = logind_savers_ask(screen->conn, &screen->savers, screen->uid, true, savers_told);
    if (r < 0) {
        screen->no_memory = r == -ENOMEM;
        give_up(screen);
    }
}

/* ---- the user's other sessions --------------------------------------------------------------- */

static void look_at_next(struct logind_screen *screen);

static void looked(struct logind_lookup *lookup, const struct logind_fault *fault,
                   const struct logind_facts *facts, sd_bus_message *reply)
{
    struct logind_screen *screen = NODE_OWNER(lookup, struct logind_screen, lookup);
    (void) reply;
    if (fault ? fault->code != WMS_E_NOT_FOUND : logind_screen_is(facts)) {
        give_up(screen);
    } else {
        look_at_next(screen);
    }
}

static void look_at_next(struct logind_screen *screen)
{
    const char *id, *path;
    int r;
    do {
        r = sd_bus_message_read(screen->others, "(so)", &id, &path);
    } while (r > 0 && strcmp(path, screen->path) == 0);
    if (r < 0 || (r > 0 && screen->count++ == CROWD_MAX)) {
        give_up(screen);
    } else if (r == 0) {
        ask(screen);
    } else {
        screen->lookup.id = id;
        screen->lookup.path = path;
        logind_lookup_read(&screen->lookup);
    }
}

static void sessions_done(struct logind_call *call, sd_bus_message *reply)
{
    struct logind_screen *screen = NODE_OWNER(call, struct logind_screen, call);
    if (sd_bus_message_get_error(reply) ||
        sd_bus_message_enter_container(reply, 'v', "a(so)") < 0 ||
        sd_bus_message_enter_container(reply, 'a', "(so)") < 0) {
        give_up(screen);
        return;
    }
    screen->others = sd_bus_message_ref(reply);
    look_at_next(screen);
}

static int send_sessions(struct logind_call *call)
{
    const struct logind_screen *screen = NODE_OWNER(call, struct logind_screen, call);
    return logind_send(call, screen->user_path, DBUS_PROPERTIES, "Get", "ss", LOGIND_NAME ".User",
                       "Sessions");
}

/* ---- beginning and end ----------------------------------------------------------------------- */

int logind_screen_ask(struct logind *conn, struct logind_screen *screen, const char *path,
                      const struct logind_facts *facts,
                      void (*told)(struct logind_screen *screen, signed char active))
{
    if (!logind_doorway_is_there(conn) || facts->uid < 0 || !facts->user_path) {
        return -ENOTSUP;
    }
    screen->conn = conn;
    screen->told = told;
    screen->uid = facts->uid;
    screen->lookup.done = looked;
    logind_call_init(conn, &screen->call);
    logind_call_init(conn, &screen->lookup.call);
    screen->path = logind_copy(conn, path);
    screen->user_path = logind_copy(conn, facts->user_path);
    if (!screen->path || !screen->user_path) {
        return -ENOMEM;
    }
    logind_call_start(&screen->call, send_sessions, sessions_done);
    return 0;
}

void logind_screen_drop(struct logind_screen *screen)
{
    struct logind *conn = screen->conn;
    if (!conn) {
        return;
    }
    logind_savers_drop(&screen->savers);
    logind_call_drop(&screen->call);
    logind_lookup_drop(&screen->lookup);
    sd_bus_message_unref(screen->others);
    logind_free(conn, screen->path);
    logind_free(conn, screen->user_path);
    *screen = (struct logind_screen){.conn = NULL};
}
