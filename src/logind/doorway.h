/* SPDX-License-Identifier: MIT */
/* doorway.h - the socket of a connection to a user's bus: see userbus.h. */
#ifndef WMS_LOGIND_DOORWAY_H
#define WMS_LOGIND_DOORWAY_H

#include "logind.h"

/* Before which directory names like /run/user/1000 and /dev/tty1 are those of the host whose system
 * bus has this D-Bus address: "" is this machine, "/proc/1234/root" a container.  *ret_root is NULL
 * where that cannot be told from the address; `conn` frees it.  Returns 0 or -ENOMEM. */
int logind_root_of(struct logind *conn, const char *address, char **ret_root);

/* Whether it is known where the users' buses of the host are. */
bool logind_doorway_is_there(const struct logind *conn);

/* Begins to connect to the bus of the user `uid`: on a thread, or over ssh.  `done` is called
 * later, in the engine's thread, with the connected socket, which is its own then, or with a
 * negative errno: ENOENT (the user has no bus), EPERM (only root may use the bus of another user),
 * ETIMEDOUT.  Returns 0 or -ENOMEM.  The doorway is kept as long as the socket is used. */
struct logind_doorway;
int logind_doorway_open(struct logind *conn, int64_t uid, void (*done)(void *data, int fd),
                        void *data, struct logind_doorway **ret_doorway);
/* The bus has answered: another doorway may be opened. */
void logind_doorway_answers(struct logind_doorway *doorway);
/* NULL is allowed; returns NULL.  `forked`: this is a forked child. */
struct logind_doorway *logind_doorway_free(struct logind_doorway *doorway, bool forked);

#endif
