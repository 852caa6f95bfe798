"""Coroutines whose result may be used as a block, with and without `await` before it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    # The result, a block of which has itself as its target.
    BlockT = TypeVar("BlockT", bound=AbstractAsyncContextManager[Any, None])
else:
    Any = BlockT = object


class Opening(Coroutine[Any, Any, BlockT]):
    """A coroutine that makes or opens something, and a block that closes that at its end.

    `async with await f()` and `async with f()` do the same.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, BlockT]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, BlockT]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> BlockT:
        self._opened = await self._coroutine
        return await self._opened.__aenter__()

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.__aexit__(exception_type, exception, traceback)

    # A coroutine, so that a task can be made of it.

    def send(self, value: Any, /) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __getattr__(self, name: str) -> Any:
        """Give what a coroutine tells of itself: its name, its frame, what it awaits."""
        if name == "_coroutine":
            raise AttributeError(name)
        return getattr(self._coroutine, name)

    def __repr__(self) -> str:
        return f"<opening by {self._coroutine!r}>"


def opening(function: Callable[P, Coroutine[Any, Any, BlockT]]) -> Callable[P, Opening[BlockT]]:
    """Let what a coroutine function returns be entered as a block without being awaited first."""

    @wraps(function)
    def opener(*arguments: P.args, **options: P.kwargs) -> Opening[BlockT]:
        return Opening(function(*arguments, **options))

    # It is called as a coroutine function is, whatever else its result can do.
    if sys.version_info >= (3, 12):
        from inspect import markcoroutinefunction

        return markcoroutinefunction(opener)
    opener._is_coroutine = asyncio.coroutines._is_coroutine  # pyright: ignore
    return opener
