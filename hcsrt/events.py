# Made from hcsrt/aio/events.py by `python tools/faces.py write`: change that file instead of this one.
"""Events: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

from ._arguments import seconds
from ._blocking import BlockingEvents, BlockingOwner, finish
from ._facade import ExitHandleT
from ._facade.events import EVENTS_MAXSIZE, Event
from ._facade.times import Deadline
from ._late import typing

__all__ = ["Event", "Events"]


class Events(BlockingEvents):
    """The events of a compute system or process, as events() of either gives them.

    An iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or this one, is
    closed. Any method may be called from any thread; threads that share one share its events.
    """

    def __iter__(self) -> typing.Self:
        return self

    def __next__(self) -> Event:
        event = finish(self._next(self._deadline, self._timeout))
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> typing.Self:
        return self

    def get(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event and return it; return None where the iteration would end.

        Waiting asks HCS now and then for an exit whose event it has lost.

        Args:
            timeout: Seconds, None for ever.

        Raises:
            TimeoutError: No event has come in time.
            ServiceDisconnectedError: The service is gone and has not told so.
        """
        limit = seconds(timeout)
        return finish(self._next(Deadline(limit), limit))

    def close(self) -> None:
        """Take no more events, and end the iteration of any thread within 0.1 seconds."""
        finish(self._close())


class EventSource(BlockingOwner[ExitHandleT]):
    """An owner of a handle that has events."""

    def events(self, *, maxsize: int = EVENTS_MAXSIZE, timeout: float | None = None) -> Events:
        """Read the events that HCS tells from now on, in a `for` loop or by get(). Each reader gets all of them.

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
