/* SPDX-License-Identifier: MIT */
/* record.c - tests of core/record.h: every binding has one text, and no other text is taken for it.
 */
#include "core/record.h"

#include "core/value.h"
#include "unit.h"

#define FIRST "wms binding 1\n"

static char why[200];

static int parse(const char *text, size_t size, wms_value **ret_value)
{
    memset(why, 0, sizeof why);
    return wms_record_parse(unit_engine(), text, size, ret_value, why, sizeof why);
}

static int print(const wms_value *value, char **ret_text, size_t *ret_size)
{
    memset(why, 0, sizeof why);
    return wms_record_print(unit_engine(), value, ret_text, ret_size, why, sizeof why);
}

/* ---- good texts
 * ---------------------------------------------------------------------------------- */

static const char whole[] = FIRST "a boolean true\n"
                                  "B_2 boolean false\n"
                                  "_ integer -1\n"
                                  "least integer -9223372036854775808\n"
                                  "zero natural 0\n"
                                  "most natural 18446744073709551615\n"
                                  "text string \"as it is, 'all' of \\ it%25%22%00%0A%FF\"\n"
                                  "empty string \"\"\n"
                                  "secret.a string \"hidden\"\n"
                                  "secret.b natural 7\n"
                                  "end\n";

static void read_and_written(void)
{
    static const char bytes[] = "as it is, 'all' of \\ it%\"\0\n\377";
    wms_value *value = NULL;
    char *text = NULL;
    size_t size = 0;

    snprintf(where, sizeof where, "a whole text");
    CHECK(parse(whole, sizeof whole - 1, &value) == 0 && heap.blocks == 1);
    CHECK(value->kind == WMS_TABLE && value->size == 9);
    CHECK(wms_value_field(value, "a")->kind == WMS_BOOLEAN &&
          wms_value_field(value, "a")->integer == 1);
    CHECK(wms_value_field(value, "B_2")->integer == 0 &&
          wms_value_field(value, "_")->integer == -1);
    CHECK(wms_value_field(value, "least")->integer == INT64_MIN);
    CHECK(wms_value_field(value, "most")->natural == UINT64_MAX);
    CHECK(wms_value_field(value, "text")->size == sizeof bytes - 1);
    CHECK(memcmp(wms_value_field(value, "text")->text, bytes, sizeof bytes) == 0);
    CHECK(wms_value_field(value, "empty")->size == 0 &&
          *wms_value_field(value, "empty")->text == '\0');
    CHECK(wms_value_field(wms_value_field(value, "secret"), "b")->natural == 7);
    CHECK(print(value, &text, &size) == 0 && size == sizeof whole - 1 &&
          memcmp(text, whole, size + 1) == 0);
    wms_free(unit_engine(), text);
    wms_value_free(unit_engine(), value);
    CHECK(parse(FIRST "end\n", sizeof FIRST + 3, &value) == 0 && value->kind == WMS_TABLE &&
          value->size == 0);
    wms_value_free(unit_engine(), value);
    CHECK(heap.blocks == 0);
}

/* If it is taken, then it is what is written for it. */
static void refused_or_the_one(const char *text, size_t size)
{
    wms_value *value = NULL;
    char *again = NULL;
    size_t again_size = 0;
    int error = parse(text, size, &value);

    CHECK(error == 0 || (error == WMS_E_INVALID && !value && *why && strlen(why) < sizeof why - 1));
    if (error == 0) {
        CHECK(print(value, &again, &again_size) == 0 && again_size == size &&
              memcmp(again, text, size) == 0);
        wms_free(unit_engine(), again);
        wms_value_free(unit_engine(), value);
    }
    CHECK(heap.blocks == 0);
}

/* Cut off anywhere, and with each byte instead of each of its own. It is given without a NUL behind
 * it, for sanitizers. */
static void broken(void)
{
    size_t size = sizeof whole - 1;
    wms_value *value = NULL;

    for (size_t cut = 0; cut < size; cut++) {
        char *text = malloc(cut + 1);
        snprintf(where, sizeof where, "cut off behind %zu bytes", cut);
        CHECK(text);
        memcpy(text + 1, whole, cut);
        CHECK(parse(text + 1, cut, &value) == WMS_E_INVALID && heap.blocks == 0);
        free(text);
    }
    for (size_t at = 0; at < size; at++) {
        char text[sizeof whole];
        snprintf(where, sizeof where, "another byte at %zu", at);
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, whole, sizeof text);
            text[at] = (char) byte;
            refused_or_the_one(text, size);
        }
        memcpy(text, whole, sizeof text);
        memmove(text + at, text + at + 1, size - at);
        snprintf(where, sizeof where, "without the byte at %zu", at);
        refused_or_the_one(text, size - 1);
    }
}

