/* Lists of calls: one without a lock, and one to use under a lock. */
#ifndef HCSRT_ENGINE_LISTS_H
#define HCSRT_ENGINE_LISTS_H

#include "engine/slab.h"

namespace hcsrt::engine {

/* What a closed port has for a list. */
inline Call *const CLOSED = reinterpret_cast<Call *>(static_cast<uintptr_t>(1));

/* True: the list was empty. False for a closed port, too, with *closed set. */
inline bool push(std::atomic<Call *> &list, Call *first, Call *last, bool *closed = nullptr) {
    Call *seen = list.load(std::memory_order_acquire);
    do {
        if (closed && (*closed = seen == CLOSED)) return false;
        last->next = seen;
    } while (!list.compare_exchange_weak(seen, first, std::memory_order_acq_rel, std::memory_order_acquire));
    return !seen;
}

inline Call *oldest_first(Call *newest_first) {
    Call *result = nullptr;
    while (Call *call = newest_first) {
        newest_first = call->next;
        call->next = result;
        result = call;
    }
    return result;
}

struct Queue {
    Call *first = nullptr, *last = nullptr;
    uint32_t count = 0;

    void push(Call *call) {
        call->next = nullptr;
        (first ? last->next : first) = call;
        last = call;
        ++count;
    }
    Call *pop() {
        Call *call = first;
        if (!call) return nullptr;
        first = call->next;
        --count;
        return call;
    }
};

}  // namespace hcsrt::engine

#endif
