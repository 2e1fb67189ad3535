/* SPDX-License-Identifier: MIT */
/* known.c - remembers the last answer: one that is the same except for the id of its question need
 * not be parsed.
 *
 * Most answers to an action say only that it was carried out, and a host writes them all in the
 * same way.
 */
#define _GNU_SOURCE
#include <string.h>

#include "multipoint.h"

enum { LONGEST = 4096 };

static char empty[1];
static const struct multipoint_element nothing = {.name = "", .space = "", .text = empty};

/* The position of the id, if the answer can be remembered: the id occurs once, as the whole text of
 * an element, in a document without entities, comments, CDATA and instructions, in which it could
 * be spelled differently or stand outside of an element.  NULL: it cannot.
 */
static const char *find_id(const struct multipoint_text *answer, const char *id)
{
    size_t length = strlen(id);
    const char *begin = answer->data, *end = begin + answer->length,
               *at = memmem(begin, answer->length, id, length);

    if (!at || at == begin || at + length == end || at[-1] != '>' || at[length] != '<' ||
        memmem(at + length, (size_t) (end - at) - length, id, length)) {
        return NULL;
    }
    bool plain = !memchr(begin, '&', answer->length) && !memmem(begin, answer->length, "<!", 2) &&
                 !memmem(begin + 1, answer->length - 1, "<?", 2);
    return plain ? at : NULL;
}

void multipoint_known_add(struct multipoint_exchange *exchange,
                          const struct multipoint_element *body)
{
    struct multipoint_known *known = &exchange->host->all->known;
    const struct multipoint_text *answer = &exchange->answer;

    if (body->first || body->length > 0 || body->nil || answer->length > LONGEST) {
        return;
    }
    const char *at = find_id(answer, exchange->id);
    if (!at) {
        return;
    }
    known->answer.memory = answer->memory;
    multipoint_text_clear(&known->answer);
    multipoint_text_add(&known->answer, answer->data, answer->length);
    known->id_at = (size_t) (at - answer->data);
    known->operation = known->answer.failed
                           ? NULL
                           : exchange->operation; /* out of memory: nothing is remembered */
    known->answer.failed = false;
}

const struct multipoint_element *multipoint_known_find(const struct multipoint_exchange *exchange)
{
    const struct multipoint_known *known = &exchange->host->all->known;
    const struct multipoint_text *answer = &exchange->answer;

    if (known->operation != exchange->operation || known->answer.length != answer->length) {
        return NULL;
    }
    size_t at = known->id_at, behind = at + strlen(exchange->id);
    bool same =
        memcmp(answer->data, known->answer.data, at) == 0 &&
        memcmp(answer->data + at, exchange->id, behind - at) == 0 &&
        memcmp(answer->data + behind, known->answer.data + behind, answer->length - behind) == 0;
    return same ? &nothing : NULL;
}

void multipoint_known_free(struct multipoint *all)
{
    multipoint_text_free(&all->known.answer);
    all->known.operation = NULL;
}