static void wrong_texts(void)
{
    static const struct {
        const char *body;
        unsigned line;
    } cases[] = {
        {"end", 2},
        {"end\nx", 2},
        {"a natural 1\nend\n\n", 3},
        {"a natural 1\nend\na natural 1\n", 3},
        {"a natural 1\na natural 1\nend\n", 3},
        {"a natural 1\na string \"\"\nend\n", 3},
        {"a natural 01\nend\n", 2},
        {"a natural -1\nend\n", 2},
        {"a natural +1\nend\n", 2},
        {"a natural 18446744073709551616\nend\n", 2},
        {"a natural 99999999999999999999999\nend\n", 2},
        {"a natural \nend\n", 2},
        {"a natural 1 \nend\n", 2},
        {"a natural 1\r\nend\n", 2},
        {"a integer 1\nend\n", 2},
        {"a integer -0\nend\n", 2},
        {"a integer --1\nend\n", 2},
        {"a integer -9223372036854775809\nend\n", 2},
        {"a boolean True\nend\n", 2},
        {"a boolean truefalse\nend\n", 2},
        {"a nil \nend\n", 2},
        {"a table \nend\n", 2},
        {" a natural 1\nend\n", 2},
        {"1a natural 1\nend\n", 2},
        {"a-b natural 1\nend\n", 2},
        {"a  natural 1\nend\n", 2},
        {"a string a\nend\n", 2},
        {"a string \"\nend\n", 2},
        {"a string \"%\"\nend\n", 2},
        {"a string \"%0\"\nend\n", 2},
        {"a string \"%0a\"\nend\n", 2},
        {"a string \"%41\"\nend\n", 2}, /* an A is written as it is */
        {"a string \"%20\"\nend\n", 2},
        {"a string \"\303\244\"\nend\n", 2},
        {"secret natural 1\nend\n", 2},
        {"secret.a natural 1\nb natural 1\nend\n", 3},
        {"secret.a natural 1\nsecret.a natural 1\nend\n", 3},
        {"secret.secret.a natural 1\nend\n", 2},
        {"secret.1 natural 1\nend\n", 2},
    };
    wms_value *value = NULL;
    char text[200], line[20], little[10];

    for (size_t i = 0; i < COUNT(cases); i++) {
        int size = snprintf(text, sizeof text, FIRST "%s", cases[i].body);
        snprintf(where, sizeof where, "wrong text %zu: %s", i, cases[i].body);
        CHECK(parse(text, (size_t) size, &value) == WMS_E_INVALID && !value && heap.blocks == 0);
        snprintf(line, sizeof line, "line %u: ", cases[i].line);
        if (strncmp(why, line, strlen(line)) != 0) {
            fail("not %s but %s", line, why);
        }
        /* A complaint that has no room is cut off. */
        memset(little, 'x', sizeof little);
        CHECK(wms_record_parse(unit_engine(), text, (size_t) size, &value, little,
                               sizeof little - 1) == WMS_E_INVALID);
        CHECK(strlen(little) == sizeof little - 2 && little[sizeof little - 1] == 'x');
    }
    snprintf(where, sizeof where, "another first line");
    CHECK(parse("", 0, &value) == WMS_E_INVALID);
    CHECK(parse("wms binding 2\nend\n", 18, &value) == WMS_E_INVALID);
    CHECK(parse("\357\273\277" FIRST "end\n", sizeof FIRST + 6, &value) == WMS_E_INVALID);
}

/* ---- limits
 * -------------------------------------------------------------------------------------- */

static void limits(void)
{
    static char names[WMS_RECORD_FIELDS + 1][8], long_text[WMS_RECORD_SIZE + 1];
    static wms_value fields[WMS_RECORD_FIELDS + 1];
    char name[WMS_RECORD_NAME + 2];
    wms_value table = {.kind = WMS_TABLE, .items = fields};
    wms_value hiding = {.kind = WMS_TABLE, .name = "secret", .items = fields};
    wms_value *value = NULL;
    char *text = NULL;
    size_t size = 0;

    snprintf(where, sizeof where, "how many fields");
    for (size_t i = 0; i < COUNT(fields); i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        fields[i] = (wms_value){.kind = WMS_NATURAL, .name = names[i], .natural = i};
    }
    for (int secret = 0; secret < 2; secret++) {
        wms_value outer = {.kind = WMS_TABLE, .items = secret ? &hiding : fields, .size = 1};
        size_t *count = secret ? &hiding.size : &outer.size;
        *count = WMS_RECORD_FIELDS;
        CHECK(print(&outer, &text, &size) == 0 && parse(text, size, &value) == 0);
        CHECK((secret ? value->items : value)->size == WMS_RECORD_FIELDS);
        wms_value_free(unit_engine(), value);
        wms_free(unit_engine(), text);
        ++*count;
        CHECK(print(&outer, &text, &size) == WMS_E_INVALID && heap.blocks == 0);
    }
    snprintf(where, sizeof where, "how long a name");
    for (size_t length = 0; length < sizeof name; length++) {
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        fields[0].name = name;
        table.size = 1;
        CHECK(print(&table, &text, &size) ==
              (length > 0 && length <= WMS_RECORD_NAME ? 0 : WMS_E_INVALID));
        if (*why == '\0') {
            wms_free(unit_engine(), text);
        }
    }
    snprintf(where, sizeof where, "how long a text");
    memset(long_text, 'x', sizeof long_text);
    fields[0] = (wms_value){.kind = WMS_STRING, .name = "a", .text = long_text};
    size_t rest = strlen(FIRST "a string \"\"\nend\n");
    fields[0].size = WMS_RECORD_SIZE - rest;
    CHECK(print(&table, &text, &size) == 0 && size == WMS_RECORD_SIZE);
    wms_free(unit_engine(), text);
    fields[0].size++;
    CHECK(print(&table, &text, &size) == WMS_E_INVALID && strstr(why, "65536") && heap.blocks == 0);
    CHECK(parse(long_text, WMS_RECORD_SIZE + 1, &value) == WMS_E_INVALID && strstr(why, "65536"));
}

