/* SPDX-License-Identifier: MIT */
/* names.h - what is derived from the lists of codes and verbs in wms.h. */
#ifndef WMS_CORE_NAMES_H
#define WMS_CORE_NAMES_H

#include <stdbool.h>

#include <wms.h>

/* One byte for each verb, so that its size is their number. */
struct wms_verb_each {
#define WMS_X(name, word) char name;
    WMS_VERBS(WMS_X)
#undef WMS_X
};
enum { WMS_VERB_COUNT = sizeof(struct wms_verb_each) };
_Static_assert((int) WMS_VERB_COUNT <= 32, "a provider's `can` has a bit for each verb");

/* The same for states. */
struct wms_state_each {
#define WMS_X(name, word) char name;
    WMS_STATES(WMS_X)
#undef WMS_X
};
enum { WMS_STATE_COUNT = sizeof(struct wms_state_each) };

/* Whether the verb has this trait, of enum wms_verb_trait. */
static inline bool wms_verb_is(enum wms_verb verb, unsigned trait)
{
    return wms_verb_traits(verb) & trait;
}

/* Traits of a verb that asks one server something of its own, and returns what it answers: a call,
 * a bind. */
static inline bool wms_traits_of_call(unsigned traits)
{
    return (traits & (WMS_ON_SERVER | WMS_ON_SERVERS)) == WMS_ON_SERVER;
}

/* Returns `code`, which a provider gave, if it is one that a host can have; else INTERNAL. */
int wms_error_code(int code);

#endif
