/* SPDX-License-Identifier: MIT */
/* storm.c - runs inside of test hosts, for spec/storm_spec.lua: makes sessions lock and unlock, and
 * writes down what logind says, by sd-bus alone.
 *
 *     storm log FILE       appends a line for each change that logind signals
 *     storm hints RATE     sets LockedHint of the users' sessions to and fro, RATE times a second
 *     storm locker         does what Lock and Unlock tell, as a screen locker does
 *
 * Each goes on when the bus is gone and back.  A line of the log is EARLIEST LATEST KIND ID VALUE.
 * EARLIEST and LATEST are times (seconds since 1970) between which the bus has passed it on:
 * nothing was there to be read at EARLIEST, and at LATEST it was read.  KIND:
 *
 *     new, removed         a session; VALUE is its user's number (new; - if it has ended already)
 *     hint                 LockedHint is VALUE
 *     restarted            logind has another owner, and has forgotten every LockedHint
 *     is                   not a change: how a session is (VALUE) when the log begins, or goes on
 *     listens              all of those are there, and nothing is missed from here on
 *     gone                 the bus; what happens until `listens` is not written down
 *     mark                 VALUE is what somebody wants to find here
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define NAME    "org.freedesktop.login1"
#define PATH    "/org/freedesktop/login1"
#define MANAGER NAME ".Manager"
#define SESSION NAME ".Session"

enum { BURST = 10, SESSIONS_MAX = 200, PAUSE = 200000 /* microseconds */ };

struct log {
    FILE *file;
    sd_bus *bus;
    double idle; /* when there was nothing to be read, the last time */
};

static double wall_clock(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* ---- the bus --------------------------------------------------------------------------------- */

/* Not sd_bus_open_system(): that would end this process with the bus. */
static sd_bus *open_bus(void)
{
    sd_bus *bus = NULL;

    if (sd_bus_new(&bus) < 0 ||
        sd_bus_set_address(bus, "unix:path=/run/dbus/system_bus_socket") < 0 ||
        sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0) {
        bus = sd_bus_flush_close_unref(bus);
    }
    return bus;
}

/* The id in a session's path; to be freed. */
static char *id_of(const char *path)
{
    char *id = NULL;

    return path && sd_bus_path_decode(path, PATH "/session", &id) > 0 ? id : NULL;
}

struct session {
    char id[64], path[256];
    uint32_t uid;
};

/* The sessions of users other than root; their number, or a negative errno. */
static int list_sessions(sd_bus *bus, struct session *sessions)
{
    sd_bus_message *reply = NULL;
    const char *id, *user, *seat, *path;
    uint32_t uid;
    int count = 0;
    int r = sd_bus_call_method(bus, NAME, PATH, MANAGER, "ListSessions", NULL, &reply, "");

    r = r < 0 ? r : sd_bus_message_enter_container(reply, 'a', "(susso)");
    while (r >= 0 && count < SESSIONS_MAX &&
           (r = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0) {
        if (uid != 0) {
            snprintf(sessions[count].id, sizeof sessions[count].id, "%s", id);
            snprintf(sessions[count].path, sizeof sessions[count].path, "%s", path);
            sessions[count].uid = uid;
            count++;
        }
    }
    sd_bus_message_unref(reply);
    return r < 0 ? r : count;
}

/* ---- log ------------------------------------------------------------------------------------- */

static void note(struct log *log, const char *kind, const char *id, const char *value)
{
    fprintf(log->file, "%.6f %.6f %s %s %s\n", log->idle, wall_clock(), kind, id, value);
}

/* The number of the session's user, from logind's own file. */
static void read_user(const char *id, char *ret_uid, size_t size)
{
    char path[256], line[256];

    snprintf(ret_uid, size, "-");
    snprintf(path, sizeof path, "/run/systemd/sessions/%s", id);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "UID=", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(ret_uid, size, "%.20s", line + 4);
        }
    }
    if (file) {
        fclose(file);
    }
}

static int on_new(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    struct log *log = data;
    const char *id, *path;
    char uid[32];
    (void) error;

    if (sd_bus_message_read(signal, "so", &id, &path) > 0) {
        read_user(id, uid, sizeof uid);
        note(log, "new", id, uid);
    }
    return 0;
}

static int on_removed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    const char *id, *path;
    (void) error;

    if (sd_bus_message_read(signal, "so", &id, &path) > 0) {
        note(data, "removed", id, "-");
    }
    return 0;
}

static int on_changed(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    const char *interface, *name;
    char *id = id_of(sd_bus_message_get_path(signal));
    int locked = -1;
    (void) error;

    int r = id ? sd_bus_message_read(signal, "s", &interface) : 0;
    r = r > 0 ? sd_bus_message_enter_container(signal, 'a', "{sv}") : r;
    while (r > 0 && (r = sd_bus_message_enter_container(signal, 'e', "sv")) > 0) {
        r = sd_bus_message_read(signal, "s", &name);
        if (r > 0) {
            r = strcmp(name, "LockedHint") == 0 ? sd_bus_message_read(signal, "v", "b", &locked)
                                                : sd_bus_message_skip(signal, "v");
        }
        r = r < 0 ? r : sd_bus_message_exit_container(signal);
    }
    if (locked >= 0) {
        note(data, "hint", id, locked ? "1" : "0");
    }
    free(id);
    return 0;
}

static int on_owner(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    const char *name, *before, *after;
    (void) error;

    if (sd_bus_message_read(signal, "sss", &name, &before, &after) > 0 && *after) {
        note(data, "restarted", "-", "-");
    }
    return 0;
}

static int on_mark(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    const char *text;
    (void) error;

    if (sd_bus_message_read(signal, "s", &text) > 0) {
        note(data, "mark", "-", text);
    }
    return 0;
}

