/* SPDX-License-Identifier: MIT */
/* policy.c - who may ask an agent for what: names, and for each the verbs that are allowed.  "*" as
 * a name is everyone, and in a list of verbs every one. */
#include <stdio.h>
#include <stdlib.h>

#include "nats/names.h"
#include "nats/serving.h"

struct policy_row {
    char who[NATS_WHO];
    unsigned verbs;
};

/* What can be asked of an agent at all. */
static const unsigned served = 1u << WMS_SESSIONS | 1u << WMS_UNLOCK | 1u << WMS_LOCK |
                               1u << WMS_DISCONNECT | 1u << WMS_CLOSE | 1u << WMS_MESSAGE |
                               1u << WMS_REBOOT | 1u << WMS_POWER_OFF | 1u << WMS_THUMBNAIL;

/* The bits of a verb's name; 0: it is none that an agent serves. */
static unsigned bits_of(const wms_value *verb)
{
    if (verb->kind != WMS_STRING) {
        return 0;
    }
    if (strcmp(verb->text, "*") == 0) {
        return served;
    }
    int named = nats_verb_from_name(verb->text);
    return named < 0 ? 0 : served & 1u << named;
}

static bool is_everyone(const char *name)
{
    return strcmp(name, "*") == 0;
}

static bool is_list(const wms_value *value)
{
    return value->kind == WMS_LIST || (value->kind == WMS_TABLE && value->size == 0);
}

static int complain(char *complaint, size_t size, const char *who, const char *what)
{
    snprintf(complaint, size, "policy: %.80s: %s", who, what);
    return WMS_E_INVALID;
}

int policy_check(const wms_value *table, char *complaint, size_t size)
{
    if (!table || table->kind != WMS_TABLE) {
        snprintf(complaint, size,
                 "policy: give a table of names, each with a list of the verbs that it may ask "
                 "for, such as { alice = { \"sessions\", \"lock\" } }");
        return WMS_E_INVALID;
    }
    if (table->size > AGENT_WHO_MAX) {
        snprintf(complaint, size, "policy: it has %zu names; give at most %d", table->size,
                 AGENT_WHO_MAX);
        return WMS_E_INVALID;
    }
    for (size_t i = 0; i < table->size; i++) {
        const wms_value *row = &table->items[i];
        if (!is_everyone(row->name) && !nats_is_who(row->name)) {
            return complain(complaint, size, row->name,
                            "it is no name of who asks; give letters, digits, '-' and '_', at most "
                            "64, or \"*\" for everyone");
        }
        if (!is_list(row)) {
            return complain(complaint, size, row->name, "give a list of verbs");
        }
        for (size_t j = 0; j < row->size; j++) {
            if (!bits_of(&row->items[j])) {
                char what[200];
                const wms_value *verb = &row->items[j];
                snprintf(what, sizeof what,
                         "%.40s is no verb that an agent carries out; give sessions, unlock, lock, "
                         "disconnect, close, message, reboot, power_off, thumbnail or \"*\"",
                         verb->kind == WMS_STRING ? verb->text : "it has what");
                return complain(complaint, size, row->name, what);
            }
        }
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct policy_row *) a)->who, ((const struct policy_row *) b)->who);
}

int policy_read(const struct nats_memory *memory, const wms_value *table, struct policy *ret_policy)
{
    struct policy policy = {0};

    if (table->size > 0) {
        policy.rows = memory->resize(memory->engine, NULL, table->size * sizeof *policy.rows);
        if (!policy.rows) {
            return WMS_E_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < table->size; i++) {
        const wms_value *row = &table->items[i];
        unsigned verbs = 0;
        for (size_t j = 0; j < row->size; j++) {
            verbs |= bits_of(&row->items[j]);
        }
        if (is_everyone(row->name)) {
            policy.everyone |= verbs;
        } else {
            struct policy_row *mine = &policy.rows[policy.count++];
            memset(mine, 0, sizeof *mine);
            memcpy(mine->who, row->name, strlen(row->name)); /* nats_is_who() has seen its size */
            mine->verbs = verbs;
        }
    }
    if (policy.count > 0) {
        qsort(policy.rows, policy.count, sizeof *policy.rows, by_name);
    }
    *ret_policy = policy;
    return 0;
}

void policy_free(const struct nats_memory *memory, struct policy *policy)
{
    if (policy->rows) {
        memory->resize(memory->engine, policy->rows, 0);
    }
    memset(policy, 0, sizeof *policy);
}

bool policy_allows(const struct policy *policy, const char *who, enum wms_verb verb)
{
    size_t low = 0, high = policy->count;

    if (policy->everyone & 1u << verb) {
        return true;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(who, policy->rows[middle].who);
        if (order == 0) {
            return policy->rows[middle].verbs & 1u << verb;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}
