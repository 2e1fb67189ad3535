/* SPDX-License-Identifier: MIT */
/* target.c - tests of core/target.h: server addresses, session ids, UTF-8. */
#include "core/target.h"

#include "unit.h"

static const struct wms_key key = {{1, 2}};

/* ---- addresses
 * ----------------------------------------------------------------------------------- */

/* What an address is taken apart into. */
static const struct good {
    const char *text, *scheme, *user, *host;
    unsigned port;
    const char *path;
} good[] = {
    {NULL, "logind", NULL, NULL, 0, NULL},
    {"localhost", "logind", NULL, NULL, 0, NULL},
    {"LocalHost", "logind", NULL, NULL, 0, NULL},
    {"lab01", "multipoint", NULL, "lab01", 0, NULL},
    {"LAB01.School.Example.", "multipoint", NULL, "lab01.school.example", 0, NULL},
    {"lab01:8443", "multipoint", NULL, "lab01", 8443, NULL},
    {"lab_1-a", "multipoint", NULL, "lab_1-a", 0, NULL},
    {"[::1]", "multipoint", NULL, "::1", 0, NULL},
    {"[FE80::1%Eth0]:1", "multipoint", NULL, "fe80::1%Eth0", 1, NULL},
    {"[::ffff:127.0.0.1]:65535", "multipoint", NULL, "::ffff:127.0.0.1", 65535, NULL},
    {"root@lab01", "multipoint", "root", "lab01", 0, NULL},
    {"MEMORY://Lab", "memory", NULL, "lab", 0, NULL},
    {"logind://", "logind", NULL, NULL, 0, NULL},
    {"logind:///run/Bus", "logind", NULL, NULL, 0, "/run/Bus"},
    {"logind://Admin@Host.:22/Path:1@x", "logind", "Admin", "host", 22, "/Path:1@x"},
    {"wts://", "wts", NULL, NULL, 0, NULL},
    {"wts://host/", "wts", NULL, "host", 0, "/"},
    {"demo://", "demo", NULL, NULL, 0, NULL},
    {"demo://a+b$c._-D@host", "demo", "a+b$c._-D", "host", 0, NULL},
};

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void good_ones(void)
{
    static char texts[COUNT(good)][WMS_ADDRESS_MAX + 1];
    struct wms_place place, again;
    char why[200];

    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(where, sizeof where, "%s", good[i].text ? good[i].text : "no address");
        CHECK(wms_place_parse(&place, good[i].text, why, sizeof why) == 0);
        CHECK(same(place.scheme, good[i].scheme) && same(place.address.user, good[i].user));
        CHECK(same(place.address.host, good[i].host) && place.address.port == good[i].port);
        CHECK(same(place.address.path, good[i].path));
        CHECK(same(place.address.text, good[i].text ? good[i].text : "localhost"));
        if (!good[i].text) {
            continue;
        }
        /* What was folded is the same place, and is folded. */
        strcpy(texts[i], good[i].text);
        wms_address_fold(texts[i]);
        CHECK(wms_place_parse(&again, texts[i], why, sizeof why) == 0 &&
              wms_place_equal(&place, &again));
        CHECK(wms_place_hash(&key, &place) == wms_place_hash(&key, &again));
        strcpy(why, texts[i]);
        wms_address_fold(why);
        CHECK(strcmp(why, texts[i]) == 0);
    }
}

static void bad_ones(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "a b",
        "a\tb",
        "a\177",
        "a\303\244",
        "memory://",
        "multipoint://",
        "memory:///path",
        "://a",
        "a1://b",
        "a-b://c",
        "@a",
        "a@",
        "-a@b",
        "a b@c",
        "a/b",
        "a..",
        ".",
        "-a",
        "memory://-a",
        "memory://a?",
        "a:",
        "a:0",
        "a:65536",
        "a:99999999999999999999",
        "a:1x",
        "a:+1",
        "a:1:2",
        "::1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[]",
        "[:/1]",
        "[::1]:0",
        "a!b",
        "memory://a:1a/b",
        "memory://u:p@a",
    };
    struct wms_place place;
    char why[200], little[12];

    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(where, sizeof where, "\"%s\"", bad[i]);
        CHECK(wms_place_parse(&place, bad[i], why, sizeof why) == WMS_E_INVALID);
        CHECK(strncmp(why, "server: ", 8) == 0 && strlen(why) > 20);
        /* A complaint that has no room is cut off. */
        memset(little, 'x', sizeof little);
        CHECK(wms_place_parse(&place, bad[i], little, sizeof little - 1) == WMS_E_INVALID);
        CHECK(strlen(little) == sizeof little - 2 && little[sizeof little - 1] == 'x');
    }
}

