#include "interpose/withheld.h"

#include <atomic>
#include <chrono>
#include <new>

#include "core/threads.h"

namespace hcsrt::interpose {

namespace {

using Clock = std::chrono::steady_clock;

/* TOLD: HCS has called back, or never will. Who sets it where WITHHELD is not, or clears WITHHELD where TOLD is, calls the
 * callback of the operation: nobody else does. */
constexpr uint32_t WITHHELD = 1, TOLD = 2, CLOSED = 4;

constexpr int BUCKETS = 256;

std::atomic<Withheld *> buckets[BUCKETS];
std::atomic<uint32_t> session{0};

}  // namespace

struct Withheld {
    std::atomic<uint32_t> word{0};
    std::atomic<int> rule{-1};
    std::atomic<hcsrt_operation> operation{nullptr}; /* NULL once it is closed */
    std::atomic<void *> context{nullptr};
    std::atomic<hcsrt_operation_completion> callback{nullptr};
    bool has_callback = false; /* whether context and callback are here, and not with the inner table */
    uint32_t session = 0;
    Withheld *next = nullptr;
};

namespace {

std::atomic<Withheld *> &bucket_of(hcsrt_operation operation) {
    return buckets[reinterpret_cast<uintptr_t>(operation) / 16 % BUCKETS];
}

Withheld *find(hcsrt_operation operation) {
    uint32_t now = session.load(std::memory_order_acquire);
    for (Withheld *each = bucket_of(operation).load(std::memory_order_acquire); each; each = each->next)
        if (each->operation.load(std::memory_order_acquire) == operation && each->session == now) return each;
    return nullptr;
}

Withheld *find_with_callback(hcsrt_operation operation) {
    Withheld *call = find(operation);
    return call && call->has_callback ? call : nullptr;
}

Withheld *note(Withheld *call, hcsrt_operation operation) {
    call->session = session.load(std::memory_order_acquire);
    call->operation.store(operation, std::memory_order_release);
    std::atomic<Withheld *> &bucket = bucket_of(operation);
    call->next = bucket.load(std::memory_order_relaxed);
    while (!bucket.compare_exchange_weak(call->next, call)) {}
    return call;
}

void tell(Withheld *call, hcsrt_operation operation) {
    auto callback = call->callback.load(std::memory_order_acquire);
    if (callback) callback(operation, call->context.load(std::memory_order_acquire));
}

/* Returns what the word was. */
uint32_t uncover(Withheld *call) {
    uint32_t before = call->word.fetch_and(~WITHHELD);
    wake_all(call->word);
    return before;
}

/* What the inner table calls. */
void HCSRT_CALL completed(hcsrt_operation operation, void *context) {
    auto *call = static_cast<Withheld *>(context);
    if (!(call->word.fetch_or(TOLD) & WITHHELD)) tell(call, operation);
}

}  // namespace

void forget_all() { session.fetch_add(1, std::memory_order_acq_rel); }

hcsrt_operation create(const HcsApi *inner, void *context, hcsrt_operation_completion callback) {
    Withheld *call = new (std::nothrow) Withheld;
    if (!call) return nullptr;
    call->has_callback = true;
    call->context.store(context, std::memory_order_relaxed);
    call->callback.store(callback, std::memory_order_relaxed);
    /* One without a callback may get one yet, when HCS has long completed its call. */
    hcsrt_operation operation = inner->HcsCreateOperation(call, completed);
    if (operation) note(call, operation);
    else delete call;
    return operation;
}

Withheld *withhold(hcsrt_operation operation, int rule, bool is_passed_on) {
    Withheld *call = find(operation);
    if (!call && !(call = new (std::nothrow) Withheld)) return nullptr;
    call->rule.store(rule, std::memory_order_relaxed);
    call->word.store(is_passed_on ? WITHHELD : WITHHELD | TOLD);
    if (!call->operation.load(std::memory_order_relaxed)) note(call, operation);
    return call;
}

void take_back(Withheld *call) { uncover(call); }

void give_out(Withheld *call) {
    uint32_t before = uncover(call);
    if (!(before & WITHHELD)) return;
    if ((before & (TOLD | CLOSED)) == TOLD) tell(call, call->operation.load(std::memory_order_acquire));
}

void give_out_all(int rule) {
    for (std::atomic<Withheld *> &bucket : buckets)
        for (Withheld *each = bucket.load(); each; each = each->next)
            if ((each->word.load() & WITHHELD) && each->rule.load(std::memory_order_relaxed) == rule) give_out(each);
}

bool is_withheld(hcsrt_operation operation) {
    Withheld *call = find(operation);
    return call && (call->word.load(std::memory_order_acquire) & WITHHELD);
}

bool wait_while_withheld(hcsrt_operation operation, uint32_t *milliseconds) {
    Withheld *call = find(operation);
    if (!call) return true;
    bool for_ever = *milliseconds == FOREVER;
    auto end = Clock::now() + std::chrono::milliseconds(*milliseconds);
    for (;;) {
        uint32_t seen = call->word.load(std::memory_order_acquire);
        auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (!for_ever) *milliseconds = left > 0 ? static_cast<uint32_t>(left) : 0;
        if (!(seen & WITHHELD)) return true;
        if (!*milliseconds) return false;
        wait_on(call->word, seen, *milliseconds);
    }
}

bool forget(hcsrt_operation operation) {
    Withheld *call = find(operation);
    if (!call) return false;
    call->word.fetch_or(CLOSED);
    call->operation.store(nullptr, std::memory_order_release);
    return call->has_callback && !call->callback.load(std::memory_order_acquire);
}

bool context_of(hcsrt_operation operation, void **context) {
    Withheld *call = find_with_callback(operation);
    if (call) *context = call->context.load(std::memory_order_acquire);
    return call;
}

bool set_context(hcsrt_operation operation, void *context) {
    Withheld *call = find_with_callback(operation);
    if (call) call->context.store(context, std::memory_order_release);
    return call;
}

bool set_callback(hcsrt_operation operation, const void *context, hcsrt_operation_completion callback) {
    Withheld *call = find_with_callback(operation);
    if (!call) return false;
    call->context.store(const_cast<void *>(context), std::memory_order_release);
    call->callback.store(callback, std::memory_order_release);
    return true;
}

}  // namespace hcsrt::interpose
