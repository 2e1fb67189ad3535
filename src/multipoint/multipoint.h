/* SPDX-License-Identifier: MIT */
/* multipoint.h - what the parts of the MultiPoint provider share.
 *
 *     provider.c     the interface to the engine: connections, which are bound hosts
 *     bind.c         how a client gets its binding: the certificate, then the passwords
 *     binding.c      what a binding holds, and what of it is kept
 *     endpoint.c     where this machine is told of events: a key and a certificate; endpoint.h
 *     actions.c      unlock, lock, disconnect, close, pictures, any operation that a caller names
 *     list.c         all sessions, with their flags and screens
 *     report.c       reports them to the engine; list.h is what the two share
 *     stations.c     which station shows which session
 *     identity.c     whose session it is, checked before it is closed or disconnected
 *     observe.c      observes a session by polling
 *     watch.c        lets a host tell of events while it is watched
 *     renewal.c      certificates that follow others; renewal.h
 *     listener.c     where they are told, for the whole engine; listener.h
 *     sink.c         what was told, and the answer, with events.c and token.c; telling.h, server.h
 *     client.c       what there is once for each engine, and the turn
 *     host.c         one host: its tasks, its binding, its failure
 *     exchange.c     one question and its answer: queued, sent, judged
 *     transport.c    the libcurl easy handle of an exchange
 *     wire.c         limits what OpenSSL reads, before it is decrypted; wire.h
 *     certificate.c  OpenSSL: what a certificate says, and whether it is the host's
 *     faults.c       what hosts and libcurl complain of, as wms codes
 *     envelope.c     the text of a question
 *     known.c        remembers the last answer, since most answers are alike
 *
 * The formats (XML, operations, values), which need no host, are in document.h.
 *
 * libcurl in the engine's loop is src/net's.  Everything here runs between net_enter() and
 * net_leave(), and only the outermost net_leave() handles answers: so no callback runs while
 * another function of this provider is on the stack.  Memory comes from the engine's allocator, and
 * what may have held a password is wiped before it is freed.
 */
#ifndef WMS_MULTIPOINT_H
#define WMS_MULTIPOINT_H

#include <stddef.h>
#include <string.h>
#include <time.h>

#include <wms/provider.h>

#include "document.h"
#include "net/net.h"

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
    char pin[MULTIPOINT_PIN]; /* hash of its public key, in the form of CURLOPT_PINNEDPUBLICKEY */
    int64_t begin, end;       /* valid if begin <= now < end; seconds since 1970 */
};

/* `ret_name`: its common name, with '?' for what is not printable ASCII; "" if there is none.  What
 * is not needed for that is not looked at, such as its key.  Errors: PROTOCOL (no certificate),
 * NO_MEMORY. */
int multipoint_certificate_read(const unsigned char *der, size_t size,
                                struct multipoint_certificate *ret_certificate,
                                char ret_name[MULTIPOINT_NAME]);
/* Whether it has expired or is not valid yet; if so, `buffer` gets a sentence that says it. */
bool multipoint_certificate_expired(const struct multipoint_certificate *certificate, char *buffer,
                                    size_t room);
/* Whether a client may bind to a host that shows it: its subject is the host's name, its extended
 * key usage is Server Authentication alone, and it is valid now; [MS-RSMC] 3.1.4.  `host` NULL: the
 * name is not checked.  Returns NULL, or why a client may not, as a sentence (perhaps in `buffer`).
 */
const char *multipoint_certificate_unfit(const unsigned char *der, size_t size, const char *host,
                                         char *buffer, size_t room);
/* Reads 32 bytes in hex, with or without colons.  False: it is something else. */
bool multipoint_fingerprint_parse(const char *text, unsigned char ret_sha256[MULTIPOINT_SHA256]);

/* Reads 20 bytes in hex, with or without colons or blanks, as Windows writes them; the result is
 * written as in struct multipoint_certificate.  False: it is something else. */
bool multipoint_thumbprint_parse(const char *text, char ret_thumbprint[MULTIPOINT_THUMBPRINT]);

struct multipoint_exchange;

/* What a TLS handshake found; part of the exchange that opens the connection. */
struct multipoint_trust {
    const struct multipoint_certificate *expected, *next; /* `next`: as good; NULL: there is none */
    bool renewed;                                         /* the host has shown `next` */
    bool old_tls;  /* the handshake failed: all TLS versions of the host are too old */
    char why[256]; /* not empty: the certificate was refused, and why */
};
/* Sets up the SSL_CTX of a new TLS connection: it accepts the expected certificate only, and no
 * expensive key exchange. */
