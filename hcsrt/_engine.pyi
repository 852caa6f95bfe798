from asyncio import Future
from collections.abc import Iterable
from typing import Any, Self, final

from ._handles import Handle, OwnedProcess, OwnedSystem
from ._streams import ProcessStart

@final
class Port:
    """The port of one event loop, where its calls are delivered; the loop keeps it as a descriptor's callback."""

    def __call__(self, *args: object, **kwargs: object) -> None: ...
    def send(self) -> None:
        """Tell a worker of what was submitted, and of what it is to release."""

def call(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None = None,
    timeout: float | None = None,
    *,
    resources: Iterable[tuple[int, str | None, int | None]] = (),
    identity: int | None = None,
    insist: bool = False,
    urgent: bool = False,
) -> Future[str | None]:
    """Call an HCS function on a system or a process; the future's result is the document that it gives, or None.

    function: an HCS name of the shape (handle, operation, text), or HcsModifyComputeSystem, whose `identity` is a
    HANDLE as an int or None. timeout: seconds, after which the future fails with OperationTimeoutError and the call is
    abandoned as if the future were cancelled. resources: (type, uri, handle as int) for each HcsAddResourceToOperation
    before the call. insist: HCS gets the call even if the future is cancelled before, or its loop closed. urgent: as
    for open_system(). Raises HandleClosedError, NotSupportedError, ValueError for another function, TypeError for
    another kind of handle.
    """

def ask(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None,
    timeout: float | None,
    kind: type[Any],
    urgent: bool = False,
) -> Future[Any]:
    """Call a function as call() does; the future's result is the document as an object of this kind, dict or list.

    No document is an empty object. One that is no such thing lets the future fail with an HcsError.
    """

def create_system(
    id: str,
    document: str,
    namespace: str | None = None,
    timeout: float | None = None,
    *,
    keep: bool = False,
    user_token: int | None = None,
    security_descriptor: int | None = None,
) -> Future[OwnedSystem]:
    """Create a compute system; the future's result is its handle.

    If the future is cancelled, the system is terminated once HCS has made it, unless `keep`.
    `security_descriptor` is the address of a SECURITY_DESCRIPTOR, and `user_token` the HANDLE of an access token, which
    only a namespace takes. What is None is left out.

    HCS: HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace
    """

def open_system(
    id: str, namespace: str | None = None, timeout: float | None = None, *, urgent: bool = False
) -> Future[OwnedSystem]:
    """Open a compute system by its id; the future's result is the handle.

    `urgent` opens it with the threads that are there for ending things, whatever hangs in HCS meanwhile.

    HCS: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace
    """

def enumerate_systems(
    query: str | None = None, namespace: str | None = None, timeout: float | None = None
) -> Future[str | None]:
    """Ask for the Properties of the systems that match, a JSON array.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace
    """

def create_process(
    system: OwnedSystem, parameters: str, timeout: float | None = None, *, keep: bool = False
) -> Future[ProcessStart]:
    """Start a process in a compute system; the future's result is a ProcessStart.

    If the future is cancelled, the process is terminated once HCS has made it, unless `keep`. HCS may fail and give a
    handle all the same (Server 2022 is known for it): then the ProcessStart has an `error`, and process_info() tells
    whether the process runs.

    HCS: HcsCreateProcess
    """

def process_info(process: OwnedProcess, timeout: float | None = None) -> Future[ProcessStart]:
    """Ask for the pid of a process and new handles of its streams: a ProcessStart.

    HCS: HcsGetProcessInfo
    """

def open_process(
    system: OwnedSystem, pid: int, timeout: float | None = None, *, urgent: bool = False
) -> Future[OwnedProcess]:
    """Open a process by its id in a compute system; the future's result is the handle.

    `urgent` is as for open_system().

    HCS: HcsOpenProcess
    """

def service(function: str, *texts: str | None, timeout: float | None = None) -> Future[str | None]:
    """Call an HCS function of the service, which has texts and no handle; the future's result is what it gives.

    Those are HcsGetServiceProperties and HcsModifyServiceSettings, HcsSubmitWerReport, the empty files, the access of
    VMs and the processor features of a saved state. Raises ValueError for another function, TypeError for other texts.
    """

def close(handle: Handle, urgent: bool = False) -> Future[None]:
    """Close a handle: it refuses calls from now on. The future is done when the native close has returned.

    If calls are inside, the last one out closes, and the future may be done before. A second close does nothing.
    `urgent` is as for open_system().
    """

def discard(handle: Handle) -> None:
    """Close a handle without waiting for it; from any thread, with or without a loop. hcsrt.pending() counts it."""

def terminate(handle: OwnedSystem | OwnedProcess, function: str) -> None:
    """Terminate what nobody will own, and discard its handle. `function` is the HCS function that does it."""

def watch(handle: OwnedSystem | OwnedProcess, timeout: float | None = None) -> Future[None]:
    """Register the one event callback of a system's or a process's handle, for wait_exit() and EventReader.

    The await raises HandleBusyError if there is one.

    HCS: HcsSetComputeSystemCallback, HcsSetProcessCallback
    """

@final
class EventReader:
    """One reader of the events of a watched handle, for one loop; its queue has room for `size` of them.

    An event that finds the queue full is dropped and counted, except the exit and the disconnect. A `size` of 0 is for
    who wants only these. Raises HandleClosedError, and ValueError for a handle that is not watched.
    """

    def __new__(cls, handle: OwnedSystem | OwnedProcess, size: int) -> Self: ...
    def next(self) -> tuple[int, str | None, int, int, bool] | None:
        """Return the next event as (type, data, time, lost, data_lost), or None if there is none; never waits.

        type: HCS_EVENT_TYPE. data: its document or None. time: when HCS told of it, in nanoseconds since 1970. lost:
        how many events before it found the queue full. data_lost: whether there was no memory for its document. Raises
        EOFError after the exit or the disconnect, and when the handle is closed and the queue is empty.
        """
    def ready(self) -> Future[None]:
        """Return a future that is done when next() may have an event that it had not before; one at a time."""

def time_out(call: object) -> None:
    """Tell a call that its time is over; the loop's timer does so."""

def wait_exit(handle: OwnedSystem | OwnedProcess) -> Future[None]:
    """Return a future that is done when the exit latch of a watched handle is set; the latch is never unset.

    Raises HandleClosedError, and ValueError for a handle that is not watched; the await raises HandleClosedError when
    the handle is closed before. Then exit_status() of hcsrt._watch tells what the latch was set by.
    """

def in_flight() -> int:
    """Return how many calls of all loops wait for a worker, for HCS, or for their loop."""

def counts() -> dict[str, int]:
    """Return what the engine has counted: late and repeated callbacks, calls that had to be asked for, and more."""
