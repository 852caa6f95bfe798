"""The half of the verbs on many things that both faces share."""

from __future__ import annotations

from .. import _hresults as hresults
from .. import documents
from .._handles import Handle
from ..errors import HcsError, error_from
from .owner import Owner
from .times import CHECK_TIMEOUT, EVENT_PATIENCE, SHORT_CLEANUP, Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from .aliases import Rung
    from .system import SystemCore

    ItemT = TypeVar("ItemT")


async def reap_opened(system: SystemCore, found: documents.Properties, owner: str, deadline: Deadline) -> Rung:
    """Terminate the system, unless it is not the owner's or not the one that was found, and close it."""
    try:
        return await _reap_open(system, found, owner, deadline)
    finally:
        # A block of its own would wait for the close beyond the deadline.
        left = deadline.remaining()
        patience = Deadline(None if left is None else max(left, SHORT_CLEANUP))
        await system._calls.close(system.handle, patience)  # pyright: ignore[reportPrivateUsage]


async def _reap_open(system: SystemCore, found: documents.Properties, owner: str, deadline: Deadline) -> Rung:
    """Do what reap_opened() does, but for the close."""
    try:
        limit = deadline.within(CHECK_TIMEOUT)
        properties = await system._properties((), None, limit)  # pyright: ignore[reportPrivateUsage]
    except HcsError:
        # HCS has several ways to refuse questions about a system that is going away.
        try:
            await system._wait(deadline.within(EVENT_PATIENCE))  # pyright: ignore[reportPrivateUsage]
        except TimeoutError:
            pass
        else:
            return "already-stopped"
        raise
    runtime_ids = found.get("RuntimeId"), properties.get("RuntimeId")
    if None not in runtime_ids and runtime_ids[0] != runtime_ids[1]:
        return "already-stopped"
    # Not every answer of HCS names the owner, but the same RuntimeId means the same system, and so the same owner.
    if properties.get("Owner", owner if None not in runtime_ids else None) != owner:
        reason = f"HCS does not say of the compute system {found['Id']!r} that it is owned by {owner!r}"
        raise error_from(hresults.ERROR_INVALID_DATA, "HcsGetComputeSystemProperties", {"ErrorMessage": reason})
    return await system._stop(0, deadline.remaining())  # pyright: ignore[reportPrivateUsage]


def checked(systems: Iterable[ItemT], kind: type[ItemT]) -> list[ItemT]:
    """List the systems. Raises TypeError if one of them is something else."""
    return _all(systems, "systems", (kind,), "a ComputeSystem")


def closable(items: Iterable[ItemT], *kinds: type) -> list[ItemT]:
    """List the items. Raises TypeError if one of them is neither of these kinds nor a handle."""
    return _all(items, "items", (*kinds, Handle), "a ComputeSystem, a Process or a handle")


def _all(items: Iterable[ItemT], argument: str, kinds: tuple[type, ...], expected: str) -> list[ItemT]:
    listed = list(items)
    for index, item in enumerate(listed):
        if not isinstance(item, kinds):
            name, package = type(item).__name__, type(item).__module__.rpartition(".")[0]
            if isinstance(item, Owner) and name in [kind.__name__ for kind in kinds]:
                raise TypeError(f"{argument}[{index}] is a {name} of {package}, which has a function of its own for it")
            raise TypeError(f"{argument}[{index}] must be {expected}, not {name}")
    return listed
