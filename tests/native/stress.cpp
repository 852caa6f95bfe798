/* Threads meet at one handle with every operation at once, round after round, over core/state.h itself. The native
 * handle has plain fields, so that a sanitizer sees each access that the state word fails to order. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/state.h"

namespace {

struct Native {
    int alive;
    long payload;
};

struct Handle {
    Native *raw;
    uint32_t state;
};

/* Relaxed, so that counting orders nothing that the state word should. */
class Count {
  public:
    void operator++() { value_.fetch_add(1, std::memory_order_relaxed); }
    operator long() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<long> value_{0};
};

struct Tally {
    Count used, refused, released, deferred, detached, busy;
};

constexpr int THREADS = 5;
Handle *current;
Tally tally;

class Barrier {
  public:
    void wait() {
        int generation = generation_.load();
        if (arrived_.fetch_add(1) == THREADS - 1) {
            arrived_.store(0);
            generation_.store(generation + 1);
            return;
        }
        while (generation_.load() == generation) std::this_thread::yield();
    }

  private:
    std::atomic<int> arrived_{0}, generation_{0};
} barrier;

void fail(const char *what) {
    std::fprintf(stderr, "violation: %s\n", what);
    std::abort();
}

void native_close(Native *native) {
    if (native->alive != 1) fail("double release");
    native->alive = 0;
    native->payload = -1;
    delete native;
    ++tally.released;
}

void release(Handle *handle) {
    Native *native = handle->raw;
    handle->raw = nullptr;
    native_close(native);
    hcsrt_state_finish(&handle->state);
}

void use(Handle *handle, unsigned *seed) {
    for (int i = 0; i < 6; ++i) {
        if (hcsrt_state_enter(&handle->state) != HCSRT_OK) {
            ++tally.refused;
            continue;
        }
        Native *native = handle->raw;
        if (!native || native->alive != 1) fail("use of a dead handle");
        if (rand_r(seed) % 3 == 0) std::this_thread::yield();
        if (native->alive != 1) fail("released during a call");
        ++tally.used;
        if (hcsrt_state_leave(&handle->state)) release(handle);
    }
}

void close(Handle *handle) {
    if (hcsrt_state_close(&handle->state)) release(handle);
    else ++tally.deferred;
    if (hcsrt_state_enter(&handle->state) == HCSRT_OK) fail("entered after close");
}

void detach(Handle *handle) {
    int status = hcsrt_state_detach(&handle->state);
    if (status == HCSRT_BUSY) ++tally.busy;
    if (status != HCSRT_OK) return;
    Native *native = handle->raw;
    handle->raw = nullptr;
    if (native->alive != 1) fail("gave away a dead handle");
    native->alive = 2;
    delete native;
    ++tally.detached;
}

void renew(long round) {
    current = new Handle{new Native{1, round}, 0};
    hcsrt_state_adopt(&current->state);
}

void work(int id, long rounds) {
    unsigned seed = static_cast<unsigned>(id) * 7919u + 1u;
    for (long round = 0; round < rounds; ++round) {
        barrier.wait();
        Handle *handle = current;
        switch ((id + round) % THREADS) {
        case 3:
            if (rand_r(&seed) % 3) close(handle);
            break;
        case 4: detach(handle); break;
        default: use(handle, &seed);
        }
        barrier.wait();
        if (id != 0) continue;
        if (hcsrt_state_is_idle(handle->state)) native_close(handle->raw);
        else if (handle->state != HCSRT_CLOSING) fail("the last state is neither idle nor finished");
        delete handle;
        renew(round);
    }
}

}  // namespace

int main(int count, char **arguments) {
    long rounds = count > 1 ? std::atol(arguments[1]) : 20000;
    renew(0);
    std::vector<std::thread> threads;
    for (int id = 0; id < THREADS; ++id) threads.emplace_back(work, id, rounds);
    for (std::thread &thread : threads) thread.join();
    delete current->raw;
    delete current;
    std::printf("%ld rounds: used %ld, refused %ld, released %ld, deferred or late %ld, given away %ld, busy %ld\n",
                rounds, long(tally.used), long(tally.refused), long(tally.released), long(tally.deferred),
                long(tally.detached), long(tally.busy));
    return tally.released + tally.detached == rounds ? 0 : 1;
}
