"""The emulator as a C caller meets it: operations by their rules, and a referee who sees what would corrupt HCS."""

import ctypes
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from ctypes import byref
from subprocess import list2cmdline
from typing import Any

import pytest

from hcsrt import ComputeSystem, emulator
from hcsrt._check_host.raw_hcs import (
    FOREVER,
    GENERIC_ALL,
    CreateOptions,
    ProcessInformation,
    Table,
    completion,
    event_callback,
    wide,
)

from ..helpers.programs import SLEEP, TRUE
from ..helpers.services import busy

SEEDS = [None, *range(12)]

S_OK = 0
E_NOTIMPL = 0x80004001
E_POINTER = 0x80004003
E_HANDLE = 0x80070006
E_INVALIDARG = 0x80070057
WAIT_TIMEOUT = 0x80070102
HCS_E_INVALID_STATE = 0x80370105
HCS_E_SYSTEM_NOT_FOUND = 0x8037010E
HCS_E_OPERATION_NOT_STARTED = 0x80370115
HCS_E_OPERATION_ALREADY_STARTED = 0x80370116
HCS_E_OPERATION_PENDING = 0x80370117
HCS_E_OPERATION_TIMEOUT = 0x80370118
HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET = 0x80370119

TYPE_NONE = -1
TYPE_ENUMERATE = 0
TYPE_PROPERTIES = 9
TYPE_PROCESS_INFO = 12

ENABLE_OPERATION_CALLBACKS = 1
EVENT_OPERATION_CALLBACK = 0x1000000

PATIENCE = 10.0


@pytest.fixture(params=SEEDS)
def any_seed(request: pytest.FixtureRequest) -> int | None:
    """The plain order and many others; a test asks for it first, since nothing from before it stays."""
    emulator.reset(request.param)
    return request.param


@pytest.fixture
def hcs() -> Table:
    return Table()


@pytest.fixture
def opened(hcs: Table, system: ComputeSystem) -> Iterator[int]:
    """A raw HCS_SYSTEM of a running compute system, without event callback."""
    handle = hcs.open_system(system.id)
    yield handle
    hcs.HcsCloseComputeSystem(handle)


@pytest.fixture
def operation(hcs: Table) -> Iterator[int]:
    operation = hcs.HcsCreateOperation(None, None)
    yield operation
    hcs.HcsCloseOperation(operation)


@pytest.fixture
def gate(plain_order: None, opened: int) -> Iterator[threading.Event]:
    """Calls are answered when this is set."""
    with busy() as gate:
        yield gate


class RawProcess:
    """A process of `arguments` with a standard output, started through the table.

    For the plain order: in others its call may report a failure although the process runs.
    """

    def __init__(self, hcs: Table, system: int, *arguments: str) -> None:
        self.hcs = hcs
        self.info = ProcessInformation()
        parameters = wide(json.dumps({"CommandLine": list2cmdline(arguments), "CreateStdOutPipe": True}))
        operation = hcs.HcsCreateOperation(None, None)
        result, self.handle = hcs.handle_of("HcsCreateProcess", system, parameters, operation, None)
        assert result == S_OK
        wait = ("HcsWaitForOperationResultAndProcessInfo", operation, FOREVER, byref(self.info))
        assert hcs.document_of(*wait)[0] == S_OK
        hcs.HcsCloseOperation(operation)

    def close(self) -> None:
        assert self.hcs.close_handle(self.info.std_output)
        self.hcs.HcsCloseProcess(self.handle)


@pytest.fixture
def whistle(settle: Callable[..., bool]) -> Iterator[Callable[..., None]]:
    """The referee has whistled once since the last look, for this function and reason; forgiven after the test.

    A test asks for it first, so that what the test still holds is closed before everything starts afresh.
    """
    seen = 0

    def whistle(function: str, reason: str) -> None:
        nonlocal seen
        (misuse,) = emulator.misuses()[seen:]
        assert misuse.startswith(f"{function}: handle ")
        assert misuse.endswith(f" {reason}")
        seen += 1

    yield whistle
    assert len(emulator.misuses()) == seen
    assert settle(lambda: not any(emulator.live().values()))
    emulator.reset()


