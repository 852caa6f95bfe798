#include "fake_hcs.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "backends/functions.h"
#include "core/results.h"

namespace fake_hcs {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int THREADS = 2;

/* What each call answers: as long as a short real answer. */
const char DOCUMENT[] =
    "{\"Id\":\"a\",\"SystemType\":\"Container\",\"Name\":\"a\",\"State\":\"Running\",\"Owner\":\"b\"}";

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

/* --- what is handed out ------------------------------------------------------------------------------------------- */

std::atomic<int64_t> operations{0}, systems{0}, processes{0}, stdio{0}, strings{0};
std::atomic<int64_t> terminated{0}, asked_again{0};

constexpr int64_t NOT_BY_LOOKS = INT64_MIN;

/* Kept by HCS itself as long as the call runs, even if the operation is closed. */
struct Call {
    void *context = nullptr;
    hcsrt_operation_completion callback = nullptr;
    std::atomic<bool> begun{false}, done{false}, told{false};
    std::atomic<hcsrt_result> outcome{HCSRT_S_OK};
    std::atomic<int64_t> looks{NOT_BY_LOOKS}; /* until there is an outcome */

    void begin() {
        if (begun.exchange(true)) fail("an operation was given to two calls");
    }
    bool look() {
        if (!done.load() && looks.load() != NOT_BY_LOOKS && looks.fetch_sub(1) <= 0) done.store(true);
        return done.load();
    }
};

using Calls = std::vector<std::shared_ptr<Call>>;

enum class Kind : uint32_t { CLOSED, OPERATION, SYSTEM, PROCESS };

/* What an HCS_OPERATION points to. */
struct Operation {
    std::atomic<Kind> kind{Kind::OPERATION};
    std::shared_ptr<Call> call = std::make_shared<Call>();
    bool given = false;      /* its outcome, to a caller who asked */
    bool info_given = false; /* and its handles, which are given once */
};

/* What an HCS_SYSTEM and an HCS_PROCESS point to. */
struct Target {
    explicit Target(Kind its) : kind(its) {}
    std::atomic<Kind> kind;
    std::atomic<Service> service{Service::THERE};
    std::mutex mutex;
    Calls unanswered;
};

Operation *operation_of(hcsrt_operation raw) {
    auto *operation = static_cast<Operation *>(raw);
    if (operation->kind.load() != Kind::OPERATION) fail("an operation that is none, or none any more");
    return operation;
}

Target *target_of(void *raw, Kind kind) {
    auto *target = static_cast<Target *>(raw);
    if (target->kind.load() != kind) fail("a handle of another kind, or one that was closed");
    return target;
}

std::atomic<int64_t> &count_of(Kind kind) { return kind == Kind::SYSTEM ? systems : processes; }

Target *new_target(Kind kind) {
    ++count_of(kind);
    return new Target(kind);
}

void delete_target(Target *target) {
    --count_of(target->kind.exchange(Kind::CLOSED));
    delete target;
}

/* --- how calls go ------------------------------------------------------------------------------------------------- */

Plan (*plan_of_a_call)() = [] { return Plan{}; };
std::atomic<uint32_t> kick_off_ms{0}, close_ms{0};

template <typename Span>
void pause(Span span) {
    if (span.count()) std::this_thread::sleep_for(span);
}

void tell(const std::shared_ptr<Call> &call) {
    if (call->callback) call->callback(nullptr, call->context);
    call->told.store(true);
}

/* The threads of HCS, and what they have to do. */
struct Completers {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::pair<std::shared_ptr<Call>, Plan>> queue;

    Completers() {
        for (int i = 0; i < THREADS; ++i) std::thread([this] { run(); }).detach();
    }

    void give(const std::shared_ptr<Call> &call, const Plan &plan) {
        {
            std::lock_guard<std::mutex> lock(mutex);
            queue.emplace_back(call, plan);
        }
        changed.notify_one();
    }

    void run() {
        for (;;) {
            std::pair<std::shared_ptr<Call>, Plan> item;
            {
                std::unique_lock<std::mutex> lock(mutex);
                changed.wait(lock, [this] { return !queue.empty(); });
                item = std::move(queue.front());
                queue.pop_front();
            }
            complete(item.first, item.second);
        }
    }

