/* SPDX-License-Identifier: MIT */
/* serverlist.c - evaluates lists of servers. */
#include "core/serverlist.h"

#include <string.h>

#include "core/base.h"
#include "core/nodeset.h"
#include "core/target.h"

bool wms_group_name_fits(const char *name, size_t size)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    for (size_t i = 0; i < size; i++) {
        if (!memchr(known, name[i], sizeof known - 1)) {
            return false;
        }
    }
    return size > 0 && size <= WMS_GROUP_NAME_MAX;
}

bool wms_serverlist_is_plain(const char *element)
{
    if (!element) {
        return true;
    }
    const char *path = wms_nodeset_path(element, element + strlen(element));
    for (const char *at = element; at < path; at++) {
        bool special = *at == '[' ? !wms_nodeset_is_ipv6(at, path) : strchr(",!&^ \t", *at) != NULL;
        if (special || (at == element && *at == '@')) {
            return false;
        }
    }
    return true;
}

/* ---- taking an expression apart -------------------------------------------------------------- */

struct operand {
    enum wms_setstep how;
    const char *text;
    size_t size;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What stands before it belongs to the operand. */
static const char *end_of_operand(const char *at, const char *end)
{
    const char *path = wms_nodeset_path(at, end);

    while (at < path && !strchr(",!&^", *at)) {
        const char *close = *at == '[' ? memchr(at, ']', (size_t) (end - at)) : at;
        at = close ? close + 1 : end;
    }
    return at < path ? at : end; /* an address with a path ends with the text */
}

static enum wms_setstep step_of(char operator)
{
    switch (operator) {
    case '!':
        return WMS_SET_REMOVE;
    case '&':
        return WMS_SET_KEEP;
    case '^':
        return WMS_SET_TOGGLE;
    default:
        return WMS_SET_ADD;
    }
}

/* Takes the next operand from the text; an empty one has the size 0. */
static void take_operand(const char **text, const char *end, char operator,
                         struct operand * ret_operand)
{
    const char *begin = *text, *stop = end_of_operand(begin, end);

    *text = stop;
    while (begin < stop && is_blank(*begin)) {
        begin++;
    }
    while (stop > begin && is_blank(stop[-1])) {
        stop--;
    }
    *ret_operand =
        (struct operand){.how = step_of(operator), .text = begin, .size = (size_t) (stop - begin)};
}

/* ---- evaluation ------------------------------------------------------------------------------ */

static int name_group(struct wms_serverset *set, const struct wms_grouper *groups, const char *name,
                      size_t size)
{
    struct wms_members members;

    if (!wms_group_name_fits(name, size)) {
        return wms_complain(set->engine,
                            "server: '@' and no group's name; give one such as \"@room1\", of "
                            "letters, digits, '.', '_' and '-', at most %d",
                            WMS_GROUP_NAME_MAX);
    }
    int error = groups->find(groups->data, name, size, &members);
    for (size_t i = 0; !error && i < members.count; i++) {
        error = wms_serverset_name(set, members.servers[i]);
    }
    return error;
}

static int name_nodes(struct wms_serverset *set, const char *text, size_t size)
{
    char name[WMS_ADDRESS_MAX + 2], complaint[256];
    struct wms_nodeset nodes;

    if (wms_nodeset_parse(&nodes, text, size, complaint, sizeof complaint)) {
        return wms_complain(set->engine, "%s", complaint);
    }
    if (nodes.count > WMS_SERVERS_MAX) {
        return wms_complain(set->engine, "server: ranges of more than %d servers; give fewer",
                            WMS_SERVERS_MAX);
    }
    int error = 0;
    while (!error && wms_nodeset_next(&nodes, name, sizeof name) > 0) {
        error = wms_serverset_name(set, name); /* one that was cut is refused for its length */
    }
    return error;
}

static int name_operand(struct wms_serverset *set, const struct wms_grouper *groups,
                        const struct operand *operand)
{
    if (operand->size == 0) {
        return wms_complain(set->engine,
                            "server: nothing where an address should be, beside ',', '!', '&' or "
                            "'^'; give one, or leave that out");
    }
    wms_serverset_begin(set, operand->how);
    int error = *operand->text == '@'
                    ? name_group(set, groups, operand->text + 1, operand->size - 1)
                    : name_nodes(set, operand->text, operand->size);
    wms_serverset_end(set);
    return error;
}

static int evaluate(struct wms_serverset *set, const struct wms_grouper *groups, const char *text)
{
    const char *end = text + strlen(text);
    struct operand operand;
    int error;

    take_operand(&text, end, ',', &operand);
    error = name_operand(set, groups, &operand);
    while (!error && text < end) {
        char operator= * text++;
        take_operand(&text, end, operator, & operand);
        error = name_operand(set, groups, &operand);
    }
    return error;
}

/* What the text means is one step for the set. */
static int apply(struct wms_serverset *set, enum wms_setstep how, const struct wms_grouper *groups,
                 const char *text)
{
    struct wms_serverset other;

    wms_serverset_open(&other, set->engine, set->key);
    int error = evaluate(&other, groups, text);
    wms_serverset_begin(set, how);
    for (const struct wms_setserver *server = wms_serverset_next(other.first); !error && server;
         server = wms_serverset_next(server->next)) {
        error = wms_serverset_name(set, server->text);
    }
    wms_serverset_end(set);
    wms_serverset_close(&other);
    return error;
}

/* NULL: it takes nothing out. */
static const char *excluded(const char *element)
{
    while (is_blank(*element)) {
        element++;
    }
    return *element == '!' ? element + 1 : NULL;
}

int wms_serverlist_read(struct wms_serverset *set, const struct wms_grouper *groups,
                        const char *const *elements, size_t count)
{
    int error = 0;

    for (size_t i = 0; !error && i < count; i++) {
        const char *element = elements[i] ? elements[i] : "localhost";
        if (wms_serverlist_is_plain(element)) {
            wms_serverset_begin(set, WMS_SET_ADD);
            error = wms_serverset_name(set, element);
        } else if (!excluded(element)) {
            error = apply(set, WMS_SET_ADD, groups, element);
        }
    }
    for (size_t i = 0; !error && i < count; i++) {
        const char *text = elements[i] ? excluded(elements[i]) : NULL;
        error = text ? apply(set, WMS_SET_REMOVE, groups, text) : 0;
    }
    return error;
}
