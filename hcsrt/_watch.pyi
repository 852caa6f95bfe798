from typing import Literal, final

from ._handles import OwnedProcess, OwnedSystem

def is_main_thread() -> bool:
    """Return whether this is the thread on which Python runs signal handlers."""

def watch_system(system: OwnedSystem) -> None:
    """Register the one event callback of a handle, for wait_exit().

    HCS: HcsSetComputeSystemCallback
    """

def watch_process(process: OwnedProcess) -> None:
    """Register the one event callback of a handle, for wait_exit().

    HCS: HcsSetProcessCallback
    """

def wait_exit(handle: OwnedSystem | OwnedProcess, timeout: float | None = None) -> bool:
    """Wait until the exit latch of a watched handle is set, and return whether it is; the latch is never unset.

    Raises HandleClosedError within 0.1 seconds when the handle is closed meanwhile.
    """

def exit_status(
    handle: OwnedSystem | OwnedProcess,
) -> tuple[Literal["exited", "disconnected", "queried"], str | None] | None:
    """Return how the exit latch was set ("exited", "disconnected", "queried"), and the exit document or None.

    The answer is None while the latch is not set.
    """

def latch_exit(handle: OwnedSystem | OwnedProcess, document: str | None = None) -> None:
    """Set the exit latch by the answer to a query; an earlier exit document stays."""

@final
class Subscription:
    """One reader of the events of a handle, made by subscribe(); several threads may share it."""

    def next(self, timeout: float | None = None) -> tuple[int, str | None, int, int, bool] | None:
        """Wait for the next event and return (type, data, time, lost, data_lost), or None if the time is up.

        type: HCS_EVENT_TYPE. data: its document or None. time: when HCS told of it, in nanoseconds since 1970. lost:
        how many events before it found the queue full. data_lost: whether there was no memory for its document. Raises
        EOFError after the exit or the disconnect, and within 0.1 seconds when the handle or the subscription is closed
        and the queue is empty.
        """
    def close(self) -> None:
        """Unsubscribe and drop what is in the queue. It never raises, and a second close does nothing."""

def subscribe(handle: OwnedSystem | OwnedProcess, size: int) -> Subscription:
    """Return a Subscription to the events of a watched handle from now on, whose queue has room for `size` events.

    An event that finds the queue full is dropped and counted, except the exit and the disconnect.
    """

def wait_system_exit(system: OwnedSystem, timeout: float | None = None) -> str | None:
    """Wait for the exit without event callback and return its document.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.

    HCS: HcsWaitForComputeSystemExit
    """

def wait_process_exit(process: OwnedProcess, timeout: float | None = None) -> str | None:
    """Wait for the exit without event callback and return the ProcessStatus.

    Raises OperationTimeoutError, and HandleClosedError within 0.1 seconds when the handle is closed meanwhile.

    HCS: HcsWaitForProcessExit
    """
