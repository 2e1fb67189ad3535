/* SPDX-License-Identifier: MIT */
/* One request's envelope to one answer's, strictly: SOAP 1.2 (the certificate's in 1.1, too),
 * WS-Addressing 1.0, WS-Security 1.0. */
#include "model.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SOAP          "http://www.w3.org/2003/05/soap-envelope"
#define SOAP11        "http://schemas.xmlsoap.org/soap/envelope/"
#define WSA           "http://www.w3.org/2005/08/addressing"
#define WSS           "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
#define WSSE          WSS "wssecurity-secext-1.0.xsd"
#define WSU           WSS "wssecurity-utility-1.0.xsd"
#define PASSWORD_TEXT WSS "username-token-profile-1.0#PasswordText"
#define REMOTE        "http://MultiPoint/RemoteManagement/"
#define FAULT_ACTION  REMOTE "WmsFault"

static xmlParserCtxt *parser;

/* What was understood of a request. */
struct message {
    struct exchange *exchange;
    xmlDoc *doc;
    xmlNode *body; /* the one element in it */
    const char *action, *to, *id, *reply_to;
    xmlNode *security;
    const char *user, *password;
    const struct operation *operation;
    bool has_id;
    uint64_t id_number;
    const char *result; /* for the log */
    char result_text[48];
};

/* ---- answers --------------------------------------------------------------------------------- */

static void envelope_open(struct message *message, const char *action, const char *more)
{
    struct text *out = message->exchange->answer;
    const struct rule *rule = message->exchange->rule;
    const char *relates = rule && rule->relates ? rule->relates : message->id;

    text_clear(out);
    text_printf(out,
                "<s:Envelope xmlns:s=\"%s\" xmlns:a=\"" WSA
                "\"><s:Header><a:Action s:mustUnderstand=\"1\">",
                message->exchange->old ? SOAP11 : SOAP);
    text_puts(out, action);
    text_puts(out, "</a:Action>");
    if (relates && *relates) {
        text_puts(out, "<a:RelatesTo>");
        text_escape(out, relates);
        text_puts(out, "</a:RelatesTo>");
    }
    if (more) {
        text_puts(out, more);
    }
    if (message->exchange->host->timestamps && message->exchange->transport == TLS) {
        time_t now = time(NULL), later = now + 300;
        char created[32], expires[32];
        struct tm tm;

        strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&now, &tm));
        strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&later, &tm));
        text_printf(out,
                    "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"" WSSE
                    "\"><u:Timestamp xmlns:u=\"" WSU "\">"
                    "<u:Created>%s</u:Created><u:Expires>%s</u:Expires></u:Timestamp></o:Security>",
                    created, expires);
    }
    text_puts(out, "</s:Header><s:Body>");
}

static void envelope_close(struct message *message)
{
    text_puts(message->exchange->answer, "</s:Body></s:Envelope>");
}

static bool fault(struct message *message, const char *action, const char *code,
                  const char *subcode, const char *reason, const char *detail, const char *header)
{
    struct text *out = message->exchange->answer;

    envelope_open(message, action, header);
    if (message->exchange->old) {
        text_printf(
            out,
            "<s:Fault><faultcode>s:%s</faultcode><faultstring>%s</faultstring>%s%s%s</s:Fault>",
            strcmp(code, "Sender") == 0     ? "Client"
            : strcmp(code, "Receiver") == 0 ? "Server"
                                            : code,
            reason, detail ? "<detail>" : "", detail ? detail : "", detail ? "</detail>" : "");
        goto end;
    }
    text_printf(out, "<s:Fault><s:Code><s:Value>s:%s</s:Value>", code);
    if (subcode) {
        text_printf(out,
                    "<s:Subcode><s:Value xmlns:o=\"" WSSE "\" xmlns:u=\"" WSU
                    "\">%s</s:Value></s:Subcode>",
                    subcode);
    }
    text_printf(out, "</s:Code><s:Reason><s:Text xml:lang=\"en-US\">%s</s:Text></s:Reason>",
                reason);
    if (detail) {
        text_printf(out, "<s:Detail>%s</s:Detail>", detail);
    }
    text_puts(out, "</s:Fault>");
end:
    envelope_close(message);
    message->exchange->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    message->exchange->host->faults++;
    snprintf(message->result_text, sizeof message->result_text, "%s", subcode ? subcode : code);
    message->result = message->result_text;
    return false;
}

static bool addressing_fault(struct message *message, const char *subcode, const char *reason)
{
    return fault(message, WSA "/fault", "Sender", subcode, reason, NULL, NULL);
}

