#include "streams.h"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

#include "stdio_handle.h"

namespace {

/* Tries, sleeps until the descriptor is ready, tries again: a ready descriptor costs one system call. */
template <typename Move>
int64_t move(int descriptor, short ready, uint32_t milliseconds, Move move_bytes) {
    for (bool waited = false;; waited = true) {
        ssize_t moved = move_bytes();
        if (moved >= 0) return moved;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return -errno;
        if (waited) return -EAGAIN;
        struct pollfd poll_for = {descriptor, ready, 0};
        if (poll(&poll_for, 1, static_cast<int>(milliseconds)) < 0) return errno == EINTR ? -EAGAIN : -errno;
    }
}

}  // namespace

extern "C" {

int64_t hcsrt_stream_read(hcsrt_handle stream, void *buffer, size_t size, uint32_t milliseconds) {
    int descriptor = hcsrt_stdio_descriptor(stream);
    int64_t got = move(descriptor, POLLIN, milliseconds, [=] { return read(descriptor, buffer, size); });
    /* A pseudo-terminal whose last program has gone answers so instead of with an end of file. */
    return got == -EIO ? 0 : got == -EINTR ? -EAGAIN : got;
}

int64_t hcsrt_stream_write(hcsrt_handle stream, const void *buffer, size_t size, uint32_t milliseconds) {
    int descriptor = hcsrt_stdio_descriptor(stream);
    int64_t put = move(descriptor, POLLOUT, milliseconds, [=] { return write(descriptor, buffer, size); });
    return put == -EINTR ? -EAGAIN : put;
}

}  // extern "C"
