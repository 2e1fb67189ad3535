/* SPDX-License-Identifier: MIT */
/* values.c - converts arguments and results of operations between XML and wms_value. */
#include <stdio.h>

#include "multipoint.h"

enum { NUMBER = 24 };

/* ---- lists that have a shape ----------------------------------------------------------------- */

/* The name and the fields of the elements of a list. */
static const struct shape {
    enum multipoint_type type;
    const char *item, *fields; /* `fields` NULL: each holds text */
} shapes[] = {
    {MULTIPOINT_STRINGS, "prgData", NULL},
    {MULTIPOINT_SESSIONS, "prgWmsSessionInfoWs",
     "id:U state:u wsUserName:s wsDomain:s wsWinStation:s fIsRail:b"},
    {MULTIPOINT_USERS, "prgWmsSessionInfoWs",
     "wsName:s wsFullName:s wsDescription:s UserType:u"}, /* the schema does use the sessions' name
                                                             here */
    {MULTIPOINT_APPS, "prgWmsRunningAppWs", "wsName:s ProcessId:u WindowId:u CreateTime:U"},
};

static const struct shape *shape_of(enum multipoint_type type)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].type == type) {
            return &shapes[i];
        }
    }
    return NULL;
}

static uint64_t most(enum multipoint_type type)
{
    return type == MULTIPOINT_ULONG ? UINT64_MAX : UINT32_MAX;
}

/* ---- arguments: from values to XML ----------------------------------------------------------- */

/* Where an argument is written to, and where the complaint about a wrong one. */
struct writer {
    struct multipoint_text *out; /* NULL: the argument is only checked */
    char *complaint;
    size_t size;
    const struct multipoint_field *field;
};

static int wrong(const struct writer *writer, const char *what, const char *fix)
{
    snprintf(writer->complaint, writer->size, "arguments.%.*s: %s; give %s",
             (int) writer->field->length, writer->field->name, what, fix);
    return WMS_E_INVALID;
}

static int put(const struct writer *writer, const char *data, size_t length)
{
    if (writer->out) {
        multipoint_text_escape(writer->out, data, length);
    }
    return 0;
}

static int put_number(const struct writer *writer, const wms_value *value)
{
    enum multipoint_type type = writer->field->type;
    bool is_int = type == MULTIPOINT_INT;
    const char *fix = is_int ? "a whole number -2147483648..2147483647"
                      : type == MULTIPOINT_ULONG
                          ? "a whole number 0..18446744073709551615, or a string of its digits"
                          : "a whole number 0..4294967295";
    uint64_t number = value->natural;
    char text[NUMBER];

    if (value->kind == WMS_INTEGER) {
        if (!is_int || value->integer < INT32_MIN) {
            return wrong(writer, "out of range", fix);
        }
        snprintf(text, sizeof text, "%lld", (long long) value->integer);
        return put(writer, text, strlen(text));
    }
    if (value->kind != WMS_NATURAL &&
        !(value->kind == WMS_STRING && strlen(value->text) == value->size &&
          multipoint_number(value->text, UINT64_MAX, &number))) {
        return wrong(writer, "no whole number", fix);
    }
    if (number > (is_int ? INT32_MAX : most(type))) {
        return wrong(writer, "out of range", fix);
    }
    snprintf(text, sizeof text, "%llu", (unsigned long long) number);
    return put(writer, text, strlen(text));
}

static int put_string(const struct writer *writer, const wms_value *value)
{
    if (value->kind != WMS_STRING) {
        return wrong(writer, "no string", "a string in UTF-8");
    }
    size_t span = multipoint_xml_span(value->text, value->size);
    if (span < value->size) {
        char what[96];
        multipoint_xml_problem(value->text, value->size, span, what, sizeof what);
        return wrong(writer, what, "a string without it, in UTF-8");
    }
    return put(writer, value->text, value->size);
}

static int put_bytes(const struct writer *writer, const wms_value *value)
{
    if (value->kind != WMS_STRING) {
        return wrong(writer, "no string", "the bytes as a string");
    }
    for (size_t i = 0; writer->out && i < value->size; i++) {
        multipoint_text_printf(writer->out, "<prgData>%u</prgData>",
                               (unsigned char) value->text[i]);
    }
    return 0;
}

