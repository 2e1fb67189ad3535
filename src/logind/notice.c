/* SPDX-License-Identifier: MIT */
/* notice.c - a message as a desktop notification, by the Desktop Notifications Specification.
 *
 * It is urgent ("critical"), since only such a notification stays until its reader has closed it,
 * and is shown where others are held back: over a presentation, or while "do not disturb" is on.
 * The question may start the service: on some desktops nobody owns its name before the first one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userbus.h"

#define NAME       "org.freedesktop.Notifications"
#define PATH       "/org/freedesktop/Notifications"
#define APP        "wms"
#define HEADING    "Message" /* a notification must have one */
#define DBUS_ERROR "org.freedesktop.DBus.Error."
#define NOBODY     "nobody shows notifications in this session"
#define NO_ANSWER  "who shows notifications in this session did not answer"
#define REFUSED    "who shows notifications in this session has refused it"

enum { URGENCY_CRITICAL = 2, EXPIRES_BY_SERVER = -1 };

static void finish(struct logind_message *message, int code, bool lost, const char *text)
{
    message->done(message, &(struct logind_fault){.code = code, .lost = lost, .text = text});
}

/* ---- errors ---------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* What an error's name says; the texts of such errors are by programs of the user, and not told. */
static void finish_by_error(struct logind_message *message, const char *name)
{
    static const struct {
        const char *name;
        int code;
        bool lost;
        const char *text;
    } errors[] = {
        {DBUS_ERROR "ServiceUnknown", WMS_E_UNSUPPORTED, false, NOBODY},
        {DBUS_ERROR "NameHasNoOwner", WMS_E_UNSUPPORTED, false, NOBODY},
        {DBUS_ERROR "Spawn.", WMS_E_UNSUPPORTED, false, NOBODY},
        {DBUS_ERROR "UnknownMethod", WMS_E_UNSUPPORTED, false, NOBODY},
        {"org.freedesktop.systemd1.", WMS_E_UNSUPPORTED, false, NOBODY},
        {DBUS_ERROR "NoReply", WMS_E_TIMEOUT, true, NO_ANSWER},
        {DBUS_ERROR "Timeout", WMS_E_TIMEOUT, true, NO_ANSWER},
        {DBUS_ERROR "TimedOut", WMS_E_TIMEOUT, true, NO_ANSWER},
        {DBUS_ERROR "Disconnected", WMS_E_UNREACHABLE, true, NO_ANSWER},
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (begins(name, errors[i].name)) {
            finish(message, errors[i].code, errors[i].lost, errors[i].text);
            return;
        }
    }
    finish(message, WMS_E_PROTOCOL, false, REFUSED);
}

/* ---- the notification ------------------------------------------------------------------------ */

static int on_shown(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
    struct logind_message *message = data;
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    uint32_t id;
    (void) ret_error;
    message->call = sd_bus_slot_unref(message->call);
    if (error) {
        finish_by_error(message, error->name);
    } else if (sd_bus_message_read(reply, "u", &id) <= 0) {
        finish(message, WMS_E_PROTOCOL, false, REFUSED);
    } else {
        finish(message, 0, false, NULL);
    }
    return 1;
}

/* In a body with markup these have a meaning. */
static const char *entity(char c)
{
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
}

/* A copy of the text, escaped if that is wanted; NULL: out of memory. */
static char *body_of(const struct logind_message *message)
{
    const char *text = message->text;
    size_t size = 1;
    for (const char *c = text; *c; c++) {
        const char *name = message->has_markup ? entity(*c) : NULL;
        size += name ? strlen(name) : 1;
    }
    char *body = logind_alloc(message->conn, size), *end = body;
    for (const char *c = text; body && *c; c++) {
        const char *name = message->has_markup ? entity(*c) : NULL;
        if (name) {
            end = stpcpy(end, name);
        } else {
            *end++ = *c;
        }
    }
    return body;
}

