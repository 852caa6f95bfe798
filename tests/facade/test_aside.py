"""Calls that HCS keeps the caller's thread for: a timeout and Ctrl-C end the wait for them all the same."""

import ctypes
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest

import hcsrt
from hcsrt import _blocking, aio, emulator, service

from ..helpers.children import run_python
from ..helpers.latency import latency
from ..helpers.loops import asynchronous
from ..helpers.platforms import TICK, WINDOWS, catches_signals, fork, win32
from ..helpers.programs import INSTALL, SLEEP, TRUE
from ..helpers.threads import threads_in

Settle = Callable[..., bool]
Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

# How long HCS keeps the thread that calls it.
LONG = 1.0

Call = Callable[..., object]

UNTRACKED: dict[str, Call] = {
    "HcsOpenComputeSystem": lambda system, **options: hcsrt.ComputeSystem.open(system.id, **options),
    "HcsOpenProcess": lambda system, **options: system.open_process(1, **options),
    "HcsGetServiceProperties": lambda system, **options: service.properties("Basic", **options),
    "HcsSetComputeSystemCallback": lambda system, **options: hcsrt.ComputeSystem.open(system.id, **options),
    "HcsSetProcessCallback": lambda system, **options: system.popen(SLEEP, **options),
}
"""HCS tracks them with no operation."""


def create(system: Any, **options: Any) -> object:
    document = emulator.container_document(owner="tests", terminate_on_last_handle_closed=False)
    return hcsrt.ComputeSystem.create("late", document, **options)


TRACKED: dict[str, Call] = {
    "HcsCreateComputeSystem": create,
    "HcsCreateProcess": lambda system, **options: system.popen(SLEEP, **options),
    "HcsEnumerateComputeSystems": lambda system, **options: hcsrt.systems(**options),
    "HcsGetComputeSystemProperties": lambda system, **options: system.properties(**options),
    "HcsModifyComputeSystem": lambda system, **options: system.modify(
        "Container/Memory/SizeInMB", "Update", 512, **options
    ),
    "HcsShutDownComputeSystem": lambda system, **options: system.shutdown(**options),
    "HcsStartComputeSystem": lambda system, **options: system.start(**options),
    "HcsTerminateComputeSystem": lambda system, **options: system.terminate(**options),
}
"""Here HCS has not even taken the operation."""
CALLS = UNTRACKED | TRACKED


@pytest.mark.alone
@pytest.mark.parametrize("function", CALLS)
def test_a_timeout_ends_the_wait(function: str, system: hcsrt.ComputeSystem) -> None:
    with latency(LONG, function):
        before = time.monotonic()
        with pytest.raises(hcsrt.OperationTimeoutError) as caught:
            CALLS[function](system, timeout=0.2)
        assert hcsrt.pending() == 1
        assert 0.2 - TICK <= time.monotonic() - before < LONG / 2
    assert caught.value.operation == function


@pytest.mark.alone
@asynchronous
async def test_a_timeout_ends_the_wait_of_a_task(system: hcsrt.ComputeSystem) -> None:
    async with await aio.ComputeSystem.open(system.id, timeout=5) as opened:
        with latency(LONG, *UNTRACKED):
            for call in (
                lambda: aio.ComputeSystem.open(system.id, timeout=0.2),
                lambda: opened.open_process(1, timeout=0.2),
                lambda: aio.service.properties("Basic", timeout=0.2),
                lambda: opened.popen(SLEEP, timeout=0.2),
            ):
                before = time.monotonic()
                with pytest.raises(hcsrt.OperationTimeoutError):
                    await call()
                assert 0.2 - TICK <= time.monotonic() - before < LONG / 2


@pytest.mark.parametrize("function", CALLS)
@catches_signals
def test_ctrl_c_ends_the_wait(function: str, system: hcsrt.ComputeSystem, interrupted: Interrupted) -> None:
    with latency(LONG, function):
        for block in interrupted(0.15):
            with block:
                CALLS[function](system)


@pytest.mark.parametrize("kind", ["system", "process"])
@catches_signals
def test_ctrl_c_ends_the_wait_for_a_close(kind: str, system: hcsrt.ComputeSystem, interrupted: Interrupted) -> None:
    for block in interrupted(0.15):
        opened: Any = system.popen(SLEEP) if kind == "process" else hcsrt.ComputeSystem.open(system.id)
        with latency(LONG, "HcsCloseComputeSystem", "HcsCloseProcess"), block:
            opened.close()
        assert opened.closed


@pytest.mark.parametrize("command", [TRUE, SLEEP])
def test_a_close_that_hangs_does_not_outlive_the_timeout_of_run(
    command: list[str], system: hcsrt.ComputeSystem, monkeypatch: pytest.MonkeyPatch, settle: Settle
) -> None:
    monkeypatch.setattr("hcsrt._blocking.process.CLEANUP_TIMEOUT", 0.2)
    hang = 20.0
    with latency(hang, "HcsCloseProcess"):
        before = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            system.run(command, timeout=0.3 if command is SLEEP else 10)
        assert time.monotonic() - before < hang
    assert settle(lambda: hcsrt.pending() == 0)


ENDS: dict[str, Callable[[hcsrt.ComputeSystem], object]] = {
    "run": lambda system: system.run(SLEEP),
    "popen": lambda system: system.popen(SLEEP),
    "create": create,
    "the end of a block": lambda system: sleep_with(system.popen(SLEEP)),
    "the end of the block of a system": lambda system: sleep_with(hcsrt.ComputeSystem.open(system.id)),
}


def sleep_with(block: AbstractContextManager[Any]) -> None:
    with block:
        time.sleep(60)


