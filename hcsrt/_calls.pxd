"""The events of a handle, for Cython code that takes them without the GIL; and what the calls share with the engine."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from hcsrt._handles cimport Handle, OwnedProcess, OwnedStdio
from hcsrt._library cimport hcsrt_char, hcsrt_context, hcsrt_event, hcsrt_handle, hcsrt_result

cdef extern from "core/events.h" nogil:
    const uint32_t HCSRT_NOT_EXITED
    const uint32_t HCSRT_QUERIED
    ctypedef struct hcsrt_watch:
        pass
    hcsrt_watch *hcsrt_watch_new(uint32_t exit_event, void *subject)
    ctypedef void (*hcsrt_disconnect_notice)(void *subject) noexcept nogil
    void hcsrt_set_disconnect_notice(hcsrt_disconnect_notice notice)
    hcsrt_context *hcsrt_watch_context(hcsrt_watch *watch)
    hcsrt_watch *hcsrt_watch_of(hcsrt_context *context)
    void hcsrt_watch_event(hcsrt_event *event, void *watch)
    void hcsrt_watch_latch(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document)
    uint32_t hcsrt_watch_wait(hcsrt_watch *watch, uint32_t milliseconds)
    const hcsrt_char *hcsrt_watch_document(hcsrt_watch *watch)

    const int HCSRT_TAKEN_NOTHING
    const int HCSRT_TAKEN_EVENT
    const int HCSRT_TAKEN_END
    ctypedef struct hcsrt_subscriber:
        pass
    ctypedef void (*hcsrt_notify)(void *context) noexcept nogil
    ctypedef struct hcsrt_taken:
        uint32_t type
        int data_lost
        int64_t time
        uint64_t lost
        const hcsrt_char *data
    hcsrt_subscriber *hcsrt_subscribe(hcsrt_watch *watch, uint32_t size, hcsrt_notify notify, void *context)
    void hcsrt_unsubscribe(hcsrt_subscriber *subscriber)
    int hcsrt_subscriber_take(hcsrt_subscriber *subscriber, uint32_t milliseconds, hcsrt_taken *taken)
    void hcsrt_taken_free(hcsrt_taken *taken)

# The watch of a handle, or NULL if watch_system() or watch_process() was not called. By a call that is inside.
cdef hcsrt_watch *watch_of(Handle handle) noexcept nogil

# Makes and registers the event callback of a handle; by a call that is inside. HANDLE_OK with what HCS has answered in
# `result`, or HANDLE_BUSY: it has one already.
cdef int register_watch(Handle handle, bint is_system, hcsrt_result *result) noexcept nogil

# Whom a service disconnect that a handle is told of is told to, on HCS's thread.
cdef void tell_disconnects(hcsrt_disconnect_notice notice) noexcept

cdef class ProcessStart:
    cdef readonly OwnedProcess process
    cdef readonly uint32_t pid
    # Under other names in C++: there stdin, stdout and stderr may be macros that stand for calls.
    cdef readonly OwnedStdio stdin "std_input"
    cdef readonly OwnedStdio stdout "std_output"
    cdef readonly OwnedStdio stderr "std_error"
    # What HCS has failed with, although it has given a handle: whether the process runs is to be asked.
    cdef readonly object error

    # To None what is not connected.
    cdef settle(self)

# Empty owners for what a call will bring: made beforehand, so that nothing can fail when it does.
cdef ProcessStart new_start(OwnedProcess process)
cdef void own_stdio(OwnedStdio owner, hcsrt_handle handle) noexcept nogil

# A str as UTF-16 with its terminator, None as None; and its characters, valid as long as that, NULL for None.
cdef bytes utf16(text, str argument)
cdef const hcsrt_char *units(bytes encoded) noexcept
cdef str decode(const hcsrt_char *text)

# The address or Win32 handle that an int means, NULL for None.
cdef void *pointer(value, str argument) except? NULL

# Raises NotSupportedError for a function that this HCS lacks.
cdef int need(bint present, str function) except -1

cdef not_watched(Handle handle)
