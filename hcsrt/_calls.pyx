"""The functions of HCS as blocking calls on the core's handles.

Each call makes an operation without callback, kicks it off, and waits in slices: close() and Ctrl-C take effect within
one. A call that times out or is interrupted moves to the reaper. A timeout is in seconds, None waits for ever.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.exc cimport PyErr_CheckSignals
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdint cimport uint32_t

from hcsrt._handles cimport (
    HANDLE_BUSY,
    HANDLE_OK,
    Handle,
    OwnedOperation,
    OwnedProcess,
    OwnedStdio,
    OwnedSystem,
    abandon,
    adopt,
    bind_context,
    check_entered,
    context_of,
    new_operation,
    new_process,
    new_stdio,
    new_system,
)
from hcsrt._library cimport (
    HcsApi,
    hcs,
    hcs_chosen,
    hcsrt_char,
    hcsrt_context,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_process,
    hcsrt_process_information,
    hcsrt_result,
    hcsrt_system,
)

import os
import threading
from time import monotonic

from ._library import since
from .errors import HandleBusyError, HcsError, NotSupportedError, OperationTimeoutError, error_from

cdef extern from *:
    """
    #if defined(_WIN32)
    #  include <windows.h>
    static uint32_t hcsrt_last_error(void) { return GetLastError(); }
    #else
    static uint32_t hcsrt_last_error(void) { return 0; }
    #endif
    """
    uint32_t hcsrt_last_error() noexcept nogil

cdef extern from "../native/state.h" nogil:
    void hcsrt_state_adopt(uint32_t *word)
    int hcsrt_state_enter(uint32_t *word)
    int hcsrt_state_leave(uint32_t *word)
    int hcsrt_state_close(uint32_t *word)
    int hcsrt_state_is_idle(uint32_t state)
    void hcsrt_state_finish(uint32_t *word)

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from "../native/results.h" nogil:
    const hcsrt_result HCSRT_E_OUTOFMEMORY
    const hcsrt_result HCSRT_E_POINTER
    const hcsrt_result HCSRT_E_OPERATION_TIMEOUT
    const uint32_t HCSRT_GENERIC_ALL
    const uint32_t HCSRT_EVENT_SYSTEM_EXITED
    const uint32_t HCSRT_EVENT_PROCESS_EXITED

cdef extern from "../native/reaper.h" nogil:
    const int HCSRT_CREATES_NOTHING
    const int HCSRT_CREATES_SYSTEM
    const int HCSRT_CREATES_PROCESS

cdef extern from "../native/stdio_handle.h" nogil:
    void hcsrt_stdio_received(hcsrt_handle handle)

# What most calls on a system or a process look like: the handle, the operation, a document or NULL.
ctypedef hcsrt_result (*handle_verb)(void *, hcsrt_operation, const hcsrt_char *) noexcept nogil

# How long one guarded wait lasts: only the main thread gets Ctrl-C.
cdef enum:
    MAIN_SLICE_MS = 100
    SLICE_MS = 1000
    LATCH_SLICE_MS = 100

cdef tuple EXIT_WORDS = (None, "exited", "disconnected", "queried")


# --- strings --------------------------------------------------------------------------------------------------------

cdef bytes utf16(text, str argument):
    """The argument as UTF-16 with its terminator; None stays None."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a str, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError(f"{argument} contains a NUL character, where HCS would cut it off; remove it")
    return (<str> text).encode("utf-16-le", "surrogatepass") + b"\0\0"


cdef const hcsrt_char *units(bytes encoded) noexcept:
    """The characters of utf16(), valid as long as `encoded`; NULL for None."""
    if encoded is None:
        return NULL
    return <const hcsrt_char *> PyBytes_AS_STRING(encoded)


cdef str decode(const hcsrt_char *text):
    cdef Py_ssize_t length = 0
    cdef int byteorder = 0
    while text[length]:
        length += 1
    return PyUnicode_DecodeUTF16(<const char *> text, length * sizeof(hcsrt_char), "surrogatepass", &byteorder)


