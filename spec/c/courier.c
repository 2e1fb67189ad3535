/* SPDX-License-Identifier: MIT */
/* courier.c - connections to real nats-servers on loopback: src/nats/courier.h and what is below.
 *
 *     courier FOLDER SCENARIO    FOLDER: for certificates and settings
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "nats/courier.h"

#include "check.h"

enum { PATIENCE = 90 /* seconds */, BURST = 10000, MANY = 1000 };

/* A sanitizer takes memory, and has no threads in a child of a program with threads. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const char *folder;

/* ---- servers --------------------------------------------------------------------------------- */

struct server {
    pid_t pid;
    int port;
    int log;
    char config[512]; /* "": none */
};

/* Until the server says that it is ready. */
static void read_log(struct server *server)
{
    char text[16384], *at;
    size_t length = 0;

    for (;;) {
        ssize_t got = read(server->log, text + length, sizeof text - 1 - length);
        if (got <= 0) {
            fail("no server: %.*s", (int) length, text);
        }
        length += (size_t) got;
        text[length] = '\0';
        at = strstr(text, "client connections on ");
        if (at && strstr(text, "Server is ready")) {
            server->port = atoi(strchr(strstr(at, " on "), ':') + 1);
            return;
        }
    }
}

static void start(struct server *server)
{
    char port[16];
    int ends[2];

    snprintf(port, sizeof port, "%d", server->port ? server->port : -1);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    server->pid = fork();
    CHECK(server->pid >= 0);
    if (server->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 2);
        execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", port,
               *server->config ? "-c" : NULL, server->config, (char *) NULL);
        _exit(127);
    }
    close(ends[1]);
    server->log = ends[0];
    read_log(server);
}

static void kill_server(struct server *server)
{
    CHECK(kill(server->pid, SIGKILL) == 0);
    CHECK(waitpid(server->pid, NULL, 0) == server->pid);
    close(server->log);
}

__attribute__((format(printf, 2, 3))) static void write_file(const char *name, const char *form,
                                                             ...)
{
    char path[512];
    va_list list;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file);
    va_start(list, form);
    vfprintf(file, form, list);
    va_end(list);
    CHECK(fclose(file) == 0);
}

/* In the folder. */
static const char *path_of(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

__attribute__((format(printf, 1, 2))) static void run(const char *form, ...)
{
    char command[2048];
    va_list list;

    va_start(list, form);
    vsnprintf(command, sizeof command, form, list);
    va_end(list);
    if (system(command) != 0) {
        fail("%s", command);
    }
}

static void certify(const char *name, const char *names)
{
    if (access(path_of("ca.pem"), R_OK) != 0) {
        run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj '/CN=spec' -keyout ca.key -out ca.pem 2>/dev/null",
            folder);
    }
    run("cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=x' "
        "-keyout %s.key -out %s.csr 2>/dev/null && echo subjectAltName=%s >%s.ext && openssl x509 "
        "-req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile %s.ext -out "
        "%s.pem 2>/dev/null",
        folder, name, name, names, name, name, name, name);
}

static void use_tls(struct server *server, const char *name)
{
    char file[64];

    snprintf(file, sizeof file, "%s.conf", name);
    write_file(file, "tls { cert_file: \"%s/%s.pem\", key_file: \"%s/%s.key\" }\n", folder, name,
               folder, name);
    snprintf(server->config, sizeof server->config, "%s/%s", folder, file);
}

/* ---- clients --------------------------------------------------------------------------------- */

static wms_engine *engine;

struct client {
    struct courier *courier;
    int ups, downs, refusals, forbidden, messages, code;
    char text[COURIER_SENTENCE];
    char subject[256], reply[256], data[256];
    size_t size, bytes;
    unsigned subscription;
    int status;
    int expected;          /* numbers in messages go up from here; -1: not looked at */
    bool freeing;          /* it frees itself in the next event */
    struct courier *frees; /* and another one */
};

static void free_in_event(struct client *client)
{
    if (client->freeing) {
        courier_free(client->courier, false);
        client->courier = NULL;
        courier_free(client->frees, false);
        client->frees = NULL;
    }
}

static void up(void *data)
{
    struct client *client = data;

    client->ups++;
    CHECK(courier_is_up(client->courier));
    free_in_event(client);
}

/* What was told last, for messages. */
static char last[COURIER_SENTENCE];

static void keep_text(struct client *client, int code, const char *text)
{
    snprintf(last, sizeof last, "%s", text);
    client->code = code;
    snprintf(client->text, sizeof client->text, "%s", text);
}

static void down(void *data, int code, const char *text)
{
    struct client *client = data;

    client->downs++;
    CHECK(!courier_is_up(client->courier));
    keep_text(client, code, text);
    free_in_event(client);
}

static void refused(void *data, int code, const char *text)
{
    struct client *client = data;

    client->refusals++;
    keep_text(client, code, text);
    free_in_event(client);
}

static void forbidden(void *data, const char *text)
{
    struct client *client = data;

    client->forbidden++;
    keep_text(client, 0, text);
}

