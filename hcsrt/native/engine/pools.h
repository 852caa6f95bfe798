/* Pools of workers, and the lanes in which calls of one handle wait for one another. */
#ifndef HCSRT_ENGINE_POOLS_H
#define HCSRT_ENGINE_POOLS_H

#include "engine/lists.h"

namespace hcsrt::engine {

/* How long a call waits before one more worker is woken for it, or started, and how long a worker waits for a call. */
constexpr int64_t WAKE_MS = 1;
constexpr int64_t GROW_MS = 5;
constexpr uint32_t IDLE_MS = 10000;

/* Workers of each pool that may hang in HCS at the same time. */
constexpr uint32_t MOST_WORKERS = 256;

/* Queries of one handle that may be inside HCS at the same time. */
constexpr uint32_t QUERY_WIDTH = 64;

struct Lane {
    void *subject;
    hcsrt_lane kind;
    uint32_t running;
    Queue waiting;
    Lane *next;
};

/* What is written by one processor and read by another stands in a cache line of its own, here and below. */
struct Pool {
    alignas(LINE) std::atomic<Call *> inbox{nullptr};
    alignas(LINE) std::atomic<uint32_t> bell{0};
    std::atomic<uint32_t> threads{0}, idle{0};
    alignas(LINE) Lock lock;
    /* Under the lock: */
    static constexpr uint32_t BUCKETS = 256;
    Queue ready;
    Lane *lanes[BUCKETS] = {};
    Lane *spare = nullptr;

    bool start_worker();
    void submit(Call *first, Call *last);
    void encourage();
    void accept();
    Lane **find(void *subject, hcsrt_lane kind);
    Call *take(bool *more);
    void leave_lane(Call *call);
    bool retire();
    bool tend(int64_t now);
};

}  // namespace hcsrt::engine

#endif
