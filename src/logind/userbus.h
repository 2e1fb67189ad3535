/* SPDX-License-Identifier: MIT */
/* userbus.h - what is asked on the bus of a session's user.
 *
 *     userbus.c    the connection: sd-bus in the engine's loop, for whoever uses it; its socket:
 *                  doorway.h
 *     savers.c     whether a screen saver says that it locks the screen
 *     screen.c     the same of one session
 *     notice.c     a notification on the screen
 *     terminal.c   a message on a text terminal
 *     typing.c     the same on another machine
 *     message.c    which of these, for the session at hand
 *
 * Such a bus belongs to its user, who may own any name there, lie, flood it, or stop it.  So no
 * answer of it is an error of the host, what it sends is limited, and nobody waits for it without a
 * limit of his own.
 */
#ifndef WMS_LOGIND_USERBUS_H
#define WMS_LOGIND_USERBUS_H

#include "logind.h"

/* ---- the connection -------------------------------------------------------------------------- */

/* Somebody who uses a user's bus.  All users of one bus share a connection, which ends with the
 * last. */
struct logind_use {
    struct node node;
    struct logind_userbus *userbus; /* NULL: not in use */
    /* `bus` may be used: calls, matches. */
    void (*ready)(struct logind_use *use, sd_bus *bus);
    /* The bus cannot be used (any more).  The use is over, slots that it has of the bus are dead,
     * and may be given back.  It may free the use. */
    void (*gone)(struct logind_use *use, const struct logind_fault *fault);
};

/* gone() is not called from inside, ready() is if the bus is connected already.  Returns 0; or
 * -ENOMEM, or -ENOTSUP (where users' buses of this host are is not known): it is not in use then.
 */
int logind_use_begin(struct logind *conn, struct logind_use *use, int64_t uid);
/* The slots of the bus have to be given back before, by logind_use_unslot().  One that is not in
 * use is allowed. */
void logind_use_end(struct logind_use *use);
/* Gives a slot back; returns NULL.  In a forked child, where sd-bus must not be called, it leaks.
 */
sd_bus_slot *logind_use_unslot(const struct logind_use *use, sd_bus_slot *slot);

/* ---- screen savers --------------------------------------------------------------------------- */

enum { LOGIND_SAVERS = 6 };

/* A question: do the screen savers of a user say that they are active? */
struct logind_savers {
    void *data; /* of who asks */
    struct logind *conn;
    struct logind_use use;
    sd_bus *bus; /* NULL: not connected */
    struct wms_timer *patience;
    sd_bus_slot *names;
    struct logind_saver {
        struct logind_savers *savers;
        sd_bus_slot *call, *changed, *owned;
        bool silent;        /* it was asked, and has not answered */
        signed char active; /* 0, 1, or -1: it does not tell */
    } saver[LOGIND_SAVERS];
    bool watches;   /* told() again for each change, until it is dropped */
    bool listed;    /* it is known which of them there are */
    bool patient;   /* answers are awaited */
    bool over;      /* told() has been called */
    bool no_memory; /* nobody tells since there was none */
    signed char said;
    void (*told)(struct logind_savers *savers, signed char active);
};

/* told() gets 1 (one says that it is active), 0 (none does, and one says that it is not), or -1:
 * nobody tells.  It comes within 2 seconds (another machine: 6), never from inside this, and may
 * drop the question; with `watches` also after each change.  Zero the struct before.  Returns 0, or
 * as logind_use_begin(): there is no question then. */
int logind_savers_ask(struct logind *conn, struct logind_savers *savers, int64_t uid, bool watches,
                      void (*told)(struct logind_savers *savers, signed char active));
/* Whether one that was asked may still answer: then told() is called again, with `watches`. */
bool logind_savers_are_slow(const struct logind_savers *savers);
/* One that was not asked (zeroed), or was dropped, is allowed. */
void logind_savers_drop(struct logind_savers *savers);

/* ---- screens --------------------------------------------------------------------------------- */

/* Whether it is a user's graphical session that is not closing. */
bool logind_screen_is(const struct logind_facts *facts);
/* Whether a session that is "not locked" by its hint has a screen whose locker may be one that
 * never sets the hint: such a session, which was never said to be locked. */
bool logind_screen_is_mute(struct logind *conn, const char *id, const struct logind_facts *facts);

/* A question to the screen savers of one session, which can only be told from those of another
 * graphical session of its user if there is none. */
struct logind_screen {
    struct logind *conn;
    struct logind_savers savers;
    struct logind_call call;
    struct logind_lookup lookup;
    sd_bus_message
        *others; /* the user's sessions: the look-up's id and path are borrowed from it */
    char *path, *user_path;
    int64_t uid;
    unsigned count;
    bool no_memory;
    void (*told)(struct logind_screen *screen, signed char active);
};

/* As logind_savers_ask() with `watches`, of the session with this path. */
int logind_screen_ask(struct logind *conn, struct logind_screen *screen, const char *path,
                      const struct logind_facts *facts,
                      void (*told)(struct logind_screen *screen, signed char active));
void logind_screen_drop(struct logind_screen *screen);

#define LOGIND_NOBODY_TELLS "no screen locker of this session tells whether it is locked"

/* ---- messages -------------------------------------------------------------------------------- */

/* A message to a session.  done() gets its fault, code 0: it was taken; and may free the message.
 */
struct logind_message {
    struct logind *conn;
    struct wms_op *op; /* told when it is sent */
    const char *title; /* NULL: none */
    const char *text;
    void (*done)(struct logind_message *message, const struct logind_fault *fault);

    /* notice.c */
    struct logind_use use;
    sd_bus *bus;
    sd_bus_slot *call;
    bool has_markup, has_body, notifying;
    struct logind_writing *writing; /* terminal.c */
    struct logind_typing *typing;   /* typing.c */
};

/* Sends it to a session that has these facts.  done() may be called from inside.  Zero the struct
 * and set the first five members before. */
void logind_message_send(struct logind_message *message, const struct logind_facts *facts);
/* Nobody waits for it any more; a zeroed one is allowed. */
void logind_message_drop(struct logind_message *message);

void logind_notice_send(struct logind_message *message, int64_t uid);
void logind_notice_drop(struct logind_message *message);
void logind_terminal_send(struct logind_message *message, const char *tty, int64_t uid);
void logind_terminal_drop(struct logind_message *message);
void logind_typing_send(struct logind_message *message, const char *tty);
void logind_typing_drop(struct logind_message *message);

/* Whether it is a name that leads nowhere else than below /dev, such as tty1, pts/3 or ttyS0. */
bool logind_terminal_is_name(const char *tty);
/* The message as it is written to a terminal; from malloc(), NULL: out of memory. */
char *logind_terminal_text(const struct logind_message *message, size_t *ret_length);

#endif
