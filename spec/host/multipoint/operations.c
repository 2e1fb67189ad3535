/* SPDX-License-Identifier: MIT */
/* What the protocol has: every operation that a MultiPoint Server answers, from the published WSDL.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

/* name:type, in the schema's order.  u unsignedInt, U unsignedLong, i int, b boolean, s string, g
 * guid, x base64Binary, B bytes, S strings, I sessions, A programs, W users; "n" after it: may be
 * nil; "?": may be left out. */
const struct operation operations[] = {
    {"IMultiPointCertificateRequest", "GetProtocolVersion", ANYBODY, "", "pProtocolVersion:u",
     get_protocol_version},
    {"IMultiPointCertificateRequest", "RequestSslCertificate", ANYBODY, "",
     "pSslPort:u pwsSslCertificateThumbprint:s ppSslCertificate:B", request_ssl_certificate},
    {"IMultiPointCredentialRequest", "SetSslCertificate", ADMIN,
     "wsHostName:s SslPort:u wsSslCertificateThumbprint:s pSslCertificate:B", "",
     set_ssl_certificate},
    {"IMultiPointCredentialRequest", "RequestWmsControlCredentials", ADMIN, "",
     "pwsWmsControlPassword:s pwsWmsManagementPassword:s", request_credentials},
    {"IMultiPointServer", "GetAllSessions", CONTROL, "", "pcSessionInfo:i pprgWmsSessionInfoWs:I",
     get_all_sessions},
    {"IMultiPointServer", "GetClientVersion", CONTROL, "", "pwsVersion:s?", get_client_version},
    {"IMultiPointServer", "GetPeerWmsServerList", MANAGEMENT, "",
     "prgwsIpAddressList:S? prgwsServerList:S?", get_peer_servers},
    {"IMultiPointServer", "GetPeerWmsConnectorList", MANAGEMENT, "",
     "prgwsIpAddressList:S? prgwsConnectorList:S?", get_peer_connectors},
    {"IMultiPointServer", "GetServerVersion", CONTROL, "", "pwsVersion:s?", get_server_version},
    {"IMultiPointServer", "GetSystemAlertStatus", MANAGEMENT, "eType:u",
     "peSeverity:u? peStatus:u?", get_system_alert},
    {"IMultiPointServer", "GetSystemMode", CONTROL, "", "peType:u?", get_system_mode},
    {"IMultiPointServer", "GetVirtualMachineIpAddress", MANAGEMENT, "bstrVirtualMachineHostName:s",
     "pbstrVirtualMachineIpAddress:s?", NULL},
    {"IMultiPointServer", "OnboardVirtualDesktop", MANAGEMENT,
     "wsVirtualMachineId:s wsRemoteFqdn:s",
     "pSslPort:u pwsSslCertificateThumbprint:s ppSslCertificate:B pwsWmsControlPassword:s "
     "pwsWmsManagementPassword:s",
     NULL},
    {"IMultiPointServer", "Reboot", CONTROL, "", "", end_host},
    {"IMultiPointServer", "RegisterChatEventSink", CONTROL,
     "bstrUriSinkEndpoint:s bstrServerName:s idSession:u bstrTeacherName:s", "pullCookie:U?", NULL},
    {"IMultiPointServer", "RegisterCoreEventSink", CONTROL, "bstrUriSinkEndpoint:s",
     "pullCookie:U?", register_core_event_sink},
    {"IMultiPointServer", "Shutdown", CONTROL, "", "", end_host},
    {"IMultiPointServer", "UnregisterChatEventSink", CONTROL, "ullCookie:U", "", NULL},
    {"IMultiPointServer", "UnregisterCoreEventSink", CONTROL, "ullCookie:U", "",
     unregister_core_event_sink},
    {"IMultiPointServer", "EnableChat", MANAGEMENT, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "GetLicenseCount", CONTROL, "", "pcLicenses:u", get_license_count},
    {"IMultiPointServer", "GetManagedSystemsType", CONTROL, "", "pEWmsRemoteManagementHostType:u",
     get_managed_type},
    {"IMultiPointServer", "GetNetJoinStatus", CONTROL, "", "peNetJoinStatus:u pwsDomainName:s",
     get_net_join},
    {"IMultiPointServer", "GetVirtualMachineHostname", MANAGEMENT, "",
     "pwsVirtualMachineHostname:s", NULL},
    {"IMultiPointServer", "GetWmsWebLimiting", CONTROL, "",
     "pfIsInLimiting:b pfIsAllowList:b pwsAllowList:s pwsBlockList:s", get_web_limiting},
    {"IMultiPointServer", "IsBootToConsoleMode", CONTROL, "", "pfBootToConsoleMode:b", get_setting},
    {"IMultiPointServer", "IsAdminOrchestrationMode", CONTROL, "", "pfAdminOrchestrationMode:b",
     is_admin_orchestration_mode},
    {"IMultiPointServer", "IsChatEnabled", CONTROL, "", "pfEnabled:b", get_setting},
    {"IMultiPointServer", "IsDesktopMonitoringAllowed", CONTROL, "", "pfDesktopMonitoringAllowed:b",
     get_setting},
    {"IMultiPointServer", "IsHypervisorPresent", CONTROL, "", "pfHypervisorPresent:b", get_setting},
    {"IMultiPointServer", "IsSingleSessionPerUser", CONTROL, "", "pfSingleSessionPerUser:b",
     get_setting},
    {"IMultiPointServer", "IsSuppressPrivacyNotificationSet", CONTROL, "",
     "pfSuppressPrivacyNotificationSet:b", get_setting},
    {"IMultiPointServer", "IsVirtualIpPerSessionEnabled", CONTROL, "", "pfEnabled:b", get_setting},
    {"IMultiPointServer", "LoadWindowsEdition", CONTROL, "", "pwsWindowsEdition:s", load_edition},
    {"IMultiPointServer", "SetBlockAllMessage", CONTROL, "wsMessage:sn", "", set_block_all_message},
    {"IMultiPointServer", "SetBootToConsoleMode", MANAGEMENT, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "SetAdminOrchestrationMode", MANAGEMENT, "fEnable:b", "",
     set_admin_orchestration_mode},
    {"IMultiPointServer", "SetSuppressPrivacyNotification", MANAGEMENT, "fEnable:b", "",
     set_setting},
    {"IMultiPointServer", "ValidateAutoLogonAccount", MANAGEMENT,
     "wsDomain:s wsUserName:s wsPassword:s", "eAccountStatus:u", validate_account},
    {"IMultiPointServer", "EnableVirtualIpPerSession", MANAGEMENT, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "SetDesktopMonitoring", MANAGEMENT, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "SetSingleSessionPerUser", MANAGEMENT, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "GetReplacementSslCertificate", MANAGEMENT, "", "ppSslCertificate:B",
     get_replacement_ssl_certificate},
    {"IMultiPointServer", "SetReplacementSslCertificate", MANAGEMENT,
     "wsFqdnManagingServer:s pSslCertificate:B", "", set_replacement_ssl_certificate},
    {"IMultiPointServer", "GetUseHardwareGpu", CONTROL, "", "pfUseHardwareGpu:b", get_setting},
    {"IMultiPointServer", "SetUseHardwareGpu", MANAGEMENT, "fUseHardwareGpu:b", "", set_setting},
    {"IMultiPointServer", "CanModifyWau", CONTROL, "", "pfCanModifyWau:b", get_setting},
    {"IMultiPointServer", "EnableCeip", CONTROL, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "EnableWau", CONTROL, "eWauSetting:u", "", set_setting},
    {"IMultiPointServer", "EnableWer", CONTROL, "fEnable:b", "", set_setting},
    {"IMultiPointServer", "IsCeipEnabled", CONTROL, "", "pfEnabled:b", get_setting},
    {"IMultiPointServer", "IsWauEnabled", CONTROL, "", "peWauSetting:u", get_setting},
    {"IMultiPointServer", "IsWerEnabled", CONTROL, "", "pfEnabled:b", get_setting},
    {"IMultiPointUserManager", "EnumerateUsers", MANAGEMENT, "", "pprgWmsUsersWs:W",
     enumerate_users},
    {"IMultiPointUserManager", "AddUser", MANAGEMENT,
     "wsName:s wsPassword:sn eType:u wsFullName:sn wsDescription:sn", "", add_user},
    {"IMultiPointUserManager", "RemoveUser", MANAGEMENT, "wsName:s", "", remove_user},
    {"IMultiPointUserManager", "SetUserInfo", MANAGEMENT,
     "peType:un wsName:s wsFullName:sn wsPassword:sn wsDescription:sn", "", set_user_info},
    {"IMultiPointStation", "GetNextStationIdentifier", CONTROL, "idStation:u", "pidNextStation:u?",
     get_next_station},
    {"IMultiPointStation", "GetStationAlertStatus", MANAGEMENT, "idStation:u eType:u",
     "peSeverity:u? peStatus:u?", get_station_alert},
    {"IMultiPointStation", "GetStationAutoLogonInformation", CONTROL, "idStation:u",
     "peConfiguration:u? pbstrUserName:s? pbstrDomain:s?", get_station_auto_logon},
    {"IMultiPointStation", "GetStationDeviceInformation", CONTROL, "idStation:u eType:u",
     "pdwDeviceCount:u?", get_station_devices},
    {"IMultiPointStation", "GetStationFriendlyName", CONTROL, "idStation:u", "pwsFriendlyName:s?",
     get_station_friendly_name},
    {"IMultiPointStation", "GetStationInformation", CONTROL, "idStation:u",
     "pidSession:u? pwsSessionHost:s? pwsVirtualMachineId:s? peIdentifyStationState:u? peState:u?",
     get_station_information},
    {"IMultiPointStation", "GetStationServerName", CONTROL, "idStation:u",
     "pwsServerName:s? pwsVirtualMachineName:s?", get_station_server_name},
    {"IMultiPointStation", "GetStationSplitScreenInformation", CONTROL, "idStation:u",
     "pidPrimaryStation:u? pidxSplitScreen:u? peSplitScreenState:u?", get_station_split},
    {"IMultiPointStation", "IdentifyStation", MANAGEMENT,
     "idStation:u wsStationName:s wsStationHost:s wsSessionHost:s eAction:u", "", identify_station},
    {"IMultiPointStation", "RefreshStation", MANAGEMENT, "idStation:u", "", refresh_station},
    {"IMultiPointStation", "RemapStations", CONTROL, "", "", remap_stations},
    {"IMultiPointStation", "BlockUsbStorageDevicesAllStations", CONTROL, "", "", block_usb_all},
    {"IMultiPointStation", "UnblockUsbStorageDevicesAllStations", CONTROL, "", "", unblock_usb_all},
    {"IMultiPointStation", "BlockUsbStorageDevices", CONTROL, "idStation:u", "", block_usb},
    {"IMultiPointStation", "UnblockUsbStorageDevices", CONTROL, "idStation:u", "", unblock_usb},
    {"IMultiPointStation", "IsUsbStorageDeviceBlocked", CONTROL, "idStation:u",
     "peUsbStorageDeviceBlocked:u", is_usb_blocked},
    {"IMultiPointStation", "SetStationAutoLogon", MANAGEMENT,
     "idStation:u eConfiguration:u wsUser:sn wsDomain:sn wsPassword:sn", "",
     set_station_auto_logon},
    {"IMultiPointStation", "SetStationFriendlyName", MANAGEMENT, "idStation:u wsFriendlyName:s", "",
     set_station_friendly_name},
    {"IMultiPointStation", "SetStationServerName", MANAGEMENT,
     "idStation:u wsServerName:sn wsVirtualMachineName:sn", "", set_station_server_name},
    {"IMultiPointStation", "SplitStation", MANAGEMENT, "idStation:u eOperation:u", "",
     split_station},
    {"IMultiPointStation", "StopIdentifyingStation", MANAGEMENT, "idStation:u", "",
     stop_identifying_station},
    {"IMultiPointStation", "GetDisplayRotation", CONTROL, "idStation:u", "peDisplayRotation:u",
     get_display_rotation},
    {"IMultiPointStation", "SetDisplayRotation", MANAGEMENT, "idStation:u eDisplayRotation:u", "",
     set_display_rotation},
    {"IMultiPointSession", "CurrentActivity", CONTROL, "idSession:u",
     "pdwInactiveTicks:u? pwsCurrentActivity:s?", current_activity},
    {"IMultiPointSession", "CloseSessionApplication", CONTROL,
     "idSession:u idProcess:u ullCreateTime:U idWindow:U", "", close_session_app},
    {"IMultiPointSession", "ConfigureWebLimiting", CONTROL, "idSession:u fIsInLimiting:b", "",
     configure_web_limiting},
    {"IMultiPointSession", "ConfigureWebLimitingAll", CONTROL,
     "wsAllowList:s wsBlockList:s fIsAllowedList:b", "", configure_web_limiting_all},
    {"IMultiPointSession", "EnableProjectToAll", CONTROL, "wsInvitation:sn", "", project_to_all},
    {"IMultiPointSession", "EnableWebLimitingAll", CONTROL, "fIsInLimiting:b", "",
     enable_web_limiting_all},
    {"IMultiPointSession", "GetScreenState", CONTROL, "idSession:u",
     "peCurrentBroadCastState:u pfIsLocked:b pfIsDisconnected:b pfIsPrivate:b", get_screen_state},
    {"IMultiPointSession", "GetSessionAgentStatus", MANAGEMENT, "idSession:u",
     "peIdentifyStationState:u", get_agent_status},
    {"IMultiPointSession", "GetSessionRunningApps", CONTROL, "idSession:u",
     "pprgwsWmsRunningAppWs:A", get_session_apps},
    {"IMultiPointSession", "GetThumbnailBits", CONTROL, "idSession:u eBitmapSize:u",
     "ppbDataBits:x?", get_thumbnail_bits},
    {"IMultiPointSession", "IdentifySession", MANAGEMENT,
     "idSession:u wsStationName:s wsStationHost:s wsSessionHost:s eAction:u", "", identify_session},
    {"IMultiPointSession", "GetSessionFlags", CONTROL, "idSession:u", "pgrfSession:u?",
     get_session_flags},
    {"IMultiPointSession", "LockSession", CONTROL, "idSession:u wsLockMessage:s", "", lock_session},
    {"IMultiPointSession", "LogOffSession", CONTROL, "idSession:u", "", log_off_session},
    {"IMultiPointSession", "RunFileSession", CONTROL, "idSession:u wsFileToRun:s", "pdwResult:u?",
     run_file},
    {"IMultiPointSession", "ShareDesktop", CONTROL,
     "idSession:u eMode:u? iMaxViewers:i wsTeacherName:s?", "pwsInvitation:s?", share_desktop},
    {"IMultiPointSession", "StopIdentifyingSession", MANAGEMENT, "idSession:u", "",
     stop_identifying_session},
    {"IMultiPointSession", "StopLockingSession", CONTROL, "idSession:u", "", stop_locking_session},
    {"IMultiPointSession", "StopShareDesktop", CONTROL, "idSession:u", "", stop_share_desktop},
    {"IMultiPointSession", "ViewDesktop", CONTROL,
     "idSession:u eMode:u? wsInvitation:s? wsTitle:s?", "", view_desktop},
    {"IMultiPointSession", "DisconnectSession", CONTROL, "idSession:u", "", disconnect_session},
    {"IMultiPointSession", "LogOffConsoleSession", MANAGEMENT, "", "", log_off_console_session},
    {"IMultiPointDiskProtection", "GetFreeSpaceNeeded", MANAGEMENT, "", "pullFreeSpaceNeeded:U",
     get_disk_space},
    {"IMultiPointDiskProtection", "GetMode", CONTROL, "", "pdpm:u", get_disk_mode},
    {"IMultiPointDiskProtection", "GetScheduledUpdateSettings", MANAGEMENT, "",
     "peMode:u piScheduledUpdateStartHour:u pwsCustomScriptFullPath:s "
     "pcMaxMinutesAllowedForCustomScript:u "
     "peReturnState:u",
     get_updates},
    {"IMultiPointDiskProtection", "Install", MANAGEMENT, "", "", install_disk},
    {"IMultiPointDiskProtection", "IsInstalled", CONTROL, "", "pfIsInstalled:b", is_disk_installed},
    {"IMultiPointDiskProtection", "SetMode", MANAGEMENT, "dpm:u", "", set_disk_mode},
    {"IMultiPointDiskProtection", "SetScheduledUpdateSettings", MANAGEMENT,
     "eMode:u iScheduledUpdateStartHour:u wsCustomScriptFullPath:s "
     "cMaxMinutesAllowedForCustomScript:u eReturnState:u",
     "", set_updates},
    {"IMultiPointDiskProtection", "Uninstall", MANAGEMENT, "udps:u", "", uninstall_disk},
};

