#include "events.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "results.h"
#include "threads.h"

struct hcsrt_watch {
    hcsrt_context base;
    std::atomic<uint32_t> latch;
    std::atomic<hcsrt_char *> document;
};

namespace {

void destroy(hcsrt_context *context) {
    hcsrt_watch *watch = reinterpret_cast<hcsrt_watch *>(context);
    std::free(watch->document.load(std::memory_order_acquire));
    delete watch;
}

hcsrt_char *duplicate(const hcsrt_char *text) {
    size_t length = 0;
    while (text[length]) ++length;
    size_t bytes = (length + 1) * sizeof *text;
    hcsrt_char *result = static_cast<hcsrt_char *>(std::malloc(bytes));
    if (result) std::memcpy(result, text, bytes);
    return result;
}

}  // namespace

extern "C" {

hcsrt_watch *hcsrt_watch_new(void) {
    return new (std::nothrow) hcsrt_watch{{destroy}, {HCSRT_NOT_EXITED}, {nullptr}};
}

hcsrt_context *hcsrt_watch_context(hcsrt_watch *watch) { return &watch->base; }

hcsrt_watch *hcsrt_watch_of(hcsrt_context *context) {
    return context && context->destroy == destroy ? reinterpret_cast<hcsrt_watch *>(context) : nullptr;
}

void HCSRT_CALL hcsrt_watch_event(hcsrt_event *event, void *context) {
    hcsrt_watch *watch = static_cast<hcsrt_watch *>(context);
    switch (event->type) {
    case HCSRT_EVENT_SYSTEM_EXITED:
    case HCSRT_EVENT_PROCESS_EXITED: hcsrt_watch_latch(watch, HCSRT_EXITED, event->data); break;
    case HCSRT_EVENT_SERVICE_DISCONNECT: hcsrt_watch_latch(watch, HCSRT_DISCONNECTED, nullptr); break;
    default: break;
    }
}

void hcsrt_watch_latch(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document) {
    /* The document first: whoever sees the latch sees it too. Without memory for it the exit is told all the same. */
    hcsrt_char *own = document ? duplicate(document) : nullptr;
    hcsrt_char *none = nullptr;
    if (own && !watch->document.compare_exchange_strong(none, own, std::memory_order_acq_rel)) std::free(own);
    uint32_t open = HCSRT_NOT_EXITED;
    watch->latch.compare_exchange_strong(open, how, std::memory_order_acq_rel);
    hcsrt::wake_all(watch->latch);
}

uint32_t hcsrt_watch_wait(hcsrt_watch *watch, uint32_t milliseconds) {
    uint32_t how = watch->latch.load(std::memory_order_acquire);
    if (how != HCSRT_NOT_EXITED || !milliseconds) return how;
    hcsrt::wait_on(watch->latch, HCSRT_NOT_EXITED, milliseconds);
    return watch->latch.load(std::memory_order_acquire);
}

const hcsrt_char *hcsrt_watch_document(hcsrt_watch *watch) { return watch->document.load(std::memory_order_acquire); }

}  // extern "C"
