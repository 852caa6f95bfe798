/* What native code needs of threads: to start one that nobody joins, and to sleep on a word without a lock. */
#ifndef HCSRT_THREADS_H
#define HCSRT_THREADS_H

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>

#if defined(_WIN32)
#  ifndef WIN32_LEAN_AND_MEAN
#    define WIN32_LEAN_AND_MEAN
#  endif
#  include <windows.h>
#else
#  include <pthread.h>
#  include <signal.h>
#  include <time.h>
#  if defined(__linux__)
#    include <linux/futex.h>
#    include <sys/syscall.h>
#    include <unistd.h>
#  elif defined(__APPLE__)
extern "C" int __ulock_wait(uint32_t operation, void *address, uint64_t value, uint32_t microseconds);
extern "C" int __ulock_wake(uint32_t operation, void *address, uint64_t value);
#  endif
#endif

/* Before `thread_local`: data that comes with its thread. Otherwise glibc looks for memory when a thread first touches what
 * a library has of each, and ends the process if there is none. A library has a few hundred bytes of such data at most. */
#if defined(__GLIBC__)
#  define HCSRT_FROM_THE_START [[gnu::tls_model("initial-exec")]]
#else
#  define HCSRT_FROM_THE_START
#endif

namespace hcsrt {

constexpr uint32_t FOREVER = 0xFFFFFFFFu;

/* The C++ library has data for each thread that throws. The C library finds memory for it where the thread throws first,
 * and ends the process if there is none, so that an error for want of memory would never come to its handler. False:
 * there is none. */
inline bool prepare_to_throw() {
    constexpr size_t MORE_THAN_ENOUGH = 1024;
    void *volatile probe = std::malloc(MORE_THAN_ENOUGH);
    if (!probe) return false;
    std::free(probe);
    volatile int thrown = std::uncaught_exceptions();
    (void)thrown;
    return true;
}

/* Starts body(argument) on a detached thread that takes no signals. False: the system has no thread to give, or no memory
 * for one. */
inline bool start_thread(void (*body)(void *), void *argument) {
    struct Start {
        void (*body)(void *);
        void *argument;
    };
    Start *start = new (std::nothrow) Start{body, argument};
    if (!start) return false;
#if defined(_WIN32)
    HANDLE thread = CreateThread(
        nullptr, 0,
        [](void *given) -> DWORD {
            Start copy = *static_cast<Start *>(given);
            delete static_cast<Start *>(given);
            copy.body(copy.argument);
            return 0;
        },
        start, 0, nullptr);
    if (thread) CloseHandle(thread);
    else delete start;
    return thread != nullptr;
#else
    /* Python's signal handlers belong to Python's threads: a signal that lands here would not wake the main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_t thread;
    int failed = pthread_create(
        &thread, &attributes,
        [](void *given) -> void * {
            Start copy = *static_cast<Start *>(given);
            delete static_cast<Start *>(given);
            prepare_to_throw();
            copy.body(copy.argument);
            return nullptr;
        },
        start);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failed) delete start;
    return !failed;
#endif
}

/* Sleeps while *word == seen, at most `milliseconds`. May return early: look again. */
inline void wait_on(std::atomic<uint32_t> &word, uint32_t seen, uint32_t milliseconds) {
#if defined(_WIN32)
    WaitOnAddress(&word, &seen, sizeof seen, milliseconds == FOREVER ? INFINITE : milliseconds);
#elif defined(__linux__)
    struct timespec span = {static_cast<time_t>(milliseconds / 1000),
                            static_cast<long>(milliseconds % 1000) * 1000000L};
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, milliseconds == FOREVER ? nullptr : &span, nullptr, 0);
#elif defined(__APPLE__)
    constexpr uint32_t compare_and_wait = 1, no_errno = 0x01000000;
    uint32_t capped = milliseconds > 1000000u ? 1000000u : milliseconds;
    __ulock_wait(compare_and_wait | no_errno, &word, seen, capped * 1000u);
#else
    struct timespec span = {0, 2000000L};
    if (word.load(std::memory_order_acquire) == seen && milliseconds) nanosleep(&span, nullptr);
#endif
}

/* Wakes everyone who sleeps on the word. Takes no lock and allocates nothing: for callback threads. */
inline void wake_all(std::atomic<uint32_t> &word) {
#if defined(_WIN32)
    WakeByAddressAll(&word);
#elif defined(__linux__)
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7FFFFFFF, nullptr, nullptr, 0);
#elif defined(__APPLE__)
    constexpr uint32_t compare_and_wait = 1, wake_every = 0x100, no_errno = 0x01000000;
    __ulock_wake(compare_and_wait | wake_every | no_errno, &word, 0);
#else
    (void)word;
#endif
}

/* Wakes one of those who sleep on the word; as wake_all. */
inline void wake_one(std::atomic<uint32_t> &word) {
#if defined(_WIN32)
    WakeByAddressSingle(&word);
#elif defined(__linux__)
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#elif defined(__APPLE__)
    constexpr uint32_t compare_and_wait = 1, no_errno = 0x01000000;
    __ulock_wake(compare_and_wait | no_errno, &word, 0);
#else
    (void)word;
#endif
}

/* A lock that needs no destructor and no library. Not for callback threads. */
class Lock {
  public:
    void acquire() {
        uint32_t free = 0;
        if (word_.compare_exchange_strong(free, TAKEN, std::memory_order_acquire)) return;
        while (word_.exchange(CONTENDED, std::memory_order_acquire) != 0) wait_on(word_, CONTENDED, FOREVER);
    }
    void release() {
        if (word_.exchange(0, std::memory_order_release) == CONTENDED) wake_one(word_);
    }

  private:
    static constexpr uint32_t TAKEN = 1, CONTENDED = 2;
    std::atomic<uint32_t> word_{0};
};

class Locked {
  public:
    explicit Locked(Lock &lock) : lock_(lock) { lock_.acquire(); }
    ~Locked() { lock_.release(); }
    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;

  private:
    Lock &lock_;
};

/* A thread that is started when it is first needed. Not for callback threads. */
class LazyThread {
  public:
    bool is_started() const { return started_.load(std::memory_order_acquire); }

    /* False: the system has no thread to give. Who comes while another one tries learns what came of it. */
    bool ensure(void (*body)(void *), void *argument) {
        if (is_started()) return true;
        Locked locked(starting_);
        if (!is_started()) started_.store(start_thread(body, argument), std::memory_order_release);
        return is_started();
    }

  private:
    Lock starting_;
    std::atomic<bool> started_{false};
};

}  // namespace hcsrt

#endif
