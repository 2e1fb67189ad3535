/* SPDX-License-Identifier: MIT */
/* answer.c - fuzzing: what a MultiPoint host answers, and that what we write can be read.
 *
 * The input begins with bytes that choose: when memory runs out, the operation, the use that is
 * made of the rest, and two more that are that use's own.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multipoint/multipoint.h"
#include "support.h"

enum use { ANSWER, BREAK, TEXT, ARGUMENTS, HEAD, SCAN, USES };
enum { LIMIT = 8000000, COMPLAINT = 512, ITEMS = 24, ROOM = 10000, LONGEST = 255 };
/* No text may make much more of the memory than it has bytes itself. */
enum { BLOCKS = 100000, TIMES = 64 };

#define ID       "urn:uuid:1"
#define OTHER_ID "urn:uuid:2"

/* ---- the engine's and libcurl's part --------------------------------------------------------- */

static struct {
    long status, number;
    unsigned retired, failed;
} world;

static void retire(struct wms_link *link)
{
    (void) link;
    world.retired++;
}

static const struct wms_services services = {.resize = fuzz_resize, .retire = retire};
static struct multipoint all = {.memory = {.services = &services}};
static const struct wms_address address = {.text = "lab", .host = "lab"};
static struct multipoint_host host = {.all = &all, .address = &address};

void multipoint_host_fail(struct multipoint_host *failed, int code, const char *text)
{
    MUST(failed == &host && code < 0 && fuzz_is_sentence(text));
    world.failed++;
}

#undef curl_easy_getinfo
CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list arguments;

    (void) easy;
    va_start(arguments, info);
    *va_arg(arguments, long *) = info == CURLINFO_RESPONSE_CODE ? world.status : world.number;
    va_end(arguments);
    return CURLE_OK;
}

const char *curl_easy_strerror(CURLcode code)
{
    return code == CURLE_OK ? "fine" : "not fine";
}

/* ---- answers --------------------------------------------------------------------------------- */

/* What libxml2 lets through is what our own texts may hold; and nothing is deeper than it may be.
 */
static void must_be_fit(const struct multipoint_element *element, unsigned depth)
{
    MUST(depth < MULTIPOINT_DEPTH && *element->name && element->space);
    MUST(!element->text[element->length] && strlen(element->text) == element->length);
    MUST(multipoint_xml_span(element->text, element->length) == element->length);
    for (const struct multipoint_element *child = element->first; child; child = child->next) {
        must_be_fit(child, depth + 1);
    }
}

static bool says_nothing(const struct multipoint_element *body)
{
    return !body->first && body->length == 0 && !body->nil;
}

/* `refused`: our own code had been refused memory before, for something else. */
static void must_be_reply(const struct multipoint_exchange *exchange,
                          const struct multipoint_answer *answer,
                          const struct multipoint_reply *reply, bool refused)
{
    if (reply->code) {
        MUST(reply->code >= WMS_E_INTERNAL && reply->code < 0 && !reply->body);
        MUST(reply->text ? fuzz_is_sentence(reply->text)
                         : reply->code == WMS_E_NO_MEMORY || reply->code == WMS_E_NOT_FOUND);
        MUST(reply->code != WMS_E_NO_MEMORY || !reply->lost || exchange->transfer.result ||
             fuzz_memory_ran_out());
    } else {
        MUST(reply->body && reply->body == answer->body && !answer->fault && !reply->lost);
        MUST(refused || !fuzz_memory_refused() ||
             (says_nothing(reply->body) && !all.known.operation)); /* not kept */
        MUST(strcmp(answer->relates, exchange->id) == 0 &&
             fuzz_begins(reply->body->name, exchange->operation->name));
    }
    MUST(world.retired == 0 || reply->code == WMS_E_ACCESS_DENIED);
    MUST(!multipoint_reply_not_found(reply) || reply->code == WMS_E_NOT_FOUND);
    MUST(world.failed == 0 || !exchange->transfer.left);
}

static bool read_back(const struct multipoint_operation *operation, const wms_value *table);

