#include "engine/supervisor.h"

#include "engine/calls.h"

namespace hcsrt::engine {

namespace {

/* Asks for the calls that are due. Returns when the next one is; NEVER if none is pending. */
int64_t look(int64_t now) {
    int64_t next = NEVER;
    uint32_t slots = engine->slab.size();
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = engine->slab.slot(index);
        uint64_t seen = word::load_in_order(call->word);
        bool cut_off = word::is_cut_off(seen);
        if (!word::is_pending(seen) && !cut_off) continue;
        int64_t due = cut_off ? now : call->look_at.load(std::memory_order_relaxed);
        if (due > now) {
            if (due < next) next = due;
            continue;
        }
        if (!word::hold(call->word, seen)) continue;
        if (cut_off) {
            complete_held(call);
            continue;
        }
        bool completed = collect(call);
        if (completed) engine->asked.fetch_add(1, std::memory_order_relaxed);
        else if (call->look_ms < CALLBACK_LOOK_MS)
            call->look_ms = call->look_ms * 2 < LAST_LOOK_MS ? call->look_ms * 2 : LAST_LOOK_MS;
        due = look_time(now, call->look_ms);
        if (completed || !unhold(call)) complete_held(call);
        else if (due < next) next = due;
    }
    return next;
}

}  // namespace

void Supervisor::run() {
    int64_t due = NEVER, tend_at = NEVER;
    for (;;) {
        uint32_t heard = bell_.load();
        int64_t now = now_ms();
        /* Not at once: most calls that wait for a worker at the alarm soon get one. */
        if (tend_at == NEVER && alarmed_.load()) tend_at = now + WAKE_MS;
        if (now >= tend_at) {
            alarmed_.store(false);
            bool again = engine->ordinary.tend(now);
            again |= engine->urgent.tend(now);
            if (again) alarmed_.store(true);
            tend_at = again ? now + WAKE_MS : NEVER;
        }
        if (look_wanted_.exchange(false) || now >= due) {
            due = look(now);
            if (due == NEVER) {
                looking_.store(false, std::memory_order_seq_cst);
                due = look(now);
            }
            if (due != NEVER) looking_.store(true, std::memory_order_seq_cst);
        }
        int64_t next = due < tend_at ? due : tend_at;
        uint32_t pause = next == NEVER ? FOREVER : next > now ? static_cast<uint32_t>(next - now) : 0;
        if (pause) wait_on(bell_, heard, pause);
    }
}

bool Supervisor::start() {
    return hcsrt_reaper_start() && thread_.ensure([](void *self) { static_cast<Supervisor *>(self)->run(); }, this);
}

}  // namespace hcsrt::engine
