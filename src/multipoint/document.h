/* SPDX-License-Identifier: MIT */
/* document.h - what is said and read: texts, XML, operations, values.  Nothing here knows a host.
 *
 *     text.c         strings that grow, and leave nothing behind
 *     arena.c        room for many small things that go all at once
 *     operations.c   the table of the protocol's operations
 *     head.c         HTTP's lines around an answer
 *     scan.c         what of an answer the parser may see
 *     answer.c       the text of an answer, as a tree
 *     values.c       arguments and results, between that text and wms_value
 */
#ifndef WMS_MULTIPOINT_DOCUMENT_H
#define WMS_MULTIPOINT_DOCUMENT_H

#include <stddef.h>
#include <string.h>
#include <time.h>

#include <wms/provider.h>

enum {
    MULTIPOINT_IN_FLIGHT = 100, /* ops of a host: its connections are shared in turn */
    MULTIPOINT_DEPTH = 32,      /* of an answer's elements */
    MULTIPOINT_HTTP_PORT = 80,  /* of the plain certificate request: [MS-RSMC] 2.1 */
    MULTIPOINT_HTTPS_PORT = 443,
    MULTIPOINT_ID = 46,   /* of a message, "urn:uuid:..." */
    MULTIPOINT_STAMP = 24 /* a time in a message */
};

#define MULTIPOINT_SPACE   "http://MultiPoint"
#define MULTIPOINT_SOAP_11 "http://schemas.xmlsoap.org/soap/envelope/"
#define MULTIPOINT_SOAP_12 "http://www.w3.org/2003/05/soap-envelope"

/* ---- text.c ---------------------------------------------------------------------------------- */

/* Where memory comes from. */
struct multipoint_memory {
    const struct wms_services *services;
    wms_engine *engine;
};

void *multipoint_alloc(const struct multipoint_memory *memory,
                       size_t size); /* zeroed; NULL: out of memory */
void *multipoint_free(const struct multipoint_memory *memory, void *block); /* returns NULL */
/* As the two above, for what may be secret: wiped before it goes. */
void *multipoint_free_secret(const struct multipoint_memory *memory, void *block, size_t size);
char *multipoint_copy(const struct multipoint_memory *memory, const char *text);
char *multipoint_free_text(const struct multipoint_memory *memory, char *text);

/* A string that grows.  When memory ran out once, it is `failed`, and takes nothing any more. */
struct multipoint_text {
    const struct multipoint_memory *memory;
    char *data; /* no NUL behind it */
    size_t length, size;
    bool failed;
};

void multipoint_text_add(struct multipoint_text *text, const char *data, size_t length);
/* Before `more` of what may become that long: to copy megabytes as they grow keeps others waiting.
 */
