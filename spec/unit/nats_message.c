/* SPDX-License-Identifier: MIT */
/* nats_message.c - tests of nats/message.h: what is said over NATS comes back as it was said, and
 * nothing else is taken for it. */
#include "nats/message.h"

#include "nats/names.h"
#include "unit.h"

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    return unit_resize(NULL, block, size);
}

static const struct nats_memory memory = {resize, NULL};
static struct nats_text text;
static struct nats_reader reader;

/* A copy in a block of its own, without a NUL, so that the sanitizer sees whoever reads behind it.
 */
static char *copy_of(const void *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    CHECK(copy);
    memcpy(copy, data, size);
    return copy;
}

static bool is_text(const char *expected)
{
    return !text.failed && text.size == strlen(expected) &&
           memcmp(text.data, expected, text.size) == 0;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- subjects -------------------------------------------------------------------------------- */

static void hosts(void)
{
    static const char *const bad[] = {"",   ".",  "a..b",    ".a",  "a_b", "a b",
                                      "a*", "a>", "fe80::1", "a%b", "a/b"};
    char token[NATS_HOST], longest[300];

    CHECK(nats_host_token("Lab-01.School.Example.", token) && same(token, "lab-01_school_example"));
    CHECK(nats_host_token("10.0.0.5", token) && same(token, "10_0_0_5"));
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!nats_host_token(bad[i], token));
    }
    memset(longest, 'a', sizeof longest);
    longest[NATS_HOST - 1] = '\0';
    CHECK(nats_host_token(longest, token) && same(token, longest));
    longest[NATS_HOST - 1] = 'a';
    longest[NATS_HOST] = '\0';
    CHECK(!nats_host_token(longest, token));
    CHECK(nats_is_who("a-B_9") && !nats_is_who("") && !nats_is_who("a.b") && !nats_is_who("*"));
    memset(longest, 'a', sizeof longest);
    longest[NATS_WHO - 1] = '\0';
    CHECK(nats_is_who(longest));
    longest[NATS_WHO - 1] = 'a';
    longest[NATS_WHO] = '\0';
    CHECK(!nats_is_who(longest));
}

static void questions_have_subjects(void)
{
    static const char *const bad[] = {"wms.v1.lab.unlock",
                                      "wms.v1.lab.unlock.",
                                      "wms.v1.lab.unlock.a.b",
                                      "wms.v1.lab.nothing.alice",
                                      "wms.v1.labx.unlock.a",
                                      "wms.v2.lab.unlock.alice",
                                      "wms.v1.lab.unlock.al*ce",
                                      "wms.v1.lab.answer.alice",
                                      "wms.v1.lab.",
                                      "wms.v1.lab.event",
                                      ""};
    char subject[NATS_SUBJECT], who[NATS_WHO];
    enum wms_verb verb;

    nats_subject_question(subject, "lab", WMS_POWER_OFF, "alice");
    CHECK(same(subject, "wms.v1.lab.power_off.alice"));
    CHECK(nats_read_question_subject(subject, "lab", &verb, who) && verb == WMS_POWER_OFF &&
          same(who, "alice"));
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!nats_read_question_subject(bad[i], "lab", &verb, who));
    }
}

