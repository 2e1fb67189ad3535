/* SPDX-License-Identifier: MIT */
/* ids.c - ids: ours are numbers or texts, Windows' are numbers.
 *
 * A number stays as it is. "c7", which is how logind names sessions without an audit session id, is
 * 0x80000000 + 7.  Any other text gets a number from 0xC0000000 on, by its hash, so that it usually
 * has the same number in another process.  The ids whose numbers cannot be computed back are kept
 * here.
 *
 * Hosts may choose ids whose hashes collide or are consecutive: the next free number is found
 * without visiting each number that is taken. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

static const DWORD counted = 0x80000000, hashed = 0xC0000000, hashed_end = 0xFFFFFFF0;

struct known {
    struct wms_entry by_number;
    struct wms_entry by_text; /* unless it is empty */
    DWORD number;
    DWORD after; /* all numbers from `number` up to before this one are taken */
    char text[]; /* empty: the id is the number itself */
};

/* Entries are never freed: callers hold pointers to the texts. */
static struct wms_table numbers, texts;

wms_engine *wtsapi_keeper(void)
{
    static wms_engine *keeper;
    wms_engine *engine;

    if (!keeper) {
        int before = wtsapi_end_later();
        keeper = wms_engine_new(NULL, &engine) ? NULL : engine;
        wtsapi_end_again(before);
    }
    return keeper;
}

static uint64_t hash(const void *data, size_t size)
{
    return wms_hash(wms_engine_key(wtsapi_keeper()), data, size);
}

static bool has_number(const struct wms_entry *entry, const void *number)
{
    return ((const struct known *) entry)->number == *(const DWORD *) number;
}

static bool has_text(const struct wms_entry *entry, const void *text)
{
    const void *known = (const char *) entry - offsetof(struct known, by_text);

    return strcmp(((const struct known *) known)->text, text) == 0;
}

static struct known *find(DWORD number)
{
    return numbers.count ? (struct known *) wms_table_find(&numbers, hash(&number, sizeof number),
                                                           has_number, &number)
                         : NULL;
}

static struct known *find_text(const char *text)
{
    struct wms_entry *entry =
        texts.count ? wms_table_find(&texts, hash(text, strlen(text)), has_text, text) : NULL;

    return entry ? NODE_OWNER(entry, struct known, by_text) : NULL;
}

static DWORD number_after(DWORD number)
{
    return number + 1 < hashed_end ? number + 1 : hashed;
}

/* Puts it into both tables, or (out of memory) into none. */
static bool put(struct known *known)
{
    wms_engine *keeper = wtsapi_keeper();

    if (!keeper || wms_table_add(&numbers, keeper, &known->by_number,
                                 hash(&known->number, sizeof known->number))) {
        return false;
    }
    if (*known->text &&
        wms_table_add(&texts, keeper, &known->by_text, hash(known->text, strlen(known->text)))) {
        wms_table_remove(&numbers, keeper, &known->by_number);
        return false;
    }
    return true;
}

static DWORD add(DWORD number, const char *text)
{
    size_t size = strlen(text) + 1;
    struct known *known = malloc(sizeof *known + size);

    if (!known) {
        return ERROR_OUTOFMEMORY;
    }
    known->number = number;
    known->after = number_after(number);
    memcpy(known->text, text, size);
    if (!put(known)) {
        free(known);
        return ERROR_OUTOFMEMORY;
    }
    return 0;
}

/* The first free number from `number` on.  Sets `after` of all entries on the way, so that later
 * searches skip them. */
static DWORD free_from(DWORD number)
{
    DWORD place = number;
    struct known *known;

    while ((known = find(place))) {
        place = known->after;
    }
    while ((known = find(number))) {
        number = known->after;
        known->after = place;
    }
    return place;
}

/* The Windows number of a text such as "c7" (0x80000007); 0: the text has another form. */
static DWORD count_of(const char *text)
{
    DWORD count = 0;

    if (text[0] != 'c' || !text[1] || (text[1] == '0' && text[2])) {
        return 0;
    }
    for (const char *digit = text + 1; *digit; digit++) {
        if (*digit < '0' || *digit > '9') {
            return 0;
        }
        count = count * 10 + (DWORD) (*digit - '0');
        if (count >= hashed - counted) {
            return 0;
        }
    }
    return counted + count;
}

/* FNV-1a, and not the keyed hash, which differs in each process: numbers are to be the same in the
 * next one. */
static DWORD hash_of(const char *text)
{
    DWORD sum = 2166136261;

    for (const unsigned char *byte = (const unsigned char *) text; *byte; byte++) {
        sum = (sum ^ *byte) * 16777619;
    }
    return hashed + sum % (hashed_end - hashed);
}

/* The text's number: the one that it has already, or that of a text such as "c7" if it is free, or
 * the first free one from the text's hash on.  There are far more numbers than sessions, so one is
 * always free.
 */
static DWORD place_of(const char *text)
{
    const struct known *known = find_text(text);

    if (known) {
        return known->number;
    }
    DWORD number = count_of(text);
    return number && !find(number) ? number : free_from(hash_of(text));
}

DWORD wtsapi_id_number(const wms_id *id, DWORD *ret_number)
{
    DWORD number = id->text ? place_of(id->text) : id->number, error = 0;

    if ((id->text || number >= counted) && !find(number)) {
        error = add(number, id->text ? id->text : "");
    }
    if (!error) {
        *ret_number = number;
    }
    return error;
}

bool wtsapi_id_needs_list(DWORD number)
{
    return number >= counted && number < hashed_end && !find(number);
}

wms_id wtsapi_id_of(DWORD number, char room[WTSAPI_ID_ROOM])
{
    const struct known *known = find(number);

    if (known && *known->text) {
        return (wms_id){.text = known->text};
    }
    if (!known && number >= counted && number < hashed) {
        snprintf(room, WTSAPI_ID_ROOM, "c%" PRIu32, (uint32_t) (number - counted));
        return (wms_id){.text = room};
    }
    return (wms_id){.number = number};
}
