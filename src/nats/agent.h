/* SPDX-License-Identifier: MIT */
/* agent.h - the agents of an engine: each answers on NATS for the sessions of one server.
 *
 * An engine may have any number of agents, one for each host's name; each has a connection of its
 * own to the NATS servers.  The provider hands them the calls that are theirs (see
 * control.c), and ends them with the engine. */
#ifndef WMS_NATS_AGENT_H
#define WMS_NATS_AGENT_H

#include <wms/provider.h>

/* All agents of an engine. */
struct agents;

/* Errors: NO_MEMORY.  It opens nothing; the provider does it with the first call of an agent. */
int agents_new(const struct wms_services *services, wms_engine *engine, struct agents **ret_agents);
/* Ends all agents and frees them, at once: for retire() and forked().  In a forked child nothing is
 * sent.  No op is left on them.  NULL is allowed. */
void agents_free(struct agents *agents, bool forked);

/* Whether a WMS_CALL is an agent's: interface "agent" (serve, stop, state), and of interface "wish"
 * the operations "wait" and "clock". */
bool agent_is_call(const struct wms_call *call);
/* Whether its operation and arguments could be meant, for check(): 0, or INVALID and what is wrong.
 */
int agent_check(const struct wms_call *call, char *complaint, size_t size);
/* Carries out a call that agent_is_call(), for the host of that token (nats_host_token()): answers
 * the op now or later.  Uses op->data. */
void agent_call(struct agents *agents, const char *host, struct wms_op *op,
                const struct wms_call *call);
/* Nobody waits any more for an op that was given to agent_call(). */
void agent_forget(struct agents *agents, struct wms_op *op);

#endif
