#include <initializer_list>

#include "core/results.h"
#include "engine/supervisor.h"

namespace hcsrt::engine {

/* A new generation for the next operation of a call that its holder makes again. */
void renew(Call *call) {
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen,
                                             ((seen & ~FLAGS) + ONE_GENERATION) | ((seen & FLAGS & ~COMPLETED) | HELD),
                                             std::memory_order_acq_rel, std::memory_order_acquire)) {}
}

/* The call goes to its receiver; by the one who may. After this only the receiver may touch it. */
void arrive(Call *call) {
    Port *port = call->port.load(std::memory_order_relaxed);
    if (!port) {
        hcsrt_call_complete(call);
        return;
    }
    bool closed;
    if (push(port->arrived, call, call, &closed)) wake(port);
    if (closed) forward(call);
    drop(port);
}

/* What the ticket names has happened. */
void signal(void *ticket) {
    uint64_t given = reinterpret_cast<uintptr_t>(ticket);
    uint32_t index = static_cast<uint32_t>(given & FLAGS);
    if (index >= engine->slots.load(std::memory_order_acquire)) return;
    Call *call = slot(index);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    do {
        if (((seen ^ given) & ~FLAGS) || !(seen & LIVE)) {
            engine->stale.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        if (seen & COMPLETED) {
            engine->repeated.fetch_add(1, std::memory_order_relaxed);
            return;
        }
    } while (!call->word.compare_exchange_weak(seen, seen | COMPLETED, std::memory_order_acq_rel,
                                               std::memory_order_acquire));
    if (!(seen & HELD)) arrive(call);
}

/* By the holder. False: something has happened meanwhile, and the caller goes on holding it. */
bool let_go(Call *call) {
    uint32_t look_ms = call->look_ms;
    call->look_at.store(now_ms() + look_ms, std::memory_order_relaxed);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    do {
        if (seen & (COMPLETED | ABANDONED | LOST)) return false;
    } while (
        !call->word.compare_exchange_weak(seen, seen & ~HELD, std::memory_order_seq_cst, std::memory_order_acquire));
    /* The supervisor stops looking when it finds nothing to look at, and then looks once more. */
    if (look_ms < CALLBACK_LOOK_MS || !engine->looking.load(std::memory_order_seq_cst)) {
        engine->look_wanted.store(true);
        ring();
    }
    return true;
}

namespace {

void close_system(void *raw, void *) { hcs()->HcsCloseComputeSystem(raw); }
void close_process(void *raw, void *) { hcs()->HcsCloseProcess(raw); }

}  // namespace

hcsrt_close closer_of(const Call *call) {
    return call->request.creates == HCSRT_CREATES_SYSTEM ? close_system : close_process;
}

namespace {

hcsrt_handle real(hcsrt_handle handle) { return handle == reinterpret_cast<hcsrt_handle>(-1) ? nullptr : handle; }

}  // namespace

/* Asks HCS, waiting at most so long. Stores what it hands out; returns its verdict. */
hcsrt_result ask(Call *call, uint32_t milliseconds) {
    const HcsApi *api = hcs();
    hcsrt_process_information info = {};
    hcsrt_char *document = nullptr;
    hcsrt_result result;
    if (call->has_info)
        result = milliseconds
                     ? api->HcsWaitForOperationResultAndProcessInfo(call->operation, milliseconds, &info, &document)
                     : api->HcsGetOperationResultAndProcessInfo(call->operation, &info, &document);
    else
        result = milliseconds ? api->HcsWaitForOperationResult(call->operation, milliseconds, &document)
                              : api->HcsGetOperationResult(call->operation, &document);
    if (result == HCSRT_E_OPERATION_PENDING || (milliseconds && result == HCSRT_E_OPERATION_TIMEOUT)) {
        if (document) api->free_string(document);
        return HCSRT_E_OPERATION_PENDING;
    }
    call->outcome.document = document;
    call->outcome.info.process_id = info.process_id;
    call->outcome.info.std_input = real(info.std_input);
    call->outcome.info.std_output = real(info.std_output);
    call->outcome.info.std_error = real(info.std_error);
    return result;
}

/* True: the outcome is HCS's last word. */
bool fetch(Call *call) {
    if (!call->fetched) {
        hcsrt_result result = ask(call, 0);
        call->outcome.result = result;
        call->fetched = result != HCSRT_E_OPERATION_PENDING;
    }
    return call->fetched;
}

namespace {

bool has_handles(const Call *call) {
    const hcsrt_process_information &info = call->outcome.info;
    return call->outcome.created || info.std_input || info.std_output || info.std_error;
}

}  // namespace

/* An abandoned call is announced to the reaper until that has it, or nothing is left of it; here this ends, once. */
void close_books(Call *call) {
    if (!call->off_books && is_abandoned(call) && !has_handles(call)) {
        call->off_books = true;
        engine->links.reaper_announce(-1);
    }
}

/* A call that HCS has goes to the reaper, with what it creates. */
void hand_over(Call *call) {
    if (call->operation && !call->fetched) {
        const hcsrt_request &request = call->request;
        hcsrt_abandoned gone = {hcs(),        call->operation, request.creates,
                                request.keep, call->has_info,  call->outcome.created,
                                nullptr,      closer_of(call), is_lost(call)};
        engine->links.reaper_adopt(&gone);
        call->operation = nullptr;
        call->outcome.created = nullptr;
        call->outcome.result = HCSRT_E_ABORT;
        call->fetched = true;
    }
    close_books(call);
}

/* Releases the handle that the call gave and nobody took; on a worker. */
void dispose_created(Call *call) {
    void *created = call->outcome.created;
    const hcsrt_request &request = call->request;
    call->outcome.created = nullptr;
    if (!created) return;
    /* As the reaper does: a create that failed may have given the handle of somebody else's system. */
    bool ok = !hcsrt_failed(call->outcome.result);
    bool ours = ok || (request.creates == HCSRT_CREATES_PROCESS && is_abandoned(call));
    if (request.keep || !ours) {
        closer_of(call)(created, nullptr);
        return;
    }
    hcsrt_abandoned gone = {hcs(), nullptr, request.creates, 0, 0, created, nullptr, closer_of(call), 0};
    engine->links.reaper_adopt(&gone);
}

/* Releases everything of HCS that the call still has; on a worker. */
void dispose(Call *call) {
    const HcsApi *api = hcs();
    hand_over(call);
    for (hcsrt_outcome *outcome : {&call->outcome, &call->first}) {
        if (outcome->document) api->free_string(outcome->document);
        outcome->document = nullptr;
        outcome->of_resources = 0;
        hcsrt_process_information &info = outcome->info;
        for (hcsrt_handle handle : {info.std_input, info.std_output, info.std_error})
            if (handle) api->close_handle(handle);
        info = {};
    }
    dispose_created(call);
    if (call->operation) api->HcsCloseOperation(call->operation);
    call->operation = nullptr;
    close_books(call);
}

void free_call(Call *call) {
    call->port.store(nullptr, std::memory_order_relaxed);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen, (seen & ~FLAGS) + ONE_GENERATION, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {}
    /* Its port may have been closed just now. */
    if ((seen & ABANDONED) && !call->off_books) engine->links.reaper_announce(-1);
    put_slot(call->index + 1);
    engine->released.fetch_add(1, std::memory_order_acq_rel);
}

void orphan(Call *call) {
    if (!push(engine->orphans, call, call)) return;
    Locked locked(engine->notice_lock);
    if (engine->notice) engine->notice();
}

/* By the holder of a call that has completed, was abandoned or is lost. */
void settle(Call *call) {
    uint64_t seen = call->word.fetch_or(COMPLETED, std::memory_order_acq_rel);
    if (seen & ABANDONED) {
        hand_over(call);
    } else if ((seen & LOST) && !fetch(call)) {
        hand_over(call);
        call->outcome.result = HCSRT_E_SERVICE_DISCONNECT;
    }
    arrive(call);
}

Withdrawn withdraw(Call *call, uint64_t seen) {
    uint64_t generation = seen & ~FLAGS, next;
    engine->links.reaper_announce(1);
    do {
        if ((seen & ~FLAGS) != generation || (seen & ABANDONED)) {
            engine->links.reaper_announce(-1);
            return (seen & ~FLAGS) != generation ? Withdrawn::RENEWED : Withdrawn::NOTED;
        }
        next = seen & (HELD | COMPLETED) ? seen | ABANDONED : seen | HELD | COMPLETED | ABANDONED;
    } while (!call->word.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_acquire));
    if (seen & (HELD | COMPLETED)) return Withdrawn::NOTED;
    Port *port = call->port.load(std::memory_order_relaxed);
    hand_over(call);
    if (port) drop(port);
    return Withdrawn::TAKEN;
}

