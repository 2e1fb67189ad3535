/* SPDX-License-Identifier: MIT */
/* What the control channel can be told of the host's model. */
#include "model.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- stations -------------------------------------------------------------------------------- */

/* "1:2,11:1": two of kind 1, one of kind 11. */
static void set_devices(struct station *station, const char *list)
{
    while (list && *list) {
        char *end;
        unsigned long kind = strtoul(list, &end, 10);
        unsigned long count = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
        if (kind < DEVICES) {
            station->devices[kind] = (uint32_t) count;
        }
        list = *end == ',' ? end + 1 : "";
    }
}

static const char *do_station(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"name",    "absent",  "vm_id", "session_host",
                                       "session", "devices", NULL};
    const char *problem = words_known(words, 3, keys);
    uint64_t id;

    if (problem || words->count < 3 || !parse_number(words->word[2], 100000, &id) || id == 0) {
        return problem ? problem : "give an id";
    }
    struct station *station = station_make(host, (uint32_t) id);
    words_string(words, "name", &station->name);
    words_string(words, "vm_id", &station->vm_id);
    words_string(words, "session_host", &station->session_host);
    station->session = (uint32_t) words_number(words, "session", station->session);
    station->absent = words_number(words, "absent", station->absent);
    set_devices(station, words_option(words, "devices"));
    return NULL;
}

/* ---- accounts and programs ------------------------------------------------------------------- */

static const char *do_account(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"password", "full_name", "description", "type", NULL};
    const char *problem = words_known(words, 3, keys);

    if (problem || words->count < 3) {
        return problem ? problem : "give a name";
    }
    struct account *account = account_make(model_of(host), words->word[2]);
    words_string(words, "password", &account->password);
    words_string(words, "full_name", &account->full_name);
    words_string(words, "description", &account->description);
    account->type = (uint32_t) words_number(words, "type", account->type);
    return NULL;
}

static const char *do_program(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"process", "window", "created", NULL};
    const char *problem = words_known(words, 4, keys);
    uint64_t session;

    if (problem || words->count < 4 || !parse_number(words->word[2], UINT32_MAX, &session)) {
        return problem ? problem : "give a session and a name";
    }
    struct program *program = program_add(model_of(host), session, words->word[3]);
    program->process = (uint32_t) words_number(words, "process", program->process);
    program->window = words_number(words, "window", program->window);
    program->created = words_number(words, "created", program->created);
    return NULL;
}

/* ---- the host as a whole --------------------------------------------------------------------- */

static const char *do_alert(struct host *host, const struct words *words)
{
    static const char *const keys[] = {"station", "severity", "status", NULL};
    const char *problem = words_known(words, 3, keys);
    uint64_t type, station = words_number(words, "station", 0);

    if (problem || words->count < 3 ||
        !parse_number(words->word[2], station ? STATION_ALERTS - 1 : SYSTEM_ALERTS - 1, &type)) {
        return problem ? problem : "give a type";
    }
    struct alert *alert = station ? &station_make(host, (uint32_t) station)->alerts[type]
                                  : &model_of(host)->alerts[type];
    alert->severity = (uint32_t) words_number(words, "severity", 1);
    alert->status = (uint32_t) words_number(words, "status", 1);
    return NULL;
}

static const struct {
    const char *name;
    size_t place;
    enum { FLAG, NUMBER, TEXT } kind;
} parts[] = {
    {"chat", offsetof(struct model, chat), FLAG},
    {"console_mode", offsetof(struct model, console_mode), FLAG},
    {"monitoring", offsetof(struct model, monitoring), FLAG},
    {"hypervisor", offsetof(struct model, hypervisor), FLAG},
    {"single_session", offsetof(struct model, single_session), FLAG},
    {"no_privacy_notice", offsetof(struct model, no_privacy_notice), FLAG},
    {"virtual_ip", offsetof(struct model, virtual_ip), FLAG},
    {"gpu", offsetof(struct model, gpu), FLAG},
    {"old", offsetof(struct model, old), FLAG},
    {"ceip", offsetof(struct model, ceip), FLAG},
    {"wer", offsetof(struct model, wer), FLAG},
    {"web_on", offsetof(struct model, web_on), FLAG},
    {"web_allow", offsetof(struct model, web_allow), FLAG},
    {"disk_installed", offsetof(struct model, disk_installed), FLAG},
    {"wau", offsetof(struct model, wau), NUMBER},
    {"mode", offsetof(struct model, mode), NUMBER},
    {"licenses", offsetof(struct model, licenses), NUMBER},
    {"kind", offsetof(struct model, kind), NUMBER},
    {"joined", offsetof(struct model, joined), NUMBER},
    {"disk_mode", offsetof(struct model, disk_mode), NUMBER},
    {"update_mode", offsetof(struct model, update_mode), NUMBER},
    {"update_hour", offsetof(struct model, update_hour), NUMBER},
    {"update_minutes", offsetof(struct model, update_minutes), NUMBER},
    {"update_return", offsetof(struct model, update_return), NUMBER},
    {"client_version", offsetof(struct model, client_version), TEXT},
    {"edition", offsetof(struct model, edition), TEXT},
    {"domain", offsetof(struct model, domain), TEXT},
    {"peers", offsetof(struct model, peers), TEXT},
    {"connectors", offsetof(struct model, connectors), TEXT},
    {"web_allowed", offsetof(struct model, web_allowed), TEXT},
    {"web_blocked", offsetof(struct model, web_blocked), TEXT},
    {"update_script", offsetof(struct model, update_script), TEXT},
};

static const char *do_system(struct host *host, const struct words *words)
{
    const char *keys[LENGTH(parts) + 1] = {NULL};
    char *model = (char *) model_of(host);

    for (size_t i = 0; i < LENGTH(parts); i++) {
        keys[i] = parts[i].name;
    }
    const char *problem = words_known(words, 2, keys);
    for (size_t i = 0; !problem && i < LENGTH(parts); i++) {
        void *place = model + parts[i].place;
        if (!words_option(words, parts[i].name)) {
            continue;
        }
        if (parts[i].kind == TEXT) {
            words_string(words, parts[i].name, place);
        } else if (parts[i].kind == FLAG) {
            *(bool *) place = words_number(words, parts[i].name, 0);
        } else {
            *(uint32_t *) place = (uint32_t) words_number(words, parts[i].name, 0);
        }
    }
    return problem;
}

/* All is as at first. */
static const char *do_anew(struct host *host, const struct words *words)
{
    (void) words;
    model_free(host);
    host->stations = 0;
    return NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *(*run)(struct host *host, const struct words *words);
} commands[] = {
    {"station", do_station}, {"account", do_account}, {"program", do_program},
    {"alert", do_alert},     {"system", do_system},   {"anew", do_anew},
};

bool model_command(struct host *host, const struct words *words, const char **ret_problem)
{
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (strcmp(commands[i].name, words->word[0]) == 0) {
            *ret_problem = host ? commands[i].run(host, words) : "no such host";
            return true;
        }
    }
    return false;
}
