/* SPDX-License-Identifier: MIT */
/* names.c - names and texts of codes, verbs and states, all from the lists in wms.h. */
#include <limits.h>
#include <string.h>

#include "core/names.h"

const char *wms_error_name(int code)
{
    switch (code) {
#define WMS_X(name, number, text) \
    case WMS_E_##name: \
        return #name;
        WMS_ERRORS(WMS_X)
#undef WMS_X
    case WMS_E_INVALID:
        return "INVALID";
    default:
        return "INTERNAL";
    }
}

const char *wms_error_text(int code)
{
    switch (code) {
#define WMS_X(name, number, text) \
    case WMS_E_##name: \
        return text;
        WMS_ERRORS(WMS_X)
#undef WMS_X
    case WMS_E_INVALID:
        return "a bad argument";
    default:
        return wms_error_text(WMS_E_INTERNAL);
    }
}

int wms_error_from_name(const char *name)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {
#define WMS_X(word, number, text) {#word, WMS_E_##word},
        WMS_ERRORS(WMS_X)
#undef WMS_X
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i].name, name) == 0) {
            return codes[i].code;
        }
    }
    return 0;
}

static const char *const verbs[] = {
#define WMS_X(name, word) word,
    WMS_VERBS(WMS_X)
#undef WMS_X
};

const char *wms_verb_name(enum wms_verb verb)
{
    return (size_t) verb < sizeof verbs / sizeof *verbs ? verbs[verb] : "?";
}

int wms_verb_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i], name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

unsigned wms_verb_traits(enum wms_verb verb)
{
    static const unsigned traits[] = {
#define WMS_X(F, name, word, all) all,
        WMS_VERB_ROWS(WMS_X, )
#undef WMS_X
    };

    return (size_t) verb < sizeof traits / sizeof *traits ? traits[verb] : 0;
}

static const char *const picture_sizes[] = {
#define WMS_X(name, word) word,
    WMS_THUMBNAIL_SIZES(WMS_X)
#undef WMS_X
};

const char *wms_thumbnail_size_name(enum wms_thumbnail_size size)
{
    return (size_t) size < sizeof picture_sizes / sizeof *picture_sizes ? picture_sizes[size] : "?";
}

int wms_thumbnail_size_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof picture_sizes / sizeof *picture_sizes; i++) {
        if (strcmp(picture_sizes[i], name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

const char *wms_state_name(enum wms_state state)
{
    static const char *const states[] = {
#define WMS_X(name, word) word,
        WMS_STATES(WMS_X)
#undef WMS_X
    };

    return (size_t) state < sizeof states / sizeof *states ? states[state] : "?";
}

#define WMS_X(name, number, text) \
    _Static_assert((number) < 0 && (number) >= SCHAR_MIN && (number) != WMS_E_INVALID, \
                   "an item keeps a signed char");
WMS_ERRORS(WMS_X)
#undef WMS_X

int wms_error_code(int code)
{
    return code < 0 && wms_error_from_name(wms_error_name(code)) == code ? code : WMS_E_INTERNAL;
}
