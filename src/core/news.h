/* SPDX-License-Identifier: MIT */
/* news.h - descriptors that count news. */
#ifndef WMS_CORE_NEWS_H
#define WMS_CORE_NEWS_H

/* One that is not readable.  Errors: NO_MEMORY, INTERNAL (no descriptor left). */
int wms_news_new(int *ret_fd);
/* Makes it readable. */
void wms_news_raise(int fd);
/* Silences it; a timerfd is silenced likewise. */
void wms_news_take(int fd);

#endif