static void answers_have_subjects(void)
{
    static const char nonce[] = "abcdefghijklmnopqrst";
    static const char *const numbers[] = {"", "01", "-1", "1x", "18446744073709551616", "1.2"};
    char subject[NATS_SUBJECT], host[NATS_HOST], read[NATS_NONCE];
    uint64_t number;

    nats_subject_answer(subject, "lab", "alice", nonce, UINT64_MAX);
    CHECK(nats_read_answer_subject(subject, "alice", nonce, host, &number) && same(host, "lab") &&
          number == UINT64_MAX);
    CHECK(!nats_read_answer_subject(subject, "alic", nonce, host, &number));
    CHECK(!nats_read_answer_subject(subject, "alice", "abcdefghijklmnopqrsx", host, &number));
    CHECK(nats_read_reply_subject(subject, "lab", "alice", read, &number) && same(read, nonce));
    CHECK(!nats_read_reply_subject(subject, "lab", "bob", read, &number));
    CHECK(!nats_read_reply_subject(subject, "la", "alice", read, &number));
    CHECK(
        !nats_read_reply_subject("wms.v1.lab.answer.alice.short.1", "lab", "alice", read, &number));
    CHECK(!nats_read_reply_subject("$KV.wms_wish.lab", "lab", "alice", read, &number));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        snprintf(subject, sizeof subject, "wms.v1.lab.answer.alice.%s.%s", nonce, numbers[i]);
        CHECK(!nats_read_answer_subject(subject, "alice", nonce, host, &number));
    }
    nats_subject_store(subject, "lab", nonce, 0);
    CHECK(nats_read_store_subject(subject, "lab", nonce, &number) && number == 0);
}

/* The longest names there are. */
static void subjects_fit(void)
{
    char host[NATS_HOST], who[NATS_WHO], nonce[NATS_NONCE], subject[NATS_SUBJECT];

    memset(host, 'h', sizeof host);
    memset(who, 'w', sizeof who);
    memset(nonce, 'n', sizeof nonce);
    host[sizeof host - 1] = who[sizeof who - 1] = nonce[sizeof nonce - 1] = '\0';
    nats_subject_answer(subject, host, who, nonce, UINT64_MAX);
    CHECK(strlen(subject) < NATS_SUBJECT - 1 && subject[strlen(subject) - 1] == '5');
    nats_subject_question(subject, host, WMS_THUMBNAIL, who);
    CHECK(subject[strlen(subject) - 1] == 'w');
    nats_subject_get_presence(subject, host);
    CHECK(subject[strlen(subject) - 1] == 'h');
}

/* ---- questions ------------------------------------------------------------------------------- */

static int question(const char *json, struct nats_question *ret_question)
{
    char *copy = copy_of(json, strlen(json));
    int error = nats_read_question(&reader, copy, strlen(json), ret_question);

    free(copy);
    CHECK((error == WMS_E_PROTOCOL) == (reader.complaint != NULL));
    return error;
}

static void questions(void)
{
    const wms_id ids[] = {{NULL, 3}, {"s4", 0}, {NULL, UINT32_MAX}};
    const char *const identities[] = {NULL, "boot:1", NULL};
    struct nats_question asked, read;

    nats_question_init(&asked);
    asked.ids = ids;
    asked.identities = identities;
    asked.count = 3;
    asked.message = "Exam\n\"\\\t\x01 \xc3\xa4 \xf0\x9f\x98\x80";
    asked.title = "";
    asked.verify = 2.5;
    asked.stable = 0;
    asked.timeout = 30;
    asked.deadline = 0.000001;
    asked.retries = 7;
    asked.what_if = asked.stop_on_error = asked.activity = true;
    asked.thumbnail_size = WMS_THUMBNAIL_FULL;
    asked.age = 1.25;
    nats_text_clear(&text);
    nats_write_question(&text, &asked);
    char *copy = copy_of(text.data, text.size);
    CHECK(nats_read_question(&reader, copy, text.size, &read) == 0);
    free(copy); /* nothing of it is kept */
    CHECK(!read.all && read.count == 3 && read.ids[0].number == 3 && !read.ids[0].text &&
          same(read.ids[1].text, "s4") && read.ids[2].number == UINT32_MAX);
    CHECK(!read.identities[0] && same(read.identities[1], "boot:1") && !read.identities[2]);
    CHECK(same(read.message, asked.message) && same(read.title, ""));
    CHECK(read.verify == 2.5 && read.stable == 0 && read.timeout == 30 &&
          read.deadline == 0.000001 && read.retries == 7 && read.age == 1.25);
    CHECK(read.what_if && read.stop_on_error && read.activity &&
          read.thumbnail_size == WMS_THUMBNAIL_FULL);
    nats_question_init(&asked);
    asked.all = true;
    nats_text_clear(&text);
    nats_write_question(&text, &asked);
    CHECK(is_text("{\"all\":true}"));
    CHECK(question("{\"all\":true,\"new\":[{\"a\":[1,2.5e3,null]},\"\\u0000\"]}", &read) ==
          WMS_E_PROTOCOL); /* also where it is not known */
    CHECK(question(" { \"new\" : [ { \"a\" : [ 1 , -2.5e3 , null ] } ] , \"all\" : true } ",
                   &read) == 0 &&
          read.all && read.verify == -1 && read.age == -1);
    CHECK(question("{\"all\":true,\"message\":null,\"verify\":null}", &read) == 0 &&
          !read.message && read.verify == -1);
    CHECK(question("{\"all\":true,\"verify\":1e400}", &read) == WMS_E_PROTOCOL);
    CHECK(question("{\"all\":true,\"verify\":1e-400}", &read) == 0 && read.verify == 0);
}

