/* host.c - the embedded host: its sessions, its manager, and what it was asked. */
#include "memory/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/abi.h"
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

static bool is_session(const struct wms_entry *entry, const void *id)
{
    return wms_id_equal(&((const struct wms_memory_record *) entry)->facts.id, id);
}

static uint64_t hash(const wms_memory *host, const wms_id *id)
{
    return wms_id_hash(wms_engine_key(host->engine), id);
}

struct wms_memory_record *wms_memory_find(const wms_memory *host, const wms_id *id)
{
    return (struct wms_memory_record *) wms_table_find(&host->records, hash(host, id), is_session, id);
}

struct wms_memory_record *wms_memory_find_meant(const wms_memory *host, const wms_id *id, const char *identity)
{
    struct wms_memory_record *record = wms_memory_find(host, id);

    return record && identity && strcmp(record->facts.identity, identity) != 0 ? NULL : record;
}

/* ---- the life of a session -------------------------------------------------------------------------------------- */

struct wms_sight wms_memory_look(const struct wms_memory_record *record)
{
    if (!record) {
        return (struct wms_sight){.present = false};
    }
    return (struct wms_sight){
        .present = true,
        .disconnected = record->facts.state && strcasecmp(record->facts.state, "disconnected") == 0,
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

    wms_table_remove(&host->records, host->engine, &record->entry);
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

static int carry_out(wms_memory *host, struct wms_memory_record *record, const struct wms_memory_entry *action,
                     const char **ret_text)
{
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
    if (is_own && wms_verb_is(verb, WMS_ENDS_SESSION)) {
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
    case WMS_CLOSE:
        drop(record);
        break;
    default: /* a message, and what only later versions know: it goes to the log */
        break;
    }
    return error;
}

int wms_memory_act(wms_memory *host, struct wms_memory_record *record, const struct wms_memory_entry *action,
                   const char **ret_text)
{
    struct wms_memory_entry asked = *action;
    int code = carry_out(host, record, action, ret_text);

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

int wms_memory_open_sized(wms_memory *host, const wms_session *session, size_t size, double relock_after)
{
    char complaint[128] = "session: the host is closed; make another", identity[24];
    wms_session facts;

    wms_session_init(&facts);
    wms_take(&facts, sizeof facts, session, size);
    if (host->closed || wms_id_check(&facts.id, complaint, sizeof complaint)) {
        wms_engine_complain(host->engine, complaint);
        return WMS_E_INVALID;
    }
    if (wms_memory_find(host, &facts.id)) {
        wms_engine_complain(host->engine, "session_id: there is such a session already; give another id");
        return WMS_E_INVALID;
    }
    if (!facts.identity) { /* one that no session of this engine had before, whatever its id */
        snprintf(identity, sizeof identity, "%" PRIu64, ++host->registry->opened);
        facts.identity = identity;
    }
    struct wms_memory_record *record = allocate(host, NULL, sizeof *record + wms_pack_size(&facts));
    if (!record) {
        return WMS_E_NO_MEMORY;
    }
    *record = (struct wms_memory_record){.prev = host->last, .host = host};
    if (wms_table_add(&host->records, host->engine, &record->entry, hash(host, &facts.id))) {
        allocate(host, record, 0);
        return WMS_E_NO_MEMORY;
    }
    record->relock_after = relock_after < 0 ? host->options.relock_after : relock_after;
    wms_pack(&record->facts, &facts, (char *) (record + 1));
    complete(record);
    if (host->last) {
        host->last->next = record;
    } else {
        host->first = record;
    }
    host->last = record;
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

int wms_memory_session_sized(const wms_memory *host, const wms_id *id, wms_session *ret_session, size_t size,
                             const char **ret_message)
{
    wms_engine_step(host->engine); /* its manager may have been at work meanwhile */
    const struct wms_memory_record *record = find_any(host, id);

    if (!record) {
        return WMS_E_NOT_FOUND;
    }
    wms_give(ret_session, size, &record->facts, sizeof record->facts);
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
        if (code == 0 || code == wms_error_from_name(wms_error_name(code))) {
            return 0;
        }
    }
    wms_engine_complain(host->engine, "code: no host answers with it; give one that a host can answer with");
    return WMS_E_INVALID;
}

int wms_memory_fail(wms_memory *host, enum wms_verb verb, int code)
{
    if ((unsigned) verb >= WMS_VERB_COUNT || !(wms_memory_provider.can & 1u << verb)) {
        wms_engine_complain(host->engine, "verb: no such host is asked for it; give one that is about sessions");
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

static bool has_name(const struct wms_entry *entry, const void *name)
{
    return strcasecmp(((const wms_memory *) entry)->name, name) == 0;
}

static uint64_t hash_name(const wms_engine *engine, const char *name)
{
    char folded[NAME_MAX_LENGTH];
    size_t length = strnlen(name, sizeof folded);

    for (size_t i = 0; i < length; i++) { /* host names do not depend on case */
        folded[i] = (char) (name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    return wms_hash(wms_engine_key(engine), folded, length);
}

wms_memory *wms_memory_named(const struct wms_memory_registry *registry, const wms_engine *engine, const char *name)
{
    return (wms_memory *) wms_table_find(&registry->names, hash_name(engine, name), has_name, name);
}

static int check_name(wms_engine *engine, const struct wms_memory_registry *registry, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_LENGTH || *name == '-' || name[length - 1] == '.' ||
        strspn(name, letters) != length) {
        wms_engine_complain(engine, "name: no host name; give letters, digits, '.', '_' and '-', not beginning with '-' "
                                    "and not ending with '.'");
        return WMS_E_INVALID;
    }
    if (wms_memory_named(registry, engine, name)) {
        wms_engine_complain(engine, "name: there is an embedded host of that name; give another, or close that one");
        return WMS_E_INVALID;
    }
    return 0;
}

int wms_memory_new_sized(wms_engine *engine, const char *name, const struct wms_memory_options *options, size_t size,
                         wms_memory **ret_host)
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
    host->options.relock_after = -1;
    wms_take(&host->options, sizeof host->options, options, options ? size : 0);
    host->name = copy(host, name);
    if (!host->name || wms_table_add(&registry->names, engine, &host->entry, hash_name(engine, name))) {
        allocate(host, host->name, 0);
        allocate(host, host, 0);
        return WMS_E_NO_MEMORY;
    }
    host->next = registry->hosts;
    if (host->next) {
        host->next->prev = host;
    }
    registry->hosts = host;
    wms_engine_ref(engine);
    *ret_host = host;
    return 0;
}

static void host_free(wms_memory *host)
{
    wms_memory_log_clear(host);
    wms_table_close(&host->records, host->engine);
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
    if (host->prev) {
        host->prev->next = host->next;
    } else {
        host->registry->hosts = host->next;
    }
    if (host->next) {
        host->next->prev = host->prev;
    }
}

void wms_memory_close(wms_memory *host)
{
    if (!host->closed) {
        host->closed = true;
        wms_table_remove(&host->registry->names, host->engine, &host->entry);
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
    wms_table_close(&registry->names, engine);
    services->resize(engine, registry, 0);
}
