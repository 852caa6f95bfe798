#include "core/forks.h"

#if !defined(_WIN32)
#  include <pthread.h>
#  include <unistd.h>
#endif

extern "C" {

hcsrt_forks hcsrt_forks_seen = {1, 0};

#if defined(_WIN32)

uint32_t hcsrt_find_fork(void) { return hcsrt_forks_seen.seen; }
int hcsrt_forks_watch(void (*)(void)) { return 1; }

#else

namespace {

constexpr int MOST = 2;
void (*calls_in_child[MOST])(void);
std::atomic<pid_t> process{0};
bool found = false; /* before our hook has run */

void become_child() {
    process.store(getpid(), std::memory_order_relaxed);
    hcsrt_forks_seen.main_thread = reinterpret_cast<unsigned long>(pthread_self());
    __atomic_fetch_add(&hcsrt_forks_seen.seen, 1, __ATOMIC_ACQ_REL);
    for (auto call : calls_in_child)
        if (call) call();
}

constexpr uint32_t EPOCH = HCSRT_FORK_UNDER_WAY - 1;

void before_fork() { __atomic_fetch_add(&hcsrt_forks_seen.seen, HCSRT_FORK_UNDER_WAY, __ATOMIC_ACQ_REL); }

void in_parent() { __atomic_fetch_sub(&hcsrt_forks_seen.seen, HCSRT_FORK_UNDER_WAY, __ATOMIC_ACQ_REL); }

void in_child() {
    if (!found) become_child();
    found = false;
    __atomic_fetch_and(&hcsrt_forks_seen.seen, EPOCH, __ATOMIC_RELEASE);
}

}  // namespace

uint32_t hcsrt_find_fork(void) {
    pid_t before = process.load(std::memory_order_relaxed), now = getpid();
    if (before != now && process.compare_exchange_strong(before, now)) {
        found = true;
        become_child();
    }
    return __atomic_load_n(&hcsrt_forks_seen.seen, __ATOMIC_ACQUIRE) & EPOCH;
}

int hcsrt_forks_watch(void (*in_child_too)(void)) {
    int place = 0;
    while (place < MOST && calls_in_child[place] && calls_in_child[place] != in_child_too) ++place;
    if (place == MOST && in_child_too) return 0;
    if (in_child_too) calls_in_child[place] = in_child_too;
    if (process.load(std::memory_order_relaxed)) return 1;
    if (pthread_atfork(before_fork, in_parent, in_child)) return 0;
    process.store(getpid(), std::memory_order_relaxed);
    return 1;
}

#endif

}  // extern "C"