/* A call whose port is closed loses all that is HCS's, and then waits for whoever owns what is behind its request. That
 * it is abandoned has to be seen by then: its loop is gone, and the thread that finds it may be any. */
void forward(Call *call) {
    withdraw(call, call->word.load(std::memory_order_acquire));
    call->stage = Stage::ORPHAN;
    pool_of(call)->submit(call, call);
}

namespace {

hcsrt_result start_process_info(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                hcsrt_outcome *) {
    return api->HcsGetProcessInfo(request->raw, operation);
}

}  // namespace

/* Server 2022 reports failure for some process-isolated containers although the process runs: HCS is asked once more. */
bool is_doubtful(const Call *call) {
    return call->request.creates == HCSRT_CREATES_PROCESS && call->has_info && !call->asked && call->outcome.created &&
           hcsrt_failed(call->outcome.result);
}

namespace {

/* The port's reference of a call goes with the push; a call that goes back needs a new one. */
void take_back(Call *call) {
    call->port.load(std::memory_order_relaxed)->references.fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace

void make_again(Call *call) {
    call->asked = true;
    call->first = call->outcome;
    call->outcome = {};
    call->outcome.created = call->first.created;
    call->first.created = nullptr;
    call->request.start = start_process_info;
    call->request.raw = call->outcome.created;
    call->request.resource_count = 0;
    call->fetched = false;
    take_back(call);
    renew(call);
    pool_of(call)->submit(call, call);
}

/* HCS has called back, but says that the operation is pending. */
void wait_again(Call *call) {
    call->look_ms = FIRST_LOOK_MS;
    take_back(call);
    uint64_t seen = call->word.load(std::memory_order_acquire);
    while (!call->word.compare_exchange_weak(seen, (seen & ~COMPLETED) | HELD, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {}
    if (!let_go(call)) settle(call);
}

namespace {

/* So many calls of a burst are not worth waiting for the rest of it. */
constexpr uint32_t MOST_UNSENT = 64;

constexpr uint32_t SPARE_SLOTS = 64;

/* The next call will write what other processors have written last. */
void prefetch(const Call *call) {
#if defined(__GNUC__)
    const char *line = reinterpret_cast<const char *>(call);
    for (size_t offset = 0; offset < sizeof(Call); offset += LINE) __builtin_prefetch(line + offset, 1);
#else
    (void)call;
#endif
}

/* A slot for a call, not live yet. NULL: no memory, or no thread. */
Call *new_call(Pool *pool, Port *port) {
    if (!ensure(pool)) return nullptr;
    uint32_t place = port ? port->spare : 0;
    while (!place && !(place = take_slots(port ? SPARE_SLOTS : 1)))
        if (!add_chunk()) return nullptr;
    Call *call = slot(place - 1);
    if (port && (port->spare = next_of(place))) prefetch(slot(port->spare - 1));
    call->urgent = pool == &engine->urgent;
    call->stage = Stage::MAKE;
    call->fetched = call->asked = call->off_books = false;
    call->port.store(port, std::memory_order_relaxed);
    if (port && !port->credit--) {
        port->references.fetch_add(SPARE_SLOTS, std::memory_order_relaxed);
        port->credit = SPARE_SLOTS - 1;
    }
    engine->submitted.fetch_add(1, std::memory_order_acq_rel);
    return call;
}

}  // namespace

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

hcsrt_call *hcsrt_submit(const HcsApi *api, hcsrt_port *port, const hcsrt_request *request) {
    bool urgent = request->lane == HCSRT_LANE_TERMINATE || request->lane == HCSRT_LANE_URGENT;
    Pool *pool = urgent ? &engine->urgent : &engine->ordinary;
    Call *call = new_call(pool, port);
    if (!call) return nullptr;
    if (hcs() != api) chosen.store(api, std::memory_order_release);
    call->request = *request;
    call->complete = request->complete;
    call->context = request->context;
    call->has_info = request->has_info;
    call->subject.store(request->subject, std::memory_order_relaxed);
    call->word.fetch_or(LIVE | HELD, std::memory_order_acq_rel);
    if (!port || urgent) {
        pool->submit(call, call);
    } else {
        call->next = port->newest;
        port->newest = call;
        if (!port->unsent++) port->oldest = call;
        if (port->unsent == MOST_UNSENT) hcsrt_port_send(port);
    }
    return call;
}

hcsrt_call *hcsrt_expect(hcsrt_port *port, hcsrt_complete complete, void *context, void **ticket) {
    Call *call = new_call(&engine->ordinary, port);
    if (!call) return nullptr;
    call->outcome.result = HCSRT_S_OK;
    call->request = {};
    call->complete = complete;
    call->context = context;
    call->has_info = false;
    call->fetched = true;
    call->subject.store(nullptr, std::memory_order_relaxed);
    call->look_at.store(NEVER, std::memory_order_relaxed);
    *ticket = ticket_of(call);
    call->word.fetch_or(LIVE, std::memory_order_acq_rel);
    return call;
}

void hcsrt_signal(void *ticket) { signal(ticket); }

void hcsrt_lose(void *subject) {
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    bool any = false;
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        bool marked = false;
        while (!marked) {
            uint64_t seen = call->word.load(std::memory_order_acquire);
            if (!(seen & LIVE) || call->subject.load(std::memory_order_relaxed) != subject) break;
            /* With another generation it may be a call of somebody else by now, or the same one, which is made again. */
            marked = call->word.compare_exchange_strong(seen, seen | LOST, std::memory_order_acq_rel);
        }
        any |= marked;
    }
    if (!any) return;
    engine->look_wanted.store(true);
    ring();
}

int hcsrt_call_abandon(hcsrt_call *call) {
    Withdrawn how;
    do how = withdraw(call, call->word.load(std::memory_order_acquire));
    while (how == Withdrawn::RENEWED);
    if (how != Withdrawn::TAKEN) return 0;
    hcsrt_call_release(call);
    return 1;
}

int hcsrt_call_is_abandoned(const hcsrt_call *call) { return is_abandoned(call); }

hcsrt_outcome *hcsrt_call_outcome(hcsrt_call *call) {
    fetch(call);
    return &call->outcome;
}

void hcsrt_call_complete(hcsrt_call *call) { call->complete(call, call->context); }

hcsrt_call *hcsrt_call_next(const hcsrt_call *call) { return call->next; }

void hcsrt_call_release(hcsrt_call *call) {
    call->next = nullptr;
    hcsrt_calls_release(call);
}

void hcsrt_calls_release(hcsrt_call *chain) {
    for (Pool *pool : {&engine->ordinary, &engine->urgent}) {
        Call *first = nullptr, *last = nullptr, **link = &chain;
        while (Call *call = *link) {
            if (pool_of(call) != pool) {
                link = &call->next;
                continue;
            }
            *link = call->next;
            call->stage = Stage::RELEASE;
            call->next = first;
            first = call;
            if (!last) last = call;
        }
        if (first) pool->submit(first, last);
    }
}

hcsrt_call *hcsrt_orphans(void) {
    if (!engine->orphans.load(std::memory_order_acquire)) return nullptr;
    return oldest_first(engine->orphans.exchange(nullptr, std::memory_order_acq_rel));
}

}  // extern "C"
