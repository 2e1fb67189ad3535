/* SPDX-License-Identifier: MIT */
/* calls.c - what Lua does not reach of the interface for calls and bindings, and texts of bindings
 * that nobody has written.
 *
 *     calls MODULE     MODULE is the provider caller.so
 */
#include "core/parts.h"
#include "core/record.h"
#include "support.h"

static struct heap heap;
static const struct wms_alloc alloc = {heap_resize, &heap};

/* ---- commands that are refused --------------------------------------------------------------- */

static const char *const servers[] = {"caller://host", "caller://other"};

static wms_command good(enum wms_verb verb)
{
    wms_command command;

    wms_command_init(&command, verb);
    command.servers = servers;
    command.server_count = 1;
    if (verb == WMS_CALL) {
        command.interface_name = "IThing";
        command.operation = "echo";
    } else if (verb == WMS_BIND) {
        command.user_name = "admin";
    } else {
        command.all = true;
        command.message = verb == WMS_MESSAGE ? "m" : NULL;
    }
    return command;
}

static void refused(wms_engine *engine, const wms_command *command, const char *words)
{
    wms_request *request = NULL;

    snprintf(where, sizeof where, "a command that is refused: %s", words);
    CHECK(wms_start(engine, command, &request) == WMS_E_INVALID);
    if (!strstr(wms_engine_complaint(engine), words)) {
        fail("complaint: %s", wms_engine_complaint(engine));
    }
}

static int forbid(void *data, const wms_action *action)
{
    (void) data;
    (void) action;
    return 1;
}

#define REFUSED(verb, field, value, words) \
    do { \
        wms_command command = good(verb); \
        command.field = (value); \
        refused(engine, &command, words); \
    } while (0)