static void bad_questions(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"all\":1}",
        "{\"all\":true,\"all\":true}",
        "{\"all\":true,\"ids\":[1]}",
        "{\"all\":true} x",
        "{\"all\":true,}",
        "{\"all\" true}",
        "{,\"all\":true}",
        "{\"ids\":[1,]}",
        "{\"ids\":[1 2]}",
        "{\"ids\":[-1]}",
        "{\"ids\":[1.5]}",
        "{\"ids\":[01]}",
        "{\"ids\":[4294967296]}",
        "{\"ids\":[99999999999999999999999999]}",
        "{\"ids\":[\"\"]}",
        "{\"ids\":[[]]}",
        "{\"ids\":[[1,\"a\",2]]}",
        "{\"ids\":[[1,2]]}",
        "{\"ids\":[null]}",
        "{\"ids\":{}}",
        "{\"all\":true,\"message\":\"a\nb\"}",
        "{\"all\":true,\"message\":\"\\u0000\"}",
        "{\"all\":true,\"message\":\"\\ud800\"}",
        "{\"all\":true,\"message\":\"\\ud800\\u0041\"}",
        "{\"all\":true,\"message\":\"\\udc00\"}",
        "{\"all\":true,\"message\":\"\\x\"}",
        "{\"all\":true,\"message\":\"\xff\"}",
        "{\"all\":true,\"message\":\"\xc0\x80\"}",
        "{\"all\":true,\"message\":\"\xed\xa0\x80\"}",
        "{\"all\":true,\"message\":\"\xe2\x82\"}",
        "{\"all\":true,\"message\":\"a",
        "{\"all\":true,\"message\":\"a\\",
        "{\"all\":true,\"message\":\"\\u12",
        "{\"all\":true,\"message\":3}",
        "{\"all\":true,\"verify\":-1}",
        "{\"all\":true,\"verify\":\"1\"}",
        "{\"all\":true,\"verify\":1.}",
        "{\"all\":true,\"verify\":.5}",
        "{\"all\":true,\"verify\":+1}",
        "{\"all\":true,\"verify\":1e}",
        "{\"all\":true,\"verify\":1e11}",
        "{\"all\":true,\"verify\":NaN}",
        "{\"all\":true,\"retries\":4294967296}",
        "{\"all\":true,\"retries\":-1}",
        "{\"all\":true,\"size\":\"huge\"}",
        "{\"all\":true,\"size\":1}",
        "{\"all\":tru}",
        "{\"new\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]],\"all\":true}",
    };
    struct nats_question read;

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(where, sizeof where, "%.200s", bad[i]);
        CHECK(question(bad[i], &read) == WMS_E_PROTOCOL);
    }
    snprintf(where, sizeof where, "a long question");
    char *longest = malloc(NATS_QUESTION_MAX + 1);
    CHECK(longest);
    memset(longest, ' ', NATS_QUESTION_MAX + 1);
    memcpy(longest, "{\"all\":true}", 12);
    CHECK(nats_read_question(&reader, longest, NATS_QUESTION_MAX, &read) == 0);
    CHECK(nats_read_question(&reader, longest, NATS_QUESTION_MAX + 1, &read) == WMS_E_PROTOCOL);
    memset(longest, '[', NATS_QUESTION_MAX);
    CHECK(nats_read_question(&reader, longest, NATS_QUESTION_MAX, &read) == WMS_E_PROTOCOL);
    free(longest);
    CHECK(nats_read_question(&reader, "{\"all\":true}\0", 13, &read) == WMS_E_PROTOCOL);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int answer(const char *json, size_t size, struct nats_answer *ret_answer)
{
    char *copy = copy_of(json, size);
    int error = nats_read_answer(&reader, copy, size, ret_answer);

    CHECK((error == WMS_E_PROTOCOL) == (reader.complaint != NULL));
    free(copy);
    return error;
}

