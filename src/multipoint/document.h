/* SPDX-License-Identifier: MIT */
/* document.h - the formats of the protocol: texts, XML, operations, values.  Nothing here knows of
 * hosts.
 *
 *     text.c         strings that grow, and are wiped when freed
 *     arena.c        allocator of many small blocks that are freed all at once
 *     operations.c   the table of the protocol's operations
 *     head.c         checks the HTTP headers and trailers of an answer
 *     scan.c         checks an answer before the parser sees it
 *     answer.c       parses the text of an answer into a tree
 *     values.c       converts arguments and results between XML and wms_value
 */
#ifndef WMS_MULTIPOINT_DOCUMENT_H
#define WMS_MULTIPOINT_DOCUMENT_H

#include <stddef.h>
#include <string.h>
#include <time.h>

#include <wms/provider.h>

enum {
    MULTIPOINT_IN_FLIGHT = 64, /* ops that a host gets at a time, each of which is a question that
                                  is written already: as many as a host may have connections */
    MULTIPOINT_DEPTH = 32,     /* maximum nesting of an answer's elements */
    MULTIPOINT_HTTP_PORT = 80, /* of the plain certificate request: [MS-RSMC] 2.1 */
    MULTIPOINT_HTTPS_PORT = 443,
    MULTIPOINT_ID = 46,   /* size of a message's id, "urn:uuid:...", with its NUL */
    MULTIPOINT_STAMP = 24 /* size of a time in a message, with its NUL */
};

#define MULTIPOINT_SPACE   "http://MultiPoint"
#define MULTIPOINT_SOAP_11 "http://schemas.xmlsoap.org/soap/envelope/"
#define MULTIPOINT_SOAP_12 "http://www.w3.org/2003/05/soap-envelope"

/* ---- text.c ---------------------------------------------------------------------------------- */

/* The engine's allocator: where all memory comes from. */
struct multipoint_memory {
    const struct wms_services *services;
    wms_engine *engine;
};

void *multipoint_alloc(const struct multipoint_memory *memory,
                       size_t size); /* zeroed; NULL: out of memory */
void *multipoint_free(const struct multipoint_memory *memory, void *block); /* returns NULL */
/* As multipoint_free(), for what may be secret: `size` bytes are wiped before. */
void *multipoint_free_secret(const struct multipoint_memory *memory, void *block, size_t size);
char *multipoint_copy(const struct multipoint_memory *memory, const char *text);
char *multipoint_free_text(const struct multipoint_memory *memory, char *text);

/* A string that grows.  Once memory has run out it is `failed`, and all further additions are
 * ignored. */
struct multipoint_text {
    const struct multipoint_memory *memory;
    char *data; /* not NUL-terminated */
    size_t length, size;
    bool failed;
};

void multipoint_text_add(struct multipoint_text *text, const char *data, size_t length);
/* Called before `more` bytes are added to a text that may grow to `most` bytes: reserves plenty for
 * a long one, since copying megabytes at each growth would block the loop.
 */
