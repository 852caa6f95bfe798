"""A short program that is run again and again, each time with another allocation of hcsrt's native code failing.

    LD_PRELOAD=failing_allocator.so python out_of_memory.py [--first 1] [--step 1] [--width 1] [--jobs 2]

Each run is a forked child of this process, which has imported everything and started nothing. Prints a line of JSON for
a run that comes to no good: the number of the allocation that failed, what came of it, and where it was. The last line
counts what came of all of them.
"""

import argparse
import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 90.0
"""Seconds after which a run hangs; one takes less than a second where nothing else runs."""
TIMEOUT = 10.0
"""Seconds that anything in the program may take; without memory for any question a wait ends with it."""

BROKEN = ("abort", "hang", "leak", "other")
OUTCOMES = ("MemoryError", "OSError", "HcsError", "success", *BROKEN)

no_memory = {0x8007000E, 0x800705AA, 0x8037011D}
"""E_OUTOFMEMORY; ERROR_NO_SYSTEM_RESOURCES for a program that could not be started; HCS_E_PROCESS_INFO_NOT_AVAILABLE
for an exit code that neither the event nor the question had memory for."""

E_INVALIDARG = 0x80070057
"""Told by a varied emulator, as by Server 2022, for a process that runs: the question whether it does had no memory."""

shim = ctypes.CDLL(None)


def counter() -> ctypes.c_uint64:
    return ctypes.c_uint64.in_dll(shim, "failing_allocator_count")


def fail(number: int) -> None:
    """Fail the allocation of this number, counted from now on; 0 for none."""
    counter().value = 0
    ctypes.c_uint64.in_dll(shim, "failing_allocator_fails").value = number


def place_of_failure() -> str:
    """Return the file and the offset in it behind the allocation that failed; empty if none did."""
    address = ctypes.c_void_p.in_dll(shim, "failing_allocator_failed").value or 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, offset, _, _, *path = line.split(maxsplit=5)
        begin, end = (int(bound, 16) for bound in span.split("-"))
        if begin <= address < end and path:
            return f"{Path(path[0]).name}+{address - begin + int(offset, 16):#x}"
    return ""


# --- the program ----------------------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    return emulator.container_document(owner="memory")


def blocking() -> None:
    with hcsrt.ComputeSystem.create("memory", document()) as system, system.events() as events:
        system.start()
        done = system.run(["sh", "-c", "echo out; echo err >&2"], capture_output=True, timeout=TIMEOUT)
        assert (done.stdout, done.stderr) == (b"out\n", b"err\n"), done
        with system.popen(["cat"], stdin=hcsrt.PIPE, stdout=hcsrt.PIPE) as process, process.events() as exits:
            with system.open_process(process.pid) as same:
                assert process.communicate(b"in", timeout=TIMEOUT)[0] == b"in"
                same.wait(timeout=TIMEOUT)
            last = exits.get(timeout=TIMEOUT)
            assert (last and last.type) == "ProcessExited"
        with hcsrt.ComputeSystem.open("memory") as again:
            assert again.properties(timeout=TIMEOUT)["State"] == "Running"
        assert "memory" in [found["Id"] for found in hcsrt.systems(timeout=TIMEOUT)]
        abandoned(system)
        by_hand(system)
        forked()
        seen = system.run(["echo", "seen"], console=True, stdout=hcsrt.PIPE, timeout=TIMEOUT)
        assert seen.stdout == b"seen\r\n", seen
        # Loses its handle while it runs.
        system.popen(["sleep", "30"]).close()
        system.stop(grace=0)
        assert [event.type for event in events][-1] == "SystemExited"


def abandoned(system: Any) -> None:
    """Let the reaper adopt calls, of which one creates."""
    for call in (
        lambda: system.properties(timeout=0),
        lambda: hcsrt.ComputeSystem.create("memory-late", document(), timeout=0).close(),
        lambda: system.popen(["true"], timeout=0).close(),
    ):
        with contextlib.suppress(hcsrt.OperationTimeoutError):
            call()


def by_hand(system: Any) -> None:
    operation = hcsrt.operations.create_operation()
    with operation:
        hcsrt.operations.kick_off(operation, "HcsGetComputeSystemProperties", system.handle)
        assert hcsrt.operations.wait_first([operation], timeout=TIMEOUT) is operation
        hcsrt.operations.operation_result(operation)