/* What comes out of an answer could be sent, where it is of a type that is sent at all, and would
 * come out again. */
static void try_results(const struct multipoint_operation *operation,
                        const struct multipoint_element *element)
{
    struct multipoint_arena arena = {.memory = &all.memory};
    struct multipoint_operation reverse = *operation;
    wms_value table;
    int error = multipoint_results(operation, element, &arena, &table);

    MUST(!error || error == WMS_E_PROTOCOL || fuzz_memory_ran_out());
    if (!error) {
        fuzz_must_be_whole(&table);
        reverse.in = operation->out;
        read_back(&reverse, &table);
    }
    multipoint_arena_free(&arena);
}

/* A parser that has read something else before reads as a new one does. */
static void *read_known(void *parser)
{
    static const char known[] =
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><e:Body>"
        "<GetSessionFlagsResponse xmlns=\"" MULTIPOINT_SPACE "\"><pgrfSession>7</pgrfSession>"
        "<pfgrSession i:nil=\"true\"/></GetSessionFlagsResponse></e:Body></e:Envelope>";
    struct multipoint_answer answer = {.parser = parser};
    int error = multipoint_answer_read(&answer, &all.memory, known, sizeof known - 1, LIMIT);

    MUST(!error || fuzz_memory_ran_out());
    if (!error) {
        const struct multipoint_element *body = answer.body, *first = body->first;
        MUST(strcmp(body->name, "GetSessionFlagsResponse") == 0 &&
             strcmp(body->space, MULTIPOINT_SPACE) == 0);
        MUST(strcmp(first->name, "pgrfSession") == 0 && strcmp(first->text, "7") == 0 &&
             !first->nil);
        MUST(first->next->nil && !first->next->next && !answer.fault && !answer.action &&
             !answer.relates);
    }
    return multipoint_answer_end(&answer);
}

static void must_be_known(struct multipoint_exchange *exchange)
{
    struct multipoint_answer answer = {.parser = NULL};
    struct multipoint_reply reply;
    char buffer[MULTIPOINT_SENTENCE];

    multipoint_judge(exchange, &answer, &reply, buffer);
    MUST(!reply.code && !reply.lost && !answer.arena.blocks && says_nothing(reply.body));
    multipoint_answer_end(&answer);
}

/* The answer that is known, to a question of another id, would have been believed if it had been
 * read. */
static void try_known(struct multipoint_exchange *exchange)
{
    struct multipoint_answer answer = {.parser = NULL};
    struct multipoint_exchange next = *exchange;
    struct multipoint_reply reply;
    char buffer[MULTIPOINT_SENTENCE];

    if (all.known.operation) {
        must_be_known(exchange);
        strcpy(next.id, OTHER_ID);
        next.answer.data[all.known.id_at + sizeof ID - 2] = OTHER_ID[sizeof ID - 2];
        must_be_known(&next);
        multipoint_known_free(&all);
        fuzz_memory_relax();
        multipoint_judge(&next, &answer, &reply, buffer);
        MUST(!reply.code && says_nothing(reply.body));
        multipoint_parser_free(multipoint_answer_end(&answer));
    }
    multipoint_known_free(&all);
}

static void judge(struct multipoint_exchange *exchange, bool again)
{
    struct multipoint_answer answer = {.arena = {.memory = &all.memory}};
    answer.parser = again && !exchange->reader ? read_known(NULL) : NULL;
    struct multipoint_reply reply;
    char buffer[MULTIPOINT_SENTENCE];
    bool refused = fuzz_memory_refused();

    multipoint_judge(exchange, &answer, &reply, buffer);
    must_be_reply(exchange, &answer, &reply, refused);
    if (answer.body && !answer.problem) { /* whatever it answers to */
        must_be_fit(answer.body, 2);
        try_results(exchange->operation, answer.body);
    }
    if (again) {
        fuzz_memory_relax();
        multipoint_parser_free(read_known(multipoint_answer_end(&answer)));
    } else {
        multipoint_parser_free(multipoint_answer_end(&answer));
    }
    try_known(exchange);
}

