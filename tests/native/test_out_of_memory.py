"""Native code without memory: each allocation fails once, and nothing aborts, hangs or is left behind."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..helpers.native import COMPILER, NATIVE, build

pytestmark = [
    pytest.mark.skipif(os.name == "nt" or COMPILER is None, reason="needs a C++ compiler for POSIX threads"),
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="interposes the allocator of glibc"),
]

PROGRAM = NATIVE / "out_of_memory.py"
ALL = "1000000000"
GOOD = ("MemoryError", "OSError", "HcsError", "success")


@pytest.fixture(scope="module")
def allocator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("allocator") / "failing_allocator.so"
    return build(program, [NATIVE / "failing_allocator.cpp"], "-shared", "-fPIC")


FIRST_CALL_OF_A_THREAD_WITHOUT_MEMORY = """\
import ctypes, threading
import hcsrt

hcsrt.service.properties("Basic")
shim = ctypes.PyDLL(None)
armed = threading.Event()

def call():
    armed.wait()
    try:
        hcsrt.service.properties("Basic")
    except (MemoryError, OSError):
        print("failed")

thread = threading.Thread(target=call)
thread.start()
shim.no_thread_data_for_others(1)
armed.set()
thread.join()
shim.no_thread_data_for_others(0)
hcsrt.service.properties("Basic")
print("goes on")
"""

CALL_WITHOUT_MEMORY = """\
import asyncio, ctypes, warnings
import hcsrt
from hcsrt import aio

warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
shim = ctypes.PyDLL(None)

async def main():
    async with aio.ComputeSystem.create("memory", hcsrt.emulator.container_document()) as system:
        await system.start()
        shim.no_thread_data_for_others(1)
        try:
            await system.properties()
        except (MemoryError, OSError):
            print("failed")
        finally:
            shim.no_thread_data_for_others(0)
        await system.properties()
        await system.terminate()
    print("goes on")

asyncio.run(main())
"""


def started(allocator: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LD_PRELOAD": str(allocator)}
    command = [sys.executable, str(PROGRAM), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)


def counted(allocator: Path, *options: str) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Return how often what came of the runs, and those that came to no good."""
    done = started(allocator, *options)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert "runs" in (lines[-1] if lines else ()), done.stdout + done.stderr
    assert done.returncode == int(len(lines) > 1)
    return lines[-1], lines[:-1]


def check(allocator: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, int]:
    counts, broken = counted(allocator, *options)
    with capsys.disabled():
        print(f"\n{' '.join(options) or 'each allocation':28}", *(f"{name} {count}" for name, count in counts.items()))
    assert broken == []
    assert sum(counts[name] for name in GOOD) == counts["runs"]
    assert counts["HcsError"] > 0
    assert counts["success"] < counts["runs"]
    return counts


@pytest.mark.slow
def test_some_allocations_fail(allocator, capsys):
    assert check(allocator, capsys, "--step", "13")["runs"] > 20


@pytest.mark.slow
def test_no_memory_from_some_allocation_on(allocator, capsys):
    counts = check(allocator, capsys, "--width", ALL, "--step", "29")
    # What fails at the end alone may be made up for.
    assert counts["success"] < 3


@pytest.mark.long
@pytest.mark.parametrize("options", [[], ["--width", "3"], ["--width", ALL], ["--vary"]], ids=" ".join)
def test_each_allocation_fails(allocator, capsys, options):
    assert check(allocator, capsys, *options)["runs"] > 300


@pytest.mark.slow
def test_an_import_without_memory(allocator):
    outcomes = []
    while "success" not in outcomes:
        done = started(allocator, "--import", str(len(outcomes) + 1))
        assert done.returncode == 0, done.stderr
        outcomes.append(json.loads(done.stdout)["outcome"])
    assert outcomes[:-1]
    assert set(outcomes[:-1]) == {"MemoryError"}


@pytest.mark.slow
@pytest.mark.parametrize("plant", ["abort", "hang", "leak"])
def test_a_run_that_comes_to_no_good_is_noticed(allocator, plant):
    counts, broken = counted(allocator, "--most", "2", "--patience", "9", "--plant", plant)
    assert counts["runs"] == counts[plant] == len(broken) == 2
    assert [result["outcome"] for result in broken] == [plant, plant]


@pytest.mark.parametrize(
    "program", [CALL_WITHOUT_MEMORY, FIRST_CALL_OF_A_THREAD_WITHOUT_MEMORY], ids=["throw", "first call"]
)
def test_no_memory_for_the_data_of_a_thread(program, tmp_path):
    # The failing allocator is linked with that library, which has its data from the start then.
    flags = ["-shared", "-fPIC", "-fno-exceptions", "-Wl,--as-needed"]
    shim = build(tmp_path / "no_thread_data.so", [NATIVE / "no_thread_data.cpp"], *flags)
    environment = os.environ | {"LD_PRELOAD": str(shim)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split("\n"), done.stderr) == (0, ["failed", "goes on", ""], "")
