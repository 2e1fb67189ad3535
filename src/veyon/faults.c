/* SPDX-License-Identifier: MIT */
/* faults.c - what gateways and libcurl complain of, as wms codes. */
#include <stdio.h>

#include "veyon/veyon.h"

/* Seconds after which a refusal means that the host did not answer in time: a wrong key is refused
 * at once, and a server that has just begun refuses the right one after 15 s. */
enum { AT_ONCE = 5 };

static void set(struct veyon_reply *reply, int code, const char *text)
{
    reply->code = code;
    reply->text = text;
}

/* Complains of the key that was sent; it is named by its file, which may have been replaced. */
static void blame_key(const struct veyon_exchange *exchange, struct veyon_reply *reply, int code,
                      const char *who, const char *what, char buffer[VEYON_SENTENCE])
{
    const struct veyon_binding *binding = exchange->visit ? exchange->visit->binding : NULL;

    snprintf(buffer, VEYON_SENTENCE, "%s the key%s%.255s; %s", who, binding ? " in " : "",
             binding ? binding->key_file : "", what);
    set(reply, code, buffer);
}

static void unknown(struct veyon_reply *reply, long status, char buffer[VEYON_SENTENCE])
{
    snprintf(buffer, VEYON_SENTENCE,
             "the gateway's answer (HTTP %ld) is not one of Veyon's WebAPI; look what runs at its "
             "port",
             status);
    set(reply, WMS_E_PROTOCOL, buffer);
}

/* The error of that number, as section "Errors" of Veyon's documentation has them. */
static void translate(const struct veyon_exchange *exchange, int error, const char *message,
                      struct veyon_reply *reply, char buffer[VEYON_SENTENCE])
{
    switch (error) {
    case VEYON_INVALID_CONNECTION:
        reply->stale = true;
        set(reply, WMS_E_UNREACHABLE, "the gateway has ended its connection to the host");
        break;
    case VEYON_INVALID_CREDENTIALS:
        blame_key(exchange, reply, WMS_E_NOT_BOUND, "the gateway cannot read",
                  "bind anew with the key file of `veyon-cli authkeys`", buffer);
        break;
    case VEYON_OTHER_METHOD:
        set(reply, WMS_E_NOT_BOUND,
            "the host wants a user's name and password, and no key; set Authentication/Method to "
            "1 there (veyon-cli config set)");
        break;
    case VEYON_REFUSED:
        reply->unready = true; /* so says a server that has just begun, and one that is ending */
        if (veyon_now() - exchange->began >= AT_ONCE) {
            set(reply, WMS_E_TIMEOUT, "the host did not finish the authentication in time");
        } else {
            blame_key(exchange, reply, WMS_E_ACCESS_DENIED, "the host refuses",
                      "give it the public key of that name", buffer);
        }
        break;
    case VEYON_FULL:
        reply->full = true;
        set(reply, WMS_E_BUSY,
            "the gateway has no place for one more connection; wait, or end other programs that "
            "use it");
        break;
    case VEYON_SILENT:
        reply->silent = true;
        set(reply, WMS_E_UNREACHABLE,
            "the host does not answer: it is off, or nobody has a graphical session there");
        break;
    case VEYON_NO_PICTURE:
        reply->no_picture = true;
        set(reply, WMS_E_UNREACHABLE, "the gateway has no picture of the host");
        break;
    default:
        if (exchange->secret) { /* what it says may be a part of the question */
            message = "";
        }
        snprintf(buffer, VEYON_SENTENCE, "the gateway complains: %s (%d)",
                 *message ? message : "it does not say of what", error);
        set(reply, WMS_E_PROTOCOL, buffer);
        break;
    }
}

/* An answer has come. */
static void judge_answer(const struct veyon_exchange *exchange, struct veyon_reply *reply,
                         char buffer[VEYON_SENTENCE])
{
    long status = 0;
    int error;
    char message[VEYON_COMPLAINT];

    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200) {
        reply->data = exchange->length ? exchange->answer : "";
        reply->size = exchange->length;
    } else if (exchange->length > 0 &&
               veyon_read_error(exchange->answer, exchange->length, &error, message)) {
        translate(exchange, error, message, reply, buffer);
    } else {
        unknown(reply, status, buffer);
    }
}

