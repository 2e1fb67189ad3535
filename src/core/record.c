/* SPDX-License-Identifier: MIT */
/* record.c - the text form of a binding. */
#include "core/record.h"

#include <stdio.h>
#include <string.h>

#include "core/base.h"
#include "core/value.h"

static const char first_line[] = "wms binding 1\n", last_line[] = "end\n", secret[] = "secret",
                  hidden[] = "secret.";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
static const char *const kinds[] = {[WMS_BOOLEAN] = "boolean",
                                    [WMS_INTEGER] = "integer",
                                    [WMS_NATURAL] = "natural",
                                    [WMS_STRING] = "string"};

/* Whether a string contains the character as it is, not as %XX. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 127 && c != '"' && c != '%';
}

static bool is_name(const char *name, size_t size)
{
    return size > 0 && size <= WMS_RECORD_NAME && !(*name >= '0' && *name <= '9');
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
    unsigned line;
    struct wms_value_room room;
    char *complaint;
    size_t complaint_size;
};

static int wrong(struct reader *reader, const char *what)
{
    snprintf(reader->complaint, reader->complaint_size, "line %u: %s", reader->line, what);
    return WMS_E_INVALID;
}

static size_t left(const struct reader *reader)
{
    return (size_t) (reader->end - reader->at);
}

static bool take(struct reader *reader, const char *text)
{
    size_t size = strlen(text);
    bool there = left(reader) >= size && memcmp(reader->at, text, size) == 0;

    reader->at += there ? size : 0;
    return there;
}

static int read_name(struct reader *reader, wms_value *value)
{
    const char *name = reader->at;

    while (reader->at < reader->end && *reader->at && strchr(letters, *reader->at)) {
        reader->at++;
    }
    size_t size = (size_t) (reader->at - name);
    if (!is_name(name, size)) {
        return wrong(reader, "no field's name");
    }
    value->name = wms_value_put(&reader->room, name, size);
    return take(reader, " ") ? 0 : wrong(reader, "no kind behind the name");
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_string(struct reader *reader, wms_value *value)
{
    char *text = reader->room.text;
    size_t size = 0;

    if (!take(reader, "\"")) {
        return wrong(reader, "a string without quotes");
    }
    for (; reader->at < reader->end && *reader->at != '"'; size++) {
        unsigned char c = (unsigned char) *reader->at++;
        if (c == '%' && left(reader) >= 2) {
            int high = digit_of(reader->at[0]), low = digit_of(reader->at[1]);
            c = (unsigned char) (high * 16 + low);
            if (high < 0 || low < 0 || is_plain(c)) {
                return wrong(reader, "no code of a character behind '%'");
            }
            reader->at += 2;
        } else if (!is_plain(c)) {
            return wrong(reader, "a character that has to be written as a code");
        }
        text[size] = (char) c;
    }
    text[size] = '\0';
    reader->room.text += size + 1;
    value->text = text;
    value->size = size;
    return take(reader, "\"") ? 0 : wrong(reader, "a string that does not end");
}

static int read_digits(struct reader *reader, uint64_t most, uint64_t *ret_number)
{
    const char *digits = reader->at;
    uint64_t number = 0;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        unsigned digit = (unsigned) (*reader->at++ - '0');
        if (number > (most - digit) / 10) {
            return wrong(reader, "a number that is too large");
        }
        number = number * 10 + digit;
    }
    if (reader->at == digits || (*digits == '0' && reader->at - digits > 1)) {
        return wrong(reader, "no number");
    }
    *ret_number = number;
    return 0;
}

static int read_value(struct reader *reader, wms_value *value)
{
    uint64_t number = 0;
    int error;

    switch (value->kind) {
    case WMS_STRING:
        return read_string(reader, value);
    case WMS_NATURAL:
        return read_digits(reader, UINT64_MAX, &value->natural);
    case WMS_INTEGER:
        error = take(reader, "-") ? read_digits(reader, (uint64_t) INT64_MAX + 1, &number)
                                  : wrong(reader, "no number below zero");
        value->integer = -(int64_t) (number - (number > 0)) - (number > 0);
        return !error && number == 0 ? wrong(reader, "no number below zero") : error;
    default:
        value->integer = take(reader, "true");
        return value->integer || take(reader, "false") ? 0
                                                       : wrong(reader, "neither true nor false");
    }
}

static int read_kind(struct reader *reader, wms_value *value)
{
    for (int kind = WMS_BOOLEAN; kind <= WMS_STRING; kind++) {
        if (take(reader, kinds[kind])) {
            value->kind = (enum wms_kind) kind;
            return take(reader, " ") ? 0 : wrong(reader, "no value behind the kind");
        }
    }
    return wrong(reader, "an unknown kind");
}

/* One line, as another item of the table. */
static int read_field(struct reader *reader, wms_value *table)
{
    wms_value *value = reader->room.values;
    int error = read_name(reader, value);

    error = error ? error : read_kind(reader, value);
    error = error ? error : read_value(reader, value);
    if (error) {
        return error;
    }
    if (!take(reader, "\n")) {
        return wrong(reader, "something behind the value");
    }
    if (wms_value_field(table, value->name)) {
        return wrong(reader, "a field that is there already");
    }
    table->items = table->items ? table->items : value;
    table->size++;
    reader->room.values++;
    return 0;
}

