"""The blocking face: calls of HCS that block, and what its compute systems and processes have in common."""

from __future__ import annotations

from _queue import SimpleQueue
from _thread import LockType, allocate_lock, start_new_thread
from sys import is_finalizing

from .. import _built as _built
from .. import _calls, _watch
from .. import _hresults as hresults
from .._arguments import check_threads
from .._calls import Claim, Limit
from .._facade import MOST_AT_ONCE, ExitHandleT, calls
from .._facade.events import EventsCore, queue_size
from .._facade.owner import ExitOwner, is_traced
from .._facade.times import Deadline
from .._functions import in_namespace
from .._handles import Handle, OwnedSystem, announce, close_all, for_caller, fork_epoch
from .._late import types, typing
from .._library import impersonates
from .._streams import ProcessStart
from ..errors import OperationTimeoutError, error_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from functools import partial
    from typing import Any, TypeVar

    from .._facade.events import RawEvent
    from .._handles import OwnedProcess

    ResultT = TypeVar("ResultT")
else:
    # The module around it is slow to import.
    from _functools import partial

# When hcsrt is imported. A library that comes later is met where threads are started.
check_threads(ImportError)

# Locks and queues are waited for in slices: on Windows a longer wait does not let Ctrl-C through.
SLICE = 0.1
# Seconds that a call with a Limit has to end by itself: only one that hangs in HCS is left to its thread.
_PATIENCE = 0.05
# As many as the verbs on many things use side by side: a thread for each call would cost more than the call.
_MOST_IDLE = MOST_AT_ONCE


def finish(awaitable: Awaitable[ResultT]) -> ResultT:
    """Run a coroutine that never suspends."""
    coroutine: Any = awaitable
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("a coroutine of the blocking face wanted to wait for an event loop")


def _close(result: object) -> None:
    # Not left to the count of references, which free-threaded CPython may settle later.
    if isinstance(result, (Handle, ProcessStart)):
        result.close()


def aside(
    function: str,
    limit: Limit | float | None,
    call: Callable[..., ResultT],
    *arguments: object,
    results: list[ResultT] | None = None,
    discard: Callable[[ResultT], None] = _close,
    is_told: bool = False,
    _is_finalizing: Callable[[], bool] = is_finalizing,
) -> ResultT:
    """Make a call on another thread: a timeout or Ctrl-C ends the wait for it, even while HCS keeps that thread.

    function: its name in HCS; empty for a close. limit: seconds, or the Limit that is one of the arguments and ends the
    call too. results: gets the result, so that a KeyboardInterrupt right after the call cannot lose it. discard: is
    called with a result that nobody waits for any more; hcsrt.pending() counts the call until then. is_told: whether
    hcsrt.calls tells of the call already, or is not to.
    """
    made: list[ResultT] = [] if results is None else results

    def here() -> ResultT:
        # A list has the result even if a KeyboardInterrupt comes right after the call.
        made.extend(map(call, *([argument] for argument in arguments)) if arguments else (call(),))
        return made[0]

    # At the end of the interpreter no other thread runs any more, and the globals of this module may be gone.
    if _is_finalizing():
        return here()
    if not is_told and is_traced():
        from .._facade.tracing import trace

        options: dict[str, Any] = {"results": results, "discard": discard, "is_told": True}
        return trace(function, arguments, lambda: aside(function, limit, call, *arguments, **options))
    timeout = limit.timeout if isinstance(limit, Limit) else limit
    if (timeout is None and not _watch.is_main_thread()) or impersonates():
        return here()
    errors: list[BaseException] = []
    claim = Claim()
    over = allocate_lock()
    over.acquire()
    call = for_caller(call)

    def job() -> None:
        try:
            made.append(call(*arguments))
        except BaseException as error:
            errors.append(error)
        if not claim.deliver():
            try:
                discard_all()
            finally:
                announce(-1)

    def discard_all() -> None:
        while made:
            discard(made.pop())

    try:
        helper = _Helper.get()
    except RuntimeError:  # there can be no more threads
        return here()
    deadline = Deadline(timeout if timeout is None or limit is timeout else timeout + _PATIENCE)
    given: list[None] = []
    try:
        # In one go: a KeyboardInterrupt comes either before anything has begun or with a call to look after.
        given.extend(map(helper.give, ((job, over),)))
        while not over.acquire(timeout=deadline.within(SLICE)):
            if deadline.passed():
                raise error_from(hresults.HCS_E_OPERATION_TIMEOUT, function)
        if not errors:
            return made[0]
    except BaseException:
        if not given:
            _idle.append(helper)
        elif not claim.abandon(limit if isinstance(limit, Limit) else None):
            discard_all()
        raise
    raise errors.pop()


def _call_aside(
    handle: OwnedSystem | OwnedProcess,
    function: str,
    text: str | None,
    timeout: float | None,
    identity: int | None,
    kind: type[Any] | None,
) -> Any:
    """Call a function on a handle as aside() would, without a thread of Python's."""
    if is_traced():
        from .._facade.tracing import trace

        return trace(function, (handle,), lambda: _calls.call_aside(handle, function, text, timeout, identity, kind))
    return _calls.call_aside(handle, function, text, timeout, identity, kind)


