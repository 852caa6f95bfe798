"""The table in docs/reference/functions.md is true: each function is called by its Python name, and arrives."""

import asyncio
import functools
import importlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import hcsrt
from hcsrt import _functions, _interpose, emulator, operations
from hcsrt._check_host.raw_hcs import Table, read

from ..helpers import portal as portal_module
from ..helpers.programs import SLEEP, TRUE
from ..helpers.services import busy
from ..helpers.spies import in_place

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "functions.md"

S_OK = 0
E_NOTIMPL = 0x80004001
E_INVALIDARG = 0x80070057

# A computecore.dll without them would be none: each call and each handle rests on them.
ESSENTIAL = {
    "HcsCloseComputeSystem",
    "HcsCloseOperation",
    "HcsCloseProcess",
    "HcsCreateOperation",
    "HcsGetOperationResult",
    "HcsGetOperationResultAndProcessInfo",
    "HcsWaitForOperationResult",
    "HcsWaitForOperationResultAndProcessInfo",
}


class Row(NamedTuple):
    function: str
    name: str
    awaited: str
    support: str
    since: str


def rows() -> list[Row]:
    pattern = re.compile(r"\| `(Hcs\w+)` \| `?([\w.—]+)`? \| `?([\w.—]+)`? \| `?(\w+)`? \| (\w+) \|")
    text = DOCUMENT.read_text(encoding="utf-8")
    windows = dict(re.findall(r"^\| (\w+) \| ([^|]+) \|$", text, re.MULTILINE))
    found = [match.groups() for match in map(pattern.fullmatch, text.splitlines()) if match]
    return [Row(*cells, windows[since]) for *cells, since in found]


ROWS = {row.function: row for row in rows()}
AWAITED = {function: row for function, row in ROWS.items() if row.awaited != "—"}


# Where no public name calls a function.
PRIVATE = {
    "HcsWaitForComputeSystemExit": "_watch.wait_system_exit",
    "HcsWaitForProcessExit": "_watch.wait_process_exit",
}


def called(row: Row) -> Any:
    return resolved(PRIVATE[row.function] if row.name == "—" else row.name)


def resolved(name: str) -> Any:
    importlib.import_module("hcsrt.aio")
    return functools.reduce(getattr, name.split("."), hcsrt)


# --- what the functions are called with -------------------------------------------------------------------------------


