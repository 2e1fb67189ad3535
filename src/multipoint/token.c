/* SPDX-License-Identifier: MIT */
/* token.c - finds user name and password in what anybody may have sent.
 *
 * Whoever has not shown a password reaches this code and scan.c, and nothing else that reads XML:
 * so it knows only as much of XML as it needs, reads each byte once, allocates nothing, follows no
 * entity but the five that need no declaration, and ends with the header.
 */
#include "telling.h"

static const char *const path[] = {"Envelope", "Header", "Security", "UsernameToken"};
enum { PATH = sizeof path / sizeof *path };

/* Where the text of an element goes to. */
struct field {
    char *data;
    size_t size, most;
    bool there;
};

struct finder {
    const char *at, *end;
    unsigned depth,
        matched; /* open elements; how many of them, from the first on, are of the path */
    struct field user_name, password, *open; /* `open`: the one whose element is open, or NULL */
    bool over;                               /* the header has ended */
};

static const char broken[] = "is no XML that can be read",
                  too_long[] = "has credentials that are "
                               "too long",
                  twice[] = "has more than one user name or password";

/* ---- texts ----------------------------------------------------------------------------------- */

static bool put(struct finder *finder, const char *data, size_t size)
{
    struct field *field = finder->open;

    if (!field) {
        return true;
    }
    if (size > field->most - field->size) {
        return false;
    }
    memcpy(field->data + field->size, data, size);
    field->size += size;
    return true;
}

/* UTF-8; whether XML allows the character is not asked: it then is no password's. */
static size_t encode(uint32_t code, char utf8[4])
{
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1; code >>= 6) {
        utf8[i] = (char) (0x80 | (code & 0x3F));
    }
    utf8[0] = (char) (first[size == 1 ? 0 : size] | code);
    return size;
}

/* "#123" or "#xAB", without '&' and ';'.  0: it is something else. */
static uint32_t number_of(const char *name, size_t size)
{
    bool hex = size > 1 && name[1] == 'x';
    uint32_t number = 0;

    for (size_t i = hex ? 2 : 1; i < size; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, name[i] | 0x20);
        uint32_t value = name[i] && digit ? (uint32_t) (digit - digits) : 16;
        if (value >= (hex ? 16 : 10) || number > 0x10FFFF / 10) {
            return 0;
        }
        number = number * (hex ? 16 : 10) + value;
    }
    return size > (hex ? 2 : 1) && number <= 0x10FFFF ? number : 0;
}

