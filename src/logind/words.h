/* SPDX-License-Identifier: MIT */
/* words.h - what ssh's last words mean. */
#ifndef WMS_LOGIND_WORDS_H
#define WMS_LOGIND_WORDS_H

#include <stddef.h>

#include "fault.h"

/* The fault for what was last on its error stream: UNREACHABLE, unless it says more.  Returns
 * whether a line of it is one of ssh's own. */
bool logind_words_explain(const char *words, size_t length, struct logind_fault *ret_fault);
/* Makes one line of a text that others chose: control characters become blanks, several blanks one;
 * at most `size` - 1 bytes, not cut inside a UTF-8 character. */
void logind_words_line(const char *text, size_t length, char *ret_line, size_t size);

#endif
