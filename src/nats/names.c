/* SPDX-License-Identifier: MIT */
/* names.c - the words of wms.h's lists. */
#include "nats/names.h"

#define WORD(name, word)              word,
#define ERROR(name, number, text)     {#name, text, number},
#define TRAITS(F, name, word, traits) (traits),
#define COUNT(list)                   (sizeof(list) / sizeof *(list))

static const struct {
    const char *name, *text;
    int number;
} errors[] = {WMS_ERRORS(ERROR)};
static const char *const verbs[] = {WMS_VERBS(WORD)};
static const unsigned traits[] = {WMS_VERB_ROWS(TRAITS, 0)};
static const char *const states[] = {WMS_STATES(WORD)};
static const char *const events[] = {WMS_EVENTS(WORD)};
static const char *const sizes[] = {WMS_THUMBNAIL_SIZES(WORD)};

static const char *name_of(const char *const *names, size_t count, int number)
{
    return number >= 0 && (size_t) number < count ? names[number] : NULL;
}

static int number_of(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int) i;
        }
    }
    return -1;
}

static size_t error_index(int code)
{
    size_t internal = 0;

    for (size_t i = 0; i < COUNT(errors); i++) {
        if (errors[i].number == code) {
            return i;
        }
        internal = errors[i].number == WMS_E_INTERNAL ? i : internal;
    }
    return internal;
}

const char *nats_error_name(int code)
{
    return errors[error_index(code)].name;
}

const char *nats_error_text(int code)
{
    return errors[error_index(code)].text;
}

int nats_error_from_name(const char *name)
{
    for (size_t i = 0; i < COUNT(errors); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].number;
        }
    }
    return WMS_E_INTERNAL;
}

const char *nats_verb_name(enum wms_verb verb)
{
    return name_of(verbs, COUNT(verbs), (int) verb);
}

int nats_verb_from_name(const char *name)
{
    return number_of(verbs, COUNT(verbs), name);
}

unsigned nats_verb_traits(enum wms_verb verb)
{
    return (size_t) verb < COUNT(traits) ? traits[verb] : 0;
}

const char *nats_state_name(enum wms_state state)
{
    return name_of(states, COUNT(states), (int) state);
}

int nats_state_from_name(const char *name)
{
    return number_of(states, COUNT(states), name);
}

const char *nats_event_name(enum wms_event_kind kind)
{
    return name_of(events, COUNT(events), (int) kind);
}

int nats_event_from_name(const char *name)
{
    return number_of(events, COUNT(events), name);
}

const char *nats_thumbnail_size_name(enum wms_thumbnail_size size)
{
    return name_of(sizes, COUNT(sizes), (int) size);
}

int nats_thumbnail_size_from_name(const char *name)
{
    return number_of(sizes, COUNT(sizes), name);
}
