/* SPDX-License-Identifier: MIT */
/* actions.c - disconnect, log off, message. */
#include <stdlib.h>

#include "wtsapi/wtsapi.h"

/* WTS_CURRENT_SESSION: that of this process, which a list tells. */
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

/* A number that no list of this process has shown, and that a text may be behind. */
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

/* What a message says, until a job owns it. */
struct texts {
    char *message, *title;
};

static void free_texts(void *data)
{
    struct texts *texts = data;

    free(texts->message);
    free(texts->title);
}

/* Which session is meant, as a number that the job can be given. */
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

/* The same; the texts are freed when the thread is ended while it waits for a list. */
static DWORD find_with(HANDLE handle, DWORD *session, struct server **ret_server,
                       struct texts *texts)
{
    DWORD error;

    pthread_cleanup_push(free_texts, texts);
    error = find_session(handle, session, ret_server);
    pthread_cleanup_pop(0);
    return error;
}

/* The texts are the job's, or freed. */
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

/* A title of no characters is none. */
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

/* Which buttons it has, and how long it stays, the host decides; so nobody can wait for an answer.
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
