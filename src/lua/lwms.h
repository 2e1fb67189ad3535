/* SPDX-License-Identifier: MIT */
/* lwms.h - what the parts of the Lua module offer each other.
 *
 * The module converts and checks values; it decides nothing.  Rules that hold throughout:
 *
 * - There is no mutable static and no lua_State in any struct.  What belongs to a Lua state is
 * reached through two upvalues of every function here: the state (a userdata, which owns the
 * engine) and its anchors (a table, indexed by small numbers, of whatever must not be collected).
 * - Whatever a longjmp could leak is owned by a userdata first: the box is pushed empty, gets its
 * metatable, and is filled then.
 * - Any allocation in Lua may run finalizers, which may be scripts that call wms.  So nothing is
 * allocated in Lua between the moment when pointers to a script's strings are collected and
 * wms_start(), which copies them; and a request whose strings are being read is not freed meanwhile
 * (see `inside`).
 */
#ifndef WMS_LUA_LWMS_H
#define WMS_LUA_LWMS_H

#include "core/queue.h"
#include "lua/compat.h"
#include <wms.h>

/* ---- the state (state.c) --------------------------------------------------------------------- */

struct lwms_request;

struct lwms_state {
    wms_engine *engine;       /* NULL once the Lua state is being closed */
    double timeout, deadline; /* wms.configure{}; negative: no deadline */
    unsigned concurrency;
    struct queue lines; /* lines of the log that are not delivered yet */
    size_t line_count, dropped;
    char missing[32];        /* the provider that this call has not found: it looks for it once */
    bool draining;           /* the lines are being delivered, further down on the C stack */
    bool stores;             /* the script has a store of its own for the bindings */
    struct saving *saving;   /* a copied binding that the store is to save */
    struct wms_timer *alarm; /* of the driver; NULL: it was never set */
};

/* Upvalues of every function. */
enum {
    UP_STATE = 1,
    UP_ANCHORS,
    UP_COMMAND /* of functions that are a command: its index in lwms_commands[] */
};

/* What the anchors hold. */
enum anchor {
    A_MODULE = 1,
    A_STATE,
    /* metatables */
    A_REQUEST,
    A_WATCH,
    A_CLIENT,
    A_MEMORY,
    A_ERROR,
    /* name -> number, of options and of a session's properties */
    A_OPTIONS,
    A_PROPERTIES,
    /* names of fields, for lookups where nothing may be allocated */
    A_SESSION_ID,
    A_SERVER,
    A_USER_NAME,
    A_IDENTITY,
    A_OUTCOME_STATE,
    A_OUTCOME_ERROR,
    A_OUTCOME_PARTIAL,
    A_BOX,     /* the box of the blocking calls' request */
    A_DELIVER, /* the function that runs callbacks */
    A_ALLOW,   /* wms.configure{} */
    A_LOG,
    A_STORE,  /* the store's functions, by enum store */
    A_LIST,   /* a metatable */
    A_DRIVER, /* a metatable */
    A_DRIVER_OBJECT,
    A_WATCHED,   /* the requests and watches that the driver watches, by their addresses */
    A_STATEFILE, /* a metatable */
    ANCHORS = A_STATEFILE
};

/* Pushes the key of the state in the registry. */
void lwms_push_key(lua_State *L);
/* The state of the running function; raises when it is closed. */
struct lwms_state *lwms_state_here(lua_State *L);
/* Memory from the engine's allocator, as the service resize(); state->engine must not be NULL. */
void *lwms_resize(const struct lwms_state *state, void *block, size_t size);
void lwms_anchor(lua_State *L, enum anchor what);
bool lwms_is_a(lua_State *L, int index, enum anchor metatable);
/* The userdata at 1, which must have that metatable; raises otherwise, for example when a method is
 * called with a dot. */
void *lwms_self_here(lua_State *L, enum anchor metatable, const char *kind, const char *method);

/* Adds the functions to the table on top of the stack, as closures over the state and the anchors.
 */
void lwms_set_functions(lua_State *L, const luaL_Reg *functions, int state, int anchors);
/* Makes a metatable with the functions `own`, and with an __index table of `methods` (NULL: none);
 * leaves it on the stack. */
