from collections.abc import Iterable
from typing import Any, TypeAlias, final

from ._handles import OwnedProcess, OwnedSystem
from ._streams import ProcessStart

@final
class Limit:
    """The time limit of one call, given instead of a timeout in seconds, that another thread may cut short.

    Then it is as if the time were over.
    """

    def __init__(self, timeout: float | None) -> None: ...
    @property
    def timeout(self) -> float | None: ...
    def cut(self) -> None: ...

@final
class Claim:
    """The claim to the outcome of a call on another thread: the waiting thread has it until it abandons the call."""

    def abandon(self, limit: Limit | None) -> bool:
        """Abandon the call: cut its limit short, and let pending() count it; return False if it has completed before.

        No signal handler runs in between.
        """
    def deliver(self) -> bool:
        """Give the outcome of the completed call to the thread that waits; return False if it waits no more."""

_Timeout: TypeAlias = Limit | float | None

def call(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None = None,
    timeout: _Timeout = None,
    *,
    resources: Iterable[tuple[int, str, int]] = (),
    identity: int | None = None,
) -> str | None:
    """Call an HCS function on a system or a process, wait until it has completed and return its document, or None.

    `function` is an HCS name of the shape (handle, operation, text), or HcsModifyComputeSystem, whose `identity` is a
    HANDLE as an int or None. `resources` are (type, uri, handle) for each HcsAddResourceToOperation before the call.
    Raises what HCS answers, OperationTimeoutError, HandleClosedError, NotSupportedError; ValueError for another
    function, TypeError for a handle of another kind.
    """

def call_aside(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None = None,
    timeout: float | None = None,
    identity: int | None = None,
    kind: type[Any] | None = None,
) -> Any:
    """Call a function as call() does, on another thread: a timeout or Ctrl-C ends the wait even while HCS keeps that.

    It is made on this thread where neither can come, where the thread impersonates, and where there can be no other
    one. kind: dict or list, which the document is returned as; no document is an empty one then.
    """

def service(function: str, *texts: str | None) -> str | None:
    """Call an HCS function of the service, which has texts and no handle; return the document that it gives, or None.

    It tracks nothing and cannot be interrupted. Raises what HCS answers, NotSupportedError; ValueError for another
    function, TypeError for other texts.
    """

def create_system(
    id: str,
    document: str,
    namespace: str | None = None,
    timeout: _Timeout = None,
    *,
    keep: bool = False,
    user_token: int | None = None,
    security_descriptor: int | None = None,
) -> OwnedSystem:
    """Create a compute system, in a namespace if one is given, and return its handle.

    If the wait times out or is interrupted, the system is terminated once HCS has made it, unless `keep`.
    `security_descriptor` is the address of a SECURITY_DESCRIPTOR, and `user_token` the HANDLE of an access token, which
    only a namespace takes. What is None is left out.

    HCS: HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace
    """

def open_system(id: str, namespace: str | None = None) -> OwnedSystem:
    """Open a compute system by its id, in a namespace if one is given, and return the handle.

    HCS: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace
    """

def enumerate_systems(query: str | None = None, namespace: str | None = None, timeout: _Timeout = None) -> str | None:
    """Return the array of Properties of the systems that match, in a namespace if one is given.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace
    """

def create_process(
    system: OwnedSystem, parameters: str, timeout: _Timeout = None, *, keep: bool = False
) -> ProcessStart:
    """Start a process in a compute system.

    If the wait times out or is interrupted, the process is terminated once HCS has made it, unless `keep`. HCS may fail
    and give a handle all the same (Server 2022 is known for it): then the ProcessStart has an `error`, and
    process_info() tells whether the process runs.

    HCS: HcsCreateProcess
    """

def process_info(process: OwnedProcess, timeout: _Timeout = None) -> ProcessStart:
    """Return the pid and new handles of the streams of a process.

    HCS: HcsGetProcessInfo
    """

def open_process(system: OwnedSystem, pid: int) -> OwnedProcess:
    """Open a process by its id in the compute system and return the handle.

    HCS: HcsOpenProcess
    """
