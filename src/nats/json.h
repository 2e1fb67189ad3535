/* SPDX-License-Identifier: MIT */
/* json.h - JSON, written into one growing text, and read in one go without a tree: what is read
 * goes right into structs.
 *
 * Memory is the engine's, which a library for JSON with an allocator for the whole process could
 * not promise. */
#ifndef WMS_NATS_JSON_H
#define WMS_NATS_JSON_H

#include "nats/message.h"

/* ---- writing --------------------------------------------------------------------------------- */

void json_put(struct nats_text *text, const char *word); /* as it is */
/* What is not UTF-8 becomes U+FFFD. */
void json_put_string(struct nats_text *text, const char *string);
void json_put_natural(struct nats_text *text, uint64_t number);
void json_put_integer(struct nats_text *text, int64_t number);
/* A number of seconds, as microseconds tell it; 0 to 9e9. */
void json_put_seconds(struct nats_text *text, double seconds);

/* ---- reading --------------------------------------------------------------------------------- */

/* What is being read.  Every function returns 0, or PROTOCOL, and then `complaint` is set, or
 * NO_MEMORY. */
struct json {
    const unsigned char *at, *end;
    char *texts; /* where strings go: with room for one byte more than is left to be read */
    unsigned depth;
    const char *complaint;
    struct nats_reader *reader;
};

int json_fail(struct json *json, const char *complaint); /* PROTOCOL */
/* The next thing is a null, which is read then. */
bool json_take_null(struct json *json);
/* Reads a string; it ends with NUL and has none inside. */
int json_string(struct json *json, const char **ret_string);
int json_boolean(struct json *json, bool *ret_boolean);
int json_natural(struct json *json, uint64_t most, uint64_t *ret_number);
int json_integer(struct json *json, int64_t *ret_number);
int json_number(struct json *json, double *ret_number);
/* Whatever it is. */
int json_skip(struct json *json);
/* The first character of what comes next, or '\0'. */
char json_peek(struct json *json);

/* Reads a list: json_open(json, '['), then json_more() before each item, which sets *more to false
 * when the list has ended.  `first` is for json_more() alone, true at first. */
int json_open(struct json *json, char bracket);
int json_more(struct json *json, char bracket, bool *first, bool *more);

/* How the value of a field is read, into the struct at the field's offset.  A null is as if the
 * field was not there. */
enum json_kind {
    JSON_TEXT,      /* const char * */
    JSON_FLAG,      /* bool */
    JSON_KNOWN,     /* signed char: 0, 1; from a boolean */
    JSON_SECONDS,   /* double, not negative, at most 9e9 */
    JSON_NATURAL,   /* uint64_t */
    JSON_COUNT,     /* unsigned */
    JSON_INTEGER,   /* int64_t */
    JSON_OF_ITS_OWN /* by `read` */
};

struct json_field {
    const char *name;
    unsigned char size; /* of the name */
    unsigned char kind;
    unsigned short offset;
    int (*read)(struct json *json, void *object);
};

#define JSON_FIELD(type, member, name, kind) \
    { \
        name, sizeof(name) - 1, kind, offsetof(type, member), NULL \
    }
#define JSON_READ(name, read) \
    { \
        name, sizeof(name) - 1, JSON_OF_ITS_OWN, 0, read \
    }
#define JSON_FIELDS(fields) (fields), sizeof(fields) / sizeof *(fields)

/* Reads an object; fields that are not known are left out.  *ret_seen: a bit for each field that
 * was there, not null; at most 64 are known.  A field that is there twice: PROTOCOL. */
int json_object(struct json *json, const struct json_field *fields, size_t count, void *object,
                uint64_t *ret_seen);

#endif
