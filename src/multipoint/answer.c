/* answer.c - the text of an answer, as a tree.
 *
 * libxml2 reads it, and hands over each element as it comes: so nothing is built that is deeper or has more elements than
 * we want, there are no DTDs, no entities and no network, and what is left of a password is in memory of ours.
 */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "multipoint.h"

#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define INSTANCE   "http://www.w3.org/2001/XMLSchema-instance"

enum { LEAST_PER_ELEMENT = 16, NAMES_KEPT = 512 };

/* What is known while it is read. */
struct reader {
    struct multipoint_answer *answer;
    struct multipoint_element *open[MULTIPOINT_DEPTH], *last[MULTIPOINT_DEPTH];
    struct multipoint_element *root;
    unsigned depth;
    size_t left; /* elements that may still come */
    struct multipoint_text text;
    bool exhausted; /* libxml2 has had no memory for something */
};

/* ---- what libxml2 tells ------------------------------------------------------------------------------------------ */

static void stop(struct reader *reader, const char *problem)
{
    if (!reader->answer->problem) {
        reader->answer->problem = problem;
    }
    xmlStopParser(reader->answer->parser);
}

/* Between two elements, too, where it belongs to none: it may be anything. */
static void drop_text(struct reader *reader)
{
    if (reader->text.data) {
        explicit_bzero(reader->text.data, reader->text.length);
    }
    reader->text.length = 0;
}

static const char out_of_memory[] = "out of memory";

