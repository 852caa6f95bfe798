"""The engine's face for Cython: see engine.pxd. It has no names for Python."""

from hcsrt cimport _plumbing as plumbing
from hcsrt._core cimport core
from hcsrt._engine cimport port_of as port_object_of
from hcsrt._handles cimport Handle


cdef hcsrt_port *port_of(object loop) except NULL:
    return port_object_of(loop).port


cdef hcsrt_result start_verb(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                             hcsrt_outcome *outcome) noexcept nogil:
    return plumbing.start_verb(api, request, operation, outcome)


cdef int enter_handle(Handle handle, hcsrt_request *request) noexcept nogil:
    return plumbing.enter_handle(handle, request)


cdef hcsrt_call *submit_call(hcsrt_port *port, const hcsrt_request *request) noexcept nogil:
    cdef hcsrt_call *call = core.submit(port, request)
    if call == NULL and request.leave != NULL:
        request.leave(request.subject)
    if port != NULL:
        core.port_send(port)
    return call


cdef bint abandon_call(hcsrt_call *call) noexcept nogil:
    return core.call_abandon(call)


cdef bint is_abandoned(const hcsrt_call *call) noexcept nogil:
    return core.call_is_abandoned(call)


cdef hcsrt_outcome *outcome_of(hcsrt_call *call) noexcept nogil:
    return core.call_outcome(call)


cdef void release_call(hcsrt_call *call) noexcept nogil:
    core.call_release(call)