/* Asks for everything, and tells how it is now; 0, or a negative errno. */
static int begin(struct log *log)
{
    static const char from[] = "type='signal',sender='" NAME "',";
    static const struct {
        const char *rest;
        sd_bus_message_handler_t handler;
    } matches[] = {
        {"path='" PATH "',interface='" MANAGER "',member='SessionNew'", on_new},
        {"path='" PATH "',interface='" MANAGER "',member='SessionRemoved'", on_removed},
        {"path_namespace='" PATH "/session',member='PropertiesChanged',arg0='" SESSION "'",
         on_changed},
    };
    static struct session sessions[SESSIONS_MAX];
    int r = 0;

    for (size_t i = 0; i < sizeof matches / sizeof *matches && r >= 0; i++) {
        char match[512];
        snprintf(match, sizeof match, "%s%s", from, matches[i].rest);
        r = sd_bus_add_match(log->bus, NULL, match, matches[i].handler, log);
    }
    r = r < 0 ? r
              : sd_bus_add_match(log->bus, NULL,
                                 "type='signal',sender='org.freedesktop.DBus',"
                                 "member='NameOwnerChanged',arg0='" NAME "'",
                                 on_owner, log);
    r = r < 0
            ? r
            : sd_bus_add_match(log->bus, NULL, "type='signal',path='" PATH "/spec'", on_mark, log);
    int count = r < 0 ? r : list_sessions(log->bus, sessions);
    for (int i = 0; i < count; i++) {
        int locked = 0;
        r = sd_bus_get_property_trivial(log->bus, NAME, sessions[i].path, SESSION, "LockedHint",
                                        NULL, 'b', &locked);
        if (r >= 0) {
            note(log, "is", sessions[i].id, locked ? "1" : "0");
        }
    }
    if (count < 0) {
        return count;
    }
    note(log, "listens", "-", "-");
    return fflush(log->file);
}

static void follow(struct log *log)
{
    for (;;) {
        double before = wall_clock();
        int r = sd_bus_process(log->bus, NULL);
        if (r == 0) {
            log->idle = before;
            fflush(log->file);
            r = sd_bus_wait(log->bus, UINT64_MAX);
        }
        if (r < 0 && r != -EINTR) {
            return;
        }
    }
}

static _Noreturn void write_log(const char *path)
{
    struct log log = {.file = fopen(path, "ae")};

    if (!log.file) {
        perror(path);
        exit(1);
    }
    for (bool listens = false;; listens = false) {
        log.idle = wall_clock();
        log.bus = open_bus();
        if (log.bus && begin(&log) >= 0) {
            listens = true;
            follow(&log);
        }
        log.bus = sd_bus_close_unref(log.bus);
        if (listens) {
            note(&log, "gone", "-", "-");
            fflush(log.file);
        }
        usleep(PAUSE);
    }
}

/* ---- hints ----------------------------------------------------------------------------------- */

static int set_hint(sd_bus *bus, const char *path, bool locked)
{
    int r = sd_bus_call_method(bus, NAME, path, SESSION, "SetLockedHint", NULL, NULL, "b", locked);

    return r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE ? r : 0; /* it may have ended */
}

/* Some changes as fast as logind takes them, of one session or of several in turn. */
static int burst(sd_bus *bus, const struct session *sessions, int count)
{
    int first = rand() % count, apart = rand() % 3, r = 0;

    for (int i = 0; i < BURST && r >= 0; i++) {
        const struct session *session = &sessions[(first + i * apart) % count];
        r = set_hint(bus, session->path, rand() % 4 ? i % 2 == 0 : rand() % 2);
    }
    return r;
}

static _Noreturn void set_hints(double rate)
{
    static struct session sessions[SESSIONS_MAX];

    srand((unsigned) getpid() ^ (unsigned) time(NULL));
    for (;;) {
        sd_bus *bus = open_bus();
        int count = bus ? list_sessions(bus, sessions) : -1;
        while (count >= 0) {
            int r = count > 0 ? burst(bus, sessions, count) : 0;
            usleep((useconds_t) (BURST / rate * (0.5 + rand() % 1000 / 1000.0) * 1e6));
            count = r < 0 ? r : list_sessions(bus, sessions);
        }
        sd_bus_close_unref(bus);
        usleep(PAUSE);
    }
}

/* ---- locker ---------------------------------------------------------------------------------- */

static int on_wish(sd_bus_message *signal, void *data, sd_bus_error *error)
{
    bool locked = sd_bus_message_is_signal(signal, SESSION, "Lock");
    (void) data;
    (void) error;

    if (locked || sd_bus_message_is_signal(signal, SESSION, "Unlock")) {
        sd_bus_call_method_async(sd_bus_message_get_bus(signal), NULL, NAME,
                                 sd_bus_message_get_path(signal), SESSION, "SetLockedHint", NULL,
                                 NULL, "b", locked);
    }
    return 0;
}

static _Noreturn void obey(void)
{
    for (;;) {
        struct log unused = {.file = stderr, .bus = open_bus()};
        if (unused.bus &&
            sd_bus_add_match(unused.bus, NULL,
                             "type='signal',sender='" NAME "',interface='" SESSION "'", on_wish,
                             NULL) >= 0) {
            follow(&unused);
        }
        sd_bus_close_unref(unused.bus);
        usleep(PAUSE);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "log") == 0) {
        write_log(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "hints") == 0 && strtod(argv[2], NULL) > 0) {
        set_hints(strtod(argv[2], NULL));
    }
    if (argc == 2 && strcmp(argv[1], "locker") == 0) {
        obey();
    }
    fprintf(stderr, "usage: storm log FILE | storm hints RATE | storm locker\n");
    return 2;
}