static void outcomes(void)
{
    const wms_id id = {NULL, 7}, named = {"c2", 0};
    const wms_outcome all[] = {
        {.id = &id, .state = WMS_VERIFIED, .changed = 1, .user_name = "bob", .identity = "b:7"},
        {.id = &named, .state = WMS_FAILED, .changed = -1, .code = WMS_E_NOT_FOUND, .text = "gone"},
        {.id = NULL, .state = WMS_UNKNOWN, .changed = 0, .code = WMS_E_TIMEOUT, .note = "n"},
        {.id = &id, .state = WMS_GONE, .changed = -1},
    };
    struct nats_answer read;

    nats_text_clear(&text);
    nats_begin_outcomes(&text, 0);
    for (size_t i = 0; i < COUNT(all); i++) {
        nats_write_outcome(&text, &all[i]);
    }
    nats_end_part(&text, NULL, NULL, false);
    CHECK(is_text("{\"outcomes\":[[7,\"verified\",1,null,null,null,\"bob\",\"b:7\"],"
                  "[\"c2\",\"failed\",null,\"NOT_FOUND\",\"gone\"],"
                  "[null,\"unknown\",0,\"TIMEOUT\",null,\"n\"],[7,\"gone\"]]}"));
    CHECK(answer(text.data, text.size, &read) == 0 && read.kind == NATS_OUTCOMES &&
          read.count == COUNT(all) && read.part == 0 && !read.more && !read.picture);
    for (size_t i = 0; i < COUNT(all); i++) {
        const wms_outcome *got = &read.outcomes[i].facts;
        CHECK(!got->id == !all[i].id && got->state == all[i].state &&
              got->changed == all[i].changed && got->code == all[i].code &&
              same(got->note, all[i].note) && same(got->user_name, all[i].user_name) &&
              same(got->identity, all[i].identity) && !got->text == !got->code);
    }
    CHECK(read.outcomes[0].facts.id->number == 7);
    CHECK(same(read.outcomes[1].facts.id->text, "c2") && same(read.outcomes[1].facts.text, "gone"));
    CHECK(same(read.outcomes[2].facts.text, nats_error_text(WMS_E_TIMEOUT)));
}

static void parts(void)
{
    const wms_id id = {NULL, 1};
    const wms_outcome outcome = {.id = &id, .changed = -1};
    struct nats_answer read;

    nats_text_clear(&text);
    nats_begin_outcomes(&text, 12);
    nats_end_part(&text, "bob", "a note", true);
    CHECK(answer(text.data, text.size, &read) == 0 && read.part == 12 && read.more &&
          read.count == 0 && same(read.user_name, "bob") && same(read.note, "a note"));
    nats_text_clear(&text);
    nats_begin_outcomes(&text, 0);
    nats_write_outcome(&text, &outcome);
    nats_end_part(&text, NULL, NULL, false);
    nats_write_picture(&text, "\xff\xd8\0{", 4);
    CHECK(nats_read_answer(&reader, text.data, text.size, &read) == 0 && read.picture_size == 4 &&
          memcmp(read.picture, "\xff\xd8\0{", 4) == 0);
    nats_text_clear(&text);
    nats_write_failure(&text, WMS_E_ACCESS_DENIED, "no");
    CHECK(answer(text.data, text.size, &read) == 0 && read.kind == NATS_FAILURE &&
          read.code == WMS_E_ACCESS_DENIED && same(read.text, "no"));
    nats_text_clear(&text);
    nats_write_unknown(&text, "it began anew");
    CHECK(answer(text.data, text.size, &read) == 0 && read.kind == NATS_UNKNOWN);
    nats_text_clear(&text);
    nats_write_working(&text);
    CHECK(answer(text.data, text.size, &read) == 0 && read.kind == NATS_WORKING);
}