static int put_value(const struct writer *writer, const wms_value *value)
{
    switch (writer->field->type) {
    case MULTIPOINT_STRING:
        return put_string(writer, value);
    case MULTIPOINT_BOOLEAN:
        return value->kind != WMS_BOOLEAN
                   ? wrong(writer, "no boolean", "true or false")
                   : put(writer, value->integer ? "true" : "false", value->integer ? 4 : 5);
    case MULTIPOINT_INT:
    case MULTIPOINT_UINT:
    case MULTIPOINT_ULONG:
        return put_number(writer, value);
    case MULTIPOINT_BYTES:
        return put_bytes(writer, value);
    case MULTIPOINT_STRINGS: /* no operation has arguments of these types */
    case MULTIPOINT_BASE64:
    case MULTIPOINT_SESSIONS:
    case MULTIPOINT_USERS:
    case MULTIPOINT_APPS:
        break;
    }
    return wrong(writer, "of a type that cannot be sent", "none");
}

static const wms_value *find(const wms_value *table, const char *name, size_t length)
{
    for (size_t i = 0; table && i < table->size; i++) {
        const wms_value *item = &table->items[i];
        if (item->name && strncmp(item->name, name, length) == 0 && !item->name[length]) {
            return item;
        }
    }
    return NULL;
}

const wms_value *multipoint_value(const wms_value *table, const char *name, enum wms_kind kind)
{
    const wms_value *value = find(table, name, strlen(name));

    return value && value->kind == kind ? value : NULL;
}

/* Errors: INVALID (an argument that the operation does not have; `complaint` names it). */
static int check_names(const struct multipoint_operation *operation, const wms_value *arguments,
                       char *complaint, size_t size)
{
    for (size_t i = 0; arguments && i < arguments->size; i++) {
        const char *name = arguments->items[i].name ? arguments->items[i].name : "";
        const char *spec = operation->in;
        struct multipoint_field field;
        char names[200] = "";
        bool known = false;
        while (multipoint_field_next(&spec, &field)) {
            known = known ||
                    (strlen(name) == field.length && strncmp(name, field.name, field.length) == 0);
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%.*s", used ? ", " : "",
                     (int) field.length, field.name);
        }
        if (!known) {
            snprintf(complaint, size, "arguments: %s has no '%.40s'; %s%s", operation->name, name,
                     *names ? "give " : "leave it out", names);
            return WMS_E_INVALID;
        }
    }
    return 0;
}

int multipoint_arguments(const struct multipoint_operation *operation, const wms_value *arguments,
                         struct multipoint_text *out, char *complaint, size_t size)
{
    const char *spec = operation->in;
    struct multipoint_field field;
    struct writer writer = {.out = out, .complaint = complaint, .size = size, .field = &field};
    int error = check_names(operation, arguments, complaint, size);

    if (out) {
        multipoint_text_puts(out, "<");
        multipoint_text_puts(out, operation->name);
        multipoint_text_puts(out, " xmlns=\"" MULTIPOINT_SPACE "\">");
    }
    while (!error && multipoint_field_next(&spec, &field)) {
        const wms_value *value = find(arguments, field.name, field.length);
        bool nil = !value || value->kind == WMS_NIL;
        if (nil && field.optional) {
            continue;
        }
        if (nil && !field.nillable) {
            /* writing a nil fails with a complaint that says what a right value is: its end is used
             */
            error = put_value(&writer, &(wms_value){.kind = WMS_NIL});
            char *what = strstr(complaint, ": no ");
            const char *fix = what ? strstr(what, "; give ") : NULL;
            char copy[160];
            snprintf(copy, sizeof copy, ": missing%s", fix ? fix : "");
            if (what) {
                snprintf(what, size - (size_t) (what - complaint), "%s", copy);
            }
            break;
        }
        if (out) {
            multipoint_text_puts(out, "<");
            multipoint_text_add(out, field.name, field.length);
            multipoint_text_puts(
                out, nil ? " xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\">"
                         : ">");
        }
        error = nil ? 0 : put_value(&writer, value);
        if (out) {
            multipoint_text_puts(out, "</");
            multipoint_text_add(out, field.name, field.length);
            multipoint_text_puts(out, ">");
        }
    }
    if (out) {
        multipoint_text_puts(out, "</");
        multipoint_text_puts(out, operation->name);
        multipoint_text_puts(out, ">");
    }
    return error;
}

/* ---- results: from XML to values ------------------------------------------------------------- */

static size_t count_children(const struct multipoint_element *element)
{
    size_t count = 0;

    for (const struct multipoint_element *child = element->first; child; child = child->next) {
        count++;
    }
    return count;
}

