/* Walks every interleaving of small scripts over native/core/state.h itself.
 *
 * Threads are coroutines. After each access to shared memory a thread stops, and any other may go on. Schedules are
 * replayed from the start, depth first; a state that was seen before (shared memory, and for each thread where it
 * stopped and what it read there) is not walked again. */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <ucontext.h>

#include "core/state.h"

namespace {

struct Shared {
    uint32_t word;
    int raw;   /* 1: the pointer is there */
    int alive; /* 1: the native handle exists */
    int released, given, bound;
};

/* Which part of an operation a thread is in: the same access means something else in each. */
enum Phase : uint64_t { NOTHING, ENTER, INSIDE, BIND, LEAVE, CLOSE, CHECK, RELEASE, FINISH, DETACH, GIVE };

struct Thread {
    ucontext_t context;
    std::vector<char> stack;
    const char *script = nullptr;
    const char *op = nullptr;
    Phase phase = NOTHING;
    uint64_t stopped_at = 0; /* op, phase, access and value, packed */
    bool done = false;
};

Shared shared;
std::vector<Thread> threads;
ucontext_t scheduler;
size_t running;
const char *violation;

void violate(const char *what) {
    if (!violation) violation = what;
}

Thread &self() { return threads[running]; }

void stop(uint64_t access, uint64_t value) {
    uint64_t op = static_cast<uint64_t>(self().op - self().script);
    self().stopped_at = ((op << 8 | self().phase) << 8 | access) << 32 | value;
    swapcontext(&self().context, &scheduler);
}

/* A stop at a place that is not an access to the word. */
enum Place : uint64_t { READ_RAW = 16, FORGOT_RAW, IN_CALL, BOUND, RELEASED, GIVEN, END };

int read_raw() {
    int raw = shared.raw;
    stop(READ_RAW, static_cast<uint64_t>(raw));
    return raw;
}

void release() {
    self().phase = RELEASE;
    int raw = read_raw();
    shared.raw = 0;
    stop(FORGOT_RAW, 0);
    if (!raw || !shared.alive) violate("double release");
    shared.alive = 0;
    ++shared.released;
    stop(RELEASED, 0);
    self().phase = FINISH;
    hcsrt_state_finish(&shared.word);
}

void enter_and_leave(bool bind) {
    self().phase = ENTER;
    if (hcsrt_state_enter(&shared.word) != HCSRT_OK) return;
    self().phase = INSIDE;
    int raw = read_raw();
    if (!raw || !shared.alive) violate("use of a dead handle");
    if (bind) {
        self().phase = BIND;
        if (hcsrt_state_bind(&shared.word) == HCSRT_OK) shared.bound = 1;
        stop(BOUND, 0);
    }
    self().phase = INSIDE;
    stop(IN_CALL, 0);
    if (!shared.alive) violate("released during a call");
    self().phase = LEAVE;
    if (hcsrt_state_leave(&shared.word)) release();
}

void close() {
    self().phase = CLOSE;
    if (hcsrt_state_close(&shared.word)) release();
    self().phase = CHECK;
    if (hcsrt_state_enter(&shared.word) == HCSRT_OK) {
        violate("entered after close");
        hcsrt_state_leave(&shared.word);
    }
}

void detach() {
    self().phase = DETACH;
    if (hcsrt_state_detach(&shared.word) != HCSRT_OK) return;
    if (shared.bound) violate("given away although HCS holds its context");
    self().phase = GIVE;
    int raw = read_raw();
    if (!raw || !shared.alive) violate("gave away a dead handle");
    shared.raw = 0;
    ++shared.given;
    stop(GIVEN, 0);
}

void run_thread() {
    for (; *self().op; ++self().op) {
        switch (*self().op) {
        case 'u': enter_and_leave(false); break;
        case 'b': enter_and_leave(true); break;
        case 'c': close(); break;
        case 'd': detach(); break;
        default: std::abort();
        }
    }
    self().done = true;
    stop(END, 0);
}

void start(const std::vector<std::string> &scripts) {
    shared = {HCSRT_OWNED, 1, 1, 0, 0, 0};
    threads.resize(scripts.size());
    for (size_t i = 0; i < scripts.size(); ++i) {
        Thread &thread = threads[i];
        thread.script = scripts[i].c_str();
        thread.op = thread.script;
        thread.phase = NOTHING;
        thread.stopped_at = 0;
        thread.done = false;
        thread.stack.resize(64 * 1024);
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = thread.stack.data();
        thread.context.uc_stack.ss_size = thread.stack.size();
        thread.context.uc_link = nullptr;
        makecontext(&thread.context, run_thread, 0);
    }
}

void resume(size_t index) {
    running = index;
    swapcontext(&scheduler, &threads[index].context);
}

using State = std::tuple<uint32_t, int, int, int, int, int, std::vector<uint64_t>>;

State snapshot() {
    std::vector<uint64_t> stops;
    for (const Thread &thread : threads) stops.push_back(thread.stopped_at);
    return {shared.word, shared.raw, shared.alive, shared.released, shared.given, shared.bound, stops};
}

/* What __dealloc__ does, once no thread refers to the handle any more. */
void finish() {
    if (hcsrt_state_is_idle(shared.word)) {
        if (!shared.alive) violate("dealloc released a dead handle");
        shared.alive = 0;
        ++shared.released;
    } else if (shared.word & HCSRT_OWNED) {
        violate("leaked: the last state is neither idle nor finished");
    }
    if (shared.released + shared.given != 1) violate("not exactly one of released and given away");
}

size_t walk(const std::vector<std::string> &scripts) {
    std::set<State> seen;
    std::vector<std::vector<size_t>> schedules(1);
    while (!schedules.empty() && !violation) {
        std::vector<size_t> schedule = std::move(schedules.back());
        schedules.pop_back();
        start(scripts);
        for (size_t index : schedule) resume(index);
        for (;;) {
            std::vector<size_t> ready;
            for (size_t i = 0; i < threads.size(); ++i)
                if (!threads[i].done) ready.push_back(i);
            if (!seen.insert(snapshot()).second) break;
            if (ready.empty()) {
                finish();
                break;
            }
            for (size_t i = 1; i < ready.size(); ++i) {
                schedules.push_back(schedule);
                schedules.back().push_back(ready[i]);
            }
            schedule.push_back(ready[0]);
            resume(ready[0]);
        }
        if (violation) {
            std::printf("violation: %s; scripts", violation);
            for (const std::string &script : scripts) std::printf(" %s", script.c_str());
            std::printf("; schedule");
            for (size_t index : schedule) std::printf(" %zu", index);
            std::printf("\n");
        }
    }
    return seen.size();
}

}  // namespace

uint32_t model_observe(int access, uint32_t value) {
    stop(static_cast<uint64_t>(access), value);
    return value;
}

int main() {
    std::vector<std::vector<std::string>> all;
    const char *ops = "ubcd";
    for (const char *a = ops; *a; ++a)
        for (const char *b = a; *b; ++b) {
            all.push_back({std::string(1, *a), std::string(1, *b)});
            for (const char *c = b; *c; ++c)
                all.push_back({std::string(1, *a), std::string(1, *b), std::string(1, *c)});
        }
    for (std::vector<std::string> longer : std::vector<std::vector<std::string>>{{"uc", "uc"},
                                                                                 {"ud", "uc"},
                                                                                 {"cu", "u", "d"},
                                                                                 {"bd", "u"},
                                                                                 {"bd", "bc"},
                                                                                 {"u", "u", "c", "c"},
                                                                                 {"u", "u", "c", "d"},
                                                                                 {"b", "u", "c", "d"}})
        all.push_back(longer);
    size_t states = 0;
    for (const auto &scripts : all) {
        states += walk(scripts);
        if (violation) return 1;
    }
    std::printf("%zu scripts, %zu states, no violation\n", all.size(), states);
    return 0;
}
