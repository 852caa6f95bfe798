#include "engine/supervisor.h"

namespace hcsrt::engine {

namespace {

/* Asks for the calls that are due. Returns when the next one is; NEVER if none is pending. */
int64_t look(int64_t now) {
    int64_t next = NEVER;
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        uint64_t seen = call->word.load(std::memory_order_seq_cst);
        bool lost = (seen & FLAGS) == (LIVE | LOST);
        if ((seen & FLAGS) != LIVE && !lost) continue;
        int64_t due = lost ? now : call->look_at.load(std::memory_order_relaxed);
        if (due > now) {
            if (due < next) next = due;
            continue;
        }
        if (!call->word.compare_exchange_strong(seen, seen | HELD, std::memory_order_acq_rel)) continue;
        if (lost) {
            settle(call);
            continue;
        }
        bool over = fetch(call);
        if (over) engine->asked.fetch_add(1, std::memory_order_relaxed);
        else if (call->look_ms < CALLBACK_LOOK_MS)
            call->look_ms = call->look_ms * 2 < LAST_LOOK_MS ? call->look_ms * 2 : LAST_LOOK_MS;
        due = now + call->look_ms;
        if (over || !let_go(call)) settle(call);
        else if (due < next) next = due;
    }
    return next;
}

void supervise(void *argument) {
    Engine *self = static_cast<Engine *>(argument);
    int64_t due = NEVER, tend_at = NEVER;
    for (;;) {
        uint32_t heard = self->bell.load();
        int64_t now = now_ms();
        /* Not at once: most calls that wait for a worker when the alarm is given do not for long. */
        if (tend_at == NEVER && self->alarmed.load()) tend_at = now + WAKE_MS;
        if (now >= tend_at) {
            self->alarmed.store(false);
            bool again = self->ordinary.tend(now);
            again |= self->urgent.tend(now);
            if (again) self->alarmed.store(true);
            tend_at = again ? now + WAKE_MS : NEVER;
        }
        if (self->look_wanted.exchange(false) || now >= due) {
            due = look(now);
            if (due == NEVER) {
                self->looking.store(false, std::memory_order_seq_cst);
                due = look(now);
            }
            if (due != NEVER) self->looking.store(true, std::memory_order_seq_cst);
        }
        int64_t next = due < tend_at ? due : tend_at;
        uint32_t pause = next == NEVER ? FOREVER : next > now ? static_cast<uint32_t>(next - now) : 0;
        if (pause) hcsrt::wait_on(self->bell, heard, pause);
    }
}

}  // namespace

bool ensure(Pool *pool) {
    uint32_t not_yet = 0;
    if (!engine->supervised.load(std::memory_order_acquire)) {
        if (!engine->links.reaper_start()) return false;
        if (engine->supervised.compare_exchange_strong(not_yet, 1, std::memory_order_acq_rel) &&
            !hcsrt::start_thread(supervise, engine)) {
            engine->supervised.store(0, std::memory_order_release);
            return false;
        }
    }
    return pool->threads.load(std::memory_order_acquire) || pool->start_worker();
}

}  // namespace hcsrt::engine
