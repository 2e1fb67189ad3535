/* SPDX-License-Identifier: MIT */
/* misuse.c - what is wrong with a command. */
#include <math.h>
#include <string.h>

#include "core/parts.h"

enum { MESSAGE_MAX = 65536, TITLE_MAX = 1024, DEPTH_MAX = 32, RETRIES_MAX = 1000 };
static const double seconds_max = 1e9;

/* A text that users see. */
static int check_shown(wms_engine *engine, const char *name, const char *text)
{
    if (!*text) {
        return wms_complain(engine, "%s: empty; give the text that the users see", name);
    }
    if (strnlen(text, MESSAGE_MAX + 1) > MESSAGE_MAX) {
        return wms_complain(engine, "%s: longer than %d bytes; give a shorter text", name,
                            MESSAGE_MAX);
    }
    return wms_is_utf8(text) ? 0
                             : wms_complain(engine, "%s: not UTF-8; give a text in UTF-8", name);
}

static int check_message(wms_engine *engine, const wms_command *command, unsigned traits)
{
    const char *message = command->message;

    if (!(traits & WMS_TAKES_MESSAGE)) {
        return message
                   ? wms_complain(engine, "message: only lock and message have one; leave it out")
                   : 0;
    }
    return message ? check_shown(engine, "message", message)
                   : wms_complain(engine, "message: missing; give the text that the users see");
}

static bool has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *) text; *p; p++) {
        if (*p < ' ' || *p == 127 ||
            (p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0)) { /* U+0080 to U+009F */
            return true;
        }
    }
    return false;
}

/* That only WMS_MESSAGE has one is checked by check_fields(). */
static int check_title(wms_engine *engine, const char *name, const char *title)
{
    if (!title) {
        return 0;
    }
    if (strnlen(title, TITLE_MAX + 1) > TITLE_MAX) {
        return wms_complain(engine, "%s: longer than %d bytes; give a shorter text", name,
                            TITLE_MAX);
    }
    if (!wms_is_utf8(title)) {
        return wms_complain(engine, "%s: not UTF-8; give a text in UTF-8", name);
    }
    return has_control(title)
               ? wms_complain(engine, "%s: a control character; give a text of one line", name)
               : 0;
}

static int check_warning(wms_engine *engine, const wms_command *command)
{
    double seconds = command->warn_seconds;

    if (!command->warn_message) {
        return command->warn_title || seconds > 0
                   ? wms_complain(engine, "warn_message: missing; give the text that the users see")
                   : 0;
    }
    if (!(seconds > 0 && seconds <= seconds_max)) {
        return wms_complain(engine,
                            "warn_seconds: %g; give a number of seconds above 0, at most %g",
                            seconds, seconds_max);
    }
    int error = check_shown(engine, "warn_message", command->warn_message);
    return error ? error : check_title(engine, "warn_title", command->warn_title);
}

static int check_times(wms_engine *engine, const wms_command *command, unsigned traits)
{
    if (!(command->timeout > 0 && command->timeout <= seconds_max)) {
        return wms_complain(engine, "timeout: %g; give a number of seconds above 0, at most %g",
                            command->timeout, seconds_max);
    }
    if (isnan(command->deadline) || command->deadline == 0 || command->deadline > seconds_max) {
        return wms_complain(engine, "deadline: %g; give a number of seconds above 0, at most %g",
                            command->deadline, seconds_max);
    }
    if (isnan(command->verify) || command->verify > seconds_max) {
        return wms_complain(engine, "verify: %g; give a number of seconds from 0 to %g",
                            command->verify, seconds_max);
    }
    if (isnan(command->stable) || command->stable > seconds_max) {
        return wms_complain(engine, "stable: %g; give a number of seconds from 0 to %g",
                            command->stable, seconds_max);
    }
    const char *watch = command->verify >= 0 ? "verify" : command->stable >= 0 ? "stable" : NULL;
    if (watch && (traits & WMS_HAS_THUMBNAIL)) {
        return wms_complain(engine, "%s: nothing is changed that could be waited for; leave it out",
                            watch);
    }
    if (watch && !(traits & WMS_VERIFIES)) { /* check_whole() comes first */
        return wms_complain(engine, "%s: no host tells what is on a screen; leave it out with %s",
                            watch, wms_verb_name(command->verb));
    }
    if (command->stable >= 0 && !(traits & (WMS_CHANGES_LOCK | WMS_IS_QUERY))) {
        return wms_complain(engine,
                            "stable: only lock and unlock can be watched; use verify with %s",
                            wms_verb_name(command->verb));
    }
    if (command->retries > RETRIES_MAX) {
        return wms_complain(engine, "retries: %u; give a number from 0 to %d", command->retries,
                            RETRIES_MAX);
    }
    if (command->retries > 0 && !(traits & WMS_REPEATABLE)) {
        return wms_complain(engine, "retries: %s is sent once; leave it out",
                            wms_verb_name(command->verb));
    }
    if (command->concurrency < 1 || command->concurrency > 65535) {
        return wms_complain(engine, "concurrency: %u; give a number of servers from 1 to 65535",
                            command->concurrency);
    }
    return 0;
}

