/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The control channel: one command a line, words apart by blanks, each with %XX for what a word
 * cannot hold.  An answer is any number of lines that begin with a blank, then "ok" or "failed WHY".
 *
 *     host NAME [address= http= https= admin= password= control= management= key=rsa subject= usage=
 *          san= expired=1 early=1 lasts=SECONDS]
 *     unhost NAME [keep=1]             keep: its ports stay taken, and nobody listens there
 *     certificate NAME [where=plain|tls|both key=rsa subject= usage= san= expired=1 early=1
 *          lasts=SECONDS]              a new key, from now on
 *     pem NAME                         the certificate of the handshakes
 *     tls NAME PRIORITIES              GnuTLS's, such as NORMAL:-VERS-ALL:+VERS-TLS1.0
 *     set NAME KEY=VALUE...            see `settings`
 *     session NAME ID [user= domain= winstation= state= flags= station= broadcast= rail= private=
 *          message= relock=MS deaf=1]  deaf: neither locks nor unlocks, and says that it did
 *     fill NAME FROM TO [the same]     many sessions
 *     remove NAME ID|all
 *     sessions NAME
 *     on NAME OPERATION|* [times=1 delay= never=1 drop=before|after fault= status= body= raw=
 *          relates= half=1 garbage=1 endless=BYTES header= swap= utf16=1 id= renegotiate=1]
 *                                      id: only when it is about that session or station;
 *                                      renegotiate: before it answers (TLS 1.2)
 *     clear NAME                       forgets the rules, sends the answers that wait
 *     hangup NAME [rudely]             ends its connections; rudely: by a reset
 *     log NAME; bodies NAME; reset NAME; counts NAME
 *     event NAME OPERATION [ARGUMENT=VALUE...]
 *                                      to all sinks, or all clients; what is not given: 0, false, nil
 *     posts NAME                       the events that were sent since the last reset: operation, URI,
 *                                      and "ok", "fault CODE", "http STATUS", "curl PROBLEM", or what
 *                                      is wrong with the answer
 *     sinks NAME                       which are registered: cookie, URI
 *     clients NAME                     name, port, certificates
 *     restart NAME [forget=1 silent=1] connections end; forget: registrations, too; silent: nobody is
 *                                      told that it is back
 *     renew NAME [silent=1 and certificate's]
 *                                      makes the next certificate, and tells it
 *     adopt NAME                       that one is shown from now on
 *     wait NAME OPERATION|connections|handshakes|locks|posts|sinks|told COUNT [MS]
 *                                      told: 1, no event is on its way
 *     quit */
/* clang-format on */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE = 20000 }; /* ms */

static struct {
    struct watch watch, listener;
    int in, out, listening;
    struct text line, answer;
    struct timer patience; /* ends a wait, or the whole when nobody connects */
    char *host, *what;     /* what is waited for */
    uint64_t count;
} control = {.in = -1, .out = -1, .listening = -1};

/* ---- waiting --------------------------------------------------------------------------------- */

static void reply(const char *problem)
{
    const char *data;
    size_t left;

    if (problem) {
        text_printf(&control.answer, "failed %s\n", problem);
    } else {
        text_puts(&control.answer, "ok\n");
    }
    data = control.answer.data;
    left = control.answer.length;
    while (left) {
        ssize_t sent = write(control.out, data, left);

        if (sent < 0 && errno != EINTR) {
            loop_quit();
            break;
        }
        data += sent > 0 ? sent : 0;
        left -= sent > 0 ? (size_t) sent : 0;
    }
    text_clear(&control.answer);
}

static uint64_t counted(struct host *host, const char *what)
{
    uint64_t count = 0;

    if (strcmp(what, "connections") == 0) {
        return host->daemons[PLAIN].connections + host->daemons[TLS].connections;
    }
    if (strcmp(what, "handshakes") == 0) {
        return host->handshakes;
    }
    if (strcmp(what, "posts") == 0) {
        return host->posts_done;
    }
    if (strcmp(what, "told") == 0) {
        return clients_are_told(host);
    }
    if (strcmp(what, "sinks") == 0) {
        return clients_count_sinks(host);
    }
    if (strcmp(what, "locks") == 0) {
        for (size_t i = 0; i < host->session_count; i++) {
            count += (host->sessions[i]->flags & LOCKED) != 0;
        }
        return count;
    }
    for (size_t i = 0; i < operation_count; i++) {
        count +=
            strcmp(what, "*") == 0 || strcmp(operations[i].name, what) == 0 ? host->counts[i] : 0;
    }
    return count;
}

