/* SPDX-License-Identifier: MIT */
/* list.c - all sessions: the list, then the flags and the screen of each, and at the same time the
 * stations.
 *
 * An error of one session leaves the properties of that session unknown, and nothing else.  Only an
 * error of the connection, the credentials or our memory ends the list.
 */
#include <stdio.h>
#include <time.h>

#include "list.h"

/* [MS-RSMC] 3.7.4.7: its desktop is shown to others, who may only watch it or also control it. */
enum { PROJECTING = 1, CONTROLLED = 2 };

/* The questions about each session: in this order, each kind about all sessions. */
enum kind { FLAGS, SCREEN, ACTIVITY };
static const char *const operations[] = {
    [FLAGS] = "GetSessionFlags", [SCREEN] = "GetScreenState", [ACTIVITY] = "CurrentActivity"};

static void list_free(struct multipoint_task *task)
{
    struct multipoint_sessions *list = (struct multipoint_sessions *) task;
    const struct multipoint_memory *memory = &task->host->all->memory;

    multipoint_drop(list->first);
    multipoint_stations_drop(&list->stations);
    for (size_t i = 0; i < list->slot_count; i++) {
        multipoint_drop(list->slots[i].exchange);
    }
    multipoint_arena_free(&list->arena);
    multipoint_free(memory, list);
}

/* Once SetBlockAllMessage has, or may have, taken effect, a later error is reported as lost, not as
 * "nothing was done": users see the message already. */
void multipoint_list_end(struct multipoint_sessions *list, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = list->task.host;
    struct wms_op *op = list->op;
    struct multipoint_reply half = *reply;
    char text[3 * MULTIPOINT_SENTENCE];

    if (reply->text == list->note) { /* which is freed with the list */
        half.text = memcpy(text, list->note, sizeof list->note);
    }
    if (list->all_told && reply->code) {
        snprintf(text, sizeof text,
                 "the host %s %s its message for all, but its sessions cannot be listed%s%s",
                 list->refusal ? "may have" : "has", op->message ? "set" : "discarded",
                 reply->text ? ": " : "", reply->text ? reply->text : "");
        half.lost = true;
        half.text = text;
    }
    multipoint_task_end(&list->task);
    multipoint_reply_answer(host, op, &half);
}

static void fail_with(struct multipoint_sessions *list, int code, const char *text)
{
    multipoint_list_end(list, &(struct multipoint_reply){.code = code, .text = text});
}

static void warn(const struct multipoint_sessions *list, const char *what)
{
    const struct multipoint_host *host = list->task.host;
    char text[2 * MULTIPOINT_SENTENCE];

    snprintf(text, sizeof text, "%s: %s", host->address->text, what);
    host->all->memory.services->log(host->all->memory.engine, WMS_WARNING, text);
}

static const char no_form[] = "the host's answer has not the form that it should have";

/* Converts the reply's element; false: the list has ended with an error. */
static bool read_results(struct multipoint_sessions *list,
                         const struct multipoint_exchange *exchange,
                         const struct multipoint_reply *reply, struct multipoint_arena *arena,
                         wms_value *ret_table)
{
    int error = multipoint_results(exchange->operation, reply->body, arena, ret_table);

    if (error) {
        fail_with(list, error, error == WMS_E_PROTOCOL ? no_form : NULL);
    }
    return !error;
}

static uint64_t natural(const wms_value *table, const char *name, uint64_t otherwise)
{
    const wms_value *value = multipoint_value(table, name, WMS_NATURAL);

    return value ? value->natural : otherwise;
}

/* A copy in the list's arena; "" if the field is nil or missing; NULL: out of memory. */
static const char *keep(struct multipoint_sessions *list, const wms_value *table, const char *name)
{
    const wms_value *value = multipoint_value(table, name, WMS_STRING);
    size_t size = value ? value->size : 0;
    char *copy = multipoint_room(&list->arena, size + 1);

    return copy && size ? memcpy(copy, value->text, size) : copy;
}

static void go_on(struct multipoint_sessions *list);

/* ---- flags and screens ----------------------------------------------------------------------- */

static enum kind kind_of(const struct multipoint_exchange *exchange)
{
    const char *name = exchange->operation->name;

    return strcmp(name, operations[FLAGS]) == 0    ? FLAGS
           : strcmp(name, operations[SCREEN]) == 0 ? SCREEN
                                                   : ACTIVITY;
}

static void read_flags(struct multipoint_found *session, const wms_value *table)
{
    const wms_value *flags = multipoint_value(table, "pgrfSession", WMS_NATURAL);

    session->flags_known = flags != NULL;
    session->flags = flags ? (uint32_t) flags->natural : 0;
}

