from collections.abc import Iterable
from types import TracebackType
from typing import Any, NoReturn, Self, final

from typing_extensions import disjoint_base

@disjoint_base
class Handle:
    """A raw HCS handle with one owner: this object."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def closed(self) -> bool:
        """True once close() was called or the handle was given away; calls inside may still be running."""

    def close(self) -> None:
        """Release the handle, or leave that to the last native call inside; never raises."""

    def as_raw(self) -> SendHandle:
        """Return a view of this handle for another thread or across an await."""

    def into_raw(self) -> int:
        """Give the handle away unclosed and return its address."""

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
        """Take ownership of the live HCS_OPERATION at address `raw`."""

@final
class OwnedSystem(Handle):
    """An HCS_SYSTEM."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedSystem:
        """Take ownership of the live HCS_SYSTEM at address `raw`."""

@final
class OwnedProcess(Handle):
    """An HCS_PROCESS."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedProcess:
        """Take ownership of the live HCS_PROCESS at address `raw`."""

@final
class OwnedStdio(Handle):
    """Our end of a process's standard input, output or error."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedStdio:
        """Take ownership of the live stdio HANDLE at address `raw`."""

@final
class SendHandle:
    """A view of a handle that may go to any thread; it keeps its owner alive and never closes anything."""

    def __init__(self, *args: object, **kwargs: object) -> None: ...
    @property
    def owner(self) -> Handle:
        """The handle that this is a view of."""

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
    """Close each of `handles` with one release of the GIL for all of them."""

def pending() -> int:
    """Return how many calls go on inside HCS that nobody waits for any more."""

def announce(calls: int) -> None:
    """Let pending() count calls that go on without anybody waiting; negative when they have ended."""

def leaked() -> int:
    """Return how many native handles were given up instead of released."""