void lwms_make_metatable(lua_State *L, const char *name, const luaL_Reg *own,
                         const luaL_Reg *methods, int state, int anchors);

/* ---- the commands (verbs.c) ------------------------------------------------------------------ */

struct lwms_command {
    const char *name;
    enum wms_verb verb;
    unsigned traits; /* of the verb */
    bool all;
};

/* Two commands for each verb: on sessions that are named, and its `_all`. */
struct commands_each {
#define X(F, verb, word, traits) char verb[2];
    WMS_VERB_ROWS(X, )
#undef X
};
enum { COMMANDS = sizeof(struct commands_each) };
/* Elements without a name are unused. */
extern const struct lwms_command lwms_commands[COMMANDS];
/* Whether it asks one server something of its own, and returns what that answers: a call, a bind.
 */
static inline bool lwms_is_call(const struct lwms_command *command)
{
    return (command->traits & (WMS_ON_SERVER | WMS_ON_SERVERS)) == WMS_ON_SERVER;
}
/* NULL: there is none of that name. */
const struct lwms_command *lwms_command_find(const char *name);
/* Adds all names, listed as in a sentence. */
void lwms_commands_add(luaL_Buffer *text);

/* ---- misuse (misuse.c) ----------------------------------------------------------------------- */

/* Which function is called, for messages. */
struct lwms_call {
    const char *function;
    int argument;
    const struct lwms_command *command; /* NULL: none */
};