static bool is_nil(int count, const xmlChar **attributes)
{
    for (int i = 0; i < count; i++, attributes += 5) { /* name, prefix, namespace, begin and end of the value */
        const char *value = (const char *) attributes[3];
        size_t length = (size_t) (attributes[4] - attributes[3]);
        if (strcmp((const char *) attributes[0], "nil") == 0 && attributes[2] &&
            strcmp((const char *) attributes[2], INSTANCE) == 0) {
            return (length == 4 && memcmp(value, "true", 4) == 0) || (length == 1 && *value == '1');
        }
    }
    return false;
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *space, int space_count,
                     const xmlChar **spaces, int count, int defaulted, const xmlChar **attributes)
{
    struct reader *reader = data;
    (void) prefix;
    (void) space_count;
    (void) spaces;
    (void) defaulted;

    if (reader->depth == MULTIPOINT_DEPTH || reader->left == 0) {
        stop(reader, reader->left ? "its elements are nested too deeply" : "it has too many elements");
        return;
    }
    struct multipoint_element *element = multipoint_room(&reader->answer->arena, sizeof *element);
    if (!element) {
        stop(reader, out_of_memory);
        return;
    }
    *element = (struct multipoint_element){
        .name = (const char *) name,
        .space = space ? (const char *) space : "",
        .text = "",
        .nil = is_nil(count, attributes),
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
    reader->left--;
    drop_text(reader);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *space)
{
    struct reader *reader = data;
    (void) name;
    (void) prefix;
    (void) space;

    if (reader->depth == 0) {
        return;
    }
    struct multipoint_element *element = reader->open[--reader->depth];
    if (!element->first && reader->text.length > 0) {
        char *text = multipoint_room(&reader->answer->arena, reader->text.length + 1);
        if (!text) {
            stop(reader, out_of_memory);
            return;
        }
        memcpy(text, reader->text.data, reader->text.length);
        text[reader->text.length] = '\0';
        element->text = text;
        element->length = reader->text.length;
    }
    drop_text(reader);
}

static void on_text(void *data, const xmlChar *text, int length)
{
    struct reader *reader = data;

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

/* It does not end with every one of them, nor is each kept in the parser. */
static void on_error(void *data, xml_complaint complaint)
{
    struct reader *reader = data;

    reader->exhausted = reader->exhausted || complaint->code == XML_ERR_NO_MEMORY;
}

/* ---- the envelope ------------------------------------------------------------------------------------------------ */

static bool is(const struct multipoint_element *element, const char *space, const char *name)
{
    return element && strcmp(element->name, name) == 0 && strcmp(element->space, space) == 0;
}

const struct multipoint_element *multipoint_child(const struct multipoint_element *parent, const char *name, size_t length)
{
    for (const struct multipoint_element *child = parent->first; child; child = child->next) {
        if (strncmp(child->name, name, length) == 0 && !child->name[length]) {
            return child;
        }
    }
    return NULL;
}

const struct multipoint_element *multipoint_descendant(const struct multipoint_element *parent, const char *name)
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

static const char *open_envelope(struct multipoint_answer *answer, const struct multipoint_element *root)
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
    for (const struct multipoint_element *one = body == header ? NULL : header->first; one; one = one->next) {
        const char **place = is(one, ADDRESSING, "Action")      ? &answer->action
                             : is(one, ADDRESSING, "RelatesTo") ? &answer->relates
                                                                : NULL;
        if (place && *place) {
            return "it has two headers of one kind";
        }
        if (place) {
            *place = one->text;
        }
    }
    answer->body = body->first;
    answer->fault = is(body->first, soap, "Fault") ? body->first : NULL;
    return NULL;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static xmlParserCtxt *new_parser(void)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();

    if (parser) {
        memset(parser->sax, 0, sizeof *parser->sax); /* no error handlers either: they would print */
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

/* As xmlCtxtReadMemory(), for a document that is all there: else libxml2 asks for more of it near its end at each step. */
static bool open_input(xmlParserCtxt *parser, const char *text, int size)
{
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE |
                                  XML_PARSE_IGNORE_ENC);
    /* Not xmlParserInputBufferCreateMem(), which leaks when memory runs out. */
    xmlParserInputBuffer *buffer = xmlAllocParserInputBuffer(XML_CHAR_ENCODING_NONE);
    if (!buffer) {
        return false;
    }
    xmlParserInput *input = xmlParserInputBufferPush(buffer, size, text) < 0
                                ? NULL
                                : xmlNewIOInputStream(parser, buffer, XML_CHAR_ENCODING_NONE);
    if (!input) {
        xmlFreeParserInputBuffer(buffer);
        return false;
    }
    return inputPush(parser, input) >= 0; /* which frees it otherwise */
}

static void parse(struct reader *reader, const char *text, int size)
{
    xmlParserCtxt *parser = reader->answer->parser ? reader->answer->parser : new_parser();

    reader->answer->parser = parser;
    if (parser) {
        parser->userData = reader;
        if (open_input(parser, text, size)) {
            xmlParseDocument(parser);
        } else {
            reader->exhausted = true;
        }
    }
    if (!parser || parser->errNo == XML_ERR_NO_MEMORY) {
        reader->exhausted = true;
    } else if (!reader->answer->problem && (!parser->wellFormed || parser->errNo != XML_ERR_OK || !reader->root)) {
        reader->answer->problem = "it is no well-formed XML";
    }
    multipoint_text_free(&reader->text);
}

/* What libxml2 complains of without a parser, it would print; it has one such function for each thread, which may be the
 * program's. */
static void parse_silently(struct reader *reader, const char *text, int size)
{
    xmlStructuredErrorFunc theirs = xmlStructuredError;
    void *data = xmlStructuredErrorContext;

    xmlSetStructuredErrorFunc(reader, on_error);
    parse(reader, text, size);
    xmlSetStructuredErrorFunc(data, theirs);
}

int multipoint_answer_read(struct multipoint_answer *answer, const struct multipoint_memory *memory, const char *text,
                           size_t size)
{
    struct reader reader = {
        .answer = answer,
        .left = size / LEAST_PER_ELEMENT + MULTIPOINT_DEPTH,
        .text = {.memory = memory},
    };
    *answer = (struct multipoint_answer){.arena = {.memory = memory}, .parser = answer->parser};

    if (size == 0 || size > INT32_MAX) {
        answer->problem = size ? "it is too large" : "it is empty";
    } else if (multipoint_xml_span(text, size) < size) {
        /* For other encodings, libxml2 would load the converter that the text names. */
        answer->problem = "it has what is no UTF-8, or no character of XML";
    } else {
        parse_silently(&reader, text, (int) size);
    }
    if (reader.exhausted || answer->problem == out_of_memory) {
        return WMS_E_NO_MEMORY;
    }
    if (!answer->problem) {
        answer->problem = open_envelope(answer, reader.root);
    }
    return answer->problem ? WMS_E_PROTOCOL : 0;
}

void *multipoint_answer_end(struct multipoint_answer *answer)
{
    xmlParserCtxt *parser = answer->parser;
    bool good = parser && !answer->problem && parser->wellFormed && parser->errNo == XML_ERR_OK &&
                xmlDictSize(parser->dict) < NAMES_KEPT;

    if (!good) {
        xmlFreeParserCtxt(parser);
    } else if (parser->input) { /* it has read something */
        xmlCtxtReset(parser); /* the text goes; the names stay */
    }
    answer->parser = NULL;
    multipoint_arena_free(&answer->arena);
    return good ? parser : NULL;
}

void multipoint_parser_free(void *parser)
{
    xmlFreeParserCtxt(parser);
}
