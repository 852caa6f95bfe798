#include "hcsbench.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<valgrind/callgrind.h>)
#  include <valgrind/callgrind.h>
#endif

#include "core/results.h"
#include "core/stdio_handle.h"
#include "core/threads.h"

namespace {

using Clock = std::chrono::steady_clock;

/* --- what can be set ---------------------------------------------------------------------------------------------- */

std::atomic<int64_t> latency{-1};
std::atomic<uint32_t> document_units{512};
std::atomic<uint32_t> completing{1};
std::mutex program_lock;
std::vector<std::string> program;

/* --- systems ------------------------------------------------------------------------------------------------------ */

/* A cache line each: two threads that close their own handles must not meet here. */
struct alignas(64) System {
    uint64_t closes;
};

constexpr uint32_t SYSTEMS = 1 << 12;
System systems[SYSTEMS];
std::atomic<uint32_t> next_system{0};

System *open_system() { return &systems[next_system.fetch_add(1, std::memory_order_relaxed) % SYSTEMS]; }

/* --- processes ---------------------------------------------------------------------------------------------------- */

struct Process {
    std::atomic<int> references{1};
    pid_t pid = 0;
    hcsrt_handle output = nullptr;
    std::mutex lock;
    bool exited = false;
    int code = 0;
    hcsrt_event_callback callback = nullptr;
    void *context = nullptr;
};

void drop(Process *process) {
    if (process->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete process;
}

std::u16string exit_text(const Process *process) {
    std::string text = "{\"ProcessId\":" + std::to_string(process->pid) +
                       ",\"Exited\":" + (process->exited ? "true" : "false") +
                       ",\"ExitCode\":" + std::to_string(process->code) + ",\"LastWaitResult\":0}";
    return std::u16string(text.begin(), text.end());
}

void tell_exit(Process *process) {
    std::u16string text = exit_text(process);
    hcsrt_event event = {HCSRT_EVENT_PROCESS_EXITED, reinterpret_cast<const hcsrt_char *>(text.c_str()), nullptr};
    process->callback(&event, process->context);
}

void await_exit(void *argument) {
    Process *process = static_cast<Process *>(argument);
    int status = 0;
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {}
    {
        std::lock_guard<std::mutex> hold(process->lock);
        process->exited = true;
        process->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (process->callback) tell_exit(process);
    }
    drop(process);
}

hcsrt_result spawn(Process **made) {
    static std::atomic<uint32_t> serial{0};
    std::vector<std::string> words;
    {
        std::lock_guard<std::mutex> hold(program_lock);
        words = program;
    }
    if (words.empty()) return HCSRT_E_INVALIDARG;
    std::vector<char *> argv;
    for (std::string &word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return HCSRT_E_OUTOFMEMORY;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    Process *process = new Process;
    int failed = posix_spawn(&process->pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    process->references.fetch_add(1);
    if (failed || !hcsrt::start_thread(await_exit, process)) {
        close(ends[0]);
        delete process;
        return HCSRT_E_INVALIDARG;
    }
    /* As the emulator's: hcsrt reads until there is nothing, then waits in slices. */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    process->output = hcsrt_stdio_handle(serial.fetch_add(1) + 1, ends[0]);
    *made = process;
    return HCSRT_S_OK;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

struct Operation {
    std::atomic<int> references{1};
    std::atomic<uint32_t> done{0};
    std::atomic<bool> somebody_waits{false};
    void *context = nullptr;
    hcsrt_operation_completion callback = nullptr;
    uint64_t id = 0;
    Process *process = nullptr;
    bool wants_process = false;
    Clock::time_point due;
};

std::atomic<int64_t> operations{0};
std::atomic<uint64_t> next_id{1};

Operation *operation_of(hcsrt_operation raw) { return static_cast<Operation *>(raw); }

void drop(Operation *operation) {
    if (operation->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (operation->process) drop(operation->process);
    delete operation;
}

void complete(Operation *operation) {
    operation->done.store(1, std::memory_order_seq_cst);
    if (operation->somebody_waits.load(std::memory_order_seq_cst)) hcsrt::wake_all(operation->done);
    if (operation->callback) operation->callback(operation, operation->context);
    drop(operation);
}

/* In the order of arrival, which is that of the due times as long as the latency stays. */
struct Completer {
    std::mutex lock;
    std::condition_variable arrived;
    std::deque<Operation *> queue;
    bool started = false;
};

constexpr uint32_t MOST_COMPLETERS = 16;
/* Never destroyed: their threads may still run while the process ends. */
Completer *completers = new Completer[MOST_COMPLETERS];
std::atomic<uint32_t> next_completer{0};

void run_completer(void *argument) {
    Completer &completer = *static_cast<Completer *>(argument);
    std::deque<Operation *> batch;
    for (;;) {
        {
            std::unique_lock<std::mutex> hold(completer.lock);
            completer.arrived.wait(hold, [&completer] { return !completer.queue.empty(); });
            batch.swap(completer.queue);
        }
        for (Operation *operation : batch) {
            struct timespec pause;
            auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(operation->due - Clock::now()).count();
            if (left > 0) {
                pause = {static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
                nanosleep(&pause, nullptr);
            }
            complete(operation);
        }
        batch.clear();
    }
}

hcsrt_result kick_off(hcsrt_operation raw) {
    Operation *operation = operation_of(raw);
    int64_t microseconds = latency.load(std::memory_order_relaxed);
    operation->references.fetch_add(1, std::memory_order_relaxed);
    if (microseconds < 0) {
        complete(operation);
        return HCSRT_S_OK;
    }
    operation->due = microseconds ? Clock::now() + std::chrono::microseconds(microseconds) : Clock::time_point{};
    uint32_t turn = next_completer.fetch_add(1, std::memory_order_relaxed);
    Completer &completer = completers[turn % completing.load(std::memory_order_relaxed)];
    bool first;
    {
        std::lock_guard<std::mutex> hold(completer.lock);
        if (!completer.started) completer.started = hcsrt::start_thread(run_completer, &completer);
        first = completer.queue.empty();
        completer.queue.push_back(operation);
    }
    if (first) completer.arrived.notify_one();
    return HCSRT_S_OK;
}

hcsrt_char *copy_of(const std::u16string &text) {
    size_t size = (text.size() + 1) * sizeof(hcsrt_char);
    return static_cast<hcsrt_char *>(std::memcpy(std::malloc(size), text.c_str(), size));
}

/* {"Owner":"aaa..."} */
hcsrt_char *new_document() {
    static const char head[] = "{\"Owner\":\"";
    uint32_t units = document_units.load(std::memory_order_relaxed);
    if (units < sizeof head + 2) return nullptr;
    hcsrt_char *document = static_cast<hcsrt_char *>(std::malloc((units + 1) * sizeof(hcsrt_char)));
    hcsrt_char *at = document;
    for (const char *c = head; *c; ++c) *at++ = static_cast<hcsrt_char>(*c);
    while (at < document + units - 2) *at++ = 'a';
    *at++ = '"';
    *at++ = '}';
    *at = 0;
    return document;
}

hcsrt_result take_result(Operation *operation, hcsrt_process_information *info, hcsrt_char **document) {
    Process *process = operation->process;
    if (info && process) {
        *info = {static_cast<uint32_t>(process->pid), 0, nullptr, process->output, nullptr};
        process->output = nullptr;
    }
    if (document) *document = process && !operation->wants_process ? copy_of(exit_text(process)) : new_document();
    return HCSRT_S_OK;
}

bool wait_done(Operation *operation, uint32_t milliseconds) {
    if (operation->done.load(std::memory_order_acquire)) return true;
    operation->somebody_waits.store(true, std::memory_order_seq_cst);
    auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (!operation->done.load(std::memory_order_seq_cst)) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0) return false;
        hcsrt::wait_on(operation->done, 0, static_cast<uint32_t>(left));
    }
    return true;
}

void track(hcsrt_operation raw, Process *process, bool wants_process) {
    Operation *operation = operation_of(raw);
    process->references.fetch_add(1, std::memory_order_relaxed);
    operation->process = process;
    operation->wants_process = wants_process;
}

void release_string(hcsrt_char *string) { std::free(string); }
void release_memory(void *memory) { std::free(memory); }
int release_handle(hcsrt_handle handle) { return close(hcsrt_stdio_descriptor(handle)) == 0; }

}  // namespace

/* --- the exports of computecore.dll ------------------------------------------------------------------------------- */

extern "C" {

hcsrt_operation HcsCreateOperation(void *context, hcsrt_operation_completion callback) {
    Operation *operation = new Operation;
    operation->context = context;
    operation->callback = callback;
    operation->id = next_id.fetch_add(1, std::memory_order_relaxed);
    operations.fetch_add(1, std::memory_order_relaxed);
    return operation;
}

void HcsCloseOperation(hcsrt_operation operation) {
    operations.fetch_sub(1, std::memory_order_relaxed);
    drop(operation_of(operation));
}

uint64_t HcsGetOperationId(hcsrt_operation operation) { return operation_of(operation)->id; }

void *HcsGetOperationContext(hcsrt_operation operation) { return operation_of(operation)->context; }

hcsrt_result HcsSetOperationContext(hcsrt_operation operation, void *context) {
    operation_of(operation)->context = context;
    return HCSRT_S_OK;
}

hcsrt_result HcsSetOperationCallback(hcsrt_operation operation, const void *context,
                                     hcsrt_operation_completion callback) {
    operation_of(operation)->context = const_cast<void *>(context);
    operation_of(operation)->callback = callback;
    return HCSRT_S_OK;
}

hcsrt_result HcsGetOperationResult(hcsrt_operation operation, hcsrt_char **document) {
    if (!operation_of(operation)->done.load(std::memory_order_acquire)) return HCSRT_E_OPERATION_PENDING;
    return take_result(operation_of(operation), nullptr, document);
}

hcsrt_result HcsGetOperationResultAndProcessInfo(hcsrt_operation operation, hcsrt_process_information *info,
                                                 hcsrt_char **document) {
    if (!operation_of(operation)->done.load(std::memory_order_acquire)) return HCSRT_E_OPERATION_PENDING;
    return take_result(operation_of(operation), info, document);
}

hcsrt_result HcsWaitForOperationResult(hcsrt_operation operation, uint32_t milliseconds, hcsrt_char **document) {
    if (!wait_done(operation_of(operation), milliseconds)) return HCSRT_E_OPERATION_TIMEOUT;
    return take_result(operation_of(operation), nullptr, document);
}

hcsrt_result HcsWaitForOperationResultAndProcessInfo(hcsrt_operation operation, uint32_t milliseconds,
                                                     hcsrt_process_information *info, hcsrt_char **document) {
    if (!wait_done(operation_of(operation), milliseconds)) return HCSRT_E_OPERATION_TIMEOUT;
    return take_result(operation_of(operation), info, document);
}

hcsrt_result HcsCreateComputeSystem(const hcsrt_char *, const hcsrt_char *, hcsrt_operation operation, const void *,
                                    hcsrt_system *system) {
    *system = open_system();
    return kick_off(operation);
}

hcsrt_result HcsOpenComputeSystem(const hcsrt_char *, uint32_t, hcsrt_system *system) {
    *system = open_system();
    return HCSRT_S_OK;
}

void HcsCloseComputeSystem(hcsrt_system system) { ++static_cast<System *>(system)->closes; }

hcsrt_result HcsSetComputeSystemCallback(hcsrt_system, uint32_t, const void *, hcsrt_event_callback) {
    return HCSRT_S_OK;
}

#define HCSBENCH_ON_SYSTEM(name) \
    hcsrt_result name(hcsrt_system, hcsrt_operation operation, const hcsrt_char *) { return kick_off(operation); }
HCSBENCH_ON_SYSTEM(HcsStartComputeSystem)
HCSBENCH_ON_SYSTEM(HcsShutDownComputeSystem)
HCSBENCH_ON_SYSTEM(HcsTerminateComputeSystem)
HCSBENCH_ON_SYSTEM(HcsPauseComputeSystem)
HCSBENCH_ON_SYSTEM(HcsResumeComputeSystem)
HCSBENCH_ON_SYSTEM(HcsGetComputeSystemProperties)
#undef HCSBENCH_ON_SYSTEM

hcsrt_result HcsCreateProcess(hcsrt_system, const hcsrt_char *, hcsrt_operation operation, const void *,
                              hcsrt_process *process) {
    Process *made;
    hcsrt_result result = spawn(&made);
    if (hcsrt_failed(result)) return result;
    *process = made;
    track(operation, made, true);
    return kick_off(operation);
}

void HcsCloseProcess(hcsrt_process raw) {
    Process *process = static_cast<Process *>(raw);
    {
        std::lock_guard<std::mutex> hold(process->lock);
        process->callback = nullptr;
    }
    drop(process);
}

hcsrt_result HcsSetProcessCallback(hcsrt_process raw, uint32_t, void *context, hcsrt_event_callback callback) {
    Process *process = static_cast<Process *>(raw);
    std::lock_guard<std::mutex> hold(process->lock);
    process->context = context;
    process->callback = callback;
    if (process->exited) tell_exit(process);
    return HCSRT_S_OK;
}

hcsrt_result HcsGetProcessProperties(hcsrt_process raw, hcsrt_operation operation, const hcsrt_char *) {
    track(operation, static_cast<Process *>(raw), false);
    return kick_off(operation);
}

/* --- what can be set and asked ------------------------------------------------------------------------------------ */

const hcsrt_backend *hcsbench_backend(void) {
    static const hcsrt_backend backend = {sizeof backend, hcsbench_api()};
    return &backend;
}

const HcsApi *hcsbench_api(void) {
    static const HcsApi table = [] {
        HcsApi api = {};
        api.size = sizeof api;
#define HCSBENCH_ENTRY(name) api.name = name;
        HCSBENCH_ENTRY(HcsCreateOperation)
        HCSBENCH_ENTRY(HcsCloseOperation)
        HCSBENCH_ENTRY(HcsGetOperationId)
        HCSBENCH_ENTRY(HcsGetOperationContext)
        HCSBENCH_ENTRY(HcsSetOperationContext)
        HCSBENCH_ENTRY(HcsSetOperationCallback)
        HCSBENCH_ENTRY(HcsGetOperationResult)
        HCSBENCH_ENTRY(HcsGetOperationResultAndProcessInfo)
        HCSBENCH_ENTRY(HcsWaitForOperationResult)
        HCSBENCH_ENTRY(HcsWaitForOperationResultAndProcessInfo)
        HCSBENCH_ENTRY(HcsCreateComputeSystem)
        HCSBENCH_ENTRY(HcsOpenComputeSystem)
        HCSBENCH_ENTRY(HcsCloseComputeSystem)
        HCSBENCH_ENTRY(HcsSetComputeSystemCallback)
        HCSBENCH_ENTRY(HcsStartComputeSystem)
        HCSBENCH_ENTRY(HcsShutDownComputeSystem)
        HCSBENCH_ENTRY(HcsTerminateComputeSystem)
        HCSBENCH_ENTRY(HcsPauseComputeSystem)
        HCSBENCH_ENTRY(HcsResumeComputeSystem)
        HCSBENCH_ENTRY(HcsGetComputeSystemProperties)
        HCSBENCH_ENTRY(HcsCreateProcess)
        HCSBENCH_ENTRY(HcsCloseProcess)
        HCSBENCH_ENTRY(HcsSetProcessCallback)
        HCSBENCH_ENTRY(HcsGetProcessProperties)
#undef HCSBENCH_ENTRY
        api.free_string = release_string;
        api.free_cotaskmem = release_memory;
        api.close_handle = release_handle;
        return api;
    }();
    return &table;
}

/* Of kernel32.dll, for those who call the exports without the table. */
void *LocalFree(void *memory) {
    std::free(memory);
    return nullptr;
}

int lstrlenW(const hcsrt_char *text) {
    int length = 0;
    while (text[length]) ++length;
    return length;
}

void hcsbench_set_latency(int64_t microseconds) { latency.store(microseconds); }

void hcsbench_set_document(uint32_t units) { document_units.store(units); }

void hcsbench_set_threads(uint32_t threads) {
    completing.store(threads < 1 ? 1 : threads < MOST_COMPLETERS ? threads : MOST_COMPLETERS);
}

void hcsbench_set_program(const char *const *argv) {
    std::lock_guard<std::mutex> hold(program_lock);
    program.clear();
    while (*argv) program.push_back(*argv++);
}

hcsrt_system hcsbench_system(void) { return open_system(); }

uint64_t hcsbench_closes(hcsrt_system system) { return static_cast<System *>(system)->closes; }

int64_t hcsbench_operations(void) { return operations.load(std::memory_order_relaxed); }

int hcsbench_count_begin(void) {
#ifdef CALLGRIND_ZERO_STATS
    CALLGRIND_ZERO_STATS;
    return RUNNING_ON_VALGRIND;
#else
    return 0;
#endif
}

int hcsbench_count_end(const char *name) {
#ifdef CALLGRIND_DUMP_STATS_AT
    CALLGRIND_DUMP_STATS_AT(name);
    return RUNNING_ON_VALGRIND;
#else
    (void)name;
    return 0;
#endif
}

}  // extern "C"
