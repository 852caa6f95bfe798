"""The engine's face for Cython: see engine.pxd. It has no names for Python."""

from hcsrt._core cimport core
from hcsrt._engine cimport port_of as port_object_of
from hcsrt._handles cimport HANDLE_OK, Handle
from hcsrt._types cimport hcsrt_char

ctypedef hcsrt_result (*handle_verb)(void *, hcsrt_operation, const hcsrt_char *) noexcept nogil


cdef hcsrt_port *port_of(object loop) except NULL:
    return port_object_of(loop).port


cdef hcsrt_result start_verb(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                             hcsrt_outcome *outcome) noexcept nogil:
    return (<handle_verb> request.function)(request.raw, operation, request.texts[0])


cdef void leave_handle(void *handle) noexcept nogil:
    (<Handle> handle)._leave()


cdef int enter_handle(Handle handle, hcsrt_request *request) noexcept nogil:
    cdef int status = handle._enter()
    if status == HANDLE_OK:
        request.raw = handle._raw
        request.subject = <void *> handle
        request.leave = leave_handle
    return status


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