def forked() -> None:
    """Begin afresh in a forked child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with hcsrt.ComputeSystem.create("memory-forked", document()) as system:
                system.start()
            code = 0
        except BaseException as error:
            code = 3 if is_expected(error) else 4
            if code == 4:
                traceback.print_exc()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 3:
        raise MemoryError("in the forked child")
    assert code == 0, f"the forked child ended with {code}"


async def awaited() -> None:
    async with await hcsrt.aio.ComputeSystem.create("memory", document()) as system, system.events() as events:
        await system.start()
        done = await system.run(["sh", "-c", "cat; echo err >&2"], input=b"in", capture_output=True, timeout=TIMEOUT)
        assert (done.stdout, done.stderr) == (b"in", b"err\n"), done
        async with await system.popen(["cat"], stdin=hcsrt.PIPE, stdout=hcsrt.PIPE) as process:
            process.stdin.write(b"line\n")
            assert await process.stdout.readline() == b"line\n"
            process.stdin.close()
            assert await process.wait() == 0
        several = await asyncio.gather(*[system.properties(timeout=TIMEOUT) for _ in range(4)])
        assert all(each["State"] == "Running" for each in several)
        cancelled = asyncio.ensure_future(system.properties())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        late = hcsrt.aio.ComputeSystem.create("memory-later", document(), timeout=0.0001)
        with contextlib.suppress(hcsrt.OperationTimeoutError):
            await (await late).close()
        await system.stop(grace=0)
        assert [event.type async for event in events][-1] == "SystemExited"


def whole() -> None:
    blocking()
    asyncio.run(awaited())


# --- one run --------------------------------------------------------------------------------------------------------


def is_expected(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(is_expected(each) for each in error.exceptions)
    if isinstance(error, hcsrt.HcsError):
        return error.hresult & 0xFFFFFFFF in no_memory
    return isinstance(error, (MemoryError, OSError))


def name_of(error: BaseException) -> str:
    if not is_expected(error):
        return "other"
    for kind, name in ((hcsrt.HcsError, "HcsError"), (OSError, "OSError")):
        if isinstance(error, kind):
            return name
    return "MemoryError"


def left_behind() -> dict[str, int]:
    counts = {
        "pending": hcsrt.pending(),
        "leaked": hcsrt._handles.leaked(),
        "in flight": hcsrt._engine.counts()["in_flight"],
        "misuses": len(emulator.misuses()),
        **emulator.live(),
        # Those whose handles were closed are terminated.
        "systems of the service": len(hcsrt.systems()),
    }
    return {name: count for name, count in counts.items() if count}


def what_is_left(seconds: float = 10.0) -> str:
    """Return what is still there after some seconds; empty if it all goes before."""
    gc.collect()
    end = time.monotonic() + seconds
    while left_behind() and time.monotonic() < end:
        time.sleep(0.005)
    return f"{left_behind()} {emulator.misuses()}" if left_behind() else ""


def run_once(number: int, plant: str, settle: float) -> dict[str, Any]:
    """Run the program with an allocation failing, look what is left, and run it once more."""
    unraisable: list[str] = []
    sys.unraisablehook = lambda told: unraisable.append(f"{told.err_msg}: {told.exc_value!r}")
    told = ""
    kept = None
    fail(number)
    try:
        whole()
        outcome = "success"
    except BaseException as error:
        outcome = name_of(error)
        told = "".join(traceback.format_exception(error)) if outcome == "other" else repr(error)
        if plant == "abort":
            os.abort()
        if plant == "hang":
            time.sleep(1000)
    allocations = counter().value
    place = place_of_failure()
    fail(0)
    if plant == "leak" and told:
        kept = hcsrt.operations.create_operation()
    left = what_is_left(settle)
    if left:
        outcome, told = "leak", f"{told} {left}"
    elif outcome != "other":
        try:
            whole()
            left = what_is_left(settle)
        except BaseException as error:
            left = "".join(traceback.format_exception(error))
        if left:
            outcome, told = "other", f"{told}; the second time: {left}"
    if any("MemoryError" not in each for each in unraisable):
        outcome, told = "other", f"{told} {unraisable}"
    del kept
    return {"n": number, "outcome": outcome, "told": told, "place": place, "allocations": allocations}


def child(number: int, arguments: argparse.Namespace, output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable(all_threads=True)
    faulthandler.dump_traceback_later(0.9 * arguments.patience, exit=False)
    if arguments.vary:
        emulator.install(number)
        no_memory.add(E_INVALIDARG)
    result = run_once(number, arguments.plant, settle=arguments.patience / 9)
    faulthandler.cancel_dump_traceback_later()
    os.write(1, b"\n" + json.dumps(result).encode())
    os._exit(0)


# --- all runs -------------------------------------------------------------------------------------------------------


class Run:
    def __init__(self, number: int, arguments: argparse.Namespace) -> None:
        self.number = number
        self.output = tempfile.TemporaryFile()  # noqa: SIM115, as it is open until the child has ended
        self.deadline = time.monotonic() + arguments.patience
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            child(number, arguments, self.output.fileno())

    def result(self) -> dict[str, Any] | None:
        """Return what came of it; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        hangs = not pid and time.monotonic() > self.deadline
        if hangs:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        elif not pid:
            return None
        self.output.seek(0)
        said = self.output.read().decode(errors="replace")
        if hangs:
            return {"n": self.number, "outcome": "hang", "told": said}
        if status:
            return {"n": self.number, "outcome": "abort", "told": f"status {status}: {said}"}
        return json.loads(said.splitlines()[-1])


