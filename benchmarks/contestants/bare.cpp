/* The limit: the same calls from C++, through the same table, without Python. */
#include <ctime>
#include <memory>
#include <vector>

#include "hcsbench.h"
#include "state.h"

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

}  // extern "C"
