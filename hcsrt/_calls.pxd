"""The events of a handle, for Cython code that takes them without the GIL."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from hcsrt._handles cimport Handle
from hcsrt._library cimport hcsrt_char, hcsrt_context, hcsrt_event

cdef extern from "../native/events.h" nogil:
    const uint32_t HCSRT_NOT_EXITED
    const uint32_t HCSRT_QUERIED
    ctypedef struct hcsrt_watch:
        pass
    hcsrt_watch *hcsrt_watch_new(uint32_t exit_event)
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
