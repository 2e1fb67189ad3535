/* SPDX-License-Identifier: MIT */
/* multipoint.h - what the parts of the MultiPoint provider share.
 *
 *     provider.c     the interface to the engine: connections, which are bound hosts
 *     bind.c         how a client gets its binding: the certificate, then the passwords
 *     binding.c      what a binding holds, and what of it is kept
 *     actions.c      unlock, lock, disconnect, close, and any operation that a caller names
 *     list.c         all sessions, with their flags and screens
 *     report.c       what of them the engine is told; list.h is what the two share
 *     stations.c     who sits where
 *     identity.c     whose a session is now, before it is closed or disconnected
 *     observe.c      how a session is, asked again and again
 *     client.c       what an engine has of all this: libcurl's multi handle, timers, the turn
 *     host.c         one host: its tasks, its binding, its failure
 *     exchange.c     one question and its answer: waits for a place, goes out, is judged
 *     transport.c    an exchange's handle of libcurl's
 *     socket.c       its sockets there
 *     wire.c         what comes in by TLS, before it is decrypted; wire.h
 *     certificate.c  OpenSSL: what a certificate says, and whether it is the host's
 *     faults.c       what hosts and libcurl complain of, as wms codes
 *     envelope.c     the text of a question
 *     known.c        the last answer, which is mostly the next one, too
 *
 * What is said and read, without a host, is in document.h.
 *
 * Everything here runs between multipoint_enter() and multipoint_leave(), and answers are only
 * looked at by the outermost multipoint_leave(): nothing is called back while something else is on
 * the stack.  Memory is the engine's, and whatever held a password is wiped before it goes.
 */
#ifndef WMS_MULTIPOINT_H
#define WMS_MULTIPOINT_H

#include <curl/curl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <wms/provider.h>

#include "core/node.h"
#include "document.h"

/* ---- certificate.c --------------------------------------------------------------------------- */

enum {
    MULTIPOINT_SHA256 = 32,
    MULTIPOINT_FINGERPRINT = 96,
    MULTIPOINT_THUMBPRINT = 41,
    MULTIPOINT_PIN = 64,
    MULTIPOINT_NAME = 256
};

/* What identifies a certificate. */
struct multipoint_certificate {
    unsigned char sha256[MULTIPOINT_SHA256];
    char fingerprint[MULTIPOINT_FINGERPRINT]; /* SHA-256 as openssl prints it, "AB:CD:..." */
    char thumbprint[MULTIPOINT_THUMBPRINT];   /* SHA-1 as Windows prints it, "ABCD..." */
    char pin[MULTIPOINT_PIN];                 /* of its public key, as libcurl wants it */
    int64_t begin, end; /* it is valid from the one until before the other, in seconds */
};

/* Errors: PROTOCOL (no certificate), NO_MEMORY. */
int multipoint_certificate_read(const unsigned char *der, size_t size,
                                struct multipoint_certificate *ret_certificate);
/* Whether it is not valid at this moment; then a sentence in `buffer`. */
bool multipoint_certificate_expired(const struct multipoint_certificate *certificate, char *buffer,
                                    size_t room);
/* Whether a client may bind to a host that shows it: its subject is the host's name, its extended
 * key usage is Server Authentication alone, and it is valid now; [MS-RSMC] 3.1.4.  `host` NULL: its
 * name is not looked at.  NULL, or why not: a sentence in `buffer`. */
const char *multipoint_certificate_unfit(const unsigned char *der, size_t size, const char *host,
                                         char *buffer, size_t room);
/* Its common name, as far as it can be printed; "" where there is none. */
void multipoint_certificate_name(const unsigned char *der, size_t size,
                                 char ret_name[MULTIPOINT_NAME]);
/* 32 bytes in hex, with or without colons. */
bool multipoint_fingerprint_parse(const char *text, unsigned char ret_sha256[MULTIPOINT_SHA256]);

/* 20 bytes in hex, with or without colons or blanks, as Windows writes them; written as in struct
 * multipoint_certificate. */
bool multipoint_thumbprint_parse(const char *text, char ret_thumbprint[MULTIPOINT_THUMBPRINT]);

struct multipoint_exchange;

