"""The functions of HCS as blocking calls on the core's handles.

Each call makes an operation without callback, kicks it off, and waits in slices: close() and Ctrl-C take effect within
one. A call that times out or is interrupted moves to the reaper. A timeout is in seconds, None waits for ever.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.exc cimport PyErr_CheckSignals
from cpython.unicode cimport PyUnicode_DecodeUTF16, PyUnicode_New
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t

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
    make_immortal,
    new_operation,
    new_process,
    new_stdio,
    new_system,
    reaper_announce,
)
from hcsrt._library cimport (
    HcsApi,
    hcs,
    hcs_chosen,
    hcsrt_char,
    hcsrt_context,
    hcsrt_create_options,
    hcsrt_event,
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
from .errors import HandleBusyError, NotSupportedError, OperationTimeoutError, error_from

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

cdef extern from "core/state.h" nogil:
    void hcsrt_state_adopt(uint32_t *word)
    int hcsrt_state_enter(uint32_t *word)
    int hcsrt_state_leave(uint32_t *word)
    int hcsrt_state_close(uint32_t *word)
    int hcsrt_state_is_idle(uint32_t state)
    void hcsrt_state_finish(uint32_t *word)

cdef extern from *:
    """
    #include <cstring>

    #include "core/threads.h"

    /* A completion callback may come late, twice or never, and when its operation is closed already. So it has no
     * context that could be gone, and tells only that it is time to ask. */
    static std::atomic<uint32_t> hcsrt_completions{0};

    static void hcsrt_count_one(void) {
        hcsrt_completions.fetch_add(1, std::memory_order_release);
        hcsrt::wake_all(hcsrt_completions);
    }
    static void HCSRT_CALL hcsrt_count_completion(hcsrt_operation, void *) { hcsrt_count_one(); }
    static void HCSRT_CALL hcsrt_count_notification(hcsrt_event *, void *) { hcsrt_count_one(); }
    static uint32_t hcsrt_count_so_far(void) { return hcsrt_completions.load(std::memory_order_acquire); }
    static void hcsrt_wait_for_more(uint32_t seen, uint32_t milliseconds) {
        hcsrt::wait_on(hcsrt_completions, seen, milliseconds);
    }

    /* What most calls on a system or a process look like: the handle, the operation, a document or NULL. */
    typedef hcsrt_result(HCSRT_CALL *hcsrt_handle_verb)(void *, hcsrt_operation, const hcsrt_char *);

    template <typename Function>
    static bool hcsrt_take_verb(Function, hcsrt_handle_verb *) { return false; }
    static bool hcsrt_take_verb(hcsrt_handle_verb function, hcsrt_handle_verb *verb) {
        *verb = function;
        return true;
    }
    /* False if the function of that name does not look so; `verb` is NULL if this HCS lacks it. */
    static bool hcsrt_find_verb(const HcsApi *api, const char *name, hcsrt_handle_verb *verb) {
    #define HCSRT_COMPARE(result, function, parameters, since) \
        if (std::strcmp(name, #function) == 0) return hcsrt_take_verb(api->function, verb);
        HCSRT_FUNCTIONS(HCSRT_COMPARE)
    #undef HCSRT_COMPARE
        return false;
    }
    """
    void hcsrt_count_completion(hcsrt_operation operation, void *context) noexcept nogil
    void hcsrt_count_notification(hcsrt_event *event, void *context) noexcept nogil
    uint32_t hcsrt_count_so_far() noexcept nogil
    void hcsrt_wait_for_more(uint32_t seen, uint32_t milliseconds) noexcept nogil
    ctypedef hcsrt_result (*handle_verb "hcsrt_handle_verb")(void *, hcsrt_operation, const hcsrt_char *) noexcept nogil
    bint hcsrt_find_verb(const HcsApi *api, const char *name, handle_verb *verb) nogil


cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()
    void *PyUnicode_DATA(object text)

cdef extern from "core/text.h" nogil:
    size_t hcsrt_text_length(const hcsrt_char *text)
    bint hcsrt_text_is_ascii(const hcsrt_char *text, size_t length)
    void hcsrt_text_narrow(char *bytes, const hcsrt_char *text, size_t length)

cdef extern from "core/results.h" nogil:
    const hcsrt_result HCSRT_E_OUTOFMEMORY
    const hcsrt_result HCSRT_E_POINTER
    const hcsrt_result HCSRT_E_WAIT_TIMEOUT
    const hcsrt_result HCSRT_E_OPERATION_PENDING
    const hcsrt_result HCSRT_E_OPERATION_TIMEOUT
    const uint32_t HCSRT_GENERIC_ALL
    const uint32_t HCSRT_CREATE_OPTIONS_1
    const hcsrt_result HCSRT_WAIT_TIMEOUT
    const uint32_t HCSRT_EVENT_SYSTEM_EXITED
    const uint32_t HCSRT_EVENT_PROCESS_EXITED

cdef extern from "core/reaper.h" nogil:
    const int HCSRT_CREATES_NOTHING
    const int HCSRT_CREATES_SYSTEM
    const int HCSRT_CREATES_PROCESS

cdef extern from "core/stdio_handle.h" nogil:
    void hcsrt_stdio_received(hcsrt_handle handle)

# What waits for an exit, and what the synchronous calls of the service look like.
ctypedef hcsrt_result (*exit_verb)(void *, uint32_t, hcsrt_char **) noexcept nogil
ctypedef hcsrt_result (*path_verb)(const hcsrt_char *) noexcept nogil
ctypedef hcsrt_result (*grant_verb)(const hcsrt_char *, const hcsrt_char *) noexcept nogil
ctypedef hcsrt_result (*question_verb)(const hcsrt_char *, hcsrt_char **) noexcept nogil

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
    cdef Py_ssize_t length = hcsrt_text_length(text)
    cdef int byteorder = 0
    if not hcsrt_text_is_ascii(text, length):
        return PyUnicode_DecodeUTF16(<const char *> text, length * sizeof(hcsrt_char), "surrogatepass", &byteorder)
    result = PyUnicode_New(length, 127)
    hcsrt_text_narrow(<char *> PyUnicode_DATA(result), text, length)
    return result


cdef str take_string(const HcsApi *api, hcsrt_char *text):
    """The text of a string that HCS handed out, which is released; None for NULL."""
    if text == NULL:
        return None
    try:
        return decode(text)
    finally:
        with nogil:
            api.free_string(text)


# --- addresses ------------------------------------------------------------------------------------------------------

cdef void *pointer(value, str argument) except? NULL:
    """The pointer or Win32 handle that an int means; NULL for None."""
    if value is None:
        return NULL
    if not isinstance(value, int):
        raise TypeError(f"{argument} must be an int, an address or a Windows handle, not {type(value).__name__}")
    try:
        return <void *> <uintptr_t> value
    except OverflowError:
        raise ValueError(f"{argument} is {value:#x}, which is neither an address nor a Windows handle") from None


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


@cython.final
cdef class Limit:
    """The time limit of one call, given instead of a timeout in seconds, that another thread may cut short.

    Then it is as if the time were over.
    """

    cdef readonly object timeout
    cdef double deadline

    def __init__(self, timeout):
        self.timeout = timeout
        self.deadline = deadline_of(timeout)

    def cut(self):
        self.deadline = 0


@cython.final
cdef class Claim:
    """To what a call on another thread brings: whoever waits for it has it, until it waits no more."""

    cdef object settled

    def __cinit__(self):
        self.settled = threading.Lock()

    def forsake(self, Limit limit):
        """Wait no more, cut the call's limit short, and let pending() count it; False if the call has ended before.

        No signal handler runs in between.
        """
        if limit is not None:
            limit.cut()
        reaper_announce(1)
        if self.settled.acquire(False):
            return True
        reaper_announce(-1)
        return False

    def settle(self):
        """End the call; False if nobody waits for it."""
        return self.settled.acquire(False)


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

    def __init__(self, OwnedProcess process not None, uint32_t pid, OwnedStdio stdin=None, OwnedStdio stdout=None,
                 OwnedStdio stderr=None):
        self.process = process
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

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


def create_operation(notifications=None):
    """Create an operation that tracks a call; see kick_off(). HCS function: HcsCreateOperation.

    With `notifications`, HCS_OPERATION_OPTIONS as an int, HCS also tells of progress, whereupon wait_first() asks it
    for the result. HCS function: HcsCreateOperationWithNotifications.
    """
    cdef const HcsApi *api = hcs()
    cdef OwnedOperation operation = new_operation()
    cdef hcsrt_operation raw
    cdef uint32_t last_error
    cdef bint plain = notifications is None
    cdef uint32_t c_notifications = 0 if plain else notifications
    cdef str function = "HcsCreateOperation" if plain else "HcsCreateOperationWithNotifications"
    need(api.HcsCreateOperation != NULL if plain else api.HcsCreateOperationWithNotifications != NULL, function)
    with nogil:
        if plain:
            raw = api.HcsCreateOperation(NULL, NULL)
        else:
            raw = api.HcsCreateOperationWithNotifications(c_notifications, NULL, hcsrt_count_notification)
        last_error = hcsrt_last_error()
        if raw != NULL:
            adopt(operation, raw)
    if raw == NULL:
        # That the last error is set is what hcsshim and WSL count on, the documentation does not say it.
        raise error_from(0x80070000 | last_error if last_error else HCSRT_E_OUTOFMEMORY, function, None)
    return operation


cdef class _Call:
    """One tracked call from its kick-off to its result."""

    cdef const HcsApi *api
    cdef str function
    cdef OwnedOperation operation
    cdef Limit limit
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
        self.limit = timeout if type(timeout) is Limit else Limit(timeout)
        self.function = function
        self.api = hcs()
        self.creates = HCSRT_CREATES_NOTHING
        self.operation = create_operation()

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
                self.document = self.outcome(slice_of(self.limit.deadline, most), True)
                if self.result != HCSRT_E_OPERATION_TIMEOUT:
                    break
                PyErr_CheckSignals()
                if monotonic() >= self.limit.deadline:
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


cdef str call_on(Handle handle, handle_verb verb, str function, text, timeout, resources=()):
    cdef bytes encoded = utf16(text, "options")
    cdef const hcsrt_char *c_text = units(encoded)
    cdef hcsrt_result result = 0
    cdef int status
    need(verb != NULL, function)
    cdef _Call call = _Call(function, timeout)
    for resource_type, uri, resource in resources:
        add_resource(call.operation, resource_type, uri, resource)
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


def call(Handle handle not None, str function not None, text=None, timeout=None, *, resources=(), identity=None):
    """Call an HCS function on a system or a process, wait for its end and return its document, or None.

    `function` is an HCS name of the shape (handle, operation, text), or HcsModifyComputeSystem, whose `identity` is a
    HANDLE as an int or None. `resources` are (type, uri, handle) of add_resource(). Raises what HCS answers,
    OperationTimeoutError, HandleClosedError, NotSupportedError; ValueError for another function, TypeError for a handle
    of another kind.
    """
    cdef handle_verb verb = NULL
    if function == "HcsModifyComputeSystem":
        return modify(handle, text, identity, timeout)
    if identity is not None:
        raise ValueError(f"{function} has no identity")
    if not hcsrt_find_verb(hcs(), function.encode(), &verb):
        raise ValueError(f"{function} is not called with a handle and one text")
    kind = OwnedProcess if "Process" in function else OwnedSystem
    if type(handle) is not kind:
        raise TypeError(f"{function} is called on an {kind.__name__}, not on {type(handle).__name__}")
    return call_on(handle, verb, function, text, timeout, resources)


# --- compute systems ------------------------------------------------------------------------------------------------

cdef OwnedSystem create(bytes namespace, id, document, const hcsrt_create_options *options,
                        const void *security_descriptor, timeout, bint keep):
    """Create a system, in a namespace if one is given."""
    cdef bytes encoded_id = utf16(id, "id")
    cdef bytes encoded_document = utf16(document, "document")
    cdef const hcsrt_char *c_namespace = units(namespace)
    cdef const hcsrt_char *c_id = units(encoded_id)
    cdef const hcsrt_char *c_document = units(encoded_document)
    cdef const HcsApi *api = hcs()
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    cdef str function = "HcsCreateComputeSystem" if c_namespace == NULL else "HcsCreateComputeSystemInNamespace"
    need(api.HcsCreateComputeSystem != NULL if c_namespace == NULL else api.HcsCreateComputeSystemInNamespace != NULL,
         function)
    cdef _Call call = _Call(function, timeout)
    call.created, call.creates, call.keep = system, HCSRT_CREATES_SYSTEM, keep
    with nogil:
        call.operation._enter()
        if c_namespace == NULL:
            result = api.HcsCreateComputeSystem(c_id, c_document, call.operation._raw, security_descriptor, &raw)
        else:
            result = api.HcsCreateComputeSystemInNamespace(
                c_namespace, c_id, c_document, call.operation._raw, options, &raw)
        if raw != NULL:
            adopt(system, raw)
        call.operation._leave()
    try:
        call.finish(result)
    except BaseException:
        system.close()
        raise
    if raw == NULL:
        raise error_from(HCSRT_E_POINTER, function, None)
    return system


def create_system(id, document, timeout=None, bint keep_on_abandon=False, security_descriptor=None):
    """Create a compute system and return its handle. HCS function: HcsCreateComputeSystem.

    If the wait times out or is interrupted, the system is terminated once HCS has made it, unless `keep_on_abandon`.
    `security_descriptor` is the address of a SECURITY_DESCRIPTOR; by the documentation it has to be None.
    """
    cdef const void *c_descriptor = pointer(security_descriptor, "security_descriptor")
    return create(None, id, document, NULL, c_descriptor, timeout, keep_on_abandon)


def create_system_in_namespace(namespace not None, id, document, timeout=None, bint keep_on_abandon=False,
                               user_token=None, security_descriptor=None):
    """Create a compute system in a namespace. HCS function: HcsCreateComputeSystemInNamespace.

    As create_system(). `user_token` is the HANDLE of an access token, `security_descriptor` the address of a
    SECURITY_DESCRIPTOR; None leaves them out.
    """
    cdef bytes encoded = utf16(namespace, "namespace")
    cdef hcsrt_create_options options
    options.version = HCSRT_CREATE_OPTIONS_1
    options.user_token = pointer(user_token, "user_token")
    options.security_descriptor = pointer(security_descriptor, "security_descriptor")
    options.callback_options = 0
    options.callback_context = NULL
    options.callback = NULL
    cdef const hcsrt_create_options *given = &options
    if options.user_token == NULL and options.security_descriptor == NULL:
        given = NULL
    return create(encoded, id, document, given, NULL, timeout, keep_on_abandon)


def open_system(id, namespace=None):
    """Open a compute system by its id, in a namespace if one is given, and return the handle.

    HCS function: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace.
    """
    cdef bytes encoded = utf16(id, "id")
    cdef bytes encoded_namespace = utf16(namespace, "namespace")
    cdef const hcsrt_char *c_id = units(encoded)
    cdef const hcsrt_char *c_namespace = units(encoded_namespace)
    cdef const HcsApi *api = hcs()
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    cdef str function = "HcsOpenComputeSystem" if c_namespace == NULL else "HcsOpenComputeSystemInNamespace"
    need(api.HcsOpenComputeSystem != NULL if c_namespace == NULL else api.HcsOpenComputeSystemInNamespace != NULL,
         function)
    with nogil:
        if c_namespace == NULL:
            result = api.HcsOpenComputeSystem(c_id, HCSRT_GENERIC_ALL, &raw)
        else:
            result = api.HcsOpenComputeSystemInNamespace(c_namespace, c_id, HCSRT_GENERIC_ALL, &raw)
        if raw != NULL:
            adopt(system, raw)
    if result < 0 or raw == NULL:
        system.close()
        raise error_from(result if result < 0 else HCSRT_E_POINTER, function, None)
    return system


def start_system(OwnedSystem system not None, options=None, timeout=None, resources=()):
    """Start a compute system. HCS function: HcsStartComputeSystem.

    `resources` are (type, uri, handle) of add_resource(): what a start as the destination of a migration needs.
    """
    return call_on(system, hcs().HcsStartComputeSystem, "HcsStartComputeSystem", options, timeout, resources)


def shutdown_system(OwnedSystem system not None, options=None, timeout=None):
    """Ask the guest of a compute system to shut down. HCS function: HcsShutDownComputeSystem."""
    return call_on(system, hcs().HcsShutDownComputeSystem, "HcsShutDownComputeSystem", options, timeout)


def terminate_system(OwnedSystem system not None, options=None, timeout=None):
    """End a compute system at once. HCS function: HcsTerminateComputeSystem."""
    return call_on(system, hcs().HcsTerminateComputeSystem, "HcsTerminateComputeSystem", options, timeout)


def system_properties(OwnedSystem system not None, query=None, timeout=None):
    """Return the Properties document. HCS function: HcsGetComputeSystemProperties."""
    return call_on(system, hcs().HcsGetComputeSystemProperties, "HcsGetComputeSystemProperties", query, timeout)


def crash_system(OwnedSystem system not None, options=None, timeout=None):
    """Make the guest of a virtual machine crash. HCS function: HcsCrashComputeSystem."""
    return call_on(system, hcs().HcsCrashComputeSystem, "HcsCrashComputeSystem", options, timeout)


def pause_system(OwnedSystem system not None, options=None, timeout=None):
    """Stop the clock of a virtual machine. HCS function: HcsPauseComputeSystem."""
    return call_on(system, hcs().HcsPauseComputeSystem, "HcsPauseComputeSystem", options, timeout)


def resume_system(OwnedSystem system not None, options=None, timeout=None):
    """Let a paused virtual machine go on. HCS function: HcsResumeComputeSystem."""
    return call_on(system, hcs().HcsResumeComputeSystem, "HcsResumeComputeSystem", options, timeout)


def save_system(OwnedSystem system not None, options=None, timeout=None):
    """Save the state of a paused virtual machine. HCS function: HcsSaveComputeSystem."""
    return call_on(system, hcs().HcsSaveComputeSystem, "HcsSaveComputeSystem", options, timeout)


def modify_system(OwnedSystem system not None, configuration not None, identity=None, timeout=None):
    """Change settings of a compute system by a ModifySettingRequest. HCS function: HcsModifyComputeSystem.

    `identity` is the HANDLE of an access token to apply the settings with, as an int.
    """
    return modify(system, configuration, identity, timeout)


cdef str modify(OwnedSystem system, configuration, identity, timeout):
    cdef bytes encoded = utf16(configuration, "configuration")
    cdef const hcsrt_char *c_configuration = units(encoded)
    cdef hcsrt_handle c_identity = pointer(identity, "identity")
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsModifyComputeSystem != NULL, "HcsModifyComputeSystem")
    cdef _Call call = _Call("HcsModifyComputeSystem", timeout)
    with nogil:
        status = system._enter()
        if status == HANDLE_OK:
            call.operation._enter()
            result = api.HcsModifyComputeSystem(system._raw, call.operation._raw, c_configuration, c_identity)
            call.operation._leave()
            system._leave()
    check_entered(system, status)
    return call.finish(result)


def enumerate_systems(query=None, timeout=None, namespace=None):
    """Return the array of Properties of the systems that match, in a namespace if one is given.

    HCS function: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace.
    """
    cdef bytes encoded = utf16(query, "query")
    cdef bytes encoded_namespace = utf16(namespace, "namespace")
    cdef const hcsrt_char *c_query = units(encoded)
    cdef const hcsrt_char *c_namespace = units(encoded_namespace)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result
    cdef str function = "HcsEnumerateComputeSystems" if c_namespace == NULL else "HcsEnumerateComputeSystemsInNamespace"
    need(api.HcsEnumerateComputeSystems != NULL if c_namespace == NULL
         else api.HcsEnumerateComputeSystemsInNamespace != NULL, function)
    cdef _Call call = _Call(function, timeout)
    with nogil:
        call.operation._enter()
        if c_namespace == NULL:
            result = api.HcsEnumerateComputeSystems(c_query, call.operation._raw)
        else:
            result = api.HcsEnumerateComputeSystemsInNamespace(c_namespace, c_query, call.operation._raw)
        call.operation._leave()
    return call.finish(result)


# --- live migration -------------------------------------------------------------------------------------------------

def initialize_live_migration_on_source(OwnedSystem system not None, options=None, timeout=None):
    """Prepare a virtual machine to leave this host. HCS function: HcsInitializeLiveMigrationOnSource."""
    return call_on(system, hcs().HcsInitializeLiveMigrationOnSource, "HcsInitializeLiveMigrationOnSource", options,
                   timeout)


def start_live_migration_on_source(OwnedSystem system not None, options=None, timeout=None, resources=()):
    """Begin the migration over a socket among the resources. HCS function: HcsStartLiveMigrationOnSource."""
    return call_on(system, hcs().HcsStartLiveMigrationOnSource, "HcsStartLiveMigrationOnSource", options, timeout,
                   resources)


def start_live_migration_transfer(OwnedSystem system not None, options=None, timeout=None):
    """Begin to send the memory. HCS function: HcsStartLiveMigrationTransfer."""
    return call_on(system, hcs().HcsStartLiveMigrationTransfer, "HcsStartLiveMigrationTransfer", options, timeout)


def finalize_live_migration(OwnedSystem system not None, options=None, timeout=None):
    """End a migration, on either host. HCS function: HcsFinalizeLiveMigration."""
    return call_on(system, hcs().HcsFinalizeLiveMigration, "HcsFinalizeLiveMigration", options, timeout)


def cancel_live_migration(OwnedSystem system not None, options=None, timeout=None):
    """Give a migration up. HCS function: HcsCancelLiveMigration."""
    return call_on(system, hcs().HcsCancelLiveMigration, "HcsCancelLiveMigration", options, timeout)


# --- processes ------------------------------------------------------------------------------------------------------

def create_process(OwnedSystem system not None, parameters, timeout=None, bint keep_on_abandon=False):
    """Start a process in a compute system. HCS function: HcsCreateProcess.

    If the wait times out or is interrupted, the process is terminated once HCS has made it, unless `keep_on_abandon`.
    HCS may fail and give a handle all the same (Server 2022 is known for it): then the ProcessStart has an `error`, and
    process_info() tells whether the process runs.
    """
    cdef bytes encoded = utf16(parameters, "parameters")
    cdef const hcsrt_char *c_parameters = units(encoded)
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(hcs().HcsCreateProcess != NULL, "HcsCreateProcess")
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
    if raw == NULL:
        raise call.failure()
    # The process may run all the same: whoever made the call asks HCS what is true.
    start = call.started()
    start.error = call.failure()
    return start


def process_info(OwnedProcess process not None, timeout=None):
    """Return the pid and new handles of the streams of a process. HCS function: HcsGetProcessInfo."""
    cdef hcsrt_result result = 0
    cdef int status
    need(hcs().HcsGetProcessInfo != NULL, "HcsGetProcessInfo")
    cdef _Call call = _Call("HcsGetProcessInfo", timeout)
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


def open_process(OwnedSystem system not None, uint32_t pid):
    """Open a process by its id in the compute system and return the handle. HCS function: HcsOpenProcess."""
    cdef const HcsApi *api = hcs()
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsOpenProcess != NULL, "HcsOpenProcess")
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
    cdef uint32_t exit_event = HCSRT_EVENT_SYSTEM_EXITED if is_system else HCSRT_EVENT_PROCESS_EXITED
    cdef hcsrt_watch *own = hcsrt_watch_new(exit_event, <void *> handle)
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


cdef void tell_disconnects(hcsrt_disconnect_notice notice) noexcept:
    hcsrt_set_disconnect_notice(notice)


cdef int watch(Handle handle, bint is_system, str function) except -1:
    cdef hcsrt_result result = 0
    cdef int status, bound = HANDLE_OK
    need(hcs().HcsSetComputeSystemCallback != NULL if is_system else hcs().HcsSetProcessCallback != NULL, function)
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


cdef str wait_native_exit(Handle handle, exit_verb verb, str function, timeout):
    cdef double deadline = deadline_of(timeout)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document
    cdef hcsrt_result result = 0
    cdef uint32_t milliseconds
    cdef int status
    need(verb != NULL, function)
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
        # Which code tells that the time is up is not documented; as a bare number it would be a success.
        if result not in (HCSRT_E_OPERATION_TIMEOUT, HCSRT_E_WAIT_TIMEOUT, HCSRT_WAIT_TIMEOUT):
            if result < 0:
                raise error_from(result, function, text)
            return text
        PyErr_CheckSignals()
        if monotonic() >= deadline:
            raise OperationTimeoutError(HCSRT_E_OPERATION_TIMEOUT, function)


def wait_system_exit(OwnedSystem system not None, timeout=None):
    """Wait for the exit without event callback and return its document. HCS function: HcsWaitForComputeSystemExit.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.
    """
    return wait_native_exit(system, hcs().HcsWaitForComputeSystemExit, "HcsWaitForComputeSystemExit", timeout)


def wait_process_exit(OwnedProcess process not None, timeout=None):
    """Wait for the exit without event callback and return the ProcessStatus. HCS function: HcsWaitForProcessExit.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.
    """
    return wait_native_exit(process, hcs().HcsWaitForProcessExit, "HcsWaitForProcessExit", timeout)


# --- operations by hand ---------------------------------------------------------------------------------------------

def kick_off(OwnedOperation operation not None, str function not None, Handle handle not None, options=None):
    """Start a call that `operation` tracks and return at once; operation_result() tells what came of it.

    `function` is the name of an HCS function that takes a handle, an operation and a document: any verb on a system or
    a process that creates nothing. Raises what HCS answers at once. One operation tracks one call at a time; closed
    before its end, the call goes on and its result is lost.
    """
    cdef const HcsApi *api = hcs()
    cdef bytes encoded = utf16(options, "options")
    cdef const hcsrt_char *c_options = units(encoded)
    cdef bytes name = function.encode()
    cdef handle_verb verb = NULL
    cdef hcsrt_result result = 0, ignored = 0
    cdef int status, entered = HANDLE_OK
    if not hcsrt_find_verb(api, name, &verb):
        raise ValueError(f"{function} is no HCS function of a handle, an operation and a document")
    kind = OwnedProcess if "Process" in function else OwnedSystem
    if not isinstance(handle, kind):
        raise TypeError(f"{function} needs an {kind.__name__}, not {type(handle).__name__}")
    need(verb != NULL, function)
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            entered = operation._enter()
            if entered == HANDLE_OK:
                result = verb(handle._raw, operation._raw, c_options)
                operation._leave()
            handle._leave()
    check_entered(handle, status)
    check_entered(operation, entered)
    if result < 0:
        raise error_from(result, function, ask_result(operation, 0, &ignored))


cdef str ask_result(OwnedOperation operation, uint32_t milliseconds, hcsrt_result *result):
    """Ask for the result, waiting at most so long; sets `result` and returns the document."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef int status
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            if milliseconds:
                result[0] = api.HcsWaitForOperationResult(operation._raw, milliseconds, &document)
            else:
                result[0] = api.HcsGetOperationResult(operation._raw, &document)
            operation._leave()
    text = take_string(api, document)
    check_entered(operation, status)
    return text


# Without binding, as a function of CPython's own: of a call so short, what Cython's functions add is a fifth.
@cython.binding(False)
def operation_result(OwnedOperation operation not None, /):
    """Return the result document of a call that has ended. HCS function: HcsGetOperationResult.

    Raises what the call failed with; of a call that goes on, the error is HCS_E_OPERATION_PENDING.
    """
    cdef hcsrt_result result = 0
    text = ask_result(operation, 0, &result)
    if result < 0:
        raise error_from(result, "HcsGetOperationResult", text)
    return text


def wait_operation(OwnedOperation operation not None, timeout=None):
    """Wait for the end of a call and return its result document. HCS function: HcsWaitForOperationResult.

    Raises what the call failed with; OperationTimeoutError, after which the call goes on and may be waited for again.
    """
    cdef double deadline = deadline_of(timeout)
    cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
    cdef hcsrt_result result = 0
    while True:
        text = ask_result(operation, slice_of(deadline, most), &result)
        if result not in (HCSRT_E_OPERATION_TIMEOUT, HCSRT_E_OPERATION_PENDING):
            if result < 0:
                raise error_from(result, "HcsWaitForOperationResult", text)
            return text
        PyErr_CheckSignals()
        if monotonic() >= deadline:
            raise OperationTimeoutError(HCSRT_E_OPERATION_TIMEOUT, "HcsWaitForOperationResult")


def wait_first(operations, timeout=None):
    """Wait until the call of one of some operations has ended and return that operation; None when the time is up.

    HCS function: HcsSetOperationCallback, with a callback that runs no Python.
    """
    cdef double deadline = deadline_of(timeout)
    cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
    cdef const HcsApi *api = hcs()
    cdef OwnedOperation operation
    cdef hcsrt_result result = 0
    cdef uint32_t seen, milliseconds
    cdef int status
    cdef list owned = list(operations)
    if not owned and timeout is None:
        raise ValueError("operations must not be empty without a timeout: the wait would have no end")
    need(api.HcsSetOperationCallback != NULL, "HcsSetOperationCallback")
    for operation in owned:
        with nogil:
            status = operation._enter()
            if status == HANDLE_OK:
                result = api.HcsSetOperationCallback(operation._raw, NULL, hcsrt_count_completion)
                operation._leave()
        check_entered(operation, status)
        if result < 0:
            raise error_from(result, "HcsSetOperationCallback", None)
    while True:
        # Before the question, or a completion right after it would be missed.
        seen = hcsrt_count_so_far()
        for operation in owned:
            with nogil:
                status = operation._enter()
                if status == HANDLE_OK:
                    result = api.HcsGetOperationResult(operation._raw, NULL)
                    operation._leave()
            check_entered(operation, status)
            if result != HCSRT_E_OPERATION_PENDING:
                return operation
        PyErr_CheckSignals()
        milliseconds = slice_of(deadline, most)
        if milliseconds == 0:
            return None
        # The callback is a hint: it may never come, least of all if the call had ended before it was set.
        with nogil:
            hcsrt_wait_for_more(seen, milliseconds)


@cython.binding(False)
def operation_id(OwnedOperation operation not None, /):
    """Return the number that HCS knows an operation by. HCS function: HcsGetOperationId."""
    cdef const HcsApi *api = hcs()
    cdef uint64_t number = 0
    cdef int status
    need(api.HcsGetOperationId != NULL, "HcsGetOperationId")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            number = api.HcsGetOperationId(operation._raw)
            operation._leave()
    check_entered(operation, status)
    return number


@cython.binding(False)
def operation_type(OwnedOperation operation not None, /):
    """Return the HCS_OPERATION_TYPE of the tracked call, -1 before the first. HCS function: HcsGetOperationType."""
    cdef const HcsApi *api = hcs()
    cdef int32_t number = 0
    cdef int status
    need(api.HcsGetOperationType != NULL, "HcsGetOperationType")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            number = api.HcsGetOperationType(operation._raw)
            operation._leave()
    check_entered(operation, status)
    return number


def operation_properties(OwnedOperation operation not None, options=None):
    """Return the document that describes an operation. HCS function: HcsGetOperationProperties."""
    cdef bytes encoded = utf16(options, "options")
    cdef const hcsrt_char *c_options = units(encoded)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsGetOperationProperties != NULL, "HcsGetOperationProperties")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result = api.HcsGetOperationProperties(operation._raw, c_options, &document)
            operation._leave()
    text = take_string(api, document)
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsGetOperationProperties", text)
    return text


@cython.binding(False)
def operation_system(OwnedOperation operation not None, /):
    """Return the address of the system handle that a call under way is about, to compare with int(system.as_raw()).

    The handle stays its owner's. None if there is none. HCS function: HcsGetComputeSystemFromOperation.
    """
    cdef const HcsApi *api = hcs()
    cdef uintptr_t address = 0
    cdef int status
    need(api.HcsGetComputeSystemFromOperation != NULL, "HcsGetComputeSystemFromOperation")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            address = <uintptr_t> api.HcsGetComputeSystemFromOperation(operation._raw)
            operation._leave()
    check_entered(operation, status)
    return address or None


@cython.binding(False)
def operation_process(OwnedOperation operation not None, /):
    """Return the address of the process handle that a call under way is about, to compare with int(process.as_raw()).

    The handle stays its owner's. None if there is none. HCS function: HcsGetProcessFromOperation.
    """
    cdef const HcsApi *api = hcs()
    cdef uintptr_t address = 0
    cdef int status
    need(api.HcsGetProcessFromOperation != NULL, "HcsGetProcessFromOperation")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            address = <uintptr_t> api.HcsGetProcessFromOperation(operation._raw)
            operation._leave()
    check_entered(operation, status)
    return address or None


@cython.binding(False)
def operation_context(OwnedOperation operation not None, /):
    """Return the number set by set_operation_context(), 0 before. HCS function: HcsGetOperationContext."""
    cdef const HcsApi *api = hcs()
    cdef uintptr_t value = 0
    cdef int status
    need(api.HcsGetOperationContext != NULL, "HcsGetOperationContext")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            value = <uintptr_t> api.HcsGetOperationContext(operation._raw)
            operation._leave()
    check_entered(operation, status)
    return value


def set_operation_context(OwnedOperation operation not None, uintptr_t value):
    """Give an operation a number of your own; wait_first() sets it to 0. HCS function: HcsSetOperationContext."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsSetOperationContext != NULL, "HcsSetOperationContext")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result = api.HcsSetOperationContext(operation._raw, <void *> value)
            operation._leave()
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsSetOperationContext", None)


def add_resource(OwnedOperation operation not None, uint32_t resource_type, uri not None, handle not None):
    """Give an operation a resource for the call that it is going to track. HCS function: HcsAddResourceToOperation.

    `resource_type` is an HCS_RESOURCE_TYPE, `handle` the Windows handle of the resource, which stays its owner's.
    """
    cdef bytes encoded = utf16(uri, "uri")
    cdef const hcsrt_char *c_uri = units(encoded)
    cdef hcsrt_handle c_handle = pointer(handle, "handle")
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsAddResourceToOperation != NULL, "HcsAddResourceToOperation")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result = api.HcsAddResourceToOperation(operation._raw, resource_type, c_uri, c_handle)
            operation._leave()
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsAddResourceToOperation", None)


def cancel_operation(OwnedOperation operation not None):
    """Ask HCS to give a call up; no Windows so far is documented to do it. HCS function: HcsCancelOperation."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api.HcsCancelOperation != NULL, "HcsCancelOperation")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result = api.HcsCancelOperation(operation._raw)
            operation._leave()
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsCancelOperation", None)


# --- the service ----------------------------------------------------------------------------------------------------

cdef str ask_service(question_verb verb, str function, text, str argument):
    """A question to the service itself, which tracks nothing and cannot be interrupted."""
    cdef bytes encoded = utf16(text, argument)
    cdef const hcsrt_char *c_text = units(encoded)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result
    need(verb != NULL, function)
    with nogil:
        result = verb(c_text, &document)
    answer = take_string(api, document)
    if result < 0:
        raise error_from(result, function, answer)
    return answer


cdef int tell_service(path_verb verb, str function, text, str argument) except -1:
    cdef bytes encoded = utf16(text, argument)
    cdef const hcsrt_char *c_text = units(encoded)
    cdef hcsrt_result result
    need(verb != NULL, function)
    with nogil:
        result = verb(c_text)
    if result < 0:
        raise error_from(result, function, None)
    return 0


cdef int change_access(grant_verb verb, str function, vm_id, path) except -1:
    cdef bytes encoded_id = utf16(vm_id, "vm_id")
    cdef bytes encoded_path = utf16(path, "path")
    cdef const hcsrt_char *c_id = units(encoded_id)
    cdef const hcsrt_char *c_path = units(encoded_path)
    cdef hcsrt_result result
    need(verb != NULL, function)
    with nogil:
        result = verb(c_id, c_path)
    if result < 0:
        raise error_from(result, function, None)
    return 0


def service(str function not None, *texts):
    """Call an HCS function of the service, which has texts and no handle; returns the document that it gives, or None.

    Raises what HCS answers, NotSupportedError; ValueError for another function, TypeError for other texts.
    """
    cdef const HcsApi *api = hcs()
    cdef dict questions = {
        "HcsGetServiceProperties": (<uintptr_t> api.HcsGetServiceProperties, "query"),
        "HcsModifyServiceSettings": (<uintptr_t> api.HcsModifyServiceSettings, "settings"),
        "HcsGetProcessorCompatibilityFromSavedState": (
            <uintptr_t> api.HcsGetProcessorCompatibilityFromSavedState, "path"),
    }
    cdef dict orders = {
        "HcsSubmitWerReport": (<uintptr_t> api.HcsSubmitWerReport, "settings"),
        "HcsCreateEmptyGuestStateFile": (<uintptr_t> api.HcsCreateEmptyGuestStateFile, "path"),
        "HcsCreateEmptyRuntimeStateFile": (<uintptr_t> api.HcsCreateEmptyRuntimeStateFile, "path"),
        "HcsGrantVmGroupAccess": (<uintptr_t> api.HcsGrantVmGroupAccess, "path"),
        "HcsRevokeVmGroupAccess": (<uintptr_t> api.HcsRevokeVmGroupAccess, "path"),
    }
    cdef dict grants = {
        "HcsGrantVmAccess": <uintptr_t> api.HcsGrantVmAccess,
        "HcsRevokeVmAccess": <uintptr_t> api.HcsRevokeVmAccess,
    }
    count = 2 if function in grants else 1
    if function not in grants and function not in questions and function not in orders:
        raise ValueError(f"{function} is no function of the service")
    if len(texts) != count:
        raise TypeError(f"{function} takes {count} text{'s' * (count > 1)}, not {len(texts)}")
    if function in grants:
        change_access(<grant_verb> <void *> <uintptr_t> grants[function], function, texts[0], texts[1])
        return None
    if function in questions:
        address, argument = questions[function]
        return ask_service(<question_verb> <void *> <uintptr_t> address, function, texts[0], argument)
    address, argument = orders[function]
    tell_service(<path_verb> <void *> <uintptr_t> address, function, texts[0], argument)
    return None


def service_properties(query=None):
    """Return the ServiceProperties document. HCS function: HcsGetServiceProperties."""
    return ask_service(hcs().HcsGetServiceProperties, "HcsGetServiceProperties", query, "query")


def modify_service(settings not None):
    """Change settings of the service by a ModificationRequest. HCS function: HcsModifyServiceSettings."""
    return ask_service(hcs().HcsModifyServiceSettings, "HcsModifyServiceSettings", settings, "settings")


def submit_wer_report(settings not None):
    """Send a CrashReport to Windows Error Reporting. HCS function: HcsSubmitWerReport."""
    tell_service(hcs().HcsSubmitWerReport, "HcsSubmitWerReport", settings, "settings")


def create_guest_state_file(path not None):
    """Create an empty guest-state file (.vmgs). HCS function: HcsCreateEmptyGuestStateFile."""
    tell_service(hcs().HcsCreateEmptyGuestStateFile, "HcsCreateEmptyGuestStateFile", path, "path")


def create_runtime_state_file(path not None):
    """Create an empty runtime-state file (.vmrs). HCS function: HcsCreateEmptyRuntimeStateFile."""
    tell_service(hcs().HcsCreateEmptyRuntimeStateFile, "HcsCreateEmptyRuntimeStateFile", path, "path")


def grant_vm_access(vm_id not None, path not None):
    """Let the account of a virtual machine use a file. HCS function: HcsGrantVmAccess."""
    change_access(hcs().HcsGrantVmAccess, "HcsGrantVmAccess", vm_id, path)


def revoke_vm_access(vm_id not None, path not None):
    """Take back what grant_vm_access() gave. HCS function: HcsRevokeVmAccess."""
    change_access(hcs().HcsRevokeVmAccess, "HcsRevokeVmAccess", vm_id, path)


def grant_vm_group_access(path not None):
    """Let the accounts of all virtual machines use a file. HCS function: HcsGrantVmGroupAccess."""
    tell_service(hcs().HcsGrantVmGroupAccess, "HcsGrantVmGroupAccess", path, "path")


def revoke_vm_group_access(path not None):
    """Take back what grant_vm_group_access() gave. HCS function: HcsRevokeVmGroupAccess."""
    tell_service(hcs().HcsRevokeVmGroupAccess, "HcsRevokeVmGroupAccess", path, "path")


def processor_compatibility(path not None):
    """Return the VmProcessorRequirements of a saved state. HCS function: HcsGetProcessorCompatibilityFromSavedState."""
    return ask_service(hcs().HcsGetProcessorCompatibilityFromSavedState, "HcsGetProcessorCompatibilityFromSavedState",
                       path, "path")


make_immortal(globals())
