"""Events for asyncio: what HCS tells of a compute system or a process without being asked."""

from __future__ import annotations

import asyncio

from .. import _engine
from .._facade.events import Event, EventsCore, queue_size
from .._facade.times import Deadline, seconds
from ._loops import check_own_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from .._facade.events import RawEvent
    from .._facade.owner import ExitOwner

__all__ = ["Event", "Events"]


class Events(EventsCore):
    """The events of a compute system or process, as events() of either gives them.

    An asynchronous iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or
    this one, is closed. Tasks that share one share its events. It belongs to the event loop that reads from it first.
    """

    # That of who reads first.
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, owner: ExitOwner[Any], maxsize: int, timeout: float | None) -> None:
        self._reader: _engine.EventReader | None = _engine.EventReader(owner.handle, queue_size(maxsize))
        # One for all tasks that wait, and none without them: until it comes it keeps the reader.
        self._news: asyncio.Future[None] | None = None
        self._waiting = 0
        super().__init__(owner, timeout)

    def __repr__(self) -> str:
        return f"<hcsrt.aio.Events of {self._owner!r}>"

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
        if self._news is not None and not self._news.get_loop().is_closed():
            self._check_loop()
            self._news.cancel()
        self._reader = None

    def _check_loop(self) -> None:
        # Of loops in several threads one is the first.
        loop = self._loop or self.__dict__.setdefault("_loop", asyncio.get_running_loop())
        check_own_loop(self, loop, "make another reader for this one with events()")

    async def _next_raw(self, timeout: float) -> RawEvent | None:
        if self._reader is not None:
            self._check_loop()
        raw = self._next_now()
        if raw is None and timeout > 0 and self._reader is not None:
            if self._news is None or self._news.done():
                self._news = self._reader.ready()
            self._waiting += 1
            try:
                await asyncio.wait((self._news,), timeout=timeout)
            finally:
                self._waiting -= 1
                if not self._waiting and not self._news.get_loop().is_closed():
                    self._news.cancel()
            raw = self._next_now()
        return raw

    def _next_now(self) -> RawEvent | None:
        if self._reader is None:
            raise EOFError("these events are closed")
        return self._reader.take()
