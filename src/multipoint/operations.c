/* SPDX-License-Identifier: MIT */
/* operations.c - the table of the protocol's operations: [MS-RSMC] 3.1 to 3.10 and 6, without those
 * that event sinks implement.
 *
 * A row: interface, operation, whose credentials it needs, what it takes, what it returns.  The
 * fields' types are the letters of enum multipoint_type; `n`: may be nil; `?`: may be left out.
 * Names are the protocol's, as wms.call() uses them.  Those of sessions come first, since they are
 * looked up most often.
 */
#include <strings.h>

#include "multipoint.h"

#define ANYBODY    MULTIPOINT_ANYBODY
#define ADMIN      MULTIPOINT_ADMIN
#define CONTROL    MULTIPOINT_CONTROL
#define MANAGEMENT MULTIPOINT_MANAGEMENT

const struct multipoint_operation multipoint_operations[] = {
    {"IMultiPointSession", "CurrentActivity", CONTROL, "idSession:u",
     "pdwInactiveTicks:u? pwsCurrentActivity:s?"},
    {"IMultiPointSession", "CloseSessionApplication", CONTROL,
     "idSession:u idProcess:u ullCreateTime:U idWindow:U", ""},
    {"IMultiPointSession", "ConfigureWebLimiting", CONTROL, "idSession:u fIsInLimiting:b", ""},
    {"IMultiPointSession", "ConfigureWebLimitingAll", CONTROL,
     "wsAllowList:s wsBlockList:s fIsAllowedList:b", ""},
    {"IMultiPointSession", "EnableProjectToAll", CONTROL, "wsInvitation:sn", ""},
    {"IMultiPointSession", "EnableWebLimitingAll", CONTROL, "fIsInLimiting:b", ""},
    {"IMultiPointSession", "GetScreenState", CONTROL, "idSession:u",
     "peCurrentBroadCastState:u pfIsLocked:b pfIsDisconnected:b pfIsPrivate:b"},
    {"IMultiPointSession", "GetSessionAgentStatus", MANAGEMENT, "idSession:u",
     "peIdentifyStationState:u"},
    {"IMultiPointSession", "GetSessionRunningApps", CONTROL, "idSession:u",
     "pprgwsWmsRunningAppWs:A"},
    {"IMultiPointSession", "GetThumbnailBits", CONTROL, "idSession:u eBitmapSize:u",
     "ppbDataBits:x?"},
    {"IMultiPointSession", "IdentifySession", MANAGEMENT,
     "idSession:u wsStationName:s wsStationHost:s wsSessionHost:s eAction:u", ""},
    {"IMultiPointSession", "GetSessionFlags", CONTROL, "idSession:u", "pgrfSession|pfgrSession:u?"},
    {"IMultiPointSession", "LockSession", CONTROL, "idSession:u wsLockMessage:s", ""},
    {"IMultiPointSession", "LogOffSession", CONTROL, "idSession:u", ""},
    {"IMultiPointSession", "RunFileSession", CONTROL, "idSession:u wsFileToRun:s", "pdwResult:u?"},
    {"IMultiPointSession", "ShareDesktop", CONTROL,
     "idSession:u eMode:u? iMaxViewers:i wsTeacherName:s?", "pwsInvitation:s?"},
    {"IMultiPointSession", "StopIdentifyingSession", MANAGEMENT, "idSession:u", ""},
    {"IMultiPointSession", "StopLockingSession", CONTROL, "idSession:u", ""},
    {"IMultiPointSession", "StopShareDesktop", CONTROL, "idSession:u", ""},
    {"IMultiPointSession", "ViewDesktop", CONTROL,
     "idSession:u eMode:u? wsInvitation:s? wsTitle:s?", ""},
    {"IMultiPointSession", "DisconnectSession", CONTROL, "idSession:u", ""},
    {"IMultiPointSession", "LogOffConsoleSession", MANAGEMENT, "", ""},
    {"IMultiPointCertificateRequest", "GetProtocolVersion", ANYBODY, "", "pProtocolVersion:u"},
    {"IMultiPointCertificateRequest", "RequestSslCertificate", ANYBODY, "",
     "pSslPort:u pwsSslCertificateThumbprint:s ppSslCertificate:B"},
    {"IMultiPointCredentialRequest", "SetSslCertificate", ADMIN,
     "wsHostName:s SslPort:u wsSslCertificateThumbprint:s pSslCertificate:B", ""},
    {"IMultiPointCredentialRequest", "RequestWmsControlCredentials", ADMIN, "",
     "pwsWmsControlPassword:s pwsWmsManagementPassword:s?"},
    {"IMultiPointServer", "GetAllSessions", CONTROL, "", "pcSessionInfo:i pprgWmsSessionInfoWs:I"},
    {"IMultiPointServer", "GetClientVersion", CONTROL, "", "pwsVersion:s?"},
    {"IMultiPointServer", "GetPeerWmsServerList", MANAGEMENT, "",
     "prgwsIpAddressList:S? prgwsServerList:S?"},
    {"IMultiPointServer", "GetPeerWmsConnectorList", MANAGEMENT, "",
     "prgwsIpAddressList:S? prgwsConnectorList:S?"},
    {"IMultiPointServer", "GetServerVersion", CONTROL, "", "pwsVersion:s?"},
    {"IMultiPointServer", "GetSystemAlertStatus", MANAGEMENT, "eType:u",
     "peSeverity:u? peStatus:u?"},
    {"IMultiPointServer", "GetSystemMode", CONTROL, "", "peType:u?"},
    {"IMultiPointServer", "GetVirtualMachineIpAddress", MANAGEMENT, "bstrVirtualMachineHostName:s",
     "pbstrVirtualMachineIpAddress:s?"},
    {"IMultiPointServer", "OnboardVirtualDesktop", MANAGEMENT,
     "wsVirtualMachineId:s wsRemoteFqdn:s",
     "pSslPort:u pwsSslCertificateThumbprint:s ppSslCertificate:B pwsWmsControlPassword:s "
     "pwsWmsManagementPassword:s"},
    {"IMultiPointServer", "Reboot", CONTROL, "", ""},
    {"IMultiPointServer", "RegisterChatEventSink", CONTROL,
     "bstrUriSinkEndpoint:s bstrServerName:s idSession:u bstrTeacherName:s", "pullCookie:U?"},
    {"IMultiPointServer", "RegisterCoreEventSink", CONTROL, "bstrUriSinkEndpoint:s",
     "pullCookie:U?"},
    {"IMultiPointServer", "Shutdown", CONTROL, "", ""},
    {"IMultiPointServer", "UnregisterChatEventSink", CONTROL, "ullCookie:U", ""},
    {"IMultiPointServer", "UnregisterCoreEventSink", CONTROL, "ullCookie:U", ""},
    {"IMultiPointServer", "EnableChat", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "GetLicenseCount", CONTROL, "", "pcLicenses:u"},
    {"IMultiPointServer", "GetManagedSystemsType", CONTROL, "", "pEWmsRemoteManagementHostType:u"},
    {"IMultiPointServer", "GetNetJoinStatus", CONTROL, "", "peNetJoinStatus:u pwsDomainName:s"},
    {"IMultiPointServer", "GetVirtualMachineHostname", MANAGEMENT, "",
     "pwsVirtualMachineHostname:s"},
    {"IMultiPointServer", "GetWmsWebLimiting", CONTROL, "",
     "pfIsInLimiting:b pfIsAllowList:b pwsAllowList:s pwsBlockList:s"},
    {"IMultiPointServer", "IsBootToConsoleMode", CONTROL, "", "pfBootToConsoleMode:b"},
    {"IMultiPointServer", "IsAdminOrchestrationMode", CONTROL, "", "pfAdminOrchestrationMode:b"},
    {"IMultiPointServer", "IsChatEnabled", CONTROL, "", "pfEnabled:b"},
    {"IMultiPointServer", "IsDesktopMonitoringAllowed", CONTROL, "",
     "pfDesktopMonitoringAllowed:b"},
    {"IMultiPointServer", "IsHypervisorPresent", CONTROL, "", "pfHypervisorPresent:b"},
    {"IMultiPointServer", "IsSingleSessionPerUser", CONTROL, "", "pfSingleSessionPerUser:b"},
    {"IMultiPointServer", "IsSuppressPrivacyNotificationSet", CONTROL, "",
     "pfSuppressPrivacyNotificationSet:b"},
    {"IMultiPointServer", "IsVirtualIpPerSessionEnabled", CONTROL, "", "pfEnabled:b"},
    {"IMultiPointServer", "LoadWindowsEdition", CONTROL, "", "pwsWindowsEdition:s"},
    {"IMultiPointServer", "SetBlockAllMessage", CONTROL, "wsMessage:sn", ""},
    {"IMultiPointServer", "SetBootToConsoleMode", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "SetAdminOrchestrationMode", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "SetSuppressPrivacyNotification", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "ValidateAutoLogonAccount", MANAGEMENT,
     "wsDomain:s wsUserName:s wsPassword:s", "eAccountStatus:u"},
    {"IMultiPointServer", "EnableVirtualIpPerSession", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "SetDesktopMonitoring", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "SetSingleSessionPerUser", MANAGEMENT, "fEnable:b", ""},
    {"IMultiPointServer", "GetReplacementSslCertificate", MANAGEMENT, "", "ppSslCertificate:B"},
    {"IMultiPointServer", "SetReplacementSslCertificate", MANAGEMENT,
     "wsFqdnManagingServer:s pSslCertificate:B", ""},
    {"IMultiPointServer", "GetUseHardwareGpu", CONTROL, "", "pfUseHardwareGpu:b"},
    {"IMultiPointServer", "SetUseHardwareGpu", MANAGEMENT, "fUseHardwareGpu:b", ""},
    /* Only on Windows 10 1507 and 1511; the WSDL does not have them. */
    {"IMultiPointServer", "CanModifyWau", CONTROL, "", "pfCanModifyWau:b"},
    {"IMultiPointServer", "EnableCeip", CONTROL, "fEnable:b", ""},
    {"IMultiPointServer", "EnableWau", CONTROL, "eWauSetting:u", ""},
    {"IMultiPointServer", "EnableWer", CONTROL, "fEnable:b", ""},
    {"IMultiPointServer", "IsCeipEnabled", CONTROL, "", "pfEnabled:b"},
    {"IMultiPointServer", "IsWauEnabled", CONTROL, "", "peWauSetting:u"},
    {"IMultiPointServer", "IsWerEnabled", CONTROL, "", "pfEnabled:b"},
    {"IMultiPointUserManager", "EnumerateUsers", MANAGEMENT, "", "pprgWmsUsersWs:W"},
    {"IMultiPointUserManager", "AddUser", MANAGEMENT,
     "wsName:s wsPassword:sn eType:u wsFullName:sn wsDescription:sn", ""},
    {"IMultiPointUserManager", "RemoveUser", MANAGEMENT, "wsName:s", ""},
    {"IMultiPointUserManager", "SetUserInfo", MANAGEMENT,
     "peType:un wsName:s wsFullName:sn wsPassword:sn wsDescription:sn", ""},
    {"IMultiPointStation", "GetNextStationIdentifier", CONTROL, "idStation:u", "pidNextStation:u?"},
    {"IMultiPointStation", "GetStationAlertStatus", MANAGEMENT, "idStation:u eType:u",
     "peSeverity:u? peStatus:u?"},
    {"IMultiPointStation", "GetStationAutoLogonInformation", CONTROL, "idStation:u",
     "peConfiguration:u? pbstrUserName:s? pbstrDomain:s?"},
    {"IMultiPointStation", "GetStationDeviceInformation", CONTROL, "idStation:u eType:u",
     "pdwDeviceCount:u?"},
    {"IMultiPointStation", "GetStationFriendlyName", CONTROL, "idStation:u", "pwsFriendlyName:s?"},
    {"IMultiPointStation", "GetStationInformation", CONTROL, "idStation:u",
     "pidSession:u? pwsSessionHost:s? pwsVirtualMachineId:s? peIdentifyStationState:u? peState:u?"},
    {"IMultiPointStation", "GetStationServerName", CONTROL, "idStation:u",
     "pwsServerName:s? pwsVirtualMachineName:s?"},
    {"IMultiPointStation", "GetStationSplitScreenInformation", CONTROL, "idStation:u",
     "pidPrimaryStation:u? pidxSplitScreen:u? peSplitScreenState:u?"},
    {"IMultiPointStation", "IdentifyStation", MANAGEMENT,
     "idStation:u wsStationName:s wsStationHost:s wsSessionHost:s eAction:u", ""},
    {"IMultiPointStation", "RefreshStation", MANAGEMENT, "idStation:u", ""},
    {"IMultiPointStation", "RemapStations", CONTROL, "", ""},
    {"IMultiPointStation", "BlockUsbStorageDevicesAllStations", CONTROL, "", ""},
    {"IMultiPointStation", "UnblockUsbStorageDevicesAllStations", CONTROL, "", ""},
    {"IMultiPointStation", "BlockUsbStorageDevices", CONTROL, "idStation:u", ""},
    {"IMultiPointStation", "UnblockUsbStorageDevices", CONTROL, "idStation:u", ""},
    {"IMultiPointStation", "IsUsbStorageDeviceBlocked", CONTROL, "idStation:u",
     "peUsbStorageDeviceBlocked:u"},
    {"IMultiPointStation", "SetStationAutoLogon", MANAGEMENT,
     "idStation:u eConfiguration:u wsUser:sn wsDomain:sn wsPassword:sn", ""},
    {"IMultiPointStation", "SetStationFriendlyName", MANAGEMENT, "idStation:u wsFriendlyName:s",
     ""},
    {"IMultiPointStation", "SetStationServerName", MANAGEMENT,
     "idStation:u wsServerName:sn wsVirtualMachineName:sn", ""},
    {"IMultiPointStation", "SplitStation", MANAGEMENT, "idStation:u eOperation:u", ""},
    {"IMultiPointStation", "StopIdentifyingStation", MANAGEMENT, "idStation:u", ""},
    {"IMultiPointStation", "GetDisplayRotation", CONTROL, "idStation:u", "peDisplayRotation:u"},
    {"IMultiPointStation", "SetDisplayRotation", MANAGEMENT, "idStation:u eDisplayRotation:u", ""},
    {"IMultiPointDiskProtection", "GetFreeSpaceNeeded", MANAGEMENT, "", "pullFreeSpaceNeeded:U"},
    {"IMultiPointDiskProtection", "GetMode", CONTROL, "", "pdpm:u"},
    {"IMultiPointDiskProtection", "GetScheduledUpdateSettings", MANAGEMENT, "",
     "peMode:u piScheduledUpdateStartHour:u pwsCustomScriptFullPath:s "
     "pcMaxMinutesAllowedForCustomScript:u "
     "peReturnState:u"},
    {"IMultiPointDiskProtection", "Install", MANAGEMENT, "", ""},
    {"IMultiPointDiskProtection", "IsInstalled", CONTROL, "", "pfIsInstalled:b"},
    {"IMultiPointDiskProtection", "SetMode", MANAGEMENT, "dpm:u", ""},
    {"IMultiPointDiskProtection", "SetScheduledUpdateSettings", MANAGEMENT,
     "eMode:u iScheduledUpdateStartHour:u wsCustomScriptFullPath:s "
     "cMaxMinutesAllowedForCustomScript:u "
     "eReturnState:u",
     ""},
    {"IMultiPointDiskProtection", "Uninstall", MANAGEMENT, "udps:u", ""},
};

