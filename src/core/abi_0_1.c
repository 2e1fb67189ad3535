/* SPDX-License-Identifier: MIT */
/* abi_0_1.c - exported functions for programs that were built with the headers of 0.1.0: they do
 * not tell the sizes of their structs, which are those of 0.1.0.  Those of wms/memory.h are in
 * memory/abi_0_1.c.
 */
#define WMS_NO_INLINE
#include "core/abi.h"
#include "core/parts.h"

void wms_command_init(wms_command *command, enum wms_verb verb)
{
    wms_command whole;

    wms_command_defaults(&whole, verb);
    whole.size = WMS_COMMAND_0_1;
    wms_give(command, WMS_COMMAND_0_1, &whole, sizeof whole);
}

int wms_engine_transport(wms_engine *engine, const wms_transport *transport)
{
    return wms_engine_transport_sized(engine, transport, WMS_TRANSPORT_0_1);
}

int wms_request_held(wms_request *request, wms_action *ret_action)
{
    return wms_request_held_sized(request, ret_action, WMS_ACTION_0_1);
}

/* 0.1.0 had six states and did not announce others, so a program may index a table with them: later
 * states are replaced by one of the six. */
static void know_less(wms_outcome *outcome)
{
    if (outcome->state > WMS_SKIPPED) {
        outcome->state = outcome->code ? WMS_FAILED : WMS_SKIPPED;
    }
}

int wms_request_outcome(const wms_request *request, size_t index, wms_outcome *ret_outcome)
{
    int error = wms_request_outcome_sized(request, index, ret_outcome, WMS_OUTCOME_0_1);

    if (!error) {
        know_less(ret_outcome);
    }
    return error;
}

int wms_request_next_outcome(wms_request *request, wms_outcome *ret_outcome, size_t *ret_done)
{
    int found = wms_request_next_outcome_sized(request, ret_outcome, ret_done, WMS_OUTCOME_0_1);

    if (found) {
        know_less(ret_outcome);
    }
    return found;
}

int wms_request_session(const wms_request *request, size_t index, wms_session *ret_session)
{
    return wms_request_session_sized(request, index, ret_session, WMS_SESSION_0_1);
}

int wms_request_error(wms_request *request, wms_fault *ret_fault)
{
    return wms_request_error_sized(request, ret_fault, WMS_FAULT_0_1);
}
