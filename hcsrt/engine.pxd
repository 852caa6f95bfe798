"""Asynchronous calls, for Cython code that starts them and hears of their end without a Python object in between.

Fill an hcsrt_request, let enter_handle() put the handle of the call into it, and submit it:

    cdef hcsrt_request request = hcsrt_new_request()
    request.start = start_verb
    request.function = <hcsrt_function> hcs().HcsStartComputeSystem
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

An HcsCreateProcess that fails may have made the process all the same (Server 2022 is known for it): a failed outcome
that has `created` is the receiver's to ask HcsGetProcessInfo about. A call released as it is closes that handle; an
abandoned one terminates the process first.

The caller keeps a reference to the handle, and what is behind the pointers of the request, until `complete` was called.
"""

from hcsrt._api cimport HcsApi
from hcsrt._engine_types cimport (
    HCSRT_CREATES_NOTHING,
    HCSRT_CREATES_PROCESS,
    HCSRT_CREATES_SYSTEM,
    HCSRT_LANE_NONE,
    HCSRT_LANE_ORDER,
    HCSRT_LANE_QUERY,
    HCSRT_LANE_TERMINATE,
    HCSRT_LANE_URGENT,
    hcsrt_call,
    hcsrt_complete,
    hcsrt_function,
    hcsrt_lane,
    hcsrt_new_request,
    hcsrt_outcome,
    hcsrt_port,
    hcsrt_request,
    hcsrt_resource,
    hcsrt_start,
)
from hcsrt._handles cimport Handle
from hcsrt._types cimport hcsrt_operation, hcsrt_result

# The port of an event loop, made at its first use and there as long as the loop; on the loop's thread.
cdef hcsrt_port *port_of(object loop) except NULL

# For `start`: calls a function of the shape (handle, operation, text), the request's first text.
cdef hcsrt_result start_verb(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                             hcsrt_outcome *outcome) noexcept nogil

# Enters the handle's guard for a call on it; the engine leaves it once the call was made. HANDLE_OK, or as _enter().
cdef int enter_handle(Handle handle, hcsrt_request *request) noexcept nogil

# NULL: nothing was submitted, for want of memory or threads or because the request asks for what this build does not
# know, and the guard is left.
cdef hcsrt_call *submit_call(hcsrt_port *port, const hcsrt_request *request) noexcept nogil

# Nobody wants the outcome any more: a call that was not started is not started unless it insists, one that HCS has goes
# to the reaper, and what it creates is ended unless it is to be kept. True: the call is gone, and `complete` is not
# called. False: `complete` will still be called, or was called already.
cdef bint abandon_call(hcsrt_call *call) noexcept nogil
cdef bint is_abandoned(const hcsrt_call *call) noexcept nogil

# The outcome of a call whose `complete` was called; asks HCS for it if nobody has. The receiver takes a part by setting
# it to NULL; the rest is released with the call.
cdef hcsrt_outcome *outcome_of(hcsrt_call *call) noexcept nogil

# For a call without a port, once it has completed.
cdef void release_call(hcsrt_call *call) noexcept nogil
