#include "core/streams.h"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

#include "core/stdio_handle.h"

extern "C" {

void hcsrt_transfer_begin(hcsrt_transfer *transfer, hcsrt_handle stream, void *buffer, size_t size, int writing) {
    *transfer = {stream, buffer, size, writing, nullptr};
}

/* Tries, sleeps until the descriptor is ready, tries again: a ready descriptor costs one system call. */
int64_t hcsrt_transfer_step(hcsrt_transfer *transfer, uint32_t milliseconds) {
    int descriptor = hcsrt_stdio_descriptor(transfer->stream);
    for (bool waited = false;; waited = true) {
        ssize_t moved = transfer->writing ? write(descriptor, transfer->buffer, transfer->size)
                                          : read(descriptor, transfer->buffer, transfer->size);
        if (moved >= 0) return moved;
        /* A pseudo-terminal whose last program has gone answers so instead of with an end of file. */
        if (errno == EIO && !transfer->writing) return 0;
        if (errno == EINTR) return -EAGAIN;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return -errno;
        if (waited) return -EAGAIN;
        struct pollfd ready = {descriptor, static_cast<short>(transfer->writing ? POLLOUT : POLLIN), 0};
        if (poll(&ready, 1, static_cast<int>(milliseconds)) < 0) return errno == EINTR ? -EAGAIN : -errno;
    }
}

/* Nothing is ever under way here between two steps, and no step sleeps for longer than its time. */
int64_t hcsrt_transfer_end(hcsrt_transfer *) { return 0; }
void hcsrt_stream_interrupt(hcsrt_handle) {}

}  // extern "C"
