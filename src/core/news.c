/* SPDX-License-Identifier: MIT */
/* news.c - eventfds: descriptors that become readable when there is news. */
#include "core/news.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base.h"

int wms_news_new(int *ret_fd)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0) {
        return wms_system_error(errno);
    }
    *ret_fd = fd;
    return 0;
}

void wms_news_raise(int fd)
{
    ssize_t written;

    do {
        written = write(fd, &(uint64_t){1}, sizeof(uint64_t));
    } while (written < 0 && errno == EINTR);
    /* EAGAIN: the counter is full, so it is raised. */
}

void wms_news_take(int fd)
{
    uint64_t count;
    ssize_t got;

    do {
        got = read(fd, &count, sizeof count);
    } while (got < 0 && errno == EINTR);
}
