/* SPDX-License-Identifier: MIT */
/* own.c - which session is the caller's own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "logind.h"

/* ---- logind's word --------------------------------------------------------------------------- */

static int send_own_by_pid(struct logind_call *call)
{
    return logind_send(call, LOGIND_PATH, LOGIND_MANAGER, "GetSessionByPID", "u", 0);
}

static int send_own(struct logind_call *call)
{
    return logind_send(call, LOGIND_PATH, LOGIND_MANAGER, "GetSession", "s", "auto");
}

/* The caller belongs to no session; or it is no process of that host (it has connected to a
 * container's bus from outside), so that logind cannot find its process. */
static bool is_none(sd_bus_message *reply)
{
    return sd_bus_message_is_method_error(reply, LOGIND_NAME ".NoSessionForPID") ||
           sd_bus_message_is_method_error(reply, "System.Error.ENODATA") ||
           sd_bus_message_is_method_error(reply, "System.Error.ESRCH");
}

static void own_done(struct logind_call *call, sd_bus_message *reply)
{
    struct logind_own *own = NODE_OWNER(call, struct logind_own, call);
    struct logind_fault fault;
    const char *path;
    if (is_none(reply)) {
        own->done(own, NULL, NULL);
        return;
    }
    if (!logind_fault_of(reply, &fault)) {
        int r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0) {
            own->done(own, NULL, path);
            return;
        }
        logind_fault_unreadable(r, &fault);
    } else if (call->send == send_own &&
               sd_bus_message_is_method_error(reply, LOGIND_NAME ".NoSuchSession")) {
        call->conn->own_by_pid = true; /* before systemd 243 "auto" was no name */
        logind_call_start(call, send_own_by_pid, own_done);
        return;
    }
    own->done(own, &fault, NULL);
}

void logind_own_ask(struct logind *conn, struct logind_own *own,
                    void (*done)(struct logind_own *own, const struct logind_fault *fault,
                                 const char *path))
{
    own->done = done;
    logind_call_start(&own->call, conn->own_by_pid ? send_own_by_pid : send_own, own_done);
}

/* ---- whose ----------------------------------------------------------------------------------- */

/* The user who logged in, even if the process runs as another one (su, sudo): a uid, -1: nobody,
 * -2: the kernel does not tell. */
static int64_t login_user(void)
{
    char text[24], *end;
    int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (length <= 0) {
        return -2;
    }
    text[length] = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return end == text || number > UINT32_MAX ? -2 : number == UINT32_MAX ? -1 : (int64_t) number;
}

bool logind_own_user(const struct logind *conn, int64_t uid, int64_t own_uid)
{
    if (conn->way) {
        return uid >= 0 && uid == own_uid;
    }
    return uid >= 0 && (uid == (int64_t) geteuid() || uid == (int64_t) getuid() || uid == own_uid ||
                        uid == login_user());
}

bool logind_own_possible(const struct logind *conn, int64_t uid)
{
    return conn->way || uid < 0 || logind_own_user(conn, uid, -1) || login_user() == -2;
}

void logind_own_unknown(const struct logind_fault *fault, struct logind_fault *ret_fault)
{
    *ret_fault = (struct logind_fault){
        .code = fault->code == WMS_E_NOT_FOUND ? WMS_E_ACCESS_DENIED : fault->code,
        .lost = fault->lost,
        .text = fault->code == WMS_E_NO_MEMORY ? NULL : ret_fault->buffer,
    };
    snprintf(ret_fault->buffer, sizeof ret_fault->buffer,
             "logind does not say which session is the caller's own: %.500s",
             fault->text ? fault->text : "no reason is given");
}
