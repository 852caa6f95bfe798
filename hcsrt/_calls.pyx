"""The functions of HCS as blocking calls on the core's handles.

Each call makes an operation without callback, kicks it off, and waits in slices: close() and Ctrl-C take effect within
one. A call that times out or is interrupted moves to the reaper. A timeout is in seconds, None waits for ever.

call_aside() has a worker of the engine do all of that: so Ctrl-C and a timeout end the wait for a call that HCS keeps
the caller's thread for, too.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.time cimport monotonic
from libc.stdint cimport uint32_t

from hcsrt._answers cimport read_answer
from hcsrt._core cimport (
    HCSRT_CREATE_OPTIONS_1,
    HCSRT_CREATES_NOTHING,
    HCSRT_CREATES_PROCESS,
    HCSRT_CREATES_SYSTEM,
    HCSRT_E_OPERATION_PENDING,
    HCSRT_E_OPERATION_TIMEOUT,
    HCSRT_E_POINTER,
    HCSRT_GENERIC_ALL,
    HCSRT_SHAPE_MODIFY,
    HCSRT_SHAPE_QUESTION,
    HCSRT_SHAPE_STRING,
    HCSRT_SHAPE_STRINGS,
    HCSRT_SHAPE_VERB,
    HCSRT_SUBJECT_PROCESS,
    core,
    hcsrt_call,
    hcsrt_complete,
    hcsrt_fork_epoch,
    hcsrt_function,
    hcsrt_is_here,
    hcsrt_new_request,
    hcsrt_outcome,
    hcsrt_port,
    hcsrt_request,
)
from hcsrt._functions cimport Function, need, row_of, twin_of
from hcsrt._handles cimport (
    HANDLE_OK,
    Handle,
    OwnedOperation,
    OwnedProcess,
    OwnedSystem,
    adopt,
    check_entered,
    new_operation,
    new_process,
    new_system,
)
from hcsrt._immortal cimport make_immortal
from hcsrt._library cimport HcsApi, hcs, hcs_chosen
from hcsrt._plumbing cimport (
    abandon,
    enter_handle,
    handle_verb,
    leave_handle,
    modify_verb,
    question_verb,
    start_verb,
    string_verb,
    strings_verb,
)
from hcsrt._streams cimport ProcessStart, new_start, own_stdio
from hcsrt._text cimport decode, pointer, take_string, units, utf16
from hcsrt._time cimport MAIN_SLICE_MS, SLICE_MS, deadline_of, slice_of
from hcsrt._types cimport (
    hcsrt_char,
    hcsrt_create_options,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_process,
    hcsrt_process_information,
    hcsrt_result,
    hcsrt_system,
)
from hcsrt._watch cimport on_main_thread

import atexit
import sys
from _thread import allocate_lock

from ._answers import answer as read_text
from .errors import OperationTimeoutError, error_from

cdef extern from "Python.h":
    int Py_AddPendingCall(int (*function)(void *) noexcept, void *argument) noexcept nogil


# --- the calls of the engine -----------------------------------------------------------------------------------------

# _engine says later how calls that are awaited complete.
core.engine_init(False)


cdef void complete_calls(hcsrt_call *chain) noexcept:
    while chain != NULL:
        core.call_complete(chain)
        chain = core.call_next(chain)


cdef void resolve_calls(hcsrt_call *chain) noexcept:
    complete_calls(chain)
    if chain != NULL:
        with nogil:
            core.calls_release(chain)


# The calls of a closed loop, or of a thread that waits no more, end up where nobody drains them; what Python has of
# them is dropped on the main thread.
cdef int collect(void *nothing) noexcept:
    resolve_calls(core.orphans())
    return 0


cdef void notice() noexcept nogil:
    # If the queue of CPython is full, the next loop that calls HCS collects them.
    Py_AddPendingCall(collect, NULL)


core.set_orphan_notice(notice)


def _at_exit():
    with nogil:
        core.set_orphan_notice(NULL)


atexit.register(_at_exit)


# Kept: at the end of the interpreter the names of modules are gone.
cdef object is_finalizing = sys.is_finalizing


# --- time -----------------------------------------------------------------------------------------------------------

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
    """The claim to the outcome of a call on another thread: the waiting thread has it until it abandons the call."""

    # A lock, held once it is decided whose the outcome is.
    cdef object decided

    def __cinit__(self):
        self.decided = allocate_lock()

    def abandon(self, Limit limit):
        """Abandon the call: cut its limit short, and let pending() count it; return False if it has completed before.

        No signal handler runs in between.
        """
        if limit is not None:
            limit.cut()
        core.reaper_announce(1)
        if self.decided.acquire(False):
            return True
        core.reaper_announce(-1)
        return False

    def deliver(self):
        """Give the outcome of the completed call to the thread that waits; return False if it waits no more."""
        return self.decided.acquire(False)


# --- operations -----------------------------------------------------------------------------------------------------

cdef OwnedOperation begin_operation(const HcsApi *api):
    """Create an operation without callback.

    HCS: HcsCreateOperation
    """
    cdef OwnedOperation operation = new_operation()
    cdef hcsrt_operation raw
    cdef hcsrt_result error = 0
    with nogil:
        raw = core.create_operation(api, NULL, NULL, &error)
        if raw != NULL:
            adopt(operation, raw)
    if raw == NULL:
        raise error_from(error, "HcsCreateOperation", None)
    return operation


cdef int check_resource(uri, handle) except -1:
    """Raise TypeError if a resource lacks its name or its handle, for which None never stands."""
    if uri is None:
        raise TypeError("uri must be a str, not NoneType")
    if handle is None:
        raise TypeError("handle must be a Windows handle as an int, not NoneType")
    return 0


cdef int add_resource_to(OwnedOperation operation, uint32_t resource_type, uri, handle) except -1:
    check_resource(uri, handle)
    cdef bytes encoded = utf16(uri, "uri")
    cdef const hcsrt_char *c_uri = units(encoded)
    cdef hcsrt_handle c_handle = pointer(handle, "handle")
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api, "HcsAddResourceToOperation")
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result = api.HcsAddResourceToOperation(operation._raw, resource_type, c_uri, c_handle)
            operation._leave()
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsAddResourceToOperation", None)
    return 0


cdef class _Call:
    """One tracked call from its kick-off to its result."""

    cdef const HcsApi *api
    cdef str function
    cdef OwnedOperation operation
    cdef Limit limit
    # The outcome: HCS's verdict and its document.
    cdef hcsrt_result result
    cdef str document
    # What the call creates, for the reaper, should nobody wait until it completes.
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
        self.operation = begin_operation(self.api)

    cdef expect_process_info(self, OwnedProcess process):
        self.start = new_start(process)

    cdef str outcome(self, uint32_t milliseconds):
        """Collect the outcome, waiting at most so long; set `result` and return the document."""
        cdef hcsrt_char *document = NULL
        cdef hcsrt_process_information info
        cdef bint with_info = self.start is not None
        cdef int status
        with nogil:
            status = self.operation._enter()
            if status == HANDLE_OK:
                self.result = core.collect_operation(
                    self.api, self.operation._raw, milliseconds, &info if with_info else NULL, &document)
                if with_info:
                    self.start.pid = info.process_id
                    own_stdio(self.start.stdin, info.std_input)
                    own_stdio(self.start.stdout, info.std_output)
                    own_stdio(self.start.stderr, info.std_error)
                self.operation._leave()
        text = take_string(self.api, document)
        check_entered(self.operation, status)
        return text

    cdef int wait(self, hcsrt_result kicked_off) except -1:
        """Wait for the outcome. Raises OperationTimeoutError, or what a signal handler raises."""
        cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
        if kicked_off < 0:
            # A call that could not be kicked off may have a document all the same.
            self.document = self.outcome(0)
            self.result = kicked_off
            return 0
        try:
            while True:
                self.document = self.outcome(slice_of(self.limit.deadline, most))
                if self.result != HCSRT_E_OPERATION_PENDING:
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
        """Wait for the outcome and return its document, or raise what HCS answered."""
        self.wait(kicked_off)
        if self.result < 0:
            raise self.failure()
        return self.document

    cdef failure(self):
        return error_from(self.result, self.function, self.document)

    cdef ProcessStart started(self):
        self.start.keep_connected()
        return self.start


# --- calls on a handle ----------------------------------------------------------------------------------------------

cdef int check_subject(Function row, Handle handle) except -1:
    """Raise TypeError if the function does not take this kind of handle."""
    kind = OwnedProcess if row.row.subject == HCSRT_SUBJECT_PROCESS else OwnedSystem
    if type(handle) is not kind:
        raise TypeError(f"{row.name} is called on an {kind.__name__}, not on {type(handle).__name__}")
    return 0


cdef handle_verb verb_of(str function, Handle handle) except NULL:
    cdef Function row = row_of(function)
    if row.row.shape != HCSRT_SHAPE_VERB:
        raise ValueError(f"{function} is not called with a handle and one text")
    check_subject(row, handle)
    return <handle_verb> row.find(hcs())


def call(Handle handle not None, str function not None, text=None, timeout=None, *, resources=(), identity=None):
    """Call an HCS function on a system or a process, wait until it has completed and return its document, or None.

    `function` is an HCS name of the shape (handle, operation, text), or HcsModifyComputeSystem, whose `identity` is a
    HANDLE as an int or None. `resources` are (type, uri, handle) for each HcsAddResourceToOperation before the call.
    Raises what HCS answers, OperationTimeoutError, HandleClosedError, NotSupportedError; ValueError for another
    function, TypeError for a handle of another kind.
    """
    cdef Function row = row_of(function)
    cdef bytes encoded = utf16(text, "text")
    cdef const hcsrt_char *c_text = units(encoded)
    cdef hcsrt_handle c_identity = pointer(identity, "identity")
    cdef bint modifies = row.row.shape == HCSRT_SHAPE_MODIFY
    cdef hcsrt_function entry
    cdef hcsrt_result result = 0
    cdef int status
    if not modifies and row.row.shape != HCSRT_SHAPE_VERB:
        raise ValueError(f"{function} is not called with a handle and one text")
    if identity is not None and not modifies:
        raise ValueError(f"{function} has no identity")
    check_subject(row, handle)
    entry = row.find(hcs())
    cdef _Call tracked = _Call(function, timeout)
    for resource_type, uri, resource in resources:
        add_resource_to(tracked.operation, resource_type, uri, resource)
    with nogil:
        status = handle._enter()
        if status == HANDLE_OK:
            # The operation is this call's own: nobody can have closed it.
            tracked.operation._enter()
            if modifies:
                result = (<modify_verb> entry)(handle._raw, tracked.operation._raw, c_text, c_identity)
            else:
                result = (<handle_verb> entry)(handle._raw, tracked.operation._raw, c_text)
            tracked.operation._leave()
            handle._leave()
    check_entered(handle, status)
    return tracked.finish(result)


# --- calls on a thread of the engine --------------------------------------------------------------------------------

cdef enum:
    PATIENCE_MS = 50    # that a call has beyond its timeout to be made
    LOOK_MS = 1         # between looks whether HCS has it


@cython.final
cdef class _Place:
    """The place where one thread after another waits for its calls."""

    cdef hcsrt_port *port
    cdef uint32_t epoch

    def __dealloc__(self):
        if self.port == NULL:
            return
        if hcsrt_is_here(&core, self.epoch):
            with nogil:
                core.port_close(self.port)
        else:
            core.port_close_copy(self.port)


# A thread takes one while it waits.
cdef list places = []


cdef _Place take_place():
    cdef _Place place
    try:
        while True:
            place = places.pop()
            if hcsrt_is_here(&core, place.epoch):
                return place
    except IndexError:
        pass
    place = _Place.__new__(_Place)
    place.epoch = hcsrt_fork_epoch(&core)
    place.port = core.port_new(False)
    return place


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class _Aside:
    """What has to stay as long as a worker has the call."""

    cdef Handle subject
    cdef bytes text


cdef void drop_aside(hcsrt_call *call, void *context) noexcept:
    Py_DECREF(<_Aside> context)


cdef hcsrt_result start_modify(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                               hcsrt_outcome *outcome) noexcept nogil:
    return (<modify_verb> request.function)(request.raw, operation, request.texts[0], request.identity)


def call_aside(Handle handle not None, str function not None, text=None, timeout=None, identity=None, kind=None):
    """Call a function as call() does, on another thread: a timeout or Ctrl-C ends the wait even while HCS keeps that.

    It is made on this thread where neither can come, where the thread impersonates, and where there can be no other
    one. kind: dict or list, which the document is returned as; no document is an empty one then.
    """
    cdef Function row = row_of(function)
    cdef bint modifies = row.row.shape == HCSRT_SHAPE_MODIFY
    cdef bint is_main = on_main_thread()
    cdef hcsrt_request request
    cdef hcsrt_call *made
    cdef _Place place
    cdef _Aside kept
    cdef double deadline
    if kind is not None and kind is not dict and kind is not list:
        raise TypeError(f"kind must be dict, list or None, not {kind!r}")
    if (timeout is None and not is_main) or core.impersonates() or is_finalizing():
        return call_here(handle, function, text, timeout, identity, kind)
    if not modifies and row.row.shape != HCSRT_SHAPE_VERB:
        raise ValueError(f"{function} is not called with a handle and one text")
    if identity is not None and not modifies:
        raise ValueError(f"{function} has no identity")
    check_subject(row, handle)
    deadline = deadline_of(timeout)
    request = hcsrt_new_request()
    kept = _Aside.__new__(_Aside)
    kept.subject = handle
    kept.text = utf16(text, "text")
    request.function = row.find(hcs())
    request.start = start_modify if modifies else start_verb
    request.texts[0] = units(kept.text)
    request.identity = pointer(identity, "identity")
    request.lane = row.row.lane
    request.complete = <hcsrt_complete> drop_aside
    request.context = <void *> kept
    place = take_place()
    if place.port == NULL:
        return call_here(handle, function, text, timeout, identity, kind)
    check_entered(handle, enter_handle(handle, &request))
    Py_INCREF(kept)
    made = core.submit_waited(place.port, &request)
    if made == NULL:
        # There is no memory, or there can be no more threads.
        with nogil:
            leave_handle(request.subject)
        Py_DECREF(kept)
        return call_here(handle, function, text, timeout, identity, kind)
    try:
        if wait_aside(place, made, handle, deadline, MAIN_SLICE_MS if is_main else SLICE_MS) == NULL:
            raise error_from(HCSRT_E_OPERATION_TIMEOUT, function)
    except BaseException:
        if hcsrt_is_here(&core, place.epoch):
            if core.call_abandon(made):
                Py_DECREF(kept)
            # The end of the place, which nobody has but this thread, leaves the call to those that collect orphans.
        raise
    places.append(place)
    return take_outcome(made, function, kind)


cdef hcsrt_call *wait_aside(_Place place, hcsrt_call *made, Handle handle, double deadline,
                            uint32_t most) except? NULL:
    """Wait until the call has come to the place, and return it; NULL if its time is over before.

    Raises what a signal handler raises.
    """
    cdef uint32_t milliseconds = slice_of(deadline, most)
    cdef uint32_t seen
    cdef hcsrt_call *come
    while True:
        with nogil:
            seen = core.port_count(place.port)
            come = core.port_collect(place.port)
            if come == NULL:
                core.port_await(place.port, seen, milliseconds)
                come = core.port_collect(place.port)
        if come != NULL:
            return come
        PyErr_CheckSignals()
        if not hcsrt_is_here(&core, place.epoch):
            # A signal handler has forked: the child has neither the worker nor the handle.
            handle.as_raw()
        milliseconds = slice_of(deadline, most)
        if milliseconds == 0:
            # Whatever time is given, what HCS does at once is waited for. But it may keep the thread that calls it.
            if core.call_is_pending(made) or monotonic() >= deadline + PATIENCE_MS / 1000.0:
                return NULL
            milliseconds = LOOK_MS


cdef take_outcome(hcsrt_call *made, str function, kind):
    """Return the document that the completed call has brought, or raise what HCS answered; release the call."""
    cdef hcsrt_outcome *outcome
    cdef hcsrt_result result
    try:
        outcome = core.call_outcome(made)
        result = outcome.result
        if kind is not None and result >= 0:
            document = read_answer(outcome.document, function, kind)
        else:
            document = None if outcome.document == NULL else decode(outcome.document)
        if outcome.document != NULL:
            hcs_chosen().free_string(outcome.document)
            outcome.document = NULL
    finally:
        # What is left of the outcome, as where a document could not be read, is released with the call.
        core.call_complete(made)
        core.call_release(made)
    if result < 0:
        raise error_from(result, function, document)
    return document


cdef call_here(Handle handle, str function, text, timeout, identity, kind):
    document = call(handle, function, text, timeout, identity=identity)
    return document if kind is None else read_text(document, function, kind)


# --- compute systems ------------------------------------------------------------------------------------------------

cdef bytearray create_options(namespace, user_token, security_descriptor):
    """Return the memory of an hcsrt_create_options; None if it would say nothing."""
    cdef bytearray memory
    cdef hcsrt_create_options *options
    if user_token is not None and namespace is None:
        raise ValueError("user_token is for a system in a namespace")
    if user_token is None and security_descriptor is None:
        return None
    memory = bytearray(sizeof(hcsrt_create_options))
    options = <hcsrt_create_options *> <char *> memory
    options.version = HCSRT_CREATE_OPTIONS_1
    options.user_token = pointer(user_token, "user_token")
    options.security_descriptor = pointer(security_descriptor, "security_descriptor", "pointer")
    return memory


def create_system(id not None, document not None, namespace=None, timeout=None, *, bint keep=False, user_token=None,
                  security_descriptor=None):
    """Create a compute system, in a namespace if one is given, and return its handle.

    If the wait times out or is interrupted, the system is terminated once HCS has made it, unless `keep`.
    `security_descriptor` is the address of a SECURITY_DESCRIPTOR, and `user_token` the HANDLE of an access token, which
    only a namespace takes. What is None is left out.

    HCS: HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace
    """
    cdef bytes encoded_id = utf16(id, "id")
    cdef bytes encoded_document = utf16(document, "document")
    cdef bytes encoded_namespace = utf16(namespace, "namespace")
    cdef bytearray options = create_options(namespace, user_token, security_descriptor)
    cdef const hcsrt_create_options *c_options = NULL
    cdef const void *c_descriptor = NULL
    cdef const hcsrt_char *c_namespace = units(encoded_namespace)
    cdef const hcsrt_char *c_id = units(encoded_id)
    cdef const hcsrt_char *c_document = units(encoded_document)
    cdef const HcsApi *api = hcs()
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    cdef str function = twin_of("HcsCreateComputeSystem", namespace)
    need(api, function)
    if options is not None:
        c_options = <const hcsrt_create_options *> <char *> options
        c_descriptor = c_options.security_descriptor
    cdef _Call call = _Call(function, timeout)
    call.created, call.creates, call.keep = system, HCSRT_CREATES_SYSTEM, keep
    with nogil:
        call.operation._enter()
        if c_namespace == NULL:
            result = api.HcsCreateComputeSystem(c_id, c_document, call.operation._raw, c_descriptor, &raw)
        else:
            result = api.HcsCreateComputeSystemInNamespace(
                c_namespace, c_id, c_document, call.operation._raw, c_options, &raw)
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


def open_system(id not None, namespace=None):
    """Open a compute system by its id, in a namespace if one is given, and return the handle.

    HCS: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace
    """
    cdef bytes encoded = utf16(id, "id")
    cdef bytes encoded_namespace = utf16(namespace, "namespace")
    cdef const hcsrt_char *c_id = units(encoded)
    cdef const hcsrt_char *c_namespace = units(encoded_namespace)
    cdef const HcsApi *api = hcs()
    cdef OwnedSystem system = new_system()
    cdef hcsrt_system raw = NULL
    cdef hcsrt_result result
    cdef str function = twin_of("HcsOpenComputeSystem", namespace)
    need(api, function)
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


def enumerate_systems(query=None, namespace=None, timeout=None):
    """Return the array of Properties of the systems that match, in a namespace if one is given.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace
    """
    cdef bytes encoded = utf16(query, "query")
    cdef bytes encoded_namespace = utf16(namespace, "namespace")
    cdef const hcsrt_char *c_query = units(encoded)
    cdef const hcsrt_char *c_namespace = units(encoded_namespace)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result
    cdef str function = twin_of("HcsEnumerateComputeSystems", namespace)
    need(api, function)
    cdef _Call call = _Call(function, timeout)
    with nogil:
        call.operation._enter()
        if c_namespace == NULL:
            result = api.HcsEnumerateComputeSystems(c_query, call.operation._raw)
        else:
            result = api.HcsEnumerateComputeSystemsInNamespace(c_namespace, c_query, call.operation._raw)
        call.operation._leave()
    return call.finish(result)


# --- processes ------------------------------------------------------------------------------------------------------

def create_process(OwnedSystem system not None, parameters not None, timeout=None, *, bint keep=False):
    """Start a process in a compute system.

    If the wait times out or is interrupted, the process is terminated once HCS has made it, unless `keep`. HCS may fail
    and give a handle all the same (Server 2022 is known for it): then the ProcessStart has an `error`, and
    process_info() tells whether the process runs.

    HCS: HcsCreateProcess
    """
    cdef bytes encoded = utf16(parameters, "parameters")
    cdef const hcsrt_char *c_parameters = units(encoded)
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(hcs(), "HcsCreateProcess")
    cdef _Call call = _Call("HcsCreateProcess", timeout)
    call.created, call.creates, call.keep = process, HCSRT_CREATES_PROCESS, keep
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
    # The process may run all the same: the caller asks HCS whether it does.
    start = call.started()
    start.error = call.failure()
    return start


def process_info(OwnedProcess process not None, timeout=None):
    """Return the pid and new handles of the streams of a process.

    HCS: HcsGetProcessInfo
    """
    cdef hcsrt_result result = 0
    cdef int status
    need(hcs(), "HcsGetProcessInfo")
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
    """Open a process by its id in the compute system and return the handle.

    HCS: HcsOpenProcess
    """
    cdef const HcsApi *api = hcs()
    cdef OwnedProcess process = new_process()
    cdef hcsrt_process raw = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(api, "HcsOpenProcess")
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


# --- the service ----------------------------------------------------------------------------------------------------

def service(str function not None, *texts):
    """Call an HCS function of the service, which has texts and no handle; return the document that it gives, or None.

    It tracks nothing and cannot be interrupted. Raises what HCS answers, NotSupportedError; ValueError for another
    function, TypeError for other texts.
    """
    cdef Function row = row_of(function)
    cdef int shape = row.row.shape
    cdef hcsrt_function entry
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result
    check_texts(row, texts)
    cdef list encoded = [utf16(text, "text") for text in texts]
    cdef const hcsrt_char *first = units(encoded[0])
    cdef const hcsrt_char *second = units(encoded[1]) if shape == HCSRT_SHAPE_STRINGS else NULL
    cdef const HcsApi *api = hcs()
    entry = row.find(api)
    with nogil:
        if shape == HCSRT_SHAPE_STRING:
            result = (<string_verb> entry)(first)
        elif shape == HCSRT_SHAPE_STRINGS:
            result = (<strings_verb> entry)(first, second)
        else:
            result = (<question_verb> entry)(first, &document)
    answer = take_string(api, document)
    if result < 0:
        raise error_from(result, function, answer)
    return answer


cdef int check_texts(Function row, tuple texts) except -1:
    """Raise unless the function is one of the service and has so many texts."""
    if row.row.shape not in (HCSRT_SHAPE_STRING, HCSRT_SHAPE_STRINGS, HCSRT_SHAPE_QUESTION):
        raise ValueError(f"{row.name} is no function of the service")
    count = 2 if row.row.shape == HCSRT_SHAPE_STRINGS else 1
    if len(texts) != count:
        raise TypeError(f"{row.name} takes {count} text{'s' * (count > 1)}, not {len(texts)}")
    if row.row.shape != HCSRT_SHAPE_QUESTION:
        for text in texts:
            if text is None:
                raise TypeError(f"{row.name} takes a str, not NoneType")
    return 0


make_immortal(globals())