    static void complete(const std::shared_ptr<Call> &call, const Plan &plan) {
        pause(microseconds(plan.complete_us));
        if (plan.way == Way::TOO_EARLY) tell(call);
        call->done.store(true);
        if (plan.way == Way::NEVER_TOLD || plan.way == Way::TOO_EARLY) return;
        tell(call);
        if (plan.way != Way::TWICE) return;
        pause(microseconds(plan.again_us));
        tell(call);
    }
};

/* Never destroyed: its threads may still run while the process ends. */
Completers &completers() {
    static Completers *all = new Completers;
    return *all;
}

/* False: the service does not take the call as it should, and `result` is what the kick-off answers. */
bool is_served(Target *target, const std::shared_ptr<Call> &call, hcsrt_result *result) {
    switch (target->service.load()) {
    case Service::THERE: return true;
    case Service::GONE: *result = HCSRT_E_SERVICE_DISCONNECT; return false;
    case Service::SILENT: break;
    }
    call->begin();
    std::lock_guard<std::mutex> lock(target->mutex);
    target->unanswered.push_back(call);
    *result = HCSRT_S_OK;
    return false;
}

hcsrt_result begin(hcsrt_operation raw, Target *target, const Plan &plan) {
    std::shared_ptr<Call> call = operation_of(raw)->call;
    hcsrt_result result;
    pause(milliseconds(kick_off_ms));
    if (target && !is_served(target, call, &result)) return result;
    if (plan.way == Way::FAILS) return HCSRT_E_INVALIDARG;
    if (plan.way == Way::REFUSED && call->callback) return HCSRT_E_CALLBACK_ALREADY_SET;
    call->outcome.store(plan.outcome);
    call->begin();
    switch (plan.way) {
    case Way::INLINE:
        call->done.store(true);
        tell(call);
        return HCSRT_S_OK;
    case Way::FAILS_AFTER_ALL:
        call->done.store(true);
        if (plan.tells) tell(call);
        return HCSRT_E_INVALIDARG;
    case Way::LOOKED_FOR: call->looks.store(plan.looks); break;
    default: completers().give(call, plan);
    }
    if (plan.way == Way::EARLY)
        while (!call->told.load()) std::this_thread::yield();
    pause(microseconds(plan.kick_off_us));
    return HCSRT_S_OK;
}

/* --- the functions ------------------------------------------------------------------------------------------------ */

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    ++operations;
    auto *operation = new Operation;
    operation->call->context = context;
    operation->call->callback = callback;
    return operation;
}

void HCSRT_CALL close_operation(hcsrt_operation raw) {
    --operations;
    Operation *operation = operation_of(raw);
    operation->kind.store(Kind::CLOSED);
    delete operation;
}

hcsrt_result HCSRT_CALL result_and_info(hcsrt_operation raw, hcsrt_process_information *info, hcsrt_char **document) {
    Operation *operation = operation_of(raw);
    *document = nullptr;
    if (!operation->call->look()) return HCSRT_E_OPERATION_PENDING;
    if (operation->given) ++asked_again;
    operation->given = true;
    *document = new hcsrt_char[sizeof DOCUMENT];
    for (size_t i = 0; i < sizeof DOCUMENT; ++i) (*document)[i] = static_cast<hcsrt_char>(DOCUMENT[i]);
    ++strings;
    hcsrt_result result = operation->call->outcome.load();
    if (info && !operation->info_given && !hcsrt_failed(result)) {
        operation->info_given = true;
        info->process_id = 7;
        info->std_input = new char;
        info->std_output = reinterpret_cast<hcsrt_handle>(-1);
        ++stdio;
    }
    return result;
}

hcsrt_result HCSRT_CALL result_only(hcsrt_operation operation, hcsrt_char **document) {
    return result_and_info(operation, nullptr, document);
}

hcsrt_result HCSRT_CALL wait_info(hcsrt_operation operation, uint32_t ms, hcsrt_process_information *info,
                                  hcsrt_char **document) {
    auto end = std::chrono::steady_clock::now() + milliseconds(ms);
    for (;;) {
        hcsrt_result result = result_and_info(operation, info, document);
        if (result != HCSRT_E_OPERATION_PENDING) return result;
        if (std::chrono::steady_clock::now() >= end) return HCSRT_E_OPERATION_TIMEOUT;
        std::this_thread::sleep_for(microseconds(100));
    }
}

hcsrt_result HCSRT_CALL wait_only(hcsrt_operation operation, uint32_t ms, hcsrt_char **document) {
    return wait_info(operation, ms, nullptr, document);
}

template <Kind kind>
hcsrt_result HCSRT_CALL verb(void *raw, hcsrt_operation operation, const hcsrt_char *) {
    return begin(operation, target_of(raw, kind), plan_of_a_call());
}

template <Kind kind>
hcsrt_result HCSRT_CALL terminate(void *raw, hcsrt_operation operation, const hcsrt_char *) {
    ++terminated;
    return begin(operation, target_of(raw, kind), plan_of_a_call());
}

hcsrt_result create(Kind kind, Target *owner, hcsrt_operation operation, void **out) {
    Plan plan = plan_of_a_call();
    Target *target = new_target(kind);
    *out = target;
    hcsrt_result result = begin(operation, owner, plan);
    if (hcsrt_failed(result) && !plan.fails_with_handle) {
        delete_target(target);
        *out = nullptr;
    }
    return result;
}

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *, const hcsrt_char *, hcsrt_operation operation, const void *,
                                      hcsrt_system *system) {
    return create(Kind::SYSTEM, nullptr, operation, system);
}

