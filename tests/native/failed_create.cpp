/* A create that fails and gives a handle all the same, which nobody wants any more. HCS reports failure for some processes
 * that run, so a process is terminated; the handle of a system may be that of somebody else's, and is only closed. What a
 * receiver has seen fail and leaves is only closed too. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <thread>

#include "backends/backends.h"
#include "core/reaper.h"
#include "core/results.h"
#include "engine/engine.h"
#include "fake_hcs.h"

namespace {

using fake_hcs::Way;

#define CHECK(condition) check(condition, #condition, __LINE__)

void check(bool holds, const char *condition, int line) {
    if (holds) return;
    std::fprintf(stderr, "violation: line %d: %s\n", line, condition);
    std::abort();
}

template <typename Condition>
bool settle(Condition condition) {
    for (int i = 0; i < 10000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

const HcsApi &api = *fake_hcs::api();
const hcsrt_char TEXT[] = {'{', '}', 0};
hcsrt_system owner = nullptr;

/* --- the HCS ------------------------------------------------------------------------------------------------------ */

/* How the next call goes, which is the create; what the terminate of the reaper does is never in doubt. */
std::atomic<const fake_hcs::Plan *> next{nullptr};

fake_hcs::Plan plan() {
    const fake_hcs::Plan *of_create = next.exchange(nullptr);
    return of_create ? *of_create : fake_hcs::Plan();
}

fake_hcs::Plan fails_at_once() {
    fake_hcs::Plan plan;
    plan.way = Way::FAILS;
    return plan;
}

/* The kick-off is fine, and whoever asks for the third time hears of the failure. */
fake_hcs::Plan fails_later() {
    fake_hcs::Plan plan;
    plan.way = Way::LOOKED_FOR;
    plan.looks = 2;
    plan.outcome = HCSRT_E_INVALIDARG;
    return plan;
}

fake_hcs::Plan succeeds_later() {
    fake_hcs::Plan plan = fails_later();
    plan.outcome = HCSRT_S_OK;
    return plan;
}

hcsrt_result create(int creates, hcsrt_operation operation, const fake_hcs::Plan &plan, void **created) {
    next = &plan;
    return creates == HCSRT_CREATES_SYSTEM ? api.HcsCreateComputeSystem(TEXT, TEXT, operation, nullptr, created)
                                           : api.HcsCreateProcess(owner, TEXT, operation, nullptr, created);
}

/* All is released, and so many were terminated for it. */
void check_end(int64_t terminated_before, bool is_terminated) {
    CHECK(settle([] { return !hcsrt_engine_count().in_flight && !hcsrt_reaper_pending(); }));
    fake_hcs::Counts counts = fake_hcs::counts();
    CHECK(counts.terminated - terminated_before == is_terminated);
    CHECK(fake_hcs::live() == 1 && counts.systems == 1);
}

/* --- the reaper --------------------------------------------------------------------------------------------------- */

void test_reaper(const fake_hcs::Plan &plan, int creates, bool keep, bool is_terminated) {
    int64_t before = fake_hcs::counts().terminated;
    hcsrt_abandoned call = {};
    call.api = &api;
    call.operation = api.HcsCreateOperation(nullptr, nullptr);
    call.creates = creates;
    call.keep = keep;
    call.has_info = creates == HCSRT_CREATES_PROCESS;
    call.close = creates == HCSRT_CREATES_SYSTEM ? hcsrt_close_system : hcsrt_close_process;
    CHECK(create(creates, call.operation, plan, &call.created) == HCSRT_S_OK && call.created);
    hcsrt_reap(&call);
    check_end(before, is_terminated);
}

/* --- the engine --------------------------------------------------------------------------------------------------- */

enum class Abandoned { NEVER, IN_THE_KICK_OFF, IN_HCS, WHEN_DELIVERED };

struct Create {
    fake_hcs::Plan plan;
    int creates;
    std::atomic<bool> begun{false}, may_begin{true}, left{false};
};

hcsrt_result start(const HcsApi *, const hcsrt_request *request, hcsrt_operation operation, hcsrt_outcome *outcome) {
    auto *self = static_cast<Create *>(request->context);
    self->begun = true;
    while (!self->may_begin) std::this_thread::yield();
    return create(self->creates, operation, self->plan, &outcome->created);
}