cdef str take_string(const HcsApi *api, hcsrt_char *text):
    """The text of a string that HCS handed out, which is released; None for NULL."""
    if text == NULL:
        return None
    try:
        return decode(text)
    finally:
        with nogil:
            api.free_string(text)


# --- time -----------------------------------------------------------------------------------------------------------

cdef double deadline_of(timeout) except? -1:
    """When `timeout` is over, on the clock of monotonic(); infinite for None."""
    if timeout is None:
        return float("inf")
    cdef double seconds
    try:
        seconds = timeout
    except TypeError:
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}") from None
    if not seconds >= 0:
        raise ValueError(f"timeout is {timeout!r}; give seconds >= 0, or None to wait for ever")
    return <double> monotonic() + seconds


# Known beforehand: to ask Python for it in the middle of a call would let a signal handler run there.
cdef unsigned long main_thread


def _remember_main_thread():
    global main_thread
    main_thread = threading.main_thread().ident


_remember_main_thread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_remember_main_thread)


cdef bint on_main_thread() noexcept:
    return PyThread_get_thread_ident() == main_thread


cdef uint32_t slice_of(double deadline, uint32_t most) except? 0:
    """Milliseconds to wait until the deadline, at most `most`."""
    cdef double left = (deadline - <double> monotonic()) * 1000
    if left >= most:
        return most
    return 0 if left <= 0 else <uint32_t> left + 1


# --- operations -----------------------------------------------------------------------------------------------------

cdef class ProcessStart:
    """What HCS tells of a process that was created, or asked about: our ends of its streams, None if not connected."""

    def close(self):
        """Close all handles."""
        for handle in (self.stdin, self.stdout, self.stderr, self.process):
            if handle is not None:
                handle.close()

    cdef settle(self):
        self.stdin = None if self.stdin.closed else self.stdin
        self.stdout = None if self.stdout.closed else self.stdout
        self.stderr = None if self.stderr.closed else self.stderr


cdef ProcessStart new_start(OwnedProcess process):
    cdef ProcessStart start = ProcessStart.__new__(ProcessStart)
    start.process = process
    start.stdin = new_stdio()
    start.stdout = new_stdio()
    start.stderr = new_stdio()
    return start


cdef bint is_handle(hcsrt_handle handle) noexcept nogil:
    return handle != NULL and handle != <hcsrt_handle> -1


cdef void own_stdio(OwnedStdio owner, hcsrt_handle handle) noexcept nogil:
    if is_handle(handle):
        adopt(owner, handle)
        hcsrt_stdio_received(handle)


