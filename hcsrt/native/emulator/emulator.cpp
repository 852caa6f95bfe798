#include "emulator/emulator.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "backends/functions.h"
#include "core/results.h"
#include "core/threads.h"
#include "emulator/platform.h"

#if !defined(_WIN32)
#  include <pthread.h>
#endif

static_assert(sizeof(void *) == 8, "a stdio handle carries a serial number and a descriptor");

namespace hcsrt::emulator {
namespace {

using Clock = std::chrono::steady_clock;
using Lock = std::unique_lock<std::mutex>;

constexpr int STREAMS = 3;
constexpr int DISPATCHERS = 2;
constexpr size_t MOST_MISUSES = 1000;

/* A callback that takes longer than this blocks HCS. Generous: a busy machine is no misuse. */
constexpr std::chrono::seconds CALLBACK_LIMIT{2};

/* How long a kick-off is held up to let its call complete first. What takes longer completes later in any case. */
constexpr std::chrono::milliseconds KICK_OFF_LIMIT{20};

/* How long a service that goes down waits for its last events to be delivered. */
constexpr std::chrono::seconds DELIVERY_LIMIT{5};

enum class Kind : uintptr_t { Operation = 1, System = 2, Process = 3 };

const char *name_of(Kind kind) {
    return kind == Kind::Operation ? "HCS_OPERATION" : kind == Kind::System ? "HCS_SYSTEM" : "HCS_PROCESS";
}

/* When a call completes, as seen by its caller: HCS promises none of the three. */
enum class Order { Later, Inline, BeforeReturn };

enum class Phase { Idle, Running, Done };

/* A compute system or a process, as far as native code has to know it. */
struct Target {
    Kind kind;
    Key key;
    int handles = 0;
    bool exited = false;
    Text exit_document;
    std::condition_variable changed;
    /* Of a process: */
    platform::Group group = platform::NO_GROUP;
    bool started = false, reaped = false;
    bool group_gone = false; /* nobody is left, so its pid may be somebody else's by now */
    platform::End unclaimed[STREAMS] = {platform::NO_END, platform::NO_END, platform::NO_END};
    platform::End console = platform::NO_END;

    ~Target() {
        if (group != platform::NO_GROUP) platform::drop_group(group);
    }
};

struct Operation {
    uint64_t id = 0;
    Phase phase = Phase::Idle;
    int32_t type = HCSRT_TYPE_NONE;
    Order order = Order::Later;
    void *context = nullptr;
    hcsrt_operation_completion callback = nullptr;
    hcsrt_result result = HCSRT_S_OK;
    Text document;
    void *system = nullptr, *process = nullptr; /* the handles that it was started with; borrowed */
    uint32_t pid = 0;
    std::shared_ptr<Target> info; /* whose stdio handles the result gives, until it gave them */
    bool closed = false, callback_running = false, callback_done = false;
    std::condition_variable changed;
};

struct Handle {
    Kind kind;
    void *raw;
    std::shared_ptr<Operation> operation;
    std::shared_ptr<Target> target;
    uint32_t options = 0;
    hcsrt_event_callback callback = nullptr;
    void *context = nullptr;
    int inside = 0;  /* API calls that have not returned */
    int running = 0; /* callbacks that have not returned */
    std::condition_variable drained;
};

struct Stdio {
    uint64_t serial;
    platform::End end;
    Key process;
    int stream;
};

/* A question of a call that waits for its answer, or of an operation. */
struct Question {
    std::shared_ptr<Operation> operation; /* none: a synchronous call waits on `changed` */
    std::shared_ptr<Handle> subject;      /* whose event callback hears of it, if it asked for that */
    bool answered = false;
    hcsrt_result result = HCSRT_S_OK;
    Text document;
    std::shared_ptr<Handle> opened; /* made with the answer, so that no close can come in between */
    std::condition_variable changed;
};

struct Delivery {
    std::shared_ptr<Handle> handle;
    std::shared_ptr<Operation> completion;
    void *operation = nullptr;
    uint32_t type = 0;
    Text data;
};

int (*is_finalizing)(void) = nullptr;

thread_local int callback_depth = 0;
thread_local Handle *calling_back = nullptr;
thread_local bool dispatching = false;

/* Python's garbage collector may run a finalizer that calls HCS on the service's own thread, which cannot answer itself. */
thread_local bool serving = false;

std::u16string copy(const hcsrt_char *text) {
    std::u16string result;
    for (; *text; ++text) result.push_back(static_cast<char16_t>(*text));
    return result;
}

Text argument(const hcsrt_char *text) {
    Text result;
    if (!text) return result;
    result.given = true;
    result.value = copy(text);
    return result;
}

struct Core {
    std::mutex mutex;
    std::condition_variable queued;
    std::deque<Request> queue;
    bool stopped = false;
    bool vary = false;
    uint64_t random_state = 0;
    uint64_t serial = 0x1000;
    uint64_t oldest = 0; /* handles made before this serial are left over from a reset */
    std::unordered_map<uintptr_t, std::shared_ptr<Handle>> handles;
    std::unordered_map<Key, std::shared_ptr<Target>> targets;
    std::unordered_map<uintptr_t, Stdio> stdio;
    std::unordered_map<void *, bool> strings; /* false: left over from a reset */
    std::unordered_map<uint64_t, std::shared_ptr<Question>> questions;
    std::deque<Delivery> deliveries[DISPATCHERS];
    std::condition_variable delivered[DISPATCHERS];
    bool dispatcher_started[DISPATCHERS] = {}, dispatcher_busy[DISPATCHERS] = {};
    std::condition_variable settled;
    std::vector<std::string> misuses;

    /* --- the service ----------------------------------------------------------------------------------------- */

    /* Whether nobody answers any more: the service went down, or Python, in which it runs, is being finalized. */
    bool is_gone() const { return stopped || (is_finalizing && is_finalizing()); }

    /* --- chance ---------------------------------------------------------------------------------------------- */

    uint64_t random() {
        uint64_t z = random_state += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        return z ^ z >> 31;
    }

    /* True once in `n` times where behaviour varies, else never. */
    bool chance(uint32_t n) { return vary && random() % n == 0; }

    /* --- misuse ---------------------------------------------------------------------------------------------- */

    void misuse(std::string text) {
        if (misuses.size() < MOST_MISUSES) misuses.push_back(std::move(text));
    }

    void misuse(const char *function, const void *raw, const char *what) {
        char text[200];
        std::snprintf(text, sizeof text, "%s: handle %p %s", function, raw, what);
        misuse(text);
    }

    /* --- handles --------------------------------------------------------------------------------------------- */

