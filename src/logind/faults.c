/* SPDX-License-Identifier: MIT */
/* faults.c - D-Bus errors and errno as wms codes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "logind.h"

#define DBUS_ERROR   "org.freedesktop.DBus.Error."
#define SYSTEMD      "org.freedesktop.systemd1."
#define UNPRIVILEGED "logind does not allow it to this user"
#define NOT_RUNNING  "logind does not run there"
#define SILENT       "logind went away, or did not answer in time"
#define NO_SESSION   "the host has no such session"

/* `lost`: the error only stands for a missing answer, and what was asked for may have been done.
 * Any other error is an answer: it was not done. */
static const struct {
    const char *name;
    int code;
    bool lost;
    const char *text;
} errors[] = {
    {LOGIND_NAME ".NoSuchSession", WMS_E_NOT_FOUND, false, NO_SESSION},
    {LOGIND_NAME ".NoSessionForPID", WMS_E_NOT_FOUND, false, NO_SESSION},
    {DBUS_ERROR "UnknownObject", WMS_E_NOT_FOUND, false, NO_SESSION},
    {DBUS_ERROR "AccessDenied", WMS_E_ACCESS_DENIED, false, UNPRIVILEGED},
    {DBUS_ERROR "InteractiveAuthorizationRequired", WMS_E_ACCESS_DENIED, false,
     UNPRIVILEGED ": polkit would ask a person for a password"},
    {DBUS_ERROR "AuthFailed", WMS_E_ACCESS_DENIED, false, UNPRIVILEGED},
    {LOGIND_NAME ".BlockedByInhibitorLock", WMS_E_ACCESS_DENIED, false,
     "a program holds it up there"},
    {LOGIND_NAME ".OperationInProgress", WMS_E_BUSY, false,
     "the host does that, or the like, already"},
    {SYSTEMD "UnitMasked", WMS_E_ACCESS_DENIED, false,
     UNPRIVILEGED ": polkit, which could allow it, is masked"},
    {DBUS_ERROR "NotSupported", WMS_E_UNSUPPORTED, false,
     "logind cannot do that with this kind of session"},
    {DBUS_ERROR "UnknownMethod", WMS_E_UNSUPPORTED, false, "this logind is too old for it"},
    {DBUS_ERROR "LimitsExceeded", WMS_E_BUSY, false, "the bus has too many calls under way"},
    {DBUS_ERROR "NoMemory", WMS_E_BUSY, false, "the host is out of memory"},
    {DBUS_ERROR "NoReply", WMS_E_TIMEOUT, true, SILENT},
    {DBUS_ERROR "Timeout", WMS_E_TIMEOUT, true, SILENT},
    {DBUS_ERROR "TimedOut", WMS_E_TIMEOUT, true, SILENT},
    {DBUS_ERROR "Disconnected", WMS_E_UNREACHABLE, true, "the connection to the bus broke"},
    {DBUS_ERROR "NoServer", WMS_E_UNREACHABLE, false, NOT_RUNNING},
    {DBUS_ERROR "ServiceUnknown", WMS_E_UNREACHABLE, false, NOT_RUNNING},
    {DBUS_ERROR "NameHasNoOwner", WMS_E_UNREACHABLE, false, NOT_RUNNING},
};

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The bus could not start logind.  If the bus itself sends an error of systemd's, it is about
 * starting logind, not about polkit. */
static bool is_not_running(const sd_bus_error *error, const char *sender)
{
    return begins(error->name, DBUS_ERROR "Spawn.") ||
           (begins(error->name, SYSTEMD) && sender && strcmp(sender, "org.freedesktop.DBus") == 0);
}

/* A sentence of ours, and the error's own message: cut between two UTF-8 characters. */
static void explain(struct logind_fault *fault, const char *text, const sd_bus_error *error)
{
    enum { WORDS_MAX = 240 };
    const char *words = error->message;
    size_t length = words ? strlen(words) : 0, cut = length;
    fault->text = fault->buffer;
    if (length == 0) {
        snprintf(fault->buffer, sizeof fault->buffer, "%s", text);
        return;
    }
    if (length > WORDS_MAX) {
        cut = WORDS_MAX;
        while (cut > 0 && ((unsigned char) words[cut] & 0xc0) == 0x80) {
            cut--;
        }
    }
    snprintf(fault->buffer, sizeof fault->buffer, "%s (%.*s%s)", text, (int) cut, words,
             cut < length ? "..." : "");
}

bool logind_fault_of(sd_bus_message *reply, struct logind_fault *ret_fault)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    char unknown[320];
    ret_fault->code = 0;
    if (!error) {
        return false;
    }
    ret_fault->lost = false;
    if (is_not_running(error, sd_bus_message_get_sender(reply))) {
        ret_fault->code = WMS_E_UNREACHABLE;
        explain(ret_fault, NOT_RUNNING, error);
        return true;
    }
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (strcmp(error->name, errors[i].name) == 0) {
            ret_fault->code = errors[i].code;
            ret_fault->lost = errors[i].lost;
            explain(ret_fault, errors[i].text, error);
            return true;
        }
    }
    ret_fault->code = WMS_E_PROTOCOL;
    snprintf(unknown, sizeof unknown, "logind answered with the D-Bus error %.255s", error->name);
    explain(ret_fault, unknown, error);
    return true;
}

void logind_fault_unreadable(int error, struct logind_fault *ret_fault)
{
    ret_fault->code = error == -ENOMEM ? WMS_E_NO_MEMORY : WMS_E_PROTOCOL;
    ret_fault->lost = false;
    ret_fault->text =
        error == -ENOMEM ? NULL : "logind's answer has not the form that it should have";
}

void logind_fault_answer(struct logind *conn, struct wms_op *op, const struct logind_fault *fault)
{
    (fault->lost ? conn->services->lost : conn->services->answer)(op, fault->code, fault->text);
}
