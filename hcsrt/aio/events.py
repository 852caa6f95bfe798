"""Events for asyncio: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

import asyncio

from .. import _engine
from .._facade import Deadline, seconds
from ..events import Event, EventsCore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ..events import Taken

__all__ = ["Event", "Events"]


class Events(EventsCore):
    """The events of a compute system or process, as events() of either gives them.

    An asynchronous iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or
    this one, is closed. Tasks that share one share its events.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._next(self._deadline, self._timeout)
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def get(self, timeout: float | None = None) -> Event | None:
        """Wait for the next event and return it; None where the iteration would end.

        timeout: seconds, None for ever. Waiting asks HCS now and then for an exit whose event it has lost. Raises
        TimeoutError if no event comes in time; ServiceDisconnectedError if the service is gone and has not told so.
        """
        limit = seconds(timeout)
        return await self._next(Deadline(limit), limit)

    async def close(self) -> None:
        """Take no more events, and end the iteration of any task."""
        self._subscription.close()

    async def _take(self, timeout: float) -> Taken | None:
        taken = self._subscription.next(0)
        if taken is not None:
            return taken
        ready = _engine.wait_event(self._subscription)
        try:
            await asyncio.wait((ready,), timeout=timeout)
        finally:
            ready.cancel()
        return self._subscription.next(0)
