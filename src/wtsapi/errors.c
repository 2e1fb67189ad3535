/* SPDX-License-Identifier: MIT */
/* errors.c - our codes as Windows' errors. */
#include "wtsapi/wtsapi.h"

static const struct {
    int code;
    DWORD error;
} errors[] = {
    {0, ERROR_SUCCESS},
    {WMS_E_NOT_FOUND, ERROR_FILE_NOT_FOUND},
    {WMS_E_ACCESS_DENIED, ERROR_ACCESS_DENIED},
    {WMS_E_UNREACHABLE, RPC_S_SERVER_UNAVAILABLE},
    {WMS_E_TIMEOUT, ERROR_TIMEOUT},
    {WMS_E_UNSUPPORTED, ERROR_NOT_SUPPORTED},
    {WMS_E_NOT_BOUND, ERROR_NOT_AUTHENTICATED},
    {WMS_E_UNTRUSTED, WTSAPI_CERT_E_UNTRUSTEDROOT},
    {WMS_E_PROTOCOL, RPC_S_PROTOCOL_ERROR},
    {WMS_E_UNVERIFIED,
     RPC_S_CALL_FAILED}, /* accepted by the host, but not seen to be carried out */
    {WMS_E_CANCELLED, ERROR_CANCELLED},
    {WMS_E_BUSY, ERROR_BUSY},
    {WMS_E_NO_PROVIDER, ERROR_MOD_NOT_FOUND},
    {WMS_E_NO_MEMORY, ERROR_OUTOFMEMORY},
    {WMS_E_INVALID, ERROR_INVALID_PARAMETER},
};

DWORD wtsapi_error(int code)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (errors[i].code == code) {
            return errors[i].error;
        }
    }
    return ERROR_INTERNAL_ERROR;
}

/* WMS_UNKNOWN: sent and not answered, so that it is not known whether it was carried out. */
DWORD wtsapi_outcome_error(const wms_outcome *outcome)
{
    return outcome->state == WMS_UNKNOWN ? RPC_S_CALL_FAILED : wtsapi_error(outcome->code);
}

BOOL wtsapi_result(DWORD error)
{
    if (error) {
        SetLastError(error);
    }
    return !error;
}