def close_aside(handle: Handle | ProcessStart, timeout: float | None) -> None:
    """Close a handle; when the time is up, in seconds, the close goes on without the caller."""
    try:
        aside("", timeout, type(handle).close, handle)
    except OperationTimeoutError:
        return


class _Helper:
    """A thread that makes calls for others, one after another."""

    def __init__(self) -> None:
        check_threads()
        given: SimpleQueue[tuple[Callable[[], None], LockType]] = SimpleQueue()
        # Takes a job, and a lock to release when it is done.
        self.give = given.put
        self._next = given.get
        self._epoch = fork_epoch()
        # What the helper runs may import threading, the emulator for one. Had no other thread done so before, threading
        # would take the helper for the main thread, and wait for its end when Python exits.
        import threading  # noqa: F401  # pyright: ignore[reportUnusedImport]

        # Not threading.Thread, whose start() makes a RuntimeError of some interruptions: as if there were no threads.
        start_new_thread(self._work, ())

    @classmethod
    def get(cls) -> _Helper:
        """Return a helper that has nothing to do."""
        try:
            # A forked child has none of these threads, and loses all that are left of them with its first call.
            while (helper := _idle.pop())._epoch != fork_epoch():
                pass
        except IndexError:
            return cls()
        return helper

    def _work(self) -> None:
        while True:
            job, over = self._next()
            job()
            del job
            # Before the release: the thread that waits may give out its next job at once.
            stays = len(_idle) < _MOST_IDLE
            if stays:
                _idle.append(self)
            over.release()
            if not stays:
                return


_idle: list[_Helper] = []


class BlockingCalls:
    """The functions of _calls as coroutines that never suspend."""

    async def call(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        *,
        resources: tuple[tuple[int, str, int], ...] = (),
        identity: int | None = None,
        urgent: bool = False,
    ) -> str | None:
        if resources:
            limit = Limit(timeout)
            call = partial(_calls.call, resources=resources, identity=identity)
            return aside(function, limit, call, handle, function, text, limit)
        return _call_aside(handle, function, text, timeout, identity, None)

    async def ask(
        self,
        handle: OwnedSystem | OwnedProcess,
        function: str,
        text: str | None,
        timeout: float | None,
        kind: type[Any],
        *,
        urgent: bool = False,
    ) -> Any:
        return _call_aside(handle, function, text, timeout, None, kind)

    async def service(self, function: str, *texts: str | None, timeout: float | None) -> str | None:
        return aside(function, timeout, _calls.service, function, *texts)

    async def enumerate_systems(self, query: str | None, namespace: str | None, timeout: float | None) -> str | None:
        limit = Limit(timeout)
        function = in_namespace("HcsEnumerateComputeSystems", namespace)
        return aside(function, limit, _calls.enumerate_systems, query, namespace, limit)

    async def open_system(
        self, id: str, namespace: str | None, timeout: float | None, *, urgent: bool = False
    ) -> OwnedSystem:
        function = in_namespace("HcsOpenComputeSystem", namespace)
        return aside(function, timeout, _calls.open_system, id, namespace)

    async def open_process(
        self, system: OwnedSystem, pid: int, timeout: float | None, *, urgent: bool = False
    ) -> OwnedProcess:
        return aside("HcsOpenProcess", timeout, _calls.open_process, system, pid)

    async def process_info(self, process: OwnedProcess, timeout: float | None) -> ProcessStart:
        limit = Limit(timeout)
        return aside("HcsGetProcessInfo", limit, _calls.process_info, process, limit)

    async def watch(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> None:
        if isinstance(handle, OwnedSystem):
            aside("HcsSetComputeSystemCallback", timeout, _watch.watch_system, handle)
        else:
            aside("HcsSetProcessCallback", timeout, _watch.watch_process, handle)

    async def wait_exit(self, handle: OwnedSystem | OwnedProcess, timeout: float | None) -> bool:
        return _watch.wait_exit(handle, timeout)

    async def close(self, handle: OwnedSystem | OwnedProcess, deadline: Deadline) -> None:
        # In another thread, within what is left of the caller's time: only the close is left to do.
        close_aside(handle, deadline.remaining())

    def discard(self, *handles: Handle | None) -> None:
        close_all(handle for handle in handles if handle is not None)


CALLS = BlockingCalls()


class BlockingOwner(ExitOwner[ExitHandleT]):
    """An owner whose methods block."""

    _calls: calls.Calls = CALLS

    def __enter__(self) -> typing.Self:
        self._check_open()
        return self


class BlockingEvents(EventsCore):
    """The events of a compute system or process, as events() of either gives them.

    An iterator that ends after the exit or ServiceDisconnect, or when the object whose events they are, or this one, is
    closed. Any method may be called from any thread; threads that share one share its events.
    """

    def __init__(self, owner: ExitOwner[typing.Any], maxsize: int, timeout: float | None) -> None:
        self._subscription = _watch.subscribe(owner.handle, queue_size(maxsize))
        super().__init__(owner, timeout)

    def __repr__(self) -> str:
        return f"<hcsrt.Events of {self._owner!r}>"

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._subscription.close()

    async def _close(self) -> None:
        self._subscription.close()

    async def _next_raw(self, timeout: float) -> RawEvent | None:
        return self._subscription.next(timeout)