static int check_selection(wms_engine *engine, const wms_command *command, unsigned traits)
{
    bool named = command->id_count > 0 || command->target_count > 0 || command->own;
    const char *verb = wms_verb_name(command->verb);

    if (command->own && (command->id_count > 0 || command->target_count > 0)) {
        return wms_complain(engine,
                            "session_ids: the caller's own session and others; give either");
    }
    if (command->choose && named) {
        return wms_complain(
            engine, "where: the sessions are named already; leave it out, or use %s_all", verb);
    }

    if (command->warn_message && command->deadline >= 0 &&
        command->deadline <= command->warn_seconds) {
        return wms_complain(engine,
                            "warn: %g seconds, and a deadline of %g for the whole command; give a "
                            "longer deadline, or none",
                            command->warn_seconds, command->deadline);
    }
    if (command->activity && !command->choose && !(traits & WMS_IS_QUERY)) {
        return wms_complain(
            engine,
            "activity: nobody looks at it; give where or except beside it, or leave it out");
    }
    if (command->target_count > 0 && (command->id_count > 0 || command->server_count > 0)) {
        return wms_complain(
            engine, "targets: they bring their servers; give no ids and no servers beside them");
    }
    if (command->all && named) {
        return wms_complain(engine,
                            "session_ids: %s_all acts on all sessions; leave them out, or use %s",
                            verb, verb);
    }
    if (!command->all && !named && !(traits & WMS_IS_QUERY)) {
        return wms_complain(
            engine, "session_ids: missing; give an id or a list of ids, or use %s_all", verb);
    }
    if (command->all && command->server_count == 0 && traits & WMS_ENDS_SESSION) {
        return wms_complain(engine,
                            "server: missing; %s_all acts only on a server that is named: give "
                            "\"localhost\" for this machine",
                            verb);
    }
    return 0;
}

/* A verb that is about servers as a whole. */
static int check_whole(wms_engine *engine, const wms_command *command, unsigned traits)
{
    const char *verb = wms_verb_name(command->verb);

    if (command->target_count > 0 || command->id_count > 0 || command->all || command->own ||
        command->choose) {
        return wms_complain(
            engine, "session_ids: %s is for a server, not for sessions; leave them out", verb);
    }
    if (command->server_count == 0) {
        return wms_complain(engine,
                            "server: missing; give the servers that %s is for; "
                            "\"localhost\" is this machine",
                            verb);
    }
    const char *other = command->what_if && !(traits & WMS_ON_SERVERS)     ? "what_if"
                        : command->verify >= 0 && !(traits & WMS_VERIFIES) ? "verify"
                        : command->stable >= 0                             ? "stable"
                                                                           : NULL;
    return other ? wms_complain(engine, "%s: %s has no such thing; leave it out", other, verb) : 0;
}

