/* SPDX-License-Identifier: MIT */
/* write.c - writes JSON, and with it all that is said. */
#include <string.h>

#include "nats/json.h"
#include "nats/names.h"
#include "nats/utf8.h"

/* ---- a text that grows ----------------------------------------------------------------------- */

void nats_text_init(struct nats_text *text, const struct nats_memory *memory)
{
    memset(text, 0, sizeof *text);
    text->memory = *memory;
}

void nats_text_clear(struct nats_text *text)
{
    text->size = 0;
    text->failed = false;
}

void nats_text_free(struct nats_text *text)
{
    if (text->data) {
        text->memory.resize(text->memory.engine, text->data, 0);
    }
    nats_text_init(text, &(struct nats_memory){text->memory.resize, text->memory.engine});
}

/* Makes place for `size` bytes more; NULL: there is none. */
static char *reserve(struct nats_text *text, size_t size)
{
    enum { LEAST = 1024 };

    if (text->failed || size > SIZE_MAX / 4 - text->size) {
        text->failed = true;
        return NULL;
    }
    if (size > text->room - text->size) {
        size_t room = text->room < LEAST ? LEAST : text->room * 2;
        room = room < text->size + size ? text->size + size : room;
        char *data = text->memory.resize(text->memory.engine, text->data, room);
        if (!data) {
            text->failed = true;
            return NULL;
        }
        text->data = data;
        text->room = room;
    }
    return text->data + text->size;
}

void nats_text_append(struct nats_text *text, const void *data, size_t size)
{
    char *to = size > 0 ? reserve(text, size) : NULL;

    if (to) {
        memcpy(to, data, size);
        text->size += size;
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

void json_put(struct nats_text *text, const char *word)
{
    nats_text_append(text, word, strlen(word));
}

/* A character that cannot stand in a string as it is; returns what is behind it. */
static char *put_escape(char *to, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";

    *to++ = '\\';
    if (c == '"' || c == '\\') {
        *to++ = (char) c;
    } else if (c == '\n') {
        *to++ = 'n';
    } else {
        *to++ = 'u';
        *to++ = '0';
        *to++ = '0';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 15];
    }
    return to;
}

void json_put_string(struct nats_text *text, const char *string)
{
    enum { ESCAPED = 6 }; /* bytes, at most, for one */
    size_t size = strlen(string);
    const unsigned char *at = (const unsigned char *) string, *end = at + size;
    char *to = size < SIZE_MAX / 16 ? reserve(text, size * ESCAPED + 2) : NULL;

    if (!to) {
        text->failed = true;
        return;
    }
    *to++ = '"';
    while (at < end) {
        size_t bytes;
        if (*at >= 0x80) {
            bytes = utf8_size(at, end);
            memcpy(to, bytes > 0 ? (const char *) at : "\xef\xbf\xbd", bytes > 0 ? bytes : 3);
            to += bytes > 0 ? bytes : 3;
            at += bytes > 0 ? bytes : 1;
        } else if (*at < ' ' || *at == '"' || *at == '\\') {
            to = put_escape(to, *at++);
        } else {
            *to++ = (char) *at++;
        }
    }
    *to++ = '"';
    text->size = (size_t) (to - text->data);
}

void json_put_natural(struct nats_text *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);
    nats_text_append(text, digits + at, sizeof digits - at);
}

void json_put_integer(struct nats_text *text, int64_t number)
{
    if (number < 0) {
        json_put(text, "-");
    }
    json_put_natural(text, number < 0 ? -(uint64_t) number : (uint64_t) number);
}

