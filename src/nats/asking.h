/* SPDX-License-Identifier: MIT */
/* asking.h - the provider's side: hosts that are asked, and what is asked of them.
 *
 *     client.c    once for each engine; a connection to the servers for each configuration, and who
 *                 gets what it hears
 *     ask.c       one question: it is repeated until it is answered
 *     host.c      a host, as the engine has connected to it; whether its agent is there
 *     command.c   lists, actions and whole commands
 *     observe.c   one session, by asking for it again and again
 *     watch.c     what an agent tells of its own accord
 *     call.c      calls: whether they could be meant, and who carries them out
 *     stored.c    wishes and presences in the store; buckets.c makes it
 *     faults.c    sentences
 *
 * An agent answers a question that it has answered before with the same answer.  So a question is
 * repeated as long as the engine waits for it.
 */
#ifndef WMS_NATS_ASKING_H
#define WMS_NATS_ASKING_H

#include <sys/types.h>
#include <wms/provider.h>

#include "core/node.h"
#include "nats/agent.h"
#include "nats/courier.h"
#include "nats/message.h"

enum { NATS_SENTENCE = 512 };

/* ---- what there is once for each engine ------------------------------------------------------ */

/* Elements by their number; the first member of each is its entry. */
struct nats_entry {
    struct nats_entry *chained;
    uint64_t number;
};

struct nats_table {
    struct nats_entry **slots;
    size_t size, count;
};

struct nats {
    const struct wms_services *services;
    wms_engine *engine;
    struct node clients; /* the first is that of the configuration that was used last */
    struct agents *agents;
    struct nats_reader reader;
    struct nats_text text; /* what is written just now */
};

int nats_new(const struct wms_services *services, wms_engine *engine, struct nats **ret_all);
void nats_free(struct nats *all, bool forked);
void *nats_alloc(struct nats *all, size_t size); /* cleared; NULL: out of memory */
void nats_release(struct nats *all, void *block);
double nats_now(void); /* seconds, of a clock that only goes on, also while the machine sleeps */

/* What the servers are given for one configuration; hosts that use it hold it. */
struct nats_client {
    struct nats *all;
    struct node node; /* of struct nats */
    char *key;        /* what tells this configuration from others */
    struct courier *courier;
    pid_t process;    /* that has made it */
    unsigned answers; /* the subscription */
    unsigned hosts;   /* how many hold it */
    char nonce[NATS_NONCE];
    bool reached; /* it was up once */
    bool dead;    /* it will not be tried again: `fault` tells why */
    int code;     /* why it is down; 0: not told yet */
    char fault[COURIER_SENTENCE];
    double since;     /* since when it is not up */
    double heard;     /* when it heard an answer last */
    struct node asks; /* all that wait for answers, in the order asked */
    struct nats_table by_number;
    struct nats_table heard_by; /* watches by subscription */
    struct node watches;
    struct wms_timer *timer;
    double interval; /* of the timer; 0: it is not set */
    unsigned char random[256];
    size_t random_left;
};

/* A number that nobody can guess; 0: there is none to be had. */
uint64_t nats_client_number(struct nats_client *client);

/* The client of what is configured now; the host holds it until nats_client_leave().  Errors:
 * NOT_BOUND, INVALID, NO_MEMORY, INTERNAL, and *ret_text (NULL: the code's own). */
int nats_client_join(struct nats *all, struct nats_client **ret_client, const char **ret_text);
void nats_client_leave(struct nats_client *client, bool forked);
/* Lets the timer run as often as is needed now. */
void nats_client_wind(struct nats_client *client);

struct nats_entry *nats_table_find(const struct nats_table *table, uint64_t number);
int nats_table_add(struct nats *all, struct nats_table *table, struct nats_entry *entry,
                   uint64_t number);
void nats_table_remove(struct nats_table *table, struct nats_entry *entry);
void nats_table_close(struct nats *all, struct nats_table *table);

/* ---- hosts ----------------------------------------------------------------------------------- */

struct nats_host {
    struct nats *all;
    struct wms_link *link;
    struct nats_client *client; /* NULL: nothing was asked yet */
    struct node asks, watches;
    struct nats_ask *presence; /* it is asked whether the agent is there; NULL: it is not */
    bool up;                   /* the engine knows that it has answered */
    bool told;                 /* the engine was told that the connection is broken */
    int failure;
    char failure_text[NATS_SENTENCE];
    char token[NATS_HOST];
};

/* Makes it have a client.  Errors: those of nats_client_join(). */
int nats_host_join(struct nats_host *host, const char **ret_text);
/* It has answered. */
void nats_host_up(struct nats_host *host);
void nats_host_broken(struct nats_host *host, int code, const char *text);
/* Asks whether its agent is there, for all questions that are in doubt, and for its watches. */
void nats_host_doubt(struct nats_host *host);
/* Whether a failure was told; `op` is then refused. */
bool nats_host_refuses(struct nats_host *host, struct wms_op *op);

/* ---- questions ------------------------------------------------------------------------------- */

struct nats_ask;

