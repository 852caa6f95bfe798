"""Coroutines that are closed where they stand may wait for nothing: their blocks and `finally`s end at once."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

import hcsrt
from hcsrt import PIPE, aio
from hcsrt._facade import times
from hcsrt._interpose import silent

from ..helpers.loops import asynchronous, each_loop
from ..helpers.programs import CAT, SLEEP

Document = dict[str, Any]
Inside = Callable[[], Coroutine[Any, Any, None]]
Settle = Callable[..., bool]

pytestmark = [
    # The collector may come to an object, which warns then, before it comes to the coroutine.
    pytest.mark.filterwarnings("ignore:unclosed <hcsrt.aio:ResourceWarning"),
    # asyncio's own transports of Windows say so in any case when their loop was closed before.
    pytest.mark.filterwarnings("ignore:unclosed transport <_Proactor:ResourceWarning"),
]


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets what is ignored because nobody is there to catch it."""
    ignored: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: ignored.append(f"{event.err_msg}: {event.exc_value!r}"))
    return ignored


async def in_system(system: aio.ComputeSystem, inside: Inside) -> None:
    await inside()


async def in_process(system: aio.ComputeSystem, inside: Inside) -> None:
    async with await system.popen(SLEEP):
        await inside()


async def in_pipes(system: aio.ComputeSystem, inside: Inside) -> None:
    async with await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
        process.stdin.write(bytes(1 << 20))
        await inside()


async def in_events(system: aio.ComputeSystem, inside: Inside) -> None:
    async with system.events() as events:
        waiting = asyncio.ensure_future(events.get())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await inside()


async def in_closes(system: aio.ComputeSystem, inside: Inside) -> None:
    process = await system.popen(CAT, stdin=PIPE, stdout=PIPE)
    second = await aio.ComputeSystem.open("tests")
    try:
        await inside()
    finally:
        await process.close()
        await second.close()
        await aio.close_all([second.handle])


@asynccontextmanager
async def borrowed(system: aio.ComputeSystem) -> Any:
    async with await system.popen(SLEEP) as process:
        yield process


async def in_generator(system: aio.ComputeSystem, inside: Inside) -> None:
    async with borrowed(system):
        await inside()