static void try_answer(const struct multipoint_operation *operation, struct fuzz_input *input)
{
    static const long statuses[] = {200, 500, 400, 401, 403, 404, 407, 503, 302, 100};
    struct multipoint_exchange exchange = {.host = &host,
                                           .operation = operation,
                                           .id = ID,
                                           .user_name = "clerk",
                                           .transfer.left = true};

    world.status = statuses[fuzz_byte(input) % (sizeof statuses / sizeof *statuses)];
    uint8_t flags = fuzz_byte(input);
    exchange.user_name = flags & 1 ? "clerk" : NULL;
    exchange.answer.memory = &all.memory;
    exchange.answer_max = flags & 4 ? LIMIT : 1024;
    exchange.head.date = flags & 16 ? time(NULL) + (flags & 32 ? 1000 : -1000) : 0;
    multipoint_text_add(&exchange.answer, (const char *) input->at, input->left);
    if (flags & 8 && !exchange.answer.failed) { /* as the long ones are read */
        exchange.reader = multipoint_reader_new(&all.memory, exchange.answer.data,
                                                exchange.answer.length, exchange.answer_max);
        while (exchange.reader && flags % 3 == 0 && multipoint_reader_step(exchange.reader)) {
            continue;
        }
        if (!exchange.reader || flags % 3) { /* given up, at its beginning or a little later */
            bool once = exchange.reader && multipoint_reader_step(exchange.reader);
            (void) once;
            multipoint_reader_free(exchange.reader);
            exchange.reader = NULL;
        }
    }
    judge(&exchange, flags & 2);
    multipoint_reader_free(exchange.reader);
    multipoint_text_free(&exchange.answer);
}

/* ---- no answer ------------------------------------------------------------------------------- */

