/* SPDX-License-Identifier: MIT */
/* wms.h - scripted control of user sessions on shared computers: the engine's C interface.
 *
 * One command (lock, unlock, ...) names servers and sessions; the engine reaches every server
 * through a provider, and says for every session what happened.  The engine is event-driven and
 * single-threaded: an engine and its requests belong to one thread at a time, engines of different
 * threads share nothing.
 *
 * Conventions: a function that can fail returns 0 or a negative WMS_E_* code and writes `ret_`
 * parameters only on success.  Strings are UTF-8, and those that come back are borrowed: they live
 * as long as the object that they were read from.  `unref` functions accept NULL and return NULL.
 * Times are in seconds.  Nothing is ever printed.
 *
 * Later versions append: to structs, and to the lists of codes, verbs and states.  A program that
 * was built with this header runs on later versions: the functions that are WMS_INLINE tell the
 * library how large the program's structs are, and the library neither reads nor writes beyond.
 * From another language, call the function of the same name with `_sized` behind it, and give the
 * size that the struct has there.  wms_alloc, wms_id, wms_value, wms_target and wms_pin stay as
 * they are.
 */
#ifndef WMS_H
#define WMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WMS_VERSION "0.3.0"

#if defined(__GNUC__)
#define WMS_API __attribute__((visibility("default")))
#else
#define WMS_API
#endif

/* The library itself has functions of these names as well, for programs that were built with the
 * headers of 0.1.0. */
#ifdef WMS_NO_INLINE
#define WMS_INLINE WMS_API
#else
#define WMS_INLINE static inline
#endif

/* Does a struct of `size` bytes, of a program, a provider or a library of whatever version, have
 * this member? */
#define WMS_HAS(size, type, member) \
    ((size) >= offsetof(type, member) + sizeof(((type *) 0)->member))

typedef struct wms_engine wms_engine;
typedef struct wms_request wms_request;
typedef struct wms_watch wms_watch;
struct wms_provider; /* wms/provider.h */

/* ---- error codes ----------------------------------------------------------------------------- */

/* The one list of codes: X(NAME, number, what it means).  Names and numbers are stable; -17 is
 * INVALID's, the next is -18. */
#define WMS_ERRORS(X) \
    X(NOT_FOUND, -1, "the host has no such session") \
    X(ACCESS_DENIED, -2, "the host, or a guard of this program, refuses the action") \
    X(UNREACHABLE, -3, "the host cannot be reached, or the connection broke") \
    X(TIMEOUT, -4, "the host did not answer in time") \
    X(UNSUPPORTED, -5, "this kind of host cannot do that") \
    X(NOT_BOUND, -6, "this client is not bound to the host yet") \
    X(UNTRUSTED, -7, "the host's identity is not confirmed") \
    X(PROTOCOL, -8, "the host's answer breaks its protocol") \
    X(UNVERIFIED, -9, "the host took the request, but did not reach the state that was asked for") \
    X(REVERTED, -10, "the session reached the state that was asked for, and turned back") \
    X(CANCELLED, -11, "the command was cancelled, or stopped after a failure") \
    X(BUSY, -12, \
      "the host has too much to do, or the call is made from a place where it cannot be carried " \
      "out") \
    X(FORKED, -13, "the request belongs to the parent process") \
    X(NO_PROVIDER, -14, \
      "the provider for this kind of host is not installed, or cannot be loaded") \
    X(NO_MEMORY, -15, "out of memory") \
    X(INTERNAL, -16, "a fault in wms itself, or no descriptor left")

enum wms_error {
#define WMS_X(name, number, text) WMS_E_##name = (number),
    WMS_ERRORS(WMS_X)
#undef WMS_X
        WMS_E_INVALID = -17 /* misuse of this interface: wms_engine_complaint() says what is wrong
                               and how to mend it */
};

/* The code's stable name ("NOT_FOUND"), and one sentence for a person.  Static strings; for a
 * number that is no code, those of INTERNAL. */
WMS_API const char *wms_error_name(int code);
WMS_API const char *wms_error_text(int code);
/* The code of that name, or 0 when there is none. */
WMS_API int wms_error_from_name(const char *name);

/* ---- the engine ------------------------------------------------------------------------------ */

/* Where all of the engine's own memory comes from.  `resize(data, NULL, n)` allocates,
 * `resize(data, block, 0)` frees and returns NULL, anything else resizes as realloc() does; NULL
 * for n > 0 means out of memory.  (libuv and the providers' libraries use their own allocators.) */
struct wms_alloc {
    void *(*resize)(void *data, void *block, size_t size);
    void *data;
};

/* Makes an engine.  `alloc` is copied; NULL means malloc.  No descriptor is opened before the first
 * command that needs one.  Errors: NO_MEMORY.  The caller owns one reference. */
WMS_API int wms_engine_new(const struct wms_alloc *alloc, wms_engine **ret_engine);

/* One more reference; returns the engine. */
WMS_API wms_engine *wms_engine_ref(wms_engine *engine);
/* Releases the reference.  Each request holds a reference on its engine: it is freed when the last
 * request has been.  What a provider serves others by this engine ends then.  That may wait for up
 * to 3 s for each gateway of Veyon's by which more than four hosts were commanded in the last two
 * seconds, and for up to 1.5 s for NATS servers that do not take what was sent to them last, so
 * that it is not lost. */
WMS_API wms_engine *wms_engine_unref(wms_engine *engine);

/* What was wrong with the arguments of the last call on this engine that returned WMS_E_INVALID:
 * the argument and the fix, for example `server: it has 300 characters; give at most 255`.  Never
 * NULL. */
WMS_API const char *wms_engine_complaint(const wms_engine *engine);

/* Makes `provider` known under its name.  The struct is the caller's and must outlive the engine.
 * Errors: INVALID (another ABI, a name that is taken). */
WMS_API int wms_engine_register(wms_engine *engine, const struct wms_provider *provider);

/* Loads a provider's module from the file `path` and registers it; does nothing if one of that name
 * is registered.  Modules stay in the process.  `path` NULL: the caller has found no file; fails,
 * and the complaint says what to install.  Errors: NO_PROVIDER (wms_engine_complaint() tells why),
 * INVALID (no file, and no provider of that name is known), NO_MEMORY. */
WMS_API int wms_engine_load(wms_engine *engine, const char *name, const char *path);

/* Where a command finds modules of providers that are not registered: the folder `folder`, as
 * NAME.so.  The folder that libwms was installed with is the default; NULL turns the search off.
 * `folder` is copied.  Errors: NO_MEMORY. */
