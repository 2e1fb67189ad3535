/* SPDX-License-Identifier: MIT */
/* faults.c - Windows' errors as wms codes. */
#include <stdio.h>
#include <string.h>

#include "wts.h"

/* [MS-ERREF] 2.2. */
static const struct {
    DWORD number;
    int code;
    bool doubtful;
} known[] = {
    {2, WMS_E_NOT_FOUND, false}, /* ERROR_FILE_NOT_FOUND: the API's error for an unknown session */
    {1168, WMS_E_NOT_FOUND, false},     /* ERROR_NOT_FOUND */
    {7001, WMS_E_NOT_FOUND, false},     /* ERROR_CTX_WINSTATION_NAME_INVALID */
    {7022, WMS_E_NOT_FOUND, false},     /* ERROR_CTX_WINSTATION_NOT_FOUND */
    {5, WMS_E_ACCESS_DENIED, false},    /* ERROR_ACCESS_DENIED */
    {65, WMS_E_ACCESS_DENIED, false},   /* ERROR_NETWORK_ACCESS_DENIED */
    {86, WMS_E_ACCESS_DENIED, false},   /* ERROR_INVALID_PASSWORD */
    {1314, WMS_E_ACCESS_DENIED, false}, /* ERROR_PRIVILEGE_NOT_HELD */
    {1326, WMS_E_ACCESS_DENIED, false}, /* ERROR_LOGON_FAILURE */
    {1327, WMS_E_ACCESS_DENIED, false}, /* ERROR_ACCOUNT_RESTRICTION */
    {1331, WMS_E_ACCESS_DENIED, false}, /* ERROR_ACCOUNT_DISABLED */
    {1385, WMS_E_ACCESS_DENIED, false}, /* ERROR_LOGON_TYPE_NOT_GRANTED */
    {1825, WMS_E_ACCESS_DENIED, false}, /* RPC_S_SEC_PKG_ERROR */
    {7041, WMS_E_ACCESS_DENIED, false}, /* ERROR_CTX_CONSOLE_DISCONNECT */
    {7045, WMS_E_ACCESS_DENIED, false}, /* ERROR_CTX_WINSTATION_ACCESS_DENIED */
    {51, WMS_E_UNREACHABLE, false},     /* ERROR_REM_NOT_LIST */
    {53, WMS_E_UNREACHABLE, false},     /* ERROR_BAD_NETPATH */
    {59, WMS_E_UNREACHABLE, true},      /* ERROR_UNEXP_NET_ERR */
    {64, WMS_E_UNREACHABLE, true},      /* ERROR_NETNAME_DELETED: the connection broke */
    {67, WMS_E_UNREACHABLE, false},     /* ERROR_BAD_NET_NAME */
    {1115, WMS_E_UNREACHABLE, false},   /* ERROR_SHUTDOWN_IN_PROGRESS: accepts nothing any more */
    {1210, WMS_E_UNREACHABLE, false},   /* ERROR_INVALID_COMPUTERNAME */
    {1225, WMS_E_UNREACHABLE, false},   /* ERROR_CONNECTION_REFUSED */
    {1231, WMS_E_UNREACHABLE, false},   /* ERROR_NETWORK_UNREACHABLE */
    {1232, WMS_E_UNREACHABLE, false},   /* ERROR_HOST_UNREACHABLE */
    {1236, WMS_E_UNREACHABLE, true},    /* ERROR_CONNECTION_ABORTED */
    {1311, WMS_E_UNREACHABLE, false},   /* ERROR_NO_LOGON_SERVERS */
    {1700, WMS_E_UNREACHABLE,
     false}, /* RPC_S_INVALID_STRING_BINDING; up to 1707: no call was begun */
    {1701, WMS_E_UNREACHABLE, false},  /* RPC_S_WRONG_KIND_OF_BINDING */
    {1702, WMS_E_UNREACHABLE, false},  /* RPC_S_INVALID_BINDING */
    {1703, WMS_E_UNREACHABLE, false},  /* RPC_S_PROTSEQ_NOT_SUPPORTED */
    {1704, WMS_E_UNREACHABLE, false},  /* RPC_S_INVALID_RPC_PROTSEQ */
    {1706, WMS_E_UNREACHABLE, false},  /* RPC_S_INVALID_ENDPOINT_FORMAT */
    {1707, WMS_E_UNREACHABLE, false},  /* RPC_S_INVALID_NET_ADDR */
    {1708, WMS_E_UNREACHABLE, false},  /* RPC_S_NO_ENDPOINT_FOUND */
    {1715, WMS_E_UNREACHABLE, false},  /* RPC_S_NOT_LISTENING */
    {1718, WMS_E_UNREACHABLE, false},  /* RPC_S_NO_BINDINGS */
    {1722, WMS_E_UNREACHABLE, false},  /* RPC_S_SERVER_UNAVAILABLE */
    {1726, WMS_E_UNREACHABLE, true},   /* RPC_S_CALL_FAILED */
    {1727, WMS_E_UNREACHABLE, false},  /* RPC_S_CALL_FAILED_DNE: "did not execute" */
    {1753, WMS_E_UNREACHABLE, false},  /* EPT_S_NOT_REGISTERED: that service does not run there */
    {1820, WMS_E_UNREACHABLE, true},   /* RPC_S_COMM_FAILURE */
    {10061, WMS_E_UNREACHABLE, false}, /* WSAECONNREFUSED */
    {10065, WMS_E_UNREACHABLE, false}, /* WSAEHOSTUNREACH */
    {11001, WMS_E_UNREACHABLE, false}, /* WSAHOST_NOT_FOUND */
    {258, WMS_E_TIMEOUT, true},        /* WAIT_TIMEOUT */
    {1460, WMS_E_TIMEOUT, true},       /* ERROR_TIMEOUT */
    {1818, WMS_E_TIMEOUT, true},       /* RPC_S_CALL_CANCELLED */
    {7040, WMS_E_TIMEOUT, true},       /* ERROR_CTX_CLIENT_QUERY_TIMEOUT */
    {1, WMS_E_UNSUPPORTED, false},     /* ERROR_INVALID_FUNCTION */
    {50, WMS_E_UNSUPPORTED, false},    /* ERROR_NOT_SUPPORTED */
    {120, WMS_E_UNSUPPORTED, false},   /* ERROR_CALL_NOT_IMPLEMENTED */
    {1717, WMS_E_UNSUPPORTED, false},  /* RPC_S_UNKNOWN_IF */
    {1745, WMS_E_UNSUPPORTED, false},  /* RPC_S_PROCNUM_OUT_OF_RANGE */
    {1764, WMS_E_UNSUPPORTED, false},  /* RPC_S_CANNOT_SUPPORT */
    {1244, WMS_E_NOT_BOUND, false},    /* ERROR_NOT_AUTHENTICATED */
    {0x800B0109, WMS_E_UNTRUSTED, false}, /* CERT_E_UNTRUSTEDROOT */
    {13, WMS_E_PROTOCOL, false},          /* ERROR_INVALID_DATA */
    {1728, WMS_E_PROTOCOL, true},         /* RPC_S_PROTOCOL_ERROR */
    {1783, WMS_E_PROTOCOL, true},         /* RPC_X_BAD_STUB_DATA */
    {71, WMS_E_BUSY, false},              /* ERROR_REQ_NOT_ACCEP */
    {170, WMS_E_BUSY, false},             /* ERROR_BUSY */
    {1721, WMS_E_BUSY, false},            /* RPC_S_OUT_OF_RESOURCES */
    {1723, WMS_E_BUSY, false},            /* RPC_S_SERVER_TOO_BUSY */
    {7024, WMS_E_BUSY, false},            /* ERROR_CTX_WINSTATION_BUSY */
    {1223, WMS_E_CANCELLED, false},       /* ERROR_CANCELLED */
    {126, WMS_E_NO_PROVIDER, false},      /* ERROR_MOD_NOT_FOUND */
    {8, WMS_E_NO_MEMORY, false},          /* ERROR_NOT_ENOUGH_MEMORY */
    {14, WMS_E_NO_MEMORY, false},         /* ERROR_OUTOFMEMORY */
};