    std::shared_ptr<Handle> add_handle(Kind kind) {
        auto handle = std::make_shared<Handle>();
        handle->kind = kind;
        handle->raw = reinterpret_cast<void *>(static_cast<uintptr_t>(++serial << 4 | static_cast<uintptr_t>(kind)));
        handles[reinterpret_cast<uintptr_t>(handle->raw)] = handle;
        return handle;
    }

    std::shared_ptr<Handle> add_handle(const std::shared_ptr<Target> &target) {
        auto handle = add_handle(target->kind);
        handle->target = target;
        ++target->handles;
        return handle;
    }

    bool is_stale(const void *raw) const { return (reinterpret_cast<uintptr_t>(raw) >> 4) < oldest; }

    std::shared_ptr<Handle> find(void *raw, Kind kind, const char *function) {
        auto found = handles.find(reinterpret_cast<uintptr_t>(raw));
        if (found != handles.end() && found->second->kind == kind) return found->second;
        if (raw && is_stale(raw)) return nullptr;
        char what[100];
        bool ever = reinterpret_cast<uintptr_t>(raw) >> 4 <= serial && raw;
        std::snprintf(what, sizeof what,
                      found != handles.end() ? "is of the wrong kind, %s is expected"
                      : ever                 ? "is closed; %s is expected"
                                             : "was never given out; %s is expected",
                      name_of(kind));
        misuse(function, raw, what);
        return nullptr;
    }

    std::shared_ptr<Target> add_target(Kind kind, Key key) {
        auto target = std::make_shared<Target>();
        target->kind = kind;
        target->key = key;
        targets[key] = target;
        return target;
    }

    std::shared_ptr<Target> target_of(Key key) {
        auto found = targets.find(key);
        return found == targets.end() ? nullptr : found->second;
    }

    void drop_target(const std::shared_ptr<Target> &target) {
        for (platform::End &end : target->unclaimed) platform::close_end(std::exchange(end, platform::NO_END));
        platform::close_end(std::exchange(target->console, platform::NO_END));
        targets.erase(target->key);
    }

    void close_target_handle(Lock &lock, void *raw, Kind kind, const char *function) {
        auto handle = find(raw, kind, function);
        if (!handle) return;
        handles.erase(reinterpret_cast<uintptr_t>(raw));
        if (handle->inside) misuse(function, raw, "was closed while a call on it had not returned");
        if (callback_depth) misuse(function, raw, "was closed on a callback thread");
        handle->callback = nullptr;
        int own = calling_back == handle.get() ? 1 : 0;
        while (handle->running > own) handle->drained.wait(lock);
        if (chance(8)) {
            std::chrono::microseconds drain(random() % 2000);
            lock.unlock();
            std::this_thread::sleep_for(drain);
            lock.lock();
        }
        auto &target = handle->target;
        if (--target->handles) return;
        Request released;
        released.function = "HandlesReleased";
        (kind == Kind::System ? released.system : released.process) = target->key;
        if (kind == Kind::System) targets.erase(target->key);
        post(std::move(released));
    }

    /* --- strings and stdio ----------------------------------------------------------------------------------- */

    void give(const Text &text, hcsrt_char **out) {
        if (!out) return;
        *out = nullptr;
        if (!text.given) return;
        size_t bytes = (text.value.size() + 1) * sizeof(hcsrt_char);
        hcsrt_char *string = platform::allocate_string(bytes);
        if (!string) return;
        std::memcpy(string, text.value.c_str(), bytes);
        strings[string] = true;
        *out = string;
    }

    hcsrt_handle give_end(platform::End end, Key process, int stream) {
        if (end == platform::NO_END) return nullptr;
        hcsrt_handle handle = platform::handle_of(static_cast<uint32_t>(++serial), end);
        stdio[reinterpret_cast<uintptr_t>(handle)] = Stdio{serial, end, process, stream};
        return handle;
    }

    /* The pipe ends of a process: the first asker gets them, later ones get duplicates of those still open. */
    void give_process_info(const std::shared_ptr<Operation> &operation, hcsrt_process_information *info) {
        info->process_id = operation->pid;
        auto target = std::exchange(operation->info, nullptr);
        if (!target) return;
        hcsrt_handle *out[STREAMS] = {&info->std_input, &info->std_output, &info->std_error};
        for (int stream = 0; stream < STREAMS; ++stream) {
            platform::End end = std::exchange(target->unclaimed[stream], platform::NO_END);
            for (auto entry = stdio.begin(); end == platform::NO_END && entry != stdio.end(); ++entry)
                if (entry->second.process == target->key && entry->second.stream == stream)
                    end = platform::duplicate(entry->second.end);
            *out[stream] = give_end(end, target->key, stream);
        }
    }

    int close_stdio(hcsrt_handle raw) {
        auto found = stdio.find(reinterpret_cast<uintptr_t>(raw));
        if (found == stdio.end()) {
            misuse("CloseHandle", raw, "is no open stdio handle");
            return 0;
        }
        platform::End end = found->second.end;
        stdio.erase(found);
        platform::close_end(end);
        return 1;
    }

    /* --- callbacks ------------------------------------------------------------------------------------------- */

    void deliver(Delivery delivery, void *raw) {
        int lane = static_cast<int>((reinterpret_cast<uintptr_t>(raw) >> 4) % DISPATCHERS);
        deliveries[lane].push_back(std::move(delivery));
        if (!dispatcher_started[lane]) {
            struct Start {
                Core *core;
                int lane;
            };
            dispatcher_started[lane] = start_thread(
                [](void *given) {
                    Start start = *static_cast<Start *>(given);
                    delete static_cast<Start *>(given);
                    start.core->dispatch(start.lane);
                },
                new Start{this, lane});
        }
        delivered[lane].notify_one();
    }

    template <typename Call>
    void call_back(Lock &lock, const char *what, void *raw, Call call) {
        ++callback_depth;
        lock.unlock();
        auto began = Clock::now();
        call();
        auto took = Clock::now() - began;
        lock.lock();
        --callback_depth;
        if (took > CALLBACK_LIMIT) misuse(what, raw, "had a callback that blocked");
    }

    void complete_by_callback(Lock &lock, const std::shared_ptr<Operation> &operation) {
        auto callback = operation->callback;
        void *raw = raw_of(operation), *context = operation->context;
        operation->callback_running = true;
        if (callback) call_back(lock, "completion callback", raw, [&] { callback(raw, context); });
        operation->callback_running = false;
        operation->callback_done = true;
        operation->changed.notify_all();
    }

    static void *raw_of(const std::shared_ptr<Operation> &operation) {
        return reinterpret_cast<void *>(
            static_cast<uintptr_t>(operation->id << 4 | static_cast<uintptr_t>(Kind::Operation)));
    }

