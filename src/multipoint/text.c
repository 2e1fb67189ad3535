/* SPDX-License-Identifier: MIT */
/* text.c - strings that grow, and are wiped when freed. */
#include <stdarg.h>
#include <stdio.h>

#include "multipoint.h"

enum { LONG = 524288 };

void *multipoint_alloc(const struct multipoint_memory *memory, size_t size)
{
    void *block = memory->services->resize(memory->engine, NULL, size);

    return block ? memset(block, 0, size) : NULL;
}

void *multipoint_free(const struct multipoint_memory *memory, void *block)
{
    if (block) {
        memory->services->resize(memory->engine, block, 0);
    }
    return NULL;
}

void *multipoint_free_secret(const struct multipoint_memory *memory, void *block, size_t size)
{
    if (block) {
        explicit_bzero(block, size);
    }
    return multipoint_free(memory, block);
}

char *multipoint_copy(const struct multipoint_memory *memory, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory->services->resize(memory->engine, NULL, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

char *multipoint_free_text(const struct multipoint_memory *memory, char *text)
{
    return multipoint_free_secret(memory, text, text ? strlen(text) : 0);
}

/* ---- strings that grow ----------------------------------------------------------------------- */

/* Not by resizing, which may free the old block without wiping it. */
static bool grow_to(struct multipoint_text *text, size_t size)
{
    char *data = text->memory->services->resize(text->memory->engine, NULL, size);
    if (!data) {
        return false;
    }
    if (text->data) {
        memcpy(data, text->data, text->length);
        multipoint_free_secret(text->memory, text->data, text->length);
    }
    text->data = data;
    text->size = size;
    return true;
}

static bool grow(struct multipoint_text *text, size_t more)
{
    enum { FIRST = 1536 }; /* most questions fit in; a host may have many that wait */
    size_t size = text->size ? text->size : FIRST;

    while (size - text->length < more) {
        if (size > SIZE_MAX / 2) {
            return false;
        }
        size *= 2;
    }
    return grow_to(text, size);
}

void multipoint_text_expect(struct multipoint_text *text, size_t more, size_t most)
{
    size_t size = most / 8 > text->length ? text->length * 8 : most;

    if (text->length >= LONG && text->size - text->length < more && size - text->length >= more &&
        !text->failed) {
        grow_to(text, size); /* if that fails, multipoint_text_add() tries again */
    }
}

void multipoint_text_add(struct multipoint_text *text, const char *data, size_t length)
{
    if (text->failed || length == 0) {
        return;
    }
    if (text->size - text->length < length && !grow(text, length)) {
        text->failed = true;
        return;
    }
    memcpy(text->data + text->length, data, length);
    text->length += length;
}

void multipoint_text_puts(struct multipoint_text *text, const char *string)
{
    multipoint_text_add(text, string, strlen(string));
}

void multipoint_text_printf(struct multipoint_text *text, const char *format, ...)
{
    char line[1024]; /* for short texts without secrets: it is not wiped */
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t) length >= sizeof line) {
        text->failed = true;
    } else {
        multipoint_text_add(text, line, (size_t) length);
    }
}

void multipoint_text_escape(struct multipoint_text *text, const char *data, size_t length)
{
    size_t plain = 0;

    for (size_t i = 0; i < length; i++) {
        const char *escaped = data[i] == '&'   ? "&amp;"
                              : data[i] == '<' ? "&lt;"
                              : data[i] == '>' ? "&gt;"
                              : data[i] == '"' ? "&quot;"
                              : data[i] == '\r'
                                  ? "&#13;" /* a literal one would be parsed as a line feed */
                                  : NULL;
        if (escaped) {
            multipoint_text_add(text, data + plain, i - plain);
            multipoint_text_puts(text, escaped);
            plain = i + 1;
        }
    }
    multipoint_text_add(text, data + plain, length - plain);
}

void multipoint_text_clear(struct multipoint_text *text)
{
    if (text->data) {
        explicit_bzero(text->data, text->length);
    }
    text->length = 0;
}

void multipoint_text_free(struct multipoint_text *text)
{
    text->data = multipoint_free_secret(text->memory, text->data, text->length);
    text->length = text->size = 0;
}

/* ---- what XML can hold ----------------------------------------------------------------------- */

/* Decodes the UTF-8 character at `data`.  Returns how many bytes it has, or 0 (and a *ret_value
 * that is no character): it is not UTF-8 in its shortest form. */
static size_t decode(const unsigned char *data, size_t length, uint32_t *ret_value)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = data[0] < 0x80             ? 1
                   : (data[0] & 0xE0) == 0xC0 ? 2
                   : (data[0] & 0xF0) == 0xE0 ? 3
                   : (data[0] & 0xF8) == 0xF0 ? 4
                                              : 0;

    *ret_value = UINT32_MAX;
    if (bytes == 0 || bytes > length) {
        return 0;
    }
    uint32_t value = bytes == 1 ? data[0] : data[0] & (0xFFu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((data[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (data[i] & 0x3Fu);
    }
    *ret_value = value;
    return value >= least[bytes] ? bytes : 0;
}

/* Whether the eight bytes at `data` are all printable ASCII: bit 7 of a byte gets set if the byte
 * is above 0x7E (by adding 0x01) or below 0x20 (by subtracting 0x20, which borrows). */
static bool are_plain(const char *data)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t bytes;

    memcpy(&bytes, data, sizeof bytes);
    return !((bytes | (bytes + each) | (bytes - each * ' ')) & each * 0x80);
}

size_t multipoint_xml_span(const char *data, size_t length)
{
    size_t at = 0;

    while (at < length) {
        if (length - at >= sizeof(uint64_t) && are_plain(data + at)) { /* the usual case */
            at += sizeof(uint64_t);
            continue;
        }
        if (data[at] >= ' ' && data[at] < 127) {
            at++;
            continue;
        }
        uint32_t value;
        size_t bytes = decode((const unsigned char *) data + at, length - at, &value);
        bool blank = value == '\t' || value == '\n' || value == '\r';
        if (bytes == 0 || (value < ' ' && !blank) || (value >= 0xD800 && value < 0xE000) ||
            value == 0xFFFE || value == 0xFFFF || value > 0x10FFFF) {
            break;
        }
        at += bytes;
    }
    return at;
}

void multipoint_xml_problem(const char *data, size_t length, size_t span, char *buffer, size_t size)
{
    uint32_t value;
    size_t bytes = decode((const unsigned char *) data + span, length - span, &value);

    if (bytes == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        snprintf(buffer, size, "no UTF-8 at byte %zu", span + 1);
    } else if (value < ' ') {
        snprintf(buffer, size, "the control character 0x%02X at byte %zu, which XML cannot carry",
                 (unsigned) value, span + 1);
    } else {
        snprintf(buffer, size, "U+%04X at byte %zu, which XML cannot carry", (unsigned) value,
                 span + 1);
    }
}
