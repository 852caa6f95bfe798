/* The supervisor: a thread that asks for calls which stay pending, and wakes or starts workers. */
#ifndef HCSRT_ENGINE_SUPERVISOR_H
#define HCSRT_ENGINE_SUPERVISOR_H

#include <atomic>
#include <cstdint>

#include "core/threads.h"

namespace hcsrt::engine {

/* Times after which a pending call is asked for: the first with a callback, the others (growing) without one. */
constexpr uint32_t CALLBACK_LOOK_MS = 1000;
constexpr uint32_t FIRST_LOOK_MS = 2;
constexpr uint32_t LAST_LOOK_MS = 250;
/* Looks at all calls in the time after which one is asked for, at most, however many calls there are. */
constexpr uint32_t LOOKS_A_WAIT = 8;

class Supervisor {
  public:
    /* Starts the supervisor and the reaper if there are none. False: the system has no thread to give. */
    bool ensure() { return thread_.is_started() || start(); }

    /* Lets it see soon whether calls wait for a worker. */
    void alarm() {
        if (!alarmed_.exchange(true)) ring();
    }

    /* Lets it look at all calls. */
    void want_look() {
        look_wanted_.store(true);
        ring();
    }

    /* False: it has found nothing to look at, and sleeps, or will after it has looked once more. */
    bool is_looking() const { return looking_.load(std::memory_order_seq_cst); }

  private:
    bool start();
    void run();
    void ring() {
        bell_.fetch_add(1);
        wake_all(bell_);
    }

    LazyThread thread_;
    std::atomic<uint32_t> bell_{0};
    std::atomic<bool> alarmed_{false}, look_wanted_{false}, looking_{false};
};

}  // namespace hcsrt::engine

#endif