    void event_by_callback(Lock &lock, Delivery &delivery) {
        auto handle = delivery.handle;
        if (!handle->callback) return;
        auto callback = handle->callback;
        void *context = handle->context;
        hcsrt_event event = {delivery.type, nullptr, delivery.operation};
        if (delivery.data.given) event.data = reinterpret_cast<const hcsrt_char *>(delivery.data.value.c_str());
        ++handle->running;
        Handle *outer = std::exchange(calling_back, handle.get());
        call_back(lock, "event callback", handle->raw, [&] { callback(&event, context); });
        calling_back = outer;
        --handle->running;
        handle->drained.notify_all();
    }

    void dispatch(int lane) {
        dispatching = true;
        Lock lock(mutex);
        for (;;) {
            while (deliveries[lane].empty()) delivered[lane].wait(lock);
            Delivery delivery = std::move(deliveries[lane].front());
            deliveries[lane].pop_front();
            dispatcher_busy[lane] = true;
            if (delivery.completion) complete_by_callback(lock, delivery.completion);
            else event_by_callback(lock, delivery);
            dispatcher_busy[lane] = false;
            settled.notify_all();
        }
    }

    bool all_delivered() const {
        for (int lane = 0; lane < DISPATCHERS; ++lane)
            if (dispatcher_busy[lane] || !deliveries[lane].empty()) return false;
        return true;
    }

    /* --- operations ------------------------------------------------------------------------------------------ */

    void post(Request request) {
        if (stopped) return;
        queue.push_back(std::move(request));
        queued.notify_one();
    }

    void ask(Request request, const std::shared_ptr<Question> &question) {
        request.ticket = ++serial;
        questions[request.ticket] = question;
        post(std::move(request));
    }

    void answer(const std::shared_ptr<Question> &question) {
        question->answered = true;
        question->changed.notify_all();
        auto &operation = question->operation;
        if (!operation) return;
        operation->result = question->result;
        operation->document = std::move(question->document);
        operation->phase = Phase::Done;
        operation->changed.notify_all();
        auto &subject = question->subject;
        if (subject && subject->options & HCSRT_OPTION_OPERATION_CALLBACKS) {
            Delivery event;
            event.handle = subject;
            event.type = HCSRT_EVENT_OPERATION_CALLBACK;
            event.operation = raw_of(operation);
            deliver(std::move(event), subject->raw);
        }
        /* Whether the callback of an operation that was closed meanwhile still fires is not documented. */
        bool wanted = operation->callback && operation->order != Order::Inline && !(operation->closed && chance(2));
        if (wanted) deliver_completion(operation);
    }

    void deliver_completion(const std::shared_ptr<Operation> &operation) {
        Delivery completion;
        completion.completion = operation;
        deliver(std::move(completion), raw_of(operation));
    }

    /* Waits for a synchronous answer. */
    void wait_answer(Lock &lock, const std::shared_ptr<Question> &question) {
        while (!question->answered) question->changed.wait(lock);
    }

    Order pick_order() {
        if (!vary) return Order::Later;
        Order order = static_cast<Order>(random() % 3);
        /* A dispatcher that waited for a callback on its own thread would wait for ever. */
        return order == Order::BeforeReturn && dispatching ? Order::Later : order;
    }
};

/* Never destroyed: callback threads outlive static destructors. Replaced in a forked child, which shares nothing. */
Core *core = new Core;

/* Marks a handle as in use by an API call, as long as it lives; the lock is held whenever one dies. */
class Inside {
  public:
    Inside(void *raw, Kind kind, const char *function) : handle_(core->find(raw, kind, function)) {
        if (handle_) ++handle_->inside;
        stale_ = !handle_ && raw && core->is_stale(raw);
    }
    ~Inside() { leave(); }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

    void leave() {
        if (handle_ && !left_) --handle_->inside;
        left_ = true;
    }
    explicit operator bool() const { return static_cast<bool>(handle_); }
    const std::shared_ptr<Handle> &handle() const { return handle_; }
    const std::shared_ptr<Operation> &operation() const { return handle_->operation; }
    const std::shared_ptr<Target> &target() const { return handle_->target; }
    hcsrt_result error() const { return stale_ ? HCSRT_E_SERVICE_DISCONNECT : HCSRT_E_HANDLE; }

