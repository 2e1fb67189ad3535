/* SPDX-License-Identifier: MIT */
/* sink.c - fuzzing: what anybody may send to the port where hosts tell of events.
 *
 * The input's first byte tells when memory runs out, the second what the rest is: a whole request,
 * credentials that are to be found again, the body of a request whose credentials are right, or its
 * head.
 */
#include "multipoint/telling.h"

#include <libxml/parser.h>
#include <stdio.h>

#include "support.h"

enum { LONGEST = 600, BLOCKS = 400000, TIMES = 60 };
enum use { REQUEST, CREDENTIALS, BODY, HEAD, USES };

static const char host_name[] = "console.school.example", control[] = "C&on<tr>ol\"'",
                  management[] = "Management", path[] = "/MultiPoint/" MULTIPOINT_CORE_SINK;

static const struct wms_services services = {.size = sizeof services, .resize = fuzz_resize};
static const struct multipoint_memory memory = {&services, NULL};

/* ---- judging --------------------------------------------------------------------------------- */

/* What goes out is XML that our own parser takes. */
static void must_be_answer(const struct multipoint_verdict *verdict)
{
    struct multipoint_answer answer = {.parser = NULL};
    int error = multipoint_answer_read(&answer, &memory, verdict->answer.data,
                                       verdict->answer.length, MULTIPOINT_SINK_MAX);

    MUST(!error || fuzz_memory_ran_out());
    if (!error) {
        MUST(answer.old == verdict->old && !answer.fault == (verdict->status == 200));
        MUST(!answer.relates == !(verdict->request.message_id && *verdict->request.message_id));
        MUST(!answer.relates || strcmp(answer.relates, verdict->request.message_id) == 0);
    }
    multipoint_parser_free(multipoint_answer_end(&answer));
}

