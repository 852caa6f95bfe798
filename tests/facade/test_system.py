"""Compute systems through the facade: their life, their end, their handles."""

import json
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import hcsrt
from hcsrt import _calls, _watch, emulator
from hcsrt._facade import times
from hcsrt._hresults import E_ACCESSDENIED, E_FAIL, E_HANDLE, HCS_E_SYSTEM_ALREADY_STOPPED
from hcsrt._interpose import failing, late, silent, waiting
from hcsrt.faults import Faults

from ..helpers.children import run_python
from ..helpers.latency import hanging
from ..helpers.platforms import TICK, catches_signals
from ..helpers.programs import TRUE, guest
from ..helpers.spies import documents_of

HCS_E_SERVICE_DISCONNECT = 0x8037011E

DATA = Path(__file__).parents[1] / "data"
INVALID = sorted((DATA / "invalid").glob("*.json"))
VALID = sorted(DATA.glob("container-*.json")) + sorted(DATA.glob("vm-*.json"))

Document = dict[str, Any]
Settle = Callable[..., bool]
Interrupted = Callable[[float], Iterator[AbstractContextManager[None]]]

STUBBORN = guest("ignore('SIGTERM', 'SIGHUP'); out('ready'); sleep(60)")


def ids() -> list[str]:
    return [item["Id"] for item in hcsrt.systems()]