  private:
    std::shared_ptr<Handle> handle_;
    bool stale_ = false, left_ = false;
};

/* --- tracked calls ------------------------------------------------------------------------------------------- */

/* Starts `operation_raw` on a request; the answer becomes its result. `subject` is the handle that the call is about. */
hcsrt_result kick_off(Lock &lock, int32_t type, void *operation_raw, const std::shared_ptr<Handle> &subject,
                      Request request, const std::shared_ptr<Target> &info = nullptr) {
    Inside inside(operation_raw, Kind::Operation, request.function);
    if (!inside) return inside.error();
    auto operation = inside.operation();
    if (operation->phase == Phase::Running) return HCSRT_E_OPERATION_ALREADY_STARTED;
    if (operation->callback && subject && subject->options & HCSRT_OPTION_OPERATION_CALLBACKS)
        return HCSRT_E_CALLBACK_ALREADY_SET;
    if (core->is_gone() || serving) return HCSRT_E_SERVICE_DISCONNECT;

    operation->phase = Phase::Running;
    operation->type = type;
    operation->order = core->pick_order();
    operation->document = Text();
    operation->callback_done = false;
    operation->pid = 0;
    operation->info = info;
    operation->system = subject && subject->kind == Kind::System ? subject->raw : nullptr;
    operation->process = subject && subject->kind == Kind::Process ? subject->raw : nullptr;

    auto question = std::make_shared<Question>();
    question->operation = operation;
    question->subject = subject;
    core->ask(std::move(request), question);
    /* From here on a callback may close the operation, which is allowed. */
    inside.leave();
    if (operation->order == Order::Later) return HCSRT_S_OK;
    auto limit = Clock::now() + KICK_OFF_LIMIT;
    operation->changed.wait_until(lock, limit, [&] { return operation->phase == Phase::Done; });
    if (operation->phase == Phase::Running) {
        operation->order = Order::Later;
        return HCSRT_S_OK;
    }
    if (operation->order == Order::Inline) core->complete_by_callback(lock, operation);
    else if (operation->callback) operation->changed.wait_until(lock, limit, [&] { return operation->callback_done; });
    /* A call that is known to have failed may say so at once; its document is kept either way. */
    return hcsrt_failed(operation->result) && core->chance(2) ? operation->result : HCSRT_S_OK;
}

hcsrt_result system_call(const char *function, int32_t type, void *raw, void *operation, const hcsrt_char *text) {
    Lock lock(core->mutex);
    Inside system(raw, Kind::System, function);
    if (!system) return system.error();
    Request request;
    request.function = function;
    request.system = system.target()->key;
    request.text = argument(text);
    return kick_off(lock, type, operation, system.handle(), std::move(request));
}

hcsrt_result process_call(const char *function, int32_t type, void *raw, void *operation, const hcsrt_char *text) {
    Lock lock(core->mutex);
    Inside process(raw, Kind::Process, function);
    if (!process) return process.error();
    Request request;
    request.function = function;
    request.process = process.target()->key;
    request.text = argument(text);
    auto info = type == HCSRT_TYPE_PROCESS_INFO ? process.target() : nullptr;
    return kick_off(lock, type, operation, process.handle(), std::move(request), info);
}

hcsrt_result create_system_in(const char *function, const hcsrt_char *scope, const hcsrt_char *id,
                              const hcsrt_char *configuration, hcsrt_operation operation,
                              const hcsrt_create_options *options, hcsrt_system *system) {
    if (!system) return HCSRT_E_POINTER;
    *system = nullptr;
    if (!id || !*id || !configuration) return HCSRT_E_INVALIDARG;
    Lock lock(core->mutex);
    auto target = core->add_target(Kind::System, ++core->serial);
    auto handle = core->add_handle(target);
    if (options) {
        handle->options = options->callback_options;
        handle->context = options->callback_context;
        handle->callback = options->callback;
    }
    Request request;
    request.function = function;
    request.system = target->key;
    request.scope = argument(scope);
    request.id = argument(id);
    request.text = argument(configuration);
    hcsrt_result result = kick_off(lock, HCSRT_TYPE_CREATE, operation, handle, std::move(request));
    /* A create that fails at once may have given a handle all the same. */
    if (!hcsrt_failed(result) || core->chance(2)) *system = handle->raw;
    else core->close_target_handle(lock, handle->raw, Kind::System, function);
    return result;
}

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation,
                                      const void *security_descriptor, hcsrt_system *system) {
    if (security_descriptor) return HCSRT_E_INVALIDARG;
    return create_system_in("HcsCreateComputeSystem", nullptr, id, configuration, operation, nullptr, system);
}

hcsrt_result HCSRT_CALL create_system_in_namespace(const hcsrt_char *scope, const hcsrt_char *id,
                                                   const hcsrt_char *configuration, hcsrt_operation operation,
                                                   const hcsrt_create_options *options, hcsrt_system *system) {
    if (!scope || !*scope || (options && options->version != HCSRT_CREATE_OPTIONS_1)) return HCSRT_E_INVALIDARG;
    if (options && (options->user_token || options->security_descriptor)) return HCSRT_E_NOTIMPL;
    return create_system_in("HcsCreateComputeSystemInNamespace", scope, id, configuration, operation, options, system);
}

hcsrt_result HCSRT_CALL create_process(hcsrt_system raw, const hcsrt_char *parameters, hcsrt_operation operation,
                                       const void *security_descriptor, hcsrt_process *process) {
    if (!process) return HCSRT_E_POINTER;
    *process = nullptr;
    if (!parameters || security_descriptor) return HCSRT_E_INVALIDARG;
    Lock lock(core->mutex);
    Inside system(raw, Kind::System, "HcsCreateProcess");
    if (!system) return system.error();
    auto target = core->add_target(Kind::Process, ++core->serial);
    auto handle = core->add_handle(target);
    Request request;
    request.function = "HcsCreateProcess";
    request.system = system.target()->key;
    request.process = target->key;
    request.text = argument(parameters);
    hcsrt_result result =
        kick_off(lock, HCSRT_TYPE_CREATE_PROCESS, operation, system.handle(), std::move(request), target);
    /* A running process is never without its handle, whatever the call says. */
    if (!hcsrt_failed(result) || target->started || core->chance(2)) *process = handle->raw;
    else core->close_target_handle(lock, handle->raw, Kind::Process, "HcsCreateProcess");
    return result;
}

hcsrt_result enumerate_systems_in(const char *function, const hcsrt_char *scope, const hcsrt_char *query,
                                  hcsrt_operation operation) {
    Lock lock(core->mutex);
    Request request;
    request.function = function;
    request.scope = argument(scope);
    request.text = argument(query);
    return kick_off(lock, HCSRT_TYPE_ENUMERATE, operation, nullptr, std::move(request));
}

hcsrt_result HCSRT_CALL enumerate_systems(const hcsrt_char *query, hcsrt_operation operation) {
    return enumerate_systems_in("HcsEnumerateComputeSystems", nullptr, query, operation);
}

hcsrt_result HCSRT_CALL enumerate_systems_in_namespace(const hcsrt_char *scope, const hcsrt_char *query,
                                                       hcsrt_operation operation) {
    if (!scope || !*scope) return HCSRT_E_INVALIDARG;
    return enumerate_systems_in("HcsEnumerateComputeSystemsInNamespace", scope, query, operation);
}

/* --- synchronous calls --------------------------------------------------------------------------------------- */

hcsrt_result ask_and_wait(Lock &lock, Request request, std::shared_ptr<Question> *question) {
    if (core->is_gone() || serving) return HCSRT_E_SERVICE_DISCONNECT;
    *question = std::make_shared<Question>();
    core->ask(std::move(request), *question);
    core->wait_answer(lock, *question);
    return (*question)->result;
}

hcsrt_result open_system_in(const char *function, const hcsrt_char *scope, const hcsrt_char *id, uint32_t access,
                            hcsrt_system *system) {
    if (!system) return HCSRT_E_POINTER;
    *system = nullptr;
    if (!id || !*id || access != HCSRT_GENERIC_ALL) return HCSRT_E_INVALIDARG;
    Lock lock(core->mutex);
    Request request;
    request.function = function;
    request.scope = argument(scope);
    request.id = argument(id);
    std::shared_ptr<Question> question;
    hcsrt_result result = ask_and_wait(lock, std::move(request), &question);
    if (question && question->opened) *system = question->opened->raw;
    return result;
}

hcsrt_result HCSRT_CALL open_system(const hcsrt_char *id, uint32_t access, hcsrt_system *system) {
    return open_system_in("HcsOpenComputeSystem", nullptr, id, access, system);
}

hcsrt_result HCSRT_CALL open_system_in_namespace(const hcsrt_char *scope, const hcsrt_char *id, uint32_t access,
                                                 hcsrt_system *system) {
    if (!scope || !*scope) return HCSRT_E_INVALIDARG;
    return open_system_in("HcsOpenComputeSystemInNamespace", scope, id, access, system);
}

hcsrt_result HCSRT_CALL open_process(hcsrt_system raw, uint32_t pid, uint32_t, hcsrt_process *process) {
    if (!process) return HCSRT_E_POINTER;
    *process = nullptr;
    Lock lock(core->mutex);
    Inside system(raw, Kind::System, "HcsOpenProcess");
    if (!system) return system.error();
    Request request;
    request.function = "HcsOpenProcess";
    request.system = system.target()->key;
    request.number = pid;
    std::shared_ptr<Question> question;
    hcsrt_result result = ask_and_wait(lock, std::move(request), &question);
    if (question && question->opened) *process = question->opened->raw;
    return result;
}

hcsrt_result service_call(const char *function, const hcsrt_char *text, hcsrt_char **out,
                          const hcsrt_char *id = nullptr) {
    if (out) *out = nullptr;
    Lock lock(core->mutex);
    Request request;
    request.function = function;
    request.id = argument(id);
    request.text = argument(text);
    std::shared_ptr<Question> question;
    hcsrt_result result = ask_and_wait(lock, std::move(request), &question);
    if (question) core->give(question->document, out);
    return result;
}

hcsrt_result HCSRT_CALL service_properties(const hcsrt_char *query, hcsrt_char **result) {
    return result ? service_call("HcsGetServiceProperties", query, result) : HCSRT_E_POINTER;
}

hcsrt_result HCSRT_CALL modify_service(const hcsrt_char *settings, hcsrt_char **result) {
    return settings ? service_call("HcsModifyServiceSettings", settings, result) : HCSRT_E_INVALIDARG;
}

hcsrt_result path_call(const char *function, const hcsrt_char *path) {
    return path && *path ? service_call(function, path, nullptr) : HCSRT_E_INVALIDARG;
}

hcsrt_result access_call(const char *function, const hcsrt_char *vm_id, const hcsrt_char *path) {
    bool given = vm_id && *vm_id && path && *path;
    return given ? service_call(function, path, nullptr, vm_id) : HCSRT_E_INVALIDARG;
}

/* --- operations ---------------------------------------------------------------------------------------------- */

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    Lock lock(core->mutex);
    auto handle = core->add_handle(Kind::Operation);
    handle->operation = std::make_shared<Operation>();
    handle->operation->id = reinterpret_cast<uintptr_t>(handle->raw) >> 4;
    handle->operation->context = context;
    handle->operation->callback = callback;
    return handle->raw;
}

