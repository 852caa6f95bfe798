/* Between a subscription, which tells of news at any time, and an event loop that waits for them now and then. */
#ifndef HCSRT_ENGINE_NEWS_H
#define HCSRT_ENGINE_NEWS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hcsrt_news hcsrt_news;

/* NULL: no memory. */
hcsrt_news *hcsrt_news_new(void);
void hcsrt_news_release(hcsrt_news *news);

/* An hcsrt_notify; on any thread. */
void hcsrt_news_came(void *news);

/* How often news came so far. */
uint32_t hcsrt_news_count(const hcsrt_news *news);

/* Signals the ticket of hcsrt_expect once news came since the count was `seen`, which may be at once. */
void hcsrt_news_wait(hcsrt_news *news, uint32_t seen, void *ticket);
void hcsrt_news_stop(hcsrt_news *news);

#ifdef __cplusplus
}
#endif

#endif
