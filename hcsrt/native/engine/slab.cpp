#include <new>

#include "engine/shared.h"

namespace hcsrt::engine {

bool add_chunk() {
    Locked locked(engine->growth);
    if (engine->free.load(std::memory_order_acquire) & FLAGS) return true;
    uint32_t slots = engine->slots.load(std::memory_order_relaxed);
    if (slots / SLOTS_A_CHUNK == MOST_CHUNKS) return false;
    Chunk *chunk = new (std::nothrow) Chunk;
    if (!chunk) return false;
    engine->chunks[slots / SLOTS_A_CHUNK].store(chunk, std::memory_order_release);
    engine->slots.store(slots + SLOTS_A_CHUNK, std::memory_order_release);
    for (uint32_t i = SLOTS_A_CHUNK; i-- > 0;) {
        chunk->calls[i].index = slots + i;
        put_slot(slots + i + 1);
    }
    return true;
}

}  // namespace hcsrt::engine