WMS_API int wms_engine_module_folder(wms_engine *engine, const char *folder);

/* The name of the provider that the address `server` (NULL: this machine) needs: written to `name`
 * (size at least 32) and returned as 1 when it is registered and 0 when it is not.  Errors: INVALID
 * (not an address). */
WMS_API int wms_engine_provider_for(wms_engine *engine, const char *server, char *name,
                                    size_t size);

/* A session's id. */
typedef struct wms_id {
    const char *text; /* NULL: the id is `number` */
    uint32_t number;
} wms_id;

/* What verbs have in common: bits of wms_verb_traits(). */
enum wms_verb_trait {
    WMS_IS_QUERY = 1,      /* it changes nothing; without ids it is about all sessions */
    WMS_HAS_ALL = 2,       /* it acts on the sessions that are named, or on all */
    WMS_ON_SERVER = 4,     /* it is about a server as a whole: one, without WMS_ON_SERVERS */
    WMS_VERIFIES = 8,      /* whether it was done can be seen, and waited for */
    WMS_CHANGES_LOCK = 16, /* it locks or unlocks: whether it stays so can be watched */
    WMS_ENDS_SESSION = 32, /* it takes the session from its user, so the caller's own is spared, and
                              the server is named */
    WMS_TAKES_MESSAGE = 64, /* it shows the users a text */
    WMS_REPEATABLE = 128,   /* it may be tried again after a failure: see `retries` */
    WMS_ON_SERVERS = 256,   /* with WMS_ON_SERVER: its result are the outcomes, one for each server,
                               and it can be planned */
    WMS_HAS_THUMBNAIL = 512 /* since 0.3: it changes nothing, and its outcomes have a `thumbnail`; a
                             server is asked about one session after the other */
};

/* The one list of verbs: X(F, NAME, word, traits), where F is passed on to X.  Numbers are in this
 * order, and stay: a new one comes last. */
#define WMS_VERB_ROWS(X, F) \
    X(F, SESSIONS, "sessions", WMS_IS_QUERY | WMS_VERIFIES | WMS_REPEATABLE) \
    X(F, UNLOCK, "unlock", WMS_HAS_ALL | WMS_VERIFIES | WMS_CHANGES_LOCK | WMS_REPEATABLE) \
    X(F, LOCK, "lock", \
      WMS_HAS_ALL | WMS_VERIFIES | WMS_CHANGES_LOCK | WMS_TAKES_MESSAGE | WMS_REPEATABLE) \
    X(F, DISCONNECT, "disconnect", WMS_HAS_ALL | WMS_VERIFIES | WMS_ENDS_SESSION) \
    X(F, CLOSE, "close", WMS_HAS_ALL | WMS_VERIFIES | WMS_ENDS_SESSION) \
    X(F, CALL, "call", WMS_ON_SERVER) \
    X(F, BIND, "bind", WMS_ON_SERVER) \
    X(F, MESSAGE, "message", WMS_HAS_ALL | WMS_TAKES_MESSAGE | WMS_REPEATABLE) \
    X(F, REBOOT, "reboot", WMS_ON_SERVER | WMS_ON_SERVERS) \
    X(F, POWER_OFF, "power_off", WMS_ON_SERVER | WMS_ON_SERVERS) \
    X(F, THUMBNAIL, "thumbnail", WMS_HAS_ALL | WMS_REPEATABLE | WMS_HAS_THUMBNAIL) \
    X(F, WAKE, "wake", WMS_ON_SERVER | WMS_ON_SERVERS | WMS_VERIFIES)

/* The same without the traits: X(NAME, word). */
#define WMS_VERB_PAIR(X, name, word, traits) X(name, word)
#define WMS_VERBS(X)                         WMS_VERB_ROWS(WMS_VERB_PAIR, X)

enum wms_verb {
#define WMS_X(name, word) WMS_##name,
    WMS_VERBS(WMS_X)
#undef WMS_X
};
/* "sessions", "unlock", ...; the reverse returns -1 for a name that is none. */
WMS_API const char *wms_verb_name(enum wms_verb verb);
WMS_API int wms_verb_from_name(const char *name);
/* Bits of enum wms_verb_trait; 0 if it is no verb. */
WMS_API unsigned wms_verb_traits(enum wms_verb verb);

/* Something that is about to be sent. */
typedef struct wms_action {
    enum wms_verb verb;
    const char *server; /* as the caller gave it, but host names and schemes are in lower case, and
                           have no last dot */
    const wms_id *id; /* NULL: the server as a whole: a verb of WMS_ON_SERVER, or before it is asked
                         which sessions it has */
    const char *interface_name, *operation; /* WMS_CALL; else NULL */
} wms_action;

/* The guard is asked before anything is sent: nonzero refuses, and the session's outcome is
 * ACCESS_DENIED.  It must not call the engine.  NULL removes it. */
typedef int (*wms_guard)(void *data, const wms_action *action);
WMS_API void wms_engine_guard(wms_engine *engine, wms_guard guard, void *data);

/* Lets a wms_request_wait() that is under way return 0 as soon as it can: for a log that wants to
 * be read.  The one function that a guard and a log may call. */
WMS_API void wms_engine_wake(wms_engine *engine);

/* The log is told what the engine does (connections, retries, refusals; never a secret): a level
 * and one line.  It must not call the engine.  NULL removes it. */
enum wms_level { WMS_DEBUG, WMS_INFO, WMS_WARNING };
typedef void (*wms_log)(void *data, enum wms_level level, const char *text);
WMS_API void wms_engine_log(wms_engine *engine, wms_log log, void *data);

/* For a program's own event loop: a descriptor that is readable when wms_engine_step() has
 * something to do, or there is news that came after the program had read all of it by
 * wms_engine_news().  It drives the engine and all of its requests; it belongs to the engine, and
 * stays the same until a fork.  Errors: BUSY (called from a guard or a log), NO_MEMORY, INTERNAL
 * (no descriptor left). */
WMS_API int wms_engine_fd(wms_engine *engine);
/* Does what can be done without waiting.  Errors: BUSY (called from a guard or a log), INTERNAL. */
WMS_API int wms_engine_step(wms_engine *engine);
/* Runs the engine until some request has news (1), or wms_engine_wake() was called or `seconds`
 * have passed (0).  Negative seconds: no limit.  What a provider serves others by this engine is
 * carried out meanwhile, and is no news.  Errors: BUSY (called from a guard or a log),
 * NO_MEMORY, INTERNAL (no descriptor left, or nothing could ever happen). */
