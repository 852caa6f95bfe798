"""The mistakes that other clients of HCS were found to make: a wrong client makes each, and the emulator tells of it.

A case is a client that makes a mistake if it is told to, and is right otherwise. The page on the emulator has the same
numbers, and those of the mistakes that nothing here can tell of.
"""

import enum
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import hcsrt
from hcsrt import _hresults, emulator
from hcsrt._check_host.raw_hcs import Event, ProcessInformation, read, wide
from hcsrt.emulator import Host

from ..helpers.platforms import emulator_by_name, posix_signals
from ..helpers.programs import SLEEP, TRUE, guest
from ..helpers.wrong_client import (
    FOREVER,
    GENERIC_ALL,
    PATIENCE,
    SERVICE_DISCONNECT,
    SYSTEM_EXITED,
    Client,
    again,
    symbol,
)

pytestmark = emulator_by_name

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/emulator.md"

FAMILIES = {"Z": 29, "H": 4, "S": 26, "W": 8, "M": 11, "R": 12, "X": 4}
"""How many mistakes there are by each letter, which stands for the client that they were found in."""
HAZARDS = [f"{letter}{number}" for letter, count in FAMILIES.items() for number in range(1, count + 1)]

MACHINE: dict[str, Any] = {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "hazards", "VirtualMachine": {}}
"""A virtual machine that nobody can talk to: it has no service that could shut it down."""

BLOCKED = "had a callback that blocked"
IN_CREATE = "was closed before the call that creates what it leads to had completed, and that goes on without a handle"
INSIDE = "was closed while a call on it had not returned"
RUNNING = "was closed while its call ran, and its callback may still come with its context"
SECOND = "has a callback already"


class Case(NamedTuple):
    """A mistake: the client that makes it, what tells of it, and on what host."""

    client: Callable[[Client, bool], None]
    signs: set[str]
    faulty: bool
    assumptions: dict[str, str]
    marks: tuple[pytest.MarkDecorator, ...]


CASES: dict[str, Case] = {}


def hazard(
    *ids: str,
    signs: set[str],
    faulty: bool = False,
    marks: tuple[pytest.MarkDecorator, ...] = (),
    **assumptions: str,
) -> Callable[[Callable[[Client, bool], None]], Callable[[Client, bool], None]]:
    """Mark a client that makes these mistakes, by what tells of them. On a faulty host it meets faults."""

    def add(client: Callable[[Client, bool], None]) -> Callable[[Client, bool], None]:
        CASES.update(dict.fromkeys(ids, Case(client, signs, faulty, assumptions, marks)))
        return client

    return add


def misuse(function: str, rule: str) -> str:
    return f"misuse: {function}: {rule}"


def refused(function: str, hresult: int) -> str:
    return f"refused: {function} {symbol(hresult)}"


# --- what HCS gives and the client has to release ---------------------------------------------------------------------


@hazard("Z1", signs={"left: strings=1"})
def never_frees_the_document_of_a_result(client: Client, wrong: bool) -> None:
    system, operation, document = client.create(), client.operation(), c_void_p()
    assert client.hcs.HcsGetComputeSystemProperties(system, operation, None) == 0
    assert client.hcs.HcsWaitForOperationResult(operation, FOREVER, byref(document)) == 0
    if not wrong:
        client.hcs.free_string(document)
    client.hcs.HcsCloseOperation(operation)
    client.close(system)


@hazard("Z2", signs={"left: strings=1", "seen: a failure without its reason"})
def never_looks_at_the_document_of_a_failed_process(client: Client, wrong: bool) -> None:
    system, operation, document = client.started(), client.operation(), c_void_p()
    process = client.begin_process(system, ["there is no such program"], operation)
    assert client.hcs.HcsWaitForOperationResult(operation, FOREVER, byref(document)) == _hresults.ERROR_FILE_NOT_FOUND
    if wrong:
        client.sees("a failure without its reason")
    else:
        assert json.loads(read(document.value or 0))["ErrorMessage"]
        client.hcs.free_string(document)
    client.hcs.HcsCloseOperation(operation)
    client.hcs.HcsCloseProcess(process)
    client.close(system)


@hazard("R8", signs={"left: strings=1", "seen: a failure without its reason"})
def drops_the_document_of_a_failed_call_of_the_service(client: Client, wrong: bool) -> None:
    document = c_void_p()
    result = client.hcs.HcsModifyServiceSettings(wide('{"PropertyType": "Nothing"}'), byref(document))
    assert result == _hresults.HCS_E_INVALID_JSON
    if wrong:
        client.sees("a failure without its reason")
    else:
        assert json.loads(read(document.value or 0))["ErrorMessage"]
        client.hcs.free_string(document)


@hazard("W4", signs={misuse("CoTaskMemFree", "is a string of HCS"), "left: strings=1"})
def frees_a_document_as_those_of_hcn(client: Client, wrong: bool) -> None:
    document = c_void_p()
    assert client.hcs.HcsGetServiceProperties(wide('{"PropertyTypes": ["Basic"]}'), byref(document)) == 0
    (client.hcs.free_cotaskmem if wrong else client.hcs.free_string)(document)


@hazard("Z3", signs={"left: systems=1"})
def loses_the_handle_of_a_create_that_fails(client: Client, wrong: bool) -> None:
    first, operation = client.create("taken"), client.operation()
    second = client.begin_create(operation, "taken")
    assert client.outcome(operation)[0] == _hresults.HCS_E_SYSTEM_ALREADY_EXISTS
    client.hcs.HcsCloseOperation(operation)
    client.close(first)
    if not wrong:
        client.close(second)