const size_t multipoint_operation_count =
    sizeof multipoint_operations / sizeof *multipoint_operations;

const struct multipoint_operation *multipoint_operation_find(const char *interface_name,
                                                             const char *name)
{
    for (size_t i = 0; i < multipoint_operation_count; i++) {
        const struct multipoint_operation *operation = &multipoint_operations[i];
        if (*operation->name == *name && strcmp(operation->name, name) == 0 &&
            strcmp(operation->interface_name, interface_name) == 0) {
            return operation;
        }
    }
    return NULL;
}

const char *multipoint_operation_like(const char *interface_name, const char *name)
{
    const char *first = NULL;

    for (size_t i = multipoint_operation_count; i-- > 0;) {
        const struct multipoint_operation *operation = &multipoint_operations[i];
        if (strcmp(operation->interface_name, interface_name) == 0) {
            if (strcasecmp(operation->name, name) == 0) {
                return operation->name;
            }
            first = operation->name;
        }
    }
    return first;
}

bool multipoint_field_next(const char **spec, struct multipoint_field *ret_field)
{
    const char *at = *spec;

    if (!*at) {
        return false;
    }
    *ret_field = (struct multipoint_field){.name = at, .length = strcspn(at, "|:")};
    at += ret_field->length;
    if (*at == '|') {
        ret_field->alias = ++at;
        ret_field->alias_length = strcspn(at, ":");
        at += ret_field->alias_length;
    }
    at++;
    ret_field->type = (enum multipoint_type) * at++;
    for (; *at && *at != ' '; at++) {
        ret_field->nillable = ret_field->nillable || *at == 'n';
        ret_field->optional = ret_field->optional || *at == '?';
    }
    *spec = at + (*at == ' ');
    return true;
}
