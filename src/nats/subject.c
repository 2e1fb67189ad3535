/* SPDX-License-Identifier: MIT */
/* subject.c - the subjects: who says what to whom.
 *
 * NATS' permissions are about subjects.  What a subject says is vouched for by the servers, what a
 * message says is not: hence who asks, and which host answers, stand in subjects. */
#include "nats/message.h"

#include <stdio.h>
#include <string.h>

#include "nats/names.h"

#define KV     "$KV."
#define GET_OF "$JS.API.DIRECT.GET.KV_"

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool nats_host_token(const char *host, char ret_token[NATS_HOST])
{
    size_t size = strlen(host);

    if (size > 0 && host[size - 1] == '.') {
        size--;
    }
    if (size == 0 || size >= NATS_HOST) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = host[i];
        bool dot = c == '.' && i > 0 && i + 1 < size && host[i - 1] != '.';
        if (!is_letter(c) && !is_digit(c) && c != '-' && !dot) {
            return false;
        }
        ret_token[i] = dot ? '_' : c;
        if (c >= 'A' && c <= 'Z') {
            ret_token[i] = (char) (c - 'A' + 'a');
        }
    }
    ret_token[size] = '\0';
    return true;
}

static bool is_word_of(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-' && text[i] != '_') {
            return false;
        }
    }
    return size > 0;
}

bool nats_is_who(const char *who)
{
    size_t size = strnlen(who, NATS_WHO);

    return size < NATS_WHO && is_word_of(who, size);
}

void nats_nonce(const unsigned char random[NATS_NONCE - 1], char ret_nonce[NATS_NONCE])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEF"; /* 32: all are as likely */

    for (size_t i = 0; i < NATS_NONCE - 1; i++) {
        ret_nonce[i] = letters[random[i] % 32];
    }
    ret_nonce[NATS_NONCE - 1] = '\0';
}

/* ---- writing --------------------------------------------------------------------------------- */

void nats_subject_question(char subject[NATS_SUBJECT], const char *host, enum wms_verb verb,
                           const char *who)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.%s.%s", host, nats_verb_name(verb), who);
}

void nats_subject_questions(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.*.*", host);
}

void nats_subject_answer(char subject[NATS_SUBJECT], const char *host, const char *who,
                         const char *nonce, uint64_t seq)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.answer.%s.%s.%llu", host, who, nonce,
             (unsigned long long) seq);
}

void nats_subject_answers(char subject[NATS_SUBJECT], const char *who, const char *nonce)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "*.answer.%s.%s.*", who, nonce);
}

void nats_subject_event(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.event", host);
}

void nats_subject_store(char subject[NATS_SUBJECT], const char *host, const char *nonce,
                        uint64_t seq)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.store.%s.%llu", host, nonce,
             (unsigned long long) seq);
}

void nats_subject_stores(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, NATS_PREFIX "%s.store.>", host);
}

void nats_subject_presence(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, KV "wms_presence.%s", host);
}

void nats_subject_wish(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, KV "wms_wish.%s", host);
}

void nats_subject_get_presence(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, GET_OF "wms_presence." KV "wms_presence.%s", host);
}

void nats_subject_get_wish(char subject[NATS_SUBJECT], const char *host)
{
    snprintf(subject, NATS_SUBJECT, GET_OF "wms_wish." KV "wms_wish.%s", host);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Moves behind `text` if it stands there. */
static bool take(const char **at, const char *text)
{
    size_t size = strlen(text);
    bool there = strncmp(*at, text, size) == 0;

    *at += there ? size : 0;
    return there;
}

/* Moves behind one token of letters, digits, '-' and '_', and copies it; `most` is its room. */
static bool take_word(const char **at, char *ret_word, size_t most)
{
    size_t size = strcspn(*at, ".");

    if (size >= most || !is_word_of(*at, size)) {
        return false;
    }
    memcpy(ret_word, *at, size);
    ret_word[size] = '\0';
    *at += size;
    return true;
}

/* The rest of it is a number as we write them. */
static bool is_number(const char *at, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (!is_digit(*at) || (*at == '0' && at[1])) {
        return false;
    }
    for (; is_digit(*at); at++) {
        unsigned digit = (unsigned) (*at - '0');
        if (number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return !*at;
}

bool nats_read_question_subject(const char *subject, const char *host, enum wms_verb *ret_verb,
                                char ret_who[NATS_WHO])
{
    char word[32];

    if (!take(&subject, NATS_PREFIX) || !take(&subject, host) || !take(&subject, ".") ||
        !take_word(&subject, word, sizeof word) || !take(&subject, ".") ||
        !take_word(&subject, ret_who, NATS_WHO) || *subject) {
        return false;
    }
    int verb = nats_verb_from_name(word);
    *ret_verb = (enum wms_verb) verb;
    return verb >= 0;
}

bool nats_read_answer_subject(const char *subject, const char *who, const char *nonce,
                              char ret_host[NATS_HOST], uint64_t *ret_seq)
{
    return take(&subject, NATS_PREFIX) && take_word(&subject, ret_host, NATS_HOST) &&
           take(&subject, ".answer.") && take(&subject, who) && take(&subject, ".") &&
           take(&subject, nonce) && take(&subject, ".") && is_number(subject, ret_seq);
}

bool nats_read_reply_subject(const char *subject, const char *host, const char *who,
                             char ret_nonce[NATS_NONCE], uint64_t *ret_seq)
{
    return take(&subject, NATS_PREFIX) && take(&subject, host) && take(&subject, ".answer.") &&
           take(&subject, who) && take(&subject, ".") &&
           take_word(&subject, ret_nonce, NATS_NONCE) && strlen(ret_nonce) == NATS_NONCE - 1 &&
           take(&subject, ".") && is_number(subject, ret_seq);
}

bool nats_read_store_subject(const char *subject, const char *host, const char *nonce,
                             uint64_t *ret_seq)
{
    return take(&subject, NATS_PREFIX) && take(&subject, host) && take(&subject, ".store.") &&
           take(&subject, nonce) && take(&subject, ".") && is_number(subject, ret_seq);
}