cdef class _Call:
    """One tracked call from its kick-off to its result."""

    cdef const HcsApi *api
    cdef str function
    cdef OwnedOperation operation
    cdef double deadline
    # The outcome: HCS's verdict and its document.
    cdef hcsrt_result result
    cdef str document
    # What the call creates, for the reaper, should nobody wait for its end.
    cdef Handle created
    cdef int creates
    cdef bint keep
    # Made beforehand, with owners for the stdio handles that the result may bring; None if it brings none.
    cdef ProcessStart start

    def __cinit__(self, str function, timeout):
        cdef hcsrt_operation raw
        cdef uint32_t last_error
        self.deadline = deadline_of(timeout)
        self.function = function
        self.api = hcs()
        self.creates = HCSRT_CREATES_NOTHING
        self.operation = new_operation()
        with nogil:
            raw = self.api.HcsCreateOperation(NULL, NULL)
            last_error = hcsrt_last_error()
            if raw != NULL:
                adopt(self.operation, raw)
        if raw == NULL:
            # That the last error is set is what hcsshim and WSL count on, the documentation does not say it.
            raise error_from(0x80070000 | last_error if last_error else HCSRT_E_OUTOFMEMORY, "HcsCreateOperation", None)

    cdef expect_process_info(self, OwnedProcess process):
        self.start = new_start(process)

    cdef str outcome(self, uint32_t milliseconds, bint kicked_off):
        """Ask for the result, waiting at most so long; sets `result` and returns the document.

        Of a call that could not be kicked off, only a document is to be had.
        """
        cdef hcsrt_char *document = NULL
        cdef hcsrt_process_information info
        cdef hcsrt_operation raw
        cdef bint with_info = self.start is not None
        cdef int status
        info.process_id = 0
        info.std_input = info.std_output = info.std_error = NULL
        with nogil:
            status = self.operation._enter()
            if status == HANDLE_OK:
                raw = self.operation._raw
                if with_info:
                    if kicked_off:
                        self.result = self.api.HcsWaitForOperationResultAndProcessInfo(
                            raw, milliseconds, &info, &document)
                    else:
                        self.api.HcsGetOperationResultAndProcessInfo(raw, &info, &document)
                    self.start.pid = info.process_id
                    own_stdio(self.start.stdin, info.std_input)
                    own_stdio(self.start.stdout, info.std_output)
                    own_stdio(self.start.stderr, info.std_error)
                elif kicked_off:
                    self.result = self.api.HcsWaitForOperationResult(raw, milliseconds, &document)
                else:
                    self.api.HcsGetOperationResult(raw, &document)
                self.operation._leave()
        text = take_string(self.api, document)
        check_entered(self.operation, status)
        return text

    cdef int wait(self, hcsrt_result kicked_off) except -1:
        """Wait for the outcome. Raises OperationTimeoutError, or what a signal handler raises."""
        cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
        if kicked_off < 0:
            self.document = self.outcome(0, False)
            self.result = kicked_off
            return 0
        try:
            while True:
                self.document = self.outcome(slice_of(self.deadline, most), True)
                if self.result != HCSRT_E_OPERATION_TIMEOUT:
                    break
                PyErr_CheckSignals()
                if monotonic() >= self.deadline:
                    raise OperationTimeoutError(HCSRT_E_OPERATION_TIMEOUT, self.function)
        except BaseException:
            with nogil:
                abandon(self.operation, self.created, self.creates, self.keep, self.start is not None)
            raise
        self.operation.close()
        return 0

    cdef str finish(self, hcsrt_result kicked_off):
        """Wait for the outcome and return its document; raises what HCS answered too."""
        self.wait(kicked_off)
        if self.result < 0:
            raise self.failure()
        return self.document

    cdef failure(self):
        return error_from(self.result, self.function, self.document)

    cdef ProcessStart started(self):
        self.start.settle()
        return self.start


cdef int need(bint present, str function) except -1:
    """Raise NotSupportedError for a function that this HCS lacks."""
    if not present:
        raise NotSupportedError.missing(function, since(function))
    return 0


cdef str call_on(Handle handle, handle_verb verb, str function, text, timeout):
    cdef bytes encoded = utf16(text, "options")
    cdef const hcsrt_char *c_text = units(encoded)
    cdef hcsrt_result result = 0
    cdef int status
    need(verb != NULL, function)
    cdef _Call call = _Call(function, timeout)
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            # The operation is this call's own: nobody can have closed it.
            call.operation._enter()
            result = verb(handle._raw, call.operation._raw, c_text)
            call.operation._leave()
            handle._leave()
    check_entered(handle, status)
    return call.finish(result)


# --- compute systems ------------------------------------------------------------------------------------------------

def create_system(id, document, timeout=None, bint keep_on_abandon=False):
    """Create a compute system and return its handle. HCS function: HcsCreateComputeSystem.

    If the wait times out or is interrupted, the system is terminated once HCS has made it, unless `keep_on_abandon`.
    """
    cdef bytes encoded_id = utf16(id, "id")
    cdef bytes encoded_document = utf16(document, "document")
    cdef const hcsrt_char *c_id = units(encoded_id)
    cdef const hcsrt_char *c_document = units(encoded_document)
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    cdef _Call call = _Call("HcsCreateComputeSystem", timeout)
    call.created, call.creates, call.keep = system, HCSRT_CREATES_SYSTEM, keep_on_abandon
    with nogil:
        call.operation._enter()
        result = call.api.HcsCreateComputeSystem(c_id, c_document, call.operation._raw, NULL, &raw)
        if raw != NULL:
            adopt(system, raw)
        call.operation._leave()
    try:
        call.finish(result)
    except BaseException:
        system.close()
        raise
    if raw == NULL:
        raise error_from(HCSRT_E_POINTER, "HcsCreateComputeSystem", None)
    return system


