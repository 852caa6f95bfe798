#include "engine/ports.h"

#include <new>

#include "core/spin.h"
#include "engine/shared.h"

#if !defined(_WIN32)
#  include <fcntl.h>
#  include <unistd.h>
#  if defined(__linux__)
#    include <sys/eventfd.h>
#  endif
#endif

namespace hcsrt::engine {

namespace {

void close_descriptors(Port *port) {
#if !defined(_WIN32)
    if (port->reader >= 0) close(port->reader);
    if (port->writer >= 0 && port->writer != port->reader) close(port->writer);
#endif
    port->reader = port->writer = -1;
}

/* Of all threads that wait for calls: it is the processors that tell whether it is worth while. */
Spin spin;

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
    ring(port);
}

void ring(Port *port) {
    /* In one order with what the waiting thread writes and reads before it goes to sleep. */
    port->bell.fetch_add(1);
    if (port->asleep.load()) hcsrt::wake_all(port->bell);
}

void clear_wake(Port *port) {
#if !defined(_WIN32)
    uint64_t some[8];
    if (port->reader >= 0)
        while (read(port->reader, some, sizeof some) == static_cast<ssize_t>(sizeof some)) {}
#else
    (void)port;
#endif
}

void delete_port(Port *port) {
    close_descriptors(port);
    delete port;
}

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

int hcsrt_port_is_unsent(const hcsrt_port *port) { return port->newest || port->given_back; }

void hcsrt_port_send(hcsrt_port *port) {
    Call *first = port->newest, *last = port->oldest;
    if (port->given_back) {
        /* A worker begins at the end of the chain: with the calls that are to be made. */
        port->last_given_back->next = first;
        if (!first) last = port->last_given_back;
        first = port->given_back;
    }
    if (!first) return;
    port->newest = port->given_back = nullptr;
    port->unsent = 0;
    engine->ordinary.submit(first, last);
}

hcsrt_port *hcsrt_port_new(int with_descriptor) {
    engine.here();
    Port *port = new (std::nothrow) Port;
    if (port && with_descriptor && !open_descriptors(port)) {
        delete port;
        return nullptr;
    }
    return port;
}

int hcsrt_port_descriptor(const hcsrt_port *port) { return port->reader; }

uint32_t hcsrt_port_wait(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) {
    port->asleep.store(true);
    if (port->bell.load() == seen) hcsrt::wait_on(port->bell, seen, milliseconds);
    port->asleep.store(false, std::memory_order_relaxed);
    return port->bell.load(std::memory_order_acquire);
}

uint32_t hcsrt_port_count(const hcsrt_port *port) { return port->bell.load(std::memory_order_acquire); }

uint32_t hcsrt_port_await(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) {
    if (spin.until_changed(port->bell, seen)) return port->bell.load(std::memory_order_acquire);
    return hcsrt_port_wait(port, seen, milliseconds);
}

int hcsrt_port_has_calls(const hcsrt_port *port) {
    Call *newest = port->delivered.load(std::memory_order_acquire);
    return newest && newest != CLOSED;
}

void hcsrt_port_close_copy(hcsrt_port *port) { close_descriptors(port); }

}  // extern "C"
