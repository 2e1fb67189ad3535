/* SPDX-License-Identifier: MIT */
/* wms/provider.h - what a provider offers to the engine, and what the engine offers to a provider.
 *
 * A provider speaks the protocol of one kind of host.  It is a module without an undefined wms_*
 * symbol: it exports
 *
 *     const struct wms_provider *wms_provider_v1(void);
 *
 * and uses the engine only through the `struct wms_services` that it is given.  Everything runs in
 * the engine's thread.  No function may block, and none may let another thread call a service: a
 * `struct wms_work` is for libraries that block.
 *
 * Later versions append to structs.  A provider that was built with this header runs on later
 * versions: they read the sizes of its structs from its struct wms_provider.  A provider that is
 * newer than the engine checks with WMS_SERVICE() and WMS_GIVEN() before it calls or reads what the
 * engine may not have.  wms_value and struct wms_work stay as they are.
 */
#ifndef WMS_PROVIDER_H
#define WMS_PROVIDER_H

#include <wms.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WMS_PROVIDER_ABI   1u
#define WMS_PROVIDER_ENTRY "wms_provider_v1"

/* A server's address, parsed.  Strings live as long as the connection. */
struct wms_address {
    const char *text; /* as the caller gave it, for messages */
    const char *user; /* NULL: none given */
    const char *host; /* NULL: this machine */
    const char *path; /* NULL: none given; begins with '/' */
    unsigned port;    /* 0: none given */
};

/* Opaque structs of the engine. */
struct wms_link; /* one server, for as long as a connection to it is kept */
struct wms_timer;
struct wms_poll;

/* One question to a host: which sessions are there, one action on one session, or a call. */
struct wms_op {
    void *data; /* the provider's own, NULL at first */
    enum wms_verb
        verb; /* the command that it belongs to: also of a list that only serves an action */
    bool all; /* of a list: it begins an action on every session, which will be carried out (no
                 what_if) */
    const char *message; /* of a list with `all` for WMS_LOCK: what the users will see; else NULL */
    const char *title; /* of an act for WMS_MESSAGE: what stands above the message; NULL: the host's
                          own, or none */
    const char *identity; /* of an act: the `identity` that the session had when it was listed;
                             NULL: not known.  If the host's session of this id has another identity
                             by now, the answer is NOT_FOUND */
    bool activity; /* since 0.3, of a list: `idle_since` is wanted, even where the host has to
                      be asked about each session for it */
    enum wms_thumbnail_size thumbnail_size; /* since 0.3, of an act for WMS_THUMBNAIL */
};

/* An observation of the state of one session, now and after each change. */
struct wms_observer {
    void *data; /* the provider's own, NULL at first */
    enum wms_verb
        verb; /* what is to be verified: other parts of the session's state need not be observed */
    const char *identity; /* as that of an op: if the session of this id has another identity, the
                             one that is meant is gone; NULL: any identity */
};

/* A request to a server as a whole.  Strings live as long as the op. */
struct wms_call {
    enum wms_verb verb;
    const char *message;                    /* WMS_LOCK (for check() alone) */
    const char *interface_name, *operation; /* WMS_CALL */
    const wms_value
        *arguments; /* WMS_CALL: a WMS_TABLE, or NULL: none.  An empty one may be meant as a list */
    const char *user_name, *fingerprint; /* WMS_BIND; fingerprint NULL: none is expected */
    bool management; /* WMS_BIND: the elevated password is wanted, too; WMS_CALL:
                        it is to be used, also where the ordinary one would do */
    const char *certificate_name,
        *thumbprint; /* WMS_BIND, since 0.2: what else the certificate must be; NULL: nothing */
    /* WMS_BIND, since 0.3: where this machine is to be told of changes; NULL: nowhere, and no port.
     */
    const char *events_host_name, *events_address;
    unsigned events_port;
    /* WMS_BIND, since 0.3: a key in place of a user's password; NULL: none.  Either these are given
     * or user_name; `fingerprint` then is that of the gateway's certificate. */
    const char *key_name, *key_file, *gateway;
};

/* Since 0.3.  A command on sessions that a host carries out by itself, verification and all: see
 * command() of a provider.  Strings and arrays live as long as the op. */
