"""What is not known of HCS: each row of the registry is told, stands in the native header, and has its effect."""

import ast
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import byref, c_void_p
from pathlib import Path
from subprocess import list2cmdline
from typing import Any

import pytest

from hcsrt import PIPE, ComputeSystem, emulator
from hcsrt._check_host.catalogue import points
from hcsrt._check_host.raw_hcs import FOREVER, ProcessInformation, Table, completion, event_callback, wide
from hcsrt._hresults import E_INVALIDARG, HCS_E_OPERATION_ALREADY_STARTED
from hcsrt.emulator import Host, _native, world
from hcsrt.emulator.assumptions import ASSUMPTIONS, Assumption, hresult
from hcsrt.emulator.outbox import Reply
from hcsrt.emulator.variation import Variation

from ..helpers.platforms import WINDOWS, emulator_by_name
from ..helpers.programs import SLEEP, TRUE, guest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (*(ROOT / "hcsrt/emulator").glob("*.py"), *(ROOT / "hcsrt/native/emulator").glob("*"))
PATIENCE = 10.0
"""Seconds for what has to come."""
SOON = 0.05
"""Seconds after which what has not come never will."""

ROWS = [pytest.param(row, id=name) for name, row in ASSUMPTIONS.items()]
CHOICES = [(name, choice) for name, row in ASSUMPTIONS.items() for choice in row.choices]

pytestmark = emulator_by_name

# --- the registry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_well_formed(row: Assumption) -> None:
    assert row.name.isidentifier()
    assert row.name.islower()
    assert len(set(row.choices)) == len(row.choices) >= 2
    assert row.one_in is None or row.one_in > len(row.choices) - 1
    for choice in row.choices:
        if choice.isupper():
            assert hresult(choice) >= 0
    assert row.probe is None or row.probe in {probe for point in points() for probe in point.probes}


def test_native_code_has_the_native_rows() -> None:
    rows = [(row.name, len(row.choices), row.one_in) for row in ASSUMPTIONS.values() if row.native]
    assert _native.switches() == rows


def test_the_page_has_each_row() -> None:
    page = (ROOT / "docs/explanation/emulator.md").read_text("utf-8")
    table = page.partition("| name | what | choices |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert [(name, about, tuple(re.findall(r"`(\w+)`", choices))) for name, about, choices in told] == [
        (row.name, row.about, row.choices) for row in ASSUMPTIONS.values()
    ]
    assert len(told) > 25


def test_each_row_is_asked_for_and_nothing_else() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES if path.suffix in (".py", ".h", ".cpp"))
    asked = set(re.findall(r'\.(?:choose|hresult)\(\s*"(\w+)"', text)) | set(re.findall(r"\bSwitch::(\w+)", text))
    # Of those whose names stand in a loop.
    asked |= {name for name in ("owner_in_answers", "os_type_in_answers") if f'"{name}"' in text}
    assert asked == set(ASSUMPTIONS)


def test_nothing_varies_beside_the_rows() -> None:
    for path in SOURCES:
        # The swarm draws faults before anything happens, from streams of its own.
        if path.suffix != ".py" or path.name in ("variation.py", "chaos.py"):
            continue
        named = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert not named & {"Random", "random", "randrange", "stream"}, path


# --- choices ----------------------------------------------------------------------------------------------------------


def test_without_a_seed_each_choice_is_the_plain_one() -> None:
    variation = Variation(None)
    assert [variation.choose(row.name) for row in ASSUMPTIONS.values()] == [
        row.choices[0] for row in ASSUMPTIONS.values()
    ]
    assert variation.delay() == 0


@pytest.mark.parametrize("row", ROWS)
def test_a_seed_makes_each_choice_at_its_odds(row: Assumption) -> None:
    met: dict[str, set[str]] = {}
    made = [variation.choose(row.name) for seed in range(40) for variation in [Variation(seed, {}, met)] * 50]
    others = sum(choice != row.choices[0] for choice in made) / len(made)
    expected = 1 / row.one_in if row.one_in else 1 - 1 / len(row.choices)
    assert abs(others - expected) < 0.06
    assert met == {row.name: set(row.choices)}
    assert made == [variation.choose(row.name) for seed in range(40) for variation in [Variation(seed)] * 50]


def test_one_choice_more_leaves_the_others_as_they_were() -> None:
    def drawn(*names: str) -> list[str]:
        variation = Variation(7)
        return [choice for _ in range(50) for name in names for choice in [variation.choose(name)] if name == "events"]

    assert drawn("events") == drawn("answers", "events", "no_guest")


