/* SPDX-License-Identifier: MIT */
/* MultiPoint Servers for specs, in one process: the loop, and how it starts and ends.
 *
 *     multipoint             commands on standard input, answers on standard output
 *     multipoint --control   prints "control PORT PID": the commands come on the first connection
 * to that port of 127.0.0.1
 *
 * It ends with its control channel, so that nothing is left when a spec is killed. */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int epoll;
static bool ending;
static struct timer *timers; /* the next one first */

/* ---- time ------------------------------------------------------------------------------------ */

uint64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000 + (uint64_t) time.tv_nsec / 1000000;
}

void timer_clear(struct timer *timer)
{
    if (timer->set) {
        struct timer **link = &timers;

        while (*link != timer) {
            link = &(*link)->next;
        }
        *link = timer->next;
        timer->set = false;
    }
}

void timer_set(struct timer *timer, uint64_t ms, void (*fire)(struct timer *timer))
{
    struct timer **link = &timers;

    timer_clear(timer);
    timer->due = now_ms() + ms;
    timer->fire = fire;
    timer->set = true;
    while (*link && (*link)->due <= timer->due) {
        link = &(*link)->next;
    }
    timer->next = *link;
    *link = timer;
}

static void run_timers(void)
{
    uint64_t now = timers ? now_ms() : 0;

    while (timers && timers->due <= now) {
        struct timer *timer = timers;

        timer_clear(timer);
        timer->fire(timer);
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

void watch_add(struct watch *watch, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

void watch_remove(int fd)
{
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

void loop_quit(void)
{
    ending = true;
}

static struct daemon *busy, **busy_end = &busy; /* those that want to run again, in turn */

static void daemon_busy(struct daemon *daemon, bool is)
{
    if (is && !daemon->busy) {
        daemon->next_busy = NULL;
        *busy_end = daemon;
        busy_end = &daemon->next_busy;
    } else if (!is && daemon->busy) {
        struct daemon **link = &busy;

        while (*link != daemon) {
            link = &(*link)->next_busy;
        }
        *link = daemon->next_busy;
        busy_end = *link ? busy_end : link;
    }
    daemon->busy = is;
}

void daemon_run(struct daemon *daemon)
{
    daemon_busy(daemon, http_run(daemon));
}

static void daemon_ready(struct watch *watch)
{
    daemon_run((struct daemon *) (void *) ((char *) watch - offsetof(struct daemon, watch)));
}

void host_wake(struct host *host)
{
    for (size_t i = 0; i < LENGTH(host->daemons); i++) {
        daemon_busy(&host->daemons[i], host->daemons[i].mhd != NULL);
    }
}

static void run_busy(void)
{
    struct daemon **end = busy_end; /* whoever comes behind it, has its turn the next time */

    while (busy) {
        struct daemon *daemon = busy;
        bool last = end == &daemon->next_busy;

        daemon_busy(daemon, false);
        daemon_run(daemon);
        if (last) {
            break;
        }
    }
}

void daemon_watch(struct daemon *daemon)
{
    daemon->watch.ready = daemon_ready;
    watch_add(&daemon->watch, daemon->epoll);
}

void daemon_unwatch(struct daemon *daemon)
{
    watch_remove(daemon->epoll);
    daemon_busy(daemon, false);
}

static void loop(void)
{
    while (!ending) {
        struct epoll_event event; /* one at a time: what it does may free the others' hosts */
        int timeout = -1, count;

        if (busy) {
            timeout = 0;
        } else if (timers) {
            uint64_t now = now_ms();

            timeout = timers->due > now ? (int) (timers->due - now) : 0;
        }
        count = epoll_wait(epoll, &event, 1, timeout);
        if (count < 0 && errno != EINTR) {
            perror("epoll_wait");
            exit(1);
        }
        if (count > 0) {
            struct watch *watch = event.data.ptr;

            watch->ready(watch);
        }
        run_timers();
        run_busy();
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536; /* a host takes six */
        setrlimit(RLIMIT_NOFILE, &files);
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    soap_start();
    if (argc == 2 && strcmp(argv[1], "--control") == 0) {
        prctl(PR_SET_PDEATHSIG,
              SIGTERM); /* a killed spec's children may hold its end of the control channel */
        control_listen();
    } else if (argc == 1) {
        control_stdin();
    } else {
        fprintf(stderr, "usage: %s [--control]\n", argv[0]);
        return 2;
    }
    loop();
    control_end();
    while (hosts) {
        host_free(hosts);
    }
    soap_end();
    close(epoll);
    return 0;
}