static const char *take_entity(struct finder *finder)
{
    static const struct {
        const char *name;
        char means;
    } five[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    enum { LONGEST = 10 };
    const char *name = ++finder->at;
    size_t left = (size_t) (finder->end - name), size = 0;
    char utf8[4] = "";

    while (size < left && size < LONGEST && name[size] != ';') {
        size++;
    }
    if (size == left || size == LONGEST) {
        return broken;
    }
    finder->at += size + 1;
    uint32_t number = *name == '#' ? number_of(name, size) : 0;
    size_t length = number ? encode(number, utf8) : 0;
    for (size_t i = 0; length == 0 && i < sizeof five / sizeof *five; i++) {
        if (strlen(five[i].name) == size && memcmp(five[i].name, name, size) == 0) {
            utf8[length++] = five[i].means;
        }
    }
    return length == 0 ? broken : put(finder, utf8, length) ? NULL : too_long;
}

static const char *take_text(struct finder *finder)
{
    const char *begin = finder->at;

    if (*begin == '&') {
        return take_entity(finder);
    }
    while (finder->at < finder->end && *finder->at != '<' && *finder->at != '&') {
        finder->at++;
    }
    return put(finder, begin, (size_t) (finder->at - begin)) ? NULL : too_long;
}

/* ---- markup ---------------------------------------------------------------------------------- */

static bool begins(const struct finder *finder, const char *text)
{
    size_t size = strlen(text);

    return (size_t) (finder->end - finder->at) >= size && memcmp(finder->at, text, size) == 0;
}

/* Moves behind the next `end`; *ret_from is where it stood.  False: there is none. */
static bool pass(struct finder *finder, const char *end, const char **ret_from)
{
    *ret_from = finder->at;
    while (finder->at < finder->end && !begins(finder, end)) {
        finder->at++;
    }
    bool found = finder->at < finder->end;
    finder->at += found ? strlen(end) : 0;
    return found;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The name at `at`, without its prefix. */
static size_t local_name(const struct finder *finder, const char *at, const char **ret_name)
{
    *ret_name = at;
    for (; at < finder->end && !is_blank(*at) && *at != '/' && *at != '>'; at++) {
        *ret_name = *at == ':' ? at + 1 : *ret_name;
    }
    return (size_t) (at - *ret_name);
}

static bool is(const char *name, size_t size, const char *wanted)
{
    return strlen(wanted) == size && memcmp(name, wanted, size) == 0;
}

static const char *open_element(struct finder *finder, const char *name, size_t size)
{
    if (finder->depth == MULTIPOINT_DEPTH || finder->open) {
        return broken;
    }
    if (finder->depth == finder->matched && finder->matched < PATH &&
        is(name, size, path[finder->matched])) {
        finder->matched++;
    } else if (finder->depth == PATH && finder->matched == PATH) {
        struct field *field = is(name, size, "Username")   ? &finder->user_name
                              : is(name, size, "Password") ? &finder->password
                                                           : NULL;
        if (field && field->there) {
            return twice;
        }
        finder->open = field;
        if (field) {
            field->there = true;
        }
    }
    finder->over = finder->depth == 1 && is(name, size, "Body");
    finder->depth++;
    return NULL;
}

static const char *close_element(struct finder *finder)
{
    if (finder->depth == 0) {
        return broken;
    }
    finder->depth--;
    finder->open = NULL;
    /* Behind the header there is nothing to be found. */
    finder->over =
        finder->over || finder->depth == 0 || (finder->depth == 1 && finder->matched == 2);
    finder->matched = finder->matched > finder->depth ? finder->depth : finder->matched;
    return NULL;
}

static const char *take_tag(struct finder *finder)
{
    bool closes = begins(finder, "</");
    char quote = '\0';
    const char *name;

    finder->at += closes ? 2 : 1;
    size_t size = local_name(finder, finder->at, &name);
    while (finder->at < finder->end && (quote || *finder->at != '>')) {
        char byte = *finder->at++;
        quote = quote ? (byte == quote ? '\0' : quote) : byte == '"' || byte == '\'' ? byte : '\0';
    }
    if (finder->at == finder->end || size == 0) {
        return broken;
    }
    bool empty = finder->at[-1] == '/';
    finder->at++;
    const char *problem = closes ? NULL : open_element(finder, name, size);
    return problem || (!closes && !empty) ? problem : close_element(finder);
}

static const char *take_markup(struct finder *finder)
{
    const char *from;

    if (begins(finder, "<!--")) {
        finder->at += 4;
        return pass(finder, "-->", &from) ? NULL : broken;
    }
    if (begins(finder, "<![CDATA[")) {
        finder->at += 9;
        if (!pass(finder, "]]>", &from)) {
            return broken;
        }
        return put(finder, from, (size_t) (finder->at - 3 - from)) ? NULL : too_long;
    }
    if (begins(finder, "<?")) {
        return pass(finder, "?>", &from) ? NULL : broken;
    }
    return begins(finder, "<!") ? broken : take_tag(finder);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Blanks around a name have no meaning. */
static void trim(char *text)
{
    size_t begin = strspn(text, " \t\r\n"), length = strlen(text + begin);

    memmove(text, text + begin, length + 1);
    while (length > 0 && is_blank(text[length - 1])) {
        text[--length] = '\0';
    }
}

const char *multipoint_token_find(const char *text, size_t size, struct multipoint_token *ret_token)
{
    struct multipoint_scan scan = {.at = 0};
    size_t cut;

    memset(ret_token, 0, sizeof *ret_token);
    struct finder finder = {
        .at = text,
        .end = text + size,
        .user_name = {.data = ret_token->user_name, .most = MULTIPOINT_USER_MAX},
        .password = {.data = ret_token->password, .most = MULTIPOINT_PASSWORD_MAX},
    };
    const char *problem =
        multipoint_scan(&scan, text, size, size, &cut) || scan.state != MULTIPOINT_SCAN_TEXT
            ? broken
            : NULL;
    while (!problem && !finder.over && finder.at < finder.end) {
        problem = *finder.at == '<' ? take_markup(&finder) : take_text(&finder);
    }
    if (!problem && finder.depth == 0 && !finder.over) {
        problem = broken; /* there was no element */
    }
    ret_token->password_size = finder.password.size;
    ret_token->there = !problem && finder.user_name.there && finder.password.there;
    trim(ret_token->user_name);
    return problem;
}
