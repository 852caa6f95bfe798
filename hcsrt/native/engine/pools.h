/* Pools of workers, and the lanes in which calls of one handle wait for one another. */
#ifndef HCSRT_ENGINE_POOLS_H
#define HCSRT_ENGINE_POOLS_H

#include <chrono>

#include "core/spin.h"
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

constexpr int64_t NEVER = INT64_MAX;

inline int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

struct Lane {
    void *subject;
    hcsrt_lane kind;
    uint32_t running;
    Queue waiting;
    Lane *next; /* of its bucket, or of those to spare */
};

/* What is written by one processor and read by another stands in a cache line of its own. */
struct Pool {
    alignas(LINE) std::atomic<Call *> inbox{nullptr};
    alignas(LINE) std::atomic<uint32_t> bell{0};
    std::atomic<uint32_t> threads{0}, idle{0};
    std::atomic<uint32_t> looking{0}; /* workers that will see a call without being woken */
    Spin spin;
    alignas(LINE) Lock lock;
    /* Under the lock: */
    static constexpr uint32_t BUCKETS = 4096;
    Queue ready;
    Lane *lanes[BUCKETS] = {};
    Lane *spare = nullptr;

    /* False: the system has no thread to give. */
    bool ensure_worker() { return threads.load(std::memory_order_acquire) || start_worker(); }

    void submit(Call *first, Call *last) {
        if (push(inbox, first, last)) encourage();
    }

    /* For a call that somebody waits for with a thread: it wakes one more worker, whatever the others do. */
    void submit_at_once(Call *call);

    /* By a worker that has found no call, and has just made one that somebody waited for: the next one often follows. */
    bool look(uint32_t heard) {
        looking.fetch_add(1);
        bool changed = spin.until_changed(bell, heard);
        looking.fetch_sub(1);
        return changed;
    }

    /* Whether calls wait for a worker, or did just now. */
    bool has_calls() {
        if (inbox.load(std::memory_order_acquire)) return true;
        Locked locked(lock);
        return ready.count;
    }

    /* Tells a worker that there is something to do. */
    void encourage();

    /* The next call that may be started; *more: there is another one. */
    Call *next(bool *more) {
        Locked locked(lock);
        if (inbox.load(std::memory_order_acquire)) accept();
        Call *call = ready.pop();
        *more = ready.count;
        return call;
    }

    /* Ends a call's turn in its lane: the native call has returned. True: another one of the lane may be started. */
    bool leave_lane(Call *call) {
        Lane *lane = call->lane;
        call->lane = nullptr;
        if (!lane) return false;
        Locked locked(lock);
        if (Call *next = lane->waiting.pop()) {
            next->since = now_ms();
            ready.push(next);
            return true;
        }
        if (!--lane->running) {
            *find(lane->subject, lane->kind) = lane->next;
            lane->next = spare;
            spare = lane;
        }
        return false;
    }

    /* There is a lane for each slot of the slab: however many calls come, none waits for memory here. */
    void add_lanes(Lane *first, uint32_t count);

    /* Whether there is one worker too many, which is the caller then. */
    bool retire();

    /* Called by the supervisor: gets more workers if a call waits for one. True: look again soon. */
    bool tend(int64_t now);

  private:
    bool start_worker();
    void accept();

    Lane **find(void *subject, hcsrt_lane kind) {
        uintptr_t address = reinterpret_cast<uintptr_t>(subject);
        Lane **link = &lanes[(address >> 4 ^ address >> 12) % BUCKETS];
        while (*link && ((*link)->subject != subject || (*link)->kind != kind)) link = &(*link)->next;
        return link;
    }
};

/* The body of a worker's thread. */
void work(void *pool);

}  // namespace hcsrt::engine

#endif
