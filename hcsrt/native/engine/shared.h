/* What all parts of the engine share. */
#ifndef HCSRT_ENGINE_SHARED_H
#define HCSRT_ENGINE_SHARED_H

#include "backends/backends.h"
#include "core/events.h"
#include "core/forks.h"
#include "core/reaper.h"
#include "engine/pools.h"
#include "engine/ports.h"
#include "engine/supervisor.h"

namespace hcsrt::engine {

/* What is written by one processor and read by another stands in a cache line of its own. */
struct Engine {
    /* What a forked child keeps. */
    static inline bool wait = false;
    static inline void (*notice)(void) = nullptr;

    Pool ordinary, urgent;
    std::atomic<uint32_t> waiters{0};
    std::atomic<int64_t> stale{0}, repeated{0}, asked{0};
    Slab slab;
    alignas(LINE) std::atomic<int64_t> submitted{0};
    alignas(LINE) std::atomic<int64_t> released{0};
    alignas(LINE) Supervisor supervisor;
    std::atomic<Call *> orphans{nullptr};
    Lock notice_lock;
};

extern OfProcess<Engine> engine;

inline const HcsApi *hcs() { return hcsrt_chosen(); }

inline Pool *pool_of(const Call *call) { return call->urgent ? &engine->urgent : &engine->ordinary; }

}  // namespace hcsrt::engine

#endif
