/* SPDX-License-Identifier: MIT */
/* names.c - tests of core/names.h, and of what wms.h has for names: each has one, and leads back.
 */
#include "core/names.h"

#include <limits.h>

#include "unit.h"

static const int codes[] = {
#define WMS_X(name, number, text) WMS_E_##name,
    WMS_ERRORS(WMS_X)
#undef WMS_X
};

static bool is_code(int number)
{
    for (size_t i = 0; i < COUNT(codes); i++) {
        if (codes[i] == number) {
            return true;
        }
    }
    return false;
}

/* For names: letters of one case, and '_'. */
static bool is_word(const char *text, char first, char last)
{
    for (const char *c = text; *c; c++) {
        if (*c != '_' && !(*c >= first && *c <= last)) {
            return false;
        }
    }
    return *text != '\0';
}

static void errors(void)
{
    snprintf(where, sizeof where, "codes");
    for (int number = -300; number < 300; number++) {
        const char *name = wms_error_name(number), *text = wms_error_text(number);
        CHECK(is_word(name, 'A', 'Z') && *text && text[strlen(text) - 1] != '.');
        if (is_code(number)) {
            CHECK(wms_error_from_name(name) == number && wms_error_code(number) == number);
            CHECK(strcmp(name, "INTERNAL") != 0 || number == WMS_E_INTERNAL);
        } else { /* INVALID is for misuse: no host has it */
            CHECK(wms_error_code(number) == WMS_E_INTERNAL);
            CHECK(strcmp(name, number == WMS_E_INVALID ? "INVALID" : "INTERNAL") == 0);
            CHECK((strcmp(text, wms_error_text(WMS_E_INTERNAL)) == 0) == (number != WMS_E_INVALID));
        }
    }
    for (size_t i = 0; i < COUNT(codes); i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(strcmp(wms_error_name(codes[i]), wms_error_name(codes[k])) != 0);
            CHECK(strcmp(wms_error_text(codes[i]), wms_error_text(codes[k])) != 0);
        }
    }
    CHECK(wms_error_code(INT_MIN) == WMS_E_INTERNAL && wms_error_code(INT_MAX) == WMS_E_INTERNAL);
    CHECK(wms_error_from_name("") == 0 && wms_error_from_name("timeout") == 0);
    CHECK(wms_error_from_name("INVALID") == 0 && wms_error_from_name("TIMEOUT ") == 0);
}

static void verbs(void)
{
    int calls = 0, ends = 0;

    snprintf(where, sizeof where, "verbs");
    for (int verb = 0; verb < (int) WMS_VERB_COUNT; verb++) {
        const char *name = wms_verb_name((enum wms_verb) verb);
        CHECK(is_word(name, 'a', 'z') && wms_verb_from_name(name) == verb);
        unsigned traits = wms_verb_traits((enum wms_verb) verb);
        calls += wms_traits_of_call(traits);
        ends += (traits & WMS_ON_SERVERS) != 0;
        CHECK((traits & WMS_ON_SERVER) || !(traits & WMS_ON_SERVERS));
    }
    CHECK(calls == 2 && wms_traits_of_call(wms_verb_traits(WMS_CALL)) &&
          wms_traits_of_call(wms_verb_traits(WMS_BIND)));
    CHECK(ends == 3 && wms_verb_is(WMS_REBOOT, WMS_ON_SERVERS) &&
          wms_verb_is(WMS_POWER_OFF, WMS_ON_SERVERS) && wms_verb_is(WMS_WAKE, WMS_ON_SERVERS));
    CHECK(strcmp(wms_verb_name((enum wms_verb) WMS_VERB_COUNT), "?") == 0);
    CHECK(strcmp(wms_verb_name((enum wms_verb) INT_MAX), "?") == 0 &&
          !wms_verb_is((enum wms_verb) INT_MAX, WMS_ON_SERVER));
    CHECK(wms_verb_from_name("") == -1 && wms_verb_from_name("?") == -1 &&
          wms_verb_from_name("Lock") == -1);
}

static void states(void)
{
    size_t count = 0;

    snprintf(where, sizeof where, "states");
#define WMS_X(name, word) count++;
    WMS_STATES(WMS_X)
#undef WMS_X
    for (size_t state = 0; state < count; state++) {
        CHECK(is_word(wms_state_name((enum wms_state) state), 'a', 'z'));
        for (size_t other = 0; other < state; other++) {
            CHECK(strcmp(wms_state_name((enum wms_state) state),
                         wms_state_name((enum wms_state) other)) != 0);
        }
    }
    CHECK(strcmp(wms_state_name((enum wms_state) count), "?") == 0);
    CHECK(strcmp(wms_state_name((enum wms_state) INT_MAX), "?") == 0);
}

static void thumbnail_sizes(void)
{
    for (int size = WMS_THUMBNAIL_SMALL; size <= WMS_THUMBNAIL_FULL; size++) {
        const char *name = wms_thumbnail_size_name((enum wms_thumbnail_size) size);
        CHECK(wms_thumbnail_size_from_name(name) == size);
    }
    CHECK(strcmp(wms_thumbnail_size_name(WMS_THUMBNAIL_MEDIUM), "medium") == 0);
    CHECK(wms_thumbnail_size_from_name("?") == -1 && wms_thumbnail_size_from_name("") == -1);
    CHECK(strcmp(wms_thumbnail_size_name((enum wms_thumbnail_size) 4), "?") == 0);
}

int main(void)
{
    errors();
    verbs();
    thumbnail_sizes();
    states();
    return 0;
}