/* Raises `bad argument #1 to 'unlock' (...)`. */
void lwms_misuse(lua_State *L, const struct lwms_call *call, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* The same for a complaint of the engine's, "argument: ...", if it is about this argument: under
 * the name that the script has given to it.  `name` may be NULL: it has given none. */
void lwms_misuse_renamed(lua_State *L, const struct lwms_call *call, const char *complaint,
                         const char *argument, const char *name);

/* Misuse: a value behind the one at `index`, which is the last argument. */
void lwms_no_more(lua_State *L, const struct lwms_call *call, int index);

/* Raises an error that is not about the arguments, such as NO_MEMORY. */
void lwms_raise(lua_State *L, int error) __attribute__((noreturn));

/* A value for a message: "a table", "a number"; or, where the number is what is wrong, "-1", "NaN".
 */
const char *lwms_kind(lua_State *L, int index);
const char *lwms_show(lua_State *L, int index);
/* A script's text for a message: short, one line. */
enum { CLIPPED = 48 };
const char *lwms_clip(lua_State *L, int index, char buffer[CLIPPED]);
/* Writes `name`, or `name[element]`, and returns it. */
enum { PLACED = 64 };
const char *lwms_place(char buffer[PLACED], const char *name, size_t element);

/* The engine's complaint, copied: a finalizer may have the engine complain of something else. */
enum { COMPLAINT = 1024 };
const char *lwms_complaint(const struct lwms_state *state, char buffer[COMPLAINT]);

/* Whether it is a string without a zero byte. */
bool lwms_is_text(lua_State *L, int index);
/* The value at `index` as a C string, a number of seconds, a whole number; misuse otherwise. */
const char *lwms_need_text(lua_State *L, const struct lwms_call *call, const char *where, int index,
                           const char *fix);
double lwms_need_seconds(lua_State *L, const struct lwms_call *call, const char *where, int index,
                         bool above_zero);
void lwms_need_function(lua_State *L, const struct lwms_call *call, const char *where, int index,
                        bool or_false);
unsigned lwms_need_whole(lua_State *L, const struct lwms_call *call, const char *where, int index,
                         unsigned least, unsigned most);
bool lwms_need_boolean(lua_State *L, const struct lwms_call *call, const char *where, int index);
/* Counts a list with lua_next, since # knows nothing of holes.  Misuse: other keys than 1..n,
 * holes. */
size_t lwms_need_list(lua_State *L, const struct lwms_call *call, const char *where, int index);

/* ---- options (options.c) --------------------------------------------------------------------- */

/* Bits that tell which functions take an option.  A command takes the options for each kind that it
 * belongs to, and those for its verb alone. */
enum {
    FOR_NAMED = 1,      /* commands on sessions that are named */
    FOR_CHOOSING = 2,   /* commands on all sessions, among which `where` and `except` may choose */
    FOR_SESSIONS = 4,   /* commands on any sessions */
    FOR_SERVER = 8,     /* commands on a server as a whole */
    FOR_MESSAGE = 16,   /* commands with a text for the users */
    FOR_CLIENT = 32,    /* wms.new */
    FOR_CONFIGURE = 64, /* wms.configure */
    FOR_SERVERS = 128,  /* those that can be planned */
    FOR_WATCH = 256     /* wms.watch */
};
#define FOR_ALONE(verb) (UINT64_C(512) << (verb))
_Static_assert(COMMANDS / 2 <= 55, "a set of takers has a bit for each verb");

/* The one list of options: X(NAME, "name", who takes it), in the order in which messages tell them.
 */
#define OPTIONS(X) \
    X(SESSION_IDS, "session_ids", FOR_NAMED) \
    X(SESSION_ID, "session_id", FOR_NAMED) \
    X(SERVER, "server", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_WATCH) \
    X(COMPUTER_NAME, "computer_name", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_WATCH) \
    X(SERVERS, "servers", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_WATCH) \
    X(MESSAGE, "message", FOR_MESSAGE) \
    X(TITLE, "title", FOR_ALONE(WMS_MESSAGE)) \
    X(SIZE, "size", FOR_ALONE(WMS_THUMBNAIL)) \
    X(WARN, "warn", FOR_ALONE(WMS_CLOSE)) \
    X(TIMEOUT, "timeout", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_CONFIGURE | FOR_WATCH) \
    X(DEADLINE, "deadline", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_CONFIGURE) \
    X(WHERE, "where", FOR_CHOOSING | FOR_WATCH) \
    X(EXCEPT, "except", FOR_CHOOSING | FOR_WATCH) \
    X(ACTIVITY, "activity", FOR_CHOOSING) \
    X(VERIFY, "verify", FOR_SESSIONS | FOR_CLIENT | FOR_ALONE(WMS_WAKE)) \
    X(STABLE, "stable", FOR_SESSIONS | FOR_CLIENT) \
    X(RETRIES, "retries", FOR_SESSIONS | FOR_CLIENT) \
    X(CONCURRENCY, "concurrency", \
      FOR_SESSIONS | FOR_SERVER | FOR_CLIENT | FOR_CONFIGURE | FOR_WATCH) \
    X(ON_ERROR, "on_error", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT) \
    X(WHAT_IF, "what_if", FOR_SESSIONS | FOR_SERVERS | FOR_CLIENT) \
    X(ON_OUTCOME, "on_outcome", FOR_SESSIONS | FOR_SERVER | FOR_CLIENT) \
    X(ALLOW, "allow", FOR_CLIENT | FOR_CONFIGURE) \
    X(LOG, "log", FOR_CONFIGURE) \
    X(GROUPS, "groups", FOR_CONFIGURE) \
    X(INTERFACE, "interface", FOR_ALONE(WMS_CALL)) \
    X(OPERATION, "operation", FOR_ALONE(WMS_CALL)) \
    X(ARGUMENTS, "arguments", FOR_ALONE(WMS_CALL)) \
    X(USER_NAME, "user_name", FOR_ALONE(WMS_BIND)) \
    X(PASSWORD, "password", FOR_ALONE(WMS_BIND)) \
    X(FINGERPRINT, "fingerprint", FOR_ALONE(WMS_BIND)) \
    X(FINGERPRINTS, "fingerprints", FOR_ALONE(WMS_BIND)) \
    X(MANAGEMENT, "management", FOR_ALONE(WMS_BIND) | FOR_ALONE(WMS_CALL)) \
    X(CERTIFICATE_NAME, "certificate_name", FOR_ALONE(WMS_BIND)) \
    X(THUMBPRINT, "thumbprint", FOR_ALONE(WMS_BIND)) \
    X(EVENTS, "events", FOR_ALONE(WMS_BIND)) \
    X(KEY_NAME, "key_name", FOR_ALONE(WMS_BIND)) \
    X(KEY_FILE, "key_file", FOR_ALONE(WMS_BIND)) \
    X(GATEWAY, "gateway", FOR_ALONE(WMS_BIND)) \
    X(STORE, "store", FOR_CONFIGURE) \
    X(CONNECTIONS, "connections", FOR_CONFIGURE) \
    X(ANSWER_SIZE, "answer_size", FOR_CONFIGURE) \
    X(PROXY, "proxy", FOR_CONFIGURE) \
    X(SSH_COMMAND, "ssh_command", FOR_CONFIGURE) \
    X(NATS, "nats", FOR_CONFIGURE) \
    X(WAKE, "wake", FOR_CONFIGURE) \
    X(QUEUE, "queue", FOR_WATCH) \
    X(INITIAL, "initial", FOR_WATCH) \
    X(ON_EVENT, "on_event", FOR_WATCH)

enum option {
#define X(option, name, takers) OPT_##option,
    OPTIONS(X)
#undef X
        OPTION_COUNT
};
/* A set of options. */
typedef uint64_t options_set;
_Static_assert(OPTION_COUNT <= 64, "a set of options has a bit for each");
#define BIT(option) (UINT64_C(1) << OPT_##option)
#define ANY_IDS     (BIT(SESSION_IDS) | BIT(SESSION_ID))
#define ANY_SERVER  (BIT(SERVER) | BIT(COMPUTER_NAME) | BIT(SERVERS))

/* Places on the stack, from `base` on, of the options that are Lua values. */
enum slot {
    SLOT_IDS,
    SLOT_SERVER,
    SLOT_MESSAGE,
    SLOT_TITLE,
    SLOT_WARN_MESSAGE,
    SLOT_WARN_TITLE,
    SLOT_INTERFACE,
    SLOT_OPERATION,
    SLOT_ARGUMENTS,
    SLOT_FINGERPRINT,
    SLOT_FINGERPRINTS,
    SLOT_CERTIFICATE_NAME,
    SLOT_THUMBPRINT,
    SLOT_EVENTS_HOST_NAME,
    SLOT_EVENTS_ADDRESS,
    SLOT_KEY_NAME,
    SLOT_KEY_FILE,
    SLOT_GATEWAY,
    SLOT_LOG,
    SLOT_GROUPS,
    SLOT_STORE,
    SLOT_PROXY,
    SLOT_SSH_COMMAND,
    SLOT_NATS,
    SLOT_WAKE,
    SLOT_ON_EVENT,
    SLOT_CALLBACKS, /* what callbacks need: in the order of enum callback */
    SLOT_ON_OUTCOME = SLOT_CALLBACKS,
    SLOT_ALLOW,
    SLOT_PASSWORD,
    SLOT_USER_NAME,
    SLOT_WHERE,
    SLOT_EXCEPT,
    SLOTS
};

struct options {
    int base;
    options_set given, preset;          /* set by the call; set by its client */
    const char *server_name, *ids_name; /* the alias that was used */
    double timeout, verify, stable, deadline, warn_seconds;
    unsigned concurrency, retries, events_port;
    size_t queue;
    enum wms_thumbnail_size thumbnail_size;
    bool activity, initial;
    bool stop_on_error, what_if, management;
    wms_transport transport;
};

void lwms_options_names(lua_State *L);
/* Pushes the slots, with the defaults of the state or of the client at `client` (0: none). */
void lwms_options_begin(lua_State *L, struct options *options, const struct lwms_state *state,
                        int client);
/* Reads the call's argument at `index`. */
void lwms_options_read(lua_State *L, const struct lwms_call *call, int index, options_set allowed,
                       struct options *options);
/* The options for these takers: FOR_CLIENT, for example. */
options_set lwms_options_for(uint64_t takers);
/* The options that a command takes. */
options_set lwms_options_of(const struct lwms_command *command);
/* Sets the members of the command that are texts; the strings are borrowed from Lua values on the
 * stack. */
void lwms_options_texts(lua_State *L, const struct options *options, wms_command *command);
/* The options of the client at `index`. */
const struct options *lwms_client_options(lua_State *L, int index);

/* ---- servers (servers.c) --------------------------------------------------------------------- */

/* Servers, while they are read from Lua for wms_start(). */
struct servers {
    int index; /* of the value on the stack */
    size_t count;
    const char *one;        /* NULL: this machine, or several */
    const wms_value *meant; /* what node sets and groups stand for; NULL: there are none */
    struct lwms_list *list; /* owns it */
    const char **room;      /* for several: a userdata on the stack */
};

/* Finds out which servers the value at `index` means (nil: this machine), loads their providers,
 * and makes room; pushes two values.  `name` is the option's, for messages. */
void lwms_servers_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                        struct servers *servers);
/* Reads them into the command.  Allocates nothing. */
void lwms_servers_read(lua_State *L, const struct lwms_call *call, struct servers *servers,
                       wms_command *command);
