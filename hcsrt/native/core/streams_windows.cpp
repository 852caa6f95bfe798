#include "core/streams.h"

#include <cerrno>
#include <new>

#ifndef WIN32_LEAN_AND_MEAN
#  define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

namespace {

bool is_writing(const hcsrt_transfer *transfer) { return transfer->mode & HCSRT_TRANSFER_WRITE; }

/* A stdio handle is one end of an overlapped pipe. A request stays under way until it is done: a cancelled write does
 * not tell how much of it the reader has got. */
class Request {
  public:
    /* The low bit keeps the completion away from a completion port that the handle may be bound to. */
    Request() : event_(CreateEventW(nullptr, TRUE, FALSE, nullptr)), overlapped_() {
        overlapped_.hEvent = reinterpret_cast<HANDLE>(reinterpret_cast<uintptr_t>(event_) | 1);
    }
    ~Request() {
        if (event_) CloseHandle(event_);
    }
    Request(const Request &) = delete;
    Request &operator=(const Request &) = delete;

    explicit operator bool() const { return event_ != nullptr; }

    DWORD start(const hcsrt_transfer *transfer) {
        constexpr size_t most = 1 << 30;
        DWORD size = static_cast<DWORD>(transfer->size < most ? transfer->size : most);
        BOOL started = is_writing(transfer) ? WriteFile(transfer->stream, transfer->buffer, size, nullptr, &overlapped_)
                                            : ReadFile(transfer->stream, transfer->buffer, size, nullptr, &overlapped_);
        DWORD error = started ? ERROR_SUCCESS : GetLastError();
        return error == ERROR_IO_PENDING ? ERROR_SUCCESS : error;
    }

    bool is_done(uint32_t milliseconds) const { return WaitForSingleObject(event_, milliseconds) == WAIT_OBJECT_0; }

    DWORD finish(HANDLE stream, DWORD *moved) {
        *moved = 0;
        return GetOverlappedResult(stream, &overlapped_, moved, TRUE) ? ERROR_SUCCESS : GetLastError();
    }

    DWORD cancel(HANDLE stream) {
        DWORD moved;
        CancelIoEx(stream, &overlapped_);
        finish(stream, &moved);
        return moved;
    }

  private:
    HANDLE event_;
    OVERLAPPED overlapped_;
};

Request *request_of(hcsrt_transfer *transfer) { return static_cast<Request *>(transfer->request); }

void drop_request(hcsrt_transfer *transfer) {
    delete request_of(transfer);
    transfer->request = nullptr;
}

int64_t error_of(DWORD error, bool writing) {
    switch (error) {
    case ERROR_OPERATION_ABORTED: return -EAGAIN;
    case ERROR_BROKEN_PIPE:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_NO_DATA: return writing ? -EPIPE : 0;
    case ERROR_HANDLE_EOF: return 0;
    case ERROR_INVALID_HANDLE: return -EBADF;
    case ERROR_NOT_ENOUGH_MEMORY: return -ENOMEM;
    default: return -EIO;
    }
}

}  // namespace

extern "C" {

void hcsrt_transfer_begin(hcsrt_transfer *transfer, hcsrt_handle stream, void *buffer, size_t size, int mode) {
    *transfer = {stream, buffer, size, mode, nullptr};
}

int64_t hcsrt_transfer_step(hcsrt_transfer *transfer, uint32_t milliseconds) {
    if (!transfer->request) {
        Request *request = new (std::nothrow) Request;
        DWORD error = request && *request ? request->start(transfer) : ERROR_NOT_ENOUGH_MEMORY;
        if (error) {
            delete request;
            return error_of(error, is_writing(transfer));
        }
        transfer->request = request;
    }
    if (!request_of(transfer)->is_done(milliseconds)) return -EAGAIN;
    DWORD moved;
    DWORD error = request_of(transfer)->finish(transfer->stream, &moved);
    drop_request(transfer);
    /* What was moved before somebody interrupted the request counts: it has left the pipe. */
    return error && !moved ? error_of(error, is_writing(transfer)) : moved;
}

int64_t hcsrt_transfer_end(hcsrt_transfer *transfer) {
    if (!transfer->request) return 0;
    DWORD moved = request_of(transfer)->cancel(transfer->stream);
    drop_request(transfer);
    return moved;
}

void hcsrt_stream_interrupt(hcsrt_handle stream) { CancelIoEx(stream, nullptr); }

/* Other programs read and write without OVERLAPPED, which such a pipe does not take. */
int hcsrt_stream_share(hcsrt_handle) { return -ENOTSUP; }

}  // extern "C"
