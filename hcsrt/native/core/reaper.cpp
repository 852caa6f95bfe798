#include "core/reaper.h"

#include <chrono>
#include <initializer_list>
#include <new>

#include "core/forks.h"
#include "core/operations.h"
#include "core/results.h"
#include "core/threads.h"

namespace {

using hcsrt::FOREVER;
using Clock = std::chrono::steady_clock;

/* A call is asked for after 2 ms, and each time after twice as long, 256 ms at most. */
constexpr uint32_t FIRST_POLL_MS = 2;
constexpr int POLLS = 8;
/* How long a termination may take, and an answer after the service went away. */
constexpr std::chrono::seconds PATIENCE{30};

/* A callback thread may not allocate, so the closes that it hands over live in a reserve of fixed size. Abandoned calls have
 * another one, for when there is no memory. */
constexpr int RESERVE = 256;

enum : uint32_t { FREE, FILLING, READY };

struct DeferredClose {
    std::atomic<uint32_t> stage{FREE};
    hcsrt_close close;
    void *raw;
    void *context;
};

struct Call {
    hcsrt_abandoned call;
    bool terminating;
    Clock::time_point patience;
    Clock::time_point due; /* when it is asked for next */
    Call *next;
};

/* Calls that wait equally long, in the order in which they are due. */
struct Waiting {
    Call *first = nullptr, *last = nullptr;

    void push(Call *call, std::chrono::milliseconds pause) {
        call->due = Clock::now() + pause;
        call->next = nullptr;
        (first ? last->next : first) = call;
        last = call;
    }
    Call *pop_due(Clock::time_point now) {
        Call *call = first;
        if (!call || call->due > now) return nullptr;
        first = call->next;
        return call;
    }
};

struct ReservedCall {
    std::atomic<bool> used{false};
    Call call;
};

struct Reaper {
    std::atomic<uint32_t> bell{0};
    hcsrt::LazyThread thread;
    std::atomic<int64_t> pending{0};
    std::atomic<Call *> arrived{nullptr};
    DeferredClose reserve[RESERVE];
    ReservedCall calls[RESERVE];
};

hcsrt::OfProcess<Reaper> reaper;
std::atomic<int64_t> leaked{0};

/* The callbacks that run on this thread. A forked child may have been made in the middle of one. */
struct Depth {
    int count;
    uint32_t epoch;
};
HCSRT_FROM_THE_START thread_local Depth depth = {0, 0};
/* Of all threads: only while it is not 0 does a release look at its own thread's depth, which costs a call. */
std::atomic<int> callbacks{0};

/* NULL: there is no memory, and the reserve is used up. */
Call *new_call(Reaper *self) {
    if (Call *item = new (std::nothrow) Call) return item;
    for (ReservedCall &reserved : self->calls)
        if (!reserved.used.exchange(true, std::memory_order_acquire)) return &reserved.call;
    return nullptr;
}

void delete_call(Reaper *self, Call *item) {
    auto begin = reinterpret_cast<uintptr_t>(self->calls), place = reinterpret_cast<uintptr_t>(item);
    if (place - begin >= sizeof self->calls) delete item;
    else self->calls[(place - begin) / sizeof(ReservedCall)].used.store(false, std::memory_order_release);
}

/* False: the call goes on. */
bool release_result(const HcsApi *api, hcsrt_operation operation, bool with_info, hcsrt_result *result) {
    hcsrt_char *document;
    hcsrt_process_information info = {};
    *result = hcsrt_collect_operation(api, operation, 0, with_info ? &info : nullptr, &document);
    if (document) api->free_string(document);
    for (hcsrt_handle handle : {info.std_input, info.std_output, info.std_error})
        if (handle) api->close_handle(handle);
    return *result != HCSRT_E_OPERATION_PENDING;
}

/* Asks HCS to end what an abandoned call created. False: there is nothing to wait for. */
bool begin_terminate(Call *item) {
    hcsrt_abandoned &call = item->call;
    auto terminate =
        call.creates == HCSRT_CREATES_SYSTEM ? call.api->HcsTerminateComputeSystem : call.api->HcsTerminateProcess;
    hcsrt_operation operation = terminate ? call.api->HcsCreateOperation(nullptr, nullptr) : nullptr;
    if (!operation) return false;
    hcsrt_result result = terminate(call.created, operation, nullptr);
    if (hcsrt_failed(result)) {
        hcsrt_result ignored;
        release_result(call.api, operation, false, &ignored);
        call.api->HcsCloseOperation(operation);
        return false;
    }
    call.operation = operation;
    item->terminating = true;
    item->patience = Clock::now() + PATIENCE;
    return true;
}

enum class Look { OVER, BEGINS, PENDING };

/* One look at one call. OVER: nothing is left to do for it. BEGINS: it waits for another operation now. */
Look advance(Call *item) {
    hcsrt_abandoned &call = item->call;
    hcsrt_result result = HCSRT_S_OK;
    bool with_info = call.has_info && !item->terminating;
    bool done = !call.operation || release_result(call.api, call.operation, with_info, &result);
    bool may_hang = item->terminating || call.disconnected;
    if (!done && !(may_hang && Clock::now() >= item->patience)) return Look::PENDING;
    if (call.operation) call.api->HcsCloseOperation(call.operation);
    call.operation = nullptr;
    /* Only what this very call made may be ended: a failed create may give the handle of somebody else's system. A
     * process is always ours, and HCS reports failure for some that run. */
    bool ours = call.creates == HCSRT_CREATES_PROCESS || !hcsrt_failed(result);
    if (call.created && !item->terminating && !call.keep && ours && begin_terminate(item)) return Look::BEGINS;
    if (call.created) call.close(call.created, call.context);
    return Look::OVER;
}

void close_deferred(Reaper *self) {
    for (DeferredClose &slot : self->reserve) {
        if (slot.stage.load(std::memory_order_acquire) != READY) continue;
        slot.close(slot.raw, slot.context);
        slot.stage.store(FREE, std::memory_order_release);
        self->pending.fetch_sub(1, std::memory_order_acq_rel);
    }
}

/* Looks at a call, and has it wait in a queue: in this one if it is still pending. */
void look(Reaper *self, Call *item, Waiting *queues, int queue) {
    Look seen = advance(item);
    if (seen == Look::OVER) {
        delete_call(self, item);
        self->pending.fetch_sub(1, std::memory_order_acq_rel);
        return;
    }
    if (seen == Look::BEGINS) queue = 0;
    queues[queue].push(item, std::chrono::milliseconds(FIRST_POLL_MS << queue));
}

/* How long nothing is due. */
uint32_t time_left(const Waiting *queues) {
    Clock::time_point next = Clock::time_point::max();
    for (int queue = 0; queue < POLLS; ++queue)
        if (queues[queue].first && queues[queue].first->due < next) next = queues[queue].first->due;
    if (next == Clock::time_point::max()) return FOREVER;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now()).count();
    return left < 0 ? 0 : static_cast<uint32_t>(left) + 1;
}

