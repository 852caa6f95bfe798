"""A handle ends while its event callback runs: no close holds the GIL, and none happens on a callback thread."""

import ctypes
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hcsrt
from hcsrt import ComputeSystem, OwnedSystem, _calls, _handles, emulator
from hcsrt._check_host.raw_hcs import Table, event_callback

from ..helpers.platforms import locks_of_a_free_threaded_python_under_wine, only_with_a_gil

EVENT = 0x2000001
HANG_SECONDS = 30


def c_function(name: str) -> Callable[[], None]:
    """A `void (void)` that the handle core gives to Cython code."""
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    return ctypes.CFUNCTYPE(None)(get_pointer(_handles.__pyx_capi__[name], b"void (void)"))  # type: ignore[attr-defined]


def send_event() -> None:
    """Let HCS tell every handle of the compute system something that hcsrt has no use for."""
    emulator.send_event("tests", EVENT)


# --- a close while the callback runs on another thread --------------------------------------------------------------

CLOSES = {
    "close": "handle.close()",
    "with": "with handle: pass",
    "del": "del handle",
    "garbage collection": """
        cycle = [handle]
        cycle.append(cycle)
        del handle, cycle
        gc.collect()
    """,
    "close_all": "_handles.close_all([handle])",
}

# A close that waits for the callback with the GIL held stops its interpreter for ever, so it has one of its own.
PROGRAM = """
import gc, threading, time
import hcsrt
from hcsrt import ComputeSystem, _calls, _handles, emulator
from hcsrt._check_host.raw_hcs import Table, event_callback

emulator.install()
system = ComputeSystem.create("tests", emulator.container_document())
system.start()
handle = _calls.open_system("tests")
running = threading.Event()
returning = []

def callback(type, operation):
    running.set()
    time.sleep(0.05)
    returning.append(type)

assert Table().HcsSetComputeSystemCallback(int(handle.as_raw()), 0, None, event_callback(callback)) == 0
print("ready", flush=True)
emulator.send_event("tests", {event})
assert running.wait(10)
{close}
assert returning == [{event}], "the close did not wait for the callback"
assert emulator.live()["systems"] == 1
system.stop(grace=0)
system.close()
assert emulator.misuses() == []
assert not any(emulator.live().values())
assert hcsrt.pending() == 0
assert hcsrt._handles.leaked() == 0
"""


@pytest.mark.parametrize("close", CLOSES.values(), ids=CLOSES)
def test_a_close_lets_the_callback_have_the_gil(close):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "helpers"), "PYTHONWARNINGS": "ignore"}
    program = PROGRAM.format(event=EVENT, close=textwrap.dedent(close))
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            # How long it takes until then depends on the machine.
            assert child.stdout.readline() == "ready\n"
            assert child.wait(HANG_SECONDS) == 0
        finally:
            child.kill()


# --- the last reference goes inside the callback --------------------------------------------------------------------


class LastReference:
    """A handle whose own event callback drops the last reference to it."""

    def __init__(self, system: ComputeSystem, *, bracketed: bool) -> None:
        # The reaper, which a callback cannot start, runs since the facade has registered one of its own.
        self.handles: list[OwnedSystem] = [_calls.open_system(system.id)]
        self.dropped = threading.Event()
        enter, leave = c_function("callback_enter"), c_function("callback_leave")

        def callback(type: int, operation: int | None) -> None:
            if bracketed:
                enter()
            self.handles.clear()
            if bracketed:
                leave()
            self.dropped.set()

        raw = int(self.handles[0].as_raw())
        assert Table().HcsSetComputeSystemCallback(raw, 0, None, event_callback(callback)) == 0

    def drop(self) -> None:
        send_event()
        assert self.dropped.wait(HANG_SECONDS)


def released(before: dict[str, int]) -> bool:
    return hcsrt.pending() == 0 and emulator.live() == before


@pytest.fixture
def count(system: ComputeSystem) -> Iterator[dict[str, int]]:
    """What lives before a test; none of it leaks."""
    leaked = _handles.leaked()
    yield emulator.live()
    assert _handles.leaked() == leaked


@locks_of_a_free_threaded_python_under_wine
@pytest.mark.parametrize("round", range(5))
def test_a_bracketed_callback_leaves_the_close_to_another_thread(system, count, settle, round):
    last = LastReference(system, bracketed=True)
    assert emulator.live() != count
    last.drop()
    assert settle(lambda: released(count))
    assert emulator.misuses() == []


@pytest.fixture
def forgiven(settle: Callable[..., bool]) -> Iterator[None]:
    """The test commits a misuse and looks at it itself."""
    yield
    assert settle(lambda: not any(emulator.live().values()))
    emulator.reset()


@only_with_a_gil
def test_without_brackets_the_referee_sees_the_close(forgiven, system, count, settle):
    LastReference(system, bracketed=False).drop()
    assert settle(lambda: released(count))
    (misuse,) = emulator.misuses()
    assert misuse.startswith("HcsCloseComputeSystem: ")
    assert "was closed on a callback thread" in misuse