/* The command has started. */
void lwms_servers_end(struct servers *servers);
/* Raises the engine's complaint, which is about a server, with the option's name (NULL: none). */
void lwms_servers_complain(lua_State *L, const struct lwms_call *call, const char *name);
/* Raises if the value at `index`, a string or a list of strings, means no servers. */
void lwms_servers_check(lua_State *L, const struct lwms_call *call, const char *name, int index);
int lwms_servers(lua_State *L); /* wms.servers */

/* ---- session ids (ids.c) --------------------------------------------------------------------- */

/* What a command takes from a session object or an outcome, which know their server. */
struct object {
    wms_target target;
    const char *user_name, *identity;
    bool server; /* it is the outcome of a server as a whole */
};

/* Ids, or session objects (which know their server), while they are read from Lua for wms_start().
 */
struct ids {
    int index;        /* of the value on the stack */
    const char *name; /* of the option */
    bool list;        /* a list, not one */
    bool objects;     /* with servers of their own */
    bool own;         /* "self": the caller's own session */
    size_t count;
    wms_id one; /* room for one */
    struct object object;
    void *room; /* for many: a userdata on the stack */
};

/* One id; `where` for messages. */
void lwms_id_read(lua_State *L, const struct lwms_call *call, const char *where, int index,
                  wms_id *ret_id);