# --- operations -----------------------------------------------------------------------------------------------------


def test_an_operation_before_its_use(hcs, operation):
    assert hcs.HcsGetOperationType(operation) == TYPE_NONE
    assert hcs.document_of("HcsGetOperationResult", operation) == (HCS_E_OPERATION_NOT_STARTED, None)
    assert hcs.document_of("HcsWaitForOperationResult", operation, 0) == (HCS_E_OPERATION_NOT_STARTED, None)
    assert hcs.document_of("HcsWaitForOperationResult", operation, FOREVER) == (HCS_E_OPERATION_NOT_STARTED, None)
    assert hcs.HcsGetComputeSystemFromOperation(operation) is None
    assert hcs.HcsGetProcessFromOperation(operation) is None


def test_each_operation_has_an_id_of_its_own(hcs):
    operations = [hcs.HcsCreateOperation(None, None) for _ in range(20)]
    ids = [hcs.HcsGetOperationId(operation) for operation in operations]
    assert len(set(ids)) == 20
    assert all(0 < id < 0xFFFFFFFFFFFFFFFF for id in ids)
    assert ids == [hcs.HcsGetOperationId(operation) for operation in operations]
    for operation in operations:
        hcs.HcsCloseOperation(operation)


def test_the_context_of_an_operation(hcs, operation):
    assert hcs.HcsGetOperationContext(operation) is None
    assert hcs.HcsSetOperationContext(operation, 4711) == S_OK
    assert hcs.HcsGetOperationContext(operation) == 4711
    assert hcs.HcsSetOperationCallback(operation, 4712, None) == S_OK
    assert hcs.HcsGetOperationContext(operation) == 4712
    other = hcs.HcsCreateOperation(4713, None)
    assert hcs.HcsGetOperationContext(other) == 4713
    hcs.HcsCloseOperation(other)


def test_an_operation_that_runs(hcs, opened, operation, gate):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.HcsGetOperationType(operation) == TYPE_PROPERTIES
    assert hcs.HcsGetComputeSystemFromOperation(operation) == opened
    assert hcs.HcsGetProcessFromOperation(operation) is None
    assert hcs.document_of("HcsGetOperationResult", operation) == (HCS_E_OPERATION_PENDING, None)
    assert hcs.document_of("HcsWaitForOperationResult", operation, 0) == (HCS_E_OPERATION_TIMEOUT, None)
    assert hcs.document_of("HcsWaitForOperationResult", operation, 20) == (HCS_E_OPERATION_TIMEOUT, None)
    assert hcs.HcsEnumerateComputeSystems(None, operation) == HCS_E_OPERATION_ALREADY_STARTED
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == HCS_E_OPERATION_ALREADY_STARTED
    gate.set()
    assert hcs.wait(operation) == S_OK


def test_an_operation_that_has_completed(any_seed, hcs, system, opened, operation):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    result, document = hcs.document_of("HcsWaitForOperationResult", operation, FOREVER)
    assert (result, json.loads(document)["Id"]) == (S_OK, system.id)
    # The result stays, each asker gets a document of his own.
    assert hcs.document_of("HcsGetOperationResult", operation) == (S_OK, document)
    assert hcs.document_of("HcsWaitForOperationResult", operation, 0) == (S_OK, document)
    assert hcs.HcsGetOperationType(operation) == TYPE_PROPERTIES
    assert hcs.HcsGetComputeSystemFromOperation(operation) is None


def test_a_completed_operation_is_used_again(hcs, opened, operation):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    first = hcs.document_of("HcsWaitForOperationResult", operation, FOREVER)
    assert hcs.HcsEnumerateComputeSystems(None, operation) == S_OK
    assert hcs.HcsGetOperationType(operation) == TYPE_ENUMERATE
    second = hcs.document_of("HcsWaitForOperationResult", operation, FOREVER)
    assert first[0] == second[0] == S_OK
    assert isinstance(json.loads(first[1]), dict)
    assert isinstance(json.loads(second[1]), list)