def ignoring_shutdown(system: hcsrt.ComputeSystem) -> hcsrt.Process[bytes]:
    """A process in the system that only a termination ends."""
    process = system.popen(STUBBORN, stdout=hcsrt.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


# --- creating and opening ---------------------------------------------------------------------------------------------


def test_a_system_lives_from_create_to_stop(document: Document) -> None:
    with hcsrt.ComputeSystem.create("web-1", document) as system:
        assert system.id == "web-1"
        assert system.properties()["Id"] == "web-1"
        assert not system.closed
        system.start()
        assert system.properties("Statistics")["State"] == "Running"
        assert system.stop() == "shutdown"
        assert system.wait(timeout=5)["ExitType"] == "GracefulExit"
    assert system.closed
    assert ids() == []


def test_a_document_may_be_json_text(document: Document) -> None:
    with hcsrt.ComputeSystem.create("text", json.dumps(document)) as system:
        system.terminate()


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_real_documents_are_created_started_queried_and_terminated(path: Path) -> None:
    document = json.loads(path.read_text())
    kind = "Container" if "Container" in document else "VirtualMachine"
    with hcsrt.ComputeSystem.create("real", document) as system:
        system.start()
        properties = system.properties()
        assert properties["SystemType"] == kind
        assert properties["State"] == "Running"
        assert hcsrt.systems(owner=document["Owner"], types=kind)[0]["Id"] == "real"
        system.terminate()
        assert system.wait(timeout=5)["ExitType"] == "ForcedExit"


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_document_is_refused_and_the_error_names_the_place(path: Path) -> None:
    case = json.loads(path.read_text())
    with pytest.raises(hcsrt.InvalidDocumentError) as caught:
        hcsrt.ComputeSystem.create("invalid", case["document"])
    assert caught.value.symbol == "HCS_E_INVALID_JSON"
    assert caught.value.operation == "HcsCreateComputeSystem"
    assert case["place"] in str(caught.value)
    assert ids() == []


def test_text_that_is_no_json_is_refused_before_any_call() -> None:
    with pytest.raises(ValueError, match=r"document.*line 1"):
        hcsrt.ComputeSystem.create("invalid", '{"Owner": ')


@pytest.mark.parametrize(
    ("id", "error", "message"),
    [
        (None, TypeError, "id must be a str, not NoneType"),
        (7, TypeError, "id must be a str, not int"),
        (b"web", TypeError, "id must be a str, not bytes"),
        ("", ValueError, "id must not be empty"),
        ("web\0-1", ValueError, "id must not contain a NUL"),
    ],
)
def test_ids_are_checked(id: Any, error: type[Exception], message: str, document: Document) -> None:
    with pytest.raises(error, match=message):
        hcsrt.ComputeSystem.create(id, document)
    with pytest.raises(error, match=message):
        hcsrt.ComputeSystem.open(id)


def test_on_abandon_is_checked(document: Document) -> None:
    with pytest.raises(ValueError, match="'terminate' or 'keep', not 'close'"):
        hcsrt.ComputeSystem.create("x", document, on_abandon="close")  # type: ignore[arg-type]


def test_an_id_that_is_taken_is_refused_and_its_system_lives_on(
    system: hcsrt.ComputeSystem, document: Document
) -> None:
    with pytest.raises(hcsrt.SystemAlreadyExistsError) as caught:
        hcsrt.ComputeSystem.create(system.id, document)
    assert isinstance(caught.value, FileExistsError)
    assert system.properties()["State"] == "Running"


def test_open_finds_the_same_system(system: hcsrt.ComputeSystem) -> None:
    with hcsrt.ComputeSystem.open(system.id) as again:
        assert again.id == system.id
        assert again.properties()["RuntimeId"] == system.properties()["RuntimeId"]
        again.terminate()
    assert system.wait(timeout=5)["ExitType"] == "ForcedExit"


def test_open_of_an_unknown_id_is_a_lookup_error() -> None:
    with pytest.raises(hcsrt.SystemNotFoundError) as caught:
        hcsrt.ComputeSystem.open("nobody")
    assert isinstance(caught.value, LookupError)
    assert caught.value.operation == "HcsOpenComputeSystem"


@pytest.mark.parametrize(("on_abandon", "left"), [("terminate", []), ("keep", ["abandoned"])])
def test_a_create_that_times_out_leaves_what_it_was_told_to(
    on_abandon: Any, left: list[str], document: Document, settle: Callable[..., bool]
) -> None:
    with late("HcsCreateComputeSystem") as asked, pytest.raises(hcsrt.OperationTimeoutError) as caught:
        hcsrt.ComputeSystem.create("abandoned", document, timeout=0.02, on_abandon=on_abandon)
    assert isinstance(caught.value, TimeoutError)
    assert settle(lambda: hcsrt.pending() == 0)
    # On a busy machine hcsrt.aio takes the call back before a thread has made it.
    assert ids() == (left if asked.met else [])


@pytest.mark.parametrize(("on_abandon", "left"), [("terminate", []), ("keep", ["half-made"])])
def test_a_create_whose_callback_cannot_be_registered_fails(
    on_abandon: Any, left: list[str], document: Document
) -> None:
    refused = failing("HcsSetComputeSystemCallback", E_FAIL)
    with refused, pytest.raises(hcsrt.HcsError, match="HcsSetComputeSystemCallback"):
        hcsrt.ComputeSystem.create("half-made", document, on_abandon=on_abandon)
    assert ids() == left


def test_an_interrupt_right_after_the_call_loses_no_system(document: Document, settle: Settle) -> None:
    def interrupt(frame: Any, event: str, function: Any) -> None:
        if event == "c_return" and getattr(function, "__name__", "") == "extend":
            sys.setprofile(None)
            raise KeyboardInterrupt

    try:
        sys.setprofile(interrupt)
        with pytest.raises(KeyboardInterrupt):
            hcsrt.ComputeSystem.create("lost", document)
    finally:
        sys.setprofile(None)
    assert settle(lambda: ids() == [])


@pytest.mark.parametrize("existing", [False, True])
def test_an_interrupt_right_after_the_constructor_loses_no_system(
    existing: bool, document: Document, recwarn: pytest.WarningsRecorder
) -> None:
    made: list[Any] = []

    def interrupt(frame: Any, event: str, function: Any) -> None:
        if made:
            sys.setprofile(None)
            raise KeyboardInterrupt
        if event == "return" and frame.f_code is hcsrt.ComputeSystem.__init__.__code__:
            made.append(frame.f_code)

    def construct() -> hcsrt.ComputeSystem:
        return hcsrt.ComputeSystem.open("there") if existing else hcsrt.ComputeSystem.create("lost", document)

    with hcsrt.ComputeSystem.create("there", document) as there:
        try:
            sys.setprofile(interrupt)
            with pytest.raises(KeyboardInterrupt):
                construct()
        finally:
            sys.setprofile(None)
        assert ids() == ["there"]
        assert not recwarn.list
        there.terminate()


def test_abandoning_what_is_closed_hides_no_interrupt(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def close_and_interrupt(handle: Any) -> None:
        handle.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(_watch, "watch_system", close_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        hcsrt.ComputeSystem.create("closed", document | {"ShouldTerminateOnLastHandleClosed": True})


# --- the verbs --------------------------------------------------------------------------------------------------------


def test_a_state_that_does_not_allow_the_request_is_an_error(document: Document) -> None:
    with hcsrt.ComputeSystem.create("states", document) as system:
        with pytest.raises(hcsrt.InvalidStateError):
            system.shutdown()
        with pytest.raises(hcsrt.InvalidStateError):
            system.run(TRUE)
        system.start()
        with pytest.raises(hcsrt.InvalidStateError) as caught:
            system.start()
        assert caught.value.operation == "HcsStartComputeSystem"
        system.terminate()
        system.wait(timeout=5)
        with pytest.raises((hcsrt.InvalidStateError, hcsrt.AlreadyStoppedError)):
            system.start()
        with pytest.raises(hcsrt.AlreadyStoppedError):
            system.shutdown()


@pytest.mark.parametrize(
    ("timeout", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError), ([], TypeError)]
)
def test_timeouts_are_checked(timeout: Any, error: type[Exception], system: hcsrt.ComputeSystem) -> None:
    verbs: list[Callable[[], object]] = [
        lambda: hcsrt.ComputeSystem.create("x", emulator.container_document(), timeout=timeout),
        lambda: system.start(timeout=timeout),
        lambda: system.shutdown(timeout=timeout),
        lambda: system.terminate(timeout=timeout),
        lambda: system.stop(timeout=timeout),
        lambda: system.wait(timeout=timeout),
        lambda: system.crash(timeout=timeout),
        lambda: system.pause(timeout=timeout),
        lambda: system.resume(timeout=timeout),
        lambda: system.save(timeout=timeout),
        lambda: system.modify("Container/Memory/SizeInMB", "Update", 512, timeout=timeout),
        lambda: system.properties(timeout=timeout),
        lambda: system.popen(TRUE, timeout=timeout),
        lambda: system.run(TRUE, timeout=timeout),
        lambda: system.statistics(timeout=timeout),
        lambda: system.process_list(timeout=timeout),
        lambda: system.memory(timeout=timeout),
        lambda: system.open_process(1, timeout=timeout),
        lambda: system.initialize_live_migration(timeout=timeout),
        lambda: system.start_live_migration(1, timeout=timeout),
        lambda: system.start_live_migration_transfer(timeout=timeout),
        lambda: system.finalize_live_migration(timeout=timeout),
        lambda: system.cancel_live_migration(timeout=timeout),
        lambda: hcsrt.systems(timeout=timeout),
        lambda: hcsrt.stop_all([system], timeout=timeout),
        lambda: hcsrt.statistics_of([system], timeout=timeout),
        lambda: hcsrt.reap("tests", timeout=timeout),
    ]
    for verb in verbs:
        with pytest.raises(error, match="timeout must be"):
            verb()
    with pytest.raises(error, match="grace must be"):
        system.stop(grace=timeout)
    assert system.properties()["State"] == "Running"


def functions_of(method: Any) -> list[str]:
    """The functions of HCS behind a method, as its documentation names them."""
    return (method.__doc__ or "").partition("HCS: ")[2].strip().rstrip(".").split(", ")


@pytest.mark.alone
@pytest.mark.parametrize(
    ("method", "place", "verb"),
    [
        (hcsrt.ComputeSystem.start, 0, lambda system: system.start(timeout=0.05)),
        (hcsrt.ComputeSystem.shutdown, 0, lambda system: system.shutdown(timeout=0.05)),
        (hcsrt.ComputeSystem.terminate, 0, lambda system: system.terminate(timeout=0.05)),
        (hcsrt.ComputeSystem.properties, 0, lambda system: system.properties(timeout=0.05)),
        (hcsrt.ComputeSystem.crash, 0, lambda system: system.crash(timeout=0.05)),
        (hcsrt.ComputeSystem.pause, 0, lambda system: system.pause(timeout=0.05)),
        (hcsrt.ComputeSystem.resume, 0, lambda system: system.resume(timeout=0.05)),
        (hcsrt.ComputeSystem.save, 0, lambda system: system.save("/saved.vmrs", timeout=0.05)),
        (hcsrt.ComputeSystem.modify, 0, lambda system: system.modify("Container/Processor", "Update", timeout=0.05)),
        (hcsrt.ComputeSystem.popen, 0, lambda system: system.popen(TRUE, timeout=0.05)),
        (hcsrt.systems, 0, lambda system: hcsrt.systems(timeout=0.05)),
        (hcsrt.systems, 1, lambda system: hcsrt.systems(namespace="ns", timeout=0.05)),
    ],
)
def test_each_verb_has_its_timeout(
    method: Any,
    place: int,
    verb: Callable[[hcsrt.ComputeSystem], object],
    system: hcsrt.ComputeSystem,
    plain_order: None,
) -> None:
    function = functions_of(method)[place]
    with hanging(function):
        before = time.monotonic()
        with pytest.raises(hcsrt.OperationTimeoutError) as caught:
            verb(system)
        assert time.monotonic() - before < 1
        assert caught.value.operation == function
        assert hcsrt.pending() > 0


def test_terminate_is_idempotent(system: hcsrt.ComputeSystem) -> None:
    with hcsrt.ComputeSystem.open(system.id) as again:
        system.terminate()
        system.terminate()
        again.terminate()
        system.wait(timeout=5)
        system.terminate()
        again.terminate()


def test_terminate_from_many_threads_is_one_success_for_all(system: hcsrt.ComputeSystem) -> None:
    start = threading.Barrier(8)

    def terminate() -> None:
        start.wait()
        system.terminate(timeout=10)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(terminate) for _ in range(8)]:
            done.result()
    assert system.wait(timeout=5)["ExitType"] == "ForcedExit"


def test_a_terminate_of_a_system_that_is_on_its_way_down_is_a_success(
    system: hcsrt.ComputeSystem, plain_order: None
) -> None:
    with failing("HcsTerminateComputeSystem", HCS_E_SYSTEM_ALREADY_STOPPED) as refusal:
        system.terminate()
    assert refusal.met == 1


def test_a_refused_terminate_of_a_running_system_is_an_error(system: hcsrt.ComputeSystem, plain_order: None) -> None:
    with failing("HcsTerminateComputeSystem", E_ACCESSDENIED), pytest.raises(hcsrt.AccessDeniedError):
        system.terminate()


def test_shutdown_passes_its_options_on(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(hcsrt.InvalidDocumentError, match=r"\$.Mechanism"):
        system.shutdown({"Mechanism": "Hope"})
    with pytest.raises(ValueError, match="options"):
        system.shutdown("no json")
    system.shutdown({"Type": "Shutdown"})
    assert system.wait(timeout=5)["ExitType"] == "GracefulExit"


# --- stop -------------------------------------------------------------------------------------------------------------


def test_stop_says_that_it_was_stopped_already(system: hcsrt.ComputeSystem) -> None:
    system.terminate()
    system.wait(timeout=5)
    assert system.stop() == "already-stopped"
    assert system.stop() == "already-stopped"


def test_stop_of_a_system_that_another_handle_has_stopped(lost_events: None, system: hcsrt.ComputeSystem) -> None:
    with hcsrt.ComputeSystem.open(system.id) as again:
        again.terminate()
    assert system.stop() == "already-stopped"


def test_stop_terminates_what_was_never_started(document: Document) -> None:
    with hcsrt.ComputeSystem.create("never-started", document) as system:
        before = time.monotonic()
        assert system.stop(grace=30) == "terminate"
        assert time.monotonic() - before < 5
    assert ids() == []


def test_stop_without_grace_terminates_at_once(system: hcsrt.ComputeSystem) -> None:
    assert system.stop(grace=0) == "terminate"
    assert system.wait(timeout=5)["ExitType"] == "ForcedExit"


@catches_signals
def test_stop_terminates_when_the_grace_is_over(plain_order: None, system: hcsrt.ComputeSystem) -> None:
    with ignoring_shutdown(system) as process:
        before = time.monotonic()
        assert system.stop(grace=0.3) == "terminate"
        assert 0.3 - TICK <= time.monotonic() - before < 5
        assert process.wait(timeout=5) != 0


def test_stop_terminates_a_machine_whose_guest_cannot_be_asked() -> None:
    document = json.loads((DATA / "vm-empty.json").read_text())
    with hcsrt.ComputeSystem.create("vm", document) as system:
        system.start()
        before = time.monotonic()
        assert system.stop(grace=30) == "terminate"
        assert time.monotonic() - before < 5


def test_stop_gets_past_a_shutdown_that_hangs(system: hcsrt.ComputeSystem) -> None:
    with silent("HcsShutDownComputeSystem"):
        assert system.stop(grace=0.1) == "terminate"
        assert hcsrt.pending() == 1


def test_stop_gets_past_a_start_that_hangs(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a handle of its own: HCS may let nothing else through on the one that hangs."""
    used: list[Any] = []
    call = _calls.call_aside

    def spy(handle: Any, function: str, *args: Any) -> Any:
        if function == "HcsTerminateComputeSystem":
            used.append(handle)
        return call(handle, function, *args)

    monkeypatch.setattr(_calls, "call_aside", spy)
    with hcsrt.ComputeSystem.create("hung", document) as system, ThreadPoolExecutor(1) as pool:
        with silent("HcsStartComputeSystem"):
            start = pool.submit(system.start)
            assert system.stop(grace=0.1) == "terminate"
            assert not start.done()
        with pytest.raises(hcsrt.HcsError, match="HcsStartComputeSystem"):
            start.result()
        assert used != [system.handle]
        assert [handle.closed for handle in used] == [True]


@pytest.mark.alone
def test_timeouts_hold_while_questions_hang(document: Document, system: hcsrt.ComputeSystem) -> None:
    with silent("HcsGetComputeSystemProperties"):
        before = time.monotonic()
        hcsrt.ComputeSystem.create("slow", document, timeout=0.2).close()
        assert time.monotonic() - before < 0.5
        before = time.monotonic()
        with pytest.raises(TimeoutError):
            system.wait(0.1)
        assert time.monotonic() - before < 0.4
        before = time.monotonic()
        assert system.stop(grace=0, timeout=0.5) == "terminate"
        assert time.monotonic() - before < 0.8


def test_stop_from_two_threads_stops_once(system: hcsrt.ComputeSystem) -> None:
    with ThreadPoolExecutor(2) as pool:
        rungs = [done.result() for done in [pool.submit(system.stop) for _ in range(2)]]
    assert set(rungs) <= {"shutdown", "already-stopped"}
    assert "shutdown" in rungs


def test_stop_never_touches_a_later_system_of_the_same_id(
    document: Document, lost_events: None, plain_order: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.05)
    with hcsrt.ComputeSystem.create("twin", document) as first:
        first.start()
        with hcsrt.ComputeSystem.open("twin") as again:
            again.terminate()
        with hcsrt.ComputeSystem.create("twin", document) as second:
            second.start()
            # HCS tells the first handle neither that its system has stopped nor anything else of use.
            with failing("HcsShutDownComputeSystem", E_FAIL):
                assert first.stop() == "already-stopped"
            assert second.properties()["State"] == "Running"
            with pytest.raises(hcsrt.SystemNotFoundError, match="Another compute system has the id 'twin' now"):
                first.duplicate_handle()
            second.terminate()


def test_stop_believes_that_an_id_is_gone_when_the_handle_leads_nowhere(
    lost_events: None, plain_order: None, system: hcsrt.ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash of the service, whose disconnect did not come through either."""
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.05)
    with hcsrt.ComputeSystem.open(system.id) as again:
        again.terminate()
    with (
        failing("HcsShutDownComputeSystem", HCS_E_SERVICE_DISCONNECT),
        failing("HcsGetComputeSystemProperties", HCS_E_SERVICE_DISCONNECT),
    ):
        assert system.stop() == "already-stopped"
        assert system.wait() == {}


def test_stop_raises_when_the_system_does_not_end(
    system: hcsrt.ComputeSystem, faults: Faults, plain_order: None
) -> None:
    faults.on("HcsTerminateComputeSystem").answer()
    with pytest.raises(TimeoutError, match=r"'tests' was terminated, but has not exited within 0\.2 s"):
        system.stop(grace=0, timeout=0.2)
    emulator.reset()


# --- wait -------------------------------------------------------------------------------------------------------------


def test_wait_times_out_while_the_system_runs(system: hcsrt.ComputeSystem) -> None:
    for timeout in (0, 0.05):
        with pytest.raises(TimeoutError, match="'tests' has not exited within"):
            system.wait(timeout)


def test_every_waiter_sees_the_exit_and_late_ones_too(system: hcsrt.ComputeSystem) -> None:
    with hcsrt.ComputeSystem.open(system.id) as again, ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(each.wait, 10) for each in (system, system, again, again)]
        system.terminate()
        assert {wait.result()["ExitType"] for wait in waits} == {"ForcedExit"}
        assert system.wait()["ExitType"] == "ForcedExit"
    assert system.wait(0)["ExitType"] == "ForcedExit"


def test_the_exit_is_known_after_close(system: hcsrt.ComputeSystem) -> None:
    system.stop()
    system.close()
    assert system.wait()["ExitType"] == "GracefulExit"


def test_an_exit_document_is_the_callers_own(system: hcsrt.ComputeSystem) -> None:
    system.stop()
    system.wait().clear()
    assert system.wait()["ExitType"] == "GracefulExit"


@pytest.mark.alone
def test_close_ends_a_wait(system: hcsrt.ComputeSystem) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(system.wait, 10)
        time.sleep(0.05)
        before = time.monotonic()
        system.close()
        with pytest.raises(hcsrt.HandleClosedError):
            wait.result()
        assert time.monotonic() - before < 1


def test_wait_finds_an_exit_whose_event_is_lost(lost_events: None, system: hcsrt.ComputeSystem) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(system.wait, 10)
        time.sleep(0.05)
        system.terminate()
        assert wait.result()["ExitType"] == "ForcedExit"


def test_wait_finds_a_lost_exit_that_is_somebody_elses_doing(lost_events: None, system: hcsrt.ComputeSystem) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(system.wait, 10)
        time.sleep(0.2)
        with hcsrt.ComputeSystem.open(system.id) as again:
            again.terminate()
        assert wait.result()["ExitType"] == "ForcedExit"


@pytest.mark.parametrize("hresult", [E_HANDLE, HCS_E_SYSTEM_ALREADY_STOPPED])
def test_a_refused_question_about_a_system_that_is_gone_is_an_exit(
    hresult: int, lost_events: None, plain_order: None, system: hcsrt.ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.1)
    system.terminate()
    with failing("HcsGetComputeSystemProperties", hresult):
        assert system.wait(10) == {}


def test_a_close_does_not_forget_what_another_thread_learns_meanwhile(
    system: hcsrt.ComputeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = {"ExitType": "GracefulExit"}

    def latched() -> None:
        system._exit = learnt  # pyright: ignore[reportPrivateUsage]

    system.terminate()
    monkeypatch.setattr(system, "_latched", latched)
    system.close()
    assert system.wait(0) == learnt


def test_a_refused_question_about_a_system_that_runs_is_none(system: hcsrt.ComputeSystem, plain_order: None) -> None:
    system._query_at = 0  # pyright: ignore[reportPrivateUsage]
    with failing("HcsGetComputeSystemProperties", E_HANDLE) as refusal, pytest.raises(TimeoutError):
        system.wait(0.2)
    assert refusal.met


def test_stopped_alone_is_no_exit(document: Document, faults: Faults, plain_order: None) -> None:
    """A created machine may have no State yet; were it Stopped as well, it would still have to be terminated."""
    faults.on("HcsGetComputeSystemProperties").answer({"Id": "vm", "Stopped": True, "ExitType": "None"})
    with hcsrt.ComputeSystem.create("vm", document) as system:
        assert system.stop() == "terminate"


@pytest.mark.parametrize("data", ["", "no json", "[]", "7"])
def test_an_exit_with_a_document_that_nobody_can_read_is_an_exit(
    data: str, system: hcsrt.ComputeSystem, faults: Faults
) -> None:
    faults.on("event:SystemExited").rewrite(data)
    system.terminate()
    assert system.wait(5) == {}


def test_wait_says_when_the_service_goes_away(system: hcsrt.ComputeSystem) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(system.wait, 10)
        time.sleep(0.05)
        emulator.reset()
        with pytest.raises(hcsrt.ServiceDisconnectedError) as caught:
            wait.result()
    assert isinstance(caught.value, ConnectionError)
    with pytest.raises(hcsrt.ServiceDisconnectedError):
        system.wait()
    with pytest.raises(hcsrt.ServiceDisconnectedError):
        system.properties()
    assert system.stop() == "already-stopped"  # by its id it is not there any more


def test_wait_says_that_the_service_has_gone_if_only_questions_tell(
    lost_events: None, plain_order: None, system: hcsrt.ComputeSystem
) -> None:
    system._query_at = 0  # pyright: ignore[reportPrivateUsage]
    disconnected = failing("HcsGetComputeSystemProperties", HCS_E_SERVICE_DISCONNECT)
    with disconnected, pytest.raises(hcsrt.ServiceDisconnectedError):
        system.wait(10)


def test_open_of_a_system_that_stops_meanwhile_knows_the_exit(
    lost_events: None, system: hcsrt.ComputeSystem, settle: Settle
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with waiting("HcsSetComputeSystemCallback") as rule:
            opening = pool.submit(hcsrt.ComputeSystem.open, system.id)
            assert settle(lambda: rule.waiting == 1)
            system.terminate()
        with opening.result(10) as again:
            assert again.wait(timeout=0)["ExitType"] == "ForcedExit"


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "verb"),
    [
        (None, lambda system: system.wait()),
        (None, lambda system: system.wait(timeout=20)),
        ("HcsStartComputeSystem", lambda system: system.start()),
        ("HcsShutDownComputeSystem", lambda system: system.stop()),
        ("HcsTerminateComputeSystem", lambda system: system.terminate()),
        ("HcsGetComputeSystemProperties", lambda system: system.properties()),
        ("HcsEnumerateComputeSystems", lambda system: hcsrt.systems()),
    ],
)
def test_ctrl_c_ends_every_wait(
    function: str | None,
    verb: Callable[[hcsrt.ComputeSystem], object],
    system: hcsrt.ComputeSystem,
    interrupted: Interrupted,
) -> None:
    with hanging(*[function] if function else []):
        for block in interrupted(0.15):
            with block:
                verb(system)


def test_ctrl_c_in_create_leaves_no_system(
    document: Document, interrupted: Interrupted, settle: Callable[..., bool]
) -> None:
    for block in interrupted(0.1):
        with late("HcsCreateComputeSystem"), block:
            hcsrt.ComputeSystem.create("interrupted", document)
    assert settle(lambda: hcsrt.pending() == 0)
    assert ids() == []


# --- properties and enumeration ---------------------------------------------------------------------------------------


def test_properties_are_asked_for_by_type_or_by_query(system: hcsrt.ComputeSystem) -> None:
    assert "Statistics" not in system.properties()
    assert "Uptime100ns" in system.properties("Statistics", "ProcessList")["Statistics"]
    assert "Statistics" in system.properties(query={"PropertyTypes": ["Statistics"]})
    assert "Statistics" in system.properties(query='{"PropertyTypes": ["Statistics"]}')
    with pytest.raises(ValueError, match="not both"):
        system.properties("Statistics", query={})
    with pytest.raises(TypeError, match="a property type must be a str"):
        system.properties(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="query"):
        system.properties(query="Statistics")
    with pytest.raises(hcsrt.InvalidDocumentError, match="PropertyTypes"):
        system.properties("Weather")


@pytest.mark.parametrize("text", ["[]", "no json", '"Running"'])
def test_an_answer_that_is_no_object_is_an_error(text: str, system: hcsrt.ComputeSystem, faults: Faults) -> None:
    answered = faults.on("HcsGetComputeSystemProperties").answer(text)
    with answered, pytest.raises(hcsrt.HcsError, match="not a JSON object"):
        system.properties()


def test_systems_filters_by_all_that_is_asked(document: Document) -> None:
    other = emulator.container_document(owner="other")
    machine = json.loads((DATA / "vm-empty.json").read_text())
    create = hcsrt.ComputeSystem.create
    with create("a", document), create("b", other), create("c", machine | {"Owner": "tests"}):

        def found(**filters: Any) -> list[str]:
            return sorted(item["Id"] for item in hcsrt.systems(**filters))

        assert found() == ["a", "b", "c"]
        assert found(owner="tests") == ["a", "c"]
        assert found(owner=iter(["tests", "other"])) == ["a", "b", "c"]
        assert found(owner="test") == []
        assert found(ids="a") == ["a"]
        assert found(ids={"a", "b", "x"}) == ["a", "b"]
        assert found(types="VirtualMachine") == ["c"]
        assert found(owner="tests", types=["Container"]) == ["a"]
        assert found(ids=[]) == []
        for system in map(hcsrt.ComputeSystem.open, "abc"):
            system.terminate()
            system.close()


def test_systems_compares_exactly_whatever_hcs_thinks_a_match_is(faults: Faults) -> None:
    found = [
        {"Id": "web-1", "SystemType": "Container", "Owner": "ci"},
        {"Id": "web-10", "SystemType": "Container", "Owner": "ci-2"},
        {"Id": "WEB-1", "SystemType": "Container", "Owner": "CI"},
        {"Id": "web-2", "SystemType": "VirtualMachine"},
    ]
    faults.on("HcsEnumerateComputeSystems").answer(found)
    with documents_of("HcsEnumerateComputeSystems", 0) as asked:
        assert hcsrt.systems() == found
        assert hcsrt.systems(ids="web-1") == found[:1]
        assert hcsrt.systems(owner="ci") == found[:1]
        assert hcsrt.systems(owner="ci", ids="web-10") == []
    assert asked == [None, {"Ids": ["web-1"]}, {"Owners": ["ci"]}, {"Owners": ["ci"], "Ids": ["web-10"]}]


def test_systems_refuses_filters_that_are_no_names() -> None:
    with pytest.raises(TypeError, match=r"owner\[1\] must be a str, not int"):
        hcsrt.systems(owner=["a", 1])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="ids must not be empty"):
        hcsrt.systems(ids="")


