from collections.abc import Iterable
from types import TracebackType
from typing import Any, NoReturn, Self, final

from typing_extensions import disjoint_base

@disjoint_base
class Handle:
    """A raw HCS handle with one owner: this object.

    The handle is released when close() is called, when a `with` block ends, or when the object goes. Any method may be
    called from any thread at any time. close() refuses new calls at once; if native calls are inside, the last one out
    releases. Equality is identity.
    """

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def closed(self) -> bool:
        """True once close() was called or the handle was given away; calls inside may still be running."""

    def close(self) -> None:
        """Release the handle, or leave that to the last native call inside. Never raises; a second close does nothing.

        Closing a system does not stop it and closing a process does not kill it. HCS function: HcsCloseComputeSystem,
        HcsCloseProcess, HcsCloseOperation; CloseHandle for a standard stream.
        """

    def as_raw(self) -> SendHandle:
        """Return a SendHandle: a view of this handle for another thread or across an await.

        Raises HandleClosedError.
        """

    def into_raw(self) -> int:
        """Give the handle away unclosed and return its address; the caller then has to call its HcsClose function.

        Raises HandleBusyError if a call is inside, or if an event callback was registered, which only the close can
        end; HandleClosedError. Nothing has changed then.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None = None,
        exception: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...

@final
class OwnedOperation(Handle):
    """An HCS_OPERATION."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedOperation:
        """Take ownership of the live HCS_OPERATION at address `raw`; the caller swears that nobody else owns it.

        Raises ValueError for 0 and TypeError for anything but an int.
        """

@final
class OwnedSystem(Handle):
    """An HCS_SYSTEM."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedSystem:
        """Take ownership of the live HCS_SYSTEM at address `raw`; the caller swears that nobody else owns it.

        Raises ValueError for 0 and TypeError for anything but an int.
        """

@final
class OwnedProcess(Handle):
    """An HCS_PROCESS."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedProcess:
        """Take ownership of the live HCS_PROCESS at address `raw`; the caller swears that nobody else owns it.

        Raises ValueError for 0 and TypeError for anything but an int.
        """

@final
class OwnedStdio(Handle):
    """Our end of a process's standard input, output or error, as HCS_PROCESS_INFORMATION gives it."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedStdio:
        """Take ownership of the live stdio HANDLE at address `raw`; the caller swears that nobody else owns it.

        Raises ValueError for 0 and TypeError for anything but an int.
        """

@final
class SendHandle:
    """A view of a handle that may go to any thread; it keeps its owner alive and never closes anything.

    Views are equal, and hash alike, if their owner is the same object. int(view) is the address.
    """

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def owner(self) -> Handle: ...
    @property
    def closed(self) -> bool:
        """True once the owner is closed or given away."""

    def __int__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> NoReturn: ...

def are_handles(items: tuple[Any, ...]) -> bool:
    """Return whether each of `items` is a handle, of any kind."""

def close_all(handles: Iterable[Handle]) -> None:
    """Close each of `handles`, an iterable of handles of any kind, with one release of the GIL for all of them.

    Raises TypeError, and closes none, if one of them is no handle.
    """

def pending() -> int:
    """Return how many calls go on inside HCS that nobody waits for any more: timed out, interrupted or cancelled.

    Each is watched until it has ended; what it was creating is terminated, and every document and handle is released.
    Handles that are being closed without anybody waiting count, too.
    """

def announce(calls: int) -> None:
    """Let pending() count calls that go on without anybody waiting; negative when they have ended."""

def leaked() -> int:
    """Return how many native handles were given up instead of released, because C code broke the rules of the guard."""