static int read_fields(struct reader *reader, wms_value *root)
{
    wms_value *hiding = NULL;

    root->kind = WMS_TABLE;
    for (unsigned fields = 0; !take(reader, last_line); fields++) {
        reader->line++;
        if (reader->at == reader->end) {
            return wrong(reader, "it ends before its end");
        }
        if (fields == WMS_RECORD_FIELDS) {
            return wrong(reader, "too many fields");
        }
        bool hides = take(reader, hidden);
        if (hides && !hiding) {
            hiding = reader->room.values++;
            *hiding = (wms_value){.kind = WMS_TABLE, .name = secret};
        }
        if (hiding && !hides) {
            return wrong(reader, "a field behind the secret ones");
        }
        int error = read_field(reader, hides ? hiding : root);
        if (error) {
            return error;
        }
    }
    if (wms_value_field(root, secret)) {
        return wrong(reader, "a field that is called secret");
    }
    if (hiding) { /* the table lies in memory right behind the other fields */
        root->items = root->items ? root->items : hiding;
        root->size++;
    }
    reader->line++;
    return reader->at == reader->end ? 0 : wrong(reader, "something behind its end");
}

static size_t lines_in(const char *text, size_t size)
{
    size_t lines = 0;

    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

int wms_record_parse(wms_engine *engine, const char *text, size_t size, wms_value **ret_value,
                     char *complaint, size_t complaint_size)
{
    struct reader reader = {
        .at = text,
        .end = text + size,
        .line = 1,
        .complaint = complaint,
        .complaint_size = complaint_size,
    };

    if (size > WMS_RECORD_SIZE) {
        snprintf(complaint, complaint_size, "more than %d bytes", WMS_RECORD_SIZE);
        return WMS_E_INVALID;
    }
    if (!take(&reader, first_line)) {
        return wrong(&reader, "it does not begin with \"wms binding 1\"");
    }
    /* Enough: a line has at most one value, and is longer than the name and the text that are read
     * from it. */
    size_t lines = lines_in(reader.at, left(&reader));
    lines = lines > WMS_RECORD_FIELDS ? WMS_RECORD_FIELDS : lines;
    wms_value *root = wms_value_new(engine, lines + 2, left(&reader) + 1, &reader.room);
    if (!root) {
        return WMS_E_NO_MEMORY;
    }
    int error = read_fields(&reader, root);
    if (error) {
        wms_value_free(engine, root);
        return error;
    }
    *ret_value = root;
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

struct writer {
    char *text; /* NULL: only to count */
    size_t size;
};

static void put(struct writer *writer, const char *text, size_t size)
{
    if (writer->text) {
        memcpy(writer->text + writer->size, text, size);
    }
    writer->size += size;
}

static void put_word(struct writer *writer, const char *word)
{
    put(writer, word, strlen(word));
}

static void put_string(struct writer *writer, const char *text, size_t size)
{
    char code[4];

    put_word(writer, "\"");
    for (size_t i = 0; i < size; i++) {
        if (is_plain((unsigned char) text[i])) {
            put(writer, &text[i], 1);
        } else {
            snprintf(code, sizeof code, "%%%02X", (unsigned char) text[i]);
            put(writer, code, 3);
        }
    }
    explicit_bzero(code, sizeof code);
    put_word(writer, "\"");
}

static void put_field(struct writer *writer, const char *prefix, const wms_value *value)
{
    char number[24] = "";

    if (value->kind == WMS_NATURAL) {
        snprintf(number, sizeof number, "%llu", (unsigned long long) value->natural);
    } else if (value->kind == WMS_INTEGER) {
        snprintf(number, sizeof number, "%lld", (long long) value->integer);
    } else if (value->kind == WMS_BOOLEAN) {
        snprintf(number, sizeof number, "%s", value->integer ? "true" : "false");
    }
    put_word(writer, prefix);
    put_word(writer, value->name);
    put_word(writer, " ");
    put_word(writer, kinds[value->kind]);
    put_word(writer, " ");
    if (value->kind == WMS_STRING) {
        put_string(writer, value->text, value->size);
    } else {
        put_word(writer, number);
    }
    put_word(writer, "\n");
}

static void put_record(struct writer *writer, const wms_value *table)
{
    const wms_value *hiding = wms_value_field(table, secret);

    put_word(writer, first_line);
    for (size_t i = 0; i < table->size; i++) {
        if (&table->items[i] != hiding) {
            put_field(writer, "", &table->items[i]);
        }
    }
    for (size_t i = 0; hiding && i < hiding->size; i++) {
        put_field(writer, hidden, &hiding->items[i]);
    }
    put_word(writer, last_line);
}

static bool is_flat(const wms_value *table, bool whole)
{
    const wms_value *hiding = whole ? wms_value_field(table, secret) : NULL;
    bool flat = table->kind == WMS_TABLE && (!hiding || is_flat(hiding, false));

    for (size_t i = 0; flat && i < table->size; i++) {
        const wms_value *value = &table->items[i];
        size_t size = value->name ? strspn(value->name, letters) : 0;
        flat = is_name(value->name, size) && !value->name[size] &&
               (value == hiding || (value->kind >= WMS_BOOLEAN && value->kind <= WMS_STRING));
    }
    return flat;
}

int wms_record_print(wms_engine *engine, const wms_value *value, char **ret_text, size_t *ret_size,
                     char *complaint, size_t complaint_size)
{
    struct writer counter = {0}, writer = {0};
    wms_value *again;

    if (!is_flat(value, true)) {
        snprintf(complaint, complaint_size,
                 "a field without a name, or that is neither a string nor a number nor a boolean");
        return WMS_E_INVALID;
    }
    put_record(&counter, value);
    writer.text = wms_resize(engine, NULL, counter.size + 1);
    if (!writer.text) {
        return WMS_E_NO_MEMORY;
    }
    put_record(&writer, value);
    writer.text[writer.size] = '\0';
    /* A text that could not be parsed again is refused. */
    int error =
        wms_record_parse(engine, writer.text, writer.size, &again, complaint, complaint_size);
    if (error) {
        wms_free_wiped(engine, writer.text, writer.size + 1);
        return error;
    }
    wms_value_free(engine, again);
    *ret_text = writer.text;
    *ret_size = writer.size;
    return 0;
}
