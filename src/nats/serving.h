/* SPDX-License-Identifier: MIT */
/* serving.h - what the parts of an agent share.
 *
 *     agent.c      the agents of an engine: begun, told of their connections, ended
 *     control.c    what the program that serves asks them: calls
 *     serve.c      questions: who may ask, what is carried out, the answer
 *     waiting.c    questions that wait for their turn
 *     answered.c   what was asked already, and what was answered
 *     tell.c       events: what happens on the server
 *     presence.c   that the agent is there, and what time it is on the servers
 *     wish.c       how the host is to be, as the store has it
 *     policy.c     who may ask for what
 *     tree.c       JSON as a tree of values
 *
 * Everything runs in the engine's thread, from the engine's loop: a message that was heard, a timer
 * that is due, a request of the agent's own that is done.  Nobody who asks is trusted beyond the
 * name that the subject vouches for. */
#ifndef WMS_NATS_SERVING_H
#define WMS_NATS_SERVING_H

#include "core/hash.h"
#include "core/node.h"
#include "nats/agent.h"
#include "nats/courier.h"
#include "nats/message.h"

enum {
    AGENT_UNDER_WAY_MAX = 64,    /* questions of one agent at a time; others wait */
    AGENT_ANSWERS_MAX = 10000,   /* that one agent remembers */
    AGENT_BYTES_MAX = 32 << 20,  /* of all answers that the agents of an engine remember */
    AGENT_ANSWER_KEPT = 4 << 20, /* bytes of an answer; a longer one is not remembered */
    AGENT_WHO_MAX = 10000,       /* names in a policy */
    AGENT_SHARES = 64,
    AGENT_ADDRESS_MAX = 256 /* bytes of the server's address */
};
#define AGENT_REMEMBERS 600.0 /* seconds */
#define AGENT_DOUBT     5.0   /* seconds that a question may be on its way */
#define AGENT_STOPS     3.0   /* seconds for what is under way when an agent is ended */
#define AGENT_WAIT      60.0  /* seconds after which a call that waits for a wish is answered */

/* ---- policy.c -------------------------------------------------------------------------------- */

struct policy {
    struct policy_row *rows; /* by name */
    size_t count;
    unsigned everyone; /* bits of the verbs that anyone may ask for */
};

/* 0, or INVALID and what is wrong with it. */
int policy_check(const wms_value *table, char *complaint, size_t size);
/* Makes one of a table that policy_check() has accepted.  Errors: NO_MEMORY. */
int policy_read(const struct nats_memory *memory, const wms_value *table,
                struct policy *ret_policy);
void policy_free(const struct nats_memory *memory, struct policy *policy);
bool policy_allows(const struct policy *policy, const char *who, enum wms_verb verb);

/* ---- answered.c ------------------------------------------------------------------------------ */

/* A question: under way, or answered. */
struct asked {
    struct asked *next; /* in its slot of `agents->slots` */
    uint64_t hash;
    struct agent *agent;
    struct node under_way; /* of agent->under_way, or of agent->waiting, or alone */
    struct node order;     /* of agents->order, oldest first; alone: it is not remembered */
    struct node mine;      /* of agent->remembered */
    double since;          /* when it came */
    double answered;
    enum wms_verb verb;
    bool waits;     /* for its turn */
    bool changes;   /* it is no query */
    bool doubtful;  /* it may have been carried out before it came here */
    bool forgotten; /* it was answered, and the answer was too long to be kept */
    bool all;
    char who[NATS_WHO];
    wms_request *request; /* NULL: it does not run */
    char *kept;           /* the question, while it waits */
    size_t kept_size;
    double started;
    char *parts; /* what was answered: for each part its size (a size_t) and bytes */
    size_t parts_size;
    char reply[]; /* where the answer goes: what it is told apart by */
};

/* The question with this reply subject; NULL: it is not known. */
struct asked *asked_find(const struct agent *agent, const char *reply);
/* A new one, under way.  NULL: out of memory. */
struct asked *asked_new(struct agent *agent, const char *reply, enum wms_verb verb);
/* It was answered with `parts`, which are taken over: it is remembered, and others may be
 * forgotten for it. */
void asked_remember(struct asked *asked, char *parts, size_t size);
/* Frees it; it has no request. */
void asked_free(struct asked *asked);
/* Forgets what is too old, or too much. */
void asked_tidy(struct agents *agents);
/* A question that was asked first `age` seconds ago, and is not known: whether it may have been
 * carried out, and forgotten. */
bool asked_may_be_done(struct agent *agent, double age);

/* ---- agent.c --------------------------------------------------------------------------------- */