static void message(void *data, const struct courier_message *message)
{
    struct client *client = data;

    client->messages++;
    client->bytes += message->size;
    client->subscription = message->subscription;
    client->status = message->status;
    client->size = message->size;
    snprintf(client->subject, sizeof client->subject, "%s", message->subject);
    snprintf(client->reply, sizeof client->reply, "%s", message->reply ? message->reply : "-");
    snprintf(client->data, sizeof client->data, "%s", message->data);
    CHECK(message->data[message->size] == '\0');
    if (client->expected >= 0) {
        CHECK(atoi(message->data) == client->expected);
        client->expected++;
    }
    free_in_event(client);
}

static const struct courier_events events = {up, down, refused, message, forbidden};

static void connect_with(struct client *client, const wms_nats *nats)
{
    memset(client, 0, sizeof *client);
    client->expected = -1;
    CHECK(courier_new(wms_engine_services(), engine, nats, &events, client, &client->courier) == 0);
}

static const char *url_of(int port)
{
    static char urls[4][64];
    static unsigned next;
    char *url = urls[next++ % 4];

    snprintf(url, sizeof urls[0], "nats://127.0.0.1:%d", port);
    return url;
}

static void connect_to(struct client *client, const struct server *server)
{
    const char *servers[] = {url_of(server->port), NULL};
    wms_nats nats = WMS_NATS_INIT;

    nats.servers = servers;
    connect_with(client, &nats);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* How long the longest call of the engine took. */
static double longest;

/* Until a number is as large as it should be. */
static void await_(const int *number, int least, int line)
{
    double until = now() + PATIENCE;

    while (*number < least) {
        struct pollfd poll_fd = {.fd = wms_engine_fd(engine), .events = POLLIN};
        CHECK(poll_fd.fd >= 0);
        poll(&poll_fd, 1, 1000);
        double before = now();
        CHECK(wms_engine_step(engine) == 0);
        longest = now() - before > longest ? now() - before : longest;
        if (now() > until) {
            fail("line %d: %d instead of %d (%s)", line, *number, least, last);
        }
    }
}
#define AWAIT(number, least) await_(&(number), (least), __LINE__)

static void turn(int times)
{
    for (; times > 0; times--) {
        CHECK(wms_engine_step(engine) == 0);
        usleep(1000);
    }
}

/* What was ordered before is with the server when this returns. */
static void settle(struct client *client)
{
    unsigned subscription;
    int messages = client->messages;

    CHECK(courier_subscribe(client->courier, "settle.answer", &subscription) == 0);
    CHECK(courier_publish(client->courier, "settle.question", "settle.answer", "", 0) == 0);
    while (client->messages == messages || strcmp(client->subject, "settle.answer") != 0) {
        AWAIT(client->messages, messages + 1);
    }
    CHECK(client->status == 503);
    courier_unsubscribe(client->courier, subscription);
}

static void end(struct client *client)
{
    courier_free(client->courier, false);
    client->courier = NULL;
}

/* ---- this process ---------------------------------------------------------------------------- */

static int count_entries(const char *path)
{
    int count = 0;
    DIR *list = opendir(path);

    CHECK(list);
    while (readdir(list)) {
        count++;
    }
    closedir(list);
    return count;
}

static int descriptors(void)
{
    return count_entries("/proc/self/fd");
}

static long resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * 4;
}

