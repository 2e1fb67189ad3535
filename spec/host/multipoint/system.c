/* SPDX-License-Identifier: MIT */
/* IMultiPointServer: what the host is, and how it is set up. */
#include "model.h"

#include <stddef.h>
#include <string.h>

/* ---- settings that are on or off ------------------------------------------------------------- */

static const struct {
    const char *get, *element, *set;
    size_t place;
} settings[] = {
    {"IsChatEnabled", "pfEnabled", "EnableChat", offsetof(struct model, chat)},
    {"IsBootToConsoleMode", "pfBootToConsoleMode", "SetBootToConsoleMode",
     offsetof(struct model, console_mode)},
    {"IsDesktopMonitoringAllowed", "pfDesktopMonitoringAllowed", "SetDesktopMonitoring",
     offsetof(struct model, monitoring)},
    {"IsHypervisorPresent", "pfHypervisorPresent", "", offsetof(struct model, hypervisor)},
    {"IsSingleSessionPerUser", "pfSingleSessionPerUser", "SetSingleSessionPerUser",
     offsetof(struct model, single_session)},
    {"IsSuppressPrivacyNotificationSet", "pfSuppressPrivacyNotificationSet",
     "SetSuppressPrivacyNotification", offsetof(struct model, no_privacy_notice)},
    {"IsVirtualIpPerSessionEnabled", "pfEnabled", "EnableVirtualIpPerSession",
     offsetof(struct model, virtual_ip)},
    {"GetUseHardwareGpu", "pfUseHardwareGpu", "SetUseHardwareGpu", offsetof(struct model, gpu)},
    {"CanModifyWau", "pfCanModifyWau", "", offsetof(struct model, may_change_wau)},
    {"IsCeipEnabled", "pfEnabled", "EnableCeip", offsetof(struct model, ceip)},
    {"IsWerEnabled", "pfEnabled", "EnableWer", offsetof(struct model, wer)},
};

static bool *place_of(struct call *call, bool set, const char **ret_element)
{
    const char *name = call->operation->name;
    size_t i = 0;

    while (strcmp(set ? settings[i].set : settings[i].get, name) != 0) {
        i++;
    }
    *ret_element = settings[i].element;
    return (bool *) ((char *) model_of(call->host) + settings[i].place);
}

uint32_t get_setting(struct call *call)
{
    const char *element;

    if (strcmp(call->operation->name, "IsWauEnabled") == 0) {
        put_number(call, "peWauSetting", model_of(call->host)->wau);
    } else {
        bool value = *place_of(call, false, &element);
        put_boolean(call, element, value);
    }
    return 0;
}

uint32_t set_setting(struct call *call)
{
    const char *element;

    if (strcmp(call->operation->name, "EnableWau") == 0) {
        model_of(call->host)->wau = (uint32_t) call->numbers[0];
    } else {
        *place_of(call, true, &element) = call->numbers[0];
    }
    return 0;
}

/* ---- operations of old versions -------------------------------------------------------------- */

bool is_served(struct host *host, const struct operation *operation)
{
    static const char *const old[] = {"CanModifyWau",  "EnableCeip",   "EnableWau",   "EnableWer",
                                      "IsCeipEnabled", "IsWauEnabled", "IsWerEnabled"};

    for (size_t i = 0; i < LENGTH(old); i++) {
        if (strcmp(operation->name, old[i]) == 0) {
            return model_of(host)->old;
        }
    }
    return true;
}

/* ---- what it is ------------------------------------------------------------------------------ */

uint32_t get_client_version(struct call *call)
{
    const struct model *model = model_of(call->host);

    if (*model->client_version) {
        put_string(call, "pwsVersion", model->client_version);
    }
    return 0;
}

uint32_t get_system_mode(struct call *call)
{
    put_number(call, "peType", model_of(call->host)->mode);
    return 0;
}

uint32_t get_license_count(struct call *call)
{
    put_number(call, "pcLicenses", model_of(call->host)->licenses);
    return 0;
}

uint32_t get_managed_type(struct call *call)
{
    put_number(call, "pEWmsRemoteManagementHostType", model_of(call->host)->kind);
    return 0;
}

uint32_t get_net_join(struct call *call)
{
    put_number(call, "peNetJoinStatus", model_of(call->host)->joined);
    put_string(call, "pwsDomainName", model_of(call->host)->domain);
    return 0;
}

uint32_t load_edition(struct call *call)
{
    put_string(call, "pwsWindowsEdition", model_of(call->host)->edition);
    return 0;
}

uint32_t get_system_alert(struct call *call)
{
    if (call->numbers[0] >= SYSTEM_ALERTS) {
        return win32_hr(BAD_ARGUMENT);
    }
    put_number(call, "peSeverity", model_of(call->host)->alerts[call->numbers[0]].severity);
    put_number(call, "peStatus", model_of(call->host)->alerts[call->numbers[0]].status);
    return 0;
}

/* Names that are separated by spaces; each has the address 192.0.2.N. */
static void put_peers(struct call *call, const char *names, const char *element)
{
    unsigned count = 0;

    for (const char *at = names; *at; at++) {
        count += *at != ' ' && (at == names || at[-1] == ' ');
    }
    text_puts(call->out, "<prgwsIpAddressList>");
    for (unsigned i = 1; i <= count; i++) {
        text_printf(call->out, "<prgData>192.0.2.%u</prgData>", i);
    }
    text_printf(call->out, "</prgwsIpAddressList><%s>", element);
    for (const char *at = names + strspn(names, " "); *at; at += strspn(at, " ")) {
        int length = (int) strcspn(at, " ");
        text_printf(call->out, "<prgData>%.*s</prgData>", length, at);
        at += length;
    }
    text_printf(call->out, "</%s>", element);
}

uint32_t get_peer_servers(struct call *call)
{
    put_peers(call, model_of(call->host)->peers, "prgwsServerList");
    return 0;
}

uint32_t get_peer_connectors(struct call *call)
{
    put_peers(call, model_of(call->host)->connectors, "prgwsConnectorList");
    return 0;
}