@pytest.mark.parametrize(
    ("value", "message"),
    [(5, "owner must be a str or a list of them, not int"), (b"x", "owner must be text.*not bytes")],
)
def test_systems_names_the_filter_that_is_wrong(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        hcsrt.systems(owner=value)


def test_modify_names_the_value_that_is_wrong(system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(TypeError, match=r"^settings\['a'\]\[0\] is of type object"):
        system.modify("a", "Add", {"a": [object()]})
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(hcsrt.InvalidDocumentError, match="guest_request is nested too deep"):
        system.modify("a", "Add", guest_request=endless)


@pytest.mark.parametrize("as_text", [False, True])
def test_huge_integers_are_refused_by_name(as_text: bool) -> None:
    document: Any = f'{{"A": {"9" * 5000}}}' if as_text else {"A": 10**5000}
    with pytest.raises(hcsrt.InvalidDocumentError, match="document"):
        hcsrt.ComputeSystem.create("huge", document)


def test_an_enumeration_that_is_no_list_is_an_error(faults: Faults) -> None:
    faults.on("HcsEnumerateComputeSystems").answer({"Error": 0})
    with pytest.raises(hcsrt.HcsError, match=r"HcsEnumerateComputeSystems.*not a JSON array"):
        hcsrt.systems()


# --- handles ----------------------------------------------------------------------------------------------------------


def test_the_end_of_the_block_closes_and_does_not_stop(document: Document) -> None:
    with hcsrt.ComputeSystem.create("goes-on", document) as system:
        system.start()
    assert system.closed
    assert emulator.live()["systems"] == 0
    with hcsrt.ComputeSystem.open("goes-on") as again:
        assert again.properties()["State"] == "Running"
        again.terminate()


def test_a_system_ends_with_its_last_handle_if_its_document_says_so(settle: Callable[..., bool]) -> None:
    document = emulator.container_document()
    assert document["ShouldTerminateOnLastHandleClosed"]
    with hcsrt.ComputeSystem.create("ends", document) as system:
        system.start()
    assert settle(lambda: ids() == [])


def test_close_is_idempotent_and_whatever_comes_after_it_is_an_error(document: Document) -> None:
    system = hcsrt.ComputeSystem.create("closed", document)
    system.close()
    system.close()
    assert repr(system) == "<hcsrt.ComputeSystem 'closed' closed>"
    for verb in (system.start, system.shutdown, system.terminate, system.stop, system.properties):
        with pytest.raises(hcsrt.HandleClosedError):
            verb()
    with pytest.raises(hcsrt.HandleClosedError):
        system.popen(TRUE)
    with pytest.raises(hcsrt.HandleClosedError):
        system.duplicate_handle()
    with pytest.raises(hcsrt.HandleClosedError):
        system.__enter__()
    with hcsrt.ComputeSystem.open("closed") as again:
        again.terminate()


def test_ending_what_has_ended_is_success_also_after_the_close(document: Document) -> None:
    with hcsrt.ComputeSystem.create("ended", document) as system:
        system.start()
        system.stop(grace=0)
    system.terminate()
    assert system.stop() == "already-stopped"
    with pytest.raises(hcsrt.HandleClosedError):
        system.shutdown()


@pytest.mark.parametrize("value", [-5, 1 << 70, "8", 8.0])
def test_what_is_no_windows_handle_is_named(value: Any, system: hcsrt.ComputeSystem) -> None:
    error, reason = (ValueError, "no Windows handle") if isinstance(value, int) else (TypeError, "as an int, not")
    for call in (lambda: system.start(migration_socket=value), lambda: system.start_live_migration(value)):
        with pytest.raises(error, match=f"migration_socket .*{reason}"):
            call()
    with pytest.raises(error, match=f"identity .*{reason}"):
        system.modify("a", "Add", identity=value)


@pytest.mark.parametrize("pid", [-1, 1 << 32])
def test_what_is_no_process_id_is_named(pid: int, system: hcsrt.ComputeSystem) -> None:
    with pytest.raises(ValueError, match=f"pid must be from 0 to 4294967295, not {pid}"):
        system.open_process(pid)


def test_the_handle_is_owned_and_cannot_be_given_away(system: hcsrt.ComputeSystem) -> None:
    assert isinstance(system.handle, hcsrt.OwnedSystem)
    with pytest.raises(hcsrt.HandleBusyError):
        system.handle.into_raw()
    assert system.properties()["Id"] == "tests"


def test_a_duplicate_handle_makes_the_round_trip_through_raw(system: hcsrt.ComputeSystem) -> None:
    duplicate = system.duplicate_handle()
    assert emulator.live()["systems"] == 2
    raw = duplicate.into_raw()
    assert duplicate.closed
    assert emulator.live()["systems"] == 2
    with hcsrt.OwnedSystem.from_raw(raw) as handle:
        assert json.loads(_calls.call(handle, "HcsGetComputeSystemProperties") or "")["Id"] == "tests"
    assert emulator.live()["systems"] == 1


def test_a_duplicate_of_a_system_that_is_gone_cannot_be_had(system: hcsrt.ComputeSystem) -> None:
    system.terminate()
    system.wait(5)
    with pytest.raises(hcsrt.SystemNotFoundError):
        system.duplicate_handle()
    assert emulator.live()["systems"] == 1


def test_an_unclosed_system_warns_and_is_closed(document: Document) -> None:
    system = hcsrt.ComputeSystem.create("forgotten", document)
    handle = system.handle
    with pytest.warns(ResourceWarning, match=r"unclosed <hcsrt.ComputeSystem 'forgotten'>"):
        del system
    assert handle.closed
    assert emulator.live()["systems"] == 0


def test_the_handle_is_closed_even_if_the_warning_is_an_error(document: Document) -> None:
    system = hcsrt.ComputeSystem.create("forgotten", document)
    raised: list[Any] = []
    before, sys.unraisablehook = sys.unraisablehook, raised.append
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            del system
    finally:
        sys.unraisablehook = before
    assert [type(report.exc_value) for report in raised] == [ResourceWarning]
    raised.clear()  # the traceback holds the object
    assert emulator.live()["systems"] == 0


def test_what_hcsrt_logs_it_logs_quietly(document: Document, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), hcsrt.ComputeSystem.create("logged", document) as system:
        system.start()
        system.stop(grace=0)
    assert {record.name for record in caplog.records} == {"hcsrt.system", "hcsrt.calls"}
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert "'logged'" in caplog.text


def test_signal_handlers_run_while_a_wait_goes_on(system: hcsrt.ComputeSystem) -> None:
    """An exception out of any handler ends the wait, as it does everywhere in Python."""
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(InterruptedError("by the test")))
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGTERM])
    try:
        with pytest.raises(InterruptedError, match="by the test"):  # noqa: PT012 - it may come before the wait
            timer.start()
            system.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
        timer.join()


