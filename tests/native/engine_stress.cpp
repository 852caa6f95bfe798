/* The engine under threads: loops with ports of their own submit calls, cancel some, close handles and go away with calls
 * in flight. The HCS behind it completes a call inline, before the kick-off returns, later, twice, too early, or without
 * telling, refuses callbacks and fails, and for some handles the service goes away: it answers no more, and tells so. It
 * counts what is open. What a call refers to is freed as soon as the engine says
 * that nobody needs it any more, so that a sanitizer sees who does. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <poll.h>

#include "core/results.h"
#include "core/state.h"
#include "engine/engine.h"

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

unsigned draw(unsigned below) {
    static std::atomic<unsigned> seeds{1};
    thread_local unsigned seed = seeds.fetch_add(1) * 2654435761u;
    return static_cast<unsigned>(rand_r(&seed)) % below;
}

/* --- an HCS ---------------------------------------------------------------------------------------------------- */

enum Way { INLINE, EARLY, LATER, TWICE, TOO_EARLY, NEVER, REFUSED, FAILS, FAILS_AFTER_ALL, WAYS };

/* What HCS_OPERATION points to; HCS itself keeps the rest as long as the call runs. */
struct Tracked {
    void *context;
    hcsrt_operation_completion callback;
    std::atomic<bool> done{false}, told{false};
};

struct Operation {
    std::shared_ptr<Tracked> tracked;
    bool info_given = false;
};

/* What HCS_SYSTEM and HCS_PROCESS point to. */
enum Service { THERE, SILENT, GONE };
struct Target {
    std::atomic<Service> service{THERE};
};

std::atomic<long> operations{0}, systems{0}, processes{0}, stdio{0}, strings{0};
std::atomic<long> ended{0}, made{0};

struct Later {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::pair<std::shared_ptr<Tracked>, Way>> queue;
} later;

/* The calls of each target that a silent service does not answer. */
struct Unanswered {
    std::mutex mutex;
    std::multimap<Target *, std::shared_ptr<Tracked>> calls;
} unanswered;

void tell(const std::shared_ptr<Tracked> &tracked) {
    if (tracked->callback) tracked->callback(nullptr, tracked->context);
    tracked->told.store(true);
}

void complete_later() {
    for (;;) {
        std::pair<std::shared_ptr<Tracked>, Way> item;
        {
            std::unique_lock<std::mutex> lock(later.mutex);
            later.changed.wait(lock, [] { return !later.queue.empty(); });
            item = later.queue.front();
            later.queue.pop_front();
        }
        auto &[tracked, way] = item;
        if (draw(4) == 0) std::this_thread::sleep_for(microseconds(draw(200)));
        if (way == TOO_EARLY) tell(tracked);
        tracked->done.store(true);
        if (way == NEVER || way == TOO_EARLY) continue;
        tell(tracked);
        if (way != TWICE) continue;
        std::this_thread::sleep_for(microseconds(draw(300)));
        tell(tracked);
    }
}

hcsrt_operation HCSRT_CALL create_operation(void *context, hcsrt_operation_completion callback) {
    ++operations;
    auto *operation = new Operation;
    operation->tracked = std::make_shared<Tracked>();
    operation->tracked->context = context;
    operation->tracked->callback = callback;
    return operation;
}

void HCSRT_CALL close_operation(hcsrt_operation operation) {
    --operations;
    delete static_cast<Operation *>(operation);
}