/* Determines what the value is, loads the providers that session objects need, and makes room;
 * pushes one value. */
void lwms_ids_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                    struct ids *ids);
/* Reads them into the command.  Allocates nothing. */
void lwms_ids_read(lua_State *L, const struct lwms_call *call, struct ids *ids,
                   wms_command *command);

/* ---- where and except (where.c) -------------------------------------------------------------- */

/* The option's value at `index`: a function, or properties of a session, which are copied; pushes
 * one value. */
void lwms_where_read(lua_State *L, const struct lwms_call *call, const char *name, int index);
/* Answers for one listed session that waits for the choice, by `where` and `except`, which lie
 * behind `callbacks`; false when none waits. */
bool lwms_where_choose(lua_State *L, struct lwms_request *box, int callbacks);

/* Whether `where` and `except`, at these indexes, take the session at `session`. */
bool lwms_where_takes(lua_State *L, int where, int except, int session);

/* ---- the NATS servers (nats.c) --------------------------------------------------------------- */

/* Whether the value at `index` is one of wms.configure{ nats = }, as to its types. */
void lwms_nats_check(lua_State *L, const struct lwms_call *call, int index);
/* Reads one that was checked, or is nil (NULL); pushes one value, which keeps the struct.  Its
 * texts are those of the table. */
const wms_nats *lwms_nats_read(lua_State *L, int index);

/* ---- cards that can be woken (cards.c) ------------------------------------------------------- */

/* Cards, while they are read from Lua. */
struct cards {
    int index;
    size_t count;
    wms_magic *room; /* a userdata on the stack */
};
/* Checks the value at `index` of wms.configure{ wake = }, and makes room; pushes one value. */
void lwms_cards_begin(lua_State *L, const struct lwms_call *call, int index, struct cards *cards);
/* Reads them, and sets them.  Allocates nothing in Lua.  Errors: those of wms_engine_magics(). */
int lwms_cards_set(lua_State *L, struct lwms_state *state, const struct cards *cards);

/* ---- providers (provider.c) ------------------------------------------------------------------ */

/* Loads the provider that this server (NULL: this machine) needs, if its module can be found.  If
 * not, that is no error here: the engine reports it. */
void lwms_provider_for(lua_State *L, struct lwms_state *state, const char *server);
int lwms_provider_load(lua_State *L); /* wms.load */

/* ---- results (result.c) ---------------------------------------------------------------------- */

