/* The state of the emulator's native half: handles, operations, strings, pipes, callbacks and questions. */
#ifndef HCSRT_EMULATOR_CORE_H
#define HCSRT_EMULATOR_CORE_H

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/forks.h"
#include "core/results.h"
#include "emulator/emulator.h"
#include "emulator/platform.h"
#include "emulator/switches.h"

namespace hcsrt::emulator {

using Clock = std::chrono::steady_clock;
using Lock = std::unique_lock<std::mutex>;

constexpr char THROWN[] = "had a callback that threw, which would unwind into HCS; catch everything in it";

constexpr int STREAMS = 3;
constexpr int DISPATCHERS = 2;

enum class Kind : uintptr_t { Operation = 1, System = 2, Process = 3 };

/* When a call completes, as its caller sees it: HCS does not say which of the three it is. */
enum class Order { Later, Inline, BeforeReturn };

enum class Phase { Idle, Running, Done };

/* A list of what is embedded in something else, so that nothing can keep it from being put in. */
template <typename Node>
struct Chain {
    Node *first = nullptr, *last = nullptr;

    bool empty() const { return !first; }
    void push(Node *node) {
        node->queued = true;
        node->next = nullptr;
        (first ? last->next : first) = node;
        last = node;
    }
    Node *pop() {
        Node *node = first;
        first = node->next;
        node->queued = false;
        return node;
    }
};

/* A list of what is embedded in something else, of which any entry can leave without a walk over the others. */
template <typename Node>
struct Row {
    Node *first = nullptr, *last = nullptr;

    void push(Node *node) {
        node->previous = last;
        node->next = nullptr;
        (last ? last->next : first) = node;
        last = node;
    }
    void remove(Node *node) {
        (node->previous ? node->previous->next : first) = node->next;
        (node->next ? node->next->previous : last) = node->previous;
    }
};

/* A request on its way to the service. */
struct Item {
    Request request;
    std::shared_ptr<void> keeper; /* that it is embedded in */
    bool queued = false;
    Item *next = nullptr;
};

struct Handle;
struct Operation;
struct Target;

/* A callback that is to be called: an operation's, or else a handle's. */
struct Delivery {
    std::shared_ptr<Operation> completion;
    std::shared_ptr<Handle> handle;
    void *operation = nullptr;
    uint32_t type = 0;
    std::shared_ptr<Target> exited; /* whose exit document comes with it */
    Text data;
    std::shared_ptr<void> keeper; /* that it is embedded in, if not in one of these */
    bool alone = false;           /* embedded in nothing, and deleted in the end */
    bool queued = false;
    Delivery *next = nullptr;
};

/* An exit document of so many units at most is never lost for want of memory. */
constexpr size_t EXIT_ROOM = 256;

constexpr uint64_t UNCUT = ~static_cast<uint64_t>(0);

/* What native code knows of a compute system or a process. */
struct Target {
    Kind kind;
    Key key;
    uint32_t service; /* that it was made in */
    int handles = 0;
    Row<Handle> open;      /* those of the handles that are not being closed, oldest first */
    void *maker = nullptr; /* the handle that the call which creates it has given */
    bool creating = false; /* the call that creates it has not completed */
    bool failed = false;   /* that call has failed, so that its handle leads nowhere */
    bool exited = false;
    Text exit_document;
    Item exit, released; /* what the service is told of it */
    std::condition_variable changed;
    /* Of a process: */
    platform::Group group = platform::NO_GROUP;
    bool started = false, reaped = false;
    Usage used = {};
    bool group_gone = false; /* it is empty, so other processes may have its pid by now */
    platform::End unclaimed[STREAMS] = {platform::NO_END, platform::NO_END, platform::NO_END};
    platform::End console = platform::NO_END;
    uint64_t cuts[STREAMS] = {UNCUT, UNCUT, UNCUT}; /* the bytes after which a fault ends a stream */

    Target() { exit_document.value.reserve(EXIT_ROOM); }
    Target(const Target &) = delete;
    Target &operator=(const Target &) = delete;
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
    std::shared_ptr<Target> info; /* whose stdio handles the result still has to give */
    bool closed = false, callback_running = false, callback_done = false;
    /* Whether its kick-off tells of its failure, and whether nobody is called back then. */
    bool fails_at_kick_off = false, is_silent = false;
    Delivery completion;
    std::condition_variable changed;

