"""What compute systems and processes have in common: timeouts, the wait for an exit, the handle that they own.

Both faces share it. What may take time is written once, as coroutines over the calls of a face: those of the
synchronous one block and never suspend, so finish() runs such a coroutine to its end; those of hcsrt.aio await.
"""

from __future__ import annotations

import operator
import os
import sys
import warnings
from time import monotonic

from .. import _calls
from ..documents import dumps, loads
from ..errors import (
    AlreadyStoppedError,
    HcsError,
    OperationTimeoutError,
    ServiceDisconnectedError,
    SystemNotFoundError,
    error_from,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, Literal, NoReturn, Protocol, TypeVar
    from typing import AnyStr as AnyStr
    from typing import Generic as Generic

    from .._handles import OwnedProcess, OwnedSystem

    ResultT = TypeVar("ResultT")
    HandleT = TypeVar("HandleT", OwnedSystem, OwnedProcess)
    AnswerT = TypeVar("AnswerT", "dict[str, Any]", "list[Any]")

    class Calls(Protocol):
        """The calls of a face, each with a timeout in seconds where HCS may take its time.

        urgent: something is ended with the answer, whatever else hangs in HCS meanwhile.
        """

        async def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> None: ...
        async def watch_system(self, handle: OwnedSystem, timeout: float | None) -> None: ...
        async def watch_process(self, handle: OwnedProcess, timeout: float | None) -> None: ...
        async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool: ...
        async def open_system(self, id: str, namespace: str | None, timeout: float | None) -> OwnedSystem: ...
        async def system_properties(
            self, handle: OwnedSystem, query: str | None, timeout: float | None, urgent: bool
        ) -> str | None: ...
        async def shutdown_system(self, handle: OwnedSystem, options: str | None, timeout: float | None) -> None: ...
        async def terminate_system(self, handle: OwnedSystem, timeout: float | None) -> None: ...
        async def open_process(self, system: OwnedSystem, pid: int, timeout: float | None) -> OwnedProcess: ...
        async def process_properties(self, handle: OwnedProcess, timeout: float | None) -> str | None: ...
        async def signal_process(self, handle: OwnedProcess, options: str, timeout: float | None) -> None: ...
        async def terminate_process(self, handle: OwnedProcess, timeout: float | None) -> None: ...
else:
    # Importing typing takes longer than importing all of hcsrt; that classes can be subscripted is what is left of it.
    AnyStr = HandleT = object

    class Generic:
        __class_getitem__ = classmethod(type(list[int]))


# HCS_E_OPERATION_TIMEOUT, HCS_E_SERVICE_DISCONNECT, HCS_E_SYSTEM_NOT_FOUND, HCS_E_PROCESS_INFO_NOT_AVAILABLE;
# ERROR_INVALID_DATA as an HRESULT.
OPERATION_TIMEOUT = 0x80370118
SERVICE_DISCONNECT = 0x8037011E
SYSTEM_NOT_FOUND = 0x8037010E
PROCESS_INFO_NOT_AVAILABLE = 0x8037011D
INVALID_DATA = 0x8007000D

FIRST_QUERY = 1.0
"""Seconds until HCS is asked for an exit whose event has not come; from then on twice as long each time."""
LAST_QUERY = 30.0
"""The longest time between two such queries, in seconds."""
QUERY_TIMEOUT = 1.0
"""Seconds that such a query may take."""
POLL_TIMEOUT = 0.1
"""Seconds that it may take even where no time is left, or who only polls would never learn of a lost event."""
EVENT_PATIENCE = 1.0
"""Seconds that an exit event may come later than the first sign of the exit."""
EVENTS_MAXSIZE = 256
"""Events that may wait for a reader, unless it is told otherwise."""
CLEANUP_TIMEOUT = 10.0
"""Seconds that ending what nobody will own may take."""
SHORT_CLEANUP = 0.1
"""The same after Ctrl-C, which ends any wait: HCS gets the calls, and pending() counts them."""


def cleanup_time(error: BaseException) -> float:
    """Seconds to wait for the end of what nobody will own, because of an error."""
    return SHORT_CLEANUP if isinstance(error, KeyboardInterrupt) else CLEANUP_TIMEOUT


def debug(logger: str, message: str, *values: object) -> None:
    """Log for those who listen, which a program that never imported logging cannot."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger(logger).debug(message, *values)


def seconds(value: float | None, argument: str = "timeout") -> float | None:
    """Check a duration; infinity means for ever, as None does."""
    try:
        if value is None or value == float("inf"):
            return None
        if value >= 0:
            return float(value)
    except TypeError:
        raise TypeError(f"{argument} must be a number of seconds or None, not {type(value).__name__}") from None
    except OverflowError:
        raise ValueError(f"{argument} is too large: None waits for ever") from None
    raise ValueError(f"{argument} must be zero or more seconds, not {value!r}")


def check_text(value: object, argument: str) -> None:
    """Refuse what HCS could not take as a string, before it is cut at the NUL or read as something else."""
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{argument} must not contain a NUL character")


def check_name(value: object, argument: str) -> None:
    """Refuse what is no string, or an empty one."""
    check_text(value, argument)
    if not value:
        raise ValueError(f"{argument} must not be empty")


def integer(value: object, argument: str, wanted: str = "an int") -> int:
    """The int that a value stands for, if it is one."""
    try:
        return operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise TypeError(f"{argument} must be {wanted}, not {type(value).__name__}") from None


def check_handle(value: object, argument: str) -> None:
    """Refuse what is no Windows handle as an int; None is one that is not given."""
    if value is None:
        return
    if not isinstance(value, int):
        raise TypeError(f"{argument} must be a Windows handle as an int, not {type(value).__name__}")
    if not 0 <= value <= 2 * sys.maxsize + 1:
        raise ValueError(f"{argument} is {value:#x}, which is no Windows handle")


def path_text(value: str | os.PathLike[str], argument: str) -> str:
    """A path as text."""
    try:
        text = os.fspath(value)
    except TypeError:
        raise TypeError(f"{argument} must be a str or path, not {type(value).__name__}") from None
    check_text(text, argument)
    return text


def answer(text: str | None, operation: str, kind: type[AnswerT]) -> AnswerT:
    """Read what HCS answered; no document at all is an empty one."""
    try:
        value = loads(text)
    except ValueError:
        value = text
    if value is None:
        return kind()
    if not isinstance(value, kind):
        name = "object" if kind is dict else "array"
        raise error_from(INVALID_DATA, operation, {"ErrorMessage": f"The answer of HCS is not a JSON {name}"})
    return value


def query_text(types: tuple[str, ...], query: Mapping[str, Any] | str | None) -> str | None:
    """A PropertyQuery for blocks, or the one that was given."""
    if types and query is not None:
        raise ValueError("give property types or a query, not both")
    if not types:
        return None if query is None else dumps(query, argument="query")
    for name in types:
        check_name(name, "a property type")
    return dumps({"PropertyTypes": list(types)})


def in_namespace(function: str, namespace: str | None) -> str:
    """The name of the HCS function that does this in a namespace, if there is one."""
    return function if namespace is None else f"{function}InNamespace"


def exit_document(text: str | None) -> dict[str, Any]:
    """Read what came with an exit; that it has happened counts more than a document that cannot be read."""
    try:
        return answer(text, "an exit", dict)
    except HcsError:
        return {}


def finish(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("a coroutine of the synchronous face wanted to wait for an event loop")


class Deadline:
    """The point in time at which a timeout, counted from now, ends."""

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else monotonic() + timeout

    def remaining(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - monotonic())

    def within(self, limit: float) -> float:
        """The seconds that remain, but not more than the limit."""
        remaining = self.remaining()
        return max(0.0, limit) if remaining is None else max(0.0, min(limit, remaining))

    def passed(self) -> bool:
        return self.remaining() == 0.0


def query_timeout(deadline: Deadline) -> float:
    """The seconds that a query may take which somebody waits for until the deadline."""
    return max(deadline.within(QUERY_TIMEOUT), POLL_TIMEOUT)


def has_exited(handle: OwnedSystem | OwnedProcess) -> bool:
    """Whether the latch is set by an exit; a service that went away says nothing about it."""
    status = _calls.exit_status(handle)
    return status is not None and (status[0] != "disconnected" or status[1] is not None)


class Single:
    """What cannot be copied or pickled."""

    def __reduce__(self) -> NoReturn:
        # Whichever copy went first would close what the others still use.
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled: what it owns has one owner")


class Owner(Single, Generic[HandleT]):
    """Owns the handle of a compute system or process, and waits for the exit of what is behind it.

    Exit is a latch in the native layer. The handle's event sets it; because HCS may lose that event, waiting asks HCS
    now and then as well.
    """

    _calls: Calls
    _handle: HandleT
    # Until somebody gets the object, whoever makes it sees to its handle.
    _is_given = False

    def __init__(self, handle: HandleT) -> None:
        self._handle = handle
        self._query_interval = FIRST_QUERY
        # The first wait asks at once: an exit before the event callback was registered has no event.
        self._query_at = monotonic()
        self._patience: Deadline | None = None

    @property
    def handle(self) -> HandleT:
        """The native handle, owned by this object: close this object, not the handle."""
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether the object is closed: only what is known of an exit can still be asked for then."""
        return self._handle.closed

    async def _ask_exit(self, timeout: float) -> dict[str, Any] | None:
        """What HCS says of the exit: its document, empty if it tells no details; None before the exit."""

    def _drop(self) -> None:
        """Close the handle, the object having been forgotten; on any thread."""
        self._handle.close()

    def _check_open(self) -> None:
        """Raise HandleClosedError if the handle is closed."""
        _calls.exit_status(self._handle)

    async def _query_exit(self, deadline: Deadline) -> None:
        """Ask HCS whether the exit has happened, and latch it; that the service is gone is an error."""
        self._query_at = monotonic() + self._query_interval
        self._query_interval = min(self._query_interval * 2, LAST_QUERY)
        try:
            document = await self._ask_exit(query_timeout(deadline))
        except (AlreadyStoppedError, SystemNotFoundError):
            document = {}
        except ServiceDisconnectedError:
            raise
        except HcsError as error:
            debug(__name__, "asking whether %r has exited failed: %s", self, error)
            return
        if document:
            _calls.latch_exit(self._handle, dumps(document))
        elif document is not None:
            await self._latch_after_patience(deadline)

    async def _latch_after_patience(self, deadline: Deadline) -> None:
        """Set the latch of what has exited, unless the event, which tells more, still comes.

        Where the deadline comes before the end of the patience, a later query goes on with what is left of it.
        """
        if self._patience is None:
            self._patience = Deadline(EVENT_PATIENCE)
        if await self._calls.wait_exit(self._handle, deadline.within(self._patience.within(EVENT_PATIENCE))):
            return
        if self._patience.passed():
            _calls.latch_exit(self._handle)
        else:
            self._query_at = monotonic() + self._patience.within(EVENT_PATIENCE)

    def _expect_exit(self) -> None:
        """Ask soon: something was done that leads to the exit."""
        self._query_interval = FIRST_QUERY
        self._query_at = min(self._query_at, monotonic() + FIRST_QUERY)

    async def _wait_exit(self, deadline: Deadline) -> bool:
        """Wait until the latch is set, by whatever sets it; False when the time is up."""

        async def exited(timeout: float) -> Literal[True] | None:
            return await self._calls.wait_exit(self._handle, timeout) or None

        return await self._wait_for(exited, deadline) is not None

    async def _wait_for(
        self, wait: Callable[[float], Coroutine[Any, Any, ResultT | None]], deadline: Deadline
    ) -> ResultT | None:
        """Wait for what `wait` gives, and ask HCS for the exit now and then; None when the time is up."""
        # In slices: another thread or task may do something that makes it time to ask. They grow, since that one asks
        # too if it waits, and a wait that has gone on for long most likely goes on.
        longest = FIRST_QUERY
        while (result := await wait(deadline.within(min(self._query_at - monotonic(), longest)))) is None:
            longest = min(longest * 2, LAST_QUERY)
            if monotonic() >= self._query_at:
                await self._query_exit(deadline)
            elif deadline.passed():
                return None
        return result

    def _has_exited(self) -> bool:
        return has_exited(self._handle)

    async def _is_gone(self, error: HcsError, deadline: Deadline) -> bool:
        """Whether a request failed because what it was for has exited, as HCS may be just about to say."""
        if isinstance(error, (AlreadyStoppedError, SystemNotFoundError)):
            return True
        if not isinstance(error, (OperationTimeoutError, ServiceDisconnectedError)):
            self._query_interval = FIRST_QUERY
            self._query_at = monotonic()
            await self._wait_exit(Deadline(deadline.within(EVENT_PATIENCE)))
        return self._has_exited()

    def __del__(self, _is_finalizing: Any = sys.is_finalizing, _warn: Any = warnings.warn) -> None:
        handle = self.__dict__.get("_handle")
        if handle is None or not self._is_given or handle.closed or _is_finalizing():
            return
        try:
            _warn(f"unclosed {self!r}", ResourceWarning, source=self)
        finally:
            self._drop()
