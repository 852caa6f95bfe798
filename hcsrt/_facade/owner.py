"""Owners of handles, and of the handles of what exits."""

from __future__ import annotations

import sys
from _warnings import warn  # the module around it is slow to import
from time import monotonic

from .._late import typing
from .._watch import exit_status, latch_exit
from ..documents import dumps
from ..errors import (
    AlreadyStoppedError,
    HcsError,
    OperationTimeoutError,
    ServiceDisconnectedError,
    SystemNotFoundError,
)
from . import ExitHandleT, Generic, HandleT, calls, times
from .times import Deadline, query_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping
    from types import FrameType
    from typing import Any, Literal, TypeVar

    from .._handles import OwnedProcess, OwnedSystem

    ResultT = TypeVar("ResultT")


_DEBUG = 10
_INSIDE = ("hcsrt", "asyncio", "uvloop")
_is_enabled: Callable[[int], bool] | None = None
_tell_drop: Callable[[Owner[Any]], None] | None = None


def is_traced() -> bool:
    """Return whether hcsrt.calls is to tell of each call. Its level may be set at any time, so this asks each time."""
    global _is_enabled
    is_enabled = _is_enabled
    if is_enabled is None:
        get_logger = _get_logger()
        if get_logger is None:
            return False
        _is_enabled = is_enabled = get_logger("hcsrt.calls").isEnabledFor
    return is_enabled(_DEBUG)


def _get_logger() -> Callable[[str], logging.Logger] | None:
    # Another thread may be just importing the module.
    return getattr(sys.modules.get("logging"), "getLogger", None)


def _outside() -> tuple[int, FrameType | None]:
    """Return the level, as warn() counts it from the caller, and the frame of the program that has called us.

    What runs on a loop was called by nobody but asyncio: then it is the program's line that runs the loop.
    """
    level, frame = 1, sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        level, frame = level + 1, frame.f_back
    return level, frame


