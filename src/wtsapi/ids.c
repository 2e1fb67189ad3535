/* ids.c - ids: ours are numbers or texts, Windows' are numbers.
 *
 * A number stays as it is.  "c7", as logind calls sessions outside of audit's count, is 0x80000000 + 7.  Any other text
 * gets a number from 0xC0000000 on, by its hash, so that it mostly has the same in the next process, too.  What a number
 * stands for is kept here for those that cannot be told by looking at them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

static const DWORD counted = 0x80000000, hashed = 0xC0000000, hashed_end = 0xFFFFFFF0;
enum { BUCKETS = 1024 };

struct known {
    struct known *next;
    DWORD number;
    char text[]; /* empty: the id is the number itself */
};

/* Never freed: callers hold the texts. */
static struct known *buckets[BUCKETS];

static struct known *find(DWORD number)
{
    struct known *known = buckets[number % BUCKETS];

    while (known && known->number != number) {
        known = known->next;
    }
    return known;
}

static DWORD add(DWORD number, const char *text)
{
    size_t size = strlen(text) + 1;
    struct known *known = malloc(sizeof *known + size);

    if (!known) {
        return ERROR_OUTOFMEMORY;
    }
    known->number = number;
    memcpy(known->text, text, size);
    known->next = buckets[number % BUCKETS];
    buckets[number % BUCKETS] = known;
    return 0;
}

/* "c7": 0x80000007; 0: it is not of that form. */
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

static DWORD hash_of(const char *text)
{
    DWORD hash = 2166136261;

    for (const unsigned char *byte = (const unsigned char *) text; *byte; byte++) {
        hash = (hash ^ *byte) * 16777619;
    }
    return hashed + hash % (hashed_end - hashed);
}

/* The next that is free or the text's own: there are far more numbers than there can be sessions. */
static DWORD place_of(const char *text)
{
    DWORD number = count_of(text);
    struct known *known = number ? find(number) : NULL;

    if (!number || (known && strcmp(known->text, text) != 0)) {
        number = hash_of(text);
        while ((known = find(number)) && strcmp(known->text, text) != 0) {
            number = number + 1 < hashed_end ? number + 1 : hashed;
        }
    }
    return number;
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