@hazard("Z4", signs={"left: systems=1"})
def loses_the_handle_of_a_create_that_nobody_waits_for_any_more(client: Client, wrong: bool) -> None:
    completed: list[int] = []
    operation = client.operation(client.completion(lambda operation, _: completed.append(operation)))
    system = client.begin_create(operation)
    # The task that has begun it is cancelled: it owns the handle once it has the result, and not before.
    assert client.wait_until(lambda: completed)
    client.hcs.HcsCloseOperation(operation)
    if not wrong:
        client.close(system)


@hazard("X1", faulty=True, signs={"left: systems=1"})
def loses_the_handle_of_a_create_that_takes_too_long(client: Client, wrong: bool) -> None:
    with client.hang("completion:HcsCreateComputeSystem"):
        operation = client.operation()
        system = client.begin_create(operation)
        assert client.outcome(operation, 20)[0] == _hresults.HCS_E_OPERATION_TIMEOUT
    assert client.outcome(operation)[0] == 0
    client.hcs.HcsCloseOperation(operation)
    if not wrong:
        client.close(system)


@hazard("S2", faulty=True, signs={"left: systems=1"})
def loses_the_handle_of_a_call_that_it_left_to_itself(client: Client, wrong: bool) -> None:
    system, opened = client.create("there"), c_void_p()
    with client.hang("HcsOpenComputeSystem"):
        call = client.start(lambda: client.hcs.HcsOpenComputeSystem(wide("there"), GENERIC_ALL, byref(opened)))
        call.join(0.02)
    call.join(PATIENCE)
    client.close(system)
    if not wrong:
        client.close(opened.value or 0)


@hazard("S3", faulty=True, signs={"left: processes=1"})
def loses_the_handle_of_a_process_whose_callback_is_refused(client: Client, wrong: bool) -> None:
    system = client.started()
    process, info = client.process(system, SLEEP)
    with client.fail("HcsSetProcessCallback", "E_OUTOFMEMORY"):
        result, opened = client.hcs.handle_of("HcsOpenProcess", system, info.process_id, GENERIC_ALL)
        assert result == 0
        callback = client.event_callback(lambda _event, _context: None)
        assert client.hcs.HcsSetProcessCallback(opened, 0, None, callback) == _hresults.E_OUTOFMEMORY
    if not wrong:
        client.hcs.HcsCloseProcess(opened)
    client.end_process(process)
    client.close(system)


@hazard("S5", signs={"left: systems=1", refused("HcsSetComputeSystemCallback", _hresults.E_INVALIDARG)})
def leaves_a_handle_open_whose_callback_cannot_be_taken_back(client: Client, wrong: bool) -> None:
    system = client.create()
    client.listen(system, lambda _event, _context: None)
    if wrong:
        # There is no function for that, and NULL is no callback.
        client.expects("HcsSetComputeSystemCallback", client.hcs.HcsSetComputeSystemCallback(system, 0, None, None))
    else:
        client.close(system)


@hazard("Z17", "R7", signs={"left: stdio=2"})
def never_closes_the_pipes_of_a_process(client: Client, wrong: bool) -> None:
    system = client.started()
    process, info = client.process(system, TRUE, CreateStdOutPipe=True, CreateStdErrPipe=True)
    client.wait_for_exit(process)
    if wrong:
        client.makes_amends(lambda: client.close_streams(info))
    else:
        client.close_streams(info)
    client.hcs.HcsCloseProcess(process)
    client.close(system)


# --- handles of no use, of no more use, or not of use yet -------------------------------------------------------------


@hazard(
    "Z15",
    signs={
        misuse("HcsGetComputeSystemProperties", "is closed"),
        misuse("HcsOpenProcess", "was never given out"),
        refused("HcsGetComputeSystemProperties", _hresults.E_HANDLE),
        refused("HcsOpenProcess", _hresults.E_HANDLE),
    },
)
def uses_copies_of_handles_that_their_owner_has_closed(client: Client, wrong: bool) -> None:
    system, operation = client.create(), client.operation()
    copy = system
    if wrong:
        client.close(system)
    properties = client.hcs.HcsGetComputeSystemProperties(copy, operation, None)
    client.expects("HcsGetComputeSystemProperties", properties)
    if wrong:
        client.expects("HcsOpenProcess", client.hcs.HcsOpenProcess(None, 4, GENERIC_ALL, byref(c_void_p())))
    else:
        assert client.outcome(operation)[0] == 0
        client.close(system)
    client.hcs.HcsCloseOperation(operation)


@hazard("R6", answers="late", signs={misuse("HcsCloseComputeSystem", "is closed")})
def closes_a_handle_twice_that_it_has_borrowed(client: Client, wrong: bool) -> None:
    system, borrowed = client.create(), None

    def attempt() -> None:
        nonlocal borrowed
        operation = client.operation()
        assert client.hcs.HcsGetComputeSystemProperties(system, operation, None) == 0
        borrowed = client.hcs.HcsGetComputeSystemFromOperation(operation)
        assert client.outcome(operation)[0] == 0
        client.hcs.HcsCloseOperation(operation)

    again(lambda: borrowed, attempt)
    client.close(system)
    if wrong:
        client.close(borrowed or 0)


@hazard("S1", "S14", "Z16", completion="inside_the_call", signs={misuse("HcsCloseComputeSystem", INSIDE)})
def closes_a_handle_with_a_call_inside(client: Client, wrong: bool) -> None:
    system = client.create()
    client.while_inside(system, lambda: client.close(system) if wrong else None)
    if not wrong:
        client.close(system)