def tell_place() -> None:
    """Let the emulator know which line of the program starts a process: its warning of no isolation is about that."""
    processes = sys.modules.get("hcsrt.emulator.processes")
    if processes is not None and not processes.has_warned():
        _, frame = _outside()
        if frame is not None:
            processes.started_at(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__"))


def on_drop(tell: Callable[[Owner[Any]], None] | None) -> None:
    """Let somebody know of each owner that is dropped unclosed, before its handle closes; None: nobody any more.

    It is called on any thread, wherever the garbage collector may come.
    """
    global _tell_drop
    _tell_drop = tell


def debug(logger: str, message: str, *values: object) -> None:
    """Log, unless the program has never imported logging: then nobody can be listening."""
    get_logger = _get_logger()
    if get_logger is not None:
        tell(get_logger(logger), message, *values)


def tell(logger: logging.Logger, message: str, *values: object) -> None:
    """Log without consequences: an error of a filter of the program's must not change what a call does."""
    try:
        logger.debug(message, *values)
    except Exception:
        return


def has_exited(handle: OwnedSystem | OwnedProcess) -> bool:
    """Return whether an exit has set the latch; a service that went away says nothing about it."""
    status = exit_status(handle)
    return status is not None and (status[0] != "disconnected" or status[1] is not None)


class Single:
    """A base of what only hcsrt makes, and what cannot be copied or pickled."""

    # The types of what it is made of, how a program gets one, and how another process gets its own.
    _made_of: tuple[type, ...]
    _made_by: str
    _instead: str

    def __new__(cls, *arguments: typing.Any, **options: typing.Any) -> typing.Self:
        if not arguments or not isinstance(arguments[0], cls._made_of):
            raise TypeError(f"{cls.__name__} is not made directly: {cls._made_by}")
        return super().__new__(cls)

    def __reduce__(self) -> typing.NoReturn:
        # The first copy to be closed would close the handle of the others.
        raise TypeError(
            f"{type(self).__name__} cannot be copied or pickled, what it owns has one owner: {self._instead}"
        )


class Owner(Single, Generic[HandleT]):
    """An owner of a handle, until close() or the garbage collector ends that."""

    _calls: calls.Calls
    _handle: HandleT
    # Until the caller has the object, the code that makes it closes its handle.
    _is_given = False

    def __init__(self, handle: HandleT) -> None:
        self._handle = handle

    @property
    def handle(self) -> HandleT:
        """The native handle, owned by this object: close this object, not the handle."""
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether the object is closed: only what is known of an exit can still be asked for then."""
        return self._handle.closed

    def _discard(self) -> None:
        """Close the handle, on any thread, after the garbage collector has found the object."""
        self._handle.close()

    def _check_open(self) -> None:
        """Raise HandleClosedError if the handle is closed."""
        self._handle.as_raw()

    def __del__(self, _is_finalizing: typing.Any = sys.is_finalizing, _warn: typing.Any = warn) -> None:
        handle = self.__dict__.get("_handle")
        if handle is None or not self._is_given or handle.closed or _is_finalizing():
            return
        try:
            # Another thread may be just taking it away.
            if (tell := _tell_drop) is not None:
                tell(self)
            _warn(f"unclosed {self!r}", ResourceWarning, _outside()[0], source=self)
        finally:
            self._discard()


class ExitOwner(Owner[ExitHandleT]):
    """An owner of the handle of a compute system or a process, which can wait for its exit.

    Exit is a latch in the native layer. The handle's event sets it; because HCS may lose that event, waiting asks HCS
    now and then as well.
    """

    def __init__(self, handle: ExitHandleT) -> None:
        super().__init__(handle)
        self._query_interval = times.FIRST_QUERY
        # The first wait asks at once: an exit before the event callback was registered has no event.
        self._query_at = monotonic()
        self._patience: Deadline | None = None
        # The refusals in a row, until an answer has come: with that, the callback was there before the exit.
        self._refusals: int | None = 0

    @property
    def _name(self) -> str:
        """What hcsrt.calls calls it."""
        return type(self).__name__

    async def _ask_exit(self, timeout: float) -> Mapping[str, Any] | None:
        """Ask HCS for the exit; return its document, empty if it tells no details, None before the exit."""

    async def _query_exit(self, deadline: Deadline) -> None:
        """Ask HCS whether the exit has happened, and latch it.

        Raises an error if the service is gone. It does so, too, if HCS goes on refusing to answer and has never done
        it: no event may come, since the exit may have been before the callback was registered.
        """
        self._query_at = monotonic() + self._query_interval
        self._query_interval = min(self._query_interval * 2, times.LAST_QUERY)
        document: Mapping[str, Any] | None
        try:
            document = await self._ask_exit(query_timeout(deadline))
        except (AlreadyStoppedError, SystemNotFoundError):
            document = {}
        except ServiceDisconnectedError:
            raise
        except HcsError as error:
            debug("hcsrt._facade", "asking whether %r has exited failed: %s", self, error)
            if self._refusals is not None and not isinstance(error, OperationTimeoutError):
                self._refusals += 1
                if self._refusals >= times.MOST_REFUSALS:
                    self._refusals = 0
                    self._query_interval = times.FIRST_QUERY
                    raise
            return
        self._refusals = None
        if document:
            latch_exit(self._handle, dumps(document))
        elif document is not None:
            await self._latch_after_patience(deadline)

    async def _latch_after_patience(self, deadline: Deadline) -> None:
        """Set the latch after an exit, unless the event still comes: that tells more.

        Where the deadline comes before the end of the patience, a later query goes on with what is left of it.
        """
        if self._patience is None:
            self._patience = Deadline(times.EVENT_PATIENCE)
        if await self._calls.wait_exit(self._handle, deadline.within(self._patience.within(times.EVENT_PATIENCE))):
            return
        if self._patience.passed():
            latch_exit(self._handle)
        else:
            self._query_at = monotonic() + self._patience.within(times.EVENT_PATIENCE)

    def _expect_exit(self) -> None:
        """Make the next question come soon, after something that leads to the exit."""
        self._query_interval = times.FIRST_QUERY
        self._query_at = min(self._query_at, monotonic() + times.FIRST_QUERY)

    async def _wait_exit(self, deadline: Deadline) -> bool:
        """Wait until something sets the latch; return False when the time is up."""

        async def exited(timeout: float) -> Literal[True] | None:
            return await self._calls.wait_exit(self._handle, timeout) or None

        return await self._wait_for(exited, deadline) is not None

    async def _wait_for(self, wait: Callable[[float], Awaitable[ResultT | None]], deadline: Deadline) -> ResultT | None:
        """Wait for what `wait` gives, and ask HCS for the exit now and then; return None when the time is up."""
        # In slices: another thread or task may make it time to ask. The slices grow: that one asks too if it waits, and
        # a wait that has gone on for long most likely goes on.
        longest = times.FIRST_QUERY
        while (result := await wait(deadline.within(min(self._query_at - monotonic(), longest)))) is None:
            longest = min(longest * 2, times.LAST_QUERY)
            if monotonic() >= self._query_at:
                await self._query_exit(deadline)
            elif deadline.passed():
                return None
        return result

    def _has_exited(self) -> bool:
        return has_exited(self._handle)

    async def _is_gone(self, error: HcsError, deadline: Deadline) -> bool:
        """Return whether a request failed because its system or process has exited, as HCS may tell a little later."""
        if isinstance(error, (AlreadyStoppedError, SystemNotFoundError)):
            return True
        if not isinstance(error, (OperationTimeoutError, ServiceDisconnectedError)):
            self._query_interval = times.FIRST_QUERY
            self._query_at = monotonic()
            await self._wait_exit(Deadline(deadline.within(times.EVENT_PATIENCE)))
        return self._has_exited()