hcsrt_result HCSRT_CALL create_process(hcsrt_system system, const hcsrt_char *, hcsrt_operation operation, const void *,
                                       hcsrt_process *process) {
    return create(Kind::PROCESS, target_of(system, Kind::SYSTEM), operation, process);
}

hcsrt_result HCSRT_CALL open_system(const hcsrt_char *, uint32_t, hcsrt_system *system) {
    pause(milliseconds(kick_off_ms));
    *system = new_target(Kind::SYSTEM);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL enumerate(const hcsrt_char *, hcsrt_operation operation) {
    return begin(operation, nullptr, plan_of_a_call());
}

hcsrt_result HCSRT_CALL process_info(hcsrt_process process, hcsrt_operation operation) {
    return verb<Kind::PROCESS>(process, operation, nullptr);
}

template <Kind kind>
void HCSRT_CALL close(void *raw) {
    Target *target = target_of(raw, kind);
    pause(milliseconds(close_ms));
    /* What was left unanswered ends now, long after its caller should have given it up. */
    Calls left;
    {
        std::lock_guard<std::mutex> lock(target->mutex);
        left.swap(target->unanswered);
    }
    delete_target(target);
    for (const auto &call : left) completers().give(call, Plan{});
}

hcsrt_result HCSRT_CALL set_system_callback(hcsrt_system, uint32_t, const void *, hcsrt_event_callback) {
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_process_callback(hcsrt_process, uint32_t, void *, hcsrt_event_callback) {
    return HCSRT_S_OK;
}

void free_string(hcsrt_char *string) {
    --strings;
    delete[] string;
}

int close_stdio(hcsrt_handle handle) {
    --stdio;
    delete static_cast<char *>(handle);
    return 1;
}

HcsApi make_table() {
    HcsApi table = {};
    table.size = sizeof table;
    /* Each plain verb, by the shape of its row. */
#define FILL(name, since, shape, subject, lane, type) FILL_##shape(name, subject)
#define FILL_VERB(name, subject) table.name = verb<Kind::subject>;
#define FILL_MODIFY(name, subject)
#define FILL_EXIT(name, subject)
#define FILL_CLOSE(name, subject)
#define FILL_STRING(name, subject)
#define FILL_STRINGS(name, subject)
#define FILL_QUESTION(name, subject)
#define FILL_OTHER(name, subject)
#define FILL_OF(result, parameters) FILL_OTHER
    HCSRT_FUNCTIONS(FILL)
    table.HcsCloseComputeSystem = close<Kind::SYSTEM>;
    table.HcsCloseOperation = close_operation;
    table.HcsCloseProcess = close<Kind::PROCESS>;
    table.HcsCreateComputeSystem = create_system;
    table.HcsCreateOperation = create_operation;
    table.HcsCreateProcess = create_process;
    table.HcsEnumerateComputeSystems = enumerate;
    table.HcsGetOperationResult = result_only;
    table.HcsGetOperationResultAndProcessInfo = result_and_info;
    table.HcsGetProcessInfo = process_info;
    table.HcsOpenComputeSystem = open_system;
    table.HcsSetComputeSystemCallback = set_system_callback;
    table.HcsSetProcessCallback = set_process_callback;
    table.HcsTerminateComputeSystem = terminate<Kind::SYSTEM>;
    table.HcsTerminateProcess = terminate<Kind::PROCESS>;
    table.HcsWaitForOperationResult = wait_only;
    table.HcsWaitForOperationResultAndProcessInfo = wait_info;
    table.free_string = free_string;
    table.close_handle = close_stdio;
    return table;
}

}  // namespace

const HcsApi *api() {
    static const HcsApi table = make_table();
    return &table;
}

void set_plan(Plan (*plan)()) { plan_of_a_call = plan; }

void delay(uint32_t kick_off, uint32_t close) {
    kick_off_ms.store(kick_off);
    close_ms.store(close);
}

void set_service(void *handle, Service service) { static_cast<Target *>(handle)->service.store(service); }

void call_later(hcsrt_operation_completion callback, void *context, const Plan &plan) {
    auto call = std::make_shared<Call>();
    call->context = context;
    call->callback = callback;
    completers().give(call, plan);
}

Counts counts() {
    return {operations.load(), systems.load(),    processes.load(),  stdio.load(),
            strings.load(),    terminated.load(), asked_again.load()};
}

int64_t live() {
    Counts now = counts();
    return now.operations + now.systems + now.processes + now.stdio + now.strings;
}

}  // namespace fake_hcs
