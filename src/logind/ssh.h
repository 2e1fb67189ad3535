/* SPDX-License-Identifier: MIT */
/* ssh.h - a command on another machine, by the user's own OpenSSH program.
 *
 * ssh is started with the words of wms_transport's ssh_command (else "ssh", from PATH) and an
 * argument vector: no shell of this machine sees any of it, and no terminal is there, so that it
 * can never ask for a password.  The user's configuration, agent, known hosts, jump hosts and
 * ControlMaster are used as they are.  What it says on its error stream is read, and its last lines
 * are kept.
 *
 *     struct logind_ssh *ssh;
 *     int fd;
 *     struct logind_fault fault;
 *     if (logind_ssh_start(&place, NULL, "systemd-stdio-bridge", on_ended, data, &ssh, &fd,
 * &fault))
 *         ... fault.code, fault.text: ssh could not be started
 *     ... read and write fd; its end, or on_ended(): logind_ssh_why(ssh, &fault) ...
 *     close(fd);
 *     logind_ssh_end(ssh, false);
 */
#ifndef WMS_LOGIND_SSH_H
#define WMS_LOGIND_SSH_H

#include "fault.h"
#include <wms/provider.h>

struct logind_ssh;

/* Where, and for whom: what connect() was given.  Borrowed while logind_ssh_start() runs. */
struct logind_place {
    const struct wms_services *services;
    wms_engine *engine;
    const struct wms_provider *self;
    const struct wms_address *address; /* with a host */
};

/* Starts `command` there.  It is a text for the shell of the user over there, who may have any
 * shell: letters, digits, blanks and "-_./:=,@+" alone, anything else is refused (UNSUPPORTED).
 * `options`: more options for ssh, ended by NULL; NULL: none.  They win over those of ssh.c.
 *
 * *ret_fd is a stream, which ssh passes on as the command's standard input and output;
 * non-blocking, close-on-exec, the caller's own to close.  `ended`, which may be NULL, is called
 * once when ssh has closed its error stream: it has ended, or is about to.  It is never called from
 * inside this nor after logind_ssh_end(), and it may call that.
 *
 * Returns 0, or a code: NO_PROVIDER (there is no such program), UNSUPPORTED, NO_MEMORY, INTERNAL
 * (no descriptor, no process); *ret_fault says the same with a text.  Never blocks. */
int logind_ssh_start(const struct logind_place *place, const char *const *options,
                     const char *command, void (*ended)(void *data), void *data,
                     struct logind_ssh **ret_ssh, int *ret_fd, struct logind_fault *ret_fault);
/* ended() was called, or would be next. */
bool logind_ssh_is_over(const struct logind_ssh *ssh);
/* Why it ended, by its last lines: UNTRUSTED (the host's key), ACCESS_DENIED (no key of the user's
 * is accepted), PROTOCOL (it floods its error stream), else UNREACHABLE.  The text says what to do,
 * and has ssh's own words.  More is known once it is over.  Lines of the command's own error stream
 * are among them: a command that exits by itself is UNREACHABLE with what it said last.  Returns
 * whether it is a reason that ssh has given. */
bool logind_ssh_why(struct logind_ssh *ssh, struct logind_fault *ret_fault);
/* Whether one of its last lines has this word; with "": whether it has said anything. */
bool logind_ssh_said(struct logind_ssh *ssh, const char *word);
/* Ends it (SIGTERM, and SIGKILL for one that stays) and frees it; NULL is allowed.  Does not wait:
 * the engine's loop sees to the rest.  What the command over there has received it may still carry
 * out.  With `forked`, this is a forked child: only its copies of descriptors are closed. */
void logind_ssh_end(struct logind_ssh *ssh, bool forked);

/* For the provider's retire() and forked(): no ssh of this engine is left then that was not ended
 * by logind_ssh_end(). */
void logind_ssh_retire(const struct wms_provider *self, const struct wms_services *services,
                       wms_engine *engine, bool forked);

#endif
