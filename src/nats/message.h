/* SPDX-License-Identifier: MIT */
/* message.h - what is said over NATS: subjects and JSON, both directions.  Nothing here knows of a
 * connection; docs/hosts-nats.md tells who says what to whom.
 *
 * What is read may be of any form, size and depth: it is refused unless it is what it should be.
 * Fields that are not known are ignored.  Strings are UTF-8 without NUL. */
#ifndef WMS_NATS_MESSAGE_H
#define WMS_NATS_MESSAGE_H

#include <wms.h>

enum {
    NATS_HOST = 256,                /* size of a host's token, with its NUL */
    NATS_WHO = 65,                  /* size of the name of who asks, with its NUL */
    NATS_NONCE = 21,                /* size of a nonce, with its NUL */
    NATS_SUBJECT = 512,             /* size of any subject of ours, with its NUL */
    NATS_QUESTION_MAX = 256 * 1024, /* bytes of a question */
    NATS_ANSWER_MAX = 256 * 1024,   /* bytes of a part of an answer, but for a picture: where a
                                       writer has reached the smaller one of this and half of the
                                       server's payload, it begins the next part */
    NATS_PARTS_MAX = 10000,         /* parts of an answer */
    NATS_WISH_SECONDS = 1000000000  /* that a wish may hold */
};

/* Where memory comes from: as that of struct wms_services. */
struct nats_memory {
    void *(*resize)(wms_engine *engine, void *block, size_t size);
    wms_engine *engine;
};

/* ---- subjects -------------------------------------------------------------------------------- */

#define NATS_PREFIX "wms.v1."

/* The token of a host: lower case, '_' for '.', without a last '.'.  False: it is no host's name,
 * or has a '_', or is numeric IPv6. */
bool nats_host_token(const char *host, char ret_token[NATS_HOST]);
/* Whether it is a name of who asks: 1 to 64 letters, digits, '-' and '_'. */
bool nats_is_who(const char *who);
/* 20 letters, made from as many random bytes. */
void nats_nonce(const unsigned char random[NATS_NONCE - 1], char ret_nonce[NATS_NONCE]);

/* Each writes a subject of the host's token `host`.  They are never too long. */
void nats_subject_question(char subject[NATS_SUBJECT], const char *host, enum wms_verb verb,
                           const char *who);
void nats_subject_questions(char subject[NATS_SUBJECT], const char *host); /* all: to subscribe */
void nats_subject_answer(char subject[NATS_SUBJECT], const char *host, const char *who,
                         const char *nonce, uint64_t seq);
/* All hosts' answers to one who asks: to subscribe. */
void nats_subject_answers(char subject[NATS_SUBJECT], const char *who, const char *nonce);
void nats_subject_event(char subject[NATS_SUBJECT], const char *host);
void nats_subject_store(char subject[NATS_SUBJECT], const char *host, const char *nonce,
                        uint64_t seq); /* where JetStream answers an agent */
void nats_subject_stores(char subject[NATS_SUBJECT], const char *host); /* to subscribe */
void nats_subject_presence(char subject[NATS_SUBJECT], const char *host);
void nats_subject_wish(char subject[NATS_SUBJECT], const char *host);
/* What is asked to get the last message of one of these two. */
void nats_subject_get_presence(char subject[NATS_SUBJECT], const char *host);
void nats_subject_get_wish(char subject[NATS_SUBJECT], const char *host);

/* Reads the subject of a question to the host `host`.  False: it is none. */
bool nats_read_question_subject(const char *subject, const char *host, enum wms_verb *ret_verb,
                                char ret_who[NATS_WHO]);
/* Reads the subject of an answer to `who` with `nonce`; the number is one without leading zeros.
 * False: it is none. */
bool nats_read_answer_subject(const char *subject, const char *who, const char *nonce,
                              char ret_host[NATS_HOST], uint64_t *ret_seq);
/* The reply subject that came with a question to `host` by `who`: its identity is NONCE.SEQ. False:
 * no answer may be sent there, since it is not that of `host` and `who`. */
bool nats_read_reply_subject(const char *subject, const char *host, const char *who,
                             char ret_nonce[NATS_NONCE], uint64_t *ret_seq);
/* Likewise of what nats_subject_store() has written. */
bool nats_read_store_subject(const char *subject, const char *host, const char *nonce,
                             uint64_t *ret_seq);

/* ---- writing --------------------------------------------------------------------------------- */

/* A text that grows.  All writers append to it; what they cannot (no memory) sets `failed`, and
 * the text is of no use then.  Begin with nats_text_init(); nats_text_clear() keeps the memory. */
struct nats_text {
    struct nats_memory memory;
    char *data; /* not ended by NUL */
    size_t size, room;
    bool failed;
};

void nats_text_init(struct nats_text *text, const struct nats_memory *memory);
void nats_text_clear(struct nats_text *text);
void nats_text_free(struct nats_text *text);
void nats_text_append(struct nats_text *text, const void *data, size_t size); /* as it is */

/* A question.  Initialize it with nats_question_init(). */
struct nats_question {
    bool all;
    const wms_id *ids;             /* NULL: none */
    const char *const *identities; /* one for each id, each may be NULL; NULL: none is known */
    size_t count;
    const char *message, *title;              /* NULL: none */
    double verify, stable, timeout, deadline; /* seconds; negative: none */
    unsigned retries;
    bool what_if, stop_on_error, activity;
    enum wms_thumbnail_size thumbnail_size;
    double age; /* seconds since it was asked first; negative: now */
};