static void try_break(const struct multipoint_operation *operation, struct fuzz_input *input)
{
    static const long numbers[] = {0, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT};
    struct multipoint_exchange exchange = {
        .host = &host, .operation = operation, .id = ID, .answer_max = 8000000};

    exchange.transfer.result =
        (CURLcode) (1 + fuzz_byte(input) % (CURL_LAST - 1)); /* not CURLE_OK */
    uint8_t flags = fuzz_byte(input);
    exchange.transfer.left = flags & 1;
    exchange.too_large = flags & 2;
    exchange.refused = flags & 64 ? multipoint_long_head : NULL;
    exchange.transfer.trouble = flags & 4 ? WMS_E_NO_MEMORY : 0;
    exchange.trust.old_tls = flags & 8;
    exchange.transfer.no_socket = flags & 16 ? WMS_E_NO_MEMORY : flags & 32 ? WMS_E_INTERNAL : 0;
    world.number = numbers[flags / 16 % (sizeof numbers / sizeof *numbers)];
    exchange.answer.length = fuzz_byte(input);
    if (fuzz_byte(input) % 2) {
        strcpy(exchange.trust.why, "the host shows another certificate");
    }
    judge(&exchange, false);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_envelope(struct multipoint_text *out, const char *data, size_t size)
{
    multipoint_text_puts(
        out, "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><text>");
    multipoint_text_escape(out, data, size);
    multipoint_text_puts(out, "</text></e:Body></e:Envelope>");
}

static int read_text(const char *data, size_t size, struct multipoint_text *text,
                     struct multipoint_answer *answer)
{
    *text = (struct multipoint_text){.memory = &all.memory};
    *answer = (struct multipoint_answer){.arena = {.memory = &all.memory}};
    put_envelope(text, data, size);
    MUST(!text->failed || fuzz_memory_ran_out());
    return text->failed
               ? WMS_E_NO_MEMORY
               : multipoint_answer_read(answer, &all.memory, text->data, text->length, LIMIT);
}

static void free_text(struct multipoint_text *text, struct multipoint_answer *answer)
{
    multipoint_parser_free(multipoint_answer_end(answer));
    multipoint_text_free(text);
}

/* As a password is kept. */
static void try_copy(const char *data, size_t size)
{
    char text[LONGEST + 1];
    int length = (int) (size < LONGEST ? size : LONGEST);

    snprintf(text, sizeof text, "%.*s", length, data);
    char *copy = multipoint_copy(&all.memory, text);
    MUST(copy ? strcmp(copy, text) == 0 : fuzz_memory_refused());
    multipoint_free_text(&all.memory, copy);
}

/* What can be held comes back as it was; and one byte more than that cannot be. */
static void try_text(const char *data, size_t size)
{
    struct multipoint_text text;
    struct multipoint_answer answer = {.parser = NULL};
    size_t span = multipoint_xml_span(data, size);
    int error = read_text(data, span, &text, &answer);

    MUST(span <= size && multipoint_xml_span(data, span) == span);
    MUST(!error || fuzz_memory_ran_out());
    if (!error) {
        MUST(answer.body->length == span && memcmp(answer.body->text, data, span) == 0);
    }
    free_text(&text, &answer);
    try_copy(data, span);
    if (span < size) {
        MUST(read_text(data, size, &text, &answer) != 0);
        free_text(&text, &answer);
    }
}

/* ---- before the parser ----------------------------------------------------------------------- */

/* Line by line; what is refused is refused with a sentence, and nothing is read beyond the line. */
static void try_head(struct fuzz_input *input)
{
    struct multipoint_head head = {.size = 0};
    size_t size = 0;

    while (input->left > 0) {
        const uint8_t *end = memchr(input->at, '\n', input->left);
        size_t length = end ? (size_t) (end - input->at) + 1 : input->left;
        char *line = malloc(length); /* of just that size, for the sanitizer */
        MUST(line);
        memcpy(line, input->at, length);
        const char *problem = multipoint_head_add(&head, line, length);
        free(line);
        size += length;
        MUST(head.size == size && (!problem || fuzz_is_sentence(problem)));
        MUST(head.date >= -1 || head.date < 253402300800);
        input->at += length;
        input->left -= length;
    }
}

/* Parts of any length give what the whole gives, and fit together. */
static void try_scan(struct fuzz_input *input)
{
    size_t step = 1 + fuzz_byte(input), cut, before = 0;
    struct multipoint_scan whole = {.at = 0}, parts = {.at = 0};
    const char *text = (const char *) input->at, *problem = NULL;
    const char *expected = multipoint_scan(&whole, text, input->left, input->left, &cut);

    MUST(expected || cut == input->left);
    for (size_t end = 0; !problem && parts.at < input->left;) {
        end = input->left - parts.at < step ? input->left : parts.at + step;
        problem = multipoint_scan(&parts, text, input->left, end, &cut);
        MUST(problem || (cut <= end && (cut >= before || multipoint_xml_span(text, end) < end)));
        MUST(problem || end < input->left || cut == end);
        before = cut;
    }
    MUST(problem == expected && (problem || parts.state == whole.state));
}

/* ---- arguments ------------------------------------------------------------------------------- */

static bool to_number(const wms_value *value, wms_value *ret_number)
{
    *ret_number =
        (wms_value){.kind = value->kind, .natural = value->natural, .integer = value->integer};
    if (value->kind == WMS_STRING) {
        ret_number->kind = WMS_NATURAL;
        return multipoint_number(value->text, UINT64_MAX, &ret_number->natural);
    }
    return value->kind == WMS_NATURAL || value->kind == WMS_INTEGER;
}

/* Digits may be given for a number, and an empty table for a list. */
static bool is_same(enum multipoint_type type, const wms_value *given, const wms_value *found)
{
    wms_value number;

    if (type == MULTIPOINT_INT || type == MULTIPOINT_UINT || type == MULTIPOINT_ULONG) {
        return to_number(given, &number) && fuzz_equal(&number, found);
    }
    return fuzz_equal(given, found) || (given->kind == WMS_TABLE && given->size == 0 &&
                                        found->kind == WMS_LIST && found->size == 0);
}

static const wms_value *find(const wms_value *table, const struct multipoint_field *field)
{
    for (size_t i = 0; i < table->size; i++) {
        const wms_value *item = &table->items[i];
        if (strlen(item->name) == field->length &&
            strncmp(item->name, field->name, field->length) == 0) {
            return item->kind == WMS_NIL ? NULL : item;
        }
    }
    return NULL;
}

static void must_be_same(const char *spec, const wms_value *given, const wms_value *found)
{
    struct multipoint_field field;

    while (multipoint_field_next(&spec, &field)) {
        const wms_value *a = find(given, &field), *b = find(found, &field);
        MUST(!a == !b && (!a || is_same(field.type, a, b)));
    }
}

/* Reads the request that `exchange` would send. */
static void must_be_request(const struct multipoint_exchange *exchange, const wms_value *given)
{
    const struct multipoint_operation *operation = exchange->operation;
    struct multipoint_answer answer = {.parser = NULL};
    wms_value found;
    char action[160];
    int error = multipoint_answer_read(&answer, &all.memory, exchange->request.data,
                                       exchange->request.length, LIMIT);

    snprintf(action, sizeof action, MULTIPOINT_SPACE "/RemoteManagement/%s/%s",
             operation->interface_name, operation->name);
    MUST(!error || fuzz_memory_ran_out());
    if (!error) {
        MUST(strcmp(answer.action, action) == 0 &&
             strcmp(answer.body->space, MULTIPOINT_SPACE) == 0);
        error = multipoint_results(&(struct multipoint_operation){.out = operation->in},
                                   answer.body, &answer.arena, &found);
        MUST(!error || fuzz_memory_ran_out());
        if (!error) {
            fuzz_must_be_whole(&found);
            must_be_same(operation->in, given, &found);
        }
    }
    multipoint_parser_free(multipoint_answer_end(&answer));
}

/* Writes a request, and reads it.  False: it cannot be sent. */
static bool read_back(const struct multipoint_operation *operation, const wms_value *table)
{
    struct multipoint_exchange exchange = {
        .host = &host, .operation = operation, .id = ID, .user_name = "<\"&>"};
    struct multipoint_question question = {.operation = operation, .arguments = table};
    char complaint[COMPLAINT] = "", cut[40] = "";
    int error = multipoint_arguments(operation, table, NULL, complaint, sizeof complaint);

    exchange.request.memory = &all.memory;
    if (error) {
        MUST(error == WMS_E_INVALID && fuzz_is_sentence(complaint) &&
             fuzz_begins(complaint, "arguments"));
        MUST(multipoint_arguments(operation, table, &exchange.request, cut, sizeof cut) == error);
    } else {
        multipoint_envelope(&exchange, &question,
                            operation->credentials == MULTIPOINT_ANYBODY ? NULL : "]]>\r\n");
        MUST(!exchange.request.failed || fuzz_memory_ran_out());
        if (!exchange.request.failed) {
            must_be_request(&exchange, table);
        }
    }
    multipoint_text_free(&exchange.request);
    return !error;
}

/* ---- arguments from chance ------------------------------------------------------------------- */

struct builder {
    struct fuzz_input *input;
    wms_value items[ITEMS], strings[ITEMS];
    size_t string_count;
    char room[ROOM];
    size_t used;
};

static void make_string(struct builder *builder, wms_value *value)
{
    char *text = builder->room + builder->used;
    size_t left = sizeof builder->room - builder->used - 1;

    value->kind = WMS_STRING;
    value->text = text;
    value->size = fuzz_text(builder->input, text, left < LONGEST ? left : LONGEST);
    builder->used += value->size + 1;
}

static void make_list(struct builder *builder, wms_value *value)
{
    size_t count = fuzz_byte(builder->input) % 4;

    value->kind = WMS_LIST;
    value->items = &builder->strings[builder->string_count];
    for (; value->size < count && builder->string_count < ITEMS; value->size++) {
        wms_value *item = &builder->strings[builder->string_count++];
        *item = (wms_value){.kind = WMS_NIL};
        if (fuzz_byte(builder->input) % 16 != 15) {
            make_string(builder, item);
        }
    }
}

static void make_value(struct builder *builder, wms_value *value)
{
    static const char guid[] = "{01234567-89ab-cdef-0123-456789abcdef}";
    uint64_t number;

    switch (fuzz_byte(builder->input) % 8) {
    case 0:
        break; /* nil */
    case 1:
        value->kind = WMS_BOOLEAN;
        value->integer = fuzz_byte(builder->input) % 2;
        break;
    case 2:
        value->kind = WMS_NATURAL;
        value->natural = fuzz_number(builder->input);
        break;
    case 3:
        number = fuzz_number(builder->input);
        value->kind = WMS_INTEGER;
        value->integer = -1 - (int64_t) (number >> 1);
        break;
    case 4:
        make_list(builder, value);
        break;
    case 5:
        value->kind = WMS_TABLE;
        break;
    case 6:
        *value = multipoint_string(value->name, guid, sizeof guid - 1);
        break;
    default:
        make_string(builder, value);
    }
}

/* A value for each of the operation's fields, in any order, and sometimes one that it does not
 * have. */
static size_t make_arguments(struct builder *builder, const struct multipoint_operation *operation)
{
    const char *spec = operation->in;
    struct multipoint_field field;
    size_t count = 0;

    if (fuzz_byte(builder->input) % 16 == 15) {
        builder->items[count++] = (wms_value){.kind = WMS_NATURAL, .name = "idSessio"};
    }
    while (multipoint_field_next(&spec, &field)) {
        char *name = builder->room + builder->used;
        snprintf(name, field.length + 1, "%s", field.name);
        builder->used += field.length + 1;
        builder->items[count] = (wms_value){.name = name};
        make_value(builder, &builder->items[count++]);
    }
    return count;
}

static void try_arguments(const struct multipoint_operation *operation, struct fuzz_input *input)
{
    /* No operation of the table takes these. */
    static const struct multipoint_operation others[] = {
        {.name = "Others", .interface_name = "None", .in = "g:g gn:gn B:B b:b? i:i S:S U:Un"},
        {.name = "Lists", .interface_name = "None", .in = "S:Sn B:Bn x:x?"},
    };
    struct builder builder = {.input = input};
    uint8_t other = fuzz_byte(input) % 8;

    operation = other < 2 ? &others[other] : operation;
    wms_value table = {
        .kind = WMS_TABLE, .items = builder.items, .size = make_arguments(&builder, operation)};
    read_back(operation, &table);
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
    for (size_t i = 0; i < multipoint_operation_count; i++) {
        const struct multipoint_operation *operation = &multipoint_operations[i];
        MUST(multipoint_operation_find(operation->interface_name, operation->name) == operation);
        MUST(strcmp(multipoint_operation_like(operation->interface_name, operation->name),
                    operation->name) == 0);
    }
    struct multipoint_answer answer = {.parser = NULL};
    MUST(multipoint_answer_read(&answer, &all.memory, "", (size_t) INT32_MAX + 1, LIMIT) ==
         WMS_E_PROTOCOL); /* not looked at */
    multipoint_parser_free(multipoint_answer_end(&answer));
    MUST(!multipoint_operation_find("IMultiPointSession", "Reboot") &&
         !multipoint_operation_like("IMultiPoint", "Reboot"));
    MUST(strcmp(multipoint_operation_like("IMultiPointServer", "reboot"), "Reboot") == 0);
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

    memset(&world, 0, sizeof world);
    fuzz_memory_begin(fuzz_byte(&input));
    const struct multipoint_operation *operation =
        &multipoint_operations[fuzz_byte(&input) % multipoint_operation_count];
    switch ((enum use)(fuzz_byte(&input) % USES)) {
    case ANSWER:
        try_answer(operation, &input);
        break;
    case BREAK:
        try_break(operation, &input);
        break;
    case TEXT:
        try_text((const char *) input.at, input.left);
        break;
    case HEAD:
        try_head(&input);
        break;
    case SCAN:
        try_scan(&input);
        break;
    default:
        try_arguments(operation, &input);
    }
    MUST(fuzz_memory_peak() <= BLOCKS + size * TIMES);
    fuzz_memory_end();
    return 0;
}
