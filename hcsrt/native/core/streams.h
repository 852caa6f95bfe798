/* Reading and writing a stdio handle, in steps, so that a close or a signal takes effect between two of them. */
#ifndef HCSRT_STREAMS_H
#define HCSRT_STREAMS_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One read or write. From begin to end the buffer belongs to it, and the caller keeps the handle open. */
typedef struct hcsrt_transfer {
    hcsrt_handle stream;
    void *buffer;
    size_t size;
    int mode;
    void *request; /* what the system works on, on Windows; after a try in vain not NULL elsewhere either */
} hcsrt_transfer;

/* The modes of a transfer, which can be joined. A blocking stream is one whose descriptor another program may have. */
#define HCSRT_TRANSFER_READ 0
#define HCSRT_TRANSFER_WRITE 1
#define HCSRT_TRANSFER_BLOCKING 2

void hcsrt_transfer_begin(hcsrt_transfer *transfer, hcsrt_handle stream, void *buffer, size_t size, int mode);

/* Bytes moved, 0 at the end of a file; or -errno, -EAGAIN if the transfer has not come to anything within the time. */
int64_t hcsrt_transfer_step(hcsrt_transfer *transfer, uint32_t milliseconds);

/* Cancels what is under way, and waits until the system is done with the buffer. Returns the bytes moved even so. */
int64_t hcsrt_transfer_end(hcsrt_transfer *transfer);

/* Lets other programs use the stream too: its descriptor blocks from now on, as they expect. Returns the descriptor,
 * or -errno; -ENOTSUP where no other program can use what the stream is. */
int hcsrt_stream_share(hcsrt_handle stream);

/* Makes the steps of other threads return soon, for a close that follows. */
void hcsrt_stream_interrupt(hcsrt_handle stream);

#ifdef __cplusplus
}
#endif

#endif
