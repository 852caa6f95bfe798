#include "engine/news.h"

#include <atomic>
#include <new>

#include "engine/engine.h"

struct hcsrt_news {
    std::atomic<void *> ticket{nullptr};
    std::atomic<uint32_t> count{0};
};

namespace {

void tell(hcsrt_news *news) {
    if (void *ticket = news->ticket.exchange(nullptr)) hcsrt_signal(ticket);
}

}  // namespace

hcsrt_news *hcsrt_news_new(void) { return new (std::nothrow) hcsrt_news; }

void hcsrt_news_release(hcsrt_news *news) { delete news; }

void hcsrt_news_came(void *news) {
    hcsrt_news *self = static_cast<hcsrt_news *>(news);
    self->count.fetch_add(1);
    tell(self);
}

uint32_t hcsrt_news_count(const hcsrt_news *news) { return news->count.load(); }

void hcsrt_news_wait(hcsrt_news *news, uint32_t seen, void *ticket) {
    news->ticket.store(ticket);
    if (news->count.load() != seen) tell(news);
}

void hcsrt_news_stop(hcsrt_news *news) { news->ticket.store(nullptr); }
