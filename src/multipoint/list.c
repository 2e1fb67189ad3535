/* list.c - all sessions: the list, then each one's flags, and meanwhile the stations. */
#include <stdio.h>

#include "multipoint.h"

/* [MS-RSMC] 3.7.4.14 */
enum { ADMIN = 1, OPERATOR = 2, LOCKED = 8, ORCHESTRATABLE = 32 };
enum { STATIONS_MAX = 4096 };

/* One session, as far as it is known. */
struct found {
    uint32_t id, flags;
    unsigned state;
    const char *user_name, *domain_name, *win_station, *computer_name;
    int64_t station; /* -1: at none */
    bool rail, gone;
};

/* Who sits at a station: the sessions may not be known yet. */
struct seat {
    struct seat *next;
    uint32_t session, station;
    const char *computer_name;
};

struct list;

/* One question after a session's flags. */
struct slot {
    struct list *list;
    struct multipoint_exchange *exchange; /* NULL: free */
    size_t index;
};

struct list {
    struct multipoint_task task;
    struct wms_op *op;
    struct multipoint_exchange *first;   /* what holds for all, or the list */
    struct multipoint_exchange *station; /* the next one's */
    struct multipoint_arena arena;
    struct slot *slots; /* as many questions as can be under way, and as many more that wait */
    size_t slot_count;
    struct seat *seats;
    struct found *sessions;
    size_t count, asked, pending;
    uint32_t station_number; /* the last that was asked for */
    bool listed, stations_known;
    bool all_told; /* the host has taken what holds for all */
};

static void list_free(struct multipoint_task *task)
{
    struct list *list = (struct list *) task;
    const struct multipoint_memory *memory = &task->host->all->memory;

    multipoint_drop(list->first);
    multipoint_drop(list->station);
    for (size_t i = 0; i < list->slot_count; i++) {
        multipoint_drop(list->slots[i].exchange);
    }
    multipoint_arena_free(&list->arena);
    multipoint_free(memory, list);
}

/* When the host has taken what holds for all, the rest may fail, but not the whole: users see it already. */
static void fail(struct list *list, const struct multipoint_reply *reply)
{
    struct multipoint_host *host = list->task.host;
    struct wms_op *op = list->op;
    struct multipoint_reply half = *reply;
    char text[2 * MULTIPOINT_SENTENCE];

    if (list->all_told && reply->code) {
        snprintf(text, sizeof text, "the host has %s its message for all, but its sessions cannot be listed%s%s",
                 op->message ? "set" : "discarded", reply->text ? ": " : "", reply->text ? reply->text : "");
        half.lost = true;
        half.text = text;
    }
    multipoint_task_end(&list->task);
    multipoint_reply_answer(host, op, &half);
}

static void fail_with(struct list *list, int code, const char *text)
{
    fail(list, &(struct multipoint_reply){.code = code, .text = text});
}

static const char no_form[] = "the host's answer has not the form that it should have";

/* Reads the reply's element; false: the list has failed. */
static bool read_results(struct list *list, const struct multipoint_exchange *exchange,
                         const struct multipoint_reply *reply, struct multipoint_arena *arena, wms_value *ret_table)
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