/* What a handshake found; the connection's exchange has it. */
struct multipoint_trust {
    const struct multipoint_certificate *expected;
    bool old_tls;  /* no common version: the host's are too old */
    char why[256]; /* not empty: refused */
};
/* To be called for each new TLS connection: it will accept the expected certificate alone, and
 * little that is costly. */
CURLcode multipoint_trust_set(void *ssl_context, struct multipoint_exchange *exchange);

/* ---- binding.c ------------------------------------------------------------------------------- */

struct multipoint_binding {
    unsigned port;
    char name[MULTIPOINT_NAME]; /* the certificate's: what the host calls itself; "" if it cannot be
                                   read */
    struct multipoint_certificate certificate;
    char *control, *management; /* passwords; the second may be NULL */
    char *der;
    size_t der_size;
};

/* What the engine keeps, as a binding.  Errors: INTERNAL (it is none), NO_MEMORY.  To be freed in
 * any case. */
int multipoint_binding_read(const struct multipoint_memory *memory, const wms_value *record,
                            struct multipoint_binding *ret_binding);
void multipoint_binding_free(const struct multipoint_memory *memory,
                             struct multipoint_binding *binding);
/* The same the other way: returns how many of `record` are its fields; they point into the binding
 * and to the others. */
enum { MULTIPOINT_RECORD = 8 };
size_t multipoint_binding_write(const struct multipoint_binding *binding,
                                wms_value record[MULTIPOINT_RECORD]);

/* ---- transport.c, exchange.c: the engine's part, hosts, questions and answers ---------------- */

struct multipoint_host;
struct multipoint_socket;
struct multipoint_wire;

/* The last answer that was believed and tells nothing more than that: the next one to such a
 * request is mostly the same, but for the request's id. */
struct multipoint_known {
    const struct multipoint_operation *operation; /* NULL: none is known */
    struct multipoint_text answer;
    size_t id_at;
};

/* What is kept for an engine. */
struct multipoint {
    struct multipoint_memory memory;
    CURLM *multi;
    CURLSH *share;           /* TLS sessions */
    struct wms_timer *timer; /* libcurl's */
    long wait; /* milliseconds from when it has told so until it wants to be called; -1: not */
    bool timer_changed; /* that has not been done yet */
    bool timer_runs;
    struct wms_timer *tick; /* ours: there is something to do */
    void (*ready)(struct multipoint *all, curl_socket_t fd,
                  int mask); /* what a socket calls that can be read or written */
    struct node due;         /* hosts with exchanges that may be started */
    struct node failed;      /* hosts of which the engine has to be told */
    struct node running;     /* exchanges that libcurl has */
    struct node finished;    /* that are to be judged */
    struct node reading;     /* whose answers are long, and read in parts before */
    struct node dropped;     /* that nobody waits for any more */
    struct node sockets;
    size_t received,
        taken;    /* bytes of answers, and what they were in by TLS, in this turn of the loop */
    bool pauses;  /* some wait for the next one */
    void *parser; /* for the next answer, or NULL */
    struct multipoint_arena waste; /* of long answers that are done with */
    struct multipoint_known known;
    struct multipoint_exchange *spare; /* for the next question, or NULL */
    unsigned depth;
    bool forked;            /* the sockets were the parent's, and are cut off */
    char id[MULTIPOINT_ID]; /* of the last message */
    time_t stamp_time;      /* of what is in `created` and `expires` */
    char created[MULTIPOINT_STAMP], expires[MULTIPOINT_STAMP];
};

struct multipoint_host {     /* one server that the engine talks to */
    struct node due, failed; /* in the lists of that name, or in none */
    struct multipoint *all;
    struct wms_link *link;
    const struct wms_address *address;
    unsigned connections; /* at most so many at a time */
    unsigned running;
    struct node waiting;              /* exchanges */
    CURL *spare;                      /* an easy handle that is set up for this host, or NULL */
    struct curl_slist *spare_headers; /* that it was last used with, for ... */
    const struct multipoint_operation *spare_for;
    bool bound;
    struct multipoint_binding binding; /* if `bound` */
    struct node tasks;
    bool reached; /* the engine knows that there was a connection */
    bool told;    /* the engine knows that it is no more */
    int failure;
    char failure_text[320];
};

