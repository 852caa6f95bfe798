"""Many things at once, for the blocking face: threads that take one after another, as many as it takes."""

from __future__ import annotations

from _thread import LockType, allocate_lock, start_new_thread
from collections import deque

from .._facade import MOST_AT_ONCE
from .._facade.bulk import closable
from .._facade.owner import is_traced
from .._handles import Handle, are_handles, close_beside
from .._handles import close_all as close_handles
from . import SLICE, aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    ItemT = TypeVar("ItemT")
    ResultT = TypeVar("ResultT")

# Where HCS is quick, more threads only wait for one another.
_FIRST_THREADS = 4
# Seconds in which something should have been finished, and how many of them tell how quickly it goes.
_TICK = 0.02
_WINDOW = 5
# The gain of twice as many threads that makes it worth trying as many again.
_GAIN = 1.4


class _Growth:
    """Decides whether twice as many threads are worth it: where nothing ends, and where it has helped before."""

    def __init__(self) -> None:
        self._seen = self._begin = self._ticks = 0
        self._best = 0.0

    def is_worth_it(self, finished: int) -> bool:
        """Tell after each tick how many are finished."""
        hangs = finished == self._seen
        self._seen = finished
        self._ticks += 1
        if hangs:
            self._begin, self._ticks = finished, 0
            return True
        if self._ticks < _WINDOW:
            return False
        pace = finished - self._begin
        self._begin, self._ticks = finished, 0
        helped = pace > _GAIN * self._best
        self._best = max(self._best, pace)
        return helped


async def close_each(items: Iterable[Any], *kinds: type) -> list[Exception | None]:
    """Close things of these kinds and handles side by side; return None for each, or the error of its close().

    The handles are closed one after another beside the rest, with one release of the GIL for all of them.
    """
    given = tuple(items)
    # Mostly all of them are handles: then no Python runs for each.
    if (_close_traced if is_traced() else close_beside)(given):
        return [None] * len(given)
    listed = closable(given, *kinds)
    handles: list[Handle] = [item for item in listed if isinstance(item, Handle)]
    actions: list[Callable[[], None]] = [item.close for item in listed if not isinstance(item, Handle)]
    if handles:
        actions.append(lambda: aside("", None, close_handles, tuple(handles)))
    results = iter(await at_once(lambda action: action(), actions))
    return [None if isinstance(item, Handle) else next(results) for item in listed]


def _close_traced(given: tuple[Any, ...]) -> bool:
    """Do what close_beside() does, and tell hcsrt.calls of it."""
    if not are_handles(given):
        return False
    aside("", None, close_handles, given)
    return True


async def at_once(action: Callable[[ItemT], ResultT], items: list[ItemT]) -> list[ResultT | Exception]:
    """Call the action for all items side by side; return its results, or the errors that it raised, in their order."""
    waiting = deque(enumerate(items))
    results: dict[int, ResultT | Exception] = {}

    def work() -> None:
        while waiting:
            try:
                index, item = waiting.popleft()
            except IndexError:
                return
            try:
                results[index] = action(item)
            except Exception as error:
                results[index] = error

    def work_aside(over: LockType) -> None:
        try:
            work()
        finally:
            over.release()

    threads: list[LockType] = []

    # Not concurrent.futures: a program waits for its threads at the end, even if they hang in HCS. Not Thread either:
    # its start() makes a RuntimeError of some interruptions, as if there were no more threads.
    def start(count: int) -> bool:
        try:
            for _ in range(min(count, len(waiting))):
                over = allocate_lock()
                over.acquire()
                start_new_thread(work_aside, (over,))
                threads.append(over)
        except RuntimeError:
            return False  # no more threads can be had: those that run do all of it
        return True

    try:
        grows = start(_FIRST_THREADS)
        if not threads:
            work()
        growth = _Growth()
        # More are appended meanwhile.
        for over in threads:
            while not over.acquire(timeout=_TICK if grows else SLICE):
                if grows and growth.is_worth_it(len(results)):
                    grows = start(min(len(threads), MOST_AT_ONCE - len(threads)))
                grows = grows and len(threads) < MOST_AT_ONCE and bool(waiting)
    finally:
        # After Ctrl-C what has begun goes on, and nothing more begins.
        waiting.clear()
    return [results[index] for index in range(len(items))]