/* The threads of couriers have ended, but for those of libnats. */
static void await_descriptors(int count)
{
    for (int i = 0; descriptors() != count; i++) {
        if (i > PATIENCE * 100) {
            fail("%d descriptors instead of %d", descriptors(), count);
        }
        usleep(10000);
    }
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static wms_engine *engine_new(void)
{
    wms_engine *made = NULL;

    CHECK(wms_engine_new(NULL, &made) == 0 && wms_engine_fd(made) >= 0);
    return made;
}

static void talk(void)
{
    struct server server = {0};
    struct client alice, bob;
    unsigned first, second;
    char *large = calloc(1, 3000000);

    start(&server);
    connect_to(&alice, &server);
    CHECK(courier_publish(alice.courier, "a", NULL, "", 0) == WMS_E_UNREACHABLE);
    CHECK(courier_subscribe(alice.courier, "to.alice.*", &first) == 0); /* before it is up */
    connect_to(&bob, &server);
    AWAIT(alice.ups, 1);
    AWAIT(bob.ups, 1);
    CHECK(courier_subscribe(alice.courier, "second", &second) == 0 && second != first);
    settle(&alice);

    CHECK(courier_publish(bob.courier, "to.alice.1", "to.bob", "hello", 5) == 0);
    AWAIT(alice.messages, 2);
    CHECK(alice.subscription == first && alice.size == 5 && alice.status == 0);
    CHECK(strcmp(alice.subject, "to.alice.1") == 0 && strcmp(alice.reply, "to.bob") == 0);
    CHECK(strcmp(alice.data, "hello") == 0);
    CHECK(courier_publish(bob.courier, "second", NULL, "\0x", 2) == 0);
    AWAIT(alice.messages, 3);
    CHECK(alice.subscription == second && alice.size == 2 && strcmp(alice.reply, "-") == 0);

    /* Nobody hears it; and no echo. */
    CHECK(courier_subscribe(bob.courier, "to.bob.*", &first) == 0);
    CHECK(courier_publish(bob.courier, "nobody", "to.bob.7", "", 0) == 0);
    AWAIT(bob.messages, 1);
    CHECK(bob.status == 503 && strcmp(bob.subject, "to.bob.7") == 0 && bob.size == 0);
    CHECK(courier_publish(bob.courier, "to.bob.8", NULL, "", 0) == 0);
    settle(&bob);
    CHECK(bob.messages == 2);

    /* What does not go. */
    CHECK(courier_payload(bob.courier) == 1048576);
    CHECK(courier_publish(bob.courier, "second", NULL, large, 1048577) == WMS_E_PROTOCOL);
    CHECK(courier_publish(bob.courier, "second", NULL, large, 1048576) == 0);
    AWAIT(alice.messages, 4);
    CHECK(alice.size == 1048576);
    CHECK(courier_publish(bob.courier, "", NULL, "", 0) == WMS_E_PROTOCOL);
    CHECK(courier_publish(bob.courier, "a b", NULL, "", 0) == WMS_E_PROTOCOL);
    CHECK(courier_publish(bob.courier, "a\r\nPUB b 0\r\n", NULL, "", 0) == WMS_E_PROTOCOL);
    CHECK(courier_publish(bob.courier, "a", "b\n", "", 0) == WMS_E_PROTOCOL);
    CHECK(courier_subscribe(bob.courier, "a b", &first) == WMS_E_PROTOCOL);

    /* A key's value is taken away: a header. */
    CHECK(courier_delete(bob.courier, "second", NULL) == 0);
    AWAIT(alice.messages, 5);
    CHECK(alice.size == 0);

    /* After it is unsubscribed nothing comes, also not what waits already. */
    for (int i = 0; i < 100; i++) {
        CHECK(courier_publish(bob.courier, "second", NULL, "late", 4) == 0);
    }
    settle(&bob);
    courier_unsubscribe(alice.courier, second);
    int messages = alice.messages;
    CHECK(courier_publish(bob.courier, "second", NULL, "late", 4) == 0);
    settle(&bob);
    turn(20);
    CHECK(alice.messages == messages);
    settle(&alice);

    /* What was published before the end is sent. */
    for (int i = 0; i < 100; i++) {
        CHECK(courier_publish(bob.courier, "to.alice.2", NULL, "last", 4) == 0);
    }
    end(&bob);
    AWAIT(alice.messages, messages + 101);
    CHECK(courier_subscribe(alice.courier, "a", &first) == 0);
    courier_unsubscribe(alice.courier, first);
    courier_unsubscribe(alice.courier, 4711);
    CHECK(alice.downs == 0 && alice.refusals == 0 && alice.forbidden == 0);
    end(&alice);
    free(large);
    kill_server(&server);
}

static void burst(void)
{
    struct server server = {0};
    struct client alice, bob;
    unsigned subscription;
    char number[16];

    start(&server);
    connect_to(&alice, &server);
    connect_to(&bob, &server);
    AWAIT(alice.ups, 1);
    AWAIT(bob.ups, 1);
    CHECK(courier_subscribe(alice.courier, "burst", &subscription) == 0);
    settle(&alice);
    alice.messages = alice.expected = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < BURST; i++) {
            snprintf(number, sizeof number, "%d", round * BURST + i);
            CHECK(courier_publish(bob.courier, "burst", NULL, number, strlen(number)) == 0);
        }
        turn(1);
    }
    AWAIT(alice.messages, 10 * BURST);
    CHECK(courier_waiting(bob.courier) == 0);
    CHECK(alice.downs == 0 && bob.downs == 0);
    end(&alice);
    end(&bob);
    kill_server(&server);
}

/* The engine does not look for a while: what comes waits, at most so much, and the rest with the
 * server, which loses patience; that is told. */
static void asleep(void)
{
    struct server server = {0};
    struct client alice, bob;
    unsigned subscription;
    enum { SIZE = 500000, COUNT = 400 };
    char *large = calloc(1, SIZE);
    wms_engine *other = engine_new(), *first = engine;
    long before = resident();

    write_file("asleep.conf", "write_deadline: \"2s\"\n");
    snprintf(server.config, sizeof server.config, "%s/asleep.conf", folder);
    start(&server);
    connect_to(&alice, &server);
    AWAIT(alice.ups, 1);
    CHECK(courier_subscribe(alice.courier, "large", &subscription) == 0);
    settle(&alice);
    alice.messages = 0;
    engine = other;
    connect_to(&bob, &server);
    AWAIT(bob.ups, 1);
    for (int sent = 0; sent < COUNT;) {
        int error = courier_publish(bob.courier, "large", NULL, large, SIZE);
        CHECK(error == 0 || error == WMS_E_BUSY);
        sent += error == 0;
        turn(1);
    }
    settle(&bob);
    end(&bob);
    CHECK(SANITIZED || resident() - before < 250000); /* kB; 200 MB came */
    engine = first;
    while (alice.messages < COUNT && alice.downs == 0) {
        turn(1);
    }
    if (alice.downs > 0) {
        CHECK(alice.code == WMS_E_UNREACHABLE);
    } else {
        CHECK(alice.bytes >= (size_t) SIZE * COUNT);
    }
    end(&alice);
    wms_engine_unref(other);
    free(large);
    kill_server(&server);
}