void json_put_seconds(struct nats_text *text, double seconds)
{
    enum { MICRO = 1000000 };
    static const double most = 9e9;
    double known = seconds >= 0 ? seconds : 0; /* a NaN is not */
    uint64_t all = (uint64_t) ((known < most ? known : most) * MICRO + 0.5);
    uint64_t rest = all % MICRO;

    json_put_natural(text, all / MICRO);
    if (rest > 0) {
        char digits[] = ".000000";
        size_t size = sizeof digits - 1;
        for (size_t i = size - 1; i > 0; i--) {
            digits[i] = (char) ('0' + rest % 10);
            rest /= 10;
        }
        while (digits[size - 1] == '0') {
            size--;
        }
        nats_text_append(text, digits, size);
    }
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The name of a field, which is a constant of ours, with what stands between it and the one
 * before. */
static void put_name(struct nats_text *text, const char *name)
{
    size_t size = strlen(name);
    char *to = reserve(text, size + 4);

    if (to) {
        bool first = to[-1] == '{';
        if (!first) {
            *to++ = ',';
        }
        *to++ = '"';
        memcpy(to, name, size); /* NOLINT(bugprone-not-null-terminated-result): a quote follows */
        to[size] = '"';
        to[size + 1] = ':';
        text->size += size + 3 + !first;
    }
}

static void put_text(struct nats_text *text, const char *name, const char *value)
{
    if (value) {
        put_name(text, name);
        json_put_string(text, value);
    }
}

static void put_true(struct nats_text *text, const char *name, bool value)
{
    if (value) {
        put_name(text, name);
        json_put(text, "true");
    }
}

static void put_known(struct nats_text *text, const char *name, signed char value)
{
    if (value >= 0) {
        put_name(text, name);
        json_put(text, value ? "true" : "false");
    }
}

static void put_seconds(struct nats_text *text, const char *name, double value)
{
    if (value >= 0) {
        put_name(text, name);
        json_put_seconds(text, value);
    }
}

static void put_natural(struct nats_text *text, const char *name, uint64_t value)
{
    if (value > 0) {
        put_name(text, name);
        json_put_natural(text, value);
    }
}

static void put_id(struct nats_text *text, const wms_id *id)
{
    if (id->text) {
        json_put_string(text, id->text);
    } else {
        json_put_natural(text, id->number);
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

void nats_question_init(struct nats_question *question)
{
    memset(question, 0, sizeof *question);
    question->verify = question->stable = -1;
    question->timeout = question->deadline = -1;
    question->thumbnail_size = WMS_THUMBNAIL_MEDIUM;
    question->age = -1;
}

static void put_ids(struct nats_text *text, const struct nats_question *question)
{
    put_name(text, "ids");
    for (size_t i = 0; i < question->count; i++) {
        const char *identity = question->identities ? question->identities[i] : NULL;
        json_put(text, i == 0 ? "[" : ",");
        json_put(text, identity ? "[" : "");
        put_id(text, &question->ids[i]);
        if (identity) {
            json_put(text, ",");
            json_put_string(text, identity);
            json_put(text, "]");
        }
    }
    json_put(text, "]");
}

void nats_write_question(struct nats_text *text, const struct nats_question *question)
{
    json_put(text, "{");
    put_true(text, "all", question->all);
    if (question->count > 0) {
        put_ids(text, question);
    }
    put_text(text, "message", question->message);
    put_text(text, "title", question->title);
    put_seconds(text, "verify", question->verify);
    put_seconds(text, "stable", question->stable);
    put_seconds(text, "timeout", question->timeout);
    put_seconds(text, "deadline", question->deadline);
    put_natural(text, "retries", question->retries);
    put_true(text, "what_if", question->what_if);
    put_true(text, "stop_on_error", question->stop_on_error);
    put_true(text, "activity", question->activity);
    if (question->thumbnail_size != WMS_THUMBNAIL_MEDIUM) {
        put_text(text, "size", nats_thumbnail_size_name(question->thumbnail_size));
    }
    put_seconds(text, "age", question->age);
    json_put(text, "}");
}

/* ---- answers --------------------------------------------------------------------------------- */

static void begin_part(struct nats_text *text, unsigned part, const char *name)
{
    json_put(text, "{");
    put_natural(text, "part", part);
    put_name(text, name);
    json_put(text, "[");
}

void nats_begin_outcomes(struct nats_text *text, unsigned part)
{
    begin_part(text, part, "outcomes");
}

void nats_begin_sessions(struct nats_text *text, unsigned part)
{
    begin_part(text, part, "sessions");
}

/* What separates an item of a list from the one before. */
static void next_item(struct nats_text *text)
{
    char last = text->size > 0 ? text->data[text->size - 1] : '[';

    if (last != '[' && last != ':') {
        json_put(text, ",");
    }
}

/* A row's strings: `pending` counts the nulls that stand before the next one that is given. */
static void put_cell(struct nats_text *text, const char *value, unsigned *pending)
{
    if (!value) {
        ++*pending;
        return;
    }
    for (; *pending > 0; --*pending) {
        json_put(text, ",null");
    }
    json_put(text, ",");
    json_put_string(text, value);
}

void nats_write_outcome(struct nats_text *text, const wms_outcome *outcome)
{
    unsigned pending = 0;

    next_item(text);
    json_put(text, "[");
    if (outcome->id) {
        put_id(text, outcome->id);
    } else {
        json_put(text, "null");
    }
    put_cell(text, nats_state_name(outcome->state), &pending);
    if (outcome->changed < 0) {
        pending++;
    } else {
        json_put(text, outcome->changed ? ",1" : ",0");
    }
    put_cell(text, outcome->code ? nats_error_name(outcome->code) : NULL, &pending);
    put_cell(text, outcome->code ? outcome->text : NULL, &pending);
    put_cell(text, outcome->note, &pending);
    put_cell(text, outcome->user_name, &pending);
    put_cell(text, outcome->identity, &pending);
    json_put(text, "]");
}

void nats_write_session(struct nats_text *text, const wms_session *session)
{
    next_item(text);
    json_put(text, "{");
    put_name(text, "id");
    put_id(text, &session->id);
#define WMS_X(field, name) put_text(text, name, session->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
    if (session->station_id >= 0) {
        put_name(text, "station_id");
        json_put_integer(text, session->station_id);
    }
#define WMS_X(field, name) put_known(text, name, session->field);
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) put_seconds(text, name, session->field > 0 ? session->field : -1);
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    json_put(text, "}");
}

void nats_end_part(struct nats_text *text, const char *user_name, const char *note, bool more)
{
    json_put(text, "]");
    put_text(text, "user", user_name);
    put_text(text, "note", note);
    put_true(text, "more", more);
    json_put(text, "}");
}

void nats_write_failure(struct nats_text *text, int code, const char *explanation)
{
    json_put(text, "{");
    put_text(text, "code", nats_error_name(code));
    put_text(text, "text", explanation);
    json_put(text, "}");
}

void nats_write_unknown(struct nats_text *text, const char *explanation)
{
    json_put(text, "{");
    put_true(text, "unknown", true);
    put_text(text, "text", explanation);
    json_put(text, "}");
}

void nats_write_working(struct nats_text *text)
{
    json_put(text, "{\"working\":true}");
}

void nats_write_picture(struct nats_text *text, const void *data, size_t size)
{
    json_put(text, "\n");
    nats_text_append(text, data, size);
}

/* ---- what an agent tells --------------------------------------------------------------------- */

void nats_write_event(struct nats_text *text, const struct nats_event *event)
{
    json_put(text, "{");
    put_text(text, "instance", event->instance);
    put_natural(text, "seq", event->seq);
    if (event->resync) {
        put_true(text, "resync", true);
    } else {
        put_text(text, "event", nats_event_name(event->kind));
        put_name(text, "session");
        nats_write_session(text, &event->session);
    }
    json_put(text, "}");
}

void nats_write_presence(struct nats_text *text, const struct nats_presence *presence)
{
    json_put(text, "{");
    put_text(text, "instance", presence->instance);
    put_text(text, "version", presence->version);
    put_seconds(text, "beat", presence->beat);
    put_natural(text, "seq", presence->seq);
    json_put(text, "}");
}

void nats_write_wish(struct nats_text *text, const struct nats_wish *wish)
{
    json_put(text, "{");
    put_text(text, "state", wish->state);
    put_text(text, "message", wish->message);
    put_seconds(text, "seconds", wish->seconds);
    put_text(text, "who", wish->who);
    put_true(text, "restore", wish->restore);
    json_put(text, "}");
}
