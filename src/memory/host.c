/* host.c - the embedded host: its sessions, its manager, and what it was asked. */
#include "memory/host.h"

#include <string.h>

#include "core/pack.h"
#include "core/target.h"

enum { NAME_MAX_LENGTH = 200 };

static void *allocate(const wms_memory *host, void *block, size_t size)
{
    return host->services->resize(host->engine, block, size);
}

static char *copy(const wms_memory *host, const char *text)
{
    size_t size = strlen(text) + 1;
    char *block = allocate(host, NULL, size);

    return block ? memcpy(block, text, size) : NULL;
}

/* ---- sessions by id --------------------------------------------------------------------------------------------- */

static bool same_id(const wms_id *a, const wms_id *b)
{
    if (!a->text || !b->text) {
        return !a->text && !b->text && a->number == b->number;
    }
    return strcmp(a->text, b->text) == 0;
}

static size_t hash(const wms_id *id)
{
    size_t value = 5381;

    if (!id->text) {
        return id->number; /* one after the other, mostly: so they are found side by side */
    }
    for (const char *p = id->text; *p; p++) {
        value = value * 33 ^ (unsigned char) *p;
    }
    return value;
}

struct wms_memory_record *wms_memory_find(const wms_memory *host, const wms_id *id)
{
    struct wms_memory_record *record = host->table_size ? host->table[hash(id) & (host->table_size - 1)] : NULL;

    while (record && !same_id(&record->facts.id, id)) {
        record = record->chain;
    }
    return record;
}

static int grow_table(wms_memory *host)
{
    size_t size = host->table_size ? host->table_size * 2 : 16;
    struct wms_memory_record **table = allocate(host, NULL, size * sizeof *table);

    if (!table) {
        return WMS_E_NO_MEMORY;
    }
    memset(table, 0, size * sizeof *table);
    for (struct wms_memory_record *record = host->first; record; record = record->next) {
        struct wms_memory_record **slot = &table[hash(&record->facts.id) & (size - 1)];
        record->chain = *slot;
        *slot = record;
    }
    allocate(host, host->table, 0);
    host->table = table;
    host->table_size = size;
    return 0;
}

/* ---- the life of a session -------------------------------------------------------------------------------------- */

struct wms_sight wms_memory_look(const struct wms_memory_record *record)
{
    if (!record) {
        return (struct wms_sight){.present = false};
    }
    return (struct wms_sight){
        .present = true,
        .disconnected = record->facts.state && strcmp(record->facts.state, "disconnected") == 0,
        .locked = record->facts.locked,
    };
}

static void tell_watches(const struct wms_memory_record *record)
{
    struct wms_sight sight = wms_memory_look(record);

    for (struct wms_memory_watch *watch = record->watches, *next; watch; watch = next) {
        next = watch->next;
        if (!watch->first) {
            record->host->services->seen(watch->observer, &sight);
        }
    }
}

static void record_free(struct wms_memory_record *record)
{
    wms_memory *host = record->host;

    for (struct wms_memory_watch *watch = record->watches, *next; watch; watch = next) {
        struct wms_sight gone = wms_memory_look(NULL);
        next = watch->next;
        watch->record = NULL;
        watch->prev = watch->next = NULL;
        if (!watch->first) {
            host->services->seen(watch->observer, &gone);
        }
    }
    host->services->timer_free(record->relock);
    allocate(host, record->message, 0);
    allocate(host, record, 0);
}

static void drop(struct wms_memory_record *record)
{
    wms_memory *host = record->host;
    struct wms_memory_record **slot = &host->table[hash(&record->facts.id) & (host->table_size - 1)];

    while (*slot != record) {
        slot = &(*slot)->chain;
    }
    *slot = record->chain;
    if (record->prev) {
        record->prev->next = record->next;
    } else {
        host->first = record->next;
    }
    if (record->next) {
        record->next->prev = record->prev;
    } else {
        host->last = record->prev;
    }
    host->count--;
    record_free(record);
}