CURLcode multipoint_trust_set(void *ssl_context, struct multipoint_exchange *exchange);

/* ---- endpoint.c: where this machine is told of events ---------------------------------------- */

enum { MULTIPOINT_HOST_NAME = 64 /* a common name has no more */ };

struct multipoint_endpoint {
    char host_name[MULTIPOINT_HOST_NAME + 1]; /* this machine's, as the host reaches it */
    char address[48]; /* what is listened at: numeric; "": all addresses of this machine */
    unsigned port;    /* 0: there is no endpoint */
    int64_t expires;  /* the certificate's end, seconds since 1970 */
    char thumbprint[MULTIPOINT_THUMBPRINT]; /* the certificate's */
    char *key, *der;                        /* PKCS #8, and the certificate */
    size_t key_size, der_size;
};

void multipoint_endpoint_free(const struct multipoint_memory *memory,
                              struct multipoint_endpoint *endpoint);
/* Reads it from the record of a binding; what has none leaves *ret_endpoint as it is, which has to
 * be freed in any case.  Errors: INTERNAL (the record is no binding), NO_MEMORY. */
int multipoint_endpoint_read(const struct multipoint_memory *memory, const wms_value *record,
                             struct multipoint_endpoint *ret_endpoint);
/* Likewise what follows the endpoint that was read from there. */
int multipoint_successor_read(const struct multipoint_memory *memory, const wms_value *record,
                              const struct multipoint_endpoint *endpoint,
                              struct multipoint_endpoint *ret_successor);

/* ---- binding.c ------------------------------------------------------------------------------- */

struct multipoint_binding {
    unsigned port;
    char name[MULTIPOINT_NAME]; /* the certificate's common name: what the host calls itself; "" if
                                   it cannot be read */
    struct multipoint_certificate certificate;
    char *control, *management; /* passwords; the second may be NULL */
    char *der;
    size_t der_size;
    /* What the host has announced to be its certificate from some time on; `next_der` NULL:
     * nothing.
     */
    struct multipoint_certificate next;
    char *next_der;
    size_t next_der_size;
    struct multipoint_endpoint endpoint;  /* that the host was told, or none */
    struct multipoint_endpoint successor; /* the same place with another key, which the host was
                                             told before that of `endpoint` ends; or none */
};

/* Reads the binding from the record that the engine keeps.  Errors: INTERNAL (the record is no
 * binding), NO_MEMORY.  *ret_binding has to be freed in any case. */
int multipoint_binding_read(const struct multipoint_memory *memory, const wms_value *record,
                            struct multipoint_binding *ret_binding);
void multipoint_binding_free(const struct multipoint_memory *memory,
                             struct multipoint_binding *binding);
/* Takes a copy of the certificate for the next one.  Errors: PROTOCOL (it is none), NO_MEMORY. */
int multipoint_binding_expect(const struct multipoint_memory *memory,
                              struct multipoint_binding *binding, const void *der, size_t size);
/* The next certificate, which is there, is the present one from here on. */
void multipoint_binding_renew(const struct multipoint_memory *memory,
                              struct multipoint_binding *binding);
/* Writes the binding as a record.  Returns how many of `record` are top-level fields; the values
 * point into the binding, and the last field is a table of further items of `record`. */
enum { MULTIPOINT_RECORD = 20 };
size_t multipoint_binding_write(const struct multipoint_binding *binding,
                                wms_value record[MULTIPOINT_RECORD]);

/* ---- transport.c, exchange.c: the engine's part, hosts, questions and answers ---------------- */

struct multipoint_host;
struct multipoint_wire;

/* The last accepted answer whose body was empty.  The next answer to the same operation is usually
 * the same text except for the request's id, and then need not be parsed. */
struct multipoint_known {
    const struct multipoint_operation *operation; /* NULL: no answer is remembered */
    struct multipoint_text answer;
    size_t id_at;
};

/* What there is once for each engine. */
struct multipoint {
    struct net net;
    struct multipoint_memory memory;
    CURLSH *share;                 /* TLS sessions */
    struct node due;               /* hosts with exchanges that may be started */
    struct node failed;            /* hosts whose failure has to be reported to the engine */
    size_t running_count;          /* exchanges that have a connection, or wait for one */
    size_t most_running;           /* the sum of the hosts' `most_running` */
    struct node reading;           /* exchanges whose long answers are parsed in parts first */
    struct node dropped;           /* exchanges that nobody waits for any more, to be freed */
    void *parser;                  /* a parser to use again for the next answer, or NULL */
    struct multipoint_arena waste; /* memory of long answers, to be wiped and freed bit by bit */
    struct multipoint_known known;
    struct node listeners;             /* where events are told to this engine: listener.c */
    struct node endpoints;             /* whose keys were made in this engine: see endpoint.c */
    struct multipoint_exchange *spare; /* an exchange to use again for the next question, or NULL */
    char id[MULTIPOINT_ID];            /* the last message's id */
    time_t stamp_time;                 /* the time for which `created` and `expires` were printed */
    char created[MULTIPOINT_STAMP], expires[MULTIPOINT_STAMP];
};