def test_ids_are_those_of_the_seed() -> None:
    def ids(seed: int | None, **assumed: str) -> list[str]:
        document = emulator.container_document()
        with (
            Host(seed, **assumed),
            ComputeSystem.create("1", document) as one,
            ComputeSystem.create("2", document) as two,
        ):
            return [each.properties()["RuntimeId"] for each in (one, two)]

    assert ids(7) == ids(7, answers="late") != ids(8)
    assert len({*ids(7), *ids(8), *ids(None), *ids(None)}) == 8


def test_native_code_varies_as_its_rows_say() -> None:
    hcs = Table()
    seen: list[int] = []
    for seed in range(60):
        with Host(seed), running() as handle:
            seen.append(hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0])
    assert 10 < seen.count(hresult("WAIT_TIMEOUT")) < 50
    assert set(seen) == {hresult(choice) for choice in ASSUMPTIONS["exit_wait_timeout"].choices}


# --- a host -----------------------------------------------------------------------------------------------------------


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(TypeError, match="no assumption 'state_befor_start'; the nearest name is 'state_before_start'"):
        Host(state_befor_start="absent")
    host = Host()
    with pytest.raises(TypeError, match="nearest name is 'exit_event'"):
        host.assume(completion="later", exit_events="x")
    assert set(host.assumptions.values()) == {None}  # nothing of it was taken


def test_a_choice_that_is_like_one_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"'before_the_call_returns'; did you mean 'inside_the_call'\?$"):
        Host(completion="in_the_call")


@pytest.mark.parametrize("choice", ["Later", "", 0, True, ["later"]])
def test_an_unknown_choice_gets_the_choices(choice: Any) -> None:
    host = Host(seed=1, completion="later")
    with pytest.raises(ValueError, match="choose 'later', 'inside_the_call' or 'before_the_call_returns'"):
        host.assume(completion=choice)
    assert host.assumptions["completion"] == "later"


def test_a_host_has_all_names() -> None:
    host = Host(owner_in_answers="absent")
    assert list(host.assumptions) == list(ASSUMPTIONS)
    assert {name: choice for name, choice in host.assumptions.items() if choice} == {"owner_in_answers": "absent"}
    host.assume(owner_in_answers=None, os_type_in_answers="absent")
    assert {name: choice for name, choice in host.assumptions.items() if choice} == {"os_type_in_answers": "absent"}


def test_what_is_assumed_may_change_meanwhile() -> None:
    hcs = Table()
    with Host(exit_wait_timeout="WAIT_TIMEOUT", owner_in_answers="absent") as host, running() as handle:
        assert hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0] == hresult("WAIT_TIMEOUT")
        assert "Owner" not in properties(hcs, handle)
        host.assume(exit_wait_timeout="HCS_E_OPERATION_TIMEOUT", owner_in_answers="given")
        assert hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0] == hresult("HCS_E_OPERATION_TIMEOUT")
        assert "Owner" in properties(hcs, handle)
        host.assume(exit_wait_timeout=None, owner_in_answers=None)
        assert hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0] == hresult("HCS_E_OPERATION_TIMEOUT")
    assert host.met()["exit_wait_timeout"] == {"WAIT_TIMEOUT", "HCS_E_OPERATION_TIMEOUT"}
    assert host.met()["owner_in_answers"] == {"absent", "given"}


def test_what_is_assumed_ends_with_its_world() -> None:
    hcs = Table()
    with Host(exit_wait_timeout="WAIT_TIMEOUT"):
        pass
    with running() as handle:
        assert hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0] == hresult("HCS_E_OPERATION_TIMEOUT")


def test_what_was_met_is_kept_by_a_reset_and_after_the_end() -> None:
    with Host(state_before_start="Created", second_event_callback="refused") as host:
        assert host.met() == {}
        made("state_before_start", host, "Created")
        made("second_event_callback", host, "refused")
        emulator.reset(3)
        met = host.met()
        assert (met["state_before_start"], met["second_event_callback"]) == ({"Created"}, {"refused"})
        assert "crashed_guest" not in met
    assert host.met() == met
    host.met()["state_before_start"].clear()
    assert host.met() == met


# --- the effect of each choice ----------------------------------------------------------------------------------------

Observer = Callable[[Table, Host, str], str]
OBSERVERS: dict[str, Observer] = {}