/* What to do with what comes.  `op` of the ask, or the owner's `data`, tells whom it is about. */
struct nats_way {
    bool sends;   /* it changes something: sent() is told */
    bool gathers; /* the parts of an answer are looked at when all are there */
    bool stored;  /* it is asked of JetStream: `heard` gets whatever comes, and ends the ask, or not
                   */
    /* A part of an answer that goes on, or ends there (`answer->more`); the ask is still there, and
     * ended by this when it is over. */
    void (*answered)(struct nats_ask *ask, const struct nats_answer *answer);
    void (*heard)(struct nats_ask *ask, const struct courier_message *message);
    /* It is over without an answer.  `lost`: it may have been carried out. The ask is freed, and
     * `op` and `data` are given. */
    void (*failed)(struct nats_host *host, struct wms_op *op, void *data, int code,
                   const char *text, bool lost);
};

struct nats_ask {
    struct nats_entry entry; /* the first member */
    struct node of_host, of_client;
    struct nats_host *host;
    const struct nats_way *way;
    enum wms_verb verb;
    struct wms_op *op;
    void *data;
    void **owner;        /* whoever points to the ask, set to NULL with its end */
    const char *subject; /* of what is asked of JetStream; else NULL */
    bool takes;          /* a key's value is to be taken away */
    bool quiet;          /* nothing was heard since it was published last */
    bool doubted;        /* it is asked whether the agent is there, since it was published last */
    unsigned published, unheard; /* how often; and how often nobody was there to hear it */
    double made, first,
        last;           /* when it was made, published first, and published or answered last */
    double pause, most; /* until it is repeated, and how long that may get */
    double limit;       /* how long the engine waits for an answer; 0: not known */
    double believed;    /* until when the host may say that it is at work */
    size_t heard;       /* bytes of outcomes so far */
    double give_up;     /* when it is over, unless somebody hears it; 0: not known yet */
    unsigned part;      /* of the answer that comes next */
    struct nats_text gathered; /* parts, each behind its size */
    struct nats_text picture;
    size_t size;
    char question[];
};

/* Asks a host: `verb` and `question`, which is copied as text.  It goes out now, or when there is a
 * connection.  *owner points to it then.  `limit`: how long the engine waits for it; 0: not known.
 * Errors: those of nats_host_join(), and what courier_publish() has; nothing was asked then. */
int nats_ask(struct nats_host *host, const struct nats_way *way, enum wms_verb verb,
             const struct nats_question *question, struct wms_op *op, void *data, double limit,
             void **owner, const char **ret_text);
/* Asks JetStream on behalf of a host: `subject` is copied. */
int nats_ask_store(struct nats_host *host, const struct nats_way *way, const char *subject,
                   const void *content, size_t size, bool takes, struct wms_op *op, void *data,
                   void **owner, const char **ret_text);
/* Ends it; nothing is told. */
void nats_ask_end(struct nats_ask *ask);
/* Ends it, and tells. */
void nats_ask_fail(struct nats_ask *ask, int code, const char *text, bool lost);
void nats_ask_heard(struct nats_ask *ask, const struct courier_message *message);
/* The servers do not let it out; a former one they may have. */
void nats_ask_refused(struct nats_ask *ask);
/* It is time to look after it. */
void nats_ask_tick(struct nats_ask *ask, double now);
/* The connection is up (again): it is published (again). */
void nats_ask_up(struct nats_ask *ask);
/* Whether the host's agent is there is known now, or cannot be known. */
void nats_ask_judge(struct nats_ask *ask, bool known, bool there);

/* ---- what the engine wants ------------------------------------------------------------------- */

/* For `failed` of struct nats_way: ends the op. */
void nats_op_failed(struct nats_host *host, struct wms_op *op, void *data, int code,
                    const char *text, bool lost);

void nats_list(struct nats_host *host, struct wms_op *op);
void nats_act(struct nats_host *host, struct wms_op *op, enum wms_verb verb, const wms_id *id,
              const char *message);
void nats_command(struct nats_host *host, struct wms_op *op, const struct wms_errand *errand);
void nats_end(struct nats_host *host, struct wms_op *op); /* reboot, power_off */

void nats_observe(struct nats_host *host, struct wms_observer *observer, const wms_id *id);
void nats_unobserve(struct nats_host *host, struct wms_observer *observer);

struct nats_watch;

void nats_watch(struct nats_host *host, struct wms_watcher *watcher);
void nats_unwatch(struct nats_host *host, struct wms_watcher *watcher);
void nats_watch_heard(struct nats_entry *entry, const struct courier_message *message);
void nats_watches_up(struct nats_client *client);
void nats_watches_tick(struct nats_client *client, double now);
/* The host's agent is there, or is not. */
void nats_watches_judge(struct nats_host *host, bool there, double beat);
/* The servers do not let this client hear that subject. */
void nats_watches_refuse(struct nats_client *client, const char *subject);
void nats_watches_end(struct nats_client *client, int code, const char *text);

int nats_check(const struct wms_call *call, char *complaint, size_t size);
void nats_call(struct nats_host *host, struct wms_op *op, const struct wms_call *call);
/* Whether an op of a call was given to the agents; it is forgotten then. */
bool nats_call_forget(struct nats_host *host, struct wms_op *op);

/* ---- sentences ------------------------------------------------------------------------------- */

/* Writes one for an answer that is none. */
const char *nats_blame_answer(char text[NATS_SENTENCE], const char *complaint);
const char *nats_blame_store(char text[NATS_SENTENCE], const struct nats_ack *ack);
extern const char nats_not_configured[], nats_no_store[], nats_no_right[], nats_no_answers[],
    nats_absence[];

#endif