struct agents {
    const struct wms_services *services;
    wms_engine *engine;
    struct nats_memory memory;
    struct wms_key key;
    struct node all;      /* agents */
    uint64_t drawn;       /* random numbers so far */
    struct agent **hosts; /* a table by host; `host_slots` is a power of two, or 0 */
    size_t host_slots, count;
    struct asked **slots; /* of all questions, by reply; likewise */
    size_t asked_slots, asked_count;
    struct node order;         /* of what was answered: oldest first */
    size_t bytes;              /* of that */
    struct nats_text text;     /* scratch of whoever writes */
    struct nats_reader reader; /* and of whoever reads */
    bool forked;
};

enum agent_stage {
    AGENT_CONNECTING, /* it never was connected */
    AGENT_SERVING,    /* it is, or was */
    AGENT_STOPPING,   /* it takes no questions any more */
    AGENT_OVER        /* the servers have refused it for good */
};

/* What the store is asked, each of which has one question under way at most. */
enum store_question { STORE_PRESENCE, STORE_CLOCK, STORE_RIVAL, STORE_WISH, STORE_QUESTIONS };

struct wish {
    bool known;        /* the store has answered */
    uint64_t revision; /* 0: there is none */
    bool there;        /* it has a value */
    double time;       /* when the store took it: seconds since 1970 */
    double seconds;    /* how long it holds from then on; negative: without end */
    char *data;        /* JSON */
    size_t size;
    unsigned step;  /* of the times at which the store is asked after a change */
    unsigned older; /* how often it has answered with an older one since */
    double older_since;
    double due;             /* when it is asked next */
    const char *unreadable; /* why it cannot be acted on: static; NULL: it can */
};

struct agent {
    struct agent *next; /* in its slot of `agents->hosts` */
    uint64_t hash;
    struct agents *all;
    struct node node; /* of agents->all */
    char *server;     /* what it serves */
    struct policy policy;
    struct courier *courier;
    unsigned questions, wishes, stores; /* subscriptions */
    enum agent_stage stage;
    bool subscribed; /* since it is connected, the servers have answered: it hears questions */
    bool greeted;    /* `subscribed` was told to whoever waits for it */
    int code;        /* why it is not connected; 0: it is */
    char text[COURIER_SENTENCE];
    char instance[NATS_NONCE];
    double began;
    double horizon; /* what came until then may have been forgotten */
    double up_since;
    double stops; /* when it ends whatever is under way; 0: it does not end */
    struct wms_timer *timer;

    struct node under_way, waiting; /* questions, oldest first */
    struct node remembered;
    size_t under_way_count, waiting_count, waiting_changes, waiting_bytes, remembered_count;
    unsigned short shares[AGENT_SHARES]; /* places of those who ask: see waiting.c */
    bool starting;
    double denied; /* when the log was told last that something is not allowed */
    uint64_t questions_count, refused, ignored;

    uint64_t store_asked[STORE_QUESTIONS]; /* the number of what is under way; 0: nothing is */
    double store_since[STORE_QUESTIONS];

    double beat, beat_due;
    bool present; /* the store has taken our presence since we are connected */
    bool clock_known;
    bool storeless; /* the log knows that there is no store */
    unsigned clock_tries;
    double ask_clock_due;       /* 0: it is not to be asked */
    double rival_due;           /* when it is looked whether there is another agent of this host */
    char rival[65];             /* its instance; "": there is none */
    double put_sent, put_acked; /* of the presence that the clock is learnt by */
    uint64_t put_sequence;
    double offset; /* of the servers' clock: add it to agent_now() */
    double doubt;  /* it may be wrong by so much */
    double clock_due;

    struct wish wish;
    struct node calls; /* that wait: struct agent_wait */

    wms_watch *watch;
    uint64_t event_seq;
    bool resync;      /* watchers have missed something, and are to be told */
    double watch_due; /* when it is watched anew; 0: it is watched */
    char host[];      /* its token in subjects */
};

/* Seconds of a clock that only goes forward, also while the machine sleeps. */
double agent_now(void);
struct agent *agent_find(const struct agents *agents, const char *host);
/* A random number from 0 to 1, for times that should not be everybody's. */
double agent_random(struct agents *agents);
/* Begins an agent.  Errors: those of courier_new(), and `text` says more. */
int agent_begin(struct agents *agents, const char *host, const char *server,
                const wms_value *policy, double beat, struct agent **ret_agent);
/* Takes no more questions, and ends when what is under way is answered. */
void agent_stop(struct agent *agent);
/* A question was answered: one that waits for it may be next, or the agent may end, soon. */
void agent_answered(struct agent *agent);
/* The policy is another one from here on.  Errors: NO_MEMORY. */
int agent_renew(struct agent *agent, const wms_value *policy);
/* Ends it, and frees it. */
void agent_end(struct agent *agent, bool forked);
/* The store has answered anything: what was subscribed to before is heard. */
void agent_hears(struct agent *agent);
/* Asks the store: publishes `data` (NULL: none) to `subject`, with a reply subject of its own.
 * False: it could not. */
