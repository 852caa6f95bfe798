from collections.abc import Callable, Iterable
from types import CodeType, TracebackType
from typing import Any, NoReturn, Self, TypeVar, final

from typing_extensions import disjoint_base

_T = TypeVar("_T")

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
        """Whether close() was called or the handle was detached; calls inside may still be running."""

    def close(self) -> None:
        """Release the handle, or leave that to the last native call inside.

        It never raises, and a second close does nothing. Closing a system does not stop it, and closing a process does
        not kill it. A standard stream is released by CloseHandle.

        HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
        """

    def as_raw(self) -> SendHandle:
        """Return a view of the handle for another thread or across an await.

        Returns:
            A SendHandle, which keeps this object alive.

        Raises:
            HandleClosedError: The handle is closed.
        """

    def into_raw(self) -> int:
        """Detach the handle unreleased; the caller then has to call its HcsClose function.

        If this raises, nothing has changed.

        Returns:
            The address of the handle.

        Raises:
            HandleBusyError: A call is inside, or the handle has an event callback, which only the close can end.
            HandleClosedError: The handle is closed.
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
        """Adopt a live HCS_OPERATION.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """

@final
class OwnedSystem(Handle):
    """An HCS_SYSTEM."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedSystem:
        """Adopt a live HCS_SYSTEM.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """

@final
class OwnedProcess(Handle):
    """An HCS_PROCESS."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedProcess:
        """Adopt a live HCS_PROCESS.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
        """

@final
class OwnedStdio(Handle):
    """Our end of a process's standard input, output or error, as HCS_PROCESS_INFORMATION gives it."""

    @staticmethod
    def from_raw(raw: int, /) -> OwnedStdio:
        """Adopt a live stdio HANDLE.

        Args:
            raw: The address of the handle, which nobody else may own.

        Returns:
            The new owner.

        Raises:
            TypeError: `raw` is not an int.
            ValueError: `raw` is 0 or no address.
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
        """Whether the owner is closed or its handle was detached."""

    def __int__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> NoReturn: ...

def are_handles(items: tuple[Any, ...]) -> bool:
    """Return whether each item is a handle.

    Args:
        items: Objects of any type.

    Returns:
        True if each of them is a handle, of any kind.
    """

def close_all(handles: Iterable[Handle]) -> None:
    """Close many handles with one release of the GIL for all of them.

    Args:
        handles: An iterable of handles of any kind.

    Raises:
        TypeError: One of them is not a handle; then none is closed.

    HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
    """

def close_beside(handles: tuple[Any, ...]) -> bool:
    """Close many handles on another thread: a signal handler that raises, as that of Ctrl-C, ends the wait for it.

    The closes go on then, and pending() counts them as one. They are made on this thread where no signal handler runs,
    where it impersonates, where there can be no other thread, and at the end of the interpreter.

    Args:
        handles: Handles of any kind.

    Returns:
        False if one of them is no handle; then none is closed.

    HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation
    """

def pending() -> int:
    """Return how many calls go on inside HCS with nobody waiting: timed out, interrupted or cancelled.

    Each is watched until it has completed; what it creates is terminated, and every document and handle is released.

    Returns:
        The number of these calls, and of the handles that are being closed without anybody waiting.
    """

def fork_epoch() -> int:
    """Return a number that differs in each forked child, which has none of the threads of its parent.

    Returns:
        The number of forks between the process that imported hcsrt and this one, and one.
    """

def announce(calls: int) -> None:
    """Let pending() count calls that go on without anybody waiting.

    Args:
        calls: How many more there are; negative when they have completed.
    """

def leaked() -> int:
    """Return how many native handles were never released, because C code broke the rules of the guard.

    Returns:
        The number of these handles since the start of the process.
    """

def remember_makers(remember: bool) -> None:
    """Let it be remembered where each handle is made from now on, or not any more. All that was remembered is dropped.

    Args:
        remember: Whether to. A new handle then takes some microseconds more.
    """

def for_caller(call: Callable[..., _T]) -> Callable[..., _T]:
    """Let what a call makes on another thread be remembered as made here.

    Args:
        call: A callable.

    Returns:
        What that thread is to call: `call` itself, unless it is remembered where handles are made.
    """

def remembered_makers() -> list[tuple[Handle, list[tuple[CodeType, int]], tuple[tuple[str, int, str], ...] | None]]:
    """Return where the handles were made that are not released yet.

    Returns:
        A list of (handle, frames, origin), in the order in which they were made. The frames, from the inside out, are
        (code object, offset of the instruction); the origin is what `cr_origin` of the running task's coroutine was,
        None outside tasks.
    """
