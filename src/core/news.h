/* SPDX-License-Identifier: MIT */
/* news.h - eventfds: descriptors that become readable when there is news. */
#ifndef WMS_CORE_NEWS_H
#define WMS_CORE_NEWS_H

/* Makes a descriptor that is not readable yet.  Errors: NO_MEMORY, INTERNAL (no descriptor left).
 */
int wms_news_new(int *ret_fd);
/* Makes it readable. */
void wms_news_raise(int fd);
/* Makes it unreadable again; also works for a timerfd. */
void wms_news_take(int fd);

#endif