static int lock(struct wms_memory_record *record, const char *message)
{
    wms_memory *host = record->host;
    char *text = message ? copy(host, message) : NULL;

    if (message && !text) {
        return WMS_E_NO_MEMORY;
    }
    allocate(host, record->message, 0);
    record->message = text;
    if (record->relock) {
        host->services->timer_set(record->relock, -1);
    }
    if (record->facts.locked != 1) {
        record->facts.locked = 1;
        tell_watches(record);
    }
    return 0;
}

static void unlock(struct wms_memory_record *record)
{
    allocate(record->host, record->message, 0);
    record->message = NULL;
    if (record->facts.locked != 0) {
        record->facts.locked = 0;
        tell_watches(record);
    }
}

static void relock_due(void *data)
{
    struct wms_memory_record *record = data;

    if (record->facts.locked != 1) {
        record->facts.locked = 1;
        tell_watches(record);
    }
}

/* A manager in Block All does not leave an unlocked session alone. */
static int arm_relock(struct wms_memory_record *record)
{
    const wms_memory *host = record->host;

    if (!record->relock) {
        record->relock = host->services->timer_new(host->engine, relock_due, record);
        if (!record->relock) {
            return WMS_E_NO_MEMORY;
        }
    }
    host->services->timer_set(record->relock, record->relock_after);
    return 0;
}

static void disconnect(struct wms_memory_record *record)
{
    record->facts.state = "disconnected";
    tell_watches(record);
}

/* ---- what the host is asked ------------------------------------------------------------------------------------- */

static int carry_out(wms_memory *host, const struct wms_memory_entry *action, const char **ret_text)
{
    struct wms_memory_record *record = wms_memory_find(host, &action->id);
    enum wms_verb verb = action->verb;
    bool is_own = record && record->facts.is_own == 1;
    int error = 0;

    if (host->failures[verb] && host->failures[verb] != WMS_E_UNREACHABLE) {
        return host->failures[verb];
    }
    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    if (!record->facts.is_orchestratable) {
        *ret_text = "the session is exempt";
        return WMS_E_ACCESS_DENIED;
    }
    if (is_own && (verb == WMS_CLOSE || verb == WMS_DISCONNECT)) {
        *ret_text = "it is the caller's own session";
        return WMS_E_ACCESS_DENIED;
    }
    switch (verb) {
    case WMS_LOCK:
        error = lock(record, action->message);
        break;
    case WMS_UNLOCK:
        if (record->relock_after > 0) {
            error = arm_relock(record);
        }
        if (!error && record->relock_after != 0) { /* 0: the manager is faster than anybody can see */
            unlock(record);
        }
        break;
    case WMS_DISCONNECT:
        disconnect(record);
        break;
    case WMS_MESSAGE: /* it goes to the log */
        break;
    default:
        drop(record);
        break;
    }
    return error;
}

int wms_memory_act(wms_memory *host, const struct wms_memory_entry *action, const char **ret_text)
{
    struct wms_memory_entry asked = *action;
    int code = carry_out(host, action, ret_text);

    asked.code = code ? code : host->failures[action->verb];
    int unsaid = wms_memory_note(host, &asked);
    return !code && action->verb == WMS_MESSAGE ? unsaid : code; /* the log is the only screen there is */
}

/* ---- the host's own side ---------------------------------------------------------------------------------------- */

static void complete(struct wms_memory_record *record)
{
    wms_session *facts = &record->facts;

#define WMS_X(field, name) \
    if (facts->field < 0 && &facts->field != &facts->is_orchestratable) { \
        facts->field = 0; \
    }
    WMS_SESSION_FLAGS_1(WMS_X) /* what the others say, these hosts do not */
#undef WMS_X
    if (facts->is_orchestratable < 0) {
        facts->is_orchestratable = record->host->options.admin_orchestration || (!facts->is_admin && !facts->is_mog_user);
    }
    if (!facts->state) {
        facts->state = "active";
    }
}

/* As find(), for an id that the engine has not seen: digits are a number. */
static struct wms_memory_record *find_any(const wms_memory *host, const wms_id *id)
{
    wms_id plain = *id;
    char complaint[128];