WMS_API int wms_engine_wait(wms_engine *engine, double seconds);
/* The next request that has news: it is done, or needs its caller as wms_request_wait() says.  1
 * and *ret_request (the caller gets no reference), each once for each time that wms_request_step()
 * has taken its news, or 0: no other.  Errors: BUSY (called from a guard or a log). */
WMS_API int wms_engine_news(wms_engine *engine, wms_request **ret_request);

/* Since 0.3: the NATS servers, for nats:// hosts.  NULL: not given, unless something else is said.
 * Files are read when a connection is made.  Initialize it with WMS_NATS_INIT. */
typedef struct wms_nats {
    size_t size;                /* sizeof (wms_nats) */
    const char *const *servers; /* "nats://HOST:PORT" or "tls://HOST:PORT", one or more; ended by
                                   NULL.  Without TLS only if each is this machine */
    const char *name; /* who asks: letters, digits, "-" and "_", at most 64; NULL: anonymous */
    const char *credentials;               /* a .creds file: a JWT and its seed */
    const char *nkey;                      /* a file with a user's seed (NKEY) */
    const char *user_name, *password_file; /* both or none; of the file, the first line */
    const char *ca; /* PEM; who vouches for the servers, beside the authorities of the system */
    const char *certificate, *key; /* PEM, for servers that want one; both or none */
} wms_nats;

#define WMS_NATS_INIT \
    { \
        sizeof(wms_nats), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    }

/* Options for connections to hosts on the network; providers that have no use for one ignore it. */
typedef struct wms_transport {
    unsigned connections; /* at most so many to one host at a time: 1 to 64; default 4 */
    size_t answer_size;   /* an answer of more bytes is refused: 1024 to 1 GB; default 8,000,000 */
    const char *proxy; /* NULL: none, whatever the environment says; "environment": what it says; or
                          a URL */
    /* Since 0.3: the program that takes the place of OpenSSH's "ssh", with its first arguments;
     * ended by NULL.  It is looked for in PATH unless it has a slash.  NULL: "ssh" alone. */
    const char *const *ssh_command;
    const wms_nats *nats; /* since 0.3; NULL: there are none, and nats:// hosts are NOT_BOUND */
} wms_transport;

/* Sets it for connections that are made from now on.  `proxy`, `ssh_command` and `nats` are copied.
 * Errors: INVALID, NO_MEMORY. */
WMS_INLINE int wms_engine_transport(wms_engine *engine, const wms_transport *transport);
WMS_API int wms_engine_transport_sized(wms_engine *engine, const wms_transport *transport,
                                       size_t size);
/* Since 0.3.  wms_engine_transport_check(engine, &transport): whether wms_engine_transport() would
 * take it; changes nothing.  Errors: INVALID. */
WMS_API int wms_engine_transport_check_sized(wms_engine *engine, const wms_transport *transport,
                                             size_t size);

/* ---- values ---------------------------------------------------------------------------------- */

enum wms_kind { WMS_NIL, WMS_BOOLEAN, WMS_INTEGER, WMS_NATURAL, WMS_STRING, WMS_LIST, WMS_TABLE };

/* What a call is given, and what it returns: a tree. */
typedef struct wms_value {
    enum wms_kind kind;
    const char *name; /* of a field of a WMS_TABLE; else NULL */
    int64_t integer;  /* WMS_INTEGER, which is below zero; WMS_BOOLEAN: 0 or 1 */
    uint64_t natural; /* WMS_NATURAL */
    const char *text; /* WMS_STRING: any bytes, and a NUL behind them */
    const struct wms_value
        *items;  /* WMS_LIST, WMS_TABLE: one after the other; NULL if there are none */
    size_t size; /* of `text` without its NUL, or how many items there are */
} wms_value;

/* The field of that name of a WMS_TABLE, or NULL; also NULL if `table` is NULL or no WMS_TABLE. */
WMS_API const wms_value *wms_value_field(const wms_value *table, const char *name);
/* Wipes and frees a value that is the caller's. NULL is allowed. */
WMS_API void wms_value_free(wms_engine *engine, wms_value *value);

/* ---- bindings -------------------------------------------------------------------------------- */

/* A binding is the result of a WMS_BIND: what a client needs to talk to a host from then on.  It
 * names the host's certificate and holds the passwords that the host has given, never the
 * administrator's.
 *
 * Where they are kept: a file for each server, of mode 0600 in a folder of mode 0700; anything
 * wider is refused.  `folder` is copied.  NULL: in memory, for a program that has a store of its
 * own and uses the next two functions.  At first, and for "", it is $XDG_CONFIG_HOME/wms/bindings,
 * or ~/.config/wms/bindings.  A change of the place forgets the bindings in memory, and no
 * connection that was made before is used again.  Errors: NO_MEMORY. */
WMS_API int wms_engine_binding_folder(wms_engine *engine, const char *folder);
/* For an engine that keeps bindings in memory: sets the binding of `server` to a text that
 * wms_engine_binding_next() once returned (copied); `text` NULL: removes it.  A connection that was
 * made with another one is not used again.  Errors: INVALID (no address; no binding), NO_MEMORY. */
WMS_API int wms_engine_binding_put(wms_engine *engine, const char *server, const char *text,
                                   size_t size);
/* The next binding in memory that a command has made, each once: 1, and the server's name and the
 * binding's text (borrowed until the next call on this engine) for the program to store; 0: no
 * other. */
WMS_API int wms_engine_binding_next(wms_engine *engine, const char **ret_server,
                                    const char **ret_text, size_t *ret_size);
/* The name under which a server's binding is kept, which is an address as well: written to `name`
 * (size at least 300). Errors: INVALID (not an address). */
WMS_API int wms_engine_binding_name(wms_engine *engine, const char *server, char *name,
                                    size_t size);

/* All bindings: a WMS_LIST of tables, each with `server` and what its provider keeps, but for the
 * secrets; ordered by server. One that cannot be read has a table `error` of `code` (a name) and
 * `message` instead.  The caller gives the list to wms_value_free().  Errors: UNTRUSTED,
 * ACCESS_DENIED, INTERNAL (wms_engine_complaint() tells what is wrong with the folder), NO_MEMORY.
 */
WMS_API int wms_bindings(wms_engine *engine, wms_value **ret_list);
/* Forgets the binding of `server`, and no connection that was made with it is used again.  Errors:
 * INVALID (not an address), NOT_BOUND (there is none), ACCESS_DENIED, INTERNAL (as above). */
