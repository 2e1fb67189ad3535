/* SPDX-License-Identifier: MIT */
/* sink.c - judges what a host tells of an event, and writes the answer: [MS-RSMC] 3.3, 3.9;
 * SOAP 1.2 and 1.1, WS-Addressing 1.0.
 *
 * An event is answered when it was understood, whatever becomes of it: a fault may make a host
 * believe that nobody listens any more ([MS-RSMC] 3).
 */
#include "telling.h"

#include <strings.h>

#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define SECURITY   "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

static const char prefix[] = "/MultiPoint/";

/* ---- the head -------------------------------------------------------------------------------- */

/* The interface that is served at the path, or NULL. */
static const char *interface_at(const char *path)
{
    static const char *const interfaces[] = {MULTIPOINT_CORE_SINK, MULTIPOINT_ONLINE_SINK};

    for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        if (strncmp(path, prefix, sizeof prefix - 1) == 0 &&
            strcmp(path + sizeof prefix - 1, interfaces[i]) == 0) {
            return interfaces[i];
        }
    }
    return NULL;
}

/* Without its parameters. */
static bool is_type(const char *type, const char *wanted)
{
    size_t length = strlen(wanted);

    return type && strncasecmp(type, wanted, length) == 0 && strchr(" \t;", type[length]);
}

unsigned multipoint_sink_door(const char *method, const char *path, const char *type)
{
    return !interface_at(path)                                                  ? 404
           : strcmp(method, "POST") != 0                                        ? 405
           : is_type(type, "application/soap+xml") || is_type(type, "text/xml") ? 0
                                                                                : 415;
}

const char *multipoint_sink_type(bool old)
{
    return old ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
}

/* ---- answers --------------------------------------------------------------------------------- */

enum { ID_MAX = 1024 /* characters of a message's id that is repeated in the answer */ };

static void puts_escaped(struct multipoint_text *out, const char *text)
{
    multipoint_text_escape(out, text, strlen(text));
}

static void begin(struct multipoint_verdict *verdict, const char *action, const char *suffix)
{
    struct multipoint_text *out = &verdict->answer;
    const char *id = verdict->request.message_id;

    multipoint_text_puts(out, verdict->old ? "<s:Envelope xmlns:s=\"" MULTIPOINT_SOAP_11 "\""
                                           : "<s:Envelope xmlns:s=\"" MULTIPOINT_SOAP_12 "\"");
    multipoint_text_puts(out, " xmlns:a=\"" ADDRESSING "\"><s:Header>");
    multipoint_text_puts(out, verdict->old ? "<a:Action>" : "<a:Action s:mustUnderstand=\"1\">");
    multipoint_text_puts(out, action);
    multipoint_text_puts(out, suffix);
    multipoint_text_puts(out, "</a:Action>");
    if (id && *id) {
        multipoint_text_puts(out, "<a:RelatesTo>");
        puts_escaped(out, id);
        multipoint_text_puts(out, "</a:RelatesTo>");
    }
    multipoint_text_puts(out, "</s:Header><s:Body>");
}

static void end(struct multipoint_verdict *verdict)
{
    multipoint_text_puts(&verdict->answer, "</s:Body></s:Envelope>");
}

/* `subcode`: a qualified name with the prefix a or o, or NULL. */
static void fault(struct multipoint_verdict *verdict, unsigned status, const char *subcode,
                  const char *reason)
{
    struct multipoint_text *out = &verdict->answer;

    verdict->event = NULL;
    /* SOAP 1.1 knows one status for all faults. */
    verdict->status = verdict->old && status == 400 ? 500 : status;
    begin(verdict, ADDRESSING, subcode && *subcode == 'a' ? "/fault" : "/soap/fault");
    if (verdict->old) {
        multipoint_text_puts(out, "<s:Fault><faultcode xmlns:o=\"" SECURITY "\">");
        multipoint_text_puts(out, subcode ? subcode : "s:Client");
        multipoint_text_puts(out, "</faultcode><faultstring xml:lang=\"en\">");
        multipoint_text_puts(out, reason);
        multipoint_text_puts(out, "</faultstring></s:Fault>");
    } else {
        multipoint_text_puts(out, "<s:Fault><s:Code><s:Value>s:Sender</s:Value>");
        if (subcode) {
            multipoint_text_puts(out, "<s:Subcode><s:Value xmlns:o=\"" SECURITY "\">");
            multipoint_text_puts(out, subcode);
            multipoint_text_puts(out, "</s:Value></s:Subcode>");
        }
        multipoint_text_puts(out, "</s:Code><s:Reason><s:Text xml:lang=\"en\">");
        multipoint_text_puts(out, reason);
        multipoint_text_puts(out, "</s:Text></s:Reason></s:Fault>");
    }
    end(verdict);
}

/* [MS-RSMC] 3.9.4: the online sink's answers have the request's action. */
static void accept(struct multipoint_verdict *verdict)
{
    const struct multipoint_event *event = verdict->event;
    struct multipoint_text *out = &verdict->answer;
    char action[160] = MULTIPOINT_SPACE "/RemoteManagement/";

    strcat(strcat(strcat(action, event->interface_name), "/"), event->name);
    verdict->status = 200;
    begin(verdict, action, event->online ? "" : "Response");
    multipoint_text_puts(out, "<");
    multipoint_text_puts(out, event->name);
    multipoint_text_puts(out, "Response xmlns=\"" MULTIPOINT_SPACE "\"/>");
    end(verdict);
}

