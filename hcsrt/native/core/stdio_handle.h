/* What a stdio HANDLE is: on Windows a Win32 handle, on POSIX the emulator's, which carries a descriptor. */
#ifndef HCSRT_STDIO_HANDLE_H
#define HCSRT_STDIO_HANDLE_H

#include "hcsrt.h"

#if defined(_WIN32)

#  ifndef WIN32_LEAN_AND_MEAN
#    define WIN32_LEAN_AND_MEAN
#  endif
#  include <windows.h>

/* Whether HCS makes them inheritable is not documented; a child that inherits one keeps the pipe open. */
static inline void hcsrt_stdio_received(hcsrt_handle handle) { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0); }

#else

/* The emulator's descriptors are closed in whatever the process executes. */
static inline void hcsrt_stdio_received(hcsrt_handle handle) { (void)handle; }

/* The upper half is a serial number, so that a closed handle is never mistaken for its successor. */
static inline hcsrt_handle hcsrt_stdio_handle(uint32_t serial, int descriptor) {
    return (hcsrt_handle)(uintptr_t)((uint64_t)serial << 32 | (uint32_t)(descriptor + 1));
}

static inline int hcsrt_stdio_descriptor(hcsrt_handle handle) {
    return (int)((uint64_t)(uintptr_t)handle & 0xFFFFFFFFu) - 1;
}

#endif

#endif