struct multipoint_reply { /* how an exchange ended */
    int code;             /* 0: as asked */
    bool lost;    /* no answer came, or none that can be believed; otherwise the code is the host's
                     answer */
    bool general; /* it is about the connection, the credentials or our memory: the next question
                     would fare no better */
    const char *text;
    const struct multipoint_element *body; /* the answer's element, when code is 0 */
    bool other_soap; /* the host may have understood the question in SOAP 1.1, which it is worth to
                        be asked in */
};

struct multipoint_question { /* what is asked, and how */
    const struct multipoint_operation *operation;
    const wms_value *arguments; /* a WMS_TABLE that has been checked, or NULL */
    struct wms_op
        *op; /* to be told that it leaves, since it may change something; NULL: it only reads */
    const char *user_name, *password;         /* MULTIPOINT_ADMIN */
    const struct multipoint_binding *binding; /* NULL: the host's */
    bool urgent; /* before the others that wait: an answer that has just come is not to grow old */
};

struct multipoint_exchange {
    struct node node;
    struct multipoint_host *host;
    const struct multipoint_operation *operation;
    struct wms_op *op;
    struct multipoint_text request, answer;
    struct multipoint_head head; /* of the answer */
    struct multipoint_reader
        *reader;            /* in `reading`, and from there on until it is judged; else NULL */
    char id[MULTIPOINT_ID]; /* of the message */
    size_t id_at;           /* where in the request */
    char url[400];
    const char *user_name; /* whose password it carries; lives as long as somebody waits */
    struct multipoint_certificate certificate; /* the host's: a binding may be replaced meanwhile */
    CURL *easy;
    struct curl_slist *headers;
    struct multipoint_trust trust;
    size_t answer_max;
    struct multipoint_socket *socket; /* whose answer it waits for; NULL: none */
    struct multipoint_wire *wire;     /* of its TLS connection, or NULL */
    const char *refused;              /* why its answer was not read to its end, or NULL */
    bool once; /* it may change something, and is not to be sent a second time */
    bool old;  /* in SOAP 1.1 */
    bool started, left, too_large;
    bool read;     /* `reader` has come to its end */
    bool paused;   /* it takes no more of its answer in this turn */
    int trouble;   /* of ours: a code, 0 */
    int no_socket; /* why there could be none, when libcurl finds that it cannot connect: a code, or
                      0 */
    CURLcode result;
    void (*done)(struct multipoint_exchange *exchange, const struct multipoint_reply *reply);
    void *data; /* done()'s; NULL: nobody waits */
};

/* ---- client.c: what an engine has of MultiPoint ---------------------------------------------- */

/* Errors: NO_MEMORY, INTERNAL (libcurl is not what is needed: *ret_text). */
int multipoint_client_new(const struct wms_services *services, wms_engine *engine,
                          struct multipoint **ret_all, const char **ret_text);
void multipoint_client_free(struct multipoint *all);
/* In a forked child: the sockets are the parent's; nothing reaches them from here on. */
void multipoint_client_cut(struct multipoint *all);

void multipoint_enter(struct multipoint *all);
void multipoint_leave(
    struct multipoint *all); /* the outermost one lets everything happen that is due */
/* For places in which nothing may be sent, nor the engine be told: in the loop's next turn. */
void multipoint_leave_quietly(struct multipoint *all);

/* ---- transport.c: an exchange's handle of libcurl's ------------------------------------------ */

/* Hands the exchange to libcurl, or takes it away. Errors: NO_MEMORY, INTERNAL. */
int multipoint_transport_start(struct multipoint_exchange *exchange);
void multipoint_transport_end(struct multipoint_exchange *exchange);
/* Lets libcurl work until it has to wait.  True: something has finished. */
bool multipoint_transport_turn(struct multipoint *all);
void multipoint_transport_forget_host(struct multipoint_host *host);

/* ---- socket.c: what transport.c tells libcurl to call, and more ------------------------------ */

curl_socket_t multipoint_socket_open(void *data, curlsocktype purpose,
                                     struct curl_sockaddr *address);