void run(void *argument) {
    Reaper *self = static_cast<Reaper *>(argument);
    /* A look costs what is due, and no walk over all that wait. */
    Waiting queues[POLLS];
    for (;;) {
        uint32_t heard = self->bell.load(std::memory_order_acquire);
        close_deferred(self);
        for (Call *item = self->arrived.exchange(nullptr, std::memory_order_acq_rel); item;) {
            Call *next = item->next;
            look(self, item, queues, 0);
            item = next;
        }
        Clock::time_point now = Clock::now();
        for (int queue = 0; queue < POLLS; ++queue)
            while (Call *item = queues[queue].pop_due(now))
                look(self, item, queues, queue + 1 < POLLS ? queue + 1 : queue);
        hcsrt::wait_on(self->bell, heard, time_left(queues));
    }
}

bool ensure_started(Reaper *self) { return self->thread.ensure(run, self); }

void ring(Reaper *self) {
    self->bell.fetch_add(1, std::memory_order_acq_rel);
    hcsrt::wake_all(self->bell);
}

void in_child() { callbacks.store(0, std::memory_order_relaxed); }

bool in_callback() { return depth.count > 0 && depth.epoch == hcsrt::epoch(); }

/* False: the reserve is used up. */
bool defer_close(Reaper *self, hcsrt_close close, void *raw, void *context) {
    for (DeferredClose &slot : self->reserve) {
        uint32_t expected = FREE;
        if (!slot.stage.compare_exchange_strong(expected, FILLING, std::memory_order_acq_rel)) continue;
        slot.close = close;
        slot.raw = raw;
        slot.context = context;
        self->pending.fetch_add(1, std::memory_order_acq_rel);
        slot.stage.store(READY, std::memory_order_release);
        ring(self);
        return true;
    }
    return false;
}

}  // namespace

extern "C" {

int hcsrt_reaper_init(void) { return hcsrt_forks_watch(in_child); }

int hcsrt_reaper_start(void) { return ensure_started(reaper.here()); }

void hcsrt_reap(const hcsrt_abandoned *call) {
    Reaper *self = reaper.here();
    Call *item = new_call(self);
    if (!item) {
        for (void *lost : {call->operation, call->created})
            if (lost) hcsrt_count_leak();
        return;
    }
    *item = {*call, false, Clock::now() + PATIENCE, {}, nullptr};
    self->pending.fetch_add(1, std::memory_order_acq_rel);
    item->next = self->arrived.load(std::memory_order_relaxed);
    while (!self->arrived.compare_exchange_weak(item->next, item, std::memory_order_acq_rel)) {}
    ring(self);
}

void hcsrt_release(hcsrt_close close, void *raw, void *context) {
    if (callbacks.load(std::memory_order_relaxed) > 0 && in_callback()) {
        Reaper *self = reaper.here();
        if (!self->thread.is_started() || !defer_close(self, close, raw, context)) hcsrt_count_leak();
        return;
    }
#if defined(_WIN32)
    /* A release may run at the end of somebody else's call, whose last error must survive it. */
    DWORD last_error = GetLastError();
    close(raw, context);
    SetLastError(last_error);
#else
    close(raw, context);
#endif
}

void hcsrt_callback_enter(void) {
    uint32_t epoch = hcsrt::epoch();
    if (depth.epoch != epoch) depth = {0, epoch};
    ++depth.count;
    callbacks.fetch_add(1, std::memory_order_relaxed);
}

void hcsrt_callback_leave(void) {
    if (!in_callback()) return;
    callbacks.fetch_sub(1, std::memory_order_relaxed);
    --depth.count;
}

void hcsrt_reaper_announce(int64_t calls) { reaper.here()->pending.fetch_add(calls, std::memory_order_acq_rel); }
int64_t hcsrt_reaper_pending(void) { return reaper.here()->pending.load(std::memory_order_acquire); }
int64_t hcsrt_leaked(void) { return leaked.load(std::memory_order_relaxed); }
void hcsrt_count_leak(void) { leaked.fetch_add(1, std::memory_order_relaxed); }

}  // extern "C"
