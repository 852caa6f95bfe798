/* Ports: each receives the calls of one event loop. */
#ifndef HCSRT_ENGINE_PORTS_H
#define HCSRT_ENGINE_PORTS_H

#include "engine/slab.h"

struct hcsrt_port {
    std::atomic<hcsrt_call *> delivered{nullptr};
    std::atomic<uint32_t> references{1};
    std::atomic<uint32_t> bell{0};
    std::atomic<bool> asleep{false}; /* its thread needs a wake-up for the bell */
    int reader = -1, writer = -1;
    /* The owner's alone, in a line of its own: its writes do not slow down the threads that push. */
    alignas(hcsrt::engine::LINE) hcsrt_call *newest = nullptr;
    hcsrt_call *oldest = nullptr;     /* a chain of calls that were not sent to a worker yet */
    hcsrt_call *given_back = nullptr; /* a chain of calls that no worker has released yet */
    hcsrt_call *last_given_back = nullptr;
    uint32_t unsent = 0;
    uint32_t spare = 0;  /* the place of the first slot that it keeps for its next calls */
    uint32_t credit = 0; /* references that it keeps for them */
};

namespace hcsrt::engine {

void wake(Port *port);
void ring(Port *port); /* for a port without a descriptor */
void clear_wake(Port *port);
void delete_port(Port *port);

/* Each call that is to be delivered has a reference, so that the wake-up does not go to a closed descriptor. */
inline void unreference(Port *port) {
    if (port->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete_port(port);
}

}  // namespace hcsrt::engine

#endif