WMS_API int wms_unbind(wms_engine *engine, const char *server);

/* ---- lists of servers ------------------------------------------------------------------------ */

/* Wherever a command takes servers, each of them is an expression: addresses; node sets as the
 * cluster tools write them ("lab[01-30].school.example", "lab[1-9/2,15]"); groups ("@room1"); and
 * between them ',' (and), '!' (without), '&' (only what is also in) or '^' (what is in one of
 * both), from left to right.  One that begins with '!' takes what the rest of it means out of the
 * whole list, wherever it stands.  In the path of an address ("logind:///run/a,b") none of this
 * means anything, so an address with a path ends an expression.  Each server counts once, under
 * the first of its addresses.  At most 100,000 servers. */

/* Since 0.3.  Defines the groups, in place of all that were defined before.  `groups` is a
 * WMS_TABLE (copied; NULL: none): a field's name is a group's (at most 64 letters, digits, '.', '_'
 * and '-'), its value a WMS_STRING, or a WMS_LIST of such, as a command takes servers, and groups
 * may name groups, at most 32 deep.  A group may be empty.  Errors: INVALID (wms_engine_complaint()
 * names the group and what is wrong; nothing has changed then), NO_MEMORY. */
WMS_API int wms_engine_groups(wms_engine *engine, const wms_value *groups);
/* Since 0.3.  Whether wms_engine_groups() would take them; changes nothing.  Errors: its own. */
WMS_API int wms_engine_groups_check(wms_engine *engine, const wms_value *groups);
/* Since 0.3.  Whether `server` is an expression, and no mere address (or NULL, or neither): 1 or 0.
 */
WMS_API int wms_is_expression(const char *server);
/* Since 0.3.  The servers that `count` expressions mean: a WMS_LIST of WMS_STRING, which the caller
 * gives to wms_value_free().  Errors: INVALID (not to be understood, or nothing is left),
 * NO_MEMORY.
 */
WMS_API int wms_engine_servers(wms_engine *engine, const char *const *servers, size_t count,
                               wms_value **ret_list);
/* ---- cards that can be woken ----------------------------------------------------------------- */

/* Since 0.3.  The network card of a host, for WMS_WAKE. */
typedef struct wms_magic {
    const char *server;  /* the host's address, as commands name it */
    const char *mac;     /* the card's: six pairs of hex digits, with ':' or '-' between them */
    const char *network; /* where the packet is sent, a numeric address: the network's broadcast
                            address, or an IPv6 multicast address with its interface, as in
                            "ff02::1%eth0" */
    unsigned port;       /* UDP; 0: 9 */
} wms_magic;

/* Since 0.3.  wms_engine_magics(engine, magics, count) sets the cards of all hosts that can be
 * woken, in place of those that were set before (copied). WMS_WAKE sends its packets to these
 * networks and nowhere else.  Errors: INVALID (nothing has changed then; the complaint names the
 * host), NO_MEMORY. */
WMS_API int wms_engine_magics_sized(wms_engine *engine, const wms_magic *magics, size_t count,
                                    size_t size);

/* ---- commands -------------------------------------------------------------------------------- */

/* Since 0.3.  How large the pictures of WMS_THUMBNAIL are to be, as X(NAME, word): the host decides
 * how many pixels that is. */
#define WMS_THUMBNAIL_SIZES(X) \
    X(SMALL, "small") \
    X(MEDIUM, "medium") \
    X(LARGE, "large") \
    X(FULL, "full") /* the whole screen, as it is */

enum wms_thumbnail_size {
#define WMS_X(name, word) WMS_THUMBNAIL_##name,
    WMS_THUMBNAIL_SIZES(WMS_X)
#undef WMS_X
};
/* "small", ...; the reverse returns -1 for a name that is none. */
WMS_API const char *wms_thumbnail_size_name(enum wms_thumbnail_size size);
WMS_API int wms_thumbnail_size_from_name(const char *name);

/* One session on one server. */
typedef struct wms_target {
    const char *server;
    wms_id id;
} wms_target;

/* Which certificate a host is expected to have. */
typedef struct wms_pin {
    const char *server;      /* its address */
    const char *fingerprint; /* as that of a wms_command */
} wms_pin;

/* A command.  Initialize it with wms_command_init(), then set the members that are to have other
 * values.  Everything it points to may be freed when wms_start() has returned. */
