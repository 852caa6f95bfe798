/* A short look for what comes soon, before a thread goes to sleep for it: to wake a thread takes longer than most calls. */
#ifndef HCSRT_SPIN_H
#define HCSRT_SPIN_H

#include <atomic>
#include <cstdint>

#if defined(_MSC_VER)
#  include <intrin.h>
#endif

namespace hcsrt {

inline void pause_processor() {
#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
    _mm_pause();
#elif defined(_MSC_VER)
    __yield();
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Where it has been in vain a few times, as on one processor or beside busy ones, it is tried once in a while only. */
class Spin {
  public:
    /* True: the word is not as it was seen any more. */
    bool until_changed(const std::atomic<uint32_t> &word, uint32_t seen) {
        if (!may_try()) return false;
        for (uint32_t i = 0; i < LOOKS; ++i) {
            if (word.load(std::memory_order_acquire) != seen) {
                failures_.store(0, std::memory_order_relaxed);
                return true;
            }
            pause_processor();
        }
        failures_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }

  private:
    static constexpr uint32_t LOOKS = 400;
    static constexpr uint32_t FEW = 4, RARELY = 256;

    bool may_try() {
        uint32_t failures = failures_.load(std::memory_order_relaxed);
        if (failures < FEW) return true;
        return failures_.fetch_add(1, std::memory_order_relaxed) % RARELY == 0;
    }

    std::atomic<uint32_t> failures_{0};
};

}  // namespace hcsrt

#endif
