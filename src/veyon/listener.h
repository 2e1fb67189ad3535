/* SPDX-License-Identifier: MIT */
/* listener.h - who has a port of this machine.  Nothing here knows of hosts, or needs the engine.
 */
#ifndef WMS_VEYON_LISTENER_H
#define WMS_VEYON_LISTENER_H

enum { VEYON_SENTENCE = 480 /* size of a buffer for an error's text */ };

/* Whose is the other end of a connection of ours to an address of this machine: 0 if it is root's
 * or our own.  An end that no process has accepted yet is whose listener has it.  All addresses are
 * numeric.  Errors: UNREACHABLE (nobody's), UNTRUSTED (another user's, or it cannot be seen);
 * `text` then is one sentence. */
int veyon_listener_check(const char *host, unsigned port, const char *our_host, unsigned our_port,
                         char text[VEYON_SENTENCE]);

#endif
