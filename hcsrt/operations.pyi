from collections.abc import Iterable

from ._handles import OwnedOperation, OwnedProcess, OwnedSystem

def create_operation(notifications: int | None = None) -> OwnedOperation:
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

def kick_off(
    operation: OwnedOperation, function: str, handle: OwnedSystem | OwnedProcess, options: str | None = None
) -> None:
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

def operation_result(operation: OwnedOperation, /) -> str | None:
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

def wait_operation(operation: OwnedOperation, timeout: float | None = None) -> str | None:
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

def wait_first(operations: Iterable[OwnedOperation], timeout: float | None = None) -> OwnedOperation | None:
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

def operation_id(operation: OwnedOperation, /) -> int:
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

def operation_type(operation: OwnedOperation, /) -> int:
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

def operation_properties(operation: OwnedOperation, options: str | None = None) -> str | None:
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

def operation_system(operation: OwnedOperation, /) -> int | None:
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

def operation_process(operation: OwnedOperation, /) -> int | None:
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

def operation_context(operation: OwnedOperation, /) -> int:
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

def set_operation_context(operation: OwnedOperation, value: int) -> None:
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

def add_resource(operation: OwnedOperation, resource_type: int, uri: str, handle: int) -> None:
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

def cancel_operation(operation: OwnedOperation) -> None:
    """Ask HCS to cancel a call; no Windows so far is documented to do it.

    Args:
        operation: The operation.

    Raises:
        HandleClosedError: The operation is closed.
        HcsError: HCS refuses.
        NotSupportedError: HCS lacks the function.

    HCS: HcsCancelOperation
    """
