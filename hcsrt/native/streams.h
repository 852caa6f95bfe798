/* Reading and writing a stdio handle in slices, so that a close or a signal takes effect within one. */
#ifndef HCSRT_STREAMS_H
#define HCSRT_STREAMS_H

#include "../include/hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes moved, 0 at the end of a file; or -errno, -EAGAIN if nothing could be moved within the time. */
int64_t hcsrt_stream_read(hcsrt_handle stream, void *buffer, size_t size, uint32_t milliseconds);
int64_t hcsrt_stream_write(hcsrt_handle stream, const void *buffer, size_t size, uint32_t milliseconds);

#ifdef __cplusplus
}
#endif

#endif