def open_system(id):
    """Open a compute system by its id and return the handle. HCS function: HcsOpenComputeSystem."""
    cdef bytes encoded = utf16(id, "id")
    cdef const hcsrt_char *c_id = units(encoded)
    cdef const HcsApi *api = hcs()
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    with nogil:
        result = api.HcsOpenComputeSystem(c_id, HCSRT_GENERIC_ALL, &raw)
        if raw != NULL:
            adopt(system, raw)
    if result < 0 or raw == NULL:
        system.close()
        raise error_from(result if result < 0 else HCSRT_E_POINTER, "HcsOpenComputeSystem", None)
    return system


def start_system(OwnedSystem system not None, options=None, timeout=None):
    """Start a compute system. HCS function: HcsStartComputeSystem."""
    return call_on(system, hcs().HcsStartComputeSystem, "HcsStartComputeSystem", options, timeout)


def shutdown_system(OwnedSystem system not None, options=None, timeout=None):
    """Ask the guest of a compute system to shut down. HCS function: HcsShutDownComputeSystem."""
    return call_on(system, hcs().HcsShutDownComputeSystem, "HcsShutDownComputeSystem", options, timeout)


def terminate_system(OwnedSystem system not None, options=None, timeout=None):
    """End a compute system at once. HCS function: HcsTerminateComputeSystem."""
    return call_on(system, hcs().HcsTerminateComputeSystem, "HcsTerminateComputeSystem", options, timeout)


def system_properties(OwnedSystem system not None, query=None, timeout=None):
    """Return the Properties document. HCS function: HcsGetComputeSystemProperties."""
    return call_on(system, hcs().HcsGetComputeSystemProperties, "HcsGetComputeSystemProperties", query, timeout)


def enumerate_systems(query=None, timeout=None):
    """Return the array of Properties of the systems that match. HCS function: HcsEnumerateComputeSystems."""
    cdef bytes encoded = utf16(query, "query")
    cdef const hcsrt_char *c_query = units(encoded)
    cdef hcsrt_result result
    cdef _Call call = _Call("HcsEnumerateComputeSystems", timeout)
    with nogil:
        call.operation._enter()
        result = call.api.HcsEnumerateComputeSystems(c_query, call.operation._raw)
        call.operation._leave()
    return call.finish(result)


# --- the service ----------------------------------------------------------------------------------------------------

def service_properties(query=None):
    """Return the ServiceProperties document; the call has no limit of time. HCS function: HcsGetServiceProperties."""
    cdef bytes encoded = utf16(query, "query")
    cdef const hcsrt_char *c_query = units(encoded)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result
    need(api.HcsGetServiceProperties != NULL, "HcsGetServiceProperties")
    with nogil:
        result = api.HcsGetServiceProperties(c_query, &document)
    text = take_string(api, document)
    if result < 0:
        raise error_from(result, "HcsGetServiceProperties", text)
    return text


# --- processes ------------------------------------------------------------------------------------------------------

def create_process(OwnedSystem system not None, parameters, timeout=None, bint keep_on_abandon=False):
    """Start a process in a compute system. HCS function: HcsCreateProcess.

    If the wait times out or is interrupted, the process is terminated once HCS has made it, unless `keep_on_abandon`.
    """
    cdef bytes encoded = utf16(parameters, "parameters")
    cdef const hcsrt_char *c_parameters = units(encoded)
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    cdef _Call call = _Call("HcsCreateProcess", timeout)
    call.created, call.creates, call.keep = process, HCSRT_CREATES_PROCESS, keep_on_abandon
    call.expect_process_info(process)
    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            call.operation._enter()
            result = call.api.HcsCreateProcess(system._raw, c_parameters, call.operation._raw, NULL, &raw)
            if raw != NULL:
                adopt(process, raw)
            call.operation._leave()
            system._leave()
    check_entered(system, status)
    call.wait(result)
    if call.result >= 0:
        if raw == NULL:
            raise error_from(HCSRT_E_POINTER, "HcsCreateProcess", None)
        return call.started()
    # Server 2022 reports failure for some process-isolated containers although the process runs.
    if raw != NULL:
        try:
            return ask_process(process, call.deadline, HCSRT_CREATES_PROCESS, keep_on_abandon)
        except OperationTimeoutError:
            raise
        except HcsError:
            process.close()
    raise call.failure()