struct wms_errand {
    enum wms_verb verb;
    bool all;          /* every session that the host lets us control; there are no ids then */
    const wms_id *ids; /* the sessions that are meant; each pair of id and identity once */
    const char *const *identities; /* one for each id, as that of an op; NULL: not known */
    size_t count;
    const char *message, *title; /* as those of an act; NULL: none */
    double timeout; /* the engine gives up when it has heard nothing for so many seconds: outcome()
                       and alive() begin them anew.  Whoever lets the host verify something tells by
                       alive() that it is at work */
    double verify, stable; /* as those of a wms_command; negative: not asked for */
    double deadline;       /* seconds that are left of the command's; the engine ends the op when
                              they are over, so that the host is to be done before; negative: none */
    unsigned retries; /* how often the host tries what has failed with a session again, as `retries`
                         of a wms_command says.  An outcome is final: the engine itself repeats only
                         an op that has failed as a whole */
};

/* A sight: the state of a session, as it was observed. */
struct wms_sight {
    bool present;       /* false: it is gone; the rest means nothing then */
    bool disconnected;  /* it runs on without a screen */
    signed char locked; /* 0, 1, or -1: the host cannot tell */
};

/* Since 0.3.  Somebody wants to know of all changes on a host. */
struct wms_watcher {
    void *data;   /* the provider's own, NULL at first */
    double again; /* set by watch(), or later: after so many seconds in which nothing was told, the
                     engine lists the sessions again, since not all changes are told; 0, as it is at
                     first: all are told.  It is read after each list */
};

/* Since 0.3.  A change of a session.  Initialize it with wms_change_init(). */
struct wms_change {
    const wms_id *id;     /* NULL: something has changed, and the host has to be asked what */
    const char *identity; /* as that of a session; NULL: not told */
    bool present;         /* false: the session is gone; the rest means nothing then */
    signed char locked; /* it is locked (1) or not (0) now; -1: this is not about that, or the host
                           does not say */
    const wms_session *session; /* all that is known of the session now, with its own `locked` (-1:
                                   as before), where that is known; NULL: the rest is as before */
    bool opened;                /* with `session`: it was opened just now, and this is how it was
                                   before the changes that follow */
};

static inline void wms_change_init(struct wms_change *change, const wms_id *id)
{
    change->id = id;
    change->identity = NULL;
    change->present = true;
    change->locked = -1;
    change->session = NULL;
    change->opened = false;
}

/* A call of a library that may block, for ever perhaps: it gets a thread.  A constant of the
 * module; the engine keeps a pointer to it.  `shared` is what the two sides share: the provider's
 * until begin() has returned and from done() on, the thread's in between.  What it holds must not
 * come from resize(), since a thread that hangs outlives the engine. */
struct wms_work {
    size_t size; /* of what is shared */
    /* run() releases something: it is called even when nobody waits for it any more, and when the
     * engine is freed (but not if no thread can be had then). */
    bool always;
    /* The engine's thread: run() is certain to follow.  This is the place for sent().  Not called
     * when nobody waits for it. NULL: nothing to do. */
    void (*begin)(void *shared);
    /* A thread of its own, with all signals blocked: may block, and calls no service. */
    void (*run)(void *shared);
    /* The engine's thread: run() has returned (0), or will not be called, since there is no thread
     * for it (NO_MEMORY, INTERNAL; begin() was not called then).  The provider ends it with
     * work_free(), here or later. */
    void (*done)(void *shared, int code);
    /* Any thread, or a forked child: frees what `shared` holds, before `shared` itself is freed;
     * calls no service.  In a child, not called for a call whose run() was under way in the parent:
     * `shared` may be half changed.  NULL: nothing to do. */
    void (*dispose)(void *shared);
};

