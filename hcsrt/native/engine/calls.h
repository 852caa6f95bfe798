/* Calls: how they are made, how they arrive, and what becomes of what they bring. */
#ifndef HCSRT_ENGINE_CALLS_H
#define HCSRT_ENGINE_CALLS_H

#include "engine/shared.h"

namespace hcsrt::engine {

/* On a worker: makes a call, or releases what it has. */
void perform(Call *call);

void arrive(Call *call);
void settle(Call *call);
bool let_go(Call *call);
bool fetch(Call *call);
hcsrt_result ask(Call *call, uint32_t milliseconds);
void hand_over(Call *call);
void close_books(Call *call);
void dispose(Call *call);
void dispose_created(Call *call);
hcsrt_close closer_of(const Call *call);
void renew(Call *call);
void signal(void *ticket);
void free_call(Call *call);
void orphan(Call *call);
void forward(Call *call);

enum class Withdrawn : uint8_t {
    TAKEN,  /* the call belongs to the caller, who has to release or forward it */
    NOTED,  /* it will arrive, or was abandoned before */
    RENEWED /* nothing was done: `seen` is of another generation, which may be that of the same call */
};

Withdrawn withdraw(Call *call, uint64_t seen);

bool is_doubtful(const Call *call);
void make_again(Call *call);
void wait_again(Call *call);

inline bool is_abandoned(const Call *call) { return call->word.load(std::memory_order_acquire) & ABANDONED; }
inline bool is_lost(const Call *call) { return call->word.load(std::memory_order_acquire) & LOST; }

inline void *ticket_of(const Call *call) {
    uint64_t generation = call->word.load(std::memory_order_relaxed) & ~FLAGS;
    return reinterpret_cast<void *>(static_cast<uintptr_t>(generation | call->index));
}

}  // namespace hcsrt::engine

#endif
