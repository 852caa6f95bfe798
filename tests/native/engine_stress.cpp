/* The engine under threads: loops with ports of their own submit calls, cancel some, close handles and go away with calls
 * in flight. The HCS behind it completes a call inline, before the kick-off returns, later, twice, too early, or without
 * telling, refuses callbacks and fails, and for some handles the service goes away: it answers no more, and tells so. It
 * counts what is open. What a call refers to is freed as soon as the engine says that nobody needs it any more, so that a
 * sanitizer sees who does. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <poll.h>

#include "backends/backends.h"
#include "core/reaper.h"
#include "core/results.h"
#include "core/state.h"
#include "engine/engine.h"
#include "fake_hcs.h"

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

/* --- the HCS ---------------------------------------------------------------------------------------------------- */

using fake_hcs::Service;
using fake_hcs::Way;

const HcsApi &api = *fake_hcs::api();

constexpr Way WAYS[] = {Way::INLINE, Way::EARLY,   Way::LATER, Way::TWICE,          Way::LATER,
                        Way::LATER,  Way::REFUSED, Way::FAILS, Way::FAILS_AFTER_ALL};

/* A call of which nothing is heard has to be asked for, which takes long: there are few. */
fake_hcs::Plan plan() {
    fake_hcs::Plan plan;
    unsigned roll = draw(2000);
    plan.way = roll < 4 ? Way::NEVER_TOLD : roll < 8 ? Way::TOO_EARLY : WAYS[roll % std::size(WAYS)];
    if (draw(500) == 0) plan.kick_off_us = 3000;
    if (draw(4) == 0) plan.complete_us = draw(200);
    plan.again_us = draw(300);
    plan.tells = draw(2);
    plan.fails_with_handle = draw(2);
    return plan;
}

/* --- its client ------------------------------------------------------------------------------------------------ */

/* As the handle core has it: freed when the last call that refers to it is over. */
struct Handle {
    void *raw = nullptr;
    uint32_t state = 0;

    Handle() {
        const hcsrt_char id[] = {0};
        api.HcsOpenComputeSystem(id, HCSRT_GENERIC_ALL, &raw);
        hcsrt_state_adopt(&state);
    }
    ~Handle() {
        if (hcsrt_state_is_idle(state)) api.HcsCloseComputeSystem(raw);
        else if (state & HCSRT_OWNED) fail("a handle was dropped while a call was inside");
    }
    void close() {
        if (hcsrt_state_close(&state)) release();
    }
    void release() {
        api.HcsCloseComputeSystem(raw);
        hcsrt_state_finish(&state);
    }
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

std::atomic<long> submitted{0}, completed{0}, gone{0}, orphaned{0}, succeeded{0}, lost{0}, made{0};
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
        fake_hcs::set_service(handle->raw, Service::GONE);
        hcsrt_disconnect(handle.get());
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
    if (outcome->document) api.free_string(outcome->document);
    outcome->document = nullptr;
    if (outcome->info.std_input) api.close_handle(outcome->info.std_input);
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
    hcsrt_request request = hcsrt_new_request();
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
            if (!hcsrt_submit(nullptr, &request)) fail("not submitted");
            return;
        }
        client->in_flight = &in_flight;
        client->place = in_flight.size();
        in_flight.push_back(client);
        client->call = hcsrt_submit(port, &request);
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
        fake_hcs::Plan plan = ::plan();
        plan.way = Way::TWICE;
        fake_hcs::call_later([](hcsrt_operation, void *context) { hcsrt_signal(context); }, ticket, plan);
    }

    void lose() {
        auto &handle = handles[draw(static_cast<unsigned>(handles.size()))];
        if (!handle || hcsrt_state_enter(&handle->state) != HCSRT_OK) return;
        fake_hcs::set_service(handle->raw, Service::SILENT);
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
        finish(hcsrt_port_collect(port));
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
    fake_hcs::set_plan(plan);
    hcsrt_reaper_init();
    const hcsrt_backend backend = {sizeof backend, &api};
    hcsrt_choose(&backend);
    hcsrt_engine_init(wait);
    hcsrt_set_orphan_notice([] { orphans_left = true; });
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
    fake_hcs::Counts open = fake_hcs::counts();
    long handles = static_cast<long>(open.systems + open.processes) - made.load();
    std::printf(
        "submitted %ld, completed %ld, gone %ld, orphaned %ld, succeeded %ld, lost %ld, ended %ld, taken %ld, stale "
        "%lld, repeated %lld, "
        "asked %lld\n",
        submitted.load(), completed.load(), gone.load(), orphaned.load(), succeeded.load(), lost.load(),
        static_cast<long>(open.terminated), made.load(), static_cast<long long>(counts.stale),
        static_cast<long long>(counts.repeated), static_cast<long long>(counts.asked));
    std::printf("left: in flight %lld, reaper %lld, operations %lld, handles %ld, stdio %lld, strings %lld\n",
                static_cast<long long>(counts.in_flight), static_cast<long long>(hcsrt_reaper_pending()),
                static_cast<long long>(open.operations), handles, static_cast<long long>(open.stdio),
                static_cast<long long>(open.strings));
    bool clean =
        is_idle() && submitted == completed + gone && !open.operations && !handles && !open.stdio && !open.strings;
    bool seen = orphaned > 0 && open.terminated > 0 && lost > 0 &&
                (wait || (gone > 0 && counts.stale > 0 && counts.repeated > 0 && counts.asked > 0));
    std::fflush(stdout);
    _Exit(clean && seen ? 0 : 1);
}
