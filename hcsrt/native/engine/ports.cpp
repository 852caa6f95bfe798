#include <new>

#include "core/results.h"
#include "engine/calls.h"

#if !defined(_WIN32)
#  include <errno.h>
#  include <fcntl.h>
#  include <unistd.h>
#  if defined(__linux__)
#    include <sys/eventfd.h>
#  endif
#endif

namespace hcsrt::engine {

void close_descriptors(Port *port) {
#if !defined(_WIN32)
    if (port->reader >= 0) close(port->reader);
    if (port->writer >= 0 && port->writer != port->reader) close(port->writer);
#endif
    port->reader = port->writer = -1;
}

namespace {

bool open_descriptors(Port *port) {
#if defined(_WIN32)
    (void)port;
    return false;
#elif defined(__linux__)
    port->reader = port->writer = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return port->reader >= 0;
#else
    int ends[2];
    if (pipe(ends)) return false;
    for (int end : ends) {
        fcntl(end, F_SETFL, O_NONBLOCK);
        fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    port->reader = ends[0];
    port->writer = ends[1];
    return true;
#endif
}

}  // namespace

void wake(Port *port) {
#if !defined(_WIN32)
    if (port->writer >= 0) {
        /* If there is no room, a wake-up that nobody has cleared is there already. */
        uint64_t one = 1;
        ssize_t written = write(port->writer, &one, port->writer == port->reader ? sizeof one : 1);
        (void)written;
        return;
    }
#endif
    port->bell.fetch_add(1, std::memory_order_acq_rel);
    hcsrt::wake_all(port->bell);
}

namespace {

void clear_wake(Port *port) {
#if !defined(_WIN32)
    uint64_t some[8];
    if (port->reader >= 0)
        while (read(port->reader, some, sizeof some) == static_cast<ssize_t>(sizeof some)) {}
#else
    (void)port;
#endif
}

}  // namespace

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

uint32_t hcsrt_port_unsent(const hcsrt_port *port) { return port->unsent; }

void hcsrt_port_send(hcsrt_port *port) {
    if (!port->unsent) return;
    Call *newest = port->newest;
    port->newest = nullptr;
    port->unsent = 0;
    engine->ordinary.submit(newest, port->oldest);
}

hcsrt_port *hcsrt_port_new(int with_descriptor) {
    Port *port = new (std::nothrow) Port;
    if (port && with_descriptor && !open_descriptors(port)) {
        delete port;
        return nullptr;
    }
    return port;
}

int hcsrt_port_descriptor(const hcsrt_port *port) { return port->reader; }

uint32_t hcsrt_port_wait(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) {
    if (port->bell.load(std::memory_order_acquire) == seen) hcsrt::wait_on(port->bell, seen, milliseconds);
    return port->bell.load(std::memory_order_acquire);
}

int hcsrt_port_has_arrived(const hcsrt_port *port) {
    Call *newest = port->arrived.load(std::memory_order_acquire);
    return newest && newest != CLOSED;
}

hcsrt_call *hcsrt_port_take(hcsrt_port *port) {
    clear_wake(port);
    Call *chain = oldest_first(port->arrived.exchange(nullptr, std::memory_order_acq_rel));
    Call **link = &chain;
    while (Call *call = *link) {
        if (fetch(call) && !(is_doubtful(call) && !is_abandoned(call))) {
            if (call->asked && hcsrt_failed(call->outcome.result) && call->first.document) {
                hcsrt_char *second = call->outcome.document;
                call->outcome.document = call->first.document;
                call->first.document = second;
            }
            if (call->asked && hcsrt_failed(call->outcome.result)) call->outcome.result = call->first.result;
            link = &call->next;
            continue;
        }
        *link = call->next;
        if (call->fetched) make_again(call);
        else wait_again(call);
    }
    return chain;
}

void hcsrt_port_close(hcsrt_port *port) {
    hcsrt_port_send(port);
    Call *chain = port->arrived.exchange(CLOSED, std::memory_order_acq_rel);
    while (Call *call = chain) {
        chain = call->next;
        forward(call);
    }
    uint32_t slots = engine->slots.load(std::memory_order_acquire);
    for (uint32_t index = 0; index < slots; ++index) {
        Call *call = slot(index);
        Withdrawn how;
        do {
            uint64_t seen = call->word.load(std::memory_order_acquire);
            bool ours = (seen & LIVE) && call->port.load(std::memory_order_relaxed) == port;
            how = ours ? withdraw(call, seen) : Withdrawn::NOTED;
        } while (how == Withdrawn::RENEWED);
        if (how == Withdrawn::TAKEN) forward(call);
    }
    while (uint32_t place = port->spare) {
        port->spare = next_of(place);
        put_slot(place);
    }
    port->bell.fetch_add(1, std::memory_order_acq_rel);
    hcsrt::wake_all(port->bell);
    port->references.fetch_sub(port->credit, std::memory_order_relaxed);
    drop(port);
}

void hcsrt_port_forget(hcsrt_port *port) { close_descriptors(port); }

}  // extern "C"
