/* Forks of this process: what a child finds of its parent's state, and how it gets its own.
 *
 * Somebody else's fork may be followed by an exec, or by a hook of Python, or by nothing; and hooks run in an order that
 * nobody chooses. So a fork of ours takes no lock, allocates nothing and starts no thread: it changes two words. What
 * belongs to one process has the epoch of that process with it, and is made anew when a child first uses it. */
#ifndef HCSRT_FORKS_H
#define HCSRT_FORKS_H

#include "core/state.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hcsrt_forks {
    /* The epoch, which grows by one in each forked child, and above it the number of forks that threads of this process
     * are making, which in a child stays until our hook has run. One word, since each use of a handle reads both. */
    uint32_t seen;
    unsigned long main_thread; /* as PyThread_get_thread_ident() tells it: in a child the thread that has forked */
} hcsrt_forks;

enum { HCSRT_FORK_UNDER_WAY = 1 << 20 };

extern hcsrt_forks hcsrt_forks_seen;

/* Returns the epoch while a fork is under way: in the child, hooks that run before ours may use what is ours. */
uint32_t hcsrt_find_fork(void);

/* Begins to watch for forks, if nobody has begun yet. `in_child` may be NULL; it is called once in each child, where it must
 * not lock, allocate, or rely on anything but words that are always consistent. Not for several threads at a time. Zero:
 * no memory, or there are too many of them. */
int hcsrt_forks_watch(void (*in_child)(void));

static inline uint32_t hcsrt_epoch_of(const hcsrt_forks *forks, uint32_t (*find_fork)(void)) {
    uint32_t seen = hcsrt_word_load((uint32_t *)&forks->seen);
    return seen < HCSRT_FORK_UNDER_WAY ? seen : find_fork();
}

/* Kept out of the loops that ask, since it hardly ever runs. */
#if defined(__GNUC__)
__attribute__((cold, noinline, unused))
#elif defined(_MSC_VER)
__declspec(noinline)
#endif
static int
hcsrt_is_other_epoch(uint32_t seen, uint32_t (*find_fork)(void), uint32_t epoch) {
    return seen >= HCSRT_FORK_UNDER_WAY && find_fork() == epoch;
}

/* Whether something with that epoch belongs to this process. While no fork is under way the epoch is the whole word: then
 * one comparison tells. */
static inline int hcsrt_is_epoch(const hcsrt_forks *forks, uint32_t (*find_fork)(void), uint32_t epoch) {
    uint32_t seen = hcsrt_word_load((uint32_t *)&forks->seen);
    return seen == epoch || hcsrt_is_other_epoch(seen, find_fork, epoch);
}

#ifdef __cplusplus
}

#  include <new>

#  include "core/threads.h"

namespace hcsrt {

inline uint32_t epoch() { return hcsrt_epoch_of(&hcsrt_forks_seen, hcsrt_find_fork); }

/* A T that belongs to one process. It is made in its place when a process first uses it, over what is left there of its
 * parent's, and never destroyed: native threads outlive static destructors. */
template <typename T>
class OfProcess {
  public:
    constexpr OfProcess() {}

    /* That of this process. */
    T *here() {
        if (!is_here()) make();
        return operator->();
    }

    /* For whoever works for a call that has come by here(). */
    T *operator->() { return reinterpret_cast<T *>(memory_); }

    /* Whether this process has made its own. */
    bool is_here() const {
        return hcsrt_is_epoch(&hcsrt_forks_seen, hcsrt_find_fork, made_.load(std::memory_order_acquire));
    }

  private:
    static constexpr uint32_t MAKING = 0x80000000u;

    void make() {
        uint32_t seen = made_.load(std::memory_order_acquire), now = epoch();
        while (seen != now) {
            if (seen == (now | MAKING)) {
                wait_on(made_, seen, FOREVER);
                seen = made_.load(std::memory_order_acquire);
            } else if (made_.compare_exchange_strong(seen, now | MAKING, std::memory_order_acquire)) {
                new (memory_) T;
                made_.store(now, std::memory_order_release);
                wake_all(made_);
                return;
            }
        }
    }

    std::atomic<uint32_t> made_{0}; /* the epoch whose T is here */
    alignas(T) unsigned char memory_[sizeof(T)] = {};
};

}  // namespace hcsrt
#endif

#endif