typedef struct wms_command {
    size_t size; /* of this struct, as the program's header has it */
    enum wms_verb verb;
    bool all; /* every session that the host lets us control; without it, `ids` or `targets`
                 (optional for WMS_SESSIONS) */
    const char *const *servers; /* addresses, node sets, groups; none: this machine */
    size_t server_count;
    const wms_id *ids; /* each of these on each of the servers */
    size_t id_count;
    const wms_target *targets; /* instead of servers and ids: sessions that know their server */
    size_t target_count;
    const char *message; /* WMS_LOCK and WMS_MESSAGE: what the users see; required there */
    double timeout;      /* seconds for a server to be reached, and then for each next answer of it;
                            default 30 */
    double verify; /* seconds to wait for the state asked for after the host's answer; WMS_WAKE: for
                      the host to answer; negative: do not verify, as for WMS_MESSAGE: no host tells
                      what is on a screen */
    double stable; /* seconds to watch that it stays so; negative: do not watch; WMS_LOCK and
                      WMS_UNLOCK only */
    unsigned concurrency; /* servers at a time; default 32.  Hosts on NATS, which share a
                             connection, do not count, but for WMS_THUMBNAIL */
    bool stop_on_error;   /* one session at a time, nothing more after the first failure */
    bool what_if;         /* find out what would be done, change nothing */
    bool ask;             /* hold every action until wms_request_permit() */
    bool follow;          /* wms_request_wait() also returns when an outcome is there for
                             wms_request_next_outcome() */

    /* Verbs on servers as a whole have no ids. */
    const char *interface_name, *operation; /* WMS_CALL: of the host's protocol */
    const wms_value
        *arguments; /* WMS_CALL: a WMS_TABLE by the protocol's names, at most 32 deep; NULL: none */
    const char *user_name;   /* WMS_BIND: an administrator's name there */
    const char *password;    /* WMS_BIND: wiped when it has been sent; NULL: see
                                wms_request_wants_password() */
    const char *fingerprint; /* WMS_BIND: SHA-256 of the certificate that is expected, in hex; NULL:
                                the bind fails with UNTRUSTED, and returns it */
    bool management;         /* WMS_BIND: keep the elevated password, too; WMS_CALL (since 0.3): use
                                it, also where the ordinary one would do; NOT_BOUND without it */

    const char *title; /* WMS_MESSAGE: above the message, at most 1,024 bytes of UTF-8 without
                          control characters; NULL: the host's own, or none */

    /* Since 0.2. */
    double deadline; /* seconds for the whole command: what was not sent by then is WMS_SKIPPED with
                        the code TIMEOUT, what was sent without an answer WMS_UNKNOWN, and what is
                        not verified yet UNVERIFIED; negative: none */
    /* Arrays with one element for each of `targets`, or NULL.  A string may be NULL: not known.
     */
    const char *const *target_user_names; /* for the outcome, where the host does not tell */
    const char *const *target_identities; /* of the session that is meant: not of another one that
                                             has its id by now */
    const bool *target_servers; /* true: not a session, but every session of the target's server
                                   that the host lets us control; its `id` means nothing */
    bool own;    /* the caller's own session on each of the servers, instead of ids */
    bool choose; /* hold each server's list until wms_request_choose() has answered for each
                    session; with `all`, or WMS_SESSIONS without ids */
    bool some; /* with `all`: the sessions that will be chosen do not stand for all of the server's,
                  so the host is told nothing that holds for all of them */
    const char *certificate_name; /* WMS_BIND: the name that the host's certificate must be issued
                                     to, where that is not the name in its address: for numeric
                                     addresses, short names, tunnels; NULL: the address's */
    const char *thumbprint; /* WMS_BIND: SHA-1 of the certificate, as Windows shows it, which must
                               match in addition to the fingerprint; without a fingerprint it
                               confirms nothing; NULL: any */

    /* Since 0.3. */
    const wms_pin *pins; /* WMS_BIND: fingerprints of single hosts, in place of `fingerprint`;
                            those of other hosts than the command's are ignored */
    size_t pin_count;
    unsigned
        retries;   /* how often a session, or the question for a server's sessions, is tried again
                      after UNREACHABLE, TIMEOUT, BUSY, UNVERIFIED or REVERTED: after pauses of
                      0.5 s, 1 s and so on, up to 30 s, in which other servers have their turn.  A
                      message that was sent is not sent again; verbs that are not WMS_REPEATABLE
                      have none.  `deadline` counts for all tries together; default 0 */
    bool activity; /* WMS_SESSIONS, and with `choose`: `idle_since` also from hosts that have to be
                      asked about each session for it (MultiPoint) */
    const char *warn_message, *warn_title; /* WMS_CLOSE: shown in each session first, as by
                                              WMS_MESSAGE; NULL: no warning, no title */
    double warn_seconds; /* how long a session is left alone then, before it is closed; above 0
                            where there is a warning */
    enum wms_thumbnail_size thumbnail_size; /* WMS_THUMBNAIL; default WMS_THUMBNAIL_MEDIUM */
    /* WMS_BIND: the host is to tell this machine of changes, instead of being asked again and again
     * by wms_watch: see docs/hosts-multipoint.md.  Implies `management`. */
    const char *events_host_name; /* this machine's name, as the host reaches it; NULL: no events */
    unsigned events_port;         /* where programs on this machine wait for events */
    const char *events_address;   /* of this machine, for them to listen at; NULL: all it has */
    /* WMS_BIND of Veyon hosts, in place of a user's name and password. */
    const char *key_name; /* of the authentication key, as the hosts have its public part */
    const char *key_file; /* the path of the private key, which is read each time it is needed */
    const char *gateway;  /* where Veyon's WebAPI is; NULL: "http://127.0.0.1:11080".  By https://
                             `fingerprint` is that of its certificate, for all servers */
} wms_command;

WMS_INLINE void wms_command_init(wms_command *command, enum wms_verb verb);

/* Starts a command.  It may be done already when this returns.  Errors: INVALID, NO_MEMORY, BUSY
 * (called from a guard or a log).  What goes wrong with a server or a session is told by its
 * outcome, not here.  The caller owns one reference. */
WMS_API int wms_start(wms_engine *engine, const wms_command *command, wms_request **ret_request);

/* ---- requests -------------------------------------------------------------------------------- */

/* Releases the reference; a request that is not done is cancelled first. */
WMS_API wms_request *wms_request_unref(wms_request *request);

/* 1: every outcome is there; 0: not yet; FORKED: the request belongs to the parent process. */
WMS_API int wms_request_done(wms_request *request);

/* Runs the engine until the request is done (1), or needs its caller: an action waits for
 * permission, or (`follow`) an outcome is there, or wms_engine_wake() was called, or `seconds` have
 * passed (0).  Negative seconds: no limit.  Errors: FORKED, BUSY, NO_MEMORY, INTERNAL. */
WMS_API int wms_request_wait(wms_request *request, double seconds);

/* A descriptor of this request alone: readable when wms_engine_step() has something to do for it,
 * or the request has news.  A program may poll those of any number of its requests, and nothing
 * else; one that has many of them does better with wms_engine_fd(), which needs no descriptor for
 * each.  The engine's first one starts a thread of the engine, which waits in the program's place
 * and accesses nothing of it.  The descriptor belongs to the request: remove it from your loop
 * before the request is freed.  Errors: NO_MEMORY, FORKED, BUSY, INTERNAL (no descriptor or thread
 * left). */
WMS_API int wms_request_fd(wms_request *request);
/* As wms_engine_step(); also takes the news, so that the descriptor is no longer readable.  Errors:
 * FORKED, BUSY, INTERNAL. */
WMS_API int wms_request_step(wms_request *request);

/* Ends the request now: what was not sent is `skipped`, what was sent without an answer is
 * `unknown`. */
WMS_API void wms_request_cancel(wms_request *request);

/* With `ask`: the next action that waits for permission (1 and *ret_action, valid until it is
 * answered), or 0.  Then wms_request_permit() answers it; `refusal` is NULL to permit, or the
 * reason (copied) for the outcome's error text. */
WMS_INLINE int wms_request_held(wms_request *request, wms_action *ret_action);
WMS_API int wms_request_held_sized(wms_request *request, wms_action *ret_action, size_t size);
WMS_API void wms_request_permit(wms_request *request, const char *refusal);

/* A WMS_BIND without a password, once a host's certificate is found to be the expected one, and
 * the place of bindings to take one more (otherwise it ends without having asked): 1, and
 * wms_request_wait() returns 0 until wms_request_password() has been called; else 0.  It is asked
 * for once, for all hosts of the command. */