    /* A new compute system or process, if its call creates one. */
    Target *created(const std::shared_ptr<Handle> &subject) const;
};

struct Handle : std::enable_shared_from_this<Handle> {
    Kind kind;
    void *raw;
    std::shared_ptr<Operation> operation;
    std::shared_ptr<Target> target;
    uint32_t options = 0;
    hcsrt_event_callback callback = nullptr;
    void *context = nullptr;
    int inside = 0;  /* API calls that have not returned */
    int running = 0; /* callbacks that have not returned */
    Delivery exit, disconnect;
    bool exit_told = false;
    std::condition_variable drained;
    Handle *previous = nullptr, *next = nullptr; /* among those of its target */
};

/* A callback that has not returned, on the stack of its thread. */
struct Calling {
    const char *what;
    void *raw;
    Clock::time_point began;
    bool is_told = false; /* misuses() has it already */
    bool threw = false;
    Calling *next = nullptr;
};

struct Stdio {
    uint64_t serial;
    platform::End end;
    Key process;
    int stream;
    Stdio *previous = nullptr, *next = nullptr; /* among those of its process */
};

/* A question to the service, by an operation or by a synchronous call. */
struct Question {
    std::shared_ptr<Operation> operation; /* nullptr: a synchronous call waits on `changed` */
    std::shared_ptr<Handle> subject;      /* its event callback is told, if it asked for that */
    bool answered = false;
    hcsrt_result result = HCSRT_S_OK;
    Text document;
    std::shared_ptr<Handle> opened; /* made with the answer: no close can come in between */
    Item item;
    Delivery event;
    std::condition_variable changed;
};

extern int (*is_finalizing)(void);

/* Error documents for those who ask a service that has gone. */
extern const char16_t WORLD_HAS_ENDED[], SERVICE_HAS_GONE[], SERVICE_HAD_GONE[];

/* What a thread does for the emulator; in a forked child nothing yet. */
struct Thread {
    uint32_t epoch = 0;
    int callback_depth = 0;
    Handle *calling_back = nullptr;
    bool dispatching = false;
    /* Whether it is the service's own, which cannot answer itself: a finalizer that runs there may call HCS. */
    bool serving = false;
    bool may_throw = false;
};

Thread &this_thread();

/* False: this thread has no memory even for the error that would say so, and must begin nothing that needs some. */
bool may_throw();

Text argument(const hcsrt_char *text);

struct Core {
    /* One program is started at a time, without the mutex: that takes as long as many calls. Taken before the mutex. */
    std::mutex starting;
    std::mutex mutex;
    std::condition_variable queued;
    Chain<Item> queue;
    bool stopped = false;
    bool crashed = false; /* a fault has stopped the service, and may have it back */
    bool served = false;  /* a service runs, or is being started */
    uint32_t service = 0; /* counts those that have gone */
    /* What a forked child keeps. */
    static inline Variation variation;
    uint64_t serial = 0x1000;
    uint64_t oldest = 0; /* handles made before this serial are of a world that has ended */
    std::unordered_map<uintptr_t, std::shared_ptr<Handle>> handles;
    std::unordered_map<Key, std::shared_ptr<Target>> targets;
    std::unordered_map<uintptr_t, Stdio> stdio;
    std::unordered_map<Key, Row<Stdio>> stdio_of; /* by process, of those that have any */
    uint64_t visited = 0; /* entries of lists that were looked at for an event, or for a stream of a process */
    std::unordered_map<void *, bool> strings; /* false: of a world that has ended */
    std::unordered_map<uint64_t, std::shared_ptr<Question>> questions;
    Chain<Delivery> deliveries[DISPATCHERS];
    std::condition_variable delivered[DISPATCHERS];
    bool dispatcher_started[DISPATCHERS] = {}, dispatcher_busy[DISPATCHERS] = {};
    std::condition_variable idle;
    std::vector<std::string> misuses;
    Calling *calling = nullptr; /* all callbacks that have not returned */

    /* --- the service ----------------------------------------------------------------------------------------- */

    /* Whether the service answers no more: it went down, or its Python is being finalized. */
    bool is_gone() const { return stopped || (is_finalizing && is_finalizing()); }

    /* Whether a service went down meanwhile that knew this. */
    bool is_lost(const Target &target) const { return target.service != service; }

    /* Has a service started if there is none, as in a forked child. False: there is no thread for it. */
    bool ensure_service();

    /* --- misuse ---------------------------------------------------------------------------------------------- */

    /* Without memory it is not recorded. */
    void misuse(const char *text) noexcept;
    void misuse(const char *function, const void *raw, const char *what) noexcept;
    void misuse_if_blocking(Calling &callback) noexcept;

    /* --- handles --------------------------------------------------------------------------------------------- */

    std::shared_ptr<Handle> add_handle(Kind kind);
    std::shared_ptr<Handle> add_handle(const std::shared_ptr<Target> &target);
    std::shared_ptr<Handle> add_new(Kind kind, Key key);  /* with a target of its own */
    void withdraw(const std::shared_ptr<Handle> &handle); /* one of add_new() that nobody has learnt of */
    void remove_handle(Handle *handle);
    bool is_stale(const void *raw) const { return (reinterpret_cast<uintptr_t>(raw) >> 4) < oldest; }

