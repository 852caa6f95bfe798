"""What a compute system costs beside those that live already: beside ten of them, and beside ten thousand."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from time import perf_counter
from types import ModuleType
from typing import Any

import psutil

import hcsrt
import hcsrt.aio
from hcsrt import emulator

from ..harness.build import ROOT
from ..harness.measure import Effort, Series
from ..harness.names import ALIVE, ALIVE_VERBS

PROBES = 50
"""Systems on which each verb is measured, one after another."""
LEAST = 200
"""Systems that a turn makes at least, so that a small crowd is not measured by a handful of calls."""
CROWD, PROBE = "the crowd", "a probe"
DOCUMENTS = {
    owner: emulator.container_document(owner=owner, terminate_on_last_handle_closed=False) for owner in (CROWD, PROBE)
}
MODULES: dict[str, ModuleType] = {"blocking": hcsrt, "asyncio": hcsrt.aio}

Costs = dict[str, list[float]]
"""Seconds for each system, by verb."""


async def ready(result: Any) -> Any:
    """Return a result of the blocking face as it is, and wait for one of the other."""
    return await result if isinstance(result, Awaitable) else result


def finish(face: str, coroutine: Coroutine[Any, Any, None]) -> None:
    if face == "asyncio":
        asyncio.run(coroutine)
        return
    try:
        # Without a loop: nothing of the blocking face suspends.
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the blocking face has waited for a loop")


def expect_success(results: Iterable[object]) -> None:
    wrong = [result for result in results if isinstance(result, Exception)]
    if wrong:
        sys.exit(f"alive: {len(wrong)} systems were not ended, the first of them for {wrong[0]!r}")


async def take(face: str, count: int, costs: Costs, full: Callable[[], object]) -> None:
    """Make so many systems, measure the verbs beside them, and end one half by stop_all() and the other by reap().

    full: is called when all of them live.
    """
    module: Any = MODULES[face]

    async def each(verb: str, action: Callable[[int], object], times: int = PROBES) -> None:
        begin = perf_counter()
        for i in range(times):
            await ready(action(i))
        costs.setdefault(verb, []).append((perf_counter() - begin) / times)

    async def at_once(verb: str, action: Callable[[], object], times: int | None = None) -> Any:
        begin = perf_counter()
        results = await ready(action())
        costs.setdefault(verb, []).append((perf_counter() - begin) / (times or len(results)))
        return results

    crowd = [await ready(module.ComputeSystem.create(f"crowd {i}", DOCUMENTS[CROWD])) for i in range(count)]
    for system in crowd:
        await ready(system.start())
    gc.collect()
    full()
    probes: list[Any] = []
    opened: list[Any] = []
    readers: list[Any] = []

    async def create(i: int) -> None:
        probes.append(await ready(module.ComputeSystem.create(f"probe {i}", DOCUMENTS[PROBE])))

    async def open(i: int) -> None:
        opened.append(await ready(module.ComputeSystem.open(f"probe {i}")))

    await each("create", create)
    await each("start", lambda i: probes[i].start())
    await each("properties", lambda i: probes[i].properties())
    await each("open by id", open)
    # As many readers of one system, since those of others are nothing to it.
    await each("subscribe", lambda _: readers.append(probes[0].events(maxsize=1)), count)
    await each("unsubscribe", lambda i: readers[i].close(), count)
    await ready(module.close_all(opened))
    await each("terminate", lambda i: probes[i].terminate())
    await at_once("enumerate", module.systems)
    half = count // 2
    expect_success(await at_once("stop_all", lambda: module.stop_all(crowd[:half], grace=0)))
    reaped = await at_once("reap", lambda: module.reap(CROWD))
    expect_success(reaped.values())
    if len(reaped) != count - half:
        sys.exit(f"alive: reap() has found {len(reaped)} systems instead of {count - half}")
    await at_once("close_all", lambda: module.close_all([*crowd, *probes]))


def turn(face: str, count: int) -> dict[str, float]:
    costs: Costs = {}
    for _ in range(max(1, LEAST // count)):
        gc.collect()
        finish(face, take(face, count, costs, lambda: None))
    return {verb: sum(values) / len(values) for verb, values in costs.items()}


def measure(effort: Effort) -> list[Series]:
    """Measure each verb once beside so many systems: growth is a ratio within a process."""
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    series: dict[tuple[str, str], Series] = {}
    for face in ALIVE:
        turn(face, 10)  # which has everything started
    for face, sweep in ALIVE.items():
        for count in [count for count in sweep.counts if count <= effort.alive]:
            costs = turn(face, count)
            for verb in ALIVE_VERBS:
                key = sweep.at(count), verb
                series.setdefault(key, Series(*key, sweep.unit)).values.append(costs[verb])
    return list(series.values())


def footprint(face: str, count: int) -> tuple[int, float]:
    """Return the most threads of a process that has and ends so many systems, and the bytes that each of them takes."""
    warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
    emulator.install()
    turn(face, 2)
    process = psutil.Process()
    gc.collect()
    memory = process.memory_info().rss
    most = 0
    held = 0.0
    over = threading.Event()

    def full() -> None:
        nonlocal held
        held = (process.memory_info().rss - memory) / count

    def watch() -> None:
        nonlocal most
        while not over.wait(0.005):
            # Without this thread itself.
            most = max(most, process.num_threads() - 1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        finish(face, take(face, count, {}, full))
    finally:
        over.set()
        watcher.join()
    return most, held


def measure_footprint(effort: Effort) -> list[Series]:
    """Measure threads and memory in a process of its own for each face."""
    series = []
    for face in ALIVE:
        script = f"from benchmarks.works.alive import footprint; print(*footprint({face!r}, {effort.alive}))"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        most, held = map(float, done.stdout.split())
        series.append(Series(f"{effort.alive:,} alive, threads", face, "threads", [most]))
        series.append(Series(f"{effort.alive:,} alive, memory of a system", face, "B", [held]))
    return series