WMS_API int wms_request_wants_password(wms_request *request);
/* Since 0.3.  The server that needs it; of several, the first in the order asked.  NULL: none does.
 */
WMS_API const char *wms_request_password_server(wms_request *request);
/* The password (copied, and wiped when it has been sent; with several servers, when the request is
 * done), or NULL: there is none, and the request ends as CANCELLED with `refusal` (NULL: the code's
 * own text). */
WMS_API void wms_request_password(wms_request *request, const char *password, const char *refusal);

/* The one list of states: X(NAME, word).  A program that meets one it does not know goes by the
 * outcome's code. */
#define WMS_STATES(X) \
    X(REQUESTED, "requested") /* the host took the request */ \
    X(VERIFIED, "verified")   /* the host says that it is so */ \
    X(PLANNED, "planned")     /* what_if */ \
    X(FAILED, "failed")       /* refused or not reached */ \
    X(UNKNOWN, "unknown")     /* sent, and no answer came: it may still be carried out */ \
    X(SKIPPED, "skipped")     /* not sent, after a stop, a cancel, or the command's deadline */ \
    X(GONE, "gone")           /* with `all`: the session ended by itself meanwhile; no failure */

enum wms_state {
#define WMS_X(name, word) WMS_##name,
    WMS_STATES(WMS_X)
#undef WMS_X
};
WMS_API const char *wms_state_name(enum wms_state state);

/* Since 0.3.  The picture of a session's screen: a JPEG.  Its head was read, and no more of it:
 * what decodes it must not trust it. */
typedef struct wms_thumbnail {
    const void *data;
    size_t size;            /* bytes */
    unsigned width, height; /* pixels, as the JPEG says: 1 to 65535 */
    double time;            /* when it came: seconds since 1970 */
} wms_thumbnail;

typedef struct wms_outcome {
    const char *server;
    const wms_id *id;      /* NULL: the server as a whole */
    const char *user_name; /* NULL: not known */
    enum wms_state state;
    int changed; /* 1: the transition was seen; 0: the host said so already; -1: not verified */
    int code;    /* 0: as asked */
    const char *text;     /* for a person; NULL when code is 0 */
    const char *note;     /* what the caller should know although nothing failed; NULL: nothing */
    const char *identity; /* of the session, as in wms_session; NULL: not known */
    /* Since 0.3. */
    const wms_value *value; /* what a WMS_CALL or WMS_BIND has returned, also one that failed, as
                               wms_request_value() does; NULL: nothing */
    bool partial; /* of a server as a whole: it does not stand for all of its sessions, since the
                     caller was to choose among them, the verb is about the server itself, or some
                     have outcomes of their own beside it */
    const wms_thumbnail *thumbnail; /* of WMS_THUMBNAIL; NULL: the session has none now, as the host
                                   says, or the outcome's code tells why, or it was handed over: see
                                   wms_request_next_outcome() */
} wms_outcome;

/* How many outcomes there are; grows while the request runs, complete when it is done. */
WMS_API size_t wms_request_outcome_count(const wms_request *request);
/* How many there will be: 1 and *ret_total, or 0: not known yet, since servers have not told their
 * sessions. */
WMS_API int wms_request_total(const wms_request *request, size_t *ret_total);
/* Outcome number `index` (from 0) in the order asked, of a request that is done.  Errors: NOT_FOUND
 * (no such index, or not done), FORKED. */
WMS_INLINE int wms_request_outcome(const wms_request *request, size_t index,
                                   wms_outcome *ret_outcome);
WMS_API int wms_request_outcome_sized(const wms_request *request, size_t index,
                                      wms_outcome *ret_outcome, size_t size);
/* The next outcome in the order in which they came, each once: 1, or 0 when there is no other yet.
 * *ret_done: how many have been read with this one.
 *
 * Since 0.3.  A picture is handed over by this: it lives until the next call for this request, and
 * wms_request_outcome() does not have it any more.  With `follow`, a server is asked for its next
 * picture after the one before was handed over and that next call was made: so the memory for
 * pictures is that of one for each server that is worked with.  Without it, all of them are kept as
 * long as the request. */
WMS_INLINE int wms_request_next_outcome(wms_request *request, wms_outcome *ret_outcome,
                                        size_t *ret_done);
WMS_API int wms_request_next_outcome_sized(wms_request *request, wms_outcome *ret_outcome,
                                           size_t *ret_done, size_t size);

/* The properties of a session: X(field in C, name elsewhere).  The parts are in the order of the
 * struct, which only grows at its end. */
#define WMS_SESSION_STRINGS_1(X) \
    X(state, "state") \
    X(user_name, "user_name") \
    X(domain_name, "domain_name") \
    X(computer_name, "computer_name") \
    X(client_name, "client_name") \
    X(seat, "seat") \
    X(type, "type") \
    X(class_name, "class") \
    X(win_station, "win_station") \
    X(remote_host, "remote_host")
#define WMS_SESSION_FLAGS_1(X) \
    X(is_orchestratable, "is_orchestratable") \
    X(is_admin, "is_admin") \
    X(is_mog_user, "is_mog_user") \
    X(is_rail, "is_rail") \
    X(is_own, "is_own") \
    X(locked, "locked")
/* Since 0.2.  `identity`: what the host tells this session apart by from another one that gets the
 * same id later.  `spared`: why an action on all sessions leaves this one alone, although it may be
 * named by its id; only in lists that serve one. */
#define WMS_SESSION_STRINGS_2(X) \
    X(identity, "identity") \
    X(spared, "spared")
/* Since 0.2.  Seconds since 1970: since when the user is logged on, and since when he has done
 * nothing. */
#define WMS_SESSION_TIMES_2(X) \
    X(logon_time, "logon_time") \
    X(idle_since, "idle_since")
/* Since 0.2.  What a MultiPoint host says beyond the cmdlets: a standard user's; web limiting is
 * on; the host counts its screen as private; its desktop is shown to others. */
#define WMS_SESSION_FLAGS_2(X) \
    X(is_standard, "is_standard") \
    X(is_web_limited, "is_web_limited") \
    X(is_private, "is_private") \
    X(is_broadcasting, "is_broadcasting")
#define WMS_SESSION_STRINGS(X) WMS_SESSION_STRINGS_1(X) WMS_SESSION_STRINGS_2(X)
#define WMS_SESSION_FLAGS(X)   WMS_SESSION_FLAGS_1(X) WMS_SESSION_FLAGS_2(X)
#define WMS_SESSION_TIMES(X)   WMS_SESSION_TIMES_2(X)