/* An HRESULT or an NTSTATUS of the facility WIN32 has Windows' error in its lower half. */
static DWORD plain(DWORD number)
{
    return number >> 16 == 0x8007 || number >> 16 == 0xC007 ? number & 0xFFFF : number;
}

static const DWORD no_variable = 203; /* ERROR_ENVVAR_NOT_FOUND */

static const char *text_of(int code)
{
    switch (code) {
    case WMS_E_NOT_FOUND:
        return "the host has no such session";
    case WMS_E_ACCESS_DENIED:
        return "the host refuses the action";
    case WMS_E_UNREACHABLE:
        return "the host cannot be reached, or the connection broke";
    case WMS_E_TIMEOUT:
        return "the host did not answer the session API in time";
    case WMS_E_UNSUPPORTED:
        return "the host's session API cannot do that";
    case WMS_E_NOT_BOUND:
        return "the session API is not authenticated to the host";
    case WMS_E_UNTRUSTED:
        return "the host's certificate is not trusted";
    case WMS_E_BUSY:
        return "the host is too busy";
    case WMS_E_CANCELLED:
        return "the call was cancelled";
    case WMS_E_NO_PROVIDER:
        return "the session API lacks a module of its own";
    case WMS_E_NO_MEMORY:
        return "the session API is out of memory";
    default:
        return "the session API failed";
    }
}

void wts_fault_set(struct wts_fault *ret_fault, int code, const char *text)
{
    ret_fault->code = code;
    ret_fault->doubtful = ret_fault->silent = false;
    snprintf(ret_fault->text, sizeof ret_fault->text, "%s", text);
}

void wts_fault_read(struct wts_fault *ret_fault)
{
    DWORD number = GetLastError();

    if (number == 0 || number == no_variable) { /* libwinpr's answer if no library implements the
                                                   API, or this function */
        wts_fault_set(ret_fault, WMS_E_UNSUPPORTED,
                      "no session API answers here: WTSAPI_LIBRARY has to name a library that "
                      "implements this call");
        ret_fault->silent = true;
        return;
    }
    ret_fault->code = WMS_E_PROTOCOL;
    ret_fault->doubtful = true;
    ret_fault->silent = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].number == plain(number)) {
            ret_fault->code = known[i].code;
            ret_fault->doubtful = known[i].doubtful;
        }
    }
    snprintf(ret_fault->text, sizeof ret_fault->text,
             number >> 31 ? "%s (Windows error 0x%08lX)" : "%s (Windows error %lu)",
             text_of(ret_fault->code), (unsigned long) number);
}
