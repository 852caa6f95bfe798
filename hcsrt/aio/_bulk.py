"""Many things at once, for asyncio: tasks that take one after another."""

from __future__ import annotations

import asyncio
from collections import deque

from .._facade import MOST_AT_ONCE
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
    """Await the action for all items, some side by side; return its results, or the errors of it, in their order.

    An action begins, and so do its timeouts, when the turn of its item has come.
    """
    waiting = deque(enumerate(items))
    results: dict[int, ResultT | Exception] = {}

    async def work() -> None:
        while waiting:
            index, item = waiting.popleft()
            try:
                # The coroutine is made here: made earlier, it would never be awaited if this task is cancelled at once.
                results[index] = await action(item)
            except Exception as error:
                results[index] = error

    if cannot_wait():
        # No task could be awaited; what closes something does so without waiting.
        await work()
    else:
        try:
            await asyncio.gather(*(work() for _ in items[:MOST_AT_ONCE]))
        finally:
            # After a cancellation nothing more begins.
            waiting.clear()
    return [results[index] for index in range(len(items))]


async def close_each(items: Iterable[Any], *kinds: type) -> list[Exception | None]:
    """Close things of these kinds and handles side by side; return None for each, or the error of its close()."""

    def close(item: Any) -> Coroutine[Any, Any, None]:
        return close_handles(item) if isinstance(item, Handle) else item.close()

    return await at_once(close, closable(items, *kinds))
