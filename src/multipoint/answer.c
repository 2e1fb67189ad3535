/* SPDX-License-Identifier: MIT */
/* answer.c - parses the text of an answer into a tree.
 *
 * libxml2 parses it in SAX mode, and the tree is built here: so its depth and the number of its
 * elements are limited, there are no DTDs, no entities and no network, and passwords are only in
 * memory that is wiped. libxml2 gets the text in parts that scan.c has checked, so that no part
 * takes long.
 */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "multipoint.h"

#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define INSTANCE   "http://www.w3.org/2001/XMLSchema-instance"

/* How many elements and attributes ("items") an answer may have.  In the answers of the schema an
 * item has at least 16 bytes of text.  An item takes up to 250 bytes of memory, here and in the
 * result, and its text up to twice its length.  With these limits the memory for an answer stays
 * below four times the maximum length of answers; and a certificate with one element for each byte
 * is still accepted. */
enum {
    LEAST_PER_ITEM = 12,
    LIMIT_PER_ITEM = 110,
    ITEMS_MIN = 16384,
    NAMES_KEPT = 512,
    SPACES_MAX = 64
};

enum { LONG = 524288 }; /* a longer text is moved to the arena, not copied */

/* The state of parsing. */
struct multipoint_reader {
    struct multipoint_answer *answer;
    const struct multipoint_memory *memory;
    struct multipoint_answer own; /* what `answer` points to if the answer is parsed in parts */
    const char *data;
    size_t size, fed; /* `fed`: how much libxml2 has got */
    struct multipoint_scan scan;
    struct multipoint_element *open[MULTIPOINT_DEPTH], *last[MULTIPOINT_DEPTH];
    unsigned char spaces[MULTIPOINT_DEPTH]; /* how many namespaces each open element declares */
    struct multipoint_element *root;
    unsigned depth, space_count;
    size_t left; /* how many elements and attributes may still come */
    struct multipoint_text text;
    bool exhausted; /* libxml2 has run out of memory */
};

/* ---- what libxml2 tells ---------------------------------------------------------------------- */

static void stop(struct multipoint_reader *reader, const char *problem)
{
    if (!reader->answer->problem) {
        reader->answer->problem = problem;
    }
    xmlStopParser(reader->answer->parser);
}

/* Wiped even if it stood between two elements, where it is ignored: it may be secret. */
static void drop_text(struct multipoint_reader *reader)
{
    if (reader->text.data) {
        explicit_bzero(reader->text.data, reader->text.length);
    }
    reader->text.length = 0;
}

static const char out_of_memory[] = "out of memory";

static bool is_nil(int count, const xmlChar **attributes)
{
    for (int i = 0; i < count;
         i++, attributes += 5) { /* name, prefix, namespace, begin and end of the value */
        const char *value = (const char *) attributes[3];
        size_t length = (size_t) (attributes[4] - attributes[3]);
        if (strcmp((const char *) attributes[0], "nil") == 0 && attributes[2] &&
            strcmp((const char *) attributes[2], INSTANCE) == 0) {
            return (length == 4 && memcmp(value, "true", 4) == 0) || (length == 1 && *value == '1');
        }
    }
    return false;
}

