/* SPDX-License-Identifier: MIT */
/* message.c - reads questions and answers. */
#include "nats/message.h"

#include <string.h>

#include "nats/json.h"
#include "nats/names.h"
#include "nats/reading.h"

/* A part of an answer may be longer than its writer's limit by one row. */
enum { JSON_MAX = 2 * NATS_ANSWER_MAX };

/* ---- memory ---------------------------------------------------------------------------------- */

void nats_reader_init(struct nats_reader *reader, const struct nats_memory *memory)
{
    memset(reader, 0, sizeof *reader);
    reader->memory = *memory;
}

static void release(struct nats_reader *reader, void *block)
{
    if (block) {
        reader->memory.resize(reader->memory.engine, block, 0);
    }
}

void nats_reader_free(struct nats_reader *reader)
{
    release(reader, reader->texts);
    release(reader, reader->rows);
    release(reader, reader->identities);
    nats_reader_init(reader, &(struct nats_memory){reader->memory.resize, reader->memory.engine});
}

/* Makes room for item `index` of `size` bytes each, and returns it; NULL: out of memory. */
static void *row_at(struct nats_reader *reader, void **rows, size_t *room, size_t index,
                    size_t size)
{
    enum { FIRST = 4096 };

    if ((index + 1) * size > *room) {
        size_t more = *room < FIRST ? FIRST : *room * 2;
        void *grown = reader->memory.resize(reader->memory.engine, *rows, more);
        if (!grown) {
            return NULL;
        }
        *rows = grown;
        *room = more;
    }
    return (char *) *rows + index * size;
}

/* Begins to read `size` bytes.  What was read before is forgotten. */
static int begin(struct nats_reader *reader, const char *data, size_t size, struct json *ret_json)
{
    reader->complaint = NULL;
    memset(ret_json, 0, sizeof *ret_json);
    ret_json->reader = reader;
    if (reader->texts_room < size + 1) {
        size_t room = size < 1024 ? 1024 : size + size / 2;
        char *grown = reader->memory.resize(reader->memory.engine, NULL, room);
        if (!grown) {
            return WMS_E_NO_MEMORY;
        }
        release(reader, reader->texts);
        reader->texts = grown;
        reader->texts_room = room;
    }
    ret_json->at = (const unsigned char *) data;
    ret_json->end = ret_json->at + size;
    ret_json->texts = reader->texts;
    return 0;
}

static int finish(struct json *json, int error)
{
    if (!error && json_peek(json) != '\0') {
        error = json_fail(json, "something follows its end");
    } else if (!error && json->at < json->end) {
        error = json_fail(json, "a NUL follows its end");
    }
    json->reader->complaint = error == WMS_E_PROTOCOL ? json->complaint : NULL;
    return error;
}

int nats_reading_refuse(struct nats_reader *reader, const char *complaint)
{
    reader->complaint = complaint;
    return WMS_E_PROTOCOL;
}

int nats_reading_object(struct nats_reader *reader, const char *data, size_t size, size_t most,
                        const struct json_field *fields, size_t count, void *object,
                        uint64_t *ret_seen)
{
    struct json json;

    if (size > most) {
        return nats_reading_refuse(reader, "it is too long");
    }
    int error = begin(reader, data, size, &json);
    return error ? error : finish(&json, json_object(&json, fields, count, object, ret_seen));
}

/* ---- questions ------------------------------------------------------------------------------- */

static int read_id(struct json *json, wms_id *ret_id)
{
    uint64_t number = 0;
    int error;

    ret_id->text = NULL;
    if (json_peek(json) == '"') {
        error = json_string(json, &ret_id->text);
        error = error ? error : *ret_id->text ? 0 : json_fail(json, "an id is empty");
    } else {
        error = json_natural(json, UINT32_MAX, &number);
    }
    ret_id->number = (uint32_t) number;
    return error;
}

/* [id, identity], or an id alone. */
static int read_meant(struct json *json, wms_id *ret_id, const char **ret_identity)
{
    bool first = true, more;

    *ret_identity = NULL;
    if (json_peek(json) != '[') {
        return read_id(json, ret_id);
    }
    int error = json_open(json, '[');
    error = error ? error : json_more(json, ']', &first, &more);
    error = error ? error : read_id(json, ret_id);
    error = error ? error : json_more(json, ']', &first, &more);
    if (!error && more && !json_take_null(json)) {
        error = json_string(json, ret_identity);
    }
    error = error || !more ? error : json_more(json, ']', &first, &more);
    return error ? error : more ? json_fail(json, "an id has more than an identity") : 0;
}

