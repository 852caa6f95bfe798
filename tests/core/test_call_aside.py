"""Blocking calls that a worker of the engine makes, so that Ctrl-C and timeouts end the wait for them."""

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

import hcsrt
from hcsrt import _blocking, _calls, _engine
from hcsrt._handles import OwnedSystem
from hcsrt.faults import Faults

from ..helpers.children import run_python
from ..helpers.latency import latency
from ..helpers.platforms import catches_signals, fork, linux
from ..helpers.programs import INSTALL

Settle = Callable[..., bool]
Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

PROPERTIES = "HcsGetComputeSystemProperties"
LONG = 1.0


@pytest.fixture
def handle(system: hcsrt.ComputeSystem) -> OwnedSystem:
    return system.handle


def test_the_document_comes_as_text_or_as_an_object(handle: OwnedSystem, faults: Faults) -> None:
    faults.on(PROPERTIES).answer('{"Id": "one"}')
    assert _calls.call_aside(handle, PROPERTIES) == '{"Id": "one"}'
    assert _calls.call_aside(handle, PROPERTIES, None, 30, None, dict) == {"Id": "one"}
    with pytest.raises(hcsrt.HcsError, match="not a JSON array"):
        _calls.call_aside(handle, PROPERTIES, kind=list)


def test_no_document_is_none_or_an_empty_object(handle: OwnedSystem, faults: Faults) -> None:
    faults.on(PROPERTIES).answer(None)
    assert _calls.call_aside(handle, PROPERTIES) is None
    assert _calls.call_aside(handle, PROPERTIES, kind=dict) == {}


def test_the_error_of_hcs_is_raised(handle: OwnedSystem, faults: Faults) -> None:
    faults.on(PROPERTIES).fail("HCS_E_ACCESS_DENIED", '{"ErrorMessage": "not you"}')
    for kind in (None, dict):
        with pytest.raises(hcsrt.AccessDeniedError, match="not you"):
            _calls.call_aside(handle, PROPERTIES, kind=kind)


@pytest.mark.parametrize(
    ("function", "options", "error"),
    [
        ("HcsNothing", {}, ValueError),
        ("HcsCreateProcess", {}, ValueError),
        ("HcsGetProcessProperties", {}, TypeError),
        (PROPERTIES, {"identity": 1}, ValueError),
        ("HcsModifyComputeSystem", {"text": "{}", "identity": "one"}, TypeError),
        (PROPERTIES, {"text": 1}, TypeError),
        (PROPERTIES, {"text": "a\0b"}, ValueError),
        (PROPERTIES, {"timeout": -1}, ValueError),
        (PROPERTIES, {"timeout": "soon"}, TypeError),
        (PROPERTIES, {"kind": str}, TypeError),
    ],
)
def test_wrong_arguments_are_refused_before_the_call(
    function: str, options: dict[str, Any], error: type[Exception], handle: OwnedSystem
) -> None:
    before = sys.getrefcount(handle)
    with pytest.raises(error):
        _calls.call_aside(handle, function, **options)
    assert sys.getrefcount(handle) == before


def test_a_closed_handle_is_refused(system: hcsrt.ComputeSystem) -> None:
    handle = hcsrt.ComputeSystem.open(system.id)
    handle.close()
    with pytest.raises(hcsrt.HandleClosedError):
        _calls.call_aside(handle.handle, PROPERTIES)


def test_hcs_is_asked_once_whatever_time_there_is(hcs_host: hcsrt.emulator.Host, system: hcsrt.ComputeSystem) -> None:
    hcs_host.assume(completion="inside_the_call", answers="at_once")
    for _ in range(100):
        assert system.properties(timeout=0)["Id"] == system.id


def test_no_thread_of_python_is_needed(system: hcsrt.ComputeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a thread is started")

    monkeypatch.setattr(_blocking, "_idle", [])
    monkeypatch.setattr(_blocking, "start_new_thread", refuse)
    for timeout in (None, 30):
        assert system.properties(timeout=timeout)["Id"] == system.id


@linux
def test_the_caller_sleeps_once_a_call_at_most(handle: OwnedSystem, faults: Faults) -> None:
    """It is woken for the outcome alone, and no GIL is fought for."""
    import resource

    faults.on(PROPERTIES).answer("{}")
    _calls.call_aside(handle, PROPERTIES)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    for _ in range(200):
        _calls.call_aside(handle, PROPERTIES)
    assert resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before <= 220


def test_threads_do_not_grow_with_calls(handle: OwnedSystem) -> None:
    _calls.call_aside(handle, PROPERTIES)
    before = _engine.counts()["threads"]
    for _ in range(50):
        _calls.call_aside(handle, PROPERTIES)
    assert _engine.counts()["threads"] <= before + 1


def test_one_call_does_not_wait_for_another_that_hcs_keeps(system: hcsrt.ComputeSystem) -> None:
    release, errors = threading.Event(), list[BaseException]()

    def ask() -> None:
        try:
            with pytest.raises(hcsrt.OperationTimeoutError):
                system.pause(timeout=0.3)
        except BaseException as error:
            errors.append(error)
        release.set()

    with latency(LONG, "HcsPauseComputeSystem"):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        while not release.is_set():
            assert system.properties()["Id"] == system.id
        for thread in threads:
            thread.join()
    assert not errors


@catches_signals
def test_ctrl_c_leaves_nothing_behind(handle: OwnedSystem, interrupted: Interrupted, settle: Settle) -> None:
    before = sys.getrefcount(handle)
    with latency(LONG, PROPERTIES):
        for block in interrupted(0.1):
            with block:
                _calls.call_aside(handle, PROPERTIES, '{"PropertyTypes": ["Memory"]}')
        assert hcsrt.pending() > 0
    assert settle(lambda: hcsrt.pending() == 0 and sys.getrefcount(handle) == before)
    assert settle(lambda: _engine.in_flight() == 0)


@pytest.mark.parametrize("where", ["HcsWaitForOperationResult", PROPERTIES])
def test_a_timeout_leaves_nothing_behind(where: str, handle: OwnedSystem, settle: Settle) -> None:
    before = sys.getrefcount(handle)
    with latency(LONG, where, "HcsGetOperationResult"):
        for kind in (None, dict):
            with pytest.raises(hcsrt.OperationTimeoutError) as caught:
                _calls.call_aside(handle, PROPERTIES, None, 0.05, None, kind)
            assert caught.value.operation == PROPERTIES
    gc.collect()
    assert settle(lambda: hcsrt.pending() == 0 and sys.getrefcount(handle) == before)
    assert settle(lambda: _engine.in_flight() == 0)


def test_a_close_under_the_call_waits_for_its_end(system: hcsrt.ComputeSystem, settle: Settle) -> None:
    opened = hcsrt.ComputeSystem.open(system.id)
    told: list[object] = []

    def ask() -> None:
        try:
            told.append(_calls.call_aside(opened.handle, PROPERTIES, None, 30, None, dict)["Id"])
        except (hcsrt.HcsError, hcsrt.HandleClosedError) as error:
            told.append(error)

    with latency(0.3, PROPERTIES):
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.1)
        opened.close()
        thread.join()
    assert opened.closed
    assert len(told) == 1
    assert settle(lambda: hcsrt.pending() == 0)


