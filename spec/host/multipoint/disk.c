/* SPDX-License-Identifier: MIT */
/* IMultiPointDiskProtection: disk protection, and the updates of hosts that have it. */
#include "model.h"

enum { PASSIVE = 1, DISCARD = 2 };

uint32_t is_disk_installed(struct call *call)
{
    put_boolean(call, "pfIsInstalled", model_of(call->host)->disk_installed);
    return 0;
}

uint32_t get_disk_mode(struct call *call)
{
    const struct model *model = model_of(call->host);

    if (!model->disk_installed) {
        return win32_hr(NOT_INSTALLED);
    }
    put_number(call, "pdpm", model->disk_mode);
    return 0;
}

uint32_t set_disk_mode(struct call *call)
{
    struct model *model = model_of(call->host);

    if (!model->disk_installed) {
        return win32_hr(NOT_INSTALLED);
    } else if (call->numbers[0] != PASSIVE && call->numbers[0] != DISCARD) {
        return win32_hr(BAD_ARGUMENT);
    }
    model->disk_mode = (uint32_t) call->numbers[0];
    return 0;
}

uint32_t get_disk_space(struct call *call)
{
    put_number(call, "pullFreeSpaceNeeded", model_of(call->host)->disk_space);
    return 0;
}

uint32_t install_disk(struct call *call)
{
    model_of(call->host)->disk_installed = true;
    model_of(call->host)->disk_mode = PASSIVE;
    return 0;
}

uint32_t uninstall_disk(struct call *call)
{
    struct model *model = model_of(call->host);

    if (!model->disk_installed) {
        return win32_hr(NOT_INSTALLED);
    } else if (call->numbers[0] < 1 || call->numbers[0] > 3) {
        return win32_hr(BAD_ARGUMENT);
    }
    model->disk_installed = false;
    return 0;
}

uint32_t get_updates(struct call *call)
{
    const struct model *model = model_of(call->host);

    put_number(call, "peMode", model->update_mode);
    put_number(call, "piScheduledUpdateStartHour", model->update_hour);
    put_string(call, "pwsCustomScriptFullPath", model->update_script);
    put_number(call, "pcMaxMinutesAllowedForCustomScript", model->update_minutes);
    put_number(call, "peReturnState", model->update_return);
    return 0;
}

uint32_t set_updates(struct call *call)
{
    struct model *model = model_of(call->host);

    if (call->numbers[0] > 2 || call->numbers[1] > 23 || call->numbers[4] > 1) {
        return win32_hr(BAD_ARGUMENT);
    }
    model->update_mode = (uint32_t) call->numbers[0];
    model->update_hour = (uint32_t) call->numbers[1];
    replace(&model->update_script, call->arguments[2]);
    model->update_minutes = (uint32_t) call->numbers[3];
    model->update_return = (uint32_t) call->numbers[4];
    return 0;
}