static void lengths(void)
{
    char text[WMS_ADDRESS_MAX + 10], why[200];
    struct wms_place place;

    snprintf(where, sizeof where, "long addresses");
    for (size_t size = 1; size < sizeof text; size++) {
        memset(text, 'a', size);
        text[size] = '\0';
        CHECK(wms_place_parse(&place, text, why, sizeof why) ==
              (size <= WMS_ADDRESS_MAX ? 0 : WMS_E_INVALID));
        CHECK(size > WMS_ADDRESS_MAX || strcmp(place.address.host, text) == 0);
        if (size > 4) { /* an empty part takes room as well: "a://a//" has the longest parts */
            memcpy(text, "a://a/", size < 6 ? size : 6);
            CHECK(wms_place_parse(&place, text, why, sizeof why) ==
                  (size <= WMS_ADDRESS_MAX ? 0 : WMS_E_INVALID));
            CHECK(size < 6 || size > WMS_ADDRESS_MAX || strcmp(place.address.path, text + 5) == 0);
        }
    }
    CHECK(strstr(why, "264 characters"));
    for (size_t size = 1; size < 40; size++) { /* the scheme */
        memset(text, 'b', size);
        strcpy(text + size, "://h");
        CHECK(wms_place_parse(&place, text, why, sizeof why) ==
              (size <= WMS_SCHEME_MAX ? 0 : WMS_E_INVALID));
    }
}

/* Places that are the same have one hash; what differs in one part is another, and has another. */
static void differences(void)
{
    static const char *const texts[] = {
        "memory://a",   "memory://b",
        "memory://a:1", "memory://a:2",
        "memory://a@a", "memory://b@a",
        "memory://a/a", "memory://a/",
        "memory://a/A", "memory://aa",
        "logind://a",   "logind://",
        "logind:///a",  "a",
        "memory://A@a", "[::1]",
        "[::1]:1",
    };
    struct wms_place places[COUNT(texts)], other;
    char why[200], longest[WMS_ADDRESS_MAX + 1];

    snprintf(where, sizeof where, "places that differ");
    for (size_t i = 0; i < COUNT(texts); i++) {
        CHECK(wms_place_parse(&places[i], texts[i], why, sizeof why) == 0);
        for (size_t k = 0; k <= i; k++) {
            CHECK(wms_place_equal(&places[k], &places[i]) == (k == i));
            CHECK((wms_place_hash(&key, &places[k]) == wms_place_hash(&key, &places[i])) ==
                  (k == i));
        }
    }
    CHECK(wms_place_parse(&other, "multipoint://a", why, sizeof why) == 0);
    CHECK(wms_place_equal(&other, &places[13]));
    CHECK(wms_place_hash(&key, &other) == wms_place_hash(&key, &places[13]));
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "memory://a@a:1/", 15);
    longest[WMS_ADDRESS_MAX] = '\0';
    CHECK(wms_place_parse(&other, longest, why, sizeof why) == 0);
    uint64_t of_longest = wms_place_hash(&key, &other);
    longest[WMS_ADDRESS_MAX - 1] = 'b';
    CHECK(wms_place_parse(&other, longest, why, sizeof why) == 0);
    CHECK(wms_place_hash(&key, &other) != of_longest);
}

/* Any bytes: it never reads beyond (a sanitizer tells), and what it takes has parts of what it was
 * given. */
static void by_chance(void)
{
    static const char letters[] = "aZ0:/@[]%.-_ \177";
    char text[24], why[200];
    struct wms_place place;

    snprintf(where, sizeof where, "addresses by chance");
    for (int turn = 0; turn < 100000; turn++) {
        size_t size = unit_random(sizeof text);
        for (size_t i = 0; i < size; i++) {
            text[i] = letters[unit_random(sizeof letters - 1)];
        }
        text[size] = '\0';
        int error = wms_place_parse(&place, text, why, sizeof why);
        CHECK(error == 0 || error == WMS_E_INVALID);
        if (error == 0) {
            CHECK(strlen(place.scheme) > 0 &&
                  (!place.address.host || strlen(place.address.host) > 0));
            CHECK(!place.address.path || strstr(text, place.address.path));
            CHECK(!place.address.user || strstr(text, place.address.user));
        }
    }
}

static void schemes(void)
{
    static const char *const known[] = {"memory", "logind", "multipoint", "wts"};

    snprintf(where, sizeof where, "schemes");
    for (size_t i = 0; i < COUNT(known); i++) {
        CHECK(wms_scheme_known(known[i]) && !wms_scheme_package(known[i]) == (i == 0));
    }
    CHECK(!wms_scheme_known("") && !wms_scheme_known("Memory") && !wms_scheme_known("wtsapi"));
    CHECK(!wms_scheme_package("") && !wms_scheme_package("ssh"));
}

/* ---- session ids
 * --------------------------------------------------------------------------------- */

