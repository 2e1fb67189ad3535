/* SPDX-License-Identifier: MIT */
/* fault.h - what went wrong, as one code and one sentence. */
#ifndef WMS_LOGIND_FAULT_H
#define WMS_LOGIND_FAULT_H

#include <stdbool.h>

struct logind_fault {
    int code;  /* 0: none */
    bool lost; /* no answer will come; otherwise this is the answer */
    const char *text;
    char buffer[640]; /* `text` may point here: so the struct must not be copied by assignment */
};

#endif
