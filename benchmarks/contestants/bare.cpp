/* The limit: the same calls from C++, through the same table, without Python. */
#include <atomic>
#include <ctime>
#include <memory>
#include <vector>

#include "core/state.h"
#include "core/threads.h"
#include "hcsbench.h"

namespace {

/* What hcsrt keeps of a handle, without what makes it a Python object. */
struct Owned {
    void *raw;
    uint32_t state;
};

void close_owned(const HcsApi *api, Owned *owned) {
    if (!hcsrt_state_close(&owned->state)) return;
    api->HcsCloseComputeSystem(owned->raw);
    hcsrt_state_finish(&owned->state);
}

/* Operations that have completed, for the one thread that kicks them off. */
struct InFlight {
    hcsrt_operation operation;
    InFlight *next;
};
std::atomic<InFlight *> arrived{nullptr};
std::atomic<uint32_t> bursts{0};

void completed(hcsrt_operation, void *context) {
    InFlight *one = static_cast<InFlight *>(context);
    InFlight *before = arrived.load(std::memory_order_relaxed);
    do one->next = before;
    while (!arrived.compare_exchange_weak(before, one, std::memory_order_acq_rel));
    /* From here on it is the other thread's. */
    if (before) return;
    bursts.fetch_add(1);
    hcsrt::wake_one(bursts);
}

/* The time that this thread has had of a processor. */
double thread_time() {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

extern "C" {

/* Each repeats its work n times. */

void bare_own_and_close(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    for (int64_t i = 0; i < n; ++i) api->HcsCloseComputeSystem(system);
}

void bare_call(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_operation operation = api->HcsCreateOperation(nullptr, nullptr);
    for (int64_t i = 0; i < n; ++i) api->HcsGetOperationId(operation);
    api->HcsCloseOperation(operation);
}

void bare_round_trip(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    for (int64_t i = 0; i < n; ++i) {
        hcsrt_char *document = nullptr;
        hcsrt_operation operation = api->HcsCreateOperation(nullptr, nullptr);
        hcsrt_result result = api->HcsGetComputeSystemProperties(system, operation, nullptr);
        if (result >= 0) api->HcsWaitForOperationResult(operation, 0xFFFFFFFFu, &document);
        api->free_string(document);
        api->HcsCloseOperation(operation);
    }
}

/* Returns the seconds of the closes alone. */
double bare_close_all(int64_t count) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    std::vector<std::unique_ptr<Owned>> handles;
    for (int64_t i = 0; i < count; ++i) {
        handles.push_back(std::make_unique<Owned>(Owned{system, 0}));
        hcsrt_state_adopt(&handles.back()->state);
    }
    double begin = thread_time();
    for (auto &owned : handles) close_owned(api, owned.get());
    return thread_time() - begin;
}

/* n operations, at most in_flight at a time, kicked off and asked for their documents by this thread. */
void bare_async(int64_t n, int64_t in_flight) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    std::vector<InFlight> all(static_cast<size_t>(in_flight));
    auto kick_off = [&](InFlight *one) {
        one->operation = api->HcsCreateOperation(one, completed);
        api->HcsGetComputeSystemProperties(system, one->operation, nullptr);
    };
    int64_t left = n - in_flight;
    for (InFlight &one : all) kick_off(&one);
    for (int64_t done = 0; done < n;) {
        uint32_t seen = bursts.load();
        InFlight *chain = arrived.exchange(nullptr, std::memory_order_acq_rel);
        if (!chain) hcsrt::wait_on(bursts, seen, hcsrt::FOREVER);
        while (InFlight *one = chain) {
            chain = one->next;
            hcsrt_char *document = nullptr;
            api->HcsGetOperationResult(one->operation, &document);
            api->free_string(document);
            api->HcsCloseOperation(one->operation);
            ++done;
            if (left-- > 0) kick_off(one);
        }
    }
}

}  // extern "C"
