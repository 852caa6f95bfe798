"""The costs of the emulator, which are in no other figure: its answers, and its programs beside those of subprocess."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import hcsrt
import hcsrt.aio
from hcsrt import emulator

from ..harness.measure import Effort, Series, clocked, interleaved, timed
from ..harness.names import SUBPROCESS

LIFE = "create, start, run, stop"
AT_ONCE = 100


def program() -> str | None:
    """Return a program that ends at once."""
    found = shutil.which("true")
    if found is None:
        print("emulator: no program that ends at once here", file=sys.stderr)
    return found


def measure(effort: Effort) -> list[Series]:
    true = program()
    if true is None:
        return []
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    document = emulator.container_document(owner="benchmark")
    with hcsrt.ComputeSystem.create("benchmark", document) as system:
        system.start()

        def life() -> None:
            with hcsrt.ComputeSystem.create("one", document) as one:
                one.start()
                one.run(true)
                one.stop(grace=0)

        actions: dict[str, Callable[[], object]] = {
            "properties": system.properties,
            "run": lambda: system.run(true),
            LIFE: life,
        }
        turns = {name: timed(loop_of(action), effort.batch) for name, action in actions.items()}
        return interleaved("emulator", "s", turns, max(2, effort.rounds // 3))


def loop_of(action: Callable[[], object]) -> Callable[[int], float]:
    def loop(n: int) -> float:
        return clocked(lambda: [action() for _ in range(n)])

    return loop


# --- programs, one at a time and many at once, each by its number -----------------------------------------------------

Blocking = Callable[[int], object]
Awaited = Callable[[int], Coroutine[Any, Any, object]]


def measure_programs(effort: Effort) -> list[Series]:
    """Measure a program in a system of its own, and one in a system that is there, beside one of subprocess."""
    true = program()
    if true is None:
        return []
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    document = emulator.container_document(owner="benchmark")
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        runner = stack.enter_context(asyncio.Runner())
        system = stack.enter_context(hcsrt.ComputeSystem.create("benchmark", document))
        system.start()
        opened = runner.run(open_awaited("benchmark"))
        stack.callback(lambda: runner.run(opened.close()))

        def life(number: int) -> None:
            with hcsrt.ComputeSystem.create(f"life {number}", document) as one:
                one.start()
                one.run(true)
                one.stop(grace=0)

        async def life_awaited(number: int) -> None:
            async with await hcsrt.aio.ComputeSystem.create(f"life {number}", document) as one:
                await one.start()
                await one.run(true)
                await one.stop(grace=0)

        async def subprocess_awaited(_: int) -> None:
            await (await asyncio.create_subprocess_exec(true)).wait()

        blocking: dict[str, Blocking] = {
            SUBPROCESS: lambda _: subprocess.run([true], check=True),
            "run": lambda _: system.run(true),
            LIFE: life,
        }
        awaited: dict[str, Awaited] = {
            SUBPROCESS: subprocess_awaited,
            "run": lambda _: opened.run(true),
            LIFE: life_awaited,
        }
        works: dict[str, dict[str, Callable[[int], float]]] = {
            "programs, blocking, one at a time": {name: partial(in_a_row, action) for name, action in blocking.items()},
            f"programs, blocking, {AT_ONCE} at once": {
                name: partial(by_threads, pool, action) for name, action in blocking.items()
            },
            "programs, asyncio, one at a time": {
                name: partial(awaited_in_a_row, runner, action) for name, action in awaited.items()
            },
            f"programs, asyncio, {AT_ONCE} at once": {
                name: partial(by_tasks, runner, action) for name, action in awaited.items()
            },
        }
        # A turn of many at once is an average already.
        rounds = effort.rounds if effort.whole else max(2, effort.rounds // 3)
        return [
            series
            for work, loops in works.items()
            for series in interleaved(
                work, "s", {name: timed(loop, effort.batch) for name, loop in loops.items()}, rounds
            )
        ]


async def open_awaited(id: str) -> hcsrt.aio.ComputeSystem:
    return await hcsrt.aio.ComputeSystem.open(id)


def in_a_row(action: Blocking, n: int) -> float:
    return clocked(lambda: [action(number) for number in range(n)])


def by_threads(pool: ThreadPoolExecutor, action: Blocking, n: int) -> float:
    """Return the seconds that so many hundreds take, for one of a hundred."""
    return clocked(lambda: [list(pool.map(action, range(AT_ONCE))) for _ in range(n)]) / AT_ONCE


def awaited_in_a_row(runner: asyncio.Runner, action: Awaited, n: int) -> float:
    async def loop() -> None:
        for number in range(n):
            await action(number)

    return clocked(lambda: runner.run(loop()))


def by_tasks(runner: asyncio.Runner, action: Awaited, n: int) -> float:
    async def loop() -> None:
        for _ in range(n):
            await asyncio.gather(*map(action, range(AT_ONCE)))

    return clocked(lambda: runner.run(loop())) / AT_ONCE