struct multipoint_host {     /* one server that the engine talks to */
    struct node due, failed; /* in the lists of that name, or in none */
    struct multipoint *all;
    struct wms_link *link;
    const struct wms_address *address;
    unsigned connections; /* maximum of exchanges at a time */
    unsigned running;
    unsigned most_running; /* at a time, since there is something to do for it: with tasks */
    struct node waiting;   /* exchanges */
    CURL *spare;           /* an easy handle that is set up for this host, or NULL */
    struct curl_slist *spare_headers; /* the HTTP headers it was last used with, for `spare_for` */
    const struct multipoint_operation *spare_for;
    bool bound;
    struct multipoint_binding binding; /* if `bound` */
    struct node tasks;
    struct net_peer peer;                         /* its connections, used and kept */
    struct multipoint_registration *registration; /* while it is watched: watch.c; or NULL */
    void (*closed)(
        struct multipoint_host *host); /* the host has closed a kept connection; or NULL */
    bool reached;                      /* the engine was told (up()) that a connection exists */
    bool told;                         /* the engine was told (broken()) of the failure */
    int failure;
    char failure_text[320];
};

struct multipoint_reply { /* how an exchange ended */
    int code;             /* 0: carried out */
    bool lost;    /* no answer came, or none that can be believed; otherwise the code is the host's
                     answer */
    bool general; /* it is about the connection, the credentials or our memory: the next question
                     would fail in the same way */
    const char *text;
    const struct multipoint_element *body; /* the answer's element, when code is 0 */
    bool other_soap; /* the host may speak SOAP 1.1 only: worth asking again in that */
};

struct multipoint_question { /* what is asked, and how */
    const struct multipoint_operation *operation;
    const wms_value *arguments; /* a WMS_TABLE that multipoint_check() has accepted, or NULL */
    struct wms_op *op; /* gets sent() when the question leaves, since it may change something; NULL:
                          it only reads */
    const char *user_name, *password;         /* for MULTIPOINT_ADMIN only */
    const struct multipoint_binding *binding; /* NULL: host->binding */
    bool elevated; /* what takes either password is sent with the one for management */
    bool urgent;   /* goes to the front of the queue: it acts on an answer that has just come, which
                      must not become outdated */
};

struct multipoint_exchange {
    struct net_transfer transfer;
    struct multipoint_host *host;
    const struct multipoint_operation *operation;
    struct wms_op *op;
    struct multipoint_text request, answer;
    struct multipoint_head head;      /* of the answer */
    struct multipoint_reader *reader; /* parses a long answer: from when it is in `reading` until it
                                         is judged; else NULL */
    char id[MULTIPOINT_ID];           /* of the message */
    size_t id_at;                     /* its position in the request */
    unsigned https_port;              /* for all but the plain certificate request */
    const char
        *user_name; /* whose password it carries; borrowed: valid as long as somebody waits */
    /* Copies of the host's: the binding may be replaced meanwhile. */
    struct multipoint_certificate certificate, next;
    char pins[2 * MULTIPOINT_PIN]; /* of both, for libcurl */
    struct curl_slist *headers;
    struct multipoint_trust trust;
    size_t answer_max;
    struct multipoint_wire *wire;    /* of its TLS connection, or NULL */
    const char *refused;             /* why its answer was refused before its end, or NULL */
    char complaint[CURL_ERROR_SIZE]; /* libcurl's own words */
    bool once; /* it may change something, and must not be sent a second time */
    bool old;  /* it is asked in SOAP 1.1 */
    bool started, too_large;
    bool read; /* `reader` has parsed the whole answer */
    void (*done)(struct multipoint_exchange *exchange, const struct multipoint_reply *reply);
    void *data; /* for done(); NULL: nobody waits for the answer */
};

/* ---- client.c: what there is once for each engine -------------------------------------------- */

/* Errors: NO_MEMORY, INTERNAL (libcurl cannot be used; *ret_text says why). */
int multipoint_client_new(const struct wms_services *services, wms_engine *engine,
                          struct multipoint **ret_all, const char **ret_text);
