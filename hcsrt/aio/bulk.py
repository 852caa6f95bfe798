"""Verbs on many things at once, for asyncio: each gives a result or an error for every one of them."""

from __future__ import annotations

import asyncio

from .._facade.arguments import check_name
from .._facade.bulk import checked, closable, reap_opened
from .._facade.times import STOP_TIMEOUT, Deadline, seconds
from .._handles import Handle
from ..errors import SystemNotFoundError
from ._calls import close_handles
from .process import Process
from .system import ComputeSystem, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any, TypeVar

    from .._facade.system import Rung

    ItemT = TypeVar("ItemT")
    ResultT = TypeVar("ResultT")

__all__ = ["close_all", "reap", "statistics_of", "stop_all"]


async def stop_all(
    systems: Iterable[ComputeSystem], grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT
) -> list[Rung | Exception]:
    """Stop compute systems for certain, all at once; what ComputeSystem.stop() does and returns, or its error.

    grace, timeout: seconds for each. The results are in the order of the systems. Raises TypeError, and stops none, if
    one of them is no ComputeSystem. HcsShutDownComputeSystem, HcsTerminateComputeSystem.
    """
    seconds(grace, "grace")
    seconds(timeout)
    return await _at_once(lambda system: system.stop(grace, timeout=timeout), checked(systems, ComputeSystem))


async def statistics_of(
    systems: Iterable[ComputeSystem], *, timeout: float | None = None
) -> list[dict[str, Any] | Exception]:
    """Ask compute systems for their statistics, all at once; what ComputeSystem.statistics() returns, or its error.

    timeout: seconds for each. The results are in the order of the systems. Raises TypeError, and asks none, if one of
    them is no ComputeSystem. HcsGetComputeSystemProperties.
    """
    seconds(timeout)
    return await _at_once(lambda system: system.statistics(timeout=timeout), checked(systems, ComputeSystem))


async def close_all(items: Iterable[ComputeSystem | Process[Any] | Handle]) -> list[Exception | None]:
    """Close compute systems, processes and handles, all at once; None for each, or the error of its close().

    The results are in the order of the items. Raises TypeError, and closes none, if one of them is something else.
    HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation; CloseHandle for a standard stream.
    """

    def close(item: ComputeSystem | Process[Any] | Handle) -> Coroutine[Any, Any, None]:
        return close_handles(item) if isinstance(item, Handle) else item.close()

    return await _at_once(close, closable(items, ComputeSystem, Process))


async def reap(
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
    found = await systems(owner=owner, namespace=namespace, timeout=limit)
    results: list[Rung | Exception] = await _at_once(lambda item: _reap(item, owner, namespace, limit), found)
    return {item["Id"]: result for item, result in zip(found, results, strict=True)}


async def _reap(found: dict[str, Any], owner: str, namespace: str | None, timeout: float | None) -> Rung:
    deadline = Deadline(timeout)
    try:
        system = await ComputeSystem.open(found["Id"], namespace=namespace, timeout=deadline.remaining())
    except SystemNotFoundError:
        return "already-stopped"
    async with system:
        return await reap_opened(system, found, owner, deadline)


async def _at_once(
    action: Callable[[ItemT], Coroutine[Any, Any, ResultT]], items: list[ItemT]
) -> list[ResultT | Exception]:
    """Await the action for all items side by side; its results, and the errors where it raised, in their order."""

    async def attempt(item: ItemT) -> ResultT | Exception:
        try:
            # Made here: a coroutine that was made before would never be awaited if this task is cancelled at once.
            return await action(item)
        except Exception as error:
            return error

    return await asyncio.gather(*map(attempt, items))
