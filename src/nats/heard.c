/* SPDX-License-Identifier: MIT */
/* heard.c - reads what agents tell of their own accord, wishes, and what JetStream answers. */
#include <string.h>

#include "nats/json.h"
#include "nats/names.h"
#include "nats/reading.h"

enum { SMALL_MAX = 64 * 1024 };

/* ---- what an agent tells --------------------------------------------------------------------- */

static bool is_instance(const char *text)
{
    size_t size = text ? strlen(text) : 0;

    return size > 0 && size <= 64 &&
           strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

static int read_event_kind(struct json *json, void *object)
{
    const char *word;
    int error = json_string(json, &word), kind = error ? -1 : nats_event_from_name(word);

    ((struct nats_event *) object)->kind = (enum wms_event_kind)(kind < 0 ? 0 : kind);
    return error                                    ? error
           : kind < 0 || kind > WMS_EVENT_CONNECTED ? json_fail(json, "an event's kind is none")
                                                    : 0;
}

static int read_event_session(struct json *json, void *object)
{
    return nats_reading_session(json, &((struct nats_event *) object)->session);
}

enum { E_KIND = 3, E_SESSION };

static const struct json_field event_fields[] = {
    JSON_FIELD(struct nats_event, instance, "instance", JSON_TEXT),
    JSON_FIELD(struct nats_event, seq, "seq", JSON_NATURAL),
    JSON_FIELD(struct nats_event, resync, "resync", JSON_FLAG),
    [E_KIND] = JSON_READ("event", read_event_kind),
    [E_SESSION] = JSON_READ("session", read_event_session),
};

int nats_read_event(struct nats_reader *reader, const char *data, size_t size,
                    struct nats_event *ret_event)
{
    const uint64_t whole = UINT64_C(1) << E_KIND | UINT64_C(1) << E_SESSION;
    uint64_t seen;

    memset(ret_event, 0, sizeof *ret_event);
    wms_session_init(&ret_event->session);
    int error = nats_reading_object(reader, data, size, SMALL_MAX, JSON_FIELDS(event_fields),
                                    ret_event, &seen);
    if (!error && (!is_instance(ret_event->instance) || ret_event->seq == 0)) {
        return nats_reading_refuse(reader, "an event has no instance, or no number");
    }
    return error || ret_event->resync || (seen & whole) == whole
               ? error
               : nats_reading_refuse(reader, "an event is not whole");
}

static const struct json_field presence_fields[] = {
    JSON_FIELD(struct nats_presence, instance, "instance", JSON_TEXT),
    JSON_FIELD(struct nats_presence, version, "version", JSON_TEXT),
    JSON_FIELD(struct nats_presence, beat, "beat", JSON_SECONDS),
    JSON_FIELD(struct nats_presence, seq, "seq", JSON_NATURAL),
};

int nats_read_presence(struct nats_reader *reader, const char *data, size_t size,
                       struct nats_presence *ret_presence)
{
    uint64_t seen;

    memset(ret_presence, 0, sizeof *ret_presence);
    int error = nats_reading_object(reader, data, size, SMALL_MAX, JSON_FIELDS(presence_fields),
                                    ret_presence, &seen);
    if (!error && (!is_instance(ret_presence->instance) || ret_presence->beat <= 0)) {
        return nats_reading_refuse(reader, "a presence has no instance, or no beat");
    }
    return error;
}

static const struct json_field wish_fields[] = {
    JSON_FIELD(struct nats_wish, state, "state", JSON_TEXT),
    JSON_FIELD(struct nats_wish, message, "message", JSON_TEXT),
    JSON_FIELD(struct nats_wish, seconds, "seconds", JSON_SECONDS),
    JSON_FIELD(struct nats_wish, who, "who", JSON_TEXT),
    JSON_FIELD(struct nats_wish, restore, "restore", JSON_FLAG),
};

int nats_read_wish(struct nats_reader *reader, const char *data, size_t size,
                   struct nats_wish *ret_wish)
{
    uint64_t seen;

    memset(ret_wish, 0, sizeof *ret_wish);
    ret_wish->seconds = -1;
    int error = nats_reading_object(reader, data, size, SMALL_MAX, JSON_FIELDS(wish_fields),
                                    ret_wish, &seen);
    return error || (ret_wish->state && *ret_wish->state)
               ? error
               : nats_reading_refuse(reader, "a wish has no state");
}

/* ---- JetStream ------------------------------------------------------------------------------- */

struct ack_error {
    uint64_t code;
    unsigned reason;
    const char *text;
};

static const struct json_field error_fields[] = {
    JSON_FIELD(struct ack_error, code, "code", JSON_NATURAL),
    JSON_FIELD(struct ack_error, reason, "err_code", JSON_COUNT),
    JSON_FIELD(struct ack_error, text, "description", JSON_TEXT),
};

static int read_ack_error(struct json *json, void *object)
{
    struct ack_error failure = {0};
    struct nats_ack *ack = object;
    uint64_t seen;
    int error = json_object(json, JSON_FIELDS(error_fields), &failure, &seen);

    ack->error = failure.code > 0 && failure.code < 1000 ? (int) failure.code : 500;
    ack->reason = failure.reason;
    ack->text = failure.text;
    return error;
}

static const struct json_field ack_fields[] = {
    JSON_FIELD(struct nats_ack, sequence, "seq", JSON_NATURAL),
    JSON_READ("error", read_ack_error),
};

int nats_read_ack(struct nats_reader *reader, const char *data, size_t size,
                  struct nats_ack *ret_ack)
{
    uint64_t seen;

    memset(ret_ack, 0, sizeof *ret_ack);
    return nats_reading_object(reader, data, size, SMALL_MAX, JSON_FIELDS(ack_fields), ret_ack,
                               &seen);
}