/* What cannot be written: it is said, and no memory is left. */
static void unwritable(void)
{
    static const wms_value inner = {.kind = WMS_NATURAL, .name = "x"};
    static const wms_value secrets[] = {
        {.kind = WMS_TABLE, .name = "secret", .items = &inner, .size = 1}};
    static const wms_value fields[] = {
        {.kind = WMS_NIL, .name = "a"},
        {.kind = WMS_LIST, .name = "a"},
        {.kind = WMS_TABLE, .name = "a", .items = &inner, .size = 1},
        {.kind = WMS_NATURAL},
        {.kind = WMS_NATURAL, .name = ""},
        {.kind = WMS_NATURAL, .name = "a b"},
        {.kind = WMS_NATURAL, .name = "1"},
        {.kind = WMS_NATURAL, .name = "secret.a"},
        {.kind = WMS_NATURAL, .name = "\303\244"},
        {.kind = WMS_NATURAL, .name = "secret"},
        {.kind = WMS_TABLE, .name = "secret", .items = secrets, .size = 1},
    };
    const wms_value twice[] = {inner, inner};
    wms_value table = {.kind = WMS_TABLE, .size = 1};
    char *text = NULL;
    size_t size;

    for (size_t i = 0; i < COUNT(fields); i++) {
        snprintf(where, sizeof where, "the field %zu", i);
        table.items = &fields[i];
        CHECK(print(&table, &text, &size) == WMS_E_INVALID && !text && *why && heap.blocks == 0);
    }
    snprintf(where, sizeof where, "no table");
    CHECK(print(&fields[0], &text, &size) == WMS_E_INVALID && !text);
    CHECK(print(&inner, &text, &size) == WMS_E_INVALID && !text);
    snprintf(where, sizeof where, "a name twice");
    table = (wms_value){.kind = WMS_TABLE, .items = twice, .size = 2};
    CHECK(print(&table, &text, &size) == WMS_E_INVALID && !text && heap.blocks == 0);
    table.kind = WMS_LIST;
    CHECK(print(&table, &text, &size) == WMS_E_INVALID && !text);
}

/* ---- memory
 * -------------------------------------------------------------------------------------- */

/* From each allocation on; and no block that goes has the secret in it, unless the caller leaves it
 * there. */
static void out_of_memory(void)
{
    wms_value *value = NULL;
    char *text = NULL;
    size_t size = 0;
    int error = WMS_E_NO_MEMORY;

    snprintf(where, sizeof where, "out of memory");
    heap.wanted = "hidden";
    heap.seen = 0;
    heap.allowed = 0;
    CHECK(parse(whole, sizeof whole - 1, &value) == WMS_E_NO_MEMORY && !value && heap.blocks == 0);
    heap.allowed = 1;
    CHECK(parse(whole, sizeof whole - 1, &value) == 0);
    for (size_t allowed = 0; error; allowed++) {
        heap.allowed = allowed;
        error = print(value, &text, &size);
        CHECK(error == (allowed < 2 ? WMS_E_NO_MEMORY : 0) && heap.blocks == (error ? 1 : 2));
    }
    heap.allowed = SIZE_MAX;
    wms_free_wiped(unit_engine(), text, size + 1);
    wms_value_free(unit_engine(), value);
    CHECK(heap.seen == 0 && heap.blocks == 0);
    /* A text that is found to be wrong behind its secret. */
    value = NULL;
    CHECK(parse(whole, sizeof whole - 2, &value) == WMS_E_INVALID && heap.seen == 0);
    heap.wanted = NULL;
}

int main(void)
{
    read_and_written();
    broken();
    wrong_texts();
    limits();
    unwritable();
    out_of_memory();
    CHECK(heap.blocks == 0);
    return 0;
}