/* Options that only one verb has. */
static int check_fields(wms_engine *engine, const wms_command *command)
{
    const struct {
        const char *name;
        enum wms_verb verb;
        bool given;
        const char *word; /* the text, where one is required */
        const char *fix;  /* NULL: it may be left out */
    } fields[] = {
        {"interface", WMS_CALL, command->interface_name, command->interface_name,
         "the name of an interface of the host's"},
        {"operation", WMS_CALL, command->operation, command->operation,
         "the name of one of the interface's operations"},
        {"arguments", WMS_CALL, command->arguments, NULL, NULL},
        {"user_name", WMS_BIND, command->user_name, command->user_name,
         command->key_name || command->key_file ? NULL
                                                : "the name of an administrator of the host"},
        {"key_name", WMS_BIND, command->key_name, NULL, NULL},
        {"key_file", WMS_BIND, command->key_file, NULL, NULL},
        {"gateway", WMS_BIND, command->gateway, NULL, NULL},
        {"password", WMS_BIND, command->password, NULL, NULL},
        {"fingerprint", WMS_BIND, command->fingerprint, NULL, NULL},
        {"certificate_name", WMS_BIND, command->certificate_name, NULL, NULL},
        {"thumbprint", WMS_BIND, command->thumbprint, NULL, NULL},
        {"fingerprints", WMS_BIND, command->pin_count > 0, NULL, NULL},
        {"events", WMS_BIND,
         command->events_host_name || command->events_address || command->events_port, NULL, NULL},
        {"title", WMS_MESSAGE, command->title, NULL, NULL},
        {"warn_message", WMS_CLOSE, command->warn_message, NULL, NULL},
        {"warn_title", WMS_CLOSE, command->warn_title, NULL, NULL},
        {"warn_seconds", WMS_CLOSE, command->warn_seconds != 0, NULL, NULL},
        {"size", WMS_THUMBNAIL, command->thumbnail_size != WMS_THUMBNAIL_MEDIUM, NULL, NULL},
    };

    if (command->management && command->verb != WMS_BIND && command->verb != WMS_CALL) {
        return wms_complain(engine, "management: only bind and call have one; leave it out");
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *name = fields[i].name, *word = fields[i].word;
        if (fields[i].verb != command->verb) {
            if (fields[i].given) {
                return wms_complain(engine, "%s: only %s has one; leave it out", name,
                                    wms_verb_name(fields[i].verb));
            }
        } else if (fields[i].fix && !(word && *word)) {
            return wms_complain(engine, "%s: %s; give %s", name, word ? "empty" : "missing",
                                fields[i].fix);
        }
    }
    return 0;
}

static bool is_sound(const wms_value *value, bool named, unsigned depth)
{
    bool tree = value->kind == WMS_LIST || value->kind == WMS_TABLE;

    if ((unsigned) value->kind > WMS_TABLE || named != (value->name != NULL) || depth > DEPTH_MAX) {
        return false;
    }
    if (value->kind == WMS_STRING) {
        return value->text != NULL;
    }
    for (size_t i = 0; tree && i < value->size; i++) {
        if (!value->items || !is_sound(&value->items[i], value->kind == WMS_TABLE, depth + 1)) {
            return false;
        }
    }
    return true;
}

static int check_arguments(wms_engine *engine, const wms_value *arguments)
{
    if (arguments && arguments->kind != WMS_TABLE) {
        return wms_complain(
            engine, "arguments: no table; give a table by the names of the operation's arguments");
    }
    if (arguments && !is_sound(arguments, arguments->name != NULL, 0)) {
        return wms_complain(engine,
                            "arguments: a value of no kind, without its name or its items, or more "
                            "than %d deep; give a "
                            "table as wms.h describes it",
                            DEPTH_MAX);
    }
    return 0;
}

static int check_size(wms_engine *engine, const wms_command *command)
{
    return *wms_thumbnail_size_name(command->thumbnail_size) != '?'
               ? 0
               : wms_complain(engine, "size: no such one; give one of enum wms_thumbnail_size");
}

int wms_command_check(wms_engine *engine, const wms_command *command, unsigned traits)
{
    if ((unsigned) command->verb >= WMS_VERB_COUNT) {
        return wms_complain(engine, "command: no such verb; give one of enum wms_verb");
    }
    int error = traits & WMS_ON_SERVER ? check_whole(engine, command, traits)
                                       : check_selection(engine, command, traits);
    error = error ? error : check_fields(engine, command);
    error = error ? error : check_size(engine, command);
    error = error ? error : check_arguments(engine, command->arguments);
    error = error ? error : check_times(engine, command, traits);
    error = error ? error : check_message(engine, command, traits);
    error = error ? error : check_title(engine, "title", command->title);
    return error ? error : check_warning(engine, command);
}