static void sessions(void)
{
    struct nats_answer read;
    wms_session session;

    wms_session_init(&session);
    session.id = (wms_id){"c1", 0};
#define WMS_X(field, name) session.field = name;
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session.field = (signed char) (sizeof name & 1);
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session.field = 1764489600.5 + (double) sizeof name;
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    session.station_id = INT64_MAX;
    nats_text_clear(&text);
    nats_begin_sessions(&text, 0);
    nats_write_session(&text, &session);
    nats_end_part(&text, NULL, NULL, false);
    CHECK(answer(text.data, text.size, &read) == 0 && read.kind == NATS_SESSIONS &&
          read.count == 1 && same(read.sessions->id.text, "c1") &&
          read.sessions->station_id == INT64_MAX);
#define WMS_X(field, name) CHECK(same(read.sessions->field, name));
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) CHECK(read.sessions->field == session.field);
    WMS_SESSION_FLAGS(WMS_X)
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    wms_session_init(&session);
    nats_text_clear(&text);
    nats_begin_sessions(&text, 3);
    nats_write_session(&text, &session);
    session.id.number = 1;
    nats_write_session(&text, &session);
    nats_end_part(&text, NULL, NULL, false);
    CHECK(is_text("{\"part\":3,\"sessions\":[{\"id\":0},{\"id\":1}]}"));
    CHECK(answer(text.data, text.size, &read) == 0 && read.count == 2 &&
          read.sessions[0].station_id == -1 && read.sessions[0].locked == -1 &&
          read.sessions[0].logon_time == -1 && !read.sessions[0].user_name &&
          read.sessions[1].id.number == 1);
}

static void bad_answers(void)
{
    static const char *const bad[] = {
        "",
        "{}",
        "x",
        "{\"working\":false}",
        "{\"working\":true,\"unknown\":true}",
        "{\"outcomes\":[],\"sessions\":[]}",
        "{\"outcomes\":[],\"code\":\"BUSY\"}",
        "{\"outcomes\":[1]}",
        "{\"outcomes\":[[]]}",
        "{\"outcomes\":[[1]]}",
        "{\"outcomes\":[[1,null]]}",
        "{\"outcomes\":[[1,\"done\"]]}",
        "{\"outcomes\":[[1,\"failed\"]]}",
        "{\"outcomes\":[[1,\"verified\",1,\"BUSY\"]]}",
        "{\"outcomes\":[[1,\"requested\",null,\"ACCESS_DENIED\"]]}",
        "{\"outcomes\":[[1,\"unknown\",1]]}",
        "{\"outcomes\":[[1,\"verified\",2]]}",
        "{\"outcomes\":[[1,\"verified\",true]]}",
        "{\"outcomes\":[[1,\"verified\",1,3]]}",
        "{\"outcomes\":[[1.5,\"verified\"]]}",
        "{\"outcomes\":[[1,\"verified\"]",
        "{\"sessions\":[{}]}",
        "{\"sessions\":[{\"id\":1,\"id\":1}]}",
        "{\"sessions\":[{\"id\":1,\"locked\":1}]}",
        "{\"sessions\":[{\"id\":1,\"user_name\":false}]}",
        "{\"sessions\":[{\"id\":1,\"logon_time\":-5}]}",
        "{\"sessions\":[{\"id\":1,\"station_id\":9223372036854775808}]}",
        "{\"outcomes\":[],\"part\":-1}",
        "{\"outcomes\":[],\"part\":10000}",
        "{\"outcomes\":[],\"more\":1}",
        "{\"code\":1}",
        "{\"sessions\":[]}\nx",
        "{\"outcomes\":[]}x",
        "{\"seq\":5,\"stream\":\"KV_wms_wish\"}",
    };
    struct nats_answer read;

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(where, sizeof where, "%.200s", bad[i]);
        CHECK(answer(bad[i], strlen(bad[i]), &read) == WMS_E_PROTOCOL);
    }
    snprintf(where, sizeof where, "an answer of a later version");
    CHECK(answer("{\"code\":\"A_NEW_ONE\"}", 20, &read) == 0 && read.code == WMS_E_INTERNAL);
    static const char more[] =
        "{\"outcomes\":[[1,\"gone\",null,null,null,null,null,null,{\"x\":1}]]}";
    CHECK(answer(more, sizeof more - 1, &read) == 0 && read.count == 1);
}