static void restart(void)
{
    struct server server = {0};
    struct client alice, bob;
    unsigned subscription;

    start(&server);
    connect_to(&alice, &server);
    CHECK(courier_subscribe(alice.courier, "to.alice", &subscription) == 0);
    AWAIT(alice.ups, 1);
    for (int i = 1; i <= 3; i++) {
        kill_server(&server);
        AWAIT(alice.downs, i);
        CHECK(alice.code == WMS_E_UNREACHABLE);
        CHECK(courier_publish(alice.courier, "a", NULL, "", 0) == WMS_E_UNREACHABLE);
        turn(300);
        start(&server);
        AWAIT(alice.ups, i + 1);
        connect_to(&bob, &server);
        AWAIT(bob.ups, 1);
        CHECK(courier_publish(bob.courier, "to.alice", NULL, "x", 1) == 0);
        AWAIT(alice.messages, i);
        end(&bob);
    }
    end(&alice);
    kill_server(&server);

    /* A server that is not there at first. */
    connect_to(&alice, &server);
    AWAIT(alice.downs, 1);
    CHECK(alice.code == WMS_E_UNREACHABLE && strstr(alice.text, "127.0.0.1"));
    start(&server);
    AWAIT(alice.ups, 1);
    end(&alice);
    kill_server(&server);
}

static void stop_reading(const char *name)
{
    struct server server = {0};
    struct client alice, bob;
    const char *servers[2] = {NULL};
    wms_nats nats = WMS_NATS_INIT;
    enum { SIZE = 4000 };
    unsigned subscription;
    char data[SIZE] = "x";
    int sent = 0, error;

    if (name) {
        use_tls(&server, name);
        nats.ca = path_of("ca.pem");
    }
    start(&server);
    servers[0] = url_of(server.port);
    nats.servers = servers;
    connect_with(&alice, &nats);
    connect_with(&bob, &nats);
    AWAIT(alice.ups, 1);
    AWAIT(bob.ups, 1);
    CHECK(courier_subscribe(alice.courier, "x", &subscription) == 0);
    settle(&alice);
    alice.messages = 0;
    CHECK(kill(server.pid, SIGSTOP) == 0);
    longest = 0;
    double before = now();
    while ((error = courier_publish(bob.courier, "x", NULL, data, SIZE)) == 0) {
        if (++sent % 100 == 0) {
            turn(1);
        }
    }
    CHECK(error == WMS_E_BUSY && sent > 10000 && sent < 30000);
    CHECK(now() - before < 30);
    CHECK(courier_subscribe(alice.courier, "y", &subscription) == 0);
    turn(10);
    CHECK(kill(server.pid, SIGCONT) == 0);
    AWAIT(alice.messages, sent);
    CHECK(bob.downs == 0 && alice.downs == 0);
    CHECK(courier_publish(bob.courier, "x", NULL, data, SIZE) == 0);
    AWAIT(alice.messages, sent + 1);

    /* And one that is freed while the server does not read. */
    CHECK(kill(server.pid, SIGSTOP) == 0);
    while (courier_publish(bob.courier, "x", NULL, data, SIZE) == 0) {
    }
    before = now();
    end(&bob);
    CHECK(now() - before < 3);
    CHECK(kill(server.pid, SIGCONT) == 0);
    end(&alice);
    kill_server(&server);
}

/* It takes more than two minutes: not in the specs. */
static void silence(void)
{
    struct server server = {0};
    struct client alice, bob;

    certify("silence", "IP:127.0.0.1");
    start(&server);
    connect_to(&alice, &server);
    AWAIT(alice.ups, 1);
    for (int i = 0; i < 65; i++) { /* idle for long: it is pinged */
        sleep(1);
        turn(1);
    }
    CHECK(alice.downs == 0);
    connect_to(&bob, &server);
    AWAIT(bob.ups, 1);
    CHECK(kill(server.pid, SIGSTOP) == 0);
    AWAIT(alice.downs, 1);
    CHECK(alice.code == WMS_E_UNREACHABLE && strstr(alice.text, "answer"));
    AWAIT(bob.downs, 1);
    CHECK(kill(server.pid, SIGCONT) == 0);
    AWAIT(alice.ups, 2);
    end(&alice);
    end(&bob);
    kill_server(&server);
}

static void stopped(void)
{
    stop_reading(NULL);
    certify("stopped", "IP:127.0.0.1");
    stop_reading("stopped");
}

