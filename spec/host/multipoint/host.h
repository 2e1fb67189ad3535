/* SPDX-License-Identifier: MIT */
/* A MultiPoint Server for specs: what its parts share.  One thread, one loop, sessions in memory.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef SPEC_HOST_MULTIPOINT_H
#define SPEC_HOST_MULTIPOINT_H

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <libxml/tree.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- text.c: strings that grow --------------------------------------------------------------- */

struct text {
    char *data; /* ends with a NUL once something was added */
    size_t length, size;
};

void text_add(struct text *text, const char *data, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_escape(struct text *text, const char *string);  /* as the content of an XML element */
void text_percent(struct text *text, const char *string); /* as one word of the control channel */
void text_clear(struct text *text);                       /* keeps the memory */
void text_free(struct text *text);
char *percent_decode(char *word); /* in place */
void *must(void *memory);         /* ends the program when there is none */
char *copy(const char *string);
void replace(char **string, const char *with);
bool parse_number(const char *string, uint64_t max,
                  uint64_t *ret); /* digits alone, as xsd:unsigned… */

/* ---- main.c: the loop ------------------------------------------------------------------------ */

struct host;

struct timer {
    struct timer *next;
    uint64_t due; /* ms */
    void (*fire)(struct timer *timer);
    bool set;
};

struct watch { /* an fd in the loop */
    void (*ready)(struct watch *watch);
};

uint64_t now_ms(void);
void timer_set(struct timer *timer, uint64_t ms, void (*fire)(struct timer *timer));
void timer_clear(struct timer *timer);
void watch_add(struct watch *watch, int fd);
void watch_remove(int fd);
void loop_quit(void);
struct daemon;
void daemon_watch(struct daemon *daemon);
void daemon_unwatch(struct daemon *daemon);
void daemon_run(struct daemon *daemon);
void host_wake(struct host *host); /* its daemons have something to do that no fd tells of */

/* ---- certificate.c --------------------------------------------------------------------------- */

struct certificate {
    struct certificate *next; /* older ones: connections may still use them */
    gnutls_certificate_credentials_t credentials;
    unsigned char *der;
    size_t der_length;
    char sha256[96], sha1[41]; /* "AB:CD:…", and as Windows writes a thumbprint */
    char *pem;
    struct text answer; /* what ppSslCertificate holds: an element a byte */
};

struct certificate_wish {
    const char *subject;
    const char *san;          /* a DNS name or an IPv4 address; NULL: none, as Windows makes them */
    const char *usage;        /* "server", "server,client", "client", "none" */
    bool expired, early, rsa; /* early: it is valid from tomorrow on */
    uint64_t lasts;           /* seconds; 0: a year */
};

struct certificate *certificate_new(const struct certificate_wish *wish, char *problem,
                                    size_t size);
void certificate_free(struct certificate *certificate); /* with the older ones */

#define HR_INVALID_ARGUMENT 0x80070057u /* E_INVALIDARG */
#define HR_NOT_FOUND        0x80070490u /* ERROR_NOT_FOUND */
#define HR_BAD_ASN1         0x8009310Bu /* CRYPT_E_ASN1_BADTAG */
#define HR_OTHER_NAME       0x800B010Fu /* CERT_E_CN_NO_MATCH */
#define HR_OTHER_USAGE      0x800B0110u /* CERT_E_WRONG_USAGE */

/* Looks at a client's certificate as the protocol demands: its subject is `name`, its extended key
 * usage is Server Authentication alone, and `thumbprint` (NULL: none was given) is its SHA-1.  Adds
 * it to `pem`; 0 or an HRESULT. */
uint32_t certificate_check(const struct text *der, const char *name, const char *thumbprint,
                           struct text *pem);

/* ---- post.c: what the host sends by itself -------------------------------------------------- */

struct operation;

/* An event that is on its way. */
struct post {
    struct post *next;
    const struct operation *operation;
    char id[64]; /* its MessageID */
    struct text envelope;
};

/* A place that events are sent to, one after the other. */
struct outlet {
    struct host *host;
    char *uri;
    struct post *first, **last; /* the first one is under way while there is a `transfer` */
    size_t waiting;
    CURL *transfer;
    struct curl_slist *headers;
    struct text answer;
    bool over; /* the client has said that it is not there any more */
};

/* The host's outgoing connections: a curl_multi in the loop.  Made when it is needed. */
struct poster {
    struct watch watch;
    struct timer timer;
    CURLM *multi;
    struct curl_slist *route;
    int epoll;
};

void outlet_start(struct outlet *outlet, struct host *host, const char *uri);
void outlet_send(struct outlet *outlet, struct post *post); /* takes the post */
void outlet_end(struct outlet *outlet);                     /* what has not been sent is dropped */
void poster_end(struct host *host);                         /* after its outlets */

/* ---- clients.c: who is told, and where ------------------------------------------------------- */

struct client { /* of SetSslCertificate */
    struct client *next;
    char *name;
    uint32_t port;
    struct text roots;    /* its certificates, PEM: the host trusts each of them */
    struct outlet online; /* its IMultiPointSystemOnlineEventSink */
};

struct sink { /* of RegisterCoreEventSink */
    struct sink *next;
    uint64_t cookie;
    struct outlet outlet;
};

bool clients_check(const struct operation *operation); /* it may find its arguments wrong */
struct client *client_of(const struct host *host, const char *uri); /* by the URI's host, or NULL */
void clients_forget_sinks(struct host *host);
void clients_drop_sink(struct host *host, const struct outlet *outlet);
size_t clients_count_sinks(const struct host *host);
bool clients_are_told(const struct host *host); /* no event is on its way */
void clients_free(struct host *host);

/* ---- events.c -------------------------------------------------------------------------------- */

struct words;

/* Tells all sinks, or all clients: `name` is an operation of the two sinks' interfaces.  Its
 * arguments are those of `words` from `at` on (NULL: none is given). */
const char *event_send(struct host *host, const char *name, const struct words *words, int at);

/* What happens by itself is told only while the host's `events` are on.  `what` is the name of the
 * argument that `id` is. */
void event_happened(struct host *host, const char *name, const char *what, uint64_t id);
void event_session_change(struct host *host, unsigned type, uint64_t id);
void event_projection(struct host *host, uint64_t id, unsigned state);
void event_station(struct host *host, unsigned station, uint64_t id);
void manager_set(struct host *host, int64_t ms); /* see `manager` in commands.c */

/* ---- a host ---------------------------------------------------------------------------------- */

enum { LOCKED = 8, ORCHESTRATABLE = 32 }; /* of a session's flags */

struct session {
    uint64_t id;
    uint32_t state, flags, station, broadcast;
    uint64_t blocked_at; /* by the Manager, ms; 0: it is not */
    bool rail, private_screen, deaf;
    int64_t relock_after; /* ms; -1: as the host's sessions */
    char *user, *domain, *winstation, *message;
    bool identified;   /* names are on its screen */
    uint64_t shows;    /* while it is viewing: the session whose desktop it shows */
    uint32_t inactive; /* ticks */
    int64_t picture; /* bytes of its picture; -1: as many as such a picture has; 0: there is none */
    struct timer relock; /* the session is found by its id: sessions move in memory */
    struct host *host;
};

/* What a spec wants to go wrong, or to go otherwise, with the next calls of an operation. */
struct rule {
    struct rule *next;
    char *operation;  /* "*": any */
    uint64_t times;   /* 0: always */
    uint64_t id;      /* of the session or station that it is about, or ANY_ID */
    uint64_t delay;   /* ms between the act and the answer */
    uint64_t endless; /* bytes */
    uint32_t status;  /* of HTTP */
    uint64_t fault;   /* HRESULT, or NO_FAULT */
    char *body;       /* instead of what the answer's element holds */
    char *raw;        /* instead of the answer */
    char *relates;    /* instead of the message's id; "" leaves the header out */
    char *header;     /* of HTTP, one more: "Name: value" */
    char *swap;       /* lines: each second one comes where the one before it stood in the answer */
    bool drop_before, drop_after, half, garbage, utf16, never, renegotiate;
};

#define NO_FAULT UINT64_MAX
#define ANY_ID   UINT64_MAX

enum transport { PLAIN, TLS };

struct daemon {
    struct watch watch;
    struct host *host;
    struct MHD_Daemon *mhd;
    enum transport transport;
    int epoll;
    uint16_t port;
    uint64_t connections;
    bool busy; /* MHD has work that its fd does not show */
    struct daemon *next_busy;
    uint64_t steps;       /* what came: connections, ends of handshakes, pieces of requests */
    unsigned handshaking; /* connections whose handshake has not ended */
    struct timer later;   /* it is run again then, whether its fd shows something or not */
};

struct entry { /* of the log */
    char *verb, *user, *result;
    uint64_t id;
    bool has_id;
};

struct host {
    struct host *next;
    char *name;
    struct in_addr address;
    struct daemon daemons[2];
    struct certificate *announced,
        *shown; /* in the plain answer, in the handshake; both are in `certificates` */
    struct certificate *certificates;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key;

    char *admin, *admin_password, *control_password, *management_password;
    char *server_version, *block_all;
    char *flags_name;
    uint32_t protocol_version, stations, unknown_hr;
    int64_t relock,
        block_all_relock; /* ms after which an unlocked session is locked again; -1: never */
    bool admin_orchestration, request_action, no_management, timestamps, refuse, keep_bodies;
    bool soap11, soap12; /* what the plain endpoint speaks */

    struct certificate *next_certificate; /* that will be shown; in `certificates`, or NULL */
    struct client *clients;
    struct sink *sinks;
    struct poster poster;
    uint64_t last_cookie, posts_done;
    struct text posts; /* what became of them, as the control channel shows it */
    bool events, cookie, definitions, credulous; /* see `settings` in commands.c */
    char *sinks_at, *sink_user;
    struct timer manager;
    int64_t manager_ms;
    uint64_t
        longest_block; /* ms that a session was blocked by the Manager, before it was unlocked */

    struct model *model; /* all else: model.h */
    struct session **sessions;
    size_t session_count, session_size;
    struct rule *rules;
    struct request *suspended;
    struct request *requests; /* one for each open connection */

    struct entry *log;
    size_t log_length, log_size;
    struct text
        bodies;       /* of requests, as the control channel shows them; only while `keep_bodies` */
    uint64_t *counts; /* for each operation */
    uint64_t message_ids[64]; /* of the last requests, as hashes: each must be new */
    unsigned next_message_id;
    uint64_t requests_seen, faults, handshakes, resumed, admin_plain, admin_tls;
};

/* ---- operations.c: what the protocol has ----------------------------------------------------- */

enum credentials { ANYBODY, ADMIN, CONTROL, MANAGEMENT };

struct call;

struct operation {
    const char *interface, *name;
    enum credentials credentials;
    const char *in, *out; /* "name:T …", T as explained in operations.c */
    uint32_t (*act)(struct call *call);
};

extern const struct operation operations[];
extern const size_t operation_count;
const struct operation *operation_find(const char *interface,
                                       const char *name); /* any interface if NULL */

enum { ARGUMENTS = 8 };

struct call {
    struct host *host;
    const struct operation *operation;
    const char *arguments[ARGUMENTS]; /* as text; NULL: nil */
    uint64_t numbers[ARGUMENTS];
    int count;
    struct text binary; /* the bytes of a list of them; the caller frees it */
    struct text *out;   /* what the answer's element holds */
};

/* Reads the arguments of an operation's element, strictly; NULL, or what is wrong. */
const char *arguments_read(struct call *call, xmlNode *element);
const char *text_of(xmlNode *element); /* NULL: it holds elements */
void default_answer(const struct operation *operation, struct text *out);

/* ---- sessions.c: what the host does; 0 or an HRESULT ----------------------------------------- */

uint32_t get_protocol_version(struct call *call);
uint32_t request_ssl_certificate(struct call *call);
uint32_t request_credentials(struct call *call);
uint32_t set_ssl_certificate(struct call *call);
uint32_t get_replacement_ssl_certificate(struct call *call);
uint32_t set_replacement_ssl_certificate(struct call *call);
uint32_t register_core_event_sink(struct call *call);
uint32_t unregister_core_event_sink(struct call *call);
uint32_t get_all_sessions(struct call *call);
uint32_t get_server_version(struct call *call);
uint32_t set_block_all_message(struct call *call);
uint32_t is_admin_orchestration_mode(struct call *call);
uint32_t set_admin_orchestration_mode(struct call *call);
uint32_t get_session_flags(struct call *call);
uint32_t lock_session(struct call *call);
uint32_t stop_locking_session(struct call *call);
uint32_t disconnect_session(struct call *call);
uint32_t log_off_session(struct call *call);
uint32_t log_off_console_session(struct call *call);
uint32_t end_host(struct call *call);
uint32_t get_screen_state(struct call *call);
uint32_t get_thumbnail_bits(struct call *call);

void session_lock(struct session *session, const char *message); /* and tells it */
struct session *session_find(struct host *host, uint64_t id);
struct session *session_add(struct host *host, uint64_t id); /* or the one that is there */
void session_remove(struct session *session);
void session_end(struct session *session); /* by a log-off: tells it, and removes it */

/* Tells how a session differs from what it was. */
void session_changed(const struct session *session, const struct session *before, bool is_new);

/* ---- pictures.c ------------------------------------------------------------------------------ */

/* The session's picture, of one of the protocol's sizes, in Base64. */
void picture_add(const struct session *session, unsigned size, struct text *out);

/* ---- soap.c: one request's text to one answer's ---------------------------------------------- */

struct exchange {
    struct host *host;
    enum transport transport;
    const char *path, *content_type, *authority, *soap_action; /* of the HTTP request */
    const char *body;
    size_t length;
    struct text *answer; /* the whole envelope */
    struct text *inner;  /* for what the answer's element holds */
    unsigned status;
    struct rule *rule; /* the one that was used up on it, or NULL; the caller frees it */
    bool drop;         /* close the connection instead of answering */
    bool old;          /* SOAP 1.1 */
};

void soap_start(void);
void soap_end(void);
void soap_handle(struct exchange *exchange);

/* ---- hosts.c --------------------------------------------------------------------------------- */

extern struct host *hosts;

struct host *host_new(const char *name);
struct host *host_find(const char *name);
struct rule *rule_take(struct host *host, const char *operation, uint64_t id);
void rule_free(struct rule *rule);
void host_free(struct host *host); /* takes it out of `hosts`, ends its connections */
void log_add(struct host *host, const char *verb, bool has_id, uint64_t id, const char *user,
             const char *result);
void log_clear(struct host *host);

/* ---- http.c ---------------------------------------------------------------------------------- */

const char *http_start(struct host *host, unsigned plain_port,
                       unsigned tls_port); /* NULL, or what is wrong */
void http_stop(struct host *host);
bool http_run(struct daemon *daemon);              /* whether it wants to be run again at once */
void http_resume_all(struct host *host);           /* answers that wait are sent */
void http_hang_up(struct host *host, bool rudely); /* ends every connection; rudely: by a reset */

/* ---- words.c: a command and its options, KEY=VALUE ------------------------------------------- */

struct words {
    char *word[64];
    int count;
};

const char *words_option(const struct words *words, const char *key); /* NULL: not given */
uint64_t words_number(const struct words *words, const char *key, uint64_t otherwise);
void words_string(const struct words *words, const char *key, char **ret); /* if it is given */
/* NULL, or which of the words from `from` on is not one of the keys with a value. */
const char *words_known(const struct words *words, int from, const char *const *keys);

/* ---- commands.c ------------------------------------------------------------------------------ */

/* A new certificate, as the words want it, and tells its digests; NULL with *ret, or a problem. */
const char *certificate_of(struct host *host, const struct words *words, struct text *out,
                           struct certificate **ret);
void certificate_show(struct host *host, struct certificate *certificate);

/* Commands of event_commands.c: NULL, or what is wrong. */
const char *command_event(struct host *host, const struct words *words, struct text *out);
const char *command_posts(struct host *host, const struct words *words, struct text *out);
const char *command_sinks(struct host *host, const struct words *words, struct text *out);
const char *command_clients(struct host *host, const struct words *words, struct text *out);
const char *command_restart(struct host *host, const struct words *words, struct text *out);
const char *command_renew(struct host *host, const struct words *words, struct text *out);
const char *command_adopt(struct host *host, const struct words *words, struct text *out);

/* Whether there is such a command; `ret_problem`: why it failed, or NULL. */
bool command_run(struct host *host, const struct words *words, struct text *answer,
                 const char **ret_problem);

/* ---- control.c ------------------------------------------------------------------------------- */

void control_listen(void); /* on a port of the loopback, which is printed */
void control_stdin(void);
void control_changed(void); /* a request came: someone may wait for it */
void control_end(void);

#endif