static int read_number(const struct multipoint_element *element, enum multipoint_type type,
                       wms_value *ret_value)
{
    char buffer[NUMBER];
    const char *text = multipoint_word(element, buffer, sizeof buffer);
    bool negative = type == MULTIPOINT_INT && *text == '-';
    uint64_t number;

    if (!multipoint_number(negative ? text + 1 : text,
                           type == MULTIPOINT_INT ? (uint64_t) INT32_MAX + negative : most(type),
                           &number)) {
        return WMS_E_PROTOCOL;
    }
    ret_value->kind = negative && number ? WMS_INTEGER : WMS_NATURAL;
    ret_value->natural = number;
    ret_value->integer = negative ? -(int64_t) number : 0;
    return 0;
}

static int read_boolean(const struct multipoint_element *element, wms_value *ret_value)
{
    char buffer[NUMBER];
    const char *text = multipoint_word(element, buffer, sizeof buffer);

    ret_value->kind = WMS_BOOLEAN;
    ret_value->integer = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return ret_value->integer || strcmp(text, "false") == 0 || strcmp(text, "0") == 0
               ? 0
               : WMS_E_PROTOCOL;
}

/* Text where elements should be. */
static bool has_text(const struct multipoint_element *element)
{
    return element->text[strspn(element->text, " \t\r\n")] != '\0';
}

/* [MS-RSMC] 2.2.4.1: one element for each byte. */
static int read_bytes(const struct multipoint_element *element, struct multipoint_arena *arena,
                      wms_value *ret_value)
{
    size_t size = count_children(element);
    unsigned char *bytes = multipoint_room(arena, size + 1);
    char buffer[NUMBER];
    uint64_t byte;

    if (!bytes) {
        return WMS_E_NO_MEMORY;
    }
    *ret_value = (wms_value){
        .kind = WMS_STRING, .name = ret_value->name, .text = (const char *) bytes, .size = size};
    if (has_text(element)) {
        return WMS_E_PROTOCOL;
    }
    for (const struct multipoint_element *child = element->first; child; child = child->next) {
        if (strcmp(child->name, "prgData") != 0 ||
            !multipoint_number(multipoint_word(child, buffer, sizeof buffer), 255, &byte)) {
            return WMS_E_PROTOCOL;
        }
        *bytes++ = (unsigned char) byte;
    }
    return 0;
}

enum { BASE64_BLANK = 64, BASE64_PADDING, BASE64_WRONG };

/* Fills the table of what each character means in Base64. */
static void fill_base64(unsigned char meaning[256])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    memset(meaning, BASE64_WRONG, 256);
    for (unsigned i = 0; i < BASE64_BLANK; i++) {
        meaning[(unsigned char) digits[i]] = (unsigned char) i;
    }
    meaning[' '] = meaning['\t'] = meaning['\r'] = meaning['\n'] = BASE64_BLANK;
    meaning['='] = BASE64_PADDING;
}

/* Decodes the element's text in place, since it may be most of an answer: so an element can be read
 * only once. */
static int read_base64(const struct multipoint_element *element, wms_value *ret_value)
{
    char *bytes = element->text;
    size_t size = 0, digits = 0, padding = 0;
    unsigned char meaning[256];
    uint32_t bits = 0;

    if (element->first) {
        return WMS_E_PROTOCOL;
    }
    fill_base64(meaning);
    const unsigned char *at = (const unsigned char *) element->text, *end = at + element->length;
    while (at < end) {
        if (digits % 4 == 0 && padding == 0 &&
            end - at >= 4 && /* fast path: four digits at a time; thumbnails have millions */
            (meaning[at[0]] | meaning[at[1]] | meaning[at[2]] | meaning[at[3]]) < BASE64_BLANK) {
            bits = (uint32_t) meaning[at[0]] << 18 | (uint32_t) meaning[at[1]] << 12 |
                   (uint32_t) meaning[at[2]] << 6 | meaning[at[3]];
            at += 4;
            digits += 4;
        } else {
            unsigned digit = meaning[*at++];
            if (digit == BASE64_BLANK) {
                continue;
            }
            if (digit == BASE64_WRONG || (digit < BASE64_BLANK && padding)) {
                return WMS_E_PROTOCOL;
            }
            padding += digit == BASE64_PADDING;
            bits = bits << 6 | (digit == BASE64_PADDING ? 0 : digit);
            digits++;
        }
        if (digits % 4 == 0) {
            bytes[size++] = (char) (bits >> 16 & 0xFF);
            bytes[size++] = (char) (bits >> 8 & 0xFF);
            bytes[size++] = (char) (bits & 0xFF);
        }
    }
    if (digits % 4 || padding > 2) {
        return WMS_E_PROTOCOL;
    }
    size -= padding;
    if (element->length > 0) {
        bytes[size] = '\0';
    }
    *ret_value =
        (wms_value){.kind = WMS_STRING, .name = ret_value->name, .text = bytes, .size = size};
    return 0;
}