static int read_ids(struct json *json, void *object)
{
    struct nats_question *question = object;
    struct nats_reader *reader = json->reader;
    bool first = true, more;
    int error = json_open(json, '[');

    while (!error) {
        error = json_more(json, ']', &first, &more);
        if (error || !more) {
            break;
        }
        wms_id *id = row_at(reader, &reader->rows, &reader->rows_room, question->count, sizeof *id);
        const char **identity = row_at(reader, &reader->identities, &reader->identities_room,
                                       question->count, sizeof *identity);
        error = id && identity ? read_meant(json, id, identity) : WMS_E_NO_MEMORY;
        question->count++;
    }
    return error;
}

static int read_size(struct json *json, void *object)
{
    struct nats_question *question = object;
    const char *word;
    int error = json_string(json, &word), size = error ? -1 : nats_thumbnail_size_from_name(word);

    if (size >= 0) {
        question->thumbnail_size = (enum wms_thumbnail_size) size;
    }
    return error ? error : size < 0 ? json_fail(json, "a picture's size is none") : 0;
}

static const struct json_field question_fields[] = {
    JSON_FIELD(struct nats_question, all, "all", JSON_FLAG),
    JSON_READ("ids", read_ids),
    JSON_FIELD(struct nats_question, message, "message", JSON_TEXT),
    JSON_FIELD(struct nats_question, title, "title", JSON_TEXT),
    JSON_FIELD(struct nats_question, verify, "verify", JSON_SECONDS),
    JSON_FIELD(struct nats_question, stable, "stable", JSON_SECONDS),
    JSON_FIELD(struct nats_question, timeout, "timeout", JSON_SECONDS),
    JSON_FIELD(struct nats_question, deadline, "deadline", JSON_SECONDS),
    JSON_FIELD(struct nats_question, retries, "retries", JSON_COUNT),
    JSON_FIELD(struct nats_question, what_if, "what_if", JSON_FLAG),
    JSON_FIELD(struct nats_question, stop_on_error, "stop_on_error", JSON_FLAG),
    JSON_FIELD(struct nats_question, activity, "activity", JSON_FLAG),
    JSON_READ("size", read_size),
    JSON_FIELD(struct nats_question, age, "age", JSON_SECONDS),
};

int nats_read_question(struct nats_reader *reader, const char *data, size_t size,
                       struct nats_question *ret_question)
{
    uint64_t seen;

