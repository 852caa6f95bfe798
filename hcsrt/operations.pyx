"""Operations by hand: calls of HCS that are started without waiting for their end.

An operation tracks one call at a time::

    operation = create_operation()
    kick_off(operation, "HcsStartComputeSystem", system.handle)
    done = wait_first([operation, ...], timeout=10)
    text = operation_result(done)

The facade needs none of it: its calls make their own operations, and hcsrt.aio has any number under way. Each function
is guarded: a handle or an operation may be closed by any thread meanwhile.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.time cimport monotonic
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t

from hcsrt._calls cimport (
    add_resource_to,
    begin_operation,
    verb_of,
)
from hcsrt._core cimport (
    HCSRT_E_OPERATION_PENDING,
    HCSRT_E_OPERATION_TIMEOUT,
    core,
    hcsrt_function,
)
from hcsrt._functions cimport need, need_entry, row_of
from hcsrt._handles cimport HANDLE_OK, Handle, OwnedOperation, adopt, check_entered, new_operation
from hcsrt._immortal cimport make_immortal
from hcsrt._library cimport HcsApi, hcs
from hcsrt._plumbing cimport enter, handle_verb, hcs_of_handle, leave
from hcsrt._text cimport number_of, take_string, units, utf16
from hcsrt._time cimport MAIN_SLICE_MS, SLICE_MS, deadline_of, slice_of
from hcsrt._types cimport hcsrt_char, hcsrt_operation, hcsrt_result
from hcsrt._watch cimport on_main_thread

from .errors import OperationTimeoutError, error_from


def create_operation(notifications=None):
    """Create an operation that tracks a call; see kick_off().

    Args:
        notifications: HCS_OPERATION_OPTIONS as an int, to have HCS tell of progress too, whereupon wait_first() asks it
            for the result; None for an operation without.

    Returns:
        The operation, which tracks nothing yet.

    Raises:
        HcsError: HCS cannot create one.
        NotSupportedError: HCS lacks the function.
        TypeError: notifications is no int.
        ValueError: notifications is too large, or negative.

    HCS: HcsCreateOperation, HcsCreateOperationWithNotifications
    """
    cdef const HcsApi *api = hcs()
    cdef OwnedOperation operation
    cdef hcsrt_operation raw
    cdef uint32_t c_notifications
    cdef hcsrt_result error = 0
    if notifications is None:
        return begin_operation(api)
    c_notifications = <uint32_t> number_of(notifications, "notifications", 0xFFFFFFFF)
    operation = new_operation()
    need(api, "HcsCreateOperationWithNotifications")
    with nogil:
        raw = core.create_notifying_operation(api, c_notifications, &error)
        if raw != NULL:
            adopt(operation, raw)
    if raw == NULL:
        raise error_from(error, "HcsCreateOperationWithNotifications", None)
    return operation


def kick_off(OwnedOperation operation not None, str function not None, Handle handle not None, options=None):
    """Start a call that an operation tracks, and return at once; operation_result() tells what came of it.

    One operation tracks one call at a time. If it is closed before the call completes, the call goes on, and its result
    is lost.

    Args:
        operation: The operation that is to track the call.
        function: The name of an HCS function that takes a handle, an operation and a document: any verb on a system or
            a process that creates nothing.
        handle: The handle of the system or the process.
        options: The document as text, or None.

    Raises:
        HandleClosedError: The handle or the operation is closed.
        HcsError: HCS refuses the call at once.
        NotSupportedError: HCS lacks the function.
        TypeError: The handle is of another kind than the function takes.
        ValueError: The function is not such a verb.
    """
    cdef bytes encoded = utf16(options, "options")
    cdef const hcsrt_char *c_options = units(encoded)
    cdef handle_verb verb = verb_of(function, handle)
    cdef hcsrt_result result = 0, ignored = 0
    cdef int status, entered = HANDLE_OK
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
        raise error_from(result, function, collect(operation, 0, &ignored))


cdef str collect(OwnedOperation operation, uint32_t milliseconds, hcsrt_result *result):
    """Collect the result, waiting at most so long; set `result` and return the document."""
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef int status
    with nogil:
        status = operation._enter()
        if status == HANDLE_OK:
            result[0] = core.collect_operation(api, operation._raw, milliseconds, NULL, &document)
            operation._leave()
    text = take_string(api, document)
    check_entered(operation, status)
    return text


# Without binding, as a function of CPython's own: of a call so short, what Cython's functions add is a fifth.
@cython.binding(False)
def operation_result(OwnedOperation operation not None, /):
    """Collect the result of a call that has completed.

    Args:
        operation: The operation.

    Returns:
        The result document, or None.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: What the call failed with; HCS_E_OPERATION_PENDING if it goes on.

    HCS: HcsGetOperationResult
    """
    cdef hcsrt_result result = 0
    text = collect(operation, 0, &result)
    if result < 0:
        raise error_from(result, "HcsGetOperationResult", text)
    return text


def wait_operation(OwnedOperation operation not None, timeout=None):
    """Wait until a call has completed, and collect its result.

    Args:
        operation: The operation.
        timeout: Seconds; None waits for ever.

    Returns:
        The result document, or None.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: What the call failed with.
        OperationTimeoutError: The time is over; the call goes on and may be waited for again.

    HCS: HcsWaitForOperationResult
    """
    cdef double deadline = deadline_of(timeout)
    cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
    cdef hcsrt_result result = 0
    while True:
        text = collect(operation, slice_of(deadline, most), &result)
        if result != HCSRT_E_OPERATION_PENDING:
            if result < 0:
                raise error_from(result, "HcsWaitForOperationResult", text)
            return text
        PyErr_CheckSignals()
        if monotonic() >= deadline:
            raise OperationTimeoutError(HCSRT_E_OPERATION_TIMEOUT, "HcsWaitForOperationResult")


def wait_first(operations, timeout=None):
    """Wait until the call of one of some operations has completed.

    The callback that HCS gets runs no Python.

    Args:
        operations: An iterable of operations.
        timeout: Seconds; None waits for ever.

    Returns:
        The operation; None when the time is over.

    Raises:
        HandleClosedError: One of the operations is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.
        TypeError: One of the operations is not an OwnedOperation.
        ValueError: There are neither operations nor a timeout.

    HCS: HcsSetOperationCallback, HcsGetOperationResult
    """
    cdef double deadline = deadline_of(timeout)
    cdef uint32_t most = MAIN_SLICE_MS if on_main_thread() else SLICE_MS
    cdef const HcsApi *api = hcs()
    cdef OwnedOperation operation
    cdef hcsrt_result result = 0
    cdef uint32_t seen, milliseconds
    cdef int status
    cdef list owned = list(operations)
    cdef Py_ssize_t place
    if not owned and timeout is None:
        raise ValueError("operations must not be empty without a timeout: the wait would have no end")
    for place in range(len(owned)):
        if type(owned[place]) is not OwnedOperation:
            raise TypeError(f"operations[{place}] must be an OwnedOperation, not {type(owned[place]).__name__}")
    need(api, "HcsSetOperationCallback")
    for each in owned:
        operation = <OwnedOperation> each
        with nogil:
            status = operation._enter()
            if status == HANDLE_OK:
                result = api.HcsSetOperationCallback(operation._raw, NULL, core.count_completion)
                operation._leave()
        check_entered(operation, status)
        if result < 0:
            raise error_from(result, "HcsSetOperationCallback", None)
    while True:
        # Before the question, or a completion right after it would be missed.
        seen = core.completions()
        for each in owned:
            operation = <OwnedOperation> each
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
            core.wait_completions(seen, milliseconds)


@cython.binding(False)
def operation_id(OwnedOperation operation not None, /):
    """Return the number that HCS knows an operation by.

    Args:
        operation: The operation.

    Returns:
        The number.

    Raises:
        HandleClosedError: The operation is closed.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetOperationId
    """
    cdef const HcsApi *api = hcs_of_handle()
    cdef uint64_t number = 0
    cdef int status
    need_entry(<hcsrt_function> api.HcsGetOperationId, "HcsGetOperationId")
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            number = api.HcsGetOperationId(operation._raw)
            leave(operation)
    check_entered(operation, status)
    return number


@cython.binding(False)
def operation_type(OwnedOperation operation not None, /):
    """Return what kind of call an operation tracks.

    Args:
        operation: The operation.

    Returns:
        The HCS_OPERATION_TYPE of the call, -1 before the first.

    Raises:
        HandleClosedError: The operation is closed.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetOperationType
    """
    cdef const HcsApi *api = hcs_of_handle()
    cdef int32_t number = 0
    cdef int status
    need_entry(<hcsrt_function> api.HcsGetOperationType, "HcsGetOperationType")
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            number = api.HcsGetOperationType(operation._raw)
            leave(operation)
    check_entered(operation, status)
    return number


def operation_properties(OwnedOperation operation not None, options=None):
    """Return the document that describes an operation.

    Args:
        operation: The operation.
        options: A document as text, or None.

    Returns:
        The document, or None.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetOperationProperties
    """
    cdef bytes encoded = utf16(options, "options")
    cdef const hcsrt_char *c_options = units(encoded)
    cdef const HcsApi *api = hcs()
    cdef hcsrt_char *document = NULL
    cdef hcsrt_result result = 0
    cdef int status
    need(api, "HcsGetOperationProperties")
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            result = api.HcsGetOperationProperties(operation._raw, c_options, &document)
            leave(operation)
    text = take_string(api, document)
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsGetOperationProperties", text)
    return text


ctypedef void *(*pointer_getter)(hcsrt_operation) noexcept nogil


cdef uintptr_t ask_pointer(OwnedOperation operation, str function) except? 0:
    """Call a function that takes an operation alone and returns a pointer."""
    cdef pointer_getter getter = <pointer_getter> row_of(function).find(hcs())
    cdef uintptr_t address = 0
    cdef int status
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            address = <uintptr_t> getter(operation._raw)
            leave(operation)
    check_entered(operation, status)
    return address


@cython.binding(False)
def operation_system(OwnedOperation operation not None, /):
    """Return the address of the system handle that a call under way is about.

    Args:
        operation: The operation.

    Returns:
        The address, to compare with int(system.as_raw()); None if there is none. The handle stays its owner's.

    Raises:
        HandleClosedError: The operation is closed.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetComputeSystemFromOperation
    """
    return ask_pointer(operation, "HcsGetComputeSystemFromOperation") or None


@cython.binding(False)
def operation_process(OwnedOperation operation not None, /):
    """Return the address of the process handle that a call under way is about.

    Args:
        operation: The operation.

    Returns:
        The address, to compare with int(process.as_raw()); None if there is none. The handle stays its owner's.

    Raises:
        HandleClosedError: The operation is closed.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetProcessFromOperation
    """
    return ask_pointer(operation, "HcsGetProcessFromOperation") or None


@cython.binding(False)
def operation_context(OwnedOperation operation not None, /):
    """Return the number that an operation was given.

    Args:
        operation: The operation.

    Returns:
        What set_operation_context() has set, 0 before.

    Raises:
        HandleClosedError: The operation is closed.
        NotSupportedError: HCS lacks the function.

    HCS: HcsGetOperationContext
    """
    return ask_pointer(operation, "HcsGetOperationContext")


def set_operation_context(OwnedOperation operation not None, value):
    """Give an operation a number of your own; wait_first() sets it to 0.

    Args:
        operation: The operation.
        value: Any number that a pointer can hold.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.
        TypeError: value is no int.
        ValueError: value is too large, or negative.

    HCS: HcsSetOperationContext
    """
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    cdef uintptr_t c_value = <uintptr_t> number_of(value, "value", <uintptr_t> -1)
    need(api, "HcsSetOperationContext")
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            result = api.HcsSetOperationContext(operation._raw, <void *> c_value)
            leave(operation)
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsSetOperationContext", None)


def add_resource(OwnedOperation operation not None, resource_type, uri not None, handle not None):
    """Give an operation a resource for the call that it is going to track.

    Args:
        operation: The operation.
        resource_type: An HCS_RESOURCE_TYPE.
        uri: The name of the resource in the document.
        handle: The Windows handle of the resource, which stays its owner's.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.
        TypeError: resource_type is no int.
        ValueError: resource_type is too large, or negative.

    HCS: HcsAddResourceToOperation
    """
    add_resource_to(operation, <uint32_t> number_of(resource_type, "resource_type", 0xFFFFFFFF), uri, handle)


def cancel_operation(OwnedOperation operation not None):
    """Ask HCS to cancel a call; no Windows so far is documented to do it.

    Args:
        operation: The operation.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.

    HCS: HcsCancelOperation
    """
    cdef const HcsApi *api = hcs()
    cdef hcsrt_result result = 0
    cdef int status
    need(api, "HcsCancelOperation")
    with nogil:
        status = enter(operation)
        if status == HANDLE_OK:
            result = api.HcsCancelOperation(operation._raw)
            leave(operation)
    check_entered(operation, status)
    if result < 0:
        raise error_from(result, "HcsCancelOperation", None)


make_immortal(globals())