void multipoint_client_free(struct multipoint *all);

/* ---- transport.c: the libcurl easy handle of an exchange ------------------------------------- */

/* Gives the exchange to libcurl, or takes it back.  Errors: NO_MEMORY, INTERNAL. */
int multipoint_transport_start(struct multipoint_exchange *exchange);
void multipoint_transport_end(struct multipoint_exchange *exchange);
/* libcurl closes its connection, which has received so many bytes since the question was sent. */
void multipoint_transport_closed(struct net_transfer *transfer, uint64_t received);
void multipoint_transport_forget_host(struct multipoint_host *host);

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
/* Starts waiting exchanges of all due hosts, as far as they have connections left.  True: libcurl
 * has got something to do. */
bool multipoint_exchanges_start(struct multipoint *all);
/* Sends what nobody waits for, as far as that goes at once: the host is about to be disconnected.
 */
void multipoint_exchanges_flush(struct multipoint_host *host);
/* libcurl is done with it: it is judged or, if its answer is long, read in parts before. */
void multipoint_exchange_ended(struct multipoint_exchange *exchange);
/* Parses one more part of a long answer. */
void multipoint_read_on(struct multipoint *all);
/* Frees all exchanges in the list. */
void multipoint_exchanges_free(struct node *list);

/* ---- envelope.c: the text of a question ------------------------------------------------------ */

/* The id of the next message: that of the one before, with one more in the last group of digits. */
void multipoint_print_id(struct multipoint *all, char id[MULTIPOINT_ID]);
/* Gives the question another id before it is sent again: a host may remember the ids that it has
 * seen. */
void multipoint_renew(struct multipoint_exchange *exchange);
/* Where the question is sent to. */
enum { MULTIPOINT_URL = 400 };
void multipoint_print_url(const struct multipoint_exchange *exchange, char url[MULTIPOINT_URL]);
void multipoint_envelope(struct multipoint_exchange *exchange,
                         const struct multipoint_question *question, const char *password);

/* ---- known.c --------------------------------------------------------------------------------- */

/* If the answer equals the remembered one except for the question's id, returns its body, which is
 * empty; NULL: it has to be parsed. */
const struct multipoint_element *multipoint_known_find(const struct multipoint_exchange *exchange);
/* Remembers the answer, if its body is empty. Errors: none; without memory it is not remembered. */
void multipoint_known_add(struct multipoint_exchange *exchange,
                          const struct multipoint_element *body);
void multipoint_known_free(struct multipoint *all);

/* ---- faults.c -------------------------------------------------------------------------------- */

/* Judges an exchange that has ended.  `answer` is where the answer is parsed to; *ret_reply may
 * point into it and into `buffer`. */
enum { MULTIPOINT_SENTENCE = 320 };
void multipoint_judge(struct multipoint_exchange *exchange, struct multipoint_answer *answer,
                      struct multipoint_reply *ret_reply, char buffer[MULTIPOINT_SENTENCE]);
/* Whether the reply says that there is no such session. */
bool multipoint_reply_not_found(const struct multipoint_reply *reply);

/* ---- host.c: what all parts that talk to a host need ----------------------------------------- */

/* The host cannot be used any more, or was not reached: the outermost net_leave() reports it
 * to the engine.  Only the first call counts. */
void multipoint_host_fail(struct multipoint_host *host, int code, const char *text);

/* What a host does for one op or observer; the first member of larger structs. */
struct multipoint_task {
    struct node node; /* in the host's `tasks` */
    struct multipoint_host *host;
    void **owner; /* the `data` of the op or observer, which points here */
    void (*free)(struct multipoint_task *task);
};

/* A zeroed task of `size` bytes for the op's or observer's `data`, or NULL. */
void *multipoint_task_new(struct multipoint_host *host, size_t size, void **owner,
                          void (*free)(struct multipoint_task *task));
void multipoint_task_end(struct multipoint_task *task);

/* Ends an op with a reply that reports an error. */
void multipoint_reply_answer(struct multipoint_host *host, struct wms_op *op,
                             const struct multipoint_reply *reply);
/* Tells the log; `more` may be NULL. */
void multipoint_host_say(struct multipoint_host *host, enum wms_level level, const char *what,
                         const char *more);
/* Keeps the binding as it is now; if that fails, it is so for this process alone. */
void multipoint_host_keep(struct multipoint_host *host);
/* The host has announced its next certificate, by a way that is trusted: from here on it may show
 * that, too, if it could be bound with it.  False: it could not, or there is no memory. */
