"""Waits for what HCS tells: the exit latch of a handle, and subscriptions to its events.

The one event callback of a handle sets the latch and feeds the subscriptions; it runs no Python.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.time cimport monotonic
from libc.stdint cimport uint32_t

from hcsrt._core cimport (
    HCSRT_E_OPERATION_TIMEOUT,
    HCSRT_E_OUTOFMEMORY,
    HCSRT_E_WAIT_TIMEOUT,
    HCSRT_EVENT_PROCESS_EXITED,
    HCSRT_EVENT_SYSTEM_EXITED,
    HCSRT_NOT_EXITED,
    HCSRT_QUERIED,
    HCSRT_NEXT_END,
    HCSRT_NEXT_EVENT,
    HCSRT_WAIT_TIMEOUT,
    core,
    hcsrt_state_adopt,
    hcsrt_state_close,
    hcsrt_state_enter,
    hcsrt_state_finish,
    hcsrt_state_is_idle,
    hcsrt_state_leave,
    hcsrt_subscriber,
    hcsrt_next_event,
    hcsrt_watch,
)
from hcsrt._functions cimport need, row_of
from hcsrt._handles cimport HANDLE_BUSY, HANDLE_OK, Handle, OwnedProcess, OwnedSystem, bind_context, check_entered
from hcsrt._library cimport HcsApi, hcs, hcs_chosen
from hcsrt._immortal cimport make_immortal
from hcsrt._plumbing cimport context_of
from hcsrt._text cimport decode, take_string, units, utf16
from hcsrt._time cimport MAIN_SLICE_MS, SLICE_MS, deadline_of, slice_of
from hcsrt._types cimport hcsrt_char, hcsrt_context, hcsrt_result

import sys

from .errors import HandleBusyError, OperationTimeoutError, error_from

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

ctypedef hcsrt_result (*exit_verb)(void *, uint32_t, hcsrt_char **) noexcept nogil

cdef enum:
    LATCH_SLICE_MS = 100

cdef tuple EXIT_WORDS = (None, "exited", "disconnected", "queried")


# --- the main thread ------------------------------------------------------------------------------------------------

cdef unsigned long main_thread_ident():
    # Where nothing has imported threading, this is the thread that it would take for the main one, too.
    main_thread = getattr(sys.modules.get("threading"), "main_thread", None)
    return PyThread_get_thread_ident() if main_thread is None else main_thread().ident


# Stored, because asking Python for it in the middle of a call could run a signal handler there. In a forked child it is
# the thread that has forked.
core.forks.main_thread = main_thread_ident()


cdef bint on_main_thread() noexcept:
    return PyThread_get_thread_ident() == core.forks.main_thread


def is_main_thread():
    """Return whether this is the thread on which Python runs signal handlers."""
    return on_main_thread()


# --- exit -----------------------------------------------------------------------------------------------------------

cdef int register_watch(Handle handle, bint is_system, hcsrt_result *result) noexcept nogil:
    cdef const HcsApi *api = hcs_chosen()
    cdef uint32_t exit_event = HCSRT_EVENT_SYSTEM_EXITED if is_system else HCSRT_EVENT_PROCESS_EXITED
    # The reaper now, because on a callback thread, which may need it, it could not be started.
    cdef hcsrt_watch *own = core.watch_new(exit_event, <void *> handle) if core.reaper_start() else NULL
    cdef hcsrt_context *context
    cdef int bound
    if own == NULL:
        result[0] = HCSRT_E_OUTOFMEMORY
        return HANDLE_OK
    context = core.watch_context(own)
    bound = bind_context(handle, context)
    if bound != HANDLE_OK:
        context.destroy(context)
    elif is_system:
        result[0] = api.HcsSetComputeSystemCallback(handle._raw, 0, own, core.watch_event)
    else:
        result[0] = api.HcsSetProcessCallback(handle._raw, 0, own, core.watch_event)
    return bound


cdef int watch(Handle handle, bint is_system, str function) except -1:
    cdef hcsrt_result result = 0
    cdef int status, bound = HANDLE_OK
    need(hcs(), function)
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            bound = register_watch(handle, is_system, &result)
            handle._leave()
    check_entered(handle, status)
    if bound == HANDLE_BUSY:
        raise HandleBusyError(f"{type(handle).__name__} has its event callback already; HCS takes one a handle")
    if result < 0:
        # HCS may have kept the context all the same, so it stays with the handle until the native close.
        raise error_from(result, function, None)
    return 0


cdef hcsrt_watch *watch_of(Handle handle) noexcept nogil:
    return core.watch_of(context_of(handle))


def watch_system(OwnedSystem system not None):
    """Register the one event callback of a handle, for wait_exit().

    HCS: HcsSetComputeSystemCallback
    """
    watch(system, True, "HcsSetComputeSystemCallback")


def watch_process(OwnedProcess process not None):
    """Register the one event callback of a handle, for wait_exit().

    HCS: HcsSetProcessCallback
    """
    watch(process, False, "HcsSetProcessCallback")


cdef not_watched(Handle handle):
    return ValueError(f"{type(handle).__name__} has no event callback; call watch_system() or watch_process() first")


def wait_exit(Handle handle not None, timeout=None):
    """Wait until the exit latch of a watched handle is set, and return whether it is; the latch is never unset.

    Raises HandleClosedError within 0.1 seconds when the handle is closed meanwhile.
    """
    cdef double deadline = deadline_of(timeout)
    cdef uint32_t how = HCSRT_NOT_EXITED
    cdef uint32_t milliseconds, part
    cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
    cdef hcsrt_watch *own = NULL
    cdef int status = HANDLE_OK
    while True:
        milliseconds = slice_of(deadline, most)
        with nogil:
            while True:
                part = min(milliseconds, <uint32_t> LATCH_SLICE_MS)
                status = handle._enter()
                if status != HANDLE_OK:
                    break
                own = watch_of(handle)
                if own != NULL:
                    how = core.watch_wait(own, part)
                handle._leave()
                milliseconds -= part
                if own == NULL or how != HCSRT_NOT_EXITED or milliseconds == 0:
                    break
        check_entered(handle, status)
        if own == NULL:
            raise not_watched(handle)
        if how != HCSRT_NOT_EXITED:
            return True
        PyErr_CheckSignals()
        if monotonic() >= deadline:
            return False


def exit_status(Handle handle not None):
    """Return how the exit latch was set ("exited", "disconnected", "queried"), and the exit document or None.

    The answer is None while the latch is not set.
    """
    cdef hcsrt_watch *own = NULL
    cdef const hcsrt_char *text
    cdef uint32_t how
    cdef int status
    with nogil:
        status = handle._enter()
    check_entered(handle, status)
    try:
        own = watch_of(handle)
        if own == NULL:
            raise not_watched(handle)
        how = core.watch_wait(own, 0)
        if how == HCSRT_NOT_EXITED:
            return None
        text = core.watch_document(own)
        return EXIT_WORDS[how], None if text == NULL else decode(text)
    finally:
        with nogil:
            handle._leave()


def latch_exit(Handle handle not None, document=None):
    """Set the exit latch by the answer to a query; an earlier exit document stays."""
    cdef bytes encoded = utf16(document, "document")
    cdef const hcsrt_char *c_document = units(encoded)
    cdef hcsrt_watch *own = NULL
    cdef int status
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            own = watch_of(handle)
            if own != NULL:
                core.watch_latch(own, HCSRT_QUERIED, c_document)
            handle._leave()
    check_entered(handle, status)
    if own == NULL:
        raise not_watched(handle)


cdef str wait_native_exit(Handle handle, str function, timeout):
    cdef double deadline = deadline_of(timeout)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document
    cdef hcsrt_result result = 0
    cdef uint32_t milliseconds
    cdef int status
    cdef exit_verb verb = <exit_verb> row_of(function).find(api)
    while True:
        document = NULL
        milliseconds = slice_of(deadline, LATCH_SLICE_MS)
        with nogil:
            status = handle._enter()
            if status == HANDLE_OK:
                result = verb(handle._raw, milliseconds, &document)
                handle._leave()
        text = take_string(api, document)
        check_entered(handle, status)
        # The code for "the time is up" is not documented; WAIT_TIMEOUT as a bare number would be a success.
        if result not in (HCSRT_E_OPERATION_TIMEOUT, HCSRT_E_WAIT_TIMEOUT, HCSRT_WAIT_TIMEOUT):
            if result < 0:
                raise error_from(result, function, text)
            return text
        PyErr_CheckSignals()
        if monotonic() >= deadline:
            raise OperationTimeoutError(HCSRT_E_OPERATION_TIMEOUT, function)


def wait_system_exit(OwnedSystem system not None, timeout=None):
    """Wait for the exit without event callback and return its document.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.

    HCS: HcsWaitForComputeSystemExit
    """
    return wait_native_exit(system, "HcsWaitForComputeSystemExit", timeout)


def wait_process_exit(OwnedProcess process not None, timeout=None):
    """Wait for the exit without event callback and return the ProcessStatus.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.

    HCS: HcsWaitForProcessExit
    """
    return wait_native_exit(process, "HcsWaitForProcessExit", timeout)


# --- events ---------------------------------------------------------------------------------------------------------

@cython.final
@cython.no_gc_clear
cdef class Subscription:
    """One reader of the events of a handle, made by subscribe(); several threads may share it."""

    cdef Handle handle
    cdef hcsrt_subscriber *subscriber
    # native/core/state.h: a close() leaves the end of the subscription to the last thread inside.
    cdef uint32_t state

    def __dealloc__(self):
        if hcsrt_state_is_idle(self.state):
            with nogil:
                core.unsubscribe(self.subscriber)

    cdef void unsubscribe(self) noexcept nogil:
        core.unsubscribe(self.subscriber)
        hcsrt_state_finish(&self.state)

    def next(self, timeout=None):
        """Wait for the next event and return (type, data, time, lost, data_lost), or None if the time is up.

        type: HCS_EVENT_TYPE. data: its document or None. time: when HCS told of it, in nanoseconds since 1970. lost:
        how many events before it found the queue full. data_lost: whether there was no memory for its document. Raises
        EOFError after the exit or the disconnect, and within 0.1 seconds when the handle or the subscription is closed
        and the queue is empty.
        """
        cdef double deadline = deadline_of(timeout)
        cdef hcsrt_next_event event
        cdef uint32_t milliseconds
        cdef bint closed
        cdef int what
        while True:
            # Read before the queue: what was told before the close is in the queue by then.
            closed = self.handle.closed
            milliseconds = 0 if closed else slice_of(deadline, LATCH_SLICE_MS)
            what = HCSRT_NEXT_END
            with nogil:
                if hcsrt_state_enter(&self.state) == HANDLE_OK:
                    what = core.subscriber_next(self.subscriber, milliseconds, &event)
                    if hcsrt_state_leave(&self.state):
                        self.unsubscribe()
            if what == HCSRT_NEXT_EVENT:
                try:
                    text = None if event.data == NULL else decode(event.data)
                    return event.type, text, event.time, event.lost, event.data_lost != 0
                finally:
                    core.next_event_release(&event)
            if what == HCSRT_NEXT_END or closed:
                raise EOFError("no more events come")
            PyErr_CheckSignals()
            if monotonic() >= deadline:
                return None

    def close(self):
        """Unsubscribe and drop what is in the queue. It never raises, and a second close does nothing."""
        with nogil:
            if hcsrt_state_close(&self.state):
                self.unsubscribe()


def subscribe(Handle handle not None, uint32_t size):
    """Return a Subscription to the events of a watched handle from now on, whose queue has room for `size` events.

    An event that finds the queue full is dropped and counted, except the exit and the disconnect.
    """
    cdef Subscription subscription = Subscription.__new__(Subscription)
    cdef hcsrt_watch *own = NULL
    cdef int status
    subscription.handle = handle
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            own = watch_of(handle)
            if own != NULL:
                subscription.subscriber = core.subscribe(own, size, NULL, NULL)
                if subscription.subscriber != NULL:
                    hcsrt_state_adopt(&subscription.state)
            handle._leave()
    check_entered(handle, status)
    if own == NULL:
        raise not_watched(handle)
    if subscription.subscriber == NULL:
        raise MemoryError(f"no memory for a queue of {size} events")
    return subscription


make_immortal(globals())
