#include "engine/pools.h"

#include "engine/shared.h"

namespace hcsrt::engine {

namespace {

bool has_lane(const Call *call) {
    const hcsrt_request &request = call->request;
    return call->stage == Stage::START && request.subject && request.lane != HCSRT_LANE_NONE &&
           request.lane != HCSRT_LANE_URGENT;
}

}  // namespace

bool Pool::start_worker() {
    threads.fetch_add(1, std::memory_order_acq_rel);
    if (start_thread(work, this)) return true;
    threads.fetch_sub(1, std::memory_order_acq_rel);
    /* Who counted on this thread meanwhile gets one as soon as the system has it. */
    engine->supervisor.alarm();
    return false;
}

/* Wakes at most one: a worker that is awake looks for more by itself, unless its call takes long. More are woken by the
 * supervisor only, since that costs fast calls more than it gains them. */
void Pool::encourage() {
    bell.fetch_add(1);
    uint32_t asleep = idle.load();
    if (asleep && asleep == threads.load()) wake_one(bell);
    else engine->supervisor.alarm();
}

void Pool::submit_at_once(Call *call) {
    push(inbox, call, call);
    bell.fetch_add(1);
    if (looking.load()) return;
    if (idle.load()) wake_one(bell);
    else engine->supervisor.alarm();
}

/* From the inbox to the lanes, and from these to the ready; under the lock. */
void Pool::accept() {
    Call *call = oldest_first(inbox.exchange(nullptr, std::memory_order_acq_rel));
    int64_t now = now_ms();
    while (call) {
        Call *next = call->next;
        call->since = now;
        call->lane = nullptr;
        if (has_lane(call)) {
            hcsrt_lane kind = call->request.lane;
            Lane **link = find(call->request.subject, kind);
            Lane *lane = *link;
            if (!lane) {
                lane = spare;
                spare = lane->next;
                *lane = Lane{call->request.subject, kind, 0, {}, nullptr};
                *link = lane;
            }
            call->lane = lane;
        }
        if (!call->lane) ready.push(call);
        else if (call->lane->running == (call->lane->kind == HCSRT_LANE_QUERY ? QUERY_WIDTH : 1))
            call->lane->waiting.push(call);
        else {
            ++call->lane->running;
            ready.push(call);
        }
        call = next;
    }
}

void Pool::add_lanes(Lane *first, uint32_t count) {
    Locked locked(lock);
    for (uint32_t i = 0; i < count; ++i) {
        first[i].next = spare;
        spare = &first[i];
    }
}

bool Pool::retire() {
    Locked locked(lock);
    if (threads.load() <= 1 || ready.count || inbox.load()) return false;
    threads.fetch_sub(1);
    return true;
}

bool Pool::tend(int64_t now) {
    uint32_t waiting;
    int64_t age;
    {
        Locked locked(lock);
        if (inbox.load(std::memory_order_acquire)) accept();
        waiting = ready.count;
        if (!waiting) return false;
        age = now - ready.first->since;
        if (age < WAKE_MS) return true;
    }
    /* Twice as many as are busy, so that a few steps suffice for many that hang, and few are woken for few. */
    uint32_t asleep = idle.load(), here = threads.load();
    uint32_t more = here > asleep ? here - asleep : 1;
    if (more > waiting) more = waiting;
    bell.fetch_add(1);
    for (; more && asleep; --more, --asleep) wake_one(bell);
    for (; more && age >= GROW_MS && threads.load() < MOST_WORKERS; --more)
        if (!start_worker()) break;
    return threads.load() < MOST_WORKERS || idle.load();
}

}  // namespace hcsrt::engine
