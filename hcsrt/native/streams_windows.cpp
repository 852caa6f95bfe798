#include "streams.h"

#include <cerrno>

#ifndef WIN32_LEAN_AND_MEAN
#  define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

namespace {

/* A stdio handle is one end of an overlapped pipe. The low bit of the event keeps the completion from a completion port
 * that somebody may have bound the handle to. */
class Request {
  public:
    Request() : event_(CreateEventW(nullptr, TRUE, FALSE, nullptr)), overlapped_() {
        overlapped_.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<uintptr_t>(event_) | 1);
    }
    ~Request() {
        if (event_) CloseHandle(event_);
    }
    Request(const Request &) = delete;
    Request &operator=(const Request &) = delete;

    explicit operator bool() const { return event_ != nullptr; }
    OVERLAPPED *overlapped() { return &overlapped_; }

    /* Bytes moved, or the negative Win32 error. The buffer belongs to the request until this returns. */
    int64_t finish(HANDLE handle, BOOL started, uint32_t milliseconds) {
        if (!started && GetLastError() != ERROR_IO_PENDING) return -static_cast<int64_t>(GetLastError());
        if (!started && WaitForSingleObject(event_, milliseconds) == WAIT_TIMEOUT) CancelIoEx(handle, &overlapped_);
        DWORD moved = 0;
        BOOL done = GetOverlappedResult(handle, &overlapped_, &moved, TRUE);
        /* What was moved before the cancellation counts: it has left the pipe. */
        return done || moved ? moved : -static_cast<int64_t>(GetLastError());
    }

  private:
    HANDLE event_;
    OVERLAPPED overlapped_;
};

DWORD limited(size_t size) {
    constexpr size_t most = 1 << 30;
    return static_cast<DWORD>(size < most ? size : most);
}

int64_t error_of(int64_t result, bool reading) {
    switch (-result) {
    case ERROR_OPERATION_ABORTED: return -EAGAIN;
    case ERROR_BROKEN_PIPE:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_NO_DATA: return reading ? 0 : -EPIPE;
    case ERROR_HANDLE_EOF: return 0;
    case ERROR_INVALID_HANDLE: return -EBADF;
    case ERROR_NOT_ENOUGH_MEMORY: return -ENOMEM;
    default: return -EIO;
    }
}

}  // namespace

extern "C" {

int64_t hcsrt_stream_read(hcsrt_handle stream, void *buffer, size_t size, uint32_t milliseconds) {
    Request request;
    if (!request) return -ENOMEM;
    BOOL started = ReadFile(stream, buffer, limited(size), nullptr, request.overlapped());
    int64_t moved = request.finish(stream, started, milliseconds);
    return moved < 0 ? error_of(moved, true) : moved;
}

int64_t hcsrt_stream_write(hcsrt_handle stream, const void *buffer, size_t size, uint32_t milliseconds) {
    Request request;
    if (!request) return -ENOMEM;
    BOOL started = WriteFile(stream, buffer, limited(size), nullptr, request.overlapped());
    int64_t moved = request.finish(stream, started, milliseconds);
    return moved < 0 ? error_of(moved, false) : moved;
}

}  // extern "C"
