/* SPDX-License-Identifier: MIT */
/* message.c - a message to a session: on its screen, or on its text terminal. */
#include <string.h>

#include "userbus.h"

#define NO_TERMINAL "the session has neither a screen nor a text terminal"

static void send_to_terminal(struct logind_message *message, const struct logind_facts *facts)
{
    if (logind_far_place(message->conn)) {
        logind_typing_send(message, facts->tty);
    } else {
        logind_terminal_send(message, facts->tty, facts->uid);
    }
}

void logind_message_send(struct logind_message *message, const struct logind_facts *facts)
{
    if (logind_screen_is(facts)) {
        logind_notice_send(message, facts->uid);
    } else if (facts->tty && facts->type && strcmp(facts->type, "tty") == 0) {
        send_to_terminal(message, facts);
    } else {
        message->done(message,
                      &(struct logind_fault){.code = WMS_E_UNSUPPORTED, .text = NO_TERMINAL});
    }
}

void logind_message_drop(struct logind_message *message)
{
    logind_notice_drop(message);
    logind_terminal_drop(message);
    logind_typing_drop(message);
}