bool multipoint_host_expect(struct multipoint_host *host, const void *der, size_t size);
/* The host shows its next certificate: the present one is history. */
void multipoint_host_renewed(struct multipoint_host *host,
                             const struct multipoint_certificate *shown);
/* 0 if the host is bound; loads the binding if there is one by now. Errors: NOT_BOUND, and those of
 * load(); *ret_text says more, or is NULL. */
int multipoint_host_bound(struct multipoint_host *host, const char **ret_text);

/* ---- stations.c ------------------------------------------------------------------------------ */

/* A station that shows a session. */
struct multipoint_seat {
    struct multipoint_seat *next;
    uint32_t session, station;
    const char *session_host; /* the machine whose session it is (ids are per machine); "" if the
                                 host does not say */
    signed char own; /* whether that machine is the host itself: 1, 0, or -1 (cannot be told); valid
                        after multipoint_stations_judge() */
};

/* The stations of a host, asked for one after the other. */
struct multipoint_stations {
    struct multipoint_host *host;
    struct multipoint_arena *arena; /* owns the seats */
    struct wms_op *op;              /* gets alive() with each answer */
    void (*done)(
        void *data,
        const struct multipoint_reply *reply); /* code 0, or the error that ends the whole list */
    void *data;
    struct multipoint_exchange *next, *information; /* questions under way, or NULL */
    struct multipoint_seat *seats;
    uint32_t at, count;         /* the id asked about last; how many stations answered */
    uint32_t following;         /* the next station's id; 0: none */
    unsigned visited, failures; /* how many were asked for; how many in a row told nothing */
    bool counting; /* the host does not say which station is next: ids are tried in order */
    bool ended;    /* all stations have been asked */
    bool partial;  /* there may be stations that are not in `seats` */
};

/* Asks for all of them; done() comes later.  Errors: as multipoint_ask(). */
int multipoint_stations_ask(struct multipoint_stations *stations, const char **ret_text);
void multipoint_stations_drop(struct multipoint_stations *stations);
/* Called when all stations have answered: sets `own` of each seat. */
void multipoint_stations_judge(struct multipoint_stations *stations);
/* The seat of one of the host's own sessions, or NULL. *ret_unsure: some stations are not known, so
 * that NULL does not mean that it has none. */
const struct multipoint_seat *multipoint_stations_find(const struct multipoint_stations *stations,
                                                       uint32_t session, bool *ret_unsure);

/* ---- identity.c ------------------------------------------------------------------------------ */

/* The identity of that user's session: "domain\\user", in the arena.  NULL: out of memory. */
const char *multipoint_identity(struct multipoint_arena *arena, const char *domain,
                                const char *user);
/* The row of GetAllSessions with that id, or NULL. */
const wms_value *multipoint_session_row(const wms_value *table, uint32_t id);
/* For many look-ups: all rows, sorted by id, in the arena.  NULL: out of memory. */
const wms_value **multipoint_session_rows(const wms_value *table, struct multipoint_arena *arena,
                                          size_t *ret_count);
const wms_value *multipoint_session_row_of(const wms_value *const *rows, size_t count, uint32_t id);
/* Whether the row's session has that identity: the same domain and user. */
bool multipoint_is_identity(const wms_value *row, const char *identity);
/* Whether it is the console's session, at the machine's own screen. */
bool multipoint_is_console(const wms_value *row);

/* ---- watch.c: a host that is watched --------------------------------------------------------- */

struct multipoint_registration;

void multipoint_watch(struct multipoint_host *host, struct wms_watcher *watched);
void multipoint_unwatch(struct wms_watcher *watched);
/* The host is to tell nothing more to those who watch it; they are still there until they leave. */
void multipoint_watch_end(struct multipoint_host *host);

/* ---- list.c, actions.c, bind.c, observe.c ---------------------------------------------------- */

void multipoint_list(struct multipoint_host *host, struct wms_op *op);
void multipoint_act(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb,
                    const wms_id *id, const char *message);
void multipoint_call(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call);
/* Reboots the host, or powers it off. */
void multipoint_end(struct multipoint_host *host, struct wms_op *op, enum wms_verb verb);
int multipoint_check(const struct wms_call *call, char *complaint, size_t size);
void multipoint_bind(struct multipoint_host *host, struct wms_op *op, const struct wms_call *call);
void multipoint_bind_secret(struct multipoint_host *host, struct wms_op *op, const char *secret);
void multipoint_observe(struct multipoint_host *host, struct wms_observer *observer,
                        const wms_id *id);

#endif
