from collections.abc import Iterable

from ._handles import OwnedOperation, OwnedProcess, OwnedSystem

def create_operation(notifications: int | None = None) -> OwnedOperation:
    """Create an operation that tracks a call; see kick_off(). HCS function: HcsCreateOperation.

    With `notifications`, HCS_OPERATION_OPTIONS as an int, HCS also tells of progress, whereupon wait_first() asks it
    for the result. HCS function: HcsCreateOperationWithNotifications.
    """

def kick_off(
    operation: OwnedOperation, function: str, handle: OwnedSystem | OwnedProcess, options: str | None = None
) -> None:
    """Start a call that `operation` tracks and return at once; operation_result() tells what came of it.

    `function` is the name of an HCS function that takes a handle, an operation and a document: any verb on a system or
    a process that creates nothing. Raises what HCS answers at once. One operation tracks one call at a time; closed
    before its end, the call goes on and its result is lost.
    """

def operation_result(operation: OwnedOperation, /) -> str | None:
    """Return the result document of a call that has ended. HCS function: HcsGetOperationResult.

    Raises what the call failed with; of a call that goes on, the error is HCS_E_OPERATION_PENDING.
    """

def wait_operation(operation: OwnedOperation, timeout: float | None = None) -> str | None:
    """Wait for the end of a call and return its result document. HCS function: HcsWaitForOperationResult.

    Raises what the call failed with; OperationTimeoutError, after which the call goes on and may be waited for again.
    """

def wait_first(operations: Iterable[OwnedOperation], timeout: float | None = None) -> OwnedOperation | None:
    """Wait until the call of one of some operations has ended and return that operation; None when the time is up.

    HCS function: HcsSetOperationCallback, with a callback that runs no Python.
    """

def operation_id(operation: OwnedOperation, /) -> int:
    """Return the number that HCS knows an operation by. HCS function: HcsGetOperationId."""

def operation_type(operation: OwnedOperation, /) -> int:
    """Return the HCS_OPERATION_TYPE of the tracked call, -1 before the first. HCS function: HcsGetOperationType."""

def operation_properties(operation: OwnedOperation, options: str | None = None) -> str | None:
    """Return the document that describes an operation. HCS function: HcsGetOperationProperties."""

def operation_system(operation: OwnedOperation, /) -> int | None:
    """Return the address of the system handle that a call under way is about, to compare with int(system.as_raw()).

    The handle stays its owner's. None if there is none. HCS function: HcsGetComputeSystemFromOperation.
    """

def operation_process(operation: OwnedOperation, /) -> int | None:
    """Return the address of the process handle that a call under way is about, to compare with int(process.as_raw()).

    The handle stays its owner's. None if there is none. HCS function: HcsGetProcessFromOperation.
    """

def operation_context(operation: OwnedOperation, /) -> int:
    """Return the number set by set_operation_context(), 0 before. HCS function: HcsGetOperationContext."""

def set_operation_context(operation: OwnedOperation, value: int) -> None:
    """Give an operation a number of your own; wait_first() sets it to 0. HCS function: HcsSetOperationContext."""

def add_resource(operation: OwnedOperation, resource_type: int, uri: str, handle: int) -> None:
    """Give an operation a resource for the call that it is going to track. HCS function: HcsAddResourceToOperation.

    `resource_type` is an HCS_RESOURCE_TYPE, `handle` the Windows handle of the resource, which stays its owner's.
    """

def cancel_operation(operation: OwnedOperation) -> None:
    """Ask HCS to give a call up; no Windows so far is documented to do it. HCS function: HcsCancelOperation."""