/* Nothing that the emulator does has progress to tell of. */
hcsrt_operation HCSRT_CALL create_operation_with_notifications(uint32_t, const void *context, hcsrt_event_callback) {
    return create_operation(const_cast<void *>(context), nullptr);
}

void HCSRT_CALL close_operation(hcsrt_operation raw) {
    Lock lock(core->mutex);
    auto handle = core->find(raw, Kind::Operation, "HcsCloseOperation");
    if (!handle) return;
    core->handles.erase(reinterpret_cast<uintptr_t>(raw));
    if (handle->inside) core->misuse("HcsCloseOperation", raw, "was closed while a call on it had not returned");
    auto &operation = handle->operation;
    operation->closed = true;
    /* Whether the close waits for a callback that runs on another thread is not documented. */
    if (!callback_depth && core->chance(2))
        while (operation->callback_running) operation->changed.wait(lock);
}

hcsrt_result HCSRT_CALL set_operation_callback(hcsrt_operation raw, const void *context,
                                               hcsrt_operation_completion callback) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsSetOperationCallback");
    if (!inside) return inside.error();
    auto &operation = inside.operation();
    operation->context = const_cast<void *>(context);
    operation->callback = callback;
    /* For an operation that has completed already, it fires at once or never: not documented. */
    if (operation->phase == Phase::Done && callback && core->chance(2)) core->deliver_completion(operation);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_operation_context(hcsrt_operation raw, void *context) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsSetOperationContext");
    if (!inside) return inside.error();
    inside.operation()->context = context;
    return HCSRT_S_OK;
}

void *HCSRT_CALL operation_context(hcsrt_operation raw) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationContext");
    return inside ? inside.operation()->context : nullptr;
}

uint64_t HCSRT_CALL operation_id(hcsrt_operation raw) {
    constexpr uint64_t invalid = ~static_cast<uint64_t>(0);
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationId");
    return inside ? inside.operation()->id : invalid;
}

int32_t HCSRT_CALL operation_type(hcsrt_operation raw) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetOperationType");
    return inside ? inside.operation()->type : HCSRT_TYPE_NONE;
}

hcsrt_system HCSRT_CALL system_from_operation(hcsrt_operation raw) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetComputeSystemFromOperation");
    return inside && inside.operation()->phase == Phase::Running ? inside.operation()->system : nullptr;
}

hcsrt_process HCSRT_CALL process_from_operation(hcsrt_operation raw) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsGetProcessFromOperation");
    return inside && inside.operation()->phase == Phase::Running ? inside.operation()->process : nullptr;
}

hcsrt_result HCSRT_CALL cancel_operation(hcsrt_operation raw) {
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, "HcsCancelOperation");
    return inside ? static_cast<hcsrt_result>(HCSRT_E_NOTIMPL) : inside.error();
}

hcsrt_result take_result(const char *function, hcsrt_operation raw, uint32_t timeout_ms, bool with_info,
                         hcsrt_process_information *info, hcsrt_char **document) {
    if (document) *document = nullptr;
    if (info) *info = {};
    Lock lock(core->mutex);
    Inside inside(raw, Kind::Operation, function);
    if (!inside) return inside.error();
    auto operation = inside.operation();
    if (operation->phase == Phase::Idle) return HCSRT_E_OPERATION_NOT_STARTED;
    bool has_info = operation->type == HCSRT_TYPE_CREATE_PROCESS || operation->type == HCSRT_TYPE_PROCESS_INFO;
    if (with_info && !has_info) return HCSRT_E_INVALIDARG;
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (operation->phase == Phase::Running) {
        if (core->is_gone()) return HCSRT_E_SERVICE_DISCONNECT;
        if (!timeout_ms) return HCSRT_E_OPERATION_PENDING;
        if (timeout_ms == FOREVER) operation->changed.wait(lock);
        else if (operation->changed.wait_until(lock, deadline) == std::cv_status::timeout &&
                 operation->phase == Phase::Running)
            return HCSRT_E_OPERATION_TIMEOUT;
    }
    core->give(operation->document, document);
    if (info && !hcsrt_failed(operation->result)) core->give_process_info(operation, info);
    return operation->result;
}

