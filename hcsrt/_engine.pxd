"""Asynchronous calls, for Cython code that starts them and hears of their end without a Python object in between.

Fill an hcsrt_request, let enter_handle() put the handle of the call into it, and submit it:

    cdef hcsrt_request request
    memset(&request, 0, sizeof(request))
    request.start = start_verb
    request.function = <any_function> hcs().HcsStartComputeSystem
    request.lane = HCSRT_LANE_ORDER
    request.complete = completed
    request.context = context
    with nogil:
        status = enter_handle(system, &request)
        if status == HANDLE_OK:
            call = submit_call(NULL, &request)
    check_entered(system, status)

Without a port, `complete` runs right where the call completes: on a thread of HCS or of the engine, and possibly before
submit_call() returns. It must not block or take the GIL; it may look at the outcome, and has to release the call, then
or later. With the port of an event loop, it runs on that loop's thread with the GIL, and the engine releases the call.

An HcsCreateProcess that fails may have made the process all the same (Server 2022 is known for it); with a port, HCS is
asked before the call arrives. Without one, a failed outcome that has `created` is the caller's to ask HcsGetProcessInfo
about; a call released as it is closes that handle.

The caller keeps a reference to the handle, and what is behind the pointers of the request, until `complete` was called.
"""

from libc.stdint cimport uint32_t

from hcsrt._handles cimport Handle
from hcsrt._library cimport (
    HcsApi,
    hcsrt_char,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_process_information,
    hcsrt_result,
)

ctypedef void (*any_function)() noexcept nogil

cdef extern from "engine/engine.h":
    ctypedef struct hcsrt_call:
        pass
    # With a port it has the GIL, without one it has not.
    ctypedef void (*hcsrt_complete)(hcsrt_call *call, void *context) noexcept

cdef extern from "engine/engine.h" nogil:
    ctypedef struct hcsrt_port:
        pass

    ctypedef struct hcsrt_outcome:
        hcsrt_result result
        int of_resources
        hcsrt_char *document
        hcsrt_process_information info
        void *created

    ctypedef enum hcsrt_lane:
        HCSRT_LANE_NONE
        HCSRT_LANE_ORDER
        HCSRT_LANE_QUERY
        HCSRT_LANE_TERMINATE
        HCSRT_LANE_URGENT

    ctypedef struct hcsrt_resource:
        uint32_t type
        const hcsrt_char *uri
        hcsrt_handle handle

    ctypedef struct hcsrt_request
    ctypedef hcsrt_result (*hcsrt_start)(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                         hcsrt_outcome *outcome) noexcept nogil

    ctypedef struct hcsrt_request:
        hcsrt_start start
        any_function function
        void *raw
        const hcsrt_char *texts[3]
        uint32_t number
        hcsrt_handle identity
        const hcsrt_resource *resources
        uint32_t resource_count
        const void *options
        int untracked
        int creates
        int keep
        int insist
        int has_info
        hcsrt_lane lane
        void *subject
        void (*leave)(void *subject) noexcept nogil
        hcsrt_complete complete
        void *context

# Made by port_of(), one a loop.
cdef class Port:
    cdef object __weakref__
    cdef object loop        # a weak reference
    cdef object context     # for the callbacks of futures, which need none; only one thread at a time may enter it
    cdef hcsrt_port *port
    cdef uint32_t epoch
    cdef bint plain_futures  # loop.create_future() makes an asyncio.Future and no more

# The port of an event loop, made at its first use; on the loop's thread.
cdef Port port_of(object loop)

# For `start`: calls a function of the shape (handle, operation, text), the request's first text.
cdef hcsrt_result start_verb(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                             hcsrt_outcome *outcome) noexcept nogil

# Enters the handle's guard for a call on it; the engine leaves it once the call was made. HANDLE_OK, or as _enter().
cdef int enter_handle(Handle handle, hcsrt_request *request) noexcept nogil

# native/engine.h has their rules. NULL: nothing was submitted, for want of memory or threads, and the guard is left.
cdef hcsrt_call *submit_call(hcsrt_port *port, const hcsrt_request *request) noexcept nogil
cdef bint abandon_call(hcsrt_call *call) noexcept nogil
cdef bint is_abandoned(const hcsrt_call *call) noexcept nogil
cdef hcsrt_outcome *outcome_of(hcsrt_call *call) noexcept nogil
cdef void release_call(hcsrt_call *call) noexcept nogil
