"""Many things at once, for asyncio: a task for each."""

from __future__ import annotations

import asyncio

from .._facade.bulk import closable
from .._handles import Handle
from ._calls import cannot_wait, close_handles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any, TypeVar

    ItemT = TypeVar("ItemT")
    ResultT = TypeVar("ResultT")


async def at_once(
    action: Callable[[ItemT], Coroutine[Any, Any, ResultT]], items: list[ItemT]
) -> list[ResultT | Exception]:
    """Await the action for all items side by side; return its results, or the errors that it raised, in their order."""

    async def attempt(item: ItemT) -> ResultT | Exception:
        try:
            # The coroutine is made here: made earlier, it would never be awaited if this task is cancelled at once.
            return await action(item)
        except Exception as error:
            return error

    if cannot_wait():
        # No task could be awaited; what closes something does so without waiting.
        return [await attempt(item) for item in items]
    return await asyncio.gather(*map(attempt, items))


async def close_each(items: Iterable[Any], *kinds: type) -> list[Exception | None]:
    """Close things of these kinds and handles side by side; return None for each, or the error of its close()."""

    def close(item: Any) -> Coroutine[Any, Any, None]:
        return close_handles(item) if isinstance(item, Handle) else item.close()

    return await at_once(close, closable(items, *kinds))