typedef struct wms_session {
    wms_id id;
    const char *server;
#define WMS_X(field, name) const char *field; /* NULL: the host does not say */
    WMS_SESSION_STRINGS_1(WMS_X)
#undef WMS_X
    int64_t station_id;                       /* -1: none, or the host does not say */
#define WMS_X(field, name) signed char field; /* 0, 1, or -1: the host does not say */
    WMS_SESSION_FLAGS_1(WMS_X)
#undef WMS_X
#define WMS_X(field, name) const char *field; /* NULL: the host does not say */
    WMS_SESSION_STRINGS_2(WMS_X)
#undef WMS_X
#define WMS_X(field, name) double field; /* -1 (or 0): the host does not say */
    WMS_SESSION_TIMES_2(WMS_X)
#undef WMS_X
#define WMS_X(field, name) signed char field; /* 0, 1, or -1: the host does not say */
    WMS_SESSION_FLAGS_2(WMS_X)
#undef WMS_X
} wms_session;

/* Initializes a session of which nothing is known yet.  A zeroed struct would be another one:
 * exempt, and at station 0. */
static inline void wms_session_init(wms_session *session)
{
    session->id.text = NULL;
    session->id.number = 0;
    session->server = NULL;
    session->station_id = -1;
#define WMS_X(field, name) session->field = NULL;
    WMS_SESSION_STRINGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session->field = -1;
    WMS_SESSION_FLAGS(WMS_X)
#undef WMS_X
#define WMS_X(field, name) session->field = -1;
    WMS_SESSION_TIMES(WMS_X)
#undef WMS_X
}

/* The sessions that a WMS_SESSIONS request has found, by server in the order asked; complete when
 * it is done. Errors of wms_request_session(): NOT_FOUND (no such index, or not done), FORKED. */
WMS_API size_t wms_request_session_count(const wms_request *request);
WMS_INLINE int wms_request_session(const wms_request *request, size_t index,
                                   wms_session *ret_session);
WMS_API int wms_request_session_sized(const wms_request *request, size_t index,
                                      wms_session *ret_session, size_t size);

/* With `choose`, as wms_request_candidate(request, &session): the next listed session that is to be
 * chosen or left out (1 and *ret_session, valid until it is answered), or 0.  Then
 * wms_request_choose() answers.  What is left out is in no outcome. */
WMS_API int wms_request_candidate_sized(wms_request *request, wms_session *ret_session,
                                        size_t size);
WMS_API void wms_request_choose(wms_request *request, bool take);

/* What a WMS_CALL or WMS_BIND of one server (of several: of the first; see `value` of wms_outcome)
 * has returned: a WMS_TABLE that lives as long as the request, or NULL:
 * nothing.  A bind that fails with UNTRUSTED returns the `fingerprint` (SHA-256) and `thumbprint`
 * (SHA-1) of the certificate that was shown. */
WMS_API const wms_value *wms_request_value(wms_request *request);

/* What a person should read about the whole request. */
typedef struct wms_fault {
    int code;         /* of the first outcome that failed */
    const char *text; /* one line that names server and session, how many failed, and how many were
                         skipped */
    const char *server;
    const wms_id *id;
} wms_fault;

/* 0: done, and everything is as asked; 1 and *ret_fault: something is not, or it is not done.
 * Errors: FORKED. */
WMS_INLINE int wms_request_error(wms_request *request, wms_fault *ret_fault);
WMS_API int wms_request_error_sized(wms_request *request, wms_fault *ret_fault, size_t size);

/* ---- watches --------------------------------------------------------------------------------- */

/* Since 0.3, all of it.  A watch tells what happens to the sessions of servers: it connects to each
 * of them, stays connected, and comes back after a break.
 *
 * The one list of what it tells: X(NAME, word).  The first six are about a session, the others
 * about a server as a whole; a program that meets one it does not know ignores it. */
#define WMS_EVENTS(X) \
    X(OPENED, "opened")             /* the session is there */ \
    X(CLOSED, "closed")             /* it is not there any more; as it was last */ \
    X(LOCKED, "locked")             /* it was not locked, as far as was known, and is now */ \
    X(UNLOCKED, "unlocked")         /* it was locked, or that was not known */ \
    X(DISCONNECTED, "disconnected") /* it runs on without a screen */ \
    X(CONNECTED, "connected")       /* it was disconnected */ \
    X(READY, "ready")       /* the server is watched from here on; its sessions are known */ \
    X(LOST, "lost")         /* it is not watched any more, or could not be: the error tells why */ \
    X(BACK, "back")         /* it is watched again; what has changed meanwhile is told next */ \
    X(OVERFLOW, "overflow") /* events were dropped, since too many had not been read, or memory \
                               ran out: what is there now is what wms_watch_session() tells */

enum wms_event_kind {
#define WMS_X(name, word) WMS_EVENT_##name,
    WMS_EVENTS(WMS_X)
#undef WMS_X
};
WMS_API const char *wms_event_name(enum wms_event_kind kind);

/* What to watch.  Initialize it with wms_watching_init(). */
typedef struct wms_watching {
    size_t size;                /* of this struct, as the program's header has it */
    const char *const *servers; /* addresses, node sets, groups, as those of a command; none: this
                                   machine */
    size_t server_count;
    double timeout;       /* as that of a command, for each question; default 30 */
    unsigned concurrency; /* servers that are connected at a time; default 32 */
    size_t queue; /* events that wait to be read, at most; 1 to 10,000,000, default 10,000 */
    bool initial; /* the sessions that a server has at first are told, too, as WMS_EVENT_OPENED */
    bool ask;     /* hold each question for a server's sessions until wms_watch_permit() */
} wms_watching;

/* Begins to watch.  What goes wrong with a server is told by its events.  The caller owns one
 * reference; the watch keeps its engine.  The guard is asked as for WMS_SESSIONS each time that a
 * server is asked for its sessions.  Errors: INVALID, NO_MEMORY, INTERNAL (no descriptor left),
 * BUSY (called from a guard or a log). */
WMS_API int wms_watch_new(wms_engine *engine, const wms_watching *watching, wms_watch **ret_watch);
/* Ends it, and releases the reference. */
WMS_API wms_watch *wms_watch_unref(wms_watch *watch);

/* With `ask`, as wms_watch_held(watch, &action): the next question that waits for permission (1 and
 * *ret_action, valid until it is answered), or 0.  Then wms_watch_permit() answers it; `refusal` is
 * NULL to permit, or the reason (copied) why the server is not watched. */