async def in_run(system: aio.ComputeSystem, inside: Inside) -> None:
    running = system.run(SLEEP, input=bytes(1 << 20), capture_output=True)
    await until_inside(running, inside)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a kill that hangs again soon, on handles of its own."""
    monkeypatch.setattr(times, "KILL_PATIENCE", 0.1)


async def in_kill(system: aio.ComputeSystem, inside: Inside) -> None:
    """Wait for a kill on a handle of its own."""
    async with await system.popen(SLEEP) as process:
        with silent("HcsTerminateProcess"):
            await until_inside(process.kill(), inside, 0.3)


async def in_duplicate(system: aio.ComputeSystem, inside: Inside) -> None:
    """Wait for an answer on a handle that nobody has got yet."""
    async with await system.popen(SLEEP) as process:
        with silent("HcsGetProcessProperties"):
            await until_inside(process.duplicate_handle(), inside)


async def in_stop(system: aio.ComputeSystem, inside: Inside) -> None:
    with silent("HcsTerminateComputeSystem"):
        await until_inside(system.stop(grace=0), inside)


async def until_inside(waiting: Coroutine[Any, Any, Any], inside: Inside, seconds: float = 0.2) -> None:
    """Let a coroutine come to its wait, and stay there, as a part of the one that awaits this."""
    asyncio.get_running_loop().call_later(seconds, lambda: asyncio.ensure_future(inside()))
    await waiting


PLACES = [
    in_system,
    in_process,
    in_pipes,
    in_events,
    in_closes,
    in_generator,
    in_run,
    in_kill,
    in_duplicate,
    in_stop,
]
places = pytest.mark.parametrize("place", PLACES, ids=[place.__name__ for place in PLACES])


class Left:
    """A coroutine that waits inside a place, and what it does when it is closed."""

    def __init__(self, place: Callable[..., Coroutine[Any, Any, None]], document: Document) -> None:
        self.ended: list[str] = []
        self._is_inside = asyncio.Event()
        self.coroutine = self._work(place, document)

    async def _work(self, place: Callable[..., Coroutine[Any, Any, None]], document: Document) -> None:
        try:
            async with await aio.ComputeSystem.create("tests", document) as system:
                await system.start()
                await place(system, self._inside)
        finally:
            self.ended.append("finally")

    async def _inside(self) -> None:
        self._is_inside.set()
        await asyncio.get_running_loop().create_future()

    async def begin(self) -> None:
        await self._is_inside.wait()


def check_left(left: Left, unraisable: list[str], settle: Settle) -> None:
    assert unraisable == []
    assert left.ended == ["finally"]
    assert settle(lambda: hcsrt.pending() == 0)
    hcsrt.reap("tests")


@each_loop
@places
@pytest.mark.parametrize("other_runs", [True, False], ids=["another-loop-runs", "no-loop-runs"])
def test_what_is_collected_ends_at_once_and_without_a_word(
    place: Any, other_runs: bool, loop_factory: Any, document: Document, unraisable: list[str], settle: Settle
) -> None:
    """The loop of the coroutine is closed before."""
    loop = loop_factory()
    loop.set_exception_handler(lambda loop, context: None)  # it tells of the task that was destroyed
    left = Left(place, document)
    task = loop.create_task(left.coroutine)
    del left.coroutine
    loop.run_until_complete(left.begin())
    loop.close()
    tasks = [task]
    del task, loop

    def is_collected() -> bool:
        # A task whose call is collected only now is garbage only then.
        gc.collect()
        return bool(left.ended)

    async def collect() -> None:
        tasks.clear()
        while not is_collected():
            await asyncio.sleep(0.01)

    if other_runs:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(asyncio.wait_for(collect(), 5))
    else:
        tasks.clear()
        assert settle(is_collected)
    check_left(left, unraisable, settle)


@each_loop
@pytest.mark.parametrize("other_runs", [True, False], ids=["another-loop-runs", "no-loop-runs"])
@pytest.mark.parametrize("place", [in_system, in_process, in_pipes, in_events, in_closes])
def test_what_is_closed_while_its_loop_rests_ends_at_once_and_without_a_word(
    place: Any, other_runs: bool, loop_factory: Any, document: Document, unraisable: list[str], settle: Settle
) -> None:
    loop = loop_factory()
    loop.set_exception_handler(lambda loop, context: None)
    left = Left(place, document)
    task = loop.create_task(left.coroutine)
    loop.run_until_complete(left.begin())

    async def close() -> None:
        left.coroutine.close()

    if other_runs:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(close())
    else:
        left.coroutine.close()
    assert left.ended == ["finally"]
    assert unraisable == []
    # The loop may go on: then it does what it was left with.
    loop.run_until_complete(asyncio.sleep(0.05))
    del task
    gc.collect()
    assert settle(lambda: hcsrt.pending() == 0)
    loop.close()
    check_left(left, unraisable, settle)


@each_loop
@places
def test_a_coroutine_that_is_closed_on_its_loop_ends_at_once(
    place: Any, loop_factory: Any, document: Document, unraisable: list[str], settle: Settle
) -> None:
    """No task drives it, so that close() is the last that anybody does for it."""

    async def drive() -> None:
        left = Left(place, document)
        coroutine = left.coroutine
        begin = asyncio.ensure_future(left.begin())
        future = coroutine.send(None)
        while not begin.done():
            # As a task does it, one step at a time.
            if future is not None:
                future._asyncio_future_blocking = False
            await asyncio.wait([begin, *([future] if future else [])], return_when=asyncio.FIRST_COMPLETED)
            if future is None:
                await asyncio.sleep(0)
            if (future is None or future.done()) and not begin.done():
                future = coroutine.send(None)
        coroutine.close()
        if future is not None:
            future.cancel()  # as the call goes on, it would tell that nobody has asked for its error
        assert left.ended == ["finally"]
        assert unraisable == []

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(drive())
    gc.collect()
    assert settle(lambda: hcsrt.pending() == 0)
    hcsrt.reap("tests")


@asynchronous
async def test_the_close_of_a_generator_waits_as_ever(document: Document) -> None:
    """aclose() gives a generator the error that tells of a close as well, and there it may wait."""

    async def each() -> Any:
        async with await aio.ComputeSystem.create("tests", document) as system:
            await system.start()
            async with await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
                yield process

    async with aclosing(each()) as processes:
        process = await anext(processes)
    assert process.returncode == 0
    assert hcsrt.pending() == 0
    hcsrt.reap("tests")


@asynchronous
async def test_what_runs_in_the_finally_of_a_plain_generator_waits_as_ever(document: Document) -> None:
    """There the error of the close is handled below the loop, and has nothing to do with its coroutines."""
    seen: list[int] = []

    async def use() -> None:
        async with await aio.ComputeSystem.create("tests", document) as system:
            await system.start()
            async with await system.popen(CAT, stdin=PIPE, stdout=PIPE) as process:
                pass
            seen.append(process.returncode)

    def each() -> Iterator[None]:
        try:
            yield
        finally:
            asyncio.run(use())

    def leave() -> None:
        generator = each()
        next(generator)
        generator.close()

    await asyncio.to_thread(leave)
    assert seen == [0]
    hcsrt.reap("tests")