void finish(hcsrt_port *port, bool is_abandoned) {
    hcsrt_call *call = nullptr;
    CHECK(settle([&] { return (call = hcsrt_port_collect(port)) != nullptr; }));
    CHECK(!hcsrt_call_next(call) && !hcsrt_call_is_abandoned(call) == !is_abandoned);
    CHECK(is_abandoned || hcsrt_failed(hcsrt_call_outcome(call)->result));
    hcsrt_call_release(call);
}

void test_engine(Abandoned abandoned, const fake_hcs::Plan &plan, int creates, bool keep, bool is_terminated) {
    int64_t before = fake_hcs::counts().terminated;
    Create self = {plan, creates};
    self.may_begin = abandoned != Abandoned::IN_THE_KICK_OFF;
    hcsrt_port *port = hcsrt_port_new(0);
    hcsrt_request request = hcsrt_new_request();
    request.start = start;
    request.context = request.subject = &self;
    request.leave = [](void *subject) { static_cast<Create *>(subject)->left = true; };
    request.complete = [](hcsrt_call *, void *) {};
    request.creates = creates;
    request.keep = keep;
    request.has_info = creates == HCSRT_CREATES_PROCESS;
    hcsrt_call *call = hcsrt_submit(port, &request);
    CHECK(call);
    hcsrt_port_send(port);
    CHECK(settle([&] { return self.begun.load(); }));
    switch (abandoned) {
    case Abandoned::NEVER: finish(port, false); break;
    case Abandoned::IN_THE_KICK_OFF:
        CHECK(!hcsrt_call_abandon(call));
        self.may_begin = true;
        /* Its loop may be at work for long, and has not to be waited for. */
        CHECK(settle([&] { return fake_hcs::counts().terminated - before == is_terminated; }));
        CHECK(settle([] { return fake_hcs::counts().processes == 0 && fake_hcs::counts().systems == 1; }));
        finish(port, true);
        break;
    case Abandoned::IN_HCS:
        CHECK(settle([&] { return self.left.load(); }));
        /* The worker that has made the call lets go of it soon after. */
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        CHECK(hcsrt_call_abandon(call));
        break;
    case Abandoned::WHEN_DELIVERED:
        CHECK(settle([&] { return hcsrt_port_has_calls(port) != 0; }));
        CHECK(!hcsrt_call_abandon(call));
        finish(port, true);
        break;
    }
    check_end(before, is_terminated);
    hcsrt_port_close(port);
}

}  // namespace

int main() {
    fake_hcs::set_plan(plan);
    hcsrt_reaper_init();
    const hcsrt_backend backend = {sizeof backend, &api};
    hcsrt_choose(&backend);
    hcsrt_engine_init(0);
    CHECK(hcsrt_reaper_start());
    CHECK(api.HcsOpenComputeSystem(TEXT, HCSRT_GENERIC_ALL, &owner) == HCSRT_S_OK);
    constexpr int SYSTEM = HCSRT_CREATES_SYSTEM, PROCESS = HCSRT_CREATES_PROCESS;

    test_reaper(fails_later(), PROCESS, false, true);
    test_reaper(fails_later(), PROCESS, true, false);
    test_reaper(fails_later(), SYSTEM, false, false);
    test_reaper(succeeds_later(), PROCESS, false, true);
    test_reaper(succeeds_later(), SYSTEM, false, true);
    test_reaper(succeeds_later(), SYSTEM, true, false);

    for (Abandoned when : {Abandoned::IN_THE_KICK_OFF, Abandoned::WHEN_DELIVERED}) {
        test_engine(when, fails_at_once(), PROCESS, false, true);
        test_engine(when, fails_at_once(), PROCESS, true, false);
        test_engine(when, fails_at_once(), SYSTEM, false, false);
    }
    test_engine(Abandoned::IN_HCS, fails_later(), PROCESS, false, true);
    test_engine(Abandoned::IN_HCS, fails_later(), SYSTEM, false, false);
    test_engine(Abandoned::IN_HCS, succeeds_later(), SYSTEM, false, true);
    test_engine(Abandoned::NEVER, fails_at_once(), PROCESS, false, false);
    test_engine(Abandoned::NEVER, fails_at_once(), SYSTEM, false, false);
    api.HcsCloseComputeSystem(owner);
    CHECK(!fake_hcs::live());
    /* The threads of the engine and of the reaper go on. */
    std::_Exit(0);
}