/* Since 0.3.  Commands and watches of a provider's own, on hosts of whatever kind: for a provider
 * that serves others by this engine.  They are as those of wms.h, and the guard is asked about
 * them; but they are in no news of the program, and it need not know of them: whatever runs its
 * engine carries them out.
 *
 * Nothing is re-entered.  done() and told() are called from the engine's turn, never from inside a
 * function of the provider or a service, and may start, cancel and give back whatever they want,
 * themselves among it.  The functions may be called from all that the engine calls, but for the
 * functions of a wms_work, forked(), and retire(), where unref() and watch_unref() alone are
 * allowed.  `size` arguments are the sizes of the structs in the provider's headers.
 *
 * They hold no reference on the engine.  When the program has given its last one back, all that is
 * under way here ends, without done() or told(); then connections are closed, and the provider
 * gives back what it has started in its retire().  In a forked child they belong to the parent:
 * there they have ended, without done() or told(), when forked() is called, which gives them back.
 * What is not given back is freed with the engine. */
struct wms_requests {
    uint32_t size; /* how much of this struct there is: WMS_HAS() */

    /* Starts a command, which is copied; done(data) is called once, when it is done, later than
     * this returns.  Nobody could answer a question, so there is none: no `ask`, `choose` or
     * `follow`, and no WMS_BIND without a password.
     * Errors: INVALID (complaint() tells why), NO_MEMORY, INTERNAL (no descriptor left), BUSY (the
     * engine goes, or a guard or a log is asked just now). */
    int (*start)(wms_engine *engine, const wms_command *command, void (*done)(void *data),
                 void *data, wms_request **ret_request);
    /* Ends it soon: what was not sent is `skipped`, what was sent without an answer `unknown`.
     * done() follows all the same, unless it has been called. */
    void (*cancel)(wms_request *request);
    /* Gives it back, which ends it if it is not done; done() is not called any more.  NULL is
     * allowed. */
    void (*unref)(wms_request *request);
    /* Of one that is done: as the functions of wms.h.  What they give lives as long as the request.
     * Errors: NOT_FOUND (no such index, or not done), FORKED. */
    size_t (*outcome_count)(const wms_request *request);
    int (*outcome)(const wms_request *request, size_t index, wms_outcome *ret_outcome, size_t size);
    size_t (*session_count)(const wms_request *request);
    int (*session)(const wms_request *request, size_t index, wms_session *ret_session, size_t size);
    const wms_value *(*value)(wms_request *request);
    /* 0: as asked; 1 and *ret_fault: something is not, or it is not done. */
    int (*error)(wms_request *request, wms_fault *ret_fault, size_t size);

    /* Begins to watch, as wms_watch_new().  told(data) is called when there are events to be read;
     * and again when others have come after that.  Not with `ask`.  Errors: as start(). */
    int (*watch_new)(wms_engine *engine, const wms_watching *watching, void (*told)(void *data),
                     void *data, wms_watch **ret_watch);
    /* As wms_watch_next(): the next event, each once: 1, or 0: none yet.  Strings live until the
     * next call for this watch. */
    int (*watch_next)(wms_watch *watch, wms_event *ret_event, size_t event_size,
                      wms_session *ret_session, size_t session_size);
    /* What is known now of all servers' sessions, as wms_watch_session(). */
    size_t (*watch_session_count)(const wms_watch *watch);
    int (*watch_session)(wms_watch *watch, size_t index, wms_session *ret_session, size_t size);
    /* Ends it; told() is not called any more.  NULL is allowed. */
    void (*watch_unref)(wms_watch *watch);
    /* What was wrong with a command or a watch, after INVALID. */
    const char *(*complaint)(const wms_engine *engine);
};

enum { WMS_READABLE = 1, WMS_WRITABLE = 2 };

/* What the engine offers.  Later versions only append; `size` tells how much is there. */
struct wms_services {
    uint32_t abi;
    uint32_t size;

    /* Memory from the engine's allocator: resize(engine, NULL, n) allocates, resize(engine, p, 0)
     * frees. */
    void *(*resize)(wms_engine *engine, void *block, size_t size);
    void (*log)(wms_engine *engine, enum wms_level level, const char *text);

    /* A timer, stopped until it is set; NULL: out of memory.  `fire` may free it.  Negative seconds
     * stop it; 0: it fires in the loop's next round, after the descriptors that are ready. */
    struct wms_timer *(*timer_new)(wms_engine *engine, void (*fire)(void *data), void *data);
    void (*timer_set)(struct wms_timer *timer, double seconds);
    void (*timer_free)(struct wms_timer *timer); /* NULL is allowed */