@pytest.mark.parametrize("end", ENDS)
@catches_signals
def test_after_ctrl_c_nothing_is_waited_for(
    end: str, system: hcsrt.ComputeSystem, interrupted: Interrupted, settle: Settle
) -> None:
    """HCS is slow with what cleans up, too."""
    slow = ["HcsTerminateProcess", "HcsCloseProcess", "HcsTerminateComputeSystem", "HcsCloseComputeSystem"]
    slow += {"popen": ["HcsSetProcessCallback"], "create": ["HcsSetComputeSystemCallback"]}.get(end, [])
    for block in interrupted(0.15):
        with latency(LONG, *slow), block:
            ENDS[end](system)
        assert settle(lambda: hcsrt.pending() == 0)
    assert settle(lambda: not system.process_list() or end == "the end of a block")
    assert hcsrt.systems(ids="late") == []


@pytest.mark.alone
def test_stop_goes_on_to_the_next_rung_when_hcs_keeps_the_thread_that_asks(system: hcsrt.ComputeSystem) -> None:
    before = time.monotonic()
    with latency(LONG, "HcsShutDownComputeSystem"):
        assert system.stop(grace=0.2, timeout=LONG) == "terminate"
        assert time.monotonic() - before < LONG * 0.8


@pytest.mark.alone
def test_what_stop_opens_for_itself_is_closed_within_its_time(system: hcsrt.ComputeSystem) -> None:
    system.properties()
    before = time.monotonic()
    with latency(LONG, "HcsCloseComputeSystem"):
        assert system.stop(grace=0, timeout=0.4) == "terminate"
        assert time.monotonic() - before < LONG * 0.8


def test_errors_and_results_come_back(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(hcsrt.SystemNotFoundError):
        hcsrt.ComputeSystem.open("nobody", timeout=5)
    with hcsrt.ComputeSystem.open(system.id, timeout=5) as opened:
        assert opened.properties()["Id"] == system.id


def test_helpers_are_used_again_and_do_not_pile_up(settle: Settle) -> None:
    def helpers() -> int:
        return threads_in(_blocking._Helper._work)

    for _ in range(3):
        service.properties("Basic", timeout=5)
    assert 0 < helpers() <= _blocking._MOST_IDLE
    many = [threading.Thread(target=service.properties, kwargs={"timeout": 10}) for _ in range(16)]
    with latency(0.2, "HcsGetServiceProperties"):
        for thread in many:
            thread.start()
        for thread in many:
            thread.join()
    assert settle(lambda: 0 < helpers() <= _blocking._MOST_IDLE)


def test_without_another_thread_the_call_is_made_on_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(function: Any, arguments: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_blocking, "_idle", [])
    monkeypatch.setattr(_blocking, "start_new_thread", refuse)
    assert service.properties("Basic", timeout=5)["Properties"]


@pytest.mark.parametrize("function", ["HcsCreateComputeSystem", "HcsCreateProcess", "HcsOpenComputeSystem"])
def test_an_interrupt_at_any_line_leaves_nothing_behind(
    function: str, system: hcsrt.ComputeSystem, settle: Settle
) -> None:
    code = _blocking.aside.__code__
    interrupted = 0
    for wanted in sorted({line for *_, line in code.co_lines() if line}):

        def trace(frame: Any, event: str, _: Any, wanted: int = wanted) -> Any:
            if frame.f_code is not code:
                return None
            if event == "line" and frame.f_lineno == wanted:
                sys.settrace(None)
                raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        made: Any = None
        sys.settrace(trace)
        try:
            made = CALLS[function](system)
        except KeyboardInterrupt:
            interrupted += 1
        finally:
            sys.settrace(before)
        if made is not None:
            if function != "HcsOpenComputeSystem":
                made.terminate()
            made.close()
        assert settle(lambda: hcsrt.pending() == 0)
        assert settle(lambda: (emulator.live()["systems"], emulator.live()["processes"]) == (1, 0))
        assert settle(lambda: not hcsrt.systems(ids="late") and not system.process_list())
    assert interrupted > 10


@win32
def test_a_thread_that_acts_as_somebody_else_makes_its_calls_itself() -> None:
    advapi32 = ctypes.WinDLL("advapi32")
    security_impersonation = 2
    main = threading.get_ident()
    assert _blocking.aside("f", 5, threading.get_ident) != main
    assert advapi32.ImpersonateSelf(security_impersonation)
    try:
        assert _blocking.aside("f", 5, threading.get_ident) == main
    finally:
        assert advapi32.RevertToSelf()
    assert _blocking.aside("f", 5, threading.get_ident) != main


@fork
def test_a_forked_child_has_helpers_of_its_own() -> None:
    program = """
import os, sys
from hcsrt._blocking import aside

assert aside("f", 5, os.getpid) == os.getpid()
child = os.fork()
if not child:
    os._exit(0 if aside("f", 5, os.getpid) == os.getpid() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    # From 3.12 on CPython warns of a fork beside other threads, which is what this is about.
    done = run_python(program, "-W", "ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")


def test_at_the_end_of_the_interpreter_no_other_thread_is_waited_for() -> None:
    program = """
import threading
from hcsrt._blocking import aside

class Late:
    # Its globals may be gone by then.
    def __del__(self, aside=aside, ident=threading.get_ident, print=print):
        results = []
        print(aside("f", None, ident, results=results) == self.main, results == [self.main])

aside("f", None, int)
late = Late()
late.main = threading.get_ident()
"""
    done = run_python(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")


def test_python_exits_after_a_first_call_that_has_imported_threading(document: dict[str, Any]) -> None:
    """The emulator imports it, on the thread that makes the first call."""
    install = INSTALL if WINDOWS else ""  # elsewhere that would import it on the main thread
    code = f"import hcsrt\n{install}\nhcsrt.ComputeSystem.create('first', {document!r}).close()\nprint('made')"
    done = run_python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "made\n", "")
