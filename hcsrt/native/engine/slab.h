/* The calls themselves, in memory that is never returned. */
#ifndef HCSRT_ENGINE_SLAB_H
#define HCSRT_ENGINE_SLAB_H

#include <atomic>
#include <cstddef>

#include "core/threads.h"
#include "engine/engine.h"
#include "engine/word.h"

static_assert(sizeof(void *) == 8, "the context of a callback carries a slot and a generation");

namespace hcsrt::engine {

using Call = hcsrt_call;
using Port = hcsrt_port;
struct Lane;

constexpr size_t LINE = 64;

/* What a worker is to do with a call. */
enum class Stage : uint8_t { START, RELEASE, ORPHAN };

}  // namespace hcsrt::engine

/* Few cache lines should pass between processors: a completion needs the first, and the second for the outcome. The
 * others belong to the submitter and the worker. */
struct alignas(hcsrt::engine::LINE) hcsrt_call {
    hcsrt::engine::word::Word word{hcsrt::engine::word::ONE_GENERATION};
    hcsrt_call *next = nullptr; /* in the one list that the call is in */
    std::atomic<hcsrt_port *> port{nullptr};
    hcsrt_operation operation = nullptr;
    hcsrt_complete complete = nullptr;
    void *context = nullptr;
    uint32_t index = 0;
    hcsrt::engine::Stage stage = hcsrt::engine::Stage::START;
    bool urgent = false;
    bool has_info = false;
    bool is_waited = false;                                  /* a worker waits for its end, as for a blocking call */
    std::atomic<bool> is_pending{false};                     /* HCS has said so to that worker */
    bool collected = false;                                  /* the outcome is HCS's last word */
    bool unannounced = false;                                /* the announcement to the reaper was taken back */
    alignas(hcsrt::engine::LINE) hcsrt_outcome outcome = {}; /* empty again when the call is free */
    std::atomic<void *> subject{nullptr}; /* the request's, for readers that cannot know whose the slot is now */
    alignas(hcsrt::engine::LINE) hcsrt_request request = {};
    hcsrt::engine::Lane *lane = nullptr;
    int64_t since = 0;
    std::atomic<int64_t> look_at{0};
    uint32_t look_ms = 0;
};

namespace hcsrt::engine {

/* Slots are named by their place, which is their index + 1; 0 is none. */
class Slab {
  public:
    /* Indices below are those of slots. */
    uint32_t size() const { return size_.load(std::memory_order_acquire); }

    Call *slot(uint32_t index) const { return &chunk_of(index)->calls[index % SLOTS_A_CHUNK]; }

    /* The slot after this one in a list of free slots. */
    std::atomic<uint32_t> &next_of(uint32_t place) const {
        return chunk_of(place - 1)->next_free[(place - 1) % SLOTS_A_CHUNK];
    }

    void give_back(uint32_t place) {
        uint64_t head = free_.load(std::memory_order_acquire), next;
        do {
            next_of(place).store(static_cast<uint32_t>(head & PLACE), std::memory_order_relaxed);
            next = ((head & ~PLACE) + ONE_CHANGE) | place;
        } while (!free_.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_acquire));
    }

    /* Takes a chain of at most so many free slots; returns the first, or 0. */
    uint32_t get(uint32_t most) {
        uint64_t head = free_.load(std::memory_order_acquire);
        while (uint32_t first = static_cast<uint32_t>(head & PLACE)) {
            /* If others change the list meanwhile, this may walk along used slots; then the count differs. */
            uint32_t last = first;
            for (uint32_t count = 1, next; count < most && (next = next_of(last)); ++count) last = next;
            uint64_t rest = ((head & ~PLACE) + ONE_CHANGE) | next_of(last);
            if (!free_.compare_exchange_weak(head, rest, std::memory_order_acq_rel, std::memory_order_acquire))
                continue;
            next_of(last).store(0, std::memory_order_relaxed);
            return first;
        }
        return 0;
    }

    /* Makes some slots if none is free. False: no memory. */
    bool grow();

  private:
    static constexpr uint32_t SLOTS_A_CHUNK = 256;
    static constexpr uint32_t MOST_CHUNKS = 4096;
    static constexpr uint64_t PLACE = 0xFFFFFFFFu;
    static constexpr uint64_t ONE_CHANGE = PLACE + 1;

    struct Chunk {
        Call calls[SLOTS_A_CHUNK];
        /* Beside the slots, none of which has to be fetched to walk the list. */
        std::atomic<uint32_t> next_free[SLOTS_A_CHUNK] = {};
    };

    Chunk *chunk_of(uint32_t index) const { return chunks_[index / SLOTS_A_CHUNK].load(std::memory_order_acquire); }

    /* A slot's index is below the size, and its chunk is there. */
    std::atomic<Chunk *> chunks_[MOST_CHUNKS] = {};
    std::atomic<uint32_t> size_{0};
    alignas(LINE) std::atomic<uint64_t> free_{0}; /* a count of changes, and the first free slot */
    Lock growth_;
};

}  // namespace hcsrt::engine

#endif
