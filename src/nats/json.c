/* SPDX-License-Identifier: MIT */
/* json.c - reads JSON.  What it reads may be anything. */
#include "nats/json.h"

#include <string.h>

#include "nats/utf8.h"

enum { DEPTH_MAX = 16 };

int json_fail(struct json *json, const char *complaint)
{
    json->complaint = json->complaint ? json->complaint : complaint;
    return WMS_E_PROTOCOL;
}

static void skip_space(struct json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\t' || *json->at == '\r')) {
        json->at++;
    }
}

char json_peek(struct json *json)
{
    skip_space(json);
    return json->at < json->end ? (char) *json->at : '\0';
}

static bool take_word(struct json *json, const char *word, size_t size)
{
    if ((size_t) (json->end - json->at) < size || memcmp(json->at, word, size) != 0) {
        return false;
    }
    json->at += size;
    return true;
}

bool json_take_null(struct json *json)
{
    return json_peek(json) == 'n' && take_word(json, "null", 4);
}

int json_boolean(struct json *json, bool *ret_boolean)
{
    char c = json_peek(json);

    *ret_boolean = c == 't';
    return (c == 't' && take_word(json, "true", 4)) || (c == 'f' && take_word(json, "false", 5))
               ? 0
               : json_fail(json, "what should be true or false is not");
}

/* ---- strings --------------------------------------------------------------------------------- */

/* Four hex digits; -1: they are not. */
static int32_t hex(struct json *json)
{
    int32_t number = 0;

    if (json->end - json->at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        unsigned char c = *json->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        number = number << 4 | digit;
    }
    return number;
}

