"""Handles, owned and closed, called with, and handed to another thread; a round trip with a document.

The seconds are those of the processor wherever the work never waits, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter, process_time, thread_time
from timeit import Timer
from types import ModuleType
from typing import Any

import hcsrt

from ..harness import library
from ..harness.build import ROOT, built
from ..harness.measure import Effort, Series, clocked, interleaved, one_processor, swept, timed
from ..harness.names import (
    BARE,
    BLOCKING,
    CFFI_ABI,
    CFFI_API,
    CLOSING,
    CORE,
    CTYPES_DEL,
    CTYPES_FINALIZE,
    CYTHON,
    EMPTY,
    HCSRT,
    NANOBIND,
    OWNER,
    PLAIN,
    PYBIND11,
    PYO3,
)

Clock = Callable[[], float]
Loop = Callable[[int], float]
Turn = Callable[[], float]

CONTESTANTS = {
    HCSRT: "hcsrt_python",
    NANOBIND: "with_nanobind",
    PYO3: "with_pyo3",
    PYBIND11: "with_pybind11",
    CFFI_API: "cffi_api",
    CFFI_ABI: "cffi_abi",
    CTYPES_DEL: "ctypes_del",
    CTYPES_FINALIZE: "ctypes_finalize",
}

HANDLES = 10_000
"""Handles that are closed at once."""
HANDED = 1_000
"""Handles that go to the other thread."""
DOCUMENT = 512
"""UTF-16 units of a result document: 1 KB."""


def contestants() -> dict[str, ModuleType]:
    """Return the modules that can be imported here."""
    modules = {}
    for name, module in CONTESTANTS.items():
        try:
            modules[name] = importlib.import_module(f"benchmarks.contestants.{module}")
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
    return modules


class Contestant:
    """A module of Python, and what its statements are about."""

    def __init__(self, module: ModuleType) -> None:
        self.raw = library.new_system()
        self.module: Any = module
        self.names = vars(module) | {
            "raw": self.raw,
            "system": module.own(self.raw),
            "operation": module.new_operation(),
        }

    def loop(self, statement: str, clock: Clock = thread_time) -> Loop:
        """Return a loop that repeats a statement, without garbage collections."""
        return Timer(statement, globals=self.names, timer=clock).timeit

    def own_loop(self, statement: str) -> Loop:
        """Return such a loop for a statement that has to close the handle each time."""
        loop = self.loop(statement)

        def checked(n: int) -> float:
            before = library.closes(self.raw)
            seconds = loop(n)
            assert library.closes(self.raw) - before == n, statement
            return seconds

        return checked

    def close_all(self, statement: str | None = None, at_once: int = HANDLES) -> float:
        batches = [[self.module.own(self.raw) for _ in range(at_once)] for _ in range(HANDLES // at_once)]
        close = f"for handles in batches:\n    {statement or self.module.CLOSE_ALL}"
        # The time of the whole process: hcsrt closes many on another thread, and this one waits.
        timer = Timer(close, globals=self.names | {"batches": batches}, timer=process_time)
        return timer.timeit(1) / HANDLES

    def hand_over(self, put_in: str | None = None, taken: str | None = None) -> float:
        """Put views of the operation into a queue, from which another thread takes and uses them.

        put_in, taken: statements of Python for something else to put in, and for what to do with it.
        """
        space = self.names | {"repeat": repeat}
        code = f"def put(n, q):\n for _ in repeat(None, n): q({put_in or self.module.HAND_OVER})\n"
        code += f"def use(n, q):\n for _ in repeat(None, n):\n  handed = q()\n  {taken or self.module.USE}\n"
        exec(code, space)
        put, use = space["put"], space["use"]
        queue: SimpleQueue[Any] = SimpleQueue()
        user = threading.Thread(target=use, args=(HANDED, queue.get))

        def both() -> None:
            user.start()
            put(HANDED, queue.put)
            user.join()

        return clocked(both, process_time) / HANDED


def compiled(function: Callable[..., object], *arguments: Any, clock: Clock = thread_time) -> Loop:
    """Return a loop over a function that repeats its work itself."""
    return lambda n: clocked(lambda: function(n, *arguments), clock)


def measure(effort: Effort) -> list[Series]:
    library.install()
    library.set_document(DOCUMENT)
    python = {name: Contestant(module) for name, module in contestants().items()}
    cython = cython_contestant()
    series: list[Series] = []

    def work(name: str, loops: dict[str, Loop]) -> None:
        turns = {contestant: timed(loop, effort.batch) for contestant, loop in loops.items()}
        series.extend(interleaved(name, "s", turns, effort.rounds))

    def round_trips(verb: hcsrt.ComputeSystem, clock: Clock) -> dict[str, Loop]:
        loops = {name: one.loop(one.module.ROUND_TRIP, clock) for name, one in python.items()}
        loops[BLOCKING] = Timer("properties()", globals={"properties": verb.properties}, timer=clock).timeit
        loops[BARE] = compiled(library.bare("bare_round_trip"), clock=clock)
        if cython:
            loops[CYTHON] = compiled(cython.round_trip, cython.own(library.new_system()), clock=clock)
        return loops

    with one_processor():
        own_and_drop = {name: one.own_loop(one.module.OWN_AND_DROP) for name, one in python.items()}
        own_and_close = {name: one.own_loop(one.module.OWN_AND_CLOSE) for name, one in python.items()}
        call = {name: one.loop(one.module.CALL) for name, one in python.items()}
        own_and_drop[BARE] = own_and_close[BARE] = compiled(library.bare("bare_own_and_close"))
        call[BARE] = compiled(library.bare("bare_call"))
        if cython:
            own_and_drop[CYTHON] = compiled(cython.own_and_drop, library.new_system())
            own_and_drop[PLAIN] = compiled(cython.allocate_and_switch)
            call[CYTHON] = compiled(cython.call, cython.new_operation())
        # First without any other thread: glibc's locks cost less then.
        work("own, drop", own_and_drop)
        work("own, close", own_and_close)
        work("call", call)

        bare_close_all: Any = library.bare("bare_close_all")
        turns: dict[str, Turn] = {name: one.close_all for name, one in python.items()}
        turns[CORE] = partial(python[HCSRT].close_all, python[HCSRT].module.CLOSE_HANDLES)
        turns[BARE] = lambda: bare_close_all(HANDLES) / HANDLES
        series += interleaved("close 10,000", "s", warm(turns), effort.rounds)
        series += swept(CLOSING, closing_turns(python, bare_close_all), max(2, effort.rounds // 2))
        turns = {name: one.hand_over for name, one in python.items()}
        ours = python[HCSRT]
        turns[OWNER] = partial(ours.hand_over, ours.module.HAND_OVER_OWNER, ours.module.USE_OWNER)
        series += interleaved("hand over", "s", warm(turns), effort.rounds)
        work("own, drop, beside threads that sleep", own_and_drop)
        with hcsrt.ComputeSystem.open("benchmark") as verb:
            library.set_latency(library.IN_THE_CALL)
            work("round trip", round_trips(verb, thread_time))
    with hcsrt.ComputeSystem.open("benchmark") as verb:
        library.set_latency(0)
        work("round trip, other thread", round_trips(verb, perf_counter))
    return series


def closing_turns(
    python: dict[str, Contestant], bare_close_all: Any
) -> Callable[[int], AbstractContextManager[dict[str, Turn]]]:
    def in_c(at_once: int) -> float:
        batches = HANDLES // at_once
        return sum(bare_close_all(at_once) for _ in range(batches)) / HANDLES

    def turns_at(at_once: int) -> AbstractContextManager[dict[str, Turn]]:
        turns: dict[str, Turn] = {BARE: partial(in_c, at_once)}
        for name in {HCSRT, NANOBIND}.intersection(python):
            turns[name] = partial(python[name].close_all, at_once=at_once)
        return nullcontext(turns)

    return turns_at


def warm(turns: dict[str, Turn]) -> dict[str, Turn]:
    """Take each turn once for nothing; return the turns."""
    for turn in turns.values():
        turn()
    return turns


def cython_contestant() -> Any:
    try:
        return built("hcsrt_cython")
    except ImportError as error:
        print(f"{CYTHON}: {error}", file=sys.stderr)
        return None


# --- instructions ---------------------------------------------------------------------------------------------------

REPETITIONS = 2_000


def count_here() -> None:
    """Run each loop once to warm up, then have callgrind count it."""
    library.install()
    loops: dict[str, dict[str, Callable[[int], object]]] = {"own, drop": {}, "call": {}}
    for name, module in contestants().items():
        contestant = Contestant(module)
        loops["own, drop"][name] = contestant.loop(module.OWN_AND_DROP)
        loops["call"][name] = contestant.loop(module.CALL)
    for of_work in loops.values():
        of_work[EMPTY] = Timer("pass").timeit
    cython = cython_contestant()
    if cython:
        loops["own, drop"][CYTHON] = partial(cython.own_and_drop, raw=library.new_system())
        loops["own, drop"][PLAIN] = cython.allocate_and_switch
        loops["call"][CYTHON] = partial(cython.call, operation=cython.new_operation())
    loops["own, drop"][BARE] = library.bare("bare_own_and_close")
    loops["call"][BARE] = library.bare("bare_call")
    for work, of_work in loops.items():
        for name, loop in of_work.items():
            loop(REPETITIONS)
            library.native.hcsbench_count_begin()
            loop(REPETITIONS)
            library.native.hcsbench_count_end(json.dumps([work, name]).encode())


def count_instructions(_effort: Effort) -> list[Series]:
    """Have callgrind count the instructions of a repetition."""
    if shutil.which("valgrind") is None:
        print("instructions: no valgrind here", file=sys.stderr)
        return []
    series = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", sys.executable, "-c",
             "from benchmarks.works.handles import count_here; count_here()"],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for path in Path(folder).iterdir():
            text = path.read_text()
            name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.M)
            if name and total:
                work, contestant = json.loads(name[1])
                each = int(total[1]) / REPETITIONS
                series.append(Series(f"instructions: {work}", contestant, "instructions", [each]))
    if not series:
        print("instructions: the native library was built without valgrind's headers", file=sys.stderr)
    return series