def test_no_result_document_is_wanted(hcs, opened, operation):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.HcsWaitForOperationResult(operation, FOREVER, None) == S_OK
    assert hcs.HcsGetOperationResult(operation, None) == S_OK


def test_a_failure_comes_at_once_or_by_the_operation(any_seed, hcs, opened, operation):
    assert hcs.HcsStartComputeSystem(opened, operation, None) in (S_OK, HCS_E_INVALID_STATE)
    assert hcs.wait(operation) == HCS_E_INVALID_STATE
    assert hcs.handle_of("HcsOpenComputeSystem", wide("nobody"), GENERIC_ALL) == (HCS_E_SYSTEM_NOT_FOUND, None)


def test_hcs_cannot_cancel(hcs, opened, operation, gate):
    assert hcs.HcsCancelOperation(operation) == E_NOTIMPL
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.HcsCancelOperation(operation) == E_NOTIMPL
    gate.set()
    assert hcs.wait(operation) == S_OK


def test_process_information_is_of_the_calls_that_give_it(hcs, opened, operation):
    info = ProcessInformation()
    for function, arguments in (
        ("HcsGetOperationResultAndProcessInfo", ()),
        ("HcsWaitForOperationResultAndProcessInfo", (1000,)),
    ):
        before_use = hcs.document_of(function, operation, *arguments, byref(info))
        assert before_use == (HCS_E_OPERATION_NOT_STARTED, None)
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    for function, arguments in (
        ("HcsGetOperationResultAndProcessInfo", ()),
        ("HcsWaitForOperationResultAndProcessInfo", (1000,)),
    ):
        assert hcs.document_of(function, operation, *arguments, byref(info)) == (E_INVALIDARG, None)


def test_process_information_gives_its_handles_once(plain_order, hcs, opened, operation):
    process = RawProcess(hcs, opened, *SLEEP)
    assert process.info.process_id
    assert process.info.std_input is process.info.std_error is None
    assert hcs.HcsGetProcessInfo(process.handle, operation) == S_OK
    info = ProcessInformation()
    arguments = ("HcsWaitForOperationResultAndProcessInfo", operation, FOREVER, byref(info))
    assert hcs.document_of(*arguments)[0] == S_OK
    assert hcs.HcsGetOperationType(operation) == TYPE_PROCESS_INFO
    assert info.process_id == process.info.process_id
    assert info.std_output not in (None, process.info.std_output)
    assert hcs.close_handle(info.std_output)
    assert hcs.document_of(*arguments)[0] == S_OK
    assert info.std_output is None
    assert hcs.HcsTerminateProcess(process.handle, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    process.close()


# --- completion callbacks -------------------------------------------------------------------------------------------


class Completion:
    """One HcsGetComputeSystemProperties with a callback that takes the result, and perhaps closes the operation."""

    CONTEXT = 4711

    def __init__(self, hcs: Table, system: int, *, closes: bool = False) -> None:
        self.calls: list[str] = []
        self.results: list[int] = []
        caller, returned, done = threading.get_ident(), False, threading.Event()

        def callback(operation: int, context: int | None) -> None:
            own = threading.get_ident() == caller
            self.calls.append("inline" if own else "later" if returned else "before return")
            assert (operation, context) == (self.operation, self.CONTEXT)
            self.results.append(hcs.document_of("HcsGetOperationResult", operation)[0])
            if closes:
                hcs.HcsCloseOperation(operation)
            done.set()

        self.operation = hcs.HcsCreateOperation(self.CONTEXT, completion(callback))
        assert hcs.HcsGetComputeSystemProperties(system, self.operation, None) == S_OK
        returned = True
        assert done.wait(PATIENCE)
        if not closes:
            hcs.HcsCloseOperation(self.operation)


@pytest.mark.parametrize("closes", [False, True], ids=["closed later", "closed inside"])
def test_a_completion_callback_comes_exactly_once(any_seed, hcs, opened, closes):
    operations = emulator.live()["operations"]
    completions = [Completion(hcs, opened, closes=closes) for _ in range(15)]
    time.sleep(0.02)
    assert [len(completion.calls) for completion in completions] == [1] * 15
    assert all(completion.results == [S_OK] for completion in completions)
    assert emulator.live()["operations"] == operations


@pytest.mark.parametrize("any_seed", [7], indirect=True)
def test_a_completion_callback_comes_whenever_it_likes(any_seed, hcs, opened):
    orders = Counter(Completion(hcs, opened).calls[0] for _ in range(80))
    assert orders.keys() == {"inline", "before return", "later"}


def test_in_plain_order_no_completion_callback_comes_inside_the_call(hcs, plain_order, opened):
    assert all(Completion(hcs, opened).calls != ["inline"] for _ in range(40))


def test_a_completion_callback_comes_for_each_use(hcs, opened, settle):
    contexts: list[int | None] = []
    operation = hcs.HcsCreateOperation(1, None)
    for use in range(1, 4):
        callback = completion(lambda operation, context: contexts.append(context))
        assert hcs.HcsSetOperationCallback(operation, use, callback) == S_OK
        # Set on a completed operation it may fire at once, and again for the next use.
        contexts.clear()
        assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
        assert hcs.wait(operation) == S_OK
        assert settle(lambda use=use: use in contexts)
    hcs.HcsCloseOperation(operation)


# --- events ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def events() -> list[tuple[int, int | None]]:
    return []


@pytest.fixture
def record(events: list[tuple[int, int | None]]) -> Any:
    return event_callback(lambda type, operation: events.append((type, operation)))


def test_operations_are_events_if_the_callback_asks_for_them(any_seed, hcs, opened, operation, events, record, settle):
    assert hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, record) == S_OK
    for count in (1, 2):
        assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
        assert hcs.wait(operation) == S_OK
        assert settle(lambda count=count: len(events) == count)
    time.sleep(0.02)
    assert events == [(EVENT_OPERATION_CALLBACK, operation)] * 2


