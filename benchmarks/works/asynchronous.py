"""Asynchronous operations: what reaches the loop, how late, and what else the loop gets done meanwhile."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from functools import partial
from itertools import product
from time import perf_counter, process_time
from typing import NamedTuple

import psutil

import hcsrt
import hcsrt.aio
from hcsrt import OwnedSystem, _calls

from ..harness import library
from ..harness.build import BARE as BARE_LIBRARY
from ..harness.build import ROOT, built
from ..harness.measure import Effort, Series, in_turns, swept
from ..harness.names import (
    ASYNCIO,
    AWAITED,
    BARE,
    BLOCKING,
    BURSTS,
    CTYPES_CALLBACK,
    GIL_CALLBACK,
    HCSRT,
    IN_FLIGHT,
    LATENCIES,
    LOOP,
    PROCESSOR_TIME,
    UVLOOP,
    WAITING_POOL,
    WHOLE,
    Case,
)

Operation = Callable[[], Awaitable[object]]

CONTESTANTS = (LOOP, HCSRT, GIL_CALLBACK, CTYPES_CALLBACK, WAITING_POOL)
VERBS = (AWAITED, BLOCKING)
"""The verbs as programs write them; HCSRT is the one call of the engine below them."""
DISTURBED = 0.1
"""A turn in which other programs had more of a processor is taken again, if there are tries left.

Disturbance is not the same for all contestants: some need two processors at once, others are faster on one.
"""
POOL = 64
"""Threads of the pool: as many as may wait at once."""
PROBE = 0.001
"""Seconds that the loop is asked to sleep, to see how much later it wakes up."""


class Turn(NamedTuple):
    """The figures of a contestant's turn."""

    rate: float
    """Operations a second."""
    median: float
    worst: float
    """Seconds that an operation took from its start until its task went on: the 50th and the 99th percentile."""
    lag: float
    """Seconds that the loop was late for something else: the 99th percentile."""
    processor: float
    """Seconds that all threads of the process have had a processor for one operation."""
    others: float
    """Processors that other programs had meanwhile."""
    threads: float
    memory: float
    """Of the whole process, in bytes."""


METRICS = {"rate": "/s", "median": "s", "worst": "s", "lag": "s", "processor": "s", "others": "processors"}
"""The figures that are told of each case, with their units."""


async def operation_of(name: str, in_flight: int, stack: AsyncExitStack) -> Operation:
    """Return what a task awaits again and again, on the running loop."""
    loop = asyncio.get_running_loop()
    if name == LOOP:

        def nothing() -> Awaitable[object]:
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            return future

        return nothing
    if name == AWAITED:
        return (await stack.enter_async_context(await hcsrt.aio.ComputeSystem.open("benchmark"))).properties
    if name == BLOCKING:
        blocking = stack.enter_context(hcsrt.ComputeSystem.open("benchmark")).properties
        if in_flight == 1:

            async def here() -> object:
                return blocking()

            return here
        pool = stack.enter_context(ThreadPoolExecutor(POOL))
        return lambda: loop.run_in_executor(pool, blocking)
    raw = library.new_system()
    system = OwnedSystem.from_raw(raw)
    if name == HCSRT:
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
    return lambda: loop.run_in_executor(pool, _calls.call, system, "HcsGetComputeSystemProperties")


def busy_elsewhere() -> float:
    """Return the seconds that processors have worked for other programs."""
    machine, own = psutil.cpu_times(), psutil.Process().cpu_times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    return sum(machine) - idle - getattr(machine, "guest", 0.0) - own.user - own.system


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def run(name: str, in_flight: int, seconds: float) -> Turn:
    process = psutil.Process()
    durations: list[float] = []
    lags: list[float] = []
    async with AsyncExitStack() as stack:
        operation = await operation_of(name, in_flight, stack)
        # Once before the clock starts: threads and tables are made at first use.
        await asyncio.gather(*(operation() for _ in range(in_flight)))
        elsewhere, had = busy_elsewhere(), process_time()
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
        elapsed, had = perf_counter() - begin, process_time() - had
        others = max(0.0, busy_elsewhere() - elsewhere) / elapsed
        await watching
        threads, memory = process.num_threads(), process.memory_info().rss
    durations.sort()
    lags.sort()
    return Turn(
        len(durations) / elapsed,
        percentile(durations, 0.5),
        percentile(durations, 0.99),
        percentile(lags, 0.99),
        had / len(durations),
        others,
        threads,
        memory,
    )


def loops() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {ASYNCIO: asyncio.SelectorEventLoop}
    try:
        import uvloop
    except ImportError:
        print("uvloop: not here", file=sys.stderr)
    else:
        factories[UVLOOP] = uvloop.new_event_loop
    return factories


def undisturbed(take: Callable[[], Turn], tries: int) -> Turn:
    """Return the first turn in which other programs did next to nothing, or else the least disturbed of them."""
    best = take()
    for _ in range(tries - 1):
        if best.others <= DISTURBED:
            break
        best = min(best, take(), key=lambda turn: turn.others)
    return best


