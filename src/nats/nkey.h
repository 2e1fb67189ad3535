/* SPDX-License-Identifier: MIT */
/* nkey.h - NATS' keys as texts. */
#ifndef WMS_NATS_NKEY_H
#define WMS_NATS_NKEY_H

#include <stdbool.h>

enum { NKEY_PUBLIC_SIZE = 57 }; /* of a public key as a text, with its NUL */

/* The public key that belongs to a seed of a user ("SU..."), which is the first such line of the
 * text.  False: there is none, or it is damaged. */
bool nkey_public(const char *text, char public[static NKEY_PUBLIC_SIZE]);

#endif