static void refuse_commands(wms_engine *engine)
{
    static const wms_id id = {.number = 1};
    static const wms_target target = {.server = "caller://host", .id = {.number = 1}};
    static const wms_value text = {.kind = WMS_STRING, .text = "x", .size = 1},
                           odd = {.kind = 7, .name = "odd"}, nameless = {.kind = WMS_NIL},
                           textless = {.kind = WMS_STRING, .name = "s"};
    const wms_value *const items[] = {&odd, &nameless, &textless};
    wms_value deep[40] = {{.kind = WMS_NIL}};

    for (enum wms_verb verb = WMS_CALL; verb <= WMS_BIND; verb++) {
        REFUSED(verb, server_count, 0, "server: missing; give");
        REFUSED(verb, all, true, "session_ids: ");
        REFUSED(verb, what_if, true, "what_if: ");
        REFUSED(verb, verify, 3, "verify: ");
        REFUSED(verb, stable, 3, "stable: ");
        REFUSED(verb, timeout, 0, "timeout: ");
        wms_command command = good(verb);
        command.ids = &id;
        command.id_count = 1;
        refused(engine, &command, "session_ids: ");
        command = good(verb);
        command.server_count = 0;
        command.targets = &target;
        command.target_count = 1;
        refused(engine, &command, "session_ids: ");
    }
    for (enum wms_verb verb = WMS_SESSIONS; verb <= WMS_MESSAGE; verb++) {
        if (verb != WMS_MESSAGE) {
            REFUSED(verb, title, "t", "title: only message has one");
        }
        if (verb != WMS_LOCK && verb != WMS_MESSAGE) {
            REFUSED(verb, message, "m", "message: only lock and message have one");
        }
        if (verb != WMS_CLOSE) {
            REFUSED(verb, warn_message, "m", "warn_message: only close has one");
            REFUSED(verb, warn_seconds, 1, "warn_seconds: only close has one");
        }
        if (verb != WMS_CALL) {
            REFUSED(verb, interface_name, "i", "interface: only call has one");
            REFUSED(verb, operation, "o", "operation: only call has one");
            REFUSED(verb, arguments, &text, "arguments: only call has one");
        }
        if (verb != WMS_BIND && verb != WMS_CALL) {
            REFUSED(verb, management, true, "management: only bind and call have one");
        }
        if (verb != WMS_BIND) {
            REFUSED(verb, user_name, "u", "user_name: only bind has one");
            REFUSED(verb, password, "p", "password: only bind has one");
            REFUSED(verb, fingerprint, "f", "fingerprint: only bind has one");
            REFUSED(verb, pin_count, 1, "fingerprints: only bind has one");
        }
    }
    const wms_pin pins[] = {{.server = "caller://other:0", .fingerprint = "AB"}};
    const struct {
        const char *fingerprint, *certificate_name, *thumbprint, *words;
        size_t pin_count;
    } of_one[] = {
        {"AB", NULL, NULL, "fingerprint: of one host, but there are several; give `fingerprints`",
         0},
        {NULL, "host", NULL, "certificate_name: of one host, but there are several", 0},
        {NULL, NULL, "CD", "thumbprint: of one host, but there are several", 0},
        {NULL, NULL, NULL, "fingerprints: caller://other:0: no port after", 1},
    };
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++) {
        wms_command command = good(WMS_BIND);
        command.server_count = 2;
        command.fingerprint = of_one[i].fingerprint;
        command.certificate_name = of_one[i].certificate_name;
        command.thumbprint = of_one[i].thumbprint;
        command.pins = pins;
        command.pin_count = of_one[i].pin_count;
        refused(engine, &command, of_one[i].words);
    }
    REFUSED(WMS_CALL, arguments, &text, "arguments: no table; give");
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const wms_value table = {.kind = WMS_TABLE, .items = items[i], .size = 1};
        REFUSED(WMS_CALL, arguments, &table, "arguments: a value of no kind");
    }
    for (size_t i = 1; i < sizeof deep / sizeof *deep; i++) {
        deep[i] =
            (wms_value){.kind = i == 39 ? WMS_TABLE : WMS_LIST, .items = &deep[i - 1], .size = 1};
    }
    deep[38].name = "deep";
    REFUSED(WMS_CALL, arguments, &deep[39], "more than 32 deep");
    REFUSED(WMS_MESSAGE, message, NULL, "message: missing; give");
    REFUSED(WMS_MESSAGE, message, "", "message: empty; give");
    REFUSED(WMS_MESSAGE, title, "caf\351", "title: not UTF-8; give");
    REFUSED(WMS_MESSAGE, verify, 0, "verify: no host tells");
    REFUSED(WMS_MESSAGE, stable, 0, "stable: no host tells");
    REFUSED(WMS_MESSAGE, all, false, "session_ids: missing; give");
    REFUSED(WMS_THUMBNAIL, all, false, "session_ids: missing; give");
    REFUSED(WMS_THUMBNAIL, verify, 0, "verify: nothing is changed");
    REFUSED(WMS_THUMBNAIL, stable, 0, "stable: nothing is changed");
    REFUSED(WMS_THUMBNAIL, message, "m", "message: only lock and message");
    REFUSED(WMS_THUMBNAIL, thumbnail_size, (enum wms_thumbnail_size) 4, "size: no such one; give");
    REFUSED(WMS_LOCK, thumbnail_size, WMS_THUMBNAIL_FULL, "size: only thumbnail has one");
    wms_engine_guard(engine, forbid, NULL); /* should one get through, this machine is not ended */
    REFUSED(31, all, false, "command: ");   /* the highest that a provider's `can` has a bit for */
    for (enum wms_verb verb = WMS_REBOOT; verb <= WMS_WAKE; verb++) {
        if (!(wms_verb_traits(verb) & WMS_ON_SERVER)) {
            continue;
        }
        REFUSED(verb, server_count, 0, "session_ids: "); /* with `all`, of good() */
        wms_command command = good(verb);
        command.all = false;
        command.server_count = 0;
        refused(engine, &command, "server: missing; ");
        command.server_count = 2;
        command.stable = 0;
        refused(engine, &command, "stable: ");
        command.stable = -1;
        command.verify = 0;
        if (verb != WMS_WAKE) {
            refused(engine, &command, "verify: ");
        }
    }
    wms_engine_guard(engine, NULL, NULL);
    REFUSED(WMS_CLOSE, warn_message, "m", "warn_seconds: 0; give");
    REFUSED(WMS_CLOSE, warn_seconds, 1, "warn_message: missing; give");
    REFUSED(WMS_CLOSE, warn_title, "t", "warn_message: missing; give");
}

/* ---- the guard ------------------------------------------------------------------------------- */

static int guard(void *data, const wms_action *action)
{
    unsigned *asked = data;

    ++*asked;
    if (action->verb == WMS_CALL) {
        CHECK(!action->id && strcmp(action->interface_name, "IThing") == 0 &&
              strcmp(action->operation, "echo") == 0);
        return 1;
    }
    CHECK(!action->interface_name && !action->operation);
    return action->verb == WMS_BIND;
}