    /* Watches a descriptor (through a duplicate, so the library may close its own at any time) for
     * WMS_READABLE and WMS_WRITABLE; `ready` may free it.  Errors of poll_new: NO_MEMORY, INTERNAL.
     */
    int (*poll_new)(wms_engine *engine, int fd, void (*ready)(void *data, int events), void *data,
                    struct wms_poll **ret_poll);
    int (*poll_set)(struct wms_poll *poll, int events); /* 0 pauses */
    void (*poll_free)(struct wms_poll *poll);           /* NULL is allowed */

    /* The connection is made.  To be called once, during connect() or later. */
    void (*up)(struct wms_link *link);
    /* The connection could not be made, or broke: the engine ends or repeats what was under way on
     * it, calls disconnect() later (never from inside this), and connects anew when it is needed
     * again.  Texts are copied. */
    void (*broken)(struct wms_link *link, int code, const char *text);

    /* The request is about to leave: from here on it may be carried out, whatever happens. */
    void (*sent)(struct wms_op *op);
    /* A user's name, a note for the caller, learnt by the way. Copied. */
    void (*user)(struct wms_op *op, const char *user_name);
    void (*note)(struct wms_op *op, const char *note);
    /* One session of a list (copied).  Errors: NO_MEMORY, PROTOCOL (an id that no host may have);
     * go on or answer with it. */
    int (*session)(struct wms_op *op, const wms_session *session);
    /* The host's answer: 0, or a code and one sentence without server or session (NULL: the code's
     * own).  Ends the op. */
    void (*answer)(struct wms_op *op, int code, const char *text);
    /* No answer will come.  Ends the op: `unknown` if it was sent, `failed` otherwise. */
    void (*lost)(struct wms_op *op, int code, const char *text);

    /* A sight of the observed session: first of its state now, then after each change.  An answer
     * to a question that was sent before observe() was called is not "now": a provider that polls
     * sends a question of its own for each observer. */
    void (*seen)(struct wms_observer *observer, const struct wms_sight *sight);
    /* It cannot be observed (any more).  Ends the observation; unobserve() is not called. */
    void (*blind)(struct wms_observer *observer, int code, const char *text);

    /* Instead of up(), for hosts that are reached with the first question only: the link may be
     * used.  up() follows with the first contact, or broken(), which then is as for a host that was
     * never reached. */
    void (*ready)(struct wms_link *link);
    /* Retires the connection: it gets no new work, and is closed when the rest of it is done; the
     * next command connects anew. */
    void (*retire)(struct wms_link *link);
    /* The host has answered a part of what the op asks: restarts its timeout. */
    void (*alive)(struct wms_op *op);

    /* The result of a call, a WMS_TABLE (copied, and wiped when the request is freed): once, before
     * answer(), also before one with an error.  Errors: NO_MEMORY. */
    int (*result)(struct wms_op *op, const wms_value *result);
    /* A WMS_BIND needs the password now: the engine passes it to secret(), once, never from inside
     * this.  No timeout runs meanwhile.  If the engine finds that it could not save a binding, it
     * ends the op instead (forget()). */
    void (*want)(struct wms_op *op);

    /* The binding of the link's server, a WMS_TABLE that save() was given once.  The provider gives
     * it back with drop(). Errors: NOT_BOUND, UNTRUSTED (its file is open to others),
     * ACCESS_DENIED, NO_MEMORY, INTERNAL; *ret_text then is one sentence, or NULL, and valid until
     * the next call of a service. */
    int (*load)(struct wms_link *link, wms_value **ret_binding, const char **ret_text);
    /* Keeps it (copied).  Its fields are strings, numbers and booleans; those of its table `secret`
     * are shown to nobody. Errors: as above but for NOT_BOUND. */
    int (*save)(struct wms_link *link, const wms_value *binding, const char **ret_text);
    void (*drop)(wms_engine *engine, wms_value *value); /* wipes and frees; NULL is allowed */