hcsrt_result HCSRT_CALL operation_result(hcsrt_operation raw, hcsrt_char **document) {
    return take_result("HcsGetOperationResult", raw, 0, false, nullptr, document);
}

hcsrt_result HCSRT_CALL operation_result_and_info(hcsrt_operation raw, hcsrt_process_information *info,
                                                  hcsrt_char **document) {
    return take_result("HcsGetOperationResultAndProcessInfo", raw, 0, true, info, document);
}

hcsrt_result timed_out_if_pending(hcsrt_result result) {
    return result == HCSRT_E_OPERATION_PENDING ? static_cast<hcsrt_result>(HCSRT_E_OPERATION_TIMEOUT) : result;
}

hcsrt_result HCSRT_CALL wait_operation(hcsrt_operation raw, uint32_t timeout_ms, hcsrt_char **document) {
    return timed_out_if_pending(take_result("HcsWaitForOperationResult", raw, timeout_ms, false, nullptr, document));
}

hcsrt_result HCSRT_CALL wait_operation_and_info(hcsrt_operation raw, uint32_t timeout_ms,
                                                hcsrt_process_information *info, hcsrt_char **document) {
    return timed_out_if_pending(
        take_result("HcsWaitForOperationResultAndProcessInfo", raw, timeout_ms, true, info, document));
}

/* --- events and exit ----------------------------------------------------------------------------------------- */

