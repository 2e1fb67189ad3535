/* SPDX-License-Identifier: MIT */
/* head.c - the lines before and after an answer's text: HTTP status, headers and trailers.
 *
 * libcurl parses them.  Before 8.3 it has no limit for their total size; and an answer may come in
 * an encoding that was not asked for.  Both are refused here.
 */
#include <strings.h>

#include "multipoint.h"

/* The value of the header `name`, without the blanks around it, or NULL. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *ret_size)
{
    size_t begin = strlen(name);

    if (length <= begin || line[begin] != ':' || strncasecmp(line, name, begin) != 0) {
        return NULL;
    }
    begin++;
    while (begin < length && (line[begin] == ' ' || line[begin] == '\t')) {
        begin++;
    }
    while (length > begin && strchr(" \t\r\n", line[length - 1]) && line[length - 1]) {
        length--;
    }
    *ret_size = length - begin;
    return line + begin;
}

static bool is_word(const char *value, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(value, word, size) == 0;
}

/* Reads a date in the form that HTTP prescribes. -1: it has another form. */
static time_t read_date(const char *value, size_t size)
{
    static const char form[] = "Aaa, 00 Aaa 0000 00:00:00 GMT",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int numbers[sizeof form] = {0}; /* at each digit: the number that ends there */

    if (size != sizeof form - 1) {
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        bool digit = value[i] >= '0' && value[i] <= '9',
             letter = (value[i] | 0x20) >= 'a' && (value[i] | 0x20) <= 'z';
        if (form[i] == '0'                     ? !digit
            : form[i] == 'A' || form[i] == 'a' ? !letter
                                               : value[i] != form[i]) {
            return -1;
        }
        numbers[i] = digit ? (i > 0 ? numbers[i - 1] : 0) * 10 + (value[i] - '0') : 0;
    }
    for (int month = 0; month < 12; month++) {
        if (memcmp(value + 8, &months[(size_t) month * 3], 3) == 0) {
            struct tm parts = {
                .tm_mday = numbers[6],
                .tm_mon = month,
                .tm_year = numbers[15] - 1900,
                .tm_hour = numbers[18],
                .tm_min = numbers[21],
                .tm_sec = numbers[24],
            };
            return timegm(&parts);
        }
    }
    return -1;
}

const char *multipoint_head_add(struct multipoint_head *head, const char *line, size_t length)
{
    size_t size;
    const char *value;

    head->size += length;
    if (head->size > MULTIPOINT_HEAD_MAX) {
        return multipoint_long_head;
    }
    if ((value = value_of(line, length, "Date", &size))) {
        head->date = read_date(value, size);
    } else if (((value = value_of(line, length, "Content-Encoding", &size)) &&
                !is_word(value, size, "identity")) ||
               ((value = value_of(line, length, "Transfer-Encoding", &size)) &&
                !is_word(value, size, "chunked") && !is_word(value, size, "identity"))) {
        return "the host's answer is in an encoding that nobody has asked for";
    }
    return NULL;
}

const char multipoint_long_head[] = "the headers of the host's answer are longer than 65536 bytes";