    /* A pointer that is this provider's in this engine, NULL at first; for its retire() and
     * forked() to free. */
    void **(*slot)(wms_engine *engine, const struct wms_provider *self);
    /* As wms_engine_transport() has set them; valid until it is called again. */
    const wms_transport *(*transport)(wms_engine *engine);

    /* A call that may block: work->size bytes, cleared and aligned for any type.  NULL: out of
     * memory. */
    void *(*work_new)(wms_engine *engine, const struct wms_work *work);
    /* Queues it, once.  At most 8 calls of an engine run at a time, and they begin in order.  What
     * follows comes later, never from inside this: begin(), run() and done(), or done() alone. */
    void (*work_start)(void *shared);
    /* Nobody waits for it any more; NULL is allowed.  Frees it at once: a queued call is then never
     * run, unless it is `always`.  While run() is under way it is freed when that has returned, and
     * done() is not called. */
    void (*work_free)(void *shared);

    /* Since 0.2: the sizes of the structs that the engine hands over, for WMS_GIVEN(). */
    uint32_t address_size, op_size, observer_size, call_size, transport_size;

    /* Since 0.2, for hosts that do not tell of changes: call it by wms_observe_by_polling(), once,
     * from observe().  The engine calls ask(data) the first time from inside this and, unless it
     * looks before an action, where one sight is enough, the next time 0.04 s after seen(), then
     * after intervals that grow by 1.5 up to 1 s.  ask() sends one question and returns; the answer
     * goes to seen() or blind(), from inside ask() or later. ask() is not called while an answer is
     * awaited, and never after a sight that is not `present`, after blind() or after unobserve().
     *
     * `data` is the provider's.  It must live until the provider calls blind() or the engine calls
     * unobserve(): the provider frees it then, with the question that is under way.  Returns 0, and
     * ask() may have called blind() then; or NO_MEMORY or INTERNAL: ask() was not called, and the
     * provider reports the error by blind(). */
    int (*observe_by_polling)(struct wms_observer *observer, void (*ask)(void *data), void *data);

    /* Since 0.3.  A change, as soon as it is known (copied): each one, also one that was undone at
     * once.  A change that names a session which nobody has reported yet makes the engine list the
     * sessions. */
    void (*changed)(struct wms_watcher *watcher, const struct wms_change *change);
    /* The host cannot be watched (any more).  Ends the watching; unwatch() is not called.
     * UNSUPPORTED: the engine lists the sessions again and again instead, for as long as the
     * connection lasts.  Other codes: changes may have been missed; the engine watches anew. */
    void (*unwatched)(struct wms_watcher *watcher, int code, const char *text);
    uint32_t watcher_size;

    /* Since 0.3.  As work_start(), for a call that is expected to block for long, such as one that
     * waits for events: it does not count among the eight, and gets a thread of its own at once.
     * The provider limits how many there are.  `always` means nothing for it. */
    void (*work_start_apart)(void *shared);
    /* Since 0.3.  The picture that a WMS_THUMBNAIL has asked for: a JPEG (copied), before answer();
     * not called where the session has none now.  Errors: PROTOCOL (it is no JPEG), NO_MEMORY;
     * answer with it. */
    int (*thumbnail)(struct wms_op *op, const void *data, size_t size);
    /* Shows each binding of all providers that can be read, as load() would give it, until look()
     * returns true; it lives until look() returns.  Errors: NO_MEMORY, UNTRUSTED, ACCESS_DENIED,
     * INTERNAL. */
    int (*search)(wms_engine *engine, bool (*look)(void *data, const wms_value *binding),
                  void *data);

    /* Since 0.3.  Of an op that command() has been given: what became of one session (copied), in
     * any order.  Read are its id, user_name, identity, state, changed, code, text and note.  In a
     * command on all sessions, each one that the host has acted on, or has left alone for a reason;
     * else each one that was asked for, by its id and, where both are known, its identity.  Errors:
     * NO_MEMORY; PROTOCOL (an id that no host may have, that was not asked for, or that has an
     * outcome already; a state that does not go with the code); go on, or end the op with it. */
    int (*outcome)(struct wms_op *op, const wms_outcome *outcome);
    uint32_t errand_size;
    const struct wms_requests *requests;
};

