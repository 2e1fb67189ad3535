/* SPDX-License-Identifier: MIT */
/* IMultiPointStation: what the host does with its stations. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE = 2, ACTIVE = 4, BLOCKED = 5, DISCONNECTED = 4 };

/* ---- the table ------------------------------------------------------------------------------- */

struct station *station_make(struct host *host, uint32_t id)
{
    struct model *model = model_of(host);

    if (id > host->stations) {
        host->stations = id;
    }
    if (id > model->station_count) {
        model->stations = must(realloc(model->stations, id * sizeof *model->stations));
        for (size_t i = model->station_count; i < id; i++) {
            model->stations[i] = (struct station){.id = (uint32_t) i + 1, .session = UINT32_MAX};
        }
        model->station_count = id;
    }
    return &model->stations[id - 1];
}

struct station *station_find(struct host *host, uint64_t id)
{
    struct station *station =
        id >= 1 && id <= host->stations ? station_make(host, (uint32_t) id) : NULL;

    return station && !station->absent ? station : NULL;
}

static void clear(struct station *station)
{
    free(station->name);
    free(station->logon_user);
    free(station->logon_domain);
    free(station->logon_password);
    free(station->server);
    free(station->vm);
    free(station->vm_id);
    free(station->session_host);
    *station = (struct station){.id = station->id, .session = UINT32_MAX};
}

void stations_free(struct model *model)
{
    for (size_t i = 0; i < model->station_count; i++) {
        clear(&model->stations[i]);
    }
    free(model->stations);
    model->stations = NULL;
    model->station_count = 0;
}

/* The station that a call names. */
static uint32_t find(struct call *call, struct station **ret)
{
    *ret = station_find(call->host, call->numbers[0]);
    return *ret ? 0 : win32_hr(NO_SUCH_THING);
}

static struct session *session_at(const struct host *host, uint32_t station)
{
    for (size_t i = 0; i < host->session_count; i++) {
        if (host->sessions[i]->station == station) {
            return host->sessions[i];
        }
    }
    return NULL;
}

/* The session goes on without the station. */
static void suspend(struct host *host, uint32_t station)
{
    struct session *session = session_at(host, station);

    if (session) {
        session->state = DISCONNECTED;
        session->station = 0;
    }
}

static void set_text(char **text, const char *value)
{
    if (value && *value) {
        replace(text, value);
    } else {
        free(*text);
        *text = NULL;
    }
}

/* ---- what is asked --------------------------------------------------------------------------- */

uint32_t get_next_station(struct call *call)
{
    for (uint64_t id = call->numbers[0] + 1; id <= call->host->stations; id++) {
        if (station_find(call->host, id)) {
            put_number(call, "pidNextStation", id);
            return 0;
        }
    }
    return win32_hr(NO_SUCH_THING);
}

uint32_t get_station_information(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (hr) {
        return hr;
    }
    const struct session *there = session_at(call->host, station->id);
    bool far = station->session_host != NULL;
    put_number(call, "pidSession", far ? station->session : there ? there->id : UINT32_MAX);
    put_string(call, "pwsSessionHost", far ? station->session_host : call->host->name);
    put_string(call, "pwsVirtualMachineId", station->vm_id);
    put_number(call, "peIdentifyStationState", station->identified);
    put_number(call, "peState",
               far                     ? ACTIVE
               : !there                ? IDLE
               : there->flags & LOCKED ? BLOCKED
                                       : ACTIVE);
    return 0;
}

uint32_t get_station_friendly_name(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);
    char name[32];

    if (!hr) {
        snprintf(name, sizeof name, "Station %u", station->id);
        put_string(call, "pwsFriendlyName", station->name ? station->name : name);
    }
    return hr;
}

uint32_t get_station_auto_logon(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        put_number(call, "peConfiguration", station->logon);
        put_string(call, "pbstrUserName", station->logon_user);
        put_string(call, "pbstrDomain", station->logon_domain);
    }
    return hr;
}

uint32_t get_station_server_name(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        put_string(call, "pwsServerName", station->server);
        put_string(call, "pwsVirtualMachineName", station->vm);
    }
    return hr;
}

uint32_t get_station_split(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        put_number(call, "pidPrimaryStation", station->primary ? station->primary : station->id);
        put_number(call, "pidxSplitScreen", station->half);
        put_number(call, "peSplitScreenState", station->split);
    }
    return hr;
}

uint32_t get_station_devices(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    hr = !hr && call->numbers[1] >= DEVICES ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr) {
        put_number(call, "pdwDeviceCount", station->devices[call->numbers[1]]);
    }
    return hr;
}

