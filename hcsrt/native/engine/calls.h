/* Calls: how they complete and are delivered, what is collected, and what happens to it if nobody wants it. */
#ifndef HCSRT_ENGINE_CALLS_H
#define HCSRT_ENGINE_CALLS_H

#include "core/results.h"
#include "engine/shared.h"

namespace hcsrt::engine {

/* The context of a callback or a signal: the generation and the index of its call. */
inline void *ticket_of(const Call *call) {
    uint64_t generation = word::generation_of(word::load(call->word));
    return reinterpret_cast<void *>(static_cast<uintptr_t>(generation | call->index));
}

/* The port of a call is closed: a worker releases all that it has of HCS, and then it is an orphan. */
void make_orphan(Call *call);

/* By the one who completed the call or holds it. After this only the receiver may touch it. */
inline void deliver(Call *call) {
    Port *port = call->port.load(std::memory_order_relaxed);
    if (!port) {
        hcsrt_call_complete(call);
        return;
    }
    bool closed;
    if (push(port->delivered, call, call, &closed)) wake(port);
    if (closed) make_orphan(call);
    unreference(port);
}

/* What the ticket names has happened. */
inline void signal(void *ticket) {
    uint64_t given = reinterpret_cast<uintptr_t>(ticket);
    uint32_t index = static_cast<uint32_t>(given & word::FLAGS);
    if (index >= engine->slab.size()) return;
    Call *call = engine->slab.slot(index);
    switch (word::signal(call->word, word::generation_of(given))) {
    case word::Signal::DELIVER: deliver(call); break;
    case word::Signal::NOTED: break;
    case word::Signal::REPEATED: engine->repeated.fetch_add(1, std::memory_order_relaxed); break;
    case word::Signal::STALE: engine->stale.fetch_add(1, std::memory_order_relaxed); break;
    }
}

/* When to ask for a call that is still pending in so long. A little later for most: each look is at all calls, so many
 * calls have to be due at a time. */
inline int64_t look_time(int64_t now, uint32_t look_ms) {
    int64_t step = look_ms < LOOKS_A_WAIT ? 1 : look_ms / LOOKS_A_WAIT;
    return (now + look_ms + step - 1) / step * step;
}

/* By the holder. False: something has happened meanwhile, and the caller goes on holding the call. */
inline bool unhold(Call *call) {
    uint32_t look_ms = call->look_ms;
    call->look_at.store(look_time(now_ms(), look_ms), std::memory_order_relaxed);
    if (!word::unhold(call->word)) return false;
    if (look_ms < CALLBACK_LOOK_MS || !engine->supervisor.is_looking()) engine->supervisor.want_look();
    return true;
}

/* Asks HCS for the outcome, waiting at most so long. Stores what it hands out; returns its verdict. */
hcsrt_result query(Call *call, uint32_t milliseconds);

/* True: the outcome is HCS's last word. */
inline bool collect(Call *call, uint32_t milliseconds = 0) {
    if (!call->collected) {
        hcsrt_result result = query(call, milliseconds);
        call->outcome.result = result;
        call->collected = result != HCSRT_E_OPERATION_PENDING;
    }
    return call->collected;
}

/* The outcome is this, and HCS is not asked. */
inline void conclude(Call *call, hcsrt_result result) {
    call->outcome.result = result;
    call->collected = true;
}

/* Gives the slot back, after everything of HCS. */
void free_slot(Call *call);

/* By the holder of a call that has completed, was abandoned or is disconnected. */
void complete_held(Call *call);

/* Gives a call that HCS still has to the reaper, with what it creates. */
void give_to_reaper(Call *call);

/* An abandoned call is announced to the reaper until that has it, or nothing is left of it; here this ends, once. */
void unannounce(Call *call);

/* Closes the handle of what the call creates. */
hcsrt_close closer_of(const Call *call);

}  // namespace hcsrt::engine

#endif