void nats_question_init(struct nats_question *question);
void nats_write_question(struct nats_text *text, const struct nats_question *question);

/* An answer is written in parts.  Of outcomes: nats_begin_outcomes(), nats_write_outcome() for
 * each, nats_end_part(); sessions likewise.  `part` counts from 0; `more`: another part follows. Of
 * an outcome `id` (NULL: the host as a whole), `state`, `changed`, `code`, `text`, `note`,
 * `user_name` and `identity` are written. */
void nats_begin_outcomes(struct nats_text *text, unsigned part);
void nats_write_outcome(struct nats_text *text, const wms_outcome *outcome);
void nats_begin_sessions(struct nats_text *text, unsigned part);
void nats_write_session(struct nats_text *text, const wms_session *session);
/* Ends a part that was begun.  `user_name` and `note` (of a list: what the asker should know; NULL:
 * none) belong to the whole answer. */
void nats_end_part(struct nats_text *text, const char *user_name, const char *note, bool more);
/* The whole answer: it has failed as a whole, and nothing was done. */
void nats_write_failure(struct nats_text *text, int code, const char *explanation);
/* Whether it was done cannot be known. */
void nats_write_unknown(struct nats_text *text, const char *explanation);
/* It is under way. */
void nats_write_working(struct nats_text *text);
/* What comes after a part of the outcome of a thumbnail that has ended: bytes of its JPEG.  A part
 * of `more` may hold a piece of it: those of all parts together are the picture. */
void nats_write_picture(struct nats_text *text, const void *data, size_t size);

/* An event.  `kind` is one about a session, which `session` is (all that is known of it; of a
 * closed one the id and the identity are enough); or `resync`: what has changed is not known. */
struct nats_event {
    const char *instance; /* which run of the agent it is: 1 to 64 letters and digits */
    uint64_t seq;         /* counts from 1, without a gap */
    bool resync;
    enum wms_event_kind kind;
    wms_session session;
};

void nats_write_event(struct nats_text *text, const struct nats_event *event);

/* An agent's presence. */
struct nats_presence {
    const char *instance, *version;
    double beat;  /* seconds until the next one */
    uint64_t seq; /* of the last event that was told; 0: none */
};

void nats_write_presence(struct nats_text *text, const struct nats_presence *presence);

/* A wish: how the sessions of a host are to be. */
struct nats_wish {
    const char *state;   /* a word: "locked", "unlocked", ... */
    const char *message; /* what the users see; NULL: none */
    double seconds;      /* from when the store has taken it; negative: without end */
    const char *who;     /* who wishes it, for people; NULL: not told */
    bool restore;        /* when it ends, what was changed for it is changed back */
};

void nats_write_wish(struct nats_text *text, const struct nats_wish *wish);

/* ---- reading --------------------------------------------------------------------------------- */

/* Reads one message after the other; what was read lives until the next one is, and keeps nothing
 * of the message's bytes but a picture's.  Begin with nats_reader_init(). */
struct nats_reader {
    struct nats_memory memory;
    char *texts; /* of strings */
    size_t texts_room;
    void *rows; /* of ids, outcomes or sessions */
    size_t rows_room;
    void *identities;
    size_t identities_room;
    const char *complaint; /* after PROTOCOL: what is wrong, for people; a static string */
};

void nats_reader_init(struct nats_reader *reader, const struct nats_memory *memory);
void nats_reader_free(struct nats_reader *reader);

/* All of these return 0, PROTOCOL or NO_MEMORY. */

/* A question is longer than NATS_QUESTION_MAX: PROTOCOL.  For which verb it may have what is the
 * reader's to judge, but `all` and ids exclude each other. */
int nats_read_question(struct nats_reader *reader, const char *data, size_t size,
                       struct nats_question *ret_question);

enum nats_answer_kind {
    NATS_OUTCOMES,
    NATS_SESSIONS,
    NATS_FAILURE, /* `code`, `text` */
    NATS_UNKNOWN, /* `text` */
    NATS_WORKING
};

/* An outcome that was read: `facts.id` is NULL or points into the struct; `facts.text` is given
 * where `facts.code` is not 0. */
struct nats_outcome {
    wms_outcome facts;
    wms_id id;
};

struct nats_answer {
    enum nats_answer_kind kind;
    int code;
    const char *text;             /* NULL: none */
    const char *user_name, *note; /* NULL: none */
    unsigned part;
    bool more;
    const struct nats_outcome *outcomes;
    const wms_session *sessions;
    size_t count;
    const void *picture; /* in the message; NULL: none */
    size_t picture_size;
};

int nats_read_answer(struct nats_reader *reader, const char *data, size_t size,
                     struct nats_answer *ret_answer);
int nats_read_event(struct nats_reader *reader, const char *data, size_t size,
                    struct nats_event *ret_event);
int nats_read_presence(struct nats_reader *reader, const char *data, size_t size,
                       struct nats_presence *ret_presence);
int nats_read_wish(struct nats_reader *reader, const char *data, size_t size,
                   struct nats_wish *ret_wish);

/* What JetStream answers to a publication, or to a request of its API. */
struct nats_ack {
    uint64_t sequence; /* of what was stored; 0: not told */
    int error;         /* as in HTTP: 404, 503, ...; 0: none */
    unsigned reason;   /* its "err_code"; 0: not told */
    const char *text;  /* of the error; NULL: none */
};

int nats_read_ack(struct nats_reader *reader, const char *data, size_t size,
                  struct nats_ack *ret_ack);

#endif