hcsrt_result HCSRT_CALL result_and_info(hcsrt_operation raw, hcsrt_process_information *info, hcsrt_char **document) {
    auto *operation = static_cast<Operation *>(raw);
    if (!operation->tracked->done.load()) return HCSRT_E_OPERATION_PENDING;
    *document = new hcsrt_char[1]{0};
    ++strings;
    if (info && !operation->info_given) {
        operation->info_given = true;
        info->process_id = 7;
        info->std_input = new char;
        info->std_output = reinterpret_cast<hcsrt_handle>(-1);
        ++stdio;
    }
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL result_only(hcsrt_operation operation, hcsrt_char **document) {
    return result_and_info(operation, nullptr, document);
}

hcsrt_result HCSRT_CALL wait_info(hcsrt_operation operation, uint32_t ms, hcsrt_process_information *info,
                                  hcsrt_char **document) {
    for (uint32_t i = 0; i < ms * 10; ++i) {
        hcsrt_result result = result_and_info(operation, info, document);
        if (result != HCSRT_E_OPERATION_PENDING) return result;
        std::this_thread::sleep_for(microseconds(100));
    }
    return HCSRT_E_OPERATION_TIMEOUT;
}

hcsrt_result HCSRT_CALL wait_only(hcsrt_operation operation, uint32_t ms, hcsrt_char **document) {
    return wait_info(operation, ms, nullptr, document);
}

hcsrt_result begin(hcsrt_operation raw, void *handle = nullptr) {
    auto tracked = static_cast<Operation *>(raw)->tracked;
    if (auto target = static_cast<Target *>(handle)) {
        Service service = target->service.load();
        if (service == GONE) return HCSRT_E_SERVICE_DISCONNECT;
        if (service == SILENT) {
            std::lock_guard<std::mutex> lock(unanswered.mutex);
            unanswered.calls.emplace(target, tracked);
            return HCSRT_S_OK;
        }
    }
    unsigned roll = draw(2000);
    Way way = roll < 4 ? NEVER : roll < 8 ? TOO_EARLY : static_cast<Way>(roll % WAYS);
    if (way == NEVER && roll >= 4) way = LATER;
    if (way == TOO_EARLY && (roll < 4 || roll >= 8)) way = LATER;
    switch (way) {
    case INLINE:
        tracked->done.store(true);
        tell(tracked);
        return HCSRT_S_OK;
    case REFUSED:
        if (tracked->callback) return HCSRT_E_CALLBACK_ALREADY_SET;
        way = LATER;
        break;
    case FAILS: return HCSRT_E_INVALIDARG;
    case FAILS_AFTER_ALL:
        tracked->done.store(true);
        if (draw(2)) tell(tracked);
        return HCSRT_E_INVALIDARG;
    default: break;
    }
    {
        std::lock_guard<std::mutex> lock(later.mutex);
        later.queue.push_back({tracked, way});
    }
    later.changed.notify_one();
    if (way == EARLY)
        while (!tracked->told.load()) std::this_thread::yield();
    if (draw(500) == 0) std::this_thread::sleep_for(milliseconds(3));
    return HCSRT_S_OK;
}

hcsrt_result HCSRT_CALL verb(void *handle, hcsrt_operation operation, const hcsrt_char *) {
    return begin(operation, handle);
}

hcsrt_result HCSRT_CALL terminate(void *, hcsrt_operation operation, const hcsrt_char *) {
    ++ended;
    return begin(operation);
}

hcsrt_result HCSRT_CALL process_info(void *, hcsrt_operation operation) { return begin(operation); }

/* A failed create gives a handle, too, every other time. */
template <typename Count>
hcsrt_result create(Count &count, hcsrt_operation operation, void **out, void *owner = nullptr) {
    auto *handle = new Target;
    ++count;
    *out = handle;
    hcsrt_result result = begin(operation, owner);
    if (hcsrt_failed(result) && draw(2)) {
        --count;
        delete handle;
        *out = nullptr;
    }
    return result;
}

hcsrt_result HCSRT_CALL create_system(const hcsrt_char *, const hcsrt_char *, hcsrt_operation operation, const void *,
                                      hcsrt_system *system) {
    return create(systems, operation, system);
}

hcsrt_result HCSRT_CALL create_process(hcsrt_system system, const hcsrt_char *, hcsrt_operation operation, const void *,
                                       hcsrt_process *process) {
    return create(processes, operation, process, system);
}

hcsrt_result HCSRT_CALL open_system(const hcsrt_char *, uint32_t, hcsrt_system *system) {
    *system = new Target;
    ++systems;
    return HCSRT_S_OK;
}

void HCSRT_CALL close_system(hcsrt_system system) {
    --systems;
    delete static_cast<Target *>(system);
}

void HCSRT_CALL close_process(hcsrt_process process) {
    --processes;
    delete static_cast<Target *>(process);
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

HcsApi make_api() {
    HcsApi api = {};
    api.size = sizeof api;
    api.HcsCreateOperation = create_operation;
    api.HcsCloseOperation = close_operation;
    api.HcsGetOperationResult = result_only;
    api.HcsGetOperationResultAndProcessInfo = result_and_info;
    api.HcsWaitForOperationResult = wait_only;
    api.HcsWaitForOperationResultAndProcessInfo = wait_info;
    api.HcsStartComputeSystem = verb;
    api.HcsTerminateComputeSystem = terminate;
    api.HcsTerminateProcess = terminate;
    api.HcsGetProcessInfo = process_info;
    api.HcsCreateComputeSystem = create_system;
    api.HcsCreateProcess = create_process;
    api.HcsOpenComputeSystem = open_system;
    api.HcsCloseComputeSystem = close_system;
    api.HcsCloseProcess = close_process;
    api.free_string = free_string;
    api.close_handle = close_stdio;
    return api;
}

const HcsApi api = make_api();

/* --- its client ------------------------------------------------------------------------------------------------ */

/* As the handle core has it: freed when the last call that refers to it is over. */
struct Handle {
    void *raw = nullptr;
    uint32_t state = 0;

    Handle() {
        raw = new Target;
        ++systems;
        hcsrt_state_adopt(&state);
    }
    ~Handle() {
        if (hcsrt_state_is_idle(state)) close_native();
        else if (state & HCSRT_OWNED) fail("a handle was dropped while a call was inside");
    }
    void close() {
        if (hcsrt_state_close(&state)) release();
    }
    void release() {
        close_native();
        hcsrt_state_finish(&state);
    }
    /* What was left unanswered ends here, long after the engine should have given it up. */
    void close_native() {
        std::vector<std::shared_ptr<Tracked>> left;
        {
            std::lock_guard<std::mutex> lock(unanswered.mutex);
            auto range = unanswered.calls.equal_range(static_cast<Target *>(raw));
            for (auto each = range.first; each != range.second; ++each) left.push_back(each->second);
            unanswered.calls.erase(range.first, range.second);
        }
        close_system(raw);
        std::lock_guard<std::mutex> lock(later.mutex);
        for (auto &tracked : left) later.queue.push_back({tracked, LATER});
        later.changed.notify_one();
    }
    void set_service(Service service) { static_cast<Target *>(raw)->service.store(service); }
    static void leave(void *subject) {
        Handle *handle = static_cast<Handle *>(subject);
        if (hcsrt_state_leave(&handle->state)) handle->release();
    }
};

/* What Python keeps of a call. */
struct Client {
    std::shared_ptr<Handle> handle;
    hcsrt_char text[4] = {'{', '}', 0, 0};
    hcsrt_call *call = nullptr;
    bool cancelled = false;
    std::vector<Client *> *in_flight = nullptr;
    size_t place = 0;
};

std::atomic<long> submitted{0}, completed{0}, gone{0}, orphaned{0}, succeeded{0}, lost{0};
std::atomic<bool> over{false};

/* The handles whose service is silent, and will be gone. */
struct Lost {
    std::mutex mutex;
    std::deque<std::shared_ptr<Handle>> handles;
} silent;

/* The thread of HCS on which it tells handles that the service is gone. */
void disconnect() {
    while (!over) {
        std::shared_ptr<Handle> handle;
        {
            std::lock_guard<std::mutex> lock(silent.mutex);
            if (!silent.handles.empty()) {
                handle = silent.handles.front();
                silent.handles.pop_front();
            }
        }
        if (!handle) {
            std::this_thread::sleep_for(microseconds(200));
            continue;
        }
        std::this_thread::sleep_for(microseconds(draw(500)));
        /* As a native close waits for the callbacks that run, so does this keep the handle open. */
        if (hcsrt_state_enter(&handle->state) != HCSRT_OK) continue;
        handle->set_service(GONE);
        hcsrt_lose(handle.get());
        Handle::leave(handle.get());
    }
}

void check_text(const hcsrt_request *request) {
    if (request->texts[0] && request->texts[0][0] != '{') fail("the text of a request is gone");
}

hcsrt_result start_verb(const HcsApi *table, const hcsrt_request *request, hcsrt_operation operation, hcsrt_outcome *) {
    check_text(request);
    return table->HcsStartComputeSystem(request->raw, operation, request->texts[0]);
}

hcsrt_result start_create(const HcsApi *table, const hcsrt_request *request, hcsrt_operation operation,
                          hcsrt_outcome *outcome) {
    check_text(request);
    return request->creates == HCSRT_CREATES_SYSTEM
               ? table->HcsCreateComputeSystem(request->texts[0], request->texts[0], operation, nullptr,
                                               &outcome->created)
               : table->HcsCreateProcess(request->raw, request->texts[0], operation, nullptr, &outcome->created);
}

hcsrt_result start_open(const HcsApi *table, const hcsrt_request *request, hcsrt_operation, hcsrt_outcome *outcome) {
    check_text(request);
    return table->HcsOpenComputeSystem(request->texts[0], HCSRT_GENERIC_ALL, &outcome->created);
}

hcsrt_result start_nothing(const HcsApi *, const hcsrt_request *, hcsrt_operation, hcsrt_outcome *) {
    return HCSRT_S_OK;
}

void forget(Client *client) {
    if (client->in_flight) {
        auto &others = *client->in_flight;
        others[client->place] = others.back();
        others[client->place]->place = client->place;
        others.pop_back();
    }
    delete client;
}

void take_outcome(hcsrt_call *call) {
    hcsrt_outcome *outcome = hcsrt_call_outcome(call);
    if (outcome->result == HCSRT_E_OPERATION_PENDING) return;
    if (outcome->result == HCSRT_E_SERVICE_DISCONNECT) ++lost;
    if (!hcsrt_failed(outcome->result)) ++succeeded;
    /* Some leave everything, some take it. */
    if (draw(2)) return;
    if (outcome->created && draw(2)) {
        /* By its request, as only the stress's own requests open or create. */
        outcome->created = nullptr;
        ++made;
    }
    if (outcome->document) free_string(outcome->document);
    outcome->document = nullptr;
    if (outcome->info.std_input) close_stdio(outcome->info.std_input);
    outcome->info.std_input = nullptr;
}

void complete_on_loop(hcsrt_call *call, void *context) {
    Client *client = static_cast<Client *>(context);
    ++completed;
    if (!hcsrt_call_is_abandoned(call)) take_outcome(call);
    else if (!client->cancelled) ++orphaned;
    forget(client);
}

void complete_anywhere(hcsrt_call *call, void *context) {
    ++completed;
    take_outcome(call);
    delete static_cast<Client *>(context);
    hcsrt_call_release(call);
}

hcsrt_request make_request(Client *client) {
    hcsrt_request request = {};
    request.start = start_verb;
    request.texts[0] = client->text;
    request.context = client;
    request.lane = static_cast<hcsrt_lane>(draw(5));
    switch (draw(8)) {
    case 0:
        request.start = start_create;
        request.creates = HCSRT_CREATES_SYSTEM;
        request.keep = static_cast<int>(draw(2));
        return request;
    case 1:
        request.start = start_open;
        request.untracked = 1;
        request.creates = HCSRT_CREATES_SYSTEM;
        request.keep = 1;
        return request;
    case 2:
        request.start = start_create;
        request.creates = HCSRT_CREATES_PROCESS;
        request.has_info = 1;
        break;
    case 3:
        request.start = start_nothing;
        request.untracked = 1;
        break;
    default: break;
    }
    if (hcsrt_state_enter(&client->handle->state) != HCSRT_OK) {
        client->handle = std::make_shared<Handle>();
        hcsrt_state_enter(&client->handle->state);
    }
    request.subject = client->handle.get();
    request.raw = client->handle->raw;
    request.leave = Handle::leave;
    return request;
}

void finish(hcsrt_call *chain) {
    for (hcsrt_call *call = chain; call;) {
        hcsrt_call *next = hcsrt_call_next(call);
        hcsrt_call_complete(call);
        call = next;
    }
    hcsrt_calls_release(chain);
}

struct Loop {
    hcsrt_port *port = nullptr;
    bool has_descriptor = false;
    uint32_t bursts = 0;
    std::vector<std::shared_ptr<Handle>> handles{4};
    std::vector<Client *> in_flight;

    void open() {
        has_descriptor = draw(2);
        bursts = 0;
        port = hcsrt_port_new(has_descriptor);
        if (!port) fail("no port");
    }

    void submit() {
        auto &handle = handles[draw(static_cast<unsigned>(handles.size()))];
        if (!handle || draw(10) == 0) handle = std::make_shared<Handle>();
        auto *client = new Client;
        client->handle = handle;
        bool direct = draw(10) == 0;
        hcsrt_request request = make_request(client);
        request.complete = direct ? complete_anywhere : complete_on_loop;
        if (request.start == start_nothing && request.subject) {
            /* A close off the loop: the handle refuses calls from now on, and the worker is the last one out. */
            static_cast<Handle *>(request.subject)->close();
        }
        ++submitted;
        if (direct) {
            if (!hcsrt_submit(&api, nullptr, &request)) fail("not submitted");
            return;
        }
        client->in_flight = &in_flight;
        client->place = in_flight.size();
        in_flight.push_back(client);
        client->call = hcsrt_submit(&api, port, &request);
        if (!client->call) fail("not submitted");
    }

    /* An event that some thread tells of, more than once, and maybe when nobody waits for it any more. */
    void expect() {
        auto *client = new Client;
        void *ticket;
        ++submitted;
        client->in_flight = &in_flight;
        client->place = in_flight.size();
        in_flight.push_back(client);
        client->call = hcsrt_expect(port, complete_on_loop, client, &ticket);
        if (!client->call) fail("not expected");
        std::lock_guard<std::mutex> lock(later.mutex);
        auto tracked = std::make_shared<Tracked>();
        tracked->context = ticket;
        tracked->callback = [](hcsrt_operation, void *context) { hcsrt_signal(context); };
        later.queue.push_back({tracked, TWICE});
        later.changed.notify_one();
    }

    void lose() {
        auto &handle = handles[draw(static_cast<unsigned>(handles.size()))];
        if (!handle || hcsrt_state_enter(&handle->state) != HCSRT_OK) return;
        handle->set_service(SILENT);
        Handle::leave(handle.get());
        std::lock_guard<std::mutex> lock(silent.mutex);
        silent.handles.push_back(handle);
    }

    void cancel() {
        if (in_flight.empty()) return;
        Client *client = in_flight[draw(static_cast<unsigned>(in_flight.size()))];
        if (client->cancelled) return;
        client->cancelled = true;
        if (!hcsrt_call_abandon(client->call)) return;
        ++gone;
        forget(client);
    }

    void drain(int milliseconds) {
        if (has_descriptor) {
            pollfd wanted = {hcsrt_port_descriptor(port), POLLIN, 0};
            poll(&wanted, 1, milliseconds);
        } else {
            bursts = hcsrt_port_wait(port, bursts, static_cast<uint32_t>(milliseconds));
        }
        finish(hcsrt_port_take(port));
    }

    void close() {
        for (Client *client : in_flight) client->in_flight = nullptr;
        in_flight.clear();
        hcsrt_port_close(port);
        handles.assign(handles.size(), nullptr);
    }

    void run(int rounds) {
        open();
        for (int round = 0; round < rounds; ++round) {
            for (unsigned i = draw(12); i-- > 0;) submit();
            hcsrt_port_send(port);
            if (draw(3) == 0) expect();
            if (draw(3) == 0) cancel();
            if (draw(60) == 0) lose();
            if (draw(6) == 0 && handles[0]) handles[0]->close();
            drain(static_cast<int>(draw(2)));
            if (in_flight.size() > 600)
                while (in_flight.size() > 300) drain(10);
            if (draw(400) == 0) {
                close();
                open();
            }
        }
        if (draw(2))
            while (!in_flight.empty()) drain(10);
        close();
    }
};

std::atomic<bool> orphans_left{false};

void collect() {
    while (!over) {
        if (orphans_left.exchange(false)) finish(hcsrt_orphans());
        std::this_thread::sleep_for(microseconds(200));
    }
}

}  // namespace

int main(int count, char **arguments) {
    int rounds = count > 1 ? std::atoi(arguments[1]) : 2000;
    bool wait = count > 2;
    hcsrt_reaper_init();
    const hcsrt_engine_links links = {hcsrt_reaper_start, hcsrt_reaper_adopt, hcsrt_reaper_announce};
    hcsrt_engine_init(&links, wait);
    hcsrt_set_orphan_notice([] { orphans_left = true; });
    for (int i = 0; i < 2; ++i) std::thread(complete_later).detach();
    std::thread collector(collect), disconnecter(disconnect);
    std::vector<std::thread> loops;
    for (int i = 0; i < 3; ++i)
        loops.emplace_back([rounds] {
            Loop loop;
            loop.run(rounds);
        });
    for (std::thread &loop : loops) loop.join();
    auto is_idle = [] { return !hcsrt_engine_count().in_flight && !hcsrt_reaper_pending(); };
    for (int i = 0; i < 3000 && !is_idle(); ++i) std::this_thread::sleep_for(milliseconds(10));
    over = true;
    collector.join();
    disconnecter.join();
    hcsrt_engine_counts counts = hcsrt_engine_count();
    std::printf(
        "submitted %ld, completed %ld, gone %ld, orphaned %ld, succeeded %ld, lost %ld, ended %ld, taken %ld, stale "
        "%lld, repeated %lld, "
        "asked %lld\n",
        submitted.load(), completed.load(), gone.load(), orphaned.load(), succeeded.load(), lost.load(), ended.load(),
        made.load(), static_cast<long long>(counts.stale), static_cast<long long>(counts.repeated),
        static_cast<long long>(counts.asked));
    std::printf("left: in flight %lld, reaper %lld, operations %ld, handles %ld, stdio %ld, strings %ld\n",
                static_cast<long long>(counts.in_flight), static_cast<long long>(hcsrt_reaper_pending()),
                operations.load(), systems.load() + processes.load() - made.load(), stdio.load(), strings.load());
    bool clean =
        is_idle() && submitted == completed + gone && !operations && systems + processes == made && !stdio && !strings;
    bool seen = orphaned > 0 && ended > 0 && lost > 0 &&
                (wait || (gone > 0 && counts.stale > 0 && counts.repeated > 0 && counts.asked > 0));
    std::fflush(stdout);
    _Exit(clean && seen ? 0 : 1);
}
