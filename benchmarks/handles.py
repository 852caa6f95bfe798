"""Handles: to own and close them, to call with them, to hand them to another thread; a round trip with a document."""

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
from functools import partial
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from timeit import Timer
from types import ModuleType
from typing import Any

from . import library
from .build import ROOT, built
from .measure import Effort, Series, clocked, interleaved, one_processor, timed

Loop = Callable[[int], float]

CONTESTANTS = {
    "hcsrt from Python": "hcsrt_python",
    "ctypes, __del__": "ctypes_del",
    "ctypes, finalize": "ctypes_finalize",
    "cffi, ABI mode": "cffi_abi",
    "cffi, API mode": "cffi_api",
    "pybind11": "with_pybind11",
    "nanobind": "with_nanobind",
    "PyO3": "with_pyo3",
}
BARE = "C++"
CYTHON = "hcsrt from Cython"
PLAIN = "an object, and the GIL given up once"
EMPTY = "the empty loop"

HANDLES = 10_000
"""How many handles are closed at once."""
DOCUMENT = 512
"""UTF-16 units of a result document: 1 KB."""


def contestants() -> dict[str, ModuleType]:
    """The modules that can be imported here."""
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

    def loop(self, statement: str) -> Loop:
        """Repeats a statement, without garbage collections."""
        return Timer(statement, globals=self.names).timeit

    def own_loop(self, statement: str) -> Loop:
        """The same, of a statement that has to close the handle each time."""
        loop = self.loop(statement)

        def checked(n: int) -> float:
            before = library.closes(self.raw)
            seconds = loop(n)
            assert library.closes(self.raw) - before == n, statement
            return seconds

        return checked

    def close_all(self) -> float:
        handles = [self.module.own(self.raw) for _ in range(HANDLES)]
        return Timer(self.module.CLOSE_ALL, globals=self.names | {"handles": handles}).timeit(1) / HANDLES

    def hand_over(self) -> Loop:
        """Puts views of the operation into a queue, from which another thread takes and uses them."""
        space = self.names | {"repeat": repeat}
        code = f"def put(n, q):\n for _ in repeat(None, n): q({self.module.HAND_OVER})\n"
        code += f"def use(n, q):\n for _ in repeat(None, n):\n  handed = q()\n  {self.module.USE}\n"
        exec(code, space)
        put, use = space["put"], space["use"]

        def loop(n: int) -> float:
            queue: SimpleQueue[Any] = SimpleQueue()
            user = threading.Thread(target=use, args=(n, queue.get))

            def both() -> None:
                user.start()
                put(n, queue.put)
                user.join()

            return clocked(both)

        return loop


def measure(effort: Effort) -> list[Series]:
    library.install()
    library.set_document(DOCUMENT)
    python = {name: Contestant(module) for name, module in contestants().items()}
    try:
        cython = built("hcsrt_cython")
    except ImportError as error:
        print(f"{CYTHON}: {error}", file=sys.stderr)
        cython = None
    series: list[Series] = []

    def work(name: str, python_loops: dict[str, Loop], cython_loops: dict[str, Loop], bare: str | None) -> None:
        loops = python_loops | cython_loops
        if bare is not None:
            loops[BARE] = library.bare(bare)
        turns = {contestant: timed(loop, effort.batch) for contestant, loop in loops.items()}
        series.extend(interleaved(name, "s", turns, effort.rounds))

    with one_processor():
        work(
            "own, drop",
            {name: contestant.own_loop(contestant.module.OWN_AND_DROP) for name, contestant in python.items()},
            cython_loops(cython, OWN_AND_DROP=(library.new_system(),))
            | ({PLAIN: cython.allocate_and_switch} if cython else {}),
            "bare_own_and_close",
        )
        work(
            "own, close",
            {name: contestant.own_loop(contestant.module.OWN_AND_CLOSE) for name, contestant in python.items()},
            {},
            "bare_own_and_close",
        )
        work(
            "call",
            {name: contestant.loop(contestant.module.CALL) for name, contestant in python.items()},
            cython_loops(cython, CALL=(cython.new_operation(),)) if cython else {},
            "bare_call",
        )
        bare_close_all = library.bare("bare_close_all")
        turns = {name: contestant.close_all for name, contestant in python.items()}
        turns[BARE] = lambda: bare_close_all(HANDLES) / HANDLES
        series += interleaved("close 10,000", "s", turns, effort.rounds)
        work("hand over", {name: contestant.hand_over() for name, contestant in python.items()}, {}, None)
        round_trips = {name: contestant.loop(contestant.module.ROUND_TRIP) for name, contestant in python.items()}
        cython_trips = cython_loops(cython, ROUND_TRIP=(cython.own(library.new_system()),)) if cython else {}
        library.set_latency(library.IN_THE_CALL)
        work("round trip", round_trips, cython_trips, "bare_round_trip")
    library.set_latency(0)
    work("round trip, other thread", round_trips, cython_trips, "bare_round_trip")
    return series


def cython_loops(module: Any, **loops: tuple[Any, ...]) -> dict[str, Loop]:
    """A function of the Cython contestant with what it needs besides the number of repetitions."""
    if module is None:
        return {}
    ((name, arguments),) = loops.items()
    function = getattr(module, name)
    return {CYTHON: lambda n: function(n, *arguments)}


# --- instructions ---------------------------------------------------------------------------------------------------

REPETITIONS = 2_000


def count_here() -> None:
    """What runs under callgrind: each loop once to warm up, then counted."""
    library.install()
    loops: dict[str, dict[str, Callable[[int], object]]] = {"own, drop": {}, "call": {}}
    for name, module in contestants().items():
        contestant = Contestant(module)
        loops["own, drop"][name] = contestant.loop(module.OWN_AND_DROP)
        loops["call"][name] = contestant.loop(module.CALL)
    for of_work in loops.values():
        of_work[EMPTY] = Timer("pass").timeit
    cython = built("hcsrt_cython")
    loops["own, drop"][CYTHON] = partial(cython.OWN_AND_DROP, raw=library.new_system())
    loops["own, drop"][PLAIN] = cython.allocate_and_switch
    loops["call"][CYTHON] = partial(cython.CALL, operation=cython.new_operation())
    loops["own, drop"][BARE] = library.bare("bare_own_and_close")
    loops["call"][BARE] = library.bare("bare_call")
    for work, of_work in loops.items():
        for name, loop in of_work.items():
            loop(REPETITIONS)
            library.native.hcsbench_count_begin()
            loop(REPETITIONS)
            library.native.hcsbench_count_end(json.dumps([work, name]).encode())


def count_instructions(_effort: Effort) -> list[Series]:
    """The instructions of a repetition, by callgrind."""
    if shutil.which("valgrind") is None:
        print("instructions: no valgrind here", file=sys.stderr)
        return []
    series = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", sys.executable, "-c",
             "from benchmarks.handles import count_here; count_here()"],
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
