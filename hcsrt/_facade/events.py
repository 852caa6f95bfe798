"""The half of a reader of events that both faces share."""

from __future__ import annotations

from .. import _event_types
from .._arguments import integer
from .._event_types import EVENT_TYPES
from .._late import typing
from ..documents import loads
from ..errors import HandleClosedError
from .owner import ExitOwner, Single
from .times import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    RawEvent: TypeAlias = tuple[int, str | None, int, int, bool]

EVENTS_MAXSIZE = 256
"""Events that may wait for a reader, unless it is told otherwise."""
_TYPES: dict[int, _event_types.EventType] = {number: name for name, number in EVENT_TYPES.items()}


class Event:
    """One event.

    Attributes:
        type: The name of the HCS_EVENT_TYPE without its HcsEvent, such as "SystemExited"; the number of a type that has
            no name here.
        data: The parsed document, the text of one that is not JSON, None if there is none.
        time: When HCS told of it, in seconds since 1970 as time.time() counts them.
        lost: How many events were dropped just before this one, because the reader was slow.
        data_lost: Whether there was a document, and no memory to keep it.
    """

    __module__ = "hcsrt.events"
    __slots__ = ("data", "data_lost", "lost", "time", "type")

    def __init__(
        self,
        type: _event_types.EventType | int,
        data: typing.Any = None,
        time: float = 0.0,
        lost: int = 0,
        data_lost: bool = False,
    ) -> None:
        self.type: _event_types.EventType | int = type
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
    """The half of a reader of events that both faces share."""

    _made_of = (ExitOwner,)
    _made_by = "events() of a compute system or a process gives a reader of events"
    _instead = "open() the compute system there, and read its events()"

    def __init__(self, owner: ExitOwner[typing.Any], timeout: float | None) -> None:
        self._owner = owner
        self._timeout = timeout
        self._deadline = Deadline(timeout)

    async def _next(self, deadline: Deadline, timeout: float | None) -> Event | None:
        try:
            try:
                raw = await self._owner._wait_for(self._next_raw, deadline)  # pyright: ignore[reportPrivateUsage]
            except HandleClosedError:
                # Closed while HCS was asked. Events from before may be left.
                raw = await self._next_raw(0)
        except EOFError:
            return None
        if raw is None:
            raise TimeoutError(f"no event came within {timeout} s")
        return event_from(*raw)

    if TYPE_CHECKING:

        async def _next_raw(self, timeout: float) -> RawEvent | None:
            """Wait for the next event; return None when the time is up. Raises EOFError after the last one."""


def queue_size(maxsize: int) -> int:
    """Return the size of a queue of events, checked."""
    room = integer(maxsize, "maxsize")
    if not 0 < room < 1 << 32:
        raise ValueError(f"maxsize must be 1 to 4294967295 events, not {room}; no queue is without end")
    return room


def event_from(number: int, text: str | None, nanoseconds: int, lost: int, data_lost: bool) -> Event:
    """Make an event of what the native layer gives."""
    try:
        data = loads(text)
    except (ValueError, RecursionError):
        data = text
    return Event(_TYPES.get(number, number), data, nanoseconds / 1e9, lost, data_lost)
