/* The reaper and the exit latch under threads: calls are abandoned, closes arrive from callback threads, waiters wait on
 * latches that other threads set. The HCS behind them is a few lines that complete each operation after a few looks and
 * count what is open. */
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

namespace {

struct Native {
    std::atomic<int> looks{0};
};

std::atomic<long> open_operations{0}, open_handles{0}, open_stdio{0}, open_strings{0}, open_contexts{0}, terminated{0};

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

hcsrt_operation HCSRT_CALL create_operation(void *, hcsrt_operation_completion) {
    ++open_operations;
    return new Native;
}

void HCSRT_CALL close_operation(hcsrt_operation operation) {
    --open_operations;
    delete static_cast<Native *>(operation);
}

hcsrt_result HCSRT_CALL result_and_info(hcsrt_operation operation, hcsrt_process_information *info,
                                        hcsrt_char **document) {
    if (static_cast<Native *>(operation)->looks++ < 3) return HCSRT_E_OPERATION_PENDING;
    *document = new hcsrt_char[1]{0};
    ++open_strings;
    if (info) {
        info->std_input = new Native;
        info->std_output = reinterpret_cast<hcsrt_handle>(-1);
        ++open_stdio;
    }
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL result_only(hcsrt_operation operation, hcsrt_char **document) {
    return result_and_info(operation, nullptr, document);
}

hcsrt_result HCSRT_CALL terminate(void *, hcsrt_operation, const hcsrt_char *) {
    ++terminated;
    return HCSRT_S_OK;
}

void free_string(hcsrt_char *string) {
    --open_strings;
    delete[] string;
}

int close_stdio(hcsrt_handle handle) {
    --open_stdio;
    delete static_cast<Native *>(handle);
    return 1;
}

struct Context {
    hcsrt_context base;
};

void close_handle(void *raw, void *context) {
    --open_handles;
    delete static_cast<Native *>(raw);
    if (context) static_cast<hcsrt_context *>(context)->destroy(static_cast<hcsrt_context *>(context));
}

void *new_handle() {
    ++open_handles;
    return new Native;
}

hcsrt_context *new_context() {
    ++open_contexts;
    return &(new Context{{[](hcsrt_context *context) {
                --open_contexts;
                delete reinterpret_cast<Context *>(context);
            }}})->base;
}

HcsApi make_api() {
    HcsApi api = {};
    api.size = sizeof api;
    api.HcsCreateOperation = create_operation;
    api.HcsCloseOperation = close_operation;
    api.HcsGetOperationResult = result_only;
    api.HcsGetOperationResultAndProcessInfo = result_and_info;
    api.HcsTerminateComputeSystem = terminate;
    api.HcsTerminateProcess = terminate;
    api.free_string = free_string;
    api.close_handle = close_stdio;
    return api;
}

const HcsApi api = make_api();

void abandon_calls(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        hcsrt_abandoned call = {
            &api, create_operation(nullptr, nullptr), round % 3, round % 2, round % 2, nullptr, nullptr, nullptr, 0};
        if (call.creates) {
            call.created = new_handle();
            call.close = close_handle;
        }
        if (!hcsrt_reaper_start()) fail("no thread");
        hcsrt_reaper_adopt(&call);
    }
}

/* A callback thread: its closes must not run on it. */
void call_back(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        hcsrt_callback_enter();
        hcsrt_release(close_handle, new_handle(), new_context());
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
    std::printf(
        "pending %lld, leaked %ld, operations %ld, handles %ld, contexts %ld, stdio %ld, strings %ld, terminated %ld\n",
        static_cast<long long>(hcsrt_reaper_pending()), leaked, open_operations.load(), open_handles.load(),
        open_contexts.load(), open_stdio.load(), open_strings.load(), terminated.load());
    bool clean = !hcsrt_reaper_pending() && !open_operations && open_handles == leaked && open_contexts == leaked &&
                 !open_stdio && !open_strings && terminated > 0;
    std::fflush(stdout);
    _Exit(clean ? 0 : 1);
}