    std::shared_ptr<Handle> find(void *raw, Kind kind, const char *function);
    std::shared_ptr<Target> add_target(Kind kind, Key key);
    std::shared_ptr<Target> target_of(Key key);
    void drop_target(const std::shared_ptr<Target> &target);
    void close_target_handle(Lock &lock, void *raw, Kind kind, const char *function);

    /* --- strings and stdio ----------------------------------------------------------------------------------- */

    /* False: no memory. One that does not count is of a world that has ended. */
    bool give(const Text &text, hcsrt_char **out, bool counts = true) noexcept;

    /* The pipe ends of a process: the first asker gets them, later ones get duplicates of those still open. */
    void give_process_info(const std::shared_ptr<Operation> &operation, hcsrt_process_information *info);
    int close_stdio(hcsrt_handle raw);

    /* Calls `action` with the ends of a stream that were given out. */
    template <typename Action>
    void each_given(Key process, int stream, Action action) {
        auto found = stdio_of.find(process);
        for (Stdio *each = found == stdio_of.end() ? nullptr : found->second.first; each; each = each->next) {
            ++visited;
            if (each->stream == stream) action(each->end);
        }
    }

    /* Ends a stream after some bytes, whoever holds our end of it, now or once the program runs. */
    void cut(const std::shared_ptr<Target> &target, int stream, uint64_t after);

    /* --- callbacks ------------------------------------------------------------------------------------------- */

    /* Starts the threads that call back, if there are none. False: the system has no thread to give. */
    bool ensure_dispatchers();
    void deliver(Delivery *delivery, void *raw);
    void deliver_event(Delivery *event, const std::shared_ptr<Handle> &handle, uint32_t type);
    void deliver_exit(const std::shared_ptr<Handle> &handle);
    template <typename Call>
    void call_back(Lock &lock, const char *what, void *raw, Call call);
    void complete_by_callback(Lock &lock, const std::shared_ptr<Operation> &operation);
    static void *raw_of(const std::shared_ptr<Operation> &operation);
    void event_by_callback(Lock &lock, Delivery &delivery);
    void dispatch(int lane);
    bool all_delivered() const;

    /* --- operations ------------------------------------------------------------------------------------------ */

    void post(Item *item, const std::shared_ptr<void> &keeper);
    void ask(const std::shared_ptr<Question> &question);
    void answer(const std::shared_ptr<Question> &question);
    void deliver_completion(const std::shared_ptr<Operation> &operation);

    /* Asks a synchronous question and waits for its answer. The question is left out where nobody could be asked. */
    hcsrt_result ask_and_wait(Lock &lock, Request request, std::shared_ptr<Question> *question);
    Order pick_order();
};

/* A forked child shares nothing with its parent. */
extern OfProcess<Core> core;

/* Marks a handle as in use by an API call, as long as it lives; the lock is held whenever one dies. */
class Inside {
  public:
    Inside(void *raw, Kind kind, const char *function) : handle_(core->find(raw, kind, function)) {
        stale_ = !handle_ && raw && core->is_stale(raw);
        /* As long as the service is away, it is that which a call fails for. */
        if (handle_ && handle_->target && core->is_lost(*handle_->target) && !core->stopped)
            lost_ = !core->variation.chance(Switch::handle_of_crashed_service);
        if (lost_) handle_ = nullptr;
        if (handle_) ++handle_->inside;
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
    hcsrt_result error() const { return stale_ || lost_ ? HCSRT_E_SERVICE_DISCONNECT : HCSRT_E_HANDLE; }

    /* The same, which is then the outcome of the operation that the call was to be tracked with, with the reason. */
    hcsrt_result error(void *operation, int32_t type) const;

  private:
    std::shared_ptr<Handle> handle_;
    bool stale_ = false, lost_ = false, left_ = false;
};

/* Notes the use of a handle whose call has not completed, or has failed. */
void expect_created(const char *function, const Inside &inside);

/* Starts `operation_raw` on a request; the answer becomes its result. `subject` is the handle that the call is about. */
hcsrt_result kick_off(Lock &lock, int32_t type, void *operation_raw, const std::shared_ptr<Handle> &subject,
                      Request request, const std::shared_ptr<Target> &info = nullptr);

/* A signal to the group of a process, 0 for none; false if nobody is left in it. */
bool signal_target(const std::shared_ptr<Target> &target, int number);
void kill_everything();

/* As stop(), but without the wait for the last events. */
void crash();

}  // namespace hcsrt::emulator

#endif