@hazard(
    "M3",
    completion="inside_the_call",
    signs={
        misuse("HcsCloseComputeSystem", INSIDE),
        misuse("HcsStartComputeSystem", "is closed"),
        refused("HcsStartComputeSystem", _hresults.E_HANDLE),
    },
)
def resets_a_handle_that_other_threads_use(client: Client, wrong: bool) -> None:
    system, operation = client.create(), client.operation()
    client.while_inside(system, lambda: client.close(system) if wrong else None)
    client.expects("HcsStartComputeSystem", client.hcs.HcsStartComputeSystem(system, operation, None))
    if not wrong:
        assert client.outcome(operation)[0] == 0
        client.close(system)
    client.hcs.HcsCloseOperation(operation)


@hazard(
    "X2",
    faulty=True,
    signs={
        misuse("HcsStartComputeSystem", "was never given out"),
        refused("HcsStartComputeSystem", _hresults.E_HANDLE),
    },
)
def passes_on_an_operation_that_could_not_be_created(client: Client, wrong: bool) -> None:
    system = client.create()
    with client.fail("HcsCreateOperation", "E_OUTOFMEMORY"):
        operation = client.operation()
    assert operation is None
    if wrong:
        client.expects("HcsStartComputeSystem", client.hcs.HcsStartComputeSystem(system, operation, None))
    client.close(system)


@hazard(
    "S11",
    signs={misuse("HcsTerminateComputeSystem", "is of a creation that has failed, and may lead to somebody else's "
                                               "compute system of that id")},
)  # fmt: skip
def terminates_what_it_could_not_create(client: Client, wrong: bool) -> None:
    others, operation = client.started("taken"), client.operation()
    system = client.begin_create(operation, "taken")
    assert client.outcome(operation)[0] == _hresults.HCS_E_SYSTEM_ALREADY_EXISTS
    client.hcs.HcsCloseOperation(operation)
    if wrong:
        client.verb("HcsTerminateComputeSystem", system)
    assert client.state(others) == "Running"
    client.close(system, others)


@hazard(
    "R12",
    answers="late",
    signs={misuse("HcsStartComputeSystem", "was used before the call that creates what it leads to had completed")},
)
def uses_a_system_before_it_is_created(client: Client, wrong: bool) -> None:
    def attempt() -> None:
        creation, start = client.operation(), client.operation()
        system = client.begin_create(creation)
        if not wrong:
            assert client.outcome(creation)[0] == 0
        assert client.hcs.HcsStartComputeSystem(system, start, None) == 0
        for operation in (creation, start):
            assert client.outcome(operation)[0] == 0
            client.hcs.HcsCloseOperation(operation)
        client.close(system)

    again(lambda: not wrong or emulator.misuses(), attempt)


# --- calls that go on, whoever waits for them -------------------------------------------------------------------------


def gives_up_a_create(client: Client, wrong: bool) -> None:
    """Take a time that is over for the end of the call, and close what it was made with."""

    def attempt() -> None:
        operation = client.operation()
        document = emulator.container_document(terminate_on_last_handle_closed=False)
        system = client.begin_create(operation, document=document)
        result, _ = client.outcome(operation, 0)
        if not wrong:
            # Whoever gives up a call leaves it to somebody who waits on.
            result, _ = client.outcome(operation)
            assert result == 0
            assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
        client.hcs.HcsCloseOperation(operation)
        client.close(system)

    again(lambda: not wrong or emulator.misuses(), attempt)
    if client.wait_until(client.systems, PATIENCE if wrong else 0):
        client.sees("a system that nobody has a handle to")


hazard(
    "M5",
    "X4",
    answers="late",
    signs={misuse("HcsCloseComputeSystem", IN_CREATE), "seen: a system that nobody has a handle to"},
)(gives_up_a_create)


@hazard("Z28", answers="late", signs={misuse("HcsCloseProcess", IN_CREATE)})
def gives_up_the_create_of_a_process(client: Client, wrong: bool) -> None:
    system = client.started()

    def attempt() -> None:
        operation, info = client.operation(), ProcessInformation()
        process = client.begin_process(system, TRUE, operation, CreateStdOutPipe=True)
        if not wrong:
            wait = ("HcsWaitForOperationResultAndProcessInfo", operation, FOREVER, byref(info))
            assert client.hcs.document_of(*wait)[0] == 0
            client.close_streams(info)
        client.hcs.HcsCloseOperation(operation)
        client.hcs.HcsCloseProcess(process)

    again(lambda: not wrong or emulator.misuses(), attempt)
    client.close(system)


@hazard(
    "S10",
    faulty=True,
    signs={refused("HcsCancelOperation", _hresults.E_NOTIMPL), "seen: a start that has failed and runs all the same"},
)
def takes_a_call_for_over_that_it_has_tried_to_cancel(client: Client, wrong: bool) -> None:
    system = client.create()
    with client.hang("completion:HcsStartComputeSystem"):
        operation = client.operation()
        assert client.hcs.HcsStartComputeSystem(system, operation, None) == 0
        failed = client.outcome(operation, 20)[0] == _hresults.HCS_E_OPERATION_TIMEOUT
        if wrong:
            client.expects("HcsCancelOperation", client.hcs.HcsCancelOperation(operation))
    if not wrong:
        failed = client.outcome(operation)[0] != 0
    client.hcs.HcsCloseOperation(operation)
    if failed and client.state(system) == "Running":
        client.sees("a start that has failed and runs all the same")
    client.close(system)


