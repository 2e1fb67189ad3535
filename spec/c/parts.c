/* SPDX-License-Identifier: MIT */
/* parts.c - parts of the MultiPoint provider by themselves: texts at their limits, what is handed
 * to the parser, headers, and answers that need not be read again.
 *
 *     parts           prints what is not so, and returns 1 then
 */
#if __has_include(<curl/curl.h>)
#define _GNU_SOURCE
#include "multipoint/arena.c"
#include "multipoint/head.c"
#include "multipoint/known.c"
#include "multipoint/scan.c"
#include "multipoint/text.c"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) check(condition, #condition, __LINE__)

static unsigned allocations, wrong;

static void check(bool good, const char *what, int line)
{
    if (!good) {
        printf("%d: not so: %s\n", line, what);
        wrong++;
    }
}

static void *resize(wms_engine *engine, void *block, size_t size)
{
    (void) engine;
    if (size == 0) {
        free(block);
        return NULL;
    }
    allocations++;
    return calloc(1, size);
}

static const struct wms_services services = {.resize = resize};
static const struct multipoint_memory memory = {.services = &services};

/* A text that is full takes more only by growing, and one that is not never grows. */
static void texts(void)
{
    struct multipoint_text text = {.memory = &memory};
    char block[4096];

    memset(block, 'x', sizeof block);
    multipoint_text_add(&text, block, 2000);
    size_t size = text.size;
    CHECK(allocations == 1 && size >= 2000 && size < sizeof block);
    multipoint_text_add(&text, block, size - 2000);
    CHECK(allocations == 1 && text.length == size && text.size == size);
    multipoint_text_add(&text, "y", 1);
    CHECK(allocations == 2 && text.length == size + 1 && text.size > size);
    CHECK(text.data[size - 1] == 'x' && text.data[size] == 'y' && !text.failed);
    multipoint_text_add(&text, block, sizeof block);
    CHECK(text.length == size + 1 + sizeof block && text.data[text.length - 1] == 'x');
    multipoint_text_free(&text);
}

static const char *scan(const char *text, size_t end, size_t *ret_cut)
{
    struct multipoint_scan state = {.at = 0};

    return multipoint_scan(&state, text, strlen(text), end, ret_cut);
}

static void scans(void)
{
    static const char text[] =
        "<?xml version='1.0'?><a b='>'>\xC3\xA4\xE2\x98\x83<!-- <c> > --><![CDATA[<d>]]></a>";
    const char *comment = strstr(text, "<!--"), *section = strstr(text, "<![");
    size_t cut, tag = 21, inside = 30;

    for (size_t end = 0; end <= strlen(text); end++) {
        CHECK(!scan(text, end, &cut) && cut <= end);
        CHECK(cut == strlen(text) || (text[cut] & 0xC0) != 0x80);
        CHECK(end >= tag || cut == 0);
        CHECK(end < tag || end >= inside || cut == tag);
        CHECK(end <= (size_t) (comment - text) || end >= (size_t) (section - text) ||
              cut == (size_t) (comment - text));
    }
    CHECK(scan("<!DOCTYPE x>", 12, &cut) && scan("  <!DOCTYPE x>", 14, &cut) &&
          !scan("<!DOCTYP x>", 11, &cut));
}

/* Parts of any length give the same as the whole. */
static void steps(void)
{
    static char text[20000];
    size_t cut, attributes = 0;

    for (size_t length = 7; length < 9000; length += 1) {
        struct multipoint_scan state = {.at = 0};
        const char *problem = NULL;
        memset(text, ' ', sizeof text - 1);
        memcpy(text, "<a", 2);
        text[length] = '>';
        for (size_t end = 0; !problem && end < sizeof text - 1; end += 1 + length % 700) {
            problem = multipoint_scan(&state, text, sizeof text - 1, end, &cut);
        }
        CHECK(!problem == (length <= 8192));
    }
    for (size_t count = 60; count < 70; count++, attributes = 0) {
        char *at = stpcpy(text, "<a");
        for (; attributes < count; attributes++) {
            at = stpcpy(at, " b='==>'");
        }
        stpcpy(at, "/>");
        CHECK(!scan(text, strlen(text), &cut) == (count <= 64));
    }
}

static time_t date(const char *line)
{
    struct multipoint_head head = {.size = 0};

    CHECK(!multipoint_head_add(&head, line, strlen(line)));
    return head.date;
}

