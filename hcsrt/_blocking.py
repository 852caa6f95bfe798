"""The synchronous face: calls of HCS that block, and what its compute systems and processes have in common."""

from __future__ import annotations

import os
import sys
from _queue import SimpleQueue
from _thread import LockType, allocate_lock
from contextlib import suppress
from sys import is_finalizing
from threading import Thread, get_ident, main_thread

from . import _calls
from ._calls import Claim, Limit, ProcessStart
from ._facade import EVENTS_MAXSIZE, OPERATION_TIMEOUT, Deadline, HandleT, Owner, in_namespace, seconds
from ._handles import Handle, announce
from ._library import impersonates
from .errors import OperationTimeoutError, error_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from ._facade import Calls
    from ._handles import OwnedProcess, OwnedSystem
    from .events import Events

    ResultT = TypeVar("ResultT")

# Locks are waited for in slices: on Windows a longer wait does not let Ctrl-C through.
_SLICE = 0.1
# Seconds that a call with a Limit has to end by itself: only one that hangs in HCS is left to its thread.
_PATIENCE = 0.05
_MOST_IDLE = 16


def _close(result: object) -> None:
    # Where counts of references are not settled at once, as on free-threaded CPython, a handle that is only dropped may
    # stay.
    if isinstance(result, (Handle, ProcessStart)):
        result.close()


def aside(
    function: str,
    limit: Limit | float | None,
    call: Callable[..., ResultT],
    *arguments: object,
    results: list[ResultT] | None = None,
    drop: Callable[[ResultT], None] = _close,
    _is_finalizing: Callable[[], bool] = is_finalizing,
) -> ResultT:
    """Make a call on another thread, so that the time and Ctrl-C end the wait for it even while HCS keeps that thread.

    limit: seconds, or the Limit that is one of the arguments and ends the call too. results: gets the result, so that
    a KeyboardInterrupt that comes right after the call cannot lose it. drop: what becomes of a result that nobody waits
    for any more; hcsrt.pending() counts the call until then.
    """
    made: list[ResultT] = [] if results is None else results

    def here() -> ResultT:
        # A list has the result even if a KeyboardInterrupt comes right after the call.
        made.extend(map(call, *([argument] for argument in arguments)) if arguments else (call(),))
        return made[0]

    # At the end of the interpreter no other thread runs any more, and the globals of this module may be gone.
    if _is_finalizing():
        return here()
    timeout = limit.timeout if isinstance(limit, Limit) else limit
    if (timeout is None and get_ident() != main_thread().ident) or impersonates():
        return here()
    errors: list[BaseException] = []
    claim = Claim()
    over = allocate_lock()
    over.acquire()

    def job() -> None:
        try:
            made.append(call(*arguments))
        except BaseException as error:
            errors.append(error)
        if not claim.settle():
            try:
                discard()
            finally:
                announce(-1)

    def discard() -> None:
        while made:
            drop(made.pop())

    try:
        helper = _Helper.get()
    except RuntimeError:  # there can be no more threads
        return here()
    deadline = Deadline(timeout if timeout is None or limit is timeout else timeout + _PATIENCE)
    given: list[None] = []
    try:
        # In one go, so that a KeyboardInterrupt finds either nothing begun or a call to look after.
        given.extend(map(helper.give, ((job, over),)))
        while not over.acquire(timeout=deadline.within(_SLICE)):
            if deadline.passed():
                raise error_from(OPERATION_TIMEOUT, function)
        if not errors:
            return made[0]
    except BaseException:
        if not given:
            _idle.append(helper)
        elif not claim.forsake(limit if isinstance(limit, Limit) else None):
            discard()
        raise
    raise errors.pop()


def tracked(function: str, timeout: float | None, call: Callable[..., ResultT], *arguments: object) -> ResultT:
    """Make a call with an operation, whose timeout comes right after the arguments, as aside() does."""
    limit = Limit(timeout)
    return aside(function, limit, call, *arguments, limit)


def close_aside(handle: Handle | ProcessStart, timeout: float | None) -> None:
    """Close a handle; when the time is up, in seconds, the close goes on without the caller."""
    with suppress(OperationTimeoutError):
        aside("the close of a handle", timeout, handle.close)


class _Helper:
    """A thread that makes calls for others, one after another."""

    def __init__(self) -> None:
        given: SimpleQueue[tuple[Callable[[], None], LockType]] = SimpleQueue()
        # Takes a job to be done, and a lock to be released then.
        self.give = given.put
        self._next = given.get
        Thread(target=self._work, name="hcsrt helper", daemon=True).start()

    @classmethod
    def get(cls) -> _Helper:
        """A helper that has nothing to do."""
        try:
            return _idle.pop()
        except IndexError:
            return cls()

    def _work(self) -> None:
        while True:
            job, over = self._next()
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
        # What the caller's time is for is done already.
        close_aside(handle, deadline.remaining())

    async def watch_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        aside("HcsSetComputeSystemCallback", timeout, _calls.watch_system, handle)

    async def watch_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        aside("HcsSetProcessCallback", timeout, _calls.watch_process, handle)

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        return _calls.wait_exit(handle, timeout)

    async def open_system(self, id: str, namespace: str | None, timeout: float | None) -> OwnedSystem:
        function = in_namespace("HcsOpenComputeSystem", namespace)
        return aside(function, timeout, _calls.open_system, id, namespace)

    async def system_properties(
        self, handle: OwnedSystem, query: str | None, timeout: float | None, urgent: bool
    ) -> str | None:
        return tracked("HcsGetComputeSystemProperties", timeout, _calls.system_properties, handle, query)

    async def shutdown_system(self, handle: OwnedSystem, options: str | None, timeout: float | None) -> None:
        tracked("HcsShutDownComputeSystem", timeout, _calls.shutdown_system, handle, options)

    async def terminate_system(self, handle: OwnedSystem, timeout: float | None) -> None:
        tracked("HcsTerminateComputeSystem", timeout, _calls.terminate_system, handle, None)

    async def open_process(self, system: OwnedSystem, pid: int, timeout: float | None) -> OwnedProcess:
        return aside("HcsOpenProcess", timeout, _calls.open_process, system, pid)

    async def process_properties(self, handle: OwnedProcess, timeout: float | None) -> str | None:
        return tracked("HcsGetProcessProperties", timeout, _calls.process_properties, handle, None)

    async def signal_process(self, handle: OwnedProcess, options: str, timeout: float | None) -> None:
        tracked("HcsSignalProcess", timeout, _calls.signal_process, handle, options)

    async def terminate_process(self, handle: OwnedProcess, timeout: float | None) -> None:
        tracked("HcsTerminateProcess", timeout, _calls.terminate_process, handle, None)


class Blocking(Owner[HandleT]):
    """An owner whose methods block."""

    _calls: Calls = BlockingCalls()

    def _track(
        self,
        function: str,
        call: Callable[..., ResultT],
        timeout: float | None,
        *arguments: object,
        after: object = None,
    ) -> ResultT:
        """Make a call on this handle with an operation; `after` is the argument behind the timeout."""
        limit = Limit(seconds(timeout))
        behind = () if after is None else (after,)
        return aside(function, limit, call, self._handle, *arguments, limit, *behind)

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

        return Events(self, maxsize, seconds(timeout))
