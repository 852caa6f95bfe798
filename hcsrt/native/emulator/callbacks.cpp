/* Threads that call completions and events back. */
#include <algorithm>
#if defined(__GLIBCXX__)
#  include <cxxabi.h>
#endif

#include "core/threads.h"
#include "emulator/core.h"

namespace hcsrt::emulator {

namespace {

/* A callback that takes longer than this blocks HCS. Generous: a busy machine is no misuse. */
constexpr std::chrono::seconds CALLBACK_LIMIT{2};

/* Has a callback among those that have not returned, as long as it lives. */
class Listed {
  public:
    Listed(Lock &lock, Calling &callback) : lock_(lock), callback_(callback) {
        callback.next = std::exchange(core->calling, &callback);
        ++this_thread().callback_depth;
    }
    ~Listed() {
        if (!lock_.owns_lock()) lock_.lock();
        --this_thread().callback_depth;
        Calling **link = &core->calling;
        while (*link != &callback_) link = &(*link)->next;
        *link = callback_.next;
    }
    Listed(const Listed &) = delete;
    Listed &operator=(const Listed &) = delete;

  private:
    Lock &lock_;
    Calling &callback_;
};

}  // namespace

bool Core::ensure_dispatchers() {
    for (int lane = 0; lane < DISPATCHERS; ++lane)
        if (!dispatcher_started[lane])
            dispatcher_started[lane] =
                start_thread([](void *given) { core->dispatch(static_cast<int>(reinterpret_cast<intptr_t>(given))); },
                             reinterpret_cast<void *>(static_cast<intptr_t>(lane)));
    return std::all_of(dispatcher_started, dispatcher_started + DISPATCHERS, [](bool started) { return started; });
}

void Core::deliver(Delivery *delivery, void *raw) {
    int lane = static_cast<int>((reinterpret_cast<uintptr_t>(raw) >> 4) % DISPATCHERS);
    deliveries[lane].push(delivery);
    delivered[lane].notify_one();
}

void Core::deliver_event(Delivery *event, const std::shared_ptr<Handle> &handle, uint32_t type) {
    event->handle = handle;
    event->type = type;
    deliver(event, handle->raw);
}

void Core::misuse_if_blocking(Calling &callback) noexcept {
    if (callback.is_told || Clock::now() - callback.began <= CALLBACK_LIMIT) return;
    callback.is_told = true;
    misuse(callback.what, callback.raw,
           "had a callback that blocked; hand over what it tells to a thread of your own, and return");
}

void Core::deliver_exit(const std::shared_ptr<Handle> &handle) {
    bool is_system = handle->kind == Kind::System;
    handle->exit_told = true;
    handle->exit.exited = handle->target;
    deliver_event(&handle->exit, handle, is_system ? HCSRT_EVENT_SYSTEM_EXITED : HCSRT_EVENT_PROCESS_EXITED);
}

template <typename Call>
void Core::call_back(Lock &lock, const char *what, void *raw, Call call) {
    Calling callback = {what, raw, Clock::now()};
    Listed listed(lock, callback);
    lock.unlock();
    try {
        call();
#if defined(__GLIBCXX__)
    } catch (abi::__forced_unwind &) {
        /* The thread ends here: Python ends those that want it while it is being finalized. */
        throw;
#endif
    } catch (...) {
        callback.threw = true;
    }
    lock.lock();
    misuse_if_blocking(callback);
    if (callback.threw) misuse(what, raw, THROWN);
}

void Core::complete_by_callback(Lock &lock, const std::shared_ptr<Operation> &operation) {
    auto callback = operation->callback;
    void *raw = raw_of(operation), *context = operation->context;
    operation->callback_running = true;
    if (callback) call_back(lock, "completion callback", raw, [&] { callback(raw, context); });
    operation->callback_running = false;
    operation->callback_done = true;
    operation->changed.notify_all();
}

void *Core::raw_of(const std::shared_ptr<Operation> &operation) {
    return reinterpret_cast<void *>(
        static_cast<uintptr_t>(operation->id << 4 | static_cast<uintptr_t>(Kind::Operation)));
}

void Core::event_by_callback(Lock &lock, Delivery &delivery) {
    auto handle = delivery.handle;
    if (!handle->callback) return;
    auto callback = handle->callback;
    void *context = handle->context;
    hcsrt_event event = {delivery.type, nullptr, delivery.operation};
    const Text &data = delivery.exited ? delivery.exited->exit_document : delivery.data;
    if (data.given) event.data = reinterpret_cast<const hcsrt_char *>(data.value.c_str());
    ++handle->running;
    Handle *outer = std::exchange(this_thread().calling_back, handle.get());
    call_back(lock, "event callback", handle->raw, [&] { callback(&event, context); });
    this_thread().calling_back = outer;
    --handle->running;
    handle->drained.notify_all();
}

void Core::dispatch(int lane) {
    this_thread().dispatching = true;
    Lock lock(mutex);
    for (;;) {
        while (deliveries[lane].empty()) delivered[lane].wait(lock);
        Delivery *next = deliveries[lane].pop();
        Delivery delivery = std::move(*next);
        if (delivery.alone) delete next;
        dispatcher_busy[lane] = true;
        if (delivery.completion) complete_by_callback(lock, delivery.completion);
        else event_by_callback(lock, delivery);
        dispatcher_busy[lane] = false;
        idle.notify_all();
    }
}

bool Core::all_delivered() const {
    for (int lane = 0; lane < DISPATCHERS; ++lane)
        if (dispatcher_busy[lane] || !deliveries[lane].empty()) return false;
    return true;
}

}  // namespace hcsrt::emulator