void multipoint_text_expect(struct multipoint_text *text, size_t more, size_t most);
void multipoint_text_puts(struct multipoint_text *text, const char *string);
void multipoint_text_printf(struct multipoint_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds it escaped, as the content of an XML element. */
void multipoint_text_escape(struct multipoint_text *text, const char *data, size_t length);
void multipoint_text_clear(struct multipoint_text *text); /* wipes the content; keeps the memory */
void multipoint_text_free(struct multipoint_text *text);

/* Length of the longest beginning that an XML 1.0 document can hold: UTF-8, without control
 * characters other than tab, line feed and carriage return. */
size_t multipoint_xml_span(const char *data, size_t length);
/* What follows the span, if it is shorter than the text, in words: "the control character 0x01 at
 * byte 2, which XML cannot carry". */
void multipoint_xml_problem(const char *data, size_t length, size_t span, char *buffer,
                            size_t size);

/* ---- arena.c --------------------------------------------------------------------------------- */

/* Allocator of many small blocks, which are wiped and freed all at once. */
struct multipoint_arena {
    const struct multipoint_memory *memory;
    void *blocks;
};

void *multipoint_room(struct multipoint_arena *arena,
                      size_t size); /* zeroed; NULL: out of memory */
void *multipoint_room_raw(struct multipoint_arena *arena,
                          size_t size); /* the same, not zeroed: for what is overwritten at once */
/* Moves the text's memory to the arena, NUL-terminated; the text is empty then.  NULL: it was not
 * moved, and has to be copied.
 */
char *multipoint_room_take(struct multipoint_arena *arena, struct multipoint_text *text);
void multipoint_arena_free(struct multipoint_arena *arena);
/* Frees about `most` bytes of it.  True: there are more. */
bool multipoint_arena_trim(struct multipoint_arena *arena, size_t most);
void multipoint_arena_give(
    struct multipoint_arena *from,
    struct multipoint_arena *to); /* moves all blocks; both must have the same `memory` */

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
/* The operation that may have been meant: the one that differs in upper and lower case only, or
 * else the interface's first.  NULL: no such interface. */
const char *multipoint_operation_like(const char *interface_name, const char *name);

enum multipoint_type {
    MULTIPOINT_STRING = 's',
    MULTIPOINT_BOOLEAN = 'b',
    MULTIPOINT_INT = 'i',   /* 32 bits */
    MULTIPOINT_UINT = 'u',  /* 32 bits */
    MULTIPOINT_ULONG = 'U', /* 64 bits */
    MULTIPOINT_BYTES = 'B', /* one element for each byte */
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
}; /* bytes, including interim answers, those of a proxy, and trailers */
extern const char multipoint_long_head[];

/* What is known of an answer's headers. */
struct multipoint_head {
    size_t size;
    time_t
        date; /* when the host answered, by its own clock (the Date header); 0 or -1: not known */
};

/* Takes one more header line.  Returns NULL, or why the answer is refused. */
const char *multipoint_head_add(struct multipoint_head *head, const char *line, size_t length);

/* ---- scan.c ---------------------------------------------------------------------------------- */

enum multipoint_scan_state {
    MULTIPOINT_SCAN_TEXT,
    MULTIPOINT_SCAN_TAG, /* after '<': a tag, or one of the following, not known yet */
    MULTIPOINT_SCAN_COMMENT,
    MULTIPOINT_SCAN_CDATA,
    MULTIPOINT_SCAN_INSTRUCTION
};

/* How far a text has been scanned.  To be zeroed before the first call. */
struct multipoint_scan {
    enum multipoint_scan_state state;
    size_t at, begin; /* `begin`: where the current markup begins, outside of text */
    unsigned attributes;
    char quote; /* in a tag: the quote character that is open, or 0 */
};

/* Scans the text, which has `size` bytes, up to `end`.  Returns NULL, and the text may be parsed up
 * to *ret_cut, which is never inside of markup or of a character; or why the text is refused. */
const char *multipoint_scan(struct multipoint_scan *scan, const char *text, size_t size, size_t end,
                            size_t *ret_cut);

/* ---- answer.c -------------------------------------------------------------------------------- */

/* A longer answer is parsed in parts of about that many bytes, and the loop turns between them.
 */
#ifndef MULTIPOINT_PART
#define MULTIPOINT_PART 65536
#endif

/* An element of an answer. */
struct multipoint_element {
    const char *name, *space; /* local name, and namespace or "" */
    char *text; /* of an element without children; NUL-terminated. Base64 is decoded in place */
    size_t length;
    struct multipoint_element *first, *next;
    bool nil;
};

struct multipoint_answer {
    void *parser;                  /* owns the names */
    struct multipoint_arena arena; /* owns the rest */
    /* The header's Action, RelatesTo and MessageID, or NULL. */
    const char *action, *relates, *message_id;
    const struct multipoint_element *body; /* the only element in the SOAP body */
    const struct multipoint_element
        *fault;          /* the same as `body` if that is a SOAP fault, else NULL */
    const char *problem; /* why it could not be read */
    bool old;            /* it is in SOAP 1.1 */
};

/* Parses the text, with the parser in `answer` if there is one.  The text and `memory` have to live
 * as long as the answer. `limit`: the maximum length of an answer, from which the maximum number of
 * its elements follows.  Errors: PROTOCOL (`problem` says why), NO_MEMORY. multipoint_answer_end()
 * has to be called in any case. */
int multipoint_answer_read(struct multipoint_answer *answer, const struct multipoint_memory *memory,
                           const char *text, size_t size, size_t limit);

/* The same, one part at a time. */
struct multipoint_reader;
struct multipoint_reader *multipoint_reader_new(const struct multipoint_memory *memory,
                                                const char *text, size_t size,
                                                size_t limit); /* NULL: out of memory */
/* Parses one more part.  False: that was the last one. */
bool multipoint_reader_step(struct multipoint_reader *reader);
/* Moves the result to *ret_answer; to be called once.  Errors: as multipoint_answer_read().
 * *ret_answer is overwritten, so it must not hold a parser. */
int multipoint_reader_take(struct multipoint_reader *reader, struct multipoint_answer *ret_answer);
void multipoint_reader_free(struct multipoint_reader *reader); /* NULL is allowed */
/* Frees all but the parser, and returns that (or NULL): to be used for the next answer, since it
 * has the names in its dictionary, or to be given to multipoint_parser_free(). */
void *multipoint_answer_end(struct multipoint_answer *answer);
void multipoint_parser_free(void *parser);

const struct multipoint_element *multipoint_child(const struct multipoint_element *parent,
                                                  const char *name, size_t length);
/* The first element of that name among all descendants, or NULL. */
const struct multipoint_element *multipoint_descendant(const struct multipoint_element *parent,
                                                       const char *name);
/* Reads a decimal number 0..`most`.  False: there is anything but digits, or it is larger. */
bool multipoint_number(const char *text, uint64_t most, uint64_t *ret_number);
/* The element's text without the blanks around it, which have no meaning in numbers and names: XML
 * Schema 2, 4.3.6. "" if there are blanks inside of it, or if it does not fit. */
const char *multipoint_word(const struct multipoint_element *element, char *buffer, size_t size);

/* ---- values.c -------------------------------------------------------------------------------- */

/* Writes the operation's element with its arguments, in the schema's order. `out` NULL: only checks
 * them.  Errors: INVALID; `complaint` names the argument and says what to give instead. */
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