static void judge(const char *where, const char *text, size_t size, bool right)
{
    struct multipoint_caller third = {.next = NULL},
                             second = {.next = &third, .control = "", .management = "other"},
                             first = {
                                 .next = &second, .control = control, .management = management};
    struct multipoint_verdict verdict;
    int error = multipoint_sink_judge(&memory, host_name, &first, where, text, size, &verdict);

    MUST(!third.calls); /* it has no password */
    MUST(!right || first.calls);
    MUST(!error || (error == WMS_E_NO_MEMORY && fuzz_memory_ran_out()));
    if (!error) {
        bool known = first.calls || second.calls;
        MUST(!verdict.event == (verdict.status != 200));
        MUST(verdict.status == 200 || verdict.status == 400 || verdict.status == 401 ||
             verdict.status == 500);
        MUST(known ? verdict.status != 401 : !verdict.event && !verdict.request.body);
        if (verdict.event) {
            MUST(multipoint_event_find(verdict.event->interface_name, verdict.event->name) ==
                 verdict.event);
            fuzz_must_be_whole(&verdict.table);
        }
        must_be_answer(&verdict);
    }
    multipoint_verdict_end(&verdict);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static void put_credentials(struct multipoint_text *out, const char *user_name, size_t user_size,
                            const char *password, size_t size)
{
    multipoint_text_puts(out,
                         "<s:Envelope xmlns:s=\"" MULTIPOINT_SOAP_12 "\" xmlns:a=\""
                         "http://www.w3.org/2005/08/addressing\"><s:Header><a:MessageID>a"
                         "</a:MessageID><o:Security xmlns:o=\"o\"><o:UsernameToken><o:Username>");
    multipoint_text_escape(out, user_name, user_size);
    multipoint_text_puts(out, "</o:Username><o:Password Type='>'>");
    multipoint_text_escape(out, password, size);
    multipoint_text_puts(out, "</o:Password></o:UsernameToken></o:Security></s:Header><s:Body>");
}

/* What was written is found, and nothing else. */
static void try_credentials(struct fuzz_input *input)
{
    char user_name[LONGEST + 1], password[LONGEST + 1];
    size_t user_size = fuzz_text(input, user_name, LONGEST),
           size = fuzz_text(input, password, LONGEST);
    struct multipoint_text out = {.memory = &memory};
    struct multipoint_token token;

    user_size = multipoint_xml_span(user_name, user_size);
    size = multipoint_xml_span(password, size);
    put_credentials(&out, user_name, user_size, password, size);
    multipoint_text_puts(&out, "<x/></s:Body></s:Envelope>");
    if (!out.failed) {
        const char *problem = multipoint_token_find(out.data, out.length, &token);
        MUST(!problem == (user_size <= MULTIPOINT_USER_MAX));
        if (!problem) {
            MUST(token.there && token.password_size == size &&
                 memcmp(token.password, password, size) == 0);
        }
        explicit_bzero(&token, sizeof token);
    }
    multipoint_text_free(&out);
}

/* The rest stands in the body, behind credentials that are right. */
static void try_body(struct fuzz_input *input)
{
    struct multipoint_text out = {.memory = &memory};
    const struct multipoint_event *event =
        &multipoint_events[fuzz_byte(input) % multipoint_event_count];
    char where[80];
    bool whole = fuzz_byte(input) % 2;

    snprintf(where, sizeof where, "/MultiPoint/%s", event->interface_name);
    put_credentials(&out, host_name, strlen(host_name), control, strlen(control));
    if (whole) { /* the event's element */
        multipoint_text_printf(&out, "<%s xmlns=\"" MULTIPOINT_SPACE "\">", event->name);
    }
    multipoint_text_add(&out, (const char *) input->at, input->left);
    if (whole) {
        multipoint_text_printf(&out, "</%s>", event->name);
    }
    multipoint_text_puts(&out, "</s:Body></s:Envelope>");
    if (!out.failed) {
        struct multipoint_token token;
        /* The body may end what should not end; credentials are found all the same. */
        bool readable = !multipoint_token_find(out.data, out.length, &token);
        judge(where, out.data, out.length, readable);
    }
    multipoint_text_free(&out);
}

static void try_head(struct fuzz_input *input)
{
    char method[40], where[100], type[100];

    fuzz_text(input, method, sizeof method - 1);
    fuzz_text(input, where, sizeof where - 1);
    fuzz_text(input, type, sizeof type - 1);
    unsigned status = multipoint_sink_door(method, where, fuzz_byte(input) % 8 ? type : NULL);
    MUST(status == 0 || status == 404 || status == 405 || status == 415);
    MUST(status || strcmp(method, "POST") == 0);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* libxml2 would print something. */
static void on_print(void *data, const char *format, ...)
{
    (void) data;
    MUST(!format);
}

static void check_once(void)
{
    static const char online[] = "/MultiPoint/" MULTIPOINT_ONLINE_SINK;

    MUST(multipoint_event_count == 40);
    MUST(multipoint_sink_door("POST", path, "text/xml") == 0);
    MUST(multipoint_sink_door("POST", online, "application/soap+xml;charset=utf-8") == 0);
    MUST(multipoint_sink_door("POST", online, "application/soap+xmlx") == 415);
    MUST(multipoint_sink_door("POST", online, NULL) == 415);
    MUST(multipoint_sink_door("GET", path, "text/xml") == 405);
    MUST(multipoint_sink_door("POST", "/MultiPoint/IMultiPointServer", "text/xml") == 404);
    MUST(!multipoint_event_find(MULTIPOINT_ONLINE_SINK, "OnSessionBlocked"));
}

/* The fuzzer's, before the first run. */
int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void) count;
    (void) arguments;
    xmlMemSetup(free, fuzz_malloc, fuzz_realloc, fuzz_strdup);
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, on_print);
    check_once();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    fuzz_memory_begin(fuzz_byte(&input));
    switch ((enum use)(fuzz_byte(&input) % USES)) {
    case REQUEST:
        judge(path, (const char *) input.at, input.left, false);
        break;
    case CREDENTIALS:
        try_credentials(&input);
        break;
    case BODY:
        try_body(&input);
        break;
    default:
        try_head(&input);
    }
    MUST(fuzz_memory_peak() <= BLOCKS + size * TIMES);
    fuzz_memory_end();
    return 0;
}
