/* SPDX-License-Identifier: MIT */
/* table.c - the table of functions that libwinpr asks for, and those that cannot be offered.
 *
 * libwinpr calls InitWtsApi() once, of the library that WTSAPI_LIBRARY names.  A NULL in the table
 * would make a call fail without an error: so functions that no host can carry out are in the
 * table, and fail with an error. */
#include <stdlib.h>

#include "wts/layout.h"
#include "wtsapi/wtsapi.h"

/* ---- what there is not ----------------------------------------------------------------------- */

/* The signatures are libwinpr's; the arguments are not used. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* Clears an output of a call that fails. */
#define CLEAR(output) \
    do { \
        if (output) { \
            *(output) = 0; \
        } \
    } while (0)

static HANDLE refuse_handle(void)
{
    SetLastError(ERROR_NOT_SUPPORTED);
    return NULL;
}

static BOOL stop_remote_control_session(ULONG session)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL start_remote_control_session_w(LPWSTR server_name, ULONG target, BYTE key,
                                           USHORT modifiers)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL start_remote_control_session_a(LPSTR server_name, ULONG target, BYTE key,
                                           USHORT modifiers)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL connect_session_w(ULONG session, ULONG target, PWSTR password, BOOL wait)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL connect_session_a(ULONG session, ULONG target, PSTR password, BOOL wait)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_processes_w(HANDLE handle, DWORD reserved, DWORD version,
                                  PWTS_PROCESS_INFOW *ret_processes, DWORD *ret_count)
{
    CLEAR(ret_processes);
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_processes_a(HANDLE handle, DWORD reserved, DWORD version,
                                  PWTS_PROCESS_INFOA *ret_processes, DWORD *ret_count)
{
    CLEAR(ret_processes);
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL terminate_process(HANDLE handle, DWORD process, DWORD code)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL query_user_config_w(LPWSTR server_name, LPWSTR user_name, WTS_CONFIG_CLASS class,
                                LPWSTR *ret_buffer, DWORD *ret_size)
{
    CLEAR(ret_buffer);
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL query_user_config_a(LPSTR server_name, LPSTR user_name, WTS_CONFIG_CLASS class,
                                LPSTR *ret_buffer, DWORD *ret_size)
{
    CLEAR(ret_buffer);
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL set_user_config_w(LPWSTR server_name, LPWSTR user_name, WTS_CONFIG_CLASS class,
                              LPWSTR buffer, DWORD size)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL set_user_config_a(LPSTR server_name, LPSTR user_name, WTS_CONFIG_CLASS class,
                              LPSTR buffer, DWORD size)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL shutdown_system(HANDLE handle, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static HANDLE virtual_channel_open(HANDLE handle, DWORD session, LPSTR name)
{
    return refuse_handle();
}

static HANDLE virtual_channel_open_ex(DWORD session, LPSTR name, DWORD flags)
{
    return refuse_handle();
}

static BOOL virtual_channel_close(HANDLE channel)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL virtual_channel_read(HANDLE channel, ULONG timeout, PCHAR buffer, ULONG size,
                                 PULONG ret_size)
{
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL virtual_channel_write(HANDLE channel, PCHAR buffer, ULONG size, PULONG ret_size)
{
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL virtual_channel_purge_input(HANDLE channel)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL virtual_channel_purge_output(HANDLE channel)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL virtual_channel_query(HANDLE channel, WTS_VIRTUAL_CLASS class, PVOID *ret_buffer,
                                  DWORD *ret_size)
{
    CLEAR(ret_buffer);
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL register_session_notification(HWND window, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL unregister_session_notification(HWND window)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL register_session_notification_ex(HANDLE handle, HWND window, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL unregister_session_notification_ex(HANDLE handle, HWND window)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL query_user_token(ULONG session, PHANDLE ret_token)
{
    HANDLE *token = ret_token; /* libwinpr 2 has no type for what a PHANDLE points to */

    CLEAR(token);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_processes_ex_w(HANDLE handle, DWORD *level, DWORD session,
                                     LPWSTR *ret_processes, DWORD *ret_count)
{
    CLEAR(ret_processes);
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_processes_ex_a(HANDLE handle, DWORD *level, DWORD session,
                                     LPSTR *ret_processes, DWORD *ret_count)
{
    CLEAR(ret_processes);
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_listeners_w(HANDLE handle, PVOID reserved_too, DWORD reserved,
                                  PWTSLISTENERNAMEW listeners, DWORD *ret_count)
{
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enumerate_listeners_a(HANDLE handle, PVOID reserved_too, DWORD reserved,
                                  PWTSLISTENERNAMEA listeners, DWORD *ret_count)
{
    CLEAR(ret_count);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL query_listener_config_w(HANDLE handle, PVOID reserved_too, DWORD reserved, LPWSTR name,
                                    PWTSLISTENERCONFIGW buffer)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL query_listener_config_a(HANDLE handle, PVOID reserved_too, DWORD reserved, LPSTR name,
                                    PWTSLISTENERCONFIGA buffer)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL create_listener_w(HANDLE handle, PVOID reserved_too, DWORD reserved, LPWSTR name,
                              PWTSLISTENERCONFIGW buffer, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL create_listener_a(HANDLE handle, PVOID reserved_too, DWORD reserved, LPSTR name,
                              PWTSLISTENERCONFIGA buffer, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL set_listener_security_w(HANDLE handle, PVOID reserved_too, DWORD reserved, LPWSTR name,
                                    SECURITY_INFORMATION information,
                                    PSECURITY_DESCRIPTOR descriptor)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL set_listener_security_a(HANDLE handle, PVOID reserved_too, DWORD reserved, LPSTR name,
                                    SECURITY_INFORMATION information,
                                    PSECURITY_DESCRIPTOR descriptor)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL get_listener_security_w(HANDLE handle, PVOID reserved_too, DWORD reserved, LPWSTR name,
                                    SECURITY_INFORMATION information,
                                    PSECURITY_DESCRIPTOR descriptor, DWORD size, LPDWORD ret_size)
{
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL get_listener_security_a(HANDLE handle, PVOID reserved_too, DWORD reserved, LPSTR name,
                                    SECURITY_INFORMATION information,
                                    PSECURITY_DESCRIPTOR descriptor, DWORD size, LPDWORD ret_size)
{
    CLEAR(ret_size);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL enable_child_sessions(BOOL enable)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL is_child_sessions_enabled(PBOOL ret_enabled)
{
    CLEAR(ret_enabled);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL get_child_session_id(PULONG ret_session)
{
    CLEAR(ret_session);
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL logon_user(HANDLE handle, LPCSTR user_name, LPCSTR password, LPCSTR domain)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL logoff_user(HANDLE handle)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL start_remote_control_session_ex_w(LPWSTR server_name, ULONG target, BYTE key,
                                              USHORT modifiers, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

static BOOL start_remote_control_session_ex_a(LPSTR server_name, ULONG target, BYTE key,
                                              USHORT modifiers, DWORD flags)
{
    return wtsapi_result(ERROR_NOT_SUPPORTED);
}

/* ---- what there is nothing of ---------------------------------------------------------------- */

/* There is no list of servers in a domain: returns an empty one. */
static DWORD enumerate_servers(DWORD reserved, DWORD version, bool wanted, DWORD *ret_count,
                               void **ret_servers)
{
    if (ret_count) {
        *ret_count = 0;
    }
    if (!wanted || !ret_count || reserved || version != 1) {
        return ERROR_INVALID_PARAMETER;
    }
    *ret_servers = calloc(1, sizeof(WTS_SERVER_INFOW));
    return *ret_servers ? 0 : ERROR_OUTOFMEMORY;
}

static BOOL enumerate_servers_w(LPWSTR domain, DWORD reserved, DWORD version,
                                PWTS_SERVER_INFOW *ret_servers, DWORD *ret_count)
{
    void *servers = NULL;
    DWORD error = enumerate_servers(reserved, version, ret_servers, ret_count, &servers);

    if (ret_servers) {
        *ret_servers = servers;
    }
    return wtsapi_result(error);
}

static BOOL enumerate_servers_a(LPSTR domain, DWORD reserved, DWORD version,
                                PWTS_SERVER_INFOA *ret_servers, DWORD *ret_count)
{
    void *servers = NULL;
    DWORD error = enumerate_servers(reserved, version, ret_servers, ret_count, &servers);

    if (ret_servers) {
        *ret_servers = servers;
    }
    return wtsapi_result(error);
}

#pragma GCC diagnostic pop

/* ---- the table ------------------------------------------------------------------------------- */

static const WtsApiFunctionTable table = {
    .dwVersion = 1,
    .pStopRemoteControlSession = stop_remote_control_session,
    .pStartRemoteControlSessionW = start_remote_control_session_w,
    .pStartRemoteControlSessionA = start_remote_control_session_a,
    .pConnectSessionW = connect_session_w,
    .pConnectSessionA = connect_session_a,
    .pEnumerateServersW = enumerate_servers_w,
    .pEnumerateServersA = enumerate_servers_a,
    .pOpenServerW = wtsapi_open_server_w,
    .pOpenServerA = wtsapi_open_server_a,
    .pOpenServerExW = wtsapi_open_server_w,
    .pOpenServerExA = wtsapi_open_server_a,
    .pCloseServer = wtsapi_close_server,
    .pEnumerateSessionsW = wtsapi_enumerate_sessions_w,
    .pEnumerateSessionsA = wtsapi_enumerate_sessions_a,
    .pEnumerateSessionsExW = wtsapi_enumerate_sessions_ex_w,
    .pEnumerateSessionsExA = wtsapi_enumerate_sessions_ex_a,
    .pEnumerateProcessesW = enumerate_processes_w,
    .pEnumerateProcessesA = enumerate_processes_a,
    .pTerminateProcess = terminate_process,
    .pQuerySessionInformationW = wtsapi_query_w,
    .pQuerySessionInformationA = wtsapi_query_a,
    .pQueryUserConfigW = query_user_config_w,
    .pQueryUserConfigA = query_user_config_a,
    .pSetUserConfigW = set_user_config_w,
    .pSetUserConfigA = set_user_config_a,
    .pSendMessageW = wtsapi_send_message_w,
    .pSendMessageA = wtsapi_send_message_a,
    .pDisconnectSession = wtsapi_disconnect_session,
    .pLogoffSession = wtsapi_logoff_session,
    .pShutdownSystem = shutdown_system,
    .pWaitSystemEvent = wtsapi_wait_system_event,
    .pVirtualChannelOpen = virtual_channel_open,
    .pVirtualChannelOpenEx = virtual_channel_open_ex,
    .pVirtualChannelClose = virtual_channel_close,
    .pVirtualChannelRead = virtual_channel_read,
    .pVirtualChannelWrite = virtual_channel_write,
    .pVirtualChannelPurgeInput = virtual_channel_purge_input,
    .pVirtualChannelPurgeOutput = virtual_channel_purge_output,
    .pVirtualChannelQuery = virtual_channel_query,
    .pFreeMemory = wtsapi_free_memory,
    .pRegisterSessionNotification = register_session_notification,
    .pUnRegisterSessionNotification = unregister_session_notification,
    .pRegisterSessionNotificationEx = register_session_notification_ex,
    .pUnRegisterSessionNotificationEx = unregister_session_notification_ex,
    .pQueryUserToken = query_user_token,
    .pFreeMemoryExW = wtsapi_free_memory_ex,
    .pFreeMemoryExA = wtsapi_free_memory_ex,
    .pEnumerateProcessesExW = enumerate_processes_ex_w,
    .pEnumerateProcessesExA = enumerate_processes_ex_a,
    .pEnumerateListenersW = enumerate_listeners_w,
    .pEnumerateListenersA = enumerate_listeners_a,
    .pQueryListenerConfigW = query_listener_config_w,
    .pQueryListenerConfigA = query_listener_config_a,
    .pCreateListenerW = create_listener_w,
    .pCreateListenerA = create_listener_a,
    .pSetListenerSecurityW = set_listener_security_w,
    .pSetListenerSecurityA = set_listener_security_a,
    .pGetListenerSecurityW = get_listener_security_w,
    .pGetListenerSecurityA = get_listener_security_a,
    .pEnableChildSessions = enable_child_sessions,
    .pIsChildSessionsEnabled = is_child_sessions_enabled,
    .pGetChildSessionId = get_child_session_id,
    .pGetActiveConsoleSessionId = wtsapi_console_session,
    .pLogonUser = logon_user,
    .pLogoffUser = logoff_user,
    .pStartRemoteControlSessionExW = start_remote_control_session_ex_w,
    .pStartRemoteControlSessionExA = start_remote_control_session_ex_a,
};

/* Two numbers, and 67 functions without a gap. */
_Static_assert(sizeof table == 2 * sizeof(DWORD) + 67 * sizeof(void (*)(void)),
               "a function is missing in the table");

__attribute__((visibility("default"))) const WtsApiFunctionTable *InitWtsApi(void);

const WtsApiFunctionTable *InitWtsApi(void)
{
    wtsapi_worker_init();
    return &table;
}
