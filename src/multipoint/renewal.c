/* SPDX-License-Identifier: MIT */
/* renewal.c - certificates that follow others: [MS-RSMC] 3.6.4.24, 3.6.4.43.
 *
 * The host announces its own, and may have done so while nobody listened.  Ours is told to each
 * host before the present one ends, by the connection that both trust; all hosts that were told of
 * one name and port get the same.
 */
#include "renewal.h"

#include <stdio.h>
#include <time.h>

#include "endpoint.h"

enum {
    DAY = 86400,
    HOST_ENDS = 60 * DAY, /* the host may know its next certificate by then */
    OURS_ENDS = 30 * DAY, /* hosts that are off for a while have time to be told */
    LAST = 3600           /* seconds before its end in which a certificate is not shown any more */
};

/* Nothing is tried twice in a day.  The clock may have been set back since the last time. */
static bool may_try(int64_t next, int64_t now)
{
    return now >= next || next - now > DAY;
}

/* ---- the host's ------------------------------------------------------------------------------ */

static void got_next(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_renewal *renewal = exchange->data;
    struct multipoint_arena arena = {.memory = &exchange->host->all->memory};
    wms_value table;

    renewal->asking = NULL;
    if (!reply->code && !multipoint_results(exchange->operation, reply->body, &arena, &table)) {
        const wms_value *der = multipoint_value(&table, "ppSslCertificate", WMS_STRING);
        if (der && der->size > 0) {
            multipoint_host_expect(exchange->host, der->text, der->size);
        }
    }
    multipoint_arena_free(&arena);
}

static void ask(struct multipoint_renewal *renewal, int64_t now)
{
    const struct multipoint_binding *binding = &renewal->host->binding;
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointServer", "GetReplacementSslCertificate"),
    };
    const char *text;

    if (!binding->next_der && !renewal->asking && binding->certificate.end - now < HOST_ENDS &&
        may_try(renewal->ask_at, now)) {
        renewal->ask_at = now + DAY;
        multipoint_ask(renewal->host, &question, got_next, renewal, &renewal->asking, &text);
    }
}

/* ---- ours ------------------------------------------------------------------------------------ */

static void end_telling(struct multipoint_renewal *renewal)
{
    const struct multipoint_memory *memory = &renewal->host->all->memory;

    renewal->telling = multipoint_drop(renewal->telling);
    memory->services->work_free(renewal->making);
    renewal->making = NULL;
    multipoint_endpoint_free(memory, &renewal->successor);
}

static void told(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_renewal *renewal = exchange->data;
    struct multipoint_host *host = exchange->host;

    renewal->telling = NULL;
    if (!reply->code) {
        host->binding.successor = renewal->successor;
        renewal->successor = (struct multipoint_endpoint){0};
        multipoint_host_say(host, WMS_INFO, "it knows this machine's next certificate", NULL);
        multipoint_host_keep(host);
    } else if (!reply->lost) {
        multipoint_host_say(host, WMS_WARNING, "it does not take this machine's next certificate",
                            reply->text);
    }
    end_telling(renewal);
}

static void tell(struct multipoint_renewal *renewal)
{
    const struct multipoint_endpoint *successor = &renewal->successor;
    const wms_value fields[] = {
        multipoint_string("wsFqdnManagingServer", successor->host_name,
                          strlen(successor->host_name)),
        multipoint_string("pSslCertificate", successor->der, successor->der_size),
    };
    const wms_value arguments = multipoint_table(fields, sizeof fields / sizeof *fields);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointServer", "SetReplacementSslCertificate"),
        .arguments = &arguments,
    };
    const char *text;

    if (multipoint_ask(renewal->host, &question, told, renewal, &renewal->telling, &text)) {
        end_telling(renewal);
    }
}

static void got_key(void *data, int code, struct multipoint_made *made)
{
    struct multipoint_renewal *renewal = data;
    struct multipoint *all = renewal->host->all;
    struct multipoint_endpoint *successor = &renewal->successor;

    net_enter(&all->net);
    code = code ? code : multipoint_endpoint_search(all, successor);
    if (!code && !successor->key) {
        code = multipoint_endpoint_keep(&all->memory, successor, made->key, made->key_size,
                                        made->der, made->der_size);
        code = code ? code : multipoint_endpoint_remember(all, successor);
    }
    all->memory.services->work_free(renewal->making);
    renewal->making = NULL;
    if (code) {
        end_telling(renewal);
    } else {
        tell(renewal);
    }
    net_leave(&all->net);
}

static void begin(struct multipoint_renewal *renewal, int64_t now)
{
    struct multipoint *all = renewal->host->all;
    const struct multipoint_binding *binding = &renewal->host->binding;
    const struct multipoint_endpoint *present = &binding->endpoint;
    struct multipoint_endpoint *successor = &renewal->successor;

    if (binding->successor.port || successor->port || present->expires - now > OURS_ENDS ||
        !may_try(renewal->tell_at, now)) {
        return;
    }
    renewal->tell_at = now + DAY;
    multipoint_endpoint_set(successor, present->host_name, present->port, present->address);
    if (multipoint_endpoint_search(all, successor)) {
        end_telling(renewal);
    } else if (successor->key) {
        tell(renewal);
    } else {
        renewal->making =
            multipoint_endpoint_make(&all->memory, successor->host_name, got_key, renewal);
        if (!renewal->making) {
            end_telling(renewal);
        }
    }
}

void multipoint_renewal_promote(struct multipoint_host *host)
{
    struct multipoint_binding *binding = &host->binding;

    if (binding->successor.port && binding->endpoint.expires - time(NULL) < LAST) {
        multipoint_endpoint_free(&host->all->memory, &binding->endpoint);
        binding->endpoint = binding->successor;
        binding->successor = (struct multipoint_endpoint){0};
        multipoint_host_keep(host);
    }
}

/* ---- both ------------------------------------------------------------------------------------ */

void multipoint_renewal_look(struct multipoint_renewal *renewal)
{
    int64_t now = time(NULL);

    if (renewal->host->binding.management) {
        ask(renewal, now);
        begin(renewal, now);
    }
}

void multipoint_renewal_end(struct multipoint_renewal *renewal)
{
    renewal->asking = multipoint_drop(renewal->asking);
    end_telling(renewal);
}