static void ask_guard(wms_engine *engine)
{
    unsigned asked = 0;

    snprintf(where, sizeof where, "a guard");
    wms_engine_guard(engine, guard, &asked);
    for (enum wms_verb verb = WMS_CALL; verb <= WMS_BIND; verb++) {
        const wms_command command = good(verb);
        wms_request *request;
        wms_outcome outcome;
        CHECK(wms_start(engine, &command, &request) == 0);
        CHECK(wms_request_wait(request, 5) == 1);
        CHECK(wms_request_outcome_count(request) == 1 &&
              wms_request_outcome(request, 0, &outcome) == 0);
        CHECK(outcome.state == WMS_FAILED && outcome.code == WMS_E_ACCESS_DENIED && !outcome.id);
        CHECK(!wms_request_value(request) && !wms_request_wants_password(request));
        wms_request_password(request, "nobody asked", NULL);
        wms_request_unref(request);
    }
    CHECK(asked == 2);
    wms_engine_guard(engine, NULL, NULL);
}

/* ---- a password, by a program's own loop ----------------------------------------------------- */

static void give_password(wms_engine *engine)
{
    wms_command command = good(WMS_BIND);
    wms_request *request;
    wms_outcome outcome;

    snprintf(where, sizeof where, "a password");
    command.fingerprint = "AB";
    CHECK(wms_start(engine, &command, &request) == 0);
    CHECK(wms_request_fd(request) >= 0);
    CHECK(wms_request_wants_password(request) == 1 && wms_request_value(request) == NULL);
    CHECK(wms_request_wait(request, -1) == 0);
    CHECK(wms_request_wait(request, 0.01) == 0);
    wms_request_password(request, "right", NULL);
    CHECK(wms_request_wants_password(request) == 0);
    CHECK(wms_request_wait(request, 5) == 1);
    CHECK(wms_request_outcome(request, 0, &outcome) == 0 && outcome.state == WMS_VERIFIED &&
          outcome.changed == -1);
    CHECK(wms_value_field(wms_request_value(request), "port")->natural == 8080);
    CHECK(!wms_value_field(wms_request_value(request), "nothing") &&
          !wms_value_field(NULL, "port"));
    CHECK(!wms_value_field(wms_value_field(wms_request_value(request), "port"), "port"));
    wms_request_unref(request);

    CHECK(wms_start(engine, &command, &request) == 0);
    wms_request_password(request, NULL, NULL);
    CHECK(wms_request_done(request) == 1 && wms_request_outcome(request, 0, &outcome) == 0);
    CHECK(outcome.state == WMS_SKIPPED &&
          strcmp(outcome.text, wms_error_text(WMS_E_CANCELLED)) == 0);
    wms_request_unref(request);
}

/* ---- bindings in memory ---------------------------------------------------------------------- */

static void name(wms_engine *engine, const char *server, const char *wanted)
{
    char name[300];

    snprintf(where, sizeof where, "the name of %s", server);
    CHECK(wms_engine_binding_name(engine, server, name, sizeof name) == 0);
    if (strcmp(name, wanted) != 0) {
        fail("%s", name);
    }
}

static void keep_in_memory(wms_engine *engine)
{
    static const char text[] = "wms binding 1\nport natural 80\nend\n",
                      other[] = "wms binding 1\nport natural 81\nend\n";
    const char *server, *kept;
    wms_value *list;
    size_t size;

    name(engine, "Lab01.School.Example", "lab01.school.example");
    name(engine, "lab01:8080", "lab01:8080");
    name(engine, "multipoint://[FE80::1%eth0]:8080", "[fe80::1%eth0]:8080");
    name(engine, "caller://host:80", "caller://host");
    name(engine, "localhost", "logind://");
    CHECK(wms_engine_binding_name(engine, "-x", where, sizeof where) == WMS_E_INVALID);

    snprintf(where, sizeof where, "bindings in memory");
    CHECK(wms_engine_binding_next(engine, &server, &kept, &size) == 1 &&
          strcmp(server, "caller://host") == 0);
    CHECK(strlen(kept) == size && strstr(kept, "secret.machine string \"TOP-SECRET\"\n"));
    CHECK(wms_engine_binding_next(engine, &server, &kept, &size) == 0);
    CHECK(wms_engine_binding_put(engine, "-x", text, sizeof text - 1) == WMS_E_INVALID);
    CHECK(wms_engine_binding_put(engine, "caller://a", text, sizeof text) == WMS_E_INVALID);
    CHECK(strstr(wms_engine_complaint(engine), "behind its end"));
    CHECK(wms_engine_binding_put(engine, "caller://b", text, sizeof text - 1) == 0);
    CHECK(wms_engine_binding_put(engine, "caller://a", text, sizeof text - 1) == 0);
    CHECK(wms_engine_binding_put(engine, "caller://A:80", other, sizeof other - 1) == 0);
    CHECK(wms_engine_binding_put(engine, "caller://c", NULL, 0) == 0);
    CHECK(wms_engine_binding_next(engine, &server, &kept, &size) == 0); /* the program knows them */
    CHECK(wms_unbind(engine, "caller://host") == 0 &&
          wms_unbind(engine, "caller://host") == WMS_E_NOT_BOUND);
    CHECK(wms_bindings(engine, &list) == 0 && list->kind == WMS_LIST && list->size == 2);
    CHECK(strcmp(wms_value_field(&list->items[0], "server")->text, "caller://a") == 0);
    CHECK(wms_value_field(&list->items[0], "port")->natural == 81);
    CHECK(wms_value_field(&list->items[1], "management")->integer == 0);
    wms_value_free(engine, list);
    wms_value_free(engine, NULL);
    CHECK(wms_engine_binding_folder(engine, "/proc/nowhere/at/all") == 0);
    CHECK(wms_engine_binding_put(engine, "caller://a", text, sizeof text - 1) == WMS_E_INVALID);
    CHECK(wms_bindings(engine, &list) == 0 && list->size == 0);
    wms_value_free(engine, list);
}

