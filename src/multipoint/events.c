/* SPDX-License-Identifier: MIT */
/* events.c - the table of the events that hosts tell: [MS-RSMC] 3.3, 3.9 and 6.
 *
 * A row: name, arguments, and what is to be looked at then.  Arguments may be nil, or be left out:
 * a host need not know all that it tells of.
 */
#include "telling.h"

#define CORE(X) \
    /* sessions */ \
    X(OnSessionBlocked, "idSession:u?", SESSION) \
    X(OnSessionUnblocked, "idSession:u?", SESSION) \
    X(OnSessionConnecting, "idStation:u?", ALL) \
    X(OnSessionDisconnected, "idStation:u?", ALL) \
    X(OnSessionAgentReady, "idSession:u?", ALL) \
    X(OnServiceControlSessionChange, "dwEventType:u? idSession:u?", ALL) \
    X(OnProjectionStateChange, "idSession:u? eState:u?", ALL) \
    X(OnBeginIdentifySession, "idSession:u?", NOTHING) \
    X(OnEndIdentifySession, "idSession:u?", NOTHING) \
    X(OnAssociateSessionWithStation, \
      "idStation:u? idSession:u? wsServerName:s? wsVirtualMachineId:s?", ALL) \
    /* stations */ \
    X(OnStationAdded, "idStation:u? idxSplitScreen:u? idPrimaryStation:u?", ALL) \
    X(OnStationRemoved, "idStation:u?", ALL) \
    X(OnConfigureStation, "idStation:u?", ALL) \
    X(OnEnterSplitScreen, "idStation:u?", ALL) \
    X(OnExitSplitScreen, "idStation:u?", ALL) \
    X(OnBeginIdentifyStation, "idStation:u?", NOTHING) \
    X(OnEndIdentifyStation, "idStation:u?", NOTHING) \
    X(OnDeviceAdded, "idStation:u? eType:u? cDevices:u?", NOTHING) \
    X(OnDeviceRemoved, "idStation:u? eType:u? cDevices:u?", NOTHING) \
    X(OnStationAlert, "eType:u? idStation:u? eStatus:u?", NOTHING) \
    /* the system */ \
    X(OnSystemAlert, "eType:u? eStatus:u?", NOTHING) \
    X(OnSystemModeChange, "eType:u?", ALL) \
    X(OnBootToConsoleModeChange, "fBootToConsoleModeEnabled:b?", NOTHING) \
    X(OnDesktopMonitoringChange, "fDesktopMonitoringEnabled:b?", NOTHING) \
    X(OnScheduledUpdateSettingsChanged, \
      "eMode:u? iScheduledUpdateStartHour:u? wsCustomScriptFullPath:s? " \
      "cMaxMinutesAllowedForCustomScript:u? eReturnState:u?", \
      NOTHING) \
    X(ShutdownNotification, "", GONE) \
    /* peers */ \
    X(OnPeerServerAdded, "wsServerName:s?", NOTHING) \
    X(OnPeerServerRemoved, "wsServerName:s?", NOTHING) \
    X(OnPeerServerDiscovered, "wsServerName:s? wsIpAddress:s? eDiscoverType:u?", NOTHING) \
    X(OnManagedServerOnline, "wsServerName:s? wsIpAddresses:s?", BACK) \
    X(OnManagedServerOffline, "wsServerName:s?", GONE) \
    /* users: whether one is an administrator decides whose sessions may be controlled */ \
    X(OnUserCreated, "wsUserName:s?", NOTHING) \
    X(OnUserUpdated, "wsUserName:s?", ALL) \
    X(OnUserDeleted, "wsUserName:s?", NOTHING) \
    X(OnGroupUpdated, "", ALL) \
    /* virtual desktops */ \
    X(OnVirtualDesktopOnline, "wsVirtualMachineId:s? wsHostName:s?", NOTHING) \
    X(OnVirtualDesktopNotification, \
      "eVirtualDesktopNotificationType:u? idProgress:u? wsMessage:s?", NOTHING)

#define ONLINE(X) \
    X(OnManagedServerOfflineNotify, "wsWmsSystemHostName:s?", GONE) \
    X(OnManagedServerOnlineNotify, "wsWmsSystemHostName:s? wsWmsSystemIpAddress:s?", BACK) \
    X(OnNewServerCertificateReady, "wsHostName:s? pSslCertificate:B?", CERTIFICATE)

const struct multipoint_event multipoint_events[] = {
#define X(name, fields, hint) {MULTIPOINT_CORE_SINK, #name, fields, MULTIPOINT_HINT_##hint, false},
    CORE(X)
#undef X
#define X(name, fields, hint) {MULTIPOINT_ONLINE_SINK, #name, fields, MULTIPOINT_HINT_##hint, true},
        ONLINE(X)
#undef X
};

const size_t multipoint_event_count = sizeof multipoint_events / sizeof *multipoint_events;

const struct multipoint_event *multipoint_event_find(const char *interface_name, const char *name)
{
    for (size_t i = 0; i < multipoint_event_count; i++) {
        const struct multipoint_event *event = &multipoint_events[i];
        if (strcmp(event->name, name) == 0 && strcmp(event->interface_name, interface_name) == 0) {
            return event;
        }
    }
    return NULL;
}
