/* SPDX-License-Identifier: MIT */
/* envelope.c - the text of a question: [MS-RSMC] 2.1, SOAP 1.2, WS-Addressing 1.0, WS-Security 1.0.
 *
 * The published WSDL has the certificate's interface in SOAP 1.1, and says nothing of addressing:
 * so in SOAP 1.1 the addressing headers are sent, but not marked as to be understood.
 */
#include "multipoint.h"

#define SECURITY "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"

enum { LIFETIME = 300 }; /* seconds */

/* ---- ids of messages ------------------------------------------------------------------------- */

/* The next id: that of the message before, with the last group of digits counted up. */
void multipoint_print_id(struct multipoint *all, char id[MULTIPOINT_ID])
{
    char *digit = &all->id[MULTIPOINT_ID - 2];

    while (*digit == 'f') {
        *digit-- = '0';
    }
    if (*digit != '-') {
        *digit = *digit == '9' ? 'a' : (char) (*digit + 1);
    }
    memcpy(id, all->id, MULTIPOINT_ID);
}

void multipoint_renew(struct multipoint_exchange *exchange)
{
    multipoint_print_id(exchange->host->all, exchange->id);
    memcpy(exchange->request.data + exchange->id_at, exchange->id, strlen(exchange->id));
}

/* ---- the text -------------------------------------------------------------------------------- */

static void print_time(time_t when, char stamp[MULTIPOINT_STAMP])
{
    struct tm parts;

    gmtime_r(&when, &parts);
    strftime(stamp, MULTIPOINT_STAMP, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* Writes the host as in a URL: an IPv6 address in brackets, with the '%' of its zone escaped as
 * "%25".  Returns the end. */
static char *put_host(const char *host, char *at)
{
    if (!strchr(host, ':')) {
        return stpcpy(at, host);
    }
    const char *zone = strchr(host, '%');
    at = stpcpy(at, "[");
    at = zone ? stpcpy(stpncpy(at, host, (size_t) (zone - host)), "%25") : at;
    return stpcpy(stpcpy(at, zone ? zone + 1 : host), "]");
}

static char *put_number(unsigned number, char *at)
{
    at = number > 9 ? put_number(number / 10, at) : at;
    *at++ = (char) ('0' + number % 10);
    *at = '\0';
    return at;
}

/* [MS-RSMC] 2.1: the certificate is asked for by plain HTTP, everything else by HTTPS, at the port
 * that is announced with it. */
void multipoint_print_url(const struct multipoint_exchange *exchange, char url[MULTIPOINT_URL])
{
    const struct wms_address *address = exchange->host->address; /* of at most 255 characters */
    bool plain = exchange->operation->credentials == MULTIPOINT_ANYBODY;
    unsigned standard = plain ? MULTIPOINT_HTTP_PORT : MULTIPOINT_HTTPS_PORT;
    unsigned port = !plain ? exchange->https_port : address->port ? address->port : standard;
    char *at = put_host(address->host, stpcpy(url, plain ? "http://" : "https://"));

    if (port != standard) {
        at = put_number(port, stpcpy(at, ":"));
    }
    stpcpy(stpcpy(at, "/MultiPoint/"), exchange->operation->interface_name);
}

static void put_text(struct multipoint_text *out, const char *before, const char *text,
                     const char *after)
{
    multipoint_text_puts(out, before);
    multipoint_text_escape(out, text, strlen(text));
    multipoint_text_puts(out, after);
}

/* The WSDL's policy requires the timestamp, although the specification's examples lack it. */
static void put_security(struct multipoint *all, struct multipoint_text *out, const char *user_name,
                         const char *password)
{
    time_t now = time(NULL);

    if (now != all->stamp_time) {
        all->stamp_time = now;
        print_time(now, all->created);
        print_time(now + LIFETIME, all->expires);
    }
    multipoint_text_puts(out, "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"" SECURITY
                              "wssecurity-secext-1.0.xsd\" xmlns:u=\"" SECURITY
                              "wssecurity-utility-1.0.xsd\"><u:Timestamp><u:Created>");
    multipoint_text_puts(out, all->created);
    multipoint_text_puts(out, "</u:Created><u:Expires>");
    multipoint_text_puts(out, all->expires);
    multipoint_text_puts(out, "</u:Expires></u:Timestamp>");
    put_text(out, "<o:UsernameToken><o:Username>", user_name, "</o:Username>");
    put_text(out, "<o:Password Type=\"" SECURITY "username-token-profile-1.0#PasswordText\">",
             password, "</o:Password>");
    multipoint_text_puts(out, "</o:UsernameToken></o:Security>");
}

void multipoint_envelope(struct multipoint_exchange *exchange,
                         const struct multipoint_question *question, const char *password)
{
    const struct multipoint_operation *operation = question->operation;
    struct multipoint_text *out = &exchange->request;
    char ignored[1], url[MULTIPOINT_URL];

    multipoint_print_url(exchange, url);
    multipoint_text_puts(out, exchange->old ? "<s:Envelope xmlns:s=\"" MULTIPOINT_SOAP_11 "\" "
                                            : "<s:Envelope xmlns:s=\"" MULTIPOINT_SOAP_12 "\" ");
    multipoint_text_puts(out, "xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>"
                              "<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/"
                              "anonymous</a:Address></a:ReplyTo>");
    multipoint_text_puts(out, exchange->old ? "<a:Action>" : "<a:Action s:mustUnderstand=\"1\">");
    multipoint_text_puts(out, MULTIPOINT_SPACE "/RemoteManagement/");
    multipoint_text_puts(out, operation->interface_name);
    multipoint_text_puts(out, "/");
    multipoint_text_puts(out, operation->name);
    multipoint_text_puts(out, exchange->old ? "</a:Action><a:To>"
                                            : "</a:Action><a:To s:mustUnderstand=\"1\">");
    multipoint_text_puts(out, url);
    multipoint_text_puts(out, "</a:To><a:MessageID>");
    exchange->id_at = out->length;
    multipoint_text_puts(out, exchange->id);
    multipoint_text_puts(out, "</a:MessageID>");
    if (password) {
        put_security(exchange->host->all, out, exchange->user_name, password);
    }
    multipoint_text_puts(out, "</s:Header><s:Body>");
    multipoint_arguments(operation, question->arguments, out, ignored, sizeof ignored);
    multipoint_text_puts(out, "</s:Body></s:Envelope>");
}
