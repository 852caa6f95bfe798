"""The half of a reader of events that only hcsrt.aio has."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType

from .. import _engine
from .._facade.events import EventsCore, queue_size
from .._facade.owner import ExitOwner
from .._late import typing
from ._calls import cannot_wait
from ._loops import check_own_loop, runs_here, wait_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._facade.events import RawEvent


class AwaitedEvents(EventsCore):
    """A reader of events whose methods are awaited."""

    # The loop of the first reader.
    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, owner: ExitOwner[typing.Any], maxsize: int, timeout: float | None) -> None:
        self._reader: _engine.EventReader | None = _engine.EventReader(owner.handle, queue_size(maxsize))
        # One future for all tasks that wait; None if no task does, since it keeps the reader alive.
        self._news: asyncio.Future[None] | None = None
        self._waiting = 0
        super().__init__(owner, timeout)

    def __repr__(self) -> str:
        return f"<hcsrt.aio.Events of {self._owner!r}>"

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        news = self._news
        if news is not None and not news.get_loop().is_closed():
            if runs_here(news.get_loop()) or not cannot_wait():
                self._check_loop()
                news.cancel()
            else:
                with suppress(RuntimeError):
                    news.get_loop().call_soon_threadsafe(news.cancel)
        self._reader = None

    def _check_loop(self) -> None:
        # setdefault() lets one loop win where several threads begin at once.
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
                await asyncio.wait((self._news,), timeout=wait_time(timeout))
            finally:
                self._waiting -= 1
                if not self._waiting and not self._news.get_loop().is_closed():
                    self._news.cancel()
            raw = self._next_now()
        return raw

    def _next_now(self) -> RawEvent | None:
        if self._reader is None:
            raise EOFError("these events are closed")
        return self._reader.next()
