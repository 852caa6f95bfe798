#include "engine/calls.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>

#include "core/operations.h"

namespace hcsrt::engine {

namespace {

/* With so many calls of a burst the rest is not waited for. */
constexpr uint32_t MOST_UNSENT = 64;

/* Slots that a port keeps for its next calls. */
constexpr uint32_t SPARE_SLOTS = 64;

/* Of the request as it was first; what is appended to it comes behind. */
constexpr size_t FIRST_SIZE = offsetof(hcsrt_request, options) + sizeof(hcsrt_request::options);

/* Whether whoever filled the request asks for nothing that came after this build. */
bool is_known(const hcsrt_request *request) {
    if (request->size < FIRST_SIZE) return false;
    const char *bytes = reinterpret_cast<const char *>(request);
    return std::all_of(bytes + std::min(request->size, sizeof *request), bytes + request->size,
                       [](char byte) { return byte == 0; });
}

void copy_request(Call *call, const hcsrt_request *request) {
    if (request->size >= sizeof *request) {
        call->request = *request;
    } else {
        call->request = {};
        std::memcpy(&call->request, request, request->size);
    }
}

bool has_handles(const Call *call) {
    const hcsrt_process_information &info = call->outcome.info;
    return call->outcome.created || info.std_input || info.std_output || info.std_error;
}

/* Whether there is nothing of HCS left that a worker would have to release. */
bool is_empty(const Call *call) { return !call->operation && !call->outcome.document && !has_handles(call); }

/* The next call will write to memory that other processors have written last. */
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
    if (!engine->supervisor.ensure() || !pool->ensure_worker()) return nullptr;
    Slab &slab = engine->slab;
    uint32_t place = port ? port->spare : 0;
    while (!place && !(place = slab.get(port ? SPARE_SLOTS : 1)))
        if (!slab.grow()) return nullptr;
    Call *call = slab.slot(place - 1);
    if (port && (port->spare = slab.next_of(place))) prefetch(slab.slot(port->spare - 1));
    call->urgent = pool == &engine->urgent;
    call->stage = Stage::START;
    call->collected = call->unannounced = call->is_waited = false;
    call->port.store(port, std::memory_order_relaxed);
    if (port && !port->credit--) {
        port->references.fetch_add(SPARE_SLOTS, std::memory_order_relaxed);
        port->credit = SPARE_SLOTS - 1;
    }
    engine->submitted.fetch_add(1, std::memory_order_acq_rel);
    return call;
}

/* A call of the request, not live yet. */
Call *request_call(Port *port, const hcsrt_request *request) {
    if (!is_known(request)) return nullptr;
    bool urgent = request->lane == HCSRT_LANE_TERMINATE || request->lane == HCSRT_LANE_URGENT;
    Engine *here = engine.here();
    Call *call = new_call(urgent ? &here->urgent : &here->ordinary, port);
    if (!call) return nullptr;
    copy_request(call, request);
    call->complete = request->complete;
    call->context = request->context;
    call->has_info = request->has_info;
    call->subject.store(request->subject, std::memory_order_relaxed);
    return call;
}

/* True: the call belongs to the caller, who has to release it or to make it an orphan. */
template <typename IsMeant>
bool abandon(Call *call, IsMeant is_meant) {
    if (!word::abandon(call->word, is_meant, hcsrt_reaper_announce)) return false;
    Port *port = call->port.load(std::memory_order_relaxed);
    give_to_reaper(call);
    if (port) unreference(port);
    return true;
}

bool is_this() { return true; }

/* A call's reference to its port ends with the delivery; a call that is pending again needs a new one. */
void add_reference(Call *call) {
    call->port.load(std::memory_order_relaxed)->references.fetch_add(1, std::memory_order_acq_rel);
}

/* Takes from a chain what a worker of the pool has to release; gives back what is empty. NULL: there is nothing. */
Call *to_release(Pool *pool, Call **chain, Call **last) {
    Call *first = nullptr, **link = chain;
    while (Call *call = *link) {
        if (pool_of(call) != pool) {
            link = &call->next;
            continue;
        }
        *link = call->next;
        if (is_empty(call)) {
            call->outcome = {};
            free_slot(call);
            continue;
        }
        call->stage = Stage::RELEASE;
        call->next = first;
        first = call;
        if (!*last) *last = call;
    }
    return first;
}

/* HCS has called back, but says that the operation is pending. */
void pend(Call *call) {
    call->look_ms = FIRST_LOOK_MS;
    add_reference(call);
    word::pend(call->word);
    if (!unhold(call)) complete_held(call);
}

}  // namespace

hcsrt_close closer_of(const Call *call) {
    return call->request.creates == HCSRT_CREATES_SYSTEM ? hcsrt_close_system : hcsrt_close_process;
}

hcsrt_result query(Call *call, uint32_t milliseconds) {
    hcsrt_outcome &outcome = call->outcome;
    return hcsrt_collect_operation(hcs(), call->operation, milliseconds, call->has_info ? &outcome.info : nullptr,
                                   &outcome.document);
}

void unannounce(Call *call) {
    if (!call->unannounced && word::is_abandoned(call->word) && !has_handles(call)) {
        call->unannounced = true;
        hcsrt_reaper_announce(-1);
    }
}

void give_to_reaper(Call *call) {
    if (call->operation && !call->collected) {
        const hcsrt_request &request = call->request;
        bool disconnected = word::is_disconnected(call->word);
        hcsrt_abandoned gone = {hcs(),        call->operation, request.creates,
                                request.keep, call->has_info,  call->outcome.created,
                                nullptr,      closer_of(call), disconnected};
        hcsrt_reap(&gone);
        call->operation = nullptr;
        call->outcome.created = nullptr;
        conclude(call, HCSRT_E_ABORT);
    }
    unannounce(call);
}