/* Has this engine a service of that name? */
#define WMS_SERVICE(services, name) WMS_HAS((services)->size, struct wms_services, name)
/* Has the struct wms_NAME that this engine hands over that member?  For example WMS_GIVEN(services,
 * op, identity); what 0.1.0 had is always there. */
#define WMS_GIVEN(services, name, member) \
    (WMS_SERVICE(services, name##_size) && \
     WMS_HAS((services)->name##_size, struct wms_##name, member))

/* The identity of the session that an act is about; NULL: not known, or the engine is one of 0.1.0.
 */
static inline const char *wms_op_identity(const struct wms_services *services,
                                          const struct wms_op *op)
{
    return WMS_GIVEN(services, op, identity) ? op->identity : NULL;
}

/* observe_by_polling(), or UNSUPPORTED from an engine that does not have it. */
static inline int wms_observe_by_polling(const struct wms_services *services,
                                         struct wms_observer *observer, void (*ask)(void *data),
                                         void *data)
{
    return WMS_SERVICE(services, observe_by_polling)
               ? services->observe_by_polling(observer, ask, data)
               : WMS_E_UNSUPPORTED;
}

/* What a provider offers.  It begins with WMS_PROVIDER_HEAD, which fills in what its compiler
 * knows: `abi`, `size`, and the sizes of other structs (in C++, assign the six).  From retire() on
 * everything is optional: NULL or 0. */
struct wms_provider {
    uint32_t abi;      /* WMS_PROVIDER_ABI */
    uint32_t size;     /* sizeof (struct wms_provider) */
    const char *name;  /* the scheme of its servers' addresses: lower-case letters, at most 31 */
    const char *needs; /* the libraries behind it, for messages; NULL: none */
    unsigned
        can; /* 1u << verb for each verb that its hosts can carry out; the others are UNSUPPORTED */
    unsigned in_flight; /* how many ops a connection takes at once; 0: any number */

    /* Begins to reach a server.  *ret_connection is the provider's; `link` lives until disconnect()
     * has returned. Answers by up() or broken(), perhaps before it returns; a negative return is as
     * broken() without a connection (the text is then the code's own, unless broken() has said it).
     */
    int (*connect)(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine, struct wms_link *link, const struct wms_address *address,
                   void **ret_connection);
    /* Frees the connection.  No op or observer is left on it.  With `forked`, this is a forked
     * child: it may only free memory and close descriptors. */
    void (*disconnect)(void *connection, bool forked);

    /* Asks for all sessions: session() for each, then answer().  With op->all it first tells the
     * host what holds for all of its sessions, where it has such a thing; sent() then. */
    void (*list)(void *connection, struct wms_op *op);
    /* Does one of unlock, lock, disconnect, close, message, thumbnail; `message` for lock and
     * message, whose title is op->title.  A thumbnail changes nothing, and is not reported by
     * sent(). Strings live as long as the op.  The provider itself, or its host,
     * refuses sessions that are exempt (ACCESS_DENIED) and ids that its hosts cannot have
     * (NOT_FOUND). */
    void (*act)(void *connection, struct wms_op *op, enum wms_verb verb, const wms_id *id,
                const char *message);
    /* The engine does not wait for this op any more (a timeout, a cancel): free what belongs to it,
     * never report it.  After a timeout the connection is retired: it gets no new work, and is
     * closed when the rest of it is done, so what must outlive it must be kept elsewhere.  Neither
     * this nor unobserve() may send anything: in a forked child they are called before
     * disconnect(), on a connection that belongs to the parent. */
    void (*forget)(void *connection, struct wms_op *op);

    void (*observe)(void *connection, struct wms_observer *observer, const wms_id *id);
    void (*unobserve)(void *connection, struct wms_observer *observer);

    /* The engine is being freed, all connections are closed: for providers that keep something for
     * each engine. */
    void (*retire)(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine);
    /* This is a forked child, and disconnect() has been called for every connection: what is kept
     * for this engine belongs to the parent, and may only be freed and closed. */
    void (*forked)(const struct wms_provider *self, const struct wms_services *services,
                   wms_engine *engine);

    /* Whether hosts of this kind could be asked that at all: for WMS_CALL, WMS_BIND and WMS_LOCK,
     * without a connection. 0, or INVALID and what is wrong: the argument and the fix.  wms_start()
     * returns it. */
    int (*check)(const struct wms_call *call, char *complaint, size_t size);
    /* Does a WMS_CALL or WMS_BIND: result(), then answer(); sent() as for act().  And, where `can`
     * has them, WMS_REBOOT and WMS_POWER_OFF, which have no result.  NULL: UNSUPPORTED. */
    void (*call)(void *connection, struct wms_op *op, const struct wms_call *call);
    /* The password that want() has asked for; it is wiped when this returns. */
    void (*secret)(void *connection, struct wms_op *op, const char *secret);
    unsigned default_port; /* an address with this port names the same binding as one without a
                              port; 0: none */
    /* Follows "NAME hosts cannot VERB a session: " where `can` lacks a verb: why, and which hosts
     * can.  NULL: nothing. */
    const char *cannot;
    /* Since 0.2: sizeof (wms_session) and sizeof (struct wms_sight); 0: only the members that 0.1.0
     * had are read. */
    uint32_t session_size, sight_size;

    /* Since 0.3.  Reports each change on the host from here on by changed(); the engine asks for
     * all sessions next, so that what list() is answered and what changed() tells make a whole.
     * While that question is under way, too, changes are reported.  NULL: the engine lists the
     * sessions again and again. */
    void (*watch)(void *connection, struct wms_watcher *watcher);
    /* Ends it; as forget(), it may not send anything in a forked child. */
    void (*unwatch)(void *connection, struct wms_watcher *watcher);
    uint32_t change_size; /* sizeof (struct wms_change) */

    /* Since 0.3, for hosts that carry out whole commands by themselves.  1u << verb for each verb
     * that command() takes, of those that act on sessions, but for WMS_THUMBNAIL.  The engine calls
     * command() for these in place of list(), observe() and act(), which it still needs: for
     * commands that look at single sessions first (a guard, `ask`, `choose`, `some`, `own`,
     * `what_if`, `stop_on_error`, a warning). */
    unsigned commands;
    /* Has the host do all of it: one op, which takes one place of `in_flight`.  sent() when it
     * leaves, outcome() for each session, then the end of the op:
     *     answer(op, 0): all has been told.  A session that was asked for, and of which nothing was
     *         told, breaks the protocol;
     *     answer(op, code): nothing was done to those of which nothing was told: each of them has
     *         failed with this code, or the server as a whole, if the command is on all sessions;
     *     lost(op, code): no more will come, as for other ops: they are `unknown` if it was sent.
     * What outcome() has taken stays.  If it has returned an error, the others are `unknown`,
     * however the op ends.  forget() may come at any time, as for other ops. */
    void (*command)(void *connection, struct wms_op *op, const struct wms_errand *errand);
    uint32_t outcome_size; /* sizeof (wms_outcome) */
    bool shared; /* since 0.3: its hosts share one connection, and what each costs while it is
                    waited for is next to nothing: a command asks all of them at once, whatever its
                    `concurrency`, but for pictures; and a watch likewise */
};

#define WMS_PROVIDER_HEAD \
    .abi = WMS_PROVIDER_ABI, .size = sizeof(struct wms_provider), \
    .session_size = sizeof(wms_session), .sight_size = sizeof(struct wms_sight), \
    .change_size = sizeof(struct wms_change), .outcome_size = sizeof(wms_outcome)

typedef const struct wms_provider *(*wms_provider_entry)(void);

/* For hosts that are linked with the engine and have an interface of their own (wms/memory.h): the
 * services outside of a call from the engine, and the text of wms_engine_complaint().  Whoever
 * calls a service like this, other than for memory, calls wms_engine_step() afterwards. */
WMS_API const struct wms_services *wms_engine_services(void);
WMS_API void wms_engine_complain(wms_engine *engine, const char *text);
/* The provider that is registered under this name, or NULL. */
WMS_API const struct wms_provider *wms_engine_registered(const wms_engine *engine,
                                                         const char *name);

#ifdef __cplusplus
}
#endif
#endif