def test_an_operation_started_before_the_callback_was_set_is_an_event_too(
    hcs, opened, operation, gate, events, record, settle
):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, record) == S_OK
    gate.set()
    assert hcs.wait(operation) == S_OK
    assert settle(lambda: events == [(EVENT_OPERATION_CALLBACK, operation)])


def test_operations_are_no_events_unless_asked_for(hcs, opened, operation, events, record):
    assert hcs.HcsSetComputeSystemCallback(opened, 0, None, record) == S_OK
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    assert Completion(hcs, opened).results == [S_OK]
    time.sleep(0.05)
    assert events == []


def test_operation_events_and_a_completion_callback_exclude_each_other(hcs, opened, record):
    operation = hcs.HcsCreateOperation(None, completion(lambda operation, context: None))
    assert hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, record) == S_OK
    refused = hcs.HcsGetComputeSystemProperties(opened, operation, None)
    assert refused == HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET
    assert hcs.HcsGetOperationType(operation) == TYPE_NONE
    # Only calls on that handle are meant.
    assert hcs.HcsEnumerateComputeSystems(None, operation) == S_OK
    assert hcs.wait(operation) == S_OK
    hcs.HcsCloseOperation(operation)


def test_a_second_callback_is_refused_or_replaces_the_first(
    any_seed, whistle, hcs, opened, operation, events, record, settle
):
    replaced: list[tuple[int, int | None]] = []
    first = event_callback(lambda type, operation: replaced.append((type, operation)))
    assert hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, first) == S_OK
    second = hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, record)
    whistle(
        "HcsSetComputeSystemCallback",
        "has a callback already; set one for each handle, and keep what it uses until the close",
    )
    assert second == HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET or (second == S_OK and any_seed is not None)
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    hears, silent = (events, replaced) if second == S_OK else (replaced, events)
    assert settle(lambda: len(hears) == 1)
    assert silent == []