void free_slot(Call *call) {
    call->port.store(nullptr, std::memory_order_relaxed);
    uint64_t before = word::finish(call->word);
    /* Its port may have been closed just now. */
    if ((before & word::ABANDONED) && !call->unannounced) hcsrt_reaper_announce(-1);
    engine->slab.give_back(call->index + 1);
    engine->released.fetch_add(1, std::memory_order_acq_rel);
}

void complete_held(Call *call) {
    uint64_t before = word::complete(call->word);
    if (before & word::ABANDONED) {
        give_to_reaper(call);
    } else if ((before & word::DISCONNECTED) && !collect(call)) {
        give_to_reaper(call);
        call->outcome.result = HCSRT_E_SERVICE_DISCONNECT;
    }
    deliver(call);
}

/* Marks the call as abandoned first: its loop is gone, and any thread may get the orphan. */
void make_orphan(Call *call) {
    abandon(call, is_this);
    call->stage = Stage::ORPHAN;
    pool_of(call)->submit(call, call);
}

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

hcsrt_call *hcsrt_submit(hcsrt_port *port, const hcsrt_request *request) {
    Call *call = request_call(port, request);
    if (!call) return nullptr;
    Pool *pool = pool_of(call);
    word::begin(call->word);
    if (!port || call->urgent) {
        pool->submit(call, call);
    } else {
        call->next = port->newest;
        port->newest = call;
        if (!port->unsent++) port->oldest = call;
        if (port->unsent == MOST_UNSENT) hcsrt_port_send(port);
    }
    return call;
}

hcsrt_call *hcsrt_submit_waited(hcsrt_port *port, const hcsrt_request *request) {
    Call *call = request_call(port, request);
    if (!call) return nullptr;
    call->request.lane = HCSRT_LANE_NONE;
    call->is_waited = true;
    call->is_pending.store(false, std::memory_order_relaxed);
    word::begin(call->word);
    pool_of(call)->submit_at_once(call);
    return call;
}

int hcsrt_call_is_pending(const hcsrt_call *call) { return call->is_pending.load(std::memory_order_acquire); }

hcsrt_call *hcsrt_expect(hcsrt_port *port, hcsrt_complete complete, void *context, void **ticket) {
    Call *call = new_call(&engine.here()->ordinary, port);
    if (!call) return nullptr;
    call->request = {};
    call->complete = complete;
    call->context = context;
    call->has_info = false;
    conclude(call, HCSRT_S_OK);
    call->subject.store(nullptr, std::memory_order_relaxed);
    call->look_at.store(NEVER, std::memory_order_relaxed);
    *ticket = ticket_of(call);
    word::expect(call->word);
    return call;
}

void hcsrt_signal(void *ticket) { signal(ticket); }

void hcsrt_disconnect(void *subject) {
    uint32_t slots = engine.here()->slab.size();
    bool any = false;
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = engine->slab.slot(index);
        any |= word::disconnect(call->word, [=] { return call->subject.load(std::memory_order_relaxed) == subject; });
    }
    if (any) engine->supervisor.want_look();
}

int hcsrt_call_abandon(hcsrt_call *call) {
    if (!abandon(call, is_this)) return 0;
    hcsrt_call_release(call);
    return 1;
}

int hcsrt_call_is_abandoned(const hcsrt_call *call) { return word::is_abandoned(call->word); }

hcsrt_outcome *hcsrt_call_outcome(hcsrt_call *call) {
    collect(call);
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
        Call *last = nullptr, *first = to_release(pool, &chain, &last);
        if (first) pool->submit(first, last);
    }
}

void hcsrt_port_release(hcsrt_port *port, hcsrt_call *chain) {
    Call *last = nullptr, *first = to_release(&engine->ordinary, &chain, &last);
    if (first) {
        last->next = port->given_back;
        if (!port->given_back) port->last_given_back = last;
        port->given_back = first;
    }
    if (chain) hcsrt_calls_release(chain);
}

hcsrt_call *hcsrt_port_collect(hcsrt_port *port) {
    clear_wake(port);
    Call *chain = oldest_first(port->delivered.exchange(nullptr, std::memory_order_acq_rel));
    Call **link = &chain;
    while (Call *call = *link) {
        if (collect(call)) {
            link = &call->next;
            continue;
        }
        *link = call->next;
        pend(call);
    }
    return chain;
}

void hcsrt_port_close(hcsrt_port *port) {
    hcsrt_port_send(port);
    Call *chain = port->delivered.exchange(CLOSED, std::memory_order_acq_rel);
    while (Call *call = chain) {
        chain = call->next;
        make_orphan(call);
    }
    Slab &slab = engine->slab;
    uint32_t slots = slab.size();
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slab.slot(index);
        if (abandon(call, [=] { return call->port.load(std::memory_order_relaxed) == port; })) make_orphan(call);
    }
    while (uint32_t place = port->spare) {
        port->spare = slab.next_of(place);
        slab.give_back(place);
    }
    ring(port);
    port->references.fetch_sub(port->credit, std::memory_order_relaxed);
    unreference(port);
}

hcsrt_call *hcsrt_orphans(void) {
    if (!engine.here()->orphans.load(std::memory_order_acquire)) return nullptr;
    return oldest_first(engine->orphans.exchange(nullptr, std::memory_order_acq_rel));
}

}  // extern "C"