static void wait_end(const char *problem)
{
    timer_clear(&control.patience);
    replace(&control.host, NULL);
    replace(&control.what, NULL);
    reply(problem);
}

static void wait_failed(struct timer *timer)
{
    (void) timer;
    wait_end("waited in vain");
}

void control_changed(void)
{
    struct host *host = control.what ? host_find(control.host) : NULL;

    if (host && counted(host, control.what) >= control.count) {
        wait_end(NULL);
    }
}

static const char *do_wait(struct host *host, const struct words *words)
{
    uint64_t ms = PATIENCE;

    if (words->count < 4 || !parse_number(words->word[3], UINT64_MAX, &control.count) ||
        (words->count > 4 && !parse_number(words->word[4], UINT32_MAX, &ms))) {
        return "give what and how often";
    }
    replace(&control.host, host->name);
    replace(&control.what, words->word[2]);
    timer_set(&control.patience, ms, wait_failed);
    return NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void run_line(char *line)
{
    struct words words = {.count = 0};
    const char *problem = NULL;
    struct host *host;
    char *rest;

    for (char *word = strtok_r(line, " \t\r", &rest);
         word && words.count < (int) LENGTH(words.word); word = strtok_r(NULL, " \t\r", &rest)) {
        words.word[words.count++] = percent_decode(word);
    }
    if (words.count == 0 || words.word[0][0] == '#') {
        return;
    }
    if (strcmp(words.word[0], "quit") == 0) {
        reply(NULL);
        loop_quit();
        return;
    }
    host = words.count > 1 ? host_find(words.word[1]) : NULL;
    if (strcmp(words.word[0], "wait") == 0) {
        problem = host ? do_wait(host, &words) : "no such host";
    } else if (!command_run(host, &words, &control.answer, &problem)) {
        problem = "no such command";
    }
    if (!problem && control.what) {
        control_changed(); /* it may be so already; otherwise the answer comes later */
    } else {
        reply(problem);
    }
}

static void on_input(struct watch *watch)
{
    char buffer[65536], *line;
    ssize_t length = read(control.in, buffer, sizeof buffer);
    size_t at = 0;

    (void) watch;
    if (length <= 0) {
        if (length == 0 || errno != EINTR) {
            loop_quit();
        }
        return;
    }
    text_add(&control.line, buffer, (size_t) length);
    while ((line = memchr(control.line.data + at, '\n', control.line.length - at))) {
        size_t start = at;

        *line = '\0';
        at = (size_t) (line + 1 - control.line.data);
        run_line(control.line.data + start);
    }
    memmove(control.line.data, control.line.data + at, control.line.length - at);
    control.line.length -= at;
}

static void nobody_came(struct timer *timer)
{
    (void) timer;
    loop_quit();
}

static void on_listener(struct watch *watch)
{
    (void) watch;
    control.in = control.out = accept4(control.listening, NULL, NULL, SOCK_CLOEXEC);
    if (control.in >= 0) {
        timer_clear(&control.patience);
        watch_remove(control.listening);
        close(control.listening);
        control.listening = -1;
        control.watch.ready = on_input;
        watch_add(&control.watch, control.in);
    }
}

void control_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    control.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control.listening < 0 ||
        bind(control.listening, (struct sockaddr *) &address, length) != 0 ||
        listen(control.listening, 1) != 0 ||
        getsockname(control.listening, (struct sockaddr *) &address, &length) != 0) {
        perror("control channel");
        exit(1);
    }
    control.listener.ready = on_listener;
    watch_add(&control.listener, control.listening);
    timer_set(&control.patience, PATIENCE, nobody_came);
    printf("control %u %d\n", ntohs(address.sin_port), (int) getpid());
    fflush(stdout);
}

void control_stdin(void)
{
    control.in = 0;
    control.out = 1;
    control.watch.ready = on_input;
    watch_add(&control.watch, control.in);
}

void control_end(void)
{
    if (control.listening >= 0) {
        close(control.listening);
    }
    if (control.in > 0) {
        close(control.in);
    }
    timer_clear(&control.patience);
    replace(&control.host, NULL);
    replace(&control.what, NULL);
    text_free(&control.line);
    text_free(&control.answer);
}
