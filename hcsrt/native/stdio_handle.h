/* How a stdio HANDLE of the emulator carries its descriptor on POSIX; on Windows a stdio HANDLE is a Win32 handle. */
#ifndef HCSRT_STDIO_HANDLE_H
#define HCSRT_STDIO_HANDLE_H

#include "../include/hcsrt.h"

#if !defined(_WIN32)

/* The upper half is a serial number, so that a closed handle is never mistaken for its successor. */
static inline hcsrt_handle hcsrt_stdio_handle(uint32_t serial, int descriptor) {
    return (hcsrt_handle)(uintptr_t)((uint64_t)serial << 32 | (uint32_t)(descriptor + 1));
}

static inline int hcsrt_stdio_descriptor(hcsrt_handle handle) {
    return (int)((uint64_t)(uintptr_t)handle & 0xFFFFFFFFu) - 1;
}

#endif

#endif