static signed char truth(const wms_value *table, const char *name)
{
    const wms_value *value = multipoint_value(table, name, WMS_BOOLEAN);

    return value ? (signed char) value->integer : -1;
}

static void read_screen(struct multipoint_found *session, const wms_value *table)
{
    const wms_value *state = multipoint_value(table, "peCurrentBroadCastState", WMS_NATURAL);

    session->locked = truth(table, "pfIsLocked");
    session->is_private = truth(table, "pfIsPrivate");
    session->is_broadcasting =
        state ? state->natural == PROJECTING || state->natural == CONTROLLED : -1;
}

/* [MS-RSMC], CurrentActivity, names no unit; ticks of Windows are milliseconds, as those of its own
 * GetLastInputInfo(), from which the host has them.  The largest number is no time. */
static void read_activity(struct multipoint_found *session, const wms_value *table)
{
    const wms_value *ticks = multipoint_value(table, "pdwInactiveTicks", WMS_NATURAL);
    struct timespec now;

    if (ticks && ticks->natural < UINT32_MAX) {
        clock_gettime(CLOCK_REALTIME, &now);
        session->idle_since =
            (double) now.tv_sec + (double) now.tv_nsec / 1e9 - (double) ticks->natural / 1e3;
    }
}

/* Takes the answer to a question about one session.  Errors: NO_MEMORY. */
static int read_answer(struct multipoint_sessions *list, const struct multipoint_exchange *exchange,
                       const struct multipoint_reply *reply, struct multipoint_found *session)
{
    static void (*const readers[])(struct multipoint_found * session, const wms_value *table) = {
        [FLAGS] = read_flags, [SCREEN] = read_screen, [ACTIVITY] = read_activity};
    enum kind kind = kind_of(exchange);
    bool flags = kind == FLAGS;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    char text[2 * MULTIPOINT_SENTENCE];
    const char *why = reply->text;
    wms_value table;
    int error = 0, unread = reply->code;

    if (!unread) {
        unread = multipoint_results(exchange->operation, reply->body, &arena, &table);
        error = unread == WMS_E_NO_MEMORY ? unread : 0;
        why = no_form;
    }
    if (!unread) {
        readers[kind](session, &table);
    } else if (flags && multipoint_reply_not_found(reply)) {
        session->gone = true; /* it may have ended meanwhile */
    } else if (flags && !error) {
        snprintf(text, sizeof text, "session %lu: its flags are not known: %s",
                 (unsigned long) session->id, why ? why : "the host does not say why");
        warn(list, text);
    }
    multipoint_arena_free(&arena);
    return error;
}

static void got_answer(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_slot *slot = exchange->data;
    struct multipoint_sessions *list = slot->list;

    slot->exchange = NULL;
    list->pending--;
    if (reply->general) {
        multipoint_list_end(list, reply);
        return;
    }
    int error = read_answer(list, exchange, reply, &list->sessions[slot->index]);
    if (error) {
        fail_with(list, error, NULL);
        return;
    }
    list->task.host->all->memory.services->alive(list->op);
    go_on(list);
}

static struct multipoint_slot *free_slot(struct multipoint_sessions *list)
{
    for (size_t i = 0; i < list->slot_count; i++) {
        if (!list->slots[i].exchange) {
            return &list->slots[i];
        }
    }
    return NULL;
}

/* The kinds that are asked, in their order; returns how many. */
static size_t kinds_of(const struct multipoint_sessions *list, enum kind kinds[3])
{
    size_t count = 0;

    kinds[count++] = FLAGS;
    if (list->op->verb == WMS_SESSIONS) { /* an action needs no screens */
        kinds[count++] = SCREEN;
    }
    if (list->op->activity) {
        kinds[count++] = ACTIVITY;
    }
    return count;
}

static size_t questions(const struct multipoint_sessions *list)
{
    enum kind kinds[3];

    return kinds_of(list, kinds) * list->count;
}

/* Asks more questions, as far as there are free slots; false: the list has ended with an error. */
static bool ask_more(struct multipoint_sessions *list)
{
    struct multipoint_slot *slot;
    enum kind kinds[3];

    kinds_of(list, kinds);
    while (list->asked < questions(list) && (slot = free_slot(list))) {
        size_t index = list->asked % list->count;
        enum kind kind = kinds[list->asked / list->count];
        const struct multipoint_found *session = &list->sessions[index];
        const wms_value id = multipoint_natural("idSession", session->id),
                        arguments = multipoint_table(&id, 1);
        const struct multipoint_question question = {
            .operation = multipoint_operation_find("IMultiPointSession", operations[kind]),
            .arguments = &arguments,
        };
        const char *text;
        list->asked++;
        if (kind == SCREEN && session->state > MULTIPOINT_SHADOW) {
            continue;
        }
        slot->list = list;
        slot->index = index;
        int error =
            multipoint_ask(list->task.host, &question, got_answer, slot, &slot->exchange, &text);
        if (error) {
            fail_with(list, error, text);
            return false;
        }
        list->pending++;
    }
    return true;
}

