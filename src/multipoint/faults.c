/* SPDX-License-Identifier: MIT */
/* faults.c - errors of hosts and of libcurl, as wms codes. */
#include <errno.h>
#include <stdio.h>

#include "multipoint.h"

/* ---- what the host says ---------------------------------------------------------------------- */

#define NO_ACCOUNT     "the host has no account of that name"
#define ACCOUNT_EXISTS "the host refuses it: it has an account of that name already"
#define BAD_PASSWORD \
    "the host refuses the password: it does not meet the host's rules for passwords"
#define BIND_AGAIN "; bind anew"
#define BLANKS     " \t\r\n"

static const uint32_t failures = 0x80000000; /* HRESULTs from here on mean failure */
#define ACCESS_IS_DENIED 0x80070005u

/* HRESULTs that have a code or a text of their own. */
static const struct {
    uint32_t hr;
    int code;
    bool open; /* the operation may have been carried out all the same */
    const char *text;
} results[] = {
    {0x80070002, WMS_E_NOT_FOUND, false, NULL},
    {0x80070490, WMS_E_NOT_FOUND, false, NULL},
    {0x80071B6E, WMS_E_NOT_FOUND, false, NULL}, /* no such WinStation */
    {0x80070525, WMS_E_NOT_FOUND, false, NO_ACCOUNT},
    {0x800708AD, WMS_E_NOT_FOUND, false, NO_ACCOUNT},
    {0x80070524, WMS_E_ACCESS_DENIED, false, ACCOUNT_EXISTS},
    {0x800708B0, WMS_E_ACCESS_DENIED, false, ACCOUNT_EXISTS},
    {0x8007052D, WMS_E_ACCESS_DENIED, false, BAD_PASSWORD},
    {0x800708C5, WMS_E_ACCESS_DENIED, false, BAD_PASSWORD},
    {0x80070522, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account has not the rights for it"},
    {0x8007052E, WMS_E_ACCESS_DENIED, false, "the host does not accept that name and password"},
    {0x8007052F, WMS_E_ACCESS_DENIED, false, "the host refuses it: the account is restricted"},
    {0x80070530, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account may not log on at this time"},
    {0x80070532, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account's password has expired"},
    {0x80070533, WMS_E_ACCESS_DENIED, false, "the host refuses it: the account is disabled"},
    {0x80070569, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account may not log on in this way"},
    {0x80070701, WMS_E_ACCESS_DENIED, false, "the host refuses it: the account has expired"},
    {0x80070773, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account's password has to be changed first"},
    {0x80070775, WMS_E_ACCESS_DENIED, false,
     "the host refuses it: the account is locked out for now"},
    {0x800704C7, WMS_E_CANCELLED, false, "somebody has cancelled it on the host"},
    {0x8007000E, WMS_E_NO_MEMORY, false, "the host is out of memory"},
    {0x800705B4, WMS_E_TIMEOUT, true, "a part of the host did not end in time"},
    {0x800706BE, WMS_E_PROTOCOL, true,
     "a call inside the host has failed half way"}, /* RPC_S_CALL_FAILED */
};

/* The text for ACCESS_DENIED.  Only an action on a session can fail because the session is exempt.
 */
static const char *denied(const struct multipoint_operation *operation)
{
    return operation->credentials == MULTIPOINT_ADMIN
               ? "the host refuses it: the name is not that of an administrator there, or it takes "
                 "no bindings"
           : strncmp(operation->in, "idSession:", strlen("idSession:")) == 0
               ? "the host refuses it: the session is exempt, or it takes other rights"
               : "the host refuses it: it takes other rights";
}

/* The text for NOT_FOUND; NULL: the code's own, which is about sessions. */
static const char *missing(const struct multipoint_operation *operation)
{
    return strncmp(operation->in, "idStation:", strlen("idStation:")) == 0
               ? "the host has no such station"
               : NULL;
}

static void judge_result(const struct multipoint_exchange *exchange, uint32_t hr,
                         struct multipoint_reply *reply, char buffer[MULTIPOINT_SENTENCE])
{
    if (hr == ACCESS_IS_DENIED) {
        reply->code = WMS_E_ACCESS_DENIED;
        reply->text = denied(exchange->operation);
        return;
    }
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (results[i].hr == hr) {
            reply->code = results[i].code;
            reply->lost = results[i].open;
            reply->text = results[i].text || results[i].code != WMS_E_NOT_FOUND
                              ? results[i].text
                              : missing(exchange->operation);
            return;
        }
    }
    reply->code = WMS_E_PROTOCOL;
    reply->lost =
        hr <
        failures; /* a fault with a success code: contradictory, it may have been carried out */
    snprintf(buffer, MULTIPOINT_SENTENCE, "the host reports the error 0x%08lX of Windows",
             (unsigned long) hr);
    reply->text = buffer;
}

enum { NAME = 64 };

/* The local name of a fault's innermost subcode, or of its code: "FailedAuthentication". */
static const char *fault_name(const struct multipoint_element *fault, char buffer[NAME])
{
    const struct multipoint_element *code = multipoint_child(fault, "Code", 4), *next,
                                    *value = NULL;

    while (code && (next = multipoint_child(code, "Subcode", 7))) {
        code = next;
    }
    value = code ? multipoint_child(code, "Value", 5)
                 : multipoint_child(fault, "faultcode", 9); /* of SOAP 1.1 */
    if (!value) {
        return "";
    }
    const char *colon = strchr(value->text, ':'), *name = colon ? colon + 1 : value->text;
    name += strspn(name, BLANKS);
    snprintf(buffer, NAME, "%.*s", (int) strcspn(name, BLANKS), name);
    return buffer;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Seconds: hosts refuse a request whose time differs from theirs by more. */
enum { SKEW_MAX = 300 };

/* How many seconds the host's clock is ahead of this machine's, by its answer's Date; 0: it has
 * none. */
static double skew(const struct multipoint_exchange *exchange)
{
    return exchange->head.date > 0 ? difftime(exchange->head.date, time(NULL)) : 0;
}

static bool is_skewed(const struct multipoint_exchange *exchange)
{
    return skew(exchange) > SKEW_MAX || skew(exchange) < -SKEW_MAX;
}

static void judge_clocks(const struct multipoint_exchange *exchange, struct multipoint_reply *reply,
                         char buffer[MULTIPOINT_SENTENCE])
{
    double seconds = skew(exchange);

    reply->code = WMS_E_ACCESS_DENIED;
    reply->general = true;
    reply->text = "the host takes the request for an old one: its clock and this machine's differ";
    if (is_skewed(exchange)) {
        snprintf(buffer, MULTIPOINT_SENTENCE,
                 "the host refuses the request because of its time: its clock is %.0f minutes %s"
                 " this machine's",
                 (seconds < 0 ? -seconds : seconds) / 60, seconds < 0 ? "behind" : "ahead of");
        reply->text = buffer;
    }
}

static void judge_credentials(const struct multipoint_exchange *exchange, const char *how,
                              struct multipoint_reply *reply, char buffer[MULTIPOINT_SENTENCE])
{
    struct multipoint_host *host = exchange->host;
    bool of_binding = exchange->operation->credentials != MULTIPOINT_ADMIN;

    reply->code = WMS_E_ACCESS_DENIED;
    reply->text = buffer;
    reply->general = true;
    if (exchange->operation->credentials ==
        MULTIPOINT_ANYBODY) { /* the request carries no credentials */
        snprintf(buffer, MULTIPOINT_SENTENCE,
                 "what answers at %.120s refuses a request that anybody may make (%.40s)",
                 host->address->host, how);
        return;
    }
    snprintf(buffer, MULTIPOINT_SENTENCE,
             "%.120s does not accept the name or the password of '%.60s' (%.40s)%s",
             host->address->host, exchange->user_name ? exchange->user_name : "", how,
             of_binding ? BIND_AGAIN : "");
    if (of_binding) { /* retired, so that the next command loads the binding again: there may be a
                         newer one */
        host->all->memory.services->retire(host->link);
    }
}

/* The beginning of a name, up to the first character that is no letter: what the host sends is not
 * printed otherwise. */
static const char *printable(const char *name, char copy[48])
{
    size_t length = 0;

    while (length < 47 && ((name[length] | 0x20) >= 'a' && (name[length] | 0x20) <= 'z')) {
        copy[length] = name[length];
        length++;
    }
    copy[length] = '\0';
    return length ? copy : "unnamed";
}

static void judge_fault(const struct multipoint_exchange *exchange,
                        const struct multipoint_element *fault, struct multipoint_reply *reply,
                        char buffer[MULTIPOINT_SENTENCE])
{
    static const char *const refused[] = {"FailedAuthentication", "InvalidSecurity",
                                          "InvalidSecurityToken", "UnsupportedSecurityToken",
                                          "FailedCheck",          NULL};
    static const char *const busy[] = {"ServerTooBusy", "EndpointUnavailable", NULL};
    const struct multipoint_element *hr = multipoint_descendant(fault, "hr");
    uint64_t number;
    char copy[48], digits[16], buffer_of_name[NAME];
    const char *name = fault_name(fault, buffer_of_name);

    if (hr && multipoint_number(multipoint_word(hr, digits, sizeof digits), UINT32_MAX, &number)) {
        judge_result(exchange, (uint32_t) number, reply, buffer);
    } else if (strcmp(name, "MessageExpired") == 0 ||
               (strcmp(name, "InvalidSecurity") == 0 && is_skewed(exchange))) {
        judge_clocks(exchange, reply, buffer); /* hosts with .NET send InvalidSecurity for it */
    } else if (is_one_of(name, refused)) {
        judge_credentials(exchange, name, reply, buffer);
    } else if (is_one_of(name, busy)) {
        reply->code = WMS_E_BUSY;
        reply->text = "the host has too much to do, or is about to stop";
    } else if (strcmp(name, "InternalServiceFault") ==
               0) { /* an exception in the host's code, before or after it was carried out */
        reply->code = WMS_E_PROTOCOL;
        reply->lost = true;
        reply->text = "the host has failed while it worked on the request (InternalServiceFault)";
    } else if (strcmp(name, "ActionNotSupported") == 0) {
        reply->code = WMS_E_UNSUPPORTED;
        reply->text = "this host does not know the operation";
    } else {
        reply->code = WMS_E_PROTOCOL;
        snprintf(buffer, MULTIPOINT_SENTENCE, "the host refuses the request with the fault '%s'",
                 printable(name, copy));
        reply->text = buffer;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool unbelievable(struct multipoint_reply *reply, char buffer[MULTIPOINT_SENTENCE],
                         const char *why)
{
    snprintf(buffer, MULTIPOINT_SENTENCE, "the host's answer cannot be used: %s", why);
    *reply = (struct multipoint_reply){
        .code = WMS_E_PROTOCOL, .lost = true, .general = true, .text = buffer};
    return false;
}

/* The answer's action is that of the request plus "Response".  In the specification's example of
 * the credentials request it lacks "Response", which is accepted there. */
static bool is_reply_action(const struct multipoint_exchange *exchange, const char *action)
{
    char expected[160];
    int length =
        snprintf(expected, sizeof expected, MULTIPOINT_SPACE "/RemoteManagement/%s/%sResponse",
                 exchange->operation->interface_name, exchange->operation->name);
    size_t without = (size_t) length - strlen("Response");

    if (!action) {
        return exchange->old; /* a SOAP 1.1 host may not know WS-Addressing */
    }
    return (strcmp(action, expected) == 0 ||
            (exchange->operation->credentials == MULTIPOINT_ADMIN && strlen(action) == without &&
             strncmp(action, expected, without) == 0));
}

static bool is_reply_element(const struct multipoint_exchange *exchange,
                             const struct multipoint_element *body)
{
    size_t length = strlen(exchange->operation->name);

    return strcmp(body->space, MULTIPOINT_SPACE) == 0 &&
           strncmp(body->name, exchange->operation->name, length) == 0 &&
           strcmp(body->name + length, "Response") == 0;
}

static void judge_answer(const struct multipoint_exchange *exchange,
                         const struct multipoint_answer *answer, struct multipoint_reply *reply,
                         char buffer[MULTIPOINT_SENTENCE])
{
    bool related = answer->relates ? strcmp(answer->relates, exchange->id) == 0 : exchange->old;

    if (!related &&
        (!answer->fault || answer->relates)) { /* a fault need not name the request: the host may
                                                  not have been able to read it */
        unbelievable(reply, buffer,
                     answer->relates ? "it is that to another request"
                                     : "it does not say which request it belongs to");
    } else if (answer->fault) {
        judge_fault(exchange, answer->fault, reply, buffer);
    } else if (!is_reply_action(exchange, answer->action) ||
               !is_reply_element(exchange, answer->body)) {
        unbelievable(reply, buffer, "it is that of another operation");
    } else {
        reply->body = answer->body;
    }
}

/* A host that speaks SOAP 1.1 alone says so in one of three ways.  Only requests without
 * credentials are repeated in SOAP 1.1; they change nothing.
 */
static bool wants_old(const struct multipoint_exchange *exchange,
                      const struct multipoint_answer *answer, long status)
{
    char buffer[NAME];

    return exchange->operation->credentials == MULTIPOINT_ANYBODY && !exchange->old &&
           (status == 415 || answer->old ||
            (answer->fault && strcmp(fault_name(answer->fault, buffer), "VersionMismatch") == 0));
}

/* For an answer that is no SOAP.  True: the status alone says that the request was not carried out.
 */
static bool judge_status(const struct multipoint_exchange *exchange, long status,
                         struct multipoint_reply *reply, char buffer[MULTIPOINT_SENTENCE])
{
    reply->text = buffer;
    switch (status) {
    case 401:
    case 403:
        judge_credentials(exchange, status == 401 ? "HTTP 401" : "HTTP 403", reply, buffer);
        return true;
    case 407:
        reply->code = WMS_E_UNREACHABLE;
        reply->general = true;
        reply->text = "the proxy wants a password";
        return true;
    case 404:
        reply->code = WMS_E_PROTOCOL;
        snprintf(buffer, MULTIPOINT_SENTENCE, "what answers there has no %s (HTTP 404)",
                 exchange->operation->interface_name);
        return true;
    case 503:
        reply->code = WMS_E_BUSY;
        reply->text = "the host has too much to do (HTTP 503)";
        return true;
    default:
        reply->code = WMS_E_PROTOCOL;
        snprintf(buffer, MULTIPOINT_SENTENCE, "the host refuses the request (HTTP %ld)", status);
        return status >= 300 && status < 500;
    }
}

static void judge_http(struct multipoint_exchange *exchange, struct multipoint_answer *answer,
                       struct multipoint_reply *reply, char buffer[MULTIPOINT_SENTENCE])
{
    long status = 0;

    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    reply->body = status == 200 && !exchange->reader ? multipoint_known_find(exchange) : NULL;
    if (reply->body) {
        return;
    }
    int error = exchange->reader
                    ? multipoint_reader_take(exchange->reader, answer)
                    : multipoint_answer_read(answer, exchange->answer.memory, exchange->answer.data,
                                             exchange->answer.length, exchange->answer_max);
    if (!error && answer->old != exchange->old) {
        error = WMS_E_PROTOCOL;
        answer->problem =
            exchange->old ? "it is no SOAP 1.1 envelope" : "it is no SOAP 1.2 envelope";
    }
    if (!error && (answer->fault || status == 200)) {
        judge_answer(exchange, answer, reply, buffer);
        if (reply->body && !exchange->reader) {
            multipoint_known_add(exchange, reply->body);
        }
    } else if (error == WMS_E_NO_MEMORY) {
        *reply = (struct multipoint_reply){.code = error, .lost = true, .general = true};
    } else if (status == 200) {
        unbelievable(reply, buffer, answer->problem);
    } else if (!judge_status(exchange, status, reply, buffer)) {
        reply->lost = true;
        snprintf(buffer, MULTIPOINT_SENTENCE, "the host has failed (HTTP %ld)", status);
        reply->text = buffer;
    }
    reply->other_soap = error != WMS_E_NO_MEMORY && wants_old(exchange, answer, status);
}

/* ---- what libcurl says ----------------------------------------------------------------------- */

static const char *connect_problem(const struct multipoint_exchange *exchange)
{
    long number = 0;

    curl_easy_getinfo(exchange->transfer.easy, CURLINFO_OS_ERRNO, &number);
    return number == ECONNREFUSED                            ? "nobody listens there"
           : number == ENETUNREACH || number == EHOSTUNREACH ? "there is no way to the host"
           : number == ETIMEDOUT                             ? "the host does not answer"
                                                             : "no connection can be made";
}

/* The connection failed before the request was sent: the host is not there, or is not the expected
 * one. */
static void judge_connection(struct multipoint_exchange *exchange, struct multipoint_reply *reply,
                             char buffer[MULTIPOINT_SENTENCE])
{
    const struct multipoint_trust *trust = &exchange->trust;

    if (exchange->transfer.result == CURLE_ABORTED_BY_CALLBACK &&
        *trust->why) { /* by on_leaving(): the certificate has expired */
        reply->code = WMS_E_UNTRUSTED;
        reply->text = trust->why;
        return;
    }
    if (exchange->refused) { /* by wire.c, in the handshake */
        reply->code = WMS_E_PROTOCOL;
        reply->text = exchange->refused;
        return;
    }
    reply->code = WMS_E_UNREACHABLE;
    switch (exchange->transfer.result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        if (strstr(exchange->complaint, "thread failed to start")) {
            reply->code = WMS_E_INTERNAL;
            reply->text = "no thread can be started to look the host's name up: raise the limit of "
                          "processes (ulimit -u), or give its address";
            break;
        }
        reply->text = "no host of that name is known";
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        reply->text = "the proxy's name is not known";
        break;
    case CURLE_COULDNT_CONNECT:
        reply->code =
            exchange->transfer.no_socket ? exchange->transfer.no_socket : WMS_E_UNREACHABLE;
        reply->text = exchange->transfer.no_socket == WMS_E_NO_MEMORY ? "out of memory"
                      : exchange->transfer.no_socket ? "no descriptor is left for a connection"
                                                     : connect_problem(exchange);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CONNECT_ERROR:
        if (*trust->why || trust->old_tls || exchange->transfer.result != CURLE_SSL_CONNECT_ERROR) {
            reply->code = WMS_E_UNTRUSTED;
            reply->text = *trust->why      ? trust->why
                          : trust->old_tls ? "the host speaks only a TLS that is older than 1.2"
                                           : "the host shows another certificate than expected";
        } else {
            reply->text = "the TLS handshake has failed";
        }
        break;
    case CURLE_OPERATION_TIMEDOUT:
        reply->code = WMS_E_TIMEOUT;
        reply->text = "the host does not answer";
        break;
    default:
        snprintf(buffer, MULTIPOINT_SENTENCE, "no connection can be made: %.200s",
                 curl_easy_strerror(exchange->transfer.result));
        reply->text = buffer;
    }
}

static void judge_break(struct multipoint_exchange *exchange, struct multipoint_reply *reply,
                        char buffer[MULTIPOINT_SENTENCE])
{
    reply->lost = true;
    reply->code = WMS_E_UNREACHABLE;
    reply->text = exchange->answer.length ? "the connection broke in the middle of the answer"
                                          : "the connection broke before the answer";
    if (exchange->refused) {
        reply->code = WMS_E_PROTOCOL;
        reply->text = exchange->refused;
    } else if (*exchange->trust
                    .why) { /* by on_leaving(), when libcurl was about to send it again */
        reply->code = WMS_E_UNTRUSTED;
        reply->text = exchange->trust.why;
    } else if (exchange->too_large) {
        reply->code = WMS_E_PROTOCOL;
        snprintf(buffer, MULTIPOINT_SENTENCE, "the host's answer is longer than %zu bytes",
                 exchange->answer_max);
        reply->text = buffer;
    } else if (exchange->transfer.result == CURLE_UNSUPPORTED_PROTOCOL ||
               exchange->transfer.result == CURLE_WEIRD_SERVER_REPLY) {
        reply->code = WMS_E_PROTOCOL;
        reply->text = "what answers there speaks no HTTP";
    }
}

void multipoint_judge(struct multipoint_exchange *exchange, struct multipoint_answer *answer,
                      struct multipoint_reply *ret_reply, char buffer[MULTIPOINT_SENTENCE])
{
    bool exhausted = exchange->answer.failed ||
                     (exchange->transfer.result == CURLE_OUT_OF_MEMORY && !exchange->refused);

    *ret_reply = (struct multipoint_reply){
        .code = 0, .general = exchange->transfer.trouble || exchange->transfer.result != CURLE_OK};
    if (exchange->transfer.trouble || exhausted) {
        ret_reply->code = exchange->transfer.trouble ? exchange->transfer.trouble : WMS_E_NO_MEMORY;
        ret_reply->lost = exchange->transfer.left;
    } else if (exchange->transfer.result == CURLE_OK) {
        judge_http(exchange, answer, ret_reply, buffer);
    } else if (exchange->transfer.left) {
        judge_break(exchange, ret_reply, buffer);
    } else {
        judge_connection(exchange, ret_reply, buffer);
        ret_reply->lost =
            true; /* not the host's answer: multipoint_host_fail() lets the engine end the op */
        multipoint_host_fail(exchange->host, ret_reply->code, ret_reply->text);
    }
}

bool multipoint_reply_not_found(const struct multipoint_reply *reply)
{
    return reply->code == WMS_E_NOT_FOUND && !reply->lost;
}

void multipoint_reply_answer(struct multipoint_host *host, struct wms_op *op,
                             const struct multipoint_reply *reply)
{
    const struct wms_services *services = host->all->memory.services;

    (reply->lost ? services->lost : services->answer)(op, reply->code, reply->text);
}