def test_a_callback_is_required(hcs, opened):
    assert hcs.HcsSetComputeSystemCallback(opened, 0, None, None) == E_INVALIDARG


# --- exits ----------------------------------------------------------------------------------------------------------


def test_waiting_for_the_exit_of_a_system(any_seed, hcs, opened, operation):
    for milliseconds in (0, 20):
        result, document = hcs.document_of("HcsWaitForComputeSystemExit", opened, milliseconds)
        assert result in (WAIT_TIMEOUT, HCS_E_OPERATION_TIMEOUT)
        assert document is None
    assert hcs.HcsTerminateComputeSystem(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    result, document = hcs.document_of("HcsWaitForComputeSystemExit", opened, FOREVER)
    assert result == S_OK
    assert "Status" in json.loads(document)
    assert hcs.document_of("HcsWaitForComputeSystemExit", opened, 0) == (S_OK, document)


def test_waiting_for_the_exit_of_a_process(plain_order, hcs, opened, operation):
    process = RawProcess(hcs, opened, *SLEEP)
    result, document = hcs.document_of("HcsWaitForProcessExit", process.handle, 20)
    assert result in (WAIT_TIMEOUT, HCS_E_OPERATION_TIMEOUT)
    assert document is None
    assert hcs.HcsTerminateProcess(process.handle, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    result, document = hcs.document_of("HcsWaitForProcessExit", process.handle, FOREVER)
    assert result == S_OK
    assert json.loads(document)["ProcessId"] == process.info.process_id
    assert hcs.document_of("HcsWaitForProcessExit", process.handle, 0) == (S_OK, document)
    process.close()


# --- arguments and functions that are refused -----------------------------------------------------------------------


@pytest.mark.parametrize("access", [0, 1, 0x80000000, 0xFFFFFFFF])
def test_a_system_is_opened_with_all_access(hcs, system, access):
    result, handle = hcs.handle_of("HcsOpenComputeSystem", wide(system.id), access)
    assert (result, handle) == (E_INVALIDARG, None)


def test_required_pointers(hcs, opened, operation):
    id, document = wide("tests"), wide("{}")
    assert hcs.HcsOpenComputeSystem(id, GENERIC_ALL, None) == E_POINTER
    assert hcs.HcsOpenProcess(opened, 1, GENERIC_ALL, None) == E_POINTER
    assert hcs.HcsCreateComputeSystem(id, document, operation, None, None) == E_POINTER
    assert hcs.HcsCreateProcess(opened, document, operation, None, None) == E_POINTER
    assert hcs.HcsGetServiceProperties(None, None) == E_POINTER
    for empty in (None, wide("")):
        assert hcs.handle_of("HcsOpenComputeSystem", empty, GENERIC_ALL) == (E_INVALIDARG, None)
        assert hcs.handle_of("HcsCreateComputeSystem", empty, document, operation, None) == (E_INVALIDARG, None)
    assert hcs.handle_of("HcsCreateComputeSystem", id, None, operation, None) == (E_INVALIDARG, None)
    assert hcs.handle_of("HcsCreateProcess", opened, None, operation, None) == (E_INVALIDARG, None)
    assert hcs.HcsGetOperationType(operation) == TYPE_NONE


NOT_EMULATED = [
    "HcsAddResourceToOperation",
    "HcsGetOperationProperties",
    "HcsGetProcessorCompatibilityFromSavedState",
]
VERBS_NOT_EMULATED = [
    "HcsCancelLiveMigration",
    "HcsFinalizeLiveMigration",
    "HcsInitializeLiveMigrationOnSource",
    "HcsStartLiveMigrationOnSource",
    "HcsStartLiveMigrationTransfer",
]


@pytest.mark.parametrize("function", VERBS_NOT_EMULATED)
def test_a_verb_that_is_not_emulated_says_so_by_its_operation(hcs, opened, operation, function):
    assert getattr(hcs, function)(opened, operation, None) in (S_OK, E_NOTIMPL)  # known to have failed, or not yet
    assert hcs.wait(operation) == E_NOTIMPL
    assert hcs.HcsGetOperationType(operation) == TYPE_NONE


def test_a_report_to_windows_is_not_emulated(hcs):
    assert hcs.HcsSubmitWerReport(wide("{}")) == E_NOTIMPL


@pytest.mark.parametrize("function", NOT_EMULATED)
def test_a_function_that_is_not_emulated_says_so(hcs, function):
    _, types = hcs.prototypes[function]
    nothing = [None if type is ctypes.c_void_p else 0 for type in types]
    assert getattr(hcs, function)(*nothing) == E_NOTIMPL


def test_an_operation_with_notifications_is_an_operation_like_others(any_seed, hcs, opened):
    operation = hcs.HcsCreateOperationWithNotifications(1, 0x1234, None)
    assert hcs.HcsGetOperationContext(operation) == 0x1234
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    hcs.HcsCloseOperation(operation)


def test_an_identity_needs_a_request(hcs, opened, operation):
    request = wide('{"ResourcePath": "Container/Memory/SizeInMB", "Settings": 512}')
    assert hcs.HcsModifyComputeSystem(opened, operation, request, 1) == S_OK
    assert hcs.wait(operation) == S_OK
    assert hcs.HcsModifyComputeSystem(opened, operation, None, 1) == E_INVALIDARG
    assert hcs.HcsModifyComputeSystem(opened, operation, None, None) == E_INVALIDARG


def test_a_namespace_and_paths_are_needed(hcs, operation):
    document, name, nothing = wide(json.dumps(emulator.container_document())), wide("a"), wide("")
    for missing in (None, nothing):
        assert hcs.handle_of(
            "HcsCreateComputeSystemInNamespace", missing, name, document, operation, None
        ) == (E_INVALIDARG, None)  # fmt: skip
        assert hcs.handle_of("HcsOpenComputeSystemInNamespace", missing, name, GENERIC_ALL) == (E_INVALIDARG, None)
        assert hcs.HcsEnumerateComputeSystemsInNamespace(missing, None, operation) == E_INVALIDARG
        for function in ("HcsCreateEmptyGuestStateFile", "HcsGrantVmGroupAccess", "HcsRevokeVmGroupAccess"):
            assert getattr(hcs, function)(missing) == E_INVALIDARG
        assert hcs.HcsGrantVmAccess(missing, wide(__file__)) == E_INVALIDARG
        assert hcs.HcsRevokeVmAccess(name, missing) == E_INVALIDARG


def test_options_of_a_creation_can_bring_the_event_callback(any_seed, hcs, settle):
    events: list[int] = []
    callback = event_callback(lambda type, operation: events.append(type))
    document, name = wide(json.dumps(emulator.container_document())), wide("a")
    operation = hcs.HcsCreateOperation(None, None)
    create = "HcsCreateComputeSystemInNamespace"
    for version, token, expected in ((1, None, E_INVALIDARG), (0x10000, 1, E_NOTIMPL)):
        options = CreateOptions(version, token, None, 0, None, callback)
        assert hcs.handle_of(create, wide("ns"), name, document, operation, byref(options)) == (expected, None)
    options = CreateOptions(0x10000, None, None, 0, None, callback)
    result, system = hcs.handle_of(create, wide("ns"), name, document, operation, byref(options))
    assert (result, hcs.wait(operation)) == (S_OK, S_OK)
    assert hcs.HcsTerminateComputeSystem(system, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    assert settle(lambda: events == [1])
    hcs.HcsCloseComputeSystem(system)
    hcs.HcsCloseOperation(operation)


# --- the referee ----------------------------------------------------------------------------------------------------


def test_a_double_close(plain_order, whistle, hcs, system, opened):
    operation, handle = hcs.HcsCreateOperation(None, None), hcs.open_system(system.id)
    process = RawProcess(hcs, opened, *TRUE)
    process.close()
    hcs.HcsCloseProcess(process.handle)
    whistle("HcsCloseProcess", "is closed; HCS_PROCESS is expected")
    hcs.HcsCloseOperation(operation)
    hcs.HcsCloseOperation(operation)
    whistle("HcsCloseOperation", "is closed; HCS_OPERATION is expected")
    hcs.HcsCloseComputeSystem(handle)
    hcs.HcsCloseComputeSystem(handle)
    whistle("HcsCloseComputeSystem", "is closed; HCS_SYSTEM is expected")


def test_a_use_after_close(whistle, hcs, system, opened, operation):
    handle = hcs.open_system(system.id)
    hcs.HcsCloseComputeSystem(handle)
    assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == E_HANDLE
    whistle("HcsGetComputeSystemProperties", "is closed; HCS_SYSTEM is expected")
    assert hcs.document_of("HcsWaitForComputeSystemExit", handle, 0) == (E_HANDLE, None)
    whistle("HcsWaitForComputeSystemExit", "is closed; HCS_SYSTEM is expected")
    callback = event_callback(lambda type, operation: None)
    assert hcs.HcsSetComputeSystemCallback(handle, 0, None, callback) == E_HANDLE
    whistle("HcsSetComputeSystemCallback", "is closed; HCS_SYSTEM is expected")

    closed = hcs.HcsCreateOperation(None, None)
    hcs.HcsCloseOperation(closed)
    assert hcs.HcsGetComputeSystemProperties(opened, closed, None) == E_HANDLE
    whistle("HcsGetComputeSystemProperties", "is closed; HCS_OPERATION is expected")
    assert hcs.wait(closed) == E_HANDLE
    whistle("HcsWaitForOperationResult", "is closed; HCS_OPERATION is expected")
    assert hcs.HcsGetOperationType(closed) == TYPE_NONE
    whistle("HcsGetOperationType", "is closed; HCS_OPERATION is expected")
    assert hcs.HcsGetOperationId(closed) == 0xFFFFFFFFFFFFFFFF
    whistle("HcsGetOperationId", "is closed; HCS_OPERATION is expected")


def test_a_handle_of_the_wrong_kind(whistle, hcs, opened, operation):
    assert hcs.HcsGetComputeSystemProperties(operation, operation, None) == E_HANDLE
    whistle("HcsGetComputeSystemProperties", "is of the wrong kind, HCS_SYSTEM is expected")
    assert hcs.HcsGetProcessProperties(opened, operation, None) == E_HANDLE
    whistle("HcsGetProcessProperties", "is of the wrong kind, HCS_PROCESS is expected")
    assert hcs.HcsGetComputeSystemProperties(opened, opened, None) == E_HANDLE
    whistle("HcsGetComputeSystemProperties", "is of the wrong kind, HCS_OPERATION is expected")
    hcs.HcsCloseProcess(opened)
    whistle("HcsCloseProcess", "is of the wrong kind, HCS_PROCESS is expected")
    hcs.HcsCloseComputeSystem(operation)
    whistle("HcsCloseComputeSystem", "is of the wrong kind, HCS_SYSTEM is expected")
    # Both have survived that.
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK


@pytest.mark.parametrize("handle", [None, 0x7FFF00000002, 0xFFFFFFFFFFFFFFFF])
def test_a_handle_that_was_never_given_out(whistle, hcs, operation, handle):
    assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == E_HANDLE
    whistle("HcsGetComputeSystemProperties", "was never given out; HCS_SYSTEM is expected")
    hcs.HcsCloseComputeSystem(handle)
    whistle("HcsCloseComputeSystem", "was never given out; HCS_SYSTEM is expected")
    assert hcs.HcsGetOperationResult(handle, None) == E_HANDLE
    whistle("HcsGetOperationResult", "was never given out; HCS_OPERATION is expected")


def test_strings_go_back_once_and_to_whoever_gave_them(whistle, hcs, opened, operation):
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    string = ctypes.c_void_p()
    assert hcs.HcsWaitForOperationResult(operation, FOREVER, byref(string)) == S_OK
    assert emulator.live()["strings"] == 1
    hcs.free_cotaskmem(string)
    whistle("CoTaskMemFree", "is a string of HCS; free it with LocalFree")
    assert emulator.live()["strings"] == 1
    hcs.free_string(string)
    assert emulator.live()["strings"] == 0
    hcs.free_string(string)
    whistle("LocalFree", "is no string of HCS, or was freed before")
    hcs.free_cotaskmem(string)
    whistle("CoTaskMemFree", "is no string of HCN")
    hcs.free_string(wide("from elsewhere"))
    whistle("LocalFree", "is no string of HCS, or was freed before")
    hcs.free_string(None)
    hcs.free_cotaskmem(None)


def test_a_double_close_of_a_standard_stream(plain_order, whistle, hcs, opened):
    process = RawProcess(hcs, opened, *TRUE)
    process.close()
    assert hcs.close_handle(process.info.std_output) == 0
    whistle("CloseHandle", "is no open stdio handle")
    assert hcs.close_handle(opened) == 0
    whistle("CloseHandle", "is no open stdio handle")


class Waiting:
    """A thread inside a call of HCS."""

    def __init__(self, call: Callable[[], int]) -> None:
        self.results: list[int] = []
        entering = threading.Event()

        def run() -> None:
            entering.set()
            self.results.append(call())

        self.thread = threading.Thread(target=run)
        self.thread.start()
        entering.wait()
        # Nothing outside tells that the thread has come in.
        time.sleep(1)

    def result(self) -> int:
        self.thread.join(PATIENCE)
        return self.results[0]


def test_a_close_of_an_operation_with_a_call_inside(whistle, hcs, opened, gate):
    operation = hcs.HcsCreateOperation(None, None)
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    waiting = Waiting(lambda: hcs.wait(operation))
    hcs.HcsCloseOperation(operation)
    whistle("HcsCloseOperation", "was closed while a call on it had not returned; close it when no call is inside")
    gate.set()
    assert waiting.result() == S_OK


def test_a_close_of_a_system_with_a_call_inside(whistle, hcs, system, opened, operation):
    handle = hcs.open_system(system.id)
    waiting = Waiting(lambda: hcs.document_of("HcsWaitForComputeSystemExit", handle, FOREVER)[0])
    hcs.HcsCloseComputeSystem(handle)
    whistle("HcsCloseComputeSystem", "was closed while a call on it had not returned; close it when no call is inside")
    assert hcs.HcsTerminateComputeSystem(opened, operation, None) == S_OK
    assert hcs.wait(operation) == S_OK
    assert waiting.result() == S_OK


def test_a_close_of_a_system_on_a_callback_thread(plain_order, whistle, hcs, system, operation):
    handle, closed = hcs.open_system(system.id), threading.Event()

    def close(type: int, operation: int | None) -> None:
        hcs.HcsCloseComputeSystem(handle)
        closed.set()

    assert hcs.HcsSetComputeSystemCallback(handle, ENABLE_OPERATION_CALLBACKS, None, event_callback(close)) == S_OK
    assert hcs.HcsGetComputeSystemProperties(handle, operation, None) == S_OK
    assert closed.wait(PATIENCE)
    whistle(
        "HcsCloseComputeSystem",
        "was closed on a callback thread; close it on another one, as a close waits for callbacks that run",
    )


def test_an_operation_may_be_closed_on_a_callback_thread(hcs, opened):
    assert Completion(hcs, opened, closes=True).results == [S_OK]
    assert emulator.misuses() == []


@pytest.mark.slow
def test_a_callback_that_blocks(whistle, hcs, opened, operation, settle):
    callback = event_callback(lambda type, operation: time.sleep(2.1))
    assert hcs.HcsSetComputeSystemCallback(opened, ENABLE_OPERATION_CALLBACKS, None, callback) == S_OK
    assert hcs.HcsGetComputeSystemProperties(opened, operation, None) == S_OK
    assert settle(lambda: emulator.misuses() != [])
    whistle(
        "event callback", "had a callback that blocked; hand over what it tells to a thread of your own, and return"
    )
