/* names.h - what follows from the lists of codes and verbs in wms.h. */
#ifndef WMS_CORE_NAMES_H
#define WMS_CORE_NAMES_H

#include <stdbool.h>

#include <wms.h>

/* A command on a server as a whole, not on sessions. */
bool wms_is_call(enum wms_verb verb);
/* A code that a provider gave: INTERNAL when it is none that a host can have. */
int wms_error_code(int code);

#endif