hcsrt_result set_callback(const char *function, void *raw, Kind kind, uint32_t options, const void *context,
                          hcsrt_event_callback callback) {
    Lock lock(core->mutex);
    Inside inside(raw, kind, function);
    if (!inside) return inside.error();
    if (!callback) return HCSRT_E_INVALIDARG;
    auto &handle = inside.handle();
    /* A second registration is refused or replaces the first: not documented. */
    if (handle->callback && !core->chance(2)) return HCSRT_E_CALLBACK_ALREADY_SET;
    handle->options = options;
    handle->context = const_cast<void *>(context);
    handle->callback = callback;
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL set_system_callback(hcsrt_system raw, uint32_t options, const void *context,
                                            hcsrt_event_callback callback) {
    return set_callback("HcsSetComputeSystemCallback", raw, Kind::System, options, context, callback);
}

hcsrt_result HCSRT_CALL set_process_callback(hcsrt_process raw, uint32_t options, void *context,
                                             hcsrt_event_callback callback) {
    return set_callback("HcsSetProcessCallback", raw, Kind::Process, options, context, callback);
}

hcsrt_result wait_exit(const char *function, void *raw, Kind kind, uint32_t timeout_ms, hcsrt_char **document) {
    if (document) *document = nullptr;
    Lock lock(core->mutex);
    Inside inside(raw, kind, function);
    if (!inside) return inside.error();
    auto target = inside.target();
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!target->exited) {
        if (core->is_gone()) return HCSRT_E_SERVICE_DISCONNECT;
        if (timeout_ms == FOREVER) target->changed.wait(lock);
        else if (target->changed.wait_until(lock, deadline) == std::cv_status::timeout && !target->exited)
            /* The code for a wait that timed out is not documented. */
            return core->chance(2) ? HCSRT_E_WAIT_TIMEOUT : HCSRT_E_OPERATION_TIMEOUT;
    }
    core->give(target->exit_document, document);
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL wait_system_exit(hcsrt_system raw, uint32_t timeout_ms, hcsrt_char **document) {
    return wait_exit("HcsWaitForComputeSystemExit", raw, Kind::System, timeout_ms, document);
}

hcsrt_result HCSRT_CALL wait_process_exit(hcsrt_process raw, uint32_t timeout_ms, hcsrt_char **document) {
    return wait_exit("HcsWaitForProcessExit", raw, Kind::Process, timeout_ms, document);
}

/* --- release ------------------------------------------------------------------------------------------------- */

void HCSRT_CALL close_system(hcsrt_system raw) {
    Lock lock(core->mutex);
    core->close_target_handle(lock, raw, Kind::System, "HcsCloseComputeSystem");
}

void HCSRT_CALL close_process(hcsrt_process raw) {
    Lock lock(core->mutex);
    core->close_target_handle(lock, raw, Kind::Process, "HcsCloseProcess");
}

void free_string(hcsrt_char *string) {
    if (!string) return;
    Lock lock(core->mutex);
    if (core->strings.erase(string)) platform::release_string(string);
    else core->misuse("LocalFree", string, "is no string of HCS, or was freed before");
}

void free_cotaskmem(void *memory) {
    if (!memory) return;
    Lock lock(core->mutex);
    core->misuse("CoTaskMemFree", memory, "is no string of HCN");
}

int close_stdio(hcsrt_handle raw) {
    Lock lock(core->mutex);
    return core->close_stdio(raw);
}

/* --- the table ----------------------------------------------------------------------------------------------- */

template <typename Function>
struct NotEmulated;
template <typename... Arguments>
struct NotEmulated<hcsrt_result(HCSRT_CALL *)(Arguments...)> {
    static hcsrt_result HCSRT_CALL call(Arguments...) { return HCSRT_E_NOTIMPL; }
};
template <typename Result, typename... Arguments>
struct NotEmulated<Result(HCSRT_CALL *)(Arguments...)> {
    static Result HCSRT_CALL call(Arguments...) { return Result(); }
};

HcsApi make_table() {
    HcsApi table = {};
    table.size = sizeof table;
#define HCSRT_FILL(name, since, shape, subject, lane) table.name = NotEmulated<decltype(table.name)>::call;
    HCSRT_FUNCTIONS(HCSRT_FILL)
#undef HCSRT_FILL

#define SYSTEM_CALL(name, type) \
    table.name = [](hcsrt_system system, hcsrt_operation operation, const hcsrt_char *text) { \
        return system_call(#name, type, system, operation, text); \
    }
    SYSTEM_CALL(HcsStartComputeSystem, HCSRT_TYPE_START);
    SYSTEM_CALL(HcsShutDownComputeSystem, HCSRT_TYPE_SHUTDOWN);
    SYSTEM_CALL(HcsTerminateComputeSystem, HCSRT_TYPE_TERMINATE);
    SYSTEM_CALL(HcsPauseComputeSystem, HCSRT_TYPE_PAUSE);
    SYSTEM_CALL(HcsResumeComputeSystem, HCSRT_TYPE_RESUME);
    SYSTEM_CALL(HcsSaveComputeSystem, HCSRT_TYPE_SAVE);
    SYSTEM_CALL(HcsCrashComputeSystem, HCSRT_TYPE_CRASH);
    SYSTEM_CALL(HcsGetComputeSystemProperties, HCSRT_TYPE_PROPERTIES);
#undef SYSTEM_CALL
    table.HcsModifyComputeSystem = [](hcsrt_system system, hcsrt_operation operation, const hcsrt_char *configuration,
                                      hcsrt_handle identity) -> hcsrt_result {
        if (identity) return HCSRT_E_NOTIMPL;
        if (!configuration) return HCSRT_E_INVALIDARG;
        return system_call("HcsModifyComputeSystem", HCSRT_TYPE_MODIFY, system, operation, configuration);
    };

#define PROCESS_CALL(name, type) \
    table.name = [](hcsrt_process process, hcsrt_operation operation, const hcsrt_char *text) { \
        return process_call(#name, type, process, operation, text); \
    }
    PROCESS_CALL(HcsSignalProcess, HCSRT_TYPE_SIGNAL_PROCESS);
    /* HCS_OPERATION_TYPE has no value for it. */
    PROCESS_CALL(HcsTerminateProcess, HCSRT_TYPE_SIGNAL_PROCESS);
    PROCESS_CALL(HcsModifyProcess, HCSRT_TYPE_MODIFY_PROCESS);
    PROCESS_CALL(HcsGetProcessProperties, HCSRT_TYPE_PROCESS_PROPERTIES);
#undef PROCESS_CALL
    table.HcsGetProcessInfo = [](hcsrt_process process, hcsrt_operation operation) {
        return process_call("HcsGetProcessInfo", HCSRT_TYPE_PROCESS_INFO, process, operation, nullptr);
    };

#define PATH_CALL(name) table.name = [](const hcsrt_char *path) { return path_call(#name, path); }
    PATH_CALL(HcsCreateEmptyGuestStateFile);
    PATH_CALL(HcsCreateEmptyRuntimeStateFile);
    PATH_CALL(HcsGrantVmGroupAccess);
    PATH_CALL(HcsRevokeVmGroupAccess);
#undef PATH_CALL
    table.HcsGrantVmAccess = [](const hcsrt_char *vm_id, const hcsrt_char *path) {
        return access_call("HcsGrantVmAccess", vm_id, path);
    };
    table.HcsRevokeVmAccess = [](const hcsrt_char *vm_id, const hcsrt_char *path) {
        return access_call("HcsRevokeVmAccess", vm_id, path);
    };

    table.HcsCreateComputeSystem = create_system;
    table.HcsCreateComputeSystemInNamespace = create_system_in_namespace;
    table.HcsOpenComputeSystem = open_system;
    table.HcsOpenComputeSystemInNamespace = open_system_in_namespace;
    table.HcsCloseComputeSystem = close_system;
    table.HcsEnumerateComputeSystems = enumerate_systems;
    table.HcsEnumerateComputeSystemsInNamespace = enumerate_systems_in_namespace;
    table.HcsCreateProcess = create_process;
    table.HcsOpenProcess = open_process;
    table.HcsCloseProcess = close_process;
    table.HcsSetComputeSystemCallback = set_system_callback;
    table.HcsSetProcessCallback = set_process_callback;
    table.HcsWaitForComputeSystemExit = wait_system_exit;
    table.HcsWaitForProcessExit = wait_process_exit;
    table.HcsGetServiceProperties = service_properties;
    table.HcsModifyServiceSettings = modify_service;
    table.HcsCreateOperation = create_operation;
    table.HcsCreateOperationWithNotifications = create_operation_with_notifications;
    table.HcsCloseOperation = close_operation;
    table.HcsSetOperationCallback = set_operation_callback;
    table.HcsSetOperationContext = set_operation_context;
    table.HcsGetOperationContext = operation_context;
    table.HcsGetOperationId = operation_id;
    table.HcsGetOperationType = operation_type;
    table.HcsGetComputeSystemFromOperation = system_from_operation;
    table.HcsGetProcessFromOperation = process_from_operation;
    table.HcsCancelOperation = cancel_operation;
    table.HcsGetOperationResult = operation_result;
    table.HcsGetOperationResultAndProcessInfo = operation_result_and_info;
    table.HcsWaitForOperationResult = wait_operation;
    table.HcsWaitForOperationResultAndProcessInfo = wait_operation_and_info;
    table.free_string = free_string;
    table.free_cotaskmem = free_cotaskmem;
    table.close_handle = close_stdio;
    return table;
}

/* --- processes ----------------------------------------------------------------------------------------------- */

bool signal_target(const std::shared_ptr<Target> &target, int number) {
    if (!target->started || target->group_gone) return false;
    /* While anybody is left in the group, the pid of its leader that has gone is given to nobody else. */
    target->group_gone =
        (target->reaped && platform::is_reused(target->group)) || !platform::signal_group(target->group, number);
    return !target->group_gone;
}

struct Watch {
    Core *core;
    std::shared_ptr<Target> target;
    platform::Group group;
};

void watch(void *given) {
    Watch watching = *static_cast<Watch *>(given);
    delete static_cast<Watch *>(given);
    uint32_t code = 0;
    bool known = platform::wait_for_exit(watching.group, &code);
    Lock lock(watching.core->mutex);
    platform::reap(watching.group);
    auto &target = watching.target;
    target->reaped = true;
    signal_target(target, 0);
    platform::close_end(std::exchange(target->console, platform::NO_END));
    if (watching.core->target_of(target->key) != target) return;
    Request exited;
    exited.function = known ? "ProcessExited" : "ProcessLost";
    exited.process = target->key;
    exited.number = code;
    watching.core->post(std::move(exited));
}

void kill_everything() {
    for (auto &entry : core->targets) signal_target(entry.second, platform::KILL);
}

#if !defined(_WIN32)
/* After Python has gone, so that nobody is left to be woken by it. On Windows the job objects go with this process. */
void kill_at_exit() {
    Lock lock(core->mutex);
    kill_everything();
}
#endif

void disconnect_everyone() {
    auto questions = std::move(core->questions);
    core->questions.clear();
    core->queue.clear();
    for (auto &entry : questions) {
        entry.second->result = HCSRT_E_SERVICE_DISCONNECT;
        core->answer(entry.second);
    }
}

#if !defined(_WIN32)
void before_fork() { core->mutex.lock(); }
void in_parent() { core->mutex.unlock(); }

/* The child has copies of our pipe ends, which would keep the parent's processes from seeing their ends. */
void in_child() {
    Core *parents = core;
    for (auto &entry : parents->stdio) platform::close_end(entry.second.end);
    for (auto &entry : parents->targets) {
        for (platform::End end : entry.second->unclaimed) platform::close_end(end);
        platform::close_end(entry.second->console);
    }
    core = new Core;
    core->vary = parents->vary;
    core->random_state = parents->random_state;
    callback_depth = 0;
    dispatching = false;
    serving = false;
    calling_back = nullptr;
}

[[maybe_unused]] const int fork_handlers = pthread_atfork(before_fork, in_parent, in_child);
#endif

}  // namespace

namespace {

/* The last handle was closed, but another one opened before the service heard of it. */
bool is_outdated(const Request &request) {
    if (std::strcmp(request.function, "HandlesReleased") != 0) return false;
    auto target = core->target_of(request.system ? request.system : request.process);
    return target && target->handles;
}

}  // namespace

void set_finalizing(int (*function)(void)) { is_finalizing = function; }

const HcsApi *api() {
    static const HcsApi table = make_table();
    return &table;
}

Taken take(int64_t timeout_ms, Request *request) {
    serving = true;
    Lock lock(core->mutex);
    auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
        if (core->stopped) return Taken::Stopped;
        if (!core->queue.empty()) {
            *request = std::move(core->queue.front());
            core->queue.pop_front();
            if (!is_outdated(*request)) return Taken::Item;
        } else if (timeout_ms < 0) {
            core->queued.wait(lock);
        } else if (core->queued.wait_until(lock, deadline) == std::cv_status::timeout && core->queue.empty()) {
            return core->stopped ? Taken::Stopped : Taken::Nothing;
        }
    }
}

void reply(uint64_t ticket, hcsrt_result result, const Text &document, Key key, uint32_t pid) {
    Lock lock(core->mutex);
    auto found = core->questions.find(ticket);
    if (found == core->questions.end()) return;
    auto question = found->second;
    core->questions.erase(found);
    question->result = result;
    question->document = document;
    if (question->operation) question->operation->pid = pid;
    if (key) {
        auto target = core->target_of(key);
        /* Only a system is known to the service beyond its last handle. */
        if (!target) target = core->add_target(Kind::System, key);
        question->opened = core->add_handle(target);
    }
    core->answer(question);
}

void emit(Key key, uint32_t event_type, const Text &data) {
    Lock lock(core->mutex);
    auto target = core->target_of(key);
    if (!target) return;
    if (event_type == HCSRT_EVENT_SYSTEM_EXITED || event_type == HCSRT_EVENT_PROCESS_EXITED) {
        target->exited = true;
        target->exit_document = data;
        target->changed.notify_all();
    }
    for (auto &entry : core->handles) {
        if (entry.second->target != target || !entry.second->callback) continue;
        Delivery event;
        event.handle = entry.second;
        event.type = event_type;
        event.data = data;
        core->deliver(std::move(event), entry.second->raw);
    }
}

int spawn(Key process, const Program &program, int *error, bool *directory_failed) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    if (!target || core->stopped) {
        *error = platform::NO_SUCH_PROCESS;
        return -1;
    }
    platform::Child child;
    *error = platform::spawn(program, &child, directory_failed);
    if (*error) return -1;
#if !defined(_WIN32)
    static const int registered = std::atexit(kill_at_exit);
    (void)registered;
#endif
    target->group = child.group;
    target->started = true;
    target->console = child.console;
    for (int stream = 0; stream < STREAMS; ++stream) target->unclaimed[stream] = child.ends[stream];
    Watch *watching = new Watch{core, target, child.group};
    if (!start_thread(watch, watching)) {
        delete watching;
        *error = platform::NO_THREAD;
        platform::signal_group(child.group, platform::KILL);
        platform::reap(child.group);
        target->started = false;
        core->drop_target(target);
        return -1;
    }
    return child.pid;
}

