/* Work for other threads: those who want it wait for the end, look for it now and then, or leave it before. Each work is
 * done once, what nobody waits for is counted until it is, and the threads are few if the work is short. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/aside.h"
#include "core/reaper.h"

namespace {

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

struct Work {
    std::atomic<int> done{0};
    std::atomic<bool> *may_end = nullptr;
    int result = 0; /* plain: the end of the work has to order it */
};

void work(void *argument) {
    Work *self = static_cast<Work *>(argument);
    while (self->may_end && !self->may_end->load()) std::this_thread::yield();
    self->result = 1;
    self->done.fetch_add(1);
}

void wait_for(hcsrt_aside *aside) {
    while (!hcsrt_aside_wait(aside, 1000)) {}
}

void want(unsigned seed, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        Work here;
        hcsrt_aside *aside = hcsrt_aside_begin(work, &here);
        if (!aside) fail("no thread");
        seed = seed * 1103515245u + 12345u;
        if (seed >> 16 & 1) {
            hcsrt_aside_abandon(aside);
            while (!hcsrt_aside_wait(aside, 0)) std::this_thread::yield();
        } else wait_for(aside);
        if (here.result != 1 || here.done.load() != 1) fail("not done, or more than once");
        hcsrt_aside_release(aside);
    }
}

/* None of them waits for another one that hangs. */
void hang() {
    constexpr int MANY = 12;
    std::atomic<bool> may_end{false};
    Work hanging[MANY], last;
    hcsrt_aside *asides[MANY];
    for (int i = 0; i < MANY; ++i) {
        hanging[i].may_end = &may_end;
        asides[i] = hcsrt_aside_begin(work, &hanging[i]);
        if (hcsrt_aside_wait(asides[i], 1)) fail("done although it hangs");
        hcsrt_aside_abandon(asides[i]);
    }
    if (hcsrt_reaper_pending() != MANY) fail("what hangs is not counted");
    hcsrt_aside *aside = hcsrt_aside_begin(work, &last);
    wait_for(aside);
    hcsrt_aside_release(aside);
    may_end = true;
    for (hcsrt_aside *each : asides) {
        wait_for(each);
        hcsrt_aside_release(each);
    }
}

}  // namespace

int main(int argc, char **argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 6; ++i) threads.emplace_back(want, i, rounds);
    for (std::thread &thread : threads) thread.join();
    hang();
    if (hcsrt_reaper_pending() != 0) fail("something is still counted");
}
