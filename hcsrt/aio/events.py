"""Events for asyncio: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

from .._arguments import seconds
from .._facade import ExitHandleT
from .._facade.events import EVENTS_MAXSIZE, Event
from .._facade.times import Deadline
from .._late import typing
from ._calls import AwaitedOwner
from ._events import AwaitedEvents

__all__ = ["Event", "Events"]


class Events(AwaitedEvents):
    """The events of a compute system or process, as events() of either gives them.

    An asynchronous iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or
    this one, is closed. Tasks that share one share its events. It belongs to the event loop that reads from it first.
    """

    def __aiter__(self) -> typing.Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._next(self._deadline, self._timeout)
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> typing.Self:
        return self

    async def get(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event and return it; return None where the iteration would end.

        Waiting asks HCS now and then for an exit whose event it has lost.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            TimeoutError: No event has come in time.
            ServiceDisconnectedError: The service is gone and has not told so.
        """
        limit = seconds(timeout)
        return await self._next(Deadline(limit), limit)

    async def close(self) -> None:
        """Take no more events, and end the iteration of any task."""
        await self._close()


class EventSource(AwaitedOwner[ExitHandleT]):
    """An owner of a handle that has events."""

    def events(self, *, maxsize: int = EVENTS_MAXSIZE, timeout: float | None = None) -> Events:
        """Read the events that HCS tells from now on, in an `async for` loop or by get(). Each reader gets all of them.

        Args:
            maxsize: How many events may wait for this reader. What comes when so many wait is dropped, and counted by
                `lost` of the next event. The exit and ServiceDisconnect are never dropped; one of them is the last
                event, and comes at once if it has happened before.
            timeout: Seconds from now on, after which a loop over the events raises TimeoutError; None for ever.

        Raises:
            HandleClosedError: This object is closed.

        HCS: HcsSetComputeSystemCallback, HcsSetProcessCallback
        """
        return Events(self, maxsize, seconds(timeout))
