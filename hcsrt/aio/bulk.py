"""Verbs on many compute systems at once, for asyncio: each gives a result or an error for every one of them."""

from __future__ import annotations

import asyncio

from .._facade import Deadline, check_name, seconds
from ..bulk import checked, reap_opened
from ..errors import SystemNotFoundError
from ..system import STOP_TIMEOUT
from ._calls import closed
from .system import ComputeSystem, systems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any, TypeVar

    from .._handles import Handle
    from ..system import Rung

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
    return await _at_once([system.stop(grace, timeout=timeout) for system in checked(systems, ComputeSystem)])


async def statistics_of(
    systems: Iterable[ComputeSystem], *, timeout: float | None = None
) -> list[dict[str, Any] | Exception]:
    """Ask compute systems for their statistics, all at once; what ComputeSystem.statistics() returns, or its error.

    timeout: seconds for each. The results are in the order of the systems. Raises TypeError, and asks none, if one of
    them is no ComputeSystem. HcsGetComputeSystemProperties.
    """
    seconds(timeout)
    return await _at_once([system.statistics(timeout=timeout) for system in checked(systems, ComputeSystem)])


async def close_all(handles: Iterable[Handle]) -> None:
    """Close each of the handles, all at once."""
    await closed(*handles)


async def reap(owner: str, *, timeout: float | None = STOP_TIMEOUT) -> dict[str, Rung | Exception]:
    """Terminate what an owner has left behind: every compute system whose document names exactly this owner.

    owner: compared exactly, and for each system again right before it is terminated, along with its RuntimeId: an id
    that another system has by now is left alone. timeout: seconds for each system. Returns by id "terminate",
    "already-stopped" for a system that has gone by itself, or the error. Raises AccessDeniedError, HcsError if HCS
    cannot be asked. HcsEnumerateComputeSystems, HcsTerminateComputeSystem.
    """
    check_name(owner, "owner")
    limit = seconds(timeout)
    found = await systems(owner=owner, timeout=limit)
    results = await _at_once([_reap(item, owner, limit) for item in found])
    return {item["Id"]: result for item, result in zip(found, results, strict=True)}


async def _reap(found: dict[str, Any], owner: str, timeout: float | None) -> Rung:
    deadline = Deadline(timeout)
    try:
        system = await ComputeSystem.open(found["Id"])
    except SystemNotFoundError:
        return "already-stopped"
    async with system:
        return await reap_opened(system, found, owner, deadline)


async def _at_once(coroutines: list[Coroutine[Any, Any, ResultT]]) -> list[ResultT | Exception]:
    """Await all side by side; their results, and the errors where they raised, in their order."""

    async def attempt(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT | Exception:
        try:
            return await coroutine
        except Exception as error:
            return error

    return await asyncio.gather(*map(attempt, coroutines))
