/* SPDX-License-Identifier: MIT */
/* faults.c - sentences about what goes wrong. */
#include <stdio.h>

#include "nats/asking.h"

const char nats_not_configured[] =
    "this program does not know the NATS servers; give wms.configure{ nats = { servers = "
    "\"tls://nats.example\" } }, or the same in the configuration file";

const char nats_no_right[] = "the NATS servers do not allow this client to ask the host for that; "
                             "see the rights of its user "
                             "there";

const char nats_no_answers[] =
    "the NATS servers do not let this client hear answers under its name; give the name that its "
    "credentials are for: wms.configure{ nats = { name = ... } }";

const char *nats_blame_answer(char text[NATS_SENTENCE], const char *complaint)
{
    snprintf(text, NATS_SENTENCE,
             "the agent's answer is not one of wms (%s); look which version "
             "runs there",
             complaint ? complaint : "it does not fit the question");
    return text;
}

const char nats_absence[] =
    "no agent of this host is connected: it is off, or wms-agent does not run there";

const char nats_no_store[] =
    "the NATS servers have no store for that, or do not let this client use it; an administrator "
    "makes it by `wms agent prepare`";

const char *nats_blame_store(char text[NATS_SENTENCE], const struct nats_ack *ack)
{
    enum { MOST = 200 };
    char reason[MOST + 1];
    size_t size = 0;

    for (; ack->text && size < MOST && ack->text[size]; size++) {
        char c = ack->text[size];
        reason[size] = c;
        if (c < ' ' || c > '~') {
            reason[size] = '?';
        }
    }
    reason[size] = '\0';
    snprintf(text, NATS_SENTENCE, "the store on the NATS servers refuses it: %s (%d, %u)",
             size > 0 ? reason : "without a reason", ack->error, ack->reason);
    return text;
}
