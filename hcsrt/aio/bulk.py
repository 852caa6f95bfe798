"""Verbs on many things at once, for asyncio: each gives a result or an error for every one of them."""

from __future__ import annotations

from _collections_abc import Iterable

from .. import documents
from .._arguments import check_name, seconds
from .._facade import aliases
from .._facade.bulk import checked, reap_opened
from .._facade.times import STOP_TIMEOUT, Deadline
from .._handles import Handle
from .._late import typing
from ..errors import SystemNotFoundError
from ._bulk import at_once, close_each
from .process import Process
from .system import ComputeSystem, systems

__all__ = ["close_all", "reap", "statistics_of", "stop_all"]


async def stop_all(
    systems: Iterable[ComputeSystem], grace: float = 10.0, *, timeout: float | None = STOP_TIMEOUT
) -> list[aliases.Rung | Exception]:
    """Stop compute systems for certain, 64 at once.

    Args:
        systems: The systems.
        grace: Seconds for the shutdown of each, counted from when its turn comes.
        timeout: Seconds for the termination of each, counted from the end of the shutdown.

    Returns:
        For each system, in their order, what ComputeSystem.stop() returns, or its error.

    Raises:
        TypeError: One of them is no ComputeSystem. None is stopped then.

    HCS: HcsShutDownComputeSystem, HcsTerminateComputeSystem
    """
    seconds(grace, "grace")
    seconds(timeout)
    return await at_once(lambda system: system.stop(grace, timeout=timeout), checked(systems, ComputeSystem))


async def statistics_of(
    systems: Iterable[ComputeSystem], *, timeout: float | None = None
) -> list[documents.Statistics | Exception]:
    """Ask compute systems for their statistics, 64 at once.

    Args:
        systems: The systems.
        timeout: Seconds for each, counted from when its turn comes; None for ever.

    Returns:
        For each system, in their order, what ComputeSystem.statistics() returns, or its error.

    Raises:
        TypeError: One of them is no ComputeSystem. None is asked then.

    HCS: HcsGetComputeSystemProperties
    """
    seconds(timeout)
    return await at_once(lambda system: system.statistics(timeout=timeout), checked(systems, ComputeSystem))


async def close_all(items: Iterable[ComputeSystem | Process[typing.Any] | Handle]) -> list[Exception | None]:
    """Close compute systems, processes and handles, 64 at once.

    Args:
        items: What to close.

    Returns:
        For each item, in their order, None, or the error of its close().

    Raises:
        TypeError: One of them is something else. None is closed then.

    HCS: HcsCloseComputeSystem, HcsCloseProcess, HcsCloseOperation; CloseHandle for a standard stream
    """
    return await close_each(items, ComputeSystem, Process)


async def reap(
    owner: str, *, namespace: str | None = None, timeout: float | None = STOP_TIMEOUT
) -> dict[str, aliases.Rung | Exception]:
    """Terminate what an owner has left behind: every compute system whose document names exactly this owner.

    64 of them have their turn at once.

    Args:
        owner: Compared exactly, and for each system again right before it is terminated, along with its RuntimeId: an
            id that another system has by now is left alone.
        namespace: Where to look, None for the namespace of everybody.
        timeout: Seconds for the list of the systems, and for each of them, counted from when its turn comes.

    Returns:
        By id "terminate", "already-stopped" for a system that has gone by itself, or the error.

    Raises:
        AccessDeniedError: This account may not use HCS.
        HcsError: HCS cannot be asked.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace, HcsTerminateComputeSystem
    """
    check_name(owner, "owner")
    limit = seconds(timeout)
    found = await systems(owner=owner, namespace=namespace, timeout=limit)
    results: list[aliases.Rung | Exception] = await at_once(lambda item: _reap(item, owner, namespace, limit), found)
    return {item["Id"]: result for item, result in zip(found, results, strict=True)}


async def _reap(found: documents.Properties, owner: str, namespace: str | None, timeout: float | None) -> aliases.Rung:
    deadline = Deadline(timeout)
    try:
        system = await ComputeSystem.open(found["Id"], namespace=namespace, timeout=deadline.remaining())
    except SystemNotFoundError:
        return "already-stopped"
    return await reap_opened(system, found, owner, deadline)