/* ---- TLS, and a proxy that cuts records ------------------------------------------------------ */

struct proxy {
    int listening, port, to_port;
    atomic_int cut; /* of what the server says, only so many bytes more go through; -1: all */
    atomic_bool over;
    pthread_t thread;
};

static int listen_at(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *) &address, size) == 0 && listen(fd, 64) == 0);
    CHECK(getsockname(fd, (struct sockaddr *) &address, &size) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void send_all(int fd, const char *data, ssize_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, (size_t) size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        data += sent;
        size -= sent;
    }
}

static void *run_proxy(void *data)
{
    struct proxy *proxy = data;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t) proxy->to_port)};
    char buffer[16384];
    int client = accept4(proxy->listening, NULL, NULL, SOCK_CLOEXEC),
        server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(client >= 0 && connect(server, (struct sockaddr *) &address, sizeof address) == 0);
    while (!atomic_load(&proxy->over)) {
        struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
        int left = atomic_load(&proxy->cut);
        fds[1].events = left == 0 ? 0 : POLLIN;
        poll(fds, 2, 20);
        if (fds[0].revents & POLLIN) {
            ssize_t got = recv(client, buffer, sizeof buffer, 0);
            if (got <= 0) {
                break;
            }
            send_all(server, buffer, got);
        }
        if (fds[1].revents & POLLIN) {
            size_t want = left < 0 || left > (int) sizeof buffer ? sizeof buffer : (size_t) left;
            ssize_t got = recv(server, buffer, want, 0);
            if (got <= 0) {
                break;
            }
            if (left > 0) {
                atomic_fetch_sub(&proxy->cut, (int) got);
            }
            send_all(client, buffer, got);
        }
    }
    close(client);
    close(server);
    return NULL;
}

static void tls(void)
{
    struct server right = {0}, wrong = {0}, plain = {0};
    struct client alice, bob, carol;
    struct proxy proxy = {0};
    const char *servers[] = {NULL, NULL, NULL};
    wms_nats nats = WMS_NATS_INIT;
    unsigned subscription;
    char *large = calloc(1, 100001);

    certify("right", "DNS:localhost,IP:127.0.0.1");
    certify("wrong", "DNS:other.example");
    run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj "
        "'/CN=other' -keyout other.key -out other.pem 2>/dev/null",
        folder);
    use_tls(&right, "right");
    use_tls(&wrong, "wrong");
    start(&right);
    start(&wrong);
    start(&plain);
    nats.servers = servers;

    servers[0] = url_of(right.port);
    nats.ca = path_of("ca.pem");
    connect_with(&alice, &nats);
    AWAIT(alice.ups, 1);
    nats.ca = path_of("other.pem");
    connect_with(&bob, &nats);
    AWAIT(bob.refusals, 1);
    CHECK(bob.code == WMS_E_UNTRUSTED && strstr(bob.text, "not trusted"));
    end(&bob);
    nats.ca = NULL; /* the system's */
    connect_with(&bob, &nats);
    AWAIT(bob.refusals, 1);
    CHECK(bob.code == WMS_E_UNTRUSTED);
    end(&bob);

    servers[0] = url_of(wrong.port);
    nats.ca = path_of("ca.pem");
    connect_with(&bob, &nats);
    AWAIT(bob.refusals, 1);
    CHECK(bob.code == WMS_E_UNTRUSTED && strstr(bob.text, "mismatch"));
    end(&bob);
    servers[0] = url_of(plain.port); /* it is to be TLS, and is none */
    connect_with(&bob, &nats);
    AWAIT(bob.refusals, 1);
    CHECK(bob.code == WMS_E_UNTRUSTED);
    end(&bob);
    nats.ca = path_of("missing.pem");
    connect_with(&bob, &nats);
    AWAIT(bob.refusals, 1);
    CHECK(bob.code == WMS_E_ACCESS_DENIED && strstr(bob.text, "missing.pem"));
    end(&bob);
    /* One wrong server beside a right one. */
    nats.ca = path_of("ca.pem");
    servers[0] = url_of(wrong.port);
    servers[1] = url_of(right.port);
    connect_with(&bob, &nats);
    AWAIT(bob.ups, 1);
    CHECK(bob.refusals == 0);
    end(&bob);
    servers[1] = NULL;

    /* Half a record: it waits, and nobody else. */
    proxy.to_port = right.port;
    atomic_init(&proxy.cut, -1);
    proxy.listening = listen_at(&proxy.port);
    CHECK(pthread_create(&proxy.thread, NULL, run_proxy, &proxy) == 0);
    servers[0] = url_of(proxy.port);
    connect_with(&bob, &nats);
    AWAIT(bob.ups, 1);
    CHECK(courier_subscribe(bob.courier, "half", &subscription) == 0);
    settle(&bob);
    servers[0] = url_of(right.port);
    connect_with(&carol, &nats);
    AWAIT(carol.ups, 1);
    for (int cut = 1; cut <= 401; cut += 100) {
        int messages = bob.messages;
        atomic_store(&proxy.cut, cut);
        /* Not more than the kernels take: the server waits for whoever reads slowly. */
        CHECK(courier_publish(carol.courier, "half", NULL, large, 30000) == 0);
        for (int i = 0; i < 20; i++) {
            settle(&carol); /* the same thread carries it */
            settle(&alice);
        }
        CHECK(bob.messages == messages);
        CHECK(courier_publish(bob.courier, "y", NULL, "z", 1) == 0);
        settle(&carol);
        atomic_store(&proxy.cut, -1);
        AWAIT(bob.messages, messages + 1);
        CHECK(bob.size == 30000);
    }
    atomic_store(&proxy.cut, 3); /* and it ends in the middle of one */
    CHECK(courier_publish(carol.courier, "half", NULL, large, 1000) == 0);
    settle(&carol);
    turn(50);
    atomic_store(&proxy.over, true);
    AWAIT(bob.downs, 1);
    settle(&carol);
    CHECK(pthread_join(proxy.thread, NULL) == 0);
    close(proxy.listening);
    end(&bob);

    /* Large ones through TLS, both ways. */
    CHECK(courier_subscribe(alice.courier, "large", &subscription) == 0);
    settle(&alice);
    int messages = alice.messages;
    for (int i = 0; i < 300; i++) {
        CHECK(courier_publish(carol.courier, "large", NULL, large, 100000) == 0);
    }
    AWAIT(alice.messages, messages + 300);
    end(&carol);
    end(&alice);
    free(large);
    kill_server(&right);
    kill_server(&wrong);
    kill_server(&plain);
}

