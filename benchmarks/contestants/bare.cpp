/* The limit: the same calls from C++, through the same table, without Python. */
#include <chrono>
#include <memory>
#include <vector>

#include "hcsbench.h"
#include "state.h"

namespace {

class Timer {
  public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

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

}  // namespace

extern "C" {

/* Each returns the seconds that n times have taken. */

double bare_own_and_close(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    Timer timer;
    for (int64_t i = 0; i < n; ++i) api->HcsCloseComputeSystem(system);
    return timer.seconds();
}

double bare_call(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_operation operation = api->HcsCreateOperation(nullptr, nullptr);
    uint64_t sum = 0;
    Timer timer;
    for (int64_t i = 0; i < n; ++i) sum += api->HcsGetOperationId(operation);
    double seconds = timer.seconds();
    api->HcsCloseOperation(operation);
    return sum ? seconds : -1.0;
}

double bare_close_all(int64_t count) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    std::vector<std::unique_ptr<Owned>> handles;
    for (int64_t i = 0; i < count; ++i) {
        handles.push_back(std::make_unique<Owned>(Owned{system, 0}));
        hcsrt_state_adopt(&handles.back()->state);
    }
    Timer timer;
    for (auto &owned : handles) close_owned(api, owned.get());
    return timer.seconds();
}

double bare_round_trip(int64_t n) {
    const HcsApi *api = hcsbench_api();
    hcsrt_system system = hcsbench_system();
    bool failed = false;
    Timer timer;
    for (int64_t i = 0; i < n; ++i) {
        hcsrt_char *document = nullptr;
        hcsrt_operation operation = api->HcsCreateOperation(nullptr, nullptr);
        failed |= api->HcsGetComputeSystemProperties(system, operation, nullptr) < 0;
        failed |= api->HcsWaitForOperationResult(operation, 0xFFFFFFFFu, &document) < 0;
        api->free_string(document);
        api->HcsCloseOperation(operation);
    }
    return failed ? -1.0 : timer.seconds();
}

}  // extern "C"
