"""Calls of HCS that are awaited, and what the compute systems and processes of hcsrt.aio have in common."""

from __future__ import annotations

import asyncio

from .. import _calls, _engine
from .._facade import EVENTS_MAXSIZE, OPERATION_TIMEOUT, Deadline, HandleT, Owner, debug, seconds
from ..errors import HandleClosedError, HcsError, error_from
from .events import Events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any, Self, TypeVar

    from .._facade import Calls
    from .._handles import Handle, OwnedProcess, OwnedSystem

    ResultT = TypeVar("ResultT")

LAST_WORD = 2.0
"""Seconds that a task waits for the end of what it has started on its way out."""
SHORT_WORD = 0.1
"""The same where a cancellation or Ctrl-C is what it is on its way out by."""


def is_told_to_stop(reason: type[BaseException] | None) -> bool:
    """Whether a cancellation or Ctrl-C is what something ends by: nobody wants to wait for it any more."""
    return reason is not None and issubclass(reason, (asyncio.CancelledError, KeyboardInterrupt))


def is_forgotten() -> bool:
    """Whether what runs here is a coroutine whose loop was closed before its end: it can wait for nothing."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


def leave(waited_for: Iterable[asyncio.Future[Any]]) -> None:
    """Wait no more for what HCS is at: hcsrt.pending() counts it until it is over."""
    for future in waited_for:
        # The calls of a closed loop are abandoned already.
        if not future.get_loop().is_closed():
            future.cancel()


async def answered(future: asyncio.Future[ResultT], timeout: float | None, function: str) -> ResultT:
    """What HCS answers within the time; a call that nobody waits for any more is the engine's."""
    if timeout is None:
        return await future
    deadline = Deadline(timeout)
    try:
        # asyncio.timeout() would cancel this task; and its TimeoutError does not tell which call it was. More than
        # once, as timers may be early: those of uvloop count whole milliseconds.
        while True:
            await asyncio.wait((future,), timeout=deadline.remaining())
            if future.done():
                return future.result()
            if deadline.passed():
                break
    finally:
        leave((future,))
    raise error_from(OPERATION_TIMEOUT, function)


async def created(
    future: asyncio.Future[ResultT], timeout: float | None, function: str, end: Callable[[ResultT], object]
) -> ResultT:
    """What HCS makes within the time; ended if it was made at the moment when the task was cancelled."""
    try:
        return await answered(future, timeout, function)
    except BaseException:
        if future.done() and not future.cancelled() and future.exception() is None:
            end(future.result())
        raise


def release(*handles: Handle | None) -> None:
    """Close handles without waiting for it."""
    for handle in handles:
        if handle is not None:
            _engine.drop(handle)


async def until_closed(closing: Collection[asyncio.Future[None]], timeout: float | None = None) -> None:
    """Wait for what is being closed, so long as the task is not cancelled and the time is not up."""
    try:
        if closing and not is_forgotten():
            await asyncio.wait(closing, timeout=timeout)
    finally:
        leave(closing)


async def closed(*handles: Handle | None) -> None:
    """Close handles, all at once."""
    if is_forgotten():
        release(*handles)
        return
    await until_closed([_engine.close(handle) for handle in handles if handle is not None])


def terminate(handle: OwnedSystem | OwnedProcess, function: str) -> asyncio.Future[str | None] | None:
    """Terminate what nobody will own, whatever becomes of the task that does so and of its loop."""
    if is_forgotten():
        _engine.end(handle, function)
        return None
    future = _engine.call(handle, function, insist=True)
    future.add_done_callback(_note)
    return future