static bool is_of_tls(CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CONNECT_ERROR ||
           result == CURLE_SSL_CACERT_BADFILE;
}

/* There is no connection that is safe. */
static void judge_tls(const struct veyon_exchange *exchange, struct veyon_reply *reply,
                      char buffer[VEYON_SENTENCE])
{
    switch (exchange->transfer.result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        veyon_trust_complain(exchange->gateway, buffer);
        set(reply, WMS_E_UNTRUSTED, buffer);
        break;
    case CURLE_SSL_CACERT_BADFILE:
        set(reply, WMS_E_UNTRUSTED,
            "this machine's list of authorities cannot be read, so that the gateway's certificate "
            "cannot be judged; install ca-certificates, or bind with `fingerprint`");
        break;
    default:
        set(reply, WMS_E_PROTOCOL,
            "the gateway does not speak TLS as it should; look what runs at its port (Veyon's own "
            "HTTPS goes on to speak plain HTTP in 4.9: put a TLS proxy in front of it)");
        break;
    }
}

static void judge_absence(const struct veyon_exchange *exchange, struct veyon_reply *reply,
                          char buffer[VEYON_SENTENCE])
{
    const struct veyon_place *place = &exchange->gateway->place;

    if (exchange->transfer.result == CURLE_COULDNT_RESOLVE_HOST) {
        snprintf(
            buffer, VEYON_SENTENCE,
            "the gateway's name %.253s is not known here; mend the name service, or bind anew with "
            "another `gateway`",
            place->host);
    } else if (place->secure) {
        snprintf(buffer, VEYON_SENTENCE,
                 "nobody listens at port %u of %.253s; start the TLS proxy of the gateway there",
                 place->port, place->host);
    } else {
        snprintf(buffer, VEYON_SENTENCE,
                 "no WebAPI of Veyon listens at port %u of this machine; start `veyon-cli webapi "
                 "runserver`",
                 place->port);
    }
    set(reply, WMS_E_UNREACHABLE, buffer);
}

void veyon_judge(const struct veyon_exchange *exchange, struct veyon_reply *ret_reply,
                 char buffer[VEYON_SENTENCE])
{
    const struct net_transfer *transfer = &exchange->transfer;
    struct veyon_reply *reply = ret_reply;

    *reply = (struct veyon_reply){.general = true, .lost = true};
    if (transfer->trouble || transfer->no_socket == WMS_E_NO_MEMORY || exchange->no_memory ||
        transfer->result == CURLE_OUT_OF_MEMORY) {
        set(reply, transfer->trouble ? transfer->trouble : WMS_E_NO_MEMORY, NULL);
    } else if (transfer->no_socket) {
        set(reply, transfer->no_socket, "no descriptor is left for a connection");
    } else if (transfer->result == CURLE_OK) {
        reply->general = reply->lost = false;
        judge_answer(exchange, reply, buffer);
    } else if (exchange->untrusted) {
        set(reply, exchange->untrusted, exchange->why);
    } else if (exchange->too_large) {
        set(reply, WMS_E_PROTOCOL, "the gateway's answer is longer than any of Veyon's");
    } else if (is_of_tls(transfer->result)) {
        judge_tls(exchange, reply, buffer);
    } else if (transfer->result == CURLE_COULDNT_CONNECT ||
               transfer->result == CURLE_COULDNT_RESOLVE_HOST) {
        judge_absence(exchange, reply, buffer);
    } else if (transfer->result == CURLE_OPERATION_TIMEDOUT) {
        set(reply, WMS_E_TIMEOUT, "the gateway does not answer");
    } else if (transfer->result == CURLE_WEIRD_SERVER_REPLY ||
               transfer->result == CURLE_UNSUPPORTED_PROTOCOL ||
               transfer->result == CURLE_BAD_CONTENT_ENCODING) {
        set(reply, WMS_E_PROTOCOL, "the gateway does not speak HTTP; look what runs at its port");
    } else {
        snprintf(buffer, VEYON_SENTENCE, "the gateway has given no whole answer (%s)",
                 curl_easy_strerror(transfer->result));
        set(reply, WMS_E_UNREACHABLE, buffer);
    }
}
