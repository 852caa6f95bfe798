"""Events: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

from . import _watch
from ._blocking import finish
from ._facade.events import Event, EventsCore, queue_size
from ._facade.times import Deadline, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from ._facade.events import RawEvent
    from ._facade.owner import ExitOwner

__all__ = ["Event", "Events"]


class Events(EventsCore):
    """The events of a compute system or process, as events() of either gives them.

    An iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or this one, is
    closed. Any method may be called from any thread; threads that share one share its events.
    """

    def __init__(self, owner: ExitOwner[Any], maxsize: int, timeout: float | None) -> None:
        self._subscription = _watch.subscribe(owner.handle, queue_size(maxsize))
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

    async def _next_raw(self, timeout: float) -> RawEvent | None:
        return self._subscription.next(timeout)