WMS_API int wms_watch_held_sized(wms_watch *watch, wms_action *ret_action, size_t size);
WMS_API void wms_watch_permit(wms_watch *watch, const char *refusal);

/* Runs the engine until there is an event to read, or a question waits (1), or wms_engine_wake()
 * was called, or `seconds` have passed (0).  Negative seconds: no limit.  Errors: FORKED, BUSY,
 * INTERNAL. */
WMS_API int wms_watch_wait(wms_watch *watch, double seconds);
/* A descriptor as that of wms_request_fd(): also readable as long as there are events to read or
 * questions that wait.
 * Errors: its own. */
WMS_API int wms_watch_fd(wms_watch *watch);
/* As wms_engine_step().  Errors: FORKED, BUSY, INTERNAL. */
WMS_API int wms_watch_step(wms_watch *watch);
/* The next watch that has events, or a question that waits, each once: 1 and *ret_watch (the caller
 * gets no reference), or 0: no other.  It comes again when an event is added.  wms_engine_wait()
 * returns 1 for it, too. Errors: BUSY. */
WMS_API int wms_engine_watch_news(wms_engine *engine, wms_watch **ret_watch);

typedef struct wms_event {
    enum wms_event_kind kind;
    bool has_session;   /* it is about one: *ret_session is set */
    bool initial;       /* WMS_EVENT_OPENED: it was there when the watch began */
    double time;        /* when it was noticed: seconds since 1970 */
    const char *server; /* as the caller gave it; NULL: WMS_EVENT_OVERFLOW, which is about all */
    int code;           /* WMS_EVENT_LOST: why; else 0 */
    const char *text;   /* the same for a person; else NULL */
    size_t dropped;     /* WMS_EVENT_OVERFLOW: how many events at least */
} wms_event;

/* wms_watch_next(watch, &event, &session): the next event, each once: 1, *ret_event, and the
 * session that it is about as it was then (NULL is allowed), or 0: none yet.  Runs nothing. Strings
 * live until the next call for this watch. Errors: FORKED. */
WMS_API int wms_watch_next_sized(wms_watch *watch, wms_event *ret_event, size_t event_size,
                                 wms_session *ret_session, size_t session_size);

/* wms_watch_session(watch, index, &session): what is known now of all servers' sessions, by server
 * in the order asked; events that were not read yet are in it.  Of a server that is lost: what was
 * known last.  Nothing in it after a fork. Errors of wms_watch_session(): NOT_FOUND (no such
 * index), FORKED. */
WMS_API size_t wms_watch_session_count(const wms_watch *watch);
WMS_API int wms_watch_session_sized(wms_watch *watch, size_t index, wms_session *ret_session,
                                    size_t size);

/* How a server is: not reached yet (code 0), watched, or lost.  `server` lives as long as the
 * watch, `text` until the next call that runs the engine. */
typedef struct wms_watch_status {
    const char *server;
    bool watched;
    int code; /* lost: why; else 0 */
    const char *text;
} wms_watch_status;

WMS_API size_t wms_watch_server_count(const wms_watch *watch);
/* wms_watch_server(watch, index, &status).  Errors: NOT_FOUND (no such index), FORKED. */
WMS_API int wms_watch_server_sized(const wms_watch *watch, size_t index,
                                   wms_watch_status *ret_status, size_t size);

/* ---- how large the program's structs are ----------------------------------------------------- */

#ifndef WMS_NO_INLINE
static inline void wms_command_init(wms_command *command, enum wms_verb verb)
{
    memset(command, 0, sizeof *command);
    command->size = sizeof *command;
    command->verb = verb;
    command->timeout = 30;
    command->verify = -1;
    command->stable = -1;
    command->concurrency = 32;
    command->deadline = -1;
    command->thumbnail_size = WMS_THUMBNAIL_MEDIUM;
}

static inline int wms_engine_transport(wms_engine *engine, const wms_transport *transport)
{
    return wms_engine_transport_sized(engine, transport, sizeof *transport);
}

static inline int wms_engine_magics(wms_engine *engine, const wms_magic *magics, size_t count)
{
    return wms_engine_magics_sized(engine, magics, count, sizeof *magics);
}

static inline int wms_engine_transport_check(wms_engine *engine, const wms_transport *transport)
{
    return wms_engine_transport_check_sized(engine, transport, sizeof *transport);
}

static inline int wms_request_candidate(wms_request *request, wms_session *ret_session)
{
    return wms_request_candidate_sized(request, ret_session, sizeof *ret_session);
}

static inline int wms_request_held(wms_request *request, wms_action *ret_action)
{
    return wms_request_held_sized(request, ret_action, sizeof *ret_action);
}

static inline int wms_request_outcome(const wms_request *request, size_t index,
                                      wms_outcome *ret_outcome)
{
    return wms_request_outcome_sized(request, index, ret_outcome, sizeof *ret_outcome);
}

static inline int wms_request_next_outcome(wms_request *request, wms_outcome *ret_outcome,
                                           size_t *ret_done)
{
    return wms_request_next_outcome_sized(request, ret_outcome, ret_done, sizeof *ret_outcome);
}

static inline int wms_request_session(const wms_request *request, size_t index,
                                      wms_session *ret_session)
{
    return wms_request_session_sized(request, index, ret_session, sizeof *ret_session);
}

static inline int wms_request_error(wms_request *request, wms_fault *ret_fault)
{
    return wms_request_error_sized(request, ret_fault, sizeof *ret_fault);
}

static inline void wms_watching_init(wms_watching *watching)
{
    memset(watching, 0, sizeof *watching);
    watching->size = sizeof *watching;
    watching->timeout = 30;
    watching->concurrency = 32;
    watching->queue = 10000;
}

static inline int wms_watch_next(wms_watch *watch, wms_event *ret_event, wms_session *ret_session)
{
    return wms_watch_next_sized(watch, ret_event, sizeof *ret_event, ret_session,
                                sizeof *ret_session);
}

static inline int wms_watch_held(wms_watch *watch, wms_action *ret_action)
{
    return wms_watch_held_sized(watch, ret_action, sizeof *ret_action);
}

static inline int wms_watch_session(wms_watch *watch, size_t index, wms_session *ret_session)
{
    return wms_watch_session_sized(watch, index, ret_session, sizeof *ret_session);
}

static inline int wms_watch_server(const wms_watch *watch, size_t index,
                                   wms_watch_status *ret_status)
{
    return wms_watch_server_sized(watch, index, ret_status, sizeof *ret_status);
}
#endif

#ifdef __cplusplus
}
#endif
#endif