static int read_fields(const char *spec, const struct multipoint_element *element,
                       struct multipoint_arena *arena, wms_value *ret_table);

static int read_list(const struct shape *shape, const struct multipoint_element *element,
                     struct multipoint_arena *arena, wms_value *ret_value)
{
    size_t count = count_children(element);
    wms_value *items = count ? multipoint_room(arena, count * sizeof *items) : NULL;
    int error = has_text(element) ? WMS_E_PROTOCOL : count && !items ? WMS_E_NO_MEMORY : 0;

    *ret_value =
        (wms_value){.kind = WMS_LIST, .name = ret_value->name, .items = items, .size = count};
    for (const struct multipoint_element *child = element->first; items && !error && child;
         child = child->next, items++) {
        if (strcmp(child->name, shape->item) != 0) {
            error = WMS_E_PROTOCOL;
        } else if (shape->fields) {
            error = read_fields(shape->fields, child, arena, items);
        } else {
            *items = multipoint_string(NULL, child->text, child->length);
            error = child->first ? WMS_E_PROTOCOL : 0;
        }
    }
    return error;
}

static int read_value(enum multipoint_type type, const struct multipoint_element *element,
                      struct multipoint_arena *arena, wms_value *ret_value)
{
    switch (type) {
    case MULTIPOINT_STRING:
        *ret_value = multipoint_string(ret_value->name, element->text, element->length);
        return element->first ? WMS_E_PROTOCOL : 0;
    case MULTIPOINT_BOOLEAN:
        return read_boolean(element, ret_value);
    case MULTIPOINT_INT:
    case MULTIPOINT_UINT:
    case MULTIPOINT_ULONG:
        return read_number(element, type, ret_value);
    case MULTIPOINT_BYTES:
        return read_bytes(element, arena, ret_value);
    case MULTIPOINT_BASE64:
        return read_base64(element, ret_value);
    case MULTIPOINT_STRINGS:
    case MULTIPOINT_SESSIONS:
    case MULTIPOINT_USERS:
    case MULTIPOINT_APPS:
        return read_list(shape_of(type), element, arena, ret_value);
    }
    return WMS_E_PROTOCOL;
}

static size_t count_fields(const char *spec)
{
    struct multipoint_field field;
    size_t count = 0;

    while (multipoint_field_next(&spec, &field)) {
        count++;
    }
    return count;
}

/* The field's name in the schema, even if the host uses its alias. */
static const char *canonical_name(const struct multipoint_field *field,
                                  const struct multipoint_element *child,
                                  struct multipoint_arena *arena)
{
    if (strncmp(child->name, field->name, field->length) == 0) {
        return child->name;
    }
    char *name = multipoint_room(arena, field->length + 1);
    return name ? memcpy(name, field->name, field->length) : NULL;
}

static int read_fields(const char *spec, const struct multipoint_element *element,
                       struct multipoint_arena *arena, wms_value *ret_table)
{
    size_t most_fields = count_fields(spec), count = 0;
    struct multipoint_field field;
    wms_value *items = most_fields ? multipoint_room(arena, most_fields * sizeof *items) : NULL;
    int error = most_fields && !items ? WMS_E_NO_MEMORY : 0;

    while (items && !error && multipoint_field_next(&spec, &field)) {
        const struct multipoint_element *child =
            multipoint_child(element, field.name, field.length);
        if (!child && field.alias) {
            child = multipoint_child(element, field.alias, field.alias_length);
        }
        if (!child || child->nil) {
            error = child || field.optional ? 0 : WMS_E_PROTOCOL;
            continue;
        }
        items[count].name = canonical_name(&field, child, arena);
        if (!items[count].name) {
            return WMS_E_NO_MEMORY;
        }
        error = read_value(field.type, child, arena, &items[count++]);
    }
    *ret_table =
        (wms_value){.kind = WMS_TABLE, .name = ret_table->name, .items = items, .size = count};
    return error;
}

int multipoint_results(const struct multipoint_operation *operation,
                       const struct multipoint_element *element, struct multipoint_arena *arena,
                       wms_value *ret_table)
{
    *ret_table = (wms_value){.kind = WMS_TABLE};
    return read_fields(operation->out, element, arena, ret_table);
}