cdef ProcessStart ask_process(OwnedProcess process, double deadline, int creates, bint keep):
    cdef hcsrt_result result = 0
    cdef int status
    cdef _Call call = _Call("HcsGetProcessInfo", None)
    call.deadline = deadline
    call.created, call.creates, call.keep = process, creates, keep
    call.expect_process_info(process)
    with nogil:
        status = process._enter()
        if status == HANDLE_OK:
            call.operation._enter()
            result = call.api.HcsGetProcessInfo(process._raw, call.operation._raw)
            call.operation._leave()
            process._leave()
    check_entered(process, status)
    call.finish(result)
    return call.started()


def process_info(OwnedProcess process not None, timeout=None):
    """Return the pid and new handles of the streams of a process. HCS function: HcsGetProcessInfo."""
    return ask_process(process, deadline_of(timeout), HCSRT_CREATES_NOTHING, False)


def open_process(OwnedSystem system not None, uint32_t pid):
    """Open a process by its id in the compute system and return the handle. HCS function: HcsOpenProcess."""
    cdef const HcsApi *api = hcs()
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            result = api.HcsOpenProcess(system._raw, pid, HCSRT_GENERIC_ALL, &raw)
            if raw != NULL:
                adopt(process, raw)
            system._leave()
    check_entered(system, status)
    if result < 0 or raw == NULL:
        process.close()
        raise error_from(result if result < 0 else HCSRT_E_POINTER, "HcsOpenProcess", None)
    return process


def process_properties(OwnedProcess process not None, query=None, timeout=None):
    """Return the ProcessStatus document. HCS function: HcsGetProcessProperties."""
    return call_on(process, hcs().HcsGetProcessProperties, "HcsGetProcessProperties", query, timeout)


def signal_process(OwnedProcess process not None, options, timeout=None):
    """Send a signal to a process. HCS function: HcsSignalProcess."""
    return call_on(process, hcs().HcsSignalProcess, "HcsSignalProcess", options, timeout)


def modify_process(OwnedProcess process not None, options, timeout=None):
    """Change the console size of a process or close one of its streams. HCS function: HcsModifyProcess."""
    return call_on(process, hcs().HcsModifyProcess, "HcsModifyProcess", options, timeout)


def terminate_process(OwnedProcess process not None, options=None, timeout=None):
    """End a process at once. HCS function: HcsTerminateProcess."""
    return call_on(process, hcs().HcsTerminateProcess, "HcsTerminateProcess", options, timeout)


# --- exit -----------------------------------------------------------------------------------------------------------

cdef int register_watch(Handle handle, bint is_system, hcsrt_result *result) noexcept nogil:
    cdef const HcsApi *api = hcs_chosen()
    cdef hcsrt_watch *own = hcsrt_watch_new(HCSRT_EVENT_SYSTEM_EXITED if is_system else HCSRT_EVENT_PROCESS_EXITED)
    cdef hcsrt_context *context
    cdef int bound
    if own == NULL:
        result[0] = HCSRT_E_OUTOFMEMORY
        return HANDLE_OK
    context = hcsrt_watch_context(own)
    bound = bind_context(handle, context)
    if bound != HANDLE_OK:
        context.destroy(context)
    elif is_system:
        result[0] = api.HcsSetComputeSystemCallback(handle._raw, 0, own, hcsrt_watch_event)
    else:
        result[0] = api.HcsSetProcessCallback(handle._raw, 0, own, hcsrt_watch_event)
    return bound


cdef int watch(Handle handle, bint is_system, str function) except -1:
    cdef hcsrt_result result = 0
    cdef int status, bound = HANDLE_OK
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
    return hcsrt_watch_of(context_of(handle))


