/* SPDX-License-Identifier: MIT */
/* api.h - the Windows session API: libwinpr's headers, or the Windows SDK's.
 *
 * Some SDKs (MinGW's) end before Windows 7: what they lack is declared here, with the layout and
 * the numbers that Microsoft documents.  layout.h checks both.
 */
#ifndef WMS_WTS_API_H
#define WMS_WTS_API_H

#ifdef _WIN32

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601
#endif
#include <windows.h>
#include <wtsapi32.h>

#ifndef WTS_SESSIONSTATE_LOCK
#define WTS_SESSIONSTATE_UNKNOWN 0xFFFFFFFF
#define WTS_SESSIONSTATE_LOCK    0x00000000
#define WTS_SESSIONSTATE_UNLOCK  0x00000001

#define WTSSessionInfoEx ((WTS_INFO_CLASS) 25)

typedef struct {
    DWORD ExecEnvId;
    WTS_CONNECTSTATE_CLASS State;
    DWORD SessionId;
    LPWSTR pSessionName, pHostName, pUserName, pDomainName, pFarmName;
} WTS_SESSION_INFO_1W, *PWTS_SESSION_INFO_1W;

typedef struct {
    ULONG SessionId;
    WTS_CONNECTSTATE_CLASS SessionState;
    LONG SessionFlags;
    WCHAR WinStationName[33], UserName[21], DomainName[18];
    LARGE_INTEGER LogonTime, ConnectTime, DisconnectTime, LastInputTime, CurrentTime;
    DWORD IncomingBytes, OutgoingBytes, IncomingFrames, OutgoingFrames, IncomingCompressedBytes,
        OutgoingCompressedBytes;
} WTSINFOEX_LEVEL1_W;

typedef struct {
    DWORD Level;
    union {
        WTSINFOEX_LEVEL1_W WTSInfoExLevel1;
    } Data;
} WTSINFOEXW;

typedef enum {
    WTSTypeProcessInfoLevel0,
    WTSTypeProcessInfoLevel1,
    WTSTypeSessionInfoLevel1
} WTS_TYPE_CLASS;

HANDLE WINAPI WTSOpenServerExW(LPWSTR name);
BOOL WINAPI WTSEnumerateSessionsExW(HANDLE server, DWORD *level, DWORD filter,
                                    PWTS_SESSION_INFO_1W *sessions, DWORD *count);
BOOL WINAPI WTSFreeMemoryExW(WTS_TYPE_CLASS type, PVOID memory, ULONG count);
#endif

#else

#ifndef WITHOUT_WINPR_3x_DEPRECATED
#define WITHOUT_WINPR_3x_DEPRECATED /* libwinpr 3: deprecated functions are not used */
#endif
#include <winpr/error.h>
#include <winpr/synch.h>
#include <winpr/sysinfo.h>
#include <winpr/thread.h>
#include <winpr/wtsapi.h>

#endif

#endif
