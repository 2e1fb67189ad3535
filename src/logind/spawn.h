/* SPDX-License-Identifier: MIT */
/* spawn.h - starts a program that is no child of this process.
 *
 * A child would send SIGCHLD to the program that we are a part of, and would be seen by its wait().
 * So the new process belongs to the system's init from the start, in a session of its own: it has
 * no terminal, and a terminal's Ctrl-C does not reach it. */
#ifndef WMS_LOGIND_SPAWN_H
#define WMS_LOGIND_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Room for what runs until the program is there; it may come from anywhere. */
enum { LOGIND_SPAWN_ROOM = 128 * 1024 };

struct logind_process {
    pid_t pid;  /* it leads a process group */
    int handle; /* a pidfd, close-on-exec; -1: this system has none */
};

/* Starts argv[0], which is looked for in PATH unless it has a slash, with this environment.
 * `stream` becomes its standard input and output, `errors` its error stream; it gets no other
 * descriptor, default signal handlers, and no blocked signal.  Blocks no longer than exec() takes.
 * `room` has LOGIND_SPAWN_ROOM bytes.  Returns 0, or a negative errno: ENOENT and EACCES are about
 * the program. */
int logind_spawn(const char *const *argv, const char *const *environment, int stream, int errors,
                 void *room, struct logind_process *ret_process);
/* Whether it still runs; without a handle: unknown, false. */
bool logind_process_runs(const struct logind_process *process);
/* SIGTERM, and SIGKILL, for it and its process group, if it still runs.  `over`: what is otherwise
 * known of it says that it has ended; that counts where there is no handle, and nothing kills it
 * there. */
void logind_process_end(const struct logind_process *process, bool over);
void logind_process_kill(const struct logind_process *process);
/* It has ended, and may belong to this process after all, which is the system's init or a
 * subreaper: takes its exit code from the system.  Does not block. */
void logind_process_reap(const struct logind_process *process);
/* Closes the handle. */
void logind_process_close(struct logind_process *process);

#endif
