"""hcsrt.aio behind the names of the synchronous face, so that its tests can be run on both."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, Self

from hcsrt import aio

# Objects of these types stay behind the portal.
_KINDS = (aio.ComputeSystem, aio.Process, aio.StreamReader, aio.StreamWriter, aio.Events)


class Portal:
    """An event loop in a thread of its own, whose coroutines other threads wait for."""

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._loop = loop_factory()
        self._thread = threading.Thread(target=self._loop.run_forever, name="portal")
        self._thread.start()

    def close(self) -> None:
        async def finish() -> None:
            # Time for what is just being closed.
            await asyncio.sleep(0.01)

        self._result(asyncio.run_coroutine_threadsafe(finish(), self._loop))
        while self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(1)
        self._loop.close()

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        async def call() -> Any:
            value = function(*map(self.unwrap, arguments), **options)
            return await value if inspect.isawaitable(value) else value

        return self.wrap(self._result(asyncio.run_coroutine_threadsafe(call(), self._loop)))

    def _result(self, future: Future[Any]) -> Any:
        while not wait([future], 1).done:
            # A Proactor of a free-threaded CPython under Wine was seen to miss a wake-up.
            self._loop.call_soon_threadsafe(int)
        return future.result()

    @staticmethod
    def unwrap(value: Any) -> Any:
        return value.__dict__["_target"] if isinstance(value, Proxy) else value

    def wrap(self, value: Any) -> Any:
        if isinstance(value, aio.StreamWriter):
            return Writer(self, value)
        if isinstance(value, aio.StreamReader):
            return Reader(self, value)
        return Proxy(self, value) if isinstance(value, _KINDS) else value


class Proxy:
    """An object of hcsrt.aio whose methods block."""

    def __init__(self, portal: Portal, target: Any) -> None:
        self.__dict__.update(_portal=portal, _target=target)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not inspect.ismethod(value):
            return self._portal.wrap(value)
        return lambda *arguments, **options: self._portal.call(value, *arguments, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target, name, value)

    def __repr__(self) -> str:
        return repr(self._target).replace("hcsrt.aio.", "hcsrt.")

    def __enter__(self) -> Self:
        self._portal.call(self._target.__aenter__)
        return self

    def __exit__(self, *error: Any) -> None:
        self._portal.call(self._target.__aexit__, *error)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._portal.call(self._target.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None


class Reader(Proxy):
    """A stdout or stderr."""

    @property
    def closed(self) -> bool:
        return self._target.lost.done()


class Writer(Proxy):
    """A stdin, whose close() waits as that of a file does."""

    @property
    def closed(self) -> bool:
        return self._target.is_closing()

    def flush(self) -> None:
        self._portal.call(self._target.drain)

    def close(self) -> None:
        self._portal.call(self._target.close)
        self._portal.call(self._target.wait_closed)


@contextmanager
def portal(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[Portal]:
    opened = Portal(loop_factory)
    try:
        yield opened
    finally:
        opened.close()


def compute_system(portal: Portal) -> Any:
    """Return a stand-in for the class ComputeSystem."""

    class ComputeSystem:
        @staticmethod
        def create(*arguments: Any, **options: Any) -> Any:
            return portal.call(aio.ComputeSystem.create, *arguments, **options)

        @staticmethod
        def open(*arguments: Any, **options: Any) -> Any:
            return portal.call(aio.ComputeSystem.open, *arguments, **options)

    return ComputeSystem


def function(portal: Portal, function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **options: portal.call(function, *arguments, **options)