uint32_t get_station_alert(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    hr = !hr && call->numbers[1] >= STATION_ALERTS ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr) {
        put_number(call, "peSeverity", station->alerts[call->numbers[1]].severity);
        put_number(call, "peStatus", station->alerts[call->numbers[1]].status);
    }
    return hr;
}

uint32_t get_display_rotation(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        put_number(call, "peDisplayRotation", station->rotation);
    }
    return hr;
}

uint32_t is_usb_blocked(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        put_number(call, "peUsbStorageDeviceBlocked", station->usb_blocked);
    }
    return hr;
}

/* ---- what is changed ------------------------------------------------------------------------- */

uint32_t set_station_friendly_name(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        set_text(&station->name, call->arguments[1]);
    }
    return hr;
}

uint32_t set_station_auto_logon(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    hr = !hr && call->numbers[1] > 1 ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr) {
        station->logon = call->numbers[1];
        set_text(&station->logon_user, call->arguments[2]);
        set_text(&station->logon_domain, call->arguments[3]);
        set_text(&station->logon_password, call->arguments[4]);
    }
    return hr;
}

uint32_t set_station_server_name(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        set_text(&station->server, call->arguments[1]);
        set_text(&station->vm, call->arguments[2]);
    }
    return hr;
}

uint32_t set_display_rotation(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    hr = !hr && (call->numbers[1] % 90 || call->numbers[1] > 270) ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr) {
        station->rotation = (uint32_t) call->numbers[1];
    }
    return hr;
}

/* A station that is split has a second half, which is a station of its own. */
static void split(struct host *host, uint32_t id)
{
    uint32_t other = host->stations + 1;

    for (uint32_t i = host->stations; i >= 1 && station_make(host, i)->absent; i--) {
        other = i;
    }
    suspend(host, id);
    station_make(host, other); /* stations may move in memory */
    station_make(host, id)->split = true;
    *station_make(host, other) = (struct station){
        .id = other, .session = UINT32_MAX, .split = true, .primary = id, .half = 1};
}

static void join(struct host *host, struct station *station)
{
    uint32_t primary = station->primary ? station->primary : station->id;

    for (uint32_t id = 1; id <= host->stations; id++) {
        struct station *other = station_find(host, id);
        if (other && other->primary == primary) {
            suspend(host, id);
            clear(other);
            other->absent = true;
        }
    }
    station_make(host, primary)->split = false;
}

uint32_t split_station(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    hr = !hr && call->numbers[1] > 1 ? win32_hr(BAD_ARGUMENT) : hr;
    if (!hr && call->numbers[1] == 0 && !station->split) {
        split(call->host, station->id);
    } else if (!hr && call->numbers[1] == 1 && station->split) {
        join(call->host, station);
    }
    return hr;
}

uint32_t refresh_station(struct call *call)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        station->refreshes++;
    }
    return hr;
}

uint32_t remap_stations(struct call *call)
{
    for (uint32_t id = 1; id <= call->host->stations; id++) {
        struct station *station = station_find(call->host, id);
        if (station) {
            suspend(call->host, id);
            set_text(&station->name, NULL);
            set_text(&station->logon_user, NULL);
            set_text(&station->logon_domain, NULL);
            set_text(&station->logon_password, NULL);
            station->logon = false;
        }
    }
    model_of(call->host)->remaps++;
    return 0;
}

static uint32_t identify(struct call *call, bool shown)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        station->identified = shown;
    }
    return hr;
}

uint32_t identify_station(struct call *call)
{
    return identify(call, true);
}

uint32_t stop_identifying_station(struct call *call)
{
    return identify(call, false);
}

static uint32_t set_usb(struct call *call, bool blocked)
{
    struct station *station;
    uint32_t hr = find(call, &station);

    if (!hr) {
        station->usb_blocked = blocked;
    }
    return hr;
}

static uint32_t set_usb_all(struct host *host, bool blocked)
{
    for (uint32_t id = 1; id <= host->stations; id++) {
        station_make(host, id)->usb_blocked = blocked;
    }
    return 0;
}

uint32_t block_usb(struct call *call)
{
    return set_usb(call, true);
}

uint32_t unblock_usb(struct call *call)
{
    return set_usb(call, false);
}

uint32_t block_usb_all(struct call *call)
{
    return set_usb_all(call->host, true);
}

uint32_t unblock_usb_all(struct call *call)
{
    return set_usb_all(call->host, false);
}