def closes_an_operation_in_flight(client: Client, wrong: bool) -> None:
    """Close an operation as soon as its result is of no interest, and free what its callback uses, or leave it that."""
    system = client.create()
    called: list[int | None] = []
    frees = client.host.assumptions["callback_of_closed_operation"] == "comes"

    def completed(_operation: int, context: int | None) -> None:
        client.contexts.use(context)
        if not frees:
            client.contexts.free(context)
        called.append(context)

    def attempt() -> None:
        before, context = len(called), client.contexts.allocate()
        operation = client.operation(client.completion(completed), context)
        assert client.hcs.HcsGetComputeSystemProperties(system, operation, None) == 0
        if not wrong:
            assert client.wait_until(lambda: len(called) > before)
        client.hcs.HcsCloseOperation(operation)
        if frees:
            client.contexts.free(context)
            assert client.wait_until(lambda: len(called) > before)

    again(lambda: not wrong or emulator.misuses(), attempt)
    client.close(system)
    if client.contexts:
        client.sees("a context that nobody frees")


hazard(
    "Z5",
    "R3",
    answers="late",
    callback_of_closed_operation="comes",
    signs={misuse("HcsCloseOperation", RUNNING), "seen: a freed context"},
)(closes_an_operation_in_flight)
hazard(
    "Z6",
    answers="late",
    callback_of_closed_operation="never_comes",
    signs={misuse("HcsCloseOperation", RUNNING), "seen: a context that nobody frees"},
)(closes_an_operation_in_flight)


def fails_at_once(client: Client, system: int, operation: int) -> bool:
    """Start a running system; return whether the kick-off has said that this cannot be."""
    result = client.hcs.HcsStartComputeSystem(system, operation, None)
    assert result in (0, _hresults.HCS_E_INVALID_STATE)
    return result != 0


@hazard(
    "Z7",
    completion="inside_the_call",
    failed_call="at_its_kick_off",
    callback_of_failed_kick_off="comes",
    signs={"seen: a context freed twice"},
)
def frees_the_context_of_a_failed_kick_off_as_if_no_callback_came(client: Client, wrong: bool) -> None:
    system = client.started()
    called: list[int | None] = []

    def completed(_operation: int, context: int | None) -> None:
        client.contexts.free(context)
        called.append(context)

    failed = False

    def attempt() -> None:
        nonlocal failed
        before, context = len(called), client.contexts.allocate()
        operation = client.operation(client.completion(completed), context)
        failed = fails_at_once(client, system, operation)
        if failed and wrong:
            client.contexts.free(context)
        assert client.wait_until(lambda: len(called) > before)
        client.hcs.HcsCloseOperation(operation)

    again(lambda: failed, attempt)
    client.close(system)


@hazard("Z8", close_of_operation="returns", signs={"seen: a freed context"})
def frees_a_context_after_the_close_while_its_callback_runs(client: Client, wrong: bool) -> None:
    system, context = client.create(), client.contexts.allocate()
    runs, goes_on, returns = threading.Event(), threading.Event(), threading.Event()

    def completed(_operation: int, context: int | None) -> None:
        runs.set()
        goes_on.wait(1.5)
        client.contexts.use(context)
        returns.set()

    operation = client.operation(client.completion(completed), context)
    assert client.hcs.HcsGetComputeSystemProperties(system, operation, None) == 0
    assert runs.wait(PATIENCE)
    if not wrong:
        goes_on.set()
        assert returns.wait(PATIENCE)
    client.hcs.HcsCloseOperation(operation)
    client.contexts.free(context)
    goes_on.set()
    assert returns.wait(PATIENCE)
    client.close(system)


@hazard(
    "Z9",
    "W5",
    "M4",
    completion="before_the_call_returns",
    failed_call="at_its_kick_off",
    signs={"seen: a failure without its reason"},
)
def never_asks_why_a_kick_off_has_failed(client: Client, wrong: bool) -> None:
    system, failed = client.started(), False

    def attempt() -> None:
        nonlocal failed
        operation = client.operation()
        failed, document = fails_at_once(client, system, operation), None
        if not failed or not wrong:
            _, document = client.outcome(operation)
        client.hcs.HcsCloseOperation(operation)
        if document is None:
            client.sees("a failure without its reason")

    again(lambda: failed, attempt)
    assert failed
    client.close(system)


@hazard("W7", faulty=True, signs={"seen: a wait without end"})
def waits_for_a_call_without_end(client: Client, wrong: bool) -> None:
    system = client.create()
    fault = client.hang("completion:HcsGetComputeSystemProperties")
    operation = client.operation()
    assert client.hcs.HcsGetComputeSystemProperties(system, operation, None) == 0
    client.hangs(lambda: client.outcome(operation, FOREVER if wrong else 20), wrong=wrong)
    client.at_end(fault.remove)
    client.at_end(client.join)
    client.at_end(lambda: client.hcs.HcsCloseOperation(operation))
    client.at_end(lambda: client.close(system))


def terminates_under_a_lock(function: str) -> Callable[[Client, bool], None]:
    def holds_a_lock_while_a_call_hangs(client: Client, wrong: bool) -> None:
        system, lock, begun = client.started(), threading.Lock(), threading.Event()
        fault = client.hang(f"completion:{function}")
        operation = client.operation()

        def wait() -> None:
            getattr(client.hcs, function)(system, operation, None)
            if wrong:
                with lock:
                    begun.set()
                    client.outcome(operation)
            else:
                begun.set()
                client.outcome(operation)

        def terminate() -> None:
            with lock:
                assert client.verb("HcsTerminateComputeSystem", system)[0] == 0

        client.start(wait)
        assert begun.wait(PATIENCE)
        client.hangs(terminate, wrong=wrong)
        client.at_end(fault.remove)
        client.at_end(client.join)
        client.at_end(lambda: client.hcs.HcsCloseOperation(operation))
        client.at_end(lambda: client.close(system))

    return holds_a_lock_while_a_call_hangs


hazard("S12", faulty=True, signs={"seen: a wait without end"})(terminates_under_a_lock("HcsGetComputeSystemProperties"))
hazard("S13", faulty=True, signs={"seen: a wait without end"})(
    terminates_under_a_lock("HcsInitializeLiveMigrationOnSource")
)