def _note(future: asyncio.Future[str | None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        debug(__name__, "ending what nobody owns failed: %s", error)


def abandon(
    handle: OwnedSystem | OwnedProcess, function: str, *others: Handle | None
) -> asyncio.Future[str | None] | None:
    """Terminate and release; the future of the termination, which goes on without anybody waiting."""
    try:
        return terminate(handle, function)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "ending what could not be set up failed: %s", error)
        return None
    finally:
        release(*others, handle)


async def last_word(future: asyncio.Future[str | None] | None, reason: BaseException) -> None:
    """Wait a while for a call that HCS gets whatever happens; hcsrt.pending() counts it when nobody waits any more."""
    if future is not None:
        try:
            # A coroutine that is dropped may not wait.
            if not isinstance(reason, GeneratorExit):
                await asyncio.wait((future,), timeout=SHORT_WORD if is_told_to_stop(type(reason)) else LAST_WORD)
        finally:
            future.cancel()


class AwaitingCalls:
    """The functions of the engine, with timeouts."""

    async def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> None:
        await until_closed([_engine.close(handle, urgent=True)], deadline.within(LAST_WORD))

    async def watch_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        await answered(_engine.watch(handle), timeout, "HcsSetComputeSystemCallback")

    async def watch_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        await answered(_engine.watch(handle), timeout, "HcsSetProcessCallback")

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        if _calls.wait_exit(handle, 0):
            return True
        future = _engine.wait_exit(handle)
        try:
            await asyncio.wait((future,), timeout=timeout)
            if not future.done():
                return False
            future.result()
            return True
        finally:
            leave((future,))

    async def open_system(self, id: str, namespace: str | None, timeout: float | None) -> OwnedSystem:
        opening = _engine.open_system(id, namespace, urgent=True)
        return await created(opening, timeout, "HcsOpenComputeSystem", release)

    async def system_properties(
        self, handle: OwnedSystem, query: str | None, timeout: float | None, urgent: bool
    ) -> str | None:
        return await self._call(handle, "HcsGetComputeSystemProperties", query, timeout, urgent)

    async def shutdown_system(self, handle: OwnedSystem, options: str | None, timeout: float | None) -> None:
        await self._call(handle, "HcsShutDownComputeSystem", options, timeout)

    async def terminate_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        await self._call(handle, "HcsTerminateComputeSystem", None, timeout)

    async def open_process(self, system: OwnedSystem, pid: int, timeout: float | None) -> OwnedProcess:
        return await created(_engine.open_process(system, pid, urgent=True), timeout, "HcsOpenProcess", release)

    async def process_properties(self, handle: OwnedProcess, timeout: float | None) -> str | None:
        return await self._call(handle, "HcsGetProcessProperties", None, timeout)

    async def signal_process(self, handle: OwnedProcess, options: str, timeout: float | None) -> None:
        await self._call(handle, "HcsSignalProcess", options, timeout)

    async def terminate_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        await self._call(handle, "HcsTerminateProcess", None, timeout)

    async def _call(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        urgent: bool = False,
    ) -> str | None:
        return await answered(_engine.call(handle, function, text, urgent=urgent), timeout, function)


CALLS: Calls = AwaitingCalls()


class Awaiting(Owner[HandleT]):
    """An owner whose methods are awaited."""

    _calls: Calls = CALLS

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    def _drop(self) -> None:
        _engine.drop(self._handle)

    async def _call(
        self,
        function: str,
        text: str | None,
        timeout: float | None,
        *,
        resources: tuple[tuple[int, str, int], ...] = (),
        identity: int | None = None,
    ) -> str | None:
        limit = seconds(timeout)
        future = _engine.call(self._handle, function, text, resources=resources, identity=identity)
        return await answered(future, limit, function)

    def events(self, *, maxsize: int = EVENTS_MAXSIZE, timeout: float | None = None) -> Events:
        """The events that HCS tells from now on, for an `async for` loop or get(); every reader gets each of them.

        maxsize: how many events may wait for this reader. What comes when so many wait is dropped, and counted by
        `lost` of the next event. The exit and ServiceDisconnect are never dropped; one of them is the last event, and
        comes at once if it has happened before. timeout: seconds, from now on, after which a loop over the events
        raises TimeoutError. Raises HandleClosedError. HcsSetComputeSystemCallback, HcsSetProcessCallback.
        """
        return Events(self, maxsize, seconds(timeout))
