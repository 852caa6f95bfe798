#include "core/events.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include "core/forks.h"
#include "core/results.h"
#include "core/threads.h"

namespace {

/* A copy of an event's document, shared by all who get it; the text follows. */
struct Document {
    std::atomic<uint32_t> references;
};

struct Item {
    uint32_t type;
    bool data_lost;
    int64_t time;
    uint64_t lost;
    Document *document;
};

/* `turn` is even while the slot is free and odd while it is full, and grows by two with each lap of the ring. */
struct Slot {
    std::atomic<uint64_t> turn{0};
    Item item;
};

/* Bits of a subscriber's guard; the rest of it counts the callbacks inside. */
enum : uint32_t { OWNED = 1, ACTIVE = 2, INSIDE = 4 };

}  // namespace

/* Belongs to its watch for as long as that lives, and is used again after its subscription has ended: a callback can
 * walk over all of them at any time. Unless noted, orders are sequentially consistent: a thread that subscribes while
 * the latch is being set must see it, or be seen. */
struct hcsrt_subscriber {
    hcsrt_watch *watch = nullptr;
    hcsrt_subscriber *next = nullptr;
    hcsrt_subscriber *next_unused = nullptr;
    std::atomic<uint32_t> guard{OWNED};
    std::atomic<uint32_t> bell{0};
    hcsrt_notify notify = nullptr;
    void *context = nullptr;
    Slot *ring = nullptr;
    uint64_t size = 0;
    std::atomic<uint64_t> head{0}, tail{0};
    std::atomic<uint64_t> lost{0};  /* since the last event that went in */
    std::atomic<bool> ended{false}; /* the exit was taken */
};

struct hcsrt_watch {
    hcsrt_context base;
    uint32_t exit_event;
    void *subject;
    uint32_t epoch = hcsrt::epoch();
    std::atomic<uint32_t> references{1};
    std::atomic<uint32_t> latch{HCSRT_NOT_EXITED};
    std::atomic<Document *> document{nullptr};
    std::atomic<bool> data_lost{false};
    std::atomic<int64_t> time{0};
    std::atomic<bool> closed{false};
    std::atomic<hcsrt_subscriber *> subscribers{nullptr};
    /* Those that wait for a new subscription, under a lock that no callback takes. */
    hcsrt::Lock lock;
    hcsrt_subscriber *unused = nullptr;
};