static bool security_fault(struct message *message, const char *subcode, const char *reason)
{
    return fault(message, WSA "/soap/fault", "Sender", subcode, reason, NULL, NULL);
}

static bool soap_fault(struct message *message, const char *code, const char *reason,
                       const char *header)
{
    return fault(message, WSA "/soap/fault", code, NULL, reason, NULL, header);
}

static bool wms_fault(struct message *message, uint32_t hr)
{
    char detail[96];

    snprintf(detail, sizeof detail,
             "<WmsFaultType xmlns=\"http://MultiPoint\"><hr>%u</hr></WmsFaultType>", hr);
    fault(message, FAULT_ACTION, "Receiver", NULL, "The operation failed.", detail, NULL);
    snprintf(message->result_text, sizeof message->result_text, "hr:%08X", hr);
    return false;
}

static bool http_error(struct message *message, unsigned status)
{
    text_clear(message->exchange->answer);
    message->exchange->status = status;
    snprintf(message->result_text, sizeof message->result_text, "http:%u", status);
    message->result = message->result_text;
    return false;
}

/* ---- XML ------------------------------------------------------------------------------------- */

static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *public_id,
                       const xmlChar *system_id)
{
    (void) name;
    (void) public_id;
    (void) system_id;
    xmlStopParser(context);
    ((xmlParserCtxt *) context)->wellFormed = 0;
}

void soap_start(void)
{
    LIBXML_TEST_VERSION
    parser = must(xmlNewParserCtxt());
    parser->sax->internalSubset = refuse_dtd; /* SOAP has none */
}

void soap_end(void)
{
    xmlFreeParserCtxt(parser);
    xmlCleanupParser();
}

static bool is(const xmlNode *node, const char *space, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && node->ns &&
           strcmp((const char *) node->name, name) == 0 &&
           strcmp((const char *) node->ns->href, space) == 0;
}

static xmlNode *element(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

static const char *attribute(xmlNode *node, const char *name, const char *space)
{
    const xmlAttr *found = space
                               ? xmlHasNsProp(node, (const xmlChar *) name, (const xmlChar *) space)
                               : xmlHasProp(node, (const xmlChar *) name);

    return !found ? NULL : found->children ? (const char *) found->children->content : "";
}

static bool must_understand(xmlNode *node)
{
    const char *value = attribute(node, "mustUnderstand", SOAP),
               *old = attribute(node, "mustUnderstand", SOAP11);

    value = value ? value : old;
    return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

static bool holds(const xmlNode *node, const char *text)
{
    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            for (const xmlAttr *one = node->properties; one; one = one->next) {
                if (holds(one->children, text)) {
                    return true;
                }
            }
            if (holds(node->children, text)) {
                return true;
            }
        } else if (node->content && strstr((const char *) node->content, text)) {
            return true;
        }
    }
    return false;
}

/* ---- the headers ----------------------------------------------------------------------------- */

static bool read_header(struct message *message, xmlNode *header)
{
    for (xmlNode *one = element(header->children); one; one = element(one->next)) {
        const char **slot = is(one, WSA, "Action")      ? &message->action
                            : is(one, WSA, "To")        ? &message->to
                            : is(one, WSA, "MessageID") ? &message->id
                                                        : NULL;

        if (slot) {
            const char *text = text_of(one);

            if (*slot || !text) {
                return addressing_fault(message, "a:InvalidAddressingHeader",
                                        "A header is there twice, or no text");
            }
            if (slot != &message->id && !must_understand(one) && !message->exchange->old) {
                return addressing_fault(message, "a:InvalidAddressingHeader",
                                        "Action and To need mustUnderstand");
            }
            *slot = text;
        } else if (is(one, WSA, "ReplyTo") && !message->reply_to) {
            xmlNode *address = element(one->children);

            message->reply_to = is(address, WSA, "Address") ? text_of(address) : NULL;
        } else if (is(one, WSSE, "Security") && message->exchange->transport == TLS &&
                   !message->security) {
            message->security = one;
        } else if (must_understand(one)) {
            return soap_fault(message, "MustUnderstand", "A header was not understood", NULL);
        }
    }
    return true;
}

static bool is_uuid_urn(const char *id)
{
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(id) != sizeof form - 1 || strncmp(id, form, 9) != 0) {
        return false;
    }
    for (size_t i = 9; form[i]; i++) {
        if (form[i] == 'x' ? !strchr("0123456789abcdefABCDEF", id[i]) : id[i] != form[i]) {
            return false;
        }
    }
    return true;
}

