"""Handles in two threads, each with its own: beside one thread, and beside two processes."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from timeit import Timer
from typing import Any

from . import library
from .handles import CONTESTANTS
from .measure import Effort, Series, interleaved, repetitions
from .names import HCSRT

WHO = (HCSRT, "ctypes, __del__", "nanobind")
THREADS = 2


def loop_of(name: str) -> Callable[[int], float]:
    """A loop on a handle that no other thread has."""
    module: Any = importlib.import_module(f"benchmarks.contestants.{CONTESTANTS[name]}")
    return Timer(module.OWN_AND_DROP, globals=vars(module) | {"raw": library.new_system()}).timeit


def serve(name: str, connection: Connection) -> None:
    """What a process does: as many repetitions as it is told to, until it is told nothing more."""
    library.install()
    loop = loop_of(name)
    while n := connection.recv():
        connection.send(loop(n))


def in_threads(loops: list[Callable[[int], float]], n: int) -> float:
    """Repetitions a second of all threads together; what counts is when the last one ends."""
    seconds: list[float] = []
    start = threading.Barrier(len(loops))

    def run(loop: Callable[[int], float]) -> None:
        start.wait()
        seconds.append(loop(n))

    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return n * len(loops) / max(seconds)


def in_processes(connections: list[Connection], n: int) -> float:
    for connection in connections:
        connection.send(n)
    return n * len(connections) / max([connection.recv() for connection in connections])


def measure(effort: Effort) -> list[Series]:
    library.install()
    spawn = multiprocessing.get_context("spawn")
    series: list[Series] = []
    for name in WHO:
        try:
            loops = [loop_of(name) for _ in range(THREADS)]
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        n = repetitions(loops[0], 4 * effort.batch)
        with ExitStack() as stack:
            connections = []
            for _ in range(THREADS):
                ours, theirs = spawn.Pipe()
                process = spawn.Process(target=serve, args=(name, theirs))
                process.start()
                stack.callback(process.join)
                stack.callback(ours.send, 0)
                connections.append(ours)
            in_processes(connections, n)
            turns: dict[str, Callable[[], float]] = {
                f"{name}: 1 thread": lambda loops=loops, n=n: in_threads(loops[:1], n),
                f"{name}: 2 threads": lambda loops=loops, n=n: in_threads(loops, n),
                f"{name}: 2 processes": lambda connections=connections, n=n: in_processes(connections, n),
            }
            series += interleaved("threads", "/s", turns, effort.rounds)
    return series