/* Title and text in one, for who shows no bodies; NULL: out of memory. */
static char *heading_of(const struct logind_message *message)
{
    const char *title = message->title ? message->title : "";
    size_t size = strlen(title) + sizeof ": " + strlen(message->text);
    char *heading = logind_alloc(message->conn, size);
    if (heading) {
        snprintf(heading, size, "%s%s%s", title, *title ? ": " : "", message->text);
    }
    return heading;
}

static int append(sd_bus_message *call, const char *heading, const char *body)
{
    int r = sd_bus_message_append(call, "susss", APP, 0, "", heading, body);
    r = r < 0 ? r : sd_bus_message_append(call, "as", 0);
    r = r < 0 ? r : sd_bus_message_append(call, "a{sv}", 1, "urgency", "y", URGENCY_CRITICAL);
    return r < 0 ? r : sd_bus_message_append(call, "i", EXPIRES_BY_SERVER);
}

static int send_texts(struct logind_message *message, const char *heading, const char *body)
{
    sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(message->bus, &call, NAME, PATH, NAME, "Notify");
    r = r < 0 ? r : append(call, heading, body);
    r = r < 0
            ? r
            : sd_bus_call_async(message->bus, &message->call, call, on_shown, message, UINT64_MAX);
    sd_bus_message_unref(call);
    if (r < 0) {
        message->call = NULL;
        return r;
    }
    message->notifying = true;
    message->conn->services->sent(message->op);
    return 0;
}

static int send_notification(struct logind_message *message)
{
    char *own = message->has_body ? body_of(message) : heading_of(message);
    int r = -ENOMEM;
    if (own && message->has_body) {
        r = send_texts(message, message->title ? message->title : HEADING, own);
    } else if (own) {
        r = send_texts(message, own, "");
    }
    logind_free(message->conn, own);
    return r;
}

/* ---- who shows it ---------------------------------------------------------------------------- */

static int on_capabilities(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
    struct logind_message *message = data;
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    const char *name;
    (void) ret_error;
    message->call = sd_bus_slot_unref(message->call);
    if (error) {
        finish_by_error(message, error->name);
        return 1;
    }
    int r = sd_bus_message_enter_container(reply, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(reply, "s", &name)) > 0) {
        message->has_markup = message->has_markup || strcmp(name, "body-markup") == 0;
        message->has_body = message->has_body || strcmp(name, "body") == 0;
    }
    if (r < 0) {
        finish(message, WMS_E_PROTOCOL, false, REFUSED);
        return 1;
    }
    r = send_notification(message);
    if (r < 0) {
        finish(message, r == -ENOMEM ? WMS_E_NO_MEMORY : WMS_E_UNREACHABLE, false, NULL);
    }
    return 1;
}

static void on_ready(struct logind_use *use, sd_bus *bus)
{
    struct logind_message *message = NODE_OWNER(use, struct logind_message, use);
    message->bus = bus;
    if (sd_bus_call_method_async(bus, &message->call, NAME, PATH, NAME, "GetCapabilities",
                                 on_capabilities, message, NULL) < 0) {
        message->call = NULL; /* the op's timeout ends it */
    }
}

static void on_gone(struct logind_use *use, const struct logind_fault *fault)
{
    struct logind_message *message = NODE_OWNER(use, struct logind_message, use);
    finish(message, fault->code, message->notifying, fault->text);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void logind_notice_send(struct logind_message *message, int64_t uid)
{
    message->use.ready = on_ready;
    message->use.gone = on_gone;
    int r = logind_use_begin(message->conn, &message->use, uid);
    if (r < 0) {
        finish(message, r == -ENOMEM ? WMS_E_NO_MEMORY : WMS_E_UNSUPPORTED, false,
               r == -ENOMEM ? NULL : "it is not known where the users' buses of this host are");
    }
}

void logind_notice_drop(struct logind_message *message)
{
    message->call = logind_use_unslot(&message->use, message->call);
    logind_use_end(&message->use);
}
