/* What a worker does with a call: it starts it, and releases what the call has left in the end. */
#include <initializer_list>

#include "core/operations.h"
#include "engine/calls.h"

namespace hcsrt::engine {

namespace {

/* Threads that wait for operations where no callback is used, and how long one guarded wait lasts. */
constexpr uint32_t MOST_WAITERS = 256;
constexpr uint32_t WAIT_SLICE_MS = 500;

/* --- start ----------------------------------------------------------------------------------------------------- */

/* The completion callback of HCS. */
void HCSRT_CALL completed(hcsrt_operation, void *context) { signal(context); }

hcsrt_result add_resources(Call *call) {
    const hcsrt_request &request = call->request;
    hcsrt_result result = HCSRT_S_OK;
    /* Not every Windows has it, and not every submitter has checked. */
    if (request.resource_count && !hcs()->HcsAddResourceToOperation) return HCSRT_E_NOTIMPL;
    for (uint32_t i = 0; i < request.resource_count && !hcsrt_failed(result); ++i) {
        const hcsrt_resource &resource = request.resources[i];
        result = hcs()->HcsAddResourceToOperation(call->operation, resource.type, resource.uri, resource.handle);
    }
    return result;
}

/* Whether the worker waits for the call, which then has no callback. */
bool is_waited(const Call *call) { return engine->wait || call->is_waited; }

/* Hands a tracked call to HCS. If that fails, the outcome is collected. */
void kick_off(Call *call) {
    const HcsApi *api = hcs();
    bool with_callback = !is_waited(call);
    hcsrt_result result;
    for (;;) {
        call->operation = hcsrt_create_operation(api, with_callback ? ticket_of(call) : nullptr,
                                                 with_callback ? completed : nullptr, &result);
        if (!call->operation) return conclude(call, result);
        result = add_resources(call);
        call->outcome.of_resources = hcsrt_failed(result);
        if (!hcsrt_failed(result)) result = call->request.start(api, &call->request, call->operation, &call->outcome);
        if (result != HCSRT_E_CALLBACK_ALREADY_SET || !with_callback) break;
        /* The handle's event callback hears of operations, so these may have no callback of their own. */
        api->HcsCloseOperation(call->operation);
        if (call->outcome.created) closer_of(call)(call->outcome.created, nullptr);
        call->outcome.created = nullptr;
        with_callback = false;
        word::renew(call->word);
    }
    call->look_ms = with_callback ? CALLBACK_LOOK_MS : FIRST_LOOK_MS;
    if (!hcsrt_failed(result)) return;
    /* A call that could not be kicked off may have a document all the same. */
    query(call, 0);
    conclude(call, result);
}

/* Waits for a call that has no callback, unless too many threads wait already. */
void wait_for(Call *call, Pool *pool) {
    if (engine->waiters.fetch_add(1, std::memory_order_acq_rel) < MOST_WAITERS) {
        pool->threads.fetch_sub(1, std::memory_order_acq_rel);
        if (pool->has_calls()) pool->encourage();
        while (word::may_wait(call->word) && !collect(call, WAIT_SLICE_MS)) {}
        pool->threads.fetch_add(1, std::memory_order_acq_rel);
    }
    engine->waiters.fetch_sub(1, std::memory_order_acq_rel);
}

/* Releases the handle that the call gave and nobody took. */
void release_created(Call *call) {
    void *created = call->outcome.created;
    const hcsrt_request &request = call->request;
    call->outcome.created = nullptr;
    if (!created) return;
    /* As in the reaper: a failed create may give the handle of somebody else's system, while a process is always ours,
     * and HCS reports failure for some that run. But a receiver that saw the failure and left the handle wants it
     * closed. */
    bool ok = !hcsrt_failed(call->outcome.result);
    bool ours = ok || (request.creates == HCSRT_CREATES_PROCESS && word::is_abandoned(call->word));
    if (request.keep || !ours) {
        closer_of(call)(created, nullptr);
        return;
    }
    hcsrt_abandoned gone = {hcs(), nullptr, request.creates, 0, 0, created, nullptr, closer_of(call), 0};
    hcsrt_reap(&gone);
}

void close_operation(Call *call) {
    if (call->operation) hcs()->HcsCloseOperation(call->operation);
    call->operation = nullptr;
}

void start(Call *call, Pool *pool) {
    hcsrt_request &request = call->request;
    if (word::is_abandoned(call->word) && !request.insist) conclude(call, HCSRT_E_ABORT);
    else if (request.untracked) conclude(call, request.start(hcs(), &request, nullptr, &call->outcome));
    else if (word::is_disconnected(call->word)) conclude(call, HCSRT_E_SERVICE_DISCONNECT);
    else kick_off(call);
    /* Before anybody can learn that the call is over, because the handle's owner may be gone then. */
    if (request.leave) request.leave(request.subject);
    request.leave = nullptr;
    bool more = pool->leave_lane(call);
    if (is_waited(call)) {
        /* This worker may go on to wait for the call. */
        if (more) pool->encourage();
        if (!collect(call)) {
            call->is_pending.store(true, std::memory_order_release);
            wait_for(call, pool);
        }
        if (call->is_waited && call->collected) close_operation(call);
    }
    /* Now, and not only once its loop has seen the call. */
    if (call->collected && word::is_abandoned(call->word)) release_created(call);
    if (call->collected || !unhold(call)) complete_held(call);
}

/* --- release --------------------------------------------------------------------------------------------------- */

/* Releases everything of HCS that the call still has. */
void release(Call *call) {
    const HcsApi *api = hcs();
    give_to_reaper(call);
    hcsrt_outcome &outcome = call->outcome;
    if (outcome.document) api->free_string(outcome.document);
    outcome.document = nullptr;
    outcome.of_resources = 0;
    hcsrt_process_information &info = outcome.info;
    for (hcsrt_handle handle : {info.std_input, info.std_output, info.std_error})
        if (handle) api->close_handle(handle);
    info = {};
    release_created(call);
    close_operation(call);
    unannounce(call);
}

void add_orphan(Call *call) {
    if (!push(engine->orphans, call, call)) return;
    Locked locked(engine->notice_lock);
    if (engine->notice) engine->notice();
}

void perform(Call *call, Pool *pool) {
    switch (call->stage) {
    case Stage::START: start(call, pool); break;
    case Stage::RELEASE:
        release(call);
        free_slot(call);
        break;
    case Stage::ORPHAN:
        release(call);
        add_orphan(call);
        break;
    }
}

}  // namespace

void work(void *argument) {
    Pool *pool = static_cast<Pool *>(argument);
    bool was_waited = false;
    for (;;) {
        uint32_t heard = pool->bell.load();
        bool more;
        if (Call *call = pool->next(&more)) {
            if (more) engine->supervisor.alarm();
            was_waited = call->is_waited;
            perform(call, pool);
            continue;
        }
        if (was_waited && pool->look(heard)) continue;
        was_waited = false;
        int64_t began = now_ms();
        pool->idle.fetch_add(1);
        wait_on(pool->bell, heard, IDLE_MS);
        pool->idle.fetch_sub(1);
        if (now_ms() - began >= IDLE_MS && pool->retire()) return;
    }
}

}  // namespace hcsrt::engine