    nats_question_init(ret_question);
    int error = nats_reading_object(reader, data, size, NATS_QUESTION_MAX,
                                    JSON_FIELDS(question_fields), ret_question, &seen);
    if (!error && ret_question->all && ret_question->count > 0) {
        error = nats_reading_refuse(reader, "it is about all sessions, and about some");
    }
    if (ret_question->count > 0) {
        ret_question->ids = reader->rows;
        ret_question->identities = (const char *const *) reader->identities;
    }
    return error;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

static int read_state(struct json *json, struct nats_outcome *outcome)
{
    const char *word;
    int error = json_string(json, &word), state = error ? -1 : nats_state_from_name(word);

    outcome->facts.state = (enum wms_state)(state < 0 ? 0 : state);
    return error ? error : state < 0 ? json_fail(json, "an outcome's state is none") : 0;
}

static int read_code(struct json *json, int *ret_code)
{
    const char *word;
    int error = json_string(json, &word);

    *ret_code = error ? 0 : nats_error_from_name(word);
    return error;
}

static int read_changed(struct json *json, struct nats_outcome *outcome)
{
    uint64_t changed;
    int error = json_natural(json, 1, &changed);

    outcome->facts.changed = (int) changed;
    return error;
}

/* The order of a row. */
enum { ID, STATE, CHANGED, CODE, TEXT, NOTE, USER_NAME, IDENTITY };

static int read_cell(struct json *json, struct nats_outcome *outcome, unsigned column)
{
    wms_outcome *facts = &outcome->facts;

    if (json_take_null(json)) {
        return column == STATE ? json_fail(json, "an outcome has no state") : 0;
    }
    switch (column) {
    case ID:
        facts->id = &outcome->id;
        return read_id(json, &outcome->id);
    case STATE:
        return read_state(json, outcome);
    case CHANGED:
        return read_changed(json, outcome);
    case CODE:
        return read_code(json, &facts->code);
    case TEXT:
        return json_string(json, &facts->text);
    case NOTE:
        return json_string(json, &facts->note);
    case USER_NAME:
        return json_string(json, &facts->user_name);
    case IDENTITY:
        return json_string(json, &facts->identity);
    default:
        return json_skip(json);
    }
}

/* What has failed has a code, and what is as asked has none.  What the host took may not have been
 * verified any more, but was not refused. */
static bool is_sound(enum wms_state state, int code)
{
    switch (state) {
    case WMS_FAILED:
    case WMS_UNKNOWN:
        return code != 0;
    case WMS_VERIFIED:
    case WMS_PLANNED:
    case WMS_GONE:
        return code == 0;
    case WMS_REQUESTED:
        return code != WMS_E_ACCESS_DENIED && code != WMS_E_NOT_FOUND &&
               code != WMS_E_UNSUPPORTED && code != WMS_E_NOT_BOUND && code != WMS_E_UNTRUSTED;
    default:
        return true;
    }
}

static int read_row(struct json *json, struct nats_outcome *outcome)
{
    bool first = true, more = true;
    unsigned column = 0;
    int error = json_open(json, '[');

    memset(outcome, 0, sizeof *outcome);
    outcome->facts.changed = -1;
    while (!error) {
        error = json_more(json, ']', &first, &more);
        if (error || !more) {
            break;
        }
        error = read_cell(json, outcome, column++);
    }
    if (!error && (column <= STATE || !is_sound(outcome->facts.state, outcome->facts.code))) {
        error = json_fail(json, "an outcome is not whole, or its state does not go with its code");
    }
    if (!outcome->facts.code) {
        outcome->facts.text = NULL;
    } else if (!outcome->facts.text) {
        outcome->facts.text = nats_error_text(outcome->facts.code);
    }
    return error;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static int read_session_id(struct json *json, void *object)
{
    return read_id(json, &((wms_session *) object)->id);
}

#define TEXT_FIELD(field, name) JSON_FIELD(wms_session, field, name, JSON_TEXT),
#define FLAG_FIELD(field, name) JSON_FIELD(wms_session, field, name, JSON_KNOWN),
#define TIME_FIELD(field, name) JSON_FIELD(wms_session, field, name, JSON_SECONDS),

/* The id is the first, as it is in what is written. */
static const struct json_field session_fields[] = {
    JSON_READ("id", read_session_id),
    WMS_SESSION_STRINGS(TEXT_FIELD) JSON_FIELD(wms_session, station_id, "station_id", JSON_INTEGER),
    WMS_SESSION_FLAGS(FLAG_FIELD) WMS_SESSION_TIMES(TIME_FIELD)};

int nats_reading_session(struct json *json, void *session)
{
    uint64_t seen;

    wms_session_init(session);
    int error = json_object(json, JSON_FIELDS(session_fields), session, &seen);
    return error ? error : seen & 1 ? 0 : json_fail(json, "a session has no id");
}

/* ---- answers --------------------------------------------------------------------------------- */

/* An answer while it is read: where fields are gathered. */
struct reading {
    struct nats_answer answer;
    bool working, unknown;
    unsigned outcomes, sessions;
};

static int read_outcomes(struct json *json, void *object)
{
    struct reading *reading = object;
    struct nats_reader *reader = json->reader;
    bool first = true, more = true;
    int error = json_open(json, '[');

    reading->answer.count = 0;
    while (!error) {
        error = json_more(json, ']', &first, &more);
        if (error || !more) {
            break;
        }
        struct nats_outcome *row =
            row_at(reader, &reader->rows, &reader->rows_room, reading->answer.count++, sizeof *row);
        error = row ? read_row(json, row) : WMS_E_NO_MEMORY;
    }
    return error;
}

static int read_sessions(struct json *json, void *object)
{
    struct reading *reading = object;
    struct nats_reader *reader = json->reader;
    bool first = true, more = true;
    int error = json_open(json, '[');

    reading->answer.count = 0;
    while (!error) {
        error = json_more(json, ']', &first, &more);
        if (error || !more) {
            break;
        }
        wms_session *row =
            row_at(reader, &reader->rows, &reader->rows_room, reading->answer.count++, sizeof *row);
        error = row ? nats_reading_session(json, row) : WMS_E_NO_MEMORY;
    }
    return error;
}

static int read_failure_code(struct json *json, void *object)
{
    return read_code(json, &((struct reading *) object)->answer.code);
}

enum { F_PART, F_OUTCOMES, F_SESSIONS, F_CODE, F_UNKNOWN, F_WORKING };

static const struct json_field answer_fields[] = {
    [F_PART] = JSON_FIELD(struct reading, answer.part, "part", JSON_COUNT),
    [F_OUTCOMES] = JSON_READ("outcomes", read_outcomes),
    [F_SESSIONS] = JSON_READ("sessions", read_sessions),
    [F_CODE] = JSON_READ("code", read_failure_code),
    [F_UNKNOWN] = JSON_FIELD(struct reading, unknown, "unknown", JSON_FLAG),
    [F_WORKING] = JSON_FIELD(struct reading, working, "working", JSON_FLAG),
    JSON_FIELD(struct reading, answer.text, "text", JSON_TEXT),
    JSON_FIELD(struct reading, answer.user_name, "user", JSON_TEXT),
    JSON_FIELD(struct reading, answer.note, "note", JSON_TEXT),
    JSON_FIELD(struct reading, answer.more, "more", JSON_FLAG),
};

/* Which kind it is; -1: none, or two. */
static int kind_of(const struct reading *reading, uint64_t seen)
{
    const bool is[] = {
        [NATS_OUTCOMES] = seen >> F_OUTCOMES & 1, [NATS_SESSIONS] = seen >> F_SESSIONS & 1,
        [NATS_FAILURE] = seen >> F_CODE & 1,      [NATS_UNKNOWN] = reading->unknown,
        [NATS_WORKING] = reading->working,
    };
    int kind = -1;

    for (int i = 0; i <= NATS_WORKING; i++) {
        if (is[i] && kind >= 0) {
            return -1;
        }
        kind = is[i] ? i : kind;
    }
    return kind;
}

/* The ids of outcomes, whose rows do not move any more; what is not given. */
static void complete(struct nats_reader *reader, struct nats_answer *answer)
{
    if (answer->kind == NATS_OUTCOMES) {
        struct nats_outcome *rows = reader->rows;
        for (size_t i = 0; i < answer->count; i++) {
            rows[i].facts.id = rows[i].facts.id ? &rows[i].id : NULL;
        }
        answer->outcomes = rows;
    } else if (answer->kind == NATS_SESSIONS) {
        answer->sessions = reader->rows;
    }
}

int nats_read_answer(struct nats_reader *reader, const char *data, size_t size,
                     struct nats_answer *ret_answer)
{
    struct reading reading = {.answer.count = 0};
    const char *end = data + size;
    struct json json;
    uint64_t seen;
    int error = begin(reader, data, size < JSON_MAX ? size : JSON_MAX, &json);

    if (error) {
        return error;
    }
    error = json_object(&json, JSON_FIELDS(answer_fields), &reading, &seen);
    if (error) {
        return finish(&json, error);
    }
    int kind = kind_of(&reading, seen);
    reading.answer.kind = (enum nats_answer_kind) kind;
    const char *at = (const char *) json.at;
    if (kind == NATS_OUTCOMES && end - at > 1 && *at == '\n') {
        reading.answer.picture = at + 1;
        reading.answer.picture_size = (size_t) (end - at) - 1;
    } else {
        error = size > JSON_MAX ? json_fail(&json, "it is too long") : finish(&json, 0);
    }
    if (!error && kind < 0) {
        error = json_fail(&json, "it is no answer, or two in one");
    }
    if (!error && reading.answer.part >= NATS_PARTS_MAX) {
        error = json_fail(&json, "it has too many parts");
    }
    reader->complaint = error ? json.complaint : NULL;
    complete(reader, &reading.answer);
    *ret_answer = reading.answer;
    return error;
}
