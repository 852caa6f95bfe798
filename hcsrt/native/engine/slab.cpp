#include "engine/slab.h"

#include <new>

#include "engine/shared.h"

namespace hcsrt::engine {

bool Slab::grow() {
    Locked locked(growth_);
    if (free_.load(std::memory_order_acquire) & PLACE) return true;
    uint32_t slots = size_.load(std::memory_order_relaxed);
    if (slots / SLOTS_A_CHUNK == MOST_CHUNKS) return false;
    Chunk *chunk = new (std::nothrow) Chunk;
    Lane *lanes = chunk ? new (std::nothrow) Lane[2 * SLOTS_A_CHUNK] : nullptr;
    if (!lanes) {
        delete chunk;
        return false;
    }
    engine->ordinary.add_lanes(lanes, SLOTS_A_CHUNK);
    engine->urgent.add_lanes(lanes + SLOTS_A_CHUNK, SLOTS_A_CHUNK);
    chunks_[slots / SLOTS_A_CHUNK].store(chunk, std::memory_order_release);
    size_.store(slots + SLOTS_A_CHUNK, std::memory_order_release);
    for (uint32_t i = SLOTS_A_CHUNK; i-- > 0;) {
        chunk->calls[i].index = slots + i;
        give_back(slots + i + 1);
    }
    return true;
}

}  // namespace hcsrt::engine