def observes(*names: str) -> Callable[[Observer], Observer]:
    """Mark a function that returns the choice which the emulator makes; it is given the expected one, too."""

    def mark(observer: Observer) -> Observer:
        OBSERVERS.update(dict.fromkeys(names, observer))
        return observer

    return mark


def made(name: str, host: Host, choice: str) -> str:
    return OBSERVERS[name](Table(), host, choice)


def test_each_row_is_observed() -> None:
    assert set(OBSERVERS) == set(ASSUMPTIONS)


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_each_choice_has_its_effect(name: str, choice: str) -> None:
    if WINDOWS and name == "overtaken_shutdown":
        pytest.skip("takes a program that outlives a shutdown")
    with Host(**{name: choice}) as host:
        assert made(name, host, choice) == choice
        assert host.met()[name] == {choice}
        assert host.settle(), host.left_behind()
        # Some of what HCS leaves open nobody may depend on.
        assert len(host.misuses()) == (name == "second_event_callback")


def machine(**members: Any) -> dict[str, Any]:
    return {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "tests", "VirtualMachine": members}


@contextlib.contextmanager
def created(document: dict[str, Any] | None = None) -> Iterator[int]:
    """Yield the raw handle of a system, which ends with the block."""
    hcs, operation = Table(), Table().HcsCreateOperation(None, None)
    text = wide(json.dumps(document or emulator.container_document("tests")))
    result, handle = hcs.handle_of("HcsCreateComputeSystem", wide("test"), text, operation, None)
    assert (result, hcs.wait(operation)) == (0, 0)
    hcs.HcsCloseOperation(operation)
    assert handle is not None
    yield handle
    call(hcs, "HcsTerminateComputeSystem", handle)
    hcs.HcsCloseComputeSystem(handle)


@contextlib.contextmanager
def running(document: dict[str, Any] | None = None) -> Iterator[int]:
    with created(document) as handle:
        assert call(Table(), "HcsStartComputeSystem", handle)[0] == 0
        yield handle


def call(hcs: Table, function: str, handle: int, text: Any = None) -> tuple[int, str | None]:
    """Make a call to its end; return its result and the document."""
    operation = hcs.HcsCreateOperation(None, None)
    options = None if text is None else wide(json.dumps(text))
    kicked_off = getattr(hcs, function)(handle, operation, options)
    if kicked_off != 0:
        outcome = kicked_off, None
    else:
        outcome = hcs.document_of("HcsWaitForOperationResult", operation, FOREVER)
    hcs.HcsCloseOperation(operation)
    return outcome


def properties(hcs: Table, handle: int) -> dict[str, Any]:
    result, document = call(hcs, "HcsGetComputeSystemProperties", handle)
    assert result == 0
    return json.loads(document or "")


@contextlib.contextmanager
def started(hcs: Table, system: int, *arguments: str) -> Iterator[int]:
    """Yield the raw handle of a process."""
    info = ProcessInformation()
    operation = hcs.HcsCreateOperation(None, None)
    parameters = wide(json.dumps({"CommandLine": list2cmdline(arguments)}))
    result, process = hcs.handle_of("HcsCreateProcess", system, parameters, operation, None)
    wait = ("HcsWaitForOperationResultAndProcessInfo", operation, FOREVER, byref(info))
    assert (result, hcs.document_of(*wait)[0]) == (0, 0)
    hcs.HcsCloseOperation(operation)
    assert process is not None
    yield process
    call(hcs, "HcsTerminateProcess", process)
    hcs.HcsCloseProcess(process)


def comes(condition: Callable[[], object], expected: bool) -> bool:
    """Return whether something comes: of what is expected as long as it takes, of what is not for a short time."""
    end = time.monotonic() + (PATIENCE if expected else SOON)
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def symbol(name: str, code: int) -> str:
    """Return the choice that an HRESULT stands for."""
    found = [choice for choice in ASSUMPTIONS[name].choices if choice.isupper() and hresult(choice) == code]
    return found[0] if found else f"{code:#x}"


@contextlib.contextmanager
def unanswered(function: str) -> Iterator[list[int]]:
    """Let the service answer a function no more; yield the tickets of the calls."""
    service = world.service()
    assert service is not None
    tickets: list[int] = []
    answers = service.verbs[function]
    service.verbs[function] = lambda request: tickets.append(request.ticket)
    try:
        yield tickets
    finally:
        service.verbs[function] = answers
        for ticket in tickets:
            _native.reply(ticket, 0)


