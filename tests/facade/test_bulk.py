"""Verbs on many things: all at once, with a result or an error for each."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

import hcsrt
from hcsrt import emulator, operations
from hcsrt._blocking import bulk, finish
from hcsrt._facade import MOST_AT_ONCE
from hcsrt._facade.system import SystemCore
from hcsrt._hresults import E_ACCESSDENIED, E_FAIL
from hcsrt._interpose import failing, silent, waiting
from hcsrt.aio import _bulk
from hcsrt.faults import Faults

from ..helpers.latency import latency
from ..helpers.platforms import TICK, catches_signals
from ..helpers.programs import SLEEP, guest
from ..helpers.threads import threads_in

Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

COUNT = 8


def document_of(owner: str) -> dict[str, Any]:
    return emulator.container_document(owner, terminate_on_last_handle_closed=False)


@pytest.fixture
def several() -> Iterator[list[hcsrt.ComputeSystem]]:
    """Some running compute systems."""
    with ExitStack() as stack:
        systems = [
            stack.enter_context(hcsrt.ComputeSystem.create(f"tests-{number}", document_of("tests")))
            for number in range(COUNT)
        ]
        for system in systems:
            system.start()
        yield systems
        for system in systems:
            if not system.closed:
                system.stop(grace=0)


def ids() -> list[str]:
    return sorted(item["Id"] for item in hcsrt.systems())


# --- stop_all and statistics_of ---------------------------------------------------------------------------------------


def test_all_are_stopped_at_once_and_each_says_how(several: list[hcsrt.ComputeSystem]) -> None:
    several[0].terminate()
    several[0].wait(5)
    with hcsrt.ComputeSystem.create("machine", {"VirtualMachine": {}}) as unable:
        unable.start()
        results = hcsrt.stop_all([*several, unable])
    assert results == ["already-stopped", *["shutdown"] * (COUNT - 1), "terminate"]
    assert ids() == []


@catches_signals
def test_one_that_goes_on_is_terminated_when_the_grace_is_over(several: list[hcsrt.ComputeSystem]) -> None:
    stubborn = several[1].popen(guest("ignore('SIGTERM'); out('ready'); sleep(60)"), stdout=hcsrt.PIPE)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    before = time.monotonic()
    results = hcsrt.stop_all(several, grace=0.5)
    assert 0.5 - TICK <= time.monotonic() - before < 5
    assert results == ["shutdown", "terminate", *["shutdown"] * (COUNT - 2)]
    stubborn.close()
    assert ids() == []


def test_they_wait_side_by_side(several: list[hcsrt.ComputeSystem], settle: Callable[..., bool]) -> None:
    with ThreadPoolExecutor(1) as pool:
        # None goes down before all have asked.
        with waiting("HcsShutDownComputeSystem") as asking:
            stopping = pool.submit(hcsrt.stop_all, several)
            assert settle(lambda: asking.waiting == COUNT)
        assert stopping.result() == ["shutdown"] * COUNT


def test_an_error_is_the_result_of_its_system_alone(several: list[hcsrt.ComputeSystem]) -> None:
    several[2].close()
    results = hcsrt.stop_all(several, grace=0)
    assert isinstance(results[2], hcsrt.HandleClosedError)
    del results[2]
    assert results == ["terminate"] * (COUNT - 1)
    assert ids() == ["tests-2"]
    assert hcsrt.reap("tests") == {"tests-2": "terminate"}


def test_statistics_of_many(several: list[hcsrt.ComputeSystem]) -> None:
    pytest.importorskip("psutil")
    several[3].terminate()
    several[3].wait(5)
    results = hcsrt.statistics_of(several)
    assert isinstance(results.pop(3), hcsrt.HcsError)
    assert all(isinstance(result, dict) and "Uptime100ns" in result for result in results)


def test_only_systems_can_be_stopped(several: list[hcsrt.ComputeSystem]) -> None:
    wrong: Any = [several[0], "tests-1"]
    for verb in (hcsrt.stop_all, hcsrt.statistics_of):
        with pytest.raises(TypeError, match=r"systems\[1\] must be a ComputeSystem, not str"):
            verb(wrong)
    assert len(ids()) == COUNT


@pytest.mark.parametrize("most", [0, 1])
def test_they_are_stopped_however_few_threads_there_can_be(
    most: int, several: list[hcsrt.ComputeSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = bulk.start_new_thread

    def limited(function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if len(started) == most:
            raise RuntimeError("can't start new thread")
        started.append(start(function, arguments))

    monkeypatch.setattr(bulk, "start_new_thread", limited)
    assert hcsrt.stop_all(several, grace=0) == ["terminate"] * COUNT
    assert len(started) == most


def test_what_is_of_the_other_face_is_named(several: list[hcsrt.ComputeSystem]) -> None:
    async def mix_up() -> None:
        async with await hcsrt.aio.ComputeSystem.open(several[0].id) as system:
            for verb in (hcsrt.stop_all, hcsrt.statistics_of, hcsrt.close_all):
                with pytest.raises(TypeError, match=r"\[0\] is a ComputeSystem of hcsrt\.aio, which has a function"):
                    verb([system])
        with pytest.raises(TypeError, match=r"items\[0\] is a ComputeSystem of hcsrt, which has a function"):
            await hcsrt.aio.close_all([several[0]])

    asyncio.run(mix_up())
    assert len(ids()) == COUNT


def test_nothing_is_nothing() -> None:
    assert hcsrt.stop_all([]) == []
    assert hcsrt.statistics_of(iter(())) == []
    assert hcsrt.reap("nobody") == {}


def test_ctrl_c_ends_the_wait_for_all(
    several: list[hcsrt.ComputeSystem], interrupted: Interrupted, settle: Callable[..., bool]
) -> None:
    with silent("HcsTerminateComputeSystem"):
        for block in interrupted(0.15):
            with block:
                hcsrt.stop_all(several, grace=0)
    assert settle(lambda: not threads_in(SystemCore._stop))


@catches_signals
def test_after_ctrl_c_a_program_ends_without_what_hangs() -> None:
    program = """
