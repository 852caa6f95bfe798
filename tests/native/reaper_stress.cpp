/* The reaper and the exit latch under threads: calls are abandoned, closes arrive from callback threads, waiters wait on
 * latches that other threads set. The HCS behind them completes each operation after a few looks and counts what is
 * open. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "core/events.h"
#include "core/reaper.h"
#include "core/results.h"
#include "fake_hcs.h"

namespace {

const HcsApi &api = *fake_hcs::api();

std::atomic<long> open_contexts{0};

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

struct Context {
    hcsrt_context base;
};

void destroy(void *context) {
    if (context) static_cast<hcsrt_context *>(context)->destroy(static_cast<hcsrt_context *>(context));
}

void close_system(void *raw, void *context) {
    api.HcsCloseComputeSystem(raw);
    destroy(context);
}

void close_process(void *raw, void *context) {
    api.HcsCloseProcess(raw);
    destroy(context);
}

hcsrt_system new_system() {
    const hcsrt_char id[] = {0};
    hcsrt_system system = nullptr;
    api.HcsOpenComputeSystem(id, HCSRT_GENERIC_ALL, &system);
    return system;
}

hcsrt_context *new_context() {
    ++open_contexts;
    return &(new Context{{[](hcsrt_context *context) {
                --open_contexts;
                delete reinterpret_cast<Context *>(context);
            }}})->base;
}

/* There is an outcome after a few looks, of these calls and of the terminates that the reaper makes. */
fake_hcs::Plan plan() {
    fake_hcs::Plan plan;
    plan.way = fake_hcs::Way::LOOKED_FOR;
    plan.looks = 3;
    return plan;
}

void abandon_calls(int rounds) {
    const hcsrt_char text[] = {0};
    hcsrt_system owner = new_system();
    for (int round = 0; round < rounds; ++round) {
        hcsrt_abandoned call = {
            &api, api.HcsCreateOperation(nullptr, nullptr), round % 3, round % 2, round % 2, nullptr, nullptr, nullptr,
            0};
        switch (call.creates) {
        case HCSRT_CREATES_SYSTEM:
            call.close = close_system;
            api.HcsCreateComputeSystem(text, text, call.operation, nullptr, &call.created);
            break;
        case HCSRT_CREATES_PROCESS:
            call.close = close_process;
            api.HcsCreateProcess(owner, text, call.operation, nullptr, &call.created);
            break;
        default: api.HcsEnumerateComputeSystems(text, call.operation);
        }
        if (!hcsrt_reaper_start()) fail("no thread");
        hcsrt_reap(&call);
    }
    close_system(owner, nullptr);
}

/* A callback thread: its closes must not run on it. */
void call_back(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        hcsrt_callback_enter();
        hcsrt_release(close_system, new_system(), new_context());
        hcsrt_callback_leave();
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
}

void watch_exits(int rounds) {
    const hcsrt_char document[] = {'{', '}', 0};
    for (int round = 0; round < rounds; ++round) {
        hcsrt_watch *watch = hcsrt_watch_new(HCSRT_EVENT_PROCESS_EXITED, nullptr);
        std::vector<std::thread> waiters;
        for (int i = 0; i < 3; ++i)
            waiters.emplace_back([watch] {
                while (hcsrt_watch_wait(watch, 20) == HCSRT_NOT_EXITED) {}
                const hcsrt_char *text = hcsrt_watch_document(watch);
                if (text && text[0] != '{') fail("a torn document");
            });
        hcsrt_event event = {HCSRT_EVENT_PROCESS_EXITED, document, nullptr};
        std::thread second([watch, &document] { hcsrt_watch_latch(watch, HCSRT_QUERIED, document); });
        hcsrt_watch_event(&event, watch);
        for (std::thread &waiter : waiters) waiter.join();
        second.join();
        hcsrt_context *context = hcsrt_watch_context(watch);
        context->destroy(context);
    }
}

}  // namespace

int main(int count, char **arguments) {
    int rounds = count > 1 ? std::atoi(arguments[1]) : 2000;
    fake_hcs::set_plan(plan);
    hcsrt_reaper_init();
    if (!hcsrt_reaper_start()) fail("no thread");
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back(abandon_calls, rounds);
        threads.emplace_back(call_back, rounds);
        threads.emplace_back(watch_exits, rounds / 10);
    }
    for (std::thread &thread : threads) thread.join();
    for (int i = 0; i < 3000 && hcsrt_reaper_pending(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    /* A close that found the reserve full was leaked and counted; its handle and context stay open. */
    long leaked = static_cast<long>(hcsrt_leaked());
    fake_hcs::Counts counts = fake_hcs::counts();
    long handles = static_cast<long>(counts.systems + counts.processes);
    std::printf(
        "pending %lld, leaked %ld, operations %lld, handles %ld, contexts %ld, stdio %lld, strings %lld, terminated "
        "%lld, asked again %lld\n",
        static_cast<long long>(hcsrt_reaper_pending()), leaked, static_cast<long long>(counts.operations), handles,
        open_contexts.load(), static_cast<long long>(counts.stdio), static_cast<long long>(counts.strings),
        static_cast<long long>(counts.terminated), static_cast<long long>(counts.asked_again));
    bool clean = !hcsrt_reaper_pending() && !counts.operations && handles == leaked && open_contexts == leaked &&
                 !counts.stdio && !counts.strings && counts.terminated > 0 && !counts.asked_again;
    std::fflush(stdout);
    _Exit(clean ? 0 : 1);
}