@observes("completion")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        # A call that takes longer than some milliseconds completes later in any case: then another is tried.
        while (order := order_of_completion(hcs, handle, choice)) != choice:
            assert order == "later"
    return choice


def order_of_completion(hcs: Table, handle: int, choice: str) -> str:
    threads: list[int] = []
    callback = completion(lambda operation, context: threads.append(threading.get_ident()))
    operation = hcs.HcsCreateOperation(None, callback)
    with unanswered("HcsGetComputeSystemProperties") as tickets:
        answering = threading.Thread(target=lambda: comes(lambda: tickets, True) and _native.reply(tickets[0], 0))
        if choice != "later":
            answering.start()
        assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == 0
        before = list(threads)
        if choice == "later":
            answering.start()
        answering.join()
    assert comes(lambda: threads, True)
    assert hcs.wait(operation) == 0
    hcs.HcsCloseOperation(operation)
    if not before:
        return "later"
    return "inside_the_call" if threads == [threading.get_ident()] else "before_the_call_returns"


@observes("answers")
def _(hcs: Table, host: Host, choice: str) -> str:
    with created() as handle, timers() as set_timers:
        properties(hcs, handle)
        return "late" if set_timers else "at_once"


@observes("events")
def _(hcs: Table, host: Host, choice: str) -> str:
    host.assume(answers="at_once")
    with running() as system, timers() as set_timers, started(hcs, system, *TRUE) as process:
        assert hcs.document_of("HcsWaitForProcessExit", process, FOREVER)[0] == 0
        return "late" if set_timers else "at_once"


@contextlib.contextmanager
def timers() -> Iterator[list[float]]:
    """Yield the times, in seconds, after which the service does something."""
    service = world.service()
    assert service is not None
    outbox = service._outbox
    after = outbox.after
    seconds: list[float] = []

    def noted(delay: float, action: Callable[[], None]) -> None:
        seconds.append(delay)
        after(delay, action)

    outbox.after = noted  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        del outbox.after


@observes("failed_call")
def _(hcs: Table, host: Host, choice: str) -> str:
    return "at_its_kick_off" if failed_at_kick_off(hcs, host, choice == "at_its_kick_off", None) else "in_its_result"


def failed_at_kick_off(hcs: Table, host: Host, expected: bool, callback: Any) -> bool:
    """Return whether a call fails at its kick-off, if need be one of several: one that takes long does not."""
    host.assume(completion="before_the_call_returns")
    with running() as handle:
        failed = False
        while not failed:
            operation = hcs.HcsCreateOperation(None, callback)
            failed = hcs.HcsStartComputeSystem(handle, operation, None) != 0
            assert hcs.wait(operation) == hresult("HCS_E_INVALID_STATE")
            hcs.HcsCloseOperation(operation)
            if not expected:
                break
    return failed


@observes("callback_of_failed_kick_off")
def _(hcs: Table, host: Host, choice: str) -> str:
    host.assume(failed_call="at_its_kick_off", callback_of_closed_operation="comes")
    called: list[int] = []
    failed_at_kick_off(hcs, host, True, completion(lambda operation, context: called.append(operation)))
    return "comes" if comes(lambda: called, choice == "comes") else "never_comes"


@observes("handle_of_failed_create")
def _(hcs: Table, host: Host, choice: str) -> str:
    operation = hcs.HcsCreateOperation(None, None)
    text = wide(json.dumps(emulator.container_document()))
    with running() as handle, unanswered("HcsGetComputeSystemProperties"):
        assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == 0
        result, given = hcs.handle_of("HcsCreateComputeSystem", wide("other"), text, operation, None)
    assert result == HCS_E_OPERATION_ALREADY_STARTED
    assert hcs.wait(operation) == 0
    hcs.HcsCloseOperation(operation)
    if given is None:
        return "absent"
    hcs.HcsCloseComputeSystem(given)
    return "given"


@observes("callback_of_closed_operation")
def _(hcs: Table, host: Host, choice: str) -> str:
    called: list[int] = []
    operation = hcs.HcsCreateOperation(None, completion(lambda operation, context: called.append(operation)))
    with running() as handle, unanswered("HcsGetComputeSystemProperties"):
        assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == 0
        hcs.HcsCloseOperation(operation)
    return "comes" if comes(lambda: called, choice == "comes") else "never_comes"


