"""The handle core, for Cython code that uses HCS handles without the GIL.

A call on a handle stands between `_enter` and `_leave`, in one `nogil` block:

    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            result = api.HcsStartComputeSystem(system._raw, operation, NULL)
            system._leave()
    check_entered(system, status)

The caller holds a reference to the handle from before `_enter` until after `_leave`. Fields are read-only outside the
core, and `_raw` is valid only in between.
"""

cimport cython
from libc.stdint cimport uint32_t

from hcsrt._types cimport hcsrt_context

# Releases `raw`, then destroys `context` if there is one.
ctypedef void (*close_fn)(void *raw, void *context) noexcept nogil

cdef enum:
    HANDLE_OK = 0
    HANDLE_CLOSED = 1
    HANDLE_BUSY = 2
    HANDLE_CROWDED = 3


cdef class Handle:
    cdef object __weakref__
    cdef void *_raw
    cdef void *_ctx         # callback context (hcsrt_context), destroyed after the native close
    cdef close_fn _close
    cdef uint32_t _state    # the word of close() and the guard
    cdef uint32_t _epoch    # the fork epoch of the process that the handle belongs to

    # HANDLE_OK, or HANDLE_CLOSED, or HANDLE_CROWDED (16 million calls inside).
    cdef int _enter(self) noexcept nogil
    # Not while holding the GIL: the last call to leave a closing handle runs the native close.
    cdef void _leave(self) noexcept nogil


@cython.final
cdef class OwnedOperation(Handle):
    pass


@cython.final
cdef class OwnedSystem(Handle):
    pass


@cython.final
cdef class OwnedProcess(Handle):
    pass


@cython.final
cdef class OwnedStdio(Handle):
    pass


@cython.final
cdef class SendHandle:
    cdef readonly Handle owner

# An empty object to adopt into: make it before the native call, so that nothing can fail in between.
cdef OwnedOperation new_operation()
cdef OwnedSystem new_system()
cdef OwnedProcess new_process()
cdef OwnedStdio new_stdio()

# Hands a live native handle to an empty object, once.
cdef void adopt(Handle handle, void *raw) noexcept nogil

# Ties a callback context to a handle, before it is registered. By a call that is inside. HANDLE_BUSY: it has one.
cdef int bind_context(Handle handle, hcsrt_context *context) noexcept nogil

# Raises HandleClosedError or HandleBusyError for any status but HANDLE_OK.
cdef inline int check_entered(Handle handle, int status) except -1:
    return 0 if status == HANDLE_OK else raise_refused(handle, status)

# Always raises.
cdef int raise_refused(Handle handle, int status) except -1

# Around the body of an HCS callback in which handles may be dropped: their native close moves to another thread.
cdef void callback_enter() noexcept nogil
cdef void callback_leave() noexcept nogil