/* A cache for a string that is pushed many times: the Lua string of `text` is at `index`. */
struct memo {
    const char *text;
    int index;
};
void lwms_id_push(lua_State *L, const wms_id *id);
void lwms_push_outcome(lua_State *L, const wms_outcome *outcome, struct memo *server);
void lwms_push_session(lua_State *L, const wms_session *session, struct memo *server);
/* nil, message, err */
int lwms_push_failure(lua_State *L, int code, const char *message);
/* What a blocking call returns; `several`: of a list of servers. */
int lwms_push_result(lua_State *L, wms_request *request, const struct lwms_command *command,
                     bool several);
/* As lwms_push_failure(), for a command that has no outcomes. */
int lwms_push_no_result(lua_State *L, int code, const char *message,
                        const struct lwms_command *command);
int lwms_error_tostring(lua_State *L);

/* ---- requests (box.c, request.c) ------------------------------------------------------------- */

struct lwms_request {
    wms_request *request;
    const struct lwms_command *command;
    unsigned inside; /* how many functions on the C stack read its strings: close() leaves the
                        freeing to them */
    size_t told;     /* outcomes that on_outcome has seen */
    bool blocking;   /* belongs to a blocking call: no script can reach it */
    bool closed;
    bool follow;   /* has an on_outcome */
    bool ask;      /* has an allow */
    bool choose;   /* has a where or an except */
    bool several;  /* a list of servers was given, a node set or a group, even if it is one */
    bool asking;   /* its allow, password, where or except is running */
    bool answered; /* such a callback has answered */
};

/* The values that the callbacks of a request need, in the order in which they lie on the stack. */
enum callback { ON_OUTCOME, ALLOW, PASSWORD, USER_NAME, WHERE, EXCEPT, CALLBACKS };

/* Pushes an empty box. */
struct lwms_request *lwms_request_new(lua_State *L);
void lwms_request_let_go(struct lwms_request *box);
bool lwms_has_callbacks(const struct lwms_request *box);

extern const luaL_Reg lwms_request_own[], lwms_request_methods[];
/* Runs the request, and its callbacks from `callbacks` on, until it is done (1) or the seconds
 * (negative: no limit) have passed (0); raises the errors of callbacks. */
int lwms_request_run(lua_State *L, struct lwms_request *box, int self, int callbacks,
                     double seconds);

/* ---- commands (command.c) -------------------------------------------------------------------- */

int lwms_command_run(lua_State *L);    /* wms.unlock and the others */
int lwms_command_method(lua_State *L); /* client:unlock and the others */
int lwms_command_start(lua_State *L);  /* wms.start */
int lwms_command_start_method(lua_State *L);

/* ---- calls (call.c) -------------------------------------------------------------------------- */

/* A tree of values, while it is read from Lua for the engine. */
struct tree {
    const char *name; /* of the option, for messages */
    int index;
    size_t count;
    wms_value *room; /* a userdata on the stack; NULL: there is no value */
};
/* Raises if the value at `index` is no table by names of booleans, whole numbers, strings, and
 * tables of these. */
void lwms_tree_check(lua_State *L, const struct lwms_call *call, const char *name, int index);
/* Makes room for the table at `index` (nil: none); pushes one value. */
void lwms_tree_begin(lua_State *L, const struct lwms_call *call, const char *name, int index,
                     struct tree *tree);
/* Reads it; NULL: there is none.  Its texts are Lua's.  Allocates nothing. */
const wms_value *lwms_tree_read(lua_State *L, const struct lwms_call *call,
                                const struct tree *tree);
/* Pushes what a call has returned. */
void lwms_push_value(lua_State *L, const wms_value *value);

/* ---- a script's own store (store.c) ---------------------------------------------------------- */

/* The store's functions, by their index in the table A_STORE. */
enum store { STORE_LOAD = 1, STORE_SAVE, STORE_REMOVE, STORE_LIST };

enum { STORE_NAME = 300 }; /* size of a buffer for a binding's name */

/* Pushes one of them. */
void lwms_store_push(lua_State *L, enum store function);
void lwms_store_check(lua_State *L, const struct lwms_call *call, int index);
/* Makes the store at `index` (false: none) the state's.  Errors: NO_MEMORY. */
int lwms_store_set(lua_State *L, struct lwms_state *state, int index);
/* Asks the store for the binding of that name; raises what it raises. */
void lwms_store_get(lua_State *L, struct lwms_state *state, const char *name);
/* Asks the script's store, if there is one, for the binding of a server. */
void lwms_store_load(lua_State *L, struct lwms_state *state, const char *server);
/* Lets the store save bindings that commands have made. */
void lwms_store_save(lua_State *L, struct lwms_state *state);
void lwms_store_clear(struct lwms_state *state);