@observes("callback_set_late")
def _(hcs: Table, host: Host, choice: str) -> str:
    called: list[int] = []
    operation = hcs.HcsCreateOperation(None, None)
    with running() as handle:
        assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == 0
        assert hcs.wait(operation) == 0
        callback = completion(lambda operation, context: called.append(operation))
        assert hcs.HcsSetOperationCallback(operation, None, callback) == 0
        told = comes(lambda: called, choice == "comes")
    hcs.HcsCloseOperation(operation)
    return "comes" if told else "never_comes"


@observes("exit_callback_set_late")
def _(hcs: Table, host: Host, choice: str) -> str:
    told: list[int] = []
    with running() as handle:
        call(hcs, "HcsTerminateComputeSystem", handle)
        assert hcs.document_of("HcsWaitForComputeSystemExit", handle, FOREVER)[0] == 0
        callback = event_callback(lambda type, operation: told.append(type))
        assert hcs.HcsSetComputeSystemCallback(handle, 0, None, callback) == 0
        return "comes" if comes(lambda: told, choice == "comes") else "never_comes"


@observes("close_of_operation")
def _(hcs: Table, host: Host, choice: str) -> str:
    inside, goes_on, over, closed = (threading.Event() for _ in range(4))

    def blocks(operation: int, context: int | None) -> None:
        inside.set()
        goes_on.wait(1)  # no misuse yet
        over.set()

    def closes() -> None:
        hcs.HcsCloseOperation(operation)
        closed.set()

    operation = hcs.HcsCreateOperation(None, completion(blocks))
    with running() as handle:
        assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == 0
        assert inside.wait(PATIENCE)
        closing = threading.Thread(target=closes)
        closing.start()
        returned = comes(closed.is_set, choice == "returns") and not over.is_set()
        goes_on.set()
        closing.join()
    return "returns" if returned else "waits"


@observes("close_of_handle")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running():
        pass
    return choice  # it differs by some milliseconds, which may come from elsewhere


@observes("second_event_callback")
def _(hcs: Table, host: Host, choice: str) -> str:
    callback = event_callback(lambda type, operation: None)
    with running() as handle:
        assert hcs.HcsSetComputeSystemCallback(handle, 0, None, callback) == 0
        return "refused" if hcs.HcsSetComputeSystemCallback(handle, 0, None, callback) else "replaces"


@observes("exit_wait_timeout")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        return symbol("exit_wait_timeout", hcs.document_of("HcsWaitForComputeSystemExit", handle, 0)[0])


@observes("handle_of_crashed_service")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        host.service.stop()
        host.service.start()
        code = call(hcs, "HcsGetComputeSystemProperties", handle)[0]
    names = {hresult("HCS_E_SERVICE_DISCONNECT"): "disconnected", hresult("HCS_E_SYSTEM_NOT_FOUND"): "not_found"}
    return names[code]


@observes("error_document")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        result, document = call(hcs, "HcsStartComputeSystem", handle)
        assert result == hresult("HCS_E_INVALID_STATE")
        return "given" if document else "absent"


@observes("exit_event")
def _(hcs: Table, host: Host, choice: str) -> str:
    host.assume(answers="at_once", events="at_once")
    order: list[str] = []
    take = _native.take

    def take_after_reply(service: int, timeout: float | None, first: Reply | None) -> _native.Request | None:
        if first is not None:
            order.append("reply")
        return take(service, timeout, first)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("emit", "reply"):
            told = getattr(_native, name)
            patch.setattr(_native, name, lambda *a, told=told, name=name, **k: (order.append(name), told(*a, **k)))
        patch.setattr(_native, "take", take_after_reply)
        with running() as handle:
            order.clear()
            call(hcs, "HcsTerminateComputeSystem", handle)
            assert comes(lambda: len(order) == 2, True)
            return "after_the_result" if order == ["reply", "emit"] else "before_the_result"


@observes("call_on_stopped_system")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        call(hcs, "HcsTerminateComputeSystem", handle)
        return symbol("call_on_stopped_system", call(hcs, "HcsStartComputeSystem", handle)[0])


@observes("properties_while_stopping")
def _(hcs: Table, host: Host, choice: str) -> str:
    service = world.service()
    assert service is not None
    with running() as handle:
        (system,) = service.model.systems.values()
        system.exit_type = "GracefulExit"
        code, document = call(hcs, "HcsGetComputeSystemProperties", handle)
        system.exit_type = None
        return "given" if document and code == 0 else symbol("properties_while_stopping", code)