/* A copy; "" for NULL and where there is none, NULL: out of memory. */
static const char *keep(struct list *list, const wms_value *table, const char *name)
{
    const wms_value *value = multipoint_value(table, name, WMS_STRING);
    size_t size = value ? value->size : 0;
    char *copy = multipoint_room(&list->arena, size + 1);

    return copy && size ? memcpy(copy, value->text, size) : copy;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* As the cmdlets call it, where they have a word; otherwise as the Windows session API does: [MS-RSMC] 2.2.4.1. */
static const char *state_of(const struct list *list, const struct found *session)
{
    static const char *const names[] = {"Active", "Connected", "ConnectQuery", "Shadow", "Disconnected",
                                        "Idle",   "Listen",    "Reset",        "Down",   "Init"};

    if (session->state == 0 && list->station_number > 1) {
        return session->station >= 0 ? "ConnectedToStation" : "RemoteConnection";
    }
    return session->state < sizeof names / sizeof *names ? names[session->state] : "Unknown";
}

static const char *unless_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static void report(struct list *list)
{
    const struct wms_services *services = list->task.host->all->memory.services;
    int error = 0;

    for (size_t i = 0; !error && i < list->count; i++) {
        const struct found *session = &list->sessions[i];
        wms_session whole;
        wms_session_init(&whole);
        whole.id.number = session->id;
        whole.state = state_of(list, session);
        whole.user_name = unless_empty(session->user_name);
        whole.domain_name = unless_empty(session->domain_name);
        whole.win_station = unless_empty(session->win_station);
        whole.computer_name = unless_empty(session->computer_name);
        whole.station_id = session->station;
        whole.is_rail = session->rail;
        whole.is_admin = (session->flags & ADMIN) != 0;
        whole.is_mog_user = (session->flags & OPERATOR) != 0;
        whole.is_orchestratable = (session->flags & ORCHESTRATABLE) != 0;
        whole.locked = (session->flags & LOCKED) != 0;
        error = session->gone ? 0 : services->session(list->op, &whole);
    }
    fail_with(list, error, NULL); /* with 0, that is the end of a good one */
}

static void go_on(struct list *list);

/* ---- flags ------------------------------------------------------------------------------------------------------- */

static void got_flags(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct slot *slot = exchange->data;
    struct list *list = slot->list;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    wms_value table;

    slot->exchange = NULL;
    list->pending--;
    if (multipoint_reply_not_found(reply)) {
        list->sessions[slot->index].gone = true; /* it ended meanwhile */
    } else if (reply->code) {
        fail(list, reply);
        return;
    } else {
        if (!read_results(list, exchange, reply, &arena, &table)) {
            multipoint_arena_free(&arena);
            return;
        }
        list->sessions[slot->index].flags = (uint32_t) natural(&table, "pgrfSession", 0);
        multipoint_arena_free(&arena);
    }
    list->task.host->all->memory.services->alive(list->op);
    go_on(list);
}

static struct slot *free_slot(struct list *list)
{
    for (size_t i = 0; i < list->slot_count; i++) {
        if (!list->slots[i].exchange) {
            return &list->slots[i];
        }
    }
    return NULL;
}

/* Asks for more; false: the list has failed. */
static bool ask_flags(struct list *list)
{
    struct slot *slot;

    while (list->asked < list->count && (slot = free_slot(list))) {
        const wms_value id = multipoint_natural("idSession", list->sessions[list->asked].id),
                        arguments = multipoint_table(&id, 1);
        const struct multipoint_question question = {
            .operation = multipoint_operation_find("IMultiPointSession", "GetSessionFlags"),
            .arguments = &arguments,
        };
        const char *text;
        slot->list = list;
        slot->index = list->asked;
        int error = multipoint_ask(list->task.host, &question, got_flags, slot, &slot->exchange, &text);
        if (error) {
            fail_with(list, error, text);
            return false;
        }
        list->asked++;
        list->pending++;
    }
    return true;
}

/* ---- stations: [MS-RSMC] 3.6.4 ----------------------------------------------------------------------------------- */

static bool ask_station(struct list *list);

static void got_station(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct list *list = exchange->data;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    wms_value table;

    list->station = NULL;
    if (reply->lost || reply->code == WMS_E_NO_MEMORY) {
        fail(list, reply);
        return;
    }
    list->task.host->all->memory.services->alive(list->op);
    if (reply->code || list->station_number == STATIONS_MAX) { /* there are no more */
        list->stations_known = true;
        go_on(list);
        return;
    }
    if (!read_results(list, exchange, reply, &arena, &table)) {
        multipoint_arena_free(&arena);
        return;
    }
    struct seat *seat = multipoint_room(&list->arena, sizeof *seat);
    if (seat) {
        seat->session = (uint32_t) natural(&table, "pidSession", UINT32_MAX);
        seat->station = list->station_number;
        seat->computer_name = keep(list, &table, "pwsSessionHost");
    }
    multipoint_arena_free(&arena);
    if (!seat || !seat->computer_name) {
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        return;
    }
    seat->next = list->seats;
    list->seats = seat;
    if (ask_station(list)) {
        go_on(list);
    }
}

static bool ask_station(struct list *list)
{
    const wms_value id = multipoint_natural("idStation", ++list->station_number), arguments = multipoint_table(&id, 1);
    const struct multipoint_question question = {
        .operation = multipoint_operation_find("IMultiPointStation", "GetStationInformation"),
        .arguments = &arguments,
    };
    const char *text;
    int error = multipoint_ask(list->task.host, &question, got_station, list, &list->station, &text);

    if (error) {
        fail_with(list, error, text);
    }
    return !error;
}

static void seat_sessions(struct list *list)
{
    for (const struct seat *seat = list->seats; seat; seat = seat->next) {
        for (size_t i = 0; seat->session != UINT32_MAX && i < list->count; i++) {
            if (list->sessions[i].id == seat->session) {
                list->sessions[i].station = seat->station;
                list->sessions[i].computer_name = seat->computer_name;
            }
        }
    }
}

static void go_on(struct list *list)
{
    if (list->listed && ask_flags(list) && list->pending == 0 && list->asked == list->count && list->stations_known) {
        seat_sessions(list);
        report(list);
    }
}

/* ---- the list: [MS-RSMC] 3.4.4 ----------------------------------------------------------------------------------- */

/* Copies one session; false: the list has failed. */
static bool keep_session(struct list *list, const wms_value *one)
{
    const wms_value *rail = multipoint_value(one, "fIsRail", WMS_BOOLEAN);
    uint64_t id = natural(one, "id", UINT64_MAX), state = natural(one, "state", UINT32_MAX);
    struct found *session = &list->sessions[list->count++];

    if (id >= UINT32_MAX) { /* 4294967295 is none */
        fail_with(list, WMS_E_PROTOCOL, "a session with an id that no host may have");
        return false;
    }
    *session = (struct found){
        .id = (uint32_t) id,
        .state = (unsigned) state,
        .user_name = keep(list, one, "wsUserName"),
        .domain_name = keep(list, one, "wsDomain"),
        .win_station = keep(list, one, "wsWinStation"),
        .station = -1,
        .rail = rail && rail->integer,
    };
    if (!session->user_name || !session->domain_name || !session->win_station) {
        fail_with(list, WMS_E_NO_MEMORY, NULL);
        return false;
    }
    return true;
}

static void got_list(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct list *list = exchange->data;
    struct multipoint_arena arena = {.memory = list->arena.memory};
    wms_value table;

    list->first = NULL;
    if (reply->code) {
        fail(list, reply);
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

static void ask_first(struct list *list, const struct multipoint_question *question,
                      void (*done)(struct multipoint_exchange *exchange, const struct multipoint_reply *reply))
{
    const char *text;
    int error = multipoint_ask(list->task.host, question, done, list, &list->first, &text);

    if (error) {
        fail_with(list, error, text);
    }
}

static void ask_list(struct list *list)
{
    const struct multipoint_question question = {.operation =
                                                     multipoint_operation_find("IMultiPointServer", "GetAllSessions")};

    list->stations_known = list->op->verb != WMS_SESSIONS; /* an action needs none of them */
    if (list->stations_known || ask_station(list)) {
        ask_first(list, &question, got_list);
    }
}

/* ---- what holds for all ------------------------------------------------------------------------------------------ */

static void told_all(struct multipoint_exchange *exchange, const struct multipoint_reply *reply)
{
    struct list *list = exchange->data;

    list->first = NULL;
    if (reply->code) {
        fail(list, reply);
    } else {
        list->all_told = true;
        list->task.host->all->memory.services->alive(list->op);
        ask_list(list);
    }
}

/* [MS-RSMC] 3.4.4: the message that the host's manager shows on every session of now and later; nil discards it. */
static void set_block_all_message(struct list *list)
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

/* ---- for the engine ---------------------------------------------------------------------------------------------- */

void multipoint_list(struct multipoint_host *host, struct wms_op *op)
{
    const struct multipoint_memory *memory = &host->all->memory;
    size_t slot_count = 2 * (size_t) host->connections;
    const char *text = NULL;
    int error = multipoint_host_bound(host, &text);
    struct list *list = error ? NULL : multipoint_task_new(host, sizeof *list, &op->data, list_free);

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
    if (op->all && (op->verb == WMS_UNLOCK || op->verb == WMS_LOCK)) {
        set_block_all_message(list);
    } else {
        ask_list(list);
    }
}
