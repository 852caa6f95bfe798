/* What all parts of the engine share. */
#ifndef HCSRT_ENGINE_SHARED_H
#define HCSRT_ENGINE_SHARED_H

#include <chrono>

#include "engine/pools.h"
#include "engine/ports.h"

namespace hcsrt::engine {

/* A call with a callback is asked for when it has been pending so long; one without is asked for ever less often. */
constexpr uint32_t CALLBACK_LOOK_MS = 1000;
constexpr uint32_t FIRST_LOOK_MS = 2;
constexpr uint32_t LAST_LOOK_MS = 250;

constexpr int64_t NEVER = INT64_MAX;

inline int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

struct Engine {
    bool wait = false;
    hcsrt_engine_links links = {};
    Pool ordinary, urgent;
    std::atomic<uint32_t> waiters{0};
    std::atomic<int64_t> stale{0}, repeated{0}, asked{0};

    /* The slab. A slot's index is below `slots`, and its chunk is there. */
    std::atomic<Chunk *> chunks[MOST_CHUNKS] = {};
    std::atomic<uint32_t> slots{0};
    alignas(LINE) std::atomic<uint64_t> free{0}; /* a count of changes, and the index + 1 of the first free slot */
    Lock growth;
    alignas(LINE) std::atomic<int64_t> submitted{0};
    alignas(LINE) std::atomic<int64_t> released{0};

    /* The supervisor. */
    alignas(LINE) std::atomic<uint32_t> supervised{0};
    std::atomic<uint32_t> bell{0};
    std::atomic<bool> alarmed{false}, look_wanted{false}, looking{false};

    std::atomic<Call *> orphans{nullptr};
    Lock notice_lock;
    void (*notice)(void) = nullptr;
};

/* Never destroyed: native threads outlive static destructors. Replaced in a forked child, whose threads are gone. */
extern Engine *engine;

/* A process has one HCS. */
extern std::atomic<const HcsApi *> chosen;

inline const HcsApi *hcs() { return chosen.load(std::memory_order_acquire); }

inline void ring() {
    engine->bell.fetch_add(1);
    hcsrt::wake_all(engine->bell);
}

/* Lets the supervisor see soon whether calls wait for a worker. */
inline void alarm() {
    if (!engine->alarmed.exchange(true)) ring();
}

inline Pool *pool_of(const Call *call) { return call->urgent ? &engine->urgent : &engine->ordinary; }

inline Chunk *chunk_of(uint32_t index) { return engine->chunks[index / SLOTS_A_CHUNK].load(std::memory_order_acquire); }

inline Call *slot(uint32_t index) { return &chunk_of(index)->calls[index % SLOTS_A_CHUNK]; }

inline std::atomic<uint32_t> &next_of(uint32_t place) {
    return chunk_of(place - 1)->next_free[(place - 1) % SLOTS_A_CHUNK];
}

inline void put_slot(uint32_t place) {
    uint64_t head = engine->free.load(std::memory_order_acquire), next;
    do {
        next_of(place).store(static_cast<uint32_t>(head & FLAGS), std::memory_order_relaxed);
        next = ((head & ~FLAGS) + ONE_GENERATION) | place;
    } while (!engine->free.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_acquire));
}

/* Takes a chain of free slots, at most so many; the index + 1 of the first, 0 if there is none. */
inline uint32_t take_slots(uint32_t most) {
    uint64_t head = engine->free.load(std::memory_order_acquire);
    while (uint32_t first = static_cast<uint32_t>(head & FLAGS)) {
        /* While others take and put, this walks along slots that are not free any more; the count of changes tells. */
        uint32_t last = first;
        for (uint32_t count = 1, next; count < most && (next = next_of(last)); ++count) last = next;
        uint64_t rest = ((head & ~FLAGS) + ONE_GENERATION) | next_of(last);
        if (!engine->free.compare_exchange_weak(head, rest, std::memory_order_acq_rel, std::memory_order_acquire))
            continue;
        next_of(last).store(0, std::memory_order_relaxed);
        return first;
    }
    return 0;
}

bool add_chunk();

}  // namespace hcsrt::engine

#endif