static bool is_new_id(struct host *host, const char *id)
{
    uint64_t hash = 14695981039346656037u;

    for (; *id; id++) {
        hash = (hash ^ (unsigned char) *id) * 1099511628211u;
    }
    for (size_t i = 0; i < LENGTH(host->message_ids); i++) {
        if (host->message_ids[i] == hash) {
            return false;
        }
    }
    host->message_ids[host->next_message_id++ % LENGTH(host->message_ids)] = hash;
    return true;
}

static bool check_to(struct message *message)
{
    const struct exchange *exchange = message->exchange;
    const char *to = message->to, *scheme = exchange->transport == TLS ? "https://" : "http://";
    size_t length = strlen(scheme);
    const char *path = strncmp(to, scheme, length) == 0 ? strchr(to + length, '/') : NULL;

    return path && strcmp(path, exchange->path) == 0 && exchange->authority &&
           strlen(exchange->authority) == (size_t) (path - to) - length &&
           strncasecmp(to + length, exchange->authority, strlen(exchange->authority)) == 0;
}

static bool check_addressing(struct message *message, const char *interface)
{
    size_t length = strlen(REMOTE), name = strlen(interface);
    const char *action = message->action, *parameter;

    if (!action || !message->to || !message->id || !message->reply_to) {
        return addressing_fault(message, "a:MessageAddressingHeaderRequired",
                                "A header is missing");
    }
    if (!is_uuid_urn(message->id)) {
        return addressing_fault(message, "a:InvalidAddressingHeader",
                                "The MessageID is no urn:uuid:");
    }
    if (!is_new_id(message->exchange->host, message->id)) {
        return addressing_fault(message, "a:DuplicateMessageID", "The MessageID was there before");
    }
    if (strcmp(message->reply_to, WSA "/anonymous") != 0) {
        return addressing_fault(message, "a:OnlyAnonymousAddressSupported",
                                "ReplyTo must be anonymous");
    }
    if (!check_to(message)) {
        return addressing_fault(message, "a:DestinationUnreachable", "To is another endpoint");
    }
    if (strncmp(action, REMOTE, length) == 0 && strncmp(action + length, interface, name) == 0 &&
        action[length + name] == '/') {
        message->operation = operation_find(interface, action + length + name + 1);
    }
    if (message->operation && !is_served(message->exchange->host, message->operation)) {
        message->operation = NULL;
    }
    if (!message->operation) {
        return addressing_fault(message, "a:ActionNotSupported", "The endpoint has no such action");
    }
    if (message->exchange->old) { /* it has that in a header of HTTP */
        const char *soap_action = message->exchange->soap_action;

        return (soap_action && *soap_action == '"' &&
                strncmp(soap_action + 1, action, strlen(action)) == 0 &&
                strcmp(soap_action + 1 + strlen(action), "\"") == 0) ||
               addressing_fault(message, "a:InvalidAddressingHeader",
                                "SOAPAction is another one, or missing");
    }
    parameter = strstr(message->exchange->content_type, "action=");
    if (parameter) {
        parameter += strlen("action=");
        length = strcspn(parameter + (*parameter == '"'), "\"; ");
        parameter += *parameter == '"';
    }
    if (!parameter || length != strlen(action) || strncmp(parameter, action, length) != 0) {
        return addressing_fault(message, "a:InvalidAddressingHeader",
                                "The content type has another action, or none");
    }
    return true;
}

static bool read_time(xmlNode *node, const char *name, time_t *ret)
{
    const char *text = is(node, WSU, name) ? text_of(node) : NULL;
    struct tm tm = {0};
    int length = 0;

    if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &length) != 6) {
        return false;
    }
    if (text[length] == '.') {
        length += 1 + (int) strspn(text + length + 1, "0123456789");
    }
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *ret = timegm(&tm);
    return strcmp(text + length, "Z") == 0;
}

static bool check_timestamp(struct message *message, xmlNode *timestamp)
{
    xmlNode *created = element(timestamp->children),
            *expires = created ? element(created->next) : NULL;
    time_t from, until, now = time(NULL);

    if (!read_time(created, "Created", &from) || !read_time(expires, "Expires", &until)) {
        return security_fault(message, "o:InvalidSecurity",
                              "The Timestamp needs Created and Expires, in UTC");
    }
    if (from > now + 300 || until <= now || until <= from) {
        return security_fault(message, "u:MessageExpired", "The Timestamp is not of now");
    }
    return true;
}

