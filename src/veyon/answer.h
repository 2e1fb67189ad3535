/* SPDX-License-Identifier: MIT */
/* answer.h - the formats of Veyon's WebAPI.  Nothing here knows of hosts, or needs the engine. */
#ifndef WMS_VEYON_ANSWER_H
#define WMS_VEYON_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VEYON_UID = 37,   /* size of a UUID in text, with its NUL */
    VEYON_NAME = 256, /* size of a user's or a machine's name, with its NUL */
    VEYON_COMPLAINT = 160
};

/* The `code` of an error; another number is one that we do not know. */
enum veyon_error {
    VEYON_NO_ERROR = 0,
    VEYON_INVALID_DATA = 1,
    VEYON_INVALID_CONNECTION = 2,
    VEYON_INVALID_FEATURE = 3,
    VEYON_INVALID_CREDENTIALS = 4,
    VEYON_OTHER_METHOD = 5,
    VEYON_REFUSED = 6,
    VEYON_FULL = 7,
    VEYON_SILENT = 8,
    VEYON_BAD_FORMAT = 9,
    VEYON_NO_PICTURE = 10,
    VEYON_ENCODING = 11,
    VEYON_OTHER_VERSION = 12
};

struct veyon_person {
    char login[VEYON_NAME]; /* "": nobody, or it is not known */
};

struct veyon_machine {
    int64_t session; /* its number, or -1: not known */
    int64_t uptime;  /* of the session, in seconds */
    char computer[VEYON_NAME], client[VEYON_NAME];
};

/* Each reads one answer; false: it has not the form that it should have, or there is no memory for
 * it.  Names that are not UTF-8, too long, or that hold control characters are no names. */
bool veyon_read_person(const char *data, size_t size, struct veyon_person *ret_person);
bool veyon_read_machine(const char *data, size_t size, struct veyon_machine *ret_machine);
bool veyon_read_active(const char *data, size_t size, bool *ret_active);
bool veyon_read_uid(const char *data, size_t size, char ret_uid[VEYON_UID]);
bool veyon_read_done(const char *data, size_t size); /* an object, whatever is in it */
/* Whether Veyon answers at a host; one of which nothing is known does not. */
bool veyon_read_online(const char *data, size_t size);
/* Of an error: its code, and its message with '?' for what is not printable ASCII. */
bool veyon_read_error(const char *data, size_t size, int *ret_code,
                      char ret_message[VEYON_COMPLAINT]);

/* Whether the small picture (BMP of 16x10 pixels, 24 bits) is that of a locked screen: grey of
 * #404040 but for the padlock in its middle.  False: it is no such picture. */
bool veyon_read_lock(const char *data, size_t size, bool *ret_locked);

#endif
