/* SPDX-License-Identifier: MIT */
/* nats.c - fuzzing: what is heard over NATS.  The input's first byte tells what it is read as, the
 * second which allocation fails. */
#include "nats/message.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { QUESTION, ANSWER, EVENT, PRESENCE, WISH, ACK, SUBJECT, KINDS };

static const char nonce[] = "abcdefghijklmnopqrst";

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return fuzz_realloc(block, size);
}

static const struct nats_memory memory = {resize, NULL};

static void must_be_same(const char *a, const char *b)
{
    MUST(!a == !b && (!a || strcmp(a, b) == 0));
}

static void must_be_same_id(const wms_id *a, const wms_id *b)
{
    must_be_same(a->text, b->text);
    MUST(a->number == b->number && !(a->text && !*a->text));
}

/* ---- what was read is written, and read again ------------------------------------------------ */

static void again_question(struct nats_reader *other, struct nats_text *text,
                           const struct nats_question *read)
{
    struct nats_question again;

    nats_write_question(text, read);
    MUST(!text->failed);
    if (text->size > NATS_QUESTION_MAX) {
        return;
    }
    MUST(nats_read_question(other, text->data, text->size, &again) == 0);
    MUST(read->all == again.all && read->count == again.count && !(read->all && read->count > 0));
    for (size_t i = 0; i < read->count; i++) {
        must_be_same_id(&read->ids[i], &again.ids[i]);
        must_be_same(read->identities[i], again.identities[i]);
    }
    must_be_same(read->message, again.message);
    must_be_same(read->title, again.title);
    MUST(read->retries == again.retries && read->what_if == again.what_if &&
         read->thumbnail_size == again.thumbnail_size);
    MUST((read->verify < 0) == (again.verify < 0) && (read->age < 0) == (again.age < 0));
}

static void again_outcomes(struct nats_reader *other, struct nats_text *text,
                           const struct nats_answer *read)
{
    struct nats_answer again;

    nats_begin_outcomes(text, read->part);
    for (size_t i = 0; i < read->count; i++) {
        nats_write_outcome(text, &read->outcomes[i].facts);
    }
    nats_end_part(text, read->user_name, read->note, read->more);
    MUST(!text->failed && nats_read_answer(other, text->data, text->size, &again) == 0);
    MUST(again.kind == NATS_OUTCOMES && again.count == read->count && again.more == read->more &&
         again.part == read->part);
    for (size_t i = 0; i < read->count; i++) {
        const wms_outcome *a = &read->outcomes[i].facts, *b = &again.outcomes[i].facts;
        MUST(!a->id == !b->id && a->state == b->state && a->changed == b->changed);
        if (a->id) {
            must_be_same_id(a->id, b->id);
        }
        MUST(a->code == b->code && !a->code == !a->text);
        must_be_same(a->text, b->text);
        must_be_same(a->note, b->note);
        must_be_same(a->user_name, b->user_name);
        must_be_same(a->identity, b->identity);
    }
}

static void must_be_same_session(const wms_session *a, const wms_session *b)
{
    must_be_same_id(&a->id, &b->id);
#define WMS_X(field, name) must_be_same(a->field, b->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) MUST(a->field == b->field && a->field >= -1 && a->field <= 1);
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) MUST(a->field >= -1 && a->field <= 9e9 && b->field >= -1);
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
}

static void again_sessions(struct nats_reader *other, struct nats_text *text,
                           const struct nats_answer *read)
{
    struct nats_answer again;

    nats_begin_sessions(text, read->part);
    for (size_t i = 0; i < read->count; i++) {
        nats_write_session(text, &read->sessions[i]);
    }
    nats_end_part(text, read->user_name, read->note, read->more);
    MUST(!text->failed && nats_read_answer(other, text->data, text->size, &again) == 0);
    MUST(again.kind == NATS_SESSIONS && again.count == read->count);
    for (size_t i = 0; i < read->count; i++) {
        must_be_same_session(&read->sessions[i], &again.sessions[i]);
    }
}

static void again_answer(struct nats_reader *other, struct nats_text *text,
                         const struct nats_answer *read)
{
    if (read->kind == NATS_OUTCOMES) {
        again_outcomes(other, text, read);
    } else if (read->kind == NATS_SESSIONS) {
        again_sessions(other, text, read);
    } else {
        struct nats_answer again;
        if (read->kind == NATS_FAILURE) {
            nats_write_failure(text, read->code, read->text);
        } else if (read->kind == NATS_UNKNOWN) {
            nats_write_unknown(text, read->text);
        } else {
            nats_write_working(text);
        }
        MUST(nats_read_answer(other, text->data, text->size, &again) == 0);
        MUST(again.kind == read->kind);
        if (read->kind != NATS_WORKING) {
            MUST(again.code == read->code);
            must_be_same(again.text, read->text);
        }
    }
    nats_text_clear(text);
    nats_write_picture(text, read->picture ? read->picture : "", read->picture_size);
    MUST(text->size == read->picture_size + 1);
}

static void again_presence(struct nats_reader *other, struct nats_text *text,
                           const struct nats_presence *read)
{
    struct nats_presence again;

    nats_write_presence(text, read);
    if (read->beat >= 1e-6) { /* else nothing is left of it */
        MUST(nats_read_presence(other, text->data, text->size, &again) == 0);
        must_be_same(read->instance, again.instance);
        must_be_same(read->version, again.version);
        MUST(read->seq == again.seq);
    }
}