def watch_system(OwnedSystem system not None):
    """Register the one event callback of a handle, for wait_exit(). HCS function: HcsSetComputeSystemCallback."""
    watch(system, True, "HcsSetComputeSystemCallback")


def watch_process(OwnedProcess process not None):
    """Register the one event callback of a handle, for wait_exit(). HCS function: HcsSetProcessCallback."""
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
                    how = hcsrt_watch_wait(own, part)
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
    """Return how the exit latch was set, "exited", "disconnected" or "queried", and the exit document or None.

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
        how = hcsrt_watch_wait(own, 0)
        if how == HCSRT_NOT_EXITED:
            return None
        text = hcsrt_watch_document(own)
        return EXIT_WORDS[how], None if text == NULL else decode(text)
    finally:
        with nogil:
            handle._leave()


def latch_exit(Handle handle not None, document=None):
    """Set the exit latch by what a query told; an exit document that came before stays."""
    cdef bytes encoded = utf16(document, "document")
    cdef const hcsrt_char *c_document = units(encoded)
    cdef hcsrt_watch *own = NULL
    cdef int status
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            own = watch_of(handle)
            if own != NULL:
                hcsrt_watch_latch(own, HCSRT_QUERIED, c_document)
            handle._leave()
    check_entered(handle, status)
    if own == NULL:
        raise not_watched(handle)


# --- events ---------------------------------------------------------------------------------------------------------

@cython.final
@cython.no_gc_clear
cdef class Subscription:
    """One reader of the events of a handle, made by subscribe(); several threads may share it."""

    cdef Handle handle
    cdef hcsrt_subscriber *subscriber
    # native/state.h: a close() leaves the end of the subscription to the last thread inside.
    cdef uint32_t state

    def __dealloc__(self):
        if hcsrt_state_is_idle(self.state):
            with nogil:
                hcsrt_unsubscribe(self.subscriber)

    cdef void end(self) noexcept nogil:
        hcsrt_unsubscribe(self.subscriber)
        hcsrt_state_finish(&self.state)

    def next(self, timeout=None):
        """Wait for the next event and return (type, data, time, lost, data_lost), or None if the time is up.

        type: HCS_EVENT_TYPE. data: its document or None. time: when HCS told of it, in nanoseconds since 1970. lost:
        how many events before it found the queue full. data_lost: whether there was no memory for its document. Raises
        EOFError after the exit or the disconnect, and within 0.1 seconds when the handle or the subscription is closed
        and the queue is empty.
        """
        cdef double deadline = deadline_of(timeout)
        cdef hcsrt_taken taken
        cdef uint32_t milliseconds
        cdef bint closed
        cdef int what
        while True:
            # Before the queue is looked at: what was told before the close is there by then.
            closed = self.handle.closed
            milliseconds = 0 if closed else slice_of(deadline, LATCH_SLICE_MS)
            what = HCSRT_TAKEN_END
            with nogil:
                if hcsrt_state_enter(&self.state) == HANDLE_OK:
                    what = hcsrt_subscriber_take(self.subscriber, milliseconds, &taken)
                    if hcsrt_state_leave(&self.state):
                        self.end()
            if what == HCSRT_TAKEN_EVENT:
                try:
                    text = None if taken.data == NULL else decode(taken.data)
                    return taken.type, text, taken.time, taken.lost, taken.data_lost != 0
                finally:
                    hcsrt_taken_free(&taken)
            if what == HCSRT_TAKEN_END or closed:
                raise EOFError("no more events come")
            PyErr_CheckSignals()
            if monotonic() >= deadline:
                return None

    def close(self):
        """End the subscription; what is in its queue is dropped. Never raises; a second close does nothing."""
        with nogil:
            if hcsrt_state_close(&self.state):
                self.end()


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
                subscription.subscriber = hcsrt_subscribe(own, size, NULL, NULL)
                if subscription.subscriber != NULL:
                    hcsrt_state_adopt(&subscription.state)
            handle._leave()
    check_entered(handle, status)
    if own == NULL:
        raise not_watched(handle)
    if subscription.subscriber == NULL:
        raise MemoryError(f"no memory for a queue of {size} events")
    return subscription
