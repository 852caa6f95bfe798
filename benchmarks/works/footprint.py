"""Memory of a handle and of a system, and what importing hcsrt adds to the start of an interpreter."""

from __future__ import annotations

import gc
import importlib
import os
import resource
import subprocess
import sys
import tempfile
from functools import partial

import psutil

import hcsrt

from ..harness import library
from ..harness.build import ROOT
from ..harness.measure import Effort, Series, clocked, interleaved
from ..harness.names import HCSRT, IMPORT, IMPORT_AIO, IMPORT_ASYNCIO, IMPORT_SUBPROCESS
from .handles import CONTESTANTS

OBJECT = f"{HCSRT}: the object alone"
SYSTEM = "hcsrt.ComputeSystem"
BARE_PYTHON = "python -c pass"
IMPORTS = {
    BARE_PYTHON: "pass",
    # What a program pays: `import hcsrt` alone imports nothing.
    IMPORT: IMPORT,
    IMPORT_SUBPROCESS: IMPORT_SUBPROCESS,
    IMPORT_AIO: IMPORT_AIO,
    IMPORT_ASYNCIO: IMPORT_ASYNCIO,
    "import ctypes": "import ctypes",
    "import cffi": "import cffi",
}


def bytes_each(name: str, count: int) -> float:
    """Return what this process grows by for each of so many owners, without the list that they are in."""
    library.install()
    if name == SYSTEM:
        own = partial(hcsrt.ComputeSystem.open, "benchmark")
    else:
        module = importlib.import_module(f"benchmarks.contestants.{CONTESTANTS[name]}")
        own = partial(module.own, library.new_system())
    process = psutil.Process()
    # The first owners bring what is needed once, and use up the blocks that Python has in reserve.
    kept: list[object] = [own() for _ in range(1000)]
    owners: list[object] = [kept[0]] * count
    gc.collect()
    before = process.memory_info().rss
    for i in range(count):
        owners[i] = own()
    gc.collect()
    return (process.memory_info().rss - before) / count


def measure_memory(effort: Effort) -> list[Series]:
    handle = hcsrt.OwnedSystem.__new__(hcsrt.OwnedSystem)
    series = [Series("memory", OBJECT, "B", [sys.getsizeof(handle)])]
    for name in (*CONTESTANTS, SYSTEM):
        script = f"from benchmarks.works.footprint import bytes_each; print(bytes_each({name!r}, {effort.handles}))"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"memory of {name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        else:
            series.append(Series("memory", name, "B", [float(done.stdout)]))
    return series


def children_time() -> float:
    """Return the processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_imports(effort: Effort) -> list[Series]:
    turns = {}
    with tempfile.TemporaryDirectory() as cache:
        # With bytecode, as an installed package has it, even if the environment forbids writing any.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for name, script in IMPORTS.items():
            start = partial(subprocess.run, [sys.executable, "-c", script], env=environment, stderr=subprocess.DEVNULL)
            if start().returncode == 0:
                turns[name] = partial(clocked, start, children_time)
        return interleaved("import", "s", turns, effort.launches)