namespace {

const hcsrt_char *text_of(const Document *document) {
    return document ? reinterpret_cast<const hcsrt_char *>(document + 1) : nullptr;
}

Document *copy(const hcsrt_char *text) {
    if (!text) return nullptr;
    size_t length = 0;
    while (text[length]) ++length;
    size_t bytes = (length + 1) * sizeof *text;
    void *memory = std::malloc(sizeof(Document) + bytes);
    if (!memory) return nullptr;
    Document *document = new (memory) Document{{1}};
    std::memcpy(static_cast<void *>(document + 1), text, bytes);
    return document;
}

Document *share(Document *document) {
    if (document) document->references.fetch_add(1, std::memory_order_relaxed);
    return document;
}

void drop(Document *document) {
    if (document && document->references.fetch_sub(1, std::memory_order_acq_rel) == 1) std::free(document);
}

int64_t now() {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

std::atomic<hcsrt_disconnect_notice> disconnect_notice{nullptr};

/* False: the ring is full. */
bool push(hcsrt_subscriber *subscriber, const Item &item) {
    uint64_t tail = subscriber->tail.load(std::memory_order_acquire);
    for (;;) {
        Slot &slot = subscriber->ring[tail % subscriber->size];
        uint64_t free_turn = tail / subscriber->size * 2;
        if (slot.turn.load(std::memory_order_acquire) == free_turn) {
            if (!subscriber->tail.compare_exchange_weak(tail, tail + 1)) continue;
            slot.item = item;
            slot.item.lost = subscriber->lost.exchange(0);
            slot.turn.store(free_turn + 1, std::memory_order_release);
            return true;
        }
        uint64_t seen = tail;
        tail = subscriber->tail.load(std::memory_order_acquire);
        if (tail == seen) return false;
    }
}

bool pop(hcsrt_subscriber *subscriber, Item *item) {
    if (!subscriber->size) return false;
    uint64_t head = subscriber->head.load(std::memory_order_acquire);
    for (;;) {
        Slot &slot = subscriber->ring[head % subscriber->size];
        uint64_t full_turn = head / subscriber->size * 2 + 1;
        if (slot.turn.load(std::memory_order_acquire) == full_turn) {
            if (!subscriber->head.compare_exchange_weak(head, head + 1)) continue;
            *item = slot.item;
            slot.turn.store(full_turn + 1, std::memory_order_release);
            return true;
        }
        uint64_t seen = head;
        head = subscriber->head.load(std::memory_order_acquire);
        if (head == seen) return false;
    }
}

void leave(hcsrt_subscriber *subscriber) {
    /* Without ACTIVE, hcsrt_unsubscribe waits for the last one. */
    if (subscriber->guard.fetch_sub(INSIDE) == (OWNED | INSIDE)) hcsrt::wake_all(subscriber->guard);
}

bool enter(hcsrt_subscriber *subscriber) {
    if (!(subscriber->guard.load() & ACTIVE)) return false;
    if (subscriber->guard.fetch_add(INSIDE) & ACTIVE) return true;
    leave(subscriber);
    return false;
}

void announce(hcsrt_subscriber *subscriber) {
    subscriber->bell.fetch_add(1);
    hcsrt::wake_all(subscriber->bell);
    if (subscriber->notify) subscriber->notify(subscriber->context);
}

void announce_to_all(hcsrt_watch *watch) {
    for (hcsrt_subscriber *each = watch->subscribers.load(); each; each = each->next) {
        if (!enter(each)) continue;
        announce(each);
        leave(each);
    }
}

void broadcast(hcsrt_watch *watch, const hcsrt_event *event) {
    Item item = {event->type, false, now(), 0, nullptr};
    for (hcsrt_subscriber *each = watch->subscribers.load(); each; each = each->next) {
        if (!enter(each)) continue;
        if (each->size) {
            if (event->data && !item.document && !item.data_lost) {
                item.document = copy(event->data);
                item.data_lost = !item.document;
            }
            share(item.document);
            if (push(each, item)) {
                announce(each);
            } else {
                drop(item.document);
                each->lost.fetch_add(1);
            }
        }
        leave(each);
    }
    drop(item.document);
}

void release(hcsrt_watch *watch) {
    if (watch->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    for (hcsrt_subscriber *each = watch->subscribers.load(); each;) {
        hcsrt_subscriber *next = each->next;
        delete each;
        each = next;
    }
    drop(watch->document.load());
    delete watch;
}

void destroy(hcsrt_context *context) {
    hcsrt_watch *watch = reinterpret_cast<hcsrt_watch *>(context);
    watch->closed.store(true);
    announce_to_all(watch);
    release(watch);
}

/* Takes a subscriber that is not in use, or makes one. Not on callback threads. */
hcsrt_subscriber *claim(hcsrt_watch *watch) {
    /* In a forked child the lock may be that of a thread of the parent. */
    if (watch->epoch == hcsrt::epoch()) {
        hcsrt::Locked locked(watch->lock);
        if (hcsrt_subscriber *unused = watch->unused) {
            watch->unused = unused->next_unused;
            unused->guard.fetch_or(OWNED);
            return unused;
        }
    }
    hcsrt_subscriber *subscriber = new (std::nothrow) hcsrt_subscriber;
    if (!subscriber) return nullptr;
    subscriber->watch = watch;
    subscriber->next = watch->subscribers.load();
    while (!watch->subscribers.compare_exchange_weak(subscriber->next, subscriber)) {}
    return subscriber;
}

void disconnect(hcsrt_watch *watch) {
    hcsrt_watch_latch(watch, HCSRT_DISCONNECTED, nullptr);
    if (auto notice = disconnect_notice.load()) notice(watch->subject);
}

int next(hcsrt_subscriber *subscriber, Item *item) {
    hcsrt_watch *watch = subscriber->watch;
    if (subscriber->ended.load()) return HCSRT_NEXT_END;
    /* In this order: no exit comes after the close, and what was told before the exit is in the ring by then. */
    bool closed = watch->closed.load();
    uint32_t how = watch->latch.load();
    if (pop(subscriber, item)) return HCSRT_NEXT_EVENT;
    /* Read before the tail: an event that has taken the count over is then seen in the ring. An event after the exit,
     * of which nobody hears, must not take it. */
    uint64_t lost = subscriber->lost.load();
    /* A callback has its slot and is still writing into it; it announces the event in a moment. */
    if (subscriber->head.load() != subscriber->tail.load()) return HCSRT_NEXT_NOTHING;
    if (how == HCSRT_NOT_EXITED) return closed ? HCSRT_NEXT_END : HCSRT_NEXT_NOTHING;
    if (subscriber->ended.exchange(true)) return HCSRT_NEXT_END;
    Document *document = watch->document.load();
    bool disconnected = how == HCSRT_DISCONNECTED && !document;
    *item = {disconnected ? static_cast<uint32_t>(HCSRT_EVENT_SERVICE_DISCONNECT) : watch->exit_event,
             !document && watch->data_lost.load(), watch->time.load(), lost, share(document)};
    return HCSRT_NEXT_EVENT;
}

}  // namespace

extern "C" {

hcsrt_watch *hcsrt_watch_new(uint32_t exit_event, void *subject) {
    return new (std::nothrow) hcsrt_watch{{destroy}, exit_event, subject};
}

hcsrt_context *hcsrt_watch_context(hcsrt_watch *watch) { return &watch->base; }

hcsrt_watch *hcsrt_watch_of(hcsrt_context *context) {
    return context && context->destroy == destroy ? reinterpret_cast<hcsrt_watch *>(context) : nullptr;
}

void HCSRT_CALL hcsrt_watch_event(hcsrt_event *event, void *context) {
    hcsrt_watch *watch = static_cast<hcsrt_watch *>(context);
    if (event->type == watch->exit_event) hcsrt_watch_latch(watch, HCSRT_EXITED, event->data);
    else if (event->type == HCSRT_EVENT_SERVICE_DISCONNECT) disconnect(watch);
    else broadcast(watch, event);
}

void hcsrt_set_disconnect_notice(hcsrt_disconnect_notice notice) { disconnect_notice.store(notice); }

void hcsrt_watch_latch(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document) {
    /* The time and the document first: a thread that sees the latch sees them too. */
    int64_t never = 0;
    watch->time.compare_exchange_strong(never, now());
    Document *own = copy(document);
    if (document && !own) watch->data_lost.store(true);
    Document *none = nullptr;
    if (own && !watch->document.compare_exchange_strong(none, own)) drop(own);
    uint32_t open = HCSRT_NOT_EXITED;
    watch->latch.compare_exchange_strong(open, how);
    hcsrt::wake_all(watch->latch);
    announce_to_all(watch);
}

uint32_t hcsrt_watch_wait(hcsrt_watch *watch, uint32_t milliseconds) {
    uint32_t how = watch->latch.load(std::memory_order_acquire);
    if (how != HCSRT_NOT_EXITED || !milliseconds) return how;
    hcsrt::wait_on(watch->latch, HCSRT_NOT_EXITED, milliseconds);
    return watch->latch.load(std::memory_order_acquire);
}

const hcsrt_char *hcsrt_watch_document(hcsrt_watch *watch) {
    return text_of(watch->document.load(std::memory_order_acquire));
}

hcsrt_subscriber *hcsrt_subscribe(hcsrt_watch *watch, uint32_t size, hcsrt_notify notify, void *context) {
    Slot *ring = size ? new (std::nothrow) Slot[size] : nullptr;
    hcsrt_subscriber *subscriber = size && !ring ? nullptr : claim(watch);
    if (!subscriber) {
        delete[] ring;
        return nullptr;
    }
    watch->references.fetch_add(1, std::memory_order_relaxed);
    subscriber->notify = notify;
    subscriber->context = context;
    subscriber->ring = ring;
    subscriber->size = size;
    for (std::atomic<uint64_t> *count : {&subscriber->head, &subscriber->tail, &subscriber->lost}) count->store(0);
    subscriber->ended.store(false);
    subscriber->guard.fetch_or(ACTIVE);
    if (notify && watch->latch.load() != HCSRT_NOT_EXITED) notify(context);
    return subscriber;
}

void hcsrt_unsubscribe(hcsrt_subscriber *subscriber) {
    hcsrt_watch *watch = subscriber->watch;
    /* In a forked child nobody ends the callbacks that were inside. */
    if (watch->epoch != hcsrt::epoch()) return;
    uint32_t seen = subscriber->guard.fetch_and(~ACTIVE) & ~ACTIVE;
    for (; seen != OWNED; seen = subscriber->guard.load()) hcsrt::wait_on(subscriber->guard, seen, hcsrt::FOREVER);
    for (Item item; pop(subscriber, &item);) drop(item.document);
    delete[] subscriber->ring;
    subscriber->guard.fetch_and(~OWNED);
    {
        hcsrt::Locked locked(watch->lock);
        subscriber->next_unused = watch->unused;
        watch->unused = subscriber;
    }
    release(watch);
}

int hcsrt_subscriber_next(hcsrt_subscriber *subscriber, uint32_t milliseconds, hcsrt_next_event *event) {
    uint32_t heard = subscriber->bell.load();
    Item item = {};
    int what = next(subscriber, &item);
    if (what == HCSRT_NEXT_NOTHING && milliseconds) {
        hcsrt::wait_on(subscriber->bell, heard, milliseconds);
        what = next(subscriber, &item);
    }
    if (what == HCSRT_NEXT_EVENT)
        *event = {item.type, item.data_lost, item.time, item.lost, text_of(item.document), item.document};
    return what;
}

void hcsrt_next_event_release(hcsrt_next_event *event) { drop(static_cast<Document *>(event->document)); }

}  // extern "C"