void multipoint_text_expect(struct multipoint_text *text, size_t more, size_t most);
void multipoint_text_puts(struct multipoint_text *text, const char *string);
void multipoint_text_printf(struct multipoint_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As the content of an XML element. */
void multipoint_text_escape(struct multipoint_text *text, const char *data, size_t length);
void multipoint_text_clear(struct multipoint_text *text); /* wiped; keeps its memory */
void multipoint_text_free(struct multipoint_text *text);

/* How many bytes from the beginning on an XML 1.0 document can hold: UTF-8, and of the control
 * characters only tab, line feed and carriage return. */
size_t multipoint_xml_span(const char *data, size_t length);
/* What is there instead, if the span is shorter: "the control character 0x01 at byte 2, which XML
 * cannot carry". */
void multipoint_xml_problem(const char *data, size_t length, size_t span, char *buffer,
                            size_t size);

/* ---- arena.c --------------------------------------------------------------------------------- */

/* Room for many small things that go, wiped, all at once. */
struct multipoint_arena {
    const struct multipoint_memory *memory;
    void *blocks;
};

void *multipoint_room(struct multipoint_arena *arena,
                      size_t size); /* zeroed; NULL: out of memory */
void *multipoint_room_raw(struct multipoint_arena *arena,
                          size_t size); /* likewise, for what is written at once */
/* The text becomes the arena's, with a NUL behind it, and is a new one.  NULL: it is to be copied.
 */
char *multipoint_room_take(struct multipoint_arena *arena, struct multipoint_text *text);
void multipoint_arena_free(struct multipoint_arena *arena);
/* About so many bytes of it.  True: there are more. */
bool multipoint_arena_trim(struct multipoint_arena *arena, size_t most);
void multipoint_arena_give(struct multipoint_arena *from,
                           struct multipoint_arena *to); /* of the same memory */

/* ---- operations.c ---------------------------------------------------------------------------- */

enum multipoint_credentials {
    MULTIPOINT_ANYBODY,
    MULTIPOINT_ADMIN,
    MULTIPOINT_CONTROL,
    MULTIPOINT_MANAGEMENT
};

struct multipoint_operation {
    const char *interface_name, *name;
    enum multipoint_credentials credentials;
    const char *in, *out; /* fields, in the order of the schema: see multipoint_field_next() */
};

extern const struct multipoint_operation multipoint_operations[];
extern const size_t multipoint_operation_count;

/* NULL: there is none. */
const struct multipoint_operation *multipoint_operation_find(const char *interface_name,
                                                             const char *name);
/* The operation that may have been meant: the same in other letters, or the interface's first.
 * NULL: no such interface. */
const char *multipoint_operation_like(const char *interface_name, const char *name);

enum multipoint_type {
    MULTIPOINT_STRING = 's',
    MULTIPOINT_BOOLEAN = 'b',
    MULTIPOINT_INT = 'i',   /* 32 bits */
    MULTIPOINT_UINT = 'u',  /* 32 bits */
    MULTIPOINT_ULONG = 'U', /* 64 bits */
    MULTIPOINT_BYTES = 'B', /* an element a byte */
    MULTIPOINT_BASE64 = 'x',
    MULTIPOINT_STRINGS = 'S', /* a list */
    MULTIPOINT_SESSIONS = 'I',
    MULTIPOINT_USERS = 'W',
    MULTIPOINT_APPS = 'A'
};

struct multipoint_field {
    const char *name;
    size_t length;
    const char *alias; /* another spelling that hosts use, or NULL */
    size_t alias_length;
    enum multipoint_type type;
    bool optional, nillable;
};

/* The next field of *spec, "name:type name|alias:type? name:typen": `?` may be left out, `n` may be
 * nil.  False: the end. */
bool multipoint_field_next(const char **spec, struct multipoint_field *ret_field);

/* ---- head.c ---------------------------------------------------------------------------------- */

enum {
    MULTIPOINT_HEAD_MAX = 65536
}; /* of bytes: interim answers, those of a proxy and trailers are counted too */
extern const char multipoint_long_head[];

/* What is known of them. */
struct multipoint_head {
    size_t size;
    time_t date; /* when the host has answered, by its own clock; 0 or -1: it does not say */
};

/* One more line.  NULL, or why the answer is refused. */
const char *multipoint_head_add(struct multipoint_head *head, const char *line, size_t length);

/* ---- scan.c ---------------------------------------------------------------------------------- */

enum multipoint_scan_state {
    MULTIPOINT_SCAN_TEXT,
    MULTIPOINT_SCAN_TAG, /* or what that will turn out to be */
    MULTIPOINT_SCAN_COMMENT,
    MULTIPOINT_SCAN_CDATA,
    MULTIPOINT_SCAN_INSTRUCTION
};

/* How far a text was looked at: zeroed at first. */
struct multipoint_scan {
    enum multipoint_scan_state state;
    size_t at, begin; /* begin: of what is not text */
    unsigned attributes;
    char quote; /* in a tag: the one that is open, or 0 */
};

/* Looks at the text, which has `size` bytes, up to `end`.  NULL: it may be parsed as far as
 * *ret_cut, which lies between two tags or characters; otherwise why it is refused. */
const char *multipoint_scan(struct multipoint_scan *scan, const char *text, size_t size, size_t end,
                            size_t *ret_cut);

/* ---- answer.c -------------------------------------------------------------------------------- */

/* An answer that is longer is read in parts of about that many bytes, between which the loop turns.
 */
#ifndef MULTIPOINT_PART
#define MULTIPOINT_PART 65536
#endif

/* An element of an answer. */
struct multipoint_element {
    const char *name, *space; /* local name, and namespace or "" */
    char *text; /* of an element without children; with a NUL behind it.  Base64 is decoded where it
                   stands */
    size_t length;
    struct multipoint_element *first, *next;
    bool nil;
};

struct multipoint_answer {
    void *parser;                           /* owns the names */
    struct multipoint_arena arena;          /* owns the rest */
    const char *action, *relates;           /* of the header, or NULL */
    const struct multipoint_element *body;  /* the one element in it */
    const struct multipoint_element *fault; /* the same, when it is a SOAP fault */
    const char *problem;                    /* why it could not be read */
    bool old;                               /* it is in SOAP 1.1 */
};

/* Takes it apart, with the parser in `answer` if there is one; the text and `memory` have to stay.
 * `limit`: how long it could have been, which decides how much may be in it.  Errors: PROTOCOL
 * (`problem` tells), NO_MEMORY. multipoint_answer_end() in any case. */
int multipoint_answer_read(struct multipoint_answer *answer, const struct multipoint_memory *memory,
                           const char *text, size_t size, size_t limit);

/* The same, a part at a time. */
struct multipoint_reader;
struct multipoint_reader *multipoint_reader_new(const struct multipoint_memory *memory,
                                                const char *text, size_t size,
                                                size_t limit); /* NULL: out of memory */
/* Reads one more part.  False: that was the last one. */
bool multipoint_reader_step(struct multipoint_reader *reader);
/* Hands over what was read, once: as multipoint_answer_read(), but that `ret_answer` may have no
 * parser yet. */
int multipoint_reader_take(struct multipoint_reader *reader, struct multipoint_answer *ret_answer);
void multipoint_reader_free(struct multipoint_reader *reader); /* NULL is allowed */
/* Frees it, but for the parser, which knows the names by now: for the next answer, or for
 * multipoint_parser_free(); or NULL. */
void *multipoint_answer_end(struct multipoint_answer *answer);
void multipoint_parser_free(void *parser);

const struct multipoint_element *multipoint_child(const struct multipoint_element *parent,
                                                  const char *name, size_t length);
/* The first of that name anywhere below. */
const struct multipoint_element *multipoint_descendant(const struct multipoint_element *parent,
                                                       const char *name);
/* Digits alone, up to `most`. */
bool multipoint_number(const char *text, uint64_t most, uint64_t *ret_number);
/* The element's text without the blanks around it, which do not count in numbers and names: XML
 * Schema 2, 4.3.6.  "" when it has blanks in it, or does not fit. */
const char *multipoint_word(const struct multipoint_element *element, char *buffer, size_t size);

/* ---- values.c -------------------------------------------------------------------------------- */

/* Writes the operation's element with its arguments, in the schema's order.  Errors: INVALID, and
 * `complaint` names the argument and the fix.  `out` NULL: only checks. */
int multipoint_arguments(const struct multipoint_operation *operation, const wms_value *arguments,
                         struct multipoint_text *out, char *complaint, size_t size);

/* Reads what the operation's element holds into a WMS_TABLE, which lives as long as the element and
 * the arena.  Errors: PROTOCOL, NO_MEMORY. */
int multipoint_results(const struct multipoint_operation *operation,
                       const struct multipoint_element *element, struct multipoint_arena *arena,
                       wms_value *ret_table);

/* ---- values in C ----------------------------------------------------------------------------- */

/* The field of that name and kind of a table, or NULL. */
const wms_value *multipoint_value(const wms_value *table, const char *name, enum wms_kind kind);

static inline wms_value multipoint_natural(const char *name, uint64_t number)
{
    return (wms_value){.kind = WMS_NATURAL, .name = name, .natural = number};
}

static inline wms_value multipoint_string(const char *name, const char *text, size_t size)
{
    return (wms_value){.kind = WMS_STRING, .name = name, .text = text, .size = size};
}

static inline wms_value multipoint_table(const wms_value *items, size_t count)
{
    return (wms_value){.kind = WMS_TABLE, .items = items, .size = count};
}

#endif
