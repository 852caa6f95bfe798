#include "core/streams.h"

#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stdio_handle.h"

extern "C" {

void hcsrt_transfer_begin(hcsrt_transfer *transfer, hcsrt_handle stream, void *buffer, size_t size, int mode) {
    *transfer = {stream, buffer, size, mode, nullptr};
}

/* Tries, sleeps until the descriptor is ready, tries again: a ready descriptor costs one system call. One that blocks
 * is tried only when it is ready, and then takes PIPE_BUF bytes. It may become one that blocks while this sleeps. */
int64_t hcsrt_transfer_step(hcsrt_transfer *transfer, uint32_t milliseconds) {
    int descriptor = hcsrt_stdio_descriptor(transfer->stream);
    bool writing = transfer->mode & HCSRT_TRANSFER_WRITE, blocking = transfer->mode & HCSRT_TRANSFER_BLOCKING;
    size_t size = blocking && writing && transfer->size > PIPE_BUF ? PIPE_BUF : transfer->size;
    for (bool waited = false;; waited = true) {
        if (waited || !(blocking || transfer->request)) {
            ssize_t moved =
                writing ? write(descriptor, transfer->buffer, size) : read(descriptor, transfer->buffer, size);
            if (moved >= 0) return moved;
            /* A pseudo-terminal whose last program has gone answers so instead of with an end of file. */
            if (errno == EIO && !writing) return 0;
            if (errno == EINTR) return -EAGAIN;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return -errno;
            if (waited) return -EAGAIN;
        }
        struct pollfd ready = {descriptor, static_cast<short>(writing ? POLLOUT : POLLIN), 0};
        transfer->request = transfer;
        int count = poll(&ready, 1, static_cast<int>(milliseconds));
        if (count < 0) return errno == EINTR ? -EAGAIN : -errno;
        if (count == 0) return -EAGAIN;
    }
}

/* Nothing is ever under way here between two steps, and no step sleeps for longer than its time. */
int64_t hcsrt_transfer_end(hcsrt_transfer *) { return 0; }
void hcsrt_stream_interrupt(hcsrt_handle) {}

/* The flag is of our end alone: the other end of a pipe has its own. Of anything else that is not known. */
int hcsrt_stream_share(hcsrt_handle stream) {
    int descriptor = hcsrt_stdio_descriptor(stream);
    struct stat facts;
    if (fstat(descriptor, &facts) != 0) return -errno;
    if (!S_ISFIFO(facts.st_mode)) return -ENOTSUP;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) != 0) return -errno;
    return descriptor;
}

}  // extern "C"