# --- callbacks --------------------------------------------------------------------------------------------------------


def is_exit(event: Event) -> bool:
    return event.type == SYSTEM_EXITED


@hazard(
    "R1",
    second_event_callback="refused",
    signs={misuse("HcsSetComputeSystemCallback", SECOND), "seen: a freed context"},
)
def frees_the_callback_that_it_replaces_before_hcs_knows(client: Client, wrong: bool) -> None:
    system, called, context = client.started(), threading.Event(), client.contexts.allocate()

    def event(event: Event, context: int | None) -> None:
        if is_exit(event):
            client.contexts.use(context)
            called.set()

    client.listen(system, event, context)
    if wrong:
        client.contexts.free(context)
        callback = client.event_callback(event)
        client.hcs.HcsSetComputeSystemCallback(system, 0, client.contexts.allocate(), callback)
    assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
    assert called.wait(PATIENCE)
    client.close(system)


@hazard(
    "Z13",
    signs={
        misuse("HcsSetComputeSystemCallback", SECOND),
        refused("HcsSetComputeSystemCallback", _hresults.HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET),
    },
)
def sets_two_callbacks_on_one_handle(client: Client, wrong: bool) -> None:
    handles = [client.create("twice"), client.hcs.open_system("twice")]
    for handle in (handles[0], handles[0] if wrong else handles[1]):
        callback = client.event_callback(lambda _event, _context: None)
        client.expects("HcsSetComputeSystemCallback", client.hcs.HcsSetComputeSystemCallback(handle, 0, None, callback))
    client.close(*handles)


@hazard("Z12", signs={"seen: a wait without end"})
def waits_for_an_event_that_a_close_does_not_bring(client: Client, wrong: bool) -> None:
    system, over = client.started(), threading.Event()
    client.listen(system, lambda event, _context: over.set() if is_exit(event) else None)
    client.close(system)
    if not wrong:
        over.set()
    client.hangs(over.wait, wrong=wrong)
    client.at_end(over.set)


@hazard("S6", marks=(pytest.mark.slow,), signs={misuse("event callback", BLOCKED)})
def blocks_in_a_callback_until_somebody_takes_the_last_event(client: Client, wrong: bool) -> None:
    system, taken, returned = client.started(), threading.Event(), threading.Event()

    def event(event: Event, _context: int | None) -> None:
        if is_exit(event):
            taken.wait(60 if wrong else 0)
            returned.set()

    client.listen(system, event)
    assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
    # Nobody takes it, and yet the referee knows.
    assert client.wait_until(emulator.misuses if wrong else returned.is_set)
    taken.set()
    assert returned.wait(PATIENCE)
    client.close(system)


@hazard(
    "W8",
    marks=(pytest.mark.slow,),
    signs={misuse("event callback", BLOCKED), "seen: a wait without end"},
)
def closes_a_handle_under_the_lock_of_its_callback(client: Client, wrong: bool) -> None:
    system, lock, called = client.started(), threading.Lock(), threading.Event()
    given_up = threading.Event()

    def event(event: Event, _context: int | None) -> None:
        if not is_exit(event):
            return
        called.set()
        while not lock.acquire(timeout=0.05):
            if given_up.is_set():
                return
        lock.release()

    client.listen(system, event)
    lock.acquire()
    assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
    assert called.wait(PATIENCE)
    if not wrong:
        lock.release()
    client.hangs(lambda: client.close(system), wrong=wrong)
    client.at_end(given_up.set)
    client.at_end(client.join)
    if wrong:
        assert client.wait_until(emulator.misuses)


@hazard("W1", signs={"seen: a wait without end"})
def reads_an_event_before_it_tells_of_the_end(client: Client, wrong: bool) -> None:
    system, over = client.started(), threading.Event()

    def event(event: Event, _context: int | None) -> None:
        if event.type not in (SYSTEM_EXITED, SERVICE_DISCONNECT):
            return
        if not wrong:
            over.set()
        if event.data is None or "Status" not in json.loads(read(event.data)):
            return  # An exception, which the callback has caught.
        over.set()

    client.listen(system, event)
    client.host.service.stop()
    client.hangs(over.wait, wrong=wrong)
    client.at_end(over.set)
    client.close(system)


@hazard("W2", "M6", signs={"seen: a wait without end"})
def knows_no_other_end_than_an_exit(client: Client, wrong: bool) -> None:
    system, over = client.started(), threading.Event()

    def event(event: Event, _context: int | None) -> None:
        if event.type == SYSTEM_EXITED or (event.type == SERVICE_DISCONNECT and not wrong):
            over.set()

    client.listen(system, event)
    client.host.service.stop()
    client.hangs(over.wait, wrong=wrong)
    client.at_end(over.set)
    client.close(system)


@hazard("W3", signs={"seen: a freed context"})
def frees_what_a_callback_uses_before_it_closes_the_handle(client: Client, wrong: bool) -> None:
    system, called = client.started("shared"), threading.Event()
    other, context = client.hcs.open_system("shared"), client.contexts.allocate()

    def event(event: Event, context: int | None) -> None:
        if is_exit(event):
            client.contexts.use(context)
            called.set()

    client.listen(system, event, context)
    if wrong:
        client.contexts.free(context)
    assert client.verb("HcsTerminateComputeSystem", other)[0] == 0
    assert called.wait(PATIENCE)
    client.close(system, other)
    if not wrong:
        client.contexts.free(context)


