/* The reaper and the engine without memory, and without a thread to be had. The HCS behind them completes each
 * operation after a few looks and counts what is open. */
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>

#include "core/reaper.h"
#include "core/results.h"
#include "core/threads.h"
#include "engine/engine.h"
#include "fake_hcs.h"

namespace {

thread_local bool no_memory = false;
std::atomic<bool> none_at_all{false}; /* for any thread */
std::atomic<int> no_threads{0};       /* so many attempts fail, each after a while */

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

void *allocate(size_t size) { return no_memory || none_at_all ? nullptr : std::malloc(size); }

}  // namespace

void *operator new(size_t size) {
    void *memory = allocate(size);
    if (!memory) throw std::bad_alloc();
    return memory;
}
void *operator new(size_t size, const std::nothrow_t &) noexcept { return allocate(size); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

extern "C" int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                              void *argument) {
    static auto next = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    if (no_threads.load() <= 0 || no_threads.fetch_sub(1) <= 0) return next(thread, attributes, body, argument);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return EAGAIN;
}

namespace {

const HcsApi &api = *fake_hcs::api();

void close_system(void *raw, void *) { api.HcsCloseComputeSystem(raw); }

void abandon(int calls) {
    const hcsrt_char text[] = {0};
    for (int i = 0; i < calls; ++i) {
        hcsrt_abandoned call = {
            &api, api.HcsCreateOperation(nullptr, nullptr), HCSRT_CREATES_SYSTEM, 0, 0, nullptr, nullptr, close_system,
            0};
        api.HcsCreateComputeSystem(text, text, call.operation, nullptr, &call.created);
        no_memory = true;
        hcsrt_reap(&call);
        no_memory = false;
    }
}

/* Two threads come at once, of which one finds no thread to be had. What the other one submits is made nonetheless. */
void submit_while_a_worker_fails() {
    std::atomic<bool> go{false};
    std::atomic<int> made{0}, accepted{0};
    hcsrt_request request = hcsrt_new_request();
    request.untracked = 1;
    request.context = &made;
    request.start = [](const HcsApi *, const hcsrt_request *, hcsrt_operation, hcsrt_outcome *) {
        return static_cast<hcsrt_result>(HCSRT_S_OK);
    };
    request.complete = [](hcsrt_call *call, void *context) {
        hcsrt_call_release(call);
        ++*static_cast<std::atomic<int> *>(context);
    };
    /* Of the other pool, to have all threads but the worker. */
    request.lane = HCSRT_LANE_URGENT;
    accepted += hcsrt_submit(nullptr, &request) != nullptr;
    request.lane = HCSRT_LANE_NONE;
    std::thread other([&] {
        while (!go) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        accepted += hcsrt_submit(nullptr, &request) != nullptr;
    });
    no_threads = 1;
    go = true;
    if (hcsrt_submit(nullptr, &request)) fail("a call without a worker");
    other.join();
    for (int i = 0; made != accepted; ++i) {
        if (i == 500) fail("a call waits for a worker that could not be started");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

/* The calls of one handle go one after another, in their order. */
void keep_the_order_of_a_lane() {
    constexpr uint32_t CALLS = 200;
    struct Lane {
        std::atomic<uint32_t> next{0}, inside{0}, done{0}, wrong{0};
    } lane;
    hcsrt_request request = hcsrt_new_request();
    request.untracked = 1;
    request.subject = request.context = request.raw = &lane;
    request.lane = HCSRT_LANE_ORDER;
    request.start = [](const HcsApi *, const hcsrt_request *made, hcsrt_operation, hcsrt_outcome *) {
        auto *own = static_cast<Lane *>(made->raw);
        own->wrong += own->inside++ > 0;
        own->wrong += own->next++ != made->number;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        --own->inside;
        return static_cast<hcsrt_result>(HCSRT_S_OK);
    };
    request.complete = [](hcsrt_call *call, void *context) {
        hcsrt_call_release(call);
        ++static_cast<Lane *>(context)->done;
    };
    none_at_all = true;
    for (request.number = 0; request.number < CALLS; ++request.number)
        if (!hcsrt_submit(nullptr, &request)) fail("no call although there is a slot");
    while (lane.done != CALLS) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    none_at_all = false;
    if (lane.wrong) fail("the order of a lane is lost");
}

void settle(const char *what) {
    for (int i = 0; hcsrt_reaper_pending(); ++i) {
        if (i == 3000) fail(what);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

}  // namespace

int main() {
    fake_hcs::set_plan([] {
        fake_hcs::Plan plan;
        plan.way = fake_hcs::Way::LOOKED_FOR;
        plan.looks = 3;
        return plan;
    });
    if (!hcsrt_reaper_init()) fail("the reaper has no memory");
    hcsrt_engine_init(0);

    no_memory = true;
    if (hcsrt::start_thread([](void *) {}, nullptr)) fail("a thread without memory");
    if (hcsrt_reaper_start()) fail("a reaper without memory");
    no_memory = false;

    /* Who comes while another one fails does not count on a thread that will not be. */
    std::atomic<bool> go{false};
    std::atomic<int> started{0};
    std::thread other([&] {
        while (!go) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        started += hcsrt_reaper_start();
    });
    no_threads = 2;
    go = true;
    started += hcsrt_reaper_start();
    other.join();
    if (started) fail("a reaper without a thread");
    if (!hcsrt_reaper_start()) fail("no reaper although there are threads");

    submit_while_a_worker_fails();
    keep_the_order_of_a_lane();

    abandon(200);
    settle("the reaper keeps calls that came without memory");
    if (hcsrt_leaked()) fail("a call was leaked although there was room for it");
    abandon(1000);
    settle("the reaper keeps calls of its reserve");
    long leaked = static_cast<long>(hcsrt_leaked());
    fake_hcs::Counts counts = fake_hcs::counts();
    long open = static_cast<long>(counts.operations + counts.systems);
    abandon(200);
    settle("the reserve is not free again");
    bool again = hcsrt_leaked() == leaked;
    std::printf("leaked %ld, open %ld, again %d\n", leaked, open, again);
    std::fflush(stdout);
    _Exit(leaked == open && again ? 0 : 1);
}
