/* SPDX-License-Identifier: MIT */
/* features.c - the table of features, and the bodies of the commands that use them. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "veyon/veyon.h"

#define INTERFACE "Feature"

enum takes { NOTHING, SWITCH, TEXT, SECONDS, APPLICATIONS, WEBSITES };

const char *const veyon_feature_uuid[VEYON_FEATURE_COUNT] = {
#define WMS_X(name, word, uuid, takes) uuid,
    VEYON_FEATURES(WMS_X)
#undef WMS_X
};

static const struct {
    const char *name;
    enum takes takes;
} features[VEYON_FEATURE_COUNT] = {
#define WMS_X(name, word, uuid, takes) {word, takes},
    VEYON_FEATURES(WMS_X)
#undef WMS_X
};

#define WMS_X(name, word, uuid, takes) " " word
#define NAMES                          VEYON_FEATURES(WMS_X) /* of all, for a complaint */

/* What a feature takes: the argument's name, whether it must be there, and what it has to be. */
static const struct argument {
    enum takes takes;
    const char *name;
    bool needed;
    enum wms_kind kind; /* WMS_LIST: a text, or a list of texts */
    uint64_t most;      /* of a WMS_NATURAL */
    const char *fix;
} arguments[] = {
    {SWITCH, "active", false, WMS_BOOLEAN, 0, "true or false"},
    {TEXT, "text", true, WMS_STRING, 0, "the text that the user sees"},
    {TEXT, "icon", false, WMS_NATURAL, 3, "1 (information), 2 (warning) or 3 (critical)"},
    {SECONDS, "shutdownTimeout", false, WMS_NATURAL, 86400, "a number of seconds, at most 86400"},
    {APPLICATIONS, "applications", true, WMS_LIST, 0, "a command line, or a list of them"},
    {WEBSITES, "websiteUrls", true, WMS_LIST, 0, "a URL, or a list of them"},
};
enum { ARGUMENTS = sizeof arguments / sizeof *arguments };