/* Many rows: they move while they are read. */
static void many(void)
{
    enum { MANY = 5000 };
    struct nats_answer read;

    nats_text_clear(&text);
    nats_begin_outcomes(&text, 0);
    for (uint32_t i = 0; i < MANY; i++) {
        const wms_id id = {NULL, i};
        nats_write_outcome(&text, &(wms_outcome){.id = &id, .changed = 1, .user_name = "u"});
    }
    nats_end_part(&text, NULL, NULL, false);
    CHECK(answer(text.data, text.size, &read) == 0 && read.count == MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        CHECK(read.outcomes[i].facts.id->number == i &&
              same(read.outcomes[i].facts.user_name, "u"));
    }
}

/* ---- what an agent tells, and the store ------------------------------------------------------ */

static void events(void)
{
    struct nats_event event = {.instance = "i1", .seq = UINT64_MAX, .kind = WMS_EVENT_LOCKED}, read;

    wms_session_init(&event.session);
    event.session.id.number = 4;
    event.session.locked = 1;
    nats_text_clear(&text);
    nats_write_event(&text, &event);
    CHECK(is_text("{\"instance\":\"i1\",\"seq\":18446744073709551615,\"event\":\"locked\","
                  "\"session\":{\"id\":4,\"locked\":true}}"));
    CHECK(nats_read_event(&reader, text.data, text.size, &read) == 0 && same(read.instance, "i1") &&
          read.seq == UINT64_MAX && read.kind == WMS_EVENT_LOCKED && !read.resync &&
          read.session.id.number == 4 && read.session.locked == 1);
    event.resync = true;
    nats_text_clear(&text);
    nats_write_event(&text, &event);
    CHECK(nats_read_event(&reader, text.data, text.size, &read) == 0 && read.resync);
}

static void bad_events(void)
{
    static const char *const bad[] = {
        "{\"instance\":\"i\",\"seq\":1}",
        "{\"instance\":\"i\",\"seq\":0,\"resync\":true}",
        "{\"seq\":1,\"resync\":true}",
        "{\"instance\":\"\",\"seq\":1,\"resync\":true}",
        "{\"instance\":\"a b\",\"seq\":1,\"resync\":true}",
        "{\"instance\":\"i\",\"seq\":1,\"event\":\"locked\"}",
        "{\"instance\":\"i\",\"seq\":1,\"session\":{\"id\":1}}",
        "{\"instance\":\"i\",\"seq\":1,\"event\":\"overflow\",\"session\":{\"id\":1}}",
        "{\"instance\":\"i\",\"seq\":1,\"event\":\"locked\",\"session\":{}}",
    };
    struct nats_event read;

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(where, sizeof where, "%.200s", bad[i]);
        CHECK(nats_read_event(&reader, bad[i], strlen(bad[i]), &read) == WMS_E_PROTOCOL);
    }
}