static bool refuses(const char *line)
{
    struct multipoint_head head = {.size = 0};

    return multipoint_head_add(&head, line, strlen(line));
}

static void heads(void)
{
    struct multipoint_head head = {.size = 0};

    CHECK(date("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") == 784111777);
    CHECK(date("dATE:Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(date("Date: Sun, 06 Nov 1994 08:49:37 GMT+1\r\n") == -1 && date("Date: \r\n") == -1 &&
          date("Date:") == -1);
    CHECK(date("Date: Sun, 06 anF 1994 08:49:37 GMT\r\n") == -1 && date("Dates: x\r\n") == 0 &&
          date("\r\n") == 0);
    CHECK(refuses("Content-Encoding: gzip\r\n") && refuses("content-encoding:x") &&
          !refuses("Content-Encoding: identity\r\n"));
    CHECK(refuses("Transfer-Encoding: gzip, chunked\r\n") &&
          !refuses("Transfer-Encoding: chunked \r\n"));
    CHECK(!refuses("Content-Encodings: gzip\r\n") && !refuses("X: Content-Encoding: gzip\r\n"));
    for (size_t i = 0; i < MULTIPOINT_HEAD_MAX / 4; i++) {
        CHECK(!multipoint_head_add(&head, "a:\r\n", 4));
    }
    CHECK(multipoint_head_add(&head, "\n", 1) == multipoint_long_head);
}

#define DOCUMENT(headers, element) "<e><h>" headers "</h><b><" element "/></b></e>"

/* Whether the second answer is taken for the first one, which said nothing; `1` is the id of the
 * question to the first, `2` that of the other. */
static bool knows(const char *first, const char *second, size_t length_of_body)
{
    static const struct multipoint_operation operation, other;
    static char text[1];
    const struct multipoint_element body = {
        .name = "x", .space = "", .text = text, .length = length_of_body};
    struct multipoint all = {.known.id_at = 0};
    struct multipoint_host host = {.all = &all};
    struct multipoint_exchange exchange = {
        .host = &host, .operation = &operation, .answer.memory = &memory};

    strcpy(exchange.id, "id-1");
    multipoint_text_add(&exchange.answer, first, strlen(first));
    multipoint_known_add(&exchange, &body);
    strcpy(exchange.id, "id-2");
    multipoint_text_clear(&exchange.answer);
    multipoint_text_add(&exchange.answer, second, strlen(second));
    bool known = multipoint_known_find(&exchange) != NULL;
    exchange.operation = &other;
    CHECK(!multipoint_known_find(&exchange));
    multipoint_known_free(&all);
    CHECK(!all.known.operation);
    multipoint_text_free(&exchange.answer);
    return known;
}

static void known(void)
{
    static const char ours[] = DOCUMENT("<r>id-2</r>", "done");

    CHECK(knows(DOCUMENT("<r>id-1</r>", "done"), ours, 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), ours, 1)); /* it said something */
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<r>id-1</r>", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<r>id-3</r>", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<r>id-2</r>", "dome"),
                 0)); /* behind the id */
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<s>id-2</s>", "done"),
                 0)); /* before it */
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<r>id-2</r>", "done") " ", 0));
    CHECK(!knows(DOCUMENT("<q>id-1</q><r>id-1</r>", "done"),
                 DOCUMENT("<q>id-2</q><r>id-1</r>", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r>", "done"), DOCUMENT("<r>id-2</r", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>xid-1</r>", "done"), DOCUMENT("<r>xid-2</r>", "done"),
                 0)); /* a part of a text */
    CHECK(!knows(DOCUMENT("<r>id-1x</r>", "done"), DOCUMENT("<r>id-2x</r>", "done"), 0));
    CHECK(
        !knows(DOCUMENT("<!--<r>id-1</r>-->", "done"), DOCUMENT("<!--<r>id-2</r>-->", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r>&#x20;", "done"), DOCUMENT("<r>id-2</r>&#x20;", "done"), 0));
    CHECK(!knows(DOCUMENT("<r>id-1</r><?p?>", "done"), DOCUMENT("<r>id-2</r><?p?>", "done"), 0));
    CHECK(!knows("id-1<r/>", "id-2<r/>", 0) && !knows("<r>id-1", "<r>id-2", 0) &&
          !knows("<r/>", "<r/>", 0));
}

int main(void)
{
    known();
    allocations = 0;
    texts();
    scans();
    steps();
    heads();
    return wrong > 0;
}
#else /* without libcurl there is no such provider */
int main(void)
{
    return 0;
}
#endif