/* ---- who calls ------------------------------------------------------------------------------- */

/* The time that it takes tells the length of what was given, and nothing of the password. */
static unsigned differ(const char *given, size_t size, const char *password)
{
    size_t length = password ? strlen(password) : 0, at = 0;
    volatile unsigned different = size != length || length == 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = length > 0 ? (unsigned char) password[at] : 0;
        different |= byte ^ (unsigned char) given[i];
        at = at + 1 < length ? at + 1 : 0;
    }
    return different;
}

/* Whether it is the name, whole or up to its first dot; [MS-RSMC] does not say which. */
static bool is_our_name(const char *given, const char *host_name)
{
    size_t first = strcspn(given, "."), own = strcspn(host_name, ".");
    bool numeric = !host_name[strspn(host_name, "0123456789.")];
    bool one_short = !numeric && (!given[first] || !host_name[own]);

    return strcasecmp(given, host_name) == 0 ||
           (one_short && first > 0 && first == own && strncasecmp(given, host_name, own) == 0);
}

/* Marks those who call; all are looked at, whoever it is.  False: nobody that is known. */
static bool find_callers(struct multipoint_caller *callers, const char *host_name,
                         const struct multipoint_token *token)
{
    unsigned named = token->there && is_our_name(token->user_name, host_name), calls = 0;

    for (struct multipoint_caller *caller = callers; caller; caller = caller->next) {
        unsigned control = differ(token->password, token->password_size, caller->control),
                 management = differ(token->password, token->password_size, caller->management);
        unsigned same = named & ((unsigned) !control | (unsigned) !management);
        caller->calls = same;
        calls |= same;
    }
    return calls;
}

/* ---- what for -------------------------------------------------------------------------------- */

/* Whether the request's action is that of the event.  Without one, the element tells. */
static bool is_action(const char *action, const struct multipoint_event *event)
{
    static const char space[] = MULTIPOINT_SPACE "/RemoteManagement/";
    size_t interface_size = strlen(event->interface_name);
    const char *at = action + sizeof space - 1;

    return strncmp(action, space, sizeof space - 1) == 0 &&
           strncmp(at, event->interface_name, interface_size) == 0 && at[interface_size] == '/' &&
           strcmp(at + interface_size + 1, event->name) == 0;
}

/* The credentials were right: reads the event.  Errors: NO_MEMORY. */
static int read_event(const struct multipoint_memory *memory, const char *path, const char *text,
                      size_t size, struct multipoint_verdict *verdict)
{
    struct multipoint_answer *request = &verdict->request;
    int error = multipoint_answer_read(request, memory, text, size, MULTIPOINT_SINK_MAX);

    verdict->old = request->old;
    if (error == WMS_E_NO_MEMORY) {
        return error;
    }
    if (!error && request->message_id && strlen(request->message_id) > ID_MAX) {
        request->message_id = NULL;
        error = WMS_E_PROTOCOL;
    }
    if (error) {
        fault(verdict, 400, NULL, "The message is no SOAP envelope with one element in its body.");
        return 0;
    }
    const char *action = request->action && *request->action ? request->action : NULL;
    verdict->event = strcmp(request->body->space, MULTIPOINT_SPACE) == 0
                         ? multipoint_event_find(interface_at(path), request->body->name)
                         : NULL;
    if (!verdict->event || (action && !is_action(action, verdict->event))) {
        fault(verdict, 400, "a:ActionNotSupported",
              "The message is no event that is told to this address.");
        return 0;
    }
    error = multipoint_results(&(struct multipoint_operation){.out = verdict->event->fields},
                               request->body, &request->arena, &verdict->table);
    if (error == WMS_E_PROTOCOL) {
        fault(verdict, 400, NULL, "An argument of the event has not the form that it should have.");
        return 0;
    }
    if (!error) {
        accept(verdict);
    }
    return error;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int multipoint_sink_judge(const struct multipoint_memory *memory, const char *host_name,
                          struct multipoint_caller *callers, const char *path, const char *text,
                          size_t size, struct multipoint_verdict *ret_verdict)
{
    struct multipoint_token token;
    int error = 0;

    *ret_verdict = (struct multipoint_verdict){.answer = {.memory = memory},
                                               .request = {.arena = {.memory = memory}}};
    const char *problem = multipoint_token_find(text, size, &token);
    bool known = find_callers(callers, host_name, &token);
    explicit_bzero(&token, sizeof token);
    if (problem) {
        fault(ret_verdict, 400, NULL, "The message cannot be read.");
    } else if (!known) {
        fault(ret_verdict, 401, "o:FailedAuthentication", "The credentials are not right.");
    } else {
        error = read_event(memory, path, text, size, ret_verdict);
    }
    return error ? error : ret_verdict->answer.failed ? WMS_E_NO_MEMORY : 0;
}

void multipoint_verdict_end(struct multipoint_verdict *verdict)
{
    multipoint_text_free(&verdict->answer);
    multipoint_parser_free(multipoint_answer_end(&verdict->request));
    verdict->table = (wms_value){.kind = WMS_NIL};
    verdict->event = NULL;
}
