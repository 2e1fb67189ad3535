/* SPDX-License-Identifier: MIT */
/* veyon.h - what the parts of the Veyon provider share.
 *
 *     provider.c   the interface to the engine: connections, which are hosts
 *     bind.c       how a client gets its binding: key name, key file, gateway
 *     binding.c    what a binding holds, and the key file
 *     sessions.c   what a host tells of its session, all together: lists, and observing by polling
 *     actions.c    lock, unlock, message, close, pictures, features that a caller names
 *     features.c   the table of features
 *     host.c       one host: its tasks, its questions, its failure
 *     visit.c      a connection of the gateway's to a host: opened, used, given back
 *     gateway.c    one gateway, and how many connections it may have for us
 *     exchange.c   one question to a gateway, and its answer, by libcurl
 *     faults.c     what gateways and libcurl complain of, as wms codes
 *     answer.c     the formats: JSON, and the small picture
 *     listener.c   who has the gateway's end of a connection, if it is on this machine
 *     trust.c      whether a gateway is the one that is meant
 *     client.c     what there is once for each engine
 *
 * A host is asked through a gateway, which is Veyon's WebAPI, mostly on this machine: it opens a
 * connection to the host, a `visit` here, and tells of it whatever is asked.  A gateway has 32
 * places for visits, of all its users, and answers nobody when they are taken: so visits are
 * counted, given back, and kept no longer than needed.
 *
 * A command that a gateway has taken (200) may be lost on the way, and what it tells of a host may
 * be old: only a visit that was opened after the command shows what became of it.  So nothing here
 * says more than "requested" of a command, and observe() asks on a new visit after each.
 *
 * libcurl in the engine's loop is src/net's: everything here runs between net_enter() and
 * net_leave(), and only the outermost net_leave() handles answers.  Memory comes from the engine's
 * allocator, but for jansson's; what may have held the key is wiped before it is freed.
 */
#ifndef WMS_VEYON_H
#define WMS_VEYON_H

#include <time.h>

#include "net/net.h"
#include "veyon/answer.h"

enum {
    VEYON_PORT = 11100,
    VEYON_SENTENCE = 640,  /* size of a buffer for an error's text */
    VEYON_KEY_MAX = 32768, /* bytes of a key file */
    VEYON_VISITS_MAX = 28, /* at a gateway, which has 32 places */
    VEYON_UNSURE_MAX = 8,  /* authentications at a time of which a host that is off would occupy
                              each for 15 s */
    VEYON_UNASKED_MAX = 4, /* of these, such as were begun without asking whether the host is on */
    VEYON_LEFT_MAX = 4,    /* visits whose commands may not have been sent yet that a program leaves
                              when it ends, and the gateway ends after a minute: with the next
                              program's VEYON_VISITS_MAX they have the 32 places */
    VEYON_ASKING_MAX = 16, /* hosts of which it is asked at a time: each that is off takes 3 s */
    VEYON_JSON_MAX = 65536,   /* bytes of an answer */
    VEYON_GATEWAY_MAX = 254,  /* of its host, with the NUL */
    VEYON_KEY_NAME_MAX = 128, /* bytes of a key's name */
    VEYON_HOST_MAX = 300      /* of a host in a URL */
};
#define VEYON_NO_FORM       "the gateway's answer has not the form that it should have"
#define VEYON_SMALL_PICTURE "framebuffer?format=bmp&width=16&height=10"
#define VEYON_GATEWAY       "http://127.0.0.1:11080"

struct veyon_host;
struct veyon_visit;
struct veyon_gateway;

/* ---- client.c -------------------------------------------------------------------------------- */

/* What there is once for each engine. */
struct veyon {
    struct net net;
    struct node gateways;
    struct node failed;  /* hosts whose failure has to be reported to the engine */
    struct node dropped; /* exchanges that nobody waits for any more, to be freed */
    struct node due;     /* exchanges that are to be given to libcurl */
    struct node pumped;  /* hosts whose next question may be asked */
};

/* Errors: NO_MEMORY, INTERNAL (libcurl cannot be used; *ret_text says why). */
int veyon_client_new(const struct wms_services *services, wms_engine *engine,
                     struct veyon **ret_all, const char **ret_text);