/* What follows "\u"; NULL: no character, or NUL, which no text of ours has. */
static char *unescape_unicode(struct json *json, char *to)
{
    int32_t code = hex(json);

    if (code >= 0xd800 && code < 0xdc00) {
        int32_t low = take_word(json, "\\u", 2) ? hex(json) : -1;
        if (low < 0xdc00 || low >= 0xe000) {
            return NULL;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code <= 0 || (code >= 0xdc00 && code < 0xe000)) {
        return NULL;
    }
    return utf8_put(to, (uint32_t) code);
}

/* What follows a backslash; NULL: there is no such thing. */
static char *unescape(struct json *json, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    unsigned char c = json->at < json->end ? *json->at++ : 0;
    const char *found = c ? strchr(from, c) : NULL;

    if (c == 'u') {
        return unescape_unicode(json, to);
    }
    if (found) {
        *to++ = into[found - from];
    }
    return found ? to : NULL;
}

int json_string(struct json *json, const char **ret_string)
{
    char *to = json->texts;

    if (json_peek(json) != '"') {
        return json_fail(json, "what should be a string is none");
    }
    *ret_string = to;
    json->at++;
    while (to && json->at < json->end && *json->at != '"') {
        unsigned char c = *json->at;
        if (c == '\\') {
            json->at++;
            to = unescape(json, to);
        } else if (c < ' ') {
            to = NULL;
        } else if (c < 0x80) {
            *to++ = (char) c;
            json->at++;
        } else {
            size_t size = utf8_size(json->at, json->end);
            memcpy(to, json->at, size);
            json->at += size;
            to = size > 0 ? to + size : NULL;
        }
    }
    if (!to || json->at == json->end) {
        return json_fail(json, "a string is not one of JSON in UTF-8, or has a NUL");
    }
    json->at++;
    *to++ = '\0';
    json->texts = to;
    return 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A number, not yet put together: (-1)^negative * mantissa * 10^exponent. */
struct number {
    bool negative, whole, cut; /* whole: digits alone; cut: some did not fit into the mantissa */
    uint64_t mantissa;
    int exponent;
};

static bool is_digit(const struct json *json)
{
    return json->at < json->end && *json->at >= '0' && *json->at <= '9';
}

/* Reads digits into the mantissa; `step` is added to the exponent for each one that fits. */
static bool read_digits(struct json *json, struct number *number, int step)
{
    bool some = is_digit(json);

    for (; is_digit(json); json->at++) {
        unsigned digit = (unsigned) (*json->at - '0');
        if (!number->cut && number->mantissa <= (UINT64_MAX - digit) / 10) {
            number->mantissa = number->mantissa * 10 + digit;
            number->exponent += step;
        } else {
            number->cut = true;
            number->exponent += step + 1;
        }
    }
    return some;
}

static bool read_exponent(struct json *json, struct number *number)
{
    enum { MOST = 1000 };
    struct number exponent = {.whole = true};
    bool minus = json->at < json->end && *json->at == '-';

    if (minus || (json->at < json->end && *json->at == '+')) {
        json->at++;
    }
    if (!read_digits(json, &exponent, 0)) {
        return false;
    }
    int value = exponent.mantissa > MOST || exponent.cut ? MOST : (int) exponent.mantissa;
    number->exponent += minus ? -value : value;
    return true;
}

static int read_number(struct json *json, struct number *number)
{
    memset(number, 0, sizeof *number);
    number->whole = true;
    json_peek(json);
    number->negative = take_word(json, "-", 1);
    bool zero = json->at < json->end && *json->at == '0';
    bool good = zero ? take_word(json, "0", 1) : read_digits(json, number, 0);

    if (good && take_word(json, ".", 1)) {
        number->whole = false;
        good = read_digits(json, number, -1);
    }
    if (good && (take_word(json, "e", 1) || take_word(json, "E", 1))) {
        number->whole = false;
        good = read_exponent(json, number);
    }
    good = good && !is_digit(json); /* behind a leading zero */
    return good ? 0 : json_fail(json, "what should be a number is none");
}

int json_natural(struct json *json, uint64_t most, uint64_t *ret_number)
{
    struct number number;
    int error = read_number(json, &number);

    *ret_number = number.mantissa;
    return error ? error
           : number.whole && !number.cut && !number.negative && number.mantissa <= most
               ? 0
               : json_fail(json, "a number is not a whole one, or too large");
}

int json_integer(struct json *json, int64_t *ret_number)
{
    struct number number;
    int error = read_number(json, &number);

    if (error) {
        return error;
    }
    if (!number.whole || number.cut || number.mantissa > INT64_MAX) {
        return json_fail(json, "a number is not a whole one, or too large");
    }
    *ret_number = number.negative ? -(int64_t) number.mantissa : (int64_t) number.mantissa;
    return 0;
}

int json_number(struct json *json, double *ret_number)
{
    struct number number;
    int error = read_number(json, &number);
    double value = (double) number.mantissa, power = 10;
    bool small = number.exponent < 0;
    unsigned exponent = (unsigned) (small ? -number.exponent : number.exponent);

    if (!error && number.mantissa > 0 && exponent > 330) {
        value = 0;
        error = small ? 0 : json_fail(json, "a number is too large");
    }
    double scale = 1; /* exact up to 10^22, which is where it matters */
    for (; exponent > 0 && value > 0; exponent >>= 1) {
        scale = exponent & 1 ? scale * power : scale;
        power *= power;
    }
    value = small ? value / scale : value * scale;
    *ret_number = number.negative ? -value : value;
    return error;
}

/* ---- lists and objects ----------------------------------------------------------------------- */

int json_open(struct json *json, char bracket)
{
    if (json_peek(json) != bracket) {
        return json_fail(json, bracket == '[' ? "what should be a list is none"
                                              : "what should be an object is none");
    }
    json->at++;
    return ++json->depth > DEPTH_MAX ? json_fail(json, "it is too deep") : 0;
}

int json_more(struct json *json, char bracket, bool *first, bool *more)
{
    char c = json_peek(json);

    *more = c != bracket;
    if (!*more) {
        json->at++;
        json->depth--;
    } else if (!*first && c == ',') {
        json->at++;
        c = json_peek(json);
    } else if (!*first) {
        return json_fail(json, "a comma or an end is missing");
    }
    *first = false;
    return *more && (c == '\0' || c == bracket) ? json_fail(json, "it ends too early") : 0;
}

/* Reads a field's name and the colon behind it. */
static int read_name(struct json *json, const char **ret_name)
{
    int error = json_string(json, ret_name);

    if (!error && json_peek(json) != ':') {
        return json_fail(json, "a colon is missing");
    }
    json->at += !error;
    return error;
}

/* What is skipped leaves no text behind. */
static int skip_many(struct json *json, char closing)
{
    bool first = true, more = true;
    char *texts = json->texts;
    const char *name;
    int error = json_open(json, closing == '}' ? '{' : '[');

    while (!error) {
        error = json_more(json, closing, &first, &more);
        if (error || !more) {
            break;
        }
        error = closing == '}' ? read_name(json, &name) : 0;
        error = error ? error : json_skip(json);
        json->texts = texts;
    }
    return error;
}

int json_skip(struct json *json) /* NOLINT(misc-no-recursion): as deep as DEPTH_MAX */
{
    char *texts = json->texts;
    struct number number;
    const char *string;
    bool boolean;
    int error;

    switch (json_peek(json)) {
    case '{':
        return skip_many(json, '}');
    case '[':
        return skip_many(json, ']');
    case '"':
        error = json_string(json, &string);
        json->texts = texts;
        return error;
    case 't':
    case 'f':
        return json_boolean(json, &boolean);
    case 'n':
        return json_take_null(json) ? 0 : json_fail(json, "it is no JSON");
    default:
        return read_number(json, &number);
    }
}

static int read_seconds(struct json *json, double *ret_seconds)
{
    static const double most = 9e9;
    int error = json_number(json, ret_seconds);

    return error                                       ? error
           : *ret_seconds >= 0 && *ret_seconds <= most ? 0
                                                       : json_fail(json, "a number of seconds is "
                                                                         "negative, or too large");
}

static int read_value(struct json *json, const struct json_field *field, void *object)
{
    char *to = (char *) object + field->offset;
    uint64_t number;
    bool flag;
    int error;

    switch (field->kind) {
    case JSON_TEXT:
        return json_string(json, (const char **) (void *) to);
    case JSON_FLAG:
        return json_boolean(json, (bool *) to);
    case JSON_KNOWN:
        error = json_boolean(json, &flag);
        *(signed char *) to = (signed char) (error ? *to : flag);
        return error;
    case JSON_SECONDS:
        return read_seconds(json, (double *) (void *) to);
    case JSON_NATURAL:
        return json_natural(json, UINT64_MAX, (uint64_t *) (void *) to);
    case JSON_COUNT:
        error = json_natural(json, UINT32_MAX, &number);
        *(unsigned *) (void *) to = (unsigned) number;
        return error;
    case JSON_INTEGER:
        return json_integer(json, (int64_t *) (void *) to);
    default:
        return field->read(json, object);
    }
}

/* The index of the field of that name; `count`: it is not known.  Fields mostly come in the order
 * of the table, so it looks from `guess` on. */
static size_t find(const struct json_field *fields, size_t count, const char *name, size_t size,
                   size_t guess)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = guess + i < count ? guess + i : guess + i - count;
        if (fields[at].size == size && memcmp(fields[at].name, name, size) == 0) {
            return at;
        }
    }
    return count;
}

int json_object(struct json *json, const struct json_field *fields, size_t count, void *object,
                uint64_t *ret_seen)
{
    bool first = true, more = true;
    size_t guess = 0;
    int error = json_open(json, '{');

    *ret_seen = 0;
    while (!error) {
        const char *name;
        char *texts = json->texts;
        error = json_more(json, '}', &first, &more);
        if (error || !more) {
            break;
        }
        error = read_name(json, &name);
        if (error) {
            break;
        }
        size_t at = find(fields, count, name, (size_t) (json->texts - name) - 1, guess);
        json->texts = texts;
        if (at == count) {
            error = json_skip(json);
        } else if (!json_take_null(json)) {
            guess = at + 1;
            error = (*ret_seen & UINT64_C(1) << at) ? json_fail(json, "a field is there twice")
                                                    : read_value(json, &fields[at], object);
            *ret_seen |= UINT64_C(1) << at;
        }
    }
    return error;
}