@hazard("Z26", "M11", exit_callback_set_late="never_comes", signs={"seen: a wait without end"})
def listens_when_the_exit_is_over(client: Client, wrong: bool) -> None:
    system, over = client.create(), threading.Event()

    def listen() -> None:
        client.listen(system, lambda event, _context: over.set() if is_exit(event) else None)

    if not wrong:
        listen()
    assert client.verb("HcsStartComputeSystem", system)[0] == 0
    assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
    assert client.hcs.document_of("HcsWaitForComputeSystemExit", system, FOREVER)[0] == 0
    if wrong:
        listen()
    client.hangs(over.wait, wrong=wrong)
    client.at_end(over.set)
    client.close(system)


@hazard("S18", faulty=True, signs={"seen: a wait without end"})
def believes_in_no_exit_without_its_event(client: Client, wrong: bool) -> None:
    with client.host.faults.on("event:SystemExited").drop():
        system, over = client.started(), threading.Event()
        client.listen(system, lambda event, _context: over.set() if is_exit(event) else None)
        assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
        if not wrong and client.state(system) == "Stopped":
            over.set()
        client.hangs(over.wait, wrong=wrong)
        client.at_end(over.set)
        client.close(system)


@hazard("M10", faulty=True, signs={"seen: a wait without end"})
def goes_on_when_a_callback_is_refused(client: Client, wrong: bool) -> None:
    system, over = client.started(), threading.Event()
    callback = client.event_callback(lambda event, _context: over.set() if is_exit(event) else None)
    with client.fail("HcsSetComputeSystemCallback", "E_OUTOFMEMORY"):
        result = client.hcs.HcsSetComputeSystemCallback(system, 0, None, callback)
    assert client.verb("HcsTerminateComputeSystem", system)[0] == 0
    if result == 0 or wrong:
        client.hangs(over.wait, wrong=wrong)
        client.at_end(over.set)
    client.close(system)


@hazard("S15", faulty=True, signs={refused("HcsSetComputeSystemCallback", _hresults.E_INVALIDARG)})
def has_nothing_else_when_an_option_is_refused(client: Client, wrong: bool) -> None:
    system = client.create()
    callback = client.event_callback(lambda _event, _context: None)
    with client.fail("HcsSetComputeSystemCallback", "E_INVALIDARG", nth=1):
        result = client.hcs.HcsSetComputeSystemCallback(system, 4, None, callback)
        if result != 0 and not wrong:
            result = client.hcs.HcsSetComputeSystemCallback(system, 0, None, callback)
    client.expects("HcsSetComputeSystemCallback", result)
    client.close(system)


# --- documents and arguments that HCS does not take -------------------------------------------------------------------


@hazard("Z20", signs={refused("HcsModifyProcess", _hresults.HCS_E_INVALID_JSON)})
def sets_the_size_of_a_console_without_saying_so(client: Client, wrong: bool) -> None:
    system = client.started()
    process, _ = client.process(system, SLEEP)
    handle = {"Operation": "CloseHandle", "CloseHandle": {"Handle": "All"}}
    request = {"ConsoleSize": {"Height": 24, "Width": 80}} if wrong else handle
    client.expects("HcsModifyProcess", client.verb("HcsModifyProcess", process, json.dumps(request))[0])
    client.end_process(process)
    client.close(system)


@hazard("Z21", signs={refused("HcsCreateProcess", _hresults.HCS_E_INVALID_JSON)})
def gives_the_size_of_a_console_as_an_object(client: Client, wrong: bool) -> None:
    system, operation = client.started(), client.operation()
    size: Any = {"Height": 24, "Width": 80} if wrong else [24, 80]
    process = client.begin_process(system, TRUE, operation, ConsoleSize=size)
    client.expects("HcsCreateProcess", client.outcome(operation)[0])
    if not wrong:
        client.wait_for_exit(process)
    client.hcs.HcsCloseOperation(operation)
    client.hcs.HcsCloseProcess(process)
    client.close(system)


@hazard("M8", signs={refused("HcsCreateComputeSystem", _hresults.HCS_E_INVALID_JSON)})
def puts_documents_together_without_escapes(client: Client, wrong: bool) -> None:
    owner, operation = 'the "owner"', client.operation()
    document = json.dumps(emulator.container_document(owner="OWNER"))
    text = document.replace('"OWNER"', f'"{owner}"' if wrong else json.dumps(owner))
    system = client.begin_create(operation, document=text)
    client.expects("HcsCreateComputeSystem", client.outcome(operation)[0])
    client.hcs.HcsCloseOperation(operation)
    client.close(system)


@hazard("Z24", signs={refused("HcsOpenComputeSystem", _hresults.E_INVALIDARG)})
def opens_a_system_with_no_access(client: Client, wrong: bool) -> None:
    system = client.create("there")
    result, opened = client.hcs.handle_of("HcsOpenComputeSystem", wide("there"), 0 if wrong else GENERIC_ALL)
    client.expects("HcsOpenComputeSystem", result)
    client.close(system)
    if opened is not None:
        client.close(opened)


@hazard("Z25", signs={refused("HcsShutDownComputeSystem", _hresults.HCS_E_INVALID_JSON)})
def invents_options_of_a_shutdown(client: Client, wrong: bool) -> None:
    system = client.started()
    options = '{"TimeoutSeconds": 5}' if wrong else None
    client.expects("HcsShutDownComputeSystem", client.verb("HcsShutDownComputeSystem", system, options)[0])
    client.close(system)


# --- answers that are read wrongly ------------------------------------------------------------------------------------


@hazard("Z10", signs={"seen: a code that the client does not know"})
def has_a_table_of_wrong_codes(client: Client, wrong: bool) -> None:
    codes = {0x80370100 if wrong else _hresults.HCS_E_SYSTEM_NOT_FOUND: "NotFound"}
    result, _ = client.hcs.handle_of("HcsOpenComputeSystem", wide("nobody"), GENERIC_ALL)
    if result not in codes:
        client.sees("a code that the client does not know")


