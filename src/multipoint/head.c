/* head.c - the lines before and behind an answer's text: HTTP's status, headers and trailers.
 *
 * libcurl reads them.  It has no limit for all of them together (before 8.3), and would take a compressed answer apart that
 * nobody has asked for.
 */
#include <stdio.h>
#include <strings.h>

#include "multipoint.h"

enum { DATE = 40, YEAR_FIRST = 1900 };

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

/* As HTTP wants it written: "Sun, 06 Nov 1994 08:49:37 GMT".  -1: otherwise. */
static time_t read_date(const char *value, size_t size)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[DATE], month[4];
    struct tm parts = {.tm_isdst = 0};
    int end = 0;

    if (size >= sizeof text) {
        return -1;
    }
    memcpy(text, value, size);
    text[size] = '\0';
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &parts.tm_mday, month, &parts.tm_year,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end) != 6 ||
        (size_t) end != size) {
        return -1;
    }
    const char *found = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!found || (found - months) % 3) {
        return -1;
    }
    parts.tm_mon = (int) (found - months) / 3;
    parts.tm_year -= YEAR_FIRST;
    return timegm(&parts);
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
    } else if (((value = value_of(line, length, "Content-Encoding", &size)) && !is_word(value, size, "identity")) ||
               ((value = value_of(line, length, "Transfer-Encoding", &size)) && !is_word(value, size, "chunked") &&
                !is_word(value, size, "identity"))) {
        return "the host's answer is in an encoding that nobody has asked for";
    }
    return NULL;
}

const char multipoint_long_head[] = "the headers of the host's answer are longer than 65536 bytes";