/* Servers that are none, or hang, beside one that works. */
static void hostile(void)
{
    static const char hello[] =
        "INFO {\"server_id\":\"X\",\"version\":\"2.9.10\",\"proto\":1,"
        "\"max_payload\":1048576,\"headers\":true,\"tls_required\":true}\r\n";
    struct server server = {0};
    struct client alice, silent, stuck, chatty;
    int port, listening = listen_at(&port);
    const char *servers[] = {url_of(port), NULL};
    wms_nats nats = WMS_NATS_INIT;
    char *nonsense = malloc(70000);

    start(&server);
    connect_to(&alice, &server);
    AWAIT(alice.ups, 1);

    /* It takes connections, and says nothing. */
    nats.servers = servers;
    connect_with(&silent, &nats);
    turn(10);
    int one = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    settle(&alice);
    AWAIT(silent.downs, 1);
    CHECK(silent.code == WMS_E_TIMEOUT);
    settle(&alice);
    end(&silent);
    close(one);

    /* It begins TLS, and says nothing more. */
    nats.ca = path_of("ca.pem");
    certify("hostile", "IP:127.0.0.1");
    connect_with(&stuck, &nats);
    turn(10);
    for (;;) { /* past an attempt of the last one */
        one = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        CHECK(one >= 0);
        send_all(one, hello, sizeof hello - 1);
        char head[1];
        if (recv(one, head, 1, 0) == 1) {
            break;
        }
        close(one);
    }
    settle(&alice);
    AWAIT(stuck.downs, 1);
    CHECK(stuck.code == WMS_E_TIMEOUT);
    settle(&alice);
    double before = now();
    end(&stuck);
    CHECK(now() - before < 3);
    settle(&alice);
    close(one);

    /* It says what no server says. */
    nats.ca = NULL;
    memset(nonsense, 'x', 70000);
    connect_with(&chatty, &nats);
    turn(10);
    one = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    send_all(one, nonsense, 70000);
    AWAIT(chatty.downs, 1);
    settle(&alice);
    end(&chatty);
    close(one);
    close(listening);
    end(&alice);
    free(nonsense);
    kill_server(&server);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static const char seed[] = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
                  public[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

static void credentials(void)
{
    struct server server = {0};
    struct client client;
    const char *servers[2] = {NULL};
    wms_nats nats = WMS_NATS_INIT;
    unsigned subscription;

    write_file("users.conf",
               "authorization { users = [ { user: \"al\\\"ice\", password: \"pass \\\\ word\" }, "
               "{ nkey: %s, permissions { publish: \"allowed\", subscribe: \"allowed\" } } ] }\n",
               public);
    snprintf(server.config, sizeof server.config, "%s/users.conf", folder);
    start(&server);
    servers[0] = url_of(server.port);
    nats.servers = servers;

    connect_with(&client, &nats); /* nobody */
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED && strstr(client.text, "credentials"));
    CHECK(courier_publish(client.courier, "x", NULL, "", 0) == WMS_E_UNREACHABLE);
    end(&client);

    write_file("password", "pass \\ word\nmore\n");
    nats.user_name = "al\"ice";
    nats.password_file = path_of("password");
    connect_with(&client, &nats);
    AWAIT(client.ups, 1);
    settle(&client);
    end(&client);
    write_file("password", "wrong\n");
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED);
    end(&client);
    write_file("password", "\n");
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED && strstr(client.text, "first line"));
    end(&client);
    nats.user_name = nats.password_file = NULL;

    write_file("seed", "# a key\n%s\n", seed);
    nats.nkey = path_of("seed");
    connect_with(&client, &nats);
    AWAIT(client.ups, 1);
    CHECK(courier_publish(client.courier, "allowed", NULL, "", 0) == 0);
    CHECK(courier_publish(client.courier, "denied", NULL, "", 0) == 0);
    AWAIT(client.forbidden, 1);
    CHECK(strstr(client.text, "denied"));
    CHECK(courier_subscribe(client.courier, "other", &subscription) == 0);
    AWAIT(client.forbidden, 2);
    CHECK(strstr(client.text, "other") && client.downs == 0);
    end(&client);
    CHECK(chmod(nats.nkey, 0604) == 0);
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_UNTRUSTED && strstr(client.text, "chmod"));
    end(&client);
    CHECK(chmod(nats.nkey, 0600) == 0);
    write_file("seed", "%.57sX\n", seed); /* a letter is wrong */
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED && strstr(client.text, "seed"));
    end(&client);
    nats.nkey = path_of("none");
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED && strstr(client.text, "none"));
    end(&client);
    nats.nkey = NULL;
    nats.credentials = path_of("users.conf");
    connect_with(&client, &nats);
    AWAIT(client.refusals, 1);
    CHECK(client.code == WMS_E_ACCESS_DENIED && strstr(client.text, ".creds"));
    end(&client);

    /* Once it was up, a refusal is not the end: the servers' settings are being changed, perhaps.
     */
    nats.credentials = NULL;
    nats.nkey = path_of("seed");
    write_file("seed", "%s\n", seed);
    connect_with(&client, &nats);
    AWAIT(client.ups, 1);
    kill_server(&server);
    char config[512];
    snprintf(config, sizeof config, "%s", server.config);
    write_file("none.conf", "authorization { user: x, password: y }\n");
    snprintf(server.config, sizeof server.config, "%s/none.conf", folder);
    start(&server);
    while (client.code != WMS_E_ACCESS_DENIED) {
        AWAIT(client.downs, client.downs + 1);
    }
    kill_server(&server);
    snprintf(server.config, sizeof server.config, "%s", config);
    start(&server);
    AWAIT(client.ups, 2);
    CHECK(client.refusals == 0);
    end(&client);
    kill_server(&server);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void many(void)
{
    static struct client clients[MANY];
    struct server server = {0};
    struct client first;
    unsigned subscription;
    char subject[32];
    int before = 0;

    start(&server);
    connect_to(&first, &server);
    AWAIT(first.ups, 1);
    before = descriptors();
    long memory = resident();
    for (int i = 0; i < MANY; i++) {
        connect_to(&clients[i], &server);
        for (int j = 0; j < 3; j++) {
            snprintf(subject, sizeof subject, "to.%d.%d", i, j);
            CHECK(courier_subscribe(clients[i].courier, subject, &subscription) == 0);
        }
    }
    for (int i = 0; i < MANY; i++) {
        AWAIT(clients[i].ups, 1);
    }
    memory = (resident() - memory) / MANY;
    CHECK(descriptors() == before + MANY);
    printf("%ld kB a connection\n", memory);
    CHECK(SANITIZED || memory < 100);
    for (int i = 0; i < MANY; i++) {
        settle(&clients[i]);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(subject, sizeof subject, "to.%d.1", i);
            CHECK(courier_publish(first.courier, subject, NULL, "x", 1) == 0);
        }
    }
    for (int i = 0; i < MANY; i++) {
        AWAIT(clients[i].messages, 11);
    }
    kill_server(&server);
    for (int i = 0; i < MANY; i++) {
        AWAIT(clients[i].downs, 1);
    }
    start(&server);
    for (int i = 0; i < MANY; i++) {
        AWAIT(clients[i].ups, 2);
    }
    AWAIT(first.ups, 2);
    for (int i = 0; i < MANY; i++) {
        end(&clients[i]);
    }
    await_descriptors(before);
    settle(&first);
    end(&first);
    kill_server(&server);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void forks(void)
{
    struct server server = {0};
    struct client alice, bob, child;
    unsigned subscription;

    start(&server);
    connect_to(&alice, &server);
    connect_to(&bob, &server);
    AWAIT(alice.ups, 1);
    AWAIT(bob.ups, 1);
    CHECK(courier_subscribe(alice.courier, "x", &subscription) == 0);
    settle(&alice);
    for (int i = 0; i < 20; i++) {
        int messages = alice.messages;
        for (int j = 0; j < 1000; j++) {
            CHECK(courier_publish(bob.courier, "x", NULL, "x", 1) == 0);
        }
        turn(i % 3);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            wms_request *none;
            CHECK(wms_engine_news(engine, &none) == 0); /* the engine notices that it is a child */
            courier_free(bob.courier, true);
            courier_free(alice.courier, true);
            if (i == 0 && !SANITIZED) { /* a connection of its own */
                engine = engine_new();
                connect_to(&child, &server);
                AWAIT(child.ups, 1);
                settle(&child);
                end(&child);
            }
            _exit(0);
        }
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        AWAIT(alice.messages, messages + 1000);
        CHECK(strcmp(alice.data, "x") == 0 && alice.messages == messages + 1000);
    }
    CHECK(alice.downs == 0 && bob.downs == 0);
    end(&alice);
    end(&bob);
    kill_server(&server);
}

