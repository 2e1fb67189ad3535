/* SPDX-License-Identifier: MIT */
/* What the host has beside sessions: stations, accounts, programs, settings.  Each group's file
 * makes its own part of it. */
#ifndef SPEC_HOST_MULTIPOINT_MODEL_H
#define SPEC_HOST_MULTIPOINT_MODEL_H

#include "host.h"

enum { NO_SUCH_THING = 0x490, NOT_ALLOWED = 5, BAD_ARGUMENT = 0x57, NOT_INSTALLED = 0x424 };

static inline uint32_t win32_hr(uint32_t code)
{
    return 0x80070000u | code;
}

/* ---- what there is --------------------------------------------------------------------------- */

enum { DEVICES = 23, STATION_ALERTS = 4, SYSTEM_ALERTS = 7 };

struct alert {
    uint32_t severity, status;
};

struct station {
    uint32_t id;
    bool absent; /* its id is left out */
    char *name;  /* NULL: "Station ID" */
    char *logon_user, *logon_domain, *logon_password, *server, *vm, *vm_id, *session_host;
    uint32_t session; /* on session_host */
    bool logon, split, usb_blocked, identified;
    uint32_t primary, half, rotation, refreshes;
    uint32_t devices[DEVICES];
    struct alert alerts[STATION_ALERTS];
};

struct account {
    struct account *next;
    char *name, *password, *full_name, *description;
    uint32_t type;
};

struct program {
    struct program *next;
    uint64_t session, created, window;
    uint32_t process;
    char *name;
};

struct model {
    struct station *stations; /* by id - 1 */
    size_t station_count;
    struct account *accounts;
    struct program *programs;
    uint32_t next_process;

    struct alert alerts[SYSTEM_ALERTS];
    bool chat, console_mode, monitoring, hypervisor, single_session, no_privacy_notice, virtual_ip,
        gpu;
    bool old, ceip, wer,
        may_change_wau; /* old: it knows the operations of Windows 10 1507 and 1511 */
    uint32_t wau, mode, licenses, kind, joined, reboots, shutdowns, remaps;
    char *client_version, *edition, *domain, *peers, *connectors; /* names, separated by spaces */

    bool web_on, web_allow;
    char *web_allowed, *web_blocked;

    bool disk_installed;
    uint32_t disk_mode, uninstall_stage;
    uint64_t disk_space;
    uint32_t update_mode, update_hour, update_minutes, update_return;
    char *update_script;

    char *project_to_all;
};

struct model *model_of(struct host *host); /* made when it is first asked for */
void model_free(struct host *host);        /* all is as at first then */

/* Whether this host has the operation: those of Windows 10 1507 and 1511 are for old ones. */
bool is_served(struct host *host, const struct operation *operation);

struct station *station_find(struct host *host, uint64_t id); /* NULL: there is none */
struct station *station_make(struct host *host, uint32_t id); /* or the one that is there */
void stations_free(struct model *model);
struct account *account_find(struct model *model, const char *name);
struct account *account_make(struct model *model, const char *name);
void accounts_free(struct model *model);
struct program *program_add(struct model *model, uint64_t session, const char *name);
void programs_free(struct model *model);

void put_string(struct call *call, const char *element, const char *value);
void put_number(struct call *call, const char *element, uint64_t value);
void put_boolean(struct call *call, const char *element, bool value);

/* ---- the operations -------------------------------------------------------------------------- */

#define MODEL_OPERATIONS(X) \
    X(get_next_station) \
    X(get_station_information) \
    X(get_station_friendly_name) \
    X(set_station_friendly_name) \
    X(get_station_auto_logon) \
    X(set_station_auto_logon) \
    X(get_station_server_name) \
    X(set_station_server_name) \
    X(get_station_split) \
    X(split_station) \
    X(get_station_devices) \
    X(get_station_alert) \
    X(get_display_rotation) \
    X(set_display_rotation) \
    X(refresh_station) \
    X(remap_stations) \
    X(identify_station) \
    X(stop_identifying_station) \
    X(block_usb) \
    X(unblock_usb) \
    X(block_usb_all) \
    X(unblock_usb_all) \
    X(is_usb_blocked) \
    X(enumerate_users) \
    X(add_user) \
    X(remove_user) \
    X(set_user_info) \
    X(validate_account) \
    X(get_session_apps) \
    X(close_session_app) \
    X(run_file) \
    X(current_activity) \
    X(identify_session) \
    X(stop_identifying_session) \
    X(get_agent_status) \
    X(share_desktop) \
    X(stop_share_desktop) \
    X(view_desktop) \
    X(project_to_all) \
    X(get_web_limiting) \
    X(configure_web_limiting) \
    X(configure_web_limiting_all) \
    X(enable_web_limiting_all) \
    X(get_setting) \
    X(set_setting) \
    X(get_client_version) \
    X(get_system_mode) \
    X(get_license_count) \
    X(get_managed_type) \
    X(get_net_join) \
    X(load_edition) \
    X(get_system_alert) \
    X(get_peer_servers) \
    X(get_peer_connectors) \
    X(is_disk_installed) \
    X(get_disk_mode) \
    X(set_disk_mode) \
    X(get_disk_space) \
    X(install_disk) \
    X(uninstall_disk) \
    X(get_updates) \
    X(set_updates)

#define X(name) uint32_t name(struct call *call);
MODEL_OPERATIONS(X)
#undef X

/* ---- model_commands.c ------------------------------------------------------------------------ */

/* Whether there is such a command of the control channel's; as command_run(). */
bool model_command(struct host *host, const struct words *words, const char **ret_problem);

#endif
