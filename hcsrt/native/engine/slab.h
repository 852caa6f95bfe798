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

using hcsrt::FOREVER;
using hcsrt::Lock;
using hcsrt::Locked;
using Call = hcsrt_call;
using Port = hcsrt_port;

constexpr size_t LINE = 64;

struct Lane;

enum class Stage : uint8_t { MAKE, RELEASE, ORPHAN };

}  // namespace hcsrt::engine

/* What passes between processors should be few cache lines: the first is all that a completion needs, with the second for
 * its outcome, and the others are the submitter's and the worker's. */
struct alignas(hcsrt::engine::LINE) hcsrt_call {
    std::atomic<uint64_t> word{hcsrt::engine::ONE_GENERATION};
    hcsrt_call *next = nullptr; /* in the one list that the call is in */
    std::atomic<hcsrt_port *> port{nullptr};
    hcsrt_operation operation = nullptr;
    hcsrt_complete complete = nullptr;
    void *context = nullptr;
    uint32_t index = 0;
    hcsrt::engine::Stage stage = hcsrt::engine::Stage::MAKE;
    bool urgent = false;
    bool has_info = false;
    bool fetched = false;   /* the outcome is HCS's last word */
    bool asked = false;     /* it is made once more, to ask what became of a process */
    bool off_books = false; /* it was announced to the reaper, which counts it itself by now, if at all */
    alignas(hcsrt::engine::LINE) hcsrt_outcome outcome = {}; /* empty again when the call is free */
    std::atomic<void *> subject{nullptr}; /* the request's, for who cannot know whether the slot is used anew */
    alignas(hcsrt::engine::LINE) hcsrt_request request = {};
    hcsrt::engine::Lane *lane = nullptr;
    int64_t since = 0;
    std::atomic<int64_t> look_at{0};
    uint32_t look_ms = 0;
    hcsrt_outcome first = {}; /* what a create said that failed, while its process is asked for */
};

namespace hcsrt::engine {

constexpr uint32_t SLOTS_A_CHUNK = 256;
constexpr uint32_t MOST_CHUNKS = 4096;

struct Chunk {
    Call calls[SLOTS_A_CHUNK];
    /* For a free slot: the index + 1 of the next one. Not in the slots, each of which would have to be fetched for it. */
    std::atomic<uint32_t> next_free[SLOTS_A_CHUNK] = {};
};

}  // namespace hcsrt::engine

#endif