static void ends(void)
{
    struct server server = {0};
    struct client client, other, lasting;
    int port, listening = listen_at(&port);
    const char *servers[] = {url_of(port), NULL};
    wms_nats nats = WMS_NATS_INIT;

    start(&server);
    int before = descriptors();
    connect_to(&client, &server);
    AWAIT(client.ups, 1);
    end(&client);

    /* While it connects. */
    nats.servers = servers;
    for (int i = 0; i < 20; i++) {
        connect_to(&client, &server);
        turn(i / 4);
        end(&client);
    }
    connect_with(&client, &nats);
    turn(20);
    end(&client);
    /* In events, the last one of its carrier and not, itself and others. */
    for (int i = 0; i < 4; i++) {
        memset(&lasting, 0, sizeof lasting);
        if (i & 1) {
            connect_to(&lasting, &server);
            AWAIT(lasting.ups, 1);
        }
        connect_to(&other, &server);
        AWAIT(other.ups, 1);
        connect_to(&client, &server);
        client.freeing = true;
        if (i & 2) {
            client.frees = other.courier;
        }
        AWAIT(client.ups, 1);
        CHECK(!client.courier);
        if (!(i & 2)) {
            end(&other);
        }
        if (lasting.courier) {
            settle(&lasting);
            end(&lasting);
        }
    }
    /* With messages that wait, and the engine's end right after. */
    unsigned subscription;
    connect_to(&client, &server);
    connect_to(&other, &server);
    AWAIT(client.ups, 1);
    AWAIT(other.ups, 1);
    CHECK(courier_subscribe(client.courier, "x", &subscription) == 0);
    settle(&client);
    client.freeing = true;
    for (int i = 0; i < 1000; i++) {
        CHECK(courier_publish(other.courier, "x", NULL, "x", 1) == 0);
    }
    int messages = client.messages;
    AWAIT(client.messages, messages + 1);
    turn(20);
    CHECK(client.messages == messages + 1);
    end(&other);
    close(listening);
    await_descriptors(before - 1);
    kill_server(&server);
}

