/* layout.c - the API's structures and numbers, against those of the x64 Windows SDK: a library that implements the API and
 * this provider have to mean the same. */
#include <stddef.h>
#include <stdint.h>

#include "wts/api.h"

#define SAME(what, value) _Static_assert((what) == (value), #what)

SAME(sizeof(WCHAR), 2);
SAME(sizeof(DWORD), 4);
SAME(sizeof(BOOL), 4);

#if UINTPTR_MAX == UINT64_MAX
SAME(sizeof(HANDLE), 8);
SAME(sizeof(WTS_SESSION_INFO_1W), 56);
SAME(offsetof(WTS_SESSION_INFO_1W, ExecEnvId), 0);
SAME(offsetof(WTS_SESSION_INFO_1W, State), 4);
SAME(offsetof(WTS_SESSION_INFO_1W, SessionId), 8);
SAME(offsetof(WTS_SESSION_INFO_1W, pSessionName), 16);
SAME(offsetof(WTS_SESSION_INFO_1W, pHostName), 24);
SAME(offsetof(WTS_SESSION_INFO_1W, pUserName), 32);
SAME(offsetof(WTS_SESSION_INFO_1W, pDomainName), 40);
SAME(offsetof(WTS_SESSION_INFO_1W, pFarmName), 48);
#endif

SAME(sizeof(WTSINFOEX_LEVEL1_W), 224);
SAME(offsetof(WTSINFOEX_LEVEL1_W, SessionId), 0);
SAME(offsetof(WTSINFOEX_LEVEL1_W, SessionState), 4);
SAME(offsetof(WTSINFOEX_LEVEL1_W, SessionFlags), 8);
SAME(offsetof(WTSINFOEX_LEVEL1_W, WinStationName), 12);
SAME(offsetof(WTSINFOEX_LEVEL1_W, UserName), 78);
SAME(offsetof(WTSINFOEX_LEVEL1_W, DomainName), 120);
SAME(offsetof(WTSINFOEX_LEVEL1_W, LogonTime), 160);
SAME(offsetof(WTSINFOEX_LEVEL1_W, IncomingBytes), 200);
SAME(sizeof(WTSINFOEXW), 232);
SAME(offsetof(WTSINFOEXW, Data), 8);

SAME((int) WTSActive, 0);
SAME((int) WTSConnected, 1);
SAME((int) WTSConnectQuery, 2);
SAME((int) WTSShadow, 3);
SAME((int) WTSDisconnected, 4);
SAME((int) WTSIdle, 5);
SAME((int) WTSListen, 6);
SAME((int) WTSReset, 7);
SAME((int) WTSDown, 8);
SAME((int) WTSInit, 9);

SAME((int) WTSSessionId, 4);
SAME((int) WTSClientName, 10);
SAME((int) WTSSessionInfoEx, 25);
SAME((int) WTSTypeSessionInfoLevel1, 2);

SAME(WTS_SESSIONSTATE_LOCK, 0);
SAME(WTS_SESSIONSTATE_UNLOCK, 1);
SAME(WTS_SESSIONSTATE_UNKNOWN, 0xFFFFFFFF);
SAME(WTS_CURRENT_SESSION, 0xFFFFFFFF);