static void ask_first(struct multipoint_sessions *list, const struct multipoint_question *question,
                      void (*done)(struct multipoint_exchange *exchange,
                                   const struct multipoint_reply *reply));
static void got_list_again(struct multipoint_exchange *exchange,
                           const struct multipoint_reply *reply);

/* Whether the host said of some session that it does not exist: the list is asked for again then.
 */
static bool is_doubtful(const struct multipoint_sessions *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->sessions[i].gone) {
            return true;
        }
    }
    return false;
}

static struct multipoint_question question_of_list(void)
{
    return (struct multipoint_question){
        .operation = multipoint_operation_find("IMultiPointServer", "GetAllSessions")};
}

static void go_on(struct multipoint_sessions *list)
{
    bool good = list->listed && ask_more(list);

    if (!good || list->pending > 0 || list->first || list->asked < questions(list) ||
        !list->stations.ended) {
        return;
    }
    if (is_doubtful(list)) {
        const struct multipoint_question question = question_of_list();
        ask_first(list, &question, got_list_again);
    } else {
        multipoint_report(list);
    }
}

static void stations_done(void *data, const struct multipoint_reply *reply)
{
    struct multipoint_sessions *list = data;

    if (reply->code) {
        multipoint_list_end(list, reply);
    } else {
        go_on(list);
    }
}

/* ---- the list: [MS-RSMC] 3.6.4.1 ------------------------------------------------------------- */

/* Copies one session; false: the list has ended with an error. */
static bool keep_session(struct multipoint_sessions *list, const wms_value *one)
{
    const wms_value *rail = multipoint_value(one, "fIsRail", WMS_BOOLEAN);
    uint64_t id = natural(one, "id", UINT64_MAX), state = natural(one, "state", UINT32_MAX);
    char text[96];

    if (id >= UINT32_MAX) { /* 4294967295 means "no session", and requests carry 32 bits only */
        snprintf(text, sizeof text, "session %llu is left out: no session may have that id",
                 (unsigned long long) id);
        warn(list, text);
        return true;
    }
    struct multipoint_found *session = &list->sessions[list->count++];
    *session = (struct multipoint_found){
        .id = (uint32_t) id,
        .state = (unsigned) state,
        .user_name = keep(list, one, "wsUserName"),
        .domain_name = keep(list, one, "wsDomain"),
        .win_station = keep(list, one, "wsWinStation"),
        .rail = rail && rail->integer,
        .locked = -1,
        .is_private = -1,
        .is_broadcasting = -1,
        .idle_since = -1,
    };
    if (!session->user_name || !session->domain_name || !session->win_station) {
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        return false;
    }
    return true;
}

static void compare_count(const struct multipoint_sessions *list, const wms_value *table,
                          size_t count)
{
    const wms_value *natural = multipoint_value(table, "pcSessionInfo", WMS_NATURAL);
    char text[128];

    if (natural ? natural->natural != count
                : multipoint_value(table, "pcSessionInfo", WMS_INTEGER) != NULL) {
        snprintf(text, sizeof text, "the host announces %lld sessions and lists %zu",
                 natural ? (long long) natural->natural : -1LL, count);
        warn(list, text);
    }
}

static void got_list(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_sessions *list = exchange->data;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    wms_value table;

    list->first = NULL;
    if (reply->code) {
        multipoint_list_end(list, reply);
        return;
    }
    list->task.host->all->memory.services->alive(list->op);
    if (!read_results(list, exchange, reply, &arena, &table)) {
        multipoint_arena_free(&arena);
        return;
    }
    const wms_value *sessions = multipoint_value(&table, "pprgWmsSessionInfoWs", WMS_LIST);
    size_t count = sessions ? sessions->size : 0;
    bool good = true;
    compare_count(list, &table, count);
    list->sessions = multipoint_room(&list->arena, count * sizeof *list->sessions + 1);
    if (!list->sessions) {
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        good = false;
    }
    for (size_t i = 0; good && i < count; i++) {
        good = keep_session(list, &sessions->items[i]);
    }
    multipoint_arena_free(&arena);
    if (good) {
        list->listed = true;
        go_on(list);
    }
}

/* The second list: a session that has ended is not in it any more; for one that still is, only the
 * flags are unknown. */