/* The process ends, and the threads are at it. */
static void leaves(void)
{
    struct server server = {0};
    struct client alice, bob;
    const char *servers[] = {NULL, NULL};
    wms_nats nats = WMS_NATS_INIT;
    unsigned subscription;
    char data[1000] = "x";

    certify("leaves", "IP:127.0.0.1");
    use_tls(&server, "leaves");
    start(&server);
    servers[0] = url_of(server.port);
    nats.servers = servers;
    nats.ca = path_of("ca.pem");
    for (int i = 0; i < 10; i++) {
        fflush(NULL);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            engine = engine_new();
            connect_with(&alice, &nats);
            connect_with(&bob, &nats);
            AWAIT(alice.ups, 1);
            AWAIT(bob.ups, 1);
            CHECK(courier_subscribe(alice.courier, "x", &subscription) == 0);
            settle(&alice);
            for (int j = 0; j < 20000; j++) {
                CHECK(courier_publish(bob.courier, "x", NULL, data, sizeof data) == 0);
            }
            AWAIT(alice.messages, 500 * i);
            exit(0);
        }
        int status = 0;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    kill_server(&server);
}

/* ---- the program ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"talk", talk},       {"burst", burst}, {"asleep", asleep},   {"restart", restart},
    {"stopped", stopped}, {"tls", tls},     {"hostile", hostile}, {"credentials", credentials},
    {"many", many},       {"forks", forks}, {"ends", ends},       {"silence", silence},
    {"leaves", leaves},
};

static void ours(int number)
{
    (void) number;
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = ours}, after;
    sigset_t mask, mask_after;

    CHECK(count == 3);
    folder = arguments[1];
    umask(077); /* files with secrets */
    CHECK(sigaction(SIGPIPE, &action, NULL) == 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(scenarios[i].name, arguments[2]) == 0) {
            snprintf(where, sizeof where, "%s", arguments[2]);
            engine = engine_new();
            scenarios[i].run();
            wms_engine_unref(engine);
            CHECK(sigaction(SIGPIPE, NULL, &after) == 0 && after.sa_handler == ours);
            CHECK(sigprocmask(SIG_SETMASK, NULL, &mask_after) == 0);
            CHECK(sigismember(&mask_after, SIGUSR2) && !sigismember(&mask_after, SIGTERM) &&
                  !sigismember(&mask_after, SIGPIPE));
            return 0;
        }
    }
    fail("no scenario: %s", arguments[2]);
}