@hazard("S8", signs={"seen: a code that the client does not know"})
def knows_the_codes_of_another_dll(client: Client, wrong: bool) -> None:
    system = client.started()
    already_stopped = {0xC0370110} if wrong else {0xC0370110, _hresults.HCS_E_SYSTEM_ALREADY_STOPPED}
    for _ in range(2):
        result, _ = client.verb("HcsTerminateComputeSystem", system)
        if result != 0 and result not in already_stopped:
            client.sees("a code that the client does not know")
    client.close(system)


@hazard("Z11", signs={"seen: an error without a code"})
def looks_for_other_members_in_an_error(client: Client, wrong: bool) -> None:
    system, operation = client.create("taken"), client.operation()
    second = client.begin_create(operation, "taken")
    _, document = client.outcome(operation)
    client.hcs.HcsCloseOperation(operation)
    if ("ErrorCode" if wrong else "Error") not in json.loads(document or "{}"):
        client.sees("an error without a code")
    client.close(system, second)


@hazard("Z22", exit_code_while_running="259", signs={"seen: an exit of a process that runs"})
def reads_an_exit_code_of_a_process_that_runs(client: Client, wrong: bool) -> None:
    system = client.started()
    process, _ = client.process(system, SLEEP)
    result, document = client.verb("HcsGetProcessProperties", process)
    assert result == 0
    status = json.loads(document or "")
    exited = "ExitCode" in status if wrong else status["Exited"] and status["LastWaitResult"] == 0
    if exited:
        client.sees("an exit of a process that runs")
    client.end_process(process)
    client.close(system)


@hazard("Z23", signs={"seen: a success of what has crashed"})
def reads_an_exit_code_of_a_system(client: Client, wrong: bool) -> None:
    machine = client.started(document=MACHINE)
    status: list[dict[str, Any]] = []

    def event(event: Event, _context: int | None) -> None:
        if is_exit(event):
            status.append(json.loads(read(event.data)))

    client.listen(machine, event)
    assert client.verb("HcsCrashComputeSystem", machine)[0] == 0
    assert client.wait_until(lambda: status)
    success = status[0].get("ExitCode", 0) == 0 if wrong else status[0]["ExitType"] == "GracefulExit"
    if success:
        client.sees("a success of what has crashed")
    client.close(machine)


@hazard("Z27", signs={"seen: statistics that nobody has measured"})
def takes_any_answer_for_statistics(client: Client, wrong: bool) -> None:
    machine = client.started(document=MACHINE)
    assert client.verb("HcsPauseComputeSystem", machine)[0] == 0
    query = json.dumps({"PropertyTypes": ["Statistics"]})
    result, document = client.verb("HcsGetComputeSystemProperties", machine, query)
    assert result == _hresults.HCS_E_INVALID_STATE
    answer = json.loads(document or "")
    statistics = answer.get("Statistics", {"Uptime100ns": 0} if wrong else None)
    if statistics is not None:
        client.sees("statistics that nobody has measured")
    client.close(machine)


@hazard("S7", signs={"seen: a failure that nobody hears of"})
def swallows_the_error_of_a_signal(client: Client, wrong: bool) -> None:
    system = client.started()
    process, _ = client.process(system, TRUE)
    client.wait_for_exit(process)
    result, _ = client.verb("HcsSignalProcess", process, '{"Signal": "CtrlC"}')
    told = 0 if wrong else result
    if told == 0:
        client.sees("a failure that nobody hears of")
    client.hcs.HcsCloseProcess(process)
    client.close(system)


@hazard("S9", signs={"seen: a wait without end"})
def never_looks_at_the_result_of_a_shutdown(client: Client, wrong: bool) -> None:
    machine, operation, over = client.started(document=MACHINE), client.operation(), threading.Event()
    client.listen(machine, lambda event, _context: over.set() if is_exit(event) else None)
    assert client.hcs.HcsShutDownComputeSystem(machine, operation, None) == 0
    if not wrong:
        assert client.outcome(operation)[0] == _hresults.ERROR_NOT_SUPPORTED
        assert client.verb("HcsTerminateComputeSystem", machine)[0] == 0
    client.hangs(over.wait, wrong=wrong)
    client.at_end(over.set)
    client.outcome(operation)
    client.hcs.HcsCloseOperation(operation)
    client.verb("HcsTerminateComputeSystem", machine)
    client.close(machine)


@hazard("S17", marks=(posix_signals,), signs={"seen: an exit code that nobody knows"})
def takes_an_unknown_exit_code_for_one(client: Client, wrong: bool) -> None:
    # Whose children nobody waits for: their exit codes are lost.
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        system = client.started()
        process, _ = client.process(system, TRUE)
        client.wait_for_exit(process)
        _, document = client.verb("HcsGetProcessProperties", process)
    finally:
        signal.signal(signal.SIGCHLD, before)
    status = json.loads(document or "")
    assert status["LastWaitResult"] != 0
    code = status.get("ExitCode", -1) if wrong or status["LastWaitResult"] == 0 else None
    if code is not None:
        client.sees("an exit code that nobody knows")
    client.hcs.HcsCloseProcess(process)
    client.close(system)


@hazard("S19", signs={"seen: a number that is too great"})
def reads_numbers_of_64_bits_as_32(client: Client, wrong: bool) -> None:
    topology = {"Memory": {"SizeInMB": 1 << 24}}
    machine = client.started(document={**MACHINE, "VirtualMachine": {"ComputeTopology": topology}})
    result, document = client.verb("HcsGetComputeSystemProperties", machine, '{"PropertyTypes": ["Memory"]}')
    assert result == 0
    pages = json.loads(document or "")["Memory"]["VirtualMachineMemory"]["AssignedMemory"]
    if pages >= 1 << (31 if wrong else 64):
        client.sees("a number that is too great")
    client.close(machine)


