/* SPDX-License-Identifier: MIT */
/* names.h - the words of wms.h's lists: a provider is not linked with the engine's functions. */
#ifndef WMS_NATS_NAMES_H
#define WMS_NATS_NAMES_H

#include <wms.h>

/* The name of a code, for a number that is none that of INTERNAL; the reverse returns INTERNAL for
 * a name that is not known here. */
const char *nats_error_name(int code);
int nats_error_from_name(const char *name);
const char *nats_error_text(int code);
/* A name, or NULL; the reverse returns -1 for a name that is none. */
const char *nats_verb_name(enum wms_verb verb);
int nats_verb_from_name(const char *name);
unsigned nats_verb_traits(enum wms_verb verb); /* 0: it is none */
const char *nats_state_name(enum wms_state state);
int nats_state_from_name(const char *name);
const char *nats_event_name(enum wms_event_kind kind);
int nats_event_from_name(const char *name);
const char *nats_thumbnail_size_name(enum wms_thumbnail_size size);
int nats_thumbnail_size_from_name(const char *name);

#endif
