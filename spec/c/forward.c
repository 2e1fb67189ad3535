/* SPDX-License-Identifier: MIT */
/* forward.c - takes ssh's place, for a host without systemd-stdio-bridge whose bus is at hand: a
 * program that is asked to forward a socket does so, in no time.
 *
 *     WMS_BUS=SOCKET forward ... -L MINE:THEIRS ... COMMAND
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "support.h"

/* Passes on what is there; false: the end. */
static bool pass(int from, int to)
{
    char piece[4096];
    ssize_t length = read(from, piece, sizeof piece);

    for (ssize_t done = 0, n; done < length; done += n) {
        n = write(to, piece + done, (size_t) (length - done));
        if (n <= 0) {
            return false;
        }
    }
    return length > 0;
}

static int open_socket(const char *path, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    CHECK(fd >= 0 && strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    if (listens) {
        CHECK(bind(fd, (struct sockaddr *) &address, sizeof address) == 0 && listen(fd, 1) == 0);
    } else {
        CHECK(connect(fd, (struct sockaddr *) &address, sizeof address) == 0);
    }
    return fd;
}

int main(int argc, char **argv)
{
    char mine[128] = "";

    if (strcmp(argv[argc - 1], "cat") != 0) {
        fprintf(stderr, "bash: line 1: %s: command not found\n", argv[argc - 1]);
        return 127;
    }
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-L") == 0) {
            snprintf(mine, sizeof mine, "%.*s", (int) strcspn(argv[i + 1], ":"), argv[i + 1]);
        }
    }
    struct pollfd fds[3] = {{.fd = 0, .events = POLLIN},
                            {.fd = open_socket(mine, true), .events = POLLIN},
                            {.fd = -1, .events = POLLIN}};
    bool connected = false;
    while (poll(fds, 3, -1) > 0) {
        if (fds[0].revents && !pass(0, 1)) {
            return 0;
        }
        if (connected && ((fds[1].revents && !pass(fds[1].fd, fds[2].fd)) ||
                          (fds[2].revents && !pass(fds[2].fd, fds[1].fd)))) {
            return 0;
        }
        if (!connected && fds[1].revents) {
            int listens = fds[1].fd;
            fds[1].fd = accept(listens, NULL, NULL);
            CHECK(fds[1].fd >= 0);
            close(listens);
            fds[2].fd = open_socket(getenv("WMS_BUS"), false);
            connected = true;
        }
    }
    return 1;
}
