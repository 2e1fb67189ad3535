/* SPDX-License-Identifier: MIT */
/* actions.c - disconnect, log off, message. */
#include <stdlib.h>

#include "wtsapi/wtsapi.h"

/* Resolves WTS_CURRENT_SESSION: the list tells which session this process belongs to. */
static DWORD find_own(struct server *server, DWORD *ret_session)
{
    struct list *list;
    DWORD error = wtsapi_list_get(server, true, &list);

    if (!error) {
        const struct listed *own = wtsapi_list_own(list);
        if (own) {
            *ret_session = own->number;
        }
        error = own ? 0 : ERROR_FILE_NOT_FOUND;
        wtsapi_list_put(list);
    }
    return error;
}

/* If the number is unknown in this process and may stand for a text id, lists the sessions to find
 * out. */
static DWORD learn(struct server *server, DWORD session)
{
    struct list *list;

    pthread_mutex_lock(&wtsapi_lock);
    bool needed = wtsapi_id_needs_list(session);
    pthread_mutex_unlock(&wtsapi_lock);
    DWORD error = needed ? wtsapi_list_get(server, true, &list) : 0;
    if (needed && !error) {
        wtsapi_list_put(list);
    }
    return error;
}

/* The texts of a message, until a job owns them. */
struct texts {
    char *message, *title;
};

static void free_texts(void *data)
{
    struct texts *texts = data;

    free(texts->message);
    free(texts->title);
}

/* Resolves the server and the session's number, so that a job can be made. */
static DWORD find_session(HANDLE handle, DWORD *session, struct server **ret_server)
{
    DWORD error = wtsapi_server_get(handle, ret_server);

    if (error) {
        return error;
    }
    error = *session == WTS_CURRENT_SESSION ? find_own(*ret_server, session)
                                            : learn(*ret_server, *session);
    if (error) {
        wtsapi_server_put(*ret_server);
    }
    return error;
}

/* The same; the texts are freed if the thread is cancelled while it waits for a list. */
static DWORD find_with(HANDLE handle, DWORD *session, struct server **ret_server,
                       struct texts *texts)
{
    DWORD error;

    pthread_cleanup_push(free_texts, texts);
    error = find_session(handle, session, ret_server);
    pthread_cleanup_pop(0);
    return error;
}

/* Takes over `message` and `title`: the job owns them, or they are freed. */
static DWORD act(HANDLE handle, DWORD session, enum wms_verb verb, bool verify, char *message,
                 char *title)
{
    struct texts texts = {.message = message, .title = title};
    struct server *server;
    DWORD error = find_with(handle, &session, &server, &texts);

    if (error) {
        free_texts(&texts);
        return error;
    }
    error = wtsapi_act(server, verb, session, verify, message, title);
    wtsapi_server_put(server);
    return error;
}

BOOL wtsapi_disconnect_session(HANDLE handle, DWORD session, BOOL wait)
{
    return wtsapi_result(act(handle, session, WMS_DISCONNECT, wait, NULL, NULL));
}

BOOL wtsapi_logoff_session(HANDLE handle, DWORD session, BOOL wait)
{
    return wtsapi_result(act(handle, session, WMS_CLOSE, wait, NULL, NULL));
}

/* ---- messages -------------------------------------------------------------------------------- */

/* An empty title counts as none. */
static DWORD read_texts(const void *title, DWORD title_size, const void *message,
                        DWORD message_size, size_t unit, char **ret_title, char **ret_message)
{
    if (!message || (!title && title_size)) {
        return ERROR_INVALID_PARAMETER;
    }
    DWORD error = title ? wtsapi_text_read(title, title_size, unit, ret_title) : 0;
    if (error) {
        return error;
    }
    if (*ret_title && !**ret_title) {
        free(*ret_title);
        *ret_title = NULL;
    }
    error = wtsapi_text_read(message, message_size, unit, ret_message);
    if (error) {
        free(*ret_title);
    }
    return error;
}

/* The host decides about buttons and timeout of a message, so waiting for the user's answer is not
 * supported.
 */
static BOOL send_message(HANDLE handle, DWORD session, const void *title, DWORD title_size,
                         const void *message, DWORD message_size, size_t unit, DWORD *ret_response,
                         BOOL wait)
{
    char *title_read = NULL, *message_read = NULL;

    if (!ret_response) {
        return wtsapi_result(ERROR_INVALID_PARAMETER);
    }
    *ret_response = 0;
    DWORD error =
        read_texts(title, title_size, message, message_size, unit, &title_read, &message_read);
    if (!error && wait) {
        free(title_read);
        free(message_read);
        error = ERROR_NOT_SUPPORTED;
    } else if (!error) {
        error = act(handle, session, WMS_MESSAGE, false, message_read, title_read);
        *ret_response = error ? 0 : IDASYNC;
    }
    return wtsapi_result(error);
}

BOOL wtsapi_send_message_w(HANDLE handle, DWORD session, LPWSTR title, DWORD title_size,
                           LPWSTR message, DWORD message_size, DWORD style, DWORD timeout,
                           DWORD *ret_response, BOOL wait)
{
    (void) style;
    (void) timeout;
    return send_message(handle, session, title, title_size, message, message_size, sizeof(WCHAR),
                        ret_response, wait);
}

BOOL wtsapi_send_message_a(HANDLE handle, DWORD session, LPSTR title, DWORD title_size,
                           LPSTR message, DWORD message_size, DWORD style, DWORD timeout,
                           DWORD *ret_response, BOOL wait)
{
    (void) style;
    (void) timeout;
    return send_message(handle, session, title, title_size, message, message_size, sizeof(CHAR),
                        ret_response, wait);
}