/* ---- bindings (bindings.c) ------------------------------------------------------------------- */

/* A userdata that owns a value of the engine's, so that it is freed even after an error. */
struct lwms_list {
    wms_engine *engine;
    wms_value *value;
};
/* Pushes an empty one. */
struct lwms_list *lwms_list_new(lua_State *L, struct lwms_state *state);
/* Frees what it owns, if it does still (NULL is allowed): what is made while a state is closed gets
 * no finalizer. */
void lwms_list_free(struct lwms_list *list);
extern const luaL_Reg lwms_list_own[];
int lwms_bindings(lua_State *L); /* wms.bindings */
/* Gives the engine all bindings that the script's store lists, if it has one. */
void lwms_bindings_load(lua_State *L, const struct lwms_call *call, struct lwms_state *state);
int lwms_unbind(lua_State *L); /* wms.unbind */

/* ---- callbacks (callback.c) ------------------------------------------------------------------ */

/* Runs whatever callbacks are due for the request; raises their errors, after the request was
 * cancelled. */
void lwms_callbacks_run(lua_State *L, struct lwms_request *box, int self, int callbacks);
int lwms_callbacks_deliver(lua_State *L); /* the function behind A_DELIVER */
/* Delivers lines of the log, and bindings to the store; raises what they raise. */
void lwms_lines_run(lua_State *L);
/* Asks `allow`, at that index, about the action; *asking is true meanwhile.  Returns NULL, or why
 * it refuses, a text that lives as long as the values that were pushed. */
const char *lwms_allow(lua_State *L, int allow, const wms_action *action, bool *asking);
/* Switches the log on or off. */
void lwms_log_set(struct lwms_state *state, bool on);
void lwms_log_clear(struct lwms_state *state);

/* ---- clients (client.c), the embedded host (memory.c) ---------------------------------------- */

extern const luaL_Reg lwms_client_own[], lwms_client_methods[];
int lwms_client_new(lua_State *L); /* wms.new */

extern const luaL_Reg lwms_memory_own[], lwms_memory_methods[];
int lwms_memory_new(lua_State *L); /* wms.memory */
void lwms_memory_names(lua_State *L);

/* ---- watches (watch.c) ----------------------------------------------------------------------- */

struct lwms_watch {
    wms_watch *watch;
    bool closed;
    bool reading;  /* its strings are read: close() leaves the freeing to the reader */
    bool asking;   /* its allow is running */
    bool initial;  /* the sessions that are there at first are told */
    void *address; /* what `watch` was at first: the driver's key, also when it is closed */
};
extern const luaL_Reg lwms_watch_own[], lwms_watch_methods[];
int lwms_watch_new(lua_State *L);    /* wms.watch */
int lwms_watch_method(lua_State *L); /* client:watch */

/* ---- one descriptor for every request (driver.c) --------------------------------------------- */

extern const luaL_Reg lwms_driver_own[], lwms_driver_methods[];
int lwms_driver_new(lua_State *L);
/* To be called before the engine goes. */
void lwms_alarm_clear(struct lwms_state *state);

/* ---- files that keep a state (statefile.c) --------------------------------------------------- */

extern const luaL_Reg lwms_statefile_own[], lwms_statefile_methods[];
int lwms_statefile_open(lua_State *L); /* open_state of wms.system */
/* Makes the folders above the file, for nobody else to look into.  0 or an errno. */
int lwms_make_folders(const char *path);

/* ---- programs that others need (guard.c): functions of wms.system -----------------------------
 */

int lwms_guard_share(lua_State *L);
int lwms_guard_make(lua_State *L);
int lwms_guard_readable(lua_State *L);
int lwms_guard_said(lua_State *L);
int lwms_guard_replace(lua_State *L);

/* ---- what Lua's own libraries lack (system.c) ------------------------------------------------ */

/* Lets `require "wms.system"` find it; the module table is not needed for that. */
void lwms_system_preload(lua_State *L, int state, int anchors);

#endif