/* Counts an element against the limits.  Returns why it is refused, or NULL. */
static const char *count(struct multipoint_reader *reader, size_t items, unsigned spaces)
{
    if (reader->depth == MULTIPOINT_DEPTH) {
        return "its elements are nested too deeply";
    }
    if (reader->left < items) {
        return "it has too many elements or attributes";
    }
    if (reader->space_count + spaces >
        SPACES_MAX) { /* libxml2 searches all of them for each prefix */
        return "it has too many namespaces";
    }
    reader->left -= items;
    reader->space_count += spaces;
    reader->spaces[reader->depth] = (unsigned char) spaces;
    return NULL;
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *space,
                     int space_count, const xmlChar **spaces, int attribute_count, int defaulted,
                     const xmlChar **attributes)
{
    struct multipoint_reader *reader = data;
    const char *problem =
        count(reader, 1 + (size_t) attribute_count + (size_t) space_count, (unsigned) space_count);
    (void) prefix;
    (void) spaces;
    (void) defaulted;

    if (problem) {
        stop(reader, problem);
        return;
    }
    struct multipoint_element *element = multipoint_room(&reader->answer->arena, sizeof *element);
    if (!element) {
        stop(reader, out_of_memory);
        return;
    }
    static char empty[1];
    *element = (struct multipoint_element){
        .name = (const char *) name,
        .space = space ? (const char *) space : "",
        .text = empty,
        .nil = is_nil(attribute_count, attributes),
    };
    if (reader->depth == 0) {
        reader->root = element;
    } else if (reader->last[reader->depth - 1]) {
        reader->last[reader->depth - 1]->next = element;
    } else {
        reader->open[reader->depth - 1]->first = element;
    }
    if (reader->depth > 0) {
        reader->last[reader->depth - 1] = element;
    }
    reader->open[reader->depth] = element;
    reader->last[reader->depth] = NULL;
    reader->depth++;
    drop_text(reader);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *space)
{
    struct multipoint_reader *reader = data;
    (void) name;
    (void) prefix;
    (void) space;

    if (reader->depth == 0) {
        return;
    }
    struct multipoint_element *element = reader->open[--reader->depth];
    reader->space_count -= reader->spaces[reader->depth];
    if (!element->first && reader->text.length > 0) {
        struct multipoint_arena *arena = &reader->answer->arena;
        size_t length = reader->text.length;
        char *text = length > LONG ? multipoint_room_take(arena, &reader->text) : NULL;
        bool copy = !text;
        text = copy ? multipoint_room_raw(arena, length + 1) : text;
        if (!text) {
            stop(reader, out_of_memory);
            return;
        }
        if (copy) {
            memcpy(text, reader->text.data, length);
            text[length] = '\0';
        }
        element->text = text;
        element->length = length;
    }
    drop_text(reader);
}

static void on_text(void *data, const xmlChar *text, int length)
{
    struct multipoint_reader *reader = data;

    multipoint_text_expect(&reader->text, (size_t) length,
                           reader->text.length + (reader->size - reader->fed));
    multipoint_text_add(&reader->text, (const char *) text, (size_t) length);
    if (reader->text.failed) {
        stop(reader, out_of_memory);
    }
}

static void on_dtd(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void) name;
    (void) external;
    (void) system;
    stop(data, "it has a document type");
}

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_complaint;
#else
typedef xmlErrorPtr xml_complaint;
#endif

/* Libxml2 goes on after some cases of memory running out, and does not keep each of them in the
 * parser's errNo: so they are noted here. */
static void on_error(void *data, xml_complaint complaint)
{
    struct multipoint_reader *reader = data;

    reader->exhausted = reader->exhausted || complaint->code == XML_ERR_NO_MEMORY;
}

/* ---- the envelope ---------------------------------------------------------------------------- */

static bool is(const struct multipoint_element *element, const char *space, const char *name)
{
    return element && strcmp(element->name, name) == 0 && strcmp(element->space, space) == 0;
}

const struct multipoint_element *multipoint_child(const struct multipoint_element *parent,
                                                  const char *name, size_t length)
{
    for (const struct multipoint_element *child = parent->first; child; child = child->next) {
        if (strncmp(child->name, name, length) == 0 && !child->name[length]) {
            return child;
        }
    }
    return NULL;
}

const struct multipoint_element *multipoint_descendant(const struct multipoint_element *parent,
                                                       const char *name)
{
    for (const struct multipoint_element *child = parent->first; child; child = child->next) {
        const struct multipoint_element *found =
            strcmp(child->name, name) == 0 ? child : multipoint_descendant(child, name);
        if (found) {
            return found;
        }
    }
    return NULL;
}

