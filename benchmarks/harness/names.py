"""The names, order and colours of the contestants in tables and plots, the cases of async operations, the sweeps."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

BARE = "C++"
PLAIN = "an object, and the GIL given up once"
EMPTY = "the empty loop"
LOOP = "the loop alone"
CYTHON = "hcsrt from Cython"
HCSRT = "hcsrt"
CORE = "hcsrt, without the checks of the items"
OWNER = f"{HCSRT}: the owner itself"
AWAITED = "await system.properties()"
BLOCKING = "system.properties()"
NANOBIND = "nanobind"
PYO3 = "PyO3"
PYBIND11 = "pybind11"
CFFI_API = "cffi, API mode"
CFFI_ABI = "cffi, ABI mode"
CTYPES_DEL = "ctypes, __del__"
CTYPES_FINALIZE = "ctypes, finalize"
GIL_CALLBACK = "the callback takes the GIL"
CTYPES_CALLBACK = "ctypes, a callback"
WAITING_POOL = "64 threads that wait"
SUBPROCESS = "subprocess"
IMPORT = "from hcsrt import ComputeSystem"
IMPORT_AIO = "from hcsrt.aio import ComputeSystem"
IMPORT_SUBPROCESS = "import subprocess"
IMPORT_ASYNCIO = "import asyncio"
NO_TABLE = "no table of faults"
NO_FAULTS = "a table without faults"
HOST = "Host()"
BLOCK = "with Host()"
RUN_TRUE = "subprocess.run() of a program that ends at once"
EMPTY_TESTS = "500 empty tests"
WITH_FIXTURE = "500 empty tests with hcs_host"
WITH_TMP_PATH = "500 empty tests with tmp_path"

# Limits are grey, hcsrt is blue. Contestants that never meet in one work may share a colour.
COLOURS = {
    BARE: "#9a9a9a",
    EMPTY: "#9a9a9a",
    PLAIN: "#9a9a9a",
    LOOP: "#9a9a9a",
    CYTHON: "#56a0d3",
    HCSRT: "#1f5fa8",
    CORE: "#56a0d3",
    AWAITED: "#56a0d3",
    BLOCKING: "#8cc1e8",
    NANOBIND: "#d98a1f",
    PYO3: "#b3568c",
    PYBIND11: "#c44e2b",
    CFFI_API: "#3f8f5f",
    CFFI_ABI: "#7fb894",
    CTYPES_DEL: "#8a6d3b",
    CTYPES_FINALIZE: "#b59a6a",
    GIL_CALLBACK: "#d98a1f",
    CTYPES_CALLBACK: "#8a6d3b",
    WAITING_POOL: "#3f8f5f",
}
"""In the order of every table and plot."""

ASYNCIO, UVLOOP = "asyncio", "uvloop"


def base(contestant: str) -> str:
    """Return the contestant, whatever its event loop or its threads."""
    return contestant.removesuffix(f", {ASYNCIO}").removesuffix(f", {UVLOOP}").split(": ")[0]


def place(contestant: str) -> tuple[int, str]:
    """Return the key by which contestants are sorted."""
    known = [*COLOURS, *ALIVE_VERBS]
    name = base(contestant)
    return (known.index(name) if name in known else len(known)), contestant


def colours_of(names: list[str]) -> dict[str, str]:
    """Return a colour for each line of a plot; names that have none get one that is left."""
    known = {name: COLOURS[base(name)] for name in names if base(name) in COLOURS}
    left = [colour for colour in dict.fromkeys(COLOURS.values()) if colour not in known.values()]
    rest = [name for name in names if name not in known]
    return known | {name: left[number % len(left)] for number, name in enumerate(rest)}


class Case(NamedTuple):
    in_flight: int
    latency: int
    """Milliseconds until an operation completes."""
    document: int = 1024
    """Bytes of a result document, two a character."""
    threads: int = 1
    """Threads of the library that complete operations."""

    def __str__(self) -> str:
        threads = "1 thread completes" if self.threads == 1 else f"{self.threads} threads complete"
        return f"async, {self.in_flight} in flight, {self.latency} ms, {self.document} B, {threads}"


IN_FLIGHT = (1, 64, 1024)
LATENCIES = (0, 1, 50)
"""Milliseconds."""
BURSTS = [Case(1024, 0, document, threads) for document in (1024, 128) for threads in (1, 4)]
"""The cases of the bars: much in flight that completes at once."""
WHOLE = [Case(1, 0), Case(1024, 0)]
"""The cases in which the verbs of the public classes are measured beside the calls that they make."""


class Sweep(NamedTuple):
    """A work that is measured at several counts, each a work of its own: of operations in flight, of systems alive."""

    title: str
    of: str
    """What there are so many of, as in "in flight"."""
    counts: tuple[int, ...]
    """In ascending order."""
    plot: str
    """The name of the file in which it is drawn."""
    unit: str = "s"

    def at(self, count: int) -> str:
        """Return the name of the work at one of the counts."""
        return f"{self.title}, {count:,} {self.of}"

    def counts_in(self, works: Container[str]) -> list[int]:
        """Return the counts at which it was measured: a short run leaves out the largest."""
        return [count for count in self.counts if self.at(count) in works]


PROCESSOR_TIME = Sweep("processor time an operation", "in flight", (1, 8, 64, 256, 1024), "processor_time")
CLOSING = Sweep("close_all(), a handle", "at once", (10, 100, 1_000, 10_000), "closing")
ALIVE = {
    face: Sweep(f"a system of the {face} face", "alive", (10, 100, 1_000, 3_000, 10_000), f"alive_{face}")
    for face in ("blocking", "asyncio")
}
ALIVE_VERBS = (
    "create",
    "start",
    "properties",
    "open by id",
    "subscribe",
    "unsubscribe",
    "terminate",
    "enumerate",
    "stop_all",
    "reap",
    "close_all",
)
"""What a system is measured at beside so many others; of "subscribe", the others are readers of the same system."""
SWEEPS = [PROCESSOR_TIME, CLOSING, *ALIVE.values()]
"""Each has a plot and a table in the terminal; those of the same thing are one table in the documentation."""
