#include "fake_hcs.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "core/results.h"

namespace fake_hcs {
namespace {

constexpr int THREADS = 2;

/* What a query answers: as long as a short real answer. */
const char DOCUMENT[] =
    "{\"Id\":\"a\",\"SystemType\":\"Container\",\"Name\":\"a\",\"State\":\"Running\",\"Owner\":\"b\"}";

std::atomic<int64_t> live_things{0};

std::atomic<uint32_t> kick_off_ms{0}, close_ms{0};
std::mutex starts;
std::condition_variable starts_changed;
bool hanging = false;

struct Operation {
    std::atomic<int> references{1};
    std::atomic<bool> done{false};
    hcsrt_operation_completion callback;
    void *context;
    std::mutex mutex;
    std::condition_variable changed;
};

void drop(Operation *operation) {
    if (operation->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete operation;
}

/* A thread that completes what it is given, in batches. */
struct Completer {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Operation *> queue;

    void run() {
        std::vector<Operation *> batch;
        for (;;) {
            {
                std::unique_lock<std::mutex> lock(mutex);
                changed.wait(lock, [this] { return !queue.empty(); });
                batch.swap(queue);
            }
            for (Operation *operation : batch) complete(operation);
            batch.clear();
        }
    }

    void give(Operation *operation) {
        operation->references.fetch_add(1, std::memory_order_relaxed);
        std::lock_guard<std::mutex> lock(mutex);
        queue.push_back(operation);
        changed.notify_one();
    }

    static void complete(Operation *operation) {
        if (operation->callback) {
            operation->done.store(true, std::memory_order_release);
            operation->callback(operation, operation->context);
        } else {
            std::lock_guard<std::mutex> lock(operation->mutex);
            operation->done.store(true, std::memory_order_release);
            operation->changed.notify_all();
        }
        drop(operation);
    }
};

Completer *completers() {
    static Completer *all = [] {
        Completer *made = new Completer[THREADS];
        for (int i = 0; i < THREADS; ++i) std::thread([made, i] { made[i].run(); }).detach();
        return made;
    }();
    return all;
}

void pause(const std::atomic<uint32_t> &milliseconds) {
    uint32_t span = milliseconds.load(std::memory_order_relaxed);
    if (span) std::this_thread::sleep_for(std::chrono::milliseconds(span));
}

hcsrt_result begin(hcsrt_operation raw) {
    static std::atomic<unsigned> turn{0};
    pause(kick_off_ms);
    completers()[turn.fetch_add(1, std::memory_order_relaxed) % THREADS].give(static_cast<Operation *>(raw));
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL verb(void *, hcsrt_operation operation, const hcsrt_char *) { return begin(operation); }

hcsrt_result HCSRT_CALL start(hcsrt_system, hcsrt_operation operation, const hcsrt_char *) {
    {
        std::unique_lock<std::mutex> lock(starts);
        starts_changed.wait(lock, [] { return !hanging; });
    }
    return begin(operation);
}

void *new_handle() {
    ++live_things;
    return new char;
}

void delete_handle(void *raw) {
    pause(close_ms);
    --live_things;
    delete static_cast<char *>(raw);
}

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    ++live_things;
    Operation *operation = new Operation;
    operation->callback = callback;
    operation->context = context;
    return operation;
}

void HCSRT_CALL close_operation(hcsrt_operation raw) {
    --live_things;
    drop(static_cast<Operation *>(raw));
}

hcsrt_result HCSRT_CALL result(hcsrt_operation raw, hcsrt_char **document) {
    *document = nullptr;
    if (!static_cast<Operation *>(raw)->done.load(std::memory_order_acquire)) return HCSRT_E_OPERATION_PENDING;
    ++live_things;
    *document = new hcsrt_char[sizeof DOCUMENT];
    for (size_t i = 0; i < sizeof DOCUMENT; ++i) (*document)[i] = static_cast<hcsrt_char>(DOCUMENT[i]);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL wait(hcsrt_operation raw, uint32_t milliseconds, hcsrt_char **document) {
    Operation *operation = static_cast<Operation *>(raw);
    {
        std::unique_lock<std::mutex> lock(operation->mutex);
        operation->changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                                    [&] { return operation->done.load(); });
    }
    hcsrt_result answer = result(raw, document);
    return answer == HCSRT_E_OPERATION_PENDING ? static_cast<hcsrt_result>(HCSRT_E_OPERATION_TIMEOUT) : answer;
}

hcsrt_result HCSRT_CALL result_and_info(hcsrt_operation operation, hcsrt_process_information *info,
                                        hcsrt_char **document) {
    *info = {};
    info->process_id = 1;
    return result(operation, document);
}

hcsrt_result HCSRT_CALL wait_info(hcsrt_operation operation, uint32_t milliseconds, hcsrt_process_information *info,
                                  hcsrt_char **document) {
    *info = {};
    info->process_id = 1;
    return wait(operation, milliseconds, document);
}

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *, const hcsrt_char *, hcsrt_operation operation, const void *,
                                      hcsrt_system *system) {
    *system = new_handle();
    return begin(operation);
}

hcsrt_result HCSRT_CALL create_process(hcsrt_system, const hcsrt_char *, hcsrt_operation operation, const void *,
                                       hcsrt_process *process) {
    *process = new_handle();
    return begin(operation);
}

HcsApi make_table() {
    HcsApi table = {};
    table.size = sizeof table;
    table.HcsCreateOperation = create_operation;
    table.HcsCloseOperation = close_operation;
    table.HcsGetOperationResult = result;
    table.HcsGetOperationResultAndProcessInfo = result_and_info;
    table.HcsWaitForOperationResult = wait;
    table.HcsWaitForOperationResultAndProcessInfo = wait_info;
    table.HcsCreateComputeSystem = create_system;
    table.HcsOpenComputeSystem = [](const hcsrt_char *, uint32_t, hcsrt_system *system) -> hcsrt_result {
        pause(kick_off_ms);
        *system = new_handle();
        return HCSRT_S_OK;
    };
    table.HcsCloseComputeSystem = delete_handle;
    table.HcsEnumerateComputeSystems = [](const hcsrt_char *, hcsrt_operation operation) { return begin(operation); };
    table.HcsStartComputeSystem = start;
    table.HcsShutDownComputeSystem = verb;
    table.HcsTerminateComputeSystem = verb;
    table.HcsPauseComputeSystem = verb;
    table.HcsResumeComputeSystem = verb;
    table.HcsGetComputeSystemProperties = verb;
    table.HcsSetComputeSystemCallback = [](hcsrt_system, uint32_t, const void *, hcsrt_event_callback) -> hcsrt_result {
        return HCSRT_S_OK;
    };
    table.HcsCreateProcess = create_process;
    table.HcsCloseProcess = delete_handle;
    table.HcsGetProcessInfo = [](hcsrt_process, hcsrt_operation operation) { return begin(operation); };
    table.HcsGetProcessProperties = verb;
    table.HcsTerminateProcess = verb;
    table.HcsSetProcessCallback = [](hcsrt_process, uint32_t, void *, hcsrt_event_callback) -> hcsrt_result {
        return HCSRT_S_OK;
    };
    table.free_string = [](hcsrt_char *string) {
        --live_things;
        delete[] string;
    };
    table.close_handle = [](hcsrt_handle) { return 1; };
    return table;
}

}  // namespace

const HcsApi *api() {
    static const HcsApi table = make_table();
    return &table;
}

void delay(uint32_t kick_off, uint32_t close) {
    kick_off_ms.store(kick_off);
    close_ms.store(close);
}

void hang_starts(bool hang) {
    std::lock_guard<std::mutex> lock(starts);
    hanging = hang;
    starts_changed.notify_all();
}

int64_t live() { return live_things.load(); }

}  // namespace fake_hcs