bool multipoint_number(const char *text, uint64_t most, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        unsigned digit = (unsigned char) *text - (unsigned) '0';
        if (digit > 9 || number > (most - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

const char *multipoint_word(const struct multipoint_element *element, char *buffer, size_t size)
{
    const char *text = element->text + strspn(element->text, " \t\r\n");
    size_t length = strcspn(text, " \t\r\n");

    if (length >= size || text[length + strspn(text + length, " \t\r\n")]) {
        return "";
    }
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return buffer;
}

/* As multipoint_word(), in the answer's arena.  NULL: out of memory. */
static const char *word_of(struct multipoint_answer *answer,
                           const struct multipoint_element *element)
{
    char *room = multipoint_room(&answer->arena, element->length + 1);

    return room ? multipoint_word(element, room, element->length + 1) : NULL;
}

static const char *open_envelope(struct multipoint_answer *answer,
                                 const struct multipoint_element *root)
{
    answer->old = is(root, MULTIPOINT_SOAP_11, "Envelope");
    const char *soap = answer->old ? MULTIPOINT_SOAP_11 : MULTIPOINT_SOAP_12;
    if (!is(root, soap, "Envelope")) {
        return "it is no SOAP 1.2 envelope";
    }
    const struct multipoint_element *header = root->first;
    const struct multipoint_element *body = is(header, soap, "Header") ? header->next : header;
    if (!is(body, soap, "Body") || body->next || !body->first || body->first->next) {
        return "its envelope has not one body with one element";
    }
    for (const struct multipoint_element *one = body == header ? NULL : header->first; one;
         one = one->next) {
        const char **place = is(one, ADDRESSING, "Action")      ? &answer->action
                             : is(one, ADDRESSING, "RelatesTo") ? &answer->relates
                             : is(one, ADDRESSING, "MessageID") ? &answer->message_id
                                                                : NULL;
        if (place && *place) {
            return "it has two headers of one kind";
        }
        if (place && !(*place = word_of(answer, one))) {
            return out_of_memory;
        }
    }
    answer->body = body->first;
    answer->fault = is(body->first, soap, "Fault") ? body->first : NULL;
    return NULL;
}

/* ---- the parser ------------------------------------------------------------------------------ */

static xmlParserCtxt *new_parser(void)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();

    if (parser) {
        memset(parser->sax, 0,
               sizeof *parser->sax); /* without error handlers either: the default ones print */
        parser->sax->initialized = XML_SAX2_MAGIC;
        parser->sax->startElementNs = on_start;
        parser->sax->endElementNs = on_end;
        parser->sax->characters = on_text;
        parser->sax->cdataBlock = on_text;
        parser->sax->ignorableWhitespace = on_text;
        parser->sax->internalSubset = on_dtd;
    }
    return parser;
}

static bool open_parser(struct multipoint_reader *reader)
{
    xmlParserCtxt *parser = reader->answer->parser ? reader->answer->parser : new_parser();

    reader->answer->parser = parser;
    if (!parser || xmlCtxtResetPush(parser, NULL, 0, NULL, NULL) != 0) { /* the names stay */
        return false;
    }
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                  XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC);
    parser->userData = reader;
    return true;
}

/* Gives the text up to `end` to libxml2. */
static void feed(struct multipoint_reader *reader, size_t end)
{
    if (reader->fed == 0 && !open_parser(reader)) {
        reader->exhausted = true;
        return;
    }
    xmlParserCtxt *parser = reader->answer->parser;
    xmlParseChunk(parser, reader->data + reader->fed, (int) (end - reader->fed),
                  end == reader->size);
    reader->fed = end;
    bool good =
        parser->wellFormed && parser->errNo == XML_ERR_OK && (reader->root || end < reader->size);
    if (parser->errNo == XML_ERR_NO_MEMORY) {
        reader->exhausted = true;
    } else if (!reader->answer->problem && !good) {
        reader->answer->problem = "it is no well-formed XML";
    }
}

/* Libxml2 prints errors that belong to no parser, unless the thread has an error function. There is
 * one for each thread, and the program may have set it: so it is restored. */
static void feed_silently(struct multipoint_reader *reader, size_t end)
{
    xmlStructuredErrorFunc theirs = xmlStructuredError;
    void *data = xmlStructuredErrorContext;

    xmlSetStructuredErrorFunc(reader, on_error);
    feed(reader, end);
    xmlSetStructuredErrorFunc(data, theirs);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void begin(struct multipoint_reader *reader, struct multipoint_answer *answer,
                  const struct multipoint_memory *memory, const char *text, size_t size,
                  size_t limit)
{
    size_t most = limit / LIMIT_PER_ITEM > ITEMS_MIN ? limit / LIMIT_PER_ITEM : ITEMS_MIN,
           items = size / LEAST_PER_ITEM;
    size_t mark = size > 3 && size <= INT32_MAX && memcmp(text, "\xEF\xBB\xBF", 3) == 0
                      ? 3
                      : 0; /* a byte order mark */
    void *parser = answer->parser;

    *reader = (struct multipoint_reader){
        .answer = answer,
        .memory = memory,
        .data = mark ? text + mark : text, /* which may be NULL here */
        .size = size - mark,
        .left = (items < most ? items : most) + MULTIPOINT_DEPTH,
        .text = {.memory = memory},
    };
    *answer = (struct multipoint_answer){
        .arena = {.memory = memory},
        .parser = parser}; /* last, since `answer` may point into the reader */
    if (size == 0 || size > INT32_MAX) {
        answer->problem = size ? "it is too large" : "it is empty";
    }
}

bool multipoint_reader_step(struct multipoint_reader *reader)
{
    struct multipoint_answer *answer = reader->answer;
    size_t left = reader->size - reader->scan.at, cut = 0;

    if (!answer->problem) {
        size_t end = reader->scan.at + (left < MULTIPOINT_PART ? left : MULTIPOINT_PART);
        answer->problem = multipoint_scan(&reader->scan, reader->data, reader->size, end, &cut);
    }
    /* For other encodings, libxml2 would load the converter that the text names. */
    if (!answer->problem &&
        multipoint_xml_span(reader->data + reader->fed, cut - reader->fed) < cut - reader->fed) {
        answer->problem = "it has what is no UTF-8, or no character of XML";
    }
    if (!answer->problem && (cut > reader->fed || cut == reader->size)) { /* else a tag goes on */
        feed_silently(reader, cut);
    }
    bool more = !answer->problem && !reader->exhausted && reader->fed < reader->size;
    if (!more) {
        multipoint_text_free(&reader->text);
    }
    return more;
}

static int finish(struct multipoint_reader *reader)
{
    struct multipoint_answer *answer = reader->answer;

    if (!reader->exhausted && !answer->problem) {
        answer->problem = open_envelope(answer, reader->root);
    }
    if (reader->exhausted || answer->problem == out_of_memory) {
        return WMS_E_NO_MEMORY;
    }
    return answer->problem ? WMS_E_PROTOCOL : 0;
}

int multipoint_answer_read(struct multipoint_answer *answer, const struct multipoint_memory *memory,
                           const char *text, size_t size, size_t limit)
{
    struct multipoint_reader reader;

    begin(&reader, answer, memory, text, size, limit);
    for (bool more = true; more;) {
        more = multipoint_reader_step(&reader);
    }
    return finish(&reader);
}

struct multipoint_reader *multipoint_reader_new(const struct multipoint_memory *memory,
                                                const char *text, size_t size, size_t limit)
{
    struct multipoint_reader *reader = multipoint_alloc(memory, sizeof *reader);

    if (reader) {
        begin(reader, &reader->own, memory, text, size, limit);
        reader->answer = &reader->own;
    }
    return reader;
}

int multipoint_reader_take(struct multipoint_reader *reader, struct multipoint_answer *ret_answer)
{
    int error = finish(reader);

    *ret_answer = reader->own;
    reader->own = (struct multipoint_answer){.arena = {.memory = reader->memory}};
    return error;
}

void multipoint_reader_free(struct multipoint_reader *reader)
{
    if (reader) {
        const struct multipoint_memory *memory = reader->memory;
        multipoint_parser_free(multipoint_answer_end(&reader->own));
        multipoint_text_free(&reader->text);
        multipoint_free_secret(memory, reader, sizeof *reader);
    }
}

void *multipoint_answer_end(struct multipoint_answer *answer)
{
    xmlParserCtxt *parser = answer->parser;
    bool good = parser && !answer->problem && parser->wellFormed && parser->errNo == XML_ERR_OK &&
                xmlDictSize(parser->dict) < NAMES_KEPT;

    if (!good) {
        xmlFreeParserCtxt(parser);
    } else if (parser->input) { /* it has parsed something */
        xmlCtxtReset(parser);   /* frees the text, and keeps the dictionary of names */
    }
    answer->parser = NULL;
    multipoint_arena_free(&answer->arena);
    return good ? parser : NULL;
}

void multipoint_parser_free(void *parser)
{
    xmlFreeParserCtxt(parser);
}
