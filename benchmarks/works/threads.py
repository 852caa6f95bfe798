"""Handles in two threads, each with its own and its own processor: beside one thread, and beside two processes."""

from __future__ import annotations

import multiprocessing
import runpy
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from timeit import Timer

from ..harness import library
from ..harness.measure import Effort, Series, interleaved, keep_to_processor, repetitions
from ..harness.names import CTYPES_DEL, HCSRT, NANOBIND
from .handles import CONTESTANTS

WHO = (HCSRT, NANOBIND, CTYPES_DEL)
THREADS = 2


def loop_of(name: str) -> Callable[[int], float]:
    """Return a loop on a handle that no other thread has, with names of its own.

    A bound method that two threads of a free-threaded Python call has one count of references for both, and that is
    then most of what they do.
    """
    names = runpy.run_module(f"benchmarks.contestants.{CONTESTANTS[name]}")
    return Timer(names["OWN_AND_DROP"], globals=names | {"raw": library.new_system()}).timeit


def serve(name: str, number: int, connection: Connection) -> None:
    """Repeat the work in a process as often as it is told to, until it is told nothing more."""
    keep_to_processor(number)
    library.install()
    loop = loop_of(name)
    while n := connection.recv():
        connection.send(loop(n))


def in_threads(name: str, count: int, n: int) -> float:
    """Return the repetitions a second of all threads together, up to the end of the last one."""
    seconds: list[float] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        keep_to_processor(number)
        # Here, as in a process: a free-threaded Python counts references fastest in the thread that made an object.
        loop = loop_of(name)
        start.wait()
        seconds.append(loop(n))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return n * count / max(seconds)


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
            loop = loop_of(name)
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        # Long enough for the start and the waking of threads not to count.
        n = repetitions(loop, 5 * effort.batch)
        with ExitStack() as stack:
            connections = []
            for number in range(THREADS):
                ours, theirs = spawn.Pipe()
                process = spawn.Process(target=serve, args=(name, number, theirs))
                process.start()
                stack.callback(process.join)
                stack.callback(ours.send, 0)
                connections.append(ours)
            in_processes(connections, n)
            turns: dict[str, Callable[[], float]] = {
                f"{name}: 1 thread": lambda name=name, n=n: in_threads(name, 1, n),
                f"{name}: 2 threads": lambda name=name, n=n: in_threads(name, THREADS, n),
                f"{name}: 2 processes": lambda connections=connections, n=n: in_processes(connections, n),
            }
            series += interleaved("threads", "/s", turns, max(2, effort.rounds // 2))
    return series