void veyon_client_free(struct veyon *all);

/* ---- small things ---------------------------------------------------------------------------- */

/* NULL: out of memory. */
static inline char *veyon_copy(const struct veyon *all, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = net_alloc(&all->net, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

/* Wipes it before; NULL is allowed. */
static inline void veyon_free_secret(const struct veyon *all, char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        net_free(&all->net, text);
    }
}

/* Seconds of a clock that only goes forward. */
static inline double veyon_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* ---- listener.c ------------------------------------------------------------------------------ */

/* Whose is the other end of a connection of ours to a gateway on this machine: 0 if it is root's or
 * our own.  All addresses are numeric.  Errors: UNREACHABLE (nobody's), UNTRUSTED (another user's,
 * or it cannot be seen); `text` then is one sentence. */
int veyon_listener_check(const char *host, unsigned port, const char *our_host, unsigned our_port,
                         char text[VEYON_SENTENCE]);

/* ---- binding.c ------------------------------------------------------------------------------- */

struct veyon_binding {
    char *gateway, *key_name, *key_file;
    char *fingerprint; /* of the gateway's certificate; NULL: none was given */
};

/* Where a gateway is. */
struct veyon_place {
    bool secure; /* HTTPS */
    unsigned port;
    char host[VEYON_GATEWAY_MAX];
};

void veyon_binding_free(const struct veyon *all, struct veyon_binding *binding);
/* Reads it from the record of the engine.  Errors: INTERNAL (it is none), NO_MEMORY. */
int veyon_binding_read(const struct veyon *all, const wms_value *record,
                       struct veyon_binding *ret_binding);
/* Whether a gateway is asked for anything: it has to be HTTPS, or plain HTTP at an address of this
 * machine.  0, and where it is; or UNTRUSTED, or INVALID (it is no URL of a gateway); `text` then
 * is one sentence. */
int veyon_gateway_parse(const char *url, struct veyon_place *ret_place, char text[VEYON_SENTENCE]);
/* The body of an authentication with the key, in memory of the engine's, for veyon_free_secret().
 * Errors: NOT_BOUND (there is no such file, or no key in it), ACCESS_DENIED, UNTRUSTED (everybody
 * may read it), NO_MEMORY; `text` then is one sentence, without a part of the key. */
int veyon_binding_body(const struct veyon *all, const struct veyon_binding *binding,
                       char **ret_body, char text[VEYON_SENTENCE]);

/* ---- exchange.c ------------------------------------------------------------------------------ */

/* How an exchange ended. */
struct veyon_reply {
    int code;     /* 0: as asked */
    bool lost;    /* it was sent, and no answer came, or none that can be believed */
    bool general; /* the next question would fail in the same way: about the gateway, the visit */
    bool stale;   /* the gateway does not know the visit (any more): nothing was done */
    bool full;    /* the gateway has no place: nothing was done */
    bool no_picture; /* it has none yet */
    bool silent;     /* the host does not answer the gateway */
    bool unready;    /* its server has perhaps just begun, or is ending */
    const char *text;
    const char *data; /* the answer, if code is 0 */
    size_t size;
};

enum veyon_method { VEYON_GET, VEYON_POST, VEYON_PUT, VEYON_DELETE };

struct veyon_question {
    enum veyon_method method;
    const char *path;  /* below /api/v1/; copied */
    const char *body;  /* JSON, copied; NULL: none */
    struct wms_op *op; /* gets sent() when the question leaves, since it changes something; NULL: it
                          only reads */
    bool picture;      /* the answer is one, and may be as large as the engine allows */
};

struct veyon_exchange {
    struct net_transfer transfer;
    struct veyon *all;
    struct veyon_gateway *gateway;
    struct veyon_visit *visit; /* by which it is asked; NULL: it waits for one */
    enum veyon_method method;
    bool secret; /* its body holds the key */
    bool picture, started, too_large, again;
    bool fresh;      /* a connection was made for it */
    unsigned resent; /* how often it was asked anew, since its visit was over */
    char *path, *body;
    struct wms_op *op;
    char *answer;
    size_t length, size, most, head;
    int untrusted; /* why the gateway did not get the question: a code, or 0; `why` says more */
    char why[VEYON_SENTENCE];
    double began; /* when it was given to libcurl */
    double since; /* when the gateway had no place for it first; 0: not so */
    bool no_memory;
    struct curl_slist *headers;
    void (*done)(struct veyon_exchange *exchange, const struct veyon_reply *reply);
    void (*then)(struct veyon_exchange *exchange, const struct veyon_reply *reply); /* a task's */
    void *data; /* for done(); NULL: nobody waits for the answer */
};

/* A question that is not asked yet.  NULL: out of memory. */
struct veyon_exchange *veyon_exchange_new(struct veyon *all, const struct veyon_question *question,
                                          void (*done)(struct veyon_exchange *exchange,
                                                       const struct veyon_reply *reply),
                                          void *data);
/* Asks: done() is called once, later, unless it is dropped before; the exchange is freed then,
 * unless done() has kept it by veyon_exchange_again(). */
void veyon_exchange_start(struct veyon_exchange *exchange, struct veyon_gateway *gateway);
/* From done(): the same question will be started again. */
void veyon_exchange_again(struct veyon_exchange *exchange);
/* Ends one that was not started, with that reply. */
void veyon_exchange_refuse(struct veyon_exchange *exchange, const struct veyon_reply *reply);
/* Nobody waits for it any more.  Sends nothing.  NULL is allowed; returns NULL. */
struct veyon_exchange *veyon_drop(struct veyon_exchange *exchange);
void veyon_exchange_ended(struct veyon_exchange *exchange); /* libcurl is done with it */
bool veyon_exchanges_start(struct veyon *all); /* those that are due; true: there were any */
void veyon_exchanges_free(struct node *list);

/* ---- faults.c -------------------------------------------------------------------------------- */

/* Judges an exchange that has ended; *ret_reply may point into `buffer`. */
void veyon_judge(const struct veyon_exchange *exchange, struct veyon_reply *ret_reply,
                 char buffer[VEYON_SENTENCE]);

/* ---- gateway.c ------------------------------------------------------------------------------- */

struct veyon_gateway {
    struct node node; /* of veyon->gateways */
    struct veyon *all;
    struct node visits;  /* that have a place, the longest unused one first */
    struct node waiting; /* visits that wait for a place, or for their turn */
    size_t used;         /* places */
    struct net_peer peer;
    CURL *spare;             /* an easy handle to use again, or NULL */
    struct wms_timer *timer; /* the next visit is to be touched, or given back, or tried again */
    double full_until;       /* until then nothing is tried, since it has no place; 0: not so */
    bool due;                /* to be settled */
    struct veyon_place place;
    bool pinned, shown; /* a certificate is expected; one was shown last */
    unsigned char sha256[NET_SHA256], shown_sha256[NET_SHA256]; /* of it, if so */
    char url[];
};

/* The gateway of a binding that veyon_binding_read() or veyon_bind_check() has accepted, and its
 * `gateway` veyon_gateway_parse().  NULL: out of memory. */
struct veyon_gateway *veyon_gateway_get(struct veyon *all, const struct veyon_binding *binding);
void veyon_gateways_free(struct veyon *all);
/* Whether it has said less than half a second ago that it has no place. */
bool veyon_gateway_rests(const struct veyon_gateway *gateway);
/* Something has changed: in this turn, visits that wait begin, and what is not needed is given
 * back.
 */
static inline void veyon_gateway_settle(struct veyon_gateway *gateway)
{
    gateway->due = true;
}
/* It has said that it has no place: nothing is tried for half a second. */
static inline void veyon_gateway_full(struct veyon_gateway *gateway)
{
    gateway->full_until = veyon_now() + 0.5;
    veyon_gateway_settle(gateway);
}
/* Does what is due, for all gateways. */
void veyon_gateways_settle(struct veyon *all);

/* ---- trust.c --------------------------------------------------------------------------------- */

/* Whether this machine could ask the gateway: 0, or INTERNAL (this libcurl has no HTTPS that will
 * do) and one sentence. */
int veyon_trust_check(const struct veyon_gateway *gateway, char text[VEYON_SENTENCE]);
/* Sets up the handle for a gateway by HTTPS; nothing for others. */
CURLcode veyon_trust_set(CURL *easy, struct veyon_gateway *gateway);
/* Whether the question may leave now, by the connection that there is, with that end of ours: 0, or
 * a code, and one sentence in `why`.  By HTTPS it is UNTRUSTED; else see veyon_listener_check(). */
int veyon_trust_leaves(struct veyon_exchange *exchange, const char *our_host, unsigned our_port);
/* What to say when libcurl has refused the gateway's certificate. */
void veyon_trust_complain(const struct veyon_gateway *gateway, char text[VEYON_SENTENCE]);

/* ---- visit.c --------------------------------------------------------------------------------- */

enum veyon_stage {
    VEYON_WAITING,  /* for a place at the gateway */
    VEYON_ASKING,   /* whether the host is on */
    VEYON_OPENING,  /* the gateway authenticates itself at the host */
    VEYON_ARRIVING, /* it does not know yet who is there */
    VEYON_READY,
    VEYON_LEAVING, /* it is being given back */
    VEYON_OVER     /* the gateway does not have it (any more) */
};

/* What the gateway says of a host, without trying the key. */
enum veyon_hint {
    VEYON_UNASKED,
    VEYON_ON, /* Veyon answers there */
    VEYON_OFF /* nobody does, or it was not found out */
};

struct veyon_visit {
    struct node node; /* of the gateway's visits, or of those that wait */
    struct veyon_gateway *gateway;
    struct veyon_host *host;             /* by which it may be used for long; NULL: none */
    const struct veyon_binding *binding; /* the owner's, as long as there is one */
    void *owner;                         /* NULL: nobody needs it any more */
    void (*arrived)(struct veyon_visit *visit);
    /* It has ended; it is freed when this returns. */
    void (*refused)(struct veyon_visit *visit, const struct veyon_reply *reply);
    enum veyon_stage stage;
    enum veyon_hint hint;
    bool if_on; /* the owner needs it only if the host is on: it is refused as silent if not */
    struct veyon_exchange *own;     /* of ours, or NULL */
    struct veyon_exchange *current; /* of a task's, or NULL */
    struct wms_timer *timer;        /* asks again while it arrives */
    bool changed;                   /* a command was sent by it */
    double commanded;               /* when the last one was sent, or answered */
    bool unready; /* it was opened in vain, since the host's server was not ready */
    double since; /* when it began to wait for a place that the gateway says it has not; 0: no */
    double opened, used; /* when the host had let it in; when it was asked last */
    double pictured;     /* when it had a picture first; 0: not yet */
    struct veyon_person person;
    char uid[VEYON_UID];
    char place[VEYON_HOST_MAX]; /* the host in a URL */
};

/* A visit to the host, which begins when the gateway has a place for it.  NULL: out of memory. */
struct veyon_visit *
veyon_visit_new(struct veyon_gateway *gateway, const struct wms_address *address,
                const struct veyon_binding *binding, void *owner,
                void (*arrived)(struct veyon_visit *visit),
                void (*refused)(struct veyon_visit *visit, const struct veyon_reply *reply));
/* It has a place now: it is asked whether the host is on, or, which may take 15 s, it is opened. */
void veyon_visit_ask(struct veyon_visit *visit);
void veyon_visit_open(struct veyon_visit *visit);
/* Its owner does not need it any more: it is given back as soon as nobody waits for an answer by
 * it, and the gateway has had time to send its commands.  NULL is allowed; returns NULL. */
struct veyon_visit *veyon_visit_leave(struct veyon_visit *visit);
/* Its exchange has ended, or a while is over: if it has no owner, it is given back. */
void veyon_visit_rest(struct veyon_visit *visit);
/* Seconds until the gateway has surely sent its last command. */
double veyon_visit_unsent(const struct veyon_visit *visit);
/* The gateway does not have it any more. */
void veyon_visit_over(struct veyon_visit *visit);
/* Keeps it alive. */
void veyon_visit_touch(struct veyon_visit *visit);
void veyon_visit_free(struct veyon_visit *visit);

/* ---- host.c ---------------------------------------------------------------------------------- */

struct veyon_host {             /* one server that the engine talks to */
    struct node failed, pumped; /* in the lists of these names, or in none */
    struct veyon *all;
    struct wms_link *link;
    const struct wms_address *address;
    bool bound;
    struct veyon_binding binding; /* if `bound` */
    struct veyon_visit *visit;    /* NULL: none */
    struct node tasks;
    struct node questions;     /* exchanges that wait for the visit */
    bool reached;              /* the engine was told (up()) that a connection exists */
    bool told;                 /* the engine was told (broken()) of the failure */
    char computer[VEYON_NAME]; /* what it calls itself; "": it has not said so yet */
    uint32_t session;          /* the number that was told last, if `session_login` is not "" */
    char session_login[VEYON_NAME]; /* whose session that was */
    /* The session that was closed last: whether it is gone is seen by whose session is there, and
     * since when. */
    int64_t closed_uptime;
    char closed_login[VEYON_NAME];
    int failure;
    char failure_text[VEYON_SENTENCE];
};

/* What a host does for one op or observer; the first member of larger structs. */
struct veyon_task {
    struct node node; /* in the host's `tasks` */
    struct veyon_host *host;
    void **owner;                    /* the `data` of the op or observer, which points here */
    struct wms_op *op;               /* whose timeout begins anew with each answer; NULL: none's */
    struct veyon_exchange *exchange; /* under way, or NULL */
    void *data;                      /* of who asks */
    void (*free)(struct veyon_task *task); /* what it has beyond; NULL: nothing */
};

/* A zeroed task of `size` bytes for the op's or observer's `data`, or NULL. */
void *veyon_task_new(struct veyon_host *host, size_t size, void **owner,
                     void (*free)(struct veyon_task *task));
void veyon_task_end(struct veyon_task *task);

/* Asks the host by its visit, which is opened if there is none: done() of the exchange, whose
 * `data` is the task, is called later.  Errors: NO_MEMORY. */
int veyon_ask(struct veyon_task *task, const struct veyon_question *question,
              void (*done)(struct veyon_exchange *exchange, const struct veyon_reply *reply));
/* Whatever is asked from here on is asked by a visit that was opened after the last command. */
void veyon_host_refresh(struct veyon_host *host);
/* The host's visit tells nothing (any more): the next question is asked by another one. */
void veyon_host_forget_visit(struct veyon_host *host);
/* In this turn, its visit gets the next question, if it has none. */
static inline void veyon_host_pump(struct veyon_host *host)
{
    if (node_alone(&host->pumped)) {
        node_append(&host->all->pumped, &host->pumped);
    }
}
/* Does that, for all hosts. */
void veyon_hosts_pump(struct veyon *all);
/* 0 if the host is bound; loads the binding if there is one by now.  Errors: NOT_BOUND, and those
 * of load(); *ret_text says more, or is NULL. */
int veyon_host_bound(struct veyon_host *host, const char **ret_text);
/* The host was reached. */
void veyon_host_up(struct veyon_host *host);
/* The host cannot be used any more: the outermost net_leave() reports it. */
void veyon_host_fail(struct veyon_host *host, int code, const char *text);
/* Ends an op with a reply that reports an error. */
void veyon_reply_answer(struct veyon_host *host, struct wms_op *op,
                        const struct veyon_reply *reply);

/* ---- look.c ---------------------------------------------------------------------------------- */

enum veyon_part {
    VEYON_PERSON = 1,
    VEYON_MACHINE = 2,
    VEYON_SCREEN = 4,
    VEYON_INPUT = 8,
    VEYON_PICTURE = 16,
    VEYON_ALL_PARTS = 31
};

/* What a host tells of its session: asked for one after the other.  Part of a task. */
struct veyon_look {
    struct veyon_task *task;
    unsigned parts, asked; /* enum veyon_part */
    bool again;            /* on a second visit, since the first told nothing */
    void (*done)(struct veyon_task *task, const struct veyon_reply *reply);
    struct veyon_person person;
    struct veyon_machine machine; /* often nothing is known of it: then `session` is -1 */
    bool screen, input;           /* the features that lock are active */
    signed char picture;          /* it is that of a locked screen: 1, 0, or -1: there is none */
    int64_t uptime;               /* of the session; -1: not told */
};

/* Asks for the parts, of which VEYON_PERSON is one; done() comes later.  Errors: as veyon_ask(). */
int veyon_look(struct veyon_look *look, struct veyon_task *task, unsigned parts,
               void (*done)(struct veyon_task *task, const struct veyon_reply *reply));
/* 1: picture and feature say that it is locked; 0: all say that it is not; -1: they differ. */
signed char veyon_look_locked(const struct veyon_look *look);
/* The number of the session. */
uint32_t veyon_look_session(const struct veyon_look *look);
/* Whether a session with that uptime is another one than the one that had the other before. */
bool veyon_is_younger(int64_t uptime, int64_t before);

/* ---- features.c ------------------------------------------------------------------------------ */

/* The one list of features that may be used: X(NAME, "Name", "uuid", what it takes).  Others are
 * misuse; Screenshot above all, which ends the gateway's process. */
#define VEYON_FEATURES(X) \
    X(SCREEN_LOCK, "ScreenLock", "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79", SWITCH) \
    X(INPUT_LOCK, "InputDevicesLock", "e4a77879-e544-4fec-bc18-e534f33b934c", SWITCH) \
    X(MESSAGE, "TextMessage", "e75ae9c8-ac17-4d00-8f0d-019348346208", TEXT) \
    X(LOGOFF, "UserLogoff", "7311d43d-ab53-439e-a03a-8cb25f7ed526", NOTHING) \
    X(REBOOT, "Reboot", "4f7d98f0-395a-4fff-b968-e49b8d0f748c", NOTHING) \
    X(POWER_DOWN, "PowerDown", "6f5a27a0-0e2f-496e-afcc-7aae62eede10", NOTHING) \
    X(POWER_DOWN_NOW, "PowerDownNow", "a88039f2-6716-40d8-b4e1-9f5cd48e91ed", NOTHING) \
    X(POWER_DOWN_CONFIRMED, "PowerDownConfirmed", "ea2406be-d5c7-42b8-9f04-53469d3cc34c", NOTHING) \
    X(POWER_DOWN_DELAYED, "PowerDownDelayed", "352de795-7fc4-4850-bc57-525bcb7033f5", SECONDS) \
    X(START_APP, "StartApp", "da9ca56a-b2ad-4fff-8f8a-929b2927b442", APPLICATIONS) \
    X(OPEN_WEBSITE, "OpenWebsite", "8a11a75d-b3db-48b6-b9cb-f8422ddd5b0c", WEBSITES)

enum veyon_feature {
#define WMS_X(name, word, uuid, takes) VEYON_##name,
    VEYON_FEATURES(WMS_X)
#undef WMS_X
        VEYON_FEATURE_COUNT
};
extern const char *const veyon_feature_uuid[VEYON_FEATURE_COUNT];
/* Whether a WMS_CALL is one of these: 0, or INVALID and the complaint. */
int veyon_feature_check(const struct wms_call *call, char *complaint, size_t size);
/* The body of a call that was checked, for net_free().  NULL: out of memory. */
char *veyon_feature_body(const struct veyon *all, const struct wms_call *call,
                         enum veyon_feature *ret_feature);
/* The bodies of commands, for net_free(): one that is only on or off, and a message, whose title
 * may be NULL.  NULL: out of memory. */
char *veyon_switch_body(const struct veyon *all, bool active);
char *veyon_message_body(const struct veyon *all, const char *title, const char *message);
/* Whether the host goes off by it, so that nothing can be asked afterwards. */
bool veyon_feature_ends(enum veyon_feature feature);

/* ---- sessions.c, actions.c, bind.c ----------------------------------------------------------- */

void veyon_list(struct veyon_host *host, struct wms_op *op);
void veyon_observe(struct veyon_host *host, struct wms_observer *observer, const wms_id *id);
void veyon_act(struct veyon_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
               const char *message);
void veyon_call(struct veyon_host *host, struct wms_op *op, const struct wms_call *call);
void veyon_bind(struct veyon_host *host, struct wms_op *op, const struct wms_call *call);
int veyon_bind_check(const struct wms_call *call, char *complaint, size_t size);

#endif
