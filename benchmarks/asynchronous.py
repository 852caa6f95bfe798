"""Asynchronous operations: what reaches the loop, how late, and what else the loop gets done meanwhile."""

from __future__ import annotations

import asyncio
import gc
import importlib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from time import perf_counter
from typing import NamedTuple

import psutil

from hcsrt import OwnedSystem
from hcsrt._calls import system_properties

from . import library
from .build import ROOT, built
from .measure import Effort, Series, in_turns
from .names import CTYPES_CALLBACK, ENGINE, GIL_CALLBACK, LOOP, WAITING_POOL, Case

Operation = Callable[[], Awaitable[object]]

CONTESTANTS = (LOOP, ENGINE, GIL_CALLBACK, CTYPES_CALLBACK, WAITING_POOL)
POOL = 64
"""Threads of the pool: as many as may wait at once."""
IN_FLIGHT = (1, 64, 1024)
LATENCIES = (0, 1, 50)
"""Milliseconds until an operation completes."""
DOCUMENT = 64
"""UTF-16 units of a result document: most verbs answer with little or nothing. handles.py has the large ones."""
PROBE = 0.001
"""Seconds that the loop is asked to sleep, to see how much later it wakes up."""


class Turn(NamedTuple):
    """What a contestant did in its turn."""

    rate: float
    """Operations a second."""
    median: float
    worst: float
    """Seconds that an operation took from its start until its task went on: the 50th and the 99th percentile."""
    lag: float
    """Seconds that the loop was late for something else: the 99th percentile."""
    threads: float
    memory: float
    """Of the whole process, in bytes."""


METRICS = {"rate": "/s", "median": "s", "worst": "s", "lag": "s"}
"""What is told of each case, with its unit."""


def operation_of(name: str, stack: ExitStack) -> Operation:
    """What a task awaits again and again, on the loop that runs."""
    loop = asyncio.get_running_loop()
    if name == LOOP:

        def nothing() -> Awaitable[object]:
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            return future

        return nothing
    raw = library.new_system()
    system = OwnedSystem.from_raw(raw)
    if name == ENGINE:
        engine = importlib.import_module("hcsrt._engine")
        call = engine.call
        return lambda: call(system, "HcsGetComputeSystemProperties")
    if name == GIL_CALLBACK:
        properties = built("gil_callback").properties
        return lambda: properties(system)
    if name == CTYPES_CALLBACK:
        ctypes_properties = importlib.import_module("benchmarks.contestants.ctypes_callback").properties
        return lambda: ctypes_properties(raw)
    pool = stack.enter_context(ThreadPoolExecutor(POOL))
    return lambda: loop.run_in_executor(pool, system_properties, system)


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def run(name: str, in_flight: int, seconds: float) -> Turn:
    process = psutil.Process()
    durations: list[float] = []
    lags: list[float] = []
    with ExitStack() as stack:
        operation = operation_of(name, stack)
        # So that no thread and no table has to be made in the time that counts.
        await asyncio.gather(*(operation() for _ in range(in_flight)))
        begin = perf_counter()
        end = begin + seconds

        async def work() -> None:
            now = perf_counter()
            while True:
                started = now
                await operation()
                now = perf_counter()
                durations.append(now - started)
                if now >= end:
                    break

        async def probe() -> None:
            now = perf_counter()
            while True:
                started = now
                await asyncio.sleep(PROBE)
                now = perf_counter()
                lags.append(now - started - PROBE)
                if now >= end:
                    break

        watching = asyncio.create_task(probe())
        await asyncio.gather(*(work() for _ in range(in_flight)))
        elapsed = perf_counter() - begin
        await watching
        threads, memory = process.num_threads(), process.memory_info().rss
    durations.sort()
    lags.sort()
    return Turn(
        len(durations) / elapsed,
        percentile(durations, 0.5),
        percentile(durations, 0.99),
        percentile(lags, 0.99),
        threads,
        memory,
    )


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
    try:
        import uvloop
    except ImportError:
        print("uvloop: not here", file=sys.stderr)
    else:
        factories["uvloop"] = uvloop.new_event_loop
    return factories


def turn(name: str, loop: str, case: Case, seconds: float) -> Turn:
    library.set_latency(case.latency * 1000)
    gc.collect()
    with asyncio.Runner(loop_factory=loops()[loop]) as runner:
        return runner.run(run(name, case.in_flight, max(seconds, case.latency * 0.004)))


def available() -> list[str]:
    names = []
    for name in CONTESTANTS:
        try:
            turn(name, "asyncio", Case(1, 0), 0.0)
        except ImportError as error:
            print(f"{name}, asynchronous: {error}", file=sys.stderr)
        else:
            names.append(name)
    return names


def measure(effort: Effort) -> list[Series]:
    library.install()
    library.set_document(DOCUMENT)
    names = available()
    series: list[Series] = []
    for case in (Case(*pair) for pair in product(IN_FLIGHT, LATENCIES)):
        taken: dict[tuple[str, str], list[Turn]] = {}
        turns: dict[tuple[str, str], Callable[[], Turn]] = {
            (name, loop): (lambda name=name, loop=loop, case=case: turn(name, loop, case, effort.batch * 15))
            for name in names
            for loop in loops()
        }
        for key, value in in_turns(turns, max(1, effort.rounds // 15)):
            taken.setdefault(key, []).append(value)
        for (name, loop), values in taken.items():
            for metric, unit in METRICS.items():
                column = [getattr(value, metric) for value in values]
                series.append(Series(f"{case}: {metric}", f"{name}, {loop}", unit, column))
    return series


def footprint(name: str) -> Turn:
    """Threads and memory of a process in which nothing else ran before."""
    library.install()
    library.set_document(DOCUMENT)
    return turn(name, "asyncio", Case(1024, 50), 0.2)


def measure_footprint(_effort: Effort) -> list[Series]:
    """Of 1,024 operations in flight that take 50 ms each."""
    series = []
    for name in CONTESTANTS:
        script = f"from benchmarks.asynchronous import footprint; print(*footprint({name!r})[4:])"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            threads, memory = map(float, done.stdout.split())
            series.append(Series("async, threads", name, "threads", [threads]))
            series.append(Series("async, memory of the process", name, "B", [memory]))
    return series