static int find(const char *name)
{
    for (int i = 0; i < VEYON_FEATURE_COUNT; i++) {
        if (strcmp(features[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

bool veyon_feature_ends(enum veyon_feature feature)
{
    return feature == VEYON_LOGOFF ||
           (feature >= VEYON_REBOOT && feature <= VEYON_POWER_DOWN_DELAYED);
}

/* ---- whether it could be asked --------------------------------------------------------------- */

static const struct argument *argument_of(enum takes takes, const char *name)
{
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if (arguments[i].takes == takes && strcmp(arguments[i].name, name) == 0) {
            return &arguments[i];
        }
    }
    return NULL;
}

static bool is_given(const wms_value *given, const char *name)
{
    for (size_t i = 0; given && i < given->size; i++) {
        if (strcmp(given->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* JSON is UTF-8 without a NUL. */
static bool is_text(const wms_value *value)
{
    json_t *text = value->kind == WMS_STRING && !memchr(value->text, '\0', value->size)
                       ? json_stringn(value->text, value->size)
                       : NULL;

    bool good = text && value->size > 0;
    json_decref(text);
    return good;
}

static bool is_list(const wms_value *value)
{
    bool good = value->kind == WMS_LIST && value->size > 0;

    for (size_t i = 0; good && i < value->size; i++) {
        good = is_text(&value->items[i]);
    }
    return good;
}

static bool fits(const struct argument *argument, const wms_value *value)
{
    switch (argument->kind) {
    case WMS_BOOLEAN:
        return value->kind == WMS_BOOLEAN;
    case WMS_NATURAL:
        return value->kind == WMS_NATURAL && value->natural >= 1 &&
               value->natural <= argument->most;
    case WMS_STRING:
        return is_text(value);
    default:
        return is_text(value) || is_list(value);
    }
}

static int check_arguments(enum takes takes, const wms_value *given, char *complaint, size_t size)
{
    for (size_t i = 0; given && i < given->size; i++) {
        const wms_value *value = &given->items[i];
        const struct argument *argument = argument_of(takes, value->name);
        if (!argument) {
            snprintf(complaint, size, "arguments: the feature takes no '%.60s'; leave it out",
                     value->name);
            return WMS_E_INVALID;
        }
        if (!fits(argument, value)) {
            snprintf(complaint, size, "arguments: %s: give %s", argument->name, argument->fix);
            return WMS_E_INVALID;
        }
    }
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if (arguments[i].takes == takes && arguments[i].needed &&
            !is_given(given, arguments[i].name)) {
            snprintf(complaint, size, "arguments: %s missing; give %s", arguments[i].name,
                     arguments[i].fix);
            return WMS_E_INVALID;
        }
    }
    return 0;
}

int veyon_feature_check(const struct wms_call *call, char *complaint, size_t size)
{
    int feature = find(call->operation);

    if (strcmp(call->interface_name, INTERFACE) != 0) {
        snprintf(complaint, size, "interface: Veyon has no '%.60s'; give '" INTERFACE "'",
                 call->interface_name);
    } else if (strcmp(call->operation, "Screenshot") == 0) {
        snprintf(complaint, size,
                 "operation: Screenshot ends Veyon's service; call wms.thumbnail instead");
    } else if (feature < 0) {
        snprintf(complaint, size,
                 "operation: no feature '%.60s' that may be called; give one of these:" NAMES,
                 call->operation);
    } else {
        return check_arguments(features[feature].takes, call->arguments, complaint, size);
    }
    return WMS_E_INVALID;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* Takes `given`, the arguments, over.  NULL: out of memory. */
static char *print_body(const struct veyon *all, bool active, json_t *given)
{
    json_t *body = given ? json_pack("{s:b, s:o}", "active", active, "arguments", given) : NULL;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    char *copy = text ? veyon_copy(all, text) : NULL;

    json_decref(body);
    free(text);
    return copy;
}

char *veyon_switch_body(const struct veyon *all, bool active)
{
    return veyon_copy(all, active ? "{\"active\":true,\"arguments\":{}}"
                                  : "{\"active\":false,\"arguments\":{}}");
}

/* NULL: out of memory. */
static json_t *convert(const wms_value *value)
{
    json_t *list;

    switch (value->kind) {
    case WMS_NATURAL:
        return json_integer((json_int_t) value->natural);
    case WMS_STRING:
        return json_stringn(value->text, value->size);
    default:
        list = json_array();
        for (size_t i = 0; list && i < value->size; i++) {
            if (json_array_append_new(list, convert(&value->items[i]))) {
                json_decref(list);
                return NULL;
            }
        }
        return list;
    }
}

char *veyon_feature_body(const struct veyon *all, const struct wms_call *call,
                         enum veyon_feature *ret_feature)
{
    json_t *given = json_object();
    bool active = true;

    *ret_feature = (enum veyon_feature) find(call->operation);
    for (size_t i = 0; given && call->arguments && i < call->arguments->size; i++) {
        const wms_value *value = &call->arguments->items[i];
        if (value->kind == WMS_BOOLEAN) {
            active = value->integer;
        } else if (json_object_set_new(given, value->name, convert(value))) {
            json_decref(given);
            given = NULL;
        }
    }
    return print_body(all, active, given);
}

/* Veyon shows rich text: what would be a tag is escaped, and lines are kept. */
static char *enrich(char *to, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            to = stpcpy(to, "&amp;");
            break;
        case '<':
            to = stpcpy(to, "&lt;");
            break;
        case '>':
            to = stpcpy(to, "&gt;");
            break;
        case '\n':
            to = stpcpy(to, "<br>");
            break;
        default:
            *to++ = *text;
            break;
        }
    }
    *to = '\0';
    return to;
}

char *veyon_message_body(const struct veyon *all, const char *title, const char *message)
{
    enum { LONGEST = 5, TAGS = 32 };
    size_t length = strlen(message) + (title ? strlen(title) : 0);
    char *rich = net_alloc(&all->net, LONGEST * length + TAGS), *to = rich;
    json_t *given;

    if (!rich) {
        return NULL;
    }
    if (title && *title) {
        to = stpcpy(enrich(stpcpy(to, "<b>"), title), "</b><br><br>");
    }
    enrich(to, message);
    given = json_pack("{s:s, s:i}", "text", rich, "icon", 1);
    net_free(&all->net, rich);
    return print_body(all, true, given);
}