/* ---- texts that nobody has written ----------------------------------------------------------- */

static uint32_t seed = 1;

static size_t chance(size_t count)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % count;
}

/* What is taken is printed as it was. */
static bool try(wms_engine *engine, const char *text, size_t size)
{
    char why[128], *again, *copy = malloc(size + 1); /* of just that size, for who watches */
    wms_value *value;
    size_t length;

    CHECK(copy);
    memcpy(copy, text, size);
    copy = realloc(copy, size ? size : 1);
    int error = wms_record_parse(engine, copy, size, &value, why, sizeof why);
    CHECK(error == 0 || (error == WMS_E_INVALID && *why));
    if (!error) {
        CHECK(wms_record_print(engine, value, &again, &length, why, sizeof why) == 0);
        CHECK(length == size && memcmp(again, text, size) == 0);
        wms_free_wiped(engine, again, length + 1);
        wms_value_free(engine, value);
    }
    free(copy);
    return !error;
}

static void spoil(char *text, size_t *size, size_t room)
{
    static const char parts[] = "\n \"%09AFaz_.\0\377-+e";
    size_t at = chance(*size + 1), length = chance(8);

    switch (chance(4)) {
    case 0: /* another character */
        if (at < *size) {
            text[at] = parts[chance(sizeof parts - 1)];
        }
        break;
    case 1: /* something goes */
        length = length > *size - at ? *size - at : length;
        memmove(text + at, text + at + length, *size - at - length);
        *size -= length;
        break;
    case 2: /* something stands there twice */
        length = length > *size - at ? *size - at : length;
        if (*size + length <= room) {
            memmove(text + at + length, text + at, *size - at);
            *size += length;
        }
        break;
    default: /* it is cut off */
        *size = chance(8) ? *size : at;
        break;
    }
}

static void spoil_texts(wms_engine *engine)
{
    static const char good[] =
        "wms binding 1\nempty string \"\"\nport natural 18446744073709551615\nbelow integer -9\n"
        "text string \" a%00%22%25%FF b \"\nyes boolean true\nsecret.a string \"x\"\n"
        "secret.b boolean false\nend\n";
    unsigned taken = 0;
    char text[1024];

    CHECK(try(engine, good, sizeof good - 1));
    for (unsigned i = 0; i < 200000; i++) {
        size_t size = sizeof good - 1, times = 1 + chance(4);
        snprintf(where, sizeof where, "spoilt text %u", i);
        memcpy(text, good, size);
        for (size_t k = 0; k < times; k++) {
            spoil(text, &size, sizeof text);
        }
        taken += try(engine, text, size);
    }
    snprintf(where, sizeof where, "spoilt texts");
    CHECK(taken > 1000 && taken < 190000);
}

int main(int argc, char **argv)
{
    wms_engine *engine;

    CHECK(argc == 2);
    CHECK(wms_engine_new(&alloc, &engine) == 0);
    CHECK(wms_engine_load(engine, "caller", argv[1]) == 0);
    CHECK(wms_engine_binding_folder(engine, NULL) == 0 &&
          wms_engine_binding_folder(engine, NULL) == 0);
    refuse_commands(engine);
    ask_guard(engine);
    give_password(engine);
    keep_in_memory(engine);
    spoil_texts(engine);
    wms_engine_unref(engine);
    CHECK(heap.blocks == 0);
    return 0;
}
