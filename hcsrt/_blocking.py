"""The synchronous face: calls of HCS that block, and what its compute systems and processes have in common."""

from __future__ import annotations

import os
import sys
from _thread import LockType, allocate_lock
from contextlib import suppress
from sys import is_finalizing
from threading import Thread, get_ident, main_thread

from . import _calls
from ._facade import EVENTS_MAXSIZE, OPERATION_TIMEOUT, Deadline, in_namespace, seconds
from ._handles import Handle, announce
from .errors import OperationTimeoutError, error_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    from ._facade import Calls, Owner
    from ._handles import OwnedProcess, OwnedSystem
    from .events import Events

    Mixin = Owner[Any]
    ResultT = TypeVar("ResultT")
else:
    Mixin = object

# Locks are waited for in slices: on Windows a longer wait does not let Ctrl-C through.
_SLICE = 0.1
_MOST_IDLE = 4


def aside(
    function: str,
    timeout: float | None,
    call: Callable[..., ResultT],
    *arguments: object,
    _is_finalizing: Callable[[], bool] = is_finalizing,
) -> ResultT:
    """Make a call that HCS tracks with no operation, so that the time and Ctrl-C end the wait for it all the same.

    Then it goes on, on another thread, what it opens is closed, and hcsrt.pending() counts it.
    """
    # At the end of the interpreter no other thread runs any more, and the globals of this module may be gone.
    if _is_finalizing() or (timeout is None and get_ident() != main_thread().ident):
        return call(*arguments)
    results: list[ResultT] = []
    errors: list[BaseException] = []
    # Of the thread that makes the call, when that has ended, or of this one, when it waits no more; of who is first.
    first = allocate_lock()
    over = allocate_lock()
    over.acquire()

    def job() -> None:
        try:
            results.append(call(*arguments))
        except BaseException as error:
            errors.append(error)
        if not first.acquire(blocking=False):
            discard()

    def discard() -> None:
        # Where counts of references are not settled at once, as on free-threaded CPython, a handle that is only dropped
        # may stay.
        for result in results:
            if isinstance(result, Handle):
                result.close()
        announce(-1)

    try:
        _Helper.get().give(job, over)
    except RuntimeError:  # there can be no more threads
        return call(*arguments)
    deadline = Deadline(timeout)
    try:
        while not over.acquire(timeout=deadline.within(_SLICE)):
            if deadline.passed():
                raise error_from(OPERATION_TIMEOUT, function)
    except BaseException:
        announce(1)
        if not first.acquire(blocking=False):
            discard()
        raise
    if errors:
        raise errors.pop()
    return results.pop()


class _Helper:
    """A thread that makes calls for others, one after another."""

    def __init__(self) -> None:
        self._wake = allocate_lock()
        self._wake.acquire()
        self._given: list[tuple[Callable[[], None], LockType]] = []
        Thread(target=self._work, name="hcsrt helper", daemon=True).start()

    @classmethod
    def get(cls) -> _Helper:
        """A helper that has nothing to do."""
        try:
            return _idle.pop()
        except IndexError:
            return cls()

    def give(self, job: Callable[[], None], over: LockType) -> None:
        """Let the helper do the job, and release the lock then."""
        self._given.append((job, over))
        self._wake.release()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            job, over = self._given.pop()
            job()
            del job
            # Before whoever waits gives out the next job.
            stays = len(_idle) < _MOST_IDLE
            if stays:
                _idle.append(self)
            over.release()
            if not stays:
                return


_idle: list[_Helper] = []

if sys.platform != "win32":
    # A forked child has none of these threads.
    os.register_at_fork(after_in_child=_idle.clear)


class BlockingCalls:
    """The functions of _calls as coroutines that never suspend."""

    async def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> None:
        # What the caller's time is for is done already; the close goes on without it.
        with suppress(OperationTimeoutError):
            aside("the close of a handle", deadline.remaining(), handle.close)

    async def watch_system(self, handle: OwnedSystem) -> None:
        _calls.watch_system(handle)

    async def watch_process(self, handle: OwnedProcess) -> None:
        _calls.watch_process(handle)

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        return _calls.wait_exit(handle, timeout)

    async def open_system(self, id: str, namespace: str | None, timeout: float | None) -> OwnedSystem:
        function = in_namespace("HcsOpenComputeSystem", namespace)
        return aside(function, timeout, _calls.open_system, id, namespace)

    async def system_properties(
        self, handle: OwnedSystem, query: str | None, timeout: float | None, urgent: bool
    ) -> str | None:
        return _calls.system_properties(handle, query, timeout)

    async def shutdown_system(self, handle: OwnedSystem, options: str | None, timeout: float | None) -> None:
        _calls.shutdown_system(handle, options, timeout)

    async def terminate_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        _calls.terminate_system(handle, None, timeout)

    async def open_process(self, system: OwnedSystem, pid: int, timeout: float | None) -> OwnedProcess:
        return aside("HcsOpenProcess", timeout, _calls.open_process, system, pid)

    async def process_properties(self, handle: OwnedProcess, timeout: float | None) -> str | None:
        return _calls.process_properties(handle, None, timeout)

    async def signal_process(self, handle: OwnedProcess, options: str, timeout: float | None) -> None:
        _calls.signal_process(handle, options, timeout)

    async def modify_process(self, handle: OwnedProcess, request: str, timeout: float | None) -> None:
        _calls.modify_process(handle, request, timeout)

    async def terminate_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        _calls.terminate_process(handle, None, timeout)


class Blocking(Mixin):
    """An owner whose methods block."""

    _calls: Calls = BlockingCalls()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def events(self, *, maxsize: int = EVENTS_MAXSIZE, timeout: float | None = None) -> Events:
        """The events that HCS tells from now on, for a `for` loop or get(); every reader gets each of them.

        maxsize: how many events may wait for this reader. What comes when so many wait is dropped, and counted by
        `lost` of the next event. The exit and ServiceDisconnect are never dropped; one of them is the last event, and
        comes at once if it has happened before. timeout: seconds, from now on, after which a loop over the events
        raises TimeoutError. Raises HandleClosedError. HcsSetComputeSystemCallback, HcsSetProcessCallback.
        """
        from .events import Events

        return Events(self._handle, self._wait_for, maxsize, seconds(timeout))
