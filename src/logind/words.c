/* SPDX-License-Identifier: MIT */
/* words.c - what ssh's last words mean.
 *
 * ssh says on its error stream why it ends, in English, and exits with 255 whatever it was.  Before
 * that a host may have sent a banner, and its shell any lines: the last one that ssh could have
 * said counts. */
#define _GNU_SOURCE
#include "words.h"

#include <stdio.h>
#include <string.h>

#include <wms.h>

enum { LINE = 240 };

#define KEY_CHANGED \
    "the host's key is not the one that ssh knows: if there is a good reason, remove that by " \
    "\"ssh-keygen -R HOST\", connect once by hand, and compare the fingerprint"
#define KEY_UNKNOWN \
    "ssh does not know the host's key: connect once by hand, \"ssh HOST\", and compare the " \
    "fingerprint"
#define NO_KEY \
    "the host accepts none of the keys of this user: put one that it accepts into the agent " \
    "(ssh-add), or name it in ssh's configuration (IdentityFile)"

/* The first one that the line has counts. */
static const struct {
    const char *part;
    int code;
    const char *text; /* NULL: ssh's words say it all */
} meanings[] = {
    {"Host key verification failed", WMS_E_UNTRUSTED, KEY_UNKNOWN},
    {"host key is known for", WMS_E_UNTRUSTED, KEY_UNKNOWN},
    {"Permission denied (", WMS_E_ACCESS_DENIED, NO_KEY},
    {"Too many authentication failures", WMS_E_ACCESS_DENIED, NO_KEY},
    {"ssh: Could not resolve hostname", WMS_E_UNREACHABLE, NULL},
    {"ssh: connect to host", WMS_E_UNREACHABLE, NULL},
    {"Connection closed by", WMS_E_UNREACHABLE, NULL},
    {"Connection reset by", WMS_E_UNREACHABLE, NULL},
    {"Connection timed out during", WMS_E_UNREACHABLE, NULL},
    {"closed by remote host", WMS_E_UNREACHABLE, NULL},
    {"Timeout, server", WMS_E_UNREACHABLE, NULL},
    {"open failed: ", WMS_E_UNREACHABLE,
     "the host has no systemd-stdio-bridge, and no system bus listens there, or its sshd does not "
     "forward that bus's socket"},
    {"Bad configuration option", WMS_E_UNREACHABLE, "ssh does not accept its configuration"},
    {"bad configuration options", WMS_E_UNREACHABLE, "ssh does not accept its configuration"},
    {"Bad owner or permissions on", WMS_E_UNREACHABLE, "ssh does not accept its configuration"},
};

void logind_words_line(const char *text, size_t length, char *ret_line, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < size; i++) {
        unsigned char c = (unsigned char) text[i];
        if (c > ' ' && c != 127) {
            ret_line[used++] = (char) c;
        } else if (used > 0 && ret_line[used - 1] != ' ') {
            ret_line[used++] = ' ';
        }
    }
    if (used + 1 == size) { /* it may have been cut: back to the begin of a character */
        while (used > 0 && ((unsigned char) ret_line[used - 1] & 0xc0) == 0x80) {
            used--;
        }
        used -= used > 0 && (unsigned char) ret_line[used - 1] >= 0xc0;
    }
    while (used > 0 && ret_line[used - 1] == ' ') {
        used--;
    }
    ret_line[used] = 0;
}

static bool has(const char *text, size_t length, const char *part)
{
    return memmem(text, length, part, strlen(part));
}

/* The row of `meanings` for this line, or -1. */
static int meaning_of(const char *line)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strstr(line, meanings[i].part)) {
            return (int) i;
        }
    }
    return -1;
}

/* Takes the last line off the text: false, there is none. */
static bool last_line(const char *words, size_t *length, char line[LINE])
{
    while (*length > 0) {
        const char *newline = memrchr(words, '\n', *length);
        const char *begin = newline ? newline + 1 : words;
        logind_words_line(begin, *length - (size_t) (begin - words), line, LINE);
        *length = newline ? (size_t) (newline - words) : 0;
        if (*line) {
            return true;
        }
    }
    return false;
}

/* The fingerprint that ssh shows of a key that has changed, or "". */
static void find_fingerprint(const char *words, size_t length, char ret_text[80])
{
    const char *begin = memmem(words, length, "SHA256:", 7);
    size_t size = 0;
    while (begin && begin + size < words + length && size < 60 && begin[size] > ' ' &&
           begin[size] < 127) {
        size++;
    }
    snprintf(ret_text, 80, "%s%.*s", size ? "; it shows " : "", (int) size, begin ? begin : "");
}

bool logind_words_explain(const char *words, size_t length, struct logind_fault *ret_fault)
{
    char line[LINE], last[LINE] = "", fingerprint[80] = "";
    size_t left = length;
    int meaning = -1;
    while (meaning < 0 && last_line(words, &left, line)) {
        meaning = meaning_of(line);
        if (!*last || meaning >= 0) {
            memcpy(last, line, sizeof last);
        }
    }
    const char *text = meaning >= 0 ? meanings[meaning].text : NULL;
    *ret_fault =
        (struct logind_fault){.code = meaning >= 0 ? meanings[meaning].code : WMS_E_UNREACHABLE,
                              .text = ret_fault->buffer};
    if (ret_fault->code == WMS_E_UNTRUSTED && has(words, length, "IDENTIFICATION HAS CHANGED")) {
        text = KEY_CHANGED;
        find_fingerprint(words, length, fingerprint);
    }
    if (!*last) {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer, "ssh ended without a word");
    } else if (text) {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer, "%s%s (%s)", text, fingerprint, last);
    } else {
        snprintf(ret_fault->buffer, sizeof ret_fault->buffer, "%s%s",
                 strncmp(last, "ssh: ", 5) == 0 ? "" : "ssh: ", last);
    }
    return meaning >= 0;
}
