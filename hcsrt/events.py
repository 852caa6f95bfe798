"""Events: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

from . import _calls
from ._facade import Deadline, Single, finish, integer, seconds
from .documents import loads
from .errors import HandleClosedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType
    from typing import Any, Literal, Self, TypeAlias

    from ._facade import Owner

    EventType: TypeAlias = Literal[
        "SystemExited",
        "SystemCrashInitiated",
        "SystemCrashReport",
        "SystemRdpEnhancedModeStateChanged",
        "SystemSiloJobCreated",
        "SystemGuestConnectionClosed",
        "ProcessExited",
        "OperationCallback",
        "ServiceDisconnect",
        "GroupVmLifecycle",
        "GroupLiveMigration",
        "GroupOperationInfo",
    ]
    Taken: TypeAlias = tuple[int, str | None, int, int, bool]
    Take: TypeAlias = Callable[[float], Coroutine[Any, Any, Taken | None]]

__all__ = ["Event", "Events"]

# HCS_EVENT_TYPE without the HcsEvent of its names.
_TYPES: dict[int, EventType] = {
    0x00000001: "SystemExited",
    0x00000002: "SystemCrashInitiated",
    0x00000003: "SystemCrashReport",
    0x00000004: "SystemRdpEnhancedModeStateChanged",
    0x00000005: "SystemSiloJobCreated",
    0x00000006: "SystemGuestConnectionClosed",
    0x00010000: "ProcessExited",
    0x01000000: "OperationCallback",
    0x02000000: "ServiceDisconnect",
    0x80000002: "GroupVmLifecycle",
    0x80000003: "GroupLiveMigration",
    0xC0000001: "GroupOperationInfo",
}


class Event:
    """One event.

    type: the name of the HCS_EVENT_TYPE without its HcsEvent, such as "SystemExited"; the number of a type that has no
    name here. data: the parsed document, the text of one that is not JSON, None if there is none. time: when HCS told
    of it, in seconds since 1970 as time.time() counts them. lost: how many events were dropped just before this one,
    because the reader was slow. data_lost: there was a document, and no memory to keep it.
    """

    __slots__ = ("data", "data_lost", "lost", "time", "type")

    def __init__(
        self, type: EventType | int, data: Any = None, time: float = 0.0, lost: int = 0, data_lost: bool = False
    ) -> None:
        self.type: EventType | int = type
        self.data: Any = data
        self.time: float = time
        self.lost: int = lost
        self.data_lost: bool = data_lost

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        type = f"{self.type:#010x}" if isinstance(self.type, int) else repr(self.type)
        lost = f", lost={self.lost}" if self.lost else ""
        data_lost = ", data_lost=True" if self.data_lost else ""
        return f"Event({type}, {self.data!r}, time={self.time!r}{lost}{data_lost})"


class EventsCore(Single):
    """What a reader of events does in either face."""

    def __init__(self, owner: Owner[Any], timeout: float | None) -> None:
        self._owner = owner
        self._timeout = timeout
        self._deadline = Deadline(timeout)

    async def _next(self, deadline: Deadline, timeout: float | None) -> Event | None:
        try:
            try:
                taken = await self._owner._wait_for(self._take, deadline)  # pyright: ignore[reportPrivateUsage]
            except HandleClosedError:
                # While HCS was asked. What is left was told before.
                taken = await self._take(0)
        except EOFError:
            return None
        if taken is None:
            raise TimeoutError(f"no event came within {timeout} s")
        return event_from(*taken)

    if TYPE_CHECKING:

        async def _take(self, timeout: float) -> Taken | None:
            """What the subscription has, or None if the time is up; EOFError at its end."""


class Events(EventsCore):
    """The events of a compute system or process, as events() of either gives them.

    An iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or this one, is
    closed. Any method may be called from any thread; threads that share one share its events.
    """

    def __init__(self, owner: Owner[Any], maxsize: int, timeout: float | None) -> None:
        self._subscription = _calls.subscribe(owner.handle, queue_size(maxsize))
        super().__init__(owner, timeout)

    def __repr__(self) -> str:
        return f"<hcsrt.Events of {self._owner!r}>"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = finish(self._next(self._deadline, self._timeout))
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event and return it; None where the iteration would end.

        timeout: seconds, None for ever. Waiting asks HCS now and then for an exit whose event it has lost. Raises
        TimeoutError if no event comes in time; ServiceDisconnectedError if the service is gone and has not told so.
        """
        limit = seconds(timeout)
        return finish(self._next(Deadline(limit), limit))

    def close(self) -> None:
        """Take no more events, and end the iteration of any thread within 0.1 seconds."""
        self._subscription.close()

    async def _take(self, timeout: float) -> Taken | None:
        return self._subscription.next(timeout)


def queue_size(maxsize: int) -> int:
    """The size of a queue of events, if it is one."""
    room = integer(maxsize, "maxsize")
    if not 0 < room < 1 << 32:
        raise ValueError(f"maxsize must be 1 to 4294967295 events, not {room}; no queue is without end")
    return room


def event_from(number: int, text: str | None, nanoseconds: int, lost: int, data_lost: bool) -> Event:
    """The event that the native layer tells of in these words."""
    try:
        data = loads(text)
    except (ValueError, RecursionError):
        data = text
    return Event(_TYPES.get(number, number), data, nanoseconds / 1e9, lost, data_lost)