bool signal(Key process, int number) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    return target && signal_target(target, number);
}

bool members(Key process, std::vector<int> *pids) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    return target && target->started && platform::members_of(target->group, pids);
}

void resize(Key process, uint16_t rows, uint16_t columns) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    if (target && target->console != platform::NO_END) platform::resize(target->console, rows, columns);
}

bool close_stream(Key process, int stream) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    if (!target) return false;
    if (target->console != platform::NO_END) {
        if (stream == 0) platform::send_end_of_file(target->console);
        return true;
    }
    bool any = target->unclaimed[stream] != platform::NO_END;
    platform::close_end(std::exchange(target->unclaimed[stream], platform::NO_END));
    for (auto &entry : core->stdio) {
        if (entry.second.process != process || entry.second.stream != stream) continue;
        platform::sever(target->group, entry.second.end, stream == 0);
        any = true;
    }
    bool for_writing = any && stream == 0;
    lock.unlock();
    if (for_writing) platform::settle(target->group);
    return any;
}

void forget(Key process) {
    Lock lock(core->mutex);
    auto target = core->target_of(process);
    if (target) core->drop_target(target);
}

void configure(bool vary, uint64_t seed) {
    Lock lock(core->mutex);
    core->vary = vary;
    core->random_state = seed;
}

void start() {
    Lock lock(core->mutex);
    core->stopped = false;
}

void stop() {
    Lock lock(core->mutex);
    if (core->stopped) return;
    core->stopped = true;
    kill_everything();
    disconnect_everyone();
    for (auto &entry : core->handles) {
        if (!entry.second->callback) continue;
        Delivery event;
        event.handle = entry.second;
        event.type = HCSRT_EVENT_SERVICE_DISCONNECT;
        core->deliver(std::move(event), entry.second->raw);
    }
    for (auto &entry : core->targets) entry.second->changed.notify_all();
    core->queued.notify_all();
    if (!dispatching) core->settled.wait_for(lock, DELIVERY_LIMIT, [] { return core->all_delivered(); });
}

void clear() {
    Lock lock(core->mutex);
    kill_everything();
    disconnect_everyone();
    for (auto &entry : core->handles) entry.second->callback = nullptr;
    core->handles.clear();
    while (!core->targets.empty()) core->drop_target(core->targets.begin()->second);
    for (auto &entry : core->strings) entry.second = false;
    core->misuses.clear();
    core->oldest = ++core->serial;
}

Counts live() {
    Lock lock(core->mutex);
    Counts counts = {};
    for (auto &entry : core->handles) {
        Kind kind = entry.second->kind;
        ++(kind == Kind::Operation ? counts.operations : kind == Kind::System ? counts.systems : counts.processes);
    }
    for (auto &entry : core->strings) counts.strings += entry.second;
    for (auto &entry : core->stdio) counts.stdio += entry.second.serial >= core->oldest;
    return counts;
}

std::vector<std::string> misuses() {
    Lock lock(core->mutex);
    return core->misuses;
}

void record_misuse(const char *text) {
    Lock lock(core->mutex);
    core->misuse(text);
}

}  // namespace hcsrt::emulator