static bool check_security(struct message *message)
{
    const struct host *host = message->exchange->host;
    xmlNode *timestamp = NULL, *token = NULL;
    const char *user, *password;

    if (!message->security || !must_understand(message->security)) {
        return security_fault(message, "o:InvalidSecurity",
                              "A Security header with mustUnderstand is required");
    }
    for (xmlNode *one = element(message->security->children); one; one = element(one->next)) {
        xmlNode **slot = is(one, WSU, "Timestamp")        ? &timestamp
                         : is(one, WSSE, "UsernameToken") ? &token
                                                          : NULL;

        if (!slot || *slot) {
            return security_fault(message,
                                  slot ? "o:InvalidSecurity" : "o:UnsupportedSecurityToken",
                                  "A token too many");
        }
        *slot = one;
    }
    if (!timestamp || !token) {
        return security_fault(message, "o:InvalidSecurity",
                              "A Timestamp and a UsernameToken are required");
    }
    if (!check_timestamp(message, timestamp)) {
        return false;
    }
    for (xmlNode *one = element(token->children); one; one = element(one->next)) {
        const char **slot = is(one, WSSE, "Username")   ? &message->user
                            : is(one, WSSE, "Password") ? &message->password
                                                        : NULL;
        const char *type = slot ? attribute(one, "Type", NULL) : NULL;

        if (!slot || *slot || !(*slot = text_of(one)) ||
            (type && strcmp(type, PASSWORD_TEXT) != 0)) {
            return security_fault(message, "o:InvalidSecurityToken",
                                  "A Username and a Password as text are needed");
        }
    }
    user = message->user;
    password = message->password;
    if (!user || !password) {
        return security_fault(message, "o:InvalidSecurityToken",
                              "The UsernameToken lacks something");
    }
    if (message->operation->credentials == ADMIN) {
        if (strcasecmp(user, host->admin) == 0 && strcmp(password, host->admin_password) == 0) {
            return true;
        }
    } else if (strcmp(user, "WmsManagement") == 0 &&
               strcmp(password, host->management_password) == 0) {
        return true; /* elevated: it may do all that WmsControl may */
    } else if (strcmp(user, "WmsControl") == 0 && strcmp(password, host->control_password) == 0) {
        return message->operation->credentials == CONTROL || wms_fault(message, 0x80070005);
    }
    return security_fault(message, "o:FailedAuthentication", "The name or the password is wrong");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool parse(struct message *message)
{
    struct exchange *exchange = message->exchange;
    xmlNode *root, *header, *body;
    const char *space;

    message->doc = xmlCtxtReadMemory(parser, exchange->body, (int) exchange->length, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                         XML_PARSE_NOCDATA);
    if (!message->doc || !parser->wellFormed) {
        return http_error(message, MHD_HTTP_BAD_REQUEST);
    }
    root = xmlDocGetRootElement(message->doc);
    if (is(root, exchange->old ? SOAP : SOAP11, "Envelope")) {
        return soap_fault(message, "VersionMismatch", "Only SOAP 1.2 is spoken here",
                          "<s:Upgrade><s:SupportedEnvelope qname=\"s:Envelope\"/></s:Upgrade>");
    }
    header = root ? element(root->children) : NULL;
    body = header ? element(header->next) : NULL;
    space = exchange->old ? SOAP11 : SOAP;
    if (!is(root, space, "Envelope") || !is(header, space, "Header") || !is(body, space, "Body") ||
        element(body->next)) {
        return soap_fault(message, "Sender", "An envelope is a Header and a Body", NULL);
    }
    message->body = element(body->children);
    return read_header(message, header);
}

/* An administrator's password: it may be in one kind of request only, and the spec asks where it
 * was. */
static void look_for_password(const struct message *message)
{
    const struct exchange *exchange = message->exchange;
    struct host *host = exchange->host;
    const char *password = host->admin_password;

    if (*password && exchange->length &&
        (memmem(exchange->body, exchange->length, password, strlen(password)) ||
         (message->doc && holds(message->doc->children, password)))) {
        *(exchange->transport == TLS ? &host->admin_tls : &host->admin_plain) += 1;
    }
}

static bool act(struct message *message, struct call *call)
{
    struct exchange *exchange = message->exchange;
    const char *name = message->operation->name, *problem;
    const struct rule *rule;
    char action[160];
    bool acts;
    uint32_t hr;

    if (!is(message->body, "http://MultiPoint", name) || element(message->body->next)) {
        return soap_fault(message, "Sender", "The body is not the operation's element", NULL);
    }
    call->operation = message->operation;
    problem = arguments_read(call, message->body);
    if (problem) {
        return soap_fault(message, "Sender", problem, NULL);
    }
    message->has_id = strncmp(message->operation->in, "idS", 3) == 0; /* idSession, idStation */
    message->id_number = call->numbers[0];
    rule = exchange->rule =
        rule_take(exchange->host, name, message->has_id ? message->id_number : ANY_ID);
    if (rule && rule->drop_before) {
        exchange->drop = true;
        message->result = "dropped-before";
        return false;
    }
    if (rule && rule->fault != NO_FAULT) {
        return wms_fault(message, (uint32_t) rule->fault);
    }
    text_clear(exchange->inner);
    acts = message->operation->act && !(call->host->credulous && clients_check(message->operation));
    hr = acts ? message->operation->act(call) : 0;
    if (hr && !(rule && rule->body)) {
        return wms_fault(message, hr);
    }
    if (!acts) {
        default_answer(message->operation, exchange->inner);
    }
    if (rule && rule->body) {
        text_clear(exchange->inner);
        text_puts(exchange->inner, rule->body);
    }
    snprintf(action, sizeof action, "%s%s", message->action,
             exchange->host->request_action && message->operation->act == request_credentials
                 ? ""
                 : "Response");
    envelope_open(message, action, NULL);
    text_printf(exchange->answer, "<%sResponse xmlns=\"http://MultiPoint\">", name);
    text_add(exchange->answer, exchange->inner->data ? exchange->inner->data : "",
             exchange->inner->length);
    text_printf(exchange->answer, "</%sResponse>", name);
    envelope_close(message);
    if (rule && rule->drop_after) {
        exchange->drop = true;
        message->result = "dropped-after";
    }
    return true;
}

/* The certificate's endpoint is of SOAP 1.1 in the published WSDL, and of 1.2 in its text. */
static bool check_type(struct exchange *exchange)
{
    static const char old[] = "text/xml", type[] = "application/soap+xml";
    const char *given = exchange->content_type ? exchange->content_type : "",
               *charset = strstr(given, "charset=");
    bool plain = exchange->transport == PLAIN;

    exchange->old = plain && exchange->host->soap11 && strncmp(given, old, sizeof old - 1) == 0;
    return (exchange->old ||
            ((!plain || exchange->host->soap12) && strncmp(given, type, sizeof type - 1) == 0)) &&
           charset && strncasecmp(charset + 8 + (charset[8] == '"'), "utf-8", 5) == 0;
}

static bool check_transport(struct message *message, const char **ret_interface)
{
    struct exchange *exchange = message->exchange;
    static const char prefix[] = "/MultiPoint/";
    const char *interface;
    bool plain;

    if (strncmp(exchange->path, prefix, sizeof prefix - 1) != 0) {
        return http_error(message, MHD_HTTP_NOT_FOUND);
    }
    interface = *ret_interface = exchange->path + sizeof prefix - 1;
    plain = strcmp(interface, "IMultiPointCertificateRequest") == 0;
    if (plain != (exchange->transport == PLAIN)) {
        return http_error(message, MHD_HTTP_NOT_FOUND);
    }
    for (size_t i = 0; strcmp(operations[i].interface, interface) != 0;) {
        if (++i == operation_count) {
            return http_error(message, MHD_HTTP_NOT_FOUND);
        }
    }
    return check_type(exchange) || http_error(message, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE);
}

void soap_handle(struct exchange *exchange)
{
    struct message message = {.exchange = exchange, .result = "ok"};
    const char *interface = NULL;
    struct call call = {.host = exchange->host, .out = exchange->inner};
    bool served;

    exchange->status = MHD_HTTP_OK;
    exchange->rule = NULL;
    exchange->drop = false;
    exchange->host->requests_seen++;
    if (exchange->host->keep_bodies) {
        text_puts(&exchange->host->bodies, " ");
        text_percent(&exchange->host->bodies, exchange->body);
        text_puts(&exchange->host->bodies, "\n");
    }
    served = check_transport(&message, &interface);
    served = (served ? parse(&message) : served) && check_addressing(&message, interface) &&
             (exchange->transport == PLAIN || check_security(&message)) && act(&message, &call);
    text_free(&call.binary);
    look_for_password(&message);
    if (served && exchange->rule && exchange->rule->status) {
        exchange->status = exchange->rule->status;
    }
    if (message.operation) {
        exchange->host->counts[message.operation - operations]++;
    }
    log_add(exchange->host, message.operation ? message.operation->name : "-", message.has_id,
            message.id_number, message.user ? message.user : "-", message.result);
    if (message.doc) {
        xmlFreeDoc(message.doc);
    }
    control_changed();
}
