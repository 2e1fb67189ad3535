/* SPDX-License-Identifier: MIT */
/* The host's model as a whole. */
#include "model.h"

#include <stdlib.h>

struct model *model_of(struct host *host)
{
    struct model *model = host->model;

    if (!model) {
        model = host->model = must(calloc(1, sizeof *model));
        model->next_process = 4000;
        model->kind = 2; /* a MultiPoint Server */
        model->joined = 2;
        model->licenses = 20;
        model->monitoring = true;
        model->disk_mode = 1;
        model->disk_space = 5000000000;
        model->update_mode = 0;
        model->update_hour = 3;
        model->update_minutes = 30;
        model->update_return = 1;
        model->client_version = copy("10.0.14393.0");
        model->edition = copy("Windows Server 2016 Standard");
        model->domain = copy("WORKGROUP");
        model->peers = copy("");
        model->connectors = copy("");
        model->web_allowed = copy("");
        model->web_blocked = copy("");
        model->update_script = copy("");
    }
    return model;
}

void model_free(struct host *host)
{
    struct model *model = host->model;

    if (!model) {
        return;
    }
    stations_free(model);
    accounts_free(model);
    programs_free(model);
    free(model->client_version);
    free(model->edition);
    free(model->domain);
    free(model->peers);
    free(model->connectors);
    free(model->web_allowed);
    free(model->web_blocked);
    free(model->update_script);
    free(model->project_to_all);
    free(model);
    host->model = NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

void put_string(struct call *call, const char *element, const char *value)
{
    text_printf(call->out, "<%s>", element);
    text_escape(call->out, value ? value : "");
    text_printf(call->out, "</%s>", element);
}

void put_number(struct call *call, const char *element, uint64_t value)
{
    text_printf(call->out, "<%s>%llu</%s>", element, (unsigned long long) value, element);
}

void put_boolean(struct call *call, const char *element, bool value)
{
    text_printf(call->out, "<%s>%s</%s>", element, value ? "true" : "false", element);
}
