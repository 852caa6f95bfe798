"""A program that ends with everything still open: its own exit code, no word on stderr, no hang, nothing left over."""

import os
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..helpers.platforms import WINE
from ..helpers.programs import INSTALL, is_alive

EXIT_CODE = 7

PROLOGUE = (
    f"""\
import atexit, gc, itertools, os, sys, threading, time, warnings
import hcsrt
from hcsrt import ComputeSystem, PIPE, DEVNULL
from programs import TRUE, guest

{INSTALL}
"""
    + """\
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
numbers = itertools.count()

def running():
    system = ComputeSystem.create(f"exit-{os.getpid()}-{next(numbers)}", hcsrt.emulator.container_document())
    system.start()
    return system

def sleeping(system, **streams):
    process = system.popen(napping("out('ready'); sleep(60)"), stdout=PIPE, **streams)
    assert process.stdout.readline() == b"ready\\n"
    return process

def napping(code):
    return guest("with open(argv[0], 'a') as file: print(os.getpid(), file=file)\\n" + code, pids)

def in_background(function, count=1):
    inside = threading.Semaphore(0)

    def body():
        inside.release()
        function()

    for _ in range(count):
        threading.Thread(target=body, daemon=True).start()
        inside.acquire()
    time.sleep(0.05)

pids = sys.argv[1]
"""
)

PROGRAMS = {
    "open handles": """
system = running()
process = sleeping(system, stdin=PIPE)
created = ComputeSystem.create("never-started", hcsrt.emulator.container_document())
again = ComputeSystem.open(system.id)
duplicates = [system.duplicate_handle(), process.duplicate_handle()]
""",
    "handles in reference cycles": """
class Node:
    pass

gc.disable()
for _ in range(3):
    node = Node()
    node.itself = node
    node.system = running()
    node.process = sleeping(node.system)
del node
""",
    "handles used at exit": """
system = running()
process = sleeping(system)
atexit.register(lambda: (process.poll(), system.properties()))
""",
    "waits for exits in threads": """
system = running()
process = sleeping(system)
in_background(system.wait, 2)
in_background(process.wait, 2)
in_background(lambda: process.wait(timeout=30))
""",
    "reads and writes in threads": """
system = running()
reading = sleeping(system)
in_background(reading.stdout.read)
writing = sleeping(system, stdin=PIPE)
in_background(lambda: writing.stdin.write(bytes(1 << 24)))
""",
    "runs in threads": """
system = running()
in_background(lambda: system.run(napping("sleep(60)")), 3)
""",
    "creations in threads": """
def cycle():
    while True:
        try:
            with running() as system:
                system.run(TRUE)
                system.terminate()
        except hcsrt.HcsError:
            return

in_background(cycle, 3)
""",
    "a wait in a thread that Python joins": """
system = running()
process = sleeping(system)
def finish():
    time.sleep(0.1)
    system.terminate()
    system.wait(timeout=30)
threading.Thread(target=finish).start()
""",
    "an interrupted wait in the main thread": """
import signal

def interrupt(*_):
    raise InterruptedError

signal.signal(signal.SIGINT, interrupt)
system = running()
process = sleeping(system)
in_background(process.wait)
try:
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    system.wait()
except InterruptedError:
    pass
""",
    "exit handlers that need HCS": """
def shut_down():
    worker.join()
    assert system.stop() == "shutdown"
    system.close()
    assert hcsrt.emulator.live()["systems"] == 0

atexit.register(shut_down)
system = running()
worker = threading.Thread(target=lambda: system.run(guest("sleep(0.3)")), daemon=True)
worker.start()
""",
    "a finalizer that calls HCS when nobody answers any more": """
class Late:
    def __init__(self):
        self.system = running()

    def __del__(self, terminate=ComputeSystem.terminate, gone=hcsrt.ServiceDisconnectedError):
        try:
            terminate(self.system)
        except gone:
            pass

sys.late = Late()
""",
    "streams of a loop that has ended": """
import asyncio
from hcsrt import aio

async def main():
    system = await aio.ComputeSystem.open(made.id)
    process = await system.popen(napping("out('ready'); sleep(60)"), stdin=PIPE, stdout=PIPE)
    assert await process.stdout.readline() == b"ready\\n"
    process.stdin.write(bytes(1 << 20))
    await asyncio.sleep(0.05)
    return system, process

made = running()
kept = asyncio.run(main())
""",
    "streams of a loop in a thread": """
import asyncio
from hcsrt import aio

async def main():
    async with await aio.ComputeSystem.open(made.id) as system:
        async with await system.popen(napping("out('ready'); sleep(60)"), stdin=PIPE, stdout=PIPE) as process:
            assert await process.stdout.readline() == b"ready\\n"
            process.stdin.write(bytes(1 << 20))
            ready.set()
            await asyncio.gather(process.stdin.drain(), process.stdout.read(), system.wait())

made = running()
ready = threading.Event()
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
ready.wait()
time.sleep(0.05)
""",
    "exit from the middle of a with statement": """
with running() as system, sleeping(system) as process:
    in_background(process.wait)
    process.kill()
    sys.exit(7)
""",
}


# They hang at times in a free-threaded CPython under Wine on a busy machine. Nobody has seen yet where: a lock of
# threading, as in test_callbacks, or hcsrt.
UNKNOWN = pytest.mark.skipif(
    WINE and bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="seen to hang there when the machine is busy"
)
NAMES = [
    pytest.param(name, marks=UNKNOWN if name in ("runs in threads", "creations in threads") else ())
    for name in PROGRAMS
]


def run_program(body: str, folder: Path) -> list[str]:
    """Run a program and return what is wrong with its end."""
    folder.mkdir()
    pids = folder / "pids"
    pids.touch()
    program = subprocess.Popen(
        [sys.executable, "-c", f"{PROLOGUE}{body}\nsys.exit({EXIT_CODE})", pids],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "helpers")},
    )
    try:
        out, err = program.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        return ["hangs"]
    wrong: list[str] = []
    if program.returncode != EXIT_CODE:
        wrong.append(f"exit code {program.returncode}")
    if out or err:
        wrong.append(f"printed {out.decode()}{err.decode()}")
    wrong.extend(f"process {pid} is still there" for pid in pids.read_text().split() if not vanishes(int(pid)))
    return wrong


def vanishes(pid: int) -> bool:
    """Whether a process is gone soon."""
    end = time.monotonic() + 5
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def run_often(name: str, times: int, folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(lambda number: run_program(PROGRAMS[name], folder / str(number)), range(times)))
    failures = [wrong for end in ends for wrong in end]
    assert not failures, f"{len(failures)} in {times} programs:\n" + "\n".join(failures)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_ends_with_everything_open(name: str, tmp_path: Path) -> None:
    run_often(name, 4, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_a_program_ends_with_everything_open_100_times(name: str, tmp_path: Path) -> None:
    run_often(name, 100, tmp_path)