@contextmanager
def alarm_after(seconds: float, act: Callable[..., Any]) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, act)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@catches_signals
def test_what_a_signal_handler_raises_ends_the_wait(handle: OwnedSystem, settle: Settle) -> None:
    def refuse(*_: Any) -> None:
        raise LookupError("enough")

    with latency(LONG, PROPERTIES), alarm_after(0.1, refuse), pytest.raises(LookupError, match="enough"):
        _calls.call_aside(handle, PROPERTIES)
    assert settle(lambda: hcsrt.pending() == 0)


@catches_signals
def test_a_signal_handler_may_make_a_call_of_its_own(system: hcsrt.ComputeSystem) -> None:
    told: list[str] = []

    def ask(*_: Any) -> None:
        told.append(system.properties()["Id"])

    refused = pytest.raises(hcsrt.HcsError)  # of a container
    with latency(0.5, "HcsPauseComputeSystem"), alarm_after(0.1, ask), refused:
        system.pause()
    assert told == [system.id]


@fork
def test_a_forked_child_makes_calls_of_its_own() -> None:
    done = run_python(f"""
import os
import hcsrt
from hcsrt import emulator
{INSTALL}
document = emulator.container_document(owner="tests")
with hcsrt.ComputeSystem.create("parent", document) as system:
    system.properties()
    child = os.fork()
    if child == 0:
        try:
            system.properties()
        except hcsrt.HandleClosedError as error:
            assert "parent process" in str(error), error
        with hcsrt.ComputeSystem.create("child", document) as own:
            own.start()
            assert own.properties()["State"] == "Running"
            own.terminate()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    print(system.properties()["Id"])
    system.terminate()
""")
    assert (done.stdout, done.returncode) == ("parent\n", 0), done.stderr


@fork
@catches_signals
def test_a_child_that_a_signal_handler_forks_in_the_wait_does_not_hang() -> None:
    done = run_python(f"""
import os, signal
import hcsrt
from hcsrt import _interpose, emulator
{INSTALL}
children = []
def branch(*_):
    children.append(os.fork())
signal.signal(signal.SIGALRM, branch)
with hcsrt.ComputeSystem.create("one", emulator.container_document(owner="tests")) as system:
    system.start()
    try:
        with _interpose.waiting("HcsGetComputeSystemProperties", 0.5):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            system.properties()
    except hcsrt.HandleClosedError as error:
        os._exit(9 if "parent process" in str(error) else 8)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 9
    system.terminate()
print("done")
""")
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def test_calls_of_many_threads_with_a_timeout_get_their_own_outcomes(system: hcsrt.ComputeSystem) -> None:
    wrong: list[object] = []
    with hcsrt.ComputeSystem.create("another", hcsrt.emulator.container_document(owner="tests")) as other:

        def ask(one: hcsrt.ComputeSystem) -> None:
            for _ in range(100):
                if (found := one.properties(timeout=60)["Id"]) != one.id:
                    wrong.append(found)

        threads = [threading.Thread(target=ask, args=(one,)) for one in (system, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.terminate()
    assert not wrong


@linux
def test_a_program_that_ends_in_the_middle_of_an_abandoned_call_ends() -> None:
    done = run_python(f"""
import hcsrt
from hcsrt import _interpose, emulator
{INSTALL}
system = hcsrt.ComputeSystem.create("one", emulator.container_document(owner="tests"))
with _interpose.waiting("HcsGetComputeSystemProperties", 0.3):
    try:
        system.properties(timeout=0.05)
    except hcsrt.OperationTimeoutError:
        print("timed out")
system.terminate()
system.close()
""")
    assert (done.stdout, done.returncode) == ("timed out\n", 0), done.stderr
