/* SPDX-License-Identifier: MIT */
/* Strings that grow, and what they are escaped for. */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

static void text_reserve(struct text *text, size_t more)
{
    if (text->size - text->length > more) {
        return;
    }
    text->size = (text->length + more) * 2 + 64;
    text->data = must(realloc(text->data, text->size));
}

void text_add(struct text *text, const char *data, size_t length)
{
    text_reserve(text, length);
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    char *end;
    va_list list;
    int length;

    text_reserve(text, 128);
    end = text->data + text->length;
    va_start(list, format);
    length = vsnprintf(end, text->size - text->length, format, list);
    va_end(list);
    if ((size_t) length >= text->size - text->length) {
        text_reserve(text, (size_t) length);
        va_start(list, format);
        vsnprintf(text->data + text->length, text->size - text->length, format, list);
        va_end(list);
    }
    text->length += (size_t) length;
}

void text_escape(struct text *text, const char *string)
{
    for (;;) {
        size_t plain = strcspn(string, "&<>\"\r");

        text_add(text, string, plain);
        string += plain;
        switch (*string++) {
        case '&':
            text_puts(text, "&amp;");
            break;
        case '<':
            text_puts(text, "&lt;");
            break;
        case '>':
            text_puts(text, "&gt;");
            break;
        case '"':
            text_puts(text, "&quot;");
            break;
        case '\r':
            text_puts(text, "&#13;");
            break; /* a parser would make a newline of it */
        default:
            return;
        }
    }
}

void text_percent(struct text *text, const char *string)
{
    for (; *string; string++) {
        unsigned char c = (unsigned char) *string;

        if (c <= ' ' || c == '%' || c == 127) {
            text_printf(text, "%%%02X", c);
        } else {
            text_add(text, string, 1);
        }
    }
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data) {
        text->data[0] = '\0';
    }
}

void text_free(struct text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

char *percent_decode(char *word)
{
    char *in = word, *out = word;

    while (*in) {
        unsigned value;

        if (*in == '%' && sscanf(in + 1, "%2x", &value) == 1) {
            *out++ = (char) value;
            in += 3;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    return word;
}

char *copy(const char *string)
{
    return must(strdup(string));
}

void replace(char **string, const char *with)
{
    char *fresh = with ? copy(with) : NULL;

    free(*string);
    *string = fresh;
}

bool parse_number(const char *string, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*string) {
        return false;
    }
    for (; *string; string++) {
        unsigned digit = (unsigned) (unsigned char) *string - '0';

        if (digit > 9 || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}