import time
import hcsrt
from hcsrt import _interpose
hcsrt.emulator.install()
system = hcsrt.ComputeSystem.create("hangs", hcsrt.emulator.container_document())
system.start()
_interpose.silent("HcsShutDownComputeSystem").__enter__()
try:
    print("ready", flush=True)
    hcsrt.stop_all([system], grace=60)
except KeyboardInterrupt:
    system.close()
    print("interrupted", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        before = time.monotonic()
        assert child.communicate(timeout=30)[0] == "interrupted\n"
    assert child.returncode == 0
    assert time.monotonic() - before < 5


# --- close_all --------------------------------------------------------------------------------------------------------


def test_all_kinds_are_closed(several: list[hcsrt.ComputeSystem]) -> None:
    process = several[0].popen(SLEEP, stdout=hcsrt.PIPE)
    handle = several[1].duplicate_handle()
    operation = operations.create_operation()
    items = [process, *several, handle, operation, handle]
    assert hcsrt.close_all(iter(items)) == [None] * len(items)
    assert all(item.closed for item in items)
    assert process.stdout is not None
    assert process.stdout.closed
    assert hcsrt.close_all(items) == [None] * len(items)
    assert hcsrt.close_all([]) == []
    assert hcsrt.reap("tests") == dict.fromkeys((f"tests-{number}" for number in range(COUNT)), "terminate")


def test_nothing_is_closed_if_one_item_is_no_such_thing(several: list[hcsrt.ComputeSystem]) -> None:
    wrong: Any = [several[0], 7]
    with pytest.raises(TypeError, match=r"items\[1\] must be a ComputeSystem, a Process or a handle, not int"):
        hcsrt.close_all(wrong)
    assert not several[0].closed


def test_an_error_of_a_close_is_the_result_of_its_item_alone(
    several: list[hcsrt.ComputeSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    close = hcsrt.ComputeSystem.close

    def fail(system: hcsrt.ComputeSystem) -> None:
        close(system)
        if system is several[1]:
            raise OSError("by the test")

    monkeypatch.setattr(hcsrt.ComputeSystem, "close", fail)
    results = hcsrt.close_all([operations.create_operation(), *several])
    assert isinstance(results.pop(2), OSError)
    assert results == [None] * COUNT
    monkeypatch.undo()
    assert len(hcsrt.reap("tests")) == COUNT


@pytest.mark.parametrize("function", ["close_beside", "close_handles"])
def test_handles_are_closed_with_one_release_of_the_gil(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Any, ...]] = []
    close = getattr(bulk, function)
    monkeypatch.setattr(bulk, function, lambda handles: given.append(handles) or close(handles))
    if function == "close_handles":
        monkeypatch.setattr(bulk, "is_traced", lambda: True)
    many = [operations.create_operation() for _ in range(1000)]
    assert hcsrt.close_all(many) == [None] * 1000
    assert given == [tuple(many)]
    assert all(operation.closed for operation in many)


def test_ctrl_c_ends_the_wait_for_handles_and_they_are_closed_all_the_same(
    several: list[hcsrt.ComputeSystem], interrupted: Interrupted, settle: Callable[..., bool]
) -> None:
    with latency(0.3, "HcsCloseComputeSystem"):
        for block in interrupted(0.15):
            handles = [system.duplicate_handle() for system in several[:2]]
            with block:
                hcsrt.close_all(handles)
            assert hcsrt.pending() == 1
            assert settle(lambda: hcsrt.pending() == 0)
            assert all(handle.closed for handle in handles)


@pytest.mark.alone
def test_they_are_closed_side_by_side(several: list[hcsrt.ComputeSystem]) -> None:
    before = time.monotonic()
    with latency(0.3, "HcsCloseComputeSystem"):
        assert hcsrt.close_all(several) == [None] * COUNT
        assert time.monotonic() - before < 0.3 * COUNT / 2
    assert len(hcsrt.reap("tests")) == COUNT


# --- reap -------------------------------------------------------------------------------------------------------------


def test_reap_ends_what_an_owner_has_left_and_nothing_else() -> None:
    for id, owner in (("a", "ci-7"), ("b", "ci-7"), ("c", "ci-70"), ("d", "CI-7"), ("e", "")):
        hcsrt.ComputeSystem.create(id, document_of(owner)).close()
    with hcsrt.ComputeSystem.open("a") as system:
        system.start()
        system.popen(SLEEP).close()
        assert hcsrt.reap("ci-7") == {"a": "terminate", "b": "terminate"}
        assert system.wait(5)["ExitType"] == "ForcedExit"
    assert ids() == ["c", "d", "e"]
    assert hcsrt.reap("ci-7") == {}
    emulator.reset()


@pytest.mark.parametrize(("owner", "error"), [("", ValueError), (None, TypeError), (["a"], TypeError)])
def test_reap_needs_an_owner(owner: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="owner must"):
        hcsrt.reap(owner)


@pytest.fixture
def found(faults: Faults, plain_order: None) -> Callable[..., None]:
    """What the enumeration tells of the system "tests", whatever is true."""

    def tell(**properties: Any) -> None:
        faults.on("HcsEnumerateComputeSystems").answer([{"Id": "tests", "Owner": "tests"} | properties])

    return tell


def test_reap_leaves_a_later_system_of_the_same_id_alone(system: hcsrt.ComputeSystem, found: Any) -> None:
    found(RuntimeId="0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11")
    assert hcsrt.reap("tests") == {"tests": "already-stopped"}
    assert system.properties()["State"] == "Running"


def test_reap_leaves_a_system_alone_that_has_another_owner_by_now(found: Any) -> None:
    with hcsrt.ComputeSystem.create("tests", document_of("somebody")) as system:
        system.start()
        found()
        result = hcsrt.reap("tests")["tests"]
        assert isinstance(result, hcsrt.HcsError)
        assert "owned by 'tests'" in str(result)
        assert system.properties()["State"] == "Running"
        system.stop(grace=0)


@pytest.mark.parametrize("knows_runtime_id", [False, True])
def test_reap_asks_for_one_certain_sign(
    knows_runtime_id: bool, system: hcsrt.ComputeSystem, found: Any, faults: Faults
) -> None:
    if knows_runtime_id:
        found(RuntimeId=system.properties()["RuntimeId"])
    else:
        found()
    answer = {name: value for name, value in system.properties().items() if name != "Owner"}
    with faults.on("completion:HcsGetComputeSystemProperties").rewrite(answer):
        result = hcsrt.reap("tests")["tests"]
    if knows_runtime_id:
        assert result == "terminate"
    else:
        assert isinstance(result, hcsrt.HcsError)
        assert system.properties()["State"] == "Running"


def test_reap_in_a_namespace() -> None:
    for namespace in ("ns", "elsewhere", None):
        hcsrt.ComputeSystem.create("tests", document_of("ci-7"), namespace=namespace).close()
    assert hcsrt.reap("ci-7", namespace="ns") == {"tests": "terminate"}
    assert hcsrt.systems(namespace="ns") == []
    assert hcsrt.reap("ci-7") == {"tests": "terminate"}
    assert hcsrt.reap("ci-7", namespace="elsewhere") == {"tests": "terminate"}
    with pytest.raises(ValueError, match="namespace must not be empty"):
        hcsrt.reap("ci-7", namespace="")


@pytest.mark.alone
def test_the_time_of_reap_is_also_that_of_opening(several: list[hcsrt.ComputeSystem]) -> None:
    before = time.monotonic()
    with latency(1, "HcsOpenComputeSystem"):
        results = hcsrt.reap("tests", timeout=0.2)
        assert time.monotonic() - before < 0.8
    assert len(results) == COUNT
    assert all(isinstance(result, hcsrt.OperationTimeoutError) for result in results.values())


def test_reap_of_what_has_gone_meanwhile_is_done(found: Any) -> None:
    found()
    assert hcsrt.reap("tests") == {"tests": "already-stopped"}


def test_reap_tells_what_refuses_to_end(system: hcsrt.ComputeSystem, plain_order: None) -> None:
    with failing("HcsTerminateComputeSystem", E_ACCESSDENIED):
        assert isinstance(hcsrt.reap("tests")["tests"], hcsrt.AccessDeniedError)


def test_reap_of_a_system_that_answers_nothing_because_it_goes(
    system: hcsrt.ComputeSystem, faults: Faults, plain_order: None, settle: Callable[..., bool]
) -> None:
    refused = faults.on("HcsGetComputeSystemProperties").fail("E_HANDLE", {"ErrorMessage": "by the test"})

    def terminate() -> None:
        settle(lambda: refused.fired)
        system.terminate()

    terminator = threading.Thread(target=terminate)
    terminator.start()
    assert hcsrt.reap("tests") == {"tests": "already-stopped"}
    terminator.join()


def test_reap_of_a_system_that_answers_nothing_and_stays(system: hcsrt.ComputeSystem) -> None:
    with failing("HcsGetComputeSystemProperties", E_FAIL):
        result = hcsrt.reap("tests")["tests"]
    assert isinstance(result, hcsrt.HcsError)
    assert result.hresult & 0xFFFFFFFF == E_FAIL
    assert system.properties()["State"] == "Running"


def test_a_close_that_hangs_does_not_outlive_the_timeout_of_reap(settle: Callable[..., bool]) -> None:
    hang = 20.0
    hcsrt.ComputeSystem.create("left", document_of("hangs")).close()
    with waiting("HcsCloseComputeSystem", hang):
        before = time.monotonic()
        assert hcsrt.reap("hangs", timeout=2) == {"left": "terminate"}
        assert time.monotonic() - before < hang
    assert settle(lambda: hcsrt.pending() == 0)


# --- turns ------------------------------------------------------------------------------------------------------------

MANY = 3 * MOST_AT_ONCE


def test_as_many_as_may_be_have_their_turn_side_by_side_where_each_takes_long() -> None:
    inside = threading.Barrier(MOST_AT_ONCE)

    def action(number: int) -> int:
        inside.wait(60)
        return -number

    assert finish(bulk.at_once(action, list(range(MANY)))) == [-number for number in range(MANY)]


def test_no_more_threads_are_started_than_have_their_turn() -> None:
    lock = threading.Lock()
    threads: set[int] = set()

    def action(_: int) -> None:
        with lock:
            threads.add(threading.get_ident())
        time.sleep(0.03)

    finish(bulk.at_once(action, list(range(MANY))))
    assert len(threads) <= MOST_AT_ONCE


def test_what_is_quick_needs_few_threads() -> None:
    threads: set[int] = set()
    results = finish(bulk.at_once(lambda number: threads.add(threading.get_ident()) or number, list(range(MANY))))
    assert results == list(range(MANY))
    assert len(threads) <= 4


def test_no_more_tasks_than_may_have_their_turn_at_once() -> None:
    async def main() -> None:
        inside = most = 0
        full = asyncio.Event()

        async def action(number: int) -> int:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            if inside == MOST_AT_ONCE:
                full.set()
            await full.wait()
            # So that all of those side by side are seen.
            await asyncio.sleep(0)
            inside -= 1
            if number % 2:
                raise ValueError(number)
            return number

        results = await _bulk.at_once(action, list(range(MANY)))
        assert most == MOST_AT_ONCE
        assert results[::2] == list(range(0, MANY, 2))
        assert all(isinstance(result, ValueError) for result in results[1::2])

    asyncio.run(main())


def test_after_a_cancellation_nobody_has_a_turn_any_more() -> None:
    async def main() -> None:
        begun: list[int] = []

        async def action(number: int) -> None:
            begun.append(number)
            await asyncio.sleep(60)

        task = asyncio.ensure_future(_bulk.at_once(action, list(range(MANY))))
        while len(begun) < MOST_AT_ONCE:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert len(begun) == MOST_AT_ONCE

    asyncio.run(main())
