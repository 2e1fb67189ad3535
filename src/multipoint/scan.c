/* SPDX-License-Identifier: MIT */
/* scan.c - checks an answer before the parser sees it.
 *
 * libxml2 compares each attribute of a tag with all before it, parses a tag, comment or instruction
 * in one go, and has no limits that are small enough.  So every byte is scanned here first, once:
 * tags, comments and instructions that are too long are refused, and the text is passed on in parts
 * that never end inside of one.
 */
#include "multipoint.h"

/* Bytes of a tag, comment, instruction or CDATA section; attributes of a tag.  Answers of the
 * schema are far below. */
enum { MARKUP_MAX = 8192, ATTRIBUTES_MAX = 64 };

static const char long_markup[] = "it has a tag, a comment or an instruction that is too long";
static const char many_attributes[] = "it has a tag with too many attributes";
static const char document_type[] = "it has a document type";

static bool begins(const struct multipoint_scan *scan, const char *text, const char *beginning)
{
    size_t length = strlen(beginning);

    return scan->at - scan->begin == length && memcmp(text + scan->begin, beginning, length) == 0;
}

static bool ends(const struct multipoint_scan *scan, const char *text, size_t least,
                 const char *end)
{
    size_t length = strlen(end);

    return scan->at - scan->begin >= least + length &&
           memcmp(text + scan->at - length, end, length) == 0;
}

/* Takes one more byte of markup, which began with '<'.  Returns why it is refused, or NULL. */
static const char *add_to_markup(struct multipoint_scan *scan, const char *text, char byte)
{
    switch (scan->state) {
    case MULTIPOINT_SCAN_TAG:
        if (begins(scan, text, "<!--")) {
            scan->state = MULTIPOINT_SCAN_COMMENT;
        } else if (begins(scan, text, "<![CDATA[")) {
            scan->state = MULTIPOINT_SCAN_CDATA;
        } else if (begins(scan, text, "<?")) {
            scan->state = MULTIPOINT_SCAN_INSTRUCTION;
        } else if (begins(scan, text, "<!DOCTYPE")) {
            return document_type;
        } else if (scan->quote) {
            scan->quote = byte == scan->quote ? '\0' : scan->quote;
        } else if (byte == '"' || byte == '\'') {
            scan->quote = byte;
        } else if (byte == '=' && ++scan->attributes > ATTRIBUTES_MAX) {
            return many_attributes;
        } else if (byte == '>') {
            scan->state = MULTIPOINT_SCAN_TEXT;
        }
        break;
    case MULTIPOINT_SCAN_COMMENT:
        scan->state = ends(scan, text, 4, "-->") ? MULTIPOINT_SCAN_TEXT : scan->state;
        break;
    case MULTIPOINT_SCAN_CDATA:
        scan->state = ends(scan, text, 9, "]]>") ? MULTIPOINT_SCAN_TEXT : scan->state;
        break;
    case MULTIPOINT_SCAN_INSTRUCTION:
        scan->state = ends(scan, text, 2, "?>") ? MULTIPOINT_SCAN_TEXT : scan->state;
        break;
    case MULTIPOINT_SCAN_TEXT:
        break;
    }
    return scan->state != MULTIPOINT_SCAN_TEXT && scan->at - scan->begin > MARKUP_MAX ? long_markup
                                                                                      : NULL;
}

const char *multipoint_scan(struct multipoint_scan *scan, const char *text, size_t size, size_t end,
                            size_t *ret_cut)
{
    const char *problem = NULL;

    while (!problem && scan->at < end) {
        if (scan->state == MULTIPOINT_SCAN_TEXT) {
            const char *open = memchr(text + scan->at, '<', end - scan->at);
            scan->at = open ? (size_t) (open - text) + 1 : end;
            if (open) {
                scan->state = MULTIPOINT_SCAN_TAG;
                scan->begin = scan->at - 1;
                scan->attributes = 0;
                scan->quote = '\0';
            }
        } else {
            scan->at++;
            problem = add_to_markup(scan, text, text[scan->at - 1]);
        }
    }
    size_t cut = scan->state == MULTIPOINT_SCAN_TEXT || end == size ? end : scan->begin;
    for (int i = 0; i < 3 && cut > 0 && cut < size && (text[cut] & 0xC0) == 0x80;
         i++) { /* not inside of a UTF-8 character */
        cut--;
    }
    *ret_cut = cut;
    return problem;
}
