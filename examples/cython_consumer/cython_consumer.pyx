"""A package of somebody else that uses the handle core: calls of its own on handles, and an event callback of its own.

`properties` is the common case: a call that hcsrt.ComputeSystem has too, but made where no Python runs.
`ExitWatch` is the hard one: a callback that HCS runs on a thread of its own, and memory that has to outlive it.

Every Windows with HCS has the functions called here. The entry of a newer one is NULL where Windows lacks it, and has
to be tested before the call.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from hcsrt cimport (
    HANDLE_OK,
    HcsApi,
    OwnedSystem,
    adopt,
    bind_context,
    callback_enter,
    callback_leave,
    check_entered,
    hcs,
    hcsrt_char,
    hcsrt_context,
    hcsrt_event,
    hcsrt_operation,
    hcsrt_result,
    hcsrt_system,
    new_system,
)

import json
import time

from hcsrt.errors import error_from

cdef extern from "pythread.h" nogil:
    ctypedef void *PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock lock)
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int interruptible)
    void PyThread_release_lock(PyThread_type_lock lock)

cdef enum:
    PATIENCE_MS = 10_000
    SLICE_US = 100_000
    GENERIC_ALL = 0x10000000
    SYSTEM_EXITED = 0x1                 # HcsEventSystemExited
    SERVICE_DISCONNECT = 0x2000000      # HcsEventServiceDisconnect
    E_SERVICE_DISCONNECT = 0x8037011E   # HCS_E_SERVICE_DISCONNECT


cdef size_t length(const hcsrt_char *text) noexcept nogil:
    cdef size_t n = 0
    while text[n]:
        n += 1
    return n


cdef str decoded(const hcsrt_char *text):
    return None if text == NULL else PyUnicode_DecodeUTF16(<char *> text, 2 * length(text), NULL, NULL)


def properties(OwnedSystem system not None):
    """Return the properties of a compute system, as HcsGetComputeSystemProperties gives them."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_operation operation = api.HcsCreateOperation(NULL, NULL)
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result = 0
    cdef int status
    if operation == NULL:
        raise MemoryError
    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            result = api.HcsGetComputeSystemProperties(system._raw, operation, NULL)
            system._leave()
        if status == HANDLE_OK and result >= 0:
            result = api.HcsWaitForOperationResult(operation, PATIENCE_MS, &document)
        # HCS carries on with a request whose operation is closed, and throws its result away.
        api.HcsCloseOperation(operation)
    try:
        check_entered(system, status)
        if result < 0:
            raise error_from(result, "HcsGetComputeSystemProperties", decoded(document))
        return json.loads(decoded(document))
    finally:
        if document != NULL:
            api.free_string(document)


cdef struct Latch:
    hcsrt_context context       # first, so that a pointer to it is a pointer to the latch
    PyThread_type_lock shut     # held until the system has exited, or the service has gone
    PyThread_type_lock ended    # taken by the event that ends the watch: HCS may deliver several at once
    bint disconnected
    hcsrt_char *document


cdef void destroy(hcsrt_context *context) noexcept nogil:
    cdef Latch *latch = <Latch *> context
    if latch.shut != NULL:
        PyThread_free_lock(latch.shut)
    if latch.ended != NULL:
        PyThread_free_lock(latch.ended)
    free(latch.document)
    free(latch)


cdef void on_event(hcsrt_event *event, void *context) noexcept nogil:
    # No GIL and no waiting here: HCS runs this on a thread of its own, and closing the handle waits for it.
    cdef Latch *latch = <Latch *> context
    cdef size_t size
    callback_enter()
    if event.type in (SYSTEM_EXITED, SERVICE_DISCONNECT) and PyThread_acquire_lock_timed(latch.ended, 0, 0):
        latch.disconnected = event.type == SERVICE_DISCONNECT
        if event.data != NULL:
            size = (length(event.data) + 1) * sizeof(hcsrt_char)
            latch.document = <hcsrt_char *> malloc(size)
            if latch.document != NULL:
                memcpy(latch.document, event.data, size)
        PyThread_release_lock(latch.shut)
    callback_leave()


cdef Latch *new_latch() except NULL:
    cdef Latch *latch = <Latch *> calloc(1, sizeof(Latch))
    if latch == NULL:
        raise MemoryError
    latch.context.destroy = destroy
    latch.shut = PyThread_allocate_lock()
    latch.ended = PyThread_allocate_lock()
    if latch.shut == NULL or latch.ended == NULL:
        destroy(&latch.context)
        raise MemoryError
    PyThread_acquire_lock_timed(latch.shut, -1, 0)
    return latch


cdef class ExitWatch:
    """A watch for the exit of a compute system, on a handle of its own.

    The handle takes the latch over: it destroys it once its native close has returned, after which HCS makes no more
    callbacks. So the latch may be used between `_enter` and `_leave`, as the raw handle may.
    """
    cdef OwnedSystem _system
    cdef Latch *_latch

    def __init__(self, str id not None):
        cdef const HcsApi *api = hcs()
        cdef bytes wide = id.encode("utf-16-le") + b"\0\0"
        cdef const hcsrt_char *c_id = <const hcsrt_char *> <const char *> wide
        cdef OwnedSystem system = new_system()
        cdef Latch *latch
        cdef hcsrt_system raw = NULL
        cdef hcsrt_result result
        cdef int status
        with nogil:
            result = api.HcsOpenComputeSystem(c_id, GENERIC_ALL, &raw)
        if result < 0:
            raise error_from(result, "HcsOpenComputeSystem")
        adopt(system, raw)
        latch = new_latch()
        with nogil:
            status = system._enter()
            if status == HANDLE_OK:
                status = bind_context(system, &latch.context)
                if status == HANDLE_OK:
                    result = api.HcsSetComputeSystemCallback(system._raw, 0, latch, on_event)
                else:
                    destroy(&latch.context)
                system._leave()
        check_entered(system, status)
        if result < 0:
            raise error_from(result, "HcsSetComputeSystemCallback")
        self._system = system
        self._latch = latch

    def wait(self, double timeout):
        """Return the exit document of the system, or None if it has not exited within `timeout` seconds.

        Raises ServiceDisconnectedError if the service went away first, after which no exit will be told.
        """
        cdef OwnedSystem system = self._system
        cdef double end = time.monotonic() + timeout
        cdef bint open = False
        cdef int status
        while not open and time.monotonic() < end:
            with nogil:
                status = system._enter()
                if status == HANDLE_OK:
                    open = PyThread_acquire_lock_timed(self._latch.shut, SLICE_US, 0) != 0
                    if open:
                        PyThread_release_lock(self._latch.shut)  # for the next one to wait
                    system._leave()
            check_entered(system, status)
            PyErr_CheckSignals()
        return self._exit_document() if open else None

    cdef _exit_document(self):
        cdef OwnedSystem system = self._system
        cdef int status = system._enter()
        check_entered(system, status)
        try:
            if self._latch.disconnected:
                raise error_from(E_SERVICE_DISCONNECT, "HcsSetComputeSystemCallback")
            return json.loads(decoded(self._latch.document) or "{}")
        finally:
            with nogil:
                system._leave()

    def close(self):
        """Close the handle, which ends the callbacks and frees what they use."""
        self._system.close()
