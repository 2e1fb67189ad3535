/* SPDX-License-Identifier: MIT */
/* merge.c - tests of wms_listed_merge(): a session that a host lists twice. */
#include "core/parts.h"
#include "unit.h"

/* A session of which each text, flag and number is this one. */
static wms_session session_of(const char *text, signed char flag, int number)
{
    wms_session session;

    wms_session_init(&session);
    session.station_id = number;
#define WMS_X(field, name) session.field = text;
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session.field = flag;
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session.field = number;
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    return session;
}

/* Its row, as it is when the list was made; `whole` NULL: nobody looks at all of it. */
static struct wms_listed row_of(const wms_session *session, wms_session *whole)
{
    return (struct wms_listed){
        .id.number = 7,
        .user_name = session->user_name,
        .identity = session->identity,
        .spared = session->spared,
        .whole = whole,
        .is_orchestratable = session->is_orchestratable,
        .is_own = session->is_own,
    };
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What two flags of this kind are together: 0 is what counts for one (it can be acted on), 1 for
 * another (it is the caller's own). */
static signed char together(signed char one, signed char other, signed char counts)
{
    return one == counts || other == counts ? counts : one == other ? one : -1;
}

/* Each pair of texts, and of flags, and of numbers, in each property. */
static void pair(const char *one_text, const char *other_text, signed char one, signed char other)
{
    wms_session kept_whole = session_of(one_text, one, one * 5),
                other_whole = session_of(other_text, other, other * 5);
    struct wms_listed kept = row_of(&kept_whole, &kept_whole),
                      second = row_of(&other_whole, &other_whole);
    const wms_session before = other_whole;
    const char *text = same_text(one_text, other_text) ? one_text : NULL;
    signed char flag = one == other ? one : -1;
    int number = one == other ? one * 5 : -1;
    const char *spared = one_text ? one_text : other_text;
    signed char can = together(one, other, 0), own = together(one, other, 1);

    snprintf(where, sizeof where, "%s and %s, %d and %d", one_text ? one_text : "none",
             other_text ? other_text : "none", one, other);
    wms_listed_merge(&kept, &second);
    CHECK(kept.id.number == 7 && kept.whole == &kept_whole && kept.user_name == text &&
          kept.identity == text);
    CHECK(kept.spared == spared && kept.is_orchestratable == can && kept.is_own == own);
    CHECK(kept_whole.spared == spared && kept_whole.is_orchestratable == can &&
          kept_whole.is_own == own);
    CHECK(kept_whole.station_id == number);
#define WMS_X(field, name) CHECK(kept_whole.field == text || kept_whole.field == spared);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
    CHECK(kept_whole.user_name == text && kept_whole.state == text && kept_whole.identity == text);
    kept_whole.is_orchestratable = kept_whole.is_own =
        flag; /* the two that are not like the others */
#define WMS_X(field, name) CHECK(kept_whole.field == flag);
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) CHECK(kept_whole.field >= number && kept_whole.field <= number);
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
    /* The second row stays as it was. */
#define WMS_X(field, name) CHECK(other_whole.field == before.field);
    WMS_SESSION_STRINGS(WMS_X)
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
}

/* Where one of them is not kept as a whole, the other's stays. */
static void without_whole(void)
{
    wms_session one = session_of("a", 1, 5), other = session_of("b", 0, 6), kept_whole = one;
    struct wms_listed kept = row_of(&one, NULL), second = row_of(&other, &other);

    snprintf(where, sizeof where, "a row without a whole session");
    wms_listed_merge(&kept, &second);
    CHECK(!kept.whole && !kept.user_name && kept.is_orchestratable == 0 && kept.is_own == 1);
    kept = row_of(&one, &kept_whole);
    second = row_of(&other, NULL);
    wms_listed_merge(&kept, &second);
    CHECK(kept.whole == &kept_whole && kept_whole.user_name == one.user_name &&
          kept_whole.station_id == 5);
    CHECK(!kept.user_name);
}

/* Of three rows, the order does not matter for what is known. */
static void three_rows(void)
{
    static const signed char values[] = {-1, 0, 1};

    snprintf(where, sizeof where, "three rows");
    for (int i = 0; i < 27; i++) {
        const signed char flags[3] = {values[i % 3], values[i / 3 % 3], values[i / 9]};
        signed char can = 0, own = 0;
        for (size_t first = 0; first < 3; first++) {
            struct wms_listed kept = {.is_own = flags[first], .is_orchestratable = flags[first]};
            for (size_t next = 1; next < 3; next++) {
                signed char flag = flags[(first + next) % 3];
                struct wms_listed row = {.is_own = flag, .is_orchestratable = flag};
                wms_listed_merge(&kept, &row);
            }
            CHECK(first == 0 || (kept.is_orchestratable == can && kept.is_own == own));
            can = kept.is_orchestratable;
            own = kept.is_own;
        }
    }
}

int main(void)
{
    static const char a[] = "a", another_a[] = "a", b[] = "b";
    static const char *const texts[] = {NULL, a, another_a, b};

    for (size_t one = 0; one < COUNT(texts); one++) {
        for (size_t other = 0; other < COUNT(texts); other++) {
            for (int flags = 0; flags < 9; flags++) {
                pair(texts[one], texts[other], (signed char) (flags % 3 - 1),
                     (signed char) (flags / 3 - 1));
            }
        }
    }
    without_whole();
    three_rows();
    return 0;
}