class World:
    """Something of every kind to call a function on, made when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._busy = ExitStack()
        self._opened: list[Any] = []

    def close(self) -> None:
        self._busy.close()
        while self._opened:
            self._opened.pop().close()
        emulator.reset()

    def keep(self, item: Any) -> Any:
        self._opened.append(item)
        return item

    @functools.cached_property
    def fresh(self) -> hcsrt.ComputeSystem:
        return self.keep(hcsrt.ComputeSystem.create("fresh", emulator.container_document()))

    @functools.cached_property
    def system(self) -> hcsrt.ComputeSystem:
        system = self.keep(hcsrt.ComputeSystem.create("running", emulator.container_document()))
        system.start()
        return system

    @functools.cached_property
    def machine(self) -> hcsrt.ComputeSystem:
        machine = self.keep(hcsrt.ComputeSystem.create("machine", {"VirtualMachine": {}}))
        machine.start()
        return machine

    @functools.cached_property
    def paused(self) -> hcsrt.ComputeSystem:
        self.machine.pause()
        return self.machine

    @functools.cached_property
    def process(self) -> Any:
        return self.keep(self.system.popen(SLEEP, stdout=hcsrt.PIPE))

    @functools.cached_property
    def ended(self) -> Any:
        process = self.keep(self.system.popen(TRUE))
        assert process.wait(10) == 0
        return process

    @functools.cached_property
    def operation(self) -> hcsrt.OwnedOperation:
        return self.keep(operations.create_operation())

    @functools.cached_property
    def done(self) -> hcsrt.OwnedOperation:
        """An operation whose call has ended."""
        operations.kick_off(self.operation, "HcsGetComputeSystemProperties", self.system.handle)
        operations.wait_operation(self.operation, 10)
        return self.operation

    def under_way(self, function: str, handle: Any) -> hcsrt.OwnedOperation:
        """An operation whose call does not end."""
        self._busy.enter_context(busy())
        is_process = isinstance(handle, hcsrt.OwnedProcess)
        operations.kick_off(self.operation, function, handle, '{"Signal": "CtrlC"}' if is_process else None)
        return self.operation

    @functools.cached_property
    def file(self) -> Path:
        path = self.folder / "file"
        path.touch()
        return path


@pytest.fixture
def world(tmp_path: Path, plain_order: None) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


Call = Callable[..., Any]
CALLS: dict[str, Callable[[Call, World], object]] = {}


def calls(function: str) -> Callable[[Callable[[Call, World], object]], Callable[[Call, World], object]]:
    """Marks what calls a function through its Python name."""

    def mark(recipe: Callable[[Call, World], object]) -> Callable[[Call, World], object]:
        CALLS[function] = recipe
        return recipe

    return mark


CALLS |= {
    "HcsCancelLiveMigration": lambda call, world: call(world.machine, {}),
    "HcsCancelOperation": lambda call, world: call(world.operation),
    "HcsCloseComputeSystem": lambda call, world: call(world.fresh),
    "HcsCloseOperation": lambda call, world: call(world.operation),
    "HcsCloseProcess": lambda call, world: call(world.ended),
    "HcsCrashComputeSystem": lambda call, world: call(world.machine, {"Type": "CrashGuest"}),
    "HcsCreateComputeSystem": lambda call, world: world.keep(call("other", emulator.container_document())),
    "HcsCreateEmptyGuestStateFile": lambda call, world: call(world.folder / "a.vmgs"),
    "HcsCreateEmptyRuntimeStateFile": lambda call, world: call(world.folder / "a.vmrs"),
    "HcsCreateOperation": lambda call, world: world.keep(call()),
    "HcsCreateOperationWithNotifications": lambda call, world: world.keep(call(1)),
    "HcsCreateProcess": lambda call, world: world.keep(call(world.system, TRUE)),
    "HcsFinalizeLiveMigration": lambda call, world: call(world.machine, {}),
    "HcsGetOperationProperties": lambda call, world: call(world.operation),
    "HcsGetProcessorCompatibilityFromSavedState": lambda call, world: call(world.file),
    "HcsGrantVmAccess": lambda call, world: call("machine", world.file),
    "HcsGrantVmGroupAccess": lambda call, world: call(world.file),
    "HcsInitializeLiveMigrationOnSource": lambda call, world: call(world.machine, {}),
    "HcsOpenComputeSystem": lambda call, world: world.keep(call(world.fresh.id)),
    "HcsOpenProcess": lambda call, world: world.keep(call(world.system, world.process.pid)),
    "HcsGetProcessInfo": lambda call, world: world.keep(call(world.system, world.process.pid, stdout=hcsrt.PIPE)),
    "HcsResumeComputeSystem": lambda call, world: call(world.paused),
    "HcsRevokeVmAccess": lambda call, world: call("machine", world.file),
    "HcsRevokeVmGroupAccess": lambda call, world: call(world.file),
    "HcsSetComputeSystemCallback": lambda call, world: world.keep(call("other", emulator.container_document())),
    "HcsSetProcessCallback": lambda call, world: world.keep(call(world.system, TRUE)),
    "HcsShutDownComputeSystem": lambda call, world: call(world.system),
    "HcsSignalProcess": lambda call, world: call(world.process, "CtrlC"),
    "HcsStartComputeSystem": lambda call, world: call(world.fresh),
    "HcsStartLiveMigrationTransfer": lambda call, world: call(world.machine, {}),
    "HcsAddResourceToOperation": lambda call, world: call(world.machine, 8, {}),
    "HcsSubmitWerReport": lambda call, world: call({"SystemId": "machine"}),
    "HcsTerminateComputeSystem": lambda call, world: call(world.fresh),
    "HcsTerminateProcess": lambda call, world: call(world.process),
}


@calls("HcsCreateComputeSystemInNamespace")
def create_in_namespace(call: Call, world: World) -> None:
    world.keep(call("other", emulator.container_document(), namespace="ns"))
    assert hcsrt.systems() == []


@calls("HcsOpenComputeSystemInNamespace")
def open_in_namespace(call: Call, world: World) -> None:
    world.keep(hcsrt.ComputeSystem.create("other", emulator.container_document(), namespace="ns"))
    assert world.keep(call("other", namespace="ns")).id == "other"


@calls("HcsEnumerateComputeSystems")
def enumerate_systems(call: Call, world: World) -> None:
    assert world.fresh.id in [item["Id"] for item in call()]


@calls("HcsEnumerateComputeSystemsInNamespace")
def enumerate_systems_in_namespace(call: Call, world: World) -> None:
    assert world.fresh.id not in [item["Id"] for item in call(namespace="ns")]


@calls("HcsGetComputeSystemFromOperation")
def system_of_an_operation(call: Call, world: World) -> None:
    handle = world.system.handle
    assert call(world.operation) is None
    assert call(world.under_way("HcsShutDownComputeSystem", handle)) == int(handle.as_raw())


@calls("HcsGetProcessFromOperation")
def process_of_an_operation(call: Call, world: World) -> None:
    handle = world.process.handle
    assert call(world.operation) is None
    assert call(world.under_way("HcsSignalProcess", handle)) == int(handle.as_raw())


@calls("HcsGetComputeSystemProperties")
def properties(call: Call, world: World) -> None:
    assert call(world.system)["State"] == "Running"


@calls("HcsGetOperationContext")
def operation_context(call: Call, world: World) -> None:
    operations.set_operation_context(world.operation, 7)
    assert call(world.operation) == 7


@calls("HcsSetOperationContext")
def set_operation_context(call: Call, world: World) -> None:
    call(world.operation, 7)
    assert operations.operation_context(world.operation) == 7


@calls("HcsGetOperationId")
def operation_id(call: Call, world: World) -> None:
    with operations.create_operation() as other:
        assert call(world.operation) != call(other)


@calls("HcsGetOperationType")
def operation_type(call: Call, world: World) -> None:
    assert call(world.operation) == -1
    assert call(world.done) == 9


@calls("HcsGetOperationResult")
def operation_result(call: Call, world: World) -> None:
    assert json.loads(call(world.done))["State"] == "Running"


@calls("HcsWaitForOperationResult")
def wait_operation(call: Call, world: World) -> None:
    assert json.loads(call(world.done, 10))["State"] == "Running"


@calls("HcsSetOperationCallback")
def wait_first(call: Call, world: World) -> None:
    assert call([world.done], 10) is world.done


@calls("HcsGetOperationResultAndProcessInfo")
def process_that_fails_at_once(call: Call, world: World) -> None:
    assert world.system
    with _interpose.failing("HcsCreateProcess", E_INVALIDARG), pytest.raises(hcsrt.HcsError, match="E_INVALIDARG"):
        call(world.system, TRUE)


@calls("HcsWaitForOperationResultAndProcessInfo")
def process_that_starts(call: Call, world: World) -> None:
    assert world.keep(call(world.system, TRUE)).wait(10) == 0


@calls("HcsGetProcessProperties")
def process_properties(call: Call, world: World) -> None:
    assert call(world.ended)["ExitCode"] == 0


@calls("HcsModifyProcess")
def modify_process(call: Call, world: World) -> None:
    call(world.process, {"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdOut"}})


@calls("HcsGetServiceProperties")
def service_properties(call: Call, world: World) -> None:
    assert call("Basic")["Properties"][0]["SupportedSchemaVersions"]


@calls("HcsModifyServiceSettings")
def modify_service(call: Call, world: World) -> None:
    details = {"GroupId": "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"}
    call("CpuGroup", {"Operation": "CreateGroup", "OperationDetails": details})


@calls("HcsModifyComputeSystem")
def modify(call: Call, world: World) -> None:
    call(world.machine, "VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 512)
    assert world.machine.memory()["VirtualMachineMemory"]["AssignedMemory"] == 512 * 256


@calls("HcsPauseComputeSystem")
def pause(call: Call, world: World) -> None:
    call(world.machine)
    assert world.machine.properties()["State"] == "Paused"


@calls("HcsSaveComputeSystem")
def save(call: Call, world: World) -> None:
    call(world.paused, world.folder / "saved.vmrs")
    assert (world.folder / "saved.vmrs").exists()


@calls("HcsStartLiveMigrationOnSource")
def start_live_migration(call: Call, world: World) -> None:
    with _interpose.failing("HcsAddResourceToOperation", S_OK):
        call(world.machine, 8, {})


@calls("HcsWaitForComputeSystemExit")
def wait_system_exit(call: Call, world: World) -> None:
    world.fresh.terminate()
    assert json.loads(call(world.fresh.handle, 10))["ExitType"] == "ForcedExit"


@calls("HcsWaitForProcessExit")
def wait_process_exit(call: Call, world: World) -> None:
    assert json.loads(call(world.ended.handle, 10))["ExitCode"] == 0


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_document_has_each_function_of_the_header_once() -> None:
    table = Table()
    functions = sorted(name for name in table.prototypes if name.startswith("Hcs"))
    assert len(functions) == table.level
    assert [row.function for row in rows()] == functions
    assert sorted(CALLS) == functions


def test_the_document_shows_public_names_only() -> None:
    assert {row.function for row in rows() if row.name == "—"} == PRIVATE.keys()
    assert re.findall(r"`[^`]*(?<!\w)_[^`]*`", DOCUMENT.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_document_tells_the_windows_that_has_the_function(row: Row) -> None:
    assert row.since == _functions.since(row.function)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_document_tells_what_asyncio_has(row: Row) -> None:
    # A loop is told of the end of a call, and asks for the result only then.
    waits = row.function.startswith("HcsWaitFor")
    by_hand = row.name.startswith(("operations.", "OwnedOperation."))
    assert row.awaited == ("—" if by_hand or waits else "yes")


def arrives(row: Row, name: Callable[..., Any], world: World) -> bool:
    """Whether the function arrives when it is called through this name."""

    def call(*arguments: Any, **options: Any) -> Any:
        with _interpose.counting() as calls:
            try:
                return name(*arguments, **options)
            finally:
                arrived.update(calls.called())

    arrived: set[str] = set()
    if row.support == "yes":
        CALLS[row.function](call, world)
    else:
        with pytest.raises(hcsrt.NotSupportedError) as caught:
            CALLS[row.function](call, world)
        assert caught.value.operation == row.function
        assert caught.value.hresult & 0xFFFFFFFF == E_NOTIMPL
        assert row.support == "E_NOTIMPL"
    return row.function in arrived


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_each_function_is_called_through_its_name(row: Row, world: World) -> None:
    assert arrives(row, called(row), world)


@pytest.mark.parametrize("row", AWAITED.values(), ids=AWAITED)
def test_each_function_is_called_through_its_name_for_asyncio(
    row: Row, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = resolved(f"aio.{row.name}")
    with portal_module.portal(asyncio.new_event_loop) as portal:
        # The world is made of what has to be awaited.
        monkeypatch.setattr(hcsrt, "ComputeSystem", portal_module.compute_system(portal))
        try:
            assert arrives(row, portal_module.function(portal, name), world)
        finally:
            world.close()


@pytest.mark.parametrize("function", sorted(ROWS.keys() - ESSENTIAL))
def test_a_function_that_this_windows_lacks_is_named(function: str, world: World) -> None:
    name = called(ROWS[function])

    def call(*arguments: Any, **options: Any) -> Any:
        with _interpose.missing(function):
            return name(*arguments, **options)

    with pytest.raises(hcsrt.NotSupportedError) as caught:
        CALLS[function](call, world)
    assert caught.value.operation == function
    assert ROWS[function].since in str(caught.value)


@pytest.mark.parametrize(
    ("function", "migrate"),
    [
        ("HcsStartLiveMigrationOnSource", lambda world: world.machine.start_live_migration(8)),
        ("HcsStartComputeSystem", lambda world: world.fresh.start(migration_socket=8)),
    ],
)
def test_the_socket_of_a_migration_comes_with_its_operation(
    function: str, migrate: Callable[[World], None], world: World
) -> None:
    added: list[tuple[int, int, str, int]] = []
    started: list[int] = []

    def add(operation: int, resource_type: int, uri: int, handle: int) -> int:
        added.append((operation, resource_type, read(uri), handle))
        return 0

    def start(system: int, operation: int, options: int | None) -> int:
        started.append(operation)
        return E_NOTIMPL

    assert world.machine is not world.fresh
    in_place_of = {"HcsAddResourceToOperation": add, function: start}
    with in_place(in_place_of), pytest.raises(hcsrt.NotSupportedError, match=function):
        migrate(world)
    assert added == [(*started, 4, "hcs:/VirtualMachine/LiveMigrationSocket", 8)]