def run_all(arguments: argparse.Namespace, tell: Callable[[dict[str, Any]], None]) -> None:
    """Run with one allocation after another failing, until the program makes fewer."""
    running: list[Run] = []
    number = arguments.first
    over = False
    while running or not over:
        while not over and len(running) < arguments.jobs:
            running.append(Run(number, arguments))
            number += arguments.step
            over = number == arguments.first + arguments.most * arguments.step
        for run in running[:]:
            if (result := run.result()) is not None:
                running.remove(run)
                run.output.close()
                if result["outcome"] == "success" and result["allocations"] < run.number:
                    over = True
                else:
                    tell(result)
        time.sleep(0.002)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--most", type=int, default=0, help="end after so many runs")
    parser.add_argument("--width", type=int, default=1, help="how many allocations fail in a row")
    parser.add_argument("--vary", action="store_true", help="vary the emulator, in each run in another way")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--patience", type=float, default=PATIENCE)
    parser.add_argument("--plant", choices=("abort", "hang", "leak"), default="")
    arguments = parser.parse_args()
    ctypes.c_uint64.in_dll(shim, "failing_allocator_width").value = arguments.width
    counts: Counter[str] = Counter()

    def tell(result: dict[str, Any]) -> None:
        counts[result["outcome"]] += 1
        if result["outcome"] in BROKEN:
            print(json.dumps(result), flush=True)

    run_all(arguments, tell)
    print(json.dumps({"runs": counts.total(), **{name: counts[name] for name in OUTCOMES}}))
    return any(counts[name] for name in BROKEN)


def import_all() -> None:
    """Import what the program needs, which starts nothing: the children of this process have a single thread."""
    global hcsrt, emulator
    import hcsrt
    import hcsrt._engine
    import hcsrt._handles
    import hcsrt.aio
    import hcsrt.operations
    from hcsrt import emulator

    warnings.simplefilter("ignore")


def import_without_memory(number: int) -> dict[str, Any]:
    """Import it with an allocation failing, and once more."""
    fail(number)
    try:
        import_all()
        outcome = "success"
    except MemoryError:
        outcome = "MemoryError"
    allocations = counter().value
    fail(0)
    import_all()
    whole()
    left = what_is_left()
    return {"n": number, "outcome": "leak" if left else outcome, "told": left, "allocations": allocations}


if __name__ == "__main__":
    shim.failing_allocator_of(os.fsencode(f"{Path(importlib.util.find_spec('hcsrt').origin).resolve().parent}{os.sep}"))
    if sys.argv[1:2] == ["--import"]:
        print(json.dumps(import_without_memory(int(sys.argv[2]))))
    else:
        import_all()
        sys.exit(main())
