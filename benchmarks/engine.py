"""How much of what an event loop can do is left when each of its tasks awaits a call of HCS.

    python -m benchmarks.engine [--tasks 1024] [--rounds 15] [--seconds 0.5]

These take turns within one run, each with as many tasks on one loop, each of which awaits one future after another:

bare     the loop settles each future with a callback of its own, loop.call_soon(future.set_result, text)
batched  the loop settles all futures that wait with one callback: the least that it can do
engine   hcsrt, on an HCS that completes at once on threads of its own
gil      the same calls on the same workers; on HCS's thread each completion takes the GIL for call_soon_threadsafe

Each round gives the ratios; their medians and quartiles are printed, with the operations a second of each way.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import native

Await = Callable[[], Awaitable[object]]

# What the engine has to be at least.
BARS = {"bare": 0.7, "gil": 6.0}


def settler(loop: asyncio.AbstractEventLoop) -> Await:
    def bare() -> asyncio.Future[str]:
        future = loop.create_future()
        loop.call_soon(future.set_result, "")
        return future

    return bare


def batch_settler(loop: asyncio.AbstractEventLoop) -> Await:
    waiting: list[asyncio.Future[str]] = []

    def settle() -> None:
        taken = waiting[:]
        waiting.clear()
        for future in taken:
            future.set_result("")

    def batched() -> asyncio.Future[str]:
        future = loop.create_future()
        if not waiting:
            loop.call_soon(settle)
        waiting.append(future)
        return future

    return batched


async def rate(function: Await, tasks: int, seconds: float) -> float:
    """Operations a second."""
    done = 0
    end = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal done
        while time.perf_counter() < end:
            for _ in range(8):
                await function()
            done += 8

    began = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(tasks)])
    return done / (time.perf_counter() - began)


async def measure(tasks: int, rounds: int, seconds: float) -> dict[str, list[float]]:
    instant = native.use()
    from hcsrt import _engine

    system = await _engine.create_system("a", "{}")
    ways: dict[str, Await] = {
        "bare": settler(asyncio.get_running_loop()),
        "batched": batch_settler(asyncio.get_running_loop()),
        "engine": lambda: _engine.call(system, "HcsGetComputeSystemProperties"),
        "gil": lambda: instant.properties_with_gil(system),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    gc.freeze()
    for way in ways.values():
        await rate(way, tasks, seconds / 4)
    for _ in range(rounds):
        for name, way in ways.items():
            rates[name].append(await rate(way, tasks, seconds))
    await _engine.close(system)
    return rates


def spread(values: list[float], format: str) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):{format}} (quartiles {low:{format}} to {high:{format}})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = asyncio.run(measure(options.tasks, options.rounds, options.seconds))
    ratios = {
        name: [engine / other for engine, other in zip(rates["engine"], values, strict=True)]
        for name, values in rates.items()
        if name != "engine"
    }
    if options.json:
        print(json.dumps({"rates": rates, "ratios": ratios}))
    else:
        version = sys.version.split()[0]
        print(f"{options.tasks} in flight, {options.rounds} rounds of {options.seconds} s each, Python {version}")
        for name, values in rates.items():
            print(f"  {name:<8} {spread(values, ',.0f')} operations a second")
        for name, values in ratios.items():
            bar = f"; the bar is {BARS[name]}" if name in BARS else ""
            print(f"  engine / {name:<8} {spread(values, '.2f')}{bar}")
    return int(any(statistics.median(ratios[name]) < bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