def set_library(case: Case) -> None:
    library.set_latency(case.latency * 1000)
    library.set_document(case.document // 2)
    library.set_threads(case.threads)


def turn(name: str, loop: str, case: Case, seconds: float) -> Turn:
    set_library(case)
    gc.collect()
    with asyncio.Runner(loop_factory=loops()[loop]) as runner:
        return runner.run(run(name, case.in_flight, max(seconds, case.latency * 0.004)))


def bare_rate(case: Case, seconds: float) -> float:
    """Return what this library and machine can do: operations a second of one C++ thread without Python strings."""
    set_library(case)
    function = ctypes.CDLL(str(BARE_LIBRARY)).bare_async
    function.argtypes = [ctypes.c_int64, ctypes.c_int64]
    count = 0
    begin = perf_counter()
    while perf_counter() - begin < seconds:
        function(64 * case.in_flight, case.in_flight)
        count += 64 * case.in_flight
    return count / (perf_counter() - begin)


def available() -> list[str]:
    names = []
    for name in CONTESTANTS:
        try:
            turn(name, ASYNCIO, Case(1, 0), 0.0)
        except ImportError as error:
            print(f"{name}, asynchronous: {error}", file=sys.stderr)
        else:
            names.append(name)
    return names


def measure_case(case: Case, names: Sequence[str], effort: Effort, rounds: int) -> list[Series]:
    is_burst = case in BURSTS
    seconds = effort.batch * (25 if is_burst else 15)
    tries = effort.tries if is_burst else 1
    turns: dict[tuple[str, str], Callable[[], Turn | float]] = {
        (name, loop): partial(undisturbed, partial(turn, name, loop, case, seconds), tries)
        for name in names
        for loop in (loops() if effort.whole else [ASYNCIO])
    }
    if is_burst:
        turns[BARE, ""] = partial(bare_rate, case, effort.batch * 5)
    series: dict[tuple[str, str], Series] = {}

    def note(metric: str, unit: str, contestant: str, value: float) -> None:
        work = f"{case}: {metric}"
        series.setdefault((work, contestant), Series(work, contestant, unit)).values.append(value)

    for (name, loop), value in in_turns(turns, rounds):
        if isinstance(value, Turn):
            for metric, unit in METRICS.items():
                note(metric, unit, f"{name}, {loop}", getattr(value, metric))
        else:
            note("rate", METRICS["rate"], name, value)
    return list(series.values())


def measure(effort: Effort) -> list[Series]:
    """Measure the cases that bars are about, and the verbs of the public classes."""
    library.install()
    names = available()
    rounds = max(1, effort.rounds // 5)
    if not effort.whole:
        print("documents of 128 B, 4 threads that complete, and uvloop: not in a quick run", file=sys.stderr)
    return [
        one
        for case in dict.fromkeys([*BURSTS, *WHOLE] if effort.whole else WHOLE)
        for one in measure_case(case, [*names, *(VERBS if case in WHOLE else ())], effort, rounds)
    ]


def measure_processor_time(effort: Effort) -> list[Series]:
    """Measure what an operation costs all threads of the process together, by the number in flight."""
    library.install()

    def processor_time(name: str, case: Case) -> float:
        return turn(name, ASYNCIO, case, effort.batch * 10).processor

    names = [*available(), AWAITED]

    def turns_at(count: int) -> AbstractContextManager[dict[str, Callable[[], float]]]:
        return nullcontext({f"{name}, {ASYNCIO}": partial(processor_time, name, Case(count, 0)) for name in names})

    return swept(PROCESSOR_TIME, turns_at, max(1, effort.rounds // 5))


def measure_latencies(effort: Effort) -> list[Series]:
    """Measure the other cases, of operations that take their time."""
    library.install()
    names = available()
    cases = [Case(*pair) for pair in product(IN_FLIGHT, LATENCIES) if Case(*pair) not in WHOLE]
    # A contestant that has to wait its turn there takes seconds.
    rounds = max(1, effort.rounds // 6)
    return [one for case in cases for one in measure_case(case, names, effort, rounds)]


def footprint(name: str) -> Turn:
    """Measure threads and memory of a process in which nothing else ran before."""
    library.install()
    return turn(name, ASYNCIO, Case(1024, 50), 0.2)


def measure_footprint(_effort: Effort) -> list[Series]:
    """Measure 1,024 operations in flight that take 50 ms each."""
    series = []
    for name in CONTESTANTS:
        script = f"from benchmarks.works.asynchronous import footprint; print(*footprint({name!r})[-2:])"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            threads, memory = map(float, done.stdout.split())
            series.append(Series("async, threads", name, "threads", [threads]))
            series.append(Series("async, memory of the process", name, "B", [memory]))
    return series
