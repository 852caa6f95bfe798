#include "core/operations.h"

#include <chrono>
#include <initializer_list>

#include "core/results.h"
#include "core/threads.h"

namespace {

using Clock = std::chrono::steady_clock;

/* How long a wait that brings nothing takes at least: one that says at once that it has brought nothing would keep a
 * processor busy. */
constexpr uint32_t LEAST_WAIT_MS = 5;

std::atomic<uint32_t> completions{0};

void count_one() {
    completions.fetch_add(1, std::memory_order_release);
    hcsrt::wake_all(completions);
}

void HCSRT_CALL count_notification(hcsrt_event *, void *) { count_one(); }

void rest_until(Clock::time_point end) {
    std::atomic<uint32_t> nothing{0};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left > 0) hcsrt::wait_on(nothing, 0, static_cast<uint32_t>(left));
}

/* Right after the call that gave no operation. */
hcsrt_result no_operation() {
#if defined(_WIN32)
    /* hcsshim and WSL count on the last error being set; the documentation does not say so. */
    if (DWORD code = GetLastError()) return hcsrt_result_of(code);
#endif
    return HCSRT_E_OUTOFMEMORY;
}

}  // namespace

extern "C" {

hcsrt_operation hcsrt_create_operation(const HcsApi *api, void *context, hcsrt_operation_completion callback,
                                       hcsrt_result *error) {
    hcsrt_operation operation = api->HcsCreateOperation(context, callback);
    if (!operation) *error = no_operation();
    return operation;
}

hcsrt_operation hcsrt_create_notifying_operation(const HcsApi *api, uint32_t event_types, hcsrt_result *error) {
    hcsrt_operation operation = api->HcsCreateOperationWithNotifications(event_types, nullptr, count_notification);
    if (!operation) *error = no_operation();
    return operation;
}

hcsrt_result hcsrt_collect_operation(const HcsApi *api, hcsrt_operation operation, uint32_t milliseconds,
                                     hcsrt_process_information *info, hcsrt_char **document) {
    hcsrt_result result;
    Clock::time_point least;
    if (milliseconds)
        least = Clock::now() + std::chrono::milliseconds(milliseconds < LEAST_WAIT_MS ? milliseconds : LEAST_WAIT_MS);
    *document = nullptr;
    if (info) {
        *info = {};
        result = milliseconds ? api->HcsWaitForOperationResultAndProcessInfo(operation, milliseconds, info, document)
                              : api->HcsGetOperationResultAndProcessInfo(operation, info, document);
        for (hcsrt_handle *handle : {&info->std_input, &info->std_output, &info->std_error})
            if (*handle == reinterpret_cast<hcsrt_handle>(-1)) *handle = nullptr;
    } else {
        result = milliseconds ? api->HcsWaitForOperationResult(operation, milliseconds, document)
                              : api->HcsGetOperationResult(operation, document);
    }
    if (result != HCSRT_E_OPERATION_PENDING && !(milliseconds && result == HCSRT_E_OPERATION_TIMEOUT)) return result;
    if (*document) api->free_string(*document);
    *document = nullptr;
    if (info) {
        for (hcsrt_handle handle : {info->std_input, info->std_output, info->std_error})
            if (handle) api->close_handle(handle);
        *info = {};
    }
    /* The same code says that the time is over, and that the call has failed with it. */
    if (milliseconds) {
        result = hcsrt_collect_operation(api, operation, 0, info, document);
        if (result != HCSRT_E_OPERATION_PENDING) return result;
        rest_until(least);
    }
    return HCSRT_E_OPERATION_PENDING;
}

void HCSRT_CALL hcsrt_count_completion(hcsrt_operation, void *) { count_one(); }

uint32_t hcsrt_completions(void) { return completions.load(std::memory_order_acquire); }

void hcsrt_wait_completions(uint32_t seen, uint32_t milliseconds) { hcsrt::wait_on(completions, seen, milliseconds); }

}  // extern "C"
