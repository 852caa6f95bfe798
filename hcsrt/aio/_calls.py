"""Calls of HCS that are awaited, and what the compute systems and processes of hcsrt.aio have in common."""

from __future__ import annotations

import asyncio
import sys
from inspect import CO_COROUTINE

from .. import _engine, _watch
from .._facade import ExitHandleT, calls
from .._facade.owner import ExitOwner, debug, is_traced
from .._facade.times import SHORT_CLEANUP, Deadline
from .._functions import in_namespace
from .._handles import OwnedSystem
from .._late import typing
from ..errors import HandleClosedError, HcsError
from ._loops import wait_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any, TypeVar

    from .._handles import Handle, OwnedProcess
    from .._streams import ProcessStart

    ResultT = TypeVar("ResultT")

PARTING_TIMEOUT = 2.0
"""Seconds that an ending task waits for calls that it has started at its end."""


def is_told_to_stop(reason: type[BaseException] | None) -> bool:
    """Return whether the error is a cancellation or Ctrl-C, after which nobody wants to wait."""
    return reason is not None and issubclass(reason, (asyncio.CancelledError, KeyboardInterrupt))


def cannot_wait() -> bool:
    """Return whether this coroutine can wait for nothing: it runs on after the close of its loop, or is being closed.

    It may be closed wherever the garbage collector runs, and so while another loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    error = sys.exception()
    if isinstance(error, GeneratorExit):
        # Only coroutines count. An asynchronous generator gets this error from its aclose(), too, where it may wait;
        # and that of a plain generator has nothing to do with a loop that its `finally` runs.
        place = error.__traceback__
        while place is not None:
            if place.tb_frame.f_code.co_flags & CO_COROUTINE:
                return True
            place = place.tb_next
    return False


def abandon(futures: Iterable[asyncio.Future[Any]]) -> None:
    """Stop waiting for calls: hcsrt.pending() counts them until HCS has completed them."""
    for future in futures:
        # The calls of a closed loop are abandoned already.
        if not future.get_loop().is_closed():
            future.cancel()


async def made(future: asyncio.Future[ResultT], end: Callable[[ResultT], object]) -> ResultT:
    """Wait for what HCS creates; end it if the task is cancelled at the moment of its creation."""
    try:
        return await future
    except BaseException:
        if not future.done():
            abandon((future,))
        elif not future.cancelled() and future.exception() is None:
            end(future.result())
        raise


def started(
    function: str, call: Callable[..., asyncio.Future[ResultT]], *arguments: object, **options: object
) -> asyncio.Future[ResultT]:
    """Start a call of the engine; hcsrt.calls tells of it. `function` is its name in HCS, empty for a close."""
    if is_traced():
        from .._facade.tracing import trace_future

        return trace_future(function, arguments, lambda: call(*arguments, **options))
    return call(*arguments, **options)


def close_handle(handle: Handle, *, urgent: bool = False) -> asyncio.Future[None]:
    """Start to close a handle; the future is done when it is closed."""
    if handle.closed:
        return _engine.close(handle, urgent)  # which calls nothing then
    return started("", _engine.close, handle, urgent=urgent)


def discard(*handles: Handle | None) -> None:
    """Close handles without waiting for it."""
    for handle in handles:
        if handle is not None:
            _tell_background("", handle)
            _engine.discard(handle)


def _tell_background(function: str, handle: Handle) -> None:
    if is_traced() and not handle.closed:
        from .._facade.tracing import tell_background

        tell_background(function, handle)


async def wait_closed(closing: Collection[asyncio.Future[None]], timeout: float | None = None) -> None:
    """Wait for closes, until the task is cancelled or the time is up."""
    try:
        if closing and not cannot_wait():
            await asyncio.wait(closing, timeout=timeout)
    finally:
        abandon(closing)


async def close_handles(*handles: Handle | None) -> None:
    """Close handles, all at once."""
    if cannot_wait():
        discard(*handles)
        return
    await wait_closed([close_handle(handle) for handle in handles if handle is not None])


def terminate(handle: OwnedSystem | OwnedProcess, function: str) -> asyncio.Future[str | None] | None:
    """Terminate something that nobody will own, even if the task is cancelled or the loop closed meanwhile.

    Return the future to wait for; None where that is not possible.
    """
    if cannot_wait():
        _tell_background(function, handle)
        _engine.terminate(handle, function)
        return None
    future = started(function, _engine.call, handle, function, insist=True)
    future.add_done_callback(_log_failure)
    return future


def _log_failure(future: asyncio.Future[str | None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        debug(__name__, "ending what nobody owns failed: %s", error)


def terminate_and_discard(
    handle: OwnedSystem | OwnedProcess, function: str, *others: Handle | None
) -> asyncio.Future[str | None] | None:
    """Terminate what nobody will own and close its handles; return the future of the termination."""
    try:
        return terminate(handle, function)
    except (HcsError, HandleClosedError) as error:
        debug(__name__, "ending what could not be set up failed: %s", error)
        return None
    finally:
        discard(*others, handle)


async def wait_before_parting(future: asyncio.Future[str | None] | None, reason: BaseException) -> None:
    """Wait a while for a call that HCS gets in any case; then abandon it."""
    if future is not None:
        try:
            is_short = is_told_to_stop(type(reason))
            await asyncio.wait((future,), timeout=SHORT_CLEANUP if is_short else PARTING_TIMEOUT)
        finally:
            future.cancel()


class AwaitingCalls:
    """The functions of the engine. A plain call is its future: no coroutine stands before it."""

    def call(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        *,
        resources: tuple[tuple[int, str, int], ...] = (),
        identity: int | None = None,
        urgent: bool = False,
    ) -> asyncio.Future[str | None]:
        if is_traced():
            options: dict[str, Any] = {"resources": resources, "identity": identity, "urgent": urgent}
            return started(function, _engine.call, handle, function, text, timeout, **options)
        return _engine.call(handle, function, text, timeout, resources=resources, identity=identity, urgent=urgent)

    def ask(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        kind: type[Any],
        *,
        urgent: bool = False,
    ) -> asyncio.Future[Any]:
        if is_traced():
            return started(function, _engine.ask, handle, function, text, timeout, kind, urgent)
        return _engine.ask(handle, function, text, timeout, kind, urgent)

    def service(self, function: str, *texts: str | None, timeout: float | None) -> asyncio.Future[str | None]:
        return started(function, _engine.service, function, *texts, timeout=timeout)

    def enumerate_systems(
        self, query: str | None, namespace: str | None, timeout: float | None
    ) -> asyncio.Future[str | None]:
        function = in_namespace("HcsEnumerateComputeSystems", namespace)
        return started(function, _engine.enumerate_systems, query, namespace, timeout)

    async def open_system(
        self, id: str, namespace: str | None, timeout: float | None, *, urgent: bool = False
    ) -> OwnedSystem:
        function = in_namespace("HcsOpenComputeSystem", namespace)
        return await made(started(function, _engine.open_system, id, namespace, timeout, urgent=urgent), discard)

    async def open_process(
        self, system: OwnedSystem, pid: int, timeout: float | None, *, urgent: bool = False
    ) -> OwnedProcess:
        opening = started("HcsOpenProcess", _engine.open_process, system, pid, timeout, urgent=urgent)
        return await made(opening, discard)

    async def process_info(self, process: OwnedProcess, timeout: float | None) -> ProcessStart:
        asking = started("HcsGetProcessInfo", _engine.process_info, process, timeout)
        return await made(asking, _discard_streams)

    def watch(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> asyncio.Future[None]:
        is_system = isinstance(handle, OwnedSystem)
        function = "HcsSetComputeSystemCallback" if is_system else "HcsSetProcessCallback"
        return started(function, _engine.watch, handle, timeout)

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        if _watch.wait_exit(handle, 0):
            return True
        future = _engine.wait_exit(handle)
        try:
            await asyncio.wait((future,), timeout=wait_time(timeout))
            if not future.done():
                return False
            future.result()
            return True
        finally:
            abandon((future,))

    async def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> None:
        if cannot_wait():
            discard(handle)
            return
        await wait_closed([close_handle(handle, urgent=True)], deadline.within(PARTING_TIMEOUT))

    def discard(self, *handles: Handle | None) -> None:
        discard(*handles)


def _discard_streams(start: ProcessStart) -> None:
    discard(start.stdin, start.stdout, start.stderr)


CALLS = AwaitingCalls()


class AwaitedOwner(ExitOwner[ExitHandleT]):
    """An owner whose methods are awaited."""

    _calls: calls.Calls = CALLS

    async def __aenter__(self) -> typing.Self:
        self._check_open()
        return self

    def _discard(self) -> None:
        # The collector comes at any time, and waits for no log.
        _engine.discard(self._handle)
