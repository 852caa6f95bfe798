#include "core/results.h"
#include "engine/calls.h"

namespace hcsrt::engine {

namespace {

/* Threads that wait for operations where no callback is used, and how long one guarded wait lasts. */
constexpr uint32_t MOST_WAITERS = 256;
constexpr uint32_t WAIT_SLICE_MS = 500;

/* The completion callback of HCS. */
void HCSRT_CALL completed(hcsrt_operation, void *context) { signal(context); }

hcsrt_result no_operation() {
#if defined(_WIN32)
    /* That the last error is set is what hcsshim and WSL count on, the documentation does not say it. */
    DWORD code = GetLastError();
    if (code) return static_cast<hcsrt_result>(0x80070000u | code);
#endif
    return HCSRT_E_OUTOFMEMORY;
}

hcsrt_result add_resources(Call *call) {
    const hcsrt_request &request = call->request;
    hcsrt_result result = HCSRT_S_OK;
    for (uint32_t i = 0; i < request.resource_count && !hcsrt_failed(result); ++i) {
        const hcsrt_resource &resource = request.resources[i];
        result = hcs()->HcsAddResourceToOperation(call->operation, resource.type, resource.uri, resource.handle);
    }
    return result;
}

/* Hands a tracked call to HCS. If that fails, the outcome is fetched. */
void kick_off(Call *call) {
    const HcsApi *api = hcs();
    bool with_callback = !engine->wait;
    hcsrt_result result;
    for (;;) {
        call->operation =
            api->HcsCreateOperation(with_callback ? ticket_of(call) : nullptr, with_callback ? completed : nullptr);
        if (!call->operation) {
            call->outcome.result = no_operation();
            call->fetched = true;
            return;
        }
        result = add_resources(call);
        call->outcome.of_resources = hcsrt_failed(result);
        if (!hcsrt_failed(result)) result = call->request.start(api, &call->request, call->operation, &call->outcome);
        if (result != HCSRT_E_CALLBACK_ALREADY_SET || !with_callback) break;
        /* The handle wants to hear of its operations itself: one without a callback is welcome. */
        api->HcsCloseOperation(call->operation);
        if (call->outcome.created) closer_of(call)(call->outcome.created, nullptr);
        call->outcome.created = nullptr;
        with_callback = false;
        renew(call);
    }
    call->look_ms = with_callback ? CALLBACK_LOOK_MS : FIRST_LOOK_MS;
    if (!hcsrt_failed(result)) return;
    /* A call that could not be kicked off may have a document all the same. */
    ask(call, 0);
    call->outcome.result = result;
    call->fetched = true;
}

/* Waits for a call without callback, if there may be one more thread that does. */
void wait_for(Call *call) {
    Pool *pool = pool_of(call);
    if (engine->waiters.fetch_add(1, std::memory_order_acq_rel) < MOST_WAITERS) {
        pool->threads.fetch_sub(1, std::memory_order_acq_rel);
        pool->encourage();
        while (!call->fetched && !is_abandoned(call) && !is_lost(call)) {
            hcsrt_result result = ask(call, WAIT_SLICE_MS);
            call->outcome.result = result;
            call->fetched = result != HCSRT_E_OPERATION_PENDING;
        }
        pool->threads.fetch_add(1, std::memory_order_acq_rel);
    }
    engine->waiters.fetch_sub(1, std::memory_order_acq_rel);
}

void make(Call *call) {
    hcsrt_request &request = call->request;
    if (call->operation) {
        hcs()->HcsCloseOperation(call->operation);
        call->operation = nullptr;
    }
    if (is_abandoned(call) && !request.insist) {
        call->outcome.result = HCSRT_E_ABORT;
        call->fetched = true;
    } else if (!request.untracked && is_lost(call)) {
        call->outcome.result = HCSRT_E_SERVICE_DISCONNECT;
        call->fetched = true;
    } else if (request.untracked) {
        call->outcome.result = request.start(hcs(), &request, nullptr, &call->outcome);
        call->fetched = true;
    } else {
        kick_off(call);
    }
    /* Before anybody can learn that the call is over: then the handle's owner may go. */
    if (request.leave) request.leave(request.subject);
    request.leave = nullptr;
    pool_of(call)->leave_lane(call);
    if (engine->wait && !call->fetched) wait_for(call);
    /* Not only once its loop has seen it. */
    if (call->fetched && is_abandoned(call)) dispose_created(call);
    if (call->fetched || !let_go(call)) settle(call);
}

}  // namespace

void perform(Call *call) {
    switch (call->stage) {
    case Stage::MAKE: make(call); break;
    case Stage::RELEASE:
        dispose(call);
        free_call(call);
        break;
    case Stage::ORPHAN:
        dispose(call);
        orphan(call);
        break;
    }
}

}  // namespace hcsrt::engine