# --- the package ------------------------------------------------------------------------------------------------------


def test_the_package_offers_what_it_says() -> None:
    names: dict[str, Any] = {}
    exec("from hcsrt import *", names)
    assert set(hcsrt.__all__) <= set(names)
    assert hcsrt.PIPE == subprocess.PIPE
    assert hcsrt.STDOUT == subprocess.STDOUT
    assert hcsrt.DEVNULL == subprocess.DEVNULL
    with pytest.raises(AttributeError, match="module 'hcsrt' has no attribute 'nothing'"):
        hcsrt.nothing  # type: ignore[attr-defined] # noqa: B018


def test_the_package_has_its_modules_though_it_imports_them_late() -> None:
    names = ["aio", "bulk", "doctor", "documents", "emulator", "errors", "events", "operations", "process", "service"]
    program = f"""
import hcsrt
print([name in dir(hcsrt) for name in {names}], [getattr(hcsrt, name).__name__ for name in {names}])
"""
    done = run_python(program)
    assert done.stdout == f"{[True] * len(names)} {[f'hcsrt.{name}' for name in names]}\n", done.stderr


def test_importing_the_package_imports_none_of_its_modules() -> None:
    """Pytest imports it for its plugin in every project of an environment."""
    program = """
import sys
before = set(sys.modules)
import hcsrt
print(*sorted(set(sys.modules) - before - {"__future__"}))
"""
    assert run_python(program).stdout == "hcsrt hcsrt._backends\n"


def test_a_name_of_the_package_is_that_of_its_module() -> None:
    program = """
import importlib, pickle, hcsrt
for name in hcsrt.__all__:
    value = getattr(hcsrt, name)
    assert getattr(hcsrt, name) is value
    if isinstance(value, type) or callable(value):
        assert getattr(importlib.import_module(value.__module__), name) is value, name
        assert pickle.loads(pickle.dumps(value)) is value, name
try:
    hcsrt.nothing
except AttributeError as error:
    print(error)
"""
    done = run_python(program)
    assert done.stdout == "module 'hcsrt' has no attribute 'nothing'\n", done.stderr


def test_importing_a_compute_system_imports_nothing_that_is_slow() -> None:
    program = """
import sys
before = set(sys.modules)
from hcsrt import ComputeSystem
import hcsrt
slow = {"asyncio", "concurrent.futures", "hcsrt.emulator", "hcsrt.service", "json", "logging", "subprocess", "typing"}
print(*sorted(slow & (set(sys.modules) - before)))
print(hcsrt.emulator.__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\nhcsrt.emulator\n"