@hazard("S20", signs={"seen: a property that is missing without a reason"})
def drops_the_error_of_one_property(client: Client, wrong: bool) -> None:
    result, document = client.hcs.document_of("HcsGetServiceProperties", wide('{"PropertyQueries": {"Nothing": null}}'))
    assert result == 0
    response = json.loads(document or "")["PropertyResponses"]["Nothing"]
    if response.get("Response") is None and ("Error" not in response or wrong):
        client.sees("a property that is missing without a reason")


@hazard("M9", faulty=True, signs={"seen: a state that nobody has told"})
def takes_a_failed_question_for_a_state(client: Client, wrong: bool) -> None:
    system, state = client.started(), "Running"
    with client.fail("HcsGetComputeSystemProperties", "E_FAIL"):
        operation = client.operation()
        result = client.hcs.HcsGetComputeSystemProperties(system, operation, None)
        client.hcs.HcsCloseOperation(operation)
    if result != 0 and wrong:
        state = "Unknown"
    if state != client.state(system):
        client.sees("a state that nobody has told")
    client.close(system)


class OperationType(enum.IntEnum):
    """The types that a client knew which was made before crashes."""

    NONE = -1
    ENUMERATE = 0
    CREATE = 1
    START = 2


@hazard("R4", signs={"seen: a number that the client does not know"})
def has_no_place_for_numbers_that_come_later(client: Client, wrong: bool) -> None:
    machine, operation = client.started(document=MACHINE), client.operation()
    assert client.hcs.HcsCrashComputeSystem(machine, operation, None) == 0
    assert client.outcome(operation)[0] == 0
    number = client.hcs.HcsGetOperationType(operation)
    try:
        OperationType(number) if wrong else int(number)
    except ValueError:
        client.sees("a number that the client does not know")
    client.hcs.HcsCloseOperation(operation)
    client.close(machine)


@hazard("X3", signs={"seen: a success that was taken for a failure"})
def looks_in_the_document_whether_a_call_has_succeeded(client: Client, wrong: bool) -> None:
    system = client.create()
    result, document = client.verb("HcsStartComputeSystem", system)
    success = result == 0 and (not wrong or json.loads(document or "{}").get("Success", False))
    if not success:
        client.sees("a success that was taken for a failure")
    assert client.state(system) == "Running"
    client.close(system)


@hazard("Z18", signs={"seen: a wait without end"})
def reads_one_stream_to_its_end_before_the_other(client: Client, wrong: bool) -> None:
    with hcsrt.ComputeSystem.create("streams", emulator.container_document()) as system:
        system.start()
        command = guest("write(b'.' * (1 << 22), 2)")
        process = system.popen(command, stdout=hcsrt.PIPE, stderr=hcsrt.PIPE)
        assert process.stdout is not None
        client.hangs(process.stdout.read if wrong else process.communicate, wrong=wrong)
        process.kill()
        client.join()
        process.wait()
        process.close()


# --- the tests --------------------------------------------------------------------------------------------------------


def cases() -> Iterator[Any]:
    for id in sorted(CASES, key=HAZARDS.index):
        for wrong in (True, False):
            marks = CASES[id].marks if wrong else tuple(mark for mark in CASES[id].marks if mark.name != "slow")
            yield pytest.param(CASES[id], wrong, id=f"{id}-{'wrong' if wrong else 'right'}", marks=marks)


@pytest.mark.parametrize(("case", "wrong"), list(cases()))
def test_a_wrong_client_is_told_and_a_right_one_is_not(case: Case, wrong: bool) -> None:
    with Host(None, **case.assumptions) as host:
        client = Client(host, faulty=case.faulty)
        try:
            case.client(client, wrong)
            client.end()
            signs = client.signs(wrong=wrong)
        finally:
            client.end()
            client.make_amends()
    client.join()
    assert signs == (case.signs if wrong else set())


def rows(heading: str) -> list[tuple[str, str]]:
    """Return the mistakes whose numbers stand in the last column of a table, each with the column before."""
    text = PAGE.read_text("utf-8").partition(f"{heading}\n")[2].partition("\n#")[0]
    cells = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [(id, tells) for *_, tells, ids in cells for id in re.findall(r"\b[A-Z]\d+\b", ids)]


def test_the_page_has_each_mistake_once() -> None:
    caught = [id for id, _ in rows("### Mistakes it catches")]
    missed = [id for id, _ in rows("### Mistakes it cannot catch")]
    # A callback of ctypes cannot throw: a test of native code shows that one.
    assert sorted(caught, key=HAZARDS.index) == sorted({*CASES, "M1"}, key=HAZARDS.index)
    assert sorted(caught + missed, key=HAZARDS.index) == HAZARDS


def test_the_page_says_how_each_mistake_is_told() -> None:
    signs = {"misuse": "`misuses()`", "left: strings": "strings", "left: systems": "systems"}
    signs |= {"left: processes": "processes", "left: stdio": "stdio", "seen: a wait without end": "hangs"}
    for id, tells in rows("### Mistakes it catches"):
        case = CASES.get(id)
        if case is None:
            continue
        for beginning, word in signs.items():
            if any(sign.startswith(beginning) for sign in case.signs):
                assert word in tells, (id, tells)
        # The others only decide that a call is met while it runs.
        named = case.assumptions.keys() - {"answers", "completion"}
        assert named <= set(re.findall(r"`(\w+)`", tells)), (id, tells)
