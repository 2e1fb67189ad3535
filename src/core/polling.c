/* SPDX-License-Identifier: MIT */
/* polling.c - when a provider asks its host again how a session is. */
#include "core/polling.h"
#include "core/loop.h"

static const double first_interval = 0.04, last_interval = 1, growth = 1.5; /* seconds */

/* Must not touch `polling` after ask(), which may have ended the observation. */
static void ask_again(void *data)
{
    struct wms_polling *polling = data;

    polling->ask(polling->data);
}

int wms_polling_begin(struct wms_polling *polling, struct wms_loop *loop, void (*ask)(void *data),
                      void *data)
{
    wms_polling_end(polling);
    polling->timer = wms_timer_new(loop, ask_again, polling);
    if (!polling->timer) {
        return WMS_E_NO_MEMORY;
    }
    polling->interval = first_interval;
    polling->ask = ask;
    polling->data = data;
    ask_again(polling);
    return 0;
}

void wms_polling_seen(struct wms_polling *polling, bool again)
{
    if (!polling->timer) {
        return;
    }
    if (!again) {
        wms_timer_set(polling->timer, -1);
        return;
    }
    wms_timer_set(polling->timer, polling->interval);
    polling->interval *= growth;
    polling->interval = polling->interval < last_interval ? polling->interval : last_interval;
}

void wms_polling_end(struct wms_polling *polling)
{
    wms_timer_free(polling->timer);
    polling->timer = NULL;
}
