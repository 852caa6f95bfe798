"""Warnings name the line of the program that they are about, and not one of hcsrt."""

import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.programs import INSTALL, TRUE

PROLOGUE = f"""\
import asyncio, gc, hcsrt, sys
from hcsrt import aio
{INSTALL}
TRUE = {TRUE!r}
document = hcsrt.emulator.container_document(owner="tests")

async def started():
    system = await aio.ComputeSystem.create("tests", document)
    await system.start()
    return system
"""

BLOCKING = """
with hcsrt.ComputeSystem.create("tests", document) as system:
    system.start()
    {}
"""
AWAITED = """
async def main():
    async with await started() as system:
        {}
        await system.stop(grace=0)

asyncio.run(main()){}
"""

NO_ISOLATION = {
    "run": BLOCKING.format("system.run(TRUE)  # here"),
    "popen": BLOCKING.format("with system.popen(TRUE):  # here\n        pass"),
    "in a thread": BLOCKING.format(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "    def work():\n        system.run(TRUE)  # here\n"
        "    with ThreadPoolExecutor() as pool:\n        pool.submit(work).result()"
    ),
    "through another module": BLOCKING.format(
        "from functools import partial\n    from contextlib import ExitStack\n"
        "    with ExitStack() as stack:\n        stack.enter_context(partial(system.popen, TRUE)())  # here"
    ),
    "aio run": AWAITED.format("await system.run(TRUE)  # here", ""),
    "aio popen": AWAITED.format("async with await system.popen(TRUE):  # here\n            pass", ""),
    "in a task of the program": AWAITED.format(
        "async def work():\n            await system.run(TRUE)  # here\n        await asyncio.create_task(work())", ""
    ),
    "in a task that is all ours": AWAITED.format("await asyncio.create_task(system.run(TRUE))", "  # here"),
    "by gather": AWAITED.format("await asyncio.gather(system.run(TRUE), system.run(TRUE))", "  # here"),
}

UNCLOSED = {
    "a system": BLOCKING.format(
        "system.stop(grace=0)\nsystem = hcsrt.ComputeSystem.create('a', document)\nsystem = 0  # here"
    ),
    "a process": BLOCKING.format(
        "process = system.popen(TRUE)\n    process.wait()\n    del process  # here\n    system.stop(grace=0)"
    ),
    "at the end of a function": BLOCKING.format("system.stop(grace=0)")
    + "def work():\n    system = hcsrt.ComputeSystem.create('a', document)\nwork()  # here",
    "aio system": AWAITED.format(
        "other = await aio.ComputeSystem.create('a', document)\n        del other  # here", ""
    ),
    "aio process": AWAITED.format(
        "process = await system.popen(TRUE)\n        await process.wait()\n        del process  # here", ""
    ),
}


def warned(program: str, folder: Path, *options: str) -> list[str]:
    """Run a program, and return the warnings with the line numbers that they name, each with its line."""
    path = folder / "program.py"
    path.write_text(PROLOGUE + program)
    done = subprocess.run([sys.executable, *options, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = path.read_text().splitlines()
    found = []
    for text in done.stderr.splitlines():
        place, separator, rest = text.partition(f"{path}:")
        if separator and not place:
            number = int(rest.partition(":")[0])
            found.append(f"{rest.partition(': ')[2].partition(':')[0]} at {lines[number - 1].strip()}")
        elif "Warning: " in text and "Enable tracemalloc" not in text:
            found.append(text)
    return found


@pytest.mark.parametrize("program", NO_ISOLATION.values(), ids=NO_ISOLATION)
def test_the_warning_of_no_isolation_names_the_line_that_starts_the_process(program: str, tmp_path: Path) -> None:
    (found,) = warned(program, tmp_path)
    assert found.startswith("NoIsolationWarning at ")
    assert found.endswith("# here"), found


@pytest.mark.parametrize("program", UNCLOSED.values(), ids=UNCLOSED)
def test_the_warning_of_what_is_unclosed_names_the_line_that_drops_it(program: str, tmp_path: Path) -> None:
    options = ("-W", "ignore", "-W", "always::ResourceWarning")
    (found,) = warned(program, tmp_path, *options)
    assert found.startswith("ResourceWarning at ")
    assert found.endswith("# here"), found
