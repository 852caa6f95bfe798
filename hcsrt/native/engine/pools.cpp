#include <new>

#include "engine/calls.h"

namespace hcsrt::engine {

namespace {

void work(void *argument) {
    Pool *pool = static_cast<Pool *>(argument);
    for (;;) {
        uint32_t heard = pool->bell.load();
        bool more;
        if (Call *call = pool->take(&more)) {
            if (more) alarm();
            perform(call);
            continue;
        }
        int64_t began = now_ms();
        pool->idle.fetch_add(1);
        hcsrt::wait_on(pool->bell, heard, IDLE_MS);
        pool->idle.fetch_sub(1);
        if (now_ms() - began >= IDLE_MS && pool->retire()) return;
    }
}

}  // namespace

bool Pool::start_worker() {
    threads.fetch_add(1, std::memory_order_acq_rel);
    if (hcsrt::start_thread(work, this)) return true;
    threads.fetch_sub(1, std::memory_order_acq_rel);
    return false;
}

void Pool::submit(Call *first, Call *last) {
    if (!push(inbox, first, last)) return;
    encourage();
}

/* There is something to do that no worker has been told of. One that is awake will look for it, unless its call takes
 * long: more than one is woken by the supervisor only, since it costs fast calls more than it gains them. */
void Pool::encourage() {
    bell.fetch_add(1);
    if (idle.load() == threads.load()) hcsrt::wake_one(bell);
    else alarm();
}

/* A call that goes through a lane goes through it once. */
bool has_lane(const Call *call) {
    const hcsrt_request &request = call->request;
    return call->stage == Stage::MAKE && request.subject && request.lane != HCSRT_LANE_NONE &&
           request.lane != HCSRT_LANE_URGENT && !call->asked;
}

Lane **Pool::find(void *subject, hcsrt_lane kind) {
    uintptr_t address = reinterpret_cast<uintptr_t>(subject);
    Lane **link = &lanes[(address >> 4 ^ address >> 12) % BUCKETS];
    while (*link && ((*link)->subject != subject || (*link)->kind != kind)) link = &(*link)->next;
    return link;
}

/* From the inbox to the lanes, and from these to the ready; under the lock. */
void Pool::accept() {
    if (!inbox.load(std::memory_order_acquire)) return;
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
            if (!lane && (lane = spare ? spare : new (std::nothrow) Lane)) {
                if (lane == spare) spare = lane->next;
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

Call *Pool::take(bool *more) {
    Locked locked(lock);
    accept();
    Call *call = ready.pop();
    *more = ready.count;
    return call;
}

/* The native call has returned: the next one of the lane may be made. */
void Pool::leave_lane(Call *call) {
    Lane *lane = call->lane;
    call->lane = nullptr;
    if (!lane) return;
    bool more = false;
    {
        Locked locked(lock);
        if (Call *next = lane->waiting.pop()) {
            next->since = now_ms();
            ready.push(next);
            more = true;
        } else if (!--lane->running) {
            *find(lane->subject, lane->kind) = lane->next;
            lane->next = spare;
            spare = lane;
        }
    }
    /* This worker may go on to wait for the call. */
    if (more && engine->wait) encourage();
}

/* True: one worker too many, and the caller is the one. */
bool Pool::retire() {
    Locked locked(lock);
    if (threads.load() <= 1 || ready.count || inbox.load()) return false;
    threads.fetch_sub(1);
    return true;
}

/* By the supervisor: more workers if a call waits for one. True: look again soon. */
bool Pool::tend(int64_t now) {
    uint32_t waiting;
    int64_t age;
    {
        Locked locked(lock);
        accept();
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
    for (; more && asleep; --more, --asleep) hcsrt::wake_one(bell);
    for (; more && age >= GROW_MS && threads.load() < MOST_WORKERS; --more)
        if (!start_worker()) break;
    return threads.load() < MOST_WORKERS || idle.load();
}

}  // namespace hcsrt::engine