int multipoint_socket_close(void *data, curl_socket_t fd);
int multipoint_socket_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known);
/* From here on, what comes is the answer to the exchange. */
void multipoint_socket_count(struct multipoint_exchange *exchange);
uint64_t multipoint_socket_received(const struct multipoint_exchange *exchange); /* 0: unknown */
/* The exchange has no socket any more. */
void multipoint_socket_part(struct multipoint_exchange *exchange);
void multipoint_sockets_free(struct multipoint *all);
/* Whatever is sent or closed from here on, nobody on the other side sees. */
void multipoint_sockets_cut(struct multipoint *all);

/* ---- exchange.c: one question and its answer ------------------------------------------------- */

/* Asks: done() is called once, later, unless the exchange is dropped before.  Errors: NO_MEMORY,
 * UNSUPPORTED, NOT_BOUND; *ret_text may say more (static). */
int multipoint_ask(struct multipoint_host *host, const struct multipoint_question *question,
                   void (*done)(struct multipoint_exchange *exchange,
                                const struct multipoint_reply *reply),
                   void *data, struct multipoint_exchange **ret_exchange, const char **ret_text);
/* Nobody waits for it any more.  Sends nothing.  NULL is allowed; returns NULL. */
struct multipoint_exchange *multipoint_drop(struct multipoint_exchange *exchange);
void multipoint_exchange_free_spare(struct multipoint *all);
/* Frees what is left of the host's exchanges. */
void multipoint_drop_all(struct multipoint_host *host);
/* Those that wait go out, as far as there are connections for them; whether libcurl has got
 * something to do. */
bool multipoint_exchanges_start(struct multipoint *all);
/* libcurl is done with it: it is judged or, if its answer is long, read in parts before. */
void multipoint_exchange_ended(struct multipoint_exchange *exchange);
/* Reads one more part of a long answer. */
void multipoint_read_on(struct multipoint *all);
/* Frees all that are in the list. */
void multipoint_exchanges_free(struct node *list);

/* ---- envelope.c: the text of a question ------------------------------------------------------ */

/* The id of the next message: that of the one before, with one more in the last group of digits. */
void multipoint_print_id(struct multipoint *all, char id[MULTIPOINT_ID]);
/* Gives the question another id: a host may remember that of one that it was asked before. */
void multipoint_renew(struct multipoint_exchange *exchange);
void multipoint_envelope(struct multipoint_exchange *exchange,
                         const struct multipoint_question *question, const char *password);

/* ---- known.c --------------------------------------------------------------------------------- */

/* The body of an answer of a host that did as asked, if it is the one before in all but the
 * question's id; NULL: read it. */
const struct multipoint_element *multipoint_known_find(const struct multipoint_exchange *exchange);
/* Keeps the answer for that, when its body says nothing.  Errors: none; without memory it is not
 * kept. */
void multipoint_known_add(struct multipoint_exchange *exchange,
                          const struct multipoint_element *body);
void multipoint_known_free(struct multipoint *all);

/* ---- faults.c -------------------------------------------------------------------------------- */

/* Judges an exchange that has ended.  `answer` was not read yet; *ret_reply may point into it and
 * to `buffer`. */
enum { MULTIPOINT_SENTENCE = 320 };
void multipoint_judge(struct multipoint_exchange *exchange, struct multipoint_answer *answer,
                      struct multipoint_reply *ret_reply, char buffer[MULTIPOINT_SENTENCE]);
/* Whether the reply says that there is no such session. */
bool multipoint_reply_not_found(const struct multipoint_reply *reply);

/* ---- host.c: what all that talks to a host needs --------------------------------------------- */

#define MULTIPOINT_A_TURN 0.001 /* seconds */

/* There is more to do when the loop has looked at everybody else. */
static inline void multipoint_turn_soon(struct multipoint *all)
{
    all->memory.services->timer_set(all->tick, MULTIPOINT_A_TURN);
}

/* The host is of no use any more, or was not reached: the engine is told by the outermost
 * multipoint_leave(). */
void multipoint_host_fail(struct multipoint_host *host, int code, const char *text);