static void ids(void)
{
    static const struct {
        const char *text;
        bool fine, number; /* it becomes a number */
        uint32_t value;
    } cases[] = {
        {"0", true, true, 0},
        {"1", true, true, 1},
        {"4294967294", true, true, 4294967294},
        {"4294967295", false, false, 0},
        {"4294967296", false, false, 0},
        {"99999999999999999999999999", false, false, 0},
        {"00", true, false, 0},
        {"01", true, false, 0},
        {"04294967295", true, false, 0},
        {"c2", true, false, 0},
        {"1c", true, false, 0},
        {"-1", true, false, 0},
        {"", false, false, 0},
        {"a b", false, false, 0},
        {"a\n", false, false, 0},
        {"a\177", false, false, 0},
        {"\303\244", false, false, 0},
    };
    char why[200], printed[WMS_ID_PRINTED], text[WMS_ID_MAX + 2];

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(where, sizeof where, "the id \"%s\"", cases[i].text);
        wms_id id = {.text = cases[i].text};
        CHECK(wms_id_check(&id, why, sizeof why) == (cases[i].fine ? 0 : WMS_E_INVALID));
        if (!cases[i].fine) {
            CHECK(id.text == cases[i].text && strncmp(why, "session_ids: ", 13) == 0);
            CHECK(!strstr(why, "no session") == (strcmp(id.text, "4294967295") != 0));
            continue;
        }
        CHECK(!id.text == cases[i].number && (!cases[i].number || id.number == cases[i].value));
        wms_id again = id;
        CHECK(wms_id_check(&again, why, sizeof why) == 0 && wms_id_equal(&id, &again));
        CHECK(wms_id_hash(&key, &id) == wms_id_hash(&key, &again));
        wms_id_print(&id, printed, sizeof printed);
        snprintf(text, sizeof text, cases[i].number ? "%s" : "\"%s\"", cases[i].text);
        CHECK(strcmp(printed, text) == 0);
    }
    snprintf(where, sizeof where, "ids");
    CHECK(wms_id_check(&(wms_id){.number = UINT32_MAX}, why, sizeof why) == WMS_E_INVALID);
    CHECK(wms_id_check(&(wms_id){.number = UINT32_MAX - 1}, why, sizeof why) == 0);
    memset(text, 'a', sizeof text);
    text[WMS_ID_MAX + 1] = '\0';
    CHECK(wms_id_check(&(wms_id){.text = text}, why, sizeof why) == WMS_E_INVALID);
    text[WMS_ID_MAX] = '\0';
    CHECK(wms_id_check(&(wms_id){.text = text}, why, sizeof why) == 0);
    CHECK(strlen(wms_id_print(&(wms_id){.text = text}, printed, sizeof printed)) == WMS_ID_MAX + 2);
}

static void id_differences(void)
{
    const wms_id all[] = {{NULL, 0}, {NULL, 1}, {NULL, 256}, {"0", 0},
                          {"c1", 0}, {"c2", 0}, {"C1", 0}};
    char copy[] = "c1";

    snprintf(where, sizeof where, "ids that differ");
    for (size_t i = 0; i < COUNT(all); i++) {
        for (size_t k = 0; k < COUNT(all); k++) {
            CHECK(wms_id_equal(&all[i], &all[k]) == (i == k));
            CHECK((wms_id_hash(&key, &all[i]) == wms_id_hash(&key, &all[k])) == (i == k));
        }
    }
    CHECK(wms_id_equal(&all[4], &(wms_id){.text = copy, .number = 9}));
    CHECK(wms_id_hash(&key, &all[4]) == wms_id_hash(&key, &(wms_id){.text = copy, .number = 9}));
}

/* ---- UTF-8
 * --------------------------------------------------------------------------------------- */

/* The bytes of a number as UTF-8 writes it in so many bytes, be that allowed or not. */
static void write_utf8(char *text, uint32_t number, unsigned bytes)
{
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (unsigned i = bytes; i-- > 1; number >>= 6) {
        text[i] = (char) (0x80 | (number & 0x3f));
    }
    text[0] = (char) (bytes == 1 ? number : first[bytes] | number);
    text[bytes] = '\0';
}

static void utf8(void)
{
    static const char *const bad[] = {"\200",
                                      "\277",
                                      "\302",
                                      "\302a",
                                      "\340\240",
                                      "\360\220\200",
                                      "\370\210\200\200\200",
                                      "\376",
                                      "\377",
                                      "a\300\200",
                                      "\342\202\254\254"};
    char text[5];

    snprintf(where, sizeof where, "UTF-8");
    CHECK(wms_is_utf8("") && wms_is_utf8("a\302\200\342\202\254\360\237\230\200z"));
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!wms_is_utf8(bad[i]));
    }
    for (uint32_t number = 1; number < 0x120000;
         number++) { /* each in each length that it fits into */
        unsigned shortest = number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
        bool is_one = number <= 0x10ffff && !(number >= 0xd800 && number < 0xe000);
        for (unsigned bytes = shortest; bytes <= 4; bytes++) {
            write_utf8(text, number, bytes);
            CHECK(wms_is_utf8(text) == (is_one && bytes == shortest));
        }
    }
}

int main(void)
{
    good_ones();
    bad_ones();
    lengths();
    differences();
    by_chance();
    schemes();
    ids();
    id_differences();
    utf8();
    return 0;
}