static void kept(void)
{
    const struct nats_presence there = {"i1", "0.3.0", 10, 3};
    const struct nats_wish wish = {"locked", "Exam", 3600, "alice", true};
    struct nats_presence presence;
    struct nats_wish read;
    struct nats_ack ack;

    snprintf(where, sizeof where, "what is kept");
    nats_text_clear(&text);
    nats_write_presence(&text, &there);
    CHECK(nats_read_presence(&reader, text.data, text.size, &presence) == 0 &&
          same(presence.instance, "i1") && same(presence.version, "0.3.0") && presence.beat == 10 &&
          presence.seq == 3);
    CHECK(nats_read_presence(&reader, "{\"instance\":\"i\"}", 16, &presence) == WMS_E_PROTOCOL);
    nats_text_clear(&text);
    nats_write_wish(&text, &wish);
    CHECK(nats_read_wish(&reader, text.data, text.size, &read) == 0 && same(read.state, "locked") &&
          same(read.message, "Exam") && read.seconds == 3600 && same(read.who, "alice") &&
          read.restore);
    CHECK(nats_read_wish(&reader, "{\"state\":\"unlocked\",\"seconds\":null}", 35, &read) == 0 &&
          read.seconds == -1 && !read.restore);
    CHECK(nats_read_wish(&reader, "{\"state\":\"\"}", 12, &read) == WMS_E_PROTOCOL);
    CHECK(nats_read_wish(&reader, "{}", 2, &read) == WMS_E_PROTOCOL);
    CHECK(nats_read_ack(&reader, "{\"stream\":\"KV_x\",\"seq\":9}", 25, &ack) == 0 &&
          ack.sequence == 9 && !ack.error);
    static const char refusal[] =
        "{\"error\":{\"code\":400,\"err_code\":10058,\"description\":\"in use\"}}";
    CHECK(nats_read_ack(&reader, refusal, sizeof refusal - 1, &ack) == 0 && ack.error == 400 &&
          ack.reason == 10058 && same(ack.text, "in use"));
}

/* What is no UTF-8 is written so that it can be read. */
static void odd_texts(void)
{
    struct nats_question asked, read;

    nats_question_init(&asked);
    asked.all = true;
    asked.message = "a\xff\xe2\x82z\x7f";
    nats_text_clear(&text);
    nats_write_question(&text, &asked);
    CHECK(nats_read_question(&reader, text.data, text.size, &read) == 0 &&
          same(read.message, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\x7f"));
}

/* ---- memory runs out at each place ----------------------------------------------------------- */

static void out_of_memory(void)
{
    static const char asked[] = "{\"ids\":[[1,\"a\"],\"b\"]}";
    struct nats_question read;
    int error = WMS_E_NO_MEMORY;

    nats_reader_free(&reader);
    nats_text_free(&text);
    CHECK(heap.blocks == 0);
    for (size_t i = 0; error; i++) {
        heap.allowed = i;
        error = nats_read_question(&reader, asked, sizeof asked - 1, &read);
        CHECK(error == 0 || error == WMS_E_NO_MEMORY);
        heap.allowed = SIZE_MAX;
        nats_reader_free(&reader);
        CHECK(heap.blocks == 0);
    }
    heap.allowed = 0;
    nats_text_clear(&text);
    nats_write_working(&text);
    CHECK(text.failed);
    heap.allowed = SIZE_MAX;
    nats_write_working(&text);
    CHECK(text.failed); /* until it is cleared */
    nats_text_clear(&text);
    nats_write_working(&text);
    CHECK(!text.failed);
}

int main(void)
{
    nats_text_init(&text, &memory);
    nats_reader_init(&reader, &memory);
    hosts();
    questions_have_subjects();
    answers_have_subjects();
    subjects_fit();
    questions();
    bad_questions();
    outcomes();
    parts();
    sessions();
    bad_answers();
    many();
    events();
    bad_events();
    kept();
    odd_texts();
    out_of_memory();
    nats_reader_free(&reader);
    nats_text_free(&text);
    CHECK(heap.blocks == 0);
    return 0;
}