/* What a host does for one op or observer; the first member of the structs that tell more. */
struct multipoint_task {
    struct node node; /* in the host's `tasks` */
    struct multipoint_host *host;
    void **owner; /* the engine's `data` that points here */
    void (*free)(struct multipoint_task *task);
};

/* A zeroed task of `size` bytes for the op's or observer's `data`, or NULL. */
void *multipoint_task_new(struct multipoint_host *host, size_t size, void **owner,
                          void (*free)(struct multipoint_task *task));
void multipoint_task_end(struct multipoint_task *task);

/* Ends an op with a reply that was not as asked. */
void multipoint_reply_answer(struct multipoint_host *host, struct wms_op *op,
                             const struct multipoint_reply *reply);
/* Whether the host is bound, or has been meanwhile; otherwise the code and *ret_text of why not. */
int multipoint_host_bound(struct multipoint_host *host, const char **ret_text);

/* ---- stations.c ------------------------------------------------------------------------------ */

/* A station that shows a session. */
struct multipoint_seat {
    struct multipoint_seat *next;
    uint32_t session, station;
    const char
        *session_host; /* on which machine the session's id counts; "" if the host does not say */
    signed char own; /* whether that is the host itself: 1, 0, or -1: that cannot be told; once all
                        have come */
};

/* The stations of a host, one asked for after the other. */
struct multipoint_stations {
    struct multipoint_host *host;
    struct multipoint_arena *arena; /* whose the seats are */
    struct wms_op *op;              /* to be told that it goes on */
    void (*done)(void *data,
                 const struct multipoint_reply *reply); /* code 0, or why the whole list ends */
    void *data;
    struct multipoint_exchange *next, *information; /* under way, or NULL */
    struct multipoint_seat *seats;
    uint32_t at, count; /* the last id, and how many answered */
    uint32_t following; /* the id that comes after it */
    unsigned visited,
        failures;  /* how many were asked for; how many of the last ones told nothing */
    bool counting; /* the host does not tell which comes next */
    bool ended;    /* there are no more */
    bool partial;  /* there may be some that it does not tell of */
};

/* Asks for all of them; done() comes later.  Errors: as multipoint_ask(). */
int multipoint_stations_ask(struct multipoint_stations *stations, const char **ret_text);
void multipoint_stations_drop(struct multipoint_stations *stations);
/* All have come: notes of each seat whether its session is the host's own. */
void multipoint_stations_judge(struct multipoint_stations *stations);
/* The seat of one of the host's own sessions, or NULL: it has none, or (*ret_unsure) that cannot be
 * told. */
const struct multipoint_seat *multipoint_stations_find(const struct multipoint_stations *stations,
                                                       uint32_t session, bool *ret_unsure);

/* ---- identity.c ------------------------------------------------------------------------------ */

/* What tells the session of that user apart, or NULL: out of memory. */
const char *multipoint_identity(struct multipoint_arena *arena, const char *domain,
                                const char *user);
/* The row of GetAllSessions with that id, or NULL. */
const wms_value *multipoint_session_row(const wms_value *table, uint32_t id);
/* The same, for many: all rows by their ids, in the arena.  NULL: out of memory. */
const wms_value **multipoint_session_rows(const wms_value *table, struct multipoint_arena *arena,
                                          size_t *ret_count);
const wms_value *multipoint_session_row_of(const wms_value *const *rows, size_t count, uint32_t id);
/* Whether the row's session is the one with that identity, as far as the host tells. */
bool multipoint_is_identity(const wms_value *row, const char *identity);
/* Whether it is at the machine's own screen. */
bool multipoint_is_console(const wms_value *row);

/* ---- list.c, actions.c, bind.c, observe.c ---------------------------------------------------- */

void multipoint_list(struct multipoint_host *host, struct wms_op *op);
void multipoint_act(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb,
                    const wms_id *id, const char *message);
void multipoint_call(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call);
int multipoint_check(const struct wms_call *call, char *complaint, size_t size);
void multipoint_bind(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call);
void multipoint_bind_secret(struct multipoint_host *host, struct wms_op *op, const char *secret);
void multipoint_observe(struct multipoint_host *host, struct wms_observer *observer,
                        const wms_id *id);

#endif