@observes("overtaken_shutdown")
def _(hcs: Table, host: Host, choice: str) -> str:
    shut_down = hcs.HcsCreateOperation(None, None)
    program = guest("signal.signal(15, signal.SIG_IGN); out('ready'); sleep(60)")
    with (
        running() as handle,
        ComputeSystem.open("test") as system,
        system.popen(program, stdout=PIPE) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert hcs.HcsShutDownComputeSystem(handle, shut_down, None) == 0
        assert call(hcs, "HcsTerminateComputeSystem", handle)[0] == 0
        code = hcs.wait(shut_down)
    hcs.HcsCloseOperation(shut_down)
    return "succeeds" if code == 0 else symbol("overtaken_shutdown", code)


@observes("no_guest")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running(machine()) as handle:
        return symbol("no_guest", call(hcs, "HcsShutDownComputeSystem", handle)[0])


@observes("forced_exit_status")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        call(hcs, "HcsTerminateComputeSystem", handle)
        document = hcs.document_of("HcsWaitForComputeSystemExit", handle, FOREVER)[1]
        return symbol("forced_exit_status", json.loads(document or "")["Status"] & 0xFFFFFFFF)


@observes("state_before_start")
def _(hcs: Table, host: Host, choice: str) -> str:
    with created(machine()) as handle:
        return properties(hcs, handle).get("State", "absent")


@observes("owner_in_answers", "os_type_in_answers")
def _(hcs: Table, host: Host, choice: str) -> str:
    (name,) = (name for name, choice in host.assumptions.items() if choice)
    with running() as handle:
        member = "Owner" if name == "owner_in_answers" else "RuntimeOsType"
        return "given" if member in properties(hcs, handle) else "absent"


@observes("container_as_machine")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as handle:
        return symbol("container_as_machine", call(hcs, "HcsPauseComputeSystem", handle)[0])


@observes("crashed_guest")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running(machine(GuestConnection={})) as handle:
        assert call(hcs, "HcsCrashComputeSystem", handle)[0] == 0
        return {"Stopped": "exits", "Running": "runs_on"}[properties(hcs, handle)["State"]]


@observes("unknown_resource")
def _(hcs: Table, host: Host, choice: str) -> str:
    request = {"ResourcePath": "Container/Nowhere", "RequestType": "Add", "Settings": {}}
    operation = hcs.HcsCreateOperation(None, None)
    with running() as handle:
        assert hcs.HcsModifyComputeSystem(handle, operation, wide(json.dumps(request)), None) == 0
        code = hcs.wait(operation)
    hcs.HcsCloseOperation(operation)
    return symbol("unknown_resource", code)


@observes("process_in_container")
def _(hcs: Table, host: Host, choice: str) -> str:
    operation, process = hcs.HcsCreateOperation(None, None), c_void_p()
    with running() as handle:
        parameters = wide(json.dumps({"CommandLine": list2cmdline(TRUE)}))
        assert hcs.HcsCreateProcess(handle, parameters, operation, None, byref(process)) == 0
        code = hcs.wait(operation)
        hcs.HcsCloseOperation(operation)
        # It runs, whatever was said.
        assert hcs.document_of("HcsWaitForProcessExit", process, FOREVER)[0] == 0
        hcs.HcsCloseProcess(process)
    assert code in (0, E_INVALIDARG)
    return "succeeds" if code == 0 else symbol("process_in_container", code)


@observes("info_of_exited_process", "call_on_exited_process")
def _(hcs: Table, host: Host, choice: str) -> str:
    (name,) = (name for name, choice in host.assumptions.items() if choice)
    operation = hcs.HcsCreateOperation(None, None)
    with running() as system, started(hcs, system, *TRUE) as process:
        assert hcs.document_of("HcsWaitForProcessExit", process, FOREVER)[0] == 0
        if name == "call_on_exited_process":
            code = call(hcs, "HcsTerminateProcess", process)[0]
        else:
            assert hcs.HcsGetProcessInfo(process, operation) == 0
            code = hcs.wait(operation)
    hcs.HcsCloseOperation(operation)
    return "succeeds" if code == 0 else symbol(name, code)


@observes("exit_code_while_running")
def _(hcs: Table, host: Host, choice: str) -> str:
    with running() as system, started(hcs, system, *SLEEP) as process:
        status = json.loads(call(hcs, "HcsGetProcessProperties", process)[1] or "")
        assert status["Exited"] is False
        return str(status.get("ExitCode", "absent"))