    return wms_id_check(&plain, complaint, sizeof complaint) ? NULL : wms_memory_find(host, &plain);
}

int wms_memory_open(wms_memory *host, const wms_session *session, double relock_after)
{
    char complaint[128] = "session: the host is closed; make another";
    wms_session facts = *session;

    if (host->closed || wms_id_check(&facts.id, complaint, sizeof complaint)) {
        wms_engine_complain(host->engine, complaint);
        return WMS_E_INVALID;
    }
    if (wms_memory_find(host, &facts.id)) {
        wms_engine_complain(host->engine, "session_id: there is such a session already; give another id");
        return WMS_E_INVALID;
    }
    if (host->count >= host->table_size && grow_table(host)) {
        return WMS_E_NO_MEMORY;
    }
    struct wms_memory_record *record = allocate(host, NULL, sizeof *record + wms_pack_size(&facts));
    if (!record) {
        return WMS_E_NO_MEMORY;
    }
    struct wms_memory_record **slot = &host->table[hash(&facts.id) & (host->table_size - 1)];
    *record = (struct wms_memory_record){.chain = *slot, .prev = host->last, .host = host};
    record->relock_after = relock_after < 0 ? host->options.relock_after : relock_after;
    wms_pack(&record->facts, &facts, (char *) (record + 1));
    complete(record);
    *slot = record;
    if (host->last) {
        host->last->next = record;
    } else {
        host->first = record;
    }
    host->last = record;
    host->count++;
    return 0;
}

int wms_memory_lock(wms_memory *host, const wms_id *id, const char *message)
{
    struct wms_memory_record *record = find_any(host, id);
    int error = record ? lock(record, message) : WMS_E_NOT_FOUND;

    wms_engine_step(host->engine);
    return error;
}

int wms_memory_unlock(wms_memory *host, const wms_id *id)
{
    struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    if (record->relock) { /* it is the manager himself who unlocks */
        host->services->timer_set(record->relock, -1);
    }
    unlock(record);
    wms_engine_step(host->engine);
    return 0;
}

int wms_memory_drop(wms_memory *host, const wms_id *id)
{
    struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    drop(record);
    wms_engine_step(host->engine);
    return 0;
}

int wms_memory_session(const wms_memory *host, const wms_id *id, wms_session *ret_session, const char **ret_message)
{
    wms_engine_step(host->engine); /* its manager may have been at work meanwhile */
    const struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    *ret_session = record->facts;
    *ret_message = record->message;
    return 0;
}

/* Some codes are the engine's own; no host answers with them. */
static int check_code(const wms_memory *host, int code)
{
    switch (code) {
    case WMS_E_CANCELLED:
    case WMS_E_FORKED:
    case WMS_E_NO_PROVIDER:
    case WMS_E_UNVERIFIED:
    case WMS_E_REVERTED:
        break;
    default:
        if (code <= 0 && code > WMS_E_INVALID) {
            return 0;
        }
    }
    wms_engine_complain(host->engine, "code: no host answers with it; give one that a host can answer with");
    return WMS_E_INVALID;
}

int wms_memory_fail(wms_memory *host, enum wms_verb verb, int code)
{
    if ((unsigned) verb > WMS_CLOSE && verb != WMS_MESSAGE) {
        wms_engine_complain(host->engine, "verb: none of WMS_SESSIONS to WMS_CLOSE and WMS_MESSAGE; give one of them");
        return WMS_E_INVALID;
    }
    int error = check_code(host, code);
    if (!error) {
        host->failures[verb] = code;
    }
    return error;
}

static void break_connections(wms_memory *host, int code)
{
    for (struct wms_memory_connection *connection = host->connections; connection; connection = connection->next) {
        host->services->broken(connection->link, code, NULL);
    }
}

int wms_memory_refuse(wms_memory *host, int code)
{
    int error = check_code(host, code);

    if (error) {
        return error;
    }
    host->refusal = code;
    if (code) {
        break_connections(host, code);
        wms_engine_step(host->engine);
    }
    return 0;
}

