/* SPDX-License-Identifier: MIT */
/* buckets.c - makes the store on the NATS servers: a bucket for presences, and one for wishes. */
#include <stdio.h>
#include <string.h>

#include "nats/json.h"
#include "nats/stored.h"

/* Each is looked for, and then made, or made what it should be. */
enum step { LOOK, CREATE, UPDATE };

static const char *const steps[] = {[LOOK] = "INFO", [CREATE] = "CREATE", [UPDATE] = "UPDATE"};

/* What `data` of the ask holds meanwhile. */
struct progress {
    unsigned bucket : 4, made : 4, replicas : 4, step : 4;
};

static const struct {
    const char *name;
    unsigned age; /* seconds; 0: for ever */
} buckets[] = {{"wms_presence", 30}, {"wms_wish", 0}};

static void write_bucket(struct nats_text *text, const struct progress *progress)
{
    static const uint64_t second = 1000000000;
    const char *name = buckets[progress->bucket].name;
    unsigned age = buckets[progress->bucket].age;

    json_put(text, "{\"name\":\"KV_");
    json_put(text, name);
    json_put(text, "\",\"subjects\":[\"$KV.");
    json_put(text, name);
    json_put(text, ".>\"],\"retention\":\"limits\",\"max_consumers\":-1,\"max_msgs\":-1,"
                   "\"max_bytes\":-1,\"max_msg_size\":65536,\"max_msgs_per_subject\":1,"
                   "\"discard\":\"new\",\"deny_delete\":true,\"allow_rollup_hdrs\":true,"
                   "\"allow_direct\":true,\"storage\":\"file\",\"num_replicas\":");
    json_put_natural(text, progress->replicas);
    json_put(text, ",\"max_age\":");
    json_put_natural(text, age * second);
    json_put(text, ",\"duplicate_window\":");
    json_put_natural(text, (age ? age : 120) * second);
    json_put(text, "}");
}

static void make(struct nats_host *host, struct wms_op *op, const struct progress *progress);

static void bucket_heard(struct nats_ask *ask, const struct courier_message *message)
{
    struct nats_host *host = ask->host;
    struct wms_op *op = ask->op;
    struct progress progress;
    struct nats_ack ack;
    struct nats_made made;

    memcpy(&progress, &ask->data, sizeof progress);
    if (!nats_ack_of(ask, message, progress.step == LOOK ? COURIER_NO_MESSAGE : 0, &ack)) {
        return;
    }
    if (progress.step == LOOK) {
        progress.step = ack.error ? CREATE : UPDATE;
    } else {
        progress.made += progress.step == CREATE;
        progress.step = LOOK;
        progress.bucket++;
    }
    if (progress.bucket < sizeof buckets / sizeof *buckets) {
        nats_ask_end(ask);
        make(host, op, &progress);
        return;
    }
    nats_made_init(&made);
    nats_made_number(&made, "made", progress.made);
    nats_end_with(ask, &made);
}

static void make(struct nats_host *host, struct wms_op *op, const struct progress *progress)
{
    static const struct nats_way way = {
        .sends = true, .stored = true, .heard = bucket_heard, .failed = nats_op_failed};
    const char *text = NULL;
    char subject[NATS_SUBJECT];
    void *data = NULL;

    memcpy(&data, progress, sizeof *progress);
    snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.KV_%s", steps[progress->step],
             buckets[progress->bucket].name);
    nats_text_clear(&host->all->text);
    if (progress->step != LOOK) {
        write_bucket(&host->all->text, progress);
    }
    int error = nats_put(host, &way, subject, op, data, &text);
    if (error) {
        host->all->services->answer(op, error, text);
    }
}

void nats_prepare(struct nats_host *host, struct wms_op *op, unsigned replicas)
{
    make(host, op, &(struct progress){.replicas = replicas & 7});
}
