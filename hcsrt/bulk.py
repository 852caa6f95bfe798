"""Verbs on many things at once: each gives a result or an error for every one of them."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import Thread

from ._blocking import aside, finish
from ._facade.arguments import check_name
from ._facade.bulk import checked, closable, reap_opened
from ._facade.times import STOP_TIMEOUT, Deadline, seconds
from ._handles import Handle, are_handles
from ._handles import close_all as close_handles
from .errors import SystemNotFoundError
from .process import Process
from .system import ComputeSystem, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from ._facade.system import Rung

    ItemT = TypeVar("ItemT")
    ResultT = TypeVar("ResultT")

__all__ = ["close_all", "reap", "statistics_of", "stop_all"]

_MOST_THREADS = 64
# Threads are joined in slices: on Windows a join does not let Ctrl-C through.
_SLICE = 0.1


def stop_all(
    systems: Iterable[ComputeSystem], grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT
) -> list[Rung | Exception]:
    """Stop compute systems for certain, all at once; what ComputeSystem.stop() does and returns, or its error.

    grace, timeout: seconds, counted for each from when its turn comes; up to 64 are stopped side by side. The results
    are in the order of the systems. Raises TypeError, and stops none, if one of them is no ComputeSystem.
    HcsShutDownComputeSystem, HcsTerminateComputeSystem.
    """
    seconds(grace, "grace")
    seconds(timeout)
    return _at_once(lambda system: system.stop(grace, timeout=timeout), checked(systems, ComputeSystem))


def statistics_of(
    systems: Iterable[ComputeSystem], *, timeout: float | None = None
) -> list[dict[str, Any] | Exception]:
    """Ask compute systems for their statistics, all at once; what ComputeSystem.statistics() returns, or its error.

    timeout: seconds for each. The results are in the order of the systems. Raises TypeError, and asks none, if one of
    them is no ComputeSystem. HcsGetComputeSystemProperties.
    """
    seconds(timeout)
    return _at_once(lambda system: system.statistics(timeout=timeout), checked(systems, ComputeSystem))


def close_all(items: Iterable[ComputeSystem | Process[Any] | Handle]) -> list[Exception | None]:
    """Close compute systems, processes and handles, all at once; None for each, or the error of its close().

    The handles are closed one after another beside the rest, with one release of the GIL for all of them. The results
    are in the order of the items. Raises TypeError, and closes none, if one of them is something else.
    HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation; CloseHandle for a standard stream.
    """
    given = tuple(items)
    # Many things are mostly handles alone, and then nothing is done for each of them here.
    if are_handles(given):
        aside("the close of handles", None, close_handles, given)
        return [None] * len(given)
    listed = closable(given, ComputeSystem, Process)
    handles: list[Handle] = [item for item in listed if isinstance(item, Handle)]
    actions: list[Callable[[], None]] = [item.close for item in listed if not isinstance(item, Handle)]
    if handles:
        actions.append(lambda: close_handles(handles))
    results = iter(_at_once(lambda action: action(), actions))
    return [None if isinstance(item, Handle) else next(results) for item in listed]


def reap(
    owner: str, *, namespace: str | None = None, timeout: float | None = STOP_TIMEOUT
) -> dict[str, Rung | Exception]:
    """Terminate what an owner has left behind: every compute system whose document names exactly this owner.

    owner: compared exactly, and for each system again right before it is terminated, along with its RuntimeId: an id
    that another system has by now is left alone. namespace: look there, None for the namespace of everybody. timeout:
    seconds for each system. Returns by id "terminate", "already-stopped" for a system that has gone by itself, or the
    error. Raises AccessDeniedError, HcsError if HCS cannot be asked. HcsEnumerateComputeSystems,
    HcsEnumerateComputeSystemsInNamespace, HcsTerminateComputeSystem.
    """
    check_name(owner, "owner")
    limit = seconds(timeout)
    found = systems(owner=owner, namespace=namespace, timeout=limit)
    results: list[Rung | Exception] = _at_once(lambda item: _reap(item, owner, namespace, limit), found)
    return {item["Id"]: result for item, result in zip(found, results, strict=True)}


def _reap(found: dict[str, Any], owner: str, namespace: str | None, timeout: float | None) -> Rung:
    deadline = Deadline(timeout)
    try:
        system = ComputeSystem.open(found["Id"], namespace=namespace, timeout=deadline.remaining())
    except SystemNotFoundError:
        return "already-stopped"
    with system:
        return finish(reap_opened(system, found, owner, deadline))


def _at_once(action: Callable[[ItemT], ResultT], items: list[ItemT]) -> list[ResultT | Exception]:
    """Call the action for all items side by side; its results, and the errors where it raised, in their order."""
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

    # Not those of concurrent.futures, which a program waits for at its end, whatever hangs in HCS.
    threads: list[Thread] = []
    try:
        with suppress(RuntimeError):  # there can be no more threads: those that there are do it all
            for _ in items[:_MOST_THREADS]:
                thread = Thread(target=work, name="hcsrt-bulk", daemon=True)
                thread.start()
                threads.append(thread)
        if not threads:
            work()
        for thread in threads:
            while thread.is_alive():
                thread.join(_SLICE)
    finally:
        # After Ctrl-C what has begun goes on, and what has not does not begin.
        waiting.clear()
    return [results[index] for index in range(len(items))]
