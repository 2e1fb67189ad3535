/* SPDX-License-Identifier: MIT */
/* list.c - the sessions of a server, as they were at one time. */
#include <stdlib.h>
#include <string.h>

#include "wtsapi/wtsapi.h"

/* Calls visit() for each string of a session. */
static void each_string(wms_session *session, void (*visit)(void *data, const char **text),
                        void *data)
{
    visit(data, &session->id.text);
#define WMS_X(field, name) visit(data, &session->field);
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
}

static void measure(void *data, const char **text)
{
    size_t *size = data;

    *size += *text ? strlen(*text) + 1 : 0;
}

/* Copies a string; `data` points to the pointer to the place for it. */
static void keep(void *data, const char **text)
{
    char **place = data;

    if (*text) {
        size_t size = strlen(*text) + 1;
        *text = memcpy(*place, *text, size);
        *place += size;
    }
}

/* Where the sessions are read from: a request that has listed them, or a watch. */
struct source {
    const wms_request *request;
    wms_watch *watch;
    size_t count;
};

static int read_session(const struct source *source, size_t index, wms_session *ret_session)
{
    return source->request ? wms_request_session(source->request, index, ret_session)
                           : wms_watch_session(source->watch, index, ret_session);
}

static size_t size_of(const struct source *source)
{
    size_t size =
        sizeof(struct list) + source->count * (sizeof(struct listed) + sizeof(struct listed *));
    wms_session session;

    for (size_t i = 0; i < source->count && read_session(source, i, &session) == 0; i++) {
        each_string(&session, measure, &size);
    }
    return size;
}

static DWORD number_all(struct list *list)
{
    DWORD error = 0;

    pthread_mutex_lock(&wtsapi_lock);
    for (size_t i = 0; !error && i < list->count; i++) {
        error = wtsapi_id_number(&list->sessions[i].session.id, &list->sessions[i].number);
    }
    pthread_mutex_unlock(&wtsapi_lock);
    return error;
}

/* As on Windows, the domain of a local user is the machine's name. */
static void add_domain(struct list *list, const char *address)
{
    bool named = wtsapi_address_is_here(address) && wtsapi_machine_name(list->machine);

    for (size_t i = 0; named && i < list->count; i++) {
        const wms_session *session = &list->sessions[i].session;
        list->sessions[i].domain =
            session->user_name && !session->domain_name ? list->machine : NULL;
    }
}

static int order(const void *first, const void *second)
{
    const struct listed *one = *(const struct listed *const *) first,
                        *other = *(const struct listed *const *) second;

    return one->number != other->number ? (one->number < other->number ? -1 : 1)
           : one < other                ? -1
                                        : one > other;
}

static void sort(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        list->by_number[i] = &list->sessions[i];
    }
    qsort(list->by_number, list->count, sizeof *list->by_number, order);
}

static DWORD list_new(const struct source *source, const char *address, struct list **ret_list)
{
    size_t count = source->count;
    struct list *list = calloc(1, size_of(source));

    if (!list) {
        return ERROR_OUTOFMEMORY;
    }
    list->refs = 1;
    list->sessions = (struct listed *) (list + 1);
    list->by_number = (const struct listed **) (list->sessions + count);
    char *place = (char *) (list->by_number + count);
    while (list->count < count &&
           read_session(source, list->count, &list->sessions[list->count].session) == 0) {
        wms_session *session = &list->sessions[list->count++].session;
        session->server = NULL;
        each_string(session, keep, &place);
    }
    add_domain(list, address);
    DWORD error = number_all(list);
    if (error) {
        free(list);
        return error;
    }
    sort(list);
    *ret_list = list;
    return 0;
}

DWORD wtsapi_list_new(const wms_request *request, const char *address, struct list **ret_list)
{
    return list_new(
        &(struct source){.request = request, .count = wms_request_session_count(request)}, address,
        ret_list);
}

DWORD wtsapi_list_of_watch(wms_watch *watch, const char *address, struct list **ret_list)
{
    return list_new(&(struct source){.watch = watch, .count = wms_watch_session_count(watch)},
                    address, ret_list);
}

struct list *wtsapi_list_ref(struct list *list)
{
    list->refs++;
    return list;
}

void wtsapi_list_unref(struct list *list)
{
    if (list && --list->refs == 0) {
        free(list);
    }
}

const struct listed *wtsapi_list_find(const struct list *list, DWORD number)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->by_number[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < list->count && list->by_number[low]->number == number ? list->by_number[low]
                                                                       : NULL;
}

const struct listed *wtsapi_list_own(const struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->sessions[i].session.is_own == 1) {
            return &list->sessions[i];
        }
    }
    return NULL;
}