static void again_event(struct nats_reader *other, struct nats_text *text,
                        const struct nats_event *read)
{
    struct nats_event again;

    MUST(read->kind <= WMS_EVENT_CONNECTED && read->seq > 0);
    nats_write_event(text, read);
    MUST(!text->failed && nats_read_event(other, text->data, text->size, &again) == 0);
    must_be_same(read->instance, again.instance);
    MUST(read->seq == again.seq && read->resync == again.resync);
    if (!read->resync) {
        MUST(read->kind == again.kind);
        must_be_same_session(&read->session, &again.session);
    }
}

/* ---- one input ------------------------------------------------------------------------------- */

static void judge(int error, const struct nats_reader *reader)
{
    MUST(error == 0 || error == WMS_E_PROTOCOL || error == WMS_E_NO_MEMORY);
    MUST((error == WMS_E_PROTOCOL) == (reader->complaint != NULL));
    MUST(error != WMS_E_NO_MEMORY || fuzz_memory_ran_out());
}

/* The subjects of a host have as many words as they should have, and none of them is too long. */
static void must_hold_subjects(const char *host)
{
    static const unsigned char bytes[NATS_NONCE - 1] = "12345678901234567890";
    static void (*const all[])(char subject[NATS_SUBJECT], const char *host) = {
        nats_subject_questions,    nats_subject_event, nats_subject_stores,  nats_subject_presence,
        nats_subject_get_presence, nats_subject_wish,  nats_subject_get_wish};
    char subject[NATS_SUBJECT], once[NATS_NONCE];

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        all[i](subject, host);
        MUST(strstr(subject, host) && strlen(subject) < NATS_SUBJECT - 1);
    }
    nats_nonce(bytes, once);
    MUST(strlen(once) == NATS_NONCE - 1 && nats_is_who(once) && nats_is_who("a") &&
         !nats_is_who(""));
    nats_subject_answers(subject, "alice", once);
    MUST(strlen(subject) < NATS_SUBJECT - 1);
}

static void read_subject(const char *data, size_t size)
{
    char subject[NATS_SUBJECT], host[NATS_HOST], who[NATS_WHO], once[NATS_NONCE];
    char again[NATS_SUBJECT];
    enum wms_verb verb;
    uint64_t number;

    size = size < sizeof subject - 1 ? size : sizeof subject - 1;
    memcpy(subject, data, size);
    subject[size] = '\0';
    if (nats_host_token(subject, host)) {
        MUST(strpbrk(host, ".*> ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL && *host);
        must_hold_subjects(host);
    }
    if (nats_read_question_subject(subject, "lab", &verb, who)) {
        nats_subject_question(again, "lab", verb, who);
        must_be_same(subject, again);
    }
    if (nats_read_answer_subject(subject, "alice", nonce, host, &number)) {
        nats_subject_answer(again, host, "alice", nonce, number);
        must_be_same(subject, again);
    }
    if (nats_read_reply_subject(subject, "lab", "alice", once, &number)) {
        nats_subject_answer(again, "lab", "alice", once, number);
        must_be_same(subject, again);
    }
    if (nats_read_store_subject(subject, "lab", nonce, &number)) {
        nats_subject_store(again, "lab", nonce, number);
        must_be_same(subject, again);
    }
}

static void read_as(unsigned kind, const char *data, size_t size)
{
    struct nats_reader reader, other;
    struct nats_text text;
    struct nats_question question;
    struct nats_answer answer;
    struct nats_event event;
    struct nats_presence presence;
    struct nats_wish wish;
    struct nats_ack ack;
    int error = 0;

    nats_reader_init(&reader, &memory);
    nats_reader_init(&other, &memory);
    nats_text_init(&text, &memory);
    switch (kind) {
    case QUESTION:
        error = nats_read_question(&reader, data, size, &question);
        break;
    case ANSWER:
        error = nats_read_answer(&reader, data, size, &answer);
        break;
    case EVENT:
        error = nats_read_event(&reader, data, size, &event);
        break;
    case PRESENCE:
        error = nats_read_presence(&reader, data, size, &presence);
        break;
    case WISH:
        error = nats_read_wish(&reader, data, size, &wish);
        break;
    case ACK:
        error = nats_read_ack(&reader, data, size, &ack);
        break;
    default:
        read_subject(data, size);
        break;
    }
    judge(error, &reader);
    fuzz_memory_relax();
    if (!error && kind == QUESTION) {
        again_question(&other, &text, &question);
    } else if (!error && kind == ANSWER) {
        again_answer(&other, &text, &answer);
    } else if (!error && kind == EVENT) {
        again_event(&other, &text, &event);
    } else if (!error && kind == PRESENCE) {
        again_presence(&other, &text, &presence);
    } else if (!error && kind == WISH) {
        nats_write_wish(&text, &wish);
        MUST(nats_read_wish(&other, text.data, text.size, &wish) == 0);
    }
    nats_reader_free(&reader);
    nats_reader_free(&other);
    nats_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    char *copy = malloc(size); /* a block of its own: what reads behind the bytes is seen */
    MUST(copy);
    memcpy(copy, data + 2, size - 2);
    fuzz_memory_begin(data[1]);
    char *exact = size > 2 ? realloc(copy, size - 2) : copy;
    MUST(exact);
    read_as(data[0] % KINDS, exact, size - 2);
    free(exact);
    return 0;
}