const size_t operation_count = LENGTH(operations);

const struct operation *operation_find(const char *interface, const char *name)
{
    for (size_t i = 0; i < LENGTH(operations); i++) {
        if (strcmp(operations[i].name, name) == 0 &&
            (!interface || strcmp(operations[i].interface, interface) == 0)) {
            return &operations[i];
        }
    }
    return NULL;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static bool is_ours(const xmlNode *node)
{
    return node->ns && strcmp((const char *) node->ns->href, "http://MultiPoint") == 0;
}

static xmlNode *next_element(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

const char *text_of(xmlNode *element)
{
    xmlNode *child = element->children;
    xmlChar *whole;

    if (!child) {
        return "";
    }
    for (xmlNode *one = child; one; one = one->next) {
        if (one->type != XML_TEXT_NODE && one->type != XML_CDATA_SECTION_NODE &&
            one->type != XML_COMMENT_NODE) {
            return NULL;
        }
    }
    if (!child->next && child->type != XML_COMMENT_NODE) {
        return (const char *) child->content;
    }
    /* Several pieces become one, in the tree, which outlives the request's use of it. */
    whole = must(xmlNodeGetContent(element));
    while (element->children) {
        child = element->children;
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
    child = must(xmlNewText(whole));
    xmlAddChild(element, child);
    xmlFree(whole);
    return child->content ? (const char *) child->content : "";
}

static bool is_nil(xmlNode *element)
{
    static const xmlChar name[] = "nil", space[] = "http://www.w3.org/2001/XMLSchema-instance";
    const xmlAttr *attribute = xmlHasNsProp(element, name, space);
    const char *value =
        attribute && attribute->children ? (const char *) attribute->children->content : "";

    return strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static bool is_guid(const char *text)
{
    static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";

    if (strlen(text) != sizeof form - 1) {
        return false;
    }
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'x' ? !strchr("0123456789abcdefABCDEF", text[i]) : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

static bool read_list(struct call *call, xmlNode *element, char type)
{
    text_clear(&call->binary);
    for (xmlNode *item = next_element(element->children); item; item = next_element(item->next)) {
        uint64_t number;
        const char *text = text_of(item);

        if (!is_ours(item) || strcmp((const char *) item->name, "prgData") != 0 || !text ||
            (type == 'B' && !parse_number(text, 255, &number))) {
            return false;
        }
        if (type == 'B') {
            const char byte = (char) (unsigned char) number;

            text_add(&call->binary, &byte, 1);
        }
    }
    return true;
}

static bool read_value(struct call *call, xmlNode *element, char type)
{
    const char *text;
    uint64_t *number = &call->numbers[call->count];

    if (type == 'B' || type == 'S') {
        return read_list(call, element, type);
    }
    text = text_of(element);
    if (!text) {
        return false;
    }
    call->arguments[call->count] = text;
    switch (type) {
    case 'u':
        return parse_number(text, UINT32_MAX, number);
    case 'U':
        return parse_number(text, UINT64_MAX, number);
    case 'i':
        return parse_number(*text == '-' ? text + 1 : text, (uint64_t) INT32_MAX + (*text == '-'),
                            number);
    case 'b':
        *number = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        return *number || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    case 'g':
        return is_guid(text);
    default:
        return true;
    }
}

const char *arguments_read(struct call *call, xmlNode *element)
{
    const char *spec = call->operation->in;
    xmlNode *child = next_element(element->children);

    for (call->count = 0; *spec; call->count++) {
        size_t length = strcspn(spec, ":");
        char type = spec[length + 1], more = spec[length + 2];

        if (child && is_ours(child) && strncmp((const char *) child->name, spec, length) == 0 &&
            !child->name[length]) {
            if (is_nil(child)) {
                if (more != 'n' || child->children) {
                    return "an element may not be nil";
                }
            } else if (!read_value(call, child, type)) {
                return "an element's value is not of its type";
            }
            child = next_element(child->next);
        } else if (more != '?') {
            return "an element is missing, misplaced or of another namespace";
        }
        spec += length + strcspn(spec + length, " ");
        spec += *spec == ' ';
    }
    return child ? "there are more elements than the operation has" : NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

void default_answer(const struct operation *operation, struct text *out)
{
    const char *spec = operation->out;

    while (*spec) {
        int length = (int) strcspn(spec, ":");
        char type = spec[length + 1];
        const char *value = strchr("uUi", type) ? "0" : type == 'b' ? "false" : "";

        if (type == 'g') {
            value = "{00000000-0000-0000-0000-000000000000}";
        }
        text_printf(out, "<%.*s>%s</%.*s>", length, spec, value, length, spec);
        spec += (size_t) length + strcspn(spec + length, " ");
        spec += *spec == ' ';
    }
}