static void got_list_again(struct multipoint_exchange *exchange,
                           const struct multipoint_reply *reply)
{
    struct multipoint_sessions *list = exchange->data;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    wms_value table;

    list->first = NULL;
    if (reply->code) {
        multipoint_list_end(list, reply);
        return;
    }
    list->task.host->all->memory.services->alive(list->op);
    if (!read_results(list, exchange, reply, &arena, &table)) {
        multipoint_arena_free(&arena);
        return;
    }
    size_t count;
    const wms_value **rows = multipoint_session_rows(&table, &arena, &count);
    if (!rows) {
        multipoint_arena_free(&arena);
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct multipoint_found *session = &list->sessions[i];
        const wms_value *row =
            session->gone ? multipoint_session_row_of(rows, count, session->id) : NULL;
        const char *identity =
            row ? multipoint_identity(&list->arena, session->domain_name, session->user_name)
                : NULL;
        session->back = identity && multipoint_is_identity(row, identity);
        if (row && !identity) {
            multipoint_arena_free(&arena);
            fail_with(list, WMS_E_NO_MEMORY, NULL);
            return;
        }
    }
    multipoint_arena_free(&arena);
    multipoint_report(list);
}

static void ask_first(struct multipoint_sessions *list, const struct multipoint_question *question,
                      void (*done)(struct multipoint_exchange *exchange,
                                   const struct multipoint_reply *reply))
{
    const char *text;
    int error = multipoint_ask(list->task.host, question, done, list, &list->first, &text);

    if (error) {
        fail_with(list, error, text);
    }
}

static void ask_list(struct multipoint_sessions *list)
{
    const struct multipoint_question question = question_of_list();
    const char *text;
    int error = 0;

    list->stations.ended = list->op->verb != WMS_SESSIONS; /* an action needs no stations */
    if (!list->stations.ended) {
        error = multipoint_stations_ask(&list->stations, &text);
    }
    if (error) {
        fail_with(list, error, text);
    } else {
        ask_first(list, &question, got_list);
    }
}

/* ---- the message for all sessions ------------------------------------------------------------ */

/* SetBlockAllMessage was refused, as by hosts that are not MultiPoint Servers.  The sessions are
 * acted on all the same, each lock with its own message; the note in the outcomes says that
 * sessions that begin later are not covered. */
static void note_refusal(struct multipoint_sessions *list, const struct multipoint_reply *reply)
{
    bool lock = list->op->message != NULL;

    list->refusal = reply->code;
    list->all_told = reply->lost;
    snprintf(list->note, sizeof list->note, "the host %s (%s): sessions %s",
             reply->lost ? lock ? "may not have set its message for all"
                                : "may not have discarded its message for all"
             : lock      ? "has refused to set its message for all"
                         : "has refused to discard its message for all",
             reply->text ? reply->text : "it does not say why",
             lock ? "that begin later are not locked by it" : "may be locked again by its manager");
    warn(list, list->note);
}

static void told_all(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct multipoint_sessions *list = exchange->data;

    list->first = NULL;
    if (reply->general) {
        multipoint_list_end(list, reply);
        return;
    }
    if (reply->code) {
        note_refusal(list, reply);
    } else {
        list->all_told = true;
    }
    list->task.host->all->memory.services->alive(list->op);
    ask_list(list);
}

/* [MS-RSMC] 3.6.4.41: sets the message that the host's manager shows on every present and future
 * session; nil discards it. */
static void set_block_all_message(struct multipoint_sessions *list)
{
    const char *message = list->op->message;
    const wms_value text = message ? multipoint_string("wsMessage", message, strlen(message))
                                   : (wms_value){.kind = WMS_NIL, .name = "wsMessage"};
    const wms_value arguments = multipoint_table(&text, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointServer", "SetBlockAllMessage"),
        .arguments = &arguments,
        .op = list->op,
    };

    ask_first(list, &question, told_all);
}

/* ---- for the engine -------------------------------------------------------------------------- */

void multipoint_list(struct multipoint_host *host, struct wms_op *op)
{
    const struct multipoint_memory *memory = &host->all->memory;
    size_t slot_count = 2 * (size_t) host->connections;
    const char *text = NULL;
    int error = multipoint_host_bound(host, &text);
    struct multipoint_sessions *list =
        error ? NULL : multipoint_task_new(host, sizeof *list, &op->data, list_free);

    if (!list) {
        memory->services->answer(op, error ? error : WMS_E_NO_MEMORY, text);
        return;
    }
    list->op = op;
    list->arena.memory = memory;
    list->slots = multipoint_room(&list->arena, slot_count * sizeof *list->slots);
    if (!list->slots) {
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        return;
    }
    list->slot_count = slot_count;
    list->stations = (struct multipoint_stations){
        .host = host, .arena = &list->arena, .op = op, .done = stations_done, .data = list};
    if (op->all && (op->verb == WMS_UNLOCK || op->verb == WMS_LOCK)) {
        set_block_all_message(list);
    } else {
        ask_list(list);
    }
}