/* ---- the host --------------------------------------------------------------------------------------------------- */

static int get_registry(wms_engine *engine, struct wms_memory_registry **ret_registry)
{
    const struct wms_services *services = wms_engine_services();
    const struct wms_provider *provider = wms_engine_registered(engine, wms_memory_provider.name);

    if (provider) {
        const void *found = provider;
        memcpy(ret_registry, &found, sizeof found);
        return 0;
    }
    struct wms_memory_registry *registry = services->resize(engine, NULL, sizeof *registry);
    if (!registry) {
        return WMS_E_NO_MEMORY;
    }
    *registry = (struct wms_memory_registry){.provider = wms_memory_provider};
    int error = wms_engine_register(engine, &registry->provider);
    if (error) {
        services->resize(engine, registry, 0);
        return error;
    }
    *ret_registry = registry;
    return 0;
}

int wms_memory_register(wms_engine *engine)
{
    struct wms_memory_registry *registry;

    return get_registry(engine, &registry);
}

static int check_name(wms_engine *engine, const struct wms_memory_registry *registry, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_LENGTH || *name == '-' || strspn(name, letters) != length) {
        wms_engine_complain(engine, "name: no host name; give letters, digits, '.', '_' and '-', not beginning with '-'");
        return WMS_E_INVALID;
    }
    for (const wms_memory *host = registry->hosts; host; host = host->next) {
        if (!host->closed && strcmp(host->name, name) == 0) {
            wms_engine_complain(engine, "name: there is an embedded host of that name; give another, or close that one");
            return WMS_E_INVALID;
        }
    }
    return 0;
}

int wms_memory_new(wms_engine *engine, const char *name, const struct wms_memory_options *options, wms_memory **ret_host)
{
    struct wms_memory_registry *registry = NULL;
    int error = get_registry(engine, &registry);

    error = error ? error : check_name(engine, registry, name);
    if (error) {
        return error;
    }
    wms_memory *host = wms_engine_services()->resize(engine, NULL, sizeof *host);
    if (!host) {
        return WMS_E_NO_MEMORY;
    }
    *host = (wms_memory){.registry = registry, .engine = engine, .services = wms_engine_services(), .refs = 1};
    host->options = options ? *options : (struct wms_memory_options){.relock_after = -1};
    host->name = copy(host, name);
    if (!host->name) {
        allocate(host, host, 0);
        return WMS_E_NO_MEMORY;
    }
    host->next = registry->hosts;
    registry->hosts = host;
    wms_engine_ref(engine);
    *ret_host = host;
    return 0;
}

static void host_free(wms_memory *host)
{
    wms_memory_log_clear(host);
    allocate(host, host->table, 0);
    allocate(host, host->name, 0);
    allocate(host, host, 0);
}

static void empty(wms_memory *host)
{
    while (host->first) {
        drop(host->first);
    }
}

static void unregister(wms_memory *host)
{
    wms_memory **place = &host->registry->hosts;

    while (*place != host) {
        place = &(*place)->next;
    }
    *place = host->next;
}

void wms_memory_close(wms_memory *host)
{
    if (!host->closed) {
        host->closed = true;
        break_connections(host, WMS_E_UNREACHABLE);
        empty(host);
        wms_engine_step(host->engine);
    }
}

wms_memory *wms_memory_unref(wms_memory *host)
{
    if (!host || --host->refs > 0) {
        return NULL;
    }
    wms_engine *engine = host->engine;
    if (host->closed && !host->connections) { /* else it goes with the engine */
        unregister(host);
        host_free(host);
    }
    wms_engine_unref(engine);
    return NULL;
}

void wms_memory_retire(const struct wms_provider *self, const struct wms_services *services, wms_engine *engine)
{
    struct wms_memory_registry *registry;

    memcpy(&registry, &self, sizeof registry);
    while (registry->hosts) {
        wms_memory *host = registry->hosts;
        empty(host);
        unregister(host);
        host_free(host);
    }
    services->resize(engine, registry, 0);
}