bool agent_ask_store(struct agent *agent, enum store_question what, const char *subject,
                     const void *data, size_t size);
/* Sets the timer for what is due next. */
void agent_schedule(struct agent *agent);
/* Publishes what is in the text; errors are no matter: who has to know asks again. */
void agent_publish(struct agent *agent, const char *subject, const struct nats_text *text);
void agent_log(struct agents *agents, enum wms_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A copy; NULL: out of memory. */
static inline void *agents_copy(const struct agents *agents, const void *data, size_t size)
{
    void *copy = agents->services->resize(agents->engine, NULL, size ? size : 1);

    return copy && size ? memcpy(copy, data, size) : copy;
}

static inline void agents_release(const struct agents *agents, void *block)
{
    if (block) {
        agents->services->resize(agents->engine, block, 0);
    }
}

/* ---- serve.c --------------------------------------------------------------------------------- */

/* A message that was heard at `wms.v1.HOST.*.*`. */
void serve_message(struct agent *agent, const struct courier_message *message);
/* Ends whatever is under way. */
void serve_cancel(struct agent *agent);
/* Frees what is under way, without an answer. */
void serve_drop(struct agent *agent);
/* Gives the question to the engine, or answers it. */
void serve_start(struct asked *asked, const struct nats_question *question);
/* It ends as a whole, with nothing done now. */
void serve_fail(struct asked *asked, int code, const char *text);

/* ---- waiting.c ------------------------------------------------------------------------------- */

/* Starts a question that has just come, lets it wait for its turn, or answers that it is one too
 * many. */
void waiting_take(struct asked *asked, const struct nats_question *question,
                  const struct courier_message *message);
/* It waits no longer, if it did. */
void waiting_leave(struct asked *asked);
/* Starts what may start now; returns when to look again, or 0. */
double waiting_due(struct agent *agent, double now);
/* Answers all that waits. */
void waiting_cancel(struct agent *agent);

/* ---- tell.c ---------------------------------------------------------------------------------- */

/* Begins to watch the server. */
void tell_begin(struct agent *agent);
void tell_end(struct agent *agent);
/* Watchers may have missed something: tells them, now or when it is connected. */
void tell_resync(struct agent *agent);

/* ---- presence.c ------------------------------------------------------------------------------ */

void presence_up(struct agent *agent);
/* Does what is due. */
void presence_due(struct agent *agent, double now);
/* The store's answer to question `what`. */
void presence_answer(struct agent *agent, enum store_question what,
                     const struct courier_message *message);
/* The last word of an agent. */
void presence_end(struct agent *agent);

/* ---- wish.c ---------------------------------------------------------------------------------- */

void wish_up(struct agent *agent);
/* Somebody has put one, or taken it away. */
void wish_changed(struct agent *agent);
void wish_due(struct agent *agent, double now);
void wish_answer(struct agent *agent, const struct courier_message *message);
void wish_free(struct agent *agent);
/* Whether a call that waits for another revision than this can be answered now. */
bool wish_has_news(const struct agent *agent, bool any, uint64_t revision);
/* Answers it: result(), answer(). */
void wish_tell(struct agent *agent, struct wms_op *op);

/* ---- control.c ------------------------------------------------------------------------------- */

/* Answers the calls that wait for what has come about: it serves, it has a wish, it cannot be
 * connected (`code` and `text`), it has ended. */
void control_look(struct agent *agent);
void control_unreached(struct agent *agent, int code, const char *text);
void control_ended(struct agent *agent, int code, const char *text);
/* Does what is due; returns when to look again, or 0. */
double control_due(struct agent *agent, double now);

/* ---- tree.c ---------------------------------------------------------------------------------- */

enum { TREE_VALUES_MAX = 4096, TREE_DEPTH_MAX = 8 };

/* A table of fields. */
struct tree {
    struct nats_memory memory;
    wms_value *values; /* the fields, room for more, and what lies below them */
    size_t fields;
    void *root; /* keeps the texts */
};

/* Reads a JSON object: its fields become the tree's, which has room for `more`.  Errors: PROTOCOL
 * (it is none, or too large, or too deep, or has a number that is not whole), NO_MEMORY. */
int tree_read(struct tree *tree, const struct nats_memory *memory, const char *data, size_t size,
              size_t more);
/* NULL: there is no such field. */
const wms_value *tree_field(const struct tree *tree, const char *name);
/* Leaves out a field of that name. */
void tree_unset(struct tree *tree, const char *name);
/* Adds a field that is not there yet; its texts live longer than the tree. */
void tree_set(struct tree *tree, const wms_value *field);
wms_value tree_table(const struct tree *tree);
void tree_free(struct tree *tree);

#endif
