/* Ports: where the calls of one event loop are delivered. */
#ifndef HCSRT_ENGINE_PORTS_H
#define HCSRT_ENGINE_PORTS_H

#include "engine/slab.h"

struct hcsrt_port {
    std::atomic<hcsrt_call *> arrived{nullptr};
    std::atomic<uint32_t> references{1};
    std::atomic<uint32_t> bell{0};
    int reader = -1, writer = -1;
    /* Of the owner alone, whose writes would cost the threads that push their own line: */
    alignas(hcsrt::engine::LINE) hcsrt_call *newest = nullptr;
    hcsrt_call *oldest = nullptr; /* a chain of calls that were not sent to a worker yet */
    uint32_t unsent = 0;
    uint32_t spare = 0;  /* the index + 1 of the first slot that it keeps for its next calls */
    uint32_t credit = 0; /* references that it keeps for them */
};

namespace hcsrt::engine {

void close_descriptors(Port *port);
void wake(Port *port);

inline void drop(Port *port) {
    if (port->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    close_descriptors(port);
    delete port;
}

}  // namespace hcsrt::engine

#endif
